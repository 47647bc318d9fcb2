//! Connections that are not HTTP: which chains and routes Gateways and VirtualServices
//! make of them, and what stands in for their destinations.

use super::build::Built;
use super::table::{Filter, FilterChain, ListenerProtocol, SniTable, TcpRoute};
use super::tests::{build, build_with, gateway, http, https, listener, plain, says, service, tls, to};
use crate::gateway::matching;
use crate::remedy::Aim;

fn tcp(port: u16, protocol: &str, hosts: &str) -> String {
    format!("{{port: {{number: {port}, name: t-{port}, protocol: {protocol}}}, hosts: [{hosts}]}}")
}

fn tls_server(name: &str, hosts: &str, mode: &str) -> String {
    format!(
        "{{port: {{number: 443, name: {name}, protocol: TLS}}, hosts: [{hosts}], tls: {{mode: {mode}, credentialName: none}}}}"
    )
}

/// A VirtualService of Gateway `one` with other lists than `http`.
fn connections(name: &str, hosts: &str, lists: &str) -> String {
    service(name, hosts, "one", "").replace("  http: []\n", &format!("  {}\n", lists.replace('\n', "\n  ")))
}

fn destination(built: &Built, route: &TcpRoute) -> String {
    let found = route.destinations.iter();
    let names = found.map(|one| format!("{}={}", built.table.clusters[one.cluster].name, one.weight));
    names.collect::<Vec<_>>().join(" ")
}

fn tcp_of(built: &Built, port: u16) -> String {
    match listener(built, port).map(|listener| &listener.protocol) {
        Some(ListenerProtocol::Tcp(route)) => destination(built, route),
        Some(_) => "not TCP".to_owned(),
        None => "closed".to_owned(),
    }
}

fn advises(built: &Built, text: &str) -> bool {
    let mut notes = built.notes.problems();
    notes.any(|note| note.text(&Aim::default()).contains(text))
}

/// What becomes of a connection with this server name.
fn chosen(built: &Built, table: &SniTable, name: Option<&str>) -> String {
    match matching::filter_chain(table, name).map(AsRef::as_ref) {
        None => "no chain".to_owned(),
        Some(FilterChain {
            filter: Filter::Tcp(route),
            ..
        }) => destination(built, route),
        Some(chain) => chain.name.clone(),
    }
}

#[test]
fn a_tcp_server_is_routed_by_the_first_virtual_service_that_has_a_route_for_it() {
    let one = gateway("one", &[&tcp(31400, "TCP", "'*'"), &tcp(27017, "mongo", "db.com")]);
    for (services, at_31400, at_27017) in [
        (String::new(), "closed", "closed"),
        (
            connections(
                "a",
                "db.com",
                "tcp: [{route: [{destination: {host: a, port: {number: 9}}}]}]",
            ),
            "a.default.svc.cluster.local:9=0",
            "a.default.svc.cluster.local:9=0",
        ),
        // The port of a match is the server's.
        (
            connections(
                "a",
                "db.com",
                "tcp: [{match: [{port: 1}, {port: 27017}], route: [{destination: {host: a}}]}]",
            ),
            "closed",
            "a.default.svc.cluster.local:27017=0",
        ),
        (
            connections(
                "a",
                "other.com",
                "tcp: [{match: [{gateways: [mesh]}], route: [{destination: {host: a}}]}]",
            ) + &connections(
                "b",
                "other.com",
                "tcp: [{match: [{gateways: [one]}], route: [{destination: {host: b}}]}]",
            ),
            "b.default.svc.cluster.local:31400=0",
            "closed",
        ),
        // Of several destinations those without weight are none.
        (
            connections(
                "a",
                "db.com",
                "tcp: [{route: [{destination: {host: a}, weight: 3}, {destination: {host: b}}, {destination: {host: c}, weight: 1}]}]",
            ),
            "a.default.svc.cluster.local:31400=3 c.default.svc.cluster.local:31400=1",
            "a.default.svc.cluster.local:27017=3 c.default.svc.cluster.local:27017=1",
        ),
    ] {
        let built = build(&(one.clone() + &http_too() + &services));
        assert_eq!(
            (tcp_of(&built, 31400), tcp_of(&built, 27017)),
            (at_31400.into(), at_27017.into()),
            "{services}"
        );
        let told = says(
            &built,
            "no tcp route leads anywhere from this server, so port 31400 is not opened for it",
        );
        assert_eq!(told, at_31400 == "closed", "{services}");
    }
}

/// So that there is a port in every case.
fn http_too() -> String {
    gateway("too", &[&http(80, "a.com")])
}

#[test]
fn passthrough_is_chosen_by_the_names_of_the_route_not_by_the_servers_hosts() {
    let built = build(
        &[
            gateway("one", &[&tls_server("pass", "'*.p.com'", "PASSTHROUGH"), &https("https", "'*.com'")]),
            connections(
                "a",
                "'*.p.com'",
                "tls:\n- {match: [{sniHosts: [A.p.com, b.p.com]}], route: [{destination: {host: ab}}]}\n- {match: [{sniHosts: ['*.w.p.com'], port: 443}, {sniHosts: [c.p.com], port: 80}], route: [{destination: {host: w, port: {number: 8443}}}]}\n- {match: [{sniHosts: [d.p.com, a.p.com]}], route: [{destination: {host: late}}]}",
            ),
        ]
        .concat(),
    );
    for (name, expected) in [
        ("a.p.com", "ab.default.svc.cluster.local:443=0"),
        ("b.p.com", "ab.default.svc.cluster.local:443=0"),
        ("x.w.p.com", "w.default.svc.cluster.local:8443=0"),
        // No match of port 443 names it, so the wider server answers, as under Istio.
        ("c.p.com", "default/one https"),
        ("d.p.com", "default/one https"),
    ] {
        assert_eq!(chosen(&built, tls(&built), Some(name)), expected, "{name}");
    }
    assert!(tls(&built).is_inspected);
    assert!(says(
        &built,
        "this match is left out: port 443 passes a.p.com on already"
    ));
    assert!(says(
        &built,
        "serve closes the connections to ab.default.svc.cluster.local:443"
    ));
    assert!(advises(&built, "--upstream ab:443=tcp://HOST:PORT"));
}

