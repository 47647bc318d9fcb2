//! Each sentence of istiod's rules for merging, binding and ordering: YAML in,
//! the table's answer out.

use std::fmt::Write as _;

use http::HeaderMap;

use crate::gateway::config::build::Built;
use crate::gateway::config::clusters::Upstream;
use crate::gateway::config::table::{Filter, Listener, ListenerProtocol, RouteAction, RouteTable, SniTable};
use crate::gateway::follow::source::{GatewaySources, SourceError};
use crate::gateway::matching::{self, RequestParts};
use crate::sources::disk::DiskFiles;
use crate::sources::{Gone, Sources};

/// The table of manifests in YAML, in a folder without workspace.
pub(super) fn build(yaml: &str) -> Built {
    build_with(yaml, &[])
}

pub(super) fn build_with(yaml: &str, upstreams: &[&str]) -> Built {
    let folder = tempfile::tempdir().unwrap();
    let sources = GatewaySources {
        inputs: Sources {
            stdin: Some(yaml.as_bytes().to_vec()),
            workspace: folder.path().to_owned(),
            ..Sources::default()
        },
        upstreams: upstreams.iter().map(|text| Upstream::parse(text).unwrap()).collect(),
        ..GatewaySources::default()
    };
    match sources.load(&DiskFiles::default(), Gone::IsError) {
        Ok(loaded) => loaded.built,
        Err(error) => panic!("{}", crate::problem::Problem::from(error)),
    }
}

/// A Gateway of `namespace/name` with servers in YAML flow style.
pub(super) fn gateway(name: &str, servers: &[&str]) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    let mut text = format!(
        "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  selector: {{istio: ingressgateway}}\n  servers:\n"
    );
    for server in servers {
        let _ = writeln!(text, "  - {server}");
    }
    text
}

pub(super) fn http(port: u16, hosts: &str) -> String {
    format!("{{port: {{number: {port}, name: http-{port}, protocol: HTTP}}, hosts: [{hosts}]}}")
}

pub(super) fn https(name: &str, hosts: &str) -> String {
    format!(
        "{{port: {{number: 443, name: {name}, protocol: HTTPS}}, hosts: [{hosts}], tls: {{mode: SIMPLE, credentialName: none}}}}"
    )
}

/// A VirtualService bound to `gateways`, with its `http` list in YAML.
pub(super) fn service(name: &str, hosts: &str, gateways: &str, http: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    format!(
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  hosts: [{hosts}]\n  gateways: [{gateways}]\n  http: [{http}]\n"
    )
}

/// A route to a Service of this name for a path prefix.
pub(super) fn to(prefix: &str, destination: &str) -> String {
    format!("{{match: [{{uri: {{prefix: {prefix}}}}}], route: [{{destination: {{host: {destination}}}}}]}}")
}

pub(super) fn listener(built: &Built, port: u16) -> Option<&Listener> {
    built.table.listeners.iter().find(|listener| listener.port == port)
}

pub(super) fn plain(built: &Built, port: u16) -> &RouteTable {
    match &listener(built, port).expect("the port is open").protocol {
        ListenerProtocol::Http(table) => table,
        ListenerProtocol::Tls(_) | ListenerProtocol::Tcp(_) => panic!("port {port} speaks no plain HTTP"),
    }
}

pub(super) fn tls(built: &Built) -> &SniTable {
    match &listener(built, 443).expect("port 443 is open").protocol {
        ListenerProtocol::Tls(table) => table,
        ListenerProtocol::Http(_) | ListenerProtocol::Tcp(_) => panic!("port 443 speaks no TLS"),
    }
}

/// Where a request leads: the name of a cluster, or a word for what else is done.
pub(super) fn answer(built: &Built, table: &RouteTable, authority: &str, path: &str) -> String {
    let headers = HeaderMap::new();
    let request = RequestParts {
        scheme: "http",
        method: "GET",
        authority,
        path,
        query: None,
        headers: &headers,
    };
    let Some(host) = matching::virtual_host(table, authority) else {
        return "no host".to_owned();
    };
    if host.require_tls {
        return "https redirect".to_owned();
    }
    match matching::route(host, &request).map(|route| &route.action) {
        None => "no route".to_owned(),
        Some(RouteAction::Forward(forward)) => built.table.clusters[forward.destinations[0].cluster].name.clone(),
        Some(RouteAction::Redirect(redirect)) => matching::location(redirect, &request),
        Some(RouteAction::Direct { status, body }) => format!("{status} {}", String::from_utf8_lossy(body)),
    }
}

