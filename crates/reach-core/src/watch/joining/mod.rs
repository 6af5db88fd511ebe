//! What other systems say, joined to what is watched.
//!
//! The [`Joiner`] takes [`Signal`]s, counts them for each service, and says when a service suffers from a
//! destination ([`Joined::Suffering`]), when it fails without any destination being named
//! ([`Joined::Ailing`]), and when that is over. Whether the network is to blame is not decided here: whoever
//! drives this has the destination examined and puts both into one incident.
//!
//! * A service with **request counts** suffers when the share of its failed and late requests in one window is
//!   too large by its lower Wilson bound. The destinations are those that its failures of the last windows name:
//!   all that have their share in it, and not what failed once by chance.
//! * A service without request counts has no rate, and none is claimed: it suffers from a destination that
//!   failed [`JoiningRules::failures`] times within [`JoiningRules::span`].
//! * **Late** is not failed: where an application tried a second address and whoever asked was served, the
//!   failed attempt is counted apart.
//!
//! It is over when a destination has not failed for [`JoiningRules::calm`] *and* its service was heard of in that
//! time: what has fallen silent has not recovered. Of a service that was never heard of but by its failures (a log of
//! errors only) silence is all that can be heard; it is believed after four times as long.
//!
//! Signals that are older than [`JoiningRules::stale`] when they arrive (a log that is being caught up with) count
//! for nothing: they speak of what was.

mod destination;
mod ledger;
mod service;

use std::{collections::BTreeMap, time::Duration};

pub use destination::Destination;
pub use ledger::{AddressView, RequestShare, Suffering};
use service::Service;

use super::FailureShare;
use crate::{
    Time,
    signal::{Origin, Signal, Word},
};

/// When to believe that a service suffers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JoiningRules {
    /// The share of failed requests that is too much.
    pub share: FailureShare,
    /// So many failures towards one destination matter where no requests are counted.
    pub failures: u32,
    /// … within so long.
    pub span: Duration,
    /// Without a failure for this long, a service suffers no more.
    pub calm: Duration,
    /// A signal that is older than this when it arrives counts for nothing.
    pub stale: Duration,
}

impl Default for JoiningRules {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            share: FailureShare { window: seconds(60), ..FailureShare::default() },
            failures: 3,
            span: seconds(300),
            calm: seconds(300),
            stale: seconds(900),
        }
    }
}

/// Names a service for whoever joins: its source, and what the operator calls it there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct ServiceName {
    /// The source as the configuration names it.
    pub source: String,
    /// The service; the source's own name where it says none.
    pub service: String,
}

impl ServiceName {
    pub(crate) fn of(origin: &Origin) -> Self {
        let service = origin.service.clone().unwrap_or_else(|| origin.source.clone());
        Self { source: origin.source.clone(), service }
    }
}

/// What came of the signals.
#[derive(Clone, Debug, PartialEq)]
pub enum Joined {
    /// A service suffers from a destination: said first when that begins, and again when it is worse or other than
    /// it was.
    Suffering(Box<Suffering>),
    /// It does no more.
    Relieved {
        /// The service.
        service: ServiceName,
        /// The destination.
        destination: Destination,
        /// When it failed the last time.
        last: Time,
    },
    /// Too large a share of a service's requests fails, and what fails names no destination that would explain it.
    Ailing(Box<Suffering>),
    /// It does no more.
    Well {
        /// The service.
        service: ServiceName,
        /// When it failed the last time.
        last: Time,
    },
}

/// Services that are kept apart. Those that come after count for nothing, and are counted.
const SERVICES: usize = 4_096;

/// Joins the signals of all services.
#[derive(Debug)]
pub struct Joiner {
    rules: JoiningRules,
    services: BTreeMap<ServiceName, Service>,
    joined: Vec<Joined>,
    ignored: u64,
}

impl Joiner {
    /// Knows nothing yet.
    pub fn new(rules: JoiningRules) -> Self {
        Self { rules, services: BTreeMap::new(), joined: Vec::new(), ignored: 0 }
    }

    /// Goes on by other rules.
    pub fn reload(&mut self, rules: JoiningRules) {
        self.rules = rules;
        for service in self.services.values_mut() {
            service.reload(rules);
        }
    }

    /// Takes what another system said. Levels, statements, alerts and losses are no matter of joining.
    pub fn take(&mut self, signal: &Signal, now: Time) {
        self.learn(signal, now);
        if let Some(service) = self.services.get_mut(&ServiceName::of(&signal.origin)) {
            service.judge(now, &mut self.joined);
        }
    }

    /// The same, but that nothing follows from it yet: more that belongs to it is about to be taken.
    pub fn learn(&mut self, signal: &Signal, now: Time) {
        if !matters(&signal.word) {
            return;
        }
        if signal.at + self.rules.stale < now {
            self.ignored += 1;
            return;
        }
        let name = ServiceName::of(&signal.origin);
        if matches!(signal.word, Word::Presence { .. }) && !self.services.contains_key(&name) {
            return;
        }
        if !self.services.contains_key(&name) && self.services.len() >= SERVICES {
            self.ignored += 1;
            return;
        }
        let rules = self.rules;
        let service = self.services.entry(name.clone()).or_insert_with(|| Service::new(name, rules));
        service.take(signal, signal.at.min(now));
    }

    /// A source was asked and answered, whether it had anything to say or not: its services are not silent, but for
    /// those of which an instance is known to be gone.
    pub fn heard(&mut self, source: &str, now: Time) {
        for (name, service) in &mut self.services {
            if name.source == source {
                service.heard(now);
            }
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Time) {
        for service in self.services.values_mut() {
            service.judge(now, &mut self.joined);
        }
        let forget = self.rules.calm + self.rules.stale;
        self.services.retain(|_, service| service.suffers() || service.last + forget > now);
    }

    /// When [`Joiner::tick`] has something to do.
    pub fn due(&self) -> Option<Time> {
        self.services.values().filter_map(Service::due).min()
    }

    /// What came of it, in order.
    pub fn take_joined(&mut self) -> Vec<Joined> {
        std::mem::take(&mut self.joined)
    }

    /// Signals that counted for nothing: too old, or of one service too many.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }
}

fn matters(word: &Word) -> bool {
    matches!(
        word,
        Word::Requests(_) | Word::Failure(_) | Word::Attempt(_) | Word::Fault(_) | Word::Presence { .. }
    )
}

#[cfg(test)]
mod tests;
