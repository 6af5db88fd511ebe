//! Files of one source, read as they grow.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use reach_core::{Time, signal::Signal};
use reach_signal::log::{LogPlan, LogReader, Tally, Understanding, lines};

use super::{
    Remark,
    follow::{Begin, FileId, Mark, Order, Place, Tracker},
    kept::{Kept, KeptLineage},
    look::{Comparer, Sight, id_of, look, modified},
    packed::Packing,
};

/// Files of one source.
pub(super) struct Files {
    patterns: Vec<String>,
    plan: LogPlan,
    understanding: Understanding,
    tracker: Tracker,
    comparer: Comparer,
    lineages: BTreeMap<PathBuf, Lineage>,
    /// What is known of logs that were not opened yet.
    kept: BTreeMap<PathBuf, KeptLineage>,
    surveyed_at: Option<Time>,
    chunk: Vec<u8>,
}

/// One log, whatever its files are called.
struct Lineage {
    reader: LogReader,
    /// In the order in which they were written.
    files: Vec<Open>,
    /// The file whose last line has no end yet.
    partial: Option<FileId>,
    /// The file is gone whose last line has no end yet.
    is_torn: bool,
    read_at: Time,
    /// Reading stopped within a record.
    is_within_record: bool,
}

struct Open {
    id: FileId,
    path: PathBuf,
    content: Content,
    offset: u64,
    /// What it begins with.
    first: Vec<u8>,
    /// What stands before `offset`.
    recent: Vec<u8>,
    ends: bool,
    is_rotated: bool,
    size: u64,
    written: Time,
}

enum Content {
    Plain(File),
    Packed(Box<dyn Read + Send>),
}

/// Bytes that one log may give in one turn, so that none waits for another, nor anybody for a log.
const PER_TURN: usize = 4 << 20;
const CHUNK: usize = 256 * 1024;
/// Directories are looked at no more often.
const APART: Duration = Duration::from_millis(200);
/// A log whose files are all gone or still is over.
const FORGOTTEN: Duration = Duration::from_secs(300);
/// A line that has no end for so long when its file was rotated gets none.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a turn left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left {
    /// Bytes that are there and were not read yet.
    pub(super) behind: u64,
    /// Files that are read.
    pub(super) files: usize,
    /// There is more at once.
    pub(super) has_more: bool,
}

impl Files {
    pub(super) fn new(
        patterns: Vec<String>,
        plan: LogPlan,
        understanding: Understanding,
        begin: Begin,
        kept: Option<Kept>,
    ) -> Self {
        let (tracker, lineages) = match kept {
            Some(kept) => (Tracker::resumed(begin, kept.places, kept.known_until), kept.lineages),
            None => (Tracker::new(begin), Vec::new()),
        };
        Self {
            patterns,
            plan,
            understanding,
            tracker,
            comparer: Comparer::default(),
            lineages: BTreeMap::new(),
            kept: lineages.into_iter().map(|lineage| (lineage.path.clone(), lineage)).collect(),
            surveyed_at: None,
            chunk: vec![0; CHUNK],
        }
    }

    /// The directories in which files may appear.
    pub(super) fn directories(&self) -> BTreeSet<PathBuf> {
        let parent = |path: &Path| match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let plain = self.patterns.iter().map(PathBuf::from).map(|path| parent(&path));
        let plain = plain.filter(|path| !super::look::is_pattern(&path.to_string_lossy()));
        plain.chain(self.lineages.keys().map(|path| parent(path))).collect()
    }

    /// Looks at everything and reads what is there, within bounds.
    pub(super) fn turn(&mut self, now: Time, signals: &mut Vec<Signal>, remarks: &mut Vec<Remark>) -> Left {
        if self.surveyed_at.is_none_or(|at| now.since(at) >= APART || now < at) {
            self.surveyed_at = Some(now);
            self.survey(now, remarks);
        }
        let mut left = Left::default();
        for lineage in self.lineages.values_mut() {
            left.has_more |= lineage.read(&mut self.tracker, &mut self.chunk, now, remarks);
            signals.append(&mut lineage.reader.take());
            left.files += lineage.files.len();
            left.behind +=
                lineage.files.iter().map(|file| file.size.saturating_sub(file.offset)).sum::<u64>();
        }
        self.lineages.retain(|_, lineage| {
            let is_over = lineage.files.is_empty() && now.since(lineage.read_at) > FORGOTTEN;
            if is_over {
                lineage.reader.finish(now);
                signals.append(&mut lineage.reader.take());
            }
            !is_over
        });
        left
    }

    fn survey(&mut self, now: Time, remarks: &mut Vec<Remark>) {
        let known: BTreeSet<PathBuf> = self
            .lineages
            .keys()
            .cloned()
            .chain(self.tracker.places().map(|place| place.lineage.clone()))
            .collect();
        let Sight { looks, hidden, remarks: trouble } = look(&self.patterns, &known);
        remarks.extend(trouble);
        if looks.is_empty() && hidden.is_empty() && known.is_empty() {
            remarks.push(Remark::NoFiles { patterns: self.patterns.clone() });
        }
        for order in self.tracker.survey(&looks, &hidden, &mut self.comparer, now) {
            self.obey(order, remarks);
        }
    }

