//! Transactions that went wrong: put together from what arrives before, after or never, and judged once.

mod verdict;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use reach_core::{Time, signal::Word};

use self::verdict::{Meanings, judge};
use super::digest::Digest;
use crate::{
    exception,
    scouter::{
        dictionary::{Dictionary, TextKind},
        wire::XLog,
    },
};

/// How many transactions wait for something at the same time.
const WAITING: usize = 5000;

/// How many transactions are remembered as done.
const DONE: usize = 50_000;

/// How many profiles are asked for of one service and error, in a stretch of [`CHOOSING`]: the newest say enough.
const PROFILES: usize = 4;

/// The stretch in which no more profiles of one kind are asked for.
const CHOOSING: Duration = Duration::from_secs(60);

/// How long texts are waited for before somebody is asked: agents send them just after they are needed.
const BEFORE_ASKING: Duration = Duration::from_secs(1);

/// How many methods before a statement are looked at for the one that opened its connection.
const METHODS: usize = 8;

/// How long something that only helps is waited for.
const HELP: Duration = Duration::from_secs(4);

/// Transactions on their way to be judged.
#[derive(Clone, Debug)]
pub(super) struct Transactions {
    asks: bool,
    /// What transactions did that have not ended yet: a profile comes before its transaction.
    heard: BTreeMap<i64, Heard>,
    waiting: BTreeMap<i64, Waiting>,
    done: BTreeSet<i64>,
    done_in_order: VecDeque<i64>,
    wanted: Vec<(i64, Time)>,
    chosen: BTreeMap<Kind, VecDeque<Time>>,
    tallies: BTreeMap<Kind, Tally>,
    ready: Vec<Settled>,
    unresolved: u64,
    meanings: Meanings,
}

/// Transactions of one object that failed alike: same service, same error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    object: i32,
    service: i32,
    error: i32,
}

#[derive(Clone, Debug)]
struct Heard {
    at: Time,
    object: i32,
    digest: Digest,
}

/// A transaction that waits for texts or for its profile.
#[derive(Clone, Debug)]
struct Waiting {
    /// When it ended, as far as is known.
    at: Time,
    since: Time,
    kind: Kind,
    /// The error rate counts it.
    counts: bool,
    asked_profile: bool,
    digest: Option<Digest>,
}

/// How many failed alike, and what is known of some of them.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    errors: u64,
    profiled: u64,
    late: u64,
}

/// What a transaction says.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) at: Time,
    pub(super) obj_hash: i32,
    pub(super) words: Vec<Word>,
}

impl Transactions {
    pub(super) fn new(asks: bool) -> Transactions {
        Transactions {
            asks,
            heard: BTreeMap::new(),
            waiting: BTreeMap::new(),
            done: BTreeSet::new(),
            done_in_order: VecDeque::new(),
            wanted: Vec::new(),
            chosen: BTreeMap::new(),
            tallies: BTreeMap::new(),
            ready: Vec::new(),
            unresolved: 0,
            meanings: Meanings::default(),
        }
    }

