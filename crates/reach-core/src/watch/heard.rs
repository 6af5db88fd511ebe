//! What other systems said in the last hour, put together for people: services and their errors, exceptions and where
//! they were headed, slow statements, levels, alerts.
//!
//! It only counts; what follows from signals is for [`joining`](super::joining) to say. Whatever is kept of each kind is
//! bounded: what was heard least lately makes room, and what found none is counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::joining::{Destination, ServiceName};
use crate::{
    Time,
    signal::{Alert, AlertLevel, FailureClass, Gauge, Level, Origin, Signal, Statement, Word},
};

/// How many stretches an hour has…
pub const SLOTS: usize = 12;
/// …of five minutes each, in microseconds.
const SLOT: u64 = 300_000_000;

/// What is kept of each kind.
const SERVICES: usize = 1_024;
const EXCEPTIONS: usize = 2_048;
const STATEMENTS: usize = 1_024;
const LEVELS: usize = 4_096;
const ALERTS: usize = 1_024;

/// What is shown of each kind.
const SHOWN: usize = 200;

/// Counts of the last hour, in stretches of five minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rolling {
    /// The number since the epoch of the last stretch.
    last: u64,
    /// The last one is that of `last`.
    counts: [u64; SLOTS],
}

impl Rolling {
    fn add(&mut self, at: Time, count: u64) {
        let number = at.as_micros() / SLOT;
        if number > self.last {
            let by = usize::try_from(number - self.last).unwrap_or(SLOTS).min(SLOTS);
            self.counts.rotate_left(by % SLOTS);
            self.counts[SLOTS - by..].fill(0);
            self.last = number;
        }
        let back = usize::try_from(self.last - number.min(self.last)).unwrap_or(SLOTS);
        if let Some(slot) = (SLOTS - 1).checked_sub(back).map(|place| &mut self.counts[place]) {
            *slot = slot.saturating_add(count);
        }
    }

    /// The hour up to now, oldest first.
    fn hour(&self, now: Time) -> [u64; SLOTS] {
        let mut moved = *self;
        moved.add(now, 0);
        moved.counts
    }

    fn sum(&self, now: Time) -> u64 {
        self.hour(now).into_iter().fold(0, u64::saturating_add)
    }
}

/// What other systems said in the last hour.
#[derive(Clone, Debug, Default)]
pub struct Overheard {
    services: BTreeMap<ServiceName, ServiceTally>,
    exceptions: BTreeMap<ExceptionKey, ExceptionTally>,
    statements: BTreeMap<(String, Option<String>, String), StatementTally>,
    levels: BTreeMap<(String, Option<String>, Gauge, String), (Time, Level)>,
    alerts: BTreeMap<(String, String, String), AlertSeen>,
    left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct ServiceTally {
    total: Rolling,
    failed: Rolling,
    late: Rolling,
    failures: Rolling,
    estimated: bool,
    last: Time,
}

type ExceptionKey = (ServiceName, Option<FailureClass>, Option<String>, Option<Destination>);

#[derive(Clone, Debug, Default)]
struct ExceptionTally {
    count: Rolling,
    last: Time,
    text: String,
    client: Option<String>,
}

#[derive(Clone, Debug)]
struct StatementTally {
    count: Rolling,
    last: Time,
    statement: Statement,
}

/// What other systems said in the hour before `at`. Of each kind what matters most comes first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeardView {
    /// When this was put together.
    pub at: Time,
    /// Services, those that fail most first.
    pub services: Vec<ServiceSeen>,
    /// What failed, the most frequent first.
    pub exceptions: Vec<ExceptionSeen>,
    /// Slow and failed statements, the slowest first.
    pub statements: Vec<StatementSeen>,
    /// How full things are, the fullest first.
    pub levels: Vec<LevelSeen>,
    /// Alerts of others, the latest first.
    pub alerts: Vec<AlertSeen>,
    /// So many things of all kinds found no room, or are not shown.
    pub left_out: u64,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceSeen {
    /// Its name, and who speaks of it.
    pub service: ServiceName,
    /// When it was heard of last.
    pub last: Time,
    /// Requests in each stretch of five minutes, oldest first; all zero where nobody counts them.
    pub requests: [u64; SLOTS],
    /// Of them failed.
    pub failed: [u64; SLOTS],
    /// Of them were served late, by another address.
    pub late: u64,
    /// Failures that were told one by one, in the hour.
    pub failures: u64,
    /// The counts are computed from rates.
    pub estimated: bool,
}

impl ServiceSeen {
    /// Requests of the hour.
    pub fn total(&self) -> u64 {
        self.requests.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Requests of the hour that failed.
    pub fn failed(&self) -> u64 {
        self.failed.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The share of the hour's requests that failed; `None` where nobody counts them.
    pub fn share(&self) -> Option<f64> {
        let total = self.total();
        (total > 0).then(|| self.failed().min(total) as f64 / total as f64)
    }
}

/// A kind of failure of a service, by where it was headed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionSeen {
    /// The service.
    pub service: ServiceName,
    /// The layer that failed; `None` of an error of the application's own.
    pub class: Option<FailureClass>,
    /// The class of the exception, or what more is known of the failure.
    pub name: Option<String>,
    /// Where it was headed.
    pub destination: Option<Destination>,
    /// How often in the hour.
    pub count: u64,
    /// When it was last.
    pub last: Time,
    /// The words of the last one.
    pub text: String,
    /// The client library that the last one named.
    pub client: Option<String>,
}

/// A statement of a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatementSeen {
    /// Who speaks of it.
    pub source: String,
    /// How often in the hour.
    pub count: u64,
    /// When it was last.
    pub last: Time,
    /// As it was at its slowest; its own count is that of one telling.
    pub statement: Statement,
}

/// How full something is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelSeen {
    /// Who speaks of it.
    pub source: String,
    /// The host or process.
    pub instance: Option<String>,
    /// When it was told last.
    pub at: Time,
    /// What was told.
    pub level: Level,
}

