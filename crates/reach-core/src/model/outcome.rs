//! What became of a probe. Four ways, because a diagnosis needs them apart.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::probe::{Probe, ProbeId};
use crate::time::{Time, micros};

/// A fact: what was tried, what became of it, and when. Never edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Names the probe within the survey.
    pub id: ProbeId,
    /// What was tried.
    #[serde(flatten)]
    pub probe: Probe,
    /// What became of it.
    pub outcome: Outcome,
    /// When the attempt began.
    pub sent: Time,
    /// When its outcome was known.
    pub done: Time,
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The addressee replied in its protocol, whatever it said, even NXDOMAIN or a bad certificate.
    Answered(Answer),
    /// Somebody said no.
    Rejected(Rejection),
    /// Nothing came before the deadline.
    Silent(Silence),
    /// We could not even ask. Says nothing about the target and never counts against it.
    Unable(Inability),
}

/// The reply of the addressee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Of a [`super::Lookup`].
    Lookup(LookupAnswer),
    /// Of a [`super::SystemLookup`].
    System(SystemAnswer),
    /// Of an [`super::Echo`].
    Echo(EchoReply),
    /// Of a [`super::Connect`].
    Connected(Connected),
    /// Of an [`super::Exchange`] whose TCP handshake completed.
    Exchanged(Box<Exchanged>),
    /// Of an [`super::Egress`].
    Egress(EgressCount),
}

/// A DNS answer as received from one resolver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupAnswer {
    /// The response code.
    pub rcode: Rcode,
    /// The TC bit: the answer did not fit, ask again over TCP.
    pub truncated: bool,
    /// The address records of the wanted kind, in the order received.
    pub addresses: Vec<AddressRecord>,
    /// The CNAME chain, alias first: `(owner, target)`.
    pub aliases: Vec<(String, String)>,
    /// Why the answer is not usable as it stands, if so.
    pub fault: Option<AnswerFault>,
    /// From question to answer.
    #[serde(with = "micros")]
    pub rtt: Duration,
}

/// A DNS response code (RFC 1035, RFC 6895).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rcode {
    /// 0.
    #[default]
    NoError,
    /// 1.
    FormErr,
    /// 2.
    ServFail,
    /// 3.
    NxDomain,
    /// 4.
    NotImp,
    /// 5.
    Refused,
    /// Any other.
    Other(u16),
}

/// One address of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AddressRecord {
    /// The address.
    pub address: IpAddr,
    /// Time to live in seconds.
    pub ttl_s: u32,
}

/// What is wrong with a DNS answer that came from the resolver's address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerFault {
    /// The bytes are no DNS message.
    Malformed,
    /// Another message id than the question's: a late answer, or a forged one.
    WrongId,
    /// It answers another question.
    WrongQuestion,
}

/// What `getent ahosts` said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemAnswer {
    /// The addresses in the order a client on this machine gets them; empty when the name is not known.
    pub addresses: Vec<IpAddr>,
    /// How long it took.
    #[serde(with = "micros")]
    pub took: Duration,
}

/// An ICMP echo reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EchoReply {
    /// Round-trip time, by the kernel's time stamps where it gives them.
    #[serde(with = "micros")]
    pub rtt: Duration,
    /// TTL / hop limit the reply arrived with, where it could be read.
    pub reply_ttl: Option<u8>,
}

/// A TCP handshake that completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// Round-trip time of the handshake; from the last SYN when it had to be repeated.
    #[serde(with = "micros")]
    pub rtt: Duration,
    /// SYNs sent until the answer came: 1 when nothing was lost.
    pub syns: u32,
    /// Our side of the flow.
    pub source: SocketAddr,
    /// What the other side did while we said nothing.
    pub after: After,
}

/// What the other side did after the TCP handshake, unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// Nobody watched.
    NotWatched,
    /// Nothing.
    Quiet,
    /// It spoke first; at most 512 bytes, as received.
    Spoke(Vec<u8>),
    /// It closed the connection (FIN) without a word.
    Closed,
    /// It reset the connection without a word.
    Reset,
}

