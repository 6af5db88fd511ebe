//! Packet capture (packet(7)).

use std::{
    io::{self, IoSliceMut},
    ops::RangeInclusive,
    os::fd::AsRawFd,
};

use nix::{
    errno::Errno,
    sys::socket::{LinkAddr, MsgFlags, recvmsg},
};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// Sees the TCP segments between one port of others and a range of ours, on all interfaces, after the packet
/// filter on the way out and before it on the way in.
///
/// Packets come from the network header on ("cooked"), as they pass the interface that routing chose: inside a
/// VLAN, bond or tunnel, each layer shows the packet again, and at least the innermost shows it plain. Packets
/// that IPsec transforms by policy, without an interface of its own, are not seen on the way out.
#[derive(Debug)]
pub struct Capture {
    socket: Socket,
}

/// Where a captured packet was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The number of the interface.
    pub interface: usize,
    /// On the loopback interface.
    pub loopback: bool,
    /// It was on its way out; else it came in for this host.
    pub outgoing: bool,
}

impl Capture {
    /// Begins to capture. Needs `CAP_NET_RAW`.
    pub fn open(remote_port: u16, our_ports: RangeInclusive<u16>) -> io::Result<Self> {
        let everything = Protocol::from(i32::from((libc::ETH_P_ALL as u16).to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM.nonblocking(), Some(everything))?;
        // What arrived before the filter stands is told apart by whoever reads it.
        let filter: Vec<_> = program(remote_port, our_ports)
            .into_iter()
            .map(|Instruction { code, yes, no, k }| SockFilter::new(code, yes, no, k))
            .collect();
        socket.attach_filter(&filter)?;
        Ok(Self { socket })
    }

    /// Hands over the packets captured since the last time.
    pub fn drain(&self, mut take: impl FnMut(Sighting, &[u8])) {
        // Enough for a burst and its answers many times over; the bound is against a flood.
        const MOST: usize = 100_000;
        let mut buffer = [0_u8; 256];
        for _ in 0..MOST {
            let mut parts = [IoSliceMut::new(&mut buffer)];
            let received =
                recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut parts, None, MsgFlags::MSG_DONTWAIT)
                    .map(|message| (message.bytes, message.address));
            match received {
                Ok((length, Some(link))) => {
                    let outgoing = match link.pkttype() {
                        libc::PACKET_OUTGOING => true,
                        libc::PACKET_HOST => false,
                        _ => continue,
                    };
                    let sighting = Sighting {
                        interface: link.ifindex(),
                        loopback: link.hatype() == libc::ARPHRD_LOOPBACK,
                        outgoing,
                    };
                    take(sighting, buffer.get(..length).unwrap_or_default());
                }
                Ok((_, None)) | Err(Errno::EINTR) => {}
                // An interface went down; others go on.
                Err(Errno::ENETDOWN) => {}
                Err(_) => return,
            }
        }
    }
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

const LOAD_BYTE: u16 = 0x30; // A = packet[k]
const LOAD_HALF: u16 = 0x28; // A = packet[k..k + 2]
const LOAD_HALF_X: u16 = 0x48; // A = packet[X + k..X + k + 2]
const LOAD_HEADER_LENGTH: u16 = 0xb1; // X = 4 * (packet[k] & 15)
const SET_X: u16 = 0x01; // X = k
const AND: u16 = 0x54; // A &= k
const SKIP: u16 = 0x05; // skip k instructions
const IF_EQUAL: u16 = 0x15; // A == k?
const IF_ABOVE: u16 = 0x25; // A > k?
const IF_AT_LEAST: u16 = 0x35; // A >= k?
const IF_ANY_BIT: u16 = 0x45; // A & k?
const RETURN: u16 = 0x06; // pass k bytes of the packet

/// The classic BPF program (Documentation/networking/filter.rst) that lets pass TCP over IPv4 or plain IPv6
/// between `remote_port` and one of `our_ports`, in either direction.
fn program(remote_port: u16, our_ports: RangeInclusive<u16>) -> Vec<Instruction> {
    let then = |code, k: u32| Instruction { code, yes: 0, no: 0, k };
    let test = |code, k: u32, yes, no| Instruction { code, yes, no, k };
    let remote = u32::from(remote_port);
    let (first, last) = (u32::from(*our_ports.start()), u32::from(*our_ports.end()));
    vec![
        /*  0 */ then(LOAD_BYTE, 0),
        /*  1 */ then(AND, 0xf0),
        /*  2 */ test(IF_EQUAL, 0x40, 1, 0),
        /*  3 */ test(IF_EQUAL, 0x60, 6, 20), // to 10, else 24
        // IPv4: TCP, and not a later fragment.
        /*  4 */ then(LOAD_BYTE, 9),
        /*  5 */ test(IF_EQUAL, 6, 0, 18), // else 24
        /*  6 */ then(LOAD_HALF, 6),
        /*  7 */ test(IF_ANY_BIT, 0x1fff, 16, 0), // to 24
        /*  8 */ then(LOAD_HEADER_LENGTH, 0),
        /*  9 */ then(SKIP, 3), // to 13
        // IPv6: TCP next.
        /* 10 */ then(LOAD_BYTE, 6),
        /* 11 */ test(IF_EQUAL, 6, 0, 12), // else 24
        /* 12 */ then(SET_X, 40),
        // From the remote port to one of ours?
        /* 13 */ then(LOAD_HALF_X, 0),
        /* 14 */ test(IF_EQUAL, remote, 0, 3), // else 18
        /* 15 */ then(LOAD_HALF_X, 2),
        /* 16 */ test(IF_AT_LEAST, first, 0, 1), // else 18
        /* 17 */ test(IF_ABOVE, last, 0, 5), // else 23
        // From one of ours to the remote port?
        /* 18 */ then(LOAD_HALF_X, 2),
        /* 19 */ test(IF_EQUAL, remote, 0, 4), // else 24
        /* 20 */ then(LOAD_HALF_X, 0),
        /* 21 */ test(IF_AT_LEAST, first, 0, 2), // else 24
        /* 22 */ test(IF_ABOVE, last, 1, 0), // to 24
        /* 23 */ then(RETURN, 256),
        /* 24 */ then(RETURN, 0),
    ]
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::Segment;

    /// Runs a program as the kernel does: a load beyond the packet's end drops it.
    fn run(program: &[Instruction], packet: &[u8]) -> u32 {
        let byte = |at: u32| packet.get(at as usize).copied().map(u32::from);
        let half = |at: u32| Some(byte(at)? << 8 | byte(at + 1)?);
        let (mut a, mut x, mut next) = (0_u32, 0_u32, 0_usize);
        loop {
            let Instruction { code, yes, no, k } = program[next];
            next += 1;
            let loaded = match code {
                LOAD_BYTE => byte(k),
                LOAD_HALF => half(k),
                LOAD_HALF_X => half(x + k),
                AND => Some(a & k),
                _ => Some(a),
            };
            let Some(value) = loaded else { return 0 };
            a = value;
            match code {
                LOAD_HEADER_LENGTH => x = 4 * (byte(k).unwrap_or(0) & 15),
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
    fn is_wanted(packet: &[u8], remote: u16, ours: &RangeInclusive<u16>) -> bool {
        Segment::parse(packet).is_some_and(|segment| {
            let (source, destination) = (segment.source.port(), segment.destination.port());
            source == remote && ours.contains(&destination) || ours.contains(&source) && destination == remote
        })
    }

    proptest! {
        #[test]
        fn the_filter_passes_what_is_wanted_and_nothing_else(
            v6: bool,
            remote in 0_u16..4,
            first in 0_u16..4,
            more in 0_u16..3,
            ports in (0_u16..8, 0_u16..8),
            options in proptest::collection::vec(Just(1_u8), 0..3),
        ) {
            let ours = first..=first + more;
            let mut packet = Vec::new();
            let builder = if v6 {
                PacketBuilder::ipv6([1; 16], [2; 16], 64)
            } else {
                PacketBuilder::ipv4([1; 4], [2; 4], 64)
            };
            let builder = builder.tcp(ports.0, ports.1, 1, 1024).syn();
            builder.options_raw(&options).expect("short").write(&mut packet, &[]).expect("written");
            let program = program(remote, ours.clone());
            prop_assert_eq!(run(&program, &packet) > 0, is_wanted(&packet, remote, &ours));
        }

        #[test]
        fn the_filter_ends_on_any_packet(mut bytes: Vec<u8>, version: bool, protocol: bool) {
            if let Some(first) = bytes.first_mut() {
                *first = if version { 0x45 } else { 0x60 };
            }
            if protocol && bytes.len() > 9 {
                bytes[6] = 6;
                bytes[9] = 6;
            }
            let ours = 0..=u16::MAX;
            let passed = run(&program(0, ours.clone()), &bytes) > 0;
            prop_assert!(passed || !is_wanted(&bytes, 0, &ours));
        }
    }
}
