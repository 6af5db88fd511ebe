//! Scouter over real sockets of loopback: recorded datagrams, a collector that answers what was recorded, an HTTP API
//! that does.

#![forbid(unsafe_code)]

#[path = "scouter/sources.rs"]
mod sources;

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use assert_cmd::Command;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Uri},
    response::IntoResponse,
};
use reach::scouter::{
    Hear,
    api::Api,
    collector::Collector,
    listener::{Listener, Route},
    plug::Plugged,
    settings::ApiLogin,
    texts::Texts,
};
use reach_core::signal::{Attempt, FailureClass, Gauge, Signal, Word};
use reach_net::drive::Clock;
use reach_signal::scouter::{
    collector::{Account, Rounds, Settings},
    dictionary::Dictionary,
    reading::{self, Reading},
};
use serde_json::Value as Json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const DATAGRAMS: &str = include_str!("../../reach-signal/tests/data/scouter/datagrams.jsonl");
const INCIDENT: &str = include_str!("../../reach-signal/tests/data/scouter/incident.jsonl");
const TCP: &str = include_str!("../../reach-signal/tests/data/scouter/tcp.jsonl");
const HTTP: &str = include_str!("../../reach-signal/tests/data/scouter/http.json");

fn bytes(record: &Json, field: &str) -> Vec<u8> {
    let hex = record[field].as_str().expect("hex");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn reading(asks: bool) -> Reading {
    let settings = reading::Settings { source: "apm".into(), objects: vec![], asks };
    Reading::new(settings, Dictionary::default())
}

/// Where signals are put.
fn ear() -> (Hear, Arc<Mutex<Vec<Signal>>>) {
    let heard = Arc::<Mutex<Vec<Signal>>>::default();
    let ear = Arc::clone(&heard);
    (Arc::new(move |signals| ear.lock().expect("signals").extend(signals)), heard)
}

fn attempts(signals: &[Signal]) -> Vec<Attempt> {
    let attempt = |signal: &Signal| match &signal.word {
        Word::Attempt(attempt) => Some(attempt.clone()),
        _ => None,
    };
    signals.iter().filter_map(attempt).collect()
}

#[test]
fn decode_prints_recorded_datagrams_as_they_are_expected() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut files, mut expected) = (Vec::new(), Vec::new());
    for line in DATAGRAMS.lines().filter(|line| !line.contains("\"name\":\"bad-")) {
        let record: Json = serde_json::from_str(line).expect("JSON");
        let path = directory.path().join(record["name"].as_str().expect("a name"));
        fs::write(&path, bytes(&record, "hex")).expect("written");
        files.push(path);
        expected.push(record["expected"].clone());
    }
    let reach = || Command::new(env!("CARGO_BIN_EXE_reach"));
    let out = reach().args(["scouter", "decode", "--json"]).args(&files).output().expect("a run");
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let printed: Vec<Json> = String::from_utf8(out.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a document a line"))
        .collect();
    assert_eq!(printed, expected);

    let bad = reach().args(["scouter", "decode", "--json", "-"]).write_stdin("CAFE").output().expect("a run");
    assert_eq!(bad.status.code(), Some(1));
    let document: Json = serde_json::from_slice(&bad.stdout).expect("JSON");
    assert!(document["error"].is_string());
    let missing = reach().args(["scouter", "decode", "/nonexistent"]).output().expect("a run");
    assert_eq!(missing.status.code(), Some(2));
    let text =
        reach().args(["scouter", "decode", "-"]).write_stdin(fs::read(&files[0]).expect("bytes")).output();
    assert!(String::from_utf8_lossy(&text.expect("a run").stdout).contains("magic: CAF"));
}

