//! The collector's client against recorded answers: whole, in pieces, cut off, and not answers at all.

#![forbid(unsafe_code)]

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use proptest::prelude::*;
use reach_core::{
    Time,
    signal::{Attempt, FailureClass, Gauge, Word},
};
use reach_signal::scouter::{
    collector::{Account, Action, Client, Command, Event, Position, Rounds, Settings, Why},
    dictionary::{Dictionary, TextKind},
    reading::{self, Reading},
    wire::{Map, MapPack, Pack, Reader, Writer},
};
use serde_json::Value as Json;

const TCP: &str = include_str!("data/scouter/tcp.jsonl");

struct Recorded {
    request: Vec<u8>,
    answer: Vec<u8>,
}

static RECORDED: LazyLock<BTreeMap<String, Recorded>> = LazyLock::new(read);

fn recorded() -> &'static BTreeMap<String, Recorded> {
    &RECORDED
}

fn read() -> BTreeMap<String, Recorded> {
    let record = |line: &str| {
        let record: Json = serde_json::from_str(line).expect("JSON");
        let bytes = |field: &str| {
            let hex = record[field].as_str().expect("hex");
            (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
                .collect()
        };
        let name = record["name"].as_str().expect("a name").to_owned();
        (name, Recorded { request: bytes("request"), answer: bytes("answer") })
    };
    TCP.lines().map(record).collect()
}

fn start() -> Time {
    Time::from_micros(1_795_335_300_000_000)
}

/// A client that is logged in, with nothing more to do.
fn logged_in() -> Client {
    let mut client = Client::new(Account::new("admin", "admin"), "2.21.2");
    assert_eq!(client.poll(start()), Action::Connect);
    client.connected(start());
    assert!(matches!(client.poll(start()), Action::Send(_)));
    client.received(start(), &recorded()["login-admin"].answer);
    assert!(
        matches!(client.events().as_slice(), [Event::Ready { version, .. }] if version.starts_with("2.21.2"))
    );
    client
}

/// The session of the recordings.
const SESSION: i64 = -7_383_278_807_892_202_542;

#[test]
fn commands_are_said_as_they_were_recorded() {
    let object = 1_734_183_486;
    let day = || match recorded_day() {
        Command::Profile { day, .. } => day,
        _ => unreachable!("a profile"),
    };
    let text = |text: &str| text.to_owned();
    for (name, command) in [
        ("object-list", Command::Objects),
        ("server-version", Command::Version),
        ("alert-realtime", Command::Alerts(Position::default())),
        ("alert-realtime-first", Command::AlertPosition),
        ("counter-errorrate-all", Command::Counter { name: text("ErrorRate"), obj_type: text("jetty") }),
        (
            "counter-multi",
            Command::Counters {
                names: ["ErrorRate", "TPS", "ApiErrorRate", "ServiceCount"].map(str::to_owned).to_vec(),
                obj_type: text("jetty"),
            },
        ),
        ("xlog-latest", Command::LatestXLogs { count: 6, objects: vec![object] }),
        ("profile", Command::Profile { day: day(), txid: 8_087_010_207_736_055_881 }),
        ("xlog-by-txid", Command::XLog { day: day(), txid: 8_087_010_207_736_055_881 }),
        (
            "text-error",
            Command::Texts {
                day: day(),
                kind: TextKind::Error,
                hashes: vec![1_883_024_470, -2_072_340_978, 12345],
            },
        ),
        (
            "text-any",
            Command::TextsOfAnyKind {
                day: day(),
                wanted: vec![
                    (TextKind::Error, -2_072_340_978),
                    (TextKind::ApiCall, -382_822_830),
                    (TextKind::Service, -1_186_502_159),
                ],
            },
        ),
        ("host-disk", Command::Disks { host: 1_467_963_961 }),
    ] {
        let said = parsed(&command.request(SESSION));
        assert_eq!(said, parsed(&recorded()[name].request), "{name}");
    }
}

/// A command with the day of the recordings.
fn recorded_day() -> Command {
    let day = reach_signal::scouter::collector::Day::of(start(), 0);
    Command::Profile { day, txid: 0 }
}

/// A request: its name, its session, and its table in the order of names.
fn parsed(request: &[u8]) -> (String, i64, Option<BTreeMap<String, String>>) {
    let request = request.strip_prefix(&[0xca, 0xfe, 0x20, 0x01]).unwrap_or(request);
    let length = usize::from(request[0]);
    let name = String::from_utf8(request[1..=length].to_vec()).expect("a name");
    let session = i64::from_be_bytes(request[1 + length..9 + length].try_into().expect("a session"));
    let rest = &request[9 + length..];
    let table = (!rest.is_empty()).then(|| {
        let mut reader = Reader::new(rest);
        let Ok(Pack::Map(pack)) = Pack::read(&mut reader) else { panic!("{name}: no table") };
        assert!(reader.rest().is_empty());
        pack.table.0.into_iter().map(|(key, value)| (key, format!("{value:?}"))).collect()
    });
    (name, session, table)
}

#[test]
fn a_password_is_proved_as_it_was_recorded() {
    for (account, name) in
        [(Account::new("admin", "admin"), "login-admin"), (Account::local(), "login-local")]
    {
        let mut client = Client::new(account, "2.21.2");
        client.poll(start());
        client.connected(start());
        let Action::Send(bytes) = client.poll(start()) else { panic!("nothing sent") };
        assert_eq!(bytes[..4], [0xca, 0xfe, 0x20, 0x01]);
        let (ours, theirs) = (parsed(&bytes), parsed(&recorded()[name].request));
        assert_eq!((ours.0, ours.1), (theirs.0, theirs.1));
        let (ours, theirs) = (ours.2.expect("a table"), theirs.2.expect("a table"));
        assert_eq!((&ours["id"], &ours["pass"]), (&theirs["id"], &theirs["pass"]), "{name}");
    }
    assert!(!format!("{:?}", Account::new("admin", "admin")).contains("ae3cf413"));
}

#[test]
fn a_refused_login_is_said_and_not_repeated_for_a_minute() {
    let mut client = Client::new(Account::new("admin", "wrong"), "2.21.2");
    client.poll(start());
    client.connected(start());
    client.poll(start());
    client.received(start(), &recorded()["login-bad"].answer);
    assert_eq!(client.events(), [Event::Down(Why::Login("login fail".into()))]);
    assert_eq!(client.poll(start()), Action::Close);
    assert_eq!(client.poll(start()), Action::Wait(Some(start() + Duration::from_secs(60))));
}

#[test]
fn an_answer_in_pieces_is_the_same_answer() {
    for (name, Recorded { answer, .. }) in recorded() {
        if name.starts_with("login") || name.ends_with("newconn") {
            continue;
        }
        let mut client = logged_in();
        client.ask(Command::Objects);
        client.poll(start());
        for byte in answer {
            client.received(start(), &[*byte]);
        }
        let mut whole = logged_in();
        whole.ask(Command::Objects);
        whole.poll(start());
        whole.received(start(), answer);
        let events = whole.events();
        assert!(matches!(events.as_slice(), [Event::Answer(Command::Objects, _)]), "{name}: {events:?}");
        assert_eq!(client.events(), events, "{name}");
    }
}

#[test]
fn a_connection_that_is_cut_at_any_byte_is_opened_again() {
    let answer = &recorded()["alert-realtime"].answer;
    for cut in 0..answer.len() {
        let mut client = logged_in();
        client.ask(Command::Objects);
        client.poll(start());
        client.received(start(), &answer[..cut]);
        client.closed(start());
        assert_eq!(client.events(), [Event::Down(Why::Closed)], "{cut}");
        client.ask(Command::Objects);
        assert_eq!(client.poll(start()), Action::Wait(Some(start() + Duration::from_secs(1))));
        let later = start() + Duration::from_secs(1);
        assert_eq!(client.poll(later), Action::Connect);
        client.connected(later);
        let Action::Send(bytes) = client.poll(later) else { panic!("nothing sent") };
        assert_eq!(parsed(&bytes).0, "OBJECT_LIST_REAL_TIME", "the session is still good");
    }
}

#[test]
fn a_session_that_has_ended_is_begun_anew_and_the_question_asked_again() {
    let mut client = logged_in();
    client.closed(start());
    client.ask(Command::Version);
    assert_eq!(client.poll(start()), Action::Connect);
    client.connected(start());
    client.poll(start());
    client.received(start(), &recorded()["invalid-session-newconn"].answer);
    assert_eq!(client.events(), []);
    assert_eq!(client.poll(start()), Action::Close);
    assert_eq!(client.poll(start()), Action::Connect);
    client.connected(start());
    let Action::Send(login) = client.poll(start()) else { panic!("nothing sent") };
    assert_eq!(parsed(&login).0, "LOGIN");
    client.received(start(), &recorded()["login-admin"].answer);
    let Action::Send(again) = client.poll(start()) else { panic!("nothing sent") };
    assert_eq!(parsed(&again).0, "SERVER_VERSION");
    // A session that was given just now and is refused at once is a fault.
    client.received(start(), &[0x44]);
    assert!(client.events().contains(&Event::Down(Why::Session)));
}

#[test]
fn silence_is_waited_for_only_so_long_and_idle_connections_are_closed_in_time() {
    let mut client = logged_in();
    let Action::Wait(Some(idle)) = client.poll(start()) else { panic!("not idle") };
    assert!(idle < start() + Duration::from_secs(8));
    assert_eq!(client.poll(idle), Action::Close);
    assert_eq!(client.poll(idle), Action::Wait(None));

    let mut client = logged_in();
    client.ask(Command::Objects);
    client.poll(start());
    let Action::Wait(Some(deadline)) = client.poll(start()) else { panic!("not waiting") };
    assert_eq!(client.poll(deadline), Action::Close);
    assert_eq!(client.events(), [Event::Down(Why::Silent)]);
}

#[test]
fn waits_between_failures_grow_and_end() {
    let mut client = Client::new(Account::local(), "1");
    let (mut now, mut waits) = (start(), Vec::new());
    for _ in 0..9 {
        assert_eq!(client.poll(now), Action::Connect);
        client.closed(now);
        let Action::Wait(Some(until)) = client.poll(now) else { panic!("no wait") };
        waits.push(until.since(now).as_secs());
        now = until;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

proptest! {
    #[test]
    fn garbage_ends_a_connection_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0..400usize) {
        let mut client = logged_in();
        client.ask(Command::Objects);
        client.poll(start());
        let cut = cut.min(bytes.len());
        client.received(start(), &bytes[..cut]);
        client.received(start(), &bytes[cut..]);
        client.poll(start());
        for event in client.events() {
            prop_assert!(matches!(event, Event::Answer(..) | Event::Down(_)));
        }
    }
}

/// A collector that knows one JVM, one host, and one transaction that failed.
struct Collector {
    packs: BTreeMap<&'static str, Vec<u8>>,
    alert_position: Position,
    asked: Vec<String>,
}

impl Collector {
    fn new() -> Collector {
        let recorded = recorded();
        let of = |name: &str| recorded[name].answer.clone();
        let packs = BTreeMap::from([
            ("LOGIN", of("login-admin")),
            ("OBJECT_LIST_REAL_TIME", of("object-list")),
            ("COUNTER_REAL_TIME_ALL_MULTI", of("counter-multi")),
            ("TRANX_REAL_TIME_GROUP_LATEST", of("xlog-latest")),
            ("TRANX_REAL_TIME_GROUP", of("xlog-realtime-errors-only")),
            ("TRANX_PROFILE", of("profile")),
            ("GET_TEXT_100", of("text-error")),
            ("HOST_DISK_USAGE", of("host-disk")),
        ]);
        Collector { packs, alert_position: Position { round: 0, index: 30 }, asked: Vec::new() }
    }

    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let (name, _, table) = parsed(request);
        self.asked.push(format!("{name} {table:?}"));
        if name == "ALERT_REAL_TIME" {
            let table: Map = [("loop", self.alert_position.round), ("index", self.alert_position.index)]
                .into_iter()
                .collect();
            let mut w = Writer::default();
            w.raw(&[3]);
            Pack::Map(MapPack { table }).write(&mut w);
            w.raw(&[4]);
            return w.into_bytes();
        }
        self.packs[name.as_str()].clone()
    }
}

fn rounds() -> Rounds {
    let settings = reading::Settings { source: "apm".into(), objects: vec![], asks: true };
    let of_rounds = Settings {
        account: Account::new("admin", "admin"),
        version: "0.1".into(),
        every: Duration::from_secs(3),
        disks_every: Duration::from_secs(300),
        offset: 0,
    };
    Rounds::new(of_rounds, Reading::new(settings, Dictionary::default()))
}

/// Lets both speak until some time, and gives the time.
fn speak(rounds: &mut Rounds, collector: &mut Collector, mut now: Time, until: Time) -> Time {
    for _ in 0..10_000 {
        match rounds.poll(now) {
            Action::Connect => rounds.connected(now),
            Action::Send(bytes) => {
                let answer = collector.answer(&bytes);
                rounds.received(now, &answer);
            }
            Action::Close => {}
            Action::Wait(next) => now = next.expect("there is always something to do"),
        }
        if now >= until {
            return now;
        }
    }
    panic!("no end")
}

#[test]
fn rounds_find_out_who_failed_and_how_full_the_disks_are() {
    let (mut rounds, mut collector) = (rounds(), Collector::new());
    speak(&mut rounds, &mut collector, start(), start() + Duration::from_secs(20));
    let words: Vec<Word> = rounds.reading().signals().into_iter().map(|signal| signal.word).collect();
    let attempts: Vec<&Attempt> = words
        .iter()
        .filter_map(|word| match word {
            Word::Attempt(attempt) => Some(attempt),
            _ => None,
        })
        .collect();
    let failed: Vec<_> = attempts.iter().filter(|attempt| attempt.failed.is_some()).collect();
    assert!(!failed.is_empty(), "{words:#?}");
    for attempt in failed {
        assert_eq!((attempt.host.as_deref(), attempt.port), (Some("rr.example.kr"), 8088));
        assert_eq!((attempt.failed, attempt.served), (Some(FailureClass::ConnectTimeout), Some(true)));
    }
    // Of the transaction whose error is another than its profile's, only the error is known.
    let failures = words.iter().filter_map(|word| match word {
        Word::Failure(failure) => Some(failure),
        _ => None,
    });
    assert!(failures.clone().count() > 0);
    assert!(failures.clone().all(|failure| failure.class == FailureClass::Refused && failure.host.is_none()));
    let full = |of: &str, share: f64| {
        words.iter().any(|word| {
            matches!(word, Word::Level(level)
            if level.gauge == Gauge::DiskSpace && level.of == of && (level.share - share).abs() < 1e-6)
        })
    };
    assert!(full("/", 0.95) && full("/데이터", 0.8), "{words:#?}");
}

#[test]
fn only_commands_that_read_are_ever_said() {
    let (mut rounds, mut collector) = (rounds(), Collector::new());
    speak(&mut rounds, &mut collector, start(), start() + Duration::from_secs(60));
    let names: std::collections::BTreeSet<&str> =
        collector.asked.iter().filter_map(|asked| asked.split(' ').next()).collect();
    assert!(names.is_subset(&std::collections::BTreeSet::from([
        "LOGIN",
        "ALERT_REAL_TIME",
        "COUNTER_REAL_TIME_ALL_MULTI",
        "GET_TEXT_100",
        "HOST_DISK_USAGE",
        "OBJECT_LIST_REAL_TIME",
        "TRANX_PROFILE",
        "TRANX_REAL_TIME_GROUP",
        "TRANX_REAL_TIME_GROUP_LATEST",
    ])));
    let profiles = collector.asked.iter().filter(|asked| asked.starts_with("TRANX_PROFILE")).count();
    assert!((1..=5).contains(&profiles), "{profiles} profiles of one error in a minute");
}

#[test]
fn after_a_restart_of_the_collector_positions_begin_anew() {
    let (mut rounds, mut collector) = (rounds(), Collector::new());
    let now = speak(&mut rounds, &mut collector, start(), start() + Duration::from_secs(10));
    collector.alert_position = Position { round: 0, index: 2 };
    rounds.closed(now);
    collector.asked.clear();
    speak(&mut rounds, &mut collector, now, now + Duration::from_secs(10));
    let alerts: Vec<&String> = collector.asked.iter().filter(|asked| asked.starts_with("ALERT")).collect();
    assert!(alerts[0].contains("Decimal(30)"), "{alerts:#?}");
    assert!(alerts[1].contains("\"index\": \"Decimal(0)\""), "{alerts:#?}");
}

#[test]
fn while_the_collector_cannot_be_asked_nobody_is_said_to_be_silent() {
    let (mut rounds, mut collector) = (rounds(), Collector::new());
    let mut now = speak(&mut rounds, &mut collector, start(), start() + Duration::from_secs(10));
    rounds.reading().signals();
    for _ in 0..200 {
        match rounds.poll(now) {
            Action::Connect => rounds.closed(now),
            Action::Wait(until) => now = until.expect("something to do"),
            Action::Send(_) => rounds.closed(now),
            Action::Close => {}
        }
    }
    speak(&mut rounds, &mut collector, now, now + Duration::from_secs(70));
    let signals = rounds.reading().signals();
    assert!(!signals.iter().any(|signal| matches!(signal.word, Word::Presence { .. })), "{signals:#?}");
}
