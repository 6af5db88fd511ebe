//! Rows that databases show of their statements, as signals: those that run too long now, and those that took too long
//! since the last look.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use reach_core::{
    Time,
    signal::{Gauge, Level, Origin, Signal, Statement, Word},
};

use super::normal::{Dialect, normalise};

/// A statement that runs at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Which connection runs it.
    pub connection: u64,
    /// When it began, in the database's own words or clock: another statement of the connection has another.
    pub began: String,
    /// In which database.
    pub database: Option<String>,
    /// The statement as it was sent.
    pub text: String,
    /// How long it has run.
    pub elapsed: Duration,
    /// What it waits for, in a stable word: `lock`.
    pub waits: Option<String>,
}

/// Statements that ran too long when they were looked at, each told once.
#[derive(Clone, Debug)]
pub struct Slow {
    threshold: Duration,
    dialect: Dialect,
    told: BTreeSet<(u64, String)>,
}

/// The most statements of one look.
pub const MOST_ROWS: usize = 500;

impl Slow {
    /// None was seen yet.
    pub fn new(dialect: Dialect, threshold: Duration) -> Self {
        Self { threshold, dialect, told: BTreeSet::new() }
    }

    /// All that runs at `now`.
    pub fn look(&mut self, now: Time, origin: &Origin, rows: &[Running]) -> Vec<Signal> {
        let rows = rows.iter().take(MOST_ROWS).filter(|row| row.elapsed >= self.threshold);
        let mut there = BTreeSet::new();
        let mut signals = Vec::new();
        for row in rows {
            let key = (row.connection, row.began.clone());
            if !self.told.contains(&key) && !there.contains(&key) {
                let statement = Statement {
                    database: row.database.clone(),
                    text: normalise(&row.text, self.dialect),
                    elapsed: Some(row.elapsed),
                    count: 1,
                    error: None,
                    waits: row.waits.clone(),
                };
                signals.push(Signal { at: now, origin: origin.clone(), word: Word::Statement(statement) });
            }
            there.insert(key);
        }
        self.told = there;
        signals
    }
}

/// What a database counted of one kind of statement since it began to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What makes it one kind: database, user's number, digest.
    pub key: String,
    /// In which database.
    pub database: Option<String>,
    /// A statement of the kind, or the kind itself.
    pub text: String,
    /// How often it ran.
    pub calls: u64,
    /// How long that took, all together.
    pub took: Duration,
}

/// Kinds of statements, by what was counted between two looks.
#[derive(Clone, Debug)]
pub struct Digests {
    threshold: Duration,
    dialect: Dialect,
    last: Option<Last>,
}

/// What was counted at the last look.
#[derive(Clone, Debug)]
struct Last {
    kinds: BTreeMap<String, (u64, Duration)>,
    /// All kinds are in it: one that was not there began after it.
    whole: bool,
}

impl Digests {
    /// Nothing was counted yet.
    pub fn new(dialect: Dialect, threshold: Duration) -> Self {
        Self { threshold, dialect, last: None }
    }

    /// Takes what is counted at `now`, and tells the kinds whose mean was over the threshold since the last look. A kind
    /// whose counters fell was counted anew, and begins again; so does one that was not among the first before, where there
    /// were too many to see all.
    pub fn look(&mut self, now: Time, origin: &Origin, rows: &[Counted]) -> Vec<Signal> {
        let rows = || rows.iter().take(MOST_ROWS);
        let mut signals = Vec::new();
        if let Some(last) = &self.last {
            for row in rows() {
                let new = last.whole.then_some((0, Duration::ZERO));
                let Some((calls, took)) = last.kinds.get(&row.key).copied().or(new) else { continue };
                let (Some(calls), Some(took)) = (row.calls.checked_sub(calls), row.took.checked_sub(took))
                else {
                    continue;
                };
                let mean = u32::try_from(calls).ok().and_then(|calls| took.checked_div(calls));
                if let Some(mean) = mean.filter(|mean| *mean >= self.threshold) {
                    let statement = Statement {
                        database: row.database.clone(),
                        text: normalise(&row.text, self.dialect),
                        elapsed: Some(mean),
                        count: calls,
                        error: None,
                        waits: None,
                    };
                    signals.push(Signal {
                        at: now,
                        origin: origin.clone(),
                        word: Word::Statement(statement),
                    });
                }
            }
        }
        let kinds: BTreeMap<_, _> = rows().map(|row| (row.key.clone(), (row.calls, row.took))).collect();
        self.last = Some(Last { whole: kinds.len() < MOST_ROWS, kinds });
        signals
    }
}

