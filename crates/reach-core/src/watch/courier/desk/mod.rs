//! What waits for one channel.

mod choose;
mod outcome;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    ChannelPlan, Courier, Dispatch, DispatchId, How, LONGEST_REST, Lanes, Part, UNWRITTEN,
    pace::{Flurry, LONGEST},
    route,
    thread::Thread,
};
use crate::{
    Time,
    watch::{ChannelStatus, Delivery, Gravity, IncidentId, News, Notice, OutboxRow, RowId, Subject},
};

/// After an answer that did not come.
const DOUBT: Duration = Duration::from_secs(10);

/// What waits for one channel, and how it is.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) plan: ChannelPlan,
    /// When it was handed something last.
    pub(super) last: Time,
    entries: BTreeMap<RowId, Entry>,
    threads: BTreeMap<IncidentId, Thread>,
    under_way: Option<UnderWay>,
    not_before: Time,
    failures: u32,
    /// It said that it takes nothing.
    refuses: bool,
    stands: BTreeMap<IncidentId, Standing>,
    next_repeat: Time,
    flurry: Flurry,
    status: ChannelStatus,
}

/// A row that waits.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    row: OutboxRow,
    /// When it may go although nobody wrote it.
    free: Time,
    /// The store has it, so that another run would deliver it.
    stored: bool,
    /// When it could have been delivered at first.
    since: Time,
    /// Notices that were merged into it.
    changes: u32,
    /// The fallback has it.
    passed_on: bool,
    /// A digest with it was refused.
    alone: bool,
}

impl Entry {
    /// One that waits to be written.
    pub(super) fn planned(row: OutboxRow, now: Time) -> Self {
        Self { free: now + UNWRITTEN, ..Self::free(row, now) }
    }

    /// One that need not wait.
    pub(super) fn free(row: OutboxRow, now: Time) -> Self {
        Self { row, free: now, stored: false, since: now, changes: 0, passed_on: false, alone: false }
    }
}

#[derive(Clone, Debug)]
struct UnderWay {
    id: DispatchId,
    rows: Vec<RowId>,
    how: How,
    urgent: bool,
    rings: bool,
}

/// Something that is said again and again.
#[derive(Clone, Debug)]
struct Standing {
    notice: Notice,
    /// When it is over; `None` while it goes on.
    until: Option<Time>,
}

/// Whether it is this channel's turn.
pub(super) enum Turn {
    Now(Choice),
    Wait(Time),
}

/// What to hand over.
pub(super) enum Choice {
    One(Box<Bundle>),
    Digest(Vec<Bundle>),
    Repeat,
    Buttons(How),
}

/// The rows of one incident that can go together.
pub(super) struct Bundle {
    /// The newest row, which stays…
    into: RowId,
    /// … and those that are merged into it.
    older: Vec<RowId>,
    /// What they say together.
    notice: Notice,
    changes: u32,
    attempts: u32,
    alone: bool,
    rings: bool,
}

impl Bundle {
    /// It rings because something is critical that was not before.
    fn is_urgent(&self) -> bool {
        let begins = matches!(self.notice.news, News::Opened | News::Worsened { .. } | News::Relapsed);
        self.rings && begins && self.notice.incident.gravity == Gravity::Critical
    }
}

/// Rows without an incident belong to what they are about.
type Group = (IncidentId, Option<Subject>);

impl Desk {
    pub(super) fn new(plan: ChannelPlan) -> Self {
        Self {
            plan,
            last: Time::default(),
            entries: BTreeMap::new(),
            threads: BTreeMap::new(),
            under_way: None,
            not_before: Time::default(),
            failures: 0,
            refuses: false,
            stands: BTreeMap::new(),
            next_repeat: Time::default(),
            flurry: Flurry::default(),
            status: ChannelStatus::default(),
        }
    }

    /// Takes up what an earlier run left.
    pub(super) fn recall(&mut self, kept: &[OutboxRow], now: Time) {
        let shared = shared_messages(kept);
        let name = self.plan.name.clone();
        for row in kept.iter().filter(|row| row.channel == name) {
            if !row.notice.news.stands_alone() {
                self.threads.entry(row.incident()).or_default().recall(row, &shared, self.plan.caps.buttons);
            }
            if let Delivery::Sent { at, .. } = row.delivery {
                self.repeat(&row.notice, at);
            }
            if !row.delivery.is_pending() {
                continue;
            }
            let since = if row.attempts == 0 { row.not_before.max(row.notice.at) } else { row.notice.at };
            let mut entry = Entry { since: since.min(now), stored: true, ..Entry::free(row.clone(), now) };
            entry.row.not_before = row.not_before.min(now + LONGEST_REST);
            if row.delivery == Delivery::Sending {
                entry.row.delivery = Delivery::Unknown;
                entry.row.not_before = entry.row.not_before.max(now + DOUBT);
            }
            self.entries.insert(row.id, entry);
        }
    }

