//! Packs to signals: what a Scouter installation says of the network, of requests, and of hosts.
//!
//! What belongs to users (addresses of clients, login names, parameters of statements) is dropped as a pack comes in:
//! nothing that is kept here has a place for it.

mod alert;
mod counters;
mod digest;
mod scrub;
mod summary;
mod transaction;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use reach_core::{
    Time,
    signal::{Gauge, Level, Origin, Signal, Word},
};

use self::{counters::Meters, summary::Summaries, transaction::Transactions};
use super::{
    OWN_TYPE,
    agents::{Agents, Turn},
    dictionary::{Dictionary, TextKind},
    wire::{Counters, Map, Pack, Value, hash},
};

/// How long a hash that nobody could resolve is not asked for again: the collector may be given its text just after it
/// was asked, …
const SOON: Duration = Duration::from_secs(3);

/// … but after so many answers without it, it has none …
const TRIES: u32 = 4;

/// … and is asked only now and then.
const UNRESOLVED: Duration = Duration::from_secs(60);

/// How many hashes are remembered as asked for.
const ASKED: usize = 20_000;

/// How many of reach's own objects are known.
const OWN: usize = 100;

/// What is kept of a method that opens no connection to a database.
const OTHER_METHOD: &str = "-";

/// How a source is read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The source as the configuration names it.
    pub source: String,
    /// Which objects matter: patterns with `*` for their names or types. None: all do.
    pub objects: Vec<String>,
    /// Whether there is a collector to ask for texts and profiles.
    pub asks: bool,
}

/// A Scouter installation as it is understood so far.
#[derive(Clone, Debug)]
pub struct Reading {
    settings: Settings,
    dictionary: Dictionary,
    agents: Agents,
    /// Objects as which reach tells what it found.
    own: BTreeSet<i32>,
    meters: Meters,
    transactions: Transactions,
    summaries: Summaries,
    /// Hashes that were asked for: when last, and how often.
    asked: BTreeMap<(TextKind, i32), (Time, u32)>,
    alerts: BTreeMap<(i32, String, String), Vec<Time>>,
    signals: Vec<Signal>,
}

impl Reading {
    /// Nothing is understood yet but what the dictionary knows.
    pub fn new(settings: Settings, mut dictionary: Dictionary) -> Reading {
        dictionary.learn_common_errors();
        let transactions = Transactions::new(settings.asks);
        Reading {
            settings,
            dictionary,
            agents: Agents::default(),
            own: BTreeSet::new(),
            meters: Meters::default(),
            transactions,
            summaries: Summaries::default(),
            asked: BTreeMap::new(),
            alerts: BTreeMap::new(),
            signals: Vec::new(),
        }
    }

    /// Takes a pack in.
    pub fn heard(&mut self, now: Time, pack: &Pack) {
        match pack {
            Pack::Object(object) if object.obj_type == OWN_TYPE => self.is_own(object.obj_hash),
            // Whether reach itself is silent, the collector need not tell it.
            Pack::Alert(alert) if alert.obj_type == OWN_TYPE || self.own.contains(&alert.obj_hash) => {}
            Pack::Object(object) => {
                let turn = self.agents.heard(now, object);
                self.presence(now, turn);
            }
            Pack::Counters(counters) => self.counters_heard(now, counters),
            Pack::Text(text) => {
                if let Some(kind) = TextKind::of(&text.xtype) {
                    self.learn(kind, text.hash, &text.text);
                }
            }
            Pack::XLog(xlog) if self.matters(xlog.head.obj_hash) => {
                // Who asks is given errors only: they say nothing of how many requests there were.
                if !self.settings.asks {
                    self.meters.transaction(now, xlog);
                    if xlog.head.error != 0 {
                        self.summaries.sends(now, xlog.head.obj_hash);
                    }
                }
                self.transactions.ended(now, xlog);
            }
            Pack::DroppedXLog(dropped) => self.transactions.dropped(dropped.txid),
            Pack::Profile2(profile) if self.matters(profile.obj_hash) => {
                self.transactions.profile(now, profile.txid, profile.obj_hash, &profile.profile.0);
            }
            // The collector says neither whose it is nor of which transaction; see `profile`.
            Pack::Profile(profile) if profile.txid != 0 && self.matters(profile.obj_hash) => {
                self.transactions.profile(now, profile.txid, profile.obj_hash, &profile.profile.0);
            }
            Pack::Summary(summary) if !self.settings.asks && self.matters(summary.obj_hash) => {
                self.summaries.heard(now, summary);
            }
            Pack::Alert(alert) => self.alert(now, alert),
            _ => {}
        }
    }

    /// Takes in what a transaction did, which was asked for.
    pub fn profile(&mut self, now: Time, txid: i64, profile: &[u8]) {
        self.transactions.answered(now, txid, profile);
    }

