//! What holds for every diagnosis, however hostile the world that it came from.

mod common;

use std::{net::IpAddr, time::Duration};

use common::{FINISHED, STARTED, all, case, diagnosis, finding, ok};
use proptest::prelude::*;
use reach_core::model::*;
use reach_report::{Lang, Style, json, text};
use unicode_width::UnicodeWidthStr;

/// Foreign text: escape sequences, bidirectional controls, wide and combining characters, anything.
fn foreign() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[가-힣ㄱ-ㅎ一-龥ａ-ｚ ]{0,40}",
        "(\u{1b}\\[[0-9;]{0,4}[A-Za-z]|\u{9b}2J|\r|\n|\u{8}|\u{202e}|\u{2066}|\u{200d}|e\u{301}|👩|\u{fe0f}|⟨은/는⟩|x| ){0,20}",
    ]
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u16; 8]>().prop_map(IpAddr::from)]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(Verdict::ALL.to_vec())
}

fn tls_end() -> impl Strategy<Value = TlsEnd> {
    prop_oneof![
        Just(TlsEnd::Completed),
        (any::<u8>(), foreign()).prop_map(|(code, name)| TlsEnd::Alert(code, name)),
        Just(TlsEnd::Closed),
        Just(TlsEnd::Silent),
        prop::collection::vec(any::<u8>(), 0..64).prop_map(TlsEnd::NotTls),
        foreign().prop_map(TlsEnd::Incompatible),
    ]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    prop_oneof![
        (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(syns, flows, ms)| {
            Evidence::SynsUnanswered { syns, flows, over: Duration::from_millis(ms.into()) }
        }),
        (any::<(bool, u8, u8)>(), address(), any::<u32>()).prop_map(|((v6, kind, code), by, times)| {
            Evidence::IcmpReceived { error: IcmpError { v6, kind, code }, by, times }
        }),
        (foreign(), tls_end(), any::<u32>()).prop_map(|(name, ended, times)| Evidence::NameDies {
            name,
            ended,
            times
        }),
        (prop::option::of(foreign()), tls_end())
            .prop_map(|(name, ended)| Evidence::OtherNameAnswered { name, ended }),
        (foreign(), foreign(), foreign()).prop_map(|(subject, issuer, other)| Evidence::ChainRejected {
            distrust: vec![Distrust::Other(other), Distrust::WrongName],
            subject,
            issuer,
        }),
        (any::<u32>(), any::<u32>()).prop_map(|(lost, sent)| Evidence::LossMeasured { lost, sent }),
        prop::collection::vec(any::<u16>(), 0..60)
            .prop_map(|failing| Evidence::FlowsSplit { passing: vec![1], failing }),
    ]
}

fn location() -> impl Strategy<Value = Location> {
    let answer = prop_oneof![
        address().prop_map(TrailAnswer::Router),
        Just(TrailAnswer::Reached),
        Just(TrailAnswer::Reset),
        Just(TrailAnswer::Silence),
    ];
    (
        prop::option::of(address()),
        any::<u8>(),
        prop::option::of(address()),
        prop::option::of(address()),
        prop::collection::vec((any::<u8>(), answer), 0..12),
    )
        .prop_map(|(last_answering, ttl, by, next_on_open_path, trail)| Location {
            last_answering,
            ttl,
            by,
            next_on_open_path,
            control: None,
            trail: trail.into_iter().map(|(ttl, answer)| TrailHop { ttl, answer }).collect(),
        })
}

