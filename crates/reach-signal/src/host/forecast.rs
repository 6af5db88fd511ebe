//! When something will be full, said only where the past allows it.
//!
//! The slope is Theil and Sen's: the median of the slopes between all pairs of samples, which a few strange samples do not
//! move; its range is Sen's from the order of the slopes (Sen 1968, *Estimates of the regression coefficient based on
//! Kendall's tau*). That range believes samples to be independent, which how full a disk is at neighbouring moments is
//! not, so a forecast needs more: both halves of the past rise, the rise stands out of the noise, what is said reaches not
//! much further than what was seen, and rises that were as large have not come down again before.

use std::{collections::VecDeque, time::Duration};

use reach_core::Time;
use serde::{Deserialize, Serialize};

/// What was in use, over time: finely of the last hour, coarsely of the last three days.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    fine: Track,
    coarse: Track,
    rises: Rises,
}

impl Default for History {
    fn default() -> Self {
        Self {
            fine: Track::new(Duration::from_secs(30), 120),
            coarse: Track::new(Duration::from_secs(1_800), 144),
            rises: Rises::default(),
        }
    }
}

/// When something will be full if it goes on so.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Units that are filled in a second.
    pub per_second: f64,
    /// How long it takes at the fastest that fits what was seen.
    #[serde(with = "reach_core::micros")]
    pub earliest: Duration,
    /// How long it will probably take.
    #[serde(with = "reach_core::micros")]
    pub likely: Duration,
    /// At the slowest.
    #[serde(with = "reach_core::micros")]
    pub latest: Duration,
    /// How long was looked for that.
    #[serde(with = "reach_core::micros")]
    pub seen: Duration,
}

/// How much further than it was watched a rise is continued.
const REACH: f64 = 10.0;
/// 99 % of a normal distribution lie within so many standard deviations.
const Z: f64 = 2.576;
const LEAST_SAMPLES: usize = 12;
const LEAST_SEEN: Duration = Duration::from_secs(600);

impl History {
    /// Takes what is in use at `now`. A clock that was set back begins a new history.
    pub fn push(&mut self, now: Time, used: u64) {
        self.rises.push(now, used as f64);
        self.fine.push(now, used as f64);
        self.coarse.push(now, used as f64);
    }

    /// When `total` is reached, from what was seen lately if that tells, else from the last days.
    pub fn forecast(&self, total: u64) -> Option<Forecast> {
        let total = total as f64;
        if !self.rises.is_unlike_any_before() {
            return None;
        }
        self.fine.forecast(total).or_else(|| self.coarse.forecast(total))
    }
}

/// The present rise, and those that came down again.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rises {
    last: Time,
    /// Where the present rise began, and how far it went.
    trough: f64,
    peak: f64,
    /// When rises were over and how large they were: each larger than all after it.
    over: VecDeque<(Time, f64)>,
}

/// How long a rise is remembered that came down again.
const REMEMBERED: Duration = Duration::from_secs(3 * 86_400);
const MOST_RISES: usize = 64;

impl Rises {
    fn push(&mut self, now: Time, used: f64) {
        if self.last == Time::default() || now < self.last {
            *self = Self { last: now, trough: used, peak: used, over: VecDeque::new() };
            return;
        }
        self.last = now;
        self.peak = self.peak.max(used);
        let rise = self.peak - self.trough;
        // Down again by half: that one is over.
        if used < self.peak - rise / 2.0 || used < self.trough {
            if rise > 0.0 {
                while self.over.back().is_some_and(|&(_, smaller)| smaller <= rise) {
                    self.over.pop_back();
                }
                self.over.push_back((now, rise));
            }
            (self.trough, self.peak) = (used, used);
        }
        while self.over.len() > MOST_RISES
            || self.over.front().is_some_and(|&(then, _)| now.since(then) > REMEMBERED)
        {
            self.over.pop_front();
        }
    }

    /// The present rise is larger than those that came down again: what is filled and emptied by turns is not told as
    /// filling.
    fn is_unlike_any_before(&self) -> bool {
        let largest = self.over.front().map_or(0.0, |&(_, rise)| rise);
        self.peak - self.trough > largest * 1.2
    }
}

/// Samples at least `spacing` apart.
#[derive(Clone, Debug, PartialEq)]
struct Track {
    spacing: Duration,
    most: usize,
    samples: VecDeque<(Time, f64)>,
}

