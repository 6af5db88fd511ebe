//! Webhooks, Slack, Teams, mail, Alertmanager, commands, and the ways there.

use std::{
    io::Write,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use reach::alert::Sender;
use reach_core::watch::{Delivery, News};

use super::{
    http_fake::{Log, Reply, Request, read, speak, web},
    relays::{http_proxy, socks_proxy},
    servers::Authority,
    smtp_fake::Server,
    world::{START, World, sender, settings},
};

fn channel(kind: &str, more: &str) -> Sender {
    sender(&settings(&format!("name = '{kind}'\nkind = '{kind}'\n{more}")))
}

fn hook(kind: &str, address: SocketAddr) -> Sender {
    channel(kind, &format!("url = 'http://{address}/secret-path'"))
}

fn asked(log: &Log) -> Vec<Request> {
    log.lock().expect("a log").clone()
}

/// Answers with these, and then with success.
fn answers(replies: Vec<Reply>) -> (SocketAddr, Log) {
    let replies = Mutex::new(replies.into_iter());
    web(move |_| replies.lock().expect("replies").next().unwrap_or(Reply::status(200)))
}

#[test]
fn a_webhook_is_signed_and_an_attempt_that_is_repeated_has_the_same_key() {
    let (address, log) = answers(vec![Reply::status(500)]);
    let url = format!("url = 'http://{address}/hook'\nsecret = 'swordfish'");
    let mut world = World::new(vec![channel("webhook", &url)]);
    world.say(3, 1, News::Opened);
    world.say(3, 2, News::Updated);
    world.minutes(1);
    world.settled();
    let asked = asked(&log);
    assert_eq!(asked.len(), 3, "each change on its own, the first one twice");
    let keys: Vec<String> = asked.iter().filter_map(|request| request.field("idempotency-key")).collect();
    assert_eq!((&keys[0], &keys[2][..]), (&keys[1], "web01/webhook/2"));
    for request in &asked {
        let signature = request.field("x-reach-signature").expect("a signature");
        let (time, tag) =
            signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).expect("two parts");
        let signed = [time.as_bytes(), b".", &request.body].concat();
        let tag: Vec<u8> = (0..tag.len() / 2)
            .map(|at| u8::from_str_radix(&tag[2 * at..2 * at + 2], 16).expect("hexadecimal"))
            .collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"swordfish");
        assert!(hmac::verify(&key, &signed, &tag).is_ok());
        assert!(time.parse::<u64>().is_ok_and(|time| time >= START.as_secs()));
    }
    let document = asked[2].json();
    assert_eq!(document["schema"], "reach.notice/1");
    let notice = &document["notices"][0];
    assert_eq!(
        (&notice["news"], &notice["incident"], &notice["seq"]),
        (&"updated".into(), &3.into(), &2.into())
    );
}

#[test]
fn what_a_hook_answers_decides_what_is_done() {
    for kind in ["webhook", "slack", "teams"] {
        for (status, fields, first) in [
            (429, vec![("retry-after", "90".to_owned())], "Later"),
            (500, Vec::new(), "Failed"),
            (503, vec![("retry-after", "5".to_owned())], "Later"),
            (404, Vec::new(), "Broken"),
            (302, vec![("location", "http://192.0.2.1/".to_owned())], "Broken"),
        ] {
            let (address, log) = answers(vec![Reply::Answer(status, fields, "no\u{1b}[2J".to_owned())]);
            let mut world = World::new(vec![hook(kind, address)]);
            world.say(1, 1, News::Opened);
            world.minutes(10);
            world.settled();
            assert_eq!(world.reports(), [first, "Sent"], "{kind} {status}");
            assert_eq!(asked(&log).len(), 2);
            let shown = format!("{:?} {:?}", world.told, world.courier.status());
            assert!(!shown.contains('\u{1b}') && !shown.contains("secret-path"), "{shown}");
        }
        let (address, _) = answers(vec![Reply::status(400)]);
        let mut world = World::new(vec![hook(kind, address)]);
        world.say(1, 1, News::Opened);
        world.minutes(10);
        assert_eq!(world.rows.values().next().map(|row| &row.delivery), Some(&Delivery::Dead));
    }
}

