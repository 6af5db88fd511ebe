//! What must hold of the judge whatever was observed.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use proptest::prelude::*;
use reach_core::{Time, judge::judge, model::*};

const START: Time = Time::from_micros(1_790_000_000_000_000);

fn addresses() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u8..6).prop_map(|last| IpAddr::V4(Ipv4Addr::new(203, 0, 113, last))),
        (0u16..3).prop_map(|last| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last))),
    ]
}

fn routers() -> impl Strategy<Value = IpAddr> {
    prop_oneof![(1u8..5).prop_map(|hop| IpAddr::V4(Ipv4Addr::new(10, 70, hop, 1))), addresses()]
}

fn spans() -> impl Strategy<Value = Duration> {
    (0u64..4_000_000).prop_map(Duration::from_micros)
}

fn icmp_errors() -> impl Strategy<Value = IcmpError> {
    (any::<bool>(), prop_oneof![Just(1u8), Just(2), Just(3), Just(11)], 0u8..16)
        .prop_map(|(v6, kind, code)| IcmpError { v6, kind, code })
}

fn rejections() -> impl Strategy<Value = Outcome> {
    (prop::option::of((icmp_errors(), routers())), spans(), prop::option::of(any::<u8>())).prop_map(
        |(icmp, rtt, reply_ttl)| {
            let (how, by) = match icmp {
                Some((error, by)) => (Refusal::Icmp(error), Some(by)),
                None => (Refusal::Reset, None),
            };
            Outcome::Rejected(Rejection { how, by, rtt, reply_ttl, quote: None })
        },
    )
}

fn inabilities() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Obstacle::NoPermission),
        Just(Obstacle::PortInUse),
        Just(Obstacle::OutOfResources),
        Just(Obstacle::Unsupported)
    ]
    .prop_map(|why| Outcome::Unable(Inability { why, errno: None }))
}

fn silences() -> impl Strategy<Value = Outcome> {
    (0u32..8, any::<bool>())
        .prop_map(|(packets, refused_here)| Outcome::Silent(Silence { packets, refused_here }))
}

fn connections() -> impl Strategy<Value = Connected> {
    let after = prop_oneof![
        Just(After::NotWatched),
        Just(After::Quiet),
        Just(After::Closed),
        Just(After::Reset),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(After::Spoke)
    ];
    (spans(), 0u32..6, after).prop_map(|(rtt, syns, after)| Connected {
        rtt,
        syns,
        source: SocketAddr::from(([192, 0, 2, 1], 40_000)),
        after,
    })
}

fn tls_ends() -> impl Strategy<Value = TlsEnd> {
    prop_oneof![
        Just(TlsEnd::Completed),
        Just(TlsEnd::Closed),
        Just(TlsEnd::Reset),
        Just(TlsEnd::Silent),
        Just(TlsEnd::Returned),
        Just(TlsEnd::Alert(112, "unrecognized_name".to_owned())),
        Just(TlsEnd::NotTls(b"HTTP".to_vec())),
        Just(TlsEnd::Incompatible("no common suite".to_owned())),
    ]
}

fn exchanges() -> impl Strategy<Value = (Probe, Outcome)> {
    let distrust = prop::collection::vec(
        prop_oneof![Just(Distrust::Expired), Just(Distrust::WrongName), Just(Distrust::UnknownIssuer)],
        0..3,
    );
    let http = prop::option::of(prop_oneof![
        (100u16..600).prop_map(HttpEnd::Status),
        Just(HttpEnd::Closed),
        Just(HttpEnd::Silent)
    ]);
    (addresses(), connections(), tls_ends(), distrust, http, prop::option::of(1u8..6), any::<bool>(), 0u8..3)
        .prop_map(|(address, connected, ended, distrust, http, data_ttl, clamped, name)| {
            let names = [Some("push.example"), Some("www.example.com"), None];
            let probe = Probe::Exchange(Exchange {
                endpoint: Endpoint { address, port: 443 },
                proxy: None,
                starttls: None,
                source_port: Some(41_000),
                max_segment: clamped.then_some(536),
                data_ttl,
                connect_timeout: Duration::from_secs(3),
                read_timeout: Duration::from_secs(3),
                tls: Some(TlsHello {
                    server_name: names[usize::from(name)].map(str::to_owned),
                    verify: "push.example".to_owned(),
                }),
                http: None,
                listen: Duration::ZERO,
            });
            let exchanged = Exchanged {
                connected,
                proxy: None,
                starttls: None,
                tls: Some(TlsResult {
                    ended,
                    took: Duration::from_millis(9),
                    version: None,
                    cipher: None,
                    alpn: None,
                    chain: vec![Certificate::default()],
                    distrust,
                    public_root: Some(false),
                }),
                http: http.map(|ended| HttpResult {
                    ended,
                    took: Duration::from_millis(3),
                    server: None,
                    location: None,
                    content_type: None,
                }),
                traffic: Traffic::default(),
            };
            (probe, Outcome::Answered(Answer::Exchanged(Box::new(exchanged))))
        })
}

fn connects() -> impl Strategy<Value = (Probe, Outcome)> {
    let outcome = prop_oneof![
        connections().prop_map(|connected| Outcome::Answered(Answer::Connected(connected))),
        rejections(),
        silences(),
    ];
    (
        addresses(),
        40_000u16..40_006,
        prop::option::of(1u8..8),
        prop::option::of(any::<u8>()),
        1u16..3,
        outcome,
    )
        .prop_map(|(address, source_port, ttl, min_ttl, crowd, outcome)| {
            let probe = Probe::Connect(Connect {
                endpoint: Endpoint { address, port: 443 },
                source_port,
                ttl,
                min_ttl,
                timeout: Duration::from_secs(3),
                then: Then::Reset,
                crowd,
            });
            (probe, outcome)
        })
}

