//! What becomes of what was handed over.

use std::{collections::BTreeMap, time::Duration};

use super::{DOUBT, Desk, Standing, UnderWay};
use crate::{
    Time,
    watch::{
        Delivery, IncidentId, Notice, OutboxRow, Phase, RowId,
        courier::{
            Courier, DispatchId, How, Offer, Report, UNDELIVERED,
            pace::{back_off, spread},
        },
    },
};

/// A channel that refuses everything is asked again after about a minute at the earliest.
const BROKEN: u32 = 6;

impl Desk {
    /// What became of a dispatch; gives the rows that this channel will never take.
    pub(in super::super) fn report(
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
        if let How::Buttons { message, incident, offer } = under_way.how {
            self.buttons_changed(incident, &message, offer, report, now);
            return Vec::new();
        }
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
                    How::New | How::Digest | How::Repeat | How::Buttons { .. } => self.fails(&trouble, now),
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

    /// What became of an attempt to change the buttons below a message.
    fn buttons_changed(
        &mut self,
        incident: IncidentId,
        message: &str,
        offer: Option<Offer>,
        report: Report,
        now: Time,
    ) {
        if let Report::Failed { trouble } | Report::Unknown { trouble } | Report::Broken { trouble } = &report
        {
            self.fails(trouble, now);
        }
        let Some(thread) = self.threads.get_mut(&incident) else { return };
        match report {
            Report::Sent { remark, .. } => {
                thread.buttons.show(message, offer);
                self.works(remark);
            }
            // The channel is well; this message is not there, or too old to be changed.
            Report::Vanished { .. } | Report::Rejected { .. } => thread.buttons.forget(message),
            Report::Later { .. } | Report::Failed { .. } | Report::Unknown { .. } | Report::Broken { .. } => {
                thread.buttons.in_vain(message);
            }
        }
    }

    /// The rows that waited for too long, and when the next one will have.
    pub(in super::super) fn overdue(
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
        if !matches!(under_way.how, How::Edit { .. } | How::Repeat) {
            self.flurry.take(under_way.urgent, now);
        }
        for row in &under_way.rows {
            let Some(entry) = self.entries.remove(row) else { continue };
            self.status.sent += 1;
            let notice = &entry.row.notice;
            if !notice.news.stands_alone() {
                let hushed = notice.rings && self.is_quiet(notice, now);
                let thread = self.threads.entry(notice.incident.id).or_default();
                match under_way.how {
                    How::Digest => thread.told_in_digest(notice, message, now),
                    _ => thread.told(notice, message, self.plan.caps.buttons, now),
                }
                thread.heard(notice, under_way.rings, hushed);
                self.repeat(notice, now);
            }
            let delivery = Delivery::Sent { at: now, message: message.cloned() };
            changed.insert(*row, OutboxRow { delivery, trouble: None, ..entry.row });
        }
    }

    /// Keeps a notice to be said again.
    pub(super) fn repeat(&mut self, notice: &Notice, now: Time) {
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
