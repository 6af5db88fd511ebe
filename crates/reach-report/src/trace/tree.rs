//! The paths to many endpoints, or many parallel paths to one, drawn as one tree that reads from top to bottom.
//!
//! A trunk goes straight down. Where it parts, the branches are drawn beside it; where they come together again,
//! the trunk goes on. What was drawn already is only referred to.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    End, Labels, Trace,
    graph::{Graph, Node, Place},
    list, rtt,
};
use crate::{
    Style,
    layout::{Page, Role, Span},
    words::trace as words,
};

/// The paths to all addresses of a target.
pub(super) fn routes(page: &mut Page, trace: &Trace, labels: &Labels, style: &Style) {
    let lang = style.lang;
    let header = words::overview(&trace.host(), &trace.routes, trace.plan.max_ttl, lang);
    page.paragraph("", "  ", &[Span::new(header, Role::Strong)]);
    draw(page, &Graph::of(&trace.routes), trace, labels, style);
    let mut ends: Vec<(End, Vec<usize>)> = Vec::new();
    let mut notes: Vec<(String, Vec<usize>)> = Vec::new();
    for (number, route) in trace.routes.iter().enumerate() {
        gather(&mut ends, End::of(route), number);
        for remark in list::remarks(route, style) {
            gather(&mut notes, remark, number);
        }
    }
    for (end, numbers) in &ends {
        let addresses: Vec<_> = numbers.iter().map(|&n| trace.routes[n].endpoint.address).collect();
        let first = &trace.routes[numbers[0]];
        let text = words::stopped(end, &addresses, first.endpoint.port, first.protocol, lang);
        if let Some(text) = text {
            page.paragraph("", "  ", &[Span::new(text, list::role(end))]);
        }
    }
    for (note, numbers) in &notes {
        let addresses: Vec<_> =
            numbers.iter().map(|&n| trace.routes[n].endpoint.address.to_string()).collect();
        let text = if numbers.len() == trace.routes.len() {
            note.clone()
        } else {
            format!("{}: {note}", crate::units::some_of(&addresses, 4, lang))
        };
        page.plain("", "  ", text);
    }
    page.plain("", "  ", list::summary(trace, &trace.routes, style));
}

fn gather<T: PartialEq>(groups: &mut Vec<(T, Vec<usize>)>, value: T, number: usize) {
    match groups.iter_mut().find(|(other, _)| *other == value) {
        Some((_, numbers)) => numbers.push(number),
        None => groups.push((value, vec![number])),
    }
}

/// Draws a graph.
pub(super) fn draw(page: &mut Page, graph: &Graph, trace: &Trace, labels: &Labels, style: &Style) {
    let plan = Plan::of(graph);
    let mut pen = Pen { page, graph, plan: &plan, trace, labels, style, drawn: BTreeSet::new() };
    pen.trunk(0, None, &Margin::default());
}

/// Who follows whom, with the places where branches come together.
struct Plan {
    /// The followers of each node; nodes beyond those of the graph stand for "each of these leads to".
    next: Vec<Vec<usize>>,
    /// Where all branches of a node that go on have come together, if they do.
    joins: Vec<Option<usize>>,
    /// Nodes that lead to no endpoint.
    dead: Vec<bool>,
    /// How many nodes a bundle stands behind.
    bundled: BTreeMap<usize, usize>,
}

