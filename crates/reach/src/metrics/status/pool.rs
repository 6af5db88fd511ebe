//! The addresses behind names: what has a label `address`, and how many may have one.

use std::collections::{BTreeMap, BTreeSet};

use reach_core::watch::{AddressState, AddressStatus, LATENCY_BOUNDS, Layer, LayerStatus, Reason};

use super::{Named, Scope, seconds, truth};
use crate::metrics::{Family, Histogram, Kind, Labels};

/// What is counted of one address and layer, or of several addresses together.
#[derive(Clone, Debug, Default)]
struct Tally {
    tries: u64,
    unable: u64,
    failures: BTreeMap<Reason, u64>,
    /// Whether the last try of every address worked; `None` where none was tried.
    works: Option<bool>,
    latency: Vec<u64>,
    latency_us: u64,
}

impl Tally {
    fn add(&mut self, layer: &LayerStatus) {
        self.tries = self.tries.saturating_add(layer.tries);
        self.unable = self.unable.saturating_add(layer.unable);
        for (&reason, &count) in &layer.failures {
            let sum = self.failures.entry(reason).or_default();
            *sum = sum.saturating_add(count);
        }
        if layer.tries > 0 {
            self.works = Some(self.works.unwrap_or(true) && layer.last_worked);
        }
        self.latency.resize(LATENCY_BOUNDS.len() + 1, 0);
        for (sum, &count) in self.latency.iter_mut().zip(&layer.latency) {
            *sum = sum.saturating_add(count);
        }
        self.latency_us = self.latency_us.saturating_add(layer.latency_sum);
    }

    fn histogram(&self) -> Histogram {
        Histogram::of_micros(&LATENCY_BOUNDS, &self.latency, self.latency_us)
    }
}

/// The addresses of a target that have a label of their own, oldest first: an address that comes later never
/// takes the place of one that has one.
fn with_label(addresses: &[AddressStatus], most: usize) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..addresses.len()).collect();
    order.sort_by_key(|&number| {
        let remembered = &addresses[number].remembered;
        (remembered.first_seen, remembered.series.address)
    });
    order.into_iter().take(most).collect()
}

/// The families whose series are about single addresses.
pub(super) fn families(targets: &[Named<'_>], scope: &Scope) -> Vec<Family> {
    let mut families = Families::new();
    for named in targets {
        let addresses = &named.status.addresses;
        let own = with_label(addresses, scope.addresses);
        let mut others: BTreeMap<Layer, Tally> = BTreeMap::new();
        for (number, address) in addresses.iter().enumerate() {
            if !own.contains(&number) {
                for (&layer, status) in &address.layers {
                    others.entry(layer).or_default().add(status);
                }
                continue;
            }
            let text = address.remembered.series.address.to_string();
            for (&layer, status) in &address.layers {
                let mut tally = Tally::default();
                tally.add(status);
                families.layer(&labels_of(named, &text, layer, scope), &tally, scope);
            }
            families.state(named, &text, address);
        }
        for (layer, tally) in others {
            families.layer(&labels_of(named, "other", layer, scope), &tally, scope);
        }
    }
    families.into_list()
}

fn labels_of(named: &Named<'_>, address: &str, layer: Layer, scope: &Scope) -> Labels {
    named.with([("address", address), ("module", layer.code()), ("vantage", &scope.vantage)]).shared()
}

struct Families {
    success: Family,
    attempts: Family,
    failures: Family,
    unable: Family,
    durations: Family,
    states: Family,
    since: Family,
    certificates: Family,
}

impl Families {
    fn new() -> Self {
        let family = Family::new;
        Self {
            success: family(
                Kind::Gauge,
                "reach_probe_success",
                "Whether the last try of an address worked; of address=\"other\" the last tries of all of them.",
            ),
            attempts: family(
                Kind::Counter,
                "reach_probe_attempts_total",
                "Tries of an address with a result; module is how deep they went: echo, connect or exchange.",
            ),
            failures: family(
                Kind::Counter,
                "reach_probe_failures_total",
                "Failed tries of an address by reason.",
            ),
            unable: family(
                Kind::Counter,
                "reach_probe_unable_total",
                "Tries that this host could not even make; they say nothing about the address.",
            ),
            durations: family(
                Kind::Histogram,
                "reach_probe_duration_seconds",
                "How long answers took: from the SYN or echo request to the end of the deepest layer.",
            ),
            states: family(
                Kind::Gauge,
                "reach_address_up",
                "What is thought of an address: 1 it answers, 0 it fails; absent where nothing is known.",
            ),
            since: family(
                Kind::Gauge,
                "reach_address_state_timestamp_seconds",
                "Since when an address is in its state, in Unix time.",
            ),
            certificates: family(
                Kind::Gauge,
                "reach_certificate_expiry_timestamp_seconds",
                "When the first certificate of the chain that an address shows expires, in Unix time.",
            ),
        }
    }

    fn layer(&mut self, labels: &Labels, tally: &Tally, scope: &Scope) {
        if let Some(works) = tally.works {
            self.success.push(labels.clone(), truth(works));
        }
        self.attempts.push(labels.clone(), tally.tries as f64);
        self.unable.push(labels.clone(), tally.unable as f64);
        for (reason, &count) in &tally.failures {
            self.failures.push(labels.with([("reason", reason.code())]), count as f64);
        }
        if scope.histograms {
            self.durations.push_histogram(labels.clone(), tally.histogram());
        }
    }

    fn state(&mut self, named: &Named<'_>, text: &str, address: &AddressStatus) {
        let remembered = &address.remembered;
        let labels = named.with([("address", text)]).shared();
        match remembered.health {
            AddressState::Ok | AddressState::Recovering => self.states.push(labels.clone(), 1.0),
            AddressState::Suspect | AddressState::Down => self.states.push(labels.clone(), 0.0),
            AddressState::Unknown | AddressState::Gone => {}
        }
        let since = remembered.gone_since.unwrap_or(remembered.since);
        self.since.push(labels.with([("state", remembered.state().code())]), seconds(since));
        if let Some(expires) = remembered.certificate_expires {
            self.certificates.push(labels, expires as f64);
        }
    }

    fn into_list(self) -> Vec<Family> {
        let Self { success, attempts, failures, unable, durations, states, since, certificates } = self;
        vec![success, attempts, failures, unable, durations, states, since, certificates]
    }
}
