//! `serve`: what it makes of a workspace, of manifests and of Secrets, and how
//! it starts and ends.

use std::fmt::Write as _;

use base64::Engine as _;
use rustix::process::Signal;

use crate::harness::Dir;
use crate::serve_process::{Serve, client_of, trusting};
use crate::tls_client::plain_get;

const HTTPBIN: &str = "httpbin.example.com";
const BOOKINFO: &str = "bookinfo.com";

const GATEWAY: &str = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: mygateway, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [httpbin.example.com]
    tls: {mode: MODE, credentialName: httpbin-credential}
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: [plain.example.com]
  - port: {number: 80, name: redirect, protocol: HTTP}
    hosts: [httpbin.example.com]
    tls: {httpsRedirect: true}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: httpbin, namespace: default}
spec:
  hosts: ['*']
  gateways: [mygateway]
  http:
  - match: [{uri: {prefix: /status}}]
    route: [{destination: {host: httpbin, port: {number: 8000}}}]
  - match: [{uri: {exact: /nowhere}}]
    route: [{destination: {host: nowhere, port: {number: 8000}}}]
---
apiVersion: v1
kind: Service
metadata: {name: httpbin, namespace: default}
spec: {ports: [{port: 8000}]}
";

fn chain(dir: &Dir, hosts: &[&str]) {
    let mut args = vec!["gen-certs"];
    args.extend_from_slice(hosts);
    dir.run(&args).exits(0);
}

/// A Secret of a host's chain as YAML.
fn secret(dir: &Dir, namespace: &str, name: &str, keys: [&str; 3]) -> String {
    let files = [
        "3_application/certs/httpbin.example.com.cert.pem",
        "3_application/private/httpbin.example.com.key.pem",
        "2_intermediate/certs/ca-chain.cert.pem",
    ];
    let mut text =
        format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata:\n");
    for (key, file) in keys.iter().zip(files) {
        let content = dir.read(format!("{HTTPBIN}/{file}"));
        let encoded = base64::engine::general_purpose::STANDARD.encode(content);
        let _ = writeln!(text, "  {key}: {encoded}");
    }
    text
}

#[test]
fn a_workspace_is_served_and_clients_are_verified() {
    let dir = Dir::new();
    chain(&dir, &[HTTPBIN, BOOKINFO]);
    let serve = Serve::start(&dir, &[]);
    let mut connection = serve.open(HTTPBIN, &client_of(&dir, HTTPBIN)).expect("served");
    let answer = connection.get("/status/418").expect("an answer");
    assert_eq!(answer.status, 418);
    assert!(answer.body.contains("-=[ teapot ]=-"), "{}", answer.body);
    assert_eq!(connection.get("/elsewhere").expect("an answer").status, 404);
    // The other host's virtual host is not reachable through this chain.
    assert_eq!(
        connection.get_as(BOOKINFO, "/productpage").expect("an answer").status,
        404
    );
    let bookinfo = serve.open(BOOKINFO, &client_of(&dir, BOOKINFO)).expect("served");
    assert_ne!(connection.leaf(), bookinfo.leaf(), "two hosts, two certificates");
    // TLS 1.3 refuses after the client's handshake looks complete.
    let refusal = serve
        .open(HTTPBIN, &trusting(&dir, HTTPBIN))
        .and_then(|mut connection| connection.get("/status/418"))
        .expect_err("refused");
    assert!(refusal.contains("CertificateRequired"), "{refusal}");
    let mut stranger = client_of(&dir, BOOKINFO);
    stranger.authorities = trusting(&dir, HTTPBIN).authorities;
    let refusal = serve
        .open(HTTPBIN, &stranger)
        .and_then(|mut connection| connection.get("/status/418"))
        .expect_err("refused");
    assert!(refusal.contains("UnknownCA"), "{refusal}");
    let closed = serve
        .open("other.example.com", &trusting(&dir, HTTPBIN))
        .err()
        .expect("closed");
    assert!(!closed.contains("alert"), "{closed}");
}

