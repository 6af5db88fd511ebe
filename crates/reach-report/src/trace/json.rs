//! What scripts rely on: `reach.trace/1`.

use std::{net::IpAddr, time::Duration};

use reach_core::{
    Time,
    model::{
        Field, Hop, HopLoss, InterfaceRole, Link, MplsLabel, Parting, PathMtu, Remark, ReplyKind, Responder,
        Route, RouterInterface,
    },
    stats,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{End, Labels, Trace, compare};
use crate::{
    Lang,
    clean::clean,
    units::{self, millis},
    words::{self, trace as said},
};

/// Two routes of one trace that were compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The place of the trace among the traces.
    pub trace: usize,
    /// The places of the two among its routes.
    pub pair: (usize, usize),
    /// Where they part.
    pub parting: Parting,
}

/// The document of `reach trace --json`. Sentences are in `lang`.
pub fn trace(
    traces: &[Trace],
    labels: &Labels,
    comparison: Option<&Comparison>,
    started: Time,
    finished: Time,
    version: &str,
    lang: Lang,
) -> Value {
    let vantage = traces.first().map(|trace| &trace.case.vantage);
    let all: Vec<Value> = traces
        .iter()
        .flat_map(|trace| trace.routes.iter().map(|route| path(trace, route, labels, lang)))
        .collect();
    let mut document = json!({
        "schema": "reach.trace/1",
        "version": version,
        "started_at": units::rfc3339(started),
        "finished_at": units::rfc3339(finished),
        "vantage": {
            "host": vantage.map(|vantage| clean(&vantage.host)).unwrap_or_default(),
            "sources": vantage.map(|vantage| vantage.sources.clone()).unwrap_or_default(),
            "raw_sockets": vantage.is_some_and(|vantage| vantage.raw_sockets),
        },
        "targets": traces.iter().map(target).collect::<Vec<_>>(),
        "paths": all,
    });
    if let Some(compared) = comparison.and_then(|comparison| compared(traces, comparison, lang)) {
        document["comparison"] = compared;
    }
    document
}

fn target(trace: &Trace) -> Value {
    json!({
        "target": clean(&trace.case.target.text),
        "host": trace.host(),
        "port": trace.case.target.port,
        "error": trace.resolution.error.map(words::resolution_error_code),
        "addresses": trace.routes.iter().map(|route| route.endpoint.address).collect::<Vec<_>>(),
    })
}

fn compared(traces: &[Trace], comparison: &Comparison, lang: Lang) -> Option<Value> {
    let routes = &traces.get(comparison.trace)?.routes;
    let (a, b) = (routes.get(comparison.pair.0)?, routes.get(comparison.pair.1)?);
    let Parting { common, parts } = &comparison.parting;
    Some(json!({
        "a": a.endpoint.address,
        "b": b.endpoint.address,
        "last_common": common.as_ref().map(|(ttl, addresses)| json!({ "ttl": ttl, "addresses": addresses })),
        "parts_at": parts,
        "text": compare::sentence((a, b), &comparison.parting, lang),
    }))
}

#[derive(Serialize)]
struct PathEntry<'a> {
    target: String,
    host: String,
    address: IpAddr,
    port: u16,
    protocol: &'static str,
    reached: bool,
    stopped: Option<&'static str>,
    by: Option<IpAddr>,
    distance: Option<u8>,
    name: Option<String>,
    asn: Option<u32>,
    owner: Option<String>,
    detail: String,
    hops: Vec<HopEntry<'a>>,
    links: &'a [Link],
    flows: Vec<FlowEntry<'a>>,
    confidence: Value,
    mtu: Option<MtuEntry>,
    remarks: Vec<Value>,
    unable: Option<String>,
    packets: u32,
}

#[derive(Serialize)]
struct HopEntry<'a> {
    ttl: u8,
    sent: u32,
    received: u32,
    responders: Vec<ResponderEntry<'a>>,
    balancing: Option<&'static str>,
    loss: Option<Value>,
    complete: bool,
}

