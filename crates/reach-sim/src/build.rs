//! From a description to the network that is played.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reach_core::model::{EchoAccess, Rcode, ResolverConfig, Vantage};

use crate::{
    description::{
        Backend, Certificate, ClientIpv6, Cut, Description, Direction, Effect, Fault, Link as LinkText,
        Rejection, Reply, RouteKind, Router as RouterText, Selection, Service as ServiceText, ServiceKind,
        Spread as SpreadText, TcpMode, Tls as TlsText, TlsAfter,
    },
    network::{
        Action, Choice, Client, DeadRoute, DeadRouteKind, Entry, Heading, Hook, Host, Http, HttpConduct,
        Issuer, Leaf, Link, LinkMtu, Match, NameCut, Network, Protocol, Rate, Resolver, Router, Rule, Say,
        Scope, Service, Spread, Stage, Tls, Unreachable,
    },
    scenario::{Pretend, ScenarioError},
};

/// The port that name servers listen on.
const DNS: u16 = 53;
/// Bytes of a first TLS flight with a small and with a large certificate.
const SMALL_FLIGHT: u32 = 1_100;
const LARGE_FLIGHT: u32 = 3_900;
/// Bytes of the head of an HTTP answer.
const HEAD: usize = 110;
const DAY: i64 = 86_400;

/// Builds the network of a description; `today` is when it is looked at, in seconds since the Unix epoch.
pub(crate) fn build(
    description: &Description,
    pretend: &Pretend,
    today: i64,
    seed: u64,
) -> Result<Network, ScenarioError> {
    let mut builder = Builder::new(description, pretend, today)?;
    builder.network.seed = seed;
    builder.add_links()?;
    builder.add_hosts()?;
    builder.add_resolvers()?;
    for service in &description.services {
        builder.add_service(service)?;
    }
    for fault in &description.faults {
        builder.add_fault(fault)?;
    }
    builder.add_client();
    Ok(builder.network)
}

struct Builder<'a> {
    description: &'a Description,
    pretend: &'a Pretend,
    today: i64,
    network: Network,
    /// Node numbers; the client is 0.
    nodes: BTreeMap<&'a str, usize>,
}

/// A place for rules.
enum Node {
    Client,
    /// Stage and member.
    Router(usize, usize),
    /// Its addresses.
    Host(Vec<IpAddr>),
}

impl<'a> Builder<'a> {
    fn new(description: &'a Description, pretend: &'a Pretend, today: i64) -> Result<Self, ScenarioError> {
        if description.stages.is_empty() {
            return Err(wrong("there is no router"));
        }
        let mut nodes = BTreeMap::from([("client", 0)]);
        let routers = description.stages.iter().flat_map(|stage| &stage.routers).map(|router| &router.name);
        let hosts = description.hosts.iter().map(|host| &host.name);
        for (index, name) in routers.chain(hosts).enumerate() {
            if name.is_empty() || nodes.insert(name, index + 1).is_some() {
                return Err(wrong(format!("the node name `{name}` is empty or used twice")));
            }
        }
        let mut network = Network {
            usual_link: Link {
                delay: pretend.link_delay(),
                jitter: pretend.link_delay().mul_f64(0.1),
                ..Link::default()
            },
            ..Network::default()
        };
        for (index, stage) in description.stages.iter().enumerate() {
            if stage.routers.is_empty() || index == 0 && stage.routers.len() > 1 {
                return Err(wrong("a stage has no router, or the first more than one"));
            }
            let following = description.stages.get(index + 1).map_or(&[][..], |stage| &stage.routers);
            let next = |router: &RouterText| -> Result<Vec<usize>, ScenarioError> {
                let place = |name: &String| {
                    let place = following.iter().position(|other| other.name == *name);
                    place.ok_or_else(|| {
                        wrong(format!("`{name}` is not in the stage behind `{}`", router.name))
                    })
                };
                router.next.iter().map(place).collect()
            };
            let nexts: Vec<Vec<usize>> = stage.routers.iter().map(next).collect::<Result<_, _>>()?;
            let routers = stage.routers.iter().enumerate().map(|(member, router)| Router {
                node: nodes[router.name.as_str()],
                addresses: face(description, index, member),
                anonymous: router.anonymous,
                dead: router.dead,
                icmp_limit: router.icmp_rate_limited.then_some(Rate::LINUX_ICMP),
                initial_ttl: pretend.router_ttl,
                next: nexts.get(member).cloned().unwrap_or_default(),
                clamp_mss: router.clamp_mss,
                translates: router.translates,
                detour: router.detour,
                labels: router.labels.clone(),
                ..Router::default()
            });
            let spread = match stage.spread {
                SpreadText::Flows => Spread::Flows,
                SpreadText::Addresses => Spread::Addresses,
                SpreadText::Packets => Spread::Packets,
            };
            network.stages.push(Stage { routers: routers.collect(), spread });
        }
        Ok(Self { description, pretend, today, network, nodes })
    }

