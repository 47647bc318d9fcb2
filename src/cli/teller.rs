//! The events of operations, on standard error.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Mutex;

use crate::ops::{Event, Observer};
use crate::remedy::Aim;
use crate::report::paint::printable;
use crate::report::unseen_text;

/// Writes events to standard error.
pub(super) struct Teller {
    /// Notes are omitted.
    quiet: bool,
    /// Abbreviated events are printed in full.
    verbose: bool,
    /// The user's context.
    aim: Aim,
    /// The events of the kind "once" that were already shown.
    told: Mutex<BTreeSet<String>>,
}

impl Teller {
    /// Reports to a user with the context `aim`; with `quiet` only what is always shown,
    /// with `verbose` in full what is otherwise abbreviated.
    pub(super) fn new(quiet: bool, verbose: bool, aim: Aim) -> Self {
        Self {
            quiet,
            verbose,
            aim,
            told: Mutex::default(),
        }
    }
}

impl Observer for Teller {
    fn event(&self, event: Event<'_>) {
        let text = match event {
            Event::Note(_) | Event::Unseen(_) if self.quiet => return,
            Event::Changed(_) => return,
            Event::Advice(advice) => format!("note: {}", advice.words(&self.aim)),
            Event::Note(text) | Event::Notice(text) => text.to_owned(),
            Event::Once(text) => {
                if !self.told.lock().is_ok_and(|mut told| told.insert(text.to_owned())) {
                    return;
                }
                format!("note: {text}")
            }
            Event::Unseen(unseen) => match unseen_text::notes(unseen, self.verbose) {
                Some(notes) => notes,
                None => return,
            },
            Event::Remark(problem) => format!("note: {}", problem.text(&self.aim)),
            Event::Warning(problem) => format!("warning: {}", problem.text(&self.aim)),
            Event::Error(problem) => format!("error: {}", problem.text(&self.aim)),
        };
        // If standard error is closed, nobody is left to read it.
        let _ = writeln!(std::io::stderr().lock(), "{}", printable(&text));
    }
}
