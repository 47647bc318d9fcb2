//! A VirtualService per host: from its paths to its Services.

use super::metadata::{gateway_metadata, istio_api_version};
use super::{HostIntent, Intent};
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
                    gateways: vec![intent.gateway_name(index)],
                    http: routes(&host.routes),
                    ..VirtualServiceSpec::default()
                },
            )
        })
        .collect()
}

/// The authority of requests. Istio does not accept an IPv6 address in the brackets that clients
/// use, so such a host matches any authority.
pub(super) fn authority(host: &HostIntent) -> String {
    match host.names.host.ip() {
        Some(ip) if ip.is_ipv6() => "*".into(),
        _ => host.names.host.to_string(),
    }
}

/// One route per Service.
fn routes(entries: &[RouteEntry]) -> Vec<HttpRoute> {
    by_destination(entries)
        .into_iter()
        .map(|group| {
            let destination = Destination {
                host: group[0].service.clone(),
                subset: None,
                port: Some(PortSelector {
                    number: u32::from(group[0].port),
                }),
            };
            HttpRoute {
                matches: group.iter().map(|entry| path(entry)).collect(),
                route: vec![HttpRouteDestination {
                    destination,
                    weight: None,
                    headers: None,
                }],
                ..HttpRoute::default()
            }
        })
        .collect()
}

/// Groups adjacent routes to the same Service and port; no group is empty. The first match wins, so
/// if paths go to several Services, longer paths come before shorter ones.
pub(super) fn by_destination(entries: &[RouteEntry]) -> Vec<Vec<&RouteEntry>> {
    let same = |a: &RouteEntry, b: &RouteEntry| (&a.service, a.port) == (&b.service, b.port);
    let mut entries: Vec<&RouteEntry> = entries.iter().collect();
    if entries.windows(2).any(|pair| !same(pair[0], pair[1])) {
        entries.sort_by_key(|entry| match (&entry.exact, &entry.prefix) {
            (Some(_), _) => std::cmp::Reverse(usize::MAX),
            (None, prefix) => std::cmp::Reverse(prefix.as_ref().map_or(0, String::len)),
        });
    }
    entries
        .chunk_by(|a, b| same(a, b))
        .map(<[&RouteEntry]>::to_vec)
        .collect()
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
