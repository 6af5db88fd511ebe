//! One UDP datagram, and what it provokes.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reach_core::model::{Answer, Datagram, DatagramReply, Outcome, Quote};
use socket2::Socket;
use tokio::sync::Mutex;

use crate::{
    hub::{Hubs, Kind, Late, Manner, Parcel, Table, Ticket},
    journal::{self, Protocol},
    quote::{self, Split},
    sys::{self, Leaving, QueuedError},
    wire::{Transport, checksum_fits, fold, sum},
    witness::Witness,
};

/// Length of a UDP header in bytes.
const HEADER: usize = 8;

/// How many bytes of a payload are kept to know it by.
const KEPT: usize = 32;

/// The sum over payload and length that every datagram with room for it has, so that all datagrams of a flow have
/// the same checksum: some balancers hash it.
const SUM: u16 = 0x5ea1;

/// Sends one datagram and waits for what comes of it: any datagram from the endpoint is an answer, an ICMP error a
/// rejection.
///
/// Datagrams of one flow share a socket and may be under way at the same time. Each begins with a tag, by which
/// quotes and answers are known. Where a router quotes less than the tag (28 bytes of packet are all that RFC 792
/// asks for), and where the size has no room for it, the error belongs to the only datagram under way, or else to
/// nobody: it is not told. From then on, datagrams of that flow go one at a time.
pub(crate) async fn datagram(
    probe: &Datagram,
    doors: &Arc<Hubs<Flow>>,
    leaving: &Leaving,
    witness: &Arc<Witness>,
    late: Option<Late>,
) -> Outcome {
    let remote = SocketAddr::new(probe.endpoint.address.to_canonical(), probe.endpoint.port);
    let key = (remote, probe.source_port);
    let hub = match doors.get(&key, || open(remote, probe.source_port, leaving, witness)).await {
        Ok(hub) => hub,
        Err(outcome) => return outcome,
    };
    journal::note(|| {
        let local = SocketAddr::new(hub.source_to(remote.ip())?, probe.source_port);
        Some(journal::Flow::new(Protocol::Udp, local, remote))
    });
    let _turn =
        if hub.kind.is_terse.load(Ordering::Relaxed) { Some(hub.kind.turn.lock().await) } else { None };
    let manner = Manner { ttl: probe.ttl, dont_fragment: probe.dont_fragment, timeout: probe.timeout, late };
    hub.ask(|table| parcel(remote.ip(), probe.size, table), manner).await
}

/// All datagrams between two ports of two hosts.
pub(crate) struct Flow {
    source: SocketAddr,
    remote: SocketAddr,
    /// Some router quotes too little to tell datagrams apart.
    is_terse: AtomicBool,
    /// Whose turn it is then.
    turn: Mutex<()>,
    witness: Arc<Witness>,
}

/// A payload sent.
pub(crate) struct Payload {
    /// Its first bytes.
    head: Vec<u8>,
    length: usize,
}

impl Kind for Flow {
    type Key = (SocketAddr, u16);
    type Packet = Payload;
    const LINGERS: bool = true;

    fn answered(&self, table: &Table<Payload>, from: SocketAddr, message: &[u8]) -> Option<Ticket> {
        // Who repeats the tag (an echo service; a name server, for whom it is the message id) says what he answers.
        tagged(table, from.ip(), message).or_else(|| only_one(table))
    }

    fn answer(&self, rtt: Duration, reply_ttl: Option<u8>) -> Answer {
        Answer::Datagram(DatagramReply { rtt, reply_ttl })
    }

    fn refused(&self, table: &Table<Payload>, error: &QueuedError) -> Option<Ticket> {
        let Split { packet: payload, solid, .. } = quote::split(error, HEADER);
        let remote = error.destination?.ip();
        let of_tag = tag(payload).and_then(|tag| {
            let mut tagged = table.of((remote, tag)).filter(|(_, place)| place.packet.is_quoted_by(payload));
            tagged.next().map(|(ticket, _)| ticket)
        });
        if of_tag.is_some() || solid.len() >= TAG {
            return of_tag;
        }
        let only_one = only_one(table);
        if only_one.is_none() {
            self.is_terse.store(true, Ordering::Relaxed);
        }
        only_one
    }

