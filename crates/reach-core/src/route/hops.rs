//! Hops, links and flows as a log shows them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{log::Log, mda::HopCensus};
use crate::{
    model::{FlowPath, Hop, HopLoss, Link, ReplyKind, Responder, TracePlan},
    stats,
};

/// How improbable it has to be that losses which are told apart are alike.
const LOSS_ALPHA: f64 = 0.02;
/// Losses that are too few to speak of.
const FEW: u32 = 3;

/// All hops from the first asked up to the end of the longest path; where no end is known one silent hop behind the last that answers.
pub(super) fn hops(log: &Log, census: &BTreeMap<u8, HopCensus>, plan: &TracePlan) -> Vec<Hop> {
    let answered = log.hops.keys().copied().filter(|&ttl| log.replies(ttl).next().is_some());
    let Some(&asked) = log.hops.keys().next_back() else { return Vec::new() };
    let last = log.end().unwrap_or_else(|| answered.max().unwrap_or(0).saturating_add(1)).min(asked);
    (plan.first_ttl.max(1)..=last).map(|ttl| hop(log, ttl, census.get(&ttl), plan)).collect()
}

/// Says what missing answers mean. Flows that a bad member loses are left out: they say nothing of the others.
pub(super) fn explain_losses(
    log: &Log,
    hops: &mut [Hop],
    plan: &TracePlan,
    bad: Option<(u8, Option<IpAddr>)>,
) {
    let without = bad.map(|(ttl, member)| {
        let goes_there = |flow: &u16| log.met(ttl, *flow).map(|reply| reply.from) == member;
        let mut rest = log.clone();
        for (_, flows) in rest.hops.range_mut(ttl..) {
            flows.retain(|flow, _| !goes_there(flow));
        }
        rest.ends.retain(|flow, _| !goes_there(flow));
        rest
    });
    let log = without.as_ref().unwrap_or(log);
    let seen: Vec<Hop> = hops.iter().map(|of| hop(log, of.ttl, None, plan)).collect();
    for (hop, loss) in hops.iter_mut().zip(losses(log, &seen)) {
        hop.loss = loss;
    }
}

fn hop(log: &Log, ttl: u8, census: Option<&HopCensus>, plan: &TracePlan) -> Hop {
    let mut responders: BTreeMap<(IpAddr, ReplyKind), Responder> = BTreeMap::new();
    let mut arrivals: BTreeMap<(IpAddr, ReplyKind), Vec<_>> = BTreeMap::new();
    let (mut sent, mut received) = (0, 0);
    let heard = log.replies(ttl).next().is_some();
    for shots in log.hops.get(&ttl).into_iter().flat_map(BTreeMap::values) {
        for (&id, shot) in shots.iter().filter(|(_, shot)| shot.done.is_some()) {
            // Where others are answered, a packet given up early is not a lost one.
            sent += if heard && shot.cut_short { 0 } else { shot.packets };
            let Some(reply) = &shot.reply else { continue };
            received += 1;
            arrivals.entry((reply.from, reply.kind)).or_default().push((shot.done, id, reply));
        }
    }
    for ((address, kind), mut replies) in arrivals {
        replies.sort_unstable_by_key(|(done, id, _)| (*done, *id));
        let labels = replies.iter().rev().find_map(|(.., reply)| {
            reply.quote.as_ref().map(|quote| quote.labels.clone()).filter(|labels| !labels.is_empty())
        });
        let interfaces: BTreeSet<_> = replies
            .iter()
            .filter_map(|(.., reply)| reply.quote.as_ref())
            .flat_map(|quote| quote.interfaces.iter().cloned())
            .collect();
        let responder = Responder {
            address,
            reply: kind,
            flows: Vec::new(),
            sent: 0,
            received: replies.len() as u32,
            rtts: replies.iter().map(|(.., reply)| reply.rtt).collect(),
            reply_ttl: replies.iter().rev().find_map(|(.., reply)| reply.reply_ttl),
            labels: labels.unwrap_or_default(),
            interfaces: interfaces.into_iter().collect(),
        };
        responders.insert((address, kind), responder);
    }
    for (&flow, shots) in log.hops.get(&ttl).into_iter().flatten() {
        let settled = shots.values().filter(|shot| shot.is_certain());
        let packets: u32 = settled.clone().map(|shot| shot.packets).sum();
        let met: BTreeSet<_> =
            settled.filter_map(|shot| shot.reply.as_ref()).map(|reply| (reply.from, reply.kind)).collect();
        for key in met {
            if let Some(responder) = responders.get_mut(&key) {
                responder.flows.push(flow);
                responder.sent += packets;
            }
        }
    }
    let mut responders: Vec<Responder> = responders.into_values().collect();
    responders
        .sort_by_key(|responder| (std::cmp::Reverse(responder.received), responder.address, responder.reply));
    Hop {
        ttl,
        sent,
        received,
        responders,
        balancing: census.and_then(|census| census.balancing),
        loss: HopLoss::None,
        complete: plan.all_paths && census.is_some_and(HopCensus::is_complete),
    }
}

