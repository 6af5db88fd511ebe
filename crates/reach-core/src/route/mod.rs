//! From the observations of a trace to [`Route`]s.

mod compare;
mod hops;
pub(crate) mod log;
pub(crate) mod mda;
mod members;
pub(crate) mod mtu;
mod remarks;

use std::{collections::BTreeMap, net::IpAddr};

pub use self::compare::{choose_pair, parting};
use self::log::Log;
use crate::{
    dossier::Dossier,
    judge,
    model::{Balancing, Endpoint, Hop, Observation, Remark, ReplyKind, Route, Stopped, TracePlan},
};

/// The routes to `endpoints` as far as `observations` show them: one for each endpoint, in the order given.
///
/// Total, deterministic, and indifferent to the order of the observations; partial observations give partial
/// routes, so it can be called at any time of a run. Observations of other endpoints are passed over.
pub fn routes(plan: &TracePlan, endpoints: &[Endpoint], observations: &[Observation]) -> Vec<Route> {
    let mut logs: BTreeMap<Endpoint, Log> = BTreeMap::new();
    let mut dossiers: BTreeMap<IpAddr, Dossier> = BTreeMap::new();
    let mut by_address: BTreeMap<IpAddr, Vec<Endpoint>> = BTreeMap::new();
    for &endpoint in endpoints {
        by_address.entry(endpoint.address).or_default().push(endpoint);
    }
    for observation in observations {
        let Some(address) = observation.probe.address() else { continue };
        let Some(endpoints) = by_address.get(&address) else { continue };
        dossiers.entry(address).or_default().file(observation);
        for &endpoint in endpoints {
            if let Some(slot) = log::slot(&observation.probe, endpoint, plan.protocol) {
                logs.entry(endpoint).or_default().file(slot, endpoint, observation);
            }
        }
    }
    let nothing = Log::default();
    let logs: Vec<(Endpoint, &Log)> =
        endpoints.iter().map(|&endpoint| (endpoint, logs.get(&endpoint).unwrap_or(&nothing))).collect();
    assemble(plan, &logs, &dossiers)
}

/// The routes that these logs show.
pub(crate) fn assemble(
    plan: &TracePlan,
    logs: &[(Endpoint, &Log)],
    dossiers: &BTreeMap<IpAddr, Dossier>,
) -> Vec<Route> {
    let mut routes: Vec<Route> =
        logs.iter().map(|&(endpoint, log)| route(plan, endpoint, log, dossiers)).collect();
    balance_by_destination(&mut routes);
    routes
}

fn route(plan: &TracePlan, endpoint: Endpoint, log: &Log, dossiers: &BTreeMap<IpAddr, Dossier>) -> Route {
    let census = mda::census(log, plan, |_, shot| shot.done.is_some() && shot.reply.is_none());
    let mut hops = hops::hops(log, &census, plan);
    let mut remarks = remarks::remarks(log, &hops);
    let bad = members::bad_member(log, &hops);
    let member = match &bad {
        Some(Remark::BadMember { ttl, member, .. }) => Some((*ttl, *member)),
        _ => None,
    };
    hops::explain_losses(log, &mut hops, plan, member);
    remarks.extend(bad);
    let distance = log.distance();
    let (stopped, by) = match distance {
        Some(_) => (None, None),
        None if reached_without_ttl(log) => (None, None),
        None => stopped(endpoint, log, dossiers, &remarks),
    };
    Route {
        endpoint,
        protocol: plan.protocol,
        distance,
        stopped,
        by,
        links: hops::links(log, &census),
        flows: hops::flows(log),
        confidence: plan.confidence,
        mtu: mtu::path_mtu(log, endpoint),
        remarks,
        unable: log.unable.clone().filter(|_| hops::packets(log) == 0),
        packets: hops::packets(log),
        hops,
    }
}

/// The endpoint answers, but not within the TTLs asked.
fn reached_without_ttl(log: &Log) -> bool {
    let replies = log.ends.values().flat_map(BTreeMap::values).filter_map(|shot| shot.reply.as_ref());
    replies.into_iter().any(|reply| reply.kind == ReplyKind::Reached)
}

