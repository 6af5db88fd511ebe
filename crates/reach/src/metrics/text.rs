//! The text formats of Prometheus: exposition format 0.0.4, and OpenMetrics 1.0.

use std::fmt::Write as _;

use super::{Family, Histogram, Kind, Series, Value};

/// Which text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The one that everything understands.
    Plain,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// What comes after all families.
    const fn end(self) -> &'static str {
        match self {
            Format::Plain => "",
            Format::OpenMetrics => "# EOF\n",
        }
    }

    /// The content type to send with it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Format::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What a client wants by its `Accept` header (RFC 9110 §12.5.1): OpenMetrics only where it is named and not
    /// liked less than plain text.
    pub fn wanted(accept: &str) -> Self {
        let mut best = (0.0, Format::Plain);
        for range in accept.split(',').take(32) {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next() {
                Some(kind) if kind.eq_ignore_ascii_case("application/openmetrics-text") => {
                    Format::OpenMetrics
                }
                Some(kind) if kind.eq_ignore_ascii_case("text/plain") => Format::Plain,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
            let Some(weight) = weight.filter(|weight: &f64| (0.0..=1.0).contains(weight)) else { continue };
            if weight > best.0 {
                best = (weight, format);
            }
        }
        best.1
    }
}

/// Writes families in the order given.
pub fn encode(families: &[Family], format: Format) -> String {
    let mut out = String::new();
    for family in families {
        // Writing to a string does not fail.
        let _ = write_family(&mut out, family, format, &mut |_| {});
    }
    out.push_str(format.end());
    out
}

/// Writes one family after the other, and hands the text over in pieces: of ten thousand addresses it is tens of
/// megabytes. [`Encoder::end`] has to come last.
pub struct Encoder<S: FnMut(&str)> {
    format: Format,
    out: String,
    sink: S,
}

impl<S: FnMut(&str)> Encoder<S> {
    /// About so long is a piece.
    const PIECE: usize = 64 * 1024;

    /// Nothing is written yet.
    pub fn new(format: Format, sink: S) -> Self {
        Self { format, out: String::new(), sink }
    }

    /// Writes a family.
    pub fn write(&mut self, family: &Family) {
        let sink = &mut self.sink;
        let mut pass_on = |out: &mut String| {
            if out.len() >= Self::PIECE {
                sink(out);
                out.clear();
            }
        };
        // Writing to a string does not fail.
        let _ = write_family(&mut self.out, family, self.format, &mut pass_on);
    }

    /// Writes what comes at the end.
    pub fn end(mut self) {
        self.out.push_str(self.format.end());
        (self.sink)(&self.out);
    }
}

/// Writes a family; `pause` is called between series.
fn write_family(
    out: &mut String,
    family: &Family,
    format: Format,
    pause: &mut dyn FnMut(&mut String),
) -> std::fmt::Result {
    let name = family.name.as_ref();
    // OpenMetrics names the family without the suffixes of its samples.
    let (stem, kind) = match (family.kind, format) {
        (Kind::Counter, Format::OpenMetrics) => (name.strip_suffix("_total").unwrap_or(name), "counter"),
        (Kind::Info, Format::OpenMetrics) => (name.strip_suffix("_info").unwrap_or(name), "info"),
        (Kind::Counter, Format::Plain) => (name, "counter"),
        (Kind::Gauge, _) | (Kind::Info, Format::Plain) => (name, "gauge"),
        (Kind::Histogram, _) => (name, "histogram"),
    };
    out.push_str("# HELP ");
    out.push_str(stem);
    out.push(' ');
    escape(out, &family.help, format == Format::OpenMetrics);
    writeln!(out, "\n# TYPE {stem} {kind}")?;
    for series in &family.series {
        match &series.value {
            Value::Number(number) => line(out, name, "", series, None, *number)?,
            Value::Histogram(histogram) => write_histogram(out, name, series, histogram)?,
        }
        pause(out);
    }
    Ok(())
}

fn write_histogram(out: &mut String, name: &str, series: &Series, histogram: &Histogram) -> std::fmt::Result {
    let mut below = 0_u64;
    let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
    for (bound, &count) in bounds.zip(&histogram.counts) {
        below = below.saturating_add(count);
        line(out, name, "_bucket", series, Some(bound), below as f64)?;
    }
    line(out, name, "_sum", series, None, histogram.sum)?;
    line(out, name, "_count", series, None, below as f64)
}

fn line(
    out: &mut String,
    name: &str,
    suffix: &str,
    series: &Series,
    bound: Option<f64>,
    value: f64,
) -> std::fmt::Result {
    out.push_str(name);
    out.push_str(suffix);
    let mut open = '{';
    for (label, text) in series.labels.iter() {
        write!(out, "{open}{label}=\"")?;
        escape(out, text, true);
        out.push('"');
        open = ',';
    }
    if let Some(bound) = bound {
        write!(out, "{open}le=\"")?;
        // OpenMetrics wants the floats of classes with a point, and the plain format does not mind.
        if bound.is_finite() && bound.fract() == 0.0 {
            write!(out, "{bound:.1}")?
        } else {
            number(out, bound)?
        }
        out.push('"');
        open = ',';
    }
    out.push_str(if open == ',' { "} " } else { " " });
    number(out, value)?;
    out.push('\n');
    Ok(())
}

