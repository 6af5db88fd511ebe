//! The error queue of a socket (`IP_RECVERR`, ip(7), ipv6(7)), and what local errors mean.

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsFd, AsRawFd},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::{
    errno::Errno,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt},
        time::TimeSpec,
    },
};
use reach_core::model::{IcmpError, Inability, Obstacle, Outcome};

use super::options::tell_extensions;

/// One entry of a socket's error queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedError {
    /// Where the error arose.
    pub origin: ErrorOrigin,
    /// The error number that the kernel makes of it.
    pub errno: i32,
    /// ICMP type, where the origin is ICMP.
    pub kind: u8,
    /// ICMP code, where the origin is ICMP.
    pub code: u8,
    /// Who sent the ICMP error.
    pub offender: Option<IpAddr>,
    /// TTL / hop limit the ICMP error arrived with.
    pub reply_ttl: Option<u8>,
    /// When the kernel received it, by the wall clock.
    pub timestamp: Option<SystemTime>,
    /// Where the packet was to go, as the ICMP error quotes it; the port is zero where there is none.
    pub destination: Option<SocketAddr>,
    /// `ee_info`: the MTU of the next link in bytes, where the packet was too big for it.
    pub info: u32,
    /// Where in `quoted` the extensions of RFC 4884 begin, if the ICMP error says so.
    pub extension: Option<usize>,
    /// Our packet as the ICMP error quotes it, with what follows it: from the transport header on, and for UDP
    /// from the payload on. Routers may cut it to 8 bytes of transport header.
    pub quoted: Vec<u8>,
}

/// Where a queued error arose (`ee_origin`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorOrigin {
    /// In this host's own stack.
    Local,
    /// In an ICMP message.
    Icmp,
    /// In an ICMPv6 message.
    Icmp6,
    /// Elsewhere (time stamps of sent packets and the like).
    Other(u8),
}

impl QueuedError {
    /// The ICMP error, if it is one.
    pub fn icmp(&self) -> Option<IcmpError> {
        let v6 = match self.origin {
            ErrorOrigin::Icmp => false,
            ErrorOrigin::Icmp6 => true,
            ErrorOrigin::Local | ErrorOrigin::Other(_) => return None,
        };
        Some(IcmpError { v6, kind: self.kind, code: self.code })
    }
}

/// Makes the kernel queue ICMP errors for this socket, and note with them, and with every datagram, the TTL and
/// the time of arrival.
pub fn enable_error_queue(socket: &impl AsFd, v6: bool) -> io::Result<()> {
    if v6 {
        setsockopt(socket, sockopt::Ipv6RecvErr, &true)?;
        setsockopt(socket, sockopt::Ipv6RecvHopLimit, &true)?;
    } else {
        setsockopt(socket, sockopt::Ipv4RecvErr, &true)?;
        setsockopt(socket, sockopt::Ipv4RecvTtl, &true)?;
    }
    setsockopt(socket, sockopt::ReceiveTimestampns, &true)?;
    // Before Linux 5.9 there is no such option, and extensions are found only where routers put them of old.
    let _ = tell_extensions(socket, v6);
    Ok(())
}

/// Takes what waits in the error queue of a non-blocking socket, oldest first; empty when there is nothing.
pub fn drain_error_queue(socket: &impl AsFd) -> Vec<QueuedError> {
    // A probe causes a handful of errors at most; the bound is against a flood.
    const MOST: usize = 64;
    let mut errors = Vec::new();
    for _ in 0..MOST {
        match receive_error(socket) {
            Ok(Some(error)) => errors.push(error),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(_) => break,
        }
    }
    errors
}

/// What a local error of a system call that wants to send says about this host. Only for errors given at once
/// by `connect`, `send` and their like, and not for those an ICMP error brought.
pub fn local_obstacle(error: &io::Error) -> Obstacle {
    match error.raw_os_error() {
        Some(
            libc::ENETUNREACH
            | libc::EHOSTUNREACH
            | libc::ENETDOWN
            | libc::EINVAL
            | libc::EADDRNOTAVAIL
            | libc::EAFNOSUPPORT
            | libc::ENODEV
            | libc::ENXIO,
        ) => Obstacle::NoRoute,
        Some(libc::EPERM | libc::EACCES) => Obstacle::ForbiddenLocally,
        Some(libc::EADDRINUSE) => Obstacle::PortInUse,
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => Obstacle::OutOfResources,
        _ => Obstacle::Unsupported,
    }
}

