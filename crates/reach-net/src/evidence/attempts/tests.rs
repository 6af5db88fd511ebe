use etherparse::PacketBuilder;
use proptest::prelude::*;
use reach_core::model::{
    Connect, Datagram, Echo, Endpoint, Exchange, IcmpError, Lookup, RecordKind, Refusal, Rejection, Silence,
    SystemLookup, Transport,
};

use super::*;

const US: [u8; 4] = [10, 70, 0, 2];
const HOST: [u8; 4] = [203, 0, 113, 12];
const ROUTER: [u8; 4] = [10, 70, 1, 2];
const RESOLVER: [u8; 4] = [192, 0, 2, 53];
const SECOND: Duration = Duration::from_secs(1);

fn ms(ms: u64) -> Time {
    Time::from_micros(ms * 1_000)
}

fn endpoint() -> Endpoint {
    Endpoint { address: HOST.into(), port: 443 }
}

fn connect(source_port: u16, ttl: Option<u8>, then: Then) -> Probe {
    let (endpoint, timeout) = (endpoint(), 3 * SECOND);
    Probe::Connect(Connect { endpoint, source_port, ttl, min_ttl: None, timeout, then, crowd: 1 })
}

fn exchange() -> Probe {
    Probe::Exchange(Exchange {
        endpoint: endpoint(),
        proxy: None,
        starttls: None,
        listen: Duration::ZERO,
        source_port: None,
        max_segment: None,
        data_ttl: None,
        connect_timeout: SECOND,
        read_timeout: SECOND,
        tls: None,
        http: None,
    })
}

fn echo(sequence: u16) -> Probe {
    let address = HOST.into();
    Probe::Echo(Echo {
        address,
        sequence,
        size: 8,
        ttl: None,
        flow: None,
        dont_fragment: false,
        timeout: SECOND,
    })
}

fn datagram(ttl: u8) -> Probe {
    let endpoint = Endpoint { address: HOST.into(), port: 33_434 };
    let (source_port, ttl) = (35_000, Some(ttl));
    Probe::Datagram(Datagram { endpoint, source_port, ttl, size: 4, dont_fragment: false, timeout: SECOND })
}

/// A run that one writes down as it goes.
#[derive(Default)]
struct Run {
    attempts: Attempts,
    next: u64,
}

impl Run {
    fn begin(&mut self, probe: Probe, sent: u64) -> AttemptId {
        let (attempt, id) = (AttemptId(self.next), ProbeId(self.next as u32));
        self.next += 1;
        self.attempts.note(Entry::Begun { attempt, about: None, id, probe, sent: ms(sent) });
        attempt
    }

    fn sends(&mut self, attempt: AttemptId, flow: Flow) {
        self.attempts.note(Entry::Sends { attempt, flow });
    }

    fn silent(&mut self, attempt: AttemptId, done: u64) {
        let outcome = Outcome::Silent(Silence::default());
        self.attempts.note(Entry::Ended { attempt, outcome, done: ms(done) });
    }

    fn rejected(&mut self, attempt: AttemptId, by: [u8; 4], done: u64) {
        let how = Refusal::Icmp(IcmpError { v6: false, kind: 11, code: 0 });
        let (by, rtt) = (Some(by.into()), SECOND);
        let outcome = Outcome::Rejected(Rejection { how, by, rtt, reply_ttl: None, quote: None });
        self.attempts.note(Entry::Ended { attempt, outcome, done: ms(done) });
    }

    fn left(&mut self, packet: &[u8], at: u64) -> Option<AttemptId> {
        self.attempts.owner(&Packet::parse(packet).expect("a packet"), true, ms(at))
    }

    fn came(&mut self, packet: &[u8], at: u64) -> Option<AttemptId> {
        self.attempts.owner(&Packet::parse(packet).expect("a packet"), false, ms(at))
    }
}

fn tcp(from: ([u8; 4], u16), to: ([u8; 4], u16), ttl: u8) -> Vec<u8> {
    let mut packet = Vec::new();
    let builder = PacketBuilder::ipv4(from.0, to.0, ttl).tcp(from.1, to.1, 0, 1024).syn();
    builder.write(&mut packet, &[]).expect("written");
    packet
}

fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), ttl: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    PacketBuilder::ipv4(from.0, to.0, ttl).udp(from.1, to.1).write(&mut packet, payload).expect("written");
    packet
}

fn error(from: [u8; 4], about: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let builder = PacketBuilder::ipv4(from, US, 61).icmpv4_raw(11, 0, [0; 4]);
    builder.write(&mut packet, &about[..28]).expect("written");
    packet
}

fn ping(from: [u8; 4], to: [u8; 4], reply: bool, identifier: u16, sequence: u16) -> Vec<u8> {
    let mut packet = Vec::new();
    let builder = PacketBuilder::ipv4(from, to, 64);
    let builder = if reply {
        builder.icmpv4_echo_reply(identifier, sequence)
    } else {
        builder.icmpv4_echo_request(identifier, sequence)
    };
    builder.write(&mut packet, &[0; 8]).expect("written");
    packet
}

fn local(port: u16) -> SocketAddr {
    (US, port).into()
}

#[test]
fn both_directions_of_a_flow_and_the_errors_about_it_belong_to_its_probe() {
    let mut run = Run::default();
    let id = run.begin(connect(35_002, Some(3), Then::Reset), 10);
    let syn = tcp((US, 35_002), (HOST, 443), 3);
    assert_eq!(run.left(&syn, 10), Some(id));
    assert_eq!(run.came(&tcp((HOST, 443), (US, 35_002), 61), 11), Some(id));
    assert_eq!(run.came(&error(ROUTER, &syn), 11), Some(id));
}

#[test]
fn what_others_send_belongs_to_nobody() {
    let mut run = Run::default();
    let id = run.begin(connect(35_002, None, Then::Reset), 10);
    run.sends(id, Flow::new(Protocol::Tcp, local(35_002), (HOST, 443).into()));
    for (what, packet) in [
        ("another port of ours", tcp((US, 35_003), (HOST, 443), 64)),
        ("another port of theirs", tcp((US, 35_002), (HOST, 80), 64)),
        ("another host", tcp((US, 35_002), ([203, 0, 113, 13], 443), 64)),
        ("another address of ours", tcp(([10, 70, 0, 3], 35_002), (HOST, 443), 64)),
        ("another protocol", udp((US, 35_002), (HOST, 443), 64, &[])),
        ("the other way round", tcp((HOST, 443), (US, 35_002), 64)),
        ("an error of ours about a packet of ours", error(ROUTER, &tcp((US, 35_002), (HOST, 443), 1))),
        ("a ping", ping(US, HOST, false, 1, 1)),
    ] {
        assert_eq!(run.left(&packet, 11), None, "{what}");
    }
    let syn = tcp((US, 35_002), (HOST, 443), 64);
    assert_eq!(run.left(&syn, 5), None, "before the probe began");
    run.silent(id, 20);
    let answer = tcp((HOST, 443), (US, 35_002), 61);
    assert_eq!(run.came(&answer, 20 + 59_000), Some(id));
    assert_eq!(run.came(&answer, 20 + 61_000), None, "long after it ended");
}

#[test]
fn a_port_given_out_again_is_somebody_elses() {
    let mut run = Run::default();
    let id = run.begin(connect(35_002, None, Then::Reset), 10);
    let syn = tcp((US, 35_002), (HOST, 443), 64);
    assert_eq!(run.left(&syn, 10), Some(id));
    run.silent(id, 20);
    let answer = tcp((HOST, 443), (US, 35_002), 61);
    assert_eq!(run.came(&answer, 30), Some(id));
    assert_eq!(run.left(&syn, 40), None);
    assert_eq!(run.came(&answer, 41), None, "the answer to another program");
    assert_eq!(run.came(&answer, 39), Some(id), "from before");
    let again = run.begin(connect(35_002, None, Then::Reset), 50);
    assert_eq!(run.left(&syn, 51), Some(again));
    assert_eq!(run.came(&answer, 52), Some(again));
}

