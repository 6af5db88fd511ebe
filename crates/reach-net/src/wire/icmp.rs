//! ICMP echo (RFC 792, RFC 4443 §4).

/// Length of the header of an echo message in bytes.
const HEADER: usize = 8;

/// An echo request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoMessage<'a> {
    /// A reply, else a request.
    pub reply: bool,
    /// Tells programs apart.
    pub identifier: u16,
    /// Tells requests apart.
    pub sequence: u16,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> EchoMessage<'a> {
    /// Reads an echo message, with its ICMP header first; `None` for any other message. The checksum is not
    /// looked at, because in a quotation that was cut it cannot be right.
    pub fn parse(v6: bool, bytes: &'a [u8]) -> Option<Self> {
        let (&[kind, 0, _, _, id_high, id_low, sequence_high, sequence_low], payload) =
            bytes.split_first_chunk::<HEADER>()?
        else {
            return None;
        };
        let (request_kind, reply_kind) = kinds(v6);
        let reply = match kind {
            kind if kind == reply_kind => true,
            kind if kind == request_kind => false,
            _ => return None,
        };
        Some(Self {
            reply,
            identifier: u16::from_be_bytes([id_high, id_low]),
            sequence: u16::from_be_bytes([sequence_high, sequence_low]),
            payload,
        })
    }

    /// The bytes of the message. The ICMPv6 checksum also covers the addresses: it is zero here, and the
    /// kernel fills it in (RFC 3542 §3.1).
    pub fn encode(&self, v6: bool) -> Vec<u8> {
        let (request_kind, reply_kind) = kinds(v6);
        let mut bytes = Vec::with_capacity(HEADER + self.payload.len());
        bytes.extend([if self.reply { reply_kind } else { request_kind }, 0, 0, 0]);
        bytes.extend(self.identifier.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.payload);
        if !v6 {
            let sum = checksum(&bytes).to_be_bytes();
            bytes[2..4].copy_from_slice(&sum);
        }
        bytes
    }
}

/// The Internet checksum (RFC 1071) of `bytes`; 0 over a message that contains its right checksum.
pub fn checksum(bytes: &[u8]) -> u16 {
    !fold(sum(bytes))
}

/// The plain sum of `bytes` as 16-bit numbers, an odd last byte being a high one.
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    let mut pairs = bytes.chunks_exact(2);
    let sum: u64 = pairs.by_ref().map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    match pairs.remainder() {
        &[last] => sum + u64::from(u16::from_be_bytes([last, 0])),
        _ => sum,
    }
}

/// A sum in ones' complement of 16 bits.
pub(crate) fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // The loop leaves 16 bits.
    sum as u16
}

/// The type numbers of request and reply.
fn kinds(v6: bool) -> (u8, u8) {
    if v6 { (128, 129) } else { (8, 0) }
}

#[cfg(test)]
mod tests {
    use etherparse::{IcmpEchoHeader, Icmpv4Slice, Icmpv4Type, Icmpv6Slice, Icmpv6Type};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_messages_are_no_echo() {
        assert_eq!(EchoMessage::parse(false, &[3, 1, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(EchoMessage::parse(true, &[8, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(EchoMessage::parse(false, &[0, 0, 0]), None);
    }

    proptest! {
        #[test]
        fn etherparse_reads_what_is_written(
            identifier: u16,
            sequence: u16,
            payload in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let echo = IcmpEchoHeader { id: identifier, seq: sequence };
            let request = EchoMessage { reply: false, identifier, sequence, payload: &payload };
            let bytes = request.encode(false);
            prop_assert_eq!(checksum(&bytes), 0);
            let slice = Icmpv4Slice::from_slice(&bytes).expect("ICMPv4");
            prop_assert_eq!(slice.icmp_type(), Icmpv4Type::EchoRequest(echo));
            prop_assert_eq!(slice.payload(), &payload[..]);
            let bytes = request.encode(true);
            let slice = Icmpv6Slice::from_slice(&bytes).expect("ICMPv6");
            prop_assert_eq!(slice.icmp_type(), Icmpv6Type::EchoRequest(echo));
            prop_assert_eq!(slice.payload(), &payload[..]);
        }

        #[test]
        fn what_is_written_is_read_again(
            v6: bool,
            reply: bool,
            identifier: u16,
            sequence: u16,
            payload in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let message = EchoMessage { reply, identifier, sequence, payload: &payload };
            let bytes = message.encode(v6);
            prop_assert_eq!(EchoMessage::parse(v6, &bytes), Some(message));
        }

        #[test]
        fn any_bytes_are_taken(v6: bool, bytes: Vec<u8>) {
            let _ = EchoMessage::parse(v6, &bytes);
            let _ = checksum(&bytes);
        }
    }
}
