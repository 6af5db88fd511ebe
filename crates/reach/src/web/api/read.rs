//! What can be read.

use std::{net::IpAddr, path::Path};

use axum::{
    Extension, Json,
    extract::{Path as Place, RawQuery, State},
    http::header,
    response::{IntoResponse, Response},
};
use reach_core::{
    judge::judge,
    watch::{Incident, IncidentId, Layer, Phase, Status, Subject, TargetId, fits},
};
use reach_report::{json as report_json, signal::heard_json, watch as report};
use reach_store::{Reader, Span};
use serde_json::{Value, json};

use super::{
    Answered, ApiError, OPENAPI, apart,
    ask::{Query, now, number},
};
use crate::{
    command::{
        history::{LONGEST, SHORTEST, assemble, steps},
        memory::{self, KnownTarget, Memory, MemoryError, canonical},
    },
    config::watch::span,
    control::{Answer, Request},
    output::shown,
    web::{WebState, door::Who},
};

/// So many steps of a history are told for each address, and so many at all.
const MOST_STEPS: u128 = 2_000;
const MOST_BUCKETS: usize = 200_000;
const USUAL_STEPS: usize = 60;

/// How many entries of a list are told, where nobody says.
const USUAL: usize = 100;
const MOST: usize = 1_000;

/// The version of the documents that have one.
const VERSION: &str = env!("CARGO_PKG_VERSION");

impl From<MemoryError> for ApiError {
    fn from(error: MemoryError) -> Self {
        // Where the file is concerns nobody who asks from elsewhere.
        tracing::warn!("{error}");
        ApiError::unable("what is remembered cannot be read at the moment")
    }
}

impl From<reach_store::Error> for ApiError {
    fn from(error: reach_store::Error) -> Self {
        tracing::warn!("{error}");
        ApiError::unable("what is remembered cannot be read at the moment")
    }
}

fn reader(state: &WebState) -> Result<Reader, ApiError> {
    state.inner.reader.clone().ok_or_else(|| ApiError::unable("nothing is remembered here"))
}

fn memory(state: &WebState) -> Result<impl Memory, ApiError> {
    Ok(memory::of(reader(state)?, Path::new("the memory")))
}

pub(super) async fn status(State(state): State<WebState>, RawQuery(query): RawQuery) -> Response {
    apart(move || {
        let lang = Query::of(query, &[])?.lang()?;
        Ok(Json(report::json_status(&state.status(), lang)).into_response())
    })
    .await
}

/// Who asks, and what their forms have to carry.
pub(super) async fn session(Extension(who): Extension<Who>, RawQuery(query): RawQuery) -> Answered {
    Query::of(query, &[])?.lang()?;
    let said = json!({
        "schema": "reach.session/1", "name": who.name, "role": who.role.code(), "csrf": who.csrf,
    });
    Ok(Json(said).into_response())
}

pub(super) async fn incidents(State(state): State<WebState>, RawQuery(query): RawQuery) -> Response {
    apart(move || {
        let query = Query::of(query, &["all", "target", "since", "until", "limit"])?;
        let (lang, limit, now) = (query.lang()?, query.limit(USUAL, MOST)?, now(&state));
        let asks_for_past =
            query.flag("all")? || query.text("since").is_some() || query.text("until").is_some();
        let mut incidents: Vec<Incident> = if asks_for_past {
            let (from, until) = query.range("1970-01-02", &now)?;
            memory(&state)?.incidents(from, until)?
        } else {
            let open = |incident: &&Incident| !matches!(incident.phase, Phase::Closed { .. });
            state.status().incidents.iter().filter(open).cloned().collect()
        };
        if let Some(pattern) = query.text("target") {
            let meant = canonical(pattern);
            incidents.retain(|incident| fits(&meant, &incident.title));
        }
        incidents.sort_by_key(|incident| std::cmp::Reverse(incident.id));
        incidents.truncate(limit);
        Ok(Json(report::json_incidents(&incidents, lang)).into_response())
    })
    .await
}

