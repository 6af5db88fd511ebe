//! The pages.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use axum::{
    extract::{Path, State},
    response::Response,
};
use reach_core::{
    judge::judge,
    watch::{Incident, IncidentId, Layer, Status, Subject, TargetId, TargetStatus},
};
use reach_report::{
    page::{self, List, Place, Query, Range, Sort, TargetView},
    watch::{EvidenceRecord, IncidentRecord},
};
use reach_store::{IncidentFilter, Reader, Span};
use tracing::warn;

use super::{
    super::{WebState, aside},
    history,
    visit::Visit,
};

/// Incidents on one page of the list.
const A_PAGE: usize = 100;
/// Incidents below a target.
const OF_A_TARGET: u32 = 12;
/// Surveys of an incident that are read.
const MOST_SURVEYS: usize = 24;

pub(super) async fn overview(State(state): State<WebState>, visit: Visit) -> Response {
    aside(move || {
        let status = state.status();
        let frame = visit.frame(&state, &status, Place::Overview, Some("overview".to_owned()));
        let query = Query {
            text: visit.asked("q").chars().take(200).collect(),
            state: visit.asked("state").to_owned(),
            sort: Sort::of(visit.asked("sort")).unwrap_or_default(),
            page: visit.asked("page").parse().unwrap_or(1),
        };
        visit.answer(page::overview(&frame, &status, &BTreeMap::new(), &query))
    })
    .await
}

pub(super) async fn target(State(state): State<WebState>, Path(id): Path<String>, visit: Visit) -> Response {
    aside(move || {
        let status = state.status();
        let found = id.parse().ok().and_then(|id| watched(&status, TargetId(id)));
        let Some(target) = found else { return visit.nothing(&state, &status) };
        target_page(&state, &status, target, &visit)
    })
    .await
}

fn watched(status: &Status, id: TargetId) -> Option<&TargetStatus> {
    status.targets.iter().find(|target| target.id == id)
}

fn target_page(state: &WebState, status: &Arc<Status>, target: &TargetStatus, visit: &Visit) -> Response {
    let frame = visit.frame(state, status, Place::Target, Some(format!("target-{}", target.id.0)));
    let range = Range::read(visit.asked("from"), visit.asked("to"), frame.now, &visit.voice);
    let layer = [Layer::Exchange, Layer::Echo].into_iter().find(|layer| layer.code() == visit.asked("layer"));
    let layer = layer.unwrap_or(Layer::Connect);
    let address: Option<IpAddr> = visit.asked("address").parse().ok();
    let reader = state.inner.reader.as_ref();
    let incidents = match reader {
        Some(reader) => {
            let filter =
                IncidentFilter { target: Some(target.id), most: Some(OF_A_TARGET), ..Default::default() };
            read(reader.incidents(&filter)).unwrap_or_default()
        }
        None => status
            .incidents
            .iter()
            .filter(|incident| incident.subject == Subject::Target(target.id))
            .cloned()
            .collect(),
    };
    let plots = reader.and_then(|reader| {
        let asked = history::Asked {
            target,
            range: &range,
            layer,
            address,
            incidents: &incidents,
            width: visit.width,
        };
        read(history::plots(reader, &asked, visit.path(), &visit.voice))
    });
    let survey = reader.and_then(|reader| last_survey(reader, target.id));
    let survey = survey.map(|mut survey| {
        survey.diagnosis = judge(&survey.case, &survey.observations);
        survey
    });
    let view = TargetView {
        status,
        target,
        range,
        layer,
        address,
        plots,
        survey: survey.as_ref(),
        incidents: &incidents,
    };
    visit.answer(page::target(&frame, &view))
}

fn last_survey(reader: &Reader, target: TargetId) -> Option<reach_core::watch::Examination> {
    let kept = read(reader.evidence(target, Span::ALL))?;
    kept.iter().rev().take(3).find_map(|one| read(reader.examination(one.number)).flatten())
}

