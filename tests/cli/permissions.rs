//! What may not be read is not taken for absent: it is told, with the file. The
//! program is bound by permissions here also where the tests run as root.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Dir, Ran};
use crate::serve_process::{Serve, client_of};

const HOST: &str = "httpbin.example.com";
const OTHER: &str = "b.com";
const DENIED: &str = "permission denied";

/// A workspace of two hosts.
fn workspace() -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, OTHER]).exits(0);
    dir
}

/// Takes everyone's rights to a file or folder, until it is dropped.
struct Closed {
    path: std::path::PathBuf,
    before: Permissions,
}

impl Closed {
    fn new(dir: &Dir, name: &str) -> Self {
        let path = dir.path(name);
        let before = fs::metadata(&path).expect("there").permissions();
        fs::set_permissions(&path, Permissions::from_mode(0o0)).expect("closed");
        Self { path, before }
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        // So that the folder can be removed.
        let _ = fs::set_permissions(&self.path, self.before.clone());
    }
}

fn run(dir: &Dir, args: &[&str]) -> Ran {
    Ran::of(&mut dir.bound_command(args), args)
}

fn serve<'d>(dir: &'d Dir, args: &[&str]) -> Serve<'d> {
    Serve::start_by(dir, args, Dir::bound_command)
}

/// Whether the outcome names the file and the reason.
#[track_caller]
fn tells(ran: &Ran, file: &str) {
    assert_ne!(ran.code, Some(0), "{}\n{}{}", ran.line, ran.stdout, ran.stderr);
    let all = format!("{}{}", ran.stdout, ran.stderr);
    assert!(all.contains(file) && all.contains(DENIED), "{}\n{all}", ran.line);
    assert!(!all.contains("there is no"), "{}\n{all}", ran.line);
}

#[test]
fn a_key_that_may_not_be_read() {
    let dir = workspace();
    let key = format!("{HOST}/3_application/private/{HOST}.key.pem");
    let _closed = Closed::new(&dir, &key);
    for args in [&["manifests"][..], &["lint"], &["status"]] {
        tells(&run(&dir, args), &key);
    }
    let serve = serve(&dir, &[]);
    let log = serve.log();
    assert!(log.contains(&key) && log.contains(DENIED), "{log}");
    assert!(serve.open(OTHER, &client_of(&dir, OTHER)).is_ok(), "{log}");
}

#[test]
fn folders_of_cas_that_may_not_be_entered() {
    let dir = workspace();
    dir.run(&["gen-certs", "c.com", "--root", "shared"]).exits(0);
    dir.run(&["revoke", HOST, "--client", HOST]).exits(0);
    let ca = ["gen-certs", "new.com", "--ca", HOST];
    let root = ["gen-certs", "new.com", "--root", "shared"];
    let of_root = format!("{HOST}/1_root/private");
    let of_intermediate = format!("{HOST}/2_intermediate/private");
    for (folder, args) in [
        (&*format!("{HOST}/2_intermediate/certs"), &ca[..]),
        (&of_intermediate, &ca),
        ("shared/certs", &root),
        ("shared/private", &root),
        (&of_root, &["rotate", HOST, "--ca"]),
        (&of_root, &["revoke", HOST, "--renew"]),
        (&of_intermediate, &["revoke", HOST, "--renew"]),
        (&format!("{HOST}/2_intermediate/crl"), &["revoke", HOST, "--renew"]),
        (&of_root, &["delete", "--local", "--yes", "--no-cluster"]),
    ] {
        let _closed = Closed::new(&dir, folder);
        tells(&run(&dir, args), folder);
        assert!(!dir.path("new.com").exists(), "{args:?}");
    }
}

