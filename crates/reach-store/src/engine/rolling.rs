//! Roll-ups: ten minutes from results, hours from ten minutes.
//!
//! A period is rolled up once all results of it have to be there: a minute after its end, and after
//! everything that was handed in by then was written. The roll-up and how far roll-ups have come are written
//! in one transaction, so after a crash they go on where they were. A result that comes later still is rolled
//! up by itself in the transaction that writes it: roll-ups of the same address and period add up.

use std::collections::BTreeMap;

use rusqlite::{Transaction, TransactionBehavior, params};

use super::{Engine, results::put_aside};
use crate::{
    codec::{
        Track,
        page::{self, Entry},
        roll::{self, Roll, Stats},
    },
    peer::{millis, signed, unsigned},
};

/// The length of the shorter period, in seconds.
pub(crate) const TEN_MINUTES_S: u32 = 600;
/// The length of the longer period, in seconds.
pub(crate) const HOUR_S: u32 = 3_600;

/// How long results may be on their way, in milliseconds.
const GRACE: u64 = 60_000;
/// Short periods in a long one.
const PER_HOUR: u64 = (HOUR_S / TEN_MINUTES_S) as u64;
/// Rows of roll-ups that are merged at once: a day of short periods.
const MERGE_ROWS: u32 = 144;
/// Roll-ups in a page at most.
const PAGE: usize = 1 << 12;

type Sums = BTreeMap<(Track, u64), Stats>;

/// Rolls up what comes after its period was. Says of which lengths there was something.
pub(super) fn add_late(
    transaction: &Transaction<'_>,
    rolled: &BTreeMap<(u32, u32), u64>,
    shard: u32,
    entries: &[Entry],
) -> rusqlite::Result<Vec<(u32, u32)>> {
    let mut touched = Vec::new();
    for length in [TEN_MINUTES_S, HOUR_S] {
        let Some(&through) = rolled.get(&(length, shard)) else { continue };
        let late = entries.iter().filter(|entry| period(entry.at, length) < through);
        let sums = count(late, length);
        if !sums.is_empty() {
            insert(transaction, length, shard, false, sums)?;
            touched.push((length, shard));
        }
    }
    Ok(touched)
}

impl Engine {
    /// Rolls up one period of one shard. Says whether there was one.
    pub(super) fn roll_up(&mut self) -> rusqlite::Result<bool> {
        let complete = millis(self.flushed).saturating_sub(GRACE) / (u64::from(TEN_MINUTES_S) * 1_000);
        let behind = |shard: &&u32| self.idle.get(shard).is_none_or(|&idle| idle < complete);
        let behind: Vec<u32> = self.shards.iter().filter(behind).copied().collect();
        for shard in behind {
            if self.roll_ten_minutes(shard, complete)? || self.roll_hour(shard, complete)? {
                return Ok(true);
            }
            self.idle.insert(shard, complete);
        }
        Ok(false)
    }

    fn roll_ten_minutes(&mut self, shard: u32, complete: u64) -> rusqlite::Result<bool> {
        let length = u64::from(TEN_MINUTES_S) * 1_000;
        let through = self.rolled.get(&(TEN_MINUTES_S, shard)).copied().unwrap_or_default();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let first = "SELECT min(start) FROM pages WHERE shard = ?1 AND finish >= ?2 AND level < 9";
        let first: Option<i64> = transaction
            .prepare_cached(first)?
            .query_row(params![shard, signed(through.saturating_mul(length))], |row| row.get(0))?;
        let Some(first) = first else { return Ok(false) };
        let period = through.max(unsigned(first) / length);
        if period >= complete {
            return Ok(false);
        }
        let (from, until) = (period * length, (period + 1) * length);
        let mut sums = Sums::new();
        let mut unreadable = Vec::new();
        {
            let pages =
                "SELECT id, body FROM pages WHERE shard = ?1 AND finish >= ?2 AND start < ?3 AND level < 9";
            let mut pages = transaction.prepare_cached(pages)?;
            let mut pages = pages.query(params![shard, signed(from), signed(until)])?;
            while let Some(row) = pages.next()? {
                let Some(entries) = page::decode(row.get_ref(1)?.as_blob()?) else {
                    unreadable.push(row.get::<_, i64>(0)?);
                    continue;
                };
                let entries = entries.iter().filter(|entry| (from..until).contains(&entry.at));
                for (key, stats) in count(entries, TEN_MINUTES_S) {
                    sums.entry(key).or_default().merge(&stats);
                }
            }
        }
        for id in &unreadable {
            put_aside(&transaction, *id)?;
        }
        insert(&transaction, TEN_MINUTES_S, shard, false, sums)?;
        advance(&transaction, TEN_MINUTES_S, shard, period + 1)?;
        transaction.commit()?;
        self.unreadable += unreadable.len() as u64;
        self.rolled.insert((TEN_MINUTES_S, shard), period + 1);
        *self.unmerged.entry((TEN_MINUTES_S, shard)).or_default() += 1;
        Ok(true)
    }

