//! The thread that looks at this host.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread::{self, JoinHandle},
};

use reach_core::signal::{Signal, Word};
use reach_net::{drive::Clock, sys::keep_rights_to_look};

use super::{HostReader, Names, said, settings::HostSettings};

/// Looks at this host on a thread of its own until it is dropped.
#[derive(Debug)]
pub struct HostWatch {
    names: Arc<Mutex<Option<Names>>>,
    /// Closed to end the thread.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HostWatch {
    /// Starts. Each look that saw something is sent; where nobody takes them fast enough looks are left out, and the next
    /// that is taken says how many signals were lost.
    ///
    /// Started before privileges are given up, the thread keeps the right to see what processes of others have open, and
    /// no other; afterwards it sees less (see the [module](super)).
    pub fn start(settings: HostSettings, clock: Clock, heard: SyncSender<Vec<Signal>>) -> io::Result<Self> {
        let names: Arc<Mutex<Option<Names>>> = Arc::default();
        let (stop, stopped) = mpsc::sync_channel::<()>(0);
        let every = settings.look;
        let told = Arc::clone(&names);
        let thread = thread::Builder::new().name("reach-host".to_owned()).spawn(move || {
            if let Err(error) = keep_rights_to_look() {
                tracing::warn!("the thread that looks at this host keeps its privileges: {error}");
            }
            let mut reader = HostReader::new(settings);
            let mut lost = 0;
            loop {
                if let Some(names) = told.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    reader.watch(names);
                }
                let now = clock.now();
                let mut signals = reader.read(now);
                if lost > 0 {
                    signals.push(said(now, Word::Lost { what: "signals".to_owned(), count: lost }));
                }
                if !signals.is_empty() {
                    match heard.try_send(signals) {
                        Ok(()) => lost = 0,
                        // The word of the loss is no loss itself.
                        Err(TrySendError::Full(signals)) => {
                            lost += signals.len() as u64 - u64::from(lost > 0)
                        }
                        Err(TrySendError::Disconnected(_)) => return,
                    }
                }
                match stopped.recv_timeout(every) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { names, stop: Some(stop), thread: Some(thread) })
    }

    /// The addresses of targets as they are known now.
    pub fn watch(&self, names: Names) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
    }
}

impl Drop for HostWatch {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A look takes milliseconds, with dead file systems two seconds.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
