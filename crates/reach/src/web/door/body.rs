//! Bodies of requests: all of them at once, and none too large or too slow.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use tokio::time::timeout;

use super::{credentials::field, refusal, text};

/// The largest body of a request, in bytes, and how long it may take to come.
pub(super) const LARGEST_BODY: usize = 64 * 1024;
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// The header that carries what a form's field `csrf` does.
const CSRF_HEADER: &str = "x-csrf-token";

/// The request with its body in memory, so that nobody who is slow or never ends keeps anything else waiting.
pub(super) async fn buffered(request: Request, path: &str) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    let too_large =
        || refusal(path, StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is larger than 65536 bytes.");
    let said =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|said| said > LARGEST_BODY as u64) {
        return Err(too_large());
    }
    match timeout(BODY_PATIENCE, to_bytes(body, LARGEST_BODY)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => {
            Err(refusal(path, StatusCode::REQUEST_TIMEOUT, "timeout", "The body did not come within 10 s."))
        }
    }
}

/// The request with its body in memory, and the token that a header or a field of its form carries.
pub(super) async fn with_token(request: Request, path: &str) -> Result<(Request, Option<String>), Response> {
    let request = buffered(request, path).await?;
    if let Some(sent) = text(request.headers(), CSRF_HEADER).map(str::to_owned) {
        return Ok((request, Some(sent)));
    }
    if !is_form(request.headers()) {
        return Ok((request, None));
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, LARGEST_BODY).await.unwrap_or_default();
    let sent = field(&bytes, "csrf");
    Ok((Request::from_parts(parts, Body::from(bytes)), sent))
}

/// Whether a body is what a form of a page sends.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let kind = text(headers, "content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
