//! What a watch finds when it starts again.

use std::collections::BTreeMap;

use reach_core::{
    Time,
    watch::{Incident, IncidentId, OutboxRow, Remembered, RowId, Silence, SilenceId, TargetId},
};
use rusqlite::{Connection, OptionalExtension, Params, types::FromSql};
use serde::de::DeserializeOwned;

use crate::{
    body::unpack,
    engine::{NEXT_INCIDENT, NEXT_ROW, NEXT_SILENCE, NEXT_TARGET, STOPPED, WATCHED},
    peer::unsigned,
};

/// What a watch finds when it starts again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovered {
    /// Every target that was ever watched, by its text.
    pub targets: BTreeMap<String, TargetId>,
    /// What is remembered of addresses, of targets too that may not be watched any more.
    pub remembered: Vec<Remembered>,
    /// Incidents that are not closed.
    pub incidents: Vec<Incident>,
    /// Silences that were not over when the watch ended.
    pub silences: Vec<Silence>,
    /// Rows of the outbox that are still to be delivered, oldest first. One that was handed to its channel
    /// may have been delivered.
    pub outbox: Vec<OutboxRow>,
    /// The next ids to give. None was given before.
    pub next: NextIds,
    /// The last moment that is known to have been watched; what is between it and now is a gap.
    pub watched: Option<Time>,
    /// It was stopped as it should, not killed. `true` of a new store.
    pub stopped: bool,
    /// Rows that cannot be read, and were left where they are.
    pub unreadable: u64,
}

/// The next ids to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextIds {
    /// To a target.
    pub target: TargetId,
    /// To an incident.
    pub incident: IncidentId,
    /// To a row of the outbox.
    pub row: RowId,
    /// To a silence.
    pub silence: SilenceId,
}

impl Default for NextIds {
    /// All begin at 1.
    fn default() -> Self {
        Self { target: TargetId(1), incident: IncidentId(1), row: RowId(1), silence: SilenceId(1) }
    }
}

/// Reads what a watch needs to go on.
pub(crate) fn recover(connection: &Connection) -> rusqlite::Result<Recovered> {
    let mut found = Recovered { next: next_ids(connection)?, ..Recovered::default() };
    found.watched = meta(connection, WATCHED)?.map(Time::from_micros);
    found.stopped = meta(connection, STOPPED)?.is_none_or(|stopped| stopped == 1);
    let mut targets = connection.prepare("SELECT target, id FROM targets")?;
    let targets = targets.query_map([], |row| Ok((row.get(0)?, TargetId(row.get(1)?))))?;
    found.targets = targets.collect::<Result<_, _>>()?;
    let unreadable = &mut found.unreadable;
    let json = |text: String| serde_json::from_str(&text).ok();
    found.remembered =
        values(connection, "SELECT body FROM remembered ORDER BY series", [], json, unreadable)?;
    let over = found.watched.unwrap_or_default().as_micros();
    let silences = "SELECT body FROM silences WHERE until > ?1 ORDER BY id";
    let json = |text: String| serde_json::from_str(&text).ok();
    found.silences = values(connection, silences, [crate::peer::signed(over)], json, unreadable)?;
    let incidents = "SELECT body FROM incidents WHERE closed IS NULL ORDER BY id";
    found.incidents = packed(connection, incidents, [], unreadable)?;
    let outbox = "SELECT body FROM outbox WHERE pending = 1 ORDER BY id";
    found.outbox = packed(connection, outbox, [], unreadable)?;
    Ok(found)
}

/// The values that a question finds, packed; those that cannot be read are counted.
pub(crate) fn packed<T: DeserializeOwned>(
    connection: &Connection,
    question: &str,
    parameters: impl Params,
    unreadable: &mut u64,
) -> rusqlite::Result<Vec<T>> {
    values(connection, question, parameters, |bytes: Vec<u8>| unpack(&bytes), unreadable)
}

fn values<C: FromSql, T>(
    connection: &Connection,
    question: &str,
    parameters: impl Params,
    read: impl Fn(C) -> Option<T>,
    unreadable: &mut u64,
) -> rusqlite::Result<Vec<T>> {
    let mut rows = connection.prepare_cached(question)?;
    let mut rows = rows.query(parameters)?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row.get(0)?) {
            Some(value) => values.push(value),
            None => *unreadable += 1,
        }
    }
    Ok(values)
}

fn next_ids(connection: &Connection) -> rusqlite::Result<NextIds> {
    let next = |name: &str| Ok::<_, rusqlite::Error>(meta(connection, name)?.unwrap_or_default().max(1));
    Ok(NextIds {
        target: TargetId(u32::try_from(next(NEXT_TARGET)?).unwrap_or(u32::MAX)),
        incident: IncidentId(next(NEXT_INCIDENT)?),
        row: RowId(next(NEXT_ROW)?),
        silence: SilenceId(next(NEXT_SILENCE)?),
    })
}

pub(crate) fn meta(connection: &Connection, name: &str) -> rusqlite::Result<Option<u64>> {
    let value = "SELECT value FROM meta WHERE name = ?1";
    connection.query_row(value, [name], |row| row.get(0).map(unsigned)).optional()
}
