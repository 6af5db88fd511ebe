//! What is still missing on the way to one endpoint. Planned anew, from what was sent and what came back, whenever
//! either changes: there is no state besides that could disagree with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use super::{flows::Flows, is_final, mtu};
use crate::{
    Time,
    dossier::Dossier,
    model::{
        EchoAccess, Endpoint, Observation, Obstacle, Outcome, ProbeId, ReplyKind, TracePlan, TraceProtocol,
    },
    route::{
        log::{self, Log, Shot, Slot},
        mda::{self, HopCensus, SILENT_TRIES},
    },
    stats,
    survey::closer_floors,
};

/// The least that a packet is waited for before anything is concluded from its silence: a busy host, or a router that
/// makes ICMP errors on its slow path, may take so long for any of them.
const LEAST_PATIENCE: Duration = Duration::from_millis(150);
/// How long the end of a connection and the SYN of the next one of its flow keep apart, so that they do not
/// overtake each other.
const COOLING: Duration = Duration::from_millis(30);
/// Hops asked at once before anything is known.
const FIRST_HOPS: u8 = 10;
/// Hops asked beyond the farthest that answered.
const AHEAD: u8 = 6;
/// Silent hops behind the last that answers before a path is given up.
const DARK_HOPS: u8 = 5;
/// Tries at a hop before it counts as silent, and where packets are lost elsewhere too.
const TRIES: usize = 3;
const TRIES_IN_LOSS: usize = 9;
/// Tries at a hop behind the last that answers.
const DARK_TRIES: usize = 2;
/// Attempts without a TTL limit, usually; where some are lost, so many flows so often.
const ENDS: u16 = 2;
const LOSSY_FLOWS: u16 = 12;
const LOSSY_TRIES: usize = 3;
/// Attempts on each flow when a bad member of an equal-cost group is looked for.
const FLOW_TRIES: usize = 4;
/// How often a hop that limits its answers is asked slowly.
const SLOW_TRIES: u32 = 4;
/// And one that is not known to do so.
const SLOW_TRIES_TOGETHER: u32 = 2;
/// How sure it has to be that a hop answers fewer packets than the hops behind it.
const LIMITED_ALPHA: f64 = 0.02;
/// Echo requests for the distance of an endpoint, and turns of bounds on the TTL of its resets.
const GREETINGS: u32 = 2;
const FLOOR_ROUNDS: u32 = 6;

/// What several tracks of one family may know of one another: only ever a reason to ask.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hints {
    /// TTLs that were answered.
    answered: BTreeSet<u8>,
    /// TTLs whose routers limit their answers: they answered once they were asked slowly.
    limited: BTreeSet<u8>,
    /// The farthest endpoint reached.
    distance: u8,
    /// The slowest hop.
    slowest: Duration,
    /// Endpoints that were heard of.
    heard: BTreeSet<IpAddr>,
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
    alone: BTreeMap<ProbeId, u16>,
    /// Source ports that somebody else uses.
    taken: BTreeSet<u16>,
    /// How often a hop was asked slowly.
    slow: BTreeMap<u8, u32>,
    sequence: u16,
    /// Echo requests sent to learn how far away the endpoint stands, and turns of bounds on an answer's TTL.
    greeted: u32,
    floor_rounds: u32,
    floors: Vec<u8>,
    /// Probes under way that are in no log, and when they are given up.
    extras: BTreeMap<ProbeId, Time>,
    /// When the current round of repeated questions began.
    round: Option<Time>,
}

/// What a plan is made from.
struct View<'a> {
    scene: &'a Scene<'a>,
    log: &'a Log,
    /// The slowest hop, and by how much round trips differ.
    slowest: Option<Duration>,
    spread: Duration,
    last: u8,
    end: Option<u8>,
    /// Packets answered and lost at each hop.
    tallies: BTreeMap<u8, (u32, u32)>,
    /// Hops whose answers fail to come where those of hops behind them do come.
    limited: BTreeSet<u8>,
    /// Packets are lost at hops that do answer.
    lossy: bool,
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

