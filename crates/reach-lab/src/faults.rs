//! From a fault to the packet-filter text or the routes that bring it about. Pure.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use crate::description::{Backend, Direction, Effect, Fault, Protocol, Rejection, RouteKind};
use crate::error::LabError;
use crate::plan::{Plan, PlannedNode, Role, Setting};

/// What has to be done in one node to bring a fault about, and to end it.
#[derive(Debug, Default)]
pub(crate) struct Action {
    pub(crate) node: usize,
    /// Text for `nft`, if it is a matter of the packet filter. It makes the table [`table_name`].
    pub(crate) filter: Option<String>,
    /// Lines for `ip -batch` that begin and end it, if it is a matter of routes or addresses.
    pub(crate) begin: Vec<String>,
    pub(crate) end: Vec<String>,
    pub(crate) settings: Vec<Setting>,
}

/// The name of the table of fault number `id`.
pub(crate) fn table_name(id: usize) -> String {
    format!("fault_{id}")
}

/// What brings fault number `id` about.
pub(crate) fn actions(plan: &Plan, fault: &Fault, id: usize) -> Result<Vec<Action>, LabError> {
    let node = plan.node(&fault.at).ok_or_else(|| wrong(fault, "there is no such node"))?;
    let maker = Maker { fault, node: &plan.nodes[node], id };
    let mut first = Action { node, ..Action::default() };
    let mut others = Vec::new();
    match &fault.effect {
        Effect::Drop => first.filter = Some(maker.forward(&["drop"])?),
        Effect::DropEarly => first.filter = Some(maker.early(&["drop"])?),
        Effect::Reset => first.filter = Some(maker.forward(&[RESET])?),
        Effect::ResetEarly => first.filter = Some(maker.early(&[RESET])?),
        Effect::Reject(kind) => first.filter = Some(maker.forward(&rejections(*kind))?),
        Effect::RejectEarly(kind) => first.filter = Some(maker.early(&rejections(*kind))?),
        Effect::Loss { percent } => first.filter = Some(maker.loss(*percent)),
        Effect::OutputDrop => first.filter = Some(maker.output(&["drop"])?),
        Effect::OutputReset => first.filter = Some(maker.output(&[RESET])?),
        Effect::OutputReject(kind) => first.filter = Some(maker.output(&rejections(*kind))?),
        Effect::InputDrop => first.filter = Some(maker.input("drop")?),
        Effect::Route(kind) => (first.begin, first.end) = maker.routes(*kind)?,
        Effect::Unclaimed => (first.begin, first.end) = maker.unclaimed(plan)?,
        Effect::SynProxy { backend } => {
            first.filter = Some(maker.syn_proxy()?);
            first.settings = syn_proxy_settings();
            others = backend_actions(plan, fault, *backend, id)?;
        }
        Effect::Snat { to, first_port, last_port } => {
            first.filter = Some(maker.snat(&format!("snat ip to {to}:{first_port}-{last_port}"))?);
            (first.begin, first.end) = owning(*to);
        }
        Effect::ConnectionLimit { max } => {
            first.filter = Some(maker.forward(&[&format!("ct state new ct count over {max} drop")])?);
        }
        Effect::SynRate { per_second, burst } => {
            let limit = format!("limit rate over {per_second}/second burst {burst} packets drop");
            first.filter = Some(maker.forward(&[&format!("{ONLY_SYN} {limit}")])?);
        }
        Effect::Redirect { to_port } => first.filter = Some(maker.redirect(*to_port)?),
        Effect::Masquerade { to } => {
            first.filter = Some(maker.masquerade(*to)?);
            (first.begin, first.end) = owning(*to);
        }
        Effect::MssClamp { to } => {
            let clamp = format!("tcp flags & (syn | rst) == syn tcp option maxseg size set {to}");
            first.filter = Some(maker.forward(&[&clamp])?);
        }
        Effect::Dscp { to } => {
            let [v4, v6] = [format!("{V4}ip dscp set {to}"), format!("{V6}ip6 dscp set {to}")];
            first.filter = Some(maker.forward(&[&v4, &v6])?);
        }
        Effect::SetTtl { to } => {
            let [v4, v6] = [format!("{V4}ip ttl set {to}"), format!("{V6}ip6 hoplimit set {to}")];
            first.filter = Some(maker.forward(&[&v4, &v6])?);
        }
        Effect::ZeroTtl => first.filter = Some(maker.zero_ttl()?),
        Effect::Loop => (first.begin, first.end) = maker.back_again()?,
    }
    others.insert(0, first);
    Ok(others)
}

