//! Whether packets take the ways that were described, and what boxes on them do to packets.

mod common;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use common::{Outcome, PATIENCE, connect, connect_ttl, connect_with, exceeded, hush, ip};
use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;
use reach_lab::{
    Balancing, Client, Description, Direction, Effect, Fault, Interface, InterfaceRole, Lab, Label, Protocol,
    Quote, Resolver, Router, Service, ServiceKind, Tool, Wording, isolated,
};
use socket2::{Domain, Socket, Type};

const BOTH: &[Tool] = &[Tool::Ip, Tool::Nft];
const WEB: [&str; 2] = ["203.0.113.11", "2001:db8:113::11"];

fn with_web(description: Description) -> Description {
    description.host("web", WEB).service(Service::new("web", 443, ServiceKind::Silent))
}

/// client – r1 – fw – r3 – web.
fn chain() -> Description {
    let client = Client { ping_sockets: true, ..Client::default() };
    with_web(Description { client, ..Description::new("chain") }.router("r1").router("fw").router("r3"))
}

/// Whoever says "time exceeded" for these ports.
fn responders(lab: &Lab, to: &str, ttl: u8, ports: impl IntoIterator<Item = u16>) -> BTreeSet<IpAddr> {
    let from = ports.into_iter().map(|port| match ask(lab, to, ttl, port) {
        Outcome::Icmp(_, 0, from) => from,
        other => panic!("{other:?}"),
    });
    from.collect()
}

/// What comes of one SYN. The flow may still be in use by the one before, whose socket the kernel closes when it may.
fn ask(lab: &Lab, to: &str, ttl: u8, port: u16) -> Outcome {
    let attempts = (0..20).map(|_| connect_with(lab, to, 443, Some(ttl), Some(port), PATIENCE));
    let mut last = None;
    for outcome in attempts {
        match outcome {
            Outcome::Local(_) => {
                last = Some(outcome);
                thread::sleep(Duration::from_millis(50));
            }
            answer => return answer,
        }
    }
    last.expect("twenty attempts")
}

fn faces(lab: &Lab, names: &[&str], v6: bool) -> BTreeSet<IpAddr> {
    let face = |name: &&str| {
        let (v4, six) = lab.router_address(name);
        if v6 { six.into() } else { v4.into() }
    };
    names.iter().map(face).collect()
}

#[test]
fn branches_may_be_nested_and_of_unequal_length() {
    isolated(&[Tool::Ip], || {
        // r1 spreads over a and b; b over c and d, which meet in e; a leads to e at once.
        let description = with_web(
            Description::new("uneven")
                .router("r1")
                .stage([Router::named("a").to(["e"]), Router::named("b")])
                .parallel(["c", "d"])
                .router("e"),
        );
        let lab = Lab::build(&description).unwrap();
        for address in WEB {
            let expected = lab.responders(ip(address));
            // The odds against missing one of four in 100 draws are a trillion to one.
            for ttl in [2, 3] {
                let seen = responders(&lab, address, ttl, 32000..32100);
                assert_eq!(seen, expected[usize::from(ttl) - 1]);
            }
        }
        let nodes = lab.nodes_on_the_way(ip(WEB[0]));
        let names: Vec<Vec<&str>> =
            nodes.iter().map(|hop| hop.iter().map(String::as_str).collect()).collect();
        assert_eq!(names, [vec!["r1"], vec!["a", "b"], vec!["c", "d", "e"], vec!["e", "web"], vec!["web"]]);
        assert_eq!(lab.responders(ip(WEB[0]))[2], faces(&lab, &["c", "d", "e"], false));
        assert_eq!(lab.distance(ip(WEB[0])), Some(4));
        let links = lab.links(ip(WEB[0]));
        assert_eq!(links.len(), 1 + 2 + 3 + 3 + 1);
        let face = |name| Some(IpAddr::from(lab.router_address(name).0));
        assert!(links.contains(&(3, face("a"), face("e"))));
        assert!(links.contains(&(4, face("c"), face("e"))));
    });
}

#[test]
fn a_host_may_hang_at_one_branch_alone() {
    isolated(&[Tool::Ip], || {
        let description = Description::new("branches")
            .router("r1")
            .parallel(["a", "b"])
            .host_at("left", ["203.0.113.11"], &["a"])
            .host_at("right", ["203.0.113.12"], &["b"])
            .service(Service::new("left", 443, ServiceKind::Silent))
            .service(Service::new("right", 443, ServiceKind::Silent));
        let lab = Lab::build(&description).unwrap();
        for (address, router) in [("203.0.113.11", "a"), ("203.0.113.12", "b")] {
            assert_eq!(responders(&lab, address, 2, 32000..32010), faces(&lab, &[router], false));
            assert_eq!(connect(&lab, address, 443), Outcome::Connected);
        }
    });
}

