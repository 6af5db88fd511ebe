//! TCP connections on several flows, so that loss, dead parallel paths and blocked addresses can be told
//! apart.
//!
//! Attempts are spaced and aborted as soon as they stand, so that neither the listener's backlog nor a NAT is
//! crowded by them. One listener often serves all addresses of a name, so the spacing is over all of them. Even so
//! a slow listener may drop a SYN of such a succession. Where one was lost, flows are therefore tried again
//! *calmly*, one attempt at a time over the whole target, and only those attempts say whether the path loses
//! packets.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::examination::{Scene, Wants};
use crate::{
    Time,
    dossier::{AttemptResult, Dossier},
    model::{Connect, Effort, Endpoint, Observation, Obstacle, Outcome, Probe, ProbeId, Then},
};

/// Between brisk attempts, over all endpoints of a target.
pub(crate) const SPACING: Duration = Duration::from_millis(3);
/// Brisk attempts over all endpoints of a target.
const BRISK_ATTEMPTS: usize = 240;
/// Calm attempts over all endpoints of a target.
const CALM_ATTEMPTS: usize = 256;
/// All calm attempts are made within about this time.
const CALM_TIME: Duration = Duration::from_millis(3_000);
/// A flow of an endpoint that answers others, unanswered for so long, has lost a SYN.
const LATE: Duration = Duration::from_millis(450);
/// An attempt with less time than this teaches too little.
const LEAST_TIMEOUT: Duration = Duration::from_millis(900);
/// Three SYNs on a current Linux.
const CALM_TIMEOUT: Duration = Duration::from_millis(2_300);
/// So long without any answer makes an address suspicious.
const SUSPICIOUS_AFTER: Duration = Duration::from_millis(500);
/// Unanswered SYNs after which a flow is not tried again.
const DEAD_FLOW_SYNS: u32 = 6;
/// How sure the explanation of lost SYNs has to be.
const SURE: f64 = 0.99;
/// SYNs that have to be sent alone before loss is told from chance.
const ENOUGH_SYNS: u32 = 20;

/// Why an endpoint looks bad so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// No SYN was answered for some time.
    Silence,
    /// Somebody said no.
    Rejection,
    /// Connections stand, and what comes after fails.
    AboveTcp,
}

#[derive(Debug)]
pub(crate) struct FlowTest {
    first_port: u16,
    place: u16,
    next_at: Time,
    flows: Vec<Flow>,
    pending: BTreeMap<ProbeId, (u16, Time)>,
    spare_ports: u16,
    stopped: bool,
}

/// A source port, and the attempts made from it.
#[derive(Clone, Copy, Debug)]
struct Flow {
    port: u16,
    brisk: u32,
    calm: u32,
}

impl Flow {
    /// When it is this flow's turn: round by round, every other round backwards. A limit on the rate lets the first
    /// packets of every round pass, and would else always favour the same flows.
    fn turn(self, index: usize) -> (u32, usize) {
        alternating(self.brisk, index)
    }

    /// The same for calm attempts.
    fn calm_turn(self, index: usize) -> (u32, usize) {
        alternating(self.calm, index)
    }
}

fn alternating(round: u32, index: usize) -> (u32, usize) {
    (round, if round.is_multiple_of(2) { index } else { usize::MAX - index })
}

/// How many flows, and how many rounds over the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Goal {
    flows: usize,
    rounds: u32,
    /// Only the first so many flows are tried again.
    repeated: usize,
}

impl Goal {
    fn is_met_by(self, index: usize, flow: Flow) -> bool {
        flow.brisk >= if index < self.repeated { self.rounds } else { 1 }
    }
}

impl FlowTest {
    /// `place` is the endpoint's number among those of the target: endpoints take turns.
    pub(crate) fn new(first_port: u16, now: Time, place: usize) -> Self {
        Self {
            first_port,
            place: (place % 9) as u16,
            next_at: now + SPACING * place as u32,
            flows: Vec::new(),
            pending: BTreeMap::new(),
            spare_ports: 0,
            stopped: false,
        }
    }

    /// The next brisk attempts.
    pub(crate) fn plan(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        reserved: &BTreeSet<u16>,
        wants: &mut Wants,
    ) {
        if let Some(late) = self.late_at(dossier).filter(|&late| late > scene.now) {
            wants.wake_at(late);
        }
        if self.stopped || (scene.losses_about && dossier.connected() > 0) {
            return;
        }
        let goal = goal(dossier, scene);
        self.provide(goal.flows);
        let usable = self.usable(reserved);
        let next = (0..self.flows.len().min(goal.flows))
            .filter(|&index| usable[index] && !goal.is_met_by(index, self.flows[index]))
            .min_by_key(|&index| self.flows[index].turn(index));
        let Some(next) = next else { return };
        if self.next_at > scene.now {
            wants.wake_at(self.next_at);
            return;
        }
        let usual = scene.case.plan.connect_timeout;
        let Some(timeout) = scene.within_deadline(usual, LEAST_TIMEOUT) else { return };
        self.flows[next].brisk += 1;
        self.next_at = scene.now + SPACING * scene.pool as u32;
        wants.wake_at(self.next_at);
        wants.probes.push(attempt(endpoint, self.flows[next].port, timeout, 2));
    }

