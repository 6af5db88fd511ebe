//! Packet capture (packet(7)).

#![expect(unsafe_code, reason = "no dependency of ours reads the statistics of a packet socket")]

use std::{
    fmt,
    io::{self, IoSliceMut},
    ops::RangeInclusive,
    os::fd::{AsFd, AsRawFd},
    time::{Duration, SystemTime},
};

use nix::{
    errno::Errno,
    net::if_::if_indextoname,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{LinkAddr, MsgFlags, recvmsg, setsockopt, sockopt},
};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::errors::note_arrival;

/// Sees packets of this host on all interfaces, after the packet filter on the way out and before it on the way
/// in.
///
/// Packets come from the network header on ("cooked"), as they pass the interface that routing chose: inside a
/// VLAN, bond or tunnel, each layer shows the packet again, and at least the innermost shows it plain. Packets
/// that IPsec transforms by policy, without an interface of its own, are not seen on the way out.
#[derive(Debug)]
pub struct Capture {
    socket: Socket,
    buffer: Vec<u8>,
}

/// Which packets a capture sees: those that left this host for one of these ports, or came to it from there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// TCP segments.
    pub tcp: Vec<Between>,
    /// UDP datagrams.
    pub udp: Vec<Between>,
    /// ICMP echo and ICMP errors, of either version.
    pub icmp: bool,
    /// Later fragments of whatever it is; only the first one tells its ports.
    pub fragments: bool,
}

/// Between one of some ports of others and one of some of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between {
    /// Ports of others.
    pub remote: RangeInclusive<u16>,
    /// Ports of ours.
    pub ours: RangeInclusive<u16>,
}

/// As an expression of pcap-filter(7).
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = |range: &RangeInclusive<u16>| format!("portrange {}-{}", range.start(), range.end());
        let rule = |protocol: &'static str| {
            move |rule: &Between| match (&rule.remote, &rule.ours) {
                (remote, ours) if *ours == (0..=u16::MAX) && remote.start() == remote.end() => {
                    format!("{protocol} port {}", remote.start())
                }
                (remote, ours) if *ours == (0..=u16::MAX) => format!("{protocol} {}", ports(remote)),
                (remote, ours) => format!("({protocol} {} and {})", ports(remote), ports(ours)),
            }
        };
        let mut parts: Vec<String> = self.tcp.iter().map(rule("tcp")).collect();
        parts.extend(self.udp.iter().map(rule("udp")));
        if self.icmp {
            parts.extend(["icmp", "icmp6"].map(str::to_owned));
        }
        if self.fragments {
            parts.extend(["ip[6:2] & 0x1fff != 0", "ip6[6] == 44"].map(str::to_owned));
        }
        f.write_str(&parts.join(" or "))
    }
}

impl Between {
    /// From whatever port of ours.
    pub fn any_and(remote: RangeInclusive<u16>) -> Self {
        Self { remote, ours: 0..=u16::MAX }
    }
}

/// How and when a captured packet was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The number of the interface.
    pub interface: usize,
    /// On the loopback interface.
    pub loopback: bool,
    /// It was on its way out; else it came in for this host.
    pub outgoing: bool,
    /// When the kernel saw it, by the wall clock.
    pub at: Option<SystemTime>,
    /// How long it was, if it was longer than what was kept.
    pub length: usize,
}

/// What a capture has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureCount {
    /// Packets that passed the filter, those dropped included.
    pub accepted: u64,
    /// Packets that were dropped because nobody took them in time.
    pub dropped: u64,
}