#[test]
fn a_router_may_choose_by_packet_by_destination_or_by_weight() {
    isolated(BOTH, || {
        let spread = |router: Router| {
            with_web(Description::new("spread").stage([router]).parallel(["a", "b"]))
                .host("others", ["203.0.113.20", "203.0.113.21", "203.0.113.22", "203.0.113.23"])
        };
        let lab = Lab::build(&spread(Router::named("r1").balancing(Balancing::PerPacket))).unwrap();
        for (address, v6) in [(WEB[0], false), (WEB[1], true)] {
            let seen = responders(&lab, address, 2, [32000; 50]);
            assert_eq!(seen, faces(&lab, &["a", "b"], v6), "one flow takes both ways");
            assert_eq!(connect(&lab, address, 443), Outcome::Connected);
        }
        let lab = Lab::build(&spread(Router::named("r1").balancing(Balancing::PerDestination))).unwrap();
        assert_eq!(responders(&lab, WEB[0], 2, 32000..32050).len(), 1, "ports do not matter");
        let heavy = Router { weights: vec![3, 1], ..Router::named("r1") };
        let lab = Lab::build(&spread(heavy)).unwrap();
        let heavy = faces(&lab, &["a"], false);
        let share = (32000..32080).filter(|&port| responders(&lab, WEB[0], 2, [port]) == heavy).count();
        // Three in four: 60 of 80, give or take 3.9 each standard deviation.
        assert!((42..78).contains(&share), "{share}");
    });
}

#[test]
fn echo_requests_are_spread_by_their_checksum_where_it_is_said() {
    isolated(BOTH, || {
        for (balancing, ways) in [(Balancing::PerFlow, 1), (Balancing::PerHeader, 2)] {
            let router = Router::named("r1").balancing(balancing);
            let lab = Lab::build(&with_web(
                Description::new("pings").stage([router]).parallel(["a", "b"]).router("last"),
            ))
            .unwrap();
            for (address, v6) in [(WEB[0], false), (WEB[1], true)] {
                let of_flow = |flow: u8| exceeded_by(&lab, address, 2, flow);
                let seen: BTreeSet<IpAddr> = (0..50).map(of_flow).collect();
                assert_eq!(seen.len(), ways, "{balancing:?} {seen:?}");
                assert!(seen.is_subset(&faces(&lab, &["a", "b"], v6)));
                assert_eq!(of_flow(7), of_flow(7));
            }
        }
    });
}

/// Who answers an echo request with this TTL; the flow is in its payload, and so in its checksum.
fn exceeded_by(lab: &Lab, to: &str, ttl: u8, flow: u8) -> IpAddr {
    let (from, message, _) = raw_error(lab, to, ttl, flow);
    assert_eq!(message[0], if from.is_ipv4() { 11 } else { 3 });
    from
}

