//! Follows a cluster's objects: lists them, watches them, and goes on after
//! every disconnect where it stopped. What was seen last stays while the server
//! is away.
//!
//! The watching itself is kube's (resume, 410 Gone, bookmarks, pages). What is
//! added here is the waiting: it never tries in a tight loop, and since kube's
//! watcher says nothing when a watch is resumed, it asks the server itself
//! whether it is back, once for all the watches.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use kube::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher::{self, Event, watcher};
use serde_json::Value;
use tokio::sync::oneshot;

use super::client::{Call, Client, of_kube, of_kube_status};
use super::failure::{ApiError, NoAnswer};
use super::kubeconfig::Access;
use super::parts::{PAGE, Part, with_header};
use crate::problem::Problem;
use crate::sources::live::LiveObjects;

/// How long the first complete list may take.
const FIRST_LIST: Duration = Duration::from_mins(1);
/// The server ends each watch after so many seconds, and the next one begins; a
/// connection that is silently dead is noticed a little later.
const WATCH_SECONDS: u32 = 60;
/// The first pause after a break; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two looks at a server that is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// The longest pause of one kind that fails while the server answers.
const LONGEST_PAUSE_OF_KIND: Duration = Duration::from_secs(30);
/// A break that comes so long after another has nothing to do with it.
const CALM: Duration = Duration::from_secs(30);
/// How long one kind may fail before that is said: a server that has just
/// started refuses much for a moment.
const START: Duration = Duration::from_secs(5);
/// How long a server may take to say that it is there.
const LOOK_LIMIT: Duration = Duration::from_secs(10);

type Wake = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;

/// The objects are followed until this is dropped.
pub struct Following {
    wake: Wake,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Following {
    /// Calls `wake` after every change from now on, and once for those before.
    pub fn on_change(&self, wake: impl Fn() + Send + Sync + 'static) {
        // Set once: who follows a cluster wakes one reader.
        let _ = self.wake.set(Box::new(wake));
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic there was shown already.
            let _ = thread.join();
        }
    }
}