#[test]
fn folders_of_generate_sh_are_served_without_a_workspace_file() {
    let dir = Dir::new();
    chain(&dir, &[HTTPBIN]);
    std::fs::remove_file(dir.path("istio-tls.yaml")).unwrap();
    let mutual = Serve::start(&dir, &[]);
    assert!(mutual.log().contains("MUTUAL"), "{}", mutual.log());
    drop(mutual);
    std::fs::remove_dir_all(dir.path(HTTPBIN).join("4_client")).unwrap();
    let simple = Serve::start(&dir, &[]);
    let mut connection = simple.open(HTTPBIN, &trusting(&dir, HTTPBIN)).expect("served");
    assert_eq!(connection.get("/status/204").expect("an answer").status, 204);
}

#[test]
fn manifests_with_their_secrets_are_served() {
    let source = Dir::new();
    chain(&source, &[HTTPBIN]);
    for keys in [["tls.crt", "tls.key", "ca.crt"], ["cert", "key", "cacert"]] {
        let dir = Dir::new();
        let yaml = GATEWAY.replace("MODE", "MUTUAL") + &secret(&source, "istio-system", "httpbin-credential", keys);
        dir.write("all.yaml", yaml);
        let serve = Serve::start(&dir, &["-f", "all.yaml"]);
        let mut connection = serve.open(HTTPBIN, &client_of(&source, HTTPBIN)).expect("served");
        assert_eq!(connection.get("/status/418").expect("an answer").status, 418);
        assert_eq!(connection.get("/none").expect("an answer").status, 404);
        assert_eq!(connection.get("/nowhere").expect("an answer").status, 503);
        let plain = serve.address(80);
        assert_eq!(
            plain_get(plain, "plain.example.com", "/status/200").unwrap().status,
            200
        );
        assert_eq!(
            plain_get(plain, "unknown.example.com", "/status/200").unwrap().status,
            404
        );
        let redirect = plain_get(plain, "httpbin.example.com:8080", "/status/418?a=b").unwrap();
        assert_eq!(redirect.status, 301);
        assert!(
            redirect
                .head
                .contains("location: https://httpbin.example.com:8080/status/418?a=b"),
            "{}",
            redirect.head
        );
    }
}

#[test]
fn a_secret_that_is_missing_or_elsewhere_resets_its_host_only() {
    let dir = Dir::new();
    chain(&dir, &[HTTPBIN]);
    // The workspace would have one; an input elsewhere has not.
    let other = Dir::new();
    other.write("gateway.yaml", GATEWAY.replace("MODE", "SIMPLE"));
    other.write(
        "secret.yaml",
        secret(&dir, "default", "httpbin-credential", ["tls.crt", "tls.key", "ca.crt"]),
    );
    let serve = Serve::start(&other, &["-f", "gateway.yaml", "-f", "secret.yaml"]);
    let log = serve.log();
    assert!(
        log.contains("secret \"httpbin-credential\" is in namespace default, not in istio-system"),
        "{log}"
    );
    assert!(log.contains("at:  gateway.yaml:9:"), "{log}");
    assert_eq!(log.matches("httpbin-credential").count(), 1, "it is said once\n{log}");
    assert!(serve.open(HTTPBIN, &trusting(&dir, HTTPBIN)).is_err());
    assert_eq!(
        plain_get(serve.address(80), "plain.example.com", "/status/200")
            .unwrap()
            .status,
        200
    );
}

#[test]
fn material_comes_from_the_folders_given() {
    let source = Dir::new();
    chain(&source, &[HTTPBIN]);
    let tree = source.path(HTTPBIN);
    let dir = Dir::new();
    dir.write("gateway.yaml", GATEWAY.replace("MODE", "MUTUAL"));
    for (key, file) in [
        ("tls.crt", "3_application/certs/httpbin.example.com.cert.pem"),
        ("tls.key", "3_application/private/httpbin.example.com.key.pem"),
        ("ca.crt", "2_intermediate/certs/ca-chain.cert.pem"),
    ] {
        dir.write(
            &format!("secrets/httpbin-credential/{key}"),
            source.read(format!("{HTTPBIN}/{file}")),
        );
    }
    let tree = tree.to_str().unwrap();
    for certs in [tree, source.path("").to_str().unwrap(), "secrets"] {
        let serve = Serve::start(&dir, &["-f", "gateway.yaml", "--certs", certs]);
        let mut connection = serve.open(HTTPBIN, &client_of(&source, HTTPBIN)).expect(certs);
        assert_eq!(connection.get("/status/418").expect("an answer").status, 418);
    }
}

