//! Sockets that many probes share: what arrives is sorted to the probes that it is about.
//!
//! A probe takes a place in the table of its hub, sends, and waits. One task for each hub reads the socket, finds
//! the place that each reply and each ICMP error belongs to, and hands it over. A place is kept for a while after
//! its probe has its outcome, where somebody wants to hear of duplicates and late replies, or where they could be
//! taken for replies to another probe. A hub closes when it has not been used for as long.

mod table;

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::Hash,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use reach_core::model::{Answer, Obstacle, Outcome, Quote, Refusal, Rejection, Silence};
use socket2::Socket;
use tokio::{
    io::Interest,
    net::UdpSocket,
    sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, sleep_until, timeout_at},
};

use self::table::Place;
pub(crate) use self::table::{Late, Table, Ticket};
use crate::{
    stamp::Sent,
    sys::{self, ErrorOrigin, Fragmenting, QueuedError, Received},
};

/// How long after a probe's time-out its late replies are still taken.
const LINGER: Duration = Duration::from_secs(10);

/// How often a hub clears away places that nobody can come back to.
const TIDY: Duration = Duration::from_secs(1);

/// Room in a socket's buffers, as far as the system grants it: replies of a burst wait there.
const BUFFER: usize = 1 << 20;

/// After so many packets sent in a row, what came meanwhile is read, before it fills the socket's buffer: losses
/// there would be our own.
const BURST: u32 = 64;

/// A kind of probe whose packets share sockets.
pub(crate) trait Kind: Send + Sync + Sized + 'static {
    /// Which probes share a socket.
    type Key: Clone + Eq + Hash + Send + Sync;
    /// A packet sent, as far as replies and quotes are known by it.
    type Packet: Send;
    /// What comes for a packet that is not known any more could be taken for an answer to another one.
    const LINGERS: bool;

    /// The probe that a received message answers.
    fn answered(&self, table: &Table<Self::Packet>, from: SocketAddr, message: &[u8]) -> Option<Ticket>;

    /// What its answer is.
    fn answer(&self, rtt: Duration, reply_ttl: Option<u8>) -> Answer;

    /// The probe that an ICMP error is about.
    fn refused(&self, table: &Table<Self::Packet>, error: &QueuedError) -> Option<Ticket>;

    /// What the error tells of the packet.
    fn quote(&self, packet: &Self::Packet, error: &QueuedError) -> Quote;
}

/// A packet about to be sent.
pub(crate) struct Parcel<P> {
    /// By what it is found: where it goes, and its number there.
    pub(crate) key: (IpAddr, u16),
    pub(crate) packet: P,
    pub(crate) bytes: Vec<u8>,
    /// Where it goes; `None` on a socket that is connected.
    pub(crate) to: Option<SocketAddr>,
}

/// How a packet is sent, and how long its answer is waited for.
pub(crate) struct Manner {
    pub(crate) ttl: Option<u8>,
    pub(crate) dont_fragment: bool,
    pub(crate) timeout: Duration,
    pub(crate) late: Option<Late>,
}

/// The hubs of one kind, each opened when first wanted.
pub(crate) struct Hubs<K: Kind> {
    open: Mutex<HashMap<K::Key, Arc<Hub<K>>>>,
    room: Arc<Semaphore>,
}

impl<K: Kind> Hubs<K> {
    /// None open; each will take one permit of `room`.
    pub(crate) fn new(room: Arc<Semaphore>) -> Self {
        Self { open: Mutex::default(), room }
    }

