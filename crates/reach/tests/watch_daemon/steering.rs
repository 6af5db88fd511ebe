//! What commands have a running watch do: examine, and read its configuration again; and what it does for others
//! meanwhile: metrics that are pushed, a heartbeat.

use std::{
    process::{Command, Output},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{
    company::REACH,
    doors::{Door, free_port},
    http_fake::{Log, Reply, web},
    life::LOOPBACK,
    place::{LONG, Place, states, until},
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn target(door: &Door) -> String {
    format!("[[target]]\ntarget = '{}'\n", door.address)
}

/// How often it was asked there.
fn asked(log: &Log, path: &str) -> usize {
    log.lock().expect("a log").iter().filter(|request| request.path == path).count()
}

fn told(output: &Output, code: i32) -> String {
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

#[test]
fn a_watch_is_asked_for_an_examination_and_for_another_look_at_its_configuration() {
    let place = Place::new(free_port());
    let (server, _) = web(|_| Reply::status(200));
    let (works, closed) = (format!("http://{server}/"), Door::new(21));
    closed.set(false);
    let targets = |targets: &[&str]| -> String {
        targets.iter().map(|target| format!("[[target]]\ntarget = '{target}'\n")).collect()
    };
    let none = place.reach(&["examine", "x"]);
    assert!(told(&none, 2).contains("reach.toml"), "there is no configuration yet");
    let other = closed.address.to_string();
    place.configure(&format!("{LOOPBACK}{}", targets(&[&works, &other])));
    let none = told(&place.reach(&["examine", "x"]), 3);
    assert!(none.contains("no watch is running at") && none.contains("watch.sock"), "{none}");
    let none = told(&place.reach(&["config", "reload"]), 3);
    assert!(none.contains("no watch is running at") && none.contains("start `reach watch`"), "{none}");

    let watch = place.watch();
    until("one that works", LONG, || place.status().filter(|status| states(status, "ok") == 1));
    let examined = place.reach(&["examine", &works, "--json"]);
    told(&examined, 0);
    let found: Value = serde_json::from_slice(&examined.stdout).expect("one document");
    assert_eq!(
        (&found["schema"], &found["targets"][0]["state"]),
        (&"reach.check/1".into(), &"reachable".into())
    );
    let both = told(&place.reach(&["examine", "*", "--lang", "ko"]), 1);
    assert!(both.contains(&works) && both.contains(&other) && both.contains("연결"), "{both}");
    let unknown = told(&place.reach(&["examine", "other.example"]), 2);
    assert!(unknown.contains("`other.example` is not watched"), "{unknown}");

    place.configure(&format!("vantage = 'elsewhere'\n{LOOPBACK}{}", targets(&[&works])));
    let taken = told(&place.reach(&["config", "reload"]), 0);
    assert!(taken.contains("1 target"), "{taken}");
    assert!(taken.contains("what is new in `vantage` takes effect with a restart only"), "{taken}");
    until("one only", LONG, || {
        place.status().filter(|status| status["targets"].as_array().is_some_and(|all| all.len() == 1))
    });
    place.configure(&format!("surely = 'not'\n{LOOPBACK}{}", targets(&[&other])));
    let wrong = told(&place.reach(&["config", "reload"]), 2);
    assert!(wrong.contains("reach.toml:") && wrong.contains("`surely`"), "{wrong}");
    assert_eq!(place.status().map(|status| states(&status, "ok")), Some(1), "the old one is in force");
    watch.stop();
}

#[test]
fn metrics_and_the_heartbeat_go_where_the_newest_configuration_says_with_its_secrets() {
    let place = Place::new(free_port());
    let door = Door::new(22);
    let (address, log) = web(|_| Reply::status(200));
    let config = |beat: &str, endpoint: &str| {
        format!(
            "heartbeat = {{ {beat}, every = '10s' }}\n{LOOPBACK}{}[otlp]\nendpoint = 'http://{address}/{endpoint}'\n\
             every = '1s'\ngzip = false\nheaders = {{ authorization = {{ env = 'REACH_TEST_PUSH' }} }}\n",
            target(&door)
        )
    };
    place.configure(&config("url_env = 'REACH_TEST_BEAT'", "first"));
    let watch = place.watch_with(|command| {
        command
            .env("REACH_TEST_BEAT", format!("http://{address}/beat-s3cret"))
            .env("REACH_TEST_PUSH", "Bearer pu5h-s3cret")
    });
    until("a heartbeat and a push", LONG, || {
        (asked(&log, "/beat-s3cret") >= 1 && asked(&log, "/first/v1/metrics") >= 2).then_some(())
    });
    let authorized = log.lock().expect("a log").iter().any(|request| {
        request.path.starts_with("/first")
            && request.field("authorization").as_deref() == Some("Bearer pu5h-s3cret")
    });
    assert!(authorized);

    // What is wrong with one of them changes neither.
    place.configure(&config("url_env = 'REACH_TEST_NOWHERE'", "second"));
    let wrong = told(&place.reach(&["config", "reload"]), 2);
    assert!(wrong.contains("REACH_TEST_NOWHERE"), "{wrong}");
    let before = asked(&log, "/first/v1/metrics");
    until("more pushes", LONG, || (asked(&log, "/first/v1/metrics") > before + 1).then_some(()));
    assert_eq!(asked(&log, "/second/v1/metrics"), 0);

    place.configure(&config(&format!("url = 'http://{address}/other'"), "second"));
    let taken = told(&place.reach(&["config", "reload"]), 0);
    assert!(!taken.contains("s3cret"), "{taken}");
    // A heartbeat begins with a beat, and the next one comes when the old one would have come too.
    let old = (asked(&log, "/beat-s3cret"), asked(&log, "/first/v1/metrics"));
    until("both elsewhere", LONG, || {
        (asked(&log, "/other") >= 2 && asked(&log, "/second/v1/metrics") >= 3).then_some(())
    });
    let now = (asked(&log, "/beat-s3cret"), asked(&log, "/first/v1/metrics"));
    assert!(now.0 <= old.0 && now.1 <= old.1 + 1, "one may have been under way: {old:?} {now:?}");

    // Neither is wanted any more.
    place.configure(&format!("{LOOPBACK}{}", target(&door)));
    told(&place.reach(&["config", "reload"]), 0);
    let over = asked(&log, "/second/v1/metrics");
    thread::sleep(Duration::from_millis(2_500));
    assert!(asked(&log, "/second/v1/metrics") <= over + 1);
    assert!(!watch.log().contains("s3cret"), "{}", watch.log());
    watch.stop();
}

#[test]
fn commands_of_a_running_watch_are_no_targets() {
    for (word, instead) in
        [("reload", "reach config reload"), ("status", "reach status"), ("examine", "reach examine")]
    {
        let output = Command::new(REACH)
            .args(["watch", word, "--for", "nonsense"])
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("it runs");
        let said = told(&output, 2);
        assert!(said.contains(&format!("`{word}` is taken for a host to watch")), "{said}");
        assert!(said.contains(instead), "{said}");
    }
}