/// What the missing answers of each hop mean.
fn losses(log: &Log, hops: &[Hop]) -> Vec<HopLoss> {
    let ends = log.ends.values().flat_map(BTreeMap::values).filter(|shot| shot.is_certain());
    let (end_sent, end_received) = ends.fold((0, 0), |(sent, received), shot| {
        (sent + shot.packets, received + u32::from(shot.reply.is_some()))
    });
    let last = hops.iter().rposition(|hop| hop.received > 0);
    let lost = |hop: &Hop| hop.sent.saturating_sub(hop.received);
    // What came, and what did not, of the packets for hops that answer at all and for the endpoint.
    let pool = |hops: &[Hop], with_end: bool| {
        let heard = hops.iter().filter(|hop| hop.received > 0);
        let end = if with_end && end_received > 0 {
            (end_received, end_sent.saturating_sub(end_received))
        } else {
            (0, 0)
        };
        heard.fold(end, |(come, gone), hop| (come + hop.received, gone + lost(hop)))
    };
    let limited = |place: usize| {
        let (come, gone) = pool(&hops[place + 1..], true);
        let hop = &hops[place];
        come > 0 && stats::fisher_greater(lost(hop), hop.received, gone, come) < LOSS_ALPHA
    };
    let onset = onset(hops, &limited, &pool);
    hops.iter()
        .enumerate()
        .map(|(place, hop)| {
            let heard_behind = last.is_some_and(|last| last > place) || end_received > 0;
            if hop.sent == 0 || lost(hop) == 0 {
                HopLoss::None
            } else if hop.received == 0 {
                if heard_behind { HopLoss::Silent } else { HopLoss::None }
            } else if limited(place) {
                HopLoss::RateLimited
            } else {
                match onset {
                    Some((from, share)) if place >= from => HopLoss::Forward { share },
                    _ => HopLoss::None,
                }
            }
        })
        .collect()
}

/// Packets answered and lost at some hops, and at the endpoint if that is wanted.
type Pool<'a> = dyn Fn(&[Hop], bool) -> (u32, u32) + 'a;

/// From which hop on packets are lost for everything behind it, and how many of them.
fn onset(hops: &[Hop], limited: &dyn Fn(usize) -> bool, pool: &Pool<'_>) -> Option<(usize, f64)> {
    let telling: Vec<Hop> = hops
        .iter()
        .enumerate()
        .map(|(place, hop)| if limited(place) { Hop::default() } else { hop.clone() })
        .collect();
    let share = |(come, gone): (u32, u32)| f64::from(gone) / f64::from((come + gone).max(1));
    let candidates = (0..telling.len()).filter(|&place| telling[place].received > 0);
    let best = candidates
        .map(|place| {
            let before = pool(&telling[..place], false);
            let behind = pool(&telling[place..], true);
            (stats::fisher_greater(behind.1, behind.0, before.1, before.0), place, behind, before)
        })
        .filter(|(_, _, behind, _)| behind.1 >= FEW)
        .min_by(|one, other| one.0.total_cmp(&other.0));
    let (p, place, behind, before) = best?;
    if p < LOSS_ALPHA / telling.len().max(1) as f64 {
        return Some((place, share(behind)));
    }
    // No hop before that loses less: the first link, where the loss is more than a few packets.
    let whole = pool(&telling, true);
    let everywhere = whole.1 >= FEW && share(whole) > 0.02 && share(before) > 0.0;
    everywhere.then(|| (telling.iter().position(|hop| hop.received > 0).unwrap_or(0), share(whole)))
}

