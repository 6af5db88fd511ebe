//! A writer is killed (SIGKILL) at moments by chance, again and again, on the same file: what it acknowledged
//! is there, nothing is there by half, and no id is given twice.

#![forbid(unsafe_code)]

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use reach_core::watch::{AddressState, Delivery, Incident, IncidentId, OutboxRow, Phase, RowId};
use reach_store::{Batch, IncidentFilter, Reader, Recovered, Span, StoreOptions, open};

mod common;

use common::{Dice, START, after, answered, incident, remembered, row, transition};

/// Tells the test below to be the one that is killed, and where it writes.
const VICTIM: &str = "REACH_STORE_VICTIM";

/// Writes without end, and says what was acknowledged.
#[test]
fn load() {
    let Some(path) = env::var_os(VICTIM) else { return };
    let options = StoreOptions { flush_every: Duration::from_millis(20), ..StoreOptions::default() };
    let (writer, _, found) = open(Path::new(&path), options).expect("a store");
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
    };
    let (incident_id, mut row_id) = (found.next.incident.0, found.next.row.0);
    say(format!("begin {incident_id} {row_id}"));
    writer.on_commit(move |committed| {
        let mut out = std::io::stdout().lock();
        let line = writeln!(out, "ack {}", committed.through.0);
        line.and_then(|()| out.flush()).expect("somebody listens");
    });
    let begun = found.watched.map_or(0, |watched| (watched - START).as_secs());
    for turn in 1.. {
        let now = after(begun + turn);
        let one = incident(incident_id + turn - 1, 1, now);
        let outbox =
            (0..3).map(|n| row(row_id + n, one.clone(), 1, ["mail", "telegram", "hook"][n as usize]));
        let mut outbox: Vec<OutboxRow> = outbox.collect();
        row_id += 3;
        outbox[0].delivery = Delivery::Sending;
        let samples = (0..50).map(|n| answered(n % 20, n as u8, now, u64::from(n) + 5)).collect();
        // The same number in all that is written together.
        let ticket = writer.submit(Batch {
            samples,
            transitions: vec![transition(1, 1, now)],
            remembered: vec![remembered(1, 1, now)],
            incidents: vec![Incident { pool: turn as u32, ..one }],
            outbox,
            urgent: turn % 3 == 0,
            ..Batch::new(now)
        });
        assert_eq!(ticket.0, turn);
        if turn % 4 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn whatever_was_acknowledged_outlives_kill_9_at_any_moment() {
    let kills = env::var("REACH_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(25);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("watch.db");
    let mut dice = Dice::new(4);
    let mut next = (1, 1);
    let mut acknowledged = 0;
    for kill in 0..kills {
        // In the midst of its work as a rule, at times while it opens the file.
        let early = dice.below(5) == 0;
        let (begun, last) = kill_one(&path, early, Duration::from_micros(dice.below(80_000)));
        if let Some(begun) = begun {
            // Whoever only reads can do so at once.
            let reader = Reader::open(&path).expect("a store");
            reader.incidents(&IncidentFilter::default()).expect("read");
            assert!(
                begun.0 >= next.0 && begun.1 >= next.1,
                "kill {kill}: ids {begun:?} were given before {next:?}"
            );
            next = (begun.0 + last, begun.1 + 3 * last);
            acknowledged += last;
        }
        examine(&path, next);
    }
    println!("{kills} kills, {acknowledged} batches acknowledged");
    assert!(acknowledged > 0);
}

/// Starts a writer and kills it after a while: the ids that it began with, and the last batch that it
/// acknowledged.
fn kill_one(path: &Path, early: bool, after: Duration) -> (Option<(u64, u64)>, u64) {
    let mut victim = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "load", "--nocapture", "--quiet"])
        .env(VICTIM, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this program once more");
    let out = victim.stdout.take().expect("a pipe");
    let (at_work, works) = mpsc::channel();
    let hear = thread::spawn(move || {
        let (mut begun, mut last) = (None, 0);
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            // Killed in the middle of a line: what is cut may be read as a smaller number, which is only
            // milder.
            match words.as_slice() {
                ["begin", incident, row] => {
                    begun = Some((number(incident), number(row)));
                    let _ = at_work.send(());
                }
                ["ack", through] => last = last.max(number(through)),
                _ => {}
            }
        }
        (begun, last)
    });
    if !early {
        let _ = works.recv_timeout(Duration::from_secs(10));
    }
    thread::sleep(after);
    victim.kill().expect("it runs");
    victim.wait().expect("it ends");
    hear.join().expect("it reads to the end")
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_default()
}

/// Looks at everything.
fn examine(path: &Path, next: (u64, u64)) {
    if !path.exists() {
        return;
    }
    let opened = open(path, StoreOptions::default());
    let (writer, reader, found) = opened.expect("a store after the kill");
    assert_eq!(reader.check().expect("checked"), Vec::<String>::new());
    assert_eq!(found.unreadable, 0);
    assert!(
        found.next.incident >= IncidentId(next.0) && found.next.row >= RowId(next.1),
        "{:?} {next:?}",
        found.next
    );
    let incidents = reader.incidents(&IncidentFilter::default()).expect("read");
    assert!(incidents.len() as u64 >= next.0 - 1);
    whole(&reader, &incidents, &found);
    let results = reader.results(None, Span::ALL).expect("read");
    let results = results.filter(|result| result.is_ok()).count();
    assert_eq!(results % 50, 0, "a batch of results is written whole");
    assert!(writer.close(Duration::from_secs(30)));
}

/// Every incident has its rows and its transition, every row its incident, and what is remembered is the
/// last.
fn whole(reader: &Reader, incidents: &[Incident], found: &Recovered) {
    let pending = found.outbox.len();
    assert_eq!(pending, incidents.len() * 3, "rows of {} incidents", incidents.len());
    let transitions: Vec<_> = reader.transitions(None, Span::ALL).map(|one| one.expect("read")).collect();
    assert_eq!(transitions.len(), incidents.len());
    for (incident, transition) in incidents.iter().rev().zip(&transitions) {
        assert_eq!((incident.phase, incident.opened), (Phase::Open, transition.at));
    }
    for (place, row) in found.outbox.iter().enumerate() {
        assert_eq!(row.incident(), incidents[incidents.len() - 1 - place / 3].id);
    }
    if let (Some(row), Some(last)) = (found.remembered.first(), transitions.last()) {
        assert_eq!((row.health, row.since), (AddressState::Down, last.at));
    }
}
