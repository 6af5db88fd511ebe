use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use jiff::tz::TimeZone;
use reach_core::signal::{Origin, Word};
use reach_signal::log::{self, Kind};
use tempfile::TempDir;

use super::*;

/// A directory with a log in it, and whoever reads it.
struct Scene {
    directory: TempDir,
    source: Option<LogSource>,
    plan: SourcePlan,
    lines: u64,
    clock: u64,
    signals: Vec<Signal>,
    remarks: Vec<Remark>,
}

/// Later than anything is written in earnest.
const BEGIN: u64 = 4_000_000_000;

impl Scene {
    fn new(patterns: &[&str]) -> Self {
        let directory = TempDir::new().expect("a directory");
        let name = |pattern: &&str| directory.path().join(pattern).to_string_lossy().into_owned();
        let mut log = LogPlan::new(Origin { source: "test".to_owned(), ..Origin::default() }, TimeZone::UTC);
        log.kind = Kind::Application;
        let plan = SourcePlan {
            input: Input::Files(patterns.iter().map(name).collect()),
            log,
            begin: Begin::Start,
            follows: true,
            kept: Some(directory.path().join("state/kept.json")),
        };
        Self {
            directory,
            source: None,
            plan,
            lines: 0,
            clock: BEGIN,
            signals: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, bytes: &[u8]) {
        let mut file = fs::File::options().create(true).append(true).open(self.path(name)).expect("open");
        file.write_all(bytes).expect("written");
    }

    /// Failures towards hosts that are numbered.
    fn write(&mut self, name: &str, count: u64) {
        let mut text = String::new();
        for _ in 0..count {
            self.lines += 1;
            text.push_str(&line(self.lines));
        }
        self.append(name, text.as_bytes());
    }

    /// Reads until there is nothing more for now. The clock is ahead of the files, so what is there is complete.
    fn read(&mut self) {
        for _ in 0..4 {
            self.turn();
        }
    }

    /// What was written since the last look was written now, in the time of the scene.
    fn settle_times(&self) {
        for entry in fs::read_dir(self.directory.path()).expect("readable").flatten() {
            let path = entry.path();
            let (Ok(metadata), Ok(file)) = (entry.metadata(), fs::File::open(&path)) else { continue };
            let scene = UNIX_EPOCH + Duration::from_secs(BEGIN);
            if metadata.is_file() && metadata.modified().expect("known") < scene {
                file.set_modified(UNIX_EPOCH + Duration::from_secs(self.clock)).expect("set");
            }
        }
    }

    fn turn(&mut self) -> Turn {
        self.clock += 10;
        self.settle_times();
        let now = Time::from_micros(self.clock * 1_000_000);
        if self.source.is_none() {
            let (source, remarks) = LogSource::open(self.plan.clone(), log::exceptions()).expect("open");
            self.remarks.extend(remarks);
            self.source = Some(source);
        }
        let mut turn = self.source.as_mut().expect("open").poll(now);
        self.signals.append(&mut turn.signals);
        self.remarks.append(&mut turn.remarks);
        turn
    }

    fn stop(&mut self) {
        if let Some(mut source) = self.source.take() {
            self.signals.extend(source.stop(Time::from_micros(self.clock * 1_000_000)));
            source.keep().expect("kept");
        }
    }

    /// What was seen so far is safe; then it is killed.
    fn crash(&mut self) {
        if let Some(mut source) = self.source.take() {
            source.keep().expect("kept");
        }
    }

    /// The numbers of the hosts, in the order of the log's own times.
    fn seen(&self) -> Vec<u64> {
        let number = |signal: &Signal| match &signal.word {
            Word::Failure(failure) => {
                failure.host.as_ref()?.strip_prefix("h")?.split('.').next()?.parse().ok()
            }
            _ => None,
        };
        let mut numbers: Vec<u64> = self.signals.iter().filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    fn assert_all(&self) {
        assert_eq!(self.seen(), (1..=self.lines).collect::<Vec<_>>());
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn truncate(&self, name: &str) {
        fs::File::options().write(true).open(self.path(name)).expect("open").set_len(0).expect("truncated");
    }

    fn gzip(&self, name: &str) {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&fs::read(self.path(name)).expect("read")).expect("packed");
        fs::write(self.path(&format!("{name}.gz")), packed.finish().expect("packed")).expect("written");
        fs::remove_file(self.path(name)).expect("removed");
    }
}

fn line(number: u64) -> String {
    let (minute, second) = (number / 60 % 60, number % 60);
    format!(
        "2024-03-11 09:{minute:02}:{second:02},000 ERROR [main] java.net.ConnectException: Failed to connect to \
         h{number}.example/203.0.113.7:443\n"
    )
}

#[test]
fn a_file_is_read_as_it_grows() {
    let mut scene = Scene::new(&["app.log"]);
    assert_eq!(scene.turn().files, 0);
    scene.write("app.log", 3);
    scene.read();
    scene.assert_all();
    // Half a line is no line.
    let next = line(4);
    scene.append("app.log", &next.as_bytes()[..60]);
    scene.read();
    scene.assert_all();
    scene.append("app.log", &next.as_bytes()[60..]);
    scene.lines = 4;
    scene.read();
    scene.assert_all();
}

#[test]
fn rotation_by_renaming_loses_nothing_and_repeats_nothing() {
    let mut scene = Scene::new(&["app.log"]);
    scene.write("app.log", 300);
    scene.read();
    for _ in 0..3 {
        scene.write("app.log", 100);
        let _ = fs::rename(scene.path("app.log.2"), scene.path("app.log.3"));
        let _ = fs::rename(scene.path("app.log.1"), scene.path("app.log.2"));
        scene.rename("app.log", "app.log.1");
        // Who writes has not noticed yet.
        scene.write("app.log.1", 10);
        scene.write("app.log", 50);
        scene.read();
    }
    scene.assert_all();
}

#[test]
fn rotation_by_copying_and_truncating_loses_nothing_and_repeats_nothing() {
    let mut scene = Scene::new(&["app.log*"]);
    scene.write("app.log", 300);
    scene.read();
    for count in [100, 5, 400] {
        scene.write("app.log", count);
        let _ = fs::rename(scene.path("app.log.1"), scene.path("app.log.2"));
        fs::copy(scene.path("app.log"), scene.path("app.log.1")).expect("copied");
        scene.truncate("app.log");
        scene.write("app.log", 20);
        scene.read();
    }
    scene.assert_all();
}

#[test]
fn what_was_compressed_meanwhile_is_read_once() {
    let mut scene = Scene::new(&["app.log"]);
    scene.write("app.log", 300);
    scene.read();
    scene.stop();
    scene.write("app.log", 100);
    scene.rename("app.log", "app.log.1");
    scene.gzip("app.log.1");
    scene.rename("app.log.1.gz", "app.log.2.gz");
    scene.write("app.log", 100);
    scene.rename("app.log", "app.log.1");
    scene.write("app.log", 100);
    scene.read();
    scene.assert_all();
    scene.gzip("app.log.1");
    scene.read();
    scene.assert_all();
}

#[test]
fn all_kinds_of_compression_are_unpacked() {
    let mut scene = Scene::new(&["old.log.*"]);
    for (name, program) in
        [("old.log.1", "gzip"), ("old.log.2", "bzip2"), ("old.log.3", "xz"), ("old.log.4", "zstd")]
    {
        scene.write(name, 50);
        let done = Command::new(program).arg("-q").arg(scene.path(name)).status();
        if !done.is_ok_and(|status| status.success()) {
            eprintln!("skipped: {program} is not installed");
        } else if program == "zstd" {
            fs::remove_file(scene.path(name)).expect("removed");
        }
    }
    scene.read();
    scene.assert_all();
}

#[test]
fn a_run_goes_on_where_the_last_one_stopped() {
    let mut scene = Scene::new(&["app.log"]);
    scene.write("app.log", 10);
    let next = line(11);
    scene.append("app.log", &next.as_bytes()[..60]);
    scene.read();
    scene.stop();
    scene.append("app.log", &next.as_bytes()[60..]);
    scene.lines = 11;
    scene.write("app.log", 10);
    scene.read();
    scene.stop();
    scene.read();
    scene.assert_all();
}

#[test]
fn after_a_crash_nothing_is_missing() {
    let mut scene = Scene::new(&["app.log"]);
    scene.write("app.log", 10);
    // One turn: the last record may go on, so it was not given.
    scene.turn();
    let given = scene.seen().len();
    assert!(given < 10, "{given}");
    scene.crash();
    scene.write("app.log", 10);
    scene.read();
    let mut seen = scene.seen();
    seen.dedup();
    assert_eq!(seen, (1..=20).collect::<Vec<_>>());
    assert!(scene.seen().len() <= 22);
}

#[test]
fn a_record_is_not_counted_again_by_its_rest() {
    let mut scene = Scene::new(&["app.log"]);
    scene.append("app.log", b"2024-03-11 09:00:00 ERROR [main] java.net.ConnectException: Failed to connect to h1.example/203.0.113.7:443\n\tat a.B.c(D.java:1)\n");
    scene.turn();
    scene.stop();
    scene.append("app.log", b"Caused by: java.net.ConnectException: Connection refused\n\t... 3 more\n2024-03-11 09:00:01 INFO [main] fine\n");
    scene.lines = 1;
    scene.read();
    assert_eq!(scene.signals.len(), 1, "{:?}", scene.signals);
}

#[test]
fn requests_are_counted_once_over_runs() {
    let mut scene = Scene::new(&["access.log"]);
    scene.plan.log.kind = Kind::Access;
    let mut wanted = 0;
    for run in 0..6u32 {
        for second in 0..50u32 {
            let at = run * 50 + second;
            let text = format!(
                "192.0.2.7 - - [11/Mar/2024:09:{:02}:{:02} +0000] \"GET / HTTP/1.1\" 200 1\n",
                at / 60,
                at % 60
            );
            scene.append("access.log", text.as_bytes());
            wanted += 1;
        }
        scene.turn();
        if run % 2 == 0 { scene.stop() } else { scene.crash() }
    }
    scene.turn();
    scene.stop();
    let total: u64 = scene
        .signals
        .iter()
        .map(|signal| match &signal.word {
            Word::Requests(requests) => requests.total,
            _ => 0,
        })
        .sum();
    assert_eq!(total, wanted);
}

#[test]
fn what_is_no_text_is_left_out_and_said_once() {
    let mut scene = Scene::new(&["*.log"]);
    fs::write(scene.path("a.log"), [0x7f, b'E', b'L', b'F', 0, 0, 0, 1]).expect("written");
    scene.write("b.log", 2);
    scene.read();
    scene.assert_all();
    assert_eq!(scene.remarks, [Remark::Binary { path: scene.path("a.log") }]);
}

#[test]
fn an_endless_line_and_a_hole_are_read_over() {
    let mut scene = Scene::new(&["app.log"]);
    scene.append("app.log", &vec![0; 100_000]);
    scene.append("app.log", &vec![b'x'; 10 << 20]);
    scene.append("app.log", b"\n");
    scene.write("app.log", 2);
    scene.read();
    scene.assert_all();
    assert!(scene.signals.iter().any(|signal| matches!(signal.word, Word::Lost { count: 1, .. })));
}

#[test]
fn lines_in_cp949_are_understood() {
    let mut scene = Scene::new(&["app.log"]);
    let (text, _, _) = encoding_rs::EUC_KR.encode("[2024-03-11 09:00:00] 오류 : 푸시 서버 접속 실패 (https://h1.example/send)\njava.net.SocketTimeoutException: connect timed out\n");
    scene.append("app.log", &text);
    scene.lines = 1;
    scene.read();
    scene.assert_all();
}

#[test]
fn permission_that_comes_back_is_used() {
    if nix::unistd::geteuid().is_root() {
        eprintln!("skipped: root may read everything");
        return;
    }
    let mut scene = Scene::new(&["app.log"]);
    scene.write("app.log", 2);
    let mode =
        |mode| fs::set_permissions(scene.path("app.log"), fs::Permissions::from_mode(mode)).expect("set");
    mode(0o000);
    scene.turn();
    assert!(matches!(scene.remarks[..], [Remark::Unreadable { .. }]));
    fs::set_permissions(scene.path("app.log"), fs::Permissions::from_mode(0o644)).expect("set");
    scene.read();
    scene.assert_all();
}

#[test]
fn one_log_does_not_keep_others_waiting() {
    let mut scene = Scene::new(&["*.log"]);
    let filler = format!("2024-03-11 09:00:00 INFO {}\n", "x".repeat(4_000)).repeat(2_000);
    scene.append("a.log", filler.as_bytes());
    scene.write("b.log", 1);
    let turn = scene.turn();
    assert!(turn.has_more && turn.behind > 1 << 20, "{turn:?}");
    while scene.turn().has_more {}
    scene.read();
    scene.assert_all();
}

#[test]
fn logrotate_itself_is_followed() {
    let known = Command::new("logrotate").arg("--version").output();
    if known.is_err() {
        eprintln!("skipped: logrotate is not installed");
        return;
    }
    for options in [
        "create",
        "copytruncate",
        "create\n compress",
        "copytruncate\n compress\n delaycompress",
        "create\n compress\n delaycompress",
    ] {
        let mut scene = Scene::new(&["app.log"]);
        let config = scene.path("rotate.conf");
        let text = format!(
            "{} {{\n rotate 9\n size 1\n su root root\n {options}\n}}\n",
            scene.path("app.log").display()
        );
        let text = if nix::unistd::geteuid().is_root() { text } else { text.replace(" su root root\n", "") };
        fs::write(&config, text).expect("written");
        scene.write("app.log", 50);
        scene.read();
        for round in 0..4 {
            scene.write("app.log", 70);
            rotate(&config, &scene.path("status"));
            scene.write("app.log", 30);
            if round == 2 {
                scene.stop();
            } else {
                scene.read();
            }
        }
        scene.read();
        assert_eq!(scene.seen(), (1..=scene.lines).collect::<Vec<_>>(), "{options}");
    }
}

fn rotate(config: &Path, status: &Path) {
    let done =
        Command::new("logrotate").args(["--force", "--state"]).arg(status).arg(config).output().expect("run");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn whoever_takes_signals_late_makes_the_reader_wait() {
    let mut scene = Scene::new(&["app.log"]);
    scene.write("app.log", 500);
    scene.plan.follows = false;
    let running = spawn(scene.plan.clone(), log::exceptions()).expect("a thread");
    let mut signals = Vec::new();
    while let Ok(told) = running.told.recv() {
        if let Told::Signals(mut more) = told {
            signals.append(&mut more);
        }
    }
    scene.signals = signals;
    scene.assert_all();
}