prop_compose! {
    fn endpoint()(
        address in address(),
        verdict in verdict(),
        confidence in any::<f64>(),
        counts in any::<[u16; 6]>(),
        rtt in prop::option::of(any::<u32>()),
        ended in prop::option::of(tls_end()),
        names in (foreign(), foreign(), foreign()),
        not_after in any::<i64>(),
        http in prop::option::of((any::<u16>(), foreign(), foreign())),
        location in prop::option::of(location()),
        evidence in prop::collection::vec(evidence(), 0..4),
    ) -> EndpointDiagnosis {
        let rtt = rtt.map(|micros| Duration::from_micros(micros.into()));
        let [attempts, succeeded, syns, lost, sent, received] = counts.map(u32::from);
        let (subject, issuer, version) = names;
        EndpointDiagnosis {
            endpoint: Endpoint { address, port: 443 },
            verdict,
            confidence,
            ping: PingSummary { sent, received, rtt, not_permitted: false },
            connect: ConnectSummary {
                attempts,
                succeeded,
                rtt,
                syns,
                syns_lost: lost,
                flows: vec![FlowTally { source_port: counts[0], syns, answered: lost }],
            },
            tls: ended.map(|ended| TlsResult {
                ended,
                took: rtt.unwrap_or_default(),
                version: Some(version.clone()),
                cipher: Some(version.clone()),
                alpn: Some(version),
                chain: vec![Certificate { subject, issuer, not_after, not_before: not_after, ..Default::default() }],
                distrust: vec![Distrust::UnknownIssuer],
                public_root: None,
            }),
            http: http.map(|(status, server, location)| HttpResult {
                ended: HttpEnd::Status(status),
                took: rtt.unwrap_or_default(),
                server: Some(server),
                location: Some(location),
                content_type: None,
            }),
            location,
            evidence,
            gaps: vec![Gap::PingNotPermitted],
        }
    }
}

prop_compose! {
    fn hostile()(
        endpoints in prop::collection::vec(endpoint(), 0..12),
        text in foreign(),
        alias in foreign(),
        host in foreign(),
        not_after in any::<i64>(),
        numbers in any::<(f64, f64, u32)>(),
        state in prop::sample::select(vec![
            State::Reachable, State::PartlyReachable, State::Unreachable, State::Unresolved, State::Inconclusive,
        ]),
    ) -> (Case, Diagnosis) {
        let mut case = case("fcm.googleapis.com:443");
        case.vantage.host = host;
        let addresses: Vec<String> =
            endpoints.iter().map(|endpoint| endpoint.endpoint.address.to_string()).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let mut diagnosis = diagnosis(&case, state, endpoints);
        let (estimated, share, number) = numbers;
        diagnosis.resolution.estimated = estimated;
        diagnosis.resolution.aliases = vec![(alias.clone(), text.clone())];
        diagnosis.resolution.error = Some(ResolutionError::ServFail);
        diagnosis.impact = vec![Impact {
            client: ClientModel::FirstAddress,
            failure_share: share,
            added_latency: Some(Duration::from_micros(number.into())),
        }];
        let about = |matter| finding(Severity::Error, &addresses, matter);
        diagnosis.findings = vec![
            about(Matter::PartialBlock { working: number, failing: 1, prefixes: vec![text.clone()] }),
            about(Matter::Intercepted { issuer: text.clone() }),
            about(Matter::WrongName { names: vec![text.clone(), alias] }),
            about(Matter::NameBlocked { name: text.clone() }),
            about(Matter::CertificateExpired { not_after }),
            about(Matter::CertificateExpiresSoon { not_after }),
            about(Matter::ProxyConfigured { variable: text.clone(), value: text.clone() }),
            about(Matter::PoolNotExhausted { seen: number, estimated }),
            about(Matter::UnknownIssuer { issuer: text, distrust: vec![Distrust::Expired] }),
        ];
        (case, diagnosis)
    }
}

