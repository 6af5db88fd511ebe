//! The log of PostgreSQL as `log_min_duration_statement` and `auto_explain` fill it: on standard error with any
//! `log_line_prefix`, through syslog, as CSV and as JSON.
//!
//! What took too long is told, and what was cancelled for it. Parameters, users and the addresses of clients are not
//! kept; nor are messages of errors, which repeat values.

mod csv;

use std::{collections::VecDeque, time::Duration};

use jiff::tz::TimeZone;
use reach_core::{
    Time,
    signal::{Origin, Signal, Statement, Word},
};
use serde_json::Value;

use self::csv::Csv;
use super::normal::{Dialect, normalise};
use crate::log::stamp::Stamps;

/// The most bytes of a record that are looked at.
const MOST_TEXT: usize = 64 * 1024;
/// Errors that wait for the line with their statement.
const MOST_ERRORS: usize = 64;

/// Reads a log of PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresLog {
    origin: Origin,
    stamps: Stamps,
    record: Record,
    csv: Csv,
    /// What failed, by whoever's process, until the statement is told.
    errors: VecDeque<(String, &'static str)>,
}

/// What began with a line, and goes on with those that begin with a tab.
#[derive(Clone, Debug, Default)]
struct Record {
    what: What,
    at: Option<Time>,
    database: Option<String>,
    error: Option<&'static str>,
    text: String,
    /// The number that syslog gives the message.
    number: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum What {
    /// Nothing of interest.
    #[default]
    Other,
    /// A message with a duration.
    Duration,
    /// The statement of an error.
    Failed,
}

/// Severities and the like, in English and Korean, with what follows them.
const LOG: [&str; 2] = ["LOG", "로그"];
const ERROR: [&str; 2] = ["ERROR", "오류"];
const STATEMENT: [&str; 2] = ["STATEMENT", "명령 구문"];
/// What a message begins with that has a duration.
const DURATION: [&str; 3] = ["duration: ", "실행시간: ", "수행시간: "];
/// What ended a statement because of time or of others, in words that are always the same.
const ERRORS: [(&str, &str); 8] = [
    ("canceling statement due to statement timeout", "canceling statement due to statement timeout"),
    ("명령실행시간 초과로", "canceling statement due to statement timeout"),
    ("canceling statement due to lock timeout", "canceling statement due to lock timeout"),
    ("잠금 대기 시간 초과로", "canceling statement due to lock timeout"),
    (
        "canceling statement due to conflict with recovery",
        "canceling statement due to conflict with recovery",
    ),
    ("복구 작업 중 충돌이 발생해", "canceling statement due to conflict with recovery"),
    ("deadlock detected", "deadlock detected"),
    ("deadlock 발생", "deadlock detected"),
];

impl PostgresLog {
    /// For the log that signals are to name so; times without an offset are in `zone`.
    pub fn new(origin: Origin, zone: TimeZone) -> Self {
        Self {
            origin,
            stamps: Stamps::new(zone),
            record: Record::default(),
            csv: Csv::default(),
            errors: VecDeque::new(),
        }
    }

    /// Takes the next line, without its end, that was read at `now`. Gives the statement that it ends or is, if any.
    pub fn line(&mut self, now: Time, line: &str) -> Option<Signal> {
        let line = line.trim_end_matches('\r');
        if self.csv.is_open() || csv::begins(line) {
            let ended = self.end(now);
            let fields = self.csv.line(line)?;
            // Both at once only where a log changes its form.
            return self.of_csv(now, &fields).or(ended);
        }
        if line.starts_with('{') {
            let ended = self.end(now);
            return self.of_json(now, line).or(ended);
        }
        if let Some(rest) = self.continuing(line) {
            self.push(rest);
            return None;
        }
        let ended = self.end(now);
        self.begin(now, line);
        ended
    }

    /// The log has stood still for a while, at `now`: what is there is whole.
    pub fn rest(&mut self, now: Time) -> Option<Signal> {
        self.end(now)
    }

    /// Whether what comes next may belong to what came.
    pub fn is_open(&self) -> bool {
        self.record.what != What::Other || self.csv.is_open()
    }

