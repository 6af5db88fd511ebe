//! What applications and their APM say leads to what is watched: one incident, one message.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use reach_core::watch::Phase;
use reach_lab::{
    Description, Effect, Fault, Lab, Name, Resolver, Router, Running, Selection, Service, ServiceKind, Tool,
    isolated, story,
};
use reach_store::IncidentFilter;
use serde_json::{Value, json};

use super::{
    company::{Rights, reach},
    place::{LONG, Place, states, telegram, until},
    telegram_fake::{Message, Telegram},
};

const TOOLS: &[Tool] = &[Tool::Ip, Tool::Nft];
/// An episode that was recorded from the start of an agent to its end.
const RECORDED: &str = include_str!("../../../reach-signal/tests/data/scouter/incident.jsonl");
/// It is played so many times faster.
const FASTER: f64 = 3.0;
/// The two addresses of the name that fails in it, and the one of the other name.
const DROPPED: [u8; 4] = [203, 0, 113, 10];
const ANSWERS: [u8; 4] = [203, 0, 113, 21];
const REFUSES: [u8; 4] = [203, 0, 113, 9];
const QUICK: &str = "[defaults]\nevery = '200ms'\ntimeout = '500ms'\nresolve_every = '1s'\nexchange_every = '1s'\n\
                     open_after = '1s'\nwell_after = '1s'\nrecovered_after = '1s'\nclear_after = '3s'\n";

struct Stay {
    lab: Lab,
    fake: Telegram,
    place: Place,
    watch: Running,
}

impl Stay {
    fn begin(description: &Description, port: u16, config: impl FnOnce(&Place) -> String) -> Self {
        let lab = Lab::build(description).expect("a lab");
        let fake = lab.client().within(Telegram::going);
        let place = Place::new(port);
        let config = format!("{QUICK}{}{}", config(&place), telegram(&fake, "ops", ""));
        place.configure(&config);
        fs::set_permissions(place.config(), fs::Permissions::from_mode(0o644)).expect("readable");
        let command = place.at_home(reach(&lab, Rights::All)).args(["watch", "--config"]).arg(place.config());
        let watch = command.env("LC_ALL", "C.UTF-8").spawn().expect("it starts");
        let stay = Self { lab, fake, place, watch };
        until("a watch", LONG, || stay.status());
        stay
    }

    fn status(&self) -> Option<Value> {
        let place = &self.place;
        self.lab.client().within(|| place.status())
    }

