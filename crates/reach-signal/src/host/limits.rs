//! Which levels are a concern: thresholds with hysteresis, and forecasts.
//!
//! A concern opens when a level has been over its limit for long enough, grows worse, and closes when the level has been
//! under a lower limit for long enough: what trembles around a limit is told once.

use std::{collections::BTreeMap, time::Duration};

use reach_core::{
    Time,
    signal::{Gauge, Level},
};
use serde::{Deserialize, Serialize};

use super::forecast::{Forecast, History};

/// When a gauge is a concern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// From this share on it is.
    pub warning: f64,
    /// From this share on it is a severe one.
    pub severe: f64,
    /// Below this share it is none any more.
    pub clear: f64,
    /// How long it has to be over before it is said.
    pub hold: Duration,
    /// Where so many units are left, it is none, however small a share that is. Severe at a fifth of it.
    pub spare: Option<u64>,
    /// It is a concern too if it will be full within so long.
    pub ahead: Option<Duration>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gravity {
    /// Somebody should look at it.
    Warning,
    /// Something fails already, or will at once.
    Severe,
}

/// The limits of all gauges.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    of: BTreeMap<Gauge, Limit>,
}

impl Default for Limits {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let limit = |warning: f64, severe: f64, clear: f64, hold: Duration| Limit {
            warning,
            severe,
            clear,
            hold,
            spare: None,
            ahead: None,
        };
        let day = Some(minutes(24 * 60));
        let disk = Limit { spare: Some(100 * GIB), ahead: day, ..limit(0.90, 0.97, 0.87, minutes(1)) };
        let of = BTreeMap::from([
            (Gauge::DiskSpace, disk),
            (Gauge::Inodes, Limit { spare: None, ..disk }),
            (Gauge::Memory, limit(0.92, 0.97, 0.88, minutes(2))),
            (Gauge::Swap, limit(0.80, 0.95, 0.70, minutes(5))),
            (Gauge::Load, limit(2.0, 5.0, 1.5, minutes(5))),
            (Gauge::Processor, limit(0.95, 0.99, 0.85, minutes(10))),
            (Gauge::Pressure, limit(0.40, 0.70, 0.25, minutes(3))),
            (Gauge::FileDescriptors, limit(0.80, 0.95, 0.75, minutes(1))),
            (Gauge::EphemeralPorts, limit(0.80, 0.95, 0.70, minutes(0))),
            (Gauge::Conntrack, limit(0.80, 0.95, 0.70, minutes(0))),
            (Gauge::Sockets, limit(0.80, 0.95, 0.60, minutes(2))),
            (Gauge::Retransmissions, limit(0.05, 0.15, 0.03, minutes(3))),
            (Gauge::AcceptQueue, limit(0.01, 0.10, 0.005, minutes(1))),
            (Gauge::Heap, limit(0.92, 0.98, 0.85, minutes(5))),
            (Gauge::Metaspace, limit(0.90, 0.97, 0.85, minutes(1))),
            (Gauge::Collection, limit(0.20, 0.50, 0.10, minutes(2))),
            (Gauge::DatabaseConnections, limit(0.80, 0.95, 0.70, minutes(1))),
        ]);
        Self { of }
    }
}

impl Limits {
    /// The limit of a gauge; `None`: it is never a concern.
    pub fn of(&self, gauge: Gauge) -> Option<&Limit> {
        self.of.get(&gauge)
    }

    /// Other limits than the usual ones. What it is clear below keeps its proportion to the warning.
    pub fn set(&mut self, gauge: Gauge, warning: f64, severe: f64) {
        if let Some(limit) = self.of.get_mut(&gauge) {
            let clear = limit.clear / limit.warning * warning;
            // Who names a share means that share, whatever room it leaves.
            *limit = Limit { warning, severe, clear, spare: None, ..*limit };
        }
    }

    /// This gauge is no concern.
    pub fn remove(&mut self, gauge: Gauge) {
        self.of.remove(&gauge);
    }
}