impl Plan {
    fn of(graph: &Graph) -> Self {
        let count = graph.nodes.len();
        let mut next: Vec<Vec<usize>> = (0..count).map(|node| graph.next(node)).collect();
        for followers in &mut next {
            followers.sort_by_key(|&node| (is_end(graph, node), &graph.nodes[node].place));
        }
        // Where several routers have several followers in common, one bundle of them says so once.
        let mut alike: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for (node, followers) in next.iter().enumerate().filter(|(_, followers)| followers.len() > 1) {
            alike.entry(followers.clone()).or_default().push(node);
        }
        let mut bundled = BTreeMap::new();
        for (followers, members) in alike.into_iter().filter(|(_, members)| members.len() > 1) {
            let bundle = next.len();
            next.push(followers);
            bundled.insert(bundle, members.len());
            for member in members {
                next[member] = vec![bundle];
            }
        }
        let column = |node: usize| match graph.nodes.get(node) {
            Some(node) => (u16::from(node.column) * 2, 0),
            // Right before its followers.
            None => {
                let followers = next[node].iter().map(|&node| graph.nodes[node].column);
                (u16::from(followers.min().unwrap_or(0)) * 2 - 1, node)
            }
        };
        let mut order: Vec<usize> = (0..next.len()).collect();
        order.sort_by_key(|&node| column(node));
        let mut dead = vec![false; next.len()];
        let mut behind: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); next.len()];
        let mut joins = vec![None; next.len()];
        for &node in order.iter().rev() {
            dead[node] = !is_end(graph, node) && next[node].iter().all(|&follower| dead[follower]);
            let onward: Vec<usize> = next[node]
                .iter()
                .copied()
                .filter(|&follower| !is_end(graph, follower) && !dead[follower])
                .collect();
            let common = onward.iter().map(|&follower| behind[follower].clone()).reduce(|a, b| &a & &b);
            let mut common = common.unwrap_or_default();
            if let [only] = onward.as_slice()
                && next[node].iter().any(|&follower| dead[follower])
            {
                // Beside a branch that leads nowhere it is a branch too, not the trunk.
                common.remove(only);
            }
            joins[node] = common.iter().copied().min_by_key(|&join| column(join));
            behind[node] = common;
            behind[node].extend(onward.iter().filter(|_| onward.len() == 1));
            behind[node].insert(node);
        }
        Self { next, joins, dead, bundled }
    }
}

fn is_end(graph: &Graph, node: usize) -> bool {
    graph.nodes.get(node).is_some_and(|node| matches!(node.place, Place::End(_)))
}

/// What stands left of a line.
#[derive(Clone, Debug, Default)]
struct Margin {
    /// Before the first line of an entry.
    first: String,
    /// Before the lines that follow.
    rest: String,
}

struct Pen<'a> {
    page: &'a mut Page,
    graph: &'a Graph,
    plan: &'a Plan,
    trace: &'a Trace,
    labels: &'a Labels,
    style: &'a Style,
    drawn: BTreeSet<usize>,
}

