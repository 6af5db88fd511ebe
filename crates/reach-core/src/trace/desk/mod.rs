//! A plan in the making: which packets are wanted of one track at this moment, and when to look again.
//!
//! The parts of a plan have a file each; here is what they share: the flows that are free, and the packets asked for.

mod ends;
mod live;
mod paths;
mod sweep;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    mtu,
    track::{Ask, Track, Want},
    view::{LEAST_PATIENCE, View},
};
use crate::{
    Time,
    model::{ReplyKind, TracePlan, TraceProtocol},
    route::{
        log::{Log, Shot},
        mda::{self, HopCensus, SILENT_TRIES},
    },
};

/// How long the end of a connection and the SYN of the next one of its flow keep apart, so that they do not
/// overtake each other.
const COOLING: Duration = Duration::from_millis(30);
/// How often a hop that limits its answers is asked slowly.
const SLOW_TRIES: u32 = 4;
/// And one that is not known to do so.
const SLOW_TRIES_TOGETHER: u32 = 2;

/// The order of what is wanted.
mod priority {
    pub(super) const SWEEP: u8 = 0;
    pub(super) const AGAIN: u8 = 1;
    pub(super) const END: u8 = 2;
    pub(super) const PATHS: u8 = 3;
    pub(super) const REPEAT: u8 = 4;
    pub(super) const SLOW: u8 = 5;
    pub(super) const SIZE: u8 = 6;
    pub(super) const LIVE: u8 = 7;
}

