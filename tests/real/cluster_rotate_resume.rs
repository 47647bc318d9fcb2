//! A rotation in a cluster that is cut off between files and Secret, by a way to
//! the API server that ends, by SIGKILL, by a server that is stopped: what is
//! said, and that the next run goes on without making anything anew. And Secrets
//! that are mounted as files. The gateway is `serve --cluster` where nothing else
//! is said; the tests play the cloud that gives it an address.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::cluster_apply::install_ingress;
use crate::cluster_failures::{leads_to, plain_http};
use crate::cluster_gateway::{self, asked, give_address, identity_of, secret_text};
use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::Dir;
use crate::http_stub::{HttpStub, Reply, Request};
use crate::running_program::{Program, await_condition};
use crate::serve_process::{Serve, client_of};

const HOST: &str = "httpbin.example.com";
const SECRET: &str = "httpbin-credential";
const LEAF: &str = "httpbin.example.com/3_application/certs/httpbin.example.com.cert.pem";
const BUNDLE: &str = "httpbin.example.com/2_intermediate/certs/ca-chain.cert.pem";

/// A way to the API server that ends whenever a Secret is to be stored, from the
/// n-th time on; how often it was.
pub(crate) fn cut(workspace: &mut ClusterWorkspace, upstream: std::net::SocketAddr, from: usize) -> Arc<AtomicUsize> {
    let stores = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&stores);
    let stub = HttpStub::start(move |request: &Request| {
        let is_store = request.method == "PATCH" && !request.target.contains("dryRun");
        if is_store && counted.fetch_add(1, Ordering::Relaxed) + 1 >= from {
            Reply::Drop
        } else {
            Reply::Forward(upstream, Duration::ZERO)
        }
    });
    leads_to(workspace, &stub);
    stores
}

/// A workspace that was applied, and the gateway that serves it.
#[track_caller]
fn applied<'d>(plane: &ControlPlane, name: &str, gateway: &'d Dir) -> (ClusterWorkspace, Serve<'d>) {
    let workspace = ClusterWorkspace::new(plane, name, &[HOST], "mutual");
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let serve = cluster_gateway::start(plane, &workspace, gateway);
    (workspace, serve)
}

/// How files and Secret stand to each other.
struct Standing {
    leaf: String,
    secret_leaf: String,
    bundle: String,
    secret_bundle: String,
}

#[track_caller]
fn standing(plane: &ControlPlane, workspace: &ClusterWorkspace) -> Standing {
    let of = |key: &str| secret_text(plane, &workspace.pod_namespace, SECRET, key);
    Standing {
        leaf: workspace.dir.read(LEAF),
        secret_leaf: of("tls.crt"),
        bundle: workspace.dir.read(BUNDLE),
        secret_bundle: of("ca.crt"),
    }
}

/// Fails unless the Secret has followed the files.
#[track_caller]
fn is_one(standing: &Standing) {
    assert!(standing.leaf == standing.secret_leaf, "the leaves differ");
    assert!(standing.bundle == standing.secret_bundle, "the bundles differ");
}

