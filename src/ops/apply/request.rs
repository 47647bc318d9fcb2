//! What is asked of `apply`.

use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::apply::Allowed;
use crate::ops::cluster_access::ClusterPlace;
use crate::remedy::{Kind, Line};

/// What is to be applied, where, and how far it goes.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where the objects come from.
    pub source: Source,
    /// What is done with them.
    pub purpose: Purpose,
    /// Delete what the workspace applied earlier and does not hold any more.
    pub prune: bool,
    /// What is taken over, and what is made again.
    pub allowed: Allowed,
    /// Stop on errors that lint finds in the objects.
    pub lint: bool,
    /// How long to wait until it is in effect; none does not wait.
    pub wait: Option<Duration>,
    /// Which cluster.
    pub place: ClusterPlace,
    /// How long an API server that fails or is busy is asked again.
    pub retry_for: Duration,
}

/// Where the objects come from.
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
        /// What standard input holds, where it is named.
        stdin: Option<Vec<u8>>,
        /// Also the folders in folders.
        recursive: bool,
    },
}

/// What is done with the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// They are stored.
    Store,
    /// They are compared with what is there.
    Diff,
    /// They are tried by this program alone.
    TryHere,
    /// They are tried by the API server.
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

    /// The same with a flag that overcomes what is in the way.
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
