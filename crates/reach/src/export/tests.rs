use std::{fs::File, io::Seek};

use ::parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use reach_core::watch::{AddressState, Layer, Series, Why};
use reach_store::{Batch, StoreOptions, Writer, open};
use serde_json::Value as Json;
use tempfile::TempDir;

use super::*;

/// 2026-11-02 00:00:00 UTC.
const START: Time = Time::from_micros(1_793_577_600_000_000);

/// A store with an hour of one target: an address that answers, and one that does not.
fn store() -> (TempDir, Writer, Reader) {
    let directory = tempfile::tempdir().expect("a directory");
    let (writer, reader, _) =
        open(&directory.path().join("watch.db"), StoreOptions::default()).expect("a store");
    let series = |last| Series { target: TargetId(1), address: [192, 0, 2, last].into() };
    let mut batch = Batch::new(START + Duration::from_secs(3_600));
    batch.targets.push((TargetId(1), "push.example:443".to_owned()));
    for minute in 0..60 {
        let at = START + Duration::from_secs(minute * 60) + Duration::from_millis(250);
        let ok = Reading::Answered(Duration::from_millis(20));
        for (last, reading) in [(1, ok), (2, Reading::Failed(Reason::Timeout))] {
            batch.samples.push(Sample {
                series: series(last),
                layer: Layer::Connect,
                at,
                reading,
                again: false,
            });
        }
    }
    batch.transitions.push(Transition {
        series: series(2),
        at: START,
        from: AddressState::Suspect,
        to: AddressState::Down,
        why: Why::Failed(Reason::Timeout),
    });
    writer.submit(batch);
    assert!(writer.flush(Duration::from_secs(30)));
    (directory, writer, reader)
}

fn exported(reader: &Reader, what: What, format: Format) -> (Vec<u8>, Exported) {
    let mut out = Vec::new();
    let done = export(reader, what, format, None, Span::ALL, &mut out).expect("exported");
    (out, done)
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).and_then(|()| file.rewind()).expect("written");
    file
}

#[test]
fn results_have_the_columns_that_are_promised() {
    let (_directory, _writer, reader) = store();
    let (csv, done) = exported(&reader, What::Results, Format::Csv);
    assert_eq!(done, Exported { rows: 120, unreadable_pages: 0 });
    let csv = String::from_utf8(csv).expect("text");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 121);
    assert_eq!(lines[0], "time,target,address,layer,result,reason,rtt_ms,again");
    let (time, rest) = lines[1].split_once(',').expect("fields");
    assert_eq!(time, "2026-11-02T00:00:00.250Z");
    let took: f64 = rest
        .strip_prefix("push.example:443,192.0.2.1,connect,ok,,")
        .and_then(|rest| rest.strip_suffix(",false"))
        .expect("as promised")
        .parse()
        .expect("a number");
    assert!((took - 20.0).abs() < 0.1, "{took}");
    assert_eq!(lines[2], "2026-11-02T00:00:00.250Z,push.example:443,192.0.2.2,connect,failed,timeout,,false");
}

#[test]
fn a_line_of_json_lines_is_an_object_with_null_for_what_is_not_known() {
    let (_directory, _writer, reader) = store();
    let (lines, _) = exported(&reader, What::Transitions, Format::JsonLines);
    let line: Json = serde_json::from_slice(&lines).expect("one object");
    assert_eq!(line["time"], "2026-11-02T00:00:00.000Z");
    assert_eq!(
        (&line["after"], &line["why"], &line["reason"]),
        (&"down".into(), &"failed".into(), &"timeout".into())
    );
    let (lines, _) = exported(&reader, What::Results, Format::JsonLines);
    let first = lines.split(|byte| *byte == b'\n').next().expect("a line");
    let first: Json = serde_json::from_slice(first).expect("an object");
    assert_eq!((&first["result"], &first["reason"]), (&"ok".into(), &Json::Null));
    assert!(first["rtt_ms"].is_number());
}

#[test]
fn parquet_is_read_back_as_it_was_written() {
    let (_directory, _writer, reader) = store();
    let (bytes, _) = exported(&reader, What::Results, Format::Parquet);
    let found = SerializedFileReader::new(file(&bytes)).expect("a Parquet file");
    let rows: Vec<_> = found.get_row_iter(None).expect("rows").map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 120);
    let fields: BTreeMap<&String, &Field> = rows[1].get_column_iter().collect();
    assert_eq!(fields[&"time".to_owned()], &Field::TimestampMillis(1_793_577_600_250));
    assert_eq!(fields[&"address".to_owned()], &Field::Str("192.0.2.2".to_owned()));
    assert_eq!(fields[&"reason".to_owned()], &Field::Str("timeout".to_owned()));
    assert_eq!(fields[&"rtt_ms".to_owned()], &Field::Null);
    assert_eq!(fields[&"again".to_owned()], &Field::Bool(false));
    let fields: BTreeMap<&String, &Field> = rows[0].get_column_iter().collect();
    assert!(matches!(fields[&"rtt_ms".to_owned()], Field::Double(took) if (took - 20.0).abs() < 0.1));
}

#[test]
fn every_format_has_every_row_of_everything() {
    let (_directory, _writer, reader) = store();
    for (what, rows) in [
        (What::Results, 120),
        (What::History(Duration::from_secs(600)), 12),
        (What::Transitions, 1),
        (What::Incidents, 0),
    ] {
        for format in [Format::Csv, Format::JsonLines, Format::Parquet] {
            let (bytes, done) = exported(&reader, what, format);
            assert_eq!(done.rows, rows, "{what:?} as {format:?}");
            if format == Format::Parquet {
                let found = SerializedFileReader::new(file(&bytes)).expect("a Parquet file");
                assert_eq!(found.metadata().file_metadata().num_rows(), rows as i64);
            }
        }
    }
}

#[test]
fn a_text_that_a_spreadsheet_would_run_is_only_text() {
    let mut out = Vec::new();
    let mut sink = csv::Csv::new(&[("target", Kind::Text)], &mut out).expect("a sink");
    sink.row(vec![Value::Text("=1+1".to_owned())]).expect("written");
    sink.end().expect("written");
    assert_eq!(out, b"target\n'=1+1\n");
}
