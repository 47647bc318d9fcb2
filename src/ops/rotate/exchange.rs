//! One exchange of a host's material: probed, dry-run, written, stored, and probed again.

use std::time::Duration;

use super::cluster::Cluster;
use super::progress::AtWork;
use super::prove::Gateway;
use super::request::Request;
use super::secrets::TriedSecret;
use crate::ops::cluster_ingress::{self, Reached};
use crate::ops::{Failure, Surroundings};
use crate::probe::target::Target;
use crate::workspace::config::WorkspaceConfig;
use crate::workspace::running::RunningServe;
use crate::workspace::store::Store;

/// How long to wait for a gateway that watches its material.
const WAIT: Duration = Duration::from_secs(30);
/// The same if a kubelet delivers it: it checks once a minute, and its cache may be half
/// as old again.
const WAIT_MOUNTED: Duration = Duration::from_mins(2);

/// The pause between two attempts to write to the workspace folder.
const PAUSE: Duration = Duration::from_millis(50);

/// What serves the workspace's material now.
pub(super) struct Live<'a> {
    /// The running `serve` of the workspace.
    pub(super) serve: Option<RunningServe>,
    /// The cluster that it was applied to.
    pub(super) cluster: Option<Cluster<'a>>,
    /// What the workspace records.
    pub(super) config: WorkspaceConfig,
}

/// Exchanges the files, then the Secrets, with a probe before and probes after it.
/// `at_work` always shows what is done. `known` are the present Secrets, if nothing is to
/// be changed.
///
/// # Errors
/// If part of it is refused; nothing is written if the API server refuses a Secret, and
/// if it fails later, the error says what is swapped.
pub(super) async fn exchange(
    at_work: &mut AtWork,
    known: Option<Vec<TriedSecret>>,
    live: &Live<'_>,
    request: &Request,
    here: &Surroundings,
) -> Result<(), Failure> {
    let AtWork { prepared, rotated } = at_work;
    let host = prepared.held.layout.host().clone();
    let mut gateways = Vec::new();
    if let Some(serve) = &live.serve {
        let reached = Reached::from(Target::Running(serve.clone()));
        gateways.push(Gateway::look(reached, None, prepared, here).await?);
    }
    let mut in_cluster = None;
    if let Some(cluster) = &live.cluster {
        match cluster.reach().await {
            Ok((reached, told)) => {
                let gateway = Gateway::look(reached, Some(cluster), prepared, here).await?;
                if cluster_ingress::is_out_of_reach(&gateway.before.outcome) {
                    rotated.unseen = Some(gateway.before.outcome.verdict.summary.into());
                } else {
                    here.say(&told);
                    in_cluster = Some(gateway);
                }
            }
            Err(problem) => rotated.unseen = Some(cluster.unreached(problem).await),
        }
    }
    // No other process may exchange files until their Secrets have followed.
    let store = open(here).await?;
    let changes = known.is_none();
    let tried = match (known, &live.cluster) {
        (Some(known), _) => known,
        (None, Some(cluster)) => cluster.try_secrets(&host, prepared.material()?, here).await?,
        (None, None) => Vec::new(),
    };
    prepared.write(&store, here)?;
    rotated.is_written = true;
    if let Some(cluster) = &live.cluster {
        if tried.is_empty() {
            in_cluster = None;
            rotated.has_no_secret = true;
            rotated.unseen = Some(cluster.without_secret(&host).await);
        } else if changes {
            cluster.store(rotated, &tried, request, here).await?;
        } else {
            rotated.secrets = tried.iter().map(TriedSecret::as_it_is).collect();
        }
    }
    drop(store);
    if let Some(found) = in_cluster {
        // Once is enough for a `serve` that is also at the cluster's address.
        gateways.retain(|known| !found.is_same(known));
        gateways.push(found);
    }
    if changes && !gateways.is_empty() {
        here.say(&format!("waiting until the gateway serves the new material of {host}"));
    }
    let mounted = live.cluster.as_ref().is_some_and(Cluster::is_mounted);
    let wait = request.wait.unwrap_or(if mounted { WAIT_MOUNTED } else { WAIT });
    for gateway in gateways {
        let proof = gateway.prove(prepared, wait, here).await?;
        rotated.proofs.push(proof);
    }
    Ok(())
}

/// The workspace folder, locked for this process; what a killed one left unfinished is
/// completed first.
///
/// # Errors
/// If it cannot be used.
pub(super) async fn open(here: &Surroundings) -> Result<Store, Failure> {
    let mut is_told = false;
    loop {
        if let Some(store) = Store::try_open(&here.dir).map_err(Failure::runtime)? {
            return Ok(store);
        }
        if !is_told {
            here.say("waiting for another istio-tls that is writing to this workspace");
            is_told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
