use std::{path::PathBuf, time::Duration};

use reach_core::watch::TargetId;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::{IncidentFilter, Reader, Span, open, peer::unsigned};

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{Dice, START, after, answered, incident, row, transition};

const PATIENCE: Duration = Duration::from_secs(30);

fn start(most_waiting: usize) -> (TempDir, PathBuf, Writer, Reader) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("watch.db");
    let options = StoreOptions { most_waiting, ..StoreOptions::default() };
    let (writer, reader, _) = open(&path, options).expect("a new store");
    (directory, path, writer, reader)
}

/// Waits until it is so: bounded.
fn until(mut so: impl FnMut() -> bool) -> bool {
    (0..1_000).any(|_| {
        let is = so();
        if !is {
            thread::sleep(Duration::from_millis(10));
        }
        is
    })
}

#[test]
fn a_stuck_disk_keeps_nobody_waiting_and_costs_results_only() {
    let (_directory, path, writer, reader) = start(100);
    let holder = Connection::open(&path).expect("the file");
    holder.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    let mut ticket = Ticket::default();
    let begun = Instant::now();
    for turn in 1..=50 {
        let now = incident(1, 1, after(turn));
        let samples = vec![answered(1, 1, after(turn), 10); 10];
        let (incidents, outbox) = (vec![now.clone()], vec![row(turn, now, turn as u32, "mail")]);
        let transitions = vec![transition(1, 1, after(turn))];
        ticket = writer.submit(Batch {
            samples,
            transitions,
            incidents,
            outbox,
            urgent: true,
            ..Batch::new(after(turn))
        });
    }
    assert!(begun.elapsed() < Duration::from_millis(200), "50 batches took {:?}", begun.elapsed());
    assert!(until(|| writer.status().stuck_since.is_some()));
    let status = writer.status();
    assert_eq!((status.stuck_since, status.lost_samples), (Some(after(1)), 400));
    assert!(status.trouble.is_some_and(|trouble| trouble.contains("locked")));
    assert_eq!(writer.committed(), Ticket(0));
    holder.execute_batch("ROLLBACK").expect("let go");
    assert!(writer.wait(ticket, PATIENCE));
    assert!(writer.flush(PATIENCE));
    let status = writer.status();
    assert_eq!((status.stuck_since, status.trouble, status.lost_samples), (None, None, 400));
    let record = reader.incident(reach_core::watch::IncidentId(1)).expect("read").expect("an incident");
    assert_eq!(record.incident, incident(1, 1, after(50)));
    assert_eq!(record.notices.len(), 50);
    assert_eq!(reader.transitions(None, Span::ALL).count(), 50);
    assert_eq!(reader.results(None, Span::ALL).expect("read").count(), 100);
}

#[test]
fn a_full_disk_is_survived_and_what_matters_is_written_first() {
    let (_directory, path, writer, reader) = start(100_000);
    // Some hours of results that have been summed up: they may go.
    let mut dice = Dice::new(1);
    for minute in 0..400 {
        let samples = (0..200).map(|n| {
            let at = after(minute * 60) + Duration::from_millis(dice.below(59_000));
            answered(n % 8 + 1, n as u8, at, 10 + dice.below(1_000))
        });
        writer.submit(Batch { samples: samples.collect(), ..Batch::new(after(minute * 60 + 59)) });
        if minute % 10 == 9 {
            assert!(writer.flush(PATIENCE));
        }
    }
    let file = Connection::open(&path).expect("the file");
    let rolled = || {
        let through = "SELECT through FROM rolled WHERE length = 600";
        file.query_row(through, [], |row| row.get::<_, i64>(0)).map_or(0, unsigned)
    };
    assert!(until(|| rolled() == after(390 * 60).as_secs() / 600));
    let pages = file.pragma_query_value(None, "page_count", |row| row.get(0)).expect("a number");
    writer.limit_pages(Some(pages));
    // New results take the place of old ones.
    for minute in 400..405 {
        let samples = (0..5_000).map(|n| {
            let at = after(minute * 60) + Duration::from_millis(dice.below(59_000));
            answered(n % 8 + 1, n as u8, at, 10 + dice.below(1_000))
        });
        writer.submit(Batch { samples: samples.collect(), ..Batch::new(after(minute * 60 + 59)) });
        assert!(writer.flush(PATIENCE), "{:?}", writer.status());
    }
    // More than the pages have room for.
    let mut ticket = Ticket::default();
    for id in 1..=100 {
        let title = (0..200).map(|n| char::from(b'a' + (n * id * 7 + id) as u8 % 26)).collect();
        let incident = reach_core::watch::Incident { title, ..incident(id, 1, after(id)) };
        ticket =
            writer.submit(Batch { incidents: vec![incident], urgent: true, ..Batch::new(after(30_000)) });
    }
    assert!(writer.wait(ticket, PATIENCE), "{:?}", writer.status());
    assert_eq!(reader.incidents(&IncidentFilter::default()).expect("read").len(), 100);
    writer.limit_pages(None);
    writer.submit(Batch { samples: vec![answered(1, 1, after(30_001), 10)], ..Batch::new(after(30_001)) });
    assert!(writer.flush(PATIENCE), "{:?}", writer.status());
    let status = writer.status();
    assert_eq!(status.stuck_since, None);
    // What was rolled up is kept in the sums; what was not had to go for the incidents, and is counted.
    let kept = reader.results(None, Span::ALL).expect("read").count() as u64;
    assert_eq!(status.samples, kept);
    assert!(status.lost_samples < 25_000, "{status:?}");
    assert_eq!(reader.check().expect("checked"), Vec::<String>::new());
}

#[test]
fn a_panic_in_the_thread_is_told_and_survived() {
    let (_directory, _path, writer, reader) = start(100);
    writer.panic_once();
    let ticket =
        writer.submit(Batch { incidents: vec![incident(1, 1, START)], urgent: true, ..Batch::new(START) });
    assert!(writer.wait(ticket, PATIENCE), "{:?}", writer.status());
    assert_eq!(reader.incidents(&IncidentFilter::default()).expect("read").len(), 1);
}

#[test]
fn who_listens_may_hand_something_in() {
    let (_directory, _path, writer, reader) = start(100);
    let writer = Arc::new(writer);
    let again = Arc::downgrade(&writer);
    writer.on_commit(move |committed| {
        if let Some(writer) = again.upgrade().filter(|_| committed.through == Ticket(1)) {
            writer.submit(Batch { transitions: vec![transition(1, 1, after(1))], ..Batch::new(after(1)) });
        }
    });
    writer.submit(Batch { targets: vec![(TargetId(1), "a.example".to_owned())], ..Batch::new(START) });
    assert!(writer.wait(Ticket(2), PATIENCE));
    assert_eq!(reader.transitions(None, Span::ALL).count(), 1);
}

#[test]
fn results_alone_are_acknowledged_and_written_a_little_later() {
    let (_directory, _path, writer, reader) = start(100);
    let ticket = writer.submit(Batch { samples: vec![answered(1, 1, START, 10)], ..Batch::new(START) });
    assert!(writer.wait(ticket, PATIENCE));
    drop(writer);
    assert_eq!(reader.results(None, Span::ALL).expect("read").count(), 1);
}