pub(super) fn says(built: &Built, text: &str) -> bool {
    built.notes.problems().any(|note| note.to_string().contains(text))
}

#[test]
fn http_servers_of_one_port_share_one_route_table() {
    let built = build(
        &[
            gateway("one", &[&http(80, "a.com")]),
            gateway(
                "two",
                &["{port: {number: 80, name: g, protocol: GRPC}, hosts: [b.com]}"],
            ),
            service("a", "a.com", "one", &to("/", "a")),
            service("b", "b.com", "two", &to("/", "b")),
        ]
        .concat(),
    );
    let table = plain(&built, 80);
    assert_eq!(answer(&built, table, "a.com", "/"), "a.default.svc.cluster.local:80");
    assert_eq!(
        answer(&built, table, "B.com:8080", "/"),
        "b.default.svc.cluster.local:80"
    );
    assert_eq!(answer(&built, table, "c.com", "/"), "no host");
}

#[test]
fn the_oldest_gateway_keeps_a_port_that_cannot_be_shared() {
    let two = |plain: &str, tls: &str| {
        let aged = |text: String, time: &str| {
            let created = format!("namespace: default, creationTimestamp: \"{time}\"}}");
            text.replace("namespace: default}", &created)
        };
        aged(gateway("b-plain", &[&http(443, "a.com")]), plain)
            + &aged(gateway("a-tls", &[&https("https", "a.com")]), tls)
    };
    let built = build(&two("2020-01-01T00:00:00Z", "2024-01-01T00:00:00Z"));
    plain(&built, 443);
    assert!(says(&built, "a server of Gateway default/a-tls is dropped"));
    assert!(says(&built, "port 443 speaks plain HTTP already"));
    // A plain server that comes later joins the TLS servers.
    let built = build(&two("2024-01-01T00:00:00Z", "2020-01-01T00:00:00Z"));
    assert!(tls(&built).exact.contains_key("a.com") && tls(&built).any.is_some());
    // Without a creation time the name decides.
    let nameless = gateway("b-plain", &[&http(443, "a.com")]) + &gateway("a-tls", &[&https("https", "a.com")]);
    assert!(tls(&build(&nameless)).any.is_some());
}

#[test]
fn a_tls_server_with_a_host_that_is_taken_is_dropped_whole() {
    let built = build(
        &[
            gateway("one", &[&https("https-a", "a.com")]),
            gateway("two", &[&https("https-b", "a.com, b.com")]),
            gateway("three", &[&https("https-c", "c.com")]),
        ]
        .concat(),
    );
    let table = tls(&built);
    assert!(table.exact.contains_key("a.com") && table.exact.contains_key("c.com"));
    assert!(!table.exact.contains_key("b.com"));
    assert!(says(
        &built,
        "host a.com of port 443 belongs to Gateway default/one already"
    ));
}

#[test]
fn port_names_of_one_gateways_tls_servers_are_unique() {
    let built = build(&gateway("one", &[&https("https", "a.com"), &https("https", "b.com")]));
    assert!(tls(&built).exact.contains_key("a.com") && !tls(&built).exact.contains_key("b.com"));
    assert!(says(
        &built,
        "another server of this Gateway has the port name \"https\""
    ));
}

#[test]
fn a_server_with_the_host_star_has_no_server_names_at_all() {
    let built = build(&gateway(
        "one",
        &[&https("all", "'*', a.com"), &https("b", "b.com, '*.c.com'")],
    ));
    let table = tls(&built);
    assert!(table.any.is_some() && !table.exact.contains_key("a.com"));
    assert!(table.exact.contains_key("b.com") && table.wildcard.contains_key(".c.com"));
}

#[test]
fn gateways_for_other_pods_are_ignored_and_said() {
    let other = gateway("one", &[&http(80, "a.com")]).replace("istio: ingressgateway", "app: mine");
    let built = build(&(other + &gateway("two", &[&http(81, "a.com")])));
    assert!(listener(&built, 80).is_none() && listener(&built, 81).is_some());
    assert!(says(&built, "serve does not play Gateway default/one"));
    // No selector selects every gateway.
    let any = gateway("one", &[&http(80, "a.com")]).replace("  selector: {istio: ingressgateway}\n", "");
    assert!(listener(&build(&any), 80).is_some());
}

