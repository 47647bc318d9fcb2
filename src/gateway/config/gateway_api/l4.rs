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

/// A rule's destinations.
pub(super) struct Rule {
    pub(super) made: Made<Vec<RouteDestination>>,
    /// None of its backends has a share, so its connections are closed.
    is_closed: bool,
}

/// The destinations of every rule.
pub(super) fn routes(route: &Stored<'_>, context: &Context<'_>, notes: &mut Notes) -> Result<Vec<Rule>, Refused> {
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
        found.push(Rule { made, is_closed });
    }
    Ok(found)
}

/// A TLSRoute as it is bound to a listener: by the server names where TLS is passed on,
/// as TCP where it ends. None: the listener has none of its hosts.
pub(super) fn tls(bound: &Bound<'_, '_>, hosts: &[String], rules: &[Rule]) -> Option<VirtualServiceSpec> {
    let hostname = bound.parent.hostname.as_str();
    let hosts = match hostname {
        "" => hosts.to_vec(),
        hostname => names::intersection(hosts, hostname),
    };
    if hosts.is_empty() {
        return None;
    }
    let mut spec = VirtualServiceSpec::default();
    for Rule { made, is_closed } in rules {
        // A rule without a share has no match, so no connection is its own.
        if bound.parent.terminates {
            spec.tcp.push(TcpRoute {
                route: if *is_closed { Vec::new() } else { made.route.clone() },
                ..TcpRoute::default()
            });
        } else {
            let wanted = TlsMatch {
                sni_hosts: hosts.clone(),
                ..TlsMatch::default()
            };
            spec.tls.push(TlsRoute {
                matches: if *is_closed { Vec::new() } else { vec![wanted] },
                route: made.route.clone(),
            });
        }
    }
    spec.hosts = hosts;
    Some(spec)
}

/// A TCPRoute as it is bound to a listener.
pub(super) fn tcp(rules: &[Rule]) -> VirtualServiceSpec {
    VirtualServiceSpec {
        hosts: vec!["*".to_owned()],
        tcp: (rules.iter())
            .map(|rule| TcpRoute {
                route: rule.made.route.clone(),
                ..TcpRoute::default()
            })
            .collect(),
        ..VirtualServiceSpec::default()
    }
}
