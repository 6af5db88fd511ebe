//! Which resolver gives which addresses, over time: what is written down of it, and what is drawn of what was written.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reach_core::{
    Time,
    watch::{TargetId, TargetStatus},
};
use reach_report::chart::PoolSpan;
use reach_store::Note;

/// A pool is written down no more often than this…
const LEAST: Duration = Duration::from_secs(60);
/// …and one that keeps changing no more often than that: each answer of a large pool is another sample of it.
const MOST: Duration = Duration::from_secs(600);
/// So many addresses of one pool are written down.
const ADDRESSES: usize = 512;

/// What was written down last.
#[derive(Clone, Debug, Default)]
pub struct PoolLog {
    written: BTreeMap<(TargetId, SocketAddr), Written>,
}

#[derive(Clone, Debug)]
struct Written {
    at: Time,
    addresses: BTreeSet<IpAddr>,
    /// How long to wait before it is written again.
    wait: Duration,
}

impl PoolLog {
    /// What has changed of these targets, and is to be written down.
    pub fn changes(&mut self, targets: &[TargetStatus], now: Time) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut asked = BTreeSet::new();
        for target in targets {
            for (resolver, status) in &target.resolvers {
                let key = (target.id, *resolver);
                asked.insert(key);
                let written = self.written.get(&key);
                let shown = || status.addresses.iter().take(ADDRESSES);
                let same = match written {
                    Some(written) => written.addresses.iter().eq(shown()),
                    None => status.addresses.is_empty(),
                };
                if same || written.is_some_and(|written| now.since(written.at) < written.wait) {
                    continue;
                }
                // Whatever has been calm for an hour may change at once.
                let wait = match written {
                    Some(written) if now.since(written.at) < MOST * 6 => (written.wait * 2).min(MOST),
                    _ => LEAST,
                };
                let addresses: BTreeSet<IpAddr> = shown().copied().collect();
                self.written.insert(key, Written { at: now, addresses: addresses.clone(), wait });
                notes.push(Note::Pool { target: target.id, at: now, resolver: *resolver, addresses });
            }
        }
        if !targets.is_empty() {
            for ((target, resolver), _) in self.written.extract_if(.., |key, _| !asked.contains(key)) {
                notes.push(Note::Pool { target, at: now, resolver, addresses: BTreeSet::new() });
            }
        }
        notes
    }
}

/// Which resolver gave which address when, as far as it was written down.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pools {
    /// The resolvers, in the order that the spans count them in.
    pub resolvers: Vec<SocketAddr>,
    /// When each gave which addresses.
    pub spans: BTreeMap<IpAddr, Vec<PoolSpan>>,
    /// When this was written down first.
    pub since: Option<Time>,
}

