//! How fast packets may leave.

use std::{collections::BTreeMap, time::Duration};

use crate::Time;

/// The gap after which a router that limits its ICMP errors has a new one to give: Linux gives one a second
/// (`icmp_ratelimit`, icmp(7)).
const LIMITED_GAP: Duration = Duration::from_millis(1_050);

/// Packets sent within so long of each other find the same tokens at a router.
const TOGETHER: Duration = Duration::from_millis(20);

/// A token bucket over all packets, and a slow lane for each hop that limits its answers.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    rate: f64,
    burst: f64,
    tokens: f64,
    at: Time,
    /// When packets were last sent to expire at this hop (of this family).
    last: BTreeMap<(bool, u8), Burst>,
}

/// Packets sent at about the same time.
#[derive(Clone, Copy, Debug)]
struct Burst {
    /// When the last of them left.
    last: Time,
    /// When the last one before them did.
    before: Option<Time>,
}

impl Pace {
    /// `rate` packets a second.
    pub(super) fn new(rate: u32, now: Time) -> Self {
        let rate = f64::from(rate.max(1));
        let burst = (rate / 8.0).clamp(1.0, 256.0);
        Self { rate, burst, tokens: burst, at: now, last: BTreeMap::new() }
    }

    /// When the next packet may leave.
    pub(super) fn next(&mut self, now: Time) -> Time {
        let gained = now.since(self.at).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + gained).min(self.burst);
        self.at = self.at.max(now);
        // A little less than a whole token is a whole one: waiting times are rounded to microseconds.
        let lacking = 1.0 - 1e-6 * self.rate - self.tokens;
        if lacking <= 0.0 { now } else { now + Duration::from_secs_f64(lacking / self.rate) + TICK }
    }

    /// A packet leaves.
    pub(super) fn take(&mut self, hop: Option<(bool, u8)>, now: Time) {
        self.tokens -= 1.0;
        if let Some(hop) = hop {
            let before = match self.last.get(&hop) {
                Some(burst) if now.since(burst.last) <= TOGETHER => burst.before,
                Some(burst) => Some(burst.last),
                None => None,
            };
            self.last.insert(hop, Burst { last: now, before });
        }
    }

    /// When a hop that limits its answers may be asked again; where it only may limit them, several addresses ask
    /// `together`, of which one at least gets the answer.
    pub(super) fn slow(&self, hop: (bool, u8), together: bool, now: Time) -> Time {
        let Some(burst) = self.last.get(&hop) else { return Time::default() };
        let since =
            if together && now.since(burst.last) <= TOGETHER { burst.before } else { Some(burst.last) };
        since.map_or(Time::default(), |since| since + LIMITED_GAP)
    }
}

const TICK: Duration = Duration::from_micros(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hop_that_only_may_limit_its_answers_is_asked_together() {
        let start = Time::from_micros(1_000_000);
        let mut pace = Pace::new(100, start);
        let hop = (false, 2);
        pace.take(Some(hop), start);
        let due = start + LIMITED_GAP;
        assert_eq!(pace.slow(hop, true, due), due);
        pace.take(Some(hop), due);
        let next = due + Duration::from_millis(1);
        assert!(pace.slow(hop, true, next) <= next);
        assert_eq!(pace.slow(hop, false, next), due + LIMITED_GAP);
        pace.take(Some(hop), next);
        let later = next + Duration::from_millis(100);
        assert_eq!(pace.slow(hop, true, later), next + LIMITED_GAP);
    }

    #[test]
    fn the_rate_is_kept() {
        let start = Time::from_micros(1_000_000);
        let mut pace = Pace::new(100, start);
        let (mut now, mut sent) = (start, 0);
        while now < start + Duration::from_secs(2) {
            let next = pace.next(now);
            if next > now {
                now = next;
                continue;
            }
            pace.take(None, now);
            sent += 1;
        }
        assert!((200..=214).contains(&sent), "{sent}");
    }
}
