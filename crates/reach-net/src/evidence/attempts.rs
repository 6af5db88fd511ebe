//! The probes of a run, and whose a packet is.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reach_core::{
    Time,
    model::{Outcome, Probe, ProbeId, Then},
};

use crate::{
    journal::{AttemptId, Entry, Flow, Protocol},
    wire::{Body, Packet},
};

/// How long after its end a probe may still have packets on the way: the end of its connection, late answers.
const LINGER: Duration = Duration::from_secs(60);

/// The probe's beginning is noted before its first packet leaves, by a clock that the kernel's may differ from
/// by this much.
const SLACK: Duration = Duration::from_millis(2);

/// How many bytes of a datagram are compared with its quotation: as many as all routers but the oldest quote.
const TAG: usize = 2;

/// A probe and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What its survey is about, where a run has several.
    pub about: Option<Arc<str>>,
    /// Its name within its survey.
    pub id: ProbeId,
    /// What is tried.
    pub probe: Probe,
    /// When it began.
    pub sent: Time,
    /// The sockets that it opened.
    pub flows: Vec<Flow>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Not known yet.
    UnderWay,
    /// This, and when it was known.
    Ended(Outcome, Time),
    /// Nobody waited for it any more.
    Abandoned,
}

impl Attempt {
    pub(super) fn begin(about: Option<Arc<str>>, id: ProbeId, probe: Probe, sent: Time) -> Self {
        Self { about, id, probe, sent, flows: Vec::new(), fate: Fate::UnderWay }
    }

    /// Whether a packet of that time can be its own.
    fn covers(&self, at: Time) -> bool {
        self.sent <= at + SLACK && self.last().is_none_or(|last| at <= last)
    }

    /// When the last of its packets is due; unknown while it goes on.
    fn last(&self) -> Option<Time> {
        let Fate::Ended(_, done) = &self.fate else { return None };
        let held = match &self.probe {
            Probe::Connect(connect) => match connect.then {
                Then::Hold(span) => span,
                Then::Reset | Then::Listen(_) => Duration::ZERO,
            },
            _ => Duration::ZERO,
        };
        Some(*done + held + LINGER)
    }

    /// Whether it had ended at that time.
    fn is_over(&self, at: Time) -> bool {
        matches!(&self.fate, Fate::Ended(_, done) if *done + SLACK < at)
    }

    /// Whether an address may be its own end of a flow.
    fn is_from(&self, local: IpAddr) -> bool {
        let mut known = self.flows.iter().map(|flow| flow.local.ip()).filter(|ip| !ip.is_unspecified());
        let first = known.next();
        first.is_none_or(|first| first == local || known.any(|ip| ip == local))
    }

    fn ttl(&self) -> Option<u8> {
        match &self.probe {
            Probe::Echo(echo) => echo.ttl,
            Probe::Connect(connect) => connect.ttl,
            Probe::Datagram(datagram) => datagram.ttl,
            _ => None,
        }
    }

    /// Who rejected it, and when that came.
    fn rejected_by(&self) -> Option<(IpAddr, Time)> {
        match &self.fate {
            Fate::Ended(Outcome::Rejected(rejection), done) => Some((rejection.by?, *done)),
            _ => None,
        }
    }
}

/// The probes of a run.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    attempts: BTreeMap<AttemptId, Attempt>,
    /// Who uses a flow, in the order of their beginning.
    users: BTreeMap<Key, Vec<AttemptId>>,
    /// When somebody else began to use a flow whose users had ended: the kernel gives ports out again.
    taken_over: BTreeMap<Key, Time>,
    /// Whose datagram begins so: those of one flow may be under way at the same time.
    tags: BTreeMap<(Key, [u8; TAG]), AttemptId>,
    /// Whose a fragmented packet is.
    fragments: BTreeMap<(IpAddr, IpAddr, u8, u32), (AttemptId, Time)>,
    /// Look-ups by the system, and whom it asks.
    look_ups: Vec<AttemptId>,
    resolvers: Vec<SocketAddr>,
}

