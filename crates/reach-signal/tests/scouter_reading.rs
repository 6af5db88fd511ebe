//! What recorded datagrams say: whom an application tried to reach, what failed, who was served all the same.

#![forbid(unsafe_code)]

use std::{net::IpAddr, time::Duration};

use reach_core::{
    Time,
    signal::{Attempt, Failure, FailureClass, Gauge, Level, Requests, Signal, Statement, Word},
};
use reach_signal::scouter::{
    dictionary::{Dictionary, TextKind},
    reading::{Reading, Settings},
    wire::{
        AlertPack, Bytes, Counters, Datagram, Framing, ObjectPack, Pack, Profile2, Socket, Sql3, Step,
        TextPack, Value, XLog, hash, packs, write_steps,
    },
};
use serde_json::Value as Json;

const DATAGRAMS: &str = include_str!("data/scouter/datagrams.jsonl");
const INCIDENT: &str = include_str!("data/scouter/incident.jsonl");

fn bytes(record: &Json) -> Vec<u8> {
    let hex = record["hex"].as_str().expect("hex");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn at(seconds: f64) -> Time {
    Time::from_micros(1_795_000_000_000_000) + Duration::from_secs_f64(seconds)
}

fn reading() -> Reading {
    let settings = Settings { source: "apm".into(), objects: vec![], asks: false };
    Reading::new(settings, Dictionary::default())
}

/// What an incident says that was recorded from an agent's start to its end.
fn incident(each: usize) -> Vec<Signal> {
    let mut reading = reading();
    let mut signals = Vec::new();
    for line in INCIDENT.lines() {
        let record: Json = serde_json::from_str(line).expect("JSON");
        let now = at(record["seconds"].as_f64().expect("seconds"));
        for pack in packs(&bytes(&record)).expect("a datagram").0 {
            for _ in 0..each {
                reading.heard(now, &pack);
            }
        }
        reading.poll(now);
        signals.extend(reading.signals());
    }
    for second in 93..200 {
        reading.poll(at(f64::from(second)));
        signals.extend(reading.signals());
    }
    signals
}

fn attempts(signals: &[Signal]) -> Vec<&Attempt> {
    signals
        .iter()
        .filter_map(|signal| match &signal.word {
            Word::Attempt(attempt) => Some(attempt),
            _ => None,
        })
        .collect()
}

fn failures(signals: &[Signal]) -> Vec<&Failure> {
    signals
        .iter()
        .filter_map(|signal| match &signal.word {
            Word::Failure(failure) => Some(failure),
            _ => None,
        })
        .collect()
}

fn requests(signals: &[Signal]) -> Vec<&Requests> {
    signals
        .iter()
        .filter_map(|signal| match &signal.word {
            Word::Requests(requests) => Some(requests),
            _ => None,
        })
        .collect()
}

#[test]
fn the_recorded_incident_names_who_failed_and_who_was_served_late() {
    let signals = incident(1);
    let to = |address: &str| {
        let address: IpAddr = address.parse().expect("an address");
        attempts(&signals).into_iter().filter(move |attempt| attempt.address == address).collect::<Vec<_>>()
    };
    let dropped = to("127.0.0.10");
    assert_eq!(dropped.len(), 3);
    for attempt in dropped {
        assert_eq!(attempt.host.as_deref(), Some("rr.example.kr"));
        assert_eq!((attempt.port, attempt.failed), (8088, Some(FailureClass::ConnectTimeout)));
        assert_eq!(attempt.served, Some(true));
        assert!(attempt.elapsed > Some(Duration::from_millis(500)));
    }
    assert!(
        to("127.0.0.21").iter().filter(|attempt| attempt.host.as_deref() == Some("rr.example.kr")).count()
            >= 3
    );
    assert!(to("127.0.0.21").iter().all(|attempt| attempt.failed.is_none()));

    let failures = failures(&signals);
    assert_eq!(failures.len(), 1, "{failures:#?}");
    assert_eq!(failures[0].class, FailureClass::Refused);
    assert_eq!((failures[0].host.as_deref(), failures[0].port), (Some("fcm.googleapis.com"), Some(443)));
    assert_eq!(failures[0].address, Some("127.0.0.9".parse().expect("an address")));
}

#[test]
fn the_recorded_incident_has_its_rate_of_errors_and_its_end() {
    let signals = incident(1);
    let requests = requests(&signals);
    assert!(requests.iter().all(|requests| requests.estimated && requests.span == Duration::from_secs(30)));
    let (failed, late): (u64, u64) = requests.iter().fold((0, 0), |(f, l), r| (f + r.failed, l + r.late));
    assert_eq!((failed, late), (1, 3), "{requests:#?}");
    let total: u64 = requests.iter().map(|requests| requests.total).sum();
    assert!((90..=120).contains(&total), "{total}");

    let gone: Vec<_> = signals.iter().filter(|signal| matches!(signal.word, Word::Presence { .. })).collect();
    assert_eq!(gone.len(), 1, "{gone:#?}");
    assert_eq!(gone[0].word, Word::Presence { thing: "/was01/push-api-1".into(), alive: false });
    assert!(gone[0].at > at(100.0) && gone[0].at < at(103.0), "{}", gone[0].at);
    assert_eq!(gone[0].origin.service.as_deref(), Some("jetty"));
}

#[test]
fn what_comes_twice_is_told_once() {
    let (once, twice) = (incident(1), incident(2));
    assert_eq!(failures(&once), failures(&twice));
    assert_eq!(requests(&once), requests(&twice));
    let failed =
        |signals: &[Signal]| attempts(signals).iter().filter(|attempt| attempt.failed.is_some()).count();
    assert_eq!(failed(&once), failed(&twice));
}

/// The signals of one recorded transaction, with all recorded texts known.
fn transaction(name: &str) -> Vec<Signal> {
    let mut reading = reading();
    let all: Vec<Json> = DATAGRAMS
        .lines()
        .chain(INCIDENT.lines())
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for record in &all {
        for pack in packs(&bytes(record)).map(|(packs, ..)| packs).unwrap_or_default() {
            if let Pack::Text(text) = pack
                && let Some(kind) = TextKind::of(&text.xtype)
            {
                reading.learn(kind, text.hash, &text.text);
            }
        }
    }
    for error in [
        "Connect timed out",
        "java.net.ConnectException",
        "java.net.UnknownHostException: no-such-host.example.kr",
        "no-such-host.example.kr",
        "warning slow sql, over 300 ms",
        "java.lang.IllegalStateException: 결제 서버 연결 실패: 연결 시간이 초과되었습니다",
        "Connect to fcm.googleapis.com:443 [fcm.googleapis.com/127.0.0.9] failed: Connection refused",
    ] {
        reading.learn(TextKind::Error, hash(error.as_bytes()), error);
    }
    let slow = "select SLOW(?) as 주문번호, @{1} from (values(@{2})) where @{3} < @{4}";
    reading.learn(TextKind::Sql, hash(slow.as_bytes()), slow);
    reading.learn(TextKind::Sql, -264_975_887, "select * from 없는_테이블 where id = @{1}");
    for kind in ["profile", "xlog"] {
        let wanted = format!("live-{kind}-{name}");
        let record = all.iter().find(|record| record["name"] == *wanted).expect("a recording");
        let Framing::One(pack) = Datagram::read(&bytes(record)).expect("a datagram").framing else {
            panic!("{wanted}")
        };
        reading.heard(at(0.0), &pack);
    }
    reading.poll(at(3.0));
    reading.signals()
}

#[test]
fn every_recorded_fault_is_told_with_its_layer_and_its_destination() {
    for (name, class, host, address, port) in [
        ("timeout", FailureClass::ConnectTimeout, Some("push.example.kr"), "127.0.0.10", 8088),
        ("https-timeout", FailureClass::ConnectTimeout, Some("push.example.kr"), "127.0.0.10", 443),
        ("caught", FailureClass::Refused, Some("fcm.googleapis.com"), "127.0.0.9", 443),
        ("hc-refused", FailureClass::Refused, Some("fcm.googleapis.com"), "127.0.0.9", 443),
        ("readtimeout", FailureClass::ReadTimeout, Some("slow.example.kr"), "127.0.0.11", 8088),
        ("reset", FailureClass::Reset, Some("reset.example.kr"), "127.0.0.12", 8088),
        ("rawsocket", FailureClass::ConnectTimeout, None, "127.0.0.10", 9999),
    ] {
        let signals = transaction(name);
        let failures = failures(&signals);
        assert_eq!(failures.len(), 1, "{name}: {signals:#?}");
        let failure = failures[0];
        assert_eq!((failure.class, failure.host.as_deref()), (class, host), "{name}: {failure:#?}");
        assert_eq!(failure.address, Some(address.parse().expect("an address")), "{name}");
        if name == "rawsocket" || name == "timeout" || name == "readtimeout" || name == "reset" {
            assert!(failure.port.is_some(), "{name}");
        } else {
            assert_eq!(failure.port, Some(port), "{name}");
        }
    }
}

#[test]
fn a_name_that_does_not_resolve_is_told_without_an_address() {
    let signals = transaction("unknownhost");
    assert_eq!(attempts(&signals).len(), 0);
    let failures = failures(&signals);
    assert_eq!(failures.len(), 1, "{signals:#?}");
    assert_eq!((failures[0].class, failures[0].address), (FailureClass::Dns, None));
    assert_eq!(failures[0].host.as_deref(), Some("no-such-host.example.kr"));
}

#[test]
fn a_client_that_does_not_wait_for_its_connections_is_not_taken_for_connected() {
    let signals = transaction("jdkhc-refused");
    let attempts = attempts(&signals);
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].failed, Some(FailureClass::Refused));
}

