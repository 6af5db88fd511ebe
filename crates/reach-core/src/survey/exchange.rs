//! The layers above TCP with the name, and, where they fail, the controls that tell why: the same with
//! another name or none, the same in small segments, and, where the name is to blame, at which hop it is cut.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    examination::{Scene, Wants},
    flows::Suspicion,
    trail::TrailTest,
};
use crate::{
    Time,
    dossier::{AttemptResult, Dossier, speaks_tls},
    model::{
        After, Answer, Connect, Endpoint, Exchange, Exchanged, HttpEnd, HttpRequest, Observation, Outcome,
        Probe, ProbeId, Target, Then, TlsEnd, TlsHello, TrailAnswer,
    },
};

/// An answer that takes longer than this makes the exchange suspicious while it still runs.
const SUSPICIOUS_AFTER: Duration = Duration::from_millis(900);
/// How long a service that speaks first, or closes at once, is watched.
const LISTEN: Duration = Duration::from_millis(400);
const CUT_READ_TIMEOUT: Duration = Duration::from_millis(1_200);
/// Rounds of the walk for the cut, and the time between them.
const CUT_ROUNDS: u32 = 3;
const CUT_AGAIN_AFTER: Duration = Duration::from_millis(1_250);
/// Tries of an exchange whose TCP handshake failed.
const CONNECT_TRIES: u32 = 4;
/// Names that are no party to any dispute, for the control handshake.
const OTHER_NAMES: [&str; 2] = ["www.example.com", "www.example.net"];

/// The segment size of the clamped control: what every IPv4 (RFC 879) and IPv6 (RFC 8200) path has to carry.
pub(crate) fn clamped_segment(endpoint: Endpoint) -> u16 {
    if endpoint.address.is_ipv4() { 536 } else { 1_220 }
}

/// The control name for a target.
pub(crate) fn other_name(target: &Target) -> &'static str {
    if target.verify_name() == OTHER_NAMES[0] { OTHER_NAMES[1] } else { OTHER_NAMES[0] }
}

/// Whether an exchange did all that it was asked to, whatever it thinks of the certificate or the status.
pub(crate) fn went_through(exchanged: &Exchanged) -> bool {
    let tls = exchanged.tls.as_ref().is_none_or(|tls| tls.ended == TlsEnd::Completed);
    let http = exchanged.http.as_ref().is_none_or(|http| matches!(http.ended, HttpEnd::Status(_)));
    tls && http
}

/// Whether nothing (more) came after the TCP handshake.
pub(crate) fn is_stalled(exchanged: &Exchanged) -> bool {
    let tls = exchanged.tls.as_ref().is_some_and(|tls| tls.ended == TlsEnd::Silent);
    let http = exchanged.http.as_ref().is_some_and(|http| http.ended == HttpEnd::Silent);
    tls || http
}

/// What another endpoint's walk for the cut found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CutElsewhere {
    /// None was made, or it found nothing.
    NotAsked,
    /// One is being made.
    UnderWay,
    /// The last hop that gave a ClientHello back.
    Behind(u8),
}

#[derive(Debug)]
pub(crate) struct ExchangeTest {
    first_port: u16,
    issued: u32,
    pending: BTreeMap<ProbeId, Time>,
    went_through: bool,
    failed: u32,
    /// Of these, the ones that were not mere silence.
    cut_short: u32,
    failed_to_connect: u32,
    controls_issued: bool,
    controls_pending: BTreeSet<ProbeId>,
    cut_rounds: u32,
    cut_asked_at: Time,
    cut_pending: BTreeSet<ProbeId>,
    doubtful: bool,
}

impl ExchangeTest {
    pub(crate) fn new(first_port: u16) -> Self {
        Self {
            first_port,
            issued: 0,
            pending: BTreeMap::new(),
            went_through: false,
            failed: 0,
            cut_short: 0,
            failed_to_connect: 0,
            controls_issued: false,
            controls_pending: BTreeSet::new(),
            cut_rounds: 0,
            cut_asked_at: Time::default(),
            cut_pending: BTreeSet::new(),
            doubtful: false,
        }
    }

    pub(crate) fn plan(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        trail: &TrailTest,
        wants: &mut Wants,
    ) {
        if dossier.connected() == 0 {
            return;
        }
        let target = &scene.case.target;
        if target.tls || target.http_path.is_some() {
            self.plan_exchanges(endpoint, dossier, scene, trail, wants);
        } else {
            self.plan_listening(endpoint, scene, wants);
        }
    }

