//! `reach ping`.

use crate::{cli::PingArgs, config::Surroundings, exit::Exit, output::note};

/// Runs the command.
pub fn run(_args: &PingArgs, _around: &Surroundings) -> Exit {
    note("not built yet");
    Exit::CouldNotTell
}
