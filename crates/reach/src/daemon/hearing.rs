//! What other systems say, and what follows: events for the desk, and targets that signals name.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use reach_core::{
    Time,
    watch::{
        Event, SourceStatus, Subject, TargetId,
        heard::{HeardView, Overheard},
        incidents::Incidents,
        joining::{Destination, Suffering},
    },
};
use reach_net::drive::Clock;
use reach_report::Lang;
use reach_signal::host::limits::Limits;
use reach_store::Recovered;
use tracing::info;

use super::{Daemon, start};
use crate::{
    config::{
        Problems,
        watch::{TargetConfig, WatchConfig},
    },
    host::{Names, settings::HostSettings},
    receive::{
        Heard, Intake,
        desk::{Found, SignalDesk, apart, apart_key},
        leading::{Lead, Leading, Led},
        looking::{Looking, Sights},
        sources::Sources,
    },
};

/// How often it is seen to that what is not needed any more is not watched any more.
const TIDY_EVERY: Duration = Duration::from_secs(60 * 60);

/// Everything that is heard of others, and what has become of it so far.
pub(super) struct Hearing {
    pub(super) intake: Intake,
    desk: SignalDesk,
    leading: Leading,
    looking: Option<Looking>,
    sources: Option<Sources>,
    heard: BTreeMap<String, SourceStatus>,
    overheard: Overheard,
    tidied: Time,
    /// The addresses that applications are followed to.
    names: Names,
}

impl Hearing {
    /// Begins to look at this host; to be called before privileges are given up.
    pub(super) fn begin(
        config: &WatchConfig,
        lang: Lang,
        clock: Clock,
        intake: Intake,
    ) -> Result<Self, Problems> {
        let sights = sights(config, lang);
        let looking = match sights.is_empty() {
            true => None,
            false => {
                let looking = Looking::start(sights, clock, intake.clone());
                Some(looking.map_err(|error| vec![format!("logs cannot be read: {error}")])?)
            }
        };
        Ok(Self {
            intake,
            desk: SignalDesk::new(config.signals.joining, limits(config)),
            leading: Leading::new(config.signals.clone()),
            looking,
            sources: None,
            heard: config.sources().map(|(source, _)| (source.to_owned(), named(source))).collect(),
            overheard: Overheard::default(),
            tidied: clock.now(),
            names: Names::new(),
        })
    }

    /// Begins to ask and hear others over the network.
    pub(super) fn open(&mut self, config: &WatchConfig, clock: Clock) -> Result<(), Problems> {
        self.sources = Some(Sources::start(config, clock, &self.intake)?);
        Ok(())
    }

    /// What answers the calls of others, to be served beside the page.
    pub(super) fn routes(&self) -> Option<axum::Router> {
        self.sources.as_ref()?.routes()
    }

    /// The targets that signals named.
    pub(super) fn adopted(&self) -> impl Iterator<Item = &TargetConfig> {
        self.leading.adopted()
    }

    /// What was said in the last hour.
    pub(super) fn overheard(&mut self, now: Time) -> HeardView {
        self.overheard.view(now)
    }

    /// When something is to be done.
    pub(super) fn due(&self) -> Option<Time> {
        self.desk.due()
    }

    /// What is known of the sources.
    pub(super) fn status(&self) -> Vec<SourceStatus> {
        let mut all: BTreeMap<String, SourceStatus> = self.heard.clone();
        let said = self.desk.lost().iter().map(|((source, _), count)| (source.clone(), *count));
        for (source, count) in said.chain(self.intake.lost()) {
            let one = all.entry(source.clone()).or_insert_with(|| named(&source));
            one.lost = one.lost.saturating_add(count);
        }
        all.into_values().collect()
    }

    /// Takes up again what was adopted before a restart: what has an open incident.
    pub(super) fn remember(&mut self, recovered: &Recovered, now: Time) {
        let texts: BTreeMap<TargetId, &str> =
            recovered.targets.iter().map(|(text, id)| (*id, text.as_str())).collect();
        for incident in &recovered.incidents {
            if let Subject::Target(target) = incident.subject
                && let Some(text) = texts.get(&target)
            {
                self.leading.remember(text, &incident.labels, now);
            }
        }
    }
}

fn named(source: &str) -> SourceStatus {
    SourceStatus { source: source.to_owned(), ..SourceStatus::default() }
}

fn sights(config: &WatchConfig, lang: Lang) -> Sights {
    Sights { host: config.host.clone(), logs: config.logs.clone(), lang }
}

fn limits(config: &WatchConfig) -> Limits {
    config.host.as_ref().map(HostSettings::limits).unwrap_or_default()
}

fn is_open(incidents: &Incidents) -> impl Fn(TargetId) -> bool + use<> {
    let open: BTreeSet<TargetId> = incidents
        .open()
        .filter_map(|incident| match incident.subject {
            Subject::Target(target) => Some(target),
            _ => None,
        })
        .collect();
    move |target| open.contains(&target)
}

