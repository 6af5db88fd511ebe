//! How often what is told: flapping, certificates, rises, closings.

use std::time::Duration;

use super::play::{Play, at, series};
use crate::{
    model::Certificate,
    watch::{BurnRate, CertificateSeen, Ending, Event, Gravity, IncidentId, News, Phase, Rules},
};

fn count(play: &Play, news: &News) -> usize {
    play.notices.iter().filter(|notice| notice.news == *news).count()
}

fn show_certificate(play: &mut Play, days: i64) {
    let certificate = Certificate { subject: "CN=push1.example".to_owned(), ..Certificate::default() };
    let chain_expires = i64::try_from(at(0).as_secs()).expect("not that late") + days * 86_400;
    let (series, at, distrust) = (series(1), at(play.now), Vec::new());
    play.take(Event::Certificate(CertificateSeen { series, at, certificate, chain_expires, distrust }));
}

fn flap(play: &mut Play, half_minutes: u64, times: u32) {
    for _ in 0..times {
        play.fails([1, 2], true);
        play.run(half_minutes * 30);
        play.fails([1, 2], false);
        play.run(half_minutes * 30);
    }
}

#[test]
fn turns_are_counted_by_the_addresses_where_a_window_of_tries_bridges_the_pauses() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(2);
    // Four minutes each way: no window of five minutes is without a failure.
    flap(&mut play, 8, 3);
    let incident = play.incidents.open().next().expect("it is open");
    assert!(incident.unstable, "{:?}", incident.clocks.turns);
    assert!(play.notices.iter().all(|notice| notice.news != News::Recovered));
}

#[test]
fn what_flaps_for_hours_is_edited_ever_more_seldom() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(2);
    flap(&mut play, 8, 45);
    let edits = count(&play, &News::Updated);
    assert!((3..=16).contains(&edits), "{edits} edits: {:?}", play.said());
    // What nobody has heard of yet is not kept waiting by that.
    let now = play.now;
    play.fails([3], true);
    play.minutes(2);
    let told = play.notices.iter().find(|notice| notice.at > at(now) && notice.incident.members.len() == 3);
    assert!(
        told.is_some_and(|notice| notice.at.since(at(now)) <= Duration::from_secs(100)),
        "{:?}",
        play.said()
    );
}

#[test]
fn a_message_that_stood_for_long_is_edited_at_once_when_it_heals() {
    let mut play = Play::new(16, Rules { failure_share: None, ..Rules::default() });
    play.minutes(2);
    play.fails([1, 2], true);
    play.minutes(50);
    let before = count(&play, &News::Updated);
    play.fails([1, 2], false);
    play.run(90);
    assert_eq!(count(&play, &News::Updated), before + 1, "{:?}", play.said());
}

#[test]
fn a_certificate_is_recalled_on_days_that_matter() {
    let mut play = Play::new(3, Rules::default());
    play.minutes(5);
    show_certificate(&mut play, 13);
    play.minutes(11 * 24 * 60);
    assert_eq!(play.said(), ["#1 opened", "#1 reminder", "#1 worsened!"], "at 13, 7 and 3 days");
    play.minutes(3 * 24 * 60);
    assert_eq!(
        play.said()[3..],
        ["#1 reminder", "#1 reminder", "#1 reminder"],
        "a day before, at its end, a day after"
    );
    show_certificate(&mut play, 90);
    play.minutes(120);
    assert_eq!(play.said()[6..], ["#1 recovered!"]);
    let incident = &play.stored[&IncidentId(1)];
    assert!(matches!(incident.phase, Phase::Closed { all_clear: false, .. }));
    assert_eq!(incident.ending, Some(Ending::NothingToClear), "no tries can clear a certificate");
}

#[test]
fn a_certificate_that_rang_does_not_swallow_an_outage() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(5);
    show_certificate(&mut play, 2);
    play.minutes(60);
    assert_eq!(play.said(), ["#1 opened!"]);
    play.fails([1], true);
    play.minutes(2);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 worsened!"]);
    assert_eq!(play.notices.last().map(|notice| notice.incident.gravity), Some(Gravity::Degraded));
    play.minutes(32);
    assert_eq!(count(&play, &News::Reminder), 1, "and an outage is recalled as one");
}

