//! The patrol: every address of every target, each on its own turn, without end.
//!
//! * **Turns.** Each address is tried by a TCP handshake once in [`Cadence::every`](super::Cadence::every), a little
//!   sooner or later by chance, from source ports in turn; now and then the try goes on to TLS and HTTP; echo
//!   requests and questions to resolvers have turns of their own. What is due longest comes first. A rate bounds
//!   it all; what is urgent may use it up in advance, and the probes of surveys, which cannot wait, are charged to
//!   it too. Nothing begins in step with anything else.
//! * **Health** moves by tries whose result means something. A failure makes an address suspect, and it is tried
//!   again after 1, 2 and 4 s; three in a row, or four of the last six, make it down; five answers over
//!   [`Cadence::well_after`](super::Cadence::well_after) at least end that. A failure is believed once something
//!   that was sent later came back, from any watched address or in a check of this host's own surroundings, so
//!   that an outage of its own makes no address suspect. A failure above TCP is tried again above TCP: no
//!   handshake takes it back.
//! * **Presence** is another matter than health. An address that has not been given for so long and so often that
//!   it cannot be chance has left ([`AddressState::Gone`](super::AddressState::Gone)); it is tried as before until
//!   it is forgotten. Both kinds of [`Transition`] are told, those of health also while the address is gone.
//! * **Blocked from birth** is an address that first came at least [`SETTLED_AFTER`] after its name was first
//!   resolved, has never answered, and is called down while another address of the name is ok. One that was among
//!   the first is only down: nobody knows whether it ever worked.
//! * **Time that is lost**, because the host slept, is told as a [`Gap`](Event::Gap). What was under way says
//!   nothing, clocks that count absence or calm stand still, and turns are spread anew.
//!
//! Each try makes one [`Sample`] for each layer that it came to: one that fails at TCP says nothing about TLS.

mod address;
mod agreement;
mod asking;
mod doubt;
mod hearing;
mod names;
mod own;
mod post;
mod reading;
mod roster;
mod surveys;
mod trying;
mod turns;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use self::{
    names::Names,
    own::Own,
    post::{Places, Post, Posts},
    surveys::{Surveys, Wish},
    trying::Doubtful,
    turns::{Places as Spread, Turn, Turns},
};
use super::{
    AddressState, Event, Remembered, ScheduleStatus, Series, TargetId, TargetStatus, Transition, WatchPlan,
    Watched, Why,
};
use crate::{
    Time,
    model::{Lookup, Observation, Probe, ProbeId},
    survey::{Procedure, Step},
};

/// Addresses of one target that are tried, at most.
pub const MOST_ADDRESSES: usize = 1_024;
/// An address that comes so long after its name was first resolved is a new one; until then a pool that is given
/// in parts may still be showing itself.
pub const SETTLED_AFTER: Duration = Duration::from_secs(600);
/// Woken so much too late means that nothing was watched meanwhile.
const GAP: Duration = Duration::from_secs(30);
/// The longest wait: so that a gap is seen as one.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Nothing is done more often than this, whatever the plan says.
const LEAST_EVERY: Duration = Duration::from_millis(10);
/// How often what is long gone is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Watches addresses, for as long as one likes. See the [module](self).
#[derive(Debug)]
pub struct Patrol {
    /// Without its targets.
    plan: WatchPlan,
    /// How many it has.
    targets: usize,
    /// Boxed, as the posts are: there may be ten thousand, and what holds them leaves room for more.
    beats: BTreeMap<TargetId, Box<Beat>>,
    posts: Posts,
    turns: Turns,
    spread: Spread,
    /// Probes to be carried out at once.
    ready: VecDeque<(What, Probe)>,
    flights: BTreeMap<ProbeId, Flight>,
    next_id: u32,
    own: Own<Doubtful>,
    surveys: Surveys,
    /// The latest instant that is known.
    seen: Time,
    /// When it should be polled again at the latest.
    expected: Time,
    /// Counts gaps: what was under way in one does not count.
    epoch: u32,
    swept: Time,
    /// The target whose address was last tried in a check of this host.
    looked_at: TargetId,
    schedule: ScheduleStatus,
    /// Addresses whose state does not last.
    uneasy: BTreeSet<usize>,
    gone: BTreeSet<usize>,
    dirty: BTreeSet<usize>,
    events: Vec<Event>,
}

/// One target and its addresses.
#[derive(Debug)]
struct Beat {
    watched: Watched,
    names: Option<Box<Names>>,
    places: Places,
    /// When it had an address for the first time.
    first_seen: Option<Time>,
    /// When its addresses were last looked at because one of them went down.
    looked_around: Option<Time>,
    appeared: u64,
}

