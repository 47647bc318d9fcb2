//! Gateway hosts for which no VirtualService has routes.

use std::collections::{HashMap, HashSet};

use super::vs_unbound::Unbound;
use crate::lint::codes::{GATEWAY_HOST_WITHOUT_ROUTES, VS_WITHOUT_GATEWAYS};
use crate::lint::index::bindings::{MESH, Takes, gateway_name};
use crate::lint::index::host_index::{HostIndex, Suffixes};
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::manifests::server_hosts::hosts_of;

pub(super) static RULES: &[&dyn Rule] = &[&HostsWithoutRoutes];

/// Hosts of HTTP servers for which no VirtualService has routes.
struct HostsWithoutRoutes;

impl Rule for HostsWithoutRoutes {
    fn codes(&self) -> &'static [&'static Code] {
        &[&GATEWAY_HOST_WITHOUT_ROUTES, &VS_WITHOUT_GATEWAYS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        if let Some(unseen) = world.unseen("VirtualService") {
            found.skip(&GATEWAY_HOST_WITHOUT_ROUTES, unseen);
            return;
        }
        if world.virtual_services.is_empty() {
            found.skip(&GATEWAY_HOST_WITHOUT_ROUTES, "the input holds no VirtualService");
            return;
        }
        let mut unread = world.errors.iter().map(|error| error.object.as_ref());
        if unread.any(|object| object.is_none_or(|object| object.kind == "VirtualService")) {
            found.skip(
                &GATEWAY_HOST_WITHOUT_ROUTES,
                "a VirtualService could not be read; it may have the routes",
            );
            return;
        }
        let (routed, astray) = routed_hosts(world);
        let mut unbound = Unbound::of(world);
        for gateway in &world.gateways {
            let routed = routed.get(&(gateway.namespace, gateway.metadata.name.as_str()));
            let mut told = HashSet::new();
            for (number, server) in gateway.object.spec.servers.iter().enumerate() {
                let redirects = server.tls.as_ref().is_some_and(|tls| tls.https_redirect == Some(true));
                if Takes::of(server) != Takes::Http || redirects {
                    continue;
                }
                for (at, host) in hosts_of(server, gateway.namespace).into_iter().enumerate() {
                    let only = host.namespace.as_deref();
                    let mut namespaces = routed
                        .into_iter()
                        .chain([&astray])
                        .flat_map(|routed| routed.overlapping(&host.name));
                    let is_routed = namespaces.any(|namespace| only.is_none_or(|only| only == *namespace));
                    if is_routed || !told.insert(host.text()) {
                        continue;
                    }
                    // If the routes exist but are not bound, that is the finding.
                    if !unbound.found(gateway, &host, found) {
                        let place = gateway.place(&format!("spec.servers[{number}].hosts[{at}]"));
                        let what = format!(
                            "no VirtualService that is bound to {} has routes for {}",
                            gateway.full_name(),
                            host.text()
                        );
                        found.push(Finding::new(&GATEWAY_HOST_WITHOUT_ROUTES, place, what));
                    }
                }
            }
        }
    }
}

/// Hosts with the namespaces of their VirtualServices.
type Routed<'w> = HostIndex<&'w str>;

