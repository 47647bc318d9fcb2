//! The context of every operation: the workspace's folder, namespaces, the clock,
//! environment variables, and the observer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use time::OffsetDateTime;

use super::observer::{Event, Observer};
use crate::problem::Problem;
use crate::remedy::{Aim, Remedy};
use crate::sources::live::Unseen;

/// The surroundings of one run, determined once.
#[derive(Clone)]
pub struct Surroundings {
    /// The workspace's folder.
    pub dir: PathBuf,
    /// The user's context, for command lines that are printed.
    pub aim: Aim,
    /// The namespace of objects that name none, if the user gave one.
    pub namespace: Option<String>,
    /// The namespace of the gateway's pods, if the user gave one.
    pub gateway_namespace: Option<String>,
    /// The environment variables at the start.
    pub environment: Variables,
    /// The time at the start, UTC.
    pub now: OffsetDateTime,
    /// Who receives events.
    pub observer: Arc<dyn Observer>,
}

/// Environment variables.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// A variable's value; empty counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All names.
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
    /// Reports progress.
    pub fn say(&self, text: &str) {
        self.observer.event(Event::Note(text));
    }

    /// Reports a note that is always shown.
    pub fn say_always(&self, text: &str) {
        self.observer.event(Event::Notice(text));
    }

    /// Reports a note that is always shown, with a remedy.
    pub fn advise(&self, advice: &Remedy) {
        self.observer.event(Event::Advice(advice));
    }

    /// Reports a note once, however often the input is read.
    pub fn say_once(&self, text: &str) {
        self.observer.event(Event::Once(text));
    }

    /// Reports what the user cannot read in a cluster.
    pub fn say_unseen(&self, unseen: &[Unseen]) {
        self.observer.event(Event::Unseen(unseen));
    }

    /// Reports a warning with a remedy.
    pub fn say_note(&self, note: &Problem) {
        self.observer.event(Event::Remark(note));
    }

    /// Reports a failure after which the work continues.
    pub fn warn(&self, problem: &Problem) {
        self.observer.event(Event::Warning(problem));
    }

    /// Reports a failure that ends the work and adds to its final failure.
    pub fn say_error(&self, problem: &Problem) {
        self.observer.event(Event::Error(problem));
    }
}
