//! What the watch tells of itself: a [`Status`] as metric families.

mod pool;

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use reach_core::{
    Time,
    model::ResolutionError,
    watch::{AddressState, Gravity, Incident, LATENESS_BOUNDS, Phase, Status, Subject, TargetStatus},
};

use super::{Family, Histogram, Kind, Labels, labels};

/// What is not in a [`Status`].
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// This host's name: the label `vantage`.
    pub vantage: String,
    /// Addresses of one name with series of their own; all others are counted together as `address="other"`.
    pub addresses: usize,
    /// Whether each address has a histogram of its latencies.
    pub histograms: bool,
}

impl Scope {
    /// The most addresses of a name that have series of their own, where nothing else is wanted.
    pub const ADDRESSES: usize = 256;
}

impl Default for Scope {
    fn default() -> Self {
        Self { vantage: String::new(), addresses: Self::ADDRESSES, histograms: true }
    }
}

/// Every state that an address can have.
const STATES: [AddressState; 6] = [
    AddressState::Unknown,
    AddressState::Ok,
    AddressState::Suspect,
    AddressState::Down,
    AddressState::Recovering,
    AddressState::Gone,
];

/// Every gravity that an incident can have.
const GRAVITIES: [Gravity; 4] = [Gravity::Notice, Gravity::Warning, Gravity::Degraded, Gravity::Critical];

/// Everything that is known, as families in the order of their names.
pub fn families(status: &Status, scope: &Scope) -> Vec<Family> {
    let mut families = Vec::new();
    each(status, scope, &mut |family| families.push(family));
    families.sort_by(|a, b| a.name.cmp(&b.name));
    families
}

/// The same in no order, a few at a time: all of them, of ten thousand names, are a hundred megabytes.
pub fn each(status: &Status, scope: &Scope, sink: &mut dyn FnMut(Family)) {
    let targets = named(&status.targets);
    own(status, scope).into_iter().for_each(&mut *sink);
    pool::families(&targets, scope).into_iter().for_each(&mut *sink);
    names(&targets).into_iter().for_each(&mut *sink);
    resolvers(&targets).into_iter().for_each(&mut *sink);
    incidents(status, &targets).into_iter().for_each(&mut *sink);
    channels(status).into_iter().for_each(&mut *sink);
    store(status).into_iter().for_each(&mut *sink);
    sources(status).into_iter().for_each(&mut *sink);
}

/// A target with the labels that tell it from all others.
struct Named<'a> {
    labels: Labels,
    status: &'a TargetStatus,
}

/// Two targets may have a name and port in common (two paths of a site) and even their text: then its id is
/// added, because two series with the same labels would spoil the whole scrape.
fn named<'a>(targets: &'a [TargetStatus]) -> Vec<Named<'a>> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for target in targets {
        *seen.entry(&target.target).or_default() += 1;
    }
    let name = |status: &'a TargetStatus| {
        let TargetStatus { target, host, port, id, .. } = status;
        let text = if seen.get(target.as_str()).is_some_and(|&times| times > 1) {
            format!("{target}#{}", id.0)
        } else {
            target.clone()
        };
        let own = labels([("name", host), ("port", &port.to_string()), ("target", &text)]);
        Named { labels: own.shared(), status }
    };
    targets.iter().map(name).collect()
}

