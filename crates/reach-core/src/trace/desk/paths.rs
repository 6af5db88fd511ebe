//! Parallel paths: the flows that the stopping rule asks for, and those that tell how packets are spread over them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{Desk, SLOW_TRIES, priority};
use crate::{
    route::mda::SILENT_TRIES,
    trace::{flows, track::Ask},
};

impl Desk<'_> {
    /// The flows that the stopping rule asks for.
    pub(super) fn paths(&mut self) {
        if !self.plan.all_paths {
            return;
        }
        let horizon = self.view.end.unwrap_or(self.view.last);
        let hops: Vec<u8> = self.census.keys().copied().filter(|&ttl| ttl <= horizon).collect();
        for ttl in hops {
            let hop = &self.census[&ttl];
            if hop.width == 0 {
                continue;
            }
            if self.is_slow(ttl) {
                self.slow_paths(ttl);
                continue;
            }
            let shots: usize = self.log.hops[&ttl].values().map(BTreeMap::len).sum();
            let controlled: u32 = hop.control.values().map(|control| control.needed).sum();
            let most = 3 * hop.needed.max(controlled) as usize + 8;
            let mut room = most.saturating_sub(shots);
            let backward = hop.backward.clone();
            let control = hop.control.clone();
            let mut missing = (hop.needed as usize)
                .saturating_sub(hop.seen() as usize)
                .saturating_sub(self.new_under_way(ttl).len());
            for flow in self.lost_flows(ttl) {
                if missing == 0 || room == 0 {
                    break;
                }
                if self.busy.contains(&flow) {
                    continue;
                }
                self.want(priority::PATHS, Ask::Hop(ttl), flow);
                (missing, room) = (missing - 1, room - 1);
            }
            while missing > 0 && room > 0 {
                let Some(flow) = self.next_flow(ttl) else { break };
                self.want(priority::PATHS, Ask::Hop(ttl), flow);
                (missing, room) = (missing - 1, room - 1);
            }
            for flow in backward {
                self.once(ttl - 1, flow);
            }
            for (from, control) in control {
                let missing = control.needed.saturating_sub(control.seen) as usize;
                self.control(ttl, from, missing.min(room));
            }
        }
    }

    fn is_slow(&self, ttl: u8) -> bool {
        self.slow_tries(ttl) > 0 || self.view.is_limited(ttl) && !self.is_lost_by_path(ttl)
    }

    /// The flows that are not answered here all went through other routers of some hop before than those that are:
    /// a limit would not choose among them.
    pub(super) fn is_lost_by_path(&self, ttl: u8) -> bool {
        let here = &self.census[&ttl].flows;
        let Some(asked) = self.log.hops.get(&ttl) else { return false };
        let lost = |flow: &u16| asked[flow].values().all(|shot| self.view.is_lost(ttl, shot));
        self.census.range(..ttl).filter(|(_, before)| before.width > 1).any(|(_, before)| {
            let through = |flows: &mut dyn Iterator<Item = &u16>| -> BTreeSet<IpAddr> {
                flows.filter_map(|flow| before.flows.get(flow)).copied().collect()
            };
            let good = through(&mut here.keys());
            let bad = through(&mut asked.keys().filter(|flow| lost(flow)));
            !good.is_empty() && !bad.is_empty() && good.is_disjoint(&bad)
        })
    }

    /// A hop that limits its answers: a few are asked for all the same.
    fn slow_paths(&mut self, ttl: u8) {
        let hop = &self.census[&ttl];
        let alone = self.view.scene.hints.heard.len() <= 1;
        let enough = if alone { hop.needed.min(u32::from(self.plan.queries)).max(1) } else { 1 };
        let waiting = self.log.hops[&ttl]
            .values()
            .flat_map(BTreeMap::values)
            .any(|shot| self.view.is_waiting(ttl, shot));
        if hop.seen() < enough && !waiting && self.slow_tries(ttl) < SLOW_TRIES {
            self.slowly(ttl);
        }
    }

    /// Flows asked for the first time at this hop and still waited for.
    fn new_under_way(&self, ttl: u8) -> BTreeSet<u16> {
        let known = &self.census[&ttl].flows;
        let asked = self.log.hops.get(&ttl).into_iter().flatten();
        let waiting = asked.filter(|(_, shots)| shots.values().any(|shot| self.view.is_waiting(ttl, shot)));
        waiting.map(|(&flow, _)| flow).filter(|flow| !known.contains_key(flow)).collect()
    }

    /// Flows that got no answer here, and are worth another try.
    fn lost_flows(&self, ttl: u8) -> Vec<u16> {
        let hop = &self.census[&ttl];
        let asked = self.log.hops.get(&ttl).into_iter().flatten();
        asked
            .filter(|&(flow, shots)| {
                !hop.flows.contains_key(flow)
                    && shots.len() < SILENT_TRIES
                    && shots.values().all(|shot| self.view.is_lost(ttl, shot))
                    && !self.is_dead(*flow, ttl)
            })
            .map(|(&flow, _)| flow)
            .collect()
    }

    /// The next flow to ask here: one known at the hop before, evenly over its routers; else one known at the hop
    /// behind; else a new one.
    fn next_flow(&self, ttl: u8) -> Option<u16> {
        let asked = self.asked(ttl);
        let free =
            |flow: &u16| !asked.contains(flow) && !self.busy.contains(flow) && !self.is_dead(*flow, ttl);
        let before = ttl.checked_sub(1).and_then(|before| self.census.get(&before));
        if let Some(before) = before {
            let mut used: BTreeMap<IpAddr, u32> = BTreeMap::new();
            for (flow, at) in &before.flows {
                *used.entry(*at).or_default() += u32::from(asked.contains(flow));
            }
            let known = before.flows.iter().filter(|(flow, _)| free(flow));
            if let Some((&flow, _)) = known.min_by_key(|(flow, at)| (used.get(at).copied(), **flow)) {
                return Some(flow);
            }
        }
        let behind = ttl.checked_add(1).and_then(|behind| self.census.get(&behind));
        let known = behind.and_then(|behind| behind.flows.keys().copied().find(free));
        known.or_else(|| self.view.scene.flows.all().find(free))
    }

    /// So many more flows through one router of the hop before.
    fn control(&mut self, ttl: u8, from: IpAddr, missing: usize) {
        let Some(before) = ttl.checked_sub(1).and_then(|before| self.census.get(&before)) else { return };
        let through = |flow: &u16| before.flows.get(flow) == Some(&from);
        let under_way = self.new_under_way(ttl).iter().filter(|flow| through(flow)).count();
        let mut missing = missing.saturating_sub(under_way);
        let lost = self.lost_flows(ttl);
        let asked = self.asked(ttl);
        let known: Vec<u16> = before
            .flows
            .keys()
            .copied()
            .filter(|flow| through(flow) && (!asked.contains(flow) || lost.contains(flow)))
            .collect();
        let width = before.width;
        for flow in known {
            if missing == 0 {
                return;
            }
            self.once(ttl, flow);
            missing -= 1;
        }
        // New flows at the hop before: one in `width` of them goes through the router.
        let coming = self.new_under_way(ttl - 1).len()
            + self.wants.iter().filter(|want| want.ask == Ask::Hop(ttl - 1)).count();
        let more = (missing * width).min(flows::MOST as usize / 4).saturating_sub(coming);
        for _ in 0..more {
            let Some(flow) = self.fresh_flow(ttl - 1) else { return };
            self.want(priority::PATHS, Ask::Hop(ttl - 1), flow);
        }
    }

    /// The same flows again, where it is to be told how packets are spread.
    pub(super) fn repeats(&mut self) {
        let hops: Vec<(u8, u32, u32)> = self
            .census
            .iter()
            .filter(|(_, hop)| hop.width > 1 && hop.seen() >= hop.needed && hop.repeats < hop.repeats_needed)
            .map(|(&ttl, hop)| (ttl, hop.repeats_needed, hop.repeats_needed - hop.repeats))
            .collect();
        for (ttl, needed, missing) in hops {
            if self.is_slow(ttl) || !self.plan.all_paths {
                continue;
            }
            let hop = &self.census[&ttl];
            let mut known: Vec<(usize, u16)> = hop
                .flows
                .keys()
                .map(|flow| (self.log.hops[&ttl].get(flow).map_or(0, BTreeMap::len), *flow))
                .collect();
            known.sort_unstable();
            let extra: usize = known.iter().map(|(shots, _)| shots.saturating_sub(1)).sum();
            let is_waiting =
                |flow: &u16| self.log.hops[&ttl][flow].values().any(|shot| self.view.is_waiting(ttl, shot));
            let waiting = known.iter().filter(|(_, flow)| is_waiting(flow)).count();
            let room = (2 * needed as usize + 4).saturating_sub(extra);
            let free: Vec<u16> = known
                .into_iter()
                .map(|(_, flow)| flow)
                .filter(|flow| !self.busy.contains(flow) && !is_waiting(flow))
                .collect();
            for flow in free.into_iter().take((missing as usize).saturating_sub(waiting).min(room)) {
                self.want(priority::REPEAT, Ask::Hop(ttl), flow);
            }
        }
    }

    /// So many answers of each hop as its round-trip time is wanted of.
    pub(super) fn queries(&mut self) {
        let horizon = self.view.end.unwrap_or(self.view.last);
        let main = self.view.scene.flows.number(0);
        for ttl in self.plan.first_ttl.max(1)..=horizon {
            let Some(flows) = self.log.hops.get(&ttl) else { continue };
            let (answered, lost) = self.view.tally(ttl);
            let waiting = flows
                .values()
                .flat_map(BTreeMap::values)
                .filter(|shot| self.view.is_waiting(ttl, shot))
                .count();
            let wanted = self.wants.iter().filter(|want| want.ask == Ask::Hop(ttl)).count();
            let queries = u32::from(self.plan.queries);
            let missing = (queries as usize).saturating_sub(answered as usize + waiting + wanted);
            if answered == 0 || lost > 2 * queries + 2 || self.is_slow(ttl) {
                continue;
            }
            let free = |flow: &u16| !self.busy.contains(flow);
            let flow = match self.plan.all_paths {
                true => Some(main).filter(free).or_else(|| flows.keys().copied().find(free)),
                false => Some(main).filter(free),
            };
            // One after the other: all at once would look like a limit where there is none.
            match (flow, missing > 0 && waiting == 0) {
                (Some(flow), true) => self.want(priority::REPEAT, Ask::Hop(ttl), flow),
                (None, true) => self.blocked = true,
                (_, false) => {}
            }
        }
    }
}
