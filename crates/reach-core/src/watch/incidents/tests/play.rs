//! A patrol in pretence: it tries addresses second by second and tells what the real one would.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use super::watched;
use crate::{
    Time,
    model::Vantage,
    stats::split_mix,
    watch::{
        AddressState, Cadence, Change, Event, Incident, IncidentId, Layer, News, Notice, OwnCheck, Reading,
        Reason, Rules, Sample, Series, Silence, TargetId, Transition, VantageChange, WatchPlan, Why,
        incidents::Incidents,
    },
};

/// The night of the play begins here: 2025-01-01.
const START: u64 = 1_735_689_600;

pub(super) fn at(seconds: u64) -> Time {
    Time::from_micros((START + seconds) * 1_000_000)
}

pub(super) fn address(last: u8) -> IpAddr {
    [203, 0, 113, last].into()
}

pub(super) fn series(last: u8) -> Series {
    Series { target: TargetId(1), address: address(last) }
}

pub(super) fn plan(rules: Rules) -> WatchPlan {
    WatchPlan {
        targets: vec![watched(1, Cadence::default(), rules)],
        vantage: Vantage { host: "lookout".to_owned(), ..Vantage::default() },
        own: OwnCheck::default(),
        rate: 100.0,
        surveys: 2,
        seed: 1,
    }
}

/// What the pretended patrol knows of one address.
#[derive(Clone, Debug)]
struct Actor {
    fails: bool,
    given: bool,
    health: AddressState,
    row: u32,
    row_from: u64,
    ever: bool,
    next: u64,
    again: bool,
    /// Since when it fails, or works.
    since: u64,
    number: u8,
}

/// The machine on stage.
pub(super) struct Play {
    pub plan: WatchPlan,
    pub incidents: Incidents,
    /// Seconds since the beginning.
    pub now: u64,
    /// Whether the patrol runs: not while the host sleeps or is cut off.
    pub awake: bool,
    /// So many of a million tries fail by chance.
    pub loss: u64,
    actors: BTreeMap<IpAddr, Actor>,
    /// As a store would have it.
    pub stored: BTreeMap<IncidentId, Incident>,
    pub notices: Vec<Notice>,
    pub examined: Vec<u64>,
}

impl Play {
    /// With so many addresses that work, tried every 10 s.
    pub(super) fn new(addresses: u8, rules: Rules) -> Self {
        let plan = plan(rules);
        let incidents = Incidents::new(&plan, Vec::new(), Vec::new(), IncidentId(1), at(0));
        let mut play = Self {
            plan,
            incidents,
            now: 0,
            awake: true,
            loss: 0,
            actors: BTreeMap::new(),
            stored: BTreeMap::new(),
            notices: Vec::new(),
            examined: Vec::new(),
        };
        (1..=addresses).for_each(|last| play.appears(last, false));
        play
    }

    pub(super) fn appears(&mut self, last: u8, fails: bool) {
        let next = self.now + u64::from(last) % 10;
        let (health, given, ever) = (AddressState::Unknown, true, false);
        let actor = Actor {
            fails,
            given,
            health,
            row: 0,
            row_from: 0,
            ever,
            next,
            again: false,
            since: self.now,
            number: last,
        };
        self.actors.insert(address(last), actor);
        self.moved(last, AddressState::Unknown, AddressState::Unknown, Why::Appeared);
    }

    pub(super) fn leaves(&mut self, last: u8) {
        let actor = self.actors.get_mut(&address(last)).expect("it is in the play");
        actor.given = false;
        let from = actor.health;
        self.moved(last, from, AddressState::Gone, Why::LeftDns);
    }

    pub(super) fn forget(&mut self, last: u8) {
        self.actors.remove(&address(last));
        self.moved(last, AddressState::Gone, AddressState::Gone, Why::Forgotten);
    }

    pub(super) fn fails(&mut self, lasts: impl IntoIterator<Item = u8>, fails: bool) {
        for last in lasts {
            let actor = self.actors.get_mut(&address(last)).expect("it is in the play");
            if std::mem::replace(&mut actor.fails, fails) != fails {
                actor.since = self.now;
            }
        }
    }

    pub(super) fn moved(&mut self, last: u8, from: AddressState, to: AddressState, why: Why) {
        let transition = Transition { series: series(last), at: at(self.now), from, to, why };
        self.take(Event::Moved(transition));
    }

    pub(super) fn vantage(&mut self, online: bool) {
        self.awake = online;
        let silent = if online { Vec::new() } else { vec!["198.51.100.1".to_owned()] };
        self.take(Event::Vantage(VantageChange { at: at(self.now), online, silent, near: Vec::new() }));
        self.resume_turns();
    }

    pub(super) fn sleep(&mut self, seconds: u64) {
        let from = at(self.now);
        self.now += seconds;
        self.take(Event::Gap { from, until: at(self.now) });
        self.resume_turns();
    }

    /// All are tried soon.
    pub(super) fn resume_turns(&mut self) {
        for (number, actor) in self.actors.values_mut().enumerate() {
            actor.next = self.now + 1 + number as u64 % 10;
            actor.since = actor.since.max(self.now);
        }
    }

    pub(super) fn take(&mut self, event: Event) {
        self.incidents.take(&event);
        self.collect();
    }

    pub(super) fn collect(&mut self) {
        for change in self.incidents.take_changes() {
            match change {
                Change::Incident(incident) => {
                    self.stored.insert(incident.id, *incident);
                }
                Change::Notice(notice) => self.notices.push(*notice),
                Change::Examine(_) => self.examined.push(self.now),
            }
        }
    }

