//! Scouter's wire format, its collector's client protocol, and what its packs say.
//!
//! ```text
//! datagram ─▶ wire ─▶ packs ─┐                       ┌─▶ signals
//!                            ├─▶ reading ◀─▶ dictionary
//! collector (TCP) ─▶ packs ──┘      └─▶ what to ask for: texts, profiles
//! ```

pub mod agents;
pub mod api;
pub mod collector;
pub mod dictionary;
pub mod reading;
pub mod wire;

/// The type of the object as which reach tells a collector what it found. What is said of such objects is not heard:
/// reach would answer itself.
pub const OWN_TYPE: &str = "reach";
