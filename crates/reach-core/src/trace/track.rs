//! What is still missing on the way to one endpoint. Planned anew, from what was sent and what came back, whenever
//! either changes: there is no state besides that could disagree with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use super::{
    desk::Desk,
    flows::Flows,
    is_final,
    view::{LEAST_PATIENCE, View, slowest},
};
use crate::{
    Time,
    dossier::Dossier,
    model::{EchoAccess, Endpoint, Observation, Obstacle, Outcome, ProbeId, TracePlan, TraceProtocol},
    route::log::{self, Log, Slot},
};

/// What several tracks of one family may know of one another: only ever a reason to ask.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hints {
    /// TTLs that were answered.
    pub(super) answered: BTreeSet<u8>,
    /// TTLs whose routers limit their answers: they answered once they were asked slowly.
    limited: BTreeSet<u8>,
    /// The farthest endpoint reached.
    pub(super) distance: u8,
    /// The slowest hop.
    pub(super) slowest: Duration,
    /// Endpoints that were heard of.
    pub(super) heard: BTreeSet<IpAddr>,
}

impl Hints {
    /// The routers at this hop are known to limit their answers.
    pub(super) fn limits(&self, ttl: u8) -> bool {
        self.limited.contains(&ttl)
    }
}

/// What a track looks at besides itself.
pub(super) struct Scene<'a> {
    pub(super) plan: &'a TracePlan,
    pub(super) now: Time,
    pub(super) hints: &'a Hints,
    pub(super) flows: &'a Flows,
    pub(super) echo: EchoAccess,
    /// What the judge would look at.
    pub(super) dossier: Option<&'a Dossier>,
    /// How late we are told of things, because this host is busy.
    pub(super) lateness: Duration,
    /// There is time left to discover something.
    pub(super) discovering: bool,
    pub(super) deadline: Time,
}

/// A packet that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Want {
    /// Lower is sooner.
    pub(super) priority: u8,
    pub(super) ask: Ask,
    pub(super) flow: u16,
    pub(super) timeout: Duration,
    /// Only so often as a router can answer that limits its errors.
    pub(super) slow: bool,
    /// Alone on its flow.
    pub(super) alone: bool,
}

/// What to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The hop at this TTL.
    Hop(u8),
    /// The endpoint.
    End,
    /// How far away the endpoint stands, by its echo reply.
    Greet,
    /// The endpoint, taking only answers that arrive with at least this TTL.
    Floor(u8),
    /// Whether a packet of this length passes.
    Sized { ttl: Option<u8>, length: u32 },
}

/// The trace to one endpoint.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) endpoint: Endpoint,
    pub(super) log: Log,
    pub(super) wants: Vec<Want>,
    pub(super) wake: Option<Time>,
    pub(super) due: bool,
    pub(super) done: bool,
    /// Flows that a probe has to have for itself.
    pub(super) alone: BTreeMap<ProbeId, u16>,
    /// Source ports that somebody else uses.
    pub(super) taken: BTreeSet<u16>,
    /// How often a hop was asked slowly.
    pub(super) slow: BTreeMap<u8, u32>,
    sequence: u16,
    /// Echo requests sent to learn how far away the endpoint stands, and turns of bounds on an answer's TTL.
    pub(super) greeted: u32,
    pub(super) floor_rounds: u32,
    pub(super) floors: Vec<u8>,
    /// Probes under way that are in no log, and when they are given up.
    pub(super) extras: BTreeMap<ProbeId, Time>,
    /// When the current round of repeated questions began.
    pub(super) round: Option<Time>,
}

