//! Templates in TOML.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Cause, Column, Content, LONGEST_TEXT, MOST_COLUMNS, Part, Template, TemplateError, Wanted};
use crate::{
    Lang,
    request::{Field, dates::DateFormat},
};

/// The settings of a template.
const SETTINGS: &[&str] = &[
    "lang",
    "title",
    "sheet",
    "parts",
    "dates",
    "joiner",
    "permanent",
    "outbound",
    "inbound",
    "action",
    "columns",
];

/// The settings of a column.
const OF_COLUMN: &[&str] = &["title", "group", "field", "text", "width"];

/// The names of [`Field`]s.
pub(super) const FIELDS: [&str; Field::ALL.len()] = {
    let mut keys = [""; Field::ALL.len()];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = Field::ALL[at].key();
        at += 1;
    }
    keys
};

/// The names of [`Part`]s.
const PARTS: [&str; Part::ALL.len()] = {
    let mut keys = [""; Part::ALL.len()];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = Part::ALL[at].key();
        at += 1;
    }
    keys
};

/// Widths that a column can have, in characters.
const WIDTHS: Range<i64> = 1..201;

/// Whether a text is meant as settings: its first line that says something begins like TOML.
pub(super) fn is_settings(text: &str) -> bool {
    let first =
        text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("# ") && *line != "#");
    first.is_none_or(|line| {
        let name: String =
            line.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).collect();
        let rest = line[name.len()..].trim_start();
        line.starts_with('[')
            || (!name.is_empty() && rest.starts_with('='))
            || line.starts_with("#") && !line.contains([',', '\t', ';'])
    })
}

/// Reads settings.
pub(super) fn read(text: &str) -> Result<Template, TemplateError> {
    let reader = Reader { text };
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map(|span| reader.line(span.start));
        let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        TemplateError { line, cause: Cause::Syntax(crate::clean::clean(&message)) }
    })?;
    reader.template(table.get_ref())
}

struct Reader<'t> {
    text: &'t str,
}

type Value<'v> = Spanned<DeValue<'v>>;

