//! What is handed over of an incident, as `reach report` writes it: a file for each way of writing it down.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use reach_core::watch::IncidentId;
use reach_report::{Lang, Style};
use tracing::warn;

use super::{
    super::{WebState, aside},
    visit::Visit,
};
use crate::{
    cli::ReportFormat,
    command::report::{Found, Written, incident, offset_s},
    words,
};

/// The columns of a ticket's text.
const COLUMNS: usize = 100;

pub(super) async fn handover(
    State(state): State<WebState>,
    Path((id, file)): Path<(String, String)>,
    visit: Visit,
) -> Response {
    let format = file.strip_prefix("report.").and_then(ReportFormat::of_ending);
    let (Ok(id), Some(format)) = (id.parse().map(IncidentId), format) else {
        return visit.nothing(&state, &state.status());
    };
    // The survey is judged again and drawn: that takes a while.
    aside(move || match written(&state, id, visit.voice.lang) {
        Ok(written) => answer(&written, format, visit.voice.lang),
        Err(None) => visit.nothing(&state, &state.status()),
        Err(Some(why)) => (StatusCode::NOT_FOUND, format!("{why}\n")).into_response(),
    })
    .await
}

/// The document; `None` where there is no such incident, and else why there is nothing to hand over.
fn written(state: &WebState, id: IncidentId, lang: Lang) -> Result<Written, Option<String>> {
    let now = state.inner.clock.now();
    let reader = state.inner.reader.as_ref().ok_or(None)?;
    let subject = match incident(reader, id, now) {
        Ok(Found::Subject(subject)) => subject,
        Ok(Found::Nothing) => return Err(None),
        Ok(Found::NoTarget(_)) => return Err(Some(words::nothing_to_hand_over(lang).to_owned())),
        Ok(Found::NoSurvey(_)) => return Err(Some(words::no_survey_kept(lang).to_owned())),
        Err(error) => {
            warn!("the memory cannot be read for a hand-over: {error}");
            return Err(Some(words::memory_unreadable(lang).to_owned()));
        }
    };
    let at = subject.runs.first().map_or(now, |run| run.case.started);
    Ok(Written::of(&subject, &state.requester(), offset_s(&state.inner.zone, at), lang, now))
}

fn answer(written: &Written, format: ReportFormat, lang: Lang) -> Response {
    let style = Style::plain(COLUMNS, lang);
    let bytes = match written.bytes(format, None, &style) {
        Ok(bytes) => bytes,
        Err(why) => return (StatusCode::NOT_FOUND, format!("{why}\n")).into_response(),
    };
    let name = format!("attachment; filename=\"{}.{}\"", written.name, format.ending());
    let kind = HeaderValue::from_static(format.media_type());
    // Nothing of a hand-over runs or is styled by the page's own rules: it is saved, and opened as a file.
    let place = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, place)], bytes).into_response()
}