fn lookups() -> impl Strategy<Value = (Probe, Outcome)> {
    let answer = (prop::collection::vec((addresses(), 0u32..400), 0..4), any::<bool>(), 0u16..7).prop_map(
        |(addresses, truncated, rcode)| {
            let rcode = match rcode {
                0 => Rcode::NoError,
                2 => Rcode::ServFail,
                3 => Rcode::NxDomain,
                5 => Rcode::Refused,
                other => Rcode::Other(other),
            };
            let addresses =
                addresses.into_iter().map(|(address, ttl_s)| AddressRecord { address, ttl_s }).collect();
            let answer = LookupAnswer { rcode, truncated, addresses, ..LookupAnswer::default() };
            Outcome::Answered(Answer::Lookup(answer))
        },
    );
    (1u8..3, any::<bool>(), prop_oneof![3 => answer, 1 => silences(), 1 => rejections()]).prop_map(
        |(server, v6, outcome)| {
            let probe = Probe::Lookup(Lookup {
                resolver: SocketAddr::from(([192, 0, 2, server], 53)),
                name: "push.example".to_owned(),
                kind: if v6 { RecordKind::Aaaa } else { RecordKind::A },
                transport: Transport::Udp,
                timeout: Duration::from_secs(1),
            });
            (probe, outcome)
        },
    )
}

fn edges() -> impl Strategy<Value = (Probe, Outcome)> {
    (addresses(), prop::option::of((0u32..9, 0u32..20)), any::<bool>()).prop_map(
        |(address, captured, counted)| {
            let probe = Probe::Egress(Egress {
                endpoint: Endpoint { address, port: 443 },
                burst: 8,
                first_source_port: 45_000,
                timeout: Duration::from_millis(300),
            });
            let count = EgressCount {
                sent: 8,
                answered: 0,
                captured: captured.map(|(left, returned)| Captured { left, returned }),
                counters: counted.then(IpCounters::default),
            };
            (probe, Outcome::Answered(Answer::Egress(count)))
        },
    )
}

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let one = prop_oneof![4 => connects(), 2 => exchanges(), 3 => lookups(), 1 => edges()];
    prop::collection::vec((one, 0u64..5_000_000, spans()), 0..60).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(index, ((probe, outcome), at, took))| {
                let sent = START + Duration::from_micros(at);
                Observation { id: ProbeId(index as u32), probe, outcome, sent, done: sent + took }
            })
            .collect()
    })
}

fn case() -> Case {
    Case {
        target: "push.example:443".parse().unwrap(),
        vantage: Vantage {
            sources: vec![IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100))],
            resolver: ResolverConfig {
                servers: vec![SocketAddr::from(([192, 0, 2, 1], 53)), SocketAddr::from(([192, 0, 2, 2], 53))],
                ..ResolverConfig::default()
            },
            ..Vantage::default()
        },
        plan: Plan::new(Effort::Normal, 7),
        started: START,
    }
}

proptest! {
    #[test]
    fn the_order_of_observations_does_not_matter(observations in observations(), swaps in prop::collection::vec(any::<prop::sample::Index>(), 0..60)) {
        let mut shuffled = observations.clone();
        for (i, index) in swaps.iter().enumerate() {
            if !shuffled.is_empty() {
                let length = shuffled.len();
                shuffled.swap(i % length, index.index(length));
            }
        }
        prop_assert_eq!(judge(&case(), &observations), judge(&case(), &shuffled));
    }

    #[test]
    fn what_could_not_be_asked_never_worsens_a_verdict(observations in observations(), at in 0u8..6, inability in inabilities()) {
        let before = judge(&case(), &observations);
        let address = IpAddr::V4(Ipv4Addr::new(203, 0, 113, at));
        let mut with = observations;
        with.push(Observation {
            id: ProbeId(1_000_000),
            probe: Probe::Connect(Connect {
                endpoint: Endpoint { address, port: 443 },
                source_port: 40_000,
                ttl: None,
                min_ttl: None,
                timeout: Duration::from_secs(3),
                then: Then::Reset,
                crowd: 1,
            }),
            outcome: inability,
            sent: START,
            done: START,
        });
        let after = judge(&case(), &with);
        prop_assert_eq!(before.state == State::Reachable, after.state == State::Reachable);
        for (before, after) in before.endpoints.iter().zip(&after.endpoints) {
            prop_assert_eq!(before.verdict, after.verdict);
        }
    }

    #[test]
    fn shares_are_shares_and_blame_needs_more_than_loss(observations in observations()) {
        let diagnosis = judge(&case(), &observations);
        for impact in &diagnosis.impact {
            prop_assert!((0.0..=1.0).contains(&impact.failure_share));
        }
        for endpoint in &diagnosis.endpoints {
            prop_assert!((0.0..=1.0).contains(&endpoint.confidence));
            if endpoint.verdict == Verdict::Filtered {
                prop_assert_eq!(endpoint.connect.succeeded, 0);
            }
            if endpoint.verdict == Verdict::Ok {
                prop_assert!(endpoint.connect.succeeded > 0);
            }
        }
    }

    #[test]
    fn an_observation_survives_being_written_and_read(observations in observations()) {
        for observation in observations {
            let text = serde_json::to_string(&observation).unwrap();
            prop_assert_eq!(serde_json::from_str::<Observation>(&text).unwrap(), observation);
        }
    }
}
