//! What operations tell while they work, on standard error.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Mutex;

use crate::ops::{Event, Observer};
use crate::remedy::Aim;
use crate::report::unseen_text;

/// Writes events to standard error.
pub(super) struct Teller {
    /// Notes are left out.
    quiet: bool,
    /// What is told in short is told in full.
    verbose: bool,
    /// Where the user stands.
    aim: Aim,
    /// What is told once, and was.
    told: Mutex<BTreeSet<String>>,
}

impl Teller {
    /// Tells a user who stands at `aim`; with `quiet` nothing but what everybody is
    /// told, with `verbose` in full what is else told in short.
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
        // Nobody is left to be told when standard error is gone.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}