impl Named<'_> {
    fn with<const N: usize>(&self, more: [(&'static str, &str); N]) -> Labels {
        self.labels.with(more)
    }
}

/// What the watch is and how it keeps its times.
fn own(status: &Status, scope: &Scope) -> Vec<Family> {
    let schedule = &status.schedule;
    let mut build = Family::new(Kind::Info, "reach_build_info", "Which reach this is.");
    build.push(labels([("version", env!("CARGO_PKG_VERSION")), ("vantage", &scope.vantage)]), 1.0);
    let mut skipped = Family::new(
        Kind::Counter,
        "reach_probes_skipped_total",
        "Tries left out: the rate was used up, the one before was still under way, or the host slept.",
    );
    for (why, count) in
        [("rate", schedule.skipped_rate), ("busy", schedule.skipped_busy), ("gap", schedule.skipped_gap)]
    {
        skipped.push(labels([("why", why)]), count as f64);
    }
    let mut lateness = Family::new(
        Kind::Histogram,
        "reach_scheduler_lateness_seconds",
        "How much later than planned tries and echo requests were sent.",
    );
    let late = &schedule.lateness;
    lateness
        .push_histogram(Labels::default(), Histogram::of_micros(&LATENESS_BOUNDS, &late.counts, late.sum));
    let gauge = Family::gauge;
    let mut families = vec![
        build,
        skipped,
        lateness,
        gauge("reach_start_time_seconds", "When the watch began, in Unix time.", seconds(status.started)),
        gauge("reach_status_timestamp_seconds", "When all this was true, in Unix time.", seconds(status.at)),
        gauge("reach_scheduler_lag_seconds", "How late the last try was.", schedule.lag.as_secs_f64()),
        gauge("reach_probes_inflight", "Tries under way.", schedule.in_flight as f64),
        gauge("reach_silences", "Silences that are not over.", status.silences.len() as f64),
    ];
    if let Some(online) = status.online {
        let help = "Whether the watching host reaches anything at all; absent where that cannot be told.";
        families.push(gauge("reach_vantage_online", help, truth(online)));
    }
    if let Some(last) = schedule.last_try {
        let help = "When an address was tried last, in Unix time.";
        families.push(gauge("reach_last_cycle_timestamp_seconds", help, seconds(last)));
    }
    families
}

/// What is known of each name as a whole.
fn names(targets: &[Named<'_>]) -> Vec<Family> {
    let mut info =
        Family::new(Kind::Info, "reach_target_info", "A target, with the labels that operators gave it.");
    let mut addresses = Family::new(
        Kind::Gauge,
        "reach_name_addresses",
        "Addresses seen behind a name lately, by what is thought of them; gone are those that left DNS.",
    );
    let mut reachable = Family::new(
        Kind::Gauge,
        "reach_name_reachable_ratio",
        "Share of the addresses behind a name that answer, of those still in DNS and tried; absent where none is.",
    );
    let mut resolves = Family::new(
        Kind::Gauge,
        "reach_name_resolves",
        "Whether a name resolves; absent where nothing is known yet.",
    );
    let mut added = Family::new(
        Kind::Counter,
        "reach_dns_address_added_total",
        "Addresses seen for the first time behind a name.",
    );
    let mut surveys = Family::new(
        Kind::Gauge,
        "reach_name_survey_running",
        "Whether a whole survey of a name is under way.",
    );
    for named in targets {
        let status = named.status;
        // Two labels may become one name; a label may not come twice.
        let own: BTreeMap<String, &String> =
            status.labels.iter().map(|(name, value)| (label_name(name), value)).collect();
        let own = own.into_iter().map(|(name, value)| (Cow::Owned(name), value.clone()));
        info.push(named.labels.iter().cloned().chain(own).collect(), 1.0);

        let count = |state| status.addresses.iter().filter(|it| it.remembered.state() == state).count();
        for state in STATES {
            addresses.push(named.with([("state", state.code())]), count(state) as f64);
        }
        let answering = count(AddressState::Ok) + count(AddressState::Recovering);
        let failing = count(AddressState::Suspect) + count(AddressState::Down);
        if answering + failing > 0 {
            let share = answering as f64 / (answering + failing) as f64;
            reachable.push(named.labels.clone(), share);
        }
        if status.unresolved.is_some() || !status.addresses.is_empty() {
            resolves.push(named.labels.clone(), truth(status.unresolved.is_none()));
        }
        added.push(named.labels.clone(), status.appeared as f64);
        surveys.push(named.labels.clone(), truth(status.examining));
    }
    vec![info, addresses, reachable, resolves, added, surveys]
}

/// A label of an operator as a name that Prometheus takes.
fn label_name(text: &str) -> String {
    let fit = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    format!("label_{}", text.chars().map(fit).collect::<String>())
}

fn resolvers(targets: &[Named<'_>]) -> Vec<Family> {
    let mut answers =
        Family::new(Kind::Gauge, "reach_dns_answers", "Addresses that a resolver gave for a name lately.");
    let mut lookups = Family::new(
        Kind::Counter,
        "reach_dns_lookups_total",
        "Questions to a resolver, by what came of them.",
    );
    let mut took =
        Family::new(Kind::Gauge, "reach_dns_lookup_seconds", "How long a resolver took for its last answer.");
    let mut errors = Family::new(
        Kind::Info,
        "reach_dns_error_info",
        "Why the last question to a resolver failed; absent where it did not.",
    );
    for named in targets {
        for (resolver, status) in &named.status.resolvers {
            let resolver = resolver.to_string();
            let with = || named.with([("resolver", &resolver)]);
            answers.push(with(), status.addresses.len() as f64);
            for (outcome, count) in [("answered", status.answers), ("failed", status.failures)] {
                lookups.push(named.with([("resolver", &resolver), ("outcome", outcome)]), count as f64);
            }
            if let Some(span) = status.last_took {
                took.push(with(), span.as_secs_f64());
            }
            if let Some(error) = status.error {
                errors.push(named.with([("resolver", &resolver), ("reason", error_code(error))]), 1.0);
            }
        }
    }
    vec![answers, lookups, took, errors]
}

fn incidents(status: &Status, targets: &[Named<'_>]) -> Vec<Family> {
    let mut open = Family::new(
        Kind::Gauge,
        "reach_incident_open",
        "Whether an incident of this severity is open for a name.",
    );
    let mut own = Family::new(
        Kind::Gauge,
        "reach_vantage_incident_open",
        "Whether the watching host itself has an incident of this severity: it is cut off.",
    );
    let mut acknowledged = Family::new(
        Kind::Gauge,
        "reach_incident_acknowledged",
        "Whether somebody has taken the open incident of a name on; absent where there is none.",
    );
    // The first of each subject; there is one at most.
    let all = status.incidents.iter().rev().filter(|incident| is_open(incident));
    let by_subject: BTreeMap<&Subject, &Incident> =
        all.map(|incident| (&incident.subject, incident)).collect();
    let gravity_of = |subject: &Subject| by_subject.get(subject).copied();
    for named in targets {
        let incident = gravity_of(&Subject::Target(named.status.id));
        for gravity in GRAVITIES {
            let is = incident.is_some_and(|incident| incident.gravity == gravity);
            open.push(named.with([("severity", gravity.code())]), truth(is));
        }
        if let Some(incident) = incident {
            acknowledged.push(named.labels.clone(), truth(incident.acknowledged.is_some()));
        }
    }
    let incident = gravity_of(&Subject::Vantage);
    for gravity in GRAVITIES {
        let is = incident.is_some_and(|incident| incident.gravity == gravity);
        own.push(labels([("severity", gravity.code())]), truth(is));
    }
    let mut opened = Family::new(Kind::Counter, "reach_incidents_total", "Incidents opened.");
    opened.push(Labels::default(), status.incidents_opened as f64);
    let mut moved =
        Family::new(Kind::Counter, "reach_incident_transitions_total", "Changes of phase of all incidents.");
    moved.push(Labels::default(), status.incident_transitions as f64);
    vec![open, own, acknowledged, opened, moved]
}

/// Whether something is wrong with it, or was until a moment ago. One that has recovered and only waits for its
/// all-clear is not open.
pub fn is_open(incident: &Incident) -> bool {
    matches!(incident.phase, Phase::Open | Phase::Calming { .. })
}

fn channels(status: &Status) -> Vec<Family> {
    let mut notifications =
        Family::new(Kind::Counter, "reach_notifications_total", "Messages by channel and what came of them.");
    let mut pending =
        Family::new(Kind::Gauge, "reach_outbox_pending", "Messages of a channel that are not delivered yet.");
    let mut oldest = Family::new(
        Kind::Gauge,
        "reach_outbox_oldest_age_seconds",
        "How long the oldest undelivered message of a channel has been waiting; 0 where there is none.",
    );
    let mut broken =
        Family::new(Kind::Gauge, "reach_channel_broken", "Whether a channel takes nothing at this moment.");
    for (channel, it) in &status.channels {
        for (outcome, count) in [("sent", it.sent), ("failed", it.failed), ("dead", it.dead)] {
            notifications.push(labels([("channel", channel), ("outcome", outcome)]), count as f64);
        }
        let own = || labels([("channel", channel)]);
        pending.push(own(), it.pending as f64);
        let age = it.oldest.map_or(Duration::ZERO, |oldest| status.at.since(oldest));
        oldest.push(own(), age.as_secs_f64());
        broken.push(own(), truth(it.broken_since.is_some()));
    }
    vec![notifications, pending, oldest, broken]
}

fn sources(status: &Status) -> Vec<Family> {
    let mut heard = Family::new(
        Kind::Gauge,
        "reach_source_last_heard_timestamp_seconds",
        "When a source of signals was heard last, in Unix time.",
    );
    let mut signals = Family::new(Kind::Counter, "reach_source_signals_total", "Signals that a source gave.");
    let mut lost = Family::new(
        Kind::Counter,
        "reach_source_lost_total",
        "What is known to be lost of what a source said: datagrams, texts, lines, signals.",
    );
    for it in &status.sources {
        let own = || labels([("source", &it.source)]);
        if let Some(at) = it.heard {
            heard.push(own(), seconds(at));
        }
        signals.push(own(), it.signals as f64);
        lost.push(own(), it.lost as f64);
    }
    vec![heard, signals, lost]
}

fn store(status: &Status) -> Vec<Family> {
    let store = &status.store;
    let stuck = store.stuck_since.map_or(Duration::ZERO, |since| status.at.since(since));
    let mut lost = Family::new(
        Kind::Counter,
        "reach_store_lost_samples_total",
        "Samples lost because the store did not take them in time.",
    );
    lost.push(Labels::default(), store.lost_samples as f64);
    vec![
        lost,
        Family::gauge("reach_store_bytes", "Size of the files of the store.", store.bytes as f64),
        Family::gauge("reach_store_samples", "Samples in the store.", store.samples as f64),
        Family::gauge(
            "reach_store_stuck_seconds",
            "For how long the store has taken nothing; 0 where it does.",
            stuck.as_secs_f64(),
        ),
    ]
}

fn error_code(error: ResolutionError) -> &'static str {
    match error {
        ResolutionError::NxDomain => "nxdomain",
        ResolutionError::NoData => "no_data",
        ResolutionError::ServFail => "servfail",
        ResolutionError::Refused => "refused",
        ResolutionError::Timeout => "timeout",
    }
}

fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn seconds(time: Time) -> f64 {
    time.as_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests;
