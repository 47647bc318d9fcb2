//! For whom routes are built, and what is at hand meanwhile.

use std::collections::BTreeMap;

use http::StatusCode;

use super::clusters::{Clusters, Traffic};
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
    /// Its routes are those of the Gateway API: a prefix ends where a segment of the path
    /// ends, and a destination that is not there is a 500.
    pub(super) of_gateway_api: bool,
    pub(super) scope: &'b RouteScope<'b>,
    pub(super) delegates: &'b Delegates<'c>,
    pub(super) clusters: &'b mut Clusters<'c>,
    /// What is not run, or not as it stands.
    pub(super) notes: &'b mut Notes,
}

impl Building<'_, '_> {
    /// The answer where there is no such destination.
    pub(super) fn missing(&self) -> StatusCode {
        if self.of_gateway_api {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }

    /// What HTTP routes ask destinations for.
    pub(super) fn requests(&self) -> Traffic {
        Traffic::Http(self.missing())
    }
}
