//! Logs as they grow: files, the journal, standard input. What is in them is understood by `reach_signal::log`; here
//! are the files.
//!
//! * [`follow`] decides which file to read from where, without opening any;
//! * [`LogSource`] does it, turn by turn, and gives [`Signal`]s;
//! * [`spawn`] runs a source on a thread of its own, and waits for whoever takes the signals: what nobody takes is not
//!   read.

mod files;
pub mod follow;
mod journal;
mod kept;
mod look;
mod packed;
mod stream;
pub mod sums;
mod waker;

use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reach_core::{Time, signal::Signal};
use reach_signal::log::{LogPlan, Tally, Understanding};

use self::{files::Files, journal::Following, stream::Stream, waker::Waker};
pub use self::{follow::Begin, journal::Journal, kept::Kept};
pub(crate) use look::is_pattern;

/// Where a log comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Files of these names or patterns (`/var/log/app/*.log`).
    Files(Vec<String>),
    /// The journal.
    Journal(Journal),
    /// Standard input.
    Stdin,
}

/// A log that is to be read.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// Where it comes from.
    pub input: Input,
    /// How to read it; its origin names the source.
    pub log: LogPlan,
    /// Where to begin when nothing is known.
    pub begin: Begin,
    /// Go on as it grows.
    pub follows: bool,
    /// Where to keep how far it was read; nowhere: each run begins anew.
    pub kept: Option<PathBuf>,
}

impl SourcePlan {
    /// The file in which a watch keeps how far a source was read.
    pub fn kept_in(state: &Path, source: &str) -> PathBuf {
        Kept::path(state, source)
    }
}

