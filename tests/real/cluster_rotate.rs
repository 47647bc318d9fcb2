//! `rotate` in a cluster: files and Secrets together, seen at the gateway, on a
//! real API server with kubectl as witness. The gateway is `serve --cluster`; the
//! tests play the cloud that gives it an address, and where it says so the kubelet.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster_discover::copy;
use crate::cluster_forward::{make_gateway, make_service};
use crate::cluster_gateway::{self, asked, identity_of, secret_text};
use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::Dir;
use crate::played_node::PlayedNode;
use crate::running_program::StopAtEnd;
use crate::serve_process::{Serve, client_of, trusting};
use crate::tls_client::{Connection, Identity};

const HOST: &str = "httpbin.example.com";
const SECRET: &str = "httpbin-credential";

/// The files of the host's Secret: key, part of the chain.
const FILES: [(&str, &str); 3] = [
    ("tls.crt", "3_application/certs/httpbin.example.com.cert.pem"),
    ("tls.key", "3_application/private/httpbin.example.com.key.pem"),
    ("ca.crt", "2_intermediate/certs/ca-chain.cert.pem"),
];

/// Fails unless the Secret holds what the files hold.
#[track_caller]
fn holds_the_files(plane: &ControlPlane, workspace: &ClusterWorkspace) {
    for (key, file) in FILES {
        let value = secret_text(plane, &workspace.pod_namespace, SECRET, key);
        assert!(value == workspace.dir.read(format!("{HOST}/{file}")), "{key} differs");
    }
}

/// The serial number of the server's leaf in the files.
#[track_caller]
fn serial(workspace: &ClusterWorkspace) -> String {
    let json = workspace.run(&["status", "--local", "-o", "json"]).json();
    json["certificates"][0]["serial"].as_str().expect("a serial").to_owned()
}