    /// Whether calm attempts are still wanted, and how urgently: the fewer were made, the more.
    ///
    /// Where losses are about, and to compare single connections with a `crowd` that lost some.
    pub(crate) fn wants_calm(&self, dossier: &Dossier, scene: &Scene<'_>, crowd: bool) -> Option<u32> {
        if self.stopped || !(scene.losses_about || crowd) || dossier.connected() == 0 {
            return None;
        }
        scene.within_deadline(CALM_TIMEOUT, LEAST_TIMEOUT)?;
        let made: u32 = self.flows.iter().map(|flow| flow.calm).sum();
        if made >= calm_share(scene.pool) as u32 {
            return None;
        }
        let posterior = dossier.flow_posterior();
        let sure = posterior.clean.max(posterior.lossy).max(posterior.split) >= SURE;
        let enough = if crowd { 30 } else { ENOUGH_SYNS };
        (!sure || dossier.calm_syns() < enough).then_some(made)
    }

    /// The next calm attempt.
    pub(crate) fn calm_attempt(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        reserved: &BTreeSet<u16>,
    ) -> Option<Probe> {
        let timeout = scene.within_deadline(CALM_TIMEOUT, LEAST_TIMEOUT)?;
        self.provide(calm_share(scene.pool).min(24));
        let usable = self.usable(reserved);
        // A flow that never passes has said so after a few SYNs, and its port is needed to follow its trail.
        let dead: BTreeSet<u16> = dossier
            .flow_tallies()
            .iter()
            .filter(|flow| flow.answered == 0 && flow.syns >= DEAD_FLOW_SYNS)
            .map(|flow| flow.source_port)
            .collect();
        let next = (0..self.flows.len())
            .filter(|&index| usable[index] && !dead.contains(&self.flows[index].port))
            .min_by_key(|&index| self.flows[index].calm_turn(index))?;
        self.flows[next].calm += 1;
        Some(attempt(endpoint, self.flows[next].port, timeout, 1))
    }

    fn provide(&mut self, flows: usize) {
        while self.flows.len() < flows {
            // Strides spread the ports over whatever hash a balancer uses; each endpoint has its own, lest a
            // balancer that only looks at ports treats them all alike.
            let port = self.first_port + self.place + 9 * self.flows.len() as u16;
            self.flows.push(Flow { port, brisk: 0, calm: 0 });
        }
    }

    /// Which flows have no attempt under way and are not needed elsewhere.
    fn usable(&self, reserved: &BTreeSet<u16>) -> Vec<bool> {
        let busy = self.busy_ports();
        self.flows.iter().map(|flow| !busy.contains(&flow.port) && !reserved.contains(&flow.port)).collect()
    }

    /// The source ports of attempts under way.
    pub(crate) fn busy_ports(&self) -> BTreeSet<u16> {
        self.pending.values().map(|&(port, _)| port).collect()
    }

    pub(crate) fn launched(&mut self, id: ProbeId, port: u16, now: Time) {
        self.pending.insert(id, (port, now));
    }

    pub(crate) fn returned(&mut self, observation: &Observation) {
        let Some((port, _)) = self.pending.remove(&observation.id) else { return };
        if let Outcome::Unable(inability) = &observation.outcome {
            if inability.why == Obstacle::PortInUse && self.spare_ports < 32 {
                // The port is somebody else's: the flow moves to another one.
                self.spare_ports += 1;
                let spare = self.first_port + 230 + self.spare_ports;
                if let Some(flow) = self.flows.iter_mut().find(|flow| flow.port == port) {
                    *flow = Flow {
                        port: spare,
                        brisk: flow.brisk.saturating_sub(1),
                        calm: flow.calm.saturating_sub(1),
                    };
                }
            } else {
                self.stopped = true;
            }
        }
    }

    /// When silence becomes suspicious, while nothing has answered yet.
    pub(crate) fn suspicious_at(&self, dossier: &Dossier) -> Option<Time> {
        if dossier.connected() > 0 || dossier.obstacles().next().is_some() {
            return None;
        }
        let first_sent = dossier.attempts().map(|attempt| attempt.sent).min();
        let first_pending = self.pending.values().map(|&(_, since)| since).min();
        let since = match (first_sent, first_pending) {
            (Some(sent), Some(pending)) => sent.min(pending),
            (sent, pending) => sent.or(pending)?,
        };
        Some(since + SUSPICIOUS_AFTER)
    }