#[derive(Serialize)]
struct ResponderEntry<'a> {
    address: IpAddr,
    name: Option<String>,
    asn: Option<u32>,
    owner: Option<String>,
    reply: &'static str,
    icmp: Option<Value>,
    sent: u32,
    received: u32,
    rtt_ms: Option<Value>,
    reply_ttl: Option<u8>,
    labels: Vec<Value>,
    interfaces: Vec<Value>,
    flows: &'a [u16],
}

#[derive(Serialize)]
struct FlowEntry<'a> {
    flow: u16,
    hops: &'a [Option<IpAddr>],
    sent: u32,
    answered: u32,
    rtt_ms: Option<Value>,
}

#[derive(Serialize)]
struct MtuEntry {
    bytes: u16,
    to_endpoint: bool,
    packets: &'static str,
    limits: Vec<Value>,
}

fn path(trace: &Trace, route: &Route, labels: &Labels, lang: Lang) -> Value {
    let end = End::of(route);
    let address = route.endpoint.address;
    let detail = said::stopped(&end, &[address], route.endpoint.port, route.protocol, lang);
    let entry = PathEntry {
        target: clean(&trace.case.target.text),
        host: trace.host(),
        address,
        port: route.endpoint.port,
        protocol: protocol(route.protocol),
        reached: end.is_reached(),
        stopped: if end.is_reached() { None } else { route.stopped.map(stopped) },
        by: route.by,
        distance: route.distance,
        name: labels.name(address),
        asn: labels.asn(address),
        owner: labels.owner(address),
        detail: detail.unwrap_or_else(|| said::end_tag(&end, route.protocol, lang)),
        hops: route.hops.iter().map(|hop| self::hop(hop, labels)).collect(),
        links: &route.links,
        flows: route
            .flows
            .iter()
            .map(|flow| FlowEntry {
                flow: flow.flow,
                hops: &flow.hops,
                sent: flow.sent,
                answered: flow.answered,
                rtt_ms: rtt(&flow.rtts),
            })
            .collect(),
        confidence: json!({
            "level": route.confidence.level,
            "whole_trace": route.confidence.whole_trace,
            "all_paths": trace.plan.all_paths,
        }),
        mtu: route.mtu.as_ref().map(mtu),
        remarks: route.remarks.iter().map(|remark| self::remark(remark, lang)).collect(),
        unable: route.unable.as_ref().map(|unable| words::obstacle(unable.why, lang)),
        packets: route.packets,
    };
    // Only maps with keys that are not strings can fail, and there are none.
    serde_json::to_value(entry).unwrap_or_default()
}

fn hop<'a>(hop: &'a Hop, labels: &Labels) -> HopEntry<'a> {
    HopEntry {
        ttl: hop.ttl,
        sent: hop.sent,
        received: hop.received,
        responders: hop.responders.iter().map(|responder| self::responder(responder, labels)).collect(),
        balancing: hop.balancing.map(said::balancing_code),
        loss: match hop.loss {
            HopLoss::None => None,
            HopLoss::RateLimited => Some(json!({ "kind": "rate-limited" })),
            HopLoss::Silent => Some(json!({ "kind": "silent" })),
            HopLoss::Forward { share } => Some(json!({ "kind": "forward", "share": share })),
        },
        complete: hop.complete,
    }
}

fn responder<'a>(responder: &'a Responder, labels: &Labels) -> ResponderEntry<'a> {
    let (reply, icmp) = match responder.reply {
        ReplyKind::TimeExceeded => ("time-exceeded", None),
        ReplyKind::Reached => ("reached", None),
        ReplyKind::Reset => ("reset", None),
        ReplyKind::Icmp(error) => {
            ("icmp", Some(json!({ "type": error.kind, "code": error.code, "mark": said::mark(error, None) })))
        }
    };
    ResponderEntry {
        address: responder.address,
        name: labels.name(responder.address),
        asn: labels.asn(responder.address),
        owner: labels.owner(responder.address),
        reply,
        icmp,
        sent: responder.sent,
        received: responder.received,
        rtt_ms: rtt(&responder.rtts),
        reply_ttl: responder.reply_ttl,
        labels: responder.labels.iter().map(label).collect(),
        interfaces: responder.interfaces.iter().map(interface).collect(),
        flows: &responder.flows,
    }
}

