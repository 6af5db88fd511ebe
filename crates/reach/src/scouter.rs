//! Scouter as it runs: sockets, files and time for what `reach-signal` understands.
//!
//! * [`collector`] asks a collector on TCP 6100.
//! * [`listener`] hears copies of datagrams, or stands between agents and their collector.
//! * [`api`] asks the HTTP API where only that is open.
//! * [`plug`] takes calls of `alert.plug`.
//! * [`outlet`] tells a collector what was found.
//! * [`texts`] keeps the dictionary.
//! * [`settings`] is how all of this is configured.
//! * [`source`] runs it within a watch.

pub mod api;
pub mod collector;
pub mod listener;
pub mod outlet;
pub mod plug;
pub mod settings;
pub mod source;
pub mod texts;

use std::sync::Arc;

use reach_core::signal::Signal;

/// Who is told what was understood. Never waits.
pub type Hear = Arc<dyn Fn(Vec<Signal>) + Send + Sync>;
