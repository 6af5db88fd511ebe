//! What the error queue tells of a packet, put together.

use std::net::IpAddr;

use reach_core::model::Quote;

use crate::{
    sys::QueuedError,
    wire::{Transport, checksum_fits, quoted_tcp, split_extensions},
};

/// Bytes of an IP header without options or extension headers.
fn ip_header(v6: bool) -> usize {
    if v6 { 40 } else { 20 }
}

/// The packet in what an ICMP error quotes, and what else the error tells. `skipped` bytes of transport header are
/// missing before it.
pub(crate) fn split(error: &QueuedError, skipped: usize) -> (&[u8], Quote) {
    let icmp = error.icmp();
    let v6 = icmp.is_some_and(|icmp| icmp.v6);
    let (packet, extensions) = split_extensions(&error.quoted, ip_header(v6) + skipped, error.extension);
    let is_too_big = icmp.is_some_and(|icmp| icmp.is_too_big());
    let quote = Quote {
        length: u16::try_from(skipped + packet.len()).unwrap_or(u16::MAX),
        labels: extensions.labels,
        interfaces: extensions.interfaces,
        next_mtu: Some(error.info).filter(|&mtu| is_too_big && mtu > 0),
        ..Quote::default()
    };
    (packet, quote)
}

/// What an ICMP error tells of a SYN between these addresses.
pub(crate) fn of_syn(error: &QueuedError, source: Option<IpAddr>, destination: IpAddr) -> Quote {
    let (packet, mut quote) = split(error, 0);
    // A SYN is its header; behind it there is padding.
    if let Some((tcp, length)) = quoted_tcp(packet) {
        let syn = packet.get(..length).unwrap_or(packet);
        quote.checksum_fits =
            source.and_then(|source| checksum_fits(Transport::Tcp, source, destination, syn));
        quote.length = u16::try_from(syn.len()).unwrap_or(u16::MAX);
        quote.tcp = Some(tcp);
    }
    quote
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
        assert_eq!(split(&error(3, 4, 1300, Vec::new()), 0).1.next_mtu, Some(1300));
        assert_eq!(split(&error(3, 4, 0, Vec::new()), 0).1.next_mtu, None);
        assert_eq!(split(&error(11, 0, 7, Vec::new()), 0).1.next_mtu, None);
    }

    #[test]
    fn padding_is_no_part_of_a_syn() {
        let mut quoted = vec![0; 108];
        quoted[12] = 0x50;
        quoted[13] = 2;
        let any: IpAddr = Ipv4Addr::new(192, 0, 2, 1).into();
        let quote = of_syn(&error(11, 0, 0, quoted), Some(any), any);
        assert_eq!((quote.length, quote.checksum_fits), (20, Some(false)));
        assert_eq!(quote.tcp.map(|tcp| tcp.flags), Some(2));
        let cut = of_syn(&error(11, 0, 0, vec![0; 8]), Some(any), any);
        assert_eq!((cut.length, cut.tcp, cut.checksum_fits), (8, None, None));
    }
}
