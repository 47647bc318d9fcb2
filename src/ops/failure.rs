//! Why an operation ended without doing its work: the problem, and its class, from
//! which the exit code follows.

use serde_json::{Map, Value};

use crate::problem::Problem;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The answer is no: findings, a difference, a conflict, a failed probe.
    Finding,
    /// Wrong usage or bad input.
    Usage,
    /// I/O failed, or a cluster could not be reached.
    Runtime,
    /// A signal came.
    Interrupted,
}

/// Why an operation ended without doing its work.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure it is.
    pub class: Class,
    /// What failed.
    pub problem: Box<Problem>,
    /// What was done all the same: fields beside `error` in JSON.
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

    /// The answer is no.
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
