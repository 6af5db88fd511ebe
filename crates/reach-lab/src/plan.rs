//! From a description to the exact nodes, links, addresses, routes and settings. Pure: nothing here touches
//! the system.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::description::{ClientIpv6, Description, Effect, Link, Relay, Router};
use crate::error::LabError;

/// The third byte of an address numbers the link.
const MOST_LINKS: usize = 250;

/// The name of the client's node.
pub(crate) const CLIENT: &str = "client";

/// Everything that has to be made.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<PlannedNode>,
    pub(crate) links: Vec<PlannedLink>,
    /// The smallest TTL with which a packet from the client reaches each address.
    pub(crate) distances: BTreeMap<IpAddr, u8>,
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
        let distances = planner.distances();
        Ok(Plan { nodes: planner.nodes, links: planner.links, distances })
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
    /// Node index and stage of each host.
    hosts: Vec<(usize, usize)>,
}

impl<'a> Planner<'a> {
    fn new(description: &'a Description) -> Self {
        Planner { description, nodes: Vec::new(), links: Vec::new(), stages: Vec::new(), hosts: Vec::new() }
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
            let stage = match &host.behind {
                Some(router) => self.stage_of(router).expect("checked"),
                None => self.stages.len() - 1,
            };
            let mut settings = common_settings();
            settings.extend(unlimited_icmp());
            let node = self.add_node(&host.name, Role::Host, settings);
            self.nodes[node].addresses.clone_from(&host.addresses);
            for address in &host.addresses {
                let line = format!("addr add {} dev lo{}", prefix(*address), no_dad(*address));
                self.nodes[node].commands.push(line);
            }
            self.hosts.push((node, stage));
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
        });
        self.nodes.len() - 1
    }

    fn add_links(&mut self) -> Result<(), LabError> {
        let client = 0;
        self.link(client, self.stages[0][0])?;
        for pair in 1..self.stages.len() {
            for near in self.stages[pair - 1].clone() {
                for far in self.stages[pair].clone() {
                    self.link(near, far)?;
                }
            }
        }
        for (host, stage) in self.hosts.clone() {
            for router in self.stages[stage].clone() {
                self.link(router, host)?;
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
        for stage in 0..self.stages.len() {
            for router in self.stages[stage].clone() {
                self.add_way_up(router, stage);
                self.add_way_back(router, stage);
            }
        }
        for (host, stage) in self.hosts.clone() {
            for router in self.stages[stage].clone() {
                let index = self.link_index(router, host);
                let (v4, v6) = link_addresses(index, true);
                for address in self.nodes[host].addresses.clone() {
                    let gateway: IpAddr = if address.is_ipv4() { v4.into() } else { v6.into() };
                    self.command(router, format!("route add {} via {gateway}", prefix(address)));
                }
            }
            let index = self.link_index(self.living(stage), host);
            let (v4, v6) = link_addresses(index, false);
            self.command(host, format!("route add 0.0.0.0/0 via {v4}"));
            self.command(host, format!("route add ::/0 via {v6}"));
        }
    }

    /// Everything unknown goes to the next stage, spread over its routers.
    fn add_way_up(&mut self, router: usize, stage: usize) {
        let Some(next) = self.stages.get(stage + 1) else { return };
        let (mut v4_hops, mut v6_hops) = (String::new(), String::new());
        for &far in next {
            let index = self.link_index(router, far);
            let (v4, v6) = link_addresses(index, true);
            let _ = write!(v4_hops, " nexthop via {v4} dev l{index}");
            let _ = write!(v6_hops, " nexthop via {v6} dev l{index}");
        }
        self.command(router, format!("route add 0.0.0.0/0{v4_hops}"));
        self.command(router, format!("route add ::/0{v6_hops}"));
    }

    /// The client, and every address that NAT on the way gives it, is reached through the first living router
    /// of the stage before.
    fn add_way_back(&mut self, router: usize, stage: usize) {
        let previous = if stage == 0 { 0 } else { self.living(stage - 1) };
        let index = self.link_index(previous, router);
        self.nodes[router].faces = Some(link_addresses(index, true));
        if stage == 0 {
            return;
        }
        let (v4, v6) = link_addresses(index, false);
        self.command(router, format!("route add 10.70.0.0/24 via {v4}"));
        self.command(router, format!("route add 2001:db8:70::/64 via {v6}"));
        for fault in &self.description.faults {
            if let Effect::Snat { to, .. } = fault.effect
                && self.stage_of(&fault.at).is_some_and(|nat| nat < stage)
            {
                let line = format!("route replace {to}/32 via {v4}");
                self.nodes[router].commands.push(line);
            }
        }
    }

    fn add_link_oddities(&mut self) -> Result<(), LabError> {
        for link in &self.description.links {
            let index = self.described_link(link)?;
            if let Some(mtu) = link.mtu {
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

    fn distances(&self) -> BTreeMap<IpAddr, u8> {
        let mut distances = BTreeMap::new();
        for &(host, stage) in &self.hosts {
            for &address in &self.nodes[host].addresses {
                distances.insert(address, u8::try_from(stage + 2).unwrap_or(u8::MAX));
            }
        }
        distances
    }

    fn command(&mut self, node: usize, line: String) {
        self.nodes[node].commands.push(line);
    }

    fn stage_of(&self, router: &str) -> Option<usize> {
        self.description
            .stages
            .iter()
            .position(|stage| stage.routers.iter().any(|member| member.name == router))
    }

    /// The first router of a stage that is not dead.
    fn living(&self, stage: usize) -> usize {
        let routers = &self.description.stages[stage].routers;
        let position = routers.iter().position(|router| !router.dead).unwrap_or(0);
        self.stages[stage][position]
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

fn common_settings() -> Vec<Setting> {
    vec![
        Setting::required("ipv4/conf/all/rp_filter", "0"),
        Setting::required("ipv4/conf/default/rp_filter", "0"),
        Setting::wanted("ipv6/conf/all/disable_ipv6", "0"),
        Setting::wanted("ipv6/conf/default/disable_ipv6", "0"),
        Setting::wanted("ipv6/conf/lo/disable_ipv6", "0"),
        Setting::wanted("ipv6/conf/default/accept_dad", "0"),
        Setting::wanted("ipv6/conf/default/accept_ra", "0"),
        Setting::wanted("ipv6/conf/default/router_solicitations", "0"),
    ]
}

fn router_settings(router: &Router, stage: usize) -> Vec<Setting> {
    let mut settings = vec![
        Setting::required("ipv4/ip_forward", "1"),
        Setting::wanted("ipv6/conf/all/forwarding", "1"),
        Setting::wanted("ipv4/conf/all/send_redirects", "0"),
        Setting::wanted("ipv4/conf/default/send_redirects", "0"),
        // A hash of exactly addresses, protocol and ports: with the other policies the sender's socket hash,
        // which crosses a veth pair, would move a flow from path to path.
        Setting::wanted("ipv4/fib_multipath_hash_policy", "3"),
        Setting::wanted("ipv4/fib_multipath_hash_fields", "55"),
        Setting::wanted("ipv6/fib_multipath_hash_policy", "3"),
        Setting::wanted("ipv6/fib_multipath_hash_fields", "55"),
        // Another seed in each stage, or the second stage would repeat the choice of the first.
        Setting::wanted("ipv4/fib_multipath_hash_seed", SEEDS[stage % SEEDS.len()]),
    ];
    if !router.icmp_rate_limited {
        settings.extend(unlimited_icmp());
    }
    settings
}

/// Every error is sent, however many are due.
fn unlimited_icmp() -> Vec<Setting> {
    vec![
        Setting::required("ipv4/icmp_ratelimit", "0"),
        Setting::wanted("ipv6/icmp/ratelimit", "0"),
        Setting::wanted("ipv4/icmp_msgs_per_sec", "1000000"),
        Setting::wanted("ipv4/icmp_msgs_burst", "1000000"),
    ]
}

const SEEDS: [&str; 4] = ["7919", "104729", "1299709", "15485863"];

const DEAD: &str = "table inet dead {
  chain forward { type filter hook forward priority -10; policy drop; }
}
";

const ANONYMOUS: &str = "table inet anonymous {
  chain output {
    type filter hook output priority 0;
    icmp type { destination-unreachable, time-exceeded, parameter-problem } drop
    icmpv6 type { destination-unreachable, time-exceeded, parameter-problem, packet-too-big } drop
  }
}
";

fn silent_about_size(link: usize) -> String {
    format!(
        "table inet silent_about_size_{link} {{
  chain output {{
    type filter hook output priority 0;
    icmp type destination-unreachable icmp code 4 drop
    icmpv6 type packet-too-big drop
  }}
}}
"
    )
}

fn wrong(text: impl Into<String>) -> LabError {
    LabError::BadDescription(text.into())
}

/// What the types cannot say.
fn check(description: &Description) -> Result<(), LabError> {
    let Some(first) = description.stages.first() else { return Err(wrong("there is no router")) };
    if first.routers.len() != 1 {
        return Err(wrong("the first stage must have exactly one router, the client's gateway"));
    }
    let routers = || description.stages.iter().flat_map(|stage| &stage.routers);
    if description.stages.iter().any(|stage| stage.routers.is_empty()) {
        return Err(wrong("a stage has no router"));
    }
    let mut names = vec![CLIENT];
    names.extend(routers().map(|router| router.name.as_str()));
    names.extend(description.hosts.iter().map(|host| host.name.as_str()));
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() || names[..index].contains(name) {
            return Err(wrong(format!("the node name `{name}` is empty or used twice")));
        }
    }
    let mut owned: Vec<IpAddr> = Vec::new();
    for host in &description.hosts {
        if let Some(router) = &host.behind
            && !routers().any(|known| known.name == *router)
        {
            return Err(wrong(format!("{} is behind {router}, which is no router", host.name)));
        }
        for &address in &host.addresses {
            check_address(address)?;
            if owned.contains(&address) {
                return Err(wrong(format!("two hosts own {address}")));
            }
            owned.push(address);
        }
    }
    Ok(())
}

/// Only addresses that belong to nobody: a mistake must not be able to concern a real one.
fn check_address(address: IpAddr) -> Result<(), LabError> {
    let pretend = match address {
        IpAddr::V4(v4) => v4.is_documentation() || (v4.is_private() && v4.octets()[..2] != [10, 70]),
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            let documentation = segments[..2] == [0x2001, 0xdb8] && segments[2] != 0x70;
            documentation || segments[0] & 0xfe00 == 0xfc00
        }
    };
    if pretend {
        Ok(())
    } else {
        Err(wrong(format!("{address} is not a documentation or private address that hosts may have")))
    }
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
    }
}
