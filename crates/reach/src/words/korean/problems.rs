//! Korean of what is wrong: with the command line, with a configuration, with the world around.

mod configured;
mod done;
mod running;
mod system;
mod typed;

use super::Pair;

/// All of it.
pub const TEXTS: [&[Pair]; 5] = [typed::TEXTS, done::TEXTS, configured::TEXTS, running::TEXTS, system::TEXTS];
