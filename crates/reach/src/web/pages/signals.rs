//! What other systems say.

use axum::{extract::State, response::Response};
use reach_report::page::{self, Place};

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
