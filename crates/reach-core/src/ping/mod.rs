//! Pinging many addresses side by side, for as long as one likes: a procedure that paces the requests, and
//! tallies that grow with neither time nor number.

mod spread;
mod tally;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

pub use self::{
    spread::Spread,
    tally::{Beat, Tally},
};
use crate::{
    Time,
    model::{
        Answer, Connect, Connected, Echo, Endpoint, Inability, Observation, Obstacle, Outcome, Probe,
        ProbeId, Refusal, Rejection, Then,
    },
    stats::split_mix,
    survey::{Procedure, Step},
};

/// How to ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingPlan {
    /// With what.
    pub method: Method,
    /// Requests to each address; `None` for no end. With a `deadline`, answers (or errors) wanted from each.
    pub count: Option<u64>,
    /// How the requests to one address follow each other.
    pub pace: Pace,
    /// When everything ends, counted from the start.
    pub deadline: Option<Duration>,
    /// How long to wait for each answer. A later one is late, and its request stays lost (RFC 7680 §2.5 calls
    /// this threshold Tmax).
    pub timeout: Duration,
    /// Bytes of payload behind the ICMP header.
    pub size: u16,
    /// IP TTL / hop limit; `None` for the system's default.
    pub ttl: Option<u8>,
    /// As in [`Echo::dont_fragment`].
    pub dont_fragment: bool,
    /// Seed of every choice by chance.
    pub seed: u64,
}

/// What a ping sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// ICMP echo requests.
    #[default]
    Icmp,
    /// TCP SYNs to the port of the target.
    Tcp,
}

/// How the requests to one address follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// One in each interval.
    Every(Duration),
    /// The next as soon as one is answered or has waited for 10 ms, but never sooner than this after it.
    Flood {
        /// The shortest time between two.
        least: Duration,
    },
}

impl Default for PingPlan {
    /// As `ping` without options: 56 bytes once a second without end. Nobody waits for longer than 3 s.
    fn default() -> Self {
        Self {
            method: Method::Icmp,
            count: None,
            pace: Pace::Every(Duration::from_secs(1)),
            deadline: None,
            timeout: Duration::from_secs(3),
            size: 56,
            ttl: None,
            dont_fragment: false,
            seed: 0,
        }
    }
}

/// Something that happened, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The place of the address among those pinged.
    pub lane: usize,
    /// The request, from 1 on.
    pub number: u64,
    /// When.
    pub at: Time,
    /// What.
    pub what: Happening,
}

/// What became of a request, or of a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It was sent.
    Sent,
    /// The next one is due, and this one is neither answered nor given up.
    Outstanding,
    /// Its answer came.
    Answered {
        /// What answered.
        reply: Reply,
        /// Whether it counts.
        timing: Timing,
    },
    /// Somebody said no.
    Rejected(Rejection),
    /// Nothing came in time.
    Lost,
    /// It could not be sent.
    Unable(Inability),
}

/// An answer of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What it was.
    pub kind: ReplyKind,
    /// From request to answer.
    pub rtt: Duration,
    /// TTL / hop limit it arrived with, where it could be read.
    pub ttl: Option<u8>,
    /// Packets sent until it came: more than 1 when the kernel had to repeat a SYN.
    pub packets: u32,
}

/// What a host answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// An echo reply.
    Echo,
    /// A SYN-ACK: somebody listens on the port.
    Open,
    /// A RST in the name of the host: nobody listens on the port.
    Refused,
}

/// Whether an answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// The first, in time and in order.
    Regular,
    /// The first and in time, but a younger request was answered before (RFC 4737).
    Reordered,
    /// The request had been answered before.
    Duplicate,
    /// The request had been given up.
    Late,
}

/// Pings addresses side by side.
#[derive(Debug)]
pub struct Pinger {
    plan: PingPlan,
    started: Time,
    lanes: Vec<Lane>,
    due: BTreeSet<(Time, usize)>,
    in_flight: BTreeMap<ProbeId, Flight>,
    /// Requests whose source port was in use.
    again: VecDeque<Flight>,
    events: Vec<Event>,
    next_id: u32,
}

