//! The live driver: carries out on the real network what a [`Procedure`] asks for.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use reach_core::{
    Time,
    model::{Exchange, Inability, Observation, Obstacle, Outcome, Probe, ProbeId, Then},
    survey::{Onward, Procedure, Progress, Step},
};
use socket2::Socket;
use tokio::{
    sync::{
        Notify, OwnedSemaphorePermit, Semaphore,
        mpsc::{self, UnboundedSender},
    },
    task::{Id, JoinError, JoinSet, yield_now},
    time::{sleep, sleep_until},
};

pub use crate::clock::Clock;
use crate::{
    connect, datagram, dns, echo,
    echo::EchoDoors,
    egress,
    exchange::{self, Session},
    hub::{Hubs, Late},
    journal::Journal,
    sys::{self, Leaving},
    system,
    trust::TrustRoots,
    wire::ProxyLogin,
    witness::Witness,
};

/// File descriptors left to everything but probes: standard streams, the runtime, logs, the store.
const SPARE_DESCRIPTORS: u64 = 64;

/// The bound where the system sets none worth the name; there are no more source ports than this anyway.
const MOST_DESCRIPTORS: u64 = 65_536;

/// Carries out what `procedure` asks for until it is done. Probes still under way then are dropped.
///
/// `on_step` hears of progress, `sink` of each observation before the procedure does. A panic in the course
/// of one probe makes that probe's outcome [`Unable`](Outcome::Unable), and the run goes on.
pub async fn drive(
    procedure: &mut dyn Procedure,
    network: &Network,
    clock: &Clock,
    on_step: &mut dyn FnMut(&Progress),
    sink: &mut dyn FnMut(&Observation),
) {
    drive_until(procedure, network, clock, on_step, sink, &Notify::new(), &mut |_| Onward::Wait).await;
}

/// The same until the procedure is done or its owner stops it; whether it is done.
///
/// `owner` is asked each time that the procedure has nothing to do at the moment: when observations were taken, when
/// the procedure's time has come, and as soon as `call` is notified, also where that was before. It may take out
/// what was learned, and tell the procedure something.
pub async fn drive_until<P: Procedure + ?Sized>(
    procedure: &mut P,
    network: &Network,
    clock: &Clock,
    on_step: &mut dyn FnMut(&Progress),
    sink: &mut dyn FnMut(&Observation),
    call: &Notify,
    owner: &mut dyn FnMut(&mut P) -> Onward,
) -> bool {
    let mut under_way = UnderWay::default();
    let network = Arc::new(network.clone());
    let (teller, mut repeats) = mpsc::unbounded_channel();
    let teller = procedure.takes_repeats().then_some(teller);
    loop {
        let until = loop {
            match procedure.poll(clock.now()) {
                Step::Run(id, probe) => under_way.start(id, probe, &network, clock, teller.clone()),
                Step::Announce(progress) => on_step(&progress),
                Step::Wait(until) => match owner(procedure) {
                    Onward::Wait => break until,
                    Onward::WaitFor(span) => break until.min(clock.now() + span),
                    Onward::Ask => {}
                    Onward::Stop => return false,
                },
                Step::Done => return true,
            }
        };
        let mut finished = tokio::select! {
            observation = under_way.next(clock), if !under_way.tasks.is_empty() => observation,
            Some(repeat) = repeats.recv(), if teller.is_some() => under_way.hold_back(repeat),
            () = call.notified() => None,
            () = sleep_until(clock.instant(until)) => {
                // What arrived meanwhile is to be known before the procedure decides by the clock.
                yield_now().await;
                under_way.try_next(clock)
            }
        };
        while let Some(observation) = finished {
            sink(&observation);
            let held_back = under_way.held_back.remove(&observation.id);
            procedure.observe(observation);
            for repeat in held_back.into_iter().flatten() {
                sink(&repeat);
                procedure.observe(repeat);
            }
            finished = under_way.try_next(clock);
        }
    }
}

/// The network that this host sees; cheap to clone.
#[derive(Clone)]
pub struct Network {
    trust: Arc<TrustRoots>,
    login: Option<ProxyLogin>,
    room: Arc<Semaphore>,
    most: u32,
    leaving: Leaving,
    echoes: Arc<EchoDoors>,
    datagrams: Arc<Hubs<datagram::Flow>>,
    journal: Option<Journal>,
    witness: Arc<Witness>,
    /// The kernel stamps arrivals only while some socket of the host wants it, and begins a little after the first
    /// one does (`net_enable_timestamp`, net/core/dev.c): too late for what the first probes bring.
    _stamped: Option<Arc<Socket>>,
}

