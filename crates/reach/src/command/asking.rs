//! What the commands that ask a running watch have in common.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{
    cli::AskArgs,
    config::{
        Surroundings,
        watch::{World, locate},
    },
    control::{self, Answer, AskError, Request, protocol::Refusal},
    exit::Exit,
    output::{complain, note, sentence},
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
    ask_at(&socket(args, around)?, request)
}

/// The same, of the watch at this socket.
pub(super) fn ask_at(socket: &Path, request: &Request) -> Result<Answer, Exit> {
    control::ask(socket, request).map_err(|error| explain(&error))
}

/// Says what went wrong, and how to end then.
pub(super) fn explain(error: &AskError) -> Exit {
    match error {
        // Each line is of its own: a place in a file, and what is wrong there.
        AskError::Refused { code: Refusal::Configuration, why } => {
            complain(&why.lines().map(sentence).collect::<Vec<_>>())
        }
        AskError::Refused { code: Refusal::NotFound | Refusal::BadRequest | Refusal::Conflict, .. } => {
            complain(&[error.to_string()])
        }
        error => {
            note(&error.to_string());
            Exit::CouldNotTell
        }
    }
}

/// The first socket that is there.
pub(super) fn socket(args: &AskArgs, around: &Surroundings) -> Result<PathBuf, Exit> {
    if let Some(path) = &args.control {
        return Ok(path.clone());
    }
    let sockets =
        locate(args.of.config.as_deref(), world(around)).map_err(|problems| complain(&problems))?.sockets;
    let there = sockets.iter().find(|path| path.exists());
    Ok(there.or(sockets.first()).cloned().unwrap_or_default())
}

/// Another answer than the one that belongs to the question.
pub(super) fn odd() -> Exit {
    note("the watch gave another answer than the one to this question; is it of another version?");
    Exit::CouldNotTell
}
