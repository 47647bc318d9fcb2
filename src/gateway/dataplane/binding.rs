//! A connection's routes, which follow the current table.

use std::sync::Arc;

use super::current::Generation;
use super::downstream::Downstream;
use crate::gateway::config::table::{ListenerProtocol, RouteTable};
use crate::gateway::matching;

/// A connection's routes in one table.
pub(super) struct Binding {
    pub(super) generation: Arc<Generation>,
    /// None: the server is gone from the table; every request is a 404.
    pub(super) routes: Option<Arc<RouteTable>>,
}

impl Binding {
    /// The routes of the connection's port or, with TLS, of the chain with its
    /// chain's name: as in Envoy, an open connection follows route changes and
    /// keeps the certificate that it was opened with.
    pub(super) fn new(generation: Arc<Generation>, downstream: &Downstream) -> Self {
        let routes = routes(&generation, downstream);
        Self { generation, routes }
    }
}

fn routes(generation: &Generation, downstream: &Downstream) -> Option<Arc<RouteTable>> {
    let listener = generation.listener(downstream.gateway_port)?;
    let chain = match (&listener.protocol, &downstream.tls) {
        (ListenerProtocol::Http(routes), None) => return Some(Arc::clone(routes)),
        (ListenerProtocol::Tls(chains), None) => chains.any.as_ref().filter(|chain| chain.material().is_none()),
        (ListenerProtocol::Tls(chains), Some(tls)) => {
            let by_sni = matching::filter_chain(chains, tls.sni.as_deref()).filter(|chain| chain.name == tls.chain);
            by_sni.or_else(|| chains.chains().find(|chain| chain.name == tls.chain))
        }
        (ListenerProtocol::Http(_), Some(_)) | (ListenerProtocol::Tcp(_), _) => None,
    };
    chain?.routes().map(Arc::clone)
}
