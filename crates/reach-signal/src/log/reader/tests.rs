use std::sync::Arc;

use proptest::prelude::*;
use reach_core::signal::{Failure, FailureClass, Requests, Word};

use super::*;
use crate::log::{access, understands::Understands};

const NOW: Time = Time::from_micros(1_710_117_000_000_000);

/// Understands one thing: a line that names a time-out ends with the next line.
#[derive(Default)]
struct Simple {
    held: Option<Failure>,
    done: Vec<Failure>,
}

impl Understands for Simple {
    fn line(&mut self, line: &str) {
        self.done.extend(self.held.take());
        if line.contains("connect timed out") {
            self.held = Some(Failure::new(FailureClass::ConnectTimeout, line.to_owned()));
        }
    }

    fn take(&mut self) -> Vec<Failure> {
        mem::take(&mut self.done)
    }

    fn flush(&mut self) {
        self.done.extend(self.held.take());
    }
}

fn plan() -> LogPlan {
    LogPlan::new(Origin { source: "test".to_owned(), ..Origin::default() }, TimeZone::UTC)
}

fn reader(plan: LogPlan) -> LogReader {
    LogReader::new(plan, Arc::new(|| Box::new(Simple::default())))
}

fn read(plan: LogPlan, text: &str) -> (Vec<Signal>, Tally) {
    let mut reader = reader(plan);
    reader.bytes(text.as_bytes(), NOW, NOW);
    reader.finish(NOW);
    (reader.take(), reader.tally())
}

fn failures(signals: &[Signal]) -> Vec<(u64, String)> {
    let failure = |signal: &Signal| match &signal.word {
        Word::Failure(failure) => Some((signal.at.as_secs(), failure.text.clone())),
        _ => None,
    };
    signals.iter().filter_map(failure).collect()
}

fn requests(signals: &[Signal]) -> Vec<Requests> {
    let requests = |signal: &Signal| match &signal.word {
        Word::Requests(requests) => Some(requests.clone()),
        _ => None,
    };
    signals.iter().filter_map(requests).collect()
}

#[test]
fn failures_have_the_time_of_the_record_that_tells_them() {
    let text = "2024-03-11 00:12:33,123 ERROR [a] failed\njava.net.SocketException: connect timed out\n\tat a.b\n\
                2024-03-11 00:12:43,123 INFO [a] fine\n\
                2024-03-11 00:12:53,123 ERROR [a] x: connect timed out\n2024-03-11 00:13:03,123 INFO [b] fine\n";
    let (signals, tally) = read(plan(), text);
    let times: Vec<u64> = failures(&signals).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [1_710_115_953, 1_710_115_973]);
    assert_eq!((tally.records, tally.lines), (4, 6));
}

#[test]
fn an_access_log_gives_counts_by_window_and_nothing_of_users() {
    let line = |second: u32, status: u16| {
        format!(
            "192.0.2.7 - kim [11/Mar/2024:00:{:02}:{:02} +0000] \"GET /?t=secret HTTP/1.1\" {status} 1\n",
            second / 60,
            second % 60
        )
    };
    let text: String =
        (0..180).map(|second| line(second, if second % 10 == 0 { 503 } else { 200 })).collect();
    let (signals, tally) = read(plan(), &text);
    let counted: Vec<(u64, u64)> =
        requests(&signals).iter().map(|requests| (requests.total, requests.failed)).collect();
    assert_eq!(counted, [(60, 6), (60, 6), (60, 6)]);
    assert_eq!(tally.requests, 180);
    let kept = format!("{signals:?}");
    assert!(!kept.contains("192.0.2.7") && !kept.contains("secret") && !kept.contains("kim"));
}

#[test]
fn a_server_that_failed_behind_a_proxy_is_named_and_the_request_was_late() {
    let mut plan = plan();
    plan.form = Form::Pattern(
        access::Pattern::new(
            "[$time_local] $status $upstream_addr $upstream_status $upstream_connect_time $request_time",
        )
        .expect("right"),
    );
    plan.kind = Kind::Access;
    let text = "[11/Mar/2024:00:12:33 +0000] 200 203.0.113.7:443, 203.0.113.8:443 504, 200 -, 0.001 3.1\n\
                [11/Mar/2024:00:12:34 +0000] 502 203.0.113.9:443 502 - 0.1\nnonsense\n";
    let (signals, tally) = read(plan, text);
    let tried: Vec<(String, Option<FailureClass>, Option<bool>)> = signals
        .iter()
        .filter_map(|signal| match &signal.word {
            Word::Attempt(attempt) => Some((attempt.address.to_string(), attempt.failed, attempt.served)),
            _ => None,
        })
        .collect();
    assert_eq!(
        tried,
        [
            ("203.0.113.7".to_owned(), Some(FailureClass::ConnectTimeout), Some(true)),
            ("203.0.113.8".to_owned(), None, Some(true)),
        ]
    );
    assert_eq!(
        requests(&signals)[0],
        Requests { span: requests(&signals)[0].span, total: 2, failed: 1, late: 1, estimated: false }
    );
    assert_eq!(failures(&signals)[0].1, "upstream_addr=203.0.113.9:443 upstream_status=502");
    assert_eq!(tally.unread, 1);
    assert!(signals.iter().any(|signal| signal.word == Word::Lost { what: "lines".to_owned(), count: 1 }));
}

