//! TCP sockets that are ready to connect, and `TCP_INFO`.

#![expect(unsafe_code, reason = "TCP_INFO has no safe wrapper among our dependencies")]

use std::{
    io,
    net::{Ipv6Addr, SocketAddr},
    os::fd::{AsFd, AsRawFd},
};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::{
    Leaving, enable_error_queue,
    options::{set, set_int, set_ttl},
};
pub use crate::wire::TcpInfo;

/// What is special about a TCP socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// Source port; `None` lets the kernel choose when it connects.
    pub source_port: Option<u16>,
    /// IP TTL / hop limit of everything sent; `None` for the system's default.
    pub ttl: Option<u8>,
    /// Packets that arrive with a lower TTL / hop limit are dropped (`IP_MINTTL`, `IPV6_MINHOPCOUNT`,
    /// RFC 5082).
    pub min_ttl: Option<u8>,
    /// Clamp of the maximum segment size in bytes, both ways (`TCP_MAXSEG`, tcp(7)).
    pub max_segment: Option<u16>,
    /// How it leaves this host.
    pub leaving: Leaving,
}

/// Opens a non-blocking TCP socket for a connection to `remote`: bound to the source port on the unspecified
/// or wanted address (with `SO_REUSEADDR`, so that one port serves many destinations and can be used again at once), and
/// with its error queue on.
///
/// `remote` decides the address family only; nothing is sent.
pub fn open_tcp(remote: SocketAddr, options: &TcpOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(remote), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if remote.is_ipv6() {
        // The port is then wanted for IPv6 alone, and a user of it under IPv4 is no hindrance.
        socket.set_only_v6(true)?;
    }
    if let Some(ttl) = options.ttl {
        set_ttl(&socket, remote.is_ipv6(), Some(ttl))?;
    }
    if let Some(least) = options.min_ttl {
        set_min_ttl(&socket, remote.is_ipv6(), least)?;
    }
    if let Some(size) = options.max_segment {
        socket.set_tcp_mss(u32::from(size))?;
    }
    enable_error_queue(&socket, remote.is_ipv6())?;
    options.leaving.apply(&socket, remote.is_ipv6())?;
    let local = options.leaving.local(remote.is_ipv6(), options.source_port.unwrap_or(0))?;
    if options.source_port.is_none() {
        setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
    }
    if options.source_port.is_some() || options.leaving.source.is_some() {
        socket.bind(&local.into())?;
    }
    Ok(socket)
}

/// Sends the first SYN of a socket from [`open_tcp`], as `connect(2)` on a non-blocking socket does:
/// `EINPROGRESS` is the usual answer.
///
/// Under IPv6 a flow is not only addresses and ports: Linux gives each socket, and each repetition of a SYN, a
/// random flow label, and routers may choose the path by it (RFC 6437, RFC 6438). Here the label follows from
/// the source port, where one is given, so that the same port is the same flow.
pub fn connect_tcp(socket: &Socket, remote: SocketAddr, options: &TcpOptions) -> io::Result<()> {
    let remote = match (remote, options.source_port) {
        (SocketAddr::V6(mut remote), Some(port)) if port != 0 => {
            let label = flow_label(port);
            if lease_flow_label(socket, *remote.ip(), label).is_ok() {
                // The standard library hands the field to the kernel as it is, which wants network order.
                remote.set_flowinfo(label.to_be());
            } else {
                // None is at least always the same. That it cannot be switched off only costs this.
                let _ = set_int(socket, libc::IPPROTO_IPV6, libc::IPV6_AUTOFLOWLABEL, 0);
            }
            remote.into()
        }
        (remote, _) => remote,
    };
    socket.connect(&remote.into())
}

/// What the kernel knows about a TCP connection.
pub fn tcp_info(socket: &impl AsFd) -> io::Result<TcpInfo> {
    // Larger than any kernel's struct tcp_info; what an older kernel does not fill stays zero.
    let mut bytes = [0_u8; 512];
    let mut length = bytes.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes to `bytes`, which live longer than the call, and stores
    // in `length` how many it wrote. The descriptor is open because it is borrowed.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            bytes.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let filled = usize::try_from(length).unwrap_or(0).min(bytes.len());
    Ok(TcpInfo::decode(&bytes[..filled]))
}

fn set_min_ttl(socket: &Socket, v6: bool, least: u8) -> io::Result<()> {
    if v6 {
        set_int(socket, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, libc::c_int::from(least))
    } else {
        set_int(socket, libc::IPPROTO_IP, libc::IP_MINTTL, libc::c_int::from(least))
    }
}

/// The flow label of a source port: spread out, never zero, and in the half of the 20 bits that can be leased
/// (`flowlabel_state_ranges`, Documentation/networking/ip-sysctl.rst).
fn flow_label(port: u16) -> u32 {
    (u32::from(port).wrapping_mul(0x9e37_79b1) >> 13) | 1
}

/// `struct in6_flowlabel_req` (linux/in6.h).
#[repr(C)]
struct FlowLabelRequest {
    destination: [u8; 16],
    /// In network order.
    label: u32,
    action: u8,
    share: u8,
    flags: u16,
    expires: u16,
    linger: u16,
    padding: u32,
}

/// Leases a flow label for a socket, shared with whoever else wants it, and makes the kernel take the label
/// from the address to connect to.
fn lease_flow_label(socket: &Socket, destination: Ipv6Addr, label: u32) -> io::Result<()> {
    const GET: u8 = 0;
    const SHARED_WITH_ANY: u8 = 255;
    const CREATE: u16 = 1;
    let request = FlowLabelRequest {
        destination: destination.octets(),
        label: label.to_be(),
        action: GET,
        share: SHARED_WITH_ANY,
        flags: CREATE,
        expires: 0,
        linger: 0,
        padding: 0,
    };
    set(socket, libc::IPPROTO_IPV6, libc::IPV6_FLOWLABEL_MGR, &request)?;
    set_int(socket, libc::IPPROTO_IPV6, libc::IPV6_FLOWINFO_SEND, 1)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, net::TcpListener};

    use super::*;

    #[test]
    fn every_port_has_a_label_of_its_own_that_can_be_leased() {
        let labels: BTreeSet<u32> = (1..=u16::MAX).map(flow_label).collect();
        assert!(labels.iter().all(|label| (1..0x8_0000).contains(label)));
        assert!(labels.len() > 60_000, "only {} labels", labels.len());
    }

    #[test]
    fn a_flow_label_is_leased_by_any_number_of_sockets() {
        let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
            eprintln!("SKIPPED: this machine has no ::1");
            return;
        };
        let remote = listener.local_addr().expect("bound");
        let sockets: Vec<_> = (0..3)
            .map(|_| {
                let socket = open_tcp(remote, &TcpOptions::default()).expect("opened");
                lease_flow_label(&socket, Ipv6Addr::LOCALHOST, 0x12_345).expect("leased");
                socket
            })
            .collect();
        assert_eq!(sockets.len(), 3);
    }

    #[test]
    fn options_are_taken_in_both_families() {
        let options = TcpOptions {
            source_port: Some(0),
            ttl: Some(3),
            min_ttl: Some(200),
            max_segment: Some(1220),
            leaving: Leaving::default(),
        };
        for remote in ["127.0.0.1:1", "[::1]:1"] {
            let remote = remote.parse().expect("an address");
            match open_tcp(remote, &options) {
                Ok(socket) => assert_eq!(tcp_info(&socket).expect("known").state, TcpInfo::CLOSE),
                Err(error) => eprintln!("SKIPPED for {remote}: {error}"),
            }
        }
    }
}