/// A flow as its packets show it; our address is looked at apart, since it is not always known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    protocol: Protocol,
    remote: SocketAddr,
    port: u16,
}

/// A packet from our point of view.
struct View {
    key: Key,
    local: IpAddr,
    /// It is ours, else the other side's.
    ours: bool,
    /// What is left of its TTL when it leaves or is quoted.
    ttl: u8,
    /// It is how something begins: no probe sends such a packet after its end.
    opens: bool,
    /// The sequence number of an echo message.
    sequence: Option<u16>,
    /// Bytes of UDP payload.
    size: Option<u16>,
}

impl Attempts {
    /// No probes yet; the system asks these resolvers.
    pub fn new(resolvers: Vec<SocketAddr>) -> Self {
        Self { resolvers, ..Self::default() }
    }

    /// Takes a note.
    pub fn note(&mut self, entry: Entry) {
        match entry {
            Entry::Begun { attempt, about, id, probe, sent } => {
                for key in planned(&probe) {
                    self.use_flow(key, attempt);
                }
                if matches!(probe, Probe::SystemLookup(_)) {
                    self.look_ups.push(attempt);
                }
                self.attempts.insert(attempt, Attempt::begin(about, id, probe, sent));
            }
            Entry::Sends { attempt, flow } => {
                let Some(begun) = self.attempts.get_mut(&attempt) else { return };
                begun.flows.push(flow);
                let key = Key { protocol: flow.protocol, remote: flow.remote, port: flow.local.port() };
                self.use_flow(key, attempt);
            }
            Entry::Ended { attempt, outcome, done } => {
                if let Some(begun) = self.attempts.get_mut(&attempt) {
                    begun.fate = Fate::Ended(outcome, done);
                }
            }
            Entry::Abandoned { attempt } => {
                if let Some(begun) = self.attempts.get_mut(&attempt) {
                    begun.fate = Fate::Abandoned;
                }
            }
        }
    }

    /// A probe of the run.
    pub fn get(&self, id: AttemptId) -> Option<&Attempt> {
        self.attempts.get(&id)
    }

    /// Forgets probes that can have no packets after this time.
    pub fn forget_before(&mut self, time: Time) {
        let is_over = |attempt: &Attempt| attempt.last().is_some_and(|last| last < time);
        if !self.attempts.values().any(is_over) {
            return;
        }
        self.attempts.retain(|_, attempt| !is_over(attempt));
        let attempts = &self.attempts;
        self.users.retain(|_, users| {
            users.retain(|user| attempts.contains_key(user));
            !users.is_empty()
        });
        let users = &self.users;
        self.taken_over.retain(|key, _| users.contains_key(key));
        self.tags.retain(|_, id| attempts.contains_key(id));
        self.look_ups.retain(|id| attempts.contains_key(id));
        self.fragments.retain(|_, (id, _)| attempts.contains_key(id));
    }

    /// Whose a packet is that left this host (`outgoing`) or came to it at that time; `None` for nobody's as far
    /// as is known now.
    pub fn owner(&mut self, packet: &Packet<'_>, outgoing: bool, at: Time) -> Option<AttemptId> {
        let found = match &packet.body {
            Body::Error { quoted: Some(quoted), .. } => {
                // An error that comes in is about a packet of ours; one that leaves, about one of theirs.
                let about = self.user(quoted, !outgoing, at, Some(packet.source));
                about.or_else(|| self.of_fragment(quoted, at))
            }
            _ => self
                .user(packet, outgoing, at, None)
                .or_else(|| self.of_fragment(packet, at))
                .or_else(|| self.asked_for(packet, outgoing, at)),
        };
        let id = found?;
        if let Some(fragment) = packet.fragment {
            let key = (packet.source, packet.destination, fragment.protocol, fragment.identification);
            self.fragments.insert(key, (id, at));
        }
        Some(id)
    }

    fn use_flow(&mut self, key: Key, attempt: AttemptId) {
        let users = self.users.entry(key).or_default();
        if users.last() != Some(&attempt) {
            users.push(attempt);
        }
    }

