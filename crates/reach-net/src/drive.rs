//! The live driver: carries out on the real network what a [`Procedure`] asks for.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reach_core::{
    Time,
    model::{Exchange, Inability, Observation, Obstacle, Outcome, Probe, ProbeId, Then},
    survey::{Procedure, Progress, Step},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep, sleep_until},
};

use crate::{
    connect, datagram, dns, echo, egress,
    exchange::{self, Session},
    journal::Journal,
    sys, system,
    trust::TrustRoots,
    wire::ProxyLogin,
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
    let mut under_way = UnderWay::default();
    loop {
        let until = loop {
            match procedure.poll(clock.now()) {
                Step::Run(id, probe) => under_way.start(id, probe, network, clock),
                Step::Announce(progress) => on_step(&progress),
                Step::Wait(until) => break until,
                Step::Done => return,
            }
        };
        let mut finished = tokio::select! {
            observation = under_way.next(clock), if !under_way.tasks.is_empty() => observation,
            () = sleep_until(clock.instant(until)) => None,
        };
        while let Some(observation) = finished {
            sink(&observation);
            procedure.observe(observation);
            finished = under_way.try_next(clock);
        }
    }
}

/// The network that this host sees; cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    trust: Arc<TrustRoots>,
    login: Option<ProxyLogin>,
    room: Arc<Semaphore>,
    most: u32,
    journal: Option<Journal>,
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
        Self {
            trust: Arc::new(trust),
            login: None,
            room: Arc::new(Semaphore::new(most as usize)),
            most,
            journal: None,
        }
    }

    /// The same network, known to proxies as this user. No probe, observation or log ever holds it.
    pub fn with_proxy_login(self, login: Option<ProxyLogin>) -> Self {
        Self { login, ..self }
    }

    /// Opens a connection for somebody to use; see [`exchange::session`].
    pub async fn session(&self, probe: &Exchange) -> Result<Session, Outcome> {
        exchange::session(probe, &self.trust, self.login.as_ref()).await
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
        match &probe {
            Probe::Lookup(lookup) => dns::lookup(lookup).await,
            Probe::SystemLookup(lookup) => system::system_lookup(lookup).await,
            Probe::Echo(echo) => echo::echo(echo).await,
            Probe::Connect(connect) => connect::connect(connect).await,
            Probe::Datagram(datagram) => datagram::datagram(datagram).await,
            Probe::Exchange(exchange) => {
                exchange::exchange_as(exchange, &self.trust, self.login.as_ref()).await
            }
            Probe::Egress(egress) => egress::egress(egress).await,
        }
    }

    /// Carries out one probe as soon as this process may open its sockets. The wait for that is no part of the
    /// observation.
    pub async fn observe(&self, id: ProbeId, probe: Probe, clock: &Clock) -> Observation {
        let room = self.room_for(&probe).await;
        let sent = clock.now();
        let attempt = async {
            let outcome = self.run(probe.clone()).await;
            Observation { id, probe: probe.clone(), outcome, sent, done: clock.now() }
        };
        let observation = match &self.journal {
            Some(journal) => journal.note_attempt((id, probe.clone(), sent), attempt).await,
            None => attempt.await,
        };
        if let (Probe::Connect(connect), Outcome::Answered(_)) = (&probe, &observation.outcome)
            && let Then::Hold(span) = connect.then
        {
            // The connection outlives its probe.
            tokio::spawn(async move {
                sleep(span).await;
                drop(room);
            });
        }
        observation
    }

    /// `None` never comes: the semaphore is not closed. Without room nothing is limited, that is all.
    async fn room_for(&self, probe: &Probe) -> Option<OwnedSemaphorePermit> {
        let wanted = descriptors(probe).min(self.most);
        Arc::clone(&self.room).acquire_many_owned(wanted).await.ok()
    }
}

/// How many file descriptors a probe may hold at the same time.
fn descriptors(probe: &Probe) -> u32 {
    match probe {
        Probe::Lookup(_) | Probe::Exchange(_) => 1,
        // A second socket tells a busy flow from a missing source address.
        Probe::Connect(_) | Probe::Echo(_) | Probe::Datagram(_) => 2,
        // Both ends of a pipe, the null device twice, a handle of the process.
        Probe::SystemLookup(_) => 6,
        // A socket for each SYN, a capture, the kernel's counters.
        Probe::Egress(egress) => u32::from(egress.burst) + 4,
    }
}

/// The wall clock, read once, and monotonic time from then on.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Time,
    monotonic: Instant,
}

impl Clock {
    /// Reads the wall clock.
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall: Time::default() + since_epoch, monotonic: Instant::now() }
    }

    /// Now.
    pub fn now(&self) -> Time {
        self.wall + self.monotonic.elapsed()
    }

    /// When `time` is, for timers; at most a year ahead.
    fn instant(&self, time: Time) -> Instant {
        const YEAR: Duration = Duration::from_secs(365 * 86_400);
        self.monotonic + time.since(self.wall).min(self.monotonic.elapsed() + YEAR)
    }
}

/// The probes under way.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<Observation>,
    /// What each task is about, for the case that it cannot say so itself any more.
    about: HashMap<Id, (ProbeId, Probe, Time)>,
}

impl UnderWay {
    fn start(&mut self, id: ProbeId, probe: Probe, network: &Network, clock: &Clock) {
        let (network, clock) = (network.clone(), *clock);
        let about = (id, probe.clone(), clock.now());
        let task = self.tasks.spawn(async move { network.observe(id, probe, &clock).await });
        self.about.insert(task.id(), about);
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

    fn observation(
        &mut self,
        ended: Result<(Id, Observation), JoinError>,
        clock: &Clock,
    ) -> Option<Observation> {
        match ended {
            Ok((task, observation)) => {
                self.about.remove(&task);
                Some(observation)
            }
            Err(error) => {
                let (id, probe, sent) = self.about.remove(&error.id())?;
                let outcome = Outcome::Unable(Inability { why: Obstacle::Unsupported, errno: None });
                Some(Observation { id, probe, outcome, sent, done: clock.now() })
            }
        }
    }
}

#[cfg(test)]
mod tests;