#[test]
fn a_folder_of_a_chain_that_may_not_be_entered() {
    let dir = workspace();
    let before = dir.read("istio-tls.yaml");
    let folder = Closed::new(&dir, HOST);
    for args in [
        &["manifests"][..],
        &["lint"],
        &["status"],
        &["gen-certs", HOST],
        &["revoke", HOST, "--renew"],
        &["verify", HOST],
    ] {
        tells(&run(&dir, args), HOST);
    }
    let gateway = serve(&dir, &[]);
    let log = gateway.log();
    assert!(log.contains(HOST) && log.contains(DENIED), "{log}");
    assert!(gateway.open(OTHER, &client_of(&dir, OTHER)).is_ok(), "{log}");
    tells(&run(&dir, &["probe", HOST]), HOST);
    drop(gateway);
    // Without an entry it may be anyone's: others go on.
    let text = before.replace(&format!("- host: {HOST}"), "- host: other.example.com");
    dir.write("istio-tls.yaml", text.replace("httpbin-credential", "other-credential"));
    run(&dir, &["manifests", OTHER]).exits(0).says(DENIED).says(HOST);
    drop(folder);
    run(&dir, &["manifests", HOST]).exits(0);
}

#[test]
fn the_only_chain_may_not_be_entered_and_there_is_no_file() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    fs::remove_file(dir.path("istio-tls.yaml")).expect("removed");
    let _closed = Closed::new(&dir, HOST);
    for args in [&["manifests"][..], &["serve"], &["lint"], &["status"]] {
        tells(&run(&dir, args), HOST);
    }
}

#[test]
fn the_workspaces_file_may_not_be_read() {
    let dir = workspace();
    let _closed = Closed::new(&dir, "istio-tls.yaml");
    for args in [
        &["manifests"][..],
        &["serve"],
        &["lint"],
        &["status"],
        &["probe"],
        &["gen-certs", "c.com"],
    ] {
        tells(&run(&dir, args), "istio-tls.yaml");
    }
    assert!(!dir.path("c.com").exists());
}

#[test]
fn folders_of_manifests_and_secrets_may_not_be_read() {
    let dir = workspace();
    let ran = dir.run(&["manifests", OTHER]).exits(0);
    dir.write("k8s/all.yaml", &ran.stdout);
    dir.write("k8s/deep/more.yaml", &ran.stdout);
    dir.write("secrets/b-credential/tls.crt", "x");
    {
        let _closed = Closed::new(&dir, "secrets/b-credential");
        let gateway = ran.stdout.split("---\n").find(|text| text.contains("kind: Gateway"));
        dir.write("gateway.yaml", gateway.expect("a Gateway"));
        let args = ["-f", "gateway.yaml", "--certs", "secrets"];
        tells(&run(&dir, &[&["lint"], &args[..]].concat()), "secrets/b-credential");
        let gateway = serve(&dir, &args);
        let log = gateway.log();
        assert!(log.contains("secrets/b-credential") && log.contains(DENIED), "{log}");
    }
    {
        let _closed = Closed::new(&dir, "k8s/deep");
        tells(&run(&dir, &["lint", "-R", "-f", "k8s"]), "k8s/deep");
    }
    let _closed = Closed::new(&dir, "k8s");
    for command in ["lint", "serve"] {
        tells(&run(&dir, &[command, "-f", "k8s"]), "k8s");
    }
}

#[test]
fn what_another_users_serve_tells_may_not_be_read() {
    let dir = workspace();
    let _gateway = Serve::start(&dir, &[]);
    let _closed = Closed::new(&dir, ".istio-tls/serve.json");
    for args in [&["probe"][..], &["probe", "--target", "local"], &["request", HOST, "/"]] {
        let ran = run(&dir, args).exits(3).says(".istio-tls/serve.json").says(DENIED);
        assert!(!ran.stderr.contains("no local gateway"), "{}", ran.stderr);
    }
}

#[test]
fn a_lock_that_another_user_left_keeps_no_serve_from_being_found() {
    let dir = workspace();
    dir.write(".istio-tls/serve.lock", "");
    // Its owner could read it; nobody can here.
    let lock = dir.path(".istio-tls/serve.lock");
    fs::set_permissions(lock, Permissions::from_mode(0o0)).expect("closed");
    let gateway = serve(&dir, &[]);
    run(&dir, &["probe", HOST]).exits(0);
    // It is held now.
    run(&dir, &["serve"]).exits(3).says("is already served");
    drop(gateway);
    // Where somebody may serve, the lock is told of.
    let _lock = Closed::new(&dir, ".istio-tls/serve.lock");
    dir.write(".istio-tls/serve.json", "{}");
    let gateway = serve(&dir, &[]);
    let log = gateway.log();
    assert!(log.contains(".istio-tls/serve.lock") && log.contains(DENIED), "{log}");
}
