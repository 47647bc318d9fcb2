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

use super::kept_body::KeptBody;
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

/// A request's body on its way to an upstream.
pub(super) struct RequestBody {
    source: Source,
    /// Whether trailers pass.
    trailers: bool,
}

enum Source {
    /// No body.
    Empty,
    /// Passed on as the client sends it.
    Passed(Passed),
    /// Kept, so that it can be sent again; with the frames that this reader has had.
    Kept(Rc<KeptBody>, usize),
}

/// A client's body that is sent once.
struct Passed {
    body: Option<Incoming>,
    /// None once the body has ended.
    reading: Option<(Reading, Tasks)>,
    /// Counts the bytes for the access log; none when it is off.
    received: Option<Rc<Cell<u64>>>,
}

impl RequestBody {
    /// Passes the client's body on, counting its bytes into `received`; `keep`
    /// says whether it may be wanted again.
    pub(super) fn new(
        body: Incoming,
        signals: &Rc<Signals>,
        tasks: &Tasks,
        received: Option<Rc<Cell<u64>>>,
        keep: bool,
    ) -> Self {
        if body.is_end_stream() {
            return Source::Empty.into();
        }
        let reading = Reading::begin(signals);
        if keep {
            return Source::Kept(KeptBody::new(body, reading, tasks.clone(), received), 0).into();
        }
        let passed = Passed {
            body: Some(body),
            reading: Some((reading, tasks.clone())),
            received,
        };
        Source::Passed(passed).into()
    }

    /// Leaves the trailers out, as Envoy does towards HTTP/1.1.
    pub(super) fn drop_trailers(&mut self) {
        self.trailers = false;
    }

    /// Whether there is none, so that a request can be sent once more.
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self.source, Source::Empty)
    }

    /// The same body from its start, if it was kept.
    pub(super) fn again(&self) -> Option<Self> {
        let source = match &self.source {
            Source::Empty => Source::Empty,
            Source::Passed(_) => return None,
            Source::Kept(kept, _) => Source::Kept(Rc::clone(kept), 0),
        };
        Some(source.into())
    }

    /// Whether it can be sent from its start: not when it grew too large to keep,
    /// nor when the client broke off.
    pub(super) fn can_be_repeated(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            Source::Passed(_) => false,
            Source::Kept(kept, _) => kept.can_be_repeated(),
        }
    }

    /// Ends when the whole body is there; with an error when it never will be.
    pub(super) async fn whole(&self) -> Result<(), Unkept> {
        match &self.source {
            Source::Empty => Ok(()),
            Source::Passed(_) => Err(Unkept),
            Source::Kept(kept, _) => kept.whole().await.map_err(|_| Unkept),
        }
    }
}

impl From<Source> for RequestBody {
    fn from(source: Source) -> Self {
        Self { source, trailers: true }
    }
}

/// A body that is not kept as a whole.
pub(super) struct Unkept;

impl Drop for Passed {
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

impl Passed {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(received) = &self.received {
                    let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                    received.set(received.get() + length);
                }
                if frame.is_trailers() {
                    self.reading = None;
                }
            }
            Poll::Ready(_) => self.reading = None,
            Poll::Pending => {}
        }
        polled
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let polled = match &mut this.source {
            Source::Empty => Poll::Ready(None),
            Source::Passed(passed) => passed.poll_frame(cx),
            Source::Kept(kept, read) => kept.poll_frame(read, cx),
        };
        match polled {
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() && !this.trailers => Poll::Ready(None),
            polled => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            Source::Passed(passed) => passed.body.as_ref().is_none_or(Incoming::is_end_stream),
            Source::Kept(kept, read) => kept.is_end(*read),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Passed(passed) => passed
                .body
                .as_ref()
                .map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint),
            Source::Kept(kept, _) => kept.size_hint(),
        }
    }
}
