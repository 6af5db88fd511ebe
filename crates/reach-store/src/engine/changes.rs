//! Writes what must not be lost: one transaction, and it is on the disk before it counts as written.

use reach_core::watch::{Incident, OutboxRow, Phase, RowId, Subject};
use rusqlite::{Error, ErrorCode, Transaction, TransactionBehavior, ffi, params};

use super::Engine;
use crate::{
    batch::Pending,
    body::pack,
    peer::{Peer, signed},
};

/// Names in `meta`.
pub(crate) const NEXT_TARGET: &str = "next_target";
pub(crate) const NEXT_INCIDENT: &str = "next_incident";
pub(crate) const NEXT_ROW: &str = "next_row";
pub(crate) const NEXT_SILENCE: &str = "next_silence";
pub(crate) const WATCHED: &str = "watched";
pub(crate) const STOPPED: &str = "stopped";

impl Engine {
    /// Writes everything that waits but results. Says which rows of the outbox were refused: another row has
    /// taken the same notice to the same channel.
    pub(crate) fn write_changes(&mut self, pending: &Pending) -> rusqlite::Result<Vec<RowId>> {
        // In WAL mode NORMAL may lose the last commits in a power cut, FULL does not; neither loses one to
        // kill -9.
        let synchronous = if pending.has_changes() { "FULL" } else { "NORMAL" };
        self.connection.pragma_update(None, "synchronous", synchronous)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write_targets(&transaction, pending)?;
        write_log(&transaction, pending)?;
        write_incidents(&transaction, pending)?;
        let refused = write_outbox(&transaction, pending)?;
        write_silences(&transaction, pending)?;
        write_examinations(&transaction, pending)?;
        for (series, row) in &pending.remembered {
            let peer = Peer::Address(series.address);
            let known = &mut self.series;
            let id = match known.get(&(series.target.0, peer)) {
                Some(&id) => id,
                None => register(&transaction, &mut self.next_series, known, series.target.0, peer)?,
            };
            match row {
                Some(row) => {
                    let body = serde_json::to_string(row).map_err(unwritable)?;
                    let put = "INSERT INTO remembered (series, body) VALUES (?1, ?2)
                               ON CONFLICT (series) DO UPDATE SET body = excluded.body";
                    transaction.prepare_cached(put)?.execute(params![id, body])?;
                }
                None => {
                    transaction.prepare_cached("DELETE FROM remembered WHERE series = ?1")?.execute([id])?;
                }
            }
        }
        raise(&transaction, WATCHED, pending.at.as_micros())?;
        transaction.commit()?;
        Ok(refused)
    }

    /// Writes that the watch begins, or that it ended as it should.
    pub(crate) fn note_stopped(&self, stopped: bool) -> rusqlite::Result<()> {
        let put = "INSERT INTO meta (name, value) VALUES (?1, ?2)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.connection.execute(put, params![STOPPED, stopped]).map(drop)
    }
}

/// Gives an address or a resolver its number.
pub(super) fn register(
    transaction: &Transaction<'_>,
    next: &mut u32,
    known: &mut std::collections::BTreeMap<(u32, Peer), u32>,
    target: u32,
    peer: Peer,
) -> rusqlite::Result<u32> {
    let id = *next;
    let put = "INSERT INTO series (id, target, peer) VALUES (?1, ?2, ?3)";
    transaction.prepare_cached(put)?.execute(params![id, target, peer.to_string()])?;
    *next = next.saturating_add(1);
    known.insert((target, peer), id);
    Ok(id)
}

/// Remembers a number that only grows.
pub(super) fn raise(transaction: &Transaction<'_>, name: &str, value: u64) -> rusqlite::Result<()> {
    let put = "INSERT INTO meta (name, value) VALUES (?1, ?2)
               ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";
    transaction.prepare_cached(put)?.execute(params![name, signed(value)]).map(drop)
}

fn write_targets(transaction: &Transaction<'_>, pending: &Pending) -> rusqlite::Result<()> {
    for (id, target) in &pending.targets {
        let put = "INSERT INTO targets (id, target) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        transaction.prepare_cached(put)?.execute(params![id.0, target])?;
    }
    pending
        .targets
        .keys()
        .next_back()
        .map_or(Ok(()), |last| raise(transaction, NEXT_TARGET, u64::from(last.0) + 1))
}

fn write_log(transaction: &Transaction<'_>, pending: &Pending) -> rusqlite::Result<()> {
    for moved in &pending.transitions {
        let put = "INSERT INTO transitions (target, at, address, before, after, why)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let why = serde_json::to_string(&moved.why).map_err(unwritable)?;
        let address = moved.series.address.to_string();
        let at = signed(moved.at.as_micros());
        let (from, to) = (moved.from.code(), moved.to.code());
        transaction.prepare_cached(put)?.execute(params![
            moved.series.target.0,
            at,
            address,
            from,
            to,
            why
        ])?;
    }
    for note in &pending.notes {
        let put = "INSERT INTO events (target, at, kind, body) VALUES (?1, ?2, ?3, ?4)";
        let body = serde_json::to_string(note).map_err(unwritable)?;
        let (target, at) = (note.target().map(|target| target.0), signed(note.at().as_micros()));
        transaction.prepare_cached(put)?.execute(params![target, at, note.code(), body])?;
    }
    for entry in &pending.audit {
        let put = "INSERT INTO audit (at, who, did) VALUES (?1, ?2, ?3)";
        let at = signed(entry.at.as_micros());
        transaction.prepare_cached(put)?.execute(params![at, entry.who, entry.did])?;
    }
    Ok(())
}

