//! `/probe` beside a real `blackbox_exporter`: the same module file, the same targets, the same answers.
//!
//! Compared are families, kinds, labels and values; of durations only that they are there. What may differ, and why:
//!
//! | what | ours | 0.23 | why |
//! |---|---|---|---|
//! | `probe_timeout_seconds` | yes | no | in its main branch since |
//! | `probe_failed_due_to_bytes` | yes | no | since 0.28, with `expect_bytes` |
//! | `probe_tls_cipher_info` | yes | no | since 0.26 |
//! | label `serialnumber` of `probe_ssl_last_chain_info` | yes | no | since 0.26 |
//! | help texts | of its main branch | older | they were corrected |

use std::{fs, net::SocketAddr, path::Path};

use crate::{
    exposition::Families,
    servers::Servers,
    stage::{Exporter, fetch, query, service},
};

/// What newer versions have and 0.23 has not.
const NEWER: [&str; 3] = ["probe_timeout_seconds", "probe_failed_due_to_bytes", "probe_tls_cipher_info"];

fn modules(servers: &Servers) -> String {
    let ca = servers.file("ca.pem").display().to_string();
    let own = servers.file("own.pem").display().to_string();
    let proxy = servers.proxy;
    format!(
        "modules:
  http_2xx: {{prober: http, timeout: 3s, http: {{preferred_ip_protocol: ip4}}}}
  http_quick: {{prober: http, timeout: 500ms}}
  http_500: {{prober: http, timeout: 3s, http: {{valid_status_codes: [500, 501]}}}}
  http_stay: {{prober: http, timeout: 3s, http: {{follow_redirects: false, valid_status_codes: [303]}}}}
  http_body: {{prober: http, timeout: 3s, http: {{fail_if_body_not_matches_regexp: ['all is w.ll']}}}}
  http_body_bad: {{prober: http, timeout: 3s, http: {{fail_if_body_matches_regexp: ['^all']}}}}
  http_header: {{prober: http, timeout: 3s, http: {{fail_if_header_not_matches: [{{header: last-modified, regexp: 1994}}]}}}}
  http_header_bad: {{prober: http, timeout: 3s, http: {{fail_if_header_matches: [{{header: X-Nothing, regexp: x}}]}}}}
  http_post: {{prober: http, timeout: 3s, http: {{method: POST, body: 'one two', headers: {{Content-Type: text/plain}}, fail_if_body_not_matches_regexp: ['one two']}}}}
  http_login: {{prober: http, timeout: 3s, http: {{basic_auth: {{username: user, password: hush}}}}}}
  http_packed: {{prober: http, timeout: 3s, http: {{compression: gzip, headers: {{Accept-Encoding: gzip}}, fail_if_body_not_matches_regexp: ['(packed ){{100}}']}}}}
  http_little: {{prober: http, timeout: 3s, http: {{body_size_limit: 4B}}}}
  http_1: {{prober: http, timeout: 3s, http: {{enable_http2: false, valid_http_versions: [HTTP/1.1], tls_config: {{ca_file: '{ca}'}}}}}}
  http_not_ssl: {{prober: http, timeout: 3s, http: {{fail_if_not_ssl: true}}}}
  http_ssl: {{prober: http, timeout: 3s, http: {{fail_if_ssl: true, tls_config: {{ca_file: '{ca}'}}}}}}
  https: {{prober: http, timeout: 3s, http: {{tls_config: {{ca_file: '{ca}'}}}}}}
  https_own: {{prober: http, timeout: 3s, http: {{tls_config: {{ca_file: '{own}'}}}}}}
  https_name: {{prober: http, timeout: 3s, http: {{tls_config: {{ca_file: '{ca}', server_name: www.lab.example}}}}}}
  https_bad_name: {{prober: http, timeout: 3s, http: {{tls_config: {{ca_file: '{ca}', server_name: other.example}}}}}}
  https_any: {{prober: http, timeout: 3s, http: {{tls_config: {{insecure_skip_verify: true}}}}}}
  tcp_connect: {{prober: tcp, timeout: 3s}}
  tcp_tls: {{prober: tcp, timeout: 3s, tcp: {{tls: true, tls_config: {{ca_file: '{ca}'}}}}}}
  tcp_tls_12: {{prober: tcp, timeout: 3s, tcp: {{tls: true, tls_config: {{ca_file: '{ca}', max_version: TLS12}}}}}}
  tcp_banner: {{prober: tcp, timeout: 3s, tcp: {{query_response: [{{expect: '^220 ([^ ]+) ESMTP (.+)$'}}, {{send: EHLO reach}}, {{expect: '^250-lab'}}]}}}}
  tcp_banner_bad: {{prober: tcp, timeout: 1s, tcp: {{query_response: [{{expect: '^SSH-'}}]}}}}
  tcp_starttls:
    prober: tcp
    timeout: 3s
    tcp:
      query_response:
        - expect: '^220 '
        - send: EHLO reach
        - expect: '^250 STARTTLS'
          send: STARTTLS
        - expect: '^220'
        - starttls: true
      tls_config: {{ca_file: '{ca}'}}
  https_proxied: {{prober: http, timeout: 3s, http: {{proxy_url: 'http://{proxy}', tls_config: {{ca_file: '{ca}'}}}}}}
  dns_tls: {{prober: dns, timeout: 3s, dns: {{query_name: lab.example, query_type: A, dns_over_tls: true, transport_protocol: tcp, tls_config: {{ca_file: '{ca}'}}}}}}
  icmp: {{prober: icmp, timeout: 3s}}
  icmp_sized: {{prober: icmp, timeout: 3s, icmp: {{payload_size: 900, dont_fragment: true}}}}
  dns_a: {{prober: dns, timeout: 3s, dns: {{query_name: lab.example, query_type: A}}}}
  dns_soa: {{prober: dns, timeout: 3s, dns: {{query_name: lab.example, query_type: SOA, transport_protocol: tcp}}}}
  dns_txt: {{prober: dns, timeout: 3s, dns: {{query_name: lab.example, query_type: TXT, validate_answer_rrs: {{fail_if_not_matches_regexp: ['lab.example.\\t60\\tIN\\tTXT\\t\"v=spf1 -all\"']}}}}}}
  dns_any: {{prober: dns, timeout: 3s, dns: {{query_name: lab.example}}}}
  dns_bad: {{prober: dns, timeout: 3s, dns: {{query_name: lab.example, query_type: A, validate_answer_rrs: {{fail_if_matches_regexp: ['.*192.0.2.3']}}}}}}
  dns_none: {{prober: dns, timeout: 3s, dns: {{query_name: none.example, query_type: A}}}}
  dns_none_fine: {{prober: dns, timeout: 3s, dns: {{query_name: none.example, query_type: A, valid_rcodes: [NXDOMAIN], validate_authority_rrs: {{fail_if_none_matches_regexp: ['SOA']}}}}}}
"
    )
}

