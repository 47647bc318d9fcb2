//! Lint as a whole: our own manifests are clean, and no input makes it panic.

use std::fmt::Write as _;

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::testing::{NOW, lint_for, lint_seeing, lint_yaml};
use crate::certs::issue::{Authority, issue_chain};
use crate::certs::pem;
use crate::certs::plan::ChainPlan;
use crate::manifests::build::{Api, HostIntent, Intent, Material, Part, objects};
use crate::manifests::{naming, render, routes};
use crate::names::Host;
use crate::workspace::config::{GatewayEntry, IstioTarget, Mode, SecretStyle};

/// A host's chain, as provided by the workspace.
fn material(host: &Host) -> Material {
    let chain = issue_chain(&ChainPlan::new(host.clone()), Authority::New, NOW).expect("a chain");
    let key = chain.server.key.as_ref().expect("a key");
    let ca = [&chain.intermediate.certificate, &chain.root.certificate];
    Material {
        certificate: chain.server_pem().into_bytes(),
        key: Zeroizing::new(key.pem().as_bytes().to_vec()),
        ca: Some(pem::certificates_text(ca).into_bytes()),
        ..Material::default()
    }
}

fn intent(hosts: &[&str], mode: Mode, secrets: SecretStyle, istio: IstioTarget, api: Api) -> Intent {
    let hosts: Vec<Host> = hosts.iter().map(|host| Host::parse(host).expect("a host")).collect();
    Intent {
        hosts: naming::names(hosts.iter().map(|host| (host, None)))
            .into_iter()
            .map(|names| HostIntent {
                routes: routes::default_routes(&names.host),
                mode,
                material: material(&names.host),
                names,
            })
            .collect(),
        gateway: GatewayEntry::default(),
        secrets,
        istio,
        api,
        issuer: None,
    }
}

/// The task page's route to helloworld-v1 uses a port that the page's Service does not have: for
/// Istio 1.1, both are emitted unchanged.
fn is_the_pages_own(finding: &super::Finding, istio: IstioTarget) -> bool {
    istio == IstioTarget::V1_1
        && finding.code == super::codes::DESTINATION_PORT_NOT_FOUND.id
        && finding.object == "VirtualService default/helloworld-v1"
        && finding.path == "spec.http[0].route[0].destination.port.number"
}

/// Asserts that there are no findings, except the info that a file mount needs a rollout if its
/// volume is new.
#[track_caller]
fn assert_clean(intent: &Intent, parts: &[Part]) {
    let yaml = render::yaml(&objects(intent, parts).expect("objects"));
    let report = lint_for(&yaml, intent.istio);
    let mut said = String::new();
    for finding in &report.findings {
        if finding.severity > super::Severity::Info && !is_the_pages_own(finding, intent.istio) {
            let _ = writeln!(said, "{} {}: {}", finding.code, finding.at(), finding.what);
        }
    }
    assert!(
        said.is_empty(),
        "{:?} {:?} {:?}:\n{said}",
        intent.secrets,
        intent.istio,
        intent.api
    );
}

#[test]
fn what_is_emitted_for_a_target_is_clean_for_it() {
    let hosts = [
        "httpbin.example.com",
        "bookinfo.com",
        "helloworld-v1.example.com",
        "*.shop.example",
        "10.0.0.1",
    ];
    for (_, mode) in Mode::WORDS {
        for (_, style) in SecretStyle::WORDS {
            for (_, target) in IstioTarget::WORDS {
                let mut parts = Part::default_of(*style);
                assert_clean(&intent(&hosts, *mode, *style, *target, Api::Istio), &parts);
                parts.push(Part::Samples);
                // The others route to the user's own Services.
                assert_clean(&intent(&hosts[..3], *mode, *style, *target, Api::Istio), &parts);
            }
        }
    }
}

