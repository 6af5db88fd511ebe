//! The pretend world as a whole: what it remembers, and which probe goes where.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use reach_core::{
    Time,
    model::{
        Answer, Datagram, DatagramReply, Echo, EchoAccess, EchoReply, Endpoint, Inability, Obstacle, Outcome,
        Probe, Refusal, Rejection, Silence,
    },
};

use crate::{
    dns::ResolverMemory,
    network::{DeadRouteKind, Network, Unreachable},
    packet::{Flow, Heading, Kind, Packet, Protocol},
    rng::Rng,
    walk::{Edge, Emission, Fate, Memory},
};

/// `ENETUNREACH`, `EHOSTUNREACH` and so on, as Linux numbers them.
pub(crate) mod errno {
    pub(crate) const EPERM: i32 = 1;
    pub(crate) const EACCES: i32 = 13;
    pub(crate) const EINVAL: i32 = 22;
    pub(crate) const EMSGSIZE: i32 = 90;
    pub(crate) const EADDRNOTAVAIL: i32 = 99;
    pub(crate) const ENETUNREACH: i32 = 101;
    pub(crate) const EHOSTUNREACH: i32 = 113;
}

/// TTL of the client's packets when a probe does not say.
pub(crate) const DEFAULT_TTL: u8 = 64;

/// MTU of the client's interface.
const INTERFACE_MTU: u32 = 1_500;

/// A pretend network that runs.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) network: Arc<Network>,
    pub(crate) rng: Rng,
    /// What routers remember.
    pub(crate) memory: Memory,
    /// The client's own counters.
    pub(crate) edge: Edge,
    /// Until when a flow of the client is in use.
    pub(crate) busy: BTreeMap<(u16, Endpoint), Time>,
    /// What resolvers remember.
    pub(crate) resolvers: BTreeMap<IpAddr, ResolverMemory>,
    /// Until when a server takes a flow for one that it still has.
    pub(crate) half_open: BTreeMap<Flow, Time>,
    next_port: u16,
    /// What it will be from then on.
    changes: BTreeMap<Time, Arc<Network>>,
}

impl World {
    /// The network, at rest.
    pub fn new(network: Network) -> Self {
        Self {
            rng: Rng::new(network.seed),
            network: Arc::new(network),
            memory: Memory::default(),
            edge: Edge::default(),
            busy: BTreeMap::new(),
            half_open: BTreeMap::new(),
            resolvers: BTreeMap::new(),
            next_port: 0,
            changes: BTreeMap::new(),
        }
    }

    /// From `at` on it is this network. What routers, resolvers and the client remember stays, so that its nodes
    /// should be the same.
    pub fn change(&mut self, at: Time, network: Network) {
        self.changes.insert(at, Arc::new(network));
    }

    /// What it consists of.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Carries out a probe that is sent at `now`: what becomes of it, and how long it takes until that is
    /// known.
    ///
    /// All packets of the probe are played at once, up to its end, before the next probe is looked at; calls
    /// come in order of `now`. What limits count over time (ICMP rates, connection slots) is kept with its
    /// instants, so that overlapping probes meet each other's packets.
    pub fn outcome(&mut self, probe: &Probe, now: Time) -> (Outcome, Duration) {
        while let Some(change) = self.changes.first_entry().filter(|change| *change.key() <= now) {
            self.network = change.remove();
        }
        match probe {
            Probe::Lookup(lookup) => self.lookup(lookup, now),
            Probe::SystemLookup(lookup) => self.system_lookup(lookup, now),
            Probe::Echo(echo) => self.echo(echo, now),
            Probe::Connect(connect) => self.connect(connect, now),
            Probe::Datagram(datagram) => self.datagram(datagram, now),
            Probe::Exchange(exchange) => self.exchange(exchange, now),
            Probe::Egress(egress) => self.egress(egress, now),
        }
    }

    fn echo(&mut self, echo: &Echo, now: Time) -> (Outcome, Duration) {
        let network = Arc::clone(&self.network);
        if network.client.vantage.echo == EchoAccess::None {
            return unable(Obstacle::NoPermission, Some(errno::EACCES));
        }
        let client = match self.source(echo.address) {
            Ok(client) => client,
            Err(inability) => return (Outcome::Unable(inability), Duration::ZERO),
        };
        let client_port = echo.flow.unwrap_or(0);
        let flow = Flow { client, client_port, peer: echo.address, peer_port: 0, protocol: Protocol::Icmp };
        let size = flow.ip_header() + 8 + u32::from(echo.size);
        if echo.dont_fragment && size > INTERFACE_MTU {
            return unable(Obstacle::Unsupported, Some(errno::EMSGSIZE));
        }
        let request = Packet { size, ..flow.packet(Kind::EchoRequest, echo.ttl.unwrap_or(DEFAULT_TTL)) };
        let answered = |rtt, reply_ttl| Answer::Echo(EchoReply { rtt, reply_ttl });
        self.single(request, Kind::EchoReply, answered, now, echo.timeout)
    }

