//! What can be done: everything in the name of who asks.

use std::time::Duration;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path as Place, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use reach_core::watch::{IncidentId, Order, Silence, SilenceId, TargetId};
use reach_report::{Lang, json as report_json, watch as report};
use serde::Deserialize;

use super::{
    Answered, ApiError,
    ask::{Query, body, now, number},
    read::silences_now,
};
use crate::{
    command::{
        ack::LONGEST_MUTE,
        silence::{Wish, given},
    },
    config::{moment::coming, watch::span},
    control::{Answer, Request},
    web::{WebState, door::Who},
};

/// A body that says nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Mute {
    #[serde(deserialize_with = "given")]
    r#for: Option<String>,
    #[serde(deserialize_with = "given")]
    until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
}

/// Has the watch do something.
async fn order(state: &WebState, who: &Who, order: Order) -> Result<Option<SilenceId>, ApiError> {
    match state.inner.asking.ask(Request::Order { order }, &who.name).await {
        Answer::Done { silence } => Ok(silence),
        other => Err(ApiError::odd(other)),
    }
}

/// The incident as it is now.
async fn incident_now(state: &WebState, who: &Who, id: IncidentId, lang: Lang) -> Answered {
    match state.inner.asking.ask(Request::Status, &who.name).await {
        Answer::Status(status) => {
            let mut incidents = status.incidents;
            incidents.retain(|incident| incident.id == id);
            Ok(Json(report::json_incidents(&incidents, lang)).into_response())
        }
        other => Err(ApiError::odd(other)),
    }
}

pub(super) async fn acknowledge(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Place(id): Place<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Answered {
    let lang = Query::of(query, &[])?.lang()?;
    let Nothing {} = body(&headers, &bytes)?;
    let incident = IncidentId(number(&id, "incident")?);
    order(&state, &who, Order::Acknowledge { incident, by: who.name.clone() }).await?;
    incident_now(&state, &who, incident, lang).await
}

pub(super) async fn mute(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Place(id): Place<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Answered {
    let lang = Query::of(query, &[])?.lang()?;
    let wish: Mute = body(&headers, &bytes)?;
    let incident = IncidentId(number(&id, "incident")?);
    let now = now(&state);
    let until = match (&wish.r#for, &wish.until) {
        (Some(text), None) => {
            span("for", text, Duration::from_secs(1), LONGEST_MUTE).map(|lasts| now.time() + lasts)
        }
        (None, Some(text)) => coming("until", text, &now),
        _ => Err("give either `for`, like \"2h\", or `until`, like \"18:00\"".to_owned()),
    };
    let until = until.map_err(ApiError::bad)?;
    if until <= now.time() || until.since(now.time()) > LONGEST_MUTE {
        return Err(ApiError::bad("until is over already, or more than 30 days ahead"));
    }
    order(&state, &who, Order::Mute { incident, until, by: who.name.clone() }).await?;
    incident_now(&state, &who, incident, lang).await
}

pub(super) async fn note(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Place(id): Place<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Answered {
    let lang = Query::of(query, &[])?.lang()?;
    let Note { text } = body(&headers, &bytes)?;
    let incident = IncidentId(number(&id, "incident")?);
    if text.trim().is_empty() {
        return Err(ApiError::bad("text is empty"));
    }
    order(&state, &who, Order::Remark { incident, text, by: who.name.clone() }).await?;
    incident_now(&state, &who, incident, lang).await
}

pub(super) async fn silence(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Answered {
    Query::of(query, &[])?.lang()?;
    let wish: Wish = body(&headers, &bytes)?;
    if wish.targets.len() > 100 {
        return Err(ApiError::bad("targets are more than 100; use `*` in one of them"));
    }
    let silences = wish.silences("", &now(&state)).map_err(|problems| ApiError::bad(problems.join("; ")))?;
    let mut made = Vec::new();
    for silence in silences {
        let silence = Silence { author: who.name.clone(), ..silence };
        let id = order(&state, &who, Order::Silence(silence.clone())).await?;
        made.push(Silence { id: id.unwrap_or(silence.id), ..silence });
    }
    Ok((StatusCode::CREATED, Json(report::json_silences(&made))).into_response())
}

pub(super) async fn expire(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Place(id): Place<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Answered {
    Query::of(query, &[])?.lang()?;
    let Nothing {} = body(&headers, &bytes)?;
    let silence = SilenceId(number(&id, "silence")?);
    order(&state, &who, Order::Expire { silence, by: who.name.clone() }).await?;
    silences_now(&state, &who).await
}

/// Has a target examined, and answers when that is over.
pub(super) async fn examine(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Place(id): Place<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let done = async {
        let lang = Query::of(query, &[])?.lang()?;
        let Nothing {} = body(&headers, &bytes)?;
        let target = TargetId(number(&id, "target")?);
        let Ok(_room) = state.inner.examining.try_acquire() else {
            let said = "as many targets are examined on demand as may be at once; try again";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", said));
        };
        match state.inner.asking.ask(Request::Examine { target }, &who.name).await {
            Answer::Examined(examined) => {
                let (started, finished) = (examined.case.started, examined.finished);
                let judged = [(examined.case, examined.diagnosis)];
                let version = env!("CARGO_PKG_VERSION");
                Ok(Json(report_json::check(&judged, started, finished, version, lang)).into_response())
            }
            other => Err(ApiError::odd(other)),
        }
    };
    done.await.into_response()
}