#[test]
fn a_caller_that_was_served_by_the_second_address_did_not_fail() {
    let signals = transaction("rr-httpclient");
    assert_eq!(failures(&signals), Vec::<&Failure>::new());
    let attempts = attempts(&signals);
    assert_eq!(attempts.len(), 2);
    assert_eq!((attempts[0].failed, attempts[0].served), (Some(FailureClass::ConnectTimeout), Some(true)));
    assert_eq!((attempts[1].failed, attempts[1].served), (None, None));
}

#[test]
fn statements_are_told_without_their_values() {
    let slow = transaction("slowsql");
    let [Signal { word: Word::Statement(Statement { text, elapsed, error, .. }), .. }] = slow.as_slice()
    else {
        panic!("{slow:#?}")
    };
    assert!(text.starts_with("select SLOW(?) as 주문번호"), "{text}");
    assert!(*elapsed > Some(Duration::from_millis(800)) && error.is_none());

    let failed = transaction("sqlerror");
    let [Signal { word: Word::Statement(Statement { text, error, .. }), .. }] = failed.as_slice() else {
        panic!("{failed:#?}")
    };
    assert!(
        text.contains("없는_테이블") && error.as_deref().is_some_and(|error| error.contains("not found")),
        "{error:?}"
    );
}

#[test]
fn an_error_that_is_the_applications_own_is_told_as_one() {
    let signals = transaction("korean");
    let [Signal { word: Word::Fault(fault), .. }] = signals.as_slice() else { panic!("{signals:#?}") };
    assert_eq!(fault.name.as_deref(), Some("java.lang.IllegalStateException"));
    assert!(fault.text.contains("결제 서버 연결 실패"));
    assert_eq!(transaction("nothere"), []);
}

