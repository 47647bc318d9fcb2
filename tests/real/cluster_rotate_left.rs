//! What `rotate` leaves behind in a cluster, and `status` finds there: Secrets that
//! are gone, elsewhere or unusable, a gateway that stays with what it had, and a
//! run that a signal ends. The gateway is `serve` with Secrets of its own; the
//! tests play the cloud that gives it an address.

use std::process::Stdio;
use std::sync::atomic::Ordering;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::cluster_failures::plain_http;
use crate::cluster_forward::make_service;
use crate::cluster_gateway::{give_address, secret_text};
use crate::cluster_rotate_resume::cut;
use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::Dir;
use crate::running_program::{Program, await_condition};
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";
const SECRET: &str = "httpbin-credential";
const LEAF: &str = "httpbin.example.com/3_application/certs/httpbin.example.com.cert.pem";

/// A gateway that goes on with the Secrets as they are now.
fn stale<'d>(plane: &ControlPlane, workspace: &ClusterWorkspace, gateway: &'d Dir) -> Serve<'d> {
    gateway.write("objects.yaml", workspace.dir.run(&["manifests"]).exits(0).stdout);
    let serve = Serve::start(
        gateway,
        &["-f", "objects.yaml", "--gateway-namespace", &workspace.pod_namespace],
    );
    give_address(plane, workspace, &serve);
    serve
}

#[test]
fn a_gateway_that_stays_with_the_old_leaf_is_found_though_nothing_lags() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "stalerot", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let gateway = Dir::new();
    let _serve = stale(&plane, &workspace, &gateway);
    workspace
        .run(&["rotate", "--if-expires-in", "0d"])
        .exits(0)
        .prints("nothing to do");
    workspace
        .run(&["rotate", HOST, "--wait", "0s"])
        .exits(1)
        .prints("NOT verified");
    let again = "istio-tls rotate httpbin.example.com --if-expires-in 0d";
    workspace.run(&["status"]).exits(1).prints("ITL1003").prints(again);
    let leaf = workspace.dir.read(LEAF);
    workspace
        .run(&["rotate", HOST, "--if-expires-in", "0d", "--wait", "0s"])
        .exits(1)
        .prints("nothing to do")
        .prints("NOT verified");
    let json = workspace
        .run(&["rotate", HOST, "--if-expires-in", "0d", "--wait", "0s", "-o", "json"])
        .exits(1)
        .json();
    let rotation = &json["rotations"][0];
    assert_eq!(
        (&rotation["action"], &rotation["context"]),
        (&"none".into(), &"admin".into())
    );
    assert_eq!(rotation["secrets"][0]["action"], "unchanged");
    assert_eq!(rotation["live"]["proven"], false);
    assert!(workspace.dir.read(LEAF) == leaf, "a further leaf was made");

    // Somebody deletes the Secret.
    plane.kubectl_ok(&["-n", &pods, "delete", "secret", SECRET]);
    let json = workspace
        .run(&["rotate", "--if-expires-in", "0d", "-o", "json"])
        .exits(1)
        .json();
    let rotation = &json["rotations"][0];
    assert_eq!(
        (&rotation["action"], &rotation["secrets"]),
        (&"none".into(), &serde_json::json!([]))
    );
    let unseen = rotation["notProvenInCluster"].as_str().expect("a reason");
    assert!(
        unseen.contains(&format!(
            "has no Secret {pods}/{SECRET} of {HOST}; istio-tls apply creates it"
        )),
        "{unseen}"
    );
    workspace
        .run(&["status"])
        .exits(1)
        .prints("ITL1010")
        .prints("try: istio-tls apply");
    workspace
        .run(&["rotate", HOST])
        .exits(1)
        .prints("not verified at the cluster's gateway")
        .prints("without which its gateway serves none of this");
    workspace.run(&["apply", "--no-wait"]).exits(0);
    assert_eq!(secret_text(&plane, &pods, SECRET, "tls.crt"), workspace.dir.read(LEAF));
}

#[test]
fn a_secret_in_another_namespace_is_said_where_it_is() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "hererot", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    let [objects, there] = plane.namespaces("elsewhererot");
    workspace
        .run(&["apply", "--no-wait", "-n", &objects, "--gateway-namespace", &there])
        .exits(0);
    workspace
        .run(&["rotate", HOST])
        .exits(1)
        .prints(&format!("has no Secret {pods}/{SECRET} of {HOST}"))
        .prints(&format!("this workspace's is in {there}: --gateway-namespace {there}"));
    workspace
        .run(&["rotate", HOST, "--gateway-namespace", &there])
        .exits(0)
        .prints(&format!("Secret {there}/{SECRET} configured"));
    assert_eq!(secret_text(&plane, &there, SECRET, "tls.crt"), workspace.dir.read(LEAF));
}

