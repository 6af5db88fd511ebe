//! What routers add to ICMP errors about themselves: the extension structure of RFC 4884, with MPLS labels
//! (RFC 4950) and interfaces (RFC 5837).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reach_core::model::{InterfaceRole, MplsLabel, RouterInterface};

use super::icmp::checksum;
use crate::text::clean_bytes;

/// Bytes of the original datagram before the extensions, at least, and where routers that do not say put them
/// (RFC 4884 §4.2, §5.5).
pub const LEAST_ORIGINAL: usize = 128;

/// The most entries of a label stack, or interfaces, that are kept. Stacks of more than a dozen are unheard of.
const MOST: usize = 32;

/// What an extension structure says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// The MPLS label stack that the packet arrived with, top first.
    pub labels: Vec<MplsLabel>,
    /// Interfaces that the router names.
    pub interfaces: Vec<RouterInterface>,
}

impl Extensions {
    /// Reads an extension structure that takes up all of `bytes` (RFC 4884 §7); `None` for another version, a
    /// checksum that is wrong, or objects that do not fit. A checksum of zero was not computed, and is allowed.
    /// Objects of other classes are passed over.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[version, _, high, low], mut objects) = bytes.split_first_chunk::<4>()?;
        if version >> 4 != 2 || ((high, low) != (0, 0) && checksum(bytes) != 0) {
            return None;
        }
        let mut found = Self::default();
        while let Some((&[high, low, class, kind], rest)) = objects.split_first_chunk::<4>() {
            let length = usize::from(u16::from_be_bytes([high, low])).checked_sub(4)?;
            let (body, behind) = rest.split_at_checked(length)?;
            found.take(class, kind, body);
            objects = behind;
        }
        objects.is_empty().then_some(found)
    }

    fn take(&mut self, class: u8, kind: u8, body: &[u8]) {
        const MPLS_STACK: (u8, u8) = (1, 1);
        const INTERFACE: u8 = 2;
        if (class, kind) == MPLS_STACK {
            let room = MOST - self.labels.len();
            let entries = body.chunks_exact(4).map(|entry| label([entry[0], entry[1], entry[2], entry[3]]));
            self.labels.extend(entries.take(room));
        } else if class == INTERFACE && self.interfaces.len() < MOST {
            self.interfaces.extend(interface(kind, body));
        }
    }
}

/// Finds the extensions in what an ICMP error quotes, and where the quoted packet ends.
///
/// `skipped` bytes of the original datagram are missing before `quoted` (its IP header, for one). `told` is the
/// offset in `quoted` that the ICMP error gives. Routers from before RFC 4884 give none, and put the extensions
/// behind 128 bytes: these count only with a checksum that is right (RFC 4884 §5.5).
pub fn split_extensions(quoted: &[u8], skipped: usize, told: Option<usize>) -> (&[u8], Extensions) {
    let read = |offset: usize| {
        let (packet, rest) = quoted.split_at_checked(offset)?;
        Some((packet, rest, Extensions::parse(rest)))
    };
    if let Some((packet, _, found)) = told.and_then(read) {
        return (packet, found.unwrap_or_default());
    }
    let of_old = LEAST_ORIGINAL.checked_sub(skipped).and_then(read);
    if let Some((packet, rest, Some(found))) = of_old
        && rest.get(2..4).is_some_and(|sum| sum != [0, 0])
        && rest.len() > 4
    {
        return (packet, found);
    }
    (quoted, Extensions::default())
}

/// One entry of a label stack (RFC 3032 §2.1).
fn label(bytes: [u8; 4]) -> MplsLabel {
    let entry = u32::from_be_bytes(bytes);
    MplsLabel { label: entry >> 12, class: (bytes[2] >> 1) & 7, bottom: bytes[2] & 1 == 1, ttl: bytes[3] }
}

/// An interface information object (RFC 5837 §4); `None` where it is cut short.
fn interface(kind: u8, mut body: &[u8]) -> Option<RouterInterface> {
    let role = match kind >> 6 {
        0 => InterfaceRole::Incoming,
        1 => InterfaceRole::IncomingPart,
        2 => InterfaceRole::Outgoing,
        _ => InterfaceRole::NextHop,
    };
    let has = |bit: u8| kind & bit != 0;
    let index = if has(8) { Some(take_u32(&mut body)?) } else { None };
    let address = if has(4) { Some(take_address(&mut body)?) } else { None };
    let name = if has(2) { Some(take_name(&mut body)?) } else { None };
    let mtu = if has(1) { Some(take_u32(&mut body)?) } else { None };
    Some(RouterInterface { role, index, address, name, mtu })
}

fn take_u32(body: &mut &[u8]) -> Option<u32> {
    let (bytes, rest) = body.split_first_chunk::<4>()?;
    *body = rest;
    Some(u32::from_be_bytes(*bytes))
}

/// An IP address sub-object (RFC 5837 §4.2).
fn take_address(body: &mut &[u8]) -> Option<IpAddr> {
    let (&[high, low, _, _], rest) = body.split_first_chunk::<4>()?;
    let (address, rest): (IpAddr, _) = match u16::from_be_bytes([high, low]) {
        1 => rest.split_first_chunk::<4>().map(|(bytes, rest)| (Ipv4Addr::from(*bytes).into(), rest))?,
        2 => rest.split_first_chunk::<16>().map(|(bytes, rest)| (Ipv6Addr::from(*bytes).into(), rest))?,
        _ => return None,
    };
    *body = rest;
    Some(address)
}