/// A probe under way.
#[derive(Debug)]
struct Flight {
    what: What,
    epoch: u32,
    /// When it should have been sent, where that was planned.
    due: Option<Time>,
}

/// What a probe is for.
#[derive(Clone, Debug, PartialEq)]
enum What {
    Try { place: usize, series: Series, attempts: u32 },
    Echo { place: usize, series: Series },
    Ask { target: TargetId, lookup: Lookup },
    System { target: TargetId },
    Own(own::Asked),
    Survey { key: u32, id: ProbeId },
}

impl Patrol {
    /// Watches what `plan` says, from `now` on. What an earlier run remembered stands until something else is
    /// known; addresses that are not watched any more are told as [`Why::Dropped`].
    pub fn new(plan: WatchPlan, remembered: Vec<Remembered>, now: Time) -> Self {
        let mut patrol = Self {
            turns: Turns::new(plan.rate, now),
            beats: BTreeMap::new(),
            posts: Posts::default(),
            spread: Spread::default(),
            ready: VecDeque::new(),
            flights: BTreeMap::new(),
            next_id: 0,
            own: Own::new(now),
            surveys: Surveys::default(),
            seen: now,
            expected: now,
            epoch: 0,
            swept: now,
            looked_at: TargetId::default(),
            schedule: ScheduleStatus::default(),
            uneasy: BTreeSet::new(),
            gone: BTreeSet::new(),
            dirty: BTreeSet::new(),
            events: Vec::new(),
            targets: plan.targets.len(),
            plan,
        };
        patrol.enlist_all(remembered, now);
        patrol
    }

    /// What was learned since this was last asked, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Whether there is something to take.
    pub fn has_news(&self) -> bool {
        !self.events.is_empty() || !self.dirty.is_empty()
    }

    /// What has to be remembered anew since this was last asked: every change at once, mere times every few
    /// minutes. Addresses that were forgotten or dropped are told by events.
    pub fn take_dirty(&mut self) -> Vec<Remembered> {
        let dirty = std::mem::take(&mut self.dirty);
        dirty.into_iter().filter_map(|place| Some(self.posts.get(place)?.row())).collect()
    }

    /// Asks for a whole survey of a target, as soon as there is room and this host is connected. Its outcome comes
    /// as [`Event::Examined`]; a target that waits for one or is being surveyed is not queued twice, and nothing is
    /// queued where the plan allows no surveys.
    pub fn examine(&mut self, target: TargetId) {
        if self.beats.contains_key(&target) && self.plan.surveys > 0 {
            self.surveys.want(target);
        }
    }

    /// Goes on with another plan. Targets that stay keep everything.
    pub fn reload(&mut self, plan: WatchPlan, now: Time) {
        let now = self.arrive(now);
        self.replan(plan, now);
        // There may be something to do sooner than was said.
        self.expected = self.expected.max(now);
    }

    /// What is known: whether this host reaches anything (`None` where that is not known), the targets by their
    /// ids, how times are kept.
    pub fn status(&self, _now: Time) -> (Option<bool>, Vec<TargetStatus>, ScheduleStatus) {
        let targets = self.beats.values().map(|beat| self.target_status(beat)).collect();
        (self.online(), targets, self.schedule())
    }

    /// Whether this host reaches anything; `None` where that is not known.
    pub fn online(&self) -> Option<bool> {
        self.own.online()
    }

    /// How times are kept.
    pub fn schedule(&self) -> ScheduleStatus {
        ScheduleStatus { in_flight: self.flights.len() as u64, ..self.schedule.clone() }
    }

    /// A piece of what is known, for whoever must not be away for as long as all of it takes: the targets from this id
    /// on, as many as make about so many addresses, and the id to go on from, if those are not all.
    pub fn piece_of_status(&self, from: TargetId, addresses: usize) -> (Vec<TargetStatus>, Option<TargetId>) {
        let mut piece = Vec::new();
        let mut left = addresses;
        for (&target, beat) in self.beats.range(from..) {
            if left == 0 {
                return (piece, Some(target));
            }
            left = left.saturating_sub(beat.places.len().max(1));
            piece.push(self.target_status(beat));
        }
        (piece, None)
    }

    fn target_status(&self, beat: &Beat) -> TargetStatus {
        let Watched { id, target, labels, .. } = &beat.watched;
        let posts = || beat.places.values().filter_map(|&place| self.posts.get(place));
        let given = |resolver: SocketAddr| -> BTreeSet<IpAddr> {
            let lately = posts().filter(|post| post.gone_since.is_none());
            let by = lately.filter(|post| post.resolvers().any(|other| other == resolver));
            by.map(|post| post.series.address).collect()
        };
        let mut addresses = Vec::with_capacity(beat.places.len());
        addresses.extend(posts().map(Post::status));
        TargetStatus {
            id: *id,
            target: target.text.clone(),
            host: target.host.to_string(),
            port: target.port,
            labels: labels.clone(),
            unresolved: beat.names.as_deref().and_then(Names::error),
            addresses,
            resolvers: beat.names.as_ref().map(|names| names.status(given)).unwrap_or_default(),
            appeared: beat.appeared,
            examining: self.surveys.has(*id),
        }
    }

