//! Asking and steering a running watch over a Unix socket of this host.
//!
//! * [`protocol`] is what is said: one JSON object a line, one question, one answer.
//! * [`server`] is the side of the watch; who asks is known from the kernel, never from what is said.
//! * [`client`] is the side of `reach status` and others.

pub mod client;
pub mod protocol;
pub mod server;

pub use self::{
    client::{AskError, ask},
    protocol::{Answer, Examined, Request},
    server::{Peer, serve},
};
