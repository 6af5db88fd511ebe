//! A whole month with a bit of everything, and a process that is killed at bad moments.

use std::{collections::BTreeMap, time::Duration};

use reach_core::watch::{IncidentId, Matcher, News, Order, Phase, Silence, SilenceId};
use reach_sim::Timeline;

use super::{
    network::{DAY, FOUR_BY_CHANCE, HOUR, MINUTE, SECOND, addresses, cut_off, dropped, pool},
    watcher::{Watcher, watched},
};

/// What happens in the month.
fn month() -> Timeline {
    let mut timeline = Timeline::new(pool(16, FOUR_BY_CHANCE));
    let mut blocked = |from: Duration, span: Duration, lasts: std::ops::RangeInclusive<u8>| {
        timeline.fault(from..from + span, dropped(addresses(lasts)));
    };
    // An incident that somebody takes on, one that somebody mutes and that gets worse, one in a silence, one in a
    // maintenance window that outlasts it, one in which the host loses its own network, one that spans a restart.
    blocked(2 * DAY, 6 * HOUR, 3..=8);
    blocked(5 * DAY, 20 * HOUR, 1..=2);
    blocked(5 * DAY + 2 * HOUR, 3 * HOUR, 3..=12);
    blocked(9 * DAY, 2 * HOUR, 4..=6);
    blocked(12 * DAY, 5 * HOUR, 4..=6);
    blocked(16 * DAY, 8 * HOUR, 3..=8);
    blocked(20 * DAY, 30 * HOUR, 3..=8);
    timeline.fault(16 * DAY + 2 * HOUR..16 * DAY + 3 * HOUR, cut_off());
    timeline.fault(25 * DAY..25 * DAY + 20 * MINUTE, cut_off());
    timeline
}

fn silence(id: u64, from: Duration, span: Duration, watcher: &Watcher) -> Silence {
    Silence {
        id: SilenceId(id),
        matcher: Matcher { target: Some("push.*".to_owned()), ..Matcher::default() },
        from: watcher.now() + from,
        until: watcher.now() + from + span,
        author: "kim".to_owned(),
        comment: "the firewall is replaced".to_owned(),
        maintenance: id > 1,
    }
}

/// Plays the month, and kills the process at these times.
fn play(kills: &[Duration]) -> Watcher {
    let mut target = watched(1, "push.example", 5 * MINUTE);
    target.pace.resolve_every = 5 * MINUTE;
    target.pace.echo_every = Some(HOUR);
    let mut watcher = Watcher::new(&month(), vec![target]);
    let mut kills = kills.to_vec();
    kills.sort();
    let mut go = |watcher: &mut Watcher, until: Duration| {
        while let Some(kill) = kills.first().copied().filter(|kill| *kill < until) {
            kills.remove(0);
            watcher.until(kill).restart(20 * SECOND);
        }
        watcher.until(until);
    };
    go(&mut watcher, 2 * DAY + 45 * MINUTE);
    let incident = watcher.open()[0].id;
    watcher.order(Order::Acknowledge { incident, by: "kim".to_owned() }).expect("it is open");
    go(&mut watcher, 5 * DAY + HOUR);
    let incident = watcher.open()[0].id;
    let until = watcher.now() + 4 * HOUR;
    watcher.order(Order::Mute { incident, until, by: "kim".to_owned() }).expect("it is open");
    go(&mut watcher, 9 * DAY - HOUR);
    let nobody_listens = silence(1, Duration::ZERO, 8 * HOUR, &watcher);
    watcher.order(Order::Silence(nobody_listens)).expect("it can be made");
    go(&mut watcher, 12 * DAY - 2 * HOUR);
    let window = silence(2, HOUR, 3 * HOUR, &watcher);
    watcher.order(Order::Silence(window)).expect("it can be made");
    go(&mut watcher, 30 * DAY);
    watcher
}

#[test]
fn a_month_with_a_bit_of_everything() {
    let watcher = play(&[]);
    insta::assert_snapshot!(watcher.table());
    check_month(&watcher);
}

#[test]
fn the_same_month_with_a_process_that_is_killed_at_bad_moments() {
    let kills = [
        // While addresses fail of which nothing is told yet, and just after the first word.
        2 * DAY + 25 * SECOND,
        2 * DAY + 12 * MINUTE,
        // While it is open and somebody has taken it on, while it calms, between recovery and all-clear.
        2 * DAY + 3 * HOUR,
        2 * DAY + 6 * HOUR + 8 * MINUTE,
        2 * DAY + 8 * HOUR,
        // While it is muted and has become worse, in a silence, in a maintenance window.
        5 * DAY + 3 * HOUR,
        9 * DAY + HOUR,
        12 * DAY + HOUR,
        // While this host is cut off, in the middle of one that is told already.
        16 * DAY + 150 * MINUTE,
        // Twice in one, while this host is cut off and nothing else is wrong, and when all is well.
        20 * DAY + 10 * HOUR,
        20 * DAY + 11 * HOUR,
        25 * DAY + 10 * MINUTE,
        28 * DAY,
    ];
    let watcher = play(&kills);
    insta::assert_snapshot!(watcher.table());
    check_month(&watcher);
}

fn check_month(watcher: &Watcher) {
    let table = watcher.table();
    let mut opened: BTreeMap<IncidentId, usize> = BTreeMap::new();
    let mut ended: BTreeMap<IncidentId, usize> = BTreeMap::new();
    for part in watcher.said().iter().flat_map(|said| &said.dispatch.parts) {
        match part.notice.news {
            News::Opened => *opened.entry(part.notice.incident.id).or_default() += 1,
            News::AllClear(_) => *ended.entry(part.notice.incident.id).or_default() += 1,
            _ => {}
        }
    }
    assert!(opened.values().all(|times| *times == 1), "an incident was opened twice:\n{table}");
    assert!(ended.values().all(|times| *times == 1), "{table}");
    // Six of the target, two of this host.
    assert_eq!(watcher.memory().incidents.len(), 8, "{table}");
    assert_eq!(ended.len(), 6, "each incident of the target ends with its all-clear:\n{table}");
    for incident in watcher.memory().incidents.values() {
        assert!(matches!(incident.phase, Phase::Closed { .. }), "{incident:?}\n{table}");
    }
    let silent = |from: Duration, until: Duration| {
        let within = watcher.said().iter().filter(|said| (from..until).contains(&said.after()));
        assert_eq!(within.count(), 0, "something is said in a silence:\n{table}");
    };
    silent(9 * DAY - HOUR, 9 * DAY + 7 * HOUR);
    silent(12 * DAY - HOUR, 12 * DAY + 2 * HOUR);
    let reminders = watcher.telling(|news| *news == News::Reminder);
    assert!(reminders.iter().all(|said| !said.rings()));
    let taken_on =
        |said: &&&super::telephone::Said| (2 * DAY + 45 * MINUTE..2 * DAY + 6 * HOUR).contains(&said.after());
    assert_eq!(reminders.iter().filter(taken_on).count(), 0, "somebody has taken it on:\n{table}");
}
