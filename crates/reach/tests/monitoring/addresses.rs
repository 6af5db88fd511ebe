//! What `/probe` does beyond `blackbox_exporter`: every address of a name, and what may not be probed.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::Ordering,
};

use reach::web::settings::ProbeSettings;
use reach_core::{
    model::{ResolverConfig, Vantage},
    watch::Status,
};
use tokio::net::TcpListener;

use crate::{
    servers::Servers,
    stage::{Answer, Service, fetch, query, service, serving_from},
};

const MODULES: &str = "modules:
  tcp: {prober: tcp, timeout: 3s}
  http: {prober: http, timeout: 3s, http: {preferred_ip_protocol: ip4}}
  icmp: {prober: icmp, timeout: 3s}
";

/// A service that asks the name server of the lab.
async fn with_names(servers: &Servers, allow: &str, shown: Ipv4Addr) -> Service {
    let resolver = ResolverConfig { servers: vec![servers.dns], ..ResolverConfig::default() };
    let vantage = Vantage { resolver, ..Vantage::default() };
    let probe: ProbeSettings = toml::from_str(allow).expect("settings");
    serving_from(MODULES, Status::default(), &vantage, &probe, shown).await
}

async fn probe(service: &Service, query: &str) -> Answer {
    fetch(service.address, &format!("/probe?{query}")).await
}

/// The same port on two of three addresses; nobody listens on the third.
async fn pool() -> (Vec<TcpListener>, u16) {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let port = first.local_addr().expect("bound").port();
    let second = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), port)).await.expect("bound");
    (vec![first, second], port)
}

