//! Gateways as YAML, for the tests of the Gateway rules.

use crate::lint::testing::assert_code;

/// A Gateway `default/gw` for the ingress gateway's pods, with servers in flow style.
pub(super) fn gateway(servers: &str) -> String {
    named("gw", "default", "{istio: ingressgateway}", servers)
}

/// A Gateway with servers in flow style, as a document.
pub(super) fn named(name: &str, namespace: &str, selector: &str, servers: &str) -> String {
    format!(
        "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         spec:\n  selector: {selector}\n  servers: [{servers}]\n"
    )
}

/// An HTTPS server on port 443 for `a.com`, with these settings under tls.
pub(super) fn https(tls: &str) -> String {
    gateway(&format!(
        "{{port: {{number: 443, name: https, protocol: HTTPS}}, hosts: [a.com], tls: {{{tls}}}}}"
    ))
}

/// Asserts that the code is found at exactly these paths of each YAML.
#[track_caller]
pub(super) fn assert_cases(code: &str, cases: &[(String, &[&str])]) {
    for (yaml, paths) in cases {
        assert_code(yaml, code, paths);
    }
}
