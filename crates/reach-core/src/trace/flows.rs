//! Which numbers flows have: source ports, or ICMP flows.

use crate::{
    model::{TracePlan, TraceProtocol},
    stats::split_mix,
};

/// The most flows used to one endpoint.
pub(super) const MOST: u16 = 512;
/// Where source ports begin that no privileged program uses.
const FIRST_PORT: u16 = 1_024;

/// The flows of a trace in order; each endpoint has the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flows {
    first: u16,
    ports: bool,
}

impl Flows {
    pub(super) fn new(plan: &TracePlan) -> Self {
        let dice = split_mix(plan.seed);
        let ports = plan.protocol != TraceProtocol::Icmp;
        let first = match plan.first_flow {
            Some(first) => first,
            None if ports => 33_434 + (dice % 29) as u16 * 1_000,
            None => dice as u16,
        };
        Self { first, ports }
    }

    /// The flow at this place.
    pub(super) fn number(self, place: u16) -> u16 {
        let place = place % MOST;
        if !self.ports {
            return self.first.wrapping_add(place);
        }
        match self.first.checked_add(place) {
            Some(port) => port,
            None => FIRST_PORT + (u32::from(self.first) + u32::from(place) - 65_536) as u16,
        }
    }

    /// All of them.
    pub(super) fn all(self) -> impl Iterator<Item = u16> {
        (0..MOST).map(move |place| self.number(place))
    }
}
