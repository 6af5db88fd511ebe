//! `reach watch`: keeps every address behind names under observation.

use super::asking;
use crate::{
    cli::WatchArgs,
    config::{Surroundings, watch::watch},
    daemon,
    exit::Exit,
    output::{complain, note},
};

/// Runs the command.
pub fn run(args: &WatchArgs, around: &Surroundings) -> Exit {
    let again = || watch(args, around, asking::world(around));
    match again() {
        Ok(watch) => {
            for warning in &watch.config.warnings {
                note(warning);
            }
            daemon::run(watch, &again)
        }
        Err(problems) => complain(&problems),
    }
}
