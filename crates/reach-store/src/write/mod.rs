//! The writer: hands in without waiting, and a thread that writes.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use reach_core::{
    Time,
    watch::{RowId, StoreStatus},
};

use crate::{
    Batch, Error, StoreOptions,
    batch::{Lost, Pending},
    engine::Engine,
    lock::Lock,
};

mod thread_loop;

/// Names a batch that was handed in. Later ones are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What has been written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// All of this batch and of those before, but for results, which follow ([`StoreOptions::flush_every`]).
    pub through: Ticket,
    /// Rows of the outbox that were not written, because another row takes the same notice to the same
    /// channel. They must not be delivered.
    pub refused: Vec<RowId>,
}

/// Hands in what has to be remembered.
///
/// Dropped, it writes what waits and ends, but gives a stuck disk no more than two seconds.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How long a disk may take for one transaction before it is called stuck.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long the end waits for the disk, where nobody says.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

impl Writer {
    pub(crate) fn start(
        path: &Path,
        options: StoreOptions,
        engine: Engine,
        lock: Lock,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared::new(options));
        shared.report(&engine);
        let name = path.to_owned();
        let for_thread = Arc::clone(&shared);
        let run = move || thread_loop::run(&for_thread, &name, engine, lock);
        let thread = thread::Builder::new().name("reach-store".to_owned()).spawn(run);
        let thread = thread.map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Hands a batch in. Never waits for the disk.
    pub fn submit(&self, batch: Batch) -> Ticket {
        let mut inbox = lock(&self.shared.inbox);
        inbox.urgent |= batch.urgent;
        inbox.pending.add(batch, self.shared.options.most_waiting);
        inbox.ticket.0 += 1;
        let now = Instant::now();
        let first = inbox.arrived.is_none() && inbox.pending.has_changes();
        if first {
            inbox.arrived = Some(now);
        }
        if first || inbox.is_due(now) || inbox.is_crowded(self.shared.options.most_waiting) {
            self.shared.wake.notify_one();
        }
        inbox.ticket
    }

    /// How far the writer is.
    pub fn committed(&self) -> Ticket {
        lock(&self.shared.state).committed
    }

    /// Calls `listener` from the writer's thread after each transaction, from now on. It must not take long.
    pub fn on_commit(&self, listener: impl FnMut(&Committed) + Send + 'static) {
        *lock(&self.shared.listener) = Some(Box::new(listener));
    }

    /// Waits until a batch has been written, but not longer than `patience`. Says whether it was.
    pub fn wait(&self, ticket: Ticket, patience: Duration) -> bool {
        self.shared.wait(patience, |state| state.committed >= ticket)
    }

    /// Writes everything that was handed in, results too, and waits for it, but not longer than `patience`.
    /// Says whether it was written.
    pub fn flush(&self, patience: Duration) -> bool {
        let wanted = {
            let mut inbox = lock(&self.shared.inbox);
            inbox.flush += 1;
            inbox.flush
        };
        self.shared.wake.notify_one();
        self.shared.wait(patience, |state| state.flushed >= wanted)
    }

    /// How it is.
    pub fn status(&self) -> StoreStatus {
        self.shared.status()
    }

    /// Writes everything and ends. Says whether all was written; where it was not within `patience`, the rest
    /// is lost with the process.
    pub fn close(mut self, patience: Duration) -> bool {
        self.end(patience)
    }

    fn end(&mut self, patience: Duration) -> bool {
        let Some(thread) = self.thread.take() else { return true };
        lock(&self.shared.inbox).stop = true;
        self.shared.wake.notify_one();
        let ended = self.shared.wait(patience, |state| state.ended);
        if ended {
            // Nothing panics behind the point at which it says so.
            let _ = thread.join();
        }
        ended && lock(&self.shared.state).failing_since.is_none()
    }

    /// The file takes no more pages than this from now on; `None` for as many as there is room for.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: Option<u32>) {
        lock(&self.shared.inbox).page_limit = Some(pages.unwrap_or(u32::MAX - 1));
    }

    /// The thread panics in its next transaction.
    #[cfg(test)]
    pub(crate) fn panic_once(&self) {
        lock(&self.shared.inbox).panic = true;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end(LAST_PATIENCE);
    }
}