#[test]
fn recorded_alerts_and_counters_say_what_they_mean() {
    let mut reading = reading();
    let names = ["live-host-object", "live-host-counters", "live-alert-fatal-disk-95", "live-alert-connect"];
    for record in DATAGRAMS.lines().map(|line| serde_json::from_str::<Json>(line).expect("JSON")) {
        if names.iter().any(|name| record["name"] == *name) || record["name"] == "live-alert-fatal-memory" {
            for pack in packs(&bytes(&record)).expect("a datagram").0 {
                reading.heard(at(0.0), &pack);
            }
        }
    }
    let words: Vec<Word> = reading.signals().into_iter().map(|signal| signal.word).collect();
    let disk = Level { gauge: Gauge::DiskSpace, of: "/".into(), share: 0.95, used: None, total: None };
    assert!(words.contains(&Word::Level(disk)), "{words:#?}");
    let database = words.iter().find_map(|word| match word {
        Word::Failure(failure) => Some(failure),
        _ => None,
    });
    let database = database.expect("a database that refuses");
    assert_eq!((database.host.as_deref(), database.port), (Some("db.example.kr"), Some(9001)));
    assert_eq!(database.class, FailureClass::Refused);
    assert!(
        words.iter().any(|word| matches!(word, Word::Alert(alert) if alert.title == "FATAL_MEMORY_HIGH"))
    );
}