    fn add_links(&mut self) -> Result<(), ScenarioError> {
        for link in &self.description.links {
            let (one, other) = (self.number(&link.between.0)?, self.number(&link.between.1)?);
            let ends = if one < other { (one, other) } else { (other, one) };
            let link = self.link(link);
            self.network.links.insert(ends, link);
        }
        Ok(())
    }

    fn link(&self, text: &LinkText) -> Link {
        let mut link = self.network.usual_link.clone();
        link.mtu = text.mtu.map(|mtu| LinkMtu { bytes: u32::from(mtu), silent: text.silent_about_size });
        let Some(relay) = &text.relay else { return link };
        link.delay += Duration::from_millis(relay.delay_ms);
        link.jitter += Duration::from_millis(relay.jitter_ms);
        let loss = f64::from(relay.loss_percent) / 100.0;
        let (out, back) = ways(relay.loss_direction);
        link.loss_out = if out { loss } else { 0.0 };
        link.loss_back = if back { loss } else { 0.0 };
        link.name_cut = relay.name_cut.as_ref().map(|cut| NameCut {
            names: cut.names.iter().map(|name| name.to_ascii_lowercase()).collect(),
            addresses: set(&cut.addresses),
            resets: cut.cut != Cut::Drop,
        });
        link
    }

    fn add_hosts(&mut self) -> Result<(), ScenarioError> {
        for text in &self.description.hosts {
            let stage = match &text.behind {
                Some(router) => self.stage_of(router)?,
                None => self.network.stages.len() - 1,
            };
            let node = self.nodes[text.name.as_str()];
            for &address in &text.addresses {
                let initial_ttl = self.pretend.host_ttl.unwrap_or(64);
                let (rules, ports) = (Vec::new(), BTreeMap::new());
                let host = Host { node, behind: stage + 1, rules, ports, initial_ttl };
                if self.network.hosts.insert(address, host).is_some() {
                    return Err(wrong(format!("two hosts own {address}")));
                }
            }
        }
        Ok(())
    }

    fn add_resolvers(&mut self) -> Result<(), ScenarioError> {
        for text in &self.description.resolvers {
            let addresses = self.resolver_addresses(&text.at, &text.addresses)?;
            let mut zone = BTreeMap::new();
            for name in &text.names {
                let entry = Entry {
                    aliases: name.aliases.iter().map(|alias| alias.to_ascii_lowercase()).collect(),
                    addresses: name.addresses.clone(),
                    ttl_s: name.ttl,
                    choice: choice(name.selection),
                    cached: name.ages,
                    say: say(name.reply),
                    say_aaaa: say(name.reply_aaaa.unwrap_or(name.reply)),
                };
                zone.insert(name.name.to_ascii_lowercase(), entry);
            }
            let resolver = Resolver {
                delay: Duration::from_millis(text.delay_ms),
                mute_over_tcp: text.tcp == TcpMode::Silent,
                zone,
                otherwise: say(text.otherwise),
            };
            for address in addresses {
                if let Some(host) = self.network.hosts.get_mut(&address)
                    && text.tcp != TcpMode::Closed
                {
                    host.ports.insert(DNS, Service::Quiet);
                }
                self.network.resolvers.insert(address, resolver.clone());
            }
        }
        Ok(())
    }

