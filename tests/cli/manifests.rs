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

#[test]
fn flags_beat_the_workspace() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com", "bookinfo.com"]).exits(0);
    let ran = dir
        .run(&[
            "manifests",
            "bookinfo.com",
            "httpbin.example.com",
            "--mode",
            "simple",
            "--gateway-name",
            "edge",
            "-n",
            "apps",
            "--secret-namespace",
            "ingress",
        ])
        .exits(0);
    let objects = documents(&ran.stdout);
    assert_eq!(objects[0]["metadata"]["name"], "bookinfo-credential");
    assert_eq!(objects[0]["metadata"]["namespace"], "ingress");
    assert!(objects[0]["data"].get("ca.crt").is_none());
    let gateway = &objects[2];
    assert_eq!(gateway["metadata"]["name"], "edge");
    assert_eq!(gateway["metadata"]["namespace"], "apps");
    assert_eq!(gateway["spec"]["servers"][0]["hosts"][0], "bookinfo.com");
    assert_eq!(gateway["spec"]["servers"][0]["tls"]["mode"], "SIMPLE");
    assert_eq!(objects[3]["spec"]["gateways"][0], "edge");
}

#[test]
fn the_first_host_has_the_default_mounts() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com", "bookinfo.com"]).exits(0);
    for (hosts, wanted) in [
        (
            &[][..],
            [
                "/etc/istio/ingressgateway-certs/tls.crt",
                "/etc/istio/ingressgateway-bookinfo-certs/tls.crt",
            ],
        ),
        (
            &["bookinfo.com", "httpbin.example.com"],
            [
                "/etc/istio/ingressgateway-certs/tls.crt",
                "/etc/istio/ingressgateway-httpbin-certs/tls.crt",
            ],
        ),
    ] {
        let args = [&["manifests", "--secrets", "file-mount", "--only", "gateway"], hosts].concat();
        let gateway = documents(&dir.run(&args).exits(0).stdout).remove(0);
        let servers = gateway["spec"]["servers"].as_array().unwrap();
        let paths: Vec<&str> = servers
            .iter()
            .map(|server| server["tls"]["serverCertificate"].as_str().unwrap())
            .collect();
        assert_eq!(paths, wanted);
    }
}

#[test]
fn routes_and_credential_names_are_for_one_host() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "shop.example", "*.a.com"]).exits(0);
    let ran = dir
        .run(&[
            "manifests",
            "shop.example",
            "--route",
            "/=shop:80",
            "--route",
            "/api=orders:8080",
            "--credential-name",
            "mine",
        ])
        .exits(0);
    let objects = documents(&ran.stdout);
    assert_eq!(objects[0]["metadata"]["name"], "mine");
    assert_eq!(objects[1]["spec"]["servers"][0]["tls"]["credentialName"], "mine");
    let http = &objects[2]["spec"]["http"];
    assert_eq!(http[0]["match"][0]["uri"]["prefix"], "/api");
    assert_eq!(http[0]["route"][0]["destination"]["host"], "orders");
    assert_eq!(http[1]["route"][0]["destination"]["port"]["number"], 80);
    dir.run(&["manifests", "--route", "/=shop:80"])
        .exits(2)
        .says("--route is for a single host")
        .says("shop.example, *.a.com");
    dir.run(&["manifests", "shop.example", "--route", "shop:80"]).exits(2);
    dir.run(&["manifests", "shop.example", "--credential-name", "Mine"])
        .exits(2)
        .says("not a valid name for a Secret");
}

#[test]
fn json_is_a_list_and_parses_on_failure_too() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let list = dir.run(&["manifests", "-o", "json"]).exits(0).json();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    let failed = dir
        .run(&["manifests", "b.com", "-o", "json"])
        .exits(2)
        .says("istio-tls gen-certs b.com");
    assert!(failed.json()["error"]["what"].as_str().unwrap().contains("b.com"));
    dir.run(&["manifests", "-o", "toml"]).exits(2).says("-o yaml|json");
}

#[test]
fn a_folder_of_files_is_for_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let ran = dir
        .run(&["manifests", "--samples", "--out", "k8s/edge"])
        .exits(0)
        .says("kubectl apply");
    assert_eq!(ran.stdout, "");
    let mode = |name: &str| std::fs::metadata(dir.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("k8s/edge/secrets.yaml"), 0o600);
    assert_eq!(mode("k8s/edge/gateway.yaml"), 0o644);
    let files =
        ["secrets", "gateway", "virtualservice", "samples"].map(|part| dir.read(format!("k8s/edge/{part}.yaml")));
    let printed = dir.run(&["manifests", "--samples"]).exits(0).stdout;
    assert_eq!(files.join("---\n"), printed);
}

#[test]
fn chains_without_a_workspace_file_are_taken_as_they_stand() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    dir.run(&["gen-certs", "bookinfo.com"]).exits(0);
    std::fs::remove_file(dir.path("istio-tls.yaml")).unwrap();
    std::fs::remove_dir_all(dir.path("bookinfo.com/4_client")).unwrap();
    let objects = documents(&dir.run(&["manifests", "--only", "gateway"]).exits(0).stdout);
    let servers = objects[0]["spec"]["servers"].as_array().unwrap();
    let modes: Vec<(&str, &str)> = servers
        .iter()
        .map(|server| {
            (
                server["hosts"][0].as_str().unwrap(),
                server["tls"]["mode"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(modes, [("bookinfo.com", "SIMPLE"), ("httpbin.example.com", "MUTUAL")]);
    assert!(
        !dir.path("istio-tls.yaml").exists(),
        "manifests writes no workspace file"
    );
}

#[test]
fn samples_say_what_cannot_work() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "helloworld-v1.example.com", "shop.example"])
        .exits(0);
    dir.run(&["manifests", "helloworld-v1.example.com", "--samples", "--istio", "1.1"])
        .exits(0)
        .says("exposes port 8000")
        .prints("extensions/v1beta1");
    dir.run(&["manifests", "helloworld-v1.example.com", "--only", "samples"])
        .exits(0)
        .prints("port: 5000");
    dir.run(&["manifests", "shop.example", "--samples"])
        .exits(0)
        .says("no host leads to a Service of the samples");
}