#[test]
fn a_new_leaf_goes_to_files_and_secret_and_is_seen_at_the_gateway() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "leafrot", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    // Never a cluster by accident: nothing was applied, so the current context is left alone.
    let ran = workspace.run(&["rotate", HOST]).exits(0);
    assert!(!ran.stderr.contains("context admin"), "{}", ran.stderr);
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let gateway = Dir::new();
    let serve = cluster_gateway::start(&plane, &workspace, &gateway);
    let (uid, version) = identity_of(&plane, &pods, SECRET);
    let (before, old) = (serial(&workspace), client_of(&workspace.dir, HOST));

    // What would change, by serial numbers and fingerprints; nothing does.
    workspace
        .run(&["rotate", HOST, "--dry-run"])
        .exits(0)
        .prints(&format!(
            "Secret {pods}/{SECRET} of the context admin gets new tls.crt, tls.key; it holds {before}"
        ))
        .prints("SHA-256");
    let json = workspace
        .run(&["rotate", HOST, "--ca", "--dry-run", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(json["context"], "admin");
    assert_eq!(
        json["rotations"][0]["secrets"][0]["changes"],
        serde_json::json!(["ca.crt"])
    );
    assert_eq!(json["rotations"][0]["secrets"][0]["leaf"]["serial"], before);
    assert_eq!(identity_of(&plane, &pods, SECRET), (uid.clone(), version.clone()));
    assert_eq!(serial(&workspace), before);

    let json = workspace
        .run(&["rotate", HOST, "--clients", "-o", "json"])
        .exits(0)
        .json();
    let after = serial(&workspace);
    assert_ne!(after, before);
    let rotation = &json["rotations"][0];
    assert_eq!(rotation["secrets"][0]["name"], SECRET);
    assert_eq!(rotation["secrets"][0]["action"], "configured");
    assert_eq!(rotation["secrets"][0]["old"]["serial"], before);
    assert_eq!(rotation["secrets"][0]["new"]["serial"], after);
    assert_eq!(rotation["live"]["proven"], true, "{json:#}");
    assert_eq!(rotation["live"]["before"]["serial"], before);
    assert_eq!(
        rotation["live"]["after"].as_array().map(Vec::len),
        Some(2),
        "old and new client"
    );
    assert_eq!(rotation["live"]["target"], serve.address(443).to_string());
    assert_eq!(asked(&serve, HOST, &old), Ok(418));
    assert_eq!(asked(&serve, HOST, &client_of(&workspace.dir, HOST)), Ok(418));

    // The same object, changed once, with its keys in no annotation.
    holds_the_files(&plane, &workspace);
    let secret = plane.get(&pods, "secret", SECRET);
    assert_eq!(secret["metadata"]["uid"], uid);
    assert_ne!(secret["metadata"]["resourceVersion"], version);
    assert_eq!(secret["metadata"]["annotations"], Value::Null);
    assert_eq!(
        secret["metadata"]["labels"]["app.kubernetes.io/managed-by"],
        "istio-tls"
    );
    let managers = secret["metadata"]["managedFields"].as_array().expect("managers");
    assert_eq!(managers.len(), 1, "{managers:?}");
    assert_eq!(
        (&managers[0]["manager"], &managers[0]["operation"]),
        (&"istio-tls".into(), &"Apply".into())
    );

    // Nothing is due, nothing lags.
    let (_, version) = identity_of(&plane, &pods, SECRET);
    workspace
        .run(&["rotate", "--if-expires-in", "30d"])
        .exits(0)
        .prints("nothing to do");
    // The files alone; then the Secret follows them, without another leaf.
    workspace.run(&["rotate", HOST, "--local"]).exits(0);
    assert_eq!(identity_of(&plane, &pods, SECRET).1, version);
    let ahead = serial(&workspace);
    workspace
        .run(&["rotate", HOST, "--if-expires-in", "30d", "--dry-run"])
        .exits(0)
        .prints("its outdated Secrets are updated");
    assert_eq!(identity_of(&plane, &pods, SECRET).1, version);
    workspace
        .run(&["rotate", "--if-expires-in", "30d"])
        .exits(0)
        .prints("the Secrets were outdated and now match the files")
        .prints(&format!("served {ahead} after"));
    assert_eq!(serial(&workspace), ahead);
    holds_the_files(&plane, &workspace);

    // A running serve of the workspace is asked, too.
    let local = Serve::start(&workspace.dir, &[]);
    let json = workspace.run(&["rotate", HOST, "-o", "json"]).exits(0).json();
    let proofs = json["rotations"][0]["proofs"].as_array().expect("two");
    let targets: Vec<&Value> = proofs.iter().map(|proof| &proof["target"]).collect();
    assert_eq!(
        targets,
        [&local.address(443).to_string(), &serve.address(443).to_string()]
    );
    assert!(proofs.iter().all(|proof| proof["proven"] == true), "{json:#}");
    drop(local);

    // What is deleted there is not made again by a job that rotates.
    workspace.run(&["delete", "--yes"]).exits(0);
    workspace.run(&["rotate", HOST]).exits(1).prints(&format!(
        "has no Secret {pods}/{SECRET} of httpbin.example.com; istio-tls apply creates it"
    ));
    assert!(plane.get(&pods, "secret", SECRET).is_null());
}

#[test]
fn a_ca_is_rotated_with_both_trusted_in_between() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "carot", &[HOST], "mutual");
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let gateway = Dir::new();
    let serve = cluster_gateway::start(&plane, &workspace, &gateway);
    let bundle = || secret_text(&plane, &workspace.pod_namespace, SECRET, "ca.crt");
    let count = || bundle().matches("BEGIN CERTIFICATE").count();
    let (old, leaf, old_bundle) = (client_of(&workspace.dir, HOST), serial(&workspace), bundle());
    assert_eq!(asked(&serve, HOST, &old), Ok(418));

    // Taken back, the bundle is as before.
    workspace.run(&["rotate", HOST, "--ca"]).exits(0);
    workspace
        .run(&["rotate", HOST, "--abort"])
        .exits(0)
        .prints("verified at")
        .prints("the client chain of the removed CA: refused after");
    assert!(bundle() == old_bundle, "the bundle is not the old one");

    workspace
        .run(&["rotate", HOST, "--ca"])
        .exits(0)
        .prints("the old client chain: served")
        .prints("the new client chain: served");
    assert_eq!(count(), 4);
    assert!(bundle().contains(&old_bundle), "the old CA is not in the bundle");
    assert_eq!(serial(&workspace), leaf, "the old CA's leaf is served until the end");
    let moved = client_of(&workspace.dir, HOST);
    assert_eq!(asked(&serve, HOST, &old), Ok(418));
    assert_eq!(asked(&serve, HOST, &moved), Ok(418));
    holds_the_files(&plane, &workspace);
    // Again makes no third CA, and changes nothing.
    let version = identity_of(&plane, &workspace.pod_namespace, SECRET);
    workspace.run(&["rotate", HOST, "--ca"]).exits(0).prints("unchanged");
    assert_eq!(identity_of(&plane, &workspace.pod_namespace, SECRET), version);

    let json = workspace
        .run(&["rotate", HOST, "--finish", "-o", "json"])
        .exits(0)
        .json();
    let actions: Vec<&Value> = (json["rotations"].as_array().expect("two").iter())
        .map(|rotation| &rotation["action"])
        .collect();
    assert_eq!(actions, ["ca-finish-leaf", "ca-finish"]);
    assert_eq!(json["rotations"][1]["live"]["removed"]["refused"], true, "{json:#}");
    assert_eq!(json["rotations"][0]["live"]["removed"], Value::Null);
    assert_eq!(count(), 2);
    holds_the_files(&plane, &workspace);
    assert_eq!(asked(&serve, HOST, &moved), Ok(418));
    // Proven by then, so that nothing is to be awaited.
    let old_client = Identity {
        client: old.client.clone(),
        ..trusting(&workspace.dir, HOST)
    };
    let answer = asked(&serve, HOST, &old_client);
    assert!(
        answer.as_ref().is_err_and(|error| error.contains("UnknownCA")),
        "{answer:?}"
    );
}