#[test]
fn what_is_emitted_for_the_gateway_api_is_clean() {
    let hosts = ["httpbin.example.com", "bookinfo.com", "*.shop.example"];
    for (_, mode) in Mode::WORDS {
        let intent = intent(
            &hosts,
            *mode,
            SecretStyle::Credential,
            IstioTarget::Latest,
            Api::GatewayApi,
        );
        assert_clean(&intent, &Part::default_of(SecretStyle::Credential));
    }
}

/// Names and values that parsers may trip over.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "",
            "*",
            "*.",
            ".",
            "./",
            "/",
            "*/*",
            "a",
            "a.com",
            "*.a.com",
            "*a.com",
            "ns/a.com",
            "./a.com",
            "*/a.com",
            "a..com",
            "-a.com",
            "A.COM",
            "10.0.0.1",
            "::1",
            "mesh",
            "default/mygateway",
            "mygateway",
            "x/y/z",
            "é.com",
            "kubernetes-gateway://a/b",
            "sds://x",
            "use sds",
            "/etc/istio/a/tls.crt",
            "unix:///a",
            "HTTPS",
            "TLS",
            "http",
            "MUTUAL",
            "SIMPLE",
            "PASSTHROUGH",
            "~",
            "yes",
            "0",
            "-1",
            "443",
            "99999999999",
            "1s",
            "1h1",
            "[",
            "(",
            "\\d+",
            "\u{0}",
            "%",
            "%41",
            ":authority",
            "host",
            "a.default.svc.cluster.local",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ]
}

/// A value of any shape.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        (0..70_000i64).prop_map(serde_json::Value::from),
        word().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::vec((field(), inner), 0..5)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Fields that rules check.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "spec",
            "servers",
            "port",
            "number",
            "name",
            "protocol",
            "hosts",
            "tls",
            "mode",
            "credentialName",
            "credentialNames",
            "serverCertificate",
            "privateKey",
            "caCertificates",
            "selector",
            "istio",
            "gateways",
            "http",
            "match",
            "uri",
            "prefix",
            "exact",
            "regex",
            "route",
            "destination",
            "host",
            "subset",
            "weight",
            "redirect",
            "rewrite",
            "headers",
            "tcp",
            "sniHosts",
            "fault",
            "delay",
            "listeners",
            "certificateRefs",
            "parentRefs",
            "rules",
            "backendRefs",
            "hostname",
            "hostnames",
            "tls.crt",
            "tls.key",
            "ca.crt",
            "ports",
        ])
        .prop_map(str::to_owned),
        word(),
    ]
}

/// A server that the loader accepts, with odd values.
fn server() -> impl Strategy<Value = serde_json::Value> {
    (0..70_000u32, word(), word(), prop::collection::vec(word(), 0..4), word(), word()).prop_map(
        |(number, name, protocol, hosts, credential, file)| {
            serde_json::json!({
                "port": {"number": number, "name": name, "protocol": protocol},
                "hosts": hosts,
                "tls": {"mode": "MUTUAL", "credentialName": credential, "serverCertificate": file, "cipherSuites": [name]},
            })
        },
    )
}

/// An HTTP route that the loader accepts, with odd values.
fn route() -> impl Strategy<Value = serde_json::Value> {
    (word(), word(), word(), word(), any::<i16>()).prop_map(|(uri, header, host, rewrite, weight)| {
        serde_json::json!({
            "match": [{"uri": {"prefix": uri}, "headers": {(header.clone()): {"regex": header}}}, {"uri": {"regex": uri}}],
            "route": [{"destination": {"host": host, "port": {"number": 80}}, "weight": weight}],
            "rewrite": {"uri": rewrite},
            "timeout": rewrite,
        })
    })
}

