//! Pictures as vectors, in colours for paper.

use super::{
    PdfError,
    compose::{Composer, FAINT, RowCell, RowLook},
    fonts::Face,
    lines::{self, Span},
    page::{self, BOTTOM, LEFT, MEASURE, Mark, Move, Op, Role, TOP},
};
use crate::chart::{Anchor, Drawing, Paint, Palette, Shape};

/// A CSS pixel in points.
const PIXEL: f32 = 0.75;

/// The size of the letters below a picture.
const CAPTION: f32 = 9.0;

/// From one line of a hatching to the next, in pixels, and the most lines of one.
const HATCH: f32 = 4.0;
const MOST_LINES: f32 = 400.0;

/// Farther away than this nothing is drawn.
const FAR: f64 = 1.0e5;

impl Composer<'_> {
    pub(super) fn figure(&mut self, drawing: &Drawing, caption: &str) -> Result<(), PdfError> {
        let alt = [drawing.title.as_str(), drawing.description.as_str()].join(". ");
        let (width, height) = (number(drawing.width), number(drawing.height));
        match width.zip(height).filter(|(width, height)| *width >= 1.0 && *height >= 1.0) {
            Some((width, height)) => {
                let highest = BOTTOM - TOP - 4.0 * CAPTION;
                let scale = PIXEL.min(MEASURE / width).min(highest / height);
                self.room(height * scale + 3.0 * CAPTION)?;
                let node = self.laid.nodes.add(Role::Figure(alt), None);
                let place = Place { x: LEFT + (MEASURE - width * scale) / 2.0, y: self.y, scale };
                let area = [place.x, place.y, place.x + width * scale, place.y + height * scale];
                let mut ops = vec![Op { node: Some(node), mark: Mark::Clip { area } }];
                for shape in &drawing.shapes {
                    self.shape(shape, &place, node, &mut ops);
                }
                ops.push(Op { node: Some(node), mark: Mark::Unclip });
                self.now().extend(ops);
                self.y += height * scale;
                self.gap(3.0);
            }
            // What cannot be drawn is told.
            None => self.small(&alt)?,
        }
        if !caption.is_empty() {
            self.small(caption)?;
        }
        self.gap(8.0);
        Ok(())
    }

    fn small(&mut self, text: &str) -> Result<(), PdfError> {
        let node = self.laid.nodes.add(Role::Caption, None);
        let span =
            Span { text: text.to_owned(), face: Face::Regular, size: CAPTION, colour: FAINT, link: None };
        let lines = lines::broken(&[span], MEASURE, self.fonts);
        let cell = RowCell { x: LEFT, width: MEASURE, lines, right: false, node: Some(node), ground: None };
        self.row(vec![cell], RowLook { whole: true, ..RowLook::plain(CAPTION) })
    }

    fn shape(&self, shape: &Shape, place: &Place, node: usize, ops: &mut Vec<Op>) {
        let mut push = |mark| ops.push(Op { node: Some(node), mark });
        match shape {
            Shape::Rect { x, y, width, height, radius, paint, hatched, link, .. } => {
                let (Some((x, y)), Some(width), Some(height)) =
                    (place.at(*x, *y), place.length(*width), place.length(*height))
                else {
                    return;
                };
                let radius = place.length(*radius).unwrap_or(0.0);
                push(Mark::Area {
                    outline: page::rectangle(x, y, width, height, radius),
                    colour: colour(*paint),
                });
                if *hatched {
                    let outline = hatching(x, y, width, height, HATCH * place.scale);
                    push(Mark::Stroke {
                        outline,
                        colour: colour(Paint::Ground),
                        width: place.scale,
                        dash: None,
                    });
                }
                if let Some(url) =
                    link.as_ref().filter(|url| url.starts_with("https://") || url.starts_with("http://"))
                {
                    push(Mark::Link { area: [x, y, x + width, y + height], url: url.clone() });
                }
            }
            Shape::Line { points, paint, width, dashed } => {
                let Some(width) = place.length(*width) else { return };
                let dash = dashed.then_some(4.0 * place.scale);
                push(Mark::Stroke {
                    outline: place.along(points, false),
                    colour: colour(*paint),
                    width,
                    dash,
                });
            }
            Shape::Area { points, paint } => {
                push(Mark::Area { outline: place.along(points, true), colour: colour(*paint) });
            }
            Shape::Disc { x, y, radius, paint, .. } => {
                let (Some((x, y)), Some(radius)) = (place.at(*x, *y), place.length(*radius)) else { return };
                let outline = page::rectangle(x - radius, y - radius, 2.0 * radius, 2.0 * radius, radius);
                push(Mark::Area { outline, colour: colour(*paint) });
            }
            Shape::Text { x, y, anchor, size, paint, bold, text } => {
                let (Some((x, y)), Some(size)) = (place.at(*x, *y), place.length(*size)) else { return };
                let face = if *bold { Face::Bold } else { Face::Regular };
                let text = text.replace(['\n', '\r', '\t'], " ");
                let span = Span { text, face, size, colour: colour(*paint), link: None };
                let line =
                    lines::broken(&[span], f32::INFINITY, self.fonts).into_iter().next().unwrap_or_default();
                let x = match anchor {
                    Anchor::Start => x,
                    Anchor::Middle => x - line.width / 2.0,
                    Anchor::End => x - line.width,
                };
                page::put(ops, line, x, y, Some(node));
            }
        }
    }
}

/// Where a picture is on the page.
struct Place {
    x: f32,
    y: f32,
    scale: f32,
}

impl Place {
    fn at(&self, x: f64, y: f64) -> Option<(f32, f32)> {
        Some((self.x + number(x)? * self.scale, self.y + number(y)? * self.scale))
    }

    /// A length that can be seen.
    fn length(&self, length: f64) -> Option<f32> {
        number(length).map(|length| length * self.scale).filter(|length| *length > 0.001)
    }

    fn along(&self, points: &[(f64, f64)], closed: bool) -> Vec<Move> {
        let points = points.iter().filter_map(|(x, y)| self.at(*x, *y));
        let mut outline: Vec<Move> = points
            .enumerate()
            .map(|(at, (x, y))| if at == 0 { Move::To(x, y) } else { Move::Line(x, y) })
            .collect();
        if closed && !outline.is_empty() {
            outline.push(Move::Close);
        }
        outline
    }
}

/// A number that something can be drawn with.
fn number(number: f64) -> Option<f32> {
    (number.is_finite() && number.abs() <= FAR).then_some(number as f32)
}

/// Lines from the lower left to the upper right inside of a rectangle.
fn hatching(x: f32, y: f32, width: f32, height: f32, step: f32) -> Vec<Move> {
    let step = step.max((width + height) / MOST_LINES);
    let mut outline = Vec::new();
    let mut along = step / 2.0;
    while along < width + height {
        // The line on which the distances from the left and from the top add up to `along`.
        let from = (along.min(width), (along - width).max(0.0));
        let to = ((along - height).max(0.0), along.min(height));
        outline.extend([Move::To(x + from.0, y + from.1), Move::Line(x + to.0, y + to.1)]);
        along += step;
    }
    outline
}

/// Colours for paper.
const fn colour(paint: Paint) -> [u8; 3] {
    Palette::LIGHT.colour(paint)
}
