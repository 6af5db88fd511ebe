//! One record of a log: its header, the throwables that follow, and the one failure that they are.

use std::{fmt::Write as _, time::Duration};

use reach_core::signal::{Failure, FailureClass, HostFrom};

use super::{
    frames::{Frames, is_frame},
    grammar,
    head::{self, Head, Role},
    header::{Header, Level},
    place::{self, Place},
    rules::{self, Reading, Sense},
    scrub::scrub,
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
    loose: String,
    /// Frames came after the last throwable.
    closed_head: bool,
    /// The next throwable continues the chain, whatever its line looks like.
    chained: bool,
    /// Throwables came root first.
    root_first: bool,
    /// The line directly before it, of the same thread, unless that is a failure of its own or says that all went well.
    pub before: String,
    /// Some word in it may be of a failure.
    pub interesting: bool,
    /// A throwable stood on a line of its own.
    own: bool,
    /// How far that line was indented.
    indent: usize,
    /// A line of words has said what failed.
    told: bool,
    /// Below a suppressed throwable.
    beside: bool,
    /// What it says was told; whatever still comes of it changes nothing.
    concluded: bool,
    /// The last line that is neither throwable nor frame, where none of them followed.
    last: String,
    /// Addresses of Node's properties that follow a stack.
    properties: Place,
    /// Inside a traceback of Python, whose indented lines are code.
    traceback: bool,
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

/// A failure, and what tells whether it is one that was told before.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub failure: Failure,
    /// The chain, outermost first.
    pub chain: Vec<String>,
    pub said: String,
    pub stamp: Option<u32>,
    pub fine: bool,
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

    /// The record, where anything of it can be a failure.
    pub(super) fn clone_if_interesting(&self) -> Option<Record> {
        (self.interesting && !self.concluded).then(|| self.clone())
    }

    /// Whether a line with this header can be the second of this record: the same moment, the same logger.
    pub(super) fn is_headed_like(&self, header: &Header<'_>) -> bool {
        self.headed && !self.own && self.heads.is_empty() && self.stamp.is_some() && self.stamp == header.stamp && self.fine && self.logger == header.logger
    }

    /// Whether a line's throwable is one that is known.
    pub(super) fn repeats(&self, line: &str) -> bool {
        head::whole(line.trim(), Role::Thrown).is_some_and(|head| self.heads.iter().any(|known| known.name() == head.name() && (known.message == head.message || known.message.starts_with(&head.message))))
    }

    /// Takes a line that has no header, or gives it back where it begins something else.
    pub(super) fn follow(&mut self, line: &str, interesting: bool) -> Follow {
        if self.concluded {
            // What is left of a trace that was told belongs to it.
            let head = line.trim_start();
            let begins = interesting && head.len() == line.len() && head::marked(head).is_none()
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
            if !self.own && !self.told {
                self.throw(head, indent);
                return Follow::Taken;
            }
            if indent > self.indent {
                self.throw(Head { role: Role::Part, ..head }, self.indent);
                return Follow::Taken;
            }
            return Follow::Other;
        }
        if indent <= self.indent && grammar::is_telling(trimmed) && !trimmed.starts_with(['{', '}', '"', '\'']) {
            let stated = self.told || self.closed_head || (!self.headed && !self.heads.is_empty());
            let repeated = self.said.contains(trimmed) || self.loose.contains(trimmed);
            if (stated || grammar::is_telling(&self.said) || !self.heads.is_empty()) && !repeated {
                return Follow::Other;
            }
            self.told = true;
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
        let (_, inner) = head::inline(&head.message);
        let chained = head.message.trim_end().ends_with("nested exception is");
        let roles = if head.role == Role::Suppressed { Role::Suppressed } else { Role::Cause };
        self.push(head);
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
        if line.contains("During handling of the above exception") || line.contains("was the direct cause of the following exception") {
            self.chained = true;
            self.root_first = true;
        }
        if line.trim_end().ends_with("nested exception is:") || line.contains("[previous exception]") || line.trim() == "Caused by:" {
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
                "code" if self.heads.last().is_some_and(|last| !last.message.contains(value)) && value.starts_with('E') => {
                    if let Some(last) = self.heads.last_mut().filter(|last| last.name() == "AggregateError") {
                        let _ = write!(last.message, " {value}");
                    }
                }
                _ => {}
            }
        }
    }

    /// The failure that it is, if it is one.
    pub(super) fn conclude(&self, asked: bool) -> Option<Found> {
        if !self.interesting || self.concluded {
            return None;
        }
        let (sense, deepest) = self.sense(asked)?;
        let mut place = self.place(&sense);
        let mut host_from = place.host.is_some().then_some(HostFrom::Message);
        let quiet = self.level == Some(Level::Quiet) && self.heads.iter().all(|head| head.kind.is_empty());
        if quiet && !asked {
            return None;
        }
        let by_proxy = place.proxy || sense.detail.as_deref() == Some("by-proxy");
        if !by_proxy {
            let mut near = Place::default();
            for context in [self.around_heads(&sense), self.fields.clone(), place::around(&self.before)] {
                if near.is_somewhere() {
                    break;
                }
                near.absorb(&context);
            }
            let known = place.host.is_some();
            if self.names_token_host(&place) {
                near = Place { host: Some("oauth2.googleapis.com".to_owned()), port: Some(443), ..Place::default() };
            }
            // A reset of a local resolver's answer and the like: an address that stands elsewhere is no context.
            if !(known && near.host.is_some() && near.host != place.host) {
                place.absorb(&near);
            }
            if !known && place.host.is_some() {
                host_from = Some(HostFrom::Context);
            }
        } else if place.proxy {
            // The destination that the proxy was to reach did not fail.
        } else {
            place = Place::default();
            host_from = None;
        }
        let texts: Vec<String> = self.heads.iter().map(Head::text).collect();
        let all = texts.join("\n");
        let timeout = rules::timeout(&all).or_else(|| rules::timeout(&self.said));
        let mut detail = sense.detail.clone().map(|detail| detail.into_owned());
        if place.proxy && sense.class != FailureClass::Http {
            detail = Some("proxy".to_owned());
        }
        let text = match deepest {
            Some(at) => self.telling(at),
            None => self.said.clone(),
        };
        let one = (place.addresses.len() == 1).then(|| place.addresses.first().copied()).flatten();
        let failure = Failure {
            class: sense.class,
            detail,
            host: place.host,
            host_from,
            address: one,
            addresses: if one.is_some() { Default::default() } else { place.addresses },
            port: place.port,
            client: self.client(&all).map(str::to_owned),
            jdk: self.frames.jdk(&texts),
            status: sense.status,
            timeout,
            local: place.local,
            text: scrub(&text),
        };
        let mut chain: Vec<String> = self.heads.iter().filter(|head| matches!(head.role, Role::Thrown | Role::Cause)).map(Head::text).collect();
        chain.dedup();
        if chain.is_empty() {
            chain.push(self.said.clone());
        }
        Some(Found { failure, chain, said: format!("{} {}", self.logger, self.said), stamp: self.stamp, fine: self.fine })
    }

    /// The text of the throwable that names most of the destination: the outermost whose words have the class.
    fn telling(&self, at: usize) -> String {
        let text = self.heads[at].text();
        let first = self.heads.iter().find(|head| {
            let text = head.text();
            head.role != Role::Suppressed && place::named(&text).is_somewhere() && grammar::is_telling(&text)
        });
        first.map_or(text, Head::text)
    }

    /// What the chain means, and which throwable says so.
    fn sense(&self, asked: bool) -> Option<(Sense, Option<usize>)> {
        let mut best: Option<(Sense, usize)> = None;
        let order: Vec<usize> = if self.root_first { (0..self.heads.len()).rev().collect() } else { (0..self.heads.len()).collect() };
        for main in [true, false] {
            for &at in &order {
                let head = &self.heads[at];
                if (matches!(head.role, Role::Thrown | Role::Cause)) != main {
                    continue;
                }
                match self.read(head) {
                    Reading::Inbound => return None,
                    Reading::Nothing => {}
                    // The deepest of the strongest.
                    Reading::Failed(sense) => {
                        if best.as_ref().is_none_or(|(known, _)| sense.strength >= known.strength) {
                            best = Some((sense, at));
                        }
                    }
                }
            }
            if best.is_some() {
                break;
            }
        }
        if best.as_ref().is_none_or(|(sense, _)| sense.strength < 3) {
            let words = self.words(asked);
            if let Some(sense) = words
                && best.as_ref().is_none_or(|(known, _)| sense.strength > known.strength)
            {
                let at = best.map(|(_, at)| at).filter(|_| self.said.is_empty());
                return Some((self.finished(sense), at));
            }
        }
        let (sense, at) = best?;
        Some((self.finished(sense), Some(at)))
    }

    fn read(&self, head: &Head) -> Reading {
        let first = head.message.split('\n').next().unwrap_or_default();
        match rules::read(head.name(), first, &self.frames) {
            Reading::Nothing if first.len() < head.message.len() => {
                // Cut by a terminal between words, or a message of several lines.
                rules::read(head.name(), &head.message.replace('\n', " "), &self.frames)
            }
            Reading::Failed(mut sense) if sense.class == FailureClass::Http && first.len() < head.message.len() => {
                if let Reading::Failed(whole) = rules::read(head.name(), &head.message, &self.frames) {
                    sense.detail = sense.detail.or(whole.detail);
                }
                Reading::Failed(sense)
            }
            other => other,
        }
    }

    /// What words without a throwable mean.
    fn words(&self, asked: bool) -> Option<Sense> {
        if self.level == Some(Level::Quiet) && !asked {
            return None;
        }
        let somewhere = asked || place::around(&self.said).is_somewhere();
        let said = if grammar::is_telling(&self.said) || (somewhere && grammar::is_plain(&self.said)) {
            Some(self.said.clone())
        } else {
            self.loose.lines().find(|line| grammar::is_telling(line)).map(str::to_owned)
        }?;
        match rules::read("", &said, &self.frames) {
            Reading::Failed(sense) => Some(sense),
            _ => None,
        }
    }

    /// Sets right what a sense cannot know of the rest of its record.
    fn finished(&self, mut sense: Sense) -> Sense {
        let all: String = self.heads.iter().map(|head| head.text() + "\n").collect();
        if sense.class == FailureClass::Http && sense.detail.as_deref() == Some("by-proxy") && sense.status.is_none() {
            sense.status = rules::proxy_status(&all).or_else(|| rules::proxy_status(&self.said));
        }
        if sense.class == FailureClass::Http && sense.detail.is_none() {
            let body = rules::body(&format!("{}{}", self.said, self.loose).to_ascii_lowercase());
            sense.detail = body;
        }
        if sense.detail.as_deref() == Some("connect-or-handshake") && self.frames.handshake {
            sense.class = FailureClass::Tls;
            sense.detail = Some("handshake-timeout".into());
        }
        // A refusal takes one round trip; whoever waited longer was not refused.
        if sense.detail.as_deref() == Some("reason-lost") && waited(&self.said).is_some_and(|waited| waited >= Duration::from_secs(1)) {
            sense.class = FailureClass::ConnectTimeout;
            sense.detail = Some("ETIMEDOUT".into());
        }
        sense
    }

    /// Where it happened, by the words of the failure itself.
    fn place(&self, sense: &Sense) -> Place {
        let mut place = Place::default();
        for head in self.heads.iter().filter(|head| head.role != Role::Suppressed) {
            place.absorb(&place::named(&head.text().replace('\n', " ")));
        }
        for head in self.heads.iter().filter(|head| head.role == Role::Suppressed) {
            let beside = place::named(&head.text());
            if place.host == beside.host || beside.host.is_none() {
                place.absorb(&beside);
            }
        }
        let (preamble, _) = head::inline(&self.said);
        if grammar::is_telling(&self.said) {
            place.absorb(&place::named(&self.said));
        } else if place.is_empty() && !preamble.is_empty() && self.heads.is_empty() {
            place = place::named(&self.said);
        }
        for line in self.loose.lines().filter(|line| grammar::is_telling(line)) {
            place.absorb(&place::named(line));
        }
        if sense.class != FailureClass::Dns {
            place.absorb(&Place { host: None, ..self.properties.clone() });
        }
        place.absorb(&self.properties);
        // `UnknownHostException: h: …` and the like name what was not found.
        place
    }

    /// What the record says around its throwables.
    fn around_heads(&self, sense: &Sense) -> Place {
        let (preamble, heads) = head::inline(&self.said);
        let said = if heads.is_empty() { &self.said } else { preamble };
        let mut place = place::around(said);
        if !place.is_somewhere() && heads.is_empty() {
            place = place::around(&self.said);
        }
        // The request that an answer belongs to, printed behind it.
        if !place.is_somewhere() && (sense.class == FailureClass::Http || !self.loose.is_empty()) {
            place = place::around(&self.loose);
        }
        if !place.is_somewhere() {
            for head in &self.heads {
                place = place::around(&head.message);
                if place.is_somewhere() {
                    break;
                }
            }
        }
        place
    }

    /// Google's token host fails, whatever service the token was for; the text of the library does not name it.
    fn names_token_host(&self, place: &Place) -> bool {
        let token = |text: &str| text.contains("Error getting access token for service account");
        place.host.is_none() && (token(&self.said) || self.heads.iter().any(|head| token(&head.message)))
    }

    fn client(&self, all: &str) -> Option<&'static str> {
        self.frames.client().or_else(|| grammar::client(all)).or_else(|| grammar::client(&self.said)).or_else(|| grammar::client(&self.loose))
    }
}

/// Whether a line says that what it speaks of went well.
fn is_success(said: &str) -> bool {
    const WORDS: [&str; 12] = [" 200", " 201", " 204", "success", "succeeded", "성공", "완료", "completed", "finished", "received", "-> OK", "connected"];
    WORDS.iter().any(|word| said.contains(word))
}

/// How long the header says that it took.
fn waited(said: &str) -> Option<Duration> {
    let words: Vec<&str> = said.split_whitespace().take(64).collect();
    words.windows(2).find_map(|pair| {
        let number: u64 = pair[0].trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok()?;
        matches!(pair[1].trim_end_matches(|c: char| !c.is_ascii_alphabetic()), "ms").then_some(Duration::from_millis(number))
    })
}
