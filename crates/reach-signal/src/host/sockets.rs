//! The sockets of a network namespace: what the kernel's two tables of them have in common, and the text one.
//!
//! `/proc/PID/net/tcp` and `tcp6` show the namespace of any process to any user; netlink ([`super::diag`]) shows
//! only our own, cheaper and in more detail.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// The state of a TCP socket, with the kernel's numbers (`include/net/tcp_states.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Connected.
    Established = 1,
    /// A SYN is out and unanswered.
    SynSent = 2,
    /// Somebody else's SYN is answered.
    SynRecv = 3,
    /// We closed; the FIN is not acknowledged.
    FinWait1 = 4,
    /// We closed; the other side has not.
    FinWait2 = 5,
    /// Closed by us first, kept so that late segments do no harm.
    TimeWait = 6,
    /// No connection.
    Close = 7,
    /// The other side closed; the application here has not.
    CloseWait = 8,
    /// Both closed; our FIN is not acknowledged.
    LastAck = 9,
    /// Waits for connections.
    Listen = 10,
    /// Both closed at the same time.
    Closing = 11,
    /// A request in the queue of a listener.
    NewSynRecv = 12,
}

impl State {
    /// All of them.
    pub const ALL: [State; 12] = [
        State::Established,
        State::SynSent,
        State::SynRecv,
        State::FinWait1,
        State::FinWait2,
        State::TimeWait,
        State::Close,
        State::CloseWait,
        State::LastAck,
        State::Listen,
        State::Closing,
        State::NewSynRecv,
    ];

    /// The state with the kernel's number `number`.
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as u8 == number)
    }

    /// Its bit in a mask of states, as netlink wants it.
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            State::Established => "established",
            State::SynSent => "syn-sent",
            State::SynRecv => "syn-recv",
            State::FinWait1 => "fin-wait-1",
            State::FinWait2 => "fin-wait-2",
            State::TimeWait => "time-wait",
            State::Close => "close",
            State::CloseWait => "close-wait",
            State::LastAck => "last-ack",
            State::Listen => "listen",
            State::Closing => "closing",
            State::NewSynRecv => "new-syn-recv",
        }
    }
}

/// A TCP socket at the moment when the kernel was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Its state.
    pub state: State,
    /// This end. An IPv4 address mapped into IPv6 is given as what it is.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// The user whose socket it is.
    pub uid: u32,
    /// Its inode, by which `/proc/PID/fd` tells the process; 0 where no process has it any more.
    pub inode: u64,
    /// Segments sent again in its present state, since the last that was acknowledged.
    pub retransmits: u32,
    /// The present retransmission time-out.
    pub rto: Option<Duration>,
    /// When the next repetition is due, if one is.
    pub next: Option<Duration>,
}

impl Socket {
    /// The four things that make a connection what it is.
    pub fn flow(&self) -> Flow {
        Flow { local: self.local, remote: self.remote }
    }

    /// How long a socket in SYN-SENT has been there, by its retransmission timer: the kernel tells no age.
    ///
    /// The first time-out is a second; from then on it doubles, or stays for some repetitions and doubles then
    /// (`tcp_syn_linear_timeouts`, since Linux 6.5). The present time-out tells how often it doubled. `None` where
    /// it fits neither (another first time-out was configured).
    pub fn age(&self) -> Option<Duration> {
        const FIRST_MS: u128 = 1_000;
        let rto = self.rto?;
        let repeats = u128::from(self.retransmits.min(64));
        // The kernel counts in jiffies of up to 10 ms.
        let doublings = (0..=7_u32).find(|&n| rto.as_millis().abs_diff(FIRST_MS << n) <= 20)?;
        let waited = repeats.checked_sub(u128::from(doublings))? + (1 << doublings) - 1;
        let since_last = rto.saturating_sub(self.next.unwrap_or(rto));
        Some(Duration::from_millis(u64::try_from(waited * FIRST_MS).unwrap_or(u64::MAX)) + since_last)
    }
}

/// The addresses and ports of both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// This end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
}

/// The clock ticks that the text tables count in (`USER_HZ`, the same on all Linux architectures).
const TICKS_PER_SECOND: u64 = 100;

/// Reads `/proc/net/tcp` or `tcp6` and gives each socket to `found`. Lines of another kind are passed over; their
/// number is what is returned, the head not counted.
///
/// Takes the text as bytes and keeps nothing of it, since a busy host has 100,000 lines.
pub fn proc_sockets(text: &[u8], mut found: impl FnMut(Socket)) -> u64 {
    let mut strange = 0;
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        match std::str::from_utf8(line).ok().and_then(socket_line) {
            Some(socket) => found(socket),
            None if line.trim_ascii_start().starts_with(b"sl") => {}
            None => strange += 1,
        }
    }
    strange
}

