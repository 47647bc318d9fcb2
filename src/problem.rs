//! What is shown to a user when something fails: what, where, why, and what to
//! do next. Domain errors convert into this; only the CLI renders it.

use serde::Serialize;

/// One failure in the user's words.
///
/// `what` is a lower-case fragment without a final period; the other parts are
/// left out when they are not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What failed, naming the file, object or host.
    pub what: String,
    /// Where: `file:line:column  field.path`, or a host and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to type or change next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Problem {
    /// A problem of which only `what` is known.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            at: None,
            why: None,
            fix: None,
        }
    }

    /// Adds where it happened.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = Some(at.into());
        self
    }

    /// Adds why it happened.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        for (label, part) in [("at:  ", &self.at), ("why: ", &self.why), ("try: ", &self.fix)] {
            if let Some(part) = part {
                write!(f, "\n  {label}{}", part.replace('\n', "\n       "))?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::Problem;

    #[test]
    fn parts_that_are_known_are_shown_in_order() {
        let problem = Problem::new("a failed").fix("b").at("f.yaml:1");
        assert_eq!(problem.to_string(), "a failed\n  at:  f.yaml:1\n  try: b");
    }
}
