use std::collections::VecDeque;

use reach_core::{
    Time,
    watch::{
        AddressState, Examination, Incident, IncidentId, OutboxRow, Phase, Series, Subject, TargetId,
        Transition,
    },
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::{Reader, Span};
use crate::{
    AuditEntry, Error, Note,
    body::unpack,
    peer::{signed, unsigned},
    recover::packed,
};

/// Which incidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Of this target only.
    pub target: Option<TargetId>,
    /// Only those that are not closed.
    pub not_closed: bool,
    /// Only those that were not closed before this time.
    pub since: Option<Time>,
    /// Only those that were opened before this one.
    pub before: Option<IncidentId>,
    /// The newest so many; `None` for all.
    pub most: Option<u32>,
}

/// All that is kept of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentRecord {
    /// As it was last.
    pub incident: Incident,
    /// What happened to the addresses of its target in its course.
    pub transitions: Vec<Transition>,
    /// What was told of it, to each channel.
    pub notices: Vec<OutboxRow>,
    /// The surveys that belong to it, oldest first.
    pub evidence: Vec<Evidence>,
}

/// A survey that is kept; what it saw is read by [`Reader::examination`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its number.
    pub number: u64,
    /// The target.
    pub target: TargetId,
    /// When it was over.
    pub at: Time,
    /// The incident that it belongs to.
    pub incident: Option<IncidentId>,
    /// What it takes, in bytes.
    pub bytes: u64,
}

impl Reader {
    /// Incidents, newest first.
    pub fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<Incident>, Error> {
        let question =
            "SELECT body FROM incidents WHERE (?1 IS NULL OR target = ?1) AND (NOT ?2 OR closed IS NULL)
                        AND (?3 IS NULL OR closed IS NULL OR closed >= ?3) AND (?5 IS NULL OR id < ?5)
                        ORDER BY id DESC LIMIT ?4";
        let target = filter.target.map(|target| target.0);
        let since = filter.since.map(|since| signed(since.as_micros()));
        let most = filter.most.map_or(-1, i64::from);
        let before = filter.before.map(|before| signed(before.0));
        self.ask(|connection| {
            packed(connection, question, params![target, filter.not_closed, since, most, before], &mut 0)
        })
    }

    /// All that is kept of an incident.
    pub fn incident(&self, id: IncidentId) -> Result<Option<IncidentRecord>, Error> {
        self.ask(|connection| {
            let one = "SELECT body FROM incidents WHERE id = ?1";
            let Some(incident) = packed::<Incident>(connection, one, [signed(id.0)], &mut 0)?.pop() else {
                return Ok(None);
            };
            let notices = "SELECT body FROM outbox WHERE incident = ?1 ORDER BY id";
            let notices = packed(connection, notices, [signed(id.0)], &mut 0)?;
            let until = match incident.phase {
                Phase::Closed { at, .. } => at + std::time::Duration::from_micros(1),
                _ => Span::ALL.until,
            };
            let transitions = match incident.subject {
                Subject::Target(target) => {
                    let question = "SELECT id, target, at, address, before, after, why FROM transitions
                                    WHERE target = ?1 AND at >= ?2 AND at < ?3 ORDER BY at, id";
                    let (from, until) = (signed(incident.began.as_micros()), signed(until.as_micros()));
                    let found = moved(connection, question, params![target.0, from, until])?;
                    found.into_iter().map(|(_, transition)| transition).collect()
                }
                Subject::Vantage | Subject::Matter(_) => Vec::new(),
            };
            let evidence = evidence(connection, "incident = ?1", [signed(id.0)])?;
            Ok(Some(IncidentRecord { incident, transitions, notices, evidence }))
        })
    }

    /// The surveys of a target, oldest first.
    pub fn evidence(&self, target: TargetId, span: Span) -> Result<Vec<Evidence>, Error> {
        let (from, until) = (signed(span.from.as_micros()), signed(span.until.as_micros()));
        let wanted = "target = ?1 AND at >= ?2 AND at < ?3";
        self.ask(|connection| evidence(connection, wanted, params![target.0, from, until]))
    }

    /// A survey, to be judged again. `None` where it is not there any more or cannot be read.
    pub fn examination(&self, number: u64) -> Result<Option<Examination>, Error> {
        self.ask(|connection| {
            let one = "SELECT target, at, body FROM examinations WHERE id = ?1";
            let row = connection.prepare_cached(one)?.query_row([signed(number)], |row| {
                Ok((TargetId(row.get(0)?), time(row.get(1)?), row.get::<_, Vec<u8>>(2)?))
            });
            Ok(row.optional()?.and_then(|(target, finished, body)| {
                let (case, observations, diagnosis) = unpack(&body)?;
                Some(Examination { target, case, observations, finished, diagnosis })
            }))
        })
    }

    /// Transitions of a target's addresses, or of all, in the order in which they were written.
    pub fn transitions(&self, target: Option<TargetId>, span: Span) -> Transitions {
        Transitions { reader: self.clone(), target, span, last: 0, waiting: VecDeque::new(), over: false }
    }

