pub(in crate::web) mod stage;

use std::net::Ipv4Addr;

use reach_core::model::Vantage;
use reach_net::{drive::Network, trust::TrustRoots};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::*;
use crate::blackbox::Roots;

/// The service on loopback.
pub(super) struct Service {
    pub(super) local: SocketAddr,
    pub(super) state: WebState,
    sender: watch::Sender<Arc<Status>>,
    end: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Service {
    pub(super) fn publish(&self, status: Status) {
        self.sender.send_replace(Arc::new(status));
    }

    pub(super) async fn stop(self) {
        drop(self.end);
        self.task.await.expect("ends");
    }
}

pub(super) async fn begin(status: Status) -> Service {
    begin_with(status, &ProbeSettings::default()).await
}

async fn begin_with(status: Status, probe: &ProbeSettings) -> Service {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let local = listener.local_addr().expect("bound");
    let policy = WebState::policy(local, probe);
    let network = Network::new(TrustRoots::from_certificates([], "none"));
    let bench = Bench::new(network, &Vantage::default(), Roots::of(Vec::new()), policy);
    let http = HttpSettings::default();
    let settings = Settings {
        http: &http,
        probe,
        local,
        vantage: "box",
        lang: Lang::En,
        zone: TimeZone::UTC,
        reader: None,
        asking: Asking::nobody(),
        requester: Default::default(),
        tls: None,
        beside: watch::channel(Arc::default()).1,
    };
    let (sender, receiver) = watch::channel(Arc::new(status));
    let state =
        WebState::new(&settings, receiver, Clock::start(), bench, Modules::usual()).expect("a service");
    let (end, ended) = oneshot::channel::<()>();
    let own = state.clone();
    let task = tokio::spawn(async move {
        serve(listener, own, async { drop(ended.await) }).await.expect("serves");
    });
    Service { local, state, sender, end, task }
}

/// The service on loopback, and how to end it.
async fn start(
    status: Status,
    probe: &ProbeSettings,
) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let Service { local, sender, end, task, .. } = begin_with(status, probe).await;
    let task = tokio::spawn(async move {
        task.await.expect("ends");
        drop(sender);
    });
    (local, end, task)
}

