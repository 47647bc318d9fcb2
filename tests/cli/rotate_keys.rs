//! `rotate` where the key of a leaf is lost: a new pair of the same CA takes its place.
//! Where it is elsewhere on purpose, nothing does.

use std::os::unix::fs::PermissionsExt as _;

use istio_tls::certs::inspect::{CertificateFacts, certificate};
use istio_tls::certs::pem;
use rcgen::{CertificateParams, KeyPair};

use crate::harness::Dir;
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";

fn key(host: &str) -> String {
    format!("{host}/3_application/private/{host}.key.pem")
}

fn leaf(host: &str) -> String {
    format!("{host}/3_application/certs/{host}.cert.pem")
}

/// The server's leaf of a workspace's host.
fn server(dir: &Dir, workspace: &str, host: &str) -> CertificateFacts {
    let file = format!("{workspace}/{}", leaf(host));
    let certificates = pem::certificates(dir.read(&file).as_bytes(), &file).expect("certificates");
    certificate(&certificates[0], std::time::SystemTime::now().into()).expect("readable")
}

/// What may not change when the server's leaf is renewed: the CA, and the client.
fn kept(dir: &Dir, workspace: &str, host: &str) -> Vec<String> {
    [
        "1_root/certs/ca.cert.pem",
        "1_root/private/ca.key.pem",
        "2_intermediate/certs/ca-chain.cert.pem",
        "2_intermediate/private/intermediate.key.pem",
        &format!("4_client/certs/{host}.cert.pem"),
        &format!("4_client/private/{host}.key.pem"),
    ]
    .iter()
    .map(|file| dir.read(format!("{workspace}/{host}/{file}")))
    .collect()
}

/// A chain whose key stays where the request was made.
fn of_request(dir: &Dir, host: &str) {
    let pair = KeyPair::generate().expect("a key");
    let request = CertificateParams::new(vec![host.to_owned()]).expect("parameters");
    let request = request.serialize_request(&pair).expect("a request");
    dir.write("request.csr", request.pem().expect("PEM"));
    dir.run(&["gen-certs", host, "--csr", "request.csr"]).exits(0);
    assert!(!dir.path(key(host)).exists());
}

#[test]
fn a_lost_server_key_is_replaced_by_the_line_that_status_prints() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path("ws")).expect("a folder");
    dir.run(&[
        "-C",
        "ws",
        "gen-certs",
        HOST,
        "--san",
        "extra.example.com",
        "--days",
        "90",
    ])
    .exits(0);
    let path = dir.path(format!("ws/{}", key(HOST)));
    for content in [None, Some("garbage")] {
        let (old, before) = (server(&dir, "ws", HOST), kept(&dir, "ws", HOST));
        match content {
            None => std::fs::remove_file(&path).expect("removed"),
            Some(content) => std::fs::write(&path, content).expect("written"),
        }
        let json = dir.run(&["-C", "ws", "status", "-o", "json"]).exits(1).json();
        let remedy = &json["findings"][0]["remedy"]["commands"][0];
        assert_eq!(remedy["kind"], "rotate");
        let line = remedy["line"].as_str().expect("a line");
        assert_eq!(line, "istio-tls -C ws rotate httpbin.example.com");
        let args: Vec<&str> = line.split(' ').skip(1).collect();
        let ran = dir.run(&args).exits(0).prints("the server leaf is rotated");
        assert_eq!(
            ran.stderr.contains("the server key was missing; it is replaced"),
            content.is_none(),
            "{}",
            ran.stderr
        );
        let new = server(&dir, "ws", HOST);
        assert_ne!(new.serial, old.serial);
        assert_eq!(new.names, old.names);
        assert_eq!(kept(&dir, "ws", HOST), before);
        let mode = std::fs::metadata(&path).expect("a key").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for command in ["status", "verify"] {
            dir.run(&["-C", "ws", command, HOST]).exits(0);
        }
    }
}