/// The slowest of the hops, each by its fastest answer, and the largest difference between answers of one hop.
fn slowest(log: &Log) -> Option<(Duration, Duration)> {
    let hops = log.hops.keys().filter_map(|&ttl| {
        let fastest = log.replies(ttl).map(|(_, reply)| reply.rtt).min()?;
        let slowest = log.replies(ttl).map(|(_, reply)| reply.rtt).max()?;
        Some((fastest, slowest.saturating_sub(fastest)))
    });
    hops.reduce(|(rtt, spread), (other, wider)| (rtt.max(other), spread.max(wider)))
}

impl<'a> View<'a> {
    fn new(log: &'a Log, scene: &'a Scene<'a>) -> Self {
        let known = slowest(log);
        let last = log.hops.keys().rev().copied().find(|&ttl| log.replies(ttl).next().is_some());
        let mut view = Self {
            scene,
            log,
            slowest: known.map(|(rtt, _)| rtt),
            spread: known.map_or(Duration::ZERO, |(rtt, spread)| spread.min(rtt)),
            last: last.unwrap_or(0),
            end: log.end(),
            tallies: BTreeMap::new(),
            limited: BTreeSet::new(),
            lossy: false,
        };
        view.tallies = log.hops.keys().map(|&ttl| (ttl, view.count(ttl))).collect();
        view.limited = log.hops.keys().copied().filter(|&ttl| view.answers_fail(ttl)).collect();
        view.lossy = view.loses();
        view
    }

    /// How long a hop usually takes that lies before one that answered: then it may be asked again.
    fn usual_wait(&self) -> Duration {
        let rtt = self.slowest.unwrap_or(self.scene.hints.slowest);
        rtt.mul_f64(1.25) + self.spread + Duration::from_millis(20) + self.scene.lateness
    }

    /// How long such a hop may take before its silence means something.
    fn near_patience(&self) -> Duration {
        let wait = self.usual_wait().max(LEAST_PATIENCE + self.scene.lateness);
        wait.min(self.scene.plan.timeout)
    }

    /// How long anything may take behind the last hop that answered: the next link may be a long one. Two turns of
    /// it come to less than two thirds of the longest wait.
    fn dark_patience(&self) -> Duration {
        let rtt = self.slowest.unwrap_or(self.scene.hints.slowest);
        let longest = self.scene.plan.timeout;
        (rtt.mul_f64(2.5).max(longest.mul_f64(0.32)) + self.scene.lateness).min(longest)
    }

    /// How long the endpoint itself may take.
    fn end_timeout(&self) -> Duration {
        (self.dark_patience() * 2).min(self.scene.plan.timeout)
    }

    fn patience(&self, ttl: u8) -> Duration {
        if ttl <= self.last || self.end.is_some() { self.near_patience() } else { self.dark_patience() }
    }

    /// When a packet under way is no longer waited for.
    fn expires(&self, ttl: u8, shot: &Shot) -> Time {
        shot.sent + self.patience(ttl)
    }

    fn is_lost(&self, ttl: u8, shot: &Shot) -> bool {
        shot.reply.is_none() && (shot.done.is_some() || self.scene.now >= self.expires(ttl, shot))
    }

    fn is_waiting(&self, ttl: u8, shot: &Shot) -> bool {
        shot.done.is_none() && !self.is_lost(ttl, shot)
    }

    /// Packets answered and lost at a hop.
    fn tally(&self, ttl: u8) -> (u32, u32) {
        self.tallies.get(&ttl).copied().unwrap_or_default()
    }

    fn is_limited(&self, ttl: u8) -> bool {
        self.limited.contains(&ttl)
    }

    fn count(&self, ttl: u8) -> (u32, u32) {
        let shots = self.log.hops.get(&ttl).into_iter().flatten().flat_map(|(_, shots)| shots.values());
        shots.fold((0, 0), |(answered, lost), shot| {
            (answered + u32::from(shot.reply.is_some()), lost + u32::from(self.is_lost(ttl, shot)))
        })
    }

