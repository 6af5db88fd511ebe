use std::collections::{BTreeMap, VecDeque};

use reach_core::{
    Time,
    watch::{Sample, Series, TargetId},
};
use rusqlite::{Connection, params};

use super::{Reader, Span, peers};
use crate::{
    Error,
    codec::page::{self, Entry},
    engine::shard,
    peer::{Peer, layer, millis, reading, signed, unsigned},
};

impl Reader {
    /// Single results of addresses, of a target or of all. Those of a target come in the order of time;
    /// targets whose results share pages (sixteen, by their ids) come together, one such group after the
    /// other.
    pub fn results(&self, target: Option<TargetId>, span: Span) -> Result<Results, Error> {
        let shards = match target {
            Some(target) => VecDeque::from([shard(target.0)]),
            None => self.ask(|connection| {
                let mut rows =
                    connection.prepare_cached("SELECT DISTINCT shard FROM pages ORDER BY shard")?;
                let rows = rows.query_map([], |row| row.get(0))?;
                rows.collect()
            })?,
        };
        let peers = self.ask(|connection| peers(connection, target))?;
        let (from, until) = (millis(span.from), millis(span.until));
        let waiting = VecDeque::new();
        Ok(Results {
            reader: self.clone(),
            target,
            shards,
            peers,
            from,
            at: from,
            until,
            waiting,
            unreadable: 0,
        })
    }
}

/// Single results, read piece by piece.
#[derive(Debug)]
pub struct Results {
    reader: Reader,
    target: Option<TargetId>,
    /// Still to be read; the first is being read.
    shards: VecDeque<u32>,
    peers: BTreeMap<u32, Peer>,
    /// All in milliseconds.
    from: u64,
    at: u64,
    until: u64,
    waiting: VecDeque<Sample>,
    unreadable: u64,
}

/// A piece is as long as the page that ends first, and at least this, in milliseconds.
const LEAST: u64 = 60_000;

impl Results {
    /// Pages so far that could not be read.
    pub fn unreadable_pages(&self) -> u64 {
        self.unreadable
    }

    /// Reads the next piece. Says whether there may be more.
    fn fill(&mut self) -> Result<bool, Error> {
        let Some(&shard) = self.shards.front() else { return Ok(false) };
        let (target, at, until) = (self.target, self.at, self.until);
        let piece = self.reader.ask(|connection| piece(connection, shard, target, at, until))?;
        let Some(piece) = piece else {
            self.shards.pop_front();
            self.at = self.from;
            return Ok(true);
        };
        self.at = piece.until;
        self.unreadable += piece.unreadable;
        let peers = &self.peers;
        let sample = |entry: &Entry| {
            let Some(Peer::Address(address)) = peers.get(&entry.track.series) else { return None };
            let series = Series { target: TargetId(entry.track.target), address: *address };
            let at = Time::from_micros(entry.at.saturating_mul(1_000));
            let (layer, reading) = (layer(entry.track.layer)?, reading(entry.mark)?);
            Some(Sample { series, layer, at, reading, again: entry.again })
        };
        self.waiting.extend(piece.entries.iter().filter_map(sample));
        Ok(true)
    }
}

impl Iterator for Results {
    type Item = Result<Sample, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(sample) = self.waiting.pop_front() {
                return Some(Ok(sample));
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.shards.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

struct Piece {
    entries: Vec<Entry>,
    /// Everything before this time has been read, in milliseconds.
    until: u64,
    unreadable: u64,
}

/// The results of a shard from a time on until one that is suitable, in the order of time.
fn piece(
    connection: &Connection,
    shard: u32,
    target: Option<TargetId>,
    from: u64,
    until: u64,
) -> rusqlite::Result<Option<Piece>> {
    let next = "SELECT min(finish), min(start) FROM pages WHERE shard = ?1 AND finish >= ?2 AND start < ?3
                AND level < 9 AND (?4 IS NULL OR ?4 BETWEEN first_target AND last_target)";
    let number = target.map(|target| target.0);
    let bounds = connection
        .prepare_cached(next)?
        .query_row(params![shard, signed(from), signed(until), number], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let (Some(finish), Some(start)) = bounds else { return Ok(None) };
    let (finish, start): (i64, i64) = (finish, start);
    let least = unsigned(start).max(from).saturating_add(LEAST);
    let end = unsigned(finish).saturating_add(1).max(least).min(until);
    let mut piece = Piece { entries: Vec::new(), until: end, unreadable: 0 };
    entries(connection, shard, target, (from, end), |page| match page {
        Some(entries) => piece.entries.extend(entries),
        None => piece.unreadable += 1,
    })?;
    piece.entries.sort_unstable_by_key(|entry| (entry.at, entry.track));
    Ok((from < until).then_some(piece))
}

/// The results of a shard within bounds, page by page; `None` for a page that cannot be read.
pub(super) fn entries(
    connection: &Connection,
    shard: u32,
    target: Option<TargetId>,
    (from, until): (u64, u64),
    mut take: impl FnMut(Option<Vec<Entry>>),
) -> rusqlite::Result<()> {
    let pages = "SELECT body FROM pages WHERE shard = ?1 AND finish >= ?2 AND start < ?3 AND level < 9
                 AND (?4 IS NULL OR ?4 BETWEEN first_target AND last_target)";
    let number = target.map(|target| target.0);
    let mut pages = connection.prepare_cached(pages)?;
    let mut pages = pages.query(params![shard, signed(from), signed(until), number])?;
    while let Some(row) = pages.next()? {
        let entries = page::decode(row.get_ref(0)?.as_blob()?);
        take(entries.map(|mut entries| {
            entries.retain(|entry| {
                (from..until).contains(&entry.at) && number.is_none_or(|number| entry.track.target == number)
            });
            entries
        }));
    }
    Ok(())
}
