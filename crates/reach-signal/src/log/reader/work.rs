//! What is done with each line.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    mem,
    time::Duration,
};

use reach_core::{
    Time,
    signal::{Failure, Requests, Signal, Word},
};
use serde_json::Value;

use super::{Kind, LogPlan, Tally, hearer::Hearer, pieces::Pieces, statements::Statements, tries::word_of};
use crate::log::{
    access::{self, Hit, Layout, Try},
    counts::Counts,
    envelope::{self, Inner},
    level::{self, Level},
    record::{Joiner, Line, Record, is_continuation},
    servers::{self, Told},
    stamp::Stamps,
    understands::Understanding,
};

/// A record that nothing was added to for so long is complete.
const QUIET: Duration = Duration::from_secs(1);

/// All of a reader but the cutting into lines.
pub(super) struct Work {
    plan: LogPlan,
    joiner: Joiner,
    /// Beginnings of lines that others cut into pieces.
    pieces: Pieces,
    /// What a database says of its statements, if this is its log.
    statements: Option<Statements>,
    /// What the log said itself of the fields of its requests.
    layout: Option<Layout>,
    stamps: Stamps,
    counts: Counts,
    main: Hearer,
    others: BTreeMap<String, Hearer>,
    understanding: Understanding,
    pub(super) out: Vec<Signal>,
    pub(super) tally: Tally,
    /// Lines missing that were told of, and when.
    given_lost: u64,
    lost_at: Option<Time>,
    /// The time of the last line that had one.
    last_at: Option<Time>,
    fed: Time,
    written: Time,
    skips: bool,
    /// Where the line begins and ends that is read.
    line_from: u64,
    line_end: u64,
    /// Where the journal says that each of its entries is, with where it ends here.
    cursors: VecDeque<(u64, String)>,
}

/// More entries of a journal are hardly between what was read and what was given.
const MOST_CURSORS: usize = 10_000;

impl Work {
    pub(super) fn new(plan: LogPlan, understanding: Understanding, counts: Counts) -> Self {
        Self {
            joiner: Joiner::new(plan.limits),
            pieces: Pieces::new(plan.limits.streams, plan.longest_line),
            statements: Statements::new(&plan),
            layout: None,
            stamps: Stamps::new(plan.zone.clone()),
            counts: Counts::resumed(plan.window, counts),
            main: Hearer::new(understanding(), Time::default()),
            others: BTreeMap::new(),
            understanding,
            plan,
            out: Vec::new(),
            tally: Tally::default(),
            given_lost: 0,
            lost_at: None,
            last_at: None,
            fed: Time::default(),
            written: Time::default(),
            skips: false,
            line_from: 0,
            line_end: 0,
            cursors: VecDeque::new(),
        }
    }

    /// What comes was read `now`, and written at `written` at the latest.
    pub(super) fn hear(&mut self, written: Time, now: Time) {
        (self.fed, self.written) = (now, written);
    }

    pub(super) fn skip_continuation(&mut self) {
        self.skips = true;
    }

    pub(super) fn note_cut(&mut self, cut: u64) {
        self.tally.cut = cut;
    }

