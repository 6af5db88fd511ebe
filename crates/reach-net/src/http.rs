//! One HTTP/1.1 request and the head of its response (RFC 9112).

use std::{pin::pin, time::Duration};

use http_body_util::Empty;
use hyper::{
    Method, Request, Response, Uri,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{
        ACCEPT, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, SERVER,
        USER_AGENT,
    },
};
use hyper_util::rt::TokioIo;
use reach_core::model::{HttpEnd, HttpRequest, HttpResult};
use rustls::AlertDescription;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout},
};

use crate::{
    stamp::whole_micros,
    stream::{Failure, Tap, alert},
    text::clean_bytes,
};

/// More fields than any honest head has, and cheap to hold.
const MOST_HEADERS: usize = 256;

/// The request as it will be sent; `None` when HTTP cannot say it (a space in the path, say).
pub(crate) fn request(wanted: &HttpRequest) -> Option<Request<Empty<Bytes>>> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::from_bytes(wanted.method.as_bytes()).ok()?;
    *request.uri_mut() = Uri::try_from(&wanted.path).ok().filter(|uri| uri.path().starts_with('/'))?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::try_from(&wanted.host).ok()?);
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("reach/", env!("CARGO_PKG_VERSION"))));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Some(request)
}

/// What came of a request.
pub(crate) struct Sent<S> {
    pub(crate) result: HttpResult,
    /// The fatal alert that TLS below ended with, in place of a response.
    pub(crate) alert: Option<AlertDescription>,
    /// The stream, for a farewell.
    pub(crate) io: Option<S>,
}

/// Sends the request and waits for the head of the response. The body is left unread.
pub(crate) async fn send<S>(io: S, request: Request<Empty<Bytes>>, read_timeout: Duration) -> Sent<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (io, first) = Tap::new(io);
    let started = Instant::now();
    let handshake = http1::Builder::new()
        .title_case_headers(true)
        .max_headers(MOST_HEADERS)
        .handshake(TokioIo::new(io))
        .await;
    let (mut sender, mut connection) = match handshake {
        Ok(ready) => ready,
        Err(error) => {
            let result = failed(&error, first.get(), whole_micros(started.elapsed()));
            return Sent { result, alert: alert(&error), io: None };
        }
    };
    let exchange = async {
        let mut response = pin!(sender.send_request(request));
        let mut over = false;
        loop {
            tokio::select! {
                response = &mut response => return response,
                // Its error comes out of the response too.
                _ = &mut connection, if !over => over = true,
            }
        }
    };
    let result = timeout(read_timeout, exchange).await;
    let took = whole_micros(started.elapsed());
    let (result, alert) = match result {
        Ok(Ok(response)) => (answered(&response, took), None),
        Ok(Err(error)) => (failed(&error, first.get(), took), alert(&error)),
        Err(_) => {
            let first = first.get();
            let ended = if is_http(&first) { HttpEnd::Silent } else { HttpEnd::NotHttp(first) };
            (without_head(ended, took), None)
        }
    };
    Sent { result, alert, io: Some(connection.into_parts().io.into_inner().into_inner()) }
}

fn answered(response: &Response<Incoming>, took: Duration) -> HttpResult {
    let headers = response.headers();
    HttpResult {
        ended: HttpEnd::Status(response.status().as_u16()),
        took,
        server: field(headers, &SERVER),
        location: field(headers, &LOCATION),
        content_type: field(headers, &CONTENT_TYPE),
    }
}

fn failed(error: &hyper::Error, first: Vec<u8>, took: Duration) -> HttpResult {
    let ended = if !is_http(&first) || error.is_parse() {
        HttpEnd::NotHttp(first)
    } else {
        match Failure::of(error) {
            Failure::Reset => HttpEnd::Reset,
            // Given back by a router, or repeated in vain: nothing came, only sooner known.
            Failure::TimedOut | Failure::Returned => HttpEnd::Silent,
            Failure::Closed | Failure::Other => HttpEnd::Closed,
        }
    };
    without_head(ended, took)
}

fn without_head(ended: HttpEnd, took: Duration) -> HttpResult {
    HttpResult { ended, took, server: None, location: None, content_type: None }
}

/// Whether bytes received can be the beginning of a response. Nothing at all can be.
fn is_http(first: &[u8]) -> bool {
    const START: &[u8] = b"HTTP/";
    // A robust client skips an empty line before the status line (RFC 9112 §2.2), and hyper does.
    let first = first.strip_prefix(b"\r\n").unwrap_or(first);
    let length = first.len().min(START.len());
    first[..length] == START[..length]
}

fn field(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| clean_bytes(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(path: &str, host: &str) -> HttpRequest {
        HttpRequest { method: "GET".to_owned(), path: path.to_owned(), host: host.to_owned() }
    }

    #[test]
    fn a_request_says_who_asks_and_for_whom() {
        let request = request(&wanted("/a?b=c", "example.com")).expect("a request");
        assert_eq!(request.uri(), "/a?b=c");
        assert_eq!(request.headers()[HOST], "example.com");
        assert!(request.headers()[USER_AGENT].to_str().is_ok_and(|agent| agent.starts_with("reach/")));
    }

    #[test]
    fn what_http_cannot_say_is_no_request() {
        assert!(request(&wanted("/a b", "example.com")).is_none());
        assert!(request(&wanted("no slash", "example.com")).is_none());
        assert!(request(&wanted("", "example.com")).is_none());
        assert!(request(&wanted("/", "example.com\r\nX: y")).is_none());
        let method = HttpRequest { method: "GE T".to_owned(), ..wanted("/", "example.com") };
        assert!(request(&method).is_none());
    }

    #[test]
    fn what_is_no_http_shows_in_its_first_bytes() {
        for first in [&b""[..], b"H", b"HTTP/1.1 200 OK", b"\r\nHTTP/1.0 404"] {
            assert!(is_http(first), "{first:?}");
        }
        for first in [&b"\x15\x03\x01"[..], b"SSH-2.0", b"HTTPS", b"\0"] {
            assert!(!is_http(first), "{first:?}");
        }
    }
}
