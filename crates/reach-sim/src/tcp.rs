//! TCP handshakes between the client and whoever answers.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use reach_core::{
    Time,
    model::{
        After, Answer, Captured, Connect, Connected, Egress, EgressCount, Endpoint, Inability, IpCounters,
        Obstacle, Outcome, Refusal, Rejection, Silence, Then,
    },
};

use crate::{
    layers::Pipe,
    network::{Counters, Service, SynSchedule},
    packet::{Flow, Heading, Kind, Marks, Packet, Place, Protocol},
    walk::{Emission, Fate},
    world::{DEFAULT_TTL, World, errno, unable},
};

/// When a server repeats a SYN-ACK that nobody acknowledged.
const SYN_ACK_REPEATS: [u64; 3] = [1, 3, 7];
const SYN_ACK: Kind = Kind::SynAck { proxied: false };
/// When a server forgets a connection that the client has left (the repeats of its SYN-ACK, keep-alives).
const FORGOTTEN: Duration = Duration::from_secs(63);
/// When a SYN proxy repeats its own SYN.
const PROXY_SYNS: [u64; 4] = [0, 1, 3, 7];
/// Pause after a SYN that the driver's queue refused (`TCP_RESOURCE_PROBE_INTERVAL`).
const REFUSED_PAUSE: Duration = Duration::from_millis(500);

/// How a connection attempt ended.
#[derive(Clone, Debug)]
pub(crate) enum Attempt {
    Standing(Standing),
    Rejected(Rejection, Time),
    Silent(Silence),
    Unable(Inability),
}

/// A connection that stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) flow: Flow,
    /// When the client saw the SYN-ACK.
    pub(crate) at: Time,
    pub(crate) rtt: Duration,
    pub(crate) syns: u32,
    pub(crate) peer: Peer,
}

/// Who completed the handshake.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) place: Place,
    pub(crate) ttl: u8,
    pub(crate) service: Service,
    /// A SYN proxy, which has yet to reach the addressee.
    pub(crate) proxied: bool,
}

/// What a SYN proxy found behind itself.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Up(Peer, Time),
    Reset(Time),
    Nothing,
}

/// How the SYNs of an attempt are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SynPlan {
    pub(crate) ttl: u8,
    pub(crate) min_ttl: Option<u8>,
    /// No more than so many.
    pub(crate) limit: u32,
}

impl SynPlan {
    pub(crate) const USUAL: SynPlan = SynPlan { ttl: DEFAULT_TTL, min_ttl: None, limit: u32::MAX };
}

enum Event {
    /// The client sends a SYN.
    Syn,
    /// The server repeats its SYN-ACK.
    SynAck,
    /// A packet reaches the client.
    Arrival(Packet),
}

/// Events in order of time, first come first served.
#[derive(Default)]
struct Agenda {
    events: BTreeMap<(Time, usize), Event>,
    added: usize,
}

impl Agenda {
    fn add(&mut self, at: Time, event: Event) {
        self.events.insert((at, self.added), event);
        self.added += 1;
    }

    fn next(&mut self, until: Time) -> Option<(Time, Event)> {
        let ((at, _), event) = self.events.pop_first()?;
        (at < until).then_some((at, event))
    }
}

impl World {
    pub(crate) fn connect(&mut self, probe: &Connect, now: Time) -> (Outcome, Duration) {
        let plan = SynPlan { ttl: probe.ttl.unwrap_or(DEFAULT_TTL), min_ttl: probe.min_ttl, limit: u32::MAX };
        let standing = match self.attempt(probe.endpoint, probe.source_port, plan, now, probe.timeout) {
            Attempt::Standing(standing) => standing,
            failed => return failed.outcome(now, probe.timeout),
        };
        // A connection that is held does not keep its outcome waiting.
        let (after, known, end) = match probe.then {
            Then::Reset => (After::NotWatched, standing.at, standing.at),
            Then::Hold(span) => (After::NotWatched, standing.at, standing.at + span),
            Then::Listen(span) => {
                let (after, end) = self.listen(&standing, plan.ttl, standing.at + span);
                (after, end, end)
            }
        };
        self.close(&standing, plan.ttl, end);
        self.occupy(probe.endpoint, probe.source_port, end);
        (Outcome::Answered(Answer::Connected(standing.connected(after))), known.since(now))
    }

