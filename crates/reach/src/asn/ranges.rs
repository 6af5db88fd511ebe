//! Ranges of addresses with their autonomous systems; the narrowest range around an address wins.

use std::{collections::HashMap, net::IpAddr};

use reach_report::trace::Origin;

/// Ranges, sorted and without overlap, of both families.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    v4: Vec<Range>,
    v6: Vec<Range>,
    owners: Owners,
}

/// From one address to another, both included. IPv4 addresses are their 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: u128,
    end: u128,
    /// 0 where nobody announces it.
    asn: u32,
    owner: u32,
}

/// Each owner once.
#[derive(Debug, Default)]
struct Owners {
    texts: Vec<String>,
    places: HashMap<String, u32>,
}

impl Ranges {
    /// Adds a range; an IPv4 one if both ends are. Anything is added before the first question.
    pub(super) fn add(&mut self, start: IpAddr, end: IpAddr, asn: u32, owner: &str) {
        let owner = self.owners.place(owner);
        let range = Range { start: bits(start), end: bits(end), asn, owner };
        if start.is_ipv4() { self.v4.push(range) } else { self.v6.push(range) }
    }

    /// Puts them in order.
    pub(super) fn settle(mut self) -> Self {
        self.v4 = flat(self.v4);
        self.v6 = flat(self.v6);
        self.owners.places = HashMap::new();
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Who announces an address.
    pub(super) fn origin(&self, address: IpAddr) -> Option<Origin> {
        let ranges = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        let bits = bits(address);
        let behind = ranges.partition_point(|range| range.start <= bits);
        let range = ranges[..behind].last().filter(|range| bits <= range.end && range.asn != 0)?;
        let owner = self.owners.texts.get(range.owner as usize).cloned().unwrap_or_default();
        Some(Origin { asn: range.asn, owner })
    }
}

impl Owners {
    fn place(&mut self, owner: &str) -> u32 {
        if let Some(&place) = self.places.get(owner) {
            return place;
        }
        let place = self.texts.len() as u32;
        self.texts.push(owner.to_owned());
        self.places.insert(owner.to_owned(), place);
        place
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The same ranges without overlap: where several cover an address, the one that begins last, and of those the
/// one that ends first. Of prefixes that is the longest.
fn flat(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_by(|a, b| (a.start, b.end).cmp(&(b.start, a.end)));
    if ranges.windows(2).all(|pair| pair[0].end < pair[1].start) {
        return ranges;
    }
    let mut out = Vec::with_capacity(ranges.len());
    let mut open: Vec<Range> = Vec::new();
    let mut from = Some(0_u128);
    let close =
        |until: Option<u128>, open: &mut Vec<Range>, from: &mut Option<u128>, out: &mut Vec<Range>| {
            while let (Some(top), Some(start)) = (open.last().copied(), *from) {
                if until.is_some_and(|until| top.end >= until) {
                    break;
                }
                if start <= top.end {
                    out.push(Range { start: start.max(top.start), ..top });
                    *from = top.end.checked_add(1);
                }
                open.pop();
            }
        };
    for range in ranges {
        close(Some(range.start), &mut open, &mut from, &mut out);
        if let (Some(top), Some(start)) = (open.last(), from)
            && start < range.start
        {
            out.push(Range { start: start.max(top.start), end: range.start - 1, ..*top });
        }
        from = Some(range.start);
        open.push(range);
    }
    close(None, &mut open, &mut from, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The slow way: of all ranges around an address, the one that begins last, then ends first, then came last.
    fn narrowest(ranges: &[(u8, u8, u32)], address: u8) -> Option<u32> {
        ranges
            .iter()
            .enumerate()
            .filter(|(_, (start, end, _))| (*start..=*end).contains(&address))
            .max_by_key(|(place, (start, end, _))| (*start, 255 - *end, *place))
            .map(|(_, (_, _, asn))| *asn)
    }

    proptest! {
        #[test]
        fn the_narrowest_range_is_found(
            ranges in prop::collection::vec((0_u8..60, 0_u8..20, 1_u32..1000), 0..12),
        ) {
            let ranges: Vec<(u8, u8, u32)> =
                ranges.into_iter().map(|(start, length, asn)| (start, start + length, asn)).collect();
            let mut table = Ranges::default();
            for &(start, end, asn) in &ranges {
                table.add([0, 0, 0, start].into(), [0, 0, 0, end].into(), asn, "");
            }
            let table = table.settle();
            for address in 0..100_u8 {
                let found = table.origin([0, 0, 0, address].into()).map(|origin| origin.asn);
                prop_assert_eq!(found, narrowest(&ranges, address), "{}", address);
            }
        }
    }

    #[test]
    fn the_last_address_of_all_belongs_to_somebody() {
        let mut table = Ranges::default();
        table.add("::".parse().expect("v6"), IpAddr::from([0xff; 16]), 1, "all");
        table.add("ff00::".parse().expect("v6"), IpAddr::from([0xff; 16]), 2, "last");
        let table = table.settle();
        assert_eq!(table.origin(IpAddr::from([0xff; 16])).map(|origin| origin.asn), Some(2));
        assert_eq!(table.origin(IpAddr::from([0; 16])).map(|origin| origin.asn), Some(1));
    }
}
