//! Metrics as values: one description of each family, and several ways to write it down.
//!
//! [`families`](status::families) says what the watch has to tell; [`text`] writes the text formats of Prometheus
//! and [`otlp`](crate::otlp) the protocol buffers of OpenTelemetry, both from the same list.

pub mod status;
pub mod text;

use std::borrow::Cow;

/// One metric family: a name, what it means, and its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name as the text format 0.0.4 has it, with `_total` or `_info` where that belongs to it.
    pub name: Cow<'static, str>,
    /// What it means, in one line.
    pub help: Cow<'static, str>,
    /// What kind it is.
    pub kind: Kind,
    /// The series; no two have the same labels.
    pub series: Vec<Series>,
}

/// The kind of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, but for restarts. The name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in classes.
    Histogram,
    /// Always 1; what it tells is in the labels. The name ends in `_info`.
    Info,
}

/// One series of a family.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Names and values, in the order in which they are written.
    pub labels: Labels,
    /// Its value at this moment.
    pub value: Value,
}

/// Label names with their values.
pub type Labels = Vec<(Cow<'static, str>, String)>;

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a counter, a gauge or an info.
    Number(f64),
    /// Of a histogram.
    Histogram(Histogram),
}

/// What a histogram counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// The upper bounds of the classes, ascending; the last class, above all of them, has none.
    pub bounds: Vec<f64>,
    /// How many fell into each class, one more than there are bounds. Not cumulative.
    pub counts: Vec<u64>,
    /// The sum of all that was counted.
    pub sum: f64,
}

impl Family {
    /// A family without any series yet.
    pub fn new(kind: Kind, name: &'static str, help: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), help: Cow::Borrowed(help), kind, series: Vec::new() }
    }

    /// A gauge of one series without labels.
    pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        let mut family = Self::new(Kind::Gauge, name, help);
        family.push(Vec::new(), value);
        family
    }

    /// Adds a series of one number.
    pub fn push(&mut self, labels: Labels, value: f64) {
        self.series.push(Series { labels, value: Value::Number(value) });
    }

    /// Adds a series of a histogram.
    pub fn push_histogram(&mut self, labels: Labels, histogram: Histogram) {
        self.series.push(Series { labels, value: Value::Histogram(histogram) });
    }
}

impl Histogram {
    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, &count| sum.saturating_add(count))
    }
}

/// Labels out of pairs.
pub fn labels<const N: usize>(pairs: [(&'static str, &str); N]) -> Labels {
    pairs.into_iter().map(|(name, value)| (Cow::Borrowed(name), value.to_owned())).collect()
}
