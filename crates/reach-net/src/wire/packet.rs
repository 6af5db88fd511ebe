//! IP packets as raw and packet sockets give them: the network header first (RFC 791, RFC 8200, RFC 9293).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The protocol number of TCP.
const TCP: u8 = 6;

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
    /// Reads an IPv4 or IPv6 packet with a TCP header in it; `None` for any other packet, for later fragments,
    /// and for IPv6 with extension headers.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => {
                let (header, payload) = split_v4(packet)?;
                let later_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0;
                if header[9] != TCP || later_fragment {
                    return None;
                }
                let source = Ipv4Addr::from(*header[12..].first_chunk()?);
                let destination = Ipv4Addr::from(*header[16..].first_chunk()?);
                Self::parse_tcp(source.into(), destination.into(), payload)
            }
            6 => {
                let (header, payload) = packet.split_first_chunk::<40>()?;
                if header[6] != TCP {
                    return None;
                }
                let source = Ipv6Addr::from(*header[8..].first_chunk()?);
                let destination = Ipv6Addr::from(*header[24..].first_chunk()?);
                Self::parse_tcp(source.into(), destination.into(), payload)
            }
            _ => None,
        }
    }

    fn parse_tcp(source: IpAddr, destination: IpAddr, tcp: &[u8]) -> Option<Self> {
        let header = tcp.first_chunk::<20>()?;
        let flags = header[13];
        Some(Self {
            source: SocketAddr::new(source, u16::from_be_bytes([header[0], header[1]])),
            destination: SocketAddr::new(destination, u16::from_be_bytes([header[2], header[3]])),
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

    proptest! {
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
            let _ = Segment::parse(&bytes);
            let _ = ipv4_payload(&bytes);
            if let Some(first) = bytes.first_mut() {
                *first = version << 4 | *first & 0x0f;
            }
            let _ = Segment::parse(&bytes);
            let _ = ipv4_payload(&bytes);
        }
    }
}
