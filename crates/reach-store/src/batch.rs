//! What is handed in, and what waits to be written.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
};

use reach_core::{
    Time,
    watch::{
        AgreementChange, Asked, CertificateSeen, Event, Examination, Incident, IncidentId, OutboxRow,
        Remembered, ResolutionChange, RowId, Sample, Series, Silence, SilenceId, TargetId, Transition,
        VantageChange, Why,
    },
};
use serde::{Deserialize, Serialize};

/// What has to be remembered, handed in together and, but for samples and answers of resolvers, written
/// together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Now. The store reads no other clock: how old something is and since when the disk is stuck are told by
    /// this.
    pub at: Time,
    /// Write at once: somebody waits for it.
    pub urgent: bool,
    /// Targets that are watched for the first time, with the ids that they keep.
    pub targets: Vec<(TargetId, String)>,
    /// Addresses tried.
    pub samples: Vec<Sample>,
    /// Resolvers asked.
    pub asked: Vec<Asked>,
    /// Addresses that changed their state. One that was forgotten or dropped is not remembered any more.
    pub transitions: Vec<Transition>,
    /// What else was learned.
    pub notes: Vec<Note>,
    /// What is now to be remembered of addresses.
    pub remembered: Vec<Remembered>,
    /// Incidents as they now are.
    pub incidents: Vec<Incident>,
    /// Rows of the outbox as they now are.
    pub outbox: Vec<OutboxRow>,
    /// Silences as they now are. One that was ended early ends now.
    pub silences: Vec<Silence>,
    /// Surveys, and the incidents that they belong to; of those that do not say, the one of the target that
    /// is not closed, if there is one.
    pub examinations: Vec<(Option<IncidentId>, Examination)>,
    /// What people told the watch.
    pub audit: Vec<AuditEntry>,
}

/// Something that was learned and is kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// A name began to resolve, or ceased to.
    Resolution(ResolutionChange),
    /// Resolvers began to differ, or ceased to.
    Agreement(AgreementChange),
    /// Another certificate.
    Certificate(CertificateSeen),
    /// This host's own connectivity changed.
    Vantage(VantageChange),
    /// Nothing was watched for a time.
    Gap {
        /// From here…
        from: Time,
        /// …to there.
        until: Time,
    },
    /// The addresses that a resolver gives for a name are others than they were.
    Pool {
        /// The target.
        target: TargetId,
        /// When.
        at: Time,
        /// The resolver.
        resolver: SocketAddr,
        /// All that it gave lately; empty where it gives none any more.
        addresses: BTreeSet<IpAddr>,
    },
}

impl Note {
    /// The target that it is about; `None` where it is about this host.
    pub fn target(&self) -> Option<TargetId> {
        match self {
            Note::Resolution(change) => Some(change.target),
            Note::Agreement(change) => Some(change.target),
            Note::Certificate(seen) => Some(seen.series.target),
            Note::Pool { target, .. } => Some(*target),
            Note::Vantage(_) | Note::Gap { .. } => None,
        }
    }

    /// When; of a gap, when it ended.
    pub fn at(&self) -> Time {
        match self {
            Note::Resolution(change) => change.at,
            Note::Agreement(change) => change.at,
            Note::Certificate(seen) => seen.at,
            Note::Vantage(change) => change.at,
            Note::Gap { until, .. } => *until,
            Note::Pool { at, .. } => *at,
        }
    }

    /// The stable name of its kind.
    pub const fn code(&self) -> &'static str {
        match self {
            Note::Resolution(_) => "resolution",
            Note::Agreement(_) => "agreement",
            Note::Certificate(_) => "certificate",
            Note::Vantage(_) => "vantage",
            Note::Gap { .. } => "gap",
            Note::Pool { .. } => "pool",
        }
    }
}

/// What somebody told the watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Time,
    /// Who.
    pub who: String,
    /// What they did.
    pub did: String,
}

impl Batch {
    /// Nothing yet.
    pub fn new(at: Time) -> Self {
        Self { at, ..Self::default() }
    }

