//! The request of `delete`.

use std::time::Duration;

use crate::ops::cluster_access::ClusterPlace;

/// What to delete, and where.
#[derive(Debug, Clone)]
pub struct Request {
    /// Also delete the files of the folder.
    pub local: bool,
    /// Only report; delete nothing.
    pub dry_run: bool,
    /// How long to wait until what was deleted is gone.
    pub wait: Duration,
    /// Contact no cluster, and keep the objects in it.
    pub no_cluster: bool,
    /// Which cluster.
    pub place: ClusterPlace,
    /// How long to retry an API server that fails or is busy.
    pub retry_for: Duration,
}