    /// Takes a text in, without what nobody but its owner should see: it is kept.
    pub fn learn(&mut self, kind: TextKind, hash: i32, text: &str) {
        let clean = match kind {
            TextKind::Error => Cow::Owned(scrub::error(text)),
            TextKind::Sql => Cow::Owned(scrub::statement(text)),
            TextKind::Method => match scrub::database(text) {
                Some(database) => Cow::Owned(database),
                // Who asked for it should not do so again.
                None if self.settings.asks => Cow::Borrowed(OTHER_METHOD),
                None => return,
            },
            TextKind::ApiCall | TextKind::Service | TextKind::Object => Cow::Borrowed(text),
        };
        self.dictionary.learn(kind, hash, &clean);
    }

    /// Takes in whether the collector hears of an object.
    pub fn told(&mut self, now: Time, hash: i32, alive: bool) {
        let turn = self.agents.told(now, hash, alive);
        self.presence(now, turn);
    }

    /// Takes in which objects the collector knows. One that it says is silent, and was never heard of, is nobody.
    pub fn listed(&mut self, now: Time, packs: &[Pack]) {
        let mut there = BTreeSet::new();
        for pack in packs {
            let Pack::Object(object) = pack else { continue };
            there.insert(object.obj_hash);
            if object.alive || object.obj_type == OWN_TYPE {
                self.heard(now, pack);
            } else {
                self.told(now, object.obj_hash, false);
            }
        }
        for turn in self.agents.absent(now, &there) {
            self.presence(now, Some(turn));
        }
    }

    /// Takes in that the collector can be asked again: while it could not be, nobody was silent.
    pub fn resume(&mut self, now: Time) {
        self.agents.resume(now);
    }

    /// Takes in how full the disks of a host are. Their sizes are left out: agents of one version give them 1024
    /// times too large, and nothing tells which version it was.
    pub fn disks(&mut self, now: Time, host: i32, table: &Map) {
        let mounts = table.items("Mount").iter().map(Value::text);
        for (mount, percent) in mounts.zip(table.items("Pct").iter().map(Value::number)).take(100) {
            if let (Some(mount), Some(percent @ 0.0..=100.0)) = (mount, percent) {
                let of = scrub::shorten(mount, 200);
                let share = percent / 100.0;
                let level = Level { gauge: Gauge::DiskSpace, of, share, used: None, total: None };
                self.say(now, host, Word::Level(level));
            }
        }
    }

    /// Takes in that something was lost on the way: in a stable word, how much of it.
    pub fn lost(&mut self, now: Time, what: &str, count: u64) {
        if count > 0 {
            let origin = Origin { source: self.settings.source.clone(), ..Origin::default() };
            let word = Word::Lost { what: what.to_owned(), count };
            self.signals.push(Signal { at: now, origin, word });
        }
    }

    /// Does what is due.
    pub fn poll(&mut self, now: Time) {
        // Where there is a collector, it hears of the agents, and not we.
        if !self.settings.asks {
            for turn in self.agents.poll(now) {
                self.presence(now, Some(turn));
            }
        }
        self.settle(now);
        let (words, of_summaries) = self.summaries.settle(now, &mut self.dictionary);
        for (hash, word) in words {
            self.say(now, hash, word);
        }
        let unresolved = self.transactions.unresolved() + of_summaries;
        self.lost(now, "texts", unresolved);
        for (hash, at, requests) in self.meters.due(now, |hash| self.transactions.take_late(hash)) {
            self.say(at, hash, Word::Requests(requests));
        }
    }

    /// When [`Reading::poll`] has something to do again, at the latest.
    pub fn next(&self, now: Time) -> Time {
        now + if self.transactions.is_waiting() { Duration::from_millis(250) } else { Duration::from_secs(1) }
    }

