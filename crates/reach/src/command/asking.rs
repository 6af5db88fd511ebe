//! What the commands that ask a running watch have in common.

use std::{env, path::PathBuf};

use crate::{
    cli::AskArgs,
    config::{
        Surroundings,
        watch::{World, locate},
    },
    control::{self, Answer, AskError, Request, protocol::Refusal},
    exit::Exit,
    output::{complain, note},
};

/// The environment of this process.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// What surrounds the reading of a configuration.
pub(super) fn world<'a>(around: &Surroundings) -> World<'a> {
    World { variable: &variable, is_root: around.is_root }
}

/// Asks the watch that is meant; says what went wrong, and how to end then.
pub(super) fn ask(args: &AskArgs, around: &Surroundings, request: &Request) -> Result<Answer, Exit> {
    let path = socket(args, around)?;
    control::ask(&path, request).map_err(|error| match error {
        AskError::Refused { code: Refusal::NotFound | Refusal::BadRequest | Refusal::Conflict, .. } => {
            complain(&[error.to_string()])
        }
        error => {
            note(&error.to_string());
            Exit::CouldNotTell
        }
    })
}

/// The first socket that is there.
fn socket(args: &AskArgs, around: &Surroundings) -> Result<PathBuf, Exit> {
    if let Some(path) = &args.control {
        return Ok(path.clone());
    }
    let sockets =
        locate(args.config.as_deref(), world(around)).map_err(|problems| complain(&problems))?.sockets;
    let there = sockets.iter().find(|path| path.exists());
    Ok(there.or(sockets.first()).cloned().unwrap_or_default())
}

/// Another answer than the one that belongs to the question.
pub(super) fn odd() -> Exit {
    note("the watch gave another answer than the one to this question; is it of another version?");
    Exit::CouldNotTell
}