/// Requests of one client at a steady rate, some on a connection that stays and
/// some on new ones, until told to end. Every one must be answered.
fn steady(serve: &Serve<'_>, identity: &Identity, per_second: u32, running: &AtomicBool, answered: &AtomicUsize) {
    const PER_CONNECTION: u32 = 25;
    let mut connection = serve.open(HOST, identity).expect("served");
    let (start, mut sent) = (Instant::now(), 0_u32);
    while running.load(Ordering::Relaxed) {
        if sent % PER_CONNECTION == PER_CONNECTION - 1 {
            connection = Connection::open(serve.address(443), HOST, identity).expect("a new connection");
        }
        assert_eq!(connection.get("/status/200").expect("an answer").status, 200);
        answered.fetch_add(1, Ordering::Relaxed);
        sent += 1;
        // The pace of the load.
        let next = start + Duration::from_secs(1) * sent / per_second;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

#[test]
fn a_thousand_requests_a_second_lose_none() {
    const CLIENTS: u32 = 8;
    const PER_SECOND: u32 = 1000;
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "loadrot", &[HOST], "mutual");
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let gateway = Dir::new();
    let serve = cluster_gateway::start(&plane, &workspace, &gateway);
    let under_load = |identities: &[&Identity], commands: &[&[&str]]| {
        let (running, answered) = (AtomicBool::new(true), AtomicUsize::new(0));
        let start = Instant::now();
        std::thread::scope(|scope| {
            let (serve, running, answered) = (&serve, &running, &answered);
            let stop = StopAtEnd(running);
            let clients: Vec<_> = (identities.iter().cycle().take(CLIENTS as usize))
                .map(|identity| scope.spawn(move || steady(serve, identity, PER_SECOND / CLIENTS, running, answered)))
                .collect();
            let mut at_work = 0;
            for command in commands {
                // Each command begins under load, and the load goes on after it.
                serve_more(answered, &mut at_work, PER_SECOND as usize);
                workspace.run(command).exits(0).prints("verified at");
            }
            serve_more(answered, &mut at_work, PER_SECOND as usize);
            drop(stop);
            for client in clients {
                client.join().expect("no request was lost");
            }
        });
        let count = answered.load(Ordering::Relaxed);
        println!(
            "{count} requests in {:.1} s, {:.0} a second, during {} rotations: all answered",
            start.elapsed().as_secs_f64(),
            count as f64 / start.elapsed().as_secs_f64(),
            commands.len()
        );
    };
    let old = client_of(&workspace.dir, HOST);
    under_load(&[&old], &[&["rotate", HOST], &["rotate", HOST, "--ca"]]);
    let moved = client_of(&workspace.dir, HOST);
    assert_ne!(old.client, moved.client);
    under_load(&[&old, &moved], &[&["rotate", HOST], &["rotate", HOST, "--ca"]]);
    under_load(
        &[&moved],
        &[&["rotate", HOST, "--finish"], &["rotate", HOST, "--clients"]],
    );
    holds_the_files(&plane, &workspace);
}

/// Waits until so many more requests are answered.
#[track_caller]
fn serve_more(answered: &AtomicUsize, before: &mut usize, more: usize) {
    let wanted = *before + more;
    crate::running_program::await_condition(
        || answered.load(Ordering::Relaxed) >= wanted,
        || format!("{} of {wanted} requests are answered", answered.load(Ordering::Relaxed)),
    );
    *before = answered.load(Ordering::Relaxed);
}

#[test]
fn what_others_hold_is_named_and_nothing_is_written() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "conflictrot", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let before = serial(&workspace);
    let stands = |plane: &ControlPlane| (serial(&workspace), identity_of(plane, &pods, SECRET));
    // Another hand changes the bundle: it is theirs from then on.
    let bundle = secret_text(&plane, &pods, SECRET, "ca.crt");
    let patch = serde_json::json!({"stringData": {"ca.crt": format!("# of jane\n{bundle}")}}).to_string();
    plane.kubectl_ok(&[
        "-n",
        &pods,
        "patch",
        "secret",
        SECRET,
        "--field-manager=jane",
        "-p",
        &patch,
    ]);
    let standing = stands(&plane);
    for args in [&["rotate", HOST][..], &["rotate", HOST, "--ca"]] {
        workspace
            .run(args)
            .exits(1)
            .says("data.ca.crt is managed by jane")
            .says("nothing of httpbin.example.com was written")
            .says("--force-conflicts")
            .says("--local");
        assert_eq!(stands(&plane), standing);
    }
    workspace
        .run(&["rotate", HOST, "--dry-run"])
        .exits(1)
        .says("data.ca.crt is managed by jane");
    let json = workspace.run(&["rotate", HOST, "-o", "json"]).exits(1).json();
    assert!(json["error"]["why"].as_str().expect("why").contains("jane"), "{json:#}");
    workspace.run(&["rotate", HOST, "--force-conflicts"]).exits(0);
    assert_ne!(serial(&workspace), before);
    holds_the_files(&plane, &workspace);

    // Who may not, or is not known, changes nothing.
    let standing = stands(&plane);
    for (context, said) in [
        ("viewer", "may not"),
        ("limited", "may not"),
        ("expired", "does not accept the credentials"),
    ] {
        workspace
            .run(&["rotate", HOST, "--context", context])
            .exits(3)
            .says(said)
            .says("nothing of httpbin.example.com was written")
            .says("--local");
        assert_eq!(stands(&plane), standing, "{context}");
    }
    workspace
        .run(&["rotate", HOST, "--context", "nowhere"])
        .exits(2)
        .says("there is no context \"nowhere\"")
        .says("--local");
    assert_eq!(stands(&plane), standing);

    // A workspace that has the Secret now.
    let other = ClusterWorkspace::within(&plane, &workspace.namespace, &pods, &[HOST], "mutual");
    other.run(&["apply", "--no-wait", "--force-conflicts"]).exits(0);
    let standing = stands(&plane);
    workspace
        .run(&["rotate", HOST])
        .exits(1)
        .says("it belongs to another workspace");
    assert_eq!(stands(&plane), standing);
    // A type that cannot hold it is not replaced: that would leave a gap.
    plane.kubectl_ok(&["-n", &pods, "delete", "secret", SECRET]);
    let docker = "--from-literal=.dockerconfigjson={}";
    let kind = "--type=kubernetes.io/dockerconfigjson";
    plane.kubectl_ok(&["-n", &pods, "create", "secret", "generic", SECRET, kind, docker]);
    let standing = stands(&plane);
    workspace
        .run(&["rotate", HOST])
        .exits(1)
        .says("its type is kubernetes.io/dockerconfigjson")
        .says("istio-tls apply --replace");
    assert_eq!(stands(&plane), standing);
}