/// An alert that another system raised in the hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertSeen {
    /// Who raised it.
    pub source: String,
    /// What it is about.
    pub place: String,
    /// As it was last.
    pub alert: Alert,
    /// When it was raised first, as far as is known.
    pub first: Time,
    /// When it was raised last.
    pub last: Time,
    /// How often.
    pub count: u64,
}

impl Overheard {
    /// Takes what another system said.
    pub fn take(&mut self, signal: &Signal, now: Time) {
        let at = signal.at.min(now);
        if now.since(at).as_micros() >= u128::from(SLOT) * SLOTS as u128 {
            return;
        }
        match &signal.word {
            Word::Requests(requests) => {
                let Some(service) = self.service(&signal.origin, at) else { return };
                service.total.add(at, requests.total);
                service.failed.add(at, requests.failed);
                service.late.add(at, requests.late);
                service.estimated |= requests.estimated;
            }
            Word::Failure(failure) => {
                let destination = Destination::of_failure(failure);
                let what = (Some(failure.class), failure.detail.clone(), destination);
                self.exception(&signal.origin, what, &failure.text, failure.client.as_ref(), at);
            }
            Word::Fault(fault) => {
                self.exception(&signal.origin, (None, fault.name.clone(), None), &fault.text, None, at);
            }
            Word::Statement(statement) => self.statement(&signal.origin, statement, at),
            Word::Level(level) => {
                let origin = &signal.origin;
                let key = (origin.source.clone(), origin.instance.clone(), level.gauge, level.of.clone());
                if make_room(&mut self.levels, &key, LEVELS, |(at, _)| *at, at) {
                    self.levels.insert(key, (at, level.clone()));
                } else {
                    self.left_out += 1;
                }
            }
            Word::Alert(alert) => self.alert(&signal.origin, alert, at),
            Word::Attempt(_) | Word::Presence { .. } | Word::Lost { .. } => {}
        }
    }

    /// What was said in the hour before `now`. What is older is forgotten.
    pub fn view(&mut self, now: Time) -> HeardView {
        let hour = u128::from(SLOT) * SLOTS as u128;
        let fresh = |last: Time| now.since(last).as_micros() < hour;
        self.services.retain(|_, one| fresh(one.last));
        self.exceptions.retain(|_, one| fresh(one.last));
        self.statements.retain(|_, one| fresh(one.last));
        self.levels.retain(|_, (at, _)| fresh(*at));
        self.alerts.retain(|_, one| fresh(one.last));
        let mut left_out = std::mem::take(&mut self.left_out);
        let view = HeardView {
            at: now,
            services: cut(self.services_seen(now), &mut left_out),
            exceptions: cut(self.exceptions_seen(now), &mut left_out),
            statements: cut(self.statements_seen(now), &mut left_out),
            levels: cut(self.levels_seen(), &mut left_out),
            alerts: cut(self.alerts_seen(), &mut left_out),
            left_out: 0,
        };
        HeardView { left_out, ..view }
    }

