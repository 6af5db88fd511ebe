//! ICMP echo (RFC 792, RFC 4443 §4).

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reach_core::model::{Answer, Echo, EchoAccess, EchoReply, Obstacle, Outcome, Quote};
use socket2::Socket;

use crate::{
    hub::{Hub, Hubs, Kind, Late, Manner, Parcel, Table, Ticket},
    journal::{self, Flow},
    quote::{self, Split},
    sys::{self, Leaving, QueuedError},
    wire::{EchoMessage, Transport, checksum, checksum_fits, fold, ipv4_payload, sum},
    witness::Witness,
};

/// Length of the header of an echo message in bytes.
const HEADER: usize = 8;

/// How many bytes of a request are kept to know its reply by; what follows them is the same row in all requests.
const KEPT: usize = 64;

/// The sockets for echo requests.
pub(crate) struct EchoDoors {
    hubs: Arc<Hubs<Line>>,
    /// Only raw sockets are allowed, for IPv4 and IPv6: one of them serves all flows.
    raw: [AtomicBool; 2],
}

impl EchoDoors {
    pub(crate) fn new(hubs: Hubs<Line>) -> Self {
        Self { hubs: Arc::new(hubs), raw: [AtomicBool::new(false), AtomicBool::new(false)] }
    }

    /// As [`Hubs::close_idle`].
    pub(crate) fn close_idle(&self) {
        self.hubs.close_idle();
    }

    async fn hub(
        &self,
        v6: bool,
        flow: Option<u16>,
        leaving: &Leaving,
        witness: &Arc<Witness>,
    ) -> Result<Arc<Hub<Line>>, Outcome> {
        let raw = &self.raw[usize::from(v6)];
        let flow = flow.filter(|_| !raw.load(Ordering::Relaxed));
        self.hubs
            .get(&(v6, flow), || {
                let (socket, line) = open(v6, flow, leaving, witness)?;
                raw.store(line.access == EchoAccess::Raw, Ordering::Relaxed);
                Ok((socket, line))
            })
            .await
    }
}

/// Carries out one echo request, over a datagram socket where the system allows it, else over a raw one.
///
/// Requests share a socket, those of each flow one of their own where the identifier is the socket's. A reply is
/// known by its sender, sequence number, and payload, which begins with a random cookie as far as there is room. A
/// flow has a constant checksum from a size of two bytes on. What the payload may hold at most is 65,507 bytes over
/// IPv4, and 65,527 over IPv6: larger ones are [`Obstacle::TooBig`].
pub(crate) async fn echo(
    probe: &Echo,
    doors: &EchoDoors,
    leaving: &Leaving,
    witness: &Arc<Witness>,
    late: Option<Late>,
) -> Outcome {
    let address = probe.address.to_canonical();
    let v6 = address.is_ipv6();
    let hub = match doors.hub(v6, probe.flow, leaving, witness).await {
        Ok(hub) => hub,
        Err(outcome) => return outcome,
    };
    let identifier = match (probe.flow, hub.kind.access) {
        (Some(flow), EchoAccess::Raw) => identifier_of(flow),
        _ => hub.kind.identifier,
    };
    journal::note(|| Some(Flow::echo(hub.source_to(address)?, identifier, address)));
    let manner = Manner { ttl: probe.ttl, dont_fragment: probe.dont_fragment, timeout: probe.timeout, late };
    let (message, request) = Request::new(v6, identifier, probe);
    let parcel = Parcel {
        key: (address, probe.sequence),
        packet: request,
        bytes: message,
        to: Some(SocketAddr::new(address, 0)),
    };
    hub.ask(|_| parcel, manner).await
}

/// The identifier that makes a flow. A datagram socket cannot have zero.
fn identifier_of(flow: u16) -> u16 {
    if flow == 0 { u16::MAX } else { flow }
}

/// A socket for echo requests.
pub(crate) struct Line {
    v6: bool,
    access: EchoAccess,
    /// The socket's own, or on a raw one that of requests without a flow.
    identifier: u16,
    leaving: Leaving,
    witness: Arc<Witness>,
}

/// What a request says, and by what its reply is known.
pub(crate) struct Request {
    address: IpAddr,
    identifier: u16,
    /// Its first bytes.
    head: Vec<u8>,
    length: usize,
}

