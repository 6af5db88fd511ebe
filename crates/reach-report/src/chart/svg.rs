//! Drawings as SVG: inside of a page, with colours by class; and as a file of its own.

use std::fmt::Write;

use maud::{Markup, PreEscaped};

use super::{Anchor, Drawing, Paint, Palette, Shape};
use crate::markup::escaped;

/// As a part of a page. The colours are those of the classes in [`STYLE`](super::STYLE); nothing of it needs a style
/// attribute, which a strict content security policy forbids.
///
/// A drawing without a title is decoration: what it shows stands beside it in words.
pub fn svg(drawing: &Drawing) -> Markup {
    PreEscaped(Writer::new(drawing, None).finish())
}

/// As a file of its own, on a light ground.
pub fn svg_standalone(drawing: &Drawing) -> String {
    Writer::new(drawing, Some(Palette::LIGHT)).finish()
}

struct Writer<'a> {
    drawing: &'a Drawing,
    /// The colours, where no style sheet has them.
    palette: Option<Palette>,
    hatch: String,
    out: String,
}

impl<'a> Writer<'a> {
    fn new(drawing: &'a Drawing, palette: Option<Palette>) -> Self {
        Self {
            drawing,
            palette,
            hatch: hatch_name(drawing),
            out: String::with_capacity(drawing.shapes.len() * 96),
        }
    }

