//! Results on their way into pages: first as they came, a few seconds in a row for each shard, then merged
//! into pages in which each address has a long run.

use std::collections::BTreeMap;

use reach_core::Time;
use rusqlite::{Transaction, TransactionBehavior, params};

use super::{
    Engine, Tail,
    changes::{WATCHED, raise, register},
    shard,
};
use crate::{
    batch::Pending,
    codec::{
        Mark, Track,
        page::{self, Entry},
    },
    peer::{Peer, kind_number, layer_number, mark_of_asked, mark_of_sample, millis, signed, unsigned},
};

/// Results in a page at most; what is merged is divided into equal pages below this.
const PAGE: usize = 1 << 14;
/// So many results of a shard are merged at once…
const MERGE_AT: u64 = 1 << 15;
/// … or those of so long a time, in milliseconds…
const MERGE_AFTER: u64 = 3_600_000;
/// … or so many rows.
const MERGE_ROWS: u32 = 512;
/// No merge takes more results than this and one row, whatever waits.
const MERGE_MOST: usize = 1 << 17;
/// A merged page that is not yet half full takes in what comes for so long, in milliseconds, from its
/// beginning on.
const GROWS_FOR: u64 = 24 * 3_600_000;

const LATEST: u8 = 0;
const MERGED: u8 = 1;
const UNREADABLE: u8 = 9;

impl Engine {
    /// Writes the results that wait. A power cut may cost the last of them.
    pub(crate) fn write_results(&mut self, pending: &Pending) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut shards: BTreeMap<u32, Vec<Entry>> = BTreeMap::new();
        let (next, known) = (&mut self.next_series, &mut self.series);
        let mut file = |target: u32, peer: Peer, layer: u8, at: Time, mark: Mark, again: bool| {
            let series = match known.get(&(target, peer)) {
                Some(&id) => id,
                None => register(&transaction, next, known, target, peer)?,
            };
            let track = Track { target, series, layer };
            shards.entry(shard(target)).or_default().push(Entry { track, at: millis(at), mark, again });
            Ok::<_, rusqlite::Error>(())
        };
        for sample in &pending.samples {
            let (target, peer) = (sample.series.target.0, Peer::Address(sample.series.address));
            let (layer, mark) = (layer_number(sample.layer), mark_of_sample(sample));
            file(target, peer, layer, sample.at, mark, sample.again)?;
        }
        for asked in &pending.asked {
            let (target, peer) = (asked.target.0, Peer::Resolver(asked.resolver));
            file(target, peer, kind_number(asked.kind), asked.at, mark_of_asked(asked), false)?;
        }
        let mut late = Vec::new();
        for (shard, entries) in &mut shards {
            entries.sort_unstable();
            insert(&transaction, LATEST, *shard, entries)?;
            late.extend(super::rolling::add_late(&transaction, &self.rolled, *shard, entries)?);
        }
        raise(&transaction, WATCHED, pending.at.as_micros())?;
        transaction.commit()?;
        for key in late {
            *self.unmerged.entry(key).or_default() += 1;
        }
        for (shard, entries) in shards {
            self.shards.insert(shard);
            let tail = self.tails.entry(shard).or_default();
            let start = entries.iter().map(|entry| entry.at).min().unwrap_or_default();
            tail.start = if tail.rows == 0 { start } else { tail.start.min(start) };
            tail.rows += entries.len().div_ceil(PAGE) as u32;
            tail.results += entries.len() as u64;
            self.samples += entries.len() as u64;
        }
        self.flushed = self.flushed.max(pending.at);
        Ok(())
    }

    /// Merges the latest results of one shard, if there are enough of them. Says whether there were.
    pub(super) fn merge_results(&mut self, now: Time) -> rusqlite::Result<bool> {
        let now = millis(now);
        let is_due = |tail: &Tail| {
            tail.results >= MERGE_AT
                || tail.rows >= MERGE_ROWS
                || now.saturating_sub(tail.start) >= MERGE_AFTER
        };
        let due = self.tails.iter().find(|(_, tail)| tail.rows > 0 && is_due(tail));
        let Some((&shard, _)) = due else { return Ok(false) };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut entries = Vec::new();
        let mut merged = Vec::new();
        let mut unreadable = 0;
        {
            let latest = "SELECT id, results, body FROM pages WHERE shard = ?1 AND level = 0 ORDER BY id";
            let growing = "SELECT id, results, body FROM (SELECT * FROM pages WHERE shard = ?1 AND level = 1
                           ORDER BY finish DESC LIMIT 1) WHERE results < ?2 AND start > ?3";
            let mut growing = transaction.prepare_cached(growing)?;
            // A page is deleted only when all of it is too old.
            let grows_for = (self.options.results_for.as_millis() as u64 / 8).min(GROWS_FOR);
            let since = signed(now.saturating_sub(grows_for));
            let mut growing = growing.query(params![shard, PAGE as u32 / 2, since])?;
            let mut latest = transaction.prepare_cached(latest)?;
            let mut latest = latest.query([shard])?;
            while let Some(row) = match growing.next()? {
                Some(row) => Some(row),
                None => latest.next()?,
            } {
                let id: i64 = row.get(0)?;
                match page::decode(row.get_ref(2)?.as_blob()?) {
                    Some(mut found) => {
                        entries.append(&mut found);
                        merged.push(id);
                    }
                    None => {
                        put_aside(&transaction, id)?;
                        unreadable += 1;
                    }
                }
                if entries.len() >= MERGE_MOST {
                    break;
                }
            }
        }
        for id in merged {
            transaction.prepare_cached("DELETE FROM pages WHERE id = ?1")?.execute([id])?;
        }
        entries.sort_unstable();
        insert(&transaction, MERGED, shard, &entries)?;
        let tail = tail(&transaction, shard)?;
        transaction.commit()?;
        self.unreadable += unreadable;
        self.tails.insert(shard, tail);
        Ok(true)
    }

    /// Deletes these pages. Says how many results were in them.
    pub(super) fn delete_pages(&mut self, ids: &[i64]) -> rusqlite::Result<u64> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut gone = 0;
        let mut shards = BTreeMap::new();
        for id in ids {
            let delete = "DELETE FROM pages WHERE id = ?1 RETURNING results, shard";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?));
            let (results, shard) = transaction.prepare_cached(delete)?.query_row([id], row)?;
            gone += unsigned(results);
            shards.insert(shard, Tail::default());
        }
        for (shard, found) in &mut shards {
            *found = tail(&transaction, *shard)?;
        }
        transaction.commit()?;
        self.samples = self.samples.saturating_sub(gone);
        self.tails.extend(shards);
        Ok(gone)
    }
}

