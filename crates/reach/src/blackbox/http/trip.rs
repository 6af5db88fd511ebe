//! One request on a connection of its own.

use std::net::IpAddr;

use http_body_util::{Either, Empty, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri, Version,
    body::{Body, Bytes, Incoming},
    client::conn::{http1, http2},
    header,
    rt::{Read, Write},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use reach_core::watch::Reason;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
    time::Instant,
};
use url::Url;

use super::{HttpSpec, PHASES, host};
use crate::blackbox::{
    Bench, Failure, base64,
    log::Log,
    register::Register,
    tcp,
    tls::{self, Session},
};

/// A request.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) method: Method,
    /// The header `Host`.
    pub(super) host: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) cookies: Option<String>,
    /// It goes to the address that the probe is about.
    pub(super) at_first: bool,
}

/// The head of an answer, and the rest to come.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) body: Incoming,
    pub(super) session: Option<Session>,
    /// When its head was here.
    pub(super) since: Instant,
    /// Ends with the answer.
    _connection: Connection,
}

impl Answer {
    /// How long the body is said to be; -1 where nothing is said.
    pub(super) fn content_length(&self) -> f64 {
        let said = self
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let length: Option<u64> = said.or_else(|| self.body.size_hint().exact());
        length.map_or(-1.0, |length| length as f64)
    }
}

/// The task that carries a connection; ends with its value.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

type Payload = Either<Full<Bytes>, Empty<Bytes>>;

/// Asks, and gives the head of the answer. `at` is the address to ask; where it is `None`, one is looked up.
#[expect(clippy::too_many_arguments, reason = "a request is made of them")]
pub(super) async fn travel(
    bench: &Bench,
    spec: &HttpSpec,
    url: &Url,
    at: Option<IpAddr>,
    (name, is_first): (&str, bool),
    question: &Question,
    deadline: Instant,
    register: &mut Register,
    log: &Log,
) -> Result<Answer, Failure> {
    log.debug(format_args!(
        "Making HTTP request: {} {}://{}{}",
        question.method,
        url.scheme(),
        question.host,
        url.path()
    ));
    let unable = |error: String| {
        log.error(format_args!("Error for HTTP request: {error}"));
        Failure::Unable
    };
    let proxy = bench.proxies.for_url(spec, url).map_err(unable)?;
    let secured = url.scheme() == "https";
    let stream = match &proxy {
        Some(proxy) => {
            let stream = reach_out(bench, proxy, None, false, deadline, register, log).await?;
            if !secured {
                let request = request(question, &through(url, at), true).map_err(unable)?;
                return exchange(TokioIo::new(stream), false, request, None, register, log).await;
            }
            tunnel(stream, proxy, spec, &authority(url, at), log).await?
        }
        None => Tunnelled::Direct(reach_out(bench, url, at, true, deadline, register, log).await?),
    };
    let uri = url.path().to_owned() + &url.query().map_or_else(String::new, |query| format!("?{query}"));
    if !secured {
        let Tunnelled::Direct(stream) = stream else { return Err(Failure::Unable) };
        let request = request(question, &uri, true).map_err(unable)?;
        return exchange(TokioIo::new(stream), false, request, None, register, log).await;
    }
    let alpn: &[&[u8]] = if spec.enable_http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    let mut config = spec.tls_config.clone();
    if !is_first {
        config.server_name = String::new();
    }
    match stream {
        Tunnelled::Direct(stream) => {
            shake(stream, (&config, name, alpn), bench, question, url, &uri, register, log).await
        }
        Tunnelled::Proxied(stream, _connection) => {
            shake(stream, (&config, name, alpn), bench, question, url, &uri, register, log).await
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "a request is made of them")]
async fn shake<S>(
    stream: S,
    (config, name, alpn): (&crate::blackbox::module::TlsSpec, &str, &[&[u8]]),
    bench: &Bench,
    question: &Question,
    url: &Url,
    uri: &str,
    register: &mut Register,
    log: &Log,
) -> Result<Answer, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let started = Instant::now();
    let secured = tls::secure(stream, config, &bench.roots, name, alpn, log).await;
    register.phase(PHASES, "tls", started.elapsed().as_secs_f64());
    let secured = secured?;
    let http2 = secured.speaks_http2();
    let uri = if http2 { format!("https://{}{uri}", question.host) } else { uri.to_owned() };
    let session = secured.session().clone();
    let request = request(question, &uri, !http2).map_err(|error| {
        log.error(format_args!("Error for HTTP request to {}: {error}", host(url)));
        Failure::Unable
    })?;
    exchange(TokioIo::new(secured.stream), http2, request, Some(session), register, log).await
}

enum Tunnelled {
    Direct(TcpStream),
    Proxied(TokioIo<hyper::upgrade::Upgraded>, Connection),
}

