//! The flags for findings, of `lint` and `doctor`.

use super::value_parsers::{choice, parser};
use crate::lint::{Severity, Suppression};

/// Which findings count, are shown and are suppressed.
#[derive(clap::Args)]
pub(super) struct FindingArgs {
    /// Exit with 1 on findings of this severity and above
    #[arg(long, value_name = "SEVERITY", default_value = "warning", value_parser = choice(Severity::WORDS))]
    pub(super) fail_on: Severity,
    /// Do not show findings below this severity; they still count
    #[arg(long, value_name = "SEVERITY", default_value = "info", value_parser = choice(Severity::WORDS))]
    pub(super) min_severity: Severity,
    /// Suppress a code, for all objects or for those that match a pattern (repeatable, or
    /// comma-separated)
    #[arg(long, value_name = "CODE[=OBJECT]", value_delimiter = ',', value_parser = parser(Suppression::parse))]
    pub(super) suppress: Vec<Suppression>,
}
