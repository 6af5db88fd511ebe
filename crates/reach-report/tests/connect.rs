//! What `reach connect` shows: hostile servers cannot act on a terminal, both languages are spoken, lines fit.

use std::{net::IpAddr, time::Duration};

use reach_core::{
    Time,
    judge::judge,
    model::{
        After, Answer, Case, Certificate, Connect, Connected, Distrust, Effort, Endpoint, Exchange,
        Exchanged, HttpEnd, HttpResult, IcmpError, Inability, Observation, Obstacle, Outcome, Plan, Probe,
        ProbeId, ProxyEnd, ProxyProtocol, ProxyResult, Refusal, Rejection, Silence, StartTlsEnd,
        StartTlsResult, Then, TlsEnd, TlsHello, TlsResult, Traffic, Vantage,
    },
};
use reach_report::{
    Lang, Style,
    connect::{Attempted, Peer, ProxyWay, Row, Way},
    json, text,
};
use serde_json::Value;

const EVIL: &str = "evil\u{1b}[2J\u{202e}\r\nend";
const STARTED: Time = Time::from_micros(1_795_364_403_000_000);

fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn connected(after: After) -> Connected {
    Connected {
        rtt: Duration::from_micros(12_300),
        syns: 2,
        source: "198.51.100.7:40000".parse().expect("an address"),
        after,
    }
}

fn tls(ended: TlsEnd, distrust: Vec<Distrust>) -> TlsResult {
    TlsResult {
        ended,
        took: Duration::from_millis(31),
        version: Some("TLSv1.3".to_owned()),
        cipher: Some("TLS_AES_128_GCM_SHA256".to_owned()),
        alpn: Some(EVIL.to_owned()),
        chain: vec![Certificate {
            subject: format!("CN={EVIL}"),
            issuer: format!("CN={EVIL}"),
            names: vec![EVIL.to_owned()],
            not_before: 0,
            not_after: 1_795_364_403 + 41 * 86_400 + 5,
            sha256: "ab".repeat(32),
        }],
        distrust,
        public_root: Some(false),
    }
}

fn exchanged(change: impl FnOnce(&mut Exchanged)) -> Outcome {
    let mut exchanged = Exchanged {
        connected: connected(After::Spoke(EVIL.into())),
        proxy: None,
        starttls: None,
        tls: Some(tls(TlsEnd::Completed, Vec::new())),
        http: None,
        traffic: Traffic::default(),
    };
    change(&mut exchanged);
    Outcome::Answered(Answer::Exchanged(Box::new(exchanged)))
}

/// Every way in which a try can end, with the word that tells it in English.
fn outcomes() -> Vec<(Outcome, &'static str)> {
    let icmp = |kind, code| {
        Outcome::Rejected(Rejection {
            how: Refusal::Icmp(IcmpError { v6: false, kind, code }),
            by: Some([10, 70, 0, 1].into()),
            rtt: Duration::ZERO,
            reply_ttl: None,
            quote: None,
        })
    };
    let reset = Outcome::Rejected(Rejection {
        how: Refusal::Reset,
        by: None,
        rtt: Duration::ZERO,
        reply_ttl: None,
        quote: None,
    });
    let unable = |why, errno| Outcome::Unable(Inability { why, errno: Some(errno) });
    let silent = |refused_here| Outcome::Silent(Silence { packets: 4, refused_here });
    let plain = |after| Outcome::Answered(Answer::Connected(connected(after)));
    let proxied = |ended| exchanged(|it| it.proxy = Some(ProxyResult { ended, took: Duration::ZERO }));
    let starting = |ended| {
        exchanged(|it| {
            it.starttls = Some(StartTlsResult { ended, greeting: EVIL.to_owned(), took: Duration::ZERO });
        })
    };
    let http = |ended| {
        exchanged(|it| {
            it.http = Some(HttpResult {
                ended,
                took: Duration::ZERO,
                server: Some(EVIL.to_owned()),
                location: None,
                content_type: None,
            });
        })
    };
    vec![
        (plain(After::Spoke(EVIL.into())), "connected"),
        (plain(After::Closed), "closed by the other side"),
        (plain(After::Reset), "reset without a word"),
        (reset, "RST"),
        (icmp(3, 13), "prohibited: ICMP type 3 code 13"),
        (icmp(3, 1), "unreachable: ICMP type 3 code 1"),
        (silent(false), "4 SYNs unanswered"),
        (silent(true), "blocked on this machine"),
        (unable(Obstacle::NoRoute, 101), "ENETUNREACH"),
        (unable(Obstacle::ForbiddenLocally, 1), "EPERM"),
        (proxied(ProxyEnd::Status(403, EVIL.to_owned())), "HTTP 403"),
        (proxied(ProxyEnd::Status(407, EVIL.to_owned())), "HTTP 407"),
        (proxied(ProxyEnd::Reply(2)), "SOCKS reply 2"),
        (proxied(ProxyEnd::NotSpoken(EVIL.into())), "another protocol"),
        (starting(StartTlsEnd::Refused(EVIL.to_owned())), "refuses TLS"),
        (starting(StartTlsEnd::NotOffered), "does not offer TLS"),
        (starting(StartTlsEnd::NotSpoken(EVIL.into())), "another protocol"),
        (exchanged(|it| it.tls = Some(tls(TlsEnd::NotTls(EVIL.into()), Vec::new()))), "not TLS"),
        (
            exchanged(|it| it.tls = Some(tls(TlsEnd::Completed, vec![Distrust::Other(EVIL.to_owned())]))),
            "not trusted",
        ),
        (http(HttpEnd::Status(503)), "HTTP 503"),
        (http(HttpEnd::NotHttp(EVIL.into())), "not HTTP"),
    ]
}

