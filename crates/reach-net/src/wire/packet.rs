//! IP packets as raw and packet sockets give them: the network header first (RFC 791, RFC 8200, RFC 9293).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reach_core::model::IcmpError;

use super::EchoMessage;

/// The protocol number of TCP.
const TCP: u8 = 6;

/// The protocol number of UDP.
const UDP: u8 = 17;

/// The protocol number of ICMP.
const ICMP: u8 = 1;

/// The protocol number of ICMPv6.
const ICMP6: u8 = 58;

/// The most IPv6 extension headers that are followed; real packets have one or two.
const MOST_EXTENSIONS: usize = 8;

/// What an IP packet says, as far as its bytes go: a router's quotation may end behind 8 bytes of the transport
/// header (RFC 792).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// From where.
    pub source: IpAddr,
    /// To where.
    pub destination: IpAddr,
    /// TTL / hop limit.
    pub ttl: u8,
    /// The part of a packet that this is, if it is not the whole.
    pub fragment: Option<Fragment>,
    /// What it carries.
    pub body: Body<'a>,
}

/// Which part of a fragmented packet (RFC 791, RFC 8200 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The same in all parts of one packet.
    pub identification: u32,
    /// The protocol of what is carried.
    pub protocol: u8,
    /// The first part, which has the transport header.
    pub first: bool,
}

/// What an IP packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// TCP.
    Tcp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
        /// From CWR down to FIN, where the whole header is there.
        flags: Option<u8>,
    },
    /// UDP.
    Udp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
        /// Bytes of payload by the header, where that is there.
        size: Option<u16>,
        /// As much of the payload as there is.
        payload: &'a [u8],
    },
    /// ICMP echo.
    Echo(EchoMessage<'a>),
    /// An ICMP error.
    Error {
        /// Which.
        error: IcmpError,
        /// The packet that it is about.
        quoted: Option<Box<Packet<'a>>>,
    },
    /// A later fragment, or something else.
    Other,
}

impl<'a> Packet<'a> {
    /// Reads an IPv4 or IPv6 packet; `None` if not even its addresses are there.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        Self::parse_quoting(bytes, true)
    }

    /// The port at each end, `(source, destination)`.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self.body {
            Body::Tcp { source, destination, .. } | Body::Udp { source, destination, .. } => {
                Some((source, destination))
            }
            Body::Echo(_) | Body::Error { .. } | Body::Other => None,
        }
    }

    /// `may_quote`: an error's quotation is read. No error is about an error (RFC 1122 §3.2.2), so one in a
    /// quotation is foreign play.
    fn parse_quoting(bytes: &'a [u8], may_quote: bool) -> Option<Self> {
        let v6 = match bytes.first()? >> 4 {
            4 => false,
            6 => true,
            _ => return None,
        };
        let mut packet = Self {
            source: Ipv4Addr::UNSPECIFIED.into(),
            destination: Ipv4Addr::UNSPECIFIED.into(),
            ttl: 0,
            fragment: None,
            body: Body::Other,
        };
        let (protocol, payload) = if v6 { packet.head_v6(bytes)? } else { packet.head_v4(bytes)? };
        let is_head = packet.fragment.is_none_or(|fragment| fragment.first);
        if is_head {
            packet.body = body(v6, protocol, payload, may_quote).unwrap_or(Body::Other);
        }
        Some(packet)
    }

    fn head_v4(&mut self, bytes: &'a [u8]) -> Option<(u8, &'a [u8])> {
        let (header, payload) = split_v4(bytes)?;
        self.source = Ipv4Addr::from(*header[12..].first_chunk()?).into();
        self.destination = Ipv4Addr::from(*header[16..].first_chunk()?).into();
        self.ttl = header[8];
        let place = u16::from_be_bytes([header[6], header[7]]);
        if place & 0x3fff != 0 {
            self.fragment = Some(Fragment {
                identification: u32::from(u16::from_be_bytes([header[4], header[5]])),
                protocol: header[9],
                first: place & 0x1fff == 0,
            });
        }
        Some((header[9], payload))
    }

    fn head_v6(&mut self, bytes: &'a [u8]) -> Option<(u8, &'a [u8])> {
        const HOP_BY_HOP: u8 = 0;
        const ROUTING: u8 = 43;
        const FRAGMENT: u8 = 44;
        const DESTINATION: u8 = 60;
        let (header, mut payload) = bytes.split_first_chunk::<40>()?;
        self.source = Ipv6Addr::from(*header[8..].first_chunk()?).into();
        self.destination = Ipv6Addr::from(*header[24..].first_chunk()?).into();
        self.ttl = header[7];
        let mut next = header[6];
        for _ in 0..MOST_EXTENSIONS {
            let Some(&[following, length, high, low, a, b, c, d]) = payload.first_chunk::<8>() else { break };
            match next {
                FRAGMENT => {
                    let first = u16::from_be_bytes([high, low]) >> 3 == 0;
                    let identification = u32::from_be_bytes([a, b, c, d]);
                    self.fragment = Some(Fragment { identification, protocol: following, first });
                    payload = &payload[8..];
                    if !first {
                        return Some((following, payload));
                    }
                }
                HOP_BY_HOP | ROUTING | DESTINATION => {
                    let Some(rest) = payload.get(8 * (usize::from(length) + 1)..) else { break };
                    payload = rest;
                }
                _ => break,
            }
            next = following;
        }
        Some((next, payload))
    }
}

