//! The small instruments with which the tests look at a lab: plain sockets, so that the harness is not
//! checked with what it is to check.

#![allow(dead_code, reason = "each test program uses some of the instruments")]

use std::io::{IoSliceMut, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use reach_lab::Lab;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use socket2::{Domain, SockRef, Socket, Type};

/// What became of one attempt to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The handshake was completed.
    Connected,
    /// A RST: refused, and nothing in the error queue.
    Reset,
    /// An ICMP error of this type and code.
    Icmp(u8, u8, IpAddr),
    /// An error without a packet: the local kernel's.
    Local(Errno),
    /// Nothing.
    Silent,
}

/// How long an answer that must come is waited for; only a broken lab lets it pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long to listen for what must not come.
pub(crate) const MOMENT: Duration = Duration::from_millis(400);

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Connects from the client. An answer is waited for as long as `patience`.
pub(crate) fn connect_with(
    lab: &Lab,
    to: &str,
    port: u16,
    ttl: Option<u8>,
    from_port: Option<u16>,
    patience: Duration,
) -> Outcome {
    let to = SocketAddr::new(ip(to), port);
    lab.client().within(move || attempt(to, ttl, from_port, patience))
}

/// Connects from the client, expecting an answer.
pub(crate) fn connect(lab: &Lab, to: &str, port: u16) -> Outcome {
    connect_with(lab, to, port, None, None, PATIENCE)
}

/// Connects with a TTL, expecting an answer.
pub(crate) fn connect_ttl(lab: &Lab, to: &str, port: u16, ttl: u8) -> Outcome {
    connect_with(lab, to, port, Some(ttl), None, PATIENCE)
}

/// Connects, expecting silence.
pub(crate) fn hush(lab: &Lab, to: &str, port: u16, ttl: Option<u8>) -> Outcome {
    connect_with(lab, to, port, ttl, None, MOMENT)
}

/// How many of `count` connections made at the same time were not met with silence by their first SYN. The
/// wait is as long as it can be before the kernel sends the second.
pub(crate) fn answered(lab: &Lab, to: &str, port: u16, ttl: Option<u8>, count: usize) -> usize {
    let patience = Duration::from_millis(900);
    std::thread::scope(|scope| {
        let attempts: Vec<_> =
            (0..count).map(|_| scope.spawn(|| connect_with(lab, to, port, ttl, None, patience))).collect();
        attempts
            .into_iter()
            .map(|attempt| attempt.join().unwrap())
            .filter(|outcome| *outcome != Outcome::Silent)
            .count()
    })
}

/// Time exceeded, as a router says it.
pub(crate) fn exceeded(from: &str) -> Outcome {
    match ip(from) {
        from @ IpAddr::V4(_) => Outcome::Icmp(11, 0, from),
        from @ IpAddr::V6(_) => Outcome::Icmp(3, 0, from),
    }
}

fn attempt(to: SocketAddr, ttl: Option<u8>, from_port: Option<u16>, patience: Duration) -> Outcome {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    if to.is_ipv4() {
        setsockopt(&socket, sockopt::Ipv4RecvErr, &true).unwrap();
        if let Some(ttl) = ttl {
            socket.set_ttl_v4(ttl.into()).unwrap();
        }
    } else {
        setsockopt(&socket, sockopt::Ipv6RecvErr, &true).unwrap();
        if let Some(ttl) = ttl {
            socket.set_unicast_hops_v6(ttl.into()).unwrap();
        }
    }
    if let Some(port) = from_port {
        socket.set_reuse_address(true).unwrap();
        let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { ip("::") };
        socket.bind(&SocketAddr::new(any, port).into()).unwrap();
    }
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) => return Outcome::Local(Errno::from_raw(error.raw_os_error().unwrap())),
        Ok(()) => return Outcome::Connected,
    }
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut watched = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut watched, PollTimeout::try_from(left).unwrap()) {
            Ok(0) => return Outcome::Silent,
            Ok(_) => break,
            Err(_) => {}
        }
    }
    let error = socket.take_error().unwrap();
    if let Some(icmp) = queued(&socket) {
        return icmp;
    }
    match error.map(|error| Errno::from_raw(error.raw_os_error().unwrap())) {
        None => Outcome::Connected,
        Some(Errno::ECONNREFUSED) => Outcome::Reset,
        Some(other) => Outcome::Local(other),
    }
}

fn queued(socket: &Socket) -> Option<Outcome> {
    let mut quoted = [0; 512];
    let mut parts = [IoSliceMut::new(&mut quoted)];
    let mut control = vec![0; 512];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags).ok()?;
    message.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4RecvErr(error, Some(from)) => {
            let from = Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr));
            Some(Outcome::Icmp(error.ee_type, error.ee_code, from.into()))
        }
        ControlMessageOwned::Ipv6RecvErr(error, Some(from)) => {
            Some(Outcome::Icmp(error.ee_type, error.ee_code, IpAddr::from(from.sin6_addr.s6_addr)))
        }
        _ => None,
    })
}

