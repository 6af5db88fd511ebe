//! # reach-core
//!
//! The vocabulary of `reach`, the survey that decides what to ask of the network, and the judge that decides
//! what the answers mean.
//!
//! The outside world is one function, [`Probe`](model::Probe) → [`Outcome`](model::Outcome). Everything here
//! is plain code over values:
//!
//! * A [`Procedure`](survey::Procedure) asks for probes and takes observations; time is an argument, so the
//!   same code runs on real sockets and, a thousand times faster, in a pretend network.
//! * Observations are facts and are never edited. [`judge`] turns them into a
//!   [`Diagnosis`](model::Diagnosis) as often as one likes: it cannot fail, and neither the order of the
//!   observations nor the run in which they were taken matters to it.
//!
//! Deliberately absent: clocks, sockets, files, the environment, dice and hash order (see `clippy.toml`), and
//! words for people, which live in the report crate.

mod dossier;
pub mod judge;
pub mod model;
pub mod ping;
mod pool;
pub mod route;
pub mod signal;
pub mod stats;
pub mod survey;
mod time;
pub mod trace;
pub mod tries;
pub mod watch;

pub use time::{Time, micros};
