//! The HTTP API of a collector: which questions are asked, and what their answers say.
//!
//! It gives texts where the wire has hashes, and all numbers as strings. What it says is turned into packs, so that
//! both say the same.

use std::{collections::BTreeMap, net::IpAddr};

use reach_core::Time;
use serde_json::Value as Json;
use thiserror::Error;

use super::{
    collector::Day,
    dictionary::TextKind,
    reading::Reading,
    wire::{
        Address, AlertPack, ApiCall, Bytes, Map, Method, ObjectPack, Pack, Place, Socket, Sql3, Step, Value,
        XLog, hash, write_steps,
    },
};

/// How many items of an answer are looked at.
const MOST: usize = 20_480;

/// A question that reads. There is no way to ask another: some addresses of this API change things, though they are
/// asked by GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether it is there, and of which version. It never needs a login.
    Server,
    /// All objects.
    Objects,
    /// The newest values of counters, of all objects of a type.
    Counters {
        /// Their names.
        names: Vec<String>,
        /// The type.
        obj_type: String,
    },
    /// Alerts from a position on; without one, only where they end now.
    Alerts(Option<Offsets>),
    /// Transactions of some objects from a position on.
    XLogs(Offsets, Vec<i32>),
    /// What a transaction did.
    Profile(Day, i64),
    /// Texts.
    Texts(Day, Vec<(TextKind, i32)>),
    /// How full the disks of a host are.
    Disks(i32),
}

/// A position in one of the collector's rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offsets(pub i64, pub i64);

impl Question {
    /// Its path behind the API's base URL, with its query.
    pub fn path(&self) -> String {
        match self {
            Question::Server => "/v1/info/server".to_owned(),
            Question::Objects => "/v1/object".to_owned(),
            Question::Counters { names, obj_type } => {
                format!("/v1/counter/realTime/{}/ofType/{}", names.join(","), escaped(obj_type))
            }
            Question::Alerts(from) => {
                let Offsets(first, second) = from.unwrap_or_default();
                format!("/v1/alert/realTime/{first}/{second}")
            }
            Question::XLogs(Offsets(first, second), objects) => {
                let objects: Vec<String> = objects.iter().map(i32::to_string).collect();
                format!("/v1/xlog-data/realTime/{first}/{second}?objHashes={}", objects.join(","))
            }
            Question::Profile(day, txid) => format!("/v1/profile-data/{day}/{txid}"),
            Question::Texts(day, wanted) => {
                let keys: Vec<String> =
                    wanted.iter().map(|(kind, hash)| format!("{}:{hash}", kind.code())).collect();
                format!("/v1/dictionary/{day}?dictKeys={}", keys.join(","))
            }
            Question::Disks(host) => format!("/v1/object/host/realTime/disk/ofObject/{host}"),
        }
    }
}