impl Pen<'_> {
    /// Draws a node and what follows, up to where the branches of an outer trunk come together.
    fn trunk(&mut self, start: usize, stop: Option<usize>, margin: &Margin) {
        let mut margin = margin.clone();
        let mut node = start;
        let mut ways = 1;
        loop {
            if !self.drawn.insert(node) {
                return self.reference(node, &margin);
            }
            self.entry(node, ways, &margin);
            margin.first.clone_from(&margin.rest);
            let followers = &self.plan.next[node];
            let join = self.plan.joins[node].filter(|&join| Some(join) != stop);
            let meeting = self.plan.joins[node].or(stop);
            let branches: Vec<usize> =
                followers.iter().copied().filter(|&follower| Some(follower) != meeting).collect();
            let straight = followers.len() > branches.len();
            if let ([only], None, false) = (branches.as_slice(), join, straight) {
                (node, ways) = (*only, 1);
                continue;
            }
            for (place, &branch) in branches.iter().enumerate() {
                let last = place + 1 == branches.len();
                self.trunk(branch, meeting, &self.branch_margin(&margin, last));
            }
            let Some(join) = join else { return };
            ways = branches
                .iter()
                .filter(|&&branch| !is_end(self.graph, branch) && !self.plan.dead[branch])
                .count()
                + usize::from(straight);
            node = join;
        }
    }

    fn branch_margin(&self, outer: &Margin, last: bool) -> Margin {
        let (knot, line) = match (self.style.ascii, last) {
            (false, false) => ("├─ ", "│  "),
            (false, true) => ("└─ ", "   "),
            (true, false) => ("|- ", "|  "),
            (true, true) => ("`- ", "   "),
        };
        Margin { first: format!("{}{knot}", outer.rest), rest: format!("{}{line}", outer.rest) }
    }

    fn entry(&mut self, node: usize, ways: usize, margin: &Margin) {
        let lang = self.style.lang;
        let Some(node) = self.graph.nodes.get(node) else {
            let members = self.plan.bundled.get(&node).copied().unwrap_or(0);
            return self.line(None, margin, &[Span::new(words::each_leads_to(members, lang), Role::Dim)]);
        };
        let (number, mut spans) = match &node.place {
            Place::Here => {
                let first = self.trace.routes.first().map(|route| route.endpoint.address);
                let source = first.and_then(|address| self.trace.source(address));
                (None, vec![Span::new(words::this_host(source, lang), Role::Dim)])
            }
            Place::Router(address) => {
                let mut spans = list::address(*address, self.labels);
                spans.extend(measured(node));
                spans.extend(node.details.iter().map(|text| Span::new(format!("  {text}"), Role::Dim)));
                let lost = node.lost.map(|lost| format!("  {}", words::bad_member(lost, lang)));
                spans.extend(lost.map(|lost| Span::new(lost, Role::Bad)));
                (Some(node.column), spans)
            }
            Place::Silent => {
                (Some(node.column), vec![Span::new(format!("* {}", words::silent_hop(lang)), Role::Dim)])
            }
            Place::End(number) => self.end(node, *number),
        };
        if ways > 1 {
            spans.push(Span::new(format!("  ({})", words::rejoined(ways, lang)), Role::Dim));
        }
        self.line(number, margin, &spans);
    }

    fn end(&self, node: &Node, number: usize) -> (Option<u8>, Vec<Span>) {
        let route = &self.trace.routes[number];
        let end = End::of(route);
        let mut spans = Vec::new();
        if !end.is_host() {
            spans.push(Span::new(if self.style.ascii { "x " } else { "✗ " }, Role::Bad));
        }
        spans.extend(list::address(route.endpoint.address, self.labels));
        spans.extend(measured(node));
        spans.push(Span::plain("  "));
        spans.push(list::end_span(&end, route, self.style));
        (end.is_host().then_some(node.column), spans)
    }

    fn reference(&mut self, node: usize, margin: &Margin) {
        let arrow = if self.style.ascii { "->" } else { "→" };
        let what = match self.graph.nodes.get(node).map(|node| (&node.place, node.column)) {
            Some((Place::Router(address), _)) => address.to_string(),
            Some((Place::End(number), _)) => self.trace.routes[*number].endpoint.address.to_string(),
            _ => String::new(),
        };
        let above = words::above(self.style.lang);
        let text =
            if what.is_empty() { format!("{arrow} ({above})") } else { format!("{arrow} {what} ({above})") };
        self.line(None, margin, &[Span::new(text, Role::Dim)]);
    }

    fn line(&mut self, number: Option<u8>, margin: &Margin, spans: &[Span]) {
        let number = number.map_or_else(|| "    ".to_owned(), |number| format!("{number:>3} "));
        let first = format!("{number}{}", self.fitted(&margin.first));
        let rest = format!("    {}", self.fitted(&margin.rest));
        self.page.paragraph(&first, &format!("{rest}  "), spans);
    }

    /// Deep branches leave some room for what is to be said.
    fn fitted(&self, margin: &str) -> String {
        let room = self.style.columns().saturating_sub(40);
        let excess = margin.chars().count().saturating_sub(room);
        margin.chars().skip(excess).collect()
    }
}

/// What was measured at a node.
fn measured(node: &Node) -> Vec<Span> {
    node.rtt().map(|time| Span::plain(format!("  {}", rtt(time)))).into_iter().collect()
}
