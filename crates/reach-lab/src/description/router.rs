//! What routers are and do.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A router.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// Unique in the network.
    pub name: String,
    /// Drops everything that it should forward, but still says "time exceeded".
    #[serde(default)]
    pub dead: bool,
    /// Never sends an ICMP error.
    #[serde(default)]
    pub anonymous: bool,
    /// Keeps the kernel's own limit on ICMP errors (about one a second to one destination, after a short
    /// burst); otherwise there is no limit.
    #[serde(default)]
    pub icmp_rate_limited: bool,
    /// The routers of any later stage that it sends packets on to; all of the next stage if empty. Links that
    /// pass over a stage make branches of unequal length.
    #[serde(default)]
    pub next: Vec<String>,
    /// How many parts of the packets go to each of `next`; equal parts if empty.
    #[serde(default)]
    pub weights: Vec<u8>,
    /// How it chooses among several next routers.
    #[serde(default)]
    pub balancing: Balancing,
    /// How it words "time exceeded", if not as the kernel does.
    #[serde(default)]
    pub wording: Option<Wording>,
}

/// How a router chooses among several next hops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balancing {
    /// By a hash of addresses, protocol and ports, so that all echo requests to one address take one way.
    #[default]
    PerFlow,
    /// As `PerFlow`, and echo requests by a hash of their checksum: what routers do that hash the first bytes
    /// behind the IP header, whatever they are. Needs `nft`.
    PerHeader,
    /// By a hash of the addresses alone.
    PerDestination,
    /// By dice. Needs `nft`.
    PerPacket,
}

/// How a router words "time exceeded" (RFC 792, RFC 4443) beyond what the kernel would say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wording {
    /// The MPLS labels that the packet came with (RFC 4950), topmost first.
    pub labels: Vec<Label>,
    /// Interfaces that it names (RFC 5837).
    pub interfaces: Vec<Interface>,
    /// How much of the packet it quotes, and how.
    pub quote: Quote,
    /// The TTL or hop limit that its errors start with; the kernel's 64 if absent.
    pub initial_ttl: Option<u8>,
}

/// An MPLS label stack entry (RFC 3032).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// 20 bits.
    pub label: u32,
    /// Traffic class, 3 bits.
    #[serde(default)]
    pub class: u8,
    /// Time to live.
    pub ttl: u8,
}

/// An interface as RFC 5837 tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// What it has to do with the packet.
    pub role: InterfaceRole,
    /// Its ifIndex.
    #[serde(default)]
    pub index: Option<u32>,
    /// An address of it.
    #[serde(default)]
    pub address: Option<IpAddr>,
    /// Its name, at most 63 bytes.
    #[serde(default)]
    pub name: Option<String>,
    /// Its MTU.
    #[serde(default)]
    pub mtu: Option<u32>,
}

/// What an interface has to do with the packet (RFC 5837 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceRole {
    /// It came in there.
    Incoming,
    /// The part below IP of where it came in.
    SubIp,
    /// It would have gone out there.
    Outgoing,
    /// The next hop's.
    NextHop,
}

/// How much of a packet an error quotes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quote {
    /// As RFC 4884 wants it: 128 bytes, zeroes if there are fewer, with the length field; without extensions
    /// the packet as it is.
    #[default]
    Modern,
    /// The header and eight bytes (RFC 792), with zeroes up to 128 and the length field if extensions follow.
    Short,
    /// 128 bytes without the length field, and the extensions behind them, as routers did before RFC 4884.
    Old,
}

/// A way back that differs from the way there: what `from` sends to the client, or passes on to it, goes by
/// routers that no packet from the client meets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detour {
    /// The router where it begins.
    pub from: String,
    /// New routers, in the order in which packets to the client meet them.
    pub via: Vec<String>,
    /// The router nearer to the client where it ends.
    pub to: String,
}

impl Router {
    /// An ordinary router.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Router { name: name.to_owned(), ..Router::default() }
    }

    /// A router that forwards nothing and still says "time exceeded".
    #[must_use]
    pub fn dead(name: &str) -> Self {
        Router { dead: true, ..Router::named(name) }
    }

    /// A router that never sends an ICMP error.
    #[must_use]
    pub fn anonymous(name: &str) -> Self {
        Router { anonymous: true, ..Router::named(name) }
    }

    /// A router that sends about one ICMP error a second.
    #[must_use]
    pub fn rate_limited(name: &str) -> Self {
        Router { icmp_rate_limited: true, ..Router::named(name) }
    }

    /// The same, sending packets on to exactly these.
    #[must_use]
    pub fn to<S: AsRef<str>>(self, next: impl IntoIterator<Item = S>) -> Self {
        Router { next: next.into_iter().map(|name| name.as_ref().to_owned()).collect(), ..self }
    }

    /// The same, choosing among them in another manner.
    #[must_use]
    pub fn balancing(self, balancing: Balancing) -> Self {
        Router { balancing, ..self }
    }

    /// The same, with its own words for "time exceeded".
    #[must_use]
    pub fn wording(self, wording: Wording) -> Self {
        Router { wording: Some(wording), ..self }
    }
}