/// One address.
#[derive(Debug)]
struct Lane {
    endpoint: Endpoint,
    tally: Tally,
    /// Requests asked for.
    issued: u64,
    due: Option<Time>,
    /// The first source port of the next TCP attempt, counted from the base.
    port: u16,
    last: Option<(ProbeId, Time)>,
    open: usize,
    /// Requests that are no longer in flight, oldest first.
    settled: VecDeque<Settled>,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    lane: usize,
    number: u64,
    attempts: u32,
}

#[derive(Clone, Copy, Debug)]
struct Settled {
    id: ProbeId,
    number: u64,
    at: Time,
    answered: bool,
}

/// In flood, how long one is waited for before the next is sent.
const FLOOD_PATIENCE: Duration = Duration::from_millis(10);
/// All addresses begin within this time.
const LONGEST_ROUND: Duration = Duration::from_secs(1);
/// Behind by more than so many intervals the schedule starts anew instead of catching up.
const CATCH_UP: u32 = 3;
/// Shorter intervals than this are caught up with: timers are no finer than a millisecond.
const CATCH_UP_BELOW: Duration = Duration::from_millis(10);
/// Duplicates and late answers are known by their request for so long…
const MEMORY: Duration = Duration::from_secs(60);
/// …and for so many requests.
const MOST_SETTLED: usize = 8_192;
/// Source ports of TCP: so many in turn, twice as long as TIME-WAIT (RFC 9293 §3.4.2) at 100 a second.
const PORTS: u16 = 12_000;
/// So many source ports are tried for one request.
const PORT_ATTEMPTS: u32 = 16;

impl Pinger {
    /// Pings `endpoints` from `started` on. The ports matter to TCP only.
    pub fn new(plan: PingPlan, endpoints: impl IntoIterator<Item = Endpoint>, started: Time) -> Self {
        let lanes: Vec<Lane> = endpoints.into_iter().map(Lane::new).collect();
        let mut pinger = Self {
            plan,
            started,
            lanes,
            due: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            again: VecDeque::new(),
            events: Vec::new(),
            next_id: 0,
        };
        let round = match pinger.plan.pace {
            Pace::Every(interval) => interval.min(LONGEST_ROUND),
            Pace::Flood { .. } => FLOOD_PATIENCE,
        };
        let count = u32::try_from(pinger.lanes.len()).unwrap_or(u32::MAX).max(1);
        for (lane, place) in (0..pinger.lanes.len()).zip(0_u32..) {
            pinger.schedule(lane, Some(started + round * place / count));
        }
        pinger
    }

    /// The addresses with what is known of each, in the order given.
    pub fn tallies(&self) -> impl ExactSizeIterator<Item = (Endpoint, &Tally)> {
        self.lanes.iter().map(|lane| (lane.endpoint, &lane.tally))
    }

    /// When it began.
    pub fn started(&self) -> Time {
        self.started
    }