#[test]
fn a_relay_forwards_every_datagram_as_it_came_and_understands_them_besides() {
    let collector = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    collector.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    let route = Route {
        listen: "127.0.0.1:0".parse().expect("an address"),
        forward: Some(collector.local_addr().expect("an address")),
        from: vec!["127.0.0.0/8".parse().expect("a network")],
    };
    let (hear, heard) = ear();
    let listener =
        Listener::start(route, reading(false), Clock::start(), Texts::new(None), Plugged::default(), hear)
            .expect("a listener");
    let agent = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut arrived = vec![0; 65_536];
    for line in INCIDENT.lines() {
        let datagram = bytes(&serde_json::from_str(line).expect("JSON"), "hex");
        agent.send_to(&datagram, listener.local).expect("sent");
        let length = collector.recv(&mut arrived).expect("forwarded");
        assert!(arrived[..length] == datagram);
    }
    // Texts that are missing are waited for only so long.
    let until = Instant::now() + Duration::from_secs(20);
    while attempts(&heard.lock().expect("signals")).iter().filter(|attempt| attempt.failed.is_some()).count()
        < 4
    {
        assert!(Instant::now() < until, "{:#?}", heard.lock().expect("signals"));
        std::thread::sleep(Duration::from_millis(20));
    }
    let counts = Arc::clone(&listener.counts);
    drop(listener);
    assert_eq!(counts.forwarded.load(Ordering::Relaxed), 324);
    let signals = heard.lock().expect("signals");
    let failed: Vec<Attempt> =
        attempts(&signals).into_iter().filter(|attempt| attempt.served == Some(true)).collect();
    assert_eq!(failed.len(), 3);
    for attempt in &failed {
        assert_eq!((attempt.host.as_deref(), attempt.port), (Some("rr.example.kr"), 8088));
        assert_eq!(attempt.address.to_string(), "127.0.0.10");
    }
    let failures: Vec<_> = signals.iter().filter(|signal| matches!(signal.word, Word::Failure(_))).collect();
    assert_eq!(failures.len(), 1, "{failures:#?}");
}

#[test]
fn senders_who_are_not_believed_are_counted_and_nothing_else() {
    let route = Route {
        listen: "127.0.0.1:0".parse().expect("an address"),
        forward: None,
        from: vec!["192.0.2.0/24".parse().expect("a network")],
    };
    let (hear, heard) = ear();
    let listener =
        Listener::start(route, reading(false), Clock::start(), Texts::new(None), Plugged::default(), hear)
            .expect("a listener");
    let agent = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    agent.send_to(b"CAFE", listener.local).expect("sent");
    let until = Instant::now() + Duration::from_secs(10);
    while listener.counts.strangers.load(Ordering::Relaxed) == 0 {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(listener);
    assert!(heard.lock().expect("signals").is_empty());
}

/// A collector that answers what was recorded, cuts its first connections short, and then says something strange once.
async fn pretend_collector(listener: TcpListener, connections: Arc<AtomicUsize>) {
    let recorded: BTreeMap<String, Vec<u8>> = TCP
        .lines()
        .map(|line| {
            let record: Json = serde_json::from_str(line).expect("JSON");
            (record["name"].as_str().expect("a name").to_owned(), bytes(&record, "answer"))
        })
        .collect();
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let number = connections.fetch_add(1, Ordering::Relaxed);
        let recorded = recorded.clone();
        tokio::spawn(async move {
            let mut request = vec![0; 65_536];
            let mut answers = 0;
            while let Ok(length @ 1..) = stream.read(&mut request).await {
                let asked = &request[..length];
                let said = |name: &str| asked.windows(name.len()).any(|part| part == name.as_bytes());
                let name = [
                    ("LOGIN", "login-admin"),
                    ("OBJECT_LIST_REAL_TIME", "object-list"),
                    ("COUNTER_REAL_TIME_ALL_MULTI", "counter-multi"),
                    ("ALERT_REAL_TIME", "alert-realtime-first"),
                    ("TRANX_REAL_TIME_GROUP_LATEST", "xlog-latest"),
                    ("TRANX_REAL_TIME_GROUP", "xlog-realtime-errors-only"),
                    ("TRANX_PROFILE", "profile"),
                    ("GET_TEXT_100", "text-error"),
                    ("HOST_DISK_USAGE", "host-disk"),
                ];
                let (_, name) = name.iter().find(|(command, _)| said(command)).expect("a command that reads");
                let answer = &recorded[*name];
                answers += 1;
                let sent = match (number, answers) {
                    (0, 2) => stream.write_all(&answer[..answer.len() / 2]).await,
                    (1, 1) => stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
                    _ => stream.write_all(answer).await,
                };
                if sent.is_err() || matches!((number, answers), (0, 2) | (1, 1)) {
                    return;
                }
            }
        });
    }
}

