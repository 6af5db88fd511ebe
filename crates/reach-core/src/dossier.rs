//! Everything observed about one endpoint, sorted by what it answers.
//!
//! A dossier only files facts; it concludes nothing. The survey reads it to see what is still to be asked and
//! the judge to see what it means, so both always speak of the same evidence. Filing is order-free: a dossier
//! filled in another order is equal.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use crate::{
    Time,
    model::{
        After, Answer, Connect, EgressCount, Endpoint, Exchange, Exchanged, FlowTally, IcmpError, Inability,
        Observation, Obstacle, Outcome, Probe, ProbeId, Refusal, Rejection, TlsEnd, TrailAnswer,
    },
    stats::{self, FlowPosterior, Trials},
};

/// The largest `crowd` of an attempt that is not held open with others on purpose.
pub(crate) const BRISK: u16 = 2;
/// Repeated SYNs, a second apart, after which a flow that got no answer is no victim of a full backlog.
const DEAD_FLOW_SYNS: u32 = 3;
/// The most SYNs that one attempt can have sent (`tcp_syn_retries` goes up to 127); a recording may claim more.
const MOST_SYNS: u32 = 128;
/// How improbable it has to be that a crowd loses no more than single connections do.
const CROWD_ALPHA: f64 = 0.001;
/// SYNs sent alone from which on they are enough to judge by.
const ENOUGH_CALM_SYNS: u32 = 8;

/// Everything observed about one endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dossier {
    /// Echo requests at full TTL.
    pub(crate) echo: EchoFile,
    /// Connection attempts at full TTL that were not held open with others on purpose, by source port.
    pub(crate) flows: BTreeMap<u16, Vec<Attempt>>,
    /// Attempts made while many others were held open, by their number.
    pub(crate) crowds: BTreeMap<ProbeId, CrowdAttempt>,
    /// The farthest router that a new SYN got to while many connections were held open.
    pub(crate) crowd_reach: Option<u8>,
    /// TTL-limited attempts by source port and TTL.
    pub(crate) trails: BTreeMap<u16, BTreeMap<u8, BTreeSet<TrailAnswer>>>,
    /// The largest TTL that each router's time-exceeded messages arrived with.
    pub(crate) router_ttls: BTreeMap<IpAddr, u8>,
    /// Attempts that only accept answers above a TTL: the bounds that let an answer through, and those that
    /// did not, each with how often.
    pub(crate) floors: BTreeMap<u8, FloorTally>,
    /// Exchanges above TCP.
    pub(crate) exchanges: BTreeMap<ProbeId, (Exchange, Exchanged)>,
    /// Counts at this machine's edge.
    pub(crate) egress: BTreeMap<ProbeId, EgressCount>,
}

/// Echo requests at full TTL.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct EchoFile {
    pub(crate) sent: u32,
    pub(crate) rtts: Vec<Duration>,
    pub(crate) reply_ttls: BTreeSet<u8>,
    pub(crate) not_permitted: bool,
}

/// One connection attempt at full TTL.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) id: ProbeId,
    /// No other attempt was made at the time, so that no queue of ours can have swallowed it.
    pub(crate) calm: bool,
    pub(crate) sent: Time,
    pub(crate) done: Time,
    pub(crate) result: AttemptResult,
}

/// What a connection attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AttemptResult {
    Connected { rtt: Duration, syns: u32, after: After },
    Reset { rtt: Duration },
    Icmp { error: IcmpError, by: IpAddr, rtt: Duration },
    Silent { syns: u32, refused_here: bool },
    Unable(Inability),
}

/// One attempt made while others were held open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CrowdAttempt {
    pub(crate) crowd: u16,
    /// Whether the first SYN was answered.
    pub(crate) at_once: bool,
    /// Whether a repeated SYN was answered, when the others were closed again.
    pub(crate) later: bool,
}

/// What came of attempts with one bound on the answer's TTL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FloorTally {
    pub(crate) answered: u32,
    pub(crate) silent: u32,
}

