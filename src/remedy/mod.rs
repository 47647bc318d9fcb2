//! What to do about a fault, as data: sentences, command lines and edits. A remedy is
//! created where the fault is found; only [`Remedy::words`] turns it into text, and no
//! code reads that text.

mod aim;
mod edit;
mod kind;
pub mod kubectl;
mod line;
pub mod other;
pub mod ours;
mod words;

pub use aim::{Aim, Cluster};
pub use edit::Edit;
pub use kind::{Kind, Program};
pub use line::{Join, Line, Scope, Word};

/// What to do about a fault: parts that form one text.
///
/// A sentence is created `from` a string, a command line or an edit `from` itself;
/// [`Remedy::and`] joins them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remedy {
    parts: Vec<Part>,
}

/// A part of a remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A sentence, or text between lines: `; or `.
    Words(String),
    /// A command line to type.
    Line(Line),
    /// A change of a field of a file or an object.
    Edit(Edit),
    /// To run the same command again.
    Repeat,
}

impl Remedy {
    /// Adds one or more parts.
    #[must_use]
    pub fn and(mut self, other: impl Into<Self>) -> Self {
        self.parts.extend(other.into().parts);
        self
    }

    /// Adds an alternative, joined by `; or `.
    #[must_use]
    pub fn or(self, other: impl Into<Self>) -> Self {
        self.and("; or ").and(other)
    }

    /// Adds a second step, joined by `; then `.
    #[must_use]
    pub fn then(self, other: impl Into<Self>) -> Self {
        self.and("; then ").and(other)
    }

    /// Adds another remedy on its own line.
    #[must_use]
    pub fn below(self, other: impl Into<Self>) -> Self {
        self.and("\n").and(other)
    }

    /// Replaces a placeholder with `value`.
    #[must_use]
    pub fn fill(mut self, placeholder: &str, value: &str) -> Self {
        for part in &mut self.parts {
            if let Part::Line(line) = part {
                *line = line.clone().fill(placeholder, value);
            }
        }
        self
    }

    /// The remedy when `name`, which its lines pass to other programs as a file, is a
    /// value of an object.
    #[must_use]
    pub fn of_value(self, name: &str) -> Self {
        self.map_lines(|line| line.of_value(name))
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The command lines.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.parts.iter().filter_map(|part| match part {
            Part::Line(line) => Some(line),
            Part::Words(_) | Part::Edit(_) | Part::Repeat => None,
        })
    }

    /// Whether it contains a command line of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.lines().any(|line| line.kind == kind)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Directs its lines to this cluster, unless they access none or already name one.
    #[must_use]
    pub fn at_cluster(mut self, cluster: &Cluster) -> Self {
        for part in &mut self.parts {
            if let Part::Line(line) = part {
                line.lead_to(cluster);
            }
        }
        self
    }

    /// Run the same command again.
    pub fn again() -> Self {
        Self {
            parts: vec![Part::Repeat],
        }
    }

    /// Whether it only says to run the command again; the caller, who knows how far it
    /// got, can say that better.
    pub fn only_repeats(&self) -> bool {
        matches!(self.parts.first(), Some(Part::Repeat)) && self.lines().next().is_none()
    }

    /// Applies `change` to each of its lines.
    #[must_use]
    pub fn map_lines(self, change: impl Fn(Line) -> Line) -> Self {
        let parts = self.parts.into_iter().map(|part| match part {
            Part::Line(line) => Part::Line(change(line)),
            other => other,
        });
        Self { parts: parts.collect() }
    }

    /// What to do after a failure: first fix the cause, if that takes more than another
    /// try; then continue.
    #[must_use]
    pub fn then_go_on(fix: Option<Self>, go_on: impl Into<Self>) -> Self {
        match fix.filter(|fix| !fix.only_repeats()) {
            Some(fix) => fix.below("then ").and(go_on),
            None => go_on.into(),
        }
    }
}

impl From<String> for Remedy {
    fn from(words: String) -> Self {
        let part = (!words.is_empty()).then_some(Part::Words(words));
        Self {
            parts: part.into_iter().collect(),
        }
    }
}

impl From<&str> for Remedy {
    fn from(words: &str) -> Self {
        Self::from(words.to_owned())
    }
}

impl From<Line> for Remedy {
    fn from(line: Line) -> Self {
        Self {
            parts: vec![Part::Line(line)],
        }
    }
}

impl From<Edit> for Remedy {
    fn from(edit: Edit) -> Self {
        Self {
            parts: vec![Part::Edit(edit)],
        }
    }
}

/// For assertions only: text is rendered at the end, and no code reads it.
#[cfg(test)]
mod in_tests {
    use super::{Aim, Remedy};

    impl Remedy {
        pub(crate) fn contains(&self, words: &str) -> bool {
            self.to_string().contains(words)
        }

        pub(crate) fn ends_with(&self, words: &str) -> bool {
            self.to_string().ends_with(words)
        }

        pub(crate) fn starts_with(&self, words: &str) -> bool {
            self.to_string().starts_with(words)
        }
    }

    impl std::fmt::Display for Remedy {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.words(&Aim::default()))
        }
    }

    impl PartialEq<str> for Remedy {
        fn eq(&self, other: &str) -> bool {
            self.words(&Aim::default()) == other
        }
    }

    impl PartialEq<&str> for Remedy {
        fn eq(&self, other: &&str) -> bool {
            self.words(&Aim::default()) == *other
        }
    }

    impl PartialEq<String> for Remedy {
        fn eq(&self, other: &String) -> bool {
            self.words(&Aim::default()) == *other
        }
    }
}
