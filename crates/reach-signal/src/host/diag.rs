//! netlink's table of sockets: `NETLINK_SOCK_DIAG` with `INET_DIAG` (sock_diag(7), linux/inet_diag.h).
//!
//! Any user may ask for the sockets of the network namespace that he is in. What is asked for and what comes back are
//! made and read here; the socket itself belongs to whoever makes system calls.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use super::sockets::{Flow, Socket, State, unmapped};

const HEADER: usize = 16;
const REQUEST: usize = 56;
const MESSAGE: usize = 72;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_DUMP_INTR: u16 = 0x10;
const INET_DIAG_INFO: u16 = 2;
const IPPROTO_TCP: u8 = 6;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// `INET_DIAG_NOCOOKIE`: any socket with these addresses.
const NO_COOKIE: [u8; 8] = [0xff; 8];

/// The question for all TCP sockets of a family that are in one of the states of `mask` ([`State::bit`]), with
/// `struct tcp_info` if `info`. `sequence` comes back with each answer.
pub fn dump_request(v6: bool, mask: u32, info: bool, sequence: u32) -> Vec<u8> {
    request(v6, mask, info, sequence, NLM_F_REQUEST | NLM_F_DUMP, [0; 48])
}

/// The question for the one socket of a flow. There is none: the answer is an error, [`Dump::error`].
///
/// `mapped` asks for an IPv4 flow among the sockets of IPv6, where applications that speak both have it.
pub fn lookup_request(flow: &Flow, mapped: bool, sequence: u32) -> Vec<u8> {
    let mut id = [0_u8; 48];
    id[0..2].copy_from_slice(&flow.local.port().to_be_bytes());
    id[2..4].copy_from_slice(&flow.remote.port().to_be_bytes());
    put_address(&mut id[4..20], flow.local.ip(), mapped);
    put_address(&mut id[20..36], flow.remote.ip(), mapped);
    id[40..48].copy_from_slice(&NO_COOKIE);
    request(flow.remote.is_ipv6() || mapped, u32::MAX, false, sequence, NLM_F_REQUEST, id)
}

fn put_address(field: &mut [u8], address: IpAddr, mapped: bool) {
    match address {
        IpAddr::V4(address) if mapped => field.copy_from_slice(&address.to_ipv6_mapped().octets()),
        IpAddr::V4(address) => field[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => field.copy_from_slice(&address.octets()),
    }
}

fn request(v6: bool, mask: u32, info: bool, sequence: u32, flags: u16, id: [u8; 48]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + REQUEST);
    bytes.extend(((HEADER + REQUEST) as u32).to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    let extensions = if info { 1_u8 << (INET_DIAG_INFO - 1) } else { 0 };
    bytes.extend([if v6 { AF_INET6 } else { AF_INET }, IPPROTO_TCP, extensions, 0]);
    bytes.extend(mask.to_ne_bytes());
    bytes.extend(id);
    bytes
}

/// Answers as they come, datagram by datagram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    sequence: u32,
    /// The kernel said that this was all. Of a look-up, the one answer is all.
    pub done: bool,
    /// The table changed while it was read: something may be missing or there twice.
    pub interrupted: bool,
    /// The kernel's error, as a positive `errno`.
    pub error: Option<i32>,
    /// Messages that were not understood.
    pub strange: u64,
}

impl Dump {
    /// For the answers to the question with this sequence number.
    pub fn new(sequence: u32) -> Self {
        Self { sequence, ..Self::default() }
    }

    /// Reads one datagram and gives each socket in it to `found`.
    pub fn take(&mut self, mut bytes: &[u8], mut found: impl FnMut(Socket)) {
        while bytes.len() >= HEADER {
            let length = usize::try_from(u32_at(bytes, 0)).unwrap_or(usize::MAX);
            if length < HEADER || length > bytes.len() {
                self.strange += 1;
                return;
            }
            let (message, rest) = bytes.split_at(length);
            // Messages begin at multiples of four bytes.
            bytes = rest.get(length.next_multiple_of(4) - length..).unwrap_or(&[]);
            if u32_at(message, 8) == self.sequence {
                self.message(message, &mut found);
            }
        }
    }

    fn message(&mut self, message: &[u8], found: &mut impl FnMut(Socket)) {
        self.interrupted |= u16_at(message, 6) & NLM_F_DUMP_INTR != 0;
        let body = &message[HEADER..];
        match u16_at(message, 4) {
            NLMSG_DONE => self.done = true,
            NLMSG_ERROR => {
                self.done = true;
                // The kernel gives the negative number; 0 only acknowledges.
                let code = body.first_chunk().map_or(0, |chunk| i32::from_ne_bytes(*chunk));
                self.error = (code != 0).then_some(code.saturating_neg());
            }
            SOCK_DIAG_BY_FAMILY => match socket(body) {
                Some(socket) => found(socket),
                None => self.strange += 1,
            },
            _ => self.strange += 1,
        }
    }
}