#[test]
fn namespaces_before_hosts_restrict_who_may_bind() {
    let built = build(
        &[
            gateway(
                "infra/one",
                &[&http(80, "./own.com, team/team.com, '*/all.com', plain.com")],
            ),
            service(
                "infra/a",
                "own.com, team.com, all.com, plain.com",
                "one",
                &to("/", "infra"),
            ),
            service(
                "team/b",
                "own.com, team.com, all.com, plain.com",
                "infra/one",
                &to("/", "team"),
            ),
        ]
        .concat(),
    );
    let table = plain(&built, 80);
    for (host, namespace) in [("own.com", "infra"), ("team.com", "team")] {
        let expected = format!("{namespace}.{namespace}.svc.cluster.local:80");
        assert_eq!(answer(&built, table, host, "/"), expected);
    }
    // Both may bind; of their catch-alls the older object's (by name) comes first.
    for host in ["all.com", "plain.com"] {
        assert_eq!(answer(&built, table, host, "/"), "infra.infra.svc.cluster.local:80");
    }
}

#[test]
fn star_slash_star_takes_every_host() {
    let built = build(
        &[
            gateway("one", &[&http(80, "a.com, '*/*'")]),
            service("a", "other.com", "one", &to("/", "a")),
        ]
        .concat(),
    );
    assert_eq!(
        answer(&built, plain(&built, 80), "other.com", "/"),
        "a.default.svc.cluster.local:80"
    );
}

#[test]
fn of_two_overlapping_hosts_the_more_specific_one_is_the_virtual_host() {
    let built = build(
        &[
            gateway("one", &[&http(80, "'*.foo.com', A.com")]),
            service("wide", "'*'", "one", &to("/", "wide")),
            service("narrow", "a.foo.com", "one", &to("/", "narrow")),
        ]
        .concat(),
    );
    let table = plain(&built, 80);
    for (host, expected) in [
        ("a.com", "wide.default.svc.cluster.local:80"),
        ("b.foo.com", "wide.default.svc.cluster.local:80"),
        ("a.foo.com", "narrow.default.svc.cluster.local:80"),
        ("foo.com", "no host"),
    ] {
        assert_eq!(answer(&built, table, host, "/"), expected, "{host}");
    }
}

#[test]
fn only_virtual_services_that_name_the_gateway_are_bound() {
    let unbound = service("e", "e.com", "mesh", &to("/", "e")).replace("  gateways: [mesh]\n", "");
    let built = build(
        &[
            gateway("infra/one", &[&http(80, "'*'")]),
            service("a", "a.com", "infra/one", &to("/", "a")),
            service("infra/b", "b.com", "one", &to("/", "b")),
            service("c", "c.com", "one, mesh", &to("/", "c")),
            service("d", "d.com", "one.infra.svc.cluster.local", &to("/", "d")),
            unbound,
        ]
        .concat(),
    );
    let table = plain(&built, 80);
    for (host, expected) in [
        ("a.com", "a.default.svc.cluster.local:80"),
        ("b.com", "b.infra.svc.cluster.local:80"),
        ("c.com", "no host"),
        ("d.com", "d.default.svc.cluster.local:80"),
        ("e.com", "no host"),
    ] {
        assert_eq!(answer(&built, table, host, "/"), expected, "{host}");
    }
}

#[test]
fn export_to_decides_visibility_and_order() {
    let exported = |name: &str, to_whom: &str| {
        service(
            name,
            "a.com",
            "default/one",
            &to("/x", name.rsplit('/').next().unwrap()),
        )
        .replace("  http:", &format!("  exportTo: [{to_whom}]\n  http:"))
    };
    let gateway = gateway("default/one", &[&http(80, "a.com")]);
    for (services, expected) in [
        (vec![exported("a", "'.'")], "no host"),
        (vec![exported("a", "elsewhere")], "no host"),
        (vec![exported("a", "istio-system")], "a.default.svc.cluster.local:80"),
        (vec![exported("a", "'*'")], "a.default.svc.cluster.local:80"),
        // Private ones first, then those exported to the namespace, then public ones.
        (
            vec![exported("a", "'*'"), exported("b", "istio-system")],
            "b.default.svc.cluster.local:80",
        ),
        (
            vec![exported("b", "istio-system"), exported("istio-system/c", "'.'")],
            "c.istio-system.svc.cluster.local:80",
        ),
    ] {
        let built = build(&(gateway.clone() + &services.concat()));
        assert_eq!(answer(&built, plain(&built, 80), "a.com", "/x"), expected);
    }
}

