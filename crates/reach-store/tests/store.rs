//! What is handed in is there: read, after a restart, in a copy.

#![forbid(unsafe_code)]

use std::{os::unix::fs::PermissionsExt, path::Path, sync::mpsc, time::Duration};

use reach_core::{
    Time,
    model::{RecordKind, ResolutionError},
    watch::{
        Asked, Delivery, Event, IncidentId, Layer, Reading, Reason, RowId, SilenceId, TargetId, Transition,
        VantageChange, Why,
    },
};
use reach_store::{
    AuditEntry, Batch, Committed, Error, IncidentFilter, NextIds, Note, Reader, Span, StoreOptions, Ticket,
    Writer, open,
};
use rusqlite::Connection;
use tempfile::TempDir;

mod common;

use common::{
    START, after, answered, closed, examination, incident, remembered, row, sample, series, silence,
    transition,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn start(directory: &TempDir) -> (Writer, Reader, reach_store::Recovered) {
    open(&directory.path().join("watch.db"), StoreOptions::default()).expect("a store")
}

fn write(writer: &Writer, batch: Batch) {
    let ticket = writer.submit(Batch { urgent: true, ..batch });
    assert!(writer.wait(ticket, PATIENCE), "{:?}", writer.status());
}

#[test]
fn a_new_store_has_nothing_and_its_ids_begin_at_one() {
    let directory = directory();
    let (_writer, reader, found) = start(&directory);
    assert_eq!(found.next, NextIds::default());
    assert!(found.stopped && found.watched.is_none() && found.targets.is_empty());
    assert_eq!(reader.incidents(&IncidentFilter::default()).expect("read"), []);
    assert_eq!(reader.transitions(None, Span::ALL).count(), 0);
    assert_eq!(reader.results(None, Span::ALL).expect("read").count(), 0);
}

#[test]
fn what_was_handed_in_is_there_after_a_restart() {
    let directory = directory();
    let (writer, _, _) = start(&directory);
    let open_one = incident(3, 1, after(100));
    let closed_one = closed(incident(2, 2, after(10)), after(90));
    let sent = Delivery::Sent { at: after(101), message: Some("4711".to_owned()) };
    let sent = reach_core::watch::OutboxRow { delivery: sent, ..row(8, open_one.clone(), 1, "mail") };
    write(
        &writer,
        Batch {
            targets: vec![
                (TargetId(1), "a.example:443".to_owned()),
                (TargetId(2), "b.example:443".to_owned()),
            ],
            remembered: vec![remembered(1, 1, after(50)), remembered(1, 2, after(60))],
            incidents: vec![open_one.clone(), closed_one],
            outbox: vec![row(7, open_one.clone(), 1, "telegram"), sent],
            silences: vec![silence(1, after(1_000)), silence(2, after(5))],
            ..Batch::new(after(110))
        },
    );
    let forgotten = Transition { why: Why::Forgotten, ..transition(1, 2, after(120)) };
    write(&writer, Batch { transitions: vec![forgotten], ..Batch::new(after(120)) });
    assert!(writer.close(PATIENCE));

    let (_writer, _, found) = start(&directory);
    assert_eq!(
        found.targets,
        [("a.example:443".into(), TargetId(1)), ("b.example:443".into(), TargetId(2))].into()
    );
    assert_eq!(found.remembered, [remembered(1, 1, after(50))]);
    assert_eq!(found.incidents, std::slice::from_ref(&open_one));
    assert_eq!(found.outbox, [row(7, open_one, 1, "telegram")]);
    assert_eq!(found.silences, [silence(1, after(1_000))]);
    assert_eq!((found.watched, found.stopped, found.unreadable), (Some(after(120)), true, 0));
    let next = NextIds { target: TargetId(3), incident: IncidentId(4), row: RowId(9), silence: SilenceId(3) };
    assert_eq!(found.next, next);
}

#[test]
fn the_last_moment_that_was_watched_is_known_even_if_nothing_happened() {
    let directory = directory();
    let (writer, ..) = start(&directory);
    writer.submit(Batch::new(after(77)));
    assert!(writer.flush(PATIENCE));
    assert!(writer.close(PATIENCE));
    let (_writer, _, found) = start(&directory);
    assert_eq!(found.watched, Some(after(77)));
}

#[test]
fn an_incident_is_read_with_all_that_belongs_to_it() {
    let directory = directory();
    let (writer, reader, _) = start(&directory);
    let one = incident(1, 1, after(100));
    let (early, during) = (transition(1, 1, after(50)), transition(1, 1, after(100)));
    let survey = examination(1, after(107));
    write(
        &writer,
        Batch {
            transitions: vec![early.clone(), during.clone(), transition(2, 1, after(101))],
            incidents: vec![one.clone()],
            outbox: vec![row(1, one.clone(), 1, "telegram")],
            ..Batch::new(after(101))
        },
    );
    let mut batch = Batch::new(after(108));
    batch.learn(Event::Examined(Box::new(survey.clone())));
    write(&writer, batch);
    let record = reader.incident(IncidentId(1)).expect("read").expect("an incident");
    assert_eq!((record.incident, record.transitions), (one.clone(), vec![during.clone()]));
    assert_eq!(record.notices, [row(1, one.clone(), 1, "telegram")]);
    // The survey did not say which incident it belongs to.
    assert_eq!(record.evidence.len(), 1);
    assert_eq!(reader.examination(record.evidence[0].number).expect("read"), Some(survey));
    assert_eq!(reader.incident(IncidentId(2)).expect("read"), None);
    let moved: Vec<_> =
        reader.transitions(Some(TargetId(1)), Span::ALL).map(|one| one.expect("read")).collect();
    assert_eq!(moved, [early, during]);
    let not_closed = IncidentFilter { not_closed: true, ..IncidentFilter::default() };
    assert_eq!(reader.incidents(&not_closed).expect("read").len(), 1);
    write(&writer, Batch { incidents: vec![closed(one, after(200))], ..Batch::new(after(200)) });
    assert_eq!(reader.incidents(&not_closed).expect("read").len(), 0);
    let since = IncidentFilter { since: Some(after(300)), ..IncidentFilter::default() };
    assert_eq!(reader.incidents(&since).expect("read").len(), 0);
}

#[test]
fn a_notice_goes_to_a_channel_once_and_the_other_row_is_refused() {
    let directory = directory();
    let (writer, reader, _) = start(&directory);
    let (send, heard) = mpsc::channel();
    writer.on_commit(move |committed| {
        let _ = send.send(committed.clone());
    });
    let one = incident(1, 1, after(1));
    write(&writer, Batch { outbox: vec![row(1, one.clone(), 1, "mail")], ..Batch::new(after(1)) });
    let again = vec![row(2, one.clone(), 1, "mail"), row(3, one.clone(), 2, "mail")];
    write(&writer, Batch { incidents: vec![one], outbox: again, ..Batch::new(after(2)) });
    let next = || heard.recv_timeout(PATIENCE).expect("told");
    assert_eq!(next(), Committed { through: Ticket(1), refused: Vec::new() });
    assert_eq!(next(), Committed { through: Ticket(2), refused: vec![RowId(2)] });
    let rows = reader.incident(IncidentId(1)).expect("read").expect("an incident").notices;
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [RowId(1), RowId(3)]);
}