/// Sends an echo request from a raw socket, and gives the error that comes back, from its ICMP header on, with
/// its sender, and for IPv4 the TTL that it arrives with.
fn raw_error(lab: &Lab, to: &str, ttl: u8, flow: u8) -> (IpAddr, Vec<u8>, u8) {
    let to = SocketAddr::new(ip(to), 0);
    let (domain, protocol, request) = match to {
        SocketAddr::V4(_) => (Domain::IPV4, socket2::Protocol::ICMPV4, 8),
        SocketAddr::V6(_) => (Domain::IPV6, socket2::Protocol::ICMPV6, 128),
    };
    let socket = lab.client().within(|| Socket::new(domain, Type::RAW, Some(protocol))).unwrap();
    match domain {
        Domain::IPV4 => socket.set_ttl_v4(ttl.into()).unwrap(),
        _ => socket.set_unicast_hops_v6(ttl.into()).unwrap(),
    }
    let socket = plain(socket);
    let mut echo = vec![request, 0, 0, 0, 0x42, 0x42, 0, flow];
    let sum: u32 = echo.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    echo[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    socket.send_to(&echo, to).unwrap();
    loop {
        let mut buffer = [0; 2048];
        let (length, from) = socket.recv_from(&mut buffer).expect("an error comes");
        let header = if to.is_ipv4() { usize::from(buffer[0] & 0x0f) * 4 } else { 0 };
        let message = buffer[header..length].to_vec();
        // A raw socket also sees neighbour discovery, and whatever else goes on.
        if [3, 11].contains(&message[0]) {
            return (from.ip(), message, if to.is_ipv4() { buffer[8] } else { 0 });
        }
    }
}

/// The standard library's receiving calls serve any socket.
fn plain(socket: Socket) -> UdpSocket {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    UdpSocket::from(std::os::fd::OwnedFd::from(socket))
}

#[test]
fn a_router_may_have_words_of_its_own() {
    isolated(BOTH, || {
        let labels = vec![Label { label: 100, class: 0, ttl: 1 }, Label { label: 24_001, class: 3, ttl: 1 }];
        let interface = Interface {
            role: InterfaceRole::Incoming,
            index: Some(5),
            address: None,
            name: Some("xe-0/0/1".to_owned()),
            mtu: None,
        };
        let wording = |quote| Wording {
            labels: labels.clone(),
            interfaces: vec![interface.clone()],
            quote,
            initial_ttl: Some(255),
        };
        for (quote, lengths) in [(Quote::Modern, [32, 16]), (Quote::Short, [32, 16]), (Quote::Old, [0, 0])] {
            let description = with_web(
                Description::new("words")
                    .router("r1")
                    .stage([Router::named("r2").wording(wording(quote))])
                    .router("r3"),
            );
            let lab = Lab::build(&description).unwrap();
            for (index, address) in WEB.into_iter().enumerate() {
                let (from, message, arrived) = raw_error(&lab, address, 2, 1);
                assert_eq!(BTreeSet::from([from]), faces(&lab, &["r2"], index == 1));
                assert_eq!(message[if index == 0 { 5 } else { 4 }], lengths[index]);
                let extensions = &message[8 + 128..];
                assert_eq!(extensions[..2], [0x20, 0]);
                assert_eq!(extensions[4..16], [0, 12, 1, 1, 0, 6, 0x40, 1, 0x05, 0xdc, 0x17, 1]);
                assert_eq!(extensions[16..24], [0, 20, 2, 0b0000_1010, 0, 0, 0, 5]);
                assert_eq!(extensions[24..], *b"\x0cxe-0/0/1\0\0\0");
                assert!(arrived == 254 || index == 1);
                // The others answer as ever, and so does the kernel what it is asked itself.
                assert!(matches!(connect_ttl(&lab, address, 443, 1), Outcome::Icmp(..)));
                assert!(matches!(connect_ttl(&lab, address, 443, 3), Outcome::Icmp(..)));
                assert_eq!(connect_ttl(&lab, address, 443, 2), exceeded(&from.to_string()));
                assert_eq!(connect(&lab, address, 443), Outcome::Connected);
            }
        }
    });
}

#[test]
fn the_way_back_may_be_longer() {
    isolated(&[Tool::Ip], || {
        let lab = Lab::build(&chain().detour("r3", ["x", "y"], "r1")).unwrap();
        for (ttl, arrived) in [(1, 64), (2, 63), (3, 61)] {
            assert_eq!(raw_error(&lab, WEB[0], ttl, 1).2, arrived, "hop {ttl}");
        }
        for address in WEB {
            assert_eq!(responders(&lab, address, 3, [32000]), lab.responders(ip(address))[2]);
            assert_eq!(connect_ttl(&lab, address, 443, 4), Outcome::Connected);
        }
        assert_eq!(lab.responders(ip(WEB[0]))[2], BTreeSet::from([ip("10.70.4.2")]));
    });
}

/// The first packet of this protocol that arrives at the host over IPv4, from its IP header on, when the client
/// sends one.
fn seen_by_the_host(lab: &Lab, protocol: socket2::Protocol) -> Vec<u8> {
    let ear = lab.node("web").within(|| Socket::new(Domain::IPV4, Type::RAW, Some(protocol))).unwrap();
    let ear = plain(ear);
    if protocol == socket2::Protocol::TCP {
        connect(lab, WEB[0], 443);
    } else {
        let socket = lab.client().within(|| UdpSocket::bind("0.0.0.0:0")).unwrap();
        socket.send_to(b"hello", (WEB[0], 33434)).unwrap();
    }
    let mut buffer = [0; 2048];
    let length = ear.recv(&mut buffer).expect("it arrives");
    buffer[..length].to_vec()
}

#[test]
fn boxes_change_what_passes() {
    isolated(BOTH, || {
        let lab = Lab::build(&chain()).unwrap();
        let datagram = || seen_by_the_host(&lab, socket2::Protocol::UDP);
        let max_segment = || {
            let syn = seen_by_the_host(&lab, socket2::Protocol::TCP);
            assert_eq!(syn[40..42], [2, 4], "the first option is the segment size");
            u16::from_be_bytes([syn[42], syn[43]])
        };
        let before = datagram();
        assert_eq!((before[1], before[8], &before[12..16]), (0, 61, &[10, 70, 0, 2][..]));
        assert_eq!(max_segment(), 1460);
        let to = "198.51.100.7".parse().unwrap();
        for effect in [
            Effect::Dscp { to: 46 },
            Effect::SetTtl { to: 200 },
            Effect::Masquerade { to },
            Effect::MssClamp { to: 1200 },
        ] {
            lab.impose(&Fault::at("fw", effect)).unwrap();
        }
        let after = datagram();
        assert_eq!((after[1], after[8]), (46 << 2, 199));
        // The way back to it is only made for what is described from the start; sending needs none.
        assert_eq!(after[12..16], [198, 51, 100, 7]);
        lab.lift(lab.faults()[2]).unwrap();
        assert_eq!(max_segment(), 1200);
    });
}

#[test]
fn a_masquerade_for_all_protocols_lets_answers_back() {
    isolated(BOTH, || {
        let to = "198.51.100.7".parse().unwrap();
        let lab = Lab::build(&chain().fault(Fault::at("fw", Effect::Masquerade { to }))).unwrap();
        for ttl in 1..=3 {
            assert!(matches!(connect_ttl(&lab, WEB[0], 443, ttl), Outcome::Icmp(11, ..)), "hop {ttl}");
            raw_error(&lab, WEB[0], ttl, 1);
        }
        assert_eq!(connect(&lab, WEB[0], 443), Outcome::Connected);
        assert!(common::ping(&lab, WEB[0], PATIENCE));
        let server = lab.node("web").within(|| UdpSocket::bind((WEB[0], 5353))).unwrap();
        let client = lab.client().within(|| UdpSocket::bind("0.0.0.0:0")).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.send_to(b"hello", (WEB[0], 5353)).unwrap();
        let echo = thread::spawn(move || {
            let mut buffer = [0; 16];
            let (length, from) = server.recv_from(&mut buffer).unwrap();
            server.send_to(&buffer[..length], from).unwrap();
            from
        });
        assert_eq!(client.recv(&mut [0; 16]).unwrap(), 5);
        assert_eq!(echo.join().unwrap().ip(), ip("198.51.100.7"));
    });
}

#[test]
fn packets_may_go_in_circles_or_one_hop_too_far() {
    isolated(BOTH, || {
        let lab = Lab::build(&chain()).unwrap();
        let looping = Fault::at("r3", Effect::Loop).address(WEB[0]).address(WEB[1]);
        let id = lab.impose(&looping).unwrap();
        for (ttl, name) in [(2, "fw"), (3, "r3"), (4, "fw"), (5, "r3"), (6, "fw")] {
            assert_eq!(responders(&lab, WEB[0], ttl, [32000]), faces(&lab, &[name], false), "hop {ttl}");
        }
        // With IPv6 the second time round by the address of the other side.
        for (ttl, address) in [(2, "2001:db8:70:1::2"), (3, "2001:db8:70:2::2"), (4, "2001:db8:70:2::1")] {
            assert_eq!(connect_ttl(&lab, WEB[1], 443, ttl), exceeded(address), "hop {ttl}");
        }
        lab.lift(id).unwrap();
        lab.impose(&Fault::at("fw", Effect::ZeroTtl)).unwrap();
        for (address, v6) in [(WEB[0], false), (WEB[1], true)] {
            for (ttl, name) in [(1, "r1"), (2, "r3"), (3, "r3")] {
                assert_eq!(responders(&lab, address, ttl, [32000]), faces(&lab, &[name], v6), "hop {ttl}");
            }
            assert_eq!(connect_ttl(&lab, address, 443, 4), Outcome::Connected);
        }
    });
}

#[test]
fn errors_may_be_dropped_and_nothing_else() {
    isolated(BOTH, || {
        let filter = Fault::at("fw", Effect::Drop).protocol(Protocol::IcmpErrors).direction(Direction::Back);
        let lab = Lab::build(&chain().fault(filter)).unwrap();
        for address in WEB {
            assert!(matches!(connect_ttl(&lab, address, 443, 2), Outcome::Icmp(..)), "its own it sends");
            assert_eq!(hush(&lab, address, 443, Some(3)), Outcome::Silent);
            assert_eq!(connect(&lab, address, 443), Outcome::Connected);
            assert!(common::ping(&lab, address, PATIENCE));
        }
    });
}

#[test]
fn a_resolver_knows_the_names_of_addresses() {
    isolated(&[Tool::Ip], || {
        let names =
            Resolver::at("dns").pointer("10.70.0.1", "gw.example").pointer("2001:db8:70::1", "gw6.example");
        let lab = Lab::build(&chain().host_behind("dns", ["192.0.2.53"], "r1").resolver(names)).unwrap();
        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        for (question, expected) in
            [("1.0.70.10.in-addr.arpa", "gw.example."), (v6, "gw6.example."), ("9.0.70.10.in-addr.arpa", "")]
        {
            let answer = common::ask(&lab, "192.0.2.53", question, RecordType::PTR, PATIENCE).unwrap();
            let answer = Message::from_vec(&answer).unwrap();
            let said = answer.answers.first().map(|record| record.data.to_string()).unwrap_or_default();
            assert_eq!(said, expected);
        }
    });
}