    fn quote(&self, sent: &Payload, error: &QueuedError) -> Quote {
        let Split { packet: payload, mut quote, .. } = quote::split(error, HEADER);
        if sent.is_quoted_by(payload) {
            quote.length = quote::length(HEADER + payload.len().min(sent.length));
        }
        let ports = [self.source.port().to_be_bytes(), self.remote.port().to_be_bytes()].concat();
        let is_it = |heard: &[u8]| {
            let quoted = heard.get(HEADER..).unwrap_or_default();
            heard.starts_with(&ports) && (quoted.starts_with(payload) || payload.starts_with(quoted))
        };
        // Only the witness sees the header.
        let heard = self.witness.testify(&mut quote, error, Transport::Udp, is_it);
        if let Some(datagram) = heard.as_ref().and_then(|heard| heard.get(..HEADER + sent.length))
            && usize::from(quote.length) == datagram.len()
        {
            let (source, remote) = (self.source.ip(), self.remote.ip());
            quote.checksum_fits = checksum_fits(Transport::Udp, source, remote, datagram);
        }
        quote
    }
}

impl Payload {
    /// Whether a quotation, of which a router may have cut the end, is of this one.
    fn is_quoted_by(&self, quoted: &[u8]) -> bool {
        let common = quoted.len().min(self.head.len());
        quoted[..common] == self.head[..common]
    }
}

/// Bytes of a tag.
const TAG: usize = 2;

