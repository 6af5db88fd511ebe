//! Reads, over connections that cannot write: in the process that watches or in any other, while it watches
//! or not.
//!
//! Every question is one short transaction, however much it gives: a reader that kept an old state in use
//! would make the log grow. So what streams is read in pieces, each consistent in itself.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reach_core::{Time, watch::TargetId};
use rusqlite::{Connection, OpenFlags, backup::Backup};

use crate::{
    Error,
    lock::beside,
    peer::{Peer, unsigned},
    schema::{self, failure},
};

mod history;
mod incidents;
mod results;

pub use history::{Bucket, Counts, History};
pub use incidents::{Evidence, IncidentFilter, IncidentRecord, Transitions};
pub use results::Results;

/// From here (included) to there (not included).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From here…
    pub from: Time,
    /// …to there.
    pub until: Time,
}

impl Span {
    /// All the time there is.
    pub const ALL: Self = Self { from: Time::from_micros(0), until: Time::from_micros(i64::MAX as u64) };
}

/// What a store takes and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// The size of the file, in bytes.
    pub file_bytes: u64,
    /// The size of its log, in bytes.
    pub log_bytes: u64,
    /// Single results.
    pub results: u64,
    /// Of the oldest of them.
    pub oldest_result: Option<Time>,
    /// Pages of results that cannot be read.
    pub unreadable_pages: u64,
    /// Transitions.
    pub transitions: u64,
    /// Incidents.
    pub incidents: u64,
    /// Surveys kept as evidence.
    pub examinations: u64,
}

/// Reads a store. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Reader {
    path: PathBuf,
    /// Those that nobody uses at the moment.
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// Connections that are kept for the next question.
const MOST_IDLE: usize = 4;
/// How long a reader waits for a lock. In WAL mode only recovery after a crash takes one.
const BUSY: Duration = Duration::from_secs(5);

impl Reader {
    /// Opens a store for reading.
    pub fn open(path: &Path) -> Result<Self, Error> {
        schema::check_sqlite()?;
        if !path.exists() {
            return Err(Error::Missing { path: path.to_owned() });
        }
        let reader = Self { path: path.to_owned(), idle: Arc::default() };
        let connection = reader.connect()?;
        schema::verify(&connection, path)?;
        reader.keep(connection);
        Ok(reader)
    }

    /// Every target that was ever watched.
    pub fn targets(&self) -> Result<BTreeMap<TargetId, String>, Error> {
        self.ask(|connection| {
            let mut rows = connection.prepare_cached("SELECT id, target FROM targets")?;
            let rows = rows.query_map([], |row| Ok((TargetId(row.get(0)?), row.get(1)?)))?;
            rows.collect()
        })
    }

    /// What the store takes and holds.
    pub fn size(&self) -> Result<StoreSize, Error> {
        let bytes = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        self.ask(|connection| {
            let count = |question: &str| connection.query_row(question, [], |row| row.get(0).map(unsigned));
            let oldest = "SELECT min(start) FROM pages WHERE level < 9";
            let oldest: Option<i64> = connection.query_row(oldest, [], |row| row.get(0))?;
            Ok(StoreSize {
                file_bytes: bytes(&self.path),
                log_bytes: bytes(&beside(&self.path, "-wal")),
                results: count("SELECT coalesce(sum(results), 0) FROM pages WHERE level < 9")?,
                oldest_result: oldest.map(|start| Time::from_micros(unsigned(start).saturating_mul(1_000))),
                unreadable_pages: count("SELECT count(*) FROM pages WHERE level = 9")?,
                transitions: count("SELECT count(*) FROM transitions")?,
                incidents: count("SELECT count(*) FROM incidents")?,
                examinations: count("SELECT count(*) FROM examinations")?,
            })
        })
    }

    /// Writes a consistent copy, in one file, readable by its owner only.
    pub fn backup(&self, to: &Path) -> Result<(), Error> {
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
        created.map_err(|source| match source.kind() {
            std::io::ErrorKind::AlreadyExists => Error::Exists { path: to.to_owned() },
            _ => Error::Io { path: to.to_owned(), source },
        })?;
        let copy = |from: &Connection| {
            let mut copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            // All at once: in WAL mode nobody waits for it, and a step at a time would begin anew with each
            // write.
            Backup::new(from, &mut copy)?.step(-1)?;
            copy.pragma_update(None, "journal_mode", "DELETE")
        };
        let copied = self.ask(copy);
        if copied.is_err() {
            // What is there is no copy.
            let _ = fs::remove_file(to);
        }
        copied
    }

    /// What is wrong with the file, as SQLite tells it: nothing, as a rule. Reads all of it.
    pub fn check(&self) -> Result<Vec<String>, Error> {
        self.ask(|connection| {
            let mut rows = connection.prepare("PRAGMA integrity_check")?;
            let rows = rows.query_map([], |row| row.get::<_, String>(0))?;
            let said: Vec<String> = rows.collect::<Result<_, _>>()?;
            Ok(if said == ["ok"] { Vec::new() } else { said })
        })
    }

    /// Asks the file something, in one transaction.
    fn ask<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| self.connect(), Ok)?;
        let answer = connection.unchecked_transaction().and_then(|transaction| {
            let answer = question(&transaction);
            transaction.finish()?;
            answer
        });
        match answer {
            Ok(answer) => {
                self.keep(connection);
                Ok(answer)
            }
            Err(error) => Err(failure(&self.path, error)),
        }
    }

    fn connect(&self) -> Result<Connection, Error> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "query_only", true)?;
            connection.pragma_update(None, "trusted_schema", false)?;
            Ok(connection)
        };
        open().map_err(|error| failure(&self.path, error))
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }
}

/// The addresses and resolvers of a target, or of all, by their numbers.
fn peers(connection: &Connection, target: Option<TargetId>) -> rusqlite::Result<BTreeMap<u32, Peer>> {
    let mut rows =
        connection.prepare_cached("SELECT id, peer FROM series WHERE ?1 IS NULL OR target = ?1")?;
    let mut rows = rows.query([target.map(|target| target.0)])?;
    let mut peers = BTreeMap::new();
    while let Some(row) = rows.next()? {
        if let Some(peer) = Peer::parse(row.get_ref(1)?.as_str()?) {
            peers.insert(row.get(0)?, peer);
        }
    }
    Ok(peers)
}