#[tokio::test]
async fn a_collector_that_cuts_connections_and_says_strange_things_is_asked_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    let connections = Arc::<AtomicUsize>::default();
    tokio::spawn(pretend_collector(listener, Arc::clone(&connections)));
    let settings = Settings {
        account: Account::new("admin", "admin"),
        version: "0.1".into(),
        every: Duration::from_millis(100),
        disks_every: Duration::from_secs(60),
        offset: 0,
    };
    let rounds = Rounds::new(settings, reading(true));
    let at = ("127.0.0.1".to_owned(), port);
    let mut collector = Collector::new(at, rounds, Clock::start(), Texts::new(None), Plugged::default());
    let mut signals = Vec::new();
    let enough = async {
        loop {
            signals.extend(collector.next().await.signals);
            let late = attempts(&signals).iter().any(|attempt| {
                attempt.failed == Some(FailureClass::ConnectTimeout) && attempt.served == Some(true)
            });
            let full = signals.iter().any(|signal| {
                matches!(&signal.word, Word::Level(level) if level.gauge == Gauge::DiskSpace && level.of == "/")
            });
            if late && full {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), enough).await.expect("late callers and full disks");
    assert!(connections.load(Ordering::Relaxed) >= 3);
}

/// What an HTTP API was seen to answer.
async fn pretend_api(
    State(needs): State<Option<&'static str>>,
    uri: Uri,
    headers: HeaderMap,
) -> impl IntoResponse {
    let all: BTreeMap<String, Json> = serde_json::from_str(HTTP).expect("JSON");
    let path = uri.path().trim_start_matches("/scouter/v1/");
    let let_in = needs.is_none_or(|token| {
        headers
            .get("authorization")
            .is_some_and(|given| given.as_bytes() == format!("Bearer {token}").as_bytes())
    });
    let name = match path {
        "info/server" => "info-server",
        "user/loginGetToken" => "auth-login-token",
        _ if !let_in => "auth-bearer-missing",
        "object" => "object",
        _ if path.starts_with("counter/realTime/") && path.ends_with("/linux") => "counter-realtime-host",
        _ if path.starts_with("counter/realTime/") => "counter-realtime-oftype",
        _ if path.starts_with("alert/realTime/") => "alert-realtime",
        _ if path.starts_with("xlog-data/realTime/") => "xlog-data-realtime",
        _ if path.starts_with("profile-data/") => "profile-data-roundrobin",
        _ if path.starts_with("dictionary/") => "dictionary",
        _ if path.starts_with("object/host/realTime/disk/ofObject/") => "object-host-disk",
        other => panic!("not a question that reads: {other}"),
    };
    all[name].to_string()
}

async fn api(needs: Option<&'static str>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(pretend_api).with_state(needs);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A client over plain HTTP.
fn client() -> reqwest::Client {
    let roots = Arc::new(reach_net::trust::TrustRoots::load());
    reach::alert::http::client(&roots, None, None, Duration::from_secs(15)).expect("a client")
}

#[tokio::test]
async fn the_http_api_says_the_same_as_the_wire() {
    let token = "V1.6EF61C89604789F532D86BEDE93BAC8B.z108p1l2.admin";
    for (needs, login) in [
        (None, ApiLogin::None),
        (Some(token), ApiLogin::Account("admin".into(), "admin".to_owned().into())),
        (Some(token), ApiLogin::Token(token.to_owned().into())),
    ] {
        let url = format!("http://{}/scouter", api(needs).await).parse().expect("a URL");
        let mut api = Api::new(client(), url, login, reading(true), 0);
        let clock = Clock::start();
        for _ in 0..2 {
            api.round(&clock).await.expect("answers");
        }
        api.reading().poll(clock.now());
        let signals = api.reading().signals();
        let late: Vec<Attempt> =
            attempts(&signals).into_iter().filter(|attempt| attempt.served == Some(true)).collect();
        assert!(!late.is_empty(), "{signals:#?}");
        assert!(
            late.iter().all(|attempt| attempt.address.to_string() == "127.0.0.10" && attempt.port == 8088)
        );
        let has = |of: &str| {
            signals.iter().any(|signal| matches!(&signal.word, Word::Level(level) if level.of == of))
        };
        assert!(has("/") && has("/데이터"), "{signals:#?}");
        let told = serde_json::to_string(&signals).expect("JSON");
        for private in ["curl/7.88.1", "1,1,1,2,900"] {
            assert!(!told.contains(private), "{private}");
        }
    }
}

#[tokio::test]
async fn an_api_that_lets_nobody_in_says_so() {
    let url = format!("http://{}/scouter", api(Some("other")).await).parse().expect("a URL");
    let mut api = Api::new(client(), url, ApiLogin::None, reading(true), 0);
    let trouble = api.round(&Clock::start()).await.expect_err("refused");
    assert!(trouble.to_string().starts_with("not allowed"), "{trouble}");
}
