//! Watching: every address behind every target, for months.
//!
//! Three pure machines over explicit time, in a row:
//!
//! * The [`Patrol`](patrol::Patrol) is a [`Procedure`](crate::survey::Procedure). It keeps the union of all
//!   addresses seen lately, tries each on its own turn, tries again at once where one fails, checks this host's
//!   own connectivity, and runs whole surveys when it is told to. What it learns comes out as [`Event`]s.
//! * [`Incidents`](incidents::Incidents) takes events, applies the rules, and keeps one [`Incident`] for each
//!   target however many addresses suffer. What changes comes out as [`Change`]s: incidents to be remembered,
//!   [`Notice`]s for somebody to hear.
//! * The [`Courier`](courier::Courier) decides which row of the outbox goes to which channel when: rates, waiting
//!   times, what is edited and what is sent anew, what may be drawn together.
//!
//! None of them reads a clock, sends anything or writes anything. Whoever drives them writes a change and its
//! outbox rows in one transaction and hands a row to its channel only then.
//!
//! Two rules hold everywhere. *No data is never recovery*: an address that left DNS, a host that slept, a resolver
//! that keeps silent freeze what is known. And *outages are never delayed, only recoveries*: whatever quiets a
//! flapping target makes its all-clear wait, not its alarm.

pub mod assurance;
pub mod courier;
mod event;
pub mod heard;
mod incident;
pub mod incidents;
pub mod joining;
mod matter;
mod outbox;
pub mod patrol;
mod pattern;
mod plan;
pub mod recent;
mod sample;
mod silence;
mod status;

pub use event::*;
pub use incident::*;
pub use matter::*;
pub use outbox::*;
pub use pattern::fits;
pub use plan::*;
pub use sample::*;
pub use silence::*;
pub use status::*;