/// The hosts of the VirtualServices bound to each Gateway, and those of VirtualServices that refer
/// to a missing Gateway: that reference is the finding, and its consequence is not reported at the
/// intended Gateway.
fn routed_hosts<'w>(world: &'w World<'_>) -> (HashMap<(&'w str, &'w str), Routed<'w>>, Routed<'w>) {
    let servers = world.gateways.iter().flat_map(|gateway| &gateway.object.spec.servers);
    let wildcards: Vec<String> = servers
        .flat_map(|server| hosts_of(server, ""))
        .map(|host| host.name)
        .filter(|name| name.starts_with('*'))
        .collect();
    let asked = Suffixes::of(wildcards.iter().map(String::as_str));
    let there: HashSet<(&str, &str)> = world
        .gateways
        .iter()
        .map(|gateway| (gateway.namespace, gateway.metadata.name.as_str()))
        .collect();
    let mut routed = HashMap::new();
    let mut astray = HostIndex::asked_for(&asked);
    for service in &world.virtual_services {
        let gateways = service.object.spec.gateways.iter().filter(|name| *name != MESH);
        for gateway in gateways {
            let name = gateway_name(gateway, service.namespace);
            let index = if there.contains(&name) {
                routed.entry(name).or_insert_with(|| HostIndex::asked_for(&asked))
            } else {
                &mut astray
            };
            for host in &service.object.spec.hosts {
                index.add(&host.to_ascii_lowercase(), &service.namespace);
            }
            if service.object.spec.hosts.is_empty() {
                // Missing hosts have their own finding.
                index.add("*", &service.namespace);
            }
        }
    }
    (routed, astray)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, lint_yaml};

    const HTTP: &str = "{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.com]}";
    const SIMPLE: &str =
        "{port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.com], tls: {mode: SIMPLE, credentialName: c}}";
    const PASS: &str = "{port: {number: 443, name: pass, protocol: TLS}, hosts: [a.com], tls: {mode: PASSTHROUGH}}";

    fn gateway(servers: &[&str]) -> String {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: here}}\n\
             spec: {{selector: {{istio: ingressgateway}}, servers: [{}]}}\n",
            servers.join(", ")
        )
    }

    fn service(spec: &str) -> String {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n\
             metadata: {{name: a, namespace: here}}\nspec: {{{spec}}}\n"
        )
    }

    const TO: &str = "route: [{destination: {host: a}}]";

    #[test]
    fn each_host_of_a_gateway_has_routes() {
        let redirect = "{port: {number: 80, name: http, protocol: HTTP}, hosts: [b.com], tls: {httpsRedirect: true}}";
        let of = |hosts: &str| format!("{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [{hosts}]}}");
        let bound = service(&format!("hosts: [x.a.com, '*.b.com'], gateways: [g], http: [{{{TO}}}]"));
        let astray = service(&format!("hosts: [a.com], gateways: [there/g], http: [{{{TO}}}]"));
        let other = gateway(&[HTTP]).replace("namespace: here", "namespace: there");
        let elsewhere = format!("{astray}{other}");
        let unbound = service(&format!("gateways: [g], http: [{{{TO}}}]"));
        for (server, service, paths) in [
            (of("x.a.com, '*.a.com', '*', x.b.com, '*.b.com'"), &bound, &[][..]),
            (of("here/x.a.com, './*.a.com', '*/x.b.com'"), &bound, &[]),
            (redirect.to_owned(), &bound, &[]),
            (PASS.to_owned(), &bound, &[]),
            (of("there/c.com, '*/*'"), &bound, &[]),
            (of("a.com"), &bound, &["spec.servers[0].hosts[0]"]),
            (
                of("x.a.com, there/x.a.com, '*.c.com'"),
                &bound,
                &["spec.servers[0].hosts[1]", "spec.servers[0].hosts[2]"],
            ),
            (of("a.com"), &elsewhere, &["spec.servers[0].hosts[0]"]),
            // The missing Gateway, or the missing hosts, are the finding.
            (of("a.com"), &astray, &[]),
            (of("b.com"), &astray, &["spec.servers[0].hosts[0]"]),
            (of("a.com, '*.b.com'"), &unbound, &[]),
        ] {
            assert_code(&format!("{}{service}", gateway(&[&server])), "ITL0509", paths);
        }
        let twice = format!("{}{bound}", gateway(&[&of("c.com"), SIMPLE]));
        assert_code(
            &twice,
            "ITL0509",
            &["spec.servers[0].hosts[0]", "spec.servers[1].hosts[0]"],
        );
        let report = lint_yaml(&gateway(&[HTTP]));
        assert!(report.skipped.iter().any(|skipped| skipped.code == "ITL0509"));
    }
}
