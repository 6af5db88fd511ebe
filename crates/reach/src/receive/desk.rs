//! From signals to events: what a service suffers, what runs full, what is gone, what somebody else raised.
//!
//! Plain code over explicit time. What it gives goes the way that a patrol's events go: incidents, outbox, store.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use reach_core::{
    Time,
    signal::{Alert, AlertLevel, Level, Origin, Signal, Statement, Word},
    watch::{
        Event, FullIn, Gravity, Matter, Trouble,
        joining::{Destination, Joined, Joiner, JoiningRules, ServiceName, Suffering},
    },
};
use reach_signal::host::limits::{Change, Concern, Concerns, Gravity as Fullness, Limits};

use super::Heard;

/// An alert that is not raised again within this time is over; Scouter repeats that of a disk once an hour.
const ALERT_STANDS: Duration = Duration::from_secs(70 * 60);
/// Statements that are slow no more were so for the last time so long ago.
const SLOW_STANDS: Duration = Duration::from_secs(10 * 60);
/// Statements that are told of one database.
const STATEMENTS: usize = 8;
/// Alerts and databases that are followed.
const MOST: usize = 4_096;

/// What came of signals.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It is so.
    Event(Event),
    /// A service suffers on its way to a destination, which may have to be watched first.
    Suffering(Box<Suffering>, Destination),
    /// It does no more.
    Relieved {
        /// The service.
        service: ServiceName,
        /// The destination.
        destination: Destination,
        /// When it failed the last time.
        last: Time,
    },
}

/// Makes events of signals.
#[derive(Debug)]
pub struct SignalDesk {
    joiner: Joiner,
    concerns: Concerns,
    /// Alerts that stand, by their keys, and when they were raised last.
    alerts: BTreeMap<String, Time>,
    slow: BTreeMap<String, Slow>,
    /// When each source was heard last.
    heard: BTreeMap<String, Time>,
    /// Things that report no more.
    absent: BTreeSet<String>,
    lost: BTreeMap<(String, String), u64>,
}

#[derive(Debug, Default)]
struct Slow {
    source: String,
    statements: Vec<Statement>,
    since: Time,
    last: Time,
}

impl SignalDesk {
    /// Nothing is known yet.
    pub fn new(rules: JoiningRules, limits: Limits) -> Self {
        Self {
            joiner: Joiner::new(rules),
            concerns: Concerns::new(limits),
            alerts: BTreeMap::new(),
            slow: BTreeMap::new(),
            heard: BTreeMap::new(),
            absent: BTreeSet::new(),
            lost: BTreeMap::new(),
        }
    }

    /// Goes on by other rules.
    pub fn reload(&mut self, rules: JoiningRules, limits: Limits) {
        self.joiner.reload(rules);
        self.concerns.reload(limits);
    }

    /// Takes what a source said.
    pub fn take(&mut self, heard: &Heard, now: Time) -> Vec<Found> {
        let mut found = Vec::new();
        self.heard.insert(heard.source.clone(), now);
        // A log of errors only is not known to speak when all is well.
        if heard.signals.is_empty() || !heard.signals.iter().all(tells_of_failure) {
            self.joiner.heard(&heard.source, now);
        }
        for (place, signal) in heard.signals.iter().enumerate() {
            // Failures that come together are told together.
            let next = heard.signals.get(place + 1);
            let goes_on = next.is_some_and(|next| next.origin == signal.origin && tells_of_failure(next));
            if goes_on && tells_of_failure(signal) {
                self.joiner.learn(signal, now);
            } else {
                self.joiner.take(signal, now);
            }
            self.signal(signal, now, &mut found);
        }
        self.gather(now, &mut found);
        found
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Time) -> Vec<Found> {
        let mut found = Vec::new();
        self.joiner.tick(now);
        for change in self.concerns.tick(now, false) {
            found.push(Found::Event(concern(change, now)));
        }
        let over = |since: Time, stands: Duration| now >= since + stands;
        let ended: Vec<String> = self
            .alerts
            .iter()
            .filter(|(_, last)| over(**last, ALERT_STANDS))
            .map(|(key, _)| key.clone())
            .collect();
        for key in ended {
            self.alerts.remove(&key);
            // Whoever raises alerts does not say when they are over.
            found.push(Found::Event(Event::MatterOver { key, seen: false, at: now }));
        }
        let heard = &self.heard;
        for (key, slow) in self.slow.extract_if(.., |_, slow| over(slow.last, SLOW_STANDS)) {
            let seen = heard.get(&slow.source).is_some_and(|heard| *heard > slow.last);
            found.push(Found::Event(Event::MatterOver { key, seen, at: now }));
        }
        self.gather(now, &mut found);
        found
    }