    /// The hub of that key, opened by `open` where there is none.
    pub(crate) async fn get(
        self: &Arc<Self>,
        key: &K::Key,
        open: impl Fn() -> Result<(Socket, K), Outcome>,
    ) -> Result<Arc<Hub<K>>, Outcome> {
        if let Some(hub) = lock(&self.open).get(key) {
            return Ok(Arc::clone(hub));
        }
        if self.is_short() {
            self.close_idle();
        }
        let Ok(permit) = Arc::clone(&self.room).acquire_owned().await else {
            let closed = io::Error::from_raw_os_error(libc::EMFILE);
            return Err(sys::unable(Obstacle::OutOfResources, &closed));
        };
        let mut hubs = lock(&self.open);
        if let Some(hub) = hubs.get(key) {
            return Ok(Arc::clone(hub));
        }
        let (socket, kind) = open()?;
        let hub =
            Hub::new(socket, kind, permit).map_err(|error| sys::unable(Obstacle::OutOfResources, &error))?;
        hubs.insert(key.clone(), Arc::clone(&hub));
        tokio::spawn(Arc::clone(&hub).serve(Arc::downgrade(self), key.clone()));
        Ok(hub)
    }

    /// Nobody else can open a socket now.
    fn is_short(&self) -> bool {
        self.room.available_permits() == 0
    }

    /// Asks the hubs that no probe waits at to close, where others are short of descriptors.
    pub(crate) fn close_idle(&self) {
        lock(&self.open).values().for_each(|hub| hub.closing.notify_one());
    }

    /// Gives up a hub that nobody is about to use: once its table is empty, or, where others are `short` of
    /// descriptors, once nobody waits at it. Says whether it did.
    fn retire(&self, key: &K::Key, hub: &Arc<Hub<K>>, short: bool) -> bool {
        let mut hubs = lock(&self.open);
        // One here, and one of the task that asks; whoever is about to use it has got a third.
        let is_over = Arc::strong_count(hub) <= 2 && {
            let table = &lock(&hub.state).table;
            if short { !table.has_waiters() } else { table.is_over(Instant::now()) }
        };
        if is_over {
            hubs.remove(key);
        }
        is_over
    }
}

/// A socket that probes share.
pub(crate) struct Hub<K: Kind> {
    socket: UdpSocket,
    v6: bool,
    pub(crate) kind: K,
    state: Mutex<State<K::Packet>>,
    closing: Notify,
    room: OwnedSemaphorePermit,
}

struct State<P> {
    table: Table<P>,
    /// How the socket sends now.
    ttl: Option<u8>,
    dont_fragment: bool,
    /// How it fragments when nothing is asked for.
    usual: Fragmenting,
    /// What the local stack said last.
    local: Option<QueuedError>,
    /// Packets sent since the queues were looked at.
    unread: u32,
}

impl<K: Kind> Hub<K> {
    fn new(socket: Socket, kind: K, room: OwnedSemaphorePermit) -> io::Result<Arc<Self>> {
        // Less than that is no reason not to ask.
        let _ = socket.set_recv_buffer_size(BUFFER);
        let _ = socket.set_send_buffer_size(BUFFER);
        let v6 = socket.domain()? == socket2::Domain::IPV6;
        let usual = Fragmenting::of(&socket, v6)?;
        // Only waiting is asked of tokio: it does not care what protocol a datagram socket speaks, and its
        // general door (`AsyncFd`) is an unsafe function.
        let socket = UdpSocket::from_std(OwnedFd::from(socket).into())?;
        let state =
            State { table: Table::default(), ttl: None, dont_fragment: false, usual, local: None, unread: 0 };
        Ok(Arc::new(Self { socket, v6, kind, state: Mutex::new(state), closing: Notify::new(), room }))
    }

    /// The address that packets to `remote` carry.
    pub(crate) fn source_to(&self, remote: IpAddr) -> Option<IpAddr> {
        let bound = self.socket.local_addr().ok()?.ip();
        if !bound.is_unspecified() {
            return Some(bound);
        }
        // Connecting a datagram socket sends nothing.
        let probe = std::net::UdpSocket::bind((bound, 0)).ok()?;
        probe.connect((remote, 9)).ok()?;
        Some(probe.local_addr().ok()?.ip())
    }

