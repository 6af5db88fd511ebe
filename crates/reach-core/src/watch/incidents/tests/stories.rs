use std::time::Duration;

use super::play::{Play, address, at, series};
use crate::{
    model::{Certificate, ResolutionError},
    watch::{
        AddressState, AgreementChange, Cause, CertificateSeen, Event, Gravity, IncidentId, Lack, Layer, News,
        Phase, Reading, Reason, ResolutionChange, Rules, Sample, TargetId, Why, incidents::Incidents,
    },
};

#[test]
fn the_story_six_of_sixteen_blocked_for_three_hours_rings_three_times() {
    let mut play = Play::new(16, Rules::default());
    play.minutes(30);
    assert!(play.notices.is_empty(), "{:?}", play.said());
    // The rule spreads: the addresses fail one after the other.
    for last in [3, 5, 6, 9, 12, 16] {
        play.fails([last], true);
        play.run(if last < 9 { 20 } else { 420 });
    }
    play.minutes(180 - 24);
    let opened = &play.notices[0];
    assert_eq!(opened.news, News::Opened);
    assert_eq!(opened.incident.members.len(), 3, "those that failed before it was told");
    assert_eq!(play.milestones(), ["#1 opened!"]);
    let standing = play.incidents.open().next().expect("it is open");
    assert_eq!(standing.members.len(), 6);
    assert_eq!((standing.pool, standing.gravity), (16, Gravity::Degraded));
    assert!(standing.causes.iter().any(|cause| matches!(cause, Cause::FailureShare { .. })), "the rule too");
    let reminders = play.notices.iter().filter(|notice| notice.news == News::Reminder).count();
    assert_eq!(reminders, 3, "after 30 minutes, 1 and 2 hours");
    let edits = play.notices.iter().filter(|notice| notice.news == News::Updated).count();
    assert!(edits <= 8, "{:?}", play.said());
    play.fails(1..=16, false);
    play.minutes(90);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!", "#1 all clear!"]);
    assert!(play.rings() <= 6);
    let recovered = play.notices.iter().find(|notice| notice.news == News::Recovered).expect("it recovered");
    let Phase::Recovered { since, at: told } = recovered.incident.phase else { panic!("it has recovered") };
    assert!(told.since(since) >= Duration::from_secs(300) && told.since(since) < Duration::from_secs(400));
    let Some(News::AllClear(assurance)) = play.notices.last().map(|notice| notice.news.clone()) else {
        panic!("the last word is the all-clear");
    };
    assert_eq!(assurance.addresses.len(), 16);
    assert!(assurance.addresses.values().all(|address| address.tries >= 299 && address.failures == 0));
    assert!(play.incidents.open().next().is_none());
    assert!(play.examined.len() >= 2 && play.examined.len() <= 5, "{:?}", play.examined);
    assert!(play.examined.windows(2).all(|pair| pair[1] - pair[0] >= 600), "{:?}", play.examined);
}

#[test]
fn it_opens_half_a_minute_after_the_first_failure_and_is_told_when_the_survey_is_there_or_late() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    play.fails([1], true);
    play.run(60);
    let incident = &play.stored.values().next().expect("it opened");
    assert_eq!(incident.opened.since(incident.began), Duration::from_secs(30));
    let told = play.notices[0].at;
    assert_eq!(told.since(incident.opened), Duration::from_secs(20), "no survey came");
    assert_eq!(play.examined.len(), 1);
}

#[test]
fn one_lost_packet_opens_nothing() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    for last in 1..=4 {
        play.fails([last], true);
        play.run(11);
        play.fails([last], false);
        play.run(30);
    }
    assert!(play.stored.is_empty());
}

#[test]
fn half_of_the_addresses_are_critical_and_getting_there_rings() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    play.fails([1], true);
    play.minutes(5);
    play.fails([2], true);
    play.minutes(5);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 worsened!"]);
    assert_eq!(
        play.notices.iter().filter(|notice| notice.rings).map(|n| n.incident.gravity).max(),
        Some(Gravity::Critical)
    );
    // Better and worse again: nothing new for a telephone.
    play.fails([2], false);
    play.minutes(5);
    play.fails([2], true);
    play.minutes(5);
    assert_eq!(play.rings(), 2);
}

#[test]
fn all_addresses_of_a_name_are_critical_at_once() {
    let mut play = Play::new(3, Rules::default());
    play.minutes(2);
    play.fails(1..=3, true);
    play.minutes(2);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    assert_eq!(play.notices[0].incident.gravity, Gravity::Critical);
}

