//! Looking at directories: which files there are, and what they begin with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use reach_core::Time;

use super::{
    Remark,
    follow::{Contents, FileId, Look, hash, is_rotated_name},
    packed::Packing,
};

/// What a look at everything shows.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) looks: BTreeMap<PathBuf, Look>,
    /// What could not be looked at.
    pub(super) hidden: BTreeSet<PathBuf>,
    pub(super) remarks: Vec<Remark>,
}

/// More files than this of one source are hardly meant.
const MOST_FILES: usize = 10_000;

/// Looks at the files of these patterns, and at what became of files of these names.
pub(super) fn look(patterns: &[String], lineages: &BTreeSet<PathBuf>) -> Sight {
    let mut sight = Sight::default();
    for pattern in patterns {
        if !is_pattern(pattern) {
            sight.add(PathBuf::from(pattern));
            continue;
        }
        // It was understood when it was read.
        let Ok(paths) = glob::glob(pattern) else { continue };
        for found in paths.take(MOST_FILES) {
            match found {
                Ok(path) => sight.add(path),
                Err(error) => sight.hide(error.path().to_owned(), error.error()),
            }
        }
    }
    let names: BTreeSet<PathBuf> = sight.looks.keys().chain(lineages).cloned().collect();
    let mut directories: BTreeMap<PathBuf, Vec<&Path>> = BTreeMap::new();
    for name in &names {
        // What was rotated is no name that is written, nor what is compressed.
        let is_rotated = may_be_rotated(name) && names.iter().any(|other| is_rotated_name(other, name));
        if Packing::of(name).is_none() && !is_rotated {
            directories.entry(name.parent().unwrap_or(Path::new("")).to_owned()).or_default().push(name);
        }
    }
    for (directory, written) in &directories {
        sight.add_rotated(directory, written);
    }
    sight
}

/// A look at the name that costs little.
fn may_be_rotated(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.iter().any(u8::is_ascii_digit)
        || [&b".old"[..], b".bak", b"-old", b".prev"].iter().any(|end| name.ends_with(end))
}

/// Whether a text stands for several names.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

impl Sight {
    fn add(&mut self, path: PathBuf) {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {
                let look = seen(&path, &metadata, None);
                self.looks.insert(path, look);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.hide(path, &error),
        }
    }

    fn hide(&mut self, path: PathBuf, error: &io::Error) {
        self.remarks.push(Remark::Unreadable { path: path.clone(), error: error.to_string() });
        self.hidden.insert(path);
    }

    fn add_rotated(&mut self, directory: &Path, written: &[&Path]) {
        let named = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let entries = match fs::read_dir(named) {
            Ok(entries) => entries,
            Err(error) => {
                // Names in it may be known all the same.
                let is_known = written.iter().any(|name| self.looks.contains_key(*name));
                if error.kind() != io::ErrorKind::NotFound && !is_known {
                    self.remarks
                        .push(Remark::Unreadable { path: named.to_owned(), error: error.to_string() });
                    // The empty name is the beginning of every relative one.
                    self.hidden.insert(directory.to_owned());
                }
                return;
            }
        };
        for entry in entries.take(MOST_FILES).flatten() {
            let path = directory.join(entry.file_name());
            if self.looks.contains_key(&path) || !(may_be_rotated(&path) || Packing::of(&path).is_some()) {
                continue;
            }
            let Some(from) = written.iter().find(|name| is_rotated_name(name, &path)) else { continue };
            if let Ok(metadata) = fs::metadata(&path)
                && metadata.is_file()
            {
                let look = seen(&path, &metadata, Some(from.to_path_buf()));
                self.looks.insert(path, look);
            }
        }
    }
}

fn seen(path: &Path, metadata: &Metadata, rotated_from: Option<PathBuf>) -> Look {
    Look {
        id: id_of(metadata),
        size: metadata.len(),
        modified: modified(metadata),
        is_packed: Packing::of(path).is_some(),
        rotated_from,
    }
}

pub(super) fn id_of(metadata: &Metadata) -> FileId {
    FileId { device: metadata.dev(), inode: metadata.ino() }
}

pub(super) fn modified(metadata: &Metadata) -> Time {
    let (seconds, nanos) = (metadata.mtime(), metadata.mtime_nsec());
    let micros = seconds.saturating_mul(1_000_000).saturating_add(nanos / 1_000);
    Time::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Compares contents; what costs much to find out is remembered.
#[derive(Debug, Default)]
pub(super) struct Comparer {
    packed: BTreeMap<(FileId, u64, Time, u64, u32), Option<u64>>,
}

/// So much of a compressed file is read to compare it, at most.
const MOST_UNPACKED: u64 = 8 << 30;
const MOST_REMEMBERED: usize = 10_000;

impl Contents for Comparer {
    fn hash(&mut self, path: &Path, from: u64, len: u32) -> Option<u64> {
        let Some(packing) = Packing::of(path) else {
            let file = File::open(path).ok()?;
            let mut bytes = vec![0; usize::try_from(len).ok()?];
            file.read_exact_at(&mut bytes, from).ok()?;
            return Some(hash(&bytes));
        };
        let metadata = fs::metadata(path).ok()?;
        let key = (id_of(&metadata), metadata.len(), modified(&metadata), from, len);
        if let Some(known) = self.packed.get(&key) {
            return *known;
        }
        if self.packed.len() >= MOST_REMEMBERED {
            self.packed.clear();
        }
        let found = unpacked_hash(path, packing, from, len);
        self.packed.insert(key, found);
        found
    }
}

fn unpacked_hash(path: &Path, packing: Packing, from: u64, len: u32) -> Option<u64> {
    if from > MOST_UNPACKED {
        return None;
    }
    let mut content = packing.open(File::open(path).ok()?).ok()?;
    let skipped = io::copy(&mut content.by_ref().take(from), &mut io::sink()).ok()?;
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    (skipped == from).then(|| content.read_exact(&mut bytes).ok()).flatten()?;
    Some(hash(&bytes))
}
