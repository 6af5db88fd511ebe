//! Prometheus' Alertmanager, by its API v2 (github.com/prometheus/alertmanager, `docs/alerts_api.md`).
//!
//! An alert is what its labels are, so whatever changes in the course of an incident stands in annotations. What is
//! not said again counts as over after a while; the courier says it again every minute, to every instance: they do
//! not tell each other.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use reach_core::{
    Time,
    watch::{
        AddressState, Phase, Subject,
        courier::{Dispatch, Part, Report},
    },
};
use reach_report::notice::{self, Telling};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::http;

/// How long an alert stands that is not said again: four times as long as it is from one time to the next.
const STANDS: Duration = Duration::from_secs(240);
/// Annotations end up in messages.
const LONGEST: usize = 4000;

/// All instances of one cluster.
pub(super) struct Alertmanager {
    pub(super) client: Client,
    pub(super) urls: Vec<String>,
    pub(super) login: Option<(String, SecretString)>,
}

impl Alertmanager {
    pub(super) async fn deliver(&self, dispatch: &Dispatch, telling: &Telling<'_>, now: Time) -> Report {
        let alerts: Vec<Value> = dispatch.parts.iter().map(|part| alert(part, telling, now)).collect();
        let mut failed: Option<Report> = None;
        let mut troubles = Vec::new();
        let mut taken = false;
        // One after the other: there are two or three of them.
        for url in &self.urls {
            let mut request = self.client.post(format!("{url}/api/v2/alerts")).json(&alerts);
            if let Some((user, password)) = &self.login {
                request = request.basic_auth(user, Some(password.expose_secret()));
            }
            let report = match http::exchange(request).await {
                Ok(answer) => http::usual(&answer),
                Err(report) => report,
            };
            match trouble(&report) {
                None => taken = true,
                Some(trouble) => {
                    troubles.push(format!("{url}: {trouble}"));
                    failed = Some(report);
                }
            }
        }
        match failed {
            Some(report) if !taken => report,
            _ => Report::Sent { message: None, remark: (!troubles.is_empty()).then(|| troubles.join("; ")) },
        }
    }
}

fn trouble(report: &Report) -> Option<&str> {
    match report {
        Report::Sent { .. } => None,
        Report::Later { trouble, .. }
        | Report::Failed { trouble }
        | Report::Unknown { trouble }
        | Report::Rejected { trouble }
        | Report::Broken { trouble }
        | Report::Vanished { trouble } => Some(trouble),
    }
}

fn alert(part: &Part, telling: &Telling<'_>, now: Time) -> Value {
    let incident = &part.notice.incident;
    let told = notice::message(std::slice::from_ref(part), telling);
    let mut labels: BTreeMap<String, String> =
        incident.labels.iter().map(|(name, value)| (label_name(name), value.clone())).collect();
    let name = match incident.subject {
        Subject::Target(_) => "ReachTarget",
        Subject::Vantage => "ReachOffline",
        Subject::Matter(_) => "ReachSignal",
    };
    labels.insert("alertname".to_owned(), name.to_owned());
    labels.insert("target".to_owned(), incident.title.clone());
    labels.insert("vantage".to_owned(), telling.vantage.host.clone());
    // An empty label is none; there are always others.
    labels.retain(|_, value| !value.is_empty());
    let failing = incident.members.iter().filter(|member| member.state != AddressState::Ok);
    let failing: Vec<String> = failing.map(|member| member.address.to_string()).collect();
    let annotations = json!({
        "summary": told.summary(),
        "description": told.plain(LONGEST),
        "severity": incident.gravity.code(),
        "incident": format!("#{}", incident.id.0),
        "failing": failing.len().to_string(),
        "addresses": incident.pool.to_string(),
        "failing_addresses": failing.join(" "),
    });
    let ends = match incident.phase {
        Phase::Open | Phase::Calming { .. } => now + STANDS,
        // An end that is still to come is none.
        Phase::Recovered { since: end, .. } | Phase::Closed { at: end, .. } => end.min(now),
    };
    // What ends before it starts is refused.
    let ends = ends.max(incident.began);
    json!({
        "labels": labels,
        "annotations": annotations,
        "startsAt": stamp(incident.began),
        "endsAt": stamp(ends),
    })
}

/// A label as Prometheus takes it: `[a-zA-Z_][a-zA-Z0-9_]*`.
fn label_name(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() { format!("_{name}") } else { name }
}

fn stamp(time: Time) -> String {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_get_names_that_prometheus_takes() {
        assert_eq!(label_name("team"), "team");
        assert_eq!(label_name("data-center"), "data_center");
        assert_eq!(label_name("1st"), "_1st");
        assert_eq!(label_name(""), "_");
        assert_eq!(label_name("팀"), "_");
    }
}
