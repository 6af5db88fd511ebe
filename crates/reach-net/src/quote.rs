//! What the error queue tells of a packet, put together.

use std::net::IpAddr;

use reach_core::model::Quote;

use crate::{
    sys::QueuedError,
    wire::{LEAST_ORIGINAL, Transport, checksum_fits, quoted_tcp, split_extensions},
    witness::Witness,
};

/// Bytes of an IP header without options or extension headers.
fn ip_header(v6: bool) -> usize {
    if v6 { 40 } else { 20 }
}

/// A packet in an ICMP error.
pub(crate) struct Split<'a> {
    /// What is quoted, with whatever padding follows it.
    pub(crate) packet: &'a [u8],
    /// What is quoted for sure. Before extensions there are 128 bytes, with zeros where less is quoted (RFC 4884
    /// §4.2), so that zeros at the end may be padding.
    pub(crate) solid: &'a [u8],
    /// What else the error tells; its length is that of `solid`.
    pub(crate) quote: Quote,
}

/// Takes an ICMP error apart. `skipped` bytes of transport header are missing before what it quotes.
pub(crate) fn split(error: &QueuedError, skipped: usize) -> Split<'_> {
    let icmp = error.icmp();
    let v6 = icmp.is_some_and(|icmp| icmp.v6);
    let skipped_in_all = ip_header(v6) + skipped;
    let (packet, extensions) = split_extensions(&error.quoted, skipped_in_all, error.extension);
    let may_be_padded = packet.len() < error.quoted.len() && skipped_in_all + packet.len() == LEAST_ORIGINAL;
    let solid = if may_be_padded {
        // The eight bytes that RFC 792 asks for are there, zero or not.
        let least = LEAST_HEADER.saturating_sub(skipped);
        let end = packet.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        packet.get(..end.max(least)).unwrap_or(packet)
    } else {
        packet
    };
    let is_too_big = icmp.is_some_and(|icmp| icmp.is_too_big());
    let quote = Quote {
        length: length(skipped + solid.len()),
        labels: extensions.labels,
        interfaces: extensions.interfaces,
        next_mtu: Some(error.info).filter(|&mtu| is_too_big && mtu > 0),
        ..Quote::default()
    };
    Split { packet, solid, quote }
}

/// Bytes of the transport header that every router quotes (RFC 792).
pub(crate) const LEAST_HEADER: usize = 8;

/// What an ICMP error tells of a SYN between these addresses.
pub(crate) fn of_syn(
    error: &QueuedError,
    source: Option<IpAddr>,
    destination: IpAddr,
    witness: Option<&Witness>,
) -> Quote {
    let Split { packet, mut quote, .. } = split(error, 0);
    // A SYN is its header; behind it there is padding.
    if let Some((tcp, end)) = quoted_tcp(packet) {
        let syn = packet.get(..end).unwrap_or(packet);
        quote.checksum_fits =
            source.and_then(|source| checksum_fits(Transport::Tcp, source, destination, syn));
        quote.length = length(syn.len());
        quote.tcp = Some(tcp);
    }
    if let Some((witness, head)) = witness.zip(packet.get(..LEAST_HEADER)) {
        witness.testify(&mut quote, error, Transport::Tcp, |heard| heard.starts_with(head));
    }
    quote
}

/// A length in the form in which a quote keeps it.
pub(crate) fn length(bytes: usize) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::sys::ErrorOrigin;

    fn error(kind: u8, code: u8, info: u32, quoted: Vec<u8>) -> QueuedError {
        QueuedError {
            origin: ErrorOrigin::Icmp,
            errno: libc::EHOSTUNREACH,
            kind,
            code,
            offender: None,
            reply_ttl: None,
            timestamp: None,
            destination: None,
            info,
            extension: None,
            quoted,
        }
    }

    #[test]
    fn the_next_mtu_is_told_by_errors_about_size_only() {
        assert_eq!(split(&error(3, 4, 1300, Vec::new()), 0).quote.next_mtu, Some(1300));
        assert_eq!(split(&error(3, 4, 0, Vec::new()), 0).quote.next_mtu, None);
        assert_eq!(split(&error(11, 0, 7, Vec::new()), 0).quote.next_mtu, None);
    }

    #[test]
    fn padding_is_no_part_of_a_syn() {
        let mut quoted = vec![0; 108];
        quoted[12] = 0x50;
        quoted[13] = 2;
        let any: IpAddr = Ipv4Addr::new(192, 0, 2, 1).into();
        let quote = of_syn(&error(11, 0, 0, quoted), Some(any), any, None);
        assert_eq!((quote.length, quote.checksum_fits), (20, Some(false)));
        assert_eq!(quote.tcp.map(|tcp| tcp.flags), Some(2));
        let cut = of_syn(&error(11, 0, 0, vec![0; 8]), Some(any), any, None);
        assert_eq!((cut.length, cut.tcp, cut.checksum_fits), (8, None, None));
    }
    #[test]
    fn zeros_before_extensions_are_not_counted_as_quoted() {
        // Eight bytes of packet, zeros up to 128 with the IP header, and one label.
        let mut quoted = vec![7; 8];
        quoted.resize(108, 0);
        quoted.extend([0x20, 0, 0, 0, 0, 8, 1, 1, 0, 1, 0x31, 9]);
        let error = QueuedError { extension: Some(108), ..error(11, 0, 0, quoted) };
        let Split { packet, solid, quote } = split(&error, 0);
        assert_eq!((packet.len(), solid.len(), quote.length), (108, 8, 8));
        assert_eq!(quote.labels.len(), 1);
        // For UDP the queue begins behind the header.
        let udp = QueuedError { quoted: error.quoted[8..].to_vec(), extension: Some(100), ..error };
        let Split { solid, quote, .. } = split(&udp, 8);
        assert_eq!((solid.len(), quote.length), (0, 8));
    }
}