#[test]
fn what_is_cut_off_between_files_and_secret_goes_on() {
    let plane = ControlPlane::shared();
    let (_proxy, upstream) = plain_http(&plane);
    let gateway = Dir::new();
    let (mut workspace, serve) = applied(&plane, "cutrot", &gateway);
    let real = workspace.kubeconfig.clone();
    let old = client_of(&workspace.dir, HOST);
    let before = standing(&plane, &workspace);

    // A leaf.
    cut(&mut workspace, upstream, 1);
    workspace
        .run(&["rotate", HOST, "--retry-for", "1s"])
        .exits(3)
        .says("swapped: the files of httpbin.example.com")
        .says(&format!("not swapped: Secret cutrot-ingress/{SECRET}"))
        .says("istio-tls rotate httpbin.example.com --if-expires-in 0d");
    let now = standing(&plane, &workspace);
    assert!(now.leaf != before.leaf && now.secret_leaf == before.secret_leaf);
    assert_eq!(asked(&serve, HOST, &old), Ok(418), "the gateway keeps using the Secret");
    workspace.kubeconfig.clone_from(&real);
    let ran = workspace.run(&["status"]).exits(1);
    for text in ["ITL1009", "ITL1003", "--if-expires-in 0d", "not the file's"] {
        assert!(ran.stdout.contains(text), "{text}\n{}", ran.stdout);
    }
    workspace
        .run(&["rotate", HOST, "--if-expires-in", "0d"])
        .exits(0)
        .prints("were outdated and now match the files")
        .prints("verified at");
    let after = standing(&plane, &workspace);
    assert!(after.leaf == now.leaf, "a further leaf was made");
    is_one(&after);
    workspace.run(&["status"]).exits(0);

    // A new CA: nobody is refused, whatever is cut off.
    cut(&mut workspace, upstream, 1);
    workspace
        .run(&["rotate", HOST, "--ca", "--retry-for", "1s"])
        .exits(3)
        .says("try: istio-tls rotate httpbin.example.com --ca");
    workspace.kubeconfig.clone_from(&real);
    let moved = client_of(&workspace.dir, HOST);
    assert_ne!(old.client, moved.client);
    workspace.run(&["status"]).exits(1).prints("ITL1012").prints("2 CAs");
    workspace.run(&["rotate", HOST, "--ca"]).exits(0).prints("configured");
    is_one(&standing(&plane, &workspace));
    assert_eq!(asked(&serve, HOST, &old), Ok(418));
    assert_eq!(asked(&serve, HOST, &moved), Ok(418));

    // Its end, cut off before the leaf of the new CA is there: the old CA stays.
    cut(&mut workspace, upstream, 1);
    workspace
        .run(&["rotate", HOST, "--finish", "--retry-for", "1s"])
        .exits(3)
        .says("try: istio-tls rotate httpbin.example.com --finish");
    let half = standing(&plane, &workspace);
    assert!(half.leaf != half.secret_leaf && half.bundle == half.secret_bundle);
    assert_eq!(asked(&serve, HOST, &old), Ok(418));
    assert_eq!(asked(&serve, HOST, &moved), Ok(418));
    // Cut off once more, when the leaf is there and the old CA is to go.
    workspace.kubeconfig.clone_from(&real);
    cut(&mut workspace, upstream, 2);
    workspace
        .run(&["rotate", HOST, "--finish", "--retry-for", "1s"])
        .exits(3)
        .says("httpbin.example.com was rotated before the failure")
        .says("try: istio-tls rotate httpbin.example.com --finish");
    let half = standing(&plane, &workspace);
    assert!(half.leaf == half.secret_leaf && half.bundle != half.secret_bundle);
    assert_eq!(asked(&serve, HOST, &moved), Ok(418));
    workspace.kubeconfig.clone_from(&real);
    workspace
        .run(&["rotate", HOST, "--finish"])
        .exits(0)
        .prints("were outdated and now match the files");
    let end = standing(&plane, &workspace);
    is_one(&end);
    assert!(end.leaf == half.leaf, "a further leaf was made");
    assert_eq!(asked(&serve, HOST, &moved), Ok(418));
    workspace
        .run(&["rotate", HOST, "--finish"])
        .exits(0)
        .prints("has already finished");

    // Taken back, and cut off: the same command goes on.
    workspace.run(&["rotate", HOST, "--ca"]).exits(0);
    cut(&mut workspace, upstream, 1);
    workspace
        .run(&["rotate", HOST, "--abort", "--retry-for", "1s"])
        .exits(3)
        .says("try: istio-tls rotate httpbin.example.com --abort");
    workspace.kubeconfig.clone_from(&real);
    workspace.run(&["rotate", HOST, "--abort"]).exits(0);
    is_one(&standing(&plane, &workspace));
    assert!(standing(&plane, &workspace).bundle == end.bundle);
}

