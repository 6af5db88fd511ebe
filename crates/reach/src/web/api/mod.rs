//! `/api/v1`: everything that the page shows, as the command line's JSON, and everything that it can do.
//!
//! `openapi.json` beside this file is the contract: a test holds the routes, and what they answer, against it.

mod act;
mod ask;
mod read;

use axum::{
    Json, Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post},
};
use serde_json::json;

use super::{WebState, aside};
use crate::control::{Answer, protocol::Refusal};

/// The contract.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

/// What is answered where something is refused.
#[derive(Debug)]
struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

type Answered = Result<Response, ApiError>;

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    fn unable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unable", message)
    }

    /// The watch gave another answer than the one that belongs to the question.
    fn odd(answer: Answer) -> Self {
        let Answer::Refused { code, why } = answer else {
            return Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "odd-answer",
                "the watch answered something else",
            );
        };
        match code {
            Refusal::BadRequest | Refusal::Version => Self::bad(why),
            Refusal::NotFound => Self::missing(why),
            Refusal::Conflict | Refusal::Configuration => Self::new(StatusCode::CONFLICT, "conflict", why),
            Refusal::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", why),
            Refusal::Unable | Refusal::Other => Self::unable(why),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// What is answered where it takes a while to put together.
async fn apart(answer: impl FnOnce() -> Answered + Send + 'static) -> Response {
    aside(move || answer().into_response()).await
}

/// Every path with what it takes, as the contract writes them.
fn table() -> Vec<(&'static str, MethodRouter<WebState>)> {
    vec![
        ("/api/v1/status", get(read::status)),
        ("/api/v1/session", get(read::session)),
        ("/api/v1/incidents", get(read::incidents)),
        ("/api/v1/incidents/{id}", get(read::incident)),
        ("/api/v1/incidents/{id}/acknowledge", post(act::acknowledge)),
        ("/api/v1/incidents/{id}/mute", post(act::mute)),
        ("/api/v1/incidents/{id}/notes", post(act::note)),
        ("/api/v1/targets", get(read::targets)),
        ("/api/v1/targets/{id}", get(read::target)),
        ("/api/v1/targets/{id}/history", get(read::history)),
        ("/api/v1/targets/{id}/examinations", get(read::examinations)),
        ("/api/v1/targets/{id}/examinations/{number}", get(read::examination)),
        ("/api/v1/targets/{id}/examine", post(act::examine)),
        ("/api/v1/silences", get(read::silences).post(act::silence)),
        ("/api/v1/silences/{id}", delete(act::expire)),
        ("/api/v1/silences/{id}/expire", post(act::expire)),
        ("/api/v1/audit", get(read::audit)),
        ("/api/v1/signals", get(read::signals)),
        ("/api/v1/openapi.json", get(read::openapi)),
    ]
}

pub(super) fn routes() -> Router<WebState> {
    let router = table()
        .into_iter()
        .fold(Router::new(), |router, (path, answers)| router.route(path, answers.fallback(not_taken)));
    router.route("/api/v1/{*nothing}", get(nothing).fallback(nothing))
}

/// axum says what is taken, in a header.
async fn not_taken() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "this path does not take this method; the header Allow lists those that it takes",
    )
}

async fn nothing() -> ApiError {
    ApiError::missing("there is nothing here; /api/v1/openapi.json lists what there is")
}

#[cfg(test)]
mod tests;
