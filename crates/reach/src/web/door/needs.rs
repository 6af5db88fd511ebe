//! The one list of what may be asked for by whom.

use axum::http::Method;

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: it tells nothing, or has rules of its own.
    Nothing,
    /// Somebody, or an address that may scrape.
    Scrape,
    /// Somebody.
    Look,
    /// Somebody, with a form of ours.
    Leave,
    /// A form of ours.
    Enter,
    /// Somebody who may see what others did.
    Audit,
    /// An operator, with a form of ours.
    Operate,
    /// It is never answered.
    Never,
}

/// What this asks for.
pub(super) fn needs(method: &Method, path: &str) -> Needs {
    let is_api = path.starts_with("/api/v1/");
    match method.as_str() {
        "GET" | "HEAD" => match path {
            "/healthz" | "/-/healthy" | "/login" => Needs::Nothing,
            "/metrics" | "/probe" => Needs::Scrape,
            "/api/v1/audit" => Needs::Audit,
            // Alerts of Scouter are let in by address, by those who take them.
            _ if path.starts_with("/assets/") || path.starts_with("/scouter/") => Needs::Nothing,
            _ => Needs::Look,
        },
        "POST" => match path {
            "/login" => Needs::Enter,
            "/logout" => Needs::Leave,
            _ if is_api || path.starts_with("/do/") => Needs::Operate,
            _ => Needs::Never,
        },
        "DELETE" if is_api => Needs::Operate,
        // What the interface does not take it refuses by itself, and says what it takes.
        _ if is_api => Needs::Look,
        _ => Needs::Never,
    }
}
