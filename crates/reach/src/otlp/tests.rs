use std::{io::Read as _, net::Ipv4Addr, sync::Mutex};

use axum::{Router, body::Bytes, extract::State, http, routing::post};
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsPartialSuccess;
use proptest::prelude::*;
use tokio::net::TcpListener;

use super::*;
use crate::metrics::labels;

/// The headers and the body of a push.
type Push = (http::HeaderMap, Vec<u8>);

#[derive(Clone, Default)]
struct Collector {
    seen: Arc<Mutex<Vec<Push>>>,
    answer: Arc<Mutex<(u16, Vec<u8>)>>,
}

async fn take(
    State(collector): State<Collector>,
    headers: http::HeaderMap,
    body: Bytes,
) -> (http::StatusCode, Vec<u8>) {
    collector.seen.lock().expect("free").push((headers, body.to_vec()));
    let (status, said) = collector.answer.lock().expect("free").clone();
    (http::StatusCode::from_u16(status).expect("a status"), said)
}

/// A collector on loopback, and settings to push to it.
async fn collector(gzip: bool) -> (Collector, OtlpSettings) {
    let collector = Collector::default();
    collector.answer.lock().expect("free").0 = 200;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let local = listener.local_addr().expect("bound");
    let router = Router::new().route("/v1/metrics", post(take)).with_state(collector.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let text = format!(
        "endpoint = \"http://{local}\"\ngzip = {gzip}\nheaders = {{ Authorization = \"Bearer hush\" }}\n\
         resource = {{ \"deployment.environment\" = \"test\" }}"
    );
    (collector, toml::from_str(&text).expect("settings"))
}

fn families() -> Vec<Family> {
    let own =
        || labels([("name", "fcm.example.com"), ("port", "443"), ("address", "203.0.113.1"), ("why", "x")]);
    let mut counter = Family::new(Kind::Counter, "reach_probe_attempts_total", "Tries.");
    counter.push(own(), 7.0);
    let mut durations = Family::new(Kind::Histogram, "reach_probe_duration_seconds", "Spans.");
    let histogram = crate::metrics::Histogram { bounds: vec![0.1, 1.0], counts: vec![3, 2, 1], sum: 4.5 };
    durations.push_histogram(own(), histogram);
    vec![counter, durations, Family::gauge("reach_store_bytes", "Size.", 42.0)]
}

fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

#[tokio::test]
async fn a_collector_gets_the_same_numbers_under_the_same_names() {
    for gzip in [false, true] {
        let (collector, settings) = collector(gzip).await;
        let exporter = Exporter::new(&settings, "box").expect("settings");
        exporter.push(&families(), at(10), at(20)).await.expect("taken");
        let (headers, body) = collector.seen.lock().expect("free").pop().expect("pushed");
        assert_eq!(headers["content-type"], "application/x-protobuf");
        assert_eq!(headers["authorization"], "Bearer hush");
        assert_eq!(headers.contains_key("content-encoding"), gzip);
        let body = if gzip {
            let mut plain = Vec::new();
            GzDecoder::new(&body[..]).read_to_end(&mut plain).expect("packed");
            plain
        } else {
            body
        };
        let request = ExportMetricsServiceRequest::decode(&body[..]).expect("protocol buffers");
        let resource = request.resource_metrics[0].resource.as_ref().expect("a resource");
        let has = |name: &str, value: &str| resource.attributes.contains(&attribute(name, value));
        assert!(has("service.name", "reach") && has("service.instance.id", "box"));
        assert!(has("deployment.environment", "test"));
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(
            names,
            ["reach_probe_attempts_total", "reach_probe_duration_seconds", "reach_store_bytes"]
        );
        let Some(metric::Data::Sum(sum)) = &metrics[0].data else { panic!("no sum") };
        assert!(sum.is_monotonic);
        let point = &sum.data_points[0];
        assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (10_000_000_000, 20_000_000_000));
        assert!(point.attributes.contains(&attribute("network.peer.address", "203.0.113.1")));
        assert!(point.attributes.contains(&attribute("server.address", "fcm.example.com")));
        let Some(metric::Data::Histogram(histogram)) = &metrics[1].data else { panic!("no histogram") };
        assert_eq!(histogram.data_points[0].bucket_counts, [3, 2, 1]);
        assert_eq!((histogram.data_points[0].count, histogram.data_points[0].sum), (6, Some(4.5)));
        assert_eq!((metrics[1].unit.as_str(), metrics[2].unit.as_str()), ("s", "By"));
    }
}

#[tokio::test]
async fn what_a_collector_does_not_take_is_told() {
    let (collector, settings) = collector(true).await;
    let exporter = Exporter::new(&settings, "box").expect("settings");
    collector.answer.lock().expect("free").0 = 503;
    let error = exporter.push(&families(), at(1), at(2)).await.expect_err("refused");
    assert!(error == PushError::Status(503) && error.is_passing());
    collector.answer.lock().expect("free").0 = 400;
    assert!(!exporter.push(&families(), at(1), at(2)).await.expect_err("refused").is_passing());
    let partial =
        ExportMetricsPartialSuccess { rejected_data_points: 2, error_message: "old\u{1b}[2J".to_owned() };
    let said = ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    *collector.answer.lock().expect("free") = (200, said);
    let error = exporter.push(&families(), at(1), at(2)).await.expect_err("refused").to_string();
    assert!(error.contains("2 data points") && !error.contains('\u{1b}'), "{error:?}");
}

#[tokio::test]
async fn a_collector_that_is_not_there_is_no_secret_leak() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let local = listener.local_addr().expect("bound");
    drop(listener);
    let text = format!("endpoint = \"http://user:hush@{local}\"\ntimeout = \"2s\"");
    let exporter = Exporter::new(&toml::from_str(&text).expect("settings"), "box").expect("settings");
    let error = exporter.push(&families(), at(1), at(2)).await.expect_err("nobody there");
    assert!(matches!(error, PushError::Unreached(_)) && !error.to_string().contains("hush"), "{error}");
}

#[test]
fn endpoints_get_the_path_where_it_is_missing() {
    let whole = |text: &str| endpoint(text).map(|url| url.to_string());
    assert_eq!(whole("http://c:4318").as_deref(), Some("http://c:4318/v1/metrics"));
    assert_eq!(whole("https://c/otlp/").as_deref(), Some("https://c/otlp/v1/metrics"));
    assert_eq!(whole("http://c/v1/metrics").as_deref(), Some("http://c/v1/metrics"));
    assert_eq!(whole("c:4318"), None);
    assert_eq!(whole("ftp://c/"), None);
}

proptest! {
    #[test]
    fn any_answer_is_taken(said: Vec<u8>) {
        let _ = refused(&said);
    }

    #[test]
    fn the_first_push_comes_within_the_interval(seed: u64) {
        prop_assert!(first_wait(Duration::from_secs(60), seed) <= Duration::from_secs(60));
    }
}
