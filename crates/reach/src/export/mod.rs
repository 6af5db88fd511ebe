//! What the store remembers, for other programs: CSV (RFC 4180), JSON lines, or Apache Parquet.
//!
//! Names of columns are fixed; new ones come at the end. Times are UTC: RFC 3339 with milliseconds, in
//! Parquet `TIMESTAMP(MILLIS)`. What is not known is an empty field, `null`, or a null. Rows are written as
//! they are read: memory does not grow with their number.
//!
//! * Results: `time`, `target`, `address`, `layer` (`echo`, `connect`, `exchange`), `result` (`ok`, `failed`,
//!   `unable`), `reason`, `rtt_ms`, `again` (a fast repetition after a failure, which says nothing new about
//!   shares). Those of a target are in the order of time.
//! * History, in stretches of time: `time`, `seconds`, `target`, `address`, `layer`, `tries`, `failed`,
//!   `unable`, `reasons` (`timeout=3 refused=1`), `rtt_min_ms`, `rtt_mean_ms`, `rtt_p50_ms`, `rtt_p95_ms`,
//!   `rtt_p99_ms`, `rtt_max_ms`, `again`, `again_failed` (of `tries` and of `failed`, the fast repetitions after a
//!   failure).
//! * Transitions: `time`, `target`, `address`, `before`, `after`, `why`, `reason`.
//! * Incidents, oldest first: `id`, `target` (not known of what is about this host), `title`, `gravity` (the
//!   worst), `phase`, `began`, `opened`, `closed`, `addresses` (that failed in its course), `pool`,
//!   `reasons`, `relapses`, `notices`, `acknowledged_by`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    time::Duration,
};

use jiff::Timestamp;
use reach_core::{
    Time,
    watch::{Incident, Phase, Reading, Reason, Sample, Subject, TargetId, Transition},
};
use reach_report::watch::{phase_code, why_codes};
use reach_store::{Bucket, IncidentFilter, Reader, Span};

mod csv;
mod json_lines;
mod parquet;
#[cfg(test)]
mod tests;

/// What to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Single results.
    Results,
    /// Sums over stretches of this length.
    History(Duration),
    /// Changes of the state of addresses.
    Transitions,
    /// Incidents.
    Incidents,
}

/// How to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, with a line of names.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet, deflated.
    Parquet,
}

