//! Procedures: values that ask for probes and take observations, with time as an argument.

use std::net::IpAddr;

use crate::{
    Time,
    model::{Case, Observation, Probe, ProbeId},
};

/// What a procedure wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Carry out this probe and hand back its observation under this id. Any number may be under way.
    Run(ProbeId, Probe),
    /// Something a watching person may want to see.
    Announce(Progress),
    /// Nothing to do until then, or until the next observation.
    Wait(Time),
    /// Finished; probes still under way are no longer of interest.
    Done,
}

/// How far a survey is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The addresses found so far.
    pub addresses: Vec<IpAddr>,
    /// How many of them answered or were given up.
    pub settled: u32,
    /// How many of the settled ones look bad.
    pub failing: u32,
    /// DNS questions answered.
    pub answers: u32,
    /// What is going on.
    pub phase: Phase,
}

/// What a survey is busy with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Asking for addresses.
    #[default]
    Resolving,
    /// Testing addresses.
    Testing,
    /// Following the trail of those that fail.
    Locating,
}

/// Something that asks for probes and takes observations.
///
/// A driver drains [`poll`](Procedure::poll) until it answers `Wait` or `Done`, carries out what it was
/// given, and calls [`observe`](Procedure::observe) for each result.
pub trait Procedure {
    /// What to do next, at `now`.
    fn poll(&mut self, now: Time) -> Step;
    /// Takes a result.
    fn observe(&mut self, observation: Observation);
}

/// One complete examination of one target: addresses, layers, places.
pub struct Survey {
    case: Case,
}

impl Survey {
    /// An examination of `case.target`, beginning at `case.started`.
    pub fn new(case: Case) -> Self {
        Self { case }
    }

    /// What the examination started from.
    pub fn case(&self) -> &Case {
        &self.case
    }
}

impl Procedure for Survey {
    fn poll(&mut self, _now: Time) -> Step {
        Step::Done
    }

    fn observe(&mut self, _observation: Observation) {}
}
