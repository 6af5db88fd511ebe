//! Roll-ups, in columns.
//!
//! One roll-up is what came of all tries of one [`Track`] in one period (ten minutes or an hour). Sorted by
//! target, address, layer and period; the columns hold differences from the roll-up before of the same track.
//! Latencies are counted in classes five steps of [`coarse`](super::coarse) wide (5.1 %), so a quantile of
//! any number of merged roll-ups is off by at most 2.6 %. The mean is kept to 0.05 %.

use std::collections::BTreeMap;

use super::{
    Cursor, Mark, Track, fine, fine_micros, join, micros, moved, put, put_signed, seal, split, unseal,
};

/// No page has more roll-ups.
pub const MOST: usize = 1 << 14;

/// What came of the tries of one period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Failures by the number of their reason.
    pub failures: BTreeMap<u8, u64>,
    /// Tries that could not be made.
    pub unable: u64,
    /// The quickest answer and the slowest, as [`coarse`](super::coarse) writes them; of no answers, 0.
    pub extremes: (u16, u16),
    /// Microseconds that all answers took together.
    pub sum: u64,
    /// Answers by class.
    pub classes: BTreeMap<u16, u64>,
    /// Those of the answers and of the failures that were fast repetitions after a failure.
    pub again: (u64, u64),
}

/// One roll-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roll {
    /// Whose.
    pub track: Track,
    /// Which period: whole periods since the Unix epoch.
    pub period: u64,
    /// What came of it.
    pub stats: Stats,
}

impl Stats {
    /// Counts one result, which was a fast repetition or not.
    pub fn add(&mut self, mark: Mark, again: bool) {
        match mark {
            Mark::Answered(_) => self.again.0 += u64::from(again),
            Mark::Failed(_) => self.again.1 += u64::from(again),
            Mark::Unable => {}
        }
        match mark {
            Mark::Unable => self.unable += 1,
            Mark::Failed(reason) => *self.failures.entry(reason).or_default() += 1,
            Mark::Answered(code) => {
                let known = !self.classes.is_empty();
                let (least, most) = if known { self.extremes } else { (code, code) };
                self.extremes = (least.min(code), most.max(code));
                self.sum = self.sum.saturating_add(micros(code));
                *self.classes.entry(code / CLASS).or_default() += 1;
            }
        }
    }

