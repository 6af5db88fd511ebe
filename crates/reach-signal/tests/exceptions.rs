//! Real log excerpts and real stack traces, understood as their expectations say.

use std::{
    collections::BTreeMap,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use reach_core::signal::HostFrom;
use reach_signal::exception::{Counted, understand};
use serde_json::Value;

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

/// What is compared of an entry: class, host, address, port, count.
type Row = (String, Option<String>, Option<String>, Option<u64>, u64);

fn row(counted: &Counted) -> Row {
    let failure = &counted.failure;
    (
        failure.class.code().to_owned(),
        failure.host.clone(),
        failure.address.map(|address| address.to_string()),
        failure.port.map(u64::from),
        counted.count,
    )
}

fn expected_row(entry: &Value) -> Row {
    let text = |key: &str| entry[key].as_str().map(str::to_owned);
    (
        text("class").expect("a class"),
        text("host"),
        text("ip"),
        entry["port"].as_u64(),
        entry["count"].as_u64().expect("a count"),
    )
}

/// Our stable words for the prose of the expectations.
fn detail_word(prose: &str) -> Option<&str> {
    Some(match prose {
        "handshake-timeout"
        | "ENETUNREACH"
        | "EAI_AGAIN"
        | "during-tls-handshake"
        | "untrusted-ca"
        | "name-mismatch" => prose,
        "kernel gave up: ETIMEDOUT after all SYN retries (127 s with tcp_syn_retries=6)" => "ETIMEDOUT",
        "established connection lost: ETIMEDOUT on read" => "established-lost",
        "reached-google" => "json-body",
        "html-body: not an answer of the API (intercepted)" => "html-body",
        "waiting_for_connection = no connection could be made" => "waiting-for-connection",
        "closed-without-greeting (response: -1)" => "closed-without-greeting",
        "answered by the proxy, not by the destination" => "by-proxy",
        _ => return None,
    })
}

#[test]
fn every_excerpt_is_understood_exactly_as_expected() {
    let expected: Value =
        serde_json::from_slice(&fs::read(data("logs/expected.json")).expect("a file")).expect("JSON");
    let mut faults = Vec::new();
    for (name, file) in expected["files"].as_object().expect("files") {
        let bytes = fs::read(data("logs").join(name)).expect("a file");
        let found = understand(&bytes);
        let entries = file["entries"].as_array().expect("entries");
        let wanted: Vec<Row> = entries.iter().map(expected_row).collect();
        let rows: Vec<Row> = found.iter().map(row).collect();
        if rows != wanted {
            faults.push(format!("{name}:\n  wanted {wanted:#?}\n  found {rows:#?}"));
            continue;
        }
        for (entry, counted) in entries.iter().zip(&found) {
            let failure = &counted.failure;
            let mut wrong =
                |what: &str, found: String| faults.push(format!("{name}: {what} {} is {found}", entry[what]));
            if let Some(client) =
                entry["client"].as_str().filter(|&client| failure.client.as_deref() != Some(client))
            {
                wrong("client", format!("{:?} not {client}", failure.client));
            }
            if let Some(jdk) = entry["jdk"].as_str().filter(|&jdk| failure.jdk.as_deref() != Some(jdk)) {
                wrong("jdk", format!("{:?} not {jdk}", failure.jdk));
            }
            if let Some(prose) = entry["detail"].as_str()
                && let Some(word) = detail_word(prose)
                && failure.detail.as_deref() != Some(word)
            {
                wrong("detail", format!("{:?}", failure.detail));
            }
            if let Some(millis) = entry["timeout_ms"].as_u64()
                && failure.timeout.map(|timeout| timeout.as_millis()) != Some(millis.into())
            {
                wrong("timeout_ms", format!("{:?}", failure.timeout));
            }
            if let Some(status) = entry["status"].as_u64()
                && failure.status.map(u64::from) != Some(status)
            {
                wrong("status", format!("{:?}", failure.status));
            }
            if let Some(ips) = entry["ips"].as_array() {
                let mut ips: Vec<IpAddr> =
                    ips.iter().map(|ip| ip.as_str().expect("text").parse().expect("an address")).collect();
                ips.sort();
                if !failure.addresses.iter().copied().eq(ips) {
                    wrong("ips", format!("{:?}", failure.addresses));
                }
            }
            if let Some(local) = entry["local_ip"].as_str() {
                let local = format!("{local}:{}", entry["local_port"]);
                if failure.local.map(|at| at.to_string()) != Some(local) {
                    wrong("local_ip", format!("{:?}", failure.local));
                }
            }
            match entry["host_from"].as_str() {
                Some("context") if failure.host_from != Some(HostFrom::Context) => {
                    wrong("host_from", format!("{:?}", failure.host_from))
                }
                Some("exception") if failure.host_from != Some(HostFrom::Message) => {
                    wrong("host_from", format!("{:?}", failure.host_from))
                }
                _ => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What each outcome on the wire is for its client: class, and detail where the text tells.
fn outcome(outcome: &str, client: &str, jdk: &str) -> Option<(&'static str, &'static str)> {
    let old = jdk == "jdk11";
    Some(match (outcome, client) {
        ("drop" | "drop-all-4-addresses", "jnh") => ("connect-timeout", "connect-or-handshake"),
        ("drop" | "drop-all-4-addresses", _) => ("connect-timeout", ""),
        ("os-connect-timeout" | "arp-fail-on-last-router", _) => ("connect-timeout", "ETIMEDOUT"),
        // Its hidden retry destroys the reason.
        ("refused-no-listener" | "reject-rst" | "reject-icmp-port-unreachable", "jnh") if !old => {
            ("refused", "reason-lost")
        }
        ("refused-no-listener" | "reject-rst" | "reject-icmp-port-unreachable", _) => ("refused", ""),
        (
            "reject-icmp-admin-prohibited"
            | "reject-icmp-host-prohibited"
            | "reject-icmp-host-unreachable"
            | "local-route-unreachable",
            _,
        ) => ("unreachable", "EHOSTUNREACH"),
        ("reject-icmp-net-prohibited" | "reject-icmp-net-unreachable" | "no-route-at-all", _) => {
            ("unreachable", "ENETUNREACH")
        }
        ("local-route-prohibit", _) => ("unreachable", "EACCES"),
        ("local-route-blackhole", _) => ("unreachable", "EINVAL"),
        ("unknown-host" | "dns-nodata" | "dns-servfail" | "dns-timeout", _) => ("dns", "*"),
        ("broken-pipe", _) => ("reset", "broken-pipe"),
        // Nothing below TLS to handshake over.
        ("accept-then-silent", "socket") => ("read-timeout", ""),
        // No limit on the handshake: it hung until the server ended the connection.
        ("accept-then-silent", "ah5") => ("reset", "during-tls-handshake"),
        ("tls-silent-on-clienthello", "ah5") => ("tls", "eof-in-handshake"),
        ("accept-then-silent" | "tls-silent-on-clienthello", _) => ("tls", "handshake-timeout"),
        ("accept-then-reset" | "accept-then-close", "socket") => ("reset", ""),
        ("accept-then-close", "ssl" | "jnh" | "spring") => ("reset|tls", "*"),
        ("accept-then-close" | "tls-close-on-clienthello", _) => ("tls", "eof-in-handshake"),
        ("accept-then-reset" | "tls-reset-on-clienthello", _) => ("reset", "*"),
        ("tls-alert-handshake-failure", _) => ("tls", "alert:handshake_failure"),
        ("tls-alert-protocol-version", _) => ("tls", "alert:protocol_version"),
        ("tls-alert-unrecognized-name", _) => ("tls", "alert:unrecognized_name"),
        ("tls-expired", _) => ("tls", "expired"),
        ("tls-name-mismatch", _) => ("tls", "name-mismatch"),
        ("tls-untrusted-ca", _) => ("tls", "untrusted-ca"),
        ("tls-plain-http-blockpage", _) => ("tls", "plaintext"),
        ("tls-ok-then-silent", _) => ("read-timeout", ""),
        ("tls-ok-then-close" | "tls-ok-then-reset" | "tls-ok-truncated-body", _) => ("reset", "*"),
        ("http-403-blockpage" | "http-503" | "ok-401", "spring") => ("http", ""),
        _ => return None,
    })
}

#[test]
fn every_trace_of_every_client_is_one_failure_of_its_outcome() {
    let mut faults = Vec::new();
    let mut traces = 0;
    for jdk in ["jdk11", "jdk17"] {
        let mut names: Vec<_> = fs::read_dir(data("logs").join(jdk))
            .expect("a directory")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        names.sort();
        for path in names {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("text");
            let (what, client) = name.trim_end_matches(".txt").rsplit_once('.').expect("OUTCOME.CLIENT");
            let found = understand(text.as_bytes());
            let shown: Vec<_> = found
                .iter()
                .map(|counted| {
                    (
                        row(counted),
                        counted.failure.detail.clone(),
                        counted.failure.client.clone(),
                        counted.failure.jdk.clone(),
                    )
                })
                .collect();
            traces += 1;
            if text.lines().nth(1).is_some_and(|line| line.contains(" OK ")) {
                if !found.is_empty() {
                    faults.push(format!("{jdk}/{name}: nothing failed, and yet {shown:?}"));
                }
                continue;
            }
            let Some((class, detail)) = outcome(what, client, jdk) else {
                faults.push(format!("{jdk}/{name}: unknown outcome"));
                continue;
            };
            let [counted] = &found[..] else {
                faults.push(format!("{jdk}/{name}: not one failure but {shown:?}"));
                continue;
            };
            let failure = &counted.failure;
            let target = text
                .lines()
                .next()
                .and_then(|line| line.split("target=").nth(1))
                .and_then(|rest| rest.split(' ').next())
                .expect("a target");
            let (host, port) = target.rsplit_once(':').expect("a port");
            let right = class.split('|').any(|class| class == failure.class.code())
                && (detail == "*" || failure.detail.as_deref().unwrap_or_default() == detail)
                && counted.count == 1
                && (failure.host.as_deref() == Some(host)
                    || failure.address.is_some_and(|address| address.to_string() == host))
                && failure.port == port.parse().ok()
                && client_named(client).contains(&failure.client.as_deref())
                && failure.jdk.as_deref().is_none_or(|generation| fits(generation, jdk));
            if !right {
                faults.push(format!("{jdk}/{name}: {shown:?}"));
            }
        }
    }
    assert!(traces > 400, "{traces}");
    assert!(faults.is_empty(), "{} of {traces}:\n{}", faults.len(), faults.join("\n"));
}

fn client_named(client: &str) -> &'static [Option<&'static str>] {
    match client {
        "ah4" => &[Some("apache-hc4")],
        "ah5" => &[Some("apache-hc5")],
        "ah5a" => &[Some("apache-hc5-async")],
        "huc" => &[Some("jdk-httpurlconnection")],
        "jnh" => &[Some("java.net.http")],
        "ok" => &[Some("okhttp")],
        "netty" => &[Some("netty")],
        "spring" => &[Some("spring-resttemplate")],
        _ => &[Some("jdk-socket"), None],
    }
}

fn fits(generation: &str, jdk: &str) -> bool {
    let real: u32 = jdk.trim_start_matches("jdk").parse().expect("a number");
    match (generation.strip_prefix("<="), generation.strip_suffix('+'), generation.split_once('-')) {
        (Some(most), _, _) => real <= most.parse().expect("a number"),
        (_, Some(least), _) => real >= least.parse().expect("a number"),
        (_, _, Some((least, most))) => {
            (least.parse().expect("a number")..=most.parse().expect("a number")).contains(&real)
        }
        _ => generation.parse() == Ok(real),
    }
}

#[test]
fn classes_are_counted_over_a_whole_day_as_over_its_hours() {
    let names = [
        "01-founding-story-socketexception.log",
        "05-hc4-connect-jdk11.log",
        "35-go.log",
        "31-http-503-429.log",
    ];
    let mut text = Vec::new();
    let mut wanted = BTreeMap::new();
    for _ in 0..50 {
        for name in names {
            let bytes = fs::read(data("logs").join(name)).expect("a file");
            for counted in understand(&bytes) {
                let (class, host, address, port, count) = row(&counted);
                *wanted.entry((class, host, address, port)).or_insert(0) += count;
            }
            text.extend(bytes);
        }
    }
    let found: BTreeMap<_, _> = understand(&text)
        .iter()
        .map(row)
        .map(|(class, host, address, port, count)| ((class, host, address, port), count))
        .collect();
    assert_eq!(found, wanted);
}

/// Cases as text: `=== title`, a line `> class host address port client count detail` for each entry that is expected
/// (`-` stands for nothing, `*` for anything), then the excerpt. `\\e` stands for the escape character.
fn cases(file: &str) -> Vec<(String, Vec<String>, String)> {
    let text = fs::read_to_string(data("cases").join(file)).expect("text");
    let cases = text.split("=== ").skip(1).map(|case| {
        let (title, rest) = case.split_once('\n').expect("a title");
        let wanted = rest
            .lines()
            .take_while(|line| line.starts_with("> "))
            .map(|line| line[2..].to_owned())
            .collect::<Vec<_>>();
        let excerpt: String = rest
            .lines()
            .skip(wanted.len())
            .map(|line| line.replace("\\e", "\u{1b}").replace("\\q", "> ").replace("\\r", "\r") + "\n")
            .collect();
        (title.to_owned(), wanted, excerpt)
    });
    cases.collect()
}

fn said(counted: &Counted) -> Vec<String> {
    let failure = &counted.failure;
    let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let addresses: Vec<String> =
        failure.address.iter().chain(&failure.addresses).map(ToString::to_string).collect();
    vec![
        failure.class.code().to_owned(),
        text(failure.host.clone()),
        if addresses.is_empty() { "-".to_owned() } else { addresses.join(",") },
        text(failure.port.map(|port| port.to_string())),
        text(failure.client.clone()),
        counted.count.to_string(),
        text(failure.detail.clone()),
    ]
}

fn check(file: &str, least: usize) {
    let cases = cases(file);
    assert!(cases.len() >= least, "{file}: {} cases", cases.len());
    let mut faults = Vec::new();
    for (title, wanted, excerpt) in &cases {
        let found: Vec<Vec<String>> = understand(excerpt.as_bytes()).iter().map(said).collect();
        let fits = found.len() == wanted.len()
            && wanted.iter().zip(&found).all(|(wanted, found)| {
                let wanted: Vec<&str> = wanted.split_whitespace().collect();
                assert!((6..=7).contains(&wanted.len()), "{title}: {wanted:?}");
                wanted.iter().zip(found).all(|(&wanted, found)| wanted == "*" || wanted == found)
            });
        if !fits {
            let found: Vec<String> = found.iter().map(|found| found.join(" ")).collect();
            faults.push(format!(
                "{title}\n  wanted {}\n  found  {}",
                wanted.join("\n         "),
                found.join("\n         ")
            ));
        }
    }
    assert!(faults.is_empty(), "{file}: {} of {} cases\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn clients_of_the_jvm_are_understood() {
    check("jvm.txt", 30);
}

#[test]
fn clients_of_databases_and_queues_are_understood() {
    check("data.txt", 25);
}

#[test]
fn clients_in_other_languages_are_understood() {
    check("other.txt", 30);
}

#[test]
fn what_carries_and_cuts_lines_changes_nothing() {
    check("carried.txt", 20);
}

#[test]
fn harder_excerpts_are_understood() {
    check("hard.txt", 30);
}

#[test]
fn excerpts_of_many_more_sources_are_understood() {
    check("held.txt", 60);
}

#[test]
fn every_row_of_the_matrix_is_of_its_outcome_by_its_words_alone() {
    let table = fs::read_to_string(data("exception-matrix.tsv")).expect("text");
    let mut faults = Vec::new();
    for row in table.lines().skip(1) {
        let [what, client, jdk, result, chain] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let found = reach_signal::exception::short(chain);
        let class = found.as_ref().map(|failure| failure.class.code());
        let right = match outcome(what, client, jdk) {
            _ if result == "OK" => class.is_none(),
            None => false,
            Some((wanted, _)) => {
                // What only frames tell: that it was during a handshake, that there was a handshake at all.
                let silent = wanted == "tls"
                    && (chain.contains("Read timed out") && class == Some("read-timeout")
                        || chain.contains("HTTP connect timed out") && class == Some("connect-timeout"));
                // A client that lost the reason has no words for it.
                let lost = chain.contains("ConnectException: null") && class == Some("refused");
                // What the server does at the end of its patience.
                let reset = wanted == "tls" && chain.contains("onnection reset") && class == Some("reset");
                let closed =
                    wanted == "reset" && chain.contains("terminated the handshake") && class == Some("tls");
                let late = chain.contains("HTTP connect timed out") && class == Some("connect-timeout");
                // A bind that is forbidden says the same; only frames tell that it was a connect.
                let local = what.starts_with("local-route") && class.is_none();
                local
                    || silent
                    || lost
                    || reset
                    || closed
                    || late
                    || wanted.split('|').any(|wanted| class == Some(wanted))
            }
        };
        if !right {
            faults.push(format!("{row}: {class:?}"));
        }
    }
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn pasted_shell_sessions_are_understood() {
    check("shell.txt", 12);
}

#[test]
fn lines_that_only_look_like_failures_are_left_alone() {
    check("nothing.txt", 24);
}

#[test]
fn short_texts_of_an_apm_are_understood() {
    use reach_signal::exception::short;
    let cases = [
        ("java.net.SocketTimeoutException: Connect timed out", Some(("connect-timeout", None, None))),
        ("java.net.ConnectException: Connection refused", Some(("refused", None, None))),
        ("Connect timed out", Some(("connect-timeout", None, None))),
        ("Read timed out", Some(("read-timeout", None, None))),
        (
            "java.net.UnknownHostException: api.partner.example",
            Some(("dns", Some("api.partner.example"), None)),
        ),
        ("HTTP connect timed out", Some(("connect-timeout", None, None))),
        (
            "org.apache.http.conn.HttpHostConnectException: Connect to api.partner.example:443 [api.partner.example/192.0.2.1] failed: Connection refused",
            Some(("refused", Some("api.partner.example"), Some(443))),
        ),
        (
            "I/O error on POST request for \"https://pg.partner.example/pay\": Read timed out",
            Some(("read-timeout", Some("pg.partner.example"), Some(443))),
        ),
        ("java.net.SocketException: Connection reset", Some(("reset", None, None))),
        ("java.net.http.HttpTimeoutException: request timed out", Some(("read-timeout", None, None))),
        ("java.net.ConnectException", Some(("refused", None, None))),
        ("dial tcp 192.0.2.1:443: i/o timeout", Some(("connect-timeout", None, Some(443)))),
        ("connect ECONNREFUSED 192.0.2.1:443", Some(("refused", None, Some(443)))),
        ("warning slow sql, over 30000 ms", None),
        ("java.lang.NullPointerException", None),
        ("java.sql.SQLException: Lock wait timeout exceeded; try restarting transaction", None),
        ("", None),
    ];
    for (text, wanted) in cases {
        let failure = short(text);
        let found =
            failure.as_ref().map(|failure| (failure.class.code(), failure.host.as_deref(), failure.port));
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn a_record_that_was_settled_is_not_told_again_by_its_rest() {
    use reach_signal::exception::{Limits, Reader};
    let mut reader = Reader::new(Limits::default());
    reader.line("10:00:03.001 [w-1] ERROR Sender - POST https://pg.partner.example/pay");
    reader.line("com.acme.PayException: java.net.ConnectException: Connection refused");
    assert_eq!(reader.take().len(), 0);
    reader.settle();
    assert_eq!(reader.take().len(), 1);
    reader.line("\tat com.acme.Pay.send(Pay.java:3)");
    reader.line("Caused by: java.net.ConnectException: Connection refused");
    reader.line("\tat java.base/java.net.Socket.connect(Socket.java:633)");
    assert_eq!(reader.finish().len(), 0);
}

#[test]
fn a_failure_is_told_though_its_thread_never_logs_again() {
    use reach_signal::exception::{Limits, Reader};
    let mut reader = Reader::new(Limits::default());
    reader.line("10:00:03.001 [w-1] ERROR Sender - https://pg.partner.example/pay");
    reader.line("java.net.ConnectException: Connection refused");
    for number in 0..200 {
        reader.line(&format!("10:00:04.{number:03} [x-{}] INFO Other - busy", number % 7));
    }
    assert_eq!(reader.take().len(), 1);
    assert_eq!(reader.finish().len(), 0);
}

#[test]
fn what_is_logged_again_completes_what_was_told_wherever_the_text_ends() {
    let first = "10:00:03.001 [w-1] ERROR Sender - https://pg.partner.example/pay\n\
                 java.net.SocketTimeoutException: Read timed out\n";
    let again = "10:00:03.002 [w-1] ERROR Filter - failed\n\
                 com.acme.PayException: failed\n\
                 Caused by: java.net.SocketTimeoutException: Read timed out\n\
                 \tat java.net.SocketInputStream.socketRead0(Native Method)\n\
                 \tat java.lang.Thread.run(Thread.java:748)\n";
    for text in [format!("{first}{again}"), format!("{first}{again}10:00:09.000 [w-1] INFO Sender - sent\n")]
    {
        let found = understand(text.as_bytes());
        let [one] = &found[..] else { panic!("{found:?}") };
        assert_eq!((one.count, one.failure.jdk.as_deref()), (1, Some("8")), "{text}");
    }
}
