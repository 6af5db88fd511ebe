//! ICMP and UDP sockets, and what they receive.

use std::{
    io::{self, IoSliceMut},
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd},
    time::SystemTime,
};

use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, SockaddrStorage, recvmsg},
};
use reach_core::model::EchoAccess;
use socket2::{Domain, Protocol, Socket, Type};

use super::{
    Leaving, enable_error_queue,
    errors::{note_arrival, socket_address},
    options::pass_icmp_types,
};

/// A datagram as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// How many bytes were stored.
    pub length: usize,
    /// Who sent it; the port is zero where there is none.
    pub from: Option<SocketAddr>,
    /// TTL / hop limit it arrived with.
    pub ttl: Option<u8>,
    /// When the kernel received it, by the wall clock.
    pub timestamp: Option<SystemTime>,
}

/// Opens a non-blocking socket for ICMP echo with its error queue on: a datagram socket where the system allows
/// it (`net.ipv4.ping_group_range`, icmp(7)), else a raw one, and says which.
///
/// A datagram socket gives and takes messages from the ICMP header on, and overwrites the identifier with its
/// own. A raw IPv4 socket gives packets with their IP header, and all echo replies to this host.
pub fn open_echo(v6: bool) -> io::Result<(Socket, EchoAccess)> {
    let (domain, protocol) =
        if v6 { (Domain::IPV6, Protocol::ICMPV6) } else { (Domain::IPV4, Protocol::ICMPV4) };
    let open = |kind: Type| Socket::new(domain, kind.nonblocking(), Some(protocol));
    let (socket, access) = match open(Type::DGRAM) {
        Ok(socket) => (socket, EchoAccess::Datagram),
        // Systems differ in how they refuse it, so raw is tried after whatever refusal but a lack of resources.
        Err(error) if is_out_of_resources(&error) => return Err(error),
        Err(_) => {
            let socket = open(Type::RAW)?;
            // Errors come by the queue, and requests are no concern of ours.
            pass_icmp_types(&socket, v6, &[if v6 { 129 } else { 0 }])?;
            (socket, EchoAccess::Raw)
        }
    };
    enable_error_queue(&socket, v6)?;
    Ok((socket, access))
}

/// Opens a non-blocking raw socket for the ICMP errors that come to this host. Needs `CAP_NET_RAW`.
pub fn open_icmp_errors(v6: bool) -> io::Result<Socket> {
    let (domain, protocol) =
        if v6 { (Domain::IPV6, Protocol::ICMPV6) } else { (Domain::IPV4, Protocol::ICMPV4) };
    let socket = Socket::new(domain, Type::RAW.nonblocking(), Some(protocol))?;
    pass_icmp_types(&socket, v6, if v6 { &[1, 2, 3, 4] } else { &[3, 11, 12] })?;
    Ok(socket)
}

/// Opens a non-blocking UDP socket with its error queue on, bound to a source port, which may serve many
/// destinations (`SO_REUSEADDR`).
pub fn open_udp(v6: bool, source_port: u16, leaving: &Leaving) -> io::Result<Socket> {
    let domain = if v6 { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    if v6 {
        // The port is then wanted for IPv6 alone.
        socket.set_only_v6(true)?;
    }
    enable_error_queue(&socket, v6)?;
    leave(&socket, v6, source_port, leaving)?;
    Ok(socket)
}

/// Makes a socket leave as wanted, and binds it to a port; on an ICMP datagram socket that is the identifier.
pub fn leave(socket: &Socket, v6: bool, port: u16, leaving: &Leaving) -> io::Result<()> {
    leaving.apply(socket, v6)?;
    socket.bind(&leaving.local(v6, port)?.into())
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
    let flags = MsgFlags::MSG_DONTWAIT;
    let message =
        recvmsg::<SockaddrStorage>(socket.as_fd().as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let from = message.address.as_ref().and_then(socket_address);
    let mut received = Received { length: message.bytes, from, ttl: None, timestamp: None };
    for entry in message.cmsgs()? {
        note_arrival(&entry, &mut received.ttl, &mut received.timestamp);
    }
    Ok(received)
}

fn is_out_of_resources(error: &io::Error) -> bool {
    let exhausted = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    error.raw_os_error().is_some_and(|errno| exhausted.contains(&Errno::from_raw(errno)))
}
