//! What the exceptions in a text mean: class, destination, client, JDK generation.
//!
//! Text comes in as bytes of any length or line by line; out come [`Failure`]s, each of them once, however often its
//! text repeats itself: in the causes of a chain, in the log of whoever caught it and threw it again, in the halves of
//! JDK 8's doubled messages.
//!
//! ```text
//! bytes ─▶ lines ─▶ (who wrote it, the line) ─▶ record ─▶ throwables, words ─▶ Sense + Place ─▶ Failure ─▶ told before?
//!          text      header, structured         record     head, grammar        rules, place
//! ```
//!
//! A record is a line with a header (time, level, thread) and what follows without one. Records of different threads
//! may interleave, so each writer and thread has its own. What a record means is decided when it ends: the deepest
//! cause that speaks of the network says what failed, the outermost line that names a destination says where. A
//! destination that only stands nearby (a URL in the line directly before, of the same thread) is marked as such.
//!
//! Deliberately absent: guessing. A time-out of a pool, of a session or of a test is none of the network; a caller
//! who went away is no destination that failed; a level that only informs accuses nobody.
//!
//! Memory is bounded by [`Limits`] whatever comes: lines, messages, threads and failures that nobody takes are cut.

mod again;
mod conclude;
mod frames;
mod grammar;
mod head;
mod header;
mod join;
mod korean;
mod place;
mod record;
mod rules;
mod scrub;
mod shell;
mod structured;
mod table;
mod tally;
mod text;

use std::collections::VecDeque;

use reach_core::signal::Failure;

use self::{
    again::{Told, complete, is_again},
    head::Head,
    header::Header,
    join::{continuation, continues},
    record::{Follow, Record},
    shell::Session,
    text::{Splitter, decode, is_full_width, plain},
};

pub use self::tally::{Counted, Tally};

/// What a [`Reader`] may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line; what is longer loses its end.
    pub line: usize,
    /// Writers whose lines interleave (processes, containers), and threads of each.
    pub threads: usize,
    /// Failures that were not taken; more are counted and dropped.
    pub pending: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { line: 256 * 1024, threads: 32, pending: 10_000 }
    }
}

/// Every failure of a text: one entry for each class and destination, in the order of first appearance.
pub fn understand(bytes: &[u8]) -> Vec<Counted> {
    let mut reader = Reader::new(Limits::default());
    let mut tally = Tally::default();
    for chunk in bytes.chunks(64 * 1024) {
        reader.bytes(chunk);
        // What is logged again may complete what was told, as long as nobody took it.
        if reader.done.len() > reader.limits.pending / 2 {
            reader.take().into_iter().for_each(|failure| _ = tally.add(failure));
        }
    }
    reader.finish().into_iter().for_each(|failure| _ = tally.add(failure));
    tally.finish()
}

/// The failure that a short text means which is known to tell of an error: an APM's error text, `exception.type` and
/// `exception.message` of a span. `None` where it has nothing to do with the network.
pub fn short(text: &str) -> Option<Failure> {
    let text = text::head(text, 16 * 1024);
    let mut record = Record::asked();
    for (number, line) in text.lines().take(400).enumerate() {
        let line = plain(line);
        if number == 0 {
            record.ask(&line);
        } else if record.follow(&line, true) == Follow::Other {
            break;
        }
    }
    record.conclude(true).map(|found| found.failure)
}

/// Reads text as it comes.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    splitter: Splitter,
    /// Writers, the latest last.
    streams: Vec<Stream>,
    done: VecDeque<Failure>,
    lost: u64,
}

/// What one writer has written lately.
#[derive(Debug, Default)]
struct Stream {
    by: String,
    /// Records that may go on, one for each thread, the latest last.
    slots: Vec<Slot>,
    /// Failures told lately, the latest last.
    told: VecDeque<Told>,
    /// A line that may have been cut by a terminal.
    held: Option<String>,
    /// The beginning of a line that its carrier cut.
    partial: String,
    session: Session,
    /// Records begun so far.
    begun: u64,
}

