//! Rows of tries: the same probe to each of several places, once or again and again.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{Procedure, Step};
use crate::{
    Time,
    model::{Observation, Probe, ProbeId},
};

/// What is tried, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct TriesPlan {
    /// One probe for each row.
    pub rows: Vec<Probe>,
    /// How often each of them is carried out.
    pub repeat: u32,
    /// From one round to the next.
    pub every: Duration,
    /// So many probes may be under way at a time.
    pub at_once: usize,
}

impl TriesPlan {
    /// The row that a probe is a try of, and the number of that try, from 1 on.
    pub fn place(&self, id: ProbeId) -> (usize, u32) {
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX).max(1);
        ((id.0 % rows) as usize, id.0 / rows + 1)
    }

    /// The probe that is the try after `done` tries of a row.
    fn id(&self, row: usize, done: u32) -> ProbeId {
        let (row, rows) = (u32::try_from(row).unwrap_or(0), u32::try_from(self.rows.len()).unwrap_or(0));
        ProbeId(done.wrapping_mul(rows).wrapping_add(row))
    }
}

/// Carries out rounds of tries. In each round every row is tried once, all at the same time as far as
/// `at_once` allows; a round begins on time even where tries of the one before are still under way, but no row is
/// tried twice at a time.
#[derive(Debug)]
pub struct Tries {
    plan: TriesPlan,
    started: Time,
    /// Rounds begun.
    rounds: u32,
    due: VecDeque<usize>,
    /// Rows under way, by probe.
    under_way: BTreeMap<ProbeId, usize>,
    /// How often each row was tried.
    tried: Vec<u32>,
}

impl Tries {
    /// Begins at `started`.
    pub fn new(plan: TriesPlan, started: Time) -> Self {
        let tried = vec![0; plan.rows.len()];
        Self { plan, started, rounds: 0, due: VecDeque::new(), under_way: BTreeMap::new(), tried }
    }

    fn next_round(&self) -> Time {
        self.started + self.plan.every.saturating_mul(self.rounds)
    }

    fn is_busy(&self, row: usize) -> bool {
        self.under_way.values().any(|busy| *busy == row)
    }
}

impl Procedure for Tries {
    fn poll(&mut self, now: Time) -> Step {
        while self.rounds < self.plan.repeat && self.next_round() <= now {
            self.rounds += 1;
            self.due.extend(0..self.plan.rows.len());
        }
        if self.under_way.len() < self.plan.at_once.max(1)
            && let Some(at) = (0..self.due.len()).find(|&at| !self.is_busy(self.due[at]))
            && let Some(row) = self.due.remove(at)
        {
            let id = self.plan.id(row, self.tried[row]);
            self.tried[row] += 1;
            self.under_way.insert(id, row);
            return Step::Run(id, self.plan.rows[row].clone());
        }
        let over = self.rounds == self.plan.repeat && self.due.is_empty() && self.under_way.is_empty();
        if over || self.plan.rows.is_empty() {
            return Step::Done;
        }
        if self.rounds < self.plan.repeat {
            return Step::Wait(self.next_round());
        }
        // Only observations can be next.
        Step::Wait(now + Duration::from_secs(60))
    }

    fn observe(&mut self, observation: Observation) {
        self.under_way.remove(&observation.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Connect, Endpoint, Outcome, Silence, Then};

    fn probe(last: u8) -> Probe {
        Probe::Connect(Connect {
            endpoint: Endpoint { address: [192, 0, 2, last].into(), port: 443 },
            source_port: 0,
            ttl: None,
            min_ttl: None,
            timeout: Duration::from_secs(3),
            then: Then::Reset,
            crowd: 1,
        })
    }

    fn at(ms: u64) -> Time {
        Time::from_micros(1000 * ms)
    }

    fn tries(rows: u8, repeat: u32, at_once: usize) -> Tries {
        let rows = (1..=rows).map(probe).collect();
        let plan = TriesPlan { rows, repeat, every: Duration::from_secs(1), at_once };
        Tries::new(plan, at(0))
    }

    fn observe(tries: &mut Tries, id: ProbeId, now: Time) {
        let outcome = Outcome::Silent(Silence::default());
        tries.observe(Observation { id, probe: probe(1), outcome, sent: now, done: now });
    }

    /// The rows and numbers of the tries that are begun now.
    fn begun(tries: &mut Tries, now: Time) -> (Vec<(usize, u32)>, Step) {
        let mut begun = Vec::new();
        loop {
            match tries.poll(now) {
                Step::Run(id, _) => begun.push(tries.plan.place(id)),
                step => return (begun, step),
            }
        }
    }

    #[test]
    fn every_row_is_tried_once_a_round_and_rounds_are_on_time() {
        let mut tries = tries(2, 2, 10);
        assert_eq!(begun(&mut tries, at(0)), (vec![(0, 1), (1, 1)], Step::Wait(at(1000))));
        observe(&mut tries, ProbeId(0), at(5));
        observe(&mut tries, ProbeId(1), at(7));
        assert_eq!(begun(&mut tries, at(999)), (vec![], Step::Wait(at(1000))));
        let (second, step) = begun(&mut tries, at(1003));
        assert_eq!(second, [(0, 2), (1, 2)]);
        assert!(matches!(step, Step::Wait(_)));
        observe(&mut tries, ProbeId(2), at(1005));
        observe(&mut tries, ProbeId(3), at(1005));
        assert_eq!(tries.poll(at(1006)), Step::Done);
    }

    #[test]
    fn a_row_under_way_is_not_tried_again_before_its_end() {
        let mut tries = tries(2, 3, 10);
        begun(&mut tries, at(0));
        observe(&mut tries, ProbeId(1), at(10));
        assert_eq!(begun(&mut tries, at(1000)).0, [(1, 2)]);
        observe(&mut tries, ProbeId(0), at(1500));
        assert_eq!(begun(&mut tries, at(1500)).0, [(0, 2)]);
    }

    #[test]
    fn no_more_than_allowed_are_under_way() {
        let mut tries = tries(5, 1, 2);
        assert_eq!(begun(&mut tries, at(0)).0.len(), 2);
        observe(&mut tries, ProbeId(0), at(1));
        assert_eq!(begun(&mut tries, at(1)).0, [(2, 1)]);
    }

    #[test]
    fn nothing_to_try_is_done_at_once() {
        assert_eq!(tries(0, 5, 1).poll(at(0)), Step::Done);
    }
}
