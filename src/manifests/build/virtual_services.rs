//! A VirtualService per host: its paths to its Services.

use super::{HostIntent, Intent, gateway_metadata, gateway_name, istio_api_version};
use crate::manifests::model::VirtualService;
use crate::manifests::model::http_route::{HttpMatch, HttpRoute, HttpRouteDestination, StringMatch};
use crate::manifests::model::virtual_service::{Destination, PortSelector, VirtualServiceSpec};
use crate::workspace::config::RouteEntry;

/// The VirtualServices of all hosts.
pub(super) fn virtual_services(intent: &Intent) -> Vec<VirtualService> {
    let hosts = intent.hosts.iter().enumerate();
    hosts
        .map(|(index, host)| {
            VirtualService::new(
                istio_api_version(intent.istio),
                gateway_metadata(intent, &host.names.virtual_service),
                VirtualServiceSpec {
                    hosts: vec![authority(host)],
                    gateways: vec![gateway_name(intent, index)],
                    http: routes(&host.routes),
                    ..VirtualServiceSpec::default()
                },
            )
        })
        .collect()
}

/// What requests name as their authority. Istio takes no IPv6 address in the
/// brackets that clients put around it, so such a host takes any authority.
fn authority(host: &HostIntent) -> String {
    match host.names.host.ip() {
        Some(ip) if ip.is_ipv6() => "*".into(),
        _ => host.names.host.to_string(),
    }
}

/// One route per Service, in order. The first match wins, so where paths lead
/// to several Services, a longer path comes before a shorter one.
fn routes(entries: &[RouteEntry]) -> Vec<HttpRoute> {
    let mut entries: Vec<&RouteEntry> = entries.iter().collect();
    let several = entries
        .windows(2)
        .any(|pair| (&pair[0].service, pair[0].port) != (&pair[1].service, pair[1].port));
    if several {
        entries.sort_by_key(|entry| match (&entry.exact, &entry.prefix) {
            (Some(_), _) => std::cmp::Reverse(usize::MAX),
            (None, prefix) => std::cmp::Reverse(prefix.as_ref().map_or(0, String::len)),
        });
    }
    let mut routes: Vec<HttpRoute> = Vec::new();
    for group in entries.chunk_by(|a, b| (&a.service, a.port) == (&b.service, b.port)) {
        let destination = Destination {
            host: group[0].service.clone(),
            subset: None,
            port: Some(PortSelector {
                number: u32::from(group[0].port),
            }),
        };
        routes.push(HttpRoute {
            matches: group.iter().map(|entry| path(entry)).collect(),
            route: vec![HttpRouteDestination {
                destination,
                weight: None,
                headers: None,
            }],
            ..HttpRoute::default()
        });
    }
    routes
}

fn path(entry: &RouteEntry) -> HttpMatch {
    let uri = match (&entry.exact, &entry.prefix) {
        (Some(path), _) => StringMatch::Exact(path.clone()),
        (None, Some(path)) => StringMatch::Prefix(path.clone()),
        (None, None) => StringMatch::Prefix("/".into()),
    };
    HttpMatch {
        uri: Some(uri),
        ..HttpMatch::default()
    }
}
