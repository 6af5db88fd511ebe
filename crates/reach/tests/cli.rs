//! The real program, as scripts and people meet it.
//!
//! `recordings/founding.jsonl` was made by `reach demo --pretend --record FILE`; from it come recordings of
//! every exit status. A format that can no longer read it has broken the recordings that people keep.

#![forbid(unsafe_code)]

use std::{
    fs,
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use assert_cmd::cargo::CommandCargoExt;
use nix::{
    pty::{OpenptyResult, Winsize, openpty},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;

// What people type.

#[test]
fn wrong_input_names_what_is_wrong_and_what_would_be_right() {
    let table: &[(&[&str], &[&str])] = &[
        (&["check"], &["<TARGET>"]),
        (&["check", ""], &["empty target", "HOST:PORT"]),
        (&["check", "example.com:99999"], &["`example.com:99999`", "`99999` is no port", "1 to 65535"]),
        (&["example.com:0"], &["`example.com:0`", "1 to 65535"]),
        (&["check", "exa\u{1b}[2Jmple.com"], &["\\u{1b}[2J", "cannot stand in a name"]),
        (&["check", "2001:db8::1:443:x"], &["brackets", "[2001:db8::1]:443"]),
        (&["check", "ftp://example.com"], &["`ftp`", "http:// or https://"]),
        (&["check", "a.example", "--resolver", "dns.example"], &["`dns.example`", "10.0.0.53:5353"]),
        (&["check", "a.example", "--deadline", "0s"], &["--deadline `0s`", "too short", "10ms"]),
        (&["check", "a.example", "--connect-timeout", "5"], &["`5` has no unit", "`5s`"]),
        (&["check", "a.example", "--read-timeout", "2d"], &["`2d` is too long", "1h"]),
        (&["check", "a.example", "--lang", "fr"], &["fr", "en, ko"]),
        (&["check", "a.example", "--effort", "much"], &["much", "quick, normal, thorough"]),
        (&["check", "a.example", "--width", "7"], &["--width `7`", "60 to 500"]),
        (&["check", "a.example", "--seed", "x"], &["--seed"]),
        (&["check", "a.example", "--tls", "--no-tls"], &["--tls", "--no-tls", "cannot be used"]),
        (&["check", "a.example", "-4", "-6"], &["cannot be used"]),
        (&["check", "a.example", "--replay", "x"], &["cannot be used"]),
        (&["check", "--replay", "x", "--record", "y"], &["cannot be used"]),
        (&["check", "--replay", "/dev/null/run"], &["`/dev/null/run` cannot be read"]),
        (&["check", "a.example", "--record", "/dev/null/run"], &["`/dev/null/run` cannot be written"]),
        (&["check", "@/dev/null/list"], &["`@/dev/null/list` cannot be read"]),
        (&["resolve", "192.0.2.1"], &["`192.0.2.1` is an address already"]),
        (&["watch", "a.example", "--for", "5"], &["--for `5` has no unit", "`5s`"]),
        (&["watch", "--config", "/nonexistent.toml"], &["/nonexistent.toml", "reach config example"]),
        (&["silence", "a.example"], &["every silence ends", "--for 2h"]),
        (&["examine"], &["<TARGET>"]),
        (&["watch", "a.example", "--for", "1y6months"], &["--for `1y6months` is too long", "1year"]),
        (&["ack", "seventeen"], &["`seventeen`", "reach incidents"]),
        (&["config", "check", "/nonexistent.toml"], &["/nonexistent.toml", "reach config example"]),
        (&["explain", "filterd"], &["`filterd`", "did you mean `filtered`?"]),
        (&["explain", "quite-something-else"], &["`quite-something-else`", "reach explain"]),
        (&["completions", "tcsh"], &["tcsh", "bash"]),
        (&["--nonsense"], &["--nonsense"]),
    ];
    for (arguments, parts) in table {
        let done = reach(arguments);
        let said = stderr(&done);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(done.stdout.is_empty(), "{arguments:?}");
        for part in *parts {
            assert!(said.contains(part), "{arguments:?} should say {part:?}: {said}");
        }
    }
}

#[test]
fn every_mistake_of_a_list_is_told_with_file_and_line_before_anything_is_sent() {
    let directory = TempDir::new().expect("a directory");
    let list = directory.path().join("hosts.txt");
    fs::write(&list, "# push\n\na.example:1\nb..example\nc.example:https # name\n").expect("written");
    let done = reach(&["check", &format!("@{}", list.display()), "d.example:0"]);
    assert_eq!(done.status.code(), Some(2));
    let said = stderr(&done);
    for part in ["hosts.txt:4: `b..example`", "hosts.txt:5: `c.example:https`", "`d.example:0`"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("a.example"), "{said}");
}

#[test]
fn texts_on_standard_input_are_explained() {
    let none = reach_with(&["explain"], |command| command.stdin(Stdio::null()));
    assert_eq!(none.status.code(), Some(0));
    assert!(stdout(&none).starts_with("No failure"), "{}", stdout(&none));
    let log = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../reach-signal/tests/data/logs/02-jdk8-httpurlconnection-connect.log"
    );
    let open = || Stdio::from(std::fs::File::open(log).expect("a log"));
    let text = reach_with(&["explain"], |command| command.stdin(open()));
    assert_eq!(text.status.code(), Some(0));
    for part in [
        "connect-timeout",
        "fcm.googleapis.com:443",
        "never came about",
        "reach check fcm.googleapis.com:443",
    ] {
        assert!(stdout(&text).contains(part), "{}", stdout(&text));
    }
    let document = json_of(&reach_with(&["explain", "--json"], |command| command.stdin(open())));
    assert_eq!(document["schema"], "reach.explain/1");
    assert_eq!(document["failures"][0]["jdk"], "8");
    assert_eq!(document["failures"][0]["count"], 1);
}

#[test]
fn codes_are_explained_as_text_and_as_json() {
    let text = reach(&["explain", "Filtered"]);
    assert_eq!(text.status.code(), Some(0));
    assert!(stdout(&text).starts_with("filtered"), "{}", stdout(&text));
    let document = json_of(&reach(&["explain", "filtered", "--json"]));
    assert_eq!(document["codes"][0]["code"], "filtered");
}

#[test]
fn shells_and_manuals_are_served() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(stdout(&reach(&["completions", shell])).contains("resolve"), "{shell}");
    }
    assert!(stdout(&reach(&["man"])).contains(".TH reach 1"));
    let page = stdout(&reach(&["man", "check"]));
    assert!(page.contains(".TH reach-check 1") && page.contains("server\\-name"), "{page}");
}