    /// Nothing more is read: gives what is understood. Where `ends`, what has no line feed is a line too.
    pub(super) fn stop(&mut self, now: Time, ends: bool, signals: &mut Vec<Signal>) {
        for lineage in self.lineages.values_mut() {
            if ends {
                lineage.reader.finish(now);
            } else {
                lineage.note_places(&mut self.tracker, lineage.reader.unfinished());
                lineage.within_record_until_now();
                lineage.reader.stop(now);
            }
            signals.append(&mut lineage.reader.take());
        }
    }

    /// What to keep, so that nothing is missing after a crash; after [`stop`](Self::stop) nothing is read twice either.
    pub(super) fn keep(&mut self) -> Kept {
        for lineage in self.lineages.values() {
            lineage.note_places(&mut self.tracker, lineage.reader.ungiven());
        }
        let places: Vec<Place> = self.tracker.places().cloned().collect();
        for lineage in self.lineages.values() {
            lineage.note_places(&mut self.tracker, 0);
        }
        let open = self.lineages.iter().map(|(path, lineage)| KeptLineage {
            path: path.clone(),
            counts: lineage.reader.counts().clone(),
            is_within_record: lineage.is_within_record,
        });
        let lineages = open.chain(self.kept.values().cloned()).collect();
        Kept { known_until: self.tracker.known_until(), places, lineages, ..Kept::default() }
    }

    pub(super) fn tally(&self) -> Tally {
        self.lineages
            .values()
            .fold(Tally::default(), |sum, lineage| super::added(sum, lineage.reader.tally()))
    }

    fn obey(&mut self, order: Order, remarks: &mut Vec<Remark>) {
        match order {
            Order::Read { path, id, lineage, from, ends } => match open(&path, id, from, ends) {
                Ok(Some(file)) => self.add(lineage, file, remarks),
                // Another one has its name by now: the next look will tell.
                Ok(None) => self.tracker.not_opened(id),
                Err(error) => {
                    self.tracker.not_opened(id);
                    remarks.push(Remark::Unreadable { path, error: error.to_string() });
                }
            },
            Order::Rotated(id) => {
                let files = self.lineages.values_mut().flat_map(|lineage| &mut lineage.files);
                files.filter(|file| file.id == id).for_each(|file| file.is_rotated = true);
            }
            Order::Release(id) => {
                for lineage in self.lineages.values_mut() {
                    lineage.files.retain(|file| file.id != id);
                    if lineage.partial == Some(id) {
                        (lineage.partial, lineage.is_torn) = (None, true);
                    }
                }
            }
        }
    }

    fn add(&mut self, name: PathBuf, file: Open, remarks: &mut Vec<Remark>) {
        if matches!(&file.content, Content::Plain(file) if is_binary(file)) {
            remarks.push(Remark::Binary { path: file.path.clone() });
            self.tracker.advanced(file.id, file.size, Mark::default(), Mark::default());
            self.tracker.ended(file.id);
            return;
        }
        let (plan, understanding, kept) = (&self.plan, &self.understanding, &mut self.kept);
        let lineage = self.lineages.entry(name).or_insert_with_key(|name| {
            let kept = kept.remove(name).unwrap_or_default();
            let mut plan = plan.clone();
            plan.origin.instance = Some(crate::output::shown(&name.to_string_lossy()));
            let mut reader = LogReader::resumed(plan, understanding.clone(), kept.counts);
            if kept.is_within_record && file.offset > 0 {
                reader.skip_continuation();
            }
            Lineage {
                reader,
                files: Vec::new(),
                partial: None,
                is_torn: false,
                read_at: Time::default(),
                is_within_record: false,
            }
        });
        if file.offset > 0 {
            lineage.reader.begins(&file.first);
        }
        // A copy of what is gone goes on where that was left; anything else begins with a line of its own.
        if std::mem::take(&mut lineage.is_torn) && !(file.ends && file.offset > 0) {
            lineage.reader.end_of_file();
        }
        // What was rotated was written before what is written now.
        let at = if file.is_rotated || file.ends {
            lineage
                .files
                .iter()
                .position(|other| !other.is_rotated && !other.ends)
                .unwrap_or(lineage.files.len())
        } else {
            lineage.files.len()
        };
        lineage.files.insert(at, file);
    }
}

