//! Programs that others wrote: a real Alertmanager, and the npm package `telegram-test-api`.
//!
//! Both run on loopback. Whoever lacks them is told so, and how to get them: `apt-get install
//! prometheus-alertmanager`; `scripts/telegram-test-api DIRECTORY`, and `REACH_TELEGRAM_TEST_API=DIRECTORY`.

use std::{
    env,
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use reach::alert::Sender;
use reach_core::watch::{
    News,
    courier::{How, Report},
};
use serde_json::Value;

use super::{
    http_fake::read,
    postman::wall,
    world::{World, notice, sender, settings},
};

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

fn wait_for(address: SocketAddr) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "{address} does not listen");
        thread::sleep(Duration::from_millis(50));
    }
}

/// One exchange in the plainest HTTP.
fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> Value {
    let mut stream = TcpStream::connect(address).expect("connected");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("asked");
    read(&mut stream).map(|answer| answer.json()).unwrap_or_default()
}

fn world(sender: Sender) -> World {
    let mut world = World::new(vec![sender]);
    world.now = wall();
    world
}

#[test]
fn a_real_alertmanager_shows_an_incident_and_its_end() {
    let program = "/usr/bin/prometheus-alertmanager";
    if !Path::new(program).exists() {
        eprintln!("SKIPPED: no {program}; apt-get install prometheus-alertmanager");
        return;
    }
    let directory = tempfile::TempDir::new().expect("a directory");
    let config = directory.path().join("alertmanager.yml");
    std::fs::write(&config, "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n").expect("written");
    let address = free_port();
    let child = Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", directory.path().display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let _running = Running(child);
    wait_for(address);
    let table = format!("name = 'am'\nkind = 'alertmanager'\nurls = ['http://{address}']");
    let mut world = world(sender(&settings(&table)));
    let alerts = || ask(address, "GET", "/api/v2/alerts", "");

    let mut opened = notice(5, 1, News::Opened, world.now);
    opened.incident.labels.insert("data-center".to_owned(), "서울 \"1\"".to_owned());
    let labels = opened.incident.labels.clone();
    world.tell(&opened);
    world.run(Duration::from_secs(1));
    assert_eq!(world.reports(), ["Sent"], "{:?}", world.told);
    let shown = alerts();
    assert_eq!(shown.as_array().map(Vec::len), Some(1), "{shown}");
    assert_eq!(
        (&shown[0]["labels"]["target"], &shown[0]["status"]["state"]),
        (&"svc5.example:443".into(), &"active".into())
    );
    assert_eq!(shown[0]["labels"]["data_center"], "서울 \"1\"");
    assert!(
        shown[0]["annotations"]["description"].as_str().is_some_and(|text| text.contains("#5·1")),
        "{shown}"
    );

    // The same alert, whatever changed; and its end is its end.
    world.now = wall();
    let mut ended = notice(5, 2, News::Recovered, world.now);
    ended.incident.labels = labels;
    world.tell(&ended);
    world.run(Duration::from_secs(1));
    assert_eq!(world.reports(), ["Sent", "Sent"], "{:?}", world.told);
    assert_eq!(alerts(), Value::Array(Vec::new()));
}

#[test]
fn an_emulator_of_others_takes_what_we_say_to_telegram() {
    let Ok(directory) = env::var("REACH_TELEGRAM_TEST_API") else {
        eprintln!("SKIPPED: REACH_TELEGRAM_TEST_API is not set; see scripts/telegram-test-api");
        return;
    };
    let address = free_port();
    let start = format!(
        "const T = require('telegram-test-api'); new T({{port: {}, host: '127.0.0.1', storage: 'RAM', storeTimeout: 300}}).start()",
        address.port()
    );
    let child = Command::new("node")
        .args(["-e", &start])
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("node runs");
    let _running = Running(child);
    wait_for(address);
    let table = format!(
        "name = 'ops'\nkind = 'telegram'\ntoken = '123456:smoke'\nchat = 77\napi_url = 'http://{address}'"
    );
    let mut world = world(sender(&settings(&table)));
    for (seq, news) in [(1, News::Opened), (2, News::Updated), (3, News::Reminder), (4, News::Recovered)] {
        world.say(1, seq, news);
        world.minutes(1);
    }
    world.settled();
    assert!(world.told.iter().all(|(_, report)| matches!(report, Report::Sent { .. })), "{:?}", world.told);
    let history = ask(address, "POST", "/getUpdatesHistory", "{\"token\":\"123456:smoke\"}");
    let texts = history.to_string();
    assert!(texts.contains("#1·4") && texts.contains("svc1.example"), "{texts}");
    let rekeyed = world.told.iter().filter(|(dispatch, _)| matches!(dispatch.how, How::Buttons { .. }));
    assert_eq!(rekeyed.count(), 2, "of the opening and of the reminder");
}
