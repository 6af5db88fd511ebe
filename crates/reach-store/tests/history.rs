//! What is old is told by roll-ups, what is new by results, and every try counts once wherever it is told.

#![forbid(unsafe_code)]

use std::{thread, time::Duration};

use reach_core::{
    Time,
    watch::{Layer, Reading, Reason, Sample, TargetId},
};
use reach_store::{Batch, Reader, Span, StoreOptions, Writer, open};

mod common;

use common::{after, answered, sample, series};

const PATIENCE: Duration = Duration::from_secs(30);
const TARGET: TargetId = TargetId(1);

/// A day and a half of a try a minute, of which results are kept for an hour and ten minutes for six.
fn a_day_and_a_half() -> (tempfile::TempDir, Writer, Reader) {
    let directory = tempfile::tempdir().expect("a directory");
    let options = StoreOptions {
        results_for: Duration::from_secs(3_600),
        ten_minutes_for: Duration::from_secs(6 * 3_600),
        ..StoreOptions::default()
    };
    let (writer, reader, _) = open(&directory.path().join("watch.db"), options).expect("a store");
    for minute in 0..2_160 {
        let at = after(minute * 60);
        let samples = vec![answered(1, 1, at, 20), sample(1, 2, at, Reading::Failed(Reason::Timeout))];
        writer.submit(Batch { samples, ..Batch::new(at) });
        if minute % 30 == 29 {
            assert!(writer.flush(PATIENCE));
            wait_until_tidy(&reader);
        }
    }
    (directory, writer, reader)
}

/// Waits until nothing is deleted any more: bounded.
fn wait_until_tidy(reader: &Reader) {
    let mut before = None;
    for _ in 0..100 {
        let size = reader.size().expect("a size");
        if before.replace(size) == Some(size) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn every_try_counts_once_wherever_it_is_told() {
    let (_directory, _writer, reader) = a_day_and_a_half();
    let size = reader.size().expect("a size");
    assert!(size.results < 2_000 && size.oldest_result > Some(after(24 * 3_600)), "{size:?}");
    for step in [60, 600, 3_600, 4 * 3_600] {
        let history = reader.history(TARGET, Span::ALL, Duration::from_secs(step)).expect("read");
        for last in [1, 2] {
            let buckets = &history.addresses[&(series(1, last).address, Layer::Connect)];
            let tries: u64 = buckets.iter().map(|bucket| bucket.tries()).sum();
            assert_eq!(tries, 2_160, "address {last} in steps of {step} s");
            let ends = |place: usize| buckets[place].at + buckets[place].length;
            assert!(
                (1..buckets.len()).all(|place| ends(place - 1) <= buckets[place].at),
                "steps of {step} s"
            );
            assert!(buckets.iter().all(|bucket| bucket.length >= Duration::from_secs(step)));
        }
        let lengths = history.addresses[&(series(1, 1).address, Layer::Connect)].iter();
        let mut lengths: Vec<u64> = lengths.map(|bucket| bucket.length.as_secs()).collect();
        lengths.dedup();
        // The coarsest is the oldest.
        assert!(lengths.is_sorted_by(|one, other| one >= other), "{lengths:?}");
        assert_eq!(lengths.last(), Some(&step));
    }
}

#[test]
fn a_part_is_told_as_in_the_whole() {
    let (_directory, _writer, reader) = a_day_and_a_half();
    let step = Duration::from_secs(3_600);
    let whole = reader.history(TARGET, Span::ALL, step).expect("read");
    for hour in [0, 7, 20, 31, 35] {
        let span = Span { from: after(hour * 3_600), until: after((hour + 1) * 3_600) };
        let part = reader.history(TARGET, span, step).expect("read");
        for (key, buckets) in &part.addresses {
            let inside = |at: Time| (span.from..span.until).contains(&at);
            let expected: Vec<_> = whole.addresses[key].iter().filter(|bucket| inside(bucket.at)).collect();
            assert_eq!(buckets.iter().collect::<Vec<_>>(), expected, "hour {hour}");
            assert_eq!(buckets.len(), 1);
        }
        assert_eq!(part.addresses.len(), 2);
    }
}

#[test]
fn fast_repetitions_are_tries_of_the_history_but_do_not_count_for_windows() {
    let directory = tempfile::tempdir().expect("a directory");
    let (writer, reader, _) =
        open(&directory.path().join("watch.db"), StoreOptions::default()).expect("a store");
    let failed = Reading::Failed(Reason::Timeout);
    // Each minute one try in turn fails, and of its repetitions one fails as well and one is answered.
    for minute in 0..120 {
        let at = after(minute * 60);
        let again = |seconds: u64, sample: Sample| Sample {
            at: at + Duration::from_secs(seconds),
            again: true,
            ..sample
        };
        let samples = vec![
            sample(1, 1, at, failed),
            again(1, sample(1, 1, at, failed)),
            again(2, answered(1, 1, at, 20)),
            answered(1, 2, at, 20),
        ];
        writer.submit(Batch { samples, ..Batch::new(at + Duration::from_secs(59)) });
    }
    assert!(writer.flush(PATIENCE));
    wait_until_tidy(&reader);
    let kept = reader.results(Some(TARGET), Span::ALL).expect("read");
    assert_eq!(kept.filter(|sample| sample.as_ref().is_ok_and(|sample| sample.again)).count(), 240);
    // By single results, and by roll-ups.
    for step in [60, 600, 3_600] {
        let step = Duration::from_secs(step);
        let history = reader.history(TARGET, Span::ALL, step).expect("read");
        let buckets = &history.addresses[&(series(1, 1).address, Layer::Connect)];
        let tries: u64 = buckets.iter().map(|bucket| bucket.tries()).sum();
        let repetitions = buckets.iter().map(|bucket| bucket.repetitions());
        let repetitions = repetitions.fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
        assert_eq!((tries, repetitions), (360, (120, 120)), "steps of {step:?}");
        let counts = reader.counts(TARGET, Span::ALL, step).expect("read");
        let sums = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.tries, sum.1 + count.failures));
        assert_eq!(sums, (240, 120), "steps of {step:?}");
    }
}