/// Something worth telling of a source, once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remark {
    /// A file or directory cannot be read.
    Unreadable {
        /// Its name.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// A file is no text.
    Binary {
        /// Its name.
        path: PathBuf,
    },
    /// No file has any of these names, so far.
    NoFiles {
        /// The names.
        patterns: Vec<String>,
    },
    /// There is no journalctl.
    NoJournal,
    /// journalctl ended.
    JournalEnded {
        /// What it said.
        said: String,
    },
    /// What an earlier run kept cannot be read: reading begins anew.
    NotKept {
        /// Its file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// More is written than is read.
    Behind {
        /// Bytes that are there and were not read.
        bytes: u64,
    },
    /// It is not behind any more.
    CaughtUp,
}

/// What a turn brought.
#[derive(Debug, Default)]
pub struct Turn {
    /// What was understood.
    pub signals: Vec<Signal>,
    /// What is worth telling, each once.
    pub remarks: Vec<Remark>,
    /// Bytes that are there and were not read yet.
    pub behind: u64,
    /// Files that are read.
    pub files: usize,
    /// There is more to read at once.
    pub has_more: bool,
    /// Nothing will come any more.
    pub has_ended: bool,
}

/// A log that is read turn by turn.
pub struct LogSource {
    input: Reading,
    waker: Waker,
    kept: Option<PathBuf>,
    told: BTreeSet<Remark>,
    follows: bool,
    /// Since when it is behind, and whether that was told.
    behind_since: Option<Time>,
    is_told_behind: bool,
}

enum Reading {
    Files(Box<Files>),
    Journal(Box<Following>),
    Stream(Box<Stream>),
}

/// More than this, for so long, is worth telling.
const FAR_BEHIND: u64 = 64 << 20;
const LONG_BEHIND: Duration = Duration::from_secs(30);
const MOST_TOLD: usize = 1_000;

impl LogSource {
    /// Opens a source; `understanding` makes failures of what applications say.
    ///
    /// # Errors
    ///
    /// If standard input cannot be had. Files that are not there yet are waited for.
    pub fn open(plan: SourcePlan, understanding: Understanding) -> io::Result<(Self, Vec<Remark>)> {
        let mut remarks = Vec::new();
        let kept = plan.kept.as_deref().and_then(|path| match Kept::load(path) {
            Ok(kept) => kept,
            Err(error) => {
                remarks.push(Remark::NotKept { path: path.to_owned(), error: error.to_string() });
                None
            }
        });
        let input = match plan.input {
            Input::Files(patterns) => {
                Reading::Files(Box::new(Files::new(patterns, plan.log, understanding, plan.begin, kept)))
            }
            Input::Journal(journal) => Reading::Journal(Box::new(Following::new(
                journal,
                plan.log,
                understanding,
                plan.begin,
                plan.follows,
                kept,
            ))),
            Input::Stdin => {
                let fd = io::stdin().as_fd().try_clone_to_owned()?;
                Reading::Stream(Box::new(Stream::new(fd, plan.log, understanding)))
            }
        };
        let source = Self {
            input,
            waker: Waker::new(),
            kept: plan.kept,
            told: BTreeSet::new(),
            follows: plan.follows,
            behind_since: None,
            is_told_behind: false,
        };
        Ok((source, remarks))
    }

    /// Reads what is there, within bounds, and says what it means.
    pub fn poll(&mut self, now: Time) -> Turn {
        let mut turn = Turn::default();
        let (signals, mut remarks) = (&mut turn.signals, Vec::new());
        match &mut self.input {
            Reading::Files(files) => {
                // Told of before it is looked at: what comes in between is told of too.
                self.waker.watch(files.directories());
                let left = files.turn(now, signals, &mut remarks);
                (turn.behind, turn.files) = (left.behind, left.files);
                turn.has_more = left.has_more;
                turn.has_ended = !self.follows && !left.has_more;
            }
            Reading::Journal(journal) => {
                turn.has_more = journal.turn(now, signals, &mut remarks);
                turn.has_ended = journal.has_ended();
            }
            Reading::Stream(stream) => {
                turn.has_more = stream.turn(now, signals, &mut remarks);
                turn.has_ended = stream.has_ended();
            }
        }
        self.note_behind(turn.behind, now, &mut remarks);
        for remark in remarks {
            let is_new = matches!(remark, Remark::Behind { .. } | Remark::CaughtUp)
                || (self.told.len() < MOST_TOLD && self.told.insert(remark.clone()));
            if is_new {
                turn.remarks.push(remark);
            }
        }
        turn
    }

    /// Waits until there may be something to read, and no longer.
    pub fn wait(&mut self, longest: Duration) {
        let other: Option<BorrowedFd<'_>> = match &self.input {
            Reading::Files(_) => None,
            Reading::Journal(journal) => journal.fd(),
            Reading::Stream(stream) => stream.fd(),
        };
        self.waker.wait(other, longest);
    }

    /// Writes down how far it was read. What was given must be safe by then: it is not read again.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn keep(&mut self) -> io::Result<()> {
        let Some(path) = &self.kept else { return Ok(()) };
        match &mut self.input {
            Reading::Files(files) => files.keep().save(path),
            Reading::Journal(journal) => journal.keep().save(path),
            Reading::Stream(_) => Ok(()),
        }
    }

    /// Reads no more, and gives what is understood so far. Then [`keep`](Self::keep) makes the next run begin here, with
    /// nothing missing and nothing twice.
    pub fn stop(&mut self, now: Time) -> Vec<Signal> {
        let mut signals = Vec::new();
        match &mut self.input {
            Reading::Files(files) => files.stop(now, !self.follows, &mut signals),
            Reading::Journal(journal) => journal.stop(now, &mut signals),
            Reading::Stream(stream) => stream.stop(now, &mut signals),
        }
        signals
    }

    /// What was read so far.
    pub fn tally(&self) -> Tally {
        match &self.input {
            Reading::Files(files) => files.tally(),
            Reading::Journal(journal) => journal.tally(),
            Reading::Stream(stream) => stream.tally(),
        }
    }

    fn note_behind(&mut self, behind: u64, now: Time, remarks: &mut Vec<Remark>) {
        if behind < FAR_BEHIND {
            self.behind_since = None;
            if std::mem::take(&mut self.is_told_behind) {
                remarks.push(Remark::CaughtUp);
            }
            return;
        }
        let since = *self.behind_since.get_or_insert(now);
        if now.since(since) >= LONG_BEHIND && !self.is_told_behind {
            self.is_told_behind = true;
            remarks.push(Remark::Behind { bytes: behind });
        }
    }
}

/// What a source on its own thread tells.
#[derive(Debug)]
pub enum Told {
    /// What was understood.
    Signals(Vec<Signal>),
    /// Something worth telling.
    Remark(Remark),
    /// How far it is behind, in bytes, when that changes.
    Behind(u64),
    /// There were lines, though nothing in them was worth a signal. Said now and then.
    Grew,
}

