//! Colours and marks in text for terminals.

pub use crate::printable::printable;

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    color: bool,
}

impl Paint {
    /// Without colours.
    pub const PLAIN: Self = Self { color: false };

    /// With colours if `color`.
    pub fn new(color: bool) -> Self {
        Self { color }
    }

    /// Whether there are colours.
    pub fn is_on(self) -> bool {
        self.color
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Bold, for headings.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Faint, for less important text.
    pub fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// Green, for success.
    pub fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Red, for failure.
    pub fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// Yellow, for warnings.
    pub fn warn(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// A check mark or a cross.
    pub fn mark(self, ok: bool) -> String {
        if ok { self.good("✓") } else { self.bad("✗") }
    }
}

#[cfg(test)]
mod tests {
    use super::Paint;

    #[test]
    fn colour_only_when_wanted() {
        assert_eq!(Paint::new(false).bad("x"), "x");
        assert_eq!(Paint::new(true).bad("x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
