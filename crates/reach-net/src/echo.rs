//! One ICMP echo (RFC 792, RFC 4443 §4).

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
};

use reach_core::model::{
    Answer, Echo, EchoAccess, EchoReply, Obstacle, Outcome, Refusal, Rejection, Silence,
};
use socket2::Socket;
use tokio::{
    io::Interest,
    net::UdpSocket,
    time::{Duration, Instant, sleep, timeout_at},
};

use crate::{
    journal::{self, Flow},
    stamp::Sent,
    sys::{self, QueuedError},
    wire::{EchoMessage, checksum, ipv4_payload},
};

/// Room for the headers before the payload of a reply: the longest of IPv4, and that of ICMP.
const MOST_HEADERS: usize = 60 + 8;

/// Carries out one echo request, over a datagram socket where the system allows it, else over a raw one.
///
/// Each request has a socket of its own, connected to the address: the kernel then hands it nothing from
/// elsewhere, and an ICMP error can only be about this one request (or, on a raw socket, about one that its
/// identifier and sequence number tell apart).
pub async fn echo(probe: &Echo) -> Outcome {
    let deadline = Instant::now() + probe.timeout;
    let address = probe.address.to_canonical();
    let (socket, access) = match open(address, probe.ttl) {
        Ok(opened) => opened,
        Err(outcome) => return outcome,
    };
    let request = Request::new(address.is_ipv6(), access, probe.sequence, probe.size);
    let sending = send(&socket, &request);
    journal::note(|| {
        let local = socket.local_addr().ok()?.as_socket()?;
        // A datagram socket's port is the identifier that the kernel writes (icmp(7)).
        let identifier = if access == EchoAccess::Raw { request.identifier } else { local.port() };
        Some(Flow::echo(local.ip(), identifier, address))
    });
    let sent = match sending {
        Ok(sent) => sent,
        Err(outcome) => return outcome,
    };
    let socket = match pollable(socket) {
        Ok(socket) => socket,
        Err(error) => return sys::unable(Obstacle::OutOfResources, &error),
    };
    let mut wait =
        Wait { socket: &socket, buffer: vec![0; MOST_HEADERS + request.payload.len()], request, sent };
    match timeout_at(deadline, wait.end()).await {
        Ok(outcome) => outcome,
        // The reply may have come while this thread was busy.
        Err(_) => wait.look().unwrap_or(Outcome::Silent(Silence { packets: 1, refused_here: false })),
    }
}

/// What a request says, and by what its reply is known.
struct Request {
    v6: bool,
    access: EchoAccess,
    identifier: u16,
    sequence: u16,
    payload: Vec<u8>,
}

impl Request {
    /// A request whose payload begins with a random cookie, as far as `size` has room for it.
    fn new(v6: bool, access: EchoAccess, sequence: u16, size: u16) -> Self {
        // The standard library's only source of randomness, seeded by the system.
        let random = || RandomState::new().build_hasher().finish();
        let [high, low, ..] = random().to_be_bytes();
        let mut payload: Vec<u8> = (0..size).map(|index| index.to_be_bytes()[1]).collect();
        for (byte, cookie) in payload.iter_mut().zip(random().to_be_bytes()) {
            *byte = cookie;
        }
        Self { v6, access, identifier: u16::from_be_bytes([high, low]), sequence, payload }
    }

    fn encode(&self) -> Vec<u8> {
        EchoMessage {
            reply: false,
            identifier: self.identifier,
            sequence: self.sequence,
            payload: &self.payload,
        }
        .encode(self.v6)
    }

    /// Whether a datagram is the reply.
    fn is_answered_by(&self, datagram: &[u8]) -> bool {
        let message = match (self.access, self.v6) {
            (EchoAccess::Raw, false) => {
                // A raw socket sees the packet before the kernel looks at the checksum.
                let Some(message) = ipv4_payload(datagram).filter(|message| checksum(message) == 0) else {
                    return false;
                };
                message
            }
            _ => datagram,
        };
        EchoMessage::parse(self.v6, message)
            .is_some_and(|found| found.reply && self.is(&found) && found.payload == self.payload)
    }

    /// Whether an ICMP error quotes this request, of which a router may have cut the payload.
    fn is_quoted_by(&self, error: &QueuedError) -> bool {
        EchoMessage::parse(self.v6, &error.quoted).is_some_and(|found| {
            let quoted = found.payload.len().min(self.payload.len());
            !found.reply && self.is(&found) && found.payload[..quoted] == self.payload[..quoted]
        })
    }

    fn is(&self, found: &EchoMessage<'_>) -> bool {
        // A datagram socket wrote its own identifier, and the kernel has compared it.
        let same_program = self.access == EchoAccess::Datagram || found.identifier == self.identifier;
        same_program && found.sequence == self.sequence
    }

    /// The rejection of this request that the error queue tells of, if any.
    fn rejection(&self, errors: &[QueuedError], sent: Sent) -> Option<Outcome> {
        errors.iter().find_map(|error| {
            let icmp = error.icmp().filter(|_| self.is_quoted_by(error))?;
            Some(Outcome::Rejected(Rejection {
                how: Refusal::Icmp(icmp),
                by: error.offender,
                rtt: sent.until(error.timestamp),
                reply_ttl: error.reply_ttl,
                quote: None,
            }))
        })
    }
}

/// The wait for what becomes of a request.
struct Wait<'a> {
    socket: &'a UdpSocket,
    request: Request,
    buffer: Vec<u8>,
    sent: Sent,
}

