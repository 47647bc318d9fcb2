//! A request's body on its way to an upstream.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::signals::Signals;
use super::tasks::Tasks;

/// A body that is being read. Keeps the connection aware that it waits for the
/// client, so that a client that stalls is cut.
pub(super) struct Reading {
    signals: Rc<Signals>,
}

impl Reading {
    /// The body begins; it ends when this is dropped.
    pub(super) fn begin(signals: &Rc<Signals>) -> Self {
        signals.body_begins();
        Self {
            signals: Rc::clone(signals),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.signals.body_ends();
    }
}

/// A request's body, passed on as the client sends it.
pub(super) struct RequestBody {
    body: Option<Incoming>,
    /// None once the body has ended.
    reading: Option<(Reading, Tasks)>,
    /// Counts the bytes for the access log; none when it is off.
    received: Option<Rc<Cell<u64>>>,
    trailers: bool,
}

impl RequestBody {
    /// Passes the client's body on, counting its bytes into `received`.
    pub(super) fn new(body: Incoming, signals: &Rc<Signals>, tasks: &Tasks, received: Option<Rc<Cell<u64>>>) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        Self {
            body: Some(body),
            reading: Some((Reading::begin(signals), tasks.clone())),
            received,
            trailers: true,
        }
    }

    /// No body.
    pub(super) fn empty() -> Self {
        Self {
            body: None,
            reading: None,
            received: None,
            trailers: true,
        }
    }

    /// Leaves the trailers out, as Envoy does towards HTTP/1.1.
    pub(super) fn drop_trailers(&mut self) {
        self.trailers = false;
    }

    /// Whether there is none, so that a request can be sent once more.
    pub(super) fn is_empty(&self) -> bool {
        self.body.is_none()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let (Some(body), Some((_, tasks))) = (self.body.take(), &self.reading) {
            discard(tasks, body);
        }
    }
}

/// How much, and how long, is read of a body that nobody wants.
const MOST_DISCARDED: usize = 64 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// Reads a short rest of a request that is answered already. An HTTP/2 stream
/// whose request is dropped half read is reset, and some clients then throw
/// the answer away.
pub(super) fn discard(tasks: &Tasks, mut body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    tasks.spawn(async move {
        let rest = async {
            let mut read = 0;
            while let Some(Ok(frame)) = body.frame().await {
                read += frame.data_ref().map_or(0, Bytes::len);
                if read > MOST_DISCARDED {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(DISCARD_TIME, rest).await;
    });
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() && !this.trailers => {
                this.reading = None;
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(received) = &this.received {
                    let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                    received.set(received.get() + length);
                }
            }
            Poll::Ready(_) => this.reading = None,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}
