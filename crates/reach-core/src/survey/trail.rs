//! Follows the trail to an endpoint with packets of the same kind: SYNs to the same port with rising TTL.
//!
//! A walk uses one source port, so that every packet of it takes the same one of several equal paths. Where
//! the walk meets silence, the next few hops are tried at once on other source ports: a router that merely
//! keeps silent is passed, and the end of the trail is confirmed. A trail that compares a flow that passes
//! with one that does not stays on its port throughout.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::examination::{Scene, Wants};
use crate::{
    Time,
    dossier::{self, Dossier},
    model::{Answer, Connect, Endpoint, Observation, Outcome, Probe, ProbeId, Then, TrailAnswer},
};

const MAX_TTL: u8 = 40;
/// Hops tried at once where the walk met silence.
const AHEAD: u8 = 5;
/// Silent hops after which a walk that stays on its port gives up.
const PATIENCE: u8 = 4;
/// Two SYNs: at once and after one second.
const DARK_TIMEOUT: Duration = Duration::from_millis(1_300);
/// A router that limits its ICMP errors has a new one to give after a second.
const RECHECK_AFTER: Duration = Duration::from_millis(700);
const RECHECKS: u8 = 2;
/// How sure a split of flows has to be before a passing and a failing one are followed.
const SPLIT: f64 = 0.9;

/// What a walk is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Main,
    FailingFlow,
    PassingFlow,
}

#[derive(Debug)]
pub(crate) struct TrailTest {
    first_port: u16,
    walks: BTreeMap<Role, Walk>,
}

#[derive(Debug)]
struct Walk {
    port: u16,
    /// Stay on the port, whatever comes.
    strict: bool,
    began: Time,
    stage: Stage,
    pending: BTreeMap<ProbeId, u8>,
    /// What came back in this turn.
    answers: BTreeMap<u8, TrailAnswer>,
    slowest: Duration,
    rechecks: u8,
    silent_run: u8,
    dark_rounds: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The next TTL on the walk's own port.
    Step(u8),
    /// The hops from here on, at once.
    Dark(u8),
    /// Once more the hop where the trail seems to end, not before a time.
    Recheck(u8, Time),
    Finished,
}

impl TrailTest {
    pub(crate) fn new(first_port: u16) -> Self {
        Self { first_port, walks: BTreeMap::new() }
    }

    pub(crate) fn plan(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        followed: bool,
        busy_ports: &BTreeSet<u16>,
        wants: &mut Wants,
    ) {
        if dossier.obstacles().next().is_some() {
            return;
        }
        if followed {
            let port = self.first_port;
            self.walks.entry(Role::Main).or_insert_with(|| Walk::new(port, false, scene.now));
        }
        if dossier.is_partial() && dossier.flow_posterior().split > SPLIT {
            self.compare_flows(dossier, scene.now, busy_ports);
        }
        for walk in self.walks.values_mut() {
            if !walk.strict || !busy_ports.contains(&walk.port) {
                walk.plan(endpoint, scene, wants);
            }
        }
    }

    /// Follows a flow that fails and one that passes; ports with an attempt under way would have to wait.
    fn compare_flows(&mut self, dossier: &Dossier, now: Time, busy_ports: &BTreeSet<u16>) {
        let tallies = dossier.flow_tallies();
        let free = || tallies.iter().filter(|flow| !busy_ports.contains(&flow.source_port));
        let failing = free().filter(|flow| flow.answered == 0).max_by_key(|flow| flow.syns);
        let passing = free().filter(|flow| flow.answered == flow.syns).max_by_key(|flow| flow.syns);
        for (role, flow) in [(Role::FailingFlow, failing), (Role::PassingFlow, passing)] {
            if let Some(flow) = flow {
                self.walks.entry(role).or_insert_with(|| Walk::new(flow.source_port, true, now));
            }
        }
    }

    /// Source ports of walks that have to have them for themselves.
    pub(crate) fn reserved_ports(&self) -> BTreeSet<u16> {
        self.walks
            .values()
            .filter(|walk| walk.strict && walk.stage != Stage::Finished)
            .map(|walk| walk.port)
            .collect()
    }

    pub(crate) fn launched(&mut self, id: ProbeId, connect: &Connect) {
        let Some(ttl) = connect.ttl else { return };
        let owner = self.walks.values_mut().find(|walk| walk.owns(connect.source_port));
        if let Some(walk) = owner {
            walk.pending.insert(id, ttl);
        }
    }

    pub(crate) fn returned(&mut self, observation: &Observation) {
        for walk in self.walks.values_mut() {
            walk.returned(observation);
        }
    }

    pub(crate) fn is_started(&self) -> bool {
        self.walks.contains_key(&Role::Main)
    }

    /// The main trail was followed to its end.
    pub(crate) fn is_finished(&self) -> bool {
        self.walks.get(&Role::Main).is_some_and(|walk| walk.stage == Stage::Finished)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.walks.values().all(|walk| walk.stage == Stage::Finished && walk.pending.is_empty())
    }
}

impl Walk {
    fn new(port: u16, strict: bool, now: Time) -> Self {
        Self {
            port,
            strict,
            began: now,
            stage: Stage::Step(1),
            pending: BTreeMap::new(),
            answers: BTreeMap::new(),
            slowest: Duration::ZERO,
            rechecks: 0,
            silent_run: 0,
            dark_rounds: 0,
        }
    }

