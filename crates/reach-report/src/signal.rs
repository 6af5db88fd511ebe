//! What other systems say, for people and for programs: one signal as a line, all of them as a board.

mod board;
mod heard;
mod line;
pub(crate) mod words;

use reach_core::signal::Signal;
use serde_json::{Value, json};

use crate::units;

pub use self::{board::Board, heard::heard_json, line::line};

/// A signal for programs, in one object.
pub fn json(signal: &Signal) -> Value {
    json!({
        "schema": "reach.signal/1",
        "at": units::rfc3339(signal.at),
        "origin": signal.origin,
        "word": signal.word,
    })
}