    pub(crate) fn egress(&mut self, probe: &Egress, now: Time) -> (Outcome, Duration) {
        let network = Arc::clone(&self.network);
        let client = &network.client;
        let before = self.edge;
        let mut count = EgressCount::default();
        let mut end = now;
        for offset in 0..probe.burst {
            let port = probe.first_source_port.wrapping_add(offset);
            let plan = SynPlan { limit: 1, ..SynPlan::USUAL };
            match self.attempt(probe.endpoint, port, plan, now, probe.timeout) {
                Attempt::Standing(standing) => {
                    self.close(&standing, plan.ttl, standing.at);
                    self.occupy(probe.endpoint, port, standing.at);
                    count.answered += 1;
                    end = end.max(standing.at);
                }
                Attempt::Rejected(_, at) => {
                    count.answered += 1;
                    end = end.max(at);
                }
                Attempt::Silent(_) => end = now + probe.timeout,
                Attempt::Unable(inability) => return (Outcome::Unable(inability), Duration::ZERO),
            }
            count.sent += 1;
        }
        let seen = self.edge;
        if client.vantage.raw_sockets {
            count.captured = Some(Captured {
                left: seen.syns_left - before.syns_left,
                returned: seen.returned - before.returned,
            });
        }
        if client.counters != Counters::None {
            let others = (end.since(now).as_secs_f64() * f64::from(client.other_traffic)) as u64;
            let transmits = seen.out_transmits - before.out_transmits + others;
            count.counters = Some(IpCounters {
                out_requests: seen.out_requests - before.out_requests + others,
                out_transmits: (client.counters == Counters::Full).then_some(transmits),
                interface_sent: seen.interface_sent - before.interface_sent + others,
                in_receives: seen.in_receives - before.in_receives + others,
                in_delivers: seen.in_delivers - before.in_delivers + others,
            });
        }
        (Outcome::Answered(Answer::Egress(count)), end.since(now))
    }

    /// One connection attempt from a fixed source port.
    pub(crate) fn attempt(
        &mut self,
        endpoint: Endpoint,
        source_port: u16,
        plan: SynPlan,
        now: Time,
        timeout: Duration,
    ) -> Attempt {
        let client = match self.source(endpoint.address) {
            Ok(client) => client,
            Err(inability) => return Attempt::Unable(inability),
        };
        if self.busy.get(&(source_port, endpoint)).is_some_and(|&until| now < until) {
            let inability = Inability { why: Obstacle::PortInUse, errno: Some(errno::EADDRNOTAVAIL) };
            return Attempt::Unable(inability);
        }
        let flow = Flow {
            client,
            client_port: source_port,
            peer: endpoint.address,
            peer_port: endpoint.port,
            protocol: Protocol::Tcp,
        };
        let attempt = self.handshake(flow, plan, now, now + timeout);
        let end = match &attempt {
            Attempt::Standing(standing) => standing.at,
            Attempt::Rejected(_, at) => *at,
            Attempt::Silent(_) => now + timeout,
            Attempt::Unable(_) => now,
        };
        self.occupy(endpoint, source_port, end);
        attempt
    }

    fn handshake(&mut self, flow: Flow, plan: SynPlan, now: Time, deadline: Time) -> Attempt {
        let network = Arc::clone(&self.network);
        let mut agenda = Agenda::default();
        agenda.add(now, Event::Syn);
        let (mut syns, mut held, mut last) = (0_u32, 0_u32, now);
        let mut accepted: Option<(Peer, Time)> = None;
        while let Some((at, event)) = agenda.next(deadline) {
            match event {
                Event::Syn => {
                    syns += 1;
                    last = at;
                    let mut pause = network.client.syn_schedule.pause(syns);
                    match self.emit(flow.packet(Kind::Syn, plan.ttl), at) {
                        Emission::Held { egress } => {
                            held += 1;
                            if egress && syns > 1 {
                                pause = REFUSED_PAUSE;
                            }
                        }
                        Emission::Answered(answer) => agenda.add(at, Event::Arrival(answer)),
                        Emission::Gone(fate) => self.meet(flow, fate, &mut accepted, &mut agenda),
                    }
                    if syns < plan.limit {
                        agenda.add(at + pause, Event::Syn);
                    }
                }
                Event::SynAck => {
                    if let Some((peer, _)) = &accepted {
                        self.send_back(peer.packet(flow, SYN_ACK), at, &mut agenda);
                    }
                }
                Event::Arrival(packet) => {
                    if !self.receive(&packet, plan.min_ttl) {
                        continue;
                    }
                    let rtt = at.since(last);
                    let (how, by) = match packet.kind {
                        Kind::SynAck { proxied } => {
                            self.emit(flow.packet(Kind::Ack, plan.ttl), at);
                            let peer = match accepted {
                                Some((peer, _)) if !proxied => peer,
                                _ => Peer::proxy(packet.origin),
                            };
                            return Attempt::Standing(Standing { flow, at, rtt, syns, peer });
                        }
                        // The server still has an old connection of this flow; our RST ends that.
                        Kind::Ack => {
                            self.abort(flow, plan.ttl, at);
                            continue;
                        }
                        Kind::Error { error, by, quote, .. } => (Refusal::Icmp(error), Some((by, quote))),
                        _ => (Refusal::Reset, None),
                    };
                    let reply_ttl = by.as_ref().map(|_| packet.ttl);
                    let (by, quote) = by.unzip();
                    return Attempt::Rejected(Rejection { how, by, rtt, reply_ttl, quote }, at);
                }
            }
        }
        if let Some((peer, since)) = accepted {
            self.leave_half_open(flow, &peer, since, deadline);
        }
        // The kernel counts retransmissions as due, and none as under way.
        Attempt::Silent(Silence { packets: syns, refused_here: syns > 1 && held == syns })
    }

