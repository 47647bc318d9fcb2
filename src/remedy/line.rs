//! A command line to type.

use super::aim::Cluster;
use super::kind::{Kind, Program};

/// A command line, word by word; [`super::Remedy::words`] quotes it for a POSIX shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its purpose.
    pub kind: Kind,
    /// The words after the program's name (for [`Program::Other`]: including it).
    pub words: Vec<Word>,
    /// Which context flags (workspace, cluster) it takes.
    pub scope: Scope,
    /// The line that follows it.
    pub next: Option<(Join, Box<Line>)>,
}

/// How two lines are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// The second reads the first one's output: `|`.
    Pipe,
    /// The second runs if the first succeeds: `&&`.
    And,
}

/// A word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Typed as is.
    Plain(String),
    /// A placeholder that the user fills in: `FILE`.
    Placeholder(&'static str),
}

/// Which context flags a line takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `-C`: the line reads or changes the workspace.
    pub workspace: bool,
    /// The line accesses a cluster; the flags are added once the cluster is known.
    pub cluster: Option<Option<Cluster>>,
}

impl Line {
    /// A line of this program that uses the workspace and no cluster.
    pub fn new<W: Into<Word>>(kind: Kind, words: impl IntoIterator<Item = W>) -> Self {
        Self {
            kind,
            words: words.into_iter().map(Into::into).collect(),
            scope: match kind.program() {
                Program::IstioTls => Scope {
                    workspace: true,
                    cluster: None,
                },
                Program::Kubectl => Scope {
                    workspace: false,
                    cluster: Some(None),
                },
                Program::Other => Scope {
                    workspace: false,
                    cluster: None,
                },
            },
            next: None,
        }
    }

    /// Adds a word.
    #[must_use]
    pub fn arg(mut self, word: impl Into<Word>) -> Self {
        self.words.push(word.into());
        self
    }

    /// Adds several words.
    #[must_use]
    pub fn args(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().copied().map(Into::into));
        self
    }

    /// Adds a flag and its value.
    #[must_use]
    pub fn flag(self, flag: &str, value: impl Into<Word>) -> Self {
        self.arg(flag).arg(value)
    }

    /// Marks the line as one that accesses a cluster: the flags are added when it is
    /// known.
    #[must_use]
    pub fn of_cluster(mut self) -> Self {
        self.scope.cluster = Some(None);
        self
    }

    /// Marks the line as one that does not use the workspace: it takes no `-C`.
    #[must_use]
    pub fn anywhere(mut self) -> Self {
        self.scope.workspace = false;
        self
    }

    /// Marks the line as one that does not access a cluster.
    #[must_use]
    pub fn nowhere(mut self) -> Self {
        self.scope.cluster = None;
        self
    }

    /// Pipes the line's output into another one.
    #[must_use]
    pub fn pipe(self, into: Self) -> Self {
        self.followed_by(Join::Pipe, into)
    }

    /// Runs another line after this one succeeds.
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        self.followed_by(Join::And, next)
    }

    pub(crate) fn followed_by(mut self, join: Join, next: Self) -> Self {
        self.next = Some(match self.next {
            Some((first, line)) => (first, Box::new(line.followed_by(join, next))),
            None => (join, Box::new(next)),
        });
        self
    }

    /// Adds a flag to those lines of the chain that are of this kind and lack it.
    #[must_use]
    pub fn with_flag_in(mut self, kind: Kind, flag: &str, value: &str) -> Self {
        let is_flag = |word: &Word| matches!(word, Word::Plain(word) if word == flag);
        if self.kind == kind && !self.words.iter().any(is_flag) {
            self = self.flag(flag, value);
        }
        self.next = (self.next).map(|(join, line)| (join, Box::new(line.with_flag_in(kind, flag, value))));
        self
    }

    /// Replaces a placeholder with `value`.
    #[must_use]
    pub fn fill(mut self, placeholder: &str, value: &str) -> Self {
        for word in &mut self.words {
            if matches!(word, Word::Placeholder(name) if *name == placeholder) {
                *word = Word::Plain(value.to_owned());
            }
        }
        self.next = (self.next).map(|(join, line)| (join, Box::new(line.fill(placeholder, value))));
        self
    }

    /// The line for a file when `name` is a value of an object and not a file: FILE
    /// stands for a file with that content, and for a file beside it.
    #[must_use]
    pub(super) fn of_value(mut self, name: &str) -> Self {
        const BESIDE: [(&str, &str); 4] = [
            ("", "FILE"),
            (".pem", "FILE.pem"),
            (".pk8", "FILE.pk8"),
            (".plain", "FILE.plain"),
        ];
        for word in &mut self.words {
            let Word::Plain(text) = word else { continue };
            let end = text.strip_prefix(name);
            if let Some((_, file)) = BESIDE.iter().find(|(known, _)| end == Some(*known)) {
                *word = Word::Placeholder(file);
            }
        }
        self
    }

    /// Whether the line has placeholders.
    pub fn has_placeholder(&self) -> bool {
        let own = self.words.iter().any(|word| matches!(word, Word::Placeholder(_)));
        own || self.next.as_ref().is_some_and(|(_, next)| next.has_placeholder())
    }

    /// Directs the line to a cluster if it accesses one and does not name it yet.
    pub(super) fn lead_to(&mut self, cluster: &Cluster) {
        if let Some(known @ None) = &mut self.scope.cluster {
            *known = Some(cluster.clone());
        }
        if let Some((_, next)) = &mut self.next {
            next.lead_to(cluster);
        }
    }
}

impl From<&str> for Word {
    fn from(word: &str) -> Self {
        Self::Plain(word.to_owned())
    }
}

impl From<String> for Word {
    fn from(word: String) -> Self {
        Self::Plain(word)
    }
}
