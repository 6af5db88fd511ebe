//! The bad member of an equal-cost group: flows through one router fail, and others do not.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::log::Log;
use crate::{
    model::{Hop, Remark, ReplyKind},
    stats::{self, Trials},
};

/// How improbable it has to be that a member loses no more than the others, over all members looked at.
const ALPHA: f64 = 0.001;
/// The member loses at least so many times the share of the others.
const WORSE: f64 = 3.0;
/// How sure it has to be that some flows fail, where the member itself cannot be seen.
const SPLIT: f64 = 0.95;

/// Flows that share one router at one hop.
struct Group {
    ttl: u8,
    member: Option<IpAddr>,
    flows: BTreeSet<u16>,
    own: Trials,
    others: Trials,
    p: f64,
}

/// Looks for a member that loses what is sent through it.
pub(super) fn bad_member(log: &Log, hops: &[Hop]) -> Option<Remark> {
    let tallies = tallies(log);
    if tallies.len() < 4 {
        return None;
    }
    let all: Vec<Trials> = tallies.values().copied().collect();
    let groups = groups(log, hops, &tallies);
    let tests = groups.len().max(1) as f64;
    let split = stats::weigh_flows(&all).split;
    let blamed = |group: &&Group| {
        let (lost, others_lost) = (share(group.own), share(group.others));
        // A silent member is known by nothing but its flows: then they have to be told by flow.
        let seen = group.member.is_some() || split > SPLIT;
        group.p * tests < ALPHA && lost > 0.0 && lost >= WORSE * others_lost && seen
    };
    let best = groups.iter().filter(blamed).min_by(|one, other| {
        one.p.total_cmp(&other.p).then(one.ttl.cmp(&other.ttl)).then(one.member.cmp(&other.member))
    })?;
    // Routers behind it on the same flows that still answer: the fault lies behind the last of them.
    let last = groups
        .iter()
        .filter(|group| group.ttl >= best.ttl && group.flows == best.flows && group.member.is_some())
        .filter(|group| group.ttl == best.ttl || answers_well(log, group, share(best.own)))
        .max_by_key(|group| group.ttl)
        .unwrap_or(best);
    let failing = |flow: &&u16| tallies.get(flow).is_some_and(|tally| tally.answered < tally.sent);
    Some(Remark::BadMember {
        ttl: last.ttl,
        member: last.member,
        after: spreader(hops, best.ttl),
        flows: last.flows.iter().filter(failing).copied().collect(),
        lost: share(last.own),
        others_lost: share(last.others),
    })
}

/// Packets to the endpoint itself, by flow.
fn tallies(log: &Log) -> BTreeMap<u16, Trials> {
    let mut tallies = BTreeMap::new();
    for (&flow, shots) in &log.ends {
        let settled = shots.values().filter(|shot| shot.is_certain());
        let (sent, answered) = settled.fold((0, 0), |(sent, answered), shot| {
            let came = shot.reply.as_ref().is_some_and(|reply| reply.kind == ReplyKind::Reached);
            (sent + shot.packets, answered + u32::from(came))
        });
        if sent > 0 {
            tallies.insert(flow, Trials { sent, answered });
        }
    }
    tallies
}

/// The flows tried end to end, grouped by whom they met at each hop that has more than one.
fn groups(log: &Log, hops: &[Hop], tallies: &BTreeMap<u16, Trials>) -> Vec<Group> {
    let mut groups = Vec::new();
    for hop in hops {
        let mut members: BTreeMap<Option<IpAddr>, BTreeSet<u16>> = BTreeMap::new();
        for &flow in tallies.keys() {
            let Some(shots) = log.hops.get(&hop.ttl).and_then(|flows| flows.get(&flow)) else { continue };
            if shots.values().all(|shot| shot.done.is_none()) {
                continue;
            }
            members.entry(log.met(hop.ttl, flow).map(|reply| reply.from)).or_default().insert(flow);
        }
        if members.len() < 2 {
            continue;
        }
        let sum = |flows: &mut dyn Iterator<Item = &u16>| {
            flows.filter_map(|flow| tallies.get(flow)).fold(Trials { sent: 0, answered: 0 }, |all, one| {
                Trials { sent: all.sent + one.sent, answered: all.answered + one.answered }
            })
        };
        for (member, flows) in &members {
            let own = sum(&mut flows.iter());
            let others =
                sum(&mut members.iter().filter(|(other, _)| *other != member).flat_map(|(_, flows)| flows));
            let lost = |trials: Trials| trials.sent.saturating_sub(trials.answered);
            let p = stats::fisher_greater(lost(own), own.answered, lost(others), others.answered);
            groups.push(Group { ttl: hop.ttl, member: *member, flows: flows.clone(), own, others, p });
        }
    }
    groups
}

fn share(trials: Trials) -> f64 {
    f64::from(trials.sent.saturating_sub(trials.answered)) / f64::from(trials.sent.max(1))
}

/// The packets of a group's flows that expire at its member are answered far more often than those to the endpoint.
fn answers_well(log: &Log, group: &Group, lost_behind: f64) -> bool {
    let flows = log.hops.get(&group.ttl).into_iter().flatten();
    let shots = flows.filter(|(flow, _)| group.flows.contains(flow)).flat_map(|(_, shots)| shots.values());
    let (sent, answered) = shots.filter(|shot| shot.is_certain()).fold((0, 0), |(sent, answered), shot| {
        (sent + shot.packets, answered + u32::from(shot.reply.is_some()))
    });
    sent > 0 && share(Trials { sent, answered }) < lost_behind / 2.0
}

/// The last hop before this one at which all flows meet the same router.
fn spreader(hops: &[Hop], ttl: u8) -> Option<IpAddr> {
    let before = hops.iter().rev().find(|hop| hop.ttl < ttl && hop.responders.len() == 1)?;
    before.responders.first().map(|responder| responder.address)
}
