//! `reach report` as people call it: of a recording and of an incident, without any network.

#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use reach::recording::Recorder;
use reach_core::{
    Time,
    judge::judge,
    model::Verdict,
    watch::{
        AddressState, Event, Examination, Gravity, Incident, IncidentId, Layer, Member, Phase, Reading,
        Reason, Sample, Series, Subject, TargetId, Transition, Why,
    },
};
use reach_sim::Scenario;
use reach_store::{Batch, StoreOptions};
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// What a survey of the founding story saw in the pretend world.
fn story() -> Examination {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let scenarios = Scenario::load_all(&file).expect("scenarios");
    let (_, scenario) = scenarios.into_iter().find(|(name, _)| name == "story").expect("the story");
    let (mut world, case) = scenario.start(1).expect("a start");
    let run = reach_sim::run(case.clone(), &mut world);
    let diagnosis = judge(&case, &run.observations);
    Examination {
        target: TargetId(1),
        case,
        observations: run.observations,
        finished: run.finished,
        diagnosis,
    }
}

fn blocked(story: &Examination) -> Vec<String> {
    let endpoints = story.diagnosis.endpoints.iter().filter(|one| one.verdict != Verdict::Ok);
    endpoints.map(|one| one.endpoint.address.to_string()).collect()
}

fn recording(directory: &Path, story: &Examination) -> PathBuf {
    let path = directory.join("run.jsonl");
    let mut recorder = Recorder::create(&path).expect("a file");
    recorder.case(&story.case);
    story.observations.iter().for_each(|seen| recorder.observation(0, seen));
    recorder.end(story.finished, false);
    path
}

/// A memory with incident 17, which began ten minutes before the survey.
fn memory(directory: &Path, story: &Examination) -> PathBuf {
    let path = directory.join("reach.db");
    let (writer, _reader, _) = reach_store::open(&path, StoreOptions::default()).expect("a store");
    let survey = story.case.started;
    let at = |seconds: u64| Time::from_micros(survey.as_micros() - 1_200_000_000 + seconds * 1_000_000);
    let began = at(600);
    let mut samples = Vec::new();
    let mut members = Vec::new();
    for endpoint in &story.diagnosis.endpoints {
        let series = Series { target: TargetId(1), address: endpoint.endpoint.address };
        let bad = endpoint.verdict != Verdict::Ok;
        for second in (0..1_200).step_by(10) {
            let reading = if bad && second >= 600 {
                Reading::Failed(Reason::Timeout)
            } else {
                Reading::Answered(Duration::from_millis(9))
            };
            samples.push(Sample { series, layer: Layer::Connect, at: at(second), reading, again: false });
        }
        if bad {
            members.push(Member {
                address: series.address,
                state: AddressState::Down,
                reason: Reason::Timeout,
                since: began,
                from_birth: false,
                gone: false,
            });
        }
    }
    let transitions = members
        .iter()
        .map(|member| Transition {
            series: Series { target: TargetId(1), address: member.address },
            at: began,
            from: AddressState::Ok,
            to: AddressState::Suspect,
            why: Why::Failed(Reason::Timeout),
        })
        .collect();
    let incident = |id, subject| Incident {
        id: IncidentId(id),
        subject,
        title: story.case.target.text.clone(),
        labels: BTreeMap::new(),
        gravity: Gravity::Degraded,
        worst: Gravity::Degraded,
        phase: Phase::Open,
        began,
        opened: began,
        changed: began,
        causes: Vec::new(),
        members: members.clone(),
        pool: 8,
        acknowledged: None,
        muted_until: None,
        unstable: false,
        quiet: Duration::from_secs(300),
        relapses: 0,
        unwatched: Duration::ZERO,
        ending: None,
        notices: 1,
        rang: Vec::new(),
        remarks: Vec::new(),
        diagnosis: None,
        clocks: Default::default(),
    };
    let mut batch = Batch {
        urgent: true,
        targets: vec![(TargetId(1), story.case.target.text.clone())],
        samples,
        transitions,
        incidents: vec![incident(17, Subject::Target(TargetId(1))), incident(18, Subject::Vantage)],
        ..Batch::new(at(1_200))
    };
    batch.learn(Event::Examined(Box::new(story.clone())));
    writer.submit(batch);
    assert!(writer.flush(PATIENCE) && writer.close(PATIENCE));
    path
}

