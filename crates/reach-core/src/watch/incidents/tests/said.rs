//! Silences, orders, examinations: what is said, and what is held back.

use std::{collections::BTreeMap, time::Duration};

use super::play::{Play, address, at};
use crate::{
    Time,
    model::{Case, Diagnosis, Effort, Plan, Resolution, State, Vantage},
    watch::{
        Change, Event, Examination, IncidentId, MOST_REMARKS, Matcher, News, Order, Phase, Rules, Silence,
        SilenceId, TargetId,
        incidents::{Incidents, OrderError},
    },
};

fn silence(matcher: Matcher, from: Time, until: Time) -> Silence {
    let (author, comment) = ("kim".to_owned(), "router swap".to_owned());
    Silence { id: SilenceId(1), matcher, from, until, author, comment, maintenance: false }
}

fn silence_everything(play: &mut Play, seconds: u64) {
    let made = silence(Matcher::default(), at(play.now), at(play.now + seconds));
    order(play, Order::Silence(made)).expect("a good silence");
}

fn order(play: &mut Play, order: Order) -> Result<(), OrderError> {
    let now = at(play.now);
    let result = play.incidents.order(order, now);
    play.collect();
    result
}

fn examine(play: &mut Play) {
    let target = play.plan.targets[0].target.clone();
    let diagnosis = Diagnosis {
        target: target.clone(),
        state: State::PartlyReachable,
        doubt: None,
        resolution: Resolution::default(),
        endpoints: Vec::new(),
        impact: Vec::new(),
        findings: Vec::new(),
    };
    let plan = Plan::new(Effort::Normal, 1);
    let case = Case { target, vantage: Vantage::default(), plan, started: at(play.now) };
    let (target, observations, finished) = (TargetId(1), Vec::new(), at(play.now));
    play.take(Event::Examined(Box::new(Examination { target, case, observations, finished, diagnosis })));
}

#[test]
fn the_first_message_says_what_the_survey_says_and_does_not_wait_longer_than_for_it() {
    let mut play = Play::new(4, Rules { failure_share: None, ..Rules::default() });
    play.minutes(2);
    play.fails([1], true);
    play.run(48);
    assert!(play.notices.is_empty() && play.examined.len() == 1);
    examine(&mut play);
    assert_eq!(play.said(), ["#1 opened!"]);
    assert!(play.notices[0].incident.diagnosis.is_some());
    // A later one edits the message.
    play.minutes(2);
    examine(&mut play);
    play.run(40);
    assert_eq!(play.said(), ["#1 opened!", "#1 updated"]);
}

#[test]
fn edits_are_drawn_together() {
    let rules = Rules { failure_share: None, ..Rules::default() };
    let mut play = Play::new(16, rules);
    play.minutes(2);
    play.fails([1], true);
    play.minutes(2);
    play.fails([2, 3, 4, 5], true);
    play.minutes(2);
    let edits: Vec<_> = play.notices.iter().filter(|notice| notice.news == News::Updated).collect();
    assert!(!edits.is_empty() && edits.len() <= 2, "{:?}", play.said());
    assert_eq!(edits.last().map(|edit| edit.incident.members.len()), Some(5));
}

#[test]
fn what_opens_and_recovers_in_a_silence_is_told_in_one_when_it_is_over() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    silence_everything(&mut play, 3_600);
    play.fails([1], true);
    play.minutes(10);
    play.fails([1], false);
    play.minutes(45);
    assert!(play.notices.is_empty());
    assert!(
        matches!(play.stored[&IncidentId(1)].phase, Phase::Recovered { .. }),
        "it is recorded all the same"
    );
    play.minutes(10);
    assert_eq!(play.said().len(), 1, "{:?}", play.said());
    let notice = &play.notices[0];
    assert!(matches!(notice.news, News::WindowEnded { held_back } if held_back >= 2) && !notice.rings);
    assert!(matches!(notice.incident.phase, Phase::Recovered { .. }));
    play.minutes(80);
    assert_eq!(play.milestones().last().map(String::as_str), Some("#1 all clear!"));
    assert!(play.incidents.silences().is_empty());
}

