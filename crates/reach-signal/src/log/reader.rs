//! One log from bytes to signals.

mod hearer;
mod tries;

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    time::Duration,
};

use encoding_rs::{EUC_KR, Encoding};
use jiff::tz::TimeZone;
use reach_core::{
    Time,
    signal::{Failure, Origin, Requests, Signal, Word},
};
use regex::Regex;
use serde_json::Value;

use self::{hearer::Hearer, tries::word_of};
use super::{
    access::{self, Form, Hit, Try},
    counts::{Counts, Failing},
    envelope,
    level::{self, Level},
    lines::Lines,
    record::{Joiner, Limits, Line, Record, is_continuation},
    servers::{self, Told},
    stamp::Stamps,
    understands::Understanding,
};

/// What a log has in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Whatever each line looks like.
    #[default]
    Auto,
    /// What applications say.
    Application,
    /// A request on each line.
    Access,
}

impl Kind {
    /// All of them by the names that configurations have.
    pub const NAMES: [(&'static str, Kind); 3] =
        [("auto", Kind::Auto), ("application", Kind::Application), ("access", Kind::Access)];
}

/// How to read a log.
#[derive(Clone, Debug)]
pub struct LogPlan {
    /// Whose it is.
    pub origin: Origin,
    /// What it has in it.
    pub kind: Kind,
    /// How its requests are written.
    pub form: Form,
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// The encoding of lines that are no UTF-8.
    pub encoding: &'static Encoding,
    /// Records in which one of these is found are left out.
    pub ignore: Vec<Regex>,
    /// Records that are milder are left out.
    pub level: Option<Level>,
    /// Which requests failed.
    pub failing: Failing,
    /// How long the stretches are in which requests are counted.
    pub window: Duration,
    /// What is earlier is left out.
    pub since: Option<Time>,
    /// Longer lines are cut, in bytes.
    pub longest_line: usize,
    /// What records may take.
    pub limits: Limits,
}

impl LogPlan {
    /// Everything by its looks; times without a zone are in `zone`.
    pub fn new(origin: Origin, zone: TimeZone) -> Self {
        Self {
            origin,
            kind: Kind::default(),
            form: Form::default(),
            zone,
            encoding: EUC_KR,
            ignore: Vec::new(),
            level: None,
            failing: Failing::default(),
            window: Duration::from_secs(60),
            since: None,
            longest_line: Lines::MOST,
            limits: Limits::default(),
        }
    }
}

/// What was read, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines.
    pub lines: u64,
    /// Records of applications.
    pub records: u64,
    /// Requests.
    pub requests: u64,
    /// Failures.
    pub failures: u64,
    /// Records and requests left out, because the configuration says so.
    pub ignored: u64,
    /// Lines of an access log that are no requests in its form.
    pub unread: u64,
    /// Lines that were cut because they were too long.
    pub cut: u64,
}

/// Reads one log: bytes go in as they come, signals come out.
pub struct LogReader {
    lines: Lines,
    work: Work,
}

/// A record that nothing was added to for so long is complete.
const QUIET: Duration = Duration::from_secs(1);

impl LogReader {
    /// Reads as planned; `understanding` makes failures of what applications say.
    pub fn new(plan: LogPlan, understanding: Understanding) -> Self {
        let counts = Counts::new(plan.window);
        Self::resumed(plan, understanding, counts)
    }

    /// The same where an earlier run stopped, which had counted so far.
    pub fn resumed(plan: LogPlan, understanding: Understanding, counts: Counts) -> Self {
        Self {
            lines: Lines::new(plan.encoding, plan.longest_line),
            work: Work {
                joiner: Joiner::new(plan.limits),
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
            },
        }
    }

    /// Reading begins within a record that was given already: what continues it is left out.
    pub fn skip_continuation(&mut self) {
        self.work.skips = true;
    }

    /// Takes bytes that were read `now`, and were written at `written` at the latest: a file says when it was changed.
    pub fn bytes(&mut self, bytes: &[u8], written: Time, now: Time) {
        let Self { lines, work } = self;
        (work.fed, work.written) = (now, written);
        lines.push(bytes, &mut |line, end| work.line(line, end));
        work.tally.cut = lines.cut();
        // One stream may be quiet while others are not.
        work.settle(now);
        work.windows(Time::default());
    }

