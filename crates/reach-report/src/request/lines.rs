//! A request as a table: the same cells for every way of writing it down.

use std::ops::RangeInclusive;

use ipnet::IpNet;
use jiff::civil::Date;

use super::{
    Destination, Direction, Field, FormError, RequestForm, Rule, Template, template::Content, words,
};
use crate::{Lang, clean::is_harmful};

/// What a spreadsheet's cell holds at most, in units of UTF-16.
const LONGEST_CELL: usize = 32_767;

/// What a sheet has room for, with some to spare for what stands over and under the table.
const MOST_RULES: usize = 1_000_000;

/// A form laid out in a template's columns.
pub(super) struct Laid {
    /// The language of what the template does not say.
    pub(super) lang: Lang,
    /// The template, or the usual one.
    pub(super) template: Template,
    /// The rules, each with one value a column.
    pub(super) rows: Vec<Vec<Value>>,
}

/// What a cell holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing.
    Empty,
    /// Nothing yet: to fill in.
    Blank,
    /// A number.
    Number(u32),
    /// A day.
    Day(Date),
    /// Text without line breaks and control characters.
    Text(String),
}

/// Checks a form and lays it out.
pub(super) fn lay(form: &RequestForm, template: Option<&Template>) -> Result<Laid, FormError> {
    check(form)?;
    let lang = template.and_then(|template| template.lang).unwrap_or(form.lang);
    let has_nat = form.rules.iter().any(|rule| rule.nat_ip.is_some());
    let template = template.cloned().unwrap_or_else(|| Template::usual(lang, has_nat));
    let writer = Writer { form, template: &template, lang };
    let rows = form.rules.iter().map(|rule| writer.row(rule)).collect::<Result<_, _>>()?;
    Ok(Laid { lang, template, rows })
}

/// What a table's cell can say: one line, without anything that acts on whoever reads it.
pub(super) fn line(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        for c in word.chars() {
            // XML, and so a workbook, has no characters that are none.
            if is_harmful(c) || u32::from(c) & 0xfffe == 0xfffe {
                out.extend(c.escape_unicode());
            } else {
                out.push(c);
            }
        }
    }
    out
}

/// As [`line`], unless a spreadsheet's cell cannot hold it.
pub(super) fn bounded(text: &str, rule: u32, title: &str) -> Result<String, FormError> {
    let text = line(text);
    let characters = text.encode_utf16().count();
    if characters > LONGEST_CELL {
        return Err(FormError::TooLong { rule, title: line(title), characters });
    }
    Ok(text)
}

/// Whether a spreadsheet would take a text for a formula, in whatever width its first character is typed.
pub(super) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
}

struct Writer<'f> {
    form: &'f RequestForm,
    template: &'f Template,
    lang: Lang,
}

impl Writer<'_> {
    fn row(&self, rule: &Rule) -> Result<Vec<Value>, FormError> {
        let cell = |column: &super::Column| {
            let value = match &column.content {
                Content::Empty => Value::Empty,
                Content::Text(text) => text_or(text, Value::Empty),
                Content::Field(field) => self.field(*field, rule),
            };
            match value {
                Value::Text(text) => bounded(&text, rule.number, &column.title).map(Value::Text),
                value => Ok(value),
            }
        };
        self.template.columns.iter().map(cell).collect()
    }

    fn field(&self, field: Field, rule: &Rule) -> Value {
        let form = self.form;
        match field {
            Field::Number => Value::Number(rule.number),
            Field::Alternative if rule.alternative == 0 => Value::Empty,
            Field::Alternative => Value::Text(words::alternative(rule.alternative, self.lang)),
            Field::Firewall => text_or(&rule.firewall, Value::Blank),
            Field::Source => text_or(&self.joined(rule.source.iter().map(net)), Value::Blank),
            Field::SourceName => text_or(&rule.source_name, Value::Blank),
            Field::NatIp => text_or(rule.nat_ip.as_deref().unwrap_or_default(), Value::Blank),
            Field::Destination => Value::Text(self.joined(rule.destination.iter().map(place))),
            Field::DestinationName => text_or(&rule.destination_name, Value::Blank),
            Field::Protocol => Value::Text(rule.protocol.text().to_owned()),
            Field::Port => Value::Text(self.joined(ports(rule))),
            Field::Service => {
                let protocol = rule.protocol.text();
                Value::Text(self.joined(ports(rule).into_iter().map(|port| format!("{protocol}/{port}"))))
            }
            Field::Direction => Value::Text(self.direction(rule.direction).to_owned()),
            Field::Action => Value::Text(
                self.template.action.clone().unwrap_or_else(|| words::allow(self.lang).to_owned()),
            ),
            Field::Purpose => text_or(&rule.purpose, Value::Blank),
            Field::From => Value::Day(rule.from),
            Field::Until => rule.until.map_or_else(|| Value::Text(self.permanent()), Value::Day),
            Field::Period => {
                let from = self.template.dates.text(rule.from);
                let until =
                    rule.until.map_or_else(|| self.permanent(), |until| self.template.dates.text(until));
                Value::Text(format!("{from} ~ {until}"))
            }
            Field::Remark => text_or(&self.remark(rule), Value::Empty),
            Field::Reason => text_or(&form.reason, Value::Blank),
            Field::Requester => optional(form.requester.name.as_deref()),
            Field::Department => optional(form.requester.department.as_deref()),
            Field::Contact => text_or(&contact(form), Value::Blank),
            Field::Made => Value::Day(form.made),
        }
    }

    /// What has no column of its own stands among the remarks.
    fn remark(&self, rule: &Rule) -> String {
        if rule.alternative == 0 || self.template.holds(Field::Alternative) {
            return rule.remark.clone();
        }
        let alternative = words::alternative(rule.alternative, self.lang);
        if line(&rule.remark).is_empty() { alternative } else { format!("{alternative}: {}", rule.remark) }
    }

    fn permanent(&self) -> String {
        self.template.permanent.clone().unwrap_or_else(|| words::permanent(self.lang).to_owned())
    }

    fn direction(&self, direction: Direction) -> &str {
        let of_template = match direction {
            Direction::Out => &self.template.outbound,
            Direction::In => &self.template.inbound,
        };
        of_template.as_deref().unwrap_or(direction.text())
    }

    fn joined(&self, items: impl IntoIterator<Item = String>) -> String {
        items.into_iter().collect::<Vec<_>>().join(&self.template.joiner)
    }
}

