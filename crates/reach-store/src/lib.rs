//! # reach-store
//!
//! The memory of `reach watch`: one SQLite file with compact results, roll-ups, incidents and an outbox.
