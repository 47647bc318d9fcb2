//! Routes hidden by another VirtualService of the same host, in the order in which a gateway merges
//! their routes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::prefix_cover::covers;
use super::reachability::is_catch_all;
use crate::lint::codes::HIDDEN_BY_ANOTHER;
use crate::lint::index::bindings::{MESH, Takes, gateway_name};
use crate::lint::index::host_index::{HostIndex, Suffixes};
use crate::lint::index::servers::ServerAt;
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Item, Rule, World};
use crate::manifests::model::VirtualService;
use crate::manifests::model::http_route::{HttpMatch, StringMatch};
use crate::manifests::server_hosts::intersection;

pub(super) static RULES: &[&dyn Rule] = &[&Merged];

/// The maximum number of match pairs that are compared: many VirtualServices with the same host
/// would otherwise take quadratic time.
const MOST_PAIRS: usize = 2_000_000;

/// Routes of VirtualServices that share a server's host.
struct Merged;

impl Rule for Merged {
    fn codes(&self) -> &'static [&'static Code] {
        &[&HIDDEN_BY_ANOTHER]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        if world.virtual_services.len() < 2 {
            return;
        }
        let mut pairs = 0;
        let mut told = HashSet::new();
        let mut compared = HashSet::new();
        for (table, hosts) in tables(world) {
            for (host, mut bound) in hosts {
                bound.sort_by_key(|bound| (bound.rank, world.virtual_services[bound.service].age()));
                bound.dedup_by_key(|bound| bound.service);
                let services: Vec<usize> = bound.iter().map(|bound| bound.service).collect();
                // Hosts with the same VirtualServices have the same routes.
                if bound.len() < 2 || !compared.insert((services, table.port)) {
                    continue;
                }
                let matches = joined(world, &bound, table.port);
                pairs += matches.len() * matches.len();
                if pairs > MOST_PAIRS {
                    found.skip(
                        &HIDDEN_BY_ANOTHER,
                        "there are too many routes for the same hosts to compare them all",
                    );
                    return;
                }
                for (place, hidden) in matches.iter().enumerate() {
                    let by = matches[..place].iter().find(|by| by.hides(hidden));
                    if let Some(by) = by.filter(|by| by.number != hidden.number)
                        && told.insert((hidden.number, hidden.route, hidden.at))
                    {
                        report(by, hidden, &host, table.is_tls, found);
                    }
                }
            }
        }
    }
}

/// What shares a route table: all plain servers of a port, or a single server that terminates TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Table<'w> {
    /// The group of pods.
    group: usize,
    port: u32,
    bind: &'w str,
    is_tls: bool,
    /// The Gateway and the server, if TLS is terminated.
    server: Option<(usize, usize)>,
}

/// A VirtualService that is bound to a table.
struct Bound<'w> {
    service: usize,
    /// How widely it is exported: the least visible come first.
    rank: u8,
    /// Namespace and name of the Gateway.
    gateway: (&'w str, &'w str),
}

/// The VirtualServices of each host of each table.
fn tables<'w>(world: &'w World<'_>) -> BTreeMap<Table<'w>, BTreeMap<String, Vec<Bound<'w>>>> {
    let mut of_gateway: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (number, service) in world.virtual_services.iter().enumerate() {
        let named = service.object.spec.gateways.iter().filter(|name| *name != MESH);
        for name in named {
            let bound = of_gateway.entry(gateway_name(name, service.namespace));
            bound.or_default().push(number);
        }
    }
    let mut tables: BTreeMap<Table<'w>, BTreeMap<String, Vec<Bound<'w>>>> = BTreeMap::new();
    let mut indices: HashMap<usize, HostIndex<(usize, usize)>> = HashMap::new();
    for at in world.servers().filter(|at| Takes::of(at.server) == Takes::Http) {
        let name = (at.gateway.namespace, at.gateway.metadata.name.as_str());
        let Some(services) = of_gateway.get(&name) else {
            continue;
        };
        let index = indices
            .entry(at.number)
            .or_insert_with(|| hosts_of(world, &at, services));
        for host in at.hosts() {
            let overlapping: BTreeSet<&(usize, usize)> = index.overlapping(&host.name).collect();
            for (number, place) in overlapping {
                let service = &world.virtual_services[*number];
                let own = service.object.spec.hosts[*place].to_ascii_lowercase();
                let is_open = host.namespace.as_deref().is_none_or(|only| only == service.namespace);
                let Some(rank) = rank(world, &at, service).filter(|_| is_open) else {
                    continue;
                };
                let Some(shared) = intersection(&host.name, &own) else {
                    continue;
                };
                for group in world.workloads.groups(at.number) {
                    let hosts = tables.entry(table(&at, *group)).or_default();
                    hosts.entry(shared.to_owned()).or_default().push(Bound {
                        service: *number,
                        rank,
                        gateway: name,
                    });
                }
            }
        }
    }
    tables
}

