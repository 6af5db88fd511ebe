//! Single stories.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::watch::{Gravity, Incident, IncidentId, News, Phase, Subject, TargetId};

pub(super) const fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

pub(super) fn notice(id: u64, seq: u32, news: News, now: Time) -> Notice {
    let phase = match news {
        News::Recovered | News::Extended(_) => Phase::Recovered { since: now, at: now },
        News::AllClear(_) | News::Unclear(_) | News::Dropped => Phase::Closed { at: now, all_clear: true },
        _ => Phase::Open,
    };
    let rings = !matches!(
        news,
        News::Updated
            | News::Reminder
            | News::Acknowledged
            | News::Extended(_)
            | News::Pool { .. }
            | News::Hello { .. }
    );
    let incident = Incident {
        id: IncidentId(id),
        subject: Subject::Target(TargetId(id as u32)),
        title: format!("t{id}.example:443"),
        labels: BTreeMap::new(),
        gravity: Gravity::Degraded,
        worst: Gravity::Degraded,
        phase,
        began: now,
        opened: now,
        changed: now,
        causes: Vec::new(),
        members: Vec::new(),
        pool: 4,
        acknowledged: None,
        muted_until: None,
        unstable: false,
        quiet: Duration::ZERO,
        relapses: 0,
        unwatched: Duration::ZERO,
        ending: None,
        notices: seq,
        rang: Vec::new(),
        remarks: Vec::new(),
        diagnosis: None,
        clocks: Default::default(),
    };
    Notice { incident, seq, at: now, news, rings }
}

/// Like Telegram.
pub(super) fn chat(name: &str) -> ChannelPlan {
    ChannelPlan {
        caps: Capabilities { edits: true, threads: true, silent: true, ..Default::default() },
        ..ChannelPlan::new(name)
    }
}

pub(super) fn say(courier: &mut Courier, notice: &Notice, now: Time) -> Vec<RowId> {
    let rows: Vec<RowId> = courier.plan(notice, now).iter().map(|row| row.id).collect();
    courier.committed(&rows);
    rows
}

pub(super) fn hand(courier: &mut Courier, now: Time) -> Dispatch {
    match courier.poll(now) {
        CourierStep::Hand(dispatch) => dispatch,
        CourierStep::Wait(until) => panic!("waits until {until}"),
    }
}

pub(super) fn wait(courier: &mut Courier, now: Time) -> Time {
    match courier.poll(now) {
        CourierStep::Wait(until) => until,
        CourierStep::Hand(dispatch) => panic!("hands {dispatch:?}"),
    }
}

pub(super) fn sent(message: &str) -> Report {
    Report::Sent { message: Some(message.to_owned()), remark: None }
}

pub(super) fn trouble() -> String {
    "no luck".to_owned()
}

#[test]
fn follow_ups_refer_to_the_opening_and_details_change_what_stands() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    let news = [
        News::Opened,
        News::Updated,
        News::Worsened { from: Gravity::Degraded },
        News::Updated,
        News::Reminder,
        News::Acknowledged,
        News::Recovered,
    ];
    let mut how = Vec::new();
    for (index, news) in news.into_iter().enumerate() {
        let now = at(100 * index as u64);
        say(&mut courier, &notice(1, index as u32 + 1, news, now), now);
        let dispatch = hand(&mut courier, now);
        courier.report(dispatch.id, sent(&format!("m{index}")), now);
        how.push(dispatch.how);
    }
    let edit = |message: &str| How::Edit { message: message.to_owned() };
    let reply = || How::Reply { to: "m0".to_owned() };
    assert_eq!(how, [How::New, edit("m0"), reply(), edit("m2"), reply(), edit("m2"), reply()]);
}

#[test]
fn nothing_is_handed_over_before_it_is_written_unless_the_store_is_stuck() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    let rows = courier.plan(&notice(1, 1, News::Opened, at(0)), at(0));
    assert_eq!(wait(&mut courier, at(9)), at(10));
    courier.committed(&[rows[0].id]);
    let dispatch = hand(&mut courier, at(9));
    courier.report(dispatch.id, sent("m"), at(9));
    courier.plan(&notice(2, 1, News::Opened, at(20)), at(20));
    assert_eq!(wait(&mut courier, at(20)), at(30));
    assert_eq!(hand(&mut courier, at(30)).parts[0].notice.incident.id, IncidentId(2));
}

