//! The routers between this host and an endpoint, over all parallel paths, as observations show them.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Endpoint, IcmpError, Inability, MplsLabel, RouterInterface};
use crate::time::micros;

/// With which packets a path is traced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceProtocol {
    /// TCP SYNs to the port: what clients send. Needs no privilege.
    #[default]
    Tcp,
    /// UDP datagrams. Needs no privilege.
    Udp,
    /// ICMP echo requests; by datagram sockets where the system allows them, else by raw ones.
    Icmp,
}

/// How to trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TracePlan {
    /// With which packets.
    pub protocol: TraceProtocol,
    /// The first hop asked.
    pub first_ttl: u8,
    /// The last hop asked.
    pub max_ttl: u8,
    /// Follow all parallel paths; else the path of one flow.
    pub all_paths: bool,
    /// How sure to be that no path is missed.
    pub confidence: Confidence,
    /// End-to-end attempts on so many flows, to find a bad member of an equal-cost group; 0 for none.
    pub flows: u16,
    /// How many answers to collect from each hop on the main flow, for its RTT.
    pub queries: u16,
    /// Find the path MTU.
    pub mtu: bool,
    /// Bytes of payload of UDP and ICMP probes.
    pub size: u16,
    /// The first source port (UDP, TCP), or first flow (ICMP); `None` for one by the seed.
    pub first_flow: Option<u16>,
    /// The most packets sent in a second, over all addresses.
    pub rate: u32,
    /// The longest wait for a hop; usually far less, from what the other hops took.
    #[serde(with = "micros")]
    pub timeout: Duration,
    /// When everything ends, whatever is still open.
    #[serde(with = "micros")]
    pub deadline: Duration,
    /// Once everything is found, ask each hop again that often, until the driver stops.
    #[serde(default, with = "micros::option")]
    pub repeat: Option<Duration>,
    /// Seed of every choice by chance.
    pub seed: u64,
}

/// How sure to be that no responder was missed (Veitch, Augustin, Friedman, Teixeira, INFOCOM 2009).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// The probability, 0 to 1, of having seen all.
    pub level: f64,
    /// For the trace as a whole; else for each branching by itself.
    pub whole_trace: bool,
}

/// The paths to one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Where they lead.
    pub endpoint: Endpoint,
    /// With which packets they were found.
    pub protocol: TraceProtocol,
    /// The hop at which the endpoint itself answers, if it did.
    pub distance: Option<u8>,
    /// Why the endpoint was not reached; `None` when it was.
    pub stopped: Option<Stopped>,
    /// Who said no, where somebody did.
    pub by: Option<IpAddr>,
    /// By TTL from the first asked, rising, without gaps, up to the endpoint or to the last hop that was asked and is of interest.
    pub hops: Vec<Hop>,
    /// Who follows whom on the same flow.
    pub links: Vec<Link>,
    /// What each flow met, by its number.
    pub flows: Vec<FlowPath>,
    /// How sure the responders are complete, as far as the trace got.
    pub confidence: Confidence,
    /// The path MTU, if asked.
    pub mtu: Option<PathMtu>,
    /// What is worth telling besides.
    pub remarks: Vec<Remark>,
    /// Why nothing could be sent, if so.
    pub unable: Option<Inability>,
    /// Packets sent (a repeated SYN counts again).
    pub packets: u32,
}

/// Why an endpoint was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stopped {
    /// Nothing answers any more.
    Silent,
    /// Administratively prohibited.
    Prohibited,
    /// Network, host or port unreachable, said by another than the endpoint.
    Unreachable,
    /// The endpoint itself refuses: it is there, and nothing listens on the port.
    Refused,
    /// A reset that arises before the endpoint.
    ResetByPath,
    /// The packets go in circles.
    Loop,
}

/// Everything that answered at one TTL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// The TTL.
    pub ttl: u8,
    /// Packets sent with it.
    pub sent: u32,
    /// Packets answered.
    pub received: u32,
    /// Who answered, most answers first.
    pub responders: Vec<Responder>,
    /// How packets are spread over more than one responder.
    pub balancing: Option<Balancing>,
    /// Why some packets were not answered.
    pub loss: HopLoss,
    /// The stopping rule is met: with the route's confidence there are no more responders.
    pub complete: bool,
}

/// How a router chooses among several next hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balancing {
    /// By ports: the same flow takes the same path.
    PerFlow,
    /// By addresses alone: all flows to one destination take the same path, those to others take others.
    PerDestination,
    /// Packet by packet: the same flow takes different paths.
    PerPacket,
}

/// What missing answers of a hop mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum HopLoss {
    /// None is missing, or nothing can be said.
    #[default]
    None,
    /// The router limits its ICMP errors; packets pass it (later hops answer).
    RateLimited,
    /// Nothing of what was sent was answered, and later hops answer: the router keeps silent.
    Silent,
    /// Packets are lost from here on: later hops and the endpoint lose as many.
    Forward {
        /// The share lost, 0 to 1.
        share: f64,
    },
}

/// One address that answered at a hop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Responder {
    /// The address.
    pub address: IpAddr,
    /// What it answered.
    pub reply: ReplyKind,
    /// The flows it answered, rising.
    pub flows: Vec<u16>,
    /// Packets sent on those flows at this TTL.
    pub sent: u32,
    /// Packets it answered.
    pub received: u32,
    /// Round-trip times in microseconds' precision, in the order they came.
    pub rtts: Vec<Duration>,
    /// TTL / hop limit its answers arrived with.
    pub reply_ttl: Option<u8>,
    /// Its MPLS labels, as of the last answer.
    pub labels: Vec<MplsLabel>,
    /// Interfaces it names.
    pub interfaces: Vec<RouterInterface>,
}

