//! A JVM's performance counters as it shows them to `jstat`: the file `hsperfdata_USER/PID`, version 2.0 of the format
//! (`PerfDataPrologue`, `PerfDataEntry` of HotSpot's perfMemory.hpp), in use since JDK 1.4.1.
//!
//! Reading it disturbs nobody: the JVM writes into shared memory, nothing is attached. The file also holds command lines
//! and system properties, in which people put passwords. Of those only the main class or the jar's name and one limit are
//! looked at.

use std::{collections::BTreeMap, time::Duration};

use reach_core::{
    Time,
    signal::{Gauge, Level},
};

use super::counters::Meter;

/// The most bytes of a file that are looked at; `-XX:PerfDataMemorySize` is 32 KiB by default.
pub const MOST_BYTES: usize = 1 << 20;
/// The most counters of a file; there are about 200.
const MOST_ENTRIES: usize = 8_192;
const HEAD: usize = 32;
const ENTRY: usize = 20;

/// Why a file is no hsperfdata that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HsperfError {
    /// It begins otherwise.
    #[error("this is no hsperfdata")]
    Foreign,
    /// Another version of the format.
    #[error("hsperfdata of version {0}.{1}, not 2.0")]
    Version(u8, u8),
    /// The JVM is still starting.
    #[error("the JVM is still starting")]
    Starting,
}

/// What a JVM's counters say at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jvm {
    /// The main class, or the name of the jar.
    pub main: Option<String>,
    /// The version of Java: `17.0.19`, `1.8.0_292`.
    pub version: Option<String>,
    /// When it was started, in milliseconds since the epoch: another start is another JVM.
    pub started_ms: i64,
    /// Bytes of the heap in use, as of the last collection or a little later.
    pub used: u64,
    /// Bytes of the heap that are committed.
    pub committed: u64,
    /// The heap's limit in bytes, 0 where the counters do not tell.
    pub max: u64,
    /// The generations, youngest first; one of a heap without.
    pub generations: Vec<Generation>,
    /// Metaspace in use against its limit, or classes against theirs, whichever is fuller. `None` without limits.
    pub metaspace: Option<(u64, u64)>,
    /// Time that all threads were stopped for collections, since the start.
    pub paused: Duration,
    /// Collections since the start.
    pub collections: u64,
}

/// A part of the heap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generation {
    /// Its name: `young`, `old`.
    pub name: String,
    /// Bytes in use.
    pub used: u64,
    /// Bytes committed.
    pub committed: u64,
    /// Its limit in bytes.
    pub max: u64,
}

