//! The paths to two addresses side by side.

use std::{collections::BTreeSet, net::IpAddr};

use reach_core::model::{Parting, Route};

use super::{End, Labels, Trace, list};
use crate::{
    Style,
    layout::{Column, Page, Role, Row, Span, Table},
    words::trace::{self as words, compare as said},
};

/// So many responders of a hop are named in a table.
const NAMED: usize = 4;

/// Two routes of a trace side by side, with where they part, which was found beforehand.
pub fn compare(
    trace: &Trace,
    pair: (usize, usize),
    parting: &Parting,
    labels: &Labels,
    style: &Style,
) -> String {
    let mut page = Page::new(*style);
    let (Some(a), Some(b)) = (trace.routes.get(pair.0), trace.routes.get(pair.1)) else {
        return String::new();
    };
    let lang = style.lang;
    let columns = vec![
        Column::new(said::hop(lang)).right(),
        Column::new(a.endpoint.address.to_string()).wrap(16),
        Column::new(b.endpoint.address.to_string()).wrap(16),
        Column::new("").wrap(9),
    ];
    let ttls: BTreeSet<u8> =
        [a, b].into_iter().flat_map(|route| route.hops.iter().map(|hop| hop.ttl)).collect();
    let last = [a, b].map(|route| Side::of(route).last);
    let end = |route: &Route| list::end_span(&End::of(route), route, style);
    let rows = ttls
        .into_iter()
        .filter(|&ttl| ttl <= last[0].max(last[1]).saturating_add(1))
        .map(|ttl| {
            let (mark, role) = match (&parting.common, parting.parts) {
                (Some((common, _)), _) if *common == ttl => (said::last_common(lang), Role::Strong),
                (_, Some(parts)) if parts == ttl => (said::parts(lang), Role::Bad),
                _ => (String::new(), Role::Plain),
            };
            let cell = |route: &Route| Span::new(Side::of(route).cell(ttl, labels), role);
            let arrow = if mark.is_empty() { "" } else { "← " };
            Row::Cells(vec![
                Span::plain(ttl.to_string()),
                cell(a),
                cell(b),
                Span::new(format!("{arrow}{mark}"), role),
            ])
        })
        .chain([Row::Cells(vec![Span::default(), end(a), end(b), Span::default()])])
        .collect();
    page.table("", &Table { columns, rows });
    page.blank();
    page.plain("", "", sentence((a, b), parting, style.lang));
    for route in [a, b] {
        let end = End::of(route);
        let address = [route.endpoint.address];
        let text = words::stopped(&end, &address, route.endpoint.port, route.protocol, lang);
        if let Some(text) = text {
            page.paragraph("", "  ", &[Span::new(text, list::role(&end))]);
        }
    }
    page.plain("", "  ", list::summary(trace, &[a.clone(), b.clone()], style));
    page.finish()
}

/// Where two routes part, in words.
pub(super) fn sentence((a, b): (&Route, &Route), parting: &Parting, lang: crate::Lang) -> String {
    let common = parting.common.as_ref().map(|(ttl, routers)| (*ttl, routers.as_slice()));
    let mut parts = vec![said::together(common, lang)];
    if let Some(ttl) = parting.parts {
        for route in [a, b] {
            let end = words::end_tag(&End::of(route), route.protocol, lang);
            let next = Side::of(route).at(ttl);
            parts.push(said::goes_on(route.endpoint.address, &next, &end, lang));
        }
    } else {
        parts.push(said::never_part(lang));
    }
    parts.join(" ")
}

/// One of the two.
struct Side<'a> {
    route: &'a Route,
    /// The last hop that anybody answers at.
    last: u8,
}

impl<'a> Side<'a> {
    fn of(route: &'a Route) -> Self {
        let answered = route.hops.iter().filter(|hop| !hop.responders.is_empty());
        Self { route, last: answered.map(|hop| hop.ttl).max().unwrap_or(0) }
    }

    fn at(&self, ttl: u8) -> Vec<IpAddr> {
        let hops = self.route.hops.iter().filter(|hop| hop.ttl == ttl);
        hops.flat_map(|hop| hop.responders.iter().map(|responder| responder.address)).collect()
    }

    fn cell(&self, ttl: u8, labels: &Labels) -> String {
        let Some(hop) = self.route.hops.iter().find(|hop| hop.ttl == ttl) else { return String::new() };
        if hop.responders.is_empty() {
            return "*".to_owned();
        }
        let mut texts: Vec<String> =
            hop.responders.iter().take(NAMED).map(|responder| labels.full(responder.address)).collect();
        let more = hop.responders.len().saturating_sub(NAMED);
        if more > 0 {
            texts.push(format!("+{more}"));
        }
        texts.join(", ")
    }
}
