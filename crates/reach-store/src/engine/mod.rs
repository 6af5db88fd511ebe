//! The one connection that writes, and what it knows of the file without asking.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use reach_core::Time;
use rusqlite::{Connection, OpenFlags};

use crate::{
    Error, StoreOptions,
    peer::{Peer, signed, unsigned},
    schema::failure,
};

mod changes;
mod results;
mod retain;
mod rolling;

pub(crate) use changes::{NEXT_INCIDENT, NEXT_ROW, NEXT_SILENCE, NEXT_TARGET, STOPPED, WATCHED};
pub(crate) use rolling::{HOUR_S, TEN_MINUTES_S};

/// Targets whose results share pages: those of one `shard`. Few enough that a question about one target reads
/// little of others, enough that a page is filled in reasonable time.
pub(crate) const fn shard(target: u32) -> u32 {
    target >> 4
}

/// The one connection that writes.
pub(crate) struct Engine {
    path: PathBuf,
    options: StoreOptions,
    connection: Connection,
    /// The numbers of addresses and resolvers.
    series: BTreeMap<(u32, Peer), u32>,
    next_series: u32,
    /// Shards that have something.
    shards: BTreeSet<u32>,
    /// Results not merged yet, by shard.
    tails: BTreeMap<u32, Tail>,
    /// How far roll-ups are, by length of the period and shard.
    rolled: BTreeMap<(u32, u32), u64>,
    /// Shards without anything to roll up before this period.
    idle: BTreeMap<u32, u64>,
    /// Pages of roll-ups not merged yet, by length of the period and shard.
    unmerged: BTreeMap<(u32, u32), u32>,
    /// Every result before it is in the file.
    flushed: Time,
    /// Too large: deletes until there is some room.
    trimming: bool,
    /// Results in the file.
    samples: u64,
    /// What cannot be read.
    unreadable: u64,
    /// When the next look for what is too old is due.
    next_retention: Time,
}

/// Results of a shard that are not merged yet.
#[derive(Clone, Copy, Debug, Default)]
struct Tail {
    rows: u32,
    results: u64,
    /// The first, in milliseconds.
    start: u64,
}

impl Engine {
    /// Connects to a file that has the current format.
    pub(crate) fn open(path: &Path, options: &StoreOptions) -> Result<Self, Error> {
        let connection = connect(path, options)?;
        Self::with(connection, path, options).map_err(|error| failure(path, error))
    }

    fn with(connection: Connection, path: &Path, options: &StoreOptions) -> rusqlite::Result<Self> {
        let mut engine = Self {
            path: path.to_owned(),
            options: options.clone(),
            series: BTreeMap::new(),
            next_series: 1,
            shards: BTreeSet::new(),
            tails: BTreeMap::new(),
            rolled: BTreeMap::new(),
            idle: BTreeMap::new(),
            unmerged: BTreeMap::new(),
            flushed: Time::default(),
            trimming: false,
            samples: 0,
            unreadable: 0,
            next_retention: Time::default(),
            connection,
        };
        engine.load()?;
        Ok(engine)
    }

    fn load(&mut self) -> rusqlite::Result<()> {
        let connection = &self.connection;
        let mut all = connection.prepare("SELECT id, target, peer FROM series")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let (id, target, text) =
                (row.get::<_, u32>(0)?, row.get(1)?, row.get_ref(2)?.as_str()?.to_owned());
            self.next_series = self.next_series.max(id.saturating_add(1));
            if let Some(peer) = Peer::parse(&text) {
                self.series.insert((target, peer), id);
            }
        }
        let tails =
            "SELECT shard, count(*), sum(results), min(start) FROM pages WHERE level = 0 GROUP BY shard";
        let mut all = connection.prepare(tails)?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let (results, start) = (unsigned(row.get(2)?), unsigned(row.get(3)?));
            self.tails.insert(row.get(0)?, Tail { rows: row.get(1)?, results, start });
        }
        let mut all = connection.prepare("SELECT shard FROM pages UNION SELECT shard FROM rolled")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            self.shards.insert(row.get(0)?);
        }
        let mut all = connection.prepare("SELECT length, shard, through FROM rolled")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            self.rolled.insert((row.get(0)?, row.get(1)?), unsigned(row.get(2)?));
        }
        let mut all = connection
            .prepare("SELECT length, shard, count(*) FROM rolls WHERE merged = 0 GROUP BY length, shard")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            self.unmerged.insert((row.get(0)?, row.get(1)?), row.get(2)?);
        }
        let sum = "SELECT coalesce(sum(results), 0), count(*) FILTER (WHERE level = 9) FROM pages";
        let sum = connection.query_row(sum, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        (self.samples, self.unreadable) = (unsigned(sum.0), unsigned(sum.1));
        Ok(())
    }

    /// One step of what is to be done now and then: merge results, roll them up, delete what is too old or
    /// too much, give room back. Each is one short transaction, so that changes never wait for long. Says
    /// whether there was something to do.
    pub(crate) fn tidy(&mut self, now: Time) -> rusqlite::Result<bool> {
        let made =
            self.roll_up().and_then(|made| Ok(made || self.merge_results(now)? || self.merge_rolls()?));
        match made {
            Ok(true) => Ok(true),
            Ok(false) => self.retain(now),
            // A disk may be full: to delete takes no room, and makes some.
            Err(error) => {
                if self.retain(now)? {
                    Ok(true)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Writes the log back into the file, as far as readers allow.
    pub(crate) fn checkpoint(&self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// Results in the file.
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// Pages that cannot be read.
    pub(crate) fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// The connection, for looking at the file before anything is written.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The file takes no more pages than this.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: u32) {
        self.connection.pragma_update(None, "max_page_count", pages).expect("a pragma");
    }
}

/// Opens the file for writing, in WAL mode.
pub(crate) fn connect(path: &Path, options: &StoreOptions) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(250))?;
        // Before the first table: afterwards it would need a VACUUM.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "journal_size_limit", signed(options.log_bytes()))?;
        connection.pragma_update(None, "wal_autocheckpoint", signed(options.log_bytes() / 2 / 4096))?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -8_000)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|error| failure(path, error))
}
