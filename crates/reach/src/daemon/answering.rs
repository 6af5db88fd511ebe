//! What commands ask of a running watch, and a configuration that is read again.

use std::time::Duration;

use reach_core::{
    Time,
    watch::{
        Event, Incident, IncidentId, Order, Phase, Remark, Status, TargetId, assurance::Ledger,
        incidents::OrderError,
    },
};
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::{Again, Daemon, serving::modules, start};
use crate::{
    config::{Problems, watch::Watch},
    control::{
        Answer, Request,
        protocol::{Examined, Refusal},
    },
    words,
};

/// A survey takes seconds; one that waits for others, or for this host to be connected again, takes longer.
const LONGEST_SURVEY: Duration = Duration::from_secs(180);

/// Somebody who waits for a survey to be over.
pub(super) struct Waiting {
    target: TargetId,
    until: Time,
    answer: oneshot::Sender<Answer>,
}

impl Daemon {
    /// Answers now, or when there is something to say.
    pub(super) fn attend(
        &mut self,
        request: Request,
        who: &str,
        answer: oneshot::Sender<Answer>,
        again: Again<'_>,
    ) {
        let said = match request {
            Request::Examine { target } => match self.begin_survey(target, who) {
                Ok(until) => {
                    self.waiting.push(Waiting { target, until, answer });
                    return;
                }
                Err(refused) => refused,
            },
            Request::Status => {
                self.publish(self.clock.now());
                Answer::Status(Box::new(Status::clone(&self.status.borrow())))
            }
            Request::Silences => Answer::Silences(self.desk.incidents().silences().to_vec()),
            Request::Reload => match self.reload(again) {
                Ok(remarks) => Answer::Reloaded { targets: self.plan.targets.len(), remarks },
                Err(problems) => Answer::refused(Refusal::Configuration, problems.join("\n")),
            },
            Request::Note { did } => {
                self.desk.witness(did.to_string(), who, self.clock.now());
                Answer::DONE
            }
            Request::Order { order } => {
                let said = self.obey(order, who);
                // Whoever looks at once at what came of it sees it.
                self.publish(self.clock.now());
                said
            }
        };
        // Whoever asked may have gone.
        let _ = answer.send(said);
    }

    /// Asks for a survey; says until when it has to be over.
    fn begin_survey(&mut self, target: TargetId, who: &str) -> Result<Time, Answer> {
        let lang = self.watch.output.style.lang;
        if self.plan.surveys == 0 {
            return Err(Answer::refused(Refusal::Unable, words::no_surveys(lang)));
        }
        if self.known.as_ref().is_some_and(|known| known.online == Some(false)) {
            return Err(Answer::refused(Refusal::Unable, words::offline(lang)));
        }
        match self.obey(Order::Examine(target), who) {
            Answer::Done { .. } => Ok(self.clock.now() + LONGEST_SURVEY),
            refused => Err(refused),
        }
    }

    /// Tells those who wait for surveys which are over now.
    pub(super) fn surveys_over(&mut self, events: &[Event]) {
        if self.waiting.is_empty() {
            return;
        }
        for event in events {
            let Event::Examined(over) = event else { continue };
            for one in self.waiting.extract_if(.., |one| one.target == over.target) {
                let (case, diagnosis) = (over.case.clone(), over.diagnosis.clone());
                let said = Examined { case, finished: over.finished, diagnosis };
                let _ = one.answer.send(Answer::Examined(Box::new(said)));
            }
        }
    }

    /// Lets nobody wait for ever.
    pub(super) fn dismiss(&mut self, now: Time) {
        let watched: Vec<TargetId> = self.plan.targets.iter().map(|watched| watched.id).collect();
        let lang = self.watch.output.style.lang;
        for one in self.waiting.extract_if(.., |one| one.until <= now || !watched.contains(&one.target)) {
            let why = if one.until <= now {
                words::survey_takes_too_long(lang)
            } else {
                words::no_such_target(lang)
            };
            let _ = one.answer.send(Answer::refused(Refusal::Unable, why));
        }
    }

