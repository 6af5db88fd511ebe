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
    for remark in args.targets.iter().filter_map(|typed| mistaken(typed)) {
        note(&remark);
    }
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

/// A remark where a target looks like something that a running watch is to do.
fn mistaken(typed: &str) -> Option<String> {
    let meant = match typed {
        "reload" => "config reload",
        "status" | "ack" | "examine" | "silence" | "incidents" | "history" | "export" => typed,
        _ => return None,
    };
    Some(format!("`{typed}` is taken for a host to watch; for the command, write `reach {meant}`"))
}