#[test]
fn a_tls_servers_virtual_hosts_are_its_own() {
    let built = build(
        &[
            gateway("one", &[&https("a", "a.com"), &https("b", "b.com")]),
            service("a", "a.com", "one", &to("/", "a")),
            service("b", "b.com", "one", &to("/", "b")),
        ]
        .concat(),
    );
    let chain = &tls(&built).exact["a.com"];
    assert_eq!(
        answer(&built, chain.routes().unwrap(), "a.com", "/"),
        "a.default.svc.cluster.local:443"
    );
    assert_eq!(answer(&built, chain.routes().unwrap(), "b.com", "/"), "no host");
    assert!(
        chain
            .material()
            .and_then(Result::err)
            .is_some_and(|why| why.contains("secret \"none\" is not in namespace istio-system"))
    );
}

#[test]
fn a_server_without_virtual_services_answers_404_to_everything() {
    let built = build(&gateway("one", &[&http(80, "a.com")]));
    assert_eq!(answer(&built, plain(&built, 80), "a.com", "/"), "no host");
}

#[test]
fn https_redirect_needs_no_virtual_service_and_wins_where_hosts_are_shared() {
    let redirecting =
        "{port: {number: 80, name: r, protocol: HTTP}, hosts: [a.com, b.com], tls: {httpsRedirect: true}}";
    let built = build(
        &[
            gateway("one", &[redirecting, &http(80, "b.com, c.com")]),
            service("all", "b.com, c.com", "one", &to("/", "all")),
        ]
        .concat(),
    );
    let table = plain(&built, 80);
    for (host, expected) in [
        ("a.com", "https redirect"),
        ("b.com", "https redirect"),
        ("c.com", "all.default.svc.cluster.local:80"),
    ] {
        assert_eq!(answer(&built, table, host, "/"), expected, "{host}");
    }
}

#[test]
fn routes_of_several_virtual_services_are_joined_and_catch_alls_come_last() {
    let built = build(
        &[
            gateway("one", &[&http(80, "a.com")]),
            // Older by name, with a catch-all that would hide what follows.
            service("a", "a.com", "one", &to("/", "fallback")),
            service(
                "b",
                "a.com",
                "one",
                &format!("{}, {}", to("/special", "special"), to("/", "second")),
            ),
        ]
        .concat(),
    );
    let table = plain(&built, 80);
    assert_eq!(
        answer(&built, table, "a.com", "/special"),
        "special.default.svc.cluster.local:80"
    );
    assert_eq!(
        answer(&built, table, "a.com", "/x"),
        "fallback.default.svc.cluster.local:80"
    );
}

#[test]
fn nothing_after_the_first_catch_all_of_a_virtual_service_is_kept() {
    let routes = |first: &str| {
        format!(
            "{{match: [{first}], route: [{{destination: {{host: first}}}}]}}, {}",
            to("/x", "second")
        )
    };
    for (first, kept) in [
        ("{uri: {prefix: /}}", 1),
        ("{uri: {regex: '.*'}}", 1),
        ("{}", 1),
        ("{uri: {prefix: /}, headers: {x-a: {exact: b}}}", 2),
        ("{uri: {prefix: /}, method: {exact: GET}}", 2),
        ("{uri: {prefix: /}, queryParams: {a: {exact: b}}}", 2),
        ("{uri: {prefix: /a}}", 2),
        // A list of matches is one route for each; the catch-all ends them.
        ("{uri: {exact: /q}}, {uri: {prefix: /}}, {uri: {exact: /r}}", 2),
    ] {
        let built = build(
            &[
                gateway("one", &[&http(80, "a.com")]),
                service("a", "a.com", "one", &routes(first)),
            ]
            .concat(),
        );
        assert_eq!(plain(&built, 80).exact["a.com"].routes.len(), kept, "{first}");
    }
}

