//! Handshakes take too long.

use std::time::Duration;

use crate::{
    Time,
    ping::Spread,
    stats::wilson,
    watch::{Cause, Gravity, LatencyRule},
};

use super::Complaint;

/// The normal quantile of 95 %.
const Z: f64 = 1.96;

/// Counts handshakes in windows that follow one another, each judged once when it is over.
///
/// A quantile above a limit is the same as too large a share of handshakes above it, and as such it is tested: the
/// lower Wilson bound of the share of slow ones has to be above what the quantile allows. It ends with a window
/// whose quantile is not above the limit.
#[derive(Debug)]
pub(in super::super) struct Latency {
    pub rule: LatencyRule,
    from: Option<Time>,
    spread: Spread,
    slow: u32,
    complaint: Option<Complaint>,
}

impl Latency {
    pub(super) fn new(rule: LatencyRule) -> Self {
        Self { rule, from: None, spread: Spread::default(), slow: 0, complaint: None }
    }

    pub(super) fn resume(&mut self, cause: &Cause, bad_at: Time) {
        self.complaint =
            Some(Complaint { cause: cause.clone(), gravity: Gravity::Warning, since: bad_at, bad_at });
    }

    pub(super) fn complaint(&self) -> Option<&Complaint> {
        self.complaint.as_ref()
    }

    pub(super) fn due(&self) -> Option<Time> {
        self.from.map(|from| from + self.rule.window)
    }

    /// Counts a handshake.
    pub(in super::super) fn take(&mut self, at: Time, took: Duration) {
        self.advance(at);
        self.from.get_or_insert(at);
        self.spread.add(took);
        self.slow = self.slow.saturating_add(u32::from(took > self.rule.above));
    }

    pub(super) fn interrupted(&mut self) {
        (self.from, self.spread, self.slow) = (None, Spread::default(), 0);
    }

    pub(super) fn advance(&mut self, now: Time) {
        let Some(end) = self.due().filter(|due| *due <= now) else {
            return;
        };
        let began = self.from.unwrap_or(end);
        let (spread, slow) = (std::mem::take(&mut self.spread), self.slow);
        self.interrupted();
        let count = u32::try_from(spread.count()).unwrap_or(u32::MAX);
        let Some(measured) = spread.quantile(self.rule.quantile).filter(|_| count >= self.rule.least) else {
            // What stands may have to be ended by a pool that has become too small for a window: it counts on.
            if self.complaint.is_some() && count > 0 {
                (self.from, self.spread, self.slow) = (Some(now), spread, slow);
            }
            return;
        };
        let LatencyRule { quantile, above, .. } = self.rule;
        let (low, _) = wilson(slow, count, Z);
        let allowed = 1.0 - quantile;
        if low > allowed {
            let cause = Cause::Latency { measured, above, quantile };
            let since = self.complaint.as_ref().map_or(began, |known| known.since);
            self.complaint = Some(Complaint { cause, gravity: Gravity::Warning, since, bad_at: end });
        } else if f64::from(slow) <= allowed * f64::from(count) {
            self.complaint = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn window(latency: &mut Latency, from: u64, count: u32, slow: u32) {
        for n in 0..count {
            latency.take(at(from), Duration::from_millis(if n < slow { 400 } else { 20 }));
        }
        latency.advance(at(from + 300));
    }

    #[test]
    fn a_median_above_the_limit_is_told_and_a_single_slow_handshake_is_not() {
        let window_span = Duration::from_secs(300);
        let above = Duration::from_millis(200);
        let mut latency = Latency::new(LatencyRule { quantile: 0.5, above, window: window_span, least: 30 });
        window(&mut latency, 0, 30, 16);
        assert!(latency.complaint().is_none(), "16 of 30 may be chance");
        window(&mut latency, 300, 30, 25);
        let cause = latency.complaint().map(|complaint| complaint.cause.clone());
        assert_eq!(
            cause,
            Some(Cause::Latency { measured: Duration::from_millis(400), above, quantile: 0.5 })
        );
        window(&mut latency, 600, 29, 0);
        assert!(latency.complaint().is_some(), "29 say nothing");
        window(&mut latency, 900, 30, 15);
        assert!(latency.complaint().is_none());
    }
}
