//! A budget burns too fast.

use std::{collections::VecDeque, time::Duration};

use crate::{
    Time,
    stats::wilson,
    watch::{BurnRate, Cause, Gravity},
};

use super::Complaint;

/// The normal quantile of 95 %.
const Z: f64 = 1.96;
/// The short window has so many steps…
const SHORT_STEPS: u32 = 5;
/// …and the long one at most so many.
const MOST_STEPS: u32 = 240;
/// So much of the long window has to be known before its share is taken as it is.
const COVERED: f64 = 0.9;

/// Counts first tries in steps, of which the last few make the short window and all of them the long one: a
/// kilobyte for each rule and target.
///
/// It fires if both windows burn faster than the factor, and ends when the short one does not. As long as the long
/// window is not known nearly in whole, its share has to be above the limit by the lower Wilson bound: the first
/// failure after a start, or after a sleep, would else be a hundred times the budget.
#[derive(Debug)]
pub(in super::super) struct Burn {
    pub rule: BurnRate,
    step: Duration,
    /// Steps by their number since the Unix epoch, oldest first: tries and failures.
    steps: VecDeque<(u64, u32, u32)>,
    /// The steps before this one have been judged.
    judged: u64,
    last_failure: Time,
    complaint: Option<Complaint>,
}

impl Burn {
    pub(super) fn new(rule: BurnRate) -> Self {
        let second = Duration::from_secs(1);
        let step = (rule.short / SHORT_STEPS).max(rule.long / MOST_STEPS).max(second);
        let last_failure = Time::default();
        Self { rule, step, steps: VecDeque::new(), judged: 0, last_failure, complaint: None }
    }

    fn gravity(&self) -> Gravity {
        if self.rule.page { Gravity::Degraded } else { Gravity::Warning }
    }

    pub(super) fn resume(&mut self, cause: &Cause, bad_at: Time) {
        self.complaint =
            Some(Complaint { cause: cause.clone(), gravity: self.gravity(), since: bad_at, bad_at });
    }

    pub(super) fn complaint(&self) -> Option<&Complaint> {
        self.complaint.as_ref()
    }

    pub(super) fn due(&self) -> Option<Time> {
        let (number, ..) = self.steps.back()?;
        (*number >= self.judged).then(|| self.end_of(*number))
    }

    /// Counts a first try.
    pub(in super::super) fn take(&mut self, at: Time, failed: bool) {
        self.advance(at);
        self.add(at, u32::from(!failed), u32::from(failed));
    }

    /// Counts tries that are remembered, oldest first.
    pub(in super::super) fn recall(&mut self, at: Time, answered: u32, failed: u32, now: Time) {
        if at <= now && at + self.rule.long > now {
            self.add(at, answered, failed);
        }
    }

    pub(super) fn advance(&mut self, now: Time) {
        if self.due().is_none_or(|due| now < due) {
            return;
        }
        let number = self.number(now);
        let oldest = number.saturating_sub(self.count(self.rule.long));
        while self.steps.front().is_some_and(|(step, ..)| *step < oldest) {
            self.steps.pop_front();
        }
        self.judge(number);
        self.judged = number;
    }

    fn judge(&mut self, number: u64) {
        let long = self.sum(number.saturating_sub(self.count(self.rule.long)));
        let short = self.sum(number.saturating_sub(self.count(self.rule.short)));
        let budget = (1.0 - self.rule.objective).max(f64::EPSILON);
        let limit = self.rule.factor * budget;
        let share = |(tries, failed): (u32, u32)| f64::from(failed) / f64::from(tries.max(1));
        let known = self.steps.iter().filter(|(step, tries, _)| *step < number && *tries > 0).count();
        let covered = known as f64 >= COVERED * self.count(self.rule.long) as f64;
        let long_burns = if covered { share(long) > limit } else { wilson(long.1, long.0, Z).0 > limit };
        if short.0 == 0 {
            return;
        }
        let short_burns = share(short) > limit;
        if short_burns && (long_burns || self.complaint.is_some()) {
            let (objective, window) = (self.rule.objective, self.rule.long);
            let cause = Cause::Burn { objective, rate: share(long) / budget, window };
            let (gravity, bad_at) = (self.gravity(), self.last_failure);
            let since = self.complaint.as_ref().map_or(self.burns_since(number), |known| known.since);
            self.complaint = Some(Complaint { cause, gravity, since, bad_at });
        } else if !short_burns {
            self.complaint = None;
        }
    }

