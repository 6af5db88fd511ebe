//! Attempts at the endpoint itself: whether it is reached, by which flows, and who answers in its name.

use std::collections::BTreeMap;

use super::{Desk, priority, sweep::FIRST_HOPS};
use crate::{
    model::{EchoAccess, ReplyKind, TraceProtocol},
    route::log::Shot,
    survey::closer_floors,
    trace::{flows, track::Ask, view::LEAST_PATIENCE},
};

/// Attempts without a TTL limit, usually; where some are lost, so many flows so often.
const ENDS: u16 = 2;
const LOSSY_FLOWS: u16 = 12;
const LOSSY_TRIES: usize = 3;
/// Attempts on each flow when a bad member of an equal-cost group is looked for.
const FLOW_TRIES: usize = 4;
/// So many flows that never pass are followed to where they part from the others.
const FAILING_FLOWS: usize = 6;
/// Echo requests for the distance of an endpoint, and turns of bounds on the TTL of its resets.
const GREETINGS: u32 = 2;
const FLOOR_ROUNDS: u32 = 6;

impl Desk<'_> {
    /// Attempts at the endpoint itself.
    pub(super) fn ends(&mut self) {
        let all = self.log.ends.values().flat_map(BTreeMap::values);
        let now = self.view.scene.now;
        let came = |shot: &&Shot| shot.reply.as_ref().is_some_and(|reply| reply.kind == ReplyKind::Reached);
        let lost = all.clone().filter(|shot| shot.reply.is_none() && shot.done.is_some()).count();
        let answered = all.filter(came).count() > 0 || self.log.distance().is_some();
        let dying = self.census.iter().any(|(&ttl, hop)| {
            !hop.silent.is_empty() || self.view.tally(ttl).1 > 1 && self.is_lost_by_path(ttl)
        });
        let partial = answered && (lost > 0 || dying) && self.plan.all_paths;
        let (flows, tries) = match (self.plan.flows, partial) {
            (0, false) if !self.plan.all_paths => (1, 1),
            (0, false) => (ENDS, 1),
            (0, true) => (LOSSY_FLOWS, LOSSY_TRIES),
            (flows, _) => (flows.min(flows::MOST / 2), FLOW_TRIES),
        };
        let over = self.view.end_timeout() + LEAST_PATIENCE;
        for place in 0..flows {
            // The first ports are taken by the first sweep.
            let aside = if self.plan.flows == 0 && self.one_at_a_time() { u16::from(FIRST_HOPS) } else { 0 };
            let aside = if self.plan.all_paths { aside } else { 0 };
            let flow = self.view.scene.flows.number(place + aside);
            let shots = self.log.ends.get(&flow);
            let made = shots.map_or(0, BTreeMap::len);
            let open = shots.is_some_and(|shots| {
                shots.values().any(|shot| shot.done.is_none() && now < shot.sent + over)
            });
            if made >= tries || open || self.track.taken.contains(&flow) {
                continue;
            }
            match self.busy.contains(&flow) {
                false => self.want(priority::END, Ask::End, flow),
                true => self.blocked = true,
            }
        }
    }

    /// The way of each flow that is tried end to end, where paths are parallel.
    pub(super) fn follow_flows(&mut self) {
        if self.log.ends.len() <= usize::from(ENDS) || !self.plan.all_paths {
            return;
        }
        let flows: Vec<u16> = self.log.ends.keys().copied().collect();
        let wide: Vec<u8> = self
            .census
            .iter()
            .filter(|(_, hop)| hop.width > 1 || !hop.silent.is_empty())
            .map(|(&ttl, _)| ttl)
            .collect();
        for ttl in wide {
            for &flow in &flows {
                self.once(ttl, flow);
            }
        }
        // Some flows never pass while others do: the hops with one responder may only not have shown those flows'.
        let narrow: Vec<u8> =
            self.census.iter().filter(|(_, hop)| hop.width == 1).map(|(&ttl, _)| ttl).collect();
        for flow in self.failing_flows() {
            for &ttl in &narrow {
                self.once(ttl, flow);
            }
        }
    }

    /// A few of the flows of which no attempt was answered, where others were.
    fn failing_flows(&self) -> Vec<u16> {
        let answered = |shots: &BTreeMap<_, Shot>| shots.values().any(|shot| shot.reply.is_some());
        let failed = |shots: &BTreeMap<_, Shot>| {
            shots.values().filter(|shot| shot.reply.is_none() && shot.done.is_some()).count() >= 2
        };
        if !self.log.ends.values().any(answered) {
            return Vec::new();
        }
        let failing = self.log.ends.iter().filter(|(_, shots)| !answered(shots) && failed(shots));
        failing.map(|(&flow, _)| flow).take(FAILING_FLOWS).collect()
    }

    /// Where resets come in the endpoint's name: how far away it stands, by an echo reply, and from how far away
    /// the resets come, by the bound on their own TTL up to which they are let in.
    pub(super) fn trace_resets(&mut self) {
        let Some(first) = self.log.first(|kind| kind == ReplyKind::Reset) else { return };
        if self.plan.protocol != TraceProtocol::Tcp || self.log.distance().is_some() {
            return;
        }
        let main = self.view.scene.flows.number(0);
        let idle = self.track.extras.is_empty();
        if idle && self.view.scene.echo != EchoAccess::None && self.track.greeted < GREETINGS {
            self.want(priority::END, Ask::Greet, main);
        }
        let pinned = self.view.scene.dossier.is_none_or(|dossier| dossier.reply_ttl().is_some());
        if let Some(dossier) = self.view.scene.dossier
            && idle
            && !pinned
            && self.track.floors.is_empty()
            && self.track.floor_rounds < FLOOR_ROUNDS
        {
            self.track.floors = match self.track.floor_rounds {
                // From the initial TTL of most systems: as far back as it was forth, or nearer.
                0 => (65_u8.saturating_sub(first).max(1)..=65).rev().take(8).collect(),
                _ => closer_floors(dossier),
            };
            self.track.floor_rounds += 1;
        }
        for floor in self.track.floors.clone() {
            let aside = flows::MOST / 2 + u16::from(floor);
            let flow = self.view.scene.flows.number(aside);
            self.want(priority::END, Ask::Floor(floor), flow);
        }
    }
}
