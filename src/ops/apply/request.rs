//! The request of `apply`.

use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::apply::Allowed;
use crate::ops::cluster_access::ClusterPlace;
use crate::remedy::{Kind, Line};

/// What to apply, where, and how far to go.
#[derive(Debug, Clone)]
pub struct Request {
    /// The source of the objects.
    pub source: Source,
    /// What to do with them.
    pub purpose: Purpose,
    /// Delete what the workspace applied earlier and no longer contains.
    pub prune: bool,
    /// What to take over, and what to replace.
    pub allowed: Allowed,
    /// Stop on lint errors.
    pub lint: bool,
    /// How long to wait until it is in effect; none does not wait.
    pub wait: Option<Duration>,
    /// Which cluster.
    pub place: ClusterPlace,
    /// How long to retry an API server that fails or is busy.
    pub retry_for: Duration,
}

/// The source of the objects.
#[derive(Debug, Clone)]
pub enum Source {
    /// The workspace.
    Workspace {
        /// Also the workloads and Services of the samples.
        samples: bool,
    },
    /// Manifests.
    Files {
        /// Files and folders; `-` is standard input.
        named: Vec<PathBuf>,
        /// The content of standard input, if it is among the files.
        stdin: Option<Vec<u8>>,
        /// Also read subfolders.
        recursive: bool,
    },
}

/// What to do with the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Store them.
    Store,
    /// Compare them with the cluster.
    Diff,
    /// Check them without a server.
    TryHere,
    /// Have the API server check them.
    TryThere,
}

impl Request {
    /// The command that applies the same objects.
    pub fn line(&self) -> Line {
        let line = Line::new(Kind::Apply, ["apply"]).of_cluster();
        match &self.source {
            Source::Workspace { samples: false } => line,
            Source::Workspace { samples: true } => line.arg("--samples"),
            Source::Files { named, recursive, .. } => {
                let line = named
                    .iter()
                    .fold(line, |line, file| line.flag("-f", file.display().to_string()));
                if *recursive { line.arg("-R") } else { line }
            }
        }
    }

    /// The same with a flag that resolves a conflict.
    pub fn line_with(&self, kind: Kind, flag: &str) -> Line {
        Line { kind, ..self.line() }.arg(flag)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::{Purpose, Request, Source};
    use crate::cluster::apply::Allowed;
    use crate::ops::cluster_access::ClusterPlace;
    use crate::remedy::{Aim, Kind};

    #[test]
    fn the_line_applies_the_same_objects() {
        let files = |recursive| Source::Files {
            named: ["a b.yaml", "-"].map(PathBuf::from).to_vec(),
            stdin: Some(Vec::new()),
            recursive,
        };
        for (source, expected) in [
            (Source::Workspace { samples: false }, "istio-tls apply --replace"),
            (
                Source::Workspace { samples: true },
                "istio-tls apply --samples --replace",
            ),
            (files(false), "istio-tls apply -f 'a b.yaml' -f - --replace"),
            (files(true), "istio-tls apply -f 'a b.yaml' -f - -R --replace"),
        ] {
            let request = Request {
                source,
                purpose: Purpose::Store,
                prune: false,
                allowed: Allowed::default(),
                lint: true,
                wait: None,
                place: ClusterPlace::default(),
                retry_for: Duration::ZERO,
            };
            let line = request.line_with(Kind::ApplyReplace, "--replace");
            assert_eq!(line.kind, Kind::ApplyReplace);
            assert_eq!(line.typed(&Aim::default()), expected);
        }
    }
}
