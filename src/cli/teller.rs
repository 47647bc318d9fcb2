//! What operations tell while they work, on standard error.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Mutex;

use crate::ops::{Event, Observer};
use crate::remedy::Aim;

/// Writes events to standard error.
pub(super) struct Teller {
    /// Notes are left out.
    quiet: bool,
    /// Where the user stands.
    aim: Aim,
    /// What is told once, and was.
    told: Mutex<BTreeSet<String>>,
}

impl Teller {
    /// Tells a user who stands at `aim`; with `quiet` nothing but what everybody is told.
    pub(super) fn new(quiet: bool, aim: Aim) -> Self {
        Self {
            quiet,
            aim,
            told: Mutex::default(),
        }
    }
}

impl Observer for Teller {
    fn event(&self, event: Event<'_>) {
        let text = match event {
            Event::Note(_) if self.quiet => return,
            Event::Note(text) | Event::Notice(text) => text.to_owned(),
            Event::Once(text) => {
                if !self.told.lock().is_ok_and(|mut told| told.insert(text.to_owned())) {
                    return;
                }
                format!("note: {text}")
            }
            Event::Warning(problem) => format!("warning: {}", problem.text(&self.aim)),
            Event::Error(problem) => format!("error: {}", problem.text(&self.aim)),
        };
        // Nobody is left to be told when standard error is gone.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}
