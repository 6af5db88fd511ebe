//! From a description to the exact nodes, links, addresses, routes and settings. Pure: nothing here touches
//! the system.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::description::{ClientIpv6, Description, Detour, Effect, Host, Link, Relay, Router, Wording};
use crate::error::LabError;

mod check;
mod settings;
mod ways;

use check::{check, stage_of};
use settings::{
    ANONYMOUS, DEAD, common_settings, marking, router_settings, silent_about_size, unanswered, unlimited_icmp,
};
pub(crate) use ways::Ways;

/// The third byte of an address numbers the link.
const MOST_LINKS: usize = 250;

/// Begins a line that `ip` has to read as being about IPv6, where nothing else in it says so.
pub(crate) const ONLY_IPV6: &str = "-6 ";

/// The least MTU of a link that carries IPv6 (RFC 8200 §5).
const LEAST_MTU: u16 = 1280;

/// The name of the client's node.
pub(crate) const CLIENT: &str = "client";

/// Everything that has to be made.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<PlannedNode>,
    pub(crate) links: Vec<PlannedLink>,
    /// How packets from the client get to each address.
    pub(crate) ways: BTreeMap<IpAddr, Ways>,
}

/// A namespace.
#[derive(Debug)]
pub(crate) struct PlannedNode {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Lines for `ip -batch`, run inside it.
    pub(crate) commands: Vec<String>,
    pub(crate) settings: Vec<Setting>,
    /// `nft` text that belongs to the node itself rather than to a fault.
    pub(crate) filter: String,
    /// Interfaces towards the client.
    pub(crate) near_interfaces: Vec<String>,
    /// Interfaces towards the hosts.
    pub(crate) far_interfaces: Vec<String>,
    /// The addresses it owns as a host.
    pub(crate) addresses: Vec<IpAddr>,
    /// A router's client-facing addresses.
    pub(crate) faces: Option<(Ipv4Addr, Ipv6Addr)>,
    /// Where a router sends what is for the client, if that is another router.
    pub(crate) way_back: Option<(Ipv4Addr, Ipv6Addr)>,
    /// A router's own words for "time exceeded".
    pub(crate) wording: Option<Wording>,
}

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Router,
    Host,
}

/// A file under `/proc/sys/net` and what to write there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) path: String,
    pub(crate) value: &'static str,
    /// Whether the network is wrong without it; the others only sharpen it and are missing from some kernels.
    pub(crate) required: bool,
}

/// Two ends of a wire, with the same interface name on both.
#[derive(Debug)]
pub(crate) struct PlannedLink {
    pub(crate) near: usize,
    pub(crate) far: usize,
    pub(crate) interface: String,
    pub(crate) relay: Option<Relay>,
}

impl Plan {
    /// Plans the network.
    pub(crate) fn new(description: &Description) -> Result<Plan, LabError> {
        check(description)?;
        let mut planner = Planner::new(description);
        planner.add_nodes();
        planner.add_links()?;
        planner.add_routes();
        planner.add_link_oddities()?;
        planner.add_filters();
        let ways = planner.ways();
        Ok(Plan { nodes: planner.nodes, links: planner.links, ways })
    }

    /// The index of a node.
    pub(crate) fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }
}

struct Planner<'a> {
    description: &'a Description,
    nodes: Vec<PlannedNode>,
    links: Vec<PlannedLink>,
    /// Node indices of each stage's routers.
    stages: Vec<Vec<usize>>,
    /// For each node, the routers that it sends packets on to, and those from which it gets them.
    next: Vec<Vec<usize>>,
    previous: Vec<Vec<usize>>,
    hosts: Vec<PlacedHost>,
    /// For each detour its first node, its routers and its last.
    detours: Vec<Vec<usize>>,
}

/// A host's node, and the routers that lead to it.
#[derive(Clone)]
struct PlacedHost {
    node: usize,
    routers: Vec<usize>,
}

impl<'a> Planner<'a> {
    fn new(description: &'a Description) -> Self {
        Planner {
            description,
            nodes: Vec::new(),
            links: Vec::new(),
            stages: Vec::new(),
            next: Vec::new(),
            previous: Vec::new(),
            hosts: Vec::new(),
            detours: Vec::new(),
        }
    }