fn report(arguments: &[&str]) -> Output {
    command(arguments).output().expect("started")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reach"));
    command.arg("report").args(arguments).env("LC_ALL", "C.UTF-8").env("HOME", "/nonexistent");
    command.env_remove("XDG_CONFIG_HOME").env("TZ", "Asia/Seoul");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_recording_becomes_every_kind_of_document() {
    let directory = TempDir::new().expect("a directory");
    let story = story();
    let run = recording(directory.path(), &story);
    let run = run.to_string_lossy();
    let text = report(&[&run]);
    assert_eq!(text.status.code(), Some(0), "{}", said(&text));
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.starts_with("Request for a firewall rule: https://push.example/\n"), "{text}");
    assert!(
        text.contains("UTC+09:00") && blocked(&story).iter().all(|address| text.contains(address)),
        "{text}"
    );
    let out = directory.path().join("out/");
    let done = report(&[&run, "--format", "all", "--lang", "ko", "-o", &out.to_string_lossy()]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    for ending in ["html", "pdf", "md", "json", "txt", "csv", "xlsx"] {
        let path = out.join(format!("report-push.example-443.{ending}"));
        assert!(fs::metadata(&path).is_ok_and(|file| file.len() > 100), "{}", path.display());
    }
    let html = fs::read_to_string(out.join("report-push.example-443.html")).expect("a page");
    assert!(html.contains("방화벽 오픈 요청") && html.contains("<svg") && !html.contains("<script"));
    let json = report(&[&run, "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["requests"][0]["destination"]["addresses"], serde_json::json!(blocked(&story)));
    assert_eq!(json["attempts"].as_array().map(Vec::len).is_some_and(|count| count > 20), true);
}

#[test]
fn standard_input_is_a_recording_too() {
    let directory = TempDir::new().expect("a directory");
    let run = fs::read(recording(directory.path(), &story())).expect("read");
    let mut started = command(&["-", "--format", "md"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    started.stdin.take().expect("piped").write_all(&run).expect("written");
    let done = started.wait_with_output().expect("ended");
    assert!(String::from_utf8_lossy(&done.stdout).starts_with("# Request for a firewall rule"));
}

#[test]
fn an_incident_is_told_with_the_interval_that_a_log_is_searched_for() {
    let directory = TempDir::new().expect("a directory");
    let story = story();
    let store = memory(directory.path(), &story);
    let store = store.to_string_lossy();
    let page = directory.path().join("incident.html");
    let done = report(&["#17", "--store", &store, "-o", &page.to_string_lossy()]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let html = fs::read_to_string(&page).expect("a page");
    assert!(html.contains("The course of incident #17") && html.contains("something changed in between"));
    assert!(html.matches("<svg").count() >= 2, "the paths and the heat map");
    let json = report(&["17", "--store", &store, "--format", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let first = &json["incident"]["addresses"][0];
    let (good, bad) =
        (first["last_good_at"].as_str().expect("a time"), first["first_bad_at"].as_str().expect("a time"));
    assert!(good < bad, "{first}");
    assert_eq!((&first["tries"], &first["failures"]), (&60.into(), &60.into()));
    let other = report(&["18", "--store", &store]);
    assert_eq!(other.status.code(), Some(2));
    assert!(said(&other).contains("this host itself"), "{}", said(&other));
    let none = report(&["99", "--store", &store]);
    assert_eq!(none.status.code(), Some(2));
    assert!(said(&none).contains("no incident #99"), "{}", said(&none));
}

#[test]
fn nothing_but_a_regular_file_is_written_over() {
    let directory = TempDir::new().expect("a directory");
    let run = recording(directory.path(), &story());
    let run = run.to_string_lossy();
    let link = directory.path().join("link.html");
    std::os::unix::fs::symlink("/dev/null", &link).expect("a link");
    for place in [link.to_string_lossy().into_owned(), "/dev/full".to_owned()] {
        let done = report(&[&run, "--format", "html", "-o", &place]);
        assert_eq!(done.status.code(), Some(2), "{}", said(&done));
        assert!(said(&done).contains("no regular file"), "{}", said(&done));
    }
    for (bad, part) in [("/nonexistent.jsonl", "cannot be read"), (env!("CARGO_MANIFEST_DIR"), "directory")] {
        let done = report(&[bad]);
        assert_eq!(done.status.code(), Some(2));
        assert!(said(&done).contains(part), "{}", said(&done));
    }
    let file = directory.path().join("x.jsonl");
    fs::write(&file, "{\"schema\":\"reach.recording/9\"}\n").expect("written");
    let done = report(&[&file.to_string_lossy()]);
    assert_eq!(done.status.code(), Some(2));
    assert!(said(&done).contains("reach.recording/9"), "{}", said(&done));
}
