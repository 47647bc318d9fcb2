//! Two layers around a connection that record how it ended: [`Recorded`] below TLS (raw bytes,
//! reset or closed), [`Observed`] above it (alerts).

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::alert::Alert;

/// How many bytes from the server are kept.
const KEPT: usize = 64 << 10;

/// What happened on a connection below TLS.
#[derive(Debug, Default, Clone)]
pub struct Recording {
    /// The server's first bytes.
    pub received: Vec<u8>,
    /// The connection was reset.
    pub reset: bool,
    /// The server closed its side.
    pub closed: bool,
}

/// A handle to data that is written during a connection and read afterwards.
pub struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(T::default())))
    }
}

impl<T> std::fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl<T> Shared<T> {
    /// The value; locked only during a read or write.
    pub fn get(&self) -> MutexGuard<'_, T> {
        // After a panic elsewhere, the plain values are still valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that records what it receives. A write that fails because the server is gone counts as
/// done: what the server sent before (usually an alert) is more informative, and the next read
/// returns it.
pub struct Recorded<S> {
    inner: S,
    recording: Shared<Recording>,
}

impl<S> Recorded<S> {
    /// Wraps a connection; the handle records its events.
    pub fn new(inner: S) -> (Self, Shared<Recording>) {
        let recording = Shared::default();
        let handle = recording.clone();
        (Self { inner, recording }, handle)
    }
}

fn server_is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
    )
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, buf));
        let mut recording = self.recording.get();
        match &outcome {
            Ok(()) => {
                let new = &buf.filled()[before..];
                if new.is_empty() && buf.remaining() > 0 {
                    recording.closed = true;
                }
                let room = KEPT.saturating_sub(recording.received.len()).min(new.len());
                recording.received.extend_from_slice(&new[..room]);
            }
            Err(error) => recording.reset |= server_is_gone(error),
        }
        drop(recording);
        Poll::Ready(outcome)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match std::task::ready!(Pin::new(&mut self.inner).poll_write(cx, buf)) {
            Err(error) if server_is_gone(&error) => Poll::Ready(Ok(buf.len())),
            outcome => Poll::Ready(outcome),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// How reading above TLS ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadEnd {
    /// The server sent a fatal alert.
    Alert(Alert),
    /// The connection was reset.
    Reset,
    /// The connection was closed.
    Closed,
    /// Another failure.
    Failed(String),
}

impl ReadEnd {
    /// Classifies an error from rustls or the socket.
    pub fn of(error: &io::Error) -> Self {
        if let Some(error) = tls_error(error) {
            return match error {
                rustls::Error::AlertReceived(alert) => Self::Alert(Alert(u8::from(*alert))),
                other => Self::Failed(other.to_string()),
            };
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ if server_is_gone(error) => Self::Reset,
            _ => Self::Failed(crate::files::plain(error)),
        }
    }
}

/// The rustls error inside an I/O error.
pub fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref::<rustls::Error>()
}

/// A stream above TLS that records why reading ended; HTTP libraries only report that the
/// connection is gone.
pub struct Observed<S> {
    inner: S,
    end: Shared<Option<ReadEnd>>,
}

impl<S> Observed<S> {
    /// Wraps a TLS stream; the handle records why reading ended.
    pub fn new(inner: S) -> (Self, Shared<Option<ReadEnd>>) {
        let end = Shared::default();
        let handle = end.clone();
        (Self { inner, end }, handle)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Observed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, buf));
        let end = match &outcome {
            Ok(()) if buf.filled().len() == before && buf.remaining() > 0 => Some(ReadEnd::Closed),
            Ok(()) => None,
            Err(error) => Some(ReadEnd::of(error)),
        };
        if end.is_some() {
            let mut known = self.end.get();
            *known = known.take().or(end);
        }
        Poll::Ready(outcome)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Observed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