    fn add_nodes(&mut self) {
        let client = &self.description.client;
        let mut settings = common_settings();
        if client.ipv6 == ClientIpv6::Off {
            settings.push(Setting::required("ipv6/conf/all/disable_ipv6", "1"));
            settings.push(Setting::required("ipv6/conf/default/disable_ipv6", "1"));
        }
        self.add_node(CLIENT, Role::Client, settings);
        for (index, stage) in self.description.stages.iter().enumerate() {
            let members = stage.routers.iter().map(|router| self.add_router(router, index)).collect();
            self.stages.push(members);
        }
        for host in &self.description.hosts {
            self.add_host(host);
        }
        for detour in &self.description.detours {
            self.add_detour(detour);
        }
        self.join();
    }

    fn add_host(&mut self, host: &Host) {
        let routers = if host.at.is_empty() {
            let stage =
                host.behind.as_ref().map(|router| stage_of(self.description, router).expect("checked"));
            self.stages[stage.unwrap_or(self.stages.len() - 1)].clone()
        } else {
            host.at.iter().map(|name| self.named(name)).collect()
        };
        let mut settings = common_settings();
        settings.extend(unlimited_icmp());
        let node = self.add_node(&host.name, Role::Host, settings);
        self.nodes[node].addresses.clone_from(&host.addresses);
        for address in &host.addresses {
            let line = format!("addr add {} dev lo{}", prefix(*address), no_dad(*address));
            self.nodes[node].commands.push(line);
        }
        self.hosts.push(PlacedHost { node, routers });
    }

    fn add_detour(&mut self, detour: &Detour) {
        let mut nodes = vec![self.named(&detour.from)];
        for name in &detour.via {
            nodes.push(self.add_router(&Router::named(name), 0));
        }
        nodes.push(self.named(&detour.to));
        self.detours.push(nodes);
    }

    /// Who sends packets on to whom.
    fn join(&mut self) {
        self.next = vec![Vec::new(); self.nodes.len()];
        self.previous = vec![Vec::new(); self.nodes.len()];
        self.next[0] = vec![self.stages[0][0]];
        for (stage, members) in self.description.stages.iter().enumerate() {
            for (router, &node) in members.routers.iter().zip(&self.stages[stage]) {
                self.next[node] = if router.next.is_empty() {
                    self.stages.get(stage + 1).cloned().unwrap_or_default()
                } else {
                    router.next.iter().map(|name| self.named(name)).collect()
                };
            }
        }
        for (near, next) in self.next.iter().enumerate() {
            next.iter().for_each(|&far| self.previous[far].push(near));
        }
    }

    fn add_router(&mut self, router: &Router, stage: usize) -> usize {
        let mut settings = common_settings();
        settings.extend(router_settings(router, stage));
        let node = self.add_node(&router.name, Role::Router, settings);
        if router.dead {
            self.nodes[node].filter.push_str(DEAD);
        }
        if router.anonymous {
            self.nodes[node].filter.push_str(ANONYMOUS);
        }
        self.nodes[node].wording.clone_from(&router.wording);
        node
    }

    fn add_node(&mut self, name: &str, role: Role, settings: Vec<Setting>) -> usize {
        self.nodes.push(PlannedNode {
            name: name.to_owned(),
            role,
            commands: vec!["link set lo up".to_owned()],
            settings,
            filter: String::new(),
            near_interfaces: Vec::new(),
            far_interfaces: Vec::new(),
            addresses: Vec::new(),
            faces: None,
            way_back: None,
            wording: None,
        });
        self.nodes.len() - 1
    }

    fn add_links(&mut self) -> Result<(), LabError> {
        self.link(0, self.stages[0][0])?;
        for near in self.stages.concat() {
            for far in self.next[near].clone() {
                self.link(near, far)?;
            }
        }
        for host in self.hosts.clone() {
            for router in host.routers {
                self.link(router, host.node)?;
            }
        }
        for detour in self.detours.clone() {
            for pair in detour.windows(2) {
                self.link(pair[1], pair[0])?;
            }
        }
        Ok(())
    }

    fn link(&mut self, near: usize, far: usize) -> Result<(), LabError> {
        let index = self.links.len();
        if index >= MOST_LINKS {
            return Err(wrong(format!("there are more than {MOST_LINKS} links")));
        }
        let interface = format!("l{index}");
        for (node, is_far) in [(near, false), (far, true)] {
            let (v4, v6) = link_addresses(index, is_far);
            let has_ipv6 =
                self.nodes[node].role != Role::Client || self.description.client.ipv6 != ClientIpv6::Off;
            let planned = &mut self.nodes[node];
            planned.commands.push(format!("link set {interface} up"));
            planned.commands.push(format!("addr add {v4}/24 dev {interface}"));
            if has_ipv6 {
                planned.commands.push(format!("addr add {v6}/64 dev {interface} nodad"));
            }
            let side = if is_far { &mut planned.near_interfaces } else { &mut planned.far_interfaces };
            side.push(interface.clone());
        }
        self.links.push(PlannedLink { near, far, interface, relay: None });
        Ok(())
    }

