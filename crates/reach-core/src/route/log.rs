//! Everything observed on the way to one endpoint, by TTL and flow. Files facts and concludes nothing; the
//! tracer reads it to see what is still to be asked, and [`super::routes`] to see what it means.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use crate::{
    Time,
    model::{
        Answer, Endpoint, Inability, Observation, Obstacle, Outcome, Probe, ProbeId, Quote, Refusal,
        ReplyKind, TraceProtocol,
    },
};

/// The packets sent towards one endpoint, and what came of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Log {
    /// With a TTL, by TTL and flow.
    pub(crate) hops: BTreeMap<u8, BTreeMap<u16, Shots>>,
    /// Without a TTL, by flow.
    pub(crate) ends: BTreeMap<u16, Shots>,
    /// Of a chosen size, and forbidden to be fragmented.
    pub(crate) sized: BTreeMap<SizedKey, SizedShot>,
    /// Why something could not be sent.
    pub(crate) unable: Option<Inability>,
}

/// Names a packet of a chosen size: its number, TTL, length and kind.
pub(crate) type SizedKey = (ProbeId, Option<u8>, u32, TraceProtocol);

/// Packets of one flow with one TTL, in the order sent.
pub(crate) type Shots = BTreeMap<ProbeId, Shot>;

/// One packet, or the repeated SYN of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shot {
    /// When it was sent.
    pub(crate) sent: Time,
    /// When it was known what came of it; `None` while it is under way.
    pub(crate) done: Option<Time>,
    /// How often it was sent.
    pub(crate) packets: u32,
    /// It was given up before its own time-out: an answer may have been on its way.
    pub(crate) cut_short: bool,
    /// What came.
    pub(crate) reply: Option<Reply>,
}

impl Shot {
    /// What came of it is known for certain.
    pub(crate) fn is_certain(&self) -> bool {
        self.done.is_some() && !self.cut_short
    }
}

/// A packet of a chosen size.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SizedShot {
    /// Its TTL.
    pub(crate) ttl: Option<u8>,
    /// Its length with the IP header, in bytes.
    pub(crate) length: u32,
    /// What it was.
    pub(crate) protocol: TraceProtocol,
    /// What came of it.
    pub(crate) shot: Shot,
    /// This host itself knows that it is too large (`EMSGSIZE`).
    pub(crate) too_large_here: bool,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) from: IpAddr,
    pub(crate) kind: ReplyKind,
    pub(crate) rtt: Duration,
    pub(crate) reply_ttl: Option<u8>,
    pub(crate) quote: Option<Box<Quote>>,
}

/// Where a probe belongs in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// TTL and flow.
    Hop(u8, u16),
    /// Flow.
    End(u16),
    /// A packet of a chosen size.
    Sized { ttl: Option<u8>, length: u32, protocol: TraceProtocol },
}

/// Bytes of an IP header without options.
pub(crate) const fn ip_header(address: IpAddr) -> u32 {
    if address.is_ipv6() { 40 } else { 20 }
}

/// Bytes of a UDP header, and of an ICMP echo header.
pub(crate) const TRANSPORT_HEADER: u32 = 8;

/// Where a probe belongs in the log of its endpoint; `None` when it is no part of a trace of this protocol.
pub(crate) fn slot(probe: &Probe, endpoint: Endpoint, protocol: TraceProtocol) -> Option<Slot> {
    let length = |size: u16| ip_header(endpoint.address) + TRANSPORT_HEADER + u32::from(size);
    let (ttl, flow) = match probe {
        Probe::Connect(connect)
            if protocol == TraceProtocol::Tcp
                && connect.endpoint == endpoint
                && connect.min_ttl.is_none() =>
        {
            (connect.ttl, connect.source_port)
        }
        Probe::Datagram(datagram) if datagram.endpoint == endpoint => {
            if datagram.dont_fragment {
                let protocol = TraceProtocol::Udp;
                return Some(Slot::Sized { ttl: datagram.ttl, length: length(datagram.size), protocol });
            }
            (datagram.ttl, datagram.source_port)
        }
        Probe::Echo(echo) if echo.address == endpoint.address => {
            if echo.dont_fragment {
                let protocol = TraceProtocol::Icmp;
                return Some(Slot::Sized { ttl: echo.ttl, length: length(echo.size), protocol });
            }
            (echo.ttl, echo.flow?)
        }
        _ => return None,
    };
    let ours = match probe {
        Probe::Connect(_) => TraceProtocol::Tcp,
        Probe::Datagram(_) => TraceProtocol::Udp,
        _ => TraceProtocol::Icmp,
    };
    (ours == protocol).then(|| ttl.map_or(Slot::End(flow), |ttl| Slot::Hop(ttl, flow)))
}

