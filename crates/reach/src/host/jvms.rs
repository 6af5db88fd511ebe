//! The JVMs of this host, by the counters that each keeps in a file.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use reach_core::{
    Time,
    signal::{Level, Origin, Signal, Word},
};
use reach_signal::host::hsperf::{Jvm, MOST_BYTES, Pulse};

use super::{
    SOURCE,
    files::{Roots, foreign_bytes, text},
    processes,
};

/// The most JVMs.
const MOST: usize = 512;
/// The most directories of users in one `/tmp`.
const MOST_USERS: usize = 64;

/// What is known of them from the looks before.
#[derive(Debug, Default)]
pub(super) struct Jvms {
    pulses: BTreeMap<u32, Pulse>,
}

impl Jvms {
    /// The levels of all JVMs that may be read.
    pub(super) fn look(&mut self, now: Time, roots: &Roots, processes: &[u32]) -> Vec<Signal> {
        let mut signals = Vec::new();
        let mut alive = BTreeMap::new();
        for (process, path) in counters(roots, processes) {
            // A file may be in the making, or its owner may just have ended.
            let Some(jvm) = foreign_bytes(&path, MOST_BYTES).ok().and_then(|bytes| Jvm::parse(&bytes).ok())
            else {
                continue;
            };
            let directory = processes::directory(roots, process);
            let name = jvm.main.clone().or_else(|| processes::command(&directory)).unwrap_or_default();
            let mut pulse = self.pulses.remove(&process).unwrap_or_default();
            let origin = Origin {
                source: SOURCE.to_owned(),
                service: processes::unit(&directory).or_else(|| jvm.main.clone()),
                instance: Some(format!("pid {process}")),
            };
            let levels = pulse.levels(now, &format!("{name}[{process}]"), &jvm);
            let said = |level: Level| Signal { at: now, origin: origin.clone(), word: Word::Level(level) };
            signals.extend(levels.into_iter().map(said));
            alive.insert(process, pulse);
        }
        self.pulses = alive;
        signals
    }
}

/// The file of each JVM. One in a container has it in its own `/tmp`, under the number that it has there.
fn counters(roots: &Roots, processes: &[u32]) -> BTreeMap<u32, PathBuf> {
    let mut found = BTreeMap::new();
    for directory in users(&roots.tmp) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten().take(MOST) {
            let process = entry.file_name().to_str().and_then(|name| name.parse().ok());
            // A JVM that was killed leaves its file.
            if let Some(process) = process.filter(|process| processes.binary_search(process).is_ok()) {
                found.insert(process, entry.path());
            }
        }
    }
    for &process in processes {
        if found.len() >= MOST {
            break;
        }
        let directory = processes::directory(roots, process);
        if found.contains_key(&process) || processes::command(&directory).as_deref() != Some("java") {
            continue;
        }
        let inside = inner_number(&text(&directory.join("status"))).unwrap_or(process);
        let file = users(&directory.join("root/tmp"))
            .into_iter()
            .map(|directory| directory.join(inside.to_string()))
            .find(|path| path.symlink_metadata().is_ok());
        if let Some(file) = file {
            found.insert(process, file);
        }
    }
    found
}

fn users(tmp: &Path) -> Vec<PathBuf> {
    let is_one = |entry: &fs::DirEntry| {
        entry.file_name().to_string_lossy().starts_with("hsperfdata_")
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
    };
    let entries = fs::read_dir(tmp).into_iter().flatten().flatten();
    entries.filter(is_one).map(|entry| entry.path()).take(MOST_USERS).collect()
}

/// The number of a process in its own namespace: the last of `NSpid:`.
fn inner_number(status: &str) -> Option<u32> {
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    numbers.split_ascii_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    use reach_core::signal::Gauge;

    use super::*;

    #[test]
    fn a_process_has_the_number_of_its_own_namespace() {
        assert_eq!(inner_number("Name:\tx\nNSpid:\t4711\t12\n"), Some(12));
        assert_eq!(inner_number("Name:\tx\n"), None);
    }

    #[test]
    fn a_real_jvm_tells_its_heap() {
        /// Collects, says so, and waits until it may end.
        const HOLD: &str = "public class Hold { public static void main(String[] a) throws Exception {\
            byte[] b = new byte[8 << 20]; System.gc(); System.out.println(b.length); System.in.read(); } }";
        let directory = tempfile::tempdir().expect("a directory");
        let source = directory.path().join("Hold.java");
        fs::write(&source, HOLD).expect("written");
        // Running a source file needs a compiler, which a JRE has not.
        let started = Command::new("java")
            .args(["-Xmx64m", "-XX:+UseSerialGC", "-XX:+UsePerfData"])
            .arg(&source)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut java) = started else {
            eprintln!("SKIPPED: no java here");
            return;
        };
        let mut line = String::new();
        let read = BufReader::new(java.stdout.take().expect("piped")).read_line(&mut line);
        if read.is_err() || line.is_empty() {
            let _ = java.wait();
            eprintln!("SKIPPED: this java cannot run a source file");
            return;
        }
        let roots = Roots::default();
        let at = |seconds: u64| Time::from_micros(seconds * 1_000_000);
        let mut jvms = Jvms::default();
        let mine = format!("pid {}", java.id());
        let mut look = |now| {
            let mut signals = jvms.look(now, &roots, &processes::all(&roots));
            signals.retain(|signal| signal.origin.instance.as_deref() == Some(&mine));
            signals
        };
        look(at(1));
        let signals = look(at(2));
        drop(java.stdin.take());
        java.wait().expect("ended");
        let level = |gauge| {
            signals.iter().find_map(|signal| match &signal.word {
                Word::Level(level) if level.gauge == gauge => Some(level.clone()),
                _ => None,
            })
        };
        let heap = level(Gauge::Heap).expect("a heap");
        assert!(heap.total.is_some_and(|total| total.abs_diff(64 << 20) < 4 << 20), "{heap:?}");
        assert!(heap.used.is_some_and(|used| used >= 8 << 20), "{heap:?}");
        assert!(level(Gauge::Collection).is_some(), "{signals:?}");
    }
}
