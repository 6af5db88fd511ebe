use std::sync::{Arc, Mutex};

use clap::Parser;
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};

use super::*;
use crate::{
    cli::{Cli, Command},
    command::memory::tests::Afternoon,
};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn exported(line: &str) -> Result<Vec<u8>, String> {
    let words = format!("reach export {line}");
    let args = match Cli::try_parse_from(words.split_whitespace()).map(|cli| cli.command) {
        Ok(Command::Export(args)) => args,
        other => panic!("{line}: {other:?}"),
    };
    let now = Now { at: "2026-11-22T16:00:00Z".parse().expect("a time"), zone: jiff::tz::TimeZone::UTC };
    let kept = Kept::default();
    export(&args, &Afternoon, Box::new(kept.clone()), &now).map_err(|trouble| match trouble {
        Trouble::Typed(problems) => problems.join("\n"),
        Trouble::Memory(error) => error.to_string(),
    })?;
    let bytes = kept.0.lock().expect("nobody panicked").clone();
    Ok(bytes)
}

fn text(line: &str) -> String {
    String::from_utf8(exported(line).unwrap_or_else(|problem| panic!("{line}: {problem}"))).expect("UTF-8")
}

#[test]
fn samples_are_written_as_csv_and_as_json_lines() {
    let csv = text("--what samples --from 12:00");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 2 * 240);
    assert_eq!(lines[0], "at,target,address,layer,result,reason,rtt_ms");
    assert_eq!(
        lines[1],
        "2026-11-22T12:00:00.000000Z,fcm.googleapis.com:443,203.0.113.11,connect,answered,,8"
    );
    assert!(lines.contains(
        &"2026-11-22T13:00:00.000000Z,fcm.googleapis.com:443,203.0.113.12,connect,failed,timeout,"
    ));
    let json = text("--what samples --from 12:00 --format jsonl");
    let first: serde_json::Value = serde_json::from_str(json.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["rtt_ms"], 8.0);
    assert_eq!(first["reason"], serde_json::Value::Null);
}

#[test]
fn parquet_can_be_read_again_with_the_same_values() {
    let bytes = exported("--what samples --from 12:00 --format parquet").expect("written");
    let reader = SerializedFileReader::new(axum::body::Bytes::from(bytes)).expect("Parquet");
    assert_eq!(reader.metadata().file_metadata().num_rows(), 480);
    let failed = reader
        .get_row_iter(None)
        .expect("rows")
        .flatten()
        .filter(|row| {
            row.get_column_iter()
                .any(|(name, field)| name == "reason" && *field == Field::Str("timeout".to_owned()))
        })
        .count();
    assert_eq!(failed, 60);
    let first = reader.get_row_iter(None).expect("rows").next().expect("a row").expect("read");
    let values: Vec<&Field> = first.get_column_iter().map(|(_, field)| field).collect();
    assert_eq!(*values[0], Field::TimestampMicros(1_795_348_800_000_000));
    assert_eq!(*values[6], Field::Double(8.0));
}

#[test]
fn summaries_transitions_and_incidents_are_written() {
    let rollups = text("--what rollups --from 12:00 --step 1h");
    assert_eq!(rollups.lines().count(), 1 + 2 * 4);
    assert!(rollups.contains(",203.0.113.12,connect,60,60,60,0,"), "{rollups}");
    assert_eq!(text("--what transitions --from 12:00").lines().count(), 5);
    let incidents = text("--what incidents --format jsonl");
    let incident: serde_json::Value = serde_json::from_str(&incidents).expect("one line");
    assert_eq!((&incident["id"], &incident["all_clear"]), (&17.into(), &true.into()));
    assert_eq!(text("--what incidents --target db* --format jsonl"), "");
    let empty = exported("--what samples --from 12:00 --target db* --format parquet").expect("written");
    assert_eq!(&empty[..4], b"PAR1");
}

#[test]
fn what_is_wrong_is_told() {
    assert!(exported("--target other.example").expect_err("unknown").contains("never watched"));
    assert!(exported("--from -1h --to -2h").expect_err("wrong").contains("no later"));
}
