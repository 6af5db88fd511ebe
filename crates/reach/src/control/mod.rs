//! Asking and steering a running watch over a Unix socket of this host.
//!
//! * [`protocol`] is what is said: one JSON object a line, one question, one answer.
//! * [`server`] is the side of the watch; who asks is known from the kernel, never from what is said.
//! * [`client`] is the side of `reach status` and others.

pub mod client;
pub mod protocol;
pub mod server;

use std::{fmt, pin::Pin, sync::Arc};

use self::protocol::Refusal;
pub use self::{
    client::{AskError, ask},
    protocol::{Answer, Examined, Request},
    server::{Peer, serve},
};

type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Has a running watch answer, from inside of its own process. Cheap to clone.
#[derive(Clone)]
pub struct Asking(Arc<dyn Fn(Request, String) -> Answering + Send + Sync>);

impl Asking {
    /// Asks by way of this.
    pub fn new<F: Future<Output = Answer> + Send + 'static>(
        ask: impl Fn(Request, String) -> F + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move |request, who| Box::pin(ask(request, who))))
    }

    /// Nobody is there to answer.
    pub fn nobody() -> Self {
        Self::new(|_, _| async { Answer::refused(Refusal::Unable, "no watch is running") })
    }

    /// What the watch answers `who`.
    pub async fn ask(&self, request: Request, who: &str) -> Answer {
        let request = protocol::signed(request, who);
        if let Err(why) = protocol::sensible(&request) {
            return Answer::refused(Refusal::BadRequest, why);
        }
        (self.0)(request, who.to_owned()).await
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asking")
    }
}