/// What a packet carries; `None` for what is not told apart here.
fn body(v6: bool, protocol: u8, bytes: &[u8], may_quote: bool) -> Option<Body<'_>> {
    let icmp = if v6 { ICMP6 } else { ICMP };
    let two = |at: usize| Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    match protocol {
        TCP => {
            let flags = bytes.first_chunk::<20>().map(|header| header[13]);
            Some(Body::Tcp { source: two(0)?, destination: two(2)?, flags })
        }
        UDP => {
            let size = two(4).map(|length| length.saturating_sub(8));
            let payload = bytes.get(8..).unwrap_or_default();
            Some(Body::Udp { source: two(0)?, destination: two(2)?, size, payload })
        }
        protocol if protocol == icmp => {
            if let Some(echo) = EchoMessage::parse(v6, bytes) {
                return Some(Body::Echo(echo));
            }
            let (&[kind, code, ..], quotation) = bytes.split_first_chunk::<8>()?;
            let is_error = if v6 { (1..=4).contains(&kind) } else { matches!(kind, 3 | 4 | 5 | 11 | 12) };
            let error = IcmpError { v6, kind, code };
            (is_error && may_quote)
                .then(|| Body::Error { error, quoted: Packet::parse_quoting(quotation, false).map(Box::new) })
        }
        _ => None,
    }
}

/// The head of a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// From where.
    pub source: SocketAddr,
    /// To where.
    pub destination: SocketAddr,
    /// The SYN flag.
    pub syn: bool,
    /// The ACK flag.
    pub ack: bool,
}

impl Segment {
    /// Reads an IPv4 or IPv6 packet with a whole TCP header in it; `None` for any other packet.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let packet = Packet::parse(packet)?;
        let Body::Tcp { source, destination, flags: Some(flags) } = packet.body else { return None };
        Some(Self {
            source: SocketAddr::new(packet.source, source),
            destination: SocketAddr::new(packet.destination, destination),
            syn: flags & 0x02 != 0,
            ack: flags & 0x10 != 0,
        })
    }
}

/// What an IPv4 packet carries behind its header.
pub fn ipv4_payload(packet: &[u8]) -> Option<&[u8]> {
    split_v4(packet).map(|(_, payload)| payload)
}

/// The fixed part of an IPv4 header, and what follows the whole header.
pub(super) fn split_v4(packet: &[u8]) -> Option<(&[u8; 20], &[u8])> {
    let header = packet.first_chunk::<20>()?;
    let length = usize::from(header[0] & 0x0f) * 4;
    if header[0] >> 4 != 4 || length < header.len() {
        return None;
    }
    Some((header, packet.get(length..)?))
}

#[cfg(test)]
mod tests {
    use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
    use proptest::prelude::*;

    use super::*;

    /// The same by etherparse.
    fn oracle(packet: &[u8]) -> Option<Segment> {
        let sliced = SlicedPacket::from_ip(packet).ok()?;
        let (source, destination): (IpAddr, IpAddr) = match sliced.net? {
            NetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
            NetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
            NetSlice::Arp(_) => return None,
        };
        let TransportSlice::Tcp(tcp) = sliced.transport? else { return None };
        Some(Segment {
            source: SocketAddr::new(source, tcp.source_port()),
            destination: SocketAddr::new(destination, tcp.destination_port()),
            syn: tcp.syn(),
            ack: tcp.ack(),
        })
    }

    fn quotation(v6: bool, inner: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        let written = if v6 {
            let builder = PacketBuilder::ipv6([9; 16], [1; 16], 61).icmpv6_raw(3, 0, [0; 4]);
            builder.write(&mut packet, inner)
        } else {
            let builder = PacketBuilder::ipv4([9; 4], [1; 4], 61).icmpv4_raw(11, 0, [0; 4]);
            builder.write(&mut packet, inner)
        };
        written.expect("written");
        packet
    }

