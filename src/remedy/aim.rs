//! Where the user stands: what every printed line needs to mean the same when typed.

/// How the user reached the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aim {
    /// The folder after `-C`, as it was typed; none where the workspace is the
    /// current folder.
    pub dir: Option<String>,
}

/// What leads kubectl and this program to a cluster; both empty where it is the one
/// that is current anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// `--context`.
    pub context: Option<String>,
    /// `--kubeconfig`.
    pub kubeconfig: Option<String>,
}

impl Cluster {
    /// Its flags, each a word.
    pub fn flags(&self) -> Vec<&str> {
        let mut flags = Vec::new();
        for (flag, value) in [("--context", &self.context), ("--kubeconfig", &self.kubeconfig)] {
            if let Some(value) = value {
                flags.extend([flag, value]);
            }
        }
        flags
    }
}

/// As the flags are typed in a POSIX shell.
impl std::fmt::Display for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<String> = self.flags().into_iter().map(crate::shell::quote).collect();
        f.write_str(&words.join(" "))
    }
}
