//! One path as `traceroute` prints it, with what `traceroute` does not know.

use std::net::IpAddr;

use reach_core::model::{Hop, ReplyKind, Responder, Route};

use super::{End, Labels, Trace, graph::Graph, ranges, rtt, tree};
use crate::{
    Style,
    clean::clean,
    layout::{Page, Role, Span},
    words::trace as words,
};

/// One route.
pub(super) fn route(page: &mut Page, trace: &Trace, route: &Route, labels: &Labels, style: &Style) {
    let lang = style.lang;
    let name = trace.name();
    let header = words::header(name.as_deref(), route, trace.plan.max_ttl, lang);
    page.paragraph("", "  ", &[Span::new(header, Role::Strong)]);
    let end = End::of(route);
    for hop in &route.hops {
        self::hop(page, trace, route, hop, &end, labels, style);
    }
    if route.hops.iter().any(|hop| hop.responders.len() > 1) {
        let graph = Graph::of(std::slice::from_ref(route));
        page.blank();
        tree::draw(page, &graph, trace, labels, style);
    }
    notes(page, trace, route, &end, style);
}

/// What is to be said of a route below its hops.
pub(super) fn notes(page: &mut Page, trace: &Trace, route: &Route, end: &End, style: &Style) {
    let lang = style.lang;
    let endpoint = route.endpoint;
    if let Some(text) = words::stopped(end, &[endpoint.address], endpoint.port, route.protocol, lang) {
        page.paragraph("", "  ", &[Span::new(text, role(end))]);
    }
    for line in remarks(route, style) {
        page.plain("", "  ", line);
    }
    if route.unable.is_none() {
        page.plain("", "  ", summary(trace, std::slice::from_ref(route), style));
    }
}

/// Remarks and the path MTU of a route.
pub(super) fn remarks(route: &Route, style: &Style) -> Vec<String> {
    let remarks = route.remarks.iter().map(|remark| words::remark(remark, style.lang));
    remarks.chain(route.mtu.iter().flat_map(|mtu| words::mtu(mtu, style.lang))).collect()
}

/// How sure the paths are complete, and what that took.
pub(super) fn summary(trace: &Trace, routes: &[Route], style: &Style) -> String {
    let lang = style.lang;
    let confidence = routes.first().map_or(trace.plan.confidence, |route| route.confidence);
    let mut unsure: Vec<u8> = routes.iter().flat_map(unsure).collect();
    unsure.sort_unstable();
    unsure.dedup();
    let sure = words::confidence(confidence, trace.plan.all_paths, &ranges(unsure, lang), lang);
    let packets = words::packets(routes.iter().fold(0, |sum, route| sum.saturating_add(route.packets)), lang);
    let took = crate::units::span(trace.finished.since(trace.case.started), lang);
    format!("{sure}; {packets}, {took}")
}

/// The hops of which it is not sure that all responders were seen. One that nobody answers at cannot be sure.
fn unsure(route: &Route) -> Vec<u8> {
    let hops = route.hops.iter().filter(|hop| !hop.complete && !hop.responders.is_empty());
    hops.filter(|hop| Some(hop.ttl) != route.distance).map(|hop| hop.ttl).collect()
}

fn hop(page: &mut Page, trace: &Trace, route: &Route, hop: &Hop, end: &End, labels: &Labels, style: &Style) {
    const REST: &str = "      ";
    let lang = style.lang;
    let mut first = format!("{:>3} ", hop.ttl);
    let told = told(hop, route, lang);
    if hop.responders.is_empty() {
        let stars = vec!["*"; hop.sent.clamp(1, u32::from(trace.plan.queries.max(1))) as usize].join(" ");
        let mut spans = vec![Span::plain(stars)];
        spans.extend(told.map(|told| Span::new(format!("  ({told})"), Role::Dim)));
        page.paragraph(&first, REST, &spans);
        return;
    }
    let last = hop.responders.len() - 1;
    for (place, responder) in hop.responders.iter().enumerate() {
        let mut spans = self::responder(responder, usize::from(trace.plan.queries), hop.ttl, route, labels);
        if is_end(responder, route) && responder.address == route.endpoint.address {
            spans.push(Span::plain("  "));
            spans.push(end_span(end, route, style));
        }
        if place == last {
            if let Some(balancing) = hop.balancing {
                let text = words::balancing(balancing, hop.responders.len(), lang);
                spans.push(Span::new(format!("  ({text})"), Role::Dim));
            }
            spans.extend(told.clone().map(|told| Span::new(format!("  ({told})"), Role::Warn)));
        }
        page.paragraph(&first, REST, &spans);
        "    ".clone_into(&mut first);
    }
}