/// A plan in the making.
pub(super) struct Desk<'a> {
    track: &'a mut Track,
    view: &'a View<'a>,
    log: &'a Log,
    plan: &'a TracePlan,
    census: BTreeMap<u8, HopCensus>,
    /// Flows that cannot be used now.
    busy: BTreeSet<u16>,
    /// Flows that have nothing under way.
    quiet: Option<BTreeSet<u16>>,
    pub(super) wants: Vec<Want>,
    /// When the first packet under way is given up.
    pub(super) waiting: Option<Time>,
    pub(super) round: Option<Time>,
    /// Something is wanted on a flow that has something under way.
    pub(super) blocked: bool,
    /// When the first flow can be used again whose connection was just closed.
    pub(super) cool: Option<Time>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(track: &'a mut Track, view: &'a View<'a>) -> Self {
        let log = view.log;
        let plan = view.scene.plan;
        let census = mda::census(log, plan, |ttl, shot| view.is_lost(ttl, shot));
        let mut busy = track.taken.clone();
        busy.extend(track.alone.values());
        let mut cool = None;
        if plan.protocol == TraceProtocol::Tcp {
            busy.extend(under_way(log));
            for (flow, until) in cooling(log, view.scene.now) {
                busy.insert(flow);
                cool = Some(cool.map_or(until, |cool: Time| cool.min(until)));
            }
        }
        let round = track.round;
        let mut desk = Self {
            track,
            view,
            log,
            plan,
            census,
            busy,
            quiet: None,
            wants: Vec::new(),
            waiting: None,
            round,
            blocked: false,
            cool,
        };
        desk.note_waiting();
        desk
    }

    fn note_waiting(&mut self) {
        let view = self.view;
        let hops = self.log.hops.iter().flat_map(|(&ttl, flows)| {
            flows.values().flat_map(move |shots| shots.values().map(move |shot| (ttl, shot)))
        });
        let first = hops
            .filter(|(ttl, shot)| view.is_waiting(*ttl, shot))
            .map(|(ttl, shot)| view.expires(ttl, shot))
            .chain(self.waiting_ends())
            .min();
        self.waiting = first;
    }

    fn wake_at(&mut self, at: Time) {
        self.waiting = Some(self.waiting.map_or(at, |waiting| waiting.min(at)));
    }

    fn waiting_ends(&self) -> impl Iterator<Item = Time> {
        let patience = self.view.end_timeout() + LEAST_PATIENCE;
        let now = self.view.scene.now;
        let ends = self.log.ends.values().flat_map(BTreeMap::values);
        ends.filter(|shot| shot.done.is_none())
            .map(move |shot| shot.sent + patience)
            .filter(move |&at| at > now)
    }

    pub(super) fn discover(&mut self) {
        self.sweep();
        self.ask_silent_again();
        self.ends();
        if self.wants.is_empty() || self.plan.all_paths {
            self.paths();
            self.repeats();
            self.queries();
            self.follow_flows();
        }
        self.trace_resets();
        if self.plan.mtu && self.wants.is_empty() && self.waiting.is_none() {
            self.sizes();
        }
    }

    /// Only one packet may be under way on a flow.
    fn one_at_a_time(&self) -> bool {
        self.plan.protocol == TraceProtocol::Tcp
    }

    fn slow_tries(&self, ttl: u8) -> u32 {
        self.track.slow.get(&ttl).copied().unwrap_or(0)
    }

    fn slowly(&mut self, ttl: u8) {
        if let Some(flow) = self.quiet_flow() {
            self.want(priority::SLOW, Ask::Hop(ttl), flow);
            if let Some(want) = self.wants.last_mut() {
                (want.slow, want.alone) = (true, true);
            }
        }
    }

    /// Every flow asked, or about to be asked, at a hop.
    fn asked(&self, ttl: u8) -> BTreeSet<u16> {
        let sent = self.log.hops.get(&ttl).into_iter().flatten().map(|(&flow, _)| flow);
        let wanted = self.wants.iter().filter(|want| want.ask == Ask::Hop(ttl)).map(|want| want.flow);
        sent.chain(wanted).collect()
    }

    fn fresh_flow(&self, ttl: u8) -> Option<u16> {
        let asked = self.asked(ttl);
        self.view.scene.flows.all().find(|flow| !asked.contains(flow) && !self.busy.contains(flow))
    }

    /// A flow on which nothing is under way.
    fn quiet_flow(&mut self) -> Option<u16> {
        let log = self.log;
        let used = self.quiet.get_or_insert_with(|| under_way(log));
        let mut flows = self.view.scene.flows.all();
        if !self.plan.all_paths {
            let main = self.view.scene.flows.number(0);
            return Some(main).filter(|main| !used.contains(main) && !self.busy.contains(main));
        }
        flows.find(|flow| !used.contains(flow) && !self.busy.contains(flow))
    }

    /// A flow at a hop, unless it was answered or given up there.
    fn once(&mut self, ttl: u8, flow: u16) {
        let shots = self.log.hops.get(&ttl).and_then(|flows| flows.get(&flow));
        let settled = shots.is_some_and(|shots| {
            shots.len() >= SILENT_TRIES
                || shots.values().any(|shot| shot.reply.is_some() || self.view.is_waiting(ttl, shot))
        });
        let wanted = self.wants.iter().any(|want| want.ask == Ask::Hop(ttl) && want.flow == flow);
        if settled || wanted || self.is_dead(flow, ttl) || self.track.taken.contains(&flow) {
            return;
        }
        match self.busy.contains(&flow) {
            false => self.want(priority::PATHS, Ask::Hop(ttl), flow),
            true => self.blocked = true,
        }
    }

    /// A flow that some hop before this one never answered, though it answers others, or whose path ended before.
    fn is_dead(&self, flow: u16, ttl: u8) -> bool {
        self.census.range(..ttl).any(|(&before, hop)| {
            hop.silent.contains(&flow)
                || self.log.met(before, flow).is_some_and(|reply| reply.kind != ReplyKind::TimeExceeded)
        })
    }

    fn sizes(&mut self) {
        let packets = mtu::packets(self.plan.protocol, self.view.scene.echo);
        let flow = self.view.scene.flows.number(super::flows::MOST - 1);
        let patience = self.view.near_patience().max(Duration::from_millis(30));
        let next = mtu::next(self.log, self.track.endpoint, packets, self.view.scene.now, patience);
        for (ttl, length) in next.asks {
            self.want(priority::SIZE, Ask::Sized { ttl, length }, flow);
        }
        self.waiting = next.wake;
    }

    fn want(&mut self, priority: u8, ask: Ask, flow: u16) {
        if self.one_at_a_time() && !matches!(ask, Ask::Greet | Ask::Sized { .. }) {
            self.busy.insert(flow);
        }
        let timeout = self.timeout(ask);
        self.wants.push(Want { priority, ask, flow, timeout, slow: false, alone: false });
    }

    fn want_alone(&mut self, ask: Ask, flow: u16) {
        self.busy.insert(flow);
        let timeout = self.timeout(ask);
        self.wants.push(Want { priority: priority::AGAIN, ask, flow, timeout, slow: false, alone: true });
    }

    /// The time-out of a probe: the longest, so that an answer which comes late still counts. An attempt at the
    /// endpoint has to be known as lost, and its flow to be free, before it is repeated.
    fn timeout(&self, ask: Ask) -> Duration {
        match ask {
            Ask::End => self.view.end_timeout(),
            Ask::Greet | Ask::Floor(_) => self.view.dark_patience(),
            // The next hop waits for this one.
            Ask::Hop(_) if self.one_at_a_time() && !self.plan.all_paths => self.view.dark_patience(),
            Ask::Hop(_) | Ask::Sized { .. } => self.plan.timeout,
        }
    }
}

/// Flows with something under way.
fn under_way(log: &Log) -> BTreeSet<u16> {
    let hops = log.hops.values().flatten();
    hops.chain(&log.ends)
        .filter(|(_, shots)| shots.values().any(|shot| shot.done.is_none()))
        .map(|(&flow, _)| flow)
        .collect()
}

/// Flows whose connection came about and was closed a moment ago, and until when they rest.
fn cooling(log: &Log, now: Time) -> impl Iterator<Item = (u16, Time)> {
    let hops = log.hops.values().flatten();
    hops.chain(&log.ends).filter_map(move |(&flow, shots)| {
        let reached =
            |shot: &&Shot| shot.reply.as_ref().is_some_and(|reply| reply.kind == ReplyKind::Reached);
        let last = shots.values().rev().find(reached)?.done?;
        Some((flow, last + COOLING)).filter(|(_, until)| *until > now)
    })
}
