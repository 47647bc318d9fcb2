//! What `delete` would delete.

use std::collections::BTreeSet;

use super::local::Local;
use super::request::Request;
use crate::cluster::WORKSPACE_LABEL;
use crate::cluster::client::Client;
use crate::cluster::kubeconfig::Access;
use crate::cluster::owned::{self, Copied, Owned};
use crate::ops::entries;
use crate::ops::{Failure, Surroundings, cluster_owned};
use crate::problem::Problem;
use crate::remedy::{Cluster, Kind, Line, Remedy, kubectl};
use crate::workspace::config::{FILE_NAME, WorkspaceConfig};

/// What the folder contains.
pub struct Given {
    /// Its workspace, if it has objects in a cluster.
    config: Option<WorkspaceConfig>,
    /// Its files, if they are to be deleted as well.
    local: Option<Local>,
}

/// What would be deleted.
pub struct Plan {
    /// Objects in the cluster.
    pub objects: Vec<Owned>,
    /// Objects with the workspace's labels that are kept, because others created them.
    pub kept: Vec<Copied>,
    /// The workspace that the objects belong to.
    pub(super) config: Option<WorkspaceConfig>,
    /// The folder's files.
    pub(super) local: Option<Local>,
}

impl Plan {
    /// Whether there is nothing to delete.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.local.as_ref().is_none_or(Local::is_empty)
    }

    /// The files and folders, for a listing.
    pub fn files(&self) -> Vec<String> {
        self.local.iter().flat_map(Local::lines).collect()
    }
}

/// Reads the folder; contacts no server. Reports how to find the objects that remain.
///
/// # Errors
/// If there is no workspace, or it cannot be read.
pub fn read(request: &Request, here: &Surroundings) -> Result<Given, Failure> {
    let file = entries::read(here).map_err(Failure::usage)?;
    let local = match (request.local, &file) {
        (true, file) => Some(Local::find(&here.dir, file.as_ref()).map_err(Failure::usage)?),
        (false, Some(_)) => None,
        (false, None) => {
            return Err(Failure::usage(
                Problem::new(format!("there is no {FILE_NAME} here"))
                    .why(
                        "its id marks the objects that apply created from this folder; without \
                        it they cannot be distinguished from others",
                    )
                    .fix("run it in the workspace's folder, or name that folder with -C DIR"),
            ));
        }
    };
    let config = file.map(|file| file.config);
    if let (true, Some(config)) = (request.no_cluster, &config) {
        leave(config, request, here);
    }
    // A folder that was never applied has no objects in any cluster.
    let config = config.filter(|config| {
        let names_one = config.context.is_some() || request.place.context.is_some();
        !request.local || (names_one && !request.no_cluster)
    });
    Ok(Given { config, local })
}

/// Reports how to find what --no-cluster keeps.
fn leave(config: &WorkspaceConfig, request: &Request, here: &Surroundings) {
    if let Some(recorded) = &config.context {
        let label = format!("{WORKSPACE_LABEL}={}", config.id);
        let kinds = "secrets,gateways.networking.istio.io,virtualservices.networking.istio.io";
        let stays = format!("the objects in the context {recorded} are kept: ");
        let there = Cluster {
            context: Some(recorded.clone()),
            ..request.place.flags()
        };
        let line = kubectl::get(&[kinds, "-A", "-l", &label]);
        here.advise(&Remedy::from(stays).and(line).at_cluster(&there));
    }
}

/// The cluster of the workspace's objects; none if none is contacted. Reports it.
///
/// # Errors
/// If the kubeconfig cannot be used, or with --local names another cluster than the one
/// that was applied to.
pub async fn access(request: &Request, given: &Given, here: &Surroundings) -> Result<Option<Access>, Failure> {
    let Some(config) = &given.config else {
        return Ok(None);
    };
    let access = request.place.access(here).await;
    let access = access.map_err(|failure| or_no_cluster(failure, request))?;
    if request.local {
        stays_elsewhere(config, &access, request)?;
    }
    here.say(&format!(
        "context {} (user {}), server {}",
        access.context, access.user, access.server
    ));
    Ok(Some(access))
}

/// Finds the workspace's objects in the cluster.
///
/// # Errors
/// If the server cannot be reached.
pub async fn plan(
    request: &Request,
    given: Given,
    client: Option<&Client<'_>>,
    here: &Surroundings,
) -> Result<Plan, Failure> {
    let Given { config, local } = given;
    let mut plan = Plan {
        objects: Vec::new(),
        kept: Vec::new(),
        config,
        local,
    };
    if let (Some(client), Some(config)) = (client, &plan.config) {
        let pod_namespace = here.gateway_namespace.as_ref();
        let pod_namespace = pod_namespace.unwrap_or(&config.gateway.pod_namespace);
        let own = here.namespace.as_ref().unwrap_or(&config.gateway.namespace);
        let namespaces = BTreeSet::from([own.clone(), pod_namespace.clone()]);
        let found = owned::find(client, &config.id, &namespaces, pod_namespace).await;
        let found = found.map_err(|problem| or_no_cluster(Failure::runtime(problem), request))?;
        cluster_owned::tell_of_others(&found, here);
        (plan.objects, plan.kept) = (found.objects, found.copies);
    }
    Ok(plan)
}

/// With --local, objects in another cluster could not be found again: their id is in the
/// files.
fn stays_elsewhere(config: &WorkspaceConfig, access: &Access, request: &Request) -> Result<(), Failure> {
    match &config.context {
        Some(recorded) if *recorded != access.context => Err(Failure::usage(
            Problem::new(format!(
                "nothing was deleted: the last apply used the context {recorded}, but this is {}",
                access.context
            ))
            .why(format!(
                "the objects there are found by the id {} in {FILE_NAME}, which --local deletes",
                config.id
            ))
            .fix(
                Remedy::from(Line::new(Kind::DeleteLocal, ["delete", "--local"]).of_cluster())
                    .and(", with the kubeconfig that has it")
                    .or(without_cluster())
                    .and(", which keeps the objects there")
                    .at_cluster(&Cluster {
                        context: Some(recorded.clone()),
                        ..request.place.flags()
                    }),
            ),
        )),
        _ => Ok(()),
    }
}

/// The line that deletes only the files.
fn without_cluster() -> Line {
    Line::new(Kind::DeleteNoCluster, ["delete", "--local", "--no-cluster"])
}

/// A cluster that no longer exists must not prevent the deletion of files.
fn or_no_cluster(mut failure: Failure, request: &Request) -> Failure {
    if request.local {
        let line = Remedy::from("if that cluster no longer exists: ").and(without_cluster());
        let problem = &mut failure.problem;
        problem.fix = Some(match problem.fix.take() {
            Some(fix) => fix.below(line),
            None => line,
        });
    }
    failure
}

/// Why there is nothing to delete.
pub fn nothing(plan: &Plan, client: Option<&Client<'_>>) -> Failure {
    let problem = Problem::new("there is nothing to delete");
    Failure::findings(match (client, &plan.config) {
        (Some(client), Some(config)) => {
            let context = &client.access.context;
            let problem = problem
                .at(format!("context {context}"))
                .why(format!("no object there belongs to this workspace ({})", config.id));
            match config.context.as_ref().filter(|recorded| *recorded != context) {
                Some(recorded) => problem.fix(format!("the last apply used another context: --context {recorded}")),
                None => problem.fix("--ignore-not-found, if that is expected"),
            }
        }
        _ => problem
            .why("this folder contains no chain of a host of the workspace")
            .fix("--ignore-not-found, if that is expected"),
    })
}