    fn add_routes(&mut self) {
        // The client's way out.
        let (v4, v6) = link_addresses(0, true);
        self.command(0, format!("route add 0.0.0.0/0 via {v4}"));
        if self.description.client.ipv6 == ClientIpv6::Routed {
            self.command(0, format!("route add ::/0 via {v6}"));
        }
        for router in self.stages.concat() {
            self.add_ways_up(router);
            self.add_way_back(router);
        }
        for detour in self.detours.clone() {
            for pair in detour[1..].windows(2) {
                let (v4, v6) = link_addresses(self.link_index(pair[1], pair[0]), false);
                self.command(pair[0], format!("route add 0.0.0.0/0 via {v4}"));
                self.command(pair[0], format!("route add ::/0 via {v6}"));
            }
        }
        for PlacedHost { node: host, routers } in self.hosts.clone() {
            for &router in &routers {
                let index = self.link_index(router, host);
                let (v4, v6) = link_addresses(index, true);
                for address in self.nodes[host].addresses.clone() {
                    let gateway: IpAddr = if address.is_ipv4() { v4.into() } else { v6.into() };
                    self.command(router, format!("route add {} via {gateway}", prefix(address)));
                }
            }
            let index = self.link_index(self.first_living(&routers), host);
            let (v4, v6) = link_addresses(index, false);
            self.command(host, format!("route add 0.0.0.0/0 via {v4}"));
            self.command(host, format!("route add ::/0 via {v6}"));
        }
    }

    /// Everything unknown goes on to the next routers, and what only some of them lead to to those.
    fn add_ways_up(&mut self, router: usize) {
        let next = self.next[router].clone();
        if next.is_empty() {
            return;
        }
        for target in ["0.0.0.0/0", "::/0"] {
            self.command(router, format!("route add {target}{}", self.next_hops(router, &next, target)));
        }
        for host in self.hosts.clone() {
            let leading = self.leading_to(router, &host);
            if host.routers.contains(&router) || leading.is_empty() || leading == next {
                continue;
            }
            for &address in &self.nodes[host.node].addresses.clone() {
                let target = prefix(address);
                let hops = self.next_hops(router, &leading, &target);
                self.command(router, format!("route add {target}{hops}"));
            }
        }
        if self.marks(router) {
            // What the packet filter has chosen, but only where the default route would have been taken.
            for (family, target) in [("", "0.0.0.0/0"), (ONLY_IPV6, "::/0")] {
                self.command(router, format!("{family}rule add pref 10 lookup main suppress_prefixlength 0"));
                for (member, &far) in next.iter().enumerate() {
                    let mark = member + 1;
                    let hop = self.gateway(router, far, target);
                    self.command(
                        router,
                        format!("{family}rule add pref 20 fwmark {mark} lookup {}", 100 + mark),
                    );
                    self.command(router, format!("route add {target} {hop} table {}", 100 + mark));
                }
            }
        }
    }

    /// ` nexthop …` for each of these routers, with their weights.
    fn next_hops(&self, router: usize, next: &[usize], target: &str) -> String {
        let weights = self.weights(router);
        next.iter().fold(String::new(), |mut text, &far| {
            let _ = write!(text, " nexthop {}", self.gateway(router, far, target));
            let member = self.next[router].iter().position(|&member| member == far);
            if let Some(weight) = member.and_then(|member| weights.get(member)).filter(|weight| **weight > 1)
            {
                let _ = write!(text, " weight {weight}");
            }
            text
        })
    }

    fn gateway(&self, router: usize, far: usize, target: &str) -> String {
        let index = self.link_index(router, far);
        let (v4, v6) = link_addresses(index, true);
        let gateway: IpAddr = if target.contains(':') { v6.into() } else { v4.into() };
        format!("via {gateway} dev l{index}")
    }

    fn weights(&self, router: usize) -> Vec<u8> {
        let described = self.described(router).map(|router| router.weights.clone()).unwrap_or_default();
        if described.is_empty() { vec![1; self.next[router].len()] } else { described }
    }