#[test]
fn a_relapse_goes_on_in_the_same_incident_and_recovery_waits_longer() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    for _ in 0..3 {
        play.fails([1], true);
        play.minutes(3);
        play.fails([1], false);
        play.minutes(30);
    }
    let milestones = play.milestones();
    assert!(milestones.iter().all(|short| short.starts_with("#1 ")), "{milestones:?}");
    assert!(milestones.contains(&"#1 relapsed!".to_owned()));
    let incident = play.incidents.open().next().expect("it is not clear yet");
    assert_eq!(incident.quiet, Duration::from_secs(20 * 60));
    assert_eq!(incident.relapses, 2);
    play.minutes(100);
    assert_eq!(play.milestones().last().map(String::as_str), Some("#1 all clear"), "the budget is used up");
    assert_eq!(play.rings(), 5, "and one ring of it is kept");
    // The next one begins with what was learned, unless a quiet day went by.
    for (pause, quiet) in [(60, 20 * 60), (25 * 60, 5 * 60)] {
        play.minutes(pause);
        play.fails([1], true);
        play.minutes(3);
        let incident = play.incidents.open().next().expect("another one");
        assert_eq!(incident.quiet, Duration::from_secs(quiet));
        play.fails([1], false);
        play.minutes(120);
        assert_eq!(play.incidents.open().count(), 0);
    }
    let tally = play.incidents.tally();
    assert_eq!(tally.opened, 3);
    assert!(tally.transitions >= 3 * 3 + 1 + 2 * 4, "{tally:?}");
}

#[test]
fn what_flaps_is_unstable_and_keeps_still() {
    let rules = Rules { recovered_after: Duration::from_secs(60), failure_share: None, ..Rules::default() };
    let mut play = Play::new(4, rules);
    play.minutes(2);
    for _ in 0..40 {
        play.fails([1], true);
        play.run(100);
        play.fails([1], false);
        play.run(140);
    }
    assert!(play.notices.iter().any(|notice| notice.incident.unstable));
    assert!(play.rings() <= 5, "{:?}", play.milestones());
    assert_eq!(play.stored.len(), 1);
    let incident = play.incidents.open().next().expect("it stays open");
    assert!(incident.quiet >= Duration::from_secs(120));
    play.minutes(200);
    assert_eq!(
        play.milestones().last().map(String::as_str),
        Some("#1 all clear!"),
        "{:?}",
        play.milestones()
    );
}

#[test]
fn the_outage_of_this_host_is_one_incident_and_freezes_the_others() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(10);
    // The addresses begin to fail before the host notices whose fault it is.
    play.fails(1..=8, true);
    play.run(25);
    play.vantage(false);
    play.minutes(120);
    play.fails(1..=8, false);
    play.vantage(true);
    play.minutes(120);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"], "{:?}", play.said());
    assert_eq!(play.incidents.open().count(), 0);
    assert_eq!(play.stored.len(), 1);
}

#[test]
fn an_incident_neither_recovers_nor_reminds_while_this_host_is_cut_off() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(10);
    play.fails([1], true);
    play.minutes(2);
    play.vantage(false);
    play.fails([1], false);
    play.minutes(300);
    let of_target = |play: &Play| {
        play.milestones().into_iter().filter(|short| short.starts_with("#1")).collect::<Vec<_>>()
    };
    assert_eq!(of_target(&play), ["#1 opened!"]);
    play.vantage(true);
    play.minutes(4);
    assert_eq!(of_target(&play), ["#1 opened!"], "it has to calm first");
    play.minutes(6);
    assert_eq!(of_target(&play), ["#1 opened!", "#1 recovered!"]);
    assert!(play.notices.iter().all(|n| n.news != News::Reminder || n.incident.id.0 == 2));
}

#[test]
fn a_flapping_line_of_this_host_is_one_incident_too() {
    let mut play = Play::new(2, Rules::default());
    play.minutes(1);
    for _ in 0..30 {
        play.vantage(false);
        play.minutes(2);
        play.vantage(true);
        play.minutes(3);
    }
    assert_eq!(play.stored.len(), 1);
    assert!(play.rings() <= 6, "{:?}", play.milestones());
}

#[test]
fn a_laptop_that_sleeps_neither_opens_nor_recovers_anything() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(10);
    play.fails([1], true);
    play.minutes(2);
    play.fails([1], false);
    play.run(120);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    play.sleep(8 * 3_600);
    play.run(100);
    assert_eq!(play.milestones(), ["#1 opened!"], "the night was no calm time");
    play.minutes(6);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
    play.minutes(30);
    play.sleep(3_600);
    play.minutes(25);
    assert_eq!(play.rings(), 2, "25 minutes after the sleep the hour is not over");
    play.minutes(10);
    assert_eq!(play.milestones().last().map(String::as_str), Some("#1 all clear!"));
}

