//! What all charts are drawn with.

use reach_core::Time;
use unicode_width::UnicodeWidthChar;

use super::{Anchor, Drawing, Mark, Paint, Shape, Window, axis};
use crate::Lang;

/// The size of most letters.
pub(crate) const LETTER: f64 = 11.0;

/// The room that the axis of time takes.
pub(crate) const AXIS: f64 = 36.0;

/// The narrowest and the widest chart.
const WIDTHS: (f64, f64) = (240.0, 4_000.0);

/// A width that a chart can be drawn in.
pub(crate) fn sane_width(width: f64) -> f64 {
    if width.is_finite() { width.clamp(WIDTHS.0, WIDTHS.1) } else { 960.0 }
}

/// How wide a text is at most. No font is asked: sans-serif digits and capitals take less, wide characters no more.
pub(crate) fn width_of(text: &str, size: f64) -> f64 {
    text.chars().map(columns).sum::<usize>() as f64 * size * 0.6
}

fn columns(c: char) -> usize {
    c.width().unwrap_or(1)
}

/// At most so wide a text.
pub(crate) fn fitted(text: &str, room: f64, size: f64) -> String {
    if width_of(text, size) <= room {
        return text.to_owned();
    }
    let room = (room / (size * 0.6)).floor().max(0.0) as usize;
    if room == 0 {
        return String::new();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += self::columns(*c);
        used <= room
    });
    format!("{}…", kept.collect::<String>())
}

/// A rectangle without anything to say.
pub(crate) const fn plain(x: f64, y: f64, width: f64, height: f64, paint: Paint) -> Shape {
    Shape::Rect { x, y, width, height, radius: 0.0, paint, hatched: false, tip: None, link: None }
}

/// A rectangle that says something.
pub(crate) const fn telling(x: f64, y: f64, width: f64, height: f64, paint: Paint, tip: String) -> Shape {
    Shape::Rect { x, y, width, height, radius: 0.0, paint, hatched: false, tip: Some(tip), link: None }
}

pub(crate) const fn line(points: Vec<(f64, f64)>, paint: Paint, width: f64) -> Shape {
    Shape::Line { points, paint, width, dashed: false }
}

pub(crate) const fn dashes(points: Vec<(f64, f64)>, paint: Paint, width: f64) -> Shape {
    Shape::Line { points, paint, width, dashed: true }
}

/// Text of the usual size.
pub(crate) const fn text(x: f64, y: f64, anchor: Anchor, paint: Paint, text: String) -> Shape {
    Shape::Text { x, y, anchor, size: LETTER, paint, bold: false, text }
}

/// The part of a drawing in which time runs from left to right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plot {
    pub(crate) window: Window,
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

impl Plot {
    pub(crate) fn x(&self, time: Time) -> f64 {
        self.left + self.window.share(time) * (self.right - self.left)
    }

    /// The left edge and the width of a stretch; narrow ones are drawn so wide that they are seen.
    pub(crate) fn stretch(&self, from: Time, until: Time, least: f64) -> (f64, f64) {
        let (x, end) = (self.x(from), self.x(until));
        let width = (end - x).max(least).min(self.right - self.left);
        (x.min(self.right - width), width)
    }

    /// Lines at the ticks of the axis, behind everything.
    pub(crate) fn grid(&self, shapes: &mut Vec<Shape>, lang: Lang) {
        for tick in self.ticks(lang) {
            let x = self.x(tick.at);
            shapes.push(line(vec![(x, self.top), (x, self.bottom)], Paint::Grid, 1.0));
        }
    }

    /// The axis of time below the plot: [`AXIS`] high.
    pub(crate) fn axis(&self, shapes: &mut Vec<Shape>, lang: Lang) {
        let (y, end) = (self.bottom, self.right);
        shapes.push(line(vec![(self.left, y), (end, y)], Paint::Faint, 1.0));
        let zone = crate::units::zone(self.window.offset_s);
        let mut free = [f64::NEG_INFINITY; 2];
        let zone_at = end - width_of(&zone, LETTER);
        shapes.push(text(end, y + 29.0, Anchor::End, Paint::Faint, zone));
        for tick in self.ticks(lang) {
            let x = self.x(tick.at);
            shapes.push(line(vec![(x, y), (x, y + 4.0)], Paint::Faint, 1.0));
            let lines = [Some(tick.label), tick.below];
            for (row, label) in lines.into_iter().enumerate() {
                let Some(label) = label else { continue };
                let half = width_of(&label, LETTER) / 2.0;
                let limit = if row == 0 { end } else { zone_at - 6.0 };
                // At the edges it is moved inside; where there is no room it is left out.
                let middle = x.min(limit - half).max(self.left.min(limit - half) + half);
                if middle - half < free[row] || middle + half > limit + 0.5 || (middle - x).abs() > half + 1.0
                {
                    continue;
                }
                free[row] = middle + half + 6.0;
                let y = y + 16.0 + 13.0 * row as f64;
                shapes.push(text(middle, y, Anchor::Middle, Paint::Faint, label));
            }
        }
    }

