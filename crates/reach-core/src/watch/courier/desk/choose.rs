//! What goes next.

use std::collections::BTreeMap;

use super::{Bundle, Choice, Desk, Entry, Group};
use crate::{
    Time,
    watch::{
        Gravity, News, Notice, Phase,
        courier::{AtNight, Courier, How, merge::merge, thread::is_detail},
    },
};

/// So many incidents that wait together become a digest…
const CROWD: usize = 4;
/// …and so many, where they were gathered because there have been many messages already…
const GATHERED_CROWD: usize = 2;
/// … of so many at most.
const LONGEST_DIGEST: usize = 30;

impl Desk {
    pub(super) fn choose(&self, mut bundles: Vec<Bundle>, gathered: bool) -> Choice {
        let crowd = if gathered { GATHERED_CROWD } else { CROWD };
        bundles.sort_by_key(|bundle| (!bundle.rings, bundle.attempts, bundle.into));
        let in_crowd =
            |bundle: &Bundle| !self.plan.caps.program && !bundle.alone && !self.is_edit(&bundle.notice);
        // What happened in one window to many targets is told in one.
        let summary =
            |bundle: &Bundle| in_crowd(bundle) && matches!(bundle.notice.news, News::WindowEnded { .. });
        if bundles.iter().filter(|bundle| summary(bundle)).count() > 1 {
            bundles.retain(summary);
            bundles.truncate(LONGEST_DIGEST);
            return Choice::Digest(bundles);
        }
        if bundles.iter().filter(|bundle| in_crowd(bundle)).count() >= crowd {
            bundles.retain(in_crowd);
            bundles.truncate(LONGEST_DIGEST);
            return Choice::Digest(bundles);
        }
        bundles.into_iter().next().map_or(Choice::Repeat, |first| Choice::One(Box::new(first)))
    }

    /// The incidents of which something can go now, and when the next one can.
    pub(super) fn bundles(&self, now: Time) -> (Vec<Bundle>, Time) {
        let mut groups: BTreeMap<Group, Vec<&Entry>> = BTreeMap::new();
        for entry in self.entries.values() {
            let notice = &entry.row.notice;
            let alone = notice.news.stands_alone().then(|| notice.incident.subject.clone());
            groups.entry((entry.row.incident(), alone)).or_default().push(entry);
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
            // Nobody was woken by it at night: the first word of it by day makes up for that.
            let owed = notice.incident.phase == Phase::Open
                && notice.incident.acknowledged.is_none()
                && self.threads.get(&notice.incident.id).is_some_and(|thread| thread.hushed);
            let rings = (notice.rings || owed) && !self.is_quiet(&notice, now);
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
    pub(super) fn held_until(&self, notice: &Notice, now: Time) -> Option<Time> {
        let span = self.quiet_span(notice, now)?;
        let holds = match self.plan.at_night {
            AtNight::HoldBack => !self.is_edit(notice),
            AtNight::Silent => notice.rings && !self.plan.caps.silent,
        };
        holds.then_some(span)
    }

    pub(super) fn is_quiet(&self, notice: &Notice, now: Time) -> bool {
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
    pub(super) fn is_edit(&self, notice: &Notice) -> bool {
        self.how(notice).is_some_and(|how| matches!(how, How::Edit { .. }))
    }

    /// `None` for a message of its own.
    pub(super) fn how(&self, notice: &Notice) -> Option<How> {
        let thread = self.threads.get(&notice.incident.id)?;
        if notice.news.stands_alone() {
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
}