async fn ask(local: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(local).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("answered");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get_with(local: SocketAddr, path: &str, headers: &str) -> String {
    ask(local, &format!("GET {path} HTTP/1.1\r\nHost: {local}\r\n{headers}Connection: close\r\n\r\n")).await
}

#[tokio::test]
async fn every_door_answers_with_harmless_headers() {
    let now = Clock::start().now();
    let status = Status { at: now, started: now, ..Status::default() };
    let (local, end, task) = start(status, &ProbeSettings::default()).await;
    for (path, said) in [
        ("/", "<!DOCTYPE html>"),
        ("/metrics", "reach_build_info{version="),
        ("/healthz", "\"healthy\":true"),
        ("/-/healthy", "Healthy"),
        ("/api/v1/status", "\"schedule\""),
        ("/api/v1/incidents", "[]"),
        ("/signals", "<h1>Signals"),
        ("/api/v1/signals", "reach.signals/1"),
    ] {
        let answer = get_with(local, path, "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert!(answer.contains(said), "{path}: {answer}");
        assert!(answer.contains("default-src 'none'") && answer.contains("nosniff"), "{path}: {answer}");
        assert!(!answer.contains("access-control-allow-origin"), "{path}: {answer}");
    }
    assert!(get_with(local, "/nowhere", "").await.starts_with("HTTP/1.1 404"));
    drop(end);
    task.await.expect("ends");
}

#[tokio::test]
async fn strangers_and_other_methods_are_refused() {
    let (local, end, task) = start(Status::default(), &ProbeSettings::default()).await;
    let post = format!(
        "POST /-/healthy HTTP/1.1\r\nHost: {local}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    let posted = ask(local, &post).await;
    assert!(posted.starts_with("HTTP/1.1 405") && posted.contains("allow: GET, HEAD"), "{posted}");
    let rebound =
        ask(local, "GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").await;
    assert!(rebound.starts_with("HTTP/1.1 421"), "{rebound}");
    let crossed = get_with(local, "/probe?target=127.0.0.1:1", "Sec-Fetch-Site: cross-site\r\n").await;
    assert!(crossed.starts_with("HTTP/1.1 403"), "{crossed}");
    drop(end);
    task.await.expect("ends");
}

#[tokio::test]
async fn a_probe_that_cannot_be_made_is_told_so() {
    let (local, end, task) = start(Status::default(), &ProbeSettings::default()).await;
    for (query, status, said) in [
        ("", 400, "Target parameter is missing"),
        ("module=nonsense&target=x", 400, "Unknown module \"nonsense\""),
        ("target=169.254.169.254&module=tcp_connect", 200, "probe_success 0"),
        ("target=169.254.169.254:80&module=tcp_connect", 403, "may not be probed"),
        ("target=x&addresses=some", 400, "addresses"),
    ] {
        let answer = get_with(local, &format!("/probe?{query}"), "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{query}: {answer}");
        assert!(answer.contains(said), "{query}: {answer}");
    }
    let broken = get_with(local, "/probe?target=x", "X-Prometheus-Scrape-Timeout-Seconds: soon\r\n").await;
    assert!(broken.starts_with("HTTP/1.1 500"), "{broken}");
    let counted = get_with(local, "/metrics", "").await;
    assert!(counted.contains("blackbox_module_unknown_total 1"), "{counted}");
    drop(end);
    task.await.expect("ends");
}

#[tokio::test]
async fn a_connection_is_probed_and_debugged() {
    let (local, end, task) = start(Status::default(), &ProbeSettings::default()).await;
    let answer =
        get_with(local, &format!("/probe?target={local}&module=tcp_connect&addresses=all"), "").await;
    assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{answer}");
    for line in [
        "probe_success 1",
        "probe_ip_protocol 4",
        "probe_address_success{address=\"127.0.0.1\"} 1",
        "probe_addresses{state=\"ok\"} 1",
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
    let debugged = get_with(local, &format!("/probe?target={local}&module=tcp_connect&debug=true"), "").await;
    for line in [
        "Logs for the probe:",
        "Metrics that would have been returned:",
        "Module configuration:",
        "prober: tcp",
    ] {
        assert!(debugged.contains(line), "{line}: {debugged}");
    }
    assert!(!debugged.contains("probe_address"), "{debugged}");
    drop(end);
    task.await.expect("ends");
}

#[test]
fn a_watch_that_does_nothing_is_not_healthy() {
    let at = |seconds: u64| Time::from_micros(seconds * 1_000_000);
    let judge =
        |status: &Status| health(status, at(1000), Duration::from_secs(120), Duration::from_secs(300));
    let mut status = Status { at: at(999), started: at(0), ..Status::default() };
    assert!(judge(&status).is_good());
    status.store.stuck_since = Some(at(600));
    status.store.lost_samples = 12;
    assert_eq!(judge(&status).reasons, ["the store has taken nothing for 400 s"]);
    assert_eq!((judge(&status).store.stuck_seconds, judge(&status).store.lost_samples), (400, 12));
    status.store.stuck_since = Some(at(900));
    assert!(judge(&status).is_good());
    status.at = at(800);
    assert_eq!(judge(&status).reasons, ["nothing is known of the last 200 s"]);
    // A host that is cut off is what the watch is there to tell.
    let offline = Status { at: at(1000), online: Some(false), ..Status::default() };
    assert!(judge(&offline).is_good());
}

#[tokio::test]
async fn openmetrics_and_packing_are_for_those_who_ask() {
    let (local, end, task) = start(Status::default(), &ProbeSettings::default()).await;
    let open = get_with(local, "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n").await;
    assert!(open.contains("application/openmetrics-text") && open.trim_end().ends_with("# EOF"), "{open}");
    let packed = get_with(local, "/metrics", "Accept-Encoding: gzip\r\n").await;
    assert!(packed.contains("content-encoding: gzip"), "{packed}");
    drop(end);
    task.await.expect("ends");
}
