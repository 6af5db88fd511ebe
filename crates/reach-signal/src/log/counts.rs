//! Requests of an access log, counted by stretches of time.

use std::{collections::BTreeMap, time::Duration};

use reach_core::{Time, signal::Requests};
use serde::{Deserialize, Serialize};

/// Which answers are failures of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Statuses from the first to the second, both included.
    ranges: Vec<(u16, u16)>,
}

impl Default for Failing {
    fn default() -> Self {
        Self { ranges: vec![(500, 599)] }
    }
}

impl Failing {
    /// Of texts like `5xx`, `429`, `520-529`. The error says what is wrong with one of them.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let range = |text: &str| {
            let status = |text: &str| text.parse().ok().filter(|status| (100..1000).contains(status));
            if let Some(hundred) = text.strip_suffix("xx").filter(|text| text.len() == 1) {
                let first = hundred.parse::<u16>().ok().filter(|first| (1..=9).contains(first))? * 100;
                return Some((first, first + 99));
            }
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            Some((status(first.trim())?, status(last.trim())?)).filter(|(first, last)| first <= last)
        };
        let ranges = texts
            .into_iter()
            .map(|text| range(text.trim()).ok_or_else(|| text.to_owned()))
            .collect::<Result<_, _>>()?;
        Ok(Self { ranges })
    }

    /// Whether this answer is one.
    pub fn has(&self, status: u16) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

/// Counts requests in windows that do not overlap, by the time that the log itself says.
///
/// A server writes a request down when it ends, and may say when it began: so a window is given only when a whole one
/// has passed after it. What comes later still is counted in the oldest window that is open, never lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    window: u64,
    open: BTreeMap<u64, Tally>,
    /// Everything before it was given.
    closed_until: u64,
    /// The latest time that a request had.
    latest: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally {
    total: u64,
    failed: u64,
    late: u64,
}

/// A log whose clock runs ahead by more than this is not believed.
const AHEAD: u64 = 300_000_000;

impl Counts {
    /// Counts in windows of this length.
    pub fn new(window: Duration) -> Self {
        let window = u64::try_from(window.as_micros()).unwrap_or(u64::MAX).max(1_000_000);
        Self { window, ..Self::default() }
    }

    /// Goes on where an earlier run stopped, whose windows may have had another length.
    pub fn resumed(window: Duration, earlier: Counts) -> Self {
        let mut counts = Self::new(window);
        (counts.closed_until, counts.latest) = (earlier.closed_until, earlier.latest);
        for (number, tally) in earlier.open {
            let begin = number.saturating_mul(earlier.window).max(earlier.closed_until);
            let known = counts.open.entry(begin / counts.window).or_default();
            known.total = known.total.saturating_add(tally.total);
            known.failed = known.failed.saturating_add(tally.failed);
            known.late = known.late.saturating_add(tally.late);
        }
        counts
    }

    /// Counts a request at this time, read at `heard`.
    pub fn add(&mut self, at: Time, heard: Time, failed: bool, late: bool) {
        let heard = heard.as_micros();
        let at = at.as_micros().min(heard.saturating_add(AHEAD)).max(self.closed_until);
        self.latest = self.latest.max(at);
        let tally = self.open.entry(at / self.window).or_default();
        tally.total += 1;
        tally.failed += u64::from(failed);
        tally.late += u64::from(late && !failed);
    }

    /// The windows that are over, each with its end: by the times of requests, or by `now` where none come.
    pub fn take(&mut self, now: Time, out: &mut Vec<(Time, Requests)>) {
        let now = now.as_micros().max(self.latest);
        while let Some((&number, _)) = self.open.first_key_value() {
            let end = (number + 1).saturating_mul(self.window);
            if end.saturating_add(self.window) > now {
                break;
            }
            self.give(number, end, out);
        }
    }