    /// When [`SignalDesk::tick`] has something to do.
    pub fn due(&self) -> Option<Time> {
        let alerts = self.alerts.values().map(|last| *last + ALERT_STANDS);
        let slow = self.slow.values().map(|slow| slow.last + SLOW_STANDS);
        self.joiner.due().into_iter().chain(alerts).chain(slow).min()
    }

    /// What sources say that they lost, by source and kind.
    pub fn lost(&self) -> &BTreeMap<(String, String), u64> {
        &self.lost
    }

    fn gather(&mut self, now: Time, found: &mut Vec<Found>) {
        for joined in self.joiner.take_joined() {
            match joined {
                Joined::Suffering(suffering) => {
                    if let Some(destination) = suffering.destination.clone() {
                        found.push(Found::Suffering(suffering, destination));
                    }
                }
                Joined::Relieved { service, destination, last } => {
                    found.push(Found::Relieved { service, destination, last });
                }
                Joined::Ailing(suffering) => {
                    let key = service_key(&suffering.service);
                    found.push(Found::Event(ailing(key, *suffering, now)));
                }
                Joined::Well { service, .. } => {
                    found.push(Found::Event(Event::MatterOver {
                        key: service_key(&service),
                        seen: true,
                        at: now,
                    }));
                }
            }
        }
    }

    fn signal(&mut self, signal: &Signal, now: Time, found: &mut Vec<Found>) {
        match &signal.word {
            Word::Level(level) => {
                // Two hosts have the same mount points.
                let level = Level { of: of(&signal.origin, &level.of), ..level.clone() };
                let change = self.concerns.take(now, &level);
                found.extend(change.map(|change| Found::Event(concern(change, now))));
            }
            Word::Presence { thing, alive } => self.presence(signal, thing, *alive, now, found),
            Word::Statement(statement) => self.statement(&signal.origin, statement, now, found),
            Word::Alert(alert) => self.alert(&signal.origin, alert, now, found),
            Word::Lost { what, count } => {
                let lost = self.lost.entry((signal.origin.source.clone(), what.clone())).or_default();
                *lost = lost.saturating_add(*count);
            }
            Word::Requests(_) | Word::Failure(_) | Word::Attempt(_) | Word::Fault(_) => {}
        }
    }

    fn presence(&mut self, signal: &Signal, thing: &str, alive: bool, now: Time, found: &mut Vec<Found>) {
        let key = format!("presence:{}:{thing}", signal.origin.source);
        if alive {
            if self.absent.remove(&key) {
                found.push(Found::Event(Event::MatterOver { key, seen: true, at: now }));
            }
        } else if self.absent.len() < MOST && self.absent.insert(key.clone()) {
            let matter = Matter {
                key,
                title: thing.to_owned(),
                labels: BTreeMap::new(),
                gravity: Gravity::Degraded,
                since: signal.at.min(now),
                trouble: Trouble::Absent { thing: thing.to_owned() },
            };
            found.push(Found::Event(Event::Matter { matter: Box::new(matter), at: now }));
        }
    }

