//! A firewall rule appears, spreads and goes.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    thread,
    time::{Duration, Instant},
};

use reach_lab::{Effect, Fault, Finished, Lab, Tool, isolated, story};
use serde_json::Value;

use super::{
    company::{REACH, Rights, reach, side_by_side},
    place::{LONG, Place, states, telegram, until},
    telegram_fake::{Message, Telegram},
};

const TOOLS: &[Tool] = &[Tool::Ip, Tool::Nft];
/// Recovery takes a minute of answers, and the all-clear 299 tries of each address.
const VERY_LONG: Duration = Duration::from_secs(300);
const HOSTILE: &str = "<script>alert(1)</script>";

#[test]
#[ignore = "takes minutes: an hour of the story at the shortest times that there are; run it by hand"]
fn a_rule_that_appears_spreads_and_goes_is_told_in_three_messages() {
    isolated(TOOLS, || {
        side_by_side(&[Rights::All, Rights::None], |rights| tell(*rights));
    });
}

fn tell(rights: Rights) {
    let mut description = story::founding();
    description.faults.clear();
    let lab = Lab::build(&description).expect("a lab");
    let fake = lab.client().within(Telegram::going);
    let place = Place::new(9732);
    place.configure(&format!(
        "vantage = '{HOSTILE}'\n[defaults]\nevery = '200ms'\ntimeout = '500ms'\nresolve_every = '2s'\n\
         exchange_every = '5s'\nopen_after = '1s'\nrecovered_after = '2s'\nclear_after = '5s'\n\
         labels = {{ team = '{HOSTILE}' }}\n[[target]]\ntarget = '{}'\n{}",
        story::NAME,
        telegram(&fake, "ops", "")
    ));
    fs::set_permissions(place.config(), fs::Permissions::from_mode(0o644)).expect("readable");
    let command = reach(&lab, rights).args(["watch", "--config"]).arg(place.config());
    let mut watch = command.env("LC_ALL", "C.UTF-8").spawn().expect("it starts");
    let status = || lab.client().within(|| place.status());
    let message = |number: usize| -> Option<Message> { fake.messages().get(number).cloned() };

    until("eight addresses that work", LONG, || {
        assert!(!watch.has_ended(), "{}", watch.stderr_so_far());
        (states(&status()?, "ok") == 8).then_some(())
    });
    assert!(fake.messages().is_empty());
    let rule =
        |address: &str| lab.impose(&Fault::at("fw", Effect::DropEarly).address(address)).expect("a rule");
    let mut rules = vec![rule("203.0.113.12"), rule("203.0.113.15")];

    let hop = lab.router_address("r1").0.to_string();
    let says = |number: usize, told: &[&str]| -> Message {
        let end = Instant::now() + VERY_LONG;
        loop {
            if let Some(found) = message(number).filter(|one| told.iter().all(|told| one.text.contains(told)))
            {
                return found;
            }
            assert!(Instant::now() < end, "message {number} never said {told:?}: {:#?}", fake.messages());
            thread::sleep(Duration::from_millis(100));
        }
    };
    let first =
        says(0, &["2 of 8", "203.0.113.12, 203.0.113.15: no answer", "suspected firewall drop", &hop]);
    assert!(!first.silent, "it rings");
    assert!(!first.text.contains("<script>"), "{}", first.text);

    rules.push(rule("203.0.113.18"));
    let spread = says(0, &["3 of 8", "203.0.113.18"]);
    assert!(spread.edits > 0);
    assert_eq!(fake.messages().len(), 1, "nothing new rings: {:?}", fake.messages());

    ask(&lab, &place);
    says(0, &["kim"]);

    rules.into_iter().for_each(|rule| lab.lift(rule).expect("it was there"));
    let recovered = says(1, &[]);
    assert!(recovered.reply_to.is_some() && recovered.text.contains("works again"), "{}", recovered.text);
    let waits = says(2, &["all clear has to wait"]);
    assert!(waits.silent, "{}", waits.text);
    says(3, &["all clear</b>", "tries of 8 addresses", "none failed"]);
    let rings = fake.messages().iter().filter(|message| !message.silent).count();
    assert!(rings <= 3, "{:?}", fake.messages());
    fake.audit();
    let over = run(&lab, &place, &["status"]);
    assert_eq!(over.code(), Some(0), "{}{}", over.stdout, over.stderr);

    watch.signal(15).expect("it runs");
    let ended = watch.wait(LONG).expect("it ends");
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(place.reader().check().expect("readable"), Vec::<String>::new());
}

fn run(lab: &Lab, place: &Place, arguments: &[&str]) -> Finished {
    let command = lab.client().command(REACH).args(arguments).arg("--config").arg(place.config());
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
        let (_, incidents) = place.get("/api/v1/incidents").expect("an answer");
        assert!(incidents.contains("filtered"), "{incidents}");
    });
}