    /// What else was learned, of a target and of this host, or of all.
    pub fn notes(&self, target: Option<TargetId>, span: Span) -> Result<Vec<Note>, Error> {
        let question = "SELECT body FROM events WHERE at >= ?1 AND at < ?2
                        AND (?3 IS NULL OR target IS NULL OR target = ?3) ORDER BY at, id";
        let (from, until) = (signed(span.from.as_micros()), signed(span.until.as_micros()));
        self.ask(|connection| {
            let mut rows = connection.prepare_cached(question)?;
            let mut rows = rows.query(params![from, until, target.map(|target| target.0)])?;
            let mut notes = Vec::new();
            while let Some(row) = rows.next()? {
                notes.extend(serde_json::from_str::<Note>(row.get_ref(0)?.as_str()?));
            }
            Ok(notes)
        })
    }

    /// What people told the watch.
    pub fn audit(&self, span: Span) -> Result<Vec<AuditEntry>, Error> {
        let question = "SELECT at, who, did FROM audit WHERE at >= ?1 AND at < ?2 ORDER BY id";
        let (from, until) = (signed(span.from.as_micros()), signed(span.until.as_micros()));
        self.ask(|connection| {
            let mut rows = connection.prepare_cached(question)?;
            let rows = rows.query_map([from, until], |row| {
                Ok(AuditEntry { at: time(row.get(0)?), who: row.get(1)?, did: row.get(2)? })
            })?;
            rows.collect()
        })
    }
}

/// Transitions, read piece by piece.
#[derive(Debug)]
pub struct Transitions {
    reader: Reader,
    target: Option<TargetId>,
    span: Span,
    last: i64,
    waiting: VecDeque<Transition>,
    over: bool,
}

/// Transitions in a piece.
const PIECE: usize = 1_000;

impl Transitions {
    fn fill(&mut self) -> Result<(), Error> {
        let question = "SELECT id, target, at, address, before, after, why FROM transitions
                        WHERE id > ?1 AND at >= ?2 AND at < ?3 AND (?4 IS NULL OR target = ?4)
                        ORDER BY id LIMIT ?5";
        let (from, until) = (signed(self.span.from.as_micros()), signed(self.span.until.as_micros()));
        let target = self.target.map(|target| target.0);
        let asked = params![self.last, from, until, target, PIECE as i64];
        let found = self.reader.ask(|connection| moved(connection, question, asked))?;
        self.over = found.len() < PIECE;
        self.last = found.last().map_or(self.last, |(id, _)| *id);
        self.waiting.extend(found.into_iter().map(|(_, transition)| transition));
        Ok(())
    }
}

impl Iterator for Transitions {
    type Item = Result<Transition, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.waiting.is_empty()
            && !self.over
            && let Err(error) = self.fill()
        {
            self.over = true;
            return Some(Err(error));
        }
        self.waiting.pop_front().map(Ok)
    }
}

fn moved(
    connection: &Connection,
    question: &str,
    parameters: impl Params,
) -> rusqlite::Result<Vec<(i64, Transition)>> {
    let mut rows = connection.prepare_cached(question)?;
    let mut rows = rows.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        // A state or a reason of a version that knew others cannot be told.
        if let Some(transition) = transition(row)? {
            found.push((id, transition));
        }
    }
    Ok(found)
}

fn transition(row: &Row<'_>) -> rusqlite::Result<Option<Transition>> {
    let series = |address| Some(Series { target: TargetId(row.get(1).ok()?), address });
    let (before, after) = (row.get_ref(4)?.as_str()?, row.get_ref(5)?.as_str()?);
    let read = || {
        Some(Transition {
            series: series(row.get_ref(3).ok()?.as_str().ok()?.parse().ok()?)?,
            at: time(row.get(2).ok()?),
            from: state(before)?,
            to: state(after)?,
            why: serde_json::from_str(row.get_ref(6).ok()?.as_str().ok()?).ok()?,
        })
    };
    Ok(read())
}

fn state(code: &str) -> Option<AddressState> {
    use AddressState::{Down, Gone, Ok, Recovering, Suspect, Unknown};
    [Unknown, Ok, Suspect, Down, Recovering, Gone].into_iter().find(|state| state.code() == code)
}

fn evidence(
    connection: &Connection,
    wanted: &str,
    parameters: impl Params,
) -> rusqlite::Result<Vec<Evidence>> {
    let question = format!(
        "SELECT id, target, at, incident, length(body) FROM examinations WHERE {wanted} ORDER BY at, id"
    );
    let mut rows = connection.prepare_cached(&question)?;
    let rows = rows.query_map(parameters, |row| {
        Ok(Evidence {
            number: unsigned(row.get(0)?),
            target: TargetId(row.get(1)?),
            at: time(row.get(2)?),
            incident: row.get::<_, Option<i64>>(3)?.map(|id| IncidentId(unsigned(id))),
            bytes: unsigned(row.get(4)?),
        })
    })?;
    rows.collect()
}

fn time(micros: i64) -> Time {
    Time::from_micros(unsigned(micros))
}