impl Jvm {
    /// Reads the counters.
    pub fn parse(bytes: &[u8]) -> Result<Self, HsperfError> {
        let counters = counters(&bytes[..bytes.len().min(MOST_BYTES)])?;
        let number = |name: &str| match counters.get(name) {
            Some(Value::Number(number)) => Some(u64::try_from(*number).unwrap_or(0)),
            _ => None,
        };
        let text = |name: &str| match counters.get(name) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let generations: Vec<Generation> = (0..3)
            .filter_map(|index| {
                let head = format!("sun.gc.generation.{index}");
                let of = |what: &str| number(&format!("{head}.{what}"));
                let used = (0..8)
                    .filter_map(|space| of(&format!("space.{space}.used")))
                    .fold(0, u64::saturating_add);
                let generation = Generation {
                    name: text(&format!("{head}.name"))?.to_owned(),
                    used,
                    committed: of("capacity")?,
                    max: of("maxCapacity").unwrap_or(0),
                };
                // Shenandoah names a young generation that it does not have.
                (generation.max > 0 || generation.committed > 0).then_some(generation)
            })
            .collect();
        let ticks = number("sun.os.hrt.frequency").filter(|&hertz| hertz > 0);
        let pauses = (0..8).filter(|index| {
            // Concurrent phases stop nobody; of some collectors the counter of their pauses has the word in it too.
            text(&format!("sun.gc.collector.{index}.name"))
                .is_none_or(|name| name.contains("pauses") || !name.contains("concurrent"))
        });
        let (mut paused, mut collections) = (0_u64, 0_u64);
        for index in pauses {
            paused = paused.saturating_add(number(&format!("sun.gc.collector.{index}.time")).unwrap_or(0));
            collections = collections
                .saturating_add(number(&format!("sun.gc.collector.{index}.invocations")).unwrap_or(0));
        }
        let paused = ticks.map_or(Duration::ZERO, |hertz| {
            Duration::from_secs(paused / hertz)
                + Duration::from_secs_f64((paused % hertz) as f64 / hertz as f64)
        });
        let sum = |of: fn(&Generation) -> u64| generations.iter().map(of).fold(0, u64::saturating_add);
        let arguments = text("java.rt.vmArgs").unwrap_or("");
        Ok(Self {
            main: text("sun.rt.javaCommand").and_then(main_class),
            version: text("java.property.java.version").map(str::to_owned),
            started_ms: number("sun.rt.createVmBeginTime").and_then(|ms| i64::try_from(ms).ok()).unwrap_or(0),
            used: sum(|generation| generation.used),
            committed: sum(|generation| generation.committed),
            max: heap_limit(text("sun.gc.policy.name"), &generations),
            metaspace: fuller([
                (number("sun.gc.metaspace.used"), size_option(arguments, "-XX:MaxMetaspaceSize=")),
                (
                    number("sun.gc.compressedclassspace.used"),
                    number("sun.gc.compressedclassspace.maxCapacity"),
                ),
            ]),
            generations,
            paused,
            collections,
        })
    }
}

/// The heap's limit. Generations of fixed shares add up; where they share the heap (G1, ZGC) each has all of it as its
/// limit, but for some bytes.
fn heap_limit(policy: Option<&str>, generations: &[Generation]) -> u64 {
    const SLACK: u64 = 4096;
    let most = generations.iter().map(|generation| generation.max).max().unwrap_or(0);
    let sum = generations.iter().map(|generation| generation.max).fold(0, u64::saturating_add);
    let apart = policy.is_some_and(|policy| policy.contains(':'));
    let share = generations.iter().all(|generation| most - generation.max <= SLACK);
    match generations.len() {
        0 | 1 => most,
        _ if !apart && share => generations.iter().map(|generation| generation.max).min().unwrap_or(0),
        _ => sum,
    }
}

fn fuller(of: [(Option<u64>, Option<u64>); 2]) -> Option<(u64, u64)> {
    let known = of.into_iter().filter_map(|(used, max)| Some((used?, max.filter(|&max| max > 0)?)));
    known.max_by(|a, b| (a.0 as f64 / a.1 as f64).total_cmp(&(b.0 as f64 / b.1 as f64)))
}

/// `app.jar` of `/opt/app/app.jar --password=…`, the class of `com.example.Main …`: never an argument.
fn main_class(command: &str) -> Option<String> {
    let first = command.split_ascii_whitespace().next()?;
    Some(first.rsplit('/').next().unwrap_or(first).to_owned())
}

