//! What every operation is given: the workspace's folder, namespaces, the clock, the
//! variables of the environment, and whom to tell.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use time::OffsetDateTime;

use super::observer::{Event, Observer};
use crate::problem::Problem;
use crate::remedy::{Aim, Remedy};
use crate::sources::live::Unseen;

/// The surroundings of one run, decided once.
#[derive(Clone)]
pub struct Surroundings {
    /// The workspace's folder.
    pub dir: PathBuf,
    /// Where the user stands, for what is printed to be typed.
    pub aim: Aim,
    /// The namespace of objects that name none, where the user gave one.
    pub namespace: Option<String>,
    /// The namespace of the gateway's pods, where the user gave one.
    pub gateway_namespace: Option<String>,
    /// The variables of the environment at the start.
    pub environment: Variables,
    /// The time at the start, UTC.
    pub now: OffsetDateTime,
    /// Who is told of what happens.
    pub observer: Arc<dyn Observer>,
}

/// Variables of the environment.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// A variable's value; empty counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl Surroundings {
    /// Tells of progress.
    pub fn say(&self, text: &str) {
        self.observer.event(Event::Note(text));
    }

    /// Tells of something that everybody is told.
    pub fn say_always(&self, text: &str) {
        self.observer.event(Event::Notice(text));
    }

    /// Tells of something that everybody is told, with what to type.
    pub fn advise(&self, advice: &Remedy) {
        self.observer.event(Event::Advice(advice));
    }

    /// Tells of something once, however often it is read.
    pub fn say_once(&self, text: &str) {
        self.observer.event(Event::Once(text));
    }

    /// Tells what of a cluster its user may not see.
    pub fn say_unseen(&self, unseen: &[Unseen]) {
        self.observer.event(Event::Unseen(unseen));
    }

    /// Tells of something to know that can be seen to.
    pub fn say_note(&self, note: &Problem) {
        self.observer.event(Event::Remark(note));
    }

    /// Tells of something that failed, while the work goes on.
    pub fn warn(&self, problem: &Problem) {
        self.observer.event(Event::Warning(problem));
    }

    /// Tells of something that failed, before the work ends with more of that kind.
    pub fn say_error(&self, problem: &Problem) {
        self.observer.event(Event::Error(problem));
    }
}
