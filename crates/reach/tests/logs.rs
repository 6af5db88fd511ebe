//! `reach logs` as it is run: files that end, files that grow, pipes, mistakes.

#![forbid(unsafe_code)]

#[path = "logs/journal.rs"]
mod journal;
#[path = "logs/kills.rs"]
mod kills;
#[path = "logs/numbered.rs"]
mod numbered;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reach"));
    command.arg("logs").env_remove("LANG").env("LC_ALL", "C").env("NO_COLOR", "1");
    command
}

fn said(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn access(status: u16, count: usize) -> String {
    (0..count)
        .map(|second| {
            let (minute, second) = (second / 60 % 60, second % 60);
            format!("192.0.2.7 - kim [11/Mar/2024:09:{minute:02}:{second:02} +0000] \"GET /?q=secret HTTP/1.1\" {status} 1 \"-\" \"x\"\n")
        })
        .collect()
}

const TRACE: &str = "2024-03-11 09:12:33,123 ERROR [push-sender-3] c.m.push.FcmSender - failed : https://fcm.example/send\n\
    java.net.SocketException: connect timed out\n\tat com.mailapp.push.FcmSender.post(FcmSender.java:142)\n\
    2024-03-11 09:12:33,900 INFO  [push-sender-3] c.m.push.FcmSender - sent\n";

/// The same of another thread: what one thread says twice happened once.
fn by_thread(number: u32) -> String {
    TRACE.replace("push-sender-3", &format!("push-sender-{number}"))
}

#[test]
fn finished_files_are_summed_up() {
    let directory = TempDir::new().expect("a directory");
    let path = |name: &str| -> PathBuf { directory.path().join(name) };
    fs::write(path("app.log"), by_thread(0) + &by_thread(1) + &by_thread(2)).expect("written");
    fs::write(path("access.log"), access(200, 190) + &access(503, 10)).expect("written");
    let output = command().args(["--once", "--zone", "UTC"]).arg(path("*.log")).output().expect("run");
    let (text, trouble) = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{trouble}");
    assert!(text.contains("3  connect timeout  fcm.example"), "{text}");
    assert!(text.contains("200") && text.contains("5 %  2.7 % - 9 %"), "{text}");
    assert!(!text.contains("secret") && !text.contains("192.0.2.7") && trouble.is_empty(), "{text}{trouble}");
    let korean = command().args(["--once", "--lang", "ko"]).arg(path("app.log")).output().expect("run");
    assert!(said(&korean).0.contains("연결 시간 초과"), "{korean:?}");
    let json = command().args(["--once", "--json"]).arg(path("*.log")).output().expect("run");
    let value: Value = serde_json::from_slice(&json.stdout).expect("one document");
    assert_eq!(value["schema"], "reach.logs/1");
    assert_eq!(value["failures"][0]["count"], 3);
    assert_eq!(value["failures"][0]["host"], "fcm.example");
    assert_eq!(value["requests"][0]["failure_share"], 0.05);
}

#[test]
fn nothing_failed_where_nothing_failed() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("access.log");
    fs::write(&path, access(200, 100)).expect("written");
    let output = command().arg("--once").arg(&path).output().expect("run");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let since = command().args(["--once", "--since", "2025-01-01"]).arg(&path).output().expect("run");
    assert!(!said(&since).0.contains("100"), "{since:?}");
    let custom = command()
        .args(["--once", "--failed", "2xx", "--format", "combined"])
        .arg(&path)
        .output()
        .expect("run");
    assert_eq!(custom.status.code(), Some(1), "{custom:?}");
}

#[test]
fn a_pipe_is_read_to_its_end() {
    let mut child =
        command().args(["-", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("run");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(TRACE.as_bytes()).expect("written");
    // What has no line feed is a line too.
    input.write_all(by_thread(7).trim_end().as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("ended");
    let value: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!((output.status.code(), &value["failures"][0]["count"]), (Some(1), &Value::from(2)));
}

#[test]
fn files_are_followed_until_somebody_interrupts() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("app.log");
    fs::write(&path, TRACE).expect("written");
    let mut child = command().arg("--json").arg(&path).stdout(Stdio::piped()).spawn().expect("run");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next =
        || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON") };
    assert_eq!((next()["type"].as_str(), "x"), (Some("failure"), "x"));
    fs::rename(&path, directory.path().join("app.log.1")).expect("rotated");
    fs::write(&path, TRACE.replace("fcm", "other")).expect("written");
    assert_eq!(next()["host"], "other.example");
    kill(Pid::from_raw(i32::try_from(child.id()).expect("small")), Signal::SIGINT).expect("told");
    let summary = next();
    assert_eq!(
        (summary["type"].as_str(), summary["failures"].as_array().map(Vec::len)),
        (Some("summary"), Some(2))
    );
    assert_eq!(child.wait().expect("ended").code(), Some(1));
}

#[test]
fn statements_of_databases_are_summed_up() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("postgresql.log");
    let line = |number: u32, millis: u32| {
        format!(
            "2024-03-11 09:12:33.123 UTC [{number}] kim@shop LOG:  duration: {millis}.000 ms  statement: select *\n\tfrom t where name = 'secret {number}'\n"
        )
    };
    fs::write(&path, line(1, 900) + &line(2, 1500) + &line(3, 1200)).expect("written");
    let output = command().args(["--once", "--kind", "postgresql"]).arg(&path).output().expect("run");
    let (text, _) = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("1.5 s") && text.contains("shop") && text.contains("select * from t where name = ?"),
        "{text}"
    );
    assert!(!text.contains("secret") && !text.contains("kim"), "{text}");
    let json = command().args(["--once", "--kind", "postgresql", "--json"]).arg(&path).output().expect("run");
    let value: Value = serde_json::from_slice(&json.stdout).expect("one document");
    assert_eq!(
        (&value["statements"][0]["count"], &value["statements"][0]["elapsed_ms"]),
        (&Value::from(3), &Value::from(1500.0))
    );
}

#[test]
fn mistakes_are_told_before_anything_is_read() {
    for (arguments, part) in [
        (&["/no/such.log"][..], "`/no/such.log` cannot be read"),
        (&["-", "--format", "%h"][..], "it has no status"),
        (&["-", "--kind", "acess"][..], "invalid value 'acess'"),
        (&["-", "--kind", "mysql-slow", "--format", "%s"][..], "--kind mysql-slow has none"),
    ] {
        let output = command().args(arguments).stdin(Stdio::null()).output().expect("run");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said(&output).1.contains(part), "{arguments:?}: {}", said(&output).1);
    }
}

#[test]
fn what_is_no_text_is_left_out_aloud() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("a.log");
    fs::write(&path, [0x7f, b'E', b'L', b'F', 0, 0, 0, 1]).expect("written");
    let output = command().arg("--once").arg(&path).output().expect("run");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(said(&output).1.contains("is no text"), "{output:?}");
}
