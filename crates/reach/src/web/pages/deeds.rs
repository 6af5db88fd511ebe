//! What people do on the page: forms, each put to the watch as an order in the name of whoever sent it.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use reach_core::{
    Time,
    watch::{IncidentId, Matcher, Order, Silence, SilenceId, TargetId},
};
use reach_report::page::{Deed, Mistake, Voice, done, not_done};
use url::form_urlencoded;

use super::{
    super::{
        WebState,
        door::{Role, Who},
    },
    visit::{Visit, to_be_said, who},
};
use crate::control::{
    Answer,
    protocol::{Refusal, Request as Asked},
};

/// The longest silence or mute that the page makes.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// A form that somebody sent.
pub(super) struct Form {
    fields: BTreeMap<String, String>,
    who: Who,
    voice: Voice,
}

impl FromRequest<WebState> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let who = who(&parts);
        let Ok(visit) =
            <Visit as axum::extract::FromRequestParts<WebState>>::from_request_parts(&mut parts, state).await;
        let kind =
            parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "This takes forms of the page only.\n").into_response()
            );
        }
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await;
        let body = body.map_err(IntoResponse::into_response)?;
        let fields = form_urlencoded::parse(&body)
            .take(32)
            .map(|(name, value)| (name.into_owned(), value.trim().to_owned()))
            .collect();
        Ok(Self { fields, who, voice: visit.voice })
    }
}

impl Form {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, Mistake> {
        self.field(name).parse().map_err(|_| Mistake::Field(name.to_owned()))
    }

    fn incident(&self) -> Result<IncidentId, Mistake> {
        self.number("incident").map(IncidentId)
    }

    /// From now on for so long as the form says.
    fn until(&self, now: Time) -> Result<Time, Mistake> {
        let wrong = || Mistake::Field("for".to_owned());
        let span = humantime::parse_duration(self.field("for")).map_err(|_| wrong())?;
        if span.is_zero() || span > LONGEST {
            return Err(wrong());
        }
        Ok(now + span)
    }

    /// Where the answer leads: a path of ours, or the overview.
    fn back(&self) -> &str {
        let back = self.field("back");
        if is_ours(back) { back } else { "/" }
    }

    /// Who may do something, and meant to.
    fn checked(&self) -> Result<(), Mistake> {
        if self.who.role < Role::Operator {
            return Err(Mistake::Viewer);
        }
        // The door has looked at it already; nobody may come in by another way.
        if self.field("csrf") != self.who.csrf {
            return Err(Mistake::Stranger);
        }
        Ok(())
    }
}

/// A path of this service: neither another site nor one without a scheme.
fn is_ours(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 2_000
        && path.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

/// Puts the order, and leads back with what came of it.
async fn put(
    state: &WebState,
    form: &Form,
    order: impl FnOnce() -> Result<(Order, Deed), Mistake>,
) -> Response {
    let outcome = match form.checked().and_then(|()| order()) {
        Ok((order, deed)) => {
            let answer = state.inner.asking.ask(Asked::Order { order }, &form.who.name).await;
            refused(answer).map_or(Ok(deed), Err)
        }
        Err(mistake) => Err(mistake),
    };
    let said = match outcome {
        Ok(deed) => done(deed, &form.voice),
        Err(mistake) => not_done(&mistake, &form.voice),
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    let location = HeaderValue::from_str(form.back()).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(header::LOCATION, location);
    if let Ok(cookie) = HeaderValue::from_str(&to_be_said(&said)) {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}

fn refused(answer: Answer) -> Option<Mistake> {
    let Answer::Refused { code, why } = answer else { return None };
    Some(match code {
        Refusal::NotFound => Mistake::NotFound,
        Refusal::Busy => Mistake::Busy,
        _ => Mistake::Refused(why),
    })
}

pub(super) async fn acknowledge(State(state): State<WebState>, form: Form) -> Response {
    put(&state, &form, || {
        let incident = form.incident()?;
        Ok((Order::Acknowledge { incident, by: form.who.name.clone() }, Deed::Acknowledged(incident)))
    })
    .await
}

pub(super) async fn mute(State(state): State<WebState>, form: Form) -> Response {
    let now = state.inner.clock.now();
    put(&state, &form, || {
        let (incident, until) = (form.incident()?, form.until(now)?);
        Ok((Order::Mute { incident, until, by: form.who.name.clone() }, Deed::Muted(incident, until)))
    })
    .await
}

pub(super) async fn note(State(state): State<WebState>, form: Form) -> Response {
    put(&state, &form, || {
        let incident = form.incident()?;
        let text = form.field("text").to_owned();
        if text.is_empty() {
            return Err(Mistake::Field("text".to_owned()));
        }
        Ok((Order::Remark { incident, text, by: form.who.name.clone() }, Deed::Noted(incident)))
    })
    .await
}

pub(super) async fn silence(State(state): State<WebState>, form: Form) -> Response {
    let now = state.inner.clock.now();
    put(&state, &form, || {
        let until = form.until(now)?;
        let silence = Silence {
            id: SilenceId(0),
            matcher: matcher(&form)?,
            from: now,
            until,
            author: form.who.name.clone(),
            comment: form.field("comment").to_owned(),
            maintenance: false,
        };
        Ok((Order::Silence(silence), Deed::Silenced(until)))
    })
    .await
}

fn matcher(form: &Form) -> Result<Matcher, Mistake> {
    let target = Some(form.field("target")).filter(|target| !target.is_empty());
    let network = match form.field("network") {
        "" => None,
        text => {
            let address = || text.parse::<std::net::IpAddr>().ok().map(Into::into);
            let network = text.parse().ok().or_else(address);
            Some(network.ok_or_else(|| Mistake::Network(text.to_owned()))?)
        }
    };
    let mut labels = BTreeMap::new();
    for part in form.field("labels").split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let pair = part.split_once('=').filter(|(name, _)| !name.trim().is_empty());
        let (name, value) = pair.ok_or_else(|| Mistake::Label(part.to_owned()))?;
        labels.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    if target.is_none() && network.is_none() && labels.is_empty() {
        return Err(Mistake::Everything);
    }
    Ok(Matcher { target: target.map(str::to_owned), network, labels })
}

pub(super) async fn expire(State(state): State<WebState>, form: Form) -> Response {
    put(&state, &form, || {
        let silence = SilenceId(form.number("silence")?);
        Ok((Order::Expire { silence, by: form.who.name.clone() }, Deed::Expired(silence)))
    })
    .await
}

pub(super) async fn examine(State(state): State<WebState>, form: Form) -> Response {
    put(&state, &form, || Ok((Order::Examine(TargetId(form.number("target")?)), Deed::Examining))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_leads_nowhere_else() {
        for ours in ["/", "/incident/3", "/target/1?from=-3h&address=2001:db8::1"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:x",
            "/a\r\nb",
            "/ a",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
