//! Which cluster `apply` uses, and what would happen there.

use super::input::Input;
use super::references::Missing;
use super::request::{Purpose, Request};
use crate::cluster::apply::{self, Applying, Ready, Refused, Ways};
use crate::cluster::client::Client;
use crate::cluster::kubeconfig::Access;
use crate::cluster::owned::{self, Owned};
use crate::ops::cluster_access::refused;
use crate::ops::cluster_owned;
use crate::ops::interruption::{Cancel, or_signal};
use crate::ops::lint::made::stop_on_errors;
use crate::ops::{Failure, Surroundings};
use crate::remedy::{Kind, Remedy};

/// What would be done; nothing is done yet.
pub struct Plan {
    /// The objects as the server would store them.
    pub ready: Vec<Ready>,
    /// What would be pruned.
    pub surplus: Vec<Owned>,
}

/// The target cluster; none if no server is contacted and there is no kubeconfig. Reports
/// the cluster and the objects.
///
/// # Errors
/// If the kubeconfig cannot be used.
pub async fn access(request: &Request, input: &Input, here: &Surroundings) -> Result<Option<Access>, Failure> {
    const SHOWN: usize = 50;
    let is_asked = request.purpose != Purpose::TryHere || request.place.is_there(here);
    let access = if is_asked {
        Some(request.place.access(here).await?)
    } else {
        None
    };
    match &access {
        Some(access) => here.say(&format!(
            "context {} (user {}), server {}",
            access.context, access.user, access.server
        )),
        None => here.say("no kubeconfig: no context, no server"),
    }
    let namespace = input.namespace_or(access.as_ref());
    for object in input.wanted.iter().take(SHOWN) {
        here.say(&format!("  {}", object.title(namespace)));
    }
    if input.wanted.len() > SHOWN {
        here.say(&format!("  and {} more", input.wanted.len() - SHOWN));
    }
    Ok(access)
}

/// Has the server dry-run every object, and finds what would be pruned.
///
/// # Errors
/// If the server cannot be reached or refuses one, an object or field belongs to somebody
/// else, or a signal comes: nothing was stored.
pub async fn plan(
    request: &Request,
    input: &Input,
    missing: Option<Missing<'_>>,
    client: &Client<'_>,
    cancel: &mut Cancel,
    here: &Surroundings,
) -> Result<Plan, Failure> {
    let tried = Box::pin(try_all(request, input, missing, client, here));
    or_signal(tried, cancel).await.unwrap_or_else(|signal| {
        Err(signal.before(match request.purpose {
            Purpose::Store => "anything was stored",
            Purpose::Diff => "the comparison was complete",
            Purpose::TryHere | Purpose::TryThere => "the dry run was complete; nothing was stored",
        }))
    })
}

async fn try_all(
    request: &Request,
    input: &Input,
    missing: Option<Missing<'_>>,
    client: &Client<'_>,
    here: &Surroundings,
) -> Result<Plan, Failure> {
    if let Some(missing) = missing {
        stop_on_errors(missing.beside(client, here).await?, here)?;
    }
    let namespace = input.namespace_or(Some(&client.access)).to_owned();
    let applying = Applying {
        workspace: input.workspace_id(),
        namespace: &namespace,
        allowed: request.allowed,
        ways: Ways {
            force_conflicts: &request.line_with(Kind::ApplyForceConflicts, "--force-conflicts"),
            replace: &request.line_with(Kind::ApplyReplace, "--replace"),
        },
    };
    let ready = apply::prepare(client, &input.wanted, &applying)
        .await
        .map_err(nothing_applied)?;
    for object in &ready {
        for note in &object.notes {
            here.advise(&Remedy::from(format!("{}: ", object.title())).and(note.words()));
        }
    }
    let surplus = surplus(request, input, client, &ready, &namespace, here).await?;
    Ok(Plan { ready, surplus })
}

/// An object was refused in the dry run, before anything was stored.
fn nothing_applied(mut error: Refused) -> Failure {
    if error.is_conflict {
        let at = error.problem.at.take().unwrap_or_default();
        error.problem.at = Some(format!("{at}; nothing was applied"));
    }
    refused(error)
}

/// What the workspace has in the cluster but no longer contains.
async fn surplus(
    request: &Request,
    input: &Input,
    client: &Client<'_>,
    ready: &[Ready],
    namespace: &str,
    here: &Surroundings,
) -> Result<Vec<Owned>, Failure> {
    let Some(workspace) = input.workspace_id().filter(|_| request.prune) else {
        return Ok(Vec::new());
    };
    let namespaces = (ready.iter().filter_map(|object| object.namespace.clone()))
        .chain([namespace.to_owned(), input.pod_namespace.clone()])
        .collect();
    let found = owned::find(client, workspace, &namespaces, &input.pod_namespace).await;
    let found = found.map_err(Failure::runtime)?;
    cluster_owned::tell_of_others(&found, here);
    let is_wanted = |object: &Owned| {
        (ready.iter()).any(|known| object.is(&known.resource, known.namespace.as_deref(), &known.name))
    };
    // A Secret that cannot be created here is still wanted.
    let is_keyless = |object: &Owned| input.keyless.iter().any(|one| one.secret == object.title());
    let surplus = found.objects.into_iter();
    Ok(surplus
        .filter(|object| !is_wanted(object) && !is_keyless(object))
        .collect())
}
