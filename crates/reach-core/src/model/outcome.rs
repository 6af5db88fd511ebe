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
    /// Of a [`super::Datagram`].
    Datagram(DatagramReply),
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
    /// The names of a PTR answer, without the trailing dot.
    #[serde(default)]
    pub names: Vec<String>,
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

/// A datagram that came back from where one was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatagramReply {
    /// Round-trip time, by the kernel's time stamps where it gives them.
    #[serde(with = "micros")]
    pub rtt: Duration,
    /// TTL / hop limit it arrived with, where it could be read.
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
    /// What the other side did while we said nothing; in an exchange, on its topmost layer.
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
    /// What the proxy said, if one was used.
    #[serde(default)]
    pub proxy: Option<ProxyResult>,
    /// The dialogue before TLS, if one was wanted and reached.
    #[serde(default)]
    pub starttls: Option<StartTlsResult>,
    /// The TLS handshake, if one was wanted and reached.
    pub tls: Option<TlsResult>,
    /// The HTTP exchange, if one was wanted and reached.
    pub http: Option<HttpResult>,
    /// What the kernel counted on the connection (`TCP_INFO`).
    pub traffic: Traffic,
}

/// What a proxy answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyResult {
    /// How it ended.
    pub ended: ProxyEnd,
    /// From the request to the end.
    #[serde(with = "micros")]
    pub took: Duration,
}

/// How the exchange with a proxy ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyEnd {
    /// It connected to the destination.
    Open,
    /// An HTTP proxy's refusal: the status and its reason phrase.
    Status(u16, String),
    /// A SOCKS proxy's refusal (RFC 1928 §6).
    Reply(u8),
    /// It takes none of the ways to log in that we offered, or not this user.
    LoginRefused,
    /// It closed the connection.
    Closed,
    /// A reset.
    Reset,
    /// Nothing within the read time-out.
    Silent,
    /// It speaks another protocol; the first bytes, at most 64.
    NotSpoken(Vec<u8>),
}

/// How the dialogue before TLS went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartTlsResult {
    /// How it ended.
    pub ended: StartTlsEnd,
    /// What the server said of itself, at most 512 bytes; empty where the protocol has no greeting.
    pub greeting: String,
    /// From the connection to the end of the dialogue.
    #[serde(with = "micros")]
    pub took: Duration,
}

/// How the dialogue before TLS ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartTlsEnd {
    /// The server is ready for TLS.
    Ready,
    /// It does not offer TLS.
    NotOffered,
    /// It refused, in its own words.
    Refused(String),
    /// It closed the connection.
    Closed,
    /// A reset.
    Reset,
    /// Nothing within the read time-out.
    Silent,
    /// It speaks another protocol; the first bytes, at most 64.
    NotSpoken(Vec<u8>),
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
    /// What else the ICMP error tells.
    #[serde(default)]
    pub quote: Option<Box<Quote>>,
}

/// What an ICMP error tells besides its type: our packet as it arrived where the error arose, and what the router
/// says of itself (RFC 1812 §4.3.2.3, RFC 4884).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Bytes quoted of our packet, from its transport header on.
    pub length: u16,
    /// The IP header as it arrived there; can be read with `CAP_NET_RAW` only.
    pub header: Option<QuotedHeader>,
    /// The TCP header as it arrived there, if it was TCP and quoted whole.
    pub tcp: Option<QuotedTcp>,
    /// Whether the quoted transport checksum is the one of the addresses, ports and bytes that we sent; `None`
    /// where too little is quoted to tell. Where everything else is as sent, a checksum that is not ours says that
    /// the addresses or ports were others at that hop (NAT), and were translated back in the error.
    pub checksum_fits: Option<bool>,
    /// The MPLS label stack that the packet arrived with (RFC 4950), top first.
    pub labels: Vec<MplsLabel>,
    /// Interfaces that the router names (RFC 5837).
    pub interfaces: Vec<RouterInterface>,
    /// The MTU of the next link in bytes, if the packet was too big for it (RFC 1191, RFC 8201).
    pub next_mtu: Option<u32>,
}

/// Our IP header as it arrived at a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedHeader {
    /// TTL / hop limit.
    pub ttl: u8,
    /// Type of service / traffic class: DSCP and ECN.
    pub traffic_class: u8,
    /// Total length in bytes.
    pub length: u16,
}

/// Our TCP header as it arrived at a router.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedTcp {
    /// The maximum segment size option.
    pub mss: Option<u16>,
    /// The kinds of all options in order, padding (no-operation) included.
    pub options: Vec<u8>,
    /// The window field.
    pub window: u16,
    /// The flags, from CWR down to FIN.
    pub flags: u8,
}

/// One entry of an MPLS label stack (RFC 3032).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MplsLabel {
    /// The label, 20 bits.
    pub label: u32,
    /// The traffic class (EXP), 3 bits.
    pub class: u8,
    /// Bottom of the stack.
    pub bottom: bool,
    /// The label's TTL.
    pub ttl: u8,
}

/// An interface, or next hop, that a router names in an ICMP error (RFC 5837).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RouterInterface {
    /// What it is to our packet.
    pub role: InterfaceRole,
    /// `ifIndex` (RFC 2863).
    pub index: Option<u32>,
    /// An address of it.
    pub address: Option<IpAddr>,
    /// `ifName`, at most 63 bytes.
    pub name: Option<String>,
    /// Its MTU in bytes.
    pub mtu: Option<u32>,
}

/// What an interface is to our packet (RFC 5837 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceRole {
    /// It came in there.
    Incoming,
    /// It came in on a part of that IP interface.
    IncomingPart,
    /// It would have left there.
    Outgoing,
    /// It would have gone to there next.
    NextHop,
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
    /// The packet may not be fragmented and is larger than this host's own link carries, or it is larger than any
    /// packet can be (`EMSGSIZE`).
    TooBig {
        /// What the link carries, in bytes with the IP header, where that is the limit.
        mtu: Option<u32>,
    },
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