impl Capture {
    /// Begins to capture, keeping at most `most` bytes of each packet. Needs `CAP_NET_RAW`.
    pub fn open(selection: &Selection, most: usize) -> io::Result<Self> {
        let everything = Protocol::from(i32::from((libc::ETH_P_ALL as u16).to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM.nonblocking(), Some(everything))?;
        let capture = Self { socket, buffer: vec![0; most] };
        // What arrived before the filter stands is told apart by whoever reads it.
        capture.select(selection)?;
        setsockopt(&capture.socket, sockopt::ReceiveTimestampns, &true)?;
        Ok(capture)
    }

    /// Changes which packets are seen from now on.
    pub fn select(&self, selection: &Selection) -> io::Result<()> {
        let filter: Vec<_> = program(selection)
            .into_iter()
            .map(|Instruction { code, yes, no, k }| SockFilter::new(code, yes, no, k))
            .collect();
        self.socket.attach_filter(&filter)
    }

    /// Asks for so much room (bytes) for packets that wait to be taken: with `CAP_NET_ADMIN` it is given, else
    /// as much of it as `net.core.rmem_max` allows.
    pub fn make_room(&self, bytes: usize) {
        if setsockopt(&self.socket, sockopt::RcvBufForce, &bytes).is_err() {
            // Then it has what it has; drops are counted.
            let _ = self.socket.set_recv_buffer_size(bytes);
        }
    }

    /// Waits until a packet may be there, at most so long.
    pub fn wait(&self, most: Duration) {
        let most = PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX);
        // Whatever it says: taking finds out.
        let _ = poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], most);
    }

    /// Hands over the packets captured since the last time.
    pub fn drain(&mut self, mut take: impl FnMut(Sighting, &[u8])) {
        // Enough for a burst and its answers many times over; the bound is against a flood.
        const MOST: usize = 100_000;
        for _ in 0..MOST {
            // Room for a time stamp, with plenty to spare.
            let mut control = [0_u8; 128];
            let mut parts = [IoSliceMut::new(&mut self.buffer)];
            // With `MSG_TRUNC` the length is the packet's own.
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
            let received =
                recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags).map(
                    |message| {
                        let mut at = None;
                        for entry in message.cmsgs().into_iter().flatten() {
                            note_arrival(&entry, &mut None, &mut at);
                        }
                        (message.bytes, message.address, at)
                    },
                );
            match received {
                Ok((length, Some(link), at)) => {
                    let outgoing = match link.pkttype() {
                        libc::PACKET_OUTGOING => true,
                        libc::PACKET_HOST => false,
                        _ => continue,
                    };
                    let sighting = Sighting {
                        interface: link.ifindex(),
                        loopback: link.hatype() == libc::ARPHRD_LOOPBACK,
                        outgoing,
                        at,
                        length,
                    };
                    take(sighting, self.buffer.get(..length).unwrap_or(&self.buffer));
                }
                Ok((_, None, _)) | Err(Errno::EINTR) => {}
                // An interface went down; others go on.
                Err(Errno::ENETDOWN) => {}
                Err(_) => return,
            }
        }
    }

    /// What was counted since the last time (`PACKET_STATISTICS`).
    pub fn count(&self) -> CaptureCount {
        let mut statistics = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut length = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes to the struct, which has plain integers only and lives
        // longer than the call, as does `length`. The descriptor is open because it is borrowed.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut length,
            )
        };
        // Cannot fail on a packet socket.
        if result < 0 {
            return CaptureCount::default();
        }
        CaptureCount { accepted: statistics.tp_packets.into(), dropped: statistics.tp_drops.into() }
    }
}

/// The name of an interface; its number where it is gone.
pub fn interface_name(index: usize) -> String {
    let known = u32::try_from(index).ok().and_then(|index| if_indextoname(index).ok());
    known.map_or_else(|| format!("if{index}"), |name| name.to_string_lossy().into_owned())
}

/// One instruction of classic BPF.
struct Instruction {
    code: u16,
    /// How many instructions to skip if the test holds.
    yes: u8,
    /// And if not.
    no: u8,
    k: u32,
}