/// What the memory says; where it cannot be read, that is told in the log, and the page does without.
fn read<T>(answer: Result<T, reach_store::Error>) -> Option<T> {
    answer.map_err(|error| warn!("the memory cannot be read for the page: {error}")).ok()
}

pub(super) async fn incident(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
) -> Response {
    aside(move || {
        let status = state.status();
        let record = id.parse().ok().and_then(|id| record(&state, &status, IncidentId(id)));
        let Some(record) = record else { return visit.nothing(&state, &status) };
        let live = format!("incident-{}", record.incident.id.0);
        let frame = visit.frame(&state, &status, Place::Incidents, Some(live));
        visit.answer(page::incident(&frame, &record))
    })
    .await
}

/// Everything that is known of an incident: what the memory has, as it is now.
fn record(state: &WebState, status: &Status, id: IncidentId) -> Option<IncidentRecord> {
    let now = status.incidents.iter().find(|incident| incident.id == id);
    let reader = state.inner.reader.as_ref();
    let stored = reader.and_then(|reader| read(reader.incident(id))).flatten();
    let Some(stored) = stored else {
        let incident = now?.clone();
        return Some(IncidentRecord {
            incident,
            transitions: Vec::new(),
            messages: Vec::new(),
            evidence: Vec::new(),
        });
    };
    let first = stored.evidence.len().saturating_sub(MOST_SURVEYS);
    let evidence = stored.evidence[first..].iter().filter_map(|kept| {
        let examination = read(reader?.examination(kept.number)).flatten()?;
        Some(EvidenceRecord {
            at: kept.at,
            observations: examination.observations.len() as u64,
            diagnosis: examination.diagnosis,
            case: examination.case,
        })
    });
    Some(IncidentRecord {
        evidence: evidence.collect(),
        incident: now.cloned().unwrap_or(stored.incident),
        transitions: stored.transitions,
        messages: stored.notices,
    })
}

pub(super) async fn incidents(State(state): State<WebState>, visit: Visit) -> Response {
    aside(move || {
        let status = state.status();
        let closed = visit.asked("closed") == "1";
        let target = visit.asked("target").parse().ok().map(TargetId);
        let before = visit.asked("before").parse().ok().map(IncidentId);
        let filter = IncidentFilter {
            target,
            not_closed: !closed,
            before,
            most: Some(A_PAGE as u32 + 1),
            since: None,
        };
        let stored = state.inner.reader.as_ref().and_then(|reader| read(reader.incidents(&filter)));
        let mut found = stored.unwrap_or_else(|| of_status(&status, &filter));
        let more = found.len() > A_PAGE;
        found.truncate(A_PAGE);
        let known = target.and_then(|id| Some((id, watched(&status, id)?.target.as_str())));
        let list = List {
            incidents: &found,
            closed,
            target: known,
            before: more.then(|| found.last().map(|incident| incident.id)).flatten(),
        };
        let frame = visit.frame(&state, &status, Place::Incidents, Some("incidents".to_owned()));
        visit.answer(page::incidents(&frame, &list))
    })
    .await
}

/// Without a memory: those that are not closed.
fn of_status(status: &Status, filter: &IncidentFilter) -> Vec<Incident> {
    let wanted = |incident: &&Incident| {
        filter.target.is_none_or(|target| incident.subject == Subject::Target(target))
            && filter.before.is_none_or(|before| incident.id < before)
    };
    let mut found: Vec<Incident> = status.incidents.iter().filter(wanted).cloned().collect();
    found.sort_by_key(|incident| std::cmp::Reverse(incident.id));
    found
}

pub(super) async fn silences(State(state): State<WebState>, visit: Visit) -> Response {
    aside(move || {
        let status = state.status();
        let frame = visit.frame(&state, &status, Place::Silences, Some("silences".to_owned()));
        visit.answer(page::silences(&frame, &status.silences, visit.asked("target")))
    })
    .await
}
