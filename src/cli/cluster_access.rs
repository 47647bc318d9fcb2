//! How every cluster command reaches its API server: flags, kubeconfig, the
//! runtime, and the question before a cluster is used for the first time.

use std::path::PathBuf;
use std::time::Duration;

use super::context::Context;
use super::{Exit, Failure, duration};
use crate::cluster::apply::Refused;
use crate::cluster::kubeconfig::{Access, Places};
use crate::files;
use crate::problem::Problem;
use crate::workspace::config::WorkspaceConfig;
use crate::workspace::file::WorkspaceFile;

/// Which cluster.
#[derive(clap::Args, Default, Clone)]
pub(super) struct KubeconfigArgs {
    /// The kubeconfig file [default: the variable KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context [default: the one that apply recorded, else its current context]
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub(super) context: Option<String>,
}

/// Flags of every command that changes a cluster.
#[derive(clap::Args)]
pub(super) struct ClusterArgs {
    #[command(flatten)]
    pub(super) place: KubeconfigArgs,
    /// How long an API server that fails or is busy is asked again; one that never answered, three times
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse, help_heading = "Cluster")]
    pub(super) retry_for: Duration,
}

impl KubeconfigArgs {
    fn places(&self, context: &Context) -> Places {
        let variable = |name| context.environment.get(name).map(str::to_owned);
        Places {
            file: self.kubeconfig.clone(),
            variable: variable("KUBECONFIG"),
            home: variable("HOME").map(PathBuf::from),
            in_pod: variable("KUBERNETES_SERVICE_HOST").is_some(),
        }
    }

    /// Reads the kubeconfig and chooses the context.
    ///
    /// # Errors
    /// When there is none, or it cannot be used: exit 2.
    pub(super) async fn access(&self, context: &Context) -> Result<Access, Failure> {
        let access = Access::read(&self.places(context), self.context.as_deref(), context.now).await;
        access.map_err(|problem| Failure::usage(self.with_origin(problem, context)))
    }

    /// Says of a context that cannot be used where its name comes from.
    fn with_origin(&self, mut problem: Problem, context: &Context) -> Problem {
        // A file that cannot be read is told of elsewhere.
        let file = WorkspaceFile::read(&context.dir).ok().flatten();
        let recorded = file.and_then(|file| Some((files::shown(&file.path), file.config.context?)));
        let Some((path, name)) = recorded.filter(|(_, name)| self.context.as_ref() == Some(name)) else {
            return problem;
        };
        let origin = format!("{path} names the context {name}, to which apply went last");
        problem.why = Some(match problem.why.take() {
            Some(why) => format!("{why}\n{origin}"),
            None => origin,
        });
        let fix = "istio-tls apply --context NAME goes to another, and records it";
        problem.fix = Some(match problem.fix.take() {
            Some(known) => format!("{known}\n{fix}"),
            None => fix.to_owned(),
        });
        problem
    }

    /// The same, with the context that `apply` recorded where none is named.
    pub(super) fn or_recorded(&self, config: Option<&WorkspaceConfig>) -> Self {
        let recorded = config.and_then(|config| config.context.clone());
        Self {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone().or(recorded),
        }
    }

    /// The cluster of a command that works without one: that of the flags or the
    /// one that `apply` recorded; none without either, whatever is current.
    pub(super) fn in_play(&self, config: Option<&WorkspaceConfig>) -> Option<Self> {
        let recorded = config.is_some_and(|config| config.context.is_some());
        let named = self.kubeconfig.is_some() || self.context.is_some() || recorded;
        named.then(|| self.or_recorded(config))
    }

    /// Whether a kubeconfig was named, or there is one in a usual place.
    pub(super) fn is_there(&self, context: &Context) -> bool {
        let places = self.places(context);
        places.file.is_some()
            || places.variable.is_some()
            || places.in_pod
            || places.home.is_some_and(|home| home.join(".kube/config").exists())
    }
}

/// What the first use of a cluster is for.
pub(super) struct FirstUse<'a> {
    /// The question, up to the context's name: `Apply 3 objects to`.
    pub(super) question: &'a str,
    /// What is not done without an answer, up to the context's name: `applied to`.
    pub(super) done: &'a str,
}

/// The first time that a workspace changes a cluster elsewhere, somebody says
/// yes. `recorded` is the context that an earlier apply went to.
///
/// # Errors
/// When nobody does: nothing was done.
pub(super) fn permit(
    access: &Access,
    place: &KubeconfigArgs,
    recorded: Option<&str>,
    first: &FirstUse<'_>,
    context: &Context,
) -> Result<(), Failure> {
    if access.is_loopback() || recorded == Some(access.context.as_str()) || context.yes {
        return Ok(());
    }
    let FirstUse { question, done } = first;
    if context.interactive {
        return confirm(
            &format!("{question} the context {} ({})?", access.context, access.server),
            &format!("nothing was {done} it"),
        );
    }
    if place.context.is_some() {
        return Ok(());
    }
    Err(Failure::usage(
        Problem::new(format!("nothing was {done} the context {}", access.context))
            .at(access.server.clone())
            .why(format!(
                "nothing was {done} it from here before, and no terminal is there to ask on"
            ))
            .fix(format!("--context {} or --yes", access.context)),
    ))
}

/// Before something is deleted, somebody says yes: on the terminal or with --yes.
/// `nothing` says what was not done without, `fix` what leads on.
///
/// # Errors
/// When nobody does.
pub(super) fn allow_deletion(nothing: &str, fix: &str, context: &Context) -> Result<(), Failure> {
    if context.yes {
        return Ok(());
    }
    if context.interactive {
        return confirm("Delete them?", nothing);
    }
    Err(Failure::usage(
        Problem::new(nothing).why("no terminal is there to ask on").fix(fix),
    ))
}

/// Why objects were not taken, with its exit code.
pub(super) fn refused(error: Refused) -> Failure {
    if error.is_conflict {
        Failure::findings(error.problem)
    } else if error.is_input {
        Failure::usage(error.problem)
    } else {
        Failure::runtime(error.problem)
    }
}

/// What is said of an object that finalizers hold after it was deleted.
pub(super) fn held(finalizers: &[String]) -> String {
    format!(
        "it is still there until its finalizers are done: {}",
        finalizers.join(", ")
    )
}

/// Titles of objects for a line of an error. What was done stands on standard
/// output, too, line by line.
pub(super) fn listed(titles: &[String]) -> String {
    const SHOWN: usize = 50;
    match titles.len() {
        0 => "nothing".to_owned(),
        1..=SHOWN => titles.join(", "),
        all => format!("{} and {} more", titles[..SHOWN].join(", "), all - SHOWN),
    }
}

/// A runtime for one command's requests.
///
/// # Errors
/// When the system gives none.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::runtime(Problem::new("no runtime could be started").why(error.to_string())))
}

/// A question on the terminal.
///
/// # Errors
/// When it is not answered, or with no: nothing was done.
pub(super) fn confirm(question: &str, nothing: &str) -> Result<(), Failure> {
    let answer = dialoguer::Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact();
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::findings(Problem::new(nothing).why("the answer was no"))),
        Err(dialoguer::Error::IO(error)) => {
            let mut failure =
                Failure::runtime(Problem::new("the question was not answered").why(crate::files::plain(&error)));
            if error.kind() == std::io::ErrorKind::Interrupted {
                failure.exit = Exit::Interrupted;
            }
            Err(failure)
        }
    }
}