#[test]
fn what_waits_together_is_said_once_and_as_loudly_as_its_loudest() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    let first = say(&mut courier, &notice(1, 1, News::Opened, at(0)), at(0));
    let dispatch = hand(&mut courier, at(0));
    courier.report(dispatch.id, Report::Later { after: Duration::from_secs(30), trouble: trouble() }, at(0));
    for (seq, news) in [(2, News::Updated), (3, News::Reminder), (4, News::Updated)] {
        say(&mut courier, &notice(1, seq, news, at(10)), at(10));
    }
    assert_eq!(wait(&mut courier, at(10)), at(30));
    let dispatch = hand(&mut courier, at(30));
    let part = &dispatch.parts[0];
    assert_eq!((part.notice.seq, &part.notice.news, part.changes), (4, &News::Opened, 3));
    assert!(dispatch.rings && dispatch.how == How::New);
    courier.report(dispatch.id, sent("m"), at(30));
    let updates: BTreeMap<RowId, Delivery> =
        courier.take_updates().into_iter().map(|row| (row.id, row.delivery)).collect();
    let into = part.row.expect("a row");
    assert_eq!(updates[&first[0]], Delivery::Merged { into });
    assert_eq!(updates[&into], Delivery::Sent { at: at(30), message: Some("m".to_owned()) });
    assert_eq!(wait(&mut courier, at(31)), Courier::NEVER);
}

#[test]
fn many_incidents_that_wait_become_a_digest() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    courier.desks.get_mut("a").expect("a desk").plan.chat.limits =
        vec![Limit { most: 1, per: Duration::from_secs(1) }];
    for id in 1..=9 {
        say(&mut courier, &notice(id, 1, News::Opened, at(0)), at(0));
        if id == 1 {
            let dispatch = hand(&mut courier, at(0));
            courier.report(dispatch.id, sent("m0"), at(0));
        }
    }
    assert_eq!(wait(&mut courier, at(0)), at(1));
    let dispatch = hand(&mut courier, at(1));
    assert_eq!((dispatch.parts.len(), &dispatch.how, dispatch.rings), (8, &How::Digest, true));
    courier.report(dispatch.id, Report::Rejected { trouble: trouble() }, at(1));
    // Whatever it was that could not be said, the others are.
    for seconds in 2..10 {
        let dispatch = hand(&mut courier, at(seconds));
        assert_eq!((dispatch.parts.len(), &dispatch.how), (1, &How::New));
        courier.report(dispatch.id, sent("m"), at(seconds));
    }
    assert_eq!(courier.status()["a"].sent, 9);
}

#[test]
fn a_rest_that_was_asked_of_a_clock_that_was_ahead_is_not_waited_for() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(50_000));
    say(&mut courier, &notice(1, 1, News::Opened, at(50_000)), at(50_000));
    let dispatch = hand(&mut courier, at(50_000));
    let later = Report::Later { after: Duration::from_secs(60), trouble: trouble() };
    courier.report(dispatch.id, later, at(50_000));
    let kept = courier.take_updates();
    let mut courier = Courier::new(vec![chat("a")], kept, RowId(9), at(30_000));
    assert_eq!(wait(&mut courier, at(30_000)), at(33_600));
    assert_eq!(hand(&mut courier, at(33_600)).parts.len(), 1);
}

#[test]
fn a_digest_cannot_be_changed_so_details_wait_for_a_message_that_can() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    for id in 1..=4 {
        say(&mut courier, &notice(id, 1, News::Opened, at(0)), at(0));
    }
    let dispatch = hand(&mut courier, at(0));
    courier.report(dispatch.id, sent("all"), at(0));
    say(&mut courier, &notice(2, 2, News::Updated, at(60)), at(60));
    assert_eq!(wait(&mut courier, at(60)), Courier::NEVER);
    for (seq, news, how, message) in [
        (3, News::Reminder, How::Reply { to: "all".to_owned() }, "m2"),
        (4, News::Updated, How::Edit { message: "m2".to_owned() }, "m2"),
    ] {
        say(&mut courier, &notice(2, seq, news, at(60)), at(60));
        let dispatch = hand(&mut courier, at(60));
        assert_eq!((&dispatch.how, dispatch.rings), (&how, false));
        courier.report(dispatch.id, sent(message), at(60));
    }
}

