//! Counters to request counts and levels.
//!
//! `ErrorRate` and `TPS` (else `ServiceCount`) are requests. `ApiErrorRate` says nothing that they do not: an agent marks
//! the transaction whose call failed, so that the rate of errors counts it, and its profile says which call it was. Rates
//! over five minutes repeat what those over thirty seconds said.

use std::{collections::BTreeMap, time::Duration};

use reach_core::{
    Time,
    signal::{Gauge, Level, Requests},
};

use crate::scouter::wire::{Value, XLog};

/// The stretch over which agents compute the rate of errors and of requests.
const SPAN: Duration = Duration::from_secs(30);

/// How long counts are held back, so that transactions of that stretch are judged before it is told.
const HELD: Duration = Duration::from_secs(10);

/// How often a level is told that does not change.
const LEVELS: Duration = Duration::from_secs(30);

/// How much it has to change to be told earlier.
const CHANGE: f64 = 0.05;

/// How often agents say their time of garbage collection, which is of that stretch.
const COLLECTED: f64 = 2000.0;

/// How many objects are metered.
const MOST: usize = 10_000;

/// What objects count, by their hash.
#[derive(Clone, Debug, Default)]
pub(super) struct Meters {
    of: BTreeMap<i32, Meter>,
}

#[derive(Clone, Debug)]
struct Meter {
    /// When the stretch began that is under way.
    since: Time,
    /// Requests a second and the share of errors, as said last in it.
    rates: Option<(f64, f64)>,
    /// Transactions in it, and those of them with an error.
    seen: (u64, u64),
    /// Milliseconds of garbage collection, and how often they were said.
    collected: (f64, u32),
    held: Vec<(Time, Requests)>,
    levels: BTreeMap<Gauge, (Time, f64)>,
}

impl Meters {
    /// Takes in what an object counts now, and gives the levels that are worth telling.
    pub(super) fn heard(
        &mut self,
        now: Time,
        hash: i32,
        of: &str,
        values: &BTreeMap<&str, &Value>,
    ) -> Vec<Level> {
        let Some(meter) = self.meter(now, hash) else { return Vec::new() };
        let number =
            |name: &str| values.get(name).and_then(|value| value.number()).filter(|number| *number >= 0.0);
        // Requests of the last minute, where nobody says how many there are a second.
        let tps = number("TPS").or_else(|| number("ServiceCount").map(|count| count / 60.0));
        if let (Some(rate), Some(tps)) = (number("ErrorRate"), tps) {
            meter.rates = Some((tps, (rate / 100.0).min(1.0)));
        }
        if let Some(millis) = number("GcTime") {
            meter.collected.0 += millis;
            meter.collected.1 += 1;
        }
        meter.turn(now);
        let mut levels = levels(of, &number, values);
        if meter.collected.1 >= 10 {
            let share = meter.collected.0 / (COLLECTED * f64::from(meter.collected.1));
            meter.collected = (0.0, 0);
            levels.push(level(Gauge::Collection, of, share.min(1.0), None));
        }
        levels.retain(|level| meter.is_news(now, level));
        levels
    }

    /// Takes a transaction in: what counts where no rate is said.
    pub(super) fn transaction(&mut self, now: Time, xlog: &XLog) {
        if !matches!(xlog.x_type(), 0 | 1) {
            return;
        }
        if let Some(meter) = self.meter(now, xlog.head.obj_hash) {
            meter.turn(now);
            meter.seen.0 += 1;
            meter.seen.1 += u64::from(xlog.head.error != 0);
        }
    }

    /// Counts that can be told now. `late` says how many errors of an object were none for whoever asked.
    pub(super) fn due(&mut self, now: Time, mut late: impl FnMut(i32) -> u64) -> Vec<(i32, Time, Requests)> {
        let mut due = Vec::new();
        for (hash, meter) in &mut self.of {
            meter.turn(now);
            let ready = meter.held.iter().take_while(|(at, _)| now.since(*at) >= HELD).count();
            for (at, mut requests) in meter.held.drain(..ready) {
                requests.late = late(*hash).min(requests.failed);
                requests.failed -= requests.late;
                due.push((*hash, at, requests));
            }
        }
        due
    }

    fn meter(&mut self, now: Time, hash: i32) -> Option<&mut Meter> {
        if self.of.len() >= MOST && !self.of.contains_key(&hash) {
            return None;
        }
        Some(self.of.entry(hash).or_insert_with(|| Meter {
            since: now,
            rates: None,
            seen: (0, 0),
            collected: (0.0, 0),
            held: Vec::new(),
            levels: BTreeMap::new(),
        }))
    }
}

impl Meter {
    /// Ends the stretch under way when its time is up.
    fn turn(&mut self, now: Time) {
        if now.since(self.since) < SPAN {
            return;
        }
        let (total, failed) = match self.rates.take() {
            Some((tps, share)) => {
                let total = tps * SPAN.as_secs_f64();
                (rounded(total), rounded(total * share))
            }
            None => self.seen,
        };
        if total > 0 && self.held.len() < 10 {
            let failed = failed.min(total);
            self.held.push((now, Requests { span: SPAN, total, failed, late: 0, estimated: true }));
        }
        self.seen = (0, 0);
        self.since = now;
    }

    fn is_news(&mut self, now: Time, level: &Level) -> bool {
        let news = self
            .levels
            .get(&level.gauge)
            .is_none_or(|(at, share)| now.since(*at) >= LEVELS || (level.share - share).abs() >= CHANGE);
        if news {
            self.levels.insert(level.gauge, (now, level.share));
        }
        news
    }
}

fn levels(of: &str, number: &dyn Fn(&str) -> Option<f64>, values: &BTreeMap<&str, &Value>) -> Vec<Level> {
    let mut levels = Vec::new();
    let percent = |name: &str| number(name).map(|percent| (percent / 100.0).min(1.0));
    let megabytes =
        |used: &str, total: &str| number(used).zip(number(total)).filter(|(_, total)| *total > 0.0);
    if let Some(share) = percent("Cpu") {
        levels.push(level(Gauge::Processor, of, share, None));
    }
    if let Some(share) = percent("Mem") {
        levels.push(level(Gauge::Memory, of, share, megabytes("MemU", "MemT")));
    }
    if let Some(share) = percent("Swap") {
        levels.push(level(Gauge::Swap, of, share, megabytes("SwapU", "SwapT")));
    }
    if let Some((used, total)) = megabytes("HeapUsed", "HeapTotal") {
        levels.push(level(Gauge::Heap, of, used / total, Some((used, total))));
    }
    if let Some([most, open]) = values.get("FdUsage").map(|value| value.items())
        && let (Some(most), Some(open)) = (most.number().filter(|most| *most > 0.0), open.number())
    {
        let mut level = level(Gauge::FileDescriptors, of, open / most, None);
        (level.used, level.total) = (Some(rounded(open)), Some(rounded(most)));
        levels.push(level);
    }
    levels
}

/// A level; used and total are in megabytes.
fn level(gauge: Gauge, of: &str, share: f64, megabytes: Option<(f64, f64)>) -> Level {
    let bytes = |megabytes: f64| rounded(megabytes * 1_048_576.0);
    Level {
        gauge,
        of: of.to_owned(),
        share,
        used: megabytes.map(|(used, _)| bytes(used)),
        total: megabytes.map(|(_, total)| bytes(total)),
    }
}

fn rounded(number: f64) -> u64 {
    number.round() as u64
}