/// A connection to the host of a URL. What is looked up on a redirect counts as a phase.
async fn reach_out(
    bench: &Bench,
    url: &Url,
    at: Option<IpAddr>,
    is_target: bool,
    deadline: Instant,
    register: &mut Register,
    log: &Log,
) -> Result<TcpStream, Failure> {
    let host = host(url);
    let port = url.port_or_known_default().unwrap_or(80);
    let addresses = match at {
        Some(address) => vec![address],
        None => {
            let name = host.parse::<IpAddr>().is_err().then_some(host.as_str());
            if is_target && name.is_some_and(|name| !bench.policy.admits_lookup(name, Some(port))) {
                log.error(format_args!("{host} may not be probed"));
                return Err(Failure::Unable);
            }
            let started = Instant::now();
            let found =
                bench.resolver.choose(&host, super::super::module::IpProtocol::Ip6, true, deadline).await;
            register.phase(PHASES, "resolve", started.elapsed().as_secs_f64());
            let found = found.map_err(|error| {
                log.error(format_args!("Error resolving {host}: {error}"));
                Failure::Reason("dns")
            })?;
            // A proxy is the operator's own choice; where a redirect leads is a stranger's.
            for &address in found.iter().filter(|_| is_target) {
                if bench.admit(name, address, Some(port)).is_err() {
                    log.error(format_args!("{address} may not be probed"));
                    return Err(Failure::Unable);
                }
            }
            found
        }
    };
    let mut failed = Failure::Unable;
    let started = Instant::now();
    for address in addresses {
        match tcp::connect("", address, port, deadline, log).await {
            Ok(stream) => {
                register.phase(PHASES, "connect", started.elapsed().as_secs_f64());
                return Ok(stream);
            }
            Err(failure) => failed = failure,
        }
    }
    Err(failed)
}

/// Host and port for a proxy; the address where it is known, as the connection would have had it.
fn authority(url: &Url, at: Option<IpAddr>) -> String {
    let port = url.port_or_known_default().unwrap_or(443);
    match at {
        Some(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        Some(IpAddr::V4(address)) => format!("{address}:{port}"),
        None => format!("{}:{port}", url.host_str().unwrap_or_default()),
    }
}

/// The whole URL, for a proxy.
fn through(url: &Url, at: Option<IpAddr>) -> String {
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    format!("http://{}{}{query}", authority(url, at), url.path())
}

/// Has a proxy connect to the host (RFC 9110 §9.3.6).
async fn tunnel(
    stream: TcpStream,
    proxy: &Url,
    spec: &HttpSpec,
    authority: &str,
    log: &Log,
) -> Result<Tunnelled, Failure> {
    let closed = Failure::Reason(Reason::ClosedEarly.code());
    let trouble = |error: &dyn std::fmt::Display| {
        log.error(format_args!("Error from the proxy: {error}"));
        closed
    };
    let (mut sender, connection) =
        builder().handshake(TokioIo::new(stream)).await.map_err(|error| trouble(&error))?;
    let task = tokio::spawn(async move {
        // What ends it shows where it is used.
        let _ = connection.with_upgrades().await;
    });
    let task = Connection(task);
    let mut request =
        Request::builder().method(Method::CONNECT).uri(authority).header(header::HOST, authority);
    if !proxy.username().is_empty() {
        let login = format!("{}:{}", proxy.username(), proxy.password().unwrap_or_default());
        request = request
            .header(header::PROXY_AUTHORIZATION, format!("Basic {}", base64::encode(login.as_bytes())));
    }
    for (name, values) in &spec.proxy_connect_header {
        for value in values {
            request = request.header(name, value.expose());
        }
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| trouble(&error))?;
    let response = sender.send_request(request).await.map_err(|error| trouble(&error))?;
    if !response.status().is_success() {
        return Err(trouble(&response.status()));
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(|error| trouble(&error))?;
    Ok(Tunnelled::Proxied(TokioIo::new(upgraded), task))
}

fn request(question: &Question, uri: &str, is_http1: bool) -> Result<Request<Payload>, String> {
    let uri: Uri = uri.parse().map_err(|_| "the URL cannot be asked for".to_owned())?;
    let mut request = Request::builder().method(question.method.clone()).uri(uri);
    let headers = request.headers_mut().ok_or("the URL cannot be asked for")?;
    *headers = question.headers.clone();
    if is_http1 {
        let host =
            header::HeaderValue::from_str(&question.host).map_err(|_| "the host name cannot be sent")?;
        headers.insert(header::HOST, host);
        headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    if let Some(cookies) = &question.cookies
        && let Ok(value) = header::HeaderValue::from_str(cookies)
    {
        headers.append(header::COOKIE, value);
    }
    let payload = if question.body.is_empty() {
        Either::Right(Empty::new())
    } else {
        Either::Left(Full::new(question.body.clone()))
    };
    request.body(payload).map_err(|error| error.to_string())
}

/// Sends a request and waits for the head of the answer.
async fn exchange<I>(
    io: I,
    http2: bool,
    request: Request<Payload>,
    session: Option<Session>,
    register: &mut Register,
    log: &Log,
) -> Result<Answer, Failure>
where
    I: Read + Write + Send + Unpin + 'static,
{
    let sent = Instant::now();
    let (connection, response) = if http2 {
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), io).await.map_err(|error| trouble(&error, log))?;
        let task = Connection(tokio::spawn(async move {
            // What ends it shows in the answer.
            let _ = connection.await;
        }));
        (task, sender.send_request(request).await)
    } else {
        let (mut sender, connection) = builder().handshake(io).await.map_err(|error| trouble(&error, log))?;
        let task = Connection(tokio::spawn(async move {
            // What ends it shows in the answer.
            let _ = connection.await;
        }));
        (task, sender.send_request(request).await)
    };
    let response: Response<Incoming> = response.map_err(|error| trouble(&error, log))?;
    register.phase(PHASES, "processing", sent.elapsed().as_secs_f64());
    let (head, body) = response.into_parts();
    Ok(Answer {
        status: head.status,
        version: head.version,
        headers: head.headers,
        body,
        session,
        since: Instant::now(),
        _connection: connection,
    })
}

/// Writes headers as everybody writes them, for servers that know them no other way.
fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.title_case_headers(true);
    builder
}

fn trouble(error: &hyper::Error, log: &Log) -> Failure {
    log.error(format_args!("Error for HTTP request: {error}"));
    let closed = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    Failure::Reason(if closed { Reason::ClosedEarly } else { Reason::Http }.code())
}