#[test]
fn what_is_not_taken_for_five_minutes_goes_to_the_fallback_and_is_tried_on() {
    let plan = ChannelPlan { fallback: Some("b".to_owned()), ..chat("a") };
    let other = ChannelPlan { least: Gravity::Critical, ..chat("b") };
    let mut courier = Courier::new(vec![plan, other], Vec::new(), RowId(1), at(0));
    say(&mut courier, &notice(1, 1, News::Opened, at(0)), at(0));
    let mut now = at(0);
    let copy = loop {
        match courier.poll(now) {
            CourierStep::Hand(dispatch) if dispatch.channel == "a" => {
                courier.report(dispatch.id, Report::Failed { trouble: trouble() }, now);
            }
            CourierStep::Hand(dispatch) => break dispatch,
            CourierStep::Wait(until) => now = until,
        }
    };
    assert_eq!(now, at(300));
    let instead = copy.parts[0].instead_of.as_ref().expect("a reason");
    assert_eq!((instead.channel.as_str(), instead.trouble.as_str()), ("a", "no luck"));
    courier.report(copy.id, sent("x"), now);
    assert_eq!(courier.status()["a"].broken_since, Some(at(0)));
    let until = wait(&mut courier, now);
    let dispatch = hand(&mut courier, until);
    courier.report(dispatch.id, sent("late"), until);
    assert_eq!((dispatch.channel.as_str(), courier.status()["a"].broken_since), ("a", None));
    assert_eq!(wait(&mut courier, until), Courier::NEVER);
}

#[test]
fn a_channel_that_refuses_everything_gives_its_rows_to_the_fallback_at_once() {
    let plan = ChannelPlan { fallback: Some("b".to_owned()), ..chat("a") };
    let other = ChannelPlan { least: Gravity::Critical, ..chat("b") };
    let mut courier = Courier::new(vec![plan, other], Vec::new(), RowId(1), at(0));
    say(&mut courier, &notice(1, 1, News::Opened, at(0)), at(0));
    let dispatch = hand(&mut courier, at(0));
    courier.report(dispatch.id, Report::Broken { trouble: trouble() }, at(0));
    for (id, seq) in [(1, 1), (2, 1)] {
        if id == 2 {
            say(&mut courier, &notice(2, 1, News::Opened, at(5)), at(5));
        }
        let dispatch = hand(&mut courier, at(5));
        let part = &dispatch.parts[0];
        assert_eq!(
            (dispatch.channel.as_str(), part.notice.incident.id, part.notice.seq),
            ("b", IncidentId(id), seq)
        );
        courier.report(dispatch.id, sent("x"), at(5));
    }
    assert_eq!((courier.status()["a"].dead, courier.status()["a"].pending), (2, 0));
    // Later ones try the channel again.
    say(&mut courier, &notice(3, 1, News::Opened, at(100)), at(100));
    assert_eq!(hand(&mut courier, at(100)).channel, "a");
}

#[test]
fn nobody_hears_of_it_twice_only_because_it_is_a_fallback_too() {
    let plan = ChannelPlan { fallback: Some("b".to_owned()), ..chat("a") };
    let mut courier = Courier::new(vec![plan, chat("b")], Vec::new(), RowId(1), at(0));
    say(&mut courier, &notice(1, 1, News::Opened, at(0)), at(0));
    for _ in 0..2 {
        let dispatch = hand(&mut courier, at(0));
        let report = if dispatch.channel == "a" { Report::Broken { trouble: trouble() } } else { sent("x") };
        courier.report(dispatch.id, report, at(0));
    }
    assert_eq!(wait(&mut courier, at(1)), Courier::NEVER);
}

#[test]
fn what_may_have_been_delivered_is_tried_again_after_ten_seconds() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    say(&mut courier, &notice(1, 1, News::Opened, at(0)), at(0));
    let dispatch = hand(&mut courier, at(0));
    courier.report(dispatch.id, Report::Unknown { trouble: trouble() }, at(5));
    assert_eq!(courier.take_updates()[0].delivery, Delivery::Unknown);
    assert_eq!(wait(&mut courier, at(6)), at(15));
    assert!(hand(&mut courier, at(15)).parts[0].again);
}

#[test]
fn after_a_restart_what_was_under_way_may_have_been_delivered() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    say(&mut courier, &notice(1, 1, News::Opened, at(0)), at(0));
    let dispatch = hand(&mut courier, at(0));
    courier.report(dispatch.id, sent("m0"), at(0));
    let mut kept = courier.take_updates();
    kept.extend(courier.plan(&notice(1, 2, News::Reminder, at(50)), at(50)));
    courier.committed(&[RowId(2)]);
    hand(&mut courier, at(50));
    kept[1] = courier.take_updates().remove(0);
    assert_eq!(kept[1].delivery, Delivery::Sending);

    let mut courier = Courier::new(vec![chat("a")], kept, RowId(0), at(60));
    assert_eq!(wait(&mut courier, at(60)), at(70));
    let dispatch = hand(&mut courier, at(70));
    assert_eq!(dispatch.how, How::Reply { to: "m0".to_owned() });
    assert!(dispatch.parts[0].again);
    assert_eq!(courier.plan(&notice(2, 1, News::Opened, at(70)), at(70))[0].id, RowId(3));
}