/// A size among the JVM's options: `256m`, `1G`, `1048576`. The last one counts.
fn size_option(arguments: &str, option: &str) -> Option<u64> {
    let value =
        arguments.split_ascii_whitespace().filter_map(|word| word.strip_prefix(option)).next_back()?;
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match value.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

enum Value {
    Number(i64),
    Text(String),
}

/// The counters that are of use here, by name.
fn counters(bytes: &[u8]) -> Result<BTreeMap<String, Value>, HsperfError> {
    let head: &[u8; HEAD] = bytes.first_chunk().ok_or(HsperfError::Foreign)?;
    if head[..4] != [0xca, 0xfe, 0xc0, 0xc0] || head[4] > 1 {
        return Err(HsperfError::Foreign);
    }
    if head[5] != 2 && head[5] != 0 {
        return Err(HsperfError::Version(head[5], head[6]));
    }
    let file = File { bytes, little: head[4] == 1 };
    let (first, count) = (file.size(24), file.size(28));
    if head[5] == 0 || head[7] == 0 || file.size(8) == Some(0) {
        return Err(HsperfError::Starting);
    }
    let mut counters = BTreeMap::new();
    let mut at = first.ok_or(HsperfError::Foreign)?;
    for _ in 0..count.unwrap_or(0).min(MOST_ENTRIES) {
        let Some(length) = file.size(at).filter(|&length| length >= ENTRY) else { break };
        if let Some((name, value)) = file.entry(at, length) {
            counters.insert(name, value);
        }
        at += length;
    }
    Ok(counters)
}

struct File<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl File<'_> {
    fn word<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let mut word: [u8; N] = *self.bytes.get(at..)?.first_chunk()?;
        if self.little {
            word.reverse();
        }
        Some(word)
    }

    /// A length or an offset: within the file, or none.
    fn size(&self, at: usize) -> Option<usize> {
        let size = usize::try_from(i32::from_be_bytes(self.word(at)?)).ok()?;
        (size <= self.bytes.len()).then_some(size)
    }

    fn entry(&self, at: usize, length: usize) -> Option<(String, Value)> {
        const WANTED: [&str; 6] = [
            "sun.gc.",
            "sun.os.hrt.frequency",
            "sun.rt.createVmBeginTime",
            "sun.rt.javaCommand",
            "java.rt.vmArgs",
            "java.property.java.version",
        ];
        let entry = self.bytes.get(at..at.checked_add(length)?)?;
        let (name_at, items, data_at) = (self.size(at + 4)?, self.size(at + 8)?, self.size(at + 16)?);
        let name = text(entry.get(name_at..)?);
        if !WANTED.iter().any(|wanted| name.starts_with(wanted)) {
            return None;
        }
        let value = match (entry[12], items) {
            (b'J', 0) => Value::Number(i64::from_be_bytes(self.word(at.checked_add(data_at)?)?)),
            (b'B', items) if items > 0 => Value::Text(text(entry.get(data_at..)?.get(..items)?)),
            _ => return None,
        };
        Some((name, value))
    }
}

/// A text that ends with a zero or with what there is. Control characters are left out: this is foreign.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).chars().filter(|c| !c.is_control()).collect()
}

/// What is known of a JVM from the looks before.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    pauses: Meter<(i64, Duration)>,
}

