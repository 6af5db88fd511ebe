//! The demo on the real kernel: rootless namespaces, a real check, and a recording that can be judged again.

#![forbid(unsafe_code)]

use std::{env, fs, process::Command};

use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn the_demo_finds_the_three_that_are_blocked_and_its_recording_says_the_same() {
    if let Err(error) = reach_lab::can_isolate() {
        let required = env::var_os("REACH_LAB_REQUIRED").is_some_and(|value| value == "1");
        assert!(!required, "{error}");
        return eprintln!("SKIPPED: needs network namespaces and their tools: {error}");
    }
    let directory = TempDir::new().expect("a directory");
    let run = directory.path().join("run.jsonl");
    let mut demo = Command::cargo_bin("reach").expect("built");
    let done = demo.args(["demo", "--json", "--record"]).arg(&run).output().expect("started");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains("kernel namespaces") && said.lines().count() == 2, "{said}");

    let document: Value = serde_json::from_slice(&done.stdout).expect("one JSON document");
    assert_eq!(document["targets"][0]["state"], "partly-reachable");
    let endpoints = document["targets"][0]["endpoints"].as_array().expect("endpoints");
    let filtered: Vec<&str> = endpoints
        .iter()
        .filter(|endpoint| endpoint["verdict"] == "filtered")
        .filter_map(|endpoint| endpoint["address"].as_str())
        .collect();
    assert_eq!(filtered, reach_lab::story::BLOCKED);
    for endpoint in endpoints.iter().filter(|endpoint| endpoint["verdict"] == "filtered") {
        assert_eq!(endpoint["where"]["last_answering"], "10.70.0.1", "{endpoint:#}");
        assert_eq!(endpoint["where"]["next_on_open_path"], "10.70.1.2", "{endpoint:#}");
    }

    assert!(fs::metadata(&run).is_ok_and(|file| file.len() > 0));
    let mut replay = Command::cargo_bin("reach").expect("built");
    let replayed = replay.args(["check", "--json", "--replay"]).arg(&run).output().expect("started");
    assert_eq!(replayed.stdout, done.stdout);
    assert_eq!(replayed.status.code(), Some(1));
}
