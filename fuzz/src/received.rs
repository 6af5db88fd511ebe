//! What is sent to a watch: OTLP of agents, answers of Scouter's HTTP API, calls of its `alert.plug`.

use std::time::Duration;

use prost::Message;
use reach::scouter::plug;
use reach_core::{
    Time,
    signal::{Failure, Signal, Word},
};
use reach_report::{Lang, Style, signal as report_signal};
use reach_signal::{
    exception,
    otlp::{
        ExportLogsServiceRequest, ExportMetricsServiceRequest, ExportTraceServiceRequest, Otlp, OtlpRules,
    },
    scouter::{
        api::{self, Offsets, Question},
        collector::Day,
        dictionary::TextKind,
        reading::Reading,
        wire::Pack,
    },
    sql::normal::{Dialect, normalise},
};
use serde::de::DeserializeOwned;

/// What an OpenTelemetry agent sends: a byte for traces, logs or metrics and for the encoding, then the message. It is
/// taken twice, as by an agent that repeats itself.
pub fn otlp(bytes: &[u8]) {
    let Some((&choice, body)) = bytes.split_first() else { return };
    let rules = OtlpRules {
        slow_statement: Duration::from_millis(1),
        understand: exception::short,
        normalise: |text| normalise(text, Dialect::Postgres),
    };
    let mut otlp = Otlp::new("fuzz".to_owned(), rules);
    for now in [1_793_577_600, 1_793_577_660].map(|second| Time::from_micros(second * 1_000_000)) {
        let signals = match choice % 3 {
            0 => message(choice, body).map(|request: ExportTraceServiceRequest| otlp.traces(&request, now)),
            1 => message(choice, body).map(|request: ExportLogsServiceRequest| otlp.logs(&request, now)),
            _ => {
                message(choice, body).map(|request: ExportMetricsServiceRequest| otlp.metrics(&request, now))
            }
        };
        for signal in signals.into_iter().flatten() {
            assert!(signal.at <= now, "a time to come");
            assert_signal(&signal);
        }
    }
}

fn message<M: Message + Default + DeserializeOwned>(choice: u8, body: &[u8]) -> Option<M> {
    if choice & 0x80 == 0 { M::decode(body).ok() } else { serde_json::from_slice(body).ok() }
}

/// An answer of Scouter's HTTP API, a byte for the question first; or the query of a call of `alert.plug`.
pub(super) fn scouter_api(bytes: &[u8], reading: &mut Reading, now: Time) {
    let Some((&choice, body)) = bytes.split_first() else { return };
    let question = match choice % 9 {
        0 => Question::Objects,
        1 => Question::Counters { names: vec!["ErrorRate".to_owned()], obj_type: "tomcat".to_owned() },
        2 => Question::Alerts(Some(Offsets::default())),
        3 => Question::XLogs(Offsets::default(), vec![1]),
        4 => Question::Profile(Day::of(now, 0), 1),
        5 => Question::Texts(Day::of(now, 0), vec![(TextKind::Error, 1)]),
        6 => Question::Disks(1),
        7 => Question::Server,
        _ => {
            let alert = plug::alert(&String::from_utf8_lossy(body));
            alert.into_iter().for_each(|alert| reading.heard(now, &Pack::Alert(alert)));
            return;
        }
    };
    match api::result(body) {
        Ok(result) => {
            api::answered(now, &question, &result, reading);
        }
        Err(trouble) => assert!(!trouble.to_string().chars().any(char::is_control)),
    }
}

/// What holds of every signal, whoever gave it.
fn assert_signal(signal: &Signal) {
    let names = [&signal.origin.service, &signal.origin.instance];
    names.into_iter().flatten().for_each(|name| assert_harmless(name));
    match &signal.word {
        Word::Failure(failure) => {
            assert_harmless(&failure.text);
            assert!(failure.text.chars().count() <= Failure::TEXT);
            [&failure.host, &failure.client, &failure.detail].into_iter().flatten().for_each(|text| {
                assert_harmless(text);
                assert!(text.len() <= 253);
            });
            assert_eq!(failure.host.is_some(), failure.host_from.is_some());
        }
        Word::Attempt(attempt) => attempt.host.iter().for_each(|host| assert_harmless(host)),
        Word::Requests(requests) => assert!(requests.failed + requests.late <= requests.total),
        Word::Level(level) => {
            assert!(level.share.is_finite() && level.share >= 0.0, "{level:?}");
            assert_harmless(&level.of);
        }
        Word::Statement(statement) => {
            [&statement.database, &statement.error]
                .into_iter()
                .flatten()
                .for_each(|text| assert_harmless(text));
            assert_harmless(&statement.text);
        }
        _ => {}
    }
    for lang in [Lang::En, Lang::Ko] {
        if let Some(line) = report_signal::line(signal, &Style::plain(80, lang)) {
            assert_harmless(&line);
        }
    }
}

fn assert_harmless(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
