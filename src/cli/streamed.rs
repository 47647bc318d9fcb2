//! Changes of objects in a cluster, printed as they happen.

use std::sync::{Arc, Mutex};

use super::context::{Context, Format, write_out};
use super::failure::Failure;
use crate::ops::{Event, Observer, Surroundings};
use crate::report::apply_text;

/// Surroundings of an operation in which each [`Event::Changed`] becomes a line on
/// standard output, if the format is text.
pub(super) struct Streamed {
    here: Surroundings,
    lines: Arc<Lines>,
}

struct Lines {
    /// Receives all other events.
    teller: Arc<dyn Observer>,
    format: Format,
    /// The end of each line.
    suffix: &'static str,
    printed: Mutex<Result<(), Failure>>,
}

impl Streamed {
    /// Lines that end with `suffix`.
    pub(super) fn new(format: Format, suffix: &'static str, context: &Context) -> Self {
        let lines = Arc::new(Lines {
            teller: Arc::clone(&context.observer),
            format,
            suffix,
            printed: Mutex::new(Ok(())),
        });
        let here = Surroundings {
            observer: Arc::clone(&lines) as Arc<dyn Observer>,
            ..context.here.clone()
        };
        Self { here, lines }
    }

    /// What the operation gets.
    pub(super) fn here(&self) -> &Surroundings {
        &self.here
    }

    /// Whether all lines could be printed.
    ///
    /// # Errors
    /// If standard output could not be written, or its reader is gone.
    pub(super) fn printed(self) -> Result<(), Failure> {
        let printed = self.lines.printed.lock();
        printed.map_or(Ok(()), |mut printed| std::mem::replace(&mut *printed, Ok(())))
    }
}

impl Observer for Lines {
    fn event(&self, event: Event<'_>) {
        let Event::Changed(object) = event else {
            return self.teller.event(event);
        };
        // A reader that is gone is no reason to stop halfway.
        if self.format == Format::Text
            && let Ok(mut printed) = self.printed.lock()
            && printed.is_ok()
        {
            *printed = write_out(apply_text::line(object, self.suffix).as_bytes());
        }
    }
}