    /// Counts what others counted.
    pub fn merge(&mut self, other: &Stats) {
        for (&reason, &count) in &other.failures {
            let sum = self.failures.entry(reason).or_default();
            *sum = sum.saturating_add(count);
        }
        self.unable = self.unable.saturating_add(other.unable);
        self.again = (self.again.0.saturating_add(other.again.0), self.again.1.saturating_add(other.again.1));
        if !other.classes.is_empty() {
            let known = !self.classes.is_empty();
            let (least, most) = if known { self.extremes } else { other.extremes };
            self.extremes = (least.min(other.extremes.0), most.max(other.extremes.1));
        }
        self.sum = self.sum.saturating_add(other.sum);
        for (&class, &count) in &other.classes {
            let sum = self.classes.entry(class).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    /// How many answers.
    pub fn answered(&self) -> u64 {
        self.classes.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many failures.
    pub fn failed(&self) -> u64 {
        self.failures.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The time, in microseconds, that at least this share (0 to 1) of the answers does not exceed.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let count = self.answered();
        let rank = ((share.clamp(0.0, 1.0) * count as f64).ceil() as u64).max(1);
        let mut passed = 0_u64;
        let class = self.classes.iter().find_map(|(class, count)| {
            passed = passed.saturating_add(*count);
            (passed >= rank).then_some(*class)
        })?;
        let middle = class.saturating_mul(CLASS).saturating_add(CLASS / 2);
        Some(micros(middle.clamp(self.extremes.0, self.extremes.1)))
    }
}

/// Seals at most [`MOST`] roll-ups, which have to be sorted by track and period.
pub fn encode(rolls: &[Roll]) -> Vec<u8> {
    seal(&write(rolls))
}

/// The roll-ups of a sealed page; `None` of anything else.
pub fn decode(sealed: &[u8]) -> Option<Vec<Roll>> {
    read(&unseal(sealed)?)
}

/// The body of a page of roll-ups, which have to be sorted.
pub fn write(rolls: &[Roll]) -> Vec<u8> {
    debug_assert!(rolls.len() <= MOST);
    let [mut runs, mut faults, mut levels, mut classes] = [const { Vec::new() }; 4];
    let (mut target, mut series) = (0, 0);
    for run in rolls.chunk_by(|one, other| one.track == other.track) {
        let track = run[0].track;
        put(&mut runs, run.len() as u64);
        put_signed(&mut runs, i64::from(track.target) - i64::from(target));
        put_signed(&mut runs, i64::from(track.series) - i64::from(series));
        runs.push(track.layer);
        (target, series) = (track.target, track.series);
        let mut before = Before::default();
        for Roll { period, stats, .. } in run {
            put_signed(&mut runs, period.wrapping_sub(before.period) as i64);
            put(&mut faults, stats.unable);
            put(&mut faults, stats.again.0);
            put(&mut faults, stats.again.1);
            put(&mut faults, stats.failures.len() as u64);
            for (&reason, &count) in &stats.failures {
                faults.push(reason);
                put(&mut faults, count);
            }
            put(&mut classes, stats.classes.len() as u64);
            before.period = *period;
            if let Some(count) = std::num::NonZeroU64::new(stats.answered()) {
                let mean = fine(stats.sum / count);
                let (least, most) = stats.extremes;
                put_signed(&mut levels, i64::from(least) - i64::from(before.least));
                put(&mut levels, u64::from(most - least));
                put_signed(&mut levels, i64::from(mean) - i64::from(before.mean));
                (before.least, before.mean) = (least, mean);
                let mut below = least / CLASS;
                for (&class, &count) in &stats.classes {
                    put(&mut classes, u64::from(class - below));
                    put(&mut classes, count);
                    below = class;
                }
            }
        }
    }
    join([runs, faults, levels, classes])
}

/// The roll-ups of the body of a page; `None` of anything else.
pub fn read(body: &[u8]) -> Option<Vec<Roll>> {
    let [mut runs, mut faults, mut levels, mut classes] = split::<4>(body)?;
    let mut rolls = Vec::new();
    let mut track = Track { target: 0, series: 0, layer: 0 };
    while !runs.is_empty() {
        let length = usize::try_from(runs.number()?).ok()?;
        if length == 0 || rolls.len() + length > MOST {
            return None;
        }
        track.target = moved(track.target, runs.signed()?)?;
        track.series = moved(track.series, runs.signed()?)?;
        track.layer = runs.byte()?;
        let mut before = Before::default();
        for _ in 0..length {
            before.period = before.period.wrapping_add_signed(runs.signed()?);
            let (unable, again) = (faults.number()?, (faults.number()?, faults.number()?));
            let mut stats = Stats { unable, again, ..Stats::default() };
            for _ in 0..faults.number()? {
                stats.failures.insert(faults.byte()?, faults.number()?);
            }
            read_answers(&mut stats, &mut before, &mut levels, &mut classes)?;
            if stats.again.0 > stats.answered() || stats.again.1 > stats.failed() {
                return None;
            }
            rolls.push(Roll { track, period: before.period, stats });
        }
    }
    [faults, levels, classes].iter().all(Cursor::is_empty).then_some(rolls)
}

/// The width of a class in steps of the coarse scale.
const CLASS: u16 = 5;

/// What the roll-up before of the same track had.
#[derive(Default)]
struct Before {
    period: u64,
    least: u16,
    mean: u16,
}

fn read_answers(
    stats: &mut Stats,
    before: &mut Before,
    levels: &mut Cursor<'_>,
    classes: &mut Cursor<'_>,
) -> Option<()> {
    let number = classes.number()?;
    if number == 0 {
        return Some(());
    }
    let near = |from: u16, by: i64| u16::try_from(moved(u32::from(from), by)?).ok();
    before.least = near(before.least, levels.signed()?)?;
    let most = u16::try_from(levels.number()?).ok()?.checked_add(before.least)?;
    before.mean = near(before.mean, levels.signed()?)?;
    stats.extremes = (before.least, most);
    let mut class = before.least / CLASS;
    let mut answered = 0_u64;
    for place in 0..number {
        let gap = u16::try_from(classes.number()?).ok()?;
        class = class.checked_add(gap)?;
        let count = classes.number()?;
        // A class is told once, and only if there is something in it.
        if count == 0 || (place > 0 && gap == 0) {
            return None;
        }
        answered = answered.checked_add(count)?;
        stats.classes.insert(class, count);
    }
    stats.sum = fine_micros(before.mean).saturating_mul(answered);
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::coarse;
    use super::*;

    fn mark() -> impl Strategy<Value = (Mark, bool)> {
        let mark = prop_oneof![
            8 => (1_u64..10_000_000).prop_map(|span| Mark::Answered(coarse(span))),
            2 => (0_u8..10).prop_map(Mark::Failed),
            1 => Just(Mark::Unable),
        ];
        (mark, prop::bool::weighted(0.2))
    }

    fn rolls() -> impl Strategy<Value = Vec<Roll>> {
        let stats = prop::collection::vec(mark(), 0..30).prop_map(|marks| {
            let mut stats = Stats::default();
            marks.into_iter().for_each(|(mark, again)| stats.add(mark, again));
            stats
        });
        let place = (0_u32..4, 0_u32..9, 0_u8..6, 2_900_000_u64..2_900_100);
        prop::collection::btree_map(place, stats, 0..40).prop_map(|found| {
            let roll = |((target, series, layer, period), stats)| Roll {
                track: Track { target, series, layer },
                period,
                stats,
            };
            found.into_iter().map(roll).collect()
        })
    }

    fn without_sum(rolls: &[Roll]) -> Vec<Roll> {
        let strip = |roll: &Roll| Roll { stats: Stats { sum: 0, ..roll.stats.clone() }, ..roll.clone() };
        rolls.iter().map(strip).collect()
    }

    proptest! {
        #[test]
        fn roll_ups_survive(rolls in rolls()) {
            let found = decode(&encode(&rolls)).expect("what was encoded");
            prop_assert_eq!(without_sum(&found), without_sum(&rolls));
            for (found, roll) in found.iter().zip(&rolls) {
                let (sum, kept) = (roll.stats.sum as f64, found.stats.sum as f64);
                let bound = sum * 0.000_51 + 1.5 * roll.stats.answered() as f64;
                prop_assert!((kept - sum).abs() <= bound, "{} for {}", kept, sum);
            }
            prop_assert_eq!(decode(&encode(&found)), Some(found));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(decode(&bytes), None);
            let _ = read(&bytes);
        }

        #[test]
        fn to_merge_is_to_count_all(marks in prop::collection::vec(mark(), 0..100), cut in 0_usize..100) {
            let count = |marks: &[(Mark, bool)]| {
                let mut stats = Stats::default();
                marks.iter().for_each(|&(mark, again)| stats.add(mark, again));
                stats
            };
            let (early, late) = marks.split_at(cut.min(marks.len()));
            let mut merged = count(early);
            merged.merge(&count(late));
            prop_assert_eq!(merged, count(&marks));
        }

        #[test]
        fn quantiles_are_near_the_truth(
            spans in prop::collection::vec(100_u64..100_000_000, 1..500),
            share in 0.0_f64..=1.0,
        ) {
            let mut stats = Stats::default();
            spans.iter().for_each(|&span| stats.add(Mark::Answered(coarse(span)), false));
            let mut sorted = spans;
            sorted.sort_unstable();
            let rank = ((share * sorted.len() as f64).ceil() as usize).max(1);
            let exact = sorted[rank - 1] as f64;
            let found = stats.quantile(share).expect("answers") as f64;
            prop_assert!((found - exact).abs() <= exact * 0.03 + 1.0, "{} for {}", found, exact);
        }
    }
}
