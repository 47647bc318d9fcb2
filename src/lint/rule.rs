//! What a rule is, and where it leaves what it finds.

use super::codes::Code;
use super::finding::{Finding, Skipped};
use super::need::Need;
use super::world::World;

/// A check of one subject.
pub trait Rule: Sync {
    /// The codes that it reports.
    fn codes(&self) -> &'static [&'static Code];

    /// Parts of the world without which the rule says nothing.
    fn needs(&self) -> &'static [Need] {
        &[]
    }

    /// Looks at the world and leaves what it finds.
    fn check(&self, world: &World<'_>, found: &mut Findings);
}

/// Collects findings.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<Finding>,
    skipped: Vec<Skipped>,
}

impl Findings {
    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    /// Adds a finding, if there is one.
    pub fn push_some(&mut self, finding: Option<Finding>) {
        self.found.extend(finding);
    }

    /// Says that a part of a rule's work was not done.
    pub fn skip(&mut self, code: &'static Code, reason: impl Into<String>) {
        self.skipped.push(Skipped {
            code: code.id,
            reason: reason.into(),
        });
    }

    /// What was found, and what was skipped, in the order in which it came.
    pub fn into_parts(self) -> (Vec<Finding>, Vec<Skipped>) {
        (self.found, self.skipped)
    }
}
