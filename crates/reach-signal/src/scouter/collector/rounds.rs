//! What is asked of the collector when, and what becomes of its answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use reach_core::Time;

use super::{
    client::{Account, Action, Client, Event},
    command::{Command, Day, Position},
};
use crate::scouter::{
    dictionary::TextKind,
    reading::Reading,
    wire::{Map, Pack, Value, of_hexa32},
};

/// Counters that say how a service or a host fares.
pub const COUNTERS: [&str; 14] = [
    "ErrorRate",
    "TPS",
    "ApiErrorRate",
    "ServiceCount",
    "HeapUsed",
    "HeapTotal",
    "GcTime",
    "FdUsage",
    "Cpu",
    "Mem",
    "MemU",
    "MemT",
    "Swap",
    "SwapU",
];

/// How many types of objects are asked for in a round.
const TYPES: usize = 50;

/// How many objects one request may name.
const OBJECTS: usize = 1000;

/// How a collector is asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who asks.
    pub account: Account,
    /// What the collector is told of the client.
    pub version: String,
    /// How often counters, alerts and transactions are asked for.
    pub every: Duration,
    /// How often disks are asked for.
    pub disks_every: Duration,
    /// How many seconds east of Greenwich the collector is, where its own word for its zone says nothing.
    pub offset: i32,
}

/// Rounds of questions to one collector.
#[derive(Clone, Debug)]
pub struct Rounds {
    client: Client,
    reading: Reading,
    settings: Settings,
    offset: i32,
    next_round: Time,
    next_disks: Time,
    alerts: Option<Position>,
    xlogs: Option<Position>,
    /// Profiles that are asked for: when they were, and on how many days.
    profiles: BTreeMap<i64, (Time, usize)>,
    changes: Vec<Event>,
    /// A round is asked and not yet answered.
    asking: bool,
    answered: bool,
}

impl Rounds {
    /// Rounds that have not begun.
    pub fn new(settings: Settings, reading: Reading) -> Rounds {
        Rounds {
            client: Client::new(settings.account.clone(), &settings.version),
            reading,
            offset: settings.offset,
            settings,
            next_round: Time::default(),
            next_disks: Time::default(),
            alerts: None,
            xlogs: None,
            profiles: BTreeMap::new(),
            changes: Vec::new(),
            asking: false,
            answered: false,
        }
    }

    /// What is understood.
    pub fn reading(&mut self) -> &mut Reading {
        &mut self.reading
    }

