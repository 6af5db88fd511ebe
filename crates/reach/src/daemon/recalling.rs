//! What the memory has of the last hour, read beside a watch that has begun already.

use std::{collections::BTreeMap, time::Duration};

use reach_core::{
    Time,
    watch::{
        Layer, Phase, Subject, TargetId, Why,
        recent::{MINUTES, Minute, Recalled},
    },
};
use reach_store::{Error, IncidentFilter, Reader, Span};
use tokio::{sync::mpsc, task::spawn_blocking};
use tracing::warn;

const MINUTE: Duration = Duration::from_secs(60);
/// Failures are looked for so far back; nothing is said of what was before.
const LOOK_BACK: Duration = Duration::from_secs(30 * 86_400);

/// Reads what is remembered of these targets from before `now`, one after the other.
pub(super) fn begin(
    reader: Reader,
    targets: Vec<TargetId>,
    now: Time,
) -> mpsc::UnboundedReceiver<(TargetId, Recalled)> {
    let (sender, receiver) = mpsc::unbounded_channel();
    drop(spawn_blocking(move || {
        // Nobody takes it any more where the watch has ended.
        let hand_over = |target, recalled| sender.send((target, recalled)).is_ok();
        if let Err(error) = read(&reader, &targets, now, hand_over) {
            warn!("the last hour cannot be read from the memory: {error}");
        }
    }));
    receiver
}

fn read(
    reader: &Reader,
    targets: &[TargetId],
    now: Time,
    hand_over: impl Fn(TargetId, Recalled) -> bool,
) -> Result<(), Error> {
    // What happens in the minute of the start is learned as it happens.
    let minute = MINUTE.as_micros() as u64;
    let until = Time::from_micros(now.as_micros() / minute * minute);
    let hour = Span { from: earlier(until, MINUTE * MINUTES as u32), until };
    for &target in targets {
        if !hand_over(target, Recalled { minutes: minutes(reader, target, hour)?, ..Recalled::default() }) {
            return Ok(());
        }
    }
    for (target, recalled) in troubles(reader, now)? {
        if targets.contains(&target) && !hand_over(target, recalled) {
            return Ok(());
        }
    }
    Ok(())
}

fn minutes(reader: &Reader, target: TargetId, hour: Span) -> Result<Vec<(Time, Minute)>, Error> {
    let mut minutes: BTreeMap<Time, (Minute, Vec<Duration>)> = BTreeMap::new();
    let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    for ((_, layer), buckets) in reader.history(target, hour, MINUTE)?.addresses {
        for bucket in buckets.iter().filter(|bucket| layer != Layer::Echo && bucket.at >= hour.from) {
            // Roll-ups of ten minutes say nothing of a single one.
            if bucket.length > MINUTE || bucket.at >= hour.until {
                continue;
            }
            let (answered, failed) = bucket.repetitions();
            let (minute, medians) = minutes.entry(bucket.at).or_default();
            let tries = bucket.tries().saturating_sub(answered.saturating_add(failed));
            minute.tries = minute.tries.saturating_add(count(tries));
            minute.failed = minute.failed.saturating_add(count(bucket.failed().saturating_sub(failed)));
            minute.unable = minute.unable.saturating_add(count(bucket.unable));
            medians.extend(bucket.quantile(0.5).filter(|_| layer == Layer::Connect));
        }
    }
    let middle = |(at, (minute, medians)): (Time, (Minute, Vec<Duration>))| {
        (at, Minute { latency: reach_core::stats::median(medians), ..minute })
    };
    Ok(minutes.into_iter().map(middle).collect())
}

/// When each target failed last, and when its last incident ended.
fn troubles(reader: &Reader, now: Time) -> Result<BTreeMap<TargetId, Recalled>, Error> {
    let mut troubles: BTreeMap<TargetId, Recalled> = BTreeMap::new();
    let from = earlier(now, LOOK_BACK);
    for target in reader.targets()?.into_keys() {
        troubles.entry(target).or_default().from = None;
    }
    for moved in reader.transitions(None, Span { from, until: now }) {
        let moved = moved?;
        let known = troubles.entry(moved.series.target).or_default();
        known.from = Some(known.from.map_or(moved.at, |first| first.min(moved.at)));
        if matches!(moved.why, Why::Failed(_) | Why::BlockedFromBirth(_)) {
            known.failed = known.failed.max(Some(moved.at));
        }
    }
    for incident in reader.incidents(&IncidentFilter { since: Some(from), ..IncidentFilter::default() })? {
        if let (Subject::Target(target), Phase::Closed { at, .. }) = (incident.subject, incident.phase) {
            let known = troubles.entry(target).or_default();
            known.closed = known.closed.max(Some(at));
        }
    }
    Ok(troubles)
}

fn earlier(time: Time, span: Duration) -> Time {
    Time::from_micros(time.as_micros().saturating_sub(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use reach_core::watch::{AddressState, Reading, Reason, Sample, Series, Transition};
    use reach_store::{Batch, StoreOptions};

    use super::*;

    const TARGET: TargetId = TargetId(1);

    fn at(minute: u64) -> Time {
        Time::from_micros(1_795_442_400_000_000 + minute * 60_000_000)
    }

    #[test]
    fn a_watch_that_begins_again_knows_its_last_hour() {
        let directory = tempfile::tempdir().expect("a directory");
        let options = StoreOptions::default();
        let (writer, reader, _) =
            reach_store::open(&directory.path().join("reach.db"), options).expect("a store");
        let series = Series { target: TARGET, address: [203, 0, 113, 7].into() };
        let sample = |minute: u64, reading| Sample {
            series,
            layer: Layer::Connect,
            at: at(minute) + Duration::from_secs(5),
            reading,
            again: false,
        };
        let answered = Reading::Answered(Duration::from_millis(3));
        let samples = vec![
            sample(0, answered),
            sample(100, answered),
            sample(110, Reading::Failed(Reason::Timeout)),
            sample(119, answered),
            sample(120, answered),
        ];
        let (from, to) = (AddressState::Ok, AddressState::Suspect);
        let moved = Transition { series, at: at(110), from, to, why: Why::Failed(Reason::Timeout) };
        let batch = Batch {
            targets: vec![(TARGET, "example.com".to_owned())],
            samples,
            transitions: vec![moved],
            urgent: true,
            ..Batch::new(at(120))
        };
        writer.submit(batch);
        assert!(writer.flush(Duration::from_secs(60)), "{:?}", writer.status());
        let told = Mutex::new(Vec::new());
        read(&reader, &[TARGET], at(120) + Duration::from_secs(30), |target, recalled| {
            told.lock().expect("nobody panicked").push((target, recalled));
            true
        })
        .expect("read");
        let told = told.into_inner().expect("nobody panicked");
        let minutes: Vec<(Time, u32, u32)> =
            told[0].1.minutes.iter().map(|(at, minute)| (*at, minute.tries, minute.failed)).collect();
        assert_eq!(minutes, [(at(100), 1, 0), (at(110), 1, 1), (at(119), 1, 0)]);
        assert!(told[0].1.minutes[0].1.latency.is_some());
        assert_eq!(
            told[1],
            (TARGET, Recalled { from: Some(at(110)), failed: Some(at(110)), ..Recalled::default() })
        );
    }
}
