//! A client's body that may be wanted more than once: for another attempt at
//! an upstream, and for mirrors. What was read of it is kept, up to a limit.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::oneshot;

use super::request_body::{Reading, discard};
use super::tasks::Tasks;

/// How much is kept of one body, as Envoy's buffer of a connection holds.
const MOST_KEPT: usize = 1024 * 1024;

/// A client's body, read by one reader after the other.
pub(super) struct KeptBody {
    state: RefCell<State>,
    tasks: Tasks,
    hint: SizeHint,
}

struct State {
    /// Taken when this is dropped.
    body: Option<Incoming>,
    frames: Vec<KeptFrame>,
    size: usize,
    progress: Progress,
    /// None once the body has ended.
    reading: Option<Reading>,
    /// Counts the bytes for the access log; none when it is off.
    received: Option<Rc<Cell<u64>>>,
    /// Told when the whole body is kept; dropped when it never will be.
    whole: Vec<oneshot::Sender<()>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// More may come.
    Open,
    /// All has come.
    Ended,
    /// It grew beyond the limit: it can be passed on, but not repeated.
    TooLarge,
    /// The client broke off.
    Broken,
}

enum KeptFrame {
    Data(Bytes),
    Trailers(HeaderMap),
}

impl KeptFrame {
    fn of(frame: &Frame<Bytes>) -> Self {
        match (frame.data_ref(), frame.trailers_ref()) {
            (Some(data), _) => Self::Data(data.clone()),
            (None, trailers) => Self::Trailers(trailers.cloned().unwrap_or_default()),
        }
    }

    fn again(&self) -> Frame<Bytes> {
        match self {
            Self::Data(data) => Frame::data(data.clone()),
            Self::Trailers(trailers) => Frame::trailers(trailers.clone()),
        }
    }
}

impl KeptBody {
    pub(super) fn new(body: Incoming, reading: Reading, tasks: Tasks, received: Option<Rc<Cell<u64>>>) -> Rc<Self> {
        Rc::new(Self {
            hint: body.size_hint(),
            state: RefCell::new(State {
                body: Some(body),
                frames: Vec::new(),
                size: 0,
                progress: Progress::Open,
                reading: Some(reading),
                received,
                whole: Vec::new(),
            }),
            tasks,
        })
    }

    /// Whether a reader may begin at the start.
    pub(super) fn can_be_repeated(&self) -> bool {
        matches!(self.state.borrow().progress, Progress::Open | Progress::Ended)
    }

    /// Ends when the whole body is kept; with an error when it never will be.
    pub(super) fn whole(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state.borrow_mut();
        match state.progress {
            Progress::Open => state.whole.push(sender),
            Progress::Ended => drop(sender.send(())),
            Progress::TooLarge | Progress::Broken => {}
        }
        receiver
    }

    /// The next frame for a reader that has had `read` frames.
    pub(super) fn poll_frame(
        &self,
        read: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        if let Some(frame) = state.frames.get(*read) {
            *read += 1;
            return Poll::Ready(Some(Ok(frame.again())));
        }
        if state.progress == Progress::Ended {
            return Poll::Ready(None);
        }
        let Some(body) = &mut state.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(&mut *body).poll_frame(cx);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                let ended = body.is_end_stream();
                state.keep(frame);
                *read = state.frames.len();
                // A reader that knows the length does not ask for the end.
                if ended {
                    state.end();
                }
            }
            Poll::Ready(None) => state.end(),
            Poll::Ready(Some(Err(_))) => {
                state.progress = Progress::Broken;
                state.end();
            }
        }
        polled
    }

    /// Whether a reader that has had `read` frames has had all.
    pub(super) fn is_end(&self, read: usize) -> bool {
        let state = self.state.borrow();
        read >= state.frames.len() && state.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    /// The size of the whole body, as the client told it.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

impl State {
    fn keep(&mut self, frame: &Frame<Bytes>) {
        let length = frame.data_ref().map_or(0, Bytes::len);
        if let Some(received) = &self.received {
            received.set(received.get() + length as u64);
        }
        self.size += length;
        if self.progress == Progress::Open && self.size > MOST_KEPT {
            self.progress = Progress::TooLarge;
            self.frames = Vec::new();
            self.whole.clear();
        }
        if self.progress == Progress::Open {
            self.frames.push(KeptFrame::of(frame));
        }
    }

    /// Nothing more comes.
    fn end(&mut self) {
        if self.progress == Progress::Open {
            self.progress = Progress::Ended;
        }
        self.reading = None;
        for waiting in self.whole.drain(..) {
            if self.progress == Progress::Ended {
                // Who waited may have gone.
                let _ = waiting.send(());
            }
        }
    }
}

impl Drop for KeptBody {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        if let (Some(body), Some(_)) = (state.body.take(), &state.reading) {
            discard(&self.tasks, body);
        }
    }
}
