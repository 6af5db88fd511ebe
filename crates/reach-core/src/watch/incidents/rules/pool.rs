//! Addresses that come and go: worth knowing, never worth a ring.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use crate::{Time, watch::News};

/// Changes are gathered for so long before they are told…
const SETTLE: Duration = Duration::from_secs(5 * 60);
/// …and told no more often than so.
const SELDOM: Duration = Duration::from_secs(60 * 60);

/// What changed of a pool since that was told last.
#[derive(Debug)]
pub(in super::super) struct Pool {
    appeared: BTreeSet<IpAddr>,
    vanished: BTreeSet<IpAddr>,
    tell_at: Option<Time>,
    told: Option<Time>,
    /// What appears before is the pool as it is, and no news.
    baseline_until: Time,
}

impl Pool {
    pub(in super::super) fn new(baseline_until: Time) -> Self {
        let (appeared, vanished) = (BTreeSet::new(), BTreeSet::new());
        Self { appeared, vanished, tell_at: None, told: None, baseline_until }
    }

    /// The pool is known from before: what appears from now on is news.
    pub(in super::super) fn is_known(&mut self) {
        self.baseline_until = Time::default();
    }

    pub(in super::super) fn appeared(&mut self, address: IpAddr, at: Time) {
        if !self.vanished.remove(&address) && at >= self.baseline_until {
            self.appeared.insert(address);
        }
        self.plan(at);
    }

    pub(in super::super) fn vanished(&mut self, address: IpAddr, at: Time) {
        if !self.appeared.remove(&address) {
            self.vanished.insert(address);
        }
        self.plan(at);
    }

    pub(in super::super) fn due(&self) -> Option<Time> {
        self.tell_at
    }

    pub(in super::super) fn shift(&mut self, by: Duration) {
        self.tell_at = self.tell_at.map(|at| at + by);
    }

    /// Nobody may hear it now.
    pub(in super::super) fn postpone(&mut self, now: Time) {
        self.tell_at = Some(now + SETTLE);
    }

    /// What is to be told at `now`.
    pub(in super::super) fn take_due(&mut self, now: Time) -> Option<News> {
        self.tell_at.filter(|at| *at <= now)?;
        (self.tell_at, self.told) = (None, Some(now));
        let appeared = std::mem::take(&mut self.appeared);
        let vanished = std::mem::take(&mut self.vanished);
        Some(News::Pool { appeared, vanished })
    }

    fn plan(&mut self, at: Time) {
        if self.appeared.is_empty() && self.vanished.is_empty() {
            self.tell_at = None;
        } else if self.tell_at.is_none() {
            let earliest = self.told.map_or(at, |told| told + SELDOM);
            self.tell_at = Some(earliest.max(at + SETTLE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn changes_are_gathered_and_what_came_and_went_is_no_news() {
        let [first, second, third] = [1, 2, 3].map(|last| IpAddr::from([192, 0, 2, last]));
        let mut pool = Pool::new(at(900));
        pool.appeared(first, at(10));
        assert_eq!(pool.due(), None, "the first look is no news");
        pool.appeared(second, at(1_000));
        pool.vanished(first, at(1_100));
        pool.appeared(third, at(1_150));
        pool.vanished(third, at(1_200));
        assert_eq!(pool.take_due(at(1_299)), None);
        let news = News::Pool { appeared: [second].into(), vanished: [first].into() };
        assert_eq!(pool.take_due(at(1_300)), Some(news));
        pool.appeared(first, at(1_400));
        assert_eq!(pool.due(), Some(at(1_300 + 3_600)), "at most once an hour");
        pool.vanished(first, at(1_500));
        assert_eq!(pool.due(), None);
    }
}
