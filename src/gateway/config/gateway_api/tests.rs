//! What istiod makes of objects of the Gateway API: YAML in, the table's answer out.

use std::sync::OnceLock;

use time::OffsetDateTime;

use crate::certs::{Authority, Chain, ChainPlan, issue_chain};
use crate::gateway::config::build::Built;
use crate::gateway::config::table::{ClientAuth, Filter, ListenerProtocol, RouteAction, SniTable};
use crate::gateway::config::tests::{answer, build, listener, plain, says, tls};
use crate::gateway::matching;
use crate::names::Host;

const VERSION: &str = "apiVersion: gateway.networking.k8s.io/v1";

fn chain() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(|| {
        let plan = ChainPlan::new(Host::parse("a.com").unwrap());
        let now = OffsetDateTime::from_unix_timestamp(1_760_000_000).unwrap();
        issue_chain(&plan, Authority::New, now).unwrap()
    })
}

fn quoted(pem: &str) -> String {
    serde_json::to_string(pem).unwrap()
}

fn secret(name: &str, more: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    let key = chain().server.key.as_ref().unwrap().pem().to_string();
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         stringData: {{tls.crt: {}, tls.key: {}{more}}}\n",
        quoted(&chain().server_pem()),
        quoted(&key)
    )
}

fn authorities(name: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\ndata: {{ca.crt: {}}}\n",
        quoted(&chain().ca_chain_pem())
    )
}

fn gateway(listeners: &str) -> String {
    gateway_with("", listeners)
}

fn gateway_with(more: &str, listeners: &str) -> String {
    format!(
        "---\n{VERSION}\nkind: Gateway\nmetadata: {{name: edge, namespace: default}}\n\
         spec: {{gatewayClassName: istio, {more}listeners: [{listeners}]}}\n"
    )
}

fn route(kind: &str, name: &str, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    let version = if kind == "UDPRoute" {
        "apiVersion: gateway.networking.k8s.io/v1alpha2"
    } else {
        VERSION
    };
    format!("---\n{version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n")
}

/// An HTTPRoute to the Service of its name.
fn http(name: &str, parent: &str, hosts: &str) -> String {
    let service = name.rsplit('/').next().unwrap();
    route(
        "HTTPRoute",
        name,
        &format!(
            "parentRefs: [{{name: edge, namespace: default{parent}}}], hostnames: [{hosts}], \
             rules: [{{backendRefs: [{{name: {service}, port: 80}}]}}]"
        ),
    )
}

fn https(name: &str, host: &str, tls: &str) -> String {
    format!("{{name: {name}, port: 443, protocol: HTTPS, hostname: '{host}', tls: {{{tls}}}}}")
}

const REFS: &str = "certificateRefs: [{name: c}]";

/// The chain that a server name leads to, and how clients are verified there.
fn served(table: &SniTable, name: &str) -> String {
    let Some(chain) = matching::filter_chain(table, Some(name)) else {
        return "no chain".to_owned();
    };
    let auth = match chain.material() {
        None => "not terminated",
        Some(Err(_)) => "no material",
        Some(Ok(material)) => match &material.client_auth {
            ClientAuth::None => "no client",
            ClientAuth::Optional(of) if of.accept_untrusted => "any client",
            ClientAuth::Optional(_) => "optional client",
            ClientAuth::Required(_) => "required client",
        },
    };
    format!("{}: {auth}", chain.name)
}

