//! Packets, as far as a path can tell them apart.

use std::net::IpAddr;

use reach_core::model::{IcmpError, Quote};

use crate::rng::mix;

/// The five numbers that name a flow, seen from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Flow {
    pub(crate) client: IpAddr,
    pub(crate) client_port: u16,
    pub(crate) peer: IpAddr,
    pub(crate) peer_port: u16,
    pub(crate) protocol: Protocol,
}

/// What a rule can be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP and ICMPv6.
    Icmp,
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heading {
    /// From the client.
    Out,
    /// To the client.
    Back,
}

/// One packet under way.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) flow: Flow,
    pub(crate) heading: Heading,
    pub(crate) kind: Kind,
    /// TTL / hop limit left.
    pub(crate) ttl: u8,
    /// Length with its IP header.
    pub(crate) size: u32,
    /// Where it was made.
    pub(crate) origin: Place,
    /// It was made on the link on the near side of `origin`, not in it.
    pub(crate) on_wire: bool,
    /// What boxes on the way may have made of it.
    pub(crate) marks: Marks,
}

/// What boxes on the way may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// The maximum segment size that a SYN offers.
    pub(crate) mss: Option<u16>,
    /// Source address or port are not the client's any more.
    pub(crate) translated: bool,
}

/// A node on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// 0 is the client, 1 the first router, the last the host.
    pub(crate) hop: usize,
    /// Which of the parallel routers.
    pub(crate) member: usize,
    /// The number of the node.
    pub(crate) node: usize,
}

/// What a packet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Syn,
    /// With whether a SYN proxy, rather than the addressee or a stand-in, sent it.
    SynAck {
        proxied: bool,
    },
    Ack,
    Reset,
    /// Payload; the first segment of a ClientHello carries the name it asks for.
    Data {
        hello: Option<Option<String>>,
    },
    Fin,
    EchoRequest,
    EchoReply,
    /// A UDP datagram.
    Datagram,
    /// An ICMP error.
    Error {
        error: IcmpError,
        by: IpAddr,
        /// The TTL of the packet that it quotes.
        quoted_ttl: u8,
        /// What else it tells of the packet, and of the router.
        quote: Box<Quote>,
    },
}

impl Flow {
    /// A stable hash, as a router with parallel next hops computes it.
    pub(crate) fn hash(&self, salt: u64) -> u64 {
        let fold = |address: IpAddr| match address {
            IpAddr::V4(address) => u64::from(u32::from(address)),
            IpAddr::V6(address) => {
                let bits = u128::from(address);
                mix(bits as u64) ^ (bits >> 64) as u64
            }
        };
        let ports = u64::from(self.client_port) << 16 | u64::from(self.peer_port);
        let mut bits = mix(salt ^ self.protocol as u64);
        for part in [fold(self.client), fold(self.peer), ports] {
            bits = mix(bits.wrapping_add(0x9E37_79B9_7F4A_7C15) ^ part);
        }
        bits
    }

    /// Which of so many classes the client port falls into.
    pub(crate) fn class(&self, of: u16) -> u16 {
        (mix(0x5EED ^ u64::from(self.client_port)) % u64::from(of.max(1))) as u16
    }

    /// Length of an IP header of this flow.
    pub(crate) const fn ip_header(&self) -> u32 {
        if self.peer.is_ipv6() { 40 } else { 20 }
    }
}