    /// Another plan from now on; whatever was wrong may be right now.
    pub(super) fn renew(&mut self, plan: ChannelPlan, now: Time) {
        self.plan = plan;
        self.refuses = false;
        self.not_before = self.not_before.min(now);
    }

    /// Everything that waits, given up.
    pub(super) fn dissolve(&mut self, changed: &mut BTreeMap<RowId, OutboxRow>) -> Vec<OutboxRow> {
        let give_up = |entry: Entry| {
            let row = OutboxRow { delivery: Delivery::Dead, ..entry.row };
            changed.insert(row.id, row.clone());
            (!entry.passed_on).then_some(row)
        };
        std::mem::take(&mut self.entries).into_values().filter_map(give_up).collect()
    }

    /// Whether it said that it takes nothing.
    pub(super) const fn refuses(&self) -> bool {
        self.refuses
    }

    pub(super) fn wants(&self, notice: &Notice) -> bool {
        route::wants(&self.plan, self.threads.get(&notice.incident.id), notice)
    }

    /// Whether this notice or a later one of the same incident is or was told here, or can never be.
    pub(super) fn is_told_of(&self, notice: &Notice) -> bool {
        let waits = |entry: &Entry| {
            let known = &entry.row.notice;
            known.incident.id == notice.incident.id && known.seq >= notice.seq
        };
        let thread = self.threads.get(&notice.incident.id);
        thread.is_some_and(|thread| thread.is_done_with(notice)) || self.entries.values().any(waits)
    }

    /// Whoever else had this notice gave it up: what waits here of it has no copy elsewhere any more.
    pub(super) fn is_the_last_to_have(&mut self, notice: &Notice) {
        for entry in self.entries.values_mut() {
            let known = &entry.row.notice;
            if known.incident.id == notice.incident.id && known.seq >= notice.seq {
                entry.passed_on = false;
            }
        }
    }

    /// The row that there was for a notice, or for a later one, and that was given up.
    pub(super) fn revive(&mut self, notice: &Notice) -> Option<OutboxRow> {
        self.threads.get_mut(&notice.incident.id)?.revive(notice)
    }

    pub(super) fn take(&mut self, entry: Entry) {
        if !entry.row.notice.news.stands_alone() {
            self.threads.entry(entry.row.incident()).or_default().plan(&entry.row.notice);
        }
        self.entries.insert(entry.row.id, entry);
    }

    pub(super) fn release(&mut self, rows: &[RowId]) {
        for row in rows {
            if let Some(entry) = self.entries.get_mut(row) {
                (entry.free, entry.stored) = (Time::default(), true);
            }
        }
    }

    /// Whether a row waits here, or is under way, that another run would deliver.
    pub(super) fn has_stored(&self, row: RowId) -> bool {
        self.entries.get(&row).is_some_and(|entry| entry.stored)
    }

    /// Takes back what has not been handed over.
    pub(super) fn withdraw(&mut self, rows: &[RowId]) {
        let flying = self.under_way.iter().flat_map(|under_way| &under_way.rows);
        let flying: BTreeSet<RowId> = flying.copied().collect();
        self.entries.retain(|row, _| flying.contains(row) || !rows.contains(row));
    }

    pub(super) fn forget_what_is_over(&mut self, now: Time) {
        self.threads.retain(|_, thread| !thread.is_over(now));
    }

    pub(super) fn status(&self) -> ChannelStatus {
        ChannelStatus {
            pending: self.entries.len() as u64,
            oldest: self.entries.values().map(|entry| entry.row.notice.at).min(),
            ..self.status.clone()
        }
    }