    /// What becomes of a SYN on its way, and what whoever it reaches does with it.
    fn meet(&mut self, flow: Flow, fate: Fate, accepted: &mut Option<(Peer, Time)>, agenda: &mut Agenda) {
        let (peer, at) = match fate {
            Fate::Lost => return,
            Fate::Answered { answer, at } => return self.send_back(answer, at, agenda),
            Fate::Arrived { at, .. } => (self.host_peer(flow), at),
            Fate::Taken { at, place, port } => (self.proxy_peer(place, port), at),
        };
        let Some(peer) = peer else { return };
        if peer.service == Service::Closed {
            return self.send_back(peer.packet(flow, Kind::Reset), at, agenda);
        }
        if accepted.is_none() && self.half_open.get(&flow).is_some_and(|&until| at < until) {
            return self.send_back(peer.packet(flow, Kind::Ack), at, agenda);
        }
        self.send_back(peer.packet(flow, SYN_ACK), at, agenda);
        if accepted.is_none() {
            for seconds in SYN_ACK_REPEATS {
                agenda.add(at + Duration::from_secs(seconds), Event::SynAck);
            }
            self.half_open.insert(flow, at + FORGOTTEN);
            *accepted = Some((peer, at));
        }
    }

    fn send_back(&mut self, packet: Packet, at: Time, agenda: &mut Agenda) {
        if let Some((packet, at)) = self.walk_back(packet, at) {
            agenda.add(at, Event::Arrival(packet));
        }
    }

    /// The client has given up, and the server does not know: it repeats its SYN-ACK, which the client answers
    /// with a RST now that no socket waits for it.
    fn leave_half_open(&mut self, flow: Flow, peer: &Peer, since: Time, deadline: Time) {
        let counted = self.edge;
        for at in SYN_ACK_REPEATS.map(|seconds| since + Duration::from_secs(seconds)) {
            if let Some(at) = self.reaches_client(peer.packet(flow, SYN_ACK), at)
                && at >= deadline
                && self.abort(flow, DEFAULT_TTL, at)
            {
                break;
            }
        }
        self.edge = counted;
    }

    /// Sends a RST. True when it gets there: then the flow is free at the other end.
    fn abort(&mut self, flow: Flow, ttl: u8, at: Time) -> bool {
        let emission = self.emit(flow.packet(Kind::Reset, ttl), at);
        let Emission::Gone(Fate::Arrived { at, .. } | Fate::Taken { at, .. }) = emission else {
            return false;
        };
        self.half_open.insert(flow, at);
        true
    }

    fn proxy_peer(&self, place: Place, port: u16) -> Option<Peer> {
        let router = self.network.stages.get(place.hop - 1)?.routers.get(place.member)?;
        let service = router.ports.get(&port).cloned().unwrap_or(Service::Closed);
        let ttl = router.initial_ttl.unwrap_or(DEFAULT_TTL);
        Some(Peer { place, ttl, service, proxied: false })
    }

    pub(crate) fn host_peer(&self, flow: Flow) -> Option<Peer> {
        let host = self.network.hosts.get(&flow.peer)?;
        let service = host.ports.get(&flow.peer_port).cloned().unwrap_or(Service::Closed);
        Some(Peer { place: host.place(), ttl: host.initial_ttl, service, proxied: false })
    }

    /// Lets a SYN proxy connect to the addressee.
    pub(crate) fn backend(&mut self, standing: &Standing, deadline: Time) -> Backend {
        let (flow, place) = (standing.flow, standing.peer.place);
        let start = standing.at + self.network.delay_to(place.hop, &flow);
        for at in PROXY_SYNS.map(|seconds| start + Duration::from_secs(seconds)) {
            if at >= deadline {
                break;
            }
            let syn = Packet { origin: place, ..flow.packet(Kind::Syn, DEFAULT_TTL) };
            let answer = match self.walk(syn, None, at) {
                Fate::Answered { answer, at } => (answer, at, None),
                Fate::Arrived { at, .. } => match self.host_peer(flow) {
                    Some(peer) if peer.service == Service::Closed => {
                        (peer.packet(flow, Kind::Reset), at, None)
                    }
                    Some(peer) => (peer.packet(flow, SYN_ACK), at, Some(peer)),
                    None => continue,
                },
                _ => continue,
            };
            match answer {
                (answer, at, Some(peer)) => {
                    if let Fate::Arrived { at, .. } = self.walk(answer, Some(place.hop), at) {
                        return Backend::Up(peer, at);
                    }
                }
                (answer, at, None) if answer.kind == Kind::Reset => {
                    if let Some(at) = self.reaches_client(answer, at) {
                        return Backend::Reset(at);
                    }
                }
                _ => {}
            }
        }
        Backend::Nothing
    }

