//! What an ICMP error quotes of our packet: TCP, UDP and ICMP headers as they were where the error arose.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reach_core::model::{QuotedHeader, QuotedTcp};

use super::icmp::{fold, sum};

/// Which transport protocol a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 792; its checksum covers no addresses.
    Icmp,
    /// RFC 4443.
    Icmp6,
}

impl Transport {
    /// The protocol number (IANA).
    pub fn number(self) -> u8 {
        match self {
            Self::Icmp => 1,
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Icmp6 => 58,
        }
    }

    /// Where in its header the checksum is.
    fn checksum_at(self) -> usize {
        match self {
            Self::Tcp => 16,
            Self::Udp => 6,
            Self::Icmp | Self::Icmp6 => 2,
        }
    }
}

/// Whether the checksum of a whole transport message is the one of these addresses and its bytes; `None` where the
/// addresses are of different families or the message is too short.
///
/// A host that leaves checksums to its network card has only the sum over the pseudo header in there, and where no
/// card ever saw the packet (a virtual link) so has the quote: that fits as well.
pub fn checksum_fits(
    transport: Transport,
    source: IpAddr,
    destination: IpAddr,
    message: &[u8],
) -> Option<bool> {
    let at = transport.checksum_at();
    let field = u16::from_be_bytes(*message.get(at..)?.first_chunk()?);
    let pseudo = match transport {
        Transport::Icmp => 0,
        _ => pseudo_header(transport, source, destination, message.len())?,
    };
    if transport == Transport::Udp && field == 0 {
        // Not computed, which IPv4 allows.
        return None;
    }
    let is_complete = same(fold(pseudo + sum(message)), 0);
    let is_partial = transport != Transport::Icmp && same(fold(pseudo), field);
    Some(is_complete || is_partial)
}

/// The sum over the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1); `None` for addresses of different families.
pub fn pseudo_header(
    transport: Transport,
    source: IpAddr,
    destination: IpAddr,
    length: usize,
) -> Option<u64> {
    let addresses = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => sum(&source.octets()) + sum(&destination.octets()),
        (IpAddr::V6(source), IpAddr::V6(destination)) => sum(&source.octets()) + sum(&destination.octets()),
        _ => return None,
    };
    Some(addresses + u64::from(transport.number()) + length as u64)
}

/// Whether two sums are the same number in ones' complement, which has two zeros.
fn same(a: u16, b: u16) -> bool {
    a == b || (matches!(a, 0 | 0xffff) && matches!(b, 0 | 0xffff))
}

/// Reads a TCP header with its options, and how long it is; `None` where it is not whole.
pub fn quoted_tcp(bytes: &[u8]) -> Option<(QuotedTcp, usize)> {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const MAX_SEGMENT: u8 = 2;
    let header = bytes.first_chunk::<20>()?;
    let length = usize::from(header[12] >> 4) * 4;
    let mut rest = bytes.get(header.len()..length)?;
    let mut found = QuotedTcp {
        window: u16::from_be_bytes([header[14], header[15]]),
        flags: header[13],
        ..QuotedTcp::default()
    };
    while let Some(&kind) = rest.first() {
        found.options.push(kind);
        let size = match kind {
            END => break,
            NO_OPERATION => 1,
            _ => usize::from(rest.get(1).copied().unwrap_or_default()),
        };
        // What comes after a length that cannot be is no list of options any more.
        let Some(option) = rest.get(..size).filter(|_| size > 0) else { break };
        if let &[MAX_SEGMENT, 4, high, low] = option {
            found.mss.get_or_insert(u16::from_be_bytes([high, low]));
        }
        rest = &rest[size..];
    }
    Some((found, length))
}

/// A packet as an ICMP error quotes it whole, which only raw sockets show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotedPacket<'a> {
    /// Its IP header.
    pub header: QuotedHeader,
    /// Where it was sent from.
    pub source: IpAddr,
    /// Where it was to go.
    pub destination: IpAddr,
    /// The number of the transport protocol.
    pub protocol: u8,
    /// Everything behind the IP header: of the packet, and what follows it in the ICMP error.
    pub transport: &'a [u8],
}

