//! The walk of one packet. Everything that a network can do to a packet happens here.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use reach_core::{
    Time,
    model::{IcmpError, MplsLabel, Quote, QuotedHeader, QuotedTcp},
};

use crate::{
    network::{Action, Hook, Host, Link, Match, NameCut, Network, Rate, Rule, Scope, Spread, Unreachable},
    packet::{Flow, Heading, Kind, Marks, Packet, Place, Protocol},
    world::{DEFAULT_TTL, World},
};

/// How long a router asks for a neighbour before it gives up (three solicitations, one a second).
const NEIGHBOUR_SEARCH: Duration = Duration::from_secs(3);
/// Packets of probes sent together may be played in another order than that of their arrival.
const ABREAST: Duration = Duration::from_millis(10);
/// How long connection tracking remembers a SYN that got no answer.
const TRACKED_SYN: Duration = Duration::from_secs(120);
/// How long it remembers an established connection.
const TRACKED_ESTABLISHED: Duration = Duration::from_secs(432_000);

/// What became of a packet.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// It came to the end of its way, with this TTL left.
    Arrived { at: Time, ttl: u8 },
    /// A router gave it to its own service on that port: a transparent proxy.
    Taken { at: Time, place: Place, port: u16 },
    /// Somebody on the way answered instead; the answer starts at its `origin`.
    Answered { answer: Packet, at: Time },
    /// It vanished.
    Lost,
}

/// What became of a packet that the client itself sends.
#[derive(Clone, Debug)]
pub(crate) enum Emission {
    /// The client's own filter drops it, and the sender can know; at `Egress`, or before.
    Held { egress: bool },
    /// The client's own filter answers.
    Answered(Packet),
    /// It left.
    Gone(Fate),
}

/// What routers remember.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// When tokens were taken from each bucket, in order.
    taken: BTreeMap<Bucket, Vec<Time>>,
    /// Connections that a rule with a limit knows.
    tracked: BTreeMap<RuleId, BTreeMap<Flow, Vec<Span>>>,
    /// When each vain search for a neighbour began.
    searches: BTreeMap<(usize, IpAddr), Vec<Time>>,
    /// Connections that a box on a link has cut.
    cut: BTreeSet<(usize, usize, Flow)>,
}

/// A node and the number of its rule.
type RuleId = (usize, usize);
/// A rule, or none for the node's ICMP errors, and the client address.
type Bucket = (usize, Option<usize>, IpAddr);

/// A tracked connection holds its slot from … to.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Time,
    to: Time,
}

/// The client's own counters, and what a capture on its interface sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) out_requests: u64,
    pub(crate) out_transmits: u64,
    pub(crate) interface_sent: u64,
    pub(crate) in_receives: u64,
    pub(crate) in_delivers: u64,
    /// SYNs on the wire.
    pub(crate) syns_left: u32,
    /// TCP packets from the addressee on the wire.
    pub(crate) returned: u32,
}

/// A node as far as its rules see it.
struct Here<'a> {
    place: Place,
    addresses: &'a [IpAddr],
    anonymous: bool,
    icmp_limit: Option<Rate>,
    initial_ttl: u8,
    /// Hops by which the way back is longer.
    detour: u8,
    labels: &'a [u32],
}

impl World {
    /// Sends a packet of the client.
    pub(crate) fn emit(&mut self, packet: Packet, mut at: Time) -> Emission {
        let network = Arc::clone(&self.network);
        self.edge.out_requests += 1;
        for hook in [Hook::Output, Hook::Postrouting, Hook::Egress] {
            if hook == Hook::Egress {
                self.edge.out_transmits += 1;
            }
            for rule in network.client.rules.iter().filter(|rule| rule.hook == hook) {
                if !rule.matches.covers(&packet) {
                    continue;
                }
                let held = Emission::Held { egress: hook == Hook::Egress };
                match &rule.action {
                    Action::Delay(span) => at = at + *span,
                    Action::Lose(probability) if !self.rng.chance(*probability) => {}
                    Action::Reset { .. } if packet.flow.protocol != Protocol::Tcp => {}
                    Action::Reset { .. } => return self.own_answer(&packet, Kind::Reset),
                    Action::Reject { how, .. } => {
                        let error = how.error(packet.flow.peer.is_ipv6());
                        let by = packet.flow.client;
                        let kind = Kind::Error { error, by, quoted_ttl: packet.ttl, quote: Box::default() };
                        return self.own_answer(&packet, kind);
                    }
                    _ => return held,
                }
            }
        }
        self.edge.interface_sent += 1;
        self.edge.syns_left += u32::from(packet.kind == Kind::Syn);
        Emission::Gone(self.walk(packet, None, at))
    }

