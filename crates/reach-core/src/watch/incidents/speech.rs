//! What becomes a notice, what rings, and what may not be said now.

use std::{collections::BTreeMap, time::Duration};

use super::{Context, flapping, rules};
use crate::{
    Time,
    watch::{
        Cause, Change, Clocks, Gravity, Incident, IncidentId, News, Notice, Phase, Subject, assurance::Ledger,
    },
};

/// Over how long a time ringing notices are counted.
const RING_SPAN: Duration = Duration::from_secs(3 * 60 * 60);
/// An incident rings no more often than so within that time…
const MOST_RINGS: usize = 6;
/// …of which one is kept for what gets worse.
const KEPT_RINGS: usize = 1;
/// So many times of ringing are remembered; more than the budget needs, for people to look at.
const RINGS_REMEMBERED: usize = 32;

/// Changes of one moment come in a row: they are waited for…
const SETTLE: Duration = Duration::from_secs(5);
/// …and a message is edited no more often than so. Where an edit tells nothing that anybody would act on (an address
/// more or less of those that were named before, another count), the next of its kind waits twice as long…
const EDITS_APART: Duration = Duration::from_secs(30);
/// …at least so long where it comes and goes…
const EDITS_APART_UNSTABLE: Duration = Duration::from_secs(5 * 60);
/// …and no longer than this.
const LONGEST_APART: Duration = Duration::from_secs(60 * 60);
/// After so long without any the waiting begins anew.
const EDITS_FORGOTTEN: Duration = Duration::from_secs(30 * 60);
/// From one survey of a target to the next.
const SURVEYS_APART: Duration = Duration::from_secs(10 * 60);

/// From one reminder to the next, and from the beginning to the first: at 30 minutes, 1, 2 and 4 hours, and every
/// 4 hours from then on.
const REMINDERS: [Duration; 5] = [
    Duration::from_secs(30 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(4 * 60 * 60),
];
/// The same while nothing fails, in days: what stands for weeks is not worth a word each day. Certificates have days
/// of their own.
const MILD_REMINDERS: [u32; 5] = [1, 1, 2, 4, 7];
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How much a change of what stands matters to those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Something to act on: an address that was never named before, by whose hand and where.
    New,
    /// What was told changes, without being more than that.
    Idle,
}

/// An incident that is not closed, and what is needed to speak of it.
#[derive(Debug)]
pub(super) struct Case {
    pub incident: Incident,
    /// What it is now has not been given out.
    pub dirty: bool,
    /// The phase that was given out last.
    known_phase: Option<Phase>,
    /// From recovery on: all tries since then.
    pub ledger: Option<Ledger>,
    /// The same since the last failure, where there was one.
    pub afresh: Option<Ledger>,
    /// When something failed after that.
    pub failed_at: Option<Time>,
}

impl Incident {
    /// One that begins now, of which nothing is known yet.
    pub fn new(id: IncidentId, subject: Subject, now: Time) -> Self {
        Self {
            id,
            subject,
            title: String::new(),
            labels: BTreeMap::new(),
            gravity: Gravity::Notice,
            worst: Gravity::Notice,
            phase: Phase::Open,
            began: now,
            opened: now,
            changed: now,
            causes: Vec::new(),
            members: Vec::new(),
            pool: 0,
            acknowledged: None,
            muted_until: None,
            unstable: false,
            quiet: Duration::ZERO,
            relapses: 0,
            unwatched: Duration::ZERO,
            ending: None,
            notices: 0,
            rang: Vec::new(),
            remarks: Vec::new(),
            diagnosis: None,
            clocks: Clocks::default(),
        }
    }
}

impl Incident {
    /// Whether anything fails, or failed lately: not only something that will, or differs, or is slow.
    pub(super) fn fails(&self) -> bool {
        self.causes.iter().any(|cause| match cause {
            Cause::Addresses
            | Cause::Unresolved(_)
            | Cause::FailureShare { .. }
            | Cause::Burn { .. }
            | Cause::Suffering(_)
            | Cause::Matter(_)
            | Cause::Offline { .. } => true,
            Cause::Latency { .. } | Cause::Certificate { .. } | Cause::Disagreement { .. } => false,
        })
    }
}

impl Case {
    pub(super) fn new(incident: Incident) -> Self {
        Self { incident, dirty: true, known_phase: None, ledger: None, afresh: None, failed_at: None }
    }

    /// One that was remembered.
    pub(super) fn resumed(incident: Incident) -> Self {
        Self { known_phase: Some(incident.phase), ..Self::new(incident) }
    }

