//! The names of addresses (PTR records), for people to read: asked once each, bounded in number and time, and
//! never waited for longer than somebody would who wants the paths.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{Procedure, Step};
use crate::{
    Time,
    model::{
        Answer, Lookup, Observation, Outcome, Probe, ProbeId, Rcode, RecordKind, Transport, reverse_name,
    },
};

/// A resolver that has not answered by then is not the one to wait for.
const TIMEOUT: Duration = Duration::from_millis(700);
/// Nobody waits longer for names than this after the last address came in.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Addresses asked about; what comes after them stays without a name.
const MOST: usize = 512;
/// Questions under way at the same time.
const WINDOW: usize = 32;
/// Resolvers that are asked about one address before it stays without a name.
const RESOLVERS: usize = 2;

/// Asks resolvers for the names of addresses, which may come in one by one.
#[derive(Debug)]
pub struct ReverseNames {
    resolvers: Vec<SocketAddr>,
    known: BTreeSet<IpAddr>,
    queue: VecDeque<(IpAddr, usize)>,
    pending: BTreeMap<ProbeId, (IpAddr, usize)>,
    next_id: u32,
    give_up: Time,
}

impl ReverseNames {
    /// Asks these resolvers, the first one first.
    pub fn new(resolvers: &[SocketAddr], now: Time) -> Self {
        Self {
            resolvers: resolvers.iter().copied().take(RESOLVERS).collect(),
            known: BTreeSet::new(),
            queue: VecDeque::new(),
            pending: BTreeMap::new(),
            next_id: 0,
            give_up: now + PATIENCE,
        }
    }

    /// One more address to name; one that is known already costs nothing.
    pub fn add(&mut self, address: IpAddr, now: Time) {
        if self.resolvers.is_empty() || self.known.len() >= MOST || !self.known.insert(address) {
            return;
        }
        self.give_up = now + PATIENCE;
        self.queue.push_back((address, 0));
    }

    /// Whether nothing is open.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.pending.is_empty()
    }

    fn ask(&mut self, address: IpAddr, resolver: usize) -> Step {
        let id = ProbeId(self.next_id);
        self.next_id += 1;
        self.pending.insert(id, (address, resolver));
        let lookup = Lookup {
            resolver: self.resolvers[resolver],
            name: reverse_name(address),
            kind: RecordKind::Ptr,
            transport: Transport::Udp,
            timeout: TIMEOUT,
        };
        Step::Run(id, Probe::Lookup(lookup))
    }
}

impl Procedure for ReverseNames {
    fn poll(&mut self, now: Time) -> Step {
        if self.is_idle() || now >= self.give_up {
            return Step::Done;
        }
        if self.pending.len() < WINDOW
            && let Some((address, resolver)) = self.queue.pop_front()
        {
            return self.ask(address, resolver);
        }
        Step::Wait(self.give_up)
    }

    fn observe(&mut self, observation: Observation) {
        let Some((address, resolver)) = self.pending.remove(&observation.id) else { return };
        // A name that does not exist is an answer too; only who said nothing of use is made up for.
        let settled = matches!(&observation.outcome, Outcome::Answered(Answer::Lookup(answer))
            if answer.fault.is_none() && matches!(answer.rcode, Rcode::NoError | Rcode::NxDomain));
        if !settled && resolver + 1 < self.resolvers.len() {
            self.queue.push_front((address, resolver + 1));
        }
    }
}

