//! The paths as a picture: a column for each TTL, routers as boxes, endpoints at the right. What is blocked is
//! told by shape, dashes and words, not by colour alone; it is readable on a light and on a dark ground.

use std::{collections::BTreeMap, fmt::Write};

use reach_core::model::Route;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    End, Labels, Trace,
    dot::lines,
    graph::{Graph, Place},
};
use crate::{Lang, markup::escaped};

/// Pixels that a character of the picture's font takes, at most.
const CHARACTER: f64 = 7.3;
const LINE: f64 = 15.0;
const PADDING: f64 = 8.0;
const ROW_GAP: f64 = 14.0;
const COLUMN_GAP: f64 = 64.0;
const MARGIN: f64 = 24.0;
/// Longer lines of text are cut; the longest address with its mark is not.
const LONGEST: usize = 48;

const STYLE: &str = "\
svg{background:#fff;color:#1a1a1a}\
text{font:12px ui-monospace,Menlo,Consolas,'Noto Sans Mono CJK KR',monospace;fill:currentColor}\
.n{fill:#f4f6f8;stroke:#5a6772;stroke-width:1.2}\
.good{stroke:#1b7f3b;stroke-width:2}\
.shut{stroke:#9a6700;stroke-width:2;stroke-dasharray:6 3}\
.bad{stroke:#b3261e;stroke-width:2.5}\
.mute{stroke-dasharray:2 3}\
.e{fill:none;stroke:#5a6772;stroke-width:1.3}\
.cut{stroke:#b3261e;stroke-width:2;stroke-dasharray:7 4}\
.guess{stroke-dasharray:2 4}\
.ttl{opacity:.65}\
@media(prefers-color-scheme:dark){svg{background:#14181c;color:#e6e6e6}\
.n{fill:#20262c;stroke:#9aa7b2}.e{stroke:#9aa7b2}\
.good{stroke:#4cc38a}.shut{stroke:#e2a336}.bad,.cut{stroke:#ff6b5e}}";

/// The paths to all addresses of all targets as an SVG document.
pub fn svg(traces: &[Trace], labels: &Labels, lang: Lang) -> String {
    let routes: Vec<Route> = traces.iter().flat_map(|trace| trace.routes.iter().cloned()).collect();
    let graph = Graph::of(&routes);
    let boxes = layout(&graph, &routes, labels, lang);
    let width = boxes.iter().map(|place| place.x + place.width).fold(0.0, f64::max) + MARGIN;
    let height = boxes.iter().map(|place| place.y + place.height).fold(0.0, f64::max) + MARGIN;
    let hosts: Vec<String> = traces.iter().map(Trace::host).collect();
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n<title>reach trace {}</title>\n<style>{STYLE}</style>\n",
        escaped(&hosts.join(", "))
    );
    edges(&mut out, &graph, &boxes);
    nodes(&mut out, &graph, &boxes, &routes);
    headings(&mut out, &graph, &boxes);
    out.push_str("</svg>\n");
    out
}

/// Where a node stands.
#[derive(Clone, Debug, Default)]
struct Spot {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    lines: Vec<String>,
}

fn layout(graph: &Graph, routes: &[Route], labels: &Labels, lang: Lang) -> Vec<Spot> {
    let mut boxes: Vec<Spot> = (0..graph.nodes.len())
        .map(|number| {
            let lines: Vec<String> =
                lines(graph, number, routes, labels, lang).iter().map(|line| cut(line)).collect();
            let longest = lines.iter().map(|line| line.width()).max().unwrap_or(0);
            Spot {
                width: longest as f64 * CHARACTER + 2.0 * PADDING,
                height: lines.len() as f64 * LINE + PADDING,
                lines,
                ..Spot::default()
            }
        })
        .collect();
    let columns = ordered(graph);
    let tallest = columns.values().map(|nodes| height(nodes, &boxes)).fold(0.0, f64::max);
    let mut x = MARGIN;
    for nodes in columns.values() {
        let widest = nodes.iter().map(|&node| boxes[node].width).fold(0.0, f64::max);
        let mut y = MARGIN + LINE + (tallest - height(nodes, &boxes)) / 2.0;
        for &node in nodes {
            let place = &mut boxes[node];
            (place.x, place.y, place.width) = (x, y, widest);
            y += place.height + ROW_GAP;
        }
        x += widest + COLUMN_GAP;
    }
    boxes
}

fn height(nodes: &[usize], boxes: &[Spot]) -> f64 {
    nodes.iter().map(|&node| boxes[node].height + ROW_GAP).sum::<f64>() - ROW_GAP
}

