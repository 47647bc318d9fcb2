//! Which servers share an address and a certificate's names, and what is reported.

use super::covers;
use crate::certs::Chain;
use crate::certs::plan::San;
use crate::lint::testing::{gateway, issue, lint_yaml, only, plan, secret_of};

fn named(names: &[&str]) -> Chain {
    let mut plan = plan(names.first().expect("a name"));
    plan.sans = names.iter().map(|name| San::parse(name).expect("a name")).collect();
    issue(&plan)
}

const C: &str = "mode: SIMPLE, credentialName: c";
const D: &str = "mode: SIMPLE, credentialName: d";

fn service(name: &str, host: &str, gateways: &str) -> String {
    format!(
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}, namespace: default}}\nspec:\n  hosts: [{host}]\n  gateways: [{gateways}]\n  http: [{{route: [{{destination: {{host: h}}}}]}}]\n"
    )
}

/// The number of findings for an input.
#[test]
fn servers_of_one_address_do_not_share_names() {
    let wildcard = named(&["*.example.com"]);
    let (a, b) = (named(&["a.example.com"]), named(&["b.example.com"]));
    let both = named(&["a.example.com", "b.example.com"]);
    let secrets = |c: &Chain, d: &Chain| secret_of("c", c) + &secret_of("d", d);
    let pair = |c: &Chain, d: &Chain| {
        gateway("one", &[("a.example.com", C)]) + &gateway("two", &[("b.example.com", D)]) + &secrets(c, d)
    };
    let second = |change: (&str, &str)| pair(&wildcard, &wildcard).replacen(change.0, change.1, 1);
    for (case, yaml, count) in [
        ("certificates of their own", pair(&a, &b), 0),
        (
            "one server",
            gateway("one", &[("a.example.com, b.example.com", C)]) + &secret_of("c", &wildcard),
            0,
        ),
        (
            "the same names in one server of two certificates",
            gateway("one", &[("a.example.com", "mode: SIMPLE, credentialNames: [c, d]")]) + &secrets(&wildcard, &a),
            0,
        ),
        (
            "other pods",
            second(("selector: {istio: ingressgateway}", "selector: {istio: other}")),
            0,
        ),
        ("another port", second(("number: 443", "number: 8443")), 0),
        (
            "another address",
            second(("    hosts:", "    bind: 10.0.0.1\n    hosts:")),
            0,
        ),
        ("no HTTP", second(("protocol: HTTPS", "protocol: TLS")), 0),
        ("passed on", second(("mode: SIMPLE", "mode: PASSTHROUGH")), 0),
        (
            "a name that nobody serves",
            pair(&named(&["a.example.com", "c.example.com"]), &b),
            0,
        ),
        (
            "a wildcard one label too high",
            gateway("one", &[("a.example.com", C)])
                + &gateway("two", &[("b.b.example.com", D)])
                + &secrets(&wildcard, &named(&["b.b.example.com"])),
            0,
        ),
        // The same credentialName is IST0138.
        (
            "one Secret in two Gateways",
            gateway("one", &[("a.example.com", C)])
                + &gateway("two", &[("b.example.com", C)])
                + &secret_of("c", &wildcard),
            0,
        ),
        (
            "one Secret in two Gateways whose selectors meet in one pod only",
            gateway("one", &[("a.example.com", C)])
                + &gateway("two", &[("b.example.com", C)])
                    .replace("istio: ingressgateway", "app: istio-ingressgateway")
                + &secret_of("c", &wildcard),
            1,
        ),
        (
            "a Gateway without a selector",
            gateway("one", &[("a.example.com", C)]).replace("istio: ingressgateway", "istio: other")
                + &gateway("two", &[("b.example.com", D)]).replace("selector: {istio: ingressgateway}", "selector: {}")
                + &secrets(&wildcard, &wildcard),
            1,
        ),
        (
            "one host in two servers",
            gateway("one", &[("a.example.com", C)])
                + &gateway("two", &[("a.example.com", D)])
                + &secrets(&a, &wildcard),
            0,
        ),
        (
            "a wildcard host whose routes are those of the Gateway",
            gateway("one", &[("\"*.example.com\"", C), ("b.example.com", D)]) + &secrets(&wildcard, &b),
            0,
        ),
        (
            "a VirtualService that is bound to both",
            gateway("one", &[("\"*.example.com\"", C)])
                + &gateway("two", &[("b.example.com", D)])
                + &secrets(&wildcard, &b)
                + &service("v", "b.example.com", "one, two"),
            0,
        ),
        ("one certificate in two Secrets", pair(&wildcard, &wildcard), 1),
        ("a wildcard over the other's host", pair(&wildcard, &b), 1),
        ("a name of the other's host", pair(&both, &b), 1),
        (
            "one Secret in two servers of a Gateway",
            gateway("one", &[("a.example.com", C), ("b.example.com", C)]) + &secret_of("c", &wildcard),
            1,
        ),
        (
            "a host that goes to the server for everything else",
            gateway("one", &[("a.example.com", C), ("\"*\"", D)]) + &secrets(&both, &b),
            1,
        ),
        (
            "an exact host below another server's wildcard",
            gateway("one", &[("a.example.com", C)])
                + &gateway("two", &[("\"*.example.com\"", D)])
                + &secrets(&wildcard, &wildcard),
            1,
        ),
        (
            "a wildcard host whose Gateway has other routes",
            gateway("one", &[("\"*.example.com\"", C)])
                + &gateway("two", &[("b.example.com", D)])
                + &secrets(&wildcard, &b)
                + &service("v", "b.example.com", "two")
                + &service("w", "\"*.example.com\"", "one"),
            1,
        ),
        (
            "a wildcard host whose Gateway has no routes for it",
            gateway("one", &[("\"*.example.com\"", C)])
                + &gateway("two", &[("b.example.com", D)])
                + &secrets(&wildcard, &b)
                + &service("v", "b.example.com", "two"),
            1,
        ),
        (
            "three servers of one certificate",
            gateway(
                "one",
                &[("a.example.com", C), ("b.example.com", C), ("c.example.com", C)],
            ) + &secret_of("c", &wildcard),
            1,
        ),
    ] {
        let found = lint_yaml(&yaml).findings;
        let of_code = found.iter().filter(|finding| finding.code == "ITL0801").count();
        assert_eq!(of_code, count, "{case}");
    }
}