#[test]
fn ports_that_the_kernel_chose_are_known_from_the_socket() {
    let mut run = Run::default();
    let id = run.begin(exchange(), 10);
    let syn = tcp((US, 51_234), (HOST, 443), 64);
    assert_eq!(run.left(&syn, 11), None);
    run.sends(id, Flow::new(Protocol::Tcp, local(51_234), (HOST, 443).into()));
    assert_eq!(run.left(&syn, 11), Some(id));
    let lookup = Lookup {
        resolver: (RESOLVER, 53).into(),
        name: "x.example".to_owned(),
        kind: RecordKind::A,
        transport: Transport::Udp,
        timeout: SECOND,
    };
    let id = run.begin(Probe::Lookup(lookup), 12);
    run.sends(id, Flow::new(Protocol::Udp, local(40_000), (RESOLVER, 53).into()));
    assert_eq!(run.came(&udp((RESOLVER, 53), (US, 40_000), 64, &[1, 2]), 13), Some(id));
}

#[test]
fn a_flow_used_again_belongs_to_whoever_used_it_at_the_time() {
    let mut run = Run::default();
    let first = run.begin(connect(35_002, Some(3), Then::Reset), 10);
    run.rejected(first, ROUTER, 20);
    let second = run.begin(connect(35_002, Some(4), Then::Reset), 30);
    let other = [10, 70, 2, 2];
    run.rejected(second, other, 40);
    assert_eq!(run.left(&tcp((US, 35_002), (HOST, 443), 3), 10), Some(first));
    assert_eq!(run.left(&tcp((US, 35_002), (HOST, 443), 4), 30), Some(second));
    let quoted = tcp((US, 35_002), (HOST, 443), 1);
    assert_eq!(run.came(&error(ROUTER, &quoted), 20), Some(first));
    assert_eq!(run.came(&error(other, &quoted), 40), Some(second));
    // A late repetition of the first router's error is still about the first probe.
    assert_eq!(run.came(&error(ROUTER, &quoted), 45), Some(first));
}

#[test]
fn datagrams_of_one_flow_are_told_apart_by_ttl_and_by_who_answers() {
    let mut run = Run::default();
    let ids: Vec<AttemptId> = (1..=3).map(|ttl| run.begin(datagram(ttl), 10)).collect();
    for (ttl, &id) in (1..).zip(&ids) {
        assert_eq!(run.left(&udp((US, 35_000), (HOST, 33_434), ttl, &[0; 4]), 11), Some(id));
        run.rejected(id, [10, 70, ttl, 2], 12);
    }
    for (hop, &id) in (1..).zip(&ids) {
        let quoted = udp((US, 35_000), (HOST, 33_434), 1, &[0; 4]);
        assert_eq!(run.came(&error([10, 70, hop, 2], &quoted), 12), Some(id));
    }
}

#[test]
fn echoes_are_known_by_identifier_and_sequence() {
    let mut run = Run::default();
    let (first, second) = (run.begin(echo(1), 10), run.begin(echo(2), 10));
    for id in [first, second] {
        run.sends(id, Flow::echo(US.into(), 7, HOST.into()));
    }
    assert_eq!(run.left(&ping(US, HOST, false, 7, 1), 11), Some(first));
    assert_eq!(run.came(&ping(HOST, US, true, 7, 2), 11), Some(second));
    assert_eq!(run.came(&error(ROUTER, &ping(US, HOST, false, 7, 2)), 11), Some(second));
    assert_eq!(run.left(&ping(US, HOST, false, 8, 1), 11), None);
    assert_eq!(run.left(&ping(US, HOST, false, 7, 3), 11), None);
    // Whoever pings us with the same numbers.
    assert_eq!(run.came(&ping(HOST, US, false, 7, 1), 11), None);
    assert_eq!(run.left(&ping(US, HOST, true, 7, 1), 11), None);
}

#[test]
fn errors_of_one_sender_about_datagrams_of_one_flow_are_told_apart_by_what_they_quote() {
    let mut run = Run::default();
    let ids: Vec<AttemptId> = (5..=7).map(|ttl| run.begin(datagram(ttl), 10)).collect();
    let any = Datagram { ttl: None, ..as_datagram(datagram(0)) };
    run.begin(Probe::Datagram(any), 10);
    let sent = |ttl: u8| udp((US, 35_000), (HOST, 33_434), ttl, &[9, ttl, 0, 0]);
    for (ttl, &id) in (5..).zip(&ids) {
        assert_eq!(run.left(&sent(ttl), 11), Some(id));
    }
    for (ttl, &id) in (5..).zip(&ids) {
        run.rejected(id, HOST, 12);
        let mut packet = Vec::new();
        let builder = PacketBuilder::ipv4(HOST, US, 61).icmpv4_raw(3, 3, [0; 4]);
        builder.write(&mut packet, &sent(ttl)).expect("written");
        assert_eq!(run.came(&packet, 12), Some(id));
    }
}

