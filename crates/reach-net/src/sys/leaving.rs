//! Where packets leave this host: interface, source address, traffic class.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    str::FromStr,
};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Socket, Type};
use thiserror::Error;

/// How everything that a run sends leaves this host; the default is as the system chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaving {
    /// Only by this interface (`SO_BINDTODEVICE`, socket(7); without privilege since Linux 5.7).
    pub interface: Option<InterfaceName>,
    /// From this address, which decides the family as well.
    pub source: Option<IpAddr>,
    /// Type of service / traffic class: DSCP in the upper six bits, ECN in the lower two, which TCP keeps for
    /// itself.
    pub traffic_class: Option<u8>,
}

/// Why packets cannot leave as wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LeavingError {
    /// There is no such interface.
    #[error("this host has no interface {0}")]
    NoInterface(InterfaceName),
    /// Binding to an interface needs `CAP_NET_RAW` before Linux 5.7, and may be forbidden in a sandbox.
    #[error("no permission to bind to the interface {0}")]
    InterfaceForbidden(InterfaceName),
    /// The address is none of this host.
    #[error("{0} is no address of this host")]
    NoSource(IpAddr),
    /// Anything else, by its error number.
    #[error("cannot bind: {}", io::Error::from_raw_os_error(*.0))]
    Other(i32),
}

impl Leaving {
    /// Finds out whether packets can leave so, without sending any.
    pub fn check(&self) -> Result<(), LeavingError> {
        let other = |error: &io::Error| LeavingError::Other(error.raw_os_error().unwrap_or(0));
        let domain =
            if self.source.is_some_and(|source| source.is_ipv6()) { Domain::IPV6 } else { Domain::IPV4 };
        let socket = Socket::new(domain, Type::DGRAM, None).map_err(|error| other(&error))?;
        if let Some(name) = self.interface {
            socket.bind_device(Some(name.bytes())).map_err(|error| match error.raw_os_error() {
                Some(libc::ENODEV) => LeavingError::NoInterface(name),
                Some(libc::EPERM) => LeavingError::InterfaceForbidden(name),
                _ => other(&error),
            })?;
        }
        if let Some(source) = self.source {
            socket.bind(&SocketAddr::new(source, 0).into()).map_err(|error| match error.raw_os_error() {
                Some(libc::EADDRNOTAVAIL) => LeavingError::NoSource(source),
                _ => other(&error),
            })?;
        }
        Ok(())
    }

    /// Sets everything but the source address, which is for [`Leaving::local`] to bind to.
    pub(crate) fn apply(&self, socket: &Socket, v6: bool) -> io::Result<()> {
        if let Some(name) = self.interface {
            socket.bind_device(Some(name.bytes()))?;
        }
        match (self.traffic_class, v6) {
            (Some(class), false) => socket.set_tos_v4(u32::from(class))?,
            (Some(class), true) => setsockopt(socket, sockopt::Ipv6TClass, &i32::from(class))?,
            (None, _) => {}
        }
        Ok(())
    }

    /// The address to bind to: the source, or any; an error where the source is of the other family.
    pub(crate) fn local(&self, v6: bool, port: u16) -> io::Result<SocketAddr> {
        let any: IpAddr = if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        let source = self.source.map_or(any, |source| source.to_canonical());
        if source.is_ipv6() == v6 {
            Ok(SocketAddr::new(source, port))
        } else {
            Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
        }
    }

    /// The address that packets to `remote` are sent from; `None` where there is no route.
    pub(crate) fn source_for(&self, remote: IpAddr) -> Option<IpAddr> {
        // Connecting a datagram socket sends nothing.
        let domain = if remote.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
        let socket = Socket::new(domain, Type::DGRAM, None).ok()?;
        self.apply(&socket, remote.is_ipv6()).ok()?;
        socket.bind(&self.local(remote.is_ipv6(), 0).ok()?.into()).ok()?;
        let socket = UdpSocket::from(socket);
        socket.connect((remote, 9)).ok()?;
        socket.local_addr().ok().map(|local| local.ip())
    }
}

/// The name of a network interface: 1 to 15 bytes (`IFNAMSIZ`), no blank, slash or colon.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName {
    bytes: [u8; 15],
    length: u8,
}

impl InterfaceName {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// No interface can have this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an interface name has 1 to 15 printable ASCII characters, and no blank, slash or colon")]
pub struct BadInterfaceName;

impl FromStr for InterfaceName {
    type Err = BadInterfaceName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_fine = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':');
        if text.is_empty()
            || text.len() > 15
            || matches!(text, "." | "..")
            || !text.as_bytes().iter().all(is_fine)
        {
            return Err(BadInterfaceName);
        }
        let mut bytes = [0; 15];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        // At most 15.
        Ok(Self { bytes, length: text.len() as u8 })
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.bytes()))
    }
}

impl fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> InterfaceName {
        text.parse().expect("a name")
    }

    #[test]
    fn what_is_not_there_is_told_before_anything_is_sent() {
        let none = name("no-such-link0");
        let leaving = Leaving { interface: Some(none), ..Leaving::default() };
        assert_eq!(leaving.check(), Err(LeavingError::NoInterface(none)));
        let foreign: IpAddr = "192.0.2.77".parse().expect("an address");
        let leaving = Leaving { source: Some(foreign), ..Leaving::default() };
        assert_eq!(leaving.check(), Err(LeavingError::NoSource(foreign)));
        let here = Leaving {
            interface: Some(name("lo")),
            source: Some(Ipv4Addr::LOCALHOST.into()),
            traffic_class: Some(0xb8),
        };
        assert_eq!(here.check(), Ok(()));
        assert_eq!(Leaving::default().check(), Ok(()));
    }

    #[test]
    fn a_source_has_a_family() {
        let leaving = Leaving { source: Some(Ipv4Addr::LOCALHOST.into()), ..Leaving::default() };
        assert!(leaving.local(false, 7).is_ok() && leaving.local(true, 7).is_err());
        assert_eq!(leaving.source_for(Ipv4Addr::LOCALHOST.into()), Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(leaving.source_for(Ipv6Addr::LOCALHOST.into()), None);
    }

    #[test]
    fn names_are_those_that_interfaces_can_have() {
        assert_eq!(name("eth0.100@x").to_string(), "eth0.100@x");
        for bad in ["", "sixteen-letters-", "a b", "a/b", "eth0:1", ".", "..", "é", "a\u{1b}"] {
            assert_eq!(bad.parse::<InterfaceName>(), Err(BadInterfaceName), "{bad:?}");
        }
    }
}
