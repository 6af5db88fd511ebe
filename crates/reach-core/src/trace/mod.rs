//! The procedure behind `reach trace`: which packets to send to find the routers between here and endpoints.
//!
//! Each endpoint has a [`Track`], which says at any time what is still missing, from nothing but what was sent and
//! what came back. All tracks share one rate. A probe has a long time-out, and a track goes on by a shorter one of
//! its own that it learns from what other hops took; an answer that comes later is filed all the same.

mod desk;
mod flows;
mod mtu;
mod pace;
mod track;
mod view;

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use self::{
    flows::Flows,
    pace::Pace,
    track::{Ask, Hints, Scene, Track, Want},
};
use crate::{
    Time,
    dossier::Dossier,
    model::{
        Connect, Datagram, Echo, EchoAccess, Endpoint, Observation, Obstacle, Outcome, Probe, ProbeId, Route,
        Silence, Then, TracePlan, TraceProtocol, Vantage,
    },
    route,
    survey::{Phase, Procedure, Progress, Step},
};

const ANNOUNCE_EVERY: Duration = Duration::from_millis(100);
/// However busy this host is, it is not waited for longer than this.
const MOST_LATENESS: Duration = Duration::from_millis(300);

/// Traces all endpoints at once.
///
/// It is done when nothing more is to be learned, at its deadline, or never where its plan says `repeat`: then the
/// driver stops it. What was still under way at the end is no longer waited for; [`Tracer::given_up`] has the
/// observations that say so, which belong into the record with the others.
#[derive(Debug)]
pub struct Tracer {
    plan: TracePlan,
    echo: EchoAccess,
    flows: Flows,
    deadline: Time,
    tracks: Vec<Track>,
    pace: Pace,
    /// The same observations, filed for the judge.
    dossiers: BTreeMap<IpAddr, Dossier>,
    /// Probes under way: whose they are, and what they were.
    open: BTreeMap<ProbeId, (usize, Probe, Time)>,
    /// Whose each probe was that is no longer waited for.
    owners: BTreeMap<ProbeId, usize>,
    next_id: u32,
    /// The track that is looked at first for the next packet.
    turn: usize,
    hints: BTreeMap<bool, Hints>,
    /// When we asked to be called, and how much later than that we were called at worst.
    asked_for: Option<Time>,
    lateness: Duration,
    announced: Option<Progress>,
    announce_at: Time,
    over: bool,
}

impl Tracer {
    /// A trace to `endpoints`, each an address of the target, beginning at `started` on the host `vantage`.
    pub fn new(plan: TracePlan, endpoints: Vec<Endpoint>, vantage: &Vantage, started: Time) -> Self {
        let flows = Flows::new(&plan);
        Self {
            echo: vantage.echo,
            flows,
            deadline: started + plan.deadline,
            tracks: endpoints.into_iter().map(Track::new).collect(),
            pace: Pace::new(plan.rate, started),
            dossiers: BTreeMap::new(),
            open: BTreeMap::new(),
            owners: BTreeMap::new(),
            next_id: 0,
            turn: 0,
            hints: BTreeMap::new(),
            asked_for: None,
            lateness: Duration::ZERO,
            announced: None,
            announce_at: started,
            over: false,
            plan,
        }
    }

    /// The routes as known at this moment: those that [`route::routes`] gives of everything observed so far.
    pub fn routes(&self) -> Vec<Route> {
        let logs: Vec<_> = self.tracks.iter().map(|track| (track.endpoint, &track.log)).collect();
        route::assemble(&self.plan, &logs, &self.dossiers)
    }

    /// The probes that were sent and not waited for, as silent at `now`: each was unanswered for longer than its
    /// hop could need. To be called once, when the trace is done or stopped.
    pub fn given_up(&mut self, now: Time) -> Vec<Observation> {
        let silence = Silence { packets: 1, refused_here: false };
        let open = std::mem::take(&mut self.open);
        let given_up: Vec<Observation> = open
            .into_iter()
            .map(|(id, (track, probe, sent))| {
                self.owners.insert(id, track);
                Observation { id, probe, outcome: Outcome::Silent(silence), sent, done: now.max(sent) }
            })
            .collect();
        for observation in &given_up {
            self.file(observation);
        }
        given_up
    }

    fn file(&mut self, observation: &Observation) {
        let Some(&place) = self.owners.get(&observation.id) else { return };
        let Some(track) = self.tracks.get_mut(place) else { return };
        track.observe(observation, self.plan.protocol);
        self.dossiers.entry(track.endpoint.address).or_default().file(observation);
        let v6 = track_family(track);
        if track.tell(self.hints.entry(v6).or_default()) {
            for track in self.tracks.iter_mut().filter(|track| track_family(track) == v6) {
                track.due = true;
            }
        }
    }

    fn replan(&mut self, now: Time) {
        let none = Hints::default();
        for track in &mut self.tracks {
            if !track.due && track.wake.is_none_or(|wake| now < wake) {
                continue;
            }
            let scene = Scene {
                plan: &self.plan,
                now,
                hints: self.hints.get(&track.endpoint.address.is_ipv6()).unwrap_or(&none),
                flows: &self.flows,
                echo: self.echo,
                dossier: self.dossiers.get(&track.endpoint.address),
                lateness: self.lateness,
                discovering: now < self.deadline,
                deadline: self.deadline,
            };
            track.plan(&scene);
        }
    }

