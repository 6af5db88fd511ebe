//! What this host says: disks, memory, ports, sockets, JVMs.
//!
//! Files of `/proc` and `/sys`, netlink's answers and the counters of JVMs are decoded here; the binary opens them. What
//! is a level is a [`Level`](reach_core::signal::Level); which levels are a concern is in [`limits`], when something will
//! be full in [`forecast`].

pub mod connects;
pub mod counters;
pub mod diag;
pub mod forecast;
pub mod gauges;
pub mod hsperf;
pub mod limits;
pub mod mounts;
pub mod ports;
pub mod sockets;
