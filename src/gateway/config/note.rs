//! What is told of a configuration that is served: what of it is dropped, ignored or
//! missing, and what this gateway does otherwise than Istio.

use std::collections::HashSet;
use std::fmt;

use crate::problem::Problem;

/// One thing that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is told.
    pub problem: Problem,
    /// What it is about.
    pub about: About,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The input, which a check of the input may judge better.
    Input,
    /// What Istio does and this gateway does not: no check of the input knows that.
    Limit,
    /// What still runs although the input no longer has it. What a check of the input
    /// says would happen does not.
    StillRuns,
}

impl Note {
    /// What this gateway does otherwise than Istio.
    pub fn limit(problem: Problem) -> Self {
        Self {
            problem,
            about: About::Limit,
        }
    }
}

impl From<Problem> for Note {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            about: About::Input,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

/// The notes of a configuration, in the order in which it was read.
#[derive(Debug, Default)]
pub struct Notes(Vec<Note>);

impl Notes {
    /// Adds a note; a problem is one of the input.
    pub fn push(&mut self, note: impl Into<Note>) {
        self.0.push(note.into());
    }

    /// Adds what this gateway does otherwise than Istio.
    pub fn push_limit(&mut self, problem: Problem) {
        self.0.push(Note::limit(problem));
    }

    /// Adds what still runs although the input no longer has it.
    pub fn push_still_runs(&mut self, problem: Problem) {
        self.0.push(Note {
            problem,
            about: About::StillRuns,
        });
    }

    /// Adds all of these before the others.
    pub fn put_before(&mut self, problems: Vec<Problem>) {
        self.0.splice(..0, problems.into_iter().map(Note::from));
    }

    /// Adds those of other notes before these, each once.
    pub fn put_notes_before(&mut self, mut others: Self) {
        let mut seen = HashSet::new();
        others.retain(|note| seen.insert(note.to_string()));
        self.0.splice(..0, others.0);
    }

    /// Keeps those for which `wanted` says so.
    pub fn retain(&mut self, wanted: impl FnMut(&Note) -> bool) {
        self.0.retain(wanted);
    }

    /// What is told, in order.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter().map(|note| &note.problem)
    }
}

impl FromIterator<Problem> for Notes {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        Self(problems.into_iter().map(Note::from).collect())
    }
}