// What is concluded.

#[test]
fn the_exit_status_says_what_was_found() {
    for (recording, code) in [
        (Made::founding(), 1),
        (Made::founding().only("203.0.113.11"), 0),
        (Made::founding().only("203.0.113.12"), 1),
        (Made::founding().only("203.0.113.11").without_observations(), 3),
        (Made::founding().only("203.0.113.11").and(Made::founding().only("203.0.113.12")), 1),
        (Made::founding().only("203.0.113.11").and(Made::founding().only("203.0.113.13")), 0),
        (
            Made::founding()
                .only("203.0.113.11")
                .and(Made::founding().only("203.0.113.13").without_observations()),
            3,
        ),
    ] {
        let replayed = recording.replayed(&["--json"]);
        let document = json_of(&replayed);
        let targets = document["targets"].as_array().expect("targets");
        let states: Vec<&Value> = targets.iter().map(|target| &target["state"]).collect();
        assert_eq!(replayed.status.code(), Some(code), "{states:?}");
        assert!(replayed.stderr.is_empty(), "{}", stderr(&replayed));
    }
}

#[test]
fn a_recording_without_an_end_is_judged_and_promises_nothing() {
    let cut = Made::founding().only("203.0.113.11").without_end();
    let replayed = cut.replayed(&[]);
    assert_eq!(replayed.status.code(), Some(3));
    assert!(stderr(&replayed).contains("has no end"), "{}", stderr(&replayed));
    assert!(stdout(&replayed).contains("203.0.113.11"));
}

