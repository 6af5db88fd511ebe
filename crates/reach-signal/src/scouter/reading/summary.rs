//! Summaries of errors: what is left of errors where nobody sends the transactions that had them.
//!
//! An agent sums its errors up every five minutes by class, message and statement. Where it sends the transactions too,
//! the summary repeats them and says nothing. Where it does not (they are sampled, discarded, or sent elsewhere), it is
//! all that says what failed. Summaries of other things (services, calls, users' addresses and browsers) say how many
//! there were, which counters say sooner. Who can ask the collector is given the transactions, and needs none of this.

use std::{collections::BTreeMap, time::Duration};

use reach_core::{
    Time,
    signal::{Fault, Statement, Word},
};

use super::scrub;
use crate::{
    exception,
    scouter::{
        dictionary::{Dictionary, TextKind},
        wire::{Map, Summary, Value},
    },
};

/// Errors, among the kinds of summaries.
const ERRORS: i8 = 9;

/// Whoever sent a transaction with an error within this time sends its transactions: summaries come every 300 s.
const SENDS: Duration = Duration::from_secs(330);

/// How long texts are waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many rows of one summary are told.
const ROWS: usize = 100;

/// How many failures one row stands for at most.
const EACH: u64 = 20;

/// How many summaries wait, and of how many objects it is known that they send transactions.
const MOST: usize = 1000;

/// The class under which agents sum up statements that were slow.
const SLOW: &str = "scouter.xtra.jdbc.SLOW_SQL";

/// Summaries that wait for texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Summaries {
    sends: BTreeMap<i32, Time>,
    waiting: Vec<(Time, i32, Vec<Row>)>,
}

/// Errors that were alike.
#[derive(Clone, Debug)]
struct Row {
    class: i32,
    message: i32,
    sql: i32,
    count: u64,
}

impl Summaries {
    /// An object sent a transaction that had an error.
    pub(super) fn sends(&mut self, now: Time, object: i32) {
        if self.sends.len() >= MOST && !self.sends.contains_key(&object) {
            let oldest = self.sends.iter().min_by_key(|(_, last)| **last).map(|(object, _)| *object);
            oldest.and_then(|object| self.sends.remove(&object));
        }
        self.sends.insert(object, now);
    }

    /// An object sent a summary.
    pub(super) fn heard(&mut self, now: Time, summary: &Summary) {
        let Value::Map(table) = &summary.table else { return };
        let sends = self.sends.get(&summary.obj_hash).is_some_and(|last| now.since(*last) < SENDS);
        if summary.stype == ERRORS && !sends && self.waiting.len() < MOST {
            self.waiting.push((now, summary.obj_hash, rows(table)));
        }
    }

    /// What can be said now, of which object; and how many rows have no text.
    pub(super) fn settle(&mut self, now: Time, dictionary: &mut Dictionary) -> (Vec<(i32, Word)>, u64) {
        let (mut words, mut unresolved) = (Vec::new(), 0);
        let ready = |since: Time| now.since(since) >= PATIENCE;
        for (_, object, rows) in self.waiting.extract_if(.., |(since, ..)| ready(*since)) {
            for row in rows {
                match row.word(dictionary) {
                    Some((word, times)) => words.extend((0..times).map(|_| (object, word.clone()))),
                    None => unresolved += 1,
                }
            }
        }
        (words, unresolved)
    }
}

impl Row {
    /// What a row says, and how often.
    fn word(&self, dictionary: &mut Dictionary) -> Option<(Word, u64)> {
        let mut text = |kind: TextKind, hash: i32| dictionary.text(kind, hash).map(str::to_owned);
        let class = text(TextKind::Error, self.class);
        let message = text(TextKind::Error, self.message);
        let sql = text(TextKind::Sql, self.sql);
        let slow = class.as_deref() == Some(SLOW);
        if let Some(sql) = sql.filter(|_| self.sql != 0) {
            let error = message.filter(|_| !slow).map(|message| scrub::database_error(&message));
            let text = scrub::statement(&sql);
            let statement =
                Statement { database: None, text, elapsed: None, count: self.count, error, waits: None };
            return Some((Word::Statement(statement), 1));
        }
        let said = match (&class, &message) {
            // A message alone may not say what kind of error it was.
            (Some(class), Some(message)) if !message.starts_with(class.as_str()) => {
                format!("{class}: {message}")
            }
            (_, Some(message)) => message.clone(),
            (Some(class), None) => class.clone(),
            (None, None) => return None,
        };
        let times = self.count.clamp(1, EACH);
        if slow {
            return None;
        }
        let word = match exception::short(&said) {
            Some(failure) => Word::Failure(failure),
            None => Word::Fault(Fault { name: class, text: scrub::database_error(&said) }),
        };
        Some((word, times))
    }
}

fn rows(table: &Map) -> Vec<Row> {
    let column = |name: &str| table.items(name).iter().map(|value| value.integer().unwrap_or(0));
    let hash = |number: i64| i32::try_from(number).unwrap_or(0);
    let rows = column("error").zip(column("message")).zip(column("sql")).zip(column("count"));
    rows.take(ROWS)
        .map(|(((class, message), sql), count)| Row {
            class: hash(class),
            message: hash(message),
            sql: hash(sql),
            count: u64::try_from(count).unwrap_or(0).max(1),
        })
        .collect()
}