/// Follows `parts` in a thread of its own and tells `live` of everything.
/// Returns when all of it was listed once.
///
/// # Errors
/// When that does not come about.
pub fn follow(access: Access, parts: Vec<Part>, live: Arc<LiveObjects>) -> Result<Following, Problem> {
    let (ready, complete): (_, Receiver<Result<(), Problem>>) = channel();
    let (stop, stopped) = oneshot::channel();
    let wake: Wake = Arc::default();
    let thread = {
        let wake = wake.clone();
        std::thread::Builder::new()
            .name("cluster".to_owned())
            .spawn(move || run(access, &parts, live, wake, ready, stopped))
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
    parts: &[Part],
    live: Arc<LiveObjects>,
    wake: Wake,
    ready: Sender<Result<(), Problem>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime
        .map_err(|error| Problem::new("no runtime could be started").why(crate::files::plain(&error)))
        .and_then(|runtime| {
            runtime.block_on(async {
                // Nothing is repeated by the client: what waits stands below.
                let client = Client::new(access, Duration::ZERO, &|_| ())?;
                let watchers = Watchers {
                    client,
                    live,
                    wake,
                    missing: Cell::new(parts.len()),
                    ready: RefCell::new(Some(ready.clone())),
                    trouble: RefCell::new(None),
                    lost: Cell::new(false),
                    waiting: tokio::sync::Mutex::new(()),
                };
                let all = join_all(
                    parts
                        .iter()
                        .enumerate()
                        .map(|(number, part)| watchers.follow(number, part)),
                );
                tokio::select! {
                    _ = stopped => {}
                    _ = all => {}
                    () = watchers.give_up() => {}
                }
                Ok(())
            })
        });
    if let Err(problem) = outcome {
        // Nobody waits when the first list was complete.
        let _ = ready.send(Err(problem));
    }
}

/// All the watches of one cluster, on one thread.
struct Watchers {
    client: Client<'static>,
    live: Arc<LiveObjects>,
    wake: Wake,
    /// How many parts were never listed whole.
    missing: Cell<usize>,
    /// Who waits until all were.
    ready: RefCell<Option<Sender<Result<(), Problem>>>>,
    /// What kept a part from being listed last.
    trouble: RefCell<Option<Problem>>,
    /// The server is away, and that was said.
    lost: Cell<bool>,
    /// Held by the one that looks whether the server is back.
    waiting: tokio::sync::Mutex<()>,
}

/// The breaks of one watch in a row.
#[derive(Default)]
struct Breaks {
    count: u32,
    first: Option<Instant>,
    last: Option<Instant>,
    /// That it fails was said.
    said: bool,
}

impl Breaks {
    /// One more; how many that makes.
    fn another(&mut self) -> u32 {
        let now = Instant::now();
        if self.last.is_some_and(|last| now.duration_since(last) > CALM) {
            (self.count, self.first) = (0, None);
        }
        self.last = Some(now);
        self.first.get_or_insert(now);
        self.count += 1;
        self.count
    }

    /// For how long.
    fn since(&self) -> Duration {
        self.first.map(|first| first.elapsed()).unwrap_or_default()
    }
}

impl Watchers {
    /// Follows one part without end.
    async fn follow(&self, number: usize, part: &Part) {
        let gvk = group_version_kind(part);
        let resource = ApiResource::from_gvk_with_plural(&gvk, &part.resource.plural);
        let api: Api<DynamicObject> = match &part.namespace {
            Some(namespace) => Api::namespaced_with(self.client.kube(), namespace, &resource),
            None => Api::all_with(self.client.kube(), &resource),
        };
        let mut config = watcher::Config::default().timeout(WATCH_SECONDS).page_size(PAGE);
        config.field_selector = part.fields().map(str::to_owned);
        let mut stream = pin!(watcher(api, config));
        let mut listing = Vec::new();
        let mut complete = false;
        let mut breaks = Breaks::default();
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => {
                    if std::mem::take(&mut breaks).said {
                        tracing::info!("{} are followed again", title(part));
                    }
                    let done = matches!(event, Event::InitDone);
                    self.take(number, part, event, &mut listing);
                    if done && !std::mem::replace(&mut complete, true) {
                        self.listed();
                    }
                }
                Err(error) => self.overcome(part, &error, &mut breaks).await,
            }
        }
    }

    fn take(&self, number: usize, part: &Part, event: Event<DynamicObject>, listing: &mut Vec<Value>) {
        let now = Instant::now();
        let value = |object: DynamicObject| {
            let value = serde_json::to_value(object).unwrap_or_default();
            with_header(value, &part.resource)
        };
        let changed = match event {
            Event::Init => {
                listing.clear();
                false
            }
            Event::InitApply(object) => {
                listing.push(value(object));
                false
            }
            Event::InitDone => self.live.replace(number, std::mem::take(listing), now),
            Event::Apply(object) => self.live.put(number, value(object)),
            Event::Delete(object) => self.live.remove(&value(object), now),
        };
        if changed && let Some(wake) = self.wake.get() {
            wake();
        }
    }

    /// One part was listed whole for the first time.
    fn listed(&self) {
        self.missing.set(self.missing.get().saturating_sub(1));
        if self.missing.get() == 0 {
            self.tell(Ok(()));
        }
    }

    fn tell(&self, outcome: Result<(), Problem>) {
        if let Some(ready) = self.ready.borrow_mut().take() {
            // Whoever waited may have gone.
            let _ = ready.send(outcome);
        }
    }

    /// Ends when the first list takes too long, else never.
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
                .fix("try again; if it stays so, check the cluster's control plane")
        })));
    }

    /// Waits after an error until it makes sense to go on.
    async fn overcome(&self, part: &Part, error: &watcher::Error, breaks: &mut Breaks) {
        let verb = match error {
            watcher::Error::InitialListFailed(_) => "list",
            _ => "watch",
        };
        let error = api_error(error);
        let namespace = part.namespace.as_deref();
        let problem = self.client.problem(&error, &part.resource.asked(verb, namespace, None));
        tracing::debug!("{}: {problem}", title(part));
        // What it would go on from is forgotten there: everything is listed anew.
        let is_gone = error.status().is_some_and(|status| status.code == 410);
        // One break alone is the server's or a proxy's way to end a connection.
        if is_gone || breaks.another() == 1 {
            return tokio::time::sleep(FIRST_PAUSE).await;
        }
        self.trouble.replace(Some(problem.clone()));
        if self.await_server(&problem).await {
            (breaks.count, breaks.first) = (0, None);
            return;
        }
        let mut longest = LONGEST_PAUSE;
        if breaks.since() > START {
            longest = LONGEST_PAUSE_OF_KIND;
            if !std::mem::replace(&mut breaks.said, true) {
                let mut problem = problem;
                if error.status().is_none_or(|status| status.code != 403) {
                    // It is asked again by itself.
                    problem.fix = None;
                }
                tracing::warn!(
                    "{} are not followed; what was last seen of them stays: {problem}",
                    title(part)
                );
            }
        }
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(breaks.count.min(10));
        tokio::time::sleep(pause.min(longest)).await;
    }

    /// Where the server is away, waits until it is back, and says both once for
    /// all the watches. Whether it was away.
    async fn await_server(&self, problem: &Problem) -> bool {
        let _one_looks = self.waiting.lock().await;
        let mut pause = FIRST_PAUSE;
        let mut away = false;
        while !self.answers().await {
            away = true;
            if !self.lost.replace(true) {
                tracing::warn!("the cluster is out of reach; what was last seen of it stays: {problem}");
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if self.lost.replace(false) {
            tracing::info!("the API server {} answers again", self.client.access.server);
        }
        away
    }

    async fn answers(&self) -> bool {
        let version = Call::get("/version");
        match tokio::time::timeout(LOOK_LIMIT, self.client.send(&version)).await {
            Ok(Ok(_)) => true,
            // A refusal is an answer, too.
            Ok(Err(error)) => error.status().is_some_and(|status| matches!(status.code, 403 | 404)),
            Err(_) => false,
        }
    }
}

fn title(part: &Part) -> String {
    part.resource.asked("watch", part.namespace.as_deref(), None).title
}

fn group_version_kind(part: &Part) -> GroupVersionKind {
    let api_version = &part.resource.api_version;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    GroupVersionKind::gvk(group, version, &part.resource.kind)
}

fn api_error(error: &watcher::Error) -> ApiError {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => of_kube(error),
        watcher::Error::WatchError(status) => of_kube_status(status),
        watcher::Error::NoResourceVersion => {
            ApiError::NoAnswer(NoAnswer::NotKubernetes("its lists have no resourceVersion".to_owned()))
        }
    }
}
