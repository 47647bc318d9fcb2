//! The request of `status`.

use std::time::Duration;

use crate::names::Host;
use crate::ops::cluster_access::ClusterPlace;
use crate::ops::reach::connection::NamedGateway;

/// What to check.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The hosts; every host of the workspace if none is named.
    pub hosts: Vec<Host>,
    /// What expires within this time is a finding.
    pub expires_within: Option<Duration>,
    /// The gateway: `local` (the running serve of this workspace), `cluster`, or its
    /// address; by default it is found automatically.
    pub target: Option<NamedGateway>,
    /// The time limit of one phase of a probe.
    pub timeout: Duration,
    /// Do not use the cluster, even if one is recorded.
    pub local: bool,
    /// The cluster, if one is named.
    pub cluster: ClusterPlace,
}
