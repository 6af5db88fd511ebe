//! One installation, heard in three ways: its collector asked on TCP, its agents' datagrams, its HTTP API. Each way says
//! what operators use Scouter for: errors by class and destination, rates of errors, slow statements, full disks, agents
//! that are gone, heaps and garbage collection.

#![forbid(unsafe_code)]

use std::{collections::BTreeMap, time::Duration};

use reach_core::{
    Time,
    signal::{FailureClass, Gauge, HostFrom, Signal, Word},
};
use reach_signal::scouter::{
    api::{Offsets, Question, answered, result},
    collector::{Account, Action, Day, Rounds, Settings},
    dictionary::{Dictionary, TextKind},
    reading::{self, Reading},
    wire::{
        Address, AlertPack, ApiCall, Bytes, Counters, Datagram, Map, MapPack, Method, ObjectPack, Pack,
        Place, Profile, Profile2, Reader, Socket, Sql3, Step, TextPack, Value, Writer, XLog, hash, hexa32,
        packs, write_steps,
    },
};
use serde_json::{Value as Json, json};

const HOST: &str = "/was01";
const JVM: &str = "/was01/push-api-1";
const TIMED_OUT: &str = "java.net.SocketTimeoutException: Connect timed out";
const OWN: &str = "java.lang.IllegalStateException: no stock of '홍길동'";
const SLOW: &str = "warning slow sql, over 300 ms";
const OPENS: &str = "OPEN-DBC jdbc:mysql://kim:s3cret@db.example.kr:3306/orders?user=kim (getConnection())";
const SQL: &str = "select *\n  from orders where id = @{1}";
const NO_DATABASE: &str = "java.net.ConnectException: Connection refused";

fn start() -> Time {
    Time::from_micros(1_795_335_300_000_000)
}

fn of(text: &str) -> i32 {
    hash(text.as_bytes())
}

fn reading(asks: bool) -> Reading {
    let settings = reading::Settings { source: "apm".into(), objects: vec![], asks };
    Reading::new(settings, Dictionary::default())
}

fn object(name: &str, obj_type: &str, alive: bool) -> ObjectPack {
    ObjectPack {
        obj_type: obj_type.into(),
        obj_hash: of(name),
        obj_name: name.into(),
        alive,
        tags: Value::Map(Map::default()),
        ..ObjectPack::default()
    }
}

/// What the JVM counts: 123 requests in 30 s, of which 12 fail; a full heap that is collected most of the time.
fn counters() -> Vec<(&'static str, Value)> {
    vec![
        ("ErrorRate", Value::Float(10.0)),
        ("TPS", Value::Float(4.1)),
        ("HeapUsed", Value::Float(520.0)),
        ("HeapTotal", Value::Float(544.0)),
        ("GcTime", Value::Decimal(1500)),
    ]
}

/// A transaction that failed: its number, the hash of its error, its steps.
struct Failed {
    txid: i64,
    error: &'static str,
    steps: Vec<Step>,
}

fn at(index: i32, parent: i32) -> Place {
    Place { index, parent, ..Place::default() }
}

fn transactions() -> Vec<Failed> {
    let address = Address { opt: 1, address: Some("push.example.kr:-1".into()) };
    let call = ApiCall { at: at(0, -1), error: of("Connect timed out"), address, ..ApiCall::default() };
    let socket = Socket {
        at: at(1, 0),
        ipaddr: Bytes(vec![192, 0, 2, 10]),
        port: 8088,
        elapsed: 1000,
        error: of(TIMED_OUT),
    };
    let open = |index| Step::Method(Method { at: at(index, -1), hash: of(OPENS), ..Method::default() });
    let other = Step::Method(Method { at: at(0, -1), hash: of("a.B.c()"), ..Method::default() });
    let statement = Sql3 { at: at(2, -1), hash: of(SQL), elapsed: 901, ..Sql3::default() };
    vec![
        Failed { txid: 11, error: TIMED_OUT, steps: vec![Step::Socket(socket), Step::ApiCall(call)] },
        Failed { txid: 12, error: OWN, steps: vec![other.clone()] },
        Failed { txid: 13, error: SLOW, steps: vec![other, open(1), Step::Sql3(statement)] },
        Failed { txid: 14, error: NO_DATABASE, steps: vec![open(0)] },
    ]
}