/// Runs until `until`, sends SIGINT, and gives the JSON on standard output.
#[track_caller]
fn interrupted(workspace: &ClusterWorkspace, args: &[&str], until: impl Fn(&str) -> bool) -> Value {
    let file = |name: &str| std::fs::File::create(workspace.dir.path(name)).expect("a file");
    let mut command = workspace.command(args);
    command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
    let mut program = Program(command.spawn().expect("it starts"));
    let said = || workspace.dir.read("err");
    await_condition(|| until(&said()), said);
    kill_process(Pid::from_child(&program.0), Signal::INT).expect("a signal sent");
    await_condition(|| program.0.try_wait().expect("a status").is_some(), said);
    assert_eq!(program.0.wait().expect("a status").code(), Some(130), "{}", said());
    let out = workspace.dir.read("out");
    workspace.is_told_no_key("rotate", &out);
    workspace.is_told_no_key("rotate", &said());
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn a_signal_tells_which_secrets_are_swapped() {
    let plane = ControlPlane::shared();
    let (_proxy, upstream) = plain_http(&plane);
    let mut workspace = ClusterWorkspace::new(&plane, "signalrot", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let gateway = Dir::new();
    let _serve = stale(&plane, &workspace, &gateway);
    let args = ["rotate", HOST, "--wait", "1h", "-o", "json"];
    let json = interrupted(&workspace, &args, |said| said.contains("waiting until"));
    let rotation = &json["rotations"][0];
    assert_eq!(rotation["secrets"][0]["action"], "configured", "{json:#}");
    assert_eq!(rotation["notStored"], serde_json::json!([]));
    let why = json["error"]["why"].as_str().expect("a reason");
    assert!(why.contains(&format!("swapped: Secret {pods}/{SECRET}")), "{why}");
    let fix = json["error"]["fix"].as_str().expect("a line");
    assert!(fix.contains("rotate httpbin.example.com --if-expires-in 0d"), "{fix}");
    assert_eq!(secret_text(&plane, &pods, SECRET, "tls.crt"), workspace.dir.read(LEAF));

    // While the Secret is stored, over a way that ends each time.
    let stores = cut(&mut workspace, upstream, 1);
    let args = ["rotate", HOST, "--retry-for", "1h", "-o", "json"];
    let json = interrupted(&workspace, &args, |_| stores.load(Ordering::Relaxed) > 0);
    let rotation = &json["rotations"][0];
    assert_eq!(rotation["secrets"], serde_json::json!([]), "{json:#}");
    assert_eq!(rotation["notStored"], serde_json::json!([]));
    assert_eq!(
        rotation["notKnown"],
        serde_json::json!([format!("Secret {pods}/{SECRET}")])
    );
    let why = json["error"]["why"].as_str().expect("a reason");
    let unknown = format!("sent, result unknown: Secret {pods}/{SECRET}");
    assert!(why.contains(&unknown) && !why.contains("not swapped"), "{why}");
    assert!(secret_text(&plane, &pods, SECRET, "tls.crt") != workspace.dir.read(LEAF));
}

#[test]
fn a_secret_that_no_gateway_can_use_is_found() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "unfitrot", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    // Other tests' pods bear the same labels; this is the gateway's namespace.
    make_service(&plane, &pods, "ClusterIP");
    workspace.run(&["apply", "--no-wait"]).exits(0);
    workspace.run(&["status"]).exits(0);
    let other = Dir::new();
    other.run(&["gen-certs", HOST]).exits(0);
    let key = other.read(format!("{HOST}/3_application/private/{HOST}.key.pem"));
    for (key, said) in [
        (key.as_str(), "does not belong to the certificate"),
        ("garbage", "why: "),
    ] {
        let patch = serde_json::json!({"stringData": {"tls.key": key}}).to_string();
        plane.kubectl_ok(&["-n", &pods, "patch", "secret", SECRET, "-p", &patch]);
        let ran = workspace.run(&["status"]).exits(1).prints("ITL1011").prints(said);
        assert!(!ran.stdout.contains("why: \n"), "{}", ran.stdout);
    }
    // A pair without what clients are verified with.
    plane.kubectl_ok(&["-n", &pods, "delete", "secret", SECRET]);
    let pair = [
        ("cert", LEAF.to_owned()),
        ("key", format!("{HOST}/3_application/private/{HOST}.key.pem")),
    ];
    let files = pair.map(|(name, file)| format!("--from-file={name}={}", workspace.dir.path(file).display()));
    plane.kubectl_ok(&["-n", &pods, "create", "secret", "generic", SECRET, &files[0], &files[1]]);
    let json = workspace.run(&["status", "-o", "json"]).exits(1).json();
    let findings = json["findings"].as_array().expect("findings");
    let unusable = findings.iter().find(|finding| finding["code"] == "ITL1011");
    let why = unusable.and_then(|finding| finding["why"].as_str()).expect("a reason");
    assert!(why.contains("neither the key ca.crt nor cacert"), "{why}");
}
