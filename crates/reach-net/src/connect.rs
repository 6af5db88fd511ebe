//! One TCP connection attempt.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    sync::LazyLock,
    time::Duration,
};

use reach_core::model::{
    After, Answer, Connect, Connected, IcmpError, Obstacle, Outcome, Quote, Refusal, Rejection, Silence, Then,
};
use tokio::{
    io::Interest,
    net::TcpStream,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    journal::{self, Flow, Protocol},
    quote,
    stamp::Sent,
    sys::{self, Leaving, QueuedError, TcpInfo, TcpOptions},
    witness::Witness,
};

/// Longest beginning of what the other side says that is kept, in bytes.
pub(crate) const MOST_SPOKEN: usize = 512;

/// Carries out one connection attempt.
///
/// A connection that is to be held is held by a task of its own, so the outcome comes as soon as it is known;
/// one that is watched gives its outcome when the watch ends. Either way it ends with a RST.
pub async fn connect(probe: &Connect, leaving: &Leaving) -> Outcome {
    witnessed(probe, leaving, None).await
}

/// As [`connect`], with what the witness can add to ICMP errors.
pub(crate) async fn witnessed(probe: &Connect, leaving: &Leaving, witness: Option<&Witness>) -> Outcome {
    let remote = SocketAddr::new(probe.endpoint.address.to_canonical(), probe.endpoint.port);
    let options = TcpOptions {
        source_port: (probe.source_port != 0).then_some(probe.source_port),
        ttl: probe.ttl,
        min_ttl: probe.min_ttl,
        max_segment: None,
        leaving: *leaving,
    };
    let established = match attempt(remote, &options, probe.timeout, witness).await.result {
        Ok(established) => established,
        Err(outcome) => return outcome,
    };
    let Established { stream, mut connected, reset } = established;
    match probe.then {
        Then::Reset => drop(stream),
        Then::Hold(span) => {
            tokio::spawn(async move {
                sleep(span).await;
                drop(stream);
            });
        }
        Then::Listen(span) => connected.after = listen(&stream, span, reset).await,
    }
    Outcome::Answered(Answer::Connected(connected))
}

/// A TCP connection that stands, or stood: closing it sends a RST (`SO_LINGER` of zero), unless that is
/// changed.
#[derive(Debug)]
pub struct Established {
    /// The connection.
    pub stream: TcpStream,
    /// The facts of the handshake; nobody watched yet.
    pub connected: Connected,
    /// The other side has reset the connection already.
    pub reset: bool,
}

impl Established {
    /// The connection, for somebody to use: what was sent is to arrive, so it ends with a FIN as usual.
    pub fn into_stream(self) -> TcpStream {
        // Fails only for a socket that is no socket.
        let _ = socket2::SockRef::from(&self.stream).set_linger(None);
        // Else a request waits for the acknowledgement of the handshake's end, which many hosts delay by 40 ms.
        let _ = self.stream.set_nodelay(true);
        self.stream
    }
}

/// Connects to `remote`, or says what came instead. The kernel repeats the SYN on its own schedule until
/// `timeout`.
///
/// An ICMP error counts as the answer as soon as it comes, also where the kernel itself would go on trying.
/// Kernels before 5.8 do not tell which ICMP error it was, nor its sender: there `by` is `None`, and type and
/// code are those that stand for the error number.
pub async fn establish(
    remote: SocketAddr,
    options: &TcpOptions,
    timeout: Duration,
) -> Result<Established, Outcome> {
    attempt(remote, options, timeout, None).await.result
}

/// What became of a connection attempt, and how many SYNs it took.
pub(crate) struct Attempted {
    pub(crate) result: Result<Established, Outcome>,
    pub(crate) syns: u32,
}

