//! One record of a log: its header, the throwables that follow, and the one failure that they are.

use std::{fmt::Write as _, sync::LazyLock};

use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::{
    frames::{Frames, is_frame},
    grammar,
    head::{self, Head, Role},
    header::{Header, Level},
    place::{self, Place},
    text::head as beginning,
};

/// Throwables of one record that are kept: the first ones and, in place of the last, whatever comes.
const HEADS: usize = 24;
/// Bytes of a message that are kept.
const MESSAGE: usize = 2048;
/// Bytes of lines between throwables and frames that are kept.
const LOOSE: usize = 4096;

/// A record that may still go on.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// What the header says, without its time, level and thread.
    pub said: String,
    pub level: Option<Level>,
    pub logger: String,
    pub stamp: Option<u32>,
    pub fine: bool,
    /// It began with a header, so that what follows without one belongs to it.
    pub headed: bool,
    pub heads: Vec<Head>,
    pub frames: Frames,
    /// Lines that are neither.
    pub loose: String,
    /// Frames came after the last throwable.
    pub closed_head: bool,
    /// The next throwable continues the chain, whatever its line looks like.
    pub chained: bool,
    /// Throwables came root first.
    pub root_first: bool,
    /// The line directly before it, of the same thread, unless that is a failure of its own or says that all went well.
    pub before: String,
    /// Some word in it may be of a failure.
    pub interesting: bool,
    /// A throwable stood on a line of its own.
    pub own: bool,
    /// How far that line was indented.
    pub indent: usize,
    /// A line without a header has said what failed: that line.
    pub told: Option<String>,
    /// Below a suppressed throwable.
    pub beside: bool,
    /// What it says was told; whatever still comes of it changes nothing.
    pub concluded: bool,
    /// The last line that is neither throwable nor frame, where none of them followed.
    pub last: String,
    /// Addresses of Node's properties that follow a stack.
    pub properties: Place,
    /// Inside a traceback of Python, whose indented lines are code.
    pub traceback: bool,
    /// It is known of whom: fields of a structured record.
    pub fields: Place,
}

/// What became of a line that a record was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// It belongs to the record.
    Taken,
    /// It begins another failure.
    Other,
}

impl Record {
    /// A record that a header begins.
    pub(super) fn begun(header: &Header<'_>, before: String, interesting: bool) -> Record {
        let said = beginning(header.rest, MESSAGE).to_owned();
        let mut record = Record {
            level: header.level,
            logger: header.logger.to_owned(),
            stamp: header.stamp,
            fine: header.fine,
            headed: true,
            before,
            interesting,
            said,
            ..Record::default()
        };
        if interesting {
            record.traceback = record.said.contains("Traceback (most recent call last)");
            record.say();
        }
        record
    }

    /// A record that begins without a header.
    pub(super) fn headless(before: String) -> Record {
        Record { before, ..Record::default() }
    }

    /// A record that is over, for the sake of what it says of the next.
    pub(super) fn concluded(said: String) -> Record {
        Record { said, concluded: true, ..Record::default() }
    }

    /// A record that somebody asks about: it is known to tell of an error.
    pub(super) fn asked() -> Record {
        Record { interesting: true, level: Some(Level::Loud), ..Record::default() }
    }

    /// The first line of what is asked about.
    pub(super) fn ask(&mut self, line: &str) {
        if let Some(head) = head::whole(line.trim(), Role::Thrown) {
            self.throw(head, 0);
        } else {
            beginning(line, MESSAGE).clone_into(&mut self.said);
            self.say();
        }
    }

    /// Whether a line with this header can be the second of this record: the same moment, the same logger.
    pub(super) fn is_headed_like(&self, header: &Header<'_>) -> bool {
        self.headed
            && !self.own
            && self.heads.is_empty()
            && self.stamp.is_some()
            && self.stamp == header.stamp
            && self.fine
            && self.logger == header.logger
    }

    /// Whether a line's throwable is one that is known.
    pub(super) fn repeats(&self, line: &str) -> bool {
        head::whole(line.trim(), Role::Thrown).is_some_and(|head| {
            self.heads.iter().any(|known| {
                known.name() == head.name()
                    && (known.message == head.message || known.message.starts_with(&head.message))
            })
        })
    }

