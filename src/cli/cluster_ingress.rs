//! The ingress gateway of a cluster, for `probe`, `request` and `apply`.

use std::time::Duration;

use super::Failure;
use super::cluster_access::KubeconfigArgs;
use super::context::Context;
use crate::cluster::client::Client;
use crate::cluster::discover;
use crate::cluster::ingress::{self, Wanted};
use crate::probe::codes::Code;
use crate::probe::expectation::Place;
use crate::probe::run::Outcome;
use crate::probe::target::Target;
use crate::problem::Problem;
use crate::workspace::config::{GatewayEntry, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;

/// How long an API server that fails or is busy is asked again.
const PATIENCE: Duration = Duration::from_secs(10);

/// What istio-tls.yaml says; none without one.
///
/// # Errors
/// When it cannot be read.
pub(super) fn workspace(context: &Context) -> Result<Option<WorkspaceConfig>, Failure> {
    let file = WorkspaceFile::read(&context.dir).map_err(Failure::usage)?;
    Ok(file.map(|file| file.config))
}

/// Asks the cluster of the flags, else the one that `apply` recorded, else the
/// kubeconfig's current one.
///
/// # Errors
/// When it cannot be asked: exit 3. When it tells no address: exit 1.
pub(super) async fn target(place: &KubeconfigArgs, context: &Context) -> Result<Target, Failure> {
    let config = workspace(context)?;
    let access = place.or_recorded(config.as_ref()).access(context).await?;
    let notice = |text: &str| context.say(text);
    let client = Client::new(access, PATIENCE, &notice).map_err(Failure::runtime)?;
    let wanted = wanted(config.map(|config| config.gateway).unwrap_or_default(), context);
    let found = discover::look(&client, &wanted).await.map_err(Failure::runtime)?;
    let (target, told) = of_found(&found, &wanted).map_err(Failure::findings)?;
    context.say(&format!("context {}: {told}", client.access.context));
    Ok(target)
}

/// Whether no way leads there from here: the gateway may serve all the same.
pub(super) fn is_out_of_reach(outcome: &Outcome) -> bool {
    outcome.facts.tls.is_none()
        && matches!(
            outcome.verdict.code,
            Code::NameNotResolved | Code::Unreachable | Code::Timeout
        )
}

/// The gateway that a workspace's objects are for.
pub(super) fn wanted(gateway: GatewayEntry, context: &Context) -> Wanted {
    Wanted {
        pod_namespace: context.gateway_namespace.clone().unwrap_or(gateway.pod_namespace),
        selector: gateway.selector,
        namespace: context.namespace.clone().unwrap_or(gateway.namespace),
        name: gateway.name,
    }
}

/// The target, and which object told it.
///
/// # Errors
/// When there is no address.
pub(super) fn of_found(found: &ingress::Found, wanted: &Wanted) -> Result<(Target, String), Problem> {
    let ingress = ingress::choose(found, wanted)?;
    let told = format!(
        "the gateway is at {} port {}, by {}",
        ingress.host, ingress.secure_port, ingress.source
    );
    let target = Target::Address {
        host: ingress.host,
        port: ingress.secure_port,
        plain_port: ingress.plain_port,
        place: Place::Cluster,
    };
    Ok((target, told))
}
