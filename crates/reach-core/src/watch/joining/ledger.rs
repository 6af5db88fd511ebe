//! What a service suffered on its way to one destination.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Destination, ServiceName};
use crate::{
    Time,
    signal::{Attempt, Failure, FailureClass, Fault},
    stats::median,
    time::micros,
};

/// Addresses of one destination that are kept apart.
const ADDRESSES: usize = 64;
/// Instances, clients and times that are kept.
const NAMES: usize = 16;
/// Elapsed times of an address that are kept.
const TIMES: usize = 64;

/// What a service suffers, and from which destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suffering {
    /// The service.
    pub service: ServiceName,
    /// Its instances that said so.
    pub instances: BTreeSet<String>,
    /// The destination; `None` where the failures name none that would explain them.
    pub destination: Option<Destination>,
    /// When it began.
    pub since: Time,
    /// When it failed the last time.
    pub last: Time,
    /// Requests of the service in the window that gave the alarm; `None` where nobody counts them.
    pub requests: Option<RequestShare>,
    /// Failures towards this destination since it began, by class.
    pub failures: BTreeMap<FailureClass, u64>,
    /// Failures that are the application's own, by the class of the exception; empty where there is none.
    pub faults: BTreeMap<String, u64>,
    /// Of what was tried since it began, so much was served late, by another address.
    pub late: u64,
    /// What the application's own attempts say of each address.
    pub addresses: BTreeMap<IpAddr, AddressView>,
    /// The client libraries that the failures name.
    pub clients: BTreeSet<String>,
    /// The words of the last failure.
    pub text: String,
}

impl Suffering {
    /// Failures of all classes.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }
}

/// Requests of a service in one window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestShare {
    /// How long the window was.
    #[serde(with = "micros")]
    pub window: Duration,
    /// Requests.
    pub total: u64,
    /// Of them failed, or were served late.
    pub failed: u64,
    /// Of these were served late, as far as the source tells.
    pub late: u64,
    /// The 95 % Wilson bounds of their share.
    pub bounds: (f64, f64),
    /// What is too much.
    pub threshold: f64,
    /// The counts are computed from a rate.
    pub estimated: bool,
}

/// What an application's attempts to connect say of one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AddressView {
    /// Attempts.
    pub attempts: u64,
    /// Of them failed.
    pub failed: u64,
    /// What became of the last one that failed.
    pub class: Option<FailureClass>,
    /// The median time of an attempt.
    #[serde(with = "micros::option")]
    pub median: Option<Duration>,
    /// When it failed the last time.
    pub last_failed: Option<Time>,
}

/// Counts what concerns one destination, since its first failure after a calm.
#[derive(Debug)]
pub(super) struct Ledger {
    pub first: Time,
    pub last: Time,
    pub failures: BTreeMap<FailureClass, u64>,
    faults: BTreeMap<String, u64>,
    pub late: u64,
    /// Attempts that failed and whose waiters nobody is known to have served.
    unserved: BTreeMap<FailureClass, u64>,
    addresses: BTreeMap<IpAddr, (AddressView, VecDeque<Duration>)>,
    instances: BTreeSet<String>,
    clients: BTreeSet<String>,
    text: String,
    /// When it failed lately, and whether only an attempt says so: what the rule without request counts counts.
    recent: VecDeque<(Time, bool)>,
    /// What was said of it last: failures and late ones, and its classes.
    pub told: Option<(u64, usize)>,
}

impl Ledger {
    pub(super) fn new(now: Time) -> Self {
        Self {
            first: now,
            last: now,
            failures: BTreeMap::new(),
            faults: BTreeMap::new(),
            late: 0,
            unserved: BTreeMap::new(),
            addresses: BTreeMap::new(),
            instances: BTreeSet::new(),
            clients: BTreeSet::new(),
            text: String::new(),
            recent: VecDeque::new(),
            told: None,
        }
    }