    fn finish(mut self) -> String {
        let drawing = self.drawing;
        let (width, height) = (number(drawing.width), number(drawing.height));
        if self.palette.is_some() {
            self.put(format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" font-family=\"'Noto Sans KR','Noto Sans CJK KR',\
                 NanumGothic,sans-serif\""
            ));
        } else {
            self.put(format_args!("<svg class=\"chart\""));
        }
        self.put(format_args!(
            " width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" fill=\"currentColor\""
        ));
        if drawing.title.is_empty() {
            self.put(format_args!(" aria-hidden=\"true\">"));
        } else {
            let (title, description) = (escaped(&drawing.title), escaped(&drawing.description));
            // What is inside of an image is not there for a screen reader; links must be.
            let role = if has_links(drawing) { "group" } else { "img" };
            let label =
                if description.is_empty() { title.clone() } else { format!("{title}. {description}") };
            self.put(format_args!(" role=\"{role}\" aria-label=\"{label}\"><title>{title}</title>"));
            if !description.is_empty() {
                self.put(format_args!("<desc>{description}</desc>"));
            }
        }
        if drawing.shapes.iter().any(|shape| matches!(shape, Shape::Rect { hatched: true, .. })) {
            self.pattern();
        }
        if self.palette.is_some() {
            let fill = self.colour(Paint::Ground, "fill");
            self.put(format_args!("<rect{fill} width=\"{width}\" height=\"{height}\"/>"));
        }
        for shape in &drawing.shapes {
            self.shape(shape);
            if self.palette.is_some() {
                self.out.push('\n');
            }
        }
        self.out.push_str("</svg>");
        if self.palette.is_some() {
            self.out.push('\n');
        }
        self.out
    }

    /// Stripes in the colour of the ground.
    fn pattern(&mut self) {
        let stroke = self.stroke(Paint::Ground);
        let hatch = self.hatch.clone();
        self.put(format_args!(
            "<defs><pattern id=\"{hatch}\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><path{stroke} stroke-width=\"2.4\" stroke-opacity=\".55\" \
             d=\"M0 0V5\"/></pattern></defs>"
        ));
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Rect { x, y, width, height, radius, paint, hatched, tip, link } => {
                let link = link.as_deref().filter(|link| is_harmless(link));
                if let Some(link) = link {
                    let label = tip.as_deref().map(|tip| format!(" aria-label=\"{}\"", escaped(tip)));
                    self.put(format_args!("<a href=\"{}\"{}>", escaped(link), label.unwrap_or_default()));
                }
                let place = format!(
                    " x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}",
                    number(*x),
                    number(*y),
                    number(width.max(0.0)),
                    number(height.max(0.0)),
                    if *radius > 0.0 { format!(" rx=\"{}\"", number(*radius)) } else { String::new() }
                );
                let fill = self.colour(*paint, "fill");
                let said = tip.as_deref().map(|tip| format!("<title>{}</title>", escaped(tip)));
                match (hatched, &said) {
                    (false, None) => self.put(format_args!("<rect{fill}{place}/>")),
                    (false, Some(tip)) => self.put(format_args!("<rect{fill}{place}>{tip}</rect>")),
                    (true, tip) => {
                        let hatch = self.hatch.clone();
                        let tip = tip.as_deref().unwrap_or_default();
                        self.put(format_args!(
                            "<rect{fill}{place}/><rect fill=\"url(#{hatch})\"{place}>{tip}</rect>"
                        ));
                    }
                }
                if link.is_some() {
                    self.out.push_str("</a>");
                }
            }
            Shape::Line { points, paint, width, dashed } => {
                let stroke = self.stroke(*paint);
                let dashes = if *dashed { " stroke-dasharray=\"5 3\"" } else { "" };
                let points = list(points);
                self.put(format_args!(
                    "<polyline{stroke} fill=\"none\" stroke-width=\"{}\"{dashes} stroke-linejoin=\"round\" \
                     pointer-events=\"none\" points=\"{points}\"/>",
                    number(*width)
                ));
            }
            Shape::Area { points, paint } => {
                let fill = self.colour(*paint, "fill");
                let points = list(points);
                self.put(format_args!("<polygon{fill} pointer-events=\"none\" points=\"{points}\"/>"));
            }
            Shape::Disc { x, y, radius, paint, tip } => {
                let fill = self.colour(*paint, "fill");
                let tip = tip.as_deref().map(|tip| format!("<title>{}</title>", escaped(tip)));
                self.put(format_args!(
                    "<circle{fill} cx=\"{}\" cy=\"{}\" r=\"{}\">{}</circle>",
                    number(*x),
                    number(*y),
                    number(*radius),
                    tip.unwrap_or_default()
                ));
            }
            Shape::Text { x, y, anchor, size, paint, bold, text } => {
                let fill = self.colour(*paint, "fill");
                let anchor = match anchor {
                    Anchor::Start => "",
                    Anchor::Middle => " text-anchor=\"middle\"",
                    Anchor::End => " text-anchor=\"end\"",
                };
                let weight = if *bold { " font-weight=\"bold\"" } else { "" };
                self.put(format_args!(
                    "<text{fill} x=\"{}\" y=\"{}\" font-size=\"{}\"{anchor}{weight} pointer-events=\"none\">{}</text>",
                    number(*x),
                    number(*y),
                    number(*size),
                    escaped(text)
                ));
            }
        }
    }

    fn colour(&self, paint: Paint, attribute: &str) -> String {
        match self.palette {
            None => format!(" class=\"{}\"", paint.class()),
            Some(palette) => {
                let [red, green, blue] = palette.colour(paint);
                format!(" {attribute}=\"#{red:02x}{green:02x}{blue:02x}\"")
            }
        }
    }

    fn stroke(&self, paint: Paint) -> String {
        let colour = self.colour(paint, "stroke");
        if self.palette.is_some() { colour } else { format!("{colour} stroke=\"currentColor\"") }
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(text);
    }
}

fn has_links(drawing: &Drawing) -> bool {
    drawing.shapes.iter().any(|shape| match shape {
        Shape::Rect { link: Some(link), .. } => is_harmless(link),
        _ => false,
    })
}

/// Leads to a page, and runs nothing.
fn is_harmless(link: &str) -> bool {
    let relative = link.split(['/', '?', '#']).next().is_none_or(|start| !start.contains(':'));
    let plain = !link.starts_with(|c: char| c.is_control() || c.is_whitespace());
    plain && (relative || link.starts_with("https://") || link.starts_with("http://"))
}