    /// Only called once all short periods before `complete` are there.
    fn roll_hour(&mut self, shard: u32, complete: u64) -> rusqlite::Result<bool> {
        let through = self.rolled.get(&(HOUR_S, shard)).copied().unwrap_or_default();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let first = "SELECT min(start) FROM rolls WHERE length = ?1 AND shard = ?2 AND finish >= ?3";
        let first: Option<i64> = transaction
            .prepare_cached(first)?
            .query_row(params![TEN_MINUTES_S, shard, signed(through.saturating_mul(PER_HOUR))], |row| {
                row.get(0)
            })?;
        let Some(first) = first else { return Ok(false) };
        let hour = through.max(unsigned(first) / PER_HOUR);
        if (hour + 1) * PER_HOUR > complete {
            return Ok(false);
        }
        let (from, until) = (hour * PER_HOUR, (hour + 1) * PER_HOUR);
        let mut sums = Sums::new();
        {
            let pages =
                "SELECT body FROM rolls WHERE length = ?1 AND shard = ?2 AND finish >= ?3 AND start < ?4";
            let mut pages = transaction.prepare_cached(pages)?;
            let mut pages = pages.query(params![TEN_MINUTES_S, shard, signed(from), signed(until)])?;
            while let Some(row) = pages.next()? {
                let rolls = roll::decode(row.get_ref(0)?.as_blob()?).unwrap_or_default();
                for roll in rolls.iter().filter(|roll| (from..until).contains(&roll.period)) {
                    sums.entry((roll.track, hour)).or_default().merge(&roll.stats);
                }
            }
        }
        insert(&transaction, HOUR_S, shard, false, sums)?;
        advance(&transaction, HOUR_S, shard, hour + 1)?;
        transaction.commit()?;
        self.rolled.insert((HOUR_S, shard), hour + 1);
        *self.unmerged.entry((HOUR_S, shard)).or_default() += 1;
        Ok(true)
    }

    /// Merges the roll-ups of one shard, if there are enough. Says whether there were.
    pub(super) fn merge_rolls(&mut self) -> rusqlite::Result<bool> {
        let due = self.unmerged.iter().find(|(_, rows)| **rows >= MERGE_ROWS);
        let Some((&(length, shard), _)) = due else { return Ok(false) };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut sums = Sums::new();
        let mut merged = Vec::new();
        {
            let pages = "SELECT id, body FROM rolls WHERE length = ?1 AND shard = ?2 AND merged = 0
                         ORDER BY finish LIMIT ?3";
            let mut pages = transaction.prepare(pages)?;
            let mut pages = pages.query(params![length, shard, MERGE_ROWS])?;
            while let Some(row) = pages.next()? {
                let id: i64 = row.get(0)?;
                match roll::decode(row.get_ref(1)?.as_blob()?) {
                    Some(rolls) => {
                        merged.push(id);
                        for roll in rolls {
                            sums.entry((roll.track, roll.period)).or_default().merge(&roll.stats);
                        }
                    }
                    None => {
                        // Its bytes stay for whoever can make something of them.
                        transaction.execute("UPDATE rolls SET merged = 9 WHERE id = ?1", [id])?;
                    }
                }
            }
        }
        for id in merged {
            transaction.prepare_cached("DELETE FROM rolls WHERE id = ?1")?.execute([id])?;
        }
        insert(&transaction, length, shard, true, sums)?;
        let left = "SELECT count(*) FROM rolls WHERE length = ?1 AND shard = ?2 AND merged = 0";
        let left = transaction.prepare_cached(left)?.query_row(params![length, shard], |row| row.get(0))?;
        transaction.commit()?;
        self.unmerged.insert((length, shard), left);
        Ok(true)
    }
}

/// The period of a time in milliseconds.
fn period(at: u64, length_s: u32) -> u64 {
    at / (u64::from(length_s) * 1_000)
}

fn count<'a>(entries: impl Iterator<Item = &'a Entry>, length: u32) -> Sums {
    let mut sums = Sums::new();
    for entry in entries {
        sums.entry((entry.track, period(entry.at, length))).or_default().add(entry.mark, entry.again);
    }
    sums
}

fn insert(
    transaction: &Transaction<'_>,
    length: u32,
    shard: u32,
    merged: bool,
    sums: Sums,
) -> rusqlite::Result<()> {
    let rolls = sums.into_iter().map(|((track, period), stats)| Roll { track, period, stats });
    let rolls: Vec<Roll> = rolls.collect();
    // As with results: pages of the same time are deleted together.
    let periods = rolls.iter().map(|roll| roll.period);
    let start = signed(periods.clone().min().unwrap_or_default());
    let finish = signed(periods.max().unwrap_or_default());
    let pages = rolls.len().div_ceil(PAGE).max(1);
    for rolls in rolls.chunks(rolls.len().div_ceil(pages).max(1)) {
        let put = "INSERT INTO rolls (length, shard, merged, first_target, last_target, start, finish, body)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let target = |roll: Option<&Roll>| roll.map(|roll| roll.track.target);
        let (first, last) = (target(rolls.first()), target(rolls.last()));
        let body = roll::encode(rolls);
        transaction
            .prepare_cached(put)?
            .execute(params![length, shard, merged, first, last, start, finish, body])?;
    }
    Ok(())
}

fn advance(transaction: &Transaction<'_>, length: u32, shard: u32, through: u64) -> rusqlite::Result<()> {
    let put = "INSERT INTO rolled (length, shard, through) VALUES (?1, ?2, ?3)
               ON CONFLICT (length, shard) DO UPDATE SET through = max(through, excluded.through)";
    transaction.prepare_cached(put)?.execute(params![length, shard, signed(through)]).map(drop)
}
