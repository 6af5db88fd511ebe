//! The thread on which all servers of a lab run.

use std::future::Future;
use std::pin::Pin;
use std::thread::{self, JoinHandle};

use tokio::task::LocalSet;

use crate::error::LabError;

/// A task of the server thread. Made on that thread, since it need not be able to move between threads.
type MakeTask = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The running thread; it ends when this is dropped. Sockets stay in the namespace where they were opened, so
/// one thread serves all.
pub(crate) struct ServerThread {
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The tasks of a server thread that does not run yet.
pub(crate) struct ServerThreadBuilder {
    tasks: Vec<MakeTask>,
}

impl ServerThread {
    /// Without tasks yet.
    pub(crate) fn builder() -> ServerThreadBuilder {
        ServerThreadBuilder { tasks: Vec::new() }
    }
}

impl ServerThreadBuilder {
    /// Adds a task.
    pub(crate) fn add(&mut self, task: impl FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send + 'static) {
        self.tasks.push(Box::new(task));
    }

    /// Starts all.
    pub(crate) fn run(self) -> Result<ServerThread, LabError> {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(LabError::system("starting the servers"))?;
        let serve = move || {
            let tasks = LocalSet::new();
            for task in self.tasks {
                tasks.spawn_local(task());
            }
            // Ends when the lab is dropped, whether or not it says so.
            let _ = tasks.block_on(&runtime, stopped);
        };
        let thread = thread::Builder::new().name("lab servers".to_owned()).spawn(serve);
        let thread = thread.map_err(LabError::system("starting the servers"))?;
        Ok(ServerThread { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
