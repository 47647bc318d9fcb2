//! A command's failure: the problem in words, and the exit code it leads to.

use super::exit::Exit;
use crate::problem::Problem;

/// Why a command ended without doing its work.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is shown on standard error; none ends quietly (a closed pipe).
    pub problem: Option<Box<Problem>>,
}

impl Failure {
    /// Bad input or usage: exit 2.
    pub fn usage(problem: impl Into<Problem>) -> Self {
        Self {
            exit: Exit::Usage,
            problem: Some(Box::new(problem.into())),
        }
    }

    /// I/O or the network failed: exit 3.
    pub fn runtime(problem: impl Into<Problem>) -> Self {
        Self {
            exit: Exit::Runtime,
            problem: Some(Box::new(problem.into())),
        }
    }

    /// The answer is no: exit 1.
    pub fn findings(problem: impl Into<Problem>) -> Self {
        Self {
            exit: Exit::Findings,
            problem: Some(Box::new(problem.into())),
        }
    }

    /// Ends quietly: whoever read standard output has gone.
    pub fn closed_pipe() -> Self {
        Self {
            exit: Exit::Done,
            problem: None,
        }
    }

    /// Shows the problem before the output settings are known.
    #[expect(clippy::print_stderr, reason = "the place where failures are shown")]
    pub(super) fn show_plain(&self) -> Exit {
        if let Some(problem) = &self.problem {
            eprintln!("error: {problem}");
        }
        self.exit
    }
}

/// Shows what clap has to say: help and version go to standard output.
pub(super) fn usage(error: &clap::Error) -> Exit {
    // A closed pipe is no failure, and nothing else can be told.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}