fn leads(built: &Built, port: u16, name: &str) -> String {
    let route = match listener(built, port).map(|listener| &listener.protocol) {
        None => return "closed".to_owned(),
        Some(ListenerProtocol::Tcp(route)) => route,
        Some(ListenerProtocol::Http(_)) => return "HTTP".to_owned(),
        Some(ListenerProtocol::Tls(table)) => match matching::filter_chain(table, Some(name)).map(|one| &one.filter) {
            Some(Filter::Tcp(route)) => route,
            Some(_) => return "not TCP".to_owned(),
            None => return "no chain".to_owned(),
        },
    };
    let names = route
        .destinations
        .iter()
        .map(|one| built.table.clusters[one.cluster].name.clone());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn routes_are_bound_by_section_port_namespace_kind_and_hostname() {
    let listeners = "{name: a, port: 80, protocol: HTTP, hostname: '*.a.com'}, {name: b, port: 81, protocol: HTTP}, \
                     {name: all, port: 82, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}, \
                     {name: blue, port: 83, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: \
                      {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [blue]}]}}}}, \
                     {name: grpc, port: 84, protocol: HTTP, allowedRoutes: {kinds: [{kind: GRPCRoute}]}}";
    let answers = |route: &str, host: &str| {
        let built = build(&(gateway(listeners) + route));
        let at = |port| answer(&built, plain(&built, port), host, "/");
        let open: Vec<u16> = [80, 81, 82, 83, 84]
            .into_iter()
            .filter(|port| at(*port).contains("svc"))
            .collect();
        let refused = built.notes.problems().map(|note| note.at.clone().unwrap_or_default());
        (
            open,
            refused
                .map(|at| at.rsplit(' ').next().unwrap_or_default().to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let none: Vec<String> = Vec::new();
    let at = |place: &str| vec![place.to_owned()];
    for (route, host, ports, notes) in [
        (http("x", "", "x.a.com"), "x.a.com", vec![80, 81, 82], none.clone()),
        (http("x", "", ""), "x.a.com", vec![80, 81, 82], none.clone()),
        (
            http("x", ", sectionName: b", "x.a.com"),
            "x.a.com",
            vec![81],
            none.clone(),
        ),
        (http("x", ", port: 82", "x.a.com"), "x.a.com", vec![82], none.clone()),
        (
            http("x", ", sectionName: a", "'*.com'"),
            "x.a.com",
            vec![80],
            none.clone(),
        ),
        (http("blue/x", "", "x.a.com"), "x.a.com", vec![82, 83], none.clone()),
        (http("red/x", "", "x.a.com"), "x.a.com", vec![82], none.clone()),
        (
            http("x", ", sectionName: a", "x.b.com"),
            "x.b.com",
            vec![],
            at("spec.hostnames[0]"),
        ),
        (
            http("x", ", sectionName: lost", ""),
            "x",
            vec![],
            at("spec.parentRefs[0].sectionName"),
        ),
        (http("x", ", port: 9", ""), "x", vec![], at("spec.parentRefs[0].port")),
        (
            http("red/x", ", sectionName: b", ""),
            "x",
            vec![],
            at("spec.parentRefs[0].sectionName"),
        ),
        (
            http("x", ", sectionName: grpc", ""),
            "x",
            vec![],
            at("spec.parentRefs[0].sectionName"),
        ),
        (
            http("x", "", "").replace("name: edge", "name: egde"),
            "x",
            vec![],
            at("spec.parentRefs[0].name"),
        ),
    ] {
        assert_eq!(answers(&route, host), (ports, notes), "{route}");
    }
}

#[test]
fn a_host_belongs_to_the_nearest_listener_of_its_port() {
    let built = build(
        &[
            gateway(
                "{name: any, port: 80, protocol: HTTP}, {name: wide, port: 80, protocol: HTTP, hostname: '*.a.com'}",
            ),
            http("any", ", sectionName: any", "x.a.com, x.com"),
            http("wide", ", sectionName: wide", "y.a.com"),
        ]
        .concat(),
    );
    let at = |host: &str| answer(&built, plain(&built, 80), host, "/");
    assert_eq!(at("x.com"), "any.default.svc.cluster.local:80");
    assert_eq!(at("y.a.com"), "wide.default.svc.cluster.local:80");
    assert_eq!(at("x.a.com"), "no host");
}

#[test]
fn rules_that_istio_refuses_take_their_whole_object_along() {
    let with = |rule: &str| {
        let rules = format!("{{backendRefs: [{{name: x, port: 80}}]}}, {{matches: [{{path: {{value: /y}}}}], {rule}}}");
        let built = build(
            &(gateway("{name: a, port: 80, protocol: HTTP}")
                + &route(
                    "HTTPRoute",
                    "r",
                    &format!("parentRefs: [{{name: edge}}], rules: [{rules}]"),
                )),
        );
        let place = built
            .notes
            .problems()
            .next()
            .and_then(|note| note.at.clone())
            .unwrap_or_default();
        (answer(&built, plain(&built, 80), "h", "/"), place)
    };
    let cases = [
        ("filters: [{type: ExtensionRef}]", "spec.rules[1].filters[0].type"),
        ("filters: [{type: Magic}]", "spec.rules[1].filters[0].type"),
        ("backendRefs: [{name: x}]", "spec.rules[1].backendRefs[0]"),
        (
            "backendRefs: [{name: x.y, port: 80}]",
            "spec.rules[1].backendRefs[0].name",
        ),
        (
            "backendRefs: [{name: x, port: 80, filters: [{type: URLRewrite}]}]",
            "spec.rules[1].backendRefs[0].filters[0].type",
        ),
        (
            "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: \"\\n\"}]}}]",
            "spec.rules[1].filters[0]",
        ),
    ];
    for (rule, place) in cases {
        let (found, at) = with(rule);
        assert_eq!(found, "no host", "{rule}");
        assert!(at.ends_with(place), "{rule}: {at}");
    }
    assert_eq!(
        with("backendRefs: [{name: x, port: 80}]").0,
        "x.default.svc.cluster.local:80"
    );
}

#[test]
fn backends_that_lead_nowhere_are_a_500() {
    let services = "---\napiVersion: v1\nkind: Service\nmetadata: {name: known, namespace: default}\nspec: {ports: [{port: 80}]}\n\
                    ---\napiVersion: v1\nkind: Service\nmetadata: {name: far, namespace: other}\nspec: {ports: [{port: 80}]}\n";
    let grant = route(
        "ReferenceGrant",
        "other/g",
        "from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}], to: [{group: '', kind: Service}]",
    );
    let with = |backends: &str, more: &str| {
        let rules = format!("parentRefs: [{{name: edge}}], rules: [{{backendRefs: [{backends}]}}]");
        let built = build(
            &(gateway("{name: a, port: 80, protocol: HTTP}") + services + more + &route("HTTPRoute", "r", &rules)),
        );
        let host = matching::virtual_host(plain(&built, 80), "h").unwrap();
        match &host.routes[0].action {
            RouteAction::Direct { status, .. } => status.to_string(),
            RouteAction::Forward(forward) => {
                let cluster = &built.table.clusters[forward.destinations[0].cluster];
                match cluster.endpoint {
                    crate::gateway::config::table::Endpoint::Unknown => {
                        format!("{}, unknown", forward.missing.as_u16())
                    }
                    _ => cluster.name.clone(),
                }
            }
            RouteAction::Redirect(_) => "a redirect".to_owned(),
        }
    };
    for (backends, more, expected) in [
        ("{name: known, port: 80}", "", "known.default.svc.cluster.local:80"),
        ("{name: known, port: 81}", "", "500, unknown"),
        ("{name: nobody, port: 80}", "", "500, unknown"),
        ("{name: far, namespace: other, port: 80}", "", "500, unknown"),
        (
            "{name: far, namespace: other, port: 80}",
            grant.as_str(),
            "far.other.svc.cluster.local:80",
        ),
        ("{name: known, kind: Bucket, group: x, port: 80}", "", "500, unknown"),
        ("{name: known, port: 80, weight: 0}", "", "500 Internal Server Error"),
        ("", "", "500 Internal Server Error"),
    ] {
        assert_eq!(with(backends, more), expected, "{backends}");
    }
}

#[test]
fn a_listener_whose_certificate_cannot_be_had_is_left_out() {
    let wide = https("wide", "*.a.com", REFS);
    let with = |tls: &str, more: &str| {
        let built = build(&(gateway(&format!("{wide}, {}", https("own", "x.a.com", tls))) + &secret("c", "") + more));
        served(tls_table(&built), "x.a.com")
    };
    let grant = route(
        "ReferenceGrant",
        "other/g",
        "from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: default}], to: [{group: '', kind: Secret, name: d}]",
    );
    let far = secret("other/d", "") + &grant;
    for (tls, more, expected) in [
        (REFS, String::new(), "default/edge own: no client"),
        (
            "certificateRefs: [{name: lost}]",
            String::new(),
            "default/edge wide: no client",
        ),
        (
            "certificateRefs: [{name: d, namespace: other}]",
            secret("other/d", ""),
            "default/edge wide: no client",
        ),
        (
            "certificateRefs: [{name: d, namespace: other}]",
            far,
            "default/edge own: no client",
        ),
        (
            "certificateRefs: [{name: c}, {name: c}, {name: c}]",
            String::new(),
            "default/edge wide: no client",
        ),
        (
            "certificateRefs: [{name: c, kind: Vault, group: x}]",
            String::new(),
            "default/edge wide: no client",
        ),
        (
            "certificateRefs: [{name: c}, {name: lost}]",
            String::new(),
            "default/edge own: no client",
        ),
    ] {
        assert_eq!(with(tls, &more), expected, "{tls}");
    }
}

fn tls_table(built: &Built) -> &SniTable {
    tls(built)
}

#[test]
fn clients_are_verified_as_the_frontend_and_istios_option_say() {
    let validation = |refs: &str, mode: &str| format!("{{validation: {{caCertificateRefs: [{refs}]{mode}}}}}");
    let map = "{group: '', kind: ConfigMap, name: ca}";
    let of_secret = "{group: '', kind: Secret, name: c}";
    let default = |refs: &str, mode: &str| format!("tls: {{frontend: {{default: {}}}}}, ", validation(refs, mode));
    let per_port = |port: u16| {
        format!(
            "tls: {{frontend: {{default: {{}}, perPort: [{{port: {port}, tls: {}}}]}}}}, ",
            validation(map, "")
        )
    };
    let option = |mode: &str| format!("{REFS}, options: {{gateway.istio.io/tls-terminate-mode: {mode}}}");
    let insecure = ", mode: AllowInsecureFallback";
    for (more, tls, expected) in [
        (String::new(), REFS.to_owned(), "default/edge l: no client"),
        (String::new(), option("MUTUAL"), "default/edge l: required client"),
        (
            String::new(),
            option("OPTIONAL_MUTUAL"),
            "default/edge l: optional client",
        ),
        (String::new(), option("ISTIO_MUTUAL"), "default/edge l: not terminated"),
        (default(map, ""), REFS.to_owned(), "default/edge l: required client"),
        (
            default(of_secret, ""),
            REFS.to_owned(),
            "default/edge l: required client",
        ),
        (default(map, insecure), REFS.to_owned(), "default/edge l: any client"),
        (
            default(map, insecure),
            option("MUTUAL"),
            "default/edge l: required client",
        ),
        (
            default(map, ""),
            option("OPTIONAL_MUTUAL"),
            "default/edge l: optional client",
        ),
        (per_port(443), REFS.to_owned(), "default/edge l: required client"),
        (per_port(444), REFS.to_owned(), "default/edge l: no client"),
    ] {
        let yaml = gateway_with(&more, &https("l", "a.com", &tls)) + &secret("c", &ca_key()) + &authorities("ca");
        assert_eq!(served(tls_table(&build(&yaml)), "a.com"), expected, "{more} {tls}");
    }
    for refs in [
        format!("{map}, {map}"),
        map.replace("name: ca", "name: lost"),
        map.replace("ConfigMap", "Vault"),
        map.replace("name: ca", "name: ca, namespace: other"),
    ] {
        let yaml =
            gateway_with(&default(&refs, ""), &https("l", "a.com", REFS)) + &secret("c", "") + &authorities("ca");
        let built = build(&yaml);
        assert!(listener(&built, 443).is_none(), "{refs}");
        assert!(says(&built, "listener l of Gateway default/edge is left out"));
        assert!(
            says(&built, "spec.tls.frontend.default.validation.caCertificateRefs"),
            "{refs}"
        );
    }
}

fn ca_key() -> String {
    format!(", ca.crt: {}", quoted(&chain().ca_chain_pem()))
}

#[test]
fn connections_are_routed_by_tlsroutes_and_tcproutes() {
    let backend = |name: &str| format!("rules: [{{backendRefs: [{{name: {name}, port: 9}}]}}]");
    let built = build(
        &[
            gateway(&format!(
                "{{name: tcp, port: 1000, protocol: TCP}}, {{name: pass, port: 1001, protocol: TLS, hostname: '*.a.com', tls: {{mode: Passthrough}}}}, \
                 {{name: end, port: 1002, protocol: TLS, tls: {{{REFS}}}}}, {{name: end-tcp, port: 1003, protocol: TLS, tls: {{{REFS}}}}}, \
                 {{name: none, port: 1004, protocol: TCP}}, {{name: zero, port: 1005, protocol: TCP}}"
            )),
            secret("c", ""),
            route("TCPRoute", "t", &format!("parentRefs: [{{name: edge, sectionName: tcp}}], {}", backend("t"))),
            route(
                "TLSRoute",
                "s",
                &format!("parentRefs: [{{name: edge, sectionName: pass}}], hostnames: [x.a.com, '*.com', y.org], {}", backend("s")),
            ),
            route(
                "TLSRoute",
                "later",
                &format!("parentRefs: [{{name: edge, sectionName: pass}}], hostnames: [z.a.com], {}", backend("later")),
            ),
            route("TLSRoute", "e", &format!("parentRefs: [{{name: edge, sectionName: end}}], {}", backend("e"))),
            route("TCPRoute", "et", &format!("parentRefs: [{{name: edge, sectionName: end-tcp}}], {}", backend("et"))),
            route("TCPRoute", "z", "parentRefs: [{name: edge, sectionName: zero}], rules: [{backendRefs: [{name: z, port: 1, weight: 0}]}]"),
        ]
        .concat(),
    );
    let full = |name: &str| format!("{name}.default.svc.cluster.local:9");
    for (port, name, expected) in [
        (1000, "", full("t")),
        (1001, "x.a.com", full("s")),
        (1001, "y.a.com", full("s")),
        (1001, "z.a.com", full("later")),
        (1001, "y.org", "no chain".to_owned()),
        (1002, "any.com", full("e")),
        (1003, "any.com", full("et")),
        (1004, "", "closed".to_owned()),
        (1005, "", "nowhere".to_owned()),
    ] {
        assert_eq!(leads(&built, port, name), expected, "{port} {name}");
    }
    assert!(says(&built, "no TCPRoute or TLSRoute is bound to it"));
}

#[test]
fn listener_sets_are_taken_where_the_gateway_lets_them_in() {
    let set = |namespace: &str| {
        route(
            "ListenerSet",
            &format!("{namespace}/more"),
            "parentRef: {name: edge, namespace: default}, listeners: [{name: m, port: 81, protocol: HTTP}, {name: twice, port: 80, protocol: HTTP}]",
        )
    };
    let bound = |namespace: &str| {
        http(&format!("{namespace}/x"), "", "").replace(
            "name: edge, namespace: default",
            &format!("kind: ListenerSet, name: more, namespace: {namespace}"),
        )
    };
    for (allowed, namespace, expected) in [
        ("", "default", false),
        ("allowedListeners: {namespaces: {from: Same}}, ", "default", true),
        ("allowedListeners: {namespaces: {from: Same}}, ", "other", false),
        ("allowedListeners: {namespaces: {from: All}}, ", "other", true),
    ] {
        let built = build(
            &(gateway_with(allowed, "{name: a, port: 80, protocol: HTTP}") + &set(namespace) + &bound(namespace)),
        );
        let found = listener(&built, 81).is_some()
            && answer(&built, plain(&built, 81), "h", "/") == format!("x.{namespace}.svc.cluster.local:80");
        assert_eq!(found, expected, "{allowed} {namespace}");
        if expected {
            assert!(says(&built, "listener twice of ListenerSet"));
        } else {
            assert!(says(&built, "does not let in ListenerSets"));
        }
    }
}

#[test]
fn what_is_not_run_is_named_once() {
    let built = build(
        &[
            gateway("{name: a, port: 80, protocol: HTTP}, {name: u, port: 53, protocol: UDP}"),
            gateway("{name: a, port: 80, protocol: HTTP}")
                .replace("istio", "nginx")
                .replace("edge", "theirs"),
            route("UDPRoute", "dns", "parentRefs: [{name: edge}]"),
        ]
        .concat(),
    );
    let told: Vec<String> = built
        .notes
        .problems()
        .map(|note| format!("{} at {}", note.what, note.at.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        told,
        [
            "serve does not run UDPRoute default/dns at -:13:7  kind",
            "listener u of Gateway default/edge is left out at -:5:112  spec.listeners[1].protocol",
            "serve does not play Gateway default/theirs at -:10:26  spec.gatewayClassName",
        ]
    );
}
