//! When something is too much: one file for each rule. They count, in memory that does not grow with the number of
//! tries, and say what is wrong; what comes of it is not for them to decide.

mod burn;
mod certificates;
mod latency;
mod pool;
mod share;

use crate::{
    Time,
    watch::{BurnRate, Cause, Gravity, Rules},
};

pub(super) use burn::Burn;
pub(super) use certificates::{Certificates, next_look};
pub(super) use latency::Latency;
pub(super) use pool::Pool;
pub(super) use share::Share;

/// Something that a rule finds wrong.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Complaint {
    pub cause: Cause,
    pub gravity: Gravity,
    /// When it began.
    pub since: Time,
    /// When it was last seen to be wrong: calm begins no earlier.
    pub bad_at: Time,
}

/// The rules that count tries.
#[derive(Debug)]
pub(super) struct Counters {
    pub share: Option<Share>,
    pub latency: Option<Latency>,
    pub burn: Vec<Burn>,
}

impl Complaint {
    /// Whether it shows at once and ends at once. What windows of tries say comes late, and stays for minutes after it
    /// is over.
    pub(super) fn is_direct(&self) -> bool {
        !matches!(self.cause, Cause::FailureShare { .. } | Cause::Latency { .. } | Cause::Burn { .. })
    }
}

impl Counters {
    pub(super) fn new(rules: &Rules) -> Self {
        Self {
            share: rules.failure_share.map(Share::new),
            latency: rules.latency.map(Latency::new),
            burn: rules.burn.iter().copied().map(Burn::new).collect(),
        }
    }

    /// Takes over what other counters have counted, by rules that are still the same.
    pub(super) fn inherit(&mut self, old: Counters) {
        if let (Some(new), Some(old)) = (&mut self.share, old.share)
            && new.rule == old.rule
        {
            *new = old;
        }
        if let (Some(new), Some(old)) = (&mut self.latency, old.latency)
            && new.rule == old.rule
        {
            *new = old;
        }
        for old in old.burn {
            if let Some(new) = self.burn.iter_mut().find(|new| new.rule == old.rule) {
                *new = old;
            }
        }
    }

    /// Takes up again what stood when it was remembered.
    pub(super) fn resume(&mut self, causes: &[Cause], bad_at: Time) {
        for cause in causes {
            match cause {
                Cause::FailureShare { .. } => {
                    if let Some(share) = &mut self.share {
                        share.resume(cause, bad_at);
                    }
                }
                Cause::Latency { .. } => {
                    if let Some(latency) = &mut self.latency {
                        latency.resume(cause, bad_at);
                    }
                }
                Cause::Burn { objective, window, .. } => {
                    // Shares that were written and read may differ in the last digit.
                    let close = |rule: &BurnRate| (rule.objective - objective).abs() < 1e-9;
                    let same = |rule: &BurnRate| close(rule) && rule.long == *window;
                    if let Some(burn) = self.burn.iter_mut().find(|burn| same(&burn.rule)) {
                        burn.resume(cause, bad_at);
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn complaints(&self) -> impl Iterator<Item = &Complaint> {
        let share = self.share.iter().filter_map(Share::complaint);
        let latency = self.latency.iter().filter_map(Latency::complaint);
        share.chain(latency).chain(self.burn.iter().filter_map(Burn::complaint))
    }

    /// Judges what is over by `now`.
    pub(super) fn advance(&mut self, now: Time) {
        self.share.iter_mut().for_each(|share| share.advance(now));
        self.latency.iter_mut().for_each(|latency| latency.advance(now));
        self.burn.iter_mut().for_each(|burn| burn.advance(now));
    }

    /// When something will be over.
    pub(super) fn due(&self) -> Option<Time> {
        let share = self.share.iter().filter_map(Share::due);
        let latency = self.latency.iter().filter_map(Latency::due);
        share.chain(latency).chain(self.burn.iter().filter_map(Burn::due)).min()
    }

    /// Part of the time was not watched: what was counted just before it may have suffered from the same thing.
    pub(super) fn interrupted(&mut self) {
        self.share.iter_mut().for_each(Share::interrupted);
        self.latency.iter_mut().for_each(Latency::interrupted);
    }
}
