//! Which file to read from where, while files grow, are rotated, truncated, compressed, deleted and come back.
//!
//! Nothing here opens a file: what a look at the directories shows goes in ([`Look`]), and what to do comes out
//! ([`Order`]). A file is known by its device and inode, and by marks on its content ([`Mark`]), because inodes are
//! used again and copies have others.

mod names;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use reach_core::Time;
use serde::{Deserialize, Serialize};

pub use self::names::is_rotated_name;

/// What the file system knows a file by, for as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The inode.
    pub inode: u64,
}

/// What a stretch of a file's content is known by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its first byte.
    pub from: u64,
    /// Its length in bytes.
    pub len: u32,
    /// What it hashes to ([`hash`]).
    pub hash: u64,
}

impl Mark {
    /// So many bytes are marked at the beginning of a file, at most.
    pub const HEAD: usize = 1024;
    /// So many before the place up to which it was read, at most.
    pub const TAIL: usize = 256;

    /// The mark of these bytes, the first of which is at `from`.
    pub fn of(from: u64, bytes: &[u8]) -> Self {
        Self { from, len: u32::try_from(bytes.len()).unwrap_or(u32::MAX), hash: hash(bytes) }
    }
}

/// FNV-1a with 64 bits. It is kept in files, so it has to be the same in each version.
///
/// Source: draft-eastlake-fnv.
pub fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What a look at a file shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Which file it is.
    pub id: FileId,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed.
    pub modified: Time,
    /// It is compressed: its size is not that of its content, and it does not grow.
    pub is_packed: bool,
    /// It is to be read for itself; else it only may be what became of this file, by its name.
    pub rotated_from: Option<PathBuf>,
}

/// The content of files, to be compared.
pub trait Contents {
    /// The hash of a stretch of the unpacked content; `None` where there is less, or it cannot be read.
    fn hash(&mut self, path: &Path, from: u64, len: u32) -> Option<u64>;
}

/// What to do with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Open it and read from this byte of its content on.
    Read {
        /// Where it is.
        path: PathBuf,
        /// Which file it has to be.
        id: FileId,
        /// The name under which it is, or was, written.
        lineage: PathBuf,
        /// From where.
        from: u64,
        /// It is not written any more: to its end, and no longer.
        ends: bool,
    },
    /// It was given another name; the one that is written may be another by now.
    Rotated(FileId),
    /// Read no more of it.
    Release(FileId),
}

/// Where to begin with files that are there when nothing is known of any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// With what comes from now on.
    #[default]
    End,
    /// At their beginning.
    Start,
}

/// How far a file was read, as it is kept from run to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The name under which it is written.
    pub lineage: PathBuf,
    /// Which file.
    pub id: FileId,
    /// Bytes of its content that need not be read again.
    pub offset: u64,
    /// The beginning of its content.
    pub head: Mark,
    /// The content before `offset`.
    pub tail: Mark,
}

/// How long a file that is gone or has another name is kept open without anything coming.
const LINGER: Duration = Duration::from_secs(60);

/// How long a file is kept open that is not written.
const IDLE: Duration = Duration::from_secs(86_400);

/// What is changed so lately may not be finished.
const FRESH: Duration = Duration::from_secs(5);

/// Decides which files to read.
#[derive(Debug)]
pub struct Tracker {
    begin: Begin,
    files: BTreeMap<FileId, Track>,
    /// Files that are not to be read, as they were when that was decided.
    passed: BTreeMap<FileId, (u64, Time)>,
    /// Nothing was looked at so far.
    is_first: bool,
    /// Something was known from an earlier run.
    is_resumed: bool,
    /// What was changed before is known, or not wanted.
    known_until: Time,
}

#[derive(Clone, Debug)]
struct Track {
    place: Place,
    path: PathBuf,
    state: State,
    seen: Option<(u64, Time)>,
    missing_since: Option<Time>,
    is_rotated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Known from an earlier run, and not opened yet.
    Dormant,
    /// Open.
    Reading,
    /// Read, and closed.
    Done,
}

