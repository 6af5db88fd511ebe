//! `reach trace`.

use crate::{cli::TraceArgs, config::Surroundings, exit::Exit, output::note};

/// Runs the command.
pub fn run(_args: &TraceArgs, _around: &Surroundings) -> Exit {
    note("not built yet");
    Exit::CouldNotTell
}