/// A name for the pattern that no other drawing of a page has: by what is drawn (FNV-1a).
fn hatch_name(drawing: &Drawing) -> String {
    let texts = [&drawing.title, &drawing.description].into_iter().flat_map(|text| text.bytes());
    let first = drawing.shapes.iter().take(64).flat_map(|shape| match shape {
        Shape::Text { text, .. } => text.bytes().collect::<Vec<u8>>(),
        _ => Vec::new(),
    });
    let counts = (drawing.shapes.len() as u64).to_be_bytes();
    let hash = texts.chain(first).chain(counts).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("h{hash:016x}")
}

fn list(points: &[(f64, f64)]) -> String {
    let mut out = String::with_capacity(points.len() * 11);
    for (place, (x, y)) in points.iter().enumerate() {
        if place > 0 {
            out.push(' ');
        }
        out.push_str(&number(*x));
        out.push(',');
        out.push_str(&number(*y));
    }
    out
}

/// With a tenth of a pixel; what is no number is drawn at the edge.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawing() -> Drawing {
        let rect = |link: Option<&str>| Shape::Rect {
            x: 1.0,
            y: 2.25,
            width: 30.0,
            height: 4.0,
            radius: 0.0,
            paint: Paint::Bad,
            hatched: true,
            tip: Some("<b> & \"all\"".to_owned()),
            link: link.map(str::to_owned),
        };
        Drawing {
            width: 100.0,
            height: 50.0,
            title: "A <title>".to_owned(),
            description: "What is \"seen\"".to_owned(),
            shapes: vec![
                rect(None),
                rect(Some("/target/12?lang=ko")),
                Shape::Line {
                    points: vec![(0.0, 0.0), (10.0, f64::NAN)],
                    paint: Paint::Median,
                    width: 1.5,
                    dashed: true,
                },
                Shape::Area { points: vec![(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)], paint: Paint::Band(1) },
                Shape::Disc { x: 5.0, y: 5.0, radius: 2.0, paint: Paint::Partly(3), tip: None },
                Shape::Text {
                    x: 0.0,
                    y: 10.0,
                    anchor: Anchor::Middle,
                    size: 11.0,
                    paint: Paint::Ink,
                    bold: true,
                    text: "<script>".to_owned(),
                },
            ],
        }
    }

    #[test]
    fn a_drawing_in_a_page_takes_its_colours_from_classes() {
        let svg = svg(&drawing()).into_string();
        assert!(!svg.contains("style="), "{svg}");
        assert!(!svg.contains('#') || svg.matches('#').count() == svg.matches("url(#h").count(), "{svg}");
        insta::assert_snapshot!("svg", svg.replace("><", ">\n<"));
    }

    #[test]
    fn a_file_has_its_own_colours() {
        let svg = svg_standalone(&drawing());
        assert!(!svg.contains("class=") && !svg.contains("style="), "{svg}");
        insta::assert_snapshot!("svg-standalone", svg.replace("><", ">\n<"));
    }

    #[test]
    fn a_drawing_without_a_title_is_decoration() {
        let svg = svg(&Drawing { title: String::new(), ..drawing() }).into_string();
        assert!(svg.contains("aria-hidden=\"true\"") && !svg.contains("role="), "{svg}");
    }

    #[test]
    fn links_lead_to_pages_only() {
        for good in ["/a", "a/b:c", "?range=1h", "#x", "https://example.com/", "http://192.0.2.1:80/"] {
            assert!(is_harmless(good), "{good}");
        }
        for bad in
            ["javascript:alert(1)", " javascript:x", "data:text/html,x", "\tjavascript:x", "JaVaScript:x"]
        {
            assert!(!is_harmless(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_numbers(value in any::<f64>()) {
            let text = number(value);
            prop_assert!(text.parse::<f64>().is_ok_and(f64::is_finite));
        }
    }
}