fn xlog(failed: &Failed) -> Pack {
    let mut xlog = XLog::default();
    (xlog.head.obj_hash, xlog.head.txid, xlog.head.error) = (of(JVM), failed.txid, of(failed.error));
    Pack::XLog(Box::new(xlog))
}

fn texts() -> BTreeMap<(TextKind, i32), &'static str> {
    let errors = [TIMED_OUT, "Connect timed out", OWN, SLOW, NO_DATABASE].map(|text| (TextKind::Error, text));
    let methods = [OPENS, "a.B.c()"].map(|text| (TextKind::Method, text));
    let all = errors.into_iter().chain(methods).chain([(TextKind::Sql, SQL)]);
    all.map(|(kind, text)| ((kind, of(text)), text)).collect()
}

/// What every way says.
fn expect(signals: &[Signal], way: &str) {
    let words: Vec<&Word> = signals.iter().map(|signal| &signal.word).collect();
    let count = |is: &dyn Fn(&Word) -> bool| words.iter().filter(|word| is(word)).count();
    let shown = || format!("{way}: {signals:#?}");

    let by_destination = |host: &str, port, class| {
        count(&|word| {
            matches!(word, Word::Failure(failure) if failure.class == class
                && failure.host.as_deref() == Some(host) && failure.host_from == Some(HostFrom::Context)
                && failure.port == Some(port))
        })
    };
    assert_eq!(by_destination("push.example.kr", 8088, FailureClass::ConnectTimeout), 1, "{}", shown());
    assert_eq!(by_destination("db.example.kr", 3306, FailureClass::Refused), 1, "{}", shown());
    let own = "java.lang.IllegalStateException";
    let faults = count(&|word| matches!(word, Word::Fault(fault) if fault.name.as_deref() == Some(own)));
    assert_eq!(faults, 1, "{}", shown());

    let requests: Vec<_> = signals
        .iter()
        .filter_map(|signal| match &signal.word {
            Word::Requests(requests) => Some((signal.origin.service.as_deref(), requests)),
            _ => None,
        })
        .collect();
    assert!(!requests.is_empty(), "{}", shown());
    for (service, requests) in requests {
        assert_eq!((service, requests.total, requests.failed), (Some("jetty"), 123, 12), "{way}");
        assert_eq!(requests.span, Duration::from_secs(30));
    }

    let statements: Vec<_> = words
        .iter()
        .filter_map(|word| match word {
            Word::Statement(statement) => Some(statement),
            _ => None,
        })
        .collect();
    let [statement] = statements.as_slice() else { panic!("{}", shown()) };
    assert_eq!(
        statement.text.split_whitespace().collect::<Vec<_>>().join(" "),
        "select * from orders where id = @{1}"
    );
    assert_eq!(statement.database.as_deref(), Some("mysql://db.example.kr:3306/orders"), "{way}");
    assert_eq!(statement.elapsed, Some(Duration::from_millis(901)));

    let level = |gauge, of: &str, share: f64| {
        count(&|word| {
            matches!(word, Word::Level(level)
                if level.gauge == gauge && level.of == of && (level.share - share).abs() < 0.01)
        })
    };
    assert!(level(Gauge::DiskSpace, "/", 0.95) > 0, "{}", shown());
    assert!(level(Gauge::Heap, JVM, 520.0 / 544.0) > 0, "{}", shown());
    assert!(level(Gauge::Collection, JVM, 0.75) > 0, "{}", shown());
    let gone = count(&|word| matches!(word, Word::Presence { thing, alive: false } if thing == JVM));
    assert_eq!(gone, 1, "{}", shown());

    let told = serde_json::to_string(signals).expect("JSON");
    for private in ["kim", "s3cret", "홍길동"] {
        assert!(!told.contains(private), "{way}: {private}");
    }
}