/// What came of the layers above TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanged {
    /// The TCP handshake.
    pub connected: Connected,
    /// The TLS handshake, if one was wanted.
    pub tls: Option<TlsResult>,
    /// The HTTP exchange, if one was wanted and reached.
    pub http: Option<HttpResult>,
    /// What the kernel counted on the connection (`TCP_INFO`).
    pub traffic: Traffic,
}

/// What the kernel counted on one connection (`TCP_INFO`, tcp(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Payload bytes that the other side acknowledged.
    pub bytes_acked: u64,
    /// Payload bytes received in order.
    pub bytes_received: u64,
    /// Segments repeated after the handshake.
    pub retransmits: u32,
    /// Segments sent and not acknowledged at the end.
    pub unacked: u32,
    /// Maximum segment size in use towards the other side.
    pub send_mss: u32,
}

/// How the TLS handshake went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsResult {
    /// How it ended.
    pub ended: TlsEnd,
    /// From ClientHello to the end.
    #[serde(with = "micros")]
    pub took: Duration,
    /// Protocol version, e.g. `TLSv1.3`, once agreed.
    pub version: Option<String>,
    /// Cipher suite, once agreed.
    pub cipher: Option<String>,
    /// Application protocol, once agreed.
    pub alpn: Option<String>,
    /// The chain as received, leaf first, whether or not it is trusted.
    pub chain: Vec<Certificate>,
    /// What is wrong with the chain for the name that was to be verified; empty when it is trusted by this
    /// machine's roots. Meaningless without a chain.
    pub distrust: Vec<Distrust>,
    /// Whether the chain ends at a root of the public web (Mozilla's set), name and dates aside; `None` when no chain came.
    pub public_root: Option<bool>,
}

/// How a TLS handshake ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsEnd {
    /// It completed (whether or not the certificate is trusted).
    Completed,
    /// A fatal alert from the other side (RFC 8446 §6): code and name.
    Alert(u8, String),
    /// The other side closed the connection.
    Closed,
    /// A reset.
    Reset,
    /// Nothing (more) came within the read time-out.
    Silent,
    /// The other side does not speak TLS; the first bytes it sent, at most 64.
    NotTls(Vec<u8>),
    /// The kernel reported `EHOSTUNREACH` or alike for what was sent after the handshake: some router gave it
    /// back (TTL exceeded, unreachable). On a standing connection Linux does not say which router.
    Returned,
    /// We could not go on with what the other side sent; our library's reason.
    Incompatible(String),
}

/// The facts of one certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Subject distinguished name.
    pub subject: String,
    /// Issuer distinguished name.
    pub issuer: String,
    /// Subject alternative names: DNS names and addresses.
    pub names: Vec<String>,
    /// Start of validity, seconds since the Unix epoch.
    pub not_before: i64,
    /// End of validity, seconds since the Unix epoch.
    pub not_after: i64,
    /// SHA-256 of the DER bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// One reason not to trust a chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distrust {
    /// It does not end at a root that this machine trusts.
    UnknownIssuer,
    /// It does not cover the name.
    WrongName,
    /// A certificate of it has expired.
    Expired,
    /// A certificate of it is not valid yet.
    NotYetValid,
    /// The leaf or a signature is otherwise unacceptable.
    Other(String),
}

/// How the HTTP exchange went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResult {
    /// How it ended.
    pub ended: HttpEnd,
    /// From request to the end of the head (or to the failure).
    #[serde(with = "micros")]
    pub took: Duration,
    /// The `Server` header.
    pub server: Option<String>,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
}

/// How an HTTP exchange ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpEnd {
    /// A response with this status.
    Status(u16),
    /// The other side closed before a response.
    Closed,
    /// A reset before a response.
    Reset,
    /// Nothing within the read time-out.
    Silent,
    /// Something that is not HTTP; the first bytes, at most 64.
    NotHttp(Vec<u8>),
}

/// Counts at this machine's own edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressCount {
    /// SYNs handed to the kernel.
    pub sent: u32,
    /// How many attempts were answered (connected, reset or rejected).
    pub answered: u32,
    /// Seen by a packet capture on the interface (needs `CAP_NET_RAW`).
    pub captured: Option<Captured>,
    /// Differences of the kernel's own counters over the burst (no privilege needed; other traffic of the
    /// host is in them too).
    pub counters: Option<IpCounters>,
}