    /// A datagram; no host has anything that would answer one but by port unreachable.
    fn datagram(&mut self, datagram: &Datagram, now: Time) -> (Outcome, Duration) {
        let peer = datagram.endpoint.address;
        let client = match self.source(peer) {
            Ok(client) => client,
            Err(inability) => return (Outcome::Unable(inability), Duration::ZERO),
        };
        let flow = Flow {
            client,
            client_port: datagram.source_port,
            peer,
            peer_port: datagram.endpoint.port,
            protocol: Protocol::Udp,
        };
        let size = flow.ip_header() + 8 + u32::from(datagram.size);
        if datagram.dont_fragment && size > INTERFACE_MTU {
            return unable(Obstacle::Unsupported, Some(errno::EMSGSIZE));
        }
        let request = Packet { size, ..flow.packet(Kind::Datagram, datagram.ttl.unwrap_or(DEFAULT_TTL)) };
        let error = Unreachable::Port.error(peer.is_ipv6());
        let reply = Kind::Error { error, by: peer, quoted_ttl: request.ttl, quote: Box::default() };
        let answered = |rtt, reply_ttl| Answer::Datagram(DatagramReply { rtt, reply_ttl });
        self.single(request, reply, answered, now, datagram.timeout)
    }

    /// One packet, and the host's `reply` to it.
    fn single(
        &mut self,
        request: Packet,
        reply: Kind,
        answered: impl Fn(Duration, Option<u8>) -> Answer,
        now: Time,
        timeout: Duration,
    ) -> (Outcome, Duration) {
        let network = Arc::clone(&self.network);
        let arrival = match self.emit(request.clone(), now) {
            Emission::Held { .. } => return unable(Obstacle::ForbiddenLocally, Some(errno::EPERM)),
            Emission::Answered(answer) => Some((answer, now)),
            Emission::Gone(Fate::Answered { answer, at }) => self.walk_back(answer, at),
            Emission::Gone(Fate::Arrived { at, .. }) => {
                let host = network.hosts.get(&request.flow.peer);
                host.and_then(|host| {
                    let size = match reply {
                        Kind::Error { .. } => request.size.min(576),
                        _ => request.size,
                    };
                    let (heading, kind, ttl) = (Heading::Back, reply, host.initial_ttl);
                    self.walk_back(Packet { heading, kind, ttl, size, origin: host.place(), ..request }, at)
                })
            }
            Emission::Gone(Fate::Taken { .. } | Fate::Lost) => None,
        };
        if let Some((packet, at)) = arrival
            && at <= now + timeout
            && self.receive(&packet, None)
        {
            let rtt = at.since(now);
            let outcome = match packet.kind {
                Kind::Error { error, by, quote, .. } => Outcome::Rejected(Rejection {
                    how: Refusal::Icmp(error),
                    by: Some(by),
                    rtt,
                    reply_ttl: Some(packet.ttl),
                    quote: Some(quote),
                }),
                _ => Outcome::Answered(answered(rtt, Some(packet.ttl))),
            };
            return (outcome, rtt);
        }
        (Outcome::Silent(Silence { packets: 1, refused_here: false }), timeout)
    }

    /// The address from which the client reaches `peer`, or why it cannot.
    pub(crate) fn source(&self, peer: IpAddr) -> Result<IpAddr, Inability> {
        let client = &self.network.client;
        if let Some(route) = client.dead_routes.iter().find(|route| route.addresses.contains(&peer)) {
            let (why, errno) = match route.kind {
                DeadRouteKind::Unreachable => (Obstacle::NoRoute, errno::EHOSTUNREACH),
                DeadRouteKind::Blackhole => (Obstacle::NoRoute, errno::EINVAL),
                DeadRouteKind::Prohibit => (Obstacle::ForbiddenLocally, errno::EACCES),
            };
            return Err(Inability { why, errno: Some(errno) });
        }
        if peer.is_loopback() {
            return Ok(peer);
        }
        client
            .vantage
            .sources
            .iter()
            .copied()
            .find(|source| source.is_ipv6() == peer.is_ipv6())
            .ok_or(Inability { why: Obstacle::NoRoute, errno: Some(errno::ENETUNREACH) })
    }

    /// A port as the kernel chooses one.
    pub(crate) fn ephemeral_port(&mut self) -> u16 {
        self.next_port = (self.next_port + 1) % 20_000;
        32_768 + self.next_port
    }
}

pub(crate) fn unable(why: Obstacle, errno: Option<i32>) -> (Outcome, Duration) {
    (Outcome::Unable(Inability { why, errno }), Duration::ZERO)
}
