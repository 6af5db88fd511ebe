//! The text format, read as far as comparing needs it.

use std::collections::{BTreeMap, BTreeSet};

/// Kind and series of each family.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Families(pub(crate) BTreeMap<String, Family>);

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) series: BTreeMap<BTreeSet<(String, String)>, f64>,
}

impl Families {
    pub(crate) fn read(text: &str) -> Self {
        let mut families = Self::default();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a kind");
                families.0.entry(name.to_owned()).or_default().kind = kind.to_owned();
            } else if !line.starts_with('#') && !line.is_empty() {
                let (series, value) = line.rsplit_once(' ').expect("a value");
                let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
                let family = families.0.entry(name.to_owned()).or_default();
                let value = value.parse().unwrap_or(f64::NAN);
                family.series.insert(labels_of(labels.strip_suffix('}').expect("closed")), value);
            }
        }
        families
    }

    /// The only value of a family.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.series.values().next().copied()
    }
}

fn labels_of(mut text: &str) -> BTreeSet<(String, String)> {
    let mut labels = BTreeSet::new();
    while let Some((name, rest)) = text.split_once("=\"") {
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let end = loop {
            match characters.next().expect("closed") {
                (_, '\\') => value.push(characters.next().expect("escaped").1),
                (end, '"') => break end,
                (_, other) => value.push(other),
            }
        };
        labels.insert((name.trim_start_matches(',').to_owned(), value));
        text = &rest[end + 1..];
    }
    labels
}
