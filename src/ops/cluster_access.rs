//! How every cluster command reaches its API server: flags, kubeconfig, the async
//! runtime, and the confirmation before a cluster is used for the first time.

use std::path::PathBuf;

use super::failure::Failure;
use super::surroundings::Surroundings;
use crate::cluster::apply::Refused;
use crate::cluster::kubeconfig::{Access, Places};
use crate::files;
use crate::problem::Problem;
use crate::remedy::{Cluster, Kind, Line, Remedy, Word};
use crate::workspace::config::WorkspaceConfig;
use crate::workspace::file::WorkspaceFile;

/// Which cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterPlace {
    /// The kubeconfig file; otherwise that of KUBECONFIG, otherwise ~/.kube/config.
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context; otherwise the one that apply recorded, otherwise its
    /// current one.
    pub context: Option<String>,
}

impl ClusterPlace {
    /// The flags for it, as the user typed them; without a flag, none are needed.
    pub fn flags(&self) -> Cluster {
        Cluster {
            context: self.context.clone(),
            kubeconfig: self.kubeconfig.as_ref().map(|file| file.display().to_string()),
        }
    }

    fn places(&self, here: &Surroundings) -> Places {
        let variable = |name| here.environment.get(name).map(str::to_owned);
        Places {
            file: self.kubeconfig.clone(),
            variable: variable("KUBECONFIG"),
            home: variable("HOME").map(PathBuf::from),
            in_pod: variable("KUBERNETES_SERVICE_HOST").is_some(),
        }
    }

    /// Reads the kubeconfig and selects the context.
    ///
    /// # Errors
    /// If there is none, or it cannot be used: exit 2.
    pub async fn access(&self, here: &Surroundings) -> Result<Access, Failure> {
        let access = Access::read(&self.places(here), self.context.as_deref(), here.now).await;
        access.map_err(|problem| Failure::usage(self.with_origin(problem, here)))
    }

    /// Says where the name of an unusable context comes from.
    fn with_origin(&self, mut problem: Problem, here: &Surroundings) -> Problem {
        // An unreadable file is reported elsewhere.
        let file = WorkspaceFile::read(&here.dir).ok().flatten();
        let recorded = file.and_then(|file| Some((files::shown(&file.path), file.config.context?)));
        let Some((path, name)) = recorded.filter(|(_, name)| self.context.as_ref() == Some(name)) else {
            return problem;
        };
        let origin = format!("{path} names the context {name}, which the last apply used");
        problem.why = Some(match problem.why.take() {
            Some(why) => format!("{why}\n{origin}"),
            None => origin,
        });
        let line = Line::new(Kind::ApplyContext, ["apply"]).flag("--context", Word::Placeholder("NAME"));
        let elsewhere = Cluster {
            context: None,
            ..self.flags()
        };
        let fix = Remedy::from(line.of_cluster()).and(" uses another one, and records it");
        let fix = fix.at_cluster(&elsewhere);
        problem.fix = Some(match problem.fix.take() {
            Some(known) => known.below(fix),
            None => fix,
        });
        problem
    }

    /// The same, with the recorded context of `apply` if none is given.
    #[must_use]
    pub fn or_recorded(&self, config: Option<&WorkspaceConfig>) -> Self {
        let recorded = config.and_then(|config| config.context.clone());
        Self {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone().or(recorded),
        }
    }

    /// The cluster of a command that works without one: from the flags, or recorded by
    /// `apply`; otherwise none, whatever is current.
    pub fn in_play(&self, config: Option<&WorkspaceConfig>) -> Option<Self> {
        let recorded = config.is_some_and(|config| config.context.is_some());
        let named = self.kubeconfig.is_some() || self.context.is_some() || recorded;
        named.then(|| self.or_recorded(config))
    }

    /// The flags that select this cluster again: those that were given, otherwise those
    /// that `access` needs.
    pub fn leading_to(&self, access: &Access) -> Cluster {
        let file = self.kubeconfig.as_ref().map(|file| file.display().to_string());
        Cluster {
            context: self.context.clone().or_else(|| access.flags.context.clone()),
            kubeconfig: file.or_else(|| access.flags.kubeconfig.clone()),
        }
    }

    /// Whether a kubeconfig was given, or exists in a standard place.
    pub fn is_there(&self, here: &Surroundings) -> bool {
        let places = self.places(here);
        places.file.is_some()
            || places.variable.is_some()
            || places.in_pod
            || places.home.is_some_and(|home| home.join(".kube/config").exists())
    }
}

/// Why objects were not accepted, with the exit code.
pub fn refused(error: Refused) -> Failure {
    if error.is_conflict {
        Failure::findings(error.problem)
    } else if error.is_input {
        Failure::usage(error.problem)
    } else {
        Failure::runtime(error.problem)
    }
}

/// The note on a deleted object that finalizers hold.
pub fn held(finalizers: &[String]) -> String {
    format!("it remains until its finalizers are done: {}", finalizers.join(", "))
}

/// Titles of objects for a line of an error. What was done is also printed line by line
/// on standard output.
pub fn listed(titles: &[String]) -> String {
    const SHOWN: usize = 50;
    match titles.len() {
        0 => "nothing".to_owned(),
        1..=SHOWN => titles.join(", "),
        all => format!("{} and {} more", titles[..SHOWN].join(", "), all - SHOWN),
    }
}

/// An async runtime for one command's requests.
///
/// # Errors
/// If the system cannot provide one.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::runtime(Problem::new("cannot start the async runtime").why(error.to_string())))
}
