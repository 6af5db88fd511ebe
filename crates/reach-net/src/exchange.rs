//! A TCP connection and the layers above it, as far as asked: a proxy, STARTTLS, TLS, HTTP.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http_body_util::Empty;
use hyper::{Request, body::Bytes};
use reach_core::model::{
    After, Answer, Connected, Exchange, Exchanged, HttpEnd, HttpResult, Inability, Obstacle, Outcome,
    ProxyEnd, ProxyResult, StartTlsEnd, StartTlsResult, TlsEnd, TlsResult,
};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::client::TlsStream;

use crate::{
    connect::{self, Established, MOST_SPOKEN},
    dialogue::{self, Ended},
    http,
    stamp::whole_micros,
    stream::{Failure, OnReturn, Tap, Watched, traffic},
    sys::{self, Leaving, TcpOptions},
    text::clean_bytes,
    tls::{self, Hello},
    trust::TrustRoots,
    wire::{Dialogue, ProxyDialogue, ProxyLogin, StartTlsDialogue},
};

/// The longest wait to get rid of a farewell; it fits the socket's buffer unless something is very wrong.
const FAREWELL: Duration = Duration::from_millis(50);

/// Connects, then shakes hands, then asks or listens, as far as the probe wants and each step allows the next.
///
/// A connection attempt that fails has the outcomes of [`connect`](crate::connect::connect). Everything behind
/// it is an answer: [`Exchanged`] says how each layer ended. A certificate that is not trusted ends nothing, it
/// is noted and the exchange goes on.
///
/// What a router gives back on the standing connection ends the TLS handshake at once where `data_ttl` asks for
/// that, and else when nothing better came within the read time-out.
///
/// After a finished TLS handshake or a plain HTTP response the connection is closed with the usual courtesies.
/// Otherwise it is reset, and so is one from a chosen source port, since a flow in TIME-WAIT cannot be tried
/// again.
pub async fn exchange(probe: &Exchange, trust: &TrustRoots) -> Outcome {
    exchange_as(probe, trust, None, &Leaving::default()).await
}

/// [`exchange`] as somebody whom the proxy, if one is used, may know, leaving this host as wanted.
pub async fn exchange_as(
    probe: &Exchange,
    trust: &TrustRoots,
    login: Option<&ProxyLogin>,
    leaving: &Leaving,
) -> Outcome {
    match begin(probe, trust, login, leaving, false).await {
        Ok(begun) => begun.finish(probe).await,
        Err(outcome) => outcome,
    }
}

/// A connection for somebody to use, and how each layer below came about.
pub struct Session {
    /// How each layer came about.
    pub exchanged: Exchanged,
    /// The connection on its topmost layer; `None` where a layer below failed. A shutdown ends our half of it.
    pub stream: Option<Stream>,
}

/// Connects as [`exchange_as`] does, up to TLS, and leaves the rest to the caller. Fails with the outcome of a
/// connection attempt that did not succeed.
pub async fn session(
    probe: &Exchange,
    trust: &TrustRoots,
    login: Option<&ProxyLogin>,
    leaving: &Leaving,
) -> Result<Session, Outcome> {
    let mut begun = begin(probe, trust, login, leaving, true).await?;
    // Takes back what `establish` set: what was sent is to arrive.
    let _ = SockRef::from(&*begun.socket).set_linger(None);
    let stream = begun.layers.stream.take();
    Ok(Session { exchanged: begun.exchanged(), stream })
}

/// A connection with its lower layers.
struct Begun {
    socket: Arc<TcpStream>,
    connected: Connected,
    layers: Layers,
    request: Option<Request<Empty<Bytes>>>,
    usual_ttl: Option<u8>,
}

async fn begin(
    probe: &Exchange,
    trust: &TrustRoots,
    login: Option<&ProxyLogin>,
    leaving: &Leaving,
    half_close: bool,
) -> Result<Begun, Outcome> {
    let unsupported = || Outcome::Unable(Inability { why: Obstacle::Unsupported, errno: None });
    let plan = Plan::of(probe, trust, login).ok_or_else(unsupported)?;
    let remote = SocketAddr::new(probe.endpoint.address.to_canonical(), probe.endpoint.port);
    let options = TcpOptions {
        source_port: probe.source_port,
        max_segment: probe.max_segment,
        leaving: *leaving,
        ..TcpOptions::default()
    };
    let Established { stream, connected, reset } =
        connect::establish(remote, &options, probe.connect_timeout).await?;
    let usual_ttl = probe
        .data_ttl
        .map(|ttl| lower_ttl(&stream, remote.is_ipv6(), ttl))
        .transpose()
        .map_err(|error| sys::unable(Obstacle::Unsupported, &error))?;

    // Else a request waits for the acknowledgement of the handshake's end, which many hosts delay by 40 ms.
    let _ = stream.set_nodelay(true);

    let socket = Arc::new(stream);
    let is_trail = probe.data_ttl.is_some() && probe.tls.is_some();
    let on_return = if is_trail { OnReturn::Fail } else { OnReturn::Note };
    let mut watched = Watched::new(Arc::clone(&socket), reset, on_return);
    if half_close {
        watched = watched.with_half_close();
    }
    let (layers, request) = plan.carry_out(watched, probe.read_timeout, trust).await;
    Ok(Begun { socket, connected, layers, request, usual_ttl })
}

