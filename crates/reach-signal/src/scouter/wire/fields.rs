//! Records: fields in a fixed order, each in one of the wire's forms.
//!
//! A record is written down once ([`record`]); reading it, writing it and showing it follow from that.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    read::{Malformed, Reader},
    value::{Map, Value},
    write::Writer,
};

/// What is shown of something: JSON with numbers of 64 bits and fields in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number; a text where JSON has no number for it.
    Number(f64),
    /// A text.
    Text(String),
    /// Items.
    List(Vec<Node>),
    /// Fields.
    Object(Vec<(Cow<'static, str>, Node)>),
}

impl Node {
    pub(super) fn object<const N: usize>(fields: [(&'static str, Node); N]) -> Node {
        Node::Object(fields.into_iter().map(|(name, node)| (Cow::Borrowed(name), node)).collect())
    }

    pub(super) fn hex(bytes: &[u8]) -> Node {
        Node::Text(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// A number of 32 bits with the digits that it needs (two at least, as Java has it), and not those that 64 bits
    /// would have.
    pub(super) fn float(number: f32) -> Node {
        let mut digits = format!("{number:e}");
        if digits.trim_start_matches('-').find('e') == Some(1) {
            digits = format!("{number:.1e}");
        }
        Node::Number(digits.parse().unwrap_or_else(|_| number.into()))
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Node {
        Node::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Node {
        Node::Text(text)
    }
}

impl FromIterator<Node> for Node {
    fn from_iter<I: IntoIterator<Item = Node>>(items: I) -> Node {
        Node::List(items.into_iter().collect())
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Int(number) => serializer.serialize_i64(*number),
            Node::Number(number) if number.is_nan() => serializer.serialize_str("NaN"),
            Node::Number(number) if number.is_infinite() => {
                serializer.serialize_str(if *number > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Node::Number(number) => serializer.serialize_f64(*number),
            Node::Text(text) => serializer.serialize_str(text),
            Node::List(items) => serializer.collect_seq(items),
            Node::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, node) in fields {
                    map.serialize_entry(name, node)?;
                }
                map.end()
            }
        }
    }
}

/// Fields that are shown.
pub(super) type Fields = Vec<(Cow<'static, str>, Node)>;

/// Something with fields in a fixed order.
pub(super) trait Layout: Sized {
    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed>;
    fn write(&self, w: &mut Writer);
    fn show(&self, fields: &mut Fields);
}

impl<T: Layout> Layout for Box<T> {
    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        T::read(r).map(Box::new)
    }

    fn write(&self, w: &mut Writer) {
        (**self).write(w);
    }

    fn show(&self, fields: &mut Fields) {
        (**self).show(fields);
    }
}

/// One of the wire's forms of a field.
pub trait Form {
    /// What it holds.
    type Of;
    fn read(r: &mut Reader<'_>) -> Result<Self::Of, Malformed>;
    fn write(value: &Self::Of, w: &mut Writer);
    fn show(value: &Self::Of, name: &'static str, fields: &mut Fields);
}

/// A form of one field: how to read, write and show it.
macro_rules! form {
    ($(#[$doc:meta])* $form:ident: $of:ty, $read:expr, $write:expr, $show:expr) => {
        $(#[$doc])*
        pub struct $form;

        impl Form for $form {
            type Of = $of;

            fn read(r: &mut Reader<'_>) -> Result<$of, Malformed> {
                let read: fn(&mut Reader<'_>) -> Result<$of, Malformed> = $read;
                read(r)
            }

            fn write(value: &$of, w: &mut Writer) {
                let write: fn(&$of, &mut Writer) = $write;
                write(value, w);
            }

            fn show(value: &$of, name: &'static str, fields: &mut Fields) {
                let show: fn(&$of) -> Node = $show;
                fields.push((name.into(), show(value)));
            }
        }
    };
}

form!(Long: i64, |r| r.i64(), |v, w| w.i64(*v), |v| Node::Int(*v));
form!(Int: i32, |r| r.i32(), |v, w| w.i32(*v), |v| Node::Int((*v).into()));
form!(Short: i16, |r| r.i16(), |v, w| w.i16(*v), |v| Node::Int((*v).into()));
form!(Byte: i8, |r| r.u8().map(u8::cast_signed), |v, w| w.u8(v.cast_unsigned()), |v| Node::Int((*v).into()));
form!(Flag: bool, |r| r.u8().map(|byte| byte != 0), |v, w| w.u8((*v).into()), |v| Node::Bool(*v));
form!(Decimal: i64, |r| r.decimal(), |v, w| w.decimal(*v), |v| Node::Int(*v));
form!(Decimal32: i32, |r| r.decimal32(), |v, w| w.decimal((*v).into()), |v| Node::Int((*v).into()));
form!(Text: String, |r| r.text(), |v, w| w.text(v), |v| v.as_str().into());
form!(Blob: Bytes, |r| r.blob().map(|bytes| Bytes(bytes.to_vec())), |v, w| w.blob(&v.0), |v| Node::hex(&v.0));
form!(Any: Value, Value::read, Value::write, Value::show);
form!(
    Ints: Vec<i32>,
    |r| (0..r.count16(4)?).map(|_| r.i32()).collect(),
    |v, w| w.array(v, |w, item| w.i32(*item)),
    |v| v.iter().map(|item| Node::Int((*item).into())).collect()
);

/// Bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Default for Value {
    fn default() -> Value {
        Value::Map(Map::default())
    }
}

/// Fields in the order of the wire, each with its form and its name.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $form:ty = $label:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $(#[doc = concat!("`", $label, "`")] pub $field: <$form as Form>::Of,)*
        }

        impl Layout for $name {
            fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
                Ok(Self { $($field: <$form as Form>::read(r)?,)* })
            }

            fn write(&self, w: &mut Writer) {
                $(<$form as Form>::write(&self.$field, w);)*
            }

            fn show(&self, fields: &mut Fields) {
                $(<$form as Form>::show(&self.$field, $label, fields);)*
            }
        }
    };
}

/// Kinds of things that stand behind a type byte.
macro_rules! kinds {
    (
        $(#[$doc:meta])* $name:ident($unknown:path, $type:literal, $label:literal) {
            $($(#[$kind_doc:meta])* $kind:ident($body:ty) = $code:literal $called:literal),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $($(#[$kind_doc])* $kind($body),)*
        }

        impl $name {
            /// Reads one, its type byte first.
            ///
            /// # Errors
            ///
            /// When the bytes are none, or end too early.
            pub fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
                match r.u8()? {
                    $($code => <$body as Layout>::read(r).map($name::$kind),)*
                    other => Err($unknown(other)),
                }
            }

            /// Writes it, its type byte first.
            pub fn write(&self, w: &mut Writer) {
                match self {
                    $($name::$kind(body) => {
                        w.u8($code);
                        body.write(w);
                    })*
                }
            }

            /// What is shown of it.
            pub fn show(&self) -> Node {
                let mut fields: Fields = Vec::new();
                match self {
                    $($name::$kind(body) => {
                        fields.push(($type.into(), Node::Int($code)));
                        fields.push(($label.into(), $called.into()));
                        body.show(&mut fields);
                    })*
                }
                Node::Object(fields)
            }
        }
    };
}

pub(super) use {kinds, record};

/// Where a step stands among the steps of its transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The index of the step that this one is part of; -1: of none.
    pub parent: i32,
    /// Its own.
    pub index: i32,
    /// When it began, in milliseconds from the transaction's start.
    pub start_time: i32,
    /// Processor time until then, in milliseconds.
    pub start_cpu: i32,
}

/// The form of a [`Place`].
pub struct At;

impl Form for At {
    type Of = Place;

    fn read(r: &mut Reader<'_>) -> Result<Place, Malformed> {
        Ok(Place {
            parent: r.decimal32()?,
            index: r.decimal32()?,
            start_time: r.decimal32()?,
            start_cpu: r.decimal32()?,
        })
    }

    fn write(place: &Place, w: &mut Writer) {
        for number in [place.parent, place.index, place.start_time, place.start_cpu] {
            w.decimal(number.into());
        }
    }

    fn show(place: &Place, _: &'static str, fields: &mut Fields) {
        for (name, number) in [
            ("parent", place.parent),
            ("index", place.index),
            ("start_time", place.start_time),
            ("start_cpu", place.start_cpu),
        ] {
            fields.push((name.into(), Node::Int(number.into())));
        }
    }
}

/// The destination of a call, where it was written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// 1 when the address follows.
    pub opt: i8,
    /// `host:port`, as the program wrote it.
    pub address: Option<String>,
}

/// The form of an [`Address`].
pub struct Optional;

impl Form for Optional {
    type Of = Address;

    fn read(r: &mut Reader<'_>) -> Result<Address, Malformed> {
        let opt = r.u8()?.cast_signed();
        let address = if opt == 1 { Some(r.text()?) } else { None };
        Ok(Address { opt, address })
    }

    fn write(value: &Address, w: &mut Writer) {
        w.u8(value.opt.cast_unsigned());
        if value.opt == 1 {
            w.text(value.address.as_deref().unwrap_or_default());
        }
    }

    fn show(value: &Address, _: &'static str, fields: &mut Fields) {
        fields.push(("opt".into(), Node::Int(value.opt.into())));
        fields.push(("address".into(), value.address.as_deref().map_or(Node::Null, Node::from)));
    }
}
