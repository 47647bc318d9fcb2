//! `serve`: which of the input's gateways is played, by its own workloads and selectors
//! or by a flag.

use base64::Engine as _;

use crate::harness::Dir;
use crate::serve_process::{Serve, trusting};

const HOST: &str = "shop.example.com";

/// A Gateway for HOST on pods with these labels, its route, and its Secret in a namespace.
fn shop(dir: &Dir, name: &str, selector: &str, namespace: &str) -> String {
    let encoded = |file: &str| base64::engine::general_purpose::STANDARD.encode(dir.read(format!("{HOST}/{file}")));
    let (certificate, key) = (
        encoded(&format!("3_application/certs/{HOST}.cert.pem")),
        encoded(&format!("3_application/private/{HOST}.key.pem")),
    );
    format!(
        "---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: web}}
spec:
  selector: {selector}
  servers:
  - port: {{number: 443, name: https, protocol: HTTPS}}
    hosts: [{HOST}]
    tls: {{mode: SIMPLE, credentialName: {name}-tls}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: web}}
spec:
  hosts: [{HOST}]
  gateways: [{name}]
  http: [{{directResponse: {{status: 200, body: {{string: {name}}}}}}}]
---
apiVersion: v1
kind: Secret
metadata: {{name: {name}-tls, namespace: {namespace}}}
type: kubernetes.io/tls
data: {{tls.crt: {certificate}, tls.key: {key}}}
"
    )
}

/// As Helm's chart `gateway` makes it: labelled by the release's name.
const RELEASE: &str = "---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: istio-ingress, namespace: istio-ingress}
spec:
  selector: {matchLabels: {istio: ingress}}
  template:
    metadata: {labels: {istio: ingress, app: istio-ingress}}
    spec: {containers: [{name: istio-proxy, image: auto}]}
";

fn folder() -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--mode", "simple"]).exits(0);
    dir
}

/// What the gateway answers for HOST.
fn answer(dir: &Dir, serve: &Serve<'_>) -> String {
    let connection = serve.open(HOST, &trusting(dir, HOST));
    let mut connection = connection.unwrap_or_else(|error| panic!("{error}:\n{}", serve.log()));
    connection.get("/").expect("an answer").body
}

#[test]
fn the_workload_of_the_input_is_played_with_the_secrets_of_its_namespace() {
    let dir = folder();
    dir.write(
        "shop.yaml",
        &(shop(&dir, "shop", "{istio: ingress}", "istio-ingress") + RELEASE),
    );
    let serve = Serve::start(&dir, &["-f", "shop.yaml"]);
    assert_eq!(answer(&dir, &serve), "shop");
    let told = "plays the gateway DaemonSet istio-ingress/istio-ingress (app: istio-ingress, istio: ingress)";
    assert!(serve.log().contains(told), "{}", serve.log());
    drop(serve);
    // Without the workload its selector is enough, and its Secrets tell the namespace.
    dir.write("shop.yaml", shop(&dir, "shop", "{istio: ingress}", "istio-ingress"));
    let serve = Serve::start(&dir, &["-f", "shop.yaml"]);
    assert_eq!(answer(&dir, &serve), "shop");
    let told =
        "plays pods labelled istio: ingress in namespace istio-ingress; no workload of the input has these labels";
    assert!(serve.log().contains(told), "{}", serve.log());
}

#[test]
fn of_several_gateways_a_flag_says_which_and_the_others_are_told() {
    let dir = folder();
    let two = shop(&dir, "shop", "{istio: ingress}", "istio-ingress") + &shop(&dir, "edge", "{app: edge}", "edge");
    dir.write("two.yaml", &(two.clone() + RELEASE));
    dir.run(&["serve", "-f", "two.yaml"])
        .exits(2)
        .says("the input has Gateways for several gateways, but only one can be played")
        .says("DaemonSet istio-ingress/istio-ingress (app: istio-ingress, istio: ingress); pods labelled app: edge in namespace edge")
        .says("--selector app=istio-ingress,istio=ingress");
    for (flags, expected, other) in [
        (["--selector", "app=edge"], "edge", "web/shop"),
        (["--selector", "app=istio-ingress,istio=ingress"], "shop", "web/edge"),
        (["--gateway", "istio-ingress/istio-ingress"], "shop", "web/edge"),
    ] {
        let serve = Serve::start(&dir, &[&["-f", "two.yaml"][..], &flags].concat());
        assert_eq!(answer(&dir, &serve), expected, "{flags:?}");
        let ignored = format!("serve does not play Gateway {other}: its selector is for other pods");
        assert!(serve.log().contains(&ignored), "{}", serve.log());
    }
    // Istio's own is played before others.
    dir.write(
        "three.yaml",
        &(two + &shop(&dir, "own", "{istio: ingressgateway}", "istio-system")),
    );
    assert_eq!(answer(&dir, &Serve::start(&dir, &["-f", "three.yaml"])), "own");
}

#[test]
fn a_gateway_that_is_not_there_or_not_named_is_wrong_usage() {
    let dir = folder();
    dir.write(
        "shop.yaml",
        &(shop(&dir, "shop", "{istio: ingress}", "istio-ingress") + RELEASE),
    );
    dir.run(&["serve", "-f", "shop.yaml", "--gateway", "istio-system/gw"])
        .exits(2)
        .says("there is no Deployment, DaemonSet, Pod, Service or Gateway istio-system/gw to be played")
        .says("DaemonSet istio-ingress/istio-ingress");
    dir.run(&["serve", "--gateway", "gw"])
        .exits(2)
        .says("expected NAMESPACE/NAME");
    dir.run(&["serve", "--selector", "gw"])
        .exits(2)
        .says("expected LABEL=VALUE");
    dir.run(&["serve", "--selector", "a=b", "--gateway", "a/b"]).exits(2);
}
