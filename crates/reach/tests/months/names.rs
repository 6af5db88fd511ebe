//! What happens to names, resolvers and certificates, and to very many names at once.

use std::{collections::BTreeMap, time::Duration};

use reach_core::watch::{Ending, Gravity, IncidentId, Matcher, News, Order, Silence, SilenceId};
use reach_report::Lang;
use reach_sim::{
    Timeline,
    description::{Reply, ServiceKind},
};

use super::{
    network::{DAY, HOUR, MINUTE, ROTATES, SECOND, addresses, dropped, many_names, pool},
    watcher::{Watcher, watched},
};

#[test]
fn a_name_that_does_not_exist_for_half_an_hour() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    let names = pool(16, ROTATES).resolvers;
    timeline.at(HOUR, |network| network.resolvers.iter_mut().for_each(|resolver| resolver.names.clear()));
    timeline.at(90 * MINUTE, move |network| network.resolvers.clone_from(&names));
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    watcher.until(6 * HOUR);
    insta::assert_snapshot!(watcher.table());
    let opened = watcher.telling(|news| *news == News::Opened);
    assert_eq!(opened.len(), 1);
    assert!(opened[0].after() < HOUR + 4 * MINUTE);
    let recovered = watcher.telling(|news| *news == News::Recovered);
    assert!(recovered.len() == 1 && recovered[0].after() > 95 * MINUTE);
    assert_eq!(watcher.rings().len(), 3);
    insta::assert_snapshot!("a_name_that_does_not_exist", watcher.text(opened[0], Lang::En));
}

#[test]
fn a_resolver_that_keeps_silent_is_no_outage_and_takes_no_address_away() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    timeline.at(HOUR, |network| network.resolvers[0].names[0].reply = Reply::Silent);
    timeline.at(90 * MINUTE, |network| network.resolvers[0].names[0].reply = Reply::Answer);
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    watcher.until(4 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.rings().len(), 0);
}

#[test]
fn resolvers_that_begin_to_disagree_are_told_without_a_sound() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    timeline.at(2 * HOUR, |network| network.resolvers[1].names[0].addresses = addresses(1..=9));
    timeline.at(8 * HOUR, |network| network.resolvers[1].names[0].addresses = addresses(1..=16));
    let mut watcher = Watcher::of_push(&timeline, MINUTE);
    watcher.until(14 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.rings().len(), 0);
    let opened = watcher.telling(|news| *news == News::Opened);
    assert_eq!(opened.len(), 1);
    insta::assert_snapshot!("resolvers_that_disagree", watcher.text(opened[0], Lang::En));
    assert!(watcher.open().is_empty());
}

#[test]
fn a_certificate_that_is_about_to_expire_is_told_on_days_that_matter_and_rings_in_its_last_ones() {
    let kind = |certificate: &str| -> ServiceKind {
        let text = format!("kind = {{ tls = {{ names = ['*.example'], certificate = '{certificate}' }} }}");
        let table: BTreeMap<String, ServiceKind> = toml::from_str(&text).expect("it can be read");
        table["kind"].clone()
    };
    let (soon, good) = (kind("expires-soon"), kind("trusted"));
    let mut timeline = Timeline::new(pool(4, ROTATES));
    timeline.at(Duration::ZERO, move |network| network.services[0].kind = soon.clone());
    timeline.at(3 * DAY, move |network| network.services[0].kind = good.clone());
    let mut target = watched(1, "push.example", 2 * MINUTE);
    target.pace.exchange_every = Some(10 * MINUTE);
    target.pace.echo_every = Some(HOUR);
    let mut watcher = Watcher::new(&timeline, vec![target]);
    watcher.until(36 * HOUR);
    assert_eq!(watcher.rings().len(), 0, "{}", watcher.table());
    assert_eq!(watcher.open()[0].gravity, Gravity::Warning);
    watcher.until(3 * DAY);
    assert_eq!(watcher.open()[0].gravity, Gravity::Degraded);
    watcher.until(6 * DAY);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.telling(|news| *news == News::Opened).len(), 1);
    assert!(watcher.open().is_empty());
    let first = watcher.telling(|news| *news == News::Opened)[0];
    let texts = [Lang::En, Lang::Ko].map(|lang| watcher.text(first, lang));
    let incident = &watcher.memory().incidents[&IncidentId(1)];
    assert_eq!(incident.ending, Some(Ending::NothingToClear));
    insta::assert_snapshot!("a_certificate_about_to_expire", texts.join("\n\n----\n\n"));
}