    /// So many seconds pass.
    pub(super) fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += 1;
            if self.awake {
                self.try_all();
            }
            // As a driver would: only when something is due.
            if self.incidents.due().is_some_and(|due| due <= at(self.now)) {
                self.incidents.tick(at(self.now));
                assert!(
                    self.incidents.due().is_none_or(|due| due > at(self.now)),
                    "it would be asked again and again"
                );
            }
            self.collect();
        }
    }

    pub(super) fn minutes(&mut self, minutes: u64) {
        self.run(minutes * 60);
    }

    fn try_all(&mut self) {
        let due = self.actors.iter().filter(|(_, actor)| actor.next <= self.now);
        let due: Vec<IpAddr> = due.map(|(address, _)| *address).collect();
        for address in due {
            self.try_one(address);
        }
    }

    fn try_one(&mut self, address: IpAddr) {
        let now = self.now;
        let Some(actor) = self.actors.get_mut(&address) else { return };
        let lost = self.loss > 0 && split_mix(now << 8 | u64::from(actor.number)) % 1_000_000 < self.loss;
        let (from, fails, again) = (actor.health, actor.fails || lost, actor.again);
        let same = matches!(from, AddressState::Suspect | AddressState::Down) == fails && actor.row > 0;
        if !same {
            (actor.row, actor.row_from) = (0, now);
        }
        actor.row += 1;
        let (to, wait, why) = if fails {
            let (to, wait) = match actor.row {
                1 => (
                    if from == AddressState::Recovering { AddressState::Down } else { AddressState::Suspect },
                    1,
                ),
                2 => (from, 2),
                _ => (AddressState::Down, 10),
            };
            let birth = !actor.ever && to == AddressState::Down;
            let why =
                if birth { Why::BlockedFromBirth(Reason::Timeout) } else { Why::Failed(Reason::Timeout) };
            (to, wait, why)
        } else {
            actor.ever = true;
            let well = actor.row >= 5 && now - actor.row_from >= 60;
            let to = match from {
                AddressState::Down => AddressState::Recovering,
                AddressState::Recovering if !well => AddressState::Recovering,
                _ => AddressState::Ok,
            };
            (to, 10, Why::Answered)
        };
        actor.health = to;
        actor.next = now + wait;
        actor.again = fails && actor.row < 3;
        let given = actor.given;
        let reading = if fails {
            Reading::Failed(Reason::Timeout)
        } else {
            Reading::Answered(Duration::from_millis(12))
        };
        let series = Series { target: TargetId(1), address };
        self.take(Event::Sample(Sample { series, layer: Layer::Connect, at: at(now), reading, again }));
        if to != from && given {
            self.take(Event::Moved(Transition { series, at: at(now), from, to, why }));
        }
    }

    /// The process dies and comes again, with what was stored.
    pub(super) fn restart(&mut self, silences: Vec<Silence>) {
        let open = self.stored.values().map(remembered).collect();
        let next = IncidentId(self.stored.keys().last().map_or(1, |id| id.0 + 1));
        self.incidents = Incidents::new(&self.plan, open, silences, next, at(self.now));
        self.collect();
    }

    /// Addresses that fail and are given, and since when they have.
    pub(super) fn failing(&self) -> impl Iterator<Item = (IpAddr, u64)> {
        let failing = self.actors.iter().filter(|(_, actor)| actor.fails && actor.given);
        failing.map(|(address, actor)| (*address, actor.since))
    }

    /// What was said, in short.
    pub(super) fn said(&self) -> Vec<String> {
        self.notices.iter().map(short).collect()
    }

    pub(super) fn rings(&self) -> usize {
        self.notices.iter().filter(|notice| notice.rings).count()
    }

    /// Those that are no silent edits or reminders.
    pub(super) fn milestones(&self) -> Vec<String> {
        let quiet = |news: &News| matches!(news, News::Updated | News::Reminder | News::Pool { .. });
        self.notices.iter().filter(|notice| !quiet(&notice.news)).map(short).collect()
    }
}

/// The same after it was written and read.
pub(super) fn remembered(incident: &Incident) -> Incident {
    let written = serde_json::to_string(incident).expect("it can be written");
    let read: Incident = serde_json::from_str(&written).expect("it can be read");
    // Shares may differ in the last digit.
    assert_eq!((read.phase, &read.clocks, &read.rang), (incident.phase, &incident.clocks, &incident.rang));
    assert_eq!((&read.members, read.quiet), (&incident.members, incident.quiet));
    read
}

fn short(notice: &Notice) -> String {
    let name = match &notice.news {
        News::Opened => "opened",
        News::Updated => "updated",
        News::Worsened { .. } => "worsened",
        News::Reminder => "reminder",
        News::Relapsed => "relapsed",
        News::Recovered => "recovered",
        News::AllClear(_) => "all clear",
        News::Extended(_) => "extended",
        News::Unclear(_) => "unclear",
        News::Acknowledged => "acknowledged",
        News::WindowEnded { held_back } => return format!("window ended: {held_back}{}", mark(notice)),
        News::Dropped => "dropped",
        News::Pool { .. } => "pool",
        News::Hello { .. } => "hello",
    };
    format!("#{} {name}{}", notice.incident.id.0, mark(notice))
}

fn mark(notice: &Notice) -> &'static str {
    if notice.rings { "!" } else { "" }
}