/// What it means that a socket could not be opened or bound.
pub fn bind_obstacle(error: &io::Error) -> Obstacle {
    match local_obstacle(error) {
        // A source port below 1024, an interface before Linux 5.7, or a security module.
        Obstacle::ForbiddenLocally => Obstacle::NoPermission,
        other => other,
    }
}

/// The outcome of a probe that could not be sent.
pub fn unable(why: Obstacle, error: &io::Error) -> Outcome {
    Outcome::Unable(Inability { why, errno: error.raw_os_error() })
}

/// Reads one entry; `None` for one that carries no error.
fn receive_error(socket: &impl AsFd) -> nix::Result<Option<QueuedError>> {
    // What ICMPv6 quotes at most (RFC 4443 §2.4), which is more than ICMP does.
    let mut quoted = [0_u8; 1280];
    // Room for the error with an IPv6 offender, a TTL and a time stamp, with plenty to spare: with too little,
    // the kernel cuts the messages and nix refuses to read them.
    let mut control = [0_u8; 512];
    let mut parts = [IoSliceMut::new(&mut quoted)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message =
        recvmsg::<SockaddrStorage>(socket.as_fd().as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let destination = message.address.as_ref().and_then(socket_address);
    let length = message.bytes;
    let mut reply_ttl = None;
    let mut timestamp = None;
    let mut found = None;
    for entry in message.cmsgs()? {
        match entry {
            ControlMessageOwned::Ipv4RecvErr(error, from) => {
                found = Some((error, from.map(|from| v4_address(&from))));
            }
            ControlMessageOwned::Ipv6RecvErr(error, from) => {
                found = Some((error, from.map(|from| v6_address(&from))));
            }
            other => note_arrival(&other, &mut reply_ttl, &mut timestamp),
        }
    }
    Ok(found.map(|(error, from)| {
        let origin = match error.ee_origin {
            libc::SO_EE_ORIGIN_LOCAL => ErrorOrigin::Local,
            libc::SO_EE_ORIGIN_ICMP => ErrorOrigin::Icmp,
            libc::SO_EE_ORIGIN_ICMP6 => ErrorOrigin::Icmp6,
            other => ErrorOrigin::Other(other),
        };
        let from_network = matches!(origin, ErrorOrigin::Icmp | ErrorOrigin::Icmp6);
        QueuedError {
            origin,
            errno: i32::try_from(error.ee_errno).unwrap_or(0),
            kind: error.ee_type,
            code: error.ee_code,
            offender: from.filter(|from| from_network && !from.is_unspecified()),
            reply_ttl,
            timestamp,
            destination,
            info: error.ee_info,
            extension: extension_offset(error.ee_data),
            quoted: quoted.get(..length).unwrap_or_default().to_vec(),
        }
    }))
}

/// Picks TTL and time of arrival out of a control message.
pub(super) fn note_arrival(
    message: &ControlMessageOwned,
    ttl: &mut Option<u8>,
    timestamp: &mut Option<SystemTime>,
) {
    match *message {
        ControlMessageOwned::Ipv4Ttl(value) | ControlMessageOwned::Ipv6HopLimit(value) => {
            *ttl = u8::try_from(value).ok();
        }
        ControlMessageOwned::ScmTimestampns(value) => *timestamp = wall_time(value),
        _ => {}
    }
}

/// The offset of the extensions, as the kernel tells it in `struct sock_ee_data_rfc4884` (linux/errqueue.h): a
/// number of 16 bits, zero for none. Whether they are right is for whoever reads them.
fn extension_offset(data: u32) -> Option<usize> {
    let [first, second, ..] = data.to_ne_bytes();
    Some(usize::from(u16::from_ne_bytes([first, second]))).filter(|&offset| offset > 0)
}

/// The Internet address in a socket address.
pub(super) fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|found| SocketAddr::from((found.ip(), found.port())));
    v4.or_else(|| address.as_sockaddr_in6().map(|found| SocketAddr::from((found.ip(), found.port()))))
}

fn wall_time(stamp: TimeSpec) -> Option<SystemTime> {
    let seconds = u64::try_from(stamp.tv_sec()).ok()?;
    let nanos = u32::try_from(stamp.tv_nsec()).ok()?;
    UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
}

fn v4_address(from: &libc::sockaddr_in) -> IpAddr {
    // `s_addr` is in network order, so its bytes in memory are the address.
    Ipv4Addr::from(from.sin_addr.s_addr.to_ne_bytes()).into()
}

fn v6_address(from: &libc::sockaddr_in6) -> IpAddr {
    Ipv6Addr::from(from.sin6_addr.s6_addr).into()
}
