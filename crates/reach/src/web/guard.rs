//! What every request has to pass, and what every answer carries.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::WebState;

/// Sent with every answer, unless it says something of its own. Nothing is loaded from elsewhere, nothing runs but our
/// own script, nobody frames it, no page of somebody else reads it.
const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// By which names this service may be asked.
pub(super) struct Guard {
    loopback: bool,
    hosts: BTreeSet<String>,
}

impl Guard {
    pub(super) fn new(local: SocketAddr, hosts: &[String]) -> Self {
        let loopback = local.ip().to_canonical().is_loopback();
        Self {
            loopback,
            hosts: hosts.iter().map(|host| host.trim_end_matches('.').to_ascii_lowercase()).collect(),
        }
    }

    /// Whether a name that somebody asks for is ours. A stranger's page can have its own name resolve to loopback;
    /// the browser then asks us by that name.
    fn knows(&self, host: &str) -> bool {
        let host = without_port(host).trim_end_matches('.').to_ascii_lowercase();
        if self.hosts.contains(&host) {
            return true;
        }
        if !self.loopback {
            return self.hosts.is_empty() || host.parse::<IpAddr>().is_ok();
        }
        let is_local = |address: IpAddr| address.to_canonical().is_loopback();
        host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(is_local)
    }
}

/// The host of a `Host` header, without brackets.
fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(address, _)| address);
    }
    match host.rsplit_once(':') {
        Some((name, _)) if !name.contains(':') => name,
        _ => host,
    }
}

pub(super) async fn guard(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let mut response = match refusal(&state.inner.guard, &request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refusal(guard: &Guard, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    if !reads && !(request.method() == Method::POST && path.starts_with("/do/")) {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return Some(
            (StatusCode::METHOD_NOT_ALLOWED, allow, "Only GET and HEAD are answered.\n").into_response(),
        );
    }
    let headers = request.headers();
    // HTTP/2 has the name in its URI.
    let host = text(headers, header::HOST).or_else(|| Some(request.uri().authority()?.as_str()));
    if !host.is_some_and(|host| guard.knows(host)) {
        let said = "This service is not called by that name. `[http] hosts` lists the names it answers to.\n";
        return Some((StatusCode::MISDIRECTED_REQUEST, said).into_response());
    }
    // A link to a page may stand anywhere: in a message, in a ticket.
    let named = |name: &'static str| text(headers, header::HeaderName::from_static(name));
    let follows_link = reads && named("sec-fetch-mode") == Some("navigate") && is_page(path);
    let acts = path != "/" && !follows_link;
    if acts && named("sec-fetch-site") == Some("cross-site") {
        return Some((StatusCode::FORBIDDEN, "Pages of other sites are not answered.\n").into_response());
    }
    None
}

/// Whether it only shows something.
fn is_page(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(first, "" | "target" | "incident" | "incidents" | "signals" | "silences")
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(local: &str, hosts: &[&str]) -> Guard {
        Guard::new(
            local.parse().expect("an address"),
            &hosts.iter().map(|&host| host.to_owned()).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn on_loopback_only_names_of_loopback_are_ours() {
        let guard = guard("127.0.0.1:9115", &["reach.internal"]);
        for ours in
            ["localhost", "localhost:9115", "127.0.0.1:9115", "127.0.0.2", "[::1]:9115", "Reach.Internal.:80"]
        {
            assert!(guard.knows(ours), "{ours}");
        }
        for other in
            ["evil.example", "evil.example:9115", "203.0.113.1", "", "localhost.evil.example", "[::2]", "["]
        {
            assert!(!guard.knows(other), "{other}");
        }
    }

    #[test]
    fn elsewhere_every_name_is_ours_until_some_are_listed() {
        assert!(guard("0.0.0.0:9115", &[]).knows("reach.example"));
        let listed = guard("0.0.0.0:9115", &["reach.example"]);
        assert!(listed.knows("reach.example:9115") && listed.knows("203.0.113.7:9115"));
        assert!(!listed.knows("evil.example"));
    }
}
