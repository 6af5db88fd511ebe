//! Whose turn it is: what is due, in order, within a rate.

use std::{collections::BTreeSet, time::Duration};

use crate::{Time, model::RecordKind, stats::split_mix, watch::TargetId};

/// How far a turn may be from its place, in thousandths of the time between two.
const JITTER: u64 = 50;
/// So much of a second's tries may be made at once, and may be borrowed by what does not wait.
const BURST_SECONDS: f64 = 0.25;
/// … but at least so many tries.
const LEAST_BURST: f64 = 4.0;
/// The rate that is meant where none makes sense.
const RATES: (f64, f64) = (0.1, 1_000_000.0);

/// Something to be done at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// Try an address, by its place among the posts.
    Try(usize),
    /// Send it an echo request.
    Echo(usize),
    /// Ask a resolver, by its place among those of the target.
    Ask(TargetId, usize, RecordKind),
    /// Ask the system itself.
    System(TargetId),
    /// See whether this host is connected.
    Own,
    /// Forget what is long gone.
    Sweep,
}

/// What is due when. Each turn is there once at most; whoever adds it knows when it is due.
///
/// What is urgent goes first, and may use up tries in advance. All others wait for the rate, those that are due
/// longest first: where the rate is too low for all of them everything becomes late, and nothing starves.
#[derive(Debug)]
pub(super) struct Turns {
    urgent: BTreeSet<(Time, Turn)>,
    regular: BTreeSet<(Time, Turn)>,
    bucket: Bucket,
}

/// When a turn is due, and whether it is urgent.
pub(super) type Due = (Time, bool);

impl Turns {
    /// Nothing is due; at most `rate` tries a second.
    pub(super) fn new(rate: f64, now: Time) -> Self {
        Self { urgent: BTreeSet::new(), regular: BTreeSet::new(), bucket: Bucket::new(rate, now) }
    }

    /// Another rate from now on.
    pub(super) fn set_rate(&mut self, rate: f64, now: Time) {
        self.bucket = Bucket::new(rate, now);
    }

    pub(super) fn add(&mut self, turn: Turn, (at, urgent): Due) {
        let queue = if urgent { &mut self.urgent } else { &mut self.regular };
        queue.insert((at, turn));
    }

    pub(super) fn remove(&mut self, turn: Turn, (at, urgent): Due) {
        let queue = if urgent { &mut self.urgent } else { &mut self.regular };
        queue.remove(&(at, turn));
    }

    /// The next turn that is due, and since when. It is not there any more.
    pub(super) fn next(&mut self, now: Time) -> Option<(Time, Turn)> {
        self.bucket.fill(now);
        let due = |queue: &BTreeSet<(Time, Turn)>| queue.first().is_some_and(|&(at, _)| at <= now);
        if due(&self.urgent) && self.bucket.may_borrow() {
            return self.urgent.pop_first();
        }
        if due(&self.regular) && self.bucket.has_one() {
            return self.regular.pop_first();
        }
        None
    }

    /// A try was made.
    pub(super) fn charge(&mut self, now: Time) {
        self.bucket.take(now);
    }

    /// When there may be something to do; `None` for never.
    pub(super) fn wake(&self) -> Option<Time> {
        let urgent = self.urgent.first().map(|&(at, _)| at.max(self.bucket.ready(1.0 - self.bucket.burst)));
        let regular = self.regular.first().map(|&(at, _)| at.max(self.bucket.ready(1.0)));
        urgent.into_iter().chain(regular).min()
    }
}

/// A token bucket whose tokens are tries.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled: Time,
}

impl Bucket {
    fn new(rate: f64, now: Time) -> Self {
        let (least, most) = RATES;
        let rate = if rate.is_nan() { most } else { rate.clamp(least, most) };
        let burst = (rate * BURST_SECONDS).max(LEAST_BURST);
        Self { rate, burst, tokens: burst, filled: now }
    }

    fn fill(&mut self, now: Time) {
        let passed = now.since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
        self.filled = self.filled.max(now);
    }

    fn take(&mut self, now: Time) {
        self.fill(now);
        self.tokens = (self.tokens - 1.0).max(-self.burst);
    }

    fn has_one(&self) -> bool {
        // A token that is ready by the clock's microseconds may lack a bit of rounding.
        self.tokens >= 1.0 - 1e-6
    }

    fn may_borrow(&self) -> bool {
        self.tokens >= 1.0 - self.burst - 1e-6
    }