/// Something that runs full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concern {
    /// What is measured.
    pub gauge: Gauge,
    /// Of what.
    pub of: String,
    /// How bad it is.
    pub gravity: Gravity,
    /// Since when the level has been too high.
    pub since: Time,
    /// The share now.
    pub share: f64,
    /// The highest since then.
    pub worst: f64,
    /// The share that it went over; `None` where only the forecast says so.
    pub limit: Option<f64>,
    /// In use now, in the gauge's unit.
    pub used: Option<u64>,
    /// How much there is.
    pub total: Option<u64>,
    /// When it will be full, if that can be said.
    pub forecast: Option<Forecast>,
}

/// What became of a concern.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is new.
    Opened(Concern),
    /// It grew worse.
    Worsened(Concern),
    /// It is over.
    Closed {
        /// As it was last.
        concern: Concern,
        /// What was measured is there no more, or tells no more: it was not seen to become better.
        vanished: bool,
    },
}

/// The levels that are followed.
#[derive(Clone, Debug)]
pub struct Concerns {
    limits: Limits,
    followed: BTreeMap<(Gauge, String), Followed>,
}

#[derive(Clone, Debug, Default)]
struct Followed {
    heard: Time,
    /// Over the limit of each gravity since then.
    warning: Option<Time>,
    severe: Option<Time>,
    /// Under all limits since then.
    calm: Option<Time>,
    history: Option<History>,
    open: Option<Concern>,
}

/// The most things that are followed.
const MOST_FOLLOWED: usize = 4_096;
/// How long a level may stay away before what it is of counts as gone. More than a slow reader's round.
const AWAY: Duration = Duration::from_secs(15 * 60);
/// How long a level has to be under its limit.
const EASE: Duration = Duration::from_secs(120);

impl Concerns {
    /// Nothing is known yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, followed: BTreeMap::new() }
    }

    /// Goes on with other limits.
    pub fn reload(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The concerns that are open.
    pub fn open(&self) -> impl Iterator<Item = &Concern> {
        self.followed.values().filter_map(|followed| followed.open.as_ref())
    }

    /// Takes a level that was measured at `now`.
    pub fn take(&mut self, now: Time, level: &Level) -> Option<Change> {
        let limit = *self.limits.of(level.gauge)?;
        let key = (level.gauge, level.of.clone());
        if !level.share.is_finite()
            || self.followed.len() >= MOST_FOLLOWED && !self.followed.contains_key(&key)
        {
            return None;
        }
        let followed = self.followed.entry(key).or_default();
        followed.heard = now;
        let forecast = followed.foresee(now, &limit, level);
        let grave = limit.gravity(level);
        let ahead = limit
            .ahead
            .is_some_and(|ahead| forecast.is_some_and(|it| it.likely <= ahead && it.latest <= 3 * ahead));
        since(&mut followed.severe, now, grave == Some(Gravity::Severe));
        since(&mut followed.warning, now, grave.is_some() || ahead);
        let held = |start: Option<Time>| start.filter(|&start| now.since(start) >= limit.hold);
        let due = held(followed.severe)
            .map(|start| (Gravity::Severe, start))
            .or_else(|| held(followed.warning).map(|start| (Gravity::Warning, start)));
        let calm = !ahead && (level.share < limit.clear || limit.has_spare(level));
        since(&mut followed.calm, now, calm);

        match (&mut followed.open, due) {
            (None, Some((gravity, start))) => {
                let concern = Concern {
                    gauge: level.gauge,
                    of: level.of.clone(),
                    gravity,
                    since: start,
                    share: level.share,
                    worst: level.share,
                    limit: grave
                        .map(|grave| if grave == Gravity::Severe { limit.severe } else { limit.warning }),
                    used: level.used,
                    total: level.total,
                    forecast,
                };
                followed.open = Some(concern.clone());
                Some(Change::Opened(concern))
            }
            (Some(concern), due) => {
                concern.share = level.share;
                concern.worst = concern.worst.max(level.share);
                (concern.used, concern.total, concern.forecast) = (level.used, level.total, forecast);
                if let Some((gravity, _)) = due.filter(|&(gravity, _)| gravity > concern.gravity) {
                    concern.gravity = gravity;
                    concern.limit = Some(limit.severe);
                    return Some(Change::Worsened(concern.clone()));
                }
                let over = followed.calm.is_some_and(|start| now.since(start) >= EASE.max(limit.hold));
                let concern = over.then(|| followed.open.take()).flatten()?;
                Some(Change::Closed { concern, vanished: false })
            }
            (None, None) => None,
        }
    }

    /// What has not been heard of for a quarter of an hour is followed no more. `frozen` says that nothing could be heard:
    /// the reader stood still, and silence means nothing.
    pub fn tick(&mut self, now: Time, frozen: bool) -> Vec<Change> {
        if frozen {
            for followed in self.followed.values_mut() {
                followed.heard = now;
            }
        }
        let (kept, gone) = std::mem::take(&mut self.followed)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, followed)| now.since(followed.heard) <= AWAY);
        self.followed = kept;
        let open = gone.into_values().filter_map(|followed| followed.open);
        open.map(|concern| Change::Closed { concern, vanished: true }).collect()
    }
}

