//! How failures are shown, and the exit codes that they lead to.

use std::io::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::context;
use super::exit::Exit;
use crate::ops;
use crate::problem::Problem;
use crate::remedy::{Aim, ours};
use crate::report::problem_json::{FailedJson, ProblemJson};

/// Why a command ended without doing its work.
#[derive(Debug)]
pub enum Failure {
    /// An operation failed.
    Operation(ops::Failure),
    /// Whoever read standard output has gone: it ends quietly.
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

    /// The answer is no: exit 1.
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

    /// The same, of a result that is printed on success.
    #[must_use]
    pub(super) fn with_result_of(self, result: &impl Serialize) -> Self {
        self.with_result(serde_json::to_value(result).unwrap_or_default())
    }

    /// How the program ends.
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

/// Shows a failure as the last thing that the process does, while another thread may
/// be at work: with `json` as an object on standard output, unless a result stands
/// there already.
pub(super) fn show_last(failure: &ops::Failure, json: bool, aim: &Aim) {
    tell(&format!("error: {}", failure.problem.text(aim)));
    if json && !context::wait_for_output() {
        // Nobody else writes there any more.
        let out = std::io::stdout().lock();
        write_json(&failure.problem, failure.result.as_deref(), aim);
        std::mem::forget(out);
    }
}

/// Shows a failure: words on standard error, and with `json` an object on standard
/// output, so that it always parses.
pub(super) fn show(failure: &ops::Failure, label: &str, json: bool, aim: &Aim) {
    tell(&format!("{label}: {}", failure.problem.text(aim)));
    if json {
        write_json(&failure.problem, failure.result.as_deref(), aim);
    }
}

/// Shows what clap has to say: help and version go to standard output. A value
/// that came from a variable is told with the variable's name; with `json`, an
/// object on standard output says the same.
pub(super) fn usage(error: &clap::Error, variable: Option<String>, json: bool) -> Exit {
    // A closed pipe is no failure, and nothing else can be told.
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

/// A line on standard error. Nobody is left to be told when that is closed.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The failure as `-o json` promises it.
fn write_json(problem: &Problem, result: Option<&Map<String, Value>>, aim: &Aim) {
    let error = ProblemJson::new(problem, aim);
    let failed = FailedJson::new(&error, result.cloned().unwrap_or_default());
    let text = serde_json::to_string_pretty(&failed).unwrap_or_default();
    // The words were shown already; a closed pipe changes nothing.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
