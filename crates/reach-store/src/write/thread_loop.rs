//! The thread that writes.

use std::{
    path::{Path, PathBuf},
    sync::PoisonError,
    time::{Duration, Instant},
};

use reach_core::{Time, watch::RowId};
use rusqlite::ErrorCode;

use super::{COLLECT_FOR, Committed, Shared, Ticket, caught, lock};
use crate::{batch::Pending, engine::Engine, lock::Lock};

/// How long the thread sleeps at most.
const NAP: Duration = Duration::from_secs(1);
/// From one vain attempt to the next, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// After tidying failed.
const TIDY_AGAIN: Duration = Duration::from_secs(10);

/// Writes until it is told to stop and everything is written.
pub(super) fn run(shared: &Shared, path: &Path, engine: Engine, _lock: Lock) {
    let now = Instant::now();
    let mut hand = Hand {
        shared,
        path: path.to_owned(),
        engine: Some(engine),
        now: Time::default(),
        flushed: Time::default(),
        next_flush: now + shared.options.flush_every,
        back_off: BACK_OFF.0,
        not_before: now,
        tidy_from: now,
        untidy: true,
        #[cfg(test)]
        page_limit: None,
    };
    while !hand.cycle() {}
    hand.finish();
}

struct Hand<'a> {
    shared: &'a Shared,
    path: PathBuf,
    /// `None` after something went wrong: what it knew of the file may not be so.
    engine: Option<Engine>,
    /// The latest time that was told.
    now: Time,
    /// The latest time that was written.
    flushed: Time,
    next_flush: Instant,
    back_off: Duration,
    not_before: Instant,
    tidy_from: Instant,
    /// There may be more to tidy.
    untidy: bool,
    #[cfg(test)]
    page_limit: Option<u32>,
}

/// What is written in one go.
struct Work {
    pending: Pending,
    through: Ticket,
    flush: Option<u64>,
    stop: bool,
    #[cfg(test)]
    panic: bool,
}

/// Why it could not be written.
struct Failure {
    full: bool,
    why: String,
}