    fn ticks(&self, lang: Lang) -> Vec<axis::Tick> {
        let most = ((self.right - self.left) / 64.0).floor().max(1.0) as usize;
        axis::ticks(&self.window, most, lang)
    }

    /// What happened, in a lane of its own above the plot, with lines down through it where it began and ended.
    pub(crate) fn marks(&self, shapes: &mut Vec<Shape>, marks: &[Mark], lane: f64, lang: Lang) {
        for mark in marks {
            let until = mark.until.unwrap_or(self.window.until);
            let Some((from, until)) =
                self.window.part(mark.from, until.max(mark.from + std::time::Duration::from_micros(1)))
            else {
                continue;
            };
            let (x, width) = self.stretch(from, until, 4.0);
            let when = match mark.until {
                Some(end) => self.window.stretch(mark.from, end, lang),
                None => crate::words::chart::since(&self.window.moment(mark.from), lang),
            };
            shapes.push(Shape::Rect {
                x,
                y: lane,
                width,
                height: 7.0,
                radius: 2.0,
                paint: Paint::Accent,
                hatched: false,
                tip: Some(format!("{}: {when}", mark.label)),
                link: mark.link.clone(),
            });
            let began = (mark.from >= self.window.from).then(|| self.x(mark.from));
            let ended = mark.until.filter(|&end| end <= self.window.until).map(|end| self.x(end));
            for x in began.into_iter().chain(ended) {
                shapes.push(dashes(vec![(x, lane + 7.0), (x, self.bottom)], Paint::Accent, 1.0));
            }
        }
    }

    /// Times in which nothing was watched.
    pub(crate) fn gaps(&self, shapes: &mut Vec<Shape>, gaps: &[(Time, Time)], lang: Lang) {
        for &(from, until) in gaps {
            let Some((inside, end)) = self.window.part(from, until) else { continue };
            let (x, width) = self.stretch(inside, end, 1.0);
            let tip = format!(
                "{}: {}",
                self.window.stretch(from, until, lang),
                crate::words::chart::not_watched(lang)
            );
            shapes.push(telling(x, self.top, width, self.bottom - self.top, Paint::Unknown, tip));
        }
    }
}

/// A line of what the colours stand for; where it is too long, several. Gives the height taken.
pub(crate) fn legend(
    shapes: &mut Vec<Shape>,
    entries: &[(Paint, bool, String)],
    (left, top): (f64, f64),
    right: f64,
) -> f64 {
    let (mut x, mut y) = (left, top);
    for (paint, hatched, label) in entries {
        let label = fitted(label, right - left - 16.0, LETTER);
        let width = 16.0 + width_of(&label, LETTER);
        if x > left && x + width > right {
            (x, y) = (left, y + 16.0);
        }
        shapes.push(Shape::Rect {
            x,
            y,
            width: 11.0,
            height: 11.0,
            radius: 0.0,
            paint: *paint,
            hatched: *hatched,
            tip: None,
            link: None,
        });
        shapes.push(text(x + 16.0, y + 9.5, Anchor::Start, Paint::Faint, label));
        x += width + 14.0;
    }
    if entries.is_empty() { 0.0 } else { y + 16.0 - top }
}

/// Everything that is drawn, with the room it takes: for tests.
#[cfg(test)]
pub(crate) fn is_sound(drawing: &Drawing) -> Result<(), String> {
    let inside = |x: f64, y: f64| {
        x.is_finite()
            && y.is_finite()
            && (-0.6..=drawing.width + 0.6).contains(&x)
            && (-0.6..=drawing.height + 0.6).contains(&y)
    };
    if !(drawing.width.is_finite()
        && drawing.height.is_finite()
        && drawing.width > 0.0
        && drawing.height > 0.0)
    {
        return Err(format!("{} × {}", drawing.width, drawing.height));
    }
    for shape in &drawing.shapes {
        let good = match shape {
            Shape::Rect { x, y, width, height, .. } => {
                inside(*x, *y) && inside(x + width, y + height) && *width >= 0.0 && *height >= 0.0
            }
            Shape::Line { points, .. } | Shape::Area { points, .. } => {
                points.iter().all(|&(x, y)| inside(x, y))
            }
            Shape::Disc { x, y, radius, .. } => {
                inside(x - radius, y - radius) && inside(x + radius, y + radius)
            }
            Shape::Text { x, y, anchor, size, text, .. } => {
                let width = width_of(text, *size);
                let start = match anchor {
                    Anchor::Start => *x,
                    Anchor::Middle => x - width / 2.0,
                    Anchor::End => x - width,
                };
                inside(start, *y - size * 0.8) && inside(start + width, *y)
            }
        };
        if !good {
            return Err(format!("{shape:?} in {} × {}", drawing.width, drawing.height));
        }
    }
    Ok(())
}

impl Drawing {
    /// An empty one.
    pub(crate) fn new(width: f64, height: f64, title: String) -> Self {
        Self { width, height, title, description: String::new(), shapes: Vec::new() }
    }
}
