//! A real Prometheus, and its tools, against what the watch exports and what is shipped for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use reach::metrics::{
    status::{Scope, families},
    text::{Format, encode},
};
use reach_core::{
    Time,
    watch::{
        AddressState, AddressStatus, ChannelStatus, Layer, LayerStatus, Reason, Remembered, ResolverStatus,
        Series, Status, TargetId, TargetStatus,
    },
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    exposition::Families,
    stage::{Exporter, fetch, query, serving},
};

/// How long Prometheus may take for its first scrapes. Only waited for where they do not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where shipped files expect us: the port of blackbox_exporter, so that no configuration has to change.
const SHIPPED: &str = "127.0.0.1:9732";

fn status() -> Status {
    let at = Time::from_micros(1_900_000_000_000_000);
    let address = |number: u8, works: bool| {
        let layer = LayerStatus {
            tries: 100,
            failures: (!works).then_some((Reason::Timeout, 40)).into_iter().collect(),
            unable: 1,
            last: at,
            last_rtt: Some(Duration::from_millis(12)),
            last_worked: works,
            latency: [4; 14],
            latency_sum: 720_000,
        };
        AddressStatus {
            remembered: Remembered {
                series: Series { target: TargetId(1), address: Ipv4Addr::new(203, 0, 113, number).into() },
                health: if works { AddressState::Ok } else { AddressState::Down },
                since: at,
                reason: (!works).then_some(Reason::Timeout),
                first_seen: at,
                last_given: at,
                ttl_s: 60,
                resolvers: BTreeSet::new(),
                gone_since: None,
                last_ok: works.then_some(at),
                certificate_expires: Some(1_950_000_000),
            },
            layers: BTreeMap::from([
                (Layer::Connect, Box::new(layer.clone())),
                (Layer::Exchange, Box::new(layer)),
            ]),
        }
    };
    let target = TargetStatus {
        id: TargetId(1),
        target: "https://fcm.example.com/\"odd\\text\"".to_owned(),
        host: "fcm.example.com".to_owned(),
        port: 443,
        labels: BTreeMap::from([("team".to_owned(), "push".to_owned())]),
        unresolved: None,
        addresses: (1..=16).map(|number| address(number, number > 6)).collect(),
        resolvers: BTreeMap::from([(
            SocketAddr::from((Ipv4Addr::new(192, 0, 2, 53), 53)),
            ResolverStatus {
                answers: 9,
                last_took: Some(Duration::from_millis(3)),
                ..ResolverStatus::default()
            },
        )]),
        appeared: 16,
        examining: false,
    };
    let mut status =
        Status { at, started: at, online: Some(true), targets: vec![target], ..Status::default() };
    status.schedule.last_try = Some(at);
    status.channels.insert("telegram".to_owned(), ChannelStatus { sent: 3, ..ChannelStatus::default() });
    status
}

#[test]
fn promtool_finds_no_fault_in_the_metrics() {
    let scope = Scope { vantage: "lab".to_owned(), ..Scope::default() };
    let text = encode(&families(&status(), &scope), Format::Plain);
    if let Some(said) = promtool(&["check", "metrics"], &text) {
        assert_eq!(said, Ok(String::new()), "{text}");
    }
}

#[tokio::test]
async fn promtool_finds_no_fault_in_what_a_probe_answers() {
    let service = serving("modules: {tcp: {prober: tcp}}", Status::default()).await;
    let path = format!("/probe?module=tcp&target={}&addresses=all", query(&service.address.to_string()));
    let text = fetch(service.address, &path).await.body;
    if let Some(said) = promtool(&["check", "metrics"], &text) {
        assert_eq!(said, Ok(String::new()), "{text}");
    }
}

