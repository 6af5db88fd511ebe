//! `reach connect`.

use crate::{cli::ConnectArgs, config::Surroundings, exit::Exit, output::note};

/// Runs the command.
pub fn run(_args: &ConnectArgs, _around: &Surroundings) -> Exit {
    note("not built yet");
    Exit::CouldNotTell
}
