//! Time for those who probe and watch: never goes back, goes on while the host sleeps, and follows the wall clock
//! where that is wanted.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::time::{ClockId, clock_gettime};
use reach_core::Time;
use tokio::time::Instant;

/// The wall clock, read once, and from then on time that never goes back and goes on while the host sleeps
/// (`CLOCK_BOOTTIME`, clock_gettime(2)).
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Time,
    boot: Duration,
    /// Shared by all copies.
    shift: Option<&'static Mutex<Shift>>,
}

/// Timers stand still while the host sleeps, so that nobody waits for longer than this without a look at the clock.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
/// A clock that is ahead loses a tenth of its pace.
const SLOWER: i64 = 10;
/// The wall clock of a host that is being corrected differs by less.
const STEP: i64 = 1_000_000;

impl Clock {
    /// Reads the wall clock.
    pub fn start() -> Self {
        Self { wall: wall_clock(), boot: since_boot(), shift: None }
    }

    /// Reads the wall clock, and is brought into line with it by [`follow_wall`](Self::follow_wall): for processes that
    /// live for months. Each call leaves a few bytes behind for as long as the process lives.
    pub fn following_wall() -> Self {
        Self { shift: Some(Box::leak(Box::default())), ..Self::start() }
    }

    /// Now.
    pub fn now(&self) -> Time {
        let boot = since_boot();
        let shift = self.shift.map_or(0, |shift| lock(shift).at(boot));
        shifted(self.wall + boot.saturating_sub(self.boot), shift)
    }

    /// Brings the clock into line with the wall clock: at once where that is ahead, slowly where it is behind, because
    /// time must not go back. Says by how much the wall clock was set back, where somebody did that since the last
    /// call.
    pub fn follow_wall(&self) -> Option<Duration> {
        let shift = self.shift?;
        let boot = since_boot();
        let steady = self.wall + boot.saturating_sub(self.boot);
        lock(shift).aim(micros(wall_clock()).saturating_sub(micros(steady)), boot)
    }

    /// When to look at the clock again while waiting for `time`.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        Instant::now() + time.since(self.now()).min(LONGEST_SLEEP)
    }
}

/// By how much a clock differs from steady time, in microseconds.
#[derive(Debug, Default)]
struct Shift {
    from: i64,
    to: i64,
    /// Since when it goes from the one to the other.
    since: Duration,
}

impl Shift {
    fn at(&self, boot: Duration) -> i64 {
        if self.to >= self.from {
            return self.to;
        }
        let passed = i64::try_from(boot.saturating_sub(self.since).as_micros()).unwrap_or(i64::MAX);
        self.to.max(self.from.saturating_sub(passed / SLOWER))
    }

    /// Goes to `wanted` from now on; says by how much the goal was set back, if it was a step.
    fn aim(&mut self, wanted: i64, boot: Duration) -> Option<Duration> {
        let back = self.to.saturating_sub(wanted);
        let is = self.at(boot);
        *self = Self { from: is.max(wanted), to: wanted, since: boot };
        u64::try_from(back).ok().filter(|_| back > STEP).map(Duration::from_micros)
    }
}

fn lock(shift: &Mutex<Shift>) -> std::sync::MutexGuard<'_, Shift> {
    shift.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shifted(time: Time, by: i64) -> Time {
    Time::from_micros(time.as_micros().saturating_add_signed(by))
}

fn micros(time: Time) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn wall_clock() -> Time {
    Time::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Time since the host was started, in which it slept included. Linux has had this clock since 2.6.39, so that asking
/// does not fail.
fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn time_does_not_go_back() {
        let clock = Clock::following_wall();
        let first = clock.now();
        assert_eq!(clock.follow_wall(), None);
        assert!(clock.now() >= first);
    }

    #[test]
    fn a_wall_clock_that_is_ahead_is_followed_at_once() {
        let mut shift = Shift::default();
        assert_eq!(shift.aim(5 * STEP, at(10)), None);
        assert_eq!(shift.at(at(10)), 5 * STEP);
    }

    #[test]
    fn one_that_was_set_back_is_caught_up_with_while_time_goes_on() {
        let mut shift = Shift::default();
        assert_eq!(shift.aim(-10 * STEP, at(0)), Some(at(10)));
        assert_eq!(shift.at(at(0)), 0);
        assert_eq!(shift.at(at(50)), -5 * STEP);
        // Asked again on the way: no news, and no jump.
        assert_eq!(shift.aim(-10 * STEP, at(50)), None);
        assert_eq!(shift.at(at(50)), -5 * STEP);
        assert_eq!(shift.at(at(1_000)), -10 * STEP);
    }
}