fn tag(payload: &[u8]) -> Option<u16> {
    payload.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn tagged(table: &Table<Payload>, remote: IpAddr, message: &[u8]) -> Option<Ticket> {
    let mut found = table.of((remote, tag(message)?)).map(|(ticket, _)| ticket);
    found.next()
}

/// The only datagram under way, if there is one and no more.
fn only_one(table: &Table<Payload>) -> Option<Ticket> {
    let mut open = table.all().filter(|(_, place)| place.is_open()).map(|(ticket, _)| ticket);
    let first = open.next()?;
    open.next().is_none().then_some(first)
}

/// A datagram with a tag that none under way has.
fn parcel(remote: IpAddr, size: u16, table: &Table<Payload>) -> Parcel<Payload> {
    // The standard library's only source of randomness, seeded by the system.
    let random = RandomState::new().build_hasher().finish();
    let first = (random >> 48) as u16;
    let tag = (0..=u16::MAX)
        .map(|step| first.wrapping_add(step))
        .find(|&tag| table.of((remote, tag)).next().is_none())
        .unwrap_or(first);
    let bytes = payload(tag, random, size);
    let head = bytes.get(..KEPT).unwrap_or(&bytes).to_vec();
    Parcel { key: (remote, tag), packet: Payload { head, length: bytes.len() }, bytes, to: None }
}

/// As far as `size` has room: the tag, two bytes that make the sum, four random ones, and a row of bytes.
fn payload(tag: u16, random: u64, size: u16) -> Vec<u8> {
    let size = usize::from(size);
    let mut bytes: Vec<u8> = tag.to_be_bytes().into_iter().chain([0, 0]).collect();
    bytes.extend(&random.to_be_bytes()[4..]);
    bytes.extend((bytes.len()..size.max(bytes.len())).map(|index| index as u8));
    bytes.truncate(size);
    if size >= 4 {
        // The checksum covers the length twice: in the pseudo header, and in its own.
        let rest = fold(sum(&bytes) + 2 * (HEADER + size) as u64);
        let missing = fold(u64::from(SUM) + u64::from(!rest));
        bytes[2..4].copy_from_slice(&missing.to_be_bytes());
    }
    bytes
}

fn open(
    remote: SocketAddr,
    source_port: u16,
    leaving: &Leaving,
    witness: &Arc<Witness>,
) -> Result<(Socket, Flow), Outcome> {
    witness.begin(remote.is_ipv6());
    let socket = sys::open_udp(remote.is_ipv6(), source_port, leaving)
        .map_err(|error| sys::unable(sys::bind_obstacle(&error), &error))?;
    let connected = socket.connect(&remote.into()).and_then(|()| socket.local_addr());
    let source = connected.map_err(|error| sys::unable(sys::local_obstacle(&error), &error))?;
    let flow = Flow {
        source: source.as_socket().unwrap_or(remote),
        remote,
        is_terse: AtomicBool::new(false),
        turn: Mutex::default(),
        witness: Arc::clone(witness),
    };
    Ok((socket, flow))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reach_core::model::{Endpoint, IcmpError, Refusal, Silence};
    use tokio::{net::UdpSocket, sync::Semaphore};

    use super::*;

    fn doors() -> Arc<Hubs<Flow>> {
        Arc::new(Hubs::new(Arc::new(Semaphore::new(100))))
    }

    fn probe(remote: SocketAddr, size: u16) -> Datagram {
        Datagram {
            endpoint: Endpoint { address: remote.ip(), port: remote.port() },
            // The source port of the tests' flows; their destinations differ.
            source_port: 9_931,
            ttl: None,
            size,
            dont_fragment: false,
            timeout: Duration::from_secs(20),
        }
    }

    async fn ask(doors: &Arc<Hubs<Flow>>, probe: &Datagram) -> Outcome {
        datagram(probe, doors, &Leaving::default(), &Arc::default(), None).await
    }

    async fn sockets() -> Vec<UdpSocket> {
        let mut sockets = Vec::new();
        for address in ["127.0.0.1:0", "[::1]:0"] {
            match UdpSocket::bind(address).await {
                Ok(socket) => sockets.push(socket),
                Err(error) => eprintln!("SKIPPED for {address}: {error}"),
            }
        }
        sockets
    }

    #[tokio::test]
    async fn a_closed_port_is_told_by_the_host() {
        for socket in sockets().await {
            let remote = socket.local_addr().expect("bound");
            drop(socket);
            let v6 = remote.is_ipv6();
            for size in [0, 1, 2, 32, 9_000] {
                match ask(&doors(), &probe(remote, size)).await {
                    Outcome::Rejected(rejection) => {
                        let (kind, code) = if v6 { (1, 4) } else { (3, 3) };
                        assert_eq!(rejection.how, Refusal::Icmp(IcmpError { v6, kind, code }));
                        assert_eq!(rejection.by, Some(remote.ip()));
                        let quote = rejection.quote.expect("a quote");
                        assert!(quote.length >= 8 && quote.length <= size + 8, "{quote:?}");
                    }
                    other => panic!("{remote}, {size} bytes: {other:?}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn answers_in_any_order_find_the_datagram_whose_tag_they_repeat() {
        const MANY: usize = 50;
        for socket in sockets().await {
            let remote = socket.local_addr().expect("bound");
            let echo = tokio::spawn(async move {
                let mut seen = Vec::new();
                while seen.len() < MANY {
                    let mut buffer = [0; 64];
                    let (length, from) = socket.recv_from(&mut buffer).await.expect("a datagram");
                    seen.push((buffer[..length].to_vec(), from));
                }
                for (message, from) in seen.iter().rev() {
                    let _ = socket.send_to(message, from).await;
                }
            });
            let doors = doors();
            let asked: Vec<_> = (0..MANY)
                .map(|_| {
                    let doors = Arc::clone(&doors);
                    tokio::spawn(async move { ask(&doors, &probe(remote, 32)).await })
                })
                .collect();
            for one in asked {
                let outcome = one.await.expect("no panic");
                assert!(matches!(outcome, Outcome::Answered(Answer::Datagram(_))), "{outcome:?}");
            }
            echo.await.expect("no panic");
        }
    }

    #[tokio::test]
    async fn nobody_answers_for_a_socket_that_only_listens() {
        for socket in sockets().await {
            let remote = socket.local_addr().expect("bound");
            let probe = Datagram { timeout: Duration::from_millis(30), ..probe(remote, 32) };
            let silent = Outcome::Silent(Silence { packets: 1, refused_here: false });
            assert_eq!(ask(&doors(), &probe).await, silent);
        }
    }

    #[tokio::test]
    async fn what_the_own_link_does_not_carry_is_not_sent() {
        for socket in sockets().await {
            let remote = socket.local_addr().expect("bound");
            // Loopback carries 65,536 bytes, which no datagram over IPv4 has with its headers.
            let probe = Datagram { dont_fragment: true, ..probe(remote, 65_530) };
            match ask(&doors(), &probe).await {
                Outcome::Unable(inability) => {
                    assert!(matches!(inability.why, reach_core::model::Obstacle::TooBig { .. }))
                }
                other => panic!("{remote}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn all_payloads_of_a_flow_have_the_same_sum(tag: u16, random: u64, size in 4_u16..2000) {
            let payload = payload(tag, random, size);
            prop_assert_eq!(payload.len(), usize::from(size));
            prop_assert_eq!(payload[..2].to_vec(), tag.to_be_bytes());
            let total = fold(sum(&payload) + 2 * u64::from(size + 8));
            prop_assert_eq!(total, SUM);
        }

        #[test]
        fn small_sizes_are_kept(tag: u16, random: u64, size in 0_u16..4) {
            prop_assert_eq!(payload(tag, random, size).len(), usize::from(size));
        }
    }
}
