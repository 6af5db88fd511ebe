//! What holds for all paths, however hostile the routers, resolvers and tables that tell of them.

mod paths;

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use paths::{FINISHED, STARTED, of};
use proptest::prelude::*;
use reach_core::model::*;
use reach_report::{
    Lang, Style,
    trace::{self, Comparison, Form, Labels, Origin, Trace},
};
use unicode_width::UnicodeWidthStr;

/// Foreign text that tries to get out of what it is put into.
fn foreign() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[가-힣一-龥ａ-ｚ ]{0,40}",
        "(\u{1b}\\[[0-9;]{0,4}[A-Za-z]|\u{9b}2J|\r|\n|\u{202e}|\u{200d}|\u{ffff}|\\\\|\\\\n|\"|'|<|>|&|]]>|-->|</text>|<script>|x| ){0,20}",
    ]
}

fn address() -> impl Strategy<Value = IpAddr> {
    // Few of them, so that they meet.
    prop_oneof![
        8 => (0_u8..6).prop_map(|n| IpAddr::from([10, 70, 0, n])),
        1 => any::<[u16; 8]>().prop_map(IpAddr::from),
    ]
}

fn reply() -> impl Strategy<Value = ReplyKind> {
    prop_oneof![
        6 => Just(ReplyKind::TimeExceeded),
        1 => Just(ReplyKind::Reached),
        1 => Just(ReplyKind::Reset),
        1 => any::<(bool, u8, u8)>()
            .prop_map(|(v6, kind, code)| ReplyKind::Icmp(IcmpError { v6, kind, code })),
    ]
}

prop_compose! {
    fn responder()(
        address in address(),
        reply in reply(),
        counts in any::<(u16, u16)>(),
        rtts in prop::collection::vec(any::<u32>(), 0..6),
        labels in prop::collection::vec(any::<(u32, u8, bool, u8)>(), 0..3),
        name in foreign(),
    ) -> Responder {
        Responder {
            address,
            reply,
            flows: vec![1, 2],
            sent: counts.0.into(),
            received: counts.1.into(),
            rtts: rtts.into_iter().map(|micros| Duration::from_micros(micros.into())).collect(),
            reply_ttl: Some(64),
            labels: labels
                .into_iter()
                .map(|(label, class, bottom, ttl)| MplsLabel { label, class, bottom, ttl })
                .collect(),
            interfaces: vec![RouterInterface {
                role: InterfaceRole::NextHop,
                index: Some(1),
                address: None,
                name: Some(name),
                mtu: None,
            }],
        }
    }
}

prop_compose! {
    fn route()(
        end in address(),
        hops in prop::collection::vec(prop::collection::vec(responder(), 0..4), 0..8),
        links in prop::collection::vec(
            (any::<u8>(), prop::option::of(address()), prop::option::of(address())), 0..12),
        near_links in prop::collection::vec(
            (0_u8..9, prop::option::of(address()), prop::option::of(address())), 0..12),
        distance in prop::option::of(0_u8..10),
        stopped in prop::option::of(prop::sample::select(vec![
            Stopped::Silent, Stopped::Prohibited, Stopped::Unreachable, Stopped::Refused,
            Stopped::ResetByPath, Stopped::Loop,
        ])),
        by in prop::option::of(address()),
        first in 0_u8..3,
        loss in any::<f64>(),
        numbers in any::<(u8, u16, u32)>(),
    ) -> Route {
        let hops = (first.max(1)..).zip(hops).map(|(ttl, responders)| Hop {
            ttl,
            sent: 9,
            received: 4,
            balancing: (responders.len() > 1).then_some(Balancing::PerPacket),
            responders,
            loss: HopLoss::Forward { share: loss },
            complete: false,
        });
        Route {
            endpoint: Endpoint { address: end, port: 443 },
            protocol: TraceProtocol::Udp,
            distance,
            stopped,
            by,
            hops: hops.collect(),
            links: links
                .into_iter()
                .chain(near_links)
                .map(|(ttl, from, to)| Link { ttl, from, to, flows: vec![1] })
                .collect(),
            flows: vec![FlowPath { flow: numbers.1, ..FlowPath::default() }],
            confidence: Confidence { level: loss, whole_trace: true },
            mtu: Some(PathMtu {
                mtu: numbers.1,
                to_endpoint: false,
                packets: TraceProtocol::Icmp,
                limits: vec![MtuLimit { ttl: numbers.0, mtu: numbers.1, by }],
            }),
            remarks: vec![
                Remark::BadMember {
                    ttl: 2,
                    member: by,
                    after: by,
                    flows: vec![1, 2, 3],
                    lost: loss,
                    others_lost: loss,
                },
                Remark::Rewritten { ttl: numbers.0, field: Field::Window, was: numbers.2, is: 0 },
            ],
            unable: None,
            packets: numbers.2,
        }
    }
}

fn labels() -> impl Strategy<Value = Labels> {
    let names = prop::collection::btree_map(address(), foreign(), 0..6);
    let origins = prop::collection::btree_map(
        address(),
        (any::<u32>(), foreign()).prop_map(|(asn, owner)| Origin { asn, owner }),
        0..6,
    );
    (names, origins).prop_map(|(names, origins): (BTreeMap<_, _>, BTreeMap<_, _>)| Labels { names, origins })
}