    /// What happened since this was last asked.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn schedule(&mut self, lane: usize, due: Option<Time>) {
        let entry = &mut self.lanes[lane];
        if let Some(known) = entry.due.take() {
            self.due.remove(&(known, lane));
        }
        entry.due = due;
        if let Some(due) = due {
            self.due.insert((due, lane));
        }
    }

    fn tell(&mut self, lane: usize, number: u64, at: Time, what: Happening) {
        self.events.push(Event { lane, number, at, what });
    }

    /// Sends the next request of a lane.
    fn send(&mut self, lane: usize, now: Time) -> Step {
        let entry = &mut self.lanes[lane];
        if let Some((last, _)) = entry.last
            && let Some(flight) = self.in_flight.get(&last)
        {
            let number = flight.number;
            self.events.push(Event { lane, number, at: now, what: Happening::Outstanding });
        }
        let entry = &mut self.lanes[lane];
        entry.issued += 1;
        entry.open += 1;
        let number = entry.issued;
        entry.tally.begin(number);
        let due = entry.due.unwrap_or(now);
        let next = match self.plan.pace {
            Pace::Every(interval) => {
                let next = due + interval;
                let behind = now.since(next);
                let patience = if interval < CATCH_UP_BELOW { interval * CATCH_UP } else { Duration::ZERO };
                if behind > patience { now + interval } else { next }
            }
            Pace::Flood { least } => now + least.max(FLOOD_PATIENCE),
        };
        let is_last = self.plan.deadline.is_none() && self.plan.count.is_some_and(|count| number >= count);
        self.schedule(lane, (!is_last).then_some(next));
        self.tell(lane, number, now, Happening::Sent);
        self.launch(Flight { lane, number, attempts: 1 }, now)
    }

    fn launch(&mut self, flight: Flight, now: Time) -> Step {
        let id = ProbeId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.in_flight.insert(id, flight);
        let plan = &self.plan;
        let entry = &mut self.lanes[flight.lane];
        entry.last = Some((id, now));
        let probe = match plan.method {
            Method::Icmp => Probe::Echo(Echo {
                address: entry.endpoint.address,
                // On the wire it has 16 bits and begins anew, as everywhere.
                sequence: flight.number as u16,
                size: plan.size,
                ttl: plan.ttl,
                flow: None,
                dont_fragment: plan.dont_fragment,
                timeout: plan.timeout,
            }),
            Method::Tcp => {
                let base = 20_000 + (split_mix(plan.seed) % 16) as u16 * 2_000;
                let source_port = base + entry.port;
                entry.port = (entry.port + 1) % PORTS;
                Probe::Connect(Connect {
                    endpoint: entry.endpoint,
                    source_port,
                    ttl: plan.ttl,
                    min_ttl: None,
                    timeout: plan.timeout,
                    then: Then::Reset,
                    crowd: 1,
                })
            }
        };
        Step::Run(id, probe)
    }

    /// Files the outcome of a request that was in flight.
    fn settle(&mut self, flight: Flight, observation: Observation) {
        let Observation { id, outcome, sent, done, .. } = observation;
        let Flight { lane, number, attempts } = flight;
        if let Outcome::Unable(inability) = &outcome
            && inability.why == Obstacle::PortInUse
            && attempts < PORT_ATTEMPTS
        {
            self.again.push_back(Flight { attempts: attempts + 1, ..flight });
            return;
        }
        let entry = &mut self.lanes[lane];
        entry.open -= 1;
        let what = match judged(outcome) {
            Judged::Reply(reply) => {
                let reordered = entry.tally.answer(number, &reply, sent + reply.rtt);
                let timing = if reordered { Timing::Reordered } else { Timing::Regular };
                Happening::Answered { reply, timing }
            }
            Judged::Rejected(rejection) => {
                entry.tally.reject(number, rejection.how, rejection.by);
                Happening::Rejected(rejection)
            }
            Judged::Lost => {
                entry.tally.lose(number);
                Happening::Lost
            }
            Judged::Unable(inability) => {
                entry.tally.fail(number, inability.why);
                Happening::Unable(inability)
            }
        };
        let answered = matches!(what, Happening::Answered { .. });
        entry.remember(Settled { id, number, at: done, answered });
        let finished = self.is_finished(lane);
        if finished {
            self.schedule(lane, None);
        } else if let Pace::Flood { least } = self.plan.pace
            && let Some((last, at)) = self.lanes[lane].last
            && last == id
            && self.lanes[lane].due.is_some()
        {
            // What cannot be sent is not tried at full speed.
            let wait = if matches!(what, Happening::Unable(_)) { FLOOD_PATIENCE } else { Duration::ZERO };
            self.schedule(lane, Some(at + least.max(wait)));
        }
        self.tell(lane, number, done, what);
    }

    /// Files something that came for a request that was settled before.
    fn settle_again(&mut self, observation: Observation) {
        let Some(lane) = self.lane_of(&observation.probe, observation.id) else { return };
        let Observation { id, outcome, done, .. } = observation;
        let entry = &mut self.lanes[lane];
        let Ok(place) = entry.settled.binary_search_by_key(&id, |settled| settled.id) else { return };
        let Settled { number, answered, .. } = entry.settled[place];
        let what = match judged(outcome) {
            Judged::Reply(reply) if answered => {
                entry.tally.repeat();
                Happening::Answered { reply, timing: Timing::Duplicate }
            }
            Judged::Reply(reply) => {
                entry.tally.too_late();
                // What comes after it is a duplicate.
                entry.settled[place].answered = true;
                Happening::Answered { reply, timing: Timing::Late }
            }
            Judged::Rejected(rejection) => {
                entry.tally.complain(rejection.how, rejection.by);
                Happening::Rejected(rejection)
            }
            Judged::Lost | Judged::Unable(_) => return,
        };
        self.tell(lane, number, done, what);
    }

    fn lane_of(&self, probe: &Probe, id: ProbeId) -> Option<usize> {
        let address = probe.address()?;
        let is_of = |lane: &&Lane| {
            lane.endpoint.address == address
                && lane.settled.binary_search_by_key(&id, |settled| settled.id).is_ok()
        };
        let lane = self.lanes.iter().find(is_of)?;
        self.lanes.iter().position(|other| std::ptr::eq(lane, other))
    }

    /// Nothing more is wanted of a lane.
    fn is_finished(&self, lane: usize) -> bool {
        let lane = &self.lanes[lane];
        let Some(count) = self.plan.count else { return false };
        let tried = lane.issued >= count && lane.open == 0;
        match self.plan.deadline {
            None => tried,
            // As many answers are wanted, errors being answers too; what cannot be sent brings none.
            Some(_) => lane.tally.received() + lane.tally.rejected() + lane.tally.unsent() >= count,
        }
    }
}