    /// The beginning of the row of steps with failures that ends before this one.
    fn burns_since(&self, number: u64) -> Time {
        let before = self.steps.iter().rev().filter(|(step, ..)| *step < number);
        let burning = before.take_while(|(_, _, failed)| *failed > 0).map(|(step, ..)| *step).last();
        burning.map_or(self.last_failure, |step| Time::from_micros(step.saturating_mul(self.micros())))
    }

    fn add(&mut self, at: Time, answered: u32, failed: u32) {
        // A try that comes late counts in the step that is under way.
        let number = self.number(at).max(self.steps.back().map_or(0, |(number, ..)| *number));
        if self.steps.back().is_none_or(|(last, ..)| *last < number) {
            self.steps.push_back((number, 0, 0));
        }
        if let Some((_, tries, failures)) = self.steps.back_mut() {
            *tries = tries.saturating_add(answered).saturating_add(failed);
            *failures = failures.saturating_add(failed);
        }
        if failed > 0 {
            self.last_failure = self.last_failure.max(at);
        }
    }

    fn sum(&self, from: u64) -> (u32, u32) {
        self.steps.iter().filter(|(number, ..)| *number >= from).fold((0, 0), |(tries, failed), step| {
            (u32::saturating_add(tries, step.1), u32::saturating_add(failed, step.2))
        })
    }

    fn number(&self, at: Time) -> u64 {
        at.as_micros() / self.micros()
    }

    fn end_of(&self, number: u64) -> Time {
        Time::from_micros(number.saturating_add(1).saturating_mul(self.micros()))
    }

    fn count(&self, span: Duration) -> u64 {
        u64::try_from(span.as_micros()).unwrap_or(u64::MAX).div_ceil(self.micros())
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.step.as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first line of table 5-8: 14.4 times too fast over an hour and over five minutes.
    fn page() -> Burn {
        Burn::new(BurnRate {
            objective: 0.999,
            factor: 14.4,
            long: Duration::from_secs(3_600),
            short: Duration::from_secs(300),
            page: true,
        })
    }

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    /// One try a second; one in `failing` fails.
    fn try_each_second(burn: &mut Burn, seconds: std::ops::Range<u64>, failing: u64) {
        for second in seconds {
            burn.take(at(second), failing > 0 && second % failing == 0);
        }
    }

    #[test]
    fn it_fires_when_both_windows_burn_and_ends_with_the_short_one() {
        let mut burn = page();
        try_each_second(&mut burn, 0..3_700, 0);
        assert!(burn.complaint().is_none());
        // 5 %: 50 times too fast; 1.44 % of the hour is reached after some 18 minutes.
        try_each_second(&mut burn, 3_700..4_300, 20);
        assert!(burn.complaint().is_none(), "the long window does not burn yet");
        try_each_second(&mut burn, 4_300..5_000, 20);
        assert!(burn.complaint().is_some());
        try_each_second(&mut burn, 5_000..5_400, 0);
        assert!(burn.complaint().is_none(), "the short window ends it");
    }

    #[test]
    fn the_first_failure_after_a_start_is_no_alarm_and_a_real_outage_is_one() {
        let mut burn = page();
        burn.take(at(0), true);
        try_each_second(&mut burn, 1..60, 0);
        burn.advance(at(61));
        assert!(burn.complaint().is_none());
        try_each_second(&mut burn, 60..130, 1);
        assert!(burn.complaint().is_some());
    }

    #[test]
    fn the_first_failure_after_a_sleep_is_no_alarm() {
        let mut burn = page();
        try_each_second(&mut burn, 0..4_000, 0);
        burn.take(at(7_000), true);
        try_each_second(&mut burn, 7_001..7_030, 0);
        burn.advance(at(7_100));
        assert!(burn.complaint().is_none());
    }

    #[test]
    fn no_data_does_not_end_it() {
        let mut burn = page();
        try_each_second(&mut burn, 0..200, 1);
        assert!(burn.complaint().is_some());
        burn.advance(at(100_000));
        assert!(burn.complaint().is_some());
        try_each_second(&mut burn, 100_000..100_100, 0);
        assert!(burn.complaint().is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let mut burn = page();
        try_each_second(&mut burn, 0..20_000, 7);
        assert!(burn.steps.len() <= 62, "{}", burn.steps.len());
        let mut wide = Burn::new(BurnRate { short: Duration::from_secs(1), ..burn.rule });
        try_each_second(&mut wide, 0..20_000, 7);
        assert!(wide.steps.len() <= 242, "{}", wide.steps.len());
    }

    #[test]
    fn remembered_tries_fill_the_long_window() {
        let mut burn = page();
        for minute in 0..60 {
            burn.recall(at(minute * 60), 59, 1, at(3_600));
        }
        try_each_second(&mut burn, 3_600..3_700, 10);
        assert!(burn.complaint().is_some());
    }
}
