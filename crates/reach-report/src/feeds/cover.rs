//! Which published range holds which address.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

use super::{Feed, Kind};

/// More holders of one address than this are not told.
const MOST_HOLDERS: usize = 16;

/// What files say of addresses that were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Each address that a range holds.
    pub covered: Vec<Covered>,
    /// Addresses that no range of any file holds: not the provider's, or newer than the files.
    pub uncovered: Vec<IpAddr>,
    /// Published ranges that together hold every covered address: for each the narrowest, and none inside another.
    pub prefixes: Vec<IpNet>,
}

/// An address and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// The address.
    pub address: IpAddr,
    /// The ranges that hold it, the narrowest first.
    pub holders: Vec<Holder>,
    /// It is Google's own and no customer's: a front end of its interfaces. Known only with both of Google's files.
    pub front_end: bool,
}

/// A range that holds an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Which of the files, from 0.
    pub feed: usize,
    /// The range.
    pub net: IpNet,
    /// The services that the file gives it to.
    pub services: Vec<String>,
    /// The region; empty where the file does not say.
    pub region: String,
}

/// What `feeds` say of the addresses in `seen`.
///
/// Where both of Google's files are given, the ranges of an address that is a front end are those of `goog.json` without
/// those of `cloud.json`: what customers rent is not what the interfaces are reached by.
pub fn cover(seen: &[IpAddr], feeds: &[Feed]) -> Coverage {
    let indexes: Vec<Index> = feeds.iter().map(Index::of).collect();
    let google = feeds.iter().find(|feed| feed.kind == Kind::Google);
    let cloud = feeds.iter().find(|feed| feed.kind == Kind::GoogleCloud);
    let front_ends = google.zip(cloud).map(|(google, cloud)| {
        let nets = |feed: &Feed| feed.ranges.iter().map(|range| range.net).collect::<Vec<_>>();
        without(&nets(google), &nets(cloud)).into_iter().collect::<BTreeSet<IpNet>>()
    });
    let mut coverage = Coverage::default();
    let mut prefixes = BTreeSet::new();
    for address in seen.iter().copied().collect::<BTreeSet<IpAddr>>() {
        let mut holders: Vec<Holder> = Vec::new();
        for (feed, index) in indexes.iter().enumerate() {
            holders.extend(index.holders(address).map(|(net, ranges)| {
                Holder {
                    feed,
                    net,
                    services: ranges
                        .iter()
                        .map(|at| &feeds[feed].ranges[*at].service)
                        .filter(|text| !text.is_empty())
                        .cloned()
                        .collect::<BTreeSet<_>>()
                        .into_iter()
                        .collect(),
                    region: ranges
                        .first()
                        .map(|at| feeds[feed].ranges[*at].region.clone())
                        .unwrap_or_default(),
                }
            }));
        }
        holders.sort_by(|a, b| b.net.prefix_len().cmp(&a.net.prefix_len()).then(a.feed.cmp(&b.feed)));
        holders.truncate(MOST_HOLDERS);
        let Some(narrowest) = holders.first().map(|holder| holder.net) else {
            coverage.uncovered.push(address);
            continue;
        };
        let front_end = front_ends.as_ref().and_then(|nets| longest(address, |net| nets.contains(&net)));
        prefixes.insert(front_end.unwrap_or(narrowest));
        coverage.covered.push(Covered { address, holders, front_end: front_end.is_some() });
    }
    coverage.prefixes = outermost(prefixes);
    coverage
}

/// The networks of `all` without those of `taken`, as few as possible.
pub fn without(all: &[IpNet], taken: &[IpNet]) -> Vec<IpNet> {
    let (all_v4, all_v6) = spans(all);
    let (taken_v4, taken_v6) = spans(taken);
    let mut nets: Vec<IpNet> = Vec::new();
    for (first, last) in left_over(&all_v4, &taken_v4) {
        let address = |bits: u128| Ipv4Addr::from(u32::try_from(bits).unwrap_or(u32::MAX));
        nets.extend(Ipv4Subnets::new(address(first), address(last), 0).map(IpNet::V4));
    }
    for (first, last) in left_over(&all_v6, &taken_v6) {
        nets.extend(Ipv6Subnets::new(Ipv6Addr::from(first), Ipv6Addr::from(last), 0).map(IpNet::V6));
    }
    nets
}

/// The first and the last address of something.
type Span = (u128, u128);

/// Networks as spans that neither touch nor overlap, by family.
fn spans(nets: &[IpNet]) -> (Vec<Span>, Vec<Span>) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for net in nets {
        match net {
            IpNet::V4(net) => {
                v4.push((u128::from(net.network().to_bits()), u128::from(net.broadcast().to_bits())))
            }
            IpNet::V6(net) => v6.push((net.network().to_bits(), net.broadcast().to_bits())),
        }
    }
    (merged(v4), merged(v6))
}

fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut out: Vec<Span> = Vec::new();
    for (first, last) in spans {
        match out.last_mut().filter(|(_, before)| first <= before.saturating_add(1)) {
            Some((_, before)) => *before = (*before).max(last),
            None => out.push((first, last)),
        }
    }
    out
}

fn left_over(all: &[Span], taken: &[Span]) -> Vec<Span> {
    let mut out = Vec::new();
    let mut from = 0;
    for &(first, last) in all {
        while taken.get(from).is_some_and(|(_, end)| *end < first) {
            from += 1;
        }
        let mut next = Some(first);
        for &(begin, end) in taken[from..].iter().take_while(|(begin, _)| *begin <= last) {
            let Some(first) = next else { break };
            if begin > first {
                out.push((first, begin - 1));
            }
            next = end.checked_add(1);
        }
        if let Some(first) = next.filter(|first| *first <= last) {
            out.push((first, last));
        }
    }
    out
}

/// Ranges by their networks.
struct Index {
    nets: BTreeMap<IpNet, Vec<usize>>,
}

impl Index {
    fn of(feed: &Feed) -> Self {
        let mut nets: BTreeMap<IpNet, Vec<usize>> = BTreeMap::new();
        for (at, range) in feed.ranges.iter().enumerate() {
            nets.entry(range.net).or_default().push(at);
        }
        Self { nets }
    }

    /// The networks that hold an address, the narrowest first, with the numbers of their ranges.
    fn holders(&self, address: IpAddr) -> impl Iterator<Item = (IpNet, &[usize])> {
        around(address).filter_map(|net| self.nets.get(&net).map(|ranges| (net, ranges.as_slice())))
    }
}

/// Every network that an address is in, the narrowest first.
fn around(address: IpAddr) -> impl Iterator<Item = IpNet> {
    let widest = if address.is_ipv4() { 32 } else { 128 };
    (1..=widest).rev().filter_map(move |length| IpNet::new(address, length).ok().map(|net| net.trunc()))
}

fn longest(address: IpAddr, is_known: impl Fn(IpNet) -> bool) -> Option<IpNet> {
    around(address).find(|net| is_known(*net))
}

/// Those that are inside of no other.
fn outermost(nets: BTreeSet<IpNet>) -> Vec<IpNet> {
    let mut out: Vec<IpNet> = Vec::new();
    // A network sorts before those inside of it.
    for net in nets {
        if !out.last().is_some_and(|last| last.contains(&net)) {
            out.push(net);
        }
    }
    out
}