#[test]
fn one_log_may_have_everything_in_it() {
    let text = "192.0.2.7 - - [11/Mar/2024:00:12:33 +0000] \"GET / HTTP/1.1\" 200 1\n\
                2024/03/11 00:12:34 [error] 7#7: *1 upstream timed out (110: Connection timed out) while connecting to upstream, client: 192.0.2.7, server: _, upstream: \"http://203.0.113.7:80/\"\n\
                {\"@timestamp\":\"2024-03-11T00:12:35Z\",\"level\":\"ERROR\",\"message\":\"connect timed out\"}\n\
                {\"@timestamp\":\"2024-03-11T00:12:36Z\",\"status\":500,\"path\":\"/\",\"error\":\"connect timed out\"}\n";
    let (signals, tally) = read(plan(), text);
    assert_eq!((tally.requests, tally.failures), (2, 3));
    let times: Vec<u64> = failures(&signals).into_iter().map(|(at, _)| at % 60).collect();
    assert_eq!(times, [34, 35, 36]);
}

#[test]
fn what_the_plan_leaves_out_is_left_out() {
    let text = "2024-03-11 00:12:33 DEBUG x: connect timed out\n2024-03-11 00:12:34 ERROR retry x: connect timed out\n\
                2024-03-11 00:12:35 ERROR y: connect timed out\n2024-03-10 00:12:35 ERROR z: connect timed out\n";
    let mut plan = plan();
    plan.level = Some(Level::Warn);
    plan.ignore = vec![Regex::new("retry x").expect("a pattern")];
    plan.since = Some(Time::from_micros(1_710_115_000_000_000));
    let (signals, tally) = read(plan, text);
    assert_eq!((failures(&signals).len(), tally.ignored), (1, 3));
}

#[test]
fn a_record_is_given_when_nothing_is_added_to_it() {
    let mut reader = reader(plan());
    reader.bytes(b"2024-03-11 00:12:33 ERROR x\nconnect timed out\n", NOW, NOW);
    reader.quiet(NOW + Duration::from_millis(500));
    assert!(reader.take().is_empty() && reader.is_within_record());
    reader.quiet(NOW + Duration::from_secs(1));
    assert_eq!(failures(&reader.take()).len(), 1);
    assert!(!reader.is_within_record());
}

#[test]
fn who_goes_on_within_a_record_does_not_count_it_again() {
    let mut reader = reader(plan());
    reader.skip_continuation();
    reader.bytes(b"\tat a.b\nCaused by: x: connect timed out\n2024-03-11 00:12:33 INFO x\n", NOW, NOW);
    reader.finish(NOW);
    assert!(reader.take().is_empty());
}

#[test]
fn processes_that_write_in_turns_are_understood_apart() {
    let text = "Mar 11 00:12:33 h app[1]: one: connect timed out\nMar 11 00:12:33 h app[2]: two\n\
                Mar 11 00:12:34 h app[1]: \tat a.b\nMar 11 00:12:34 h app[2]: \tat c.d\n";
    let (signals, tally) = read(plan(), text);
    assert_eq!(failures(&signals).len(), 1);
    assert_eq!(tally.records, 2);
}

#[test]
fn what_may_not_have_been_given_is_read_again_after_a_crash() {
    let mut reader = reader(plan());
    reader.bytes(b"2024-03-11 00:12:33 INFO x\n2024-03-11 00:12:33 ERROR y\n\tat a\n2024-03-", NOW, NOW);
    // The last record, the one before it, which may be held back, and what has no end.
    assert_eq!(reader.ungiven(), 27 + 28 + 6 + 8);
    reader.quiet(NOW + Duration::from_secs(2));
    assert_eq!(reader.ungiven(), 8);
    let mut journal = LogReader::new(plan(), Arc::new(|| Box::new(Simple::default())));
    for number in 0..3 {
        let entry = format!("{{\"MESSAGE\":\"x\",\"__CURSOR\":\"s={number}\"}}\n");
        journal.bytes(entry.as_bytes(), NOW, NOW);
    }
    assert_eq!(journal.cursor(), Some("s=0"));
    journal.quiet(NOW + Duration::from_secs(2));
    assert_eq!(journal.cursor(), Some("s=2"));
}

proptest! {
    #[test]
    fn pieces_do_not_matter_and_nothing_does_harm(
        bytes in proptest::collection::vec(prop_oneof![
            Just(b"2024-03-11 00:12:33 ERROR connect timed out\n".to_vec()),
            Just(b"192.0.2.7 - - [11/Mar/2024:00:12:33 +0000] \"GET / HTTP/1.1\" 500 1\n".to_vec()),
            Just(b"\tat a.b.C\n".to_vec()),
            Just(b"{\"log\":\"connect timed out\\n\",\"stream\":\"stderr\",\"time\":\"2024-03-11T00:12:33Z\"}\n".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..40),
        ], 0..20),
        at in 0usize..400,
    ) {
        let bytes = bytes.concat();
        let at = at.min(bytes.len());
        let run = |pieces: &[&[u8]]| {
            let mut reader = reader(plan());
            for piece in pieces {
                reader.bytes(piece, NOW, NOW);
            }
            reader.finish(NOW);
            (reader.take(), reader.tally())
        };
        prop_assert_eq!(run(&[&bytes]), run(&[&bytes[..at], &bytes[at..]]));
    }
}
