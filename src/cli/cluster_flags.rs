//! The flags that select a cluster.

use std::path::PathBuf;
use std::time::Duration;

use super::duration;
use crate::ops::cluster_access::ClusterPlace;

/// Which cluster.
#[derive(clap::Args, Default, Clone)]
pub(super) struct KubeconfigArgs {
    /// The kubeconfig file [default: that of the variable KUBECONFIG, else
    /// ~/.kube/config]
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
    /// How long to retry an API server that fails or is busy; one that never answered is
    /// tried three times
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse, help_heading = "Cluster")]
    pub(super) retry_for: Duration,
}

impl KubeconfigArgs {
    /// Their values, in the form that the operations take.
    pub(super) fn place(&self) -> ClusterPlace {
        ClusterPlace {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        }
    }
}

/// Which cluster.
#[derive(clap::Args, Default)]
#[command(
    mut_arg("kubeconfig", |flag| flag.requires("cluster")),
    mut_arg("context", |flag| flag.requires("cluster"))
)]
pub(super) struct LiveArgs {
    /// Use the objects of a cluster: the one that apply recorded, else the kubeconfig's
    /// current one
    #[arg(long, conflicts_with_all = ["filename", "recursive"], help_heading = "Cluster")]
    pub(super) cluster: bool,
    #[command(flatten)]
    pub(super) place: KubeconfigArgs,
}
