use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use reach_core::watch::{
    AddressStatus, ChannelStatus, Layer, LayerStatus, Reason, Remembered, ResolverStatus, Series, TargetId,
};

use super::*;
use crate::metrics::{
    Value,
    text::{Format, encode},
};

fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

fn address(number: u32, health: AddressState) -> AddressStatus {
    let failing = matches!(health, AddressState::Down | AddressState::Suspect);
    let layer = LayerStatus {
        tries: 10,
        failures: failing.then_some((Reason::Timeout, 4)).into_iter().collect(),
        last_worked: !failing,
        latency: [1; 14],
        latency_sum: 2_500_000,
        ..LayerStatus::default()
    };
    AddressStatus {
        remembered: Remembered {
            series: Series { target: TargetId(1), address: IpAddr::V4(Ipv4Addr::from(0xcb00_7100 + number)) },
            health,
            since: at(100),
            reason: None,
            first_seen: at(u64::from(number)),
            last_given: at(100),
            ttl_s: 60,
            resolvers: BTreeSet::new(),
            gone_since: None,
            last_ok: None,
            certificate_expires: Some(1_900_000_000),
        },
        layers: BTreeMap::from([(Layer::Connect, Box::new(layer))]),
    }
}

fn target(id: u32, text: &str, addresses: Vec<AddressStatus>) -> TargetStatus {
    TargetStatus {
        id: TargetId(id),
        target: text.to_owned(),
        host: "fcm.example.com".to_owned(),
        port: 443,
        labels: BTreeMap::from([
            ("team-a".to_owned(), "x".to_owned()),
            ("team_a".to_owned(), "y".to_owned()),
        ]),
        unresolved: None,
        addresses,
        resolvers: BTreeMap::from([(
            "192.0.2.53:53".parse().expect("an address"),
            ResolverStatus { error: Some(ResolutionError::ServFail), ..ResolverStatus::default() },
        )]),
        appeared: 2,
        examining: false,
    }
}

fn status(targets: Vec<TargetStatus>) -> Status {
    Status {
        at: at(1000),
        online: Some(true),
        targets,
        channels: BTreeMap::from([(
            "ops \"chat\"".to_owned(),
            ChannelStatus { oldest: Some(at(970)), pending: 1, ..ChannelStatus::default() },
        )]),
        ..Status::default()
    }
}

fn value(families: &[Family], name: &str, wanted: &[(&str, &str)]) -> Option<f64> {
    let family = families.iter().find(|family| family.name == name)?;
    let matches = |labels: &Labels| {
        wanted.iter().all(|(name, value)| labels.iter().any(|(other, text)| other == name && text == value))
    };
    family.series.iter().find(|series| matches(&series.labels)).map(|series| match &series.value {
        Value::Number(number) => *number,
        Value::Histogram(histogram) => histogram.count() as f64,
    })
}

#[test]
fn addresses_beyond_the_cap_are_counted_together() {
    let mut pool: Vec<_> = (0..300).map(|number| address(number, AddressState::Ok)).collect();
    pool[290] = address(290, AddressState::Down);
    let all = status(vec![target(1, "fcm.example.com:443", pool)]);
    let families = families(&all, &Scope::default());
    let attempts = families.iter().find(|family| family.name == "reach_probe_attempts_total").expect("there");
    assert_eq!(attempts.series.len(), 257);
    assert_eq!(value(&families, "reach_probe_attempts_total", &[("address", "other")]), Some(440.0));
    assert_eq!(value(&families, "reach_probe_success", &[("address", "other")]), Some(0.0));
    assert_eq!(value(&families, "reach_probe_failures_total", &[("address", "other")]), Some(4.0));
    assert_eq!(value(&families, "reach_probe_duration_seconds", &[("address", "other")]), Some(616.0));
    assert_eq!(value(&families, "reach_name_addresses", &[("state", "down")]), Some(1.0));
}

#[test]
fn addresses_of_which_nothing_is_known_count_neither_way() {
    let pool = vec![
        address(1, AddressState::Ok),
        address(2, AddressState::Down),
        address(3, AddressState::Suspect),
        address(4, AddressState::Recovering),
        address(5, AddressState::Unknown),
    ];
    let known = families(&status(vec![target(1, "a", pool)]), &Scope::default());
    assert_eq!(value(&known, "reach_name_reachable_ratio", &[]), Some(0.5));
    assert_eq!(value(&known, "reach_address_up", &[("address", "203.0.113.5")]), None);
    let unknown = families(&status(vec![target(1, "a", Vec::new())]), &Scope::default());
    assert_eq!(value(&unknown, "reach_name_reachable_ratio", &[]), None);
    assert_eq!(value(&unknown, "reach_name_resolves", &[]), None);
}

#[test]
fn no_series_comes_twice_whatever_targets_have_in_common() {
    let pool = || vec![address(1, AddressState::Ok)];
    let targets = vec![
        target(1, "https://fcm.example.com/a", pool()),
        target(2, "https://fcm.example.com/b", pool()),
        target(3, "https://fcm.example.com/b", pool()),
    ];
    let text = encode(&families(&status(targets), &Scope::default()), Format::Plain);
    let mut seen = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let series = line.rsplit_once(' ').expect("a value").0;
        assert!(seen.insert(series), "twice: {series}");
    }
    assert!(text.contains("target=\"https://fcm.example.com/b#3\""), "{text}");
    assert!(text.contains("label_team_a="));
}

#[test]
fn waiting_messages_and_their_age_are_told() {
    let families = families(&status(Vec::new()), &Scope::default());
    let channel = &[("channel", "ops \"chat\"")];
    assert_eq!(value(&families, "reach_outbox_pending", channel), Some(1.0));
    assert_eq!(value(&families, "reach_outbox_oldest_age_seconds", channel), Some(30.0));
    assert_eq!(value(&families, "reach_vantage_online", &[]), Some(1.0));
}

#[test]
fn names_of_families_are_in_order_and_unique() {
    let families =
        families(&status(vec![target(1, "a", vec![address(1, AddressState::Ok)])]), &Scope::default());
    assert!(families.windows(2).all(|pair| pair[0].name < pair[1].name));
}