impl Track {
    fn new(spacing: Duration, most: usize) -> Self {
        Self { spacing, most, samples: VecDeque::new() }
    }

    fn push(&mut self, now: Time, used: f64) {
        if let Some(&(last, _)) = self.samples.back() {
            if now < last {
                self.samples.clear();
            } else if now.since(last) < self.spacing {
                return;
            }
        }
        while self.samples.len() >= self.most {
            self.samples.pop_front();
        }
        self.samples.push_back((now, used));
    }

    fn forecast(&self, total: f64) -> Option<Forecast> {
        let points = self.points();
        let &(seconds, used) = points.last()?;
        let seen = Duration::from_secs_f64(seconds);
        if points.len() < LEAST_SAMPLES || seen < LEAST_SEEN {
            return None;
        }
        let trend = Trend::of(&points)?;
        let (before, after) = points.split_at(points.len() / 2);
        let (first, second) = (Trend::of(before)?.slope, Trend::of(after)?.slope);
        let steady = first > 0.0 && second >= trend.slope / 3.0;
        let rise = trend.slope * seconds;
        if trend.low <= 0.0 || !steady || rise < 3.0 * trend.noise(&points) {
            return None;
        }
        let left = (total - used).max(0.0);
        // What the two halves say is within what may come.
        let (fastest, slowest) = (trend.high.max(second), trend.low.min(second));
        let after = |slope: f64| Duration::try_from_secs_f64(left / slope).ok();
        let forecast = Forecast {
            per_second: trend.slope,
            earliest: after(fastest)?,
            likely: after(trend.slope)?,
            latest: after(slowest)?,
            seen,
        };
        (forecast.likely.as_secs_f64() <= REACH * seconds).then_some(forecast)
    }

    /// Seconds since the first sample, and what was in use.
    fn points(&self) -> Vec<(f64, f64)> {
        let Some(&(first, _)) = self.samples.front() else { return Vec::new() };
        self.samples.iter().map(|&(at, used)| (at.since(first).as_secs_f64(), used)).collect()
    }
}

/// A line through samples.
#[derive(Clone, Copy, Debug)]
struct Trend {
    slope: f64,
    low: f64,
    high: f64,
}

impl Trend {
    fn of(points: &[(f64, f64)]) -> Option<Self> {
        let mut slopes: Vec<f64> = Vec::with_capacity(points.len() * points.len() / 2);
        for (index, &(x, y)) in points.iter().enumerate() {
            slopes.extend(
                points[index + 1..]
                    .iter()
                    .filter(|other| other.0 > x)
                    .map(|other| (other.1 - y) / (other.0 - x)),
            );
        }
        if slopes.is_empty() {
            return None;
        }
        slopes.sort_by(f64::total_cmp);
        let (n, pairs) = (points.len() as f64, slopes.len() as f64);
        let spread = Z * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
        let place = |rank: f64| slopes[(rank.round().max(0.0) as usize).min(slopes.len() - 1)];
        Some(Self {
            slope: slopes[slopes.len() / 2],
            low: place((pairs - spread) / 2.0 - 1.0),
            high: place((pairs + spread) / 2.0),
        })
    }

