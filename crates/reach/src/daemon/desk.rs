//! The middle of the watch: what the patrol learns becomes incidents, notices, rows of the outbox, and a batch for
//! the store. Plain code over explicit time; the daemon drives it, and so do the tests, through months in seconds.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    time::Duration,
};

use reach_core::{
    Time,
    watch::{
        Change, Event, Incident, IncidentId, Notice, Order, OutboxRow, Phase, Remark, Remembered, RowId,
        Status, TargetId,
        assurance::Ledger,
        incidents::{Incidents, OrderError},
    },
};
use reach_store::{AuditEntry, Batch, Committed, Ticket};

/// Results are handed to the store this often; changes at once.
const HAND_IN_EVERY: Duration = Duration::from_millis(500);
/// Where there is nothing to hand in the store hears so often that everything was watched until then.
const LET_KNOW_EVERY: Duration = Duration::from_secs(5);

/// Where notices go: to the channels, or, in tests, straight to a courier.
pub trait Outbox {
    /// The rows to be written with the change that the notice tells of.
    fn plan(&mut self, notice: &Notice, now: Time) -> Vec<OutboxRow>;
    /// These rows are written.
    fn committed(&mut self, rows: &[RowId]);
    /// These rows must not be delivered: others that are written say the same.
    fn refused(&mut self, _rows: &[RowId]) {}
}

/// Brings incidents, the outbox and the store together.
pub struct Desk<O> {
    incidents: Incidents,
    outbox: O,
    ledgers: Vec<Ledger>,
    batch: Batch,
    handed_in: Time,
    /// Rows of the outbox that were handed to the store and are not known to be written.
    unwritten: VecDeque<(Ticket, Vec<RowId>)>,
    /// Surveys that are wanted.
    wanted: Vec<TargetId>,
    /// What was said, for whoever watches.
    told: Vec<Notice>,
    phases: BTreeMap<IncidentId, Phase>,
    opened: u64,
    transitions: u64,
}

impl<O: Outbox> Desk<O> {
    /// A desk at `now`.
    pub fn new(incidents: Incidents, outbox: O, now: Time) -> Self {
        let phases = incidents.open().map(|incident| (incident.id, incident.phase)).collect();
        let mut desk = Self {
            incidents,
            outbox,
            ledgers: Vec::new(),
            batch: Batch::new(now),
            handed_in: now,
            unwritten: VecDeque::new(),
            wanted: Vec::new(),
            told: Vec::new(),
            phases,
            opened: 0,
            transitions: 0,
        };
        desk.gather(now);
        desk
    }

    /// Keeps account for a statement at the end.
    pub fn keep_account(&mut self, ledger: Ledger) {
        self.ledgers.push(ledger);
    }

    /// Keeps account of these targets only.
    pub fn keep_accounts_of(&mut self, targets: &[TargetId]) {
        self.ledgers.retain(|ledger| targets.contains(&ledger.target()));
    }

    /// The accounts.
    pub fn accounts(&self) -> &[Ledger] {
        &self.ledgers
    }

    /// Takes what the patrol learned, and what is to be remembered of addresses.
    pub fn learn(&mut self, events: Vec<Event>, remembered: Vec<Remembered>, now: Time) {
        for event in events {
            self.incidents.take(&event);
            for ledger in &mut self.ledgers {
                ledger.take(&event);
            }
            self.batch.learn(event);
            self.gather(now);
        }
        self.batch.remembered.extend(remembered);
        self.tick(now);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Time) {
        self.incidents.tick(now);
        self.gather(now);
    }

    /// What somebody told the watch.
    pub fn order(&mut self, order: Order, who: &str, now: Time) -> Result<(), OrderError> {
        let did = serde_json::to_string(&order).unwrap_or_default();
        let silence = match &order {
            Order::Silence(silence) => Some(silence.id),
            Order::Expire { silence, .. } => Some(*silence),
            _ => None,
        };
        self.incidents.order(order, now)?;
        self.batch.audit.push(AuditEntry { at: now, who: who.to_owned(), did });
        let silences = self.incidents.silences().iter().filter(|known| Some(known.id) == silence).cloned();
        self.batch.silences.extend(silences);
        self.batch.urgent = true;
        self.gather(now);
        Ok(())
    }

    /// What somebody wrote down about an incident that is closed.
    pub fn remark_afterwards(&mut self, mut incident: Incident, remark: Remark) -> Result<(), OrderError> {
        let order = Order::Remark { incident: incident.id, text: remark.text.clone(), by: remark.by.clone() };
        let (at, who) = (remark.at, remark.by.clone());
        incident.remark(remark)?;
        let did = serde_json::to_string(&order).unwrap_or_default();
        self.batch.audit.push(AuditEntry { at, who, did });
        self.batch.incidents.push(incident);
        self.batch.urgent = true;
        Ok(())
    }

    /// Incidents and silences.
    pub fn incidents(&self) -> &Incidents {
        &self.incidents
    }

