//! Traces in pretend networks.

#![expect(dead_code, reason = "each test program uses its own part")]

use std::{fmt::Write as _, net::IpAddr, time::Duration};

use reach_core::{
    model::{Endpoint, Observation, Route, TracePlan, TraceProtocol},
    route::routes,
    trace::Tracer,
};
use reach_sim::{Scenario, drive::drive, scenario::STARTED};

/// The address that is usually traced.
pub(crate) const WEB: &str = "203.0.113.11";

/// A network to trace through.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    scenario: Scenario,
}

/// What a trace came to.
#[derive(Clone, Debug)]
pub(crate) struct Traced {
    pub(crate) routes: Vec<Route>,
    pub(crate) observations: Vec<Observation>,
    pub(crate) took: Duration,
    pub(crate) plan: TracePlan,
    pub(crate) endpoints: Vec<Endpoint>,
}

impl Net {
    /// A chain of so many routers.
    pub(crate) fn chain(routers: usize) -> Self {
        let stages: Vec<String> = (1..=routers).map(|number| one(&format!("r{number}"), "")).collect();
        Self::new(&stages.concat(), "")
    }

    /// Stages of so many routers each; each router is linked with all of the next stage.
    pub(crate) fn widths(widths: &[usize]) -> Self {
        Self::new(&stages(widths), "")
    }

    /// Stages and other parts of the network in TOML.
    pub(crate) fn new(stages: &str, rest: &str) -> Self {
        Self::with("", stages, rest)
    }

    /// The same with settings that exist only in a pretend network.
    pub(crate) fn with(pretend: &str, stages: &str, rest: &str) -> Self {
        let text = format!(
            "title = 'a trace'\ntarget = 'push.example'\n[expect]\nstate = 'reachable'\n\
             [pretend]\n{pretend}\n[network.client]\nping_sockets = true\n{stages}\
             [[network.hosts]]\nname = 'web'\naddresses = [{}, '2001:db8:113::11']\n\
             [[network.services]]\nat = 'web'\nports = [443]\nkind = 'silent'\n{rest}",
            (11..=26).map(|last| format!("'203.0.113.{last}'")).collect::<Vec<_>>().join(", ")
        );
        let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        Self { scenario }
    }

    /// Traces to one address with TCP under this seed.
    pub(crate) fn trace(&self, seed: u64) -> Traced {
        self.trace_with(&TracePlan { seed, ..TracePlan::default() })
    }

    pub(crate) fn trace_by(&self, protocol: TraceProtocol, seed: u64) -> Traced {
        self.trace_with(&TracePlan { protocol, seed, ..TracePlan::default() })
    }

    pub(crate) fn trace_with(&self, plan: &TracePlan) -> Traced {
        self.trace_all(plan, &[WEB])
    }

    /// Traces to all these addresses.
    pub(crate) fn trace_all(&self, plan: &TracePlan, addresses: &[&str]) -> Traced {
        let (mut world, _) = self.scenario.start(plan.seed).unwrap();
        let endpoints: Vec<Endpoint> =
            addresses.iter().map(|address| Endpoint { address: ip(address), port: 443 }).collect();
        let vantage = world.network().client.vantage.clone();
        let mut tracer = Tracer::new(plan.clone(), endpoints.clone(), &vantage, STARTED);
        let run = drive(&mut tracer, STARTED, &mut world);
        let mut observations = run.observations;
        observations.extend(tracer.given_up(run.finished));
        let routes = routes(plan, &endpoints, &observations);
        assert_eq!(routes, tracer.routes(), "live and replayed routes are the same");
        let took = run.finished.since(STARTED);
        Traced { routes, observations, took, plan: plan.clone(), endpoints }
    }
}

impl Traced {
    /// The only route.
    pub(crate) fn route(&self) -> &Route {
        &self.routes[0]
    }

    /// How many routers answer at each hop.
    pub(crate) fn widths(&self) -> Vec<usize> {
        self.route().hops.iter().map(|hop| hop.responders.len()).collect()
    }
}

/// A stage with one router.
pub(crate) fn one(name: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    format!("[[network.stages]]\nrouters = [{{ name = '{name}'{comma}{more} }}]\n")
}

/// Stages of so many routers each, called a1, a2 …, b1 …
pub(crate) fn stages(widths: &[usize]) -> String {
    let mut text = String::new();
    for (stage, width) in widths.iter().enumerate() {
        let letter = char::from(b'a' + stage as u8);
        let routers: Vec<String> =
            (1..=*width).map(|number| format!("{{ name = '{letter}{number}' }}")).collect();
        let _ = writeln!(text, "[[network.stages]]\nrouters = [{}]", routers.join(", "));
    }
    text
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
