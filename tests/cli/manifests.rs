//! `manifests`: what it prints, where it writes, and what it refuses.

use crate::harness::Dir;

/// The documents of a YAML text, as a reader other than ours sees them.
fn documents(text: &str) -> Vec<serde_json::Value> {
    serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("no YAML: {error}\n{text}"))
}

#[test]
fn a_new_chain_becomes_a_secret_a_gateway_and_a_virtual_service() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let ran = dir.run(&["manifests"]).exits(0);
    let objects = documents(&ran.stdout);
    let kinds: Vec<&str> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Secret", "Gateway", "VirtualService"]);
    let secret = &objects[0];
    assert_eq!(secret["type"], "kubernetes.io/tls");
    assert_eq!(secret["metadata"]["name"], "httpbin-credential");
    assert_eq!(secret["metadata"]["namespace"], "istio-system");
    let keys: Vec<&String> = secret["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["ca.crt", "tls.crt", "tls.key"]);
    let server = &objects[1]["spec"]["servers"][0];
    assert_eq!(server["tls"]["mode"], "MUTUAL");
    assert_eq!(server["tls"]["credentialName"], "httpbin-credential");
    assert_eq!(server["port"]["name"], "https");
    assert_eq!(objects[1]["apiVersion"], "networking.istio.io/v1");
    assert_eq!(objects[2]["spec"]["http"][0]["match"][1]["uri"]["prefix"], "/delay");
}