#[test]
fn slack_and_teams_get_what_they_understand() {
    let (address, log) = answers(Vec::new());
    let mut world = World::new(vec![hook("slack", address), hook("teams", address)]);
    world.say(1, 1, News::Opened);
    world.minutes(1);
    let asked = asked(&log);
    let (slack, teams) = (asked[0].json(), asked[1].json());
    assert_eq!(slack["blocks"][1]["text"]["type"], "mrkdwn");
    assert!(slack["text"].as_str().is_some_and(|text| text.contains("svc1.example")), "{slack}");
    let card = &teams["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    assert!(card["content"]["body"].as_array().is_some_and(|body| body.len() > 3), "{card}");
}

fn mail(server: &Server, host: &str, more: &str) -> Sender {
    let port = server.address.port();
    let table =
        format!("server = '{host}:{port}'\nfrom = 'reach@example.com'\nto = ['ops@example.com']\n{more}");
    channel("email", &table)
}

#[test]
fn mails_of_an_incident_are_a_thread() {
    let server = Server::start(None);
    server.answer_data("451 4.3.0 later\r\n");
    let mut world = World::new(vec![mail(&server, "127.0.0.1", "security = 'plain'\nlang = 'ko'")]);
    world.say(1, 1, News::Opened);
    world.minutes(1);
    world.say(1, 2, News::Updated);
    world.say(1, 3, News::Recovered);
    world.minutes(1);
    world.settled();
    assert_eq!(world.reports(), ["Failed", "Sent", "Sent"]);
    let mails = server.mails();
    let field = |mail: usize, name: &str| {
        let line = mails[mail].text.lines().find(|line| line.starts_with(&format!("{name}: ")));
        line.map(|line| line[name.len() + 2..].to_owned())
    };
    assert_eq!(field(1, "In-Reply-To"), field(0, "Message-ID"));
    assert_eq!(field(1, "References"), field(0, "Message-ID"));
    assert_eq!(field(0, "Auto-Submitted").as_deref(), Some("auto-generated"));
    assert_eq!(field(0, "Message-ID").as_deref(), Some("<web01.email.1@example.com>"));
    assert!(field(0, "Subject").is_some_and(|subject| subject.starts_with("=?utf-8?")), "{mails:?}");
    assert!(mails[0].to[0].contains("ops@example.com"));
}

#[test]
fn mail_goes_over_tls_and_with_a_login_or_not_at_all() {
    let authority = Authority::new();
    let server = Server::start(Some(authority.config(&["localhost"])));
    let ca = authority.file();
    let ca = format!("ca_file = '{}'\nuser = 'u'\n", ca.display());
    let mut world = World::new(vec![mail(&server, "localhost", &format!("{ca}password = 'p'"))]);
    world.say(1, 1, News::Opened);
    world.minutes(1);
    world.settled();
    let mails = server.mails();
    assert_eq!((mails[0].secured, mails[0].login.as_deref()), (true, Some("u")));

    let mut world = World::new(vec![mail(&server, "localhost", &format!("{ca}password = 'hunter2'"))]);
    world.say(1, 1, News::Opened);
    world.minutes(1);
    assert_eq!(world.reports()[0], "Broken");
    assert!(!format!("{:?}", world.told).contains("hunter2"));

    // Nobody vouches for the server, and a server without TLS gets nothing.
    let plain = Server::start(None);
    for (server, host) in [(&server, "localhost"), (&plain, "localhost")] {
        let mut world = World::new(vec![mail(server, host, "user = 'u'\npassword = 'p'")]);
        world.say(1, 1, News::Opened);
        world.run(Duration::from_millis(500));
        assert_ne!(world.reports()[0], "Sent", "{:?}", world.told);
    }
    assert!(plain.mails().is_empty());
}

#[test]
fn every_alertmanager_is_told_again_and_again_until_it_is_over() {
    let (first, log) = answers(Vec::new());
    let (second, other) = answers(vec![Reply::status(500)]);
    let urls = format!("urls = ['http://{first}', 'http://{second}/']");
    let mut world = World::new(vec![channel("alertmanager", &urls)]);
    world.say(9, 1, News::Opened);
    world.minutes(3);
    world.say(9, 2, News::Worsened { from: reach_core::watch::Gravity::Warning });
    world.say(9, 3, News::Recovered);
    world.minutes(10);
    world.settled();
    let (asked, others) = (asked(&log), asked(&other));
    assert_eq!((asked.len(), others.len()), (10, 10), "at once, at 1, 2, the end, and five minutes of it");
    let labels: Vec<_> = asked.iter().map(|request| request.json()[0]["labels"].clone()).collect();
    assert!(labels.iter().all(|one| *one == labels[0]), "an alert is what its labels are");
    assert_eq!((&labels[0]["alertname"], &labels[0]["team"]), (&"ReachTarget".into(), &"push".into()));
    let ends = |request: &Request| -> jiff::Timestamp {
        request.json()[0]["endsAt"].as_str().and_then(|text| text.parse().ok()).expect("a time")
    };
    let start = jiff::Timestamp::from_microsecond(START.as_micros() as i64).expect("a time");
    assert_eq!(ends(&asked[0]), start + Duration::from_secs(240));
    assert_eq!(ends(&asked[9]), start + Duration::from_secs(180));
}

#[test]
fn a_command_gets_the_notice_and_has_a_limited_time() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let script = |name: &str, text: &str| {
        let path = directory.path().join(name);
        let mut file = std::fs::File::create(&path).expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file.set_permissions(std::fs::Permissions::from_mode(0o755)).expect("executable");
        path.display().to_string()
    };
    let out = directory.path().join("out");
    let good = format!(
        "#!/bin/sh\necho \"$1 $REACH_NEWS $REACH_INCIDENT $REACH_TARGET\" > {0}\ncat >> {0}\nenv >> {0}.env\n",
        out.display()
    );
    let good = script("good", &good);
    let table = format!("command = ['{good}', 'a b;$(x)']");
    let mut world = World::new(vec![channel("command", &table)]);
    world.say(4, 1, News::Opened);
    world.minutes(1);
    world.settled();
    let text = std::fs::read_to_string(&out).expect("written");
    let (first, document) = text.split_once('\n').expect("two lines");
    assert_eq!(first, "a b;$(x) opened 4 svc4.example:443");
    let document: serde_json::Value = serde_json::from_str(document).expect("JSON");
    assert_eq!(document["notices"][0]["target"], "svc4.example:443");
    let environment = std::fs::read_to_string(out.with_extension("env")).expect("written");
    assert!(!environment.contains("CARGO"), "{environment}");

    let bad = script("bad", "#!/bin/sh\necho out of paper >&2\nexit 3\n");
    let endless = script("endless", "#!/bin/sh\nsleep 1000 &\nsleep 1000\n");
    for (program, report) in [(&bad, "Failed"), (&endless, "Unknown"), (&"/nowhere/x".to_owned(), "Broken")] {
        let begun = Instant::now();
        let mut world = World::new(vec![channel("command", &format!("command = ['{program}']"))]);
        world.say(4, 1, News::Opened);
        world.run(Duration::from_millis(500));
        assert_eq!(world.reports()[0], report, "{:?}", world.told);
        assert!(begun.elapsed() < Duration::from_secs(60));
        assert_eq!(format!("{:?}", world.told).contains("out of paper"), program == &bad);
    }
}