impl Network {
    /// The network as it is, with these roots of trust.
    ///
    /// Raises this process's limit of open files as far as it may (`RLIMIT_NOFILE`, getrlimit(2)): each probe
    /// under way holds a socket. Probes beyond it wait for their turn.
    pub fn new(trust: TrustRoots) -> Self {
        // POSIX promises 20 (`_POSIX_OPEN_MAX`), every Linux gives 1024; asking does not fail.
        let limit = sys::raise_file_limit().unwrap_or(1024);
        Self::with_descriptors(trust, limit.saturating_sub(SPARE_DESCRIPTORS))
    }

    /// Never holds more than `most` descriptors (at least one probe at a time) for probes.
    fn with_descriptors(trust: TrustRoots, most: u64) -> Self {
        let most = u32::try_from(most.clamp(1, MOST_DESCRIPTORS)).unwrap_or(1);
        let room = Arc::new(Semaphore::new(most as usize));
        let echoes = Arc::new(EchoDoors::new(Hubs::new(Arc::clone(&room))));
        let datagrams = Arc::new(Hubs::new(Arc::clone(&room)));
        Self {
            trust: Arc::new(trust),
            login: None,
            room,
            most,
            leaving: Leaving::default(),
            echoes,
            datagrams,
            journal: None,
            witness: Arc::default(),
            _stamped: sys::open_udp(false, 0, &Leaving::default()).ok().map(Arc::new),
        }
    }

    /// The same, but connections, echo requests and datagrams leave this host so. [`Leaving::check`] tells
    /// beforehand whether they can.
    pub fn leaving(self, leaving: Leaving) -> Self {
        // What is open was opened to leave otherwise.
        let echoes = Arc::new(EchoDoors::new(Hubs::new(Arc::clone(&self.room))));
        let datagrams = Arc::new(Hubs::new(Arc::clone(&self.room)));
        Self { leaving, echoes, datagrams, ..self }
    }

    /// The same network, known to proxies as this user. No probe, observation or log ever holds it.
    pub fn with_proxy_login(self, login: Option<ProxyLogin>) -> Self {
        Self { login, ..self }
    }

    /// Opens a connection for somebody to use; see [`exchange::session`].
    pub async fn session(&self, probe: &Exchange) -> Result<Session, Outcome> {
        exchange::session(probe, &self.trust, self.login.as_ref(), &self.leaving).await
    }

    /// The same network; what is sent is noted in `journal`, if there is one.
    pub fn noted_in(&self, journal: Option<&Journal>) -> Self {
        Self { journal: journal.cloned(), ..self.clone() }
    }

    /// The same network, for probes about `what`, where a run is about several things.
    pub fn about(&self, what: Option<&str>) -> Self {
        match (&self.journal, what) {
            (Some(journal), Some(what)) => self.noted_in(Some(&journal.about(what))),
            _ => self.clone(),
        }
    }

    /// The roots of trust in use.
    pub fn trust(&self) -> &TrustRoots {
        &self.trust
    }

    /// Carries out one probe, at once.
    pub async fn run(&self, probe: Probe) -> Outcome {
        self.run_and_tell(&probe, None).await
    }

    /// Carries out one probe, at once; `late` hears of what comes for it afterwards.
    ///
    /// What is not made ten thousand times a second waits in a box of its own: else every handshake and echo request
    /// would take, and be moved with, the room that a whole exchange needs.
    async fn run_and_tell(&self, probe: &Probe, late: Option<Late>) -> Outcome {
        match probe {
            Probe::Lookup(lookup) => Box::pin(dns::lookup(lookup)).await,
            Probe::SystemLookup(lookup) => Box::pin(system::system_lookup(lookup)).await,
            Probe::Echo(echo) => echo::echo(echo, &self.echoes, &self.leaving, &self.witness, late).await,
            Probe::Connect(connect) => connect::witnessed(connect, &self.leaving, Some(&self.witness)).await,
            Probe::Datagram(datagram) => {
                Box::pin(datagram::datagram(datagram, &self.datagrams, &self.leaving, &self.witness, late))
                    .await
            }
            Probe::Exchange(exchange) => {
                let login = self.login.as_ref();
                Box::pin(exchange::exchange_as(exchange, &self.trust, login, &self.leaving)).await
            }
            Probe::Egress(egress) => Box::pin(egress::egress(egress)).await,
        }
    }

    /// Carries out one probe as soon as this process may open its sockets. The wait for that is no part of the
    /// observation. `repeats` gets what comes for it afterwards: duplicates, and replies that are late.
    pub async fn observe(
        &self,
        id: ProbeId,
        probe: Probe,
        clock: &Clock,
        repeats: Option<UnboundedSender<Observation>>,
    ) -> Observation {
        let Carried { outcome, sent, done } = self.carry_out(id, &probe, clock, repeats).await;
        Observation { id, probe, outcome, sent, done }
    }

