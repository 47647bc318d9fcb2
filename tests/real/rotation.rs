//! The material of a CA's rotation, judged by Envoy, curl and openssl.

use std::process::Command;

use crate::harness::Dir;
use crate::manifests::run_exported;
use crate::running_program::Program;

const HOST: &str = "httpbin.example.com";

/// Envoy with the workspace's material as it stands; its port.
fn envoy(dir: &Dir) -> (Program, u16) {
    dir.run(&["manifests", "--export", "envoy", "-o", "json", "--out", "gw"])
        .exits(0);
    run_exported(dir)
}

/// Keeps what a client was given at one time: its pair, and what it trusts.
fn keep(dir: &Dir, name: &str, trusted: &str) {
    for (file, content) in [
        ("cert.pem", format!("4_client/certs/{HOST}.cert.pem")),
        ("key.pem", format!("4_client/private/{HOST}.key.pem")),
        ("ca.pem", trusted.to_owned()),
    ] {
        dir.write(&format!("{name}/{file}"), dir.read(format!("{HOST}/{content}")));
    }
}

/// Whether curl is answered as this client (Envoy has no upstream: 503).
fn is_served(dir: &Dir, client: &str, port: u16) -> bool {
    let output = Command::new("curl")
        .args(["-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}"])
        .args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")])
        .args(["--cacert", &format!("{client}/ca.pem")])
        .args([
            "--cert",
            &format!("{client}/cert.pem"),
            "--key",
            &format!("{client}/key.pem"),
        ])
        .arg(format!("https://{HOST}:{port}/status/418"))
        .current_dir(dir.path(""))
        .output()
        .expect("curl starts");
    output.stdout == b"503"
}

/// Whether openssl accepts a client by the bundle, by the revocation lists if there are some.
fn verifies(dir: &Dir, client: &str, with_lists: bool) -> bool {
    let mut command = Command::new("openssl");
    let chain = format!("{client}/cert.pem");
    command.args(["verify", "-purpose", "sslclient", "-CAfile"]);
    command.arg(format!("{HOST}/2_intermediate/certs/ca-chain.cert.pem"));
    if with_lists {
        let lists = ["1_root/crl/ca.crl.pem", "2_intermediate/crl/intermediate.crl.pem"];
        let all: String = lists.iter().map(|list| dir.read(format!("{HOST}/{list}"))).collect();
        dir.write("lists.pem", all);
        command.args(["-crl_check_all", "-CRLfile", "lists.pem"]);
    }
    let output = command
        .args(["-untrusted", &chain, &chain])
        .current_dir(dir.path(""))
        .output();
    output.expect("openssl starts").status.success()
}

#[test]
fn envoy_serves_old_and_new_clients_until_the_end() {
    for with_lists in [false, true] {
        let dir = Dir::new();
        dir.run(&["gen-certs", HOST, "--client", "eve"]).exits(0);
        if with_lists {
            dir.run(&["revoke", HOST, "--client", "eve"]).exits(0);
        }
        // The page's client trusts the whole bundle, a strict one the root alone.
        keep(&dir, "old", "2_intermediate/certs/ca-chain.cert.pem");
        keep(&dir, "old-root", "1_root/certs/ca.cert.pem");
        dir.run(&["rotate", HOST, "--ca"]).exits(0);
        keep(&dir, "moved", "2_intermediate/certs/ca-chain.cert.pem");
        keep(&dir, "moved-root", "1_root/certs/ca.cert.pem");
        for client in ["old", "old-root", "moved", "moved-root"] {
            assert!(
                verifies(&dir, client, with_lists),
                "openssl refuses {client}, lists: {with_lists}"
            );
        }
        let (running, port) = envoy(&dir);
        for client in ["old", "old-root", "moved", "moved-root"] {
            assert!(
                is_served(&dir, client, port),
                "{client} is refused, lists: {with_lists}"
            );
        }
        drop(running);
        dir.run(&["rotate", HOST, "--finish"]).exits(0);
        keep(&dir, "new", "1_root/certs/ca.cert.pem");
        let (running, port) = envoy(&dir);
        for (client, served) in [("old", false), ("moved", true), ("moved-root", true), ("new", true)] {
            assert_eq!(is_served(&dir, client, port), served, "{client}, lists: {with_lists}");
            assert_eq!(
                verifies(&dir, client, with_lists),
                served,
                "{client}, lists: {with_lists}"
            );
        }
        drop(running);
    }
}