    /// Adds what a patrol learned.
    pub fn learn(&mut self, event: Event) {
        match event {
            Event::Sample(sample) => self.samples.push(sample),
            Event::Asked(asked) => self.asked.push(asked),
            Event::Moved(transition) => self.transitions.push(transition),
            Event::Resolution(change) => self.notes.push(Note::Resolution(change)),
            Event::Agreement(change) => self.notes.push(Note::Agreement(change)),
            Event::Certificate(seen) => self.notes.push(Note::Certificate(seen)),
            Event::Vantage(change) => self.notes.push(Note::Vantage(change)),
            Event::Gap { from, until } => self.notes.push(Note::Gap { from, until }),
            Event::Examined(examination) => self.examinations.push((None, *examination)),
            // What comes of them is in the incidents.
            Event::Suffering { .. }
            | Event::Relieved { .. }
            | Event::Matter { .. }
            | Event::MatterOver { .. } => {}
        }
    }
}

/// What waits to be written. Of what has an id only the latest state waits, so that a disk that is stuck for
/// long does not fill the memory.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// The latest moment that was told.
    pub(crate) at: Time,
    /// When the first of it came.
    pub(crate) since: Option<Time>,
    pub(crate) targets: BTreeMap<TargetId, String>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) transitions: Vec<Transition>,
    pub(crate) notes: Vec<Note>,
    /// `None` for what is to be forgotten.
    pub(crate) remembered: BTreeMap<Series, Option<Remembered>>,
    pub(crate) incidents: BTreeMap<IncidentId, Incident>,
    pub(crate) outbox: BTreeMap<RowId, OutboxRow>,
    pub(crate) silences: BTreeMap<SilenceId, Silence>,
    pub(crate) examinations: VecDeque<(Option<IncidentId>, Examination)>,
    pub(crate) audit: Vec<AuditEntry>,
    pub(crate) lost: Lost,
}

/// What was given up because too much waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Samples and answers of resolvers.
    pub(crate) samples: u64,
    /// Whole surveys.
    pub(crate) examinations: u64,
    /// Transitions, notes and audit entries.
    pub(crate) changes: u64,
}

impl Lost {
    pub(crate) fn add(&mut self, other: Lost) {
        self.samples += other.samples;
        self.examinations += other.examinations;
        self.changes += other.changes;
    }
}

/// Surveys that wait at most: some have thousands of observations.
const MOST_EXAMINATIONS: usize = 64;
/// Transitions, and notes, and audit entries that wait at most: weeks of them, in some 100 MB.
const MOST_CHANGES: usize = 500_000;

impl Pending {
    /// Takes a batch in; samples only as long as fewer than `most` wait.
    pub(crate) fn add(&mut self, batch: Batch, most: usize) {
        self.at = self.at.max(batch.at);
        self.since.get_or_insert(batch.at);
        self.targets.extend(batch.targets);
        self.lost.samples += append(&mut self.samples, batch.samples, most);
        self.lost.samples += append(&mut self.asked, batch.asked, most);
        for transition in &batch.transitions {
            if matches!(transition.why, Why::Forgotten | Why::Dropped) {
                self.remembered.insert(transition.series, None);
            }
        }
        self.lost.changes += append(&mut self.transitions, batch.transitions, MOST_CHANGES);
        self.lost.changes += append(&mut self.notes, batch.notes, MOST_CHANGES);
        self.lost.changes += append(&mut self.audit, batch.audit, MOST_CHANGES);
        self.remembered.extend(batch.remembered.into_iter().map(|row| (row.series, Some(row))));
        self.incidents.extend(batch.incidents.into_iter().map(|incident| (incident.id, incident)));
        self.outbox.extend(batch.outbox.into_iter().map(|row| (row.id, row)));
        self.silences.extend(batch.silences.into_iter().map(|silence| (silence.id, silence)));
        self.examinations.extend(batch.examinations);
        self.bound_examinations();
    }

    /// Takes in what came after it.
    pub(crate) fn absorb(&mut self, newer: Pending, most: usize) {
        self.at = self.at.max(newer.at);
        self.since = self.since.or(newer.since);
        self.targets.extend(newer.targets);
        self.lost.add(newer.lost);
        self.lost.samples += append(&mut self.samples, newer.samples, most);
        self.lost.samples += append(&mut self.asked, newer.asked, most);
        self.lost.changes += append(&mut self.transitions, newer.transitions, MOST_CHANGES);
        self.lost.changes += append(&mut self.notes, newer.notes, MOST_CHANGES);
        self.lost.changes += append(&mut self.audit, newer.audit, MOST_CHANGES);
        self.remembered.extend(newer.remembered);
        self.incidents.extend(newer.incidents);
        self.outbox.extend(newer.outbox);
        self.silences.extend(newer.silences);
        self.examinations.extend(newer.examinations);
        self.bound_examinations();
    }