impl Pools {
    /// Of notes in the order of their times; those of other kinds are passed over. `resolvers` come first, asked lately or
    /// not.
    pub fn of<'a>(
        notes: impl IntoIterator<Item = &'a Note>,
        resolvers: impl IntoIterator<Item = SocketAddr>,
    ) -> Self {
        let mut pools = Self { resolvers: resolvers.into_iter().collect(), ..Self::default() };
        let mut open: BTreeMap<(usize, IpAddr), Time> = BTreeMap::new();
        for note in notes {
            let Note::Pool { at, resolver, addresses, .. } = note else { continue };
            pools.since.get_or_insert(*at);
            let number = pools.number(*resolver);
            let ended: Vec<IpAddr> = open
                .range((number, IpAddr::from([0, 0, 0, 0]))..)
                .take_while(|((other, _), _)| *other == number)
                .map(|((_, address), _)| *address)
                .filter(|address| !addresses.contains(address))
                .collect();
            for address in ended {
                if let Some(from) = open.remove(&(number, address)) {
                    pools.push(address, number, from, Some(*at));
                }
            }
            for address in addresses {
                open.entry((number, *address)).or_insert(*at);
            }
        }
        for ((number, address), from) in open {
            pools.push(address, number, from, None);
        }
        pools
    }

    /// When an address was given: by whom, as far as that was written down; before, by whomever. `others` are spans of
    /// unknown resolvers.
    pub fn of_address(&self, address: IpAddr, others: Vec<PoolSpan>) -> Vec<PoolSpan> {
        let named = self.spans.get(&address);
        let Some((named, since)) = named.zip(self.since) else { return others };
        let before = others.into_iter().filter(|span| span.from < since).map(|span| {
            let until = span.until.map_or(since, |until| until.min(since));
            PoolSpan { until: Some(until), ..span }
        });
        before.chain(named.iter().copied()).collect()
    }

    fn number(&mut self, resolver: SocketAddr) -> usize {
        let known = self.resolvers.iter().position(|known| *known == resolver);
        known.unwrap_or_else(|| {
            self.resolvers.push(resolver);
            self.resolvers.len() - 1
        })
    }

    fn push(&mut self, address: IpAddr, resolver: usize, from: Time, until: Option<Time>) {
        self.spans.entry(address).or_default().push(PoolSpan { resolver: Some(resolver), from, until });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reach_core::watch::ResolverStatus;

    use super::*;

    fn at(second: u64) -> Time {
        Time::from_micros(1_795_442_400_000_000 + second * 1_000_000)
    }

    fn address(last: u8) -> IpAddr {
        [203, 0, 113, last].into()
    }

    fn resolver(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 53).into()
    }

    fn target(pools: &[(u8, &[u8])]) -> TargetStatus {
        let status = |last: &[u8]| ResolverStatus {
            addresses: last.iter().map(|last| address(*last)).collect(),
            ..ResolverStatus::default()
        };
        TargetStatus {
            id: TargetId(1),
            resolvers: pools.iter().map(|(number, last)| (resolver(*number), status(last))).collect(),
            ..TargetStatus::default()
        }
    }

    fn pool(second: u64, number: u8, last: &[u8]) -> Note {
        let addresses = last.iter().map(|last| address(*last)).collect();
        Note::Pool { target: TargetId(1), at: at(second), resolver: resolver(number), addresses }
    }

    #[test]
    fn only_changes_are_written_and_not_too_often() {
        let mut log = PoolLog::default();
        assert_eq!(log.changes(&[target(&[(1, &[]), (2, &[7])])], at(0)), [pool(0, 2, &[7])]);
        assert_eq!(log.changes(&[target(&[(1, &[]), (2, &[7])])], at(500)), []);
        assert_eq!(log.changes(&[target(&[(1, &[]), (2, &[8])])], at(501)), [pool(501, 2, &[8])]);
        assert_eq!(log.changes(&[target(&[(1, &[]), (2, &[9])])], at(600)), [], "twice as long as before");
        assert_eq!(log.changes(&[target(&[(1, &[]), (2, &[9])])], at(621)), [pool(621, 2, &[9])]);
        assert_eq!(log.changes(&[target(&[(1, &[])])], at(622)), [pool(622, 2, &[])], "not asked any more");
        assert_eq!(log.changes(&[target(&[(1, &[])])], at(623)), []);
    }

    #[test]
    fn a_pool_that_keeps_changing_is_written_every_ten_minutes() {
        let mut log = PoolLog::default();
        let mut written = 0;
        for second in 0..86_400 {
            let last = [(second % 200) as u8];
            written += log.changes(&[target(&[(1, &last)])], at(second)).len();
        }
        assert!((140..160).contains(&written), "{written}");
    }

    #[test]
    fn notes_become_spans() {
        let notes = [pool(0, 1, &[7, 8]), pool(10, 2, &[8]), pool(60, 1, &[8, 9]), pool(90, 2, &[])];
        let pools = Pools::of(&notes, []);
        assert_eq!(pools.resolvers, [resolver(1), resolver(2)]);
        let span = |resolver, from, until: Option<u64>| PoolSpan {
            resolver: Some(resolver),
            from: at(from),
            until: until.map(at),
        };
        assert_eq!(pools.spans[&address(7)], [span(0, 0, Some(60))]);
        assert_eq!(pools.spans[&address(8)], [span(1, 10, Some(90)), span(0, 0, None)]);
        assert_eq!(pools.spans[&address(9)], [span(0, 60, None)]);
        assert_eq!(pools.since, Some(at(0)));
    }

    #[test]
    fn what_was_before_anything_was_written_is_of_nobody() {
        let notes = [pool(100, 1, &[7])];
        let pools = Pools::of(&notes, [resolver(9)]);
        let before = PoolSpan { resolver: None, from: at(20), until: None };
        let spans = pools.of_address(address(7), vec![before]);
        assert_eq!(spans.len(), 2);
        assert_eq!((spans[0].resolver, spans[0].until), (None, Some(at(100))));
        assert_eq!((spans[1].resolver, spans[1].from), (Some(1), at(100)));
        assert_eq!(pools.of_address(address(8), vec![before]), [before], "nobody wrote it down");
    }

    proptest! {
        #[test]
        fn spans_say_what_the_notes_said(
            answers in prop::collection::vec((1_u8..4, prop::collection::btree_set(0_u8..6, 0..5)), 0..30),
        ) {
            let notes: Vec<Note> = answers
                .iter()
                .enumerate()
                .map(|(second, (number, last))| {
                    pool(second as u64 * 10, *number, &last.iter().copied().collect::<Vec<u8>>())
                })
                .collect();
            let pools = Pools::of(&notes, []);
            for moment in 0..answers.len() as u64 {
                let now = at(moment * 10 + 5);
                for number in 1..4 {
                    let said = notes[..=moment as usize].iter().rev().find_map(|note| match note {
                        Note::Pool { resolver: of, addresses, .. } if *of == resolver(number) => Some(addresses.clone()),
                        _ => None,
                    });
                    let place = pools.resolvers.iter().position(|of| *of == resolver(number));
                    let drawn: BTreeSet<IpAddr> = pools
                        .spans
                        .iter()
                        .filter(|(_, spans)| {
                            spans.iter().any(|span| {
                                place.is_some() && span.resolver == place
                                    && span.from <= now && span.until.is_none_or(|until| until > now)
                            })
                        })
                        .map(|(address, _)| *address)
                        .collect();
                    prop_assert_eq!(drawn, said.unwrap_or_default());
                }
            }
        }
    }
}
