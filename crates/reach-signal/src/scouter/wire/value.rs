//! Values: what counters, tags and tables hold.

use std::{collections::BTreeMap, net::Ipv4Addr};

use super::{
    fields::Node,
    read::{Malformed, Reader},
    write::Writer,
};

/// A value with its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Decimal(i64),
    /// A number in 32 bits.
    Float(f32),
    /// A number in 64 bits.
    Double(f64),
    /// Numbers in sum.
    DoubleSummary {
        /// All of them together.
        sum: f64,
        /// How many.
        count: i32,
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// Whole numbers in sum.
    LongSummary {
        /// All of them together.
        sum: i64,
        /// How many.
        count: i32,
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// A text.
    Text(String),
    /// The hash of a text.
    TextHash(i32),
    /// Bytes.
    Blob(Vec<u8>),
    /// An IPv4 address.
    Ip4(Ipv4Addr),
    /// Values in order.
    List(Vec<Value>),
    /// Numbers in 32 bits.
    Ints(Vec<i32>),
    /// Numbers in 32 bits that need not be whole.
    Floats(Vec<f32>),
    /// Texts.
    Texts(Vec<String>),
    /// Numbers in 64 bits.
    Longs(Vec<i64>),
    /// Values by name.
    Map(Map),
}

impl Value {
    /// A number, if that is what it is.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Decimal(number) => Some(*number as f64),
            Value::Float(number) => Some(f64::from(*number)),
            Value::Double(number) => Some(*number),
            _ => None,
        }
        .filter(|number| number.is_finite())
    }

    /// A whole number, if that is what it is.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Value::Decimal(number) => Some(*number),
            Value::TextHash(hash) => Some(i64::from(*hash)),
            _ => None,
        }
    }

    /// A text, if that is what it is.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its items, if it is a list; else none.
    pub fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Value, Malformed> {
        Ok(match r.u8()? {
            0 => Value::Null,
            10 => Value::Bool(r.u8()? != 0),
            20 => Value::Decimal(r.decimal()?),
            30 => Value::Float(r.array().map(f32::from_be_bytes)?),
            40 => Value::Double(double(r)?),
            45 => Value::DoubleSummary { sum: double(r)?, count: r.i32()?, min: double(r)?, max: double(r)? },
            46 => Value::LongSummary { sum: r.i64()?, count: r.i32()?, min: r.i64()?, max: r.i64()? },
            50 => Value::Text(r.text()?),
            51 => Value::TextHash(r.i32()?),
            60 => Value::Blob(r.blob()?.to_vec()),
            61 => Value::Ip4(r.array::<4>()?.into()),
            70 => Value::List(r.deeper(|r| (0..r.count32(1)?).map(|_| Value::read(r)).collect())?),
            71 => Value::Ints((0..r.count16(4)?).map(|_| r.i32()).collect::<Result<_, _>>()?),
            72 => Value::Floats(
                (0..r.count16(4)?).map(|_| r.array().map(f32::from_be_bytes)).collect::<Result<_, _>>()?,
            ),
            73 => Value::Texts((0..r.count16(1)?).map(|_| r.text()).collect::<Result<_, _>>()?),
            74 => Value::Longs((0..r.count16(8)?).map(|_| r.i64()).collect::<Result<_, _>>()?),
            80 => Value::Map(Map::read(r)?),
            other => return Err(Malformed::Value(other)),
        })
    }

    pub(super) fn write(&self, w: &mut Writer) {
        match self {
            Value::Null => w.u8(0),
            Value::Bool(value) => w.raw(&[10, u8::from(*value)]),
            Value::Decimal(number) => {
                w.u8(20);
                w.decimal(*number);
            }
            Value::Float(number) => {
                w.u8(30);
                w.raw(&number.to_be_bytes());
            }
            Value::Double(number) => {
                w.u8(40);
                w.raw(&number.to_be_bytes());
            }
            Value::DoubleSummary { sum, count, min, max } => {
                w.u8(45);
                w.raw(&sum.to_be_bytes());
                w.i32(*count);
                w.raw(&min.to_be_bytes());
                w.raw(&max.to_be_bytes());
            }
            Value::LongSummary { sum, count, min, max } => {
                w.u8(46);
                w.i64(*sum);
                w.i32(*count);
                w.i64(*min);
                w.i64(*max);
            }
            Value::Text(text) => {
                w.u8(50);
                w.text(text);
            }
            Value::TextHash(hash) => {
                w.u8(51);
                w.i32(*hash);
            }
            Value::Blob(bytes) => {
                w.u8(60);
                w.blob(bytes);
            }
            Value::Ip4(address) => {
                w.u8(61);
                w.raw(&address.octets());
            }
            Value::List(items) => {
                w.u8(70);
                w.count(items.len());
                items.iter().for_each(|item| item.write(w));
            }
            Value::Ints(items) => {
                w.u8(71);
                w.array(items, |w, item| w.i32(*item));
            }
            Value::Floats(items) => {
                w.u8(72);
                w.array(items, |w, item| w.raw(&item.to_be_bytes()));
            }
            Value::Texts(items) => {
                w.u8(73);
                w.array(items, |w, item| w.text(item));
            }
            Value::Longs(items) => {
                w.u8(74);
                w.array(items, |w, item| w.i64(*item));
            }
            Value::Map(map) => {
                w.u8(80);
                map.write(w);
            }
        }
    }

    pub(super) fn show(&self) -> Node {
        let one = |kind: &'static str, node: Node| Node::object([("vtype", kind.into()), ("v", node)]);
        match self {
            Value::Null => Node::object([("vtype", "null".into())]),
            Value::Bool(value) => one("boolean", Node::Bool(*value)),
            Value::Decimal(number) => one("decimal", Node::Int(*number)),
            Value::Float(number) => Node::object([
                ("vtype", "float".into()),
                ("v", Node::float(*number)),
                ("bits", format!("{:08x}", number.to_bits()).into()),
            ]),
            Value::Double(number) => Node::object([
                ("vtype", "double".into()),
                ("v", Node::Number(*number)),
                ("bits", format!("{:016x}", number.to_bits()).into()),
            ]),
            Value::DoubleSummary { sum, count, min, max } => Node::object([
                ("vtype", "double_summary".into()),
                ("sum", Node::Number(*sum)),
                ("count", Node::Int((*count).into())),
                ("min", Node::Number(*min)),
                ("max", Node::Number(*max)),
            ]),
            Value::LongSummary { sum, count, min, max } => Node::object([
                ("vtype", "long_summary".into()),
                ("sum", Node::Int(*sum)),
                ("count", Node::Int((*count).into())),
                ("min", Node::Int(*min)),
                ("max", Node::Int(*max)),
            ]),
            Value::Text(text) => one("text", text.as_str().into()),
            Value::TextHash(hash) => one("text_hash", Node::Int((*hash).into())),
            Value::Blob(bytes) => Node::object([("vtype", "blob".into()), ("hex", Node::hex(bytes))]),
            Value::Ip4(address) => one("ip4", address.to_string().into()),
            Value::List(items) => one("list", items.iter().map(Value::show).collect()),
            Value::Ints(items) => {
                one("int_array", items.iter().map(|item| Node::Int((*item).into())).collect())
            }
            Value::Floats(items) => one("float_array", items.iter().map(|item| Node::float(*item)).collect()),
            Value::Texts(items) => one("text_array", items.iter().map(|item| item.as_str().into()).collect()),
            Value::Longs(items) => one("long_array", items.iter().map(|item| Node::Int(*item)).collect()),
            Value::Map(map) => map.show(),
        }
    }
}

fn double(r: &mut Reader<'_>) -> Result<f64, Malformed> {
    r.array().map(f64::from_be_bytes)
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Decimal(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Value {
        Value::Decimal(number.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Value {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

/// Values by name, in the order of the wire, which means nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map(pub Vec<(String, Value)>);

impl Map {
    /// The value of a name. The last of several wins.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The items of a list of this name; none where there is no such list.
    pub fn items(&self, name: &str) -> &[Value] {
        self.get(name).map_or(&[], Value::items)
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Map, Malformed> {
        r.deeper(|r| {
            let count = r.count32(2)?;
            (0..count).map(|_| Ok((r.text()?, Value::read(r)?))).collect::<Result<_, _>>().map(Map)
        })
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.count(self.0.len());
        for (key, value) in &self.0 {
            w.text(key);
            value.write(w);
        }
    }

    pub(super) fn show(&self) -> Node {
        let sorted: BTreeMap<&str, &Value> =
            self.0.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let entries = sorted.into_iter().map(|(key, value)| (key.to_owned().into(), value.show())).collect();
        Node::object([("vtype", "map".into()), ("v", Node::Object(entries))])
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Map {
        Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}
