//! A connection as the layers above TCP see it: every byte on its way, what the kernel says in their stead, and
//! how it began for the case that it is something else than expected.

use std::{
    error::Error,
    future::Future,
    io,
    net::Shutdown,
    os::fd::{AsFd, AsRawFd},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use nix::sys::socket::{MsgFlags, recv};
use reach_core::model::{Connected, Traffic};
use rustls::AlertDescription;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready},
    net::TcpStream,
};

use crate::sys;

/// How many of the first bytes received are kept.
const MOST_KEPT: usize = 64;

/// A TCP connection that hears of packets that routers give back (`EHOSTUNREACH` and alike, tcp(7)) as soon as
/// the kernel does, and that reads everything received before it tells of a reset.
///
/// A plain tokio stream does neither: an error without data wakes nobody who waits to read, and a writer that
/// meets the reset first takes the news from the reader, with the alert that came before it.
pub(crate) struct Watched {
    stream: Arc<TcpStream>,
    on_return: OnReturn,
    returned: Returned,
    /// Completes when an error stands on the socket.
    error: Option<Pin<Box<dyn Future<Output = io::Result<Ready>> + Send>>>,
    /// A reset was reported to somebody else than the reader.
    reset: bool,
    /// Whether a shutdown ends our half of the connection at once.
    half_close: bool,
}

/// What to do when a router gives a packet back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnReturn {
    /// Fail: it is what was to be found out.
    Fail,
    /// Note it and go on, since it may pass (RFC 1122 §4.2.3.9), and ordinary clients do not even hear of it.
    Note,
}

/// Whether a router gave a packet back; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Returned(Arc<AtomicBool>);

impl Returned {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Watched {
    /// `reset`: the other side has reset the connection, and the kernel has said so already.
    pub(crate) fn new(stream: Arc<TcpStream>, reset: bool, on_return: OnReturn) -> Self {
        Self { stream, on_return, returned: Returned::default(), error: None, reset, half_close: false }
    }

    /// A shutdown sends a FIN, and the other side may go on.
    pub(crate) fn with_half_close(mut self) -> Self {
        self.half_close = true;
        self
    }

    /// Tells of packets given back.
    pub(crate) fn returned(&self) -> Returned {
        self.returned.clone()
    }

    /// Whether an error only tells of a packet that came back, and is to be passed over.
    fn passes_over(&self, error: &io::Error) -> bool {
        let is_return = Failure::of(error) == Failure::Returned;
        if is_return {
            self.returned.0.store(true, Ordering::Relaxed);
        }
        is_return && self.on_return == OnReturn::Note
    }

    /// What stands on the socket, when readiness says that something does; `Pending` when nothing is left.
    fn poll_error(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let stream = Arc::clone(&self.stream);
            let error = self
                .error
                .get_or_insert_with(|| Box::pin(async move { stream.ready(Interest::ERROR).await }));
            let result = ready!(error.as_mut().poll(cx));
            self.error = None;
            result?;
            // Reading gives data first, then the error; when it would block, the readiness is cleared.
            let read = self.stream.try_io(Interest::ERROR, || {
                let fd = self.stream.as_fd().as_raw_fd();
                Ok(recv(fd, buffer.initialize_unfilled(), MsgFlags::MSG_DONTWAIT)?)
            });
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock || self.passes_over(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(length) => {
                    buffer.advance(length);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        loop {
            match self.stream.poll_read_ready(cx) {
                Poll::Ready(ready) => {
                    ready?;
                    match self.stream.try_read(buffer.initialize_unfilled()) {
                        Err(error)
                            if error.kind() == io::ErrorKind::WouldBlock || self.passes_over(&error) =>
                        {
                            continue;
                        }
                        result => buffer.advance(result?),
                    }
                }
                Poll::Pending => ready!(self.poll_error(cx, buffer))?,
            }
            let ended = buffer.filled().len() == before;
            return Poll::Ready(if ended && self.reset {
                Err(io::ErrorKind::ConnectionReset.into())
            } else {
                Ok(())
            });
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock || self.passes_over(&error) => {}
                // Nobody takes it any more. The reader finds out, once it has read what is there to be read:
                // EPIPE follows a close, and then the end is what it reads.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    self.reset = true;
                    return Poll::Ready(Ok(bytes.len()));
                }
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    return Poll::Ready(Ok(bytes.len()));
                }
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Else closing the socket does it, and whether with FIN or RST is decided there.
        if self.half_close {
            // That there is nothing left to shut down is no failure.
            let _ = SockRef::from(&*self.stream).shutdown(Shutdown::Write);
        }
        Poll::Ready(Ok(()))
    }
}

/// The first bytes that came through a [`Tap`]; clones share them.
#[derive(Clone, Default)]
pub(crate) struct FirstBytes(Arc<Mutex<Vec<u8>>>);

impl FirstBytes {
    /// At most 64.
    pub(crate) fn get(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, bytes: &[u8]) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_KEPT.saturating_sub(first.len());
        first.extend(bytes.iter().take(room));
    }
}

/// A stream whose first received bytes are kept.
pub(crate) struct Tap<S> {
    inner: S,
    first: FirstBytes,
}

impl<S> Tap<S> {
    pub(crate) fn new(inner: S) -> (Self, FirstBytes) {
        let first = FirstBytes::default();
        (Self { inner, first: first.clone() }, first)
    }

