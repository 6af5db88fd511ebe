//! A reader that is killed at any moment, while files are rotated and truncated: nothing is missing, and nothing is told
//! twice that it had time to keep.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use reach::logs::{Input, LogSource, wall_clock};
use reach_core::signal::Word;
use reach_signal::log::{Kind, exceptions};
use tempfile::TempDir;

use crate::numbered::{line, numbers, plan};

const PATIENCE: Duration = Duration::from_secs(120);
/// Names the directory to the process that reads and is killed.
const READS: &str = "REACH_TEST_READS";
const KILLS: usize = 32;
/// 2024-03-11T09:00:00Z.
const NINE: u64 = 1_710_147_600;
/// Later than any other request, in tenths of a second.
const LATER: u64 = 100_000;
/// Requests are counted in stretches so long.
const WINDOW: Duration = Duration::from_secs(5);

/// Not a test by itself: what the one below starts, and kills.
#[test]
fn the_reader_that_is_killed() {
    let Some(directory) = env::var_os(READS) else { return };
    let directory = Path::new(&directory);
    let open = |name: &str, kind: Kind| {
        let mut plan = plan(Input::Files(vec![directory.join(name).to_string_lossy().into_owned()]));
        plan.log.kind = kind;
        plan.log.window = WINDOW;
        plan.kept = Some(directory.join("state").join(format!("{name}.json")));
        let (source, remarks) = LogSource::open(plan, exceptions()).expect("open");
        assert_eq!(remarks, []);
        source
    };
    let mut failures = open("app.log", Kind::Application);
    let mut requests = open("access.log", Kind::Access);
    let mut told = fs::File::options().create(true).append(true).open(directory.join("told")).expect("open");
    loop {
        let turn = failures.poll(wall_clock());
        let windows = requests.poll(wall_clock());
        let mut given: Vec<String> = numbers(&turn.signals).iter().map(ToString::to_string).collect();
        given.extend(windows.signals.iter().filter_map(|signal| match &signal.word {
            Word::Requests(requests) => Some(format!("{}={}", signal.at.as_secs(), requests.total)),
            _ => None,
        }));
        if !given.is_empty() {
            told.write_all(format!("{}\n", given.join(" ")).as_bytes()).expect("told");
        }
        failures.keep().expect("kept");
        requests.keep().expect("kept");
        told.write_all(b"kept\n").expect("told");
        if !turn.has_more && !windows.has_more {
            failures.wait(Duration::from_millis(50));
        }
    }
}

/// A reader in a process of its own, until it is dropped.
struct Reader(Child);

