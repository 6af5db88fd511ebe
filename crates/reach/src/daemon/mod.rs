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

mod desk;
mod heartbeat;
mod hello;
mod maintenance;
mod probing;
mod start;

use std::{io::IsTerminal, net::SocketAddr, sync::Arc, time::Duration};

use reach_core::{
    Time,
    model::Vantage,
    watch::{
        Assurance, Notice, Order, OutboxRow, RowId, SilenceId, Status, TargetId, WatchPlan,
        assurance::Ledger, courier::Part, incidents::OrderError,
    },
};
use reach_net::{
    drive::{Clock, Network},
    sys::drop_privileges,
    trust::TrustRoots,
};
use reach_report::notice::{Telling, message, put_off, statement};
use reach_store::{Committed, Writer};
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep, timeout},
};
use tracing::{error, info, warn};

pub use self::desk::{Desk, Outbox, rows_of};
use self::{
    probing::{Known, Learned, Probing},
    start::{Ids, Memory},
};
use crate::{
    alert::{FromPostman, Postman, utc_offset},
    blackbox::{Bench, Modules, Roots},
    command::dice,
    config::{
        Problems,
        watch::{Watch, WatchConfig},
    },
    control::{
        self, Answer, Request,
        protocol::Refusal,
        server::{self, Peer},
    },
    exit::Exit,
    live::raised,
    logging,
    otlp::{Exporter, first_wait},
    output::note,
    service::Manager,
    web::{self, Settings, WebState},
    words,
};

/// Where HTTP is served, where nobody says.
pub const USUAL_PORT: u16 = 9732;
/// What is known is published this often at most.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// How long messages and the disk get when the watch ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// A `--for` is extended by so many times its own length at most.
const MOST_EXTENSIONS: u32 = 3;

/// Watches until somebody ends it. `again` understands the command line and the configuration anew.
pub fn run(watch: Watch, again: &dyn Fn() -> Result<Watch, Problems>) -> Exit {
    if let Err(problem) = logging::begin(&watch.config.log) {
        note(&problem);
        return Exit::CouldNotTell;
    }
    if let Err(error) = drop_privileges() {
        warn!("{}", words::privileges_kept(&error, watch.output.style.lang));
    }
    match begin(watch, again) {
        Ok(exit) => exit,
        Err(trouble) => {
            for line in trouble {
                note(&line);
            }
            Exit::CouldNotTell
        }
    }
}

fn begin(watch: Watch, again: &dyn Fn() -> Result<Watch, Problems>) -> Result<Exit, Problems> {
    let line = |error: String| vec![error];
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| line(format!("cannot begin: {error}")))?;
    let memory = start::memory(&watch.config.store).map_err(|error| line(error.to_string()))?;
    let passing = memory.passing.clone();
    if let Some(path) = &passing {
        warn!(
            "another watch uses {}; this one remembers until it ends, in {}",
            watch.config.store.path.display(),
            path.display()
        );
    }
    let exit = runtime.block_on(async { Daemon::start(watch, memory).await?.run(again).await });
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
    Asked(Request, Peer, oneshot::Sender<Answer>),
    Reload,
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
    inbox: Inbox,
    /// What runs beside, until the watch ends.
    beside: Vec<JoinHandle<()>>,
    /// The same, of what begins anew when the configuration is read again.
    renewed: Vec<JoinHandle<()>>,
    /// What answers HTTP, and what tells it that the watch ends.
    serving: Option<JoinHandle<()>>,
    ends: watch::Sender<bool>,
    /// When to say next that the watch goes on.
    hello: Option<Time>,
    /// When to make a statement, and how often that was put off.
    ending: Option<(Time, u32)>,
}

/// What comes in.
struct Inbox {
    learned: mpsc::UnboundedReceiver<Learned>,
    committed: mpsc::UnboundedReceiver<Committed>,
    post: mpsc::UnboundedReceiver<FromPostman>,
    wanted: mpsc::UnboundedReceiver<Wanted>,
}