#[test]
fn servers_secrets_and_the_name_are_said() {
    let wildcard = named(&["*.example.com"]);
    let yaml = gateway("one", &[("a.example.com", C)])
        + &gateway("two", &[("b.example.com", D)])
        + &secret_of("c", &wildcard)
        + &secret_of("d", &named(&["b.example.com"]));
    let found = only(&yaml, "ITL0801");
    assert_eq!(
        found.what,
        "the certificate in tls.crt of secret istio-system/c is also valid for b.example.com (through its name \
         *.example.com); server https-two-0 of Gateway default/two serves b.example.com with the certificate in \
         tls.crt of secret istio-system/d"
    );
    assert!(found.why.ends_with(
        "server https-one-0 of Gateway default/one, which does not know that host and answers \
                with 404"
    ));
    assert!(
        found
            .fix
            .starts_with("put a.example.com and b.example.com into one server"),
        "{}",
        found.fix
    );
    assert_eq!(
        (found.object.as_str(), found.path.as_str()),
        ("Gateway default/one", "spec.servers[0].hosts[0]")
    );
    let same = gateway("one", &[("a.example.com", C)])
        + &gateway("two", &[("b.example.com", D)])
        + &secret_of("c", &wildcard)
        + &secret_of("d", &wildcard);
    let found = only(&same, "ITL0801");
    assert!(
        found.what.ends_with("server https-two-0 of Gateway default/two presents the same certificate, from tls.crt of secret istio-system/d"),
        "{}",
        found.what
    );
}

#[test]
fn listeners_of_the_gateway_api_are_servers_too() {
    let listener = |name: &str, host: &str| {
        format!(
            "{{name: {name}, hostname: {host}, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{{name: c}}]}}}}"
        )
    };
    let gateway = |listeners: &str| {
        format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: istio-system}}\nspec:\n  listeners: [{listeners}]\n"
        )
    };
    let secret = secret_of("c", &named(&["*.example.com"]));
    let (a, b) = (listener("a", "a.example.com"), listener("b", "b.example.com"));
    let found = only(&(gateway(&format!("{a}, {b}")) + &secret), "ITL0801");
    assert_eq!(found.path, "spec.listeners[0].hostname");
    let alone = lint_yaml(&(gateway(&a) + &secret)).findings;
    assert!(alone.iter().all(|finding| finding.code != "ITL0801"));
    // Gateways of the Gateway API have their own pods, and so their own addresses.
    let apart = gateway(&a) + &gateway(&b).replace("name: g", "name: h") + &secret;
    assert!(
        lint_yaml(&apart)
            .findings
            .iter()
            .all(|finding| finding.code != "ITL0801")
    );
}

#[test]
fn hosts_take_names() {
    for (own, name, expected) in [
        ("*", "a.com", true),
        ("*.a.com", "b.a.com", true),
        ("*.a.com", "c.b.a.com", true),
        ("*.a.com", "*.a.com", true),
        ("*.a.com", "a.com", false),
        ("*.b.a.com", "*.a.com", false),
        ("a.com", "a.com", true),
        ("a.com", "b.com", false),
    ] {
        assert_eq!(covers(own, name), expected, "{own} {name}");
    }
}

#[test]
fn one_certificate_of_many_servers_is_told_once() {
    let wildcard = named(&["*.example.com"]);
    let hosts: Vec<String> = (0..500).map(|number| format!("h{number}.example.com")).collect();
    let servers: Vec<(&str, &str)> = hosts.iter().map(|host| (host.as_str(), C)).collect();
    let found = only(&(gateway("one", &servers) + &secret_of("c", &wildcard)), "ITL0801");
    assert!(found.what.ends_with("and so do 498 other servers"), "{}", found.what);
}
