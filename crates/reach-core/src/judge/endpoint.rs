//! The ruling on one endpoint: the deepest truth that was proved, from the top of the table down.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use super::{Bench, Peer, Ruling, above_tcp, origin};
use crate::{
    dossier::{AttemptResult, Dossier},
    model::{EgressCount, Evidence, Gap, IcmpError, Obstacle, TrailAnswer, Verdict},
};

/// A neighbour that does not answer ARP or ND is given up after about a second at the earliest; a packet
/// filter that rejects does so at once.
const NEIGHBOUR_FAILURE: Duration = Duration::from_millis(800);
/// How probable it has to be that nothing passes before silence is called a block.
const FILTERED: f64 = 0.9;
/// How probable a split of flows has to be.
const SPLIT: f64 = 0.95;
/// How probable loss beyond 2 % has to be.
const LOSSY: f64 = 0.99;
/// SYN loss that no estimate may assume to be smaller when it weighs silence against loss.
const HEAVY_LOSS: f64 = 0.5;

/// Rules on one endpoint.
pub(super) fn rule(
    bench: &Bench<'_>,
    address: IpAddr,
    dossier: &Dossier,
    control: Option<Peer<'_>>,
) -> Ruling {
    let mut ruling = if dossier.attempts().next().is_none() {
        unable(dossier)
    } else if dossier.connected() > 0 {
        connected(bench, dossier, control)
    } else {
        refused_or_silent(bench, dossier, control)
    };
    if dossier.echo.not_permitted {
        ruling.gaps.push(Gap::PingNotPermitted);
    }
    if ruling.verdict.is_below_tls() && ruling.verdict != Verdict::NoRoute {
        match control {
            Some(peer) => ruling
                .evidence
                .push(Evidence::ControlAnswered { address: peer.address, rtt: peer.dossier.connect_rtt() }),
            None => ruling.gaps.push(Gap::NoControl),
        }
        if dossier.trails.is_empty() && ruling.verdict != Verdict::BlockedLocally {
            ruling.gaps.push(Gap::TrailNotFollowed);
        }
    }
    debug_assert!(bench.resolution.addresses.iter().any(|entry| entry.address == address));
    ruling
}

fn ruling(verdict: Verdict, confidence: f64, evidence: Vec<Evidence>) -> Ruling {
    Ruling { verdict, confidence, evidence, gaps: Vec::new(), by: None }
}

/// Nothing could be sent.
fn unable(dossier: &Dossier) -> Ruling {
    let Some(inability) = dossier.obstacles().next() else {
        return ruling(Verdict::Inconclusive, 0.0, Vec::new());
    };
    let evidence = vec![Evidence::LocalError { obstacle: inability.why, errno: inability.errno }];
    match inability.why {
        Obstacle::NoRoute => ruling(Verdict::NoRoute, 1.0, evidence),
        Obstacle::ForbiddenLocally => ruling(Verdict::BlockedLocally, 1.0, evidence),
        _ => ruling(Verdict::Inconclusive, 0.0, evidence),
    }
}

/// No attempt came about.
fn refused_or_silent(bench: &Bench<'_>, dossier: &Dossier, control: Option<Peer<'_>>) -> Ruling {
    let mut errors: BTreeMap<(IcmpError, IpAddr), (u32, Duration)> = BTreeMap::new();
    let mut resets = 0;
    for attempt in dossier.attempts() {
        match &attempt.result {
            AttemptResult::Icmp { error, by, rtt } => {
                let entry = errors.entry((*error, *by)).or_insert((0, *rtt));
                entry.0 += 1;
                entry.1 = entry.1.min(*rtt);
            }
            AttemptResult::Reset { .. } => resets += 1,
            _ => {}
        }
    }
    let local = |by: IpAddr| by.is_loopback() || bench.case.vantage.sources.contains(&by);
    let is_neighbour_failure = |error: IcmpError, by: IpAddr, rtt: Duration| {
        local(by)
            && error.is_unreachable()
            && error.code == if error.v6 { 3 } else { 1 }
            && rtt >= NEIGHBOUR_FAILURE
    };
    let received = |wanted: &dyn Fn(IcmpError, IpAddr, Duration) -> bool| {
        errors
            .iter()
            .filter(|&(&(error, by), &(_, rtt))| wanted(error, by, rtt))
            .max_by_key(|(_, (times, _))| *times)
            .map(|(&(error, by), &(times, _))| (by, Evidence::IcmpReceived { error, by, times }))
    };

    if let Some((by, evidence)) =
        received(&|error, by, rtt| local(by) && !is_neighbour_failure(error, by, rtt))
    {
        return Ruling { by: known(by), ..ruling(Verdict::BlockedLocally, 1.0, vec![evidence]) };
    }
    if let Some(evidence) = stopped_here(dossier, resets > 0) {
        return ruling(Verdict::BlockedLocally, 1.0, vec![evidence]);
    }
    if let Some((by, evidence)) = received(&|error, _, _| error.is_prohibited()) {
        return Ruling { by: known(by), ..ruling(Verdict::Prohibited, 1.0, vec![evidence]) };
    }
    if let Some((by, evidence)) = received(&|_, _, _| true) {
        return Ruling { by: known(by), ..ruling(Verdict::Unreachable, 1.0, vec![evidence]) };
    }
    if resets > 0 {
        return reset(dossier, control, resets);
    }
    silent(bench, dossier)
}

