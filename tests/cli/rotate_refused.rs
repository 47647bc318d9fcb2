//! What `rotate` does not store: material that a gateway, or every client, would
//! refuse. Of several hosts the daily job does the others all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::fake_api_server::{FakeApiServer, status};
use crate::harness::Dir;

const SECRETS: &str = "/api/v1/namespaces/istio-system/secrets";

fn key(host: &str) -> String {
    format!("{host}/3_application/private/{host}.key.pem")
}

fn leaf(host: &str) -> String {
    format!("{host}/3_application/certs/{host}.cert.pem")
}

/// `a.example.com` and `b.example.com`, and `due.example.com` that ends soon, applied.
fn applied() -> (Dir, FakeApiServer) {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com", "b.example.com"]).exits(0);
    dir.run(&["gen-certs", "due.example.com", "--days", "10"]).exits(0);
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    dir.run(&["apply", "--no-wait"]).exits(0);
    (dir, server)
}

fn secret(server: &FakeApiServer, host: &str) -> serde_json::Value {
    let name = host.split('.').next().expect("a label");
    server.object(&format!("{SECRETS}/{name}-credential"))["data"].clone()
}

#[test]
fn a_pair_that_does_not_fit_is_not_stored() {
    let (dir, server) = applied();
    let before = secret(&server, "a.example.com");
    let due = secret(&server, "due.example.com");
    dir.write(&key("a.example.com"), dir.read(key("b.example.com")));
    for args in [
        &["rotate", "--if-expires-in", "30d"][..],
        &["rotate", "--if-expires-in", "30d", "--dry-run"],
        &["rotate", "--if-expires-in", "30d", "--local"],
        &["rotate", "a.example.com", "--if-expires-in", "30d"],
        &["rotate", "a.example.com", "--ca"],
    ] {
        dir.run(args)
            .exits(1)
            .says("does not belong to the certificate")
            .says("ITL0404")
            .says("nothing of a.example.com was written")
            .says("istio-tls rotate a.example.com, which creates a new pair");
    }
    dir.run(&["apply"]).exits(1).says("ITL0404");
    assert_eq!(secret(&server, "a.example.com"), before);
    assert_ne!(secret(&server, "due.example.com"), due, "the others go on");
    dir.run(&["rotate", "a.example.com"]).exits(0);
    assert_ne!(secret(&server, "a.example.com"), before);
    dir.run(&["rotate", "--if-expires-in", "5d"]).exits(0);
}

#[test]
fn a_ca_that_lets_in_no_client_is_not_stored() {
    let (dir, server) = applied();
    let before = secret(&server, "a.example.com");
    dir.write(
        "a.example.com/2_intermediate/certs/ca-chain.cert.pem",
        dir.read("b.example.com/1_root/certs/ca.cert.pem"),
    );
    for args in [
        &["rotate", "a.example.com", "--if-expires-in", "0d"][..],
        &["rotate", "a.example.com"],
        &["rotate", "--if-expires-in", "0d"],
    ] {
        dir.run(args)
            .exits(1)
            .says("the gateway would accept no client of a.example.com")
            .says("a.example.com/2_intermediate/certs/ca-chain.cert.pem");
    }
    assert_eq!(secret(&server, "a.example.com"), before);
}

#[test]
fn a_chain_of_another_ca_is_refused_as_apply_refuses_it() {
    let (dir, server) = applied();
    let before = secret(&server, "a.example.com");
    let (own, other) = (dir.read(leaf("a.example.com")), dir.read(leaf("b.example.com")));
    let end = "-----END CERTIFICATE-----\n";
    let (first, issuer) = own.split_once(end).expect("two certificates");
    let (_, foreign) = other.split_once(end).expect("two certificates");
    for (what, content, code) in [
        ("another's intermediate", format!("{first}{end}{foreign}"), "ITL0411"),
        ("no intermediate", format!("{first}{end}"), "ITL0411"),
        ("the intermediate first", format!("{issuer}{first}{end}"), "ITL04"),
    ] {
        dir.write(&leaf("a.example.com"), &content);
        dir.run(&["apply"]).exits(1).says(code);
        let ran = dir.run(&["rotate", "a.example.com", "--if-expires-in", "0d"]);
        assert_eq!(ran.code, Some(1), "{what}: {}", ran.stderr);
        assert!(ran.stderr.contains(code), "{what}: {}", ran.stderr);
    }
    assert_eq!(secret(&server, "a.example.com"), before);
}

