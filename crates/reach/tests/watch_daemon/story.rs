//! A firewall rule appears, spreads and goes.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    thread,
    time::{Duration, Instant},
};

use reach_core::watch::Phase;
use reach_lab::{Effect, Fault, Finished, Lab, Tool, isolated, story};
use reach_store::IncidentFilter;
use serde_json::Value;

use super::{
    company::{REACH, Rights, reach, side_by_side},
    place::{LONG, Place, states, telegram, until},
    telegram_fake::{Message, Telegram},
};

const TOOLS: &[Tool] = &[Tool::Ip, Tool::Nft];
const HOSTILE: &str = "<script>alert(1)</script>";

/// What the firewall blocks at first, and what it blocks besides later on.
const FIRST: [&str; 2] = ["203.0.113.12", "203.0.113.15"];
const NEXT: &str = "203.0.113.18";
const AT_LAST: [&str; 3] = ["203.0.113.11", "203.0.113.14", "203.0.113.17"];

#[test]
fn a_rule_that_appears_spreads_and_goes_rings_four_times() {
    isolated(TOOLS, || {
        side_by_side(&[Rights::All, Rights::None], |rights| play(*rights));
    });
}

fn play(rights: Rights) {
    let mut description = story::founding();
    description.faults.clear();
    let lab = Lab::build(&description).expect("a lab");
    let fake = lab.client().within(Telegram::going);
    let place = Place::new(9732);
    // As at its usual pace, but everything takes a sixtieth of its time or less.
    place.configure(&format!(
        "vantage = '{HOSTILE}'\n[defaults]\nevery = '50ms'\ntimeout = '500ms'\nresolve_every = '2s'\n\
         exchange_every = '5s'\nopen_after = '1s'\nwell_after = '2s'\nrecovered_after = '2s'\n\
         clear_after = '17s'\nlabels = {{ team = '{HOSTILE}' }}\n[[target]]\ntarget = '{}'\n{}",
        story::NAME,
        telegram(&fake, "ops", "")
    ));
    fs::set_permissions(place.config(), fs::Permissions::from_mode(0o644)).expect("readable");
    let command = place.at_home(reach(&lab, rights)).args(["watch", "--config"]).arg(place.config());
    let mut watch = command.env("LC_ALL", "C.UTF-8").spawn().expect("it starts");
    let status = || lab.client().within(|| place.status());

    until("eight addresses that work", LONG, || {
        assert!(!watch.has_ended(), "{}", watch.stderr_so_far());
        (states(&status()?, "ok") == 8).then_some(())
    });
    assert!(fake.messages().is_empty());
    let block = |addresses: &[&str]| {
        let rule = addresses.iter().fold(Fault::at("fw", Effect::DropEarly), |rule, one| rule.address(one));
        lab.impose(&rule).expect("a rule")
    };
    let mut rules = vec![block(&FIRST)];

    // The message, the `number`th of them or any, that says all this.
    let says = |number: Option<usize>, told: &[&str]| -> Message {
        let end = Instant::now() + LONG;
        loop {
            let messages = fake.messages();
            let says_all = |one: &&Message| told.iter().all(|told| one.text.contains(told));
            let mut among = messages.iter().skip(number.unwrap_or(0)).take(number.map_or(usize::MAX, |_| 1));
            if let Some(found) = among.find(says_all) {
                return found.clone();
            }
            assert!(Instant::now() < end, "nobody ever said {told:?}: {messages:#?}");
            thread::sleep(Duration::from_millis(100));
        }
    };
    let (hop, beyond) = (lab.router_address("r1").0.to_string(), lab.router_address("fw").0.to_string());
    let first = says(
        Some(0),
        &[
            "2 of 8",
            "203.0.113.12, 203.0.113.15: no answer",
            "suspected firewall drop",
            &hop,
            &beyond,
            "<blockquote expandable><b>To the network team:</b>",
            "Please permit the destinations above",
        ],
    );
    assert!(!first.silent, "it rings");
    assert!(!first.text.contains("<script>"), "{}", first.text);

    // More of the same changes what was said…
    rules.push(block(&[NEXT]));
    ask(&lab, &place);
    let spread = says(Some(0), &["3 of 8", NEXT, "kim"]);
    assert!(spread.edits > 0);
    assert_eq!(fake.messages().len(), 1, "nothing new rings: {:?}", fake.messages());
    // … and what is worse rings again.
    rules.push(block(&AT_LAST));
    let worse = says(Some(1), &["6 of 8", "203.0.113.11"]);
    assert!(!worse.silent && worse.reply_to.is_some(), "{worse:?}");

    rules.into_iter().for_each(|rule| lab.lift(rule).expect("it was there"));
    let recovered = says(None, &["works again"]);
    assert!(!recovered.silent && recovered.reply_to.is_some(), "{recovered:?}");
    let clear = says(None, &["all clear</b>", "tries of 8 addresses", "none failed", "95 % confidence"]);
    assert!(!clear.silent, "{clear:?}");
    let messages = fake.messages();
    let (silent, ringing): (Vec<_>, Vec<_>) = messages.iter().partition(|message| message.silent);
    assert_eq!(ringing.len(), 4, "it began, it got worse, it works again, all clear: {messages:#?}");
    // On a busy machine it takes longer until there were tries enough, and that is said.
    assert!(silent.iter().all(|one| one.text.contains("all clear has to wait")), "{silent:#?}");
    fake.audit();
    let over = run(&lab, &place, &["status"]);
    assert_eq!(over.code(), Some(0), "{}{}", over.stdout, over.stderr);

    watch.signal(15).expect("it runs");
    let ended = watch.wait(LONG).expect("it ends");
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let reader = place.reader();
    assert_eq!(reader.check().expect("readable"), Vec::<String>::new());
    let incidents = reader.incidents(&IncidentFilter::default()).expect("readable");
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert!(matches!(incidents[0].phase, Phase::Closed { all_clear: true, .. }), "{incidents:?}");
}

