//! `reach check`: examine targets, or judge a recording again, and show what was concluded.

use std::{fs, io::Write, path::Path};

use reach_core::{
    judge::judge,
    model::{Case, Diagnosis},
};
use reach_report::{json, page, text};

use super::{dice, document};
use crate::{
    cli::{CheckArgs, EvidenceArgs},
    config::{self, Errand, Output, Source, Surroundings},
    evidence::{self, Evidence},
    exit::Exit,
    live::{self, Keep, Scope, Seen},
    output::{complain, finish, note, shown},
    recording::{self, Ending, Recorder, Recording},
    words,
};

/// Runs the command.
pub fn run(args: &CheckArgs, around: &Surroundings) -> Exit {
    let check = match config::check(args, around, dice()) {
        Ok(check) => check,
        Err(problems) => return complain(&problems),
    };
    // Opened before privileges go, and before anything is sent.
    let html = match args.html.as_deref().map(Html::open).transpose() {
        Ok(html) => html,
        Err(exit) => return exit,
    };
    let seen = match &check.source {
        Source::Network(errand) => examine(errand, &args.evidence, &check.output),
        Source::Recording(path) => replay(path),
    };
    match seen {
        Ok(seen) => {
            let judged = judged(&seen.recording);
            let written = html.is_none_or(|html| html.write(&judged, &seen.recording, &check.output));
            let exit = conclude_on(&judged, &seen, &check.output);
            if written { exit } else { Exit::CouldNotTell }
        }
        Err(exit) => exit,
    }
}

/// A file for the page of a result.
struct Html<'a> {
    path: &'a Path,
    file: fs::File,
}

impl<'a> Html<'a> {
    fn open(path: &'a Path) -> Result<Self, Exit> {
        let file = evidence::create(path).map_err(|problem| {
            complain(&[format!("--html `{}` {problem}", shown(&path.to_string_lossy()))])
        })?;
        Ok(Self { path, file })
    }

    /// Writes the page. Says whether that worked.
    fn write(mut self, judged: &[(Case, Diagnosis)], recording: &Recording, output: &Output) -> bool {
        let Output { style, .. } = output;
        let version = env!("CARGO_PKG_VERSION");
        let page = page::file(judged, recording.finished, version, style.lang, style.utc_offset_s);
        let written = self.file.write_all(page.as_bytes()).and_then(|()| self.file.sync_all());
        if let Err(error) = &written {
            note(&format!("--html `{}` cannot be written: {error}", shown(&self.path.to_string_lossy())));
        }
        written.is_ok()
    }
}

/// Judges what was seen, shows it, and ends accordingly.
pub fn conclude(seen: &Seen, output: &Output) -> Exit {
    conclude_on(&judged(&seen.recording), seen, output)
}

fn conclude_on(judged: &[(Case, Diagnosis)], seen: &Seen, output: &Output) -> Exit {
    let shown = show(judged, &seen.recording, output);
    let states = judged.iter().map(|(_, diagnosis)| diagnosis.state);
    let exit = match Exit::of_states(states) {
        // Whoever stops a run may not rely on what it would still have found.
        _ if seen.evidence_lost => Exit::CouldNotTell,
        Exit::AllWork if seen.broken || seen.recording.ending != Ending::Complete => Exit::CouldNotTell,
        exit => exit,
    };
    match seen.recording.ending {
        Ending::Complete => {}
        Ending::Interrupted => note(words::interrupted(output.style.lang)),
        Ending::Unknown => note(words::cut_short(output.style.lang)),
    }
    finish(&shown, exit)
}

/// What is concluded of each target.
pub fn judged(recording: &Recording) -> Vec<(Case, Diagnosis)> {
    let judge = |(case, observations): &(Case, Vec<_>)| (case.clone(), judge(case, observations));
    recording.examined.iter().map(judge).collect()
}

fn show(judged: &[(Case, Diagnosis)], recording: &Recording, output: &Output) -> String {
    let started = judged.iter().map(|(case, _)| case.started).min().unwrap_or(recording.finished);
    if output.json {
        let version = env!("CARGO_PKG_VERSION");
        document(&json::check(judged, started, recording.finished, version, output.json_lang))
    } else {
        text::check(judged, recording.finished, &output.style)
    }
}

fn examine(errand: &Errand, evidence: &EvidenceArgs, output: &Output) -> Result<Seen, Exit> {
    // Opened before privileges go, and before anything is sent.
    let keep = Keep {
        recorder: errand.record.as_deref().map(open).transpose()?,
        evidence: Evidence::open(evidence, output.style.lang)?,
        journal: None,
    };
    live::examine(errand, Scope::Everything, keep, output).map_err(|error| {
        note(&format!("nothing can be sent: {error}"));
        Exit::CouldNotTell
    })
}

/// A recorder that writes to a file.
pub fn open(path: &Path) -> Result<Recorder<fs::File>, Exit> {
    Recorder::create(path).map_err(|error| {
        complain(&[format!("--record `{}` cannot be written: {error}", shown(&path.to_string_lossy()))])
    })
}

/// What a recording holds.
pub fn replay(path: &Path) -> Result<Seen, Exit> {
    let name = shown(&path.to_string_lossy());
    let bytes =
        fs::read(path).map_err(|error| complain(&[format!("--replay `{name}` cannot be read: {error}")]))?;
    let recording = recording::read(bytes)
        .map_err(|error| complain(&[format!("--replay `{name}` is no recording: {error}")]))?;
    Ok(Seen { recording, broken: false, evidence_lost: false })
}
