//! Bodies that pass through, and what ends with them: an exchange ends, and is
//! logged, when its response body has been sent or dropped.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::access_log::Entry;
use super::connection::Connection;
use super::upstream::Lease;

/// Why a body was cut short.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The other side broke off.
    #[error("the body was cut short")]
    Broken(#[from] hyper::Error),
    /// The route's timeout passed while the body was sent.
    #[error("the route's timeout passed")]
    Timeout,
}

/// One request and its answer, from the head's arrival to the last byte sent.
pub(super) struct Exchange {
    pub(super) connection: Rc<Connection>,
    pub(super) started: Instant,
    /// What the access log will say; none when it is off.
    pub(super) entry: Option<Box<Entry>>,
    /// The client speaks gRPC: it wants the gateway's own answers as such.
    pub(super) is_grpc: bool,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let worker = &self.connection.worker;
        let now = worker.seconds.load(std::sync::atomic::Ordering::Relaxed);
        self.connection.signals.end(now);
        if let Some(entry) = self.entry.take() {
            worker.log.write(&entry, &self.connection, self.started.elapsed());
        }
    }
}

/// A response's body on its way to the client.
pub(super) struct ResponseBody {
    kind: Kind,
    /// None: the exchange goes on without this body.
    exchange: Option<Exchange>,
}

enum Kind {
    Full(Bytes),
    Upstream {
        body: Incoming,
        /// Gives the upstream connection back when the body has ended.
        _lease: Option<Lease>,
        deadline: Option<Pin<Box<Sleep>>>,
    },
}

impl ResponseBody {
    /// A body that is all there.
    pub(super) fn full(bytes: Bytes, exchange: Exchange) -> Self {
        Self {
            kind: Kind::Full(bytes),
            exchange: Some(exchange),
        }
    }

    /// No body: the connection is to be something else.
    pub(super) fn switching() -> Self {
        Self {
            kind: Kind::Full(Bytes::new()),
            exchange: None,
        }
    }

    /// A body that an upstream sends.
    pub(super) fn upstream(
        body: Incoming,
        lease: Option<Lease>,
        deadline: Option<Pin<Box<Sleep>>>,
        exchange: Exchange,
    ) -> Self {
        Self {
            kind: Kind::Upstream {
                body,
                _lease: lease,
                deadline,
            },
            exchange: Some(exchange),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let polled = match &mut this.kind {
            Kind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Upstream { body, deadline, .. } => match Pin::new(body).poll_frame(cx) {
                Poll::Pending => match deadline.as_mut().map(|deadline| deadline.as_mut().poll(cx)) {
                    Some(Poll::Ready(())) => Poll::Ready(Some(Err(BodyError::Timeout))),
                    _ => Poll::Pending,
                },
                Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from))),
            },
        };
        if let Some(entry) = this.exchange.as_mut().and_then(|exchange| exchange.entry.as_mut()) {
            match &polled {
                Poll::Ready(Some(Ok(frame))) => {
                    entry.bytes_sent += frame.data_ref().map_or(0, Bytes::len) as u64;
                }
                Poll::Ready(Some(Err(BodyError::Timeout))) => entry.flags = "UT",
                Poll::Ready(Some(Err(BodyError::Broken(_)))) => entry.flags = "UPE",
                _ => {}
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Upstream { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Upstream { body, .. } => body.size_hint(),
        }
    }
}

/// A request's body on its way to an upstream. Keeps the connection aware that
/// it waits for the client, so that a client that stalls is cut.
pub(super) struct RequestBody {
    body: Option<Incoming>,
    connection: Option<Rc<Connection>>,
    /// Counts the bytes for the access log; none when it is off.
    received: Option<Rc<Cell<u64>>>,
}

impl RequestBody {
    /// Passes the client's body on, counting its bytes into `received`.
    pub(super) fn new(body: Incoming, connection: &Rc<Connection>, received: Option<Rc<Cell<u64>>>) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        connection.signals.body_begins();
        Self {
            body: Some(body),
            connection: Some(Rc::clone(connection)),
            received,
        }
    }

    /// No body.
    pub(super) fn empty() -> Self {
        Self {
            body: None,
            connection: None,
            received: None,
        }
    }

    /// Whether there is none, so that a request can be sent once more.
    pub(super) fn is_empty(&self) -> bool {
        self.body.is_none()
    }

    fn ended(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.signals.body_ends();
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let (Some(body), Some(connection)) = (self.body.take(), &self.connection) {
            discard(connection, body);
        }
        self.ended();
    }
}

/// How much, and how long, is read of a body that nobody wants.
const MOST_DISCARDED: usize = 64 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// Reads a short rest of a request that is answered already. An HTTP/2 stream
/// whose request is dropped half read is reset, and some clients then throw
/// the answer away.
pub(super) fn discard(connection: &Connection, mut body: Incoming) {
    if body.is_end_stream() || !connection.worker.runs_tasks() {
        return;
    }
    tokio::task::spawn_local(async move {
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
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(received) = &this.received {
                    let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                    received.set(received.get() + length);
                }
            }
            Poll::Ready(_) => this.ended(),
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