fn label(label: &MplsLabel) -> Value {
    json!({ "label": label.label, "class": label.class, "bottom": label.bottom, "ttl": label.ttl })
}

fn interface(interface: &RouterInterface) -> Value {
    json!({
        "role": match interface.role {
            InterfaceRole::Incoming => "incoming",
            InterfaceRole::IncomingPart => "incoming-part",
            InterfaceRole::Outgoing => "outgoing",
            InterfaceRole::NextHop => "next-hop",
        },
        "index": interface.index,
        "address": interface.address,
        "name": interface.name.as_deref().map(clean),
        "mtu": interface.mtu,
    })
}

fn mtu(mtu: &PathMtu) -> MtuEntry {
    MtuEntry {
        bytes: mtu.mtu,
        to_endpoint: mtu.to_endpoint,
        packets: protocol(mtu.packets),
        limits: mtu
            .limits
            .iter()
            .map(|limit| json!({ "ttl": limit.ttl, "bytes": limit.mtu, "by": limit.by }))
            .collect(),
    }
}

fn remark(remark: &Remark, lang: Lang) -> Value {
    let mut value = match remark {
        Remark::BadMember { ttl, member, after, flows, lost, others_lost } => json!({
            "ttl": ttl, "member": member, "after": after, "flows": flows, "lost": lost,
            "others_lost": others_lost,
        }),
        Remark::Translated { ttl } | Remark::ZeroTtlForwarding { ttl } => json!({ "ttl": ttl }),
        Remark::Rewritten { ttl, field, was, is } => {
            json!({ "ttl": ttl, "field": self::field(*field), "was": was, "is": is })
        }
        Remark::OptionsChanged { ttl, was, is } => json!({ "ttl": ttl, "was": was, "is": is }),
        Remark::Asymmetric { ttl, responder, back } => {
            json!({ "ttl": ttl, "responder": responder, "back": back })
        }
        Remark::Loop { ttl, address } => json!({ "ttl": ttl, "address": address }),
    };
    value["code"] = said::remark_code(remark).into();
    value["text"] = said::remark(remark, lang).into();
    value
}

const fn field(field: Field) -> &'static str {
    match field {
        Field::MaxSegment => "max-segment",
        Field::TrafficClass => "traffic-class",
        Field::Window => "window",
        Field::Ttl => "ttl",
    }
}

const fn protocol(protocol: reach_core::model::TraceProtocol) -> &'static str {
    use reach_core::model::TraceProtocol::{Icmp, Tcp, Udp};
    match protocol {
        Tcp => "tcp",
        Udp => "udp",
        Icmp => "icmp",
    }
}

const fn stopped(stopped: reach_core::model::Stopped) -> &'static str {
    use reach_core::model::Stopped::{Loop, Prohibited, Refused, ResetByPath, Silent, Unreachable};
    match stopped {
        Silent => "silent",
        Prohibited => "prohibited",
        Unreachable => "unreachable",
        Refused => "refused",
        ResetByPath => "reset-by-path",
        Loop => "loop",
    }
}

/// Least, middle, 95th percentile and most.
fn rtt(rtts: &[Duration]) -> Option<Value> {
    let mut sorted = rtts.to_vec();
    sorted.sort_unstable();
    let (least, most) = (sorted.first()?, sorted.last()?);
    let median = stats::median(sorted.iter().copied())?;
    let p95 = sorted[(sorted.len() * 95).div_ceil(100).saturating_sub(1)];
    Some(json!({
        "min": millis(*least), "median": millis(median), "p95": millis(p95), "max": millis(*most),
    }))
}
