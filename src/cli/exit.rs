//! The exit codes, the same for every command and every output format.

use std::process::ExitCode;

use crate::ops::Class;

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

impl From<Class> for Exit {
    fn from(class: Class) -> Self {
        match class {
            Class::Finding => Self::Findings,
            Class::Usage => Self::Usage,
            Class::Runtime => Self::Runtime,
            Class::Interrupted => Self::Interrupted,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