    /// The client's filter answers over loopback.
    fn own_answer(&mut self, packet: &Packet, kind: Kind) -> Emission {
        self.edge.out_requests += 1;
        self.edge.out_transmits += 1;
        let heading = Heading::Back;
        Emission::Answered(Packet { heading, kind, ttl: DEFAULT_TTL, ..packet.clone() })
    }

    /// Whether a packet that reached the client's interface is given to the socket. `min_ttl` is the bound of
    /// the socket; for an ICMP error the kernel compares the TTL that it quotes.
    pub(crate) fn receive(&mut self, packet: &Packet, min_ttl: Option<u8>) -> bool {
        let network = Arc::clone(&self.network);
        self.edge.in_receives += 1;
        let from_peer = packet.flow.protocol == Protocol::Tcp && !matches!(packet.kind, Kind::Error { .. });
        self.edge.returned += u32::from(packet.origin.hop > 0 && from_peer);
        for rule in network.client.rules.iter().filter(|rule| rule.hook == Hook::Input) {
            if rule.matches.covers(packet) {
                match rule.action {
                    Action::Lose(probability) if !self.rng.chance(probability) => {}
                    _ => return false,
                }
            }
        }
        self.edge.in_delivers += 1;
        let compared = match packet.kind {
            Kind::Error { quoted_ttl, .. } => quoted_ttl,
            _ => packet.ttl,
        };
        min_ttl.is_none_or(|bound| compared >= bound)
    }

    /// Lets a packet walk back from where it was made to the client: the packet as it arrives, and when.
    pub(crate) fn walk_back(&mut self, packet: Packet, at: Time) -> Option<(Packet, Time)> {
        match self.walk(packet.clone(), None, at) {
            Fate::Arrived { at, ttl } => Some((Packet { ttl, ..packet }, at)),
            _ => None,
        }
    }

    /// Lets a packet walk from its origin in its direction, to the end of the line or to the node at hop
    /// `stop`.
    pub(crate) fn walk(&mut self, mut packet: Packet, stop: Option<usize>, mut at: Time) -> Fate {
        let network = Arc::clone(&self.network);
        let mut place = packet.origin;
        let mut on_wire = packet.on_wire;
        if !on_wire && let Some(fate) = self.leave_host(&network, &mut packet, &mut at) {
            return fate;
        }
        loop {
            let dice = if network.throws_dice(place) { self.rng.next() } else { 0 };
            let Some(next) = network.next(place, &packet, dice) else { return Fate::Lost };
            let link = network.link(place, next);
            if !on_wire && let Some(fate) = self.cross(&network, link, place, next, &packet, &mut at) {
                return fate;
            }
            on_wire = false;
            place = next;
            if place.hop == 0 || stop == Some(place.hop) {
                return Fate::Arrived { at, ttl: packet.ttl };
            }
            if network.is_host(place.hop, &packet.flow) {
                let refused = self.enter_host(&network, &mut packet, &mut at);
                return refused.unwrap_or(Fate::Arrived { at, ttl: packet.ttl });
            }
            if let Some(fate) = self.pass(&network, place, &mut packet, &mut at) {
                return fate;
            }
        }
    }

