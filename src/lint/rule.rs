//! The trait of a rule, and the collection of its findings.

use super::codes::Code;
use super::finding::{Finding, Skipped};
use super::need::Need;
use super::world::World;

/// A check on one subject.
pub trait Rule: Sync {
    /// The codes that it reports.
    fn codes(&self) -> &'static [&'static Code];

    /// Parts of the world without which the rule is skipped.
    fn needs(&self) -> &'static [Need] {
        &[]
    }

    /// Checks the world and adds its findings.
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

    /// Records that part of a rule was not run.
    pub fn skip(&mut self, code: &'static Code, reason: impl Into<String>) {
        self.skipped.push(Skipped {
            code: code.id,
            reason: reason.into(),
        });
    }

    /// The findings and skipped checks, in order of arrival.
    pub fn into_parts(self) -> (Vec<Finding>, Vec<Skipped>) {
        (self.found, self.skipped)
    }
}