    fn answers_fail(&self, ttl: u8) -> bool {
        let (answered, lost) = self.tally(ttl);
        if answered == 0 || lost < 3 {
            return false;
        }
        let end = self.end.unwrap_or(self.last);
        let behind = (ttl.saturating_add(1)..=end).map(|ttl| self.tally(ttl));
        let (come, gone) = behind
            .filter(|(come, _)| *come > 0)
            .fold((0, 0), |(come, gone), (some, no)| (come + some, gone + no));
        come > 0 && stats::fisher_greater(lost, answered, gone, come) < LIMITED_ALPHA
    }

    fn loses(&self) -> bool {
        let tallies = (1..=self.last).map(|ttl| (ttl, self.tally(ttl)));
        let heard = tallies.filter(|(ttl, (answered, _))| *answered > 0 && !self.is_limited(*ttl));
        let (answered, lost) =
            heard.fold((0, 0), |(answered, lost), (_, (some, no))| (answered + some, lost + no));
        lost >= 3 && lost * 30 > answered + lost
    }
}

/// A plan in the making.
struct Desk<'a> {
    track: &'a mut Track,
    view: &'a View<'a>,
    log: &'a Log,
    plan: &'a TracePlan,
    census: BTreeMap<u8, HopCensus>,
    /// Flows that cannot be used now.
    busy: BTreeSet<u16>,
    /// Flows that have nothing under way.
    quiet: Option<BTreeSet<u16>>,
    wants: Vec<Want>,
    /// When the first packet under way is given up.
    waiting: Option<Time>,
    round: Option<Time>,
    /// Something is wanted on a flow that has something under way.
    blocked: bool,
    /// When the first flow can be used again whose connection was just closed.
    cool: Option<Time>,
}