    /// Whether the phase is one in which something is wrong, or was just now.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.incident.phase, Phase::Open | Phase::Calming { .. })
    }

    /// Says it, or holds it back. Whether it was said.
    pub(super) fn say(&mut self, news: News, cx: &mut Context<'_>) -> bool {
        let wants = self.would_ring(&news);
        let held = self.is_held(&news, cx);
        let incident = &mut self.incident;
        let fails = incident.fails();
        let clocks = &mut incident.clocks;
        if !matches!(news, News::Acknowledged) {
            clocks.updated = Some(cx.now);
            clocks.update_at = None;
            let had_news = std::mem::take(&mut clocks.news_waits);
            if news == News::Updated {
                clocks.edited = Some(cx.now);
                clocks.idle_edits = if had_news { 0 } else { clocks.idle_edits.saturating_add(1) };
            }
        }
        if matches!(news, News::Opened | News::Relapsed | News::Worsened { .. } | News::WindowEnded { .. }) {
            clocks.told = true;
            clocks.tell_by = None;
            clocks.idle_edits = 0;
            clocks.failure_told |= fails;
            clocks.loudest = clocks.loudest.max(Some(incident.gravity));
        }
        self.dirty = true;
        if held {
            // That it goes on is nothing that would have to be made up for.
            if news != News::Reminder {
                clocks.held_back += 1;
                clocks.held_rings |= wants;
            }
            return false;
        }
        if news != News::Acknowledged {
            clocks.held_back = 0;
            clocks.held_rings = false;
        }
        let urgent = matches!(news, News::Opened | News::Worsened { .. });
        let kept = if urgent { 0 } else { KEPT_RINGS };
        let rung = incident.rang.iter().filter(|rang| cx.now.since(**rang) < RING_SPAN).count();
        // Whoever was told that it has recovered has to know that it has not.
        let steady = !incident.unstable || urgent || news == News::Relapsed;
        let rings = wants && rung + kept < MOST_RINGS && steady;
        if rings {
            incident.rang.push(cx.now);
            let surplus = incident.rang.len().saturating_sub(RINGS_REMEMBERED);
            incident.rang.drain(..surplus);
        }
        incident.notices += 1;
        incident.changed = cx.now;
        self.hand_out(cx);
        let incident = self.incident.clone();
        let seq = incident.notices;
        cx.changes.push(Change::Notice(Box::new(Notice { incident, seq, at: cx.now, news, rings })));
        true
    }

    /// Gives out what it is now.
    pub(super) fn hand_out(&mut self, cx: &mut Context<'_>) {
        if std::mem::take(&mut self.dirty) {
            let phase = self.incident.phase;
            cx.tally.opened += u64::from(self.known_phase.is_none());
            let kind = |phase: Phase| std::mem::discriminant(&phase);
            cx.tally.transitions += u64::from(self.known_phase.map(kind) != Some(kind(phase)));
            self.known_phase = Some(phase);
            cx.changes.push(Change::Incident(Box::new(self.incident.clone())));
        }
    }

    /// Says everything that is due. `tellable`: what began is still so, as far as one can see.
    pub(super) fn speak(&mut self, tellable: bool, cx: &mut Context<'_>) {
        if self.incident.clocks.held_back > 0 && !self.is_silenced(cx) {
            let held_back = self.incident.clocks.held_back;
            self.say(News::WindowEnded { held_back }, cx);
        }
        if !self.is_live() {
            return;
        }
        let now = cx.now;
        let due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        // Where it may not be told yet, the next failure makes it so.
        if due(self.incident.clocks.tell_by) && tellable {
            self.say(News::Opened, cx);
        }
        if !self.incident.clocks.told {
            return;
        }
        if let Some(from) = self.has_worsened() {
            if (from < Gravity::Degraded || self.begins_to_fail()) && self.incident.acknowledged.is_none() {
                self.start_reminders(cx.now);
            }
            self.say(News::Worsened { from }, cx);
        }
        if due(self.incident.clocks.update_at) {
            self.say(News::Updated, cx);
        }
        if due(self.incident.clocks.remind_at) && self.incident.phase == Phase::Open {
            self.incident.clocks.reminders += 1;
            self.plan_reminder(cx.now);
            self.say(News::Reminder, cx);
        }
        if due(self.incident.clocks.examine_at) {
            self.examine(cx);
        }
    }

    /// How bad it was told to be, where it is worse by now.
    fn has_worsened(&self) -> Option<Gravity> {
        let Incident { gravity, clocks, .. } = &self.incident;
        clocks.loudest.filter(|loudest| loudest < gravity || self.begins_to_fail())
    }

    /// Whether something fails in what was told to be about certificates and the like. Such an incident may stand for
    /// days, and may have rung: it must not swallow an outage.
    fn begins_to_fail(&self) -> bool {
        let Incident { gravity, clocks, .. } = &self.incident;
        *gravity >= Gravity::Degraded && !clocks.failure_told && self.incident.fails()
    }

    /// When something of it will be due.
    pub(super) fn due(&self, now: Time) -> Option<Time> {
        let clocks = &self.incident.clocks;
        let live = self.is_live();
        let told = live && clocks.told;
        [
            clocks.tell_by.filter(|at| live && *at > now),
            clocks.update_at.filter(|_| told),
            clocks.remind_at.filter(|_| told && self.incident.phase == Phase::Open),
            clocks.examine_at.filter(|_| told),
            clocks.ends.filter(|at| *at > now),
            self.incident.muted_until.filter(|at| *at > now),
            flapping::settles_at(&self.incident).filter(|at| *at > now),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Something of it changed that those who heard of it should see, sooner or later.
    pub(super) fn content_changed(&mut self, weight: Weight, now: Time) {
        self.dirty = true;
        self.incident.changed = now;
        let unstable = self.incident.unstable;
        let clocks = &mut self.incident.clocks;
        let quiet = clocks.edited.map_or(Duration::MAX, |edited| now.since(edited));
        let apart = match weight {
            Weight::New => EDITS_APART,
            Weight::Idle => {
                let grown = |edits: u32| {
                    let grown = EDITS_APART.saturating_mul(1_u32.checked_shl(edits).unwrap_or(u32::MAX));
                    let least = if unstable { EDITS_APART_UNSTABLE } else { EDITS_APART };
                    grown.clamp(least, LONGEST_APART)
                };
                if quiet >= EDITS_FORGOTTEN.max(grown(clocks.idle_edits) * 2) {
                    clocks.idle_edits = 0;
                }
                grown(clocks.idle_edits)
            }
        };
        clocks.news_waits |= weight == Weight::New;
        let earliest = clocks.updated.map_or(now, |updated| updated + apart).max(now + SETTLE);
        clocks.update_at = Some(clocks.update_at.map_or(earliest, |planned| planned.min(earliest)));
    }

    /// Begins to remind from `now` on.
    pub(super) fn start_reminders(&mut self, now: Time) {
        self.incident.clocks.reminders = 0;
        self.incident.clocks.remind_at = Some(now);
        self.plan_reminder(now);
    }

    fn plan_reminder(&mut self, now: Time) {
        let incident = &self.incident;
        let number = usize::try_from(incident.clocks.reminders).unwrap_or(usize::MAX);
        let expiry = incident.causes.iter().filter_map(|cause| match cause {
            Cause::Certificate { expires, .. } => Some(rules::next_look(*expires, now)),
            _ => None,
        });
        let next = if incident.fails() && incident.gravity >= Gravity::Degraded {
            self.after(REMINDERS[number.min(REMINDERS.len() - 1)], now)
        } else if let Some(look) = expiry.min() {
            look
        } else {
            self.after(DAY * MILD_REMINDERS[number.min(MILD_REMINDERS.len() - 1)], now)
        };
        self.incident.clocks.remind_at = Some(next);
    }

    /// So long after the last reminder. What was missed is not made up for.
    fn after(&self, apart: Duration, now: Time) -> Time {
        let next = self.incident.clocks.remind_at.unwrap_or(now) + apart;
        if next > now { next } else { now + apart }
    }

    /// Asks for a survey.
    pub(super) fn examine(&mut self, cx: &mut Context<'_>) {
        let Subject::Target(target) = self.incident.subject else { return };
        self.incident.clocks.examine_at = None;
        self.incident.clocks.examined = Some(cx.now);
        self.dirty = true;
        cx.changes.push(Change::Examine(target));
    }

    /// Asks for a survey soon, but not too often.
    pub(super) fn examine_soon(&mut self, now: Time) {
        let clocks = &mut self.incident.clocks;
        let earliest = clocks.examined.map_or(now, |examined| examined + SURVEYS_APART);
        clocks.examine_at.get_or_insert(earliest.max(now + SETTLE));
    }

    /// All its clocks stood still for so long.
    pub(super) fn shift(&mut self, by: Duration) {
        let clocks = &mut self.incident.clocks;
        for clock in [
            &mut clocks.tell_by,
            &mut clocks.ends,
            &mut clocks.remind_at,
            &mut clocks.update_at,
            &mut clocks.examine_at,
        ] {
            *clock = clock.map(|at| at + by);
        }
        if self.is_live() {
            self.incident.unwatched += by;
        }
        self.dirty = true;
    }

    /// Whether nothing but what is urgent may be said of it now.
    pub(super) fn is_silenced(&self, cx: &Context<'_>) -> bool {
        self.incident.muted_until.is_some_and(|until| cx.now < until) || self.is_in_window(cx)
    }

    fn is_in_window(&self, cx: &Context<'_>) -> bool {
        cx.silences.iter().any(|silence| silence.is_active(cx.now) && silence.matcher.matches(&self.incident))
    }

    fn is_held(&self, news: &News, cx: &Context<'_>) -> bool {
        match news {
            News::Acknowledged => false,
            News::Worsened { .. } => self.is_in_window(cx),
            _ => self.is_silenced(cx),
        }
    }

    fn would_ring(&self, news: &News) -> bool {
        let incident = &self.incident;
        match news {
            News::Opened | News::Worsened { .. } | News::Relapsed => incident.gravity >= Gravity::Degraded,
            News::Recovered | News::AllClear(_) => incident.worst >= Gravity::Degraded,
            // What is over and nobody heard of does not wake anybody afterwards.
            News::WindowEnded { .. } => {
                incident.clocks.held_rings && (self.is_live() || incident.notices > 0)
            }
            News::Updated
            | News::Reminder
            | News::Extended(_)
            | News::Unclear(_)
            | News::Acknowledged
            | News::Dropped
            | News::Pool { .. }
            | News::Hello { .. } => false,
        }
    }
}
