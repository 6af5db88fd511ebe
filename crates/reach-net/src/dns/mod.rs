//! One DNS question to one resolver over one transport: no retry, no cache, no fallback.

mod message;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use aws_lc_rs::rand;
use reach_core::model::{
    Answer, AnswerFault, IcmpError, Inability, Lookup, LookupAnswer, Obstacle, Outcome, Refusal, Rejection,
    Silence, Transport,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{TcpStream, UdpSocket},
    time::{Instant, timeout_at},
};

pub use self::message::{Question, UDP_PAYLOAD, decode};
use crate::{
    connect,
    journal::{self, Flow, Protocol},
    stamp::whole_micros,
    sys::{self, QueuedError, TcpOptions},
};

/// The most messages looked at for one question. Whoever sends more that do not fit floods us.
const MOST_MESSAGES: u32 = 256;

/// The largest datagram taken. More than [`UDP_PAYLOAD`], since some servers do not look at what we can take.
const LARGEST_DATAGRAM: usize = 4096;

/// Asks one question once and waits for its answer until the time-out.
///
/// The message id is random, and so is the source port, which the kernel chooses. A message that answers
/// something else does not end the wait for the right one; it is the answer, with its fault, only when nothing
/// better came.
pub async fn lookup(probe: &Lookup) -> Outcome {
    let asked = random_id().and_then(|id| Question::new(id, &probe.name, probe.kind));
    let Some((question, query)) = asked.and_then(|question| question.encode().map(|query| (question, query)))
    else {
        return Outcome::Unable(Inability { why: Obstacle::Unsupported, errno: None });
    };
    let wait = Wait { question, deadline: Instant::now() + probe.timeout, sent: Instant::now(), fault: None };
    match probe.transport {
        Transport::Udp => over_udp(probe.resolver, &query, wait).await,
        Transport::Tcp => over_tcp(probe.resolver, probe.timeout, &query, wait).await,
    }
}

/// The wait for the answer to one question.
struct Wait {
    question: Question,
    deadline: Instant,
    /// When the question was sent.
    sent: Instant,
    /// What was wrong with the first message that was no answer, and when it came.
    fault: Option<(AnswerFault, Duration)>,
}

impl Wait {
    /// Takes one message; the outcome, if it ends the wait.
    fn take(&mut self, bytes: &[u8]) -> Option<Outcome> {
        let rtt = whole_micros(self.sent.elapsed());
        match decode(bytes, &self.question) {
            Ok(answer) => Some(answered(LookupAnswer { rtt, ..answer })),
            // Under our id, or in no message at all: nothing better is on the way.
            Err(fault @ AnswerFault::Malformed) => Some(faulty(fault, rtt)),
            Err(fault) => {
                self.fault.get_or_insert((fault, rtt));
                None
            }
        }
    }

    /// The outcome when nothing more comes.
    fn give_up(self) -> Outcome {
        match self.fault {
            Some((fault, rtt)) => faulty(fault, rtt),
            None => Outcome::Silent(Silence { packets: 1, refused_here: false }),
        }
    }
}

async fn over_udp(resolver: SocketAddr, query: &[u8], mut wait: Wait) -> Outcome {
    let socket = match open_udp(resolver) {
        Ok(socket) => socket,
        Err(error) => return sys::unable(sys::local_obstacle(&error), &error),
    };
    wait.sent = Instant::now();
    if let Err(error) = socket.send(query).await {
        // A rejecting filter on this machine answers with an ICMP error before the call returns.
        let rejection = rejection(&socket, resolver, wait.sent);
        return rejection.unwrap_or_else(|| sys::unable(sys::local_obstacle(&error), &error));
    }
    let mut buffer = vec![0; LARGEST_DATAGRAM];
    for _ in 0..MOST_MESSAGES {
        match timeout_at(wait.deadline, receive(&socket, &mut buffer)).await {
            Ok(Ok(length)) => {
                if let Some(outcome) = wait.take(&buffer[..length]) {
                    return outcome;
                }
            }
            Ok(Err(error)) => {
                if let Some(outcome) = rejection(&socket, resolver, wait.sent) {
                    return outcome;
                }
                if let Some(error) = unattributed(resolver, &error) {
                    let rtt = whole_micros(wait.sent.elapsed());
                    return rejected(error, resolver.ip(), rtt, None);
                }
            }
            Err(_) => return wait.give_up(),
        }
    }
    wait.give_up()
}

/// A socket that speaks with the resolver only, from a port of the kernel's choice.
fn open_udp(resolver: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr =
        if resolver.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.set_nonblocking(true)?;
    sys::enable_error_queue(&socket, resolver.is_ipv6())?;
    socket.connect(resolver)?;
    journal::note(|| Some(Flow::new(Protocol::Udp, socket.local_addr().ok()?, resolver)));
    UdpSocket::from_std(socket)
}