/// What answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyKind {
    /// A router: the TTL ran out there.
    TimeExceeded,
    /// The endpoint: a SYN-ACK, an echo reply, a datagram, or port unreachable in answer to UDP.
    Reached,
    /// A RST in the endpoint's name.
    Reset,
    /// Another ICMP error.
    Icmp(IcmpError),
}

/// Two neighbours on the path of some flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// The TTL of the farther one.
    pub ttl: u8,
    /// The nearer one; `None` for this host (TTL 1) or a hop that kept silent.
    pub from: Option<IpAddr>,
    /// The farther one; `None` for a hop that kept silent.
    pub to: Option<IpAddr>,
    /// The flows that show it, rising.
    pub flows: Vec<u16>,
}

/// What one flow met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlowPath {
    /// Its number: source port, or ICMP flow.
    pub flow: u16,
    /// Who answered at each TTL from 1 on; `None` for silence or where it was not asked.
    pub hops: Vec<Option<IpAddr>>,
    /// Packets sent to the endpoint itself.
    pub sent: u32,
    /// Packets that the endpoint answered.
    pub answered: u32,
    /// Round-trip times to the endpoint.
    pub rtts: Vec<Duration>,
}

/// How large packets may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathMtu {
    /// The largest IP packet that passed, in bytes.
    pub mtu: u16,
    /// It is known to reach the endpoint; else only the last hop that answers.
    pub to_endpoint: bool,
    /// The packets it was measured with: echo requests or datagrams, whose size can be chosen.
    pub packets: TraceProtocol,
    /// Where it becomes smaller, nearest first.
    pub limits: Vec<MtuLimit>,
}

/// A place where the path MTU becomes smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MtuLimit {
    /// The hop that larger packets do not get to.
    pub ttl: u8,
    /// The largest that does, in bytes.
    pub mtu: u16,
    /// The router that says so (RFC 1191); `None` for a black hole: larger packets vanish without a word.
    pub by: Option<IpAddr>,
}

/// Something worth telling about a route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "remark")]
pub enum Remark {
    /// A member of an equal-cost group that loses the packets of all its flows, or far more than the others.
    BadMember {
        /// The hop of the member.
        ttl: u8,
        /// The member; `None` where it keeps silent and is known only by its flows.
        member: Option<IpAddr>,
        /// The hop before it that spreads the flows.
        after: Option<IpAddr>,
        /// The flows that fail.
        flows: Vec<u16>,
        /// The share lost on them, 0 to 1.
        lost: f64,
        /// The share lost on the others, 0 to 1.
        others_lost: f64,
    },
    /// The addresses or ports of our packets are changed before this hop (NAT).
    Translated {
        /// The first hop that sees them changed.
        ttl: u8,
    },
    /// A field of our packets is changed before this hop.
    Rewritten {
        /// The first hop that sees it changed.
        ttl: u8,
        /// The field.
        field: Field,
        /// As sent.
        was: u32,
        /// As seen there.
        is: u32,
    },
    /// TCP options of our packets are taken away, added or padded over before this hop.
    OptionsChanged {
        /// The first hop that sees them changed.
        ttl: u8,
        /// The option kinds as sent.
        was: Vec<u8>,
        /// As seen there.
        is: Vec<u8>,
    },
    /// The way back is longer or shorter than the way there, by the TTL that the answer arrives with.
    Asymmetric {
        /// The hop.
        ttl: u8,
        /// Who answered.
        responder: IpAddr,
        /// Hops back.
        back: u8,
    },
    /// The same router answers at several hops in turn.
    Loop {
        /// The first of them.
        ttl: u8,
        /// The router.
        address: IpAddr,
    },
    /// A router forwarded a packet whose TTL had run out, so the next hop answers twice and it never.
    ZeroTtlForwarding {
        /// The hop that answers in its place.
        ttl: u8,
    },
}

/// A field of our packets that a box on the way may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// The TCP maximum segment size option, in bytes.
    MaxSegment,
    /// Type of service / traffic class.
    TrafficClass,
    /// The TCP window.
    Window,
    /// The TTL / hop limit, raised or lowered by more than the hops passed.
    Ttl,
}

/// Where the paths to two endpoints part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parting {
    /// The last hop at which both have a responder in common, with those responders; `None` if none is known.
    pub common: Option<(u8, Vec<IpAddr>)>,
    /// The first hop behind it at which they differ; `None` when they never do.
    pub parts: Option<u8>,
}

impl Default for TracePlan {
    /// TCP, all paths at 95 % for each branching, up to 30 hops, everything over within 20 s.
    fn default() -> Self {
        Self {
            protocol: TraceProtocol::Tcp,
            first_ttl: 1,
            max_ttl: 30,
            all_paths: true,
            confidence: Confidence { level: 0.95, whole_trace: false },
            flows: 0,
            queries: 3,
            mtu: false,
            size: 32,
            first_flow: None,
            rate: 500,
            timeout: Duration::from_secs(1),
            deadline: Duration::from_secs(20),
            repeat: None,
            seed: 0,
        }
    }
}