/// The nodes of each column from top to bottom, so that few edges cross: each next to the middle of those that
/// it is joined to (Sugiyama, Tagawa, Toda 1981), seen from the left and from the right in turn.
fn ordered(graph: &Graph) -> BTreeMap<u8, Vec<usize>> {
    let mut columns: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
    for (number, node) in graph.nodes.iter().enumerate() {
        columns.entry(node.column).or_default().push(number);
    }
    let mut rank = vec![0.0; graph.nodes.len()];
    let note = |rank: &mut Vec<f64>, nodes: &[usize]| {
        for (place, &node) in nodes.iter().enumerate() {
            rank[node] = (place as f64 + 0.5) / nodes.len() as f64;
        }
    };
    for nodes in columns.values() {
        note(&mut rank, nodes);
    }
    let keys: Vec<u8> = columns.keys().copied().collect();
    for sweep in 0..6 {
        let rightward = sweep % 2 == 0;
        let order: Vec<u8> = if rightward { keys.clone() } else { keys.iter().rev().copied().collect() };
        for column in order {
            let Some(nodes) = columns.get_mut(&column) else { continue };
            let mut weighed: Vec<(f64, usize)> = nodes
                .iter()
                .map(|&node| {
                    let joined = graph.edges.keys().filter_map(|&(from, to)| match rightward {
                        true => (to == node).then_some(rank[from]),
                        false => (from == node).then_some(rank[to]),
                    });
                    let (sum, count) = joined.fold((0.0, 0), |(sum, count), rank| (sum + rank, count + 1));
                    (if count == 0 { rank[node] } else { sum / f64::from(count) }, node)
                })
                .collect();
            weighed.sort_by(|a, b| a.0.total_cmp(&b.0));
            *nodes = weighed.into_iter().map(|(_, node)| node).collect();
            note(&mut rank, nodes);
        }
    }
    columns
}

fn edges(out: &mut String, graph: &Graph, boxes: &[Spot]) {
    for (&(from, to), edge) in &graph.edges {
        let (a, b) = (&boxes[from], &boxes[to]);
        let (x1, y1) = (a.x + a.width, a.y + a.height / 2.0);
        let (x2, y2) = (b.x, b.y + b.height / 2.0);
        let bend = (x2 - x1).max(COLUMN_GAP) / 2.0;
        let look = match (edge.blocked, edge.seen) {
            (true, _) => "e cut",
            (false, true) => "e",
            (false, false) => "e guess",
        };
        let _ = writeln!(
            out,
            "<path class=\"{look}\" d=\"M{x1:.1} {y1:.1}C{:.1} {y1:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}\"/>",
            x1 + bend,
            x2 - bend
        );
        if edge.blocked {
            // A bar across the end, where the packets go no farther.
            let (top, bottom) = (y2 - 7.0, y2 + 7.0);
            let _ = writeln!(out, "<path class=\"e bad\" d=\"M{:.1} {top:.1}V{bottom:.1}\"/>", x2 - 5.0);
        }
    }
}

fn nodes(out: &mut String, graph: &Graph, boxes: &[Spot], routes: &[Route]) {
    for (node, place) in graph.nodes.iter().zip(boxes) {
        let (look, corner) = match &node.place {
            Place::End(route) => match End::of(&routes[*route]) {
                End::Reached => ("n good", 12.0),
                End::Refused => ("n shut", 12.0),
                _ => ("n bad", 0.0),
            },
            Place::Silent => ("n mute", 5.0),
            Place::Router(_) if node.lost.is_some() => ("n bad", 5.0),
            Place::Router(_) | Place::Here => ("n", 5.0),
        };
        let Spot { x, y, width, height, lines } = place;
        let _ = writeln!(
            out,
            "<rect class=\"{look}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{corner}\"/>"
        );
        for (number, line) in lines.iter().enumerate() {
            let below = y + PADDING / 2.0 + LINE * number as f64 + 11.0;
            let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{below:.1}\">{}</text>", x + PADDING, escaped(line));
        }
    }
}

/// The TTL above each column.
fn headings(out: &mut String, graph: &Graph, boxes: &[Spot]) {
    let mut columns: BTreeMap<u8, f64> = BTreeMap::new();
    for (node, place) in graph.nodes.iter().zip(boxes) {
        columns.insert(node.column, place.x);
    }
    for (column, x) in columns.iter().filter(|(column, _)| **column > 0) {
        let _ = writeln!(out, "<text class=\"ttl\" x=\"{x:.1}\" y=\"{:.1}\">{column}</text>", MARGIN - 4.0);
    }
}

/// At most so much of a line.
fn cut(text: &str) -> String {
    if text.width() <= LONGEST {
        return text.to_owned();
    }
    let mut used = 1;
    let shorter = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= LONGEST
    });
    format!("{}…", shorter.collect::<String>())
}
