//! What everything that happens to an incident needs, and when what is due.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    Time,
    watch::{Change, Incident, IncidentId, News, Notice, Silence, TargetId},
};

/// What happened since the beginning of this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Incidents opened.
    pub opened: u64,
    /// Changes of phase of all incidents, their opening included.
    pub transitions: u64,
}

/// What everything that happens to an incident needs.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub now: Time,
    /// When watching began, or went on after it could not.
    pub thaw: Time,
    pub hold: Duration,
    pub silences: &'a [Silence],
    pub next: &'a mut IncidentId,
    pub loose_seq: &'a mut u32,
    pub tally: &'a mut Tally,
    pub changes: &'a mut Vec<Change>,
}

impl Context<'_> {
    pub(super) fn new_id(&mut self) -> IncidentId {
        let id = *self.next;
        self.next.0 += 1;
        id
    }

    /// Notices without an incident have no counter that would outlive a restart: the clock is theirs.
    pub(super) fn say_without_incident(&mut self, incident: Incident, news: News) {
        let seconds = u32::try_from(self.now.as_secs()).unwrap_or(u32::MAX);
        *self.loose_seq = seconds.max(self.loose_seq.saturating_add(1));
        let notice = Notice { incident, seq: *self.loose_seq, at: self.now, news, rings: false };
        self.changes.push(Change::Notice(Box::new(notice)));
    }
}

/// When which target has something to be done.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    queue: BTreeSet<(Time, TargetId)>,
    dues: BTreeMap<TargetId, Time>,
}

impl Agenda {
    pub(super) fn set(&mut self, target: TargetId, due: Option<Time>) {
        if let Some(old) = self.dues.remove(&target) {
            self.queue.remove(&(old, target));
        }
        if let Some(due) = due {
            self.dues.insert(target, due);
            self.queue.insert((due, target));
        }
    }

    /// When the first of all is due.
    pub(super) fn first(&self) -> Option<Time> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// When this one is due.
    pub(super) fn due(&self, target: TargetId) -> Option<Time> {
        self.dues.get(&target).copied()
    }

    /// The first that is due by `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<TargetId> {
        let (_, target) = *self.queue.first().filter(|(due, _)| *due <= now)?;
        self.set(target, None);
        Some(target)
    }
}
