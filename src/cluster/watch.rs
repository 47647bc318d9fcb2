//! Follows a cluster's objects: lists them, watches them, and resumes after every disconnect. The
//! last known state is kept while the server is unavailable. kube's own watcher is not used: it
//! resumes a watch silently, so nobody learns that the server is back; and it would query a server
//! (or a proxy in front of it) that ends each watch immediately without a pause.

use std::cell::{Cell, RefCell};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::sync::oneshot;

use super::client::{Client, broken};
use super::failure::{ApiError, NoAnswer, Status};
use super::kubeconfig::Access;
use super::parts::{Part, list_at, with_header};
use crate::problem::Problem;
use crate::remedy::Aim;
use crate::sources::live::LiveObjects;

/// The time limit for the first complete list.
const FIRST_LIST: Duration = Duration::from_mins(1);
/// The server ends each watch after this many seconds, and the next one starts.
const WATCH_SECONDS: u64 = 60;
/// A watch that is silent for this long is considered a dead connection.
const SILENCE: Duration = Duration::from_secs(WATCH_SECONDS + 10);
/// A watch that ends sooner, without any event, counts as a failure.
const SHORT: Duration = Duration::from_secs(1);
/// The first pause after a failure; each subsequent one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between retries of an unavailable server.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// The longest pause for one kind that fails while the server responds.
const LONGEST_PAUSE_OF_KIND: Duration = Duration::from_secs(30);
/// How long one kind may fail before that is reported: a server that has just started refuses many
/// requests at first.
const START: Duration = Duration::from_secs(5);
/// The maximum length of a line in a watch, in bytes: objects in etcd are far smaller.
const LINE_LIMIT: usize = 64 << 20;

type Wake = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;

/// Follows the objects until dropped.
pub struct Following {
    wake: Wake,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Following {
    /// Calls `wake` after every change from now on, and once for earlier ones.
    pub fn on_change(&self, wake: impl Fn() + Send + Sync + 'static) {
        // Set once: there is only one reader to wake.
        let _ = self.wake.set(Box::new(wake));
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported.
            let _ = thread.join();
        }
    }
}

/// Follows `parts` in a separate thread and updates `live`; commands in the log are for a user with
/// the context `aim`. Returns when everything was listed once.
///
/// # Errors
/// If that fails.
pub fn follow(access: Access, parts: Vec<Part>, live: Arc<LiveObjects>, aim: Aim) -> Result<Following, Problem> {
    let (ready, complete): (_, Receiver<Result<(), Problem>>) = channel();
    let (stop, stopped) = oneshot::channel();
    let wake: Wake = Arc::default();
    let thread = {
        let wake = wake.clone();
        std::thread::Builder::new()
            .name("cluster".to_owned())
            .spawn(move || run(access, aim, &parts, live, wake, &ready, stopped))
            .map_err(|error| Problem::new("a thread cannot be started").why(crate::files::plain(&error)))?
    };
    let following = Following {
        wake,
        stop: Some(stop),
        thread: Some(thread),
    };
    match complete.recv() {
        Ok(outcome) => outcome.map(|()| following),
        Err(_) => Err(Problem::new("the cluster's objects cannot be followed").why("its thread has ended")),
    }
}

fn run(
    access: Access,
    aim: Aim,
    parts: &[Part],
    live: Arc<LiveObjects>,
    wake: Wake,
    ready: &Sender<Result<(), Problem>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime
        .map_err(|error| Problem::new("no runtime could be started").why(crate::files::plain(&error)))
        .and_then(|runtime| {
            runtime.block_on(async {
                // The client does not retry: waiting is implemented below.
                let client = Client::new(access, Duration::ZERO, &|_| ())?;
                let watchers = Watchers {
                    client,
                    aim,
                    live,
                    wake,
                    missing: Cell::new(parts.len()),
                    ready: RefCell::new(Some(ready.clone())),
                    trouble: RefCell::new(None),
                    lost: Cell::new(false),
                };
                let all = parts.iter().enumerate();
                tokio::select! {
                    _ = stopped => {}
                    _ = join_all(all.map(|(number, part)| watchers.follow(number, part))) => {}
                    () = watchers.give_up() => {}
                }
                Ok(())
            })
        });
    if let Err(problem) = outcome {
        // After the first complete list, nobody is waiting.
        let _ = ready.send(Err(problem));
    }
}

/// All watches of one cluster, on one thread.
struct Watchers {
    client: Client<'static>,
    /// The context of the user's commands.
    aim: Aim,
    live: Arc<LiveObjects>,
    wake: Wake,
    /// How many parts were never listed completely.
    missing: Cell<usize>,
    /// Notified when all were.
    ready: RefCell<Option<Sender<Result<(), Problem>>>>,
    /// Why a part could not be listed most recently.
    trouble: RefCell<Option<Problem>>,
    /// Whether the server is unavailable, and that was reported.
    lost: Cell<bool>,
}