    fn statement(&mut self, origin: &Origin, statement: &Statement, now: Time, found: &mut Vec<Found>) {
        let place = statement.database.as_ref().or(origin.service.as_ref()).unwrap_or(&origin.source);
        let key = format!("slow:{}:{place}", origin.source);
        if self.slow.len() >= MOST && !self.slow.contains_key(&key) {
            return;
        }
        let slow = self.slow.entry(key.clone()).or_insert_with(|| Slow {
            source: origin.source.clone(),
            since: now,
            ..Slow::default()
        });
        slow.last = now;
        let known = slow.statements.iter_mut().find(|known| known.text == statement.text);
        let news = known.is_none();
        match known {
            Some(known) => {
                known.count = known.count.saturating_add(statement.count);
                known.elapsed = known.elapsed.max(statement.elapsed);
            }
            None => slow.statements.push(statement.clone()),
        }
        slow.statements.sort_by_key(|statement| std::cmp::Reverse(statement.elapsed));
        slow.statements.truncate(STATEMENTS);
        if news {
            let matter = Matter {
                key,
                title: place.clone(),
                labels: BTreeMap::new(),
                gravity: Gravity::Warning,
                since: slow.since,
                trouble: Trouble::Slow { statements: slow.statements.clone() },
            };
            found.push(Found::Event(Event::Matter { matter: Box::new(matter), at: now }));
        }
    }

    fn alert(&mut self, origin: &Origin, alert: &Alert, now: Time, found: &mut Vec<Found>) {
        let place = origin.instance.as_ref().or(origin.service.as_ref()).unwrap_or(&origin.source);
        let key = format!("alert:{}:{place}:{}", origin.source, alert.title);
        if self.alerts.len() >= MOST && !self.alerts.contains_key(&key) {
            return;
        }
        if self.alerts.insert(key.clone(), now).is_some() {
            return;
        }
        let gravity = match alert.level {
            AlertLevel::Info => Gravity::Notice,
            AlertLevel::Warning => Gravity::Warning,
            AlertLevel::Error | AlertLevel::Fatal => Gravity::Degraded,
        };
        let matter = Matter {
            key,
            title: place.clone(),
            labels: BTreeMap::new(),
            gravity,
            since: now,
            trouble: Trouble::Alert(alert.clone()),
        };
        found.push(Found::Event(Event::Matter { matter: Box::new(matter), at: now }));
    }
}

fn tells_of_failure(signal: &Signal) -> bool {
    match &signal.word {
        Word::Failure(_) | Word::Fault(_) => true,
        Word::Attempt(attempt) => attempt.failed.is_some(),
        _ => false,
    }
}

/// What a service suffers from a destination that is not examined from here: an incident of its own.
pub fn apart(suffering: Suffering, destination: &Destination, now: Time) -> Event {
    ailing(apart_key(&suffering.service, destination), suffering, now)
}

/// What such an incident is, for good.
pub fn apart_key(service: &ServiceName, destination: &Destination) -> String {
    format!("{}>{destination}", service_key(service))
}

fn ailing(key: String, suffering: Suffering, now: Time) -> Event {
    let matter = Matter {
        key,
        title: suffering.service.service.clone(),
        labels: BTreeMap::new(),
        gravity: Gravity::Degraded,
        since: suffering.since,
        trouble: Trouble::Ailing(suffering),
    };
    Event::Matter { matter: Box::new(matter), at: now }
}

fn service_key(service: &ServiceName) -> String {
    format!("service:{}:{}", service.source, service.service)
}

fn of(origin: &Origin, of: &str) -> String {
    match &origin.instance {
        Some(instance) if instance != of => format!("{instance} {of}"),
        _ => of.to_owned(),
    }
}

fn concern(change: Change, now: Time) -> Event {
    let key = |concern: &Concern| format!("level:{:?}:{}", concern.gauge, concern.of);
    match change {
        Change::Opened(concern) | Change::Worsened(concern) => {
            let matter = Matter {
                key: key(&concern),
                title: concern.of.clone(),
                labels: BTreeMap::new(),
                gravity: match concern.gravity {
                    Fullness::Warning => Gravity::Warning,
                    Fullness::Severe => Gravity::Degraded,
                },
                since: concern.since,
                trouble: Trouble::Full {
                    gauge: concern.gauge,
                    of: concern.of,
                    share: concern.share,
                    limit: concern.limit,
                    used: concern.used,
                    total: concern.total,
                    forecast: concern.forecast.map(|forecast| FullIn {
                        earliest: forecast.earliest,
                        likely: forecast.likely,
                        latest: forecast.latest,
                    }),
                },
            };
            Event::Matter { matter: Box::new(matter), at: now }
        }
        Change::Closed { concern, vanished } => {
            Event::MatterOver { key: key(&concern), seen: !vanished, at: now }
        }
    }
}

#[cfg(test)]
mod tests;
