use clap::Parser;
use reach_core::{
    Time,
    watch::{Layer, Reading, Reason, Sample, Series},
};
use reach_store::{Batch, StoreOptions, open};
use tempfile::TempDir;

use super::*;
use crate::{
    cli::{Cli, Command},
    command::memory::tests::{NOON, incident, minutes},
};

/// A file that a watch has left: from noon on, one target was tried every minute for an hour, and another once.
fn file() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let (writer, ..) = open(&directory.path().join("watch.db"), StoreOptions::default()).expect("a store");
    let sample = |target: u32, at: Time, reading: Reading| {
        let series = Series { target: TargetId(target), address: [203, 0, 113, 11].into() };
        Sample { series, layer: Layer::Connect, at, reading, again: false }
    };
    let mut batch = Batch::new(NOON + minutes(60));
    batch.targets.push((TargetId(1), "fcm.googleapis.com:443".to_owned()));
    batch.targets.push((TargetId(2), "db.example:5432".to_owned()));
    let answered = Reading::Answered(Duration::from_millis(8));
    batch.samples.extend((0..60).map(|minute| sample(1, NOON + minutes(minute), answered)));
    batch.samples.push(sample(2, NOON + minutes(1), Reading::Failed(Reason::Timeout)));
    batch.incidents.push(incident());
    writer.submit(batch);
    assert!(writer.flush(Duration::from_secs(30)));
    directory
}

fn exported(line: &str) -> Result<Vec<u8>, String> {
    let words = format!("reach export {line}");
    let args = match Cli::try_parse_from(words.split_whitespace()).map(|cli| cli.command) {
        Ok(Command::Export(args)) => args,
        other => panic!("{line}: {other:?}"),
    };
    let now = Now { at: "2026-11-22T16:00:00Z".parse().expect("a time"), zone: jiff::tz::TimeZone::UTC };
    let directory = file();
    let path = directory.path().join("watch.db");
    let reader = memory::reader(&path).expect("a store");
    let wish = Wish::of(&args, &reader, &path, &now).map_err(|trouble| match trouble {
        Trouble::Typed(problems) => problems.join("\n"),
        Trouble::Memory(error) => error.to_string(),
    })?;
    let mut out = Vec::new();
    wish.write(&reader, &mut out).map_err(|error| error.to_string())?;
    Ok(out)
}

fn text(line: &str) -> String {
    String::from_utf8(exported(line).unwrap_or_else(|problem| panic!("{line}: {problem}"))).expect("UTF-8")
}

#[test]
fn what_was_typed_says_what_is_written_and_how() {
    let samples = text("--what samples --from 12:00");
    assert_eq!(samples.lines().count(), 1 + 61);
    assert!(samples.starts_with("time,target,address,layer,result,reason,rtt_ms"), "{samples}");
    assert_eq!(text("--what samples --from 12:00 --to 12:10").lines().count(), 1 + 11);
    assert_eq!(text("--what rollups --from 12:00 --step 30m").lines().count(), 1 + 3);
    assert_eq!(text("--what transitions --from 12:00"), "time,target,address,before,after,why,reason\n");
    let incidents = text("--what incidents --from 12:00 --format jsonl");
    let incident: serde_json::Value = serde_json::from_str(&incidents).expect("one line");
    assert_eq!((&incident["id"], &incident["phase"]), (&17.into(), &"closed".into()));
    let parquet = exported("--what samples --from 12:00 --format parquet").expect("written");
    assert_eq!((&parquet[..4], &parquet[parquet.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
}

#[test]
fn a_pattern_picks_targets_and_their_incidents() {
    let samples = text("--what samples --from 12:00 --target DB*");
    assert!(samples.contains("db.example:5432,203.0.113.11,connect,failed,timeout"), "{samples}");
    assert_eq!(samples.lines().count(), 2);
    assert_eq!(text("--what rollups --from 12:00 --step 1h --target db.example:5432").lines().count(), 2);
    assert_eq!(text("--what incidents --from 12:00 --target fcm* --format jsonl").lines().count(), 1);
    assert_eq!(text("--what incidents --from 12:00 --target db* --format jsonl"), "");
}

#[test]
fn what_is_wrong_is_told() {
    assert!(exported("--target other.example").expect_err("unknown").contains("never watched"));
    assert!(exported("--from -1h --to -2h").expect_err("wrong").contains("no later"));
}
