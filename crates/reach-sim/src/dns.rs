//! Resolvers, and the client's own stub resolver.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reach_core::{
    Time,
    model::{
        AddressRecord, Answer, AnswerFault, Endpoint, Lookup, LookupAnswer, Obstacle, Outcome, Rcode,
        RecordKind, Refusal, Rejection, Silence, SystemAnswer, SystemLookup, Transport,
    },
};

use crate::{
    layers::Pipe,
    network::{Choice, Entry, Resolver, Say, Unreachable},
    packet::{Flow, Kind, Packet, Protocol},
    rng::Rng,
    tcp::{Attempt, SynPlan},
    walk::{Emission, Fate},
    world::{DEFAULT_TTL, World, errno, unable},
};

/// Bytes of a question and of an answer, behind the UDP or TCP header.
const QUESTION: u32 = 60;
const ANSWER: u32 = 200;

/// What a resolver remembers of each name and record type.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResolverMemory(BTreeMap<(String, RecordKind), Remembered>);

#[derive(Clone, Debug, Default)]
struct Remembered {
    /// The next address in turn.
    cursor: usize,
    /// Since when an answer is kept, and the answer.
    kept: Option<(Time, Vec<IpAddr>)>,
}

impl World {
    pub(crate) fn lookup(&mut self, probe: &Lookup, now: Time) -> (Outcome, Duration) {
        match probe.transport {
            Transport::Udp => self.lookup_over_udp(probe, now),
            Transport::Tcp => self.lookup_over_tcp(probe, now),
        }
    }

    fn lookup_over_udp(&mut self, probe: &Lookup, now: Time) -> (Outcome, Duration) {
        let network = Arc::clone(&self.network);
        let client = match self.source(probe.resolver.ip()) {
            Ok(client) => client,
            Err(inability) => return (Outcome::Unable(inability), Duration::ZERO),
        };
        let silent = (Outcome::Silent(Silence { packets: 1, refused_here: false }), probe.timeout);
        let resolver = network.resolvers.get(&probe.resolver.ip()).filter(|_| probe.resolver.port() == 53);
        if probe.resolver.ip().is_loopback() {
            let at = now + resolver.map_or(Duration::ZERO, |resolver| resolver.delay);
            let Some(resolver) = resolver else { return refused(probe, true, Duration::ZERO) };
            let answer = self.answer(probe, resolver, at).filter(|_| at < now + probe.timeout);
            return answer.map_or(silent, |answer| answered(answer, at.since(now)));
        }
        let flow = Flow {
            client,
            client_port: self.ephemeral_port(),
            peer: probe.resolver.ip(),
            peer_port: probe.resolver.port(),
            protocol: Protocol::Udp,
        };
        let size = flow.ip_header() + 8 + QUESTION;
        let question = Packet { size, ..flow.packet(Kind::Datagram, DEFAULT_TTL) };
        let mut said = None;
        let arrival = match self.emit(question, now) {
            Emission::Held { .. } => return unable(Obstacle::ForbiddenLocally, Some(errno::EPERM)),
            Emission::Answered(answer) => Some((answer, now)),
            Emission::Gone(Fate::Answered { answer, at }) => self.walk_back(answer, at),
            Emission::Gone(Fate::Arrived { at, .. }) => {
                let Some(peer) = self.host_peer(flow) else { return silent };
                let (kind, at) = match resolver {
                    Some(resolver) => {
                        let at = at + resolver.delay;
                        said = self.answer(probe, resolver, at);
                        if said.is_none() {
                            return silent;
                        }
                        (Kind::Datagram, at)
                    }
                    None => {
                        let error = Unreachable::Port.error(flow.peer.is_ipv6());
                        (Kind::Error { error, by: flow.peer, quoted_ttl: 1, quote: Box::default() }, at)
                    }
                };
                let size = flow.ip_header() + 8 + ANSWER;
                self.walk_back(Packet { size, ..peer.packet(flow, kind) }, at)
            }
            Emission::Gone(Fate::Taken { .. } | Fate::Lost) => None,
        };
        let Some((packet, at)) = arrival.filter(|&(_, at)| at < now + probe.timeout) else { return silent };
        if !self.receive(&packet, None) {
            return silent;
        }
        let rtt = at.since(now);
        match (packet.kind, said) {
            (Kind::Error { error, by, .. }, _) => {
                let reply_ttl = Some(packet.ttl);
                let rejection =
                    Rejection { how: Refusal::Icmp(error), by: Some(by), rtt, reply_ttl, quote: None };
                (Outcome::Rejected(rejection), rtt)
            }
            (_, Some(answer)) => answered(answer, rtt),
            _ => silent,
        }
    }

