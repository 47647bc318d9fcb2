//! The checks of Istio's admission webhook on a VirtualService as a whole: hosts, names of
//! Gateways, exportTo, and whether there are any routes.

use std::collections::HashSet;

use crate::lint::codes::{
    CLAIM_WITHOUT_GATEWAY, VS_DELEGATE_FIELDS, VS_EXPORT_TO, VS_GATEWAY_NAME, VS_GATEWAY_NAME_LEGACY, VS_HOST_INVALID,
    VS_HOSTS_OVERLAP, VS_WILDCARD_IN_MESH, VS_WITHOUT_ROUTES,
};
use crate::lint::index::bindings::MESH;
use crate::lint::index::host_index::{HostIndex, Suffixes};
use crate::lint::istio_names::{
    check_fqdn, check_gateway_domain, check_wildcard_domain, is_address, is_claim, is_label,
};
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Item, Rule, World};
use crate::manifests::model::VirtualService;

pub(super) static RULES: &[&dyn Rule] = &[&Hosts, &GatewayNames, &Routes, &ExportTo, &Claims];

/// Whether the routes apply only to Gateways, not to sidecars.
fn is_for_gateways(service: &Item<'_, VirtualService>) -> bool {
    let gateways = &service.object.spec.gateways;
    !gateways.is_empty() && gateways.iter().all(|name| name != MESH)
}

/// The hosts, individually and in combination.
struct Hosts;

impl Rule for Hosts {
    fn codes(&self) -> &'static [&'static Code] {
        &[&VS_HOST_INVALID, &VS_HOSTS_OVERLAP, &VS_WILDCARD_IN_MESH]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            let spot = Spot::new(service, "spec.hosts");
            let mut all_fit = true;
            for (at, host) in service.object.spec.hosts.iter().enumerate() {
                all_fit &= check_host(service, host, &spot.at(at), found);
            }
            if all_fit {
                check_overlaps(&service.object.spec.hosts, &spot, found);
            }
        }
    }
}

/// Checks one host, and returns whether it can be compared with others.
fn check_host(service: &Item<'_, VirtualService>, host: &str, spot: &Spot<'_>, found: &mut Findings) -> bool {
    let for_gateways = is_for_gateways(service);
    let checked = if for_gateways {
        let mut matches = service.object.spec.tls.iter().flat_map(|route| &route.matches);
        check_gateway_domain(host, matches.any(|wanted| !wanted.sni_hosts.is_empty()))
    } else {
        check_wildcard_domain(host)
    };
    match checked {
        Err(_) if is_address(host) => true,
        Err(why) => {
            found.push(spot.finding(
                &VS_HOST_INVALID,
                format!("the host \"{host}\" is not a DNS name: {why}"),
            ));
            false
        }
        Ok(()) if host == "*" && !for_gateways => {
            found.push(spot.finding(
                &VS_WILDCARD_IN_MESH,
                "the host * is not allowed in a VirtualService of the \
                mesh",
            ));
            false
        }
        Ok(()) => true,
    }
}

fn check_overlaps(hosts: &[String], spot: &Spot<'_>, found: &mut Findings) {
    if hosts.len() < 2 {
        return;
    }
    let mut index = HostIndex::asked_for(&Suffixes::of(hosts.iter().map(String::as_str)));
    for (at, host) in hosts.iter().enumerate() {
        let earlier = index.overlapping(host).next().cloned();
        match earlier {
            None => index.add(host, host),
            Some(earlier) if earlier == *host => {
                let what = format!("the host {host} is listed twice");
                found.push(spot.at(at).finding(&VS_HOSTS_OVERLAP, what).fix("remove one of them"));
            }
            Some(earlier) => {
                let what = format!("the hosts {earlier} and {host} overlap");
                found.push(spot.at(at).finding(&VS_HOSTS_OVERLAP, what));
            }
        }
    }
}

/// The names of Gateways in `spec.gateways`.
struct GatewayNames;

