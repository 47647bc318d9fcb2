//! Where the connections of a server go that are not HTTP: a VirtualService's `tcp`
//! and `tls` lists, for one server of one gateway (istiod's
//! `buildGatewayNetworkFiltersFromTCPRoutes` and `...FromTLSRoutes`).

use super::clusters::Traffic;
use super::field::Field;
use super::route_scope::Building;
use super::routes::gateway_reference;
use super::table::{Endpoint, TcpDestination, TcpRoute};
use crate::manifests::model::virtual_service::{RouteDestination, VirtualServiceSpec};
use crate::problem::Problem;

/// The first `tcp` route that holds for the server; `place` is the spec.
pub(super) fn tcp_route(
    spec: &VirtualServiceSpec,
    name: &str,
    place: &Field<'_>,
    building: &mut Building<'_, '_>,
) -> Option<TcpRoute> {
    let holds = |route: &crate::manifests::model::virtual_service::TcpRoute| {
        let mut matches = route.matches.iter();
        route.matches.is_empty() || matches.any(|wanted| applies(wanted.port, &wanted.gateways, building))
    };
    let (index, route) = (spec.tcp.iter().enumerate()).find(|(_, route)| holds(route) && !route.route.is_empty())?;
    let name = format!("{}/{name} tcp[{index}]", building.namespace);
    Some(route_to(&route.route, name, false, &place.item("tcp", index), building))
}

/// A `tls` route, and the server names that lead to it.
pub(super) struct Passed<'p> {
    /// `sniHosts`.
    pub(super) names: Vec<String>,
    /// Where its connections go.
    pub(super) route: TcpRoute,
    /// The match.
    pub(super) place: Field<'p>,
}

/// The `tls` routes that hold for the server, one for each of their matches.
pub(super) fn tls_routes<'p>(
    spec: &VirtualServiceSpec,
    name: &str,
    place: &Field<'p>,
    building: &mut Building<'_, '_>,
) -> Vec<Passed<'p>> {
    let mut found = Vec::new();
    for (index, tls) in spec.tls.iter().enumerate().filter(|(_, tls)| !tls.route.is_empty()) {
        let place = place.item("tls", index);
        for (number, wanted) in tls.matches.iter().enumerate() {
            if !applies(wanted.port, &wanted.gateways, building) {
                continue;
            }
            let name = format!("{}/{name} tls[{index}]", building.namespace);
            found.push(Passed {
                names: wanted.sni_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
                route: route_to(&tls.route, name, true, &place, building),
                place: place.item("match", number).child("sniHosts"),
            });
        }
    }
    found
}

/// Whether a match is for this port and gateway; sources and subnets are not looked at
/// on a gateway.
fn applies(port: Option<u32>, gateways: &[String], building: &Building<'_, '_>) -> bool {
    let scope = building.scope;
    port.is_none_or(|port| port == 0 || port == u32::from(scope.port))
        && (gateways.is_empty()
            || (gateways.iter()).any(|gateway| gateway_reference(gateway, building.namespace) == scope.gateway))
}

fn route_to(
    destinations: &[RouteDestination],
    name: String,
    passes_tls: bool,
    place: &Field<'_>,
    building: &mut Building<'_, '_>,
) -> TcpRoute {
    let is_alone = destinations.len() == 1;
    let weight = |destination: &RouteDestination| destination.weight.and_then(|weight| u32::try_from(weight).ok());
    let mut found = Vec::new();
    for (index, destination) in destinations.iter().enumerate() {
        let weight = weight(destination).unwrap_or_default();
        if weight == 0 && !is_alone {
            continue;
        }
        let place = place.item("route", index);
        let cluster = building.clusters.index_of(
            &destination.destination,
            building.namespace,
            building.scope.port,
            Traffic::Tcp,
            &place,
            building.notes,
        );
        say_stand_in(cluster, &destination.destination.host, passes_tls, &place, building);
        found.push(TcpDestination { cluster, weight });
    }
    TcpRoute {
        name,
        passes_tls,
        destinations: found,
    }
}

/// Says what stands in for a destination that no `--upstream` serves.
fn say_stand_in(cluster: usize, host: &str, passes_tls: bool, place: &Field<'_>, building: &mut Building<'_, '_>) {
    let Some(cluster) = building.clusters.list.get(cluster) else {
        return;
    };
    if !matches!(cluster.endpoint, Endpoint::Sample(_)) {
        return;
    }
    let name = &cluster.name;
    let port = name.rsplit(':').next().unwrap_or_default();
    let (what, why) = if passes_tls {
        (
            format!("serve closes the connections to {name}"),
            "their TLS is passed on, so none of the built-in samples can answer",
        )
    } else {
        (
            format!("serve sends back what is sent to {name}"),
            "no upstream is given, and there is no sample of TCP but an echo",
        )
    };
    building.notes.push_limit(
        Problem::new(what)
            .at(place.child("destination").locate())
            .why(why)
            .fix(format!(
                "say where its connections go: --upstream {host}:{port}=tcp://HOST:PORT"
            )),
    );
}
