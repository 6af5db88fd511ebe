//! The story that the watch was made for, and its relatives: addresses behind one name that a firewall drops.

use std::time::Duration;

use reach_core::watch::{AddressState, News, Phase};
use reach_report::Lang;
use reach_sim::Timeline;

use super::{
    network::{DAY, FOUR_BY_CHANCE, HOUR, MINUTE, ROTATES, SECOND, address, addresses, dropped, give, pool},
    watcher::{Watcher, watched},
};

/// Six of sixteen addresses are dropped from the first hour on, for three hours.
fn story(selection: &str, blocked: Duration) -> Timeline {
    let mut timeline = Timeline::new(pool(16, selection));
    timeline.fault(HOUR..HOUR + blocked, dropped(addresses(3..=8)));
    timeline
}

/// What has to hold of it however it is watched.
fn check_story(watcher: &Watcher) {
    let rings = watcher.rings();
    assert!(rings.len() <= 6, "{}", watcher.table());
    let opened = watcher.telling(|news| *news == News::Opened);
    assert_eq!(opened.len(), 1, "{}", watcher.table());
    let first = watcher.text(opened[0], Lang::En);
    let six: Vec<String> = addresses(3..=8).iter().map(ToString::to_string).collect();
    let six = six.join(", ");
    for part in [
        "6 of 16 addresses fail\n".to_owned(),
        format!(
            "\n• {six}: no answer of any kind, suspected firewall drop, at or directly behind hop 2 (10.70.1.2)"
        ),
        "\n  To the network team:\n".to_owned(),
        format!("\n  Destination: {six}\n"),
    ] {
        assert!(first.contains(&part), "{part} in\n{first}");
    }
    for news in [|news: &News| *news == News::Recovered, |news: &News| matches!(news, News::AllClear(_))] {
        assert_eq!(watcher.telling(news).len(), 1, "{}", watcher.table());
    }
    assert_eq!(watcher.telling(|news| *news == News::Relapsed).len(), 0, "{}", watcher.table());
    assert!(watcher.open().is_empty());
}

#[test]
fn six_of_sixteen_blocked_for_three_hours_and_checked_every_minute() {
    let mut watcher = Watcher::of_push(&story(ROTATES, 3 * HOUR), MINUTE);
    watcher.until(12 * HOUR);
    insta::assert_snapshot!(watcher.table());
    check_story(&watcher);
    // An hour of tries a minute is no 299 of each address: it says so and goes on.
    let extended = watcher.telling(|news| matches!(news, News::Extended(_)));
    assert_eq!(extended.len(), 1);
    assert!(!extended[0].rings());
    let said = |is: fn(&News) -> bool, lang| watcher.text(watcher.telling(is)[0], lang);
    let mut texts = Vec::new();
    for lang in [Lang::En, Lang::Ko] {
        texts.push(said(|news| *news == News::Opened, lang));
        texts.push(said(|news| *news == News::Recovered, lang));
        texts.push(said(|news| matches!(news, News::Extended(_)), lang));
        texts.push(said(|news| matches!(news, News::AllClear(_)), lang));
    }
    insta::assert_snapshot!("the_words_of_the_founding_story", texts.join("\n\n----\n\n"));
}

#[test]
fn the_same_checked_every_ten_seconds() {
    let mut watcher = Watcher::of_push(&story(ROTATES, 3 * HOUR), 10 * SECOND);
    watcher.until(6 * HOUR);
    insta::assert_snapshot!(watcher.table());
    check_story(&watcher);
    assert_eq!(watcher.telling(|news| matches!(news, News::Extended(_))).len(), 0);
}

#[test]
fn four_of_the_pool_in_each_answer_hide_nothing_and_end_nothing() {
    for blocked in [10 * MINUTE, 3 * HOUR] {
        let mut watcher = Watcher::of_push(&story(FOUR_BY_CHANCE, blocked), 30 * SECOND);
        watcher.until(HOUR + blocked);
        let open = watcher.open();
        assert_eq!(open.len(), 1, "{}", watcher.table());
        assert_eq!(open[0].phase, Phase::Open);
        let failing = open[0].members.iter().filter(|member| member.state == AddressState::Down);
        assert_eq!(failing.map(|member| member.address).collect::<Vec<_>>(), addresses(3..=8));
        assert_eq!(watcher.telling(|news| *news == News::Recovered).len(), 0, "{}", watcher.table());
        watcher.until(HOUR + blocked + 5 * HOUR);
        insta::assert_snapshot!(
            format!("four_of_the_pool_for_{}_minutes", blocked.as_secs() / 60),
            watcher.table()
        );
        check_story(&watcher);
    }
}