    /// What is understood since this was asked last.
    pub fn signals(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    /// Hashes whose texts are missing, each of them said once in a while: a hundred of a kind at most.
    pub fn wanted_texts(&mut self, now: Time) -> BTreeMap<TextKind, Vec<i32>> {
        self.asked.retain(|_, (last, _)| now.since(*last) < UNRESOLVED);
        let mut wanted: BTreeMap<TextKind, Vec<i32>> = BTreeMap::new();
        let missing: BTreeSet<_> = self.transactions.missing(now, &self.dictionary);
        for (kind, hash) in missing {
            let hashes = wanted.entry(kind).or_default();
            let tries = match self.asked.get(&(kind, hash)) {
                Some((last, tries)) if *tries < TRIES && now.since(*last) >= SOON => *tries,
                Some(_) => continue,
                None if self.asked.len() < ASKED => 0,
                None => continue,
            };
            if hashes.len() < 100 {
                self.asked.insert((kind, hash), (now, tries + 1));
                hashes.push(hash);
            }
        }
        wanted.retain(|_, hashes| !hashes.is_empty());
        wanted
    }

    /// Takes in that nobody will answer what was asked for: texts that are still missing and these profiles are wanted
    /// again.
    pub fn ask_again(&mut self, profiles: impl IntoIterator<Item = i64>) {
        self.asked.clear();
        for txid in profiles {
            self.transactions.ask_again(txid);
        }
    }

    /// Transactions of which it would be good to know what they did, and when they ended; each is said once.
    pub fn wanted_profiles(&mut self) -> Vec<(i64, Time)> {
        self.transactions.wanted()
    }

    /// Whether a transaction still waits for its profile.
    pub fn lacks_profile(&self, txid: i64) -> bool {
        self.transactions.lacks_profile(txid)
    }

    /// The objects that are known.
    pub fn agents(&self) -> &Agents {
        &self.agents
    }

    /// What is worth keeping over a restart.
    pub fn dictionary(&mut self) -> &mut Dictionary {
        &mut self.dictionary
    }

    /// Whether anything reports that serves, and not only hosts: else there is nobody who could have said that nothing
    /// fails.
    pub fn is_anybody_there(&self) -> bool {
        self.agents.iter().any(|(hash, agent)| agent.alive && !agent.is_host() && self.matters(hash))
    }

    /// Whether an object is one that matters.
    pub fn matters(&self, hash: i32) -> bool {
        let patterns = &self.settings.objects;
        patterns.is_empty()
            || self.agents.get(hash).is_some_and(|agent| {
                patterns
                    .iter()
                    .any(|pattern| scrub::fits(pattern, &agent.name) || scrub::fits(pattern, &agent.obj_type))
            })
    }

    /// Counters of an object, be they heard or asked for.
    pub fn counters<'v>(
        &mut self,
        now: Time,
        hash: i32,
        values: impl IntoIterator<Item = (&'v str, &'v Value)>,
    ) {
        if !self.matters(hash) {
            return;
        }
        let values: BTreeMap<&str, &Value> = values.into_iter().collect();
        let known = self.agents.get(hash).map(|agent| agent.name.clone());
        let said = || self.dictionary.text(TextKind::Object, hash).map(str::to_owned);
        let of = known.or_else(said).unwrap_or_default();
        for level in self.meters.heard(now, hash, &of, &values) {
            self.say(now, hash, Word::Level(level));
        }
    }

    fn counters_heard(&mut self, now: Time, counters: &Counters) {
        // 1 is the newest value, and so is 0; others repeat it over longer stretches.
        if let (0 | 1, Value::Map(data)) = (counters.timetype, &counters.data) {
            let values = data.0.iter().map(|(name, value)| (name.as_str(), value));
            let hash = self.hash_of(&counters.obj_name);
            self.counters(now, hash, values);
        }
    }

    /// The hash of an object that gives only its name. Of a name that is not ASCII it need not be ours.
    fn hash_of(&mut self, name: &str) -> i32 {
        let ours = hash(name.as_bytes());
        if self.agents.get(ours).is_some() {
            return ours;
        }
        let theirs = self.agents.iter().find(|(_, agent)| agent.name == name).map(|(hash, _)| hash);
        theirs.unwrap_or_else(|| {
            // Counters may come before the first heartbeat.
            self.dictionary.learn(TextKind::Object, ours, name);
            ours
        })
    }

    fn is_own(&mut self, hash: i32) {
        if self.own.len() < OWN {
            self.own.insert(hash);
        }
    }

    fn settle(&mut self, now: Time) {
        for settled in self.transactions.settle(now, &mut self.dictionary) {
            for word in settled.words {
                self.say(settled.at, settled.obj_hash, word);
            }
        }
    }

    fn presence(&mut self, now: Time, turn: Option<Turn>) {
        if let Some(turn) = turn.filter(|turn| self.matters(turn.hash)) {
            let thing = self.agents.get(turn.hash).map_or_else(String::new, |agent| agent.name.clone());
            self.say(now, turn.hash, Word::Presence { thing, alive: turn.alive });
        }
    }

    fn say(&mut self, at: Time, hash: i32, word: Word) {
        let origin = self.origin(hash);
        self.signals.push(Signal { at, origin, word });
    }

    fn origin(&mut self, hash: i32) -> Origin {
        let source = self.settings.source.clone();
        match self.agents.get(hash) {
            Some(agent) => Origin {
                source,
                service: Some(agent.obj_type.clone()).filter(|service| !service.is_empty()),
                instance: Some(agent.name.clone()),
            },
            None => {
                let instance = self.dictionary.text(TextKind::Object, hash).map(str::to_owned);
                Origin { source, service: None, instance }
            }
        }
    }
}
