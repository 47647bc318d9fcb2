//! What `status` is asked for.

use std::time::Duration;

use crate::names::Host;
use crate::ops::cluster_access::ClusterPlace;
use crate::ops::reach::connection::NamedGateway;

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The hosts; every host of the workspace when none is named.
    pub hosts: Vec<Host>,
    /// What ends within this time is a finding.
    pub expires_within: Option<Duration>,
    /// The gateway: `local` (the running serve of this workspace), `cluster`, or its
    /// address; where it is found by itself when none is given.
    pub target: Option<NamedGateway>,
    /// The longest that one phase of asking the gateway may take.
    pub timeout: Duration,
    /// The cluster is left alone, though one is recorded.
    pub local: bool,
    /// The cluster, where one is named.
    pub cluster: ClusterPlace,
}