    /// The median distance of the samples from the line.
    fn noise(&self, points: &[(f64, f64)]) -> f64 {
        let middle = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(0.0)
        };
        let from_line: Vec<f64> = points.iter().map(|&(x, y)| y - self.slope * x).collect();
        let base = middle(from_line.clone());
        middle(from_line.into_iter().map(|distance| (distance - base).abs()).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reach_core::stats::split_mix;

    use super::*;

    const MINUTE: u64 = 60;

    fn history(samples: impl IntoIterator<Item = (u64, f64)>) -> History {
        let mut history = History::default();
        for (seconds, used) in samples {
            history.push(Time::from_micros(seconds * 1_000_000), used as u64);
        }
        history
    }

    /// Noise between -1 and 1 that is always the same.
    fn dice(seed: u64) -> f64 {
        split_mix(seed) as f64 / u64::MAX as f64 * 2.0 - 1.0
    }

    #[test]
    fn a_steady_rise_is_continued_with_a_range() {
        // 1000 units a minute with noise, and 30,000 left after an hour.
        let filling = history((0..=120).map(|i| (i * 30, 1e6 + i as f64 * 500.0 + 300.0 * dice(i))));
        let forecast = filling.forecast(1_090_000).expect("it fills");
        let minutes = |span: Duration| span.as_secs_f64() / 60.0;
        assert!((25.0..36.0).contains(&minutes(forecast.likely)), "{forecast:?}");
        assert!(forecast.earliest <= forecast.likely && forecast.likely <= forecast.latest);
        assert!(minutes(forecast.latest) < 60.0, "{forecast:?}");
    }

    #[test]
    fn what_stays_falls_or_only_trembles_is_not_filling() {
        for (name, slope) in [("stays", 0.0), ("falls", -50.0)] {
            let history = history((0..120).map(|i| (i * 30, 1e6 + i as f64 * slope + 300.0 * dice(i))));
            assert_eq!(history.forecast(1_010_000), None, "{name}");
        }
        let still = history((0..120).map(|i| (i * 30, 1e6)));
        assert_eq!(still.forecast(1_000_001), None);
    }

    #[test]
    fn one_step_up_is_no_trend() {
        let step = history((0..120).map(|i| (i * 30, if i < 60 { 1e6 } else { 2e6 })));
        assert_eq!(step.forecast(2_500_000), None);
        // Neither is a rise that has ended.
        let ended = history((0..120).map(|i| (i * 30, 1e6 + 1e4 * (i.min(60) as f64))));
        assert_eq!(ended.forecast(2_500_000), None);
    }

    #[test]
    fn few_samples_and_short_looks_say_nothing() {
        assert_eq!(history((0..11).map(|i| (i * 300, i as f64 * 1e5))).forecast(2_000_000), None);
        assert_eq!(history((0..19).map(|i| (i * 30, i as f64 * 1e5))).forecast(2_500_000), None);
    }

    #[test]
    fn an_hour_of_rising_says_nothing_of_next_month() {
        let slow = history((0..120).map(|i| (i * 30, 1e9 + i as f64 * 1e3)));
        assert_eq!(slow.forecast(2_000_000_000), None);
    }

    #[test]
    fn a_rise_over_days_is_seen_though_an_hour_shows_nothing() {
        // Steps every six hours: 2 % of the disk a day.
        let days = history((0..3 * 24 * 60).map(|i| (i * MINUTE, 8e9 + (i / 360) as f64 * 5e7)));
        let forecast = days.forecast(9_000_000_000).expect("it fills");
        assert!((1.0..6.0).contains(&(forecast.likely.as_secs_f64() / 86_400.0)), "{forecast:?}");
    }

    #[test]
    fn what_is_emptied_every_two_hours_is_not_filling() {
        let saw = |i: u64| 1e9 + ((i * 30) % 7_200) as f64 * 1e4;
        for end in [300, 350, 400, 470, 1_000] {
            let history = history((0..end).map(|i| (i * 30, saw(i))));
            // The first tooth cannot be known as one.
            if end > 300 {
                assert_eq!(history.forecast(1_100_000_000), None, "{end}");
            }
        }
        // But one that goes on is.
        let beyond =
            history((0..900).map(|i| (i * 30, if i < 480 { saw(i) } else { 1e9 + (i - 480) as f64 * 3e5 })));
        assert!(beyond.forecast(1_200_000_000).is_some());
    }

    #[test]
    fn a_full_one_is_full_now() {
        let full = history((0..=100).map(|i| (i * 30, i as f64 * 1e4)));
        assert_eq!(full.forecast(500_000).map(|it| it.likely), Some(Duration::ZERO));
    }

    #[test]
    fn a_clock_set_back_begins_anew() {
        let mut filling = history((0..=120).map(|i| (1_000_000 + i * 30, 1e6 + i as f64 * 500.0)));
        assert!(filling.forecast(1_090_000).is_some());
        filling.push(Time::from_micros(5), 1);
        assert_eq!(filling.forecast(1_090_000), None);
    }

    proptest! {
        #[test]
        fn any_past_is_bounded_and_ordered(steps in prop::collection::vec((0_u64..4_000, any::<u32>()), 0..300), total: u64) {
            let mut now = 0;
            let history = history(steps.iter().map(|&(step, used)| { now += step; (now, f64::from(used)) }));
            prop_assert!(history.fine.samples.len() <= 120 && history.coarse.samples.len() <= 144);
            if let Some(forecast) = history.forecast(total) {
                prop_assert!(forecast.earliest <= forecast.likely && forecast.likely <= forecast.latest);
                prop_assert!(forecast.per_second > 0.0);
            }
        }
    }
}
