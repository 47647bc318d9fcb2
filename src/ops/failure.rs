//! Why an operation failed: the problem, and its class, which determines the exit code.

use serde_json::{Map, Value};

use crate::problem::Problem;

/// The class of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A negative result: findings, a difference, a conflict, a failed probe.
    Finding,
    /// Wrong usage or bad input.
    Usage,
    /// I/O failed, or a cluster could not be reached.
    Runtime,
    /// A signal.
    Interrupted,
}

/// Why an operation failed.
#[derive(Debug)]
pub struct Failure {
    /// Its class.
    pub class: Class,
    /// The problem.
    pub problem: Box<Problem>,
    /// What was done before: fields beside `error` in JSON.
    pub result: Option<Box<Map<String, Value>>>,
}

impl Failure {
    /// A failure of this class.
    pub fn new(class: Class, problem: impl Into<Problem>) -> Self {
        Self {
            class,
            problem: Box::new(problem.into()),
            result: None,
        }
    }

    /// Bad input or usage.
    pub fn usage(problem: impl Into<Problem>) -> Self {
        Self::new(Class::Usage, problem)
    }

    /// I/O or the network failed.
    pub fn runtime(problem: impl Into<Problem>) -> Self {
        Self::new(Class::Runtime, problem)
    }

    /// A negative result.
    pub fn findings(problem: impl Into<Problem>) -> Self {
        Self::new(Class::Finding, problem)
    }

    /// Adds what was done before, as the object that the command prints on success.
    #[must_use]
    pub fn with_result(mut self, result: Value) -> Self {
        if let Value::Object(fields) = result {
            self.result = Some(Box::new(fields));
        }
        self
    }
}