/// As [`establish`], and counts.
pub(crate) async fn attempt(
    remote: SocketAddr,
    options: &TcpOptions,
    timeout: Duration,
    witness: Option<&Witness>,
) -> Attempted {
    let deadline = Instant::now() + timeout;
    if let Some(witness) = witness {
        witness.begin(remote.is_ipv6());
    }
    let Started { stream, sent } = match start(remote, options, witness) {
        Ok(started) => started,
        Err(attempted) => return *attempted,
    };
    let attempt = Attempt { stream: &stream, remote, ttl_limited: options.ttl.is_some(), sent, witness };
    let end = match timeout_at(deadline, attempt.end()).await {
        Ok(end) => end,
        // The answer may have come while this thread was busy.
        Err(_) => attempt.look().unwrap_or_else(|| End::Outcome(attempt.silence())),
    };
    match end {
        End::Outcome(outcome) => Attempted { syns: attempt.info().syns(), result: Err(outcome) },
        End::Connected { connected, reset } => {
            Attempted { syns: connected.syns, result: Ok(Established { stream, connected, reset }) }
        }
    }
}

/// A connection attempt whose first SYN is sent.
struct Started {
    stream: TcpStream,
    sent: Sent,
}

/// Sends the first SYN.
fn start(
    remote: SocketAddr,
    options: &TcpOptions,
    witness: Option<&Witness>,
) -> Result<Started, Box<Attempted>> {
    let failed = |outcome, syns| Box::new(Attempted { result: Err(outcome), syns });
    let socket = sys::open_tcp(remote, options)
        .map_err(|error| failed(sys::unable(sys::bind_obstacle(&error), &error), 0))?;
    socket
        .set_linger(Some(Duration::ZERO))
        .map_err(|error| failed(sys::unable(Obstacle::Unsupported, &error), 0))?;
    let sent = Sent::now();
    let connecting = sys::connect_tcp(&socket, remote, options);
    journal::note(|| {
        let local = socket.local_addr().ok()?.as_socket()?;
        Some(Flow::new(Protocol::Tcp, local, remote))
    });
    if let Err(error) = connecting
        && error.raw_os_error() != Some(libc::EINPROGRESS)
    {
        let ends =
            Ends { source: socket.local_addr().ok().and_then(|local| local.as_socket()), remote, witness };
        return Err(match rejection(&sys::drain_error_queue(&socket), &ends, sent, 0) {
            Some(rejection) => failed(Outcome::Rejected(rejection), 1),
            None => failed(sys::unable(connect_obstacle(remote, &options.leaving, &error), &error), 0),
        });
    }
    let stream = TcpStream::from_std(socket.into())
        .map_err(|error| failed(sys::unable(Obstacle::OutOfResources, &error), 1))?;
    Ok(Started { stream, sent })
}

