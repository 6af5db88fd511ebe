//! Deletes what is too old or too much, and gives the room back to the file system.

use std::time::Duration;

use reach_core::Time;
use rusqlite::{OptionalExtension, params};

use super::{Engine, HOUR_S, TEN_MINUTES_S};
use crate::peer::{millis, signed, unsigned};

/// Pages deleted in one step, with those of the same time.
const STEP: u32 = 32;
/// How often to look for what is too old.
const EVERY: Duration = Duration::from_secs(60);
/// Pages of the file given back in one step.
const VACUUM_STEP: u32 = 512;

/// So many free bytes in the file are never worth giving back.
const LEAST_FREE: u64 = 1 << 20;

impl Engine {
    /// One step. Says whether there was something to delete.
    pub(super) fn retain(&mut self, now: Time) -> rusqlite::Result<bool> {
        if self.trim()? {
            return Ok(true);
        }
        if now < self.next_retention {
            return Ok(false);
        }
        let done = self.drop_old_results(now)?
            || self.drop_old_rolls(now)?
            || self.drop_old_evidence(now)?
            || self.drop_old_rows(now)?;
        if !done {
            self.next_retention = now + EVERY;
        }
        Ok(done)
    }

    /// Makes some room inside the file where the disk has none: the oldest results go, at need even those
    /// that were not rolled up, for that takes room as well. Says how many of these there were: nothing is left
    /// of them.
    pub(crate) fn make_room(&mut self, at_need: bool) -> rusqlite::Result<u64> {
        if self.drop_oldest_results()? || !at_need {
            return Ok(0);
        }
        let ids: Vec<i64> = {
            let mut oldest =
                self.connection.prepare_cached("SELECT id FROM pages ORDER BY finish LIMIT ?1")?;
            let ids = oldest.query_map([STEP], |row| row.get(0))?;
            ids.collect::<Result<_, _>>()?
        };
        self.delete_pages(&ids)
    }