    /// Takes a line that has no header, or gives it back where it begins something else.
    pub(super) fn follow(&mut self, line: &str, interesting: bool) -> Follow {
        if self.concluded {
            // What is left of a trace that was told belongs to it.
            let head = line.trim_start();
            let begins = interesting
                && head.len() == line.len()
                && head::marked(head).is_none()
                && (head::whole(head, Role::Thrown).is_some() || grammar::is_telling(head));
            return if begins { Follow::Other } else { Follow::Taken };
        }
        self.interesting |= interesting;
        if is_frame(line) {
            self.frame(line);
            return Follow::Taken;
        }
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if !interesting {
            if !(self.traceback && indent > 0) {
                self.loose(line);
            }
            return Follow::Taken;
        }
        if indent == 0
            && !self.chained
            && !self.heads.is_empty()
            && trimmed.starts_with("Traceback (most recent call last)")
            && !self.said.contains("Traceback")
        {
            // In Python frames stand before what was thrown.
            return Follow::Other;
        }
        if let Some((role, rest)) = head::marked(trimmed) {
            if trimmed.starts_with("Wrapped by:") {
                self.root_first = true;
            }
            self.beside = role == Role::Suppressed || (self.beside && indent > 0);
            let role = if self.beside { Role::Suppressed } else { role };
            if let Some(head) = head::whole(rest.trim(), role) {
                self.throw(head, indent);
                return Follow::Taken;
            }
            let (_, heads) = head::inline(rest);
            if !heads.is_empty() {
                for head in heads {
                    self.throw(Head { role, ..head }, indent);
                }
                return Follow::Taken;
            }
        }
        if self.traceback && indent > 0 {
            return Follow::Taken;
        }
        let trimmed = trimmed.trim_end();
        if let Some(head) = head::whole(trimmed, Role::Thrown) {
            if self.chained {
                self.throw(Head { role: Role::Cause, ..head }, indent);
                return Follow::Taken;
            }
            // A line said it in short, and now comes the trace.
            let same = self.told.as_ref().is_none_or(|told| {
                told.contains(&head.text()) || told.contains(&head.kind) && head.message.is_empty()
            });
            if !self.own && same {
                self.throw(head, indent);
                return Follow::Taken;
            }
            if indent > self.indent {
                self.throw(Head { role: Role::Part, ..head }, self.indent);
                return Follow::Taken;
            }
            return Follow::Other;
        }
        if indent <= self.indent && !trimmed.starts_with(['{', '}', '"', '\'']) {
            let (_, inner) = head::inline(trimmed);
            let telling = !inner.is_empty() || grammar::is_telling(trimmed);
            let message = self.own && !self.closed_head;
            let stated =
                self.told.is_some() || self.own || !self.heads.is_empty() || grammar::is_telling(&self.said);
            // wget says it where it tries, and again at its end.
            let at_the_end = trimmed.starts_with("wget: unable to resolve")
                && self.told.as_ref().is_some_and(|told| told.starts_with("Resolving "));
            let repeated = at_the_end || self.said.contains(trimmed) || self.loose.contains(trimmed);
            if telling && stated && !message && !repeated {
                return Follow::Other;
            }
            if telling && !repeated {
                for inner in inner {
                    let role = if self.heads.is_empty() { Role::Thrown } else { Role::Cause };
                    self.push(Head { role, ..inner });
                }
                self.told.get_or_insert_with(|| beginning(trimmed, MESSAGE).to_owned());
            }
            self.loose(line);
            if telling {
                // What failed is no context of what comes next.
                self.last.clear();
            }
            return Follow::Taken;
        }
        self.loose(line);
        Follow::Taken
    }

    /// The context of a record that begins right behind this one, on the same thread.
    pub(super) fn context(self, failed: bool) -> String {
        if failed {
            return self.last;
        }
        if is_success(&self.said) {
            return String::new();
        }
        if self.last.is_empty() { self.said } else { format!("{} {}", self.said, self.last) }
    }

