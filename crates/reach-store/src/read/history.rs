use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reach_core::{
    Time,
    model::{RecordKind, ResolutionError},
    watch::{Layer, Reason, TargetId},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Reader, Span, peers, results::entries};
use crate::{
    Error,
    codec::{
        Track, micros,
        roll::{self, Stats},
    },
    engine::{HOUR_S, TEN_MINUTES_S, shard},
    peer::{Peer, kind, layer, millis, reason, resolution_error, signed, unsigned},
};

/// What came of trying a target, over time. Times without tries have no bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Of its addresses at each layer.
    pub addresses: BTreeMap<(IpAddr, Layer), Vec<Bucket<Reason>>>,
    /// Of the resolvers asked for it.
    pub resolvers: BTreeMap<(SocketAddr, RecordKind), Vec<Bucket<ResolutionError>>>,
    /// Pages that could not be read, and are missing from it.
    pub unreadable_pages: u64,
}

/// What came of tries in a stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket<R> {
    /// From when…
    pub at: Time,
    /// …and how long. Where only roll-ups are left, as long as their periods, even if less was asked for.
    pub length: Duration,
    /// Tries that worked.
    pub answered: u64,
    /// Tries that failed, by reason.
    pub failures: BTreeMap<R, u64>,
    /// Tries that could not be made.
    pub unable: u64,
    /// The quickest answer and the slowest.
    pub extremes: Option<(Duration, Duration)>,
    /// The mean of all answers.
    pub mean: Option<Duration>,
    stats: Stats,
}

impl<R: Ord> Bucket<R> {
    /// Tries with a result.
    pub fn tries(&self) -> u64 {
        self.answered.saturating_add(self.failed())
    }

    /// Tries that failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Those of the tries that were fast repetitions after a failure: how many were answered, and how many failed.
    pub fn repetitions(&self) -> (u64, u64) {
        self.stats.again
    }

    /// The time that at least this share (0 to 1) of the answers does not exceed; within 2.6 %.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        self.stats.quantile(share).map(Duration::from_micros)
    }

    /// Takes in what came of other tries, of a stretch that follows.
    pub fn absorb(&mut self, other: Bucket<R>) {
        self.length = (other.at + other.length).since(self.at).max(self.length);
        self.answered = self.answered.saturating_add(other.answered);
        self.unable = self.unable.saturating_add(other.unable);
        for (reason, count) in other.failures {
            let sum = self.failures.entry(reason).or_default();
            *sum = sum.saturating_add(count);
        }
        self.extremes = match (self.extremes, other.extremes) {
            (Some(one), Some(more)) => Some((one.0.min(more.0), one.1.max(more.1))),
            (one, more) => one.or(more),
        };
        self.stats.merge(&other.stats);
        self.mean = self.stats.sum.checked_div(self.answered).map(Duration::from_micros);
    }

    fn new(at: Time, length: Duration, stats: Stats, reason: impl Fn(u8) -> Option<R>) -> Self {
        let answered = stats.answered();
        let span = |micros| Duration::from_micros(micros);
        let failures = stats.failures.iter().filter_map(|(&number, &count)| Some((reason(number)?, count)));
        Self {
            at,
            length,
            answered,
            failures: failures.collect(),
            unable: stats.unable,
            extremes: (answered > 0).then(|| {
                let (least, most) = stats.extremes;
                (span(micros(least)), span(micros(most)))
            }),
            mean: stats.sum.checked_div(answered).map(span),
            stats,
        }
    }
}

/// How many tries of a target failed in a stretch of time. Fast repetitions after a failure do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Which address.
    pub address: IpAddr,
    /// From when.
    pub at: Time,
    /// Tries with a result, handshakes and exchanges.
    pub tries: u64,
    /// Of them failed.
    pub failures: u64,
}

impl Reader {
    /// What came of trying a target, in stretches of `step` (aligned to the epoch). Where single results are
    /// gone, or `step` is ten minutes or more, roll-ups are read, and stretches are no shorter than their
    /// periods. The span is widened to whole stretches.
    pub fn history(&self, target: TargetId, span: Span, step: Duration) -> Result<History, Error> {
        self.ask(|connection| {
            let mut sums = Sums::new(target, step);
            sums.fill(connection, span)?;
            let peers = peers(connection, Some(target))?;
            Ok(sums.history(&peers))
        })
    }