    fn lookup_over_tcp(&mut self, probe: &Lookup, now: Time) -> (Outcome, Duration) {
        let network = Arc::clone(&self.network);
        let silent = (Outcome::Silent(Silence { packets: 1, refused_here: false }), probe.timeout);
        let resolver = network.resolvers.get(&probe.resolver.ip()).filter(|_| probe.resolver.port() == 53);
        if probe.resolver.ip().is_loopback() {
            let Some(resolver) = resolver else { return refused(probe, false, Duration::ZERO) };
            let answer = self.answer(probe, resolver, now).filter(|_| !resolver.mute_over_tcp);
            return answer.map_or(silent, |answer| answered(answer, resolver.delay));
        }
        let endpoint = Endpoint { address: probe.resolver.ip(), port: probe.resolver.port() };
        let port = self.ephemeral_port();
        let standing = match self.attempt(endpoint, port, SynPlan::USUAL, now, probe.timeout) {
            Attempt::Standing(standing) => standing,
            failed => return failed.outcome(now, probe.timeout),
        };
        let deadline = now + probe.timeout;
        let mut pipe = Pipe::new(&standing, DEFAULT_TTL, None);
        let arrived = self.flight_out(&mut pipe, QUESTION, None, standing.at, deadline).arrival();
        let back = arrived.and_then(|at| {
            let resolver = resolver.filter(|resolver| !resolver.mute_over_tcp)?;
            let at = at + resolver.delay;
            let answer = self.answer(probe, resolver, at)?;
            Some((answer, self.flight_back(&mut pipe, ANSWER, at, deadline)?))
        });
        let end = back.as_ref().map_or(deadline, |(_, at)| *at);
        self.close(&standing, DEFAULT_TTL, end);
        self.occupy(endpoint, port, end);
        back.map_or(silent, |(answer, at)| answered(answer, at.since(now)))
    }

    /// What a resolver answers; `None` when it says nothing.
    fn answer(&mut self, probe: &Lookup, resolver: &Resolver, at: Time) -> Option<LookupAnswer> {
        let name = probe.name.trim_end_matches('.').to_ascii_lowercase();
        let entry = resolver.zone.get(&name);
        let say = match entry {
            Some(entry) if probe.kind == RecordKind::Aaaa => entry.say_aaaa,
            Some(entry) => entry.say,
            None if resolver.otherwise == Say::Addresses => Say::Error(Rcode::NxDomain),
            None => resolver.otherwise,
        };
        let mut answer = LookupAnswer::default();
        match say {
            Say::Silence => return None,
            Say::Error(rcode) => answer.rcode = rcode,
            Say::Garbage => answer.fault = Some(AnswerFault::Malformed),
            Say::WrongId => answer.fault = Some(AnswerFault::WrongId),
            Say::WrongName => answer.fault = Some(AnswerFault::WrongQuestion),
            Say::Truncated if probe.transport == Transport::Udp => answer.truncated = true,
            Say::NoData | Say::Addresses | Say::Truncated => {
                let entry = entry?;
                let owners = std::iter::once(&name).chain(&entry.aliases);
                answer.aliases = owners.cloned().zip(entry.aliases.iter().cloned()).collect();
                if say != Say::NoData {
                    answer.addresses = self.addresses(probe, name, entry, at);
                }
            }
        }
        Some(answer)
    }

    fn addresses(&mut self, probe: &Lookup, name: String, entry: &Entry, at: Time) -> Vec<AddressRecord> {
        let wanted = |address: &IpAddr| address.is_ipv6() == (probe.kind == RecordKind::Aaaa);
        let pool: Vec<IpAddr> = entry.addresses.iter().copied().filter(wanted).collect();
        let memory = self.resolvers.entry(probe.resolver.ip()).or_default();
        let remembered = memory.0.entry((name, probe.kind)).or_default();
        let age = |since: Time| at.since(since).as_secs() as u32;
        let kept = remembered.kept.take().filter(|(since, _)| entry.cached && age(*since) < entry.ttl_s);
        let (since, addresses) =
            kept.unwrap_or_else(|| (at, choose(&pool, entry.choice, &mut remembered.cursor, &mut self.rng)));
        let ttl_s = entry.ttl_s - age(since);
        remembered.kept = Some((since, addresses.clone()));
        addresses.into_iter().map(|address| AddressRecord { address, ttl_s }).collect()
    }

    /// The stub resolver: hosts file, search domains, servers in order.
    pub(crate) fn system_lookup(&mut self, probe: &SystemLookup, now: Time) -> (Outcome, Duration) {
        let network = Arc::clone(&self.network);
        let vantage = &network.client.vantage;
        let typed = probe.name.to_ascii_lowercase();
        let bare = typed.trim_end_matches('.');
        let mut at = now + Duration::from_millis(1);
        let mut addresses: Vec<IpAddr> =
            vantage.pinned.iter().filter(|(name, _)| name == bare).map(|&(_, address)| address).collect();
        if addresses.is_empty() {
            for name in candidates(&typed, &vantage.resolver.search, vantage.resolver.ndots) {
                addresses = self.ask_in_turn(&name, &vantage.resolver.servers, &mut at);
                if !addresses.is_empty() {
                    break;
                }
            }
        }
        let took = at.since(now);
        if took >= probe.timeout {
            return (Outcome::Silent(Silence { packets: 1, refused_here: false }), probe.timeout);
        }
        sort_for_client(&mut addresses, &vantage.sources);
        (Outcome::Answered(Answer::System(SystemAnswer { addresses, took })), took)
    }

