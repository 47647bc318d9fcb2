//! Many changing requests: stage by stage, several per stage concurrently, until one is refused or
//! the run is cut short. The result of each is known at the end, however it ends.

use std::cell::Cell;
use std::future::Future;

use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;

use super::client::AT_ONCE;
use super::plan::Stage;

/// Whether and how a run is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Halt {
    /// It continues.
    No,
    /// Nothing more is started; pending responses are awaited.
    BeginNoMore,
    /// Pending responses are not awaited either.
    Now,
}

/// The receiver of the halt signal; the holder of the other end may change it.
#[derive(Debug, Clone)]
pub struct Halting(watch::Receiver<Halt>);

impl Halting {
    /// Both ends, for a run that continues.
    pub fn channel() -> (watch::Sender<Halt>, Self) {
        let (sender, receiver) = watch::channel(Halt::No);
        (sender, Self(receiver))
    }

    /// For a run that is never cut short.
    pub fn never() -> Self {
        Self(watch::channel(Halt::No).1)
    }

    /// Whether nothing more should be started.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow() != Halt::No
    }

    /// Resolves when the run is cut short to this degree.
    pub async fn until(&self, halt: Halt) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked >= halt).await.is_err() {
            // Nobody can signal it any more.
            std::future::pending::<()>().await;
        }
    }
}

/// What was not done, and why.
#[derive(Debug)]
pub(super) struct Undone<'t, T, E> {
    /// The first refusal.
    pub(super) refused: Option<E>,
    /// Refused, or never started.
    pub(super) left: Vec<&'t T>,
    /// Started, but without a response or with a lost one: they may be done.
    pub(super) unknown: Vec<&'t T>,
}

enum Outcome<A, E> {
    Done(A),
    Refused(E),
    Unknown,
    NotBegun,
}

/// Runs `work` for each of `all`, which are in stage order; `told` is called for each that is done,
/// in that order. After the first refusal, or when the run is halted, nothing more is started.
/// `is_unknown` identifies failures after which it is unknown whether the work was done.
pub(super) async fn in_stages<'t, T, A, E, F>(
    all: &'t [T],
    stage: impl Fn(&T) -> Stage,
    halting: &Halting,
    work: impl Fn(&'t T) -> F,
    is_unknown: impl Fn(&E) -> bool,
    told: &mut dyn FnMut(&T, A),
) -> Undone<'t, T, E>
where
    F: Future<Output = Result<A, E>>,
{
    let stop = Cell::new(false);
    let mut undone = Undone {
        refused: None,
        left: Vec::new(),
        unknown: Vec::new(),
    };
    for one_stage in all.chunk_by(|one, next| stage(one) == stage(next)) {
        let mut outcomes = stream::iter(one_stage)
            .map(|item| {
                let (stop, work) = (&stop, &work);
                async move {
                    if stop.get() || halting.is_asked() {
                        return (item, Outcome::NotBegun);
                    }
                    tokio::select! {
                        biased;
                        outcome = work(item) => match outcome {
                            Ok(done) => (item, Outcome::Done(done)),
                            Err(refused) => {
                                stop.set(true);
                                (item, Outcome::Refused(refused))
                            }
                        },
                        () = halting.until(Halt::Now) => (item, Outcome::Unknown),
                    }
                }
            })
            .buffered(AT_ONCE)
            .boxed_local();
        while let Some((item, outcome)) = outcomes.next().await {
            match outcome {
                Outcome::Done(done) => told(item, done),
                Outcome::Refused(refused) => {
                    let list = if is_unknown(&refused) {
                        &mut undone.unknown
                    } else {
                        &mut undone.left
                    };
                    list.push(item);
                    undone.refused.get_or_insert(refused);
                }
                Outcome::Unknown => undone.unknown.push(item),
                Outcome::NotBegun => undone.left.push(item),
            }
        }
    }
    undone
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::{Halt, Halting, Stage, in_stages};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
    }

    #[test]
    fn what_is_under_way_ends_and_nothing_more_begins() {
        let all: Vec<usize> = (0..20).collect();
        let (sender, halting) = Halting::channel();
        let begun = RefCell::new(Vec::new());
        let mut done = Vec::new();
        let (answer, answered) = tokio::sync::watch::channel(false);
        let work = |item: &usize| {
            begun.borrow_mut().push(*item);
            if begun.borrow().len() == 8 {
                sender.send(Halt::BeginNoMore).expect("somebody asks");
                answer.send(true).expect("somebody waits");
            }
            let mut answered = answered.clone();
            async move { answered.wait_for(|so| *so).await.map(|_| ()).map_err(|_| ()) }
        };
        let undone = runtime().block_on(in_stages(
            &all,
            |_| Stage::Secret,
            &halting,
            work,
            |()| false,
            &mut |item, ()| {
                done.push(*item);
            },
        ));
        assert_eq!(done, (0..8).collect::<Vec<_>>());
        assert_eq!(undone.left, (8..20).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        assert!(undone.unknown.is_empty() && undone.refused.is_none());
    }

    #[test]
    fn what_gets_no_answer_is_not_known_and_what_was_answered_is_told() {
        let all: Vec<usize> = (0..10).collect();
        let (sender, halting) = Halting::channel();
        let mut done = Vec::new();
        let work = |item: &usize| {
            let item = *item;
            let sender = sender.clone();
            async move {
                match item {
                    // Responses arrive after one that gets none.
                    0 => std::future::pending::<()>().await,
                    7 => sender.send(Halt::Now).expect("somebody asks"),
                    _ => {}
                }
                Ok::<(), ()>(())
            }
        };
        let undone = runtime().block_on(in_stages(
            &all,
            |_| Stage::Secret,
            &halting,
            work,
            |()| false,
            &mut |item, ()| {
                done.push(*item);
            },
        ));
        assert_eq!(done, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(undone.unknown, [&0]);
        assert_eq!(undone.left, [&8, &9]);
    }

    #[test]
    fn after_a_refusal_no_further_stage_begins() {
        let all = [(Stage::Secret, true), (Stage::Secret, false), (Stage::Route, true)];
        let mut done = Vec::new();
        let work = |item: &(Stage, bool)| {
            let fine = item.1;
            async move { if fine { Ok(()) } else { Err("no") } }
        };
        let never = Halting::never();
        let undone = runtime().block_on(in_stages(
            &all,
            |item| item.0,
            &never,
            work,
            |_| false,
            &mut |item, ()| {
                done.push(*item);
            },
        ));
        assert_eq!(done, [(Stage::Secret, true)]);
        assert_eq!(undone.refused, Some("no"));
        assert_eq!(undone.left, [&(Stage::Secret, false), &(Stage::Route, true)]);
        // After a lost response, it is unknown whether the work was done.
        let lost = |_: &&str| true;
        let undone = runtime().block_on(in_stages(&all, |item| item.0, &never, work, lost, &mut |_, ()| {}));
        assert_eq!(undone.left, [&(Stage::Route, true)]);
        assert_eq!(undone.unknown, [&(Stage::Secret, false)]);
    }
}
