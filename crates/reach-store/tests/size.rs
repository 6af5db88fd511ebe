//! What results take, and that the file stays within its budget.

#![forbid(unsafe_code)]

use std::{iter::Peekable, path::Path, time::Duration};

use reach_core::{
    Time,
    watch::{Sample, TargetId},
};
use reach_store::{Batch, Span, StoreOptions, Writer, open};

mod common;

use common::{START, Site};

const PATIENCE: Duration = Duration::from_secs(60);

/// Hands in what a site gives until then, piece by piece, and has it written as a watch would.
fn watch(writer: &Writer, site: &mut Peekable<Site>, until: Time, every: u64) -> u64 {
    let (mut now, mut count) = (site.peek().expect("it goes on").at, 0);
    while now < until {
        now = now + Duration::from_secs(every);
        let mut samples: Vec<Sample> = Vec::new();
        while let Some(sample) = site.next_if(|sample| sample.at < now) {
            samples.push(sample);
        }
        count += samples.len() as u64;
        writer.submit(Batch { samples, ..Batch::new(now) });
        assert!(writer.flush(PATIENCE), "{:?}", writer.status());
    }
    count
}

fn bytes(path: &Path) -> u64 {
    let size = |suffix: &str| {
        let mut name = path.to_owned().into_os_string();
        name.push(suffix);
        std::fs::metadata(name).map_or(0, |file| file.len())
    };
    size("") + size("-wal")
}

#[test]
fn a_result_takes_at_most_four_bytes_with_everything_that_sqlite_adds() {
    // A few addresses, as many as a usual site has, and much at once. A single address has its roll-ups and
    // half-empty pages to pay for, and needs 100 kB whatever each result takes.
    let empty = empty();
    for (targets, addresses, every, minutes, bound) in
        [(1, 1, 10, 2_880, 8.0), (6, 3, 10, 720, 4.0), (50, 16, 10, 120, 4.0), (64, 32, 1, 3, 4.0)]
    {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("watch.db");
        let (writer, reader, _) = open(&path, StoreOptions::default()).expect("a new store");
        let mut site = Site::new(targets, addresses, Duration::from_secs(every)).peekable();
        let until = START + Duration::from_secs(minutes * 60);
        let count = watch(&writer, &mut site, until, if targets < 10 { 60 } else { 10 });
        wait_until_tidy(&writer);
        assert!(writer.close(PATIENCE));
        let size = reader.size().expect("a size");
        assert_eq!(size.results, count);
        let each = (bytes(&path) - empty) as f64 / count as f64;
        println!("{targets} × {addresses} addresses every {every} s: {count} results, {each:.2} bytes each");
        assert!(each <= bound, "{each:.2} bytes");
        assert_eq!(reader.check().expect("checked"), Vec::<String>::new());
    }
}

#[test]
fn the_file_stays_within_its_budget_and_the_oldest_results_go_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("watch.db");
    let options = StoreOptions { max_bytes: 4 << 20, ..StoreOptions::default() };
    let (writer, reader, _) = open(&path, options).expect("a new store");
    let mut site = Site::new(32, 16, Duration::from_secs(1)).peekable();
    let mut count = 0;
    for minutes in 1..=60 {
        count += watch(&writer, &mut site, START + Duration::from_secs(minutes * 60), 10);
        wait_until_tidy(&writer);
        assert!(bytes(&path) <= 4 << 20, "{} bytes after {minutes} minutes", bytes(&path));
    }
    let size = reader.size().expect("a size");
    assert!(size.results < count * 9 / 10 && size.results > 500_000, "{size:?} of {count}");
    let oldest =
        reader.results(Some(TargetId(3)), Span::ALL).expect("read").next().expect("some").expect("read").at;
    assert!(oldest > START + Duration::from_secs(60), "{oldest}");
    // What went is still there in sums.
    let history = reader.history(TargetId(3), Span::ALL, Duration::from_secs(3_600)).expect("a history");
    let tries: u64 = history.addresses.values().flatten().map(|bucket| bucket.tries()).sum();
    assert!(tries.abs_diff(count / 32) < count / 3_200, "{tries} of {count} / 32");
}

/// What a store takes that has nothing in it.
fn empty() -> u64 {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("watch.db");
    let (writer, ..) = open(&path, StoreOptions::default()).expect("a new store");
    assert!(writer.close(PATIENCE));
    bytes(&path)
}

/// Waits until the size has been the same for a while: bounded.
fn wait_until_tidy(writer: &Writer) {
    let mut before = 0;
    for _ in 0..200 {
        std::thread::sleep(Duration::from_millis(15));
        let now = writer.status().bytes;
        if now == before {
            return;
        }
        before = now;
    }
}