impl Dossier {
    /// Files one observation about this endpoint.
    pub(crate) fn file(&mut self, observation: &Observation) {
        match &observation.probe {
            Probe::Lookup(_) | Probe::SystemLookup(_) | Probe::Datagram(_) => {}
            Probe::Echo(echo) if echo.ttl.is_none() && !echo.dont_fragment => {
                self.echo.file(&observation.outcome)
            }
            Probe::Echo(_) => {}
            Probe::Connect(connect) => self.file_connect(connect, observation),
            Probe::Exchange(exchange) => self.file_exchange(exchange, observation),
            Probe::Egress(_) => {
                if let Outcome::Answered(Answer::Egress(count)) = &observation.outcome {
                    self.egress.insert(observation.id, *count);
                }
            }
        }
    }

    fn file_connect(&mut self, connect: &Connect, observation: &Observation) {
        if let (Some(ttl), true) = (connect.ttl, connect.crowd > BRISK) {
            if let Some(TrailAnswer::Router(_)) = trail_answer(&observation.outcome) {
                self.crowd_reach = self.crowd_reach.max(Some(ttl));
            }
        } else if let Some(ttl) = connect.ttl {
            if let Some(answer) = trail_answer(&observation.outcome) {
                self.trails.entry(connect.source_port).or_default().entry(ttl).or_default().insert(answer);
            }
            if let Outcome::Rejected(rejection) = &observation.outcome
                && let (Some(TrailAnswer::Router(router)), Some(ttl)) =
                    (trail_answer(&observation.outcome), rejection.reply_ttl)
            {
                let known = self.router_ttls.entry(router).or_default();
                *known = ttl.max(*known);
            }
        } else if let Some(floor) = connect.min_ttl {
            let tally = self.floors.entry(floor).or_default();
            match observation.outcome {
                Outcome::Answered(_) | Outcome::Rejected(_) => tally.answered += 1,
                Outcome::Silent(_) => tally.silent += 1,
                Outcome::Unable(_) => {}
            }
        } else if connect.crowd > BRISK {
            let (at_once, later) = match &observation.outcome {
                Outcome::Answered(Answer::Connected(connected)) => (connected.syns <= 1, connected.syns > 1),
                Outcome::Unable(_) => return,
                _ => (false, false),
            };
            let attempt = CrowdAttempt { crowd: connect.crowd, at_once, later };
            self.crowds.insert(observation.id, attempt);
        } else {
            self.file_attempt(connect.source_port, connect.crowd == 1, observation);
        }
    }

    fn file_exchange(&mut self, exchange: &Exchange, observation: &Observation) {
        if let Outcome::Answered(Answer::Exchanged(exchanged)) = &observation.outcome {
            self.exchanges.insert(observation.id, (exchange.clone(), (**exchanged).clone()));
        }
        if let Some(port) = exchange.source_port
            && exchange.max_segment.is_none()
        {
            self.file_attempt(port, false, observation);
        }
    }

    fn file_attempt(&mut self, source_port: u16, calm: bool, observation: &Observation) {
        let result = match &observation.outcome {
            Outcome::Answered(Answer::Connected(connected)) => AttemptResult::Connected {
                rtt: connected.rtt,
                syns: connected.syns.clamp(1, MOST_SYNS),
                after: connected.after.clone(),
            },
            Outcome::Answered(Answer::Exchanged(exchanged)) => AttemptResult::Connected {
                rtt: exchanged.connected.rtt,
                syns: exchanged.connected.syns.clamp(1, MOST_SYNS),
                after: After::NotWatched,
            },
            Outcome::Answered(_) => return,
            Outcome::Rejected(rejection) => match rejection.how {
                Refusal::Icmp(error) => {
                    AttemptResult::Icmp { error, by: sender(rejection), rtt: rejection.rtt }
                }
                Refusal::Reset => AttemptResult::Reset { rtt: rejection.rtt },
            },
            Outcome::Silent(silence) => {
                let syns = silence.packets.clamp(1, MOST_SYNS);
                AttemptResult::Silent { syns, refused_here: silence.refused_here }
            }
            Outcome::Unable(inability) => AttemptResult::Unable(inability.clone()),
        };
        let attempts = self.flows.entry(source_port).or_default();
        let attempt =
            Attempt { id: observation.id, calm, sent: observation.sent, done: observation.done, result };
        let place = attempts.partition_point(|other| other.id < attempt.id);
        attempts.insert(place, attempt);
    }

