//! Failures counted: one entry for each class and destination.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use reach_core::signal::{Failure, FailureClass};

/// A failure and how often it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What all of them have in common; where they differ (client, detail, status, time-out), nothing is said.
    pub failure: Failure,
    /// How many there were.
    pub count: u64,
}

type Key = (FailureClass, Option<String>, Option<IpAddr>, Option<u16>, BTreeSet<IpAddr>, bool);

/// Counts failures without keeping them: memory is bounded by the number of destinations.
#[derive(Debug, Default)]
pub struct Tally {
    known: BTreeMap<Key, usize>,
    counted: Vec<Counted>,
    beyond: u64,
}

impl Tally {
    /// How many destinations are told apart.
    pub const MOST: usize = 4096;
    /// How many addresses of one destination are kept.
    const ADDRESSES: usize = 256;

    /// Counts one failure; says at which place of [`counted`](Self::counted), if there is room.
    pub fn add(&mut self, failure: Failure) -> Option<usize> {
        let addresses = if failure.host.is_none() { failure.addresses.clone() } else { BTreeSet::new() };
        let key = (
            failure.class,
            failure.host.clone(),
            failure.address,
            failure.port,
            addresses,
            is_page(&failure),
        );
        if let Some(&at) = self.known.get(&key) {
            let counted = &mut self.counted[at];
            counted.count += 1;
            let mut addresses = failure.addresses.clone();
            addresses.append(&mut counted.failure.addresses);
            counted.failure.addresses = addresses.into_iter().take(Self::ADDRESSES).collect();
            agree(&mut counted.failure, &failure);
            Some(at)
        } else if self.counted.len() < Self::MOST {
            self.known.insert(key, self.counted.len());
            self.counted.push(Counted { failure, count: 1 });
            Some(self.counted.len() - 1)
        } else {
            self.beyond += 1;
            None
        }
    }

    /// Failures that went to more destinations than are told apart.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Everything counted so far, in the order of first appearance.
    pub fn counted(&self) -> &[Counted] {
        &self.counted
    }

    /// Everything counted, in the order of first appearance.
    pub fn finish(self) -> Vec<Counted> {
        let mut counted = self.counted;
        // A text that does not give the port speaks of the one destination of that name that others give it for.
        let mut at = 0;
        while at < counted.len() {
            let one = &counted[at];
            let alike = |other: &Counted| {
                let (one, other) = (&one.failure, &other.failure);
                other.port.is_some()
                    && other.class == one.class
                    && other.host == one.host
                    && other.address == one.address
                    && is_page(other) == is_page(one)
            };
            let mut same = counted.iter().enumerate().filter(|(_, other)| alike(other)).map(|(at, _)| at);
            match (one.failure.host.is_some() && one.failure.port.is_none(), same.next(), same.next()) {
                (true, Some(same), None) => {
                    let one = counted.remove(at);
                    let same = if same > at { same - 1 } else { same };
                    counted[same].count += one.count;
                    agree(&mut counted[same].failure, &one.failure);
                }
                _ => at += 1,
            }
        }
        counted
    }
}

/// An HTML page where an API is expected came from somebody else than the destination.
fn is_page(failure: &Failure) -> bool {
    failure.detail.as_deref() == Some("html-body")
}

/// Leaves only what both say.
fn agree(common: &mut Failure, other: &Failure) {
    fn both<T: PartialEq + Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
        if mine != theirs {
            *mine = None;
        }
    }
    both(&mut common.detail, &other.detail);
    both(&mut common.client, &other.client);
    both(&mut common.jdk, &other.jdk);
    both(&mut common.status, &other.status);
    both(&mut common.timeout, &other.timeout);
    both(&mut common.local, &other.local);
    if common.host_from != other.host_from {
        common.host_from = common.host_from.max(other.host_from);
    }
}
