//! The routers between here and the addresses: what paths have in common once, and where they are cut.

use std::{collections::BTreeMap, net::IpAddr};

use reach_core::model::{
    Confidence, Diagnosis, EndpointDiagnosis, Hop, HopLoss, Link, Location, ReplyKind, Responder, Route,
    Stopped, TraceProtocol, TrailAnswer, Verdict,
};

use super::Drawing;
use crate::{
    Lang,
    trace::{
        Labels,
        picture::{self, EndWords},
    },
    units,
    words::{self, chart as said},
};

/// So many addresses of those that end alike are named in the picture.
const NAMED: usize = 4;

/// The paths as a check found them, by the trails of its addresses. `None` where no trail was followed.
pub fn paths(diagnosis: &Diagnosis, title: String, lang: Lang) -> Option<Drawing> {
    let groups = groups(diagnosis);
    if groups.is_empty() {
        return None;
    }
    let routes: Vec<Route> = groups.iter().map(|(endpoint, location, _)| route(endpoint, location)).collect();
    let controls = diagnosis.endpoints.iter().filter_map(|endpoint| endpoint.location.as_ref()?.control);
    let controls: Vec<IpAddr> = controls.collect();
    let ends: BTreeMap<usize, EndWords> = groups
        .iter()
        .enumerate()
        .map(|(number, (endpoint, _, addresses))| (number, end(endpoint, addresses, &controls, lang)))
        .collect();
    let mut drawing = picture::picture(&routes, &Labels::default(), &ends, lang);
    drawing.title = title;
    drawing.description = description(&groups, diagnosis, lang);
    Some(drawing)
}

/// The paths as a trace found them.
pub fn traced_paths(routes: &[Route], labels: &Labels, title: String, lang: Lang) -> Drawing {
    let mut drawing = picture::picture(routes, labels, &BTreeMap::new(), lang);
    drawing.title = title;
    drawing.description = picture::described(routes, lang);
    drawing
}

type Group<'a> = (&'a EndpointDiagnosis, &'a Location, Vec<IpAddr>);

/// Addresses that are judged alike over the same trail are one branch of the picture.
fn groups(diagnosis: &Diagnosis) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for endpoint in &diagnosis.endpoints {
        let Some(location) = &endpoint.location else { continue };
        let alike = |group: &&mut Group<'_>| {
            let (other, there, _) = group;
            other.verdict == endpoint.verdict
                && there.ttl == location.ttl
                && there.by == location.by
                && there.trail == location.trail
        };
        match groups.iter_mut().find(alike) {
            Some((.., addresses)) => addresses.push(endpoint.endpoint.address),
            None => groups.push((endpoint, location, vec![endpoint.endpoint.address])),
        }
    }
    groups
}

/// A fault that lets connections come about: the packets do arrive.
const fn arrives(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Ok
        | Verdict::Lossy
        | Verdict::ClosedEarly
        | Verdict::MtuBlackhole
        | Verdict::Untrusted
        | Verdict::TlsFailed
        | Verdict::Silent
        | Verdict::HttpError => true,
        Verdict::NoRoute
        | Verdict::BlockedLocally
        | Verdict::Prohibited
        | Verdict::Unreachable
        | Verdict::Refused
        | Verdict::ResetByPath
        | Verdict::Filtered
        | Verdict::FlowDependent
        | Verdict::NameBlocked
        | Verdict::Inconclusive => false,
    }
}

/// A trail as a route of one flow.
fn route(endpoint: &EndpointDiagnosis, location: &Location) -> Route {
    let arrives = arrives(endpoint.verdict);
    let address = endpoint.endpoint.address;
    // What a name is cut behind is nearer than where its connection goes.
    let farthest = match endpoint.verdict {
        Verdict::NameBlocked => location.ttl,
        Verdict::BlockedLocally => 0,
        _ => u8::MAX,
    };
    let mut hops: BTreeMap<u8, Hop> = BTreeMap::new();
    let mut distance = None;
    for hop in location.trail.iter().filter(|hop| hop.ttl <= farthest) {
        let answer = match hop.answer {
            TrailAnswer::Router(router) => Some((router, ReplyKind::TimeExceeded)),
            TrailAnswer::Reached => {
                distance = Some(distance.map_or(hop.ttl, |least: u8| least.min(hop.ttl)));
                Some((address, ReplyKind::Reached))
            }
            TrailAnswer::Reset => Some((address, ReplyKind::Reset)),
            TrailAnswer::Icmp(error, by) => Some((by, ReplyKind::Icmp(error))),
            TrailAnswer::Silence => None,
        };
        hops.insert(hop.ttl, self::hop(hop.ttl, answer));
    }
    let last = hops.keys().next_back().copied().unwrap_or(0);
    let mut before = None;
    let links = hops.values().map(|hop| {
        let to = hop.responders.first().map(|responder| responder.address);
        Link { ttl: hop.ttl, from: std::mem::replace(&mut before, to), to, flows: vec![1] }
    });
    let links = links.collect();
    Route {
        endpoint: endpoint.endpoint,
        protocol: TraceProtocol::Tcp,
        distance: match endpoint.verdict {
            _ if arrives => Some(distance.unwrap_or(last.saturating_add(1))),
            Verdict::Refused => Some(last.max(1)),
            _ => None,
        },
        stopped: match endpoint.verdict {
            _ if arrives => None,
            Verdict::Refused => Some(Stopped::Refused),
            Verdict::Prohibited => Some(Stopped::Prohibited),
            Verdict::Unreachable => Some(Stopped::Unreachable),
            Verdict::ResetByPath => Some(Stopped::ResetByPath),
            _ => Some(Stopped::Silent),
        },
        by: location.by,
        hops: hops.into_values().collect(),
        links,
        flows: Vec::new(),
        confidence: Confidence { level: 0.95, whole_trace: false },
        mtu: None,
        remarks: Vec::new(),
        unable: None,
        packets: 1,
    }
}