    /// Walks a packet back and gives it to the client's socket: when.
    pub(crate) fn reaches_client(&mut self, packet: Packet, at: Time) -> Option<Time> {
        let (packet, at) = self.walk_back(packet, at)?;
        self.receive(&packet, None).then_some(at)
    }

    /// Says nothing and watches what the other side does.
    fn listen(&mut self, standing: &Standing, ttl: u8, until: Time) -> (After, Time) {
        let mut standing = standing.clone();
        let mut accepted = standing.at;
        if standing.peer.proxied {
            match self.backend(&standing, until) {
                Backend::Up(peer, at) => (standing.peer, accepted) = (peer, at),
                Backend::Reset(at) if at <= until => return (After::Reset, at),
                _ => return (After::Quiet, until),
            }
        }
        let accepted = accepted + self.network.delay_to(standing.peer.place.hop, &standing.flow);
        let mut pipe = Pipe::new(&standing, ttl, None);
        let (after, at) = match standing.peer.service.clone() {
            Service::Ends { reset: true, after_data: false } => {
                let reset = standing.peer.packet(standing.flow, Kind::Reset);
                (After::Reset, self.reaches_client(reset, accepted))
            }
            Service::Ends { reset: false, after_data: false } => {
                (After::Closed, self.flight_back(&mut pipe, 0, accepted, until))
            }
            Service::Banner(bytes) => {
                let at = self.flight_back(&mut pipe, bytes.len() as u32, accepted, until);
                (After::Spoke(bytes[..bytes.len().min(512)].to_vec()), at)
            }
            _ => (After::Quiet, None),
        };
        match at {
            Some(at) if at <= until => (after, at),
            _ => (After::Quiet, until),
        }
    }

    /// Aborts a connection with a RST.
    pub(crate) fn close(&mut self, standing: &Standing, ttl: u8, at: Time) {
        if !self.abort(standing.flow, ttl, at) && !standing.peer.proxied {
            self.half_open.insert(standing.flow, at + FORGOTTEN);
        }
    }

    pub(crate) fn occupy(&mut self, endpoint: Endpoint, source_port: u16, until: Time) {
        self.busy.insert((source_port, endpoint), until);
    }
}

impl Attempt {
    /// The outcome of an attempt that failed.
    pub(crate) fn outcome(self, now: Time, timeout: Duration) -> (Outcome, Duration) {
        match self {
            Attempt::Standing(standing) => {
                let took = standing.at.since(now);
                (Outcome::Answered(Answer::Connected(standing.connected(After::NotWatched))), took)
            }
            Attempt::Rejected(rejection, at) => (Outcome::Rejected(rejection), at.since(now)),
            Attempt::Silent(silence) => (Outcome::Silent(silence), timeout),
            Attempt::Unable(Inability { why, errno }) => unable(why, errno),
        }
    }
}

impl Standing {
    pub(crate) fn connected(&self, after: After) -> Connected {
        let source = SocketAddr::new(self.flow.client, self.flow.client_port);
        Connected { rtt: self.rtt, syns: self.syns, source, after }
    }
}

impl Peer {
    /// A SYN proxy.
    fn proxy(place: Place) -> Self {
        Self { place, ttl: DEFAULT_TTL, service: Service::Quiet, proxied: true }
    }

    /// A packet that it sends.
    pub(crate) fn packet(&self, flow: Flow, kind: Kind) -> Packet {
        Packet { heading: Heading::Back, ttl: self.ttl, origin: self.place, ..flow.packet(kind, self.ttl) }
    }
}

impl Flow {
    /// A packet of the client without payload.
    pub(crate) fn packet(self, kind: Kind, ttl: u8) -> Packet {
        let size = self.ip_header() + 40;
        let origin = Place::default();
        let mss = (kind == Kind::Syn).then_some((1_460 + 20 - self.ip_header()) as u16);
        let marks = Marks { mss, translated: false };
        Packet { flow: self, heading: Heading::Out, kind, ttl, size, origin, on_wire: false, marks }
    }
}

impl SynSchedule {
    /// The pause behind the `n`th SYN.
    fn pause(self, n: u32) -> Duration {
        let doublings = match self {
            SynSchedule::Linear => n.saturating_sub(5),
            SynSchedule::Doubling => n - 1,
        };
        Duration::from_secs(1 << doublings.min(6))
    }
}
