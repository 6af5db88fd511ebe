//! `reach watch`: keeps every address behind names under observation.

use super::asking;
use crate::{
    cli::WatchArgs,
    config::{Surroundings, watch::watch},
    exit::Exit,
    output::{complain, note},
};

/// Runs the command.
pub fn run(args: &WatchArgs, around: &Surroundings) -> Exit {
    match watch(args, around, asking::world(around)) {
        Ok(_) => {
            note("this version of reach cannot watch yet");
            Exit::CouldNotTell
        }
        Err(problems) => complain(&problems),
    }
}