/// Watches what the other side does unasked, for `span`.
async fn listen(stream: &TcpStream, span: Duration, reset: bool) -> After {
    let mut watch = pin!(sleep(span));
    let mut bytes = [0_u8; MOST_SPOKEN];
    loop {
        match stream.try_read(&mut bytes) {
            // The kernel tells of a reset once, and that was while connecting.
            Ok(0) => return if reset { After::Reset } else { After::Closed },
            Ok(length) => return After::Spoke(bytes.get(..length).unwrap_or_default().to_vec()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if matches!(error.raw_os_error(), Some(libc::ECONNRESET | libc::EPIPE)) => {
                return After::Reset;
            }
            // An ICMP error on a standing connection is a passing remark (RFC 1122 §4.2.3.9). A pause keeps a
            // lasting one from turning the watch into a busy loop.
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
        tokio::select! {
            () = &mut watch => return if reset { After::Reset } else { After::Quiet },
            _ = stream.readable() => {}
        }
    }
}

/// A connection attempt under way.
struct Attempt<'a> {
    stream: &'a TcpStream,
    remote: SocketAddr,
    ttl_limited: bool,
    sent: Sent,
    witness: Option<&'a Witness>,
}

/// How a connection attempt ended.
enum End {
    Connected { connected: Connected, reset: bool },
    Outcome(Outcome),
}

impl Attempt<'_> {
    /// Waits for the end, without limit.
    async fn end(&self) -> End {
        loop {
            // An error of waiting itself would be the runtime's; what matters is what the socket says.
            let _ = self.stream.ready(Interest::WRITABLE | Interest::ERROR).await;
            // Looking inside `try_io` takes the readiness away only where it meant nothing. tokio takes one
            // interest at a time here, and finds no readiness for a sum of them.
            for one in [Interest::WRITABLE, Interest::ERROR] {
                let looked = self.stream.try_io(one, || self.look().ok_or(io::ErrorKind::WouldBlock.into()));
                if let Ok(end) = looked {
                    return end;
                }
            }
            // Readiness that means nothing may also last (a queued error that is none to us).
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the kernel says now; `None` while the attempt goes on.
    fn look(&self) -> Option<End> {
        // In this order: reading the queue clears the pending error, and a connection that stands has won over
        // whatever ICMP error came before.
        let error = self.stream.take_error().unwrap_or_else(Some);
        let errno = error.as_ref().and_then(io::Error::raw_os_error);
        let info = self.info();
        // The handshake fails with ECONNREFUSED; these two come from a RST after it.
        let reset = matches!(errno, Some(libc::ECONNRESET | libc::EPIPE));
        if info.is_connected() || reset {
            return Some(End::Connected { connected: self.connected(&info), reset });
        }
        let errors = sys::drain_error_queue(self.stream);
        let ends = Ends { source: self.stream.local_addr().ok(), remote: self.remote, witness: self.witness };
        if let Some(rejection) = rejection(&errors, &ends, self.sent, info.total_retrans) {
            return Some(End::Outcome(Outcome::Rejected(rejection)));
        }
        let how = match errno {
            None if info.state == TcpInfo::SYN_SENT => return None,
            None | Some(libc::ETIMEDOUT) => return Some(End::Outcome(self.silence())),
            Some(libc::ECONNREFUSED) => Refusal::Reset,
            Some(errno) => match unnamed_icmp(errno, self.remote.is_ipv6(), self.ttl_limited) {
                Some(icmp) => Refusal::Icmp(icmp),
                None => {
                    let error = io::Error::from_raw_os_error(errno);
                    return Some(End::Outcome(sys::unable(sys::local_obstacle(&error), &error)));
                }
            },
        };
        let rtt = since_last_syn(self.sent.until(None), info.total_retrans);
        Some(End::Outcome(Outcome::Rejected(Rejection { how, by: None, rtt, reply_ttl: None, quote: None })))
    }

    fn connected(&self, info: &TcpInfo) -> Connected {
        let rtt = match info.rtt_us {
            // No time stamp option and a repeated SYN: the kernel cannot tell which SYN was answered (Karn).
            0 => since_last_syn(self.sent.until(None), info.total_retrans),
            micros => Duration::from_micros(u64::from(micros)),
        };
        let any: IpAddr =
            if self.remote.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        let source = self.stream.local_addr().unwrap_or_else(|_| SocketAddr::new(any, 0));
        Connected { rtt, syns: info.syns(), source, after: After::NotWatched }
    }

    fn silence(&self) -> Outcome {
        let info = self.info();
        Outcome::Silent(Silence { packets: info.syns(), refused_here: info.is_refused_here() })
    }

    fn info(&self) -> TcpInfo {
        // Cannot fail on an open TCP socket; if it did, nothing would be known and the attempt would go on.
        sys::tcp_info(self.stream).unwrap_or(TcpInfo { state: TcpInfo::SYN_SENT, ..TcpInfo::default() })
    }
}

/// The rejection that the error queue tells of, if any.
fn rejection(errors: &[QueuedError], ends: &Ends<'_>, sent: Sent, retransmits: u32) -> Option<Rejection> {
    errors.iter().find_map(|error| {
        // "Too big" is advice to the sender, and the kernel follows it.
        let icmp = error.icmp().filter(|icmp| !icmp.is_too_big())?;
        Some(Rejection {
            how: Refusal::Icmp(icmp),
            by: error.offender,
            rtt: since_last_syn(sent.until(error.timestamp), retransmits),
            reply_ttl: error.reply_ttl,
            quote: Some(Box::new(ends.quote(error))),
        })
    })
}

/// Between whom a connection was attempted.
struct Ends<'a> {
    source: Option<SocketAddr>,
    remote: SocketAddr,
    witness: Option<&'a Witness>,
}

impl Ends<'_> {
    fn quote(&self, error: &QueuedError) -> Quote {
        let source = self.source.map(|source| source.ip()).filter(|source| !source.is_unspecified());
        quote::of_syn(error, source, self.remote.ip(), self.witness)
    }
}

