//! What the tests draw.

use std::{net::IpAddr, time::Duration};

use reach_core::{
    Time,
    model::{
        ConnectSummary, Diagnosis, Endpoint, EndpointDiagnosis, Location, PingSummary, TrailAnswer, TrailHop,
        Verdict,
    },
    watch::Reason,
};

use super::*;

/// 2026-11-23 14:00:00 UTC.
const AT: u64 = 1_795_442_400_000_000;
const MINUTE: u64 = 60_000_000;

fn window(minutes: u64) -> Window {
    Window { from: Time::from_micros(AT), until: Time::from_micros(AT + minutes * MINUTE), offset_s: 32_400 }
}

fn incident() -> Mark {
    Mark {
        from: Time::from_micros(AT + 20 * MINUTE),
        until: Some(Time::from_micros(AT + 45 * MINUTE)),
        label: "#12".to_owned(),
        link: Some("/incident/12".to_owned()),
    }
}

/// Four of sixteen addresses are blocked for a while, one loses packets.
pub(super) fn heat() -> HeatMap {
    let mut map = HeatMap::new("fcm.example.com".to_owned(), 900.0, window(60), Duration::from_secs(60));
    map.rows = (11..27_u64)
        .map(|number| {
            let cells = (0..60_u64).map(|minute| {
                let failed = match (number, minute) {
                    (13 | 17 | 21 | 25, 20..45) => 6,
                    (15, _) => (minute * 7 + number) % 3,
                    _ => 0,
                };
                if (50..54).contains(&minute) {
                    return HeatCell::default();
                }
                if number == 26 && minute < 8 {
                    return HeatCell { unable: 6, ..HeatCell::default() };
                }
                HeatCell { tries: 6, failed, unable: 0, reason: (failed > 0).then_some(Reason::Timeout) }
            });
            HeatRow {
                label: format!("203.0.113.{number}"),
                note: if number == 15 { "패킷 손실".to_owned() } else { "ok".to_owned() },
                link: Some(format!("/target/1?address=203.0.113.{number}")),
                cells: cells.collect(),
            }
        })
        .collect();
    map.marks = vec![incident()];
    map.gaps = vec![(Time::from_micros(AT + 50 * MINUTE), Time::from_micros(AT + 54 * MINUTE))];
    map
}

/// An hour with a slower part, failures, and a hole.
pub(super) fn smoke() -> Smoke {
    let points = (0..60_u64)
        .filter(|minute| !(50..54).contains(minute))
        .map(|minute| {
            let base = if (20..45).contains(&minute) { 9_000 } else { 3_000 } + minute * 137 % 700;
            let time = |factor: u64| Duration::from_micros(base * factor / 100);
            SmokePoint {
                at: Time::from_micros(AT + minute * MINUTE),
                tries: 96,
                failed: if (20..45).contains(&minute) { 24 + minute % 5 } else { 0 },
                latency: Some(Percentiles {
                    p5: time(80),
                    p25: time(92),
                    p50: time(100),
                    p75: time(115),
                    p95: time(190 + minute % 4 * 60),
                }),
            }
        })
        .collect();
    Smoke {
        title: "fcm.example.com".to_owned(),
        width: 900.0,
        window: window(60),
        step: Duration::from_secs(60),
        points,
        marks: vec![incident()],
        gaps: vec![(Time::from_micros(AT + 50 * MINUTE), Time::from_micros(AT + 54 * MINUTE))],
    }
}

/// Two resolvers, of which one gives an address that the other does not.
pub(super) fn pool() -> PoolChart {
    let at = |minute: u64| Time::from_micros(AT + minute * MINUTE);
    let span =
        |resolver, from, until: Option<u64>| PoolSpan { resolver, from: at(from), until: until.map(at) };
    let row = |number: u64, note: &str, spans| PoolRow {
        label: format!("203.0.113.{number}"),
        note: note.to_owned(),
        link: None,
        spans,
    };
    PoolChart {
        title: "fcm.example.com".to_owned(),
        width: 900.0,
        window: window(240),
        resolvers: vec!["192.0.2.53".to_owned(), "198.51.100.53".to_owned()],
        rows: vec![
            row(11, "ok", vec![span(Some(0), 0, None), span(Some(1), 0, None)]),
            row(
                12,
                "ok",
                vec![span(Some(0), 0, Some(90)), span(Some(1), 10, Some(60)), span(Some(1), 100, None)],
            ),
            row(13, "gone", vec![span(Some(0), 0, Some(60))]),
            row(14, "down", vec![span(Some(1), 120, None)]),
            row(15, "ok", vec![span(None, 30, None)]),
        ],
        marks: vec![incident()],
        gaps: Vec::new(),
        left_out: 0,
    }
}

/// 342 connections of a client that loses three SYNs of ten in each direction.
pub(super) fn histogram() -> Histogram {
    let ms = Duration::from_millis;
    let times = vec![(ms(21), 120), (ms(22), 75), (ms(1_021), 100), (ms(1_045), 34), (ms(3_060), 13)];
    Histogram { title: "203.0.113.11".to_owned(), width: 640.0, times }
}

/// Two addresses behind a firewall are open, one is not; another has no trail.
pub(super) fn partly_blocked() -> Diagnosis {
    let ip = |text: &str| -> IpAddr { text.parse().expect("an address") };
    let trail = |routers: &[&str], rest: &[TrailAnswer]| -> Vec<TrailHop> {
        let routers = routers.iter().map(|router| TrailAnswer::Router(ip(router)));
        let answers = routers.chain(rest.iter().copied()).enumerate();
        answers.map(|(place, answer)| TrailHop { ttl: place as u8 + 1, answer }).collect()
    };
    let endpoint = |address: &str, verdict, location| EndpointDiagnosis {
        endpoint: Endpoint { address: ip(address), port: 443 },
        verdict,
        confidence: 0.99,
        ping: PingSummary::default(),
        connect: ConnectSummary::default(),
        tls: None,
        http: None,
        location,
        evidence: Vec::new(),
        gaps: Vec::new(),
    };
    let open = || Location {
        last_answering: Some(ip("10.70.2.2")),
        ttl: 3,
        trail: trail(&["10.70.0.1", "10.70.1.2", "10.70.2.2"], &[TrailAnswer::Reached]),
        ..Location::default()
    };
    let blocked = Location {
        last_answering: Some(ip("10.70.1.2")),
        ttl: 2,
        by: None,
        next_on_open_path: Some(ip("10.70.2.2")),
        control: Some(ip("203.0.113.11")),
        trail: trail(&["10.70.0.1", "10.70.1.2"], &[TrailAnswer::Silence; 3]),
    };
    Diagnosis {
        target: "https://fcm.example.com/".parse().expect("a target"),
        state: reach_core::model::State::PartlyReachable,
        resolution: reach_core::model::Resolution::default(),
        endpoints: vec![
            endpoint("203.0.113.11", Verdict::Ok, Some(open())),
            endpoint("203.0.113.12", Verdict::Ok, Some(open())),
            endpoint("203.0.113.13", Verdict::Filtered, Some(blocked)),
            endpoint("203.0.113.14", Verdict::Inconclusive, None),
        ],
        doubt: None,
        impact: Vec::new(),
        findings: Vec::new(),
    }
}