    /// Nothing more is there to be read for now: records that nothing is added to any more are complete.
    pub fn quiet(&mut self, now: Time) {
        self.work.settle(now);
        self.work.windows(now);
    }

    /// The file ends here, and another one follows it.
    pub fn end_of_file(&mut self) {
        let Self { lines, work } = self;
        lines.finish(&mut |line, end| work.line(line, end));
        work.complete_all();
    }

    /// Nothing follows. What has no line feed is a line too.
    pub fn finish(&mut self, now: Time) {
        self.end_of_file();
        self.work.finish(now);
    }

    /// Reading stops, and goes on later at [`unfinished`](Self::unfinished) bytes before what was given: a line without
    /// an end is left for then.
    pub fn stop(&mut self, now: Time) {
        self.work.complete_all();
        self.work.finish(now);
    }

    /// How many bytes of a line came that has no end yet.
    pub fn unfinished(&self) -> u64 {
        self.lines.unfinished()
    }

    /// Whether what comes next may belong to a record that began.
    pub fn is_within_record(&self) -> bool {
        self.work.joiner.is_open()
    }

    /// How many of the last bytes have to be read again after a crash, so that nothing is missing: what may go on, and
    /// what may not have been understood to its end.
    pub fn ungiven(&self) -> u64 {
        let work = &self.work;
        let hearers = std::iter::once(&work.main).chain(work.others.values());
        let doubtful = hearers.filter(|hearer| hearer.is_dirty).map(|hearer| hearer.from);
        let given = doubtful.chain(work.joiner.open_from()).min();
        work.line_end - given.unwrap_or(work.line_end).min(work.line_end) + self.unfinished()
    }

    /// Requests counted that were not given yet, for [`resumed`](Self::resumed).
    pub fn counts(&self) -> &Counts {
        &self.work.counts
    }

    /// Up to which entry everything was given, of a journal.
    pub fn cursor(&mut self) -> Option<&str> {
        let given = self.work.line_end - (self.ungiven() - self.unfinished());
        let cursors = &mut self.work.cursors;
        while cursors.get(1).is_some_and(|(end, _)| *end <= given) {
            cursors.pop_front();
        }
        cursors.front().filter(|(end, _)| *end <= given).map(|(_, cursor)| cursor.as_str())
    }

    /// What was understood since it was last asked.
    pub fn take(&mut self) -> Vec<Signal> {
        mem::take(&mut self.work.out)
    }

    /// What was read so far.
    pub fn tally(&self) -> Tally {
        self.work.tally
    }
}

struct Work {
    plan: LogPlan,
    joiner: Joiner,
    stamps: Stamps,
    counts: Counts,
    main: Hearer,
    others: BTreeMap<String, Hearer>,
    understanding: Understanding,
    out: Vec<Signal>,
    tally: Tally,
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
    fn line(&mut self, line: &str, end: u64) {
        self.tally.lines += 1;
        (self.line_from, self.line_end) = (self.line_end, end);
        let mut inner = envelope::open(line, &mut self.stamps, self.written);
        let json = inner.json.take();
        if let Some(cursor) = inner.cursor.take() {
            if self.cursors.len() >= MOST_CURSORS {
                self.cursors.pop_front();
            }
            self.cursors.push_back((end, cursor));
        }
        if self.plan.kind != Kind::Application {
            let hit =
                access::read(&self.plan.form, &inner.text, json.as_deref(), &mut self.stamps, self.written);
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
            is_partial: inner.is_partial,
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

    fn settle(&mut self, now: Time) {
        let Some(until) = now.as_micros().checked_sub(u64::try_from(QUIET.as_micros()).unwrap_or(u64::MAX))
        else {
            return;
        };
        self.complete_until(Time::from_micros(until));
    }

    fn complete_all(&mut self) {
        self.complete_until(Time::from_micros(u64::MAX));
    }

    fn complete_until(&mut self, until: Time) {
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

    fn windows(&mut self, now: Time) {
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

    fn finish(&mut self, now: Time) {
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

#[cfg(test)]
mod tests;
