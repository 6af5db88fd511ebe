//! How sure one may be that all is well: tries counted address by address, and what they carry.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use super::{
    AddressAssurance, AddressState, Assurance, Event, Lack, Layer, Reading, Sample, TargetId, Transition,
    Watched, Why,
};
use crate::{
    Time,
    stats::{share_bound, tries_needed},
};

/// The share of failures of each address that an all-clear excludes.
pub const WANTED: f64 = 0.01;
/// With what confidence.
pub const CONFIDENCE: f64 = 0.95;
/// So many questions to each resolver later, a new address is news and not part of the first look.
const FIRST_LOOK: u32 = 10;

/// Counts the tries of one target's addresses from a moment on.
#[derive(Clone, Debug)]
pub struct Ledger {
    target: TargetId,
    from: Time,
    lasting: Duration,
    every: Duration,
    first_look: Time,
    addresses: BTreeMap<IpAddr, Entry>,
    resolves: bool,
    was_unresolved: bool,
    unwatched: Duration,
    offline: Option<Time>,
}

/// How far a watch is towards the statement that it ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Tries so far, repetitions after a failure left out.
    pub tries: u64,
    /// How many they will be by then: at the present pace, or what an all-clear needs where that is more.
    pub expected: u64,
    /// Tries that failed, repetitions included.
    pub failures: u64,
    /// Addresses that the statement has to cover.
    pub addresses: u64,
}

impl std::ops::AddAssign for Progress {
    fn add_assign(&mut self, other: Self) {
        self.tries += other.tries;
        self.expected += other.expected;
        self.failures += other.failures;
        self.addresses += other.addresses;
    }
}

/// What is known of one address.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    tries: u32,
    failures: u32,
    /// The first try, and the last.
    first: Option<Time>,
    last: Option<Time>,
    /// This host could not even ask.
    unable: bool,
    state: AddressState,
    new: bool,
    gone: bool,
    /// It is not tried any more.
    dismissed: bool,
}

impl Entry {
    /// Whether a statement on the name has to cover it. One that this host has no route for does not count, as it
    /// does not in any other judgement; nor does one that nobody is given and nobody tries any more.
    fn counts(&self) -> bool {
        let without_route = self.tries == 0 && self.unable && self.state == AddressState::Unknown;
        !self.dismissed && !without_route
    }
}

impl Ledger {
    /// An empty one for this target, from then on. It is to last for the target's `clear_after`.
    pub fn new(watched: &Watched, from: Time) -> Self {
        Self {
            target: watched.id,
            from,
            lasting: watched.rules.clear_after,
            every: watched.pace.every,
            first_look: from + watched.pace.resolve_every * FIRST_LOOK,
            addresses: BTreeMap::new(),
            resolves: true,
            was_unresolved: false,
            unwatched: Duration::ZERO,
            offline: None,
        }
    }

    /// The same, to last for so long: less watched time than that is a lack once some of it was not watched.
    pub fn lasting(mut self, span: Duration) -> Self {
        self.lasting = span;
        self
    }

    /// What it counts the tries of.
    pub const fn target(&self) -> TargetId {
        self.target
    }

    /// Says that the name is known to have this address: without tries of it there is no all-clear, and whatever
    /// appears from now on is new.
    pub fn expect(&mut self, address: IpAddr, state: AddressState, gone: bool) {
        self.first_look = self.from;
        let entry = self.addresses.entry(address).or_default();
        (entry.state, entry.gone) = (state, gone);
    }