    fn owns(&self, port: u16) -> bool {
        port == self.port || (!self.strict && (self.port..self.port + 290).contains(&port))
    }

    fn plan(&mut self, endpoint: Endpoint, scene: &Scene<'_>, wants: &mut Wants) {
        if !self.pending.is_empty() {
            return;
        }
        self.advance(scene);
        let (ttls, timeout) = match self.stage {
            Stage::Finished => return,
            Stage::Step(ttl) => (ttl..=ttl, self.patience()),
            Stage::Dark(from) => (from..=self.dark_end(from, scene), DARK_TIMEOUT),
            Stage::Recheck(_, not_before) if scene.now < not_before => {
                wants.wake_at(not_before);
                return;
            }
            Stage::Recheck(ttl, _) => (ttl..=ttl, DARK_TIMEOUT),
        };
        let Some(timeout) = scene.within_deadline(timeout, Duration::from_millis(200)) else {
            self.stage = Stage::Finished;
            return;
        };
        let own_port = matches!(self.stage, Stage::Step(_));
        if !own_port {
            self.dark_rounds += 1;
        }
        for (place, ttl) in ttls.enumerate() {
            // Every turn in the dark takes ports of its own: an old one may still be half open at the host.
            let aside = self.dark_rounds * 40 % 240 + place as u16;
            let source_port = if own_port { self.port } else { self.port + aside };
            wants.probes.push(Probe::Connect(Connect {
                endpoint,
                source_port,
                ttl: Some(ttl),
                min_ttl: None,
                timeout,
                then: Then::Reset,
                crowd: 2,
            }));
        }
    }

    /// How long to wait for a router, given how long the slowest so far took.
    fn patience(&self) -> Duration {
        let usual = self.slowest * 3 + Duration::from_millis(150);
        usual.clamp(Duration::from_millis(350), Duration::from_secs(1))
    }

    fn dark_end(&self, from: u8, scene: &Scene<'_>) -> u8 {
        let known = scene
            .control
            .and_then(|control| control.distance)
            .map_or(0, |distance| distance.saturating_add(1));
        (from + AHEAD).max(known).min(from + 30).min(MAX_TTL)
    }

    /// Decides from what came back in this turn what the next turn asks.
    fn advance(&mut self, scene: &Scene<'_>) {
        let turn = std::mem::take(&mut self.answers);
        if turn.is_empty() {
            return;
        }
        let ended =
            turn.values().any(|answer| !matches!(answer, TrailAnswer::Router(_) | TrailAnswer::Silence));
        let deepest = turn
            .iter()
            .filter(|(_, answer)| matches!(answer, TrailAnswer::Router(_)))
            .map(|(&ttl, _)| ttl)
            .max();
        self.stage = match (self.stage, deepest) {
            _ if ended => Stage::Finished,
            (_, Some(ttl)) if ttl >= MAX_TTL => Stage::Finished,
            (_, Some(ttl)) => {
                self.silent_run = 0;
                Stage::Step(ttl + 1)
            }
            (Stage::Step(ttl), None) if self.strict => {
                self.silent_run += 1;
                self.next_in_silence(ttl, scene)
            }
            (Stage::Step(ttl), None) => Stage::Dark(ttl),
            (Stage::Dark(ttl) | Stage::Recheck(ttl, _), None) => self.recheck(ttl, scene),
            (Stage::Finished, None) => Stage::Finished,
        };
    }

    /// On its own port: once more the same hop, then on as far as the host is known to stand.
    fn next_in_silence(&self, ttl: u8, scene: &Scene<'_>) -> Stage {
        let beyond = match scene.control.and_then(|control| control.distance) {
            Some(distance) => ttl >= distance,
            None => self.silent_run > PATIENCE,
        };
        if self.silent_run == 1 {
            Stage::Step(ttl)
        } else if beyond || self.silent_run > 2 * PATIENCE {
            Stage::Finished
        } else {
            Stage::Step(ttl + 1)
        }
    }

    /// Where another trail has a router at the hop where this one ends, it may only have been too busy to
    /// answer: ask again a little later.
    fn recheck(&mut self, ttl: u8, scene: &Scene<'_>) -> Stage {
        if scene.is_control {
            return Stage::Finished;
        }
        let followed = scene.control.is_none_or(|control| control.trail_finished);
        let undecided = !followed && scene.now.since(self.began) < Duration::from_secs(3);
        let router_there = scene.hops.is_some_and(|hops| hops.contains(&ttl));
        if self.rechecks < RECHECKS && (router_there || undecided) {
            self.rechecks += 1;
            Stage::Recheck(ttl, scene.now + RECHECK_AFTER)
        } else {
            Stage::Finished
        }
    }

    fn returned(&mut self, observation: &Observation) {
        let Some(ttl) = self.pending.remove(&observation.id) else { return };
        if matches!(observation.outcome, Outcome::Silent(silence) if silence.refused_here) {
            // It never left this machine: there is no trail.
            self.stage = Stage::Finished;
        }
        let rtt = match &observation.outcome {
            Outcome::Answered(Answer::Connected(connected)) => connected.rtt,
            Outcome::Rejected(rejection) => rejection.rtt.min(Duration::from_secs(1)),
            _ => Duration::ZERO,
        };
        self.slowest = self.slowest.max(rtt);
        // A port that is taken teaches nothing; the dark turn that follows uses others.
        let answer = dossier::trail_answer(&observation.outcome).unwrap_or(TrailAnswer::Silence);
        self.answers.insert(ttl, answer);
    }
}
