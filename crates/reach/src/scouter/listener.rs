//! Datagrams of agents: copies of them, or all of them on their way to the collector.
//!
//! A relay forwards first. One thread does nothing but receive, forward and hand on; what is behind with
//! understanding loses datagrams to understanding, and counts them, and never holds up one that is forwarded.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ipnet::IpNet;
use reach_core::Time;
use reach_net::drive::Clock;
use reach_signal::scouter::{
    reading::Reading,
    wire::{Assembly, MAX_DATAGRAM, Pack, packs},
};
use socket2::SockRef;

use super::{Hear, plug::Plugged, texts::Texts};

/// How many datagrams may wait to be understood.
const WAITING: usize = 4096;

/// How much of what arrives the kernel is asked to hold.
const BUFFER: usize = 8 << 20;

/// How long nothing is waited for before it is seen whether to end.
const PULSE: Duration = Duration::from_millis(100);

/// How often what was lost is told.
const TELLING: Duration = Duration::from_secs(10);

/// How often new texts are written down.
const KEEPING: Duration = Duration::from_secs(30);

/// Where datagrams come from and where they go.
#[derive(Clone, Debug)]
pub struct Route {
    /// Where they arrive.
    pub listen: SocketAddr,
    /// The collector that gets them; `None`: they are copies.
    pub forward: Option<SocketAddr>,
    /// Whose datagrams are believed; anybody's where it is empty.
    pub from: Vec<IpNet>,
}

/// What became of datagrams so far.
#[derive(Debug, Default)]
pub struct Counts {
    /// Datagrams that came.
    pub received: AtomicU64,
    /// Datagrams that were forwarded.
    pub forwarded: AtomicU64,
    /// Datagrams that could not be forwarded.
    pub unforwarded: AtomicU64,
    /// Datagrams of senders who are not believed.
    pub strangers: AtomicU64,
    /// Datagrams that came while too many waited to be understood.
    pub missed: AtomicU64,
    /// Datagrams that are none, or not all.
    pub malformed: AtomicU64,
}

