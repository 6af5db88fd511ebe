//! Procedures: values that ask for probes and take observations, with time as an argument.

mod crowd;
mod discovery;
mod edge;
mod examination;
mod exchange;
mod flows;
mod paths;
mod ping;
mod reply_ttl;
mod reverse;
mod trail;
mod tries;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    time::Duration,
};

use self::{
    discovery::Discovery,
    examination::{Control, Examination, Scene},
    exchange::CutElsewhere,
};
pub(crate) use self::{
    exchange::{is_stalled, other_name, went_through, whole_exchange},
    reply_ttl::closer_floors,
};
pub use self::{
    paths::{PathSurvey, path_ends},
    reverse::{ReverseNames, reverse_names},
    tries::{Tries, TriesPlan},
};
use crate::{
    Time, dossier,
    model::{Case, Connect, Host, Observation, Probe, ProbeId, TrailAnswer},
    pool::{self, PoolFile},
    stats::split_mix,
};

/// What a procedure wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Carry out this probe and hand back its observation under this id. Any number may be under way.
    Run(ProbeId, Probe),
    /// Something a watching person may want to see.
    Announce(Progress),
    /// Nothing to do until then, or until the next observation.
    Wait(Time),
    /// Finished; probes still under way are no longer of interest.
    Done,
}

/// How far a survey is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The addresses found so far.
    pub addresses: Vec<IpAddr>,
    /// How many of them answered or were given up.
    pub settled: u32,
    /// How many of the settled ones look bad.
    pub failing: u32,
    /// DNS questions answered.
    pub answers: u32,
    /// What is going on.
    pub phase: Phase,
}

/// What a survey is busy with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Asking for addresses.
    #[default]
    Resolving,
    /// Testing addresses.
    Testing,
    /// Following the trail of those that fail.
    Locating,
    /// Following the paths to all of them.
    Tracing,
}

/// Something that asks for probes and takes observations.
///
/// A driver drains [`poll`](Procedure::poll) until it answers `Wait` or `Done`, carries out what it was
/// given, and calls [`observe`](Procedure::observe) for each result.
pub trait Procedure {
    /// What to do next, at `now`.
    fn poll(&mut self, now: Time) -> Step;
    /// Takes a result. The same probe may be observed again: a duplicate of its answer, or one that came after
    /// it was given up.
    fn observe(&mut self, observation: Observation);
    /// Whether such repeats are of interest. A driver tells of them only where they are.
    fn takes_repeats(&self) -> bool {
        true
    }
    /// Observations of probes that were sent and are not waited for any more, at `now`, for the record. Asked
    /// for once, when the procedure is over or is stopped.
    fn given_up(&mut self, _now: Time) -> Vec<Observation> {
        Vec::new()
    }
}

/// What the owner of a procedure wants, where a driver asks him in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Onward {
    /// Nothing: the procedure is asked when its time has come.
    #[default]
    Wait,
    /// To be asked again after this time at the latest.
    WaitFor(Duration),
    /// The procedure was told something: it has to be asked at once what to do.
    Ask,
    /// That the drive ends.
    Stop,
}

/// One complete examination of one target: addresses, layers, places.
#[derive(Debug)]
pub struct Survey {
    common: Common,
    names: PoolFile,
    discovery: Option<Discovery>,
    examinations: BTreeMap<IpAddr, Desk>,
    edge_tests: u32,
    calm_at: Time,
    owners: BTreeMap<ProbeId, Option<IpAddr>>,
    next_id: u32,
    queue: VecDeque<Step>,
    names_due: bool,
    names_wake: Option<Time>,
    announced: Progress,
    announce_at: Time,
    names_only: bool,
    over: bool,
}

/// What all examinations see.
#[derive(Debug)]
struct Common {
    case: Case,
    deadline: Time,
    controls: BTreeMap<Family, (IpAddr, Control)>,
    losses_about: bool,
    failures_about: bool,
    /// The hops at which some router answered on some trail.
    hops: BTreeMap<Family, BTreeSet<u8>>,
}

/// An examination, and when it wants to be looked at.
#[derive(Debug)]
struct Desk {
    examination: Examination,
    due: bool,
    wake: Option<Time>,
}

/// Addresses of one family share paths and distances; those of the other do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    V4,
    V6,
}

/// Local-edge tests run one at a time; more than these would hold up the rest.
const EDGE_TESTS: u32 = 8;
/// When no address was found that never lost a SYN, any that connects will do as control after this time.
const SETTLE_FOR_LESS: Duration = Duration::from_millis(1_500);
const ANNOUNCE_EVERY: Duration = Duration::from_millis(100);