/// Of so many SYNs that one attempt sent in so long a time, those whose answer was waited for.
///
/// A SYN is repeated after 1 s, and then either each second (`tcp_syn_linear_timeouts`, ip-sysctl) or each time twice
/// as late (RFC 6298 §5.5): the one that leaves when the attempt ends says nothing.
fn waited_for(packets: u32, waited: Duration) -> u32 {
    /// An answer that takes longer is too rare to matter here.
    const PATIENCE: Duration = Duration::from_millis(250);
    let Some(repeats) = packets.checked_sub(1).filter(|&repeats| repeats > 0) else { return packets };
    let doubled = Duration::from_secs(1_u64.checked_shl(repeats).unwrap_or(u64::MAX).saturating_sub(1));
    let linear = Duration::from_secs(repeats.into());
    let last = if doubled <= waited { doubled } else { linear };
    if waited.saturating_sub(last) < PATIENCE { repeats } else { packets }
}

impl Log {
    /// Notes that a probe is on its way.
    pub(crate) fn launch(&mut self, id: ProbeId, slot: Slot, sent: Time) {
        let shot = Shot { sent, done: None, packets: 1, cut_short: false, reply: None };
        match slot {
            Slot::Hop(ttl, flow) => {
                self.hops.entry(ttl).or_default().entry(flow).or_default().insert(id, shot);
            }
            Slot::End(flow) => {
                self.ends.entry(flow).or_default().insert(id, shot);
            }
            Slot::Sized { ttl, length, protocol } => {
                let sized = SizedShot { ttl, length, protocol, shot, too_large_here: false };
                self.sized.insert((id, ttl, length, protocol), sized);
            }
        }
    }

    /// Files what came of a probe.
    pub(crate) fn file(&mut self, slot: Slot, endpoint: Endpoint, observation: &Observation) {
        let id = observation.id;
        let mut here = false;
        let (packets, reply) = match &observation.outcome {
            Outcome::Unable(inability) => {
                let too_large = inability.errno == Some(EMSGSIZE) && matches!(slot, Slot::Sized { .. });
                if !too_large {
                    self.forget(slot, id);
                    self.note_obstacle(inability);
                    return;
                }
                here = true;
                (0, None)
            }
            Outcome::Silent(silence) => {
                let waited = observation.done.since(observation.sent);
                (waited_for(silence.packets, waited).clamp(1, MOST_PACKETS), None)
            }
            outcome => {
                let packets = match outcome {
                    Outcome::Answered(Answer::Connected(connected)) => connected.syns.clamp(1, MOST_PACKETS),
                    _ => 1,
                };
                (packets, reply(&observation.probe, outcome, endpoint))
            }
        };
        let waited = observation.done.since(observation.sent) + Duration::from_millis(1);
        let cut_short = reply.is_none() && packets > 0 && timeout(&observation.probe) > waited;
        let shot = Shot { sent: observation.sent, done: Some(observation.done), packets, cut_short, reply };
        match slot {
            Slot::Hop(ttl, flow) => {
                settle(self.hops.entry(ttl).or_default().entry(flow).or_default(), id, shot);
            }
            Slot::End(flow) => settle(self.ends.entry(flow).or_default(), id, shot),
            Slot::Sized { ttl, length, protocol } => {
                let fresh = SizedShot { ttl, length, protocol, shot: shot.clone(), too_large_here: here };
                let known = self.sized.entry((id, ttl, length, protocol)).or_insert(fresh);
                known.shot = better(known.shot.clone(), shot);
                known.too_large_here |= here;
            }
        }
    }

