//! The shape of the house: who may use whom, and whether the map agrees with the ground.

#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{Metadata, MetadataCommand};

/// The crates that may depend on `reach-core` and on no other of ours.
const MIDDLE: [&str; 6] =
    ["reach-net", "reach-sim", "reach-signal", "reach-store", "reach-report", "reach-lab"];

#[test]
fn the_core_uses_nobody_and_the_crates_in_the_middle_use_only_the_core() {
    let uses = uses(&metadata());
    assert_eq!(uses["reach-core"], BTreeSet::new());
    let core = BTreeSet::from(["reach-core".to_owned()]);
    for name in MIDDLE {
        assert!(uses[name].is_subset(&core), "{name} uses {:?}", uses[name]);
    }
}

#[test]
fn every_crate_has_its_place_in_the_star() {
    let known: BTreeSet<&str> = MIDDLE.into_iter().chain(["reach-core", "reach"]).collect();
    let uses = uses(&metadata());
    let members: BTreeSet<&str> = uses.keys().map(String::as_str).collect();
    assert_eq!(members, known);
    for (name, used) in &uses {
        assert!(!used.contains("reach"), "{name} uses the program itself");
    }
}

#[test]
fn the_map_names_every_crate_and_none_that_is_not_there() {
    let map = map();
    let rows = map.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let named: BTreeSet<&str> = rows.filter(|name| name.starts_with("reach")).collect();
    let uses = uses(&metadata());
    let members: BTreeSet<&str> = uses.keys().map(String::as_str).collect();
    assert_eq!(named, members, "the table of crates in ARCHITECTURE.md");
}

#[test]
fn the_map_names_no_file_that_is_not_there() {
    let files = files(&root().join("crates"));
    let map = map();
    let named = map.split('`').skip(1).step_by(2).filter(|word| word.ends_with(".rs"));
    let missing: Vec<&str> = named.filter(|name| !files.iter().any(|file| file.ends_with(name))).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names {missing:?}");
}

#[test]
fn only_the_crates_that_speak_to_the_kernel_allow_unsafe_code() {
    let allowing: BTreeSet<String> = files(&root().join("crates"))
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| !path.ends_with(file!()))
        .filter(|file| fs::read_to_string(file).is_ok_and(|text| text.contains("(unsafe_code, reason")))
        .filter_map(|file| {
            let inside = file.strip_prefix(root().join("crates")).ok()?;
            Some(inside.iter().next()?.to_string_lossy().into_owned())
        })
        .collect();
    let allowed = BTreeSet::from(["reach-net".to_owned(), "reach-lab".to_owned()]);
    assert!(allowing.is_subset(&allowed), "unsafe code in {allowing:?}");
}

/// Our crates, each with those of ours that it depends on, for building or for tests.
fn uses(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let members: Vec<_> = metadata.workspace_packages();
    let ours: BTreeSet<String> = members.iter().map(|package| package.name.to_string()).collect();
    let used = |package: &&cargo_metadata::Package| {
        let names = package.dependencies.iter().map(|dependency| dependency.name.clone());
        (package.name.to_string(), names.filter(|name| ours.contains(name)).collect())
    };
    members.iter().map(used).collect()
}

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(root()).no_deps().exec().expect("a workspace")
}

fn map() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md at the root of the workspace")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => vec![path],
        })
        .collect()
}
