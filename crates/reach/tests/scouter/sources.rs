//! Installations within a watch: everything from the configuration's table to what is handed in.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, UdpSocket},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use reach::{
    alert::settings::Place,
    receive::{Heard, Intake},
    scouter::{settings::ScouterSettings, source::Sources},
};
use reach_core::signal::{Failure, FailureClass, HostFrom, Signal, Word};
use reach_net::drive::Clock;
use reach_signal::scouter::{
    dictionary::TextKind,
    wire::{
        Address, ApiCall, Bytes, Map, MapPack, ObjectPack, Pack, Place as At, Profile, Reader, Socket, Step,
        Value, Writer, XLog, hash, hexa32, packs, write_steps,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::Receiver,
    time::timeout,
};

use super::{INCIDENT, api, bytes, client};

/// A text that nobody knows who was not told.
const ERROR: &str = "java.net.ConnectException: Connection refused (by our own gateway)";

fn settings(table: &str) -> ScouterSettings {
    let place = Place { directory: Path::new("/"), variable: &|_| None };
    let table = table.parse().expect("TOML");
    ScouterSettings::read(table, place).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// What is handed in until it is enough.
async fn heard_until(from: &mut Receiver<Heard>, all: &mut Vec<Heard>, enough: impl Fn(&[Heard]) -> bool) {
    let wait = async {
        while !enough(all) {
            all.push(from.recv().await.expect("a source"));
        }
    };
    if timeout(Duration::from_secs(60), wait).await.is_err() {
        panic!("{all:#?}");
    }
}

fn signals(all: &[Heard]) -> impl Iterator<Item = &Signal> {
    all.iter().flat_map(|heard| &heard.signals)
}

fn failures(all: &[Heard]) -> Vec<&Failure> {
    let failure = |signal: &'_ Signal| matches!(signal.word, Word::Failure(_));
    let all = signals(all).filter(|signal| failure(signal));
    all.filter_map(|signal| match &signal.word {
        Word::Failure(failure) => Some(failure),
        _ => None,
    })
    .collect()
}

/// A collector that does not have a good day.
#[derive(Default)]
struct Day {
    connections: usize,
    logins: usize,
    /// Sessions of another start are none.
    session: i64,
    /// Transactions that failed so far.
    failed: i64,
    texts_asked: usize,
    /// So many answers with transactions in them, the same ones each time.
    told: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Whole,
    Half,
    Garbage,
    /// The collector is started anew instead of answering.
    Restart,
}

impl Day {
    /// How a request is answered that came on the connection of that number.
    fn fares(&self, connection: usize, name: &str) -> Answer {
        match (connection, name) {
            (0, "OBJECT_LIST_REAL_TIME") => Answer::Half,
            (1, "OBJECT_LIST_REAL_TIME") => Answer::Garbage,
            (2, "GET_TEXT_100") => Answer::Half,
            (3, _) if self.texts_asked > 1 && name == "OBJECT_LIST_REAL_TIME" => Answer::Restart,
            _ => Answer::Whole,
        }
    }

    fn packs(&mut self, name: &str, table: &Map) -> Vec<Pack> {
        let jvm = hash(b"/was01/push-api-1");
        let tables = |table: Map| vec![Pack::Map(MapPack { table })];
        let position = |index: i64| [("loop", 0), ("index", index)].into_iter().collect::<Map>();
        match name {
            "LOGIN" => {
                self.logins += 1;
                tables([("session", self.session)].into_iter().collect())
            }
            "OBJECT_LIST_REAL_TIME" => vec![Pack::Object(ObjectPack {
                obj_type: "jetty".into(),
                obj_hash: jvm,
                obj_name: "/was01/push-api-1".into(),
                alive: true,
                tags: Value::Map(Map::default()),
                ..ObjectPack::default()
            })],
            "COUNTER_REAL_TIME_ALL_MULTI" => tables(Map::default()),
            "ALERT_REAL_TIME" => tables(position(0)),
            "TRANX_REAL_TIME_GROUP_LATEST" => tables(position(100 - self.session)),
            "TRANX_REAL_TIME_GROUP" => {
                let mut packs = tables(position(100 - self.session));
                self.told += 1;
                packs.extend((1..=self.failed).map(|txid| {
                    let mut xlog = XLog::default();
                    (xlog.head.obj_hash, xlog.head.txid) = (jvm, txid);
                    xlog.head.error = hash(ERROR.as_bytes());
                    Pack::XLog(Box::new(xlog))
                }));
                packs
            }
            "TRANX_PROFILE" => {
                let error = hash(ERROR.as_bytes());
                let at = |index, parent| At { index, parent, ..At::default() };
                let txid = table.get("txid").and_then(Value::integer).unwrap_or(0);
                let address = Address { opt: 1, address: Some(format!("gw{txid}.example.kr:443")) };
                let call = ApiCall { at: at(0, -1), error, address, ..ApiCall::default() };
                let ipaddr = Bytes(vec![192, 0, 2, 10]);
                let socket = Socket { at: at(1, 0), ipaddr, port: 443, error, elapsed: 1 };
                let profile = Bytes(write_steps(&[Step::Socket(socket), Step::ApiCall(call)]));
                vec![Pack::Profile(Profile { profile, ..Profile::default() })]
            }
            "GET_TEXT_100" => {
                self.texts_asked += 1;
                let is_error = table.get("type").and_then(Value::text) == Some(TextKind::Error.code());
                let known = is_error.then(|| (hexa32(hash(ERROR.as_bytes()).into()), ERROR));
                tables(known.into_iter().collect())
            }
            other => panic!("not a command that reads: {other}"),
        }
    }
}

async fn collect(listener: TcpListener, day: Arc<Mutex<Day>>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let number = {
            let mut day = day.lock().expect("a day");
            day.connections += 1;
            day.connections - 1
        };
        tokio::spawn(talk(stream, number, Arc::clone(&day)));
    }
}

async fn talk(mut stream: TcpStream, number: usize, day: Arc<Mutex<Day>>) {
    let mut request = vec![0; 65_536];
    while let Ok(length @ 1..) = stream.read(&mut request).await {
        let asked = &request[..length];
        let asked = asked.strip_prefix(&[0xca, 0xfe, 0x20, 0x01]).unwrap_or(asked);
        let name = std::str::from_utf8(&asked[1..=usize::from(asked[0])]).expect("a name").to_owned();
        let rest = &asked[1 + name.len()..];
        let session = i64::from_be_bytes(rest[..8].try_into().expect("a session"));
        let table = match Pack::read(&mut Reader::new(&rest[8..])) {
            Ok(Pack::Map(pack)) => pack.table,
            _ => Map::default(),
        };
        let (fares, answer) = {
            let mut day = day.lock().expect("a day");
            if name != "LOGIN" && session != day.session {
                (Answer::Half, vec![0x44, 0x44])
            } else {
                let fares = day.fares(number, &name);
                if fares == Answer::Restart {
                    day.session += 1;
                    day.failed += 1;
                }
                let mut w = Writer::default();
                for pack in day.packs(&name, &table) {
                    w.raw(&[3]);
                    pack.write(&mut w);
                }
                w.raw(&[4]);
                (fares, w.into_bytes())
            }
        };
        let answer = match fares {
            Answer::Whole => answer,
            Answer::Half => answer[..answer.len() / 2].to_vec(),
            Answer::Garbage => b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            Answer::Restart => Vec::new(),
        };
        if stream.write_all(&answer).await.is_err() || fares != Answer::Whole {
            return;
        }
    }
}

#[tokio::test]
async fn a_collector_with_a_bad_day_says_everything_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    let day = Arc::new(Mutex::new(Day { session: 1, failed: 1, ..Day::default() }));
    tokio::spawn(collect(listener, Arc::clone(&day)));
    let state = tempfile::tempdir().expect("a directory");
    let table = format!(
        "name = 'apm'\naddress = '127.0.0.1:{port}'\nevery = '1s'\nuser = 'watch'\npassword = 's3cret'"
    );
    let (intake, mut from) = Intake::new();
    let sources =
        Sources::start(&[settings(&table)], state.path(), Clock::start(), &intake).expect("sources");

    let mut all = Vec::new();
    heard_until(&mut from, &mut all, |all| failures(all).len() >= 2).await;
    // What is said again and again by the collector is not handed in again.
    let told = day.lock().expect("a day").told;
    let again = || day.lock().expect("a day").told >= told + 2;
    heard_until(&mut from, &mut all, |_| again()).await;
    assert!(all.iter().all(|heard| heard.source == "apm"));
    assert!(all.iter().any(|heard| heard.signals.is_empty()), "it was asked, and there was nothing");
    let hosts: Vec<_> = failures(&all)
        .into_iter()
        .map(|failure| {
            assert_eq!((failure.class, failure.port), (FailureClass::Refused, Some(443)));
            assert_eq!(failure.host_from, Some(HostFrom::Context));
            failure.host.as_deref().expect("a host")
        })
        .collect();
    assert_eq!(hosts, ["gw1.example.kr", "gw2.example.kr"]);
    let lost = signals(&all).filter(|signal| matches!(signal.word, Word::Lost { .. })).count();
    assert_eq!(lost, 0, "what was cut off is asked for again");
    {
        let day = day.lock().expect("a day");
        assert_eq!((day.logins, day.texts_asked), (2, 2), "one login for each start of the collector");
        assert!(day.connections >= 5, "{}", day.connections);
    }

    drop(sources);
    let file = state.path().join("scouter-apm.json");
    let written = async {
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), written).await.expect("texts");
    let kept = std::fs::read_to_string(&file).expect("texts");
    assert!(kept.contains("our own gateway") && !kept.contains("s3cret"), "{kept}");
}

