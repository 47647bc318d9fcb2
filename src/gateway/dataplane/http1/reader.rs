//! Stands between a client's socket and the codec of HTTP/1.1, and gives the codec
//! one request after the other in a form that has one meaning.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::chunks::{Chunks, Step};
use super::head::{self, Bounds, Framing};
use crate::gateway::dataplane::wire::Activity;

/// A client's stream of which the codec sees whole and plain requests.
pub(in super::super) struct Http1Reader<T> {
    inner: T,
    activity: Arc<Activity>,
    bounds: Bounds,
    /// What the client sent and nobody has read yet.
    input: Buffer,
    /// What the codec is still to read.
    output: Buffer,
    phase: Phase,
    /// How much of an incomplete head was looked at.
    scanned: usize,
    /// The client sends no more.
    ended: bool,
}

/// Where the client's bytes stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    /// In a body with so many bytes left.
    Length(u64),
    Chunked(Chunks),
    /// Behind a request that is not answered yet.
    Waiting,
    /// Behind one that ends the connection.
    Refused,
    /// The connection speaks something else.
    Switched,
}

/// Bytes that are taken from the front.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    at: usize,
}

impl Buffer {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn take(&mut self, count: usize) {
        self.at += count;
        if self.at == self.bytes.len() {
            self.at = 0;
            self.bytes.clear();
            // A connection that rests keeps little memory.
            self.bytes.shrink_to(KEPT);
        }
    }

    /// Moves as much as fits, and no more than `most`.
    fn give(&mut self, buffer: &mut ReadBuf<'_>, most: u64) -> u64 {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let count = self.rest().len().min(buffer.remaining()).min(most);
        buffer.put_slice(&self.rest()[..count]);
        self.take(count);
        count as u64
    }
}

/// How much is read at once, and kept of what comes before its time.
const PIECE: usize = 8 * 1024;
const MOST_WAITING: usize = 64 * 1024;
/// What a buffer that is empty keeps.
const KEPT: usize = 2 * 1024;

impl<T: AsyncRead + Unpin> Http1Reader<T> {
    pub(in super::super) fn new(inner: T, activity: Arc<Activity>, bounds: Bounds) -> Self {
        Self {
            inner,
            activity,
            bounds,
            input: Buffer::default(),
            output: Buffer::default(),
            phase: Phase::Head,
            scanned: 0,
            ended: false,
        }
    }

