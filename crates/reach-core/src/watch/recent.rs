//! The last hour of each target, minute by minute: what an overview shows of a thousand targets without asking the store.
//!
//! A minute of a target takes 24 bytes, and a class of latencies 8 more as long as results of it may still come; so an
//! hour of a target takes some two kilobytes, however many addresses it has. What is shown shares it: only what has
//! changed since is copied.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{Event, Layer, Reading, TargetId};
use crate::Time;

/// Minutes that are kept, the present one included.
pub const MINUTES: usize = 60;

/// A result may come so many minutes after its try.
const LATE: u64 = 2;

/// Latencies are counted in classes of a quarter of an octave: the median of a minute is within 9.1 %.
const CLASSES_AN_OCTAVE: f64 = 4.0;

const MINUTE: u64 = 60_000_000;

/// What came of the tries of a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minute {
    /// Tries with a result; repetitions right after a failure do not count.
    pub tries: u32,
    /// Of them failed.
    pub failed: u32,
    /// Tries that this host could not make.
    pub unable: u32,
    /// The median time of connecting, of those that worked; within 9.1 %.
    pub latency: Option<Duration>,
}

/// Since when nothing has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calm {
    /// Since then: at that time something did, or the last incident ended.
    Since(Time),
    /// At least since then: nothing older is known.
    AtLeast(Time),
}

/// The last hour of one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hour {
    /// By their number since the epoch, rising; minutes without tries are not there.
    minutes: VecDeque<(u64, Tally)>,
    /// Since when it is known.
    from: Option<Time>,
    /// When something failed last.
    failed: Option<Time>,
    /// When its last incident ended.
    closed: Option<Time>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Tally {
    minute: Minute,
    /// How many answers took how long, as long as more may come.
    classes: BTreeMap<u16, u32>,
}

/// The last hour of all targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recent {
    hours: BTreeMap<TargetId, Arc<Hour>>,
}

/// What was known at some moment: cheap to copy.
#[derive(Clone, Debug, Default)]
pub struct RecentView {
    hours: Arc<BTreeMap<TargetId, Arc<Hour>>>,
}

impl Recent {
    /// Takes what the patrol learned. Echoes count for nothing: that they go unanswered is no failure.
    pub fn take(&mut self, event: &Event) {
        let Event::Sample(sample) = event else { return };
        if sample.layer == Layer::Echo {
            return;
        }
        let hour = Arc::make_mut(self.hours.entry(sample.series.target).or_default());
        hour.from = Some(hour.from.map_or(sample.at, |from| from.min(sample.at)));
        if matches!(sample.reading, Reading::Failed(_)) {
            hour.failed = hour.failed.max(Some(sample.at));
        }
        if sample.again {
            return;
        }
        let Some(tally) = hour.tally(sample.at.as_micros() / MINUTE) else { return };
        let minute = &mut tally.minute;
        match sample.reading {
            Reading::Answered(took) => {
                minute.tries = minute.tries.saturating_add(1);
                if sample.layer == Layer::Connect {
                    let count = tally.classes.entry(class(took)).or_default();
                    *count = count.saturating_add(1);
                    minute.latency = middle(&tally.classes);
                }
            }
            Reading::Failed(_) => {
                minute.tries = minute.tries.saturating_add(1);
                minute.failed = minute.failed.saturating_add(1);
            }
            Reading::Unable => minute.unable = minute.unable.saturating_add(1),
        }
    }

    /// An incident of a target ended.
    pub fn closed(&mut self, target: TargetId, at: Time) {
        let hour = Arc::make_mut(self.hours.entry(target).or_default());
        hour.closed = hour.closed.max(Some(at));
    }

    /// Fills in what is remembered of the time before this watch began. Minutes of which something is known already stay
    /// as they are.
    pub fn recall(&mut self, target: TargetId, recalled: &Recalled) {
        let hour = Arc::make_mut(self.hours.entry(target).or_default());
        for &(at, minute) in &recalled.minutes {
            let number = at.as_micros() / MINUTE;
            if let Err(place) = hour.minutes.binary_search_by_key(&number, |(number, _)| *number) {
                hour.minutes.insert(place, (number, Tally { minute, classes: BTreeMap::new() }));
            }
        }
        hour.trim();
        hour.from = [hour.from, recalled.from].into_iter().flatten().min();
        hour.failed = hour.failed.max(recalled.failed);
        hour.closed = hour.closed.max(recalled.closed);
    }

    /// Only these are watched still.
    pub fn keep(&mut self, watched: impl Fn(TargetId) -> bool) {
        self.hours.retain(|target, _| watched(*target));
    }

    /// How many targets are known.
    pub fn len(&self) -> usize {
        self.hours.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.hours.is_empty()
    }

    /// What is known now.
    pub fn view(&self) -> RecentView {
        RecentView { hours: Arc::new(self.hours.clone()) }
    }
}