impl Survey {
    /// An examination of `case.target`, beginning at `case.started`.
    pub fn new(case: Case) -> Self {
        let literal = match case.target.host {
            Host::Address(address) => Some(address),
            Host::Name(_) => None,
        };
        let mut survey = Self {
            discovery: Discovery::new(&case),
            names: PoolFile::default(),
            examinations: BTreeMap::new(),
            edge_tests: 0,
            calm_at: case.started,
            owners: BTreeMap::new(),
            next_id: 0,
            queue: VecDeque::new(),
            names_due: true,
            names_wake: None,
            announced: Progress::default(),
            announce_at: case.started,
            names_only: false,
            over: false,
            common: Common {
                deadline: case.started + case.plan.deadline,
                controls: BTreeMap::new(),
                losses_about: false,
                failures_about: false,
                hops: BTreeMap::new(),
                case,
            },
        };
        if let Some(address) = literal {
            survey.examine(address, survey.common.case.started);
        }
        survey
    }

    /// Only the first step: enumerates the addresses behind the name and probes none of them.
    pub fn names_only(case: Case) -> Self {
        Self { names_only: true, examinations: BTreeMap::new(), ..Self::new(case) }
    }

    /// The addresses behind the name that were found so far and that the plan looks at.
    pub(crate) fn found(&self) -> Vec<IpAddr> {
        let families = self.common.case.plan.families;
        self.names.addresses().into_iter().filter(|&address| pool::wanted(families, address)).collect()
    }

    /// What the examination started from.
    pub fn case(&self) -> &Case {
        &self.common.case
    }

    fn examine(&mut self, address: IpAddr, now: Time) {
        // Each address has the same source ports: flows differ by address anyway, and a firewall's log can
        // then be searched for one range.
        let first_port = 33_000 + (split_mix(self.common.case.plan.seed) % 13) as u16 * 2_000;
        let place = self.examinations.len();
        let endpoint = dossier::endpoint(address, self.common.case.target.port);
        let examination = Examination::new(endpoint, first_port, now, place);
        self.examinations.entry(address).or_insert(Desk { examination, due: true, wake: None });
    }

    fn plan(&mut self, now: Time) {
        self.plan_names(now);
        self.choose_controls(now);
        self.note_troubles(now);
        let mut planned = Vec::new();
        let edge_busy = self.examinations.values().any(|desk| !desk.examination.edge.is_idle());
        let pool = self.examinations.len().max(1);
        let mut edge_free = !edge_busy && self.edge_tests < EDGE_TESTS;
        let mut cuts: BTreeMap<Family, CutElsewhere> = BTreeMap::new();
        for (&address, desk) in &self.examinations {
            let Examination { dossier, exchange, .. } = &desk.examination;
            let cut = exchange.cut(dossier);
            if cut != CutElsewhere::NotAsked {
                cuts.entry(family(address)).or_insert(cut);
            }
        }
        for (&address, desk) in &mut self.examinations {
            if !desk.due && desk.wake.is_none_or(|wake| now < wake) {
                continue;
            }
            desk.due = false;
            let scene = Scene {
                cut: cuts.get(&family(address)).copied().unwrap_or(CutElsewhere::NotAsked),
                edge_free,
                ..self.common.scene(address, &desk.examination, pool, now)
            };
            let wants = desk.examination.plan(&scene);
            desk.wake = wants.wake;
            if wants
                .probes
                .iter()
                .any(|probe| matches!(probe, Probe::Exchange(exchange) if exchange.data_ttl.is_some()))
            {
                cuts.entry(family(address)).or_insert(CutElsewhere::UnderWay);
            }
            for probe in wants.probes {
                if matches!(probe, Probe::Egress(_)) {
                    edge_free = false;
                    self.edge_tests += 1;
                }
                let id = ProbeId(self.next_id);
                self.next_id += 1;
                desk.examination.launched(id, &probe, now);
                planned.push((id, address, probe));
            }
        }
        for (id, address, probe) in planned {
            self.owners.insert(id, Some(address));
            self.queue.push_back(Step::Run(id, probe));
        }
        self.plan_calm(now);
    }