/// An address that is one: the unspecified one stands for a sender that the kernel did not name.
fn known(by: IpAddr) -> Option<IpAddr> {
    Some(by).filter(|by| !by.is_unspecified())
}

/// What shows that this machine itself stops the SYNs or the replies.
fn stopped_here(dossier: &Dossier, reset: bool) -> Option<Evidence> {
    let refused = dossier
        .attempts()
        .filter(|attempt| matches!(attempt.result, AttemptResult::Silent { refused_here: true, .. }))
        .count() as u32;
    if refused >= 2 {
        return Some(Evidence::StackRefused { attempts: refused });
    }
    dossier.egress.values().find_map(|count| edge_evidence(*count, reset))
}

fn edge_evidence(count: EgressCount, reset: bool) -> Option<Evidence> {
    let EgressCount { sent, captured, counters, .. } = count;
    if sent == 0 {
        return None;
    }
    // Packets that the local stack was asked to send and that never went to an interface: other traffic of the
    // host does not change the difference. Where the kernel does not count it, the interface's own count has to do.
    let withheld = counters.and_then(|counters| {
        let withheld = counters.out_requests.saturating_sub(counters.out_transmits?);
        Some(withheld.saturating_mul(4) >= u64::from(sent) * 3)
    });
    let few_left = counters.map(|counters| counters.interface_sent.saturating_mul(2) < u64::from(sent));
    if let Some(captured) = captured {
        // Address translation on this machine hides packets from a capture that looks for their old addresses.
        let counted = withheld == Some(true) || few_left == Some(true) || counters.is_none();
        if captured.left == 0 && counted {
            return Some(Evidence::NeverLeft { sent, left: 0, captured: true });
        }
        let most_returned = u64::from(captured.returned) * 4 >= u64::from(sent) * 3;
        let lost_here = !reset && count.answered == 0 && most_returned;
        return lost_here
            .then_some(Evidence::RepliesDroppedHere { returned: captured.returned, captured: true });
    }
    let counters = counters?;
    if withheld == Some(true) || few_left == Some(true) {
        let transmitted =
            counters.out_transmits.map(|transmits| counters.out_requests.saturating_sub(transmits));
        let left = u64::from(sent).saturating_sub(transmitted.unwrap_or(u64::from(sent)));
        return Some(Evidence::NeverLeft { sent, left: left as u32, captured: false });
    }
    // Other traffic of the host is in these counters, but what it adds is delivered: only packets that the
    // host itself throws away make the two differ, at least three for four SYNs.
    let undelivered = counters.in_receives.saturating_sub(counters.in_delivers);
    let lost_here = !reset && count.answered == 0 && undelivered.saturating_mul(4) >= u64::from(sent) * 3;
    let returned = u32::try_from(undelivered).unwrap_or(u32::MAX);
    lost_here.then_some(Evidence::RepliesDroppedHere { returned, captured: false })
}

fn reset(dossier: &Dossier, control: Option<Peer<'_>>, times: u32) -> Ruling {
    let origin = origin::origin(dossier, control, TrailAnswer::Reset);
    let evidence = vec![
        Evidence::ResetReceived { times },
        Evidence::ResetFrom {
            first_ttl: origin.first_ttl,
            origin_hop: origin.hop,
            host_hop: origin.host_hop,
        },
    ];
    if origin.nearer {
        return Ruling { by: origin.by, ..ruling(Verdict::ResetByPath, 0.95, evidence) };
    }
    let mut ruling = ruling(Verdict::Refused, if origin.host_hop.is_some() { 0.99 } else { 0.9 }, evidence);
    if origin.host_hop.is_none() {
        ruling.gaps.push(Gap::HostDistanceUnknown);
    }
    ruling
}