#[test]
fn what_is_still_open_when_a_silence_ends_rings_then() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    silence_everything(&mut play, 600);
    play.fails([1], true);
    play.minutes(11);
    assert_eq!(play.said().len(), 1, "{:?}", play.said());
    assert!(matches!(play.notices[0].news, News::WindowEnded { .. }) && play.notices[0].rings);
}

#[test]
fn what_was_open_before_and_did_not_change_is_not_told_again() {
    let rules = Rules { failure_share: None, ..Rules::default() };
    let mut play = Play::new(4, rules);
    play.minutes(2);
    play.fails([1], true);
    play.minutes(5);
    silence_everything(&mut play, 3_600);
    play.minutes(65);
    assert_eq!(play.milestones(), ["#1 opened!"], "reminders are no change");
}

#[test]
fn a_silence_of_a_network_holds_only_for_that_network() {
    let rules = Rules { failure_share: None, ..Rules::default() };
    let mut play = Play::new(16, rules);
    play.minutes(2);
    let network = Some("203.0.113.0/29".parse().expect("a network"));
    let matcher = Matcher { network, ..Matcher::default() };
    let made = silence(matcher, at(play.now), at(play.now + 7_200));
    order(&mut play, Order::Silence(made)).expect("a good silence");
    play.fails([1, 2], true);
    play.minutes(10);
    assert!(play.notices.is_empty());
    play.fails([9], true);
    play.minutes(2);
    assert_eq!(play.milestones().len(), 1, "{:?}", play.said());
    assert!(play.notices[0].rings && play.notices[0].incident.members.len() == 3);
}

#[test]
fn silences_match_by_target_and_by_labels() {
    let mut play = Play::new(2, Rules::default());
    play.minutes(1);
    play.fails([1], true);
    play.minutes(1);
    let incident = play.incidents.open().next().expect("one").clone();
    let labels = |value: &str| BTreeMap::from([("team".to_owned(), value.to_owned())]);
    let matcher =
        |target: Option<&str>, labels| Matcher { target: target.map(str::to_owned), network: None, labels };
    assert!(matcher(Some("push1.*"), labels("push")).matches(&incident));
    assert!(!matcher(Some("push2.*"), BTreeMap::new()).matches(&incident));
    assert!(!matcher(None, labels("mail")).matches(&incident));
    play.vantage(false);
    let own = play.incidents.open().next().expect("this host's own comes first");
    assert!(!matcher(Some("*"), BTreeMap::new()).matches(own));
    assert!(Matcher::default().matches(own));
}

#[test]
fn acknowledging_stops_the_reminders_and_passes_a_silence() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    play.fails([1], true);
    play.minutes(35);
    assert!(play.said().contains(&"#1 reminder".to_owned()));
    silence_everything(&mut play, 300);
    let ack = Order::Acknowledge { incident: IncidentId(1), by: "lee".to_owned() };
    order(&mut play, ack.clone()).expect("it is open");
    order(&mut play, ack).expect("twice does no harm");
    assert_eq!(play.milestones(), ["#1 opened!", "#1 acknowledged"]);
    let before = play.notices.len();
    play.minutes(300);
    let reminders = play.notices[before..].iter().filter(|notice| notice.news == News::Reminder).count();
    assert_eq!(reminders, 0);
    assert_eq!(
        play.incidents.open().next().and_then(|i| i.acknowledged.clone()).map(|a| a.by),
        Some("lee".into())
    );
}