/// The ICMP error that an error number stands for where the kernel does not tell more (`icmp_err_convert` in
/// net/ipv4/icmp.c, `icmpv6_err_convert` in net/ipv6/icmp.c).
fn unnamed_icmp(errno: i32, v6: bool, ttl_limited: bool) -> Option<IcmpError> {
    let (kind, code) = match (errno, v6) {
        (libc::EHOSTUNREACH, false) if ttl_limited => (11, 0),
        (libc::EHOSTUNREACH, true) if ttl_limited => (3, 0),
        (libc::EHOSTUNREACH, false) => (3, 1),
        (libc::EHOSTUNREACH, true) => (1, 3),
        (libc::ENETUNREACH, false) => (3, 0),
        (libc::ENETUNREACH, true) => (1, 0),
        (libc::ENOPROTOOPT, false) => (3, 2),
        (libc::EACCES, true) => (1, 1),
        (libc::EPROTO, false) => (12, 0),
        (libc::EPROTO, true) => (4, 0),
        _ => return None,
    };
    Some(IcmpError { v6, kind, code })
}

fn connect_obstacle(remote: SocketAddr, leaving: &Leaving, error: &io::Error) -> Obstacle {
    // Either the same flow is in use (TIME-WAIT is), or this host has no address to send from. Connecting a
    // datagram socket sends nothing, needs an address just so, and no flow.
    if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) && leaving.source_for(remote.ip()).is_some() {
        return Obstacle::PortInUse;
    }
    sys::local_obstacle(error)
}

/// The part of `elapsed` since the last of the SYNs sent, where the kernel sent so many besides the first. The
/// kernel's timers run up to 64 ms late, so it may be that much too long.
fn since_last_syn(elapsed: Duration, retransmits: u32) -> Duration {
    if retransmits == 0 {
        return elapsed;
    }
    // Absent before Linux 6.5, where every wait is twice the one before.
    static LINEAR: LazyLock<u32> = LazyLock::new(|| {
        let text = fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_linear_timeouts").ok();
        text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    });
    (1..=retransmits.min(32))
        .map(|number| syn_offset(number, *LINEAR))
        .take_while(|&offset| offset <= elapsed)
        .last()
        .map_or(elapsed, |offset| elapsed - offset)
}

