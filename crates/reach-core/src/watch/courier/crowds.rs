//! Many messages at once.

use super::{
    tests::{at, chat, hand, notice, say, sent, wait},
    *,
};
use crate::watch::{Gravity, IncidentId, News};

#[test]
fn what_comes_in_a_flurry_is_gathered_and_changes_of_messages_are_not() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    for id in 1..=2 {
        say(&mut courier, &notice(id, 1, News::Opened, at(id)), at(id));
        let dispatch = hand(&mut courier, at(id));
        courier.report(dispatch.id, sent(&id.to_string()), at(id));
    }
    for id in 3..=5 {
        say(&mut courier, &notice(id, 1, News::Opened, at(id)), at(id));
        assert_eq!(wait(&mut courier, at(id)), at(17));
    }
    say(&mut courier, &notice(1, 2, News::Updated, at(6)), at(6));
    let edit = hand(&mut courier, at(6));
    assert_eq!(edit.how, How::Edit { message: "1".to_owned() });
    courier.report(edit.id, sent("1"), at(6));
    let dispatch = hand(&mut courier, at(17));
    assert_eq!((dispatch.parts.len(), &dispatch.how, dispatch.rings), (3, &How::Digest, true));
    courier.report(dispatch.id, sent("3"), at(17));
    say(&mut courier, &notice(6, 1, News::Opened, at(18)), at(18));
    assert_eq!(wait(&mut courier, at(18)), at(17 + 30), "longer with each more");
    // Whoever was left alone for a while hears at once.
    say(&mut courier, &notice(7, 1, News::Opened, at(400)), at(400));
    assert_eq!(hand(&mut courier, at(400)).parts.len(), 1);
}

fn grave(id: u64, now: Time) -> Notice {
    let mut notice = notice(id, 1, News::Opened, now);
    (notice.incident.gravity, notice.incident.worst) = (Gravity::Critical, Gravity::Critical);
    notice
}

fn hand_over(courier: &mut Courier, now: Time) -> Dispatch {
    let dispatch = hand(courier, now);
    courier.report(dispatch.id, sent(&dispatch.id.0.to_string()), now);
    dispatch
}

#[test]
fn what_becomes_critical_does_not_wait_behind_milder_messages_but_behind_its_like() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    for id in 1..=2 {
        say(&mut courier, &notice(id, 1, News::Opened, at(id)), at(id));
        hand_over(&mut courier, at(id));
    }
    say(&mut courier, &notice(3, 1, News::Opened, at(3)), at(3));
    assert_eq!(wait(&mut courier, at(3)), at(17));
    // The first of its kind, and a rise of what was told before: each at once and by itself.
    say(&mut courier, &grave(4, at(4)), at(4));
    let first = hand_over(&mut courier, at(4));
    assert_eq!((first.parts[0].notice.incident.id, &first.how), (IncidentId(4), &How::New));
    let mut worse = grave(1, at(5));
    (worse.seq, worse.news) = (2, News::Worsened { from: Gravity::Degraded });
    say(&mut courier, &worse, at(5));
    let second = hand_over(&mut courier, at(5));
    assert!(second.rings && matches!(second.how, How::Reply { .. }));
    // By now the telephone has rung for that.
    for id in 5..=8 {
        say(&mut courier, &grave(id, at(6)), at(6));
    }
    assert_eq!(wait(&mut courier, at(6)), at(20));
    let rest = hand_over(&mut courier, at(5 + 45));
    assert_eq!((rest.parts.len(), &rest.how), (5, &How::Digest), "and the mild one comes with them");
}

#[test]
fn what_happened_to_two_targets_in_a_window_is_told_in_one() {
    let mut courier = Courier::new(vec![chat("a")], Vec::new(), RowId(1), at(0));
    for id in 1..=2 {
        say(&mut courier, &notice(id, 1, News::WindowEnded { held_back: 1 }, at(0)), at(0));
    }
    let summary = hand_over(&mut courier, at(0));
    assert_eq!((summary.parts.len(), &summary.how), (2, &How::Digest));
}

#[test]
fn a_group_gets_no_more_than_fifteen_messages_a_minute_and_misses_nothing() {
    let mut plan = chat("a");
    let limit = |most, seconds| Limit { most, per: Duration::from_secs(seconds) };
    plan.chat.limits = vec![limit(1, 1), limit(15, 60)];
    let mut courier = Courier::new(vec![plan], Vec::new(), RowId(1), at(0));
    let (mut handed, mut told): (Vec<Time>, usize) = (Vec::new(), 0);
    for second in 0..600 {
        // Two incidents a second for a minute, some of them grave, and each of them changes once.
        if second < 60 {
            for id in [2 * second + 1, 2 * second + 2] {
                let opened =
                    if id % 3 == 0 { grave(id, at(second)) } else { notice(id, 1, News::Opened, at(second)) };
                say(&mut courier, &opened, at(second));
            }
        }
        while let CourierStep::Hand(dispatch) = courier.poll(at(second)) {
            courier.report(dispatch.id, sent("m"), at(second));
            handed.push(at(second));
            told += dispatch.parts.len();
        }
    }
    assert_eq!(told, 120);
    assert!(handed.windows(16).all(|some| some[15].since(some[0]) >= Duration::from_secs(60)), "{handed:?}");
    assert!(handed.len() <= 12, "they come together: {handed:?}");
}
