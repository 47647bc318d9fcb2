//! What passes between a client's socket and the HTTP codec: notes when bytes
//! came, and looks at each HTTP/1.1 head for the one thing the codec hides, a
//! Content-Length beside a Transfer-Encoding. The codec takes the latter and
//! forgets the former, which is safe; Envoy answers 400, and so do we.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What is known of a connection's bytes. Touched by one thread only; atomic
/// because the codec wants a stream that could be sent to another.
pub(super) struct Activity {
    /// The worker's seconds.
    seconds: Arc<AtomicU32>,
    /// No request is being handled: what comes now is a request's head.
    pub(super) between: AtomicBool,
    /// Bytes of a head that is not complete yet have come.
    pub(super) head_begun: AtomicBool,
    /// The head has both framings.
    pub(super) both_lengths: AtomicBool,
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
            both_lengths: AtomicBool::new(false),
            last_read: AtomicU32::new(now),
            head_since: AtomicU32::new(now),
        })
    }
}

/// A client's stream, watched.
pub(super) struct Watched<T> {
    inner: T,
    activity: Arc<Activity>,
    /// HTTP/1.1: heads are looked at.
    heads: bool,
    /// The beginning of a head that came in pieces.
    partial: Vec<u8>,
    /// The head has ended; what comes before the request is handled is its body.
    head_ended: bool,
    limit: usize,
    linger: Option<Pin<Box<Sleep>>>,
    lingered: usize,
}

impl<T> Watched<T> {
    pub(super) fn new(inner: T, activity: Arc<Activity>, heads: bool, limit: usize) -> Self {
        Self {
            inner,
            activity,
            heads,
            partial: Vec::new(),
            head_ended: false,
            limit,
            linger: None,
            lingered: 0,
        }
    }

    pub(super) fn came(&mut self, bytes: &[u8]) {
        let now = self.activity.seconds.load(Relaxed);
        self.activity.last_read.store(now, Relaxed);
        if !self.heads || !self.activity.between.load(Relaxed) {
            return;
        }
        if !self.activity.head_begun.swap(true, Relaxed) {
            self.activity.head_since.store(now, Relaxed);
            self.partial.clear();
            self.head_ended = false;
        }
        if self.head_ended || self.partial.len() >= self.limit {
            return;
        }
        // Most heads come whole, and are looked at where they are.
        let mut begun = std::mem::take(&mut self.partial);
        let looked_at = begun.len();
        if looked_at > 0 {
            begun.extend_from_slice(bytes);
        }
        let all = if looked_at > 0 { &begun } else { bytes };
        let head = after_empty_lines(all);
        let skipped = all.len() - head.len();
        match end_of_head(head, looked_at.saturating_sub(skipped)) {
            Some(end) => {
                self.activity
                    .both_lengths
                    .store(has_both_lengths(&head[..end]), Relaxed);
                self.head_ended = true;
            }
            None if looked_at > 0 => self.partial = begun,
            None => self.partial.extend_from_slice(head),
        }
    }
}

/// The bytes without empty lines before a request, which the codec passes over.
fn after_empty_lines(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n")) {
        bytes = rest;
    }
    bytes
}

/// Where the empty line behind a head begins, if it is there; so many bytes were
/// looked at before. Lines may end in LF alone, as the codec has it.
fn end_of_head(bytes: &[u8], looked_at: usize) -> Option<usize> {
    // The ends of two lines are three bytes at most.
    let from = looked_at.saturating_sub(2);
    memchr::memchr_iter(b'\n', &bytes[from..])
        .map(|at| from + at)
        .find(|at| matches!(bytes[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

fn has_both_lengths(head: &[u8]) -> bool {
    let starts = |line: &[u8], name: &[u8]| {
        line.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let (mut length, mut encoding) = (false, false);
    for newline in memchr::memchr_iter(b'\n', head) {
        let line = &head[newline + 1..];
        match line.first() {
            Some(b'c' | b'C') => length |= starts(line, b"content-length:"),
            Some(b't' | b'T') => encoding |= starts(line, b"transfer-encoding:"),
            _ => {}
        }
    }
    length && encoding
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if result.is_ready() && buffer.filled().len() > before {
            this.came(&buffer.filled()[before..]);
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

#[cfg(test)]
mod tests {
    use super::{Activity, Watched};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    fn verdict(pieces: &[&str]) -> bool {
        let activity = Activity::new(&Arc::new(AtomicU32::new(0)));
        let mut watched = Watched::new((), Arc::clone(&activity), true, 1000);
        for piece in pieces {
            watched.came(piece.as_bytes());
        }
        activity.both_lengths.load(Relaxed)
    }

    #[test]
    fn both_framings_are_seen_in_any_order_case_and_piece() {
        assert!(verdict(&[
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
        ]));
        assert!(verdict(&[
            "POST / HTTP/1.1\r\ncontent-length: 3\r\nTRANSFER-ENCODING: chunked\r\n\r\nabc"
        ]));
        assert!(verdict(&[
            "POST / HTTP/1.1\r\ncontent-len",
            "gth: 3\r\ntransfer-encoding: chunked\r",
            "\n\r\n"
        ]));
        assert!(!verdict(&[
            "POST / HTTP/1.1\r\ncontent-length: 99\r\n\r\nx\r\ntransfer-encoding: chunked\r\n\r\n"
        ]));
        assert!(!verdict(&["GET / HTTP/1.1\r\nhost: a\r\n\r\n"]));
    }

    #[test]
    fn a_head_ends_where_the_codec_lets_it_end() {
        let both = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n";
        // Empty lines before the request, alone or with it.
        assert!(verdict(&[&format!("\r\n\n{both}\r\n")]));
        assert!(verdict(&["\r", "\n", both, "\r\n"]));
        // Line ends of both kinds.
        assert!(verdict(&[&format!("{both}\n")]));
        assert!(!verdict(&[
            "POST / HTTP/1.1\ncontent-length: 99\n\nx\r\ntransfer-encoding: chunked\r\n\r\n"
        ]));
        // A body that looks like a head, in a piece of its own.
        assert!(verdict(&[both, "\r\n", "GET / HTTP/1.1\r\n\r\n"]));
    }
}