#[test]
fn mount_paths_lead_to_secrets_and_never_to_this_machine() {
    let source = Dir::new();
    chain(&source, &[HTTPBIN]);
    let files = "tls: {mode: SIMPLE, serverCertificate: CERT, privateKey: KEY}";
    let gateway = |certificate: &str, key: &str| {
        GATEWAY
            .replace("tls: {mode: MODE, credentialName: httpbin-credential}", files)
            .replace("CERT", certificate)
            .replace("KEY", key)
    };
    let tree = source.path(HTTPBIN);
    let certificate = tree.join("3_application/certs/httpbin.example.com.cert.pem");
    let key = tree.join("3_application/private/httpbin.example.com.key.pem");
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let dir = Dir::new();
    let mounted = |name: &str| {
        gateway(
            "/etc/istio/ingressgateway-certs/tls.crt",
            "/etc/istio/ingressgateway-certs/tls.key",
        ) + &secret(&source, "istio-system", name, ["tls.crt", "tls.key", "x"])
    };
    dir.write("mounted.yaml", mounted("istio-ingressgateway-certs"));
    dir.write("local.yaml", gateway(certificate, key));
    dir.write(
        "volume.yaml",
        mounted("own-name")
            + "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec:
  template:
    metadata: {labels: {istio: ingressgateway}}
    spec:
      containers:
      - name: istio-proxy
        volumeMounts: [{name: certs, mountPath: /etc/istio/ingressgateway-certs}]
      volumes: [{name: certs, secret: {secretName: own-name}}]
",
    );
    for (args, served) in [
        (&["-f", "mounted.yaml"][..], true),
        (&["-f", "volume.yaml"], true),
        (&["-f", "local.yaml"], false),
        (&["-f", "local.yaml", "--host-files"], true),
    ] {
        let serve = Serve::start(&dir, args);
        let opened = serve.open(HTTPBIN, &trusting(&source, HTTPBIN));
        assert_eq!(opened.is_ok(), served, "{args:?}\n{}", serve.log());
    }
}

#[test]
fn a_key_of_another_certificate_is_said_and_that_host_is_reset() {
    let dir = Dir::new();
    chain(&dir, &[HTTPBIN, BOOKINFO]);
    std::fs::copy(
        dir.path("bookinfo.com/3_application/private/bookinfo.com.key.pem"),
        dir.path("httpbin.example.com/3_application/private/httpbin.example.com.key.pem"),
    )
    .unwrap();
    let serve = Serve::start(&dir, &[]);
    assert!(
        serve.log().contains("does not belong to the certificate"),
        "{}",
        serve.log()
    );
    assert!(serve.open(HTTPBIN, &client_of(&dir, HTTPBIN)).is_err());
    assert!(serve.open(BOOKINFO, &client_of(&dir, BOOKINFO)).is_ok());
}

/// Envoy resets the connections of the Secret's hosts; of a bundle of CAs it passes
/// over the one, and trusts the other.
#[test]
fn pem_with_a_byte_order_mark_is_not_served() {
    let source = Dir::new();
    chain(&source, &[HTTPBIN]);
    for (file, served) in [
        ("3_application/certs/httpbin.example.com.cert.pem", false),
        ("3_application/private/httpbin.example.com.key.pem", false),
        ("2_intermediate/certs/ca-chain.cert.pem", true),
    ] {
        let file = format!("{HTTPBIN}/{file}");
        let good = source.read(&file);
        source.write(&file, format!("\u{feff}{good}"));
        let keys = ["tls.crt", "tls.key", "ca.crt"];
        let yaml = GATEWAY.replace("MODE", "MUTUAL") + &secret(&source, "istio-system", "httpbin-credential", keys);
        source.write(&file, good);
        let dir = Dir::new();
        dir.write("all.yaml", yaml);
        let serve = Serve::start(&dir, &["-f", "all.yaml"]);
        assert!(
            serve.log().contains("there is a byte order mark before its BEGIN"),
            "{}",
            serve.log()
        );
        let opened = serve.open(HTTPBIN, &client_of(&source, HTTPBIN));
        assert_eq!(opened.is_ok(), served, "{file}");
    }
}

