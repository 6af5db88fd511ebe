//! The page for people: what is asked for is put together here from the status and the memory, and said by
//! [`reach_report::page`].

mod deeds;
mod handover;
mod history;
mod signals;
#[cfg(test)]
mod stock;
mod views;
mod visit;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use reach_report::page::assets;

use super::WebState;

/// The longest form, in bytes.
const LONGEST_FORM: usize = 32 * 1024;

/// What people look at, and what they do.
pub(super) fn routes() -> Router<WebState> {
    Router::new()
        .route("/", get(views::overview))
        .route("/target/{id}", get(views::target))
        .route("/incident/{id}", get(views::incident))
        .route("/incident/{id}/{file}", get(handover::handover))
        .route("/incidents", get(views::incidents))
        .route("/silences", get(views::silences))
        .route("/signals", get(signals::signals))
        .route("/assets/{name}", get(asset))
        .route("/style.css", get(style))
        .route("/do/acknowledge", post(deeds::acknowledge))
        .route("/do/mute", post(deeds::mute))
        .route("/do/note", post(deeds::note))
        .route("/do/silence", post(deeds::silence))
        .route("/do/expire", post(deeds::expire))
        .route("/do/examine", post(deeds::examine))
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
}

/// What is in a file is in its name: it may be kept for good.
async fn asset(Path(name): Path<String>) -> Response {
    let Some(asset) = assets::all().into_iter().find(|asset| asset.name() == name) else {
        return (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response();
    };
    let kind = HeaderValue::from_static(asset.media_type);
    let keep = HeaderValue::from_static("public, max-age=31536000, immutable");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)], asset.text).into_response()
}

/// The same by a name that stays, for pages that stand before these.
async fn style() -> Response {
    let style = assets::style();
    ([(header::CONTENT_TYPE, HeaderValue::from_static(style.media_type))], style.text).into_response()
}

#[cfg(test)]
mod tests;
