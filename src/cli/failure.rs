//! A command's failure: the problem in words, and the exit code it leads to.

use super::context;
use super::exit::Exit;
use crate::cluster::failure::only_repeats;
use crate::problem::Problem;

/// Why a command ended without doing its work.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is shown on standard error; none ends quietly (a closed pipe).
    pub problem: Option<Box<Problem>>,
    /// What was done all the same: fields beside `error` in JSON.
    pub result: Option<Box<serde_json::Map<String, serde_json::Value>>>,
}

impl Failure {
    /// Bad input or usage: exit 2.
    pub fn usage(problem: impl Into<Problem>) -> Self {
        Self {
            exit: Exit::Usage,
            problem: Some(Box::new(problem.into())),
            result: None,
        }
    }

    /// I/O or the network failed: exit 3.
    pub fn runtime(problem: impl Into<Problem>) -> Self {
        Self {
            exit: Exit::Runtime,
            problem: Some(Box::new(problem.into())),
            result: None,
        }
    }

    /// The answer is no: exit 1.
    pub fn findings(problem: impl Into<Problem>) -> Self {
        Self {
            exit: Exit::Findings,
            problem: Some(Box::new(problem.into())),
            result: None,
        }
    }

    /// Ends quietly: whoever read standard output has gone.
    pub fn closed_pipe() -> Self {
        Self {
            exit: Exit::Done,
            problem: None,
            result: None,
        }
    }

    /// Adds what was done before, as the object that the command prints on success.
    #[must_use]
    pub(super) fn with_result(mut self, result: serde_json::Value) -> Self {
        if let serde_json::Value::Object(fields) = result {
            self.result = Some(Box::new(fields));
        }
        self
    }

    /// Shows it as the last thing that the process does, while another thread may
    /// be at work: with `json` as an object on standard output, unless a result
    /// stands there already.
    #[expect(clippy::print_stderr, reason = "the place where failures are shown")]
    pub(super) fn show_last(&self, json: bool) {
        let Some(problem) = &self.problem else { return };
        eprintln!("error: {problem}");
        if json && !context::wait_for_output() {
            // Nobody else writes there any more.
            let out = std::io::stdout().lock();
            write_json(problem, self.result.as_deref());
            std::mem::forget(out);
        }
    }

    /// Shows the problem before the output settings are known.
    #[expect(clippy::print_stderr, reason = "the place where failures are shown")]
    pub(super) fn show_plain(&self, json: bool) -> Exit {
        if let Some(problem) = &self.problem {
            eprintln!("error: {problem}");
            if json {
                print_json(problem);
            }
        }
        self.exit
    }
}

/// The fix of a run that ended in the middle: what failed is seen to first, where
/// that takes more than another try, and `go_on` is the line that goes on.
pub(super) fn then_go_on(fix: Option<String>, go_on: &str) -> String {
    match fix.filter(|fix| !only_repeats(fix)) {
        Some(fix) => format!("{fix}\nthen {go_on}"),
        None => go_on.to_owned(),
    }
}

/// Shows what clap has to say: help and version go to standard output. A value
/// that came from a variable is told with the variable's name; with `json`, an
/// object on standard output says the same.
#[expect(clippy::print_stderr, reason = "the place where failures are shown")]
pub(super) fn usage(error: &clap::Error, variable: Option<String>, json: bool) -> Exit {
    // A closed pipe is no failure, and nothing else can be told.
    let _ = error.print();
    if !error.use_stderr() {
        return Exit::Done;
    }
    if let Some(variable) = &variable {
        eprintln!("The value comes from the variable {variable}.");
    }
    if json {
        let text = error.to_string();
        let what = text.lines().next().unwrap_or_default();
        let mut problem = Problem::new(what.strip_prefix("error: ").unwrap_or(what)).fix("istio-tls help");
        problem.at = variable;
        print_json(&problem);
    }
    Exit::Usage
}

/// The failure as `-o json` promises it.
fn print_json(problem: &Problem) {
    write_json(problem, None);
}

fn write_json(problem: &Problem, result: Option<&serde_json::Map<String, serde_json::Value>>) {
    use std::io::Write as _;
    let mut shown = result.cloned().unwrap_or_default();
    shown.insert("schema".to_owned(), 1.into());
    shown.insert("error".to_owned(), serde_json::json!(problem));
    let value = serde_json::Value::Object(shown);
    // The words were shown already; a closed pipe changes nothing.
    let _ = writeln!(std::io::stdout().lock(), "{value:#}");
}