#[test]
fn what_happens_to_three_names_in_a_maintenance_window_is_told_in_one_when_it_is_over() {
    let mut timeline = Timeline::new(many_names(3));
    timeline.fault(HOUR..90 * MINUTE, dropped(addresses(1..=1)));
    timeline.fault(HOUR..5 * HOUR, dropped(addresses(2..=3)));
    let targets = (1..=3).map(|number| watched(number, &format!("n{number}.example"), 20 * SECOND)).collect();
    let mut watcher = Watcher::new(&timeline, targets);
    watcher.until(50 * MINUTE);
    let window = Silence {
        id: SilenceId(1),
        matcher: Matcher::default(),
        from: watcher.now(),
        until: watcher.now() + 2 * HOUR,
        author: "kim".to_owned(),
        comment: "the firewall is replaced".to_owned(),
        maintenance: true,
    };
    watcher.order(Order::Silence(window)).expect("it can be made");
    watcher.until(2 * HOUR + 49 * MINUTE);
    assert_eq!(watcher.said().len(), 0, "{}", watcher.table());
    watcher.until(2 * HOUR + 55 * MINUTE);
    assert_eq!(watcher.said().len(), 1, "one summary\n{}", watcher.table());
    assert!(watcher.rings().len() == 1, "two of them are still down");
    insta::assert_snapshot!("a_window_that_ended", watcher.text(&watcher.said()[0], Lang::En));
    watcher.until(10 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert!(watcher.open().is_empty());
}

#[test]
fn at_night_nothing_rings_but_what_is_critical_and_in_the_morning_what_is_still_open_does() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    timeline.fault(2 * HOUR..12 * HOUR, dropped(addresses(3..=5)));
    timeline.fault(26 * HOUR..28 * HOUR, dropped(addresses(1..=16)));
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    watcher.sleeping(&[HOUR..8 * HOUR, 25 * HOUR..32 * HOUR]);
    watcher.until(8 * HOUR);
    assert!(watcher.said().len() > 3 && watcher.rings().is_empty(), "{}", watcher.table());
    watcher.until(12 * HOUR);
    assert_eq!(watcher.rings().len(), 1, "{}", watcher.table());
    watcher.until(36 * HOUR);
    insta::assert_snapshot!(watcher.table());
    let critical =
        watcher.rings().iter().filter(|said| (25 * HOUR..32 * HOUR).contains(&said.after())).count();
    assert_eq!(critical, 3, "opened, recovered, all clear\n{}", watcher.table());
}

#[test]
fn forty_names_behind_one_firewall_do_not_ring_forty_times() {
    let mut timeline = Timeline::new(many_names(40));
    timeline.fault(HOUR..2 * HOUR, dropped(addresses(1..=40)));
    let targets =
        (1..=40).map(|number| watched(number, &format!("n{number}.example"), 20 * SECOND)).collect();
    let mut watcher = Watcher::new(&timeline, targets);
    watcher.until(90 * MINUTE);
    let rings = watcher.rings().len();
    let table = watcher.table();
    watcher.until(5 * HOUR);
    insta::assert_snapshot!(watcher.table());
    let opened: Vec<u64> = watcher
        .said()
        .iter()
        .flat_map(|said| &said.dispatch.parts)
        .filter(|part| part.notice.news == News::Opened)
        .map(|part| part.notice.incident.id.0)
        .collect();
    assert_eq!(opened.len(), 40, "each is told once");
    // Two at once, and whatever came meanwhile after a quarter, half and three quarters of a minute.
    assert!(rings <= 5, "{rings} rings\n{table}");
    let all = watcher.rings().len();
    assert!(all <= 13, "{all} rings\n{}", watcher.table());
    let digest = watcher.rings()[2];
    insta::assert_snapshot!("forty_names_at_once", watcher.text(digest, Lang::En));
    assert!(watcher.open().is_empty());
}
