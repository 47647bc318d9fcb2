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
    /// The line that follows it.
    pub next: Option<(Join, Box<Line>)>,
}

/// How a line follows another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// It takes the first one's output: `|`.
    Pipe,
    /// It is run when the first one has done its work: `&&`.
    And,
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
            next: None,
        }
    }

    /// The line with another word.
    #[must_use]
    pub fn arg(mut self, word: impl Into<Word>) -> Self {
        self.words.push(word.into());
        self
    }

    /// The line with several more words.
    #[must_use]
    pub fn args(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().copied().map(Into::into));
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

    /// The line, which asks no cluster.
    #[must_use]
    pub fn nowhere(mut self) -> Self {
        self.scope.cluster = None;
        self
    }

    /// The line with its output piped into another one.
    #[must_use]
    pub fn pipe(self, into: Self) -> Self {
        self.followed_by(Join::Pipe, into)
    }

    /// The line and, when it has done its work, another one.
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

    /// The line with a flag in those of its lines, this and what follows, that are of
    /// this kind and do not have it.
    #[must_use]
    pub fn with_flag_in(mut self, kind: Kind, flag: &str, value: &str) -> Self {
        let is_flag = |word: &Word| matches!(word, Word::Plain(word) if word == flag);
        if self.kind == kind && !self.words.iter().any(is_flag) {
            self = self.flag(flag, value);
        }
        self.next = (self.next).map(|(join, line)| (join, Box::new(line.with_flag_in(kind, flag, value))));
        self
    }

    /// The line with `value` in the place of what stands for it.
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

    /// The line about a file, where what is called `name` is a value of an object and
    /// no file: FILE stands for one that holds it, and for one beside that.
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

    /// Whether a word of it is to be filled in before it is typed.
    pub fn has_placeholder(&self) -> bool {
        let own = self.words.iter().any(|word| matches!(word, Word::Placeholder(_)));
        own || self.next.as_ref().is_some_and(|(_, next)| next.has_placeholder())
    }

    /// Makes it lead to a cluster, where it asks one and does not know which yet.
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