fn free_port() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.local_addr().expect("an address")
}

#[tokio::test]
async fn every_way_hands_in_under_its_name_and_says_that_it_is_there() {
    let token = "V1.6EF61C89604789F532D86BEDE93BAC8B.z108p1l2.admin";
    let (open, guarded) = (api(None).await, api(Some(token)).await);
    let to = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let (listen, tell) = (free_port(), to.local_addr().expect("an address"));
    let all = [
        format!("name = 'udp'\nmode = 'listen'\nlisten = '{listen}'\ntell = '{tell}'"),
        format!("name = 'open'\nmode = 'api'\napi_url = 'http://{open}/scouter'\nevery = '1s'"),
        format!("name = 'shut'\nmode = 'api'\napi_url = 'http://{guarded}/scouter'\nevery = '1s'"),
        "name = 'nobody'\naddress = '127.0.0.1:1'\nevery = '1s'".to_owned(),
    ];
    let all: Vec<ScouterSettings> = all.iter().map(|table| settings(table)).collect();
    let state = tempfile::tempdir().expect("a directory");
    let (intake, mut from) = Intake::new();
    let sources = Sources::start(&all, state.path(), Clock::start(), &intake).expect("sources");

    let mut buffer = vec![0; 65_536];
    let length =
        timeout(Duration::from_secs(20), to.recv(&mut buffer)).await.expect("in time").expect("a datagram");
    let heartbeat = packs(&buffer[..length]).expect("packs").0;
    assert!(
        matches!(heartbeat.as_slice(), [Pack::Object(object)] if object.obj_type == "reach"),
        "{heartbeat:#?}"
    );

    let web = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let at = web.local_addr().expect("an address");
    let router = sources.plug().expect("a receiver of alerts").layer(axum::Extension(reach::web::Peer(at)));
    tokio::spawn(async move { axum::serve(web, router).await });
    for (path, status) in [("scouter/alert", 204), ("scouter/open/alert", 204), ("scouter/other/alert", 404)]
    {
        let query = "level=2&title=PAYMENT&message=x&objType=jetty&objHash=5";
        let answer = client().get(format!("http://{at}/{path}?{query}")).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
    let agent = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    for line in INCIDENT.lines() {
        let datagram = bytes(&serde_json::from_str(line).expect("JSON"), "hex");
        agent.send_to(&datagram, listen).expect("sent");
    }
    let mut heard = Vec::new();
    let failed_of = |all: &[Heard]| {
        let mut of: BTreeMap<String, usize> = BTreeMap::new();
        for heard in all {
            let attempts = heard
                .signals
                .iter()
                .filter(|signal| matches!(&signal.word, Word::Attempt(attempt) if attempt.failed.is_some()));
            *of.entry(heard.source.clone()).or_default() += attempts.count();
        }
        of
    };
    let alerts = |all: &[Heard], source: &str| {
        let of = all.iter().filter(|heard| heard.source == source).flat_map(|heard| &heard.signals);
        of.filter(|signal| matches!(&signal.word, Word::Alert(alert) if alert.title == "PAYMENT")).count()
    };
    heard_until(&mut from, &mut heard, |all| {
        let failed = failed_of(all);
        ["udp", "open"]
            .iter()
            .all(|name| failed.get(*name).is_some_and(|count| *count > 0) && alerts(all, name) == 1)
    })
    .await;
    assert!(
        !heard.iter().any(|heard| heard.source == "shut" || heard.source == "nobody"),
        "they said nothing"
    );
    assert!(
        signals(&heard).all(|signal| ["udp", "open"].contains(&signal.origin.source.as_str())),
        "signals bear the name of their source"
    );
}

#[tokio::test]
async fn what_can_never_be_heard_is_said_with_its_name() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let table =
        format!("name = 'apm'\nmode = 'listen'\nlisten = '{}'", taken.local_addr().expect("an address"));
    let (intake, _from) = Intake::new();
    let state = tempfile::tempdir().expect("a directory");
    let problems = Sources::start(&[settings(&table)], state.path(), Clock::start(), &intake).err();
    let problems = problems.expect("problems");
    assert!(problems.len() == 1 && problems[0].contains("scouter `apm`: `listen`"), "{problems:?}");
    let none = Sources::start(&[], state.path(), Clock::start(), &intake).expect("nothing to do");
    assert!(none.plug().is_none());
}