impl Request {
    /// A request, and the message that asks it.
    fn new(v6: bool, identifier: u16, probe: &Echo) -> (Vec<u8>, Self) {
        let cookie = random().to_be_bytes();
        let room_for_sum = if probe.flow.is_some() && probe.size >= 2 { 2 } else { 0 };
        let mut payload: Vec<u8> = (0..probe.size).map(|index| index as u8).collect();
        for (byte, cookie) in payload.iter_mut().skip(room_for_sum).zip(cookie) {
            *byte = cookie;
        }
        if room_for_sum > 0 {
            payload[..2].fill(0);
        }
        let message = EchoMessage { reply: false, identifier, sequence: probe.sequence, payload: &payload };
        let mut message = message.encode(v6);
        if room_for_sum > 0 {
            let wanted = !identifier;
            let rest = rest_of_sum(v6, &message);
            let missing = fold(u64::from(wanted) + u64::from(!rest));
            message[HEADER..HEADER + 2].copy_from_slice(&missing.to_be_bytes());
            if !v6 {
                message[2..4].fill(0);
                let sum = checksum(&message).to_be_bytes();
                message[2..4].copy_from_slice(&sum);
            }
        }
        let head = message.get(..KEPT).unwrap_or(&message).to_vec();
        let request = Self { address: probe.address.to_canonical(), identifier, head, length: message.len() };
        (message, request)
    }

    /// Whether a message is the reply.
    fn is_answered_by(&self, found: &EchoMessage<'_>) -> bool {
        let (kept, rest) =
            found.payload.split_at_checked(self.head.len() - HEADER).unwrap_or((found.payload, &[]));
        found.reply
            && found.identifier == self.identifier
            && found.payload.len() + HEADER == self.length
            && kept == &self.head[HEADER..]
            && rest.iter().zip(KEPT - HEADER..).all(|(&byte, index)| byte == index as u8)
    }

    /// Whether an ICMP error quotes this request, of which a router may have cut the payload.
    fn is_quoted_by(&self, found: &EchoMessage<'_>) -> bool {
        let sent = &self.head[HEADER..];
        let common = found.payload.len().min(sent.len());
        !found.reply && found.identifier == self.identifier && found.payload[..common] == sent[..common]
    }
}

/// The sum that the two bytes in question add to: over IPv6 the checksum also covers the length, and addresses,
/// which are the same for the whole flow.
fn rest_of_sum(v6: bool, message: &[u8]) -> u16 {
    let [kind, code, _, _] = *message.first_chunk().unwrap_or(&[0; 4]);
    let length = if v6 { message.len() as u64 } else { 0 };
    fold(u64::from(u16::from_be_bytes([kind, code])) + sum(message.get(4..).unwrap_or_default()) + length)
}

fn random() -> u64 {
    // The standard library's only source of randomness, seeded by the system.
    RandomState::new().build_hasher().finish()
}

impl Kind for Line {
    type Key = (bool, Option<u16>);
    type Packet = Request;
    /// A reply says by its cookie what it answers.
    const LINGERS: bool = false;

    fn answered(&self, table: &Table<Request>, from: SocketAddr, message: &[u8]) -> Option<Ticket> {
        let message = match (self.access, self.v6) {
            // A raw socket sees the packet before the kernel looks at the checksum.
            (EchoAccess::Raw, false) => ipv4_payload(message).filter(|message| checksum(message) == 0)?,
            _ => message,
        };
        let found = EchoMessage::parse(self.v6, message)?;
        let mut asked = table.of((from.ip().to_canonical(), found.sequence));
        asked.find(|(_, place)| place.packet.is_answered_by(&found)).map(|(ticket, _)| ticket)
    }

    fn answer(&self, rtt: Duration, reply_ttl: Option<u8>) -> Answer {
        Answer::Echo(EchoReply { rtt, reply_ttl })
    }

    fn refused(&self, table: &Table<Request>, error: &QueuedError) -> Option<Ticket> {
        let Split { packet, solid, .. } = quote::split(error, 0);
        let found = EchoMessage::parse(self.v6, packet)?;
        let bare = EchoMessage { payload: solid.get(HEADER..).unwrap_or_default(), ..found };
        let is_quoted = |asked: &Request| asked.is_quoted_by(&found) || asked.is_quoted_by(&bare);
        let asked = table.of((error.destination?.ip().to_canonical(), found.sequence));
        let mut quoted = asked.filter(|(_, place)| is_quoted(&place.packet)).map(|(ticket, _)| ticket);
        let first = quoted.next()?;
        // Where the cookie is cut off, the sequence number has to be enough.
        quoted.next().is_none().then_some(first)
    }

