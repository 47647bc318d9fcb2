//! What a routing table serves, in words: for the start-up message.

use crate::gateway::config::table::{
    ClientAuth, Filter, FilterChain, Listener, ListenerProtocol, RouteTable, StringMatch, Table,
};
use crate::gateway::matching::{self, served_names};

/// One port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerSummary {
    /// The Gateway server's `port.number`.
    pub port: u16,
    /// What is spoken.
    pub speaks: Speaks,
    /// The names that are served, sorted; wildcards last.
    pub hosts: Vec<HostSummary>,
}

/// What clients speak on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP.
    Http,
    /// TLS, with HTTP in it for most names.
    Tls,
    /// Anything over TCP.
    Tcp,
}

/// One name of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSummary {
    /// `a.com`, `*.a.com` or `*`.
    pub name: String,
    /// How clients are authenticated, or that TLS is passed on, in Istio's word; none
    /// where no TLS is spoken.
    pub mode: Option<&'static str>,
    /// Whether its connections are passed on as they come out of TLS, without HTTP.
    pub is_tcp: bool,
    /// Why it does not work.
    pub fault: Option<Fault>,
    /// A path that is routed, to try.
    pub path: Option<String>,
}

/// Why a name's connections are reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its certificate is missing or broken.
    NoCertificate,
    /// Its server is not run.
    NotRun,
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
                ListenerProtocol::Http(routes) => (None, Some(routes)),
                ListenerProtocol::Tcp(_) => (None, None),
                ListenerProtocol::Tls(table) => {
                    let chain = match name.strip_prefix('*') {
                        Some("") => table.any.as_ref(),
                        Some(suffix) => table.wildcard.get(suffix),
                        None => table.exact.get(name.as_str()),
                    };
                    (chain, chain.and_then(|chain| chain.routes()))
                }
            };
            HostSummary {
                mode: chain.and_then(|chain| mode(chain)),
                is_tcp: chain.is_some_and(|chain| matches!(chain.filter, Filter::Tcp(_))),
                fault: chain.and_then(|chain| fault(chain)),
                path: routes.and_then(|routes| path_of(routes, &name)),
                name,
            }
        })
        .collect();
    ListenerSummary {
        port: listener.port,
        speaks: match listener.protocol {
            ListenerProtocol::Http(_) => Speaks::Http,
            ListenerProtocol::Tls(_) => Speaks::Tls,
            ListenerProtocol::Tcp(_) => Speaks::Tcp,
        },
        hosts,
    }
}

fn mode(chain: &FilterChain) -> Option<&'static str> {
    match (chain.material(), &chain.filter) {
        (Some(material), _) => Some(match material.map(|tls| &tls.client_auth) {
            Ok(ClientAuth::None) | Err(_) => "SIMPLE",
            Ok(ClientAuth::Optional(_)) => "OPTIONAL_MUTUAL",
            Ok(ClientAuth::Required(_)) => "MUTUAL",
        }),
        (None, Filter::Tcp(route)) if route.passes_tls => Some("PASSTHROUGH"),
        (None, _) => None,
    }
}

fn fault(chain: &FilterChain) -> Option<Fault> {
    match (chain.material(), &chain.filter) {
        (Some(Err(_)), _) => Some(Fault::NoCertificate),
        (_, Filter::Closed(_)) => Some(Fault::NotRun),
        _ => None,
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
        Some(StringMatch::Prefix(prefix) | StringMatch::PathPrefix(prefix))
            if prefix.trim_end_matches('/') == "/status" =>
        {
            Some("/status/418".to_owned())
        }
        Some(StringMatch::Exact(path) | StringMatch::Prefix(path) | StringMatch::PathPrefix(path)) => {
            Some(path.clone())
        }
        Some(StringMatch::Regex(_)) => None,
    })
}
