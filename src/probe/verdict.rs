//! The judgement of one dial: what was found, whose fault it is, and what to do. Pure.

use super::codes::{Code, Fault};
use crate::remedy::Remedy;

/// The judgement of one dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What was found.
    pub code: Code,
    /// Whose fault it is; none if everything is OK.
    pub fault: Option<Fault>,
    /// One sentence with the expected and the actual value.
    pub summary: String,
    /// The expected value.
    pub expected: Option<String>,
    /// The actual value.
    pub found: Option<String>,
    /// What to do next; none if everything is OK.
    pub fix: Option<Remedy>,
}

impl Verdict {
    /// Everything is OK.
    pub fn ok(summary: impl Into<String>) -> Self {
        Self {
            code: Code::Ok,
            fault: None,
            summary: summary.into(),
            expected: None,
            found: None,
            fix: None,
        }
    }

    /// A failure: its sentence, both values, and what to do.
    pub fn new(
        code: Code,
        summary: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<Remedy>,
    ) -> Self {
        Self {
            code,
            fault: code.fault(),
            summary: summary.into(),
            expected: Some(expected.into()),
            found: Some(found.into()),
            fix: Some(fix.into()),
        }
    }

    /// Whether everything is OK.
    pub fn is_ok(&self) -> bool {
        self.code == Code::Ok
    }
}

/// A duration for display.
pub fn span(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} us"),
        1_000..100_000 => format!("{:.1} ms", micros as f64 / 1_000.0),
        100_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{:.1} s", micros as f64 / 1_000_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_are_short() {
        assert_eq!(
            [span(7), span(2_340), span(250_000), span(5_000_000)],
            ["7 us", "2.3 ms", "250 ms", "5.0 s"]
        );
    }
}
