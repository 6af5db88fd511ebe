//! Packets made of what is known, where none can be captured: what was sent, by the probe and its socket, and
//! what came, by the outcome.
//!
//! Addresses, ports, protocols, ICMP types and codes, and the times are true. What is not known stands as 0:
//! TCP sequence numbers and windows, DNS message ids, the identifier and payload of echoes, the TTL of what came
//! where it could not be read. Checksums are right for the bytes as they stand. One SYN stands for all its
//! repetitions, whose times are not known, and for a whole connection only how it began.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use etherparse::{PacketBuilder, PacketBuilderStep, icmpv4, icmpv6};
use reach_core::{
    Time,
    model::{After, Answer, Connected, IcmpError, Lookup, Outcome, Probe, Refusal, Rejection, Transport},
};

use super::{Attempt, Fate};
use crate::{
    dns::Question,
    journal::{AttemptId, Entry, Flow, Protocol},
};

/// A packet as it may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synthetic {
    /// It left this host; else it came to it.
    pub outgoing: bool,
    /// When.
    pub at: Time,
    /// From the IP header on.
    pub bytes: Vec<u8>,
}

/// The most packets that wait for their turn; beyond, they come out of the order of time.
const MOST_WAITING: usize = 100_000;

/// Makes the packets of a run as it goes, in the order of time.
#[derive(Debug, Default)]
pub struct Synthesis {
    default_ttl: u8,
    under_way: BTreeMap<AttemptId, Attempt>,
    /// By their time.
    waiting: BTreeMap<(Time, AttemptId, usize), (Synthetic, Arc<Attempt>)>,
}

impl Synthesis {
    /// Of a system that sends with this TTL where no other was asked for.
    pub fn new(default_ttl: u8) -> Self {
        Self { default_ttl, ..Self::default() }
    }

    /// Takes a note of the journal.
    pub fn note(&mut self, entry: Entry) {
        match entry {
            Entry::Begun { attempt, about, id, probe, sent } => {
                self.under_way.insert(attempt, Attempt::begin(about, id, probe, sent));
            }
            Entry::Sends { attempt, flow } => {
                if let Some(attempt) = self.under_way.get_mut(&attempt) {
                    attempt.flows.push(flow);
                }
            }
            Entry::Ended { attempt, outcome, done } => self.end(attempt, Fate::Ended(outcome, done)),
            Entry::Abandoned { attempt } => self.end(attempt, Fate::Abandoned),
        }
    }

    /// Gives, in the order of time, packets that no earlier one can follow; with `last`, all that are left.
    pub fn release(&mut self, last: bool, mut give: impl FnMut(&Synthetic, &Attempt)) {
        if last {
            while let Some((&id, _)) = self.under_way.first_key_value() {
                self.end(id, Fate::UnderWay);
            }
        }
        let earliest = self.under_way.values().map(|attempt| attempt.sent).min();
        while let Some(first) = self.waiting.first_entry() {
            let (at, ..) = *first.key();
            if earliest.is_some_and(|earliest| earliest <= at) && self.waiting.len() <= MOST_WAITING {
                break;
            }
            if let Some((_, (packet, attempt))) = self.waiting.pop_first() {
                give(&packet, &attempt);
            }
        }
    }

    fn end(&mut self, id: AttemptId, fate: Fate) {
        let Some(attempt) = self.under_way.remove(&id) else { return };
        let attempt = Arc::new(Attempt { fate, ..attempt });
        for (number, packet) in packets(&attempt, self.default_ttl).into_iter().enumerate() {
            self.waiting.insert((packet.at, id, number), (packet, Arc::clone(&attempt)));
        }
    }
}

/// The packets of a probe that has ended. `default_ttl` is what this system sends with.
///
/// What the system's own resolver sends is not known, so a look-up by the system has none; nor has a probe that
/// could not be sent.
pub fn packets(attempt: &Attempt, default_ttl: u8) -> Vec<Synthetic> {
    if matches!(&attempt.fate, Fate::Ended(Outcome::Unable(_), _)) {
        return Vec::new();
    }
    let known = |flow: &&Flow| !flow.local.ip().is_unspecified();
    let flows = attempt.flows.iter().filter(known);
    let mut packets = Vec::new();
    for flow in flows {
        let sent = Sent {
            flow,
            ttl: ttl(&attempt.probe).unwrap_or(default_ttl),
            content: content(&attempt.probe, flow),
        };
        let Some(bytes) = sent.bytes() else { continue };
        packets.push(Synthetic { outgoing: true, at: attempt.sent, bytes: bytes.clone() });
        // Of a burst it is not known which of its flows was answered.
        if let Fate::Ended(outcome, done) = &attempt.fate
            && !matches!(attempt.probe, Probe::Egress(_))
        {
            packets.extend(sent.answers(attempt, outcome, *done, &bytes));
        }
    }
    packets
}

