//! The rounds of a trace that goes on until it is stopped.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use super::{Desk, priority};
use crate::{route::log, trace::track::Ask};

impl Desk<'_> {
    /// Everything known once more in each interval: each router on a flow that meets it, silent hops, the endpoint.
    pub(in crate::trace) fn again(&mut self, interval: Duration) {
        let now = self.view.scene.now;
        let began = match self.round {
            Some(began) if now < began + interval => began,
            Some(began) if now < began + interval * 2 => began + interval,
            _ => now,
        };
        self.round = Some(began);
        self.waiting = Some(began + interval);
        let fresh = |shots: &log::Shots| shots.values().next_back().is_some_and(|shot| shot.sent >= began);
        let horizon = self.view.end.unwrap_or(self.view.last);
        let mut asks: Vec<(Ask, Vec<u16>)> = Vec::new();
        for ttl in self.plan.first_ttl.max(1)..=horizon {
            let Some(flows) = self.log.hops.get(&ttl) else { continue };
            let mut by_router: BTreeMap<Option<IpAddr>, Vec<u16>> = BTreeMap::new();
            for &flow in flows.keys() {
                by_router.entry(self.log.met(ttl, flow).map(|reply| reply.from)).or_default().push(flow);
            }
            if by_router.len() > 1 {
                by_router.remove(&None);
            }
            let asked = |flows_of: &Vec<u16>| flows_of.iter().any(|flow| flows.get(flow).is_some_and(fresh));
            asks.extend(
                by_router.into_values().filter(|flows| !asked(flows)).map(|flows| (Ask::Hop(ttl), flows)),
            );
        }
        let several = self.plan.flows > 0;
        if several {
            let due = self.log.ends.iter().filter(|(_, shots)| !fresh(shots));
            asks.extend(due.map(|(&flow, _)| (Ask::End, vec![flow])));
        } else if !self.log.ends.values().any(fresh) {
            asks.push((Ask::End, self.log.ends.keys().copied().collect()));
        }
        for (ask, flows) in asks {
            if let Some(flow) = flows.into_iter().find(|flow| !self.busy.contains(flow)) {
                self.want(priority::LIVE, ask, flow);
                if let Some(want) = self.wants.last_mut() {
                    want.timeout = want.timeout.min(interval).max(Duration::from_millis(10));
                }
            }
        }
    }
}