#[test]
fn a_secret_that_others_renewed_is_not_set_back() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "aheadrot", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    workspace
        .dir
        .run(&["gen-certs", HOST, "--force", "--not-before", "2026-01-01T00:00:00Z"])
        .exits(0);
    workspace.run(&["apply", "--no-wait"]).exits(0);
    // The same workspace on another machine rotates.
    let elsewhere = Dir::new();
    copy(&workspace.dir, &elsewhere);
    let config = workspace.kubeconfig.to_str().expect("text").to_owned();
    elsewhere.run(&["rotate", HOST, "--kubeconfig", &config]).exits(0);
    let standing = identity_of(&plane, &pods, SECRET);
    workspace
        .run(&["rotate", "--if-expires-in", "30d"])
        .exits(1)
        .says(&format!(
            "Secret {pods}/{SECRET} contains a newer leaf than the files of {HOST}"
        ))
        .says(&format!("istio-tls adopt secret/{pods}/{SECRET} --host {HOST} --force"));
    assert_eq!(identity_of(&plane, &pods, SECRET), standing);
    workspace
        .run(&["status"])
        .exits(1)
        .prints("ITL1009")
        .prints("renewed from elsewhere");
    // Taken over, with the keys and clients of the same CA where they are.
    workspace
        .run(&["adopt", &format!("secret/{pods}/{SECRET}"), "--host", HOST, "--force"])
        .exits(0)
        .says("the CA of httpbin.example.com is unchanged");
    holds_the_files(&plane, &workspace);
    workspace
        .run(&["rotate", "--if-expires-in", "30d"])
        .exits(0)
        .prints("nothing to do");
    workspace.run(&["rotate", HOST]).exits(0);
    workspace.run(&["verify", HOST]).exits(0);
}