    fn services_seen(&self, now: Time) -> Vec<ServiceSeen> {
        let seen = |(name, tally): (&ServiceName, &ServiceTally)| ServiceSeen {
            service: name.clone(),
            last: tally.last,
            requests: tally.total.hour(now),
            failed: tally.failed.hour(now),
            late: tally.late.sum(now),
            failures: tally.failures.sum(now),
            estimated: tally.estimated,
        };
        let mut services: Vec<ServiceSeen> = self.services.iter().map(seen).collect();
        services.sort_by(|a, b| {
            let share = |one: &ServiceSeen| one.share().unwrap_or(0.0);
            share(b).total_cmp(&share(a)).then(b.failures.cmp(&a.failures)).then(a.service.cmp(&b.service))
        });
        services
    }

    fn exceptions_seen(&self, now: Time) -> Vec<ExceptionSeen> {
        let seen =
            |((service, class, name, destination), tally): (&ExceptionKey, &ExceptionTally)| ExceptionSeen {
                service: service.clone(),
                class: *class,
                name: name.clone(),
                destination: destination.clone(),
                count: tally.count.sum(now),
                last: tally.last,
                text: tally.text.clone(),
                client: tally.client.clone(),
            };
        let mut exceptions: Vec<ExceptionSeen> = self.exceptions.iter().map(seen).collect();
        exceptions.sort_by(|a, b| b.count.cmp(&a.count).then(b.last.cmp(&a.last)));
        exceptions
    }

    fn statements_seen(&self, now: Time) -> Vec<StatementSeen> {
        let seen =
            |((source, ..), tally): (&(String, Option<String>, String), &StatementTally)| StatementSeen {
                source: source.clone(),
                count: tally.count.sum(now),
                last: tally.last,
                statement: tally.statement.clone(),
            };
        let mut statements: Vec<StatementSeen> = self.statements.iter().map(seen).collect();
        statements.sort_by(|a, b| {
            let key = |one: &StatementSeen| (one.statement.error.is_some(), one.statement.elapsed, one.count);
            key(b).cmp(&key(a))
        });
        statements
    }

    fn levels_seen(&self) -> Vec<LevelSeen> {
        let mut levels: Vec<LevelSeen> = self
            .levels
            .iter()
            .map(|((source, instance, ..), (at, level))| LevelSeen {
                source: source.clone(),
                instance: instance.clone(),
                at: *at,
                level: level.clone(),
            })
            .collect();
        levels.sort_by(|a, b| b.level.share.total_cmp(&a.level.share).then(a.level.of.cmp(&b.level.of)));
        levels
    }

    fn alerts_seen(&self) -> Vec<AlertSeen> {
        let mut alerts: Vec<AlertSeen> = self.alerts.values().cloned().collect();
        alerts.sort_by(|a, b| b.last.cmp(&a.last).then(b.alert.level.cmp(&a.alert.level)));
        alerts
    }

    fn service(&mut self, origin: &Origin, at: Time) -> Option<&mut ServiceTally> {
        let name = ServiceName::of(origin);
        if !make_room(&mut self.services, &name, SERVICES, |one| one.last, at) {
            self.left_out += 1;
            return None;
        }
        let service = self.services.entry(name).or_default();
        service.last = service.last.max(at);
        Some(service)
    }

    fn exception(
        &mut self,
        origin: &Origin,
        (class, name, destination): (Option<FailureClass>, Option<String>, Option<Destination>),
        text: &str,
        client: Option<&String>,
        at: Time,
    ) {
        if let Some(service) = self.service(origin, at) {
            service.failures.add(at, 1);
        }
        let key = (ServiceName::of(origin), class, name, destination);
        if !make_room(&mut self.exceptions, &key, EXCEPTIONS, |one| one.last, at) {
            self.left_out += 1;
            return;
        }
        let tally = self.exceptions.entry(key).or_default();
        tally.count.add(at, 1);
        if at >= tally.last {
            tally.last = at;
            text.clone_into(&mut tally.text);
            tally.client = client.cloned().or(tally.client.take());
        }
    }