/// A listener at work; it ends when it is dropped.
#[derive(Debug)]
pub struct Listener {
    /// Where it listens.
    pub local: SocketAddr,
    /// What became of datagrams.
    pub counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

struct Arrived {
    at: Time,
    from: IpAddr,
    bytes: Vec<u8>,
}

impl Listener {
    /// Listens, and tells what is understood; every 10 s in which agents were heard it tells so, be it with nothing.
    /// `plugged` are alerts that come by another way.
    ///
    /// # Errors
    ///
    /// When a socket cannot be had.
    pub fn start(
        route: Route,
        reading: Reading,
        clock: Clock,
        texts: Texts,
        plugged: Plugged,
        hear: Hear,
    ) -> io::Result<Listener> {
        let socket = UdpSocket::bind(route.listen)?;
        // A burst that does not fit is lost before anybody could count it; how much the kernel grants is its own affair.
        let _ = SockRef::from(&socket).set_recv_buffer_size(BUFFER);
        socket.set_read_timeout(Some(PULSE))?;
        let local = socket.local_addr()?;
        let out = route.forward.map(outlet).transpose()?;
        let (counts, stop) = (Arc::<Counts>::default(), Arc::<AtomicBool>::default());
        let (give, take) = sync_channel(WAITING);
        let receiving = Receiving {
            socket,
            out,
            from: route.from,
            clock,
            counts: Arc::clone(&counts),
            stop: Arc::clone(&stop),
            give,
        };
        let understanding = Understanding {
            reading,
            texts,
            hear,
            clock,
            counts: Arc::clone(&counts),
            take,
            plugged,
            heard: false,
        };
        let threads = vec![
            thread::Builder::new().name("scouter-in".into()).spawn(move || receiving.run())?,
            thread::Builder::new().name("scouter-read".into()).spawn(move || understanding.run())?,
        ];
        Ok(Listener { local, counts, stop, threads })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// The socket from which datagrams are forwarded: one of its own, so that whatever the collector's host answers never
/// meets what agents send.
fn outlet(to: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.set_nonblocking(true)?;
    socket.connect(to)?;
    Ok(socket)
}

struct Receiving {
    socket: UdpSocket,
    out: Option<UdpSocket>,
    from: Vec<IpNet>,
    clock: Clock,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    give: SyncSender<Arrived>,
}

impl Receiving {
    fn run(self) {
        let mut buffer = vec![0; MAX_DATAGRAM];
        while !self.stop.load(Ordering::Relaxed) {
            // What is wrong with one datagram (an ICMP error of an earlier one) is not wrong with the next.
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else { continue };
            let from = from.ip().to_canonical();
            one_more(&self.counts.received);
            if !self.from.is_empty() && !self.from.iter().any(|network| network.contains(&from)) {
                one_more(&self.counts.strangers);
                continue;
            }
            if let Some(out) = &self.out {
                one_more(if forward(out, &buffer[..length]) {
                    &self.counts.forwarded
                } else {
                    &self.counts.unforwarded
                });
            }
            let arrived = Arrived { at: self.clock.now(), from, bytes: buffer[..length].to_vec() };
            match self.give.try_send(arrived) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => one_more(&self.counts.missed),
                Err(TrySendError::Disconnected(_)) if self.out.is_none() => return,
                // Forwarding goes on whatever became of understanding.
                Err(TrySendError::Disconnected(_)) => one_more(&self.counts.missed),
            }
        }
    }
}

/// Sends a datagram on. A refusal that belongs to an earlier one is reported on this one: tried once more.
fn forward(out: &UdpSocket, bytes: &[u8]) -> bool {
    matches!(out.send(bytes), Ok(sent) if sent == bytes.len())
        || matches!(out.send(bytes), Ok(sent) if sent == bytes.len())
}

fn one_more(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

struct Understanding {
    reading: Reading,
    texts: Texts,
    hear: Hear,
    clock: Clock,
    counts: Arc<Counts>,
    take: Receiver<Arrived>,
    plugged: Plugged,
    /// Agents were heard since that was told.
    heard: bool,
}

impl Understanding {
    fn run(mut self) {
        let mut assembly = Assembly::default();
        let (mut told, mut kept, mut polled, mut lost) = (Instant::now(), Instant::now(), Instant::now(), 0);
        loop {
            match self.take.recv_timeout(PULSE) {
                Ok(arrived) => self.understand(&mut assembly, arrived),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if polled.elapsed() < PULSE {
                continue;
            }
            polled = Instant::now();
            let now = self.clock.now();
            while let Some(alert) = self.plugged.waiting() {
                self.reading.heard(now, &Pack::Alert(alert));
            }
            self.reading.poll(now);
            let says = told.elapsed() >= TELLING;
            if says {
                told = Instant::now();
                assembly.forget(now);
                self.tell_lost(now, &mut assembly, &mut lost);
            }
            if kept.elapsed() >= KEEPING {
                kept = Instant::now();
                self.keep();
            }
            self.tell(says);
        }
        let now = self.clock.now();
        self.reading.poll(now);
        self.tell_lost(now, &mut assembly, &mut lost);
        self.tell(false);
        self.keep();
    }

    fn understand(&mut self, assembly: &mut Assembly<IpAddr>, arrived: Arrived) {
        let Arrived { at, from, bytes } = arrived;
        let Ok((mut packs, part, fault)) = packs(&bytes) else { return one_more(&self.counts.malformed) };
        if fault.is_some() {
            one_more(&self.counts.malformed);
        }
        if let Some(whole) = part.and_then(|part| assembly.part(at, from, part)) {
            match whole.pack() {
                Ok(pack) => packs.push(pack),
                Err(_) => one_more(&self.counts.malformed),
            }
        }
        self.heard |= !packs.is_empty();
        for pack in &packs {
            self.reading.heard(at, pack);
        }
    }

    /// Tells how many datagrams are missing from what is told.
    fn tell_lost(&mut self, now: Time, assembly: &mut Assembly<IpAddr>, before: &mut u64) {
        let Counts { missed, malformed, .. } = &*self.counts;
        let all = missed.load(Ordering::Relaxed) + malformed.load(Ordering::Relaxed);
        self.reading.lost(now, "datagrams", all - *before + assembly.lost());
        *before = all;
    }

    /// Tells what was understood; with `says`, also that there was nothing to understand in what was heard.
    fn tell(&mut self, says: bool) {
        let signals = self.reading.signals();
        if !signals.is_empty() || (says && self.heard && self.reading.is_anybody_there()) {
            self.heard = false;
            (self.hear)(signals);
        }
    }

    fn keep(&mut self) {
        if let Err(error) = self.texts.write(self.reading.dictionary()) {
            tracing::warn!(%error, "texts of Scouter cannot be kept");
        }
    }
}