    /// Whether the packet filter chooses the next router.
    fn marks(&self, router: usize) -> bool {
        self.next[router].len() > 1
            && self.described(router).is_some_and(|router| marking(router, &[], &[1], 0).is_some())
    }

    /// The next routers of this one that lead to the host.
    fn leading_to(&self, router: usize, host: &PlacedHost) -> Vec<usize> {
        let leads = |&next: &usize| host.routers.contains(&next) || !self.leading_to(next, host).is_empty();
        self.next[router].iter().copied().filter(leads).collect()
    }

    /// The client, and every address that NAT on the way gives it, is reached through the first living router
    /// that leads here, or by a detour.
    fn add_way_back(&mut self, router: usize) {
        let detour = self.detours.iter().find(|detour| detour[0] == router);
        let back = detour.map_or_else(|| self.first_living(&self.previous[router]), |detour| detour[1]);
        let index = self.link_index(back, router);
        self.nodes[router].faces = Some(link_addresses(index, true));
        if back == 0 {
            return;
        }
        let (v4, v6) = link_addresses(index, false);
        self.nodes[router].way_back = Some((v4, v6));
        self.command(router, format!("route add 10.70.0.0/24 via {v4}"));
        self.command(router, format!("route add 2001:db8:70::/64 via {v6}"));
        let stage = self.stages.iter().position(|members| members.contains(&router));
        for fault in &self.description.faults {
            if let Effect::Snat { to, .. } | Effect::Masquerade { to } = fault.effect
                && stage_of(self.description, &fault.at).is_some_and(|nat| Some(nat) < stage)
            {
                let line = format!("route replace {to}/32 via {v4}");
                self.nodes[router].commands.push(line);
            }
        }
    }

    fn add_filters(&mut self) {
        for router in self.stages.concat() {
            let near = self.nodes[router].near_interfaces.clone();
            if self.marks(router) {
                let described = self.described(router).expect("a router");
                let text = marking(described, &near, &self.weights(router), router).unwrap_or_default();
                self.nodes[router].filter.push_str(&text);
            }
            if self.nodes[router].wording.is_some() {
                self.nodes[router].filter.push_str(&unanswered(&near));
            }
        }
    }

    fn add_link_oddities(&mut self) -> Result<(), LabError> {
        for link in &self.description.links {
            let index = self.described_link(link)?;
            if let Some(mtu) = link.mtu {
                if mtu < LEAST_MTU {
                    return Err(wrong(format!(
                        "with an mtu below {LEAST_MTU} a link loses its IPv6 (RFC 8200)"
                    )));
                }
                for node in [self.links[index].near, self.links[index].far] {
                    if self.nodes[node].role != Role::Router {
                        let name = &self.nodes[node].name;
                        return Err(wrong(format!(
                            "a link with a small mtu must join routers, and {name} is none"
                        )));
                    }
                    self.command(node, format!("link set l{index} mtu {mtu}"));
                    if link.silent_about_size {
                        self.nodes[node].filter.push_str(&silent_about_size(index));
                    }
                }
            }
            self.links[index].relay.clone_from(&link.relay);
        }
        Ok(())
    }

    fn described_link(&self, link: &Link) -> Result<usize, LabError> {
        let named = |index: usize| self.nodes[index].name.as_str();
        let (one, other) = &link.between;
        let joins = |planned: &PlannedLink| {
            let ends = (named(planned.near), named(planned.far));
            ends == (one, other) || ends == (other, one)
        };
        let found = self.links.iter().position(joins);
        found.ok_or_else(|| wrong(format!("there is no link between {one} and {other}")))
    }

    fn command(&mut self, node: usize, line: String) {
        self.nodes[node].commands.push(line);
    }

    /// The node of a router that is known to exist.
    fn named(&self, name: &str) -> usize {
        self.nodes.iter().position(|node| node.name == name).expect("checked")
    }

    fn described(&self, node: usize) -> Option<&'a Router> {
        let routers = self.description.stages.iter().flat_map(|stage| &stage.routers);
        routers.into_iter().find(|router| router.name == self.nodes[node].name)
    }

    /// The first of these that is not a dead router.
    fn first_living(&self, nodes: &[usize]) -> usize {
        let lives = |node: &&usize| !self.described(**node).is_some_and(|router| router.dead);
        *nodes.iter().find(lives).unwrap_or(&nodes[0])
    }

    fn link_index(&self, near: usize, far: usize) -> usize {
        self.links
            .iter()
            .position(|link| link.near == near && link.far == far)
            .expect("neighbours are linked")
    }
}

