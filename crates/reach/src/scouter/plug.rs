//! Calls of `alert.plug`: a script in the collector that hands on each alert as it comes.
//!
//! The collector's thread for alerts waits for the answer, so it is given before anything is done. Nothing tells who
//! calls: an alert is what somebody says, and is told as that. Browsers are refused, as pages of strangers could have
//! them call.

use std::{future::pending, sync::Arc};

use axum::{
    Router,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use reach_signal::scouter::wire::AlertPack;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use url::form_urlencoded;

/// No query is longer.
const LONGEST: usize = 64 * 1024;

/// How many alerts of one installation wait to be taken.
const WAITING: usize = 256;

/// What only browsers say.
const BROWSERS: [&str; 2] = ["origin", "sec-fetch-site"];

/// Alerts of one installation as its script hands them on.
#[derive(Debug, Default)]
pub struct Plugged(Option<Receiver<AlertPack>>);

impl Plugged {
    /// The next one. Where there is no script, or will be none any more, that is never.
    pub async fn next(&mut self) -> AlertPack {
        if let Some(receiver) = &mut self.0
            && let Some(alert) = receiver.recv().await
        {
            return alert;
        }
        pending().await
    }

    /// One that has come already.
    pub fn waiting(&mut self) -> Option<AlertPack> {
        self.0.as_mut()?.try_recv().ok()
    }
}

type Installations = Arc<Vec<(String, Sender<AlertPack>)>>;

/// `GET /scouter/NAME/alert?level=…&title=…&message=…&objType=…&objHash=…` for each installation, and
/// `GET /scouter/alert` for the first: hands the alert on, and answers at once. What finds no room is lost; a collector
/// that is held up would be worse.
pub fn route(names: impl IntoIterator<Item = String>) -> (Router, Vec<Plugged>) {
    let (installations, plugged): (Vec<_>, Vec<_>) = names
        .into_iter()
        .map(|name| {
            let (give, take) = channel(WAITING);
            ((name, give), Plugged(Some(take)))
        })
        .unzip();
    let router = Router::new()
        .route("/scouter/alert", get(first))
        .route("/scouter/{name}/alert", get(named))
        .with_state(Arc::new(installations));
    (router, plugged)
}

async fn first(
    State(all): State<Installations>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> StatusCode {
    take(all.first().map(|(_, give)| give), &headers, query.as_deref())
}

async fn named(
    State(all): State<Installations>,
    Path(name): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> StatusCode {
    take(all.iter().find(|(known, _)| *known == name).map(|(_, give)| give), &headers, query.as_deref())
}

fn take(give: Option<&Sender<AlertPack>>, headers: &HeaderMap, query: Option<&str>) -> StatusCode {
    if BROWSERS.iter().any(|name| headers.contains_key(*name)) {
        return StatusCode::FORBIDDEN;
    }
    let Some(give) = give else { return StatusCode::NOT_FOUND };
    match query.and_then(alert) {
        Some(alert) => {
            // Nobody may be left to hear it; the collector need not know.
            let _ = give.try_send(alert);
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
    use super::*;

    fn asked(all: &Installations, name: Option<&str>, query: Option<&str>) -> StatusCode {
        let give = match name {
            None => all.first(),
            Some(name) => all.iter().find(|(known, _)| known == name),
        };
        take(give.map(|(_, give)| give), &HeaderMap::new(), query)
    }

    fn installations() -> (Installations, Plugged) {
        let (give, taken) = channel(1);
        (Arc::new(vec![("apm".to_owned(), give)]), Plugged(Some(taken)))
    }

    #[tokio::test]
    async fn an_alert_is_taken_in_any_order_of_its_fields_and_answered_at_once() {
        let (all, mut plugged) = installations();
        let query =
            "objHash=1734183486&level=1&title=ERROR_RATE_HIGH&message=%2Fwas01%2F%EC%A3%BC%EB%AC%B8+1%25&x=y";
        for name in [None, Some("apm"), None] {
            let status = asked(&all, name, Some(query));
            assert_eq!(status, StatusCode::NO_CONTENT, "whoever is full does not hold the collector up");
        }
        let alert = plugged.next().await;
        assert_eq!((alert.level, alert.obj_hash), (1, 1_734_183_486));
        assert_eq!((alert.title.as_str(), alert.message.as_str()), ("ERROR_RATE_HIGH", "/was01/주문 1%"));
        assert_eq!(plugged.waiting(), None);
        for strange in [None, Some(""), Some("title="), Some("level=%zz")] {
            assert_eq!(asked(&all, None, strange), StatusCode::BAD_REQUEST);
        }
        assert_eq!(asked(&all, Some("other"), Some(query)), StatusCode::NOT_FOUND);
    }

    #[test]
    fn pages_of_strangers_are_refused() {
        let (all, mut plugged) = installations();
        for name in BROWSERS {
            let headers =
                HeaderMap::from_iter([(name.parse().expect("a name"), "x".parse().expect("a value"))]);
            let status = take(all.first().map(|(_, give)| give), &headers, Some("title=x"));
            assert_eq!(status, StatusCode::FORBIDDEN);
        }
        assert_eq!(plugged.waiting(), None);
    }
}