fn table<'w>(at: &ServerAt<'w, '_>, group: usize) -> Table<'w> {
    let is_tls = at.spoken_tls().is_some();
    Table {
        group,
        port: at.server.port.number,
        bind: at.server.bind.as_deref().unwrap_or_default(),
        is_tls,
        server: is_tls.then_some((at.number, at.index)),
    }
}

/// The hosts of the VirtualServices bound to a Gateway, each with its service and index.
fn hosts_of(world: &World<'_>, at: &ServerAt<'_, '_>, services: &[usize]) -> HostIndex<(usize, usize)> {
    let servers = at.gateway.object.spec.servers.iter();
    let asked: Vec<String> = servers
        .flat_map(|server| crate::manifests::server_hosts::hosts_of(server, at.gateway.namespace))
        .map(|host| host.name)
        .collect();
    let mut index = HostIndex::asked_for(&Suffixes::of(asked.iter().map(String::as_str)));
    for number in services {
        let hosts = world.virtual_services[*number].object.spec.hosts.iter();
        for (place, host) in hosts.enumerate() {
            index.add(&host.to_ascii_lowercase(), &(*number, place));
        }
    }
    index
}

/// The rank of a VirtualService in istiod's order for a gateway: private ones first, then those
/// exported to the namespace of the gateway's pods, then public ones; none if the gateway does not
/// see it, or if that is unknown.
fn rank(world: &World<'_>, at: &ServerAt<'_, '_>, service: &Item<'_, VirtualService>) -> Option<u8> {
    let exported = &service.object.spec.export_to;
    if exported.is_empty() || exported.iter().any(|to| to == "*") {
        return Some(2);
    }
    let mut pods = world.pods.of_selector(&at.gateway.object.spec.selector);
    pods.find_map(|pods| {
        if service.namespace == pods.namespace && exported.iter().any(|to| to == ".") {
            Some(0)
        } else {
            exported.iter().any(|to| to == pods.namespace).then_some(1)
        }
    })
}

/// A match in the merged order; a route without a match matches everything.
struct Joined<'w, 'a> {
    service: &'w Item<'a, VirtualService>,
    number: usize,
    route: usize,
    at: Option<usize>,
    wanted: HttpMatch,
    delegates: bool,
}

impl Joined<'_, '_> {
    /// Whether no request can reach another match after this one.
    fn hides(&self, later: &Self) -> bool {
        // What a delegating route matches depends on the delegate.
        !self.delegates && covers(&self.wanted, &later.wanted) && covers_path(&self.wanted, &later.wanted)
    }
}

/// Whether an earlier match covers every path of a match.
fn covers_path(outer: &HttpMatch, inner: &HttpMatch) -> bool {
    match (&outer.uri, &inner.uri) {
        (None, _) => true,
        (Some(StringMatch::Regex(pattern)), _) if pattern == ".*" => true,
        (Some(StringMatch::Prefix(prefix)), None) => prefix == "/",
        (Some(StringMatch::Prefix(prefix)), Some(StringMatch::Prefix(path) | StringMatch::Exact(path))) => {
            path.starts_with(prefix)
        }
        (Some(outer), Some(inner)) => outer == inner,
        (Some(_), None) => false,
    }
}

/// The matches of the VirtualServices in the order in which the gateway tries them: matches after a
/// catch-all in the same VirtualService are dropped, and catch-alls come last.
fn joined<'w, 'a>(world: &'w World<'a>, bound: &[Bound<'_>], port: u32) -> Vec<Joined<'w, 'a>> {
    let mut all = Vec::new();
    for bound in bound {
        let service = &world.virtual_services[bound.service];
        'routes: for (route, http) in service.object.spec.http.iter().enumerate() {
            let any = HttpMatch::default();
            let given = http.matches.iter().enumerate().map(|(at, wanted)| (Some(at), wanted));
            let none = http.matches.is_empty().then_some((None, &any));
            for (at, wanted) in given.chain(none) {
                let for_other_port = wanted.port.is_some_and(|own| own != 0 && own != port);
                let for_other_gateway = !wanted.gateways.is_empty()
                    && !wanted
                        .gateways
                        .iter()
                        .any(|name| gateway_name(name, service.namespace) == bound.gateway);
                // Whether pods have these labels is not checked here.
                let for_some_pods = !wanted.source_labels.is_empty() || wanted.source_namespace.is_some();
                if for_other_port || for_other_gateway || for_some_pods {
                    continue;
                }
                let wanted = HttpMatch {
                    port: None,
                    gateways: Vec::new(),
                    ..wanted.clone()
                };
                let ends = is_catch_all(&wanted);
                all.push(Joined {
                    service,
                    number: bound.service,
                    route,
                    at,
                    wanted,
                    delegates: http.delegate.is_some(),
                });
                if ends && http.delegate.is_none() {
                    break 'routes;
                }
            }
        }
    }
    all.sort_by_key(|joined| is_catch_all(&joined.wanted));
    all
}

