//! The paths to one or many endpoints as one graph: what they have in common stands in it once.
//!
//! A router is the same node where the same address answers at the same TTL. Hops that keep silent are the same
//! only between the same neighbours, for nobody knows who they are. Every edge goes from a lower to a higher
//! column, so there are no cycles.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use reach_core::{
    model::{Hop, Remark, ReplyKind, Route},
    stats,
};

use super::End;

/// The paths to all endpoints.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// This host first; then by column.
    pub(super) nodes: Vec<Node>,
    pub(super) edges: BTreeMap<(usize, usize), Edge>,
}

/// A place on the paths.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) column: u8,
    pub(super) place: Place,
    /// The routes that pass it.
    pub(super) routes: BTreeSet<usize>,
    /// Round-trip times of all answers from there.
    pub(super) rtts: Vec<Duration>,
    /// What it says of itself.
    pub(super) details: Vec<String>,
    /// The share of packets that it loses as a bad member of a group.
    pub(super) lost: Option<f64>,
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// This host.
    Here,
    /// A router.
    Router(IpAddr),
    /// A hop that nobody answers at, while farther ones do.
    Silent,
    /// The end of this route: the endpoint, or the place where it is not reached.
    End(usize),
}

/// From one place to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Edge {
    /// The routes that go there.
    pub(super) routes: BTreeSet<usize>,
    /// Some flow was seen at both ends; else only their TTLs say that they are neighbours.
    pub(super) seen: bool,
    /// It leads to an endpoint that is not reached.
    pub(super) blocked: bool,
}

/// A node of one route, before routes are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Here,
    At(u8, Option<IpAddr>),
    End,
}

/// Names a node across routes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Here,
    Router(u8, IpAddr),
    /// Between these.
    Silent(u8, BTreeSet<Spot>, BTreeSet<Spot>, Option<usize>),
    End(usize),
}

impl Graph {
    /// Of these routes.
    pub(super) fn of(routes: &[Route]) -> Self {
        let mut graph = Self::default();
        let mut places: BTreeMap<Key, usize> = BTreeMap::new();
        graph.node(&mut places, Key::Here, 0, Place::Here);
        for (number, route) in routes.iter().enumerate() {
            graph.add(&mut places, number, route);
        }
        graph
    }

    /// The nodes that follow, by column.
    pub(super) fn next(&self, node: usize) -> Vec<usize> {
        self.edges.range((node, 0)..=(node, usize::MAX)).map(|(&(_, to), _)| to).collect()
    }

    fn node(&mut self, places: &mut BTreeMap<Key, usize>, key: Key, column: u8, place: Place) -> usize {
        *places.entry(key).or_insert_with(|| {
            self.nodes.push(Node {
                column,
                place,
                routes: BTreeSet::new(),
                rtts: Vec::new(),
                details: Vec::new(),
                lost: None,
            });
            self.nodes.len() - 1
        })
    }

    fn add(&mut self, places: &mut BTreeMap<Key, usize>, number: usize, route: &Route) {
        let way = Way::of(route);
        let end = End::of(route);
        let end_column = way.end_column(route, &end);
        let mut found: BTreeMap<Spot, usize> = BTreeMap::new();
        for &spot in &way.spots {
            let (column, place) = match spot {
                Spot::Here => (0, Place::Here),
                Spot::At(ttl, Some(address)) => (ttl, Place::Router(address)),
                Spot::At(ttl, None) => (ttl, Place::Silent),
                Spot::End => (end_column, Place::End(number)),
            };
            let node = self.node(places, way.key(spot, number), column, place);
            found.insert(spot, node);
            let entry = &mut self.nodes[node];
            entry.routes.insert(number);
            way.describe(entry, spot, route);
        }
        for (&(from, to), &seen) in &way.edges {
            let (Some(&from), Some(&target)) = (found.get(&from), found.get(&to)) else { continue };
            let edge = self.edges.entry((from, target)).or_default();
            edge.routes.insert(number);
            edge.seen |= seen;
            edge.blocked |= to == Spot::End && !end.is_host();
        }
    }
}

/// The nodes and edges of one route.
#[derive(Debug, Default)]
struct Way {
    spots: BTreeSet<Spot>,
    /// Whether some flow was seen at both ends.
    edges: BTreeMap<(Spot, Spot), bool>,
}

impl Way {
    fn of(route: &Route) -> Self {
        let mut way = Self::default();
        way.spots.insert(Spot::Here);
        way.spots.insert(Spot::End);
        let hops: BTreeMap<u8, &Hop> = route.hops.iter().map(|hop| (hop.ttl, hop)).collect();
        let last =
            route.hops.iter().filter(|hop| routers(hop, route).next().is_some()).map(|hop| hop.ttl).max();
        let last = last.unwrap_or(0);
        for hop in &route.hops {
            way.spots.extend(routers(hop, route).map(|address| Spot::At(hop.ttl, Some(address))));
            let ended = is_ended(hop, route);
            if routers(hop, route).next().is_none()
                && !ended
                && hop.ttl < last.max(route.distance.unwrap_or(0))
            {
                way.spots.insert(Spot::At(hop.ttl, None));
            }
        }
        for link in &route.links {
            let from = match (link.ttl, link.from) {
                (1, None) => Spot::Here,
                (ttl, from) => Spot::At(ttl.saturating_sub(1), from),
            };
            let hop = hops.get(&link.ttl);
            let is_router = link
                .to
                .is_none_or(|to| hop.is_some_and(|hop| routers(hop, route).any(|router| router == to)));
            let to = if is_router { Spot::At(link.ttl, link.to) } else { Spot::End };
            if way.spots.contains(&from) && way.spots.contains(&to) {
                way.edges.insert((from, to), true);
            }
        }
        way.close_gaps(route);
        way
    }

