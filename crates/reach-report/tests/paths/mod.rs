//! Routes made by hand.

#![expect(dead_code, reason = "each test program uses some of them")]

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use reach_core::{Time, model::*};
use reach_report::trace::{Labels, Origin, Trace};

pub(crate) const STARTED: Time = Time::from_micros(1_795_364_400_000_000);
pub(crate) const FINISHED: Time = Time::from_micros(1_795_364_401_250_000);

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(crate) fn labels() -> Labels {
    let names = [
        ("10.70.0.1", "gw.example.net."),
        ("10.70.1.2", "a.example.net"),
        ("203.0.113.11", "web1.example.com"),
    ];
    let origins = [("10.70.1.2", 64_500, "Example Networks"), ("203.0.113.11", 64_501, "")];
    Labels {
        names: names.map(|(address, name)| (ip(address), name.to_owned())).into(),
        origins: origins
            .map(|(address, asn, owner)| (ip(address), Origin { asn, owner: owner.to_owned() }))
            .into(),
    }
}

pub(crate) fn of_one(route: Route) -> Trace {
    let target = match route.endpoint.address {
        IpAddr::V4(_) => "fcm.example.com",
        IpAddr::V6(_) => "[2001:db8:113::11]:443",
    };
    of(target, vec![route])
}

pub(crate) fn of(target: &str, routes: Vec<Route>) -> Trace {
    let vantage = Vantage {
        host: "web01".to_owned(),
        sources: vec![ip("10.70.0.10"), ip("2001:db8:70::10")],
        raw_sockets: true,
        ..Vantage::default()
    };
    Trace {
        case: Case {
            target: target.parse().expect("a target"),
            vantage,
            plan: Plan::new(Effort::Normal, 7),
            started: STARTED,
        },
        resolution: resolution(None),
        plan: TracePlan::default(),
        routes,
        finished: FINISHED,
    }
}

fn resolution(error: Option<ResolutionError>) -> Resolution {
    Resolution { error, ..Resolution::default() }
}

pub(crate) fn unresolved() -> Trace {
    Trace { resolution: resolution(Some(ResolutionError::NxDomain)), ..of("nowhere.example", Vec::new()) }
}

/// A route with these responders at each hop, all linked with all.
pub(crate) fn route(address: &str, hops: &[&[&str]]) -> Route {
    let endpoint = Endpoint { address: ip(address), port: 443 };
    let hop = |(place, addresses): (usize, &&[&str])| {
        let ttl = place as u8 + 1;
        let responders: Vec<Responder> =
            addresses.iter().map(|text| responder(ip(text), ttl, endpoint.address)).collect();
        let received = responders.iter().map(|responder| responder.received).sum();
        let balancing = (responders.len() > 1).then_some(Balancing::PerFlow);
        let sent = if responders.is_empty() { 6 } else { received };
        Hop { ttl, sent, received, responders, balancing, loss: HopLoss::None, complete: true }
    };
    let hops: Vec<Hop> = hops.iter().enumerate().map(hop).collect();
    let distance = hops
        .iter()
        .find(|hop| hop.responders.iter().any(|responder| responder.address == endpoint.address))
        .map(|hop| hop.ttl);
    let mut route = Route {
        endpoint,
        protocol: TraceProtocol::Tcp,
        distance,
        stopped: distance.is_none().then_some(Stopped::Silent),
        by: None,
        packets: hops.iter().map(|hop| hop.sent).sum(),
        links: Vec::new(),
        hops,
        flows: Vec::new(),
        confidence: Confidence { level: 0.95, whole_trace: false },
        mtu: None,
        remarks: Vec::new(),
        unable: None,
    };
    link(&mut route);
    route
}

/// Links everybody to everybody of the next hop.
fn link(route: &mut Route) {
    let mut before: Vec<Option<IpAddr>> = vec![None];
    for hop in &route.hops {
        let mut here: Vec<Option<IpAddr>> =
            hop.responders.iter().map(|responder| Some(responder.address)).collect();
        if here.is_empty() {
            here.push(None);
        }
        for &from in &before {
            for &to in &here {
                route.links.push(Link { ttl: hop.ttl, from, to, flows: vec![1] });
            }
        }
        before = here;
    }
}