impl Daemon {
    async fn start(watch: Watch, memory: Memory) -> Result<Self, Problems> {
        let line = |error: String| vec![error];
        let Memory { writer, reader, recovered, .. } = memory;
        let config = &watch.config;
        let (clock, seed) = (Clock::following_wall(), dice());
        let now = clock.now();
        let trust = Arc::new(TrustRoots::load());
        let vantage = start::vantage_of(config);
        let network = Network::new(TrustRoots::load());
        let mut ids = Ids::new(&recovered);
        let plan = start::plan(config, &mut ids, vantage.clone(), seed);
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
        let ending = watch.ends_after.map(|span| (now + span, 0));
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
            inbox: Inbox { learned, committed, post, wanted },
            beside: Vec::new(),
            renewed: Vec::new(),
            serving: None,
            ends: watch::Sender::new(false),
            hello: None,
            ending,
            watch,
        };
        daemon.open_control(&wish)?;
        daemon.open_web(published, &vantage).await?;
        daemon.begin_pushing().map_err(line)?;
        daemon.begin_heartbeat().map_err(line)?;
        daemon.listen_for_signals(&wish);
        daemon.maintain(now);
        daemon.plan_hello(now);
        Ok(daemon)
    }

    fn config(&self) -> &WatchConfig {
        &self.watch.config
    }

    async fn run(mut self, again: &dyn Fn() -> Result<Watch, Problems>) -> Result<Exit, Problems> {
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
            let due = self.desk.due().map_or(PUBLISH_EVERY / 2, |due| due.since(now).min(PUBLISH_EVERY / 2));
            tokio::select! {
                learned = self.inbox.learned.recv() => match learned {
                    Some(learned) => self.learn(learned),
                    None => {
                        error!("the thread that probes has ended; this is a fault of reach");
                        self.end().await;
                        return Ok(Exit::CouldNotTell);
                    }
                },
                Some(committed) = self.inbox.committed.recv() => self.desk.committed(&committed),
                Some(from) = self.inbox.post.recv() => self.hear(from),
                Some(wanted) = self.inbox.wanted.recv() => match wanted {
                    Wanted::Asked(request, peer, answer) => {
                        let said = self.answer(request, &peer, again);
                        // Whoever asked may have gone.
                        let _ = answer.send(said);
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
                        let exit = if self.ending.is_some() { Exit::SomeFail } else { Exit::AllWork };
                        let statements = self.statements();
                        if !statements.is_empty() {
                            self.show_statements(&statements);
                        }
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
        self.desk.tick(now);
        if now >= self.maintained_until {
            self.maintain(now);
        }
        if self.hello.is_some_and(|at| now >= at) {
            self.publish(now);
            let notice = hello::notice(&self.status.borrow(), &self.plan.vantage.host, now);
            self.desk.say(notice, now);
            self.plan_hello(now);
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
        self.desk.learn(events, remembered, now);
        if known.is_some() {
            self.known = known;
        }
    }

    fn hear(&mut self, from: FromPostman) {
        match from {
            FromPostman::Rows(rows) => self.desk.rewrite(rows),
            FromPostman::Order(order) => {
                let who = match &order {
                    Order::Acknowledge { by, .. } | Order::Mute { by, .. } | Order::Expire { by, .. } => {
                        by.clone()
                    }
                    Order::Silence(silence) => silence.author.clone(),
                    Order::Examine(_) => String::new(),
                };
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

    fn answer(
        &mut self,
        request: Request,
        peer: &Peer,
        again: &dyn Fn() -> Result<Watch, Problems>,
    ) -> Answer {
        match request {
            Request::Status => {
                self.publish(self.clock.now());
                Answer::Status(Box::new(Status::clone(&self.status.borrow())))
            }
            Request::Silences => Answer::Silences(self.desk.incidents().silences().to_vec()),
            Request::Reload => match self.reload(again) {
                Ok(()) => Answer::DONE,
                Err(problems) => Answer::refused(Refusal::Configuration, problems.join("\n")),
            },
            Request::Order { order } => self.obey(order, peer),
        }
    }

    fn obey(&mut self, order: Order, peer: &Peer) -> Answer {
        let now = self.clock.now();
        let (order, made) = match order {
            Order::Silence(mut silence) => {
                silence.id = self.next_silence;
                self.next_silence.0 += 1;
                let id = silence.id;
                (Order::Silence(silence), Some(id))
            }
            Order::Examine(target) if !self.plan.targets.iter().any(|watched| watched.id == target) => {
                return Answer::refused(
                    Refusal::NotFound,
                    words::no_such_target(self.watch.output.style.lang),
                );
            }
            order => (order, None),
        };
        match self.desk.order(order, &peer.name, now) {
            Ok(()) => Answer::Done { silence: made },
            Err(error) => {
                let code = match &error {
                    OrderError::NoSuchIncident { .. } | OrderError::NoSuchSilence { .. } => Refusal::NotFound,
                    _ => Refusal::Conflict,
                };
                Answer::refused(code, error.to_string())
            }
        }
    }

    /// Reads the configuration again. What stays the same keeps everything that is known of it.
    fn reload(&mut self, again: &dyn Fn() -> Result<Watch, Problems>) -> Result<(), Problems> {
        self.manager.reloading();
        let outcome = again().and_then(|watch| self.go_on_with(watch));
        self.manager.ready(&self.summary());
        outcome
    }

    fn go_on_with(&mut self, watch: Watch) -> Result<(), Problems> {
        let channels = start::channels(&watch.config, &self.trust)?;
        let modules = modules(&watch.config);
        let now = self.clock.now();
        let fixed = |config: &WatchConfig| {
            (
                config.store.clone(),
                config.control.path.clone(),
                config.http.serves,
                config.http.settings.listen,
            )
        };
        if fixed(&watch.config) != fixed(self.config()) {
            warn!("where things are kept and where HTTP is served changes with a restart only");
        }
        for warning in &watch.config.warnings {
            warn!("{warning}");
        }
        let vantage = start::vantage_of(&watch.config);
        self.plan = start::plan(&watch.config, &mut self.ids, vantage.clone(), self.seed);
        self.watch = Watch { ends_after: self.watch.ends_after, ..watch };
        self.desk.enlist(self.ids.take_fresh());
        self.keep_accounts(now);
        self.desk.incidents_mut().reload(&self.plan, now);
        self.desk.outbox().postman.reload(channels);
        self.probing.reload(self.plan.clone());
        self.maintain(now);
        self.plan_hello(now);
        if let Some((web, local)) = &self.web {
            if let Err(problem) = &modules {
                error!("{problem}");
            }
            web.replace_modules(modules.ok());
            web.replace_bench(self.bench(&vantage, *local));
        }
        for task in self.renewed.drain(..) {
            task.abort();
        }
        for outcome in [self.begin_pushing(), self.begin_heartbeat()] {
            if let Err(problem) = outcome {
                error!("{problem}");
            }
        }
        info!(targets = self.plan.targets.len(), "the configuration was read again");
        Ok(())
    }

    /// Keeps account of what is watched now, where a statement is wanted at the end.
    fn keep_accounts(&mut self, now: Time) {
        let Some(span) = self.watch.ends_after else { return };
        let targets: Vec<TargetId> = self.plan.targets.iter().map(|watched| watched.id).collect();
        self.desk.keep_accounts_of(&targets);
        for watched in &self.plan.targets {
            if !self.desk.accounts().iter().any(|account| account.target() == watched.id) {
                self.desk.keep_account(Ledger::new(watched, now).lasting(span));
            }
        }
    }

    fn plan_hello(&mut self, now: Time) {
        let config = self.config();
        self.hello = config.daily_hello.and_then(|at| hello::next(at, &config.zone, now));
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

    fn open_control(&mut self, wish: &mpsc::UnboundedSender<Wanted>) -> Result<(), Problems> {
        let control = self.config().control.clone();
        let listener = match server::open(&control.path, control.group.as_deref()) {
            Ok(listener) => listener,
            Err(error) if !control.named => {
                warn!("{error}; `reach status` and others cannot ask this watch");
                return Ok(());
            }
            Err(error) => return Err(vec![error.to_string()]),
        };
        let wish = wish.clone();
        let ask = move |request, peer| {
            let wish = wish.clone();
            async move {
                let (answer, answered) = oneshot::channel();
                let ending = || Answer::refused(Refusal::Busy, "the watch is ending");
                match wish.send(Wanted::Asked(request, peer, answer)) {
                    Ok(()) => answered.await.unwrap_or_else(|_| ending()),
                    Err(_) => ending(),
                }
            }
        };
        self.beside.push(tokio::spawn(control::serve(listener, ask)));
        Ok(())
    }

    async fn open_web(
        &mut self,
        published: watch::Receiver<Arc<Status>>,
        vantage: &Vantage,
    ) -> Result<(), Problems> {
        if !self.config().http.serves {
            return Ok(());
        }
        let named = self.config().http.settings.listen;
        let wanted = named.unwrap_or(SocketAddr::from(([127, 0, 0, 1], USUAL_PORT)));
        let listener = match TcpListener::bind(wanted).await {
            Ok(listener) => listener,
            Err(error) if named.is_none() => {
                warn!("nothing is served over HTTP: {wanted}: {error}");
                return Ok(());
            }
            Err(error) => return Err(vec![format!("HTTP cannot be served at {wanted}: {error}")]),
        };
        let local = listener.local_addr().unwrap_or(wanted);
        let settings = Settings {
            http: &self.config().http.settings,
            probe: &self.config().probe,
            local,
            vantage: &vantage.host,
            lang: self.watch.output.style.lang,
        };
        let modules = modules(self.config()).map_err(|problem| vec![problem])?;
        let state = WebState::new(&settings, published, self.clock, self.bench(vantage, local), modules);
        self.web = Some((state.clone(), local));
        info!(at = %format!("http://{local}/"), "serving");
        let mut ends = self.ends.subscribe();
        let end = async move {
            // The sender goes when everything does.
            let _ = ends.wait_for(|ended| *ended).await;
        };
        self.serving = Some(tokio::spawn(async move {
            if let Err(error) = web::serve(listener, state, end).await {
                error!("nothing is served over HTTP any more: {error}");
            }
        }));
        Ok(())
    }

    fn bench(&self, vantage: &Vantage, local: SocketAddr) -> Bench {
        let policy = WebState::policy(local, &self.config().probe);
        Bench::new(self.network.clone(), vantage, Roots::load(), policy)
    }

    fn begin_pushing(&mut self) -> Result<(), String> {
        let (Some(settings), Some((web, _))) = (self.config().otlp.clone(), self.web.clone()) else {
            return Ok(());
        };
        let host = &self.plan.vantage.host;
        let exporter = Exporter::new(&settings, host).map_err(|error| error.to_string())?;
        let (clock, started, seed) = (self.clock, self.started, self.seed);
        self.renewed.push(tokio::spawn(async move {
            sleep(first_wait(settings.every, seed)).await;
            loop {
                // Of ten thousand addresses it takes a while to say everything; others have to go on meanwhile.
                let web = web.clone();
                if let Ok(families) = spawn_blocking(move || web.families()).await
                    && let Err(error) = exporter.push(&families, started, clock.now()).await
                {
                    warn!("metrics could not be pushed: {error}");
                }
                sleep(settings.every).await;
            }
        }));
        Ok(())
    }

    fn begin_heartbeat(&mut self) -> Result<(), String> {
        let Some(settings) = self.config().heartbeat.clone() else { return Ok(()) };
        let beat = heartbeat::beat(settings, &self.trust, self.status.subscribe(), self.clock)?;
        self.renewed.push(tokio::spawn(beat));
        Ok(())
    }

    fn listen_for_signals(&mut self, wish: &mpsc::UnboundedSender<Wanted>) {
        let mut stops = (signal(SignalKind::interrupt()).ok(), signal(SignalKind::terminate()).ok());
        let mut hangup = signal(SignalKind::hangup()).ok();
        let wish = wish.clone();
        self.beside.push(tokio::spawn(async move {
            loop {
                let wanted = tokio::select! {
                    () = raised(&mut stops.0) => Wanted::Stop,
                    () = raised(&mut stops.1) => Wanted::Stop,
                    () = raised(&mut hangup) => Wanted::Reload,
                };
                if wish.send(wanted).is_err() {
                    return;
                }
            }
        }));
    }

    /// Tells whoever looks on.
    fn tell(&self, notice: &Notice) {
        let lang = self.watch.output.style.lang;
        let utc_offset_s = utc_offset(&self.config().zone, notice.at);
        let telling = Telling { lang, utc_offset_s, vantage: &self.plan.vantage };
        let part = Part { row: None, notice: notice.clone(), changes: 0, again: false, instead_of: None };
        let message = message(&[part], &telling);
        info!(
            incident = notice.incident.id.0,
            seq = notice.seq,
            rings = notice.rings,
            "{}",
            message.summary()
        );
        if self.config().channels.is_empty() || std::io::stdout().is_terminal() {
            print_text(&format!("{}\n\n", message.plain(usize::MAX)));
        }
    }

    fn statements(&self) -> Vec<(TargetId, Assurance)> {
        let now = self.clock.now();
        self.desk.accounts().iter().map(|account| (account.target(), account.statement(now))).collect()
    }

    /// Makes the statement that a `--for` ends with, or puts it off and says why.
    fn conclude(&mut self, now: Time) -> Option<Exit> {
        let (end, extensions) = self.ending?;
        if now < end {
            return None;
        }
        let statements = self.statements();
        let longer = self.desk.accounts().iter().filter_map(|account| account.extend_by(now)).max();
        if let Some(longer) = longer
            && extensions < MOST_EXTENSIONS
        {
            let most = self.watch.ends_after.unwrap_or(longer);
            let longer = longer.clamp(Duration::from_secs(1), most);
            self.ending = Some((now + longer, extensions + 1));
            for (target, statement) in
                statements.iter().filter(|(_, statement)| !statement.lacking.is_empty())
            {
                note(&put_off(&self.name(*target), statement, longer, self.watch.output.style.lang));
            }
            return None;
        }
        self.show_statements(&statements);
        let carried =
            !statements.is_empty() && statements.iter().all(|(_, statement)| statement.lacking.is_empty());
        Some(if carried { Exit::AllWork } else { Exit::SomeFail })
    }

    fn show_statements(&self, statements: &[(TargetId, Assurance)]) {
        for (target, assurance) in statements {
            print_text(&statement(&self.name(*target), assurance, &self.watch.output.style));
        }
    }

    fn name(&self, id: TargetId) -> String {
        let watched = self.plan.targets.iter().find(|watched| watched.id == id);
        watched.map_or_else(String::new, |watched| watched.target.text.clone())
    }

    /// Ends everything in order: probing first, then what is still to be said and written.
    async fn end(&mut self) {
        self.manager.stopping();
        let _ = self.ends.send(true);
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

fn modules(config: &WatchConfig) -> Result<Modules, String> {
    let Some(path) = &config.probe.modules else { return Ok(Modules::usual()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let modules = Modules::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    for (name, reason) in modules.refused() {
        warn!("{}: the module {name} is left out: {reason}", path.display());
    }
    Ok(modules)
}

fn print_text(text: &str) {
    use std::io::Write;
    // Nobody reads it where the reader has gone.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
