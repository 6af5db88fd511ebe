//! `reach watch` as it runs: threads, signals, and what goes between them.
//!
//! ```text
//!  reach-probing ──learned──▶ this thread: Desk ──batches──▶ reach-store
//!       ▲   plan, surveys wanted │   ▲                         │
//!       └────────────────────────┘   └───────committed─────────┘
//!                                 │ rows ▲ what became of them
//!                                 ▼      │
//!                               Postman ─┴─▶ channels         web, control socket: read what is published
//! ```
//!
//! The thread that probes waits for nobody. This one never waits for the disk or for a channel either: the store takes
//! batches into memory, and each delivery is a task of its own.

mod answering;
mod desk;
mod hearing;
mod heartbeat;
mod hello;
mod maintenance;
mod probing;
mod serving;
mod start;
mod telling;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jiff::tz::TimeZone;
use reach_core::{
    Time,
    watch::{Notice, OutboxRow, RowId, SilenceId, Status, WatchPlan, assurance::Ledger},
};
use reach_net::{
    drive::{Clock, Network},
    sys::drop_privileges,
    trust::TrustRoots,
};
use reach_store::{Committed, Reader, Writer};
use tokio::{
    runtime,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tracing::{error, info, warn};

pub use self::desk::{Desk, Outbox, rows_of};
use self::{
    answering::Waiting,
    hearing::Hearing,
    hello::Hello,
    probing::{Known, Learned, Probing},
    start::{Ids, Memory},
    telling::Shown,
};
use crate::{
    alert::{FromPostman, Postman},
    command::dice,
    config::{
        Problems,
        watch::{Watch, WatchConfig},
    },
    control::{Answer, Request},
    exit::Exit,
    logging,
    output::note,
    receive::{Heard, Intake},
    service::Manager,
    web::WebState,
    words,
};

/// Where HTTP is served, where nobody says.
pub const USUAL_PORT: u16 = 9732;
/// What is known is published this often at most.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// How long messages and the disk get when the watch ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// Understands the command line and the configuration anew.
pub type Again<'a> = &'a dyn Fn() -> Result<Watch, Problems>;

/// Watches until somebody ends it.
pub fn run(watch: Watch, again: Again<'_>) -> Exit {
    let shown = Shown::new(&watch);
    if let Err(problem) = logging::begin(&watch.config.log, shown.board.as_ref(), watch.output.verbose) {
        note(&problem);
        return Exit::CouldNotTell;
    }
    let clock = Clock::following_wall();
    let (intake, heard) = Intake::new();
    // What looks at this host keeps the right to, and begins before everything else gives it up.
    let hearing = Hearing::begin(&watch.config, watch.output.style.lang, clock, intake);
    if let Err(error) = drop_privileges() {
        warn!("{}", words::privileges_kept(&error, watch.output.style.lang));
    }
    match hearing.and_then(|hearing| begin(watch, shown, (clock, hearing, heard), again)) {
        Ok(exit) => exit,
        Err(trouble) => {
            for line in trouble {
                note(&line);
            }
            Exit::CouldNotTell
        }
    }
}

/// The clock of everything, what is heard, and where it comes out.
type Ears = (Clock, Hearing, mpsc::Receiver<Heard>);

fn begin(watch: Watch, shown: Shown, ears: Ears, again: Again<'_>) -> Result<Exit, Problems> {
    let line = |error: String| vec![error];
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| line(format!("cannot begin: {error}")))?;
    let memory = start::memory(&watch.config.store).map_err(|error| {
        line(format!(
            "{error}; name another file with --store, or as `path` under [store] in the configuration"
        ))
    })?;
    let passing = memory.passing.clone();
    if let Some(path) = &passing {
        warn!(
            "another watch uses {}; this one remembers until it ends, in {}",
            watch.config.store.path.display(),
            path.display()
        );
    }
    let exit = runtime.block_on(async { Daemon::start(watch, shown, memory, ears).await?.run(again).await });
    // Requests of a browser must not hold up the end.
    runtime.shutdown_background();
    if let Some(path) = &passing {
        start::forget(path);
    }
    exit
}

/// The channels, for the desk.
struct Post {
    postman: Postman,
}

