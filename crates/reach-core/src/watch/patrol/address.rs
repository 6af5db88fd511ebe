//! What is thought of one address: a small machine that is fed with tries whose result says something.
//!
//! *Unknown* → *ok* → *suspect* → *down* → *recovering* → *ok*. A failure makes an address suspect, and it takes
//! three in a row, or four of the last six, to call it down: at a loss of 1 % of all tries, independent of each
//! other, that happens by chance once in 10⁶ tries. An address that was down is called ok again after five answers
//! over [`Cadence::well_after`](crate::watch::Cadence::well_after), a minute as a rule. A try that this host could not
//! make changes nothing, and neither does time that passes.

use std::time::Duration;

use crate::{
    Time,
    watch::{AddressState, Reason, Remembered},
};

/// Failures in a row that make an address down.
const DOWN_AFTER: u32 = 3;
/// So many failures…
const DOWN_SHARE: u32 = 4;
/// …of so many tries do so too.
const DOWN_OF: u32 = 6;
/// Answers in a row that an address that was down has to give.
const OK_AFTER: u32 = 5;
/// Time between two answers counts up to here: in a longer one nobody looked.
const LOOKED: Duration = Duration::from_secs(20);
/// The longest time between two tries of an address that recovers, and the shortest that is asked for.
const RECOVERING_EVERY: (Duration, Duration) = (Duration::from_secs(12), Duration::from_secs(1));
/// When a suspect is tried again, and again.
const AGAIN_AFTER: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// What is thought of one address, whether or not resolvers give it: never [`AddressState::Gone`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Health {
    state: AddressState,
    since: Time,
    reason: Option<Reason>,
    last_ok: Option<Time>,
    /// Failures in a row.
    run: u32,
    /// The last [`DOWN_OF`] tries, the newest in the lowest bit; set for a failure.
    recent: u8,
    /// Answers in a row while it recovers, and how long they have come.
    answers: u32,
    steady: Duration,
    answered: Option<Time>,
}

/// From one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) from: AddressState,
    pub(super) to: AddressState,
}

impl Health {
    /// Of an address that was never tried.
    pub(super) fn new(now: Time) -> Self {
        Self {
            state: AddressState::Unknown,
            since: now,
            reason: None,
            last_ok: None,
            run: 0,
            recent: 0,
            answers: 0,
            steady: Duration::ZERO,
            answered: None,
        }
    }

    /// What another run thought of it stands until something is known.
    pub(super) fn recall(row: &Remembered) -> Self {
        let state = match row.health {
            // That one is presence, and never health.
            AddressState::Gone => AddressState::Unknown,
            state => state,
        };
        Self { state, reason: row.reason, last_ok: row.last_ok, ..Self::new(row.since) }
    }

    pub(super) fn state(&self) -> AddressState {
        self.state
    }

    /// Since when it is in its state.
    pub(super) fn since(&self) -> Time {
        self.since
    }

    /// Why it failed the last time.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// When it answered last.
    pub(super) fn last_ok(&self) -> Option<Time> {
        self.last_ok
    }

    /// It answered a try. One that was down has to do so for `well_after`.
    pub(super) fn answer(&mut self, well_after: Duration, now: Time) -> Option<Move> {
        self.last_ok = Some(now);
        self.run = 0;
        self.note(false);
        match self.state {
            AddressState::Ok => None,
            AddressState::Unknown | AddressState::Suspect | AddressState::Gone => {
                Some(self.go(AddressState::Ok, now))
            }
            AddressState::Down => {
                (self.answers, self.steady, self.answered) = (1, Duration::ZERO, Some(now));
                Some(self.go(AddressState::Recovering, now))
            }
            AddressState::Recovering => {
                self.answers += 1;
                self.steady += self.answered.map_or(Duration::ZERO, |last| now.since(last).min(LOOKED));
                self.answered = Some(now);
                let well = self.answers >= OK_AFTER && self.steady >= well_after;
                well.then(|| self.go(AddressState::Ok, now))
            }
        }
    }

    /// A try of it failed.
    pub(super) fn failure(&mut self, reason: Reason, now: Time) -> Option<Move> {
        self.reason = Some(reason);
        self.run = self.run.saturating_add(1);
        self.note(true);
        let bad = self.run >= DOWN_AFTER || self.recent.count_ones() >= DOWN_SHARE;
        match self.state {
            AddressState::Down => None,
            AddressState::Recovering => Some(self.go(AddressState::Down, now)),
            _ if bad => Some(self.go(AddressState::Down, now)),
            AddressState::Suspect => None,
            AddressState::Unknown | AddressState::Ok | AddressState::Gone => {
                Some(self.go(AddressState::Suspect, now))
            }
        }
    }