#[test]
fn leaving_dns_is_no_recovery() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(10);
    play.fails([2, 3], true);
    play.minutes(5);
    play.leaves(2);
    play.leaves(3);
    play.minutes(120);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    let incident = play.incidents.open().next().expect("it is open");
    assert!(incident.members.iter().all(|member| member.gone && member.state == AddressState::Down));
    // One answers again, where it is; the other is forgotten.
    play.fails([2], false);
    play.minutes(10);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    play.forget(3);
    play.minutes(3);
    assert_eq!(play.milestones(), ["#1 opened!"], "still the quiet time has to pass");
    play.minutes(5);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
    let recovered = play.notices.last().expect("said");
    assert_eq!(recovered.incident.members[0].state, AddressState::Ok);
    assert!(recovered.incident.members[1].gone && recovered.incident.members[1].state == AddressState::Gone);
}

#[test]
fn a_handshake_takes_no_failure_above_it_back() {
    let mut play = Play::new(4, Rules { failure_share: None, ..Rules::default() });
    play.minutes(20);
    let exchange = |play: &mut Play, reading| {
        let (series, layer, at) = (series(1), Layer::Exchange, at(play.now));
        play.take(Event::Sample(Sample { series, layer, at, reading, again: false }));
    };
    for to in [AddressState::Suspect, AddressState::Down] {
        exchange(&mut play, Reading::Failed(Reason::Tls));
        play.moved(1, AddressState::Ok, to, Why::Failed(Reason::Tls));
    }
    play.minutes(1);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    assert_eq!(play.notices[0].incident.members[0].reason, Reason::Tls);
    // It leaves DNS, and goes on to take connections and nothing more.
    play.leaves(1);
    play.minutes(60);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    for _ in 0..8 {
        exchange(&mut play, Reading::Answered(Duration::from_millis(40)));
        play.run(10);
    }
    play.minutes(6);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
}

#[test]
fn a_rotating_pool_is_told_seldom_and_opens_nothing() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(20);
    for round in 0..24 {
        play.appears(20 + round, false);
        play.leaves(1 + round % 8);
        play.minutes(10);
        play.forget(1 + round % 8);
        play.appears(1 + round % 8, false);
    }
    assert!(play.milestones().is_empty(), "{:?}", play.said());
    assert!(!play.notices.is_empty() && play.notices.len() <= 5, "{:?}", play.said());
    assert!(play.notices.iter().all(|notice| notice.incident.id.0 == 0 && !notice.rings));
    assert!(play.notices.windows(2).all(|pair| pair[0].seq < pair[1].seq));
}

#[test]
fn a_new_address_that_never_answered_is_blocked_from_birth() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(60);
    play.appears(40, true);
    play.minutes(2);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    let member = &play.notices[0].incident.members[0];
    assert!(member.from_birth && member.address == address(40));
    assert_eq!(play.notices[0].incident.gravity, Gravity::Degraded);
}

#[test]
fn a_name_that_does_not_resolve_is_critical() {
    let mut play = Play::new(2, Rules::default());
    play.minutes(5);
    let say = |play: &mut Play, error| {
        let change = ResolutionChange { target: TargetId(1), at: at(play.now), error };
        play.take(Event::Resolution(change));
    };
    say(&mut play, Some(ResolutionError::ServFail));
    play.run(20);
    say(&mut play, None);
    play.minutes(1);
    assert!(play.stored.is_empty(), "20 seconds are too short");
    say(&mut play, Some(ResolutionError::ServFail));
    play.minutes(2);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    assert_eq!(play.notices[0].incident.gravity, Gravity::Critical);
    say(&mut play, None);
    play.minutes(6);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
}

#[test]
fn a_certificate_warns_silently_then_rings_and_ends_when_it_is_replaced() {
    let mut play = Play::new(3, Rules::default());
    let day = 86_400;
    let begins = i64::try_from(at(0).as_secs()).expect("not that late");
    let show = |play: &mut Play, last: u8, days: i64| {
        let certificate = Certificate { subject: "CN=push1.example".to_owned(), ..Certificate::default() };
        let chain_expires = begins + days * day;
        let (series, at) = (series(last), at(play.now));
        let seen = CertificateSeen { series, at, certificate, chain_expires, distrust: Vec::new() };
        play.take(Event::Certificate(seen));
    };
    (1..=3).for_each(|last| show(&mut play, last, 15));
    play.minutes(5);
    assert!(play.stored.is_empty());
    play.minutes(24 * 60);
    assert_eq!(play.milestones(), ["#1 opened"]);
    let Cause::Certificate { addresses, .. } = &play.notices[0].incident.causes[0] else {
        panic!("it is the certificate");
    };
    assert_eq!(addresses.len(), 3);
    play.minutes(11 * 24 * 60);
    assert_eq!(play.milestones(), ["#1 opened", "#1 worsened!"]);
    let reminders = play.notices.iter().filter(|notice| notice.news == News::Reminder).count();
    assert_eq!(reminders, 1, "at seven days");
    show(&mut play, 1, 90);
    show(&mut play, 2, 90);
    play.minutes(10);
    assert_eq!(play.rings(), 1, "one address still shows it");
    show(&mut play, 3, 90);
    play.minutes(10);
    assert_eq!(play.milestones().last().map(String::as_str), Some("#1 recovered!"));
}