const ONLY_SYN: &str = "tcp flags & (fin | syn | rst | ack) == syn";

const RESET: &str = "meta l4proto tcp reject with tcp reset";

const V4: &str = "meta nfproto ipv4 ";
const V6: &str = "meta nfproto ipv6 ";

/// Lines that give a router the address that its NAT speaks by, so that what comes back to it without a
/// connection is not sent round in circles.
fn owning(address: Ipv4Addr) -> (Vec<String>, Vec<String>) {
    (vec![format!("addr add {address}/32 dev lo")], vec![format!("addr del {address}/32 dev lo")])
}

struct Maker<'a> {
    fault: &'a Fault,
    node: &'a PlannedNode,
    id: usize,
}

impl Maker<'_> {
    fn forward(&self, verdicts: &[&str]) -> Result<String, LabError> {
        self.only(Role::Router)?;
        let rules = self.rules(self.directions(), verdicts);
        Ok(self.table("forward", "filter hook forward priority 0", &rules))
    }

    fn early(&self, verdicts: &[&str]) -> Result<String, LabError> {
        self.only(Role::Router)?;
        let rules = self.rules(self.directions(), verdicts);
        Ok(self.table("early", "filter hook prerouting priority -300", &rules))
    }

    fn loss(&self, percent: u8) -> String {
        let verdict = format!("numgen random mod 100 < {percent} drop");
        if self.node.role == Role::Router {
            let rules = self.rules(self.directions(), &[&verdict]);
            return self.table("forward", "filter hook forward priority 0", &rules);
        }
        let (hits_toward, hits_back) = match self.fault.direction {
            Direction::Toward => (true, false),
            Direction::Back => (false, true),
            Direction::Both => (true, true),
        };
        // The client sends what goes toward the hosts; a host sends what comes back.
        let out_toward = self.node.role == Role::Client;
        let (sends, receives) = if out_toward { (hits_toward, hits_back) } else { (hits_back, hits_toward) };
        let mut text = String::new();
        if sends {
            let rules = self.rules(&[out_toward], &[&verdict]);
            text += &self.chain("sends", "filter hook output priority 0", &rules);
        }
        if receives {
            let rules = self.rules(&[!out_toward], &[&verdict]);
            text += &self.chain("receives", "filter hook input priority 0", &rules);
        }
        self.in_table(&text)
    }

    fn output(&self, verdicts: &[&str]) -> Result<String, LabError> {
        self.not_on_routers()?;
        let toward = self.node.role == Role::Client;
        Ok(self.table("output", "filter hook output priority 0", &self.rules(&[toward], verdicts)))
    }

    fn input(&self, verdict: &str) -> Result<String, LabError> {
        self.not_on_routers()?;
        let toward = self.node.role == Role::Host;
        Ok(self.table("input", "filter hook input priority 0", &self.rules(&[toward], &[verdict])))
    }

    fn routes(&self, kind: RouteKind) -> Result<(Vec<String>, Vec<String>), LabError> {
        if self.node.role == Role::Host {
            return Err(wrong(self.fault, "a route fault belongs on a router or the client"));
        }
        let kind = match kind {
            RouteKind::Blackhole => "blackhole",
            RouteKind::Unreachable => "unreachable",
            RouteKind::Prohibit => "prohibit",
        };
        // A better metric than the real route's (0 means 1024 in IPv6), and unequal to it so that both can
        // exist.
        self.route_lines(|address| {
            let metric = if address.is_ipv4() { "" } else { " metric 1" };
            format!("{kind} {address}{metric}")
        })
    }

    fn unclaimed(&self, plan: &Plan) -> Result<(Vec<String>, Vec<String>), LabError> {
        self.only(Role::Router)?;
        let owned = |address: &IpAddr| plan.nodes.iter().any(|node| node.addresses.contains(address));
        if let Some(address) = self.fault.addresses.iter().find(|address| owned(address)) {
            return Err(wrong(self.fault, &format!("{address} is owned by a host")));
        }
        let Some(interface) = self.node.far_interfaces.first() else {
            return Err(wrong(self.fault, "there is no link behind this router"));
        };
        self.route_lines(|address| format!("{address} dev {interface}"))
    }

    fn route_lines(&self, route: impl Fn(IpAddr) -> String) -> Result<(Vec<String>, Vec<String>), LabError> {
        if self.fault.addresses.is_empty() {
            return Err(wrong(self.fault, "a route fault needs addresses"));
        }
        if !self.fault.ports.is_empty() || self.fault.protocol.is_some() || self.fault.flows.is_some() {
            return Err(wrong(self.fault, "routes know addresses only, neither ports nor protocols"));
        }
        let lines = |verb: &str| {
            self.fault.addresses.iter().map(|&address| format!("route {verb} {}", route(address))).collect()
        };
        Ok((lines("prepend"), lines("del")))
    }

    fn syn_proxy(&self) -> Result<String, LabError> {
        self.only(Role::Router)?;
        self.needs_tcp()?;
        let untracked = self.rules(&[true], &[&format!("{ONLY_SYN} notrack")]);
        let mut proxied = self.rules(
            &[true],
            &[
                "ct state invalid,untracked synproxy mss 1460 wscale 9 timestamp sack-perm",
                "ct state invalid drop",
            ],
        );
        proxied.extend(
            self.rules(
                &[false],
                &["ct state invalid,untracked synproxy mss 1460 wscale 9 timestamp sack-perm"],
            ),
        );
        let text = self.chain("early", "filter hook prerouting priority -300", &untracked)
            + &self.chain("forward", "filter hook forward priority 0", &proxied);
        Ok(self.in_table(&text))
    }

    fn snat(&self, verdict: &str) -> Result<String, LabError> {
        self.only(Role::Router)?;
        let verdict = format!("meta nfproto ipv4 meta l4proto tcp {verdict}");
        Ok(self.table("source", "nat hook postrouting priority 100", &self.rules_anywhere(&[&verdict])))
    }

    fn masquerade(&self, to: Ipv4Addr) -> Result<String, LabError> {
        self.only(Role::Router)?;
        let verdict = format!("{V4}snat ip to {to}");
        let far: Vec<String> = self.node.far_interfaces.iter().map(|name| format!("\"{name}\"")).collect();
        let rules = self.rules_anywhere(&[&format!("oifname {{ {} }} {verdict}", far.join(", "))]);
        Ok(self.table("source", "nat hook postrouting priority 100", &rules))
    }

    /// The packet is marked on arrival and lives long enough to be forwarded.
    fn zero_ttl(&self) -> Result<String, LabError> {
        const MARK: &str = "0x1000000";
        self.only(Role::Router)?;
        let [v4, v6] = [
            format!("ip ttl 1 fib daddr type unicast meta mark set {MARK} ip ttl set 2"),
            format!("ip6 hoplimit 1 fib daddr type unicast meta mark set {MARK} ip6 hoplimit set 2"),
        ];
        let arriving = self.rules(&[true], &[&v4, &v6]);
        let leaving = [
            format!("meta mark {MARK} {V4}ip ttl set 0"),
            format!("meta mark {MARK} {V6}ip6 hoplimit set 0"),
        ];
        let text = self.chain("arriving", "filter hook prerouting priority -290", &arriving)
            + &self.chain("leaving", "filter hook postrouting priority 0", &leaving);
        Ok(self.in_table(&text))
    }

    /// Routes back to where the packets came from.
    fn back_again(&self) -> Result<(Vec<String>, Vec<String>), LabError> {
        self.only(Role::Router)?;
        let Some((v4, v6)) = self.node.way_back else {
            return Err(wrong(self.fault, "behind the first router there is only the client"));
        };
        self.route_lines(|address| match address {
            IpAddr::V4(_) => format!("{address} via {v4}"),
            IpAddr::V6(_) => format!("{address} via {v6} metric 1"),
        })
    }

    fn redirect(&self, port: u16) -> Result<String, LabError> {
        self.only(Role::Router)?;
        let verdict = format!("meta l4proto tcp redirect to :{port}");
        Ok(self.table("destination", "nat hook prerouting priority -100", &self.rules(&[true], &[&verdict])))
    }

    fn table(&self, chain: &str, hook: &str, rules: &[String]) -> String {
        self.in_table(&self.chain(chain, hook, rules))
    }

    fn in_table(&self, chains: &str) -> String {
        format!("table inet {} {{\n{chains}}}\n", table_name(self.id))
    }

    fn chain(&self, name: &str, hook: &str, rules: &[String]) -> String {
        let mut text = format!("  chain {name} {{\n    type {hook};\n");
        for rule in rules {
            let _ = writeln!(text, "    {rule}");
        }
        text + "  }\n"
    }

    /// One rule for each direction (true is toward the hosts), family and verdict.
    fn rules(&self, directions: &[bool], verdicts: &[&str]) -> Vec<String> {
        let mut rules = Vec::new();
        for &toward in directions {
            for selector in self.selectors(toward, true) {
                rules.extend(self.fitting(&selector, verdicts));
            }
        }
        rules
    }

    /// Like `rules` for packets towards the hosts, where the hook does not know by which interface they came.
    fn rules_anywhere(&self, verdicts: &[&str]) -> Vec<String> {
        self.selectors(true, false).iter().flat_map(|selector| self.fitting(selector, verdicts)).collect()
    }

    /// The selector with each verdict that can apply to its family.
    fn fitting(&self, selector: &str, verdicts: &[&str]) -> Vec<String> {
        let fits = |verdict: &&&str| {
            !(selector.starts_with("ip ") && verdict.contains("ipv6")
                || selector.starts_with("ip6 ") && verdict.contains("ipv4"))
        };
        verdicts.iter().filter(fits).map(|verdict| format!("{selector}{verdict}")).collect()
    }

    /// What chooses the packets, one text for each family that is named, each ending with a space unless
    /// empty.
    fn selectors(&self, toward: bool, by_interface: bool) -> Vec<String> {
        let transport = self.transport(toward);
        let end = if toward { "daddr" } else { "saddr" };
        let family = |name: &str, wanted: fn(&IpAddr) -> bool| {
            let addresses: Vec<String> = self
                .fault
                .addresses
                .iter()
                .filter(|address| wanted(address))
                .map(IpAddr::to_string)
                .collect();
            (!addresses.is_empty())
                .then(|| format!("{name} {end} {{ {} }} {transport}", addresses.join(", ")))
        };
        let named: Vec<String> =
            [family("ip", IpAddr::is_ipv4), family("ip6", IpAddr::is_ipv6)].into_iter().flatten().collect();
        if !named.is_empty() {
            return named;
        }
        if self.node.role != Role::Router {
            // Traffic of the node with itself is no concern of a fault that names nothing.
            let sends = (self.node.role == Role::Client) == toward;
            return vec![format!("{} != \"lo\" {transport}", if sends { "oifname" } else { "iifname" })];
        }
        if by_interface {
            let sign = if toward { "" } else { "!= " };
            let near: Vec<String> =
                self.node.near_interfaces.iter().map(|name| format!("\"{name}\"")).collect();
            return vec![format!("iifname {sign}{{ {} }} {transport}", near.join(", "))];
        }
        vec![transport]
    }

    fn transport(&self, toward: bool) -> String {
        let protocol = self.protocol();
        let ports: Vec<String> = self.fault.ports.iter().map(u16::to_string).collect();
        let (far, near) = if toward { ("dport", "sport") } else { ("sport", "dport") };
        let mut text = match protocol {
            None => String::new(),
            Some(Protocol::Icmp) => return PINGS.to_owned(),
            Some(Protocol::IcmpErrors) => return ERRORS.to_owned(),
            Some(protocol) => {
                let name = if protocol == Protocol::Tcp { "tcp" } else { "udp" };
                if ports.is_empty() {
                    format!("meta l4proto {name} ")
                } else {
                    format!("{name} {far} {{ {} }} ", ports.join(", "))
                }
            }
        };
        if let Some(share) = self.fault.flows {
            let name = if protocol == Some(Protocol::Udp) { "udp" } else { "tcp" };
            let _ = write!(text, "jhash {name} {near} mod {} seed 0x5eed < {} ", share.of, share.hit);
        }
        text
    }

    fn protocol(&self) -> Option<Protocol> {
        let implied = !self.fault.ports.is_empty() || self.fault.flows.is_some();
        self.fault.protocol.or(implied.then_some(Protocol::Tcp))
    }

    fn directions(&self) -> &'static [bool] {
        match self.fault.direction {
            Direction::Toward => &[true],
            Direction::Back => &[false],
            Direction::Both => &[true, false],
        }
    }

    fn only(&self, role: Role) -> Result<(), LabError> {
        if self.node.role == role {
            Ok(())
        } else {
            Err(wrong(self.fault, "this effect belongs on a router"))
        }
    }

    fn not_on_routers(&self) -> Result<(), LabError> {
        let on_router = self.node.role == Role::Router;
        if on_router { Err(wrong(self.fault, "this effect belongs on the client or a host")) } else { Ok(()) }
    }

    fn needs_tcp(&self) -> Result<(), LabError> {
        let tcp = matches!(self.protocol(), None | Some(Protocol::Tcp));
        if tcp { Ok(()) } else { Err(wrong(self.fault, "this effect is for TCP")) }
    }
}