impl Daemon {
    /// Takes what a source said.
    pub(super) fn take(&mut self, heard: &Heard) {
        let now = self.clock.now();
        let status = self.hearing.heard.entry(heard.source.clone()).or_insert_with(|| named(&heard.source));
        status.heard = Some(now);
        status.signals += heard.signals.len() as u64;
        for signal in &heard.signals {
            self.hearing.overheard.take(signal, now);
        }
        let found = self.hearing.desk.take(heard, now);
        self.found(found, now);
    }

    /// Does what is due of signals.
    pub(super) fn listen_on(&mut self, now: Time) {
        if self.hearing.due().is_some_and(|due| due <= now) {
            let found = self.hearing.desk.tick(now);
            self.found(found, now);
        }
        if now.since(self.hearing.tidied) >= TIDY_EVERY {
            self.hearing.tidied = now;
            let is_open = is_open(self.desk.incidents());
            if self.hearing.leading.tidy(&self.plan, is_open, now) {
                self.plan_again(now);
            }
        }
    }

    fn found(&mut self, found: Vec<Found>, now: Time) {
        for one in found {
            match one {
                Found::Event(event) => self.desk.learn(vec![event], Vec::new(), now),
                Found::Suffering(suffering, destination) => self.suffers(suffering, &destination, now),
                Found::Relieved { service, destination, last } => {
                    let event = match self.hearing.leading.relieve(&service, &destination) {
                        Some(Led::To(target)) => Event::Relieved { target, service, last, at: now },
                        Some(Led::Apart) => {
                            Event::MatterOver { key: apart_key(&service, &destination), seen: true, at: now }
                        }
                        None => continue,
                    };
                    self.desk.learn(vec![event], Vec::new(), now);
                }
            }
        }
    }

    fn suffers(&mut self, suffering: Box<Suffering>, destination: &Destination, now: Time) {
        let mut lead = self.lead(&suffering, destination, now);
        if lead == Lead::Adopted {
            info!(target = %destination, service = %suffering.service.service, "watching what signals name");
            self.plan_again(now);
            lead = self.lead(&suffering, destination, now);
        }
        let event = match lead {
            Lead::To(target) => Event::Suffering { target, suffering, at: now },
            Lead::Adopted | Lead::Apart => apart(*suffering, destination, now),
        };
        self.desk.learn(vec![event], Vec::new(), now);
    }

    fn lead(&mut self, suffering: &Suffering, destination: &Destination, now: Time) -> Lead {
        let is_open = is_open(self.desk.incidents());
        let status = self.status.borrow();
        self.hearing.leading.lead(suffering, destination, &self.plan, &status.targets, is_open, now)
    }

    /// Watches what signals name now, besides what the configuration does.
    fn plan_again(&mut self, now: Time) {
        let vantage = self.plan.vantage.clone();
        self.plan =
            start::plan(&self.watch.config, self.hearing.adopted(), &mut self.ids, vantage, self.seed);
        self.go_by_plan(now);
    }

    /// Tells which addresses of targets there are, where applications are followed to them.
    pub(super) fn name_addresses(&mut self) {
        let Some(looking) = &self.hearing.looking else { return };
        let status = self.status.borrow();
        let names: Names = status
            .targets
            .iter()
            .flat_map(|target| {
                let addresses = target.addresses.iter();
                addresses.map(|one| (one.remembered.series.address, target.host.clone()))
            })
            .collect();
        if names != self.hearing.names {
            looking.watch(names.clone());
            self.hearing.names = names;
        }
    }

    /// Hears by another configuration. What cannot be had is told, and left out.
    pub(super) fn hear_again(&mut self) -> Problems {
        let (config, hearing) = (&self.watch.config, &mut self.hearing);
        hearing.desk.reload(config.signals.joining, limits(config));
        hearing.leading.reload(config.signals.clone(), &config.targets);
        let mut problems = Problems::new();
        let sights = sights(config, self.watch.output.style.lang);
        match &hearing.looking {
            Some(looking) => looking.reload(sights),
            None if sights.is_empty() => {}
            None => match Looking::start(sights, self.clock, hearing.intake.clone()) {
                Ok(looking) => hearing.looking = Some(looking),
                Err(error) => problems.push(format!("logs cannot be read: {error}")),
            },
        }
        let before = std::mem::take(&mut hearing.heard);
        let known = |source: &str| before.get(source).cloned().unwrap_or_else(|| named(source));
        hearing.heard = config.sources().map(|(source, _)| (source.to_owned(), known(source))).collect();
        // Whoever looks at this host may not know them.
        hearing.names.clear();
        // Ports are free again before they are listened at.
        hearing.sources = None;
        match Sources::start(config, self.clock, &hearing.intake) {
            Ok(sources) => hearing.sources = Some(sources),
            Err(more) => problems.extend(more),
        }
        if let Some((web, _)) = &self.web {
            web.replace_routes(hearing.routes());
        }
        problems
    }
}