#[test]
fn what_is_no_recording_is_refused_with_its_line() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("run.jsonl");
    for (text, part) in [
        ("", "it is empty"),
        ("{\"schema\":\"reach.recording/9\"}\n", "line 1: it says `reach.recording/9`"),
        ("\u{1b}]0;x\u{7}\n", "line 1: expected value"),
        ("{\"schema\":\"reach.recording/1\",\"case\":{\"\u{2028}\":1}}\n", "line 1: missing field"),
    ] {
        fs::write(&path, text).expect("written");
        let done = reach(&["check", "--replay", &path.to_string_lossy()]);
        assert_eq!(done.status.code(), Some(2), "{text:?}");
        let said = stderr(&done);
        assert!(said.contains(part) && !said.trim_end().contains(|c: char| c.is_control()), "{said:?}");
    }
}

#[test]
fn the_same_recording_gives_the_same_words_in_either_language() {
    let recording = Made::founding();
    let english = stdout(&recording.replayed(&["--width", "80"]));
    assert!(english.contains("PARTLY REACHABLE: 5 of 8"), "{english}");
    assert_eq!(english, stdout(&recording.replayed(&["--width", "80"])));
    let korean = stdout(&recording.replayed(&["--lang", "ko"]));
    assert!(hangul(&korean) && !hangul(&english), "{korean}");
    let by_locale = recording.replayed_with(&[], |command| command.env("LANG", "ko_KR.UTF-8"));
    assert_eq!(stdout(&by_locale), korean);
    let json = recording.replayed_with(&["--json"], |command| command.env("LANG", "ko_KR.UTF-8"));
    assert!(!hangul(&stdout(&json)), "JSON is English unless --lang says otherwise");
}

#[test]
fn ascii_is_ascii() {
    let text = stdout(&Made::founding().replayed(&["--ascii"]));
    assert!(text.is_ascii(), "{text}");
}

// How it is written.