impl Outbox for Post {
    fn plan(&mut self, notice: &Notice, _now: Time) -> Vec<OutboxRow> {
        self.postman.plan(notice)
    }

    fn committed(&mut self, rows: &[RowId]) {
        self.postman.committed(rows);
    }

    fn refused(&mut self, rows: &[RowId]) {
        self.postman.withdraw(rows);
    }
}

/// What others want of the watch.
enum Wanted {
    /// A question, who asks it, and where the answer goes.
    Asked(Request, String, oneshot::Sender<Answer>),
    Reload,
    /// It was stopped for a while (`^Z`): others have written on the terminal.
    Resumed,
    Stop,
}

struct Daemon {
    watch: Watch,
    clock: Clock,
    started: Time,
    seed: u64,
    ids: Ids,
    plan: WatchPlan,
    desk: Desk<Post>,
    writer: Writer,
    reader: Reader,
    probing: Probing,
    next_silence: SilenceId,
    maintained_until: Time,
    /// What is known and was not published yet.
    known: Option<Known>,
    published: Time,
    status: watch::Sender<Arc<Status>>,
    web: Option<(WebState, SocketAddr)>,
    network: Network,
    trust: Arc<TrustRoots>,
    manager: Manager,
    hearing: Hearing,
    inbox: Inbox,
    /// What runs beside, until the watch ends.
    beside: Vec<JoinHandle<()>>,
    /// The same, of what begins anew when the configuration is read again.
    renewed: Vec<JoinHandle<()>>,
    /// What answers HTTP, and what tells it that the watch ends.
    serving: Option<JoinHandle<()>>,
    ends: watch::Sender<bool>,
    /// When to say that the watch goes on.
    hello: Hello,
    /// Where the watch ends by itself.
    ending: Option<Ending>,
    /// Those who wait for surveys.
    waiting: Vec<Waiting>,
    shown: Shown,
}

/// When a watch makes its statement and ends.
#[derive(Clone, Copy)]
struct Ending {
    at: Time,
    /// How long it lasts altogether.
    whole: Duration,
    /// How often the statement was put off.
    extensions: u32,
}

/// What comes in.
struct Inbox {
    learned: mpsc::UnboundedReceiver<Learned>,
    committed: mpsc::UnboundedReceiver<Committed>,
    post: mpsc::UnboundedReceiver<FromPostman>,
    wanted: mpsc::UnboundedReceiver<Wanted>,
    heard: mpsc::Receiver<Heard>,
}

impl Daemon {
    async fn start(watch: Watch, shown: Shown, memory: Memory, ears: Ears) -> Result<Self, Problems> {
        let line = |error: String| vec![error];
        let Memory { writer, reader, recovered, .. } = memory;
        let config = &watch.config;
        let (clock, mut hearing, heard) = ears;
        let seed = dice();
        let now = clock.now();
        hearing.remember(&recovered, now);
        let trust = Arc::new(TrustRoots::load());
        let vantage = start::vantage_of(config);
        let network = Network::new(TrustRoots::load());
        let mut ids = Ids::new(&recovered);
        let plan = start::plan(config, hearing.adopted(), &mut ids, vantage.clone(), seed);
        let channels = start::channels(config, &trust)?;

        let (told, committed) = mpsc::unbounded_channel();
        writer.on_commit(move |done| {
            // Nobody waits for it where the watch is ending.
            let _ = told.send(done.clone());
        });
        let kept = start::kept_rows(&recovered, &reader);
        let zone = config.zone.clone();
        let (postman, post) = Postman::start(channels, kept, (vantage.clone(), zone), clock);
        let incidents = start::incidents(&plan, &recovered, &reader, now);
        let mut desk = Desk::new(incidents, Post { postman }, now);
        desk.enlist(ids.take_fresh());
        if let Some(from) = recovered.watched.filter(|from| *from < now) {
            desk.record_gap(from, now);
        }
        let ending = watch.ends_after.map(|span| Ending { at: now + span, whole: span, extensions: 0 });
        if let Some(span) = watch.ends_after {
            for watched in &plan.targets {
                desk.keep_account(Ledger::new(watched, now).lasting(span));
            }
        }
        let (probing, learned) = Probing::start(plan.clone(), recovered.remembered, network.clone(), clock)
            .map_err(|error| line(format!("cannot probe: {error}")))?;

        let (wish, wanted) = mpsc::unbounded_channel();
        let (status, published) =
            watch::channel(Arc::new(Status { started: now, at: now, ..Status::default() }));
        let mut daemon = Self {
            clock,
            started: now,
            seed,
            ids,
            plan,
            desk,
            writer,
            reader,
            probing,
            next_silence: recovered.next.silence,
            maintained_until: now,
            known: None,
            published: Time::default(),
            status,
            web: None,
            network,
            trust,
            manager: Manager::find(&|name| std::env::var_os(name)),
            hearing,
            inbox: Inbox { learned, committed, post, wanted, heard },
            beside: Vec::new(),
            renewed: Vec::new(),
            serving: None,
            ends: watch::Sender::new(false),
            hello: Hello::new(None, &TimeZone::UTC, now),
            ending,
            waiting: Vec::new(),
            shown,
            watch,
        };
        daemon.hearing.open(&daemon.watch.config, clock)?;
        daemon.open_control(&wish)?;
        daemon.open_web(published, &vantage, &wish).await?;
        daemon.begin_renewed(&daemon.watch.config.clone())?;
        daemon.listen_for_signals(&wish);
        daemon.maintain(now);
        daemon.plan_hello(now);
        Ok(daemon)
    }

