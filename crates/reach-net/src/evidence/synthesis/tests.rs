use etherparse::SlicedPacket;
use reach_core::model::{
    AddressRecord, Connect, Echo, EchoReply, Endpoint, LookupAnswer, ProbeId, Quote, QuotedHeader,
    RecordKind, Silence, Then,
};

use super::*;
use crate::{
    dns::decode,
    wire::{Body, Packet},
};

const SECOND: Duration = Duration::from_secs(1);

fn ms(ms: u64) -> Time {
    Time::from_micros(ms * 1_000)
}

fn addresses(v6: bool) -> (IpAddr, IpAddr, IpAddr) {
    let parse = |text: &str| text.parse().expect("an address");
    if v6 {
        (parse("2001:db8::2"), parse("2001:db8:f::12"), parse("2001:db8:1::2"))
    } else {
        (parse("10.70.0.2"), parse("203.0.113.12"), parse("10.70.1.2"))
    }
}

fn attempt(probe: Probe, flow: Flow, outcome: Outcome) -> Attempt {
    let fate = Fate::Ended(outcome, ms(50));
    Attempt { about: None, id: ProbeId(1), probe, sent: ms(10), flows: vec![flow], fate }
}

fn connect(v6: bool, ttl: Option<u8>) -> (Probe, Flow) {
    let (us, host, _) = addresses(v6);
    let endpoint = Endpoint { address: host, port: 443 };
    let probe = Connect {
        endpoint,
        source_port: 35_002,
        ttl,
        min_ttl: None,
        timeout: SECOND,
        then: Then::Reset,
        crowd: 1,
    };
    let flow = Flow::new(Protocol::Tcp, SocketAddr::new(us, 35_002), SocketAddr::new(host, 443));
    (Probe::Connect(probe), flow)
}

/// Whether etherparse finds the packet whole and its checksums right.
fn is_sound(bytes: &[u8]) {
    let sliced = SlicedPacket::from_ip(bytes).expect("a packet");
    let (Some(net), Some(transport)) = (sliced.net, sliced.transport) else { panic!("no transport") };
    let (source, destination, right) = match &net {
        etherparse::NetSlice::Ipv4(ip) => {
            let header = ip.header();
            assert_eq!(header.header_checksum(), header.to_header().calc_header_checksum());
            (Vec::from(header.source()), Vec::from(header.destination()), true)
        }
        etherparse::NetSlice::Ipv6(ip) => {
            (Vec::from(ip.header().source()), Vec::from(ip.header().destination()), false)
        }
        etherparse::NetSlice::Arp(_) => panic!("no packet"),
    };
    // The transport checksum over the pseudo-header comes to nothing.
    let start = if right { 20 } else { 40 };
    let payload = &bytes[start..];
    let protocol = match transport {
        etherparse::TransportSlice::Tcp(_) => 6_u8,
        etherparse::TransportSlice::Udp(_) => 17,
        etherparse::TransportSlice::Icmpv4(_) => return assert_eq!(crate::wire::checksum(payload), 0),
        etherparse::TransportSlice::Icmpv6(_) => 58,
        etherparse::TransportSlice::Igmp(_) => panic!("no transport of ours"),
    };
    let mut pseudo = [source, destination].concat();
    pseudo.extend((payload.len() as u32).to_be_bytes());
    pseudo.extend(u32::from(protocol).to_be_bytes());
    pseudo.extend(payload);
    assert_eq!(crate::wire::checksum(&pseudo), 0);
}

#[test]
fn a_router_that_rejects_quotes_the_syn() {
    for v6 in [false, true] {
        let (us, host, router) = addresses(v6);
        let (probe, flow) = connect(v6, Some(3));
        let error = IcmpError { v6, kind: if v6 { 3 } else { 11 }, code: 0 };
        let header = Some(QuotedHeader { ttl: 1, traffic_class: 0, length: 60 });
        let quote = Quote { length: 20, header, ..Quote::default() };
        let rejection = Rejection {
            how: Refusal::Icmp(error),
            by: Some(router),
            rtt: Duration::from_millis(2),
            reply_ttl: Some(61),
            quote: Some(Box::new(quote)),
        };
        let packets = packets(&attempt(probe, flow, Outcome::Rejected(rejection)), 64);
        assert_eq!(packets.iter().map(|packet| packet.outgoing).collect::<Vec<_>>(), [true, false]);
        assert_eq!(packets.iter().map(|packet| packet.at).collect::<Vec<_>>(), [ms(10), ms(12)]);
        packets.iter().for_each(|packet| is_sound(&packet.bytes));
        let syn = Packet::parse(&packets[0].bytes).expect("a packet");
        assert_eq!((syn.source, syn.destination, syn.ttl), (us, host, 3));
        assert_eq!(syn.body, Body::Tcp { source: 35_002, destination: 443, flags: Some(SYN) });
        let answer = Packet::parse(&packets[1].bytes).expect("a packet");
        assert_eq!((answer.source, answer.destination, answer.ttl), (router, us, 61));
        let Body::Error { error: found, quoted: Some(quoted) } = answer.body else { panic!("no error") };
        assert_eq!((found, quoted.ttl, quoted.body), (error, 1, syn.body));
    }
}

