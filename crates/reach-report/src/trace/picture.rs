//! The paths as a picture: a column for each TTL, routers as boxes, endpoints at the right. What is blocked is
//! told by shape, dashes and words, not by colour alone.

use std::collections::{BTreeMap, BTreeSet};

use reach_core::model::Route;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    End, Labels, Trace,
    dot::lines,
    graph::{Graph, Place},
};
use crate::{
    Lang,
    chart::{Anchor, Drawing, Paint, Shape, pen, svg_standalone},
    words::{chart as said, trace as words},
};

/// The size of letters, and the lines and margins that go with it.
const LETTER: f64 = 12.0;
const LINE: f64 = 15.0;
const PADDING: f64 = 8.0;
const ROW_GAP: f64 = 14.0;
const COLUMN_GAP: f64 = 56.0;
const MARGIN: f64 = 24.0;
/// Longer lines of text are cut; the longest address with its mark is not.
const LONGEST: usize = 48;

/// The paths to all addresses of all targets as an SVG document.
pub fn svg(traces: &[Trace], labels: &Labels, lang: Lang) -> String {
    let routes: Vec<Route> = traces.iter().flat_map(|trace| trace.routes.iter().cloned()).collect();
    let hosts: Vec<String> = traces.iter().map(Trace::host).collect();
    let mut drawing = picture(&routes, labels, &BTreeMap::new(), lang);
    drawing.title = format!("reach trace {}", hosts.join(", "));
    drawing.description = described(&routes, lang);
    svg_standalone(&drawing)
}

/// What is said of the end of a route where more is known than its packets tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndWords {
    /// Line by line.
    pub(crate) lines: Vec<String>,
    /// Packets arrive, and still something is wrong.
    pub(crate) ailing: bool,
}

/// How each of the routes that are not open ends, in words.
pub(crate) fn described(routes: &[Route], lang: Lang) -> String {
    let mut texts: Vec<String> = routes
        .iter()
        .filter_map(|route| {
            let address = [route.endpoint.address];
            words::stopped(&End::of(route), &address, route.endpoint.port, route.protocol, lang)
        })
        .collect();
    let open = routes.len() - texts.len();
    texts.insert(0, said::open_paths(open, routes.len(), lang));
    texts.join(" ")
}

/// The routes as one picture, without title and description.
pub(crate) fn picture(
    routes: &[Route],
    labels: &Labels,
    ends: &BTreeMap<usize, EndWords>,
    lang: Lang,
) -> Drawing {
    let graph = Graph::of(routes);
    let sides = Sides::of(&graph, routes);
    let boxes = layout(&graph, |number| {
        let mut all = match graph.nodes[number].place {
            Place::End(route) if ends.contains_key(&route) => ends[&route].lines.clone(),
            _ => lines(&graph, number, routes, labels, lang),
        };
        if sides.last.contains(&number) {
            all.push(said::last_answering(lang));
        }
        if sides.next.contains(&number) {
            all.push(said::next_on_open_path(lang));
        }
        all
    });
    let width = boxes.iter().map(|place| place.x + place.width).fold(0.0, f64::max) + MARGIN;
    let height = boxes.iter().map(|place| place.y + place.height).fold(0.0, f64::max) + MARGIN;
    let mut drawing = Drawing::new(width, height, String::new());
    edges(&mut drawing.shapes, &graph, &boxes);
    nodes(&mut drawing.shapes, (&graph, &sides), &boxes, routes, ends);
    headings(&mut drawing.shapes, &graph, &boxes);
    drawing
}

/// The two sides of where a path is cut.
#[derive(Debug, Default)]
struct Sides {
    /// The last places that answer on paths that are blocked.
    last: BTreeSet<usize>,
    /// What answers behind those on paths that are open.
    next: BTreeSet<usize>,
}

impl Sides {
    fn of(graph: &Graph, routes: &[Route]) -> Self {
        let mut sides = Self::default();
        for (&(from, _), _) in graph.edges.iter().filter(|(_, edge)| edge.blocked) {
            if matches!(graph.nodes[from].place, Place::Router(_)) {
                sides.last.insert(from);
            }
            let onward = graph.next(from).into_iter().filter(|&next| {
                let edge = &graph.edges[&(from, next)];
                let open = edge.routes.iter().any(|&route| End::of(&routes[route]).is_reached());
                open && !edge.blocked && matches!(graph.nodes[next].place, Place::Router(_))
            });
            sides.next.extend(onward);
        }
        sides
    }
}

/// Where a node stands.
#[derive(Clone, Debug, Default)]
struct Spot {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    lines: Vec<String>,
    /// What it says where lines of it are cut.
    whole: Option<String>,
}

