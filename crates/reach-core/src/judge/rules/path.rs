//! Findings about the way to the addresses.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{View, about};
use crate::{
    judge::origin,
    model::{Evidence, Finding, Host, Matter, Severity, TrailAnswer, Verdict},
};

/// Some addresses of one name fail below TLS and others work.
pub(super) fn partial_block(view: &View<'_>) -> Vec<Finding> {
    let failing = blocked(view);
    let working = view.having(|diagnosis| diagnosis.connect.succeeded > 0);
    if failing.is_empty() || working.is_empty() {
        return Vec::new();
    }
    let matter = Matter::PartialBlock {
        working: working.len() as u32,
        failing: failing.len() as u32,
        prefixes: telling_prefixes(&failing, &working),
    };
    about(Severity::Error, failing, matter)
}

/// No address of the name can be connected to.
pub(super) fn all_blocked(view: &View<'_>) -> Vec<Finding> {
    let failing = blocked(view);
    let connectable = view.having(|diagnosis| diagnosis.connect.succeeded > 0);
    let by_path = view.with(&[
        Verdict::Filtered,
        Verdict::Prohibited,
        Verdict::Unreachable,
        Verdict::ResetByPath,
        Verdict::BlockedLocally,
    ]);
    if !connectable.is_empty() || by_path.is_empty() {
        return Vec::new();
    }
    let matter = Matter::AllBlocked { failing: failing.len() as u32 };
    about(Severity::Error, failing, matter)
}

/// This machine's own packet filter stops some addresses.
pub(super) fn local_filter(view: &View<'_>) -> Vec<Finding> {
    about(Severity::Error, view.with(&[Verdict::BlockedLocally]), Matter::LocalFilter)
}

/// A device forges resets.
pub(super) fn forged_reset(view: &View<'_>) -> Vec<Finding> {
    let mut by_device: BTreeMap<(Option<IpAddr>, Option<u8>), Vec<IpAddr>> = BTreeMap::new();
    for diagnosis in view.endpoints.iter().filter(|diagnosis| diagnosis.verdict == Verdict::ResetByPath) {
        let by = diagnosis.location.as_ref().and_then(|location| location.by);
        let hop = diagnosis.evidence.iter().find_map(|evidence| match evidence {
            Evidence::ResetFrom { origin_hop, .. } => *origin_hop,
            _ => None,
        });
        by_device.entry((by, hop)).or_default().push(diagnosis.endpoint.address);
    }
    by_device
        .into_iter()
        .flat_map(|((by, hop), addresses)| about(Severity::Error, addresses, Matter::ForgedReset { by, hop }))
        .collect()
}

/// The host itself refuses.
pub(super) fn nothing_listens(view: &View<'_>) -> Vec<Finding> {
    about(Severity::Error, view.with(&[Verdict::Refused]), Matter::NothingListens)
}

/// Something nearer than the host completes the TCP handshake.
pub(super) fn answered_by_path(view: &View<'_>) -> Vec<Finding> {
    let mut by_hop: BTreeMap<(u8, Option<IpAddr>), (Vec<IpAddr>, u8)> = BTreeMap::new();
    for diagnosis in view.endpoints {
        let nearer = diagnosis.evidence.iter().find_map(|evidence| match evidence {
            Evidence::AnsweredNearer { hop, host_hop } => Some((*hop, *host_hop)),
            _ => None,
        });
        let Some((hop, host_hop)) = nearer else { continue };
        let address = diagnosis.endpoint.address;
        let by = view.bench.dossiers.get(&address).and_then(|dossier| {
            origin::origin(dossier, view.bench.control(address), TrailAnswer::Reached).by
        });
        let entry = by_hop.entry((hop, by)).or_insert((Vec::new(), host_hop));
        entry.0.push(address);
        entry.1 = entry.1.max(host_hop);
    }
    by_hop
        .into_iter()
        .flat_map(|((hop, by), (addresses, host_hop))| {
            let matter =
                Matter::AnsweredByPath { hop, host_hop: Some(host_hop).filter(|&host| host > hop), by };
            about(Severity::Warning, addresses, matter)
        })
        .collect()
}