    /// How many tries of a target failed, by address and stretch of time: what windows are filled with again
    /// when a watch starts. Handshakes and exchanges count, echoes and fast repetitions after a failure do not.
    pub fn counts(&self, target: TargetId, span: Span, step: Duration) -> Result<Vec<Counts>, Error> {
        let mut counts: BTreeMap<(Time, IpAddr), (u64, u64)> = BTreeMap::new();
        for ((address, layer), buckets) in self.history(target, span, step)?.addresses {
            for bucket in buckets.iter().filter(|_| layer != Layer::Echo) {
                let (tries, failures) = counts.entry((bucket.at, address)).or_default();
                let (answered_again, failed_again) = bucket.repetitions();
                *tries += bucket.tries().saturating_sub(answered_again.saturating_add(failed_again));
                *failures += bucket.failed().saturating_sub(failed_again);
            }
        }
        let count = |((at, address), (tries, failures))| Counts { address, at, tries, failures };
        Ok(counts.into_iter().map(count).collect())
    }
}

/// What is summed up: by track, and by the beginning and the length of the stretch, in milliseconds.
struct Sums {
    target: TargetId,
    step: u64,
    buckets: BTreeMap<(Track, u64, u64), Stats>,
    unreadable: u64,
}

const TEN_MINUTES: u64 = TEN_MINUTES_S as u64 * 1_000;
const HOUR: u64 = HOUR_S as u64 * 1_000;

impl Sums {
    fn new(target: TargetId, step: Duration) -> Self {
        let step = u64::try_from(step.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 40);
        Self { target, step, buckets: BTreeMap::new(), unreadable: 0 }
    }

    /// Reads each stretch of the span from where it is told most suitably: what is too old for results is in
    /// roll-ups, what is too new for roll-ups in results.
    fn fill(&mut self, connection: &Connection, span: Span) -> rusqlite::Result<()> {
        let shard = shard(self.target.0);
        let down = |at: u64, step: u64| at / step * step;
        let up = |at: u64, step: u64| at.div_ceil(step).saturating_mul(step);
        let (from, until) = (millis(span.from), millis(span.until));
        // Up to here hours, from there to there ten minutes, and results from then on.
        let never = u64::MAX >> 8;
        let first_hour = self.first_roll(connection, shard, HOUR_S)?.unwrap_or(never);
        let first_ten = self.first_roll(connection, shard, TEN_MINUTES_S)?.unwrap_or(never);
        let first_result = self.first_result(connection, shard)?.unwrap_or(never);
        // The first period of what is finer may have lost its beginning, unless everything began with it.
        let ten_from = if first_hour >= down(first_ten, HOUR) { first_ten } else { up(first_ten, HOUR) };
        let results_from = if first_ten >= down(first_result, TEN_MINUTES) {
            first_result
        } else {
            up(first_result, TEN_MINUTES)
        };
        let ten_through = through(connection, shard, TEN_MINUTES_S)?;
        let hours_through = through(connection, shard, HOUR_S)?;
        let (hours_until, ten_until) = if self.step >= HOUR {
            (hours_through, ten_through)
        } else if self.step >= TEN_MINUTES {
            (down(ten_from, HOUR).min(hours_through), ten_through)
        } else {
            (down(ten_from, HOUR).min(hours_through), down(results_from, TEN_MINUTES).min(ten_through))
        };
        let ten_until = ten_until.max(hours_until);
        let step = self.step;
        let widened = |period: u64| {
            let step = step.max(period);
            (down(from, step), up(until, step))
        };
        let (start, end) = widened(HOUR);
        self.rolls(connection, shard, HOUR_S, (start, end.min(hours_until)))?;
        let (start, end) = widened(TEN_MINUTES);
        self.rolls(connection, shard, TEN_MINUTES_S, (start.max(hours_until), end.min(ten_until)))?;
        let (start, end) = widened(1);
        self.results(connection, shard, (start.max(ten_until), end))
    }

