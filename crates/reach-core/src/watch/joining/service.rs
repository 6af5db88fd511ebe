//! One service: its requests, its failures, its destinations.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Destination, Joined, JoiningRules, ServiceName,
    ledger::{Ledger, RequestShare},
};
use crate::{
    Time,
    signal::{Requests, Signal, Word},
    watch::Share,
};

/// Destinations of one service that are kept apart.
const DESTINATIONS: usize = 256;
/// The long window is so many short ones.
const LONG: u32 = 5;
/// An instance that is gone for so long does not suffer any more.
const GONE_FOR_GOOD: Duration = Duration::from_secs(60 * 60);
/// A source that speaks of failures only says nothing else by its silence: it is believed after so many times the calm.
const SILENT: u32 = 4;
/// A destination explains a service's failures if it has this share of them…
const PART: f64 = 0.1;
/// … and failed so often: once is chance.
const TWICE: u64 = 2;

/// One service.
#[derive(Debug)]
pub(super) struct Service {
    name: ServiceName,
    rules: JoiningRules,
    /// Two lengths, each judged once when it is over: a burst shows in the short one, a trickle in the long one.
    windows: [Window; 2],
    /// What the window that gave the alarm said; none while all is well.
    alarm: Option<RequestShare>,
    counted: bool,
    destinations: BTreeMap<Destination, Ledger>,
    /// Failures that name no destination.
    nowhere: Ledger,
    nowhere_is_told: bool,
    /// Instances that reported and do so no more, and since when.
    gone: BTreeMap<String, Time>,
    /// It was heard of in other ways than by failures.
    talks: bool,
    /// When it was heard of last.
    pub last: Time,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    length: Duration,
    from: Option<Time>,
    total: u64,
    failed: u64,
    late: u64,
    estimated: bool,
}

impl Window {
    const fn new(length: Duration) -> Self {
        Self { length, from: None, total: 0, failed: 0, late: 0, estimated: false }
    }

    fn take(&mut self, requests: &Requests, at: Time) {
        self.from.get_or_insert(at);
        self.total = self.total.saturating_add(requests.total);
        self.failed = self.failed.saturating_add(requests.failed);
        self.late = self.late.saturating_add(requests.late);
        self.estimated |= requests.estimated;
    }

    fn ends(&self) -> Option<Time> {
        self.from.map(|from| from + self.length)
    }
}

impl Service {
    pub(super) fn new(name: ServiceName, rules: JoiningRules) -> Self {
        let short = rules.share.window;
        Self {
            name,
            rules,
            windows: [Window::new(short), Window::new(short * LONG)],
            alarm: None,
            counted: false,
            destinations: BTreeMap::new(),
            nowhere: Ledger::new(Time::default()),
            nowhere_is_told: false,
            gone: BTreeMap::new(),
            talks: false,
            last: Time::default(),
        }
    }

    pub(super) fn reload(&mut self, rules: JoiningRules) {
        self.rules = rules;
        let short = rules.share.window;
        (self.windows[0].length, self.windows[1].length) = (short, short * LONG);
    }

    pub(super) fn take(&mut self, signal: &Signal, at: Time) {
        if let Word::Presence { thing, alive } = &signal.word {
            self.presence(thing, *alive, at);
            return;
        }
        self.last = self.last.max(at);
        self.talks |= match &signal.word {
            Word::Requests(_) => true,
            Word::Attempt(attempt) => attempt.failed.is_none(),
            _ => false,
        };
        let instance = signal.origin.instance.as_deref();
        match &signal.word {
            Word::Requests(requests) => {
                self.counted |= requests.total > 0;
                self.windows.iter_mut().for_each(|window| window.take(requests, at));
            }
            Word::Failure(failure) => match Destination::of_failure(failure) {
                Some(destination) => self.ledger(destination, at, |ledger| {
                    ledger.failure(failure, instance, at);
                }),
                None => {
                    if self.nowhere.weight() == 0 {
                        self.nowhere = Ledger::new(at);
                    }
                    self.nowhere.failure(failure, instance, at);
                }
            },
            Word::Fault(fault) => {
                if self.nowhere.weight() == 0 {
                    self.nowhere = Ledger::new(at);
                }
                self.nowhere.fault(fault, instance, at);
            }
            Word::Attempt(attempt) => {
                let Some(destination) = Destination::of_attempt(attempt) else { return };
                // Attempts that succeed are worth keeping beside those that fail, and not alone.
                if attempt.failed.is_some() || self.destinations.contains_key(&destination) {
                    self.ledger(destination, at, |ledger| ledger.attempt(attempt, instance, at));
                }
            }
            Word::Level(_)
            | Word::Presence { .. }
            | Word::Statement(_)
            | Word::Alert(_)
            | Word::Lost { .. } => {}
        }
    }