    /// Logins, and ends of connections, since this was asked last.
    pub fn changes(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.changes)
    }

    /// Whether a round was answered to its end since this was asked last.
    pub fn answered(&mut self) -> bool {
        std::mem::take(&mut self.answered)
    }

    /// What to do next.
    pub fn poll(&mut self, now: Time) -> Action {
        self.reading.poll(now);
        self.take_in(now);
        if self.client.is_idle() {
            self.answered |= std::mem::take(&mut self.asking);
            self.ask(now);
        }
        let action = self.client.poll(now);
        self.take_in(now);
        match action {
            Action::Wait(until) => {
                let own = self.next_round.min(self.reading.next(now)).max(now + Duration::from_millis(50));
                Action::Wait(Some(until.map_or(own, |until| until.min(own))))
            }
            other => other,
        }
    }

    /// The connection is there.
    pub fn connected(&mut self, now: Time) {
        self.client.connected(now);
    }

    /// The connection did not come about, or came to an end.
    pub fn closed(&mut self, now: Time) {
        self.client.closed(now);
        self.take_in(now);
    }

    /// Bytes came.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        self.client.received(now, bytes);
        self.take_in(now);
    }

    fn ask(&mut self, now: Time) {
        for (kind, hashes) in self.reading.wanted_texts(now) {
            self.client.ask(Command::Texts { day: Day::of(now, self.offset), kind, hashes });
        }
        for (txid, at) in self.reading.wanted_profiles() {
            self.profiles.insert(txid, (at, 0));
            self.client.ask(Command::Profile { day: self.days(at)[0], txid });
        }
        if now < self.next_round {
            return;
        }
        self.next_round = now + self.settings.every;
        self.asking = true;
        self.client.ask(Command::Objects);
        self.client.ask(self.alerts.map_or(Command::AlertPosition, Command::Alerts));
        let matters: Vec<(i32, String, bool)> = {
            let reading = &self.reading;
            let known = reading.agents().iter().filter(|(hash, agent)| agent.alive && reading.matters(*hash));
            known.map(|(hash, agent)| (hash, agent.obj_type.clone(), agent.is_host())).collect()
        };
        let types: BTreeSet<&String> = matters.iter().map(|(_, obj_type, _)| obj_type).collect();
        for obj_type in types.into_iter().take(TYPES) {
            let names = COUNTERS.map(str::to_owned).to_vec();
            self.client.ask(Command::Counters { names, obj_type: obj_type.clone() });
        }
        let services = matters.iter().filter(|(_, _, is_host)| !is_host).map(|(hash, _, _)| *hash);
        let objects: Vec<i32> = services.take(OBJECTS).collect();
        if !objects.is_empty() {
            self.client.ask(match self.xlogs {
                // With a limit that nothing reaches, only errors are left.
                Some(from) => Command::XLogs { from, limit: i32::MAX, objects },
                None => Command::LatestXLogs { count: 1, objects },
            });
        }
        if now >= self.next_disks && !matters.is_empty() {
            self.next_disks = now + self.settings.disks_every;
            for (host, _, _) in matters.iter().filter(|(_, _, is_host)| *is_host) {
                self.client.ask(Command::Disks { host: *host });
            }
        }
    }

    fn take_in(&mut self, now: Time) {
        for event in self.client.events() {
            match event {
                Event::Answer(command, packs) => self.answer(now, command, &packs),
                Event::Ready { ref zone, .. } => {
                    self.offset = offset_of(zone).unwrap_or(self.settings.offset);
                    self.reading.resume(now);
                    self.next_round = now;
                    self.changes.push(event);
                }
                Event::Down(_) => {
                    self.asking = false;
                    let unanswered = std::mem::take(&mut self.profiles);
                    self.reading.ask_again(unanswered.into_keys());
                    self.changes.push(event);
                }
            }
        }
    }

    fn answer(&mut self, now: Time, command: Command, packs: &[Pack]) {
        match command {
            Command::Objects => self.reading.listed(now, packs),
            Command::Counters { .. } => tables(packs).for_each(|table| self.counters(now, table)),
            Command::Counter { .. } | Command::Version | Command::XLog { .. } => {}
            Command::AlertPosition => self.alerts = tables(packs).find_map(Position::of),
            Command::Alerts(from) => {
                self.alerts = Some(next(from, packs));
                packs
                    .iter()
                    .filter(|pack| matches!(pack, Pack::Alert(_)))
                    .for_each(|p| self.reading.heard(now, p));
            }
            Command::LatestXLogs { .. } => self.xlogs = tables(packs).find_map(Position::of),
            Command::XLogs { from, .. } => {
                self.xlogs = Some(next(from, packs));
                packs
                    .iter()
                    .filter(|pack| matches!(pack, Pack::XLog(_)))
                    .for_each(|p| self.reading.heard(now, p));
            }
            Command::Texts { kind, .. } => tables(packs).for_each(|table| self.texts(kind, table)),
            Command::TextsOfAnyKind { .. } => packs.iter().for_each(|pack| self.reading.heard(now, pack)),
            Command::Profile { txid, .. } => self.profile(now, txid, packs),
            Command::Disks { host } => tables(packs).for_each(|table| self.reading.disks(now, host, table)),
        }
    }

    /// Parallel lists of objects, counters and values.
    fn counters(&mut self, now: Time, table: &Map) {
        let names = table.items("counter").iter().map(Value::text);
        let rows = table.items("objHash").iter().map(Value::integer).zip(names).zip(table.items("value"));
        let mut of: BTreeMap<i32, Vec<(&str, &Value)>> = BTreeMap::new();
        for ((hash, name), value) in rows {
            if let (Some(hash), Some(name)) = (hash.and_then(|hash| i32::try_from(hash).ok()), name) {
                of.entry(hash).or_default().push((name, value));
            }
        }
        for (hash, values) in of {
            self.reading.counters(now, hash, values);
        }
    }

    fn texts(&mut self, kind: TextKind, table: &Map) {
        for (name, text) in &table.0 {
            let hash = of_hexa32(name).and_then(|hash| i32::try_from(hash).ok());
            if let (Some(hash), Some(text)) = (hash, text.text()) {
                self.reading.learn(kind, hash, text);
            }
        }
    }

    fn profile(&mut self, now: Time, txid: i64, packs: &[Pack]) {
        let profiles: Vec<&[u8]> = packs.iter().filter_map(Pack::profile).collect();
        for profile in &profiles {
            self.reading.profile(now, txid, profile);
        }
        let Some((at, tried)) = self.profiles.remove(&txid) else { return };
        if let Some(day) = self.days(at).get(tried + 1).filter(|_| profiles.is_empty()) {
            self.profiles.insert(txid, (at, tried + 1));
            self.client.ask(Command::Profile { day: *day, txid });
        }
    }

    /// The days that an instant may belong to, the likeliest first.
    fn days(&self, at: Time) -> Vec<Day> {
        Day::likely(at, &[self.offset, self.settings.offset])
    }
}

/// Where to go on. A position before ours is that of a collector that was started anew.
fn next(from: Position, packs: &[Pack]) -> Position {
    match tables(packs).find_map(Position::of) {
        Some(position) if position < from => Position::default(),
        Some(position) => position,
        None => from,
    }
}

fn tables(packs: &[Pack]) -> impl Iterator<Item = &Map> {
    packs.iter().filter_map(|pack| match pack {
        Pack::Map(pack) => Some(&pack.table),
        _ => None,
    })
}

/// How many seconds east of Greenwich a zone is that Java calls so.
fn offset_of(zone: &str) -> Option<i32> {
    match zone {
        "Coordinated Universal Time" | "UTC" | "Greenwich Mean Time" | "협정 세계시" | "그리니치 표준시" => {
            Some(0)
        }
        "Korean Standard Time" | "Korea Standard Time" | "대한민국 표준시" | "한국 표준시" => {
            Some(9 * 3600)
        }
        "Japan Standard Time" | "일본 표준시" => Some(9 * 3600),
        "China Standard Time" | "중국 표준시" | "Singapore Standard Time" => Some(8 * 3600),
        _ => None,
    }
}
