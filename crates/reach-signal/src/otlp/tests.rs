use std::{net::IpAddr, time::Duration};

use reach_core::signal::{FailureClass, Gauge, Requests, Word};
use serde_json::{Value, json};

use super::*;

/// As the classifier would, for the few texts that these tests use.
fn understand(text: &str) -> Option<Failure> {
    let class = if text.to_lowercase().contains("connect timed out") {
        FailureClass::ConnectTimeout
    } else if text.contains("Connection refused") {
        FailureClass::Refused
    } else {
        return None;
    };
    Some(Failure::new(class, text.chars().take(Failure::TEXT).collect::<String>()))
}

fn otlp() -> Otlp {
    let normalise = |text: &str| text.replace("'kim'", "?");
    Otlp::new("otlp".to_owned(), OtlpRules { slow_statement: Duration::from_secs(1), understand, normalise })
}

const NOW: Time = Time::from_micros(1_000_000_000);

fn attributes(pairs: &Value) -> Value {
    let pair = |(key, value): (&String, &Value)| match value {
        Value::Number(number) => json!({ "key": key, "value": { "intValue": number.to_string() } }),
        other => json!({ "key": key, "value": { "stringValue": other } }),
    };
    pairs.as_object().expect("an object").iter().map(pair).collect()
}

fn span(id: u8, kind: u8, from: u64, until: u64, error: &str, pairs: &Value) -> Value {
    let mut span = json!({
        "traceId": "0102030405060708090a0b0c0d0e0f10",
        "spanId": format!("{id:016x}"), "parentSpanId": "00000000000000aa",
        "name": "POST", "kind": kind,
        "startTimeUnixNano": (from * 1_000_000).to_string(), "endTimeUnixNano": (until * 1_000_000).to_string(),
        "attributes": attributes(pairs),
    });
    if !error.is_empty() {
        span["status"] = json!({ "code": 2, "message": error });
    }
    span
}

fn traces(spans: &[Value]) -> ExportTraceServiceRequest {
    let resource = attributes(&json!({ "service.name": "push", "service.instance.id": "was01" }));
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": resource }, "scopeSpans": [{ "spans": spans }],
    }] });
    serde_json::from_value(body).expect("OTLP's own JSON")
}

fn words(signals: Vec<reach_core::signal::Signal>) -> Vec<Word> {
    for signal in &signals {
        assert_eq!(signal.origin.service.as_deref(), Some("push"));
        assert_eq!(signal.origin.instance.as_deref(), Some("was01"));
        assert!(signal.at <= NOW);
    }
    signals.into_iter().map(|signal| signal.word).collect()
}

#[test]
fn server_spans_are_requests_and_failed_client_spans_name_their_destination_and_address() {
    let peer = json!({
        "server.address": "FCM.googleapis.com", "server.port": 443, "network.peer.address": "203.0.113.12",
        "error.type": "java.net.SocketTimeoutException", "url.full": "https://fcm.googleapis.com/send?token=secret",
        "enduser.id": "kim",
    });
    let spans = [
        span(1, 2, 100, 900, "", &json!({ "http.response.status_code": 200 })),
        span(2, 2, 100, 950, "", &json!({ "http.response.status_code": 503 })),
        span(3, 3, 100, 800, "Connect timed out", &peer),
    ];
    let said = words(otlp().traces(&traces(&spans), NOW));
    let [Word::Requests(requests), Word::Attempt(attempt), Word::Failure(failure)] = &said[..] else {
        panic!("{said:?}");
    };
    let expected =
        Requests { span: Duration::from_millis(50), total: 2, failed: 1, late: 0, estimated: true };
    assert_eq!(*requests, expected);
    assert_eq!((attempt.address, attempt.port), (IpAddr::from([203, 0, 113, 12]), 443));
    assert_eq!((attempt.failed, attempt.served), (Some(FailureClass::ConnectTimeout), Some(false)));
    assert_eq!(attempt.elapsed, Some(Duration::from_millis(700)));
    assert_eq!(failure.class, FailureClass::ConnectTimeout);
    assert_eq!((failure.host.as_deref(), failure.port), (Some("fcm.googleapis.com"), Some(443)));
    let shown = format!("{said:?}");
    assert!(!shown.contains("secret") && !shown.contains("kim"), "{shown}");
}

