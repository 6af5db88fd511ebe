//! Troubles of the host that watches: its router, its resolver, its own sleep. None of them is a trouble of what it
//! watches.

use std::{fs, os::unix::fs::PermissionsExt, thread, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reach_core::{
    stats::split_mix,
    watch::{AddressState, Subject},
};
use reach_lab::{Effect, Fault, Lab, Running, Tool, isolated, story};
use reach_store::{IncidentFilter, Note, Span};
use serde_json::Value;

use super::{
    company::{Rights, reach, side_by_side},
    place::{LONG, Place, states, telegram, tries, until},
    telegram_fake::{Message, Telegram},
};

const TOOLS: &[Tool] = &[Tool::Ip, Tool::Nft];
const QUICK: &str = "[defaults]\nevery = '200ms'\ntimeout = '500ms'\nresolve_every = '1s'\nexchange_every = '1s'\n\
                     open_after = '1s'\nwell_after = '1s'\nrecovered_after = '1s'\n";

/// A watch in a lab in which all is well.
struct Stay {
    lab: Lab,
    fake: Telegram,
    place: Place,
    watch: Running,
}

/// The router takes nothing any more.
const GONE: &str = "table inet gone { chain drops { type filter hook prerouting priority -400; drop; }; }";
const BACK: &str = "delete table inet gone";
/// It answers no echo request, as many never do.
const MUTE: &str = "table inet mute { chain drops { type filter hook input priority 0; \
                    icmp type echo-request drop; icmpv6 type echo-request drop; }; }";

impl Stay {
    /// With this ruleset of nftables at the router.
    fn begin(port: u16, rights: Rights, rules: &str) -> Self {
        let mut description = story::founding();
        description.faults.clear();
        let lab = Lab::build(&description).expect("a lab");
        lab.node("r1").nft(rules).expect("rules");
        let fake = lab.client().within(Telegram::going);
        let place = Place::new(port);
        place.configure(&format!(
            "{QUICK}[[target]]\ntarget = '{}'\n{}",
            story::NAME,
            telegram(&fake, "ops", "")
        ));
        fs::set_permissions(place.config(), fs::Permissions::from_mode(0o644)).expect("readable");
        let command = place.at_home(reach(&lab, rights)).args(["watch", "--config"]).arg(place.config());
        let watch = command.env("LC_ALL", "C.UTF-8").spawn().expect("it starts");
        let stay = Self { lab, fake, place, watch };
        stay.until("eight addresses that work", |status| states(status, "ok") == 8);
        stay
    }

    /// What the watch publishes, once it is so.
    fn until(&self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        until(what, LONG, || self.status().filter(|status| so(status)))
    }

    fn status(&self) -> Option<Value> {
        let place = &self.place;
        self.lab.client().within(|| place.status())
    }

    fn says(&self, what: &str) -> Message {
        until(what, LONG, || self.fake.messages().into_iter().find(|message| message.text.contains(what)))
    }

    /// Tries go on.
    fn goes_on(&self) {
        let before = tries(&self.until("a status", |_| true));
        self.until("more tries", |status| tries(status) > before + 50);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.watch.id().cast_signed()), signal).expect("it is there");
    }

    /// Ends it, and says what its incidents were about.
    fn end(self) -> (Place, Vec<Subject>) {
        self.watch.signal(15).expect("it runs");
        let ended = self.watch.wait(LONG).expect("it ends");
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        self.fake.audit();
        let incidents = self.place.reader().incidents(&IncidentFilter::default()).expect("readable");
        (self.place, incidents.into_iter().map(|incident| incident.subject).collect())
    }
}

/// What open incidents are about.
fn subjects(status: &Value) -> Vec<String> {
    let incidents = status["incidents"].as_array().into_iter().flatten();
    incidents.map(|incident| incident["subject"].to_string()).collect()
}

/// No address was ever called down.
fn none_was_down(place: &Place) {
    let moved = place.reader().transitions(None, Span::ALL);
    let down: Vec<_> =
        moved.filter(|moved| !matches!(moved, Ok(moved) if moved.to != AddressState::Down)).collect();
    assert!(down.is_empty(), "{down:?}");
}