#[test]
fn json_is_one_document_and_nothing_else_even_when_much_is_said_beside_it() {
    let document = json_of(&Made::founding().replayed(&["--json", "-v"]));
    assert_eq!(document["schema"], "reach.check/1");
    assert_eq!(document["targets"][0]["endpoints"].as_array().map(Vec::len), Some(8));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let recording = Made::founding();
    let mut command = Command::cargo_bin("reach").expect("built");
    plain(&mut command).args(["check", "--replay"]).arg(recording.path()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("started");
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("ended");
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stderr.is_empty(), "{}", stderr(&done));
    for arguments in [&["--help"][..], &["man"], &["completions", "bash"], &["explain", "ok"]] {
        let mut command = Command::cargo_bin("reach").expect("built");
        plain(&mut command).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("started");
        drop(child.stdout.take());
        let done = child.wait_with_output().expect("ended");
        assert_eq!((done.status.code(), stderr(&done)), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_told() {
    let recording = Made::founding();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("every Linux has it");
    let done = recording.replayed_with(&[], |command| command.stdout(full));
    assert_eq!(done.status.code(), Some(3));
    assert!(stderr(&done).contains("could not be written"), "{}", stderr(&done));
}

#[test]
fn colour_is_for_terminals_and_no_color_is_honoured() {
    let recording = Made::founding();
    let escaped = |text: &str| text.contains('\u{1b}');
    assert!(!escaped(&stdout(&recording.replayed(&[]))));
    assert!(escaped(&stdout(&recording.replayed(&["--color", "always"]))));
    let on_terminal = |variable: Option<(&str, &str)>, more: &[&str]| {
        let mut command = Command::cargo_bin("reach").expect("built");
        plain(&mut command).args(["check", "--replay"]).arg(recording.path()).args(more);
        command.env("TERM", "xterm").envs(variable);
        terminal(command)
    };
    assert!(escaped(&on_terminal(None, &[])));
    assert!(!escaped(&on_terminal(Some(("NO_COLOR", "1")), &[])));
    assert!(!escaped(&on_terminal(Some(("TERM", "dumb")), &[])));
    assert!(escaped(&on_terminal(Some(("NO_COLOR", "1")), &["--color=always"])));
    assert!(!escaped(&on_terminal(None, &["--color=never"])));
}

// On the real network, as far as one machine is one.

#[test]
fn a_live_run_and_its_replay_are_the_same_to_the_byte() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("run.jsonl");
    let run = path.to_string_lossy();
    let (open, closed) = (open_port(), closed_port());
    let targets = [open.to_string(), closed.to_string()];
    let live = reach(&[
        "check",
        &targets[0],
        &targets[1],
        "--json",
        "--effort",
        "quick",
        "--record",
        &run,
        "--seed",
        "7",
    ]);
    assert_eq!(live.status.code(), Some(1), "{}", stderr(&live));
    let document = json_of(&live);
    assert_eq!(document["targets"][0]["state"], "reachable", "{document:#}");
    assert_eq!(document["targets"][1]["endpoints"][0]["verdict"], "refused", "{document:#}");
    let replayed = reach(&["check", "--replay", &run, "--json"]);
    assert_eq!(replayed.status.code(), Some(1));
    assert_eq!(stdout(&live), stdout(&replayed));
    assert!(live.stderr.is_empty() && replayed.stderr.is_empty());
}

#[test]
fn a_recording_that_cannot_go_on_hurts_nothing_and_is_told_once() {
    let open = open_port();
    let done = reach(&["check", &open.to_string(), "--effort", "quick", "--record", "/dev/full"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(stderr(&done).matches("recording stops here").count(), 1, "{}", stderr(&done));
}

#[test]
fn an_interrupted_run_tells_what_it_saw() {
    let silent = open_port();
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("run.jsonl");
    let mut command = Command::cargo_bin("reach").expect("built");
    plain(&mut command)
        .args(["check", &silent.to_string(), "--tls", "--read-timeout", "20s", "--json", "-v", "--record"])
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("started");
    let began = Instant::now();
    let observed = || fs::read_to_string(&path).is_ok_and(|text| text.contains("\"connected\""));
    while !observed() && began.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(20));
    }
    interrupt(&child);
    let done = child.wait_with_output().expect("ended");
    assert!(began.elapsed() < Duration::from_secs(15), "it stopped at once");
    assert!(matches!(done.status.code(), Some(1 | 3)), "{:?}", done.status);
    assert!(stderr(&done).contains("interrupted"), "{}", stderr(&done));
    assert_eq!(json_of(&done)["targets"].as_array().map(Vec::len), Some(1));
    let replayed = reach(&["check", "--json", "--replay", &path.to_string_lossy()]);
    assert_eq!(stdout(&replayed), stdout(&done));
    assert_eq!(replayed.status.code(), done.status.code());
}

#[test]
fn a_watched_run_shows_its_progress_and_takes_it_away_again() {
    let open = open_port();
    let mut command = Command::cargo_bin("reach").expect("built");
    plain(&mut command).args(["check", &open.to_string(), "--color", "never"]).env("TERM", "xterm");
    let shown = terminal(command);
    assert!(shown.contains(" s | "), "{shown:?}");
    let (_, after) = shown.rsplit_once("\r\u{1b}[2K").expect("a line was drawn");
    assert!(after.starts_with(&format!("{open}  REACHABLE")), "{after:?}");
}

#[test]
fn the_pretend_demo_works_everywhere() {
    let done = reach(&["demo", "--pretend", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(stderr(&done).lines().count(), 2, "{}", stderr(&done));
    assert_eq!(json_of(&done)["targets"][0]["state"], "partly-reachable");
}

// The means.

fn reach(arguments: &[&str]) -> Output {
    reach_with(arguments, |command| command)
}

fn reach_with(arguments: &[&str], more: impl FnOnce(&mut Command) -> &mut Command) -> Output {
    let mut command = Command::cargo_bin("reach").expect("built");
    more(plain(&mut command).args(arguments)).output().expect("started")
}

/// Nothing of this machine's settings.
fn plain(command: &mut Command) -> &mut Command {
    for variable in
        ["LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "NO_COLOR", "TERM", "COLUMNS", "CLICOLOR_FORCE"]
    {
        command.env_remove(variable);
    }
    command.env("TZ", "UTC").stdin(Stdio::null())
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn hangul(text: &str) -> bool {
    text.contains(|c: char| ('가'..='힣').contains(&c))
}

fn json_of(output: &Output) -> Value {
    let text = stdout(output);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{}", stderr(output)))
}

/// A recording made from the committed one.
struct Made {
    lines: Vec<Value>,
    directory: TempDir,
}

impl Made {
    fn founding() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/founding.jsonl");
        let text = fs::read_to_string(path).expect("committed");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        Self { lines, directory: TempDir::new().expect("a directory") }
    }

    /// As if this address had been typed.
    fn only(mut self, address: &str) -> Self {
        let wanted = |line: &Value| {
            let about = line["address"].as_str().or(line["endpoint"]["address"].as_str());
            line.get("target").is_none() || about == Some(address)
        };
        self.lines.retain(wanted);
        self.lines[0]["case"]["target"]["host"] = json!({ "address": address });
        self.lines[0]["case"]["target"]["text"] = json!(format!("{address}:443"));
        self.lines[0]["case"]["target"]["server_name"] = json!("fcm.googleapis.com");
        self
    }

    fn without_observations(mut self) -> Self {
        self.lines.retain(|line| line.get("target").is_none());
        self
    }

    fn without_end(mut self) -> Self {
        self.lines.retain(|line| line.get("finished").is_none());
        self
    }

    /// With the target of another recording besides.
    fn and(mut self, other: Self) -> Self {
        let end = self.lines.pop().expect("an end");
        let mut others = other.lines;
        others.pop();
        for line in &mut others {
            if line.get("target").is_some() {
                line["target"] = json!(1);
            }
        }
        self.lines.extend(others);
        self.lines.push(end);
        self
    }

    fn path(&self) -> PathBuf {
        let path = self.directory.path().join("run.jsonl");
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&path, text).expect("written");
        path
    }

    fn replayed(&self, more: &[&str]) -> Output {
        self.replayed_with(more, |command| command)
    }

    fn replayed_with(&self, more: &[&str], with: impl FnOnce(&mut Command) -> &mut Command) -> Output {
        let mut command = Command::cargo_bin("reach").expect("built");
        plain(&mut command).args(["check", "--replay"]).arg(self.path()).args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        with(&mut command).spawn().and_then(Child::wait_with_output).expect("started")
    }
}

/// A port of this machine where connections are accepted, by the kernel, for as long as the program lives.
fn open_port() -> SocketAddr {
    let listener = TcpListener::bind((IpAddr::from([127, 0, 0, 1]), 0)).expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        let mut held = Vec::new();
        for connection in listener.incoming() {
            held.extend(connection);
        }
    });
    address
}

/// A port of this machine where nothing listens.
fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind((IpAddr::from([127, 0, 0, 1]), 0)).expect("a port");
    listener.local_addr().expect("bound")
}

fn interrupt(child: &Child) {
    let id = i32::try_from(child.id()).expect("a process id");
    kill(Pid::from_raw(id), Signal::SIGINT).expect("it still runs");
}

/// What a program writes on a terminal, both streams together.
fn terminal(mut command: Command) -> String {
    let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let OpenptyResult { master, slave } = openpty(&size, None).expect("a terminal");
    command.stdout(slave.try_clone().expect("a handle")).stderr(slave);
    let mut child = command.spawn().expect("started");
    // The program holds the last handles of the terminal then, so that reading ends when it does.
    drop(command);
    let mut shown = Vec::new();
    let mut reader = fs::File::from(master);
    let mut part = [0; 4096];
    // The end of a terminal is an error (EIO), after everything was read.
    while let Ok(length @ 1..) = reader.read(&mut part) {
        shown.extend_from_slice(&part[..length]);
    }
    child.wait().expect("ended");
    let _ = reader.flush();
    String::from_utf8(shown).expect("UTF-8").replace("\r\n", "\n")
}