fn responder(address: IpAddr, ttl: u8, endpoint: IpAddr) -> Responder {
    let rtt = |n: u64| Duration::from_micros(310 * u64::from(ttl) + 40 * n);
    Responder {
        address,
        reply: if address == endpoint { ReplyKind::Reached } else { ReplyKind::TimeExceeded },
        flows: vec![40_001, 40_002],
        sent: 6,
        received: 6,
        rtts: [0, 2, 1, 1, 0, 2].map(rtt).into(),
        reply_ttl: Some(65 - ttl),
        labels: Vec::new(),
        interfaces: Vec::new(),
    }
}

pub(crate) fn plain() -> Route {
    route("203.0.113.11", &[&["10.70.0.1"], &["10.70.1.2"], &["10.70.2.2"], &["203.0.113.11"]])
}

pub(crate) fn diamond() -> Route {
    route(
        "203.0.113.11",
        &[
            &["10.70.0.1"],
            &["10.70.1.2", "10.70.1.3"],
            &["10.70.2.2", "10.70.2.3", "10.70.2.4"],
            &["10.70.3.1"],
            &["203.0.113.11"],
        ],
    )
}

pub(crate) fn silent() -> Route {
    silent_behind(2)
}

pub(crate) fn silent_behind(last: usize) -> Route {
    let known: [&[&str]; 2] = [&["10.70.0.1"], &["10.70.1.2"]];
    let mut hops: Vec<&[&str]> = known[..last].to_vec();
    hops.extend([&[] as &[&str]; 3]);
    route("203.0.113.11", &hops)
}

pub(crate) fn udp(route: Route) -> Route {
    Route { protocol: TraceProtocol::Udp, ..route }
}

/// Hop 2 answers for itself, and from hop 3 on it forbids.
pub(crate) fn prohibited() -> Route {
    let mut route = route("203.0.113.11", &[&["10.70.0.1"], &["10.70.1.2"], &["10.70.1.2"]]);
    route.stopped = Some(Stopped::Prohibited);
    route.by = Some(ip("10.70.1.2"));
    route.hops[2].responders[0].reply = ReplyKind::Icmp(IcmpError { v6: false, kind: 3, code: 13 });
    route
}

pub(crate) fn reset_by_path() -> Route {
    let mut route = route("203.0.113.11", &[&["10.70.0.1"], &["10.70.1.2"], &["203.0.113.11"]]);
    route.stopped = Some(Stopped::ResetByPath);
    route.distance = None;
    route.hops[2].responders[0].reply = ReplyKind::Reset;
    route
}

pub(crate) fn refused() -> Route {
    let mut route = plain();
    route.stopped = Some(Stopped::Refused);
    route.hops[3].responders[0].reply = ReplyKind::Reset;
    route
}

/// Everything that a hop can tell.
pub(crate) fn rich() -> Route {
    let mut route = route(
        "203.0.113.11",
        &[&["10.70.0.1"], &[], &["10.70.2.2"], &["10.70.3.2"], &["10.70.4.2"], &["203.0.113.11"]],
    );
    route.hops[0].responders[0].interfaces = vec![RouterInterface {
        role: InterfaceRole::Incoming,
        index: Some(3),
        address: Some(ip("10.70.0.1")),
        name: Some("ge-0/0/3".to_owned()),
        mtu: Some(1500),
    }];
    route.hops[1].loss = HopLoss::Silent;
    route.hops[2].responders[0].labels = vec![
        MplsLabel { label: 24_001, class: 0, bottom: false, ttl: 1 },
        MplsLabel { label: 16, class: 3, bottom: true, ttl: 1 },
    ];
    (route.hops[3].sent, route.hops[3].received) = (9, 4);
    route.hops[3].loss = HopLoss::RateLimited;
    route.hops[3].complete = false;
    (route.hops[4].sent, route.hops[4].received) = (25, 22);
    route.hops[4].loss = HopLoss::Forward { share: 0.12 };
    route.hops[4].responders[0].rtts.push(Duration::from_millis(81));
    route.mtu = Some(PathMtu {
        mtu: 1300,
        to_endpoint: true,
        packets: TraceProtocol::Udp,
        limits: vec![
            MtuLimit { ttl: 3, mtu: 1400, by: Some(ip("10.70.0.1")) },
            MtuLimit { ttl: 5, mtu: 1300, by: None },
        ],
    });
    route.remarks = vec![
        Remark::Rewritten { ttl: 3, field: Field::MaxSegment, was: 1460, is: 1300 },
        Remark::Rewritten { ttl: 4, field: Field::TrafficClass, was: 184, is: 0 },
        Remark::OptionsChanged { ttl: 4, was: vec![2, 4, 8, 1, 3], is: vec![2, 1, 1, 1, 1] },
        Remark::Translated { ttl: 5 },
        Remark::Asymmetric { ttl: 5, responder: ip("10.70.4.2"), back: 9 },
        Remark::ZeroTtlForwarding { ttl: 4 },
    ];
    route
}

