//! Which message goes to which channel when.
//!
//! What becomes of a notice:
//!
//! 1. [`Courier::plan`] makes one row of it for each channel that wants it. Whoever drives the courier writes them
//!    together with the change that they tell of, and says so ([`Courier::committed`]). A store that is stuck keeps
//!    nobody from being told: after ten seconds a row is delivered from memory.
//! 2. [`Courier::poll`] hands rows to their channels: one at a time to each, no faster than its rates allow, never
//!    while it asked to be left alone. All rows of one incident that wait together become one message, and many
//!    incidents that wait together become a digest. Louder ones go first. Where people got two messages within three
//!    minutes, what comes then is gathered for up to a minute; what has become critical waits only where two messages of
//!    that kind came.
//! 3. [`Courier::report`] takes what became of it. Nothing is ever dropped: what failed is tried again, later and
//!    later; what may have been delivered is tried again too, because hearing twice is better than not at all; what
//!    a channel does not take for five minutes, or never will, goes to its fallback, which is told why.
//! 4. [`Courier::take_updates`] gives the rows that changed, to be written again (some of them for the first time).
//!
//! What should have rung and came in quiet hours without a sound rings with the first word of it by day, if it goes on.
//!
//! Within an incident nothing overtakes anything. Details (another address, a diagnosis, who takes care) change the
//! message that stands, where the channel can do that, and wait for it to exist. When nothing else is to be said,
//! buttons below older messages are changed to what can still be done, or taken away.

mod buttons;
mod channel;
mod desk;
mod merge;
mod pace;
mod route;
mod thread;

#[cfg(test)]
mod crowds;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

pub use self::{buttons::Offer, channel::*};
use self::{
    desk::{Desk, Entry, Turn},
    pace::Lanes,
};
use super::{ChannelStatus, Delivery, IncidentId, InsteadOf, Notice, OutboxRow, RowId};
use crate::Time;

/// A row that nobody wrote for so long is delivered all the same.
const UNWRITTEN: Duration = Duration::from_secs(10);
/// Longer than this nobody waits for what an earlier run was told to wait for: its clock may have been ahead.
const LONGEST_REST: Duration = Duration::from_secs(3600);
/// What a channel did not take for so long goes to its fallback.
const UNDELIVERED: Duration = Duration::from_secs(300);

/// Decides which row goes to which channel when.
#[derive(Clone, Debug)]
pub struct Courier {
    desks: BTreeMap<String, Desk>,
    lanes: Lanes,
    next_row: RowId,
    next_dispatch: u64,
    changed: BTreeMap<RowId, OutboxRow>,
    under_way: BTreeMap<DispatchId, String>,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq)]
pub enum CourierStep {
    /// Hand this to its channel, and report.
    Hand(Dispatch),
    /// Nothing before then. [`Courier::NEVER`] where there is nothing to do at all.
    Wait(Time),
}

/// Names what was handed to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DispatchId(pub u64);

/// Something for a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// Its id.
    pub id: DispatchId,
    /// The name of the channel.
    pub channel: String,
    /// What to say: one part, but several in a digest or a repetition, and none where only buttons change.
    pub parts: Vec<Part>,
    /// How to say it.
    pub how: How,
    /// Whether a telephone may ring for it.
    pub rings: bool,
}

/// One notice in a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The row; `None` where it is only said again.
    pub row: Option<RowId>,
    /// What to say.
    pub notice: Notice,
    /// Earlier notices that it stands for too.
    pub changes: u32,
    /// It may have been delivered already.
    pub again: bool,
    /// It was meant for another channel.
    pub instead_of: Option<InsteadOf>,
}

/// How to say something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// A message of its own.
    New,
    /// One that refers to an earlier one, if that still exists.
    Reply {
        /// What the other side calls the earlier one.
        to: String,
    },
    /// In place of what a message says.
    Edit {
        /// What the other side calls the message.
        message: String,
    },
    /// Several incidents in one message.
    Digest,
    /// Everything that stands, again.
    Repeat,
    /// Nothing new: only the buttons below a message, which say what is not so any more. There are no parts.
    Buttons {
        /// What the other side calls the message.
        message: String,
        /// What it is about.
        incident: IncidentId,
        /// What they are to offer; `None` for none at all.
        offer: Option<Offer>,
    },
}

/// What became of a dispatch. No text in it has a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It was delivered.
    Sent {
        /// What the other side calls the message.
        message: Option<String>,
        /// What is not as it should be all the same: the chat has another id now.
        remark: Option<String>,
    },
    /// The other side wants to be left alone for so long.
    Later {
        /// How long.
        after: Duration,
        /// What it said.
        trouble: String,
    },
    /// It was surely not delivered.
    Failed {
        /// Why.
        trouble: String,
    },
    /// It may have been delivered: the answer did not come.
    Unknown {
        /// What came instead.
        trouble: String,
    },
    /// This will never be taken; others may.
    Rejected {
        /// Why.
        trouble: String,
    },
    /// Nothing will be taken until somebody does something about it.
    Broken {
        /// Why.
        trouble: String,
    },
    /// The message that was to be changed does not exist any more.
    Vanished {
        /// What the other side said.
        trouble: String,
    },
}

