//! One exchange of a host's material: looked at, tried, written, stored, and
//! looked at again.

use std::time::Duration;

use super::RotateArgs;
use super::issue::Prepared;
use super::plan::{LeftDue, Step};
use super::prove::{Gateway, Proof};
use super::secrets::{Cluster, Stored, TriedSecret};
use crate::cli::Failure;
use crate::ops::cluster_ingress::{self, Reached};
use crate::cli::context::Context;
use crate::probe::target::Target;
use crate::workspace::config::WorkspaceConfig;
use crate::workspace::running::RunningServe;
use crate::workspace::store::Store;

/// How long a gateway may take that watches its material.
const WAIT: Duration = Duration::from_secs(30);
/// The same where a kubelet brings it: it looks once a minute, and its cache may
/// be as old again by half.
const WAIT_MOUNTED: Duration = Duration::from_mins(2);

/// Between two tries to write in the workspace folder.
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

/// What came of it, as far as it came.
pub(super) struct Exchanged {
    pub(super) prepared: Box<Prepared>,
    /// What is due as well, and stays.
    pub(super) due: Vec<LeftDue>,
    /// The cluster's context, where one is in play.
    pub(super) context: Option<String>,
    /// The files stand as the step wants them.
    pub(super) is_written: bool,
    /// The Secrets that were stored.
    pub(super) secrets: Vec<Stored>,
    /// The titles of those that were not.
    pub(super) left: Vec<String>,
    /// The title of one that was sent, and of which no answer has come.
    pub(super) unknown: Option<String>,
    /// The cluster has none of the host's Secrets.
    pub(super) has_no_secret: bool,
    /// At every gateway that could be looked at.
    pub(super) proofs: Vec<Proof>,
    /// Why the cluster's gateway was not looked at.
    pub(super) unseen: Option<String>,
}

impl Exchanged {
    pub(super) fn new(prepared: Box<Prepared>, due: Vec<LeftDue>, live: &Live<'_>) -> Self {
        Self {
            prepared,
            due,
            context: live.cluster.as_ref().map(|cluster| cluster.context().to_owned()),
            is_written: false,
            secrets: Vec::new(),
            left: Vec::new(),
            unknown: None,
            has_no_secret: false,
            proofs: Vec::new(),
            unseen: None,
        }
    }

    /// No gateway that was looked at serves anything else.
    pub(super) fn is_proven(&self) -> bool {
        self.proofs.iter().all(|proof| proof.proven)
    }

    /// Whether the old CA may go now.
    pub(super) fn goes_on(&self) -> bool {
        match self.prepared.step {
            // A gateway that nobody has seen may serve a leaf of the old CA still.
            Step::FinishLeaf => self.is_proven() && self.unseen.is_none(),
            // Asked for once more, the user has seen to it.
            Step::CatchUp { finishes } => finishes && self.is_proven(),
            _ => false,
        }
    }

    /// Whether everything that was asked for was done and, where possible, seen.
    pub(super) fn is_done(&self) -> bool {
        self.is_proven() && (self.prepared.step != Step::FinishLeaf || self.goes_on())
    }

    /// What is swapped, and what is not, a line for each.
    pub(super) fn swapped(&self) -> Vec<String> {
        let host = self.prepared.held.layout.host();
        let files = if self.prepared.paths().next().is_some() {
            let serial = &self.prepared.serial;
            format!("swapped: the files of {host} (serial {serial} is the server leaf's)")
        } else {
            format!("the files of {host} are as they were")
        };
        let stored =
            (self.secrets.iter()).map(|secret| format!("swapped: Secret {}/{}", secret.namespace, secret.name));
        let unknown = (self.unknown.iter()).map(|title| format!("sent, and not known to be swapped: {title}"));
        let left = (self.left.iter()).map(|title| format!("not swapped: {title}, which the gateway goes on with"));
        std::iter::once(files)
            .chain(stored)
            .chain(unknown)
            .chain(left)
            .collect()
    }
}

/// Exchanges the files, then the Secrets, with a look before and looks after it.
/// What is done of it stands in `exchanged` at any time. `known` are the Secrets
/// as they are, where nothing is to be changed.
///
/// # Errors
/// When something of it is refused; nothing is written where the API server
/// refuses a Secret, and where it fails afterwards, the error says what is
/// swapped.
pub(super) async fn exchange(
    exchanged: &mut Exchanged,
    known: Option<Vec<TriedSecret>>,
    live: &Live<'_>,
    args: &RotateArgs,
    context: &Context,
) -> Result<(), Failure> {
    let prepared = &exchanged.prepared;
    let host = prepared.held.layout.host().clone();
    let mut gateways = Vec::new();
    if let Some(serve) = &live.serve {
        let reached = Reached::from(Target::Running(serve.clone()));
        gateways.push(Gateway::look(reached, None, prepared, context).await?);
    }
    let mut in_cluster = None;
    if let Some(cluster) = &live.cluster {
        match cluster.reach().await {
            Ok((reached, told)) => {
                let gateway = Gateway::look(reached, Some(cluster), prepared, context).await?;
                if cluster_ingress::is_out_of_reach(&gateway.before.outcome) {
                    exchanged.unseen = Some(gateway.before.outcome.verdict.summary);
                } else {
                    context.say(&told);
                    in_cluster = Some(gateway);
                }
            }
            Err(problem) => exchanged.unseen = Some(cluster.unreached(problem).await),
        }
    }
    // Nobody else exchanges files until their Secrets have followed.
    let store = open(context).await?;
    let changes = known.is_none();
    let tried = match (known, &live.cluster) {
        (Some(known), _) => known,
        (None, Some(cluster)) => cluster.try_secrets(&host, prepared.material()?, context).await?,
        (None, None) => Vec::new(),
    };
    prepared.write(&store, context)?;
    exchanged.is_written = true;
    if let Some(cluster) = &live.cluster {
        if tried.is_empty() {
            in_cluster = None;
            exchanged.has_no_secret = true;
            exchanged.unseen = Some(cluster.without_secret(&host).await);
        } else if changes {
            cluster.store(exchanged, &tried, args, context).await?;
        } else {
            exchanged.secrets = tried.iter().map(TriedSecret::as_it_is).collect();
        }
    }
    drop(store);
    if let Some(found) = in_cluster {
        // Once is enough for a `serve` that is the cluster's address, too.
        gateways.retain(|known| !found.is_same(known));
        gateways.push(found);
    }
    if changes && !gateways.is_empty() {
        context.say(&format!("waiting until {host} is served with its new material"));
    }
    let mounted = live.cluster.as_ref().is_some_and(Cluster::is_mounted);
    let wait = args.wait.unwrap_or(if mounted { WAIT_MOUNTED } else { WAIT });
    for gateway in gateways {
        let proof = gateway.prove(&exchanged.prepared, wait, context).await?;
        exchanged.proofs.push(proof);
    }
    Ok(())
}

/// The workspace folder, for this process alone; what a killed one left half
/// done is finished first.
///
/// # Errors
/// When it cannot be used.
pub(super) async fn open(context: &Context) -> Result<Store, Failure> {
    let mut is_told = false;
    loop {
        if let Some(store) = Store::try_open(&context.dir).map_err(Failure::runtime)? {
            return Ok(store);
        }
        if !is_told {
            context.say("waiting for another istio-tls that writes here");
            is_told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