/// An object of a kind that rules check.
fn object() -> impl Strategy<Value = serde_json::Value> {
    let kinds = prop::sample::select(vec![
        ("networking.istio.io/v1", "Gateway"),
        ("networking.istio.io/v1", "VirtualService"),
        ("networking.istio.io/v1", "DestinationRule"),
        ("networking.istio.io/v1", "ServiceEntry"),
        ("gateway.networking.k8s.io/v1", "Gateway"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant"),
        ("v1", "Secret"),
        ("v1", "Service"),
        ("apps/v1", "Deployment"),
    ]);
    let servers = prop::collection::vec(server(), 0..4);
    let routes = prop::collection::vec(route(), 0..4);
    (kinds, "[ab]", value(), servers, routes, prop::collection::vec(word(), 0..3)).prop_map(
        |((version, kind), name, spec, servers, routes, words)| {
            let spec = match (version, kind) {
                ("networking.istio.io/v1", "Gateway") => serde_json::json!({"servers": servers, "selector": {"istio": "ingressgateway"}}),
                (_, "VirtualService") => serde_json::json!({"hosts": words, "gateways": words, "http": routes}),
                _ => spec,
            };
            let data = serde_json::json!({"tls.crt": words.first(), "tls.key": words.get(1), "cacert": words.get(2)});
            serde_json::json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec, "stringData": data})
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_objects_make_it_panic(objects in prop::collection::vec(object(), 0..6)) {
        let text: Vec<String> = objects.iter().map(ToString::to_string).collect();
        lint_yaml(&text.join("\n---\n"));
    }

    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|\n|  |: |- |apiVersion: v1\n|kind: Gateway\n|# istio-tls:ignore ITL0001\n){0,60}") {
        lint_yaml(&text);
    }
}

/// What a rule would miss in another namespace, and the kind that it looks for.
const MISSED: &[(&str, &str, &str)] = &[
    (
        "Gateway",
        "ITL0501",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: seen}\n\
         spec: {hosts: [a.com], gateways: [NAMESPACE/g], http: [{directResponse: {status: 204}}]}\n",
    ),
    (
        "Service",
        "ITL0510",
        "apiVersion: v1\nkind: Service\nmetadata: {name: other, namespace: seen}\nspec: {ports: [{port: 80}]}\n---\n\
         apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: seen}\n\
         spec: {hosts: [a.com], http: [{route: [{destination: {host: s.NAMESPACE.svc.cluster.local}}]}]}\n",
    ),
    (
        "VirtualService",
        "ITL0517",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: seen}\n\
         spec: {hosts: [a.com], http: [{delegate: {name: d, namespace: NAMESPACE}}]}\n",
    ),
    (
        "ReferenceGrant",
        "ITL0901",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: seen}\n\
         spec: {rules: [{backendRefs: [{name: s, namespace: NAMESPACE, port: 80}]}]}\n",
    ),
];

#[test]
fn what_is_not_seen_may_be_there() {
    for (kind, code, yaml) in MISSED {
        let codes = |namespace: &str, partly: &[&str]| -> Vec<&'static str> {
            let report = lint_seeing(&yaml.replace("NAMESPACE", namespace), IstioTarget::Latest, partly);
            report.findings.iter().map(|finding| finding.code).collect()
        };
        assert!(
            codes("elsewhere", &[]).contains(code),
            "{kind}: {:?}",
            codes("elsewhere", &[])
        );
        assert!(!codes("elsewhere", &[kind]).contains(code), "{kind}");
    }
}

#[test]
fn what_a_rule_cannot_do_without_is_skipped() {
    let yaml = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: seen}\n\
        spec: {selector: {istio: nobody}, servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.com], \
        tls: {mode: SIMPLE, credentialName: c}}]}\n";
    let all = lint_yaml(yaml);
    assert!(all.findings.iter().any(|finding| finding.code == "ITL0201"), "{all:?}");
    let report = lint_seeing(yaml, IstioTarget::Latest, &["Pod", "Secret"]);
    assert!(
        report.findings.iter().all(|finding| finding.code != "ITL0201"),
        "{report:?}"
    );
    for (code, why) in [("ITL0201", "Pod elsewhere"), ("ITL0301", "Secret elsewhere")] {
        let skipped = report.skipped.iter().find(|skipped| skipped.code == code);
        let skipped = skipped.unwrap_or_else(|| panic!("{code}: {report:?}"));
        assert!(skipped.reason.starts_with(why), "{skipped:?}");
    }
}
