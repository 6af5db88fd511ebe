//! Where packets from the client go: what any tracer in the lab ought to find.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{PlacedHost, Planner, link_addresses};

/// All ways from the client to one address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ways {
    /// The names of the nodes at each TTL from 1 on; the host's own at every TTL with which it is reached.
    pub(crate) nodes: Vec<BTreeSet<String>>,
    /// The addresses that answer at each TTL from 1 on.
    pub(crate) responders: Vec<BTreeSet<IpAddr>>,
    /// The TTL of the farther one, and what two neighbours answer with; `None` for the client and who keeps silent.
    pub(crate) links: BTreeSet<(u8, Option<IpAddr>, Option<IpAddr>)>,
    /// The smallest TTL with which the address is reached.
    pub(crate) distance: u8,
}

impl Planner<'_> {
    /// The ways to every address that a host owns.
    pub(super) fn ways(&self) -> BTreeMap<IpAddr, Ways> {
        let addresses = self
            .hosts
            .iter()
            .flat_map(|host| self.nodes[host.node].addresses.iter().map(move |&address| (host, address)));
        addresses.map(|(host, address)| (address, self.ways_to(host, address))).collect()
    }

    fn ways_to(&self, host: &PlacedHost, address: IpAddr) -> Ways {
        let mut ways = Ways::default();
        let mut here = BTreeSet::from([(0, None)]);
        for ttl in 1..=u8::MAX {
            let mut reached = BTreeSet::new();
            for &(node, from) in &here {
                for next in self.onward(node, host) {
                    let to = if next == host.node { Some(address) } else { self.voice(node, next, address) };
                    reached.insert((next, to));
                    ways.links.insert((ttl, from, to));
                }
            }
            if reached.is_empty() {
                break;
            }
            ways.nodes.push(reached.iter().map(|&(node, _)| self.nodes[node].name.clone()).collect());
            ways.responders.push(reached.iter().filter_map(|&(_, voice)| voice).collect());
            if ways.distance == 0 && reached.iter().any(|&(node, _)| node == host.node) {
                ways.distance = ttl;
            }
            here = reached;
        }
        ways
    }

    fn onward(&self, node: usize, host: &PlacedHost) -> Vec<usize> {
        if self.described(node).is_some_and(|router| router.dead) {
            Vec::new()
        } else if host.routers.contains(&node) {
            vec![host.node]
        } else {
            self.leading_to(node, host)
        }
    }

    /// The address with which a router answers for what comes from `previous`. Linux takes the address of the
    /// way back for IPv4, that of the interface where the packet came in for IPv6.
    fn voice(&self, previous: usize, router: usize, target: IpAddr) -> Option<IpAddr> {
        let described = self.described(router)?;
        if described.anonymous {
            return None;
        }
        let (v4, face) = self.nodes[router].faces?;
        let (_, inbound) = link_addresses(self.link_index(previous, router), true);
        let v6 = if described.wording.is_some() { face } else { inbound };
        Some(if target.is_ipv4() { v4.into() } else { v6.into() })
    }
}