impl Reader {
    fn start(directory: &Path) -> Self {
        let child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "kills::the_reader_that_is_killed", "--nocapture"])
            .env(READS, directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        Self(child)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Numbers that are as good as any, and the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Requests by the windows that they were told of in, but for the last one: what was told again was told for good the last
/// time.
fn served(directory: &Path) -> u64 {
    let text = fs::read_to_string(directory.join("told")).unwrap_or_default();
    let windows: BTreeMap<u64, u64> = text
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .filter_map(|(end, total)| Some((end.parse().ok()?, total.parse().ok()?)))
        .collect();
    windows.range(..NINE + LATER / 10).map(|(_, total)| total).sum()
}

/// What was told, and how often each may have been: once, and once more for each kill before it was kept.
fn told(directory: &Path) -> (BTreeMap<u64, usize>, BTreeMap<u64, usize>) {
    let text = fs::read_to_string(directory.join("told")).unwrap_or_default();
    let (mut often, mut allowed) = (BTreeMap::new(), BTreeMap::new());
    let mut open: BTreeSet<u64> = BTreeSet::new();
    for line in text.lines() {
        if line == "kept" {
            open.clear();
            continue;
        }
        if line == "killed" {
            open.iter().for_each(|number| *allowed.entry(*number).or_insert(1) += 1);
            open.clear();
            continue;
        }
        for number in line.split(' ').filter_map(|number| number.parse().ok()) {
            *often.entry(number).or_insert(0) += 1;
            open.insert(number);
        }
    }
    (often, allowed)
}

/// As logrotate does it: the names of the rotated ones are shifted, and this one is renamed, or copied and truncated.
fn rotate(log: &Path, copies: bool) {
    let name = |number: u32| PathBuf::from(format!("{}.{number}", log.display()));
    for number in (1..9).rev() {
        let _ = fs::rename(name(number), name(number + 1));
    }
    if copies {
        fs::copy(log, name(1)).expect("copied");
        fs::File::options().write(true).open(log).expect("open").set_len(0).expect("truncated");
    } else {
        fs::rename(log, name(1)).expect("rotated");
    }
}

/// A request that was served so many tenths of a second after nine.
fn request(tenths: u64) -> String {
    let (hour, minute, second) = (9 + tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60);
    format!("192.0.2.7 - - [11/Mar/2024:{hour:02}:{minute:02}:{second:02} +0000] \"GET / HTTP/1.1\" 200 1\n")
}

#[test]
fn nothing_is_missing_and_nothing_that_was_kept_is_told_twice() {
    let scene = TempDir::new().expect("a directory");
    let directory = scene.path();
    let (log, access) = (directory.join("app.log"), directory.join("access.log"));
    let append = |path: &Path, text: &str| {
        let mut file = fs::File::options().create(true).append(true).open(path).expect("open");
        file.write_all(text.as_bytes()).expect("written");
    };
    let note_kill = || {
        let mut told =
            fs::File::options().create(true).append(true).open(directory.join("told")).expect("open");
        told.write_all(b"\nkilled\n").expect("noted");
    };
    let (mut dice, mut written, mut kills) = (Dice(7), 0u64, 0);
    let mut reader = Some(Reader::start(directory));
    // Who has never looked knows of nothing that was rotated away.
    let began = Instant::now();
    while !fs::read_to_string(directory.join("told")).is_ok_and(|told| told.contains("kept")) {
        assert!(began.elapsed() < PATIENCE, "the reader does not start");
        thread::sleep(Duration::from_millis(20));
    }
    let mut rotated_at = Instant::now();
    while kills < KILLS {
        for _ in 0..=dice.below(60) {
            written += 1;
            append(&log, &line(written));
            append(&access, &request(written));
        }
        thread::sleep(Duration::from_millis(dice.below(25)));
        if dice.below(3) == 0 {
            drop(reader.take());
            note_kill();
            kills += 1;
        }
        // Somebody rotates while nobody reads, too; never before what was rotated last could be looked at.
        if rotated_at.elapsed() > Duration::from_millis(700) {
            rotated_at = Instant::now();
            let copies = dice.below(2) == 0;
            rotate(&log, copies);
            rotate(&access, copies);
        }
        reader.get_or_insert_with(|| Reader::start(directory));
    }
    // Requests much later end every window before them.
    append(&access, &request(LATER));
    let began = Instant::now();
    while served(directory) < written {
        assert!(began.elapsed() < PATIENCE, "{} of {written} requests", served(directory));
        thread::sleep(Duration::from_millis(100));
    }
    let began = Instant::now();
    loop {
        let (often, _) = told(directory);
        let missing = (1..=written).filter(|number| !often.contains_key(number));
        if missing.clone().next().is_none() {
            break;
        }
        let count = missing.clone().count();
        let missing: Vec<u64> = missing.take(20).collect();
        assert!(began.elapsed() < PATIENCE, "{count} are missing of {written}: {missing:?}");
        thread::sleep(Duration::from_millis(100));
    }
    // Whatever is told twice is told by now.
    thread::sleep(Duration::from_millis(300));
    drop(reader);
    let (often, allowed) = told(directory);
    let twice: Vec<(&u64, &usize)> =
        often.iter().filter(|(number, often)| **often > allowed.get(number).copied().unwrap_or(1)).collect();
    assert_eq!(twice, [], "told too often, of {written}");
    assert_eq!(often.len() as u64, written);
    assert_eq!(served(directory), written, "requests");
}
