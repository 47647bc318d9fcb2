//! What commands with findings let the user say of them: `lint` and `doctor`.

use super::value_parsers::{choice, parser};
use crate::lint::{Severity, Suppression};

/// Which findings count, are shown and are left out.
#[derive(clap::Args)]
pub(super) struct FindingArgs {
    /// End with 1 on findings of this severity and above
    #[arg(long, value_name = "SEVERITY", default_value = "warning", value_parser = choice(Severity::WORDS))]
    pub(super) fail_on: Severity,
    /// Do not show findings below this severity; they count all the same
    #[arg(long, value_name = "SEVERITY", default_value = "info", value_parser = choice(Severity::WORDS))]
    pub(super) min_severity: Severity,
    /// Leave out a code, for all objects or for those that fit a pattern (repeatable, with commas)
    #[arg(long, value_name = "CODE[=OBJECT]", value_delimiter = ',', value_parser = parser(Suppression::parse))]
    pub(super) suppress: Vec<Suppression>,
}
