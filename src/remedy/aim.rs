//! The user's context: the flags that every printed command line needs, so that it means
//! the same when typed.

/// How the user selected the workspace and the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aim {
    /// The folder given with `-C`, as typed; none if the workspace is the current folder.
    pub dir: Option<String>,
}

/// The flags that select a cluster for kubectl and for this program; both empty if it is
/// the current one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// `--context`.
    pub context: Option<String>,
    /// `--kubeconfig`.
    pub kubeconfig: Option<String>,
}

impl Cluster {
    /// The flags, one word each.
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

/// The flags as typed in a POSIX shell.
impl std::fmt::Display for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<String> = self.flags().into_iter().map(crate::shell::quote).collect();
        f.write_str(&words.join(" "))
    }
}
