//! What becomes an incident, how it goes on, and what is said of it.
//!
//! One incident for each target, however many of its addresses fail and however many rules complain, and one for
//! this host itself ([`Subject::Vantage`]), which freezes the others: while nothing can be watched no timer runs,
//! nothing opens and nothing recovers. The same holds for a [`Event::Gap`].
//!
//! * It **opens** when an address has been down for [`Rules::open_after`](super::Rules::open_after), counted from
//!   its first failure, when the name does not resolve for as long, or when a rule complains. The first notice waits
//!   for the survey that is asked for at once, but no longer than [`HOLD`].
//! * It **goes on** with silent edits of that notice, silent reminders that slow down, and rings again only when it
//!   gets worse than it was told to be.
//! * It **calms** when nothing is wrong, and is called **recovered** when that has lasted for its quiet time and
//!   every address that failed has answered since. An address that left DNS has to answer too, until it is not tried
//!   any more.
//! * It is over with the **all-clear**, whose statistics are those of [`assurance`](super::assurance); if they do
//!   not carry it, it waits, and that is said once. What begins again before goes on in the same incident.
//!
//! What is mild (a certificate that ends in some days, a latency, resolvers that differ, a budget that burns slowly)
//! makes an incident that never rings and is closed without an all-clear, as nothing failed. Only one that was
//! [`Gravity::Degraded`](super::Gravity::Degraded) at some time rings; what is mild and stays does not keep it from
//! recovering, and makes an incident of its own after its all-clear.
//!
//! At most six notices of an incident ring in three hours, whatever happens, and one of them is kept for what gets
//! worse.
//!
//! Whoever drives this takes the patrol's events first ([`Incidents::take`]), then calls [`Incidents::tick`], and
//! writes what [`Incidents::take_changes`] gives in one transaction.

mod address;
mod context;
mod flapping;
mod life;
mod loose;
mod matters;
mod orders;
mod own;
mod remembered;
mod rules;
mod silences;
mod speech;
mod standing;
mod sufferings;
#[cfg(test)]
pub(super) mod tests;
mod ward;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Change, Ending, Event, Examination, Incident, IncidentId, News, Phase, Reading, Remembered, Sample,
    Silence, Subject, TargetId, WatchPlan,
};
use crate::Time;
pub use context::Tally;
use context::{Agenda, Context};
use matters::Matters;
pub use orders::OrderError;
use speech::{Case, Weight};
use ward::Ward;

/// The first notice of an incident waits no longer than so for a survey, which takes less than 10 s.
pub const HOLD: Duration = Duration::from_secs(20);

/// Addresses of one target that are very many.
const CROWD: usize = 256;

/// Keeps the incidents of everything that is watched.
#[derive(Debug)]
pub struct Incidents {
    now: Time,
    host: String,
    hold: Duration,
    wards: BTreeMap<TargetId, Ward>,
    own: Option<Case>,
    matters: Matters,
    silences: Vec<Silence>,
    next: IncidentId,
    /// Since when this host has been cut off.
    offline: Option<Time>,
    /// That is only remembered from before a restart: the first answer disproves it.
    offline_is_remembered: bool,
    /// When watching began, or went on after it could not.
    thaw: Time,
    loose_seq: u32,
    tally: Tally,
    changes: Vec<Change>,
    agenda: Agenda,
}

impl Incidents {
    /// Takes up again what was open when it was remembered. Time in which nothing ran is no calm time: what was
    /// calming begins to calm anew, and the tries for an all-clear are counted anew. That is more waiting, never
    /// less.
    pub fn new(
        plan: &WatchPlan,
        remembered: Vec<Incident>,
        silences: Vec<Silence>,
        next_incident: IncidentId,
        now: Time,
    ) -> Self {
        let highest = remembered.iter().map(|incident| incident.id.0 + 1).max().unwrap_or(1);
        let wards = plan.targets.iter().map(|watched| (watched.id, Ward::new(watched.clone(), now)));
        let mut incidents = Self {
            now,
            host: plan.vantage.host.clone(),
            hold: HOLD,
            wards: wards.collect(),
            own: None,
            matters: Matters::default(),
            silences,
            next: IncidentId(next_incident.0.max(highest).max(1)),
            offline: None,
            offline_is_remembered: false,
            thaw: now,
            loose_seq: 0,
            tally: Tally::default(),
            changes: Vec::new(),
            agenda: Agenda::default(),
        };
        let mut remembered = remembered;
        remembered.sort_by_key(|incident| incident.id);
        for incident in remembered {
            incidents.resume(incident);
        }
        incidents.refresh_all();
        incidents
    }