    fn statement(&mut self, origin: &Origin, statement: &Statement, at: Time) {
        let key = (origin.source.clone(), statement.database.clone(), statement.text.clone());
        if !make_room(&mut self.statements, &key, STATEMENTS, |one| one.last, at) {
            self.left_out += 1;
            return;
        }
        let new = || StatementTally { count: Rolling::default(), last: at, statement: statement.clone() };
        let tally = self.statements.entry(key).or_insert_with(new);
        tally.count.add(at, statement.count.max(1));
        tally.last = tally.last.max(at);
        if statement.elapsed > tally.statement.elapsed {
            let error = statement.error.clone().or(tally.statement.error.take());
            tally.statement = Statement { error, ..statement.clone() };
        } else if statement.error.is_some() {
            tally.statement.error.clone_from(&statement.error);
        }
    }

    fn alert(&mut self, origin: &Origin, alert: &Alert, at: Time) {
        let place = origin.instance.as_ref().or(origin.service.as_ref()).unwrap_or(&origin.source);
        let key = (origin.source.clone(), place.clone(), alert.title.clone());
        if !make_room(&mut self.alerts, &key, ALERTS, |one| one.last, at) {
            self.left_out += 1;
            return;
        }
        let seen = self.alerts.entry(key).or_insert_with(|| AlertSeen {
            source: origin.source.clone(),
            place: place.clone(),
            alert: alert.clone(),
            first: at,
            last: at,
            count: 0,
        });
        seen.count = seen.count.saturating_add(1);
        seen.first = seen.first.min(at);
        if at >= seen.last {
            (seen.last, seen.alert) = (at, alert.clone());
        }
    }
}

impl AlertSeen {
    /// Something failed, by what the one who raised it thinks.
    pub const fn is_bad(&self) -> bool {
        matches!(self.alert.level, AlertLevel::Error | AlertLevel::Fatal)
    }
}

/// Whether there is room for this key: known already, or fewer than `most`, or an older one than `at` made room.
fn make_room<K: Ord + Clone, V>(
    map: &mut BTreeMap<K, V>,
    key: &K,
    most: usize,
    last: impl Fn(&V) -> Time,
    at: Time,
) -> bool {
    if map.len() < most || map.contains_key(key) {
        return true;
    }
    let oldest =
        map.iter().map(|(key, value)| (last(value), key)).min().map(|(last, key)| (last, key.clone()));
    // What is as young as what comes stays: a flood of names must not push out what was there.
    let older = oldest.filter(|(last, _)| at.as_micros().saturating_sub(SLOT) > last.as_micros());
    older.is_some_and(|(_, key)| map.remove(&key).is_some())
}