impl Courier {
    /// Later than anything.
    pub const NEVER: Time = Time::from_micros(u64::MAX);

    /// A courier for these channels.
    ///
    /// `kept` are the rows of earlier runs that are pending, and those of incidents that are not closed whatever
    /// became of them: later messages refer to theirs. Rows that were handed over when the run ended may have been
    /// delivered. `next_row` is above every id ever given.
    pub fn new(channels: Vec<ChannelPlan>, kept: Vec<OutboxRow>, next_row: RowId, now: Time) -> Self {
        let highest = kept.iter().map(|row| row.id.0 + 1).max().unwrap_or_default();
        let mut courier = Self {
            desks: channels.into_iter().map(|plan| (plan.name.clone(), Desk::new(plan))).collect(),
            lanes: Lanes::default(),
            next_row: RowId(next_row.0.max(highest)),
            next_dispatch: 0,
            changed: BTreeMap::new(),
            under_way: BTreeMap::new(),
        };
        let mut kept = kept;
        kept.sort_by_key(|row| row.id);
        for desk in courier.desks.values_mut() {
            desk.recall(&kept, now);
            // Whoever asked to be left alone still is; how fast it went before is forgotten.
            let waits = kept.iter().filter(|row| row.attempts > 0 && row.delivery.is_pending());
            let waits = waits.filter(|row| row.channel == desk.plan.name).map(|row| row.not_before);
            let until = waits.max().unwrap_or_default().min(now + LONGEST_REST);
            courier.lanes.rest(&desk.plan.chat, until);
        }
        for row in kept {
            if row.delivery.is_pending() && !courier.desks.contains_key(&row.channel) {
                courier.changed.insert(row.id, OutboxRow { delivery: Delivery::Dead, ..row });
            }
        }
        courier
    }

    /// The rows to be written with the change that the notice tells of. They wait for [`Courier::committed`].
    pub fn plan(&mut self, notice: &Notice, now: Time) -> Vec<OutboxRow> {
        let mut rows = Vec::new();
        for desk in self.desks.values_mut() {
            desk.forget_what_is_over(now);
            if !desk.wants(notice) {
                continue;
            }
            let row = OutboxRow {
                id: self.next_row,
                channel: desk.plan.name.clone(),
                notice: notice.clone(),
                delivery: Delivery::Queued,
                attempts: 0,
                not_before: now,
                trouble: None,
                instead_of: None,
            };
            self.next_row.0 += 1;
            desk.take(Entry::planned(row.clone(), now));
            rows.push(row);
        }
        rows
    }

    /// These rows are written.
    pub fn committed(&mut self, rows: &[RowId]) {
        for desk in self.desks.values_mut() {
            desk.release(rows);
        }
    }

    /// Whether another run would deliver this row. Before it leaves, the store should know that it does: then another
    /// run knows that it may have been delivered, and says so.
    pub fn is_stored(&self, row: RowId) -> bool {
        self.desks.values().any(|desk| desk.has_stored(row))
    }

    /// These rows must not be delivered: the store has others that say the same. What is on its way stays so.
    pub fn withdraw(&mut self, rows: &[RowId]) {
        for desk in self.desks.values_mut() {
            desk.withdraw(rows);
        }
        self.changed.retain(|row, _| !rows.contains(row));
    }

    /// What to do now. Call again until it is [`CourierStep::Wait`], after every other call too.
    pub fn poll(&mut self, now: Time) -> CourierStep {
        let mut wake = self.pass_on(now);
        let mut names: Vec<(Time, &String)> =
            self.desks.iter().map(|(name, desk)| (desk.last, name)).collect();
        names.sort();
        let names: Vec<String> = names.into_iter().map(|(_, name)| name.clone()).collect();
        for name in names {
            let Some(desk) = self.desks.get_mut(&name) else { continue };
            match desk.turn(&self.lanes, now) {
                Turn::Wait(until) => wake = wake.min(until),
                Turn::Now(choice) => {
                    let id = DispatchId(self.next_dispatch);
                    self.next_dispatch += 1;
                    self.lanes.take(&desk.plan.chat, now);
                    if let Some(bot) = &desk.plan.bot {
                        self.lanes.take(bot, now);
                    }
                    let dispatch = desk.hand(choice, id, now, &mut self.changed);
                    self.under_way.insert(id, name);
                    return CourierStep::Hand(dispatch);
                }
            }
        }
        CourierStep::Wait(wake)
    }