const LOAD_WORD: u16 = 0x20; // A = packet[k..k + 4]
const LOAD_BYTE: u16 = 0x30; // A = packet[k]
const LOAD_BYTE_X: u16 = 0x50; // A = packet[X + k]
const LOAD_HALF: u16 = 0x28; // A = packet[k..k + 2]
const LOAD_HALF_X: u16 = 0x48; // A = packet[X + k..X + k + 2]
const LOAD_HEADER_LENGTH: u16 = 0xb1; // X = 4 * (packet[k] & 15)
const LOAD_MEMORY: u16 = 0x60; // A = M[k]
const STORE: u16 = 0x02; // M[k] = A
const SET_X: u16 = 0x01; // X = k
const AND: u16 = 0x54; // A &= k
const SKIP: u16 = 0x05; // skip k instructions
const IF_EQUAL: u16 = 0x15; // A == k?
const IF_ABOVE: u16 = 0x25; // A > k?
const IF_AT_LEAST: u16 = 0x35; // A >= k?
const IF_ANY_BIT: u16 = 0x45; // A & k?
const RETURN: u16 = 0x06; // pass k bytes of the packet

/// Loads from here are of what the kernel knows of the packet (`SKF_AD_OFF + SKF_AD_PKTTYPE`).
const PACKET_TYPE: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE) as u32;

/// Where the program keeps the protocol, the port of others, and ours.
const PROTOCOL: u32 = 0;
const REMOTE: u32 = 1;
const OURS: u32 = 2;

/// More ports of one protocol than this are not told apart: a program has at most 4096 instructions.
const MOST_RULES: usize = 200;

fn then(code: u16, k: u32) -> Instruction {
    Instruction { code, yes: 0, no: 0, k }
}

fn test(code: u16, k: u32, yes: u8, no: u8) -> Instruction {
    Instruction { code, yes, no, k }
}

fn pass() -> Instruction {
    then(RETURN, u32::MAX)
}

fn drop_it() -> Instruction {
    then(RETURN, 0)
}

/// The classic BPF program (Documentation/networking/filter.rst) that lets pass what is selected.
fn program(selection: &Selection) -> Vec<Instruction> {
    let fragments = || if selection.fragments { pass() } else { drop_it() };
    let mut program = vec![
        /*  0 */ then(LOAD_BYTE, 0),
        /*  1 */ then(AND, 0xf0),
        /*  2 */ test(IF_EQUAL, 0x40, 2, 0), // to 5
        /*  3 */ test(IF_EQUAL, 0x60, 8, 0), // to 12
        /*  4 */ drop_it(),
        // IPv4.
        /*  5 */ then(LOAD_HALF, 6),
        /*  6 */ test(IF_ANY_BIT, 0x1fff, 0, 1), // else 8
        /*  7 */ fragments(),
        /*  8 */ then(LOAD_BYTE, 9),
        /*  9 */ then(STORE, PROTOCOL),
        /* 10 */ then(LOAD_HEADER_LENGTH, 0),
        /* 11 */ then(SKIP, 5), // to 17
        // IPv6.
        /* 12 */ then(LOAD_BYTE, 6),
        /* 13 */ then(STORE, PROTOCOL),
        /* 14 */ test(IF_EQUAL, 44, 0, 1), // else 16
        /* 15 */ fragments(),
        /* 16 */ then(SET_X, 40),
        // Whose port is whose.
        /* 17 */ then(LOAD_WORD, PACKET_TYPE),
        /* 18 */ test(IF_EQUAL, u32::from(libc::PACKET_OUTGOING), 2, 0), // to 21
        /* 19 */ test(IF_EQUAL, u32::from(libc::PACKET_HOST), 6, 0), // to 26
        /* 20 */ drop_it(),
        /* 21 */ then(LOAD_HALF_X, 0),
        /* 22 */ then(STORE, OURS),
        /* 23 */ then(LOAD_HALF_X, 2),
        /* 24 */ then(STORE, REMOTE),
        /* 25 */ then(SKIP, 4), // to 30
        /* 26 */ then(LOAD_HALF_X, 2),
        /* 27 */ then(STORE, OURS),
        /* 28 */ then(LOAD_HALF_X, 0),
        /* 29 */ then(STORE, REMOTE),
        /* 30 */
    ];
    let icmp = |errors: &[u32]| if selection.icmp { of_types(errors) } else { vec![drop_it()] };
    let sections = [
        (6, between(&selection.tcp)),
        (17, between(&selection.udp)),
        (1, icmp(&[0, 8, 3, 4, 5, 11, 12])),
        (58, icmp(&[128, 129, 1, 2, 3, 4])),
    ];
    for (protocol, section) in sections {
        let length = section.len() as u32;
        program.extend([then(LOAD_MEMORY, PROTOCOL), test(IF_EQUAL, protocol, 1, 0), then(SKIP, length)]);
        program.extend(section);
    }
    program.push(drop_it());
    program
}

