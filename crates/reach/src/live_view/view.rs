//! What the view shows, apart from how: which address, which flow, in which order.

use std::{net::IpAddr, time::Duration};

use reach_core::{
    Time,
    model::{Hop, Observation, Route, TraceProtocol},
};
use reach_report::trace::Labels;

use super::{
    keys::Wish,
    series::{Cell, Place, Series},
};
use crate::output::shown;

/// The state of the view.
#[derive(Clone, Debug)]
pub struct View {
    /// The targets as people write them.
    pub(super) hosts: Vec<String>,
    pub(super) protocol: TraceProtocol,
    pub(super) labels: Labels,
    /// Each with the number of its target.
    pub(super) routes: Vec<(usize, Route)>,
    pub(super) series: Series,
    pub(super) address: usize,
    pub(super) flow: Option<u16>,
    pub(super) order: Order,
    pub(super) paused: bool,
    /// Lines that are scrolled out above.
    pub(super) scroll: usize,
    started: Time,
    now: Time,
}

/// In which order hops stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// By distance.
    #[default]
    Distance,
    /// The largest loss first.
    Loss,
    /// The longest mean round trip first.
    Time,
}

/// One hop of the path that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// The TTL; `None` for packets that go all the way.
    pub(super) ttl: Option<u8>,
    /// What the trace found there, where it did.
    pub(super) hop: Option<&'a Hop>,
    /// What came of the packets, if any were sent since the last reset.
    pub(super) cell: Option<&'a Cell>,
}

impl View {
    /// Of traces to `hosts` that began at `started`.
    pub fn new(hosts: Vec<String>, protocol: TraceProtocol, started: Time) -> Self {
        Self {
            hosts,
            protocol,
            labels: Labels::default(),
            routes: Vec::new(),
            series: Series::default(),
            address: 0,
            flow: None,
            order: Order::default(),
            paused: false,
            scroll: 0,
            started,
            now: started,
        }
    }

    /// Takes what was observed on the way to a target.
    pub fn observe(&mut self, target: usize, observation: &Observation) {
        self.series.file(target, observation, self.protocol);
    }

    /// Takes the routes as known at `now`, each with the number of its target, and what is known of routers.
    pub fn know(&mut self, routes: Vec<(usize, Route)>, labels: Labels, now: Time) {
        self.routes = routes;
        self.labels = labels;
        self.now = now;
    }

    /// Takes what a person wants. Whoever wants to quit is not kept here.
    pub fn take(&mut self, wish: Wish) {
        let count = self.routes.len().max(1);
        match wish {
            Wish::NextAddress => self.turn_to((self.address + 1) % count),
            Wish::PreviousAddress => self.turn_to((self.address + count - 1) % count),
            Wish::NextFlow => self.flow = self.neighbour(false),
            Wish::PreviousFlow => self.flow = self.neighbour(true),
            Wish::Pause => self.paused = !self.paused,
            Wish::Reset => self.series.reset(),
            Wish::Order => {
                self.order = match self.order {
                    Order::Distance => Order::Loss,
                    Order::Loss => Order::Time,
                    Order::Time => Order::Distance,
                }
            }
            Wish::Up => self.scroll = self.scroll.saturating_sub(1),
            Wish::Down => self.scroll += 1,
            Wish::Quit | Wish::Redraw => {}
        }
    }

    /// Nothing is to be sent.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The name of a responder with its address, or the address alone.
    pub(super) fn name(&self, address: IpAddr) -> String {
        let name = match self.labels.names.get(&address) {
            Some(name) => format!("{} ({address})", shown(name.trim_end_matches('.'))),
            None => address.to_string(),
        };
        match self.labels.origins.get(&address) {
            Some(origin) => format!("{name} [AS{}]", origin.asn),
            None => name,
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.now.since(self.started)
    }

    pub(super) fn route(&self) -> Option<&Route> {
        self.routes.get(self.address).map(|(_, route)| route)
    }

    /// The number of the target whose path is shown.
    pub(super) fn target(&self) -> usize {
        self.routes.get(self.address).map_or(0, |(target, _)| *target)
    }

    /// That target as people write it.
    pub(super) fn host(&self) -> &str {
        self.hosts.get(self.target()).map_or("", String::as_str)
    }

    /// The flows to the address that is shown.
    pub(super) fn flows(&self) -> Vec<u16> {
        let flows = |route: &Route| self.series.flows(self.target(), route.endpoint.address).collect();
        self.route().map(flows).unwrap_or_default()
    }

    /// The hops of the path that is shown, in the order wanted.
    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        let Some(route) = self.route() else { return Vec::new() };
        let address = route.endpoint.address;
        let mut lines: Vec<Line<'_>> = route
            .hops
            .iter()
            .map(|hop| Line { ttl: Some(hop.ttl), hop: Some(hop), cell: self.cell(address, Some(hop.ttl)) })
            .collect();
        match self.order {
            Order::Distance => {}
            Order::Loss => lines.sort_by(|a, b| loss(b).total_cmp(&loss(a))),
            Order::Time => lines.sort_by_key(|line| std::cmp::Reverse(mean(line))),
        }
        if let Some(cell) = self.cell(address, None) {
            lines.push(Line { ttl: None, hop: None, cell: Some(cell) });
        }
        lines
    }

    fn cell(&self, address: IpAddr, ttl: Option<u8>) -> Option<&Cell> {
        self.series.cell(Place { target: self.target(), address, flow: self.flow, ttl })
    }

    fn turn_to(&mut self, address: usize) {
        self.address = address;
        self.flow = None;
        self.scroll = 0;
    }

    /// The flow beside the one shown; all together stand before the first and behind the last.
    fn neighbour(&self, before: bool) -> Option<u16> {
        let mut flows: Vec<Option<u16>> =
            std::iter::once(None).chain(self.flows().into_iter().map(Some)).collect();
        if before {
            flows.reverse();
        }
        let place = flows.iter().position(|flow| *flow == self.flow).unwrap_or(0);
        flows[(place + 1) % flows.len()]
    }
}

fn loss(line: &Line<'_>) -> f64 {
    line.cell.map_or(0.0, |cell| cell.tally.loss())
}

fn mean(line: &Line<'_>) -> Duration {
    line.cell.and_then(|cell| cell.tally.rtt().mean()).unwrap_or_default()
}