/// A word of a path in which nothing means anything but itself.
fn escaped(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    word.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Why an answer says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Trouble {
    /// It is not what this API answers.
    #[error("not an answer of Scouter's HTTP API")]
    Strange,
    /// Who asks is not let in.
    #[error("not allowed: {0}")]
    Login(String),
    /// The question is not understood, or could not be answered. Others may be.
    #[error("refused: {0}")]
    Refused(String),
    /// Nobody answers.
    #[error("not reached: {0}")]
    Away(String),
}

/// What an answer's envelope holds.
///
/// # Errors
///
/// When it holds a refusal, or is none.
pub fn result(body: &[u8]) -> Result<Json, Trouble> {
    let mut envelope: Json = serde_json::from_slice(body).map_err(|_| Trouble::Strange)?;
    let status = text(&envelope, "status").ok_or(Trouble::Strange)?;
    let said = text(&envelope, "message").unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
    match status.as_str() {
        "200" => Ok(envelope.get_mut("result").map(Json::take).unwrap_or_default()),
        "401" | "403" => Err(Trouble::Login(said)),
        // A wrong password is not found.
        "404" if said.contains("password") => Err(Trouble::Login(said)),
        _ => Err(Trouble::Refused(said)),
    }
}

/// Takes an answer in. Gives the position to go on from, where the question has one.
pub fn answered(now: Time, question: &Question, result: &Json, reading: &mut Reading) -> Option<Offsets> {
    match question {
        Question::Server => {}
        Question::Objects => {
            let objects: Vec<Pack> = items(result).filter_map(object).map(Pack::Object).collect();
            reading.listed(now, &objects);
        }
        Question::Counters { .. } => counters(now, result, reading),
        Question::Alerts(from) => {
            // The first answer holds what was raised before anybody listened.
            let alerts = items(result.get("alerts")?).filter(|_| from.is_some());
            for alert in alerts.map(alert) {
                reading.heard(now, &Pack::Alert(alert));
            }
            return Some(Offsets(number(result, "offset1")?, number(result, "offset2")?));
        }
        Question::XLogs(..) => {
            for xlog in items(result.get("xlogs")?) {
                if let Some(xlog) = transaction(xlog, reading) {
                    reading.heard(now, &Pack::XLog(Box::new(xlog)));
                }
            }
            return Some(Offsets(number(result, "offset1")?, number(result, "offset2")?));
        }
        Question::Profile(_, txid) => {
            let steps: Vec<Step> = items(result).filter_map(|item| step(item, reading)).collect();
            if !steps.is_empty() {
                reading.profile(now, *txid, &write_steps(&steps));
            }
        }
        Question::Texts(..) => {
            for item in items(result) {
                let kind = text(item, "textType").and_then(|kind| TextKind::of(&kind));
                if let (Some(kind), Some(hash), Some(text)) =
                    (kind, hash_of(item, "dictKey"), text(item, "text"))
                {
                    reading.learn(kind, hash, &text);
                }
            }
        }
        Question::Disks(host) => {
            let column = |name: &str| items(result).map(|item| value(item, name)).collect::<Vec<_>>();
            let table: Map = [("Mount", Value::List(column("mount"))), ("Pct", Value::List(column("pct")))]
                .into_iter()
                .map(|(name, list)| (name.to_owned(), list))
                .collect();
            reading.disks(now, *host, &table);
        }
    }
    None
}

fn object(item: &Json) -> Option<ObjectPack> {
    Some(ObjectPack {
        obj_type: text(item, "objType")?,
        obj_hash: hash_of(item, "objHash")?,
        obj_name: text(item, "objName")?,
        alive: item.get("alive")?.as_bool()?,
        tags: Value::Map(items_of(item.get("tags")?)),
        ..ObjectPack::default()
    })
}

fn counters(now: Time, result: &Json, reading: &mut Reading) {
    let mut of: BTreeMap<i32, Vec<(String, Value)>> = BTreeMap::new();
    for item in items(result) {
        if let (Some(hash), Some(name)) = (hash_of(item, "objHash"), text(item, "name")) {
            of.entry(hash).or_default().push((name, value(item, "value")));
        }
    }
    for (hash, values) in of {
        reading.counters(now, hash, values.iter().map(|(name, value)| (name.as_str(), value)));
    }
}

fn alert(item: &Json) -> AlertPack {
    let level = match text(item, "level").as_deref() {
        Some("WARN") => 1,
        Some("ERROR") => 2,
        Some("FATAL") => 3,
        _ => 0,
    };
    AlertPack {
        time: number(item, "time").unwrap_or(0),
        level,
        obj_type: text(item, "objType").unwrap_or_default(),
        obj_hash: hash_of(item, "objHash").unwrap_or(0),
        title: text(item, "title").unwrap_or_default(),
        message: text(item, "message").unwrap_or_default(),
        ..AlertPack::default()
    }
}

/// A transaction: its texts are learnt, and what belongs to users is not even read.
fn transaction(item: &Json, reading: &mut Reading) -> Option<XLog> {
    let mut learn = |name: &str, kind: TextKind| {
        let text = text(item, name).filter(|text| !text.is_empty());
        text.map_or(0, |text| {
            let hash = hash(text.as_bytes());
            reading.learn(kind, hash, &text);
            hash
        })
    };
    let mut xlog = XLog::default();
    xlog.head.error = learn("error", TextKind::Error);
    xlog.head.service = learn("service", TextKind::Service);
    xlog.head.end_time = number(item, "endTime").unwrap_or(0);
    xlog.head.obj_hash = hash_of(item, "objHash")?;
    xlog.head.txid = number(item, "txid")?;
    xlog.head.elapsed = hash_of(item, "elapsed").unwrap_or(0);
    xlog.set_x_type(match text(item, "xlogType").as_deref() {
        Some("WEB_SERVICE") | None => 0,
        Some("APP_SERVICE") => 1,
        Some(_) => 2,
    });
    Some(xlog)
}

/// A step that matters here; parameters of statements are not read.
fn step(item: &Json, reading: &mut Reading) -> Option<Step> {
    let step = item.get("step")?;
    let small = |name: &str| hash_of(step, name).unwrap_or(0);
    let at = Place { parent: hash_of(step, "parent")?, index: hash_of(step, "index")?, ..Place::default() };
    Some(match text(step, "stepTypeName")?.as_str() {
        "SOCKET" => {
            let address = text(item, "mainValue").and_then(|text| text.parse::<IpAddr>().ok());
            let ipaddr = match address {
                Some(IpAddr::V4(address)) => address.octets().to_vec(),
                Some(IpAddr::V6(address)) => address.octets().to_vec(),
                None => Vec::new(),
            };
            let (port, elapsed, error) = (small("port"), small("elapsed"), small("error"));
            Step::Socket(Socket { at, ipaddr: Bytes(ipaddr), port, elapsed, error })
        }
        "APICALL" | "APICALL2" | "DISPATCH" => {
            let address = Address { opt: 1, address: text(step, "address") };
            let (elapsed, error) = (small("elapsed"), small("error"));
            Step::ApiCall(ApiCall { at, elapsed, error, address, ..ApiCall::default() })
        }
        "SQL" | "SQL2" | "SQL3" => {
            let (hash, elapsed, error) = (small("hash"), small("elapsed"), small("error"));
            if let Some(sql) = text(item, "mainValue") {
                reading.learn(TextKind::Sql, hash, &sql);
            }
            Step::Sql3(Sql3 { at, hash, elapsed, error, ..Sql3::default() })
        }
        "METHOD" | "METHOD2" => {
            let hash = small("hash");
            if let Some(name) = text(item, "mainValue") {
                reading.learn(TextKind::Method, hash, &name);
            }
            Step::Method(Method { at, hash, ..Method::default() })
        }
        _ => return None,
    })
}

fn items(list: &Json) -> impl Iterator<Item = &Json> {
    list.as_array().into_iter().flatten().take(MOST)
}

fn items_of(tags: &Json) -> Map {
    let entries = tags.as_object().into_iter().flatten().take(100);
    Map(entries.map(|(name, _)| (name.clone(), value(tags, name))).collect())
}

fn text(item: &Json, name: &str) -> Option<String> {
    item.get(name)?.as_str().map(str::to_owned)
}

fn number(item: &Json, name: &str) -> Option<i64> {
    let value = item.get(name)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn hash_of(item: &Json, name: &str) -> Option<i32> {
    number(item, name).and_then(|number| i32::try_from(number).ok())
}

/// A value: numbers are strings here, and so are texts.
fn value(item: &Json, name: &str) -> Value {
    match item.get(name) {
        Some(Json::Bool(value)) => Value::Bool(*value),
        Some(Json::String(text)) => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Value::Decimal(number),
            (_, Ok(number)) => Value::Double(number),
            _ => Value::Text(text.clone()),
        },
        Some(Json::Number(number)) => number.as_f64().map_or(Value::Null, Value::Double),
        _ => Value::Null,
    }
}