pub(super) async fn incident(
    State(state): State<WebState>,
    Place(id): Place<String>,
    RawQuery(query): RawQuery,
) -> Response {
    apart(move || {
        let lang = Query::of(query, &[])?.lang()?;
        let id = IncidentId(number(&id, "incident")?);
        let mut record = memory(&state)?.incident(id)?;
        // What is going on is known better than what was written.
        if let Some(record) = &mut record
            && let Some(live) = state.status().incidents.iter().find(|incident| incident.id == id)
        {
            record.incident = live.clone();
        }
        let record = record.ok_or_else(|| ApiError::missing(format!("there is no incident #{}", id.0)))?;
        Ok(Json(report::json_incident(&record, VERSION, lang)).into_response())
    })
    .await
}

/// Every target that was ever watched, and whether it is now.
pub(super) async fn targets(State(state): State<WebState>, RawQuery(query): RawQuery) -> Response {
    apart(move || {
        Query::of(query, &[])?.lang()?;
        let status = state.status();
        let now = status.targets.iter().map(|one| (one.id, one.target.clone()));
        let mut all = match &state.inner.reader {
            Some(reader) => reader.targets()?,
            None => Default::default(),
        };
        all.extend(now);
        let is_watched = |id: TargetId| status.targets.iter().any(|one| one.id == id);
        let one =
            |(id, text): (TargetId, String)| json!({ "id": id.0, "target": text, "watched": is_watched(id) });
        let said: Vec<Value> = all.into_iter().map(one).collect();
        Ok(Json(json!({ "schema": "reach.targets/1", "targets": said })).into_response())
    })
    .await
}

/// The status of one target, and of what concerns it.
pub(super) async fn target(
    State(state): State<WebState>,
    Place(id): Place<String>,
    RawQuery(query): RawQuery,
) -> Response {
    apart(move || {
        let lang = Query::of(query, &[])?.lang()?;
        let id = TargetId(number(&id, "target")?);
        let status = state.status();
        let Some(target) = status.targets.iter().find(|one| one.id == id) else {
            return Err(no_target(id));
        };
        let concerns = |subject: &Subject| *subject == Subject::Vantage || *subject == Subject::Target(id);
        let incidents = status.incidents.iter().filter(|incident| concerns(&incident.subject));
        let narrowed = Status {
            targets: vec![target.clone()],
            incidents: incidents.cloned().collect(),
            ..Status::clone(&status)
        };
        Ok(Json(report::json_status(&narrowed, lang)).into_response())
    })
    .await
}

fn no_target(id: TargetId) -> ApiError {
    ApiError::missing(format!("there is no target {}", id.0))
}

/// A target that is or was watched.
fn known_target(state: &WebState, id: TargetId) -> Result<KnownTarget, ApiError> {
    let now = state.status().targets.iter().find(|one| one.id == id).map(|one| one.target.clone());
    let text = match now {
        Some(text) => Some(text),
        None => reader(state)?.targets()?.remove(&id),
    };
    text.map(|text| KnownTarget { id, text }).ok_or_else(|| no_target(id))
}

pub(super) async fn history(
    State(state): State<WebState>,
    Place(id): Place<String>,
    RawQuery(query): RawQuery,
) -> Response {
    apart(move || {
        let query = Query::of(query, &["from", "to", "step", "layer", "address"])?;
        query.lang()?;
        let target = known_target(&state, TargetId(number(&id, "target")?))?;
        let (from, until) = query.span(("from", "to"), "-24h", &now(&state))?;
        let step = query.text("step").map(|text| span("step", text, SHORTEST, LONGEST)).transpose();
        let (from, step) =
            steps("step", (from, until), step.map_err(ApiError::bad)?, USUAL_STEPS, MOST_STEPS)
                .map_err(ApiError::bad)?;
        let layer = match query.text("layer") {
            None | Some("connect") => Layer::Connect,
            Some("echo") => Layer::Echo,
            Some("exchange") => Layer::Exchange,
            Some(other) => {
                let other = shown(other);
                return Err(ApiError::bad(format!("layer `{other}` is none of echo, connect and exchange")));
            }
        };
        let address = query.text("address").map(|text| {
            let wrong = || ApiError::bad(format!("address `{}` is no address", shown(text)));
            text.parse::<IpAddr>().map_err(|_| wrong())
        });
        let address = address.transpose()?;
        let mut history = assemble(&memory(&state)?, &target, (from, until), step, layer)?;
        if let Some(address) = address {
            history.totals.retain(|bucket| bucket.address == address);
            history.buckets.retain(|bucket| bucket.address == address);
            history.transitions.retain(|transition| transition.series.address == address);
        }
        if history.buckets.len() > MOST_BUCKETS {
            return Err(ApiError::bad(format!(
                "{} steps of all addresses are more than {MOST_BUCKETS}; give a larger step, or one address",
                history.buckets.len()
            )));
        }
        Ok(Json(report::json_history(&history)).into_response())
    })
    .await
}