/// One of two parallel members loses everything.
pub(crate) fn bad_member() -> Route {
    let mut route = route(
        "203.0.113.11",
        &[&["10.70.0.1"], &["10.70.1.2", "10.70.1.3"], &["10.70.3.1"], &["203.0.113.11"]],
    );
    route.links.retain(|link| link.from != Some(ip("10.70.1.3")));
    route.remarks = vec![Remark::BadMember {
        ttl: 2,
        member: Some(ip("10.70.1.3")),
        after: Some(ip("10.70.0.1")),
        flows: vec![40_003, 40_004, 40_009],
        lost: 1.0,
        others_lost: 0.0,
    }];
    route
}

/// One way is a hop longer than the other.
pub(crate) fn uneven() -> Route {
    let mut route = route(
        "203.0.113.11",
        &[
            &["10.70.0.1"],
            &["10.70.1.2", "10.70.1.3"],
            &["10.70.2.2", "10.70.3.1"],
            &["10.70.3.1", "203.0.113.11"],
            &["203.0.113.11"],
        ],
    );
    route.links.clear();
    let link = |ttl: u8, from: &str, to: &str| Link {
        ttl,
        from: (!from.is_empty()).then(|| ip(from)),
        to: Some(ip(to)),
        flows: vec![1],
    };
    route.links = vec![
        link(1, "", "10.70.0.1"),
        link(2, "10.70.0.1", "10.70.1.2"),
        link(2, "10.70.0.1", "10.70.1.3"),
        link(3, "10.70.1.2", "10.70.2.2"),
        link(3, "10.70.1.3", "10.70.3.1"),
        link(4, "10.70.2.2", "10.70.3.1"),
        link(4, "10.70.3.1", "203.0.113.11"),
        link(5, "10.70.3.1", "203.0.113.11"),
    ];
    route
}

pub(crate) fn v6() -> Route {
    let mut route =
        route("2001:db8:113::11", &[&["2001:db8:70::1"], &["2001:db8:71::2"], &["2001:db8:71::2"]]);
    route.stopped = Some(Stopped::Unreachable);
    route.by = Some(ip("2001:db8:71::2"));
    route.hops[2].responders[0].reply = ReplyKind::Icmp(IcmpError { v6: true, kind: 1, code: 3 });
    route
}

pub(crate) fn unable() -> Route {
    let mut route = route("203.0.113.11", &[]);
    route.stopped = None;
    route.unable = Some(Inability { why: Obstacle::NoRoute, errno: Some(101) });
    route
}

/// Sixteen addresses behind two parallel routers, three of them blocked at the second hop.
pub(crate) fn pool() -> Trace {
    let routes = (11..27)
        .map(|n| {
            let address = format!("203.0.113.{n}");
            if n % 6 == 0 {
                return route(&address, &[&["10.70.0.1"], &["10.70.1.2"], &[], &[], &[]]);
            }
            let hops: [&[&str]; 5] = [
                &["10.70.0.1"],
                &["10.70.1.2"],
                &["10.70.2.2", "10.70.3.2"],
                &["10.70.4.2"],
                &[address.as_str()],
            ];
            route(&address, &hops)
        })
        .collect();
    of("fcm.example.com", routes)
}

/// What is known of nobody.
pub(crate) fn unlabelled() -> Labels {
    Labels { names: BTreeMap::new(), origins: BTreeMap::new() }
}