/// Echo requests and replies of both families: errors and neighbour discovery are left alone.
const PINGS: &str = "meta l4proto { icmp, ipv6-icmp } @th,0,8 { 0, 8, 128, 129 } ";

/// Errors of both families. Only types that mean an error in one and nothing in the other.
const ERRORS: &str = "meta l4proto { icmp, ipv6-icmp } @th,0,8 { 1, 2, 3, 4, 11, 12 } ";

/// The verdicts of a rejection for IPv4 and IPv6.
fn rejections(kind: Rejection) -> [&'static str; 2] {
    macro_rules! both {
        ($v4:literal, $v6:literal) => {
            [
                concat!("meta nfproto ipv4 reject with icmp type ", $v4),
                concat!("meta nfproto ipv6 reject with icmpv6 type ", $v6),
            ]
        };
    }
    match kind {
        Rejection::AdminProhibited => both!("admin-prohibited", "admin-prohibited"),
        Rejection::HostUnreachable => both!("host-unreachable", "addr-unreachable"),
        Rejection::NetUnreachable => both!("net-unreachable", "no-route"),
        Rejection::PortUnreachable => both!("port-unreachable", "port-unreachable"),
        Rejection::HostProhibited => both!("host-prohibited", "policy-fail"),
        Rejection::NetProhibited => both!("net-prohibited", "reject-route"),
    }
}

