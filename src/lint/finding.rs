//! What lint finds, as values.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::Serialize;

use super::codes::{Code, Subject};
use crate::manifests::load::{Location, Origin};
use crate::problem::Problem;
use crate::remedy::Remedy;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// It works, but not as expected, or not for long.
    Warning,
    /// It does not work, or Istio refuses it.
    Error,
}

impl Severity {
    /// Every severity with its name.
    pub const WORDS: &[(&str, Self)] = &[("info", Self::Info), ("warning", Self::Warning), ("error", Self::Error)];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// `Gateway default/mygateway`; empty if there is no object.
    pub object: String,
    /// The file name as given by the user; empty if unknown.
    pub file: String,
    /// The line, from 1; 0 if the object is not in a file.
    pub line: u32,
    /// The column, from 1; 0 if the line is.
    pub column: u32,
    /// The field, such as `spec.servers[0].tls.credentialName`; empty for the whole object.
    pub path: String,
}

impl Place {
    /// A field of an object.
    pub fn field(object: String, origin: &Origin, path: &str) -> Self {
        Self::at(object, &origin.at(path), path)
    }

    /// A field whose location is known.
    pub fn at(object: String, location: &Location, path: &str) -> Self {
        Self {
            object,
            file: location.file.to_string(),
            line: location.line,
            column: location.column,
            path: path.to_owned(),
        }
    }

    /// A file with key material, and a line in it (0 for the whole file).
    pub fn file(name: &str, line: u32) -> Self {
        Self {
            file: name.to_owned(),
            line,
            column: u32::from(line > 0),
            ..Self::default()
        }
    }
}

/// Details of a finding beyond its place, for code that processes it further.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Facts {
    /// No details.
    #[default]
    None,
    /// The names of these Secrets.
    Secrets(Vec<String>),
    /// A missing Secret, and how to create it.
    Missing(Made),
    /// Nothing is mounted at these paths in the gateway's pods.
    Unmounted(Vec<String>),
    /// The certificate does not cover this host.
    NotCovered(String),
}

/// How to create a missing Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// From a certificate and its key.
    OfPair,
    /// From a CA for verifying clients.
    OfCa,
    /// From a chain that this program issues for the host.
    OfHost,
}

/// One thing that is wrong. Its JSON is documented in docs/json.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `ITL0301`.
    pub code: &'static str,
    /// Its subject.
    pub subject: Subject,
    /// Istio's code for the same finding.
    pub istio: Option<&'static str>,
    /// Its severity.
    pub severity: Severity,
    /// See [`Place::object`].
    pub object: String,
    /// See [`Place::file`].
    pub file: String,
    /// See [`Place::line`].
    pub line: u32,
    /// See [`Place::column`].
    pub column: u32,
    /// See [`Place::path`].
    pub path: String,
    /// What is wrong: a lowercase fragment with the actual values.
    pub what: String,
    /// Why it is wrong, and the consequences.
    pub why: String,
    /// What to change or which command to run.
    pub fix: Remedy,
    /// The documentation of the rule.
    pub doc: &'static str,
    /// Its details.
    pub facts: Facts,
}

impl Finding {
    /// A finding with the severity, reason and fix of its code.
    pub fn new(code: &'static Code, place: Place, what: impl Into<String>) -> Self {
        Self {
            code: code.id,
            subject: code.subject,
            istio: code.istio,
            severity: code.severity,
            object: place.object,
            file: place.file,
            line: place.line,
            column: place.column,
            path: place.path,
            what: what.into(),
            why: code.why.to_owned(),
            fix: (code.fix)(),
            doc: code.doc,
            facts: Facts::None,
        }
    }

    /// Adds details for code that processes it further.
    #[must_use]
    pub fn about(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }

    /// Replaces the code's general reason with a specific one.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Replaces the code's general fix with a specific one.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<Remedy>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Replaces Istio's code, for codes of ours that correspond to several of Istio's.
    #[must_use]
    pub fn istio(mut self, istio: Option<&'static str>) -> Self {
        self.istio = istio;
        self
    }

    /// Overrides the code's severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// By file, line, column, code, path and text; findings without a file by object first.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let key = |finding: &Self| (finding.line, finding.column, finding.code);
        let object = |finding: &Self| finding.file.is_empty().then(|| finding.object.clone());
        self.file
            .cmp(&other.file)
            .then_with(|| object(self).cmp(&object(other)))
            .then_with(|| key(self).cmp(&key(other)))
            .then_with(|| (&self.path, &self.what).cmp(&(&other.path, &other.what)))
    }

    /// `file:line:column path`, as far as known.
    pub fn at(&self) -> String {
        let place = match (self.file.is_empty(), self.line) {
            (true, _) => self.object.clone(),
            (false, 0) if self.object.is_empty() => self.file.clone(),
            (false, 0) => format!("{} (from {})", self.object, self.file),
            (false, line) => format!("{}:{line}:{}", self.file, self.column),
        };
        if self.path.is_empty() {
            place
        } else {
            format!("{place}  {}", self.path)
        }
    }
}

impl From<Finding> for Problem {
    fn from(finding: Finding) -> Self {
        let at = finding.at();
        Self::new(format!("{} ({})", finding.what, finding.code))
            .at(at)
            .why(finding.why)
            .fix(finding.fix)
    }
}

/// A rule, or part of one, that was not run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Skipped {
    /// The code that could not be reported.
    pub code: &'static str,
    /// Why.
    pub reason: String,
}

/// The result of lint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What is wrong, sorted.
    pub findings: Vec<Finding>,
    /// What was not checked.
    pub skipped: Vec<Skipped>,
}

impl Report {
    /// Of several worlds that share objects: what is found in one or more of them, each
    /// finding once. What was checked in one was not skipped.
    pub fn merged(reports: Vec<Self>) -> Self {
        let mut merged: Option<Self> = None;
        for report in reports {
            let Some(all) = &mut merged else {
                merged = Some(report);
                continue;
            };
            let is_skipped = |skipped: &Skipped| report.skipped.iter().any(|other| other.code == skipped.code);
            all.skipped.retain(is_skipped);
            all.findings.extend(report.findings);
        }
        let mut merged = merged.unwrap_or_default();
        merged.findings.sort_by(Finding::order);
        merged.findings.dedup();
        merged
    }

    /// Whether a finding has at least this severity.
    pub fn reaches(&self, severity: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= severity)
    }
}