/// The environment names a proxy and the direct way fails.
pub(super) fn proxy_configured(view: &View<'_>) -> Vec<Finding> {
    let failing = blocked(view);
    let vantage = &view.bench.case.vantage;
    let host = view.bench.case.target.host.to_string();
    if failing.is_empty() || is_exempt(&host, vantage.no_proxy.as_deref()) {
        return Vec::new();
    }
    let secure = view.bench.case.target.tls;
    let fitting = vantage.proxies.iter().find(|proxy| {
        let variable = proxy.variable.to_ascii_lowercase();
        variable.starts_with("all") || variable.contains("https") == secure
    });
    fitting
        .map(|proxy| Finding {
            severity: Severity::Warning,
            addresses: failing,
            matter: Matter::ProxyConfigured { variable: proxy.variable.clone(), value: proxy.value.clone() },
        })
        .into_iter()
        .collect()
}

/// Addresses of a family that this machine has no route for.
pub(super) fn ipv6_without_route(view: &View<'_>) -> Vec<Finding> {
    let routeless = view
        .having(|diagnosis| diagnosis.verdict == Verdict::NoRoute && diagnosis.endpoint.address.is_ipv6());
    about(Severity::Info, routeless, Matter::Ipv6WithoutRoute)
}

/// Echo goes unanswered where the service answers.
pub(super) fn ping_blocked(view: &View<'_>) -> Vec<Finding> {
    let quiet = view.having(|diagnosis| {
        diagnosis.ping.sent > 0 && diagnosis.ping.received == 0 && diagnosis.connect.succeeded > 0
    });
    about(Severity::Info, quiet, Matter::PingBlocked)
}

/// A router was silent at a TTL at which it answered others, or itself a moment later.
///
/// Where packets are lost, missing answers need no limit to explain them.
pub(super) fn icmp_rate_limited(view: &View<'_>) -> Vec<Finding> {
    if view.bench.dossiers.values().any(|dossier| dossier.is_partial()) {
        return Vec::new();
    }
    let mut stations: BTreeMap<u8, BTreeSet<IpAddr>> = BTreeMap::new();
    let mut silences: BTreeMap<u8, u32> = BTreeMap::new();
    for dossier in view.bench.dossiers.values() {
        let merged = dossier.merged_trail();
        let deepest = merged
            .iter()
            .rev()
            .find(|(_, answer)| **answer != TrailAnswer::Silence)
            .map_or(0, |(&ttl, _)| ttl);
        for (&ttl, answers) in dossier.trails.values().flatten() {
            for answer in answers {
                match answer {
                    TrailAnswer::Router(router) => {
                        stations.entry(ttl).or_default().insert(*router);
                    }
                    // Only silence in front of something that answered says anything about a router.
                    TrailAnswer::Silence if ttl <= deepest => *silences.entry(ttl).or_default() += 1,
                    _ => {}
                }
            }
        }
    }
    silences
        .into_iter()
        .filter(|&(_, times)| times >= 2)
        .filter_map(|(ttl, _)| stations.get(&ttl).filter(|routers| routers.len() == 1)?.first().copied())
        .map(|router| Finding {
            severity: Severity::Info,
            addresses: Vec::new(),
            matter: Matter::IcmpRateLimited { router },
        })
        .collect()
}

/// Addresses that fail below TLS for another reason than a missing route.
fn blocked(view: &View<'_>) -> Vec<IpAddr> {
    view.having(|diagnosis| diagnosis.verdict.is_below_tls() && diagnosis.verdict != Verdict::NoRoute)
}

/// The /24 (or /48) networks that hold failing addresses only, when they hold all of them and more than one.
fn telling_prefixes(failing: &[IpAddr], working: &[IpAddr]) -> Vec<String> {
    let good: BTreeSet<String> = working.iter().copied().map(prefix).collect();
    let bad: BTreeSet<String> = failing.iter().copied().map(prefix).collect();
    let telling = failing.len() > 1 && bad.len() < failing.len() && bad.is_disjoint(&good);
    if telling { bad.into_iter().collect() } else { Vec::new() }
}

fn prefix(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

/// Whether `NO_PROXY` exempts the host.
fn is_exempt(host: &str, no_proxy: Option<&str>) -> bool {
    let host = host.trim_end_matches('.');
    no_proxy.unwrap_or_default().split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let domain = entry.trim_start_matches('*').trim_start_matches('.');
        entry == "*" || host == domain || host.ends_with(&format!(".{domain}"))
    })
}

/// Whether the target was given as a name.
pub(super) fn is_name(view: &View<'_>) -> bool {
    matches!(view.bench.case.target.host, Host::Name(_))
}
