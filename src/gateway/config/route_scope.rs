//! For whom routes are built, and what is at hand meanwhile.

use std::collections::BTreeMap;

use super::clusters::Clusters;
use super::delegates::Delegates;
use super::note::Notes;

/// For which listener and workload routes are built.
pub(super) struct RouteScope<'a> {
    /// `namespace/name` of the Gateway.
    pub(super) gateway: &'a str,
    /// The server's `port.number`.
    pub(super) port: u16,
    /// Whether the listener terminates TLS.
    pub(super) tls: bool,
    /// The gateway pods' namespace.
    pub(super) pod_namespace: &'a str,
    /// The gateway pods' labels.
    pub(super) pod_labels: &'a BTreeMap<String, String>,
}

/// What is at hand while the routes of one VirtualService are built.
pub(super) struct Building<'b, 'c> {
    /// The VirtualService's namespace.
    pub(super) namespace: &'b str,
    pub(super) scope: &'b RouteScope<'b>,
    pub(super) delegates: &'b Delegates<'c>,
    pub(super) clusters: &'b mut Clusters<'c>,
    /// What is not run, or not as it stands.
    pub(super) notes: &'b mut Notes,
}