/// How the requester is reached.
pub(super) fn contact(form: &RequestForm) -> String {
    let requester = &form.requester;
    let ways = [&requester.phone, &requester.mail];
    ways.into_iter()
        .flatten()
        .map(|way| line(way))
        .filter(|way| !way.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn optional(text: Option<&str>) -> Value {
    text_or(text.unwrap_or_default(), Value::Blank)
}

fn text_or(text: &str, otherwise: Value) -> Value {
    let text = line(text);
    if text.is_empty() { otherwise } else { Value::Text(text) }
}

/// A network, or the address where it is only one.
fn net(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.trunc().to_string() }
}

fn place(destination: &Destination) -> String {
    match destination {
        Destination::Network(network) => net(network),
        Destination::Name(name) => name.clone(),
    }
}

fn ports(rule: &Rule) -> Vec<String> {
    let text = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    rule.ports.iter().filter(|range| !range.is_empty()).map(text).collect()
}

fn check(form: &RequestForm) -> Result<(), FormError> {
    match form.rules.len() {
        0 => return Err(FormError::NoRules),
        rules if rules > MOST_RULES => return Err(FormError::TooMany { rules }),
        _ => {}
    }
    for rule in &form.rules {
        let too_wide =
            |field, value: String| Err(FormError::TooWide { rule: rule.number, field, value: line(&value) });
        let missing = |field| Err(FormError::Missing { rule: rule.number, field });
        if let Some(wide) = rule.source.iter().find(|net| net.prefix_len() == 0) {
            return too_wide(Field::Source, wide.to_string());
        }
        if rule.destination.is_empty() {
            return missing(Field::Destination);
        }
        for destination in &rule.destination {
            match destination {
                Destination::Network(net) if net.prefix_len() == 0 => {
                    return too_wide(Field::Destination, net.to_string());
                }
                Destination::Name(name) if line(name).is_empty() => return missing(Field::Destination),
                Destination::Name(name) if means_all(name) => {
                    return too_wide(Field::Destination, name.clone());
                }
                _ => {}
            }
        }
        if rule.ports.iter().all(|range| range.is_empty()) {
            return missing(Field::Port);
        }
        if covers_all(&rule.ports) {
            return too_wide(Field::Port, ports(rule).join(";"));
        }
    }
    Ok(())
}

/// Whether a name stands for every name.
fn means_all(name: &str) -> bool {
    let name = line(name).to_lowercase();
    let labels = || name.trim_matches('.').split('.');
    matches!(name.as_str(), "any" | "all" | "전체" | "모두" | "모든" | "모든 곳")
        || labels().all(|label| label.is_empty() || label == "*")
}

/// Whether ports leave out none.
fn covers_all(ports: &[RangeInclusive<u16>]) -> bool {
    let mut ranges: Vec<(u16, u16)> =
        ports.iter().filter(|range| !range.is_empty()).map(|range| (*range.start(), *range.end())).collect();
    ranges.sort_unstable();
    let mut next = 1_u32;
    for (first, last) in ranges {
        if u32::from(first) > next {
            return false;
        }
        next = next.max(u32::from(last) + 1);
    }
    next > u32::from(u16::MAX)
}