    fn results(&mut self, connection: &Connection, shard: u32, bounds: (u64, u64)) -> rusqlite::Result<()> {
        let (step, buckets, unreadable) = (self.step, &mut self.buckets, &mut self.unreadable);
        entries(connection, shard, Some(self.target), bounds, |page| match page {
            Some(entries) => {
                for entry in entries {
                    let key = (entry.track, entry.at / step * step, step);
                    buckets.entry(key).or_default().add(entry.mark, entry.again);
                }
            }
            None => *unreadable += 1,
        })
    }

    fn rolls(
        &mut self,
        connection: &Connection,
        shard: u32,
        length_s: u32,
        (from, until): (u64, u64),
    ) -> rusqlite::Result<()> {
        let length = u64::from(length_s) * 1_000;
        let (from, until) = (from.div_ceil(length), until / length);
        if from >= until {
            return Ok(());
        }
        let pages = "SELECT body FROM rolls WHERE length = ?1 AND shard = ?2 AND finish >= ?3 AND start < ?4
                     AND ?5 BETWEEN first_target AND last_target";
        let mut pages = connection.prepare_cached(pages)?;
        let mut pages = pages.query(params![length_s, shard, signed(from), signed(until), self.target.0])?;
        let step = self.step.max(length);
        while let Some(row) = pages.next()? {
            let Some(rolls) = roll::decode(row.get_ref(0)?.as_blob()?) else {
                self.unreadable += 1;
                continue;
            };
            for roll in rolls {
                if roll.track.target == self.target.0 && (from..until).contains(&roll.period) {
                    let key = (roll.track, roll.period * length / step * step, step);
                    self.buckets.entry(key).or_default().merge(&roll.stats);
                }
            }
        }
        Ok(())
    }

    fn first_roll(&self, connection: &Connection, shard: u32, length: u32) -> rusqlite::Result<Option<u64>> {
        let first = "SELECT min(start) FROM rolls WHERE length = ?1 AND shard = ?2
                     AND ?3 BETWEEN first_target AND last_target";
        let first = connection
            .prepare_cached(first)?
            .query_row(params![length, shard, self.target.0], |row| row.get::<_, Option<i64>>(0))?;
        Ok(first.map(|first| unsigned(first).saturating_mul(u64::from(length) * 1_000)))
    }

    fn first_result(&self, connection: &Connection, shard: u32) -> rusqlite::Result<Option<u64>> {
        let first = "SELECT min(start) FROM pages WHERE shard = ?1 AND level < 9
                     AND ?2 BETWEEN first_target AND last_target";
        let first = connection
            .prepare_cached(first)?
            .query_row(params![shard, self.target.0], |row| row.get::<_, Option<i64>>(0))?;
        Ok(first.map(unsigned))
    }

    fn history(self, peers: &BTreeMap<u32, Peer>) -> History {
        let mut history = History { unreadable_pages: self.unreadable, ..History::default() };
        for ((track, at, length), stats) in self.buckets {
            let at = Time::from_micros(at.saturating_mul(1_000));
            let length = Duration::from_millis(length);
            match peers.get(&track.series) {
                Some(&Peer::Address(address)) => {
                    let Some(layer) = layer(track.layer) else { continue };
                    let buckets = history.addresses.entry((address, layer)).or_default();
                    buckets.push(Bucket::new(at, length, stats, reason));
                }
                Some(&Peer::Resolver(resolver)) => {
                    let Some(kind) = kind(track.layer) else { continue };
                    let buckets = history.resolvers.entry((resolver, kind)).or_default();
                    buckets.push(Bucket::new(at, length, stats, resolution_error));
                }
                None => {}
            }
        }
        history
    }
}

/// How far roll-ups have come, in milliseconds.
fn through(connection: &Connection, shard: u32, length: u32) -> rusqlite::Result<u64> {
    let through = "SELECT through FROM rolled WHERE length = ?1 AND shard = ?2";
    let through = connection
        .prepare_cached(through)?
        .query_row(params![length, shard], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(unsigned(through.unwrap_or_default()).saturating_mul(u64::from(length) * 1_000))
}