/// Who follows whom on the same flow. Where a flow was asked at one of two neighbouring hops only, and the other
/// has a single router by the stopping rule, every flow goes through that.
pub(super) fn links(log: &Log, census: &BTreeMap<u8, HopCensus>) -> Vec<Link> {
    type Ends = BTreeSet<Option<IpAddr>>;
    let answers = |ttl: u8, flow: u16| -> Option<Ends> {
        let shots = log.hops.get(&ttl)?.get(&flow)?;
        let mut settled = shots.values().filter(|shot| shot.done.is_some()).peekable();
        settled.peek()?;
        let met: Ends =
            settled.filter_map(|shot| shot.reply.as_ref()).map(|reply| Some(reply.from)).collect();
        Some(if met.is_empty() { BTreeSet::from([None]) } else { met })
    };
    let single = |ttl: u8| -> Option<Ends> {
        let hop = census.get(&ttl).filter(|hop| hop.width == 1 && hop.is_complete())?;
        Some(hop.flows.values().take(1).map(|&at| Some(at)).collect())
    };
    let mut links: BTreeMap<(u8, Option<IpAddr>, Option<IpAddr>), BTreeSet<u16>> = BTreeMap::new();
    let end = log.end().unwrap_or(u8::MAX);
    let nobody = BTreeMap::new();
    for &ttl in log.hops.keys().filter(|&&ttl| ttl <= end) {
        let near = ttl.checked_sub(1).and_then(|before| log.hops.get(&before)).unwrap_or(&nobody);
        let far = log.hops.get(&ttl).unwrap_or(&nobody);
        let flows: BTreeSet<u16> = near.keys().chain(far.keys()).copied().collect();
        for flow in flows {
            let from = match ttl {
                0 | 1 => Some(BTreeSet::from([None])),
                _ => answers(ttl - 1, flow).or_else(|| single(ttl - 1)),
            };
            let to = answers(ttl, flow).or_else(|| single(ttl));
            let (Some(froms), Some(tos)) = (from, to) else { continue };
            // Where packets of one flow go different ways, who follows whom cannot be told.
            if froms.len() > 1 && tos.len() > 1 || ended(log, flow, ttl) {
                continue;
            }
            for &from in &froms {
                for &to in &tos {
                    if from.is_some() || to.is_some() {
                        links.entry((ttl, from, to)).or_default().insert(flow);
                    }
                }
            }
        }
    }
    links
        .into_iter()
        .map(|((ttl, from, to), flows)| Link { ttl, from, to, flows: flows.into_iter().collect() })
        .collect()
}

/// The path of a flow ended before this hop.
fn ended(log: &Log, flow: u16, ttl: u8) -> bool {
    log.hops
        .range(..ttl)
        .any(|(&before, _)| log.met(before, flow).is_some_and(|reply| reply.kind != ReplyKind::TimeExceeded))
}

/// What each flow met.
pub(super) fn flows(log: &Log) -> Vec<FlowPath> {
    let mut flows: BTreeMap<u16, FlowPath> = BTreeMap::new();
    let end = log.end().unwrap_or(u8::MAX);
    for (&ttl, asked) in log.hops.range(..=end) {
        for (&flow, shots) in asked {
            let Some(reply) = shots.values().find_map(|shot| shot.reply.as_ref()) else { continue };
            if ended(log, flow, ttl) {
                continue;
            }
            let path = flows.entry(flow).or_insert_with(|| FlowPath { flow, ..FlowPath::default() });
            let place = usize::from(ttl.max(1)) - 1;
            if path.hops.len() <= place {
                path.hops.resize(place + 1, None);
            }
            path.hops[place] = Some(reply.from);
        }
    }
    for (&flow, shots) in &log.ends {
        let path = flows.entry(flow).or_insert_with(|| FlowPath { flow, ..FlowPath::default() });
        for shot in shots.values().filter(|shot| shot.is_certain()) {
            path.sent += shot.packets;
            if let Some(reply) = shot.reply.as_ref().filter(|reply| reply.kind == ReplyKind::Reached) {
                path.answered += 1;
                path.rtts.push(reply.rtt);
            }
        }
    }
    flows.into_values().collect()
}

/// Packets sent.
pub(super) fn packets(log: &Log) -> u32 {
    let shots = log.hops.values().chain([&log.ends]).flat_map(BTreeMap::values).flat_map(BTreeMap::values);
    let sized = log.sized.values().map(|sized| &sized.shot);
    shots.chain(sized).filter(|shot| shot.done.is_some()).map(|shot| shot.packets).sum()
}