impl Begun {
    /// Asks or listens on the topmost layer, and takes leave.
    async fn finish(mut self, probe: &Exchange) -> Outcome {
        let mut http = None;
        if let Some(stream) = self.layers.stream.take() {
            self.layers.stream = match self.request.take() {
                Some(request) => {
                    let sent = http::send(stream, request, probe.read_timeout).await;
                    match (sent.alert, &mut self.layers.tls) {
                        // A server of TLS 1.3 judges the client's part of the handshake (that there is no
                        // certificate, say) after the client has finished (RFC 8446 §4.4.2.4): HTTP was not
                        // reached.
                        (Some(alert), Some(tls)) => tls.ended = tls::ended_by(alert),
                        _ => http = Some(sent.result),
                    }
                    sent.io
                }
                None => {
                    let mut stream = stream;
                    if !probe.listen.is_zero() {
                        self.connected.after = listen(&mut stream, probe.listen).await;
                    }
                    Some(stream)
                }
            };
        }
        let exchanged = Exchanged { http, ..self.exchanged() };
        if let Some(Stream(Layered::Secured(secured))) = &mut self.layers.stream {
            // Sends `close_notify` (RFC 8446 §6.1), without waiting for the other side's.
            let _ = timeout(FAREWELL, secured.shutdown()).await;
        }
        let is_polite = match &exchanged.tls {
            Some(tls) => tls.ended == TlsEnd::Completed,
            None => matches!(&exchanged.http, Some(HttpResult { ended: HttpEnd::Status(_), .. })),
        };
        if is_polite && probe.source_port.is_none() {
            // Takes back what `establish` set.
            let _ = SockRef::from(&*self.socket).set_linger(None);
        }
        if let Some(ttl) = self.usual_ttl {
            // So that the end of the connection reaches the other side, and nothing of it stays open there.
            let v6 = probe.endpoint.address.to_canonical().is_ipv6();
            let _ = sys::set_ttl(&*self.socket, v6, Some(ttl));
        }
        Outcome::Answered(Answer::Exchanged(Box::new(exchanged)))
    }

    /// What is known so far.
    fn exchanged(&self) -> Exchanged {
        Exchanged {
            connected: self.connected.clone(),
            proxy: self.layers.proxy.clone(),
            starttls: self.layers.starttls.clone(),
            tls: self.layers.tls.clone(),
            http: None,
            traffic: traffic(&self.socket, &self.connected),
        }
    }
}

/// What is to be sent, made ready before the connection is, so that what cannot be said costs nobody anything.
struct Plan {
    proxy: Option<ProxyDialogue>,
    starttls: Option<StartTlsDialogue>,
    hello: Option<Hello>,
    request: Option<Request<Empty<Bytes>>>,
}

impl Plan {
    fn of(probe: &Exchange, trust: &TrustRoots, login: Option<&ProxyLogin>) -> Option<Self> {
        let proxy = match &probe.proxy {
            Some(request) => Some(ProxyDialogue::new(request, login)?),
            None => None,
        };
        let starttls = match (probe.starttls, &probe.tls) {
            (Some(protocol), Some(tls)) => {
                let domain = tls.server_name.as_ref().unwrap_or(&tls.verify);
                Some(StartTlsDialogue::new(protocol, domain))
            }
            // It would lead to nothing.
            (Some(_), None) => return None,
            (None, _) => None,
        };
        // On a port of another protocol a server may refuse a client that offers HTTP (RFC 7301 §3.2).
        let port = probe.proxy.as_ref().map_or(probe.endpoint.port, |proxy| proxy.port);
        let is_web = probe.http.is_some() || (port == 443 && starttls.is_none());
        let alpn: &[&[u8]] = if is_web { &[b"http/1.1"] } else { &[] };
        let hello = match &probe.tls {
            Some(hello) => Some(Hello::new(hello, alpn, trust)?),
            None => None,
        };
        let request = match &probe.http {
            Some(wanted) => Some(http::request(wanted)?),
            None => None,
        };
        Some(Self { proxy, starttls, hello, request })
    }