/// What is remembered of a target from before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recalled {
    /// Minutes of the last hour, by when they began.
    pub minutes: Vec<(Time, Minute)>,
    /// Since when the memory would know of failures.
    pub from: Option<Time>,
    /// When something failed last.
    pub failed: Option<Time>,
    /// When the last incident ended.
    pub closed: Option<Time>,
}

impl RecentView {
    /// The last hour of a target.
    pub fn hour(&self, target: TargetId) -> Option<&Hour> {
        self.hours.get(&target).map(Arc::as_ref)
    }
}

impl Hour {
    /// The [`MINUTES`] up to now, oldest first; the last one is not over.
    pub fn minutes(&self, now: Time) -> Vec<Minute> {
        let last = now.as_micros() / MINUTE;
        let first = last.saturating_sub(MINUTES as u64 - 1);
        let mut minutes = vec![Minute::default(); MINUTES];
        for (number, tally) in &self.minutes {
            let place = number.checked_sub(first).and_then(|place| usize::try_from(place).ok());
            if let Some(minute) = place.and_then(|place| minutes.get_mut(place)) {
                *minute = tally.minute;
            }
        }
        minutes
    }

    /// Since when nothing has failed and no incident was open; `None` where nothing is known. Whether something fails at
    /// this moment is for the state of the target to say.
    pub fn calm(&self) -> Option<Calm> {
        match self.failed.max(self.closed) {
            Some(at) => Some(Calm::Since(at)),
            None => self.from.map(Calm::AtLeast),
        }
    }

    /// The minute with this number; `None` where it is too long ago.
    fn tally(&mut self, number: u64) -> Option<&mut Tally> {
        let last = self.minutes.back().map_or(0, |(last, _)| *last);
        if number + MINUTES as u64 <= last {
            return None;
        }
        let place = match self.minutes.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(place) => place,
            Err(place) => {
                self.minutes.insert(place, (number, Tally::default()));
                self.trim();
                self.minutes.binary_search_by_key(&number, |(number, _)| *number).ok()?
            }
        };
        self.minutes.get_mut(place).map(|(_, tally)| tally)
    }

    /// Lets go of what is older than an hour, and of classes that nothing is added to any more.
    fn trim(&mut self) {
        let Some(&(last, _)) = self.minutes.back() else { return };
        while self.minutes.front().is_some_and(|(number, _)| number + MINUTES as u64 <= last) {
            self.minutes.pop_front();
        }
        for (number, tally) in &mut self.minutes {
            if *number + LATE < last {
                tally.classes.clear();
            }
        }
    }
}

fn class(took: Duration) -> u16 {
    let micros = took.as_micros().clamp(1, u128::from(u32::MAX)) as f64;
    (micros.log2() * CLASSES_AN_OCTAVE) as u16
}

/// The middle of a class, by its ratio to its bounds.
fn of_class(class: u16) -> Duration {
    let micros = ((f64::from(class) + 0.5) / CLASSES_AN_OCTAVE).exp2();
    Duration::from_micros(micros.round() as u64)
}

