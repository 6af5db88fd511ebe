//! What is worth telling about a route besides its hops, most of it from what routers quote of our packets.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::log::{Log, Reply};
use crate::{
    dossier::hops_back,
    model::{Field, Hop, Quote, Remark, ReplyKind},
};

/// Hops by which the way back has to differ from the way there.
const ASYMMETRIC: u8 = 3;

/// Everything but bad members.
pub(super) fn remarks(log: &Log, hops: &[Hop]) -> Vec<Remark> {
    let mut remarks = Vec::new();
    remarks.extend(translated(log));
    remarks.extend(rewritten(log, Field::MaxSegment, |quote| quote.tcp.as_ref()?.mss.map(u32::from)));
    remarks.extend(rewritten(log, Field::Window, |quote| Some(u32::from(quote.tcp.as_ref()?.window))));
    remarks.extend(rewritten(log, Field::TrafficClass, |quote| {
        Some(u32::from(quote.header.as_ref()?.traffic_class))
    }));
    remarks.extend(raised_ttl(log));
    remarks.extend(options(log));
    remarks.extend(asymmetric(hops));
    remarks.extend(circles(log));
    remarks
}

fn time_exceeded(log: &Log) -> impl Iterator<Item = (u8, u16, &Reply)> {
    log.hops.keys().flat_map(|&ttl| {
        let replies = log.replies(ttl).filter(|(_, reply)| reply.kind == ReplyKind::TimeExceeded);
        replies.map(move |(flow, reply)| (ttl, flow, reply))
    })
}

fn quotes(log: &Log) -> impl Iterator<Item = (u8, &Quote)> {
    time_exceeded(log).filter_map(|(ttl, _, reply)| Some((ttl, reply.quote.as_deref()?)))
}

/// The first hop at which a checksum is not ours. Where another packet to the same hop came unchanged, only one of
/// parallel paths translates, and the hop counts all the same.
fn translated(log: &Log) -> Option<Remark> {
    quotes(log)
        .find(|(_, quote)| quote.checksum_fits == Some(false))
        .map(|(ttl, _)| Remark::Translated { ttl })
}

/// Where a field changes from one hop that quotes it to the next. Hops that quote different values are passed over.
fn rewritten(log: &Log, field: Field, value: impl Fn(&Quote) -> Option<u32>) -> Vec<Remark> {
    let changes = changes(log, value);
    changes.into_iter().map(|(ttl, was, is)| Remark::Rewritten { ttl, field, was, is }).collect()
}

fn options(log: &Log) -> Vec<Remark> {
    let changes = changes(log, |quote| quote.tcp.as_ref().map(|tcp| tcp.options.clone()));
    changes.into_iter().map(|(ttl, was, is)| Remark::OptionsChanged { ttl, was, is }).collect()
}

fn changes<T: Ord + Clone>(log: &Log, value: impl Fn(&Quote) -> Option<T>) -> Vec<(u8, T, T)> {
    let mut by_hop: BTreeMap<u8, BTreeSet<T>> = BTreeMap::new();
    for (ttl, quote) in quotes(log) {
        by_hop.entry(ttl).or_default().extend(value(quote));
    }
    let mut known: Option<T> = None;
    let mut changes = Vec::new();
    for (ttl, values) in by_hop {
        let mut values = values.into_iter();
        let (Some(value), None) = (values.next(), values.next()) else { continue };
        if let Some(was) = known.filter(|was| *was != value) {
            changes.push((ttl, was, value.clone()));
        }
        known = Some(value);
    }
    changes
}

/// A packet whose TTL ran out has one left, or none, unless something raised it on the way.
fn raised_ttl(log: &Log) -> Option<Remark> {
    let raised =
        quotes(log).find_map(|(ttl, quote)| Some((ttl, quote.header?.ttl)).filter(|(_, left)| *left > 1));
    raised.map(|(ttl, left)| Remark::Rewritten { ttl, field: Field::Ttl, was: 1, is: u32::from(left) })
}

/// Each router from which on the way back has another length than the way there.
fn asymmetric(hops: &[Hop]) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut known = 0;
    let mut times: BTreeMap<IpAddr, u32> = BTreeMap::new();
    for responder in hops.iter().flat_map(|hop| &hop.responders) {
        *times.entry(responder.address).or_default() += 1;
    }
    for hop in hops {
        // Only routers: the endpoint's own initial TTL may be anything, and its distance is told by the hop.
        // A router in a loop answers at many hops, of which at most one is its own.
        let telling = hop.responders.iter().filter(|responder| {
            responder.reply == ReplyKind::TimeExceeded && times.get(&responder.address) == Some(&1)
        });
        for responder in telling {
            let Some(ttl) = responder.reply_ttl else { continue };
            let back = hops_back(ttl).saturating_add(1);
            let longer = i16::from(back) - i16::from(hop.ttl);
            if longer.unsigned_abs() >= u16::from(ASYMMETRIC) && longer != known {
                remarks.push(Remark::Asymmetric { ttl: hop.ttl, responder: responder.address, back });
            }
            known = longer;
        }
    }
    remarks
}

/// Routers that answer at more than one hop of one flow.
fn circles(log: &Log) -> Vec<Remark> {
    let mut paths: BTreeMap<u16, BTreeMap<u8, &Reply>> = BTreeMap::new();
    for (ttl, flow, reply) in time_exceeded(log) {
        paths.entry(flow).or_default().entry(ttl).or_insert(reply);
    }
    // Hops with one router are on the way of every flow.
    let mut common: BTreeMap<u8, &Reply> = BTreeMap::new();
    for (ttl, _, reply) in time_exceeded(log) {
        if log.responders(ttl).len() == 1 {
            common.entry(ttl).or_insert(reply);
        }
    }
    let mut loops: BTreeMap<IpAddr, u8> = BTreeMap::new();
    let mut skipped: BTreeSet<u8> = BTreeSet::new();
    for path in paths.values_mut().chain([&mut common]) {
        let hops: Vec<(u8, IpAddr)> = path.iter().map(|(&ttl, reply)| (ttl, reply.from)).collect();
        for (place, &(ttl, at)) in hops.iter().enumerate() {
            let again: Vec<u8> =
                hops[place + 1..].iter().filter(|(_, other)| *other == at).map(|(ttl, _)| *ttl).collect();
            let next_only = again == [ttl.saturating_add(1)];
            let goes_on = hops[place + 1..].iter().any(|(_, other)| *other != at);
            let between = hops[place + 1..]
                .iter()
                .any(|(between, other)| *other != at && again.iter().any(|again| between < again));
            let ran_out =
                path.get(&ttl).and_then(|reply| reply.quote.as_ref()?.header).map(|header| header.ttl);
            if again.is_empty() || loops.contains_key(&at) {
                continue;
            }
            if next_only && (ran_out == Some(0) || ran_out.is_none() && goes_on) {
                skipped.insert(ttl);
            } else if between {
                loops.insert(at, ttl);
            }
        }
    }
    let loops = loops.into_iter().map(|(address, ttl)| Remark::Loop { ttl, address });
    let skipped = skipped.into_iter().map(|ttl| Remark::ZeroTtlForwarding { ttl });
    let mut remarks: Vec<Remark> = loops.chain(skipped).collect();
    remarks.sort_by_key(|remark| match remark {
        Remark::Loop { ttl, .. } | Remark::ZeroTtlForwarding { ttl } => *ttl,
        _ => 0,
    });
    remarks
}
