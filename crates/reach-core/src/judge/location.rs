//! Where on the path: the last router that answered for packets of this kind, and what stands behind it on a
//! path that is open.

use std::{collections::BTreeMap, net::IpAddr, ops::Bound};

use super::{Peer, Ruling};
use crate::{
    dossier::Dossier,
    model::{Location, TlsEnd, TrailAnswer, TrailHop, Verdict},
    survey,
};

/// Locates the fault of an endpoint whose trail was followed; for one that is `ok` only the trail itself, which
/// others are compared with.
pub(super) fn locate(
    address: IpAddr,
    dossier: &Dossier,
    control: Option<Peer<'_>>,
    ruling: &Ruling,
) -> Option<Location> {
    match ruling.verdict {
        Verdict::NoRoute | Verdict::Inconclusive => None,
        Verdict::Ok if dossier.trails.is_empty() => None,
        Verdict::Ok => {
            let trail = dossier.merged_trail();
            let (ttl, last_answering) = last_router(&trail);
            Some(Location { last_answering, ttl, trail: hops(&trail), ..Location::default() })
        }
        // Nothing of it left this machine, or it was lost on it: no router is concerned.
        Verdict::BlockedLocally => {
            let control = control.filter(|peer| peer.distance().is_some());
            Some(Location {
                by: ruling.by,
                next_on_open_path: control
                    .and_then(|peer| next_behind(&peer.dossier.merged_trail(), 0, Some(peer.address))),
                control: control.map(|peer| peer.address),
                trail: hops(&dossier.merged_trail()),
                ..Location::default()
            })
        }
        _ if dossier.trails.is_empty() => None,
        Verdict::FlowDependent => by_flow(address, dossier),
        Verdict::NameBlocked => cut(dossier, ruling),
        _ => Some(on_trail(dossier, control, ruling)),
    }
}

fn on_trail(dossier: &Dossier, control: Option<Peer<'_>>, ruling: &Ruling) -> Location {
    let trail = dossier.merged_trail();
    let (ttl, last_answering) = last_router(&trail);
    // For a fault above TCP a path is open only where what is above TCP works too.
    let exchanged = |peer: &Peer<'_>| {
        let exchanges = &peer.dossier.exchanges;
        exchanges.is_empty() || exchanges.values().any(|(_, exchanged)| survey::went_through(exchanged))
    };
    let open = control
        .filter(|peer| ruling.verdict.is_below_tls() || ruling.verdict == Verdict::Lossy || exchanged(peer))
        .map(|peer| (peer.dossier.merged_trail(), peer.address));
    Location {
        last_answering,
        ttl,
        by: ruling.by,
        next_on_open_path: open.as_ref().and_then(|(trail, address)| next_behind(trail, ttl, Some(*address))),
        control: open.map(|(_, address)| address),
        trail: hops(&trail),
    }
}

/// A flow that fails beside one that passes, to the same address.
fn by_flow(address: IpAddr, dossier: &Dossier) -> Option<Location> {
    let tallies = dossier.flow_tallies();
    let trail_of = |passing: bool| {
        tallies
            .iter()
            .filter(|flow| (flow.answered > 0) == passing)
            .find_map(|flow| dossier.trails.get(&flow.source_port))
            .map(merge)
    };
    let failing = trail_of(false)?;
    let passing = trail_of(true);
    let (ttl, last_answering) = last_router(&failing);
    Some(Location {
        last_answering,
        ttl,
        by: None,
        next_on_open_path: passing.and_then(|trail| next_behind(&trail, ttl, Some(address))),
        control: None,
        trail: hops(&failing),
    })
}

/// The hop at which a ClientHello with the name is cut: the lowest TTL from which no router gives it back.
fn cut(dossier: &Dossier, ruling: &Ruling) -> Option<Location> {
    let trail = dossier.merged_trail();
    let mut ends: BTreeMap<u8, bool> = BTreeMap::new();
    let mut reset = false;
    for (probe, exchanged) in dossier.exchanges.values() {
        if let (Some(ttl), Some(tls)) = (probe.data_ttl, &exchanged.tls) {
            let returned = ends.entry(ttl).or_default();
            *returned |= tls.ended == TlsEnd::Returned;
            reset |= tls.ended == TlsEnd::Reset;
        }
    }
    let last_returned = ends.iter().filter(|(_, returned)| **returned).map(|(&ttl, _)| ttl).max();
    let ttl = match (last_returned, ends.is_empty()) {
        (Some(ttl), _) => ttl,
        // No router gave a segment back although they give SYNs back: they may have had no answer left to give.
        (None, false) if last_router(&trail).1.is_some() => return None,
        (None, false) => 0,
        (None, true) => last_router(&trail).0,
    };
    let last_answering = hop_address(&trail, ttl, None);
    Some(Location {
        last_answering,
        ttl,
        by: ruling.by.or(last_answering.filter(|_| reset)),
        next_on_open_path: next_behind(&trail, ttl, None),
        control: None,
        trail: hops(&trail),
    })
}

fn last_router(trail: &BTreeMap<u8, TrailAnswer>) -> (u8, Option<IpAddr>) {
    let last = trail.iter().rev().find_map(|(&ttl, answer)| match answer {
        TrailAnswer::Router(router) => Some((ttl, *router)),
        _ => None,
    });
    last.map_or((0, None), |(ttl, router)| (ttl, Some(router)))
}

/// The first that answers behind `ttl`: a router, or the destination itself. Routers that keep silent are passed.
fn next_behind(trail: &BTreeMap<u8, TrailAnswer>, ttl: u8, destination: Option<IpAddr>) -> Option<IpAddr> {
    let behind = (Bound::Excluded(ttl), Bound::Unbounded);
    trail.range(behind).find_map(|(&ttl, _)| hop_address(trail, ttl, destination))
}

/// What answers at `ttl`: a router, or the destination itself.
fn hop_address(trail: &BTreeMap<u8, TrailAnswer>, ttl: u8, destination: Option<IpAddr>) -> Option<IpAddr> {
    match trail.get(&ttl)? {
        TrailAnswer::Router(router) => Some(*router),
        TrailAnswer::Reached => destination,
        _ => None,
    }
}

fn merge(trail: &BTreeMap<u8, std::collections::BTreeSet<TrailAnswer>>) -> BTreeMap<u8, TrailAnswer> {
    trail.iter().filter_map(|(&ttl, answers)| Some((ttl, *answers.first()?))).collect()
}

fn hops(trail: &BTreeMap<u8, TrailAnswer>) -> Vec<TrailHop> {
    trail.iter().map(|(&ttl, &answer)| TrailHop { ttl, answer }).collect()
}