    /// Nobody looked for a while: time that passed is no calm.
    pub(super) fn interrupt(&mut self) {
        self.answered = None;
    }

    /// Failures so far may have been this host's own: a suspect is given its three tries anew.
    pub(super) fn begin_anew(&mut self) {
        self.interrupt();
        (self.run, self.recent) = (0, 0);
    }

    /// When to try it again before its usual turn, if it has to answer for `well_after` once it was down.
    pub(super) fn again_after(&self, well_after: Duration) -> Option<Duration> {
        match self.state {
            AddressState::Suspect => {
                let place = (self.run.max(1) - 1).min(AGAIN_AFTER.len() as u32 - 1);
                AGAIN_AFTER.get(place as usize).copied()
            }
            AddressState::Recovering => {
                let (longest, shortest) = RECOVERING_EVERY;
                Some((well_after / OK_AFTER).clamp(shortest, longest))
            }
            _ => None,
        }
    }

    fn note(&mut self, failed: bool) {
        self.recent = ((self.recent << 1) | u8::from(failed)) & ((1 << DOWN_OF) - 1);
    }

    fn go(&mut self, to: AddressState, now: Time) -> Move {
        let from = self.state;
        (self.state, self.since) = (to, now);
        Move { from, to }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[derive(Clone, Copy, Debug)]
    enum Happens {
        Answer,
        Failure,
        Interruption,
    }

    fn happens() -> impl Strategy<Value = Happens> {
        prop_oneof![
            5 => Just(Happens::Answer),
            4 => Just(Happens::Failure),
            1 => Just(Happens::Interruption),
        ]
    }

    /// What happens, each some time after the one before.
    fn lives() -> impl Strategy<Value = Vec<(Happens, u64)>> {
        prop::collection::vec((happens(), 1_u64..40), 0..200)
    }

    fn at(seconds: u64) -> Time {
        Time::from_micros(1_000_000_000 + seconds * 1_000_000)
    }

    /// Plays a life; hands the state before, what happened when, and what came of it to `check`.
    fn play(
        life: &[(Happens, u64)],
        mut check: impl FnMut(&Health, &[(Happens, u64)], Option<Move>) -> Result<(), TestCaseError>,
    ) -> Result<(), TestCaseError> {
        let mut health = Health::new(at(0));
        let mut now = 0;
        for (place, &(what, later)) in life.iter().enumerate() {
            now += later;
            let before = health.state();
            let moved = match what {
                Happens::Answer => health.answer(MINUTE, at(now)),
                Happens::Failure => health.failure(Reason::Timeout, at(now)),
                Happens::Interruption => {
                    health.interrupt();
                    None
                }
            };
            if let Some(moved) = moved {
                prop_assert_eq!((moved.from, moved.to), (before, health.state()));
                prop_assert_ne!(moved.from, moved.to);
            } else {
                prop_assert_eq!(before, health.state());
            }
            check(&health, &life[..=place], moved)?;
        }
        Ok(())
    }

    fn tries(life: &[(Happens, u64)]) -> Vec<bool> {
        let failed = |&(what, _): &(Happens, u64)| match what {
            Happens::Answer => Some(false),
            Happens::Failure => Some(true),
            Happens::Interruption => None,
        };
        life.iter().filter_map(failed).collect()
    }

    proptest! {
        #[test]
        fn nothing_is_down_without_three_failures_in_the_last_six_tries(life in lives()) {
            play(&life, |_, past, moved| {
                if let Some(Move { from, to: AddressState::Down }) = moved
                    && from != AddressState::Recovering
                {
                    let tries = tries(past);
                    let recent = tries.iter().rev().take(6);
                    let failures = recent.filter(|failed| **failed).count();
                    let in_a_row = tries.iter().rev().take_while(|failed| **failed).count();
                    prop_assert!(in_a_row >= 3 || failures >= 4, "{past:?}");
                }
                Ok(())
            })?;
        }

        #[test]
        fn three_failures_in_a_row_are_always_down(life in lives()) {
            play(&life, |health, past, _| {
                let in_a_row = tries(past).iter().rev().take_while(|failed| **failed).count();
                if in_a_row >= 3 {
                    prop_assert_eq!(health.state(), AddressState::Down);
                }
                Ok(())
            })?;
        }

        #[test]
        fn only_an_answer_makes_ok_and_only_a_minute_of_them_ends_what_was_down(life in lives()) {
            let mut down = false;
            play(&life, |_, past, moved| {
                let Some(moved) = moved else { return Ok(()) };
                down |= moved.to == AddressState::Down;
                if moved.to == AddressState::Ok {
                    prop_assert!(matches!(past.last(), Some((Happens::Answer, _))));
                    if down {
                        let calm: Vec<_> = past.iter().rev()
                            .take_while(|(what, _)| !matches!(what, Happens::Failure))
                            .collect();
                        let answers = calm.iter().filter(|(what, _)| matches!(what, Happens::Answer)).count();
                        let span: u64 = calm.iter().map(|(_, later)| later).sum();
                        prop_assert!(answers >= 5 && span >= 60, "{past:?}");
                    }
                    down = false;
                }
                Ok(())
            })?;
        }

        #[test]
        fn an_interruption_is_no_calm(breaks in prop::collection::vec(1_u64..100_000, 1..50)) {
            let mut health = Health::new(at(0));
            let mut now = 0;
            for _ in 0..3 {
                health.failure(Reason::Refused, at(now));
            }
            for span in breaks {
                health.answer(MINUTE, at(now));
                health.interrupt();
                now += span;
                prop_assert_eq!(health.state(), AddressState::Recovering);
            }
        }
    }

    #[test]
    fn a_suspect_is_tried_again_after_one_two_and_four_seconds() {
        let mut health = Health::new(at(0));
        assert_eq!(health.again_after(MINUTE), None);
        health.failure(Reason::Timeout, at(1));
        assert_eq!(health.again_after(MINUTE), Some(Duration::from_secs(1)));
        health.failure(Reason::Timeout, at(2));
        assert_eq!(health.again_after(MINUTE), Some(Duration::from_secs(2)));
        assert_eq!(
            health.failure(Reason::Timeout, at(4)),
            Some(Move { from: AddressState::Suspect, to: AddressState::Down })
        );
        assert_eq!(health.again_after(MINUTE), None);
    }

    #[test]
    fn four_failures_of_six_are_down_though_never_three_in_a_row() {
        let mut health = Health::new(at(0));
        health.answer(MINUTE, at(0));
        let mut states = Vec::new();
        for (second, failed) in [true, true, false, true, true].into_iter().enumerate() {
            let now = at(second as u64);
            if failed {
                health.failure(Reason::Timeout, now);
            } else {
                health.answer(MINUTE, now);
            }
            states.push(health.state());
        }
        use AddressState::{Down, Ok, Suspect};
        assert_eq!(states, [Suspect, Suspect, Ok, Suspect, Down]);
    }

    #[test]
    fn what_may_have_been_our_own_fault_does_not_count() {
        let mut health = Health::new(at(0));
        health.failure(Reason::Timeout, at(0));
        health.failure(Reason::Timeout, at(1));
        health.begin_anew();
        health.failure(Reason::Timeout, at(2));
        health.failure(Reason::Timeout, at(3));
        assert_eq!(health.state(), AddressState::Suspect);
        health.failure(Reason::Timeout, at(4));
        assert_eq!(health.state(), AddressState::Down);
    }

    #[test]
    fn how_long_an_address_has_to_answer_is_for_the_plan_to_say_and_how_often_is_not() {
        let answers_until_ok = |well_after: Duration, apart_ms: u64| {
            let mut health = Health::new(at(0));
            for second in 0..3 {
                health.failure(Reason::Timeout, at(second));
            }
            let moment = |answer: u64| at(10) + Duration::from_millis(apart_ms * answer);
            (1..1_000).find(|&answer| {
                health.answer(well_after, moment(answer));
                health.state() == AddressState::Ok
            })
        };
        assert_eq!(answers_until_ok(MINUTE, 12_000), Some(6));
        assert_eq!(answers_until_ok(MINUTE, 200), Some(301));
        assert_eq!(answers_until_ok(Duration::from_secs(2), 200), Some(11));
        assert_eq!(answers_until_ok(Duration::ZERO, 200), Some(5));
    }

    #[test]
    fn an_address_that_recovers_is_tried_often_enough_to_answer_five_times_in_its_time() {
        let mut health = Health::new(at(0));
        for second in 0..3 {
            health.failure(Reason::Timeout, at(second));
        }
        health.answer(MINUTE, at(10));
        for (well_after, every) in [(0, 1_000), (10, 2_000), (60, 12_000), (3_600, 12_000)] {
            let every = Duration::from_millis(every);
            assert_eq!(health.again_after(Duration::from_secs(well_after)), Some(every), "{well_after} s");
        }
    }
}