fn socket_line(line: &str) -> Option<Socket> {
    let mut columns = line.split_ascii_whitespace();
    columns.next()?.strip_suffix(':')?;
    let local = hex_socket(columns.next()?)?;
    let remote = hex_socket(columns.next()?)?;
    let state = State::of(u8::from_str_radix(columns.next()?, 16).ok()?)?;
    let _queues = columns.next()?;
    let (timer, when) = columns.next()?.split_once(':')?;
    let when = u64::from_str_radix(when, 16).ok()?;
    let retransmits = u32::from_str_radix(columns.next()?, 16).ok()?;
    let uid = columns.next()?.parse().ok()?;
    let _probes = columns.next()?;
    let inode = columns.next()?.parse().ok()?;
    // Sockets in TIME-WAIT end after three more columns.
    let rto = columns.nth(2).and_then(|rto| rto.parse().ok()).map(ticks);
    let next = (timer != "00").then(|| ticks(when));
    Some(Socket { state, local, remote, uid, inode, retransmits, rto, next })
}

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count.saturating_mul(1000 / TICKS_PER_SECOND))
}

/// `0100007F:0016`: words of four bytes, each as a number of this machine, and the port.
fn hex_socket(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    if !address.is_ascii() {
        return None;
    }
    let word = |index: usize| {
        let digits = address.get(index * 8..index * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let address = match address.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let mut octets = [0_u8; 16];
            for (index, chunk) in octets.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index)?);
            }
            unmapped(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

/// An IPv4 address in its IPv6 clothes is an IPv4 address.
pub(super) fn unmapped(address: Ipv6Addr) -> IpAddr {
    address.to_ipv4_mapped().map_or(IpAddr::V6(address), |v4: Ipv4Addr| IpAddr::V4(v4))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 20562 1 0000000000000000 100 0 0 10 0
   1: 0200C0CB:D2F0 0C7100CB:01BB 02 00000001:00000000 01:00000012 00000003   999        0 41877 2 0000000000000000 400 0 0 1 -1
   2: 0200C0CB:D2F2 0D7100CB:01BB 06 00000000:00000000 03:0000171B 00000000     0        0 0 3 0000000000000000
";
    const TABLE6: &str = "\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: B80D0120000000000000000002000000:9C40 B80D0120000000000000000001000000:01BB 02 00000001:00000000 01:00000064 00000000  1000        0 7 2 0000000000000000 100 0 0 10 -1
   1: 0000000000000000FFFF00000200C0CB:9C41 0000000000000000FFFF00000C7100CB:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 8 1 0000000000000000 20 4 30 10 -1
";

    fn read(text: &str) -> Vec<Socket> {
        let mut sockets = Vec::new();
        assert_eq!(proc_sockets(text.as_bytes(), |socket| sockets.push(socket)), 0);
        sockets
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_table_is_read_with_timers_and_owners() {
        let sockets = read(TABLE);
        assert_eq!(sockets.len(), 3);
        assert_eq!(
            (sockets[0].state, sockets[0].local),
            (State::Listen, "127.0.0.1:8080".parse().expect("one"))
        );
        let waiting = &sockets[1];
        assert_eq!(waiting.remote, "203.0.113.12:443".parse().expect("one"));
        assert_eq!((waiting.uid, waiting.inode, waiting.retransmits), (999, 41877, 3));
        assert_eq!(
            (waiting.rto, waiting.next),
            (Some(Duration::from_secs(4)), Some(Duration::from_millis(180)))
        );
        assert_eq!((sockets[2].state, sockets[2].inode), (State::TimeWait, 0));
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn mapped_addresses_are_ipv4() {
        let sockets = read(TABLE6);
        assert_eq!(sockets[0].remote, "[2001:db8::1]:443".parse().expect("one"));
        assert_eq!(sockets[1].remote, "203.0.113.12:443".parse().expect("one"));
    }

    #[test]
    fn the_timer_tells_the_age_of_an_attempt() {
        let age = |retransmits, rto_ms, next_ms| {
            let socket = Socket {
                state: State::SynSent,
                local: "192.0.2.1:40000".parse().expect("one"),
                remote: "203.0.113.12:443".parse().expect("one"),
                uid: 0,
                inode: 1,
                retransmits,
                rto: Some(Duration::from_millis(rto_ms)),
                next: Some(Duration::from_millis(next_ms)),
            };
            socket.age().map(|age| age.as_millis())
        };
        assert_eq!(age(0, 1000, 1000), Some(0));
        assert_eq!(age(0, 1000, 400), Some(600));
        // Doubling: repeated after 1 and 3 seconds, the next is due after 7.
        assert_eq!(age(2, 4000, 4000), Some(3000));
        assert_eq!(age(2, 4000, 1000), Some(6000));
        // Four at one second each, then doubling.
        assert_eq!(age(4, 1000, 500), Some(4500));
        assert_eq!(age(5, 2000, 2000), Some(5000));
        assert_eq!(age(6, 4000, 4000), Some(7000));
        // A first time-out of 3 seconds is another rule.
        assert_eq!(age(1, 3000, 3000), None);
        assert_eq!(age(0, 4000, 4000), None);
    }

    #[test]
    fn strange_lines_are_counted() {
        assert_eq!(proc_sockets(b"  sl  local\nnonsense\n 1: zz:zz\n", |_| panic!("no socket")), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>, state: u8, retransmits: u32, rto: u64) {
            proc_sockets(&bytes, |socket| { let _ = socket.age(); });
            let line = format!(" 1: 0200C0CB:D2F0 0C7100CB:01BB {state:02X} 1:0 01:{rto:X} {retransmits:X} 9 0 4 2 0 {rto} 0 0 1 -1");
            proc_sockets(line.as_bytes(), |socket| { let _ = socket.age(); });
        }
    }
}
