//! What is known of one address.

use std::time::Duration;

use crate::{
    Time,
    watch::{AddressState, Layer, Reading, Reason, Remembered, Sample, Transition, Why},
};

/// So many answers in a row, over the time that an address has to answer, make one well that the patrol says nothing
/// more of.
const ANSWERS_WELL: u32 = 5;
/// So many failures in a row make one bad.
const FAILURES_DOWN: u32 = 3;

/// What is known of one address.
#[derive(Clone, Debug, Default)]
pub(super) struct Address {
    /// Its state as the patrol tells it; never gone.
    pub health: AddressState,
    /// No resolver gives it.
    pub gone: bool,
    /// The patrol has told of it since this machine runs. Until then its samples speak.
    told: bool,
    /// When its present failure began.
    pub failing_since: Option<Time>,
    /// The same, less the time that was not watched.
    counted_from: Time,
    /// Why it failed the last time.
    pub reason: Option<Reason>,
    /// It had never answered when it failed.
    pub from_birth: bool,
    pub last_failure: Option<Time>,
    pub last_answer: Option<Time>,
    /// Answers since the last failure, or failures since the last answer.
    streak: u32,
    streak_failed: bool,
    streak_from: Time,
    /// How deep the last failure was: an answer that did not come so far takes nothing back.
    failed_at: Option<Layer>,
    last_try: Time,
}

/// What a sample says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tried {
    pub failed: bool,
    /// It is another layer of a try that was counted.
    pub deeper: bool,
}

impl Address {
    /// One that was remembered.
    pub(super) fn remembered(row: &Remembered) -> Self {
        let failing = matches!(row.health, AddressState::Suspect | AddressState::Down);
        Self {
            health: row.health,
            gone: row.gone_since.is_some(),
            failing_since: (failing || row.health == AddressState::Recovering).then_some(row.since),
            counted_from: row.since,
            reason: row.reason,
            from_birth: failing && row.last_ok.is_none(),
            ..Self::default()
        }
    }

    /// One that is known as a member of an incident.
    pub(super) fn member(member: &crate::watch::Member) -> Self {
        Self {
            health: member.state,
            gone: member.gone,
            failing_since: (member.state != AddressState::Ok).then_some(member.since),
            counted_from: member.since,
            reason: Some(member.reason),
            from_birth: member.from_birth,
            ..Self::default()
        }
    }

    /// Takes a transition other than the one that dismisses it.
    pub(super) fn moved(&mut self, transition: &Transition) {
        self.told = true;
        match transition.why {
            Why::LeftDns => self.gone = true,
            Why::Appeared | Why::Returned => self.gone = false,
            Why::Failed(reason) => self.reason = Some(reason),
            Why::BlockedFromBirth(reason) => (self.reason, self.from_birth) = (Some(reason), true),
            Why::Answered | Why::Forgotten | Why::Dropped => {}
        }
        match transition.to {
            AddressState::Gone => return,
            AddressState::Ok => (self.failing_since, self.from_birth) = (None, false),
            AddressState::Suspect | AddressState::Down if self.failing_since.is_none() => {
                self.failing_since = Some(transition.at);
                self.counted_from = transition.at;
            }
            AddressState::Suspect | AddressState::Down | AddressState::Recovering | AddressState::Unknown => {
            }
        }
        self.health = transition.to;
    }

    /// Takes a sample of an address that has to answer for `well_after`; `None` where it says nothing.
    pub(super) fn sampled(&mut self, sample: &Sample, well_after: Duration) -> Option<Tried> {
        if sample.layer == Layer::Echo {
            return None;
        }
        let failed = match sample.reading {
            Reading::Answered(_) => false,
            Reading::Failed(_) => true,
            Reading::Unable => return None,
        };
        let tried = Tried { failed, deeper: self.last_try == sample.at };
        self.last_try = sample.at;
        if let Reading::Failed(reason) = sample.reading {
            (self.reason, self.failed_at) = (Some(reason), Some(sample.layer));
        } else if self.failed_at > Some(sample.layer) {
            return Some(tried);
        } else {
            self.failed_at = None;
        }
        let last = if failed { &mut self.last_failure } else { &mut self.last_answer };
        *last = (*last).max(Some(sample.at));
        if self.streak == 0 || self.streak_failed != failed {
            (self.streak, self.streak_failed, self.streak_from) = (1, failed, sample.at);
        } else {
            self.streak = self.streak.saturating_add(1);
        }
        if !self.told {
            self.judge_alone(failed, sample.at, well_after);
        }
        Some(tried)
    }

    /// It is tried differently from now on: what failed may not be tried any more.
    pub(super) fn tried_differently(&mut self) {
        self.failed_at = None;
    }

    /// What the patrol would say, if it said something.
    fn judge_alone(&mut self, failed: bool, at: Time, well_after: Duration) {
        if failed {
            self.failing_since.get_or_insert_with(|| {
                self.counted_from = at;
                at
            });
            if self.streak >= FAILURES_DOWN {
                self.health = AddressState::Down;
            } else if matches!(self.health, AddressState::Unknown | AddressState::Ok) {
                self.health = AddressState::Suspect;
            }
        } else if self.answers_for(well_after)
            || matches!(self.health, AddressState::Unknown | AddressState::Suspect)
        {
            (self.health, self.failing_since) = (AddressState::Ok, None);
        } else if self.health == AddressState::Down {
            self.health = AddressState::Recovering;
        }
    }

    fn answers_for(&self, well_after: Duration) -> bool {
        !self.streak_failed
            && self.answers_last()
            && self.streak >= ANSWERS_WELL
            && self.last_answer.is_some_and(|last| last.since(self.streak_from) >= well_after)
    }

    /// Whether it answered after it had failed last, if ever it did.
    pub(super) fn answers_last(&self) -> bool {
        self.last_failure.is_none_or(|failure| self.last_answer > Some(failure))
    }

    /// Whether it is well. One that left DNS has to show that by its answers alone, for `well_after`.
    pub(super) fn is_well(&self, well_after: Duration) -> bool {
        let known_well = self.health == AddressState::Ok && self.answers_last();
        if self.gone {
            (known_well && self.last_failure.is_none()) || self.answers_for(well_after)
        } else {
            known_well
        }
    }

    /// Its state as it is shown.
    pub(super) fn shown(&self, well_after: Duration) -> AddressState {
        match (self.gone, self.is_well(well_after)) {
            (true, true) => AddressState::Ok,
            (true, false) if self.health == AddressState::Ok => AddressState::Down,
            _ => self.health,
        }
    }

    /// When it will have been down for `open_after`; `None` where it is not down, or left DNS.
    pub(super) fn ripe_at(&self, open_after: Duration) -> Option<Time> {
        (self.health == AddressState::Down && !self.gone).then(|| self.counted_from + open_after)
    }

    /// Whether it failed since then.
    pub(super) fn failed_since(&self, since: Time) -> bool {
        self.last_failure.is_some_and(|failure| failure >= since)
    }

    /// Nothing was watched for so long, until then.
    pub(super) fn shift(&mut self, by: Duration, until: Time) {
        self.counted_from = (self.counted_from + by).min(until);
    }
}
