//! Do our SYNs leave this host, and do the replies reach its interface?

use std::{
    collections::BTreeMap,
    fs, io,
    net::{IpAddr, SocketAddr, UdpSocket},
};

use reach_core::model::Answer;
use reach_core::model::{Captured, Egress, EgressCount, Inability, IpCounters, Outcome};
use tokio::{sync::Mutex, task::JoinSet};

use crate::{
    connect::{Attempted, attempt},
    journal::carried,
    sys::{Between, Capture, Selection, Sighting, TcpOptions},
    wire::{Segment, counted_between, ip_counters},
};

/// What is looked at of a packet, in bytes: the longest headers of IPv4 and TCP are 120.
const HEADERS: usize = 256;

/// The kernel's counters belong to the whole host, so bursts take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// Carries out one burst of connection attempts, and counts at this host's edge: with the kernel's own
/// counters, and with a packet capture where `CAP_NET_RAW` allows one.
///
/// Source ports in use are left out, so fewer than `burst` SYNs may be sent. The kernel repeats a SYN after a
/// second, so a longer time-out sends more. Loopback is looked at only when the address is this host's own.
pub async fn egress(probe: &Egress) -> Outcome {
    let _turn = TURN.lock().await;
    let remote = SocketAddr::new(probe.endpoint.address.to_canonical(), probe.endpoint.port);
    let first = probe.first_source_port;
    let last = first.saturating_add(probe.burst.saturating_sub(1));
    let loopback = is_own(remote);
    let syns = Between { remote: remote.port()..=remote.port(), ours: first..=last };
    let capture = Capture::open(&Selection { tcp: vec![syns], ..Selection::default() }, HEADERS).ok();
    let before = read_counters(remote.is_ipv6(), loopback);
    let mut attempts = JoinSet::new();
    for source_port in (first..=last).take(usize::from(probe.burst)) {
        let options = TcpOptions { source_port: Some(source_port), ..TcpOptions::default() };
        let timeout = probe.timeout;
        attempts.spawn(carried(async move { attempt(remote, &options, timeout, None).await }));
    }
    let mut tally = Tally::default();
    while let Some(joined) = attempts.join_next().await {
        // Neither cancelled nor panicking; and if one were, its port would simply not count.
        if let Ok(attempted) = joined {
            tally.add(&attempted);
        }
    }
    let after = read_counters(remote.is_ipv6(), loopback);
    if let Some(inability) = tally.unable.filter(|_| tally.sent == 0) {
        return Outcome::Unable(inability);
    }
    let captured = capture
        .map(|mut capture| count_captured(&mut capture, remote, loopback))
        // A connection stands, so its SYN did leave: by a way that the capture cannot see.
        .filter(|captured| captured.left > 0 || !tally.connected);
    Outcome::Answered(Answer::Egress(EgressCount {
        sent: tally.sent,
        answered: tally.answered,
        captured,
        counters: before.ok().zip(after.ok()).map(|(before, after)| counted_between(&before, &after)),
    }))
}

/// What became of a burst.
#[derive(Default)]
struct Tally {
    sent: u32,
    answered: u32,
    connected: bool,
    unable: Option<Inability>,
}

impl Tally {
    fn add(&mut self, attempted: &Attempted) {
        match &attempted.result {
            Ok(_) => {
                self.connected = true;
                self.answered += 1;
            }
            Err(Outcome::Unable(inability)) => {
                self.unable.get_or_insert_with(|| inability.clone());
                return;
            }
            Err(Outcome::Rejected(_)) => self.answered += 1,
            Err(_) => {}
        }
        self.sent = self.sent.saturating_add(attempted.syns);
    }
}

/// Counts our SYNs to `remote` and the segments that came from there.
fn count_captured(capture: &mut Capture, remote: SocketAddr, loopback: bool) -> Captured {
    // By port and interface, because a packet shows again at each layer of a VLAN, bond or tunnel.
    let mut left = BTreeMap::new();
    let mut returned = BTreeMap::new();
    capture.drain(|sighting: Sighting, packet| {
        let Some(segment) = Segment::parse(packet).filter(|_| loopback || !sighting.loopback) else { return };
        if sighting.outgoing && segment.destination == remote && segment.syn && !segment.ack {
            *left.entry((segment.source.port(), sighting.interface)).or_insert(0) += 1;
        } else if !sighting.outgoing && segment.source == remote {
            *returned.entry((segment.destination.port(), sighting.interface)).or_insert(0) += 1;
        }
    });
    Captured { left: sum_of_ports(&left), returned: sum_of_ports(&returned) }
}