    /// Sends what `parcel` makes and waits for what becomes of it.
    pub(crate) async fn ask(
        &self,
        parcel: impl FnOnce(&Table<K::Packet>) -> Parcel<K::Packet>,
        manner: Manner,
    ) -> Outcome {
        let deadline = Instant::now() + manner.timeout;
        let silent = Outcome::Silent(Silence { packets: 1, refused_here: false });
        let (waiter, mut outcome) = oneshot::channel();
        let (ticket, bytes, to) = {
            let table = &mut lock(&self.state).table;
            let Parcel { key, packet, bytes, to } = parcel(table);
            let place = Place::new(key, packet, waiter, manner.late, deadline + LINGER);
            let ticket = table.take(place);
            (ticket, bytes, to)
        };
        loop {
            let sent = self.send(ticket, &bytes, to, manner.ttl, manner.dont_fragment);
            // What was found in the queues on the way may be the outcome already.
            if let Ok(outcome) = outcome.try_recv() {
                return outcome;
            }
            match sent {
                Ok(()) => break,
                Err(Failure::Busy) => {
                    if timeout_at(deadline, self.socket.writable()).await.is_err() {
                        lock(&self.state).table.leave(ticket);
                        let full = io::Error::from_raw_os_error(libc::ENOBUFS);
                        return sys::unable(Obstacle::OutOfResources, &full);
                    }
                }
                Err(Failure::Unable(unable)) => {
                    lock(&self.state).table.leave(ticket);
                    return unable;
                }
            }
        }
        let outcome = match timeout_at(deadline, &mut outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => silent,
            Err(_) => {
                // It may have come while this thread was busy.
                let mut state = lock(&self.state);
                self.look(&mut state);
                let outcome = outcome.try_recv().unwrap_or(silent);
                state.table.give_up(ticket, K::LINGERS);
                outcome
            }
        };
        if self.room.semaphore().available_permits() == 0 {
            // Late replies are less than what others have to ask.
            self.closing.notify_one();
        }
        outcome
    }