    /// What became of a dispatch. Ones that are not under way are ignored.
    pub fn report(&mut self, id: DispatchId, report: Report, now: Time) {
        let Some(name) = self.under_way.remove(&id) else { return };
        let has_way_out = self.has_way_out(&name);
        let Some(desk) = self.desks.get_mut(&name) else { return };
        if let Report::Later { after, .. } = &report {
            self.lanes.rest(&desk.plan.chat, now + *after);
        }
        let refused = desk.report(id, report, has_way_out, now, &mut self.changed);
        for row in refused {
            self.give_to_fallback(&name, &row, now);
        }
    }

    /// The rows that changed since the last call, and those that are new without a notice: to be written, whether or
    /// not they were before.
    pub fn take_updates(&mut self) -> Vec<OutboxRow> {
        std::mem::take(&mut self.changed).into_values().collect()
    }

    /// How far each channel is.
    pub fn status(&self) -> BTreeMap<String, ChannelStatus> {
        self.desks.iter().map(|(name, desk)| (name.clone(), desk.status())).collect()
    }

    /// When people sleep from now on.
    pub fn quiet(&mut self, channel: &str, spans: Vec<QuietSpan>) {
        if let Some(desk) = self.desks.get_mut(channel) {
            desk.plan.quiet = spans;
        }
    }

    /// Other channels from now on. What waits for one that is gone goes to its fallback.
    pub fn reload(&mut self, channels: Vec<ChannelPlan>, now: Time) {
        let mut before = std::mem::take(&mut self.desks);
        for plan in channels {
            let desk = match before.remove(&plan.name) {
                Some(mut desk) => {
                    desk.renew(plan, now);
                    desk
                }
                None => Desk::new(plan),
            };
            self.desks.insert(desk.plan.name.clone(), desk);
        }
        for (name, mut desk) in before {
            self.under_way.retain(|_, channel| *channel != name);
            let fallback = desk.plan.fallback.clone();
            for row in desk.dissolve(&mut self.changed) {
                self.copy(fallback.as_deref(), &name, &row, now);
            }
        }
    }

    /// Gives what was not taken for too long to the fallbacks; says when to look again.
    fn pass_on(&mut self, now: Time) -> Time {
        let mut wake = Self::NEVER;
        let mut late = Vec::new();
        let with_fallback = self.desks.iter().filter(|(_, desk)| desk.plan.fallback.is_some());
        let names: Vec<String> = with_fallback.map(|(name, _)| name.clone()).collect();
        for name in names {
            let has_way_out = self.has_way_out(&name);
            let Some(desk) = self.desks.get_mut(&name) else { continue };
            let (rows, next) = desk.overdue(has_way_out, now, &mut self.changed);
            wake = wake.min(next);
            late.extend(rows.into_iter().map(|row| (name.clone(), row)));
        }
        for (name, row) in &late {
            self.give_to_fallback(name, row, now);
        }
        wake
    }

    /// Whether what this channel refuses can go elsewhere. A fallback that refuses everything itself is no way out.
    fn has_way_out(&self, name: &str) -> bool {
        let fallback = self.desks.get(name).and_then(|desk| desk.plan.fallback.as_ref());
        fallback.and_then(|fallback| self.desks.get(fallback)).is_some_and(|desk| !desk.refuses())
    }

    fn give_to_fallback(&mut self, name: &str, row: &OutboxRow, now: Time) {
        let fallback = self.desks.get(name).and_then(|desk| desk.plan.fallback.clone());
        self.copy(fallback.as_deref(), name, row, now);
    }

    /// Makes a row for the fallback, unless it is told the same or later news anyway.
    fn copy(&mut self, fallback: Option<&str>, from: &str, row: &OutboxRow, now: Time) {
        let Some(desk) = fallback.and_then(|fallback| self.desks.get_mut(fallback)) else { return };
        let knows = if row.notice.news.stands_alone() {
            row.instead_of.is_some() || desk.wants(&row.notice)
        } else {
            desk.is_told_of(&row.notice)
        };
        if knows {
            if row.delivery == Delivery::Dead {
                desk.is_the_last_to_have(&row.notice);
            }
            return;
        }
        let trouble = row.trouble.clone().unwrap_or_default();
        let instead_of = Some(InsteadOf { channel: from.to_owned(), trouble });
        let copy = match desk.revive(&row.notice) {
            Some(buried) => {
                OutboxRow { delivery: Delivery::Queued, not_before: now, trouble: None, instead_of, ..buried }
            }
            None => {
                let id = self.next_row;
                self.next_row.0 += 1;
                OutboxRow {
                    id,
                    channel: desk.plan.name.clone(),
                    notice: row.notice.clone(),
                    delivery: Delivery::Queued,
                    attempts: 0,
                    not_before: now,
                    trouble: None,
                    instead_of,
                }
            }
        };
        self.changed.insert(copy.id, copy.clone());
        desk.take(Entry::free(copy, now));
    }
}
