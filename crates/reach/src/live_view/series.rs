//! What each hop answered over time: counts that grow with neither time nor number.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use reach_core::{
    Time,
    model::{Answer, Observation, Outcome, Probe, ProbeId, Refusal, Rejection, TraceProtocol},
    ping::{Reply, ReplyKind, Spread, Tally},
};

/// What the hops on the way to each address answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    cells: BTreeMap<Place, Cell>,
    flows: BTreeMap<(usize, IpAddr), BTreeSet<u16>>,
    /// The latest observations, so that a repeated one is not counted twice.
    seen: BTreeSet<ProbeId>,
}

/// Where packets were sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the target: two of them may share an address.
    pub target: usize,
    /// The address of the endpoint.
    pub address: IpAddr,
    /// One flow; `None` for all together.
    pub flow: Option<u16>,
    /// The TTL; `None` for packets that go all the way.
    pub ttl: Option<u8>,
}

/// What came of the packets to one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// All of them.
    pub tally: Tally,
    /// The answers by who gave them.
    pub responders: BTreeMap<IpAddr, Answers>,
    number: u64,
}

/// The answers of one responder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// Their round trips.
    pub rtt: Spread,
    /// The latest.
    pub last: Option<Duration>,
}

/// A repeat of an observation comes within so many others.
const MOST_SEEN: usize = 8_192;
/// So many flows of an address are kept apart.
const MOST_FLOWS: usize = 64;
/// So many responders of a place are kept apart.
const MOST_RESPONDERS: usize = 64;

impl Series {
    /// Files an observation of a trace with such packets; passes over everything else.
    pub fn file(&mut self, target: usize, observation: &Observation, protocol: TraceProtocol) {
        let Some((address, flow, ttl)) = aim(&observation.probe, protocol) else { return };
        if !self.seen.insert(observation.id) {
            return;
        }
        if self.seen.len() > MOST_SEEN {
            self.seen.pop_first();
        }
        let known = self.flows.entry((target, address)).or_default();
        if known.len() < MOST_FLOWS {
            known.insert(flow);
        }
        let flow = known.contains(&flow).then_some(flow);
        for flow in [None].into_iter().chain(flow.map(Some)) {
            let place = Place { target, address, flow, ttl };
            self.cells.entry(place).or_default().file(observation, address);
        }
    }

    /// What came of the packets to a place.
    pub fn cell(&self, place: Place) -> Option<&Cell> {
        self.cells.get(&place)
    }

    /// The flows to an address that are kept apart, rising.
    pub fn flows(&self, target: usize, address: IpAddr) -> impl Iterator<Item = u16> {
        self.flows.get(&(target, address)).into_iter().flatten().copied()
    }

    /// Forgets all counts.
    pub fn reset(&mut self) {
        self.cells.clear();
    }
}

impl Cell {
    fn file(&mut self, observation: &Observation, endpoint: IpAddr) {
        self.number += 1;
        let number = self.number;
        self.tally.begin(number);
        let (by, rtt) = match &observation.outcome {
            Outcome::Answered(answer) => match rtt(answer) {
                Some(rtt) => (endpoint, rtt),
                None => return self.tally.lose(number),
            },
            Outcome::Rejected(Rejection { how: Refusal::Reset, rtt, .. }) => (endpoint, *rtt),
            Outcome::Rejected(Rejection { by: Some(by), rtt, .. }) => (*by, *rtt),
            Outcome::Rejected(Rejection { how, .. }) => return self.tally.reject(number, *how, None),
            Outcome::Silent(_) => return self.tally.lose(number),
            Outcome::Unable(inability) => return self.tally.fail(number, inability.why),
        };
        let reply = Reply { kind: ReplyKind::Echo, rtt, ttl: None, packets: 1 };
        let arrived: Time = observation.sent + rtt;
        self.tally.answer(number, &reply, arrived);
        let room = self.responders.len() < MOST_RESPONDERS || self.responders.contains_key(&by);
        if room {
            let answers = self.responders.entry(by).or_default();
            answers.rtt.add(rtt);
            answers.last = Some(rtt);
        }
    }
}

fn rtt(answer: &Answer) -> Option<Duration> {
    match answer {
        Answer::Echo(reply) => Some(reply.rtt),
        Answer::Connected(connected) => Some(connected.rtt),
        Answer::Datagram(reply) => Some(reply.rtt),
        Answer::Lookup(_) | Answer::System(_) | Answer::Exchanged(_) | Answer::Egress(_) => None,
    }
}