    /// Asks the servers one after the other, both record types at once, until one gives an answer that
    /// stands.
    fn ask_in_turn(&mut self, name: &str, servers: &[SocketAddr], at: &mut Time) -> Vec<IpAddr> {
        let (attempts, timeout) = (self.network.client.stub_attempts, self.network.client.stub_timeout);
        for _ in 0..attempts {
            for &resolver in servers {
                let mut addresses = Vec::new();
                let (mut took, mut stands) = (Duration::ZERO, 0);
                for kind in [RecordKind::A, RecordKind::Aaaa] {
                    let answer = self.ask_once(name, kind, resolver, *at);
                    took = took.max(answer.as_ref().map_or(timeout, |answer| answer.rtt));
                    let Some(answer) = answer else { continue };
                    if matches!(answer.rcode, Rcode::NoError | Rcode::NxDomain) {
                        stands += 1;
                    }
                    addresses.extend(answer.addresses.iter().map(|record| record.address));
                }
                *at = *at + took;
                if stands == 2 || !addresses.is_empty() {
                    return addresses;
                }
            }
        }
        Vec::new()
    }

    /// One question of the stub resolver; over TCP when the answer does not fit. `None` costs its time-out.
    fn ask_once(
        &mut self,
        name: &str,
        kind: RecordKind,
        resolver: SocketAddr,
        at: Time,
    ) -> Option<LookupAnswer> {
        let mut probe = Lookup {
            resolver,
            name: name.to_owned(),
            kind,
            transport: Transport::Udp,
            timeout: self.network.client.stub_timeout,
        };
        let (mut outcome, mut took) = self.lookup(&probe, at);
        if matches!(&outcome, Outcome::Answered(Answer::Lookup(answer)) if answer.truncated) {
            probe.transport = Transport::Tcp;
            let udp = took;
            (outcome, took) = self.lookup(&probe, at + udp);
            took += udp;
        }
        match outcome {
            Outcome::Answered(Answer::Lookup(answer)) if answer.fault.is_none() => {
                Some(LookupAnswer { rtt: took, ..answer })
            }
            // A closed port, or none of ours: no use waiting.
            Outcome::Rejected(_) | Outcome::Unable(_) => {
                Some(LookupAnswer { rcode: Rcode::ServFail, rtt: took, ..LookupAnswer::default() })
            }
            _ => None,
        }
    }
}

fn answered(answer: LookupAnswer, rtt: Duration) -> (Outcome, Duration) {
    (Outcome::Answered(Answer::Lookup(LookupAnswer { rtt, ..answer })), rtt)
}

/// Nothing listens on this machine's own port.
fn refused(probe: &Lookup, udp: bool, rtt: Duration) -> (Outcome, Duration) {
    let error = Unreachable::Port.error(probe.resolver.is_ipv6());
    let (how, by) =
        if udp { (Refusal::Icmp(error), Some(probe.resolver.ip())) } else { (Refusal::Reset, None) };
    (Outcome::Rejected(Rejection { how, by, rtt, reply_ttl: by.map(|_| DEFAULT_TTL), quote: None }), rtt)
}

fn choose(pool: &[IpAddr], choice: Choice, cursor: &mut usize, rng: &mut Rng) -> Vec<IpAddr> {
    let mut pool = pool.to_vec();
    let (take, step) = match choice {
        Choice::Fixed => (pool.len(), 0),
        Choice::Rotated => (pool.len(), 1),
        Choice::Window(size) => (size, size),
        Choice::Subset(size) => {
            rng.shuffle(&mut pool);
            (size, 0)
        }
    };
    if pool.is_empty() {
        return pool;
    }
    let first = *cursor % pool.len();
    pool.rotate_left(first);
    *cursor = (first + step) % pool.len();
    pool.truncate(take);
    pool
}

/// The names that the stub resolver tries, in order (resolv.conf(5), `ndots`).
fn candidates(typed: &str, search: &[String], ndots: u8) -> Vec<String> {
    if let Some(absolute) = typed.strip_suffix('.') {
        return vec![absolute.to_owned()];
    }
    let mut names: Vec<String> = search.iter().map(|domain| format!("{typed}.{domain}")).collect();
    let dots = typed.bytes().filter(|&byte| byte == b'.').count();
    let place = if dots >= usize::from(ndots) { 0 } else { names.len() };
    names.insert(place, typed.to_owned());
    names
}

/// The order of RFC 6724 as far as it shows here: families without a source address last, IPv6 before IPv4,
/// IPv6 by the longest prefix shared with the source address; IPv4 as it came.
fn sort_for_client(addresses: &mut [IpAddr], sources: &[IpAddr]) {
    addresses.sort_by_key(|address| {
        let source = sources.iter().find(|source| source.is_ipv6() == address.is_ipv6());
        let shared = match (address, source) {
            (IpAddr::V6(address), Some(IpAddr::V6(source))) => {
                (u128::from(*address) ^ u128::from(*source)).leading_zeros()
            }
            _ => 0,
        };
        (source.is_none(), address.is_ipv4(), u32::MAX - shared)
    });
}