/// What came of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Rows written.
    pub rows: u64,
    /// Pages of the store that could not be read, and are missing.
    pub unreadable_pages: u64,
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store did not give it.
    #[error(transparent)]
    Store(#[from] reach_store::Error),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// Writes what the store remembers, of some targets (one after the other) or of all.
pub fn export(
    reader: &Reader,
    what: What,
    format: Format,
    targets: Option<&BTreeSet<TargetId>>,
    span: Span,
    out: impl Write + Send,
) -> Result<Exported, ExportError> {
    let columns = columns(what);
    match format {
        Format::Csv => pour(reader, what, targets, span, csv::Csv::new(columns, out)?),
        Format::JsonLines => pour(reader, what, targets, span, json_lines::JsonLines::new(columns, out)),
        Format::Parquet => pour(reader, what, targets, span, parquet::Parquet::new(columns, out)?),
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Time,
    Text,
    Count,
    Number,
    Flag,
}

type Column = (&'static str, Kind);

/// What a field holds; of the kind of its column, if of any.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    None,
    Time(Time),
    Text(String),
    Count(u64),
    Number(f64),
    Flag(bool),
}

/// Takes rows, each with a value for every column.
trait Sink {
    fn row(&mut self, row: Vec<Value>) -> io::Result<()>;

    fn end(self) -> io::Result<()>;
}

fn columns(what: What) -> &'static [Column] {
    use Kind::{Count, Flag, Number, Text, Time};
    match what {
        What::Results => &[
            ("time", Time),
            ("target", Text),
            ("address", Text),
            ("layer", Text),
            ("result", Text),
            ("reason", Text),
            ("rtt_ms", Number),
            ("again", Flag),
        ],
        What::History(_) => &[
            ("time", Time),
            ("seconds", Number),
            ("target", Text),
            ("address", Text),
            ("layer", Text),
            ("tries", Count),
            ("failed", Count),
            ("unable", Count),
            ("reasons", Text),
            ("rtt_min_ms", Number),
            ("rtt_mean_ms", Number),
            ("rtt_p50_ms", Number),
            ("rtt_p95_ms", Number),
            ("rtt_p99_ms", Number),
            ("rtt_max_ms", Number),
            ("again", Count),
            ("again_failed", Count),
        ],
        What::Transitions => &[
            ("time", Time),
            ("target", Text),
            ("address", Text),
            ("before", Text),
            ("after", Text),
            ("why", Text),
            ("reason", Text),
        ],
        What::Incidents => &[
            ("id", Count),
            ("target", Text),
            ("title", Text),
            ("gravity", Text),
            ("phase", Text),
            ("began", Time),
            ("opened", Time),
            ("closed", Time),
            ("addresses", Count),
            ("pool", Count),
            ("reasons", Text),
            ("relapses", Count),
            ("notices", Count),
            ("acknowledged_by", Text),
        ],
    }
}

/// Reads row by row into a sink.
fn pour(
    reader: &Reader,
    what: What,
    targets: Option<&BTreeSet<TargetId>>,
    span: Span,
    mut sink: impl Sink,
) -> Result<Exported, ExportError> {
    let names = reader.targets()?;
    let mut done = Exported::default();
    let mut put = |row: Vec<Value>| {
        done.rows += 1;
        sink.row(row)
    };
    let mut unreadable_pages = 0;
    // All of them are read in the order that the store has them in.
    let each: Vec<Option<TargetId>> =
        targets.map_or_else(|| vec![None], |targets| targets.iter().copied().map(Some).collect());
    match what {
        What::Results => {
            for target in each {
                let mut results = reader.results(target, span)?;
                for sample in results.by_ref() {
                    put(result(&sample?, &names))?;
                }
                unreadable_pages += results.unreadable_pages();
            }
        }
        What::History(step) => {
            let known = || names.keys().copied().collect();
            for target in targets.cloned().unwrap_or_else(known) {
                let history = reader.history(target, span, step)?;
                unreadable_pages += history.unreadable_pages;
                for ((address, layer), buckets) in &history.addresses {
                    for found in buckets {
                        let whose = [name(target, &names), text(address), text(layer.code())];
                        put(bucket(found, whose))?;
                    }
                }
            }
        }
        What::Transitions => {
            for target in each {
                for moved in reader.transitions(target, span) {
                    put(transition(&moved?, &names))?;
                }
            }
        }
        What::Incidents => {
            let filter = IncidentFilter { since: Some(span.from), ..IncidentFilter::default() };
            let is_wanted = |incident: &&Incident| {
                let of_these = targets.is_none_or(
                    |targets| matches!(incident.subject, Subject::Target(target) if targets.contains(&target)),
                );
                of_these && incident.opened < span.until
            };
            for found in reader.incidents(&filter)?.iter().rev().filter(is_wanted) {
                put(incident(found, &names))?;
            }
        }
    }
    sink.end()?;
    Ok(Exported { unreadable_pages, ..done })
}

fn result(sample: &Sample, names: &BTreeMap<TargetId, String>) -> Vec<Value> {
    let (result, reason, took) = match sample.reading {
        Reading::Answered(took) => ("ok", Value::None, millis(took)),
        Reading::Failed(reason) => ("failed", text(reason.code()), Value::None),
        Reading::Unable => ("unable", Value::None, Value::None),
    };
    let address = text(sample.series.address);
    let layer = text(sample.layer.code());
    vec![
        Value::Time(sample.at),
        name(sample.series.target, names),
        address,
        layer,
        text(result),
        reason,
        took,
        Value::Flag(sample.again),
    ]
}

fn bucket(bucket: &Bucket<Reason>, [target, address, layer]: [Value; 3]) -> Vec<Value> {
    let reasons = bucket.failures.iter().map(|(reason, count)| format!("{}={count}", reason.code()));
    let reasons = reasons.collect::<Vec<_>>().join(" ");
    let (answered_again, failed_again) = bucket.repetitions();
    let quantile = |share| bucket.quantile(share).map_or(Value::None, millis);
    let (least, most) =
        bucket.extremes.map_or((Value::None, Value::None), |(least, most)| (millis(least), millis(most)));
    vec![
        Value::Time(bucket.at),
        Value::Number(bucket.length.as_secs_f64()),
        target,
        address,
        layer,
        Value::Count(bucket.tries()),
        Value::Count(bucket.failed()),
        Value::Count(bucket.unable),
        if reasons.is_empty() { Value::None } else { Value::Text(reasons) },
        least,
        bucket.mean.map_or(Value::None, millis),
        quantile(0.5),
        quantile(0.95),
        quantile(0.99),
        most,
        Value::Count(answered_again.saturating_add(failed_again)),
        Value::Count(failed_again),
    ]
}

fn transition(moved: &Transition, names: &BTreeMap<TargetId, String>) -> Vec<Value> {
    let (why, reason) = why_codes(moved.why);
    vec![
        Value::Time(moved.at),
        name(moved.series.target, names),
        text(moved.series.address),
        text(moved.from.code()),
        text(moved.to.code()),
        text(why),
        reason.map_or(Value::None, text),
    ]
}

fn incident(incident: &Incident, names: &BTreeMap<TargetId, String>) -> Vec<Value> {
    let closed = match incident.phase {
        Phase::Closed { at, .. } => Value::Time(at),
        _ => Value::None,
    };
    let target = match incident.subject {
        Subject::Target(target) => name(target, names),
        Subject::Vantage | Subject::Matter(_) => Value::None,
    };
    let reasons: BTreeSet<&str> = incident.members.iter().map(|member| member.reason.code()).collect();
    let reasons = reasons.into_iter().collect::<Vec<_>>().join(" ");
    let by = incident.acknowledged.as_ref().map(|acknowledged| acknowledged.by.clone());
    vec![
        Value::Count(incident.id.0),
        target,
        Value::Text(incident.title.clone()),
        text(incident.worst.code()),
        text(phase_code(incident.phase)),
        Value::Time(incident.began),
        Value::Time(incident.opened),
        closed,
        Value::Count(incident.members.len() as u64),
        Value::Count(u64::from(incident.pool)),
        if reasons.is_empty() { Value::None } else { Value::Text(reasons) },
        Value::Count(u64::from(incident.relapses)),
        Value::Count(u64::from(incident.notices)),
        by.map_or(Value::None, Value::Text),
    ]
}

fn name(target: TargetId, names: &BTreeMap<TargetId, String>) -> Value {
    // A target without a text was never handed in: its number says which.
    Value::Text(names.get(&target).cloned().unwrap_or_else(|| format!("#{}", target.0)))
}

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

fn millis(span: Duration) -> Value {
    Value::Number(span.as_micros() as f64 / 1_000.0)
}

/// A time as text, in UTC: `2026-11-22T14:00:03.250Z`.
fn rfc3339(time: Time) -> String {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let stamp = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    format!("{stamp:.3}")
}