    /// Reads more of what the client sends; whether anything came.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.ended {
            return Poll::Ready(Ok(false));
        }
        let mut piece = [MaybeUninit::<u8>::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut piece);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut piece))?;
        self.ended = piece.filled().is_empty();
        self.input.bytes.extend_from_slice(piece.filled());
        Poll::Ready(Ok(!self.ended))
    }

    /// Looks for a head in what came; whether there is one.
    fn head(&mut self) -> bool {
        let rest = &self.input.bytes[self.input.at..];
        if rest.is_empty() {
            return false;
        }
        self.activity.head_begins();
        let Some(head) = head::read(rest, self.scanned, self.bounds, &mut self.output.bytes) else {
            self.scanned = rest.len();
            return false;
        };
        self.scanned = 0;
        self.input.take(head.consumed);
        self.activity.head_read(head.refusal);
        self.phase = match head.framing {
            _ if head.refusal.closes() => Phase::Refused,
            Framing::Empty => Phase::Waiting,
            Framing::Length(length) => Phase::Length(length),
            Framing::Chunked => Phase::Chunked(Chunks::Size(None)),
        };
        true
    }

    /// Reads on in a chunked body; whether that changed anything.
    fn chunks(&mut self, mut chunks: Chunks) -> io::Result<bool> {
        let Ok((taken, step)) = chunks.step(self.input.rest(), self.bounds) else {
            self.phase = Phase::Refused;
            self.activity.broken_body.store(true, Relaxed);
            return Err(io::ErrorKind::InvalidData.into());
        };
        // The line behind the chunk before is the codec's to read first.
        let follows = matches!(self.phase, Phase::Chunked(Chunks::Behind));
        self.input.take(taken);
        self.phase = Phase::Chunked(chunks);
        if follows && chunks != Chunks::Behind {
            self.output.bytes.extend_from_slice(b"\r\n");
        }
        match step {
            Step::More => return Ok(follows && chunks != Chunks::Behind),
            Step::Chunk(size) => self.output.bytes.extend_from_slice(format!("{size:x}\r\n").as_bytes()),
            Step::End => {
                self.output.bytes.extend_from_slice(b"0\r\n\r\n");
                self.phase = Phase::Waiting;
            }
        }
        Ok(true)
    }

    /// Passes on bytes of a body or of another protocol, at most so many.
    fn pass(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>, most: u64) -> Poll<io::Result<u64>> {
        if !self.input.rest().is_empty() {
            return Poll::Ready(Ok(self.input.give(buffer, most)));
        }
        if self.ended {
            return Poll::Ready(Ok(0));
        }
        let room = buffer.remaining().min(usize::try_from(most).unwrap_or(usize::MAX));
        if room == buffer.remaining() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
            let count = buffer.filled().len() - before;
            self.ended = count == 0;
            return Poll::Ready(Ok(count as u64));
        }
        ready!(self.fill(cx))?;
        Poll::Ready(Ok(self.input.give(buffer, most)))
    }

    fn step(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<Progress>> {
        match self.phase {
            Phase::Head => {
                if !self.head() && !ready!(self.fill(cx))? {
                    return Poll::Ready(Ok(Progress::Given));
                }
            }
            Phase::Length(left) => {
                let passed = ready!(self.pass(cx, buffer, left))?;
                self.phase = match left - passed {
                    0 => Phase::Waiting,
                    left => Phase::Length(left),
                };
                return Poll::Ready(Ok(Progress::Given));
            }
            Phase::Chunked(mut chunks @ Chunks::Data(left)) => {
                let passed = ready!(self.pass(cx, buffer, left))?;
                chunks.passed(passed);
                self.phase = Phase::Chunked(chunks);
                return Poll::Ready(Ok(Progress::Given));
            }
            Phase::Chunked(chunks) => {
                if !self.chunks(chunks)? && !ready!(self.fill(cx))? {
                    return Poll::Ready(Ok(Progress::Given));
                }
            }
            Phase::Waiting if self.activity.switched.load(Relaxed) => self.phase = Phase::Switched,
            Phase::Waiting if self.activity.between.load(Relaxed) => self.phase = Phase::Head,
            Phase::Waiting => {
                // Whether the client is still there is seen only here. What it sends already
                // has to wait for the answer's end.
                if !self.input.rest().is_empty() {
                    self.activity.wait(cx.waker());
                }
                if self.input.rest().len() >= MOST_WAITING || self.ended && !self.input.rest().is_empty() {
                    return Poll::Pending;
                }
                if !ready!(self.fill(cx))? && self.input.rest().is_empty() {
                    return Poll::Ready(Ok(Progress::Given));
                }
            }
            Phase::Refused => {
                self.input = Buffer::default();
                // Also a client that says no more is to have its answer.
                if !ready!(self.fill(cx))? {
                    return Poll::Pending;
                }
            }
            Phase::Switched => {
                ready!(self.pass(cx, buffer, u64::MAX))?;
                return Poll::Ready(Ok(Progress::Given));
            }
        }
        Poll::Ready(Ok(Progress::Going))
    }
}

enum Progress {
    /// The codec has bytes, or the end.
    Given,
    /// There is more to do first.
    Going,
}

impl<T: AsyncRead + Unpin> AsyncRead for Http1Reader<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.output.rest().is_empty() {
                this.output.give(buffer, u64::MAX);
                return Poll::Ready(Ok(()));
            }
            if let Progress::Given = ready!(this.step(cx, buffer))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Http1Reader<T> {
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

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