    /// Takes what a patrol learned. Events of other targets, and from before the beginning, change nothing.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Sample(sample) => self.sample(sample),
            Event::Moved(transition) if transition.series.target == self.target => self.moved(transition),
            Event::Resolution(change) if change.target == self.target && self.offline.is_none() => {
                self.resolves = change.error.is_none();
                self.was_unresolved |= !self.resolves;
            }
            Event::Gap { from, until } if self.offline.is_none() => {
                self.unwatched += until.since((*from).max(self.from));
            }
            Event::Vantage(change) if change.online => {
                if let Some(since) = self.offline.take() {
                    self.unwatched += change.at.since(since);
                }
            }
            Event::Vantage(change) => {
                self.offline.get_or_insert(change.at.max(self.from));
            }
            _ => {}
        }
    }

    /// What the tries so far carry.
    pub fn statement(&self, now: Time) -> Assurance {
        let needed = tries_needed(WANTED, CONFIDENCE);
        let counted = || self.addresses.iter().filter(|(_, entry)| entry.counts());
        let mut lacking = Vec::new();
        let nothing = counted().all(|(_, entry)| entry.tries == 0);
        if nothing {
            lacking.push(Lack::Nothing);
        }
        for (&address, entry) in counted() {
            if entry.failures > 0 {
                lacking.push(Lack::Failed { address, failures: entry.failures });
            } else if entry.tries < needed && !nothing {
                lacking.push(Lack::TooFew { address, tries: entry.tries, needed });
            }
            if matches!(entry.state, AddressState::Suspect | AddressState::Down | AddressState::Recovering) {
                lacking.push(Lack::NotWell { address, state: entry.state });
            }
        }
        if self.was_unresolved {
            lacking.push(Lack::Unresolved);
        }
        let unwatched = self.unwatched(now);
        if !unwatched.is_zero() && self.watched(now) < self.lasting {
            lacking.push(Lack::Gap { seconds: unwatched.as_secs().max(1) });
        }
        let addresses = counted()
            .map(|(&address, entry)| {
                let bound = share_bound(entry.failures, entry.tries, CONFIDENCE);
                let Entry { tries, failures, new, gone, .. } = *entry;
                (address, AddressAssurance { tries, failures, bound, new, gone })
            })
            .collect();
        Assurance { from: self.from, until: now, addresses, wanted: WANTED, confidence: CONFIDENCE, lacking }
    }

    /// How far the tries are, of those that there will be by `end`.
    pub fn progress(&self, now: Time, end: Time) -> Progress {
        let needed = u64::from(tries_needed(WANTED, CONFIDENCE));
        let every = self.every.as_micros().max(1);
        let to_come = u64::try_from(end.since(now).as_micros() / every).unwrap_or(u64::MAX);
        let mut all = Progress::default();
        for entry in self.addresses.values().filter(|entry| entry.counts()) {
            let tries = u64::from(entry.tries);
            all += Progress {
                tries,
                expected: tries.saturating_add(to_come).max(needed),
                failures: u64::from(entry.failures),
                addresses: 1,
            };
        }
        all
    }

    /// How much longer it would take at the present pace until the tries carry the statement; `None` where they do,
    /// or where more of them do not mend what is lacking.
    pub fn extend_by(&self, now: Time) -> Option<Duration> {
        let statement = self.statement(now);
        let mut longest = Duration::ZERO;
        for lack in &statement.lacking {
            let wait = match lack {
                Lack::TooFew { address, tries, needed } => {
                    let first = self.addresses.get(address).and_then(|entry| entry.first);
                    // The first and the last try stand at the ends of what passed, and gaps in it stretch the pace.
                    let pace = match first {
                        Some(first) if *tries > 1 => {
                            (now.since(first) / *tries).max(Duration::from_micros(1))
                        }
                        _ => self.every,
                    };
                    pace * (needed - tries)
                }
                Lack::Gap { .. } => self.lasting.saturating_sub(self.watched(now)),
                Lack::Nothing => self.every * tries_needed(WANTED, CONFIDENCE),
                Lack::Failed { .. } | Lack::NotWell { .. } | Lack::Unresolved => return None,
            };
            longest = longest.max(wait);
        }
        (!statement.lacking.is_empty()).then_some(longest)
    }

    fn sample(&mut self, sample: &Sample) {
        if sample.series.target != self.target
            || sample.layer == Layer::Echo
            || sample.at < self.from
            || self.offline.is_some()
        {
            return;
        }
        let entry = self.addresses.entry(sample.series.address).or_default();
        let failed = match sample.reading {
            Reading::Unable => {
                entry.unable = true;
                return;
            }
            // A repetition adds nothing to the tries, but bad news counts whenever it comes.
            Reading::Answered(_) if sample.again => return,
            Reading::Answered(_) => false,
            Reading::Failed(_) => true,
        };
        // Each layer that a try comes to makes a sample: it is one try.
        if entry.last != Some(sample.at) {
            entry.tries = entry.tries.saturating_add(1);
        }
        entry.failures = entry.failures.saturating_add(u32::from(failed));
        entry.first.get_or_insert(sample.at);
        entry.last = Some(sample.at);
    }

    fn moved(&mut self, transition: &Transition) {
        let late = transition.at >= self.first_look;
        let entry = self.addresses.entry(transition.series.address).or_default();
        match transition.why {
            Why::Forgotten | Why::Dropped => (entry.gone, entry.dismissed) = (true, true),
            Why::LeftDns => entry.gone = true,
            Why::Appeared => (entry.new, entry.gone, entry.dismissed) = (late, false, false),
            Why::Returned => (entry.gone, entry.dismissed) = (false, false),
            Why::Answered | Why::Failed(_) | Why::BlockedFromBirth(_) => {}
        }
        // Who is gone keeps the health that he had.
        if transition.to != AddressState::Gone {
            entry.state = transition.to;
        }
    }

    fn unwatched(&self, now: Time) -> Duration {
        self.unwatched + self.offline.map_or(Duration::ZERO, |since| now.since(since))
    }

    fn watched(&self, now: Time) -> Duration {
        now.since(self.from).saturating_sub(self.unwatched(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{
        Cadence, Reason, ResolutionChange, Rules, Series, VantageChange, incidents::tests::watched,
    };

    const START: Time = Time::from_micros(1_000_000_000_000);

    fn at(seconds: u64) -> Time {
        START + Duration::from_secs(seconds)
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn sample(last: u8, seconds: u64, reading: Reading) -> Event {
        let series = Series { target: TargetId(1), address: address(last) };
        Event::Sample(Sample { series, layer: Layer::Connect, at: at(seconds), reading, again: false })
    }

    fn well() -> Reading {
        Reading::Answered(Duration::from_millis(9))
    }

    fn moved(last: u8, seconds: u64, to: AddressState, why: Why) -> Event {
        let series = Series { target: TargetId(1), address: address(last) };
        Event::Moved(Transition { series, at: at(seconds), from: AddressState::Unknown, to, why })
    }

    fn ledger() -> Ledger {
        Ledger::new(&watched(1, Cadence::default(), Rules::default()), START)
    }

    fn tried(ledger: &mut Ledger, last: u8, seconds: std::ops::Range<u64>) {
        for second in seconds.step_by(10) {
            ledger.take(&sample(last, second, well()));
        }
    }

    #[test]
    fn an_hour_at_ten_seconds_carries_the_all_clear_and_fifty_minutes_nearly_do() {
        let mut ledger = ledger();
        tried(&mut ledger, 1, 0..2_980);
        let early = ledger.statement(at(2_980));
        assert_eq!(early.lacking, [Lack::TooFew { address: address(1), tries: 298, needed: 299 }]);
        assert_eq!(ledger.extend_by(at(2_980)).map(|span| span.as_secs()), Some(10));
        tried(&mut ledger, 1, 2_980..3_600);
        let statement = ledger.statement(at(3_600));
        assert!(statement.lacking.is_empty(), "{statement:?}");
        let found = statement.addresses[&address(1)];
        assert_eq!((found.tries, found.failures, found.new, found.gone), (360, 0, false, false));
        assert!((found.bound - 0.0083).abs() < 0.0001);
        assert_eq!(ledger.extend_by(at(3_600)), None);
    }

    #[test]
    fn what_is_done_is_told_of_what_is_to_be_done() {
        let mut ledger = ledger();
        assert_eq!(ledger.progress(at(0), at(3_600)), Progress::default());
        tried(&mut ledger, 1, 0..600);
        tried(&mut ledger, 2, 0..600);
        ledger.take(&sample(2, 605, Reading::Failed(Reason::Timeout)));
        ledger.take(&sample(9, 0, Reading::Unable));
        let told = ledger.progress(at(610), at(3_610));
        assert_eq!(told, Progress { tries: 121, expected: 721, failures: 1, addresses: 2 });
        // A short watch lasts until there are enough of them.
        let told = ledger.progress(at(610), at(650));
        assert_eq!((told.tries, told.expected), (121, 598));
    }

    #[test]
    fn one_failure_is_no_all_clear_however_many_tries_there_are() {
        let mut ledger = ledger();
        tried(&mut ledger, 1, 0..36_000);
        ledger.take(&sample(1, 36_000, Reading::Failed(Reason::Timeout)));
        let lacking = ledger.statement(at(36_001)).lacking;
        assert_eq!(lacking, [Lack::Failed { address: address(1), failures: 1 }]);
        assert_eq!(ledger.extend_by(at(36_001)), None);
    }

    #[test]
    fn an_address_that_came_in_between_has_to_be_covered_too() {
        let mut ledger = ledger();
        tried(&mut ledger, 1, 0..3_600);
        ledger.take(&moved(2, 3_000, AddressState::Unknown, Why::Appeared));
        tried(&mut ledger, 2, 3_000..3_600);
        let statement = ledger.statement(at(3_600));
        assert_eq!(statement.lacking, [Lack::TooFew { address: address(2), tries: 60, needed: 299 }]);
        assert!(statement.addresses[&address(2)].new);
        assert_eq!(ledger.extend_by(at(3_600)).map(|span| span.as_secs()), Some(2_390));
    }

    #[test]
    fn an_address_that_is_known_and_was_never_tried_is_not_clear() {
        let mut ledger = ledger();
        ledger.expect(address(3), AddressState::Ok, true);
        tried(&mut ledger, 1, 0..3_600);
        let lacking = ledger.statement(at(3_600)).lacking;
        assert_eq!(lacking, [Lack::TooFew { address: address(3), tries: 0, needed: 299 }]);
        ledger.take(&moved(3, 3_600, AddressState::Gone, Why::Forgotten));
        assert!(ledger.statement(at(3_600)).lacking.is_empty());
    }

    #[test]
    fn an_address_without_a_route_does_not_count_and_nothing_at_all_is_not_clear() {
        let mut ledger = ledger();
        assert_eq!(ledger.statement(at(1)).lacking, [Lack::Nothing]);
        ledger.take(&sample(9, 0, Reading::Unable));
        assert_eq!(ledger.statement(at(1)).lacking, [Lack::Nothing]);
        tried(&mut ledger, 1, 0..3_600);
        let statement = ledger.statement(at(3_600));
        assert!(statement.lacking.is_empty() && statement.addresses.len() == 1);
    }

    #[test]
    fn a_sleep_is_no_calm_time() {
        let mut ledger = ledger();
        tried(&mut ledger, 1, 0..3_000);
        ledger.take(&Event::Gap { from: at(3_000), until: at(3_600) });
        let lacking = ledger.statement(at(3_600)).lacking;
        assert_eq!(lacking, [Lack::Gap { seconds: 600 }]);
        assert_eq!(ledger.extend_by(at(3_600)).map(|span| span.as_secs()), Some(600));
        tried(&mut ledger, 1, 3_600..4_200);
        assert!(ledger.statement(at(4_200)).lacking.is_empty());
    }

    #[test]
    fn what_is_tried_while_this_host_is_cut_off_says_nothing() {
        let mut ledger = ledger();
        let vantage = |seconds, online| {
            Event::Vantage(VantageChange { at: at(seconds), online, silent: Vec::new(), near: Vec::new() })
        };
        tried(&mut ledger, 1, 0..3_000);
        ledger.take(&vantage(3_000, false));
        ledger.take(&sample(1, 3_100, Reading::Failed(Reason::Timeout)));
        ledger.take(&Event::Gap { from: at(3_100), until: at(3_200) });
        ledger.take(&vantage(3_300, true));
        tried(&mut ledger, 1, 3_300..3_600);
        assert_eq!(ledger.statement(at(3_600)).lacking, [Lack::Gap { seconds: 300 }]);
    }

    #[test]
    fn a_name_that_did_not_resolve_is_not_clear() {
        let mut ledger = ledger();
        tried(&mut ledger, 1, 0..3_600);
        for error in [Some(crate::model::ResolutionError::ServFail), None] {
            ledger.take(&Event::Resolution(ResolutionChange { target: TargetId(1), at: at(60), error }));
        }
        assert_eq!(ledger.statement(at(3_600)).lacking, [Lack::Unresolved]);
    }

    #[test]
    fn repetitions_add_no_tries_and_other_targets_do_not_matter() {
        let mut ledger = ledger();
        let Event::Sample(first) = sample(1, 1, well()) else { unreachable!("it is a sample") };
        ledger.take(&Event::Sample(Sample { again: true, ..first }));
        ledger.take(&Event::Sample(Sample { layer: Layer::Echo, ..first }));
        let series = Series { target: TargetId(2), address: address(1) };
        ledger.take(&Event::Sample(Sample { series, ..first }));
        assert_eq!(ledger.statement(at(2)).lacking, [Lack::Nothing]);
    }

    #[test]
    fn an_address_under_suspicion_is_not_well() {
        let mut ledger = ledger();
        tried(&mut ledger, 1, 0..3_600);
        ledger.take(&moved(1, 3_599, AddressState::Suspect, Why::Failed(Reason::Timeout)));
        let lacking = ledger.statement(at(3_600)).lacking;
        assert_eq!(lacking, [Lack::NotWell { address: address(1), state: AddressState::Suspect }]);
    }
}