/// Opens a file, if it is the one that is meant.
fn open(path: &Path, id: FileId, from: u64, ends: bool) -> io::Result<Option<Open>> {
    // A name may have become one of a pipe, which nobody should wait for.
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    if id_of(&metadata) != id {
        return Ok(None);
    }
    let mut open = Open {
        id,
        path: path.to_owned(),
        content: Content::Plain(file),
        offset: from,
        first: Vec::new(),
        recent: Vec::new(),
        ends,
        is_rotated: ends,
        size: metadata.len(),
        written: modified(&metadata),
    };
    let packing = Packing::of(path);
    if let Content::Plain(file) = &open.content
        && packing.is_none()
    {
        open.first = read_at(file, 0, from.min(Mark::HEAD as u64))?;
        let tail = from.min(Mark::TAIL as u64);
        open.recent = read_at(file, from - tail, tail)?;
    }
    if let (Content::Plain(file), Some(packing)) = (&open.content, packing) {
        let mut content = packing.open(file.try_clone()?)?;
        let mut begin = Vec::new();
        content.by_ref().take(from.min(Mark::HEAD as u64)).read_to_end(&mut begin)?;
        let rest = from - begin.len() as u64;
        let tail = rest.min(Mark::TAIL as u64);
        io::copy(&mut content.by_ref().take(rest - tail), &mut io::sink())?;
        content.by_ref().take(tail).read_to_end(&mut open.recent)?;
        open.first = begin;
        // Its content is longer than the file, nobody knows by how much.
        open.size = 0;
        open.content = Content::Packed(content);
    }
    Ok(Some(open))
}

fn read_at(file: &File, from: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}

fn is_binary(file: &File) -> bool {
    let mut head = [0; 4096];
    let length = file.read_at(&mut head, 0).unwrap_or(0);
    lines::is_binary(&head[..length])
}

impl Open {
    /// The next bytes, into `chunk`; nothing at the end.
    fn next(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        let length = match &mut self.content {
            Content::Plain(file) => file.read_at(chunk, self.offset)?,
            Content::Packed(content) => content.read(chunk)?,
        };
        let bytes = &chunk[..length];
        self.offset += length as u64;
        let room = Mark::HEAD - self.first.len().min(Mark::HEAD);
        self.first.extend_from_slice(&bytes[..length.min(room)]);
        self.recent.extend_from_slice(&bytes[length.saturating_sub(Mark::TAIL)..]);
        let old = self.recent.len().saturating_sub(Mark::TAIL);
        self.recent.drain(..old);
        Ok(length)
    }

    /// By what to know it again, without its last bytes.
    fn place(&self, without: u64) -> (u64, Mark, Mark) {
        let offset = self.offset.saturating_sub(without);
        let head = usize::try_from(offset).map_or(self.first.len(), |offset| offset.min(self.first.len()));
        let kept = self.recent.len().saturating_sub(usize::try_from(without).unwrap_or(usize::MAX));
        let tail = Mark::of(offset - kept as u64, &self.recent[..kept]);
        (offset, Mark::of(0, &self.first[..head]), tail)
    }
}

impl Lineage {
    /// Says whether there is more at once.
    fn read(
        &mut self,
        tracker: &mut Tracker,
        chunk: &mut [u8],
        now: Time,
        remarks: &mut Vec<Remark>,
    ) -> bool {
        let mut budget = PER_TURN;
        let mut number = 0;
        while number < self.files.len() {
            let is_last = number + 1 == self.files.len();
            let file = &mut self.files[number];
            // A line of another file is not over: what comes here belongs behind it.
            if self.partial.is_some_and(|partial| partial != file.id) {
                number += 1;
                continue;
            }
            let at_end = loop {
                if budget == 0 {
                    break false;
                }
                if let Content::Plain(plain) = &file.content
                    && let Ok(metadata) = plain.metadata()
                {
                    (file.size, file.written) = (metadata.len(), modified(&metadata));
                    // Truncated: the next look tells where to go on.
                    if file.size < file.offset {
                        break true;
                    }
                }
                let room = chunk.len().min(budget);
                match file.next(&mut chunk[..room]) {
                    Ok(0) => break true,
                    Ok(length) => {
                        budget -= length;
                        // Nothing was written later than it is read.
                        self.reader.bytes(&chunk[..length], file.written.min(now), now);
                        self.partial = (self.reader.unfinished() > 0).then_some(file.id);
                        self.read_at = now;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        remarks
                            .push(Remark::Unreadable { path: file.path.clone(), error: error.to_string() });
                        break true;
                    }
                }
            };
            let (offset, head, tail) = file.place(0);
            tracker.advanced(file.id, offset, head, tail);
            if !at_end {
                return true;
            }
            let (id, ends) = (file.id, file.ends);
            let has_partial = self.partial == Some(id);
            if has_partial && (ends || !is_last) && (ends || now.since(self.read_at) >= PATIENCE) {
                self.reader.end_of_file();
                self.partial = None;
            }
            if ends {
                tracker.ended(id);
                self.files.remove(number);
            } else {
                number += 1;
            }
        }
        self.reader.quiet(now);
        false
    }

    /// Tells how far each file was read, but for the last bytes.
    fn note_places(&self, tracker: &mut Tracker, mut without: u64) {
        for file in self.files.iter().rev() {
            let (offset, head, tail) = file.place(without);
            tracker.advanced(file.id, offset, head, tail);
            without = without.saturating_sub(file.offset);
        }
    }

    fn within_record_until_now(&mut self) {
        self.is_within_record = self.reader.is_within_record();
    }
}