    pub(super) fn failure(&mut self, failure: &Failure, instance: Option<&str>, at: Time) {
        if self.failures.is_empty() {
            // The source tells of failures: its attempts that failed are the same ones.
            self.recent.retain(|(_, attempt)| !attempt);
        }
        *self.failures.entry(failure.class).or_default() += 1;
        note(&mut self.clients, failure.client.as_deref());
        note(&mut self.instances, instance);
        self.text.clone_from(&failure.text);
        self.failed(at, false);
        // What lists its addresses has tried all of them; without a list, the one that it names.
        let tried = failure.addresses.iter().copied().chain(failure.address).collect::<BTreeSet<_>>();
        for address in tried {
            // Sources that give attempts one by one count them there.
            self.address(address, |view, _| {
                view.class = Some(failure.class);
                view.last_failed = view.last_failed.max(Some(at));
            });
        }
    }

    /// An error of the application's own.
    pub(super) fn fault(&mut self, fault: &Fault, instance: Option<&str>, at: Time) {
        let name = fault.name.clone().unwrap_or_default();
        if self.faults.len() < NAMES || self.faults.contains_key(&name) {
            *self.faults.entry(name).or_default() += 1;
        }
        note(&mut self.instances, instance);
        self.text.clone_from(&fault.text);
        self.failed(at, false);
    }

    pub(super) fn attempt(&mut self, attempt: &Attempt, instance: Option<&str>, at: Time) {
        self.address(attempt.address, |view, times| {
            view.attempts += 1;
            if let Some(class) = attempt.failed {
                view.failed += 1;
                view.class = Some(class);
                view.last_failed = view.last_failed.max(Some(at));
            }
            if let Some(elapsed) = attempt.elapsed {
                if times.len() == TIMES {
                    times.pop_front();
                }
                times.push_back(elapsed);
            }
        });
        let Some(class) = attempt.failed else { return };
        note(&mut self.instances, instance);
        if attempt.served == Some(true) {
            self.late += 1;
            self.failed(at, false);
        } else {
            *self.unserved.entry(class).or_default() += 1;
            if self.failures.is_empty() {
                self.failed(at, true);
            }
        }
    }

    /// Failures by class: what was said to have failed, or else the attempts that nobody is known to have made good.
    pub(super) fn failures(&self) -> &BTreeMap<FailureClass, u64> {
        if self.failures.is_empty() { &self.unserved } else { &self.failures }
    }

    pub(super) fn weight(&self) -> u64 {
        self.failures().values().chain(self.faults.values()).sum::<u64>() + self.late
    }

    /// How often it failed after `from`.
    pub(super) fn since(&self, from: Time) -> u64 {
        self.recent.iter().filter(|(at, _)| *at >= from).count() as u64
    }

    pub(super) fn tell(
        &mut self,
        service: &ServiceName,
        destination: Option<&Destination>,
        requests: Option<RequestShare>,
    ) -> Suffering {
        self.told = Some((self.weight(), self.failures().len()));
        let addresses = self.addresses.iter().map(|(address, (view, times))| {
            (*address, AddressView { median: median(times.iter().copied()), ..*view })
        });
        Suffering {
            service: service.clone(),
            instances: self.instances.clone(),
            destination: destination.cloned(),
            since: self.first,
            last: self.last,
            requests,
            failures: self.failures().clone(),
            faults: self.faults.clone(),
            late: self.late,
            addresses: addresses.collect(),
            clients: self.clients.clone(),
            text: self.text.clone(),
        }
    }

    fn failed(&mut self, at: Time, attempt: bool) {
        self.last = self.last.max(at);
        self.first = self.first.min(at);
        if self.recent.len() == TIMES {
            self.recent.pop_front();
        }
        self.recent.push_back((at, attempt));
    }

    fn address(&mut self, address: IpAddr, change: impl FnOnce(&mut AddressView, &mut VecDeque<Duration>)) {
        if self.addresses.len() >= ADDRESSES && !self.addresses.contains_key(&address) {
            return;
        }
        let (view, times) = self.addresses.entry(address).or_default();
        change(view, times);
    }
}

fn note(set: &mut BTreeSet<String>, word: Option<&str>) {
    if let Some(word) = word
        && set.len() < NAMES
    {
        set.insert(word.to_owned());
    }
}