    /// The addresses that a resolver listens on. A router that is one gets its own addresses as a host of the
    /// stage before.
    fn resolver_addresses(&mut self, at: &str, given: &[IpAddr]) -> Result<Vec<IpAddr>, ScenarioError> {
        let own = match self.node(at)? {
            Node::Client => vec![Ipv4Addr::new(127, 0, 0, 53).into()],
            Node::Host(addresses) => addresses,
            Node::Router(stage, member) => {
                let router = &self.network.stages[stage].routers[member];
                let (node, addresses) = (router.node, router.addresses.clone());
                for &address in &addresses {
                    let (rules, ports) = (Vec::new(), BTreeMap::new());
                    let initial_ttl = router.initial_ttl.unwrap_or(64);
                    let host = Host { node, behind: stage, rules, ports, initial_ttl };
                    self.network.hosts.insert(address, host);
                }
                addresses
            }
        };
        Ok(if given.is_empty() { own } else { given.to_vec() })
    }

    fn add_service(&mut self, text: &'a ServiceText) -> Result<(), ScenarioError> {
        let service = self.service(&text.kind);
        match self.node(&text.at)? {
            Node::Client => return Err(wrong("the client has no services")),
            Node::Router(stage, member) => {
                let router = &mut self.network.stages[stage].routers[member];
                router.ports.extend(text.ports.iter().map(|&port| (port, service.clone())));
            }
            Node::Host(addresses) => {
                let others = || self.description.services.iter().filter(|other| other.at == text.at);
                for &port in &text.ports {
                    let claimed = |address: &IpAddr| {
                        others().any(|other| other.ports.contains(&port) && other.addresses.contains(address))
                    };
                    for &address in &addresses {
                        let meant = match text.addresses.is_empty() {
                            true => !claimed(&address),
                            false => text.addresses.contains(&address),
                        };
                        if meant && let Some(host) = self.network.hosts.get_mut(&address) {
                            host.ports.insert(port, service.clone());
                        }
                    }
                }
                if let Some(stranger) = text.addresses.iter().find(|address| !addresses.contains(address)) {
                    return Err(wrong(format!("{} does not own {stranger}", text.at)));
                }
            }
        }
        Ok(())
    }

    fn service(&self, kind: &ServiceKind) -> Service {
        match kind {
            ServiceKind::Tls(tls) => Service::Tls(Box::new(self.tls(tls))),
            ServiceKind::Http { status, body } => {
                Service::Http(http(HttpConduct::Status(*status), *body, Duration::ZERO))
            }
            ServiceKind::Banner(text) => Service::Banner(text.clone().into_bytes()),
            ServiceKind::Silent => Service::Quiet,
            ServiceKind::CloseAtOnce => Service::Ends { reset: false, after_data: false },
            ServiceKind::ResetAtOnce => Service::Ends { reset: true, after_data: false },
            ServiceKind::CloseAfterData => Service::Ends { reset: false, after_data: true },
            ServiceKind::ResetAfterData => Service::Ends { reset: true, after_data: true },
            ServiceKind::Alert(code) => Service::Alert(*code),
        }
    }