    /// Whether something is due soon.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.heard.is_empty()
    }

    /// A transaction ended.
    pub(super) fn ended(&mut self, now: Time, xlog: &XLog) {
        let head = &xlog.head;
        let digest = self.heard.remove(&head.txid).map(|heard| heard.digest);
        let has_errors = head.error != 0 || digest.as_ref().is_some_and(Digest::has_errors);
        if !has_errors {
            if let Some(digest) = digest {
                let words = verdict::attempts_of_good(&digest);
                if !words.is_empty() {
                    self.remember(head.txid);
                }
                self.say(Settled { at: now, obj_hash: head.obj_hash, words });
            }
            return;
        }
        if self.done.contains(&head.txid) || self.waiting.contains_key(&head.txid) {
            return;
        }
        let kind = Kind { object: head.obj_hash, service: head.service, error: head.error };
        let at = plausible(now, head.end_time);
        let asked_profile = self.asks && digest.is_none() && self.choose(now, kind);
        if asked_profile {
            self.wanted.push((head.txid, at));
        }
        let counts = matches!(xlog.x_type(), 0 | 1) && head.error != 0;
        self.wait(head.txid, Waiting { at, since: now, kind, counts, asked_profile, digest });
    }

    /// Nothing more will be said of a transaction.
    pub(super) fn dropped(&mut self, txid: i64) {
        self.heard.remove(&txid);
    }

    /// What a transaction did, or a part of it.
    pub(super) fn profile(&mut self, now: Time, txid: i64, object: i32, profile: &[u8]) {
        let digest = Digest::of(profile);
        if let Some(waiting) = self.waiting.get_mut(&txid) {
            waiting.digest.get_or_insert_default().add(digest);
        } else if !self.done.contains(&txid) {
            let heard = self.heard.entry(txid).or_insert_with(|| Heard {
                at: now,
                object,
                digest: Digest::default(),
            });
            heard.digest.add(digest);
            if self.heard.len() > WAITING {
                let oldest = self.heard.iter().min_by_key(|(_, heard)| heard.at).map(|(txid, _)| *txid);
                oldest.and_then(|txid| self.heard.remove(&txid));
            }
        }
    }

    /// What a transaction did, as it was asked for.
    pub(super) fn answered(&mut self, now: Time, txid: i64, profile: &[u8]) {
        if self.waiting.contains_key(&txid) {
            self.profile(now, txid, 0, profile);
        }
    }

    /// Transactions whose profiles are wanted.
    pub(super) fn wanted(&mut self) -> Vec<(i64, Time)> {
        std::mem::take(&mut self.wanted)
    }

    /// Whether a transaction waits, and what it did is not known.
    pub(super) fn lacks_profile(&self, txid: i64) -> bool {
        self.waiting.get(&txid).is_some_and(|waiting| waiting.digest.is_none())
    }

    /// The profile of a transaction is not answered; it is wanted as long as the transaction waits for it.
    pub(super) fn ask_again(&mut self, txid: i64) {
        if let Some(waiting) = self.waiting.get(&txid).filter(|_| self.lacks_profile(txid)) {
            self.wanted.push((txid, waiting.at));
        }
    }

    /// Hashes that hold something up for longer than it takes agents to explain them.
    pub(super) fn missing(&self, now: Time, dictionary: &Dictionary) -> BTreeSet<(TextKind, i32)> {
        let late =
            self.waiting.values().filter(|waiting| now.since(waiting.since) >= BEFORE_ASKING || self.asks);
        late.flat_map(|waiting| {
            waiting.missing(dictionary).into_iter().chain(self.helpful(waiting, dictionary))
        })
        .collect()
    }

    /// Hashes of methods that may say of which database the statements are, or to which no connection came about. Nobody
    /// has to ask who hears them all.
    fn helpful(&self, waiting: &Waiting, dictionary: &Dictionary) -> Vec<(TextKind, i32)> {
        let error = waiting.kind.error;
        let Some(digest) = waiting.digest.as_ref().filter(|_| self.asks && error != 0) else {
            return Vec::new();
        };
        let before = match digest.statements.iter().map(|ran| ran.index).max() {
            Some(index) => index,
            None if !digest.has_errors() => i32::MAX,
            None => return Vec::new(),
        };
        let methods = digest.methods_before(before).take(METHODS).map(|hash| (TextKind::Method, hash));
        let unknown: Vec<_> = methods.filter(|(kind, hash)| !dictionary.knows(*kind, *hash)).collect();
        let of_network =
            || dictionary.peek(TextKind::Error, error).is_some_and(|text| exception::short(text).is_some());
        if before == i32::MAX && !unknown.is_empty() && !of_network() { Vec::new() } else { unknown }
    }

    /// How many errors of an object were marked although whoever asked was served, since this was asked last. Where
    /// not all profiles of a kind are known, those that are stand for the others.
    pub(super) fn take_late(&mut self, object: i32) -> u64 {
        let first = Kind { object, service: i32::MIN, error: i32::MIN };
        let last = Kind { object, service: i32::MAX, error: i32::MAX };
        let kinds: Vec<Kind> = self.tallies.range(first..=last).map(|(kind, _)| *kind).collect();
        let tallies = kinds.into_iter().filter_map(|kind| self.tallies.remove(&kind));
        tallies
            .filter(|tally| tally.profiled > 0)
            .map(|tally| tally.errors * tally.late / tally.profiled)
            .sum()
    }

    /// How many transactions were told without a text that nobody could give, since this was asked last.
    pub(super) fn unresolved(&mut self) -> u64 {
        std::mem::take(&mut self.unresolved)
    }

    /// What can be said now.
    pub(super) fn settle(&mut self, now: Time, dictionary: &mut Dictionary) -> Vec<Settled> {
        self.end_what_never_ended(now);
        let ready: Vec<i64> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| self.is_ready(now, waiting, dictionary))
            .map(|(id, _)| *id)
            .collect();
        for txid in ready {
            let Some(waiting) = self.waiting.remove(&txid) else { continue };
            self.remember(txid);
            self.unresolved += u64::from(!waiting.missing(dictionary).is_empty());
            let verdict = judge(&waiting, dictionary, &mut self.meanings);
            let before = self.tally(&waiting, verdict.late);
            // Those of a kind whose profiles are known were all served late: so, as far as is known, was this one.
            let doubtful = waiting.digest.is_none() && before.profiled > 0 && before.late == before.profiled;
            if !doubtful {
                self.say(Settled { at: waiting.at, obj_hash: waiting.kind.object, words: verdict.words });
            }
        }
        std::mem::take(&mut self.ready)
    }

    /// Profiles whose transactions never came: what they say of connections is true all the same.
    fn end_what_never_ended(&mut self, now: Time) {
        let patience = Duration::from_secs(5);
        let old: Vec<i64> = self
            .heard
            .iter()
            .filter(|(_, heard)| now.since(heard.at) > patience)
            .map(|(txid, _)| *txid)
            .collect();
        for txid in old {
            let Some(heard) = self.heard.remove(&txid).filter(|heard| heard.digest.has_errors()) else {
                continue;
            };
            let kind = Kind { object: heard.object, service: 0, error: 0 };
            let digest = Some(heard.digest);
            let waiting =
                Waiting { at: heard.at, since: heard.at, kind, counts: false, asked_profile: false, digest };
            self.wait(txid, waiting);
        }
    }

    fn is_ready(&self, now: Time, waiting: &Waiting, dictionary: &Dictionary) -> bool {
        let waited = now.since(waiting.since);
        let patience = match (self.asks, waiting.asked_profile) {
            (false, _) => Duration::from_secs(2),
            (true, true) => Duration::from_secs(15),
            (true, false) => Duration::from_secs(10),
        };
        let helped = waited >= HELP || self.helpful(waiting, dictionary).is_empty();
        waited >= patience || (helped && waiting.digest.is_some() && waiting.missing(dictionary).is_empty())
    }

    fn choose(&mut self, now: Time, kind: Kind) -> bool {
        if self.chosen.len() > WAITING {
            self.chosen.clear();
        }
        let times = self.chosen.entry(kind).or_default();
        times.retain(|time| now.since(*time) < CHOOSING);
        let chosen = times.len() < PROFILES;
        if chosen {
            times.push_back(now);
        }
        chosen
    }

    fn wait(&mut self, txid: i64, waiting: Waiting) {
        self.waiting.insert(txid, waiting);
        if self.waiting.len() > WAITING {
            let oldest = self.waiting.iter().min_by_key(|(_, waiting)| waiting.since).map(|(txid, _)| *txid);
            oldest.and_then(|txid| self.waiting.remove(&txid));
            self.unresolved += 1;
        }
    }

    fn remember(&mut self, txid: i64) {
        if self.done.insert(txid) {
            self.done_in_order.push_back(txid);
        }
        if self.done.len() > DONE
            && let Some(oldest) = self.done_in_order.pop_front()
        {
            self.done.remove(&oldest);
        }
    }

    fn tally(&mut self, waiting: &Waiting, late: bool) -> Tally {
        if !waiting.counts {
            return Tally::default();
        }
        if self.tallies.len() > WAITING {
            self.tallies.clear();
        }
        let tally = self.tallies.entry(waiting.kind).or_default();
        let before = *tally;
        tally.errors += 1;
        tally.profiled += u64::from(waiting.digest.is_some());
        tally.late += u64::from(late);
        before
    }

    fn say(&mut self, settled: Settled) {
        if !settled.words.is_empty() {
            self.ready.push(settled);
        }
    }
}

impl Waiting {
    fn missing(&self, dictionary: &Dictionary) -> Vec<(TextKind, i32)> {
        let own = (self.kind.error != 0).then_some((TextKind::Error, self.kind.error));
        let slow = self.digest.as_ref().filter(|_| self.kind.error != 0).and_then(Digest::slowest);
        let slow = slow.map(|ran| (TextKind::Sql, ran.hash));
        let inside = self.digest.iter().flat_map(Digest::hashes);
        own.into_iter()
            .chain(slow)
            .chain(inside)
            .filter(|(kind, hash)| !dictionary.knows(*kind, *hash))
            .collect()
    }
}

/// An instant that an agent or a collector gives, if it can be: clocks of others may be wrong by anything.
pub(super) fn plausible(now: Time, millis: i64) -> Time {
    let said = u64::try_from(millis).ok().map(|millis| Time::from_micros(millis.saturating_mul(1000)));
    let day = Duration::from_secs(86_400);
    said.filter(|said| *said != Time::default() && now.since(*said) < day && *said <= now).unwrap_or(now)
}
