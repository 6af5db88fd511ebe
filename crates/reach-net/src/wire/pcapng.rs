//! The blocks of a pcapng file (draft-ietf-opsawg-pcapng), as far as evidence needs them: one section whose
//! packets begin with the IP header, with a comment on each.
//!
//! Every block is written little-endian, padded to 32 bits, with its length at both ends. Texts that do not fit
//! an option (65 535 bytes) are cut.

/// `LINKTYPE_RAW`: packets begin with an IPv4 or IPv6 header.
const LINKTYPE_RAW: u16 = 101;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// The option that any block may have: a comment.
const COMMENT: u16 = 1;

/// What the section says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Section<'a> {
    /// What is in it.
    pub comment: &'a str,
    /// The machine (`shb_hardware`).
    pub hardware: &'a str,
    /// The operating system (`shb_os`).
    pub system: &'a str,
    /// The program that wrote it (`shb_userappl`).
    pub application: &'a str,
}

/// An interface.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interface<'a> {
    /// Its name (`if_name`).
    pub name: &'a str,
    /// What it is (`if_description`).
    pub description: &'a str,
    /// Which packets were taken (`if_filter`), in the words of pcap-filter(7) or others.
    pub filter: &'a str,
}

/// Which way a packet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To this host.
    Inbound,
    /// From this host.
    Outbound,
}

/// A packet.
#[derive(Clone, Copy, Debug)]
pub struct PacketBlock<'a> {
    /// The interface, by the order of the interface descriptions, from 0.
    pub interface: u32,
    /// Nanoseconds since the Unix epoch.
    pub nanos: u64,
    /// Which way it went.
    pub direction: Direction,
    /// From the IP header on.
    pub bytes: &'a [u8],
    /// How long it was, if less of it was kept.
    pub length: u32,
    /// What it is.
    pub comment: &'a str,
}

/// What was counted at an interface.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics<'a> {
    /// The interface.
    pub interface: u32,
    /// When the capture began and ended, in nanoseconds since the Unix epoch.
    pub span: (u64, u64),
    /// Packets that passed the filter (`isb_filteraccept`).
    pub accepted: Option<u64>,
    /// Packets that the system dropped for want of room (`isb_osdrop`).
    pub dropped: Option<u64>,
    /// Packets that are in the file (`isb_usrdeliv`).
    pub written: u64,
    /// What else there is to say.
    pub comment: &'a str,
}

/// A Section Header Block.
pub fn section(section: &Section<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(0x1a2b_3c4d_u32.to_le_bytes());
    body.extend(1_u16.to_le_bytes());
    body.extend(0_u16.to_le_bytes());
    // The length of the section: not known yet.
    body.extend(u64::MAX.to_le_bytes());
    text(&mut body, COMMENT, section.comment);
    text(&mut body, 2, section.hardware);
    text(&mut body, 3, section.system);
    text(&mut body, 4, section.application);
    block(SECTION_HEADER, body)
}

/// An Interface Description Block. Time stamps are in nanoseconds.
pub fn interface(interface: &Interface<'_>) -> Vec<u8> {
    const RESOLUTION: u16 = 9;
    const FILTER: u16 = 11;
    let mut body = Vec::new();
    body.extend(LINKTYPE_RAW.to_le_bytes());
    body.extend(0_u16.to_le_bytes());
    // No limit to the length of packets.
    body.extend(0_u32.to_le_bytes());
    text(&mut body, 2, interface.name);
    text(&mut body, 3, interface.description);
    option(&mut body, RESOLUTION, &[9]);
    if !interface.filter.is_empty() {
        // The first byte says that it is text.
        option(&mut body, FILTER, &[&[0], interface.filter.as_bytes()].concat());
    }
    block(INTERFACE_DESCRIPTION, body)
}

/// An Enhanced Packet Block.
pub fn packet(packet: &PacketBlock<'_>) -> Vec<u8> {
    const FLAGS: u16 = 2;
    let kept = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
    let mut body = Vec::with_capacity(packet.bytes.len() + packet.comment.len() + 48);
    body.extend(packet.interface.to_le_bytes());
    time(&mut body, packet.nanos);
    body.extend(kept.to_le_bytes());
    body.extend(packet.length.max(kept).to_le_bytes());
    body.extend(packet.bytes);
    pad(&mut body);
    text(&mut body, COMMENT, packet.comment);
    let direction: u32 = match packet.direction {
        Direction::Inbound => 1,
        Direction::Outbound => 2,
    };
    option(&mut body, FLAGS, &direction.to_le_bytes());
    block(ENHANCED_PACKET, body)
}

/// An Interface Statistics Block.
pub fn statistics(statistics: &Statistics<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(statistics.interface.to_le_bytes());
    time(&mut body, statistics.span.1);
    text(&mut body, COMMENT, statistics.comment);
    for (code, nanos) in [(2, statistics.span.0), (3, statistics.span.1)] {
        let mut stamp = Vec::new();
        time(&mut stamp, nanos);
        option(&mut body, code, &stamp);
    }
    let counts = [(6, statistics.accepted), (7, statistics.dropped), (8, Some(statistics.written))];
    for (code, count) in counts {
        if let Some(count) = count {
            option(&mut body, code, &count.to_le_bytes());
        }
    }
    block(INTERFACE_STATISTICS, body)
}