#[test]
fn hooks_are_reached_through_proxies_with_a_login() {
    let authority = Authority::new();
    let seen = AtomicU32::new(0);
    let web = authority.serve_tls(&["api.example"], move |mut stream| {
        if read(&mut stream).is_some() {
            seen.fetch_add(1, Ordering::SeqCst);
            speak(stream, &Reply::status(200));
        }
    });
    let ca = authority.file();
    let ca = ca.display();
    let (http, http_log) = http_proxy(web, true);
    let (socks, socks_log) = socks_proxy(web, 0);
    for (proxy, log, told) in [
        (format!("http://u:p@{http}"), &http_log, "CONNECT api.example:443 "),
        (format!("socks5h://u:p@{socks}"), &socks_log, "api.example"),
    ] {
        let table = format!("url = 'https://api.example/hook'\nca_file = '{ca}'\nproxy = '{proxy}'");
        let mut world = World::new(vec![channel("webhook", &table)]);
        world.say(1, 1, News::Opened);
        world.minutes(1);
        assert_eq!(world.reports(), ["Sent"], "{:?}", world.told);
        assert!(log.lock().expect("a log")[0].starts_with(told));
    }
    // A proxy that does not know us, and a server for which nobody vouches.
    for (more, secret) in [
        (format!("ca_file = '{ca}'\nproxy = 'http://u:hunter2@{http}'"), "hunter2"),
        (format!("proxy = 'http://u:p@{http}'"), "u:p@"),
    ] {
        let table = format!("url = 'https://api.example/hook'\n{more}");
        let mut world = World::new(vec![channel("webhook", &table)]);
        world.say(1, 1, News::Opened);
        world.run(Duration::from_millis(500));
        assert_eq!(world.reports()[0], "Failed", "{:?}", world.told);
        assert!(!format!("{:?}", world.told).contains(secret), "{:?}", world.told);
    }
}