#[test]
fn counters_belong_to_their_object_whatever_character_set_gave_its_hash() {
    let mut reading = reading();
    let counters = Counters {
        obj_name: "/서버01/주문".into(),
        data: Value::Map([("Cpu", Value::Float(95.0))].into_iter().collect()),
        ..Counters::default()
    };
    reading.heard(at(0.0), &Pack::Counters(counters.clone()));
    let object = ObjectPack {
        obj_name: "/서버01/주문".into(),
        obj_hash: 77,
        obj_type: "tomcat".into(),
        ..Default::default()
    };
    reading.heard(at(0.1), &Pack::Object(object));
    reading.heard(at(40.0), &Pack::Counters(counters));
    let origins: Vec<_> = reading.signals().into_iter().map(|signal| signal.origin).collect();
    assert!(origins.iter().all(|origin| origin.instance.as_deref() == Some("/서버01/주문")), "{origins:?}");
    assert_eq!(origins.last().and_then(|origin| origin.service.as_deref()), Some("tomcat"));
}

#[test]
fn a_text_that_comes_late_is_waited_for_and_one_that_never_comes_is_said_to_be_lost() {
    let error = "java.net.ConnectException: Connection refused to somebody";
    let transaction = |reading: &mut Reading| {
        let socket = Socket {
            ipaddr: ip([192, 0, 2, 7]),
            port: 443,
            elapsed: 1,
            error: hash(error.as_bytes()),
            ..Socket::default()
        };
        let profile = write_steps(&[Step::Socket(socket)]);
        reading.heard(
            at(0.0),
            &Pack::Profile2(Profile2 { txid: 5, profile: Bytes(profile), ..Profile2::default() }),
        );
        let mut xlog = XLog::default();
        (xlog.head.txid, xlog.head.error) = (5, hash(error.as_bytes()));
        reading.heard(at(0.0), &Pack::XLog(Box::new(xlog)));
    };
    let mut late = reading();
    transaction(&mut late);
    assert_eq!(late.signals(), []);
    assert!(late.wanted_texts(at(0.5)).is_empty());
    assert_eq!(late.wanted_texts(at(1.2))[&TextKind::Error], [hash(error.as_bytes())]);
    assert!(late.wanted_texts(at(1.3)).is_empty());
    late.learn(TextKind::Error, hash(error.as_bytes()), error);
    late.poll(at(1.4));
    assert_eq!(failures(&late.signals()).len(), 1);

    let mut never = reading();
    transaction(&mut never);
    never.poll(at(2.5));
    let words: Vec<Word> = never.signals().into_iter().map(|signal| signal.word).collect();
    assert_eq!(words, [Word::Lost { what: "texts".into(), count: 1 }]);
}

fn ip(octets: [u8; 4]) -> Bytes {
    Bytes(octets.to_vec())
}