#[test]
fn promtool_finds_no_fault_in_what_is_shipped() {
    let rules = shipped("prometheus/reach.rules.yml");
    let scrape = shipped("prometheus/scrape.yml");
    for (command, file) in [("rules", rules), ("config", scrape)] {
        if let Some(said) = promtool(&["check", command, &file.display().to_string()], "") {
            assert!(said.as_ref().is_ok_and(|said| said.contains("SUCCESS")), "{said:?}");
        }
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let text = fs::read_to_string(shipped("grafana/reach.json")).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let mut expressions = Vec::new();
    collect(&dashboard, "expr", &mut expressions);
    assert!(expressions.len() > 20, "{}", expressions.len());
    let rules: Value =
        serde_norway::from_str(&fs::read_to_string(shipped("prometheus/reach.rules.yml")).expect("rules"))
            .expect("YAML");
    let mut asked = expressions.clone();
    collect(&rules, "expr", &mut asked);
    let known = known();
    for expression in &asked {
        for name in names(expression) {
            assert!(known.contains(&name), "{name} in {expression}");
        }
    }
    // Promtool reads expressions only in rules, and without Grafana's variables.
    let plain = |text: &str| {
        text.replace("$__rate_interval", "5m").replace("$vantage", ".*").replace("$target", ".*")
    };
    let rules: Vec<Value> = expressions
        .iter()
        .enumerate()
        .map(|(number, text)| serde_json::json!({ "record": format!("panel:{number}"), "expr": plain(text) }))
        .collect();
    let file = serde_json::json!({ "groups": [{ "name": "panels", "rules": rules }] });
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("panels.yml");
    fs::write(&path, file.to_string()).expect("written");
    if let Some(said) = promtool(&["check", "rules", &path.display().to_string()], "") {
        assert!(said.as_ref().is_ok_and(|said| said.contains("SUCCESS")), "{said:?}");
    }
}

#[tokio::test]
async fn prometheus_scrapes_the_watch_and_its_probes() {
    let service = serving("modules: {http_2xx: {prober: tcp, timeout: 2s}}", status()).await;
    let own = service.address.to_string();
    let directory = TempDir::new().expect("a directory");
    fs::copy(shipped("prometheus/reach.rules.yml"), directory.path().join("reach.rules.yml"))
        .expect("copied");
    // The shipped configuration, but for where things are and how often.
    let config = fs::read_to_string(shipped("prometheus/scrape.yml")).expect("the configuration");
    let config = config.replace(SHIPPED, &own).replace("https://www.example.com/", &own);
    let config = ["scrape_interval: 15s", "scrape_interval: 30s"]
        .iter()
        .fold(config, |config, slow| config.replace(slow, "scrape_interval: 1s"))
        .replace("scrape_timeout: 10s", "scrape_timeout: 1s");
    let config =
        format!("global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n{config}");
    let file = directory.path().join("prometheus.yml");
    fs::write(&file, config).expect("written");
    let prometheus = Exporter::run("prometheus", |address| {
        vec![
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", directory.path().join("data").display()),
            format!("--web.listen-address={address}"),
        ]
    })
    .await;
    let Some(prometheus) = prometheus else {
        return eprintln!("SKIPPED: prometheus is not installed");
    };
    for (expression, value) in [
        ("up{job=\"reach\"}".to_owned(), "1"),
        ("count(reach_probe_success{module=\"connect\"} == 0)".to_owned(), "6"),
        ("reach_name_reachable_ratio{name=\"fcm.example.com\"}".to_owned(), "0.625"),
        ("count(reach_probe_duration_seconds_bucket{le=\"+Inf\"})".to_owned(), "32"),
        (format!("probe_success{{instance=\"{own}\"}}"), "1"),
        (format!("probe_address_success{{instance=\"{own}\",address=\"127.0.0.1\"}}"), "1"),
        (format!("probe_addresses{{instance=\"{own}\",state=\"ok\"}}"), "1"),
        ("count(ALERTS{alertname=\"ReachWatchdog\"})".to_owned(), "1"),
    ] {
        let found = wait_for(prometheus.address, &expression).await;
        assert_eq!(found.as_deref(), Some(value), "{expression}");
    }
    // Prometheus asks for OpenMetrics, and says of each scrape how it went.
    let targets = fetch(prometheus.address, "/api/v1/targets").await.body;
    assert!(!targets.contains("\"health\":\"down\""), "{targets}");
}

/// What a query gives, as soon as it gives anything.
async fn wait_for(prometheus: SocketAddr, expression: &str) -> Option<String> {
    let path = format!("/api/v1/query?query={}", query(expression));
    let until = Instant::now() + PATIENCE;
    loop {
        // It answers with words as long as it reads its own log.
        let answer: Value = serde_json::from_str(&fetch(prometheus, &path).await.body).unwrap_or_default();
        if let Some(value) = answer["data"]["result"][0]["value"][1].as_str() {
            return Some(value.to_owned());
        }
        if Instant::now() > until {
            return None;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// The names that there are: ours, and those that Prometheus makes itself.
fn known() -> BTreeSet<String> {
    let scope = Scope { vantage: "lab".to_owned(), ..Scope::default() };
    let text = encode(&families(&status(), &scope), Format::Plain);
    let mut known: BTreeSet<String> = Families::read(&text).0.into_keys().collect();
    let other =
        ["up", "probe_success", "probe_address_success", "blackbox_exporter_config_last_reload_successful"];
    known.extend(other.map(str::to_owned));
    known
}

/// The metrics that an expression is about: what is no function, no keyword and no label.
fn names(expression: &str) -> Vec<String> {
    let prefixes = ["reach_", "probe_", "blackbox_"];
    // Labels in braces and lists of them in parentheses begin with none of these.
    let word = |character: char| !(character.is_ascii_alphanumeric() || character == '_' || character == ':');
    let words = expression.split(word);
    words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix))).map(str::to_owned).collect()
}

fn collect(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if name == key => found.push(text.clone()),
                    other => collect(other, key, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, key, found)),
        _ => {}
    }
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(name)
}

/// What promtool says; `None` where it is not installed.
fn promtool(arguments: &[&str], input: &str) -> Option<Result<String, String>> {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("SKIPPED: promtool is not installed");
        return None;
    };
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("read");
    let output = child.wait_with_output().expect("ends");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Some(if output.status.success() { Ok(said) } else { Err(said) })
}