#[test]
fn one_failure_of_a_trace_counts_once_however_many_tell_of_it() {
    let peer = json!({ "server.address": "fcm.googleapis.com", "server.port": 443 });
    let spans = [
        span(1, 3, 100, 800, "Connect timed out", &peer),
        span(2, 3, 100, 800, "java.net.SocketTimeoutException: Connect timed out", &peer),
    ];
    let mut otlp = otlp();
    assert_eq!(otlp.traces(&traces(&spans), NOW).len(), 1);
    let record = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{
        "traceId": "0102030405060708090a0b0c0d0e0f10", "severityNumber": 17,
        "attributes": attributes(&json!({
            "exception.type": "java.net.SocketTimeoutException", "exception.message": "Connect timed out",
            "server.address": "fcm.googleapis.com",
        })),
    }] }] }] });
    let logs: ExportLogsServiceRequest = serde_json::from_value(record).expect("OTLP's own JSON");
    assert_eq!(otlp.logs(&logs, NOW), []);
}

#[test]
fn a_failure_made_good_by_a_second_attempt_is_late_and_no_failure() {
    let to = |last: u8| {
        json!({
            "server.address": "push.example", "server.port": 443, "network.peer.address": format!("203.0.113.{last}"),
        })
    };
    let spans = [span(1, 3, 100, 400, "Connect timed out", &to(12)), span(2, 3, 410, 500, "", &to(13))];
    let said = words(otlp().traces(&traces(&spans), NOW));
    let [Word::Attempt(failed), Word::Attempt(answered)] = &said[..] else { panic!("{said:?}") };
    assert_eq!((failed.served, answered.failed), (Some(true), None));
}

#[test]
fn what_is_no_network_failure_is_left_alone() {
    let spans = [
        span(
            1,
            3,
            100,
            400,
            "",
            &json!({ "server.address": "a.example", "http.response.status_code": 404,
            "error.type": "404" }),
        ),
        span(2, 1, 100, 400, "NullPointerException", &json!({})),
        span(3, 1, 100, 400, "Connect timed out", &json!({})),
    ];
    assert_eq!(otlp().traces(&traces(&spans), NOW), []);
}

#[test]
fn slow_statements_come_without_their_literals() {
    let query = json!({ "db.query.text": "SELECT 1 FROM t WHERE name = 'kim'", "db.namespace": "shop" });
    let said = words(otlp().traces(&traces(&[span(1, 3, 100, 2_000, "", &query)]), NOW));
    let [Word::Statement(statement)] = &said[..] else { panic!("{said:?}") };
    assert_eq!(statement.text, "SELECT 1 FROM t WHERE name = ?");
    assert_eq!(statement.elapsed, Some(Duration::from_millis(1_900)));
}

fn metrics(seconds: u64, list: &Value) -> ExportMetricsServiceRequest {
    let resource = attributes(&json!({ "service.name": "push", "service.instance.id": "was01" }));
    let mut list = list.clone();
    for metric in list.as_array_mut().expect("a list") {
        for kind in ["histogram", "gauge", "sum"] {
            let Some(points) = metric.get_mut(kind).and_then(|data| data["dataPoints"].as_array_mut()) else {
                continue;
            };
            for point in points {
                point["timeUnixNano"] = json!((seconds * 1_000_000_000).to_string());
                point["attributes"] = attributes(&point["attributes"].clone());
            }
        }
    }
    let body = json!({ "resourceMetrics": [{
        "resource": { "attributes": resource }, "scopeMetrics": [{ "metrics": list }],
    }] });
    serde_json::from_value(body).expect("OTLP's own JSON")
}

fn served(seconds: u64, good: u64, bad: u64) -> ExportMetricsServiceRequest {
    let point = |count: u64, status: u64| {
        json!({
            "startTimeUnixNano": "1", "count": count.to_string(), "sum": 1.0, "bucketCounts": [], "explicitBounds": [],
            "attributes": { "http.response.status_code": status },
        })
    };
    metrics(
        seconds,
        &json!([{ "name": "http.server.request.duration", "unit": "s", "histogram": {
        "aggregationTemporality": 2, "dataPoints": [point(good, 200), point(bad, 500)],
    } }]),
    )
}