fn layout(graph: &Graph, lines: impl Fn(usize) -> Vec<String>) -> Vec<Spot> {
    let mut boxes: Vec<Spot> = (0..graph.nodes.len())
        .map(|number| {
            let whole = lines(number);
            let lines: Vec<String> = whole.iter().map(|line| cut(line)).collect();
            let longest = lines.iter().map(|line| pen::width_of(line, LETTER)).fold(0.0, f64::max);
            Spot {
                width: longest + 2.0 * PADDING,
                height: lines.len() as f64 * LINE + PADDING,
                whole: (lines != whole).then(|| whole.join("\n")),
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

/// A line from box to box, bent so that it leaves and arrives level.
fn bend((x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> Vec<(f64, f64)> {
    if (y2 - y1).abs() < 0.5 {
        return vec![(x1, y1), (x2, y2)];
    }
    const STEPS: i32 = 14;
    let middle = (x2 - x1) / 2.0;
    let point = |step: i32| {
        let t = f64::from(step) / f64::from(STEPS);
        let (a, b, c, d) =
            ((1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2), 3.0 * t * t * (1.0 - t), t.powi(3));
        let x = a * x1 + b * (x1 + middle) + c * (x2 - middle) + d * x2;
        (x, (a + b) * y1 + (c + d) * y2)
    };
    (0..=STEPS).map(point).collect()
}

fn edges(shapes: &mut Vec<Shape>, graph: &Graph, boxes: &[Spot]) {
    for (&(from, to), edge) in &graph.edges {
        let (a, b) = (&boxes[from], &boxes[to]);
        let start = (a.x + a.width, a.y + a.height / 2.0);
        let end = (b.x, b.y + b.height / 2.0);
        let points = bend(start, end);
        shapes.push(match (edge.blocked, edge.seen) {
            (true, _) => pen::dashes(points, Paint::Bad, 2.0),
            (false, true) => pen::line(points, Paint::Faint, 1.3),
            (false, false) => pen::dashes(points, Paint::Faint, 1.0),
        });
        if edge.blocked {
            // A bar across the end, where the packets go no farther.
            let bar = vec![(end.0 - 5.0, end.1 - 7.0), (end.0 - 5.0, end.1 + 7.0)];
            shapes.push(pen::line(bar, Paint::Bad, 2.5));
        }
    }
}

fn nodes(
    shapes: &mut Vec<Shape>,
    (graph, sides): (&Graph, &Sides),
    boxes: &[Spot],
    routes: &[Route],
    ends: &BTreeMap<usize, EndWords>,
) {
    for (number, (node, place)) in graph.nodes.iter().zip(boxes).enumerate() {
        let ailing = |route: &usize| ends.get(route).is_some_and(|end| end.ailing);
        let (paint, border, radius, dashed) = match &node.place {
            Place::End(route) => match End::of(&routes[*route]) {
                End::Reached | End::Beyond { .. } if ailing(route) => (Paint::Partly(8), 2.0, 10.0, true),
                End::Reached => (Paint::Good, 3.0, 10.0, false),
                End::Refused => (Paint::Partly(8), 2.0, 10.0, true),
                _ => (Paint::Bad, 2.5, 0.0, false),
            },
            Place::Silent => (Paint::Faint, 1.0, 4.0, true),
            Place::Router(_) if node.lost.is_some() => (Paint::Bad, 2.5, 4.0, false),
            Place::Router(_) if sides.last.contains(&number) => (Paint::Ink, 2.2, 4.0, false),
            Place::Router(_) if sides.next.contains(&number) => (Paint::Accent, 2.2, 4.0, false),
            Place::Router(_) | Place::Here => (Paint::Faint, 1.2, 4.0, false),
        };
        let Spot { x, y, width, height, lines, whole } = place;
        let rect = |inset: f64, paint: Paint, tip: Option<String>| Shape::Rect {
            x: x + inset,
            y: y + inset,
            width: width - 2.0 * inset,
            height: height - 2.0 * inset,
            radius: (radius - inset).max(0.0),
            paint,
            hatched: false,
            tip,
            link: None,
        };
        if dashed {
            shapes.push(rect(0.0, Paint::Empty, whole.clone()));
            let (right, bottom) = (x + width, y + height);
            let around = vec![(*x, *y), (right, *y), (right, bottom), (*x, bottom), (*x, *y)];
            shapes.push(pen::dashes(around, paint, border));
        } else {
            shapes.push(rect(0.0, paint, None));
            shapes.push(rect(border, Paint::Empty, whole.clone()));
        }
        for (number, line) in lines.iter().enumerate() {
            shapes.push(Shape::Text {
                x: x + PADDING,
                y: y + PADDING / 2.0 + LINE * number as f64 + 11.0,
                anchor: Anchor::Start,
                size: LETTER,
                paint: Paint::Ink,
                bold: line.starts_with('✗'),
                text: line.clone(),
            });
        }
    }
}

/// The TTL above each column.
fn headings(shapes: &mut Vec<Shape>, graph: &Graph, boxes: &[Spot]) {
    let mut columns: BTreeMap<u8, f64> = BTreeMap::new();
    for (node, place) in graph.nodes.iter().zip(boxes) {
        columns.insert(node.column, place.x);
    }
    for (column, x) in columns.iter().filter(|(column, _)| **column > 0) {
        shapes.push(pen::text(*x, MARGIN - 4.0, Anchor::Start, Paint::Faint, column.to_string()));
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
