//! The JSON of all providers in one form, read in one pass: whatever is not known is skipped and takes no room.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::MOST_RANGES;

/// What a file can say.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// An array instead of an object: endpoints of Microsoft 365, or texts.
    pub(super) is_array: bool,
    pub(super) token: Option<String>,
    pub(super) date: Option<String>,
    pub(super) change: Option<String>,
    pub(super) entries: Vec<Entry>,
    /// Arrays of texts by their keys.
    pub(super) lists: Vec<(String, Vec<String>)>,
    /// The keys of the outermost object, the first ones.
    pub(super) keys: Vec<String>,
}

/// An entry of a list, whoever wrote it.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Which list it was in.
    pub(super) list: &'static str,
    pub(super) nets: Vec<String>,
    pub(super) service: String,
    pub(super) region: String,
    /// `ipv4Prefix` rather than `ip_prefix`, `addressPrefixes`, `cidr`, `ips`.
    pub(super) shape: Shape,
}

/// How an entry names its networks, which tells whose it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    #[default]
    None,
    Google,
    Aws,
    Azure,
    Atlassian,
    Microsoft365,
    Oracle,
}

/// Keys are shown to people; more of them help nobody.
const MOST_KEYS: usize = 8;

/// The most lists of texts in a file.
const MOST_LISTS: usize = 200;

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfDocument)
    }
}

struct OfDocument;

impl<'de> Visitor<'de> for OfDocument {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut document = Document::default();
        while let Some(key) = map.next_key::<String>()? {
            if document.keys.len() < MOST_KEYS {
                document.keys.push(key.clone());
            }
            match key.as_str() {
                "syncToken" => document.token = map.next_value::<Text>()?.0,
                "creationTime" | "createDate" | "creationDate" | "last_updated_timestamp" => {
                    document.date = map.next_value::<Text>()?.0;
                }
                "changeNumber" => document.change = map.next_value::<Text>()?.0,
                "prefixes" => document.add("prefixes", map.next_value::<Entries>()?)?,
                "ipv6_prefixes" => document.add("ipv6_prefixes", map.next_value::<Entries>()?)?,
                "values" => document.add("values", map.next_value::<Entries>()?)?,
                "items" => document.add("items", map.next_value::<Entries>()?)?,
                "regions" => document.add("regions", map.next_value::<Entries>()?)?,
                "result" => {
                    let inner = map.next_value::<Inner>()?.0;
                    document.lists.extend(inner);
                }
                _ => {
                    let Texts(texts) = map.next_value::<Texts>()?;
                    if !texts.is_empty() && document.lists.len() < MOST_LISTS {
                        document.lists.push((key, texts));
                    }
                }
            }
        }
        Ok(document)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        let mut document = Document { is_array: true, ..Document::default() };
        let mut texts = Vec::new();
        while let Some(item) = seq.next_element::<Item>()? {
            match item {
                Item::Entry(entry) => document.entries.push(entry),
                Item::Text(text) => texts.push(text),
                Item::Other => {}
            }
            bounded::<A::Error>(document.entries.len() + texts.len())?;
        }
        document.lists.push((String::new(), texts));
        Ok(document)
    }
}

impl Document {
    fn add<E: de::Error>(&mut self, list: &'static str, entries: Entries) -> Result<(), E> {
        self.entries.extend(entries.0.into_iter().map(|entry| Entry { list, ..entry }));
        bounded(self.entries.len())
    }
}

/// A list longer than any provider's is refused while it is read.
fn bounded<E: de::Error>(length: usize) -> Result<(), E> {
    if length > MOST_RANGES { Err(E::custom(TOO_MANY)) } else { Ok(()) }
}

/// How a list that is too long is told from one that is broken.
pub(super) const TOO_MANY: &str = "more ranges than are read";

/// Visits whatever comes and keeps nothing that is not asked for.
macro_rules! skipping {
    ($value:ty, $nothing:expr) => {
        type Value = $value;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value")
        }

        fn visit_bool<E: de::Error>(self, _: bool) -> Result<$value, E> {
            Ok($nothing)
        }

        fn visit_f64<E: de::Error>(self, _: f64) -> Result<$value, E> {
            Ok($nothing)
        }

        fn visit_unit<E: de::Error>(self) -> Result<$value, E> {
            Ok($nothing)
        }
    };
}

macro_rules! no_numbers {
    ($value:ty, $nothing:expr) => {
        fn visit_i64<E: de::Error>(self, _: i64) -> Result<$value, E> {
            Ok($nothing)
        }

        fn visit_u64<E: de::Error>(self, _: u64) -> Result<$value, E> {
            Ok($nothing)
        }
    };
}

macro_rules! no_text {
    ($value:ty, $nothing:expr) => {
        fn visit_str<E: de::Error>(self, _: &str) -> Result<$value, E> {
            Ok($nothing)
        }
    };
}

macro_rules! no_array {
    ($value:ty, $nothing:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<$value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok($nothing)
        }
    };
}

macro_rules! no_object {
    ($value:ty, $nothing:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($nothing)
        }
    };
}