fn run(lab: &Lab, place: &Place, arguments: &[&str]) -> Finished {
    let command = place.at_home(lab.client().command(REACH));
    let command = command.args(arguments).arg("--config").arg(place.config());
    command.env("LC_ALL", "C.UTF-8").run().expect("it runs")
}

/// Everything that can be asked of a watch while an incident is open.
fn ask(lab: &Lab, place: &Place) {
    let json = |arguments: &[&str], code: i32| -> Value {
        let said = run(lab, place, arguments);
        assert_eq!(said.code(), Some(code), "{arguments:?}: {}{}", said.stdout, said.stderr);
        serde_json::from_str(&said.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", said.stdout))
    };
    let good = |arguments: &[&str]| -> String {
        let said = run(lab, place, arguments);
        assert_eq!(said.code(), Some(0), "{arguments:?}: {}{}", said.stdout, said.stderr);
        said.stdout
    };
    let status = json(&["status", "--json"], 1);
    assert!(status.to_string().contains("203.0.113.18"), "{status}");
    good(&["ack", "1", "--by", "kim"]);
    good(&["silence", "elsewhere.example", "--for", "1h", "--comment", "patch day"]);
    assert!(good(&["silence", "list"]).contains("patch day"));
    good(&["silence", "end", "1"]);
    assert_ne!(run(lab, place, &["ack", "77"]).code(), Some(0), "there is no such incident");
    // What a reader sees is what was written.
    until("the incident in the memory", LONG, || {
        json(&["incidents", "--json"], 0).to_string().contains("203.0.113.18").then_some(())
    });
    let one = good(&["incidents", "1"]);
    assert!(one.contains("203.0.113.12"), "{one}");
    until("history", LONG, || {
        json(&["history", story::NAME, "--json"], 0).to_string().contains("203.0.113.12").then_some(())
    });
    for what in ["samples", "rollups", "transitions", "incidents"] {
        let csv = good(&["export", "--what", what, "--format", "csv"]);
        assert!(csv.lines().count() >= 2, "{what}: {csv}");
        for line in good(&["export", "--what", what, "--format", "jsonl"]).lines() {
            serde_json::from_str::<Value>(line).expect("JSON");
        }
        let file = place.file(&format!("{what}.parquet"));
        good(&["export", "--what", what, "--format", "parquet", "-o", &file.to_string_lossy()]);
        let bytes = fs::read(file).expect("a file");
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{what}");
    }
    lab.client().within(|| {
        let (code, health) = place.get("/healthz").expect("an answer");
        assert_eq!(code, 200, "{health}");
        let (_, metrics) = place.get("/metrics").expect("an answer");
        assert!(metrics.contains("203.0.113.12"), "{metrics}");
        let (_, page) = place.get("/").expect("an answer");
        assert!(page.contains(story::NAME) && page.contains("&lt;script&gt;"), "{page}");
        assert!(!page.contains(HOSTILE), "{page}");
        let (_, incidents) = place.get("/api/v1/incidents?all=true").expect("an answer");
        let incidents: Value = serde_json::from_str(&incidents).expect("JSON");
        let id = incidents["incidents"][0]["id"].as_u64().expect("an incident");
        let (_, incident) = place.get(&format!("/api/v1/incidents/{id}")).expect("an answer");
        assert!(incident.contains("\"filtered\""), "{incident}");
    });
}
