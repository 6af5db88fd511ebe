//! One TOML file, taken key by key: everything that is wrong with it is told at once, each with its line and
//! column, and what nobody asked for is a mistake with a guess at what was meant.

use std::{cell::RefCell, collections::BTreeMap, ops::RangeInclusive, time::Duration};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::values::{described, number, plain_text, share, size, span};
use crate::{
    cli::nearest,
    config::Problems,
    output::{sentence, shown},
};

/// So many mistakes of one file are told; more of them are hardly mistakes in keys.
const MOST_PROBLEMS: usize = 50;

/// A file under examination.
pub(super) struct Sheet<'t> {
    /// As the operator knows it.
    name: String,
    text: &'t str,
    found: RefCell<Vec<(usize, String)>>,
}

impl<'t> Sheet<'t> {
    /// A file of this name with this text.
    pub(super) fn new(name: &str, text: &'t str) -> Self {
        Self { name: shown(name), text, found: RefCell::default() }
    }

    /// The file as a table; what is wrong with its syntax is noted, and the rest can still be read.
    pub(super) fn parse(&self) -> DeTable<'t> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = error.span().map_or(self.text.len(), |span| span.start);
            self.wrong(at, format!("this is no TOML: {}", sentence(error.message().trim())));
        }
        table.into_inner()
    }

    /// Notes that something is wrong at this byte.
    pub(super) fn wrong(&self, at: usize, what: String) {
        self.found.borrow_mut().push((at, what));
    }

    /// Whether anything is wrong so far.
    pub(super) fn is_right(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// What is wrong, in the order of the file.
    pub(super) fn problems(&self) -> Problems {
        let mut found = self.found.borrow().clone();
        found.sort();
        found.dedup();
        let hidden = found.len().saturating_sub(MOST_PROBLEMS);
        let mut problems: Problems = found
            .iter()
            .take(MOST_PROBLEMS)
            .map(|(at, what)| format!("{}: {what}", self.place(*at)))
            .collect();
        if hidden > 0 {
            problems.push(format!("{}: {hidden} more things are wrong", self.name));
        }
        problems
    }

    /// `FILE:LINE:COLUMN` of a byte.
    pub(super) fn place(&self, at: usize) -> String {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let column = self.text.get(start..at).map_or(0, |text| text.chars().count()) + 1;
        format!("{}:{line}:{column}", self.name)
    }
}

/// A text of the file, with its place.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// The text.
    pub(super) text: String,
    /// The byte at which it stands.
    pub(super) at: usize,
}

/// A table of the file. Every key that is asked for is known; [`Section::finish`] tells of the others.
pub(super) struct Section<'s, 't> {
    sheet: &'s Sheet<'t>,
    /// `target[2]`; empty for the whole file.
    path: String,
    table: &'s DeTable<'t>,
    at: usize,
    asked: RefCell<Vec<&'static str>>,
}

impl<'s, 't> Section<'s, 't> {
    /// The whole file.
    pub(super) fn root(sheet: &'s Sheet<'t>, table: &'s DeTable<'t>) -> Self {
        Self { sheet, path: String::new(), table, at: 0, asked: RefCell::default() }
    }

    /// The file.
    pub(super) fn sheet(&self) -> &'s Sheet<'t> {
        self.sheet
    }