    /// Incidents and silences, to give them another plan.
    pub fn incidents_mut(&mut self) -> &mut Incidents {
        &mut self.incidents
    }

    /// The outbox.
    pub fn outbox(&self) -> &O {
        &self.outbox
    }

    /// The outbox, to drive it.
    pub fn outbox_mut(&mut self) -> &mut O {
        &mut self.outbox
    }

    /// Rows of the outbox that are to be written again.
    pub fn rewrite(&mut self, rows: Vec<OutboxRow>) {
        self.batch.urgent |= !rows.is_empty();
        self.batch.outbox.extend(rows);
    }

    /// Targets that are watched for the first time.
    pub fn enlist(&mut self, targets: Vec<(TargetId, String)>) {
        self.batch.urgent |= !targets.is_empty();
        self.batch.targets.extend(targets);
    }

    /// Says something that no change of an incident brought about.
    pub fn say(&mut self, notice: Notice, now: Time) {
        let rows = self.outbox.plan(&notice, now);
        self.batch.urgent |= !rows.is_empty();
        self.batch.outbox.extend(rows);
        self.told.push(notice);
    }

    /// Nothing ran in this time. Incidents know that by themselves.
    pub fn record_gap(&mut self, from: Time, until: Time) {
        self.batch.learn(Event::Gap { from, until });
    }

    /// When something is to be done at the latest.
    pub fn due(&self) -> Option<Time> {
        self.incidents.due()
    }

    /// What is to be written now. What comes back is told by [`Desk::handed_in`] and [`Desk::committed`].
    pub fn take_batch(&mut self, now: Time) -> Option<Batch> {
        let batch = &self.batch;
        let results = batch.samples.len() + batch.asked.len() + batch.remembered.len();
        let is_due = now.since(self.handed_in) >= HAND_IN_EVERY;
        let is_news = batch.urgent || is_due && (results > 0 || has_changes(batch));
        if !is_news && now.since(self.handed_in) < LET_KNOW_EVERY {
            return None;
        }
        self.handed_in = now;
        let mut batch = mem::replace(&mut self.batch, Batch::new(now));
        batch.at = now;
        Some(batch)
    }

    /// A batch with these rows was given to the store.
    pub fn handed_in(&mut self, ticket: Ticket, rows: Vec<RowId>) {
        if !rows.is_empty() {
            self.unwritten.push_back((ticket, rows));
        }
    }

    /// What the store wrote. Its rows may go to their channels.
    pub fn committed(&mut self, committed: &Committed) {
        if !committed.refused.is_empty() {
            self.outbox.refused(&committed.refused);
        }
        while self.unwritten.front().is_some_and(|(ticket, _)| *ticket <= committed.through) {
            let Some((_, mut rows)) = self.unwritten.pop_front() else { return };
            rows.retain(|row| !committed.refused.contains(row));
            self.outbox.committed(&rows);
        }
    }

    /// Whether all rows that were handed in are known to be written.
    pub fn is_written(&self) -> bool {
        self.unwritten.is_empty()
    }

    /// The targets that a whole survey is wanted of.
    pub fn take_wanted(&mut self) -> Vec<TargetId> {
        mem::take(&mut self.wanted)
    }

    /// What was said since this was last asked.
    pub fn take_told(&mut self) -> Vec<Notice> {
        mem::take(&mut self.told)
    }

    /// Adds what it knows to a status.
    pub fn describe(&self, status: &mut Status) {
        status.incidents = self.incidents.open().cloned().collect();
        status.silences = self.incidents.silences().to_vec();
        status.incidents_opened = self.opened;
        status.incident_transitions = self.transitions;
    }

    /// Changes belong to what brought them about, and are written with it.
    fn gather(&mut self, now: Time) {
        for change in self.incidents.take_changes() {
            match change {
                Change::Incident(incident) => self.file(*incident),
                Change::Notice(notice) => self.say(*notice, now),
                Change::Examine(target) => self.wanted.push(target),
            }
        }
    }

    fn file(&mut self, incident: Incident) {
        let before = self.phases.insert(incident.id, incident.phase);
        self.opened += u64::from(before.is_none());
        let moved =
            before.is_none_or(|before| mem::discriminant(&before) != mem::discriminant(&incident.phase));
        self.transitions += u64::from(moved);
        self.batch.urgent |= moved;
        if matches!(incident.phase, Phase::Closed { .. }) {
            self.phases.remove(&incident.id);
        }
        self.batch.incidents.push(incident);
    }
}

/// The rows of the outbox in a batch.
pub fn rows_of(batch: &Batch) -> Vec<RowId> {
    batch.outbox.iter().map(|row| row.id).collect()
}

fn has_changes(batch: &Batch) -> bool {
    !(batch.transitions.is_empty()
        && batch.notes.is_empty()
        && batch.incidents.is_empty()
        && batch.outbox.is_empty()
        && batch.silences.is_empty()
        && batch.examinations.is_empty()
        && batch.audit.is_empty()
        && batch.targets.is_empty())
}