    /// Every attempt at full TTL that could be made.
    pub(crate) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.flows.values().flatten().filter(|attempt| !matches!(&attempt.result, AttemptResult::Unable(_)))
    }

    /// Every obstacle met at full TTL.
    pub(crate) fn obstacles(&self) -> impl Iterator<Item = &Inability> {
        self.flows.values().flatten().filter_map(|attempt| match &attempt.result {
            AttemptResult::Unable(inability) if inability.why != Obstacle::PortInUse => Some(inability),
            _ => None,
        })
    }

    /// How often a connection came about.
    pub(crate) fn connected(&self) -> u32 {
        self.attempts().filter(|attempt| matches!(attempt.result, AttemptResult::Connected { .. })).count()
            as u32
    }

    /// SYNs sent and answered on each flow. A rejection counts as a SYN without a SYN-ACK.
    pub(crate) fn flow_tallies(&self) -> Vec<FlowTally> {
        self.tallies(|_| true)
    }

    /// The tallies that explanations are weighed by: once enough attempts were made alone, only those, and the
    /// flows that never passed however often the SYN was repeated. What else is lost in brisk succession may
    /// have been swallowed by the listener's backlog.
    pub(crate) fn weighed_tallies(&self) -> Vec<FlowTally> {
        let all = self.flow_tallies();
        let calm = self.tallies(|attempt| attempt.calm);
        if sum(&all).1 == 0 || sum(&calm).0 < ENOUGH_CALM_SYNS {
            return all;
        }
        all.into_iter()
            .filter_map(|flow| {
                let never_passed = flow.answered == 0 && flow.syns >= DEAD_FLOW_SYNS;
                let calm = calm.iter().find(|calm| calm.source_port == flow.source_port).copied();
                // A flow that passed in whatever succession is no dead one.
                let only_passed_before = flow.answered > 0 && calm.is_some_and(|calm| calm.answered == 0);
                if never_passed || only_passed_before { Some(flow) } else { calm }
            })
            .collect()
    }

    fn tallies(&self, wanted: impl Fn(&Attempt) -> bool) -> Vec<FlowTally> {
        let mut tallies = Vec::new();
        for (&source_port, attempts) in &self.flows {
            let mut tally = FlowTally { source_port, ..FlowTally::default() };
            for attempt in attempts.iter().filter(|attempt| wanted(attempt)) {
                match &attempt.result {
                    AttemptResult::Connected { syns, .. } => {
                        tally.syns += syns;
                        tally.answered += 1;
                    }
                    AttemptResult::Silent { syns, .. } => tally.syns += syns,
                    AttemptResult::Reset { .. } | AttemptResult::Icmp { .. } => tally.syns += 1,
                    AttemptResult::Unable(_) => {}
                }
            }
            if tally.syns > 0 {
                tallies.push(tally);
            }
        }
        tallies
    }

    /// SYNs sent, and answered with a SYN-ACK, over all flows.
    pub(crate) fn syns(&self) -> (u32, u32) {
        sum(&self.flow_tallies())
    }

    /// SYNs sent and answered, of the tallies that explanations are weighed by.
    pub(crate) fn weighed_syns(&self) -> (u32, u32) {
        sum(&self.weighed_tallies())
    }

    /// How many SYNs were sent alone.
    pub(crate) fn calm_syns(&self) -> u32 {
        sum(&self.tallies(|attempt| attempt.calm)).0
    }

    /// What explains the tallies of the flows.
    pub(crate) fn flow_posterior(&self) -> FlowPosterior {
        let trials: Vec<Trials> = self
            .weighed_tallies()
            .iter()
            .map(|flow| Trials { sent: flow.syns, answered: flow.answered })
            .collect();
        stats::weigh_flows(&trials)
    }

    /// Some SYNs were answered and others were not.
    pub(crate) fn is_partial(&self) -> bool {
        let (sent, answered) = self.syns();
        answered > 0 && answered < sent
    }

    /// Connections held open together of which some did not come about at once, although single ones do: how
    /// many were tried together and how many passed on average. Two rounds at least have to show it, for one
    /// alone may have met a short outage; and some of those held up have to pass once the others are closed,
    /// which flows on a dead path never do.
    pub(crate) fn capacity(&self) -> Option<(u16, u16)> {
        let crowd = self.crowds.values().map(|attempt| attempt.crowd).max()?;
        let rounds = self.crowds.len() as u32 / u32::from(crowd);
        let passed = self.crowds.values().filter(|attempt| attempt.at_once).count() as u32;
        let held_up = self.crowds.len() as u32 - passed;
        let later = self.crowds.values().filter(|attempt| attempt.later).count() as u32;
        let distance = self.first_ttl(|answer| answer == TrailAnswer::Reached);
        if distance.is_some_and(|distance| self.crowd_reach.unwrap_or(0).saturating_add(1) >= distance) {
            // New SYNs get all the way: it is the listener's own queue that is full.
            return None;
        }
        let (sent, answered) = self.weighed_syns();
        let telling = later * 8 >= held_up
            && stats::fisher_greater(held_up, passed, sent - answered, answered) < CROWD_ALPHA;
        (rounds >= 2 && passed > 0 && telling).then(|| (crowd, (passed / rounds) as u16))
    }

    /// The median round trip of the TCP handshakes.
    pub(crate) fn connect_rtt(&self) -> Option<Duration> {
        stats::median(self.attempts().filter_map(|attempt| match attempt.result {
            AttemptResult::Connected { rtt, .. } => Some(rtt),
            _ => None,
        }))
    }

    /// The lowest TTL at which `wanted` came, over all trails, once or more.
    pub(crate) fn first_ttl(&self, wanted: impl Fn(TrailAnswer) -> bool) -> Option<u8> {
        self.trails
            .values()
            .flat_map(|trail| trail.iter())
            .filter(|(_, answers)| answers.iter().any(|&answer| wanted(answer)))
            .map(|(&ttl, _)| ttl)
            .min()
    }

    /// What answered at each TTL over all trails: a router if one did, else the rest, else silence.
    pub(crate) fn merged_trail(&self) -> BTreeMap<u8, TrailAnswer> {
        let mut merged = BTreeMap::new();
        for (&ttl, answers) in self.trails.values().flatten() {
            for &answer in answers {
                merged
                    .entry(ttl)
                    .and_modify(|known: &mut TrailAnswer| *known = (*known).min(answer))
                    .or_insert(answer);
            }
        }
        merged
    }

    /// The largest bound on the answer's TTL that let an answer through, if the next larger one tried did not:
    /// the TTL the answer arrives with, once the two are neighbours.
    pub(crate) fn reply_ttl_bounds(&self) -> (Option<u8>, Option<u8>) {
        let passed =
            self.floors.iter().filter(|(_, tally)| tally.answered > 0).map(|(&floor, _)| floor).max();
        let stopped = self
            .floors
            .iter()
            .filter(|&(&floor, tally)| tally.silent > 0 && passed.is_none_or(|passed| floor > passed))
            .map(|(&floor, _)| floor)
            .min();
        (passed, stopped)
    }

    /// The TTL that the answer to a SYN arrives with, when the bounds pin it.
    pub(crate) fn reply_ttl(&self) -> Option<u8> {
        match self.reply_ttl_bounds() {
            (Some(passed), Some(stopped)) if stopped == passed + 1 => Some(passed),
            (Some(255), _) => Some(255),
            _ => None,
        }
    }

    /// The farthest TTL at which a router gave back what was sent after the TCP handshake.
    pub(crate) fn cut_reach(&self) -> Option<u8> {
        self.cut_ends().filter(|(_, ended)| **ended == TlsEnd::Returned).map(|(ttl, _)| ttl).max()
    }

    /// The hop at which the walk for the cut met mere silence, before the host: a router there may only have had no
    /// answer to give. Below it, if that hop itself was not asked about.
    pub(crate) fn cut_in_doubt(&self, distance: u8) -> Option<u8> {
        let next = self.cut_reach().map_or(1, |ttl| ttl.saturating_add(1));
        let lowest_asked = self.cut_ends().map(|(ttl, _)| ttl).min()?;
        let at = next.max(lowest_asked);
        let told = self.cut_ends().any(|(ttl, ended)| ttl == at && !matches!(ended, TlsEnd::Silent));
        (at < distance && !told).then_some(at)
    }

    fn cut_ends(&self) -> impl Iterator<Item = (u8, &TlsEnd)> {
        let exchanges = self.exchanges.values();
        exchanges.filter_map(|(probe, exchanged)| Some((probe.data_ttl?, &exchanged.tls.as_ref()?.ended)))
    }

    /// The exchanges with this server name, at the usual segment size or with it clamped, never cut short.
    pub(crate) fn exchanges_with<'a>(
        &'a self,
        server_name: Option<&'a str>,
        clamped: bool,
    ) -> impl Iterator<Item = &'a Exchanged> {
        self.exchanges
            .values()
            .filter(move |(probe, _)| {
                probe.data_ttl.is_none()
                    && probe.max_segment.is_some() == clamped
                    && probe.tls.as_ref().is_some_and(|tls| tls.server_name.as_deref() == server_name)
            })
            .map(|(_, exchanged)| exchanged)
    }
}

