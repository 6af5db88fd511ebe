//! Values of the file as people write them: texts, numbers, spans of time, shares, sizes.

use std::{ops::RangeInclusive, time::Duration};

use toml::de::DeValue;

use crate::output::shown;

pub(super) fn plain_text(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        other => Err(format!("{} stands where a text in quotes belongs", described(other))),
    }
}

pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|number| number as f64)
        }
        DeValue::Float(float) => float.as_str().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// A value as it can be shown in a sentence.
pub(super) fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("`{}`", shown(text)),
        DeValue::Integer(integer) => format!("`{}`", shown(integer.as_str())),
        DeValue::Float(float) => format!("`{}`", shown(float.as_str())),
        DeValue::Boolean(flag) => format!("`{flag}`"),
        DeValue::Datetime(_) => "a date without quotes".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

pub(super) fn span(value: &DeValue<'_>, allowed: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let show = described(value);
    let DeValue::String(text) = value else {
        return Err(match number(value) {
            Some(number) => format!("{show} has no unit; seconds are written \"{number}s\""),
            None => format!("{show} is no span of time; give one like \"10s\", \"5m\" or \"1h\""),
        });
    };
    let span = humantime::parse_duration(text)
        .map_err(|_| format!("{show} is no span of time; give one like \"10s\", \"5m\" or \"1h\""))?;
    if span < *allowed.start() {
        let least = humantime::format_duration(*allowed.start());
        return Err(format!("{show} is too short; give at least {least}"));
    }
    if span > *allowed.end() {
        let most = humantime::format_duration(*allowed.end());
        return Err(format!("{show} is too long; give at most {most}"));
    }
    Ok(span)
}

pub(super) fn share(value: &DeValue<'_>) -> Result<f64, String> {
    let found = match value {
        DeValue::String(text) => text
            .trim()
            .strip_suffix('%')
            .and_then(|text| text.trim().parse().ok())
            .map(|share: f64| share / 100.0),
        value => number(value),
    };
    found.filter(|share| share.is_finite() && *share > 0.0 && *share < 1.0).ok_or_else(|| {
        format!("{} is no share between nothing and all; give one like \"1%\" or 0.01", described(value))
    })
}

/// Decimal and binary multiples.
const UNITS: [(&str, u64); 12] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("B", 1),
];

pub(super) fn size(value: &DeValue<'_>) -> Result<u64, String> {
    let wrong = || format!("{} is no size; give one like \"500MB\" or \"2GB\"", described(value));
    let bytes = match value {
        DeValue::String(text) => {
            let text = text.trim();
            let (digits, unit) = UNITS
                .iter()
                .find_map(|(name, unit)| text.strip_suffix(name).map(|digits| (digits.trim(), *unit)))
                .unwrap_or((text, 1));
            let number: f64 = digits.parse().map_err(|_| wrong())?;
            number * unit as f64
        }
        value => number(value).ok_or_else(wrong)?,
    };
    if bytes.is_finite() && (0.0..=1e15).contains(&bytes) { Ok(bytes as u64) } else { Err(wrong()) }
}