/// What a packet capture on the interface saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// Of our SYNs: how many left.
    pub left: u32,
    /// Replies from the endpoint to our ports that reached the interface.
    pub returned: u32,
}

/// Differences of the counters of `/proc/net/snmp` and `/proc/net/snmp6` over a burst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpCounters {
    /// Packets that local processes asked to send (`OutRequests`).
    pub out_requests: u64,
    /// Packets that went to an interface (`OutTransmits`), where the kernel counts them.
    pub out_transmits: Option<u64>,
    /// Packets that all interfaces but loopback sent (`/proc/net/dev`).
    pub interface_sent: u64,
    /// Packets received (`InReceives`).
    pub in_receives: u64,
    /// Packets delivered to local sockets (`InDelivers`).
    pub in_delivers: u64,
}

/// Somebody said no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// In which way.
    pub how: Refusal,
    /// Who sent the ICMP error; `None` for a reset, whose sender claims to be the addressee.
    pub by: Option<IpAddr>,
    /// From the (last) packet sent to the rejection.
    #[serde(with = "micros")]
    pub rtt: Duration,
    /// TTL / hop limit the ICMP error arrived with, where it could be read.
    pub reply_ttl: Option<u8>,
}

/// In which way somebody said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// A TCP RST in answer to the SYN.
    Reset,
    /// An ICMP error.
    Icmp(IcmpError),
}

/// An ICMP error (RFC 792, RFC 4443) in common terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IcmpError {
    /// True for ICMPv6.
    pub v6: bool,
    /// The type field.
    pub kind: u8,
    /// The code field.
    pub code: u8,
}

/// Nothing came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Packets sent without an answer: SYNs of a connection attempt, queries, echo requests.
    pub packets: u32,
    /// For a connection attempt: the local stack itself refused to send (`TCP_INFO` counts retransmissions
    /// that were due, and none as under way). Seen only once a SYN was repeated, so `false` proves nothing.
    #[serde(default)]
    pub refused_here: bool,
}

/// We could not even ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inability {
    /// The kind of obstacle.
    pub why: Obstacle,
    /// The system's error number, where there is one.
    pub errno: Option<i32>,
}

/// Why we could not ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// The local kernel has no route (`ENETUNREACH`, `EHOSTUNREACH`, `EINVAL` of a blackhole route, at once
    /// and without an ICMP error), or no address of the family (`EADDRNOTAVAIL`).
    NoRoute,
    /// The local kernel forbids sending there (`EPERM` of a packet filter, `EACCES` of a prohibit route).
    ForbiddenLocally,
    /// We lack the privilege for this kind of socket.
    NoPermission,
    /// The source port is in use on this machine: take another.
    PortInUse,
    /// Out of file descriptors or memory.
    OutOfResources,
    /// This system cannot do it at all (a program or a kernel feature is missing).
    Unsupported,
}

impl IcmpError {
    /// Time exceeded in transit: a router says that the TTL ran out there.
    pub fn is_time_exceeded(self) -> bool {
        if self.v6 { self.kind == 3 && self.code == 0 } else { self.kind == 11 && self.code == 0 }
    }

    /// Communication administratively prohibited, in any of its codes (RFC 1812 §5.2.7.1: 9, 10, 13;
    /// RFC 4443 §3.1: 1 and its finer 5, 6).
    pub fn is_prohibited(self) -> bool {
        if self.v6 {
            self.kind == 1 && matches!(self.code, 1 | 5 | 6)
        } else {
            self.kind == 3 && matches!(self.code, 9 | 10 | 13)
        }
    }

    /// A packet was too big for the next link (RFC 1191, RFC 8201).
    pub fn is_too_big(self) -> bool {
        if self.v6 { self.kind == 2 } else { self.kind == 3 && self.code == 4 }
    }

    /// Any destination unreachable that is neither a prohibition nor about packet size.
    pub fn is_unreachable(self) -> bool {
        let unreachable = if self.v6 { self.kind == 1 } else { self.kind == 3 };
        unreachable && !self.is_prohibited() && !self.is_too_big()
    }
}