impl Tracker {
    /// Begins where nothing is known.
    pub fn new(begin: Begin) -> Self {
        Self {
            begin,
            files: BTreeMap::new(),
            passed: BTreeMap::new(),
            is_first: true,
            is_resumed: false,
            known_until: Time::default(),
        }
    }

    /// Goes on from places that were kept, and from [`known_until`](Self::known_until) of then.
    pub fn resumed(begin: Begin, places: Vec<Place>, known_until: Time) -> Self {
        let track = |place: Place| Track {
            path: place.lineage.clone(),
            place,
            state: State::Dormant,
            seen: None,
            missing_since: None,
            is_rotated: false,
        };
        Self {
            is_resumed: true,
            files: places.into_iter().map(|place| (place.id, track(place))).collect(),
            known_until,
            ..Self::new(begin)
        }
    }

    /// Says what to do after a look at everything. Names in `hidden` could not be looked at: nothing is concluded from
    /// their absence.
    pub fn survey(
        &mut self,
        looks: &BTreeMap<PathBuf, Look>,
        hidden: &BTreeSet<PathBuf>,
        contents: &mut dyn Contents,
        now: Time,
    ) -> Vec<Order> {
        let (mut releases, mut reads) = (Vec::new(), Vec::new());
        let mut orphans = Vec::new();
        let seen = self.follow_known(looks, contents, now, &mut releases, &mut reads, &mut orphans);
        self.miss(&seen, hidden, now, &mut releases, &mut orphans);
        for orphan in &orphans {
            self.find_rest(orphan, looks, contents, &mut reads);
        }
        let is_all_known = self.take_up_new(looks, contents, now, &mut reads);
        self.is_first = false;
        if is_all_known {
            self.known_until = now;
        }
        // What is older was written before what is newer.
        reads.sort_by(|(one, _), (other, _)| one.cmp(other));
        releases.into_iter().chain(reads.into_iter().map(|(_, order)| order)).collect()
    }

    /// So far a file was read: `offset`, and the marks that say by what to know it again.
    pub fn advanced(&mut self, id: FileId, offset: u64, head: Mark, tail: Mark) {
        if let Some(track) = self.files.get_mut(&id) {
            (track.place.offset, track.place.head, track.place.tail) = (offset, head, tail);
        }
    }

    /// A file that is not written any more was read to its end, and closed.
    pub fn ended(&mut self, id: FileId) {
        if let Some(track) = self.files.get_mut(&id) {
            track.state = State::Done;
        }
    }

    /// A file could not be opened as ordered: it is tried again with the next look.
    pub fn not_opened(&mut self, id: FileId) {
        if let Some(track) = self.files.get_mut(&id) {
            track.state = State::Dormant;
            track.seen = None;
        }
    }

    /// What was changed until then was looked at.
    pub fn known_until(&self) -> Time {
        self.known_until
    }