#[test]
fn what_was_milder_for_an_hour_rings_again_when_it_gets_worse() {
    let rules = Rules { failure_share: None, ..Rules::default() };
    let mut play = Play::new(4, rules);
    play.minutes(2);
    play.fails([1, 2], true);
    play.minutes(5);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    assert_eq!(play.notices[0].incident.gravity, Gravity::Critical);
    play.fails([2], false);
    play.minutes(50);
    play.fails([2], true);
    play.minutes(5);
    assert_eq!(play.milestones(), ["#1 opened!"], "it was told to be as bad as that not long ago");
    play.fails([2], false);
    play.minutes(70);
    play.fails([2], true);
    play.minutes(5);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 worsened!"]);
}

#[test]
fn reminders_come_after_half_an_hour_one_two_and_four_hours_and_every_four_hours_then() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(2);
    play.fails([1], true);
    play.minutes(17 * 60);
    let opened = play.stored[&IncidentId(1)].opened;
    let reminders = play.notices.iter().filter(|notice| notice.news == News::Reminder);
    let minutes: Vec<u64> = reminders.map(|notice| notice.at.since(opened).as_secs() / 60).collect();
    assert_eq!(minutes, [30, 60, 120, 240, 480, 720, 960]);
    assert_eq!(play.rings(), 1);
}

#[test]
fn a_burning_budget_rings_and_ends_with_the_short_window() {
    let burn = BurnRate {
        objective: 0.999,
        factor: 14.4,
        long: Duration::from_secs(3_600),
        short: Duration::from_secs(300),
        page: true,
    };
    let mut play = Play::new(8, Rules { burn: vec![burn], failure_share: None, ..Rules::default() });
    play.minutes(90);
    // 4 % of the tries: no address is down for it, and the budget of a month is gone in 18 hours.
    play.loss = 40_000;
    play.minutes(60);
    assert_eq!(play.milestones(), ["#1 opened!"], "{:?}", play.said());
    assert!(play.notices[0].incident.members.is_empty());
    play.loss = 0;
    play.minutes(15);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
    // The hour that it looks back on still has those failures; it is not opened by them again.
    play.minutes(120);
    assert_eq!(play.milestones()[2..], ["#1 all clear!"]);
}

#[test]
fn what_never_becomes_clear_is_closed_with_a_word_on_why() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(20);
    play.fails([1], true);
    play.minutes(5);
    play.fails([1], false);
    play.minutes(10);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
    // Each half hour one try fails: never down, never clear.
    for _ in 0..50 {
        play.fails([2], true);
        play.run(10);
        play.fails([2], false);
        play.run(30 * 60 - 10);
    }
    assert_eq!(play.milestones()[2..], ["#1 extended", "#1 unclear"], "{:?}", play.milestones());
    let incident = &play.stored[&IncidentId(1)];
    assert!(matches!(incident.phase, Phase::Closed { all_clear: false, .. }));
    assert!(matches!(&incident.ending, Some(Ending::NotCarried { lacking }) if !lacking.is_empty()));
}

#[test]
fn time_that_was_not_watched_is_told_apart() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(5);
    play.fails([1], true);
    play.minutes(5);
    play.sleep(8 * 3_600);
    play.minutes(2);
    play.vantage(false);
    play.minutes(30);
    play.vantage(true);
    play.fails([1], false);
    play.minutes(12);
    let recovered =
        play.notices.iter().find(|notice| notice.news == News::Recovered && notice.incident.id.0 == 1);
    let unwatched = recovered.expect("it recovered").incident.unwatched;
    assert_eq!(unwatched.as_secs(), 8 * 3_600 + 30 * 60);
}

#[test]
fn a_clock_that_was_set_back_between_two_runs_delays_nothing() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(300);
    play.fails([1], true);
    play.minutes(40);
    assert_eq!(play.said().last().map(String::as_str), Some("#1 reminder"));
    let heard = play.notices.len();
    play.now -= 3 * 3_600;
    play.restart(Vec::new());
    play.resume_turns();
    // What passed since it was written last is lost, and no more than that.
    play.minutes(31);
    assert_eq!(count(&play, &News::Reminder), 2, "{:?}", play.said());
    assert!(play.notices[heard..].iter().all(|notice| !notice.rings));
    play.fails([1], false);
    play.minutes(12);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
    let recovered = play.notices.last().expect("one");
    let Phase::Recovered { since, .. } = recovered.incident.phase else { panic!("it has recovered") };
    let lasted = since.since(recovered.incident.began).as_secs() / 60;
    assert!((61..=70).contains(&lasted), "{lasted} minutes");
}
