//! Whether resolvers give the same pool: judged in rounds, said only once several rounds in a row say so.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::{
    Time,
    pool::{self, Grasp},
    stats,
};

/// Answers that hold the same addresses and nothing else before a pool is called known.
const WHOLE_AFTER: u32 = 5;
/// The probability with which the stopping rule may miss one more equally used address.
const ALPHA: f64 = 0.001;
/// Addresses of one pool that are kept.
const MOST: usize = 1_024;
/// A round that is not over by then is judged as far as it came.
const LONGEST_ROUND: Duration = Duration::from_secs(3_600);
/// Rounds in a row that have to say the same before it is believed.
const ROUNDS: u32 = 3;

/// What one resolver answered to one question in a round.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    draws: u32,
    given: u32,
    addresses: BTreeSet<IpAddr>,
}

impl Window {
    /// Files an answer that has addresses and is no copy of the one before.
    pub(super) fn file(&mut self, addresses: &BTreeSet<IpAddr>) {
        self.draws = self.draws.saturating_add(1);
        self.given = self.given.saturating_add(u32::try_from(addresses.len()).unwrap_or(u32::MAX));
        let room = MOST.saturating_sub(self.addresses.len());
        self.addresses.extend(addresses.iter().take(room));
    }

    /// Whether each of several answers held all that any of them did.
    pub(super) fn gives_all(&self) -> bool {
        self.draws >= 3 && self.per_answer() >= self.addresses.len() as f64
    }

    fn per_answer(&self) -> f64 {
        f64::from(self.given) / f64::from(self.draws.max(1))
    }

    fn grasp(&self) -> Grasp {
        let seen = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX);
        if self.per_answer() >= f64::from(seen) {
            if self.draws >= WHOLE_AFTER { Grasp::Whole } else { Grasp::Partial }
        } else if self.draws >= stats::answers_needed(seen, self.per_answer(), ALPHA) {
            Grasp::Sampled
        } else {
            Grasp::Partial
        }
    }
}

/// What is thought of the resolvers of one target.
#[derive(Debug)]
pub(super) struct Agreement {
    began: Time,
    /// What was said last.
    said: BTreeSet<SocketAddr>,
    /// What the last rounds said, and how many of them.
    lately: (BTreeSet<SocketAddr>, u32),
}

impl Agreement {
    pub(super) fn new(now: Time) -> Self {
        Self { began: now, said: BTreeSet::new(), lately: (BTreeSet::new(), 0) }
    }

    /// Judges a round if it is over, and begins the next. Those whose pools differ from the others', if that is
    /// something new.
    pub(super) fn judge(
        &mut self,
        mut lines: Vec<(SocketAddr, &mut Window)>,
        now: Time,
    ) -> Option<BTreeSet<SocketAddr>> {
        let mut pools: BTreeMap<SocketAddr, (BTreeSet<IpAddr>, Grasp)> = BTreeMap::new();
        for (resolver, window) in lines.iter().filter(|(_, window)| !window.addresses.is_empty()) {
            let entry = pools.entry(*resolver).or_insert_with(|| (BTreeSet::new(), Grasp::Whole));
            entry.0.extend(window.addresses.iter().copied());
            entry.1 = worse(entry.1, window.grasp());
        }
        let partial = pools.values().any(|(_, grasp)| *grasp == Grasp::Partial);
        if pools.is_empty() || (partial && now.since(self.began) < LONGEST_ROUND) {
            return None;
        }
        for (_, window) in &mut lines {
            **window = Window::default();
        }
        self.began = now;
        let odd = odd(&pools);
        let rounds = if self.lately.0 == odd { self.lately.1 + 1 } else { 1 };
        self.lately = (odd, rounds);
        if rounds < ROUNDS || self.lately.0 == self.said {
            return None;
        }
        self.said.clone_from(&self.lately.0);
        Some(self.said.clone())
    }
}

fn worse(one: Grasp, other: Grasp) -> Grasp {
    match (one, other) {
        (Grasp::Partial, _) | (_, Grasp::Partial) => Grasp::Partial,
        (Grasp::Sampled, _) | (_, Grasp::Sampled) => Grasp::Sampled,
        _ => Grasp::Whole,
    }
}

/// Those that agree with fewer of the others than most do. Of two that differ nobody can say which is the odd one.
fn odd(pools: &BTreeMap<SocketAddr, (BTreeSet<IpAddr>, Grasp)>) -> BTreeSet<SocketAddr> {
    let all = || pools.iter().map(|(&who, (addresses, grasp))| (who, addresses, *grasp));
    if pool::lacking(all()).is_empty() {
        return BTreeSet::new();
    }
    let friends: BTreeMap<SocketAddr, usize> = all()
        .map(|one| {
            let agrees = |other: &(SocketAddr, &BTreeSet<IpAddr>, Grasp)| {
                pool::lacking([one, *other].into_iter()).is_empty()
            };
            (one.0, all().filter(agrees).count())
        })
        .collect();
    let most = friends.values().copied().max().unwrap_or(0);
    let alone = friends.values().all(|&count| count == most);
    friends.into_iter().filter(|&(_, count)| alone || count < most).map(|(who, _)| who).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::split_mix;

    fn resolver(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 53))
    }

    fn pool(from: u8, to: u8) -> BTreeSet<IpAddr> {
        (from..=to).map(|last| IpAddr::from([203, 0, 113, last])).collect()
    }

    /// What is said in the course of so many answers of each resolver.
    fn said(answers: u32, mut answer: impl FnMut(u8) -> BTreeSet<IpAddr>) -> Vec<BTreeSet<SocketAddr>> {
        let mut agreement = Agreement::new(Time::default());
        let mut windows = [1, 2, 3].map(|number| (number, Window::default()));
        let mut now = Time::default();
        let mut said = Vec::new();
        for _ in 0..answers {
            now = now + Duration::from_secs(30);
            for number in 0..windows.len() {
                let (who, window) = &mut windows[number];
                window.file(&answer(*who));
                let lines = windows.iter_mut().map(|(who, window)| (resolver(*who), window)).collect();
                said.extend(agreement.judge(lines, now));
            }
        }
        said
    }

    #[test]
    fn one_of_three_with_another_pool_is_the_odd_one() {
        let answer = |who| if who == 3 { pool(1, 3) } else { pool(1, 4) };
        assert_eq!(said(100, answer), [BTreeSet::from([resolver(3)])]);
    }

    #[test]
    fn three_that_agree_are_nothing_to_tell() {
        assert_eq!(said(1_000, |_| pool(1, 8)), Vec::<BTreeSet<SocketAddr>>::new());
    }

    #[test]
    fn samples_of_one_pool_are_no_disagreement() {
        let mut dice = 7;
        let sample = |_| {
            let mut some = BTreeSet::new();
            while some.len() < 4 {
                dice = split_mix(dice);
                some.insert(IpAddr::from([203, 0, 113, (dice % 16) as u8]));
            }
            some
        };
        assert_eq!(said(2_000, sample), Vec::<BTreeSet<SocketAddr>>::new());
    }

    #[test]
    fn one_of_two_addresses_at_a_time_is_no_disagreement() {
        let mut dice = 3;
        let sample = |_| {
            dice = split_mix(dice);
            let one = (dice % 2) as u8;
            pool(one, one)
        };
        assert_eq!(said(2_000, sample), Vec::<BTreeSet<SocketAddr>>::new());
    }
}
