//! Scalars of a module file: as lenient as the YAML library of Go, no more.

use std::{borrow::Cow, collections::BTreeMap, fmt, time::Duration};

use regex::bytes::Regex;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};
use serde_norway::{
    Value,
    value::{Tag, TaggedValue},
};

use crate::blackbox::base64;

/// What is missing or null is as if it were not there.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Truth as YAML 1.1 writes it, too: `yes`, `off`.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = Text::deserialize(deserializer)?.0;
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Ok(true),
        "false" | "no" | "off" | "n" => Ok(false),
        _ => Err(D::Error::custom(format!("`{}` is neither true nor false", text.escape_debug()))),
    }
}

/// A text; numbers and truth values are texts as well where one is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_unit<E: Error>(self) -> Result<Text, E> {
                Ok(Text(String::new()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Texts by name.
pub(super) fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let map = Option::<BTreeMap<String, Text>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(map.into_iter().map(|(name, text)| (name, text.0)).collect())
}

/// One text.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Text::deserialize(deserializer).map(|text| text.0)
}

/// Bytes: a text, or base64 under the tag `!!binary`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Tagged(tagged) if tagged.tag == Tag::new(BINARY) => {
                let text = tagged.value.as_str().and_then(base64::decode);
                text.map(Self).ok_or_else(|| D::Error::custom("what is under !!binary is no base64"))
            }
            value => text(value).map(|text| Self(text.into_bytes())).map_err(D::Error::custom),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let value = Value::String(base64::encode(&self.0));
                TaggedValue { tag: Tag::new(BINARY), value }.serialize(serializer)
            }
        }
    }
}

/// The tag of bytes.
const BINARY: &str = "binary";

/// The library for YAML drops the tags that the standard defines, and would take base64 for the text itself. Under
/// a tag of our own it shows.
pub(super) fn with_visible_tags(text: &str) -> Cow<'_, str> {
    const STANDARD: &str = "!!binary";
    if !text.contains(STANDARD) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while let Some((before, behind)) = rest.split_once(STANDARD) {
            out.push_str(before);
            // Where a value begins; anywhere else it is part of a text.
            let begins =
                before.trim_end().is_empty() || before.trim_end().ends_with([':', '-', '[', ',', '{']);
            out.push_str(if begins { "!binary" } else { STANDARD });
            rest = behind;
        }
        out.push_str(rest);
    }
    Cow::Owned(out)
}

/// A regular expression (RE2 syntax).
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
}

impl Pattern {
    /// The expression, ready to match.
    pub fn regex(&self) -> &Regex {
        &self.regex
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        let regex = Regex::new(&text).map_err(|error| {
            D::Error::custom(format!("`{}` is no regular expression: {error}", text.escape_debug()))
        })?;
        Ok(Self { regex })
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.regex.as_str())
    }
}

/// A span as Go writes it: `1h2m3.5s`, `500ms`; a number alone is nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        span(&text).map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "`{}` is no duration; give one like 500ms or 1m30s",
                text.escape_debug()
            ))
        })
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}s", self.0.as_secs_f64()))
    }
}

/// The longest span that Go can hold, in seconds.
const LONGEST: f64 = 9.2e9;

fn span(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return Some(Duration::ZERO);
    }
    if let Ok(nanos) = text.parse::<u64>() {
        return Some(Duration::from_nanos(nanos));
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, behind) = rest.split_at(end);
        let next = behind.find(|character: char| character.is_ascii_digit() || character == '.');
        let (unit, behind) = behind.split_at(next.unwrap_or(behind.len()));
        let factor = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        rest = behind;
    }
    (total <= LONGEST).then(|| Duration::try_from_secs_f64(total).ok())?
}

/// A number of bytes: `10MB`, where every unit is a power of 1024.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size(pub u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        size(&text).map(Self).ok_or_else(|| {
            D::Error::custom(format!("`{}` is no number of bytes; give one like 10MB", text.escape_debug()))
        })
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}B", self.0))
    }
}

fn size(text: &str) -> Option<u64> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let shift = match unit {
        "" | "B" => 0,
        "KB" | "KiB" => 10,
        "MB" | "MiB" => 20,
        "GB" | "GiB" => 30,
        "TB" | "TiB" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_go_writes_them() {
        for (text, millis) in
            [("5s", 5000), ("1m30s", 90_000), ("500ms", 500), ("1h", 3_600_000), ("1.5s", 1500)]
        {
            assert_eq!(span(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(span("1000000"), Some(Duration::from_millis(1)));
        for text in ["5", "-5s", "5x", "s", "1..2s", "5s5", "99999999999999999999h"] {
            assert!(text == "5" || span(text).is_none(), "{text}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(size("10MB"), Some(10 << 20));
        assert_eq!(size("0"), Some(0));
        assert_eq!(size("1KiB"), Some(1024));
        assert_eq!(size("-1B"), None);
        assert_eq!(size("99999999TB"), None);
    }
}
