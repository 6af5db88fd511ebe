//! `reach demo`: the story that reach was founded on, told by a real check in a network made for it.
//!
//! The process starts itself again inside namespaces of its own (`--inside`), builds the network there, and
//! runs `reach check` in the client's namespace. Where namespaces are not allowed, the same story is played in
//! the simulator, in virtual time.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use reach_core::model::Verdict;
use reach_lab::{LabError, isolated_command, story};
use reach_report::Lang;
use reach_sim::{Scenario, ScenarioError};

use super::check;
use crate::{
    cli::DemoArgs,
    config::{Output, Surroundings},
    exit::Exit,
    live::Seen,
    output::{complain, note, print, shown},
    progress::wait_visibly,
    recording::{self, Ending, Recording},
    words::{self, Stage},
};

/// Runs the command.
pub fn run(args: &DemoArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    let keep = args.record.as_deref();
    if args.pretend {
        return pretend(keep, &output);
    }
    let told = if args.inside { tell(keep, &output) } else { go_inside() };
    told.unwrap_or_else(|error| {
        note(&format!("{error}"));
        pretend(keep, &output)
    })
}

/// Variables that would make the check see this machine's settings instead of the story's.
const FOREIGN: [&str; 17] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "LOCALDOMAIN",
    "RES_OPTIONS",
    "HOSTALIASES",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "LD_PRELOAD",
];

/// Starts this program again in namespaces of its own, and ends as it does.
fn go_inside() -> Result<Exit, LabError> {
    let mut command = isolated_command(this_program()?)?;
    command.args(env::args_os().skip(1)).arg("--inside");
    for variable in FOREIGN {
        command.env_remove(variable);
    }
    let status = command.status().map_err(system("starting the demo in namespaces of its own"))?;
    Ok(match status.code() {
        Some(0) => Exit::AllWork,
        Some(2) => Exit::Usage,
        _ => Exit::CouldNotTell,
    })
}

/// Builds the network and runs the check in it.
fn tell(keep: Option<&Path>, output: &Output) -> Result<Exit, LabError> {
    let program = this_program()?;
    let mut kept =
        match keep.map(|path| File::create(path).map_err(|error| unwritable(path, &error))).transpose() {
            Ok(kept) => kept,
            Err(problem) => return Ok(complain(&[problem])),
        };
    let (lab, means) = story::tell()?;
    announce(Stage::Real { means: &means.to_string() }, output.style.lang);
    let recording = lab.directory().join("recording.jsonl");
    open_to_all(&recording).map_err(system("making room for the recording"))?;
    let mut running = lab
        .client()
        .command(program)
        .args(["check", story::NAME, "--record"])
        .arg(&recording)
        .args(wishes(output))
        .env("SSL_CERT_FILE", lab.authority())
        .unprivileged()
        .spawn()?;
    wait_visibly(output, |elapsed| {
        (!running.has_ended() && elapsed < LONGEST).then(|| words::waiting(elapsed, output.style.lang))
    });
    let finished = running.wait(LONGEST)?;
    let _ = io::stderr().lock().write_all(finished.stderr.as_bytes());
    if let Err(error) = print(&finished.stdout) {
        note(&format!("the result could not be written: {error}"));
        return Ok(Exit::CouldNotTell);
    }
    let bytes = fs::read(&recording).map_err(system("reading the recording"))?;
    if let Some(file) = &mut kept
        && let Err(error) = file.write_all(&bytes)
    {
        note(&words::recording_trouble(&error, output.style.lang));
    }
    Ok(match recording::read(bytes) {
        Ok(recording) => compare(&recording, output.style.lang),
        Err(_) => {
            note(words::demo_differs(output.style.lang));
            Exit::CouldNotTell
        }
    })
}

/// A check ends by its deadline of 9.5 s; a machine that is very busy gets some more.
const LONGEST: Duration = Duration::from_secs(60);

