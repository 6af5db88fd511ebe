//! What this host itself says, at work: its logs, its levels, the connections of its applications.
//!
//! One thread starts everything that has to look at what belongs to others, also when the configuration is read again: it
//! was started before privileges were given up, and has kept the right to look, and no other.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use reach_core::signal::Signal;
use reach_net::{drive::Clock, sys::keep_rights_to_look};
use reach_report::Lang;
use reach_signal::log::exceptions;
use tracing::{error, warn};

use super::{Heard, Intake};
use crate::{
    host::{HostWatch, Names, settings::HostSettings},
    logs::{self, Running, SourcePlan, Told},
    words,
};

/// Batches that wait between a source and the intake.
const WAITING: usize = 64;
/// How soon a thread that waits for its source notices that it is to end.
const PULSE: Duration = Duration::from_millis(250);

/// What there is to look at.
#[derive(Clone, Debug)]
pub struct Sights {
    /// The host.
    pub host: Option<HostSettings>,
    /// What is written down on it.
    pub logs: Vec<SourcePlan>,
    /// The language of remarks.
    pub lang: Lang,
}

impl Sights {
    /// There is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.host.is_none() && self.logs.is_empty()
    }
}

enum Wish {
    Names(Names),
    Reload(Box<Sights>),
}

/// Looks until it is dropped.
pub struct Looking {
    wishes: Option<Sender<Wish>>,
    thread: Option<JoinHandle<()>>,
}

impl Looking {
    /// Starts. To be called before privileges are given up.
    ///
    /// # Errors
    ///
    /// When there is no thread to be had.
    pub fn start(sights: Sights, clock: Clock, intake: Intake) -> io::Result<Self> {
        let (wishes, wished) = mpsc::channel();
        let thread = thread::Builder::new().name("reach-looking".to_owned()).spawn(move || {
            if let Err(error) = keep_rights_to_look() {
                warn!("the threads that look at this host keep their privileges: {error}");
            }
            let mut at_work = AtWork::default();
            at_work.turn_to(sights, clock, &intake);
            // Ends when nobody can wish for anything any more.
            for wish in wished {
                match wish {
                    Wish::Names(names) => {
                        if let Some((_, host)) = &at_work.host {
                            host.watch(names);
                        }
                    }
                    Wish::Reload(sights) => at_work.turn_to(*sights, clock, &intake),
                }
            }
        })?;
        Ok(Self { wishes: Some(wishes), thread: Some(thread) })
    }

    /// The addresses of targets as they are known now.
    pub fn watch(&self, names: Names) {
        self.wish(Wish::Names(names));
    }

    /// Looks at this from now on.
    pub fn reload(&self, sights: Sights) {
        self.wish(Wish::Reload(Box::new(sights)));
    }

    fn wish(&self, wish: Wish) {
        // Nobody hears it where the thread is over.
        let _ = self.wishes.as_ref().map(|wishes| wishes.send(wish));
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        drop(self.wishes.take());
        if let Some(thread) = self.thread.take() {
            // Where it panicked, there is nothing to wait for.
            let _ = thread.join();
        }
    }
}

#[derive(Default)]
struct AtWork {
    host: Option<(HostSettings, HostWatch)>,
    logs: Vec<Following>,
}

impl AtWork {
    fn turn_to(&mut self, sights: Sights, clock: Clock, intake: &Intake) {
        let Sights { host, logs, lang } = sights;
        if self.host.as_ref().map(|(settings, _)| settings) != host.as_ref() {
            self.host = None;
            self.host = host.and_then(|settings| match look(settings.clone(), clock, intake) {
                Ok(watch) => Some((settings, watch)),
                Err(error) => {
                    error!("this host is not looked at: {error}");
                    None
                }
            });
        }
        // What they know of places in files is written down as they end, and read again as they begin.
        self.logs.clear();
        for plan in logs {
            let source = plan.log.origin.source.clone();
            match Following::start(plan, intake.clone(), lang) {
                Ok(following) => self.logs.push(following),
                Err(error) => error!(log = %source, "it is not read: {error}"),
            }
        }
    }
}

fn look(settings: HostSettings, clock: Clock, intake: &Intake) -> io::Result<HostWatch> {
    HostWatch::start(settings, clock, relay(intake.clone())?)
}

/// Hands in what comes, and makes whoever sends it wait meanwhile, until nobody sends any more.
///
/// # Errors
///
/// When there is no thread to be had.
pub(super) fn relay(intake: Intake) -> io::Result<SyncSender<Vec<Signal>>> {
    let (sender, receiver) = sync_channel::<Vec<Signal>>(WAITING);
    thread::Builder::new().name("reach-relay".to_owned()).spawn(move || {
        for signals in receiver {
            let Some(source) = signals.first().map(|signal| signal.origin.source.clone()) else { continue };
            if intake.hand_in_blocking(Heard { source, signals }).is_err() {
                return;
            }
        }
    })?;
    Ok(sender)
}

/// A log that is followed on a thread of its own until it is dropped.
struct Following {
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Following {
    fn start(plan: SourcePlan, intake: Intake, lang: Lang) -> io::Result<Self> {
        let source = plan.log.origin.source.clone();
        let running = logs::spawn(plan, exceptions())?;
        let stops = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stops);
        let thread = thread::Builder::new()
            .name("reach-log".to_owned())
            .spawn(move || follow(&running, &source, &intake, &stopping, lang))?;
        Ok(Self { stops, thread: Some(thread) })
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn follow(running: &Running, source: &str, intake: &Intake, stops: &AtomicBool, lang: Lang) {
    loop {
        if stops.load(Ordering::Relaxed) {
            running.stop();
        }
        let signals = match running.told.recv_timeout(PULSE) {
            Ok(Told::Signals(signals)) => signals,
            // That it goes on says that its service is not silent.
            Ok(Told::Grew) => Vec::new(),
            Ok(Told::Remark(remark)) => {
                warn!(log = %source, "{}", words::logs::remark(&remark, lang));
                continue;
            }
            Ok(Told::Behind(_)) | Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if intake.hand_in_blocking(Heard { source: source.to_owned(), signals }).is_err() {
            return;
        }
    }
}
