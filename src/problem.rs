//! What a user sees when something fails: what, where, why, and what to do next. Domain
//! errors convert into this; only the CLI renders it.

use crate::remedy::{Aim, Cluster, Remedy};

/// A failure in the user's terms.
///
/// `what` is a lower-case fragment without a final period; the other parts are omitted if
/// they are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What failed, naming the file, object or host.
    pub what: String,
    /// Where: `file:line:column  field.path`, or a host and port.
    pub at: Option<String>,
    /// Why it failed.
    pub why: Option<String>,
    /// What to do next.
    pub fix: Option<Remedy>,
}

impl Problem {
    /// A problem with only `what`.
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
    pub fn fix(mut self, fix: impl Into<Remedy>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Directs the command lines of its remedy to this cluster.
    #[must_use]
    pub fn at_cluster(mut self, cluster: &Cluster) -> Self {
        self.fix = self.fix.map(|fix| fix.at_cluster(cluster));
        self
    }

    /// All of it as text; `aim` completes the command lines.
    pub fn text(&self, aim: &Aim) -> String {
        match &self.fix {
            Some(fix) => format!("{self}{}", part("try: ", &fix.words(aim))),
            None => self.to_string(),
        }
    }
}

/// A part below the first line.
fn part(label: &str, text: &str) -> String {
    format!("\n  {label}{}", text.replace('\n', "\n       "))
}

/// What, where and why; [`Problem::text`] also says what to do, which depends on the
/// user's context.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        for (label, known) in [("at:  ", &self.at), ("why: ", &self.why)] {
            if let Some(known) = known {
                f.write_str(&part(label, known))?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::Problem;
    use crate::remedy::Aim;

    #[test]
    fn parts_that_are_known_are_shown_in_order() {
        let problem = Problem::new("a failed").fix("b").at("f.yaml:1");
        assert_eq!(problem.to_string(), "a failed\n  at:  f.yaml:1");
        assert_eq!(problem.text(&Aim::default()), "a failed\n  at:  f.yaml:1\n  try: b");
    }
}
