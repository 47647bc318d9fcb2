//! What passes between a client's socket and HTTP: notes when bytes came, holds what
//! the reader of HTTP/1.1 and the answers tell each other, and closes gently.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What a client is told in place of an answer to its request, by the reader of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Refusal {
    None,
    BadRequest,
    BadRequestWithoutBody,
    UpgradeRequired,
    NotImplemented,
    TooLarge,
    Forbidden,
    NotFound,
}

impl Refusal {
    /// Whether the connection ends with it.
    pub(super) const fn closes(self) -> bool {
        !matches!(self, Self::None | Self::NotFound)
    }

    const fn of(number: u8) -> Self {
        match number {
            1 => Self::BadRequest,
            2 => Self::BadRequestWithoutBody,
            3 => Self::UpgradeRequired,
            4 => Self::NotImplemented,
            5 => Self::TooLarge,
            6 => Self::Forbidden,
            7 => Self::NotFound,
            _ => Self::None,
        }
    }
}

/// What is known of a connection's bytes. Touched by one thread only; atomic
/// because the codec wants a stream that could be sent to another.
pub(super) struct Activity {
    /// The worker's seconds.
    seconds: Arc<AtomicU32>,
    /// No request is being handled: what comes now is a request's head.
    pub(super) between: AtomicBool,
    /// Bytes of a head that is not complete yet have come.
    pub(super) head_begun: AtomicBool,
    /// How the head that was read last is refused.
    refusal: AtomicU8,
    /// A request's body is malformed.
    pub(super) broken_body: AtomicBool,
    /// Who is to go on when the request is answered, and whether anybody is.
    waiter: Mutex<Option<Waker>>,
    has_waiter: AtomicBool,
    /// The connection speaks something else from here on.
    pub(super) switched: AtomicBool,
    /// When bytes came last, and when the head began.
    pub(super) last_read: AtomicU32,
    pub(super) head_since: AtomicU32,
}

impl Activity {
    pub(super) fn new(seconds: &Arc<AtomicU32>) -> Arc<Self> {
        let now = seconds.load(Relaxed);
        Arc::new(Self {
            seconds: Arc::clone(seconds),
            between: AtomicBool::new(true),
            head_begun: AtomicBool::new(false),
            refusal: AtomicU8::new(0),
            broken_body: AtomicBool::new(false),
            waiter: Mutex::default(),
            has_waiter: AtomicBool::new(false),
            switched: AtomicBool::new(false),
            last_read: AtomicU32::new(now),
            head_since: AtomicU32::new(now),
        })
    }

    fn came(&self) {
        self.last_read.store(self.seconds.load(Relaxed), Relaxed);
    }

    /// Bytes of a head are there.
    pub(super) fn head_begins(&self) {
        if !self.head_begun.swap(true, Relaxed) {
            self.head_since.store(self.seconds.load(Relaxed), Relaxed);
        }
    }

    /// A head goes to the codec; the request is answered before the next one does.
    pub(super) fn head_read(&self, refusal: Refusal) {
        self.refusal.store(refusal as u8, Relaxed);
        self.between.store(false, Relaxed);
    }

    /// Bytes behind the request are there, and wait for its answer.
    pub(super) fn wait(&self, waker: &Waker) {
        if let Ok(mut waiter) = self.waiter.lock() {
            *waiter = Some(waker.clone());
            self.has_waiter.store(true, Relaxed);
        }
    }

    /// The request is answered.
    pub(super) fn answered(&self) {
        self.between.store(true, Relaxed);
        if self.has_waiter.swap(false, Relaxed)
            && let Ok(mut waiter) = self.waiter.lock()
            && let Some(waker) = waiter.take()
        {
            waker.wake();
        }
    }

    /// How the request that begins is refused.
    pub(super) fn take_refusal(&self) -> Refusal {
        Refusal::of(self.refusal.swap(0, Relaxed))
    }
}

/// A client's stream, watched.
pub(super) struct Watched<T> {
    inner: T,
    activity: Arc<Activity>,
    linger: Option<Pin<Box<Sleep>>>,
    lingered: usize,
}

impl<T> Watched<T> {
    pub(super) fn new(inner: T, activity: Arc<Activity>) -> Self {
        Self {
            inner,
            activity,
            linger: None,
            lingered: 0,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if result.is_ready() && buffer.filled().len() > before {
            this.activity.came();
        }
        result
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    /// Closes our side, then reads on for a moment what the client still
    /// sends: closing on unread bytes would be a reset, which overtakes the
    /// answer that was written last.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        }
        let linger = this.linger.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        let mut unread = [0; 4096];
        while this.lingered < MOST_LINGERED {
            let mut buffer = ReadBuf::new(&mut unread);
            match Pin::new(&mut this.inner).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => this.lingered += buffer.filled().len(),
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return linger.as_mut().poll(cx).map(Ok),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// How long, and for how many bytes, a closed connection is read on (Envoy: one second).
const LINGER: Duration = Duration::from_secs(1);
const MOST_LINGERED: usize = 1024 * 1024;