#[test]
fn a_router_that_goes_is_one_incident_of_this_host_and_freezes_the_rest() {
    isolated(TOOLS, || {
        side_by_side(&[(9740, Rights::All), (9741, Rights::None)], |(port, rights)| {
            let stay = Stay::begin(*port, *rights, "");
            let router = stay.lab.node("r1");
            router.nft(GONE).expect("a rule");
            let cut_off = stay.until("an outage of its own", |status| status["online"] == false);
            // What is known of the rest stays as it was: nobody can look.
            assert_eq!(states(&cut_off, "ok") + states(&cut_off, "suspect"), 8, "{cut_off}");
            let told = stay.says("this host reaches nothing");
            assert!(!told.silent && told.text.contains(story::RESOLVER), "{}", told.text);
            let frozen = stay.until("a status", |_| true);
            assert_eq!(subjects(&frozen), ["\"vantage\""], "{frozen}");
            router.nft(BACK).expect("it was there");
            stay.until("a network", |status| status["online"] == true && states(status, "ok") == 8);
            stay.goes_on();
            assert_eq!(stay.fake.messages().len(), 1, "{:?}", stay.fake.messages());
            let (place, subjects) = stay.end();
            assert_eq!(subjects, [Subject::Vantage]);
            none_was_down(&place);
        });
    });
}

#[test]
fn a_resolver_that_dies_and_a_name_that_is_blocked_altogether_are_no_outage_of_this_host() {
    isolated(TOOLS, || {
        side_by_side(&[(9742, Rights::All), (9743, Rights::None)], |(port, rights)| {
            let stay = Stay::begin(*port, *rights, MUTE);
            let dead = Fault::at("r1", Effect::DropEarly).address(story::RESOLVER);
            let dead = stay.lab.impose(&dead).expect("a rule");
            let told = stay.says("name does not resolve");
            assert!(!told.silent, "{}", told.text);
            // Its addresses are known, and tried as before.
            stay.goes_on();
            let unresolved = stay.until("a status", |_| true);
            assert_eq!(states(&unresolved, "ok"), 8, "{unresolved}");
            assert_eq!(unresolved["online"], true);
            assert_eq!(subjects(&unresolved).len(), 1, "{unresolved}");
            stay.lab.lift(dead).expect("it was there");
            assert!(stay.says("works again").reply_to.is_some());

            let pool = story::POOL.iter();
            let all = pool.fold(Fault::at("fw", Effect::DropEarly), |fault, address| fault.address(address));
            let all = stay.lab.impose(&all).expect("a rule");
            stay.says("all 8 addresses fail");
            assert_eq!(stay.until("a status", |_| true)["online"], true);
            stay.lab.lift(all).expect("it was there");
            stay.until("addresses that work", |status| states(status, "ok") == 8);
            let (_, subjects) = stay.end();
            assert!(subjects.iter().all(|subject| *subject != Subject::Vantage), "{subjects:?}");
            assert_eq!(subjects.len(), 1, "the second began before the all-clear of the first: {subjects:?}");
        });
    });
}

#[test]
fn a_watch_that_was_suspended_accuses_nobody() {
    isolated(TOOLS, || {
        let stay = Stay::begin(9744, Rights::All, "");
        let mut dice = 5;
        let mut roll = |sides: u64| {
            dice = split_mix(dice);
            Duration::from_millis(dice % sides)
        };
        let suspend = |span: Duration| {
            stay.signal(Signal::SIGSTOP);
            thread::sleep(span);
            stay.signal(Signal::SIGCONT);
        };
        // For some of its periods, at any moment…
        for _ in 0..8 {
            thread::sleep(Duration::from_millis(300) + roll(700));
            suspend(Duration::from_millis(1_500));
        }
        // … and for so long that it calls it a gap.
        suspend(Duration::from_secs(33));
        stay.until("a gap that is known", |status| status["schedule"]["skipped_gap"].as_u64() > Some(0));
        stay.goes_on();
        let after = stay.until("eight addresses that work", |status| states(status, "ok") == 8);
        assert_eq!(after["online"], true, "{after}");
        assert_eq!(subjects(&after), Vec::<String>::new());
        assert!(stay.fake.messages().is_empty(), "{:?}", stay.fake.messages());
        let (place, subjects) = stay.end();
        assert_eq!(subjects, []);
        none_was_down(&place);
        let notes = place.reader().notes(None, Span::ALL).expect("readable");
        assert!(notes.iter().any(|note| matches!(note, Note::Gap { .. })), "{notes:?}");
    });
}