/// Kept texts have nothing of users either.
fn expect_kept(reading: &mut Reading, way: &str) {
    let kept = serde_json::to_string(reading.dictionary()).expect("JSON");
    for private in ["kim", "s3cret", "홍길동"] {
        assert!(!kept.contains(private), "{way}: {kept}");
    }
}

#[test]
fn the_collector_is_asked() {
    let settings = Settings {
        account: Account::new("admin", "admin"),
        version: "0.1".into(),
        every: Duration::from_secs(3),
        disks_every: Duration::from_secs(300),
        offset: 0,
    };
    let mut rounds = Rounds::new(settings, reading(true));
    let (mut now, mut signals, mut rounds_answered) = (start(), Vec::new(), 0);
    let until = start() + Duration::from_secs(120);
    while now < until {
        match rounds.poll(now) {
            Action::Connect => rounds.connected(now),
            Action::Send(bytes) => {
                let answer = collector(&bytes, now.since(start()) < Duration::from_secs(60));
                rounds.received(now, &answer);
            }
            Action::Close => {}
            Action::Wait(next) => now = next.expect("there is always something to do"),
        }
        rounds_answered += u32::from(rounds.answered());
        signals.extend(rounds.reading().signals());
    }
    assert!((35..=41).contains(&rounds_answered), "{rounds_answered}");
    expect(&signals, "collector");
    expect_kept(rounds.reading(), "collector");
}

/// What a collector answers. Its JVM is gone after a while.
fn collector(request: &[u8], alive: bool) -> Vec<u8> {
    let request = request.strip_prefix(&[0xca, 0xfe, 0x20, 0x01]).unwrap_or(request);
    let length = usize::from(request[0]);
    let name = std::str::from_utf8(&request[1..=length]).expect("a name");
    let rest = &request[9 + length..];
    let table = match Pack::read(&mut Reader::new(rest)) {
        Ok(Pack::Map(pack)) => pack.table,
        _ => Map::default(),
    };
    let number = |name: &str| table.get(name).and_then(Value::integer).unwrap_or(0);
    let tables = |table: Map| vec![Pack::Map(MapPack { table })];
    let position = |index: i64| [("loop", 0), ("index", index)].into_iter().collect::<Map>();
    let list = |values: Vec<Value>| Value::List(values);
    let packs = match name {
        "LOGIN" => tables([("session", 7)].into_iter().collect()),
        "OBJECT_LIST_REAL_TIME" => {
            vec![Pack::Object(object(HOST, "linux", true)), Pack::Object(object(JVM, "jetty", alive))]
        }
        "COUNTER_REAL_TIME_ALL_MULTI" => {
            let jvm = table.get("objType").and_then(Value::text) == Some("jetty");
            let rows = if jvm { counters() } else { Vec::new() };
            tables(
                [
                    ("objHash", rows.iter().map(|_| of(JVM)).collect()),
                    ("counter", rows.iter().map(|(name, _)| *name).collect()),
                    ("value", list(rows.iter().map(|(_, value)| value.clone()).collect())),
                ]
                .into_iter()
                .collect(),
            )
        }
        "ALERT_REAL_TIME" | "TRANX_REAL_TIME_GROUP_LATEST" => tables(position(5)),
        "TRANX_REAL_TIME_GROUP" => {
            let mut packs = tables(position(9));
            if number("index") == 5 {
                packs.extend(transactions().iter().map(xlog));
            }
            packs
        }
        "TRANX_PROFILE" => {
            let all = transactions();
            let failed = all.iter().find(|failed| failed.txid == number("txid")).expect("a transaction");
            // The collector does not say whose it is.
            vec![Pack::Profile(Profile { profile: Bytes(write_steps(&failed.steps)), ..Profile::default() })]
        }
        "GET_TEXT_100" => {
            let kind = table.get("type").and_then(Value::text).and_then(TextKind::of).expect("a kind");
            let known = texts();
            let texts = table.items("hash").iter().filter_map(|hash| {
                let hash = hash.integer()?;
                Some((hexa32(hash), *known.get(&(kind, i32::try_from(hash).ok()?))?))
            });
            tables(texts.collect())
        }
        "HOST_DISK_USAGE" => tables(
            [("Mount", list(vec!["/".into()])), ("Pct", list(vec![Value::Float(95.0)]))]
                .into_iter()
                .collect(),
        ),
        other => panic!("not a command that reads: {other}"),
    };
    let mut w = Writer::default();
    for pack in packs {
        w.raw(&[3]);
        pack.write(&mut w);
    }
    w.raw(&[4]);
    w.into_bytes()
}

