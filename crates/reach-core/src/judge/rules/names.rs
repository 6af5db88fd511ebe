//! Findings about names and resolvers.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{View, path::is_name};
use crate::{
    model::{AddressSource, Conduct, Finding, Matter, Severity},
    pool::{self, Grasp, Line},
};

/// A look-up that takes longer is felt in every connection.
const SLOW: Duration = Duration::from_millis(1_500);

/// Resolvers, or the system and the resolvers, give different pools.
pub(super) fn resolvers_disagree(view: &View<'_>) -> Vec<Finding> {
    let resolution = view.bench.resolution;
    let mut sets: BTreeMap<AddressSource, (BTreeSet<IpAddr>, Grasp)> = BTreeMap::new();
    for report in resolution.resolvers.iter().filter(|report| report.conduct == Conduct::Answers) {
        if !report.addresses.is_empty() {
            let grasp = grasp(view, report.resolver);
            sets.insert(AddressSource::Resolver(report.resolver), (report.addresses.clone(), grasp));
        }
    }
    let known: BTreeSet<IpAddr> =
        sets.values().flat_map(|(addresses, _)| addresses.iter().copied()).collect();
    let differ =
        !pool::lacking(sets.iter().map(|(who, (addresses, grasp))| (*who, addresses, *grasp))).is_empty();

    // The system's one answer may be part of a pool: it only speaks by what no resolver gave.
    let families = view.bench.case.plan.families;
    let system =
        resolution.system.iter().flatten().copied().filter(|&address| pool::wanted(families, address));
    let system: BTreeSet<IpAddr> = system.collect();
    let unknown = system.difference(&known).count();
    let system_alone = !known.is_empty() && sets.values().all(|(_, grasp)| grasp.is_exceeded(unknown));
    if !(differ || system_alone) {
        return Vec::new();
    }
    if system_alone {
        sets.insert(AddressSource::System, (system, Grasp::Whole));
    }
    let pools: Vec<&BTreeSet<IpAddr>> = sets.values().map(|(addresses, _)| addresses).collect();
    let disjoint =
        pools.iter().enumerate().all(|(i, one)| pools[i + 1..].iter().all(|other| one.is_disjoint(other)));
    let common =
        pools.iter().skip(1).fold(pools.first().copied().cloned().unwrap_or_default(), |common, pool| {
            common.intersection(pool).copied().collect()
        });
    let addresses: BTreeSet<IpAddr> =
        pools.iter().flat_map(|pool| pool.difference(&common)).copied().collect();
    let matter = Matter::ResolversDisagree {
        disjoint,
        sets: sets
            .iter()
            .map(|(source, (addresses, _))| (*source, addresses.iter().copied().collect()))
            .collect(),
    };
    vec![Finding { severity: Severity::Warning, addresses: addresses.into_iter().collect(), matter }]
}

fn grasp(view: &View<'_>, resolver: SocketAddr) -> Grasp {
    let lines = || {
        let all = view.bench.names.lines.iter();
        all.filter(move |(key, line)| key.resolver == resolver && line.has_addresses()).map(|(_, line)| line)
    };
    if lines().all(Line::gives_all) {
        Grasp::Whole
    } else if lines().all(|line| line.is_exhausted(view.bench.resolution.alpha)) {
        Grasp::Sampled
    } else {
        Grasp::Partial
    }
}

/// The hosts file pins the name.
pub(super) fn pinned_by_hosts(view: &View<'_>) -> Vec<Finding> {
    if !is_name(view) {
        return Vec::new();
    }
    let host = view.bench.case.target.host.to_string();
    let host = host.trim_end_matches('.');
    let pinned: Vec<IpAddr> = view
        .bench
        .case
        .vantage
        .pinned
        .iter()
        .filter(|(name, _)| name == host)
        .map(|(_, address)| *address)
        .collect();
    if pinned.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        severity: Severity::Warning,
        addresses: pinned.clone(),
        matter: Matter::PinnedByHosts { pinned },
    }]
}

/// Resolvers that do not answer as they should.
pub(super) fn resolver_conduct(view: &View<'_>) -> Vec<Finding> {
    let others_answer = !view.bench.resolution.addresses.is_empty();
    let severity = if others_answer { Severity::Warning } else { Severity::Error };
    view.bench
        .resolution
        .resolvers
        .iter()
        .filter_map(|report| {
            let resolver = report.resolver;
            let matter = match report.conduct {
                Conduct::Silent => Matter::ResolverSilent { resolver, queries: report.queries },
                Conduct::Fails(rcode) => Matter::ResolverFails { resolver, rcode },
                Conduct::Unreachable => Matter::ResolverUnreachable { resolver },
                Conduct::Garbage => {
                    let mut lines = view.bench.names.lines.iter().filter(|(key, _)| key.resolver == resolver);
                    let fault = lines.find_map(|(_, line)| line.faults.first().copied());
                    Matter::ResolverGarbage { resolver, fault }
                }
                Conduct::Answers | Conduct::NotAsked => return None,
            };
            Some(Finding { severity, addresses: Vec::new(), matter })
        })
        .collect()
}

/// The system's own look-up is slow or hangs although a resolver answers.
pub(super) fn system_lookup_slow(view: &View<'_>) -> Vec<Finding> {
    let resolution = view.bench.resolution;
    let answered = resolution.resolvers.iter().any(|report| report.conduct == Conduct::Answers);
    let took = resolution.system_took.filter(|&took| took >= SLOW);
    if !answered || (took.is_none() && !view.bench.names.system_hung) {
        return Vec::new();
    }
    vec![Finding {
        severity: Severity::Warning,
        addresses: Vec::new(),
        matter: Matter::SystemLookupSlow { took },
    }]
}

/// Addresses are probably still unseen: a pool given in parts was not asked for often enough, or all answers were
/// one and the same from a cache. (One address from a cache is what most names look like, and nothing to tell.)
pub(super) fn pool_not_exhausted(view: &View<'_>) -> Vec<Finding> {
    let resolution = view.bench.resolution;
    let seen = resolution.addresses.len() as u32;
    let lines = || view.bench.names.lines.values().filter(|line| line.has_addresses());
    let in_parts = lines().any(|line| !line.gives_all() && !line.is_exhausted(resolution.alpha));
    // Where the stopping rule is met, an estimate of one more is within what chance makes of it.
    let in_doubt = in_parts || resolution.estimated >= f64::from(seen) + 1.5;
    let one_draw = lines().any(|line| line.gives_all() && line.is_cached() && line.addresses().len() > 1);
    if seen == 0 || !(in_doubt || one_draw) {
        return Vec::new();
    }
    vec![Finding {
        severity: if in_doubt { Severity::Warning } else { Severity::Info },
        addresses: Vec::new(),
        matter: Matter::PoolNotExhausted { seen, estimated: resolution.estimated },
    }]
}
