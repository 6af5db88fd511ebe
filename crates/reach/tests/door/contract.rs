//! The interface against its contract, by a tester of others (`scripts/schemathesis`).

use std::{env, fs, path::PathBuf, process::Command};

use serde_json::Value;

use super::place::{Place, until};

/// What a contract cannot say: that one time is later than another, or how far ahead it may be.
const CONFIG: &str = "\
[[operations]]
include-name = [
    \"GET /api/v1/targets/{id}/history\",
    \"POST /api/v1/incidents/{id}/mute\",
    \"POST /api/v1/incidents/{id}/notes\",
    \"POST /api/v1/silences\",
]
checks.positive_data_acceptance.expected-statuses = [\"2xx\", \"400\", \"401\", \"403\", \"404\", \"409\", \"503\"]
";

/// The tester, where it is installed.
fn tester() -> Option<PathBuf> {
    let found = env::var_os("REACH_SCHEMATHESIS").map(|place| PathBuf::from(place).join("bin/schemathesis"));
    let found = found.filter(|program| program.exists());
    if found.is_none() {
        println!(
            "SKIPPED: schemathesis is not installed (scripts/schemathesis DIRECTORY, REACH_SCHEMATHESIS)"
        );
    }
    found
}

fn run(tester: &PathBuf, port: u16, header: &str, without: &[&str]) {
    let directory = tempfile::TempDir::new().expect("a directory");
    fs::write(directory.path().join("schemathesis.toml"), CONFIG).expect("written");
    let mut command = Command::new(tester);
    command
        .current_dir(directory.path())
        .args(["run", &format!("http://127.0.0.1:{port}/api/v1/openapi.json"), "--checks", "all"])
        .args([
            "--header",
            header,
            "--max-examples",
            "10",
            "--seed",
            "1",
            "--no-color",
            "--continue-on-failure",
        ]);
    for check in without {
        command.args(["--exclude-checks", check]);
    }
    let done = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_schema_driven_tester_finds_nothing_with_a_token_and_without_a_login() {
    let Some(tester) = tester() else { return };
    let place = Place::new();
    let made = place.command(&["config", "token", "tester", "--role", "operator"]).output().expect("it runs");
    let made = String::from_utf8(made.stdout).expect("UTF-8");
    let (token, lines) = made.split_once("\n\n").expect("a token and its lines");
    let port = place.configure(lines);
    let watch = place.watch();
    let client = place.client();
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    until("an incident", || {
        let answer = client.get(url("/api/v1/incidents?all=true")).bearer_auth(token).send().ok()?;
        answer.text().ok()?.contains("\"id\":1").then_some(())
    });
    run(&tester, port, &format!("Authorization: Bearer {token}"), &[]);
    drop(watch);

    // On loopback, where nobody has to say who they are, nothing is to be had by leaving that out.
    let place = Place::new();
    let port = place.configure("");
    let _watch = place.watch();
    let session = until("a session", || {
        let answer = client.get(format!("http://127.0.0.1:{port}/api/v1/session")).send().ok()?;
        serde_json::from_str::<Value>(&answer.text().ok()?).ok()
    });
    let csrf = session["csrf"].as_str().expect("a token");
    run(&tester, port, &format!("x-csrf-token: {csrf}"), &["ignored_auth"]);
}