    /// The first message that says all this.
    fn says(&mut self, told: &[&str]) -> Message {
        let end = Instant::now() + LONG;
        loop {
            let messages = self.fake.messages();
            let found = messages.iter().find(|one| told.iter().all(|told| one.text.contains(told)));
            if let Some(found) = found {
                return found.clone();
            }
            assert!(!self.watch.has_ended(), "{}", self.watch.stderr_so_far());
            assert!(
                Instant::now() < end,
                "nobody ever said {told:?}: {messages:#?}\n{}",
                self.watch.stderr_so_far()
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn end(self) -> Place {
        self.watch.signal(15).expect("it runs");
        let ended = self.watch.wait(LONG).expect("it ends");
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        self.fake.audit();
        self.place
    }
}

/// The network of the recorded episode; of the name with two addresses the firewall drops one.
fn recorded_network() -> Description {
    let text = |address: [u8; 4]| address.map(|byte| byte.to_string()).join(".");
    let [dropped, answers, refuses] = [DROPPED, ANSWERS, REFUSES].map(text);
    let pool = [dropped.as_str(), answers.as_str(), refuses.as_str()];
    Description::new("the recorded episode")
        .router("r1")
        .router("fw")
        .stage(["ra", "rb"].map(Router::named))
        .host("pool", pool)
        .host_behind("dns", [story::RESOLVER], "r1")
        .service(
            Service::new("pool", 8088, ServiceKind::Http { status: 200, body: 2 }).on(&answers).on(&dropped),
        )
        .resolver(
            Resolver::at("dns")
                .name(
                    Name::new("rr.example.kr", [dropped.as_str(), answers.as_str()])
                        .selection(Selection::Rotate),
                )
                .name(Name::new(story::NAME, [refuses.as_str()])),
        )
        .fault(Fault::at("fw", Effect::DropEarly).address(&dropped))
}

/// Sends the datagrams of the episode, as they came, but that their addresses are those of the network.
fn replay(to: &str) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let began = Instant::now();
    for line in RECORDED.lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let hex = record["hex"].as_str().expect("hex");
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        let mut bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        for (was, is) in [([127, 0, 0, 10], DROPPED), ([127, 0, 0, 21], ANSWERS), ([127, 0, 0, 9], REFUSES)] {
            for at in 0..bytes.len().saturating_sub(3) {
                if bytes[at..at + 4] == was {
                    bytes[at..at + 4].copy_from_slice(&is);
                }
            }
        }
        let due = Duration::from_secs_f64(record["seconds"].as_f64().expect("seconds") / FASTER);
        thread::sleep(due.saturating_sub(began.elapsed()));
        socket.send_to(&bytes, to).expect("sent");
    }
}

#[test]
fn a_recorded_episode_of_an_apm_is_one_incident_and_one_message_with_its_cause() {
    isolated(TOOLS, || {
        let mut stay = Stay::begin(&recorded_network(), 9740, |_| {
            "[signals]\nfailure_share = { threshold = '1%', window = '20s', least = 30 }\n\
             [[scouter]]\nname = 'apm'\nmode = 'listen'\nlisten = '127.0.0.1:6100'\n"
                .to_owned()
        });
        stay.lab.client().within(|| replay("127.0.0.1:6100"));
        let hop = stay.lab.router_address("r1").0.to_string();
        let said = stay.says(&[
            "jetty",
            "rr.example.kr:8088",
            "203.0.113.10",
            "suspected firewall drop",
            &hop,
            "Served late, by another address: 3",
            "As the application saw it: 203.0.113.10 3 of 3 failed",
            "Please permit",
        ]);
        assert!(!said.silent, "it rings");
        assert_eq!(stay.fake.messages().len(), 1, "{:#?}", stay.fake.messages());
        let incidents = stay.end().reader().incidents(&IncidentFilter::default()).expect("readable");
        assert_eq!(incidents.len(), 1, "{incidents:#?}");
        assert!(incidents[0].title.contains("rr.example.kr"), "{incidents:#?}");
    });
}

fn append(file: &Path, lines: &str) {
    OpenOptions::new().append(true).open(file).expect("a log").write_all(lines.as_bytes()).expect("written");
}

fn stamp() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// What a JVM logs when an address does not answer.
fn trace(thread: u32) -> String {
    format!(
        "{} ERROR [push-{thread}] c.e.PushService - push failed\n\
         java.net.SocketTimeoutException: Connect timed out\n\
         \tat java.base/sun.nio.ch.NioSocketImpl.timedFinishConnect(NioSocketImpl.java:551)\n\
         \tat java.base/sun.nio.ch.NioSocketImpl.connect(NioSocketImpl.java:597)\n\
         \tat java.base/java.net.Socket.connect(Socket.java:633)\n\
         \tat org.apache.http.impl.conn.DefaultHttpClientConnectionOperator.connect(DefaultHttpClientConnectionOperator.java:142)\n\
         Caused by: org.apache.http.conn.ConnectTimeoutException: Connect to {}:443 [{}/203.0.113.12] failed: Connect timed out\n\
         \t... 12 more\n",
        stamp(),
        story::NAME,
        story::NAME
    )
}

#[test]
fn a_log_names_a_destination_that_nobody_watches_and_it_is_examined_and_watched_until_all_is_clear() {
    isolated(TOOLS, || {
        let mut description = story::founding();
        description.faults.clear();
        let mut stay = Stay::begin(&description, 9741, |place| {
            let log = place.file("push.log");
            File::create(&log).expect("a log");
            fs::set_permissions(&log, fs::Permissions::from_mode(0o644)).expect("readable");
            "[signals]\ncalm = '10s'\n[[log]]\nname = 'push-log'\nservice = 'push'\n\
             files = 'push.log'\nzone = 'UTC'\n"
                .to_owned()
        });
        let log = stay.place.file("push.log");
        let rule = stay
            .lab
            .impose(&Fault::at("fw", Effect::DropEarly).address("203.0.113.12").address("203.0.113.15"))
            .expect("a rule");
        append(&log, &format!("{} INFO started\n", stamp()));
        for number in 0..4 {
            append(&log, &trace(number));
            thread::sleep(Duration::from_millis(20));
        }
        let hop = stay.lab.router_address("r1").0.to_string();
        let said = stay.says(&[
            "push",
            story::NAME,
            "203.0.113.12, 203.0.113.15",
            "connect timed out (",
            "suspected firewall drop",
            &hop,
        ]);
        assert!(!said.silent, "it rings");
        assert_eq!(stay.fake.messages().len(), 1, "{:#?}", stay.fake.messages());
        stay.lab.lift(rule).expect("it was there");
        // The application goes on, and says nothing of failures.
        let watch = |stay: &Stay| {
            append(&log, &format!("{} INFO pushed\n", stamp()));
            stay.fake.messages().iter().any(|message| message.text.contains("all clear</b>"))
        };
        until("all clear", LONG * 2, || watch(&stay).then_some(()));
        let incidents = stay.end().reader().incidents(&IncidentFilter::default()).expect("readable");
        assert_eq!(incidents.len(), 1, "{incidents:#?}");
        assert!(matches!(incidents[0].phase, Phase::Closed { all_clear: true, .. }), "{incidents:#?}");
    });
}

#[test]
fn the_kernel_tells_which_application_waits_for_an_address_that_does_not_answer() {
    isolated(TOOLS, || {
        let mut description = story::founding();
        description.faults.clear();
        // The watch itself tries so seldom that it would not notice for long.
        let mut stay = Stay::begin(&description, 9742, |_| {
            format!(
                "[host]\nblocked_after = '1s'\nlook = '200ms'\n[[target]]\ntarget = '{}'\nevery = '10m'\n",
                story::NAME
            )
        });
        until("its addresses", LONG, || stay.status().filter(|status| states(status, "ok") == 8));
        let _rule =
            stay.lab.impose(&Fault::at("fw", Effect::DropEarly).address("203.0.113.12")).expect("a rule");
        let waits = "exec -a mailer timeout 60 bash -c 'exec 3<>/dev/tcp/203.0.113.12/443'";
        let application =
            || stay.lab.client().command("bash").args(["-c", waits]).spawn().expect("it starts");
        let applications: Vec<Running> = (0..4).map(|_| application()).collect();
        let said = stay.says(&[story::NAME, "203.0.113.12", "suspected firewall drop", "bash"]);
        assert!(!said.silent, "it rings");
        drop(applications);
        stay.end();
    });
}

#[test]
fn spans_of_an_agent_lead_to_the_same_message() {
    isolated(TOOLS, || {
        let mut stay = Stay::begin(&story::founding(), 9743, |_| "[otlp_receiver]\n".to_owned());
        let span = |number: u64| {
            let now = jiff::Timestamp::now().as_nanosecond();
            let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
            json!({
                "traceId": format!("{number:032x}"), "spanId": format!("{number:016x}"), "name": "POST", "kind": 3,
                "startTimeUnixNano": (now - 3_000_000_000).to_string(), "endTimeUnixNano": now.to_string(),
                "status": {"code": 2},
                "attributes": [
                    text("server.address", story::NAME), {"key": "server.port", "value": {"intValue": "443"}},
                    text("network.peer.address", "203.0.113.12"),
                    text("error.type", "java.net.SocketTimeoutException"),
                ],
                "events": [{"name": "exception", "timeUnixNano": now.to_string(), "attributes": [
                    text("exception.type", "java.net.SocketTimeoutException"),
                    text("exception.message", "Connect timed out"),
                ]}],
            })
        };
        let service = json!([{"key": "service.name", "value": {"stringValue": "mail-push"}}]);
        let spans: Vec<Value> = (1..=4).map(span).collect();
        let body = json!({"resourceSpans": [{"resource": {"attributes": service}, "scopeSpans": [{"spans": spans}]}]});
        let body = body.to_string();
        let answer = stay.lab.client().within(|| {
            let mut stream = TcpStream::connect("127.0.0.1:4318").expect("it listens");
            let head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close";
            write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            answer
        });
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        stay.says(&[
            "mail-push",
            story::NAME,
            "3 of 8 addresses",
            "suspected firewall drop",
            "connect timed out (4)",
        ]);
        let status = stay.status().expect("a status");
        assert_eq!(status["sources"][0]["source"], "otlp", "{status}");
        stay.end();
    });
}