fn hostile() -> impl Strategy<Value = (Trace, Labels)> {
    (prop::collection::vec(route(), 0..6), labels(), foreign()).prop_map(|(routes, labels, host)| {
        let mut trace = of("fcm.example.com", routes);
        trace.case.target.host = Host::Name(host.clone());
        trace.case.target.text.clone_from(&host);
        trace.case.vantage.host = host;
        (trace, labels)
    })
}

/// Nothing in it acts on a terminal, and no line is too wide.
fn is_decent(text: &str, width: usize) {
    for line in text.lines() {
        assert!(line.width() <= width, "{} columns: {line:?}", line.width());
        assert!(!line.chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}')), "{line:?}");
    }
}

/// Every tag is one of ours, every entity is one of XML's, and every character may stand in a document.
fn is_sound_xml(text: &str) {
    const TAGS: [&str; 12] = [
        "<svg ",
        "</svg>",
        "<title>",
        "</title>",
        "<desc>",
        "</desc>",
        "<polyline ",
        "<rect ",
        "</rect>",
        "<circle ",
        "<text ",
        "</text>",
    ];
    const ENTITIES: [&str; 5] = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        assert!(c != '<' || TAGS.iter().any(|tag| rest.starts_with(tag)), "{:.40}", rest);
        assert!(c != '&' || ENTITIES.iter().any(|entity| rest.starts_with(entity)), "{:.40}", rest);
        assert!(c == '\n' || !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'), "{c:?}");
    }
    for element in ["svg", "title", "desc", "text"] {
        assert_eq!(
            text.matches(&format!("<{element}")).count(),
            text.matches(&format!("</{element}>")).count()
        );
    }
}

/// Every string ends on its line, and nothing else stands outside of strings than what we write.
fn is_sound_dot(text: &str) {
    for line in text.lines() {
        let (mut inside, mut escaped, mut outside) = (false, false, String::new());
        for c in line.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if inside => escaped = true,
                '"' => inside = !inside,
                c if !inside => outside.push(c),
                _ => {}
            }
        }
        assert!(!inside && !escaped, "{line}");
        assert!(outside.chars().all(|c| c.is_ascii_alphanumeric() || " {}[]=,;->_.".contains(c)), "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn text_is_decent((trace, labels) in hostile(), width in 60_usize..120, ascii: bool) {
        for lang in Lang::ALL {
            let style = Style { ascii, ..Style::plain(width, lang) };
            for form in [Form::Fitting, Form::Each] {
                is_decent(&trace::text(std::slice::from_ref(&trace), &labels, form, &style), width);
            }
            let parting = Parting { common: Some((1, vec![])), parts: Some(2) };
            is_decent(&trace::compare(&trace, (0, 1), &parting, &labels, &style), width);
        }
    }

    #[test]
    fn pictures_cannot_be_broken_out_of((trace, labels) in hostile()) {
        let traces = [trace];
        is_sound_xml(&trace::svg(&traces, &labels, Lang::En));
        is_sound_dot(&trace::dot(&traces, &labels, Lang::Ko));
    }

    #[test]
    fn every_address_stands_in_every_form((trace, labels) in hostile()) {
        let traces = [trace];
        let style = Style::plain(100, Lang::En);
        let shown = [
            trace::text(&traces, &labels, Form::Fitting, &style),
            trace::svg(&traces, &labels, Lang::En),
            trace::dot(&traces, &labels, Lang::En),
        ];
        for route in &traces[0].routes {
            let address = route.endpoint.address.to_string();
            for text in &shown {
                prop_assert!(text.contains(&address), "{} is missing in {}", address, text);
            }
        }
    }

    #[test]
    fn documents_are_clean((trace, labels) in hostile()) {
        let comparison = Comparison {
            trace: 0,
            pair: (0, 1),
            parting: Parting { common: None, parts: Some(1) },
        };
        let document =
            trace::json(&[trace], &labels, Some(&comparison), STARTED, FINISHED, "0.1.0", Lang::Ko);
        let text = document.to_string();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        prop_assert!(!text.chars().any(char::is_control));
    }
}

/// Fifty routers and more make a picture whose boxes do not lie on each other.
#[test]
fn large_pictures_are_readable() {
    let trace = paths::pool();
    let svg = trace::svg(&[trace], &paths::labels(), Lang::En);
    let number = |line: &str, name: &str| -> f64 {
        let rest = line.split(&format!(" {name}=\"")).nth(1).expect("an attribute");
        rest.split('"').next().expect("a value").parse().expect("a number")
    };
    let all: Vec<[f64; 4]> = svg
        .lines()
        .filter(|line| line.starts_with("<rect") && line.contains(" x="))
        .map(|line| ["x", "y", "width", "height"].map(|name| number(line, name)))
        .collect();
    // A box with a border is one inside of another.
    let within = |a: &[f64; 4], b: &[f64; 4]| {
        b[0] < a[0] && b[1] < a[1] && a[0] + a[2] < b[0] + b[2] && a[1] + a[3] < b[1] + b[3]
    };
    let boxes: Vec<[f64; 4]> = all.iter().copied().filter(|a| !all.iter().any(|b| within(a, b))).collect();
    assert!(boxes.len() > 20);
    for (place, a) in boxes.iter().enumerate() {
        for b in &boxes[place + 1..] {
            let apart =
                a[0] + a[2] <= b[0] || b[0] + b[2] <= a[0] || a[1] + a[3] <= b[1] || b[1] + b[3] <= a[1];
            assert!(apart, "{a:?} {b:?}");
        }
    }
}