fn told(hop: &Hop, route: &Route, lang: crate::Lang) -> Option<String> {
    // Behind the last answer the sentence below says what there is to say.
    let last = route.hops.iter().rposition(|hop| !hop.responders.is_empty());
    let beyond = last.is_none_or(|last| route.hops[last].ttl < hop.ttl);
    if beyond { None } else { words::loss(hop.loss, hop.sent, hop.received, lang) }
}

/// How a route ends, as a mark.
pub(super) fn end_span(end: &End, route: &Route, style: &Style) -> Span {
    Span::new(words::end_tag(end, route.protocol, style.lang), role(end))
}

/// How good an end is.
pub(super) const fn role(end: &End) -> Role {
    match end {
        End::Reached => Role::Good,
        End::Refused => Role::Warn,
        _ => Role::Bad,
    }
}

/// Whether an answer is the end of the path, rather than one more router.
pub(super) fn is_end(responder: &Responder, route: &Route) -> bool {
    responder.reply != ReplyKind::TimeExceeded || responder.address == route.endpoint.address
}

/// Who answered, with what is known of it, and the first round-trip times.
fn responder(responder: &Responder, queries: usize, ttl: u8, route: &Route, labels: &Labels) -> Vec<Span> {
    let mut spans = address(responder.address, labels);
    let shown = &responder.rtts[..responder.rtts.len().min(queries.max(1))];
    for &time in shown {
        spans.push(Span::plain(format!("  {}", rtt(time))));
    }
    if let Some(spread) = spread(&responder.rtts, shown.len()) {
        spans.push(Span::new(format!("  {spread}"), Role::Dim));
    }
    if let ReplyKind::Icmp(error) = responder.reply {
        let mut limits = route.mtu.iter().flat_map(|mtu| &mtu.limits);
        let mtu = limits.find(|limit| limit.by == Some(responder.address) || limit.ttl == ttl);
        spans.push(Span::new(format!("  {}", words::mark(error, mtu.map(|limit| limit.mtu))), Role::Bad));
    }
    for label in details(responder) {
        spans.push(Span::new(format!("  {label}"), Role::Dim));
    }
    spans
}

/// `name (address) [AS64500 Owner]`.
pub(super) fn address(address: IpAddr, labels: &Labels) -> Vec<Span> {
    let mut spans = match labels.name(address) {
        Some(name) => vec![Span::plain(name), Span::plain(format!(" ({address})"))],
        None => vec![Span::plain(address.to_string())],
    };
    spans.extend(labels.origin(address).map(|origin| Span::new(format!(" {origin}"), Role::Dim)));
    spans
}

/// The MPLS labels and interfaces that a router tells.
pub(super) fn details(responder: &Responder) -> Vec<String> {
    let mut details = Vec::new();
    if !responder.labels.is_empty() {
        let entries = responder.labels.iter().map(|label| {
            let bottom = u8::from(label.bottom);
            format!("L={},E={},S={bottom},T={}", label.label, label.class, label.ttl)
        });
        details.push(format!("[MPLS: {}]", entries.collect::<Vec<_>>().join("; ")));
    }
    for interface in &responder.interfaces {
        use reach_core::model::InterfaceRole::{Incoming, IncomingPart, NextHop, Outgoing};
        let role = match interface.role {
            Incoming => "in",
            IncomingPart => "in-part",
            Outgoing => "out",
            NextHop => "next-hop",
        };
        let mut parts: Vec<String> = Vec::new();
        parts.extend(interface.name.as_deref().map(clean));
        parts.extend(interface.address.map(|address| address.to_string()));
        parts.extend(interface.index.map(|index| format!("ifIndex {index}")));
        parts.extend(interface.mtu.map(|mtu| format!("MTU {mtu}")));
        if !parts.is_empty() {
            details.push(format!("[{role}: {}]", parts.join(", ")));
        }
    }
    details
}

/// The range of all round-trip times, where those that are shown would mislead.
fn spread(rtts: &[std::time::Duration], shown: usize) -> Option<String> {
    let told = &rtts[..shown];
    let (&least, &most) = (rtts.iter().min()?, rtts.iter().max()?);
    let (&told_least, &told_most) = (told.iter().min()?, told.iter().max()?);
    let apart = |a: std::time::Duration, b: std::time::Duration| {
        let difference = a.abs_diff(b);
        difference > std::time::Duration::from_millis(1) && difference > a.max(b) / 4
    };
    let telling = apart(least, told_least) || apart(most, told_most);
    telling.then(|| format!("({}..{}, n={})", rtt(least), rtt(most), rtts.len()))
}
