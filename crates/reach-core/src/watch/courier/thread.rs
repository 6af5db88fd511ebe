//! What a channel has been told of an incident.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{How, buttons::Buttons};
use crate::{
    Time,
    watch::{Delivery, News, Notice, OutboxRow, Phase},
};

/// What is over is remembered for so long: a row that another channel could not deliver may still come by.
const MEMORY: Duration = Duration::from_secs(3600);

/// The messages of one incident in one channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Thread {
    /// What later messages refer to.
    pub(super) root: Option<String>,
    /// What is changed when details change.
    pub(super) standing: Option<String>,
    /// The highest number among the notices that were delivered.
    told: u32,
    /// The highest number among those that will never be taken.
    rejected: u32,
    /// The last message of its own was one that told of others too.
    pub(super) in_digest: bool,
    /// One of them had a diagnosis.
    pub(super) diagnosis: bool,
    /// The rows that were given up, by the numbers of their notices.
    graves: BTreeMap<u32, OutboxRow>,
    /// Quiet hours took the sound from something that should have rung, and it goes on.
    pub(super) hushed: bool,
    /// Since when it is over and told.
    closed: Option<Time>,
    /// The buttons below its messages.
    pub(super) buttons: Buttons,
}

impl Thread {
    /// A notice is meant for this channel.
    pub(super) fn plan(&mut self, notice: &Notice) {
        self.diagnosis |= notice.incident.diagnosis.is_some();
    }

    /// A row was given up, for now.
    pub(super) fn bury(&mut self, row: &OutboxRow, now: Time) {
        self.graves.insert(row.notice.seq, row.clone());
        self.close(&row.notice, now);
    }

    /// The row that there was for a notice, or for a later one: there is no second one for the same.
    pub(super) fn revive(&mut self, notice: &Notice) -> Option<OutboxRow> {
        let newest = self.graves.range(notice.seq..).next_back().map(|(seq, _)| *seq)?;
        self.graves.remove(&newest)
    }

    /// A notice will never be taken.
    pub(super) fn reject(&mut self, notice: &Notice) {
        self.rejected = self.rejected.max(notice.seq);
    }

    /// Whether there is nothing more to be done here about a notice.
    pub(super) fn is_done_with(&self, notice: &Notice) -> bool {
        self.told.max(self.rejected) >= notice.seq
    }

    /// A notice was delivered on its own, with buttons or without.
    pub(super) fn told(&mut self, notice: &Notice, message: Option<&String>, buttons: bool, now: Time) {
        self.buttons.told(&notice.incident, message.filter(|_| buttons));
        if let Some(message) = message {
            self.root.get_or_insert_with(|| message.clone());
            if self.standing.is_none() || becomes_standing(&notice.news) {
                self.standing = Some(message.clone());
            }
        }
        self.in_digest &= is_detail(&notice.news);
        self.told = self.told.max(notice.seq);
        self.close(notice, now);
    }

    /// A notice was delivered in a digest, which cannot be changed for the sake of one incident.
    pub(super) fn told_in_digest(&mut self, notice: &Notice, message: Option<&String>, now: Time) {
        self.buttons.told(&notice.incident, None);
        if let Some(message) = message {
            self.root.get_or_insert_with(|| message.clone());
        }
        (self.standing, self.in_digest) = (None, true);
        self.told = self.told.max(notice.seq);
        self.close(notice, now);
    }

    /// A notice was delivered; whether with a sound, and whether it would have had one by day.
    pub(super) fn heard(&mut self, notice: &Notice, rang: bool, hushed: bool) {
        self.hushed = notice.incident.phase == Phase::Open && !rang && (hushed || self.hushed);
    }

    /// The message that this referred to does not exist any more.
    pub(super) fn lose(&mut self, how: &How) {
        if let How::Edit { message } = how {
            self.buttons.forget(message);
        }
        self.standing = None;
        if !matches!(how, How::Edit { .. }) {
            self.root = None;
        }
    }

    fn close(&mut self, notice: &Notice, now: Time) {
        if matches!(notice.incident.phase, Phase::Closed { .. }) {
            self.closed = Some(now);
        }
    }

    /// Whether nothing more will come.
    pub(super) fn is_over(&self, now: Time) -> bool {
        self.closed.is_some_and(|closed| now.since(closed) > MEMORY)
    }

    /// A row of an earlier run. `shared` are the messages that told of several incidents; the others had `buttons`.
    pub(super) fn recall(&mut self, row: &OutboxRow, shared: &BTreeSet<(&str, &str)>, buttons: bool) {
        self.plan(&row.notice);
        match &row.delivery {
            Delivery::Sent { at, message } => {
                let in_digest =
                    message.as_deref().is_some_and(|message| shared.contains(&(&row.channel, message)));
                if in_digest {
                    self.told_in_digest(&row.notice, message.as_ref(), *at);
                } else {
                    self.told(&row.notice, message.as_ref(), buttons, *at);
                }
            }
            Delivery::Dead => self.bury(row, row.notice.at),
            Delivery::Queued | Delivery::Sending | Delivery::Unknown | Delivery::Merged { .. } => {}
        }
    }
}

/// Says all there is to say, so it is the one to keep up to date.
fn becomes_standing(news: &News) -> bool {
    matches!(news, News::Opened | News::Worsened { .. } | News::Relapsed | News::WindowEnded { .. })
}

/// Only changes what stands.
pub(super) fn is_detail(news: &News) -> bool {
    matches!(news, News::Updated | News::Acknowledged)
}