/// The sum over the ports of what the interface saw that saw most of each.
fn sum_of_ports(counts: &BTreeMap<(u16, usize), u32>) -> u32 {
    let mut most = BTreeMap::new();
    for (&(port, _), &count) in counts {
        let best = most.entry(port).or_insert(0);
        *best = count.max(*best);
    }
    most.values().sum()
}

/// Whether an address is this host's own, so that packets to it go by loopback.
fn is_own(remote: SocketAddr) -> bool {
    let any: IpAddr = if remote.is_ipv6() { [0_u16; 8].into() } else { [0_u8; 4].into() };
    // Connecting a datagram socket sends nothing.
    let source = UdpSocket::bind(SocketAddr::new(any, 0)).and_then(|socket| {
        socket.connect(remote)?;
        socket.local_addr()
    });
    remote.ip().is_loopback() || source.is_ok_and(|source| source.ip() == remote.ip())
}

fn read_counters(v6: bool, loopback: bool) -> io::Result<IpCounters> {
    // Of this thread's network namespace; `/proc/net` would be that of the process's first thread.
    let read = |name: &str| fs::read_to_string(format!("/proc/thread-self/net/{name}"));
    let (snmp, dev) = (read(if v6 { "snmp6" } else { "snmp" })?, read("dev")?);
    ip_counters(v6, &snmp, &dev, loopback).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, time::Duration};

    use reach_core::model::{Endpoint, Obstacle};

    use super::*;
    use crate::sys::may_use_raw_sockets;

    fn burst(address: IpAddr, first_source_port: u16) -> Egress {
        let port = TcpListener::bind((address, 0)).and_then(|free| free.local_addr()).expect("a port").port();
        Egress {
            endpoint: Endpoint { address, port },
            burst: 4,
            first_source_port,
            timeout: Duration::from_secs(2),
        }
    }

    fn counted(outcome: Outcome) -> EgressCount {
        match outcome {
            Outcome::Answered(Answer::Egress(count)) => count,
            other => panic!("not counted: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_burst_to_this_host_is_counted_on_loopback() {
        for address in ["127.0.0.1", "::1"] {
            let address: IpAddr = address.parse().expect("an address");
            if TcpListener::bind((address, 0)).is_err() {
                eprintln!("SKIPPED for {address}: this machine has no such address");
                continue;
            }
            let count = counted(egress(&burst(address, 9_000)).await);
            assert_eq!((count.sent, count.answered), (4, 4));
            // Four SYNs and four resets at least; other tests use loopback at the same time.
            let counters = count.counters.expect("counters");
            assert!(counters.out_requests >= 8 && counters.interface_sent >= 8, "{counters:?}");
            match count.captured {
                Some(captured) => assert_eq!((captured.left, captured.returned), (4, 4)),
                None if may_use_raw_sockets() => panic!("nothing was captured"),
                None => eprintln!("SKIPPED: capturing packets needs CAP_NET_RAW"),
            }
        }
    }

    #[tokio::test]
    async fn bursts_take_turns() {
        let probe = burst(IpAddr::from([127, 0, 0, 1]), 9_010);
        let other = probe.clone();
        let second = tokio::spawn(async move { egress(&other).await });
        assert_eq!(counted(egress(&probe).await).answered, 4);
        assert_eq!(counted(second.await.expect("no panic")).answered, 4);
    }

    #[tokio::test]
    async fn ports_in_use_are_left_out() {
        let address = IpAddr::from([127, 0, 0, 1]);
        let _taken = TcpListener::bind((address, 9_021)).expect("free");
        assert_eq!(counted(egress(&burst(address, 9_020)).await).sent, 3);
        let none = Egress { burst: 1, ..burst(address, 9_021) };
        assert!(
            matches!(egress(&none).await, Outcome::Unable(inability) if inability.why == Obstacle::PortInUse)
        );
    }

    #[test]
    fn a_packet_seen_on_several_interfaces_counts_once() {
        let counts = BTreeMap::from([((1000, 1), 1), ((1000, 2), 1), ((1001, 2), 2), ((1002, 1), 1)]);
        assert_eq!(sum_of_ports(&counts), 4);
    }
}
