//! What rules say that are not about addresses that fail, and what is told of a pool.

use std::{net::IpAddr, time::Duration};

use reach_core::watch::{Ending, Gravity, IncidentId, LatencyRule, News, Phase};
use reach_report::Lang;
use reach_sim::{
    Timeline,
    description::{Link, Relay},
};

use super::{
    network::{HOUR, MINUTE, ROTATES, SECOND, addresses, dropped, give, pool},
    watcher::{Watcher, watched},
};

/// The way to the hosts is slower by so much.
fn slower(delay_ms: u64) -> Link {
    let relay = Some(Relay { delay_ms, ..Relay::default() });
    Link { between: ("r1".to_owned(), "fw".to_owned()), relay, ..Link::default() }
}

#[test]
fn a_latency_is_told_without_a_sound_and_closed_without_an_all_clear() {
    let mut timeline = Timeline::new(pool(4, ROTATES));
    timeline.at(2 * HOUR, |network| network.links.push(slower(200)));
    timeline.at(5 * HOUR, |network| network.links.clear());
    let mut target = watched(1, "push.example", 20 * SECOND);
    let above = Duration::from_millis(200);
    target.rules.latency = Some(LatencyRule { quantile: 0.95, above, window: 5 * MINUTE, least: 30 });
    let mut watcher = Watcher::new(&timeline, vec![target]);
    watcher.until(10 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.rings().len(), 0);
    let texts: Vec<String> = watcher.said().iter().map(|said| watcher.text(said, Lang::En)).collect();
    insta::assert_snapshot!("a_latency", texts.join("\n\n----\n\n"));
    let incident = &watcher.memory().incidents[&IncidentId(1)];
    assert_eq!((incident.worst, &incident.ending), (Gravity::Warning, &Some(Ending::NothingToClear)));
}

#[test]
fn addresses_that_come_and_that_vanish_are_told_once_and_without_a_sound() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    timeline.at(Duration::ZERO, |network| give(network, addresses(1..=12)));
    timeline.at(3 * HOUR, |network| give(network, addresses(5..=16)));
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    watcher.until(9 * HOUR);
    insta::assert_snapshot!(watcher.table());
    let changes = watcher.telling(|news| matches!(news, News::Pool { .. }));
    let (mut came, mut went): (Vec<IpAddr>, Vec<IpAddr>) = (Vec::new(), Vec::new());
    for said in &changes {
        for news in said.news() {
            if let News::Pool { appeared, vanished } = news {
                came.extend(appeared);
                went.extend(vanished);
            }
        }
    }
    assert_eq!((came, went), (addresses(13..=16), addresses(1..=4)));
    assert_eq!(watcher.said().len(), changes.len(), "nothing else is said");
    assert_eq!(watcher.rings().len(), 0);
}

#[test]
fn failing_addresses_that_leave_dns_are_no_recovery_and_a_whole_day_later_nobody_says_that_they_work() {
    let mut timeline = Timeline::new(pool(8, ROTATES));
    timeline.fault(HOUR..100 * HOUR, dropped(addresses(1..=3)));
    timeline.at(2 * HOUR, |network| give(network, addresses(4..=8)));
    let mut watcher = Watcher::of_push(&timeline, MINUTE);
    watcher.until(25 * HOUR);
    assert_eq!(watcher.telling(|news| *news == News::Recovered).len(), 0, "{}", watcher.table());
    assert_eq!(watcher.open()[0].phase, Phase::Open);
    watcher.until(40 * HOUR);
    insta::assert_snapshot!(watcher.table());
    let recovered = watcher.telling(|news| *news == News::Recovered);
    assert_eq!(recovered.len(), 1);
    insta::assert_snapshot!("left_dns_while_failing", watcher.text(recovered[0], Lang::En));
}