    /// The probe whose flow a packet is of; `error_from`: the packet is quoted in an error from there.
    fn user(
        &mut self,
        packet: &Packet<'_>,
        ours: bool,
        at: Time,
        error_from: Option<IpAddr>,
    ) -> Option<AttemptId> {
        let view = View::of(packet, ours)?;
        let users = self.users.get(&view.key)?;
        let taken_over = self.taken_over.get(&view.key).filter(|&&since| since <= at);
        let fits = |attempt: &Attempt| {
            let sequence = match &attempt.probe {
                Probe::Echo(echo) => Some(echo.sequence),
                _ => None,
            };
            attempt.covers(at)
                && attempt.is_from(view.local)
                && sequence == view.sequence
                && !taken_over.is_some_and(|&since| attempt.is_over(since))
        };
        let candidates: Vec<(AttemptId, &Attempt)> = users
            .iter()
            .filter_map(|id| Some((*id, self.attempts.get(id)?)))
            .filter(|(_, attempt)| fits(attempt))
            .collect();
        let is_opening = view.opens && error_from.is_none();
        let tag = match packet.body {
            Body::Udp { payload, .. } => payload.first_chunk().map(|tag| (view.key, *tag)),
            _ => None,
        };
        if error_from.is_some()
            && let Some(id) = tag.and_then(|tag| self.tags.get(&tag))
            && candidates.iter().any(|(candidate, _)| candidate == id)
        {
            return Some(*id);
        }
        let found = candidates
            .iter()
            .filter(|(_, attempt)| !(is_opening && attempt.is_over(at)))
            .max_by_key(|(_, attempt)| likeness(attempt, &view, at, error_from))
            .map(|(id, _)| *id);
        if found.is_none() && is_opening && !candidates.is_empty() {
            self.taken_over.insert(view.key, at);
        }
        if let (Some(tag), Some(id), true) = (tag, found, is_opening) {
            self.tags.insert(tag, id);
        }
        found
    }

    fn of_fragment(&self, packet: &Packet<'_>, at: Time) -> Option<AttemptId> {
        let fragment = packet.fragment?;
        let key = (packet.source, packet.destination, fragment.protocol, fragment.identification);
        let (id, first) = self.fragments.get(&key)?;
        // Identifications come round again; parts of one packet travel together.
        (at.since(*first).max(first.since(at)) < LINGER).then_some(*id)
    }

    /// The look-up by the system that a DNS question or answer is about; its flow is remembered.
    fn asked_for(&mut self, packet: &Packet<'_>, outgoing: bool, at: Time) -> Option<AttemptId> {
        let view = View::of(packet, outgoing)?;
        if self.look_ups.is_empty() || !self.resolvers.contains(&view.key.remote) {
            return None;
        }
        let Body::Udp { payload, .. } = packet.body else { return None };
        let asked = question(payload)?;
        let is_about = |id: &&AttemptId| {
            self.attempts.get(id).is_some_and(|attempt| match &attempt.probe {
                Probe::SystemLookup(lookup) => {
                    attempt.covers(at) && is_same_or_longer(&asked, &lookup.name.to_ascii_lowercase())
                }
                _ => false,
            })
        };
        let id = *self.look_ups.iter().rev().find(is_about)?;
        self.use_flow(view.key, id);
        Some(id)
    }
}

impl View {
    fn of(packet: &Packet<'_>, ours: bool) -> Option<Self> {
        const SYN: u8 = 0x02;
        const ACK: u8 = 0x10;
        let opens = match &packet.body {
            Body::Tcp { flags, .. } => flags.is_some_and(|flags| flags & (SYN | ACK) == SYN),
            _ => true,
        };
        let (source, destination, protocol, sequence, size) = match &packet.body {
            Body::Tcp { source, destination, .. } => (*source, *destination, Protocol::Tcp, None, None),
            Body::Udp { source, destination, size, .. } => {
                (*source, *destination, Protocol::Udp, None, *size)
            }
            // A request of the other side is none of ours, nor is what this host replies to it.
            Body::Echo(echo) if echo.reply == ours => return None,
            Body::Echo(echo) if ours => (echo.identifier, 0, Protocol::Echo, Some(echo.sequence), None),
            Body::Echo(echo) => (0, echo.identifier, Protocol::Echo, Some(echo.sequence), None),
            Body::Error { .. } | Body::Other => return None,
        };
        let source = SocketAddr::new(packet.source, source);
        let destination = SocketAddr::new(packet.destination, destination);
        let (local, remote) = if ours { (source, destination) } else { (destination, source) };
        let key = Key { protocol, remote, port: local.port() };
        Some(Self { key, local: local.ip(), ours, ttl: packet.ttl, opens: opens && ours, sequence, size })
    }
}