impl Reader<'_> {
    fn template(&self, table: &DeTable<'_>) -> Result<Template, TemplateError> {
        self.only(table, SETTINGS)?;
        let Some(columns) = table.get("columns") else {
            return Err(TemplateError { line: None, cause: Cause::NoColumns });
        };
        let mut template = Template::of(self.columns(columns)?);
        template.lang = self.one_of(table, "lang", &["ko", "en"])?.map(|at| [Lang::Ko, Lang::En][at]);
        template.title = self.string(table, "title")?;
        template.sheet = self.string(table, "sheet")?;
        template.permanent = self.string(table, "permanent")?;
        template.outbound = self.string(table, "outbound")?;
        template.inbound = self.string(table, "inbound")?;
        template.action = self.string(table, "action")?;
        if let Some(joiner) = self.string(table, "joiner")? {
            template.joiner = joiner;
        }
        if let Some(pattern) = self.string(table, "dates")? {
            let value = &table["dates"];
            template.dates =
                DateFormat::read(&pattern).map_err(|_| self.bad("dates", value, Wanted::DatePattern))?;
        }
        if let Some(value) = table.get("parts") {
            template.parts = self.parts(value)?;
        }
        template.warnings = super::header::missing(&template);
        Ok(template)
    }

    fn columns(&self, value: &Value<'_>) -> Result<Vec<Column>, TemplateError> {
        let wrong = |value: &Value<'_>| self.bad("columns", value, Wanted::Columns);
        let DeValue::Array(array) = value.get_ref() else { return Err(wrong(value)) };
        if array.is_empty() {
            return Err(self.at(value, Cause::NoColumns));
        }
        if array.len() > MOST_COLUMNS {
            return Err(self.at(value, Cause::TooManyColumns));
        }
        let column = |value: &Value<'_>| match value.get_ref() {
            DeValue::Table(table) => self.column(table, value),
            _ => Err(wrong(value)),
        };
        array.iter().map(column).collect()
    }

    fn column(&self, table: &DeTable<'_>, whole: &Value<'_>) -> Result<Column, TemplateError> {
        self.only(table, OF_COLUMN)?;
        let title = self.string(table, "title")?;
        let field = self.one_of(table, "field", &FIELDS)?.map(|at| Field::ALL[at]);
        let text = self.string(table, "text")?;
        let content = match (field, text) {
            (Some(_), Some(_)) => return Err(self.at(whole, Cause::FieldAndText)),
            (Some(field), None) => Content::Field(field),
            (None, Some(text)) => Content::Text(text),
            (None, None) => Content::Empty,
        };
        let Some(title) = title else { return Err(self.at(whole, Cause::NoTitle)) };
        Ok(Column { title, group: self.string(table, "group")?, content, width: self.width(table)? })
    }

    fn width(&self, table: &DeTable<'_>) -> Result<Option<u16>, TemplateError> {
        let Some(value) = table.get("width") else { return Ok(None) };
        let width = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let width = width.filter(|width| WIDTHS.contains(width)).and_then(|width| u16::try_from(width).ok());
        width.map(Some).ok_or_else(|| self.bad("width", value, Wanted::Width))
    }

    fn parts(&self, value: &Value<'_>) -> Result<Vec<Part>, TemplateError> {
        let DeValue::Array(array) = value.get_ref() else {
            return Err(self.bad("parts", value, Wanted::ListOf(&PARTS)));
        };
        let mut parts = Vec::new();
        for value in array.iter() {
            let known = match value.get_ref() {
                DeValue::String(text) => PARTS.iter().position(|key| *key == text.as_ref()),
                _ => None,
            };
            let Some(at) = known else { return Err(self.bad("parts", value, Wanted::ListOf(&PARTS))) };
            if !parts.contains(&Part::ALL[at]) {
                parts.push(Part::ALL[at]);
            }
        }
        // A form without its table would be no request.
        if !parts.contains(&Part::Rules) {
            parts.push(Part::Rules);
        }
        Ok(parts)
    }

    fn string(&self, table: &DeTable<'_>, name: &'static str) -> Result<Option<String>, TemplateError> {
        let Some(value) = table.get(name) else { return Ok(None) };
        match value.get_ref() {
            DeValue::String(text) if text.chars().nth(LONGEST_TEXT).is_none() => Ok(Some(text.to_string())),
            _ => Err(self.bad(name, value, Wanted::Text)),
        }
    }

    fn one_of(
        &self,
        table: &DeTable<'_>,
        name: &'static str,
        known: &'static [&'static str],
    ) -> Result<Option<usize>, TemplateError> {
        let Some(value) = table.get(name) else { return Ok(None) };
        let at = match value.get_ref() {
            DeValue::String(text) => known.iter().position(|key| *key == text.as_ref()),
            _ => None,
        };
        at.map(Some).ok_or_else(|| self.bad(name, value, Wanted::OneOf(known)))
    }

    fn only(&self, table: &DeTable<'_>, known: &'static [&'static str]) -> Result<(), TemplateError> {
        let unknown = |(key, _): &(&Spanned<_>, _)| !known.contains(&AsRef::<str>::as_ref(key.get_ref()));
        let first = table
            .iter()
            .filter(|entry: &(&Spanned<toml::de::DeString<'_>>, _)| unknown(entry))
            .min_by_key(|(key, _)| key.span().start);
        match first {
            None => Ok(()),
            Some((key, _)) => Err(TemplateError {
                line: Some(self.line(key.span().start)),
                cause: Cause::UnknownSetting { name: crate::clean::clean(key.get_ref()), known },
            }),
        }
    }

    fn bad(&self, name: &'static str, value: &Value<'_>, wanted: Wanted) -> TemplateError {
        let span = value.span();
        let shown = self.text.get(span).unwrap_or_default().lines().next().unwrap_or_default();
        self.at(value, Cause::BadValue { name, value: crate::clean::clean(shown.trim()), wanted })
    }

    fn at(&self, value: &Value<'_>, cause: Cause) -> TemplateError {
        TemplateError { line: Some(self.line(value.span().start)), cause }
    }

    fn line(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}
