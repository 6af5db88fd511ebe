//! TCP servers of every temper.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::Acceptor;
use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;

use crate::authority::Authority;
use crate::description::{Description, Service, ServiceKind, Tls, TlsAfter};
use crate::error::LabError;
use crate::node::Node;
use crate::plan::{Plan, Role};
use crate::server_thread::ServerThreadBuilder;

/// What a service has seen so far. The servers have a thread of their own, so a count may come a moment after
/// the client has seen its effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceCounts {
    /// Connections accepted.
    pub accepted: u64,
    /// HTTP requests answered.
    pub requests: u64,
    /// The server name of each ClientHello that was understood, in order; `None` where it had no name.
    pub names: Vec<Option<String>>,
}

/// The services of a lab.
pub(crate) struct Services {
    /// In the order of the description, with the sockets that each listens on.
    counters: Vec<(Vec<SocketAddr>, Arc<Counter>)>,
}

impl Services {
    /// Opens all listeners and gives their tasks to the server thread.
    pub(crate) fn start(
        description: &Description,
        plan: &Plan,
        nodes: &[Node],
        authority: &Authority,
        thread: &mut ServerThreadBuilder,
    ) -> Result<Services, LabError> {
        let mut counters = Vec::new();
        for service in &description.services {
            let unknown =
                || LabError::BadDescription(format!("there is no node {} for a service", service.at));
            let node = plan.node(&service.at).ok_or_else(unknown)?;
            let sockets = sockets_of(service, description, plan, node);
            let tls = match &service.kind {
                ServiceKind::Tls(tls) => Some(authority.server_config(tls)?),
                _ => None,
            };
            let behaviour = Arc::new(Behaviour { kind: service.kind.clone(), tls, counter: Arc::default() });
            for &socket in &sockets {
                let listener = nodes[node].within(|| listen(socket));
                let listener =
                    listener.map_err(LabError::system(format!("listening on {socket} in {}", service.at)))?;
                let behaviour = Arc::clone(&behaviour);
                thread.add(move || Box::pin(accept_all(listener, behaviour)));
            }
            counters.push((sockets, Arc::clone(&behaviour.counter)));
        }
        Ok(Services { counters })
    }

    /// What the service on this socket has seen.
    pub(crate) fn counts(&self, address: IpAddr, port: u16) -> ServiceCounts {
        let listens = |socket: &SocketAddr| socket.port() == port && socket.ip() == address;
        let anywhere = |socket: &SocketAddr| socket.port() == port && socket.ip().is_unspecified();
        let exact = self.counters.iter().find(|(sockets, _)| sockets.iter().any(listens));
        let found = exact.or_else(|| self.counters.iter().find(|(sockets, _)| sockets.iter().any(anywhere)));
        found.map(|(_, counter)| counter.read()).unwrap_or_default()
    }
}

/// The addresses and ports that a service listens on.
fn sockets_of(service: &Service, description: &Description, plan: &Plan, node: usize) -> Vec<SocketAddr> {
    let mut sockets = Vec::new();
    for &port in &service.ports {
        let addresses = if !service.addresses.is_empty() {
            service.addresses.clone()
        } else if plan.nodes[node].role == Role::Host {
            let claimed = |address: &IpAddr| {
                let others = description.services.iter().filter(|other| other.at == service.at);
                others
                    .filter(|other| other.ports.contains(&port))
                    .any(|other| other.addresses.contains(address))
            };
            plan.nodes[node].addresses.iter().copied().filter(|address| !claimed(address)).collect()
        } else {
            vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]
        };
        sockets.extend(addresses.into_iter().map(|address| SocketAddr::new(address, port)));
    }
    sockets
}

/// Opens a listening socket in the namespace of the calling thread.
pub(crate) fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

#[derive(Default)]
struct Counter {
    accepted: AtomicU64,
    requests: AtomicU64,
    names: Mutex<Vec<Option<String>>>,
}