#[test]
fn a_block_that_spreads_and_is_healed_in_steps() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    // One, three, nine, all; then back.
    for (from, until, last) in [(60, 300, 1), (75, 300, 3), (120, 260, 9), (180, 240, 16)] {
        let first = [(1, 1), (3, 2), (9, 4), (16, 10)].into_iter().find(|(end, _)| *end == last);
        let first = first.map_or(1, |(_, first)| first);
        timeline.fault(from * MINUTE..until * MINUTE, dropped(addresses(first..=last)));
    }
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    watcher.until(8 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.telling(|news| *news == News::Opened).len(), 1);
    let worse = watcher.telling(|news| matches!(news, News::Worsened { .. }));
    assert_eq!(worse.len(), 1, "from some to at least half of them");
    assert!(worse[0].rings() && worse[0].after() < 125 * MINUTE, "{}", watcher.table());
    assert_eq!(watcher.rings().len(), 4, "opened, worse, recovered, all clear");
    assert!(watcher.open().is_empty());
}

#[test]
fn a_block_that_comes_and_goes_every_four_minutes() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    for turn in 0..45 {
        let from = HOUR + 8 * MINUTE * turn;
        timeline.fault(from..from + 4 * MINUTE, dropped(addresses(3..=8)));
    }
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    watcher.until(16 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.telling(|news| *news == News::Opened).len(), 1);
    // An hour in it says that it comes and goes, and from then on it is quiet.
    let edits = watcher.said().iter().filter(|said| said.is_edit()).count();
    assert!(edits <= 20, "{edits} edits");
    let unstable = watcher
        .said()
        .iter()
        .any(|said| said.after() < 2 * HOUR && watcher.text(said, Lang::En).contains("comes and goes"));
    assert!(unstable, "{}", watcher.table());
    let during = watcher.rings().iter().filter(|said| said.after() < 7 * HOUR).count();
    assert!(during <= 2, "it flaps, and rings {during} times");
    let recovered = watcher.telling(|news| *news == News::Recovered);
    assert_eq!(recovered.len(), 1);
    assert!(recovered[0].after() > 7 * HOUR);
    assert!(watcher.open().is_empty());
}

#[test]
fn a_new_address_that_the_firewalls_list_has_never_heard_of() {
    let mut timeline = Timeline::new(pool(12, ROTATES));
    timeline.at(Duration::ZERO, |network| {
        give(network, addresses(1..=10));
        network.faults.push(dropped(addresses([11])));
    });
    timeline.at(7 * DAY, |network| give(network, addresses(1..=12)));
    timeline.at(7 * DAY + 5 * HOUR, |network| network.faults.clear());
    let mut target = watched(1, "push.example", 5 * MINUTE);
    target.pace.resolve_every = 5 * MINUTE;
    target.pace.echo_every = Some(HOUR);
    let mut watcher = Watcher::new(&timeline, vec![target]);
    watcher.until(7 * DAY);
    assert_eq!(watcher.said().len(), 0, "a week without a word");
    watcher.until(9 * DAY + 12 * HOUR);
    insta::assert_snapshot!(watcher.table());
    let opened = watcher.telling(|news| *news == News::Opened);
    assert_eq!(opened.len(), 1);
    let text = watcher.text(opened[0], Lang::En);
    assert!(text.contains("a list of allowed addresses may lack it"), "{text}");
    let incident = watcher.memory().incidents.values().next().expect("one");
    assert_eq!(incident.members.iter().map(|one| one.address).collect::<Vec<_>>(), [address(11)]);
    insta::assert_snapshot!("blocked_from_birth", texts(&watcher, opened[0]));
    assert_eq!(watcher.rings().len(), 3, "opened, recovered, all clear");
}

fn texts(watcher: &Watcher, said: &super::telephone::Said) -> String {
    [Lang::En, Lang::Ko].map(|lang| watcher.text(said, lang)).join("\n\n----\n\n")
}