fn report(by: &Joined<'_, '_>, hidden: &Joined<'_, '_>, host: &str, is_tls: bool, found: &mut Findings) {
    let path = match hidden.at {
        Some(at) => format!("spec.http[{}].match[{at}]", hidden.route),
        None => format!("spec.http[{}]", hidden.route),
    };
    let what = format!(
        "{} matches route {} of {}, which comes before this one",
        example(&hidden.wanted, host, is_tls),
        by.route,
        by.service.title()
    );
    let dated = [by, hidden]
        .iter()
        .all(|joined| joined.service.metadata.creation_timestamp.is_some());
    let order = if dated {
        "it is the older one"
    } else {
        "if both are created in the same second, its name comes first; otherwise the older one does"
    };
    found.push(Spot::new(hidden.service, path).finding(&HIDDEN_BY_ANOTHER, what).why(format!(
        "the gateway merges the routes of all VirtualServices of the host {host} and uses the first match, those of {} before those of {}: {order}",
        by.service.full_name(),
        hidden.service.full_name()
    )));
}

/// A short description of a request that matches.
fn example(wanted: &HttpMatch, host: &str, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    let host = match host.strip_prefix('*') {
        Some("") => "any.example.com".to_owned(),
        Some(suffix) => format!("a{suffix}"),
        None => host.to_owned(),
    };
    let exact = |wanted: Option<&StringMatch>| match wanted {
        Some(StringMatch::Exact(text) | StringMatch::Prefix(text)) => Some(text.clone()),
        Some(StringMatch::Regex(_) | StringMatch::Present) | None => None,
    };
    let method = exact(wanted.method.as_ref()).unwrap_or_else(|| "GET".to_owned());
    let path = exact(wanted.uri.as_ref()).unwrap_or_else(|| "/".to_owned());
    let query: Vec<String> = wanted
        .query_params
        .iter()
        .map(|(name, value)| format!("{name}={}", exact(Some(value)).unwrap_or_default()))
        .collect();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{}", query.join("&"))
    };
    let with = if let Some(StringMatch::Regex(pattern)) = &wanted.uri {
        format!(" with a path of {pattern}")
    } else if wanted.headers.is_empty() {
        String::new()
    } else {
        let names: Vec<&str> = wanted.headers.keys().map(String::as_str).collect();
        format!(" with {}", names.join(" and "))
    };
    format!("{method} {scheme}://{host}{path}{query}{with}")
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, lint_yaml, only};

    const GATEWAY: &str = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw, namespace: default}\n\
        spec: {selector: {istio: ingressgateway}, servers: [\
        {port: {number: 80, name: http, protocol: HTTP}, hosts: ['*.shop.example', shop.example]}]}\n";

    /// A VirtualService with a name, further fields next to its hosts, and the matches of its
    /// routes.
    fn service(name: &str, host: &str, more: &str, routes: &[&str]) -> String {
        let routes: Vec<String> = routes
            .iter()
            .map(|matches| format!("{{match: [{matches}], route: [{{destination: {{host: a}}}}]}}"))
            .collect();
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}, namespace: default}}\n\
             spec: {{hosts: ['{host}'], gateways: [gw]{more}, http: [{}]}}\n",
            routes.join(", ")
        )
    }

    fn both(one: &str, other: &str) -> String {
        format!("{GATEWAY}{one}{other}")
    }

    #[test]
    fn a_route_that_another_virtual_service_hides() {
        let host = "shop.example";
        let first = &["spec.http[0].match[0]"][..];
        for (one, other, paths) in [
            ("{uri: {prefix: /api}}", "{uri: {prefix: /api/v1}}", first),
            ("{uri: {prefix: /api}}", "{uri: {exact: /api/v1}}", first),
            ("{uri: {prefix: /api}}", "{uri: {prefix: /api}}", first),
            ("{uri: {regex: '/a.*'}}", "{uri: {regex: '/a.*'}}", first),
            ("{uri: {prefix: /}}", "{uri: {prefix: /}}", first),
            ("{uri: {prefix: /}}", "", &["spec.http[0]"]),
            (
                "{headers: {x: {exact: v}}}",
                "{uri: {prefix: /b}, headers: {x: {exact: v}}}",
                first,
            ),
            ("{uri: {prefix: /api}, port: 80}", "{uri: {prefix: /api/v1}}", first),
            // A catch-all is moved to the end.
            ("{uri: {prefix: /}}", "{uri: {prefix: /api}}", &[]),
            ("", "{uri: {prefix: /api}}", &[]),
            ("{uri: {prefix: /api/v1}}", "{uri: {prefix: /api}}", &[]),
            (
                "{uri: {prefix: /api}, method: {exact: PUT}}",
                "{uri: {prefix: /api/v1}}",
                &[],
            ),
            ("{uri: {prefix: /api}, port: 81}", "{uri: {prefix: /api/v1}}", &[]),
            (
                "{uri: {prefix: /api}, gateways: [other]}",
                "{uri: {prefix: /api/v1}}",
                &[],
            ),
            (
                "{uri: {prefix: /api}, sourceLabels: {a: b}}",
                "{uri: {prefix: /api/v1}}",
                &[],
            ),
            ("{uri: {exact: /api}}", "{uri: {prefix: /api}}", &[]),
        ] {
            let yaml = both(&service("a", host, "", &[one]), &service("b", host, "", &[other]));
            assert_code(&yaml, "ITL0705", paths);
        }
    }

    #[test]
    fn the_order_is_the_gateways() {
        let (wide, narrow) = (&["{uri: {prefix: /api}}"][..], &["{uri: {prefix: /api/v1}}"][..]);
        let host = "shop.example";
        let dated = |yaml: String, day: u32| {
            yaml.replace(
                "namespace: default}",
                &format!("namespace: default, creationTimestamp: \"2026-01-0{day}T00:00:00Z\"}}"),
            )
        };
        let of = |one: String, other: String| {
            let found = lint_yaml(&both(&one, &other)).findings.into_iter();
            let mut found = found.filter(|finding| finding.code == "ITL0705");
            found.next().map(|finding| finding.object)
        };
        let hidden = |name: &str| Some(format!("VirtualService default/{name}"));
        // By name, then by age regardless of the names.
        assert_eq!(
            of(service("b", host, "", narrow), service("a", host, "", wide)),
            hidden("b")
        );
        assert_eq!(
            of(
                dated(service("b", host, "", wide), 1),
                dated(service("a", host, "", narrow), 2)
            ),
            hidden("a")
        );
        assert_eq!(
            of(
                dated(service("b", host, "", narrow), 1),
                dated(service("a", host, "", wide), 2)
            ),
            None
        );
        // Exported to the gateway's namespace only comes before public.
        assert_eq!(
            of(
                service("b", host, ", exportTo: [istio-system]", wide),
                service("a", host, "", narrow)
            ),
            hidden("a")
        );
        // Invisible to the gateway hides nothing.
        assert_eq!(
            of(
                service("a", host, ", exportTo: [.]", wide),
                service("b", host, "", narrow)
            ),
            None
        );
        assert_eq!(
            of(service("a", host, "", wide), service("b", "b.shop.example", "", narrow)),
            None
        );
    }

    #[test]
    fn both_objects_and_a_request_are_named() {
        let yaml = both(
            &service(
                "wide",
                "*.shop.example",
                "",
                &["{uri: {prefix: /a}}", "{uri: {prefix: /api}}"],
            ),
            &service(
                "x",
                "*.shop.example",
                "",
                &["{uri: {prefix: /api/v1}, method: {exact: POST}}"],
            ),
        );
        let finding = only(&yaml, "ITL0705");
        assert_eq!(
            finding.what,
            "POST http://a.shop.example/api/v1 matches route 0 of VirtualService default/wide, which comes before this one"
        );
        assert_eq!(finding.object, "VirtualService default/x");
    }

    /// Servers that terminate TLS have their own routes; the plain servers of a port share them.
    #[test]
    fn tables_of_routes_are_kept_apart() {
        let gateway = |name: &str, server: &str| {
            format!(
                "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}, namespace: default}}\n\
                 spec: {{selector: {{istio: ingressgateway}}, servers: [{server}]}}\n"
            )
        };
        let plain = "{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.com]}";
        let tls = |mode: &str| {
            format!(
                "{{port: {{number: 443, name: https, protocol: HTTPS}}, hosts: [a.com], tls: {{{mode}, credentialName: c}}}}"
            )
        };
        let bound = |name: &str, gateway: &str, path: &str| {
            service(name, "a.com", "", &[path]).replace("gateways: [gw]", &format!("gateways: [{gateway}]"))
        };
        let (wide, narrow) = ("{uri: {prefix: /api}}", "{uri: {prefix: /api/v1}}");
        for (server, paths) in [
            (plain.to_owned(), &["spec.http[0].match[0]"][..]),
            (tls("mode: SIMPLE"), &[]),
        ] {
            let yaml = [
                gateway("one", &server),
                gateway("two", &server),
                bound("a", "one", wide),
                bound("b", "two", narrow),
            ];
            assert_code(&yaml.concat(), "ITL0705", paths);
        }
    }
}
