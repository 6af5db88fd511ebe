//! `reach scouter`: what a Scouter installation says.

mod decode;
mod hear;

use crate::{
    cli::{ScouterArgs, ScouterCommand},
    config::Surroundings,
    exit::Exit,
};

/// Runs the command.
pub fn run(args: &ScouterArgs, around: &Surroundings) -> Exit {
    match &args.command {
        Some(ScouterCommand::Decode(args)) => decode::run(args, around),
        Some(ScouterCommand::Listen(args)) => hear::listen(args, around),
        Some(ScouterCommand::Relay(args)) => hear::relay(args, around),
        None => hear::ask(&args.ask, around),
    }
}