    fn forget(&mut self, slot: Slot, id: ProbeId) {
        let open = |shots: &mut Shots| {
            if shots.get(&id).is_some_and(|shot| shot.done.is_none()) {
                shots.remove(&id);
            }
        };
        match slot {
            Slot::Hop(ttl, flow) => {
                let Some(flows) = self.hops.get_mut(&ttl) else { return };
                flows.get_mut(&flow).map(open);
                flows.retain(|_, shots| !shots.is_empty());
                self.hops.retain(|_, flows| !flows.is_empty());
            }
            Slot::End(flow) => {
                self.ends.get_mut(&flow).map(open);
                self.ends.retain(|_, shots| !shots.is_empty());
            }
            Slot::Sized { ttl, length, protocol } => {
                let key = (id, ttl, length, protocol);
                if self.sized.get(&key).is_some_and(|sized| sized.shot.done.is_none()) {
                    self.sized.remove(&key);
                }
            }
        }
    }

    fn note_obstacle(&mut self, inability: &Inability) {
        if inability.why == Obstacle::PortInUse {
            return;
        }
        let earlier = self
            .unable
            .as_ref()
            .is_none_or(|known| (inability.why, inability.errno) < (known.why, known.errno));
        if earlier {
            self.unable = Some(inability.clone());
        }
    }

    /// All shots with this TTL whose outcome is known.
    pub(crate) fn settled(&self, ttl: u8) -> impl Iterator<Item = (u16, &Shot)> {
        let flows = self.hops.get(&ttl).into_iter().flatten();
        flows
            .flat_map(|(&flow, shots)| shots.values().map(move |shot| (flow, shot)))
            .filter(|(_, shot)| shot.done.is_some())
    }

    /// All answers to packets with this TTL.
    pub(crate) fn replies(&self, ttl: u8) -> impl Iterator<Item = (u16, &Reply)> {
        self.settled(ttl).filter_map(|(flow, shot)| Some((flow, shot.reply.as_ref()?)))
    }

    /// Who answered at this TTL.
    pub(crate) fn responders(&self, ttl: u8) -> BTreeSet<IpAddr> {
        self.replies(ttl).map(|(_, reply)| reply.from).collect()
    }

    /// The first answer to a flow at this TTL.
    pub(crate) fn met(&self, ttl: u8, flow: u16) -> Option<&Reply> {
        self.hops.get(&ttl)?.get(&flow)?.values().find_map(|shot| shot.reply.as_ref())
    }

    /// The lowest TTL at which the endpoint answers.
    pub(crate) fn distance(&self) -> Option<u8> {
        self.first(|kind| kind == ReplyKind::Reached)
    }

    /// The lowest TTL at which such an answer came.
    pub(crate) fn first(&self, wanted: impl Fn(ReplyKind) -> bool) -> Option<u8> {
        self.hops.keys().copied().find(|&ttl| self.replies(ttl).any(|(_, reply)| wanted(reply.kind)))
    }

    /// The farthest TTL that ran out at a router.
    pub(crate) fn last_router(&self) -> Option<u8> {
        let router = |ttl: &u8| self.replies(*ttl).any(|(_, reply)| reply.kind == ReplyKind::TimeExceeded);
        self.hops.keys().rev().copied().find(router)
    }

    /// The TTL behind which nothing more is to be learned, once some flow has come to its end: that end, or the
    /// hop behind the farthest router, where flows are of different length.
    pub(crate) fn end(&self) -> Option<u8> {
        let first = self.first(|kind| kind != ReplyKind::TimeExceeded)?;
        Some(first.max(self.last_router().map_or(0, |last| last.saturating_add(1))))
    }
}