    pub(crate) fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer));
        self.first.note(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// How a standing connection failed, as far as the kernel told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The other side closed (FIN).
    Closed,
    /// The other side reset (RST).
    Reset,
    /// What we sent was repeated in vain until the kernel gave up (`ETIMEDOUT`).
    TimedOut,
    /// A router gave back what we sent: an ICMP error, whichever (tcp(7), icmp(7)).
    Returned,
    /// Not the connection's doing.
    Other,
}

impl Failure {
    /// Of an error that a [`Watched`] gave, perhaps wrapped by a library or two.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        use io::ErrorKind as K;
        causes(error)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .find_map(|error| match (error.kind(), error.raw_os_error()) {
                (K::UnexpectedEof | K::BrokenPipe, _) => Some(Self::Closed),
                (K::ConnectionReset | K::ConnectionAborted, _) => Some(Self::Reset),
                (K::TimedOut, _) => Some(Self::TimedOut),
                (K::HostUnreachable | K::NetworkUnreachable | K::ConnectionRefused, _)
                | (_, Some(libc::EACCES | libc::EPERM | libc::EPROTO | libc::ENOPROTOOPT)) => {
                    Some(Self::Returned)
                }
                _ => None,
            })
            .unwrap_or(Self::Other)
    }
}

/// The fatal alert behind an error of a TLS stream, if that is what it was.
pub(crate) fn alert(error: &(dyn Error + 'static)) -> Option<AlertDescription> {
    causes(error).find_map(|cause| match cause.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::AlertReceived(alert)) => Some(*alert),
        _ => None,
    })
}

/// An error and what is behind it, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    /// Real chains have three links.
    const MOST: usize = 16;
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        // The source of an `io::Error` is that of its contents, not the contents.
        Some(error) => error.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
    .take(MOST)
}

/// What the kernel counted on the connection; `connected` tells the part of the handshake in it.
pub(crate) fn traffic(stream: &TcpStream, connected: &Connected) -> Traffic {
    let info = sys::tcp_info(stream).unwrap_or_default();
    Traffic {
        // Our SYN counts as one.
        bytes_acked: info.bytes_acked.saturating_sub(1),
        bytes_received: info.bytes_received,
        retransmits: info.total_retrans.saturating_sub(connected.syns.saturating_sub(1)),
        unacked: info.unacked,
        send_mss: info.snd_mss,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart_through_any_wrapping() {
        for (errno, expected) in [
            (libc::ECONNRESET, Failure::Reset),
            (libc::EPIPE, Failure::Closed),
            (libc::ETIMEDOUT, Failure::TimedOut),
            (libc::EHOSTUNREACH, Failure::Returned),
            (libc::ENETUNREACH, Failure::Returned),
            (libc::EACCES, Failure::Returned),
            (libc::ENOPROTOOPT, Failure::Returned),
            (libc::ENOTSOCK, Failure::Other),
        ] {
            let error = io::Error::from_raw_os_error(errno);
            assert_eq!(Failure::of(&error), expected, "{error}");
            let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
            assert_eq!(Failure::of(&wrapped), expected, "{wrapped}");
            assert_eq!(alert(&wrapped), None);
        }
        let fatal = rustls::Error::AlertReceived(AlertDescription::AccessDenied);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, fatal));
        assert_eq!(alert(&wrapped), Some(AlertDescription::AccessDenied));
        assert_eq!(Failure::of(&wrapped), Failure::Other);
    }

    #[test]
    fn only_the_first_bytes_are_kept() {
        let first = FirstBytes::default();
        first.note(&[1; 60]);
        first.note(&[2; 60]);
        assert_eq!(first.get(), [[1; 60].as_slice(), &[2; 4]].concat());
    }
}
