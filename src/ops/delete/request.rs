//! What is asked of `delete`.

use std::time::Duration;

use crate::ops::cluster_access::ClusterPlace;

/// What is to be deleted, and where.
#[derive(Debug, Clone)]
pub struct Request {
    /// Also the files of the folder.
    pub local: bool,
    /// Delete nothing.
    pub dry_run: bool,
    /// How long to wait until what was deleted is gone.
    pub wait: Duration,
    /// Ask no cluster, and leave what is in it.
    pub no_cluster: bool,
    /// Which cluster.
    pub place: ClusterPlace,
    /// How long an API server that fails or is busy is asked again.
    pub retry_for: Duration,
}