/// A source on a thread of its own.
pub struct Running {
    /// What it tells. Whoever takes it late makes it wait, not forget.
    pub told: Receiver<Told>,
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// So many batches of signals wait for whoever takes them.
const WAITING: usize = 64;
/// How often it is written down how far a source was read.
const KEEP_EVERY: Duration = Duration::from_secs(5);
/// How often it is said of a log that it grows.
const GREW_EVERY: Duration = Duration::from_secs(10);

/// Runs a source on a thread of its own until it ends or [`Running::stop`] is called.
///
/// # Errors
///
/// If it cannot be opened, or there is no thread to be had.
pub fn spawn(plan: SourcePlan, understanding: Understanding) -> io::Result<Running> {
    let (mut source, remarks) = LogSource::open(plan, understanding)?;
    let (sender, told) = sync_channel(WAITING);
    let stops = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stops);
    let thread = thread::Builder::new().name("log".to_owned()).spawn(move || {
        let all_told = remarks.into_iter().all(|remark| give(&sender, Told::Remark(remark), &stopping));
        if all_told {
            run(&mut source, &sender, &stopping);
        }
    })?;
    Ok(Running { told, stops, thread: Some(thread) })
}

fn run(source: &mut LogSource, sender: &SyncSender<Told>, stops: &AtomicBool) {
    const PATIENCE: Duration = Duration::from_millis(250);
    let mut kept_at = wall_clock();
    let mut behind = 0;
    let (mut told_at, mut told_lines) = (wall_clock(), 0);
    loop {
        let now = wall_clock();
        let turn = source.poll(now);
        for remark in turn.remarks {
            if !give(sender, Told::Remark(remark), stops) {
                return;
            }
        }
        if !turn.signals.is_empty() {
            told_at = now;
            if !give(sender, Told::Signals(turn.signals), stops) {
                return;
            }
        } else if now.since(told_at) >= GREW_EVERY {
            let lines = source.tally().lines;
            told_at = now;
            if std::mem::replace(&mut told_lines, lines) != lines {
                // It is said again before long.
                let _ = sender.try_send(Told::Grew);
            }
        }
        if turn.behind != behind {
            behind = turn.behind;
            // It is told again with the next change.
            let _ = sender.try_send(Told::Behind(behind));
        }
        if turn.has_ended || stops.load(Ordering::Relaxed) {
            break;
        }
        if now.since(kept_at) >= KEEP_EVERY {
            kept_at = now;
            tell_of_keeping(source.keep(), source, sender);
        }
        if !turn.has_more {
            source.wait(PATIENCE);
        }
    }
    let rest = source.stop(wall_clock());
    if rest.is_empty() || sender.send(Told::Signals(rest)).is_ok() {
        tell_of_keeping(source.keep(), source, sender);
    }
}

fn tell_of_keeping(kept: io::Result<()>, source: &mut LogSource, sender: &SyncSender<Told>) {
    if let (Err(error), Some(path)) = (kept, &source.kept) {
        let remark = Remark::Unreadable { path: path.clone(), error: error.to_string() };
        if source.told.insert(remark.clone()) {
            let _ = sender.try_send(Told::Remark(remark));
        }
    }
}

/// Waits until it is taken; `false` where nobody takes it any more.
fn give(sender: &SyncSender<Told>, mut told: Told, stops: &AtomicBool) -> bool {
    const AGAIN: Duration = Duration::from_millis(20);
    loop {
        match sender.try_send(told) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            // Who is told to stop does not wait: what was not taken is read again.
            Err(TrySendError::Full(_)) if stops.load(Ordering::Relaxed) => return false,
            Err(TrySendError::Full(back)) => {
                told = back;
                thread::sleep(AGAIN);
            }
        }
    }
}

impl Running {
    /// Asks it to stop. What it still gives has to be taken.
    pub fn stop(&self) {
        self.stops.store(true, Ordering::Relaxed);
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        // Nobody takes anything any more, so it cannot wait for that.
        let (_, nobody) = sync_channel(1);
        self.told = nobody;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The wall clock: logs and files have it too.
pub fn wall_clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

fn added(one: Tally, other: Tally) -> Tally {
    Tally {
        lines: one.lines + other.lines,
        records: one.records + other.records,
        requests: one.requests + other.requests,
        failures: one.failures + other.failures,
        ignored: one.ignored + other.ignored,
        unread: one.unread + other.unread,
        cut: one.cut + other.cut,
    }
}

#[cfg(test)]
mod tests;