#[test]
fn results_come_back_in_the_order_of_time_before_and_after_they_are_merged() {
    let directory = directory();
    let (writer, reader, _) = start(&directory);
    let mut expected = Vec::new();
    for minute in 0..200 {
        let mut samples = Vec::new();
        for address in 0..4 {
            let at = after(minute * 60 + u64::from(address));
            samples.push(match (minute + u64::from(address)) % 7 {
                0 => sample(1, address, at, Reading::Failed(Reason::Refused)),
                1 => sample(1, address, at, Reading::Unable),
                _ => answered(1, address, at, 20 + u64::from(address)),
            });
        }
        samples.push(answered(2, 9, after(minute * 60), 50));
        expected.extend(samples.iter().filter(|sample| sample.series.target == TargetId(1)).copied());
        writer.submit(Batch { samples, ..Batch::new(after(minute * 60 + 5)) });
        if minute % 10 == 9 {
            assert!(writer.flush(PATIENCE));
        }
    }
    let near = |one: Reading, other: Reading| match (one, other) {
        (Reading::Answered(one), Reading::Answered(other)) => one.abs_diff(other) <= other / 200,
        (one, other) => one == other,
    };
    for _ in 0..2 {
        let span = Span { from: after(601), until: after(9_000) };
        let found: Vec<_> =
            reader.results(Some(TargetId(1)), span).expect("read").map(|one| one.expect("read")).collect();
        let inside = |sample: &&reach_core::watch::Sample| (span.from..span.until).contains(&sample.at);
        let expected: Vec<_> = expected.iter().filter(inside).collect();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!((found.series, found.layer, found.at), (expected.series, expected.layer, expected.at));
            assert!(near(found.reading, expected.reading), "{found:?} for {expected:?}");
        }
        assert_eq!(reader.results(None, Span::ALL).expect("read").count(), 1_000);
        // Once more behind a merge.
        writer.submit(Batch::new(after(100_000)));
        assert!(writer.flush(PATIENCE));
    }
}

