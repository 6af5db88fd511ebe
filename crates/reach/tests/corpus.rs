//! The inputs that fuzzing has kept, given once more to what reads such bytes: with a stable compiler, without
//! sanitizers, in seconds. What is done with them and what has to hold is the fuzz targets' own code.

#![forbid(unsafe_code)]

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
};

#[path = "../../../fuzz/src/parsers.rs"]
pub mod parsers;

/// The most files of one target, so that replaying them stays a matter of seconds.
const MOST_FILES: usize = 160;

/// The most bytes of one target.
const MOST_BYTES: u64 = 320 * 1024;

#[test]
fn no_input_that_fuzzing_kept_breaks_anything() {
    let faults: Vec<String> = thread::scope(|scope| {
        let replays = parsers::ALL.map(|(name, parser)| scope.spawn(move || replay(name, parser)));
        replays.into_iter().flat_map(|replay| replay.join().expect("a replay ends")).collect()
    });
    assert!(faults.is_empty(), "fuzz/corpus: these fail (the reasons are above): {faults:#?}");
}

/// The inputs that make the parser panic.
fn replay(name: &str, parser: parsers::Parser) -> Vec<String> {
    let breaks = |path: &PathBuf| {
        let bytes = fs::read(path).expect("a readable file");
        catch_unwind(AssertUnwindSafe(|| parser(&bytes))).is_err()
    };
    inputs(name).into_iter().filter(breaks).map(|path| path.display().to_string()).collect()
}

#[test]
fn every_target_has_a_corpus_of_bearable_size() {
    for (name, _) in parsers::ALL {
        let inputs = inputs(name);
        let bytes: u64 = inputs.iter().map(|path| fs::metadata(path).expect("a file").len()).sum();
        assert!((1..=MOST_FILES).contains(&inputs.len()), "{name}: {} files", inputs.len());
        assert!(bytes <= MOST_BYTES, "{name}: {bytes} bytes");
    }
}

#[test]
fn targets_corpora_and_programs_are_the_same() {
    let named: BTreeSet<String> = parsers::ALL.iter().map(|&(name, _)| name.to_owned()).collect();
    assert_eq!(stems(&fuzz().join("corpus")), named);
    assert_eq!(stems(&fuzz().join("fuzz_targets")), named);
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn inputs(name: &str) -> Vec<PathBuf> {
    let mut inputs = entries(&fuzz().join("corpus").join(name));
    inputs.sort();
    inputs
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn stems(directory: &Path) -> BTreeSet<String> {
    let stem = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    entries(directory).iter().map(stem).collect()
}
