//! Surveys on the real network: all targets at once, on one thread.

use std::{cell::RefCell, fs::File, io, net::SocketAddr, rc::Rc, time::Duration};

use reach_core::{
    Time,
    model::{Case, Host, Observation, Plan, Target, TracePlan, TraceProtocol, Vantage},
    stats::split_mix,
    survey::{PathSurvey, Procedure, Survey},
};
use reach_net::{
    drive::{Clock, Network, drive},
    journal::Journal,
    sys::drop_privileges,
    trust::TrustRoots,
    vantage::vantage,
};
use tokio::{
    runtime::{self, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    task::{JoinSet, LocalSet},
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{
    config::{Errand, Output},
    evidence::{self, Evidence, Witness},
    output::note,
    progress::Display,
    recording::{Ending, Recorder, Recording},
    words,
};

/// What is to be found out of each target.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// Everything.
    Everything,
    /// The addresses behind the name only.
    Names,
    /// The paths to the addresses behind the name.
    Paths {
        /// How to trace.
        plan: TracePlan,
        /// Ask for the names of the routers.
        reverse: bool,
    },
}

/// What a run saw, and whether every part of it could do its work.
#[derive(Debug)]
pub struct Seen {
    /// What was observed.
    pub recording: Recording,
    /// A survey broke off for a fault of our own.
    pub broken: bool,
    /// The packets were to be written down, and were not.
    pub evidence_lost: bool,
}

/// What of a run is to be kept.
#[derive(Debug, Default)]
pub struct Keep {
    /// What was observed.
    pub recorder: Option<Recorder<File>>,
    /// The packets, of this run alone.
    pub evidence: Option<Evidence>,
    /// What is done, in the journal of a larger run.
    pub journal: Option<Journal>,
}

/// Runs all surveys of an errand to their end or until somebody interrupts. Gives up privileges first, so it
/// comes before any thread is started.
pub fn examine(errand: &Errand, scope: Scope, keep: Keep, output: &Output) -> io::Result<Seen> {
    let Keep { recorder, evidence, journal } = keep;
    let Stage { network, runtime, clock, cases } = stage(errand, output)?;
    let plan = match &scope {
        Scope::Paths { plan, .. } => Some(plan),
        Scope::Everything | Scope::Names => None,
    };
    let witness = evidence.map(|evidence| evidence.begin(&packets_of(&cases, plan), clock));
    let network = network.noted_in(witness.as_ref().map(Witness::journal).or(journal.as_ref()));
    let board = Rc::new(RefCell::new(Board::new(cases.len(), recorder, output)));
    board.borrow_mut().begin(&cases, &scope);
    let end = LocalSet::new().block_on(&runtime, watch(&cases, &scope, &network, clock, &board));
    // A blocked look-up of the system must not hold up the end.
    runtime.shutdown_background();
    let finished = clock.now();
    // Now that every socket is closed.
    let evidence_lost = witness.is_some_and(|witness| !witness.end(output.verbose));

    let mut board = board.borrow_mut();
    board.end(finished, end == End::Interrupted);
    let examined = cases.into_iter().zip(std::mem::take(&mut board.seen)).collect();
    let ending = if end == End::Interrupted { Ending::Interrupted } else { Ending::Complete };
    let paths = match scope {
        Scope::Paths { plan, .. } => Some(plan),
        Scope::Everything | Scope::Names => None,
    };
    Ok(Seen {
        recording: Recording { examined, paths, finished, ending },
        broken: end == End::Broken,
        evidence_lost,
    })
}

/// Which packets may be of a run.
pub fn packets_of(cases: &[Case], paths: Option<&TracePlan>) -> evidence::Scope {
    let targets: Vec<Target> = cases.iter().map(|case| case.target.clone()).collect();
    let scope = match cases.first() {
        Some(Case { vantage, plan, .. }) => evidence::Scope::new(&targets, vantage, &plan.extra_resolvers),
        None => evidence::Scope::default(),
    };
    // Datagrams go to ports that no target names.
    let is_udp = paths.is_some_and(|plan| plan.protocol == TraceProtocol::Udp);
    if is_udp { scope.with_udp(0..=u16::MAX) } else { scope }
}

/// Everything that is needed to examine the targets of an errand.
pub struct Stage {
    /// The network.
    pub network: Network,
    /// What drives it; one thread.
    pub runtime: Runtime,
    /// The time of the run, which began just now.
    pub clock: Clock,
    /// One for each target.
    pub cases: Vec<Case>,
}

/// Gives up privileges and looks around. Comes before any thread is started.
pub fn stage(errand: &Errand, output: &Output) -> io::Result<Stage> {
    if let Err(error) = drop_privileges() {
        note(&words::privileges_kept(&error, output.style.lang));
    }
    let trust = TrustRoots::load();
    let mut vantage = vantage(&destinations(errand));
    if let Some(source) = errand.leaving.source {
        vantage.sources.retain(|other| other.is_ipv4() != source.is_ipv4());
        vantage.sources.push(source);
    }
    if output.verbose {
        describe(&vantage, &trust, &errand.plan);
    }
    let network = Network::new(trust).leaving(errand.leaving);
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let clock = Clock::start();
    let cases = cases(errand, &vantage, clock.now());
    Ok(Stage { network, runtime, clock, cases })
}

/// Addresses that packets will go to, for finding out which source address they carry.
fn destinations(errand: &Errand) -> Vec<SocketAddr> {
    let literals = errand.targets.iter().filter_map(|target| match target.host {
        Host::Address(address) => Some(SocketAddr::new(address, target.port)),
        Host::Name(_) => None,
    });
    literals.chain(errand.plan.extra_resolvers.iter().copied()).collect()
}

/// One case for each target. Each has dice of its own, so that targets that share an address seldom share
/// source ports.
fn cases(errand: &Errand, vantage: &Vantage, started: Time) -> Vec<Case> {
    let case = |(number, target): (usize, &Target)| Case {
        target: target.clone(),
        vantage: vantage.clone(),
        plan: Plan { seed: seed(errand.plan.seed, number), ..errand.plan.clone() },
        started,
    };
    errand.targets.iter().enumerate().map(case).collect()
}

fn seed(seed: u64, number: usize) -> u64 {
    if number == 0 { seed } else { split_mix(seed.wrapping_add(number as u64)) }
}

fn procedure(case: Case, scope: Scope) -> Box<dyn Procedure> {
    match scope {
        Scope::Paths { plan, reverse } => {
            let plan = TracePlan { seed: case.plan.seed, ..plan };
            Box::new(PathSurvey::new(case, plan, reverse))
        }
        Scope::Everything => Box::new(Survey::new(case)),
        Scope::Names => Box::new(Survey::names_only(case)),
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    Interrupted,
    Broken,
}

async fn watch(
    cases: &[Case],
    scope: &Scope,
    network: &Network,
    clock: Clock,
    board: &Rc<RefCell<Board>>,
) -> End {
    let started = Instant::now();
    let mut surveys = JoinSet::new();
    for (number, case) in cases.iter().enumerate() {
        let about = (cases.len() > 1).then_some(case.target.text.as_str());
        let (network, case, board) = (network.about(about), case.clone(), Rc::clone(board));
        let scope = scope.clone();
        surveys.spawn_local(async move {
            let mut procedure = procedure(case, scope);
            drive(
                procedure.as_mut(),
                &network,
                &clock,
                &mut |progress| board.borrow_mut().display.advance(number, progress),
                &mut |observation| board.borrow_mut().take(number, observation),
            )
            .await;
            for observation in procedure.given_up(clock.now()) {
                board.borrow_mut().take(number, &observation);
            }
        });
    }
    let every = board.borrow().display.every();
    // Where nothing is shown the ticks come so seldom that they cost nothing.
    let every = every.unwrap_or(Duration::from_secs(3600));
    let mut ticks = interval_at(started + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut stops = (signal(SignalKind::interrupt()).ok(), signal(SignalKind::terminate()).ok());
    let mut end = End::Done;
    loop {
        tokio::select! {
            ended = surveys.join_next() => match ended {
                None => return end,
                Some(result) => {
                    board.borrow_mut().display.done();
                    if result.is_err() {
                        end = End::Broken;
                    }
                }
            },
            _ = ticks.tick() => board.borrow_mut().display.show(started.elapsed()),
            () = raised(&mut stops.0) => return End::Interrupted,
            () = raised(&mut stops.1) => return End::Interrupted,
        }
    }
}

/// Waits for a signal; for ever where it cannot be caught.
pub async fn raised(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// What the surveys of a run share.
struct Board {
    seen: Vec<Vec<Observation>>,
    recorder: Option<Recorder<File>>,
    display: Display,
    output: Output,
}

impl Board {
    fn new(targets: usize, recorder: Option<Recorder<File>>, output: &Output) -> Self {
        let display = Display::new(output, targets);
        Self { seen: vec![Vec::new(); targets], recorder, display, output: *output }
    }

    fn begin(&mut self, cases: &[Case], scope: &Scope) {
        for case in cases {
            self.record(|recorder| match scope {
                Scope::Paths { plan, .. } => recorder.paths(case, plan),
                Scope::Everything | Scope::Names => recorder.case(case),
            });
        }
    }

    fn take(&mut self, target: usize, observation: &Observation) {
        self.record(|recorder| recorder.observation(target, observation));
        self.seen[target].push(observation.clone());
    }

    fn end(&mut self, finished: Time, interrupted: bool) {
        self.record(|recorder| recorder.end(finished, interrupted));
        self.display.clear();
    }

    fn record(&mut self, write: impl FnOnce(&mut Recorder<File>)) {
        let Some(recorder) = &mut self.recorder else { return };
        write(recorder);
        if let Some(error) = recorder.trouble() {
            self.display.clear();
            note(&words::recording_trouble(&error, self.output.style.lang));
        }
    }
}

/// What `--verbose` tells before anything is sent.
fn describe(vantage: &Vantage, trust: &TrustRoots, plan: &Plan) {
    let list = |items: Vec<String>| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    let sources = list(vantage.sources.iter().map(ToString::to_string).collect());
    let resolvers = vantage.resolver.servers.iter().chain(&plan.extra_resolvers);
    let resolvers = list(resolvers.map(ToString::to_string).collect());
    note(&format!("source addresses: {sources}; resolvers: {resolvers}"));
    note(&format!(
        "raw sockets: {}; ICMP echo: {:?}",
        if vantage.raw_sockets { "yes" } else { "no" },
        vantage.echo
    ));
    note(&format!("roots of trust: {} from {}", trust.system_count, trust.system_source));
    for problem in &trust.problems {
        note(&format!("roots of trust: {problem}"));
    }
    note(&format!("seed: {}", plan.seed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_seeds_of_their_own_and_the_first_has_the_one_typed() {
        assert_eq!(seed(7, 0), 7);
        let seeds: std::collections::BTreeSet<u64> = (0..1000).map(|number| seed(u64::MAX, number)).collect();
        assert_eq!(seeds.len(), 1000);
    }
}
