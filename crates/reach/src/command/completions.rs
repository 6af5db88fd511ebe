//! `reach completions`: scripts for shells.

use crate::{
    cli::{CompletionsArgs, korean::definition},
    config::Surroundings,
    exit::Exit,
    output::finish,
};

/// Runs the command.
pub fn run(args: &CompletionsArgs, around: &Surroundings) -> Exit {
    let mut definition = definition(around.language(args.lang.map(Into::into)));
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition, "reach", &mut script);
    finish(&String::from_utf8_lossy(&script), Exit::AllWork)
}
