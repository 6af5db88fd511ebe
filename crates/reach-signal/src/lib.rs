//! # reach-signal
//!
//! What the applications, the APM, the databases and the host of an operator already say, as
//! [`Signal`](reach_core::signal::Signal)s.
//!
//! Everything here is a pure decoder: bytes, lines and rows go in, signals come out, time is an argument. Files are
//! opened, sockets read and databases asked elsewhere. Every input is foreign: no length is believed before it is
//! checked against what is there, nothing is kept without a bound.

pub mod exception;
pub mod host;
pub mod log;
pub mod otlp;
pub mod scouter;
pub mod sql;