    /// How far each file was read.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.files.values().map(|track| &track.place)
    }

    fn follow_known(
        &mut self,
        looks: &BTreeMap<PathBuf, Look>,
        contents: &mut dyn Contents,
        now: Time,
        releases: &mut Vec<Order>,
        reads: &mut Vec<(Age, Order)>,
        orphans: &mut Vec<Track>,
    ) -> BTreeSet<FileId> {
        let mut seen = BTreeSet::new();
        // A file that has its own name and another one was not given another one.
        let (own, others): (Vec<_>, Vec<_>) = looks.iter().partition(|(path, look)| {
            self.files.get(&look.id).is_some_and(|track| track.place.lineage == **path)
        });
        for (path, look) in own.into_iter().chain(others) {
            let Some(track) = self.files.get_mut(&look.id) else { continue };
            if !seen.insert(look.id) {
                continue;
            }
            let now_seen = Some((look.size, look.modified));
            let is_same =
                track.seen == now_seen || compared(&track.place, path, look, contents) == Likeness::Same;
            if !is_same {
                seen.remove(&look.id);
                releases.push(Order::Release(look.id));
                orphans.extend(self.files.remove(&look.id));
                continue;
            }
            let was_rotated = track.is_rotated;
            (track.seen, track.missing_since) = (now_seen, None);
            track.path.clone_from(path);
            track.is_rotated = *path != track.place.lineage;
            let grew = look.size > track.place.offset && !look.is_packed;
            match track.state {
                State::Dormant => {
                    track.state = State::Reading;
                    reads.push(read(track, look, track.is_rotated));
                }
                State::Done if grew => {
                    track.state = State::Reading;
                    reads.push(read(track, look, false));
                }
                State::Reading if track.is_rotated && !was_rotated => releases.push(Order::Rotated(look.id)),
                State::Reading
                    if !grew && now.since(look.modified) > if track.is_rotated { LINGER } else { IDLE } =>
                {
                    track.state = State::Done;
                    releases.push(Order::Release(look.id));
                }
                State::Reading | State::Done => {}
            }
        }
        seen
    }

    /// What is not there any more.
    fn miss(
        &mut self,
        seen: &BTreeSet<FileId>,
        hidden: &BTreeSet<PathBuf>,
        now: Time,
        releases: &mut Vec<Order>,
        orphans: &mut Vec<Track>,
    ) {
        let is_hidden = |track: &Track| hidden.iter().any(|hidden| track.path.starts_with(hidden));
        let missing: Vec<FileId> = self
            .files
            .iter()
            .filter(|(id, track)| !seen.contains(id) && !is_hidden(track))
            .map(|(id, _)| *id)
            .collect();
        for id in missing {
            let Some(track) = self.files.get_mut(&id) else { continue };
            let since = *track.missing_since.get_or_insert(now);
            match track.state {
                // It may have been compressed or copied while nobody looked.
                State::Dormant => orphans.extend(self.files.remove(&id)),
                // Whoever writes into it may go on.
                State::Reading if now.since(since) <= LINGER => {}
                State::Reading => {
                    releases.push(Order::Release(id));
                    self.files.remove(&id);
                }
                // Its content is still known when it comes back compressed.
                State::Done if now.since(since) <= 60 * LINGER => {}
                State::Done => {
                    self.files.remove(&id);
                }
            }
        }
    }

    /// A file's content was replaced, or it is gone, before it was read to its end. A copy of it may have the rest.
    fn find_rest(
        &mut self,
        orphan: &Track,
        looks: &BTreeMap<PathBuf, Look>,
        contents: &mut dyn Contents,
        reads: &mut Vec<(Age, Order)>,
    ) {
        let lineage = &orphan.place.lineage;
        let copy = looks.iter().find(|(path, look)| {
            *path != lineage
                && !self.files.contains_key(&look.id)
                && (look.rotated_from.as_ref() == Some(lineage) || is_rotated_name(lineage, path))
                && is_evident(&orphan.place)
                && compared(&orphan.place, path, look, contents) == Likeness::Same
        });
        let Some((path, look)) = copy else { return };
        let track = Track {
            place: Place { id: look.id, ..orphan.place.clone() },
            path: path.clone(),
            state: State::Reading,
            seen: Some((look.size, look.modified)),
            missing_since: None,
            is_rotated: true,
        };
        self.passed.remove(&look.id);
        reads.push(read(&track, look, true));
        self.files.insert(look.id, track);
    }

    /// Says whether everything could be decided.
    fn take_up_new(
        &mut self,
        looks: &BTreeMap<PathBuf, Look>,
        contents: &mut dyn Contents,
        now: Time,
        reads: &mut Vec<(Age, Order)>,
    ) -> bool {
        let mut is_all_known = true;
        let there: BTreeSet<FileId> = looks.values().map(|look| look.id).collect();
        self.passed.retain(|id, _| there.contains(id));
        for (path, look) in looks {
            let now_seen = (look.size, look.modified);
            if self.files.contains_key(&look.id) || self.passed.get(&look.id) == Some(&now_seen) {
                continue;
            }
            let mut likeness = Likeness::Other;
            for track in self.files.values() {
                let is_likely = *path != track.place.lineage
                    && (look.rotated_from.as_ref() == Some(&track.place.lineage)
                        || is_rotated_name(&track.place.lineage, path))
                    && is_evident(&track.place);
                if is_likely {
                    likeness = likeness.max(compared(&track.place, path, look, contents));
                }
            }
            // Whoever copies or compresses it may not be done.
            let is_fresh = now.since(look.modified) < FRESH && !self.is_first;
            if is_fresh && (likeness == Likeness::Unclear || look.is_packed && likeness == Likeness::Other) {
                is_all_known = false;
                continue;
            }
            let is_copy = likeness == Likeness::Same;
            // What is open and has no name any more may be this one, compressed; reading it tells.
            let may_be_open = self.files.values().any(|track| {
                track.state == State::Reading
                    && track.missing_since == Some(now)
                    && look.rotated_from.as_ref() == Some(&track.place.lineage)
            });
            if may_be_open && !is_copy {
                is_all_known = false;
                continue;
            }
            let knows_nothing = self.is_first && !self.is_resumed;
            let from = match &look.rotated_from {
                _ if is_copy => None,
                // Only what was written since somebody looked last, and was rotated away before anybody did.
                Some(_) => (!knows_nothing && look.modified > self.known_until).then_some(0),
                None if knows_nothing && self.begin == Begin::End => (!look.is_packed).then_some(look.size),
                None => Some(0),
            };
            let Some(from) = from else {
                self.passed.insert(look.id, now_seen);
                continue;
            };
            let lineage = look.rotated_from.clone().unwrap_or_else(|| path.clone());
            let is_rotated = look.rotated_from.is_some();
            let track = Track {
                place: Place {
                    lineage,
                    id: look.id,
                    offset: from,
                    head: Mark::default(),
                    tail: Mark::default(),
                },
                path: path.clone(),
                state: State::Reading,
                seen: Some(now_seen),
                missing_since: None,
                is_rotated,
            };
            reads.push(read(&track, look, is_rotated || look.is_packed));
            self.files.insert(look.id, track);
        }
        is_all_known
    }
}