    #[test]
    fn fragments_are_told_from_whole_packets() {
        let mut v4 = Vec::new();
        let builder = PacketBuilder::ipv4([1; 4], [2; 4], 64).udp(1, 2);
        builder.write(&mut v4, &[0; 30]).expect("written");
        v4[4..8].copy_from_slice(&[0x12, 0x34, 0x20, 0]);
        let first = Fragment { identification: 0x1234, protocol: UDP, first: true };
        let packet = Packet::parse(&v4).expect("IPv4");
        assert_eq!((packet.fragment, packet.ports()), (Some(first), Some((1, 2))));
        v4[7] = 1;
        let packet = Packet::parse(&v4).expect("IPv4");
        assert_eq!((packet.fragment, packet.body), (Some(Fragment { first: false, ..first }), Body::Other));

        let mut v6 = Vec::new();
        let builder = PacketBuilder::ipv6([1; 16], [2; 16], 64).udp(1, 2);
        builder.write(&mut v6, &[0; 30]).expect("written");
        v6[6] = 44;
        v6.splice(40..40, [UDP, 0, 0, 1, 0, 0, 0x12, 0x34]);
        assert_eq!(Packet::parse(&v6).map(|packet| packet.fragment), Some(Some(first)));
        assert_eq!(Packet::parse(&v6).and_then(|packet| packet.ports()), Some((1, 2)));
        v6[43] = 8;
        let packet = Packet::parse(&v6).expect("IPv6");
        assert_eq!((packet.fragment, packet.body), (Some(Fragment { first: false, ..first }), Body::Other));
    }

    proptest! {
        #[test]
        fn an_error_quotes_the_packet_that_it_is_about(v6: bool, ports: (u16, u16), cut in 0_usize..33) {
            let mut inner = Vec::new();
            let builder = if v6 {
                PacketBuilder::ipv6([1; 16], [2; 16], 1).udp(ports.0, ports.1)
            } else {
                PacketBuilder::ipv4([1; 4], [2; 4], 1).udp(ports.0, ports.1)
            };
            builder.write(&mut inner, &[0; 32]).expect("written");
            inner.truncate(inner.len() - cut);
            let bytes = quotation(v6, &inner);
            let packet = Packet::parse(&bytes).expect("an IP packet");
            let Body::Error { error, quoted: Some(quoted) } = packet.body else {
                return Err(TestCaseError::fail("no error"));
            };
            prop_assert!(error.is_time_exceeded() && error.v6 == v6);
            prop_assert_eq!((quoted.ports(), quoted.ttl), (Some(ports), 1));
            // An error about an error is nothing.
            let nested = quotation(v6, &bytes);
            let nested = Packet::parse(&nested).expect("an IP packet");
            let Body::Error { quoted: Some(quoted), .. } = nested.body else {
                return Err(TestCaseError::fail("no error"));
            };
            prop_assert_eq!(quoted.body, Body::Other);
        }

        #[test]
        fn segments_are_read_as_etherparse_reads_them(
            v6: bool,
            addresses: [u8; 32],
            ports: (u16, u16),
            syn: bool,
            ack: bool,
            payload in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let (a, b) = addresses.split_at(16);
            let builder = if v6 {
                PacketBuilder::ipv6(*a.first_chunk().expect("16"), *b.first_chunk().expect("16"), 64)
            } else {
                PacketBuilder::ipv4(*a.first_chunk().expect("4"), *b.first_chunk().expect("4"), 64)
            };
            let mut builder = builder.tcp(ports.0, ports.1, 1, 1024);
            if syn {
                builder = builder.syn();
            }
            if ack {
                builder = builder.ack(7);
            }
            let mut packet = Vec::new();
            builder.write(&mut packet, &payload).expect("written");
            let segment = Segment::parse(&packet);
            prop_assert!(segment.is_some());
            prop_assert_eq!(segment, oracle(&packet));
            // Cut anywhere, it is either read alike or not at all.
            for end in 0..packet.len() {
                prop_assert!(Segment::parse(&packet[..end]).is_none_or(|cut| Some(cut) == segment));
            }
        }

        #[test]
        fn any_bytes_are_taken(mut bytes: Vec<u8>, version in 3_u8..8) {
            let _ = Packet::parse(&bytes);
            let _ = ipv4_payload(&bytes);
            if let Some(first) = bytes.first_mut() {
                *first = version << 4 | *first & 0x0f;
            }
            let _ = Segment::parse(&bytes);
            let _ = ipv4_payload(&bytes);
        }
    }
}