impl Followed {
    fn foresee(&mut self, now: Time, limit: &Limit, level: &Level) -> Option<Forecast> {
        limit.ahead?;
        let (used, total) = (level.used?, level.total?);
        let history = self.history.get_or_insert_default();
        history.push(now, used);
        history.forecast(total)
    }
}

impl Limit {
    fn gravity(&self, level: &Level) -> Option<Gravity> {
        let left = level.total.zip(level.used).map(|(total, used)| total.saturating_sub(used));
        let tight = |spare: Option<u64>| spare.zip(left).is_none_or(|(spare, left)| left < spare);
        if level.share >= self.severe && tight(self.spare.map(|spare| spare / 5)) {
            Some(Gravity::Severe)
        } else if level.share >= self.warning && tight(self.spare) {
            Some(Gravity::Warning)
        } else {
            None
        }
    }

    /// So much is left that the share does not matter; a tenth more than it takes to open, so that it does not tremble.
    fn has_spare(&self, level: &Level) -> bool {
        let left = level.total.zip(level.used).map(|(total, used)| total.saturating_sub(used));
        self.spare.zip(left).is_some_and(|(spare, left)| left > spare.saturating_add(spare / 10))
    }
}

/// Keeps since when something has been so.
fn since(start: &mut Option<Time>, now: Time, so: bool) {
    match (so, *start) {
        (true, None) => *start = Some(now),
        (false, _) => *start = None,
        // A clock that was set back would make it last for ever.
        (true, Some(then)) if then > now => *start = Some(now),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn at(seconds: u64) -> Time {
        Time::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
    }

    fn disk(used: u64, total: u64) -> Level {
        Level {
            gauge: Gauge::DiskSpace,
            of: "/var".to_owned(),
            share: used as f64 / total as f64,
            used: Some(used),
            total: Some(total),
        }
    }

    fn ports(share: f64) -> Level {
        Level {
            gauge: Gauge::EphemeralPorts,
            of: "203.0.113.1:443".to_owned(),
            share,
            used: None,
            total: None,
        }
    }

    #[test]
    fn a_disk_that_stays_over_its_limit_opens_and_closes_once() {
        let mut concerns = Concerns::new(Limits::default());
        let mut changes = Vec::new();
        for minute in 0..40 {
            // It trembles around 90 %, and is cleaned in the end.
            let used = if minute < 20 { 90 + minute % 2 } else { 60 };
            changes.extend(concerns.take(at(minute * 60), &disk(used * GIB, 100 * GIB)));
        }
        let [Change::Opened(opened), Change::Closed { concern, vanished: false }] = &changes[..] else {
            panic!("{changes:?}")
        };
        assert_eq!((opened.gravity, opened.limit, opened.since), (Gravity::Warning, Some(0.9), at(0)));
        assert_eq!((concern.worst, concern.share), (0.91, 0.6));
        assert_eq!(concerns.open().count(), 0);
    }

    #[test]
    fn a_tenth_of_a_very_large_disk_is_room_enough() {
        let mut concerns = Concerns::new(Limits::default());
        for minute in 0..10 {
            assert_eq!(concerns.take(at(minute * 60), &disk(9_200 * GIB, 10_000 * GIB)), None);
        }
        let mut named = Limits::default();
        named.set(Gauge::DiskSpace, 0.9, 0.95);
        let mut concerns = Concerns::new(named);
        concerns.take(at(0), &disk(9_200 * GIB, 10_000 * GIB));
        let change = concerns.take(at(60), &disk(9_200 * GIB, 10_000 * GIB));
        assert!(matches!(change, Some(Change::Opened(_))), "who names a share means it");
    }

    #[test]
    fn what_grows_worse_is_told_again_once() {
        let mut concerns = Concerns::new(Limits::default());
        assert!(matches!(concerns.take(at(0), &ports(0.85)), Some(Change::Opened(_))));
        assert!(matches!(concerns.take(at(1), &ports(0.96)), Some(Change::Worsened(_))));
        assert_eq!(concerns.take(at(2), &ports(0.90)), None);
        assert_eq!(concerns.take(at(3), &ports(0.97)), None);
    }

    #[test]
    fn a_disk_that_will_be_full_within_a_day_is_a_concern_before_it_is_full() {
        let mut concerns = Concerns::new(Limits::default());
        let mut opened = None;
        for i in 0..120 {
            let level = disk(40 * GIB + i * GIB / 10, 100 * GIB);
            opened = opened.or(concerns.take(at(i * 30), &level));
        }
        let Some(Change::Opened(concern)) = opened else { panic!("nothing opened") };
        assert_eq!((concern.gravity, concern.limit), (Gravity::Warning, None));
        assert!(concern.share < 0.6);
        assert!(concern.forecast.is_some_and(|it| it.likely < Duration::from_secs(6 * 3600)), "{concern:?}");
    }

    #[test]
    fn what_is_not_heard_of_is_no_recovery() {
        let mut concerns = Concerns::new(Limits::default());
        concerns.take(at(0), &ports(0.85));
        assert!(concerns.tick(at(600), false).is_empty());
        assert!(concerns.tick(at(2_000), true).is_empty(), "nobody could tell anything");
        let [Change::Closed { vanished: true, .. }] = &concerns.tick(at(3_000), false)[..] else {
            panic!("still followed")
        };
    }

    #[test]
    fn a_gauge_without_a_limit_is_no_concern() {
        let mut limits = Limits::default();
        limits.remove(Gauge::EphemeralPorts);
        assert_eq!(Concerns::new(limits).take(at(0), &ports(1.0)), None);
        let strange = Level { share: f64::NAN, ..ports(1.0) };
        assert_eq!(Concerns::new(Limits::default()).take(at(0), &strange), None);
    }

    proptest! {
        #[test]
        fn openings_and_closings_take_turns(shares in prop::collection::vec((0_u64..400, 0.0_f64..1.2), 0..200)) {
            let mut concerns = Concerns::new(Limits::default());
            let (mut now, mut open) = (0, false);
            for (step, share) in shares {
                now += step;
                match concerns.take(at(now), &ports(share)) {
                    Some(Change::Opened(_)) => { prop_assert!(!open); open = true; }
                    Some(Change::Worsened(_)) => prop_assert!(open),
                    Some(Change::Closed { .. }) => { prop_assert!(open); open = false; }
                    None => {}
                }
                prop_assert_eq!(concerns.open().count(), usize::from(open));
            }
        }
    }
}