impl Wait<'_> {
    /// Waits for the end, without limit.
    async fn end(&mut self) -> Outcome {
        let socket = self.socket;
        loop {
            // An error of waiting itself would be the runtime's; what matters is what the socket says.
            let _ = socket.ready(Interest::READABLE | Interest::ERROR).await;
            // Looking inside `try_io` takes the readiness away only where nothing was left. tokio takes one
            // interest at a time here, and finds no readiness for a sum of them.
            for one in [Interest::READABLE, Interest::ERROR] {
                let looked = socket.try_io(one, || self.look().ok_or(io::ErrorKind::WouldBlock.into()));
                if let Ok(outcome) = looked {
                    return outcome;
                }
            }
            // So that no kind of lasting readiness keeps this thread to itself.
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Takes everything that waits; `None` when the answer was not among it.
    fn look(&mut self) -> Option<Outcome> {
        // Other programs' replies from the same host come to a raw socket, too; the bound is against a flood.
        const MOST: usize = 1_000;
        let rejection = self.request.rejection(&sys::drain_error_queue(self.socket), self.sent);
        for _ in 0..MOST {
            match sys::receive(self.socket, &mut self.buffer) {
                Ok(received) => {
                    let datagram = self.buffer.get(..received.length).unwrap_or_default();
                    if self.request.is_answered_by(datagram) {
                        let rtt = self.sent.until(received.timestamp);
                        return Some(Outcome::Answered(Answer::Echo(EchoReply {
                            rtt,
                            reply_ttl: received.ttl,
                        })));
                    }
                }
                // What the error is about is in the queue.
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        rejection.or_else(|| self.request.rejection(&sys::drain_error_queue(self.socket), self.sent))
    }
}

fn open(address: IpAddr, ttl: Option<u8>) -> Result<(Socket, EchoAccess), Outcome> {
    let (socket, access) = sys::open_echo(address.is_ipv6()).map_err(|error| {
        let why = match sys::local_obstacle(&error) {
            Obstacle::ForbiddenLocally => Obstacle::NoPermission,
            other => other,
        };
        sys::unable(why, &error)
    })?;
    if let Some(ttl) = ttl {
        sys::set_ttl(&socket, address.is_ipv6(), ttl)
            .map_err(|error| sys::unable(Obstacle::Unsupported, &error))?;
    }
    socket
        .connect(&SocketAddr::new(address, 0).into())
        .map_err(|error| sys::unable(sys::local_obstacle(&error), &error))?;
    Ok((socket, access))
}

fn send(socket: &Socket, request: &Request) -> Result<Sent, Outcome> {
    // A raw socket also gets the errors of other programs' requests to the same address, each of which fails
    // one send of ours; then nothing was sent.
    const ATTEMPTS: usize = 3;
    let bytes = request.encode();
    let mut failure = io::Error::from(io::ErrorKind::Other);
    for _ in 0..ATTEMPTS {
        let sent = Sent::now();
        match socket.send(&bytes) {
            Ok(_) => return Ok(sent),
            Err(error) => failure = error,
        }
        let errors = sys::drain_error_queue(socket);
        if let Some(rejection) = request.rejection(&errors, sent) {
            return Err(rejection);
        }
        if errors.is_empty() {
            break;
        }
    }
    Err(sys::unable(sys::local_obstacle(&failure), &failure))
}

/// The socket in a form that tokio can wait for. Only waiting is asked of it: tokio does not care what protocol
/// a datagram socket speaks, and its general door (`AsyncFd`) is an unsafe function.
fn pollable(socket: Socket) -> io::Result<UdpSocket> {
    UdpSocket::from_std(OwnedFd::from(socket).into())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

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
            timeout: Duration::from_secs(2),
        }
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
        for address in loopbacks() {
            for size in [0, 4, 56, 1400] {
                match echo(&probe(address, 7, size)).await {
                    Outcome::Answered(Answer::Echo(reply)) => {
                        assert!(reply.rtt < Duration::from_millis(500));
                        assert_eq!(reply.reply_ttl, Some(64));
                    }
                    other => panic!("{address}, {size} bytes: {other:?}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn a_hundred_at_once_find_their_own_replies() {
        for address in loopbacks() {
            let echoes: Vec<_> = (0..100_u16)
                .map(|number| tokio::spawn(async move { echo(&probe(address, number % 10, 56)).await }))
                .collect();
            for echo in echoes {
                let outcome = echo.await.expect("no panic");
                assert!(matches!(outcome, Outcome::Answered(Answer::Echo(_))), "{outcome:?}");
            }
        }
    }

    #[test]
    fn only_the_same_request_is_answered() {
        let request = Request::new(false, EchoAccess::Datagram, 3, 56);
        let reply = |sequence, payload: &[u8]| {
            EchoMessage { reply: true, identifier: 1, sequence, payload }.encode(false)
        };
        assert!(request.is_answered_by(&reply(3, &request.payload)));
        assert!(!request.is_answered_by(&reply(4, &request.payload)));
        assert!(!request.is_answered_by(&reply(3, &request.payload[..55])));
        assert!(!request.is_answered_by(&reply(3, &[0; 56])));
        assert!(!request.is_answered_by(&request.encode()));
    }

    #[test]
    fn a_quotation_may_be_cut() {
        let request = Request::new(true, EchoAccess::Raw, 3, 56);
        let quoting = |bytes: &[u8]| QueuedError {
            origin: ErrorOrigin::Icmp6,
            errno: libc::EHOSTUNREACH,
            kind: 3,
            code: 0,
            offender: None,
            reply_ttl: None,
            timestamp: None,
            quoted: bytes.to_vec(),
        };
        let bytes = request.encode();
        assert!(request.is_quoted_by(&quoting(&bytes)));
        assert!(request.is_quoted_by(&quoting(&bytes[..8])));
        assert!(!request.is_quoted_by(&quoting(&bytes[..7])));
        let mut other = bytes;
        other[5] ^= 1;
        assert!(!request.is_quoted_by(&quoting(&other)));
    }
}
