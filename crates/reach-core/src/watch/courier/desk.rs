//! What waits for one channel.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    AtNight, ChannelPlan, Courier, Dispatch, DispatchId, How, Lanes, Part, Report, UNDELIVERED, UNWRITTEN,
    merge::merge,
    pace::{LONGEST, back_off, spread},
    route,
    thread::{Thread, is_detail},
};
use crate::{
    Time,
    watch::{ChannelStatus, Delivery, Gravity, IncidentId, News, Notice, OutboxRow, Phase, RowId},
};

/// After an answer that did not come.
const DOUBT: Duration = Duration::from_secs(10);
/// So many incidents that wait together become a digest…
const CROWD: usize = 4;
/// … of so many at most.
const LONGEST_DIGEST: usize = 30;

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
    status: ChannelStatus,
}

/// A row that waits.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    row: OutboxRow,
    /// When it may go although nobody wrote it.
    free: Time,
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
        Self { row, free: now, since: now, changes: 0, passed_on: false, alone: false }
    }
}

#[derive(Clone, Debug)]
struct UnderWay {
    id: DispatchId,
    rows: Vec<RowId>,
    how: How,
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
    One(Bundle),
    Digest(Vec<Bundle>),
    Repeat,
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

/// The rows of a pool have no incident that they belong to.
type Group = (IncidentId, bool);

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
            status: ChannelStatus::default(),
        }
    }

    /// Takes up what an earlier run left.
    pub(super) fn recall(&mut self, kept: &[OutboxRow], now: Time) {
        let shared = shared_messages(kept);
        let name = self.plan.name.clone();
        for row in kept.iter().filter(|row| row.channel == name) {
            if !matches!(row.notice.news, News::Pool { .. }) {
                self.threads.entry(row.incident()).or_default().recall(row, &shared);
            }
            if let Delivery::Sent { at, .. } = row.delivery {
                self.repeat(&row.notice, at);
            }
            if !row.delivery.is_pending() {
                continue;
            }
            let since = if row.attempts == 0 { row.not_before.max(row.notice.at) } else { row.notice.at };
            let mut entry = Entry { since: since.min(now), ..Entry::free(row.clone(), now) };
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
        if !matches!(entry.row.notice.news, News::Pool { .. }) {
            self.threads.entry(entry.row.incident()).or_default().plan(&entry.row.notice);
        }
        self.entries.insert(entry.row.id, entry);
    }

    pub(super) fn release(&mut self, rows: &[RowId]) {
        for row in rows {
            if let Some(entry) = self.entries.get_mut(row) {
                entry.free = Time::default();
            }
        }
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
        let (bundles, mut wake) = self.bundles(now);
        let repeat = if self.stands.is_empty() { Courier::NEVER } else { self.next_repeat };
        wake = wake.min(repeat);
        if bundles.is_empty() && now < repeat {
            return Turn::Wait(wake);
        }
        let bot = self.plan.bot.as_ref().map(|bot| lanes.free(bot)).unwrap_or_default();
        let open = self.not_before.max(lanes.free(&self.plan.chat)).max(bot);
        if now < open {
            return Turn::Wait(open);
        }
        Turn::Now(self.choose(bundles))
    }

    fn choose(&self, mut bundles: Vec<Bundle>) -> Choice {
        bundles.sort_by_key(|bundle| (!bundle.rings, bundle.attempts, bundle.into));
        let in_crowd =
            |bundle: &Bundle| !self.plan.caps.program && !bundle.alone && !self.is_edit(&bundle.notice);
        if bundles.iter().filter(|bundle| in_crowd(bundle)).count() >= CROWD {
            bundles.retain(in_crowd);
            bundles.truncate(LONGEST_DIGEST);
            return Choice::Digest(bundles);
        }
        bundles.into_iter().next().map_or(Choice::Repeat, Choice::One)
    }

    /// The incidents of which something can go now, and when the next one can.
    fn bundles(&self, now: Time) -> (Vec<Bundle>, Time) {
        let mut groups: BTreeMap<Group, Vec<&Entry>> = BTreeMap::new();
        for entry in self.entries.values() {
            let pool = matches!(entry.row.notice.news, News::Pool { .. });
            groups.entry((entry.row.incident(), pool)).or_default().push(entry);
        }
        let mut wake = Courier::NEVER;
        let mut bundles = Vec::new();
        for entries in groups.into_values() {
            // Nothing overtakes what waits to be written or to be tried again.
            let written: Vec<&Entry> =
                entries.iter().copied().take_while(|entry| entry.free <= now).collect();
            if let Some(unwritten) = entries.get(written.len()) {
                wake = wake.min(unwritten.free);
            }
            // A program that follows every change gets them one by one; one that is told the state anew does not.
            let one_by_one = self.plan.caps.program && self.plan.repeat.is_none();
            let written = if one_by_one { &written[..written.len().min(1)] } else { &written[..] };
            let (Some(first), Some((into, older))) = (written.first(), written.split_last()) else {
                continue;
            };
            let ready = written.iter().map(|entry| entry.row.not_before).max().unwrap_or_default();
            if ready > now {
                wake = wake.min(ready);
                continue;
            }
            let newer = written.iter().skip(1);
            let notice = newer.fold(first.row.notice.clone(), |all, entry| merge(&all, &entry.row.notice));
            if let Some(until) = self.held_until(&notice, now) {
                wake = wake.min(until);
                continue;
            }
            let rings = notice.rings && !self.is_quiet(&notice, now);
            bundles.push(Bundle {
                into: into.row.id,
                older: older.iter().map(|entry| entry.row.id).collect(),
                changes: written.iter().map(|entry| entry.changes + 1).sum::<u32>() - 1,
                attempts: written.iter().map(|entry| entry.row.attempts).max().unwrap_or_default(),
                alone: written.iter().any(|entry| entry.alone),
                notice,
                rings,
            });
        }
        (bundles, wake)
    }

    /// The end of the quiet hours that hold a notice back.
    fn held_until(&self, notice: &Notice, now: Time) -> Option<Time> {
        let span = self.quiet_span(notice, now)?;
        let holds = match self.plan.at_night {
            AtNight::HoldBack => !self.is_edit(notice),
            AtNight::Silent => notice.rings && !self.plan.caps.silent,
        };
        holds.then_some(span)
    }

    fn is_quiet(&self, notice: &Notice, now: Time) -> bool {
        self.quiet_span(notice, now).is_some()
    }

    fn quiet_span(&self, notice: &Notice, now: Time) -> Option<Time> {
        let grave = notice.incident.gravity.max(notice.incident.worst) >= Gravity::Critical;
        if grave || self.plan.caps.program {
            return None;
        }
        self.plan.quiet.iter().find(|span| span.from <= now && now < span.until).map(|span| span.until)
    }

    /// Whether it only changes a message that stands.
    fn is_edit(&self, notice: &Notice) -> bool {
        self.how(notice).is_some_and(|how| matches!(how, How::Edit { .. }))
    }

    /// `None` for a message of its own.
    fn how(&self, notice: &Notice) -> Option<How> {
        let thread = self.threads.get(&notice.incident.id)?;
        if matches!(notice.news, News::Pool { .. }) {
            return None;
        }
        let standing = thread.standing.as_ref().filter(|_| self.plan.caps.edits && is_detail(&notice.news));
        let root = thread.root.as_ref().filter(|_| self.plan.caps.threads);
        match (standing, root) {
            (Some(message), _) => Some(How::Edit { message: message.clone() }),
            (None, Some(root)) => Some(How::Reply { to: root.clone() }),
            (None, None) => None,
        }
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
            Choice::One(bundle) => (self.how(&bundle.notice).unwrap_or(How::New), vec![bundle]),
            Choice::Digest(bundles) => (How::Digest, bundles),
            Choice::Repeat => (How::Repeat, Vec::new()),
        };
        let rings = !matches!(how, How::Edit { .. }) && bundles.iter().any(|bundle| bundle.rings);
        let rows: Vec<RowId> = bundles.iter().map(|bundle| bundle.into).collect();
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
        self.under_way = Some(UnderWay { id, rows, how: how.clone() });
        Dispatch { id, channel: self.plan.name.clone(), parts, how, rings }
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

    /// What became of a dispatch; gives the rows that this channel will never take.
    pub(super) fn report(
        &mut self,
        id: DispatchId,
        report: Report,
        has_way_out: bool,
        now: Time,
        changed: &mut BTreeMap<RowId, OutboxRow>,
    ) -> Vec<OutboxRow> {
        let Some(under_way) = self.under_way.take_if(|under_way| under_way.id == id) else {
            return Vec::new();
        };
        let rows = &under_way.rows;
        match report {
            Report::Sent { message, remark } => {
                self.works(remark);
                self.sent(&under_way, message.as_ref(), now, changed);
                return Vec::new();
            }
            Report::Later { after, trouble } => {
                self.in_vain(&trouble);
                self.again(rows, Delivery::Queued, now + after, &trouble, changed);
            }
            Report::Failed { trouble } => {
                let until = self.fails(&trouble, now);
                self.again(rows, Delivery::Queued, until, &trouble, changed);
            }
            Report::Unknown { trouble } => {
                let until = self.fails(&trouble, now);
                // To change a message twice harms nobody.
                let doubt = if matches!(under_way.how, How::Edit { .. }) { Duration::ZERO } else { DOUBT };
                self.again(rows, Delivery::Unknown, until.max(now + doubt), &trouble, changed);
            }
            Report::Vanished { trouble } => {
                // Whatever else vanished, there is nothing left to leave out.
                let until = match under_way.how {
                    How::Edit { .. } | How::Reply { .. } => {
                        self.in_vain(&trouble);
                        now
                    }
                    How::New | How::Digest | How::Repeat => self.fails(&trouble, now),
                };
                for row in rows {
                    let incident = self.entries.get(row).map(|entry| entry.row.incident());
                    if let Some(thread) = incident.and_then(|incident| self.threads.get_mut(&incident)) {
                        thread.lose(&under_way.how);
                    }
                }
                self.again(rows, Delivery::Queued, until, &trouble, changed);
            }
            Report::Rejected { trouble } => {
                self.in_vain(&trouble);
                if under_way.how == How::Digest && rows.len() > 1 {
                    for row in rows {
                        if let Some(entry) = self.entries.get_mut(row) {
                            entry.alone = true;
                        }
                    }
                    self.again(rows, Delivery::Queued, now, &trouble, changed);
                } else {
                    for row in rows {
                        let Some(entry) = self.entries.get(row) else { continue };
                        if let Some(thread) = self.threads.get_mut(&entry.row.incident()) {
                            thread.reject(&entry.row.notice);
                        }
                    }
                    return self.bury(rows, &trouble, now, changed);
                }
            }
            Report::Broken { trouble } => {
                self.failures = self.failures.max(BROKEN);
                let until = self.fails(&trouble, now);
                self.refuses = true;
                if has_way_out {
                    return self.bury(rows, &trouble, now, changed);
                }
                self.again(rows, Delivery::Queued, until, &trouble, changed);
            }
        }
        Vec::new()
    }

    /// The rows that waited for too long, and when the next one will have.
    pub(super) fn overdue(
        &mut self,
        has_way_out: bool,
        now: Time,
        changed: &mut BTreeMap<RowId, OutboxRow>,
    ) -> (Vec<OutboxRow>, Time) {
        let morning = self.plan.quiet.iter().map(|span| span.until).filter(|&until| until <= now).max();
        let mut wake = Courier::NEVER;
        let mut late = Vec::new();
        let rests = self.refuses && has_way_out && now < self.not_before;
        for entry in self.entries.values() {
            if entry.passed_on || entry.row.delivery == Delivery::Sending {
                continue;
            }
            if let Some(until) = self.held_until(&entry.row.notice, now) {
                wake = wake.min(until);
                continue;
            }
            let due = entry.since.max(morning.unwrap_or_default()) + UNDELIVERED;
            if due <= now || (rests && entry.free <= now) {
                late.push(entry.row.id);
            } else {
                wake = wake.min(due);
            }
        }
        let trouble = self.status.trouble.clone();
        let trouble = trouble.unwrap_or_else(|| "it takes messages more slowly than they come".to_owned());
        if rests {
            return (self.bury(&late, &trouble, now, changed), wake);
        }
        let passed_on = late.iter().filter_map(|row| {
            let entry = self.entries.get_mut(row)?;
            entry.passed_on = true;
            let trouble = entry.row.trouble.clone().unwrap_or_else(|| trouble.clone());
            Some(OutboxRow { trouble: Some(trouble), ..entry.row.clone() })
        });
        (passed_on.collect(), wake)
    }

    fn works(&mut self, remark: Option<String>) {
        self.failures = 0;
        self.refuses = false;
        self.not_before = Time::default();
        self.status.broken_since = None;
        self.status.trouble = remark;
    }

    fn sent(
        &mut self,
        under_way: &UnderWay,
        message: Option<&String>,
        now: Time,
        changed: &mut BTreeMap<RowId, OutboxRow>,
    ) {
        for row in &under_way.rows {
            let Some(entry) = self.entries.remove(row) else { continue };
            self.status.sent += 1;
            let notice = &entry.row.notice;
            if !matches!(notice.news, News::Pool { .. }) {
                let thread = self.threads.entry(notice.incident.id).or_default();
                match under_way.how {
                    How::Digest => thread.told_in_digest(notice, message, now),
                    _ => thread.told(notice, message, now),
                }
                self.repeat(notice, now);
            }
            let delivery = Delivery::Sent { at: now, message: message.cloned() };
            changed.insert(*row, OutboxRow { delivery, trouble: None, ..entry.row });
        }
    }

    /// Keeps a notice to be said again.
    fn repeat(&mut self, notice: &Notice, now: Time) {
        let Some(repeat) = self.plan.repeat else { return };
        let over = matches!(notice.incident.phase, Phase::Recovered { .. } | Phase::Closed { .. });
        let until = over.then_some(now + repeat.resolved_for);
        if self.stands.is_empty() {
            self.next_repeat = now + repeat.every;
        }
        let before = self.stands.get(&notice.incident.id);
        // The all-clear of what has ended already does not make the end any longer.
        let until = match before.and_then(|standing| standing.until) {
            Some(earlier) => until.map(|_| earlier),
            None => until,
        };
        self.stands.insert(notice.incident.id, Standing { notice: notice.clone(), until });
    }

    fn in_vain(&mut self, trouble: &str) {
        self.status.failed += 1;
        self.status.trouble = Some(trouble.to_owned());
    }

    /// Counts a failure of the channel; says when to try again.
    fn fails(&mut self, trouble: &str, now: Time) -> Time {
        self.in_vain(trouble);
        self.failures = self.failures.saturating_add(1);
        self.status.broken_since.get_or_insert(now);
        self.not_before = now + back_off(self.failures, spread(&self.plan.name) ^ now.as_micros());
        self.not_before
    }

    fn again(
        &mut self,
        rows: &[RowId],
        delivery: Delivery,
        not_before: Time,
        trouble: &str,
        changed: &mut BTreeMap<RowId, OutboxRow>,
    ) {
        for row in rows {
            let Some(entry) = self.entries.get_mut(row) else { continue };
            entry.row.delivery = delivery.clone();
            entry.row.not_before = not_before;
            entry.row.trouble = Some(trouble.to_owned());
            changed.insert(*row, entry.row.clone());
        }
    }

    fn bury(
        &mut self,
        rows: &[RowId],
        trouble: &str,
        now: Time,
        changed: &mut BTreeMap<RowId, OutboxRow>,
    ) -> Vec<OutboxRow> {
        let mut dead = Vec::new();
        for row in rows {
            let Some(entry) = self.entries.remove(row) else { continue };
            self.status.dead += 1;
            if let Some(thread) = self.threads.get_mut(&entry.row.incident()) {
                thread.bury(&entry.row, now);
            }
            let trouble = Some(trouble.to_owned());
            let buried = OutboxRow { delivery: Delivery::Dead, trouble, ..entry.row };
            changed.insert(*row, buried.clone());
            if !entry.passed_on {
                dead.push(buried);
            }
        }
        dead
    }
}

/// A channel that refuses everything is asked again after about a minute at the earliest.
const BROKEN: u32 = 6;

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