#[test]
fn a_host_whose_key_is_elsewhere_stops_no_other() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "csr.example.com", "z.example.com"]).exits(0);
    // As gen-certs --csr leaves it.
    std::fs::remove_file(dir.path(key("csr.example.com"))).expect("removed");
    let text = dir.read("istio-tls.yaml");
    let entry = "  - host: csr.example.com\n";
    dir.write(
        "istio-tls.yaml",
        text.replace(entry, &format!("{entry}    serverKey: elsewhere\n")),
    );
    let before = dir.read(leaf("z.example.com"));
    dir.run(&["rotate", "--if-expires-in", "5d", "--local"])
        .exits(0)
        .prints("its key is not in the workspace");
    dir.run(&["rotate", "--if-expires-in", "400d", "--local"])
        .exits(1)
        .says("csr.example.com is skipped: the server key of csr.example.com is not in the workspace")
        .says("istio-tls gen-certs csr.example.com --csr FILE --force signs it, with a new CA")
        .prints("z.example.com: the server leaf is rotated");
    assert_ne!(dir.read(leaf("z.example.com")), before);
    dir.run(&["rotate", "csr.example.com", "--if-expires-in", "400d"])
        .exits(1);
    // A CA whose password nobody gives is skipped, too, and bad input.
    dir.write("password", "secret\n");
    dir.run(&["gen-certs", "locked.com", "--password-file", "password"])
        .exits(0);
    std::fs::remove_dir_all(dir.path("csr.example.com")).expect("removed");
    let before = dir.read(leaf("z.example.com"));
    dir.run(&["rotate", "--if-expires-in", "400d", "--local"])
        .exits(2)
        .says("there is no chain for csr.example.com")
        .says("locked.com is skipped: ");
    assert_ne!(dir.read(leaf("z.example.com")), before);
}

#[test]
fn apply_makes_all_but_the_secret_whose_key_is_elsewhere() {
    let (dir, server) = applied();
    let before = secret(&server, "a.example.com");
    std::fs::remove_file(dir.path(key("a.example.com"))).expect("removed");
    dir.run(&["rotate", "b.example.com", "--local"]).exits(0);
    let b = secret(&server, "b.example.com");
    for args in [
        &["apply", "--no-wait"][..],
        &["apply", "--no-wait", "--prune", "--yes"],
        &["apply", "--no-wait", "-o", "json"],
    ] {
        dir.run(args)
            .exits(1)
            .says("note: Secret istio-system/a-credential is not created: the server key of a.example.com is not here")
            .says("not applied: Secret istio-system/a-credential, because the server key of a.example.com is not here");
    }
    let printed = dir.run(&["apply", "--no-wait", "-o", "json"]).json();
    assert_eq!(printed["objects"].as_array().map(Vec::len), Some(6), "{printed:#}");
    assert!(
        printed["error"]["fix"]
            .as_str()
            .is_some_and(|fix| fix.contains("put the key there"))
    );
    assert_eq!(
        secret(&server, "a.example.com"),
        before,
        "what is there stays, --prune or not"
    );
    assert_ne!(secret(&server, "b.example.com"), b);
    let gateway = server.object("/apis/networking.istio.io/v1/namespaces/default/gateways/mygateway");
    assert!(
        gateway.to_string().contains("a-credential"),
        "it is served by the Secret that is there"
    );
    // Without any key there is nothing to apply.
    for host in ["b.example.com", "due.example.com"] {
        std::fs::remove_file(dir.path(key(host))).expect("removed");
    }
    dir.run(&["apply"]).exits(2).says("has a certificate but no key");
}

#[test]
fn a_conflict_beside_hosts_that_were_stored_says_nothing_else() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com", "b.example.com", "--days", "10"])
        .exits(0);
    let conflict = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&conflict);
    let server = FakeApiServer::failing(move |request, _| {
        let is_b = request.method == "PATCH" && request.target.starts_with(&format!("{SECRETS}/b-credential"));
        (is_b && switch.load(Ordering::Relaxed)).then(|| {
            let message = "conflict with \"kubectl-create\" using v1";
            let causes =
                json!({"causes": [{"reason": "FieldManagerConflict", "message": message, "field": ".data.tls.crt"}]});
            status(409, "Conflict", "Apply failed with 1 conflict", &causes)
        })
    });
    server.kubeconfig(&dir);
    dir.run(&["apply", "--no-wait"]).exits(0);
    conflict.store(true, Ordering::Relaxed);
    let printed = dir
        .run(&["rotate", "--if-expires-in", "30d", "-o", "json"])
        .exits(1)
        .json();
    assert_eq!(printed["error"]["at"], "context there");
    let why = printed["error"]["why"].as_str().expect("a reason");
    assert!(why.contains("nothing of b.example.com was written"), "{why}");
    assert_eq!(printed["rotations"][0]["host"], "a.example.com");
    assert_eq!(printed["rotations"][0]["secrets"][0]["action"], "configured");
    // Where nothing is stored at all, that is said.
    dir.run(&["apply"])
        .exits(1)
        .says("at:  context there; nothing was applied");
}