    /// Without a protocol to speak: connect, say nothing, and see whether the other side slams the door.
    fn plan_listening(&mut self, endpoint: Endpoint, scene: &Scene<'_>, wants: &mut Wants) {
        let goal = 1 + if self.failed > 0 { 2 } else { 0 } + self.failed_to_connect.min(CONNECT_TRIES);
        if self.went_through || self.issued >= goal || !self.pending.is_empty() {
            return;
        }
        let usual = scene.case.plan.connect_timeout;
        let Some(timeout) = scene.within_deadline(usual, Duration::from_millis(600)) else { return };
        wants.probes.push(Probe::Connect(Connect {
            endpoint,
            source_port: self.first_port + self.issued as u16,
            ttl: None,
            min_ttl: None,
            timeout,
            then: Then::Listen(LISTEN),
            crowd: 2,
        }));
        self.issued += 1;
    }

    fn plan_exchanges(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        trail: &TrailTest,
        wants: &mut Wants,
    ) {
        let target = &scene.case.target;
        let slow = self.is_slow(scene.now);
        if !slow && let Some(&oldest) = self.pending.values().min() {
            wants.wake_at(oldest + SUSPICIOUS_AFTER);
        }
        let worried = !self.went_through && (self.failed > 0 || slow);

        let young = self.pending.values().any(|&since| scene.now.since(since) < SUSPICIOUS_AFTER);
        let tries = if self.cut_short > 0 && !slow {
            3
        } else if worried {
            2
        } else {
            1
        };
        let goal = tries + self.failed_to_connect.min(CONNECT_TRIES);
        if !self.went_through && self.issued < goal && !young {
            let port = Some(self.first_port + self.issued as u16);
            if let Some(probe) = exchange(endpoint, scene, target.server_name_indication(), port, None) {
                wants.probes.push(probe);
                self.issued += 1;
            }
        }

        if worried && !self.controls_issued {
            self.controls_issued = true;
            let clamp = Some(clamped_segment(endpoint));
            let real = target.server_name_indication();
            let controls = [
                exchange(endpoint, scene, real.clone(), None, clamp),
                exchange(endpoint, scene, real.clone(), None, clamp),
            ];
            wants.probes.extend(controls.into_iter().flatten());
            if target.tls {
                let other = Some(other_name(target).to_owned());
                wants.probes.extend(exchange(endpoint, scene, other.clone(), None, None));
                wants.probes.extend(exchange(endpoint, scene, other, None, None));
                if real.is_some() {
                    wants.probes.extend(exchange(endpoint, scene, None, None, None));
                }
            }
        }

        if worried
            && self.cut_pending.is_empty()
            && self.name_is_suspect(dossier, target)
            && trail.is_finished()
        {
            self.plan_cut(endpoint, dossier, scene, wants);
        }
    }

    /// At which hop is the name cut? ClientHellos with rising TTL: routers give back those that die before it.
    ///
    /// One endpoint walks all hops; the others then only look at the two that matter, because routers may limit
    /// how often they say that a TTL ran out. For the same reason a hop that kept silent is asked again.
    fn plan_cut(&mut self, endpoint: Endpoint, dossier: &Dossier, scene: &Scene<'_>, wants: &mut Wants) {
        let own = dossier.first_ttl(|answer| answer == TrailAnswer::Reached);
        let Some(distance) = own.or(scene.control.and_then(|control| control.distance)) else { return };
        let ttls: Vec<u8> = match (self.cut_rounds, scene.cut) {
            (0, CutElsewhere::NotAsked) => (1..=distance).collect(),
            (0, CutElsewhere::UnderWay) => {
                wants.wake_at(scene.now + Duration::from_millis(150));
                return;
            }
            (0, CutElsewhere::Behind(hop)) => (hop.max(1)..=distance.min(hop + 1)).collect(),
            _ => match dossier.cut_in_doubt(distance) {
                Some(ttl) if self.cut_rounds < CUT_ROUNDS => {
                    let due = self.cut_asked_at + CUT_AGAIN_AFTER;
                    if scene.now < due {
                        wants.wake_at(due);
                        return;
                    }
                    vec![ttl]
                }
                _ => return,
            },
        };
        self.cut_rounds += 1;
        self.cut_asked_at = scene.now;
        let name = scene.case.target.server_name_indication();
        for ttl in ttls {
            if let Some(Probe::Exchange(mut probe)) = exchange(endpoint, scene, name.clone(), None, None) {
                probe.data_ttl = Some(ttl);
                probe.read_timeout = probe.read_timeout.min(CUT_READ_TIMEOUT);
                probe.http = None;
                wants.probes.push(Probe::Exchange(probe));
            }
        }
    }

    /// What this endpoint's own walk for the cut can tell others.
    pub(crate) fn cut(&self, dossier: &Dossier) -> CutElsewhere {
        match (self.cut_rounds, dossier.cut_reach()) {
            (0, _) => CutElsewhere::NotAsked,
            (_, Some(hop)) if self.cut_pending.is_empty() => CutElsewhere::Behind(hop),
            (rounds, None) if self.cut_pending.is_empty() && rounds >= CUT_ROUNDS => CutElsewhere::NotAsked,
            _ => CutElsewhere::UnderWay,
        }
    }

