//! Databases, asked which of their statements are slow: by sessions that only read, one for each database, that give up
//! soon and come back later.
//!
//! Rows become signals in `reach_signal::sql`, where the literals go. Nothing of a statement is logged.

mod mysql;
mod postgres;
pub mod settings;
mod tls;

use std::{
    io,
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use reach_core::{
    Time,
    signal::{Origin, Signal, Word},
};
use reach_net::drive::Clock;
use reach_signal::sql::{
    normal::Dialect,
    statements::{self, Counted, Digests, Running, Slow},
};
use tokio::{runtime, sync::Notify, task::JoinSet};

use self::settings::{SqlKind, SqlSettings};

/// How long a database has to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait after the first failure; twice as long after each further one.
const FIRST_REST: Duration = Duration::from_secs(5);
/// At the longest.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// What a database showed.
#[derive(Debug, Default)]
struct View {
    /// What runs and is slow.
    running: Vec<Running>,
    /// What it counted, if it counts.
    counted: Option<Vec<Counted>>,
    /// Connections in use and how many there may be.
    connections: Option<(u64, u64)>,
    /// It hides the statements of others from us.
    blind: bool,
}

enum Session {
    Postgres(Box<postgres::Session>),
    Mysql(Box<mysql::Session>),
}

impl Session {
    async fn open(settings: &SqlSettings) -> Result<Self, String> {
        match settings.kind {
            SqlKind::Postgres => {
                Ok(Self::Postgres(Box::new(in_time(postgres::Session::open(settings)).await?)))
            }
            SqlKind::Mysql => Ok(Self::Mysql(Box::new(in_time(mysql::Session::open(settings)).await?))),
        }
    }

    async fn look(&mut self, slow: Duration) -> Result<View, String> {
        match self {
            Session::Postgres(session) => in_time(session.look(slow)).await,
            Session::Mysql(session) => in_time(session.look(slow)).await,
        }
    }
}

/// Something else may listen there, or a server may hang: nobody waits for that.
async fn in_time<T>(answer: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err("it does not answer".to_owned()))
}

/// Asks one database.
pub struct SqlReader {
    settings: SqlSettings,
    origin: Origin,
    session: Option<Session>,
    slow: Slow,
    digests: Digests,
    /// Whether it answered when it was asked last; `None` before that.
    alive: Option<bool>,
    blind: bool,
    rest: Duration,
}

impl SqlReader {
    /// Nothing has been asked yet.
    pub fn new(settings: SqlSettings) -> Self {
        let dialect = match settings.kind {
            SqlKind::Postgres => Dialect::Postgres,
            SqlKind::Mysql => Dialect::Mysql,
        };
        Self {
            origin: Origin { source: settings.name.clone(), ..Origin::default() },
            session: None,
            slow: Slow::new(dialect, settings.slow),
            digests: Digests::new(dialect, settings.slow),
            alive: None,
            blind: false,
            rest: FIRST_REST,
            settings,
        }
    }

    /// Asks once. `clock` tells when the answer came. Beside the signals stands why the database could not be asked, if
    /// so, without any password; that it does not answer is among the signals too, the first time.
    pub async fn read(&mut self, clock: impl Fn() -> Time) -> (Vec<Signal>, Result<(), String>) {
        let mut signals = Vec::new();
        let view = self.view().await;
        let now = clock();
        let mut said = |word| signals.push(Signal { at: now, origin: self.origin.clone(), word });
        let alive = view.is_ok();
        // That it is there when it is asked first is no news.
        if self.alive.unwrap_or(true) != alive {
            said(Word::Presence { thing: self.settings.name.clone(), alive });
        }
        self.alive = Some(alive);
        let view = match view {
            Ok(view) => view,
            Err(error) => return (signals, Err(error)),
        };
        if view.blind && !self.blind {
            said(Word::Lost { what: "statements".to_owned(), count: 1 });
        }
        self.blind = view.blind;
        let level = view
            .connections
            .and_then(|(used, most)| statements::connections(&self.settings.name, used, most));
        level.into_iter().for_each(|level| said(Word::Level(level)));
        signals.extend(self.slow.look(now, &self.origin, &view.running));
        if let Some(counted) = &view.counted {
            signals.extend(self.digests.look(now, &self.origin, counted));
        }
        (signals, Ok(()))
    }

    /// How long to wait until the database is asked again.
    pub fn rest(&mut self) -> Duration {
        if self.session.is_some() {
            self.rest = FIRST_REST;
            return self.settings.every;
        }
        let rest = self.rest.max(self.settings.every);
        self.rest = (self.rest * 2).min(LONGEST_REST);
        rest
    }

    async fn view(&mut self) -> Result<View, String> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => Session::open(&self.settings).await?,
        };
        let view = session.look(self.settings.slow).await?;
        // One that failed is not used again.
        self.session = Some(session);
        Ok(view)
    }
}

/// Asks databases on a thread of its own until it is dropped.
#[derive(Debug)]
pub struct SqlWatch {
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl SqlWatch {
    /// Starts. What is learned is sent; where nobody takes it fast enough it is left out, and the next that is taken says
    /// how many signals were lost.
    pub fn start(
        databases: Vec<SqlSettings>,
        clock: Clock,
        heard: SyncSender<Vec<Signal>>,
    ) -> io::Result<Self> {
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name("reach-sql".to_owned()).spawn(move || {
            runtime.block_on(async {
                let mut all = JoinSet::new();
                for settings in databases {
                    all.spawn(follow(SqlReader::new(settings), clock, heard.clone()));
                }
                stopped.notified().await;
            });
            // A look-up of the system must not hold up the end.
            runtime.shutdown_background();
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for SqlWatch {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn follow(mut reader: SqlReader, clock: Clock, heard: SyncSender<Vec<Signal>>) {
    let mut lost = 0;
    let mut last_error = None;
    loop {
        let (mut signals, result) = reader.read(|| clock.now()).await;
        let error = result.err();
        if error.is_some() && error != last_error {
            let shown = crate::output::shown(error.as_deref().unwrap_or_default());
            tracing::warn!(database = %reader.settings.name, "cannot be asked: {shown}");
        }
        last_error = error;
        if lost > 0 {
            let word = Word::Lost { what: "signals".to_owned(), count: lost };
            signals.push(Signal { at: clock.now(), origin: reader.origin.clone(), word });
        }
        if !signals.is_empty() {
            match heard.try_send(signals) {
                Ok(()) => lost = 0,
                Err(TrySendError::Full(signals)) => lost += signals.len() as u64 - u64::from(lost > 0),
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
        tokio::time::sleep(reader.rest()).await;
    }
}
