//! A real journal, followed with a real `journalctl`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reach::logs::{Input, Journal, LogSource, Remark, wall_clock};
use reach_core::Time;
use reach_signal::log::exceptions;
use tempfile::TempDir;

use crate::numbered::{line, numbers, plan};

const PATIENCE: Duration = Duration::from_secs(60);

/// What writes a journal out of entries, where systemd's own is installed.
fn writer() -> Option<PathBuf> {
    let places = ["/lib/systemd/systemd-journal-remote", "/usr/lib/systemd/systemd-journal-remote"];
    let writer = places.iter().map(PathBuf::from).find(|path| path.is_file());
    let reads = Command::new("journalctl").arg("--version").stdout(Stdio::null()).status();
    writer.filter(|_| reads.is_ok_and(|status| status.success()))
}

/// A journal, and whoever follows it.
struct Scene {
    writer: PathBuf,
    directory: TempDir,
    source: Option<LogSource>,
    written: u64,
    clock: Time,
    seen: Vec<u64>,
    remarks: Vec<Remark>,
}

impl Scene {
    fn new() -> Option<Self> {
        let Some(writer) = writer() else {
            let _ = writeln!(io::stderr(), "SKIPPED: needs journalctl and systemd-journal-remote");
            return None;
        };
        let directory = TempDir::new().expect("a directory");
        fs::create_dir(directory.path().join("journal")).expect("made");
        Some(Self {
            writer,
            directory,
            source: None,
            written: 0,
            clock: wall_clock(),
            seen: Vec::new(),
            remarks: Vec::new(),
        })
    }

    fn journal(&self) -> PathBuf {
        self.directory.path().join("journal")
    }

    /// Writes entries with these messages, in systemd's export format.
    fn write(&mut self, messages: &[Vec<u8>]) {
        let mut bytes = Vec::new();
        for message in messages {
            self.written += 1;
            let at = 1_710_115_953_000_000 + self.written * 1_000_000;
            let head = format!(
                "__REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID=0123456789abcdef0123456789abcdef\n\
                 _MACHINE_ID=0123456789abcdef0123456789abcdef\n_SYSTEMD_UNIT=app.service\n_PID=7\nPRIORITY=3\nMESSAGE\n",
                self.written * 1_000_000
            );
            bytes.extend(head.as_bytes());
            bytes.extend((message.len() as u64).to_le_bytes());
            bytes.extend(message);
            bytes.extend(b"\n\n");
        }
        let mut child = Command::new(&self.writer)
            .arg("-o")
            .arg(self.journal().join("remote.journal"))
            .arg("-")
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it writes");
        child.stdin.take().expect("a pipe").write_all(&bytes).expect("written");
        assert!(child.wait().expect("ended").success());
    }

    fn write_numbered(&mut self, count: u64) {
        let from = self.written;
        let messages: Vec<Vec<u8>> =
            (from + 1..=from + count).map(|number| line(number).trim_end().as_bytes().to_vec()).collect();
        self.write(&messages);
    }

    fn turn(&mut self) {
        if self.source.is_none() {
            let journal = Journal { directory: Some(self.journal()), ..Journal::default() };
            let mut plan = plan(Input::Journal(journal));
            plan.kept = Some(self.directory.path().join("kept.json"));
            let (source, remarks) = LogSource::open(plan, exceptions()).expect("open");
            assert_eq!(remarks, []);
            self.source = Some(source);
        }
        let source = self.source.as_mut().expect("open");
        // What is quiet for a second is complete; nobody has to wait for that here.
        self.clock = self.clock + Duration::from_millis(1_500);
        let turn = source.poll(self.clock);
        self.seen.extend(numbers(&turn.signals));
        self.remarks.extend(turn.remarks);
    }

    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < PATIENCE, "{what}: {:?} {:?}", self.seen, self.remarks);
            self.turn();
            thread::sleep(Duration::from_millis(30));
        }
    }

    /// The journalctl that reads this journal.
    fn reader(&self) -> Option<Pid> {
        let wanted = self.journal();
        let wanted = wanted.as_os_str().as_encoded_bytes();
        let processes = fs::read_dir("/proc").expect("/proc").flatten();
        let ours = processes.filter_map(|entry| {
            let command = fs::read(entry.path().join("cmdline")).ok()?;
            let reads = command.starts_with(b"journalctl") && contains(&command, wanted);
            reads.then(|| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw)).flatten()
        });
        ours.into_iter().next()
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

fn counted(to: u64) -> Vec<u64> {
    (1..=to).collect()
}

#[test]
fn a_journal_is_followed_through_kills_of_journalctl_and_of_the_reader() {
    let Some(mut scene) = Scene::new() else { return };
    scene.write_numbered(5);
    scene.until("what is there", |scene| scene.seen.len() >= 5);
    scene.write_numbered(5);
    scene.until("what comes", |scene| scene.seen.len() >= 10);
    for round in 0..3 {
        let pid = scene.reader().expect("a journalctl");
        kill(pid, Signal::SIGKILL).expect("killed");
        scene.write_numbered(4);
        let wanted = 10 + (round + 1) * 4;
        scene.until("what came while nobody read", |scene| scene.seen.len() >= wanted);
    }
    assert!(
        scene.remarks.iter().any(|remark| matches!(remark, Remark::JournalEnded { .. })),
        "{:?}",
        scene.remarks
    );
    // The reader itself is gone, with what it kept.
    scene.source.as_mut().expect("open").keep().expect("kept");
    scene.source = None;
    assert_eq!(scene.reader(), None, "nobody reads any more");
    scene.write_numbered(3);
    scene.until("what came while nobody was there", |scene| scene.seen.len() >= 25);
    let rest = scene.source.take().map(|mut source| source.stop(scene.clock)).unwrap_or_default();
    scene.seen.extend(numbers(&rest));
    assert_eq!(scene.seen, counted(25), "in order, each once");
}

#[test]
fn an_entry_may_be_long_or_no_utf_8() {
    let Some(mut scene) = Scene::new() else { return };
    let long = format!("{} {}", line(1).trim_end(), "x".repeat(2_000_000));
    let (old, _, _) = encoding_rs::EUC_KR.encode(
        "2024-03-11 09:00:02,000 ERROR [배치] 발송 실패: https://h2.example/send\njava.net.SocketTimeoutException: connect timed out\n\tat a.b.C(D.java:1)",
    );
    let last = line(3).trim_end().as_bytes().to_vec();
    scene.write(&[long.into_bytes(), old.into_owned(), last]);
    scene.until("all", |scene| scene.seen.len() >= 3);
    assert_eq!(scene.seen, counted(3));
}

#[test]
fn a_directory_without_a_journal_is_waited_for() {
    let Some(mut scene) = Scene::new() else { return };
    (0..10).for_each(|_| scene.turn());
    assert_eq!(scene.seen, counted(0));
    scene.write_numbered(2);
    scene.until("what comes", |scene| scene.seen.len() >= 2);
    assert_eq!(scene.seen, counted(2));
    assert!(Path::new(&scene.journal()).is_dir());
}
