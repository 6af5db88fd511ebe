//! What services suffer on their way to one target, by their own account.

use std::{collections::BTreeMap, time::Duration};

use super::rules::Complaint;
use crate::{
    Time,
    watch::{
        Cause, Gravity,
        joining::{ServiceName, Suffering},
    },
};

/// What a service suffered before a restart, and does not speak of again within this time, it suffers no more.
const HEARD_AGAIN: Duration = Duration::from_secs(15 * 60);
/// From this share of failed requests on it is critical.
const HALF: f64 = 0.5;

/// What is known of services.
#[derive(Debug, Default)]
pub(super) struct Sufferings {
    told: BTreeMap<ServiceName, Suffering>,
    /// Those of services that suffer no more while something else is still wrong: what it did to them stays told.
    past: BTreeMap<ServiceName, Suffering>,
    /// Those that are only remembered, and until when.
    remembered: BTreeMap<ServiceName, Time>,
}

impl Sufferings {
    pub(super) fn take(&mut self, suffering: &Suffering) {
        self.remembered.remove(&suffering.service);
        self.past.remove(&suffering.service);
        self.told.insert(suffering.service.clone(), suffering.clone());
    }

    /// Whether it was known to suffer.
    pub(super) fn relieve(&mut self, service: &ServiceName) -> bool {
        self.remembered.remove(service);
        let Some(suffering) = self.told.remove(service) else { return false };
        self.past.insert(service.clone(), suffering);
        true
    }

    /// What services suffered since the incident began.
    pub(super) fn past(&self) -> impl Iterator<Item = Cause> {
        self.past.values().map(|suffering| Cause::Suffering(Box::new(suffering.clone())))
    }

    /// Another incident begins.
    pub(super) fn begin_anew(&mut self) {
        self.past.clear();
    }

    pub(super) fn resume(&mut self, suffering: &Suffering, now: Time) {
        self.remembered.insert(suffering.service.clone(), now + HEARD_AGAIN);
        self.told.insert(suffering.service.clone(), suffering.clone());
    }

    pub(super) fn complaints(&self, now: Time) -> impl Iterator<Item = Complaint> {
        let heard =
            move |service: &ServiceName| self.remembered.get(service).is_none_or(|until| now < *until);
        self.told.values().filter(move |suffering| heard(&suffering.service)).map(move |suffering| {
            let half = suffering.requests.is_some_and(|requests| requests.bounds.0 >= HALF);
            Complaint {
                cause: Cause::Suffering(Box::new(suffering.clone())),
                gravity: if half { Gravity::Critical } else { Gravity::Degraded },
                since: suffering.since,
                bad_at: now,
            }
        })
    }

    pub(super) fn due(&self) -> Option<Time> {
        self.remembered.values().min().copied()
    }
}
