//! What a routing table serves, in words: for the start-up message.

use crate::gateway::config::table::{
    ClientAuth, FilterChain, Listener, ListenerProtocol, RouteTable, StringMatch, Table,
};
use crate::gateway::matching::{self, served_names};

/// One port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerSummary {
    /// The Gateway server's `port.number`.
    pub port: u16,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The names that are served, sorted; wildcards last.
    pub hosts: Vec<HostSummary>,
}

/// One name of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSummary {
    /// `a.com`, `*.a.com` or `*`.
    pub name: String,
    /// How clients are authenticated, in Istio's word; none on a plain port.
    pub mode: Option<&'static str>,
    /// Whether its certificate is missing or broken, so that connections are reset.
    pub broken: bool,
    /// A path that is routed, to try.
    pub path: Option<String>,
}

/// The ports of a table, in order.
pub fn summary(table: &Table) -> Vec<ListenerSummary> {
    let mut listeners: Vec<ListenerSummary> = table.listeners.iter().map(listener).collect();
    listeners.sort_by_key(|listener| listener.port);
    listeners
}

fn listener(listener: &Listener) -> ListenerSummary {
    let hosts = served_names(listener)
        .into_iter()
        .map(|name| {
            let (chain, routes) = match &listener.protocol {
                ListenerProtocol::Http(routes) => (None, Some(routes.as_ref())),
                ListenerProtocol::Tls(table) => {
                    let chain = match name.strip_prefix('*') {
                        Some("") => table.any.as_ref(),
                        Some(suffix) => table.wildcard.get(suffix),
                        None => table.exact.get(name.as_str()),
                    };
                    (chain, chain.map(|chain| chain.routes.as_ref()))
                }
            };
            HostSummary {
                mode: chain.map(|chain| mode(chain)),
                broken: chain.is_some_and(|chain| chain.tls.is_err()),
                path: routes.and_then(|routes| path_of(routes, &name)),
                name,
            }
        })
        .collect();
    ListenerSummary {
        port: listener.port,
        tls: matches!(listener.protocol, ListenerProtocol::Tls(_)),
        hosts,
    }
}

fn mode(chain: &FilterChain) -> &'static str {
    match chain.tls.as_ref().map(|tls| &tls.client_auth) {
        Ok(ClientAuth::None) | Err(_) => "SIMPLE",
        Ok(ClientAuth::Optional(_)) => "OPTIONAL_MUTUAL",
        Ok(ClientAuth::Required(_)) => "MUTUAL",
    }
}

/// The first path of a name's routes; the samples' best known ones completed.
fn path_of(routes: &RouteTable, name: &str) -> Option<String> {
    let host = match name.strip_prefix('*') {
        Some("") => routes.any.as_ref().or_else(|| routes.exact.values().next()),
        Some(suffix) => routes.wildcard.get(suffix),
        None => matching::virtual_host(routes, name),
    }?;
    host.routes.iter().find_map(|route| match &route.when.path {
        None => Some("/".to_owned()),
        Some(StringMatch::Prefix(prefix)) if prefix.trim_end_matches('/') == "/status" => {
            Some("/status/418".to_owned())
        }
        Some(StringMatch::Exact(path) | StringMatch::Prefix(path)) => Some(path.clone()),
        Some(StringMatch::Regex(_)) => None,
    })
}