fn as_datagram(probe: Probe) -> Datagram {
    match probe {
        Probe::Datagram(datagram) => datagram,
        other => panic!("{other:?}"),
    }
}

/// A DNS question.
fn asks(name: &str) -> Vec<u8> {
    let mut message = vec![0; 12];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

#[test]
fn what_the_system_asks_is_known_by_the_name() {
    let mut run = Run { attempts: Attempts::new(vec![(RESOLVER, 53).into()]), next: 0 };
    let lookup = SystemLookup { name: "Push.example".to_owned(), timeout: SECOND };
    let id = run.begin(Probe::SystemLookup(lookup), 10);
    let asked = |name: &str| udp((US, 50_000), (RESOLVER, 53), 64, &asks(name));
    assert_eq!(run.left(&asked("other.example"), 11), None);
    assert_eq!(run.left(&asked("push.examples"), 11), None);
    assert_eq!(run.left(&asked("PUSH.example.corp.example"), 11), Some(id));
    // Its socket is known from then on, whatever it speaks.
    assert_eq!(run.came(&udp((RESOLVER, 53), (US, 50_000), 64, &[1]), 12), Some(id));
    let elsewhere = udp((US, 50_001), (HOST, 53), 64, &asks("push.example"));
    assert_eq!(run.left(&elsewhere, 12), None);
}

#[test]
fn later_fragments_follow_the_first() {
    let mut run = Run::default();
    let id = run.begin(echo(1), 10);
    run.sends(id, Flow::echo(US.into(), 7, HOST.into()));
    let mut first = ping(US, HOST, false, 7, 1);
    first[4..8].copy_from_slice(&[0x12, 0x34, 0x20, 0]);
    let mut later = first.clone();
    later[6..8].copy_from_slice(&[0, 100]);
    assert_eq!(run.left(&later, 11), None);
    assert_eq!(run.left(&first, 11), Some(id));
    assert_eq!(run.left(&later, 11), Some(id));
    later[5] = 0x35;
    assert_eq!(run.left(&later, 11), None);
}

#[test]
fn a_connection_that_is_held_has_packets_as_long() {
    let mut run = Run::default();
    let held = connect(35_002, None, Then::Hold(300 * SECOND));
    let id = run.begin(held, 10);
    run.silent(id, 20);
    assert_eq!(run.came(&tcp((HOST, 443), (US, 35_002), 61), 310_000), Some(id));
    run.attempts.forget_before(ms(310_000));
    assert!(run.attempts.get(id).is_some());
    run.attempts.forget_before(ms(400_000));
    assert!(run.attempts.get(id).is_none() && run.attempts.users.is_empty());
}

proptest! {
    #[test]
    fn any_packet_is_somebodys_or_nobodys(mut bytes: Vec<u8>, v6: bool, protocol: u8, outgoing: bool, at in 0_u64..9) {
        if bytes.len() > 9 {
            bytes[0] = if v6 { 0x60 } else { 0x45 };
            bytes[if v6 { 6 } else { 9 }] = protocol;
        }
        let mut run = Run { attempts: Attempts::new(vec![(RESOLVER, 53).into()]), next: 0 };
        run.begin(connect(1, Some(1), Then::Reset), 0);
        run.begin(Probe::SystemLookup(SystemLookup { name: String::new(), timeout: SECOND }), 0);
        if let Some(packet) = Packet::parse(&bytes) {
            run.attempts.owner(&packet, outgoing, ms(at));
        }
    }

    #[test]
    fn any_message_asks_for_some_name_or_none(message: Vec<u8>) {
        if let Some(name) = question(&message) {
            prop_assert!(name.len() <= 255);
        }
    }
}
