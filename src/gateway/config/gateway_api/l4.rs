//! TLSRoutes and TCPRoutes (istiod's `convertTLSRoute` and `convertTCPRoute`).

use super::context::Context;
use super::kube::Stored;
use super::parents::Bound;
use super::rule::{Made, Paths, Refused};
use super::{backends, names};
use crate::gateway::config::note::Notes;
use crate::manifests::gateway_api::list;
use crate::manifests::model::virtual_service::{
    Destination, PortSelector, RouteDestination, TcpRoute, TlsMatch, TlsRoute, VirtualServiceSpec,
};

/// The destinations of every rule, and whether they are those of a rule without a share:
/// its connections are closed.
pub(super) fn routes(
    route: &Stored<'_>,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<Vec<(Made<Vec<RouteDestination>>, bool)>, Refused> {
    let mut found = Vec::new();
    for (index, rule) in list(route.content.pointer("/spec/rules")).enumerate() {
        let source = format!("spec.rules[{index}]");
        let mut paths = Paths::default();
        let is_closed = backends::weight_sum(rule.get("backendRefs")) == 0;
        let destinations = if is_closed {
            vec![RouteDestination {
                destination: Destination {
                    port: Some(PortSelector { number: 65535 }),
                    ..Destination::default()
                },
                weight: None,
            }]
        } else {
            backends::tcp(route, rule, &source, &mut paths, context, notes)?
        };
        let made = Made {
            route: destinations,
            source,
            paths,
        };
        found.push((made, is_closed));
    }
    Ok(found)
}

/// A TLSRoute as it is bound to a listener: by the server names where TLS is passed on,
/// as TCP where it ends. None: the listener has none of its hosts.
pub(super) fn tls(
    bound: &Bound<'_, '_>,
    hosts: &[String],
    rules: &[(Made<Vec<RouteDestination>>, bool)],
) -> Option<VirtualServiceSpec> {
    let hostname = bound.parent.hostname.as_str();
    let hosts = match hostname {
        "" => hosts.to_vec(),
        hostname => names::intersection(hosts, hostname),
    };
    if hosts.is_empty() {
        return None;
    }
    let mut spec = VirtualServiceSpec::default();
    for (rule, is_closed) in rules {
        // A rule without a share has no match, so no connection is its own.
        if bound.parent.terminates {
            spec.tcp.push(TcpRoute {
                route: if *is_closed { Vec::new() } else { rule.route.clone() },
                ..TcpRoute::default()
            });
        } else {
            let wanted = TlsMatch {
                sni_hosts: hosts.clone(),
                ..TlsMatch::default()
            };
            spec.tls.push(TlsRoute {
                matches: if *is_closed { Vec::new() } else { vec![wanted] },
                route: rule.route.clone(),
            });
        }
    }
    spec.hosts = hosts;
    Some(spec)
}

/// A TCPRoute as it is bound to a listener.
pub(super) fn tcp(rules: &[(Made<Vec<RouteDestination>>, bool)]) -> VirtualServiceSpec {
    VirtualServiceSpec {
        hosts: vec!["*".to_owned()],
        tcp: (rules.iter())
            .map(|(rule, _)| TcpRoute {
                route: rule.route.clone(),
                ..TcpRoute::default()
            })
            .collect(),
        ..VirtualServiceSpec::default()
    }
}