#[test]
fn at_night_only_what_is_critical_rings() {
    let quiet = vec![QuietSpan { from: at(0), until: at(1000) }];
    let silent = ChannelPlan { quiet: quiet.clone(), ..chat("a") };
    let held = ChannelPlan { quiet: quiet.clone(), at_night: AtNight::HoldBack, ..chat("b") };
    let loud = ChannelPlan { quiet, caps: Capabilities::default(), ..chat("c") };
    let mut courier = Courier::new(vec![silent, held, loud], Vec::new(), RowId(1), at(0));
    say(&mut courier, &notice(1, 1, News::Opened, at(0)), at(0));
    let dispatch = hand(&mut courier, at(0));
    assert_eq!((dispatch.channel.as_str(), dispatch.rings), ("a", false));
    courier.report(dispatch.id, sent("m"), at(0));
    assert_eq!(wait(&mut courier, at(1)), at(1000));
    let mut grave = notice(2, 1, News::Opened, at(2));
    grave.incident.gravity = Gravity::Critical;
    say(&mut courier, &grave, at(2));
    for _ in 0..3 {
        let dispatch = hand(&mut courier, at(2));
        assert!(dispatch.rings && dispatch.parts[0].notice.incident.id == IncidentId(2));
        courier.report(dispatch.id, sent("m"), at(2));
    }
    say(&mut courier, &notice(1, 2, News::Recovered, at(500)), at(500));
    let dispatch = hand(&mut courier, at(500));
    courier.report(dispatch.id, sent("m"), at(500));
    assert_eq!(wait(&mut courier, at(500)), at(1000));
    for channel in ["b", "c"] {
        let dispatch = hand(&mut courier, at(1000));
        let part = &dispatch.parts[0];
        assert_eq!(
            (dispatch.channel.as_str(), &part.notice.news, part.changes),
            (channel, &News::Recovered, 1)
        );
        courier.report(dispatch.id, sent("m"), at(1000));
    }
}

#[test]
fn a_message_that_somebody_deleted_is_sent_anew_without_a_sound() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    say(&mut courier, &notice(1, 1, News::Opened, at(0)), at(0));
    let dispatch = hand(&mut courier, at(0));
    courier.report(dispatch.id, sent("m0"), at(0));
    say(&mut courier, &notice(1, 2, News::Updated, at(10)), at(10));
    let dispatch = hand(&mut courier, at(10));
    courier.report(dispatch.id, Report::Vanished { trouble: trouble() }, at(10));
    let dispatch = hand(&mut courier, at(10));
    assert_eq!((dispatch.how, dispatch.rings), (How::Reply { to: "m0".to_owned() }, false));
}

#[test]
fn a_program_that_forgets_is_told_every_minute_and_five_minutes_beyond_the_end() {
    let plan = ChannelPlan {
        caps: Capabilities { program: true, ..Default::default() },
        repeat: Some(Repeat { every: Duration::from_secs(60), resolved_for: Duration::from_secs(300) }),
        ..ChannelPlan::new("a")
    };
    let mut courier = Courier::new(vec![plan], Vec::new(), RowId(1), at(0));
    say(&mut courier, &notice(1, 1, News::Opened, at(0)), at(0));
    say(&mut courier, &notice(2, 1, News::Opened, at(0)), at(0));
    say(&mut courier, &notice(1, 2, News::Recovered, at(0)), at(0));
    let mut told: Vec<(u64, Vec<u64>)> = Vec::new();
    let mut now = at(0);
    while now < at(700) {
        match courier.poll(now) {
            CourierStep::Hand(dispatch) => {
                let parts = dispatch.parts.iter().map(|part| part.notice.incident.id.0).collect();
                told.push((now.as_secs(), parts));
                courier.report(dispatch.id, Report::Sent { message: None, remark: None }, now);
            }
            CourierStep::Wait(until) => now = until,
        }
    }
    assert_eq!(told[..2], [(0, vec![2]), (0, vec![1])]);
    assert!(told.contains(&(60, vec![1, 2])) && told.contains(&(300, vec![1, 2])), "{told:?}");
    assert!(told.contains(&(360, vec![2])) && told.contains(&(660, vec![2])), "{told:?}");
}

