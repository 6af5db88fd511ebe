//! One log from bytes to signals.

mod hearer;
mod pieces;
mod statements;
mod tries;
mod work;

use std::{mem, time::Duration};

use encoding_rs::{EUC_KR, Encoding};
use jiff::tz::TimeZone;
use reach_core::{
    Time,
    signal::{Origin, Signal},
};
use regex::Regex;

use self::work::Work;
use super::{
    access::Form,
    counts::{Counts, Failing},
    level::Level,
    lines::Lines,
    record::Limits,
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
    /// Statements that took too long: the slow query log of MySQL and MariaDB.
    MysqlSlow,
    /// The log of PostgreSQL, with the statements that took too long.
    Postgres,
}

impl Kind {
    /// All of them by the names that configurations have.
    pub const NAMES: [(&'static str, Kind); 5] = [
        ("auto", Kind::Auto),
        ("application", Kind::Application),
        ("access", Kind::Access),
        ("mysql-slow", Kind::MysqlSlow),
        ("postgresql", Kind::Postgres),
    ];
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
    /// Records of applications, and statements of databases.
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
            work: Work::new(plan, understanding, counts),
        }
    }

    /// Reading begins within a record that was given already: what continues it is left out.
    pub fn skip_continuation(&mut self) {
        self.work.skip_continuation();
    }

    /// What the file begins with of which the rest is read: some say there what their fields are.
    pub fn begins(&mut self, head: &[u8]) {
        self.work.begins(head);
    }

    /// Takes bytes that were read `now`, and were written at `written` at the latest: a file says when it was changed.
    pub fn bytes(&mut self, bytes: &[u8], written: Time, now: Time) {
        let Self { lines, work } = self;
        work.hear(written, now);
        lines.push(bytes, &mut |line, end| work.line(line, end));
        work.note_cut(lines.cut());
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

    /// What comes next is not what follows here: a line without an end is left out, and everything before it is complete.
    pub fn interrupted(&mut self) {
        self.lines.forget();
        self.work.complete_all();
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
        self.work.is_within_record()
    }

    /// How many of the last bytes have to be read again after a crash, so that nothing is missing: what may go on, and
    /// what may not have been understood to its end.
    pub fn ungiven(&self) -> u64 {
        self.work.ungiven() + self.unfinished()
    }

    /// Requests counted that were not given yet, for [`resumed`](Self::resumed).
    pub fn counts(&self) -> &Counts {
        self.work.counts()
    }

    /// Up to which entry everything was given, of a journal.
    pub fn cursor(&mut self) -> Option<&str> {
        self.work.cursor()
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

#[cfg(test)]
mod tests;