    fn tls(&self, text: &TlsText) -> Tls {
        let inspection = |trusted| Issuer::Private { name: "CN=Corporate Inspection CA".to_owned(), trusted };
        let (mut from, mut to) = (self.today - 30 * DAY, self.today + 60 * DAY);
        let mut names = text.names.clone();
        let mut issuer = Issuer::Public;
        match text.certificate {
            Certificate::Trusted => {}
            Certificate::WrongName => names = vec!["wrong.example".to_owned()],
            Certificate::Expired => (from, to) = (1_606_780_800, 1_622_505_600),
            Certificate::ExpiresSoon => to = self.today + 5 * DAY,
            Certificate::NotYetValid => (from, to) = (3_786_912_000, 3_786_912_000 + 90 * DAY),
            Certificate::SelfSigned => issuer = Issuer::Itself,
            Certificate::Inspection => issuer = inspection(false),
            Certificate::InspectionTrusted => issuer = inspection(true),
        }
        let conduct = match text.after {
            TlsAfter::Http => HttpConduct::Status(text.status),
            TlsAfter::Silent => HttpConduct::Mute,
            TlsAfter::Close => HttpConduct::Close,
            TlsAfter::Reset => HttpConduct::Reset,
        };
        Tls {
            certificate: Leaf { names, issuer, not_before: from, not_after: to },
            only_name: text.only_name.clone(),
            offers_http: text.alpn.iter().any(|protocol| protocol == "http/1.1"),
            flight: if text.large { LARGE_FLIGHT } else { SMALL_FLIGHT },
            http: http(conduct, text.body, Duration::from_millis(text.delay_ms)),
        }
    }

    fn add_fault(&mut self, fault: &Fault) -> Result<(), ScenarioError> {
        let node = self.node(&fault.at)?;
        let misplaced = || wrong(format!("the fault {:?} does not belong at {}", fault.effect, fault.at));
        let rules = match &node {
            Node::Router(..) => router_rules(fault),
            Node::Client => match &fault.effect {
                Effect::Route(kind) => {
                    let kind = match kind {
                        RouteKind::Blackhole => DeadRouteKind::Blackhole,
                        RouteKind::Unreachable => DeadRouteKind::Unreachable,
                        RouteKind::Prohibit => DeadRouteKind::Prohibit,
                    };
                    let addresses = fault.addresses.iter().copied().collect();
                    self.network.client.dead_routes.push(DeadRoute { addresses, kind });
                    return Ok(());
                }
                _ => end_rules(fault, Heading::Out),
            },
            Node::Host(_) => end_rules(fault, Heading::Back),
        };
        let rules = rules.ok_or_else(misplaced)?;
        match node {
            Node::Client => self.network.client.rules.extend(rules),
            Node::Router(stage, member) => self.network.stages[stage].routers[member].rules.extend(rules),
            Node::Host(addresses) => self.give_hosts(&addresses, &rules),
        }
        if let Effect::SynProxy { backend } = fault.effect {
            let action = match backend {
                Backend::Alive => return Ok(()),
                Backend::Dropped => Action::Drop,
                Backend::Closed => Action::Reset { ttl: None },
            };
            if fault.addresses.is_empty() {
                return Err(wrong("a SYN proxy with a sick backend needs addresses"));
            }
            let rule = Rule { hook: Hook::Input, matches: matches(fault, Some(Heading::Out)), action };
            self.give_hosts(&fault.addresses, &[rule]);
        }
        if matches!(fault.effect, Effect::Unclaimed | Effect::Route(_)) && fault.addresses.is_empty() {
            return Err(wrong(format!("the fault {:?} at {} needs addresses", fault.effect, fault.at)));
        }
        Ok(())
    }

    fn give_hosts(&mut self, addresses: &[IpAddr], rules: &[Rule]) {
        for address in addresses {
            if let Some(host) = self.network.hosts.get_mut(address) {
                host.rules.extend_from_slice(rules);
            }
        }
    }

