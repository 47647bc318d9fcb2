//! The exit codes, the same for every command and every output format.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, nothing found.
    Done = 0,
    /// Findings, a difference, or a failed probe.
    Findings = 1,
    /// Wrong usage or bad input.
    Usage = 2,
    /// I/O failed, or a cluster could not be reached.
    Runtime = 3,
    /// Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
