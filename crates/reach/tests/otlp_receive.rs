//! The exporters of OpenTelemetry's own SDK push to the endpoint, over every transport that there is.

use std::{
    net::{IpAddr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use opentelemetry::{
    KeyValue,
    trace::{SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_otlp::{
    Compression, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithTonicConfig,
};
use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider, Temporality},
    trace::SdkTracerProvider,
};
use reach::receive::{Heard, Intake, otlp::Receiver};
use reach_core::signal::{Failure, FailureClass, Signal, Word};
use reach_net::drive::Clock;
use reach_signal::otlp::OtlpRules;
use tokio::{net::TcpListener, runtime, sync::mpsc};

const TOKEN: &str = "the-token-of-the-test";
const PATIENCE: Duration = Duration::from_secs(30);

fn understand(text: &str) -> Option<Failure> {
    text.contains("Connect timed out")
        .then(|| Failure::new(FailureClass::ConnectTimeout, text.chars().take(80).collect::<String>()))
}

/// The endpoint, on a thread of its own; and what it heard.
fn receiver(token: Option<&str>) -> (SocketAddr, mpsc::Receiver<Heard>, runtime::Runtime) {
    // The client library of the exporters wants one chosen.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (intake, heard) = Intake::new();
    let rules = OtlpRules { slow_statement: Duration::from_secs(1), understand, normalise: str::to_owned };
    let receiver =
        Receiver::new("otlp", rules, Clock::start(), intake, token.map(|token| token.to_owned().into()));
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            tell.send(listener.local_addr().expect("its address")).expect("somebody waits");
            receiver.serve(listener, std::future::pending()).await.expect("it serves");
        });
    });
    let exporters = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    (told.recv().expect("it listens"), heard, exporters.expect("a runtime"))
}