    /// What to do now, if anything can be done.
    pub(super) fn turn(&mut self, lanes: &Lanes, now: Time) -> Turn {
        if self.under_way.is_some() {
            return Turn::Wait(Courier::NEVER);
        }
        self.stands.retain(|_, standing| standing.until.is_none_or(|until| until >= now));
        let (mut bundles, mut wake) = self.bundles(now);
        let gathers = |urgent| self.flurry.gathers_until(urgent, now).filter(|_| !self.plan.caps.program);
        let (mut gathered, gathered_urgent) = (gathers(false), gathers(true));
        // What was refused together has waited already.
        let waits_until = |bundle: &Bundle| {
            let until = if bundle.is_urgent() { gathered_urgent } else { gathered };
            until.filter(|until| now < *until && !bundle.alone && !self.is_edit(&bundle.notice))
        };
        wake = bundles.iter().filter_map(waits_until).fold(wake, Time::min);
        bundles.retain(|bundle| waits_until(bundle).is_none());
        if gathered.is_some() && gathered_urgent.is_none() && bundles.iter().any(Bundle::is_urgent) {
            bundles.retain(Bundle::is_urgent);
            gathered = None;
        }
        let repeat = if self.stands.is_empty() { Courier::NEVER } else { self.next_repeat };
        wake = wake.min(repeat);
        let says_nothing = bundles.is_empty() && now < repeat;
        let buttons = self.stale_buttons().filter(|_| says_nothing);
        if says_nothing && buttons.is_none() {
            return Turn::Wait(wake);
        }
        let bot = self.plan.bot.as_ref().map(|bot| lanes.free(bot)).unwrap_or_default();
        let open = self.not_before.max(lanes.free(&self.plan.chat)).max(bot);
        if now < open {
            // What is to be said comes first, whenever it can be.
            return Turn::Wait(if says_nothing { wake.min(open) } else { open });
        }
        if let Some(how) = buttons {
            return Turn::Now(Choice::Buttons(how));
        }
        Turn::Now(self.choose(bundles, gathered.is_some()))
    }

    /// Hands over what was chosen.
    pub(super) fn hand(
        &mut self,
        choice: Choice,
        id: DispatchId,
        now: Time,
        changed: &mut BTreeMap<RowId, OutboxRow>,
    ) -> Dispatch {
        self.last = now;
        let (how, bundles) = match choice {
            Choice::One(bundle) => (self.how(&bundle.notice).unwrap_or(How::New), vec![*bundle]),
            Choice::Digest(bundles) => (How::Digest, bundles),
            Choice::Repeat => (How::Repeat, Vec::new()),
            Choice::Buttons(how) => (how, Vec::new()),
        };
        let rings = !matches!(how, How::Edit { .. }) && bundles.iter().any(|bundle| bundle.rings);
        let rows: Vec<RowId> = bundles.iter().map(|bundle| bundle.into).collect();
        let urgent = bundles.iter().any(Bundle::is_urgent);
        let mut parts: Vec<Part> =
            bundles.into_iter().filter_map(|bundle| self.hand_one(bundle, changed)).collect();
        if how == How::Repeat {
            self.next_repeat = now + self.plan.repeat.map_or(LONGEST, |repeat| repeat.every);
            parts.extend(self.stands.values().map(|standing| Part {
                row: None,
                notice: standing.notice.clone(),
                changes: 0,
                again: true,
                instead_of: None,
            }));
        }
        self.under_way = Some(UnderWay { id, rows, how: how.clone(), urgent, rings });
        Dispatch { id, channel: self.plan.name.clone(), parts, how, rings }
    }

    /// Buttons that say what is not so any more.
    fn stale_buttons(&self) -> Option<How> {
        self.threads.iter().find_map(|(incident, thread)| {
            let (message, offer) = thread.buttons.stale()?;
            Some(How::Buttons { message: message.clone(), incident: *incident, offer: offer.cloned() })
        })
    }

    fn hand_one(&mut self, bundle: Bundle, changed: &mut BTreeMap<RowId, OutboxRow>) -> Option<Part> {
        let into = bundle.into;
        let older: Vec<Entry> = bundle.older.iter().filter_map(|row| self.entries.remove(row)).collect();
        let entry = self.entries.get_mut(&into)?;
        for merged in older {
            // What the fallback has not got yet has waited since the first of it.
            if !merged.passed_on {
                entry.since = if entry.passed_on { merged.since } else { entry.since.min(merged.since) };
                entry.passed_on = false;
            }
            entry.row.instead_of = entry.row.instead_of.take().or_else(|| merged.row.instead_of.clone());
            changed.insert(merged.row.id, OutboxRow { delivery: Delivery::Merged { into }, ..merged.row });
        }
        let again = entry.row.delivery == Delivery::Unknown;
        entry.row.notice = bundle.notice;
        entry.row.delivery = Delivery::Sending;
        entry.row.attempts = bundle.attempts + 1;
        entry.changes = bundle.changes;
        changed.insert(into, entry.row.clone());
        Some(Part {
            row: Some(into),
            notice: entry.row.notice.clone(),
            changes: entry.changes,
            again,
            instead_of: entry.row.instead_of.clone(),
        })
    }
}

/// The messages of each channel that told of more than one incident.
fn shared_messages(rows: &[OutboxRow]) -> BTreeSet<(&str, &str)> {
    let mut told: BTreeMap<(&str, &str), IncidentId> = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for row in rows {
        let Delivery::Sent { message: Some(message), .. } = &row.delivery else { continue };
        let key = (row.channel.as_str(), message.as_str());
        if *told.entry(key).or_insert(row.incident()) != row.incident() {
            shared.insert(key);
        }
    }
    shared
}