#[test]
fn passthrough_without_a_route_has_no_chain() {
    let built = build(&gateway(
        "one",
        &[&tls_server("pass", "p.com", "PASSTHROUGH"), &http(80, "a.com")],
    ));
    assert!(listener(&built, 443).is_none());
    assert!(says(
        &built,
        "no tls route leads anywhere from this server, so p.com are not served by it"
    ));
}

#[test]
fn a_tls_server_that_terminates_is_routed_as_tcp() {
    for mode in ["SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"] {
        let built = build_with(
            &[
                gateway("one", &[&tls_server("t", "t.com", mode), &https("https", "'*.com'")]),
                connections(
                    "a",
                    "'*'",
                    "tcp: [{route: [{destination: {host: a, port: {number: 9}}}]}]",
                ),
            ]
            .concat(),
            &["a=tcp://127.0.0.1:9000"],
        );
        let table = tls(&built);
        assert_eq!(
            chosen(&built, table, Some("t.com")),
            "a.default.svc.cluster.local:9=0",
            "{mode}"
        );
        assert_eq!(chosen(&built, table, Some("u.com")), "default/one https");
        assert!(table.exact["t.com"].material().is_some() && !table.is_inspected);
        assert!(!says(&built, "serve sends back"), "{mode}");
    }
}

#[test]
fn what_stands_in_for_a_destination_of_tcp_is_said() {
    let built = build(
        &(gateway("one", &[&tcp(9000, "TCP", "'*'")])
            + &connections("a", "'*'", "tcp: [{route: [{destination: {host: a}}]}]")),
    );
    assert!(says(
        &built,
        "serve sends back what is sent to a.default.svc.cluster.local:9000"
    ));
    assert!(advises(&built, "--upstream a:9000=tcp://HOST:PORT"));
}

#[test]
fn plain_servers_join_the_port_of_tls_servers_that_stand_before_them() {
    let tcp_route = connections("t", "'*'", "tcp: [{route: [{destination: {host: t}}]}]");
    // HTTPS, then HTTP: both.
    let built = build(
        &[
            gateway("one", &[&https("https", "a.com"), &http(443, "a.com")]),
            service("a", "a.com", "one", &to("/", "a")),
        ]
        .concat(),
    );
    assert_eq!(chosen(&built, tls(&built), Some("a.com")), "default/one https");
    assert_eq!(chosen(&built, tls(&built), None), "default/one http-443");
    assert!(tls(&built).is_inspected);
    // HTTP, then HTTPS: HTTP alone.
    let built = build(&gateway("one", &[&http(443, "a.com"), &https("https", "a.com")]));
    plain(&built, 443);
    assert!(says(&built, "port 443 speaks plain HTTP already"));
    // HTTPS, then TCP.
    let built = build(&(gateway("one", &[&https("https", "a.com"), &tcp(443, "TCP", "'*'")]) + &tcp_route));
    assert_eq!(
        chosen(&built, tls(&built), Some("other.com")),
        "t.default.svc.cluster.local:443=0"
    );
    // Two chains without server names: Envoy takes none of them.
    let built = build(&gateway("one", &[&https("https", "'*'"), &http(443, "a.com")]));
    assert_eq!(chosen(&built, tls(&built), None), "default/one https");
    assert!(says(&built, "server name * of port 443 stays with an earlier server"));
    // TCP shares its connections with nobody.
    let built = build(
        &(gateway(
            "one",
            &[&tcp(443, "TCP", "'*'"), &tcp(443, "MYSQL", "'*'"), &http(443, "a.com")],
        ) + &tcp_route),
    );
    assert_eq!(tcp_of(&built, 443), "t.default.svc.cluster.local:443=0");
    assert!(says(&built, "port 443 speaks TCP already"));
}

#[test]
fn a_host_of_a_redirecting_server_is_claimed_as_well() {
    let redirect = |name: &str| {
        format!("{{port: {{number: 80, name: {name}, protocol: HTTP}}, hosts: [a.com], tls: {{httpsRedirect: true}}}}")
    };
    let built = build(&gateway("one", &[&redirect("first"), &redirect("second")]));
    assert!(says(
        &built,
        "host a.com of port 80 belongs to Gateway default/one already"
    ));
}

#[test]
fn a_port_is_opened_once_and_other_binds_are_said() {
    let bound = |name: &str, bind: &str| {
        format!(
            "{{port: {{number: 443, name: {name}, protocol: HTTPS}}, bind: {bind}, hosts: [a.com], tls: {{mode: SIMPLE, credentialName: none}}}}"
        )
    };
    let built = build(&gateway("one", &[&bound("a", "10.0.0.1"), &bound("b", "10.0.0.2")]));
    assert_eq!(chosen(&built, tls(&built), Some("a.com")), "default/one a");
    assert!(says(
        &built,
        "serve does not open port 443 a second time, for bind \"10.0.0.2\""
    ));
}
