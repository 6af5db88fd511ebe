//! # reach-sim
//!
//! A pretend network in virtual time: [`World::outcome`] is the outside world of `reach`, Probe → Outcome,
//! without a socket.
//!
//! * [`network`] describes one: the client's machine, stages of routers, hosts, rules, resolvers.
//! * [`World`] makes it behave. Each probe is played packet by packet. Every packet goes through one function
//!   (`walk`): link by link, router by router, prerouting, TTL, forward, postrouting; answers walk back the
//!   same way with a TTL of their own. All signatures follow from that, so that two faults at once behave as
//!   two faults at once.
//! * [`scenario`] reads a network, its faults and what is expected of a diagnosis from TOML.
//! * [`mod@drive`] runs a procedure against a world.
//! * [`timeline`] lets a network change in the course of time.
//! * [`accuracy`] counts how often the verdict is right, by fault and loss rate.
//!
//! The same description and seed give the same bytes. Kernel behaviour (order of hooks, SYN schedule, what a
//! local drop looks like) is that of Linux as measured in namespaces: `crates/reach-lab/FACTS.md`.
//!
//! Deliberately absent: clocks, sockets, threads; congestion control; names of people's real networks.

pub mod accuracy;
mod build;
pub mod description;
mod dns;
pub mod drive;
pub mod expect;
mod layers;
pub mod network;
mod packet;
pub mod rng;
pub mod scenario;
mod tcp;
pub mod timeline;
mod walk;
mod world;

pub use drive::{Drive, Run, drive, run};
pub use scenario::{Scenario, ScenarioError};
pub use timeline::Timeline;
pub use world::World;
