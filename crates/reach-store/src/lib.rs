//! # reach-store
//!
//! The memory of `reach watch`: one SQLite file with compact results, roll-ups, incidents and an outbox.
//!
//! ## Life
//!
//! [`open`] takes the lock of the file, brings its format up to date, and gives three things: a [`Writer`], a
//! [`Reader`], and what was [`Recovered`]. Whoever watches hands in [`Batch`]es; the writer's own thread
//! writes them in groups and tells how far it is ([`Writer::on_commit`]). Readers have connections of their
//! own that cannot write, also in other processes, while the watch runs or not ([`Reader::open`]).
//!
//! Results go a long way. In memory for [`StoreOptions::flush_every`]; then in pages as they came, a few
//! seconds of sixteen targets in each; once there are enough, merged into pages in which each address has a
//! long run ([`codec::page`]); after ten minutes and after an hour, summed up ([`codec::roll`]); at last
//! deleted, the oldest first.
//!
//! ## What always holds
//!
//! * **To hand in never waits** for the disk. What waits is bounded: results beyond
//!   [`StoreOptions::most_waiting`] are lost and counted; of incidents, rows of the outbox and silences the
//!   latest state waits; transitions wait as they are. A stuck disk is tried again, every five seconds at
//!   least, and [`Writer::status`] says since when and why. On a full one what is new takes the place of the
//!   oldest results.
//! * **A batch is written whole**, but for its results. A row of the outbox and the incident that it tells of
//!   are in one transaction, and what was acknowledged is there after kill -9 *and* after a power cut
//!   (`synchronous=FULL`). Nobody should be told anything that was not acknowledged.
//! * **Results may be lost**: to kill -9 those of the last ten seconds, to a power cut those of the time
//!   since the last acknowledged change or checkpoint (`synchronous=NORMAL`). The file itself is damaged by
//!   neither.
//! * **No id is given twice**, not even those of rows that were deleted.
//! * **Everything is bounded**: the file by its budget, steps of tidying to one short transaction each, so
//!   that a change never waits for a long one.
//! * **Bytes are not trusted.** Pages have checksums, and what decodes them is total; a page that cannot be
//!   read is counted and put aside.
//!
//! ## How exact
//!
//! Times of results are kept in milliseconds, durations to 0.5 % (half a microsecond below 100 µs). Quantiles
//! of roll-ups are within 2.6 % of a duration that occurred.
//!
//! ## Deliberately absent
//!
//! Any opinion on what is stored, words for people, formats for export, and a clock: now is what the last
//! batch said.

#![forbid(unsafe_code)]

use std::{
    fs::{self, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

mod batch;
mod body;
pub mod codec;
mod engine;
mod error;
mod lock;
mod options;
mod peer;
mod read;
mod recover;
mod schema;
mod write;

pub use batch::{AuditEntry, Batch, Note};
pub use error::Error;
pub use options::StoreOptions;
pub use read::{
    Bucket, Counts, Evidence, History, IncidentFilter, IncidentRecord, Reader, Results, Span, StoreSize,
    Transitions,
};
pub use recover::{NextIds, Recovered};
pub use write::{Committed, Ticket, Writer};

use crate::{engine::Engine, lock::Lock};

/// Opens a store for writing, and creates it where there is none: readable and writable by its owner only.
pub fn open(path: &Path, options: StoreOptions) -> Result<(Writer, Reader, Recovered), Error> {
    schema::check_sqlite()?;
    let options = options.sane();
    create(path)?;
    // SQLite knows the file by its canonical name; the lock has to.
    let path = &fs::canonicalize(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    let lock = Lock::take(path)?;
    schema::inspect(path)?;
    let mut connection = engine::connect(path, &options)?;
    schema::prepare(&mut connection, path)?;
    drop(connection);
    let engine = Engine::open(path, &options)?;
    let begin = || {
        let recovered = recover::recover(engine.connection())?;
        engine.note_stopped(false)?;
        Ok(recovered)
    };
    let recovered = begin().map_err(|error| schema::failure(path, error))?;
    let reader = Reader::open(path)?;
    let writer = Writer::start(path, options, engine, lock)?;
    Ok((writer, reader, recovered))
}

/// Creates the file where there is none. One that is there is not opened: to close it again would let go of
/// the locks that SQLite has on it in this process.
fn create(path: &Path) -> Result<(), Error> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}
