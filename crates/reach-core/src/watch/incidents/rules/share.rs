//! Too large a share of tries fails.

use crate::{
    Time,
    watch::{Cause, FailureShare, Gravity, Share as Verdict},
};

use super::Complaint;

/// From this share on it is critical.
const HALF: f64 = 0.5;

/// Counts the first tries of one target in windows that follow one another and do not overlap.
///
/// A window is judged once, when it is over. To judge again with each try would test the same hypothesis hundreds of
/// times, and a healthy service would cross the bound some time by chance alone; so its rate of false alarms is that
/// of one test a window.
///
/// What a window says is [`FailureShare::judge`]'s. A window with too few tries says nothing, neither way; where there is
/// something to be ended, the next one goes on with them, as a pool may become too small for one window.
#[derive(Debug)]
pub(in super::super) struct Share {
    pub rule: FailureShare,
    from: Option<Time>,
    tries: u32,
    failed: u32,
    first_failure: Option<Time>,
    last_failure: Time,
    complaint: Option<Complaint>,
}

impl Share {
    pub(super) fn new(rule: FailureShare) -> Self {
        Self {
            rule,
            from: None,
            tries: 0,
            failed: 0,
            first_failure: None,
            last_failure: Time::default(),
            complaint: None,
        }
    }

    pub(super) fn resume(&mut self, cause: &Cause, bad_at: Time) {
        self.complaint =
            Some(Complaint { cause: cause.clone(), gravity: Gravity::Degraded, since: bad_at, bad_at });
    }

    pub(super) fn complaint(&self) -> Option<&Complaint> {
        self.complaint.as_ref()
    }

    pub(super) fn due(&self) -> Option<Time> {
        self.from.map(|from| from + self.rule.window)
    }

    /// Counts a first try.
    pub(in super::super) fn take(&mut self, at: Time, failed: bool) {
        self.advance(at);
        self.from.get_or_insert(at);
        self.tries = self.tries.saturating_add(1);
        if failed {
            self.failed = self.failed.saturating_add(1);
            self.first_failure.get_or_insert(at);
            self.last_failure = self.last_failure.max(at);
            if let Some(complaint) = &mut self.complaint {
                complaint.bad_at = complaint.bad_at.max(at);
                if let Cause::FailureShare { last, .. } = &mut complaint.cause {
                    *last = complaint.bad_at;
                }
            }
        }
    }

    /// Counts tries that are remembered, if they are of the window that is under way at `now`.
    pub(in super::super) fn recall(&mut self, at: Time, answered: u32, failed: u32, now: Time) {
        if at > now || at + self.rule.window <= now {
            return;
        }
        self.from = Some(self.from.map_or(at, |from| from.min(at)));
        self.tries = self.tries.saturating_add(answered).saturating_add(failed);
        self.failed = self.failed.saturating_add(failed);
        if failed > 0 {
            self.first_failure.get_or_insert(at);
            self.last_failure = self.last_failure.max(at);
        }
    }

    pub(super) fn interrupted(&mut self) {
        (self.from, self.tries, self.failed, self.first_failure) = (None, 0, 0, None);
    }

