//! Confirmations on the terminal before something is changed.

use super::context::Context;
use super::failure::Failure;
use crate::cluster::kubeconfig::Access;
use crate::ops::cluster_access::ClusterPlace;
use crate::ops::{self, Class};
use crate::problem::Problem;

/// What the first use of a cluster is for.
pub(super) struct FirstUse<'a> {
    /// The question, up to the context's name: `Apply 3 objects to`.
    pub(super) question: &'a str,
    /// What is not done without a confirmation, up to the context's name: `applied to`.
    pub(super) done: &'a str,
}

/// The first time that a workspace changes a remote cluster, the user must confirm.
/// `recorded` is the context that an earlier apply used.
///
/// # Errors
/// If the user does not: nothing was done.
pub(super) fn permit(
    access: &Access,
    place: &ClusterPlace,
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
                "nothing was {done} it from this workspace before, and there is no terminal for a confirmation"
            ))
            .fix(format!("--context {} or --yes", access.context)),
    ))
}

/// Before something is deleted, the user must confirm, on the terminal or with --yes.
/// `nothing` says what was not done, `fix` how to continue.
///
/// # Errors
/// If the user does not.
pub(super) fn allow_deletion(nothing: &str, fix: &str, context: &Context) -> Result<(), Failure> {
    if context.yes {
        return Ok(());
    }
    if context.interactive {
        return confirm("Delete them?", nothing);
    }
    Err(Failure::usage(
        Problem::new(nothing)
            .why("there is no terminal for a confirmation")
            .fix(fix),
    ))
}

/// A yes/no question on the terminal.
///
/// # Errors
/// If it is not answered, or with no: nothing was done.
pub(super) fn confirm(question: &str, nothing: &str) -> Result<(), Failure> {
    if answer(question)? {
        return Ok(());
    }
    Err(Failure::findings(Problem::new(nothing).why("the answer was no")))
}

/// The answer to a question on the terminal.
///
/// # Errors
/// If there is none.
pub(super) fn answer(question: &str) -> Result<bool, Failure> {
    let prompt = dialoguer::Confirm::new().with_prompt(question).default(false);
    prompt.interact().map_err(|dialoguer::Error::IO(error)| {
        let class = if error.kind() == std::io::ErrorKind::Interrupted {
            Class::Interrupted
        } else {
            Class::Runtime
        };
        let problem = Problem::new("the question was not answered").why(crate::files::plain(&error));
        ops::Failure::new(class, problem.fix("add --yes")).into()
    })
}