/// Module, target, and whether the probe has to work.
fn cases(servers: &Servers) -> Vec<(&'static str, String, bool)> {
    let http = |path: &str| format!("http://{}{path}", servers.http);
    let https = |server: SocketAddr| format!("https://{server}/");
    let at = |server: SocketAddr| server.to_string();
    vec![
        ("http_2xx", http("/"), true),
        ("http_2xx", at(servers.http), true),
        ("http_2xx", http("/fail"), false),
        ("http_2xx", http("/nowhere"), false),
        ("http_2xx", http("/near"), true),
        ("http_2xx", http("/far"), true),
        ("http_2xx", http("/loop"), false),
        ("http_2xx", http("/cookie"), true),
        ("http_2xx", http("/streamed"), true),
        ("http_2xx", http("/login"), false),
        ("http_2xx", at(servers.closed), false),
        ("http_2xx", at(servers.banner), false),
        ("http_quick", at(servers.silent), false),
        ("http_500", http("/fail"), true),
        ("http_stay", http("/near"), true),
        ("http_body", http("/"), true),
        ("http_body", http("/fail"), false),
        ("http_body_bad", http("/"), false),
        ("http_header", http("/"), true),
        ("http_header_bad", http("/"), false),
        ("http_post", http("/echo"), true),
        ("http_login", http("/login"), true),
        ("http_packed", http("/packed"), true),
        ("http_packed", http("/"), false),
        ("http_little", http("/"), false),
        ("http_1", https(servers.tls), true),
        ("http_not_ssl", http("/"), false),
        ("http_ssl", https(servers.tls), false),
        ("https", https(servers.tls), true),
        ("https", https(servers.expired), false),
        ("https", https(servers.self_signed), false),
        ("https_own", https(servers.self_signed), true),
        ("https_name", https(servers.tls), true),
        ("https_bad_name", https(servers.tls), false),
        ("https_any", https(servers.expired), true),
        ("https_any", https(servers.self_signed), true),
        ("https", https(servers.banner), false),
        ("tcp_connect", at(servers.banner), true),
        ("tcp_connect", at(servers.closed), false),
        ("tcp_connect", "127.0.0.1".to_owned(), false),
        ("tcp_tls", at(servers.tls), true),
        ("tcp_tls", at(servers.self_signed), false),
        ("tcp_tls_12", at(servers.tls), true),
        ("tcp_banner", at(servers.banner), true),
        ("tcp_banner_bad", at(servers.banner), false),
        ("tcp_starttls", at(servers.starttls), true),
        ("icmp", "127.0.0.1".to_owned(), true),
        ("icmp_sized", "127.0.0.1".to_owned(), true),
        ("dns_a", at(servers.dns), true),
        ("dns_soa", at(servers.dns), true),
        ("dns_txt", at(servers.dns), true),
        ("dns_any", at(servers.dns), true),
        ("dns_bad", at(servers.dns), false),
        ("dns_none", at(servers.dns), false),
        ("dns_none_fine", at(servers.dns), true),
        ("dns_a", at(servers.closed), false),
        ("dns_tls", at(servers.dns_tls), true),
        ("dns_tls", at(servers.self_signed), false),
        ("https_proxied", https(servers.tls), true),
    ]
}