fn ttl(probe: &Probe) -> Option<u8> {
    match probe {
        Probe::Echo(echo) => echo.ttl,
        Probe::Connect(connect) => connect.ttl,
        Probe::Datagram(datagram) => datagram.ttl,
        _ => None,
    }
}

/// What a first packet carries.
enum Content {
    Syn,
    Bytes(Vec<u8>),
    Echo { sequence: u16, payload: Vec<u8> },
}

fn content(probe: &Probe, flow: &Flow) -> Content {
    match (probe, flow.protocol) {
        (Probe::Lookup(lookup), Protocol::Udp) => {
            Content::Bytes(question(lookup).and_then(|question| question.encode()).unwrap_or_default())
        }
        (Probe::Echo(echo), _) => {
            Content::Echo { sequence: echo.sequence, payload: vec![0; usize::from(echo.size)] }
        }
        (Probe::Datagram(datagram), _) => Content::Bytes(vec![0; usize::from(datagram.size)]),
        (_, Protocol::Udp) => Content::Bytes(Vec::new()),
        _ => Content::Syn,
    }
}

fn question(lookup: &Lookup) -> Option<Question> {
    Question::new(0, &lookup.name, lookup.kind)
}

/// TCP flags.
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// The first packet of a flow.
struct Sent<'a> {
    flow: &'a Flow,
    ttl: u8,
    content: Content,
}

impl Sent<'_> {
    fn bytes(&self) -> Option<Vec<u8>> {
        let Flow { local, remote, .. } = *self.flow;
        match &self.content {
            Content::Syn => tcp(local, remote, self.ttl, SYN, &[]),
            Content::Bytes(payload) => udp(local, remote, self.ttl, payload),
            Content::Echo { sequence, payload } => {
                echo(local.ip(), remote.ip(), self.ttl, (false, local.port(), *sequence), payload)
            }
        }
    }

    fn answers(&self, attempt: &Attempt, outcome: &Outcome, done: Time, sent: &[u8]) -> Vec<Synthetic> {
        let Flow { local, remote, .. } = *self.flow;
        let came =
            |at: Time, bytes: Option<Vec<u8>>| bytes.map(|bytes| Synthetic { outgoing: false, at, bytes });
        let after = |rtt: Duration| attempt.sent + rtt;
        // A TCP flow of a DNS question: its handshake is not told apart from its answer.
        let is_lookup = matches!(&attempt.probe, Probe::Lookup(lookup) if lookup.transport == Transport::Tcp);
        let one = match outcome {
            Outcome::Answered(Answer::Connected(connected)) => {
                return self.connection(connected, attempt.sent, done);
            }
            Outcome::Answered(Answer::Exchanged(exchanged)) => {
                let shaken = after(exchanged.connected.rtt).min(done);
                came(shaken, tcp(remote, local, 0, SYN | ACK, &[]))
            }
            Outcome::Answered(Answer::Echo(reply)) => match &self.content {
                Content::Echo { sequence, payload } => {
                    let message = (true, local.port(), *sequence);
                    let ttl = reply.reply_ttl.unwrap_or(0);
                    came(after(reply.rtt), echo(remote.ip(), local.ip(), ttl, message, payload))
                }
                _ => None,
            },
            Outcome::Answered(Answer::Datagram(reply)) => {
                came(after(reply.rtt), udp(remote, local, reply.reply_ttl.unwrap_or(0), &[]))
            }
            Outcome::Answered(Answer::Lookup(answer)) if !is_lookup && answer.fault.is_none() => {
                let message = match &attempt.probe {
                    Probe::Lookup(lookup) => question(lookup).and_then(|question| question.answer(answer)),
                    _ => None,
                };
                message.and_then(|message| came(after(answer.rtt), udp(remote, local, 0, &message)))
            }
            Outcome::Rejected(Rejection { how: Refusal::Reset, rtt, reply_ttl, .. }) if !is_lookup => {
                let at = if *rtt <= done.since(attempt.sent) { arrival(attempt, *rtt, done) } else { done };
                came(at, tcp(remote, local, reply_ttl.unwrap_or(0), RST | ACK, &[]))
            }
            Outcome::Rejected(rejection) => match (rejection.how, rejection.by) {
                (Refusal::Icmp(error), Some(by)) => {
                    came(arrival(attempt, rejection.rtt, done), icmp(by, local.ip(), rejection, error, sent))
                }
                _ => None,
            },
            _ => None,
        };
        one.into_iter().collect()
    }

    /// What came on a connection that nothing was said on.
    fn connection(&self, connected: &Connected, sent: Time, done: Time) -> Vec<Synthetic> {
        let Flow { local, remote, .. } = *self.flow;
        let segment = |at, flags, payload: &[u8]| {
            let bytes = tcp(remote, local, 0, flags, payload)?;
            Some(Synthetic { outgoing: false, at, bytes })
        };
        let shaken = if connected.syns > 1 { done } else { (sent + connected.rtt).min(done) };
        let then = match &connected.after {
            After::Spoke(bytes) => segment(done, PSH | ACK, bytes),
            After::Closed => segment(done, FIN | ACK, &[]),
            After::Reset => segment(done, RST | ACK, &[]),
            After::NotWatched | After::Quiet => None,
        };
        segment(shaken, SYN | ACK, &[]).into_iter().chain(then).collect()
    }
}