    fn config(&self) -> &WatchConfig {
        &self.watch.config
    }

    async fn run(mut self, again: Again<'_>) -> Result<Exit, Problems> {
        info!(targets = self.plan.targets.len(), store = %self.config().store.path.display(), "watching");
        self.manager.ready(&self.summary());
        let mut alive = Instant::now();
        loop {
            let now = self.clock.now();
            self.turn(now);
            if let Some(every) = self.manager.watchdog_every()
                && alive.elapsed() >= every / 2
            {
                self.manager.alive();
                alive = Instant::now();
            }
            if let Some(exit) = self.conclude(now) {
                self.end().await;
                return Ok(exit);
            }
            let due = self.desk.due().into_iter().chain(self.hearing.due()).min();
            let due = due.map_or(PUBLISH_EVERY / 2, |due| due.since(now).min(PUBLISH_EVERY / 2));
            tokio::select! {
                learned = self.inbox.learned.recv() => match learned {
                    Some(learned) => self.learn(learned),
                    None => {
                        error!("the thread that probes has ended; this is a fault of reach");
                        self.end().await;
                        return Ok(Exit::CouldNotTell);
                    }
                },
                Some(heard) = self.inbox.heard.recv() => self.take(&heard),
                Some(committed) = self.inbox.committed.recv() => self.desk.committed(&committed),
                Some(from) = self.inbox.post.recv() => self.hear(from),
                Some(wanted) = self.inbox.wanted.recv() => match wanted {
                    Wanted::Asked(request, who, answer) => self.attend(request, &who, answer, again),
                    // Whoever closes a terminal means to end what runs in it.
                    Wanted::Reload if self.shown.is_left() => {
                        info!("the terminal is gone; stopping");
                        let exit = self.stopped();
                        self.end().await;
                        return Ok(exit);
                    }
                    Wanted::Resumed => {
                        if let Some(board) = &self.shown.board {
                            board.leave();
                        }
                    }
                    Wanted::Reload => {
                        if let Err(problems) = self.reload(again) {
                            for problem in problems {
                                error!("{problem}");
                            }
                            error!("the configuration stays as it was");
                        }
                    }
                    Wanted::Stop => {
                        info!("stopping");
                        let exit = self.stopped();
                        self.end().await;
                        return Ok(exit);
                    }
                },
                () = sleep(due) => {}
            }
        }
    }

