//! The incidents of which signals tell, and no target stands for.
//!
//! They do not stand still while this host is cut off: what a log or the host itself says is as true then as ever. Only
//! their messages wait, as all do.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Case, Context,
    loose::{self, Bad, Manner},
    speech::Weight,
};
use crate::{
    Time,
    watch::{Cause, Ending, Matter, Subject, Trouble},
};

/// Whoever tells of a matter has waited until it is certain, at its beginning and at its end.
const MANNER: Manner = Manner {
    hold: Duration::ZERO,
    quiet: Duration::from_secs(60),
    lingers: Duration::from_secs(60 * 60),
    ending: Ending::Reported,
};

/// What reports no more may be about to begin anew: a service that is restarted takes as long.
const RESTARTING: Duration = Duration::from_secs(120);
/// Matters that are open at the same time.
const MOST: usize = 4_096;
/// What was open before a restart and is not heard of again within this time is over.
const HEARD_AGAIN: Duration = Duration::from_secs(15 * 60);

/// The incidents of matters, by their keys.
#[derive(Debug, Default)]
pub(super) struct Matters {
    cases: BTreeMap<String, Option<Case>>,
    /// Those that are only remembered, and until when.
    remembered: BTreeMap<String, Time>,
}

impl Matters {
    /// It is wrong, or otherwise wrong than it was.
    pub(super) fn take(&mut self, matter: &Matter, cx: &mut Context<'_>) {
        self.remembered.remove(&matter.key);
        if self.cases.len() >= MOST && !self.cases.contains_key(&matter.key) {
            return;
        }
        let case = self.cases.entry(matter.key.clone()).or_default();
        let before = case.as_ref().and_then(|case| case.incident.causes.first().cloned());
        let bad = Bad {
            subject: Subject::Matter(matter.key.clone()),
            title: matter.title.clone(),
            labels: matter.labels.clone(),
            cause: Cause::Matter(Box::new(matter.clone())),
            gravity: matter.gravity,
            since: matter.since,
            weight: weight(before.as_ref(), matter),
        };
        let hold = if matches!(matter.trouble, Trouble::Absent { .. }) { RESTARTING } else { MANNER.hold };
        loose::bad(case, bad, &Manner { hold, ..MANNER }, cx);
    }

    /// It is over: `seen` to be well, or not heard of any more.
    pub(super) fn over(&mut self, key: &str, seen: bool, cx: &mut Context<'_>) {
        self.remembered.remove(key);
        if let Some(case) = self.cases.get_mut(key) {
            if seen {
                loose::good(case, &MANNER, cx);
            } else {
                loose::leave(case, Ending::NotHeard, cx);
            }
        }
        self.tidy(key);
    }

    /// Goes on with one that was open when it was remembered.
    pub(super) fn resume(&mut self, key: String, mut case: Case, cx: &Context<'_>) -> Option<Case> {
        loose::resume(&mut case, cx.now);
        self.remembered.insert(key.clone(), cx.now + HEARD_AGAIN);
        self.cases.insert(key, Some(case)).flatten()
    }

    /// Does and says what is due.
    pub(super) fn refresh(&mut self, cx: &mut Context<'_>) {
        let unheard: Vec<String> = self
            .remembered
            .iter()
            .filter(|(_, until)| **until <= cx.now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in unheard {
            self.over(&key, false, cx);
        }
        self.cases.retain(|_, case| {
            loose::refresh(case, &MANNER, cx);
            case.is_some()
        });
    }

    /// When something is due.
    pub(super) fn due(&self, now: Time) -> Option<Time> {
        let cases = self.cases().filter_map(|case| case.due(now));
        cases.chain(self.remembered.values().copied()).min()
    }

    /// The incidents.
    pub(super) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values().filter_map(Option::as_ref)
    }

    /// The incidents, to steer them.
    pub(super) fn cases_mut(&mut self) -> impl Iterator<Item = &mut Case> {
        self.cases.values_mut().filter_map(Option::as_mut)
    }

    fn tidy(&mut self, key: &str) {
        if self.cases.get(key).is_some_and(Option::is_none) {
            self.cases.remove(key);
        }
    }
}

/// How much it matters that it is not what it was. A level is another one each time that it is measured.
fn weight(before: Option<&Cause>, matter: &Matter) -> Weight {
    match (before, &matter.trouble) {
        (Some(Cause::Matter(before)), Trouble::Full { .. }) if before.gravity == matter.gravity => {
            Weight::Idle
        }
        _ => Weight::New,
    }
}