/// A block around a body whose options, if it has any, want their end.
fn block(kind: u32, mut body: Vec<u8>) -> Vec<u8> {
    option(&mut body, 0, &[]);
    let length = u32::try_from(body.len() + 12).unwrap_or(u32::MAX).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, &body, &length].concat()
}

/// A time stamp: the upper half first, whatever the byte order.
fn time(body: &mut Vec<u8>, nanos: u64) {
    body.extend(((nanos >> 32) as u32).to_le_bytes());
    body.extend((nanos as u32).to_le_bytes());
}

/// A text option; none for an empty text.
fn text(body: &mut Vec<u8>, code: u16, text: &str) {
    if !text.is_empty() {
        let most = text.floor_char_boundary(usize::from(u16::MAX));
        option(body, code, &text.as_bytes()[..most]);
    }
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    body.extend(code.to_le_bytes());
    body.extend(length.to_le_bytes());
    body.extend(&value[..usize::from(length)]);
    pad(body);
}

/// Fills up to 32 bits. Bodies begin at such a border.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The blocks of a file, by the lengths in front and behind.
    fn blocks(mut file: &[u8]) -> Option<Vec<(u32, &[u8])>> {
        let mut blocks = Vec::new();
        while !file.is_empty() {
            let kind = u32::from_le_bytes(*file.first_chunk()?);
            let length = u32::from_le_bytes(*file.get(4..)?.first_chunk()?) as usize;
            let whole = file.get(..length)?;
            if !length.is_multiple_of(4) || whole.last_chunk()? != &(length as u32).to_le_bytes() {
                return None;
            }
            blocks.push((kind, whole.get(8..length - 4)?));
            file = &file[length..];
        }
        Some(blocks)
    }

    /// The options of a body from some place on.
    fn options(mut body: &[u8]) -> Option<Vec<(u16, &[u8])>> {
        let mut options = Vec::new();
        loop {
            let code = u16::from_le_bytes(*body.first_chunk()?);
            let length = usize::from(u16::from_le_bytes(*body.get(2..)?.first_chunk()?));
            if code == 0 {
                return (body.len() == 4 && length == 0).then_some(options);
            }
            options.push((code, body.get(4..4 + length)?));
            body = body.get(4 + length.next_multiple_of(4)..)?;
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            interface in 0_u32..9,
            nanos: u64,
            outbound: bool,
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            more in 0_u32..9,
            comment in ".{0,40}",
        ) {
            let direction = if outbound { Direction::Outbound } else { Direction::Inbound };
            let length = bytes.len() as u32 + more;
            let file = packet(&PacketBlock { interface, nanos, direction, bytes: &bytes, length, comment: &comment });
            let blocks = blocks(&file).expect("blocks");
            prop_assert_eq!(blocks.len(), 1);
            let (kind, body) = blocks[0];
            let word = |at: usize| u32::from_le_bytes(*body[at..].first_chunk().expect("a word"));
            prop_assert_eq!((kind, word(0)), (6, interface));
            prop_assert_eq!(u64::from(word(4)) << 32 | u64::from(word(8)), nanos);
            prop_assert_eq!((word(12) as usize, word(16)), (bytes.len(), length));
            prop_assert_eq!(&body[20..20 + bytes.len()], &bytes[..]);
            let mut options = options(&body[20 + bytes.len().next_multiple_of(4)..]).expect("options");
            let flags = if outbound { [2, 0, 0, 0] } else { [1, 0, 0, 0] };
            prop_assert_eq!(options.pop(), Some((2, &flags[..])));
            prop_assert_eq!(options.pop().map_or(&b""[..], |(_, text)| text), comment.as_bytes());
        }

        #[test]
        fn every_block_is_well_formed(name in ".{0,20}", other in ".{0,20}", counts: [Option<u64>; 2]) {
            let file = [
                section(&Section { comment: &name, hardware: &other, system: &name, application: &other }),
                self::interface(&Interface { name: &name, description: &other, filter: &name }),
                statistics(&Statistics {
                    interface: 0,
                    span: (1, u64::MAX),
                    accepted: counts[0],
                    dropped: counts[1],
                    written: 7,
                    comment: &other,
                }),
            ]
            .concat();
            let blocks = blocks(&file).expect("blocks");
            let kinds: Vec<u32> = blocks.iter().map(|(kind, _)| *kind).collect();
            prop_assert_eq!(kinds, [SECTION_HEADER, 1, 5]);
            for ((_, body), fixed) in blocks.iter().zip([16, 8, 12]) {
                prop_assert!(options(&body[fixed..]).is_some());
            }
        }
    }

    #[test]
    fn a_text_too_long_for_an_option_is_cut_between_characters() {
        let comment = "가".repeat(30_000);
        let file = section(&Section { comment: &comment, ..Section::default() });
        let (_, body) = blocks(&file).expect("blocks")[0];
        let options = options(&body[16..]).expect("options");
        assert_eq!(options, [(COMMENT, "가".repeat(21_845).as_bytes())]);
    }
}