impl Rule for GatewayNames {
    fn codes(&self) -> &'static [&'static Code] {
        &[&VS_GATEWAY_NAME, &VS_GATEWAY_NAME_LEGACY]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            let spot = Spot::new(service, "spec.gateways");
            check_gateway_names(&service.object.spec.gateways, &spot, found);
        }
    }
}

/// Checks a list of Gateway names; like Istio, only up to the first one without a slash.
pub(super) fn check_gateway_names(names: &[String], spot: &Spot<'_>, found: &mut Findings) {
    for (at, name) in names.iter().enumerate() {
        let spot = spot.at(at);
        let Some((namespace, own)) = name.split_once('/') else {
            if name.contains('.') {
                let mut parts = name.split('.');
                let (own, namespace) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let what = format!("the Gateway reference {name} has the legacy form");
                let finding = spot.finding(&VS_GATEWAY_NAME_LEGACY, what);
                found.push(finding.fix(format!("write {namespace}/{own}")));
            }
            if let Err(why) = check_fqdn(name) {
                found.push(spot.finding(
                    &VS_GATEWAY_NAME,
                    format!(
                        "\"{name}\" is not a valid Gateway reference: \
                    {why}"
                    ),
                ));
            }
            return;
        };
        for (part, text) in [("namespace", namespace), ("name", own)] {
            if !is_label(text) {
                let what = format!(
                    "\"{name}\" is not a valid Gateway reference: the {part} \"{text}\" is not a \
                    DNS label"
                );
                let finding = spot.finding(&VS_GATEWAY_NAME, what);
                found.push(if text == "." {
                    finding.fix(format!(
                        "write only {own} for a Gateway in the VirtualService's own namespace"
                    ))
                } else {
                    finding
                });
            }
        }
    }
}

/// There are routes, and a delegate has only `http` routes.
struct Routes;

impl Rule for Routes {
    fn codes(&self) -> &'static [&'static Code] {
        &[&VS_WITHOUT_ROUTES, &VS_DELEGATE_FIELDS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            let spec = &service.object.spec;
            if spec.http.is_empty() && spec.tls.is_empty() && spec.tcp.is_empty() {
                let what = "the VirtualService has no http, tls or tcp routes";
                found.push(Spot::new(service, "spec").finding(&VS_WITHOUT_ROUTES, what));
            }
            if !spec.hosts.is_empty() {
                continue;
            }
            for (field, is_empty) in [
                ("gateways", spec.gateways.is_empty()),
                ("tls", spec.tls.is_empty()),
                ("tcp", spec.tcp.is_empty()),
            ] {
                if !is_empty {
                    let what = format!("the VirtualService has {field} but no hosts");
                    found.push(Spot::new(service, format!("spec.{field}")).finding(&VS_DELEGATE_FIELDS, what));
                }
            }
        }
    }
}

/// The namespaces that it is exported to.
struct ExportTo;

impl Rule for ExportTo {
    fn codes(&self) -> &'static [&'static Code] {
        &[&VS_EXPORT_TO]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            let spot = Spot::new(service, "spec.exportTo");
            let entries = &service.object.spec.export_to;
            let mut seen = HashSet::new();
            for (at, entry) in entries.iter().enumerate() {
                let namespace = if entry == "." { service.namespace } else { entry };
                let what = if !seen.insert(namespace) {
                    format!("the namespace {namespace} is listed twice in exportTo")
                } else if entry == "~" {
                    "exportTo ~ is allowed only for ServiceEntries and Services".to_owned()
                } else if entry != "*" && !is_label(namespace) {
                    format!("\"{entry}\" in exportTo is not a namespace")
                } else {
                    continue;
                };
                found.push(spot.at(at).finding(&VS_EXPORT_TO, what));
            }
            if let (true, Some(at)) = (entries.len() > 1, entries.iter().position(|entry| entry == "*")) {
                let what = "exportTo has * together with other namespaces";
                found.push(spot.at(at).finding(&VS_EXPORT_TO, what));
            }
        }
    }
}

/// Claims are matched only on gateways.
struct Claims;