    fn add_client(&mut self) {
        let text = &self.description.client;
        let pretend = self.pretend;
        let mut sources: Vec<IpAddr> = vec![Ipv4Addr::new(10, 70, 0, 2).into()];
        if text.ipv6 == ClientIpv6::Routed {
            sources.push(Ipv6Addr::new(0x2001, 0xdb8, 0x70, 0, 0, 0, 0, 2).into());
        }
        let servers = text.resolvers.clone().unwrap_or_else(|| {
            let firsts = self.description.resolvers.iter().map(|resolver| {
                let own = self.description.hosts.iter().find(|host| host.name == resolver.at);
                let router = || self.network.stages.iter().flat_map(|stage| &stage.routers);
                let faces = || {
                    let node = self.nodes.get(resolver.at.as_str());
                    let router = router().find(|router| Some(&router.node) == node)?;
                    router.addresses.first().copied()
                };
                let first = resolver.addresses.first().copied();
                first
                    .or_else(|| own.and_then(|host| host.addresses.first().copied()))
                    .or_else(faces)
                    .unwrap_or(Ipv4Addr::new(127, 0, 0, 53).into())
            });
            firsts.collect()
        });
        let option = |name: &str| {
            let words = text.resolver_options.split_whitespace();
            words
                .filter_map(|word| word.strip_prefix(name)?.strip_prefix(':')?.parse::<u8>().ok())
                .next_back()
        };
        let echo = match (text.ping_sockets, pretend.raw_sockets) {
            (true, _) => EchoAccess::Datagram,
            (false, true) => EchoAccess::Raw,
            (false, false) => EchoAccess::None,
        };
        let pinned = text
            .hosts_file
            .iter()
            .flat_map(|(name, addresses)| {
                addresses.iter().map(|&address| (name.to_ascii_lowercase(), address))
            })
            .collect();
        self.network.client = Client {
            vantage: Vantage {
                host: "client".to_owned(),
                sources,
                raw_sockets: pretend.raw_sockets,
                echo,
                resolver: ResolverConfig {
                    servers: servers.into_iter().map(|address| SocketAddr::new(address, DNS)).collect(),
                    search: pretend.search.clone(),
                    ndots: option("ndots").unwrap_or(1),
                },
                proxies: pretend.proxies(),
                no_proxy: pretend.no_proxy.clone(),
                pinned,
            },
            rules: std::mem::take(&mut self.network.client.rules),
            dead_routes: std::mem::take(&mut self.network.client.dead_routes),
            counters: pretend.counters.into(),
            syn_schedule: pretend.syn_schedule.into(),
            hello_size: pretend.hello_size,
            other_traffic: pretend.other_traffic,
            stub_timeout: Duration::from_secs(option("timeout").map_or(5, u64::from)),
            stub_attempts: option("attempts").map_or(2, u32::from),
        };
    }

    fn number(&self, name: &str) -> Result<usize, ScenarioError> {
        self.nodes.get(name).copied().ok_or_else(|| wrong(format!("there is no node `{name}`")))
    }

    fn node(&self, name: &str) -> Result<Node, ScenarioError> {
        if self.number(name)? == 0 {
            return Ok(Node::Client);
        }
        if let Some(host) = self.description.hosts.iter().find(|host| host.name == name) {
            return Ok(Node::Host(host.addresses.clone()));
        }
        let stage = self.stage_of(name)?;
        let routers = &self.description.stages[stage].routers;
        Ok(Node::Router(stage, routers.iter().position(|router| router.name == name).unwrap_or(0)))
    }

    fn stage_of(&self, router: &str) -> Result<usize, ScenarioError> {
        let stages = &self.description.stages;
        let found = stages.iter().position(|stage| stage.routers.iter().any(|member| member.name == router));
        found.ok_or_else(|| wrong(format!("there is no router `{router}`")))
    }
}