/// When the SYN is sent for the `number`th time again, after the first: every second for `linear` times, then
/// after 1, 2, 4… s (`tcp_syn_linear_timeouts` and `tcp_syn_retries`, Documentation/networking/ip-sysctl.rst;
/// RFC 6298 §2.1).
fn syn_offset(number: u32, linear: u32) -> Duration {
    let doublings = number.saturating_sub(linear).min(32);
    Duration::from_secs(u64::from(number.min(linear)) + (1_u64 << doublings) - 1)
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        net::{TcpListener, TcpStream as StdStream},
        sync::atomic::{AtomicU16, Ordering},
        thread,
    };

    use proptest::prelude::*;
    use reach_core::model::Endpoint;

    use super::*;
    use crate::sys::ErrorOrigin;

    const LOOPBACKS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

    /// A listener on each loopback address that this machine has.
    fn listeners() -> Vec<TcpListener> {
        LOOPBACKS
            .into_iter()
            .filter_map(|address| {
                let listener = TcpListener::bind((address, 0));
                if listener.is_err() {
                    eprintln!("SKIPPED for {address}: this machine has no such address");
                }
                listener.ok()
            })
            .collect()
    }

    /// Some port that is free just now.
    fn free_port(address: IpAddr) -> u16 {
        TcpListener::bind((address, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port()
    }

    /// A source port that no other test uses, below those that the kernel gives out.
    fn source_port() -> u16 {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let base = 10_000 + u16::try_from(std::process::id() % 200).unwrap_or(0) * 100;
        base + NEXT.fetch_add(1, Ordering::Relaxed) % 100
    }

    fn probe(remote: SocketAddr, then: Then) -> Connect {
        Connect {
            endpoint: Endpoint { address: remote.ip(), port: remote.port() },
            source_port: source_port(),
            ttl: None,
            min_ttl: None,
            timeout: Duration::from_secs(2),
            then,
            crowd: 1,
        }
    }

    fn connected(outcome: Outcome) -> Connected {
        match outcome {
            Outcome::Answered(Answer::Connected(connected)) => connected,
            other => panic!("not connected: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_listener_is_connected_to_from_the_wanted_port() {
        for listener in listeners() {
            let remote = listener.local_addr().expect("bound");
            let probe = probe(remote, Then::Reset);
            let connected = connected(connect(&probe, &Leaving::default()).await);
            assert_eq!(connected.source, SocketAddr::new(remote.ip(), probe.source_port));
            assert_eq!((connected.syns, connected.after), (1, After::NotWatched));
            assert!(connected.rtt > Duration::ZERO && connected.rtt < Duration::from_millis(500));
        }
    }

    #[tokio::test]
    async fn a_closed_port_resets() {
        for address in LOOPBACKS {
            let remote = SocketAddr::new(address, free_port(address));
            match connect(&probe(remote, Then::Reset), &Leaving::default()).await {
                Outcome::Rejected(Rejection { how: Refusal::Reset, by: None, rtt, .. }) => {
                    assert!(rtt < Duration::from_millis(500));
                }
                other => panic!("{address}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn the_same_flow_can_be_tried_twenty_times_in_a_row() {
        for listener in listeners() {
            let probe = probe(listener.local_addr().expect("bound"), Then::Reset);
            for _ in 0..20 {
                assert_eq!(
                    connected(connect(&probe, &Leaving::default()).await).source.port(),
                    probe.source_port
                );
                drop(listener.accept());
            }
        }
    }

    #[tokio::test]
    async fn a_flow_that_is_open_is_a_port_in_use() {
        for listener in listeners() {
            let probe = probe(listener.local_addr().expect("bound"), Then::Hold(Duration::from_secs(30)));
            connected(connect(&probe, &Leaving::default()).await);
            match connect(&probe, &Leaving::default()).await {
                Outcome::Unable(inability) => assert_eq!(inability.why, Obstacle::PortInUse),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_port_that_another_program_holds_is_in_use() {
        for listener in listeners() {
            let remote = listener.local_addr().expect("bound");
            let probe = Connect { source_port: remote.port(), ..probe(remote, Then::Reset) };
            match connect(&probe, &Leaving::default()).await {
                Outcome::Unable(inability) => assert_eq!(inability.why, Obstacle::PortInUse),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Runs a listening probe against a server that does `conduct` with the connection.
    async fn watched(conduct: fn(StdStream)) -> Vec<After> {
        let mut seen = Vec::new();
        for listener in listeners() {
            let probe =
                probe(listener.local_addr().expect("bound"), Then::Listen(Duration::from_millis(200)));
            let server = thread::spawn(move || {
                let (stream, _) = listener.accept().expect("a connection");
                conduct(stream);
            });
            seen.push(connected(connect(&probe, &Leaving::default()).await).after);
            server.join().expect("the server ends");
        }
        assert!(!seen.is_empty());
        seen
    }

    #[tokio::test]
    async fn a_server_that_waits_is_quiet() {
        let wait = |stream: StdStream| {
            thread::sleep(Duration::from_millis(400));
            drop(stream);
        };
        for after in watched(wait).await {
            assert_eq!(after, After::Quiet);
        }
    }

    #[tokio::test]
    async fn a_server_that_speaks_first_is_heard() {
        let greet = |mut stream: StdStream| {
            stream.write_all(b"220 mail.example ESMTP\r\n").expect("written");
        };
        for after in watched(greet).await {
            assert_eq!(after, After::Spoke(b"220 mail.example ESMTP\r\n".to_vec()));
        }
    }

    #[tokio::test]
    async fn no_more_than_the_beginning_is_kept() {
        for after in watched(|mut stream| drop(stream.write_all(&[b'x'; 4000]))).await {
            assert_eq!(after, After::Spoke(vec![b'x'; MOST_SPOKEN]));
        }
    }

    #[tokio::test]
    async fn a_server_that_closes_is_told_from_one_that_resets() {
        for after in watched(drop).await {
            assert_eq!(after, After::Closed);
        }
        let reset = |stream: StdStream| {
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("set");
        };
        for after in watched(reset).await {
            assert_eq!(after, After::Reset);
        }
    }

    #[tokio::test]
    async fn a_held_connection_is_reported_at_once_and_stays_open() {
        use std::io::Read;
        for listener in listeners() {
            let probe = probe(listener.local_addr().expect("bound"), Then::Hold(Duration::from_millis(300)));
            let began = Instant::now();
            connected(connect(&probe, &Leaving::default()).await);
            assert!(began.elapsed() < Duration::from_millis(250));
            let (mut stream, _) = listener.accept().expect("a connection");
            stream.set_nonblocking(true).expect("set");
            let open = stream.read(&mut [0]).expect_err("nothing was sent");
            assert_eq!(open.kind(), io::ErrorKind::WouldBlock);
            sleep(Duration::from_millis(500)).await;
            let ended = stream.read(&mut [0]).expect_err("reset");
            assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
        }
    }

    #[tokio::test]
    async fn five_hundred_at_once() {
        let limit = sys::raise_file_limit().expect("a limit");
        if limit < 1_200 {
            eprintln!("SKIPPED: needs 1200 open files, allowed are {limit}");
            return;
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let remote = listener.local_addr().expect("bound");
        let server = thread::spawn(move || {
            listener.incoming().take(500).map(|stream| stream.expect("accepted")).collect::<Vec<_>>()
        });
        let attempts: Vec<_> = (0..500)
            .map(|_| {
                tokio::spawn(async move {
                    establish(remote, &TcpOptions::default(), Duration::from_secs(20)).await
                })
            })
            .collect();
        let mut standing = Vec::new();
        for attempt in attempts {
            standing.push(attempt.await.expect("no panic").expect("connected"));
        }
        assert_eq!(server.join().expect("the server ends").len(), 500);
        assert_eq!(standing.len(), 500);
    }

    #[tokio::test]
    async fn an_address_without_route_is_no_route() {
        // A link-local address without a scope names no link, so nothing can be sent.
        let remote = SocketAddr::new("fe80::1".parse().expect("an address"), 443);
        match connect(&probe(remote, Then::Reset), &Leaving::default()).await {
            Outcome::Unable(inability) => assert_eq!(inability.why, Obstacle::NoRoute),
            other => panic!("{other:?}"),
        }
    }

    const ENDS: Ends<'_> =
        Ends { source: None, remote: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 443), witness: None };

    fn queued(kind: u8, code: u8) -> QueuedError {
        QueuedError {
            origin: ErrorOrigin::Icmp,
            errno: libc::EHOSTUNREACH,
            kind,
            code,
            offender: Some(Ipv4Addr::new(192, 0, 2, 1).into()),
            reply_ttl: Some(63),
            timestamp: None,
            destination: None,
            info: 0,
            extension: None,
            quoted: Vec::new(),
        }
    }

    #[test]
    fn an_icmp_error_is_a_rejection_by_its_sender_whatever_the_error_number() {
        let found = rejection(&[queued(11, 0)], &ENDS, Sent::now(), 0).expect("a rejection");
        assert_eq!(found.how, Refusal::Icmp(IcmpError { v6: false, kind: 11, code: 0 }));
        assert_eq!((found.by, found.reply_ttl), (Some(Ipv4Addr::new(192, 0, 2, 1).into()), Some(63)));
    }

    #[test]
    fn too_big_and_local_errors_reject_nothing() {
        let local = QueuedError { origin: ErrorOrigin::Local, ..queued(3, 1) };
        assert_eq!(rejection(&[queued(3, 4), local], &ENDS, Sent::now(), 0), None);
    }

    #[test]
    fn syns_are_repeated_as_documented() {
        let seconds =
            |linear| (1..=10).map(|number| syn_offset(number, linear).as_secs()).collect::<Vec<_>>();
        assert_eq!(seconds(4), [1, 2, 3, 4, 5, 7, 11, 19, 35, 67]);
        assert_eq!(seconds(0)[..6], [1, 3, 7, 15, 31, 63]);
    }

    proptest! {
        #[test]
        fn the_time_since_the_last_syn_is_within_the_time_elapsed(
            elapsed in 0_u64..200_000,
            retransmits: u32,
        ) {
            let elapsed = Duration::from_millis(elapsed);
            prop_assert!(since_last_syn(elapsed, retransmits) <= elapsed);
        }
    }
}
