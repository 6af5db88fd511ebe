//! TCP segments in Ethernet frames: reading them, and forging the answer that a resetting box gives.

use std::net::IpAddr;

use super::address;

const ETHERNET: usize = 14;
const IPV4: usize = 20;
const IPV6: usize = 40;
const TCP: usize = 20;

/// A TCP segment from the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub(super) from: (IpAddr, u16),
    pub(super) to: (IpAddr, u16),
    pub(super) sequence: u32,
    pub(super) acknowledgement: u32,
    /// A SYN without ACK.
    pub(super) syn: bool,
    pub(super) payload: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads a frame; `None` if it holds no whole TCP segment. IPv6 extension headers are not looked behind.
    pub(super) fn parse(frame: &'a [u8]) -> Option<Segment<'a>> {
        let ip = frame.get(ETHERNET..)?;
        let (from, to, segment) = match frame[12..ETHERNET] {
            [0x08, 0x00] => {
                let header = usize::from(ip.first()? & 0x0f) * 4;
                let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
                let fragment = u16::from_be_bytes([*ip.get(6)?, *ip.get(7)?]) & 0x3fff != 0;
                if header < IPV4 || fragment || *ip.get(9)? != 6 {
                    return None;
                }
                (address(ip.get(12..16)?), address(ip.get(16..20)?), ip.get(header..total)?)
            }
            [0x86, 0xdd] => {
                let total = IPV6 + usize::from(u16::from_be_bytes([*ip.get(4)?, *ip.get(5)?]));
                if *ip.get(6)? != 6 {
                    return None;
                }
                (address(ip.get(8..24)?), address(ip.get(24..40)?), ip.get(IPV6..total)?)
            }
            _ => return None,
        };
        let word = |at: usize| Some(u32::from_be_bytes(segment.get(at..at + 4)?.try_into().ok()?));
        let ports = word(0)?;
        let header = usize::from(segment.get(12)? >> 4) * 4;
        let flags = *segment.get(13)?;
        if header < TCP {
            return None;
        }
        Some(Segment {
            from: (from, (ports >> 16) as u16),
            to: (to, (ports & 0xffff) as u16),
            sequence: word(4)?,
            acknowledgement: word(8)?,
            syn: flags & 0x12 == 0x02,
            payload: segment.get(header..)?,
        })
    }
}

/// Whether a frame is the link's own business, ARP or neighbour discovery, and no packet of anybody's.
pub(super) fn is_between_neighbours(frame: &[u8]) -> bool {
    match frame.get(12..ETHERNET) {
        Some([0x08, 0x06]) => true,
        Some([0x86, 0xdd]) => {
            let (next_header, kind) = (frame.get(ETHERNET + 6), frame.get(ETHERNET + IPV6));
            next_header == Some(&58) && kind.is_some_and(|kind| (133..=137).contains(kind))
        }
        _ => false,
    }
}

/// A RST in the name of the server (to the client) or of the client (to the server), with a TTL of 64.
pub(super) fn reset_frame(
    seen: &[u8],
    segment: &Segment,
    to_client: bool,
    sequence: u32,
    acknowledgement: u32,
) -> Vec<u8> {
    let (from, to) = if to_client { (segment.to, segment.from) } else { (segment.from, segment.to) };
    let mut tcp = Vec::with_capacity(TCP);
    tcp.extend(from.1.to_be_bytes());
    tcp.extend(to.1.to_be_bytes());
    tcp.extend(sequence.to_be_bytes());
    tcp.extend(acknowledgement.to_be_bytes());
    const RST_ACK: u8 = 0x14;
    tcp.extend([5 << 4, RST_ACK, 0, 0, 0, 0, 0, 0]);

    let mut pseudo = octets(from.0);
    pseudo.extend(octets(to.0));
    pseudo.extend([0, 6, 0, TCP as u8]);
    pseudo.extend(&tcp);
    let sum = checksum(&pseudo);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());

    let (target, source) = if to_client { (&seen[6..12], &seen[..6]) } else { (&seen[..6], &seen[6..12]) };
    let mut frame = [target, source, &seen[12..ETHERNET]].concat();
    if from.0.is_ipv4() {
        let mut header = vec![0x45, 0, 0, (IPV4 + TCP) as u8, 0, 0, 0x40, 0, 64, 6, 0, 0];
        header.extend(octets(from.0));
        header.extend(octets(to.0));
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        frame.extend(header);
    } else {
        frame.extend([0x60, 0, 0, 0, 0, TCP as u8, 6, 64]);
        frame.extend(octets(from.0));
        frame.extend(octets(to.0));
    }
    frame.extend(tcp);
    frame
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The Internet checksum of an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(v6: bool) -> Vec<u8> {
        let (from, to): (IpAddr, IpAddr) = if v6 {
            ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap())
        } else {
            ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap())
        };
        let segment = Segment {
            from: (from, 40000),
            to: (to, 443),
            sequence: 0,
            acknowledgement: 0,
            syn: false,
            payload: &[],
        };
        let mut seen = vec![1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2];
        seen.extend(if v6 { [0x86, 0xdd] } else { [8, 0] });
        reset_frame(&seen, &segment, true, 7, 9)
    }

    #[test]
    fn a_forged_reset_reads_back_and_its_checksums_fit() {
        for v6 in [false, true] {
            let frame = hello(v6);
            assert_eq!(frame[..12], [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]);
            let segment = Segment::parse(&frame).unwrap();
            assert_eq!((segment.from.1, segment.to.1), (443, 40000));
            assert_eq!((segment.sequence, segment.acknowledgement), (7, 9));
            let mut pseudo = octets(segment.from.0);
            pseudo.extend(octets(segment.to.0));
            pseudo.extend([0, 6, 0, 20]);
            pseudo.extend(&frame[frame.len() - 20..]);
            assert_eq!(checksum(&pseudo), 0);
            if !v6 {
                assert_eq!(checksum(&frame[14..34]), 0);
            }
        }
    }

    #[test]
    fn what_is_cut_short_is_no_segment() {
        let frame = hello(false);
        for length in 0..frame.len() {
            assert_eq!(Segment::parse(&frame[..length]), None);
        }
    }
}