/// Waits for what must become true.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it never came true that {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A connection from the client, opened and held.
pub(crate) fn hold(lab: &Lab, to: &str, port: u16) -> std::net::TcpStream {
    let to = SocketAddr::new(ip(to), port);
    let stream = lab.client().within(|| std::net::TcpStream::connect_timeout(&to, PATIENCE)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Closes a connection with RST.
pub(crate) fn drop_hard(stream: std::net::TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

/// What came of a TLS handshake and a request after it.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) result: Result<String, std::io::Error>,
    pub(crate) chain_length: usize,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) alpn: Option<Vec<u8>>,
}

impl Tls {
    pub(crate) fn error(&self) -> String {
        self.result.as_ref().unwrap_err().to_string()
    }
}

/// A handshake with a name over a connection from the client, trusting the lab's authority, and a GET.
pub(crate) fn tls(lab: &Lab, to: &str, name: &str) -> Tls {
    tls_within(lab, to, name, PATIENCE)
}

pub(crate) fn tls_within(lab: &Lab, to: &str, name: &str, patience: Duration) -> Tls {
    let stream = hold(lab, to, 443);
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(lab.authority()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut session = rustls::StreamOwned::new(connection, stream);
    let mut exchange = || {
        session.write_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")?;
        let mut answer = Vec::new();
        session.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let result = exchange();
    let chain: Vec<Vec<u8>> = session
        .conn
        .peer_certificates()
        .unwrap_or_default()
        .iter()
        .map(|certificate| certificate.to_vec())
        .collect();
    Tls {
        result,
        chain_length: chain.iter().map(Vec::len).sum(),
        chain,
        alpn: session.conn.alpn_protocol().map(<[u8]>::to_vec),
    }
}

/// A question from the client to a resolver over UDP, and its answer if one comes.
pub(crate) fn ask(
    lab: &Lab,
    resolver: &str,
    name: &str,
    kind: RecordType,
    patience: Duration,
) -> Option<Vec<u8>> {
    let resolver = SocketAddr::new(ip(resolver), 53);
    let any = if resolver.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = lab.client().within(|| UdpSocket::bind(any)).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.send_to(&question(name, kind), resolver).unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).ok()?;
    Some(buffer[..length].to_vec())
}

/// The same over TCP.
pub(crate) fn ask_tcp(
    lab: &Lab,
    resolver: &str,
    name: &str,
    kind: RecordType,
    patience: Duration,
) -> Option<Vec<u8>> {
    let mut stream = hold(lab, resolver, 53);
    stream.set_read_timeout(Some(patience)).unwrap();
    let question = question(name, kind);
    let mut framed = u16::try_from(question.len()).unwrap().to_be_bytes().to_vec();
    framed.extend(question);
    stream.write_all(&framed).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).ok()?;
    Some(answer)
}

/// The addresses in an answer.
pub(crate) fn addresses(answer: &[u8]) -> Vec<String> {
    let message = Message::from_vec(answer).unwrap();
    let text = |data: &RData| match data {
        RData::A(a) => Some(a.0.to_string()),
        RData::AAAA(aaaa) => Some(aaaa.0.to_string()),
        _ => None,
    };
    message.answers.iter().filter_map(|record| text(&record.data)).collect()
}

fn question(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::new(4242, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message.to_vec().unwrap()
}

/// Bytes that the client's kernel still has to send or to see acknowledged on a connection.
pub(crate) fn unacknowledged(lab: &Lab, stream: &std::net::TcpStream) -> usize {
    let local = stream.local_addr().unwrap();
    let table = if local.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let ending = format!(":{:04X}", local.port());
    let table = lab.client().read(table).unwrap();
    let line = table
        .lines()
        .find(|line| line.split_whitespace().nth(1).is_some_and(|field| field.ends_with(&ending)));
    let queues =
        line.and_then(|line| line.split_whitespace().nth(4)).expect("the connection is in the table");
    usize::from_str_radix(&queues[..8], 16).unwrap()
}

/// Whether an echo request from the client over a datagram ICMP socket is answered.
pub(crate) fn ping(lab: &Lab, to: &str, patience: Duration) -> bool {
    let to = SocketAddr::new(ip(to), 0);
    let (domain, protocol, request, reply) = match to {
        SocketAddr::V4(_) => (Domain::IPV4, socket2::Protocol::ICMPV4, 8, 0),
        SocketAddr::V6(_) => (Domain::IPV6, socket2::Protocol::ICMPV6, 128, 129),
    };
    let mut socket = lab.client().within(|| Socket::new(domain, Type::DGRAM, Some(protocol))).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.write_all(&[request, 0, 0, 0, 0, 0, 0, 1]).unwrap();
    let mut answer = [0; 64];
    socket.read(&mut answer).is_ok_and(|length| length >= 8 && answer[0] == reply)
}