fn cut<T>(mut all: Vec<T>, left_out: &mut u64) -> Vec<T> {
    *left_out += all.len().saturating_sub(SHOWN) as u64;
    all.truncate(SHOWN);
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::signal::{Failure, Fault, Requests};

    fn at(minute: u64) -> Time {
        Time::from_micros(1_795_442_400_000_000 + minute * 60_000_000)
    }

    fn say(heard: &mut Overheard, service: &str, at: Time, word: Word) {
        let origin = Origin {
            source: "scouter".to_owned(),
            service: Some(service.to_owned()),
            instance: Some("was1".to_owned()),
        };
        heard.take(&Signal { at, origin, word }, at);
    }

    fn requests(total: u64, failed: u64) -> Word {
        Word::Requests(Requests { span: Duration::from_secs(60), total, failed, late: 0, estimated: false })
    }

    fn timeout(host: &str) -> Word {
        let mut failure = Failure::new(FailureClass::ConnectTimeout, "connect timed out");
        (failure.host, failure.port) = (Some(host.to_owned()), Some(443));
        Word::Failure(failure)
    }

    #[test]
    fn services_have_their_rates_of_the_last_hour() {
        let mut heard = Overheard::default();
        for minute in 0..70 {
            say(&mut heard, "mail", at(minute), requests(100, u64::from(minute >= 65) * 10));
            say(&mut heard, "login", at(minute), requests(100, 0));
        }
        let view = heard.view(at(69));
        let names: Vec<&str> = view.services.iter().map(|one| one.service.service.as_str()).collect();
        assert_eq!(names, ["mail", "login"], "what fails most comes first");
        assert_eq!((view.services[0].total(), view.services[0].failed()), (6_000, 50));
        assert_eq!(view.services[1].share(), Some(0.0));
        assert_eq!(view.services[0].failed[SLOTS - 1], 50);
        assert!(heard.view(at(140)).services.is_empty());
    }

    #[test]
    fn exceptions_are_counted_by_where_they_were_headed() {
        let mut heard = Overheard::default();
        for minute in 0..5 {
            say(&mut heard, "mail", at(minute), timeout("fcm.example.com"));
        }
        say(&mut heard, "mail", at(5), timeout("api.example.com"));
        let fault = Fault { name: Some("NullPointerException".to_owned()), text: "x is null".to_owned() };
        say(&mut heard, "mail", at(6), Word::Fault(fault));
        let view = heard.view(at(7));
        assert_eq!(view.exceptions[0].count, 5);
        let destination = view.exceptions[0].destination.as_ref().expect("named");
        assert_eq!(destination.to_string(), "fcm.example.com:443");
        assert_eq!(view.exceptions.len(), 3);
        assert_eq!(view.services[0].failures, 7);
        assert_eq!(view.services[0].share(), None, "nobody counts its requests");
    }

    #[test]
    fn statements_levels_and_alerts_are_as_they_were_told_last() {
        let mut heard = Overheard::default();
        let statement = |ms, count| {
            Word::Statement(Statement {
                database: Some("mail@db1".to_owned()),
                text: "SELECT * FROM box WHERE id = ?".to_owned(),
                elapsed: Some(Duration::from_millis(ms)),
                count,
                error: None,
                waits: None,
            })
        };
        say(&mut heard, "db", at(0), statement(900, 2));
        say(&mut heard, "db", at(1), statement(4_000, 1));
        say(&mut heard, "db", at(2), statement(100, 1));
        let level = |share| {
            let of = "/var".to_owned();
            Word::Level(Level { gauge: Gauge::DiskSpace, of, share, used: None, total: None })
        };
        say(&mut heard, "host", at(0), level(0.5));
        say(&mut heard, "host", at(1), level(0.9));
        let alert = |level| Word::Alert(Alert { level, title: "CPU".to_owned(), text: "high".to_owned() });
        say(&mut heard, "host", at(0), alert(AlertLevel::Warning));
        say(&mut heard, "host", at(3), alert(AlertLevel::Error));
        let view = heard.view(at(4));
        assert_eq!(view.statements[0].count, 4);
        assert_eq!(view.statements[0].statement.elapsed, Some(Duration::from_millis(4_000)));
        assert_eq!(view.levels.iter().map(|one| one.level.share).collect::<Vec<_>>(), [0.9]);
        assert_eq!((view.alerts[0].count, view.alerts[0].first), (2, at(0)));
        assert!(view.alerts[0].is_bad());
        let text = serde_json::to_string(&view).expect("JSON");
        assert_eq!(serde_json::from_str::<HeardView>(&text).expect("the same"), view);
    }

    #[test]
    fn a_flood_of_names_pushes_nothing_out_and_is_counted() {
        let mut heard = Overheard::default();
        say(&mut heard, "mail", at(0), requests(10, 1));
        for number in 0..3_000 {
            say(&mut heard, &format!("s{number}"), at(1), requests(1, 0));
        }
        assert_eq!(heard.services.len(), SERVICES);
        assert!(heard.services.keys().any(|name| name.service == "mail"));
        let view = heard.view(at(2));
        assert_eq!(view.services.len(), SHOWN);
        assert!(view.left_out > 2_000);
    }

    proptest! {
        #[test]
        fn an_hour_of_counts_is_that_hour(
            counts in prop::collection::vec((0_u64..200, 0_u64..1_000), 0..60),
            now in 0_u64..260,
        ) {
            let mut rolling = Rolling::default();
            let mut counts = counts;
            counts.sort_unstable();
            for (minute, count) in &counts {
                rolling.add(at(*minute), *count);
            }
            let last = counts.last().map_or(0, |(minute, _)| *minute).max(now);
            let first = at(last).as_micros() / SLOT - (SLOTS as u64 - 1);
            let wanted: u64 = counts
                .iter()
                .filter(|(minute, _)| at(*minute).as_micros() / SLOT >= first)
                .map(|(_, count)| *count)
                .sum();
            prop_assert_eq!(rolling.sum(at(last)), wanted);
        }
    }
}