fn silent(bench: &Bench<'_>, dossier: &Dossier) -> Ruling {
    let (syns, _) = dossier.syns();
    // Where other addresses lose packets, silence has to be longer before it says more than that.
    let loss_about = bench
        .dossiers
        .values()
        .map(Dossier::weighed_syns)
        .filter(|&(sent, answered)| answered > 0 && sent >= 8)
        .map(|(sent, answered)| f64::from(sent - answered) / f64::from(sent))
        .fold(HEAVY_LOSS, f64::max);
    let by_loss = loss_about.min(0.95).powi(syns as i32) * 9.0;
    let confidence = dossier.flow_posterior().dead.min(1.0 / (1.0 + by_loss));
    let attempts = || dossier.attempts();
    let first = attempts().map(|attempt| attempt.sent).min().unwrap_or_default();
    let last = attempts().map(|attempt| attempt.done).max().unwrap_or_default();
    let flows = dossier.flow_tallies().len() as u32;
    let mut evidence = vec![Evidence::SynsUnanswered { syns, flows, over: last.since(first) }];
    if confidence < FILTERED {
        return ruling(Verdict::Inconclusive, confidence, evidence);
    }
    let last_router = dossier.merged_trail().into_iter().rev().find_map(|(ttl, answer)| match answer {
        TrailAnswer::Router(router) => Some((ttl, router)),
        _ => None,
    });
    if !dossier.trails.is_empty() {
        evidence.push(Evidence::TrailEnds {
            last: last_router.map(|(_, router)| router),
            ttl: last_router.map_or(0, |(ttl, _)| ttl),
        });
    }
    let mut ruling = ruling(Verdict::Filtered, confidence, evidence);
    if last_router.is_none() && dossier.egress.is_empty() {
        ruling.gaps.push(Gap::LocalEdgeUnknown);
    }
    ruling
}

/// Some attempt came about.
fn connected(bench: &Bench<'_>, dossier: &Dossier, control: Option<Peer<'_>>) -> Ruling {
    let (syns, answered) = dossier.weighed_syns();
    let posterior = dossier.flow_posterior();
    // What runs out while many connections are open also loses some single ones, in ways that look like
    // anything: then that is what is to be told, and not a path that loses packets.
    let runs_out = bench.dossiers.values().any(|dossier| dossier.capacity().is_some());
    if runs_out {
        return above_tcp::rule(bench, dossier);
    }
    // One flow that failed once more often than others is not enough to speak of a dead path.
    let failing = || dossier.weighed_tallies().into_iter().filter(|flow| flow.answered == 0);
    let is_split = failing().count() >= 2 || failing().any(|flow| flow.syns >= 4);
    if posterior.split > SPLIT && is_split {
        let tallies = dossier.flow_tallies();
        let ports = |passing: bool| {
            tallies
                .iter()
                .filter(|flow| (flow.answered > 0) == passing)
                .map(|flow| flow.source_port)
                .collect::<Vec<u16>>()
        };
        let evidence = vec![
            Evidence::FlowsSplit { passing: ports(true), failing: ports(false) },
            Evidence::SynsAnswered { answered, syns },
        ];
        return ruling(Verdict::FlowDependent, posterior.split, evidence);
    }
    let lossy_flows = dossier.weighed_tallies().iter().filter(|flow| flow.answered < flow.syns).count();
    // The sum of two rounded shares may stand a hair above one.
    let some_are_lost = (posterior.lossy + posterior.split).min(1.0);
    if lossy_flows >= 2 && some_are_lost > LOSSY {
        let evidence = vec![Evidence::LossMeasured { lost: syns - answered, sent: syns }];
        return ruling(Verdict::Lossy, some_are_lost, evidence);
    }
    let mut ruling = above_tcp::rule(bench, dossier);
    let origin = origin::origin(dossier, control, TrailAnswer::Reached);
    if let (true, Some(hop)) = (origin.nearer, origin.hop.or(origin.first_ttl)) {
        let host_hop = origin.host_hop.or(origin.first_ttl).unwrap_or(hop);
        ruling.evidence.push(Evidence::AnsweredNearer { hop, host_hop });
        if ruling.verdict != Verdict::Ok {
            ruling.by = ruling.by.or(origin.by);
        }
    }
    ruling
}