#[test]
fn a_history_counts_every_try_once_whatever_it_is_read_from() {
    let directory = directory();
    let (writer, reader, _) = start(&directory);
    let resolver = "192.0.2.53:53".parse().expect("an address");
    for minute in 0..150 {
        let mut batch = Batch::new(after(minute * 60 + 1));
        for second in 0..6 {
            let at = after(minute * 60 + second * 10);
            batch.samples.push(answered(1, 1, at, 100));
            batch.samples.push(sample(1, 2, at, Reading::Failed(Reason::Timeout)));
        }
        let answer = if minute % 2 == 0 { Ok(Vec::new()) } else { Err(ResolutionError::ServFail) };
        let (target, at, took) = (TargetId(1), after(minute * 60), Duration::from_millis(3));
        batch.asked.push(Asked { target, resolver, kind: RecordKind::Aaaa, at, answer, took });
        writer.submit(batch);
        assert!(writer.flush(PATIENCE));
    }
    for step in [30, 60, 600, 1_800, 3_600, 7_200, 86_400] {
        let history = reader.history(TargetId(1), Span::ALL, Duration::from_secs(step)).expect("read");
        let sum = |address: u8| {
            let buckets = &history.addresses[&(series(1, address).address, Layer::Connect)];
            assert!(buckets.is_sorted_by_key(|bucket| bucket.at));
            assert!(buckets.iter().all(|bucket| bucket.length == Duration::from_secs(step)));
            let failed =
                |bucket: &reach_store::Bucket<Reason>| bucket.failures.get(&Reason::Timeout).copied();
            buckets.iter().fold((0, 0), |(answered, failures), bucket| {
                (answered + bucket.answered, failures + failed(bucket).unwrap_or_default())
            })
        };
        assert_eq!((sum(1), sum(2)), ((900, 0), (0, 900)), "in steps of {step} s");
        let asked = &history.resolvers[&(resolver, RecordKind::Aaaa)];
        let tries: u64 = asked.iter().map(|bucket| bucket.tries()).sum();
        let failed: u64 = asked.iter().map(|bucket| bucket.failed()).sum();
        assert_eq!((tries, failed), (150, 75), "in steps of {step} s");
    }
    let hour = Span { from: after(3_600), until: after(7_200) };
    let buckets = &reader.history(TargetId(1), hour, Duration::from_secs(3_600)).expect("read").addresses
        [&(series(1, 1).address, Layer::Connect)];
    assert_eq!((buckets.len(), buckets[0].at, buckets[0].tries()), (1, after(3_600), 360));
    let median = buckets[0].quantile(0.5).expect("answers");
    assert!(median.abs_diff(Duration::from_millis(100)) < Duration::from_millis(3), "{median:?}");
    let counts = reader.counts(TargetId(1), hour, Duration::from_secs(600)).expect("read");
    assert_eq!(counts.len(), 12);
    assert!(counts.iter().all(|count| count.tries == 60 && [0, 60].contains(&count.failures)), "{counts:?}");
}

