//! Metrics as values: one description of each family, and several ways to write it down.
//!
//! [`families`](status::families) says what the watch has to tell; [`text`] writes the text formats of Prometheus
//! and [`otlp`](crate::otlp) the protocol buffers of OpenTelemetry, both from the same list.

pub mod status;
pub mod text;

use std::{borrow::Cow, cmp::Ordering, sync::Arc};

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

/// A label: its name and value.
pub type Label = (Cow<'static, str>, String);

/// Label names with their values, in the order in which they are written. What many series have in common is kept
/// once: of ten thousand addresses there are hundreds of thousands of series.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    common: Option<Arc<[Label]>>,
    own: Vec<Label>,
}

impl Labels {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.common.iter().flat_map(|common| common.iter()).chain(&self.own)
    }

    /// The same, kept so that [`Labels::with`] and copies share it.
    pub fn shared(self) -> Self {
        Self { common: Some(self.iter().cloned().collect()), own: Vec::new() }
    }

    /// The same, and more.
    pub fn with<const N: usize>(&self, more: [(&'static str, &str); N]) -> Self {
        let more = more.into_iter().map(|(name, value)| (Cow::Borrowed(name), value.to_owned()));
        let mut own = Vec::with_capacity(self.own.len() + N);
        own.extend(self.own.iter().cloned().chain(more));
        Self { common: self.common.clone(), own }
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<T: IntoIterator<Item = Label>>(labels: T) -> Self {
        Self { common: None, own: labels.into_iter().collect() }
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Labels {}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

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
        family.push(Labels::default(), value);
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
    /// What was counted in microseconds, in seconds.
    pub fn of_micros(bounds: &[u64], counts: &[u64], sum: u64) -> Self {
        let bounds = bounds.iter().map(|&micros| micros as f64 / 1e6).collect();
        Self { bounds, counts: counts.to_vec(), sum: sum as f64 / 1e6 }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, &count| sum.saturating_add(count))
    }
}

/// Labels out of pairs.
pub fn labels<const N: usize>(pairs: [(&'static str, &str); N]) -> Labels {
    Labels::default().with(pairs)
}