/// Passes what goes between these ports, and drops everything else.
fn between(rules: &[Between]) -> Vec<Instruction> {
    let all = [Between { remote: 0..=u16::MAX, ours: 0..=u16::MAX }];
    let rules = if rules.len() > MOST_RULES { &all } else { rules };
    let rule = |rule: &Between| {
        let port = |at: u32, range: &RangeInclusive<u16>, left: u8| {
            let (first, last) = (u32::from(*range.start()), u32::from(*range.end()));
            [
                then(LOAD_MEMORY, at),
                test(IF_AT_LEAST, first, 0, left + 1), // else to the next rule
                test(IF_ABOVE, last, left, 0),         // to the next rule
            ]
        };
        let mut steps = Vec::from(port(REMOTE, &rule.remote, 4));
        steps.extend(port(OURS, &rule.ours, 1));
        steps.push(pass());
        steps
    };
    let mut section: Vec<Instruction> = rules.iter().flat_map(rule).collect();
    section.push(drop_it());
    section
}

/// Passes ICMP of these types, and drops everything else.
fn of_types(types: &[u32]) -> Vec<Instruction> {
    let mut section = vec![then(LOAD_BYTE_X, 0)];
    for &kind in types {
        section.extend([test(IF_EQUAL, kind, 0, 1), pass()]);
    }
    section.push(drop_it());
    section
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{Body, Packet};

    /// Runs a program as the kernel does: a load beyond the packet's end drops it.
    fn run(program: &[Instruction], packet: &[u8], outgoing: bool) -> u32 {
        let byte = |at: u32| packet.get(at as usize).copied().map(u32::from);
        let half = |at: u32| Some(byte(at)? << 8 | byte(at + 1)?);
        let kind = u32::from(if outgoing { libc::PACKET_OUTGOING } else { libc::PACKET_HOST });
        let mut memory = [0_u32; 16];
        let (mut a, mut x, mut next) = (0_u32, 0_u32, 0_usize);
        loop {
            let Instruction { code, yes, no, k } = program[next];
            next += 1;
            let loaded = match code {
                LOAD_WORD => (k == PACKET_TYPE).then_some(kind),
                LOAD_BYTE => byte(k),
                LOAD_BYTE_X => byte(x + k),
                LOAD_HALF => half(k),
                LOAD_HALF_X => half(x + k),
                LOAD_MEMORY => Some(memory[k as usize]),
                AND => Some(a & k),
                _ => Some(a),
            };
            let Some(value) = loaded else { return 0 };
            a = value;
            match code {
                LOAD_HEADER_LENGTH => x = 4 * (byte(k).unwrap_or(0) & 15),
                STORE => memory[k as usize] = a,
                SET_X => x = k,
                SKIP => next += k as usize,
                IF_EQUAL => next += usize::from(if a == k { yes } else { no }),
                IF_ABOVE => next += usize::from(if a > k { yes } else { no }),
                IF_AT_LEAST => next += usize::from(if a >= k { yes } else { no }),
                IF_ANY_BIT => next += usize::from(if a & k != 0 { yes } else { no }),
                RETURN => return k,
                _ => {}
            }
        }
    }

    /// What the program is for, said with the decoder.
    fn is_wanted(packet: &[u8], selection: &Selection, outgoing: bool) -> bool {
        let Some(packet) = Packet::parse(packet) else { return false };
        if packet.fragment.is_some_and(|fragment| !fragment.first) {
            return selection.fragments;
        }
        let rules = match packet.body {
            Body::Tcp { .. } => &selection.tcp,
            Body::Udp { .. } => &selection.udp,
            Body::Echo(_) | Body::Error { .. } => return selection.icmp,
            Body::Other => return false,
        };
        let Some((source, destination)) = packet.ports() else { return false };
        let (remote, ours) = if outgoing { (destination, source) } else { (source, destination) };
        rules.iter().any(|rule| rule.remote.contains(&remote) && rule.ours.contains(&ours))
    }

    fn rules() -> impl Strategy<Value = Vec<Between>> {
        let range = || (0_u16..6, 0_u16..3).prop_map(|(first, more)| first..=first + more);
        let rule = (range(), range()).prop_map(|(remote, ours)| Between { remote, ours });
        proptest::collection::vec(rule, 0..4)
    }

    fn selections() -> impl Strategy<Value = Selection> {
        (rules(), rules(), any::<bool>(), any::<bool>()).prop_map(|(tcp, udp, icmp, fragments)| Selection {
            tcp,
            udp,
            icmp,
            fragments,
        })
    }

    proptest! {
        #[test]
        fn the_filter_passes_what_is_wanted_and_nothing_else(
            selection in selections(),
            v6: bool,
            outgoing: bool,
            kind in 0_u8..4,
            ports in (0_u16..8, 0_u16..8),
            options in proptest::collection::vec(Just(1_u8), 0..3),
            fragment in 0_u8..3,
        ) {
            let mut packet = Vec::new();
            let builder = if v6 {
                PacketBuilder::ipv6([1; 16], [2; 16], 64)
            } else {
                PacketBuilder::ipv4([1; 4], [2; 4], 64)
            };
            let written = match (kind, v6) {
                (0, _) => builder
                    .tcp(ports.0, ports.1, 1, 1024)
                    .options_raw(&options)
                    .expect("short")
                    .write(&mut packet, &[]),
                (1, _) => builder.udp(ports.0, ports.1).write(&mut packet, &[]),
                (2, false) => builder.icmpv4_echo_request(ports.0, ports.1).write(&mut packet, &[]),
                (2, true) => builder.icmpv6_echo_request(ports.0, ports.1).write(&mut packet, &[]),
                (_, false) => builder.icmpv4_raw(11, 0, [0; 4]).write(&mut packet, &[]),
                (_, true) => builder.icmpv6_raw(3, 0, [0; 4]).write(&mut packet, &[]),
            };
            written.expect("written");
            if !v6 && fragment > 0 {
                packet[6..8].copy_from_slice(&[0x20, fragment - 1]);
            }
            let program = program(&selection);
            prop_assert_eq!(run(&program, &packet, outgoing) > 0, is_wanted(&packet, &selection, outgoing));
        }

        #[test]
        fn the_filter_ends_on_any_packet(
            selection in selections(),
            mut bytes: Vec<u8>,
            version: bool,
            outgoing: bool,
            protocol in proptest::sample::select(vec![1_u8, 6, 17, 58, 44]),
        ) {
            if let Some(first) = bytes.first_mut() {
                *first = if version { 0x45 } else { 0x60 };
            }
            if bytes.len() > 9 {
                bytes[if version { 9 } else { 6 }] = protocol;
            }
            run(&program(&selection), &bytes, outgoing);
        }
    }

    #[test]
    fn a_program_never_grows_beyond_what_the_kernel_takes() {
        for count in [0, 1, MOST_RULES, MOST_RULES + 1, 10_000] {
            let rules = vec![Between::any_and(1..=1); count];
            let selection = Selection { tcp: rules.clone(), udp: rules, icmp: true, fragments: true };
            assert!(program(&selection).len() <= 4096, "{count}");
        }
    }
}
