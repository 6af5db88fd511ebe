//! Two routes side by side.

use std::{collections::BTreeSet, net::IpAddr};

use crate::model::{Parting, ReplyKind, Route};

/// Where the paths to two endpoints part: the last hop at which both have a router in common, and the first
/// behind it at which they have none, although one of them has a router or its endpoint there and the other has
/// too, or has nothing more to show.
pub fn parting(a: &Route, b: &Route) -> Parting {
    let common = a.hops.iter().rev().find_map(|hop| {
        let shared: Vec<IpAddr> = answers(a, hop.ttl).intersection(&answers(b, hop.ttl)).copied().collect();
        (!shared.is_empty()).then_some((hop.ttl, shared))
    });
    let from = common.as_ref().map_or(1, |(ttl, _)| ttl.saturating_add(1));
    let (last_a, last_b) = (last(a), last(b));
    let parts = (from..=last_a.max(last_b)).find(|&ttl| {
        let (at_a, at_b) = (answers(a, ttl), answers(b, ttl));
        match (at_a.is_empty(), at_b.is_empty()) {
            (true, true) => false,
            // A silent router proves nothing where the path goes on.
            (true, false) => ttl > last_a,
            (false, true) => ttl > last_b,
            (false, false) => at_a.is_disjoint(&at_b),
        }
    });
    Parting { common, parts }
}

/// The two routes of one family that are most worth comparing, as their places: an open one and a blocked one, if
/// there are; else the first two whose paths part before their endpoints; else the first two. `None` when no two
/// routes are of one family.
pub fn choose_pair(routes: &[Route]) -> Option<(usize, usize)> {
    let of_one_family = |one: usize, other: usize| {
        routes[one].endpoint.address.is_ipv4() == routes[other].endpoint.address.is_ipv4()
    };
    let pairs = || {
        let all = (0..routes.len()).flat_map(|one| (0..routes.len()).map(move |other| (one, other)));
        all.filter(move |&(one, other)| one != other && of_one_family(one, other))
    };
    let open = |place: usize| routes[place].stopped.is_none() && routes[place].unable.is_none();
    let blocked = |place: usize| routes[place].stopped.is_some() && routes[place].unable.is_none();
    let parts = |one: usize, other: usize| {
        let shorter = [one, other].into_iter().filter_map(|place| routes[place].distance).min();
        let parts = parting(&routes[one], &routes[other]).parts;
        parts.zip(shorter).is_some_and(|(parts, end)| parts < end)
    };
    pairs()
        .find(|&(one, other)| open(one) && blocked(other))
        .or_else(|| pairs().find(|&(one, other)| one < other && parts(one, other)))
        .or_else(|| pairs().next())
}

fn answers(route: &Route, ttl: u8) -> BTreeSet<IpAddr> {
    let hop = route.hops.iter().find(|hop| hop.ttl == ttl);
    let responders = hop.into_iter().flat_map(|hop| &hop.responders);
    responders
        .filter(|responder| responder.reply != ReplyKind::Reset)
        .map(|responder| responder.address)
        .collect()
}

/// The last hop at which anything answers that says where it stands.
fn last(route: &Route) -> u8 {
    route.hops.iter().map(|hop| hop.ttl).filter(|&ttl| !answers(route, ttl).is_empty()).max().unwrap_or(0)
}
