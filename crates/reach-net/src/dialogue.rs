//! Carries a dialogue out on a connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::{
    stream::Failure,
    wire::{Dialogue, Turn},
};

/// How a dialogue ended.
pub(crate) enum Ended<E> {
    /// By what was said.
    Said(E),
    /// The other side closed.
    Closed,
    /// The other side reset, or the connection broke otherwise.
    Reset,
    /// Nothing (more) came.
    Silent,
}

/// Carries `dialogue` out, without limit of time. A caller that gives up takes it for silence.
pub(crate) async fn carry_out<D, S>(dialogue: &mut D, io: &mut S) -> Ended<D::End>
where
    D: Dialogue + ?Sized,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let opening = dialogue.open();
    let mut turn = if opening.is_empty() { Turn::Listen } else { Turn::Say(opening) };
    let mut bytes = [0_u8; 4096];
    loop {
        match turn {
            Turn::Over(end) => return Ended::Said(end),
            Turn::Say(words) => {
                if let Err(error) = io.write_all(&words).await {
                    return broken(&error);
                }
                turn = dialogue.hear(&[]);
            }
            Turn::Listen => match io.read(&mut bytes).await {
                Ok(0) => return Ended::Closed,
                Ok(length) => turn = dialogue.hear(&bytes[..length]),
                Err(error) => return broken(&error),
            },
        }
    }
}

fn broken<E>(error: &io::Error) -> Ended<E> {
    match Failure::of(error) {
        Failure::Closed => Ended::Closed,
        Failure::TimedOut | Failure::Returned => Ended::Silent,
        Failure::Reset | Failure::Other => Ended::Reset,
    }
}

/// A stream of which some bytes were read already.
pub(crate) struct Begun<S> {
    begin: Vec<u8>,
    read: usize,
    inner: S,
}

impl<S> Begun<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { begin: Vec::new(), read: 0, inner }
    }

    /// Gives back what was read last, to be read again.
    pub(crate) fn unread(&mut self, bytes: &[u8]) {
        let left = self.begin.split_off(self.read.min(self.begin.len()));
        self.begin = [bytes, &left].concat();
        self.read = 0;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.begin.get(self.read..).unwrap_or_default();
        if left.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, buffer);
        }
        let length = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..length]);
        self.read += length;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_read_already_is_read_first() {
        let (near, mut far) = tokio::io::duplex(16);
        far.write_all(b"world").await.expect("written");
        drop(far);
        let mut begun = Begun::new(near);
        begun.unread(b"XXlo ");
        begun.read_exact(&mut [0; 2]).await.expect("two");
        begun.unread(b"hel");
        let mut text = String::new();
        begun.read_to_string(&mut text).await.expect("text");
        assert_eq!(text, "hello world");
    }
}