impl Hand<'_> {
    /// Writes what is due, or tidies, or sleeps. Says whether everything is over.
    fn cycle(&mut self) -> bool {
        let Some(work) = self.next_work() else {
            self.tidy();
            return false;
        };
        let (flushed, stop) = (work.flush.is_some(), work.stop);
        let Err((failure, pending)) = self.write(work) else {
            self.back_off = BACK_OFF.0;
            self.untidy = true;
            // Where there is always something to write, tidying has its turn after results.
            if flushed && !stop && Instant::now() >= self.tidy_from {
                self.tidy();
            }
            return stop;
        };
        self.engine = None;
        self.not_before = Instant::now() + self.back_off;
        self.back_off = (self.back_off * 2).min(BACK_OFF.1);
        let mut inbox = lock(&self.shared.inbox);
        let newer = std::mem::replace(&mut inbox.pending, *pending);
        inbox.pending.absorb(newer, self.shared.options.most_waiting);
        inbox.arrived.get_or_insert_with(Instant::now);
        let since = inbox.pending.since.unwrap_or(self.now);
        drop(inbox);
        let mut state = lock(&self.shared.state);
        state.failing_since.get_or_insert(since);
        state.trouble = Some(failure.why);
        false
    }

    /// Waits for something to write; `None` where there is time to tidy.
    fn next_work(&mut self) -> Option<Work> {
        let mut inbox = lock(&self.shared.inbox);
        loop {
            let now = Instant::now();
            #[cfg(test)]
            if let Some(limit) = inbox.page_limit.take() {
                self.page_limit = Some(limit);
                self.engine = None;
            }
            let wished = inbox.flush > lock(&self.shared.state).flushed;
            // A new time alone is worth writing: until then was watched.
            let unwritten = !inbox.pending.is_empty() || inbox.pending.at > self.flushed;
            let most = self.shared.options.most_waiting;
            let flush_due = (now >= self.next_flush || inbox.is_crowded(most)) && unwritten;
            let due = inbox.stop || wished || flush_due || inbox.is_due(now);
            if due && now >= self.not_before {
                let flush = (inbox.stop || wished || flush_due).then_some(inbox.flush);
                if flush.is_some() {
                    self.next_flush = now + self.shared.options.flush_every;
                }
                inbox.urgent = false;
                inbox.arrived = None;
                // What is lost stays so, whatever becomes of the rest.
                lock(&self.shared.state).lost.add(std::mem::take(&mut inbox.pending.lost));
                let pending = match flush {
                    Some(_) => std::mem::take(&mut inbox.pending),
                    None => inbox.pending.take_changes(),
                };
                self.now = self.now.max(pending.at);
                return Some(Work {
                    pending,
                    through: inbox.ticket,
                    flush,
                    stop: inbox.stop,
                    #[cfg(test)]
                    panic: std::mem::take(&mut inbox.panic),
                });
            }
            if !due && inbox.pending.changes() == 0 && inbox.pending.remembered.is_empty() {
                self.now = self.now.max(inbox.pending.at);
                let through = inbox.ticket;
                if through > lock(&self.shared.state).committed {
                    // Whoever listens may hand something in.
                    drop(inbox);
                    self.acknowledge(through, Vec::new());
                    inbox = lock(&self.shared.inbox);
                    continue;
                }
            }
            if self.untidy && !due && now >= self.tidy_from && now >= self.not_before {
                return None;
            }
            let mut nap = if due { self.not_before.saturating_duration_since(now) } else { NAP };
            if let Some(arrived) = inbox.arrived.filter(|_| !due) {
                nap = nap.min((arrived + COLLECT_FOR).saturating_duration_since(now));
            }
            if unwritten && !due {
                nap = nap.min(self.next_flush.saturating_duration_since(now));
            }
            let nap = nap.clamp(Duration::from_millis(1), NAP);
            let woken = self.shared.wake.wait_timeout(inbox, nap);
            inbox = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Writes; gives back what could not be written.
    fn write(&mut self, work: Work) -> Result<(), (Failure, Box<Pending>)> {
        let Work { mut pending, through, flush, .. } = work;
        lock(&self.shared.state).busy = Some((Instant::now(), self.now));
        #[cfg(test)]
        let mut panic = work.panic;
        let has_rows = pending.has_changes() || !pending.remembered.is_empty();
        let mut written = if has_rows {
            let mut changes = |engine: &mut Engine, pending: &Pending| {
                #[cfg(test)]
                assert!(!std::mem::take(&mut panic), "as the test wants it");
                engine.write_changes(pending)
            };
            self.attempt_with_room(&pending, pending.has_changes(), &mut changes)
        } else {
            Ok(Vec::new())
        };
        if let Ok(refused) = &mut written {
            pending.clear_changes();
            self.acknowledge(through, std::mem::take(refused));
            if flush.is_some() {
                written = self.attempt_with_room(&pending, false, &mut |engine, pending| {
                    engine.write_results(pending).map(|()| Vec::new())
                });
            }
        }
        let mut state = lock(&self.shared.state);
        state.busy = None;
        match written {
            Ok(_) => {
                state.failing_since = None;
                state.trouble = None;
                if let Some(flush) = flush {
                    state.flushed = flush;
                    self.flushed = pending.at;
                }
                // Whoever waits for the flush sees the sizes that it made.
                if let Some(engine) = &self.engine {
                    state.measure(engine);
                }
                drop(state);
                self.shared.changed.notify_all();
                Ok(())
            }
            Err(failure) => Err((failure, Box::new(pending))),
        }
    }

    /// As [`Hand::attempt`]; where the disk is full, in the room of the oldest results, which matter less
    /// than what is new.
    fn attempt_with_room<T>(
        &mut self,
        pending: &Pending,
        at_need: bool,
        work: &mut dyn FnMut(&mut Engine, &Pending) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        match self.attempt(pending, work) {
            Err(failure) if failure.full => {
                self.engine = None;
                let lost = self.attempt(pending, &mut |engine, _| engine.make_room(at_need))?;
                lock(&self.shared.state).lost.samples += lost;
                self.attempt(pending, work)
            }
            done => done,
        }
    }

    /// Does something with the file; after a panic as after an error nothing that was known of it counts.
    fn attempt<T>(
        &mut self,
        pending: &Pending,
        work: &mut dyn FnMut(&mut Engine, &Pending) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        let engine = &mut self.engine;
        let (path, options) = (&self.path, &self.shared.options);
        #[cfg(test)]
        let page_limit = self.page_limit;
        let mut full = false;
        let result = caught(|| {
            if engine.is_none() {
                *engine = Some(Engine::open(path, options).map_err(|error| error.to_string())?);
                #[cfg(test)]
                if let (Some(limit), Some(engine)) = (page_limit, engine.as_ref()) {
                    engine.limit_pages(limit);
                }
            }
            let Some(engine) = engine else { return Err(String::new()) };
            work(engine, pending).map_err(|error| {
                full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
                error.to_string()
            })
        });
        result.map_err(|why| Failure { full, why })
    }

    fn acknowledge(&self, through: Ticket, refused: Vec<RowId>) {
        {
            let mut state = lock(&self.shared.state);
            if state.committed >= through {
                return;
            }
            state.committed = through;
        }
        self.shared.changed.notify_all();
        if let Some(listener) = lock(&self.shared.listener).as_mut() {
            let committed = Committed { through, refused };
            // What a listener does wrong is not the store's fault, and does not stop it.
            let _ = caught(|| {
                listener(&committed);
                Ok(())
            });
        }
    }

    /// One step of tidying.
    fn tidy(&mut self) {
        let now = self.now;
        lock(&self.shared.state).busy = Some((Instant::now(), now));
        let tidied = self.attempt(&Pending::default(), &mut |engine, _| engine.tidy(now));
        lock(&self.shared.state).busy = None;
        match tidied {
            Ok(more) => {
                self.untidy = more;
                if let Some(engine) = self.engine.as_ref().filter(|_| !more) {
                    self.shared.report(engine);
                }
            }
            Err(failure) => {
                self.engine = None;
                self.tidy_from = Instant::now() + TIDY_AGAIN;
                lock(&self.shared.state).trouble = Some(failure.why);
            }
        }
    }

    fn finish(mut self) {
        // All is written; without this the next start only says that the last one was killed.
        let _ = self.attempt(&Pending::default(), &mut |engine, _| {
            engine.note_stopped(true)?;
            engine.checkpoint()
        });
        self.engine = None;
        lock(&self.shared.state).ended = true;
        self.shared.changed.notify_all();
    }
}