    pub(super) fn advance(&mut self, now: Time) {
        if self.due().is_none_or(|due| now < due) {
            return;
        }
        let (tries, failed, first) = (self.tries, self.failed, self.first_failure);
        self.interrupted();
        if tries < self.rule.least.max(1) {
            // What stands may have to be ended by a pool that has become too small for a window: it counts on.
            if self.complaint.is_some() && tries > 0 {
                (self.from, self.tries, self.failed, self.first_failure) = (Some(now), tries, failed, first);
            }
            return;
        }
        match self.rule.judge(failed.into(), tries.into()) {
            Verdict::TooMuch(bounds) => {
                let (threshold, last) = (self.rule.threshold, self.last_failure);
                self.complaint = Some(Complaint {
                    cause: Cause::FailureShare { failed, tries, bounds, threshold, last },
                    gravity: if bounds.0 >= HALF { Gravity::Critical } else { Gravity::Degraded },
                    since: self.complaint.as_ref().map_or(first.unwrap_or(now), |known| known.since),
                    bad_at: last,
                });
            }
            Verdict::Fine => self.complaint = None,
            Verdict::Unsaid => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::stats::split_mix;

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn window(share: &mut Share, from: u64, tries: u32, failed: u32) {
        for n in 0..tries {
            share.take(at(from), n < failed);
        }
        share.advance(at(from + 300));
    }

    fn rule(least: u32) -> Share {
        Share::new(FailureShare { least, ..FailureShare::default() })
    }

    #[test]
    fn it_fires_only_where_the_bound_says_so() {
        // The largest windows in which so many failures still show more than 1 %.
        for (failed, tries) in [(1, 17), (2, 55), (3, 102), (5, 214), (10, 544)] {
            let mut share = rule(10);
            window(&mut share, 0, tries, failed);
            assert!(share.complaint().is_some(), "{failed} of {tries}");
            let mut share = rule(10);
            window(&mut share, 0, tries + 1, failed);
            assert!(share.complaint().is_none(), "{failed} of {}", tries + 1);
        }
    }

    #[test]
    fn too_few_tries_neither_begin_nor_end_it() {
        let mut share = rule(30);
        window(&mut share, 0, 29, 29);
        assert!(share.complaint().is_none());
        window(&mut share, 300, 30, 30);
        assert!(share.complaint().is_some());
        window(&mut share, 600, 29, 0);
        assert!(share.complaint().is_some(), "29 tries say nothing");
        share.advance(at(5_000));
        assert!(share.complaint().is_some(), "no tries say nothing");
        window(&mut share, 6_000, 30, 1);
        assert!(share.complaint().is_some(), "one failure in 30 is still too much");
        window(&mut share, 6_300, 30, 0);
        assert!(share.complaint().is_none());
    }

    #[test]
    fn with_enough_tries_single_failures_do_not_keep_it() {
        let mut share = rule(30);
        window(&mut share, 0, 500, 50);
        assert!(share.complaint().is_some());
        window(&mut share, 300, 562, 1);
        assert!(share.complaint().is_some(), "563 are needed");
        window(&mut share, 600, 563, 1);
        assert!(share.complaint().is_none());
    }

    #[test]
    fn calm_begins_with_the_last_failure_and_not_with_the_end_of_the_window() {
        let mut share = rule(30);
        window(&mut share, 0, 30, 30);
        for second in 300..500 {
            share.take(at(second), second == 310);
        }
        share.advance(at(600));
        assert_eq!(share.complaint().map(|complaint| complaint.bad_at), Some(at(310)));
    }

    #[test]
    fn a_healthy_service_is_hardly_ever_accused() {
        // 0.2 % of failures, 50 tries a window, the 1 % rule: a naive one fires in 17 of 180 windows.
        const WINDOWS: u64 = 20_000;
        let (mut fired, mut naive) = (0_u32, 0_u32);
        for number in 0..WINDOWS {
            let mut share = rule(30);
            let fails = |n: u64| split_mix(number * 50 + n).is_multiple_of(500);
            for n in 0..50 {
                share.take(at(n * 6), fails(n));
            }
            share.advance(at(300));
            fired += u32::from(share.complaint().is_some());
            naive += u32::from((0..50).any(fails));
        }
        assert!(f64::from(fired) / (WINDOWS as f64) < 1.0 / 180.0, "{fired} of {WINDOWS}");
        assert!(f64::from(naive) / (WINDOWS as f64) > 15.0 / 180.0, "{naive} of {WINDOWS}");
    }

    #[test]
    fn remembered_tries_count_in_the_window_under_way_only() {
        let mut share = rule(30);
        share.recall(at(1_000), 0, 1_000, at(1_300));
        assert_eq!(share.due(), None);
        share.recall(at(1_100), 10, 20, at(1_300));
        assert_eq!(share.due(), Some(at(1_400)));
        share.advance(at(1_400));
        assert!(share.complaint().is_some());
        assert_eq!(share.rule.window, Duration::from_secs(300));
    }
}