    async fn carry_out(
        &self,
        id: ProbeId,
        probe: &Probe,
        clock: &Clock,
        repeats: Option<UnboundedSender<Observation>>,
    ) -> Carried {
        let room = self.room_for(probe).await;
        let sent = clock.now();
        let late = repeats.map(|repeats| -> Late {
            let (probe, clock) = (probe.clone(), *clock);
            Box::new(move |outcome| {
                let done = clock.now();
                // Nobody listens any more where the run is over.
                let _ = repeats.send(Observation { id, probe: probe.clone(), outcome, sent, done });
            })
        });
        let (outcome, done) = match &self.journal {
            Some(journal) => {
                let attempt = async {
                    let outcome = self.run_and_tell(probe, late).await;
                    (outcome, clock.now())
                };
                Box::pin(journal.note_attempt((id, probe.clone(), sent), attempt)).await
            }
            None => (self.run_and_tell(probe, late).await, clock.now()),
        };
        if let (Probe::Connect(connect), Outcome::Answered(_)) = (probe, &outcome)
            && let Then::Hold(span) = connect.then
        {
            // The connection outlives its probe.
            tokio::spawn(async move {
                sleep(span).await;
                drop(room);
            });
        }
        Carried { outcome, sent, done }
    }

    /// `None` never comes: the semaphore is not closed. Without room nothing is limited, that is all.
    async fn room_for(&self, probe: &Probe) -> Option<OwnedSemaphorePermit> {
        let wanted = descriptors(probe).min(self.most);
        if self.room.available_permits() < wanted as usize {
            self.echoes.close_idle();
            self.datagrams.close_idle();
        }
        Arc::clone(&self.room).acquire_many_owned(wanted).await.ok()
    }
}

/// How many file descriptors a probe may hold at the same time.
fn descriptors(probe: &Probe) -> u32 {
    match probe {
        Probe::Lookup(_) | Probe::Exchange(_) => 1,
        // A second socket tells a busy flow from a missing source address.
        Probe::Connect(_) => 2,
        // The sockets that these share are counted by themselves.
        Probe::Echo(_) | Probe::Datagram(_) => 0,
        // Both ends of a pipe, the null device twice, a handle of the process.
        Probe::SystemLookup(_) => 6,
        // A socket for each SYN, a capture, the kernel's counters.
        Probe::Egress(egress) => u32::from(egress.burst) + 4,
    }
}

/// What became of a probe.
struct Carried {
    outcome: Outcome,
    sent: Time,
    done: Time,
}

/// The probes under way.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<Carried>,
    /// What each task is about, and since when. Tasks only look at their probes: a probe is large, and there may be
    /// tens of thousands of both.
    about: HashMap<Id, (ProbeId, Arc<Probe>, Time)>,
    /// The probes of the tasks, where somebody wants to hear of repeats.
    open: HashSet<ProbeId>,
    /// What came twice before it was handed over once.
    held_back: HashMap<ProbeId, Vec<Observation>>,
}

impl UnderWay {
    fn start(
        &mut self,
        id: ProbeId,
        probe: Probe,
        network: &Arc<Network>,
        clock: &Clock,
        repeats: Option<UnboundedSender<Observation>>,
    ) {
        let (network, clock) = (Arc::clone(network), *clock);
        let probe = Arc::new(probe);
        let about = (id, Arc::clone(&probe), clock.now());
        if repeats.is_some() {
            self.open.insert(id);
        }
        let task = self.tasks.spawn(async move { network.carry_out(id, &probe, &clock, repeats).await });
        self.about.insert(task.id(), about);
    }

    /// Keeps a repeat until its probe's first observation was handed over; gives it back where it was.
    fn hold_back(&mut self, repeat: Observation) -> Option<Observation> {
        if self.open.contains(&repeat.id) {
            self.held_back.entry(repeat.id).or_default().push(repeat);
            return None;
        }
        Some(repeat)
    }

    /// Waits for the next one to end; `None` when none is left.
    async fn next(&mut self, clock: &Clock) -> Option<Observation> {
        let ended = self.tasks.join_next_with_id().await?;
        self.observation(ended, clock)
    }

    /// The next one that has ended already, if any.
    fn try_next(&mut self, clock: &Clock) -> Option<Observation> {
        let ended = self.tasks.try_join_next_with_id()?;
        self.observation(ended, clock)
    }

    fn observation(&mut self, ended: Result<(Id, Carried), JoinError>, clock: &Clock) -> Option<Observation> {
        let (task, carried) = match ended {
            Ok((task, carried)) => (task, Ok(carried)),
            Err(error) => (error.id(), Err(Inability { why: Obstacle::Unsupported, errno: None })),
        };
        let (id, probe, started) = self.about.remove(&task)?;
        self.open.remove(&id);
        let probe = Arc::unwrap_or_clone(probe);
        let Carried { outcome, sent, done } = carried.unwrap_or_else(|panicked| Carried {
            outcome: Outcome::Unable(panicked),
            sent: started,
            done: clock.now(),
        });
        Some(Observation { id, probe, outcome, sent, done })
    }
}

#[cfg(test)]
mod tests;
