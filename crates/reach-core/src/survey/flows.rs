//! TCP connections on several flows, each flow more than once, so that loss, dead parallel paths and blocked
//! addresses can be told apart.
//!
//! Attempts are spaced and aborted as soon as they stand, so that neither the listener's backlog nor a NAT is
//! ever crowded by them: a SYN that stays unanswered here was lost or dropped, not queued away.

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

const SPACING: Duration = Duration::from_millis(12);
/// So long without any answer makes an address suspicious.
const SUSPICIOUS_AFTER: Duration = Duration::from_millis(500);
/// How sure the explanation of lost SYNs has to be.
const SURE: f64 = 0.99;
/// SYNs after which no more are sent to settle between explanations.
const ENOUGH_SYNS: u32 = 90;

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
    next_at: Time,
    /// One a flow: its source port and the attempts issued.
    flows: Vec<(u16, u32)>,
    pending: BTreeMap<ProbeId, (u16, Time)>,
    spare_ports: u16,
    stopped: bool,
}

/// How many flows, and how often each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Goal {
    flows: usize,
    rounds: u32,
    /// Only the first so many flows are tried again.
    repeated: usize,
}

impl FlowTest {
    pub(crate) fn new(first_port: u16, now: Time) -> Self {
        Self {
            first_port,
            next_at: now,
            flows: Vec::new(),
            pending: BTreeMap::new(),
            spare_ports: 0,
            stopped: false,
        }
    }

    pub(crate) fn plan(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        reserved: &BTreeSet<u16>,
        wants: &mut Wants,
    ) {
        if self.stopped {
            return;
        }
        let goal = goal(dossier, scene);
        while let Some(next) = self.next(goal, reserved) {
            if self.next_at > scene.now {
                wants.wake_at(self.next_at);
                return;
            }
            let usual = if dossier.connected() == 0 || !dossier.is_partial() {
                scene.case.plan.connect_timeout
            } else {
                scene.case.plan.connect_timeout.min(Duration::from_millis(2_300))
            };
            let Some(timeout) = scene.within_deadline(usual, Duration::from_millis(900)) else { return };
            let (port, issued) = &mut self.flows[next];
            *issued += 1;
            wants.probes.push(Probe::Connect(Connect {
                endpoint,
                source_port: *port,
                ttl: None,
                min_ttl: None,
                timeout,
                then: Then::Reset,
                crowd: 1,
            }));
            // Launching is immediate, so the flow counts as busy from here on even before its id is known.
            self.next_at = scene.now + SPACING;
        }
    }

    /// The flow to try next: the least tried one that is not busy.
    fn next(&mut self, goal: Goal, reserved: &BTreeSet<u16>) -> Option<usize> {
        while self.flows.len() < goal.flows {
            // Odd strides spread the ports over whatever hash a balancer uses.
            let port = self.first_port + 7 * self.flows.len() as u16;
            self.flows.push((port, 0));
        }
        let busy = self.busy_ports();
        (0..self.flows.len())
            .filter(|&index| {
                let (port, issued) = self.flows[index];
                let rounds = if index < goal.repeated { goal.rounds } else { 1 };
                issued < rounds && !busy.contains(&port) && !reserved.contains(&port)
            })
            .min_by_key(|&index| self.flows[index].1)
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
                if let Some(flow) = self.flows.iter_mut().find(|(own, _)| *own == port) {
                    *flow = (spare, flow.1.saturating_sub(1));
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

    /// All that was to be tried was tried and came back; of those under way none can change the picture.
    pub(crate) fn is_finished(&self, dossier: &Dossier, scene: &Scene<'_>) -> bool {
        if self.stopped {
            return self.pending.is_empty();
        }
        let goal = goal(dossier, scene);
        let complete =
            self.flows.len() >= goal.flows
                && self.flows.iter().enumerate().all(|(index, &(_, issued))| {
                    issued >= if index < goal.repeated { goal.rounds } else { 1 }
                });
        let out_of_time = scene.within_deadline(Duration::ZERO, Duration::from_millis(900)).is_none();
        // Where one attempt was turned away with a reason, the silence of others (a limit on the rate of
        // ICMP errors) says nothing more.
        let reason_known = dossier.connected() == 0
            && dossier.attempts().any(|attempt| {
                matches!(attempt.result, AttemptResult::Reset { .. } | AttemptResult::Icmp { .. })
            });
        (complete || out_of_time) && (self.pending.is_empty() || reason_known)
    }
}

/// How many flows, and how often each, given what is known.
fn goal(dossier: &Dossier, scene: &Scene<'_>) -> Goal {
    let flows = match (scene.case.plan.effort, scene.pool) {
        (Effort::Quick, _) => 3,
        (Effort::Normal, 0..=16) => 8,
        (Effort::Normal, 17..=40) => 6,
        (Effort::Normal, _) => 4,
        (Effort::Thorough, _) => 24,
    };
    let quick = scene.case.plan.effort == Effort::Quick;
    let usual = Goal { flows, rounds: if quick { 1 } else { 2 }, repeated: flows };
    if dossier.obstacles().next().is_some() {
        return Goal { flows: flows.min(2), rounds: 1, repeated: 0 };
    }
    let (sent, answered) = dossier.syns();
    if answered == 0 && sent > 0 {
        // A second look at some flows a while later excludes a short outage.
        return Goal { repeated: flows.min(4), ..usual };
    }
    let wider = Goal { flows: flows.max(16), ..usual };
    if answered < sent {
        let posterior = dossier.flow_posterior();
        let sure = posterior.clean.max(posterior.lossy).max(posterior.split) >= SURE;
        // Loss needs many SYNs to be told from chance, whatever the flow.
        let rounds = if sent >= ENOUGH_SYNS || (sure && sent >= 40) { wider.rounds } else { 6 };
        let flows = if posterior.split > 0.01 { 24 } else { wider.flows };
        return Goal { flows, rounds, repeated: flows };
    }
    if scene.losses_about && !quick { wider } else { usual }
}