macro_rules! read_by {
    ($type:ty, $visitor:ident) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($visitor)
            }
        }
    };
}

/// A text or a number, as text.
struct Text(Option<String>);
struct OfText;
read_by!(Text, OfText);

impl<'de> Visitor<'de> for OfText {
    skipping!(Text, Text(None));
    no_array!(Text, Text(None));
    no_object!(Text, Text(None));

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(Some(text.to_owned())))
    }
}

/// The texts of an array, or one text.
struct Texts(Vec<String>);
struct OfTexts;
read_by!(Texts, OfTexts);

impl<'de> Visitor<'de> for OfTexts {
    skipping!(Texts, Texts(Vec::new()));
    no_numbers!(Texts, Texts(Vec::new()));
    no_object!(Texts, Texts(Vec::new()));
    no_text!(Texts, Texts(Vec::new()));

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(item) = seq.next_element::<Text>()? {
            texts.extend(item.0);
            bounded::<A::Error>(texts.len())?;
        }
        Ok(Texts(texts))
    }
}

/// Lists of texts inside of an object.
struct Inner(Vec<(String, Vec<String>)>);
struct OfInner;
read_by!(Inner, OfInner);

impl<'de> Visitor<'de> for OfInner {
    skipping!(Inner, Inner(Vec::new()));
    no_numbers!(Inner, Inner(Vec::new()));
    no_text!(Inner, Inner(Vec::new()));
    no_array!(Inner, Inner(Vec::new()));

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Inner, A::Error> {
        let mut lists = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let Texts(texts) = map.next_value::<Texts>()?;
            if !texts.is_empty() && lists.len() < MOST_LISTS {
                lists.push((key, texts));
            }
        }
        Ok(Inner(lists))
    }
}

/// The objects of an array.
struct Entries(Vec<Entry>);
struct OfEntries;
read_by!(Entries, OfEntries);

impl<'de> Visitor<'de> for OfEntries {
    skipping!(Entries, Entries(Vec::new()));
    no_numbers!(Entries, Entries(Vec::new()));
    no_text!(Entries, Entries(Vec::new()));
    no_object!(Entries, Entries(Vec::new()));

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(item) = seq.next_element::<Item>()? {
            if let Item::Entry(entry) = item {
                entries.push(entry);
                bounded::<A::Error>(entries.len())?;
            }
        }
        Ok(Entries(entries))
    }
}

/// An element of an array.
enum Item {
    Entry(Entry),
    Text(String),
    Other,
}
struct OfItem;
read_by!(Item, OfItem);

impl<'de> Visitor<'de> for OfItem {
    skipping!(Item, Item::Other);
    no_numbers!(Item, Item::Other);
    no_array!(Item, Item::Other);

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut entry = Entry::default();
        while let Some(key) = map.next_key::<String>()? {
            let shape = match key.as_str() {
                "ipv4Prefix" | "ipv6Prefix" => Shape::Google,
                "ip_prefix" | "ipv6_prefix" => Shape::Aws,
                "addressPrefixes" => Shape::Azure,
                "ips" => Shape::Microsoft365,
                "cidrs" => Shape::Oracle,
                "cidr" => Shape::Atlassian,
                _ => Shape::None,
            };
            match (key.as_str(), shape) {
                (_, Shape::Google | Shape::Aws | Shape::Atlassian) => {
                    entry.nets.extend(map.next_value::<Text>()?.0);
                    entry.shape = shape;
                }
                (_, Shape::Azure | Shape::Microsoft365) => {
                    entry.nets.extend(map.next_value::<Texts>()?.0);
                    entry.shape = shape;
                }
                (_, Shape::Oracle) => {
                    let inner = map.next_value::<Entries>()?.0;
                    entry.nets.extend(inner.into_iter().flat_map(|inner| inner.nets));
                    entry.shape = shape;
                }
                ("properties", _) => {
                    if let Item::Entry(inner) = map.next_value::<Item>()? {
                        entry.nets.extend(inner.nets);
                        entry.shape = inner.shape;
                        entry.region = inner.region;
                    }
                }
                ("service" | "serviceArea" | "name" | "product", _) => {
                    entry.service = map.next_value::<Joined>()?.0
                }
                ("region" | "scope", _) => entry.region = map.next_value::<Joined>()?.0,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            bounded::<A::Error>(entry.nets.len())?;
        }
        Ok(Item::Entry(entry))
    }
}

/// A text, or the texts of an array in one.
struct Joined(String);
struct OfJoined;
read_by!(Joined, OfJoined);

impl<'de> Visitor<'de> for OfJoined {
    skipping!(Joined, Joined(String::new()));
    no_numbers!(Joined, Joined(String::new()));
    no_object!(Joined, Joined(String::new()));

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Joined, E> {
        Ok(Joined(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Joined, A::Error> {
        let mut joined = String::new();
        while let Some(Text(text)) = seq.next_element::<Text>()? {
            if let Some(text) = text.filter(|text| joined.len() + text.len() < 200) {
                if !joined.is_empty() {
                    joined.push(',');
                }
                joined.push_str(&text);
            }
        }
        Ok(Joined(joined))
    }
}