    /// Crosses a link. `None` when the packet gets to the other end.
    fn cross(
        &mut self,
        network: &Network,
        link: &Link,
        from: Place,
        to: Place,
        packet: &Packet,
        at: &mut Time,
    ) -> Option<Fate> {
        if let Some(mtu) = link.mtu
            && packet.size > mtu.bytes
        {
            let v6 = packet.flow.peer.is_ipv6();
            let (kind, code) = if v6 { (2, 0) } else { (3, 4) };
            let error = IcmpError { v6, kind, code };
            return Some(match network.here(from) {
                Some(here) if !mtu.silent => self.icmp(&here, packet, error, mtu.bytes, *at),
                _ => Fate::Lost,
            });
        }
        let loss = match packet.heading {
            Heading::Out => link.loss_out,
            Heading::Back => link.loss_back,
        };
        let jitter = if link.jitter.is_zero() { 0.0 } else { self.rng.unit() };
        *at = *at + link.delay + link.jitter.mul_f64(jitter);
        if self.rng.chance(loss) {
            return Some(Fate::Lost);
        }
        let cut = link.name_cut.as_ref().filter(|_| packet.heading == Heading::Out)?;
        let key = (from.node, to.node, packet.flow);
        if packet.kind == Kind::Syn {
            self.memory.cut.remove(&key);
            return None;
        }
        if self.memory.cut.contains(&key) && !cut.resets {
            return Some(Fate::Lost);
        }
        if !cut.covers(packet) {
            return self.memory.cut.contains(&key).then_some(Fate::Lost);
        }
        self.memory.cut.insert(key);
        if !cut.resets {
            return Some(Fate::Lost);
        }
        let answer = Packet { on_wire: true, ..packet.answer(to, DEFAULT_TTL, Kind::Reset) };
        Some(Fate::Answered { answer, at: *at })
    }

    /// Goes through a router, in the order of Linux: prerouting, routing, TTL, forward, postrouting. `None`
    /// when the packet goes on.
    fn pass(&mut self, network: &Network, place: Place, packet: &mut Packet, at: &mut Time) -> Option<Fate> {
        let router = &network.stages[place.hop - 1].routers[place.member];
        let here = network.here(place)?;
        for hook in [Hook::Prerouting, Hook::Routing, Hook::Forward, Hook::Postrouting] {
            if hook == Hook::Forward {
                if packet.ttl <= 1 {
                    return Some(self.icmp(&here, packet, time_exceeded(packet), 0, *at));
                }
                packet.ttl -= 1;
                if router.dead {
                    return Some(Fate::Lost);
                }
                packet.marks.translated |= router.translates && packet.heading == Heading::Out;
                if let (Some(mss), Some(clamp)) = (packet.marks.mss, router.clamp_mss) {
                    packet.marks.mss = Some(mss.min(clamp));
                }
            }
            if let Some(fate) = self.filter(&here, &router.rules, hook, packet, at) {
                return Some(fate);
            }
        }
        None
    }

    /// Lets a host's own filter look at a packet that the host sends.
    fn leave_host(&mut self, network: &Network, packet: &mut Packet, at: &mut Time) -> Option<Fate> {
        if packet.heading == Heading::Out || !network.is_host(packet.origin.hop, &packet.flow) {
            return None;
        }
        let host = network.hosts.get(&packet.flow.peer)?;
        let here = Here::at_host(host, &[]);
        // Whatever the filter answers, it answers to the host.
        self.filter(&here, &host.rules, Hook::Output, packet, at).map(|_| Fate::Lost)
    }

    /// Lets a host's own filter look at a packet that has reached the host.
    fn enter_host(&mut self, network: &Network, packet: &mut Packet, at: &mut Time) -> Option<Fate> {
        let host = network.hosts.get(&packet.flow.peer)?;
        let own = [packet.flow.peer];
        self.filter(&Here::at_host(host, &own), &host.rules, Hook::Input, packet, at)
    }