impl Counter {
    fn read(&self) -> ServiceCounts {
        ServiceCounts {
            accepted: self.accepted.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            names: self.names.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

struct Behaviour {
    kind: ServiceKind,
    tls: Option<Arc<ServerConfig>>,
    counter: Arc<Counter>,
}

async fn accept_all(listener: std::net::TcpListener, behaviour: Arc<Behaviour>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: some will be free again.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        behaviour.counter.accepted.fetch_add(1, Ordering::Relaxed);
        let behaviour = Arc::clone(&behaviour);
        tokio::task::spawn_local(async move {
            // A peer that goes away in the middle is no failure of a test server.
            let _ = serve(stream, &behaviour).await;
        });
    }
}

async fn serve(mut stream: TcpStream, behaviour: &Behaviour) -> io::Result<()> {
    match &behaviour.kind {
        ServiceKind::Tls(tls) => serve_tls(stream, tls, behaviour).await,
        ServiceKind::Http { status, body } => answer_request(&mut stream, *status, *body, 0, behaviour).await,
        ServiceKind::Banner(text) => greet(&mut stream, text.as_bytes()).await,
        ServiceKind::Bytes(bytes) => greet(&mut stream, bytes).await,
        ServiceKind::Echo => {
            let (mut reader, mut writer) = stream.split();
            tokio::io::copy(&mut reader, &mut writer).await.map(drop)
        }
        ServiceKind::Silent => read_until_closed(&mut stream).await,
        ServiceKind::CloseAtOnce => Ok(()),
        ServiceKind::ResetAtOnce => reset(&stream),
        ServiceKind::CloseAfterData => read_some(&mut stream).await,
        ServiceKind::ResetAfterData => {
            read_some(&mut stream).await?;
            reset(&stream)
        }
        ServiceKind::Alert(description) => {
            read_some(&mut stream).await?;
            let fatal_alert_record = [21, 3, 3, 0, 2, 2, *description];
            stream.write_all(&fatal_alert_record).await?;
            stream.shutdown().await?;
            read_until_closed(&mut stream).await
        }
    }
}

async fn greet(stream: &mut TcpStream, greeting: &[u8]) -> io::Result<()> {
    stream.write_all(greeting).await?;
    read_until_closed(stream).await
}

async fn serve_tls(stream: TcpStream, tls: &Tls, behaviour: &Behaviour) -> io::Result<()> {
    let config = behaviour.tls.as_ref().expect("made with the service");
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let name = start.client_hello().server_name().map(str::to_owned);
    behaviour.counter.names.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
    if tls.only_name.is_some() && name != tls.only_name {
        return Ok(());
    }
    let mut stream = start.into_stream(Arc::clone(config)).await?;
    match tls.after {
        TlsAfter::Http => answer_request(&mut stream, tls.status, tls.body, tls.delay_ms, behaviour).await,
        TlsAfter::Silent => read_until_closed(&mut stream).await,
        TlsAfter::Close => stream.shutdown().await,
        TlsAfter::Reset => reset(stream.get_ref().0),
    }
}

async fn answer_request<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    status: u16,
    body: usize,
    delay_ms: u64,
    behaviour: &Behaviour,
) -> io::Result<()> {
    const LONGEST_HEAD: usize = 16 * 1024;
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut buffer).await?;
        head.extend_from_slice(&buffer[..length]);
        // What is not HTTP (a ClientHello, say) is answered too, as block pages do.
        let foreign = !head.first().is_some_and(u8::is_ascii_uppercase);
        if length == 0 || head.len() > LONGEST_HEAD || foreign {
            break;
        }
    }
    if head.is_empty() {
        return Ok(());
    }
    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    behaviour.counter.requests.fetch_add(1, Ordering::Relaxed);
    let reason = match status {
        200 => "OK",
        403 => "Forbidden",
        404 => "Not Found",
        503 => "Service Unavailable",
        _ => "Whatever",
    };
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {body}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&vec![b'x'; body]).await?;
    stream.shutdown().await?;
    read_until_closed(stream).await
}

async fn read_some<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    // The whole of a large ClientHello, or closing would reset because of what is left unread.
    let mut buffer = [0; 16 * 1024];
    stream.read(&mut buffer).await.map(drop)
}

async fn read_until_closed<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Makes the close that follows a RST instead of a FIN.
fn reset(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}
