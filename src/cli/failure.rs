//! How failures are shown, and their exit codes.

use std::io::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::context;
use super::exit::Exit;
use crate::ops;
use crate::problem::Problem;
use crate::remedy::{Aim, ours};
use crate::report::paint::printable;
use crate::report::problem_json::{FailedJson, ProblemJson};

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// An operation failed.
    Operation(ops::Failure),
    /// The reader of standard output is gone: exit quietly.
    ClosedPipe,
}

impl From<ops::Failure> for Failure {
    fn from(failure: ops::Failure) -> Self {
        Self::Operation(failure)
    }
}

impl Failure {
    /// Bad input or usage: exit 2.
    pub fn usage(problem: impl Into<Problem>) -> Self {
        ops::Failure::usage(problem).into()
    }

    /// I/O or the network failed: exit 3.
    pub fn runtime(problem: impl Into<Problem>) -> Self {
        ops::Failure::runtime(problem).into()
    }

    /// A negative result: exit 1.
    pub fn findings(problem: impl Into<Problem>) -> Self {
        ops::Failure::findings(problem).into()
    }

    /// Adds what was done before, as the object that the command prints on success.
    #[must_use]
    pub(super) fn with_result(self, result: Value) -> Self {
        match self {
            Self::Operation(failure) => Self::Operation(failure.with_result(result)),
            Self::ClosedPipe => self,
        }
    }

    /// The same, from a result that is printed on success.
    #[must_use]
    pub(super) fn with_result_of(self, result: &impl Serialize) -> Self {
        self.with_result(serde_json::to_value(result).unwrap_or_default())
    }

    /// The exit code.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Operation(failure) => failure.class.into(),
            Self::ClosedPipe => Exit::Done,
        }
    }

    /// Shows the problem before the output settings are known.
    pub(super) fn show_plain(&self, json: bool) -> Exit {
        if let Self::Operation(failure) = self {
            show(failure, "error", json, &Aim::default());
        }
        self.exit()
    }
}

/// Shows a failure as the last action of the process, while another thread may be at
/// work: with `json` as an object on standard output, unless a result was already
/// written.
pub(super) fn show_last(failure: &ops::Failure, json: bool, aim: &Aim) {
    tell(&format!("error: {}", failure.problem.text(aim)));
    if json && !context::wait_for_output() {
        // Nothing else is written any more.
        let out = std::io::stdout().lock();
        write_json(&failure.problem, failure.result.as_deref(), aim);
        std::mem::forget(out);
    }
}

/// Shows a failure: text on standard error, and with `json` an object on standard output,
/// so that the output always parses.
pub(super) fn show(failure: &ops::Failure, label: &str, json: bool, aim: &Aim) {
    tell(&format!("{label}: {}", failure.problem.text(aim)));
    if json {
        write_json(&failure.problem, failure.result.as_deref(), aim);
    }
}

/// Shows clap's message: help and version go to standard output. If the value came from a
/// variable, the variable is named; with `json`, an object on standard output says the
/// same.
pub(super) fn usage(error: &clap::Error, variable: Option<String>, json: bool) -> Exit {
    // A closed pipe is not a failure, and nothing else can be reported.
    let _ = error.print();
    if !error.use_stderr() {
        return Exit::Done;
    }
    if let Some(variable) = &variable {
        tell(&format!("The value comes from the variable {variable}."));
    }
    if json {
        let text = error.to_string();
        let what = text.lines().next().unwrap_or_default();
        let mut problem = Problem::new(what.strip_prefix("error: ").unwrap_or(what)).fix(ours::help());
        problem.at = variable;
        write_json(&problem, None, &Aim::default());
    }
    Exit::Usage
}

/// A line on standard error. If that is closed, nobody is left to read it.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable(text));
}

/// The failure as JSON, for `-o json`.
fn write_json(problem: &Problem, result: Option<&Map<String, Value>>, aim: &Aim) {
    let error = ProblemJson::new(problem, aim);
    let failed = FailedJson::new(&error, result.cloned().unwrap_or_default());
    let text = serde_json::to_string_pretty(&failed).unwrap_or_default();
    // The text was already shown; a closed pipe changes nothing.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