fn middle(classes: &BTreeMap<u16, u32>) -> Option<Duration> {
    let all: u64 = classes.values().map(|count| u64::from(*count)).sum();
    let mut seen = 0;
    classes.iter().find_map(|(class, count)| {
        seen += u64::from(*count);
        (seen * 2 >= all).then(|| of_class(*class))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::watch::{Reason, Sample, Series};

    const TARGET: TargetId = TargetId(7);

    fn at(minute: u64, second: u64) -> Time {
        Time::from_micros((29_900_000 + minute) * MINUTE + second * 1_000_000)
    }

    fn sample(at: Time, layer: Layer, reading: Reading, again: bool) -> Event {
        let series = Series { target: TARGET, address: [192, 0, 2, 1].into() };
        Event::Sample(Sample { series, layer, at, reading, again })
    }

    fn answered(at: Time, micros: u64) -> Event {
        sample(at, Layer::Connect, Reading::Answered(Duration::from_micros(micros)), false)
    }

    fn failed(at: Time) -> Event {
        sample(at, Layer::Connect, Reading::Failed(Reason::Timeout), false)
    }

    fn taken(events: &[Event]) -> Recent {
        let mut recent = Recent::default();
        events.iter().for_each(|event| recent.take(event));
        recent
    }

    fn minutes(recent: &Recent, now: Time) -> Vec<Minute> {
        recent.view().hour(TARGET).expect("known").minutes(now)
    }

    #[test]
    fn a_minute_has_its_tries_and_the_middle_of_its_latencies() {
        let recent = taken(&[
            answered(at(0, 1), 3_000),
            answered(at(0, 2), 3_100),
            answered(at(0, 3), 90_000),
            failed(at(0, 4)),
            sample(at(0, 5), Layer::Connect, Reading::Failed(Reason::Timeout), true),
            sample(at(0, 6), Layer::Echo, Reading::Failed(Reason::Timeout), false),
            sample(at(0, 7), Layer::Connect, Reading::Unable, false),
            sample(at(0, 8), Layer::Exchange, Reading::Answered(Duration::from_secs(9)), false),
            answered(at(2, 0), 4_000),
        ]);
        let shown = minutes(&recent, at(2, 30));
        assert_eq!(shown.len(), MINUTES);
        let [first, hole, last] = shown[MINUTES - 3..] else { panic!("an hour") };
        assert_eq!((first.tries, first.failed, first.unable), (5, 1, 1));
        let latency = first.latency.expect("answers").as_micros() as f64;
        assert!((latency / 3_050.0 - 1.0).abs() < 0.12, "{latency}");
        assert_eq!(hole, Minute::default());
        assert_eq!(last.tries, 1);
    }

    #[test]
    fn what_is_older_than_an_hour_is_gone() {
        let mut recent = taken(&[answered(at(0, 0), 3_000), answered(at(59, 0), 3_000)]);
        assert_eq!(minutes(&recent, at(59, 59)).iter().filter(|minute| minute.tries > 0).count(), 2);
        assert_eq!(minutes(&recent, at(60, 0)).iter().filter(|minute| minute.tries > 0).count(), 1);
        recent.take(&answered(at(60, 0), 3_000));
        recent.take(&answered(at(0, 30), 3_000));
        assert_eq!(recent.hours[&TARGET].minutes.len(), 2);
    }

    #[test]
    fn calm_is_since_the_last_failure_or_the_last_incident() {
        let mut recent = taken(&[answered(at(3, 0), 3_000)]);
        let calm = |recent: &Recent| recent.view().hour(TARGET).and_then(Hour::calm);
        assert_eq!(calm(&recent), Some(Calm::AtLeast(at(3, 0))));
        let recalled = Recalled { from: Some(at(1, 0)), ..Recalled::default() };
        recent.recall(TARGET, &recalled);
        assert_eq!(calm(&recent), Some(Calm::AtLeast(at(1, 0))));
        recent.take(&sample(at(4, 0), Layer::Exchange, Reading::Failed(Reason::Tls), true));
        assert_eq!(calm(&recent), Some(Calm::Since(at(4, 0))), "a repetition that fails is a failure");
        recent.closed(TARGET, at(9, 0));
        assert_eq!(calm(&recent), Some(Calm::Since(at(9, 0))));
        assert_eq!(recent.view().hour(TargetId(8)), None);
    }

    #[test]
    fn what_is_remembered_fills_only_what_is_not_known() {
        let mut recent = taken(&[answered(at(10, 0), 3_000)]);
        let old = Minute { tries: 6, failed: 6, ..Minute::default() };
        let minutes_before = [(at(10, 0), old), (at(9, 0), old), (at(8, 0), old)];
        recent.recall(TARGET, &Recalled { minutes: minutes_before.to_vec(), ..Recalled::default() });
        let shown = minutes(&recent, at(10, 30));
        assert_eq!(shown[MINUTES - 1].failed, 0);
        assert_eq!(shown[MINUTES - 2].failed, 6);
        recent.keep(|_| false);
        assert!(recent.is_empty());
    }

    #[test]
    fn a_view_stays_as_it_was() {
        let mut recent = taken(&[answered(at(0, 0), 3_000)]);
        let view = recent.view();
        recent.take(&answered(at(0, 1), 3_000));
        assert_eq!(view.hour(TARGET).expect("known").minutes(at(0, 2))[MINUTES - 1].tries, 1);
        assert_eq!(minutes(&recent, at(0, 2))[MINUTES - 1].tries, 2);
    }

    proptest! {
        #[test]
        fn it_stays_small_whenever_results_come(
            tries in prop::collection::vec((0_u64..200_000_000_000, any::<u64>(), any::<bool>()), 0..400),
        ) {
            let mut recent = Recent::default();
            for (at, micros, works) in tries {
                let at = Time::from_micros(at);
                recent.take(&if works { answered(at, micros) } else { failed(at) });
                let minutes = &recent.hours[&TARGET].minutes;
                prop_assert!(minutes.len() <= MINUTES);
                prop_assert!(minutes.iter().zip(minutes.iter().skip(1)).all(|(a, b)| a.0 < b.0));
                prop_assert!(minutes.iter().map(|(_, tally)| tally.classes.len()).sum::<usize>() <= 4 * 130);
            }
        }

        #[test]
        fn a_class_is_near_what_it_stands_for(micros in 1_u64..4_000_000_000) {
            let found = of_class(class(Duration::from_micros(micros))).as_micros() as f64;
            prop_assert!((found / micros as f64 - 1.0).abs() < 0.095 || micros < 8, "{micros} {found}");
        }
    }
}
