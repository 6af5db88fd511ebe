//! The examination of one endpoint: what is still to be asked, given what is known.
//!
//! An examination is a handful of small tests, each with a state of its own: ping, flows, exchange, trail,
//! reply TTL, local edge, crowd. They start one another: silence or a rejection starts the trail, the end of
//! the trail starts the reply-TTL and local-edge tests, a failing handshake starts its controls.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    crowd::CrowdTest,
    discovery::earliest,
    edge::EdgeTest,
    exchange::{CutElsewhere, ExchangeTest},
    flows::FlowTest,
    ping::PingTest,
    reply_ttl::ReplyTtlTest,
    trail::TrailTest,
};
use crate::{
    Time,
    dossier::{BRISK, Dossier},
    model::{Case, Endpoint, Observation, Probe, ProbeId, TrailAnswer},
};

/// The examination of one endpoint.
#[derive(Debug)]
pub(crate) struct Examination {
    pub(crate) endpoint: Endpoint,
    pub(crate) dossier: Dossier,
    pub(crate) ping: PingTest,
    pub(crate) flows: FlowTest,
    pub(crate) exchange: ExchangeTest,
    pub(crate) trail: TrailTest,
    pub(crate) reply_ttl: ReplyTtlTest,
    pub(crate) edge: EdgeTest,
    pub(crate) crowd: CrowdTest,
}

/// What an examination sees of the world around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) case: &'a Case,
    pub(crate) now: Time,
    /// When everything ends.
    pub(crate) deadline: Time,
    /// What is known of the address of the same family that works and is compared with.
    pub(crate) control: Option<&'a Control>,
    /// This endpoint is that address.
    pub(crate) is_control: bool,
    /// Some endpoint of the target saw SYNs answered and others lost.
    pub(crate) losses_about: bool,
    /// Some endpoint of the target looks bad at the TCP layer.
    pub(crate) failures_about: bool,
    /// The hops at which some router answered on the trail of some endpoint of the family.
    pub(crate) hops: Option<&'a BTreeSet<u8>>,
    /// What the walk for the cut of another endpoint of the family found.
    pub(crate) cut: CutElsewhere,
    /// How many endpoints are examined.
    pub(crate) pool: usize,
    /// No test of the local edge is under way anywhere.
    pub(crate) edge_free: bool,
}

/// What is known of the address that works and is compared with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Control {
    /// The lowest TTL that connects.
    pub(crate) distance: Option<u8>,
    /// The TTL that its answers arrive with.
    pub(crate) reply_ttl: Option<u8>,
    /// What answered at each TTL.
    pub(crate) trail: BTreeMap<u8, TrailAnswer>,
    /// Its trail was followed to the end.
    pub(crate) trail_finished: bool,
}

/// What a test wants: probes now, and when to look again.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    pub(crate) probes: Vec<Probe>,
    pub(crate) wake: Option<Time>,
}

impl Wants {
    /// Look again at `time`.
    pub(crate) fn wake_at(&mut self, time: Time) {
        self.wake = earliest(self.wake, Some(time));
    }
}

impl Scene<'_> {
    /// `timeout`, or less if the deadline comes first; `None` when too little is left for `least`.
    pub(crate) fn within_deadline(&self, timeout: Duration, least: Duration) -> Option<Duration> {
        let left = self.deadline.since(self.now).saturating_sub(Duration::from_millis(150));
        (left >= least).then(|| timeout.min(left))
    }
}

impl Examination {
    /// An examination beginning at `now`; `first_port` is the first of some 1,500 source ports that it may use,
    /// and `place` its number among the endpoints of the target.
    pub(crate) fn new(endpoint: Endpoint, first_port: u16, now: Time, place: usize) -> Self {
        Self {
            endpoint,
            dossier: Dossier::default(),
            ping: PingTest::new(now),
            flows: FlowTest::new(first_port, now, place),
            exchange: ExchangeTest::new(first_port + 1_200),
            trail: TrailTest::new(first_port + 300),
            reply_ttl: ReplyTtlTest::new(first_port + 600),
            edge: EdgeTest::new(first_port + 800),
            crowd: CrowdTest::new(first_port + 1_000),
        }
    }