    /// Reads the throwables that the header itself names.
    fn say(&mut self) {
        let (_, heads) = head::inline(&self.said);
        for head in heads {
            self.push(head);
        }
    }

    /// A throwable on a line of its own.
    pub(super) fn throw(&mut self, head: Head, indent: usize) {
        if !self.own {
            self.indent = indent;
        }
        self.own = true;
        self.last.clear();
        // `…; nested exception is …` in a message of its own line.
        let (preamble, inner) = head::inline(&head.message);
        let preamble = head::trimmed(preamble).to_owned();
        let chained = head.message.trim_end().ends_with("nested exception is");
        let roles = if head.role == Role::Suppressed { Role::Suppressed } else { Role::Cause };
        let message = if inner.is_empty() { head.message } else { preamble };
        self.push(Head { message, ..head });
        for mut inner in inner {
            inner.role = roles;
            self.push(inner);
        }
        self.chained = chained;
        self.traceback = false;
        self.closed_head = false;
    }

    fn push(&mut self, mut head: Head) {
        head.message.truncate(beginning(&head.message, MESSAGE).len());
        self.frames.kind(&head.kind);
        if self.heads.len() >= HEADS {
            self.heads.pop();
        }
        self.heads.push(head);
    }

    fn frame(&mut self, line: &str) {
        self.frames.frame(line);
        self.closed_head = true;
        self.last.clear();
        self.property(line);
    }

    /// A line that is no frame and no throwable.
    fn loose(&mut self, line: &str) {
        self.property(line);
        if line.starts_with("Traceback (most recent call last)") {
            self.traceback = true;
        }
        if line.contains("During handling of the above exception")
            || line.contains("was the direct cause of the following exception")
        {
            self.chained = true;
            self.root_first = true;
        }
        if line.trim_end().ends_with("nested exception is:")
            || line.contains("[previous exception]")
            || line.trim() == "Caused by:"
        {
            self.chained = true;
        }
        let room = LOOSE.saturating_sub(self.loose.len());
        if room > 1 && !line.is_empty() {
            let line = beginning(line, room - 1);
            // Before the frames it is more of the message; behind them, a line about the failure.
            if !self.closed_head
                && let Some(last) = self.heads.last_mut()
                && last.message.len() + line.len() < MESSAGE
            {
                let _ = write!(last.message, "\n{line}");
            }
            let _ = writeln!(self.loose, "{line}");
        }
        if !line.trim().is_empty() {
            beginning(line, 512).clone_into(&mut self.last);
        }
    }

    /// What Node prints of an error's properties: `address: '…'`, `port: 443`, `code: '…'`.
    fn property(&mut self, line: &str) {
        static PAIR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(": "));
        if PAIR.find(line.as_bytes()).is_none() {
            return;
        }
        for (key, value) in line.split([',', '{', '}']).filter_map(|part| part.split_once(": ")).take(16) {
            let value = value.trim().trim_matches(['\'', '"']);
            match key.trim() {
                "address" | "localAddress" if key.trim() == "address" => {
                    if let Some(address) = place::address(value) {
                        self.properties.addresses.insert(address);
                    }
                }
                "port" => self.properties.port = self.properties.port.or(value.parse().ok()),
                "hostname" | "host" | "servername" if !value.is_empty() && !value.contains(' ') => {
                    let found = place::around(&format!("host={value}"));
                    self.properties.host = self.properties.host.take().or(found.host);
                }
                "code"
                    if self.heads.last().is_some_and(|last| !last.message.contains(value))
                        && value.starts_with('E') =>
                {
                    if let Some(last) = self.heads.last_mut().filter(|last| last.name() == "AggregateError") {
                        let _ = write!(last.message, " {value}");
                    }
                }
                _ => {}
            }
        }
    }
}

/// Whether a line says that what it speaks of went well.
fn is_success(said: &str) -> bool {
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        let words = " 200| 201| 204|success|succeeded|성공|완료|completed|finished|received|-> OK|connected";
        Regex::new(words).expect("a pattern")
    });
    WORDS.is_match(said.as_bytes())
}