    /// Where the value of a key stands; the table, where there is none.
    pub(super) fn at_key(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |value| value.span().start)
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// The whole table as a type with a derive reads it; what is wrong with it is noted.
    pub(super) fn deserialize<T: DeserializeOwned>(&self) -> Option<T> {
        let value = Spanned::new(self.at..self.at, DeValue::Table(self.table.clone()));
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(read) => Some(read),
            Err(error) => {
                let at = error.span().map_or(self.at, |span| span.start);
                let place = if self.path.is_empty() { String::new() } else { format!("`{}`: ", self.path) };
                self.sheet.wrong(at, format!("{place}{}", sentence(error.message().trim())));
                None
            }
        }
    }

    /// Notes that the value of a key is wrong.
    pub(super) fn wrong(&self, key: &str, what: impl AsRef<str>) {
        self.wrong_at(self.at_key(key), key, what);
    }

    /// Notes that something about a key is wrong at this byte.
    pub(super) fn wrong_at(&self, at: usize, key: &str, what: impl AsRef<str>) {
        self.sheet.wrong(at, format!("`{}`: {}", self.full(key), what.as_ref()));
    }

    fn full(&self, key: &str) -> String {
        let key = shown(key);
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }

    fn value(&self, key: &'static str) -> Option<&'s Spanned<DeValue<'t>>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key)
    }

    /// The value of a key, understood; what is wrong with it is noted.
    pub(super) fn take<T>(
        &self,
        key: &'static str,
        understand: impl FnOnce(&DeValue<'t>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.value(key)?;
        understand(value.get_ref()).map_err(|what| self.wrong_at(value.span().start, key, what)).ok()
    }

    /// A text.
    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.take(key, |value| plain_text(value))
    }

    /// A text, understood.
    pub(super) fn parsed<T>(
        &self,
        key: &'static str,
        understand: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.take(key, |value| understand(&plain_text(value)?))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        self.take(key, |value| match value {
            DeValue::Boolean(flag) => Ok(*flag),
            other => Err(format!("{} is neither true nor false", described(other))),
        })
    }

    /// A whole number.
    pub(super) fn count(&self, key: &'static str, allowed: RangeInclusive<u64>) -> Option<u64> {
        self.take(key, |value| {
            number(value)
                .filter(|number| number.fract() == 0.0 && *number >= 0.0)
                .map(|number| number as u64)
                .filter(|number| allowed.contains(number))
                .ok_or_else(|| {
                    format!("{} is no number from {} to {}", described(value), allowed.start(), allowed.end())
                })
        })
    }

    /// A number.
    pub(super) fn number(&self, key: &'static str, allowed: RangeInclusive<f64>) -> Option<f64> {
        self.take(key, |value| {
            number(value).filter(|number| allowed.contains(number)).ok_or_else(|| {
                format!("{} is no number from {} to {}", described(value), allowed.start(), allowed.end())
            })
        })
    }

    /// A span with its unit.
    pub(super) fn span(&self, key: &'static str, allowed: RangeInclusive<Duration>) -> Option<Duration> {
        self.take(key, |value| span(value, &allowed))
    }

    /// A span with its unit, or `"never"`: then `Some(None)`.
    pub(super) fn span_or_never(
        &self,
        key: &'static str,
        allowed: RangeInclusive<Duration>,
    ) -> Option<Option<Duration>> {
        self.take(key, |value| match value {
            DeValue::Boolean(false) => Ok(None),
            DeValue::String(text) if matches!(text.as_ref(), "never" | "off") => Ok(None),
            value => {
                span(value, &allowed).map(Some).map_err(|what| format!("{what}; or \"never\" for not at all"))
            }
        })
    }

    /// A share: `"1%"` or `0.01`.
    pub(super) fn share(&self, key: &'static str) -> Option<f64> {
        self.take(key, share)
    }

    /// A number of bytes: `"2GB"`, `"500MiB"`, or a plain number.
    pub(super) fn size(&self, key: &'static str) -> Option<u64> {
        self.take(key, size)
    }

    /// One text, or a list of them.
    pub(super) fn texts(&self, key: &'static str) -> Vec<Placed> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let one = |value: &Spanned<DeValue<'t>>| match plain_text(value.get_ref()) {
            Ok(text) => Some(Placed { text, at: value.span().start }),
            Err(what) => {
                self.wrong_at(value.span().start, key, what);
                None
            }
        };
        match value.get_ref() {
            DeValue::Array(values) => values.iter().filter_map(one).collect(),
            _ => one(value).into_iter().collect(),
        }
    }

    /// Names with values: `{ service = "push", tier = "1" }`.
    pub(super) fn labels(&self, key: &'static str) -> BTreeMap<String, String> {
        let Some(section) = self.section(key) else { return BTreeMap::new() };
        let mut labels = BTreeMap::new();
        for (name, value) in section.table {
            let (label, at) = (name.get_ref(), name.span().start);
            let usable = !label.is_empty()
                && label.len() <= 64
                && label.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !usable {
                section.wrong_at(
                    at,
                    label,
                    "a label is named by letters, digits and `_`, as in service or tier_1",
                );
            }
            match plain_text(value.get_ref()) {
                Ok(text) if text.chars().count() <= 256 => {
                    labels.insert(label.to_string(), text);
                }
                Ok(_) => {
                    section.wrong_at(value.span().start, label, "the value is longer than 256 characters")
                }
                Err(what) => section.wrong_at(value.span().start, label, what),
            }
        }
        labels
    }

    /// A table.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'s, 't>> {
        let value = self.value(key)?;
        let section = self.inside(self.full(key), value);
        if section.is_none() {
            let what = described(value.get_ref());
            self.wrong_at(
                value.span().start,
                key,
                format!("{what} stands where a table belongs, as in `[{key}]`"),
            );
        }
        section
    }

    /// Whether the value of a key is a list.
    pub(super) fn is_list(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| matches!(value.get_ref(), DeValue::Array(_)))
    }

    /// Tables, each under `[[key]]`.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'s, 't>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(values) => {
                let one = |(number, value): (usize, &'s Spanned<DeValue<'t>>)| {
                    let section = self.inside(format!("{}[{}]", self.full(key), number + 1), value);
                    if section.is_none() {
                        self.wrong_at(
                            value.span().start,
                            key,
                            format!("a table belongs here, as in `[[{key}]]`"),
                        );
                    }
                    section
                };
                values.iter().enumerate().filter_map(one).collect()
            }
            _ => {
                self.wrong_at(
                    value.span().start,
                    key,
                    format!("there may be several of them: write `[[{key}]]` with two brackets"),
                );
                Vec::new()
            }
        }
    }

    fn inside(&self, path: String, value: &'s Spanned<DeValue<'t>>) -> Option<Section<'s, 't>> {
        let table = value.get_ref().as_table()?;
        Some(Section { sheet: self.sheet, path, table, at: value.span().start, asked: RefCell::default() })
    }

    /// Says that a key is needed and is not there.
    pub(super) fn lacks(&self, key: &str, example: &str) {
        self.sheet.wrong(self.at, format!("`{}` is missing; give it like {example}", self.full(key)));
    }

    /// Tells of keys that nobody asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            let advice = match nearest(name, asked.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    let mut known = asked.clone();
                    known.sort_unstable();
                    known.dedup();
                    format!("known here: {}", known.join(", "))
                }
            };
            self.sheet.wrong(key.span().start, format!("`{}` is no key; {advice}", self.full(name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DAY: Duration = Duration::from_secs(86_400);

    fn said(text: &str, read: impl FnOnce(&Section<'_, '_>)) -> Problems {
        let sheet = Sheet::new("reach.toml", text);
        let table = sheet.parse();
        let root = Section::root(&sheet, &table);
        read(&root);
        root.finish();
        sheet.problems()
    }

    #[test]
    fn values_are_understood_with_their_units() {
        let text =
            "a = \"5m\"\nb = \"1%\"\nc = 0.25\nd = \"2GB\"\ne = \"1.5 GiB\"\nf = 4096\ng = \"never\"\n";
        let problems = said(text, |root| {
            assert_eq!(root.span("a", SECOND..=DAY), Some(Duration::from_secs(300)));
            assert_eq!(root.share("b"), Some(0.01));
            assert_eq!(root.share("c"), Some(0.25));
            assert_eq!(root.size("d"), Some(2_000_000_000));
            assert_eq!(root.size("e"), Some(3 << 29));
            assert_eq!(root.size("f"), Some(4096));
            assert_eq!(root.span_or_never("g", SECOND..=DAY), Some(None));
        });
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn a_mistake_is_told_with_line_column_key_and_what_would_be_right() {
        for (text, part) in [
            ("# 주석\na = 5\n", "reach.toml:2:5: `a`: `5` has no unit; seconds are written \"5s\""),
            ("a = \"soon\"\n", "give one like \"10s\", \"5m\" or \"1h\""),
            ("a = \"10ms\"\n", "`10ms` is too short; give at least 1s"),
            ("a = \"9days\"\n", "`9days` is too long; give at most 1day"),
            ("a = \"5m\"\nevrey = 1\n", "reach.toml:2:1: `evrey` is no key; known here: a"),
            ("a = \"5m\"\naa = 1\n", "`aa` is no key; did you mean `a`?"),
            ("a = [\n", "this is no TOML"),
            ("a = \"\u{1b}[2J\"\n", "this is no TOML"),
        ] {
            let problems = said(text, |root| {
                root.span("a", SECOND..=DAY);
            });
            assert!(problems.iter().any(|problem| problem.contains(part)), "{text}: {problems:?}");
        }
    }

    #[test]
    fn tables_are_told_from_lists_of_tables() {
        let single = said("[target]\nname = 'x'\n", |root| assert!(root.sections("target").is_empty()));
        assert!(single[0].contains("write `[[target]]` with two brackets"), "{single:?}");
        let value = said("log = 3\n", |root| assert!(root.section("log").is_none()));
        assert!(value[0].contains("`3` stands where a table belongs"), "{value:?}");
    }

    #[test]
    fn labels_have_names_that_every_system_takes() {
        let problems = said("labels = { \"a b\" = \"x\", ok_1 = \"y\", n = 3 }\n", |root| {
            assert_eq!(root.labels("labels").len(), 2);
        });
        assert_eq!(problems.len(), 2, "{problems:?}");
    }
}