#[test]
fn running_totals_count_by_their_differences_and_begin_anew_after_a_restart() {
    let mut otlp = otlp();
    let mut count = |seconds, good, bad| {
        let said = words(otlp.metrics(&served(seconds, good, bad), NOW));
        let [Word::Requests(requests)] = &said[..] else { panic!("{said:?}") };
        (requests.total, requests.failed)
    };
    assert_eq!(count(100, 1_000, 10), (0, 0), "what was before is not now");
    assert_eq!(count(160, 1_090, 12), (92, 2));
    assert_eq!(count(160, 1_090, 12), (0, 0), "the same once more");
    assert_eq!(count(220, 30, 1), (31, 1));
}

#[test]
fn where_metrics_count_the_requests_spans_do_not() {
    let mut otlp = otlp();
    otlp.metrics(&served(900, 5, 0), NOW);
    assert_eq!(otlp.traces(&traces(&[span(1, 2, 100, 900, "", &json!({}))]), NOW), []);
}

#[test]
fn heaps_and_disks_are_levels() {
    let point = |value: u64, pairs: Value| json!({ "asInt": value.to_string(), "attributes": pairs });
    let memory = |name: &str, value| {
        json!({ "name": name, "sum": { "dataPoints": [
        point(value, json!({ "jvm.memory.type": "heap", "jvm.memory.pool.name": "G1 Old Gen" })),
    ] } })
    };
    let state =
        |state: &str| json!({ "system.filesystem.state": state, "system.filesystem.mountpoint": "/data" });
    let list = json!([
        memory("jvm.memory.used", 90), memory("jvm.memory.limit", 100),
        { "name": "system.filesystem.usage", "sum": { "dataPoints": [
            point(30, state("used")), point(10, state("free")), point(5, state("reserved")),
        ] } },
        { "name": "db.client.connection.max", "sum": { "dataPoints": [
            point(20, json!({ "db.client.connection.pool.name": "main" })),
        ] } },
    ]);
    let said = words(otlp().metrics(&metrics(900, &list), NOW));
    let levels: Vec<_> = said
        .iter()
        .map(|word| match word {
            Word::Level(level) => (level.gauge, level.of.as_str(), level.share),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        levels,
        [
            (Gauge::DiskSpace, "/data", 0.75),
            (Gauge::Heap, "was01", 0.9),
            (Gauge::DatabaseConnections, "main", 0.0)
        ]
    );
}

#[test]
fn a_host_with_control_characters_is_none_and_huge_numbers_are_no_level() {
    let peer = json!({ "server.address": "a\u{1b}[31m.example", "server.port": 443 });
    let said = words(otlp().traces(&traces(&[span(1, 3, 100, 800, "Connect timed out", &peer)]), NOW));
    let [Word::Failure(failure)] = &said[..] else { panic!("{said:?}") };
    assert_eq!((&failure.host, failure.port), (&None, Some(443)));

    let point = |state: &str| {
        let of = json!({ "system.filesystem.mountpoint": "/", "system.filesystem.state": state });
        json!({ "asDouble": 1.7e308, "attributes": attributes(&of) })
    };
    let points = [point("used"), point("used"), point("free")];
    let metric = json!({ "name": "system.filesystem.usage", "gauge": { "dataPoints": points } });
    let request = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [metric] }] }] });
    let request = serde_json::from_value(request).expect("OTLP's own JSON");
    assert_eq!(otlp().metrics(&request, NOW), []);
}

#[test]
fn series_that_come_anew_in_great_numbers_are_bounded_and_take_no_time() {
    let mut otlp = otlp();
    for second in 1..4u64 {
        let points: Vec<Value> = (0..7_000)
            .map(|number| {
                let of = json!({ "http.route": format!("/{second}/{number}") });
                json!({ "count": "1", "timeUnixNano": second * 1_000_000_000, "attributes": attributes(&of) })
            })
            .collect();
        let histogram = json!({ "aggregationTemporality": 2, "dataPoints": points });
        let metric = json!({ "name": "http.server.request.duration", "histogram": histogram });
        let request = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [metric] }] }] });
        otlp.metrics(&serde_json::from_value(request).expect("OTLP's own JSON"), NOW);
        assert!(otlp.series.len() <= 20_000);
    }
}