    fn obey(&mut self, order: Order, who: &str) -> Answer {
        let now = self.clock.now();
        let (order, made) = match order {
            Order::Silence(mut silence) => {
                silence.id = self.next_silence;
                self.next_silence.0 += 1;
                let id = silence.id;
                (Order::Silence(silence), Some(id))
            }
            Order::Examine(target) if !self.plan.targets.iter().any(|watched| watched.id == target) => {
                return Answer::refused(
                    Refusal::NotFound,
                    words::no_such_target(self.watch.output.style.lang),
                );
            }
            order => (order, None),
        };
        let closed = match &order {
            Order::Remark { incident, text, by } => self
                .closed(*incident)
                .map(|incident| (incident, Remark { at: now, by: by.clone(), text: text.clone() })),
            _ => None,
        };
        let outcome = match closed {
            Some((incident, remark)) => self.desk.remark_afterwards(incident, remark),
            None => self.desk.order(order, who, now),
        };
        match outcome {
            Ok(()) => Answer::Done { silence: made },
            Err(error) => {
                let code = match &error {
                    OrderError::NoSuchIncident { .. } | OrderError::NoSuchSilence { .. } => Refusal::NotFound,
                    _ => Refusal::Conflict,
                };
                Answer::refused(code, error.to_string())
            }
        }
    }

    /// An incident that is over: nobody but the memory has it.
    fn closed(&self, id: IncidentId) -> Option<Incident> {
        if self.desk.incidents().open().any(|incident| incident.id == id) {
            return None;
        }
        let incident = self.reader.incident(id).ok().flatten()?.incident;
        matches!(incident.phase, Phase::Closed { .. }).then_some(incident)
    }

    /// Reads the configuration again. What stays the same keeps everything that is known of it. Says what is worth
    /// telling whoever wrote it.
    pub(super) fn reload(&mut self, again: Again<'_>) -> Result<Vec<String>, Problems> {
        self.manager.reloading();
        let outcome = again().and_then(|watch| self.go_on_with(watch));
        self.manager.ready(&self.summary());
        if let (Err(_), Some((web, _))) = (&outcome, &self.web) {
            web.replace_modules(None);
        }
        outcome
    }

    fn go_on_with(&mut self, watch: Watch) -> Result<Vec<String>, Problems> {
        // Nothing is changed before everything is known to be right.
        let channels = start::channels(&watch.config, &self.trust)?;
        let modules = match self.web {
            Some(_) => Some(modules(&watch.config).map_err(|problem| vec![problem])?),
            None => None,
        };
        self.begin_renewed(&watch.config)?;
        let now = self.clock.now();
        let mut remarks = watch.config.warnings.clone();
        let fixed = self.config().fixed_otherwise(&watch.config);
        if !fixed.is_empty() {
            remarks.push(words::needs_restart(&fixed, self.watch.output.style.lang));
        }
        for remark in &remarks {
            warn!("{remark}");
        }
        let vantage = start::vantage_of(&watch.config);
        self.watch = Watch { ends_after: self.watch.ends_after, ..watch };
        remarks.extend(self.hear_again());
        self.plan = start::plan(
            &self.watch.config,
            self.hearing.adopted(),
            &mut self.ids,
            vantage.clone(),
            self.seed,
        );
        self.desk.outbox().postman.reload(channels);
        self.go_by_plan(now);
        self.maintain(now);
        self.plan_hello(now);
        self.dismiss(now);
        if let Some((web, local)) = &self.web {
            web.replace_modules(modules);
            // It was read before, and is right.
            if let Err(problems) = web.replace_people(&self.config().http.settings) {
                problems.iter().for_each(|problem| warn!("{problem}"));
            }
            web.replace_bench(self.bench(&vantage, *local));
            web.replace_requester(self.config().request.clone().asker());
        }
        info!(targets = self.plan.targets.len(), "the configuration was read again");
        Ok(remarks)
    }

    /// Watches what the plan says from now on.
    pub(super) fn go_by_plan(&mut self, now: Time) {
        self.desk.enlist(self.ids.take_fresh());
        self.keep_accounts(now);
        self.desk.incidents_mut().reload(&self.plan, now);
        self.probing.reload(self.plan.clone());
    }

    /// Keeps account of what is watched now, where a statement is wanted at the end.
    fn keep_accounts(&mut self, now: Time) {
        let Some(span) = self.watch.ends_after else { return };
        let targets: Vec<TargetId> = self.plan.targets.iter().map(|watched| watched.id).collect();
        self.desk.keep_accounts_of(&targets);
        for watched in &self.plan.targets {
            if !self.desk.accounts().iter().any(|account| account.target() == watched.id) {
                self.desk.keep_account(Ledger::new(watched, now).lasting(span));
            }
        }
    }
}