fn observation(outcome: Outcome, number: u32) -> Observation {
    let endpoint = Endpoint { address: address(1), port: 443 };
    let probe = match outcome {
        Outcome::Answered(Answer::Exchanged(_)) => Probe::Exchange(Exchange {
            endpoint,
            proxy: None,
            starttls: None,
            source_port: None,
            max_segment: None,
            data_ttl: None,
            connect_timeout: Duration::from_secs(3),
            read_timeout: Duration::from_secs(3),
            tls: Some(TlsHello { server_name: None, verify: "a.example".to_owned() }),
            http: None,
            listen: Duration::ZERO,
        }),
        _ => Probe::Connect(Connect {
            endpoint,
            source_port: 0,
            ttl: None,
            min_ttl: None,
            timeout: Duration::from_secs(3),
            then: Then::Listen(Duration::from_secs(1)),
            crowd: 1,
        }),
    };
    let done = STARTED + Duration::from_millis(3_200);
    Observation { id: ProbeId(number), probe, outcome, sent: STARTED, done }
}

fn attempted(outcomes: Vec<Outcome>, way: Way, repeat: u32) -> Attempted {
    let case = Case {
        target: "a.example:443".parse().expect("a target"),
        vantage: Vantage { host: "here".to_owned(), ..Vantage::default() },
        plan: Plan::new(Effort::Normal, 7),
        started: STARTED,
    };
    let mut names = judge(&case, &[]);
    names.doubt = None;
    let rows = (1..)
        .zip(outcomes)
        .map(|(last, outcome)| Row {
            peer: Peer::Address(address(last)),
            tries: (0..repeat).map(|number| observation(outcome.clone(), number)).collect(),
        })
        .collect();
    Attempted { case, names, way, starttls: None, repeat, rows }
}

fn through_proxy() -> Way {
    Way::Proxy(ProxyWay {
        url: format!("http://{EVIL}:3128"),
        protocol: ProxyProtocol::Http,
        endpoint: Some("192.0.2.9:3128".parse().expect("an address")),
        variable: Some("HTTPS_PROXY".to_owned()),
    })
}

fn assert_harmless(text: &str) {
    let harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!text.contains(harmful), "{text:?}");
}

#[test]
fn each_way_to_end_is_told_in_its_own_words_and_nothing_acts_on_the_terminal() {
    for (outcome, words) in outcomes() {
        for way in [Way::Direct, through_proxy()] {
            let single = [attempted(vec![outcome.clone()], way.clone(), 1)];
            let english = text::connect(&single, STARTED, &Style::plain(500, Lang::En));
            assert!(english.contains(words), "{words}: {english}");
            let korean = text::connect(&single, STARTED, &Style::plain(100, Lang::Ko));
            assert!(korean.contains(|c: char| ('가'..='힣').contains(&c)), "{korean}");
            assert!(!korean.contains('⟨'), "{korean}");
            let line = text::connect_try(
                &single[0],
                &single[0].rows[0].peer,
                3,
                &single[0].rows[0].tries[0],
                &Style::plain(200, Lang::En),
            );
            assert!(line.contains("#3") && line.contains("192.0.2.1"), "{line}");
            [english, korean, line].iter().for_each(|text| assert_harmless(text));
        }
    }
}

#[test]
fn tables_fit_their_width_and_say_nothing_harmful() {
    let all: Vec<Outcome> = outcomes().into_iter().map(|(outcome, _)| outcome).collect();
    for repeat in [1, 3] {
        for lang in Lang::ALL {
            for width in [60, 80, 120] {
                let shown = text::connect(
                    &[attempted(all.clone(), through_proxy(), repeat)],
                    STARTED,
                    &Style::plain(width, lang),
                );
                assert_harmless(&shown);
                for line in shown.lines() {
                    let wide = |c: char| if ('가'..='힣').contains(&c) { 2 } else { 1 };
                    assert!(line.chars().map(wide).sum::<usize>() <= width, "{width}: {line}");
                }
            }
        }
    }
}

#[test]
fn a_certificate_tells_its_days() {
    let shown = text::connect(
        &[attempted(vec![exchanged(|_| {})], Way::Direct, 1)],
        STARTED,
        &Style::plain(300, Lang::En),
    );
    assert!(shown.contains("41 days left") && shown.contains(", trusted"), "{shown}");
    let later = STARTED + Duration::from_secs(43 * 86_400);
    let shown = text::connect(
        &[attempted(vec![exchanged(|_| {})], Way::Direct, 1)],
        later,
        &Style::plain(300, Lang::En),
    );
    assert!(shown.contains("expired 2 days ago"), "{shown}");
}

#[test]
fn the_document_is_harmless_and_complete() {
    let all: Vec<Outcome> = outcomes().into_iter().map(|(outcome, _)| outcome).collect();
    let count = all.len();
    let document = json::connect(&[attempted(all, through_proxy(), 2)], STARTED, STARTED, "0", Lang::En);
    fn look(value: &Value) {
        match value {
            Value::String(text) => {
                assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}")
            }
            Value::Array(items) => items.iter().for_each(look),
            Value::Object(fields) => fields.values().for_each(look),
            _ => {}
        }
    }
    look(&document);
    let rows = document["targets"][0]["endpoints"].as_array().expect("rows");
    assert_eq!(rows.len(), count);
    assert!(rows.iter().all(|row| row["attempts"].as_array().map(Vec::len) == Some(2)));
    let range = &rows[0];
    assert!(range["share_low"].as_f64() <= range["share"].as_f64(), "{range}");
}