impl<'a> Desk<'a> {
    fn new(track: &'a mut Track, view: &'a View<'a>) -> Self {
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

    fn discover(&mut self) {
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

    /// Every hop once, as far as the path is known to go and some way further.
    fn sweep(&mut self) {
        let plan = self.plan;
        for ttl in plan.first_ttl.max(1)..=self.window() {
            if self.log.hops.contains_key(&ttl) {
                continue;
            }
            let place = if self.one_at_a_time() && plan.all_paths {
                u16::from(ttl - plan.first_ttl.max(1))
            } else {
                0
            };
            let own = self.view.scene.flows.number(place);
            let flow = if !self.busy.contains(&own) {
                Some(own)
            } else if plan.all_paths {
                self.fresh_flow(ttl)
            } else {
                None
            };
            match flow {
                Some(flow) => self.want(priority::SWEEP, Ask::Hop(ttl), flow),
                None => self.blocked = true,
            }
        }
    }

    /// The last TTL worth asking.
    fn window(&self) -> u8 {
        let plan = self.plan;
        if let Some(end) = self.view.end {
            return end.min(plan.max_ttl);
        }
        if self.circles() {
            return self.view.last;
        }
        let first = plan.first_ttl.max(1).saturating_add(FIRST_HOPS - 1);
        let ahead = if self.view.last > 0 { self.view.last.saturating_add(AHEAD) } else { 0 };
        let others = match self.view.scene.hints.distance {
            0 => 0,
            distance => distance.saturating_add(1),
        };
        first.max(ahead).max(others).min(plan.max_ttl)
    }

    /// The same routers again and again: what comes next is known.
    fn circles(&self) -> bool {
        let mut times: BTreeMap<IpAddr, u32> = BTreeMap::new();
        for hop in self.census.values().filter(|hop| hop.width == 1) {
            for &at in hop.flows.values().take(1) {
                *times.entry(at).or_default() += 1;
            }
        }
        times.values().any(|&times| times >= 4)
    }

    /// Only one packet may be under way on a flow.
    fn one_at_a_time(&self) -> bool {
        self.plan.protocol == TraceProtocol::Tcp
    }

    /// The last hop that has to be heard of, or to be known as silent.
    fn horizon(&self) -> u8 {
        let dark = self.view.last.saturating_add(DARK_HOPS).max(self.view.scene.hints.distance);
        self.view.end.unwrap_or(dark).min(self.plan.max_ttl)
    }

    /// Hops that gave no answer: on other flows, each alone, so that an answer can be told whose it is.
    fn ask_silent_again(&mut self) {
        let lossy = self.view.lossy;
        let horizon = self.horizon();
        let now = self.view.scene.now;
        let silent: Vec<u8> = self
            .log
            .hops
            .keys()
            .copied()
            .filter(|&ttl| ttl <= horizon && self.log.replies(ttl).next().is_none())
            .collect();
        for ttl in silent {
            let shots = self.log.hops[&ttl].values().flat_map(BTreeMap::values);
            let near = ttl <= self.view.last;
            let (mut tries, mut waiting, mut oldest) = (0_usize, 0_usize, None);
            for shot in shots {
                tries += 1;
                waiting += usize::from(self.view.is_waiting(ttl, shot));
                oldest = Some(oldest.map_or(shot.sent, |oldest: Time| oldest.min(shot.sent)));
            }
            // Asking once more costs little, and may be done before the silence means anything.
            let soon = oldest.filter(|_| near && tries == 1).map(|oldest| oldest + self.view.usual_wait());
            match soon {
                Some(soon) if waiting > 0 && now >= soon => {}
                Some(soon) if waiting > 0 => {
                    self.wake_at(soon);
                    continue;
                }
                _ if waiting > 0 => continue,
                _ => {}
            }
            let most = match ttl > self.view.last && self.view.end.is_none() {
                true => DARK_TRIES + if lossy { 2 } else { 0 },
                false if lossy => TRIES_IN_LOSS,
                false => TRIES,
            };
            // The second turn has two at once: a silent hop costs two waits, not three.
            let again = most.saturating_sub(tries).min(if ttl <= self.view.last { 2 } else { 1 });
            for _ in 0..again {
                match self.quiet_flow() {
                    Some(flow) => self.want_alone(Ask::Hop(ttl), flow),
                    None => self.blocked = true,
                }
            }
            let hints = self.view.scene.hints;
            let heard_elsewhere = hints.answered.contains(&ttl);
            // What is dark behind a dark hop stays so.
            let next = ttl <= self.view.last.saturating_add(1) || self.view.end.is_some();
            let most = if hints.limits(ttl) { SLOW_TRIES } else { SLOW_TRIES_TOGETHER };
            if again == 0 && heard_elsewhere && next && self.slow_tries(ttl) < most {
                self.slowly(ttl);
            }
        }
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

    /// Attempts at the endpoint itself.
    fn ends(&mut self) {
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
            (flows, _) => (flows.min(super::flows::MOST / 2), FLOW_TRIES),
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

    /// The flows that the stopping rule asks for.
    fn paths(&mut self) {
        if !self.plan.all_paths {
            return;
        }
        let horizon = self.view.end.unwrap_or(self.view.last);
        let hops: Vec<u8> = self.census.keys().copied().filter(|&ttl| ttl <= horizon).collect();
        for ttl in hops {
            let hop = &self.census[&ttl];
            if hop.width == 0 {
                continue;
            }
            if self.is_slow(ttl) {
                self.slow_paths(ttl);
                continue;
            }
            let shots: usize = self.log.hops[&ttl].values().map(BTreeMap::len).sum();
            let controlled: u32 = hop.control.values().map(|control| control.needed).sum();
            let most = 3 * hop.needed.max(controlled) as usize + 8;
            let mut room = most.saturating_sub(shots);
            let backward = hop.backward.clone();
            let control = hop.control.clone();
            let mut missing = (hop.needed as usize)
                .saturating_sub(hop.seen() as usize)
                .saturating_sub(self.new_under_way(ttl).len());
            for flow in self.lost_flows(ttl) {
                if missing == 0 || room == 0 {
                    break;
                }
                if self.busy.contains(&flow) {
                    continue;
                }
                self.want(priority::PATHS, Ask::Hop(ttl), flow);
                (missing, room) = (missing - 1, room - 1);
            }
            while missing > 0 && room > 0 {
                let Some(flow) = self.next_flow(ttl) else { break };
                self.want(priority::PATHS, Ask::Hop(ttl), flow);
                (missing, room) = (missing - 1, room - 1);
            }
            for flow in backward {
                self.once(ttl - 1, flow);
            }
            for (from, control) in control {
                let missing = control.needed.saturating_sub(control.seen) as usize;
                self.control(ttl, from, missing.min(room));
            }
        }
    }

    fn is_slow(&self, ttl: u8) -> bool {
        self.slow_tries(ttl) > 0 || self.view.is_limited(ttl) && !self.is_lost_by_path(ttl)
    }

    /// The flows that are not answered here all went through other routers of some hop before than those that are:
    /// a limit would not choose among them.
    fn is_lost_by_path(&self, ttl: u8) -> bool {
        let here = &self.census[&ttl].flows;
        let Some(asked) = self.log.hops.get(&ttl) else { return false };
        let lost = |flow: &u16| asked[flow].values().all(|shot| self.view.is_lost(ttl, shot));
        self.census.range(..ttl).filter(|(_, before)| before.width > 1).any(|(_, before)| {
            let through = |flows: &mut dyn Iterator<Item = &u16>| -> BTreeSet<IpAddr> {
                flows.filter_map(|flow| before.flows.get(flow)).copied().collect()
            };
            let good = through(&mut here.keys());
            let bad = through(&mut asked.keys().filter(|flow| lost(flow)));
            !good.is_empty() && !bad.is_empty() && good.is_disjoint(&bad)
        })
    }

    /// A hop that limits its answers: a few are asked for all the same.
    fn slow_paths(&mut self, ttl: u8) {
        let hop = &self.census[&ttl];
        let alone = self.view.scene.hints.heard.len() <= 1;
        let enough = if alone { hop.needed.min(u32::from(self.plan.queries)).max(1) } else { 1 };
        let waiting = self.log.hops[&ttl]
            .values()
            .flat_map(BTreeMap::values)
            .any(|shot| self.view.is_waiting(ttl, shot));
        if hop.seen() < enough && !waiting && self.slow_tries(ttl) < SLOW_TRIES {
            self.slowly(ttl);
        }
    }

    /// Flows asked for the first time at this hop and still waited for.
    fn new_under_way(&self, ttl: u8) -> BTreeSet<u16> {
        let known = &self.census[&ttl].flows;
        let asked = self.log.hops.get(&ttl).into_iter().flatten();
        let waiting = asked.filter(|(_, shots)| shots.values().any(|shot| self.view.is_waiting(ttl, shot)));
        waiting.map(|(&flow, _)| flow).filter(|flow| !known.contains_key(flow)).collect()
    }

    /// Flows that got no answer here, and are worth another try.
    fn lost_flows(&self, ttl: u8) -> Vec<u16> {
        let hop = &self.census[&ttl];
        let asked = self.log.hops.get(&ttl).into_iter().flatten();
        asked
            .filter(|&(flow, shots)| {
                !hop.flows.contains_key(flow)
                    && shots.len() < SILENT_TRIES
                    && shots.values().all(|shot| self.view.is_lost(ttl, shot))
                    && !self.is_dead(*flow, ttl)
            })
            .map(|(&flow, _)| flow)
            .collect()
    }

    /// A flow that some hop before this one never answered, though it answers others, or whose path ended before.
    fn is_dead(&self, flow: u16, ttl: u8) -> bool {
        self.census.range(..ttl).any(|(&before, hop)| {
            hop.silent.contains(&flow)
                || self.log.met(before, flow).is_some_and(|reply| reply.kind != ReplyKind::TimeExceeded)
        })
    }

    /// The next flow to ask here: one known at the hop before, evenly over its routers; else one known at the hop
    /// behind; else a new one.
    fn next_flow(&self, ttl: u8) -> Option<u16> {
        let asked = self.asked(ttl);
        let free =
            |flow: &u16| !asked.contains(flow) && !self.busy.contains(flow) && !self.is_dead(*flow, ttl);
        let before = ttl.checked_sub(1).and_then(|before| self.census.get(&before));
        if let Some(before) = before {
            let mut used: BTreeMap<IpAddr, u32> = BTreeMap::new();
            for (flow, at) in &before.flows {
                *used.entry(*at).or_default() += u32::from(asked.contains(flow));
            }
            let known = before.flows.iter().filter(|(flow, _)| free(flow));
            if let Some((&flow, _)) = known.min_by_key(|(flow, at)| (used.get(at).copied(), **flow)) {
                return Some(flow);
            }
        }
        let behind = ttl.checked_add(1).and_then(|behind| self.census.get(&behind));
        let known = behind.and_then(|behind| behind.flows.keys().copied().find(free));
        known.or_else(|| self.view.scene.flows.all().find(free))
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

    /// So many more flows through one router of the hop before.
    fn control(&mut self, ttl: u8, from: IpAddr, missing: usize) {
        let Some(before) = ttl.checked_sub(1).and_then(|before| self.census.get(&before)) else { return };
        let through = |flow: &u16| before.flows.get(flow) == Some(&from);
        let under_way = self.new_under_way(ttl).iter().filter(|flow| through(flow)).count();
        let mut missing = missing.saturating_sub(under_way);
        let lost = self.lost_flows(ttl);
        let asked = self.asked(ttl);
        let known: Vec<u16> = before
            .flows
            .keys()
            .copied()
            .filter(|flow| through(flow) && (!asked.contains(flow) || lost.contains(flow)))
            .collect();
        let width = before.width;
        for flow in known {
            if missing == 0 {
                return;
            }
            self.once(ttl, flow);
            missing -= 1;
        }
        // New flows at the hop before: one in `width` of them goes through the router.
        let coming = self.new_under_way(ttl - 1).len()
            + self.wants.iter().filter(|want| want.ask == Ask::Hop(ttl - 1)).count();
        let more = (missing * width).min(super::flows::MOST as usize / 4).saturating_sub(coming);
        for _ in 0..more {
            let Some(flow) = self.fresh_flow(ttl - 1) else { return };
            self.want(priority::PATHS, Ask::Hop(ttl - 1), flow);
        }
    }

    /// The same flows again, where it is to be told how packets are spread.
    fn repeats(&mut self) {
        let hops: Vec<(u8, u32, u32)> = self
            .census
            .iter()
            .filter(|(_, hop)| hop.width > 1 && hop.seen() >= hop.needed && hop.repeats < hop.repeats_needed)
            .map(|(&ttl, hop)| (ttl, hop.repeats_needed, hop.repeats_needed - hop.repeats))
            .collect();
        for (ttl, needed, missing) in hops {
            if self.is_slow(ttl) || !self.plan.all_paths {
                continue;
            }
            let hop = &self.census[&ttl];
            let mut known: Vec<(usize, u16)> = hop
                .flows
                .keys()
                .map(|flow| (self.log.hops[&ttl].get(flow).map_or(0, BTreeMap::len), *flow))
                .collect();
            known.sort_unstable();
            let extra: usize = known.iter().map(|(shots, _)| shots.saturating_sub(1)).sum();
            let is_waiting =
                |flow: &u16| self.log.hops[&ttl][flow].values().any(|shot| self.view.is_waiting(ttl, shot));
            let waiting = known.iter().filter(|(_, flow)| is_waiting(flow)).count();
            let room = (2 * needed as usize + 4).saturating_sub(extra);
            let free: Vec<u16> = known
                .into_iter()
                .map(|(_, flow)| flow)
                .filter(|flow| !self.busy.contains(flow) && !is_waiting(flow))
                .collect();
            for flow in free.into_iter().take((missing as usize).saturating_sub(waiting).min(room)) {
                self.want(priority::REPEAT, Ask::Hop(ttl), flow);
            }
        }
    }

    /// So many answers of each hop as its round-trip time is wanted of.
    fn queries(&mut self) {
        let horizon = self.view.end.unwrap_or(self.view.last);
        let main = self.view.scene.flows.number(0);
        for ttl in self.plan.first_ttl.max(1)..=horizon {
            let Some(flows) = self.log.hops.get(&ttl) else { continue };
            let (answered, lost) = self.view.tally(ttl);
            let waiting = flows
                .values()
                .flat_map(BTreeMap::values)
                .filter(|shot| self.view.is_waiting(ttl, shot))
                .count();
            let wanted = self.wants.iter().filter(|want| want.ask == Ask::Hop(ttl)).count();
            let queries = u32::from(self.plan.queries);
            let missing = (queries as usize).saturating_sub(answered as usize + waiting + wanted);
            if answered == 0 || lost > 2 * queries + 2 || self.is_slow(ttl) {
                continue;
            }
            let free = |flow: &u16| !self.busy.contains(flow);
            let flow = match self.plan.all_paths {
                true => Some(main).filter(free).or_else(|| flows.keys().copied().find(free)),
                false => Some(main).filter(free),
            };
            // One after the other: all at once would look like a limit where there is none.
            match (flow, missing > 0 && waiting == 0) {
                (Some(flow), true) => self.want(priority::REPEAT, Ask::Hop(ttl), flow),
                (None, true) => self.blocked = true,
                (_, false) => {}
            }
        }
    }

    /// The way of each flow that is tried end to end, where paths are parallel.
    fn follow_flows(&mut self) {
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
    }

    /// Where resets come in the endpoint's name: how far away it stands, by an echo reply, and from how far away
    /// the resets come, by the bound on their own TTL up to which they are let in.
    fn trace_resets(&mut self) {
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
            let aside = super::flows::MOST / 2 + u16::from(floor);
            let flow = self.view.scene.flows.number(aside);
            self.want(priority::END, Ask::Floor(floor), flow);
        }
    }

    /// Everything known once more in each interval: each router on a flow that meets it, silent hops, the endpoint.
    fn again(&mut self, interval: Duration) {
        let now = self.view.scene.now;
        let began = match self.round {
            Some(began) if now < began + interval => began,
            Some(began) if now < began + interval * 2 => began + interval,
            _ => now,
        };
        self.round = Some(began);
        self.waiting = Some(began + interval);
        let fresh = |shots: &log::Shots| shots.values().next_back().is_some_and(|shot| shot.sent >= began);
        let horizon = self.view.end.unwrap_or(self.view.last);
        let mut asks: Vec<(Ask, Vec<u16>)> = Vec::new();
        for ttl in self.plan.first_ttl.max(1)..=horizon {
            let Some(flows) = self.log.hops.get(&ttl) else { continue };
            let mut by_router: BTreeMap<Option<IpAddr>, Vec<u16>> = BTreeMap::new();
            for &flow in flows.keys() {
                by_router.entry(self.log.met(ttl, flow).map(|reply| reply.from)).or_default().push(flow);
            }
            if by_router.len() > 1 {
                by_router.remove(&None);
            }
            let asked = |flows_of: &Vec<u16>| flows_of.iter().any(|flow| flows.get(flow).is_some_and(fresh));
            asks.extend(
                by_router.into_values().filter(|flows| !asked(flows)).map(|flows| (Ask::Hop(ttl), flows)),
            );
        }
        let several = self.plan.flows > 0;
        if several {
            let due = self.log.ends.iter().filter(|(_, shots)| !fresh(shots));
            asks.extend(due.map(|(&flow, _)| (Ask::End, vec![flow])));
        } else if !self.log.ends.values().any(fresh) {
            asks.push((Ask::End, self.log.ends.keys().copied().collect()));
        }
        for (ask, flows) in asks {
            if let Some(flow) = flows.into_iter().find(|flow| !self.busy.contains(flow)) {
                self.want(priority::LIVE, ask, flow);
                if let Some(want) = self.wants.last_mut() {
                    want.timeout = want.timeout.min(interval).max(Duration::from_millis(10));
                }
            }
        }
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
