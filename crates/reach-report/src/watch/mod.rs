//! What the commands around `reach watch` show: status, incidents, history, silences, a configuration; each as text
//! and as JSON.

mod board;
mod history;
mod incident;
pub(crate) mod incidents;
mod json;
mod plan;
pub(crate) mod silences;
pub(crate) mod status;
mod titles;
pub(crate) mod words;

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use reach_core::{
    Time,
    model::{Case, Diagnosis},
    watch::{Incident, Layer, OutboxRow, Reason, TargetId, Transition},
};
use serde_json::Value;

pub use self::{
    board::{BoardView, Countdown, board, countdown},
    history::history,
    incident::incident,
    incidents::incidents,
    json::{
        history as json_history, incident as json_incident, incidents as json_incidents, plan as json_plan,
        silences as json_silences, status as json_status,
    },
    plan::{PlanView, WatchedView, plan},
    silences::silences,
    status::status,
    words::{acknowledged, muted, orders, reloaded, remarked, silence_ended, silence_made},
    words::{delivery_code, gravity, news_code, phase, phase_code, reason, state, why_codes},
};

/// A summary of the tries of one address over a stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryBucket {
    /// The address.
    pub address: IpAddr,
    /// How deep was tried.
    pub layer: Layer,
    /// When the stretch begins.
    pub from: Time,
    /// Tries with a result.
    pub tries: u64,
    /// Of them failed, by reason.
    pub failures: BTreeMap<Reason, u64>,
    /// Tries that this host could not make.
    pub unable: u64,
    /// The median of the latencies of answers.
    pub p50: Option<Duration>,
    /// Their 95th percentile.
    pub p95: Option<Duration>,
}

impl HistoryBucket {
    /// Tries that failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// The share of tries that failed, from 0 to 1; `None` where there were none.
    pub fn share(&self) -> Option<f64> {
        (self.tries > 0).then(|| self.failed() as f64 / self.tries as f64)
    }
}

/// How a target has been.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The target's text.
    pub target: String,
    /// From here…
    pub from: Time,
    /// …to there.
    pub until: Time,
    /// What one bucket stands for.
    pub step: Duration,
    /// How deep was tried.
    pub layer: Layer,
    /// One for each address, over the whole time.
    pub totals: Vec<HistoryBucket>,
    /// One for each address and step in which it was tried.
    pub buckets: Vec<HistoryBucket>,
    /// Changes of state in the time.
    pub transitions: Vec<Transition>,
}

/// Everything that is remembered of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentRecord {
    /// As it is now, or was at its end.
    pub incident: Incident,
    /// Changes of state of the addresses of its target in its course.
    pub transitions: Vec<Transition>,
    /// What was said of it, and to whom.
    pub messages: Vec<OutboxRow>,
    /// Surveys made in its course.
    pub evidence: Vec<EvidenceRecord>,
}

/// A survey that is kept with an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceRecord {
    /// When it was over.
    pub at: Time,
    /// What it started from.
    pub case: Case,
    /// How many observations are kept.
    pub observations: u64,
    /// What was concluded.
    pub diagnosis: Diagnosis,
}

/// A target as the memory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTarget {
    /// Its id.
    pub id: TargetId,
    /// Its text.
    pub text: String,
}

/// A document of one kind.
fn document(schema: &str) -> serde_json::Map<String, Value> {
    let mut document = serde_json::Map::new();
    document.insert("schema".to_owned(), schema.into());
    document
}
