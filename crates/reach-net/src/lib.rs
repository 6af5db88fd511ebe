//! # reach-net
//!
//! The network: one exchange each of TCP, ICMP, DNS, TLS and HTTP. Every door takes one probe of
//! [`reach_core::model`] and gives the [`Outcome`](reach_core::model::Outcome) of that one attempt; retries,
//! order and meaning belong to the survey and the judge.
//!
//! * [`connect`](mod@connect), [`echo`](mod@echo), [`egress`](mod@egress): one TCP connection attempt, one
//!   ICMP echo, one look at this host's own edge.
//! * [`dns`](mod@dns), [`system`](mod@system): one DNS question to one resolver, one look-up as every program
//!   on this host does it.
//! * [`exchange`](mod@exchange): a TCP connection with a proxy, STARTTLS, TLS and HTTP on it. [`drive`](mod@drive): the loop that
//!   carries out what a procedure asks for.
//! * [`trust`](mod@trust): whom this host trusts, and every reason not to trust a chain.
//! * [`vantage`](mod@vantage): what is true of this host before anything is probed.
//! * [`journal`](mod@journal): what a run sends, noted as it happens; [`evidence`](mod@evidence): which packet
//!   belongs to which probe, by that.
//! * [`sys`]: the system calls, and the only unsafe code. [`wire`]: bytes and text from the kernel and the
//!   network, decoded by plain functions that take anything and never panic.
//!
//! Everything works without privilege. `CAP_NET_RAW` adds ICMP echo where the system forbids it to users, and
//! packet counts at the interface.
//!
//! The futures want a tokio runtime with its I/O and time drivers on; one thread is enough.

mod clock;
pub mod connect;
pub mod datagram;
pub mod dns;
pub mod drive;
pub mod echo;
pub mod egress;
pub mod evidence;
pub mod exchange;
pub mod journal;
pub mod recorder;
pub mod sys;
pub mod system;
pub mod text;
pub mod trust;
pub mod vantage;
pub mod wire;

mod dialogue;
mod http;
mod hub;
mod quote;
mod stamp;
mod stream;
mod tls;
mod witness;

#[cfg(test)]
mod pki;