    /// When there will be so many tokens.
    fn ready(&self, tokens: f64) -> Time {
        let missing = (tokens - self.tokens).max(0.0);
        self.filled + Duration::from_micros((missing / self.rate * 1e6).ceil() as u64)
    }
}

/// `span`, a little more or less, by the dice.
pub(super) fn jittered(span: Duration, dice: &mut u64) -> Duration {
    *dice = split_mix(*dice);
    let thousandths = 1_000 - JITTER + *dice % (2 * JITTER + 1);
    Duration::from_micros((span.as_micros() as u64).saturating_mul(thousandths) / 1_000)
}

/// Places in [0, 1) that are evenly spread however many are taken (the golden ratio's additive sequence).
#[derive(Debug, Default)]
pub(super) struct Places(u64);

impl Places {
    /// The next place within `span`.
    pub(super) fn next(&mut self, span: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let micros = u128::from(u64::try_from(span.as_micros()).unwrap_or(u64::MAX));
        Duration::from_micros(((micros * u128::from(self.0)) >> 64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(1_000_000 + 1_000 * ms)
    }

    #[test]
    fn what_is_due_longest_comes_first_and_what_is_urgent_before_it() {
        let mut turns = Turns::new(100.0, at(0));
        turns.add(Turn::Try(1), (at(20), false));
        turns.add(Turn::Try(2), (at(10), false));
        turns.add(Turn::Try(3), (at(25), true));
        assert_eq!(turns.next(at(5)), None);
        assert_eq!(turns.wake(), Some(at(10)));
        let order: Vec<_> = std::iter::from_fn(|| turns.next(at(30))).map(|(_, turn)| turn).collect();
        assert_eq!(order, [Turn::Try(3), Turn::Try(2), Turn::Try(1)]);
        assert_eq!(turns.wake(), None);
    }

    #[test]
    fn what_was_taken_back_does_not_come() {
        let mut turns = Turns::new(100.0, at(0));
        turns.add(Turn::Try(1), (at(0), true));
        turns.add(Turn::Try(2), (at(0), false));
        turns.remove(Turn::Try(1), (at(0), true));
        turns.remove(Turn::Try(2), (at(0), false));
        assert_eq!(turns.next(at(1)), None);
    }

    #[test]
    fn places_are_spread_evenly() {
        for count in [3_usize, 16, 100, 1_000] {
            let mut places = Places::default();
            let mut taken: Vec<u128> =
                (0..count).map(|_| places.next(Duration::from_secs(1)).as_micros()).collect();
            taken.sort_unstable();
            let widest = taken.windows(2).map(|pair| pair[1] - pair[0]).max().expect("some");
            assert!(widest <= 3_000_000 / count as u128, "{count}: {widest}");
        }
    }

    proptest! {
        #[test]
        fn no_second_has_more_tries_than_the_rate_and_a_burst(
            rate in 1.0_f64..500.0,
            waits in prop::collection::vec(0_u64..300, 1..200),
        ) {
            let mut turns = Turns::new(rate, at(0));
            for number in 0..5_000 {
                turns.add(Turn::Try(number), (at(0), false));
            }
            let mut made: Vec<u64> = Vec::new();
            let mut now = 0;
            for wait in waits {
                now += wait;
                while turns.next(at(now)).is_some() {
                    turns.charge(at(now));
                    made.push(now);
                }
            }
            let burst = (rate * BURST_SECONDS).max(LEAST_BURST);
            for (first, &from) in made.iter().enumerate() {
                let in_second = made[first..].iter().take_while(|&&ms| ms < from + 1_000).count();
                prop_assert!(in_second as f64 <= rate + burst + 1.0, "{in_second} at {from}");
            }
        }

        #[test]
        fn a_turn_is_never_far_from_its_place(span in 1_u64..10_000_000_000, mut dice in any::<u64>()) {
            let found = jittered(Duration::from_micros(span), &mut dice).as_micros() as f64;
            prop_assert!(found >= span as f64 * 0.95 - 1.0 && found <= span as f64 * 1.05 + 1.0);
        }

        #[test]
        fn whoever_waits_until_it_is_told_finds_something(rate in 0.5_f64..10_000.0, tries in 1_usize..100) {
            let mut turns = Turns::new(rate, at(0));
            for number in 0..tries {
                turns.add(Turn::Try(number), (at(0), number % 3 == 0));
            }
            let mut now = at(0);
            for _ in 0..tries {
                if let Some(wake) = turns.wake() {
                    now = now.max(wake);
                }
                prop_assert!(turns.next(now).is_some());
                turns.charge(now);
            }
        }
    }
}