    /// The most urgent packet that may be sent now, of the tracks in turn; else when one may.
    fn choose(&mut self, now: Time) -> Result<(usize, Want), Option<Time>> {
        let count = self.tracks.len();
        let mut best: Option<(u8, usize, usize, usize)> = None;
        let mut later: Option<Time> = None;
        for step in 0..count {
            let place = (self.turn + step) % count;
            let track = &self.tracks[place];
            for (number, want) in track.wants.iter().enumerate() {
                if want.slow
                    && let Ask::Hop(ttl) = want.ask
                {
                    let family = track_family(track);
                    let together = !self.hints.get(&family).is_some_and(|hints| hints.limits(ttl));
                    let may = self.pace.slow((family, ttl), together, now);
                    if may > now {
                        later = Some(later.map_or(may, |later| later.min(may)));
                        continue;
                    }
                }
                if best.is_none_or(|(priority, distance, ..)| (want.priority, step) < (priority, distance)) {
                    best = Some((want.priority, step, place, number));
                }
            }
        }
        let Some((.., place, number)) = best else { return Err(later) };
        let may = self.pace.next(now);
        if may > now {
            return Err(Some(may));
        }
        self.turn = (place + 1) % count;
        let want = self.tracks[place].wants.remove(number);
        Ok((place, want))
    }

    fn launch(&mut self, place: usize, want: &Want, now: Time) -> Step {
        let id = ProbeId(self.next_id);
        self.next_id += 1;
        let track = &mut self.tracks[place];
        let (ttl, length) = match want.ask {
            Ask::Hop(ttl) => (Some(ttl), None),
            Ask::End | Ask::Greet | Ask::Floor(_) => (None, None),
            Ask::Sized { ttl, length } => (ttl, Some(length)),
        };
        let (endpoint, timeout) = (track.endpoint, want.timeout);
        let size = length.map_or(self.plan.size, |length| mtu::payload(endpoint.address, length));
        let protocol = match want.ask {
            Ask::Greet => TraceProtocol::Icmp,
            Ask::Sized { .. } => mtu::packets(self.plan.protocol, self.echo),
            _ => self.plan.protocol,
        };
        let min_ttl = match want.ask {
            Ask::Floor(floor) => Some(floor),
            _ => None,
        };
        let probe = match protocol {
            TraceProtocol::Tcp => Probe::Connect(Connect {
                endpoint,
                source_port: want.flow,
                ttl,
                min_ttl,
                timeout,
                then: Then::Reset,
                crowd: 2,
            }),
            TraceProtocol::Udp => Probe::Datagram(Datagram {
                endpoint,
                source_port: want.flow,
                ttl,
                size,
                dont_fragment: length.is_some(),
                timeout,
            }),
            TraceProtocol::Icmp => Probe::Echo(Echo {
                address: endpoint.address,
                sequence: track.next_sequence(),
                size,
                ttl,
                flow: (want.ask != Ask::Greet).then_some(want.flow),
                dont_fragment: length.is_some(),
                timeout,
            }),
        };
        let hop = ttl.map(|ttl| (endpoint.address.is_ipv6(), ttl));
        self.pace.take(hop, now);
        track.launched(id, want, route::log::slot(&probe, endpoint, self.plan.protocol), now);
        self.open.insert(id, (place, probe.clone(), now));
        Step::Run(id, probe)
    }

    fn announcement(&mut self, now: Time) -> Option<Step> {
        let reached = |track: &&Track| track.log.distance().is_some();
        let settled = self.tracks.iter().filter(|track| track.done).count() as u32;
        let progress = Progress {
            addresses: self.tracks.iter().map(|track| track.endpoint.address).collect(),
            settled,
            failing: self.tracks.iter().filter(|track| track.done && !reached(track)).count() as u32,
            answers: 0,
            phase: Phase::Locating,
        };
        if now < self.announce_at || self.announced.as_ref() == Some(&progress) {
            return None;
        }
        self.announce_at = now + ANNOUNCE_EVERY;
        self.announced = Some(progress.clone());
        Some(Step::Announce(progress))
    }
}

impl Procedure for Tracer {
    fn poll(&mut self, now: Time) -> Step {
        if self.over || now >= self.deadline && self.plan.repeat.is_none() {
            self.over = true;
            return Step::Done;
        }
        if let Some(until) = self.asked_for.take() {
            self.lateness = self.lateness.max(now.since(until)).min(MOST_LATENESS);
        }
        self.replan(now);
        if let Some(step) = self.announcement(now) {
            return step;
        }
        let later = match self.choose(now) {
            Ok((place, want)) => return self.launch(place, &want, now),
            Err(later) => later,
        };
        let idle = self.tracks.iter().all(|track| track.done && track.wants.is_empty());
        if idle && self.plan.repeat.is_none() {
            self.over = true;
            return Step::Done;
        }
        let wakes = self.tracks.iter().filter_map(|track| track.wake).chain(later);
        let until = wakes.min().unwrap_or(self.deadline);
        let until = until.max(now + Duration::from_micros(1));
        self.asked_for = Some(until);
        Step::Wait(until)
    }

    fn observe(&mut self, observation: Observation) {
        if let Some((place, ..)) = self.open.remove(&observation.id) {
            self.owners.insert(observation.id, place);
        }
        self.file(&observation);
    }
}

fn track_family(track: &Track) -> bool {
    track.endpoint.address.is_ipv6()
}

/// Obstacles that stand in the way of every further probe.
fn is_final(obstacle: Obstacle) -> bool {
    matches!(
        obstacle,
        Obstacle::NoRoute | Obstacle::ForbiddenLocally | Obstacle::NoPermission | Obstacle::Unsupported
    )
}