/// Consecutive failures of one watch.
#[derive(Default)]
struct Breaks {
    count: u32,
    /// When it started to fail while the server responds.
    first: Option<Instant>,
    /// Whether the failure was reported.
    said: bool,
}

impl Breaks {
    /// The pause after the last failure.
    fn pause(&self, longest: Duration) -> Duration {
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(self.count.saturating_sub(1).min(10));
        pause.min(longest)
    }
}

/// Why a part is currently not followed.
struct Break {
    /// The operation: list or watch.
    verb: &'static str,
    /// Whether the server had started to respond.
    answered: bool,
    error: ApiError,
}

impl Watchers {
    /// Follows one part forever.
    async fn follow(&self, number: usize, part: &Part) {
        let mut version: Option<String> = None;
        let mut complete = false;
        let mut breaks = Breaks::default();
        loop {
            let outcome = match &version {
                None => self.list(number, part).await,
                Some(from) => self.watch(number, part, from, &mut breaks).await,
            };
            match outcome {
                Ok(next) => {
                    version = Some(next);
                    if !std::mem::replace(&mut complete, true) {
                        self.listed();
                    }
                }
                Err(Break { error, .. }) if error.status().is_some_and(|status| status.code == 410) => {
                    // The server no longer has that version: everything is listed again.
                    version = None;
                    breaks.count += 1;
                    tokio::time::sleep(breaks.pause(LONGEST_PAUSE)).await;
                }
                Err(failed) => self.overcome(part, &failed, &mut breaks).await,
            }
        }
    }

    /// Lists a part; returns the version from which to watch.
    async fn list(&self, number: usize, part: &Part) -> Result<String, Break> {
        let listed = list_at(&self.client, part).await;
        let (objects, version) = listed.map_err(|error| Break {
            verb: "list",
            answered: false,
            error,
        })?;
        self.is_back();
        self.tell_reader(self.live.replace(number, objects, Instant::now()));
        Ok(version)
    }