    /// All windows; the last one ends with its last request.
    pub fn finish(&mut self, out: &mut Vec<(Time, Requests)>) {
        while let Some((&number, _)) = self.open.first_key_value() {
            let end = (number + 1).saturating_mul(self.window);
            let end = if self.open.len() == 1 { end.min(self.latest + 1) } else { end };
            self.give(number, end, out);
        }
    }

    fn give(&mut self, number: u64, end: u64, out: &mut Vec<(Time, Requests)>) {
        let Some(tally) = self.open.remove(&number) else { return };
        let begin = (number * self.window).max(self.closed_until);
        self.closed_until = self.closed_until.max(end);
        out.push((
            Time::from_micros(end),
            Requests {
                span: Duration::from_micros(end.saturating_sub(begin)),
                total: tally.total,
                failed: tally.failed,
                late: tally.late,
                estimated: false,
            },
        ));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn second(at: u64) -> Time {
        Time::from_micros(at * 1_000_000)
    }

    #[test]
    fn a_window_is_given_when_another_one_has_passed() {
        let mut counts = Counts::new(WINDOW);
        let mut out = Vec::new();
        for at in [600, 610, 659, 661, 658] {
            counts.add(second(at), second(700), at == 610, at == 659);
        }
        counts.take(second(719), &mut out);
        assert!(out.is_empty());
        counts.take(second(720), &mut out);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].0, second(660));
        assert_eq!((out[0].1.total, out[0].1.failed, out[0].1.late, out[0].1.span), (4, 1, 1, WINDOW));
        // Later than any grace: counted where it can still be.
        counts.add(second(605), second(721), false, false);
        counts.finish(&mut out);
        assert_eq!((out[1].1.total, out[1].0), (2, Time::from_micros(661_000_001)));
        assert_eq!(counts.closed_until, 661_000_001);
    }

    #[test]
    fn a_clock_that_runs_ahead_is_not_believed() {
        let mut counts = Counts::new(WINDOW);
        counts.add(second(1_000_000), second(700), false, false);
        let mut out = Vec::new();
        counts.finish(&mut out);
        assert!(out[0].0 <= second(1_020));
    }

    #[test]
    fn failing_statuses_are_written_as_people_write_them() {
        let failing = Failing::new(["5xx", "429", "460-463"]).expect("right");
        assert_eq!([500, 599, 429, 461].map(|status| failing.has(status)), [true; 4]);
        assert_eq!([200, 428, 430, 600, 0].map(|status| failing.has(status)), [false; 5]);
        for wrong in ["5x", "0xx", "five", "", "500-400", "99"] {
            assert_eq!(Failing::new([wrong]), Err(wrong.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn every_request_is_counted_once_and_stretches_do_not_overlap(
            steps in proptest::collection::vec((0u64..500, any::<bool>(), any::<bool>(), any::<bool>()), 1..60),
            begin in 0u64..400,
        ) {
            let mut counts = Counts::resumed(WINDOW, Counts { closed_until: begin * 1_000_000, ..Counts::new(WINDOW) });
            let (mut out, mut failures) = (Vec::new(), 0);
            for (number, (at, failed, late, look)) in steps.iter().enumerate() {
                counts.add(second(*at), second(500), *failed, *late);
                failures += u64::from(*failed);
                if *late {
                    // A run ends here, and another one goes on.
                    counts = Counts::resumed(Duration::from_secs(if *look { 60 } else { 30 }), counts);
                }
                if *look {
                    counts.take(second(number as u64 * 10), &mut out);
                }
            }
            counts.finish(&mut out);
            prop_assert_eq!(out.iter().map(|(_, requests)| requests.total).sum::<u64>(), steps.len() as u64);
            prop_assert_eq!(out.iter().map(|(_, requests)| requests.failed).sum::<u64>(), failures);
            let mut before = second(begin);
            for (end, requests) in &out {
                let from = Time::from_micros(end.as_micros() - u64::try_from(requests.span.as_micros()).expect("short"));
                prop_assert!(from >= before, "{from} is before {before}");
                prop_assert!(requests.failed + requests.late <= requests.total);
                before = *end;
            }
        }
    }
}