impl<'a> QuotedPacket<'a> {
    /// Reads an ICMP or ICMPv6 error, with its ICMP header first; `None` for any other message, and for packets
    /// that are later fragments or have IPv6 extension headers.
    pub fn parse(v6: bool, message: &'a [u8]) -> Option<Self> {
        let (head, packet) = message.split_first_chunk::<8>()?;
        if v6 {
            if !(1..=4).contains(&head[0]) {
                return None;
            }
            let (ip, transport) = packet.split_first_chunk::<40>()?;
            (ip[0] >> 4 == 6).then(|| Self {
                header: QuotedHeader {
                    ttl: ip[7],
                    traffic_class: ip[0] << 4 | ip[1] >> 4,
                    length: u16::from_be_bytes([ip[4], ip[5]]).saturating_add(40),
                },
                source: Ipv6Addr::from(*ip[8..].first_chunk().unwrap_or(&[0; 16])).into(),
                destination: Ipv6Addr::from(*ip[24..].first_chunk().unwrap_or(&[0; 16])).into(),
                protocol: ip[6],
                transport,
            })
        } else {
            if !matches!(head[0], 3 | 11 | 12) {
                return None;
            }
            let (ip, transport) = super::packet::split_v4(packet)?;
            let is_first = u16::from_be_bytes([ip[6], ip[7]]) & 0x1fff == 0;
            is_first.then(|| Self {
                header: QuotedHeader {
                    ttl: ip[8],
                    traffic_class: ip[1],
                    length: u16::from_be_bytes([ip[2], ip[3]]),
                },
                source: Ipv4Addr::new(ip[12], ip[13], ip[14], ip[15]).into(),
                destination: Ipv4Addr::new(ip[16], ip[17], ip[18], ip[19]).into(),
                protocol: ip[9],
                transport,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use etherparse::{PacketBuilder, TcpHeader, TcpOptionElement};
    use proptest::prelude::*;

    use super::*;

    const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const DESTINATION: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
    const SOURCE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    const DESTINATION6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);

    fn syn() -> TcpHeader {
        let mut header = TcpHeader::new(33_000, 443, 7, 64_240);
        header.syn = true;
        let options = [
            TcpOptionElement::MaximumSegmentSize(1460),
            TcpOptionElement::SelectiveAcknowledgementPermitted,
            TcpOptionElement::Noop,
            TcpOptionElement::WindowScale(7),
        ];
        header.set_options(&options).expect("they fit");
        header
    }

    #[test]
    fn a_syn_is_read_with_its_options() {
        let bytes = syn().to_bytes();
        let (found, length) = quoted_tcp(&bytes).expect("whole");
        assert_eq!(length, bytes.len());
        assert_eq!((found.mss, found.window, found.flags), (Some(1460), 64_240, 2));
        assert_eq!(found.options[..4], [2, 4, 1, 3]);
        for end in 0..bytes.len() {
            assert_eq!(quoted_tcp(&bytes[..end]), None, "cut to {end}");
        }
    }

    #[test]
    fn a_checksum_fits_its_own_addresses_and_no_others() {
        let mut header = syn();
        header.checksum =
            header.calc_checksum_ipv4_raw(SOURCE.octets(), DESTINATION.octets(), &[]).expect("v4");
        let fits = |source: Ipv4Addr, bytes: &[u8]| {
            checksum_fits(Transport::Tcp, source.into(), DESTINATION.into(), bytes)
        };
        let bytes = header.to_bytes();
        assert_eq!(fits(SOURCE, &bytes), Some(true));
        assert_eq!(fits(Ipv4Addr::new(192, 0, 2, 9), &bytes), Some(false));
        // As it is before a network card completes it.
        let partial = pseudo_header(Transport::Tcp, SOURCE.into(), DESTINATION.into(), bytes.len());
        header.checksum = fold(partial.expect("one family"));
        assert_eq!(fits(SOURCE, &header.to_bytes()), Some(true));
        assert_eq!(fits(Ipv4Addr::new(192, 0, 2, 9), &header.to_bytes()), Some(false));
        assert_eq!(fits(SOURCE, &bytes[..16]), None);
        assert_eq!(checksum_fits(Transport::Tcp, SOURCE.into(), SOURCE6.into(), &bytes), None);
    }

    #[test]
    fn an_unused_udp_checksum_says_nothing() {
        let bytes = [0x80, 0xe8, 0x82, 0x9a, 0, 8, 0, 0];
        assert_eq!(checksum_fits(Transport::Udp, SOURCE.into(), DESTINATION.into(), &bytes), None);
    }

    #[test]
    fn a_quoted_packet_has_the_header_it_arrived_with() {
        let mut packet = vec![11, 0, 0, 0, 0, 0, 0, 0];
        let udp = PacketBuilder::ipv4(SOURCE.octets(), DESTINATION.octets(), 1).udp(33_434, 33_500);
        udp.write(&mut packet, b"abcd").expect("written");
        packet[8 + 1] = 0xb8;
        let found = QuotedPacket::parse(false, &packet).expect("an error");
        assert_eq!(found.header, QuotedHeader { ttl: 1, traffic_class: 0xb8, length: 32 });
        assert_eq!((found.source, found.destination), (SOURCE.into(), DESTINATION.into()));
        assert_eq!((found.protocol, found.transport.len()), (17, 12));
        assert_eq!(
            checksum_fits(Transport::Udp, SOURCE.into(), DESTINATION.into(), found.transport),
            Some(true)
        );
        let mut packet = vec![3, 0, 0, 0, 0, 0, 0, 0];
        let udp = PacketBuilder::ipv6(SOURCE6.octets(), DESTINATION6.octets(), 2).udp(33_434, 33_500);
        udp.write(&mut packet, b"abcd").expect("written");
        packet[8] |= 0x0b;
        packet[9] |= 0x80;
        let found = QuotedPacket::parse(true, &packet).expect("an error");
        assert_eq!(found.header, QuotedHeader { ttl: 2, traffic_class: 0xb8, length: 52 });
        assert_eq!((found.source, found.destination), (SOURCE6.into(), DESTINATION6.into()));
        packet[0] = 129;
        assert_eq!(QuotedPacket::parse(true, &packet), None, "no error");
    }

    proptest! {
        #[test]
        fn checksums_are_those_of_etherparse(v6: bool, payload in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut packet = Vec::new();
            let (skip, source, destination): (_, IpAddr, IpAddr) = if v6 {
                let builder = PacketBuilder::ipv6(SOURCE6.octets(), DESTINATION6.octets(), 9);
                builder.icmpv6_echo_request(7, 9).write(&mut packet, &payload).expect("written");
                (40, SOURCE6.into(), DESTINATION6.into())
            } else {
                let builder = PacketBuilder::ipv4(SOURCE.octets(), DESTINATION.octets(), 9);
                builder.udp(1, 2).write(&mut packet, &payload).expect("written");
                (20, SOURCE.into(), DESTINATION.into())
            };
            let transport = if v6 { Transport::Icmp6 } else { Transport::Udp };
            prop_assert_eq!(checksum_fits(transport, source, destination, &packet[skip..]), Some(true));
        }

        #[test]
        fn any_bytes_are_taken(mut bytes: Vec<u8>, v6: bool, icmp in 0_u8..16) {
            let _ = quoted_tcp(&bytes);
            for transport in [Transport::Tcp, Transport::Udp, Transport::Icmp, Transport::Icmp6] {
                let _ = checksum_fits(transport, SOURCE.into(), DESTINATION.into(), &bytes);
            }
            if let Some(first) = bytes.first_mut() {
                *first = icmp;
            }
            let _ = QuotedPacket::parse(v6, &bytes);
        }
    }
}