    /// Everything below the topmost layer; gives the request that is to follow.
    async fn carry_out(
        self,
        watched: Watched,
        read_timeout: Duration,
        trust: &TrustRoots,
    ) -> (Layers, Option<Request<Empty<Bytes>>>) {
        let mut layers = Layers::default();
        let returned = watched.returned();
        let mut plain = Plain::new(watched);
        if let Some(mut dialogue) = self.proxy {
            let result = through_proxy(&mut dialogue, &mut plain, read_timeout).await;
            let is_open = result.ended == ProxyEnd::Open;
            layers.proxy = Some(result);
            if !is_open {
                return (layers, None);
            }
        }
        if let Some(mut dialogue) = self.starttls {
            let result = start_tls(&mut dialogue, &mut plain, read_timeout).await;
            let is_ready = result.ended == StartTlsEnd::Ready;
            layers.starttls = Some(result);
            if !is_ready {
                return (layers, None);
            }
        }
        match self.hello {
            None => layers.stream = Some(Stream(Layered::Plain(plain))),
            Some(hello) => {
                let (mut tls, secured) = hello.shake(plain, read_timeout, trust).await;
                if tls.ended == TlsEnd::Silent && returned.get() {
                    tls.ended = TlsEnd::Returned;
                }
                layers.tls = Some(tls);
                layers.stream = secured.map(|secured| Stream(Layered::Secured(Box::new(secured))));
            }
        }
        (layers, self.request)
    }
}

/// What came of the layers above TCP.
#[derive(Default)]
struct Layers {
    proxy: Option<ProxyResult>,
    starttls: Option<StartTlsResult>,
    tls: Option<TlsResult>,
    /// The connection on its topmost layer, where all below it stand.
    stream: Option<Stream>,
}

async fn through_proxy(dialogue: &mut ProxyDialogue, plain: &mut Plain, limit: Duration) -> ProxyResult {
    let started = Instant::now();
    let ended = match timeout(limit, dialogue::carry_out(dialogue, plain)).await {
        Ok(Ended::Said(end)) => end,
        Ok(Ended::Closed) => ProxyEnd::Closed,
        Ok(Ended::Reset) => ProxyEnd::Reset,
        Ok(Ended::Silent) | Err(_) => ProxyEnd::Silent,
    };
    plain.unread(&dialogue.rest());
    ProxyResult { ended, took: whole_micros(started.elapsed()) }
}

async fn start_tls(dialogue: &mut StartTlsDialogue, plain: &mut Plain, limit: Duration) -> StartTlsResult {
    let started = Instant::now();
    let ended = match timeout(limit, dialogue::carry_out(dialogue, plain)).await {
        Ok(Ended::Said(end)) => end,
        Ok(Ended::Closed) => StartTlsEnd::Closed,
        Ok(Ended::Reset) => StartTlsEnd::Reset,
        Ok(Ended::Silent) | Err(_) => StartTlsEnd::Silent,
    };
    plain.unread(&dialogue.rest());
    let greeting = clean_bytes(dialogue.greeting());
    StartTlsResult { ended, greeting, took: whole_micros(started.elapsed()) }
}

/// What the other side says or does unasked, for `span`.
async fn listen(stream: &mut Stream, span: Duration) -> After {
    let mut bytes = [0_u8; MOST_SPOKEN];
    match timeout(span, stream.read(&mut bytes)).await {
        Err(_) => After::Quiet,
        Ok(Ok(0)) => After::Closed,
        Ok(Ok(length)) => After::Spoke(bytes.get(..length).unwrap_or_default().to_vec()),
        Ok(Err(error)) => match Failure::of(&error) {
            Failure::Reset => After::Reset,
            Failure::TimedOut | Failure::Returned => After::Quiet,
            // TLS that ends without its farewell has ended nonetheless.
            Failure::Closed | Failure::Other => After::Closed,
        },
    }
}

/// Why a [`Stream`] failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The other side closed, if without the farewell of TLS.
    Closed,
    /// A reset.
    Reset,
    /// What was sent was repeated in vain until the kernel gave up (tcp(7)).
    TimedOut,
    /// A router gave it back.
    Unreachable,
    /// An alert of TLS, or records that make no sense.
    Tls,
}

impl Fault {
    /// Of an error that reading or writing gave.
    pub fn of(error: &io::Error) -> Self {
        match Failure::of(error) {
            Failure::Closed => Self::Closed,
            Failure::Reset => Self::Reset,
            Failure::TimedOut => Self::TimedOut,
            Failure::Returned => Self::Unreachable,
            Failure::Other => Self::Tls,
        }
    }
}

/// TCP, of which some bytes may have been read already.
type Plain = dialogue::Begun<Watched>;

/// A connection on its topmost layer: plain, or secured by TLS.
pub struct Stream(Layered);

enum Layered {
    Plain(Plain),
    Secured(Box<TlsStream<Tap<Plain>>>),
}

impl Stream {
    fn io(self: Pin<&mut Self>) -> Pin<&mut (dyn Both + Send)> {
        match &mut self.get_mut().0 {
            Layered::Plain(plain) => Pin::new(plain),
            Layered::Secured(secured) => Pin::new(secured.as_mut()),
        }
    }
}

/// Reads and writes.
trait Both: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Both for S {}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.io().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }
}

/// Lowers the TTL / hop limit of everything sent from now on; gives what it was.
fn lower_ttl(stream: &TcpStream, v6: bool, ttl: u8) -> std::io::Result<u8> {
    let socket = SockRef::from(stream);
    let usual = if v6 { socket.unicast_hops_v6()? } else { socket.ttl_v4()? };
    sys::set_ttl(stream, v6, Some(ttl))?;
    Ok(u8::try_from(usual).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests;