pub(super) async fn examinations(
    State(state): State<WebState>,
    Place(id): Place<String>,
    RawQuery(query): RawQuery,
) -> Response {
    apart(move || {
        let query = Query::of(query, &["since", "until", "limit"])?;
        query.lang()?;
        let (limit, now) = (query.limit(USUAL, MOST)?, now(&state));
        let target = known_target(&state, TargetId(number(&id, "target")?))?;
        let (from, until) = query.range("1970-01-02", &now)?;
        let mut kept = reader(&state)?.evidence(target.id, Span { from, until })?;
        kept.reverse();
        kept.truncate(limit);
        let one = |kept: &reach_store::Evidence| {
            json!({
                "number": kept.number, "at": report::rfc3339(kept.at),
                "incident": kept.incident.map(|id| id.0), "bytes": kept.bytes,
            })
        };
        let said: Vec<Value> = kept.iter().map(one).collect();
        let said = json!({ "schema": "reach.examinations/1", "target": target.text, "examinations": said });
        Ok(Json(said).into_response())
    })
    .await
}

pub(super) async fn examination(
    State(state): State<WebState>,
    Place((id, examination)): Place<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    apart(move || {
        let lang = Query::of(query, &[])?.lang()?;
        let id = TargetId(number(&id, "target")?);
        let wanted: u64 = number(&examination, "examination")?;
        let kept = reader(&state)?.examination(wanted)?.filter(|kept| kept.target == id);
        let kept =
            kept.ok_or_else(|| ApiError::missing(format!("target {} has no examination {wanted}", id.0)))?;
        let diagnosis = judge(&kept.case, &kept.observations);
        let started = kept.case.started;
        let said = report_json::check(&[(kept.case, diagnosis)], started, kept.finished, VERSION, lang);
        Ok(Json(said).into_response())
    })
    .await
}

pub(super) async fn silences(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    RawQuery(query): RawQuery,
) -> Answered {
    Query::of(query, &[])?.lang()?;
    silences_now(&state, &who).await
}

/// The silences that are not over.
pub(super) async fn silences_now(state: &WebState, who: &Who) -> Answered {
    match state.inner.asking.ask(Request::Silences, &who.name).await {
        Answer::Silences(silences) => Ok(Json(report::json_silences(&silences)).into_response()),
        other => Err(ApiError::odd(other)),
    }
}

/// What people did, the latest first.
pub(super) async fn audit(State(state): State<WebState>, RawQuery(query): RawQuery) -> Response {
    apart(move || {
        let query = Query::of(query, &["since", "until", "limit"])?;
        query.lang()?;
        let limit = query.limit(USUAL, MOST)?;
        let (from, until) = query.range("-7d", &now(&state))?;
        let mut entries = reader(&state)?.audit(Span { from, until })?;
        entries.reverse();
        entries.truncate(limit);
        let one = |entry: &reach_store::AuditEntry| {
            let did: Value = serde_json::from_str(&entry.did).unwrap_or_default();
            json!({ "at": report::rfc3339(entry.at), "by": entry.who, "did": did })
        };
        let said: Vec<Value> = entries.iter().map(one).collect();
        Ok(Json(json!({ "schema": "reach.audit/1", "entries": said })).into_response())
    })
    .await
}

pub(super) async fn signals(State(state): State<WebState>, RawQuery(query): RawQuery) -> Response {
    apart(move || {
        Query::of(query, &[])?.lang()?;
        Ok(Json(heard_json(&state.beside().heard, &state.status().sources)).into_response())
    })
    .await
}

pub(super) async fn openapi(RawQuery(query): RawQuery) -> Answered {
    Query::of(query, &[])?.lang()?;
    Ok(([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response())
}
