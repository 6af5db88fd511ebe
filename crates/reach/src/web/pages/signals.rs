//! What other systems say.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use reach_report::{
    page::{self, Place},
    signal::heard_json,
};

use super::{
    super::{WebState, aside},
    visit::Visit,
};

pub(super) async fn signals(State(state): State<WebState>, visit: Visit) -> Response {
    aside(move || {
        let (status, beside) = (state.status(), state.beside());
        let frame = visit.frame(&state, &status, Place::Signals, Some("signals".to_owned()));
        visit.answer(page::signals(&frame, &beside.heard, &status))
    })
    .await
}

/// The same for programs.
pub(super) async fn json(State(state): State<WebState>) -> Response {
    aside(move || Json(heard_json(&state.beside().heard, &state.status().sources)).into_response()).await
}