/// Why the endpoint is not reached, and who says so.
fn stopped(
    endpoint: Endpoint,
    log: &Log,
    dossiers: &BTreeMap<IpAddr, Dossier>,
    remarks: &[Remark],
) -> (Option<Stopped>, Option<IpAddr>) {
    let ends = log.ends.values().flat_map(BTreeMap::values).filter_map(|shot| shot.reply.as_ref());
    let on_the_way = log.hops.keys().flat_map(|&ttl| log.replies(ttl)).map(|(_, reply)| reply);
    let refusals: Vec<_> =
        on_the_way.chain(ends).filter(|reply| reply.kind != ReplyKind::TimeExceeded).collect();
    if refusals.iter().any(|reply| reply.kind == ReplyKind::Reset) {
        return match judge::reset_by_path(endpoint.address, dossiers) {
            Some(by) => {
                // Without the TTL of the resets themselves they arise at the router before, or directly behind it.
                let told =
                    dossiers.get(&endpoint.address).is_some_and(|dossier| dossier.reply_ttl().is_some());
                let before = log.first(|kind| kind == ReplyKind::Reset).and_then(|ttl| ttl.checked_sub(1));
                let before = before.and_then(|ttl| log.responders(ttl).first().copied());
                (Some(Stopped::ResetByPath), if told { by.or(before) } else { before.or(by) })
            }
            None => (Some(Stopped::Refused), Some(endpoint.address)),
        };
    }
    let errors = || {
        refusals.iter().filter_map(|reply| match reply.kind {
            ReplyKind::Icmp(error) => Some((error, reply.from)),
            _ => None,
        })
    };
    // The error of the nearest, of the gravest kind.
    if let Some((_, by)) = errors().find(|(error, _)| error.is_prohibited()) {
        return (Some(Stopped::Prohibited), Some(by));
    }
    if let Some((_, by)) = errors().find(|(error, _)| !error.is_too_big()) {
        return (Some(Stopped::Unreachable), Some(by));
    }
    let circle = remarks.iter().find_map(|remark| match remark {
        Remark::Loop { address, .. } => Some(*address),
        _ => None,
    });
    match circle {
        Some(address) => (Some(Stopped::Loop), Some(address)),
        None => (Some(Stopped::Silent), None),
    }
}

/// Marks hops at which the paths to addresses of one family differ, each having one path only, and come together
/// again behind: there the address decides.
fn balance_by_destination(routes: &mut [Route]) {
    let single = |hop: &Hop| match hop.responders.as_slice() {
        [only] if hop.complete && only.reply == ReplyKind::TimeExceeded => Some(only.address),
        _ => None,
    };
    let mut marked: Vec<(usize, usize)> = Vec::new();
    for (number, route) in routes.iter().enumerate() {
        for (other_number, other) in routes.iter().enumerate() {
            if number == other_number
                || route.endpoint.address.is_ipv4() != other.endpoint.address.is_ipv4()
                || route.endpoint.address == other.endpoint.address
            {
                continue;
            }
            let pairs: Vec<_> = route
                .hops
                .iter()
                .zip(&other.hops)
                .map(|(hop, beside)| (single(hop), single(beside)))
                .collect();
            let same =
                |place: usize| pairs.get(place).is_some_and(|(hop, beside)| hop.is_some() && hop == beside);
            for (place, pair) in pairs.iter().enumerate() {
                let (Some(hop), Some(beside)) = pair else { continue };
                let comes_from_one = place > 0 && (0..place).any(same);
                let comes_together = (place + 1..pairs.len()).any(same);
                if hop != beside && comes_from_one && comes_together {
                    marked.push((number, place));
                }
            }
        }
    }
    for (number, place) in marked {
        if let Some(hop) = routes.get_mut(number).and_then(|route| route.hops.get_mut(place)) {
            hop.balancing = Some(Balancing::PerDestination);
        }
    }
}