#[tokio::test]
async fn every_address_of_a_name_is_probed_and_the_rule_decides() {
    let servers = Servers::start().await;
    let service = with_names(&servers, "", Ipv4Addr::LOCALHOST).await;
    let (_listeners, port) = pool().await;
    for (rule, works) in [("all", 0), ("any", 1), ("quorum:0.6", 1), ("quorum:0.7", 0)] {
        let answer =
            probe(&service, &format!("module=tcp&target=pool.lab.example:{port}&addresses={rule}")).await;
        for line in [
            &format!("probe_success {works}"),
            "probe_address_success{address=\"127.0.0.1\"} 1",
            "probe_address_success{address=\"127.0.0.2\"} 1",
            "probe_address_success{address=\"127.0.0.3\"} 0",
            "probe_address_failure_info{address=\"127.0.0.3\",reason=\"refused\"} 1",
            "probe_addresses{state=\"ok\"} 2",
            "probe_addresses{state=\"failed\"} 1",
            "probe_addresses{state=\"skipped\"} 0",
            "probe_address_duration_seconds{address=\"127.0.0.1\",phase=\"connect\"}",
            "probe_address_duration_seconds{address=\"127.0.0.3\",phase=\"total\"}",
        ] {
            assert!(answer.body.contains(line), "{rule}: {line}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn without_a_rule_one_address_is_probed_and_none_is_named() {
    let servers = Servers::start().await;
    let service = with_names(&servers, "", Ipv4Addr::LOCALHOST).await;
    let (_listeners, port) = pool().await;
    let target = format!("module=tcp&target=pool.lab.example:{port}");
    let plain = probe(&service, &target).await.body;
    assert!(!plain.contains("probe_address"), "{plain}");
    let first = probe(&service, &format!("{target}&addresses=first")).await.body;
    assert_eq!(first.matches("probe_address_success{").count(), 1, "{first}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_fails_and_says_so() {
    let servers = Servers::start().await;
    let service = with_names(&servers, "", Ipv4Addr::LOCALHOST).await;
    for module in ["tcp", "http", "icmp"] {
        let target = if module == "icmp" { "none.example" } else { "none.example:80" };
        let answer =
            probe(&service, &format!("module={module}&target={target}&addresses=all&debug=true")).await.body;
        for line in
            ["probe_success 0", "probe_ip_protocol 0", "probe_addresses{state=\"ok\"} 0", "no such host"]
        {
            assert!(answer.contains(line), "{module}: {line}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_service_that_others_reach_probes_only_what_is_allowed() {
    let servers = Servers::start().await;
    let elsewhere = Ipv4Addr::new(203, 0, 113, 1);
    let own = servers.banner;
    let service = with_names(&servers, &format!("allow = [\"127.0.0.1:{}\"]", own.port()), elsewhere).await;
    assert_eq!(probe(&service, &format!("module=tcp&target={own}")).await.status, 200);
    for target in [servers.http.to_string(), format!("127.0.0.2:{}", own.port()), "x.example:1".to_owned()] {
        let answer = probe(&service, &format!("module=tcp&target={target}")).await;
        assert_eq!(answer.status, 403, "{target}: {}", answer.body);
        assert!(answer.body.contains("[probe] allow"), "{}", answer.body);
    }
    // Not even by way of an address that may be probed.
    let name = format!("module=tcp&target=pool.lab.example:{}&addresses=all", own.port());
    assert_eq!(probe(&service, &name).await.status, 403);
}

#[tokio::test]
async fn a_redirect_does_not_lead_where_nobody_may_go() {
    let servers = Servers::start().await;
    let elsewhere = Ipv4Addr::new(203, 0, 113, 1);
    let port = servers.http.port();
    // A name alone does not lead to this host's own services.
    let by_name = with_names(&servers, &format!("allow = [\"pool.lab.example:{port}\"]"), elsewhere).await;
    let rebound = probe(&by_name, &format!("module=tcp&target=pool.lab.example:{port}")).await;
    assert_eq!(rebound.status, 403, "{}", rebound.body);
    let service = with_names(&servers, &format!("allow = [\"127.0.0.0/8:{port}\"]"), elsewhere).await;
    let target = query(&format!("http://pool.lab.example:{}/elsewhere", servers.http.port()));
    let answer = probe(&service, &format!("module=http&target={target}&debug=true")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(
        answer.body.contains("may not be probed") && answer.body.contains("probe_success 0"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_host_name_can_be_asked_for_at_an_address() {
    let servers = Servers::start().await;
    let ca = servers.file("ca.pem").display().to_string();
    let modules = format!(
        "modules:
  https: {{prober: http, timeout: 3s, http: {{tls_config: {{ca_file: '{ca}'}}}}}}
  other: {{prober: http, http: {{headers: {{Host: other.example}}}}}}
  tls: {{prober: tcp, timeout: 3s, tcp: {{tls: true, tls_config: {{ca_file: '{ca}'}}}}}}
"
    );
    let service = service(&modules).await;
    let at = |server: SocketAddr| query(&format!("https://{server}/"));
    for (asked, status, works) in [
        (format!("module=https&target={}&hostname=www.lab.example", at(servers.tls)), 200, true),
        (format!("module=https&target={}&hostname=wrong.example", at(servers.tls)), 200, false),
        (format!("module=tls&target={}&hostname=www.lab.example", servers.tls), 200, true),
        (format!("module=tls&target={}&hostname=wrong.example", servers.tls), 200, false),
        (format!("module=other&target={}&hostname=third.example", at(servers.tls)), 400, false),
    ] {
        let answer = probe(&service, &asked).await;
        assert_eq!(answer.status, status, "{asked}: {}", answer.body);
        assert_eq!(answer.body.contains("probe_success 1"), works, "{asked}: {}", answer.body);
    }
}

#[tokio::test]
async fn failures_have_their_reasons() {
    let servers = Servers::start().await;
    let ca = servers.file("ca.pem").display().to_string();
    let modules = format!(
        "modules:
  http: {{prober: http, timeout: 500ms}}
  https: {{prober: http, timeout: 3s, http: {{tls_config: {{ca_file: '{ca}'}}}}}}
  regex: {{prober: http, timeout: 3s, http: {{fail_if_body_matches_regexp: [well]}}}}
  proxied: {{prober: http, timeout: 3s, http: {{proxy_url: 'http://{}', proxy_connect_header: {{X-Lab: [hush]}}, tls_config: {{ca_file: '{ca}'}}}}}}
",
        servers.proxy
    );
    let service = service(&modules).await;
    for (module, target, reason) in [
        ("http", format!("http://{}/", servers.silent), "timeout"),
        ("http", format!("http://{}/", servers.closed), "refused"),
        ("http", format!("http://{}/fail", servers.http), "http_status"),
        ("https", format!("https://{}/", servers.expired), "untrusted"),
        ("https", format!("https://{}/", servers.banner), "tls"),
        ("regex", format!("http://{}/", servers.http), "regex"),
    ] {
        let answer =
            probe(&service, &format!("module={module}&target={}&addresses=all", query(&target))).await.body;
        let line = format!("probe_address_failure_info{{address=\"127.0.0.1\",reason=\"{reason}\"}} 1");
        assert!(answer.contains(&line), "{module} {target}: {answer}");
    }
    let before = servers.proxied.load(Ordering::Relaxed);
    let target = query(&format!("https://{}/", servers.tls));
    let answer = probe(&service, &format!("module=proxied&target={target}&debug=true")).await.body;
    assert!(answer.contains("probe_success 1") && !answer.contains("hush"), "{answer}");
    assert_eq!(servers.proxied.load(Ordering::Relaxed), before + 1);
}