#[test]
fn channels_without_edits_hear_of_the_diagnosis_once() {
    let plan = ChannelPlan { caps: Capabilities { threads: true, ..Default::default() }, ..chat("mail") };
    let mut courier = Courier::new(vec![plan], Vec::new(), RowId(1), at(0));
    let diagnosed = |seq| {
        let mut notice = notice(1, seq, News::Updated, at(0));
        let target: crate::model::Target = "t1.example:443".parse().expect("a target");
        notice.incident.diagnosis = Some(Box::new(crate::model::Diagnosis {
            target,
            state: crate::model::State::Reachable,
            doubt: None,
            resolution: Default::default(),
            endpoints: Vec::new(),
            impact: Vec::new(),
            findings: Vec::new(),
        }));
        notice
    };
    assert_eq!(courier.plan(&notice(1, 1, News::Opened, at(0)), at(0)).len(), 1);
    assert_eq!(courier.plan(&notice(1, 2, News::Updated, at(0)), at(0)).len(), 0);
    assert_eq!(courier.plan(&diagnosed(3), at(0)).len(), 1);
    assert_eq!(courier.plan(&diagnosed(4), at(0)).len(), 0);
}

#[test]
fn a_pool_that_changes_twice_is_told_in_one() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    let ips = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect();
    let pool = |appeared: &[&str], vanished: &[&str]| News::Pool {
        appeared: ips(appeared),
        vanished: ips(vanished),
    };
    say(&mut courier, &notice(0, 1, pool(&["192.0.2.1", "192.0.2.2"], &["192.0.2.9"]), at(0)), at(0));
    say(&mut courier, &notice(0, 2, pool(&["192.0.2.9", "192.0.2.3"], &["192.0.2.1"]), at(0)), at(0));
    let dispatch = hand(&mut courier, at(0));
    assert_eq!(dispatch.parts[0].notice.news, pool(&["192.0.2.2", "192.0.2.3"], &[]));
    let rows: BTreeSet<RowId> = courier.take_updates().iter().map(|row| row.id).collect();
    assert_eq!(rows.len(), 2);
}

#[test]
fn pools_of_two_targets_and_a_hello_are_three_messages() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    let mut told = BTreeSet::new();
    for target in 1..=3 {
        let news = match target {
            3 => News::Hello { targets: 2, addresses: 9, incidents: 0 },
            _ => News::Pool {
                appeared: ["192.0.2.1".parse().expect("an address")].into(),
                vanished: [].into(),
            },
        };
        let mut notice = notice(0, target, news, at(0));
        notice.incident.subject =
            if target == 3 { Subject::Vantage } else { Subject::Target(TargetId(target)) };
        say(&mut courier, &notice, at(0));
    }
    // The third waits for more to come.
    for now in [at(0), at(0), at(15)] {
        let dispatch = hand(&mut courier, now);
        assert_eq!((dispatch.parts.len(), dispatch.parts[0].changes), (1, 0));
        told.insert(dispatch.parts[0].notice.incident.subject.clone());
        courier.report(dispatch.id, sent("m"), now);
    }
    assert_eq!(told.len(), 3);
}

#[test]
fn a_hello_goes_to_every_chat_whatever_else_it_wants_to_hear() {
    let picky = ChannelPlan {
        least: Gravity::Critical,
        matcher: crate::watch::Matcher { target: Some("nobody".to_owned()), ..Default::default() },
        ..chat("picky")
    };
    let costly = ChannelPlan {
        caps: Capabilities { rings_only: true, ..Default::default() },
        ..ChannelPlan::new("costly")
    };
    let mut courier = Courier::new(vec![picky, costly], Vec::new(), RowId(1), at(0));
    let hello = News::Hello { targets: 2, addresses: 9, incidents: 0 };
    let rows = courier.plan(&notice(0, 1, hello, at(0)), at(0));
    assert_eq!(rows.iter().map(|row| row.channel.as_str()).collect::<Vec<_>>(), ["picky"]);
}

#[test]
fn what_is_withdrawn_is_never_delivered() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    let rows = courier.plan(&notice(1, 1, News::Opened, at(0)), at(0));
    courier.withdraw(&[rows[0].id]);
    assert_eq!(wait(&mut courier, at(60)), Courier::NEVER);
    assert_eq!(courier.status()["a"].pending, 0);
}

#[test]
fn what_waits_for_a_channel_that_was_taken_away_goes_to_its_fallback() {
    let plan = ChannelPlan { fallback: Some("b".to_owned()), ..chat("a") };
    let other = ChannelPlan { least: Gravity::Critical, ..chat("b") };
    let mut courier = Courier::new(vec![plan, other.clone()], Vec::new(), RowId(1), at(0));
    say(&mut courier, &notice(1, 1, News::Opened, at(0)), at(0));
    courier.reload(vec![other], at(1));
    assert_eq!(hand(&mut courier, at(1)).channel, "b");
    assert!(courier.take_updates().iter().any(|row| row.channel == "a" && row.delivery == Delivery::Dead));
}