/// `EMSGSIZE` of Linux: larger than the path MTU that this host knows.
const EMSGSIZE: i32 = 90;
/// The most packets that one attempt can have sent; a recording may claim more.
const MOST_PACKETS: u32 = 128;

/// How long a probe is waited for at most.
fn timeout(probe: &Probe) -> Duration {
    match probe {
        Probe::Connect(connect) => connect.timeout,
        Probe::Datagram(datagram) => datagram.timeout,
        Probe::Echo(echo) => echo.timeout,
        _ => Duration::ZERO,
    }
}

fn settle(shots: &mut Shots, id: ProbeId, shot: Shot) {
    let merged = match shots.remove(&id) {
        Some(known) => better(known, shot),
        None => shot,
    };
    shots.insert(id, merged);
}

/// Of two reports on the same probe the one that says more: an answer before silence, the earlier answer before a
/// duplicate.
fn better(one: Shot, other: Shot) -> Shot {
    let rank = |shot: &Shot| {
        let reply = shot.reply.as_ref();
        (
            reply.is_none(),
            shot.done.is_none(),
            shot.cut_short,
            shot.done,
            reply.map(|reply| (reply.rtt, reply.from, reply.kind, reply.reply_ttl)),
        )
    };
    let packets = match (one.done, other.done) {
        (Some(_), Some(_)) => one.packets.max(other.packets),
        (None, _) => other.packets,
        (_, None) => one.packets,
    };
    let sent = one.sent.min(other.sent);
    let first = match rank(&one).cmp(&rank(&other)) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Greater => false,
        // Reports that differ in nothing but the quote: any order will do, so long as it is one.
        std::cmp::Ordering::Equal => format!("{:?}", one.reply) <= format!("{:?}", other.reply),
    };
    Shot { packets, sent, ..if first { one } else { other } }
}

fn reply(probe: &Probe, outcome: &Outcome, endpoint: Endpoint) -> Option<Reply> {
    let from = endpoint.address;
    let kind = ReplyKind::Reached;
    let (rtt, reply_ttl) = match outcome {
        Outcome::Answered(Answer::Connected(connected)) => (connected.rtt, None),
        Outcome::Answered(Answer::Echo(echo)) => (echo.rtt, echo.reply_ttl),
        Outcome::Answered(Answer::Datagram(datagram)) => (datagram.rtt, datagram.reply_ttl),
        Outcome::Rejected(rejection) => {
            let unknown =
                if from.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
            let (from, kind) = match rejection.how {
                Refusal::Reset => (from, ReplyKind::Reset),
                Refusal::Icmp(error) => {
                    // Linux before 5.8 does not say who sent an error about a TCP packet.
                    let by = rejection.by.unwrap_or(unknown);
                    let port_closed = (error.kind, error.code) == if error.v6 { (1, 4) } else { (3, 3) };
                    let kind = match probe {
                        Probe::Datagram(_) if port_closed && by == from => ReplyKind::Reached,
                        _ if error.is_time_exceeded() => ReplyKind::TimeExceeded,
                        _ => ReplyKind::Icmp(error),
                    };
                    (by, kind)
                }
            };
            let quote = rejection.quote.clone();
            return Some(Reply { from, kind, rtt: rejection.rtt, reply_ttl: rejection.reply_ttl, quote });
        }
        _ => return None,
    };
    Some(Reply { from, kind, rtt, reply_ttl, quote: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syn_that_leaves_as_the_attempt_ends_was_not_waited_for() {
        let waited = |packets, millis| waited_for(packets, Duration::from_millis(millis));
        assert_eq!([waited(1, 1000), waited(2, 1000), waited(2, 1010), waited(2, 1600)], [1, 1, 1, 2]);
        assert_eq!([waited(3, 3100), waited(4, 3100), waited(3, 2100), waited(3, 3500)], [2, 3, 2, 3]);
        assert_eq!([waited(0, 1000), waited(u32::MAX, 1000)], [0, u32::MAX - 1]);
    }
}