    /// Notes what time it is. Time never goes back; what was under way when much of it was lost is marked.
    fn arrive(&mut self, now: Time) -> Time {
        let now = now.max(self.seen);
        let from = self.seen;
        self.seen = now;
        if now.since(self.expected) > GAP {
            self.expected = now;
            self.lose_time(from, now);
        }
        now
    }

    fn launch(&mut self, what: What, probe: Probe, due: Option<Time>, now: Time) -> Step {
        let mut id = ProbeId(self.next_id);
        while self.flights.contains_key(&id) {
            id = ProbeId(id.0.wrapping_add(1));
        }
        self.next_id = id.0.wrapping_add(1);
        self.turns.charge(now);
        self.flights.insert(id, Flight { what, epoch: self.epoch, due });
        Step::Run(id, probe)
    }

    fn tell(&mut self, series: Series, from: AddressState, to: AddressState, why: Why, at: Time) {
        self.events.push(Event::Moved(Transition { series, at, from, to, why }));
    }

    /// The next probe of a turn that is due, if it is not left out.
    fn take_turn(&mut self, turn: Turn, due: Time, now: Time) -> Option<(What, Probe)> {
        match turn {
            Turn::Try(place) => self.take_try(place, due, now),
            Turn::Echo(place) => self.take_echo(place, due, now),
            Turn::Ask(target, server, kind) => self.take_question(target, server, kind, now),
            Turn::System(target) => self.take_system_question(target, now),
            Turn::Own => {
                self.turns.add(Turn::Own, (now + own::OFFLINE_EVERY, true));
                None
            }
            Turn::Sweep => {
                self.turns.add(Turn::Sweep, (now + SWEEP_EVERY, true));
                self.sweep(now);
                None
            }
        }
    }

    fn begin_surveys(&mut self, now: Time) {
        if self.own.is_offline() {
            return;
        }
        while let Some(target) = self.surveys.next_target(self.plan.surveys) {
            if let Some(beat) = self.beats.get(&target) {
                self.surveys.begin(&beat.watched, &self.plan.vantage, self.plan.seed, now);
            }
        }
    }
}

impl Procedure for Patrol {
    /// Every try counts once, by its first result.
    fn takes_repeats(&self) -> bool {
        false
    }

    fn poll(&mut self, now: Time) -> Step {
        let now = self.arrive(now);
        self.expected = now;
        self.check_own(now);
        self.begin_surveys(now);
        if let Some((what, probe)) = self.ready.pop_front() {
            return self.launch(what, probe, None, now);
        }
        while let Some(wish) = self.surveys.poll(now) {
            match wish {
                Wish::Run(key, id, probe) => {
                    return self.launch(What::Survey { key, id }, *probe, None, now);
                }
                Wish::Over(examination) => {
                    self.events.push(Event::Examined(examination));
                    self.begin_surveys(now);
                }
            }
        }
        while let Some((due, turn)) = self.turns.next(now) {
            if let Some((what, probe)) = self.take_turn(turn, due, now) {
                let due = matches!(what, What::Try { .. } | What::Echo { .. }).then_some(due);
                return self.launch(what, probe, due, now);
            }
        }
        let wakes = [self.turns.wake(), self.surveys.wake(), self.own.deadline()];
        let wake = wakes.into_iter().flatten().min();
        self.expected = wake.map_or(now + LONGEST_WAIT, |wake| wake.min(now + LONGEST_WAIT));
        Step::Wait(self.expected)
    }

    fn observe(&mut self, observation: Observation) {
        let now = self.arrive(observation.done);
        let Some(Flight { what, epoch, due }) = self.flights.remove(&observation.id) else { return };
        let counts = epoch == self.epoch;
        if let Some(due) = due.filter(|_| counts) {
            self.schedule.lateness.add(observation.sent.since(due));
        }
        match what {
            What::Try { place, series, attempts } => {
                self.tried(place, series, attempts, &observation, counts, now);
            }
            What::Echo { place, series } => self.echoed(place, series, &observation, counts, now),
            What::Ask { target, lookup } => self.answered(target, &lookup, &observation, counts, now),
            What::System { target } => self.answered_by_system(target, &observation, counts, now),
            What::Own(asked) => self.checked(asked, &observation, counts, now),
            What::Survey { key, id } => self.surveys.observe(key, Observation { id, ..observation }),
        }
    }
}

#[cfg(test)]
mod tests;
