//! Rates and waiting times.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{Lane, Limit};
use crate::{Time, stats::split_mix};

/// The first wait after a failure.
const FIRST: Duration = Duration::from_secs(1);
/// The longest one.
pub(super) const LONGEST: Duration = Duration::from_secs(300);

/// When which lane was used.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes(BTreeMap<String, Log>);

#[derive(Clone, Debug, Default)]
struct Log {
    /// The latest times, oldest first.
    used: VecDeque<Time>,
    /// What the other side said.
    not_before: Time,
}

impl Lanes {
    /// When it may be used next.
    pub(super) fn free(&self, lane: &Lane) -> Time {
        let Some(log) = self.0.get(&lane.key) else { return Time::default() };
        let by_limit = |limit: &Limit| {
            let back = limit.most.max(1) as usize;
            log.used.len().checked_sub(back).map_or(Time::default(), |at| log.used[at] + limit.per)
        };
        lane.limits.iter().map(by_limit).max().unwrap_or_default().max(log.not_before)
    }

    /// It is used now.
    pub(super) fn take(&mut self, lane: &Lane, now: Time) {
        let log = self.0.entry(lane.key.clone()).or_default();
        log.used.push_back(now);
        let longest = lane.limits.iter().map(|limit| limit.per).max().unwrap_or_default();
        while log.used.front().is_some_and(|&oldest| now.since(oldest) > longest.max(MEMORY)) {
            log.used.pop_front();
        }
    }

    /// The other side wants to be left alone until then.
    pub(super) fn rest(&mut self, lane: &Lane, until: Time) {
        let log = self.0.entry(lane.key.clone()).or_default();
        log.not_before = log.not_before.max(until);
    }
}

/// Whoever shares a lane may have a longer limit.
const MEMORY: Duration = Duration::from_secs(60);

/// So many messages may come one after another at once…
const AT_ONCE: u32 = 2;
/// … within this time. Whatever comes then is gathered: for so long after the last message, longer with each more…
const FLURRY: Duration = Duration::from_secs(180);
const GATHER: Duration = Duration::from_secs(15);
/// … but no longer than this.
const LONGEST_GATHER: Duration = Duration::from_secs(60);

/// Messages that people got lately, those that only changed one left out. Where a firewall cuts off forty names, a
/// telephone rings twice, and then for all the others together.
///
/// What is urgent (something is critical, and was not before) waits for nothing but its like: whoever got two messages
/// of recoveries, reminders and partial failures has not been told what is worst, and a minute of it is a minute of an
/// outage. That two urgent ones came does make the third wait: the telephone has rung for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Flurry(VecDeque<(Time, bool)>);

impl Flurry {
    /// One was delivered, an urgent one or not.
    pub(super) fn take(&mut self, urgent: bool, now: Time) {
        self.0.push_back((now, urgent));
        while self.0.front().is_some_and(|(oldest, _)| now.since(*oldest) >= FLURRY) {
            self.0.pop_front();
        }
    }

    /// Until when more of the kind is gathered; `None` where nothing is.
    pub(super) fn gathers_until(&self, urgent: bool, now: Time) -> Option<Time> {
        let like = self.0.iter().filter(|(at, other)| now.since(*at) < FLURRY && (*other || !urgent));
        let last = like.clone().next_back().map(|(at, _)| *at)?;
        let more = u32::try_from(like.count()).unwrap_or(u32::MAX).saturating_sub(AT_ONCE - 1);
        (more > 0).then(|| last + GATHER.saturating_mul(more).min(LONGEST_GATHER))
    }
}

/// How long to wait after so many failures in a row: 1 s, 2 s, 4 s … 5 min, less up to a quarter by chance, so that
/// many watchers do not come back in step.
pub(super) fn back_off(failures: u32, seed: u64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST);
    let less = doubled.as_micros() as u64 / 4;
    let chance = split_mix(seed) % (less + 1);
    doubled - Duration::from_micros(chance)
}

/// A number that differs between names (FNV-1a, 64 bit).
pub(super) fn spread(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    #[test]
    fn no_span_holds_more_than_the_limit() {
        let lane = Lane {
            key: "chat".to_owned(),
            limits: vec![
                Limit { most: 1, per: Duration::from_secs(1) },
                Limit { most: 15, per: Duration::from_secs(60) },
            ],
        };
        let mut lanes = Lanes::default();
        let mut now = at(0);
        let mut used = Vec::new();
        for _ in 0..60 {
            now = now.max(lanes.free(&lane));
            lanes.take(&lane, now);
            used.push(now);
        }
        assert!(used.windows(2).all(|pair| pair[1].since(pair[0]) >= Duration::from_secs(1)));
        assert!(used.windows(16).all(|some| some[15].since(some[0]) >= Duration::from_secs(60)));
        assert_eq!(used[14], at(14_000));
        assert_eq!(used[15], at(60_000));
    }

    #[test]
    fn waits_double_up_to_five_minutes() {
        for seed in 0..50 {
            for (failures, most) in [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (99, 300)] {
                let (most, wait) = (Duration::from_secs(most), back_off(failures, seed));
                assert!(wait <= most && wait >= most.mul_f64(0.75), "{failures}: {wait:?}");
            }
        }
    }
}