    /// Applies the rules of one hook. `None` when the packet goes on.
    fn filter(
        &mut self,
        here: &Here<'_>,
        rules: &[Rule],
        hook: Hook,
        packet: &Packet,
        at: &mut Time,
    ) -> Option<Fate> {
        rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.hook == hook)
            .find_map(|(number, rule)| self.apply(here, number, rule, packet, at))
    }

    fn apply(
        &mut self,
        here: &Here<'_>,
        number: usize,
        rule: &Rule,
        packet: &Packet,
        at: &mut Time,
    ) -> Option<Fate> {
        let id = (here.place.node, number);
        let tcp = packet.flow.protocol == Protocol::Tcp && !matches!(packet.kind, Kind::Error { .. });
        if let Action::Capacity { limit, per } = rule.action {
            let both_ways = Match { heading: None, ..rule.matches.clone() };
            let full = tcp && both_ways.covers(packet) && !self.track(id, limit, per, packet, *at);
            return full.then_some(Fate::Lost);
        }
        if !rule.matches.covers(packet) {
            return None;
        }
        match &rule.action {
            Action::Drop => Some(Fate::Lost),
            Action::Lose(probability) => self.rng.chance(*probability).then_some(Fate::Lost),
            Action::Delay(span) => {
                *at = *at + *span;
                None
            }
            Action::Reset { .. } | Action::SynProxy | Action::Redirect(_) if !tcp => None,
            Action::Reset { .. } if packet.kind == Kind::Reset => Some(Fate::Lost),
            Action::Reset { ttl } => {
                let ttl = ttl.unwrap_or(here.initial_ttl);
                Some(Fate::Answered { answer: packet.answer(here.place, ttl, Kind::Reset), at: *at })
            }
            Action::Reject { how, limit } => {
                let bucket = (here.place.node, Some(number), packet.flow.client);
                if !self.take_token(*limit, bucket, *at) {
                    return Some(Fate::Lost);
                }
                Some(self.icmp(here, packet, how.error(packet.flow.peer.is_ipv6()), 0, *at))
            }
            Action::SynProxy => (packet.kind == Kind::Syn).then(|| {
                let kind = Kind::SynAck { proxied: true };
                Fate::Answered { answer: packet.answer(here.place, here.initial_ttl, kind), at: *at }
            }),
            Action::Redirect(port) => Some(Fate::Taken { at: *at, place: here.place, port: *port }),
            Action::SynRate(rate) => {
                let bucket = (here.place.node, Some(number), packet.flow.client);
                let over = packet.kind == Kind::Syn && !self.take_token(Some(*rate), bucket, *at);
                over.then_some(Fate::Lost)
            }
            Action::Unclaimed => Some(self.search_neighbour(here, packet, *at)),
            Action::Capacity { .. } => None,
        }
    }

    /// A node sends an ICMP error, if it has an address to send it from and its rate allows.
    fn icmp(&mut self, here: &Here<'_>, packet: &Packet, error: IcmpError, mtu: u32, at: Time) -> Fate {
        let by = here.addresses.iter().copied().find(|address| address.is_ipv6() == error.v6);
        let about_icmp = matches!(packet.kind, Kind::Error { .. });
        let Some(by) = by.filter(|_| !about_icmp && !here.anonymous) else { return Fate::Lost };
        if !self.take_token(here.icmp_limit, (here.place.node, None, packet.flow.client), at) {
            return Fate::Lost;
        }
        let quote = Box::new(self.quote(here, packet, error, mtu));
        let kind = Kind::Error { error, by, quoted_ttl: packet.ttl, quote };
        let ttl = here.initial_ttl.saturating_sub(here.detour);
        Fate::Answered { answer: packet.answer(here.place, ttl, kind), at }
    }

    /// What a node quotes of a packet, as far as the client can read it.
    fn quote(&self, here: &Here<'_>, packet: &Packet, error: IcmpError, mtu: u32) -> Quote {
        let (flow, marks) = (&packet.flow, packet.marks);
        let length = packet.size.saturating_sub(flow.ip_header()).min(548) as u16;
        let header = QuotedHeader { ttl: packet.ttl, traffic_class: 0, length: packet.size as u16 };
        let labels = here.labels.iter().enumerate().map(|(depth, &label)| MplsLabel {
            label,
            class: 0,
            bottom: depth + 1 == here.labels.len(),
            ttl: 1,
        });
        Quote {
            length,
            header: self.network.client.vantage.raw_sockets.then_some(header),
            // MSS, SACK permitted, time stamps, no-operation, window scale: the SYN of Linux.
            tcp: (packet.kind == Kind::Syn).then(|| QuotedTcp {
                mss: marks.mss,
                options: vec![2, 4, 8, 1, 3],
                window: 64_240,
                flags: 2,
            }),
            checksum_fits: Some(!marks.translated),
            labels: labels.collect(),
            interfaces: Vec::new(),
            next_mtu: error.is_too_big().then_some(mtu),
        }
    }

    /// Takes a token from a bucket. Packets come in order of their probes rather than of time, so the bucket is
    /// replayed, and no token is given that was given for a later instant already.
    fn take_token(&mut self, rate: Option<Rate>, bucket: Bucket, at: Time) -> bool {
        let Some(rate) = rate else { return true };
        let taken = self.memory.taken.entry(bucket).or_default();
        let place = taken.partition_point(|&time| time <= at);
        taken.insert(place, at);
        let (mut tokens, mut last) = (rate.burst, Time::default());
        let enough = taken.iter().all(|&time| {
            tokens = (tokens + time.since(last).as_secs_f64() * rate.per_second).min(rate.burst) - 1.0;
            last = time;
            tokens >= 0.0
        });
        if !enough {
            taken.remove(place);
        }
        enough
    }

    /// Connection tracking with a limit: false when there is no slot for a new connection.
    fn track(&mut self, id: RuleId, limit: u32, per: Scope, packet: &Packet, at: Time) -> bool {
        let table = self.memory.tracked.entry(id).or_default();
        let open = |span: &Span| span.from <= at + ABREAST && at < span.to;
        let own = table.entry(packet.flow).or_default().iter_mut().find(|span| open(span));
        match (&packet.kind, own) {
            (Kind::Syn, Some(span)) => span.to = span.to.max(at + TRACKED_SYN),
            (Kind::SynAck { .. }, Some(span)) => span.to = at + TRACKED_ESTABLISHED,
            (Kind::Reset, Some(span)) => span.to = at,
            (Kind::Syn, None) => {
                let end = (packet.flow.peer, packet.flow.peer_port);
                let counted = |flow: &Flow| per == Scope::All || (flow.peer, flow.peer_port) == end;
                let spans = table.iter().filter(|(flow, _)| counted(flow)).flat_map(|(_, spans)| spans);
                if spans.filter(|span| open(span)).count() >= limit as usize {
                    return false;
                }
                let span = Span { from: at, to: at + TRACKED_SYN };
                table.entry(packet.flow).or_default().push(span);
            }
            _ => {}
        }
        true
    }

    /// A router asks for a host that is not there. All packets that wait get their error when it gives up.
    fn search_neighbour(&mut self, here: &Here<'_>, packet: &Packet, at: Time) -> Fate {
        let searches = self.memory.searches.entry((here.place.node, packet.flow.peer)).or_default();
        let current = searches.iter().copied().find(|&from| from <= at && at < from + NEIGHBOUR_SEARCH);
        let began = current.unwrap_or_else(|| {
            searches.push(at);
            at
        });
        let error = Unreachable::Host.error(packet.flow.peer.is_ipv6());
        self.icmp(here, packet, error, 0, began + NEIGHBOUR_SEARCH)
    }
}