impl Setting {
    fn required(path: &str, value: &'static str) -> Self {
        Setting { path: path.to_owned(), value, required: true }
    }

    fn wanted(path: &str, value: &'static str) -> Self {
        Setting { path: path.to_owned(), value, required: false }
    }
}

/// The addresses of one end of a link.
fn link_addresses(index: usize, far: bool) -> (Ipv4Addr, Ipv6Addr) {
    let last = if far == (index == 0) { 1 } else { 2 };
    let link = u8::try_from(index).expect("the number of links is checked");
    let v4 = Ipv4Addr::new(10, 70, link, last);
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0x70, u16::from(link), 0, 0, 0, u16::from(last));
    (v4, v6)
}

fn prefix(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

fn no_dad(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "" } else { " nodad" }
}

fn wrong(text: impl Into<String>) -> LabError {
    LabError::BadDescription(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn founding() -> Plan {
        Plan::new(&crate::story::founding()).unwrap()
    }

    #[test]
    fn router_addresses_are_the_documented_ones() {
        let plan = founding();
        let faces: Vec<_> = plan
            .nodes
            .iter()
            .filter_map(|node| Some((node.name.as_str(), node.faces?.0.to_string())))
            .collect();
        let expected = [("r1", "10.70.0.1"), ("fw", "10.70.1.2"), ("ra", "10.70.2.2"), ("rb", "10.70.3.2")];
        assert_eq!(faces, expected.map(|(name, address)| (name, address.to_owned())));
    }

    #[test]
    fn the_way_back_avoids_a_dead_router() {
        let description = Description::new("dead member")
            .router("r1")
            .stage([Router::dead("ra"), Router::named("rb")])
            .router("r3")
            .host("web", ["203.0.113.11"]);
        let plan = Plan::new(&description).unwrap();
        // Links: 0 client-r1, 1 r1-ra, 2 r1-rb, 3 ra-r3, 4 rb-r3.
        let r3 = &plan.nodes[plan.node("r3").unwrap()];
        assert!(
            r3.commands.contains(&"route add 10.70.0.0/24 via 10.70.4.1".to_owned()),
            "{:?}",
            r3.commands
        );
        assert_eq!(r3.faces.unwrap().0.to_string(), "10.70.4.2");
    }

    #[test]
    fn flows_are_spread_over_a_stage() {
        let plan = founding();
        let fw = &plan.nodes[plan.node("fw").unwrap()];
        let expected = "route add 0.0.0.0/0 nexthop via 10.70.2.2 dev l2 nexthop via 10.70.3.2 dev l3";
        assert!(fw.commands.iter().any(|line| line == expected), "{:?}", fw.commands);
    }

    #[test]
    fn contradictions_are_refused() {
        let base = || Description::new("bad").router("r1");
        let refused = |description: Description| Plan::new(&description).unwrap_err().to_string();
        assert!(refused(Description::new("none")).contains("no router"));
        assert!(refused(base().router("r1")).contains("twice"));
        assert!(refused(base().host("web", ["8.8.8.8"])).contains("8.8.8.8"));
        assert!(refused(base().host("web", ["10.70.9.9"])).contains("10.70.9.9"));
        assert!(refused(base().host("a", ["203.0.113.1"]).host("b", ["203.0.113.1"])).contains("two hosts"));
        assert!(refused(base().host_behind("a", ["203.0.113.1"], "r9")).contains("r9"));
        let link = Link::with_relay("r1", "r9", Relay::default());
        assert!(refused(base().link(link)).contains("no link between"));
        let small = Link::with_mtu("r1", "web", 1300, true);
        assert!(refused(base().host("web", ["203.0.113.1"]).link(small)).contains("join routers"));
        let tiny = Link::with_mtu("r1", "r2", 576, true);
        assert!(refused(base().router("r2").link(tiny)).contains("1280"));
        let refused_router = |router: Router| refused(base().stage([router]).router("r3"));
        assert!(refused_router(Router::named("r2").to(["r9"])).contains("r9"));
        assert!(refused_router(Router::named("r2").to(["r1"])).contains("no router behind"));
        assert!(refused_router(Router { weights: vec![1, 1], ..Router::named("r2") }).contains("1 weights"));
        assert!(refused(base().router("r2").detour("r1", ["x"], "r2")).contains("nearer"));
        assert!(refused(base().router("r2").detour("r2", ["r1"], "r1")).contains("twice"));
        assert!(refused(base().host_at("web", ["203.0.113.1"], &["r9"])).contains("no router"));
    }
}