#[test]
fn datagrams_are_heard() {
    let mut reading = reading(false);
    let mut signals = Vec::new();
    let mut hear = |reading: &mut Reading, now: Time, all: Vec<Pack>| {
        let datagram = Datagram::all(all).write();
        for pack in packs(&datagram).expect("a datagram").0 {
            reading.heard(now, &pack);
        }
        reading.poll(now);
        signals.extend(reading.signals());
    };
    for second in (0..120).step_by(2) {
        let now = start() + Duration::from_secs(second);
        let mut all = vec![Pack::Object(object(HOST, "linux", true))];
        if second < 60 {
            let data = counters().into_iter().collect();
            let jvm =
                Counters { obj_name: JVM.into(), timetype: 1, data: Value::Map(data), ..Counters::default() };
            all.extend([Pack::Object(object(JVM, "jetty", true)), Pack::Counters(jvm)]);
        }
        if second == 30 {
            for failed in transactions() {
                let profile = Bytes(write_steps(&failed.steps));
                let (obj_hash, txid) = (of(JVM), failed.txid);
                all.push(Pack::Profile2(Profile2 { obj_hash, txid, profile, ..Profile2::default() }));
                all.push(xlog(&failed));
            }
            // Agents explain themselves afterwards.
            for ((kind, hash), text) in texts() {
                all.push(Pack::Text(TextPack { xtype: kind.code().into(), hash, text: text.into() }));
            }
            all.push(Pack::Alert(AlertPack {
                level: 3,
                obj_type: "linux".into(),
                obj_hash: of(HOST),
                title: "FATAL_DISK_USAGE".into(),
                message: "/ usage 95% total=100.0GB.. available=5.0GB".into(),
                ..AlertPack::default()
            }));
        }
        hear(&mut reading, now, all);
    }
    expect(&signals, "datagrams");
    expect_kept(&mut reading, "datagrams");
}

#[test]
fn the_http_api_is_asked() {
    let mut reading = reading(true);
    let mut signals = Vec::new();
    let mut from = Offsets::default();
    for second in (0..120).step_by(3) {
        let now = start() + Duration::from_secs(second);
        let ask = |reading: &mut Reading, question: Question| {
            let body = api(&question, second < 60).to_string();
            answered(now, &question, &result(body.as_bytes()).expect("an answer"), reading)
        };
        ask(&mut reading, Question::Objects);
        ask(&mut reading, Question::Counters { names: vec!["TPS".into()], obj_type: "jetty".into() });
        ask(&mut reading, Question::Alerts((second > 0).then_some(Offsets(0, 1))));
        from = ask(&mut reading, Question::XLogs(from, vec![of(JVM)])).expect("a position");
        for (txid, at) in reading.wanted_profiles() {
            ask(&mut reading, Question::Profile(Day::of(at, 0), txid));
            assert!(!reading.lacks_profile(txid));
        }
        let wanted = reading.wanted_texts(now).into_iter();
        let wanted: Vec<_> =
            wanted.flat_map(|(kind, hashes)| hashes.into_iter().map(move |hash| (kind, hash))).collect();
        if !wanted.is_empty() {
            ask(&mut reading, Question::Texts(Day::of(now, 0), wanted));
        }
        if second % 60 == 0 {
            ask(&mut reading, Question::Disks(of(HOST)));
        }
        reading.poll(now);
        signals.extend(reading.signals());
    }
    expect(&signals, "HTTP API");
    expect_kept(&mut reading, "HTTP API");
    let alerts = signals.iter().filter(|signal| matches!(signal.word, Word::Alert(_))).count();
    assert_eq!(alerts, 0, "what was raised before anybody listened is not told");
}

