//! What signals say, beside what is tried and alone.

use std::collections::{BTreeMap, BTreeSet};

use super::play::{Play, at};
use crate::{
    signal::{FailureClass, Gauge},
    watch::{
        Cause, Event, Gravity, Matter, News, Rules, Subject, TargetId, Trouble,
        joining::{Destination, ServiceName, Suffering},
    },
};

fn service() -> ServiceName {
    ServiceName { source: "apm".to_owned(), service: "push".to_owned() }
}

fn suffers(play: &mut Play) {
    let suffering = Suffering {
        service: service(),
        instances: BTreeSet::new(),
        destination: Some(Destination { host: "push1.example".to_owned(), port: 443 }),
        since: at(play.now),
        last: at(play.now),
        requests: None,
        failures: BTreeMap::from([(FailureClass::ConnectTimeout, 3)]),
        faults: BTreeMap::new(),
        late: 0,
        addresses: BTreeMap::new(),
        clients: BTreeSet::new(),
        text: "connect timed out".to_owned(),
    };
    let (target, suffering, at) = (TargetId(1), Box::new(suffering), at(play.now));
    play.take(Event::Suffering { target, suffering, at });
}

fn relieved(play: &mut Play) {
    let (target, service, now) = (TargetId(1), service(), at(play.now));
    play.take(Event::Relieved { target, service, last: now, at: now });
}

fn full(play: &mut Play, gravity: Gravity, share: f64) {
    let trouble = Trouble::Full {
        gauge: Gauge::DiskSpace,
        of: "/data".to_owned(),
        share,
        limit: Some(0.9),
        used: None,
        total: None,
        forecast: None,
    };
    let (key, title, labels) = ("level:/data".to_owned(), "/data".to_owned(), BTreeMap::new());
    let matter = Matter { key, title, labels, gravity, since: at(play.now), trouble };
    play.take(Event::Matter { matter: Box::new(matter), at: at(play.now) });
}

fn told(play: &Play) -> Vec<(bool, &News)> {
    play.notices.iter().map(|notice| (notice.rings, &notice.news)).collect()
}

#[test]
fn a_service_that_suffers_where_all_addresses_answer_is_one_incident_with_its_examination() {
    let mut play = Play::new(4, Rules::default());
    play.minutes(2);
    suffers(&mut play);
    play.minutes(2);
    assert_eq!(told(&play), [(true, &News::Opened)]);
    assert!(!play.examined.is_empty(), "it is examined by itself");
    assert!(matches!(&play.notices[0].incident.causes[..], [Cause::Suffering(told)] if told.failed() == 3));
    relieved(&mut play);
    play.minutes(10);
    assert!(matches!(play.notices[1].news, News::Recovered), "{:?}", told(&play));
}

#[test]
fn addresses_that_fail_and_services_that_suffer_from_them_are_one_incident() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(2);
    play.fails([1, 2], true);
    suffers(&mut play);
    play.minutes(5);
    let open: Vec<_> = play.incidents.open().collect();
    let [incident] = open[..] else { panic!("{open:?}") };
    assert_eq!(incident.members.len(), 2);
    assert!(incident.causes.contains(&Cause::Addresses));
    assert!(incident.causes.iter().any(|cause| matches!(cause, Cause::Suffering(_))));
    assert_eq!(play.notices.iter().filter(|notice| notice.rings).count(), 1, "{:?}", told(&play));
    // The addresses work again, and the service is not yet known to.
    play.fails([1, 2], false);
    play.minutes(20);
    assert!(play.notices.iter().all(|notice| notice.news != News::Recovered));
    relieved(&mut play);
    play.minutes(10);
    assert!(play.notices.iter().any(|notice| notice.news == News::Recovered));
}

#[test]
fn what_a_service_suffered_stays_told_while_addresses_still_fail() {
    let mut play = Play::new(8, Rules::default());
    play.minutes(2);
    play.fails([1, 2], true);
    suffers(&mut play);
    play.minutes(5);
    relieved(&mut play);
    play.minutes(5);
    let suffered = |play: &Play| {
        let incident = play.incidents.open().next().expect("it is open");
        incident.causes.iter().filter(|cause| matches!(cause, Cause::Suffering(_))).count()
    };
    assert_eq!(suffered(&play), 1);
    // It keeps nothing open by itself, and the next incident knows nothing of it.
    play.fails([1, 2], false);
    play.minutes(20);
    assert!(play.notices.iter().any(|notice| notice.news == News::Recovered));
    play.minutes(24 * 60);
    play.fails([1, 2], true);
    play.minutes(5);
    assert_eq!(suffered(&play), 0);
}

#[test]
fn what_runs_full_is_an_incident_of_its_own_that_ends_without_an_all_clear() {
    let mut play = Play::new(1, Rules::default());
    play.minutes(1);
    full(&mut play, Gravity::Warning, 0.91);
    play.minutes(1);
    assert_eq!(told(&play), [(false, &News::Opened)], "a warning rings nobody");
    full(&mut play, Gravity::Degraded, 0.97);
    play.minutes(1);
    assert_eq!(told(&play).last(), Some(&(true, &News::Worsened { from: Gravity::Warning })));
    play.take(Event::MatterOver { key: "level:/data".to_owned(), seen: true, at: at(play.now) });
    play.minutes(90);
    assert_eq!(told(&play).last(), Some(&(true, &News::Recovered)));
    assert_eq!(play.incidents.open().count(), 0);
    let over = play.stored.values().find(|incident| matches!(incident.subject, Subject::Matter(_)));
    assert_eq!(
        over.and_then(|incident| incident.ending.clone()).map(|ending| ending.code()),
        Some("reported")
    );
}

#[test]
fn a_level_that_moves_is_no_news() {
    let mut play = Play::new(1, Rules::default());
    play.minutes(1);
    full(&mut play, Gravity::Degraded, 0.97);
    play.minutes(1);
    let before = play.notices.len();
    full(&mut play, Gravity::Degraded, 0.975);
    full(&mut play, Gravity::Degraded, 0.98);
    assert_eq!(play.notices.len(), before);
}

#[test]
fn what_is_not_heard_of_any_more_is_closed_and_never_called_well() {
    let mut play = Play::new(1, Rules::default());
    play.minutes(1);
    full(&mut play, Gravity::Degraded, 0.97);
    play.minutes(1);
    play.take(Event::MatterOver { key: "level:/data".to_owned(), seen: false, at: at(play.now) });
    assert_eq!(told(&play), [(true, &News::Opened), (false, &News::Dropped)]);
    assert_eq!(play.incidents.open().count(), 0);
    let over = play.stored.values().find(|incident| matches!(incident.subject, Subject::Matter(_)));
    let ending = over.and_then(|incident| incident.ending.as_ref()).map(|ending| ending.code());
    assert_eq!(ending, Some("not-heard"));
    play.take(Event::MatterOver { key: "level:/data".to_owned(), seen: true, at: at(play.now) });
    play.minutes(120);
    assert_eq!(play.notices.len(), 2, "{:?}", told(&play));
}