impl Track {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            log: Log::default(),
            wants: Vec::new(),
            wake: None,
            due: true,
            done: false,
            alone: BTreeMap::new(),
            taken: BTreeSet::new(),
            slow: BTreeMap::new(),
            sequence: 0,
            greeted: 0,
            floor_rounds: 0,
            floors: Vec::new(),
            extras: BTreeMap::new(),
            round: None,
        }
    }

    pub(super) fn next_sequence(&mut self) -> u16 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    pub(super) fn launched(&mut self, id: ProbeId, want: &Want, slot: Option<Slot>, now: Time) {
        // What else was planned with it stands.
        self.due |= self.wants.is_empty();
        let soon = now + LEAST_PATIENCE;
        self.wake = Some(self.wake.map_or(soon, |wake| wake.min(soon)));
        if let Ask::Floor(floor) = want.ask {
            self.floors.retain(|&other| other != floor);
        }
        if matches!(want.ask, Ask::Greet | Ask::Floor(_)) {
            self.greeted += u32::from(want.ask == Ask::Greet);
            self.extras.insert(id, now + want.timeout);
        }
        let Some(slot) = slot else { return };
        if let (true, Slot::Hop(ttl, _)) = (want.slow, slot) {
            *self.slow.entry(ttl).or_default() += 1;
        }
        if want.alone {
            self.alone.insert(id, want.flow);
        }
        self.log.launch(id, slot, now);
    }

    pub(super) fn observe(&mut self, observation: &Observation, protocol: TraceProtocol) {
        self.due = true;
        self.alone.remove(&observation.id);
        self.extras.remove(&observation.id);
        let Some(slot) = log::slot(&observation.probe, self.endpoint, protocol) else { return };
        if let (Outcome::Unable(inability), Slot::Hop(_, flow) | Slot::End(flow)) =
            (&observation.outcome, slot)
            && inability.why == Obstacle::PortInUse
        {
            self.taken.insert(flow);
        }
        self.log.file(slot, self.endpoint, observation);
    }

    /// Adds what others may know of this track; true when it is news to them.
    pub(super) fn tell(&self, hints: &mut Hints) -> bool {
        let mut news = false;
        let view = self.log.hops.keys().filter(|&&ttl| self.log.replies(ttl).next().is_some());
        for &ttl in view {
            news |= hints.answered.insert(ttl);
        }
        if let Some(distance) = self.log.distance()
            && distance > hints.distance
        {
            hints.distance = distance;
            news = true;
        }
        for &ttl in self.slow.keys() {
            if self.log.replies(ttl).next().is_some() {
                news |= hints.limited.insert(ttl);
            }
        }
        hints.slowest = hints.slowest.max(slowest(&self.log).map_or(Duration::ZERO, |(slowest, _)| slowest));
        hints.heard.insert(self.endpoint.address);
        news
    }

    /// Decides what to ask next.
    pub(super) fn plan(&mut self, scene: &Scene<'_>) {
        self.due = false;
        self.wants.clear();
        self.wake = None;
        if self.is_barred() {
            self.done = true;
            return;
        }
        let log = std::mem::take(&mut self.log);
        let view = View::new(&log, scene);
        let mut desk = Desk::new(self, &view);
        if scene.discovering {
            desk.discover();
        }
        if let Some(interval) = scene.plan.repeat
            && desk.wants.is_empty()
            && (desk.waiting.is_none() || desk.round.is_some() || !scene.discovering)
        {
            desk.again(interval);
        }
        let Desk { wants, mut waiting, round, blocked, cool, .. } = desk;
        if blocked && let Some(cool) = cool {
            waiting = Some(waiting.map_or(cool, |waiting| waiting.min(cool)));
        }
        self.wants = wants;
        self.round = round;
        self.wake = waiting;
        self.extras.retain(|_, &mut over| over > scene.now);
        self.wake = self.wake.into_iter().chain(self.extras.values().copied()).min();
        if blocked && self.wants.is_empty() && self.wake.is_none() {
            // What is under way on a flow holds up what comes next on it, and will be observed.
            self.wake = Some(scene.deadline);
        }
        self.log = log;
        self.done = self.wants.is_empty() && self.wake.is_none() || self.round.is_some();
        if !scene.discovering {
            self.done = true;
        } else if scene.plan.repeat.is_none() && self.wake.is_none_or(|wake| wake > scene.deadline) {
            self.wake = Some(scene.deadline).filter(|_| !self.done);
        }
    }

    /// Nothing can be sent to this endpoint.
    fn is_barred(&self) -> bool {
        self.log.unable.as_ref().is_some_and(|inability| is_final(inability.why))
            && !self.log.hops.keys().any(|&ttl| self.log.settled(ttl).next().is_some())
            && !self.log.ends.values().flat_map(BTreeMap::values).any(|shot| shot.done.is_some())
    }
}