#[test]
fn matches_for_another_port_gateway_or_workload_are_left_out() {
    let wanted = |condition: &str| {
        format!("{{match: [{{uri: {{prefix: /x}}, {condition}}}], route: [{{destination: {{host: found}}}}]}}")
    };
    for (condition, found) in [
        ("port: 80", true),
        ("port: 443", false),
        ("gateways: [one]", true),
        ("gateways: [default/one]", true),
        ("gateways: [two]", false),
        ("sourceLabels: {istio: ingressgateway}", true),
        ("sourceLabels: {app: other}", false),
        // With gateways, labels are not looked at.
        ("gateways: [one], sourceLabels: {app: other}", true),
        ("sourceNamespace: istio-system", true),
        ("sourceNamespace: default", false),
    ] {
        let built = build(
            &[
                gateway("one", &[&http(80, "a.com")]),
                service("a", "a.com", "one", &wanted(condition)),
            ]
            .concat(),
        );
        let expected = if found {
            "found.default.svc.cluster.local:80"
        } else {
            "no route"
        };
        assert_eq!(
            answer(&built, plain(&built, 80), "a.com", "/x"),
            expected,
            "{condition}"
        );
    }
}

#[test]
fn what_is_not_run_is_said_with_file_and_line() {
    let mesh = "{port: {number: 443, name: p, protocol: TLS}, hosts: [p.com], tls: {mode: AUTO_PASSTHROUGH}}";
    let built = build(
        &[
            gateway("one", &[mesh, &http(80, "a.com")]),
            service(
                "a",
                "a.com",
                "one",
                "{delegate: {name: gone}}, {route: [{destination: {host: b, subset: v2}}]}",
            ),
        ]
        .concat(),
    );
    for text in [
        "serve does not run mode AUTO_PASSTHROUGH; connections to p.com are closed\n  at:  -:8:",
        "the route that is delegated to default/gone is left out",
        "serve does not run subsets: requests for b go to the Service, not to its subset \"v2\" alone",
        "spec.http[1].route[0].destination.subset",
        "spec.http[0].delegate",
    ] {
        assert!(
            says(&built, text),
            "{text} is not among:\n{:#?}",
            built.notes.problems().map(ToString::to_string).collect::<Vec<_>>()
        );
    }
}

#[test]
fn the_hosts_of_a_server_that_is_not_run_are_closed_to_wider_servers() {
    for mode in ["ISTIO_MUTUAL", "AUTO_PASSTHROUGH"] {
        let closed = format!(
            "{{port: {{number: 443, name: c, protocol: TLS}}, hosts: [a.foo.com, '*.b.foo.com'], tls: {{mode: {mode}}}}}"
        );
        let built = build(&gateway("one", &[&https("https", "'*.foo.com'"), &closed]));
        for (name, chain) in [
            ("a.foo.com", "default/one c"),
            ("x.b.foo.com", "default/one c"),
            ("c.foo.com", "default/one https"),
        ] {
            let found = matching::filter_chain(tls(&built), Some(name)).expect(name);
            assert_eq!(found.name, chain, "{mode} {name}");
        }
        let chain = &tls(&built).exact["a.foo.com"];
        assert!(
            matches!(&chain.filter, Filter::Closed(why) if why.contains(mode)),
            "{mode}"
        );
    }
}

#[test]
fn a_broken_manifest_is_refused_with_its_line() {
    let text = b"apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec:\n  servers: 3\n";
    let sources = GatewaySources {
        inputs: Sources {
            stdin: Some(text.to_vec()),
            workspace: std::env::temp_dir().join("no-such-folder"),
            ..Sources::default()
        },
        ..GatewaySources::default()
    };
    match sources.load(&DiskFiles::default(), Gone::IsError) {
        Err(SourceError::Bad(problem)) => assert!(problem.to_string().contains("-:5:"), "{problem}"),
        _ => panic!("it was taken"),
    }
}

#[test]
fn thousands_of_hosts_are_built_quickly() {
    let servers: Vec<String> = (0..2000)
        .map(|n| https(&format!("https-{n}"), &format!("h{n}.com")))
        .collect();
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    let mut yaml = gateway("one", &servers);
    for n in 0..2000 {
        let _ = write!(
            yaml,
            "{}",
            service(&format!("s{n}"), &format!("h{n}.com"), "one", &to("/", "a"))
        );
    }
    let built = build(&yaml);
    assert_eq!(tls(&built).exact.len(), 2000);
    let chain = &tls(&built).exact["h1999.com"];
    assert_eq!(
        answer(&built, chain.routes().unwrap(), "h1999.com", "/"),
        "a.default.svc.cluster.local:443"
    );
}
