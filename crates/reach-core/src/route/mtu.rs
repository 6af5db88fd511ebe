//! The path MTU as a log shows it (RFC 1191, RFC 8201, RFC 8899).
//!
//! What a router says of the next link is believed only as a hint for what to try; the result is the largest
//! packet that was seen to pass. Where larger ones vanish without a word, the hop is the one behind the last that
//! still answers them.

use std::collections::BTreeMap;

use super::log::{Log, SizedShot, TRANSPORT_HEADER, ip_header};
use crate::model::{Endpoint, MtuLimit, PathMtu, ReplyKind, TraceProtocol};

/// Packets of one length that have to vanish before the length is to blame.
pub(crate) const VANISHED: u32 = 3;
/// Bytes of payload of the packets that show that anything passes at all.
const SMALL: u32 = 32;

/// What is known of packets of one length on the way to one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) lost: u32,
    pub(crate) waiting: u32,
    /// A router, or this host, says that it is too large.
    pub(crate) refused: bool,
}

impl Tally {
    /// Packets of this length do not get there.
    pub(crate) fn fails(self) -> bool {
        self.passed == 0 && (self.refused || self.lost >= VANISHED)
    }
}

/// Tallies by place (the endpoint, or a hop) and length.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SizeTable {
    tallies: BTreeMap<(Option<u8>, u32), Tally>,
    /// Lengths that this host refuses to send.
    pub(crate) too_large_here: Option<u32>,
    /// What routers say fits the next link.
    pub(crate) hints: Vec<u32>,
}

impl SizeTable {
    /// `lost` tells of a packet without an answer whether it still may get one.
    pub(crate) fn new(log: &Log, lost: impl Fn(&SizedShot) -> bool) -> Self {
        let mut table = Self::default();
        for sized in log.sized.values() {
            let tally = table.tallies.entry((sized.ttl, sized.length)).or_default();
            match &sized.shot.reply {
                _ if sized.too_large_here => {
                    tally.refused = true;
                    let known = table.too_large_here.unwrap_or(u32::MAX);
                    table.too_large_here = Some(known.min(sized.length));
                }
                Some(reply) => match reply.kind {
                    ReplyKind::TimeExceeded | ReplyKind::Reached => tally.passed += 1,
                    ReplyKind::Icmp(error) if error.is_too_big() => {
                        tally.refused = true;
                        table.hints.extend(reply.quote.as_ref().and_then(|quote| quote.next_mtu));
                    }
                    // Somebody else's no says nothing of sizes.
                    _ => tally.lost += 1,
                },
                None if lost(sized) => tally.lost += 1,
                None => tally.waiting += 1,
            }
        }
        table
    }

    /// What is known of a length on the way to a place.
    pub(crate) fn at(&self, place: Option<u8>, length: u32) -> Tally {
        self.tallies.get(&(place, length)).copied().unwrap_or_default()
    }

    /// The largest length that gets to a place.
    pub(crate) fn passes(&self, place: Option<u8>) -> Option<u32> {
        let passing = self.lengths(place).filter(|(_, tally)| tally.passed > 0);
        passing.map(|(length, _)| length).max()
    }

    /// The smallest length above `passing` that does not.
    pub(crate) fn fails(&self, place: Option<u8>, passing: u32) -> Option<u32> {
        self.lengths(place)
            .find(|(length, tally)| *length > passing && tally.fails())
            .map(|(length, _)| length)
    }

    fn lengths(&self, place: Option<u8>) -> impl Iterator<Item = (u32, Tally)> {
        let range = (place, 0)..=(place, u32::MAX);
        self.tallies.range(range).map(|((_, length), tally)| (*length, *tally))
    }
}

/// The length of a small packet.
pub(crate) fn small(endpoint: Endpoint) -> u32 {
    ip_header(endpoint.address) + TRANSPORT_HEADER + SMALL
}

/// The path MTU, if sizes were tried and anything passed.
pub(super) fn path_mtu(log: &Log, endpoint: Endpoint) -> Option<PathMtu> {
    let packets = log.sized.values().next()?.protocol;
    let table = SizeTable::new(log, |sized| sized.shot.done.is_some());
    let to_endpoint = table.passes(None).is_some();
    let hops: Vec<u8> = log.sized.values().filter_map(|sized| sized.ttl).collect();
    let place = if to_endpoint {
        None
    } else {
        // The farthest hop that answers such packets at all.
        Some(hops.into_iter().filter(|&ttl| table.passes(Some(ttl)).is_some()).max()?)
    };
    let largest = table.passes(place)?;
    let mut limits = told(log, largest);
    if let Some(limit) = vanishing(log, &table, place, largest)
        && !limits.iter().any(|told| told.mtu <= limit.mtu)
    {
        limits.push(limit);
    }
    // A first small packet alone says nothing of how large they may be.
    let tried = table.fails(place, largest).is_some() || largest > small(endpoint);
    limits.sort_by_key(|limit| (limit.ttl, limit.mtu));
    limits.dedup_by_key(|limit| limit.ttl);
    let mtu = u16::try_from(largest).unwrap_or(u16::MAX);
    tried.then_some(PathMtu { mtu, to_endpoint, packets, limits })
}

/// The places that routers tell of. A place whose own word would let through less than what passed is a lie.
fn told(log: &Log, largest: u32) -> Vec<MtuLimit> {
    let mut limits: BTreeMap<u8, MtuLimit> = BTreeMap::new();
    for sized in log.sized.values() {
        let Some(reply) = &sized.shot.reply else { continue };
        let ReplyKind::Icmp(error) = reply.kind else { continue };
        let Some(next) = reply.quote.as_ref().and_then(|quote| quote.next_mtu) else { continue };
        if !error.is_too_big() || next < largest || next >= sized.length {
            continue;
        }
        let at = log.hops.keys().copied().find(|&ttl| log.responders(ttl).contains(&reply.from));
        let ttl = at.map_or(1, |ttl| ttl.saturating_add(1));
        let mtu = u16::try_from(next).unwrap_or(u16::MAX);
        limits.entry(ttl).or_insert(MtuLimit { ttl, mtu, by: Some(reply.from) });
    }
    limits.into_values().collect()
}

/// Where packets that are too large vanish without a word.
fn vanishing(log: &Log, table: &SizeTable, place: Option<u8>, largest: u32) -> Option<MtuLimit> {
    let failing = table.fails(place, largest)?;
    let tally = table.at(place, failing);
    if tally.refused || table.too_large_here.is_some_and(|here| here <= failing) {
        return None;
    }
    let hops = || log.sized.values().filter_map(|sized| sized.ttl);
    let gets_to = hops().filter(|&ttl| table.at(Some(ttl), failing).passed > 0).max().unwrap_or(0);
    let known = hops().any(|ttl| ttl > gets_to && table.at(Some(ttl), failing).fails());
    let mtu = u16::try_from(largest).unwrap_or(u16::MAX);
    known.then(|| MtuLimit { ttl: gets_to.saturating_add(1), mtu, by: None })
}

/// Which packets sizes can be tried with.
pub(crate) const fn can_be_sized(protocol: TraceProtocol) -> bool {
    !matches!(protocol, TraceProtocol::Tcp)
}
