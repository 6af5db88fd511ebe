//! Which target a destination of an application stands for, and which destinations become targets of their own.
//!
//! Plain code over explicit time. What an application says may come from whoever can write into its log: so only so many
//! destinations are examined, none of them on the application's own host, and only those that the operator allows.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reach_core::{
    Time,
    model::Host,
    watch::{
        TargetId, TargetStatus, WatchPlan,
        joining::{Destination, ServiceName, Suffering},
    },
};

use crate::config::watch::{TargetConfig, signals::SignalsConfig};

/// The label of a target that signals named: their source.
pub const FOUND_BY: &str = "found_by";

/// A destination that nobody suffers from any more is watched for so long.
const STAYS: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a suffering belongs.
#[derive(Clone, Debug, PartialEq)]
pub enum Lead {
    /// To a target that is watched.
    To(TargetId),
    /// To one that is to be watched from now on: [`Leading::adopted`] has it already.
    Adopted,
    /// To nothing that is examined from here.
    Apart,
}

/// Leads what services suffer to targets.
#[derive(Debug)]
pub struct Leading {
    config: SignalsConfig,
    adopted: Vec<Adopted>,
    led: BTreeMap<(ServiceName, Destination), Led>,
}

/// Where a suffering was led to when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Led {
    /// To a target.
    To(TargetId),
    /// To an incident of its own.
    Apart,
}

#[derive(Clone, Debug)]
struct Adopted {
    target: TargetConfig,
    heard: Time,
}

impl Leading {
    /// Nothing was led anywhere yet.
    pub fn new(config: SignalsConfig) -> Self {
        Self { config, adopted: Vec::new(), led: BTreeMap::new() }
    }

    /// Goes on by another configuration, whose targets need no adoption.
    pub fn reload(&mut self, config: SignalsConfig, targets: &[TargetConfig]) {
        self.config = config;
        self.adopted.retain(|one| targets.iter().all(|target| target.target.text != one.target.target.text));
    }

    /// The targets that signals named.
    pub fn adopted(&self) -> impl Iterator<Item = &TargetConfig> {
        self.adopted.iter().map(|one| &one.target)
    }

    /// Where a suffering belongs. `known` is what is known of the targets of `plan`; `is_open` tells of which of them an
    /// incident is open.
    pub fn lead(
        &mut self,
        suffering: &Suffering,
        destination: &Destination,
        plan: &WatchPlan,
        known: &[TargetStatus],
        is_open: impl Fn(TargetId) -> bool,
        now: Time,
    ) -> Lead {
        let key = (suffering.service.clone(), destination.clone());
        let found = target_of(destination, plan, known);
        if let Some(target) = found {
            self.led.insert(key, Led::To(target));
            let text = plan.targets.iter().find(|watched| watched.id == target);
            let text = text.map_or("", |watched| watched.target.text.as_str());
            if let Some(one) = self.adopted.iter_mut().find(|one| one.target.target.text == text) {
                one.heard = now;
            }
            return Lead::To(target);
        }
        if self.adopt(&suffering.service.source, destination, plan, is_open, now) {
            return Lead::Adopted;
        }
        self.led.insert(key, Led::Apart);
        Lead::Apart
    }

    /// Where a suffering was led that is over.
    pub fn relieve(&mut self, service: &ServiceName, destination: &Destination) -> Option<Led> {
        self.led.remove(&(service.clone(), destination.clone()))
    }

    /// Takes up again what was adopted before a restart.
    pub fn remember(&mut self, text: &str, labels: &BTreeMap<String, String>, now: Time) {
        let Some(source) = labels.get(FOUND_BY) else { return };
        let Ok(target) = reach_core::model::Target::read(text, 443) else { return };
        if self.adopted.len() < self.config.most {
            self.adopted.push(Adopted { target: self.like(target, source), heard: now });
        }
    }

    /// Drops what nobody suffers from any more; says whether there was any.
    pub fn tidy(&mut self, plan: &WatchPlan, is_open: impl Fn(TargetId) -> bool, now: Time) -> bool {
        let before = self.adopted.len();
        self.adopted.retain(|one| now < one.heard + STAYS || is_wanted(one, plan, &is_open));
        self.adopted.len() != before
    }

    fn adopt(
        &mut self,
        source: &str,
        destination: &Destination,
        plan: &WatchPlan,
        is_open: impl Fn(TargetId) -> bool,
        now: Time,
    ) -> bool {
        let Ok(target) = destination.target() else { return false };
        if !self.admits(&target.host, target.port) {
            return false;
        }
        if self.adopted.iter().any(|one| one.target.target.text == target.text) {
            // It is in the plan that comes.
            return true;
        }
        if self.adopted.len() >= self.config.most {
            let oldest = self.adopted.iter().enumerate().filter(|(_, one)| !is_wanted(one, plan, &is_open));
            let Some((oldest, _)) = oldest.min_by_key(|(_, one)| one.heard) else { return false };
            self.adopted.remove(oldest);
        }
        self.adopted.push(Adopted { target: self.like(target, source), heard: now });
        true
    }

    fn like(&self, target: reach_core::model::Target, source: &str) -> TargetConfig {
        let like = &self.config.like;
        let mut labels = like.labels.clone();
        labels.insert(FOUND_BY.to_owned(), source.to_owned());
        TargetConfig { target, labels, pace: like.pace.clone(), rules: like.rules.clone() }
    }

    fn admits(&self, host: &Host, port: u16) -> bool {
        let policy = &self.config.examine;
        match host {
            // The application's own host is another one than this, or it is this one, and needs no network.
            Host::Name(name) if is_local(name) => false,
            Host::Address(address) if is_own(*address) => false,
            Host::Name(name) => policy.admits_lookup(name, Some(port)),
            Host::Address(address) => policy.admits(None, *address, Some(port)),
        }
    }
}

fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

fn is_own(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified() || address.is_multicast()
}

fn is_wanted(one: &Adopted, plan: &WatchPlan, is_open: &impl Fn(TargetId) -> bool) -> bool {
    let mut same = plan.targets.iter().filter(|watched| watched.target.text == one.target.target.text);
    same.any(|watched| is_open(watched.id))
}

/// The target that leads to the same place: by its name, or by one of its addresses.
fn target_of(destination: &Destination, plan: &WatchPlan, known: &[TargetStatus]) -> Option<TargetId> {
    let by_name = plan.targets.iter().find(|watched| destination.is(&watched.target));
    if let Some(watched) = by_name {
        return Some(watched.id);
    }
    let place = SocketAddr::new(destination.host.parse().ok()?, destination.port);
    let leads_there = |target: &&TargetStatus| {
        target.port == place.port()
            && target.addresses.iter().any(|one| one.remembered.series.address == place.ip())
    };
    known.iter().find(leads_there).map(|target| target.id)
}

#[cfg(test)]
mod tests;