    /// One calm attempt at a time, to the endpoint that had the fewest.
    fn plan_calm(&mut self, now: Time) {
        if now < self.calm_at {
            return;
        }
        let pool = self.examinations.len().max(1);
        let common = &self.common;
        let neediest = self
            .examinations
            .iter_mut()
            .filter_map(|(&address, desk)| {
                let scene = common.scene(address, &desk.examination, pool, now);
                let made = desk.examination.wants_calm(&scene)?;
                Some(((made, !desk.examination.dossier.is_partial(), address), desk))
            })
            .min_by_key(|&(need, _)| need);
        let Some(((_, _, address), desk)) = neediest else { return };
        let examination = &mut desk.examination;
        let scene = common.scene(address, examination, pool, now);
        let reserved = examination.trail.reserved_ports();
        let Some(probe) =
            examination.flows.calm_attempt(examination.endpoint, &examination.dossier, &scene, &reserved)
        else {
            return;
        };
        self.calm_at = now + flows::calm_spacing(pool);
        let id = ProbeId(self.next_id);
        self.next_id += 1;
        examination.launched(id, &probe, now);
        self.owners.insert(id, Some(address));
        self.queue.push_back(Step::Run(id, probe));
    }

    fn plan_names(&mut self, now: Time) {
        if !self.names_due && self.names_wake.is_none_or(|wake| now < wake) {
            return;
        }
        self.names_due = false;
        for address in self.names.addresses() {
            if self.names_only {
                break;
            }
            if pool::wanted(self.common.case.plan.families, address)
                && !self.examinations.contains_key(&address)
            {
                self.examine(address, now);
            }
        }
        let busy = !self.examinations.is_empty();
        let Some(discovery) = &mut self.discovery else { return };
        let (probes, wake) = discovery.plan(&self.names, now, busy);
        self.names_wake = wake;
        for probe in probes {
            let id = ProbeId(self.next_id);
            self.next_id += 1;
            self.owners.insert(id, None);
            self.queue.push_back(Step::Run(id, probe));
        }
    }

    /// Chooses, once a family, the address that works and is compared with; keeps what is known of it fresh.
    fn choose_controls(&mut self, now: Time) {
        let settle_for_less = now.since(self.common.case.started) > SETTLE_FOR_LESS;
        for family in [Family::V4, Family::V6] {
            let good = |desk: &Desk| {
                let Examination { dossier, exchange, .. } = &desk.examination;
                dossier.connected() >= 2 && !dossier.is_partial() && exchange.is_good()
            };
            let will_do =
                |desk: &Desk| good(desk) || (settle_for_less && desk.examination.dossier.connected() >= 2);
            let mut candidates =
                self.examinations.iter().filter(|(address, _)| crate::survey::family(**address) == family);
            let known = self.common.controls.get(&family).map(|(address, _)| *address);
            let known_is_good = known.and_then(|known| self.examinations.get(&known)).is_some_and(good);
            let better = if known_is_good { None } else { candidates.clone().find(|(_, desk)| good(desk)) };
            let chosen = better
                .map(|(&address, _)| address)
                .or(known)
                .or_else(|| candidates.find(|(_, desk)| will_do(desk)).map(|(&address, _)| address));
            let Some(address) = chosen else { continue };
            let Some(desk) = self.examinations.get(&address) else { continue };
            let dossier = &desk.examination.dossier;
            let control = Control {
                distance: dossier.first_ttl(|answer| answer == TrailAnswer::Reached),
                reply_ttl: dossier.reply_ttl(),
                trail: dossier.merged_trail(),
                trail_finished: desk.examination.trail.is_finished(),
            };
            let news = self.common.controls.get(&family).is_none_or(|(_, known)| *known != control);
            if news {
                self.common.controls.insert(family, (address, control));
                for (_, desk) in self
                    .examinations
                    .iter_mut()
                    .filter(|(address, _)| crate::survey::family(**address) == family)
                {
                    desk.due = true;
                }
            }
        }
    }

    /// Lost SYNs anywhere make a closer look at every address worth its packets, and a failing address makes
    /// the trail of the control urgent.
    fn note_troubles(&mut self, now: Time) {
        let counts = self
            .examinations
            .values()
            .map(|desk| desk.examination.flows.lost(&desk.examination.dossier, now));
        let (lost, attempts) = counts.fold((0, 0), |(lost, all), (some, of)| (lost + some, all + of));
        let bad = |desk: &Desk| {
            let Examination { dossier, flows, exchange, .. } = &desk.examination;
            flows.suspicion(dossier, now).is_some() || exchange.suspicion(dossier, now).is_some()
        };
        // One or two of many may have been swallowed by a full backlog: then only their endpoints get a closer look.
        let losses_about = self.common.losses_about || lost >= 3 || lost * 20 > attempts;
        let failures_about = self.common.failures_about || self.examinations.values().any(bad);
        if (losses_about, failures_about) != (self.common.losses_about, self.common.failures_about) {
            self.common.losses_about = losses_about;
            self.common.failures_about = failures_about;
            for desk in self.examinations.values_mut() {
                desk.due = true;
            }
        }
    }