#[test]
fn a_killed_rotation_leaves_the_whole_old_secret_and_goes_on() {
    let plane = ControlPlane::shared();
    let (_proxy, upstream) = plain_http(&plane);
    let gateway = Dir::new();
    let (mut workspace, serve) = applied(&plane, "killrot", &gateway);
    let real = workspace.kubeconfig.clone();
    let old = client_of(&workspace.dir, HOST);
    let before = standing(&plane, &workspace);
    let stores = cut(&mut workspace, upstream, 1);
    let mut command = workspace.command(&["rotate", HOST, "--retry-for", "60s"]);
    let mut rotate = Program(
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts"),
    );
    await_condition(
        || stores.load(Ordering::Relaxed) > 0,
        || "the Secret is never stored".to_owned(),
    );
    rotate.0.kill().expect("killed");
    rotate.0.wait().expect("ended");
    let now = standing(&plane, &workspace);
    assert!(now.leaf != before.leaf && now.secret_leaf == before.secret_leaf);
    assert_eq!(asked(&serve, HOST, &old), Ok(418));
    workspace.kubeconfig = real;
    let json = workspace
        .run(&["rotate", "--if-expires-in", "30d", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(json["rotations"][0]["action"], "secret");
    assert_eq!(json["rotations"][0]["files"], serde_json::json!([]));
    assert_eq!(json["rotations"][0]["live"]["proven"], true);
    let after = standing(&plane, &workspace);
    is_one(&after);
    assert!(after.leaf == now.leaf, "a further leaf was made");
    assert_eq!(asked(&serve, HOST, &old), Ok(418));
}

#[test]
fn a_server_that_is_gone_is_said_and_nothing_is_written() {
    let plane = ControlPlane::start();
    let workspace = ClusterWorkspace::new(&plane, "gonerot", &[HOST], "mutual");
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let before = workspace.dir.read(LEAF);
    plane.stop_apiserver();
    for args in [
        &["rotate", HOST][..],
        &["rotate", HOST, "--dry-run"],
        &["rotate", HOST, "--ca"],
        &["rotate", "--if-expires-in", "30d"],
    ] {
        workspace.run(args).exits(3).says("cannot be reached").says("--local");
        assert!(workspace.dir.read(LEAF) == before, "{args:?}");
    }
    // The files are told of all the same, and that is no success.
    let ran = workspace
        .run(&["status", "-o", "json"])
        .exits(3)
        .says("cannot be reached");
    let json = ran.json();
    assert_eq!(json["certificates"][0]["secret"], serde_json::Value::Null);
    let skipped = json["skipped"].as_array().expect("skipped");
    assert!(skipped.iter().any(|skipped| skipped["code"] == "ITL1009"), "{json:#}");
    workspace.run(&["status", "--local"]).exits(0);
    workspace
        .run(&["inspect", &format!("secret/{SECRET}")])
        .exits(3)
        .says("cannot be reached");
    workspace.run(&["rotate", HOST, "--local"]).exits(0);
    assert!(workspace.dir.read(LEAF) != before);
    plane.start_apiserver();
    workspace
        .run(&["rotate", "--if-expires-in", "30d"])
        .exits(0)
        .prints("were outdated and now match the files")
        .prints("not verified at the cluster's gateway");
    is_one(&standing(&plane, &workspace));
}

/// The test plays the kubelet: a volume's files appear in one step, by a link, as
/// a kubelet writes them.
#[track_caller]
fn play_mount(plane: &ControlPlane, namespace: &str, folder: &Dir, secret: &str) {
    use base64::Engine as _;
    let object = plane.get(namespace, "secret", secret);
    let version = object["metadata"]["resourceVersion"].as_str().expect("a version");
    for (key, value) in object["data"].as_object().expect("data") {
        let value = base64::engine::general_purpose::STANDARD
            .decode(value.as_str().expect("text"))
            .expect("base64");
        folder.write(&format!("{secret}/..{version}/{key}"), value);
        let link = folder.path(format!("{secret}/{key}"));
        if link.symlink_metadata().is_err() {
            std::os::unix::fs::symlink(format!("..data/{key}"), link).expect("a link");
        }
    }
    let new = folder.path(format!("{secret}/..data_tmp"));
    std::os::unix::fs::symlink(format!("..{version}"), &new).expect("a link");
    std::fs::rename(new, folder.path(format!("{secret}/..data"))).expect("renamed");
}

#[test]
fn mounted_secrets_are_awaited_as_long_as_a_kubelet_takes() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "mountrot", &[HOST], "mutual");
    workspace.set("secrets", "file-mount");
    let pods = workspace.pod_namespace.clone();
    install_ingress(&plane, &pods);
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let (pair, ca) = ("istio-ingressgateway-certs", "istio-ingressgateway-ca-certs");
    // The gateway of this test reads files; the test brings them, as a kubelet does.
    let mounts = Dir::new();
    for secret in [pair, ca] {
        play_mount(&plane, &pods, &mounts, secret);
    }
    let gateway = Dir::new();
    gateway.write(
        "gateway.yaml",
        workspace
            .dir
            .run(&["manifests", "--only", "gateway,virtualservice"])
            .exits(0)
            .stdout,
    );
    let certs = mounts.path("").display().to_string();
    let serve = Serve::start(&gateway, &["-f", "gateway.yaml", "--certs", &certs]);
    give_address(&plane, &workspace, &serve);
    let old = client_of(&workspace.dir, HOST);
    assert_eq!(asked(&serve, HOST, &old), Ok(418));

    // Longer than the user waits: not proven, and the next run proves it.
    let before = identity_of(&plane, &pods, ca);
    workspace
        .run(&["rotate", HOST, "--wait", "0s"])
        .exits(1)
        .prints(&format!("Secret {pods}/{pair} configured"))
        .prints(&format!("Secret {pods}/{ca} unchanged"))
        .prints("NOT verified");
    assert_eq!(identity_of(&plane, &pods, ca), before);
    assert_eq!(asked(&serve, HOST, &old), Ok(418));
    play_mount(&plane, &pods, &mounts, pair);

    // Awaited: the mount changes while rotate looks.
    for args in [&["rotate", HOST][..], &["rotate", HOST, "--ca"]] {
        let log = workspace.dir.path("rotate.log");
        let mut command = workspace.command(args);
        command.stdout(Stdio::null());
        command.stderr(std::fs::File::create(&log).expect("a file"));
        let mut rotate = Program(command.spawn().expect("it starts"));
        let said = || std::fs::read_to_string(&log).expect("a log");
        await_condition(|| said().contains("waiting until"), said);
        assert_eq!(asked(&serve, HOST, &old), Ok(418));
        for secret in [pair, ca] {
            play_mount(&plane, &pods, &mounts, secret);
        }
        await_condition(|| rotate.0.try_wait().expect("a status").is_some(), said);
        assert!(rotate.0.wait().expect("a status").success(), "{}", said());
        assert_eq!(asked(&serve, HOST, &old), Ok(418));
    }
    let moved = client_of(&workspace.dir, HOST);
    assert_eq!(asked(&serve, HOST, &moved), Ok(418));

    // The old CA goes only when the new leaf was seen.
    workspace
        .run(&["rotate", HOST, "--finish", "--wait", "0s"])
        .exits(1)
        .prints("NOT verified");
    let mounted = |key: &str| secret_text(&plane, &pods, ca, key).matches("BEGIN CERTIFICATE").count();
    assert_eq!(mounted("ca-chain.cert.pem"), 4);
    workspace
        .run(&["rotate", HOST, "--finish", "--wait", "0s"])
        .exits(1)
        .prints("NOT verified");
    assert_eq!(mounted("ca-chain.cert.pem"), 4);
    play_mount(&plane, &pods, &mounts, pair);
    // And nothing is proven while the kubelet has not brought that it went.
    workspace
        .run(&["rotate", HOST, "--finish", "--wait", "0s"])
        .exits(1)
        .prints("the previous one is removed from the files")
        .prints("NOT refused: the gateway still trusts that CA")
        .prints("rotate httpbin.example.com --if-expires-in 0d  (issues nothing again, but verifies it again)");
    assert_eq!(mounted("ca-chain.cert.pem"), 2);
    workspace
        .run(&["rotate", HOST, "--if-expires-in", "0d", "--wait", "0s"])
        .exits(1)
        .prints("NOT refused");
    play_mount(&plane, &pods, &mounts, ca);
    let json = workspace
        .run(&["rotate", HOST, "--if-expires-in", "0d", "--wait", "60s", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(json["rotations"][0]["live"]["removed"]["refused"], true, "{json:#}");
    assert_eq!(asked(&serve, HOST, &moved), Ok(418));
}
