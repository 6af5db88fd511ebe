//! Calls of `alert.plug`: a script in the collector that hands on each alert as it comes.
//!
//! The collector's thread for alerts waits for the answer, so it is given before anything is done. Only this host and the
//! collector may call, and whoever `plug_from` names; browsers may not, as pages of strangers could have them call.

use std::{future::pending, net::IpAddr, sync::Arc};

use axum::{
    Extension, Router,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use ipnet::IpNet;
use reach_signal::scouter::wire::AlertPack;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use url::form_urlencoded;

use crate::web::Peer;

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

/// One installation, as its script calls it.
#[derive(Debug)]
struct Installation {
    name: String,
    /// Who may call, besides this host.
    callers: Vec<IpNet>,
    give: Sender<AlertPack>,
}

type Installations = Arc<Vec<Installation>>;

/// `GET /scouter/NAME/alert?level=…&title=…&message=…&objType=…&objHash=…` for each installation, and
/// `GET /scouter/alert` for the first: hands the alert on, and answers at once. What finds no room is lost; a collector
/// that is held up would be worse.
pub fn route(installations: impl IntoIterator<Item = (String, Vec<IpNet>)>) -> (Router, Vec<Plugged>) {
    let (installations, plugged): (Vec<_>, Vec<_>) = installations
        .into_iter()
        .map(|(name, callers)| {
            let (give, take) = channel(WAITING);
            (Installation { name, callers, give }, Plugged(Some(take)))
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
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> StatusCode {
    take(all.first(), address(peer), &headers, query.as_deref())
}

async fn named(
    State(all): State<Installations>,
    peer: Option<Extension<Peer>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> StatusCode {
    take(all.iter().find(|one| one.name == name), address(peer), &headers, query.as_deref())
}

fn address(peer: Option<Extension<Peer>>) -> Option<IpAddr> {
    peer.map(|Extension(Peer(peer))| peer.ip().to_canonical())
}

fn take(
    installation: Option<&Installation>,
    caller: Option<IpAddr>,
    headers: &HeaderMap,
    query: Option<&str>,
) -> StatusCode {
    let may = |one: &Installation| {
        caller.is_some_and(|caller| {
            caller.is_loopback() || one.callers.iter().any(|network| network.contains(&caller))
        })
    };
    // Who may not call is not told what there is.
    if BROWSERS.iter().any(|name| headers.contains_key(*name)) || installation.is_some_and(|one| !may(one)) {
        return StatusCode::FORBIDDEN;
    }
    let Some(Installation { give, .. }) = installation else { return StatusCode::NOT_FOUND };
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
        let one = match name {
            None => all.first(),
            Some(name) => all.iter().find(|one| one.name == name),
        };
        take(one, Some(IpAddr::from([127, 0, 0, 1])), &HeaderMap::new(), query)
    }

    #[tokio::test]
    async fn only_this_host_and_whoever_is_named_may_call() {
        let (all, _plugged) = installations();
        let from = |caller: Option<[u8; 4]>| {
            take(all.first(), caller.map(IpAddr::from), &HeaderMap::new(), Some("title=x"))
        };
        assert_eq!(from(Some([192, 0, 2, 5])), StatusCode::NO_CONTENT);
        for other in [Some([192, 0, 2, 6]), Some([203, 0, 113, 1]), None] {
            assert_eq!(from(other), StatusCode::FORBIDDEN, "{other:?}");
        }
    }

    fn installations() -> (Installations, Plugged) {
        let (give, taken) = channel(1);
        let callers = vec!["192.0.2.5/32".parse().expect("a network")];
        (Arc::new(vec![Installation { name: "apm".to_owned(), callers, give }]), Plugged(Some(taken)))
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
            let status = take(all.first(), Some(IpAddr::from([127, 0, 0, 1])), &headers, Some("title=x"));
            assert_eq!(status, StatusCode::FORBIDDEN);
        }
        assert_eq!(plugged.waiting(), None);
    }
}