#[test]
fn the_all_clear_waits_for_a_new_address_and_says_so_once() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(20);
    play.fails([1], true);
    play.minutes(5);
    play.fails([1], false);
    play.minutes(40);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
    play.appears(77, false);
    play.minutes(40);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!", "#1 extended"]);
    let Some(News::Extended(assurance)) =
        play.notices.iter().map(|notice| &notice.news).find(|news| matches!(news, News::Extended(_)))
    else {
        panic!("it was extended");
    };
    assert!(matches!(assurance.lacking[..], [Lack::TooFew { address: lacks, .. }] if lacks == address(77)));
    play.minutes(40);
    assert_eq!(play.milestones().last().map(String::as_str), Some("#1 all clear!"));
}

#[test]
fn a_single_failure_after_recovery_starts_the_count_anew() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(20);
    play.fails([1], true);
    play.minutes(5);
    play.fails([1], false);
    play.minutes(30);
    play.fails([2], true);
    play.run(10);
    play.fails([2], false);
    play.minutes(45);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!", "#1 extended"]);
    play.minutes(30);
    assert_eq!(play.milestones().last().map(String::as_str), Some("#1 all clear!"));
}

#[test]
fn months_of_health_say_nothing() {
    let mut play = Play::new(3, Rules { pool_changes: false, ..Rules::default() });
    play.minutes(7 * 24 * 60);
    assert!(play.notices.is_empty() && play.stored.is_empty());
}

#[test]
fn random_loss_is_nobodys_fault() {
    let mut play = Play::new(8, Rules::default());
    play.loss = 2_000;
    play.minutes(3 * 24 * 60);
    assert!(play.stored.is_empty() && play.notices.is_empty(), "{:?}", play.said());
}

#[test]
fn what_is_mild_and_stays_does_not_keep_a_recovery_from_being_told() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(5);
    let odd = ["192.0.2.53:53".parse().expect("an address")].into();
    play.take(Event::Agreement(AgreementChange { target: TargetId(1), at: at(play.now), odd }));
    play.minutes(5);
    assert_eq!(play.milestones(), ["#1 opened"]);
    play.fails([1], true);
    play.minutes(10);
    play.fails([1], false);
    play.minutes(10);
    assert_eq!(play.milestones(), ["#1 opened", "#1 worsened!", "#1 recovered!"]);
    let incident = play.incidents.open().next().expect("not yet clear");
    assert!(matches!(incident.causes[..], [Cause::Disagreement { .. }]));
    play.minutes(70);
    assert_eq!(play.milestones()[3..], ["#1 all clear!", "#2 opened"]);
    play.take(Event::Agreement(AgreementChange { target: TargetId(1), at: at(play.now), odd: [].into() }));
    play.minutes(80);
    assert_eq!(play.milestones()[5..], ["#2 recovered"]);
    assert_eq!(play.incidents.open().count(), 0);
}

#[test]
fn a_target_that_is_dropped_closes_its_incident() {
    let mut play = Play::new(2, Rules::default());
    play.minutes(2);
    play.fails([1], true);
    play.minutes(2);
    play.plan.targets.clear();
    let plan = play.plan.clone();
    play.incidents.reload(&plan, at(play.now));
    play.collect();
    assert_eq!(play.milestones(), ["#1 opened!", "#1 dropped"]);
    assert!(matches!(
        play.stored.values().next().expect("one").phase,
        Phase::Closed { all_clear: false, .. }
    ));
    assert_eq!(play.incidents.open().count(), 0);
}

#[test]
fn a_restart_takes_up_what_the_patrol_knew_and_opens_what_was_about_to_open() {
    let mut play = Play::new(3, Rules::default());
    play.minutes(2);
    play.fails([1], true);
    play.run(25);
    assert!(play.stored.is_empty());
    let plan = play.plan.clone();
    play.incidents = Incidents::new(&plan, Vec::new(), Vec::new(), IncidentId(1), at(play.now));
    play.minutes(2);
    assert_eq!(play.milestones(), ["#1 opened!"]);
}