    /// Watches a part until the watch ends; returns the version from which to resume.
    async fn watch(&self, number: usize, part: &Part, from: &str, breaks: &mut Breaks) -> Result<String, Break> {
        let refused = |error: ApiError| Break {
            verb: "watch",
            answered: false,
            error,
        };
        let failed = |error: ApiError| Break {
            answered: true,
            ..refused(error)
        };
        let query = format!("watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={from}");
        let mut body = self.client.open(&part.path(&query)).await.map_err(refused)?;
        self.is_back();
        if std::mem::take(&mut breaks.said) {
            tracing::info!("{} are followed again", title(part));
        }
        let begun = Instant::now();
        let mut version = from.to_owned();
        let mut lines = Lines::default();
        let mut is_silent = true;
        loop {
            let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(failed(ApiError::NoAnswer(broken(&error)))),
                Err(_) => return Err(failed(ApiError::NoAnswer(NoAnswer::Timeout(SILENCE.as_secs())))),
            };
            for event in lines.take(frame.data_ref().map_or(&[], |data| data.as_ref())) {
                let next = event.and_then(|event| self.take(number, part, event));
                version = next.map_err(failed)?.unwrap_or(version);
                // It works: later failures are unrelated to earlier ones.
                *breaks = Breaks::default();
                is_silent = false;
            }
        }
        if is_silent && begun.elapsed() < SHORT {
            let at_once = NoAnswer::Broken("the watch ended at once".to_owned());
            return Err(failed(ApiError::NoAnswer(at_once)));
        }
        *breaks = Breaks::default();
        Ok(version)
    }

    /// Handles an event of a watch; returns its version.
    fn take(&self, number: usize, part: &Part, mut event: Value) -> Result<Option<String>, ApiError> {
        let object = with_header(event["object"].take(), &part.resource);
        let version = object["metadata"]["resourceVersion"].as_str().map(str::to_owned);
        match event["type"].as_str() {
            Some("ADDED" | "MODIFIED") => self.tell_reader(self.live.put(number, object)),
            Some("DELETED") => self.tell_reader(self.live.remove(&object, Instant::now())),
            Some("ERROR") => {
                let mut status: Status = serde_json::from_value(object).unwrap_or_default();
                status.typed = true;
                return Err(ApiError::Status(Box::new(status)));
            }
            // A bookmark contains only a version.
            _ => {}
        }
        Ok(version)
    }

    /// Wakes the reader after a change.
    fn tell_reader(&self, changed: bool) {
        if changed && let Some(wake) = self.wake.get() {
            wake();
        }
    }

    /// Called when one part was listed completely for the first time.
    fn listed(&self) {
        self.missing.set(self.missing.get().saturating_sub(1));
        if self.missing.get() == 0 {
            self.tell(Ok(()));
        }
    }

    fn tell(&self, outcome: Result<(), Problem>) {
        if let Some(ready) = self.ready.borrow_mut().take() {
            // The waiter may be gone.
            let _ = ready.send(outcome);
        }
    }

    /// Resolves when the first list takes too long, otherwise never.
    async fn give_up(&self) {
        tokio::time::sleep(FIRST_LIST).await;
        if self.ready.borrow().is_none() {
            return std::future::pending().await;
        }
        let seconds = FIRST_LIST.as_secs();
        let trouble = self.trouble.borrow_mut().take();
        self.tell(Err(trouble.unwrap_or_else(|| {
            Problem::new(format!("the cluster's objects could not be listed within {seconds} s"))
                .at(format!("context {}", self.client.access.context))
                .fix("try again; if that does not help, check the cluster's control plane")
        })));
    }

    /// Called when the server has responded: if it was unavailable, that is over.
    fn is_back(&self) {
        if self.lost.replace(false) {
            tracing::info!("the API server {} responds again", self.client.access.server);
        }
    }

    /// Reports a failure once, if it persists, and waits.
    async fn overcome(&self, part: &Part, failed: &Break, breaks: &mut Breaks) {
        let asked = part.resource.asked(failed.verb, part.namespace.as_deref(), None);
        let mut problem = self.client.problem(&failed.error, &asked);
        tracing::debug!("{}: {problem}", title(part));
        breaks.count += 1;
        let status = failed.error.status().map(|status| status.code);
        if !failed.answered && matches!(status, None | Some(401)) {
            // Failures after its return count from then.
            breaks.first = None;
            // A single failure is how a server or proxy may end a connection.
            if breaks.count > 1 && !self.lost.replace(true) {
                tracing::warn!(
                    "the cluster is unreachable; its last known state stays in use: {}",
                    problem.text(&self.aim)
                );
            }
            self.trouble.replace(Some(problem));
            return tokio::time::sleep(breaks.pause(LONGEST_PAUSE)).await;
        }
        let since = *breaks.first.get_or_insert_with(|| {
            breaks.count = 1;
            Instant::now()
        });
        self.trouble.replace(Some(problem.clone()));
        if since.elapsed() < START {
            return tokio::time::sleep(breaks.pause(LONGEST_PAUSE)).await;
        }
        if !std::mem::replace(&mut breaks.said, true) {
            if status != Some(403) {
                // It is retried automatically.
                problem.fix = None;
            }
            tracing::warn!(
                "{} are not followed; their last known state stays in use: {}",
                title(part),
                problem.text(&self.aim)
            );
        }
        tokio::time::sleep(breaks.pause(LONGEST_PAUSE_OF_KIND)).await;
    }
}

/// The lines of a watch, each of which is an event.
#[derive(Default)]
struct Lines {
    /// The beginning of an incomplete line.
    open: Vec<u8>,
}

impl Lines {
    /// Takes the next bytes; returns the events that are complete.
    fn take(&mut self, data: &[u8]) -> Vec<Result<Value, ApiError>> {
        let mut events = Vec::new();
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            self.open.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let event = serde_json::from_slice(&self.open);
                events.push(event.map_err(|_| not_kubernetes("a line of its watch is not JSON")));
                self.open.clear();
            } else if self.open.len() > LINE_LIMIT {
                events.push(Err(not_kubernetes("a line of its watch has no end")));
                self.open.clear();
            }
        }
        events
    }
}

fn not_kubernetes(why: &str) -> ApiError {
    ApiError::NoAnswer(NoAnswer::NotKubernetes(why.to_owned()))
}

fn title(part: &Part) -> String {
    part.resource.asked("watch", part.namespace.as_deref(), None).title
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Breaks, LONGEST_PAUSE, Lines};

    #[test]
    fn lines_may_come_in_pieces() {
        let mut lines = Lines::default();
        let mut events = Vec::new();
        for piece in ["{\"a\"", ":1}\n{\"b\":2}", "\n", "no JSON\n{"] {
            events.extend(lines.take(piece.as_bytes()));
        }
        let read: Vec<_> = events.into_iter().map(Result::ok).collect();
        assert_eq!(read, [Some(json!({"a": 1})), Some(json!({"b": 2})), None]);
    }

    #[test]
    fn pauses_grow_and_have_an_end() {
        let pause = |count| {
            let breaks = Breaks {
                count,
                ..Breaks::default()
            };
            breaks.pause(LONGEST_PAUSE)
        };
        assert_eq!([1, 2, 3].map(pause), [100, 200, 400].map(Duration::from_millis));
        assert_eq!([9, 1000].map(pause), [LONGEST_PAUSE; 2]);
    }
}
