//! Whole networks that are pretend in their meaning and real in their making: every node (the client, each
//! router, each host, each resolver) is a Linux network namespace of its own, joined by veth pairs, and every
//! fault is a rule of the kernel's own packet filter or router. What a tool sees here it would see on a wire.
//!
//! ```no_run
//! use std::time::Duration;
//! use reach_lab::{Description, Effect, Fault, Lab, Name, Resolver, Service, Tls};
//!
//! # fn main() -> Result<(), reach_lab::LabError> {
//! // client – r1 – fw – {ra, rb} – web
//! let description = Description::new("partly blocked")
//!     .router("r1")
//!     .router("fw")
//!     .parallel(["ra", "rb"])
//!     .host("web", ["203.0.113.11", "203.0.113.12", "2001:db8:113::11"])
//!     .host_behind("dns", ["192.0.2.53"], "r1")
//!     .fault(Fault::at("fw", Effect::Drop).address("203.0.113.12").port(443))
//!     .service(Service::tls("web", Tls::named("www.example.com")))
//!     .resolver(Resolver::at("dns").name(Name::new("www.example.com", ["203.0.113.11", "203.0.113.12"])));
//!
//! let lab = Lab::build(&description)?;
//! let finished = lab
//!     .client()
//!     .command("reach")
//!     .args(["check", "--json", "www.example.com"])
//!     .env("SSL_CERT_FILE", lab.authority())
//!     .unprivileged()
//!     .timeout(Duration::from_secs(60))
//!     .run()?;
//! assert_eq!(finished.code(), Some(1));
//! assert!(lab.queries().len() <= 64);
//! # Ok(())
//! # }
//! ```
//!
//! # In a test
//!
//! An ordinary `#[test]` calls [`isolated`], which runs the test's body where namespaces can be made: in
//! place where the process may (root), else in a copy of the test program that runs this one test inside a
//! user namespace. Where neither is possible the test says aloud what it needs and passes, or fails if
//! `REACH_LAB_REQUIRED=1`.
//!
//! ```no_run
//! use reach_lab::{isolated, Lab, Tool, story};
//!
//! #[test]
//! # fn hidden() {}
//! fn three_of_eight_are_filtered() {
//!     isolated(&[Tool::Ip, Tool::Nft], || {
//!         let lab = Lab::build(&story::founding()).unwrap();
//!         // …
//!     });
//! }
//! ```
//!
//! # In a program
//!
//! [`isolate`], called first thing in `main` before any thread exists, or [`isolated_command`], which starts
//! a program that finds itself isolated. [`story::tell`] then builds the founding story with whatever this
//! machine has.
//!
//! # Addresses
//!
//! Everything can be predicted. Link *n* (counted from the client; all links into a stage before those into
//! the next; those to hosts last, host by host) carries `10.70.n.0/24` and `2001:db8:70:n::/64` (n in
//! hexadecimal there). The end nearer to the client has `.1`, the far end `.2`; on link 0 it is the other way
//! round, so that the client's gateway is `10.70.0.1` and the client `10.70.0.2`. In the description above:
//! r1 is `10.70.0.1`, fw `10.70.1.2`, ra `10.70.2.2`, rb `10.70.3.2`. **The address with which a router says
//! "time exceeded", or anything else, is its client-facing one**: that of its link to the first living router
//! before it ([`Lab::router_address`]). With IPv6 it is that of the link by which the packet came, so a router
//! where branches meet has several. [`Lab::responders`] and [`Lab::links`] tell what a tracer ought to see.
//!
//! Packets towards hosts are spread over all routers of the next stage by a hash of addresses and ports, so
//! the same 5-tuple always takes the same way; a [`Router`] may name other ones, and choose otherwise. Packets
//! back to the client take the first living router before each, so a dead member harms one direction only;
//! a [`Detour`] leads them another way.
//!
//! # Life
//!
//! Namespaces have no names and are held by open files of the process that built the lab, so labs do not know
//! of each other, and a lab is gone when it is dropped, when the test panics, and when the process is killed
//! (its small directory of files is then swept away by the next lab). Commands started in a node are killed
//! with the thread that started them. Faults can be imposed and lifted while a lab runs ([`Lab::impose`],
//! [`Lab::lift`]). The first stage must be a single router; addresses must come from the documentation or
//! private ranges; no node has a link to the world outside, so no packet can leave.
//!
//! # Absent on purpose
//!
//! No link speeds, no queues, no wireless: a lab answers "who answers what", not "how fast". Delay exists
//! ([`Relay`]) to bring the races that a synchronous veth pair hides.

mod authority;
mod cell;
mod command;
mod description;
mod dice;
mod directory;
mod dns;
mod error;
mod faults;
mod lab;
mod node;
mod plan;
mod relay;
mod server_thread;
mod services;
pub mod story;
mod sys;
mod wording;

pub use cell::{Tool, can_isolate, isolate, isolated, isolated_command};
pub use command::{Finished, NodeCommand, Running};
pub use description::{
    Backend, Balancing, Certificate, Client, ClientIpv6, Cut, Description, Detour, Direction, Effect, Fault,
    FlowShare, Host, Interface, InterfaceRole, Label, Link, Name, NameCut, Protocol, Quote, Rejection, Relay,
    Reply, Resolver, RouteKind, Router, Selection, Service, ServiceKind, Stage, TcpMode, Tls, TlsAfter,
    Wording,
};
pub use dns::{QuerySeen, Transport};
pub use error::LabError;
pub use lab::{FaultId, Lab};
pub use node::Node;
pub use services::ServiceCounts;