impl Rule for Claims {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CLAIM_WITHOUT_GATEWAY]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in world
            .virtual_services
            .iter()
            .filter(|service| !is_for_gateways(service))
        {
            for (claim, spot) in claims_of(service) {
                let what = format!("a VirtualService of the mesh cannot match the claim {claim}");
                found.push(spot.finding(&CLAIM_WITHOUT_GATEWAY, what));
            }
        }
    }
}

/// The claims that routes match, with their positions.
pub(super) fn claims_of<'a>(service: &'a Item<'a, VirtualService>) -> Vec<(&'a str, Spot<'a>)> {
    let mut claims = Vec::new();
    for (route, at) in service.object.spec.http.iter().zip(0..) {
        for (wanted, number) in route.matches.iter().zip(0..) {
            for (field, headers) in [
                ("headers", &wanted.headers),
                ("withoutHeaders", &wanted.without_headers),
            ] {
                for name in headers.keys().filter(|name| is_claim(name)) {
                    let spot = Spot::new(service, format!("spec.http[{at}].match[{number}].{field}"));
                    claims.push((name.as_str(), spot.entry(name)));
                }
            }
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::assert_code;

    fn service(spec: &str) -> String {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a, namespace: here}}\n\
             spec: {{{spec}}}\n"
        )
    }

    const ROUTE: &str = "http: [{route: [{destination: {host: a}}]}]";

    /// Each row: the spec without its routes, and the paths at which the code is found.
    fn table(code: &str, cases: &[(&str, &[&str])]) {
        for (spec, paths) in cases {
            assert_code(&service(&format!("{spec}, {ROUTE}")), code, paths);
        }
    }

    #[test]
    fn hosts_are_names_wildcards_or_addresses() {
        table(
            "ITL0530",
            &[
                ("hosts: [a.com, '*.b.com', '10.0.0.1', '::1', reviews]", &[]),
                ("hosts: ['*-c.b.com', A.Com, a.com.], gateways: [g]", &[]),
                ("hosts: ['*'], gateways: [g]", &[]),
                (
                    "hosts: [a_b.com, 'a.*.com', 'https://a.com']",
                    &["spec.hosts[0]", "spec.hosts[1]", "spec.hosts[2]"],
                ),
                (
                    "hosts: ['', 'a.com:80'], gateways: [g]",
                    &["spec.hosts[0]", "spec.hosts[1]"],
                ),
            ],
        );
        let tls = "tls: [{match: [{sniHosts: [outbound_.80_._.a.mesh]}], route: [{destination: {host: a}}]}]";
        let spec = format!("hosts: [outbound_.80_._.a.mesh], gateways: [g], {tls}");
        assert_code(&service(&spec), "ITL0530", &[]);
        table(
            "ITL0530",
            &[("hosts: [outbound_.80_._.a.mesh], gateways: [g]", &["spec.hosts[0]"])],
        );
    }

    #[test]
    fn hosts_that_cover_each_other() {
        table(
            "ITL0531",
            &[
                ("hosts: [a.com, b.com, '*.c.com']", &[]),
                ("hosts: ['*.a.com', a.com]", &[]),
                ("hosts: ['10.0.0.1', '10.0.0.2']", &[]),
                ("hosts: ['*.a.com', b.com, x.y.a.com]", &["spec.hosts[2]"]),
                ("hosts: [x.a.com, '*.a.com']", &["spec.hosts[1]"]),
                ("hosts: [a.com, a.com]", &["spec.hosts[1]"]),
                // If one is invalid, they are not compared.
                ("hosts: [a.com, a.com, a_b]", &[]),
            ],
        );
    }

    #[test]
    fn the_mesh_takes_no_host_of_all() {
        table(
            "ITL0532",
            &[
                ("hosts: ['*'], gateways: [g]", &[]),
                ("hosts: ['*.com']", &[]),
                ("hosts: [a.com], gateways: [mesh]", &[]),
                ("hosts: ['*']", &["spec.hosts[0]"]),
                ("hosts: ['*'], gateways: [g, mesh]", &["spec.hosts[0]"]),
            ],
        );
    }

    #[test]
    fn routes_there_are() {
        for (spec, expected) in [
            ("hosts: [a.com], http: [{directResponse: {status: 200}}]", &[][..]),
            ("hosts: [a.com], tcp: [{route: [{destination: {host: a}}]}]", &[]),
            (
                "hosts: [a.com], tls: [{match: [{sniHosts: [a.com]}], route: [{destination: {host: a}}]}]",
                &[],
            ),
            ("hosts: [a.com]", &["spec"]),
            ("hosts: [a.com], http: []", &["spec"]),
        ] {
            assert_code(&service(spec), "ITL0533", expected);
        }
    }

    #[test]
    fn a_delegate_has_http_routes_alone() {
        table(
            "ITL0534",
            &[
                ("hosts: []", &[]),
                ("exportTo: ['*']", &[]),
                (
                    "hosts: [a.com], gateways: [g], tcp: [{route: [{destination: {host: a}}]}]",
                    &[],
                ),
                ("gateways: [g]", &["spec.gateways"]),
                ("tcp: [{route: [{destination: {host: a}}]}]", &["spec.tcp"]),
            ],
        );
    }

    #[test]
    fn names_of_gateways() {
        table(
            "ITL0535",
            &[
                ("hosts: [a.com], gateways: [mesh, g]", &[]),
                ("hosts: [a.com], gateways: [here/g, there/my-gateway]", &[]),
                ("hosts: [a.com], gateways: [g.here.svc.cluster.local]", &[]),
                ("hosts: [a.com], gateways: [./g]", &["spec.gateways[0]"]),
                ("hosts: [a.com], gateways: [here/g, there/]", &["spec.gateways[1]"]),
                ("hosts: [a.com], gateways: [here/a/b]", &["spec.gateways[0]"]),
                ("hosts: [a.com], gateways: [g_h]", &["spec.gateways[0]"]),
            ],
        );
        table(
            "ITL0536",
            &[
                ("hosts: [a.com], gateways: [mesh]", &[]),
                ("hosts: [a.com], gateways: [g]", &[]),
                ("hosts: [a.com], gateways: [here/g]", &[]),
                (
                    "hosts: [a.com], gateways: [here/g, g.there.svc.cluster.local]",
                    &["spec.gateways[1]"],
                ),
            ],
        );
    }

    #[test]
    fn export_to_names_each_namespace_once() {
        table(
            "ITL0537",
            &[
                ("hosts: [a.com]", &[]),
                ("hosts: [a.com], exportTo: ['*']", &[]),
                ("hosts: [a.com], exportTo: [., there]", &[]),
                ("hosts: [a.com], exportTo: [here, .]", &["spec.exportTo[1]"]),
                ("hosts: [a.com], exportTo: [there, '*']", &["spec.exportTo[1]"]),
                (
                    "hosts: [a.com], exportTo: ['~', a/b]",
                    &["spec.exportTo[0]", "spec.exportTo[1]"],
                ),
            ],
        );
    }

    #[test]
    fn claims_need_a_gateway() {
        let with = |head: &str, header: &str| {
            service(&format!(
                "{head}, http: [{{match: [{{headers: {{'{header}': {{exact: x}}}}}}], route: [{{destination: {{host: a}}}}]}}]"
            ))
        };
        let claim = "@request.auth.claims.sub";
        let path = "spec.http[0].match[0].headers[\"@request.auth.claims.sub\"]";
        assert_code(&with("hosts: [a.com], gateways: [g]", claim), "ITL0538", &[]);
        assert_code(&with("hosts: [a.com]", "x-user"), "ITL0538", &[]);
        assert_code(&with("hosts: [a.com]", "@request.auth"), "ITL0538", &[]);
        assert_code(&with("hosts: [a.com]", claim), "ITL0538", &[path]);
        assert_code(&with("hosts: [a.com], gateways: [g, mesh]", claim), "ITL0538", &[path]);
    }
}
