//! Files of packets, pcap and pcapng, as far as they are counted.

use reach_report::packets::SYNTHESISED;

/// Counts the packets of a capture that comes in pieces, whatever its bytes are.
#[derive(Debug, Default)]
pub struct Counter {
    /// Bytes of a header that is not whole yet.
    head: Vec<u8>,
    /// Bytes of a body still to come.
    skip: u64,
    shape: Shape,
    packets: u64,
    /// The beginning of the file, which says whether its packets were captured.
    beginning: Vec<u8>,
}

/// What kind of file it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Unknown,
    /// pcapng, and whether its present section is little-endian.
    Blocks { little: bool },
    /// pcap, and whether it is little-endian.
    Records { little: bool },
    /// Neither.
    Other,
}

const SECTION: u32 = 0x0a0d_0d0a;
/// The sizes of headers: of a section (type, length, magic), of other blocks, of a file of records, of a record.
const SECTION_HEAD: usize = 12;
const BLOCK_HEAD: usize = 8;
const FILE_HEAD: usize = 24;
const RECORD_HEAD: usize = 16;
/// So much of the beginning is looked at for what the file says of itself.
const LOOKED_AT: usize = 4 * 1024;

impl Counter {
    /// Takes the next bytes.
    pub fn take(&mut self, mut bytes: &[u8]) {
        let room = LOOKED_AT.saturating_sub(self.beginning.len()).min(bytes.len());
        self.beginning.extend_from_slice(&bytes[..room]);
        while !bytes.is_empty() && self.shape != Shape::Other {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len() as u64);
                self.skip -= skipped;
                bytes = &bytes[usize::try_from(skipped).unwrap_or(bytes.len())..];
                continue;
            }
            let wanted = self.wanted().saturating_sub(self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if self.head.len() == self.wanted() {
                self.step();
            }
        }
    }

    /// How many packets there are; `None` of what is no capture.
    pub fn counted(&self) -> Option<u64> {
        matches!(self.shape, Shape::Blocks { .. } | Shape::Records { .. }).then_some(self.packets)
    }

    /// Whether the packets were made from what is known, and not captured; `None` where the file cannot say.
    pub fn synthesised(&self) -> Option<bool> {
        let text = SYNTHESISED.trim_end().as_bytes();
        let says = self.beginning.windows(text.len()).any(|window| window == text);
        matches!(self.shape, Shape::Blocks { .. }).then_some(says)
    }

    /// The size of the header that comes next.
    fn wanted(&self) -> usize {
        match self.shape {
            Shape::Unknown => SECTION_HEAD,
            // A section's header tells only with its magic how its length is to be read.
            Shape::Blocks { .. } if self.head.len() >= 4 && self.head[..4] == SECTION.to_be_bytes() => {
                SECTION_HEAD
            }
            Shape::Blocks { .. } => BLOCK_HEAD,
            Shape::Records { .. } => RECORD_HEAD,
            Shape::Other => usize::MAX,
        }
    }

    fn step(&mut self) {
        let head = std::mem::take(&mut self.head);
        let word = |at: usize, little: bool| {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
        };
        match self.shape {
            Shape::Records { little } => {
                self.packets += 1;
                self.skip = u64::from(word(8, little));
            }
            Shape::Unknown | Shape::Blocks { .. } if word(0, false) == SECTION => {
                let little = match word(8, false) {
                    0x1a2b_3c4d => false,
                    0x4d3c_2b1a => true,
                    _ => return self.shape = Shape::Other,
                };
                self.shape = Shape::Blocks { little };
                self.pass(word(4, little), SECTION_HEAD);
            }
            Shape::Blocks { little } => {
                // Enhanced, simple and (obsolete) packet blocks.
                self.packets += u64::from(matches!(word(0, little), 2 | 3 | 6));
                self.pass(word(4, little), BLOCK_HEAD);
            }
            Shape::Unknown => {
                self.shape = match word(0, false) {
                    0xa1b2_c3d4 | 0xa1b2_3c4d => Shape::Records { little: false },
                    0xd4c3_b2a1 | 0x4d3c_b2a1 => Shape::Records { little: true },
                    _ => Shape::Other,
                };
                self.skip = (FILE_HEAD - SECTION_HEAD) as u64;
            }
            Shape::Other => {}
        }
    }

    /// Passes over the rest of a block of this length, of which so much was read.
    fn pass(&mut self, length: u32, read: usize) {
        match u64::from(length).checked_sub(read as u64) {
            // Lengths are multiples of four, and a block ends with its length again.
            Some(rest) if length.is_multiple_of(4) && rest >= 4 => self.skip = rest,
            _ => self.shape = Shape::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(bytes: &[u8], piece: usize) -> Option<u64> {
        let mut counter = Counter::default();
        bytes.chunks(piece.max(1)).for_each(|piece| counter.take(piece));
        counter.counted()
    }

    fn block(kind: u32, body: &[u8], little: bool) -> Vec<u8> {
        let number = |number: u32| if little { number.to_le_bytes() } else { number.to_be_bytes() };
        let length = number(12 + body.len() as u32);
        [&number(kind)[..], &length, body, &length].concat()
    }

    fn section(little: bool) -> Vec<u8> {
        let magic = if little { 0x1a2b_3c4d_u32.to_le_bytes() } else { 0x1a2b_3c4d_u32.to_be_bytes() };
        let body = [&magic[..], &[0; 12]].concat();
        let mut bytes = block(SECTION, &body, little);
        bytes[..4].copy_from_slice(&SECTION.to_be_bytes());
        bytes
    }

    #[test]
    fn packets_are_counted_in_both_formats_and_both_byte_orders() {
        for little in [true, false] {
            let blocks = [
                section(little),
                block(1, &[0; 8], little),
                block(6, &[0; 32], little),
                block(3, &[0; 8], little),
                section(!little),
                block(6, &[0; 20], !little),
            ]
            .concat();
            for piece in [1, 3, 7, 4096] {
                assert_eq!(counted(&blocks, piece), Some(3), "{little} {piece}");
            }
            let number = |number: u32| if little { number.to_le_bytes() } else { number.to_be_bytes() };
            let mut records = [&number(0xa1b2_c3d4)[..], &[0; 20]].concat();
            for length in [5_u32, 0, 60] {
                records.extend([&number(0)[..], &number(0), &number(length), &number(length)].concat());
                records.extend(vec![0; length as usize]);
            }
            assert_eq!(counted(&records, 5), Some(3), "{little}");
        }
        assert_eq!(counted(b"GET / HTTP/1.1\r\n\r\n", 4), None);
        assert_eq!(counted(b"", 4), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_counted_or_refused_and_pieces_make_no_difference(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            begin in 0_usize..3,
            piece in 1_usize..50,
        ) {
            let head: &[u8] = match begin {
                0 => &[],
                1 => &[0xd4, 0xc3, 0xb2, 0xa1],
                _ => &[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a],
            };
            let bytes = [head, &bytes].concat();
            prop_assert_eq!(counted(&bytes, piece), counted(&bytes, bytes.len()));
        }
    }
}