    /// What of a line goes on with the record, if it does.
    fn continuing<'a>(&self, line: &'a str) -> Option<&'a str> {
        if let Some((number, part, rest)) = numbered(line) {
            let same = part > 1 && self.record.number == Some(number);
            return same.then(|| rest.strip_prefix('\t').unwrap_or(rest));
        }
        line.strip_prefix('\t')
    }

    fn push(&mut self, line: &str) {
        let text = &mut self.record.text;
        if self.record.what != What::Other && text.len() < MOST_TEXT {
            text.push('\n');
            let room = MOST_TEXT.saturating_sub(text.len());
            text.push_str(&line[..line.floor_char_boundary(room)]);
        }
    }

    fn begin(&mut self, now: Time, line: &str) {
        let (number, line) = match numbered(line) {
            Some((number, _, rest)) => (Some(number), rest),
            None => (None, line),
        };
        // The first one decides: what stands behind it may have been written by anybody.
        let Some((prefix, message)) = line.split_once(":  ") else { return };
        let is = |words: &[&str]| words.iter().any(|word| prefix.ends_with(word));
        let what = if is(&LOG) && DURATION.iter().any(|word| message.starts_with(word)) {
            What::Duration
        } else if is(&STATEMENT) {
            What::Failed
        } else {
            What::Other
        };
        let process = process(prefix);
        if is(&ERROR) {
            self.errors.retain(|(known, _)| *known != process);
            if let Some(error) = known_error(message) {
                if self.errors.len() >= MOST_ERRORS {
                    self.errors.pop_front();
                }
                self.errors.push_back((process, error));
            }
            return;
        }
        if what == What::Other {
            return;
        }
        let error = if what == What::Failed {
            let at = self.errors.iter().position(|(known, _)| *known == process);
            let Some((_, error)) = at.and_then(|at| self.errors.remove(at)) else { return };
            Some(error)
        } else {
            None
        };
        self.record = Record {
            what,
            at: self.time_of(prefix, now),
            database: database(prefix),
            error,
            text: message[..message.floor_char_boundary(MOST_TEXT)].to_owned(),
            number,
        };
    }

    /// The time in a prefix, which begins with it nearly always.
    fn time_of(&mut self, prefix: &str, now: Time) -> Option<Time> {
        let prefix = prefix.trim_start_matches(['<', ' ']);
        self.stamps.read(prefix, now).map(|stamp| stamp.at).or_else(|| {
            let dated = |window: &[u8]| {
                window[..4].iter().all(u8::is_ascii_digit) && window[4] == b'-' && window[7] == b'-'
            };
            let at = prefix.as_bytes().windows(10).position(dated)?;
            self.stamps.read(prefix.get(at..)?, now).map(|stamp| stamp.at)
        })
    }

    fn end(&mut self, now: Time) -> Option<Signal> {
        let Record { what, at, database, error, text, .. } = std::mem::take(&mut self.record);
        match what {
            What::Other => None,
            What::Duration => {
                let (elapsed, sql) = duration(&text)?;
                self.said(at.unwrap_or(now), database, &sql, Some(elapsed), None)
            }
            What::Failed => self.said(at.unwrap_or(now), database, &text, None, error),
        }
    }

    fn of_csv(&mut self, now: Time, fields: &[String]) -> Option<Signal> {
        let of = |at: usize| fields.get(at).map(String::as_str).unwrap_or_default();
        let at = self.stamps.read(&format!("{} ", of(0)), now).map(|stamp| stamp.at).unwrap_or(now);
        self.structured(at, of(2), of(csv::SEVERITY), of(csv::MESSAGE), of(csv::QUERY))
    }

    fn of_json(&mut self, now: Time, line: &str) -> Option<Signal> {
        let Ok(value) = serde_json::from_str::<Value>(line) else { return None };
        let of = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let at = self.stamps.read(&format!("{} ", of("timestamp")), now).map(|stamp| stamp.at).unwrap_or(now);
        self.structured(at, of("dbname"), of("error_severity"), of("message"), of("statement"))
    }

    fn structured(
        &self,
        at: Time,
        database: &str,
        severity: &str,
        message: &str,
        query: &str,
    ) -> Option<Signal> {
        let database = name(database);
        if LOG.contains(&severity) {
            let (elapsed, sql) = duration(message)?;
            return self.said(at, database, &sql, Some(elapsed), None);
        }
        let error = known_error(message).filter(|_| ERROR.contains(&severity))?;
        self.said(at, database, query, None, Some(error))
    }

    fn said(
        &self,
        at: Time,
        database: Option<String>,
        sql: &str,
        elapsed: Option<Duration>,
        error: Option<&str>,
    ) -> Option<Signal> {
        let text = normalise(sql, Dialect::Postgres);
        (!text.is_empty()).then(|| Signal {
            at,
            origin: self.origin.clone(),
            word: Word::Statement(Statement {
                database,
                text,
                elapsed,
                count: 1,
                error: error.map(str::to_owned),
                waits: None,
            }),
        })
    }
}