fn is_dangerous(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn style() -> impl Strategy<Value = Style> {
    (40_usize..200, any::<bool>(), any::<bool>(), -50_000_i32..50_000).prop_map(
        |(width, ascii, korean, utc_offset_s)| Style {
            ascii,
            utc_offset_s,
            ..Style::plain(width, if korean { Lang::Ko } else { Lang::En })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_foreign_reaches_the_terminal_and_no_line_is_too_wide(examined in hostile(), style in style()) {
        let examined = [examined, common::story()];
        for text in [text::check(&examined, FINISHED, &style), text::resolve(&examined, FINISHED, &style)] {
            prop_assert!(!text.chars().any(is_dangerous), "{text:?}");
            for line in text.lines() {
                prop_assert!(line.width() <= style.width.max(60), "{} columns: {line}", line.width());
                prop_assert!(!line.ends_with(' '), "trailing space: {line:?}");
            }
        }
    }

    #[test]
    fn colour_changes_nothing_but_colour(examined in hostile(), style in style()) {
        let examined = [examined];
        let plain = text::check(&examined, FINISHED, &style);
        let colored = text::check(&examined, FINISHED, &Style { color: true, ..style });
        let mut stripped = String::new();
        let mut rest = colored.as_str();
        while let Some(start) = rest.find('\u{1b}') {
            stripped.push_str(&rest[..start]);
            let end = rest[start..].find('m').expect("the end of a sequence");
            rest = &rest[start + end + 1..];
        }
        stripped.push_str(rest);
        prop_assert_eq!(plain, stripped);
    }

    #[test]
    fn nothing_foreign_reaches_a_program_uncleaned(examined in hostile()) {
        let document = json::check(&[examined], STARTED, FINISHED, "0.1.0", Lang::En);
        fn walk(value: &serde_json::Value) -> bool {
            match value {
                serde_json::Value::String(text) => !text.chars().any(is_dangerous),
                serde_json::Value::Array(items) => items.iter().all(walk),
                serde_json::Value::Object(fields) => fields.values().all(walk),
                _ => true,
            }
        }
        prop_assert!(walk(&document), "{document}");
    }
}

/// The display column at which the verdict of each line of the address table begins.
fn verdict_columns(text: &str, names: &[&str]) -> Vec<usize> {
    text.lines()
        .filter(|line| line.starts_with("203.0.113.") || line.starts_with("198.51.100."))
        .filter(|line| !line.contains(": "))
        .filter_map(|line| {
            let start = names.iter().filter_map(|name| line.find(name)).min()?;
            Some(line[..start].width())
        })
        .collect()
}

#[test]
fn columns_of_the_address_table_line_up_in_both_languages() {
    let known: [(Lang, &[&str]); 2] =
        [(Lang::En, &["ok", "filtered"]), (Lang::Ko, &["정상", "무응답 차단 추정"])];
    for (lang, names) in known {
        for width in [60, 80, 120] {
            let style = Style::plain(width, lang);
            let text = text::check(&[common::story()], FINISHED, &style);
            let columns = verdict_columns(&text, names);
            assert_eq!(columns.len(), 8, "{text}");
            assert!(columns.iter().all(|column| *column == columns[0]), "{columns:?}\n{text}");
        }
    }
}

#[test]
fn english_keeps_to_ascii_when_asked_to() {
    for (name, examined) in all().into_iter().filter(|(name, _)| *name != "intercepted") {
        let style = Style { ascii: true, ..Style::plain(80, Lang::En) };
        let text = text::check(&[examined], FINISHED, &style);
        assert!(text.is_ascii(), "{name}: {text}");
    }
}

#[test]
fn failing_addresses_are_never_folded_below_32() {
    let case = case("storage.example.com:443");
    let control = "198.51.100.1";
    let mut endpoints: Vec<EndpointDiagnosis> =
        (1..=31).map(|n| common::filtered(&format!("203.0.113.{n}"), control)).collect();
    endpoints.extend((1..=40).map(|n| ok(&format!("198.51.100.{n}"), 443)));
    let diagnosis = diagnosis(&case, State::PartlyReachable, endpoints);
    let text = text::check(&[(case, diagnosis)], FINISHED, &Style::plain(100, Lang::En));
    for n in 1..=31 {
        assert!(text.lines().any(|line| line.starts_with(&format!("203.0.113.{n} "))), "{n}\n{text}");
    }
    assert!(text.contains("…and 37 more alike (ok)"), "{text}");
}