impl Procedure for Pinger {
    fn poll(&mut self, now: Time) -> Step {
        let end = self.plan.deadline.map(|span| self.started + span);
        if end.is_some_and(|end| now >= end) {
            return Step::Done;
        }
        if let Some(flight) = self.again.pop_front() {
            return self.launch(flight, now);
        }
        match self.due.first().copied() {
            Some((due, lane)) if due <= now => self.send(lane, now),
            None if self.in_flight.is_empty() => Step::Done,
            next => {
                let soonest = next.map(|(due, _)| due).into_iter().chain(end).min();
                Step::Wait(soonest.unwrap_or(now + LONGEST_ROUND))
            }
        }
    }

    fn observe(&mut self, observation: Observation) {
        match self.in_flight.remove(&observation.id) {
            Some(flight) => self.settle(flight, observation),
            None => self.settle_again(observation),
        }
    }
}

impl Lane {
    fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            tally: Tally::default(),
            issued: 0,
            due: None,
            port: 0,
            last: None,
            open: 0,
            settled: VecDeque::new(),
        }
    }

    fn remember(&mut self, settled: Settled) {
        while let Some(oldest) = self.settled.front()
            && (self.settled.len() >= MOST_SETTLED || settled.at.since(oldest.at) > MEMORY)
        {
            self.settled.pop_front();
        }
        // Requests settle nearly in the order they were sent.
        let place = self.settled.partition_point(|known| known.id < settled.id);
        self.settled.insert(place, settled);
    }
}

/// An outcome in the terms of a ping.
enum Judged {
    Reply(Reply),
    Rejected(Rejection),
    Lost,
    Unable(Inability),
}

fn judged(outcome: Outcome) -> Judged {
    match outcome {
        Outcome::Answered(Answer::Echo(echo)) => {
            Judged::Reply(Reply { kind: ReplyKind::Echo, rtt: echo.rtt, ttl: echo.reply_ttl, packets: 1 })
        }
        Outcome::Answered(Answer::Connected(Connected { rtt, syns, .. })) => {
            Judged::Reply(Reply { kind: ReplyKind::Open, rtt, ttl: None, packets: syns.max(1) })
        }
        Outcome::Rejected(Rejection { how: Refusal::Reset, rtt, reply_ttl, .. }) => {
            Judged::Reply(Reply { kind: ReplyKind::Refused, rtt, ttl: reply_ttl, packets: 1 })
        }
        Outcome::Rejected(rejection) => Judged::Rejected(rejection),
        Outcome::Silent(_) => Judged::Lost,
        Outcome::Unable(inability) => Judged::Unable(inability),
        // No other probe is asked for.
        Outcome::Answered(_) => Judged::Unable(Inability { why: Obstacle::Unsupported, errno: None }),
    }
}

#[cfg(test)]
mod tests;
