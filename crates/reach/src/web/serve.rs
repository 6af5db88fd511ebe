//! Connections: how many, how long, how they end.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header, uri::Authority},
    response::{IntoResponse, Response},
};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::{Service, ServiceExt};

use super::{
    WebState,
    crowd::{Crowd, Seat},
    door::Tls,
    router,
};

/// How long a client may take to say what it wants.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// How long a client may take to agree on keys.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// What the first byte of a client is that speaks TLS.
const TLS_HANDSHAKE: u8 = 0x16;

/// The most bytes of the head of a request.
const MOST_HEAD: usize = 16 * 1024;

/// Requests of one connection at the same time.
const MOST_STREAMS: u32 = 128;

/// How long a connection may live. Whoever still has questions opens another one; whoever reads nothing of his
/// answers does not keep others out for ever.
const LONGEST: Duration = Duration::from_secs(600);

/// How long the last request of a connection that has lived long enough may take: longer than any probe.
const LAST_REQUEST: Duration = Duration::from_secs(150);

/// How long requests under way may take when the service ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long to wait where no connection can be taken, for want of descriptors mostly.
const RESPITE: Duration = Duration::from_millis(100);

/// The versions of HTTP that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// HTTP/1 only.
    One,
    /// HTTP/2 too, for clients that begin with it.
    Both,
}

/// Whose request it is: an extension of every request that is answered here.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Says of each request whose it is.
fn named(
    router: Router,
    peer: Peer,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone {
    router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    })
}

/// Shows the watch on this listener until `end`, and then lets requests under way come to their end.
pub async fn serve(listener: TcpListener, state: WebState, end: impl Future<Output = ()>) -> io::Result<()> {
    let (most, tls) = (state.inner.connections, state.inner.tls.clone());
    let keeping = tls.clone().map(|tls| tokio::spawn(tls.keep_up()));
    let versions = if tls.is_some() { Versions::Both } else { Versions::One };
    let (crowd, known) = (Arc::new(Crowd::default()), state.clone());
    let seat = move |address: IpAddr| {
        if known.inner.door.is_passage(address) {
            Some(Seat::uncounted())
        } else {
            crowd.seat(address, most / 2)
        }
    };
    let live = state.clone();
    let end = async move {
        end.await;
        live.inner.live.close();
    };
    let done = accept(listener, router(state), most, (versions, tls), seat, end).await;
    if let Some(keeping) = keeping {
        keeping.abort();
    }
    done
}

/// Answers on this listener until `end`, over so many connections at the same time at most.
pub async fn answer(
    listener: TcpListener,
    router: Router,
    most: usize,
    versions: Versions,
    end: impl Future<Output = ()>,
) -> io::Result<()> {
    accept(listener, router, most, (versions, None), |_| Some(Seat::uncounted()), end).await
}

async fn accept(
    listener: TcpListener,
    router: Router,
    most: usize,
    (versions, tls): (Versions, Option<Arc<Tls>>),
    seat: impl Fn(IpAddr) -> Option<Seat>,
    end: impl Future<Output = ()>,
) -> io::Result<()> {
    let room = Semaphore::new(most);
    let mut connections = JoinSet::new();
    let (ending, ends) = watch::channel(false);
    let mut end = pin!(end);
    loop {
        let (stream, peer) = tokio::select! {
            stream = next(&listener, &room) => stream,
            _ = connections.join_next(), if !connections.is_empty() => {
                room.add_permits(1);
                continue;
            }
            () = &mut end => break,
        };
        let (router, ends, tls) = (router.clone(), ends.clone(), tls.clone());
        let Some(seat) = seat(peer.0.ip()) else {
            room.add_permits(1);
            continue;
        };
        connections.spawn(async move {
            let _seat = seat;
            let Some(tls) = tls else { return talk(stream, router, peer, versions, ends).await };
            let mut first = [0];
            match timeout(HANDSHAKE_PATIENCE, stream.peek(&mut first)).await {
                Ok(Ok(1)) if first[0] == TLS_HANDSHAKE => {}
                // Somebody has typed http:// and is to learn what is wrong.
                Ok(Ok(1)) => return talk(stream, insecure(), peer, Versions::One, ends).await,
                _ => return,
            }
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_PATIENCE, tls.acceptor().accept(stream)).await {
                talk(stream, router, peer, versions, ends).await;
            }
        });
    }
    drop(listener);
    // Without a receiver no connection is left.
    let _ = ending.send(true);
    let _ = timeout(FAREWELL, async { while connections.join_next().await.is_some() {} }).await;
    Ok(())
}

/// Answers on one connection, until it or everything ends.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    router: Router,
    peer: Peer,
    versions: Versions,
    mut ends: watch::Receiver<bool>,
) {
    let service = TowerToHyperService::new(named(router, peer));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).max_buf_size(MOST_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MOST_HEAD as u32)
        .max_concurrent_streams(MOST_STREAMS);
    let builder = if versions == Versions::One { builder.http1_only() } else { builder };
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // What goes wrong on a connection is its client's affair.
    tokio::select! {
        _ = &mut connection => return,
        () = async { drop(ends.wait_for(|&ended| ended).await) } => {}
        () = sleep(LONGEST) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LAST_REQUEST, connection).await;
}

/// What is answered where TLS is spoken to whoever does not speak it.
fn insecure() -> Router {
    Router::new().fallback(async |request: Request| {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.filter(|host| {
            host.parse::<Authority>().is_ok_and(|known| !host.contains('@') && known.as_str() == *host)
        });
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let to = host.and_then(|host| HeaderValue::try_from(format!("https://{host}{path}")).ok());
        let said = "This port speaks TLS; ask with https://.\n";
        match to {
            Some(to) if request.method() == Method::GET || request.method() == Method::HEAD => {
                (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)], said).into_response()
            }
            _ => (StatusCode::BAD_REQUEST, said).into_response(),
        }
    })
}

/// The next connection, as soon as there is room for it.
async fn next(listener: &TcpListener, room: &Semaphore) -> (TcpStream, Peer) {
    // The semaphore is never closed; a permit comes back when its connection ends.
    let permit = room.acquire().await;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Ok(permit) = permit {
                    permit.forget();
                }
                return (stream, Peer(peer));
            }
            Err(_) => sleep(RESPITE).await,
        }
    }
}