/// By what reading is ordered: what is written now comes last, else by the time of the last change.
type Age = (bool, Time, PathBuf);

fn read(track: &Track, look: &Look, ends: bool) -> (Age, Order) {
    let order = Order::Read {
        path: track.path.clone(),
        id: look.id,
        lineage: track.place.lineage.clone(),
        from: track.place.offset,
        ends,
    };
    ((!track.is_rotated, look.modified, track.path.clone()), order)
}

/// Whether a file has the content that was read of another, and may have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// It has other content.
    Other,
    /// It has less, so far.
    Unclear,
    Same,
}

fn compared(place: &Place, path: &Path, look: &Look, contents: &mut dyn Contents) -> Likeness {
    let mut likeness = Likeness::Same;
    if !look.is_packed && look.size < place.offset {
        likeness = Likeness::Unclear;
    }
    for mark in [place.head, place.tail].iter().filter(|mark| mark.len > 0) {
        match contents.hash(path, mark.from, mark.len) {
            Some(hash) if hash == mark.hash => {}
            Some(_) => return Likeness::Other,
            None => likeness = Likeness::Unclear,
        }
    }
    likeness
}

/// Enough of it was read to know it again.
fn is_evident(place: &Place) -> bool {
    place.head.len > 0 || place.tail.len > 0
}

#[cfg(test)]
mod tests;