#[test]
fn results_that_come_very_late_are_in_the_sums_too() {
    let directory = directory();
    let (writer, reader, _) = start(&directory);
    let hand_in = |seconds: u64, now: u64| {
        writer.submit(Batch { samples: vec![answered(1, 1, after(seconds), 10)], ..Batch::new(after(now)) });
        assert!(writer.flush(PATIENCE));
    };
    for minute in 0..130 {
        hand_in(minute * 60, minute * 60);
    }
    let sum = || {
        let history = reader.history(TargetId(1), Span::ALL, Duration::from_secs(3_600)).expect("read");
        history.addresses.values().flatten().map(|bucket| bucket.answered).sum::<u64>()
    };
    assert_eq!(sum(), 130);
    // The clock was set back.
    hand_in(61, 61);
    hand_in(4_000, 130 * 60);
    assert_eq!(sum(), 132);
}

#[test]
fn notes_and_the_audit_are_kept() {
    let directory = directory();
    let (writer, reader, _) = start(&directory);
    let mut batch = Batch::new(after(20));
    let offline = VantageChange {
        at: after(10),
        online: false,
        silent: vec!["192.0.2.254".to_owned()],
        near: Vec::new(),
    };
    batch.learn(Event::Vantage(offline.clone()));
    batch.learn(Event::Gap { from: START, until: after(5) });
    let entry = AuditEntry { at: after(20), who: "ops".to_owned(), did: "ack #1".to_owned() };
    batch.audit.push(entry.clone());
    write(&writer, batch);
    let gap = Note::Gap { from: START, until: after(5) };
    let pool = |second, last: u8| Note::Pool {
        target: TargetId(1),
        at: after(second),
        resolver: ([192, 0, 2, 53], 53).into(),
        addresses: [[203, 0, 113, last].into()].into(),
    };
    write(&writer, Batch { notes: vec![pool(30, 1), pool(40, 2)], ..Batch::new(after(40)) });
    assert_eq!(reader.pools_before(TargetId(1), after(41)).expect("read"), [pool(40, 2)]);
    assert_eq!(reader.pools_before(TargetId(1), after(40)).expect("read"), [pool(30, 1)]);
    assert_eq!(reader.pools_before(TargetId(2), after(41)).expect("read"), []);
    let until = Span { from: START, until: after(25) };
    assert_eq!(reader.notes(Some(TargetId(1)), until).expect("read"), [gap, Note::Vantage(offline)]);
    assert_eq!(reader.audit(Span::ALL).expect("read"), [entry]);
}

#[test]
fn a_copy_is_whole_and_one_file_and_overwrites_nothing() {
    let directory = directory();
    let (writer, reader, _) = start(&directory);
    write(&writer, Batch { incidents: vec![incident(1, 1, START)], ..Batch::new(START) });
    let copy = directory.path().join("copy.db");
    reader.backup(&copy).expect("copied");
    assert_eq!(mode(&copy), 0o600);
    assert!(matches!(reader.backup(&copy), Err(Error::Exists { .. })));
    let copy = Reader::open(&copy).expect("a store");
    assert_eq!(copy.incidents(&IncidentFilter::default()).expect("read"), [incident(1, 1, START)]);
    assert_eq!(copy.check().expect("checked"), Vec::<String>::new());
}

#[test]
fn the_file_is_its_owners_only_and_has_one_writer() {
    let directory = directory();
    let path = directory.path().join("watch.db");
    let (writer, ..) = start(&directory);
    write(&writer, Batch { incidents: vec![incident(1, 1, START)], ..Batch::new(START) });
    for suffix in ["", "-wal", "-lock"] {
        assert_eq!(mode(&directory.path().join(format!("watch.db{suffix}"))), 0o600, "{suffix}");
    }
    let error = open(&path, StoreOptions::default()).expect_err("somebody has it");
    let said = error.to_string();
    assert!(said.contains("watch.db") && said.contains(&std::process::id().to_string()), "{said}");
    assert!(writer.close(PATIENCE));
    open(&path, StoreOptions::default()).expect("nobody has it any more");
}