#[derive(Debug)]
struct Slot {
    thread: String,
    record: Record,
    number: u64,
}

/// Failures told lately that are remembered for each writer.
const REMEMBERED: usize = 16;
/// A record ends at the latest when so many others of its writer have begun.
const OLD: u64 = 64;
/// What a line joined of pieces may be long.
const JOINED: usize = 16 * 1024;

impl Reader {
    /// A reader that holds no more than `limits`.
    pub fn new(limits: Limits) -> Reader {
        Reader {
            limits,
            splitter: Splitter::new(limits.line),
            streams: Vec::new(),
            done: VecDeque::new(),
            lost: 0,
        }
    }

    /// Reads bytes; lines may begin in one piece and end in another. UTF-8 and CP949 may change from line to line.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let mut splitter = std::mem::replace(&mut self.splitter, Splitter::new(0));
        splitter.push(bytes, |line| self.line(&decode(line)));
        self.splitter = splitter;
    }

    /// Reads one line, without its end.
    pub fn line(&mut self, line: &str) {
        let line = plain(text::head(line, self.limits.line));
        self.carried(&line, "", 0);
    }

    /// What is understood so far. A record that may go on is not: it ends with the next one of its thread, when many
    /// others have begun since, or with [`Reader::settle`].
    pub fn take(&mut self) -> Vec<Failure> {
        self.done.drain(..).collect()
    }

    /// Ends every record: nothing has come for a while. What still comes of them changes nothing any more.
    pub fn settle(&mut self) {
        for at in 0..self.streams.len() {
            self.flush(at);
        }
    }

    /// Ends the text, and gives what was not taken.
    pub fn finish(&mut self) -> Vec<Failure> {
        let rest = self.splitter.rest();
        if !rest.is_empty() {
            self.line(&decode(&rest));
        }
        self.settle();
        self.streams.clear();
        self.take()
    }

    /// How many failures were dropped since nobody took them.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// A line, as something else may carry it: syslog, a container's runtime, a JSON object.
    fn carried(&mut self, line: &str, by: &str, depth: u8) {
        let (carrier, line, partial) = header::envelope(line);
        let at = match carrier {
            Some(carrier) if by.is_empty() => self.stream(carrier),
            Some(carrier) => self.stream(&format!("{by} {carrier}")),
            None => self.stream(by),
        };
        let stream = &mut self.streams[at];
        let whole;
        let mut line = line;
        if partial || !stream.partial.is_empty() {
            let room = self.limits.line.saturating_sub(stream.partial.len());
            stream.partial.push_str(text::head(line, room));
            if partial {
                return;
            }
            whole = std::mem::take(&mut stream.partial);
            line = &whole;
        }
        let telling = || grammar::is_interesting(line) || line.contains("\"log\"");
        if line.starts_with('{')
            && depth < 3
            && telling()
            && let Some(object) = structured::read(line)
        {
            self.object(at, object, depth);
            return;
        }
        let has = |byte| memchr::memchr(byte, line.as_bytes()).is_some();
        let is_block = (has(b'\\') && (line.contains("\\n\\tat ") || line.contains("\\n    at ")))
            || (has(b'#') && line.contains("#012"));
        if is_block {
            let text =
                line.replace("\\r", "").replace("\\n", "\n").replace("#012", "\n").replace("\\t", "\t");
            self.block(at, &text);
            return;
        }
        self.unwrapped(at, line);
    }

    /// Several lines that came as one.
    fn block(&mut self, at: usize, text: &str) {
        for line in text.lines().take(4096) {
            self.process(at, line);
        }
    }

    /// Joins what a terminal cut in two.
    fn unwrapped(&mut self, at: usize, line: &str) {
        let full = is_full_width(line);
        match self.streams[at].held.take() {
            Some(mut held) if continues(&held, line) => {
                held.push_str(line);
                if full && held.len() < JOINED {
                    self.streams[at].held = Some(held);
                } else {
                    self.process(at, &held);
                }
            }
            held => {
                if let Some(held) = held {
                    self.process(at, &held);
                }
                if full {
                    self.streams[at].held = Some(line.to_owned());
                } else {
                    self.process(at, line);
                }
            }
        }
    }

    /// A line by itself.
    fn process(&mut self, at: usize, line: &str) {
        match header::read(line) {
            Some(header) => self.headed(at, &header),
            None => self.unheaded(at, line),
        }
    }

    fn headed(&mut self, at: usize, header: &Header<'_>) {
        let interesting = grammar::is_interesting(header.rest);
        let thread = header.thread.unwrap_or_default();
        let slot = self.slot(at, thread);
        let record = &mut self.streams[at].slots[slot].record;
        if let Some(rest) = continuation(header, record, interesting)
            && record.follow(rest, interesting) == Follow::Taken
        {
            return;
        }
        let before = self.close(at, slot);
        let stream = &mut self.streams[at];
        stream.begun += 1;
        stream.slots[slot].number = stream.begun;
        stream.slots[slot].record = Record::begun(header, before, interesting);
        if stream.begun.is_multiple_of(OLD / 2) {
            self.conclude_old(at);
        }
    }

    /// Ends records that have not gone on for long: a busy log is never idle, and a thread may never log again.
    fn conclude_old(&mut self, at: usize) {
        for slot in 0..self.streams[at].slots.len() {
            if self.streams[at].begun - self.streams[at].slots[slot].number > OLD {
                self.close_keeping(at, slot);
            }
        }
    }

    fn unheaded(&mut self, at: usize, line: &str) {
        let mut failures = Vec::new();
        if self.streams[at].session.line(line, &mut failures) {
            // A prompt ends whatever was printed before it.
            let slot = self.streams[at].slots.len().checked_sub(1);
            if let Some(slot) = slot {
                self.close(at, slot);
            }
            failures.into_iter().for_each(|failure| self.done(failure));
            return;
        }
        let interesting = grammar::is_interesting(line);
        let slot = match self.streams[at].slots.len().checked_sub(1) {
            Some(latest) => latest,
            None => self.slot(at, ""),
        };
        if self.streams[at].slots[slot].record.follow(line, interesting) == Follow::Other {
            let before = self.close(at, slot);
            let stream = &mut self.streams[at];
            stream.begun += 1;
            stream.slots[slot].number = stream.begun;
            let mut record = Record::headless(before);
            record.follow(line, interesting);
            stream.slots[slot].record = record;
        }
    }

    /// A record that came whole.
    fn object(&mut self, at: usize, object: structured::Structured, depth: u8) {
        if let Some((by, line)) = object.carried {
            let whole = match &self.streams[at].by[..] {
                "" => by,
                outer => format!("{outer} {by}"),
            };
            for line in line.lines().take(4096) {
                self.carried(&plain(line), &whole, depth + 1);
            }
            return;
        }
        let thread = object.thread.clone().unwrap_or_default();
        let slot = self.slot(at, &thread);
        let mut before = self.close(at, slot);
        let mut texts = object.texts.iter();
        let said = texts.next().map(String::as_str).unwrap_or_default();
        let mut lines = said.lines();
        let begin = |said: &str, before: String| {
            let header = Header {
                level: object.level,
                thread: None,
                logger: &object.logger,
                rest: said,
                ..Header::default()
            };
            let mut record = Record::begun(&header, before, true);
            record.fields.clone_from(&object.place);
            record
        };
        let mut record = begin(&plain(lines.next().unwrap_or_default()), std::mem::take(&mut before));
        for head in &object.heads {
            record.throw(
                Head { kind: head.kind.clone(), message: plain(&head.message).into_owned(), role: head.role },
                0,
            );
        }
        let stacks = texts.flat_map(|stack| stack.lines());
        for line in lines.chain(stacks).take(4096) {
            let line = plain(line);
            if record.follow(&line, true) == Follow::Other {
                // The same throwable as a field, and in the stack.
                if record.repeats(&line) {
                    continue;
                }
                self.conclude(at, slot, &record);
                record = begin("", String::new());
                record.follow(&line, true);
            }
        }
        let stream = &mut self.streams[at];
        stream.begun += 1;
        stream.slots[slot].number = stream.begun;
        stream.slots[slot].record = record;
        self.close_keeping(at, slot);
    }

    /// The stream of a writer; the latest is the last.
    fn stream(&mut self, by: &str) -> usize {
        match self.streams.iter().rposition(|stream| stream.by == by) {
            Some(at) if at + 1 == self.streams.len() => at,
            Some(at) => {
                let stream = self.streams.remove(at);
                self.streams.push(stream);
                self.streams.len() - 1
            }
            None => {
                if self.streams.len() >= self.limits.threads.max(1) {
                    self.flush(0);
                    self.streams.remove(0);
                }
                self.streams.push(Stream { by: text::head(by, 200).to_owned(), ..Stream::default() });
                self.streams.len() - 1
            }
        }
    }

    /// The place of a thread's record; the latest is the last.
    fn slot(&mut self, at: usize, thread: &str) -> usize {
        let thread = text::head(thread, 80);
        let slots = &mut self.streams[at].slots;
        match slots.iter().rposition(|slot| slot.thread == thread) {
            Some(slot) if slot + 1 == slots.len() => slot,
            Some(slot) => {
                let slot = slots.remove(slot);
                slots.push(slot);
                slots.len() - 1
            }
            None => {
                if slots.len() >= self.limits.threads.max(1) {
                    self.close(at, 0);
                    self.streams[at].slots.remove(0);
                }
                let slots = &mut self.streams[at].slots;
                slots.push(Slot { thread: thread.to_owned(), record: Record::default(), number: 0 });
                slots.len() - 1
            }
        }
    }

    /// Ends a record, and gives what it says of where the next of its thread may go.
    fn close(&mut self, at: usize, slot: usize) -> String {
        let record = std::mem::take(&mut self.streams[at].slots[slot].record);
        let failed = self.conclude(at, slot, &record);
        record.context(failed)
    }

    /// Ends a record whose context the next one may need.
    fn close_keeping(&mut self, at: usize, slot: usize) {
        let before = self.close(at, slot);
        self.streams[at].slots[slot].record = Record::concluded(before);
    }

    fn conclude(&mut self, at: usize, slot: usize, record: &Record) -> bool {
        let Some(found) = record.conclude(false) else { return false };
        let stream = &mut self.streams[at];
        let (thread, number) = (stream.slots[slot].thread.clone(), stream.slots[slot].number);
        let again =
            stream.told.iter().rposition(|told| told.thread == thread && is_again(told, &found, number));
        if let Some(again) = again {
            // What is known of it now may be more than was known when it was told.
            let told = &mut stream.told[again];
            told.number = number;
            let before = told.found.failure.clone();
            complete(&mut told.found.failure, &found.failure);
            if let Some(pending) = self.done.iter_mut().rev().find(|failure| **failure == before) {
                complete(pending, &found.failure);
            }
            return true;
        }
        if stream.told.len() >= REMEMBERED {
            stream.told.pop_front();
        }
        stream.told.push_back(Told { found: found.clone(), thread, number });
        self.done(found.failure);
        true
    }

    fn done(&mut self, failure: Failure) {
        if self.done.len() < self.limits.pending {
            self.done.push_back(failure);
        } else {
            self.lost += 1;
        }
    }

    /// Ends everything that a writer has begun.
    fn flush(&mut self, at: usize) {
        let partial = std::mem::take(&mut self.streams[at].partial);
        if !partial.is_empty() {
            self.unwrapped(at, &partial);
        }
        if let Some(held) = self.streams[at].held.take() {
            self.process(at, &held);
        }
        let mut failures = Vec::new();
        self.streams[at].session.finish(&mut failures);
        failures.into_iter().for_each(|failure| self.done(failure));
        for slot in 0..self.streams[at].slots.len() {
            self.close_keeping(at, slot);
        }
    }
}