/// When an answer came whose round trip is counted from the last packet sent.
fn arrival(attempt: &Attempt, rtt: Duration, done: Time) -> Time {
    let after = attempt.sent + rtt;
    // A second is the shortest time after which a SYN is repeated.
    if done.since(after) < Duration::from_secs(1) { after } else { done }
}

fn ip(source: IpAddr, destination: IpAddr, ttl: u8) -> Option<PacketBuilderStep<etherparse::IpHeaders>> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            Some(PacketBuilder::ipv4(source.octets(), destination.octets(), ttl))
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            Some(PacketBuilder::ipv6(source.octets(), destination.octets(), ttl))
        }
        _ => None,
    }
}

fn tcp(source: SocketAddr, destination: SocketAddr, ttl: u8, flags: u8, payload: &[u8]) -> Option<Vec<u8>> {
    let mut tcp = ip(source.ip(), destination.ip(), ttl)?.tcp(source.port(), destination.port(), 0, 0);
    for (flag, set) in [
        (FIN, PacketBuilderStep::fin as fn(_) -> _),
        (SYN, PacketBuilderStep::syn),
        (RST, PacketBuilderStep::rst),
        (PSH, PacketBuilderStep::psh),
    ] {
        if flags & flag != 0 {
            tcp = set(tcp);
        }
    }
    if flags & ACK != 0 {
        tcp = tcp.ack(0);
    }
    let mut bytes = Vec::new();
    tcp.write(&mut bytes, payload).ok().map(|()| bytes)
}

fn udp(source: SocketAddr, destination: SocketAddr, ttl: u8, payload: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let udp = ip(source.ip(), destination.ip(), ttl)?.udp(source.port(), destination.port());
    udp.write(&mut bytes, payload).ok().map(|()| bytes)
}

/// `message`: whether it is a reply, identifier, sequence.
fn echo(
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    message: (bool, u16, u16),
    payload: &[u8],
) -> Option<Vec<u8>> {
    let (reply, id, seq) = message;
    let ip = ip(source, destination, ttl)?;
    let mut bytes = Vec::new();
    let written = match (source, reply) {
        (IpAddr::V4(_), false) => ip.icmpv4_echo_request(id, seq).write(&mut bytes, payload),
        (IpAddr::V4(_), true) => ip.icmpv4_echo_reply(id, seq).write(&mut bytes, payload),
        (IpAddr::V6(_), false) => ip.icmpv6_echo_request(id, seq).write(&mut bytes, payload),
        (IpAddr::V6(_), true) => ip.icmpv6_echo_reply(id, seq).write(&mut bytes, payload),
    };
    written.ok().map(|()| bytes)
}

/// An ICMP error about `sent`, of which it quotes as much as is known to have been quoted, at least the 8 bytes
/// behind the IP header that every error has (RFC 792).
fn icmp(
    by: IpAddr,
    to: IpAddr,
    rejection: &Rejection,
    IcmpError { v6, kind, code }: IcmpError,
    sent: &[u8],
) -> Option<Vec<u8>> {
    let quote = rejection.quote.as_deref();
    let header = if v6 { 40 } else { 20 };
    let quoted = header + quote.map_or(8, |quote| usize::from(quote.length).max(8));
    let mut quotation = sent.get(..quoted).unwrap_or(sent).to_vec();
    let ttl = quote.and_then(|quote| quote.header).map_or(0, |header| header.ttl);
    set_ttl(&mut quotation, v6, ttl);
    let mtu = quote.and_then(|quote| quote.next_mtu).unwrap_or(0).to_be_bytes();
    let ip = ip(by, to, rejection.reply_ttl.unwrap_or(0))?;
    let mut bytes = Vec::new();
    let written = if v6 {
        let rest = if kind == icmpv6::TYPE_PACKET_TOO_BIG { mtu } else { [0; 4] };
        ip.icmpv6_raw(kind, code, rest).write(&mut bytes, &quotation)
    } else {
        // RFC 1191 §4: the lower half.
        let rest = if kind == icmpv4::TYPE_DEST_UNREACH { [0, 0, mtu[2], mtu[3]] } else { [0; 4] };
        ip.icmpv4_raw(kind, code, rest).write(&mut bytes, &quotation)
    };
    written.ok().map(|()| bytes)
}

/// Changes the TTL of a quoted packet, and the checksum with it.
fn set_ttl(packet: &mut [u8], v6: bool, ttl: u8) {
    if v6 {
        if let Some(field) = packet.get_mut(7) {
            *field = ttl;
        }
    } else if let Some(header) = packet.first_chunk_mut::<20>() {
        header[8] = ttl;
        header[10..12].fill(0);
        let sum = crate::wire::checksum(header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests;
