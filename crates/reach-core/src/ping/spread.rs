//! How round-trip times are spread: exact moments, and quantiles in bounded memory.

use std::{collections::BTreeMap, time::Duration};

/// The distribution of spans, in bounded memory however many there are.
///
/// Smallest, largest, mean and deviation are exact. Quantiles are exact for the first 1,000 spans; from then
/// on they are estimates whose error is at most 1 % of the value, by counting spans in classes whose bounds
/// grow by 2 % (Masson, Rim, Lee: *DDSketch*, VLDB 2019). At most about 1,300 classes exist between 1 µs and
/// the longest wait there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    count: u64,
    least: Duration,
    most: Duration,
    /// Microseconds.
    sum: u128,
    /// Microseconds squared.
    squares: u128,
    /// Microseconds, rising; empty from the moment that classes are counted.
    exact: Vec<u64>,
    classes: BTreeMap<u16, u64>,
}

/// So many spans are kept one by one.
const MOST_EXACT: usize = 1_000;
/// The ratio of the bounds of a class; the middle is off by at most half of it.
const RATIO: f64 = 1.02;

impl Spread {
    /// Adds a span; it counts in whole microseconds.
    pub fn add(&mut self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let span = Duration::from_micros(micros);
        self.least = if self.count == 0 { span } else { self.least.min(span) };
        self.most = self.most.max(span);
        self.count += 1;
        self.sum += u128::from(micros);
        self.squares = self.squares.saturating_add(u128::from(micros) * u128::from(micros));
        if !self.classes.is_empty() {
            *self.classes.entry(class(micros)).or_default() += 1;
        } else if self.exact.len() < MOST_EXACT {
            let place = self.exact.partition_point(|known| *known <= micros);
            self.exact.insert(place, micros);
        } else {
            for micros in std::mem::take(&mut self.exact).into_iter().chain([micros]) {
                *self.classes.entry(class(micros)).or_default() += 1;
            }
        }
    }

    /// How many spans.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest; `None` of nothing, as below.
    pub fn min(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.least)
    }

    /// The largest.
    pub fn max(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.most)
    }

    /// The mean, in whole microseconds.
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.sum.checked_div(u128::from(self.count))?;
        Some(Duration::from_micros(u64::try_from(mean).unwrap_or(u64::MAX)))
    }

    /// What `ping` calls mdev: the standard deviation of the whole, √(mean of squares − square of mean).
    pub fn deviation(&self) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        let count = u128::from(self.count);
        // n·Σx² − (Σx)² in whole numbers: nothing cancels out.
        let spread = self.squares.saturating_mul(count).saturating_sub(self.sum.saturating_mul(self.sum));
        let micros = (spread as f64).sqrt() / self.count as f64;
        Some(Duration::from_micros(micros as u64))
    }

    /// The smallest span that at least this share (0 to 1) of all spans does not exceed.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let rank = ((share.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).max(1);
        if self.count == 0 {
            return None;
        }
        if self.classes.is_empty() {
            let place = usize::try_from(rank - 1).unwrap_or(usize::MAX).min(self.exact.len() - 1);
            return Some(Duration::from_micros(self.exact[place]));
        }
        let mut passed = 0;
        let class = self.classes.iter().find_map(|(class, count)| {
            passed += count;
            (passed >= rank).then_some(*class)
        })?;
        Some(Duration::from_micros(middle(class)).clamp(self.least, self.most))
    }
}

/// The class of a span: those from `RATIO`^(n−1) (not included) to `RATIO`^n (included) µs; 0 up to 1 µs.
fn class(micros: u64) -> u16 {
    // ln(2⁶⁴)/ln(1.02) is below 2,300.
    ((micros.max(1) as f64).ln() / RATIO.ln()).ceil() as u16
}

/// The span with the smallest relative error for all of a class.
fn middle(class: u16) -> u64 {
    (2.0 * RATIO.powi(i32::from(class)) / (1.0 + RATIO)).round() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spread(micros: impl IntoIterator<Item = u64>) -> Spread {
        let mut spread = Spread::default();
        for micros in micros {
            spread.add(Duration::from_micros(micros));
        }
        spread
    }

    fn micros(span: Option<Duration>) -> u128 {
        span.expect("something was added").as_micros()
    }

    #[test]
    fn nothing_has_no_spread() {
        let nothing = Spread::default();
        assert_eq!((nothing.min(), nothing.max(), nothing.mean()), (None, None, None));
        assert_eq!((nothing.deviation(), nothing.quantile(0.5)), (None, None));
    }

    #[test]
    fn the_deviation_is_the_one_that_ping_prints() {
        // rtt min/avg/max/mdev = 0.029/0.042/0.058/0.011 ms
        let found = spread([29, 40, 41, 58]);
        assert_eq!((micros(found.min()), micros(found.mean()), micros(found.max())), (29, 42, 58));
        assert_eq!(micros(found.deviation()), 10);
    }

    #[test]
    fn quantiles_are_ranks() {
        let found = spread((1..=100).rev());
        assert_eq!(micros(found.quantile(0.5)), 50);
        assert_eq!(micros(found.quantile(0.95)), 95);
        assert_eq!(micros(found.quantile(0.0)), 1);
        assert_eq!(micros(found.quantile(1.0)), 100);
    }

    #[test]
    fn memory_is_bounded_however_many_spans_there_are() {
        let found = spread((0..200_000_u64).map(|n| n * n % 1_000_000_007));
        assert!(found.exact.is_empty());
        assert!(found.classes.len() < 1_300, "{}", found.classes.len());
    }

    proptest! {
        #[test]
        fn moments_are_those_of_the_textbook(spans in prop::collection::vec(0_u64..3_600_000_000, 1..300)) {
            let found = spread(spans.iter().copied());
            let count = spans.len() as f64;
            let mean = spans.iter().map(|&span| span as f64).sum::<f64>() / count;
            let variance = spans.iter().map(|&span| (span as f64 - mean).powi(2)).sum::<f64>() / count;
            prop_assert_eq!(micros(found.min()), u128::from(*spans.iter().min().expect("some")));
            prop_assert_eq!(micros(found.max()), u128::from(*spans.iter().max().expect("some")));
            prop_assert!((micros(found.mean()) as f64 - mean).abs() <= 1.0);
            prop_assert!((micros(found.deviation()) as f64 - variance.sqrt()).abs() <= 2.0);
        }

        #[test]
        fn quantiles_stay_within_one_percent(
            spans in prop::collection::vec(0_u64..100_000_000, 1_001..3_000),
            share in 0.0_f64..=1.0,
        ) {
            let found = spread(spans.iter().copied());
            let mut sorted = spans;
            sorted.sort_unstable();
            let rank = ((share * sorted.len() as f64).ceil() as usize).max(1);
            let exact = sorted[rank - 1] as f64;
            let estimate = micros(found.quantile(share)) as f64;
            prop_assert!((estimate - exact).abs() <= exact * 0.0101 + 1.0, "{estimate} for {exact}");
        }
    }
}