type Listener = Box<dyn FnMut(&Committed) + Send>;

/// What both sides know.
struct Shared {
    options: StoreOptions,
    inbox: Mutex<Inbox>,
    wake: Condvar,
    state: Mutex<State>,
    changed: Condvar,
    listener: Mutex<Option<Listener>>,
}

/// What was handed in.
#[derive(Default)]
struct Inbox {
    pending: Pending,
    ticket: Ticket,
    /// When the first of the changes that wait came.
    arrived: Option<Instant>,
    urgent: bool,
    /// Counts the wishes to have results written at once.
    flush: u64,
    stop: bool,
    #[cfg(test)]
    page_limit: Option<u32>,
    #[cfg(test)]
    panic: bool,
}

/// How far the thread is.
#[derive(Default)]
struct State {
    committed: Ticket,
    flushed: u64,
    /// Since when a transaction is under way, and the time that was told then.
    busy: Option<(Instant, Time)>,
    failing_since: Option<Time>,
    trouble: Option<String>,
    lost: Lost,
    bytes: u64,
    samples: u64,
    unreadable: u64,
    ended: bool,
}

/// Changes wait so long for others to be written with…
const COLLECT_FOR: Duration = Duration::from_millis(200);
/// … or for so many.
const COLLECT: usize = 1_000;

impl State {
    fn measure(&mut self, engine: &Engine) {
        (self.bytes, self.samples) = (engine.bytes(), engine.samples());
        self.unreadable = engine.unreadable();
    }
}

impl Inbox {
    /// Whether so many results wait that some may soon be lost.
    fn is_crowded(&self, most: usize) -> bool {
        self.pending.results() >= most.div_ceil(2)
    }

    /// Whether what waits should be written now.
    fn is_due(&self, now: Instant) -> bool {
        let changes = self.pending.changes();
        let old = || self.arrived.is_some_and(|arrived| now.duration_since(arrived) >= COLLECT_FOR);
        self.urgent || changes >= COLLECT || (changes > 0 && old())
    }
}

impl Shared {
    fn new(options: StoreOptions) -> Self {
        Self {
            options,
            inbox: Mutex::default(),
            wake: Condvar::new(),
            state: Mutex::default(),
            changed: Condvar::new(),
            listener: Mutex::default(),
        }
    }

    fn wait(&self, patience: Duration, done: impl Fn(&State) -> bool) -> bool {
        let state = lock(&self.state);
        let waited = self.changed.wait_timeout_while(state, patience, |state| !done(state) && !state.ended);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        done(&state)
    }

    fn report(&self, engine: &Engine) {
        lock(&self.state).measure(engine);
    }

    fn status(&self) -> StoreStatus {
        let waiting = lock(&self.inbox).pending.lost;
        let state = lock(&self.state);
        let mut lost = state.lost;
        lost.add(waiting);
        let slow = state.busy.filter(|(since, _)| since.elapsed() >= PATIENCE).map(|(_, at)| at);
        let slow_too = slow.map(|_| "a transaction does not come to its end".to_owned());
        StoreStatus {
            bytes: state.bytes,
            samples: state.samples,
            lost_samples: lost.samples,
            stuck_since: state.failing_since.or(slow),
            trouble: state.trouble.clone().or(slow_too).or_else(|| losses(lost, state.unreadable)),
        }
    }
}

fn losses(lost: Lost, unreadable: u64) -> Option<String> {
    let mut said = Vec::new();
    for (count, what) in [
        (lost.changes, "changes lost, because too many waited"),
        (lost.examinations, "surveys lost, because too many waited"),
        (unreadable, "pages of results that cannot be read"),
    ] {
        if count > 0 {
            said.push(format!("{count} {what}"));
        }
    }
    (!said.is_empty()).then(|| said.join("; "))
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// A panic elsewhere leaves counters and lists as they are: whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work`; a panic is an error like others.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("a fault in reach itself".to_owned()))
}

#[cfg(test)]
mod tests;