    /// Lets the first notice of an incident wait for a survey for so long at most, in place of [`HOLD`].
    pub fn with_hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// Learns what was remembered of an address; after [`Incidents::new`], before the first event.
    pub fn know(&mut self, row: &Remembered) {
        if let Some(ward) = self.wards.get_mut(&row.series.target) {
            ward.know(row, self.now);
            self.refresh_or_plan(row.series.target, true);
        }
    }

    /// Refills the windows of the rules from what was remembered of a target: so many first tries answered and
    /// failed about then. Oldest first, before the first event. Windows of latency are minutes long and refill
    /// themselves.
    pub fn recall(&mut self, target: TargetId, at: Time, answered: u32, failed: u32) {
        let now = self.now;
        let Some(ward) = self.wards.get_mut(&target) else { return };
        if let Some(share) = &mut ward.counters.share {
            share.recall(at, answered, failed, now);
        }
        for burn in &mut ward.counters.burn {
            burn.recall(at, answered, failed, now);
        }
        self.schedule(target);
    }

    /// Takes what a patrol learned.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Gap { from, until } => {
                self.tick(*from);
                self.gap(*from, *until);
            }
            Event::Sample(sample) => {
                self.tick(sample.at);
                self.sample(sample, event);
            }
            Event::Asked(asked) => {
                self.tick(asked.at);
                if self.offline.is_none()
                    && let Some(ward) = self.wards.get_mut(&asked.target)
                    && ward.asked(asked)
                {
                    self.refresh(asked.target);
                }
            }
            Event::Moved(transition) => {
                self.tick(transition.at);
                if let Some(ward) = self.wards.get_mut(&transition.series.target) {
                    ward.moved(transition);
                    ward.count_for_all_clear(event, transition.at, None);
                    let crowded = ward.addresses.len() > CROWD;
                    self.refresh_or_plan(transition.series.target, crowded);
                }
            }
            Event::Resolution(change) => {
                self.tick(change.at);
                if let Some(ward) = self.wards.get_mut(&change.target) {
                    ward.resolution(change.error, change.at);
                    ward.count_for_all_clear(event, change.at, change.error.map(|_| true));
                    self.refresh(change.target);
                }
            }
            Event::Agreement(change) => {
                self.tick(change.at);
                if let Some(ward) = self.wards.get_mut(&change.target) {
                    ward.agreement(&change.odd, change.at);
                    self.refresh(change.target);
                }
            }
            Event::Certificate(seen) => {
                self.tick(seen.at);
                if let Some(ward) = self.wards.get_mut(&seen.series.target) {
                    let subject = Some(seen.certificate.subject.clone());
                    ward.certificates.saw(seen.series.address, seen.chain_expires, subject);
                    self.refresh(seen.series.target);
                }
            }
            Event::Vantage(change) => {
                self.tick(change.at);
                for ward in self.wards.values_mut() {
                    ward.count_for_all_clear(event, change.at, None);
                }
                if change.online {
                    self.online(change.at);
                } else {
                    self.offline.get_or_insert(change.at);
                    self.offline_is_remembered = false;
                    let host = self.host.clone();
                    let (_, own, _, mut cx) = self.split();
                    own::offline(own, &host, change, &mut cx);
                }
            }
            Event::Examined(examination) => {
                self.tick(examination.finished);
                self.examined(examination);
            }
            Event::Suffering { target, suffering, at } => {
                self.tick(*at);
                if let Some(ward) = self.wards.get_mut(target) {
                    ward.suffers_from(suffering);
                    self.refresh_or_plan(*target, false);
                }
            }
            Event::Relieved { target, service, last, at } => {
                self.tick(*at);
                if let Some(ward) = self.wards.get_mut(target) {
                    ward.relieved(service, *last);
                    self.refresh_or_plan(*target, false);
                }
            }
            Event::Matter { matter, at } => {
                self.tick(*at);
                let (_, _, matters, mut cx) = self.split();
                matters.take(matter, &mut cx);
            }
            Event::MatterOver { key, seen, at } => {
                self.tick(*at);
                let (_, _, matters, mut cx) = self.split();
                matters.over(key, *seen, &mut cx);
            }
        }
    }

    /// Does what is due by `now`.
    pub fn tick(&mut self, now: Time) {
        self.now = self.now.max(now);
        let now = self.now;
        let before = self.silences.len();
        self.silences.retain(|silence| silence.until > now);
        if self.silences.len() != before {
            self.refresh_all();
        }
        let (_, own, matters, mut cx) = self.split();
        loose::refresh(own, &own::MANNER, &mut cx);
        matters.refresh(&mut cx);
        while self.offline.is_none()
            && let Some(target) = self.agenda.pop(now)
        {
            self.refresh(target);
        }
    }

    /// When [`Incidents::tick`] is to be called.
    pub fn due(&self) -> Option<Time> {
        let targets = self.agenda.first().filter(|_| self.offline.is_none());
        let silences = self.silences.iter().map(|silence| silence.until).min();
        let own = self.own.as_ref().and_then(|case| case.due(self.now));
        [targets, silences, own, self.matters.due(self.now)].into_iter().flatten().min()
    }

    /// Watches what the plan says from now on. What stays the same keeps its state.
    pub fn reload(&mut self, plan: &WatchPlan, now: Time) {
        self.tick(now);
        self.host = plan.vantage.host.clone();
        let planned: BTreeSet<TargetId> = plan.targets.iter().map(|watched| watched.id).collect();
        let dropped: Vec<TargetId> = self.wards.keys().copied().filter(|id| !planned.contains(id)).collect();
        for target in dropped {
            let (wards, _, _, mut cx) = self.split();
            if let Some(mut ward) = wards.remove(&target) {
                let told = ward.case.as_ref().is_some_and(|case| case.incident.clocks.told);
                ward.close(Some(Ending::NotWatched), told.then_some(News::Dropped), &mut cx);
            }
            self.agenda.set(target, None);
        }
        let now = self.now;
        for watched in &plan.targets {
            match self.wards.get_mut(&watched.id) {
                Some(ward) => ward.reload(watched.clone()),
                None => {
                    self.wards.insert(watched.id, Ward::new(watched.clone(), now));
                }
            }
        }
        self.refresh_all();
    }

    /// What has to be remembered, told and done since this was asked last; in order, and to be written at once.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The incidents that are not closed, this host's own first.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        let targets = self.wards.values().filter_map(|ward| ward.case.as_deref());
        self.own.iter().chain(targets).chain(self.matters.cases()).map(|case| &case.incident)
    }

    /// How many incidents were opened and changed their phase since this run began.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The silences that are not over.
    pub fn silences(&self) -> &[Silence] {
        &self.silences
    }

    fn split(&mut self) -> (&mut BTreeMap<TargetId, Ward>, &mut Option<Case>, &mut Matters, Context<'_>) {
        let cx = Context {
            now: self.now,
            thaw: self.thaw,
            hold: self.hold,
            silences: &self.silences,
            next: &mut self.next,
            loose_seq: &mut self.loose_seq,
            tally: &mut self.tally,
            changes: &mut self.changes,
        };
        (&mut self.wards, &mut self.own, &mut self.matters, cx)
    }

    fn resume(&mut self, incident: Incident) {
        let now = self.now;
        if matches!(incident.phase, Phase::Closed { .. }) {
            return;
        }
        let mut case = Case::resumed(remembered::in_the_past(incident, now));
        match case.incident.subject {
            Subject::Vantage => {
                loose::resume(&mut case, now);
                if case.incident.phase == Phase::Open {
                    (self.offline, self.offline_is_remembered) = (Some(now), true);
                }
                let (_, own, _, mut cx) = self.split();
                if let Some(older) = own.replace(case) {
                    retire(older, &mut cx);
                }
            }
            Subject::Matter(ref key) => {
                let key = key.clone();
                let (_, _, matters, mut cx) = self.split();
                if let Some(older) = matters.resume(key, case, &cx) {
                    retire(older, &mut cx);
                }
            }
            Subject::Target(target) => {
                let (wards, _, _, mut cx) = self.split();
                match wards.get_mut(&target) {
                    Some(ward) => {
                        if let Some(older) = ward.case.take() {
                            retire(*older, &mut cx);
                        }
                        ward.resume(case, &mut cx);
                    }
                    None => {
                        case.incident.phase = Phase::Closed { at: now, all_clear: false };
                        case.incident.ending = Some(Ending::NotWatched);
                        case.incident.changed = now;
                        case.dirty = true;
                        // What nobody heard of is dropped without a word.
                        if case.incident.clocks.told {
                            case.say(News::Dropped, &mut cx);
                        }
                        case.hand_out(&mut cx);
                    }
                }
            }
        }
    }

    fn sample(&mut self, sample: &Sample, event: &Event) {
        if self.offline_is_remembered && matches!(sample.reading, Reading::Answered(_)) {
            self.online(sample.at);
        }
        if self.offline.is_some() {
            return;
        }
        let target = sample.series.target;
        let Some(ward) = self.wards.get_mut(&target) else { return };
        let follows = ward.sampled(sample);
        let failed = match sample.reading {
            Reading::Answered(_) => Some(false),
            Reading::Failed(_) => Some(true),
            Reading::Unable => None,
        };
        ward.count_for_all_clear(event, sample.at, failed);
        let window = ward.counters.due();
        let planned = self.agenda.due(target);
        if follows {
            self.refresh(target);
        } else if window.is_some_and(|window| planned.is_none_or(|planned| window < planned)) {
            self.agenda.set(target, window);
        }
    }

    fn examined(&mut self, examination: &Examination) {
        let frozen = self.offline.is_some();
        let now = self.now;
        let Some(ward) = self.wards.get_mut(&examination.target).filter(|_| !frozen) else { return };
        let Some(case) = ward.case.as_mut().filter(|case| case.is_live()) else { return };
        let first = case.incident.diagnosis.is_none();
        case.incident.diagnosis = Some(Box::new(examination.diagnosis.clone()));
        if case.incident.clocks.told {
            case.content_changed(if first { Weight::New } else { Weight::Idle }, now);
        } else {
            case.incident.clocks.tell_by = Some(now);
            case.dirty = true;
        }
        self.refresh(examination.target);
    }

    fn gap(&mut self, from: Time, until: Time) {
        self.now = self.now.max(until);
        for ward in self.wards.values_mut() {
            ward.count_for_all_clear(&Event::Gap { from, until }, until, None);
        }
        let span = until.since(from);
        self.own.iter_mut().chain(self.matters.cases_mut()).for_each(|case| case.shift(span));
        // While this host is cut off everything else stands still anyway.
        if self.offline.is_none() {
            self.go_on(span, until);
        } else {
            let (_, own, _, mut cx) = self.split();
            loose::refresh(own, &own::MANNER, &mut cx);
        }
    }

    fn online(&mut self, at: Time) {
        self.offline_is_remembered = false;
        if let Some(since) = self.offline.take() {
            self.go_on(at.since(since), at);
        }
        let (_, own, _, mut cx) = self.split();
        loose::good(own, &own::MANNER, &mut cx);
    }

    /// Nothing was watched for so long, until then.
    fn go_on(&mut self, span: Duration, until: Time) {
        self.thaw = self.thaw.max(until);
        for ward in self.wards.values_mut() {
            ward.shift(span, until);
        }
        self.refresh_all();
    }

    fn refresh(&mut self, target: TargetId) {
        let frozen = self.offline.is_some();
        let (wards, _, _, mut cx) = self.split();
        match wards.get_mut(&target) {
            Some(Ward { case: Some(case), .. }) if frozen => case.hand_out(&mut cx),
            Some(ward) if !frozen => ward.refresh(&mut cx),
            _ => {}
        }
        self.schedule(target);
    }

    /// Where very many addresses move at the same time the conclusions are drawn for all of them at once.
    fn refresh_or_plan(&mut self, target: TargetId, crowded: bool) {
        if !crowded || self.offline.is_some() {
            return self.refresh(target);
        }
        let soon = self.now + Duration::from_secs(1);
        let planned = self.agenda.due(target);
        self.agenda.set(target, Some(planned.map_or(soon, |planned| planned.min(soon))));
    }

    fn refresh_all(&mut self) {
        let (_, own, matters, mut cx) = self.split();
        loose::refresh(own, &own::MANNER, &mut cx);
        matters.refresh(&mut cx);
        let targets: Vec<TargetId> = self.wards.keys().copied().collect();
        for target in targets {
            self.refresh(target);
        }
    }

    fn schedule(&mut self, target: TargetId) {
        let (wards, _, _, cx) = self.split();
        let (now, due) = (cx.now, wards.get(&target).and_then(|ward| ward.due(&cx)));
        // Whatever should be due already and was not done is looked at again, but not at once.
        let due = due.map(|due| if due > now { due } else { now + Duration::from_secs(1) });
        self.agenda.set(target, due);
    }
}

/// One of two open incidents of the same subject, which should not be.
fn retire(mut case: Case, cx: &mut Context<'_>) {
    case.incident.phase = Phase::Closed { at: cx.now, all_clear: false };
    case.incident.ending = Some(Ending::Superseded);
    case.incident.changed = cx.now;
    case.dirty = true;
    case.hand_out(cx);
}