fn wait(heard: &mut mpsc::Receiver<Heard>, wanted: impl Fn(&[Signal]) -> bool) -> Vec<Signal> {
    let end = Instant::now() + PATIENCE;
    let mut signals = Vec::new();
    while !wanted(&signals) {
        assert!(Instant::now() < end, "only {signals:?}");
        match heard.try_recv() {
            Ok(batch) => {
                assert_eq!(batch.source, "otlp");
                signals.extend(batch.signals);
            }
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
    signals
}

fn resource() -> Resource {
    let instance = KeyValue::new("service.instance.id", "was01");
    Resource::builder_empty().with_service_name("push").with_attribute(instance).build()
}

/// A request that was answered with 500 because its call to a push service timed out.
fn play(exporter: SpanExporter) {
    let provider =
        SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
    let tracer = provider.tracer("play");
    let server = tracer.span_builder("POST /notify").with_kind(SpanKind::Server);
    let server = server.with_attributes([KeyValue::new("http.response.status_code", 500)]);
    let server = tracer.build(server);
    let cx = opentelemetry::Context::current_with_span(server);
    let client = tracer.span_builder("POST").with_kind(SpanKind::Client).with_attributes([
        KeyValue::new("server.address", "fcm.googleapis.com"),
        KeyValue::new("server.port", 443),
        KeyValue::new("network.peer.address", "203.0.113.12"),
        KeyValue::new("url.full", "https://fcm.googleapis.com/v1/send?key=secret"),
    ]);
    let client = cx.with_span(tracer.build_with_context(client, &cx));
    client.span().add_event(
        "exception",
        vec![
            KeyValue::new("exception.type", "java.net.SocketTimeoutException"),
            KeyValue::new("exception.message", "Connect timed out"),
        ],
    );
    client.span().set_status(Status::error("Connect timed out"));
    client.span().end();
    cx.span().end();
    provider.force_flush().expect("it was taken");
    provider.shutdown().expect("it ends");
}

fn is_the_story(signals: &[Signal]) -> bool {
    let request =
        |word: &Word| matches!(word, Word::Requests(requests) if (requests.total, requests.failed) == (1, 1));
    let failure = |word: &Word| {
        matches!(word, Word::Failure(failure) if failure.class == FailureClass::ConnectTimeout
            && failure.host.as_deref() == Some("fcm.googleapis.com") && failure.port == Some(443)
            && failure.address == Some(IpAddr::from([203, 0, 113, 12])))
    };
    assert!(!format!("{signals:?}").contains("secret"));
    signals.iter().all(|signal| signal.origin.service.as_deref() == Some("push"))
        && signals.iter().any(|signal| request(&signal.word))
        && signals.iter().any(|signal| failure(&signal.word))
}

#[test]
fn spans_come_over_grpc_packed_or_not() {
    let (at, mut heard, runtime) = receiver(None);
    for packed in [false, true] {
        let _inside = runtime.enter();
        let mut exporter = SpanExporter::builder().with_tonic().with_endpoint(format!("http://{at}"));
        if packed {
            exporter = exporter.with_compression(Compression::Gzip);
        }
        play(exporter.build().expect("an exporter"));
        wait(&mut heard, is_the_story);
    }
}

#[test]
fn spans_come_over_http_as_protocol_buffers_and_as_json() {
    let (at, mut heard, _runtime) = receiver(None);
    for protocol in [Protocol::HttpBinary, Protocol::HttpJson] {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(protocol)
            .with_endpoint(format!("http://{at}/v1/traces"))
            .build();
        play(exporter.expect("an exporter"));
        wait(&mut heard, is_the_story);
    }
}

#[test]
fn metrics_come_over_grpc_and_count_requests() {
    let (at, mut heard, runtime) = receiver(None);
    let _inside = runtime.enter();
    let exporter = MetricExporter::builder()
        .with_tonic()
        .with_endpoint(format!("http://{at}"))
        .with_temporality(Temporality::Delta)
        .build()
        .expect("an exporter");
    let reader = PeriodicReader::builder(exporter).with_interval(Duration::from_secs(3_600)).build();
    let provider = SdkMeterProvider::builder().with_resource(resource()).with_reader(reader).build();
    let meter = opentelemetry::metrics::MeterProvider::meter(&provider, "play");
    let durations = meter.f64_histogram("http.server.request.duration").with_unit("s").build();
    for status in [200, 200, 503] {
        durations.record(0.1, &[KeyValue::new("http.response.status_code", status)]);
    }
    provider.force_flush().expect("it was taken");
    wait(&mut heard, |signals| {
        let counted = |signal: &Signal| match &signal.word {
            Word::Requests(requests) => (requests.total, requests.failed) == (3, 1) && !requests.estimated,
            _ => false,
        };
        signals.iter().any(counted)
    });
}

#[test]
fn without_the_token_nothing_is_taken() {
    let (at, mut heard, _runtime) = receiver(Some(TOKEN));
    let post = |path: &str, kind: &str, token: &str, body: &'static [u8]| {
        let client = reqwest::blocking::Client::new();
        let request = client.post(format!("http://{at}{path}")).header("content-type", kind).body(body);
        let answer = request.header("authorization", format!("Bearer {token}")).send().expect("an answer");
        (answer.status().as_u16(), answer.text().expect("a text"))
    };
    let json = "application/json";
    assert_eq!(post("/v1/logs", json, "guess", b"{}").0, 401);
    assert_eq!(post("/v1/logs", json, TOKEN, b"{}"), (200, "{}".to_owned()));
    let (code, why) = post("/v1/logs", json, TOKEN, b"{\"resourceLogs\": 7}");
    assert_eq!(code, 400);
    assert!(why.contains("\"code\":3"), "{why}");
    assert_eq!(post("/v1/traces", "application/x-protobuf", TOKEN, b"\xff\xff\xff").0, 400);
    assert_eq!(post("/v1/traces", "text/plain", TOKEN, b"").0, 415);
    assert_eq!(post("/v1/nothing", json, TOKEN, b"").0, 404);
    let heard = heard.try_recv().expect("the one that was good");
    assert_eq!(heard.signals, []);
}