    fn send(
        &self,
        ticket: Ticket,
        bytes: &[u8],
        to: Option<SocketAddr>,
        ttl: Option<u8>,
        dont_fragment: bool,
    ) -> Result<(), Failure> {
        // An ICMP error about another packet fails one call; then nothing was sent.
        const ATTEMPTS: usize = 8;
        let mut state = lock(&self.state);
        let unsupported = |error: io::Error| Failure::Unable(sys::unable(Obstacle::Unsupported, &error));
        if state.ttl != ttl {
            sys::set_ttl(&self.socket, self.v6, ttl).map_err(unsupported)?;
            state.ttl = ttl;
        }
        if state.dont_fragment != dont_fragment {
            let fragmenting = if dont_fragment { Fragmenting::NEVER } else { state.usual };
            fragmenting.set(&self.socket, self.v6).map_err(unsupported)?;
            state.dont_fragment = dont_fragment;
        }
        let mut failure = io::Error::from(io::ErrorKind::Other);
        for _ in 0..ATTEMPTS {
            state.local = None;
            state.table.sent(ticket, Sent::now());
            let sent = self.socket.try_io(Interest::WRITABLE, || match to {
                Some(to) => socket2::SockRef::from(&self.socket).send_to(bytes, &to.into()),
                None => socket2::SockRef::from(&self.socket).send(bytes),
            });
            match sent {
                Ok(_) => {
                    state.unread += 1;
                    if state.unread >= BURST {
                        self.look(&mut state);
                    }
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(Failure::Busy),
                Err(error) => failure = error,
            }
            self.look(&mut state);
            if state.table.is_settled(ticket) {
                return Ok(());
            }
            if state.local.is_some() {
                break;
            }
        }
        Err(Failure::Unable(match failure.raw_os_error() {
            Some(libc::EMSGSIZE) => {
                // The link's MTU is the limit only for what may not be fragmented.
                let mtu =
                    state.local.as_ref().map(|error| error.info).filter(|&mtu| mtu > 0 && dont_fragment);
                sys::unable(Obstacle::TooBig { mtu }, &failure)
            }
            _ => sys::unable(sys::local_obstacle(&failure), &failure),
        }))
    }

    /// Reads the socket until the hub is closed.
    async fn serve(self: Arc<Self>, home: Weak<Hubs<K>>, key: K::Key) {
        let mut tidy = Instant::now() + TIDY;
        loop {
            tokio::select! {
                // An error of waiting itself would be the runtime's; what matters is what the socket says.
                _ = self.socket.ready(Interest::READABLE | Interest::ERROR) => {
                    // Looking inside `try_io` takes the readiness away only where nothing was left. tokio takes
                    // one interest at a time here, and finds no readiness for a sum of them.
                    for one in [Interest::READABLE, Interest::ERROR] {
                        let _ = self.socket.try_io(one, || {
                            let is_more = self.look(&mut lock(&self.state));
                            if is_more { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
                        });
                    }
                    // Whoever floods us is not to keep this thread to himself.
                    tokio::task::yield_now().await;
                }
                () = sleep_until(tidy) => {
                    lock(&self.state).table.tidy(Instant::now());
                    let Some(home) = home.upgrade() else { return };
                    if home.retire(&key, &self, home.is_short()) {
                        return;
                    }
                    tidy = Instant::now() + TIDY;
                }
                () = self.closing.notified() => {
                    let Some(home) = home.upgrade() else { return };
                    if home.retire(&key, &self, true) {
                        return;
                    }
                }
            }
        }
    }

    /// Takes what waits in both queues, and hands it over; says whether there may be more.
    fn look(&self, state: &mut State<K::Packet>) -> bool {
        const MOST: usize = 256;
        state.unread = 0;
        thread_local! {
            /// Room for any packet. Only used within this function, so hubs share it.
            static MESSAGE: RefCell<Vec<u8>> = RefCell::new(vec![0; usize::from(u16::MAX) + 1]);
        }
        let is_more = MESSAGE.with_borrow_mut(|buffer| {
            for _ in 0..MOST {
                match sys::receive(&self.socket, buffer) {
                    Ok(received) => {
                        let message = buffer.get(..received.length).unwrap_or_default();
                        self.take_message(state, &received, message);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                    // What the error is about is in the other queue.
                    Err(_) => {}
                }
            }
            true
        });
        for error in sys::drain_error_queue(&self.socket) {
            self.take_error(state, error);
        }
        is_more
    }

    fn take_message(&self, state: &mut State<K::Packet>, received: &Received, message: &[u8]) {
        let Some(from) = received.from else { return };
        let Some(ticket) = self.kind.answered(&state.table, from, message) else { return };
        state.table.hand_over(ticket, K::LINGERS, |place| {
            let rtt = place.sent.until(received.timestamp);
            Outcome::Answered(self.kind.answer(rtt, received.ttl))
        });
    }

    fn take_error(&self, state: &mut State<K::Packet>, error: QueuedError) {
        let Some(icmp) = error.icmp() else {
            if error.origin == ErrorOrigin::Local {
                state.local = Some(error);
            }
            return;
        };
        let Some(ticket) = self.kind.refused(&state.table, &error) else { return };
        state.table.hand_over(ticket, K::LINGERS, |place| {
            Outcome::Rejected(Rejection {
                how: Refusal::Icmp(icmp),
                by: error.offender,
                rtt: place.sent.until(error.timestamp),
                reply_ttl: error.reply_ttl,
                quote: Some(Box::new(self.kind.quote(&place.packet, &error))),
            })
        });
    }
}

/// Why a packet was not sent.
enum Failure {
    /// The socket's buffer is full.
    Busy,
    Unable(Outcome),
}

/// A panic elsewhere does not make what is known any less so.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