    fn is_settled(&self, now: Time) -> bool {
        let idle = self.discovery.as_ref().is_none_or(Discovery::is_idle);
        idle && self.unsettled(now).next().is_none()
    }

    fn unsettled(&self, now: Time) -> impl Iterator<Item = &Examination> {
        let pool = self.examinations.len().max(1);
        self.examinations.iter().filter_map(move |(&address, desk)| {
            let scene = self.common.scene(address, &desk.examination, pool, now);
            let waiting = desk.wake.is_some_and(|wake| wake > now);
            (waiting || !desk.examination.is_settled(&scene)).then_some(&desk.examination)
        })
    }

    fn progress(&self, now: Time) -> Progress {
        let addresses: Vec<IpAddr> = self.examinations.keys().copied().collect();
        let unsettled: Vec<&Examination> = self.unsettled(now).collect();
        let failing = self
            .examinations
            .values()
            .filter(|desk| desk.examination.flows.suspicion(&desk.examination.dossier, now).is_some())
            .count();
        let phase = if addresses.is_empty() {
            Phase::Resolving
        } else if !unsettled.is_empty()
            && unsettled
                .iter()
                .all(|examination| examination.flows.suspicion(&examination.dossier, now).is_some())
        {
            Phase::Locating
        } else {
            Phase::Testing
        };
        Progress {
            settled: (addresses.len() - unsettled.len()) as u32,
            failing: failing as u32,
            answers: self.names.lines.values().map(|line| line.answers.len() as u32).sum(),
            addresses,
            phase,
        }
    }
}

impl Common {
    /// What the examination of `address`, one of `pool`, sees of the world around it; no walk for the cut was
    /// made elsewhere, and the local edge is busy, unless whoever asks knows better.
    fn scene(&self, address: IpAddr, examination: &Examination, pool: usize, now: Time) -> Scene<'_> {
        let control = self.controls.get(&family(address));
        Scene {
            case: &self.case,
            now,
            deadline: self.deadline,
            control: control.map(|(_, control)| control),
            is_control: control.is_some_and(|(chosen, _)| *chosen == address),
            losses_about: self.losses_about || examination.flows.has_losses(&examination.dossier, now),
            failures_about: self.failures_about,
            hops: self.hops.get(&family(address)),
            cut: CutElsewhere::NotAsked,
            pool,
            edge_free: false,
        }
    }
}

impl Procedure for Survey {
    /// A recording holds one observation of each probe, and the judge counts them.
    fn takes_repeats(&self) -> bool {
        false
    }

    fn poll(&mut self, now: Time) -> Step {
        if let Some(step) = self.queue.pop_front() {
            return step;
        }
        if self.over || now >= self.common.deadline {
            self.over = true;
            return Step::Done;
        }
        self.plan(now);
        if let Some(step) = self.queue.pop_front() {
            return step;
        }
        if now >= self.announce_at {
            self.announce_at = now + ANNOUNCE_EVERY;
            let progress = self.progress(now);
            if progress != self.announced {
                self.announced = progress.clone();
                return Step::Announce(progress);
            }
        }
        if self.is_settled(now) {
            self.over = true;
            return Step::Done;
        }
        let wakes = self.examinations.values().filter_map(|desk| desk.wake);
        let calm = Some(self.calm_at);
        let wake = wakes.chain(self.names_wake).chain(calm).filter(|&wake| wake > now).min();
        Step::Wait(
            wake.unwrap_or(self.common.deadline)
                .min(self.common.deadline)
                .min(now + Duration::from_millis(500)),
        )
    }

    fn observe(&mut self, observation: Observation) {
        match self.owners.remove(&observation.id) {
            Some(Some(address)) => {
                if let (Probe::Connect(Connect { ttl: Some(ttl), .. }), Some(TrailAnswer::Router(_))) =
                    (&observation.probe, dossier::trail_answer(&observation.outcome))
                {
                    self.common.hops.entry(family(address)).or_default().insert(*ttl);
                }
                let had_edge_test = self.examinations.values().any(|desk| !desk.examination.edge.is_idle());
                if let Some(desk) = self.examinations.get_mut(&address) {
                    desk.examination.observe(&observation);
                    desk.due = true;
                }
                if had_edge_test && matches!(observation.probe, Probe::Egress(_)) {
                    for desk in self.examinations.values_mut() {
                        desk.due = true;
                    }
                }
            }
            Some(None) => {
                self.names.file(&observation);
                if let Some(discovery) = &mut self.discovery {
                    discovery.returned(&observation);
                }
                self.names_due = true;
            }
            None => {}
        }
    }
}

fn family(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}