    fn ledger(&mut self, destination: Destination, at: Time, change: impl FnOnce(&mut Ledger)) {
        if self.destinations.len() >= DESTINATIONS && !self.destinations.contains_key(&destination) {
            let oldest = self.destinations.iter().filter(|(_, ledger)| ledger.told.is_none());
            let oldest =
                oldest.min_by_key(|(_, ledger)| ledger.last).map(|(destination, _)| destination.clone());
            let Some(oldest) = oldest else { return };
            self.destinations.remove(&oldest);
        }
        change(self.destinations.entry(destination).or_insert_with(|| Ledger::new(at)));
    }

    pub(super) fn suffers(&self) -> bool {
        self.nowhere_is_told || self.destinations.values().any(|ledger| ledger.told.is_some())
    }

    fn presence(&mut self, thing: &str, alive: bool, at: Time) {
        if alive {
            self.gone.remove(thing);
        } else if self.gone.len() < DESTINATIONS {
            self.gone.insert(thing.to_owned(), at);
        }
    }

    pub(super) fn heard(&mut self, now: Time) {
        self.gone.retain(|_, since| now < *since + GONE_FOR_GOOD);
        if !self.gone.is_empty() {
            return;
        }
        self.talks = true;
        self.last = self.last.max(now);
    }

    pub(super) fn due(&self) -> Option<Time> {
        let windows = self.windows.iter().filter_map(Window::ends);
        let calm = if self.talks { self.rules.calm } else { self.rules.calm * SILENT };
        let relief = self.destinations.values().map(|ledger| ledger.last + calm);
        let nowhere = (self.nowhere.weight() > 0).then(|| self.nowhere.last + calm);
        windows.chain(relief).chain(nowhere).min()
    }

    pub(super) fn judge(&mut self, now: Time, joined: &mut Vec<Joined>) {
        self.close_windows(now);
        self.accuse(now, joined);
        self.relieve(now, joined);
    }

    /// Judges windows that are over. They begin anew with the next request.
    fn close_windows(&mut self, now: Time) {
        for window in &mut self.windows {
            if window.ends().is_none_or(|end| now < end) {
                continue;
            }
            let over = std::mem::replace(window, Window::new(window.length));
            let bad = over.failed.saturating_add(over.late).min(over.total);
            match self.rules.share.judge(bad, over.total) {
                Share::TooMuch(bounds) => {
                    self.alarm = Some(RequestShare {
                        window: over.length,
                        total: over.total,
                        failed: bad,
                        late: over.late,
                        bounds,
                        threshold: self.rules.share.threshold,
                        estimated: over.estimated,
                    });
                }
                Share::Fine => self.alarm = None,
                Share::Unsaid => {}
            }
        }
    }

    /// Says which destinations the service suffers from, once and again when there is more to say.
    fn accuse(&mut self, now: Time, joined: &mut Vec<Joined>) {
        let from = earlier(now, self.rules.span);
        let all: u64 =
            self.destinations.values().chain([&self.nowhere]).map(|ledger| ledger.since(from)).sum();
        let (alarm, counted) = (self.alarm, self.counted);
        let failures = u64::from(self.rules.failures);
        let mut explained = false;
        for (destination, ledger) in &mut self.destinations {
            let lately = ledger.since(from);
            let enough = if counted {
                alarm.is_some() && lately >= TWICE && lately as f64 >= all as f64 * PART
            } else {
                lately >= failures
            };
            let more = ledger.told.is_some_and(|(weight, classes)| {
                ledger.weight() >= weight.saturating_mul(2) || ledger.failures().len() > classes
            });
            explained |= enough || ledger.told.is_some();
            if (ledger.told.is_none() && enough) || more {
                joined.push(Joined::Suffering(Box::new(ledger.tell(&self.name, Some(destination), alarm))));
            }
        }
        if alarm.is_some() && !explained && !self.nowhere_is_told {
            self.nowhere_is_told = true;
            if self.nowhere.weight() == 0 {
                self.nowhere = Ledger::new(now);
            }
            joined.push(Joined::Ailing(Box::new(self.nowhere.tell(&self.name, None, alarm))));
        }
    }

    fn relieve(&mut self, now: Time, joined: &mut Vec<Joined>) {
        let calm = self.rules.calm;
        let heard = self.last;
        let silence_counts = !self.talks;
        let over = |last: Time| {
            now >= last + calm && heard >= last + calm || silence_counts && now >= last + calm * SILENT
        };
        let name = &self.name;
        self.destinations.retain(|destination, ledger| {
            if !over(ledger.last) {
                // What nobody was told of is forgotten with the time, heard of or not.
                return ledger.told.is_some() || now < ledger.last + calm;
            }
            if ledger.told.is_some() {
                let (service, destination, last) = (name.clone(), destination.clone(), ledger.last);
                joined.push(Joined::Relieved { service, destination, last });
            }
            false
        });
        if self.nowhere_is_told && self.alarm.is_none() && over(self.nowhere.last) {
            self.nowhere_is_told = false;
            joined.push(Joined::Well { service: self.name.clone(), last: self.nowhere.last });
        }
        if !self.nowhere_is_told && now >= self.nowhere.last + calm {
            self.nowhere = Ledger::new(now);
        }
    }
}

fn earlier(now: Time, span: Duration) -> Time {
    let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    Time::from_micros(now.as_micros().saturating_sub(span))
}