/// What an HTTP API answers: all numbers as texts, and texts where the wire has hashes.
fn api(question: &Question, alive: bool) -> Json {
    let text = |value: &dyn ToString| value.to_string();
    let objects = |name: &str, obj_type: &str, alive: bool| json!({ "objType": obj_type, "objHash": text(&of(name)), "objName": name, "alive": alive, "tags": {} });
    let answer = match question {
        Question::Objects => json!([objects(HOST, "linux", true), objects(JVM, "jetty", alive)]),
        Question::Counters { .. } => {
            let value = |value: &Value| value.number().expect("a number").to_string();
            let row = |(name, number): &(&str, Value)| json!({ "objHash": text(&of(JVM)), "name": name, "value": value(number) });
            counters().iter().map(row).collect()
        }
        Question::Alerts(from) => {
            let old = json!({ "objHash": "1", "level": "WARN", "title": "OLD", "message": "" });
            let alerts = if from.is_none() { vec![old] } else { vec![] };
            json!({ "offset1": "0", "offset2": "1", "alerts": alerts })
        }
        Question::XLogs(from, _) => {
            let xlog = |failed: &Failed| {
                json!({
                    "objHash": text(&of(JVM)), "txid": text(&failed.txid), "error": failed.error,
                    "service": "/orders", "xlogType": "WEB_SERVICE", "endTime": "0",
                })
            };
            let all = transactions();
            let first = *from == Offsets::default();
            let xlogs: Vec<Json> = all.iter().filter(|_| first).map(xlog).collect();
            json!({ "offset1": "0", "offset2": "4", "xlogs": xlogs })
        }
        Question::Profile(_, txid) => {
            let all = transactions();
            let failed = all.iter().find(|failed| failed.txid == *txid).expect("a transaction");
            failed.steps.iter().map(step).collect()
        }
        Question::Texts(_, wanted) => {
            let known = texts();
            let row = |key: &(TextKind, i32)| {
                let (kind, hash) = key;
                Some(json!({ "textType": kind.code(), "dictKey": text(hash), "text": known.get(key)? }))
            };
            wanted.iter().filter_map(row).collect()
        }
        Question::Disks(_) => json!([{ "mount": "/", "pct": "95.0" }]),
        Question::Server => json!([]),
    };
    json!({ "status": "200", "resultCode": "0", "message": "success", "result": answer })
}

fn step(step: &Step) -> Json {
    let known = texts();
    let place = |at: &Place, kind: &str, more: Json| {
        let mut step =
            json!({ "parent": at.parent.to_string(), "index": at.index.to_string(), "stepTypeName": kind });
        let fields = step.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        step
    };
    match step {
        Step::Socket(socket) => {
            let bytes = <[u8; 4]>::try_from(socket.ipaddr.0.as_slice()).expect("IPv4");
            let more = json!({
                "port": socket.port.to_string(), "elapsed": socket.elapsed.to_string(), "error": socket.error.to_string(),
            });
            json!({ "mainValue": std::net::Ipv4Addr::from(bytes).to_string(), "step": place(&socket.at, "SOCKET", more) })
        }
        Step::ApiCall(call) => {
            let more = json!({ "error": call.error.to_string(), "address": call.address.address });
            json!({ "mainValue": "", "step": place(&call.at, "APICALL", more) })
        }
        Step::Method(method) => {
            let more = json!({ "hash": method.hash.to_string() });
            let name = known[&(TextKind::Method, method.hash)];
            json!({ "mainValue": name, "step": place(&method.at, "METHOD", more) })
        }
        Step::Sql3(sql) => {
            let more = json!({
                "hash": sql.hash.to_string(), "elapsed": sql.elapsed.to_string(), "error": "0", "param": "홍길동",
            });
            json!({ "mainValue": SQL, "step": place(&sql.at, "SQL3", more) })
        }
        other => panic!("{other:?}"),
    }
}