    /// Joins what no link joins to what its TTL says is next to it, and loose ends to the end.
    fn close_gaps(&mut self, route: &Route) {
        let inner: Vec<Spot> =
            self.spots.iter().copied().filter(|spot| matches!(spot, Spot::At(..))).collect();
        for &spot in &inner {
            if self.edges.keys().any(|&(_, to)| to == spot) {
                continue;
            }
            let before = self.before(spot);
            let alone = before.len() == 1 && self.at(spot).len() == 1;
            for from in before {
                let sure = alone && column(from) + 1 == column(spot);
                self.edges.insert((from, spot), sure);
            }
        }
        let reached_by_link = self.edges.keys().any(|&(_, to)| to == Spot::End);
        let end = End::of(route);
        let farthest = inner.iter().map(|&spot| column(spot)).max();
        for &spot in inner.iter().chain([&Spot::Here]) {
            let loose = !self.edges.keys().any(|&(from, _)| from == spot);
            // A member that loses its packets leads nowhere, while others lead on.
            let dead = reached_by_link || (end.is_host() && Some(column(spot)) != farthest);
            if loose && (!dead || spot == Spot::Here) {
                let sure = self.at(spot).len() == 1;
                self.edges.insert((spot, Spot::End), sure);
            }
        }
        if !self.edges.keys().any(|&(_, to)| to == Spot::End) {
            for spot in self.before(Spot::End) {
                self.edges.insert((spot, Spot::End), false);
            }
        }
    }

    /// The nodes of the same column.
    fn at(&self, spot: Spot) -> Vec<Spot> {
        self.spots.iter().copied().filter(|&other| column(other) == column(spot)).collect()
    }

    /// The nodes of the nearest column before.
    fn before(&self, spot: Spot) -> Vec<Spot> {
        let columns = self.spots.iter().map(|&other| column(other)).filter(|&other| other < column(spot));
        let nearest = columns.max().unwrap_or(0);
        self.spots.iter().copied().filter(|&other| column(other) == nearest).collect()
    }

    fn end_column(&self, route: &Route, end: &End) -> u8 {
        let before =
            self.edges.keys().filter(|&&(_, to)| to == Spot::End).map(|&(from, _)| column(from)).max();
        let behind = before.unwrap_or(0).saturating_add(1);
        match (end.is_host(), route.distance) {
            (true, Some(distance)) => distance.max(behind),
            _ => behind,
        }
    }

    fn key(&self, spot: Spot, number: usize) -> Key {
        match spot {
            Spot::Here => Key::Here,
            Spot::At(ttl, Some(address)) => Key::Router(ttl, address),
            Spot::End => Key::End(number),
            Spot::At(ttl, None) => {
                let before = self.known(spot, |&(from, to)| (to, from));
                let behind = self.known(spot, |&(from, to)| (from, to));
                let own = behind.contains(&Spot::End).then_some(number);
                Key::Silent(ttl, before, behind, own)
            }
        }
    }

    /// The nearest nodes in one direction that are somebody.
    fn known(&self, spot: Spot, direction: impl Fn(&(Spot, Spot)) -> (Spot, Spot)) -> BTreeSet<Spot> {
        let mut known = BTreeSet::new();
        let mut seen = BTreeSet::from([spot]);
        let mut open = vec![spot];
        while let Some(spot) = open.pop() {
            for (_, next) in self.edges.keys().map(&direction).filter(|&(from, _)| from == spot) {
                if matches!(next, Spot::At(_, None)) {
                    if seen.insert(next) {
                        open.push(next);
                    }
                } else {
                    known.insert(next);
                }
            }
        }
        known
    }

    fn describe(&self, node: &mut Node, spot: Spot, route: &Route) {
        let here = |address: IpAddr| match spot {
            Spot::At(_, Some(router)) => router == address,
            Spot::End => address == route.endpoint.address,
            _ => false,
        };
        for hop in &route.hops {
            if matches!(spot, Spot::At(ttl, _) if ttl != hop.ttl) {
                continue;
            }
            for responder in hop.responders.iter().filter(|responder| here(responder.address)) {
                node.rtts.extend(&responder.rtts);
                if node.details.is_empty() {
                    node.details = super::list::details(responder);
                }
            }
        }
        for remark in &route.remarks {
            if let Remark::BadMember { ttl, member, lost, .. } = remark
                && spot == Spot::At(*ttl, *member)
            {
                node.lost = Some(*lost);
            }
        }
    }
}

impl Node {
    /// The middle round-trip time.
    pub(super) fn rtt(&self) -> Option<Duration> {
        stats::median(self.rtts.iter().copied())
    }
}

fn column(spot: Spot) -> u8 {
    match spot {
        Spot::Here => 0,
        Spot::At(ttl, _) => ttl,
        Spot::End => u8::MAX,
    }
}

/// The routers that answered at a hop.
fn routers(hop: &Hop, route: &Route) -> impl Iterator<Item = IpAddr> {
    let endpoint = route.endpoint.address;
    hop.responders
        .iter()
        .filter(move |responder| responder.reply == ReplyKind::TimeExceeded && responder.address != endpoint)
        .map(|responder| responder.address)
}

/// Whether somebody other than a router on the way answered at a hop.
fn is_ended(hop: &Hop, route: &Route) -> bool {
    hop.responders.iter().any(|responder| super::list::is_end(responder, route))
}
