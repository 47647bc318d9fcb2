//! What lint finds, as values.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::Serialize;

use super::codes::{Code, Subject};
use crate::manifests::load::{Location, Origin};
use crate::problem::Problem;
use crate::remedy::Remedy;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// It works, but not as most would expect, or not for long.
    Warning,
    /// It does not work, or Istio refuses it.
    Error,
}

impl Severity {
    /// Every severity with its word.
    pub const WORDS: &[(&str, Self)] = &[("info", Self::Info), ("warning", Self::Warning), ("error", Self::Error)];

    /// The word for it.
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
    /// `Gateway default/mygateway`; empty where no object is meant.
    pub object: String,
    /// The file's name as the user gave it; empty when it is not known.
    pub file: String,
    /// The line, from 1; 0 when the object stands in no file.
    pub line: u32,
    /// The column, from 1; 0 as the line is.
    pub column: u32,
    /// The field, as `spec.servers[0].tls.credentialName`; empty for the whole object.
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

    /// A file of key material, or a line of it (0 when no line is meant).
    pub fn file(name: &str, line: u32) -> Self {
        Self {
            file: name.to_owned(),
            line,
            column: u32::from(line > 0),
            ..Self::default()
        }
    }
}

/// What a finding is about beyond its place, for code that goes on from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Facts {
    /// Nothing that code needs.
    #[default]
    None,
    /// These Secrets, by their names.
    Secrets(Vec<String>),
    /// A Secret that is not there, and how it is made.
    Missing(Made),
    /// Nothing is mounted at these paths of the gateway's pods.
    Unmounted(Vec<String>),
    /// The certificate does not name this host.
    NotCovered(String),
}

/// How a Secret that is missing is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// Of a certificate and its key.
    OfPair,
    /// Of a CA that clients are verified with.
    OfCa,
    /// Of a chain that this program makes for the host.
    OfHost,
}

/// One thing that is wrong. Its JSON is documented in docs/json.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `ITL0301`.
    pub code: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// Istio's own code of the same finding.
    pub istio: Option<&'static str>,
    /// How much it matters.
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
    /// What is wrong: a lower-case fragment that names the values.
    pub what: String,
    /// Why it is wrong, and what it leads to.
    pub why: String,
    /// What to change or type.
    pub fix: Remedy,
    /// Where the rule is written.
    pub doc: &'static str,
    /// What it is about.
    pub facts: Facts,
}

impl Finding {
    /// A finding with the code's own severity, reason and fix.
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

    /// Says what it is about, for code that goes on from it.
    #[must_use]
    pub fn about(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }

    /// Says why in this case, in place of the code's own words.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Says what to do in this case, in place of the code's own words.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<Remedy>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Istio's code in this case, where a code of ours stands for several of Istio's.
    #[must_use]
    pub fn istio(mut self, istio: Option<&'static str>) -> Self {
        self.istio = istio;
        self
    }

    /// Makes it matter more or less than the code says.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// By file, line, column, code, path, words; what stands in no file by its object first.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let key = |finding: &Self| (finding.line, finding.column, finding.code);
        let object = |finding: &Self| finding.file.is_empty().then(|| finding.object.clone());
        self.file
            .cmp(&other.file)
            .then_with(|| object(self).cmp(&object(other)))
            .then_with(|| key(self).cmp(&key(other)))
            .then_with(|| (&self.path, &self.what).cmp(&(&other.path, &other.what)))
    }

    /// `file:line:column  path`, as far as it is known.
    pub fn at(&self) -> String {
        let place = match (self.file.is_empty(), self.line) {
            (true, _) => self.object.clone(),
            (false, 0) if self.object.is_empty() => self.file.clone(),
            (false, 0) => format!("{} (made from {})", self.object, self.file),
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

/// A rule, or a part of its work, that was not done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Skipped {
    /// The code that could not be reported.
    pub code: &'static str,
    /// Why.
    pub reason: String,
}

/// All that lint says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What is wrong, sorted.
    pub findings: Vec<Finding>,
    /// What was not checked.
    pub skipped: Vec<Skipped>,
}

impl Report {
    /// Whether a finding matters at least so much.
    pub fn reaches(&self, severity: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= severity)
    }
}