/// The connections of a database that is called `of`.
pub fn connections(of: &str, used: u64, most: u64) -> Option<Level> {
    crate::host::gauges::level(Gauge::DatabaseConnections, of, used, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn running(connection: u64, began: &str, seconds: u64) -> Running {
        Running {
            connection,
            began: began.to_owned(),
            database: Some("shop".to_owned()),
            text: "select pg_sleep(60)".to_owned(),
            elapsed: Duration::from_secs(seconds),
            waits: None,
        }
    }

    fn statements(signals: Vec<Signal>) -> Vec<Statement> {
        let statement = |signal: Signal| match signal.word {
            Word::Statement(statement) => statement,
            other => panic!("{other:?}"),
        };
        signals.into_iter().map(statement).collect()
    }

    #[test]
    fn a_statement_that_runs_too_long_is_told_once() {
        let mut slow = Slow::new(Dialect::Postgres, Duration::from_secs(5));
        let origin = Origin::default();
        assert!(slow.look(at(0), &origin, &[running(1, "a", 4)]).is_empty());
        let told = statements(slow.look(at(2), &origin, &[running(1, "a", 6)]));
        assert_eq!(
            (told.len(), told[0].text.as_str(), told[0].elapsed),
            (1, "select pg_sleep(?)", Some(Duration::from_secs(6)))
        );
        assert!(slow.look(at(4), &origin, &[running(1, "a", 8)]).is_empty());
        assert_eq!(
            slow.look(at(9), &origin, &[running(1, "b", 5)]).len(),
            1,
            "another statement of the connection"
        );
        assert!(slow.look(at(10), &origin, &[]).is_empty() && slow.told.is_empty());
    }

    fn counted(calls: u64, millis: u64) -> Counted {
        Counted {
            key: "1/2/3".to_owned(),
            database: None,
            text: "select * from t where id = $1".to_owned(),
            calls,
            took: Duration::from_millis(millis),
        }
    }

    #[test]
    fn kinds_are_judged_by_what_was_counted_between() {
        let mut digests = Digests::new(Dialect::Postgres, Duration::from_secs(1));
        let origin = Origin::default();
        assert!(
            digests.look(at(0), &origin, &[counted(1_000, 9_000_000)]).is_empty(),
            "nobody knows since when"
        );
        assert!(digests.look(at(60), &origin, &[counted(1_100, 9_010_000)]).is_empty());
        let told = statements(digests.look(at(120), &origin, &[counted(1_110, 9_040_000)]));
        assert_eq!((told[0].count, told[0].elapsed), (10, Some(Duration::from_secs(3))));
        assert_eq!(told[0].text, "select * from t where id = ?");
        assert!(digests.look(at(180), &origin, &[counted(5, 50_000)]).is_empty(), "counted anew");
        assert!(digests.look(at(240), &origin, &[counted(5, 50_000)]).is_empty(), "nothing ran");
        let fresh = Counted { key: "4".to_owned(), ..counted(2, 4_000) };
        assert_eq!(digests.look(at(300), &origin, &[fresh]).len(), 1, "it began after the last look");
    }

    #[test]
    fn of_too_many_kinds_a_new_face_may_be_an_old_one() {
        let mut digests = Digests::new(Dialect::Postgres, Duration::from_secs(1));
        let many = |from: usize| -> Vec<Counted> {
            (from..from + MOST_ROWS).map(|i| Counted { key: i.to_string(), ..counted(2, 4_000) }).collect()
        };
        digests.look(at(0), &Origin::default(), &many(0));
        assert!(digests.look(at(60), &Origin::default(), &many(1)).is_empty());
    }
}