fn write_incidents(transaction: &Transaction<'_>, pending: &Pending) -> rusqlite::Result<()> {
    for incident in pending.incidents.values() {
        let put = "INSERT INTO incidents (id, target, gravity, phase, began, opened, closed, body)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                   ON CONFLICT (id) DO UPDATE SET target = excluded.target, gravity = excluded.gravity,
                   phase = excluded.phase, began = excluded.began, opened = excluded.opened,
                   closed = excluded.closed, body = excluded.body";
        let (phase, closed) = phase(incident);
        let (began, opened) = (signed(incident.began.as_micros()), signed(incident.opened.as_micros()));
        let target = match incident.subject {
            Subject::Target(target) => Some(target.0),
            Subject::Vantage | Subject::Matter(_) => None,
        };
        let body = pack(incident).map_err(unwritable)?;
        let gravity = incident.worst.code();
        let id = signed(incident.id.0);
        transaction
            .prepare_cached(put)?
            .execute(params![id, target, gravity, phase, began, opened, closed, body])?;
    }
    pending.incidents.keys().next_back().map_or(Ok(()), |last| raise(transaction, NEXT_INCIDENT, last.0 + 1))
}

fn write_outbox(transaction: &Transaction<'_>, pending: &Pending) -> rusqlite::Result<Vec<RowId>> {
    let mut refused = Vec::new();
    for row in pending.outbox.values() {
        match write_row(transaction, row) {
            Ok(()) => {}
            Err(Error::SqliteFailure(ffi::Error { code: ErrorCode::ConstraintViolation, .. }, _)) => {
                refused.push(row.id);
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(last) = pending.outbox.keys().next_back() {
        raise(transaction, NEXT_ROW, last.0 + 1)?;
    }
    Ok(refused)
}

fn write_row(transaction: &Transaction<'_>, row: &OutboxRow) -> rusqlite::Result<()> {
    let put = "INSERT INTO outbox (id, incident, seq, channel, at, pending, delivery, body)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               ON CONFLICT (id) DO UPDATE SET incident = excluded.incident, seq = excluded.seq,
               channel = excluded.channel, at = excluded.at, pending = excluded.pending,
               delivery = excluded.delivery, body = excluded.body";
    let delivery = serde_json::to_string(&row.delivery).map_err(unwritable)?;
    let body = pack(row).map_err(unwritable)?;
    let (id, incident) = (signed(row.id.0), signed(row.incident().0));
    let (at, pending) = (signed(row.notice.at.as_micros()), row.delivery.is_pending());
    let (seq, channel) = (row.notice.seq, &row.channel);
    transaction
        .prepare_cached(put)?
        .execute(params![id, incident, seq, channel, at, pending, delivery, body])
        .map(drop)
}

fn write_silences(transaction: &Transaction<'_>, pending: &Pending) -> rusqlite::Result<()> {
    for silence in pending.silences.values() {
        let put = "INSERT INTO silences (id, until, body) VALUES (?1, ?2, ?3)
                   ON CONFLICT (id) DO UPDATE SET until = excluded.until, body = excluded.body";
        let body = serde_json::to_string(silence).map_err(unwritable)?;
        let (id, until) = (signed(silence.id.0), signed(silence.until.as_micros()));
        transaction.prepare_cached(put)?.execute(params![id, until, body])?;
    }
    pending.silences.keys().next_back().map_or(Ok(()), |last| raise(transaction, NEXT_SILENCE, last.0 + 1))
}

fn write_examinations(transaction: &Transaction<'_>, pending: &Pending) -> rusqlite::Result<()> {
    for (incident, examination) in &pending.examinations {
        let put = "INSERT INTO examinations (target, at, incident, body) VALUES (?1, ?2,
                   coalesce(?3, (SELECT max(id) FROM incidents WHERE target = ?1 AND closed IS NULL)), ?4)";
        let evidence = (&examination.case, &examination.observations, &examination.diagnosis);
        let body = pack(&evidence).map_err(unwritable)?;
        let at = signed(examination.finished.as_micros());
        let incident = incident.map(|incident| signed(incident.0));
        transaction.prepare_cached(put)?.execute(params![examination.target.0, at, incident, body])?;
    }
    Ok(())
}

/// The name of a phase, and when the incident was closed.
fn phase(incident: &Incident) -> (&'static str, Option<i64>) {
    match incident.phase {
        Phase::Open => ("open", None),
        Phase::Calming { .. } => ("calming", None),
        Phase::Recovered { .. } => ("recovered", None),
        Phase::Closed { at, .. } => ("closed", Some(signed(at.as_micros()))),
    }
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::ToSqlConversionFailure(Box::new(error))
}
