//! How large packets may be: which sizes to try next.
//!
//! First a small packet and one of Ethernet's size, to the endpoint or, where that keeps silent, to the farthest
//! router that answers. What a router says fits (RFC 1191) is tried next; where nobody says anything, several
//! sizes between what passes and what does not are tried at once (RFC 8899 §5.3). Where packets vanish without a
//! word, the size that does is tried hop by hop.

use std::{net::IpAddr, time::Duration};

use crate::{
    Time,
    model::{EchoAccess, Endpoint, TraceProtocol},
    route::{
        log::{Log, TRANSPORT_HEADER, ip_header},
        mtu::{self, SizeTable, Tally, VANISHED},
    },
};

/// The MTU of Ethernet, and of its jumbo frames.
const ETHERNET: u32 = 1_500;
const JUMBO: u32 = 9_000;
/// MTUs that links really have: PPPoE, tunnels of several kinds, the least of IPv6, old defaults.
const USUAL: [u32; 16] = [
    1_492, 1_480, 1_476, 1_472, 1_460, 1_454, 1_450, 1_440, 1_428, 1_420, 1_400, 1_380, 1_300, 1_280, 1_006,
    576,
];
/// Sizes tried at once. Hosts limit their ICMP errors, which answer datagrams, and not their echo replies.
const AT_ONCE: usize = 6;
const AT_ONCE_BY_ERROR: usize = 2;

/// Sizes to try, and when to look again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sizes {
    /// TTL and length with the IP header.
    pub(super) asks: Vec<(Option<u8>, u32)>,
    pub(super) wake: Option<Time>,
}

/// Bytes of payload of a packet of this length.
pub(super) fn payload(address: IpAddr, length: u32) -> u16 {
    length.saturating_sub(ip_header(address) + TRANSPORT_HEADER).min(u32::from(u16::MAX)) as u16
}

/// With which packets sizes are tried: those of the trace, if their size can be chosen; else echo requests where
/// they may be sent.
pub(super) fn packets(protocol: TraceProtocol, echo: EchoAccess) -> TraceProtocol {
    match (protocol, echo) {
        (protocol, _) if mtu::can_be_sized(protocol) => protocol,
        (_, EchoAccess::None) => TraceProtocol::Udp,
        _ => TraceProtocol::Icmp,
    }
}

/// What to try next.
pub(super) fn next(
    log: &Log,
    endpoint: Endpoint,
    packets: TraceProtocol,
    now: Time,
    patience: Duration,
) -> Sizes {
    let patience = patience.mul_f64(1.5);
    let lost = |sent: Time| now >= sent + patience;
    let table = SizeTable::new(log, |sized| sized.shot.done.is_some() || lost(sized.shot.sent));
    let open = log.sized.values().filter(|sized| sized.shot.done.is_none() && !lost(sized.shot.sent));
    let wake = open.map(|sized| sized.shot.sent + patience).min();
    let mut search = Search { table, asks: Vec::new() };
    let at_once = if packets == TraceProtocol::Icmp { AT_ONCE } else { AT_ONCE_BY_ERROR };
    let small = mtu::small(endpoint);
    let routers = 1..=log.last_router().unwrap_or(0);
    if search.known(None, small) {
        match search.table.at(None, small).passed {
            0 => {
                // All hops at once: the farthest that answers stands in for the endpoint.
                let hops: Vec<u8> = routers.clone().collect();
                if hops.iter().filter(|&&ttl| !search.known(Some(ttl), small)).count() == 0
                    && let Some(&place) =
                        hops.iter().rev().find(|&&ttl| search.table.at(Some(ttl), small).passed > 0)
                {
                    search.lengths(Some(place), small, at_once);
                    search.locate(Some(place), routers);
                }
            }
            _ => {
                search.lengths(None, small, at_once);
                search.locate(None, routers);
            }
        }
    } else {
        search.known(None, ETHERNET);
    }
    Sizes { asks: search.asks, wake }
}

struct Search {
    table: SizeTable,
    asks: Vec<(Option<u8>, u32)>,
}

impl Search {
    /// Whether it is known if packets of a length get to a place; asks if not.
    fn known(&mut self, place: Option<u8>, length: u32) -> bool {
        let tally = self.table.at(place, length);
        let settled = tally.passed > 0 || tally.fails();
        if !settled {
            self.ask(place, length, tally);
        }
        settled
    }

    /// One try, and after its failure the rest at once.
    fn ask(&mut self, place: Option<u8>, length: u32, tally: Tally) {
        let wanted = match tally {
            Tally { lost: 0, waiting: 0, .. } => 1,
            Tally { lost: 0, .. } => 0,
            Tally { lost, waiting, .. } => VANISHED.saturating_sub(lost + waiting),
        };
        self.asks.extend((0..wanted).map(|_| (place, length)));
    }

    /// Narrows down the largest length that gets to a place.
    fn lengths(&mut self, place: Option<u8>, small: u32, at_once: usize) {
        if !self.known(place, ETHERNET) {
            return;
        }
        let passing = self.table.passes(place).unwrap_or(small);
        let Some(failing) = self.table.fails(place, passing) else {
            // Larger than Ethernet's: most hosts know at once that they cannot send that.
            let next = if passing > ETHERNET { JUMBO } else { ETHERNET + 1 };
            if passing < JUMBO {
                self.known(place, next);
            }
            return;
        };
        if failing <= passing + 1 {
            return;
        }
        let hints: Vec<u32> =
            self.table.hints.iter().copied().filter(|hint| (passing + 1..failing).contains(hint)).collect();
        // A router's word stands until a packet of that size says otherwise: then one byte more must fail, and that
        // it does was said.
        if let Some(&hint) = hints.iter().max() {
            self.known(place, hint);
            return;
        }
        if self.table.hints.contains(&passing) && self.table.at(place, failing).refused {
            return;
        }
        let mut candidates: Vec<u32> =
            USUAL.iter().copied().filter(|usual| (passing + 1..failing).contains(usual)).collect();
        // The byte above what passes shows that a usual size is the limit.
        if USUAL.contains(&passing) {
            candidates.insert(0, passing + 1);
        }
        let wide = failing - passing;
        if candidates.len() < at_once {
            let parts = at_once as u32 + 1;
            let even = (1..parts).map(|part| passing + wide * part / parts);
            candidates.extend(even.filter(|length| (passing + 1..failing).contains(length)));
        }
        candidates.sort_unstable();
        candidates.dedup();
        // Evenly from among them, so that each turn narrows the range as far as it can.
        let step = candidates.len().div_ceil(at_once).max(1);
        let first = usize::from(candidates.first() != Some(&(passing + 1))) * (step - 1);
        let chosen: Vec<u32> = candidates.iter().copied().skip(first).step_by(step).collect();
        for length in chosen {
            self.known(place, length);
        }
    }

    /// Where packets that are too large vanish without a word: how far they get.
    fn locate(&mut self, place: Option<u8>, routers: std::ops::RangeInclusive<u8>) {
        if !self.asks.is_empty() {
            return;
        }
        let Some(passing) = self.table.passes(place) else { return };
        let Some(failing) = self.table.fails(place, passing) else { return };
        let here = self.table.too_large_here.is_some_and(|here| here <= failing);
        if failing > passing + 1 || here || self.table.at(place, failing).refused {
            return;
        }
        for ttl in routers {
            self.known(Some(ttl), failing);
        }
    }
}