/// An interface name sub-object (RFC 5837 §4.3): its length with itself, a multiple of four, then UTF-8 padded
/// with zeros.
fn take_name(body: &mut &[u8]) -> Option<String> {
    let length = usize::from(*body.first()?);
    if !(1..=64).contains(&length) {
        return None;
    }
    let (name, rest) = body.split_at_checked(length)?;
    *body = rest;
    let name = &name[1..];
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    Some(clean_bytes(&name[..end]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An extension structure of these objects: class, kind, body.
    fn structure(objects: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0x20, 0, 0, 0];
        for (class, kind, body) in objects {
            bytes.extend((body.len() as u16 + 4).to_be_bytes());
            bytes.extend([*class, *kind]);
            bytes.extend(*body);
        }
        let sum = checksum(&bytes).to_be_bytes();
        bytes[2..4].copy_from_slice(&sum);
        bytes
    }

    /// Label 24001, class 3, bottom of the stack, TTL 250.
    const LABEL: [u8; 4] = [0x05, 0xdc, 0x17, 250];

    #[test]
    fn a_label_stack_is_read() {
        let deeper = [0x00, 0x01, 0x00, 1];
        let bytes = structure(&[(1, 1, &[deeper, LABEL].concat())]);
        let found = Extensions::parse(&bytes).expect("right");
        assert_eq!(
            found.labels,
            [
                MplsLabel { label: 16, class: 0, bottom: false, ttl: 1 },
                MplsLabel { label: 24_001, class: 3, bottom: true, ttl: 250 }
            ]
        );
    }

    #[test]
    fn an_interface_is_read_as_far_as_it_is_described() {
        let mut body = vec![0, 0, 0, 7, 0, 1, 0, 0, 192, 0, 2, 1, 8];
        body.extend(b"eth0\x1b\0\0");
        body.extend([0, 0, 5, 0xdc]);
        let found = Extensions::parse(&structure(&[(2, 0b1000_1111, &body)])).expect("right");
        assert_eq!(
            found.interfaces,
            [RouterInterface {
                role: InterfaceRole::Outgoing,
                index: Some(7),
                address: Some(Ipv4Addr::new(192, 0, 2, 1).into()),
                name: Some("eth0\\u{1b}".to_owned()),
                mtu: Some(1500),
            }]
        );
        let six = [&[0, 2, 0, 0][..], &Ipv6Addr::LOCALHOST.octets()].concat();
        let found = Extensions::parse(&structure(&[(2, 4, &six)])).expect("right");
        assert_eq!(found.interfaces[0].address, Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(found.interfaces[0].role, InterfaceRole::Incoming);
        let cut = Extensions::parse(&structure(&[(2, 8, &[0, 0]), (1, 1, &LABEL)])).expect("right");
        assert_eq!((cut.interfaces.len(), cut.labels.len()), (0, 1));
    }

    #[test]
    fn what_is_wrong_is_not_believed() {
        let mut bytes = structure(&[(1, 1, &LABEL)]);
        let mut unchecked = bytes.clone();
        unchecked[2..4].fill(0);
        assert!(Extensions::parse(&unchecked).is_some(), "the checksum may be left out");
        assert_eq!(Extensions::parse(&bytes[..bytes.len() - 1]), None);
        bytes[8] ^= 1;
        assert_eq!(Extensions::parse(&bytes), None);
        unchecked[0] = 0x10;
        assert_eq!(Extensions::parse(&unchecked), None, "another version");
        unchecked[0] = 0x20;
        unchecked[5] = 3;
        assert_eq!(Extensions::parse(&unchecked), None, "an object shorter than its head");
    }

    #[test]
    fn extensions_are_found_where_told_and_where_they_used_to_be() {
        let extensions = structure(&[(1, 1, &LABEL)]);
        let quoted = [&[9; 108][..], &extensions].concat();
        let (packet, found) = split_extensions(&quoted, 20, None);
        assert_eq!((packet.len(), found.labels.len()), (108, 1));
        let quoted = [&[9; 140][..], &extensions].concat();
        let (packet, found) = split_extensions(&quoted, 20, Some(140));
        assert_eq!((packet.len(), found.labels.len()), (140, 1));
        assert_eq!(split_extensions(&quoted, 20, None), (&quoted[..], Extensions::default()));
        // Without a checksum, anything might look like it.
        let mut unchecked = extensions.clone();
        unchecked[2..4].fill(0);
        let quoted = [&[9; 108][..], &unchecked].concat();
        assert_eq!(split_extensions(&quoted, 20, None).1, Extensions::default());
        assert_eq!(split_extensions(&quoted, 20, Some(108)).1.labels.len(), 1);
    }

    proptest! {
        #[test]
        fn labels_are_read_as_written(label in 0_u32..1 << 20, class in 0_u8..8, bottom: bool, ttl: u8) {
            let word = label << 12 | u32::from(class) << 9 | u32::from(bottom) << 8 | u32::from(ttl);
            let found = Extensions::parse(&structure(&[(1, 1, &word.to_be_bytes())])).expect("right");
            prop_assert_eq!(found.labels, [MplsLabel { label, class, bottom, ttl }]);
        }

        #[test]
        fn any_bytes_are_taken(mut bytes: Vec<u8>, skipped in 0_usize..200, told: Option<usize>, kind: u8) {
            let (packet, _) = split_extensions(&bytes, skipped, told);
            prop_assert!(bytes.starts_with(packet));
            let _ = interface(kind, &bytes);
            if bytes.len() >= 4 {
                bytes[..4].copy_from_slice(&[0x20, 0, 0, 0]);
            }
            if let Some(found) = Extensions::parse(&bytes) {
                prop_assert!(found.labels.len() <= MOST && found.interfaces.len() <= MOST);
            }
        }
    }
}
