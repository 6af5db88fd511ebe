//! A reader that is killed at any moment, while files are rotated and truncated: nothing is missing, and nothing is told
//! twice that it had time to keep.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use reach::logs::{Input, LogSource, wall_clock};
use reach_signal::log::exceptions;
use tempfile::TempDir;

use crate::numbered::{line, numbers, plan};

const PATIENCE: Duration = Duration::from_secs(120);
/// Names the directory to the process that reads and is killed.
const READS: &str = "REACH_TEST_READS";
const KILLS: usize = 32;

/// Not a test by itself: what the one below starts, and kills.
#[test]
fn the_reader_that_is_killed() {
    let Some(directory) = env::var_os(READS) else { return };
    let directory = Path::new(&directory);
    let mut plan = plan(Input::Files(vec![directory.join("app.log").to_string_lossy().into_owned()]));
    plan.kept = Some(directory.join("state/kept.json"));
    let (mut source, remarks) = LogSource::open(plan, exceptions()).expect("open");
    assert_eq!(remarks, []);
    let mut told = fs::File::options().create(true).append(true).open(directory.join("told")).expect("open");
    loop {
        let turn = source.poll(wall_clock());
        let given = numbers(&turn.signals);
        if !given.is_empty() {
            let given: Vec<String> = given.iter().map(ToString::to_string).collect();
            told.write_all(format!("{}\n", given.join(" ")).as_bytes()).expect("told");
        }
        source.keep().expect("kept");
        told.write_all(b"kept\n").expect("told");
        if !turn.has_more {
            source.wait(Duration::from_millis(50));
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

/// The names of the rotated ones are shifted, as logrotate does it.
fn shift(directory: &Path) {
    for number in (1..9).rev() {
        let name = |number: u32| directory.join(format!("app.log.{number}"));
        let _ = fs::rename(name(number), name(number + 1));
    }
}

#[test]
fn nothing_is_missing_and_nothing_that_was_kept_is_told_twice() {
    let scene = TempDir::new().expect("a directory");
    let directory = scene.path();
    let log = directory.join("app.log");
    let append = |text: &str| {
        let mut file = fs::File::options().create(true).append(true).open(&log).expect("open");
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
            append(&line(written));
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
            shift(directory);
            if dice.below(2) == 0 {
                fs::rename(&log, directory.join("app.log.1")).expect("rotated");
            } else {
                fs::copy(&log, directory.join("app.log.1")).expect("copied");
                fs::File::options().write(true).open(&log).expect("open").set_len(0).expect("truncated");
            }
        }
        reader.get_or_insert_with(|| Reader::start(directory));
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
}