#[test]
fn nothing_of_users_gets_through() {
    const SECRET: &str = "SECRET";
    let mut reading = reading();
    let object = ObjectPack { obj_name: "/h/a".into(), obj_type: "tomcat".into(), ..ObjectPack::default() };
    let of = hash(b"/h/a");
    reading.heard(at(0.0), &Pack::Object(object));
    for (number, kind) in ["login", "desc", "ua", "referer", "city"].into_iter().enumerate() {
        let text = format!("{SECRET}-{kind}");
        let number = i32::try_from(number).expect("small") + 100;
        reading.heard(at(0.0), &Pack::Text(TextPack { xtype: kind.into(), hash: number, text }));
    }
    let refused = hash(b"java.net.ConnectException: Connection refused");
    reading.learn(TextKind::Sql, 7, "select * from users where name = 'SECRET-literal' and id = 777888999");
    reading.learn(TextKind::Error, 8, "java.sql.SQLException: Duplicate entry 'SECRET-key' for key");
    let steps = [
        Step::Sql3(Sql3 {
            hash: 7,
            param: "SECRET-param,777888999".into(),
            error: 8,
            elapsed: 3,
            ..Sql3::default()
        }),
        Step::Socket(Socket {
            ipaddr: ip([192, 0, 2, 7]),
            port: 443,
            elapsed: 1,
            error: refused,
            ..Socket::default()
        }),
    ];
    let profile = Bytes(write_steps(&steps));
    reading
        .heard(at(0.0), &Pack::Profile2(Profile2 { obj_hash: of, txid: 5, profile, ..Profile2::default() }));
    let mut xlog = XLog::default();
    (xlog.head.obj_hash, xlog.head.txid, xlog.head.error) = (of, 5, refused);
    xlog.head.ipaddr = ip([203, 0, 113, 77]);
    (xlog.head.user_agent, xlog.head.referer, xlog.head.userid) = (102, 103, 777_888_999);
    reading.heard(at(0.0), &Pack::XLog(Box::new(xlog)));
    for (title, message) in [
        (
            "CONNECT",
            "jdbc:mysql://kim:SECRET@db.example.kr:3306/x?user=kim&password=SECRET java.net.ConnectException: Connection refused",
        ),
        ("OTHER", "cannot use jdbc:oracle:thin:scott/SECRET@db:1521:x now"),
        ("AGAIN", "at https://kim:SECRET@h.example.kr/p?token=SECRET"),
    ] {
        let alert =
            AlertPack { obj_hash: of, title: title.into(), message: message.into(), ..Default::default() };
        reading.heard(at(0.0), &Pack::Alert(alert));
    }
    reading.poll(at(60.0));
    let signals = reading.signals();
    assert!(signals.len() >= 6, "{signals:#?}");
    let told = serde_json::to_string(&signals).expect("JSON");
    let kept = serde_json::to_string(reading.dictionary()).expect("JSON");
    for secret in [SECRET, "777888999", "203.0.113.77", "kim"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    for kind in ["login", "desc", "ua", "referer", "city"] {
        assert!(!kept.contains(&format!("{SECRET}-{kind}")), "{kept}");
    }
}

#[test]
fn errors_that_are_only_summed_up_are_told_as_often_as_they_happened() {
    let summary = || {
        let record = DATAGRAMS.lines().find(|line| line.contains("live-summary-service-error"));
        let record: Json = serde_json::from_str(record.expect("a recording")).expect("JSON");
        packs(&bytes(&record)).expect("a datagram").0
    };
    let told = |reading: &mut Reading| {
        for pack in summary() {
            reading.heard(at(0.0), &pack);
        }
        reading.poll(at(1.0));
        assert_eq!(reading.signals(), [], "texts are waited for");
        reading.poll(at(2.5));
        reading.signals()
    };
    let mut only = reading();
    only.learn(TextKind::Sql, -658_339_874, "select SLOW(?) from t where a = 'b'");
    only.learn(TextKind::Error, -861_480_176, "scouter.xtra.jdbc.SLOW_SQL");
    only.learn(TextKind::Error, -86_100_584, "java.lang.IllegalStateException");
    let signals = told(&mut only);
    let timed_out =
        failures(&signals).iter().filter(|failure| failure.class == FailureClass::ConnectTimeout).count();
    let refused = failures(&signals).iter().filter(|failure| failure.class == FailureClass::Refused).count();
    assert_eq!((timed_out, refused), (2 + 1 + 3 + 2 + 3, 1 + 6 + 3), "{signals:#?}");
    let faults = signals.iter().filter(|signal| {
        matches!(&signal.word, Word::Fault(fault)
        if fault.name.as_deref() == Some("java.lang.IllegalStateException"))
    });
    assert_eq!(faults.count(), 2);
    let statements: Vec<&Statement> = signals
        .iter()
        .filter_map(|signal| match &signal.word {
            Word::Statement(statement) => Some(statement),
            _ => None,
        })
        .collect();
    let [Statement { text, count: 2, error: None, .. }] = statements.as_slice() else {
        panic!("{statements:#?}")
    };
    assert_eq!(text, "select SLOW(?) from t where a = ?");
    assert!(signals.iter().any(|signal| matches!(&signal.word, Word::Lost { what, .. } if what == "texts")));

    let mut both = reading();
    let mut xlog = XLog::default();
    (xlog.head.txid, xlog.head.obj_hash) = (5, 1_734_183_486);
    xlog.head.error = hash(b"java.net.ConnectException: Connection refused");
    both.heard(at(0.0), &Pack::XLog(Box::new(xlog)));
    for pack in summary() {
        both.heard(at(0.0), &pack);
    }
    both.poll(at(3.0));
    assert_eq!(failures(&both.signals()).len(), 1, "a summary repeats what transactions said");
}

#[test]
fn where_nobody_says_how_many_a_second_the_count_of_a_minute_does() {
    let mut reading = reading();
    let object = ObjectPack { obj_name: "/h/a".into(), obj_type: "tomcat".into(), ..ObjectPack::default() };
    reading.heard(at(0.0), &Pack::Object(object));
    let data = [("ErrorRate", Value::Float(5.0)), ("ServiceCount", Value::Decimal(120))];
    let counters = Counters {
        obj_name: "/h/a".into(),
        data: Value::Map(data.into_iter().collect()),
        ..Counters::default()
    };
    for second in 0..16 {
        reading.heard(at(f64::from(second) * 2.0), &Pack::Counters(counters.clone()));
    }
    reading.poll(at(45.0));
    let requests: Vec<Requests> = reading
        .signals()
        .into_iter()
        .filter_map(|signal| match signal.word {
            Word::Requests(requests) => Some(requests),
            _ => None,
        })
        .collect();
    let [Requests { total: 60, failed: 3, .. }] = requests.as_slice() else { panic!("{requests:#?}") };
}

#[test]
fn what_reach_told_the_collector_is_not_heard_again() {
    let mut reading = reading();
    let object = ObjectPack {
        obj_name: "/mon01/reach".into(),
        obj_type: "reach".into(),
        obj_hash: hash(b"/mon01/reach"),
        ..ObjectPack::default()
    };
    reading.heard(at(0.0), &Pack::Object(object));
    let alert = AlertPack {
        level: 2,
        obj_type: "reach".into(),
        obj_hash: hash(b"/mon01/reach"),
        title: "REACH_DEGRADED".into(),
        message: "push.example.kr:443".into(),
        ..AlertPack::default()
    };
    let silent = AlertPack {
        obj_type: "scouter".into(),
        title: "INACTIVE_OBJECT".into(),
        message: "/mon01/reach is not running".into(),
        ..alert.clone()
    };
    reading.heard(at(0.0), &Pack::Alert(alert));
    reading.heard(at(90.0), &Pack::Alert(silent));
    reading.poll(at(120.0));
    assert_eq!(reading.signals(), []);
    assert!(!reading.is_anybody_there());
}

#[test]
fn an_alert_that_a_script_hands_on_and_the_ring_holds_is_one_and_its_repetition_another() {
    let mut reading = reading();
    let alert = |time: i64| {
        Pack::Alert(AlertPack {
            time,
            title: "SLOW_PAYMENT".into(),
            message: "x".into(),
            ..AlertPack::default()
        })
    };
    let millis = |seconds: f64| i64::try_from(at(seconds).as_micros() / 1000).expect("an instant");
    // At once, without a time; the ring a minute later, with the times at which they were raised.
    for seconds in [100.0, 110.0] {
        reading.heard(at(seconds), &alert(0));
    }
    for raised in [100.4, 109.8, 130.0] {
        reading.heard(at(150.0), &alert(millis(raised)));
    }
    let times: Vec<Time> = reading.signals().into_iter().map(|signal| signal.at).collect();
    assert_eq!(times, [at(100.0), at(110.0), at(130.0)]);
}
