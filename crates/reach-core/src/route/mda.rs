//! How many parallel paths there are, and how sure that is: the multipath detection algorithm (MDA; Veitch,
//! Augustin, Friedman, Teixeira, INFOCOM 2009) in its light form (MDA-Lite; Vermeulen, Strowes, Fourmaux, Friedman,
//! IMC 2018).
//!
//! Light means: the flows of a hop are counted as a whole, which is enough where a diamond is uniform (each router
//! has as many next hops as its neighbours) and not meshed. Where links show that it is not, each router of the
//! hop before has to be seen with enough flows of its own (*node control*).
//!
//! The tracer and the routes read the same [`census`], so what is asked and what is claimed never drift apart.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::log::{Log, Shot};
use crate::{
    model::{Balancing, Confidence, ReplyKind, TracePlan},
    stats,
};

/// The branchings that a confidence for the whole trace is divided among.
const BRANCHINGS: f64 = 30.0;
/// How improbable it has to be that packet by packet balancing looks like balancing by flow.
const SAME_BY_CHANCE: f64 = 0.005;
/// Flows that have to be known on both sides of each router for the test whether a diamond is meshed.
const MESH_FLOWS: usize = 2;
/// Tries without an answer after which a flow is silent at a hop where others are answered.
pub(crate) const SILENT_TRIES: usize = 3;

/// What is known of one hop, and how much has to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HopCensus {
    /// Each flow that was answered, with who answered it first.
    pub(crate) flows: BTreeMap<u16, IpAddr>,
    /// Flows that stay silent here while others are answered.
    pub(crate) silent: BTreeSet<u16>,
    /// How many different routers answered.
    pub(crate) width: usize,
    /// How many flows have to have been seen.
    pub(crate) needed: u32,
    /// Flows through one router of the hop before: those needed of it. Only where counting the hop as a whole is
    /// not enough.
    pub(crate) control: BTreeMap<IpAddr, Control>,
    /// Flows that have to be seen at the hop before, to tell whether the diamond is meshed.
    pub(crate) backward: Vec<u16>,
    /// Flows asked again that were answered again, and by another.
    pub(crate) repeats: u32,
    pub(crate) differing: u32,
    /// How many such repeats are needed to tell balancing by flow from balancing by packet.
    pub(crate) repeats_needed: u32,
    /// What they say.
    pub(crate) balancing: Option<Balancing>,
}

/// Flows through one router that are seen at the next hop, and how many have to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Control {
    pub(crate) seen: u32,
    pub(crate) needed: u32,
}

impl HopCensus {
    /// How many flows are known here.
    pub(crate) fn seen(&self) -> u32 {
        (self.flows.len() + self.silent.len()) as u32
    }

    /// The stopping rule is met.
    pub(crate) fn is_complete(&self) -> bool {
        self.width > 0
            && self.seen() >= self.needed
            && self.backward.is_empty()
            && self.control.values().all(|control| control.seen >= control.needed)
    }
}

/// The probability with which a branching may be missed.
pub(crate) fn alpha(confidence: Confidence) -> f64 {
    let level = if confidence.level.is_finite() { confidence.level.clamp(0.5, 0.999_999) } else { 0.95 };
    if confidence.whole_trace { 1.0 - level.powf(1.0 / BRANCHINGS) } else { 1.0 - level }
}

/// The census of every hop that was asked, up to the end of the longest path. `lost` tells of a packet without an
/// answer whether it still may get one.
pub(crate) fn census(
    log: &Log,
    plan: &TracePlan,
    lost: impl Fn(u8, &Shot) -> bool,
) -> BTreeMap<u8, HopCensus> {
    let alpha = alpha(plan.confidence);
    let end = log.end().unwrap_or(u8::MAX);
    let mut all: BTreeMap<u8, HopCensus> = BTreeMap::new();
    let mut branched = false;
    let mut by_packet = false;
    for (&ttl, flows) in log.hops.range(..=end) {
        let mut hop = HopCensus::default();
        for (&flow, shots) in flows {
            let mut answers = shots.values().filter_map(|shot| shot.reply.as_ref());
            if let Some(first) = answers.next() {
                hop.flows.insert(flow, first.from);
                for other in answers {
                    hop.repeats += 1;
                    hop.differing += u32::from(other.from != first.from);
                }
            } else if shots.len() >= SILENT_TRIES && shots.values().all(|shot| lost(ttl, shot)) {
                hop.silent.insert(flow);
            }
        }
        hop.width = log.responders(ttl).len();
        if hop.width == 0 {
            hop.silent.clear();
        }
        branched |= hop.width > 1;
        let before = ttl.checked_sub(1).and_then(|before| all.get(&before));
        let narrow = before.map_or(0, |before| before.width);
        rate(&mut hop, narrow, before.and_then(|before| before.balancing));
        by_packet |= hop.balancing == Some(Balancing::PerPacket);
        // Two flows that stay silent beside others that never are: a router that does not answer.
        let unseen = usize::from(hop.silent.len() >= 2 && hop.width > 0);
        let at_end = log.replies(ttl).all(|(_, reply)| reply.kind != ReplyKind::TimeExceeded);
        hop.needed = match hop.width {
            0 => 0,
            _ if !plan.all_paths => 1,
            // Where nothing branched, the end of the path cannot be several hops.
            _ if at_end && !branched => u32::from(plan.queries).clamp(1, stats::flows_needed(1, alpha)),
            width => stats::flows_needed((width + unseen) as u32, alpha),
        };
        if plan.all_paths
            && !by_packet
            && narrow > 1
            && hop.width > 1
            && hop.seen() >= hop.needed
            && let Some(before) = before
            && before.seen() >= before.needed
            && before.balancing == Some(Balancing::PerFlow)
        {
            links(before, &mut hop, alpha);
        }
        all.insert(ttl, hop);
    }
    all
}

