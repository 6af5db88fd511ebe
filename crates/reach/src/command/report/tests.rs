//! What is typed for a report, understood or refused.

use super::*;
use crate::cli::{self, Command};

fn args(line: &[&str]) -> ReportArgs {
    let words = ["reach", "report"].iter().chain(line).map(Into::into).collect();
    match cli::parse(words).map(|cli| cli.command) {
        Ok(Command::Report(args)) => args,
        other => panic!("{line:?}: {other:?}"),
    }
}

fn wrong(line: &[&str]) -> String {
    // The configuration of whoever runs the tests is not read.
    let line: Vec<&str> = line.iter().copied().chain(["--config", "/dev/null"]).collect();
    match Order::understand(&args(&line), &Surroundings::default()) {
        Ok(_) => panic!("{line:?} is right"),
        Err(problems) => problems.join("\n"),
    }
}

#[test]
fn a_number_is_an_incident_and_everything_else_a_file() {
    assert!(matches!(Source::understand("17"), Ok(Source::Incident(id)) if id.0 == 17));
    assert!(matches!(Source::understand("#17"), Ok(Source::Incident(id)) if id.0 == 17));
    assert_eq!(Source::understand("-"), Ok(Source::Standard));
    assert_eq!(Source::understand("./17"), Ok(Source::Recording("./17".into())));
    assert!(Source::understand("").is_err());
}

#[test]
fn what_cannot_be_written_is_told_before_anything_is_read() {
    for (line, part) in [
        (&["a.jsonl", "--format", "html,md"][..], "--output"),
        (&["a.jsonl", "b.jsonl"], "--output"),
        (&["a.jsonl", "--format", "xlsx"], "xlsx is no text"),
        (&["a.jsonl", "-o", "/dev/null"], "no regular file"),
        (&["a.jsonl", "-o", "report.doc"], "`.doc`"),
        (&["a.jsonl", "-o", "/nonexistent/x.html"], "no directory"),
        (&["a.jsonl", "--format", "all", "-o", "/etc/hostname"], "no directory"),
        (&["a.jsonl", "--period", "tomorrow"], "--period"),
        (&["a.jsonl", "--period", "2026-12-01..2026-11-01"], "ends before"),
        (&["a.jsonl", "--zone", "Mars/Olympus"], "--zone"),
        (&["a.jsonl", "--pcap", "/nonexistent.pcapng"], "--pcap"),
        (&["a.jsonl", "--template", "/nonexistent.toml"], "--template"),
        (&["a.jsonl", "--verify", "--twice-after", "5"], "`5s`"),
        (&["a.jsonl", "--verify", "--format", "xlsx", "-o", "x.xlsx"], "no request form"),
        (&["-", "-", "-o", "x/"], "standard input"),
    ] {
        let said = wrong(line);
        assert!(said.contains(part), "{line:?}: {said}");
    }
}

#[test]
fn who_asks_is_taken_from_the_configuration_and_from_the_line_above_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("reach.toml");
    std::fs::write(&config, "[request]\nrequester = \"Kim\"\ndepartment = \"Platform\"\n").expect("written");
    let config = config.to_string_lossy().into_owned();
    let args = args(&["a.jsonl", "--config", &config, "--requester", "Lee", "--period", "2026-11-24.."]);
    let order =
        Order::understand(&args, &Surroundings::default()).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(order.asker.requester.as_deref(), Some("Lee"));
    assert_eq!(order.asker.department.as_deref(), Some("Platform"));
    assert_eq!(
        (order.asker.from.map(|day| day.to_string()), order.asker.until),
        (Some("2026-11-24".to_owned()), None)
    );
}
