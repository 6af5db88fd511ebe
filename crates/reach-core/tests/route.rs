//! Routes are total over whatever was observed, and indifferent to its order.

use std::{net::IpAddr, time::Duration};

use proptest::{collection::vec, prelude::*};
use reach_core::{
    Time,
    model::{
        Answer, Connect, Datagram, DatagramReply, Echo, EchoReply, Endpoint, IcmpError, Inability,
        Observation, Obstacle, Outcome, Probe, ProbeId, Quote, QuotedHeader, QuotedTcp, Refusal, Rejection,
        Silence, Then, TracePlan, TraceProtocol,
    },
    route::{choose_pair, parting, routes},
};

fn address(last: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, last])
}

fn endpoint(last: u8) -> Endpoint {
    Endpoint { address: address(last), port: 443 }
}

fn probe() -> impl Strategy<Value = Probe> {
    let ttl = prop_oneof![Just(None), (0_u8..8).prop_map(Some), Just(Some(255))];
    let parts = (0_u8..3, 0_u8..3, ttl, 0_u16..4, any::<bool>(), 0_u16..1_500, any::<bool>());
    parts.prop_map(|(kind, last, ttl, flow, dont_fragment, size, floor)| {
        let timeout = Duration::from_millis(u64::from(size));
        match kind {
            0 => Probe::Connect(Connect {
                endpoint: endpoint(last),
                source_port: flow,
                ttl,
                min_ttl: floor.then_some(60),
                timeout,
                then: Then::Reset,
                crowd: 2,
            }),
            1 => Probe::Datagram(Datagram {
                endpoint: endpoint(last),
                source_port: flow,
                ttl,
                size,
                dont_fragment,
                timeout,
            }),
            _ => Probe::Echo(Echo {
                address: address(last),
                sequence: flow,
                size,
                ttl,
                flow: floor.then_some(flow),
                dont_fragment,
                timeout,
            }),
        }
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let parts = (0_u8..6, 0_u8..6, any::<(u8, u8, u8, u16, bool)>());
    parts.prop_map(|(kind, by, (first, second, ttl, wide, flag))| {
        let rtt = Duration::from_micros(u64::from(wide));
        let (icmp, code) = match first % 4 {
            0 | 1 => (11, 0),
            2 => (3, second % 16),
            _ => (first, second),
        };
        match kind {
            0 => Outcome::Answered(Answer::Echo(EchoReply { rtt, reply_ttl: Some(ttl) })),
            1 => Outcome::Answered(Answer::Datagram(DatagramReply { rtt, reply_ttl: None })),
            2 => Outcome::Silent(Silence { packets: u32::MAX, refused_here: flag }),
            3 => Outcome::Unable(Inability { why: Obstacle::NoRoute, errno: Some(i32::from(second)) }),
            _ => Outcome::Rejected(Rejection {
                how: if kind == 5 && flag {
                    Refusal::Reset
                } else {
                    Refusal::Icmp(IcmpError { v6: false, kind: icmp, code })
                },
                by: (by > 0).then(|| address(by)),
                rtt,
                reply_ttl: Some(ttl),
                quote: flag.then(|| {
                    Box::new(Quote {
                        header: Some(QuotedHeader { ttl: ttl % 3, traffic_class: second, length: wide }),
                        tcp: Some(QuotedTcp {
                            mss: Some(wide),
                            options: vec![second],
                            window: wide,
                            flags: 2,
                        }),
                        checksum_fits: Some(first > 99),
                        next_mtu: Some(u32::from(wide)),
                        ..Quote::default()
                    })
                }),
            }),
        }
    })
}

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let one = (0_u32..40, probe(), outcome(), 0_u64..5_000_000, 0_u64..2_000_000);
    vec(one, 0..60).prop_map(|all| {
        all.into_iter()
            .map(|(id, probe, outcome, sent, took)| Observation {
                id: ProbeId(id),
                probe,
                outcome,
                sent: Time::from_micros(sent),
                done: Time::from_micros(sent + took),
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_observations_does_not_matter(
        (observations, shuffled) in observations()
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        protocol in prop_oneof![
            Just(TraceProtocol::Tcp),
            Just(TraceProtocol::Udp),
            Just(TraceProtocol::Icmp)
        ],
        mtu in any::<bool>(),
    ) {
        let plan = TracePlan { protocol, mtu, ..TracePlan::default() };
        let endpoints = [endpoint(0), endpoint(1), endpoint(2), endpoint(1)];
        let one = routes(&plan, &endpoints, &observations);
        prop_assert_eq!(&one, &routes(&plan, &endpoints, &shuffled));
        prop_assert_eq!(one.len(), endpoints.len());
        for route in &one {
            for (place, hop) in route.hops.iter().enumerate() {
                prop_assert_eq!(usize::from(hop.ttl), place + 1);
                prop_assert!(hop.received >= hop.responders.len() as u32);
            }
            for other in &one {
                prop_assert_eq!(parting(route, other), parting(other, route));
            }
        }
        if let Some((open, blocked)) = choose_pair(&one) {
            prop_assert!(open != blocked && open < one.len() && blocked < one.len());
        }
    }
}
