//! How fast packets may leave.

use std::{collections::BTreeMap, time::Duration};

use crate::Time;

/// The gap after which a router that limits its ICMP errors has a new one to give: Linux gives one a second
/// (`icmp_ratelimit`, icmp(7)).
const LIMITED_GAP: Duration = Duration::from_millis(1_050);

/// A token bucket over all packets, and a slow lane for each hop that limits its answers.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    rate: f64,
    burst: f64,
    tokens: f64,
    at: Time,
    /// When a packet was last sent to expire at this hop (of this family).
    last: BTreeMap<(bool, u8), Time>,
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
            self.last.insert(hop, now);
        }
    }

    /// When a hop that limits its answers may be asked again.
    pub(super) fn slow(&self, hop: (bool, u8)) -> Time {
        self.last.get(&hop).map_or(Time::default(), |&last| last + LIMITED_GAP)
    }
}

const TICK: Duration = Duration::from_micros(1);

#[cfg(test)]
mod tests {
    use super::*;

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