impl EchoFile {
    fn file(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(Answer::Echo(reply)) => {
                self.sent += 1;
                let place = self.rtts.partition_point(|&rtt| rtt < reply.rtt);
                self.rtts.insert(place, reply.rtt);
                self.reply_ttls.extend(reply.reply_ttl);
            }
            Outcome::Answered(_) => {}
            Outcome::Rejected(_) | Outcome::Silent(_) => self.sent += 1,
            Outcome::Unable(inability) => self.not_permitted |= inability.why == Obstacle::NoPermission,
        }
    }
}

pub(crate) fn trail_answer(outcome: &Outcome) -> Option<TrailAnswer> {
    Some(match outcome {
        Outcome::Answered(_) => TrailAnswer::Reached,
        Outcome::Rejected(rejection) => match rejection.how {
            Refusal::Icmp(error) if error.is_time_exceeded() => TrailAnswer::Router(rejection.by?),
            Refusal::Icmp(error) => TrailAnswer::Icmp(error, sender(rejection)),
            Refusal::Reset => TrailAnswer::Reset,
        },
        Outcome::Silent(_) => TrailAnswer::Silence,
        Outcome::Unable(_) => return None,
    })
}

/// Who sent an ICMP error; the unspecified address where the kernel did not say (Linux before 5.8).
fn sender(rejection: &Rejection) -> IpAddr {
    rejection.by.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// How many hops back an answer comes that arrives with this TTL, from the usual initial values 64, 128, 255.
pub(crate) fn hops_back(reply_ttl: u8) -> u8 {
    match reply_ttl {
        0..=64 => 64 - reply_ttl,
        65..=128 => 128 - reply_ttl,
        _ => 255 - reply_ttl,
    }
}

/// Whether the other side answered in TLS, whatever it said.
pub(crate) fn speaks_tls(ended: &TlsEnd) -> bool {
    matches!(ended, TlsEnd::Completed | TlsEnd::Alert(..) | TlsEnd::Incompatible(_))
}

fn sum(tallies: &[FlowTally]) -> (u32, u32) {
    tallies.iter().fold((0, 0), |(sent, answered), flow| (sent + flow.syns, answered + flow.answered))
}

/// Files observations by endpoint address.
pub(crate) fn dossiers(observations: &[Observation]) -> BTreeMap<IpAddr, Dossier> {
    let mut dossiers: BTreeMap<IpAddr, Dossier> = BTreeMap::new();
    for observation in observations {
        if let Some(address) = observation.probe.address() {
            dossiers.entry(address).or_default().file(observation);
        }
    }
    dossiers
}

/// The endpoint at an address of the target.
pub(crate) fn endpoint(address: IpAddr, port: u16) -> Endpoint {
    Endpoint { address, port }
}