/// The options that make the check inside show its result as was asked for outside.
fn wishes(output: &Output) -> Vec<String> {
    let Output { json, style, json_lang, verbose, .. } = output;
    let lang = if *json { json_lang } else { &style.lang };
    let mut wishes: Vec<String> = ["--lang", lang.code(), "--width"].map(str::to_owned).into();
    wishes.push(style.width.to_string());
    wishes.push(format!("--color={}", if style.color { "always" } else { "never" }));
    for (wish, option) in [(*json, "--json"), (style.ascii, "--ascii"), (*verbose, "--verbose")] {
        wishes.extend(wish.then(|| option.to_owned()));
    }
    wishes
}

/// Plays the story in the simulator.
fn pretend(keep: Option<&Path>, output: &Output) -> Exit {
    announce(Stage::Pretend, output.style.lang);
    let recording = match simulated() {
        Ok(recording) => recording,
        Err(error) => {
            note(&format!("the story compiled into this program cannot be read: {error}"));
            return Exit::CouldNotTell;
        }
    };
    if let Some(path) = keep
        && let Err(exit) = write(&recording, path)
    {
        return exit;
    }
    let seen = Seen { recording, broken: false, evidence_lost: false };
    match check::conclude(&seen, output) {
        Exit::SomeFail => compare(&seen.recording, output.style.lang),
        _ => Exit::CouldNotTell,
    }
}

fn simulated() -> Result<Recording, ScenarioError> {
    let (mut world, case) = Scenario::parse(include_str!("demo.toml"))?.start(1)?;
    let run = reach_sim::run(case.clone(), &mut world);
    Ok(Recording {
        paths: None,
        examined: vec![(case, run.observations)],
        finished: run.finished,
        ending: Ending::Complete,
    })
}

fn write(recording: &Recording, path: &Path) -> Result<(), Exit> {
    let mut recorder = check::open(path)?;
    for (case, _) in &recording.examined {
        recorder.case(case);
    }
    for (number, (_, observations)) in recording.examined.iter().enumerate() {
        for observation in observations {
            recorder.observation(number, observation);
        }
    }
    recorder.end(recording.finished, false);
    recorder.trouble().map_or(Ok(()), |error| Err(complain(&[unwritable(path, &error)])))
}

/// Whether exactly the addresses that are blocked were found to fail.
fn compare(recording: &Recording, lang: Lang) -> Exit {
    let blocked: BTreeSet<IpAddr> =
        story::BLOCKED.iter().filter_map(|address| address.parse().ok()).collect();
    let judged = check::judged(recording);
    let endpoints = judged.iter().flat_map(|(_, diagnosis)| &diagnosis.endpoints);
    let failing: BTreeSet<IpAddr> = endpoints
        .filter(|diagnosis| diagnosis.verdict != Verdict::Ok)
        .map(|diagnosis| diagnosis.endpoint.address)
        .collect();
    if failing == blocked {
        return Exit::AllWork;
    }
    note(words::demo_differs(lang));
    Exit::CouldNotTell
}

fn announce(stage: Stage<'_>, lang: Lang) {
    let mut err = io::stderr().lock();
    for line in words::demo(stage, lang) {
        let _ = writeln!(err, "{line}");
    }
}

fn this_program() -> Result<PathBuf, LabError> {
    env::current_exe().map_err(system("finding this program"))
}

/// The check inside runs as a user who owns nothing here.
fn open_to_all(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))
}

fn system(what: &str) -> impl FnOnce(io::Error) -> LabError {
    let what = what.to_owned();
    move |source| LabError::System { what, source }
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    format!("--record `{}` cannot be written: {error}", shown(&path.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulated_story_is_that_of_the_lab() {
        let recording = simulated().unwrap_or_else(|error| panic!("{error}"));
        let judged = check::judged(&recording);
        let addresses: Vec<String> =
            judged[0].1.endpoints.iter().map(|diagnosis| diagnosis.endpoint.address.to_string()).collect();
        assert_eq!(addresses, story::POOL);
        assert_eq!(recording.examined[0].0.target.host.to_string(), story::NAME);
        assert_eq!(compare(&recording, Lang::En), Exit::AllWork);
    }
}