impl Pulse {
    /// The levels of a JVM that is called `of`: heap and old generation, metaspace, and the share of time that it stood
    /// still for collections since the last look. A JVM that was started anew begins again.
    pub fn levels(&mut self, now: Time, of: &str, jvm: &Jvm) -> Vec<Level> {
        let fill = |gauge, of: &str, used: u64, max: u64| {
            let share = used as f64 / max as f64;
            (max > 0).then(|| Level { gauge, of: of.to_owned(), share, used: Some(used), total: Some(max) })
        };
        let mut levels: Vec<Level> = fill(Gauge::Heap, of, jvm.used, jvm.max).into_iter().collect();
        levels.extend(jvm.metaspace.and_then(|(used, max)| fill(Gauge::Metaspace, of, used, max)));
        if let Some(((started, before), span)) = self.pauses.turn(now, (jvm.started_ms, jvm.paused))
            && started == jvm.started_ms
            && let Some(paused) = jvm.paused.checked_sub(before)
        {
            levels.push(Level {
                gauge: Gauge::Collection,
                of: of.to_owned(),
                share: (paused.as_secs_f64() / span.as_secs_f64()).min(1.0),
                used: None,
                total: None,
            });
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn real(name: &str) -> Jvm {
        let path = format!("{}/tests/hsperf/{name}.hsperf", env!("CARGO_MANIFEST_DIR"));
        Jvm::parse(&std::fs::read(path).expect("a fixture")).expect("counters")
    }

    #[test]
    fn the_files_of_real_jvms_tell_the_heap_that_they_were_started_with() {
        // All were started with -Xmx256m, hold 60 MiB in 60 arrays, and had collected.
        for name in ["g1-17", "serial-25", "parallel-17", "z-17", "z-25", "shenandoah-25"] {
            let jvm = real(name);
            assert!(jvm.max.abs_diff(256 * MIB) <= MIB, "{name}: {}", jvm.max);
            assert!((60 * MIB..256 * MIB).contains(&jvm.used), "{name}: {}", jvm.used);
            assert!(jvm.committed <= jvm.max + 4096 && jvm.used <= jvm.committed, "{name}: {jvm:?}");
            assert!(jvm.collections > 0 && jvm.paused > Duration::ZERO, "{name}");
            assert_eq!(jvm.main.as_deref(), Some("Hold"), "{name}: the arguments are nobody's business");
            assert!(
                jvm.version.as_deref().is_some_and(|it| it.starts_with(&name[name.len() - 2..])),
                "{name}"
            );
            assert!(jvm.started_ms > 1_700_000_000_000, "{name}");
        }
    }

    #[test]
    fn generations_are_told_apart() {
        let names = |jvm: Jvm| jvm.generations.into_iter().map(|it| it.name).collect::<Vec<_>>();
        assert_eq!(names(real("serial-25")), ["new", "old"]);
        assert_eq!(names(real("shenandoah-25")), ["Heap"]);
        assert_eq!(names(real("z-25")), ["young", "old"]);
    }

    /// A file as a JVM of either byte order would write it.
    fn file(little: bool, entries: &[(&str, Result<i64, &str>)]) -> Vec<u8> {
        let int = |value: i32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let mut bytes = vec![0xca, 0xfe, 0xc0, 0xc0, u8::from(little), 2, 0, 1];
        bytes.extend(int(HEAD as i32));
        bytes.extend([0; 12]);
        bytes.extend(int(HEAD as i32));
        bytes.extend(int(entries.len() as i32));
        for (name, value) in entries {
            let data_at = (ENTRY + name.len() + 1).next_multiple_of(8);
            let (kind, items, data) = match value {
                Ok(number) if little => (b'J', 0, number.to_le_bytes().to_vec()),
                Ok(number) => (b'J', 0, number.to_be_bytes().to_vec()),
                Err(text) => (b'B', text.len() + 8, [text.as_bytes(), &[0; 8]].concat()),
            };
            let length = (data_at + data.len()).next_multiple_of(8);
            let start = bytes.len();
            for word in [length, ENTRY, items] {
                bytes.extend(int(word as i32));
            }
            bytes.extend([kind, 0, 1, 1]);
            bytes.extend(int(data_at as i32));
            bytes.extend(name.as_bytes());
            bytes.resize(start + data_at, 0);
            bytes.extend(data);
            bytes.resize(start + length, 0);
        }
        bytes
    }

    fn java8(time: i64) -> Vec<(&'static str, Result<i64, &'static str>)> {
        vec![
            ("sun.rt.javaCommand", Err("/opt/app/push.jar --password=secret")),
            (
                "java.rt.vmArgs",
                Err("-Xmx1g -XX:MaxMetaspaceSize=64m -Ddb.password=secret -XX:MaxMetaspaceSize=128M"),
            ),
            ("java.property.java.version", Err("1.8.0_292")),
            ("sun.os.hrt.frequency", Ok(1_000_000)),
            ("sun.gc.policy.name", Err("GarbageFirst")),
            ("sun.gc.generation.0.name", Err("young")),
            ("sun.gc.generation.0.capacity", Ok(400)),
            ("sun.gc.generation.0.maxCapacity", Ok(1_073_741_848)),
            ("sun.gc.generation.0.space.0.used", Ok(100)),
            ("sun.gc.generation.0.space.2.used", Ok(50)),
            ("sun.gc.generation.1.name", Err("old")),
            ("sun.gc.generation.1.capacity", Ok(600)),
            ("sun.gc.generation.1.maxCapacity", Ok(1_073_741_832)),
            ("sun.gc.generation.1.space.0.used", Ok(500)),
            ("sun.gc.metaspace.used", Ok(96 << 20)),
            ("sun.gc.compressedclassspace.used", Ok(10 << 20)),
            ("sun.gc.compressedclassspace.maxCapacity", Ok(1 << 30)),
            ("sun.gc.collector.0.name", Err("G1 incremental collections")),
            ("sun.gc.collector.0.invocations", Ok(10)),
            ("sun.gc.collector.0.time", Ok(time)),
            ("sun.gc.collector.1.name", Err("G1 stop-the-world full collections")),
            ("sun.gc.collector.1.time", Ok(0)),
            ("sun.gc.collector.2.name", Err("Some concurrent marking")),
            ("sun.gc.collector.2.time", Ok(77_000_000)),
        ]
    }

    #[test]
    fn a_file_of_jdk_8_is_read_in_either_byte_order() {
        for little in [true, false] {
            let jvm = Jvm::parse(&file(little, &java8(2_500_000))).expect("counters");
            assert_eq!((jvm.used, jvm.committed, jvm.max), (650, 1000, 1_073_741_832));
            assert_eq!(jvm.metaspace, Some((96 << 20, 128 << 20)));
            assert_eq!((jvm.paused, jvm.collections), (Duration::from_millis(2_500), 10));
            assert_eq!((jvm.main.as_deref(), jvm.version.as_deref()), (Some("push.jar"), Some("1.8.0_292")));
            assert!(!format!("{jvm:?}").contains("secret"));
        }
    }

    #[test]
    fn time_for_collections_is_a_share_of_the_time_between_looks() {
        let look = |time| Jvm::parse(&file(true, &java8(time))).expect("counters");
        let at = |seconds: u64| Time::from_micros(seconds * 1_000_000);
        let share =
            |levels: Vec<Level>| levels.iter().find(|it| it.gauge == Gauge::Collection).map(|it| it.share);
        let mut pulse = Pulse::default();
        assert_eq!(share(pulse.levels(at(0), "push", &look(1_000_000))), None);
        assert_eq!(share(pulse.levels(at(10), "push", &look(6_000_000))), Some(0.5));
        assert_eq!(share(pulse.levels(at(20), "push", &look(0))), None, "a new JVM begins again");
        let again = Jvm { started_ms: 5, ..look(3_000_000) };
        assert_eq!(share(pulse.levels(at(30), "push", &again)), None);
    }

    #[test]
    fn what_is_something_else_is_told_as_such() {
        assert_eq!(Jvm::parse(b"#!/bin/sh"), Err(HsperfError::Foreign));
        let mut bytes = file(true, &[]);
        bytes[5] = 3;
        assert_eq!(Jvm::parse(&bytes), Err(HsperfError::Version(3, 0)));
        bytes[5] = 2;
        bytes[7] = 0;
        assert_eq!(Jvm::parse(&bytes), Err(HsperfError::Starting));
        bytes[7] = 1;
        assert_eq!(Jvm::parse(&bytes), Ok(Jvm::default()));
    }

    #[test]
    fn sizes_are_read_as_java_reads_them() {
        let size = |text: &str| size_option(text, "-XX:MaxMetaspaceSize=");
        assert_eq!(size("-XX:MaxMetaspaceSize=1048576"), Some(MIB));
        assert_eq!(size("-XX:MaxMetaspaceSize=2G"), Some(2 << 30));
        for wrong in
            ["", "-XX:MaxMetaspaceSize=", "-XX:MaxMetaspaceSize=5x", "-XX:MaxMetaspaceSize=99999999999999t"]
        {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>, patches in prop::collection::vec((0_usize..3_000, any::<u8>()), 0..40), cut in 0_usize..3_000) {
            let _ = Jvm::parse(&bytes);
            let mut patched = file(true, &java8(1));
            for (at, byte) in patches {
                if let Some(place) = patched.get_mut(at) { *place = byte; }
            }
            patched.truncate(cut);
            if let Ok(jvm) = Jvm::parse(&patched) {
                let _ = Pulse::default().levels(Time::from_micros(1), "x", &jvm);
                prop_assert!(jvm.main.is_none_or(|main| !main.chars().any(char::is_control)));
            }
        }
    }
}
