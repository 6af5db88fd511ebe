//! What people tell the watch.

use super::{Case, Context, Incidents};
use crate::{
    Time,
    watch::{
        Acknowledged, Change, IncidentId, MOST_REMARKS, News, Order, Phase, Remark, SilenceId, Subject,
        TargetId,
    },
};

/// Why an order cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// There is no such incident, or it is closed.
    #[error("there is no open incident #{}; {}", .asked.0, list(.open, "no incident is open", "open are"))]
    NoSuchIncident {
        /// What was asked for.
        asked: IncidentId,
        /// What is open, with the target's text.
        open: Vec<(IncidentId, String)>,
    },
    /// A mute that ends before it begins.
    #[error("a mute has to end in the future")]
    MuteIsOver {
        /// When it would end.
        until: Time,
    },
    /// A silence that ends before it begins.
    #[error("a silence has to end after it begins")]
    SilenceEndsFirst {
        /// When it would begin.
        from: Time,
        /// When it would end.
        until: Time,
    },
    /// A silence that is over already.
    #[error("a silence has to end in the future")]
    SilenceIsOver {
        /// When it would end.
        until: Time,
    },
    /// A silence that nobody answers for.
    #[error("a silence needs an author")]
    NoAuthor,
    /// There is no such silence, or it is over.
    #[error("there is no silence {}; {}", .asked.0, list(.standing, "there is none", "there are"))]
    NoSuchSilence {
        /// What was asked for.
        asked: SilenceId,
        /// Those that are not over, with their comments.
        standing: Vec<(SilenceId, String)>,
    },
    /// A remark that says nothing.
    #[error("a remark needs a text")]
    EmptyRemark,
    /// An incident that has remarks enough.
    #[error("incident #{} has {MOST_REMARKS} remarks already", .incident.0)]
    TooManyRemarks {
        /// Which.
        incident: IncidentId,
    },
    /// There is no such target.
    #[error("no target {} is watched", .asked.0)]
    NoSuchTarget {
        /// What was asked for.
        asked: TargetId,
    },
}

/// What there is, in one line.
fn list<I: Copy + Into<u64>>(what: &[(I, String)], none: &str, some: &str) -> String {
    if what.is_empty() {
        return none.to_owned();
    }
    let each: Vec<String> = what
        .iter()
        .map(|(id, text)| {
            let id: u64 = (*id).into();
            // Comments and names come from people: nothing of them may move a cursor.
            let text: String = text.chars().filter(|c| !c.is_control()).collect();
            format!("#{id} ({text})")
        })
        .collect();
    format!("{some} {}", each.join(", "))
}

impl From<IncidentId> for u64 {
    fn from(id: IncidentId) -> u64 {
        id.0
    }
}

impl From<SilenceId> for u64 {
    fn from(id: SilenceId) -> u64 {
        id.0
    }
}

impl Incidents {
    /// Carries out an order, at `now`.
    ///
    /// # Errors
    ///
    /// Where it names what is not there, or a time that makes no sense. Nothing has changed then.
    pub fn order(&mut self, order: Order, now: Time) -> Result<(), OrderError> {
        self.tick(now);
        match order {
            Order::Acknowledge { incident, by } => self.acknowledge(incident, by),
            Order::Mute { incident, until, by: _ } => self.mute(incident, until),
            Order::Remark { incident, text, by } => self.remark(incident, text, by),
            Order::Silence(silence) => {
                if silence.until <= silence.from {
                    return Err(OrderError::SilenceEndsFirst { from: silence.from, until: silence.until });
                }
                if silence.until <= self.now {
                    return Err(OrderError::SilenceIsOver { until: silence.until });
                }
                if silence.author.trim().is_empty() {
                    return Err(OrderError::NoAuthor);
                }
                // A window that the configuration makes again is the one that there was.
                self.silences.retain(|known| known.id != silence.id);
                self.silences.push(silence);
                self.refresh_all();
                Ok(())
            }
            Order::Expire { silence, by: _ } => {
                let before = self.silences.len();
                self.silences.retain(|known| known.id != silence);
                if self.silences.len() == before {
                    let standing =
                        self.silences.iter().map(|known| (known.id, known.comment.clone())).collect();
                    return Err(OrderError::NoSuchSilence { asked: silence, standing });
                }
                self.refresh_all();
                Ok(())
            }
            Order::Examine(target) => {
                if !self.wards.contains_key(&target) {
                    return Err(OrderError::NoSuchTarget { asked: target });
                }
                self.changes.push(Change::Examine(target));
                Ok(())
            }
        }
    }

    fn acknowledge(&mut self, id: IncidentId, by: String) -> Result<(), OrderError> {
        self.with_case(id, |case, cx| {
            let incident = &mut case.incident;
            if incident.acknowledged.as_ref().is_some_and(|known| known.by == by) {
                return;
            }
            incident.acknowledged = Some(Acknowledged { by, at: cx.now });
            incident.clocks.remind_at = None;
            case.say(News::Acknowledged, cx);
        })
    }

    fn mute(&mut self, id: IncidentId, until: Time) -> Result<(), OrderError> {
        if until <= self.now {
            return Err(OrderError::MuteIsOver { until });
        }
        self.with_case(id, |case, cx| {
            case.incident.muted_until = Some(until);
            case.incident.changed = cx.now;
            case.dirty = true;
        })
    }

    fn remark(&mut self, id: IncidentId, text: String, by: String) -> Result<(), OrderError> {
        let mut outcome = Ok(());
        self.with_case(id, |case, cx| {
            outcome = case.incident.remark(Remark { at: cx.now, by, text });
            case.dirty |= outcome.is_ok();
        })?;
        outcome
    }

    fn with_case(
        &mut self,
        id: IncidentId,
        act: impl FnOnce(&mut Case, &mut Context<'_>),
    ) -> Result<(), OrderError> {
        let named =
            |case: &&mut Case| case.incident.id == id && !matches!(case.incident.phase, Phase::Closed { .. });
        let (wards, own, matters, mut cx) = self.split();
        let cases = wards.values_mut().filter_map(|ward| ward.case.as_deref_mut());
        let case = cases.chain(own.as_mut()).chain(matters.cases_mut()).find(named);
        if let Some(case) = case {
            act(case, &mut cx);
            case.hand_out(&mut cx);
            if let Subject::Target(target) = case.incident.subject {
                self.schedule(target);
            }
            return Ok(());
        }
        let open = self.open().map(|incident| (incident.id, incident.title.clone())).collect();
        Err(OrderError::NoSuchIncident { asked: id, open })
    }
}
