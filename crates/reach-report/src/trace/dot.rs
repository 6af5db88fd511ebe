//! The paths as a graph for Graphviz.

use std::fmt::Write;

use reach_core::model::Route;

use super::{
    End, Labels, Trace,
    graph::{Graph, Place},
    rtt,
};
use crate::{Lang, words::trace as words};

/// The paths to all addresses of all targets in the DOT language. Endpoints that are not reached are octagons
/// behind dashed edges; what is only inferred from TTLs is dotted.
pub fn dot(traces: &[Trace], labels: &Labels, lang: Lang) -> String {
    let routes: Vec<Route> = traces.iter().flat_map(|trace| trace.routes.iter().cloned()).collect();
    let graph = Graph::of(&routes);
    let mut out = String::from(
        "digraph reach {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"monospace\", fontsize=10];\n",
    );
    // Writing to a String cannot fail.
    for (number, node) in graph.nodes.iter().enumerate() {
        let lines = lines(&graph, number, &routes, labels, lang);
        let look = match &node.place {
            Place::End(route) => match End::of(&routes[*route]) {
                End::Reached => ", peripheries=2",
                End::Refused => ", style=\"rounded,dashed\"",
                _ => ", shape=octagon, color=red, penwidth=2",
            },
            Place::Silent => ", style=\"rounded,dotted\"",
            Place::Router(_) if node.lost.is_some() => ", color=red, penwidth=2",
            Place::Router(_) | Place::Here => "",
        };
        let label: Vec<String> = lines.iter().map(|line| quoted(line)).collect();
        let _ = writeln!(out, "  n{number} [label=\"{}\"{look}];", label.join("\\n"));
    }
    for (&(from, to), edge) in &graph.edges {
        let look = match (edge.blocked, edge.seen) {
            (true, _) => " [style=dashed, color=red, arrowhead=tee]",
            (false, false) => " [style=dotted]",
            (false, true) => "",
        };
        let _ = writeln!(out, "  n{from} -> n{to}{look};");
    }
    out.push_str("}\n");
    out
}

/// What a node says, line by line.
pub(super) fn lines(
    graph: &Graph,
    number: usize,
    routes: &[Route],
    labels: &Labels,
    lang: Lang,
) -> Vec<String> {
    let node = &graph.nodes[number];
    let mut lines = Vec::new();
    match &node.place {
        Place::Here => lines.push(words::this_host(None, lang)),
        Place::Silent => lines.push("*".to_owned()),
        Place::Router(address) => {
            lines.extend(labels.name(*address));
            lines.push(address.to_string());
            lines.extend(labels.origin(*address));
            lines.extend(node.lost.map(|lost| words::bad_member(lost, lang)));
        }
        Place::End(route) => {
            let route = &routes[*route];
            let end = End::of(route);
            let mark = if end.is_host() { "" } else { "✗ " };
            lines.extend(labels.name(route.endpoint.address));
            lines.push(format!("{mark}{}", route.endpoint.address));
            lines.extend(labels.origin(route.endpoint.address));
            lines.push(words::end_tag(&end, route.protocol, lang));
        }
    }
    lines.extend(node.rtt().map(rtt));
    lines
}

/// Text inside the quotes of a DOT string.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r', '\0'], " ")
}
