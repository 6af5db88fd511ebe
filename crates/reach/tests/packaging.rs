//! What is shipped beside the program: the unit of systemd, and the example of a configuration.

#![forbid(unsafe_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use assert_cmd::cargo::CommandCargoExt;
use tempfile::TempDir;

#[test]
fn systemd_understands_the_unit_with_and_without_what_may_be_added() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("SKIPPED: systemd-analyze is not installed (package systemd)");
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let unit = directory.path().join("reach.service");
    let text = fs::read_to_string(packaging().join("reach.service")).expect("the unit");
    let installed = text.replace("/usr/bin/reach", env!("CARGO_BIN_EXE_reach"));
    assert_ne!(installed, text, "the unit starts the program");
    fs::write(&unit, installed).expect("written");
    verify(&unit);
    let drop_ins = directory.path().join("reach.service.d");
    fs::create_dir(&drop_ins).expect("made");
    for drop_in in ["raw-sockets.conf", "look-at-host.conf"] {
        fs::copy(packaging().join("reach.service.d").join(drop_in), drop_ins.join(drop_in)).expect("copied");
        verify(&unit);
    }
}

fn verify(unit: &Path) {
    let done =
        Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit).output().expect("it runs");
    let said = String::from_utf8_lossy(&done.stderr);
    // What other units of this host have wrong is not ours.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("reach.service")).collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

#[test]
fn the_example_that_is_printed_passes_its_own_check() {
    let directory = TempDir::new().expect("a directory");
    let example = reach(&["config", "example"]);
    assert!(example.status.success());
    let file = directory.path().join("reach.toml");
    fs::write(&file, &example.stdout).expect("written");
    let file = file.to_string_lossy().into_owned();
    let checked = reach(&["config", "check", &file]);
    let (out, err) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert_eq!(checked.status.code(), Some(0), "{err}");
    assert!(out.contains("fcm.googleapis.com:443"), "{out}");
    let json: serde_json::Value =
        serde_json::from_slice(&reach(&["config", "check", &file, "--json"]).stdout).expect("JSON");
    assert_eq!(json["targets"].as_array().map(Vec::len), Some(3));

    fs::write(&file, "[[target]]\ntarget = 'a.example'\nevrey = '5s'\n").expect("written");
    let wrong = reach(&["config", "check", &file]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&wrong.stderr)
            .contains(":3:1: `target[1].evrey` is no key; did you mean `every`?")
    );
}

#[test]
fn without_a_running_watch_those_who_ask_are_told_so() {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("watch.sock").to_string_lossy().into_owned();
    for command in
        [&["status"][..], &["ack", "17"], &["silence", "list"], &["silence", "a.example", "--for", "1h"]]
    {
        let done = reach(&[command, &["--control", &socket]].concat());
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(3), "{command:?}: {said}");
        assert!(said.contains("no watch is running") && said.contains("reach watch"), "{command:?}: {said}");
    }
    let store = directory.path().join("reach.db").to_string_lossy().into_owned();
    for command in [&["incidents"][..], &["history", "a.example"], &["export"]] {
        let done = reach(&[command, &["--store", &store]].concat());
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(3), "{command:?}: {said}");
        assert!(said.contains("is not there"), "{command:?}: {said}");
    }
}

fn reach(arguments: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("reach").expect("the program");
    command.args(arguments).env("LC_ALL", "C.UTF-8").output().expect("it runs")
}

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/systemd")
}