    /// Whether the endpoint looks bad at the TCP layer.
    pub(crate) fn suspicion(&self, dossier: &Dossier, now: Time) -> Option<Suspicion> {
        let rejected = dossier.attempts().any(|attempt| {
            matches!(attempt.result, AttemptResult::Reset { .. } | AttemptResult::Icmp { .. })
        });
        if rejected {
            return Some(Suspicion::Rejection);
        }
        self.suspicious_at(dossier).filter(|&at| now >= at).map(|_| Suspicion::Silence)
    }

    /// When an attempt becomes late, while others of the endpoint were answered.
    fn late_at(&self, dossier: &Dossier) -> Option<Time> {
        if dossier.connected() == 0 {
            return None;
        }
        self.pending.values().map(|&(_, since)| since + LATE).min()
    }

    /// Some SYN was lost, or is late, while others were answered.
    pub(crate) fn has_losses(&self, dossier: &Dossier, now: Time) -> bool {
        dossier.is_partial() || self.late_at(dossier).is_some_and(|late| now >= late)
    }

    /// How many attempts lost a SYN or are late, of how many, while others of the endpoint were answered.
    pub(crate) fn lost(&self, dossier: &Dossier, now: Time) -> (u32, u32) {
        if dossier.connected() == 0 {
            return (0, 0);
        }
        let late = self.pending.values().filter(|&&(_, since)| now >= since + LATE).count();
        let lost = dossier.attempts().filter(|attempt| match attempt.result {
            AttemptResult::Connected { syns, .. } => syns > 1,
            _ => true,
        });
        ((late + lost.count()) as u32, (dossier.attempts().count() + self.pending.len()) as u32)
    }

    /// All that was to be tried was tried and came back; of those under way none can change the picture.
    pub(crate) fn is_finished(&self, dossier: &Dossier, scene: &Scene<'_>) -> bool {
        if self.stopped {
            return self.pending.is_empty();
        }
        let complete = if scene.losses_about && dossier.connected() > 0 {
            self.wants_calm(dossier, scene, false).is_none()
        } else {
            let goal = goal(dossier, scene);
            self.flows.len() >= goal.flows
                && self
                    .flows
                    .iter()
                    .take(goal.flows)
                    .enumerate()
                    .all(|(index, &flow)| goal.is_met_by(index, flow))
        };
        let out_of_time = scene.within_deadline(Duration::ZERO, LEAST_TIMEOUT).is_none();
        // Where one attempt was turned away with a reason, the silence of others (a limit on the rate of
        // ICMP errors) says nothing more.
        let reason_known = dossier.connected() == 0
            && dossier.attempts().any(|attempt| {
                matches!(attempt.result, AttemptResult::Reset { .. } | AttemptResult::Icmp { .. })
            });
        (complete || out_of_time) && (self.pending.is_empty() || reason_known)
    }
}

/// The time between calm attempts, over all endpoints of a target.
pub(crate) fn calm_spacing(pool: usize) -> Duration {
    let all = (calm_share(pool) * pool.max(1)) as u32;
    (CALM_TIME / all).clamp(Duration::from_millis(12), Duration::from_millis(60))
}

/// Calm attempts to one endpoint.
fn calm_share(pool: usize) -> usize {
    (CALM_ATTEMPTS / pool.max(1)).clamp(4, 32)
}

fn attempt(endpoint: Endpoint, source_port: u16, timeout: Duration, crowd: u16) -> Probe {
    Probe::Connect(Connect {
        endpoint,
        source_port,
        ttl: None,
        min_ttl: None,
        timeout,
        then: Then::Reset,
        crowd,
    })
}

/// How many flows, given what is known.
fn goal(dossier: &Dossier, scene: &Scene<'_>) -> Goal {
    let share = BRISK_ATTEMPTS / scene.pool.max(1);
    let flows = match scene.case.plan.effort {
        Effort::Quick => 3,
        Effort::Normal => share.clamp(3, 12),
        Effort::Thorough => share.clamp(8, 24),
    };
    if dossier.obstacles().next().is_some() {
        return Goal { flows: flows.min(2), rounds: 1, repeated: 0 };
    }
    let (sent, answered) = dossier.syns();
    if answered == 0 && sent > 0 {
        // Silence takes some flows to be sure of; a second look at some of them a while later excludes a
        // short outage.
        let quick = scene.case.plan.effort == Effort::Quick;
        return Goal {
            flows: flows.max(if quick { 3 } else { 8 }),
            rounds: if quick { 1 } else { 2 },
            repeated: 4,
        };
    }
    Goal { flows, rounds: 1, repeated: 0 }
}