    /// Does what is due, and passes on what came of it.
    fn turn(&mut self, now: Time) {
        self.listen_on(now);
        self.desk.tick(now);
        if now >= self.maintained_until {
            self.maintain(now);
        }
        if self.hello.is_due(now) {
            self.publish(now);
            let notice = hello::notice(&self.status.borrow(), &self.plan.vantage.host, now);
            self.desk.say(notice, now);
        }
        if let Some(batch) = self.desk.take_batch(now) {
            let rows = rows_of(&batch);
            let ticket = self.writer.submit(batch);
            self.desk.handed_in(ticket, rows);
        }
        self.probing.examine(self.desk.take_wanted());
        for notice in self.desk.take_told() {
            self.tell(&notice);
        }
        if now.since(self.published) >= PUBLISH_EVERY {
            self.published = now;
            self.publish(now);
            self.name_addresses();
            self.look(now);
            self.dismiss(now);
            if let Some(by) = self.clock.follow_wall() {
                warn!(
                    seconds = by.as_secs_f64(),
                    "the wall clock went back; times are ahead of it until it has caught up"
                );
            }
        }
    }

    fn learn(&mut self, learned: Learned) {
        let now = self.clock.now();
        let Learned { events, remembered, known } = learned;
        self.surveys_over(&events);
        self.desk.learn(events, remembered, now);
        if known.is_some() {
            self.known = known;
        }
    }

    fn hear(&mut self, from: FromPostman) {
        match from {
            FromPostman::Rows(rows) => self.desk.rewrite(rows),
            FromPostman::Order(order) => {
                let who = order.author().unwrap_or_default().to_owned();
                // A button of an old message may come too late; the message itself has been changed by then.
                if let Err(error) = self.desk.order(order, &who, self.clock.now()) {
                    info!(%who, "{error}");
                }
            }
        }
    }

    fn publish(&mut self, now: Time) {
        let known = self.known.take();
        self.status.send_modify(|status| {
            // Copied only where somebody reads it at this moment.
            let status = Arc::make_mut(status);
            match known {
                Some(Known { at, online, targets, schedule }) => {
                    (status.at, status.online) = (at, online);
                    (status.targets, status.schedule) = (targets, schedule);
                }
                None if status.targets.is_empty() => status.at = now,
                None => {}
            }
            self.desk.describe(status);
            status.sources = self.hearing.status();
            status.channels = self.desk.outbox().postman.status();
            status.store = self.writer.status();
        });
        self.manager.status(&self.summary());
    }

    /// One line on how things are.
    fn summary(&self) -> String {
        let open = self.desk.incidents().open().count();
        words::watch_summary(self.plan.targets.len(), open, self.watch.output.style.lang)
    }

    fn plan_hello(&mut self, now: Time) {
        self.hello = Hello::new(self.config().daily_hello, &self.config().zone, now);
    }

    /// Makes silences of the maintenance windows to come.
    fn maintain(&mut self, now: Time) {
        let (orders, until) = maintenance::orders(
            &self.watch.config,
            self.desk.incidents().silences(),
            &mut self.next_silence,
            now,
        );
        self.maintained_until = until;
        for order in orders {
            if let Err(error) = self.desk.order(order, maintenance::AUTHOR, now) {
                warn!("maintenance: {error}");
            }
        }
    }

    /// Ends everything in order: probing first, then what is still to be said and written.
    async fn end(&mut self) {
        self.manager.stopping();
        let _ = self.ends.send(true);
        // Whoever waits to hand something in waits no more.
        self.inbox.heard.close();
        self.probing.stop();
        while let Ok(learned) = self.inbox.learned.try_recv() {
            self.learn(learned);
        }
        self.turn(self.clock.now());
        let until = Instant::now() + FAREWELL;
        loop {
            while let Ok(committed) = self.inbox.committed.try_recv() {
                self.desk.committed(&committed);
            }
            while let Ok(from) = self.inbox.post.try_recv() {
                self.hear(from);
            }
            self.turn(self.clock.now());
            let settled = self.desk.outbox().postman.settle(Duration::from_millis(100)).await;
            if settled && self.desk.is_written() || Instant::now() >= until {
                break;
            }
        }
        for task in self.beside.drain(..).chain(self.renewed.drain(..)) {
            task.abort();
        }
        if let Some(serving) = self.serving.take() {
            // It sees to it itself that this takes no longer than it should.
            let _ = timeout(FAREWELL, serving).await;
        }
        if !self.writer.flush(FAREWELL) {
            warn!("not everything could be written before the end");
        }
    }
}
