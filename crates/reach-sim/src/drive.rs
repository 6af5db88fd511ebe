//! Runs a procedure against a pretend network, in virtual time.

use std::{collections::BTreeMap, time::Duration};

use reach_core::{
    Time,
    model::{Case, Observation},
    survey::{Onward, Procedure, Step, Survey},
};

use crate::World;

/// Steps without any time passing after which a procedure is called stuck.
const STUCK: u32 = 1_000_000;

/// What came of driving a procedure.
#[derive(Clone, Debug)]
pub struct Run {
    /// Everything observed, in the order of arrival.
    pub observations: Vec<Observation>,
    /// When the procedure said that it is done.
    pub finished: Time,
}

/// Surveys a case in a pretend network.
pub fn run(case: Case, world: &mut World) -> Run {
    let started = case.started;
    drive(&mut Survey::new(case), started, world)
}

/// Drives any procedure from `start` until it is done.
///
/// # Panics
///
/// When the procedure asks to wait for a time that has passed, again and again.
pub fn drive(procedure: &mut dyn Procedure, start: Time, world: &mut World) -> Run {
    let mut observations = Vec::new();
    let mut drive = Drive::new(start);
    let sink = &mut |observation: &Observation| observations.push(observation.clone());
    drive.go(procedure, world, Time::from_micros(u64::MAX), sink, &mut |_, _| Onward::Wait);
    Run { observations, finished: drive.now() }
}

/// A drive that may be interrupted and go on: virtual time, and the probes under way.
#[derive(Clone, Debug)]
pub struct Drive {
    now: Time,
    pending: BTreeMap<(Time, usize), Observation>,
    sent: usize,
}

impl Drive {
    /// Begins at `start`, with nothing under way.
    pub fn new(start: Time) -> Self {
        Self { now: start, pending: BTreeMap::new(), sent: 0 }
    }

    /// What time it is.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Goes on until it is `until`, the procedure is done, or its owner stops it; whether it is done.
    ///
    /// `sink` gets each observation before the procedure does. `owner` is asked each time that the procedure has
    /// nothing to do at the moment: it may take out what was learned, and tell the procedure something.
    ///
    /// # Panics
    ///
    /// When the procedure asks to wait for a time that has passed, again and again.
    pub fn go<P: Procedure + ?Sized>(
        &mut self,
        procedure: &mut P,
        world: &mut World,
        until: Time,
        sink: &mut dyn FnMut(&Observation),
        owner: &mut dyn FnMut(&mut P, Time) -> Onward,
    ) -> bool {
        let mut idle = 0_u32;
        loop {
            match procedure.poll(self.now) {
                Step::Run(id, probe) => {
                    let (outcome, took) = world.outcome(&probe, self.now);
                    let (sent, done) = (self.now, self.now + took);
                    self.pending.insert((done, self.sent), Observation { id, probe, outcome, sent, done });
                    self.sent += 1;
                }
                Step::Announce(_) => {}
                Step::Done => return true,
                Step::Wait(wake) => {
                    let wake = match owner(procedure, self.now) {
                        Onward::Wait if self.now < until => wake,
                        Onward::WaitFor(span) if self.now < until => wake.min(self.now + span),
                        Onward::Ask => continue,
                        Onward::Wait | Onward::WaitFor(_) | Onward::Stop => return false,
                    };
                    let now = self.now;
                    let next = self.pending.first_entry().filter(|next| next.key().0 <= wake.max(now));
                    let then = next.as_ref().map_or(wake, |next| next.key().0).max(now);
                    if then > until {
                        self.now = until;
                        continue;
                    }
                    idle = if then == now && next.is_none() { idle + 1 } else { 0 };
                    assert!(idle < STUCK, "the procedure waits for {wake}, and it is {now} already");
                    self.now = then;
                    if let Some(next) = next {
                        let observation = next.remove();
                        sink(&observation);
                        procedure.observe(observation);
                    } else if idle > 0 {
                        self.now = now + Duration::from_micros(1);
                    }
                }
            }
        }
    }

    /// The host sleeps for so long: time passes, nothing is asked, and what is under way goes on afterwards, as the
    /// kernel's timers do.
    pub fn sleep(&mut self, span: Duration) {
        self.now = self.now + span;
        let pending = std::mem::take(&mut self.pending);
        self.pending = pending
            .into_iter()
            .map(|((done, number), observation)| {
                let done = done + span;
                ((done, number), Observation { done, ..observation })
            })
            .collect();
    }
}
