use std::collections::BTreeSet;

use reach_core::{
    model::{Target, Vantage},
    watch::{AddressState, AddressStatus, Cadence, OwnCheck, Remembered, Rules, Series, Watched},
};

use super::*;
use crate::web::allow::Policy;

fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

fn destination(text: &str) -> Destination {
    let (host, port) = text.rsplit_once(':').expect("a port");
    Destination { host: host.trim_matches(['[', ']']).to_owned(), port: port.parse().expect("a number") }
}

fn suffering(to: &Destination) -> Suffering {
    Suffering {
        service: ServiceName { source: "app-log".to_owned(), service: "push".to_owned() },
        instances: BTreeSet::new(),
        destination: Some(to.clone()),
        since: at(1),
        last: at(1),
        requests: None,
        failures: BTreeMap::new(),
        faults: BTreeMap::new(),
        late: 0,
        addresses: BTreeMap::new(),
        clients: BTreeSet::new(),
        text: String::new(),
    }
}

/// The plan with everything that was adopted, ids in order.
fn plan(leading: &Leading, targets: &[&str]) -> WatchPlan {
    let watched = |(id, target): (u32, Target)| Watched {
        id: TargetId(id),
        target,
        labels: BTreeMap::new(),
        pace: Cadence::default(),
        rules: Rules::default(),
    };
    let own = targets.iter().map(|text| Target::read(text, 443).expect("a target"));
    let adopted = leading.adopted().map(|one| one.target.clone());
    WatchPlan {
        targets: (1..).zip(own.chain(adopted)).map(watched).collect(),
        vantage: Vantage::default(),
        own: OwnCheck::default(),
        rate: 1.0,
        surveys: 1,
        seed: 1,
    }
}

fn with(config: impl FnOnce(&mut SignalsConfig)) -> Leading {
    let mut signals = SignalsConfig::default();
    config(&mut signals);
    Leading::new(signals)
}

fn lead(leading: &mut Leading, targets: &[&str], to: &str, now: u64) -> Lead {
    let (to, plan) = (destination(to), plan(leading, targets));
    leading.lead(&suffering(&to), &to, &plan, &[], |_| false, at(now))
}

#[test]
fn what_is_watched_is_found_by_its_name_and_by_its_addresses() {
    let mut leading = with(|_| {});
    assert_eq!(lead(&mut leading, &["push.example"], "push.example:443", 1), Lead::To(TargetId(1)));
    let address = "203.0.113.7".parse().expect("an address");
    let series = Series { target: TargetId(1), address };
    let known = TargetStatus {
        id: TargetId(1),
        port: 443,
        addresses: vec![AddressStatus { remembered: remembered(series), layers: BTreeMap::new() }],
        ..TargetStatus::default()
    };
    let plan = plan(&leading, &["push.example"]);
    let mut to = |text: &str| {
        let to = destination(text);
        leading.lead(&suffering(&to), &to, &plan, std::slice::from_ref(&known), |_| false, at(1))
    };
    assert_eq!(to("203.0.113.7:443"), Lead::To(TargetId(1)));
    assert_eq!(to("203.0.113.7:8443"), Lead::Adopted, "another port is another thing");
}

fn remembered(series: Series) -> Remembered {
    Remembered {
        series,
        health: AddressState::Ok,
        since: at(1),
        reason: None,
        first_seen: at(1),
        last_given: at(1),
        ttl_s: 60,
        resolvers: BTreeSet::new(),
        gone_since: None,
        last_ok: None,
        certificate_expires: None,
    }
}

#[test]
fn what_nobody_watches_is_adopted_once_and_led_to_from_then_on() {
    let mut leading = with(|_| {});
    assert_eq!(lead(&mut leading, &[], "db.example:5432", 1), Lead::Adopted);
    assert_eq!(lead(&mut leading, &[], "db.example:5432", 2), Lead::To(TargetId(1)));
    let adopted: Vec<_> = leading.adopted().collect();
    assert_eq!((adopted.len(), adopted[0].labels[FOUND_BY].as_str()), (1, "app-log"));
    let (service, to) = (suffering(&destination("db.example:5432")).service, destination("db.example:5432"));
    assert_eq!(leading.relieve(&service, &to), Some(Led::To(TargetId(1))));
    assert_eq!(leading.relieve(&service, &to), None);
}

#[test]
fn the_own_host_of_an_application_and_what_is_not_allowed_are_left_alone() {
    let mut leading = with(|_| {});
    for own in
        ["localhost:5432", "a.localhost:80", "127.0.0.1:5432", "[::1]:80", "0.0.0.0:80", "169.254.169.254:80"]
    {
        assert_eq!(lead(&mut leading, &[], own, 1), Lead::Apart, "{own}");
    }
    let mut watched = with(|config| config.examine = Policy { open: false, allow: Vec::new() });
    assert_eq!(lead(&mut watched, &[], "db.example:5432", 1), Lead::Apart);
    let allow = vec!["*.example:5432".parse().expect("a rule")];
    let mut some = with(|config| config.examine = Policy { open: false, allow });
    assert_eq!(lead(&mut some, &[], "db.example:5432", 1), Lead::Adopted);
    assert_eq!(lead(&mut some, &[], "db.example:5433", 1), Lead::Apart);
    assert_eq!(lead(&mut leading, &[], "no host at all:1", 1), Lead::Apart);
}

#[test]
fn only_so_many_are_adopted_and_the_oldest_that_is_well_makes_room() {
    let mut leading = with(|config| config.most = 2);
    for (now, to) in [(1, "a.example:443"), (2, "b.example:443")] {
        assert_eq!(lead(&mut leading, &[], to, now), Lead::Adopted);
    }
    let (to, all) = (destination("c.example:443"), plan(&leading, &[]));
    let all_open = leading.lead(&suffering(&to), &to, &all, &[], |_| true, at(3));
    assert_eq!(all_open, Lead::Apart, "whoever has an open incident stays");
    assert_eq!(lead(&mut leading, &[], "c.example:443", 4), Lead::Adopted);
    let names: Vec<String> = leading.adopted().map(|one| one.target.text.clone()).collect();
    assert!(names[0].starts_with("b.example") && names[1].starts_with("c.example"), "{names:?}");
}

#[test]
fn what_nobody_suffers_from_for_a_day_is_dropped_and_a_restart_keeps_the_rest() {
    let mut leading = with(|_| {});
    assert_eq!(lead(&mut leading, &[], "a.example:443", 0), Lead::Adopted);
    let day = 24 * 60 * 60;
    let all = plan(&leading, &[]);
    assert!(!leading.tidy(&all, |_| false, at(day - 1)) && !leading.tidy(&all, |_| true, at(day)));
    let one = leading.adopted().next().expect("it").clone();
    let mut after = with(|_| {});
    after.remember(&one.target.text, &one.labels, at(1));
    after.remember("planned.example:443", &BTreeMap::new(), at(1));
    assert_eq!(after.adopted().cloned().collect::<Vec<_>>(), [one]);
    assert!(leading.tidy(&all, |_| false, at(day)) && leading.adopted().next().is_none());
}