/// Tells balancing by flow from balancing by packet where a hop is wider than the one before; behind it flows stay
/// as they are.
fn rate(hop: &mut HopCensus, narrow: usize, inherited: Option<Balancing>) {
    if hop.width < 2 {
        return;
    }
    if hop.width <= narrow && hop.repeats == 0 {
        hop.balancing = inherited;
        return;
    }
    let usual = (SAME_BY_CHANCE.ln() / (1.0 / hop.width as f64).ln()).ceil().max(2.0) as u32;
    // One other answer may be a path that changed.
    let by_packet = hop.differing > 1 || hop.differing == 1 && hop.repeats < 3;
    hop.repeats_needed = match hop.width > narrow {
        true if hop.differing == 1 => usual * 2,
        true => usual,
        false => 0,
    };
    hop.balancing = if by_packet {
        Some(Balancing::PerPacket)
    } else if hop.width <= narrow {
        inherited
    } else {
        (hop.repeats >= hop.repeats_needed).then_some(Balancing::PerFlow)
    };
}

/// Tests whether the links between two hops, both with several routers, are meshed or unevenly spread; if they
/// are, each router of the nearer hop is controlled by itself.
fn links(before: &HopCensus, hop: &mut HopCensus, alpha: f64) {
    let mut next: BTreeMap<IpAddr, BTreeSet<IpAddr>> = BTreeMap::new();
    let mut previous: BTreeMap<IpAddr, BTreeSet<IpAddr>> = BTreeMap::new();
    let mut joint: BTreeMap<IpAddr, u32> = BTreeMap::new();
    for (flow, &to) in &hop.flows {
        let Some(&from) = before.flows.get(flow) else { continue };
        next.entry(from).or_default().insert(to);
        previous.entry(to).or_default().insert(from);
        *joint.entry(from).or_default() += 1;
    }
    let degrees = |links: &BTreeMap<IpAddr, BTreeSet<IpAddr>>| {
        let most = links.values().map(BTreeSet::len).max().unwrap_or(0);
        let least = links.values().map(BTreeSet::len).min().unwrap_or(0);
        (least, most)
    };
    let (out, into) = (degrees(&next), degrees(&previous));
    let froms: BTreeSet<IpAddr> = before.flows.values().copied().collect();
    let meshed = match before.width.cmp(&hop.width) {
        Ordering::Less => into.1 > 1,
        Ordering::Equal => out.1 > 1 || into.1 > 1,
        Ordering::Greater => out.1 > 1,
    };
    let mut control = |needed: &dyn Fn(IpAddr) -> u32| {
        for &from in &froms {
            let seen = joint.get(&from).copied().unwrap_or(0);
            hop.control.insert(from, Control { seen, needed: needed(from) });
        }
    };
    let own_rule = |from: IpAddr| {
        let found = next.get(&from).map_or(1, |next| next.len() as u32);
        stats::flows_needed(found, alpha)
    };
    if meshed {
        return control(&own_rule);
    }
    // What is not seen to be meshed or uneven is not so once some flows of each router are known on both sides.
    if before.width < hop.width {
        let tos: BTreeSet<IpAddr> = hop.flows.values().copied().collect();
        for to in tos {
            let of = hop.flows.iter().filter(|(_, at)| **at == to).map(|(&flow, _)| flow);
            let (known, unknown): (Vec<u16>, Vec<u16>) = of.partition(|flow| before.flows.contains_key(flow));
            hop.backward.extend(unknown.into_iter().take(MESH_FLOWS.saturating_sub(known.len())));
        }
        if hop.backward.is_empty() && out.0 != out.1 {
            control(&own_rule);
        }
    } else if froms.iter().any(|from| joint.get(from).is_none_or(|&seen| (seen as usize) < MESH_FLOWS)) {
        control(&|_| MESH_FLOWS as u32);
    } else if into.0 != into.1 {
        control(&own_rule);
    }
}
