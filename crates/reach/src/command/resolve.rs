//! `reach resolve`: the addresses behind names, and nothing more.

use reach_core::model::{Case, Diagnosis, Doubt};
use reach_report::{json, text};

use super::{check::judged, dice, document};
use crate::{
    cli::ResolveArgs,
    config::{self, Surroundings},
    evidence::Evidence,
    exit::Exit,
    live::{self, Keep, Scope},
    output::{complain, finish, note},
    recording::Ending,
    words,
};

/// Runs the command.
pub fn run(args: &ResolveArgs, around: &Surroundings) -> Exit {
    let resolve = match config::resolve(args, around, dice()) {
        Ok(resolve) => resolve,
        Err(problems) => return complain(&problems),
    };
    let output = &resolve.output;
    let evidence = match Evidence::open(&args.evidence, output.style.lang) {
        Ok(evidence) => evidence,
        Err(exit) => return exit,
    };
    let keep = Keep { evidence, ..Keep::default() };
    let seen = match live::examine(&resolve.errand, Scope::Names, keep, output) {
        Ok(seen) => seen,
        Err(error) => {
            note(&format!("nothing can be sent: {error}"));
            return Exit::CouldNotTell;
        }
    };
    let recording = &seen.recording;
    let mut judged = judged(recording);
    for (_, diagnosis) in &mut judged {
        forget_connections(diagnosis);
    }
    let shown = if output.json {
        let started = judged.iter().map(|(case, _)| case.started).min().unwrap_or(recording.finished);
        let version = env!("CARGO_PKG_VERSION");
        document(&json::resolve(&judged, started, recording.finished, version, output.json_lang))
    } else {
        text::resolve(&judged, recording.finished, &output.style)
    };
    let interrupted = recording.ending == Ending::Interrupted;
    if interrupted {
        note(words::interrupted(output.style.lang));
    }
    let exit = match worst(&judged) {
        _ if seen.evidence_lost => Exit::CouldNotTell,
        Exit::AllWork if seen.broken || interrupted => Exit::CouldNotTell,
        exit => exit,
    };
    finish(&shown, exit)
}

/// Nobody asked whether the addresses can be connected to, so there is nothing to doubt about that.
fn forget_connections(diagnosis: &mut Diagnosis) {
    diagnosis.doubt = diagnosis.doubt.filter(|doubt| *doubt == Doubt::NoResolverConfigured);
}

fn worst(judged: &[(Case, Diagnosis)]) -> Exit {
    let exits = judged.iter().map(|(_, diagnosis)| match diagnosis.doubt {
        _ if !diagnosis.resolution.addresses.is_empty() => Exit::AllWork,
        Some(_) => Exit::CouldNotTell,
        None => Exit::SomeFail,
    });
    let exits: Vec<Exit> = exits.collect();
    let any = |wanted: Exit| exits.contains(&wanted).then_some(wanted);
    any(Exit::SomeFail).or(any(Exit::CouldNotTell)).unwrap_or(Exit::AllWork)
}
