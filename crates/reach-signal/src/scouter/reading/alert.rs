//! Alerts of Scouter itself: those that say what others words say better, and the rest.

use std::time::Duration;

use reach_core::{
    Time,
    signal::{Alert, AlertLevel, Failure, Gauge, HostFrom, Level, Word},
};

use super::{Reading, scrub, transaction::plausible};
use crate::{exception, scouter::wire::AlertPack};

/// How long an alert that repeats word for word is the same alert: agents repeat theirs after 10 s and more.
const SAME_ALERT: Duration = Duration::from_secs(5);

/// How long alerts are remembered for that: nobody asks more seldom than once a minute.
const REMEMBERED: Duration = Duration::from_secs(90);

/// How many alerts are remembered, …
const ALERTS: usize = 1000;

/// … and of each the last times that it was raised.
const REPEATS: usize = 10;

/// How many mount points one alert may name.
const MOUNTS: usize = 100;

/// How long the text of an alert may be, in characters.
const TEXT: usize = 1000;

impl Reading {
    /// Takes an alert in.
    pub(super) fn alert(&mut self, now: Time, alert: &AlertPack) {
        let at = plausible(now, alert.time);
        if self.is_again(now, at, alert)
            || !(self.matters(alert.obj_hash) || self.agents.get(alert.obj_hash).is_none())
        {
            return;
        }
        match alert.title.as_str() {
            "INACTIVE_OBJECT" | "ACTIVATED_OBJECT" => {
                let alive = alert.title == "ACTIVATED_OBJECT";
                if self.agents.get(alert.obj_hash).is_some() {
                    self.told(now, alert.obj_hash, alive);
                } else if let Some((thing, _)) = alert.message.split_once(" is ") {
                    let thing = scrub::shorten(thing, 200);
                    self.say(now, alert.obj_hash, Word::Presence { thing, alive });
                }
            }
            // Several objects of one name are one.
            "MAYBE_OBJ_DUP" => {}
            _ => {
                for word in words(alert) {
                    self.say(at, alert.obj_hash, word);
                }
            }
        }
    }

    /// Whether it came before, by another way or twice: a script hands an alert on at once, and the collector's ring holds
    /// it until somebody asks.
    fn is_again(&mut self, now: Time, at: Time, alert: &AlertPack) -> bool {
        self.alerts.retain(|_, heard| heard.last().is_some_and(|last| now.since(*last) < REMEMBERED));
        let key = (alert.obj_hash, scrub::shorten(&alert.title, 100), scrub::shorten(&alert.message, TEXT));
        if self.alerts.len() >= ALERTS && !self.alerts.contains_key(&key) {
            return false;
        }
        let heard = self.alerts.entry(key).or_default();
        let again = heard.iter().any(|heard| at.since(*heard).max(heard.since(at)) < SAME_ALERT);
        if !again {
            heard.push(at);
            heard.sort();
            heard.drain(..heard.len().saturating_sub(REPEATS));
        }
        again
    }
}

/// What an alert says.
fn words(alert: &AlertPack) -> Vec<Word> {
    let better = match alert.title.as_str() {
        "CONNECT" => connect(&alert.message).into_iter().collect(),
        title if title.ends_with("_DISK_USAGE") => disks(&alert.message),
        _ => Vec::new(),
    };
    if !better.is_empty() {
        return better;
    }
    let lines: Vec<String> = alert.message.lines().map(scrub::remark).collect();
    vec![Word::Alert(Alert {
        level: match alert.level {
            1 => AlertLevel::Warning,
            2 => AlertLevel::Error,
            3 => AlertLevel::Fatal,
            _ => AlertLevel::Info,
        },
        title: scrub::shorten(&alert.title, 200),
        text: scrub::shorten(&lines.join(" "), TEXT),
    })]
}

/// A database that could not be connected to.
fn connect(message: &str) -> Option<Word> {
    let failure = exception::short(message)?;
    let (host, port) = match scrub::jdbc_destination(message) {
        Some((host, port)) => (Some(host), port),
        None => (failure.host.clone(), failure.port),
    };
    let host_from = host.as_ref().map(|_| HostFrom::Message);
    let address = host.as_deref().and_then(|host| host.parse().ok()).or(failure.address);
    Some(Word::Failure(Failure { host, host_from, port, address, text: scrub::remark(message), ..failure }))
}

/// `MOUNT usage N% total=…GB.. available=…`, a line for each mount point.
fn disks(message: &str) -> Vec<Word> {
    let level = |line: &str| {
        let (mount, rest) = line.split_once(" usage ")?;
        let percent: f64 = rest.split_once('%')?.0.trim().parse().ok()?;
        let share = (0.0..=100.0).contains(&percent).then_some(percent / 100.0)?;
        let of = scrub::shorten(mount, 200);
        Some(Word::Level(Level { gauge: Gauge::DiskSpace, of, share, used: None, total: None }))
    };
    message.lines().take(MOUNTS).filter_map(level).collect()
}