/// `struct inet_diag_msg` and the attributes behind it.
fn socket(body: &[u8]) -> Option<Socket> {
    let head: &[u8; MESSAGE] = body.first_chunk()?;
    let [family, state, timer, retransmits, ..] = *head;
    let local = SocketAddr::new(address(family, &head[8..24])?, u16::from_be_bytes([head[4], head[5]]));
    let remote = SocketAddr::new(address(family, &head[24..40])?, u16::from_be_bytes([head[6], head[7]]));
    let mut socket = Socket {
        state: State::of(state)?,
        local,
        remote,
        uid: u32_at(head, 64),
        inode: u64::from(u32_at(head, 68)),
        retransmits: u32::from(retransmits),
        rto: None,
        next: (timer != 0).then(|| Duration::from_millis(u64::from(u32_at(head, 52)))),
    };
    let mut attributes = &body[MESSAGE..];
    while attributes.len() >= 4 {
        let length = usize::from(u16_at(attributes, 0));
        if length < 4 || length > attributes.len() {
            break;
        }
        let payload = &attributes[4..length];
        // tcpi_rto stands at 8, in microseconds, in every version of the struct.
        if u16_at(attributes, 2) == INET_DIAG_INFO && payload.len() >= 12 {
            socket.rto = Some(Duration::from_micros(u64::from(u32_at(payload, 8))));
        }
        attributes = attributes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    Some(socket)
}

fn address(family: u8, field: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => field.first_chunk::<4>().map(|octets| IpAddr::V4(Ipv4Addr::from(*octets))),
        AF_INET6 => field.first_chunk::<16>().map(|octets| unmapped(Ipv6Addr::from(*octets))),
        _ => None,
    }
}

fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u16::from_ne_bytes(*chunk))
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_ne_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(((HEADER + body.len()) as u32).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(2_u16.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend(0_u32.to_ne_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn waiting() -> Vec<u8> {
        let mut body = vec![AF_INET, State::SynSent as u8, 1, 2];
        body.extend(40_000_u16.to_be_bytes());
        body.extend(443_u16.to_be_bytes());
        body.extend([192, 0, 2, 1]);
        body.extend([0; 12]);
        body.extend([203, 0, 113, 12]);
        body.extend([0; 12]);
        body.extend([0; 12]);
        for word in [2_500_u32, 0, 1, 1000, 41_877] {
            body.extend(word.to_ne_bytes());
        }
        let mut info = vec![0_u8; 104];
        info[8..12].copy_from_slice(&4_000_000_u32.to_ne_bytes());
        body.extend((4 + 104_u16).to_ne_bytes());
        body.extend(INET_DIAG_INFO.to_ne_bytes());
        body.extend(info);
        body
    }

    fn read(bytes: &[u8], sequence: u32) -> (Dump, Vec<Socket>) {
        let mut dump = Dump::new(sequence);
        let mut sockets = Vec::new();
        dump.take(bytes, |socket| sockets.push(socket));
        (dump, sockets)
    }

    #[test]
    fn a_waiting_socket_is_read_with_its_timer() {
        let mut bytes = message(SOCK_DIAG_BY_FAMILY, 7, &waiting());
        bytes.extend(message(SOCK_DIAG_BY_FAMILY, 6, &waiting()));
        bytes.extend(message(NLMSG_DONE, 7, &[0; 4]));
        let (dump, sockets) = read(&bytes, 7);
        assert!(dump.done && dump.error.is_none() && dump.strange == 0);
        let [socket] = &sockets[..] else { panic!("another question's answer was taken: {sockets:?}") };
        assert_eq!(socket.remote, "203.0.113.12:443".parse().expect("one"));
        assert_eq!((socket.uid, socket.inode, socket.retransmits), (1000, 41_877, 2));
        assert_eq!(socket.age(), Some(Duration::from_millis(4_500)));
    }

    #[test]
    fn an_error_ends_the_answer() {
        let (dump, _) = read(&message(NLMSG_ERROR, 1, &(-2_i32).to_ne_bytes()), 1);
        assert_eq!((dump.done, dump.error), (true, Some(2)));
        let (dump, _) = read(&message(NLMSG_ERROR, 1, &i32::MIN.to_ne_bytes()), 1);
        assert_eq!(dump.error, Some(i32::MAX));
    }

    #[test]
    fn questions_are_as_long_as_they_say() {
        let flow = Flow {
            local: "192.0.2.1:1".parse().expect("one"),
            remote: "203.0.113.12:443".parse().expect("one"),
        };
        for bytes in [
            dump_request(true, State::SynSent.bit(), true, 1),
            lookup_request(&flow, false, 2),
            lookup_request(&flow, true, 2),
        ] {
            assert_eq!((bytes.len(), u32_at(&bytes, 0)), (72, 72));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>, cut in 0_usize..300) {
            let mut dump = Dump::new(0);
            dump.take(&bytes, |_| ());
            let mut whole = message(SOCK_DIAG_BY_FAMILY, 0, &waiting());
            whole.truncate(cut);
            dump.take(&whole, |_| ());
            let mut body = waiting();
            body.extend(&bytes);
            let _ = socket(&body);
            let _ = socket(&bytes);
        }
    }
}