    fn quote(&self, sent: &Request, error: &QueuedError) -> Quote {
        let Split { packet, mut quote, .. } = quote::split(error, 0);
        let packet = packet.get(..sent.length).unwrap_or(packet);
        if EchoMessage::parse(self.v6, packet).is_some_and(|found| sent.is_quoted_by(&found)) {
            quote.length = quote::length(packet.len());
        }
        quote.checksum_fits = if !self.v6 {
            packet.get(2..4).map(|sum| *sum == sent.head[2..4])
        } else if usize::from(quote.length) == sent.length {
            let source = self.leaving.source_for(sent.address);
            source.and_then(|source| checksum_fits(Transport::Icmp6, source, sent.address, packet))
        } else {
            None
        };
        // The checksum is the kernel's business here, so it is not compared.
        let is_it =
            |heard: &[u8]| heard.first() == sent.head.first() && heard.get(4..8) == sent.head.get(4..8);
        let transport = if self.v6 { Transport::Icmp6 } else { Transport::Icmp };
        self.witness.testify(&mut quote, error, transport, is_it);
        quote
    }
}

fn open(
    v6: bool,
    flow: Option<u16>,
    leaving: &Leaving,
    witness: &Arc<Witness>,
) -> Result<(Socket, Line), Outcome> {
    witness.begin(v6);
    let unable = |error: std::io::Error| sys::unable(sys::bind_obstacle(&error), &error);
    let (socket, access) = sys::open_echo(v6).map_err(|error| {
        let why = match sys::local_obstacle(&error) {
            Obstacle::ForbiddenLocally => Obstacle::NoPermission,
            other => other,
        };
        sys::unable(why, &error)
    })?;
    // On a datagram socket the port is the identifier.
    let port = flow.filter(|_| access == EchoAccess::Datagram).map_or(0, identifier_of);
    sys::leave(&socket, v6, port, leaving).map_err(unable)?;
    let identifier = match access {
        EchoAccess::Datagram => {
            let local = socket.local_addr().map_err(unable)?;
            local.as_socket().map_or(0, |local| local.port())
        }
        _ => identifier_of((random() >> 48) as u16),
    };
    Ok((socket, Line { v6, access, identifier, leaving: *leaving, witness: Arc::clone(witness) }))
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        net::{Ipv4Addr, Ipv6Addr},
    };

    use tokio::sync::Semaphore;

    use super::*;
    use crate::sys::ErrorOrigin;

    fn probe(address: IpAddr, sequence: u16, size: u16) -> Echo {
        Echo {
            address,
            sequence,
            size,
            ttl: None,
            flow: None,
            dont_fragment: false,
            timeout: Duration::from_secs(20),
        }
    }

    fn doors() -> Arc<EchoDoors> {
        Arc::new(EchoDoors::new(Hubs::new(Arc::new(Semaphore::new(100)))))
    }

    async fn ask(doors: &EchoDoors, probe: &Echo) -> Outcome {
        echo(probe, doors, &Leaving::default(), &Arc::default(), None).await
    }

    /// The addresses that echo can be tried with here.
    fn loopbacks() -> Vec<IpAddr> {
        [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            .into_iter()
            .filter(|address| match sys::open_echo(address.is_ipv6()) {
                Ok(_) => true,
                Err(error) => {
                    eprintln!("SKIPPED for {address}: this system allows no ICMP echo ({error})");
                    false
                }
            })
            .collect()
    }

    #[tokio::test]
    async fn this_host_answers_itself() {
        let doors = doors();
        for address in loopbacks() {
            for (flow, size) in [(None, 0), (None, 4), (Some(7), 56), (Some(0), 1), (Some(7), 65_507)] {
                match ask(&doors, &Echo { flow, ..probe(address, 7, size) }).await {
                    Outcome::Answered(Answer::Echo(reply)) => {
                        assert!(reply.rtt < Duration::from_secs(5));
                        assert_eq!(reply.reply_ttl, Some(64));
                    }
                    other => panic!("{address}, {size} bytes: {other:?}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn hundreds_at_once_find_their_own_replies() {
        let doors = doors();
        for address in loopbacks() {
            let echoes: Vec<_> = (0..300_u16)
                .map(|number| {
                    let doors = Arc::clone(&doors);
                    let flow = Some(1000 + number % 3).filter(|_| number % 2 == 0);
                    // Sequence numbers of the same value are told apart by the cookie.
                    let probe = Echo { flow, ..probe(address, number % 50, 56) };
                    tokio::spawn(async move { ask(&doors, &probe).await })
                })
                .collect();
            for echo in echoes {
                let outcome = echo.await.expect("no panic");
                assert!(matches!(outcome, Outcome::Answered(Answer::Echo(_))), "{outcome:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_size_that_no_packet_has_is_told_as_such() {
        let doors = doors();
        for address in loopbacks() {
            let outcome = ask(&doors, &probe(address, 1, 65_535)).await;
            let Outcome::Unable(inability) = outcome else { panic!("{address}: {outcome:?}") };
            assert_eq!(inability.why, Obstacle::TooBig { mtu: None });
            assert_eq!(inability.errno, Some(libc::EMSGSIZE));
            // And one after it has nothing to do with that.
            assert!(matches!(ask(&doors, &probe(address, 2, 56)).await, Outcome::Answered(_)));
        }
    }

    fn request(v6: bool, sequence: u16, size: u16, flow: Option<u16>) -> (Vec<u8>, Request) {
        let address: IpAddr = if v6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        Request::new(v6, 9, &Echo { flow, ..probe(address, sequence, size) })
    }

    #[test]
    fn only_the_same_request_is_answered() {
        for size in [3, 56, 500] {
            let (message, request) = request(false, 3, size, None);
            let reply = |identifier, payload: &[u8]| {
                request.is_answered_by(&EchoMessage { reply: true, identifier, sequence: 3, payload })
            };
            let payload = &message[HEADER..];
            assert!(reply(9, payload));
            assert!(!reply(8, payload));
            assert!(!reply(9, &payload[1..]));
            assert!(!reply(9, &[payload, &[0]].concat()));
            for place in [0, payload.len() - 1] {
                let mut changed = payload.to_vec();
                changed[place] ^= 1;
                assert!(!reply(9, &changed));
            }
            assert!(!request.is_answered_by(&EchoMessage::parse(false, &message).expect("a request")));
        }
    }

    #[test]
    fn a_quotation_may_be_cut() {
        let (message, request) = request(true, 3, 56, None);
        let is_quoted =
            |bytes: &[u8]| EchoMessage::parse(true, bytes).is_some_and(|found| request.is_quoted_by(&found));
        assert!(is_quoted(&message));
        assert!(is_quoted(&message[..8]));
        assert!(!is_quoted(&message[..7]));
        assert!(is_quoted(&[&message[..], &[0; 64]].concat()), "padded");
        let mut other = message;
        other[HEADER] ^= 1;
        assert!(!is_quoted(&other));
    }

    #[test]
    fn a_flow_has_one_checksum() {
        let sums = |v6: bool, size: u16, sequences: std::ops::Range<u16>| -> BTreeSet<u16> {
            let total = |message: &[u8]| {
                let length = if v6 { message.len() as u64 } else { 0 };
                let mut bare = message.to_vec();
                bare[2..4].fill(0);
                fold(sum(&bare) + length)
            };
            sequences.map(|sequence| total(&request(v6, sequence, size, Some(9)).0)).collect()
        };
        for v6 in [false, true] {
            for size in [2, 3, 10, 56, 1400] {
                assert_eq!(sums(v6, size, 0..40), sums(v6, 56, 0..1), "IPv6: {v6}, {size} bytes");
            }
        }
        assert_eq!(
            u16::from_be_bytes([request(false, 5, 56, Some(9)).0[2], request(false, 5, 56, Some(9)).0[3]]),
            9
        );
    }

    #[test]
    fn a_checksum_that_is_not_ours_is_noticed() {
        let line = Line {
            v6: false,
            access: EchoAccess::Datagram,
            identifier: 9,
            leaving: Leaving::default(),
            witness: Arc::default(),
        };
        let (mut message, request) = request(false, 5, 56, None);
        let mut error = QueuedError {
            origin: ErrorOrigin::Icmp,
            errno: libc::EHOSTUNREACH,
            kind: 11,
            code: 0,
            offender: None,
            reply_ttl: None,
            timestamp: None,
            destination: None,
            info: 0,
            extension: None,
            quoted: message.clone(),
        };
        let quote = line.quote(&request, &error);
        assert_eq!((quote.length, quote.checksum_fits), (64, Some(true)));
        message[2] ^= 1;
        error.quoted = message[..8].to_vec();
        let quote = line.quote(&request, &error);
        assert_eq!((quote.length, quote.checksum_fits), (8, Some(false)));
    }
}