fn router_rules(fault: &Fault) -> Option<Vec<Rule>> {
    let (out, back) = ways(fault.direction);
    let heading = match (out, back) {
        (true, true) => None,
        (false, _) => Some(Heading::Back),
        _ => Some(Heading::Out),
    };
    let one = |hook, action| Some(vec![Rule { hook, matches: matches(fault, heading), action }]);
    let toward = |hook, action| {
        let mut matches = matches(fault, Some(Heading::Out));
        matches.protocol = Some(Protocol::Tcp);
        Some(vec![Rule { hook, matches, action }])
    };
    let reject = |how: &Rejection| Action::Reject { how: unreachable(*how), limit: None };
    match &fault.effect {
        Effect::Drop => one(Hook::Forward, Action::Drop),
        Effect::DropEarly => one(Hook::Prerouting, Action::Drop),
        Effect::Reset => one(Hook::Forward, Action::Reset { ttl: None }),
        Effect::ResetEarly => one(Hook::Prerouting, Action::Reset { ttl: None }),
        Effect::ResetWithTtl(ttl) => one(Hook::Forward, Action::Reset { ttl: Some(*ttl) }),
        Effect::Reject(how) => one(Hook::Forward, reject(how)),
        Effect::RejectEarly(how) => one(Hook::Prerouting, reject(how)),
        Effect::Loss { percent } => one(Hook::Forward, Action::Lose(f64::from(*percent) / 100.0)),
        Effect::Route(kind) => Some(route_rules(fault, *kind)),
        Effect::Unclaimed => {
            let matches = matches(fault, Some(Heading::Out));
            Some(vec![Rule { hook: Hook::Postrouting, matches, action: Action::Unclaimed }])
        }
        Effect::SynProxy { .. } => toward(Hook::Forward, Action::SynProxy),
        Effect::Snat { first_port, last_port, .. } => {
            let limit = u32::from(last_port.saturating_sub(*first_port)) + 1;
            let mut rules = toward(Hook::Postrouting, Action::Capacity { limit, per: Scope::Endpoint })?;
            rules.iter_mut().for_each(|rule| rule.matches.v4_only = true);
            Some(rules)
        }
        Effect::ConnectionLimit { max } => {
            toward(Hook::Forward, Action::Capacity { limit: *max, per: Scope::All })
        }
        Effect::SynRate { per_second, burst } => {
            let rate = Rate { burst: f64::from(*burst), per_second: f64::from(*per_second) };
            toward(Hook::Forward, Action::SynRate(rate))
        }
        Effect::Redirect { to_port } => toward(Hook::Prerouting, Action::Redirect(*to_port)),
        Effect::OutputDrop
        | Effect::EgressDrop
        | Effect::OutputReset
        | Effect::OutputReject(_)
        | Effect::InputDrop
        | Effect::InputReset => None,
    }
}

/// The errors that routes give differ between the families, and in IPv4 they have a rate of their own.
fn route_rules(fault: &Fault, kind: RouteKind) -> Vec<Rule> {
    let (v6, v4): (Vec<IpAddr>, Vec<IpAddr>) = fault.addresses.iter().partition(|address| address.is_ipv6());
    let reject = |how, limit| Action::Reject { how, limit };
    let (four, six) = match kind {
        RouteKind::Blackhole => (Action::Drop, Action::Drop),
        RouteKind::Unreachable => {
            (reject(Unreachable::Host, Some(Rate::LINUX_ROUTE)), reject(Unreachable::Net, None))
        }
        RouteKind::Prohibit => {
            let how = Unreachable::AdminProhibited;
            (reject(how, Some(Rate::LINUX_ROUTE)), reject(how, None))
        }
    };
    [(v4, four), (v6, six)]
        .into_iter()
        .filter(|(addresses, _)| !addresses.is_empty())
        .map(|(addresses, action)| {
            let matches = Match { addresses: set(&addresses), ..Match::default() };
            Rule { hook: Hook::Routing, matches, action }
        })
        .collect()
}

/// Rules of the client, whose own packets head out, or of a host, whose own packets head back.
fn end_rules(fault: &Fault, own: Heading) -> Option<Vec<Rule>> {
    let others = if own == Heading::Out { Heading::Back } else { Heading::Out };
    let rule = |hook, heading, action| Rule { hook, matches: matches(fault, Some(heading)), action };
    let (out, back) = ways(fault.direction);
    let hits = |heading| if heading == Heading::Out { out } else { back };
    let one = match &fault.effect {
        Effect::OutputDrop => rule(Hook::Output, own, Action::Drop),
        Effect::EgressDrop if own == Heading::Out => rule(Hook::Egress, own, Action::Drop),
        Effect::OutputReset => rule(Hook::Output, own, Action::Reset { ttl: None }),
        Effect::OutputReject(how) => {
            rule(Hook::Output, own, Action::Reject { how: unreachable(*how), limit: None })
        }
        Effect::InputDrop => rule(Hook::Input, others, Action::Drop),
        Effect::InputReset if own == Heading::Back => rule(Hook::Input, others, Action::Reset { ttl: None }),
        Effect::Loss { percent } => {
            let lose = Action::Lose(f64::from(*percent) / 100.0);
            let both = [(Hook::Output, own), (Hook::Input, others)];
            let hit = both.into_iter().filter(|&(_, heading)| hits(heading));
            return Some(hit.map(|(hook, heading)| rule(hook, heading, lose.clone())).collect());
        }
        _ => return None,
    };
    Some(vec![one])
}