impl Network {
    /// The hop number of the host that a flow is for; `None` when nobody has its address.
    pub(crate) fn host_hop(&self, address: IpAddr) -> Option<usize> {
        self.hosts.get(&address).map(|host| host.behind + 1)
    }

    fn is_host(&self, hop: usize, flow: &Flow) -> bool {
        self.host_hop(flow.peer) == Some(hop)
    }

    /// The next node on a packet's way.
    fn next(&self, place: Place, packet: &Packet, dice: u64) -> Option<Place> {
        match packet.heading {
            Heading::Out => self.outward(place, &packet.flow, dice),
            Heading::Back => self.inward(place.hop),
        }
    }

    /// Whether the routers behind a node are chosen anew for each packet.
    fn throws_dice(&self, place: Place) -> bool {
        self.stages.get(place.hop).is_some_and(|stage| stage.spread == Spread::Packets)
    }

    fn outward(&self, place: Place, flow: &Flow, dice: u64) -> Option<Place> {
        let hop = place.hop;
        if self.is_host(hop + 1, flow) {
            let node = self.hosts.get(&flow.peer)?.node;
            return Some(Place { hop: hop + 1, member: 0, node });
        }
        let stage = self.stages.get(hop)?;
        let routers = &stage.routers;
        let here = hop.checked_sub(1).and_then(|before| self.stages.get(before)?.routers.get(place.member));
        let next = here.map_or(&[][..], |router| router.next.as_slice());
        let among = if next.is_empty() { routers.len() } else { next.len() };
        let choice = match (among, stage.spread) {
            (0, _) => return None,
            (1, _) => 0,
            (several, Spread::Packets) => (dice % several as u64) as usize,
            (several, Spread::Flows) => (flow.hash(self.seed ^ (hop as u64 + 1)) % several as u64) as usize,
            (several, Spread::Addresses) => {
                let pair = Flow { client_port: 0, peer_port: 0, ..*flow };
                (pair.hash(self.seed ^ (hop as u64 + 1)) % several as u64) as usize
            }
        };
        let member = next.get(choice).copied().unwrap_or(choice);
        Some(Place { hop: hop + 1, member, node: routers.get(member)?.node })
    }