    pub(super) fn is_within_record(&self) -> bool {
        self.joiner.is_open()
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many bytes of the last whole lines may not have been given.
    pub(super) fn ungiven(&self) -> u64 {
        let hearers = std::iter::once(&self.main).chain(self.others.values());
        let doubtful = hearers.filter(|hearer| hearer.is_dirty).map(|hearer| hearer.from);
        let statements = self.statements.as_ref().and_then(Statements::open_from);
        let open = self.joiner.open_from().into_iter().chain(self.pieces.open_from()).chain(statements);
        let given = doubtful.chain(open).min();
        self.line_end - given.unwrap_or(self.line_end).min(self.line_end)
    }

    pub(super) fn cursor(&mut self) -> Option<&str> {
        let given = self.line_end - self.ungiven();
        let cursors = &mut self.cursors;
        while cursors.get(1).is_some_and(|(end, _)| *end <= given) {
            cursors.pop_front();
        }
        cursors.front().filter(|(end, _)| *end <= given).map(|(_, cursor)| cursor.as_str())
    }

    pub(super) fn line(&mut self, line: &str, end: u64) {
        self.tally.lines += 1;
        (self.line_from, self.line_end) = (self.line_end, end);
        if let Some(statements) = &mut self.statements {
            let from = self.line_from;
            let mut told = Vec::new();
            let cursor = statements.line(line, &mut self.stamps, (self.written, self.fed), from, &mut told);
            self.note_cursor(cursor, end);
            self.give_statements(told);
            return;
        }
        let mut inner = envelope::open(line, &mut self.stamps, self.written);
        self.note_cursor(inner.cursor.take(), end);
        if inner.is_partial || self.pieces.has(&inner.stream) {
            let (from, heard) = (self.line_from, self.fed);
            let Some((whole, from)) = self.pieces.join(&inner, from, heard) else { return };
            self.line_from = from;
            inner.json = envelope::object(&whole);
            inner.text = Cow::Owned(whole);
            let text = inner.text.clone();
            return self.whole(inner, &text);
        }
        self.whole(inner, line);
    }

    fn note_cursor(&mut self, cursor: Option<String>, end: u64) {
        if let Some(cursor) = cursor {
            if self.cursors.len() >= MOST_CURSORS {
                self.cursors.pop_front();
            }
            self.cursors.push_back((end, cursor));
        }
    }

    /// What the file begins with, of which only the rest is read: it may say what its fields are.
    pub(super) fn begins(&mut self, head: &[u8]) {
        let whole = memchr::memrchr(b'\n', head).map_or(&[][..], |end| &head[..end]);
        let directives = String::from_utf8_lossy(whole);
        let layouts = directives.lines().filter_map(|line| access::directive(&self.plan.form, line));
        self.layout = layouts.flatten().last().or(self.layout.take());
    }

    /// A line that is whole; `line` has what was around it too.
    fn whole(&mut self, mut inner: Inner<'_>, line: &str) {
        let json = inner.json.take();
        if self.plan.kind != Kind::Application {
            if let Some(layout) = access::directive(&self.plan.form, &inner.text) {
                self.layout = layout.or(self.layout.take());
                return;
            }
            let hit = access::read(
                &self.plan.form,
                self.layout.as_ref(),
                &inner.text,
                json.as_deref(),
                &mut self.stamps,
                self.written,
            );
            if let Some(hit) = hit {
                self.hit(&hit, inner.at, line);
                if self.plan.kind == Kind::Access || !json.as_deref().is_some_and(tells_of_failure) {
                    return;
                }
            } else if self.plan.kind == Kind::Access {
                // An empty line is no request that was missed.
                self.tally.unread += u64::from(!inner.text.trim().is_empty());
                return;
            }
        }
        let stamp = if json.is_none() { self.stamps.read(&inner.text, self.written) } else { None };
        let begins = stamp.is_some();
        let at = match stamp {
            // Who passed a line on knows the zone; who wrote it may not say.
            Some(stamp) if stamp.is_zoned || inner.at.is_none() => Some(stamp.at),
            _ => inner.at,
        };
        let level = inner.level.filter(|_| json.is_some()).or_else(|| {
            let rest = stamp.map_or(0, |stamp| stamp.end);
            if begins || at.is_some() {
                level::read(inner.text.get(rest..)?).or(level::read(&inner.text))
            } else {
                None
            }
        });
        if self.skips {
            if !begins && json.is_none() && is_continuation(&inner.text, "") {
                return;
            }
            self.skips = false;
        }
        if at.is_some() {
            self.last_at = at;
        }
        let line = Line {
            stream: &inner.stream,
            at,
            level: level.or(inner.level),
            text: &inner.text,
            is_whole: json.is_some(),
            begins,
            heard: self.fed,
            from: self.line_from,
        };
        self.with_joiner(|joiner, work| {
            joiner.push(&line, &mut |stream, record| work.complete(stream, record))
        });
    }

    /// The joiner is taken out meanwhile, so that what it gives can be dealt with where it stands.
    fn with_joiner(&mut self, act: impl FnOnce(&mut Joiner, &mut Self)) {
        let mut joiner = mem::replace(&mut self.joiner, Joiner::new(self.plan.limits));
        act(&mut joiner, self);
        self.joiner = joiner;
    }

    fn hit(&mut self, hit: &Hit, passed_on: Option<Time>, line: &str) {
        let at = hit.at.or(passed_on).or(self.last_at).unwrap_or(self.written);
        if self.is_left_out(Some(at), None, line) {
            return;
        }
        self.last_at = Some(at);
        self.tally.requests += 1;
        let failed = self.plan.failing.has(hit.status);
        self.counts.add(at, self.fed, failed, hit.is_late());
        if !hit.tries.iter().any(Try::is_failed) {
            return;
        }
        let served = (100..500).contains(&hit.status);
        for tried in hit.tries.iter().filter(|tried| tried.address.is_some() || tried.name.is_some()) {
            if let Some(word) = word_of(tried, served) {
                self.tally.failures += u64::from(matches!(word, Word::Failure(_)));
                self.out.push(Signal { at, origin: self.plan.origin.clone(), word });
            }
        }
    }

    fn is_left_out(&mut self, at: Option<Time>, level: Option<Level>, text: &str) -> bool {
        let is_early = matches!((self.plan.since, at), (Some(since), Some(at)) if at < since);
        let is_mild = matches!((self.plan.level, level), (Some(least), Some(level)) if level < least);
        let is_left_out =
            is_early || is_mild || self.plan.ignore.iter().any(|ignored| ignored.is_match(text));
        self.tally.ignored += u64::from(is_left_out);
        is_left_out
    }

    fn complete(&mut self, stream: &str, record: &Record) {
        self.tally.records += 1;
        let known = record.at.or(self.last_at);
        if self.is_left_out(known, record.level, &record.text) {
            return;
        }
        let at = known.unwrap_or(self.written);
        let mut found = Vec::new();
        match servers::read(record.text.split('\n').next().unwrap_or_default()) {
            Told::Failed(failure) => found.push((at, *failure)),
            Told::Aside => {}
            Told::Nothing => {
                let fed = self.fed;
                self.hearer(stream, &mut found).hear(record, at, fed, &mut found);
            }
        }
        self.give(found);
    }

    fn hearer(&mut self, stream: &str, found: &mut Vec<(Time, Failure)>) -> &mut Hearer {
        if stream.is_empty() {
            return &mut self.main;
        }
        if !self.others.contains_key(stream) && self.others.len() >= self.plan.limits.streams.max(1) {
            let oldest =
                self.others.iter().min_by_key(|(_, hearer)| hearer.fed).map(|(name, _)| name.clone());
            if let Some(mut oldest) = oldest.and_then(|name| self.others.remove(&name)) {
                oldest.flush(found);
            }
        }
        let (understanding, fed) = (&self.understanding, self.fed);
        self.others.entry(stream.to_owned()).or_insert_with(|| Hearer::new(understanding(), fed))
    }

    fn give(&mut self, found: Vec<(Time, Failure)>) {
        self.tally.failures += found.len() as u64;
        let origin = &self.plan.origin;
        self.out.extend(found.into_iter().map(|(at, failure)| Signal {
            at,
            origin: origin.clone(),
            word: Word::Failure(failure),
        }));
    }

    fn give_statements(&mut self, told: Vec<Signal>) {
        for signal in told {
            self.tally.records += 1;
            let Word::Statement(statement) = &signal.word else { continue };
            let text = statement.text.clone();
            if !self.is_left_out(Some(signal.at), None, &text) {
                self.out.push(signal);
            }
        }
    }

    pub(super) fn settle(&mut self, now: Time) {
        let Some(until) = now.as_micros().checked_sub(u64::try_from(QUIET.as_micros()).unwrap_or(u64::MAX))
        else {
            return;
        };
        self.complete_until(Time::from_micros(until));
    }

    pub(super) fn complete_all(&mut self) {
        self.complete_until(Time::from_micros(u64::MAX));
    }

    fn complete_until(&mut self, until: Time) {
        for (stream, text, from) in self.pieces.settle(until) {
            let json = envelope::object(&text);
            let inner = Inner { stream: Cow::Owned(stream), json, ..Inner::plain(&text) };
            let last = mem::replace(&mut self.line_from, from);
            self.whole(inner, &text);
            self.line_from = last;
        }
        if let Some(statements) = &mut self.statements {
            let mut told = Vec::new();
            statements.settle(until, self.fed, &mut told);
            self.give_statements(told);
        }
        self.with_joiner(|joiner, work| {
            joiner.settle(until, &mut |stream, record| work.complete(stream, record))
        });
        let mut found = Vec::new();
        for hearer in std::iter::once(&mut self.main).chain(self.others.values_mut()) {
            if hearer.fed <= until {
                hearer.flush(&mut found);
            }
        }
        self.give(found);
    }

    pub(super) fn windows(&mut self, now: Time) {
        let mut over = Vec::new();
        self.counts.take(now, &mut over);
        self.give_windows(over);
        let is_due = self.lost_at.is_none_or(|at| self.fed.since(at) >= self.plan.window);
        if is_due {
            self.give_lost(self.fed);
        }
    }

    fn give_windows(&mut self, over: Vec<(Time, Requests)>) {
        let origin = &self.plan.origin;
        self.out.extend(over.into_iter().map(|(at, requests)| Signal {
            at,
            origin: origin.clone(),
            word: Word::Requests(requests),
        }));
    }

    fn give_lost(&mut self, at: Time) {
        let lost = self.tally.unread + self.tally.cut;
        let count = lost - self.given_lost;
        if count > 0 {
            (self.given_lost, self.lost_at) = (lost, Some(at));
            let word = Word::Lost { what: "lines".to_owned(), count };
            self.out.push(Signal { at, origin: self.plan.origin.clone(), word });
        }
    }

    pub(super) fn finish(&mut self, now: Time) {
        let mut over = Vec::new();
        self.counts.finish(&mut over);
        self.give_windows(over);
        self.give_lost(now);
    }
}

/// A record in JSON may tell of a request and of what failed in it.
fn tells_of_failure(value: &Value) -> bool {
    const KEYS: [&str; 9] = [
        "stack_trace",
        "stackTrace",
        "stacktrace",
        "exception",
        "thrown",
        "error",
        "err",
        "error.stack_trace",
        "exc_info",
    ];
    KEYS.iter().any(|key| value.get(key).is_some_and(|value| !value.is_null()))
}