fn syn_proxy_settings() -> Vec<Setting> {
    let required = |path: &str, value| Setting { path: path.to_owned(), value, required: true };
    vec![
        required("ipv4/tcp_syncookies", "1"),
        required("ipv4/tcp_timestamps", "1"),
        // Without this the proxy's own handshake is taken for an established connection.
        Setting { required: false, ..required("netfilter/nf_conntrack_tcp_loose", "0") },
    ]
}

/// What makes the proxied hosts absent or closed.
fn backend_actions(plan: &Plan, fault: &Fault, backend: Backend, id: usize) -> Result<Vec<Action>, LabError> {
    let verdict = match backend {
        Backend::Alive => return Ok(Vec::new()),
        Backend::Dropped => "drop",
        Backend::Closed => RESET,
    };
    if fault.addresses.is_empty() {
        return Err(wrong(fault, "a syn proxy with a sick backend needs addresses"));
    }
    let owners = plan.nodes.iter().enumerate();
    let owners =
        owners.filter(|(_, node)| fault.addresses.iter().any(|address| node.addresses.contains(address)));
    let actions = owners.map(|(index, node)| {
        let maker = Maker { fault, node, id };
        Ok(Action { node: index, filter: Some(maker.input(verdict)?), ..Action::default() })
    });
    actions.collect()
}

