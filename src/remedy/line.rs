//! A command line to type.

use super::aim::Cluster;
use super::kind::{Kind, Program};

/// A command line, word by word; [`super::Remedy::words`] quotes it for a POSIX shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is for.
    pub kind: Kind,
    /// The words after the program's name (with [`Program::Other`]: with it).
    pub words: Vec<Word>,
    /// Which of the flags that say where the user is belong to it.
    pub scope: Scope,
    /// The line that its output is piped into.
    pub pipe: Option<Box<Line>>,
}

/// A word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Typed as it is.
    Plain(String),
    /// Stands for what the user fills in: `FILE`.
    Placeholder(&'static str),
}

/// Which flags that lead back to where the user is belong to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `-C`: the line reads or changes the workspace.
    pub workspace: bool,
    /// The line asks a cluster; with which flags, once that is known.
    pub cluster: Option<Option<Cluster>>,
}

impl Line {
    /// A line of this program, in the workspace, without a cluster.
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
            pipe: None,
        }
    }

    /// The line with another word.
    #[must_use]
    pub fn arg(mut self, word: impl Into<Word>) -> Self {
        self.words.push(word.into());
        self
    }

    /// The line with a flag and its value.
    #[must_use]
    pub fn flag(self, flag: &str, value: impl Into<Word>) -> Self {
        self.arg(flag).arg(value)
    }

    /// The line, which asks a cluster: flags that lead to it are added when it is known.
    #[must_use]
    pub fn of_cluster(mut self) -> Self {
        self.scope.cluster = Some(None);
        self
    }

    /// The line, which neither reads nor changes the workspace: it takes no `-C`.
    #[must_use]
    pub fn anywhere(mut self) -> Self {
        self.scope.workspace = false;
        self
    }

    /// The line with its output piped into another one.
    #[must_use]
    pub fn pipe(mut self, into: Self) -> Self {
        self.pipe = Some(Box::new(into));
        self
    }

    /// Whether a word of it is to be filled in before it is typed.
    pub fn has_placeholder(&self) -> bool {
        let own = self.words.iter().any(|word| matches!(word, Word::Placeholder(_)));
        own || self.pipe.as_deref().is_some_and(Self::has_placeholder)
    }

    /// Makes it lead to a cluster, where it asks one and does not know which yet.
    pub(super) fn lead_to(&mut self, cluster: &Cluster) {
        if let Some(known @ None) = &mut self.scope.cluster {
            *known = Some(cluster.clone());
        }
        if let Some(next) = &mut self.pipe {
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