fn matches(fault: &Fault, heading: Option<Heading>) -> Match {
    let implied = !fault.ports.is_empty() || fault.flows.is_some();
    let protocol = fault.protocol.map(|protocol| match protocol {
        crate::description::Protocol::Tcp => Protocol::Tcp,
        crate::description::Protocol::Udp => Protocol::Udp,
        crate::description::Protocol::Icmp => Protocol::Icmp,
    });
    Match {
        addresses: set(&fault.addresses),
        ports: set(&fault.ports),
        protocol: protocol.or(implied.then_some(Protocol::Tcp)),
        heading,
        flows: fault.flows.map(|share| (share.hit, share.of)),
        v4_only: false,
    }
}

fn http(conduct: HttpConduct, body: usize, delay: Duration) -> Http {
    Http { conduct, delay, length: u32::try_from(HEAD + body).unwrap_or(u32::MAX) }
}

fn set<T: Ord + Copy>(items: &[T]) -> Option<BTreeSet<T>> {
    (!items.is_empty()).then(|| items.iter().copied().collect())
}

/// Whether packets from the client and packets to it are meant.
fn ways(direction: Direction) -> (bool, bool) {
    (direction != Direction::Back, direction != Direction::Toward)
}

fn unreachable(how: Rejection) -> Unreachable {
    match how {
        Rejection::AdminProhibited => Unreachable::AdminProhibited,
        Rejection::HostUnreachable => Unreachable::Host,
        Rejection::NetUnreachable => Unreachable::Net,
        Rejection::PortUnreachable => Unreachable::Port,
        Rejection::HostProhibited => Unreachable::HostProhibited,
        Rejection::NetProhibited => Unreachable::NetProhibited,
    }
}

fn say(reply: Reply) -> Say {
    match reply {
        Reply::Answer => Say::Addresses,
        Reply::NxDomain => Say::Error(Rcode::NxDomain),
        Reply::NoData => Say::NoData,
        Reply::ServFail => Say::Error(Rcode::ServFail),
        Reply::Refused => Say::Error(Rcode::Refused),
        Reply::Silent => Say::Silence,
        Reply::Truncated => Say::Truncated,
        Reply::Garbage => Say::Garbage,
        Reply::WrongId => Say::WrongId,
        Reply::WrongName => Say::WrongName,
    }
}

fn choice(selection: Selection) -> Choice {
    match selection {
        Selection::All => Choice::Fixed,
        Selection::Rotate => Choice::Rotated,
        Selection::Random { size, .. } => Choice::Subset(size),
        Selection::Window { size } => Choice::Window(size),
    }
}

/// The addresses with which a router answers: those of its link to the first living router of the stage before.
/// Links are numbered from the client, all links into a stage before those into the next.
fn face(description: &Description, stage: usize, member: usize) -> Vec<IpAddr> {
    let size = |stage: usize| description.stages[stage].routers.len();
    let (link, last) = match stage {
        0 => (0, 1),
        _ => {
            let before: usize = (1..stage).map(|stage| size(stage - 1) * size(stage)).sum();
            let previous = &description.stages[stage - 1].routers;
            let living = previous.iter().position(|router| !router.dead).unwrap_or(0);
            (1 + before + living * size(stage) + member, 2)
        }
    };
    let [high, low] = (link as u16).to_be_bytes();
    vec![
        Ipv4Addr::new(10, 70 + high, low, last).into(),
        Ipv6Addr::new(0x2001, 0xdb8, 0x70, link as u16, 0, 0, 0, u16::from(last)).into(),
    ]
}

fn wrong(text: impl Into<String>) -> ScenarioError {
    ScenarioError::Contradiction(text.into())
}
