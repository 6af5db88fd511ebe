//! A TCP connection and the layers above it, as far as asked: TLS, HTTP.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Empty;
use hyper::{Request, body::Bytes};
use reach_core::model::{
    Answer, Exchange, Exchanged, HttpEnd, HttpResult, Inability, Obstacle, Outcome, TlsEnd, TlsResult,
};
use socket2::SockRef;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};
use tokio_rustls::client::TlsStream;

use crate::{
    connect::{self, Established},
    http,
    stream::{OnReturn, Tap, Watched, traffic},
    sys::{self, TcpOptions},
    tls::{self, Hello},
    trust::TrustRoots,
};

/// The longest wait to get rid of a farewell; it fits the socket's buffer unless something is very wrong.
const FAREWELL: Duration = Duration::from_millis(50);

/// Connects, then shakes hands, then asks, as far as the probe wants and each step allows the next.
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
    let Some(plan) = Plan::of(probe, trust) else {
        return Outcome::Unable(Inability { why: Obstacle::Unsupported, errno: None });
    };
    let remote = SocketAddr::new(probe.endpoint.address.to_canonical(), probe.endpoint.port);
    let options = TcpOptions {
        source_port: probe.source_port,
        max_segment: probe.max_segment,
        ..TcpOptions::default()
    };
    let Established { stream, connected, reset } =
        match connect::establish(remote, &options, probe.connect_timeout).await {
            Ok(established) => established,
            Err(outcome) => return outcome,
        };
    let usual_ttl = match probe.data_ttl.map(|ttl| lower_ttl(&stream, remote.is_ipv6(), ttl)).transpose() {
        Ok(usual_ttl) => usual_ttl,
        Err(error) => return sys::unable(Obstacle::Unsupported, &error),
    };

    // Else a request waits for the acknowledgement of the handshake's end, which many hosts delay by 40 ms.
    let _ = stream.set_nodelay(true);

    let stream = Arc::new(stream);
    let is_trail = probe.data_ttl.is_some() && probe.tls.is_some();
    let on_return = if is_trail { OnReturn::Fail } else { OnReturn::Note };
    let plain = Watched::new(Arc::clone(&stream), reset, on_return);
    let Layers { tls, http, secured } = plan.carry_out(plain, probe.read_timeout, trust).await;
    let traffic = traffic(&stream, &connected);
    if let Some(mut secured) = secured {
        // Sends `close_notify` (RFC 8446 §6.1), without waiting for the other side's.
        let _ = timeout(FAREWELL, secured.shutdown()).await;
    }

    let is_polite = match &tls {
        Some(tls) => tls.ended == TlsEnd::Completed,
        None => matches!(&http, Some(HttpResult { ended: HttpEnd::Status(_), .. })),
    };
    if is_polite && probe.source_port.is_none() {
        // Takes back what `establish` set.
        let _ = SockRef::from(&*stream).set_linger(None);
    }
    if let Some(ttl) = usual_ttl {
        // So that the end of the connection reaches the other side, and nothing of it stays open there.
        let _ = sys::set_ttl(&*stream, remote.is_ipv6(), Some(ttl));
    }
    Outcome::Answered(Answer::Exchanged(Box::new(Exchanged {
        connected,
        proxy: None,
        starttls: None,
        tls,
        http,
        traffic,
    })))
}

/// What is to be sent, made ready before the connection is, so that what cannot be said costs nobody anything.
struct Plan {
    hello: Option<Hello>,
    request: Option<Request<Empty<Bytes>>>,
}

impl Plan {
    fn of(probe: &Exchange, trust: &TrustRoots) -> Option<Self> {
        // On a port of another protocol a server may refuse a client that offers HTTP (RFC 7301 §3.2).
        let is_web = probe.http.is_some() || probe.endpoint.port == 443;
        let alpn: &[&[u8]] = if is_web { &[b"http/1.1"] } else { &[] };
        let hello = match &probe.tls {
            Some(hello) => Some(Hello::new(hello, alpn, trust)?),
            None => None,
        };
        let request = match &probe.http {
            Some(wanted) => Some(http::request(wanted)?),
            None => None,
        };
        Some(Self { hello, request })
    }

    async fn carry_out(self, plain: Watched, read_timeout: Duration, trust: &TrustRoots) -> Layers {
        let mut layers = Layers::default();
        let Some(hello) = self.hello else {
            if let Some(request) = self.request {
                layers.http = Some(http::send(plain, request, read_timeout).await.result);
            }
            return layers;
        };
        let returned = plain.returned();
        let (mut tls, secured) = hello.shake(plain, read_timeout, trust).await;
        if tls.ended == TlsEnd::Silent && returned.get() {
            tls.ended = TlsEnd::Returned;
        }
        layers.secured = secured;
        if let Some(request) = self.request
            && let Some(secured) = layers.secured.take()
        {
            let sent = http::send(secured, request, read_timeout).await;
            layers.secured = sent.io;
            match sent.alert {
                // A server of TLS 1.3 judges the client's part of the handshake (that there is no certificate,
                // say) after the client has finished (RFC 8446 §4.4.2.4): HTTP was not reached.
                Some(alert) => tls.ended = tls::ended_by(alert),
                None => layers.http = Some(sent.result),
            }
        }
        layers.tls = Some(tls);
        layers
    }
}

/// What came of the layers above TCP.
#[derive(Default)]
struct Layers {
    tls: Option<TlsResult>,
    http: Option<HttpResult>,
    /// The encrypted connection, where it stands.
    secured: Option<TlsStream<Tap<Watched>>>,
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