    /// The size of the file and of its log, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let size = |suffix: &str| {
            let mut name = self.path.clone().into_os_string();
            name.push(suffix);
            std::fs::metadata(name).map_or(0, |file| file.len())
        };
        size("") + size("-wal")
    }

    /// Keeps the file below its budget: the oldest results go first, then the oldest ten minutes, then the
    /// oldest hours. Incidents, transitions and evidence never do.
    fn trim(&mut self) -> rusqlite::Result<bool> {
        let number = |name: &str| {
            let number = self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            number.map(unsigned)
        };
        let (pages, free, size) = (number("page_count")?, number("freelist_count")?, number("page_size")?);
        let budget = self.options.max_bytes.saturating_sub(self.options.log_bytes());
        let used = (pages - free) * size;
        if used > budget {
            self.trimming = true;
        } else if used < budget - budget / 16 {
            self.trimming = false;
        }
        if self.trimming
            && (self.drop_oldest_results()?
                || self.drop_oldest_rolls(TEN_MINUTES_S)?
                || self.drop_oldest_rolls(HOUR_S)?)
        {
            return Ok(true);
        }
        self.trimming = false;
        // What is free is filled again soon, so a part of it stays.
        if free > 0 && (pages * size > budget || free * size > (used / 8).max(LEAST_FREE)) {
            self.connection.execute_batch(&format!("PRAGMA incremental_vacuum({VACUUM_STEP})"))?;
            return Ok(true);
        }
        Ok(false)
    }

    fn drop_oldest_results(&mut self) -> rusqlite::Result<bool> {
        self.drop_results(i64::MAX)
    }

    fn drop_old_results(&mut self, now: Time) -> rusqlite::Result<bool> {
        self.drop_results(signed(millis(now).saturating_sub(self.options.results_for.as_millis() as u64)))
    }

    /// Deletes the oldest results before a time in milliseconds; only those that have been rolled up.
    fn drop_results(&mut self, before: i64) -> rusqlite::Result<bool> {
        let old = "WITH old AS NOT MATERIALIZED (SELECT id, finish FROM pages
                                JOIN rolled ON rolled.shard = pages.shard AND rolled.length = ?1
                                WHERE finish < ?2 AND finish < through * ?3)
                   SELECT id FROM old WHERE finish <=
                   (SELECT max(finish) FROM (SELECT finish FROM old ORDER BY finish LIMIT ?4))";
        let ids: Vec<i64> = {
            let mut old = self.connection.prepare_cached(old)?;
            let ids =
                old.query_map(params![TEN_MINUTES_S, before, TEN_MINUTES_S * 1_000, STEP], |row| row.get(0))?;
            ids.collect::<Result<_, _>>()?
        };
        if ids.is_empty() {
            return Ok(false);
        }
        self.delete_pages(&ids).map(|_| true)
    }

    fn drop_oldest_rolls(&mut self, length: u32) -> rusqlite::Result<bool> {
        self.drop_rolls(length, i64::MAX)
    }

    fn drop_old_rolls(&mut self, now: Time) -> rusqlite::Result<bool> {
        let before = |length: u32, kept: Duration| {
            signed(now.as_secs().saturating_sub(kept.as_secs()) / u64::from(length))
        };
        let (ten_minutes, hours) = (self.options.ten_minutes_for, self.options.hours_for);
        Ok(self.drop_rolls(TEN_MINUTES_S, before(TEN_MINUTES_S, ten_minutes))?
            || self.drop_rolls(HOUR_S, before(HOUR_S, hours))?)
    }

    /// Deletes the oldest roll-ups before a period; ten minutes only if their hours have been rolled up.
    fn drop_rolls(&mut self, length: u32, before: i64) -> rusqlite::Result<bool> {
        let per_hour = HOUR_S / length;
        let old = "WITH old AS NOT MATERIALIZED (SELECT rolls.id, rolls.shard, merged, finish FROM rolls
                                JOIN rolled ON rolled.shard = rolls.shard AND rolled.length = ?1
                                WHERE rolls.length = ?2 AND finish < ?3 AND finish < through * ?4)
                   SELECT id, shard, merged FROM old WHERE finish <=
                   (SELECT max(finish) FROM (SELECT finish FROM old ORDER BY finish LIMIT ?5))";
        let rows: Vec<(i64, u32, i64)> = {
            let mut old = self.connection.prepare_cached(old)?;
            let rows = old.query_map(params![HOUR_S, length, before, per_hour, STEP], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        if rows.is_empty() {
            return Ok(false);
        }
        let transaction = self.connection.transaction()?;
        for (id, ..) in &rows {
            transaction.prepare_cached("DELETE FROM rolls WHERE id = ?1")?.execute([id])?;
        }
        transaction.commit()?;
        for (_, shard, _) in rows.iter().filter(|(.., merged)| *merged == 0) {
            let left = self.unmerged.entry((length, *shard)).or_default();
            *left = left.saturating_sub(1);
        }
        Ok(true)
    }

    /// Evidence goes by its own age and size, but never that of incidents that are not closed.
    fn drop_old_evidence(&mut self, now: Time) -> rusqlite::Result<bool> {
        let closed = "(incident IS NULL OR incident IN (SELECT id FROM incidents WHERE closed IS NOT NULL))";
        let oldest = format!(
            "SELECT id FROM examinations WHERE {closed}
             AND (at < ?1 OR (SELECT coalesce(sum(length(body)), 0) FROM examinations) > ?2) ORDER BY at LIMIT 1"
        );
        let before = signed((now.as_micros()).saturating_sub(self.options.evidence_for.as_micros() as u64));
        let most = signed(self.options.evidence_bytes);
        let oldest =
            self.connection.prepare_cached(&oldest)?.query_row(params![before, most], |row| row.get(0));
        let Some(id) = oldest.optional()? else { return Ok(false) };
        let id: i64 = id;
        self.connection.execute("DELETE FROM examinations WHERE id = ?1", [id]).map(|_| true)
    }

    /// Delivered messages, silences that are over, and the audit go with the evidence.
    fn drop_old_rows(&mut self, now: Time) -> rusqlite::Result<bool> {
        let before = signed((now.as_micros()).saturating_sub(self.options.evidence_for.as_micros() as u64));
        let mut gone = 0;
        for delete in [
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE pending = 0 AND at < ?1 LIMIT 256)",
            "DELETE FROM silences WHERE until < ?1",
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 LIMIT 256)",
        ] {
            gone += self.connection.prepare_cached(delete)?.execute([before])?;
        }
        Ok(gone > 0)
    }
}