/// How well a packet fits a probe whose flow it is of, the best being the most: probes that share a flow are
/// told apart by TTL, by size, by who answered, and by time.
fn likeness(
    attempt: &Attempt,
    view: &View,
    at: Time,
    error_from: Option<IpAddr>,
) -> (u8, bool, bool, std::cmp::Reverse<Duration>, Time) {
    const OTHER: u8 = 0;
    const ANY: u8 = 1;
    const SAME: u8 = 2;
    let ttl = match attempt.ttl() {
        // The TTL of a quoted packet has been counted down.
        _ if error_from.is_some() || !view.ours => ANY,
        None => ANY,
        Some(ttl) if ttl == view.ttl => SAME,
        Some(_) => OTHER,
    };
    let size = match &attempt.probe {
        Probe::Datagram(datagram) if view.ours => view.size.is_none_or(|size| size == datagram.size),
        _ => true,
    };
    let rejected = attempt.rejected_by();
    let answered = error_from.is_none_or(|from| rejected.is_some_and(|(by, _)| by == from));
    // Of several answers by the same router, each is its probe's that came just before the outcome was known.
    let apart = match rejected {
        Some((_, done)) if error_from.is_some() => done.since(at).max(at.since(done)),
        _ => Duration::ZERO,
    };
    (ttl, size, answered, std::cmp::Reverse(apart), attempt.sent)
}

/// The flows that a probe will use for certain.
fn planned(probe: &Probe) -> Vec<Key> {
    let (protocol, endpoint, ports) = match probe {
        Probe::Connect(connect) => {
            (Protocol::Tcp, connect.endpoint, connect.source_port..=connect.source_port)
        }
        Probe::Datagram(datagram) => {
            (Protocol::Udp, datagram.endpoint, datagram.source_port..=datagram.source_port)
        }
        Probe::Exchange(exchange) => match exchange.source_port {
            Some(port) => (Protocol::Tcp, exchange.endpoint, port..=port),
            None => return Vec::new(),
        },
        Probe::Egress(egress) => {
            let first = egress.first_source_port;
            (Protocol::Tcp, egress.endpoint, first..=first.saturating_add(egress.burst.saturating_sub(1)))
        }
        Probe::Lookup(_) | Probe::SystemLookup(_) | Probe::Echo(_) => return Vec::new(),
    };
    let remote = SocketAddr::new(endpoint.address.to_canonical(), endpoint.port);
    ports.filter(|&port| port != 0).map(|port| Key { protocol, remote, port }).collect()
}

/// The name that a DNS message asks for, in lower case (RFC 1035 §4.1).
fn question(message: &[u8]) -> Option<Vec<u8>> {
    let mut rest = message.get(12..)?;
    let mut name = Vec::new();
    loop {
        let (&length, after) = rest.split_first()?;
        // No name in a question is compressed: nothing comes before it.
        if length > 63 {
            return None;
        }
        if length == 0 {
            return Some(name);
        }
        let (label, after) = after.split_at_checked(usize::from(length))?;
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend(label.to_ascii_lowercase());
        if name.len() > 255 {
            return None;
        }
        rest = after;
    }
}

/// Whether a name is the other one, perhaps with a search domain behind it.
fn is_same_or_longer(asked: &[u8], wanted: &str) -> bool {
    let wanted = wanted.trim_end_matches('.').as_bytes();
    asked.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest[0] == b'.')
}

#[cfg(test)]
mod tests;
