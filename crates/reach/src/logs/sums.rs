//! Signals of logs, added up.

use std::collections::BTreeMap;

use reach_core::{
    Time,
    signal::{Failure, Origin, Signal, Statement, Word},
};
use reach_report::logs::{Failed, Logs, Served};
use reach_signal::exception::Tally;

/// What logs said so far.
#[derive(Debug, Default)]
pub struct Sums {
    failures: Tally,
    /// The first and the last of each kind of failure.
    times: Vec<(Time, Time)>,
    requests: BTreeMap<Origin, Served>,
    statements: BTreeMap<(Option<String>, String), Statement>,
    lost: u64,
}

/// Statements that are told apart.
const MOST_STATEMENTS: usize = 4_096;

impl Sums {
    /// Adds what a log said.
    pub fn add(&mut self, signal: &Signal) {
        match &signal.word {
            Word::Failure(failure) => self.fail(failure.clone(), signal.at),
            Word::Attempt(attempt) => {
                if let Some(class) = attempt.failed {
                    let failure = Failure {
                        host: attempt.host.clone(),
                        address: Some(attempt.address),
                        addresses: [attempt.address].into(),
                        port: Some(attempt.port),
                        ..Failure::new(class, String::new())
                    };
                    self.fail(failure, signal.at);
                }
            }
            Word::Requests(requests) => {
                let span = u64::try_from(requests.span.as_micros()).unwrap_or(u64::MAX);
                let from = Time::from_micros(signal.at.as_micros().saturating_sub(span));
                let served = self.requests.entry(signal.origin.clone()).or_insert_with(|| Served {
                    name: name_of(&signal.origin),
                    from,
                    ..Served::default()
                });
                served.from = served.from.min(from);
                served.until = served.until.max(signal.at);
                served.total += requests.total;
                served.failed += requests.failed;
                served.late += requests.late;
            }
            Word::Statement(statement) => self.ran(statement),
            Word::Lost { count, .. } => self.lost += count,
            _ => {}
        }
    }

    /// All of it, with what else is known of the reading.
    pub fn logs(&self, files: usize, lines: u64, behind: u64) -> Logs {
        let failed = |(counted, (first, last)): (&reach_signal::exception::Counted, &(Time, Time))| Failed {
            failure: counted.failure.clone(),
            count: counted.count,
            first: *first,
            last: *last,
        };
        Logs {
            files,
            lines,
            behind,
            lost: self.lost,
            beyond: self.failures.beyond(),
            failures: self.failures.counted().iter().zip(&self.times).map(failed).collect(),
            requests: self.requests.values().cloned().collect(),
            statements: self.statements.values().cloned().collect(),
        }
    }

    fn ran(&mut self, statement: &Statement) {
        let key = (statement.database.clone(), statement.text.clone());
        if let Some(known) = self.statements.get_mut(&key) {
            known.count = known.count.saturating_add(statement.count);
            known.elapsed = known.elapsed.max(statement.elapsed);
            known.error = known.error.take().or_else(|| statement.error.clone());
        } else if self.statements.len() < MOST_STATEMENTS {
            self.statements.insert(key, statement.clone());
        }
    }

    fn fail(&mut self, failure: Failure, at: Time) {
        let Some(place) = self.failures.add(failure) else { return };
        match self.times.get_mut(place) {
            Some((first, last)) => (*first, *last) = ((*first).min(at), (*last).max(at)),
            None => self.times.push((at, at)),
        }
    }
}

fn name_of(origin: &Origin) -> String {
    match (&origin.service, &origin.instance) {
        (Some(service), Some(instance)) => format!("{service} {instance}"),
        (Some(name), None) | (None, Some(name)) => name.clone(),
        (None, None) => origin.source.clone(),
    }
}
