//! ICMP sockets and what they receive.

use std::{
    io::{self, IoSliceMut},
    os::fd::{AsFd, AsRawFd},
    time::SystemTime,
};

use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, recvmsg},
};
use reach_core::model::EchoAccess;
use socket2::{Domain, Protocol, Socket, Type};

use super::{enable_error_queue, errors::note_arrival};

/// A datagram as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// How many bytes were stored.
    pub length: usize,
    /// TTL / hop limit it arrived with.
    pub ttl: Option<u8>,
    /// When the kernel received it, by the wall clock.
    pub timestamp: Option<SystemTime>,
}

/// Opens a non-blocking socket for ICMP echo with its error queue on: a datagram socket where the system allows
/// it (`net.ipv4.ping_group_range`, icmp(7)), else a raw one, and says which.
///
/// A datagram socket gives and takes messages from the ICMP header on, and overwrites the identifier with its
/// own. A raw IPv4 socket gives packets with their IP header, and everything that ICMP brings.
pub fn open_echo(v6: bool) -> io::Result<(Socket, EchoAccess)> {
    let (domain, protocol) =
        if v6 { (Domain::IPV6, Protocol::ICMPV6) } else { (Domain::IPV4, Protocol::ICMPV4) };
    let open = |kind: Type| Socket::new(domain, kind.nonblocking(), Some(protocol));
    let (socket, access) = match open(Type::DGRAM) {
        Ok(socket) => (socket, EchoAccess::Datagram),
        // Systems differ in how they refuse it, so raw is tried after whatever refusal but a lack of resources.
        Err(error) if is_out_of_resources(&error) => return Err(error),
        Err(_) => (open(Type::RAW)?, EchoAccess::Raw),
    };
    enable_error_queue(&socket, v6)?;
    Ok((socket, access))
}

/// Whether this process may open raw sockets and capture packets (`CAP_NET_RAW`, packet(7)).
pub fn may_use_raw_sockets() -> bool {
    // Protocol 0 receives nothing.
    Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).is_ok()
        && Socket::new(Domain::PACKET, Type::DGRAM, None).is_ok()
}

/// Takes one datagram from a non-blocking socket; what does not fit into `buffer` is lost.
pub fn receive(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    let mut control = [0_u8; 256];
    let mut parts = [IoSliceMut::new(buffer)];
    let message =
        recvmsg::<()>(socket.as_fd().as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
    let mut received = Received { length: message.bytes, ttl: None, timestamp: None };
    for entry in message.cmsgs()? {
        note_arrival(&entry, &mut received.ttl, &mut received.timestamp);
    }
    Ok(received)
}

fn is_out_of_resources(error: &io::Error) -> bool {
    let exhausted = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    error.raw_os_error().is_some_and(|errno| exhausted.contains(&Errno::from_raw(errno)))
}
