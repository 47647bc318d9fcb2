//! The request of `doctor`.

use std::time::Duration;

use crate::lint::{Severity, Suppression};
use crate::names::Host;
use crate::ops::cluster_access::ClusterPlace;

/// What to examine, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The hosts; none means those of the workspace, otherwise of the cluster's Gateways.
    pub hosts: Vec<Host>,
    /// Findings to omit.
    pub suppressions: Vec<Suppression>,
    /// The severity from which the gateway counts as not well.
    pub fail_on: Severity,
    /// How long to wait until the gateway serves what was restored.
    pub wait: Duration,
    /// Whether the ingress address is connected to.
    pub probe: bool,
    /// The time limit for one query to a pod, the gateway or DNS.
    pub patience: Duration,
    /// Which cluster.
    pub place: ClusterPlace,
    /// How long to retry an API server that fails or is busy.
    pub retry_for: Duration,
}