#[test]
fn a_connection_has_its_handshake_and_what_came_unasked() {
    let (probe, flow) = connect(false, None);
    let connected = Connected {
        rtt: Duration::from_millis(3),
        syns: 1,
        source: flow.local,
        after: After::Spoke(b"220 hello\r\n".to_vec()),
    };
    let packets = packets(&attempt(probe, flow, Outcome::Answered(Answer::Connected(connected))), 64);
    packets.iter().for_each(|packet| is_sound(&packet.bytes));
    let flags = |bytes: &[u8]| match Packet::parse(bytes).expect("a packet").body {
        Body::Tcp { flags, .. } => flags,
        other => panic!("{other:?}"),
    };
    let seen: Vec<_> = packets.iter().map(|packet| (packet.at, flags(&packet.bytes))).collect();
    assert_eq!(seen, [(ms(10), Some(SYN)), (ms(13), Some(SYN | ACK)), (ms(50), Some(PSH | ACK))]);
    assert!(packets[2].bytes.ends_with(b"220 hello\r\n"));
}

#[test]
fn an_echo_and_its_reply_have_the_same_numbers() {
    for v6 in [false, true] {
        let (us, host, _) = addresses(v6);
        let echo = Echo {
            address: host,
            sequence: 9,
            size: 16,
            ttl: None,
            flow: None,
            dont_fragment: false,
            timeout: SECOND,
        };
        let reply = EchoReply { rtt: Duration::from_millis(4), reply_ttl: Some(61) };
        let flow = Flow::echo(us, 77, host);
        let attempt = attempt(Probe::Echo(echo), flow, Outcome::Answered(Answer::Echo(reply)));
        let packets = packets(&attempt, 64);
        packets.iter().for_each(|packet| is_sound(&packet.bytes));
        for (packet, (is_reply, ttl)) in packets.iter().zip([(false, 64), (true, 61)]) {
            let read = Packet::parse(&packet.bytes).expect("a packet");
            let Body::Echo(message) = read.body else { panic!("no echo") };
            assert_eq!((message.reply, message.identifier, message.sequence), (is_reply, 77, 9));
            assert_eq!((message.payload.len(), read.ttl), (16, ttl));
        }
    }
}

#[test]
fn a_dns_answer_can_be_read_as_it_was() {
    let (us, resolver, _) = addresses(false);
    let lookup = Lookup {
        resolver: SocketAddr::new(resolver, 53),
        name: "push.example".to_owned(),
        kind: RecordKind::A,
        transport: Transport::Udp,
        timeout: SECOND,
    };
    let answer = LookupAnswer {
        addresses: vec![AddressRecord { address: [203, 0, 113, 12].into(), ttl_s: 300 }],
        aliases: vec![("push.example".to_owned(), "pool.example".to_owned())],
        ..LookupAnswer::default()
    };
    let flow = Flow::new(Protocol::Udp, SocketAddr::new(us, 50_000), SocketAddr::new(resolver, 53));
    let question = question(&lookup).expect("a question");
    let outcome = Outcome::Answered(Answer::Lookup(answer.clone()));
    let packets = packets(&attempt(Probe::Lookup(lookup), flow, outcome), 64);
    packets.iter().for_each(|packet| is_sound(&packet.bytes));
    let read = Packet::parse(&packets[1].bytes).expect("a packet");
    let Body::Udp { payload, .. } = read.body else { panic!("no datagram") };
    let decoded = decode(payload, &question).expect("an answer");
    assert_eq!((decoded.addresses, decoded.aliases), (answer.addresses, answer.aliases));
}

#[test]
fn nothing_is_made_of_what_is_not_known() {
    let (probe, flow) = connect(false, None);
    let unbound = Flow { local: ([0, 0, 0, 0], 35_002).into(), ..flow };
    let silent = Outcome::Silent(Silence::default());
    assert!(packets(&attempt(probe.clone(), unbound, silent.clone()), 64).is_empty());
    assert_eq!(packets(&attempt(probe.clone(), flow, silent), 64).len(), 1);
    let how = Refusal::Icmp(IcmpError { v6: false, kind: 3, code: 1 });
    let unnamed = Rejection { how, by: None, rtt: SECOND, reply_ttl: None, quote: None };
    assert_eq!(packets(&attempt(probe, flow, Outcome::Rejected(unnamed)), 64).len(), 1);
}
