//! Runs a procedure against a pretend network, in virtual time.

use std::{collections::BTreeMap, time::Duration};

use reach_core::{
    Time,
    model::{Case, Observation},
    survey::{Procedure, Step, Survey},
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
    let mut now = start;
    let mut pending: BTreeMap<(Time, usize), Observation> = BTreeMap::new();
    let mut observations = Vec::new();
    let (mut sent, mut idle) = (0_usize, 0_u32);
    loop {
        match procedure.poll(now) {
            Step::Run(id, probe) => {
                let (outcome, took) = world.outcome(&probe, now);
                let done = now + took;
                pending.insert((done, sent), Observation { id, probe, outcome, sent: now, done });
                sent += 1;
            }
            Step::Announce(_) => {}
            Step::Done => return Run { observations, finished: now },
            Step::Wait(until) => {
                let next = pending.first_entry().filter(|next| next.key().0 <= until.max(now));
                let then = next.as_ref().map_or(until, |next| next.key().0).max(now);
                idle = if then == now && next.is_none() { idle + 1 } else { 0 };
                assert!(idle < STUCK, "the procedure waits for {until}, and it is {now} already");
                now = then;
                if let Some(next) = next {
                    let observation = next.remove();
                    procedure.observe(observation.clone());
                    observations.push(observation);
                } else if idle > 0 {
                    now = now + Duration::from_micros(1);
                }
            }
        }
    }
}
