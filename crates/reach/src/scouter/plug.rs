//! Calls of `alert.plug`: a script in the collector that hands on each alert as it comes.
//!
//! The collector's thread for alerts waits for the answer, so it is given before anything is done.

use axum::{
    Router,
    extract::{RawQuery, State},
    http::StatusCode,
    routing::get,
};
use reach_signal::scouter::wire::AlertPack;
use tokio::sync::mpsc::Sender;
use url::form_urlencoded;

/// No query is longer.
const LONGEST: usize = 64 * 1024;

/// `GET /scouter/alert?level=…&title=…&message=…&objType=…&objHash=…`: hands the alert on, and answers at once. What
/// does not fit into the channel is lost; a collector that is held up would be worse.
pub fn route<S: Clone + Send + Sync + 'static>(alerts: Sender<AlertPack>) -> Router<S> {
    Router::new().route("/scouter/alert", get(take)).with_state(alerts)
}

async fn take(State(alerts): State<Sender<AlertPack>>, RawQuery(query): RawQuery) -> StatusCode {
    match query.as_deref().and_then(alert) {
        Some(alert) => {
            // Nobody may be left to hear it; the collector need not know.
            let _ = alerts.try_send(alert);
            StatusCode::NO_CONTENT
        }
        None => StatusCode::BAD_REQUEST,
    }
}

/// The alert of a query; one without a title is none.
pub fn alert(query: &str) -> Option<AlertPack> {
    let mut alert = AlertPack::default();
    for (name, value) in form_urlencoded::parse(query.get(..LONGEST).unwrap_or(query).as_bytes()) {
        match name.as_ref() {
            "level" => alert.level = value.parse().unwrap_or(0),
            "title" => alert.title = value.into_owned(),
            "message" => alert.message = value.into_owned(),
            "objType" => alert.obj_type = value.into_owned(),
            "objHash" => alert.obj_hash = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    (!alert.title.is_empty()).then_some(alert)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn an_alert_is_taken_in_any_order_of_its_fields_and_answered_at_once() {
        let (give, mut taken) = channel(1);
        let query =
            "objHash=1734183486&level=1&title=ERROR_RATE_HIGH&message=%2Fwas01%2F%EC%A3%BC%EB%AC%B8+1%25&x=y";
        for _ in 0..3 {
            let status = take(State(give.clone()), RawQuery(Some(query.into()))).await;
            assert_eq!(status, StatusCode::NO_CONTENT, "whoever is full does not hold the collector up");
        }
        let alert = taken.recv().await.expect("an alert");
        assert_eq!((alert.level, alert.obj_hash), (1, 1_734_183_486));
        assert_eq!((alert.title.as_str(), alert.message.as_str()), ("ERROR_RATE_HIGH", "/was01/주문 1%"));
        for strange in [None, Some(String::new()), Some("title=".into()), Some("level=%zz".into())] {
            assert_eq!(take(State(give.clone()), RawQuery(strange)).await, StatusCode::BAD_REQUEST);
        }
    }
}