/// The next datagram, or the error that stands on the socket.
async fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let ready = socket.ready(Interest::READABLE | Interest::ERROR).await?;
        if ready.is_readable() {
            match socket.try_recv(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
        if ready.is_error() {
            // Readiness for errors is cleared by nothing but a call that would block.
            let result = socket.try_io(Interest::ERROR, || match socket.take_error()? {
                Some(error) => Err(error),
                None => Err(io::ErrorKind::WouldBlock.into()),
            });
            match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }
}

/// The first ICMP error in the socket's error queue, as an outcome.
fn rejection(socket: &UdpSocket, resolver: SocketAddr, sent: Instant) -> Option<Outcome> {
    let rtt = whole_micros(sent.elapsed());
    let (error, queued) = sys::drain_error_queue(socket)
        .into_iter()
        .find_map(|queued: QueuedError| queued.icmp().map(|error| (error, queued)))?;
    Some(rejected(error, queued.offender.unwrap_or(resolver.ip()), rtt, queued.reply_ttl))
}

/// The ICMP error that must be behind an error number without a queue entry: the queue is short of memory at
/// times, the error number is kept all the same.
fn unattributed(resolver: SocketAddr, error: &io::Error) -> Option<IcmpError> {
    let v6 = resolver.is_ipv6();
    let code = match error.raw_os_error()? {
        libc::ECONNREFUSED => {
            if v6 {
                4
            } else {
                3
            }
        }
        libc::EHOSTUNREACH => {
            if v6 {
                3
            } else {
                1
            }
        }
        libc::ENETUNREACH => 0,
        _ => return None,
    };
    Some(IcmpError { v6, kind: if v6 { 1 } else { 3 }, code })
}

async fn over_tcp(resolver: SocketAddr, timeout: Duration, query: &[u8], mut wait: Wait) -> Outcome {
    let mut stream = match connect::establish(resolver, &TcpOptions::default(), timeout).await {
        Ok(established) => established.stream,
        Err(outcome) => return outcome,
    };
    // A message is preceded by its length (RFC 1035 §4.2.2), best in one segment with it (RFC 7766 §8).
    let Ok(length) = u16::try_from(query.len()) else {
        return Outcome::Unable(Inability { why: Obstacle::Unsupported, errno: None });
    };
    wait.sent = Instant::now();
    let framed = [&length.to_be_bytes(), query].concat();
    let mut failed = match timeout_at(wait.deadline, stream.write_all(&framed)).await {
        Ok(result) => result.err(),
        Err(_) => return wait.give_up(),
    };
    for _ in 0..MOST_MESSAGES {
        if let Some(error) = failed.take() {
            return hung_up(&error, wait, resolver);
        }
        match timeout_at(wait.deadline, read_framed(&mut stream)).await {
            Ok(Ok(message)) => {
                if let Some(outcome) = wait.take(&message) {
                    return outcome;
                }
            }
            Ok(Err(error)) => failed = Some(error),
            Err(_) => break,
        }
    }
    wait.give_up()
}

async fn read_framed(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

/// The outcome when a standing connection ends before the answer: the resolver (or somebody in its name) will
/// not answer, which is a refusal whether it came as RST or FIN.
fn hung_up(error: &io::Error, wait: Wait, resolver: SocketAddr) -> Outcome {
    if wait.fault.is_some() {
        return wait.give_up();
    }
    let rtt = whole_micros(wait.sent.elapsed());
    match unattributed(resolver, error) {
        Some(error) => rejected(error, resolver.ip(), rtt, None),
        None => {
            Outcome::Rejected(Rejection { how: Refusal::Reset, by: None, rtt, reply_ttl: None, quote: None })
        }
    }
}

fn answered(answer: LookupAnswer) -> Outcome {
    Outcome::Answered(Answer::Lookup(answer))
}

fn faulty(fault: AnswerFault, rtt: Duration) -> Outcome {
    answered(LookupAnswer { fault: Some(fault), rtt, ..LookupAnswer::default() })
}

fn rejected(error: IcmpError, by: IpAddr, rtt: Duration, reply_ttl: Option<u8>) -> Outcome {
    Outcome::Rejected(Rejection { how: Refusal::Icmp(error), by: Some(by), rtt, reply_ttl, quote: None })
}

/// A message id that nobody on the way can guess (RFC 5452 §9.2).
fn random_id() -> Option<u16> {
    let mut bytes = [0; 2];
    rand::fill(&mut bytes).ok()?;
    Some(u16::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests;
