//! Socket options that neither nix nor socket2 offers, and those that every kind of probe sets.

#![expect(unsafe_code, reason = "socket options that neither nix nor socket2 offers")]

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};

/// `IP_RECVERR_RFC4884` (linux/in.h, since Linux 5.9).
const IP_RECVERR_RFC4884: libc::c_int = 26;

/// `IPV6_RECVERR_RFC4884` (linux/in6.h, since Linux 5.9).
const IPV6_RECVERR_RFC4884: libc::c_int = 31;

/// `SOL_RAW` (linux/socket.h).
const SOL_RAW: libc::c_int = 255;

/// `ICMP_FILTER` (linux/icmp.h, raw(7)).
const ICMP_FILTER: libc::c_int = 1;

/// `ICMPV6_FILTER` (linux/icmpv6.h, RFC 3542 §3.2).
const ICMPV6_FILTER: libc::c_int = 1;

/// Sets the TTL (`v6`: the hop limit) of what is sent from now on; `None` is the system's default.
pub fn set_ttl(socket: &impl AsFd, v6: bool, ttl: Option<u8>) -> io::Result<()> {
    let value = ttl.map_or(-1, libc::c_int::from);
    if v6 {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS, &value)
    } else {
        set(socket, libc::IPPROTO_IP, libc::IP_TTL, &value)
    }
}

/// What a socket does about packets larger than some link (`IP_MTU_DISCOVER`, ip(7), ipv6(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragmenting(libc::c_int);

impl Fragmenting {
    /// Never fragments, whatever path MTU is known; only this host's own link sets a limit.
    pub const NEVER: Self = Self(libc::IP_PMTUDISC_PROBE);

    /// As the socket does now.
    pub fn of(socket: &impl AsFd, v6: bool) -> io::Result<Self> {
        let (level, name) = mtu_discover(v6);
        get_int(socket, level, name).map(Self)
    }

    /// Makes the socket do so from now on.
    pub fn set(self, socket: &impl AsFd, v6: bool) -> io::Result<()> {
        let (level, name) = mtu_discover(v6);
        set(socket, level, name, &self.0)?;
        if v6 {
            // Else the sender's own stack fragments all the same: the option above is about path MTU only.
            let never = libc::c_int::from(self == Self::NEVER);
            set(socket, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, &never)?;
        }
        Ok(())
    }
}

fn mtu_discover(v6: bool) -> (libc::c_int, libc::c_int) {
    if v6 { (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER) } else { (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER) }
}

/// Makes the kernel say where in a queued ICMP error the extensions begin (RFC 4884).
pub(super) fn tell_extensions(socket: &impl AsFd, v6: bool) -> io::Result<()> {
    let (level, name) =
        if v6 { (libc::IPPROTO_IPV6, IPV6_RECVERR_RFC4884) } else { (libc::IPPROTO_IP, IP_RECVERR_RFC4884) };
    set(socket, level, name, &1)
}

/// Lets only these types of ICMP messages into a raw socket.
pub(super) fn pass_icmp_types(socket: &impl AsFd, v6: bool, types: &[u8]) -> io::Result<()> {
    // A set bit keeps the type out, in both.
    if v6 {
        let mut filter = [u32::MAX; 8];
        for kind in types {
            filter[usize::from(kind >> 5)] &= !(1 << (kind & 31));
        }
        set(socket, libc::IPPROTO_ICMPV6, ICMPV6_FILTER, &filter)
    } else {
        let passed = types.iter().filter(|&&kind| kind < 32).fold(0, |bits, kind| bits | 1_u32 << kind);
        set(socket, SOL_RAW, ICMP_FILTER, &!passed)
    }
}

pub(super) fn set_int(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    set(socket, level, name, &value)
}

pub(super) fn set<T>(socket: &impl AsFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the kernel reads `size_of::<T>()` bytes at `value`, which lives longer than the call; callers pass
    // integers, arrays of them, and `repr(C)` structs without gaps.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            (&raw const *value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn get_int(socket: &impl AsFd, level: libc::c_int, name: libc::c_int) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, those of an integer, to `value`, which lives longer than
    // the call.
    let result = unsafe {
        libc::getsockopt(socket.as_fd().as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut length)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn options_are_set_and_taken_back_in_both_families() {
        for (address, v6) in [("127.0.0.1:0", false), ("[::1]:0", true)] {
            let Ok(socket) = UdpSocket::bind(address) else {
                eprintln!("SKIPPED for {address}: this machine has no such address");
                continue;
            };
            let usual = Fragmenting::of(&socket, v6).expect("known");
            assert_ne!(usual, Fragmenting::NEVER);
            Fragmenting::NEVER.set(&socket, v6).expect("set");
            assert_eq!(Fragmenting::of(&socket, v6).expect("known"), Fragmenting::NEVER);
            usual.set(&socket, v6).expect("taken back");
            assert_eq!(Fragmenting::of(&socket, v6).expect("known"), usual);
            for ttl in [Some(1), Some(255), None] {
                set_ttl(&socket, v6, ttl).expect("a TTL");
            }
            assert!(set_ttl(&socket, v6, Some(0)).is_err() || v6, "IPv4 knows no TTL of zero");
        }
    }
}