/// `duration: 1234.567 ms  statement: select …`, and the same of a step of the extended protocol, or with a plan. A
/// duration alone tells nothing.
fn duration(message: &str) -> Option<(Duration, std::borrow::Cow<'_, str>)> {
    let rest = DURATION.iter().find_map(|word| message.strip_prefix(word))?;
    let (number, rest) = rest.split_once(" ms")?;
    let millis: f64 = number.parse().ok()?;
    let elapsed = Duration::try_from_secs_f64(millis / 1_000.0).ok()?;
    let rest = rest.trim_start();
    if let Some(plan) = rest.strip_prefix("plan:") {
        return Some((elapsed, explained(plan)?));
    }
    let (_, sql) = rest.split_once(": ").or_else(|| rest.split_once(":\n"))?;
    Some((elapsed, sql.into()))
}

/// The statement that `auto_explain` explains.
fn explained(plan: &str) -> Option<std::borrow::Cow<'_, str>> {
    if let Some((_, quoted)) = plan.split_once("\"Query Text\": ") {
        let line = quoted.lines().next().unwrap_or_default().trim_end_matches(',');
        return serde_json::from_str::<String>(line).ok().map(Into::into);
    }
    let (_, text) = plan.split_once("Query Text: ")?;
    let is_plan = |line: &str| line.contains("  (cost=") || line.starts_with("Query Parameters: ");
    let length: usize = text.split_inclusive('\n').take_while(|line| !is_plan(line)).map(str::len).sum();
    Some(text[..length].into())
}

fn known_error(message: &str) -> Option<&'static str> {
    ERRORS.iter().find(|(words, _)| message.contains(words)).map(|(_, error)| *error)
}

/// `[3-2] `: the third message, its second part, as syslog is given long ones.
fn numbered(line: &str) -> Option<(u64, u64, &str)> {
    let (numbers, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (number, part) = numbers.split_once('-')?;
    Some((number.parse().ok()?, part.parse().ok()?, rest))
}

/// What tells processes apart: the number in brackets, or what looks like one.
fn process(prefix: &str) -> String {
    let inside = prefix.split('[').skip(1).filter_map(|rest| rest.split([']', '-']).next());
    let number = inside.into_iter().find(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    number.unwrap_or_default().chars().take(10).collect()
}

/// The database that a prefix names: `user@database`, `db=database`.
fn database(prefix: &str) -> Option<String> {
    let words = || prefix.split([' ', ',', ':', ';', '|', '[', ']', '(', ')', '<', '>']);
    let keyed = words().find_map(|word| {
        word.strip_prefix("db=")
            .or_else(|| word.strip_prefix("database="))
            .or_else(|| word.strip_prefix("d="))
    });
    let joined = || words().find_map(|word| word.rsplit_once('@').filter(|(user, _)| !user.is_empty()));
    name(keyed.or_else(|| joined().map(|(_, database)| database))?)
}

fn name(text: &str) -> Option<String> {
    let name: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
    (!name.is_empty() && name != "unknown" && name != "[unknown]").then_some(name)
}

#[cfg(test)]
mod tests;