fn number(out: &mut String, value: f64) -> std::fmt::Result {
    if value.is_nan() {
        out.push_str("NaN");
        Ok(())
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        Ok(())
    } else if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        write!(out, "{value:e}")
    } else {
        write!(out, "{value}")
    }
}

fn escape(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::labels, *};

    fn family(kind: Kind, name: &'static str) -> Family {
        let mut family = Family::new(kind, name, "What \\ it\nmeans.");
        family.push(labels([("name", "a\"b\\c\nd")]), 1.5);
        family
    }

    #[test]
    fn both_formats_name_a_counter_as_they_must() {
        let families = [family(Kind::Counter, "reach_things_total")];
        assert_eq!(
            encode(&families, Format::Plain),
            "# HELP reach_things_total What \\\\ it\\nmeans.\n# TYPE reach_things_total counter\n\
             reach_things_total{name=\"a\\\"b\\\\c\\nd\"} 1.5\n"
        );
        assert_eq!(
            encode(&families, Format::OpenMetrics),
            "# HELP reach_things What \\\\ it\\nmeans.\n# TYPE reach_things counter\n\
             reach_things_total{name=\"a\\\"b\\\\c\\nd\"} 1.5\n# EOF\n"
        );
    }

    #[test]
    fn pieces_make_the_same_text() {
        let mut many = Family::new(Kind::Gauge, "reach_many", "Many.");
        let common = labels([("name", "push.example"), ("port", "443")]).shared();
        (0..5_000).for_each(|n| many.push(common.with([("address", &n.to_string())]), f64::from(n)));
        let families = [family(Kind::Counter, "reach_things_total"), many];
        for format in [Format::Plain, Format::OpenMetrics] {
            let (mut text, mut pieces) = (String::new(), 0);
            let mut encoder = Encoder::new(format, |piece: &str| {
                text.push_str(piece);
                pieces += 1;
            });
            families.iter().for_each(|family| encoder.write(family));
            encoder.end();
            assert_eq!(text, encode(&families, format));
            assert!(pieces > 3, "{pieces}");
        }
    }

    #[test]
    fn an_info_is_a_gauge_where_there_are_no_infos() {
        let families = [family(Kind::Info, "reach_build_info")];
        assert!(encode(&families, Format::Plain).contains("# TYPE reach_build_info gauge\n"));
        assert!(encode(&families, Format::OpenMetrics).contains("# TYPE reach_build info\n"));
    }

    #[test]
    fn classes_of_a_histogram_are_cumulative_and_end_in_infinity() {
        let mut family = Family::new(Kind::Histogram, "reach_seconds", "Spans.");
        let histogram = Histogram { bounds: vec![0.001, 1.0], counts: vec![2, 3, 4], sum: 12.25 };
        family.push_histogram(labels([("name", "x")]), histogram);
        let text = encode(&[family], Format::OpenMetrics);
        let expected = "reach_seconds_bucket{name=\"x\",le=\"0.001\"} 2\nreach_seconds_bucket{name=\"x\",le=\"1.0\"} 5\n\
                        reach_seconds_bucket{name=\"x\",le=\"+Inf\"} 9\nreach_seconds_sum{name=\"x\"} 12.25\n\
                        reach_seconds_count{name=\"x\"} 9\n# EOF\n";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn numbers_are_written_so_that_they_read_the_same() {
        for value in [0.0, -0.0, 1.0, 1.7e9, 1e300, 1e-300, f64::MIN_POSITIVE, 0.1 + 0.2, -62_135_596_800.0] {
            let mut text = String::new();
            number(&mut text, value).expect("written");
            assert!(text.len() < 40, "{text}");
            assert_eq!(text.parse::<f64>().expect("a number"), value, "{text}");
        }
    }

    #[test]
    fn a_client_gets_the_format_that_it_likes_best() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, format) in [
            ("", Format::Plain),
            ("*/*", Format::Plain),
            ("text/html,application/xhtml+xml", Format::Plain),
            (prometheus, Format::OpenMetrics),
            ("application/openmetrics-text;q=0.1,text/plain;q=0.5", Format::Plain),
            ("application/openmetrics-text;q=0", Format::Plain),
            ("application/openmetrics-text;q=nonsense", Format::Plain),
        ] {
            assert_eq!(Format::wanted(accept), format, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn a_label_never_leaves_its_quotes(text: String, accept: String) {
            let mut family = Family::new(Kind::Gauge, "reach_x", "X.");
            family.push(labels([("name", &text)]), 1.0);
            let encoded = encode(&[family], Format::wanted(&accept));
            let lines: Vec<&str> = encoded.split('\n').filter(|line| line.starts_with("reach_x")).collect();
            prop_assert_eq!(lines.len(), 1);
            let inside = lines[0].strip_prefix("reach_x{name=\"").and_then(|rest| rest.strip_suffix("\"} 1"));
            let mut plain = String::new();
            let mut characters = inside.expect("quotes around it").chars();
            while let Some(character) = characters.next() {
                prop_assert_ne!(character, '"');
                plain.push(match character {
                    '\\' => match characters.next() { Some('n') => '\n', Some(other) => other, None => unreachable!() },
                    other => other,
                });
            }
            prop_assert_eq!(plain, text);
        }
    }
}