    fn inward(&self, hop: usize) -> Option<Place> {
        if hop <= 1 {
            return (hop == 1).then(Place::default);
        }
        let routers = &self.stages.get(hop - 2)?.routers;
        let member = routers.iter().position(|router| !router.dead).unwrap_or(0);
        Some(Place { hop: hop - 1, member, node: routers.get(member)?.node })
    }

    fn link(&self, one: Place, other: Place) -> &Link {
        let ends = if one.hop < other.hop { (one.node, other.node) } else { (other.node, one.node) };
        self.links.get(&ends).unwrap_or(&self.usual_link)
    }

    fn here(&self, place: Place) -> Option<Here<'_>> {
        let router = self.stages.get(place.hop.checked_sub(1)?)?.routers.get(place.member)?;
        Some(Here {
            place,
            addresses: &router.addresses,
            anonymous: router.anonymous,
            icmp_limit: router.icmp_limit,
            initial_ttl: router.initial_ttl.unwrap_or(DEFAULT_TTL),
            detour: router.detour,
            labels: &router.labels,
        })
    }

    /// The delay of all links from the client up to a hop, jitter aside.
    pub(crate) fn delay_to(&self, hop: usize, flow: &Flow) -> Duration {
        let mut place = Place::default();
        let mut delay = Duration::ZERO;
        while place.hop < hop {
            let Some(next) = self.outward(place, flow, 0) else { break };
            delay += self.link(place, next).delay;
            place = next;
        }
        delay
    }
}

impl<'a> Here<'a> {
    fn at_host(host: &Host, addresses: &'a [IpAddr]) -> Self {
        Here {
            place: host.place(),
            addresses,
            anonymous: false,
            icmp_limit: None,
            initial_ttl: host.initial_ttl,
            detour: 0,
            labels: &[],
        }
    }
}

impl Host {
    pub(crate) fn place(&self) -> Place {
        Place { hop: self.behind + 1, member: 0, node: self.node }
    }
}

impl Packet {
    /// A packet that the node at `origin` sends in answer.
    fn answer(&self, origin: Place, ttl: u8, kind: Kind) -> Packet {
        let heading = match self.heading {
            Heading::Out => Heading::Back,
            Heading::Back => Heading::Out,
        };
        let size = self.flow.ip_header() + 48;
        let marks = Marks::default();
        Packet { flow: self.flow, heading, kind, ttl, size, origin, on_wire: false, marks }
    }
}

impl Match {
    /// Whether a packet is meant.
    pub(crate) fn covers(&self, packet: &Packet) -> bool {
        let flow = &packet.flow;
        if self.heading.is_some_and(|heading| heading != packet.heading)
            || self.v4_only && flow.peer.is_ipv6()
        {
            return false;
        }
        if matches!(packet.kind, Kind::Error { .. }) {
            return self.addresses.is_none()
                && self.ports.is_none()
                && self.protocol.is_none()
                && self.flows.is_none();
        }
        let with_ports = flow.protocol != Protocol::Icmp;
        self.addresses.as_ref().is_none_or(|addresses| addresses.contains(&flow.peer))
            && self.ports.as_ref().is_none_or(|ports| with_ports && ports.contains(&flow.peer_port))
            && self.protocol.is_none_or(|protocol| protocol == flow.protocol)
            && self.flows.is_none_or(|(hit, of)| with_ports && flow.class(of) < hit)
    }
}

impl NameCut {
    fn covers(&self, packet: &Packet) -> bool {
        let Kind::Data { hello: Some(Some(name)) } = &packet.kind else { return false };
        let name = name.to_ascii_lowercase();
        self.addresses.as_ref().is_none_or(|addresses| addresses.contains(&packet.flow.peer))
            && self.names.iter().any(|pattern| match pattern.strip_prefix('*') {
                Some(parent) => name.ends_with(parent),
                None => *pattern == name,
            })
    }
}

fn time_exceeded(packet: &Packet) -> IcmpError {
    let v6 = packet.flow.peer.is_ipv6();
    IcmpError { v6, kind: if v6 { 3 } else { 11 }, code: 0 }
}