#[test]
fn a_host_whose_secret_is_refused_keeps_the_others_from_being_touched() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "manyrot", &[HOST, "bookinfo.com"], "simple");
    let pods = workspace.pod_namespace.clone();
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let patch = r#"{"stringData": {"tls.crt": "of jane"}}"#;
    let jane = "--field-manager=jane";
    plane.kubectl_ok(&["-n", &pods, "patch", "secret", "bookinfo-credential", jane, "-p", patch]);
    let standing = (serial(&workspace), identity_of(&plane, &pods, SECRET));
    workspace
        .run(&["rotate", HOST, "bookinfo.com"])
        .exits(1)
        .says("data.tls.crt is managed by jane")
        .says("nothing of bookinfo.com was written");
    assert_eq!((serial(&workspace), identity_of(&plane, &pods, SECRET)), standing);
    // The job for every host passes it over, and does the others.
    let daily = ["rotate", "--if-expires-in", "366d"];
    workspace
        .run(&[&daily[..], &["--dry-run"]].concat())
        .exits(1)
        .prints(HOST)
        .says("bookinfo.com is skipped");
    workspace
        .run(&daily)
        .exits(1)
        .prints(&format!("{HOST}: the server leaf is rotated"))
        .says("bookinfo.com is skipped")
        .says("data.tls.crt is managed by jane");
    assert_ne!(serial(&workspace), standing.0);
    workspace.run(&["rotate", HOST]).exits(0);
    workspace
        .run(&["rotate", HOST, "bookinfo.com", "--force-conflicts"])
        .exits(0)
        .prints(&format!("Secret {pods}/bookinfo-credential configured"));
    assert_ne!(serial(&workspace), standing.0);
}

#[test]
fn a_gateway_without_address_is_proven_through_its_pod() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "tunnelrot", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let gateway = Dir::new();
    let serve = cluster_gateway::without_address(&plane, &workspace, &gateway);
    make_service(&plane, &pods, "ClusterIP");
    // Nobody has seen the new leaf: the old CA stays until the user says so once more.
    workspace
        .run(&["rotate", HOST, "--ca"])
        .exits(0)
        .prints("not verified at the cluster's gateway: Service tunnelrot-ingress/istio-ingressgateway has no address");
    workspace
        .run(&["rotate", HOST, "--finish"])
        .exits(1)
        .prints("once more; removes the previous CA");
    assert_eq!(
        secret_text(&plane, &pods, SECRET, "ca.crt")
            .matches("BEGIN CERTIFICATE")
            .count(),
        4
    );
    workspace.run(&["rotate", HOST, "--finish"]).exits(0);
    assert_eq!(
        secret_text(&plane, &pods, SECRET, "ca.crt")
            .matches("BEGIN CERTIFICATE")
            .count(),
        2
    );

    // The test plays the node and its kubelet, through which the pod is reached.
    let node = PlayedNode::start(&plane, "played-tunnelrot");
    make_gateway(&node, &pods, "gateway-1", &serve);
    for args in [
        &["rotate", HOST][..],
        &["rotate", HOST, "--ca"],
        &["rotate", HOST, "--finish"],
    ] {
        workspace
            .run(args)
            .exits(0)
            .says("through a port-forward to the pod tunnelrot-ingress/gateway-1")
            .prints("verified at 127.0.0.1:");
    }
    workspace
        .run(&["status"])
        .exits(0)
        .prints("served at 127.0.0.1:")
        .says("through a port-forward");
    holds_the_files(&plane, &workspace);
}
