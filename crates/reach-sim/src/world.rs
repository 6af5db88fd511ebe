//! The pretend world as a whole: what it remembers, and which probe goes where.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use reach_core::{
    Time,
    model::{
        Answer, Echo, EchoAccess, EchoReply, Endpoint, Inability, Obstacle, Outcome, Probe, Refusal,
        Rejection, Silence,
    },
};

use crate::{
    dns::ResolverMemory,
    network::{DeadRouteKind, Network},
    packet::{Flow, Heading, Kind, Packet, Protocol},
    rng::Rng,
    walk::{Edge, Emission, Fate, Memory},
};

/// `ENETUNREACH`, `EHOSTUNREACH` and so on, as Linux numbers them.
pub(crate) mod errno {
    pub(crate) const EPERM: i32 = 1;
    pub(crate) const EACCES: i32 = 13;
    pub(crate) const EINVAL: i32 = 22;
    pub(crate) const EADDRNOTAVAIL: i32 = 99;
    pub(crate) const ENETUNREACH: i32 = 101;
    pub(crate) const EHOSTUNREACH: i32 = 113;
}

/// TTL of the client's packets when a probe does not say.
pub(crate) const DEFAULT_TTL: u8 = 64;

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
        }
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
        match probe {
            Probe::Lookup(lookup) => self.lookup(lookup, now),
            Probe::SystemLookup(lookup) => self.system_lookup(lookup, now),
            Probe::Echo(echo) => self.echo(echo, now),
            Probe::Connect(connect) => self.connect(connect, now),
            Probe::Datagram(_) => unable(Obstacle::Unsupported, None),
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
        let flow =
            Flow { client, client_port: 0, peer: echo.address, peer_port: 0, protocol: Protocol::Icmp };
        let ttl = echo.ttl.unwrap_or(DEFAULT_TTL);
        let size = flow.ip_header() + 8 + u32::from(echo.size);
        let request = Packet { size, ..flow.packet(Kind::EchoRequest, ttl) };
        let arrival = match self.emit(request.clone(), now) {
            Emission::Held { .. } => return unable(Obstacle::ForbiddenLocally, Some(errno::EPERM)),
            Emission::Answered(answer) => Some((answer, now)),
            Emission::Gone(Fate::Answered { answer, at }) => self.walk_back(answer, at),
            Emission::Gone(Fate::Arrived { at, .. }) => network.hosts.get(&echo.address).and_then(|host| {
                let origin = host.place();
                let (heading, kind, ttl) = (Heading::Back, Kind::EchoReply, host.initial_ttl);
                self.walk_back(Packet { heading, kind, ttl, origin, ..request }, at)
            }),
            Emission::Gone(Fate::Taken { .. } | Fate::Lost) => None,
        };
        let deadline = now + echo.timeout;
        if let Some((packet, at)) = arrival
            && at <= deadline
            && self.receive(&packet, None)
        {
            let rtt = at.since(now);
            let outcome = match packet.kind {
                Kind::Error { error, by, .. } => Outcome::Rejected(Rejection {
                    how: Refusal::Icmp(error),
                    by: Some(by),
                    rtt,
                    reply_ttl: Some(packet.ttl),
                    quote: None,
                }),
                _ => Outcome::Answered(Answer::Echo(EchoReply { rtt, reply_ttl: Some(packet.ttl) })),
            };
            return (outcome, rtt);
        }
        (Outcome::Silent(Silence { packets: 1, refused_here: false }), echo.timeout)
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
