//! A netlink socket for the kernel's table of sockets (sock_diag(7)).

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
    time::Duration,
};

use nix::sys::{
    socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt,
        socket, sockopt,
    },
    time::TimeVal,
};

/// A socket of `NETLINK_SOCK_DIAG`. No privilege is needed for it; it sees the network namespace of the thread that
/// opened it.
#[derive(Debug)]
pub struct SocketDiag {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl SocketDiag {
    /// Opens it. The kernel answers at once or not at all: whoever receives waits at most `patience`.
    ///
    /// # Errors
    ///
    /// Where the kernel has no `NETLINK_SOCK_DIAG`, or a sandbox forbids netlink.
    pub fn open(patience: Duration) -> io::Result<Self> {
        /// More than the kernel puts into one datagram of a dump.
        const BUFFER: usize = 64 * 1024;
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkSockDiag,
        )?;
        setsockopt(
            &socket,
            sockopt::ReceiveTimeout,
            &TimeVal::new(patience.as_secs() as i64, patience.subsec_micros().into()),
        )?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Self { socket, buffer: vec![0; BUFFER] })
    }

    /// Sends a question.
    pub fn ask(&self, question: &[u8]) -> io::Result<()> {
        send(self.socket.as_raw_fd(), question, MsgFlags::empty())?;
        Ok(())
    }

    /// The next datagram of answers, whole.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing came in time; `ENOBUFS` when the kernel had to drop answers.
    pub fn answer(&mut self) -> io::Result<&[u8]> {
        let length = recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty())?;
        Ok(&self.buffer[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_is_none_is_answered_with_an_error() {
        let mut diag = SocketDiag::open(Duration::from_secs(5)).expect("netlink");
        // A header alone, of an unknown kind.
        let mut question = Vec::new();
        question.extend(16_u32.to_ne_bytes());
        question.extend([200, 0, 5, 0]);
        question.extend([7, 0, 0, 0, 0, 0, 0, 0]);
        diag.ask(&question).expect("sent");
        let answer = diag.answer().expect("an answer");
        assert_eq!(&answer[4..6], 2_u16.to_ne_bytes(), "NLMSG_ERROR");
    }
}