#[test]
fn what_cannot_be_served_is_refused_before_a_port_opens() {
    let dir = Dir::new();
    dir.run(&["serve"])
        .exits(2)
        .says("there is nothing to serve")
        .says("istio-tls gen-certs httpbin.example.com");
    assert!(!dir.path(".istio-tls").exists(), "an empty folder stays empty");
    dir.write(
        "broken.yaml",
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec: 3\n",
    );
    dir.run(&["serve", "-f", "broken.yaml"]).exits(2).says("broken.yaml:4:");
    dir.write("empty.yaml", "");
    dir.run(&["serve", "-f", "empty.yaml"])
        .exits(2)
        .says("there is no Gateway");
    dir.run(&["serve", "-f", "missing.yaml"]).exits(2).says("missing.yaml");
    dir.write("bytes.yaml", [0xff, 0xfe, 0x00]);
    dir.run(&["serve", "-f", "bytes.yaml"]).exits(2).says("bytes.yaml");
    // What lint calls an error, and what only serving finds: a Secret that is nowhere.
    dir.write("gateway.yaml", GATEWAY.replace("MODE", "SIMPLE"));
    dir.run(&["serve", "-f", "gateway.yaml", "--strict"])
        .exits(2)
        .says("gateway.yaml:26:");
    let routes = GATEWAY.replace("host: nowhere", "host: httpbin");
    dir.write("gateway.yaml", routes.replace("MODE", "SIMPLE"));
    dir.run(&["serve", "-f", "gateway.yaml", "--strict"])
        .exits(2)
        .says("gateway.yaml:9:");
    dir.run(&["serve", "-f", "gateway.yaml", "--certs", "nowhere"])
        .exits(2)
        .says("--certs nowhere");
    dir.run(&["serve", "-f", "gateway.yaml", "--crl", "nowhere"])
        .exits(2)
        .says("nowhere");
    for flag in [
        "--upstream=x",
        "--port-map=443",
        "--admin=localhost",
        "--threads=0",
        "--access-log=xml",
        "--bind=x",
    ] {
        dir.run(&["serve", flag]).exits(2);
    }
}

#[test]
fn one_workspace_and_one_port_are_served_once() {
    let dir = Dir::new();
    chain(&dir, &[HTTPBIN]);
    let serve = Serve::start(&dir, &[]);
    let port = serve.address(443).port();
    dir.run(&["serve", "--admin", "127.0.0.1:0", "--port-map", "443=0"])
        .exits(3)
        .says(&format!("is already served, by process {}", serve.pid()));
    let other = Dir::new();
    chain(&other, &[HTTPBIN]);
    other
        .run(&["serve", "--admin", "127.0.0.1:0", "--port-map", &format!("443={port}")])
        .exits(3)
        .says(&format!(
            "127.0.0.1:{port} is in use by process {} (istio-tls)",
            serve.pid()
        ))
        .says("--port-map 443=");
    assert!(!other.path(".istio-tls/serve.json").exists());
}

#[test]
fn it_ends_on_signals_and_tells_nobody_any_longer() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = Dir::new();
        chain(&dir, &[HTTPBIN]);
        let serve = Serve::start(&dir, &[]);
        assert!(dir.path(".istio-tls/serve.json").exists());
        assert_eq!(serve.end(signal), Some(0));
        assert!(!dir.path(".istio-tls/serve.json").exists());
        // The port and the folder are free again.
        drop(Serve::start(&dir, &[]));
    }
}

#[test]
fn a_drain_lets_an_open_request_end() {
    let dir = Dir::new();
    chain(&dir, &[HTTPBIN]);
    let mut serve = Serve::start(&dir, &[]);
    let mut connection = serve.open(HTTPBIN, &client_of(&dir, HTTPBIN)).expect("served");
    assert_eq!(connection.get("/status/200").expect("an answer").status, 200);
    let request = std::thread::spawn(move || connection.get("/delay/1"));
    serve.wait_until("the second request is under way", |serve| {
        let admin = serve.admin();
        plain_get(admin, &admin.to_string(), "/stats/prometheus")
            .is_ok_and(|answer| answer.body.contains("envoy_http_downstream_rq_total 2"))
    });
    assert_eq!(serve.end(Signal::TERM), Some(0));
    assert_eq!(request.join().unwrap().expect("an answer").status, 200);
}
