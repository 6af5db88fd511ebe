//! Who reports, and who does no more.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use reach_core::Time;

use super::wire::{ObjectPack, Value, hash};

/// How many objects are known at the same time.
const MOST: usize = 10_000;

/// How long an object may be silent, where it says nothing else.
const DEADTIME: Duration = Duration::from_secs(8);

/// How much longer an object may be missing where others are listed.
const ABSENT: Duration = Duration::from_secs(30);

/// What is part of another object: whether it reports is not worth saying.
const PARTS: [&str; 2] = ["datasource", "reqproc"];

/// An object that is monitored: a JVM, a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its type, which all instances of a service have in common.
    pub obj_type: String,
    /// Its name.
    pub name: String,
    /// Whether it reports.
    pub alive: bool,
    last: Time,
    deadtime: Option<Duration>,
}

/// An object that began to report, or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its hash.
    pub hash: i32,
    /// Whether it reports now.
    pub alive: bool,
}

/// All objects, by the hash of their names: several that call themselves the same are one.
#[derive(Clone, Debug, Default)]
pub struct Agents {
    known: BTreeMap<i32, Agent>,
}

impl Agents {
    /// The object of a hash.
    pub fn get(&self, hash: i32) -> Option<&Agent> {
        self.known.get(&hash)
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &Agent)> {
        self.known.iter().map(|(hash, agent)| (*hash, agent))
    }

    /// Takes a heartbeat in. Says something when an object that was silent reports again; the first heartbeat says
    /// nothing.
    pub fn heard(&mut self, now: Time, object: &ObjectPack) -> Option<Turn> {
        if object.obj_name.is_empty() {
            return None;
        }
        let hash = if object.obj_hash == 0 { hash(object.obj_name.as_bytes()) } else { object.obj_hash };
        if !self.known.contains_key(&hash) && self.known.len() >= MOST {
            self.forget_one();
        }
        let agent = Agent {
            obj_type: object.obj_type.clone(),
            name: object.obj_name.clone(),
            alive: true,
            last: now,
            deadtime: deadtime(object),
        };
        let before = self.known.insert(hash, agent);
        before.filter(|before| !before.alive).map(|_| Turn { hash, alive: true })
    }

    /// Takes in what somebody else says of an object: the collector, who hears it all the time.
    pub fn told(&mut self, now: Time, hash: i32, alive: bool) -> Option<Turn> {
        let agent = self.known.get_mut(&hash)?;
        if alive {
            agent.last = now;
        }
        if agent.alive == alive || !agent.counts() {
            return None;
        }
        agent.alive = alive;
        Some(Turn { hash, alive })
    }

    /// Those whose time is up.
    pub fn poll(&mut self, now: Time) -> Vec<Turn> {
        let due = self.known.iter_mut().filter(|(_, agent)| {
            agent.alive
                && agent.counts()
                && agent.deadtime.is_some_and(|deadtime| now > agent.last + deadtime)
        });
        due.map(|(hash, agent)| {
            agent.alive = false;
            Turn { hash: *hash, alive: false }
        })
        .collect()
    }

    /// Those that are no more in a list of all objects, and were not for a while: a collector that has just been
    /// started knows nobody.
    pub fn absent(&mut self, now: Time, there: &BTreeSet<i32>) -> Vec<Turn> {
        let gone = self.known.iter_mut().filter(|(hash, agent)| {
            let patience = agent.deadtime.map(|deadtime| deadtime + ABSENT);
            agent.alive
                && agent.counts()
                && !there.contains(hash)
                && patience.is_some_and(|patience| now > agent.last + patience)
        });
        gone.map(|(hash, agent)| {
            agent.alive = false;
            Turn { hash: *hash, alive: false }
        })
        .collect()
    }

    /// Counts time from now on for whoever reports.
    pub fn resume(&mut self, now: Time) {
        for agent in self.known.values_mut().filter(|agent| agent.alive) {
            agent.last = now;
        }
    }

    fn forget_one(&mut self) {
        let oldest = self.known.iter().min_by_key(|(_, agent)| agent.last).map(|(hash, _)| *hash);
        oldest.and_then(|hash| self.known.remove(&hash));
    }
}

impl Agent {
    /// Hosts are named `/host`, and what runs on them `/host/name`.
    pub fn is_host(&self) -> bool {
        self.name.matches('/').count() == 1
    }

    /// Whether it is worth saying that it is silent.
    fn counts(&self) -> bool {
        !PARTS.contains(&self.obj_type.as_str()) && self.obj_type != "batch"
    }
}

/// How long an object may be silent; `None`: for ever.
fn deadtime(object: &ObjectPack) -> Option<Duration> {
    let tag = match &object.tags {
        Value::Map(tags) => tags.get("deadTime").and_then(Value::integer),
        _ => None,
    };
    let said = tag.and_then(|millis| u64::try_from(millis).ok()).filter(|millis| *millis > 0);
    match object.obj_type.as_str() {
        "batch" => None,
        _ if said.is_some() => said.map(Duration::from_millis),
        "zipkin" => Some(Duration::from_secs(180)),
        "telegraf" => Some(Duration::from_secs(35)),
        _ => Some(DEADTIME),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(obj_type: &str, dead_time: i64) -> ObjectPack {
        ObjectPack {
            obj_type: obj_type.into(),
            obj_name: "/was01/a".into(),
            tags: Value::Map([("deadTime", dead_time)].into_iter().collect()),
            ..ObjectPack::default()
        }
    }

    fn after(millis: u64) -> Time {
        Time::from_micros(1_000_000_000 + millis * 1000)
    }

    #[test]
    fn an_object_is_silent_after_its_time_and_said_so_once() {
        for (obj_type, tag, millis) in [("java", 0, 8000), ("java", 30_000, 30_000), ("zipkin", 0, 180_000)] {
            let mut agents = Agents::default();
            assert_eq!(agents.heard(after(0), &object(obj_type, tag)), None);
            assert_eq!(agents.poll(after(millis)), []);
            let hash = hash(b"/was01/a");
            assert_eq!(agents.poll(after(millis + 1)), [Turn { hash, alive: false }]);
            assert_eq!(agents.poll(after(millis + 2)), []);
            let back = agents.heard(after(millis + 3), &object(obj_type, tag));
            assert_eq!(back, Some(Turn { hash, alive: true }));
        }
    }

    #[test]
    fn batch_jobs_and_parts_of_others_come_and_go() {
        for obj_type in ["batch", "datasource", "reqproc"] {
            let mut agents = Agents::default();
            agents.heard(after(0), &object(obj_type, 0));
            assert_eq!(agents.poll(after(1 << 40)), []);
            assert_eq!(agents.told(after(0), hash(b"/was01/a"), false), None);
        }
    }

    #[test]
    fn two_objects_of_one_name_are_one() {
        let mut agents = Agents::default();
        agents.heard(after(0), &object("java", 0));
        agents.heard(after(7000), &object("tomcat", 0));
        assert_eq!(agents.poll(after(9000)), []);
        assert_eq!(agents.iter().count(), 1);
    }

    #[test]
    fn what_the_collector_says_counts_and_is_said_once() {
        let mut agents = Agents::default();
        agents.heard(after(0), &object("java", 0));
        let hash = hash(b"/was01/a");
        assert_eq!(agents.told(after(1), hash, false), Some(Turn { hash, alive: false }));
        assert_eq!(agents.poll(after(60_000)), []);
        assert_eq!(agents.told(after(60_001), hash, true), Some(Turn { hash, alive: true }));
        assert_eq!(agents.told(after(60_001), 12, true), None);
    }
}