/// The first name that resolvers gave for each of these addresses, as received, without the trailing dot.
pub fn reverse_names<'a>(
    observations: impl IntoIterator<Item = &'a Observation>,
    addresses: impl IntoIterator<Item = IpAddr>,
) -> BTreeMap<IpAddr, String> {
    let by_question: BTreeMap<String, IpAddr> =
        addresses.into_iter().map(|address| (reverse_name(address), address)).collect();
    let mut names: BTreeMap<IpAddr, (ProbeId, &str)> = BTreeMap::new();
    for observation in observations {
        let (Probe::Lookup(lookup), Outcome::Answered(Answer::Lookup(answer))) =
            (&observation.probe, &observation.outcome)
        else {
            continue;
        };
        let (Some(&address), Some(name)) = (by_question.get(&lookup.name), answer.names.first()) else {
            continue;
        };
        if lookup.kind == RecordKind::Ptr && answer.fault.is_none() && !name.is_empty() {
            let entry = names.entry(address).or_insert((observation.id, name));
            *entry = (*entry).min((observation.id, name));
        }
    }
    names.into_iter().map(|(address, (_, name))| (address, name.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LookupAnswer, Silence};

    const START: Time = Time::from_micros(1_000_000);

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn resolvers(count: usize) -> Vec<SocketAddr> {
        (1..=count).map(|n| SocketAddr::new(address(&format!("192.0.2.{n}")), 53)).collect()
    }

    fn questions(procedure: &mut ReverseNames, now: Time) -> Vec<(ProbeId, Lookup)> {
        let mut asked = Vec::new();
        while let Step::Run(id, Probe::Lookup(lookup)) = procedure.poll(now) {
            asked.push((id, lookup));
        }
        asked
    }

    fn observation(id: ProbeId, lookup: &Lookup, outcome: Outcome) -> Observation {
        Observation { id, probe: Probe::Lookup(lookup.clone()), outcome, sent: START, done: START }
    }

    fn named(name: &str) -> Outcome {
        let names = vec![name.to_owned()];
        Outcome::Answered(Answer::Lookup(LookupAnswer { names, ..LookupAnswer::default() }))
    }

    #[test]
    fn each_address_is_asked_about_once() {
        let mut procedure = ReverseNames::new(&resolvers(1), START);
        for text in ["192.0.2.17", "192.0.2.18", "192.0.2.17"] {
            procedure.add(address(text), START);
        }
        let asked = questions(&mut procedure, START);
        let names: Vec<&str> = asked.iter().map(|(_, lookup)| lookup.name.as_str()).collect();
        assert_eq!(names, ["17.2.0.192.in-addr.arpa", "18.2.0.192.in-addr.arpa"]);
        let seen: Vec<Observation> =
            asked.iter().map(|(id, lookup)| observation(*id, lookup, named("r1.example"))).collect();
        for observation in &seen {
            procedure.observe(observation.clone());
        }
        assert_eq!(procedure.poll(START), Step::Done);
        let found = names_of(&seen);
        assert_eq!(found.values().collect::<Vec<_>>(), ["r1.example", "r1.example"]);
    }

    fn names_of(seen: &[Observation]) -> BTreeMap<IpAddr, String> {
        super::reverse_names(seen, [address("192.0.2.17"), address("192.0.2.18")])
    }

    #[test]
    fn a_silent_resolver_is_made_up_for_by_the_next_and_then_left_alone() {
        let mut procedure = ReverseNames::new(&resolvers(3), START);
        procedure.add(address("192.0.2.17"), START);
        let mut servers = Vec::new();
        while let Some((id, lookup)) = questions(&mut procedure, START).pop() {
            servers.push(lookup.resolver.ip());
            procedure.observe(observation(id, &lookup, Outcome::Silent(Silence::default())));
        }
        assert_eq!(servers, [address("192.0.2.1"), address("192.0.2.2")]);
        assert_eq!(procedure.poll(START), Step::Done);
    }

    #[test]
    fn a_name_that_does_not_exist_is_not_asked_for_again() {
        let mut procedure = ReverseNames::new(&resolvers(2), START);
        procedure.add(address("192.0.2.17"), START);
        let (id, lookup) = questions(&mut procedure, START).pop().expect("a question");
        let answer = LookupAnswer { rcode: Rcode::NxDomain, ..LookupAnswer::default() };
        procedure.observe(observation(id, &lookup, Outcome::Answered(Answer::Lookup(answer))));
        assert_eq!(procedure.poll(START), Step::Done);
    }

    #[test]
    fn names_are_bounded_in_number_and_time() {
        let mut procedure = ReverseNames::new(&resolvers(1), START);
        for n in 0..2_000_u32 {
            procedure.add(IpAddr::from(n.to_be_bytes()), START);
        }
        let mut total = 0;
        loop {
            let asked = questions(&mut procedure, START);
            if asked.is_empty() {
                break;
            }
            assert!(asked.len() <= WINDOW);
            total += asked.len();
            for (id, lookup) in asked {
                procedure.observe(observation(id, &lookup, named("x.example")));
            }
        }
        assert_eq!(total, MOST);
        let mut slow = ReverseNames::new(&resolvers(1), START);
        slow.add(address("192.0.2.17"), START);
        assert_eq!(questions(&mut slow, START).len(), 1);
        assert_eq!(slow.poll(START + PATIENCE), Step::Done);
    }

    #[test]
    fn without_a_resolver_nothing_is_asked() {
        let mut procedure = ReverseNames::new(&[], START);
        procedure.add(address("192.0.2.17"), START);
        assert_eq!(procedure.poll(START), Step::Done);
    }
}
