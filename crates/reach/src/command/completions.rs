//! `reach completions`: scripts for shells.

use clap::CommandFactory;

use crate::{
    cli::{Cli, CompletionsArgs},
    exit::Exit,
    output::finish,
};

/// Runs the command.
pub fn run(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "reach", &mut script);
    finish(&String::from_utf8_lossy(&script), Exit::AllWork)
}