#[test]
fn a_gateway_is_seen_to_serve_the_pair_that_replaces_a_lost_key() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let serve = Serve::start(&dir, &[]);
    std::fs::remove_file(dir.path(key(HOST))).expect("removed");
    dir.run(&["rotate", HOST]).exits(0).prints("verified at");
    dir.run(&["probe", "--mtls"]).exits(0);
    drop(serve);
}

#[test]
fn a_lost_client_key_is_replaced_with_clients() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice", "--pkcs12"]).exits(0);
    let root = dir.read(format!("{HOST}/1_root/certs/ca.cert.pem"));
    let key = format!("{HOST}/4_client/private/alice.key.pem");
    std::fs::remove_file(dir.path(&key)).expect("removed");
    dir.run(&["rotate", HOST, "--clients"]).exits(0).prints("client alice");
    assert!(dir.read(&key).contains("PRIVATE KEY"));
    assert_eq!(dir.read(format!("{HOST}/1_root/certs/ca.cert.pem")), root);
    dir.run(&[
        "verify",
        &format!("{HOST}/4_client/certs/alice.cert.pem"),
        "--cacert",
        &format!("{HOST}/1_root/certs/ca.cert.pem"),
        "--purpose",
        "client",
    ])
    .exits(0);
}

#[test]
fn a_run_over_all_hosts_replaces_no_missing_key() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "z.example.com"]).exits(0);
    std::fs::remove_file(dir.path(key(HOST))).expect("removed");
    let before = dir.read(leaf("z.example.com"));
    dir.run(&["rotate", "--if-expires-in", "5d"])
        .exits(0)
        .prints("its key is missing, so neither Secret nor gateway is checked: istio-tls rotate httpbin.example.com replaces it");
    dir.run(&["rotate", "--if-expires-in", "400d"])
        .exits(1)
        .says("httpbin.example.com is skipped: the server key of httpbin.example.com is not in the workspace")
        .says("try: istio-tls rotate httpbin.example.com replaces it");
    assert!(!dir.path(key(HOST)).exists());
    assert_ne!(dir.read(leaf("z.example.com")), before);
    dir.run(&["rotate", HOST, "--dry-run"])
        .exits(0)
        .prints("a new server leaf in place of");
    assert!(!dir.path(key(HOST)).exists());
    dir.run(&["rotate", HOST, "--if-expires-in", "400d"]).exits(0);
    dir.run(&["status"]).exits(0);
}

#[test]
fn a_key_that_is_elsewhere_on_purpose_is_recorded_and_never_replaced() {
    let dir = Dir::new();
    of_request(&dir, HOST);
    let recorded = |dir: &Dir| dir.read("istio-tls.yaml").contains("serverKey: elsewhere");
    assert!(recorded(&dir));
    dir.run(&["status"]).exits(0);
    let before = dir.read(leaf(HOST));
    for (args, code) in [
        (&["rotate", HOST][..], 2),
        (&["rotate", HOST, "--dry-run"], 2),
        (&["rotate", HOST, "--if-expires-in", "400d"], 1),
        (&["rotate", "--if-expires-in", "400d"], 1),
    ] {
        dir.run(args)
            .exits(code)
            .says("serverKey: elsewhere")
            .says("with a new CA")
            .says("remove serverKey of httpbin.example.com from istio-tls.yaml");
    }
    dir.run(&["rotate", "--if-expires-in", "5d"])
        .exits(0)
        .prints("its key is not in the workspace, so neither Secret nor gateway is checked");
    assert_eq!(dir.read(leaf(HOST)), before);
    // As the advice says, where it is lost after all.
    let text = dir.read("istio-tls.yaml");
    let without: Vec<&str> = text.lines().filter(|line| !line.contains("serverKey")).collect();
    dir.write("istio-tls.yaml", without.join("\n"));
    dir.run(&["status"])
        .exits(1)
        .prints("istio-tls rotate httpbin.example.com");
    dir.run(&["rotate", HOST]).exits(0);
    dir.run(&["verify", HOST]).exits(0);
    // A chain whose key is here takes the record away.
    of_request(&dir, "b.example.com");
    assert!(recorded(&dir));
    dir.run(&["gen-certs", "b.example.com", "--force"]).exits(0);
    assert!(!recorded(&dir));
}