fn wrong(fault: &Fault, text: &str) -> LabError {
    LabError::BadDescription(format!("the fault {:?} at {}: {text}", fault.effect, fault.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter_of(fault: &Fault) -> String {
        let plan = Plan::new(&crate::story::founding()).unwrap();
        let actions = actions(&plan, fault, 7).unwrap();
        actions[0].filter.clone().unwrap_or_else(|| actions[0].begin.join("\n"))
    }

    #[test]
    fn a_drop_is_limited_to_what_it_names() {
        let fault = Fault::at("fw", Effect::Drop).address("203.0.113.12").address("2001:db8::12").port(443);
        let text = filter_of(&fault);
        assert!(text.contains("table inet fault_7"));
        assert!(text.contains("ip daddr { 203.0.113.12 } tcp dport { 443 } drop"), "{text}");
        assert!(text.contains("ip6 daddr { 2001:db8::12 } tcp dport { 443 } drop"), "{text}");
    }

    #[test]
    fn a_fault_without_addresses_goes_by_the_interface() {
        let text = filter_of(&Fault::at("fw", Effect::Drop).direction(Direction::Both));
        assert!(text.contains("iifname { \"l1\" } drop"), "{text}");
        assert!(text.contains("iifname != { \"l1\" } drop"), "{text}");
    }

    #[test]
    fn a_rejection_answers_each_family_in_its_own_words() {
        let fault = Fault::at("fw", Effect::Reject(Rejection::HostProhibited)).address("203.0.113.12");
        let text = filter_of(&fault);
        assert!(text.contains("reject with icmp type host-prohibited"), "{text}");
        assert!(!text.contains("icmpv6"), "{text}");
    }

    #[test]
    fn a_fault_in_the_wrong_place_is_refused() {
        let plan = Plan::new(&crate::story::founding()).unwrap();
        for fault in [
            Fault::at("nowhere", Effect::Drop),
            Fault::at("client", Effect::Drop),
            Fault::at("fw", Effect::OutputDrop),
            Fault::at("fw", Effect::Route(RouteKind::Blackhole)),
            Fault::at("fw", Effect::Unclaimed).address("203.0.113.11"),
        ] {
            actions(&plan, &fault, 1).unwrap_err();
        }
    }
}