    /// The handshake dies with this name, gets an answer with another, and small segments do not help.
    fn name_is_suspect(&self, dossier: &Dossier, target: &Target) -> bool {
        let real = target.server_name_indication();
        let Some(real) = real.as_deref() else { return false };
        let answered = |name: Option<&str>| {
            dossier
                .exchanges_with(name, false)
                .any(|exchanged| exchanged.tls.as_ref().is_some_and(|tls| speaks_tls(&tls.ended)))
        };
        let small_passes = dossier.exchanges_with(Some(real), true).any(went_through);
        (answered(Some(other_name(target))) || answered(None)) && !answered(Some(real)) && !small_passes
    }

    fn is_slow(&self, now: Time) -> bool {
        self.pending.values().any(|&since| now.since(since) >= SUSPICIOUS_AFTER)
    }

    /// The source port belongs to this test.
    pub(crate) fn owns(&self, port: u16) -> bool {
        (self.first_port..self.first_port + 100).contains(&port)
    }

    pub(crate) fn launched(&mut self, id: ProbeId, now: Time) {
        self.pending.insert(id, now);
    }

    pub(crate) fn launched_exchange(&mut self, id: ProbeId, exchange: &Exchange, now: Time) {
        if exchange.source_port.is_some() {
            self.pending.insert(id, now);
        } else {
            self.controls_pending.insert(id);
            if exchange.data_ttl.is_some() {
                self.cut_pending.insert(id);
            }
        }
    }

    pub(crate) fn returned(&mut self, observation: &Observation) {
        self.controls_pending.remove(&observation.id);
        self.cut_pending.remove(&observation.id);
        if self.pending.remove(&observation.id).is_none() {
            return;
        }
        match &observation.outcome {
            Outcome::Answered(Answer::Exchanged(exchanged)) if went_through(exchanged) => {
                self.went_through = true;
                self.doubtful |= exchanged.tls.as_ref().is_some_and(|tls| !tls.distrust.is_empty());
            }
            Outcome::Answered(Answer::Exchanged(exchanged)) => {
                self.failed += 1;
                self.cut_short += u32::from(!is_stalled(exchanged));
            }
            Outcome::Answered(Answer::Connected(connected)) => match connected.after {
                After::Closed | After::Reset => self.failed += 1,
                _ => self.went_through = true,
            },
            _ => self.failed_to_connect += 1,
        }
    }

    /// Whether the endpoint looks bad above TCP.
    pub(crate) fn suspicion(&self, dossier: &Dossier, now: Time) -> Option<Suspicion> {
        let slammed = dossier.attempts().any(|attempt| {
            matches!(attempt.result, AttemptResult::Connected { after: After::Closed | After::Reset, .. })
        });
        let bad = self.doubtful || slammed || (!self.went_through && (self.failed > 0 || self.is_slow(now)));
        bad.then_some(Suspicion::AboveTcp)
    }

    /// Everything asked above TCP went through, and nothing about it is doubtful.
    pub(crate) fn is_good(&self) -> bool {
        self.went_through && !self.doubtful
    }

    pub(crate) fn is_finished(&self) -> bool {
        // Once one went through, a slow one from before changes nothing.
        self.controls_pending.is_empty() && (self.pending.is_empty() || self.went_through)
    }
}

fn exchange(
    endpoint: Endpoint,
    scene: &Scene<'_>,
    server_name: Option<String>,
    source_port: Option<u16>,
    max_segment: Option<u16>,
) -> Option<Probe> {
    let target = &scene.case.target;
    let plan = &scene.case.plan;
    let read_timeout = scene.within_deadline(plan.read_timeout, Duration::from_millis(1_000))?;
    let connect_timeout = scene.within_deadline(plan.connect_timeout, Duration::from_millis(500))?;
    let whole = whole_exchange(target, endpoint, connect_timeout, read_timeout);
    let tls = whole.tls.map(|hello| TlsHello { server_name, ..hello });
    Some(Probe::Exchange(Exchange { source_port, max_segment, tls, ..whole }))
}

/// Everything that a client of the target does on a connection, and nothing else.
pub(crate) fn whole_exchange(
    target: &Target,
    endpoint: Endpoint,
    connect_timeout: Duration,
    read_timeout: Duration,
) -> Exchange {
    Exchange {
        endpoint,
        proxy: None,
        starttls: None,
        source_port: None,
        max_segment: None,
        data_ttl: None,
        connect_timeout,
        read_timeout,
        tls: target
            .tls
            .then(|| TlsHello { server_name: target.server_name_indication(), verify: target.verify_name() }),
        http: target.http_path.as_ref().map(|path| HttpRequest {
            method: "GET".to_owned(),
            path: path.clone(),
            host: target.host_header(),
        }),
        listen: Duration::ZERO,
    }
}
