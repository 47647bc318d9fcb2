//! What is asked of `doctor`.

use std::time::Duration;

use crate::lint::{Severity, Suppression};
use crate::names::Host;
use crate::ops::cluster_access::ClusterPlace;

/// What is examined, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The hosts; none means those of the workspace, else of the cluster's Gateways.
    pub hosts: Vec<Host>,
    /// Findings that are left out.
    pub suppressions: Vec<Suppression>,
    /// From which severity on the gateway is not well.
    pub fail_on: Severity,
    /// How long to wait until what was brought back is served.
    pub wait: Duration,
    /// Whether the ingress address is connected to.
    pub probe: bool,
    /// The longest that one question to a pod, the gateway or DNS may take.
    pub patience: Duration,
    /// Which cluster.
    pub place: ClusterPlace,
    /// How long an API server that fails or is busy is asked again.
    pub retry_for: Duration,
}
