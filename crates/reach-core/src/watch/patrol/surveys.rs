//! Whole surveys inside the patrol: a few at a time, each target once.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{
    Time, judge,
    model::{Case, Effort, Observation, Plan, Probe, ProbeId, Vantage},
    stats::split_mix,
    survey::{Procedure, Step, Survey},
    watch::{Examination, TargetId, Watched},
};

/// Surveys that wait and that are under way.
#[derive(Debug, Default)]
pub(super) struct Surveys {
    waiting: VecDeque<TargetId>,
    under_way: BTreeMap<u32, Running>,
    begun: u32,
}

#[derive(Debug)]
struct Running {
    target: TargetId,
    survey: Survey,
    observations: Vec<Observation>,
    wake: Time,
}

/// What the surveys want.
#[derive(Debug)]
pub(super) enum Wish {
    /// Carry out this probe of that survey.
    Run(u32, ProbeId, Box<Probe>),
    /// One is over.
    Over(Box<Examination>),
}

impl Surveys {
    /// Queues a survey of the target; one that waits or is under way is enough.
    pub(super) fn want(&mut self, target: TargetId) {
        if !self.has(target) {
            self.waiting.push_back(target);
        }
    }

    pub(super) fn has(&self, target: TargetId) -> bool {
        self.waiting.contains(&target) || self.under_way.values().any(|running| running.target == target)
    }

    /// The target that is next, if there is room for one more than are under way.
    pub(super) fn next_target(&mut self, most: usize) -> Option<TargetId> {
        if self.under_way.len() < most { self.waiting.pop_front() } else { None }
    }

    /// Begins a survey.
    pub(super) fn begin(&mut self, watched: &Watched, vantage: &Vantage, seed: u64, now: Time) {
        let key = self.begun;
        self.begun = self.begun.wrapping_add(1);
        let plan = Plan {
            families: watched.pace.families,
            extra_resolvers: watched.pace.extra_resolvers.clone(),
            ..Plan::new(Effort::Normal, split_mix(seed ^ u64::from(key)))
        };
        let case = Case { target: watched.target.clone(), vantage: vantage.clone(), plan, started: now };
        let (target, survey) = (watched.id, Survey::new(case));
        self.under_way.insert(key, Running { target, survey, observations: Vec::new(), wake: now });
    }

    /// What they want now.
    pub(super) fn poll(&mut self, now: Time) -> Option<Wish> {
        loop {
            let (&key, running) = self.under_way.iter_mut().find(|(_, running)| running.wake <= now)?;
            match running.survey.poll(now) {
                Step::Run(id, probe) => return Some(Wish::Run(key, id, Box::new(probe))),
                Step::Announce(_) => {}
                // A survey that wants to be asked again at once waits for time to pass.
                Step::Wait(until) => running.wake = until.max(now + Duration::from_micros(1)),
                Step::Done => {
                    let Running { target, survey, observations, .. } = self.under_way.remove(&key)?;
                    let case = survey.case().clone();
                    let diagnosis = judge::judge(&case, &observations);
                    let over = Examination { target, case, observations, finished: now, diagnosis };
                    return Some(Wish::Over(Box::new(over)));
                }
            }
        }
    }

    /// What came of a probe of one of them.
    pub(super) fn observe(&mut self, key: u32, observation: Observation) {
        if let Some(running) = self.under_way.get_mut(&key) {
            running.wake = running.wake.min(observation.done);
            running.observations.push(observation.clone());
            running.survey.observe(observation);
        }
    }

    /// When one of them wants to be asked again.
    pub(super) fn wake(&self) -> Option<Time> {
        self.under_way.values().map(|running| running.wake).min()
    }

    /// What was observed so far says nothing: all begin again later.
    pub(super) fn begin_anew(&mut self) {
        for (_, running) in std::mem::take(&mut self.under_way).into_iter().rev() {
            self.waiting.push_front(running.target);
        }
    }

    /// Nothing more about these targets.
    pub(super) fn drop_all_but(&mut self, is_kept: impl Fn(TargetId) -> bool) {
        self.waiting.retain(|&target| is_kept(target));
        self.under_way.retain(|_, running| is_kept(running.target));
    }
}