#[test]
fn what_is_no_store_is_refused_by_name() {
    let directory = directory();
    let text = directory.path().join("notes.txt");
    std::fs::write(&text, "not a database at all, but long enough to look at it".repeat(20))
        .expect("written");
    let other = directory.path().join("other.db");
    Connection::open(&other).expect("new").execute_batch("CREATE TABLE t (a)").expect("a table");
    for path in [text, other] {
        let before = std::fs::read(&path).expect("a file");
        for error in [open(&path, StoreOptions::default()).map(drop), Reader::open(&path).map(drop)] {
            assert!(matches!(error, Err(Error::Foreign { .. })), "{error:?}");
        }
        assert_eq!(std::fs::read(&path).expect("a file"), before);
    }
    let missing = Reader::open(&directory.path().join("none.db")).map(drop);
    assert!(matches!(missing, Err(Error::Missing { .. })));
    let nowhere = open(&directory.path().join("no/such/watch.db"), StoreOptions::default()).map(drop);
    assert!(matches!(nowhere, Err(Error::Io { .. })), "{nowhere:?}");
}

#[test]
fn a_damaged_page_is_counted_and_the_others_are_read() {
    let directory = directory();
    let (writer, reader, _) = start(&directory);
    for minute in 0..3 {
        let samples = vec![answered(1, 1, after(minute * 60), 10)];
        writer.submit(Batch { samples, ..Batch::new(after(minute * 60)) });
        assert!(writer.flush(PATIENCE));
    }
    assert!(writer.close(PATIENCE));
    let file = Connection::open(directory.path().join("watch.db")).expect("the file");
    let damage = "UPDATE pages SET body = CAST(substr(body, 1, 8) || x'ff00' || substr(body, 11) AS BLOB) WHERE id = 2";
    file.execute_batch(damage).expect("damaged");
    drop(file);
    let mut results = reader.results(None, Span::ALL).expect("read");
    assert_eq!(results.by_ref().filter(Result::is_ok).count(), 2);
    assert!(results.unreadable_pages() > 0);
    let (writer, reader, _) = start(&directory);
    // It is put aside when results are merged.
    writer.submit(Batch { samples: vec![answered(1, 1, after(9_000), 10)], ..Batch::new(after(9_000)) });
    assert!(writer.flush(PATIENCE));
    let tidy = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        reader.size().expect("read").unreadable_pages == 1
    });
    assert!(tidy, "{:?}", reader.size());
    assert_eq!(reader.results(None, Span::ALL).expect("read").count(), 3);
}

#[test]
fn a_damaged_file_is_told_as_such() {
    let directory = directory();
    let (writer, ..) = start(&directory);
    assert!(writer.close(PATIENCE));
    let path = directory.path().join("watch.db");
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("the file");
    file.set_len(3 * 4096).expect("cut");
    let error = open(&path, StoreOptions::default()).map(drop).expect_err("most of it is gone");
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn old_evidence_goes_but_never_that_of_an_open_incident() {
    let directory = directory();
    let path = directory.path().join("watch.db");
    let options = StoreOptions { evidence_bytes: 1, ..StoreOptions::default() };
    let (writer, reader, _) = open(&path, options).expect("a store");
    let batch = Batch {
        incidents: vec![incident(1, 1, START), closed(incident(2, 2, START), after(5))],
        examinations: vec![
            (Some(IncidentId(1)), examination(1, after(1))),
            (Some(IncidentId(2)), examination(2, after(2))),
            (None, examination(3, after(3))),
        ],
        ..Batch::new(after(10))
    };
    write(&writer, batch);
    let kept = || -> Vec<Time> {
        let all = (1..4).flat_map(|target| reader.evidence(TargetId(target), Span::ALL).expect("read"));
        all.map(|evidence| evidence.at).collect()
    };
    let gone = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        kept() == [after(1)]
    });
    assert!(gone, "{:?}", kept());
}