/// Marks a page that cannot be read. Its bytes stay for whoever can make something of them, until they are
/// too old.
pub(super) fn put_aside(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    let put = "UPDATE pages SET level = ?2 WHERE id = ?1";
    transaction.prepare_cached(put)?.execute(params![id, UNREADABLE]).map(drop)
}

fn tail(transaction: &Transaction<'_>, shard: u32) -> rusqlite::Result<Tail> {
    let tail = "SELECT count(*), coalesce(sum(results), 0), coalesce(min(start), 0) FROM pages
                WHERE shard = ?1 AND level = 0";
    transaction.prepare_cached(tail)?.query_row([shard], |row| {
        Ok(Tail { rows: row.get(0)?, results: unsigned(row.get(1)?), start: unsigned(row.get(2)?) })
    })
}

/// Writes sorted results into pages of equal size. All have the times of the whole, so that they are deleted
/// together: nothing would tell that some addresses of a stretch of time are missing.
fn insert(transaction: &Transaction<'_>, level: u8, shard: u32, entries: &[Entry]) -> rusqlite::Result<()> {
    let times = entries.iter().map(|entry| entry.at);
    let start = signed(times.clone().min().unwrap_or_default());
    let finish = signed(times.max().unwrap_or_default());
    let pages = entries.len().div_ceil(PAGE).max(1);
    for entries in entries.chunks(entries.len().div_ceil(pages).max(1)) {
        let put = "INSERT INTO pages (level, shard, first_target, last_target, start, finish, results, body)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let target = |entry: Option<&Entry>| entry.map(|entry| entry.track.target);
        let (first, last) = (target(entries.first()), target(entries.last()));
        let (results, body) = (entries.len() as i64, page::encode(entries));
        transaction
            .prepare_cached(put)?
            .execute(params![level, shard, first, last, start, finish, results, body])?;
    }
    Ok(())
}
