//! Which packets belong to which probe of a run.
//!
//! * [`Attempts`] is what the [`journal`](crate::journal) tells of the run, and finds the probe that a packet
//!   belongs to.
//! * [`Docket`] keeps captured packets until it is known whose they are and what became of the probe, and gives
//!   them back in the order of time.
//! * [`synthesis`] makes packets of what is known, where none can be captured.
//!
//! Pure: packets, notes and the time come in as values.
//!
//! A packet belongs to a probe if it goes between the two ends of a socket that the probe opened, within its
//! time; an ICMP error, if it is about such a packet; a later fragment, if it is of one. What the system's own
//! resolver sends for `getent` comes from sockets of other programs: it is known by the name it asks for.

mod attempts;
mod docket;
pub mod synthesis;

pub use attempts::{Attempt, Attempts, Fate};
pub use docket::{Captured, Docket};