    /// Whether there is something that must not be lost, not even in a power cut.
    pub(crate) fn has_changes(&self) -> bool {
        self.changes() > 0
    }

    /// How many rows of what must not be lost.
    pub(crate) fn changes(&self) -> usize {
        self.targets.len()
            + self.transitions.len()
            + self.notes.len()
            + self.incidents.len()
            + self.outbox.len()
            + self.silences.len()
            + self.examinations.len()
            + self.audit.len()
    }

    /// How many results.
    pub(crate) fn results(&self) -> usize {
        self.samples.len() + self.asked.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes() == 0 && self.results() == 0 && self.remembered.is_empty()
    }

    /// Takes everything but results.
    pub(crate) fn take_changes(&mut self) -> Self {
        let mut taken = std::mem::take(self);
        self.samples = std::mem::take(&mut taken.samples);
        self.asked = std::mem::take(&mut taken.asked);
        self.at = taken.at;
        self.since = taken.since.filter(|_| self.results() > 0);
        taken
    }

    /// Lets go of everything but results: it has been written.
    pub(crate) fn clear_changes(&mut self) {
        let (samples, asked) = (std::mem::take(&mut self.samples), std::mem::take(&mut self.asked));
        *self = Self { at: self.at, since: self.since, samples, asked, lost: self.lost, ..Self::default() };
    }

    fn bound_examinations(&mut self) {
        let excess = self.examinations.len().saturating_sub(MOST_EXAMINATIONS);
        self.examinations.drain(..excess);
        self.lost.examinations += excess as u64;
    }
}

/// Appends as long as there is room; how many found none.
fn append<T>(to: &mut Vec<T>, mut from: Vec<T>, most: usize) -> u64 {
    let room = most.saturating_sub(to.len());
    let lost = from.len().saturating_sub(room);
    from.truncate(room);
    to.append(&mut from);
    lost as u64
}

#[cfg(test)]
mod tests {
    use reach_core::watch::{AddressState, Layer, Reading};

    use super::*;

    fn series() -> Series {
        Series { target: TargetId(1), address: [192, 0, 2, 1].into() }
    }

    fn remembered(since: u64) -> Remembered {
        Remembered {
            series: series(),
            health: AddressState::Ok,
            since: Time::from_micros(since),
            reason: None,
            first_seen: Time::default(),
            last_given: Time::default(),
            ttl_s: 60,
            resolvers: Default::default(),
            gone_since: None,
            last_ok: None,
            certificate_expires: None,
        }
    }

    fn moved(why: Why) -> Transition {
        let (from, to) = (AddressState::Ok, AddressState::Ok);
        Transition { series: series(), at: Time::from_micros(1), from, to, why }
    }

    #[test]
    fn samples_beyond_what_may_wait_are_counted_and_nothing_else_is_given_up() {
        let reading = Reading::Unable;
        let sample =
            Sample { series: series(), layer: Layer::Connect, at: Time::default(), reading, again: false };
        let mut pending = Pending::default();
        for _ in 0..4 {
            let batch = Batch {
                samples: vec![sample; 3],
                transitions: vec![moved(Why::Answered)],
                ..Batch::default()
            };
            pending.add(batch, 7);
        }
        assert_eq!((pending.samples.len(), pending.lost.samples), (7, 5));
        assert_eq!(pending.transitions.len(), 4);
    }

    #[test]
    fn of_what_has_an_id_the_latest_state_waits() {
        let mut pending = Pending::default();
        pending.add(Batch { remembered: vec![remembered(1)], ..Batch::default() }, 10);
        let mut newer = Pending::default();
        newer.add(Batch { remembered: vec![remembered(2)], ..Batch::default() }, 10);
        pending.absorb(newer, 10);
        assert_eq!(pending.remembered[&series()], Some(remembered(2)));
    }

    #[test]
    fn what_is_forgotten_stays_so_until_it_is_remembered_again() {
        let mut pending = Pending::default();
        pending.add(Batch { remembered: vec![remembered(1)], ..Batch::default() }, 10);
        pending.add(Batch { transitions: vec![moved(Why::Forgotten)], ..Batch::default() }, 10);
        assert_eq!(pending.remembered[&series()], None);
        pending.add(Batch { remembered: vec![remembered(2)], ..Batch::default() }, 10);
        assert_eq!(pending.remembered[&series()], Some(remembered(2)));
    }
}