fn hop(ttl: u8, answer: Option<(IpAddr, ReplyKind)>) -> Hop {
    let responders = answer.map(|(address, reply)| Responder {
        address,
        reply,
        flows: vec![1],
        sent: 1,
        received: 1,
        rtts: Vec::new(),
        reply_ttl: None,
        labels: Vec::new(),
        interfaces: Vec::new(),
    });
    Hop {
        ttl,
        sent: 1,
        received: u32::from(responders.is_some()),
        responders: responders.into_iter().collect(),
        balancing: None,
        loss: HopLoss::None,
        complete: true,
    }
}

fn end(endpoint: &EndpointDiagnosis, addresses: &[IpAddr], controls: &[IpAddr], lang: Lang) -> EndWords {
    let ok = endpoint.verdict == Verdict::Ok;
    let shown =
        &addresses[..addresses.len().min(if addresses.len() == NAMED + 1 { NAMED + 1 } else { NAMED })];
    let mark = if ok { "✓ " } else { "✗ " };
    let mut lines: Vec<String> = shown.iter().map(|address| format!("{mark}{address}")).collect();
    if addresses.len() > shown.len() {
        lines.push(said::and_more(addresses.len() - shown.len(), lang));
    }
    lines.push(words::verdict_name(endpoint.verdict, lang).to_owned());
    let place = words::place_short(endpoint, lang);
    if !place.is_empty() {
        lines.push(place);
    }
    if ok && addresses.iter().any(|address| controls.contains(address)) {
        lines.push(said::control(lang));
    }
    EndWords { lines, ailing: !ok && arrives(endpoint.verdict) }
}

fn description(groups: &[Group<'_>], diagnosis: &Diagnosis, lang: Lang) -> String {
    let all: usize = groups.iter().map(|(.., addresses)| addresses.len()).sum();
    let open: usize = groups
        .iter()
        .filter(|(endpoint, ..)| endpoint.verdict == Verdict::Ok)
        .map(|(.., addresses)| addresses.len())
        .sum();
    let mut texts = vec![said::open_paths(open, all, lang)];
    for (endpoint, _, addresses) in groups.iter().filter(|(endpoint, ..)| endpoint.verdict != Verdict::Ok) {
        let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let names = units::some_of(&names, NAMED, lang);
        let verdict = words::verdict_name(endpoint.verdict, lang);
        texts.push(match words::place(endpoint, lang) {
            Some(place) => format!("{names}: {verdict}, {place}."),
            None => format!("{names}: {verdict}."),
        });
    }
    let without = diagnosis.endpoints.len() - all;
    if without > 0 {
        texts.push(said::without_trail(without, lang));
    }
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Paint, Shape, pen, samples, svg};

    #[test]
    fn the_blocked_branch_stands_out_of_the_open_ones() {
        let diagnosis = samples::partly_blocked();
        let drawing = paths(&diagnosis, "Paths".to_owned(), Lang::En).expect("trails");
        pen::is_sound(&drawing).expect("sound");
        let texts: Vec<&str> = drawing
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Text { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        for text in ["✗ 203.0.113.13", "✓ 203.0.113.11", "last hop that answers", "next on the open path"]
        {
            assert!(texts.contains(&text), "{text} {texts:?}");
        }
        let cut = |shape: &&Shape| matches!(shape, Shape::Line { dashed: true, paint: Paint::Bad, .. });
        assert_eq!(drawing.shapes.iter().filter(cut).count(), 1);
        insta::assert_snapshot!("paths", svg(&drawing).into_string().replace("><", ">\n<"));
        let korean = paths(&diagnosis, "경로".to_owned(), Lang::Ko).expect("trails");
        insta::assert_snapshot!("paths-ko", korean.description);
    }

    #[test]
    fn without_trails_there_is_no_picture() {
        let mut diagnosis = samples::partly_blocked();
        diagnosis.endpoints.iter_mut().for_each(|endpoint| endpoint.location = None);
        assert_eq!(paths(&diagnosis, String::new(), Lang::En), None);
    }

    #[test]
    fn every_verdict_has_a_branch() {
        for verdict in Verdict::ALL {
            let mut diagnosis = samples::partly_blocked();
            diagnosis.endpoints[2].verdict = verdict;
            let drawing = paths(&diagnosis, String::new(), Lang::Ko).expect("trails");
            pen::is_sound(&drawing).expect("sound");
        }
    }
}