/// Where a packet of the trace went: address, flow and TTL. `None` for other probes, and for those that find out
/// how large a packet may be.
fn aim(probe: &Probe, protocol: TraceProtocol) -> Option<(IpAddr, u16, Option<u8>)> {
    match (probe, protocol) {
        (Probe::Connect(connect), TraceProtocol::Tcp) => {
            Some((connect.endpoint.address, connect.source_port, connect.ttl))
        }
        (Probe::Datagram(datagram), TraceProtocol::Udp) if !datagram.dont_fragment => {
            Some((datagram.endpoint.address, datagram.source_port, datagram.ttl))
        }
        (Probe::Echo(echo), TraceProtocol::Icmp) if !echo.dont_fragment => {
            Some((echo.address, echo.flow?, echo.ttl))
        }
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use reach_core::model::{Echo, EchoReply, IcmpError, Silence};

    use super::*;

    pub(crate) fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// An echo request with such a TTL and flow, and what came of it: `None` is silence.
    pub(crate) fn observed(
        id: u32,
        address: &str,
        flow: u16,
        ttl: Option<u8>,
        answer: Option<(&str, u64)>,
    ) -> Observation {
        let rtt = |micros| Duration::from_micros(micros);
        let outcome = match answer {
            None => Outcome::Silent(Silence { packets: 1, refused_here: false }),
            Some((by, micros)) if by == address => {
                Outcome::Answered(Answer::Echo(EchoReply { rtt: rtt(micros), reply_ttl: None }))
            }
            Some((by, micros)) => Outcome::Rejected(Rejection {
                how: Refusal::Icmp(IcmpError { v6: false, kind: 11, code: 0 }),
                by: Some(ip(by)),
                rtt: rtt(micros),
                reply_ttl: None,
                quote: None,
            }),
        };
        let probe = Probe::Echo(Echo {
            address: ip(address),
            sequence: 1,
            size: 32,
            ttl,
            flow: Some(flow),
            dont_fragment: false,
            timeout: Duration::from_secs(1),
        });
        let sent = Time::from_micros(u64::from(id) * 1_000_000);
        Observation { id: ProbeId(id), probe, outcome, sent, done: sent }
    }

    #[test]
    fn answers_are_kept_by_hop_by_flow_and_by_responder() {
        let mut series = Series::default();
        for observation in [
            observed(1, "192.0.2.9", 7, Some(2), Some(("10.0.0.1", 400))),
            observed(2, "192.0.2.9", 8, Some(2), Some(("10.0.0.2", 600))),
            observed(3, "192.0.2.9", 8, Some(2), None),
            observed(4, "192.0.2.9", 8, None, Some(("192.0.2.9", 900))),
        ] {
            series.file(0, &observation, TraceProtocol::Icmp);
            // Once more, as a duplicate.
            series.file(0, &observation, TraceProtocol::Icmp);
        }
        let place = |flow, ttl| Place { target: 0, address: ip("192.0.2.9"), flow, ttl };
        let all = series.cell(place(None, Some(2))).expect("asked");
        assert_eq!((all.tally.sent(), all.tally.lost(), all.responders.len()), (3, 1, 2));
        let one = series.cell(place(Some(8), Some(2))).expect("asked");
        assert_eq!((one.tally.sent(), one.tally.lost(), one.responders.len()), (2, 1, 1));
        assert_eq!(series.cell(place(None, None)).expect("asked").tally.received(), 1);
        assert_eq!(series.flows(0, ip("192.0.2.9")).collect::<Vec<_>>(), [7, 8]);
        series.reset();
        assert!(series.cell(place(None, None)).is_none());
    }

    #[test]
    fn packets_of_other_tests_do_not_count() {
        let mut series = Series::default();
        let observation = observed(1, "192.0.2.9", 7, Some(2), None);
        series.file(0, &observation, TraceProtocol::Tcp);
        assert_eq!(series, Series::default());
    }

    #[test]
    fn memory_is_bounded() {
        let mut series = Series::default();
        for id in 0..20_000 {
            let by = format!("10.0.{}.{}", id % 256, id / 256 % 256);
            series.file(
                0,
                &observed(id, "192.0.2.9", (id % 999) as u16, Some(2), Some((&by, 400))),
                TraceProtocol::Icmp,
            );
        }
        assert!(series.seen.len() <= MOST_SEEN && series.cells.len() <= MOST_FLOWS + 1);
        assert!(series.cells.values().all(|cell| cell.responders.len() <= MOST_RESPONDERS));
    }
}