#[test]
fn a_mute_lets_through_only_what_gets_worse() {
    let rules = Rules { failure_share: None, ..Rules::default() };
    let mut play = Play::new(4, rules);
    play.minutes(2);
    play.fails([1], true);
    play.minutes(2);
    let until = at(play.now + 4 * 3_600);
    let mute = Order::Mute { incident: IncidentId(1), until, by: "lee".to_owned() };
    order(&mut play, mute).expect("it is open");
    let before = play.notices.len();
    play.minutes(120);
    assert_eq!(play.notices.len(), before);
    play.fails([2], true);
    play.minutes(2);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 worsened!"]);
    play.fails([1, 2], false);
    play.minutes(60);
    assert_eq!(play.milestones(), ["#1 opened!", "#1 worsened!"]);
    play.minutes(60);
    assert!(
        matches!(play.notices.last().map(|n| &n.news), Some(News::WindowEnded { .. })),
        "{:?}",
        play.said()
    );
}

#[test]
fn what_people_write_down_stays_with_the_incident_and_tells_nobody() {
    let mut play = Play::new(2, Rules::default());
    play.minutes(1);
    play.fails([1], true);
    play.minutes(2);
    let told = play.notices.len();
    let remark =
        |text: &str| Order::Remark { incident: IncidentId(1), text: text.to_owned(), by: "lee".to_owned() };
    assert!(order(&mut play, remark(" ")).expect_err("it says nothing").to_string().contains("text"));
    for number in 0..MOST_REMARKS {
        order(&mut play, remark(&format!("note {number}"))).expect("there is room");
    }
    let full = order(&mut play, remark("one more")).expect_err("there is no room").to_string();
    assert!(full.contains("#1") && full.contains("200"), "{full}");
    let incident = play.incidents.open().next().expect("it is open");
    assert_eq!(incident.remarks.len(), MOST_REMARKS);
    assert_eq!((incident.remarks[1].text.as_str(), incident.remarks[1].by.as_str()), ("note 1", "lee"));
    assert_eq!(play.notices.len(), told);
}

#[test]
fn orders_that_make_no_sense_say_why() {
    let mut play = Play::new(2, Rules::default());
    play.minutes(1);
    play.fails([1], true);
    play.minutes(2);
    let now = at(play.now);
    let text = |play: &mut Play, what| order(play, what).expect_err("it makes no sense").to_string();
    let ack = Order::Acknowledge { incident: IncidentId(9), by: "lee".to_owned() };
    assert_eq!(text(&mut play, ack), "there is no open incident #9; open are #1 (push1.example:443)");
    let mute = Order::Mute { incident: IncidentId(1), until: now, by: "lee".to_owned() };
    assert!(text(&mut play, mute).contains("future"));
    let backwards = Order::Silence(silence(Matcher::default(), now + Duration::from_secs(9), now));
    assert!(text(&mut play, backwards).contains("after it begins"));
    let over = Order::Silence(silence(Matcher::default(), at(0), at(9)));
    assert!(text(&mut play, over).contains("future"));
    let nobody =
        Silence { author: " ".to_owned(), ..silence(Matcher::default(), now, now + Duration::from_secs(9)) };
    assert!(text(&mut play, Order::Silence(nobody)).contains("author"));
    let expire = Order::Expire { silence: SilenceId(4), by: "lee".to_owned() };
    assert_eq!(text(&mut play, expire), "there is no silence 4; there is none");
    assert!(text(&mut play, Order::Examine(TargetId(7))).contains('7'));
    assert!(play.incidents.silences().is_empty());
}

#[test]
fn a_silence_that_is_expired_ends_at_once() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    silence_everything(&mut play, 3_600);
    play.fails([1], true);
    play.minutes(5);
    order(&mut play, Order::Expire { silence: SilenceId(1), by: "lee".to_owned() }).expect("it stands");
    assert_eq!(play.said().len(), 1, "{:?}", play.said());
}

#[test]
fn an_order_for_a_survey_is_passed_on() {
    let mut incidents =
        Incidents::new(&super::play::plan(Rules::default()), Vec::new(), Vec::new(), IncidentId(1), at(0));
    incidents.order(Order::Examine(TargetId(1)), at(1)).expect("it is watched");
    assert_eq!(incidents.take_changes(), [Change::Examine(TargetId(1))]);
    assert_eq!(address(1).to_string(), "203.0.113.1");
}
