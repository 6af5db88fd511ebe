//! Killed and started again.

use super::play::{Play, at};
use crate::watch::{
    AddressState, Clocks, Incident, IncidentId, News, Phase, Remembered, Rules, incidents::Incidents,
};

#[test]
fn a_restart_repeats_nothing_and_loses_nothing() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(10);
    play.fails([1, 2], true);
    play.minutes(5);
    let before = play.said();
    play.restart(Vec::new());
    assert_eq!(play.said(), before);
    play.minutes(20);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    play.minutes(15);
    let reminders = play.notices.iter().filter(|notice| notice.news == News::Reminder).count();
    assert_eq!(reminders, 1, "at half an hour, in spite of the restart");
    play.fails([1, 2], false);
    play.run(150);
    play.restart(Vec::new());
    play.minutes(4);
    assert_eq!(play.milestones(), ["#1 opened!"], "it calms anew");
    play.minutes(3);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
    play.minutes(30);
    play.restart(Vec::new());
    play.minutes(50);
    assert_eq!(play.rings(), 2, "the tries are counted anew");
    play.minutes(15);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!", "#1 all clear!"]);
    let seqs: Vec<u32> = play.notices.iter().map(|notice| notice.seq).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
}

#[test]
fn a_restart_while_the_survey_was_awaited_tells_it_once() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    play.fails([1], true);
    play.run(42);
    assert!(play.notices.is_empty() && play.stored.len() == 1);
    play.restart(Vec::new());
    assert_eq!(play.examined.len(), 2, "the survey went down with the process");
    play.minutes(2);
    assert_eq!(play.milestones(), ["#1 opened!"]);
}

#[test]
fn an_outage_of_this_host_that_is_over_when_it_starts_again_recovers() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    play.vantage(false);
    play.minutes(2);
    play.restart(Vec::new());
    play.minutes(5);
    assert_eq!(play.milestones(), ["#1 opened!"]);
    // The patrol says nothing of its being online, and tries.
    play.awake = true;
    play.minutes(3);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
}

#[test]
fn an_incident_without_clocks_can_be_read() {
    let mut play = Play::new(2, Rules::default());
    play.minutes(2);
    play.fails([1], true);
    play.minutes(2);
    let mut written = serde_json::to_value(&play.stored[&IncidentId(1)]).expect("it can be written");
    written.as_object_mut().expect("an object").remove("clocks");
    let read: Incident = serde_json::from_value(written).expect("it can be read");
    assert_eq!((read.id, read.clocks), (IncidentId(1), Clocks::default()));
}

#[test]
fn the_ids_go_on_and_a_target_that_is_gone_drops_its_incident() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    play.fails([1], true);
    play.minutes(2);
    play.plan.targets.clear();
    play.restart(Vec::new());
    assert_eq!(play.milestones(), ["#1 opened!", "#1 dropped"]);
    assert!(matches!(play.stored[&IncidentId(1)].phase, Phase::Closed { .. }));
    let incidents = Incidents::new(&play.plan, Vec::new(), Vec::new(), IncidentId(0), at(0));
    assert_eq!(incidents.open().count(), 0);
}

#[test]
fn what_the_patrol_remembers_outweighs_what_the_incident_does() {
    let mut play = Play::new(2, Rules { failure_share: None, ..Rules::default() });
    play.minutes(2);
    play.fails([1], true);
    play.minutes(3);
    play.fails([1], false);
    play.run(30);
    // The patrol's memory is a little newer than that of the incident.
    play.restart(Vec::new());
    play.incidents.know(&Remembered {
        series: super::play::series(1),
        health: AddressState::Ok,
        since: at(play.now),
        reason: None,
        first_seen: at(0),
        last_given: at(play.now),
        ttl_s: 60,
        resolvers: Default::default(),
        gone_since: None,
        last_ok: Some(at(play.now)),
        certificate_expires: Some(i64::try_from(at(20 * 86_400).as_secs()).expect("not that late")),
    });
    play.minutes(8);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 recovered!"]);
    play.minutes(7 * 24 * 60);
    assert!(play.milestones().contains(&"#2 opened".to_owned()), "the certificate: {:?}", play.milestones());
}