#[tokio::test]
async fn probes_answer_as_blackbox_exporter_does() {
    let servers = Servers::start().await;
    let modules = modules(&servers);
    let file = servers.file("modules.yml");
    fs::write(&file, &modules).expect("written");
    let ours = service(&modules).await;
    let theirs = Exporter::start(&file).await;
    if theirs.is_none() {
        eprintln!("SKIPPED the comparison: prometheus-blackbox-exporter is not installed");
    }
    let mut faults = Vec::new();
    for (module, target, works) in cases(&servers) {
        let path = format!("/probe?module={module}&target={}", query(&target));
        let answer = fetch(ours.address, &path).await;
        let own = Families::read(&answer.body);
        assert_eq!(answer.status, 200, "{module} {target}: {}", answer.body);
        assert_eq!(
            own.value("probe_success"),
            Some(f64::from(u8::from(works))),
            "{module} {target}: {}",
            answer.body
        );
        let Some(theirs) = &theirs else { continue };
        let other = fetch(theirs.address, &path).await;
        assert_eq!(answer.content_type, other.content_type, "{module} {target}");
        let other = Families::read(&other.body);
        faults
            .extend(differences(&own, &other).into_iter().map(|fault| format!("{module} {target}: {fault}")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn what_cannot_be_probed_is_answered_as_blackbox_exporter_does() {
    let servers = Servers::start().await;
    let modules = modules(&servers);
    let file = servers.file("modules.yml");
    fs::write(&file, &modules).expect("written");
    let ours = service(&modules).await;
    let theirs = Exporter::start(&file).await;
    for (path, status) in [
        ("/probe?module=nonsense&target=x", 400),
        ("/probe?module=tcp_connect", 400),
        ("/probe?module=tcp_connect&target=", 400),
        ("/-/healthy", 200),
        ("/metrics", 200),
    ] {
        let answer = fetch(ours.address, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        let Some(theirs) = &theirs else { continue };
        let other = fetch(theirs.address, path).await;
        assert_eq!(answer.status, other.status, "{path}: {}", other.body);
        if status == 400 {
            assert_eq!(answer.body.trim_end(), other.body.trim_end(), "{path}");
        }
    }
}

#[tokio::test]
async fn the_debug_page_shows_the_way_and_no_secret() {
    let servers = Servers::start().await;
    let ours = service(&modules(&servers)).await;
    let target = query(&format!("http://{}/login", servers.http));
    let answer = fetch(ours.address, &format!("/probe?module=http_login&target={target}&debug=true")).await;
    for part in [
        "Logs for the probe:",
        "Dialing TCP",
        "Metrics that would have been returned:",
        "Module configuration:",
    ] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    assert!(!answer.body.contains("hush") && !answer.body.contains("dXNlcjpodXNo"), "{}", answer.body);
    assert!(answer.body.contains("<secret>"), "{}", answer.body);
}

/// What two answers differ in that they may not differ in.
fn differences(own: &Families, other: &Families) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, family) in &other.0 {
        let Some(own) = own.0.get(name) else {
            faults.push(format!("{name} is missing"));
            continue;
        };
        if own.kind != family.kind {
            faults.push(format!("{name} is a {}, not a {}", own.kind, family.kind));
        }
        let own: Vec<_> = own
            .series
            .iter()
            .map(|(labels, value)| {
                let labels: Vec<_> =
                    labels.iter().filter(|(label, _)| label != "serialnumber").cloned().collect();
                (labels, *value)
            })
            .collect();
        let theirs: Vec<_> = family
            .series
            .iter()
            .map(|(labels, value)| (labels.iter().cloned().collect::<Vec<_>>(), *value))
            .collect();
        let labels = |series: &[(Vec<(String, String)>, f64)]| {
            series.iter().map(|(labels, _)| labels.clone()).collect::<Vec<_>>()
        };
        if labels(&own) != labels(&theirs) {
            faults.push(format!("{name}: {:?} instead of {:?}", labels(&own), labels(&theirs)));
            continue;
        }
        if name.ends_with("_duration_seconds") || name.ends_with("_lookup_time_seconds") {
            continue;
        }
        for ((labels, own), (_, theirs)) in own.iter().zip(&theirs) {
            if (own - theirs).abs() > theirs.abs() * 1e-12 {
                faults.push(format!("{name}{labels:?} is {own}, not {theirs}"));
            }
        }
    }
    let more = own.0.keys().filter(|name| !other.0.contains_key(*name) && !NEWER.contains(&name.as_str()));
    faults.extend(more.map(|name| format!("{name} should not be there")));
    faults
}

#[test]
fn the_module_file_that_debian_ships_can_be_read() {
    let path = Path::new("/etc/prometheus/blackbox.yml");
    let Ok(text) = fs::read_to_string(path) else {
        return eprintln!("SKIPPED: prometheus-blackbox-exporter is not installed");
    };
    let modules = reach::blackbox::Modules::parse(&text).expect("read");
    assert!(modules.get("http_2xx").is_ok() && modules.get("icmp").is_ok());
}