    /// What to ask now.
    pub(crate) fn plan(&mut self, scene: &Scene<'_>) -> Wants {
        let mut wants = Wants::default();
        let Self { endpoint, dossier, ping, flows, exchange, trail, reply_ttl, edge, crowd } = self;
        ping.plan(*endpoint, dossier, scene, &mut wants);
        let reserved = trail.reserved_ports();
        flows.plan(*endpoint, dossier, scene, &reserved, &mut wants);
        exchange.plan(*endpoint, dossier, scene, trail, &mut wants);
        let suspicion =
            flows.suspicion(dossier, scene.now).or_else(|| exchange.suspicion(dossier, scene.now));
        if let Some(at) = flows.suspicious_at(dossier).filter(|&at| at > scene.now) {
            wants.wake_at(at);
        }
        let tcp_done = flows.is_finished(dossier, scene) && exchange.is_finished();
        crowd.plan(*endpoint, scene, suspicion.is_none() && tcp_done, &mut wants);
        // Probes that never complete keep a port of a NAT busy for long: what asks how many connections fit goes
        // first.
        let as_control =
            scene.is_control && dossier.connected() > 0 && (scene.failures_about || crowd.is_over(scene));
        let followed = suspicion.is_some() || as_control || reply_ttl.answered_nearer(dossier, scene);
        trail.plan(*endpoint, dossier, scene, followed, &flows.busy_ports(), &mut wants);
        reply_ttl.plan(*endpoint, dossier, scene, trail, tcp_done, &mut wants);
        edge.plan(*endpoint, dossier, scene, flows, trail, &mut wants);
        wants
    }

    /// Whether calm attempts are still wanted: how many were made so far.
    pub(crate) fn wants_calm(&self, scene: &Scene<'_>) -> Option<u32> {
        self.flows.wants_calm(&self.dossier, scene, self.crowd.is_suspect() && self.crowd.is_over(scene))
    }

    /// Notes that a probe is under way.
    pub(crate) fn launched(&mut self, id: ProbeId, probe: &Probe, now: Time) {
        match probe {
            Probe::Echo(_) => self.ping.launched(id),
            Probe::Connect(connect) if connect.crowd > BRISK => self.crowd.launched(id),
            Probe::Connect(connect) if connect.ttl.is_some() => self.trail.launched(id, connect),
            Probe::Connect(connect) if connect.min_ttl.is_some() => self.reply_ttl.launched(id),
            Probe::Connect(connect) if self.exchange.owns(connect.source_port) => {
                self.exchange.launched(id, now)
            }
            Probe::Connect(connect) => self.flows.launched(id, connect.source_port, now),
            Probe::Exchange(exchange) => self.exchange.launched_exchange(id, exchange, now),
            Probe::Egress(_) => self.edge.launched(id),
            Probe::Lookup(_) | Probe::SystemLookup(_) | Probe::Datagram(_) => {}
        }
    }

    /// Files a result.
    pub(crate) fn observe(&mut self, observation: &Observation) {
        self.dossier.file(observation);
        self.ping.returned(observation.id);
        self.flows.returned(observation);
        self.exchange.returned(observation);
        self.trail.returned(observation);
        self.reply_ttl.returned(observation.id);
        self.edge.returned(observation.id);
        self.crowd.returned(observation);
    }

    /// Nothing is under way that could still change the picture. (Whether more is wanted says
    /// [`plan`](Self::plan).)
    pub(crate) fn is_settled(&self, scene: &Scene<'_>) -> bool {
        self.ping.is_idle()
            && self.wants_calm(scene).is_none()
            && self.flows.is_finished(&self.dossier, scene)
            && self.exchange.is_finished()
            && self.trail.is_idle()
            && self.reply_ttl.is_idle()
            && self.edge.is_idle()
            && self.crowd.is_idle()
    }
}
