//! A response's body on its way to the client. The exchange ends with it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::exchange::Exchange;
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

/// When the route's timeout passes; none is never.
pub(super) type Deadline = Option<Pin<Box<Sleep>>>;

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
        lease: Option<Lease>,
        deadline: Deadline,
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

    /// Leaves out a body that the gateway made, and gives its length; an
    /// upstream's answer to HEAD has none.
    pub(super) fn leave_out(&mut self) -> Option<usize> {
        match &mut self.kind {
            Kind::Full(bytes) => Some(std::mem::take(bytes).len()),
            Kind::Upstream { .. } => None,
        }
    }

    /// A body that an upstream sends.
    pub(super) fn upstream(body: Incoming, lease: Option<Lease>, deadline: Deadline, exchange: Exchange) -> Self {
        Self {
            kind: Kind::Upstream { body, lease, deadline },
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
            Kind::Upstream { body, lease, deadline } => match Pin::new(body).poll_frame(cx) {
                Poll::Pending => match deadline.as_mut().map(|deadline| deadline.as_mut().poll(cx)) {
                    Some(Poll::Ready(())) => Poll::Ready(Some(Err(BodyError::Timeout))),
                    _ => Poll::Pending,
                },
                // Envoy drops the trailers of HTTP/1.1.
                Poll::Ready(Some(Ok(frame))) if frame.is_trailers() && lease.is_some() => Poll::Ready(None),
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
