//! `status`, `inspect`, `verify` and `adopt` with the Secrets of a real API server;
//! kubectl makes them, and is the witness. The gateway is `serve --cluster`; the
//! test plays the cloud that gives it an address.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::cluster_forward::make_service;
use crate::cluster_gateway::{self, secret_text};
use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::{Dir, Ran};

const HOST: &str = "httpbin.example.com";
const SECRET: &str = "httpbin-credential";

/// The codes of a report's findings.
fn codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .map(|finding| finding["code"].as_str().expect("a code"))
        .collect()
}

#[test]
fn status_compares_files_secrets_and_what_is_served() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "statussecrets", &[HOST, "bookinfo.com"], "mutual");
    let pods = workspace.pod_namespace.clone();
    let title = format!("{pods}/{SECRET}");
    // Other tests' pods bear the same labels; this is the gateway's namespace.
    make_service(&plane, &pods, "ClusterIP");
    // Nothing was applied: the current context is left alone.
    let report = workspace.run(&["status", "-o", "json"]).exits(0).json();
    assert_eq!(report["context"], Value::Null);
    let report = workspace
        .run(&["status", "--context", "admin", "-o", "json"])
        .exits(1)
        .json();
    assert_eq!(codes(&report), ["ITL1010", "ITL1010"]);

    workspace.run(&["apply", "--no-wait"]).exits(0);
    let gateway = Dir::new();
    let mut serve = cluster_gateway::start(&plane, &workspace, &gateway);
    let address = serve.address(443).to_string();
    let report = workspace.run(&["status", "-o", "json"]).exits(0).json();
    assert_eq!(report["context"], "admin");
    assert_eq!(report["skipped"], json!([]));
    let first = &report["certificates"][0];
    assert_eq!((&first["secret"], &first["served"]), (&json!(title), &json!(address)));
    assert_eq!(first["file"], format!("{HOST}/3_application/certs/{HOST}.cert.pem"));
    workspace
        .run(&["status"])
        .exits(0)
        .prints(&format!("file, Secret {title}, served at {address}"));
    let report = workspace.run(&["status", "--local", "-o", "json"]).exits(0).json();
    assert_eq!(report["certificates"][0]["secret"], Value::Null);

    // A Secret that is soon due, though the file is not.
    workspace
        .dir
        .run(&["gen-certs", HOST, "--force", "--days", "20"])
        .exits(0);
    workspace.run(&["apply", "--no-wait"]).exits(0);
    workspace.dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    serve.wait_until("the gateway has the Secret", |_| {
        let report = workspace.run(&["status", HOST, "-o", "json"]).json();
        report["certificates"][1]["served"] == json!(address)
    });
    let report = workspace
        .run(&["status", HOST, "--expires-within", "30d", "-o", "json"])
        .exits(1)
        .json();
    assert_eq!(codes(&report), ["ITL1009", "ITL1012", "ITL1003", "ITL1002"]);
    let second = &report["certificates"][1];
    assert_eq!((&second["file"], &second["secret"]), (&Value::Null, &json!(title)));
    assert_eq!(second["state"], "due");
    // The CAs that only the Secret holds have rows, too.
    let rows = report["certificates"].as_array().expect("rows");
    assert_eq!(rows.iter().filter(|row| row["what"] == "authority").count(), 2);
    workspace.run(&["apply", "--no-wait"]).exits(0);

    // A user who may not read Secrets.
    let ran = workspace.run(&["status", "--context", "viewer", "-o", "json"]).exits(0);
    let report = ran.json();
    let skipped = report["skipped"].as_array().expect("skipped");
    let reason = format!("the user \"viewer\" may not get secrets in the namespace {pods}");
    for code in ["ITL1009", "ITL1010", "ITL1011", "ITL1012"] {
        let found = skipped.iter().find(|skipped| skipped["code"] == code);
        assert_eq!(found.expect("skipped")["reason"], reason, "{code}");
    }
    workspace
        .run(&["status", "--context", "viewer"])
        .exits(0)
        .says(&format!("skipped: {reason}"));
    workspace
        .run(&["status", "--context", "expired"])
        .exits(3)
        .says("does not accept the credentials")
        .prints(HOST);

    // One that is gone, and one that no gateway can use.
    plane.kubectl_ok(&["-n", &pods, "delete", "secret", "bookinfo-credential"]);
    plane.kubectl_ok(&["-n", &pods, "delete", "secret", SECRET]);
    plane.kubectl_ok(&[
        "-n",
        &pods,
        "create",
        "secret",
        "generic",
        SECRET,
        "--from-literal=tls.crt=x",
    ]);
    let report = workspace.run(&["status", "-o", "json"]).exits(1).json();
    let found = codes(&report);
    for code in ["ITL1010", "ITL1011"] {
        assert!(found.contains(&code), "{code}: {found:?}");
    }
    workspace.run(&["status", "--local", "--target", "cluster"]).exits(2);
}

/// A Secret that is made by hand of a chain in `from`, in these keys.
#[track_caller]
fn by_hand(plane: &ControlPlane, namespace: &str, name: &str, keys: &[(&str, String)]) {
    let mut args = ["-n", namespace, "create", "secret", "generic", name]
        .map(str::to_owned)
        .to_vec();
    args.extend(keys.iter().map(|(key, path)| format!("--from-file={key}={path}")));
    plane.kubectl_ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Runs with the control plane's kubeconfig.
#[track_caller]
fn run_in(dir: &Dir, plane: &ControlPlane, args: &[&str]) -> Ran {
    let mut command = dir.command(args);
    Ran::of(command.env("KUBECONFIG", plane.kubeconfig()), args)
}

#[test]
fn every_key_of_a_secret_is_explained() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "looksecret", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    workspace.run(&["apply", "--no-wait"]).exits(0);
    let ran = workspace
        .run(&["inspect", &format!("secret/{SECRET}")])
        .exits(0)
        .prints(&format!("Secret {pods}/{SECRET} in the context admin"))
        .prints("kubernetes.io/tls")
        .prints("applied from this workspace")
        .prints("ca.crt, tls.crt, tls.key")
        .prints(&format!("secret {pods}/{SECRET} key tls.key"));
    assert!(!ran.stdout.contains("no pair"), "{}", ran.stdout);
    let report = workspace
        .run(&["inspect", &format!("secret/{pods}/{SECRET}"), "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(report["secrets"][0]["owner"], "workspace");
    assert_eq!(report["secrets"][0]["type"], "kubernetes.io/tls");
    let items = report["items"].as_array().expect("items");
    let key = items
        .iter()
        .find(|item| item["type"] == "private-key")
        .expect("the key");
    assert_eq!(
        key["fits"].as_array().map(Vec::len),
        Some(1),
        "the leaf's number: {key:#}"
    );

    // One of the page's Istio 1.1, made by hand, with a CA beside it, a key that fits
    // nothing, and something else.
    let path = |part: &str| workspace.dir.path(format!("{HOST}/{part}")).display().to_string();
    by_hand(
        &plane,
        &pods,
        "by-hand",
        &[
            ("cert", path(&format!("3_application/certs/{HOST}.cert.pem"))),
            ("key", path(&format!("4_client/private/{HOST}.key.pem"))),
            ("note", workspace.dir.write("note", "mine").display().to_string()),
        ],
    );
    by_hand(
        &plane,
        &pods,
        "by-hand-cacert",
        &[("cacert", path("2_intermediate/certs/ca-chain.cert.pem"))],
    );
    let report = workspace
        .run(&["inspect", "secret/by-hand", "-o", "json"])
        .exits(0)
        .json();
    let secrets = report["secrets"].as_array().expect("two");
    assert_eq!(secrets.len(), 2);
    assert_eq!(secrets[0]["owner"], "others");
    assert_eq!(secrets[0]["managers"], json!(["kubectl-create"]));
    assert_eq!(secrets[0]["keys"], json!(["cert", "key", "note"]));
    assert_eq!(secrets[1]["name"], "by-hand-cacert");
    let items = report["items"].as_array().expect("items");
    let key = items
        .iter()
        .find(|item| item["type"] == "private-key")
        .expect("the key");
    assert_eq!(key["fits"], Value::Null);
    workspace
        .run(&["inspect", "secret/by-hand"])
        .exits(0)
        .prints("created by kubectl-create");

    // Not there: where it was looked for, and where one is.
    plane.kubectl_ok(&[
        "-n",
        "looksecret",
        "create",
        "secret",
        "generic",
        "elsewhere-of-looksecret",
    ]);
    workspace
        .run(&["inspect", "secret/elsewhere-of-looksecret"])
        .exits(2)
        .says(&format!(
            "there is no Secret elsewhere-of-looksecret in the namespace {pods}"
        ))
        .says("a Secret of that name is in looksecret")
        .says("secret/looksecret/elsewhere-of-looksecret");
    workspace
        .run(&["inspect", "secret/elsewhere-of-looksecret", "-n", "looksecret"])
        .exits(0)
        .prints("no pair");
    workspace
        .run(&["inspect", "secret/no-such-secret", "-o", "json"])
        .exits(2)
        .says("no namespace has a Secret of that name");
    workspace
        .run(&["inspect", &format!("secret/{SECRET}"), "--context", "viewer"])
        .exits(3)
        .says("may not get secrets");
    let own = run_in(
        &workspace.dir,
        &plane,
        &["inspect", "secret/limited/nothing", "--context", "limited"],
    );
    own.exits(2).says("may not list secrets in the whole cluster");

    // As a client would verify it: by the workspace's root, or by its own CA.
    workspace
        .run(&["verify", &format!("secret/{SECRET}")])
        .exits(0)
        .prints(&format!("verifies for {HOST}"));
    let empty = Dir::new();
    let target = format!("secret/{pods}/{SECRET}");
    run_in(&empty, &plane, &["verify", &target, "--host", HOST])
        .exits(0)
        .prints("key ca.crt");
    run_in(
        &empty,
        &plane,
        &["verify", &target, "--host", "other.example.com", "-o", "json"],
    )
    .exits(1);
    // The chain verifies; its key does not fit.
    run_in(
        &empty,
        &plane,
        &["verify", "secret/by-hand", "--gateway-namespace", &pods, "--host", HOST],
    )
    .exits(1)
    .prints("by-hand-cacert")
    .prints("no gateway can use the Secret")
    .prints("key key does not belong to the certificate in");
    run_in(&empty, &plane, &["verify", &format!("secret/{pods}/by-hand-cacert")])
        .exits(2)
        .says("has neither the keys tls.crt and tls.key");
}

/// The mode of a file.
#[track_caller]
fn mode_of(dir: &Dir, file: &str) -> u32 {
    let metadata = std::fs::metadata(dir.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    metadata.permissions().mode() & 0o777
}

#[test]
fn a_secret_is_adopted_and_its_name_kept() {
    let plane = ControlPlane::shared();
    let [namespace, pods] = plane.namespaces("adoptsecret");
    // What somebody else has made, as cert-manager does: with the root as ca.crt.
    let elsewhere = Dir::new();
    elsewhere
        .run(&["gen-certs", "shop.example.com", "--san", "www.shop.example.com"])
        .exits(0);
    let path = |part: &str| elsewhere.path(format!("shop.example.com/{part}")).display().to_string();
    let chain = path("3_application/certs/shop.example.com.cert.pem");
    let key = path("3_application/private/shop.example.com.key.pem");
    by_hand(
        &plane,
        &pods,
        "shop-tls",
        &[
            ("tls.crt", chain.clone()),
            ("tls.key", key.clone()),
            ("ca.crt", path("1_root/certs/ca.cert.pem")),
        ],
    );
    let dir = Dir::new();
    dir.run(&["init", "-n", &namespace, "--gateway-namespace", &pods])
        .exits(0);
    run_in(&dir, &plane, &["adopt", "secret/shop-tls", "--dry-run"]).exits(0);
    assert!(!dir.path("shop.example.com").exists());
    let ran = run_in(&dir, &plane, &["adopt", "secret/shop-tls"])
        .exits(0)
        .prints("shop.example.com is recorded, mode mutual, Secret shop-tls")
        .prints(&format!("secret/{pods}/shop-tls/tls.key"))
        .prints("missing: the root's key, the intermediate's key, a client certificate")
        .says("--mode simple if the Gateway does not verify clients")
        .says("www.shop.example.com");
    let secret = elsewhere.read("shop.example.com/3_application/private/shop.example.com.key.pem");
    for line in secret.lines().filter(|line| !line.starts_with("-----")) {
        assert!(
            !ran.stdout.contains(line) && !ran.stderr.contains(line),
            "a key is told"
        );
    }
    let file = "shop.example.com/3_application/private/shop.example.com.key.pem";
    assert_eq!(mode_of(&dir, file), 0o600);
    assert_eq!(
        dir.read("shop.example.com/2_intermediate/certs/ca-chain.cert.pem")
            .trim(),
        secret_text(&plane, &pods, "shop-tls", "ca.crt").trim()
    );
    run_in(&dir, &plane, &["verify", "shop.example.com"]).exits(0);
    // Later manifests go by its name; what is there is left as it is.
    dir.run(&["manifests", "--only", "gateway"])
        .exits(0)
        .prints("credentialName: shop-tls");
    let data = plane.get(&pods, "secret", "shop-tls")["data"].clone();
    run_in(&dir, &plane, &["apply", "--no-wait"])
        .exits(0)
        .says("it was created by kubectl-create, and stays theirs");
    assert_eq!(plane.get(&pods, "secret", "shop-tls")["data"], data);
    run_in(&dir, &plane, &["adopt", "secret/shop-tls"])
        .exits(2)
        .says("--force");

    // Of Istio 1.1's keys, with the CA beside it; a CA for clients that is not the server's.
    elsewhere.run(&["gen-certs", "partners.example.com"]).exits(0);
    let clients = elsewhere.path("partners.example.com/2_intermediate/certs/ca-chain.cert.pem");
    by_hand(&plane, &pods, "old-shop", &[("cert", chain), ("key", key)]);
    by_hand(
        &plane,
        &pods,
        "old-shop-cacert",
        &[("cacert", clients.display().to_string())],
    );
    let other = Dir::new();
    other
        .run(&["init", "-n", &namespace, "--gateway-namespace", &pods])
        .exits(0);
    let ran = run_in(
        &other,
        &plane,
        &["adopt", "secret/old-shop", "--mode", "mutual", "-o", "json"],
    )
    .exits(0);
    let report = ran.json();
    assert_eq!(report["chains"][0]["credentialName"], "old-shop");
    assert!(
        report["chains"][0]["missing"]
            .as_array()
            .expect("a list")
            .contains(&json!("a client certificate"))
    );
    assert!(
        ran.stderr
            .contains("it verifies clients, and is stored in ca-chain.cert.pem"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        other.read("shop.example.com/2_intermediate/certs/ca-chain.cert.pem"),
        std::fs::read_to_string(clients).expect("a chain")
    );
    // One Secret is one host's; another name of its certificate cannot have it, too.
    run_in(
        &dir,
        &plane,
        &["adopt", "secret/shop-tls", "--host", "www.shop.example.com"],
    )
    .exits(2)
    .says("the Secret shop-tls belongs to shop.example.com");
    assert!(!dir.path("www.shop.example.com").exists());
    run_in(&dir, &plane, &["adopt", &format!("secret/{pods}/old-shop-cacert")]).exits(2);
    run_in(&dir, &plane, &["adopt", "secret/absent"])
        .exits(2)
        .says("there is no Secret absent");
    run_in(&dir, &plane, &["adopt", "secret/shop-tls", "--context", "viewer"]).exits(3);
}

#[test]
fn what_cert_manager_keeps_in_a_secret_is_left_in_mode_simple() {
    let plane = ControlPlane::shared();
    let [namespace, pods] = plane.namespaces("adoptissued");
    let elsewhere = Dir::new();
    elsewhere.run(&["gen-certs", "shop.example.com"]).exits(0);
    let path = |part: &str| elsewhere.path(format!("shop.example.com/{part}")).display().to_string();
    // As cert-manager writes it; the test plays cert-manager.
    let from = |key: &str, part: &str| format!("--from-file={key}={}", path(part));
    plane.kubectl_ok(&[
        "-n",
        &pods,
        "create",
        "secret",
        "generic",
        "shop-tls",
        "--type=kubernetes.io/tls",
        "--field-manager=cert-manager-certificates-issuing",
        &from("tls.crt", "3_application/certs/shop.example.com.cert.pem"),
        &from("tls.key", "3_application/private/shop.example.com.key.pem"),
        &from("ca.crt", "1_root/certs/ca.cert.pem"),
    ]);
    let dir = Dir::new();
    let target = format!("secret/{pods}/shop-tls");
    run_in(&dir, &plane, &["adopt", &target, "--mode", "simple", "-n", &namespace])
        .exits(0)
        .says(&format!("podNamespace {pods} is recorded"))
        .says("the Secret shop-tls is managed by cert-manager")
        .says("is not recorded; the first apply records it");
    let before = plane.get(&pods, "secret", "shop-tls");
    run_in(&dir, &plane, &["apply", "--no-wait"])
        .exits(0)
        .says("it was created by cert-manager-certificates-issuing, and stays theirs");
    let after = plane.get(&pods, "secret", "shop-tls");
    assert_eq!(after["data"], before["data"], "its ca.crt stays");
    assert_eq!(after["metadata"]["labels"], Value::Null, "and it is theirs");
    // For mutual TLS another CA in its place is a conflict still.
    let yaml = dir.read("istio-tls.yaml").replace("mode: simple", "mode: mutual");
    dir.write("istio-tls.yaml", yaml);
    let other = elsewhere.path("other.pem");
    std::fs::copy(path("2_intermediate/certs/intermediate.cert.pem"), &other).expect("copied");
    std::fs::copy(
        &other,
        dir.path("shop.example.com/2_intermediate/certs/ca-chain.cert.pem"),
    )
    .expect("copied");
    run_in(&dir, &plane, &["apply", "--no-wait"])
        .exits(1)
        .says("cert-manager-certificates-issuing");
    run_in(&dir, &plane, &["delete", "--yes"]).exits(0);
    assert_eq!(
        plane.get(&pods, "secret", "shop-tls")["data"]["tls.key"],
        before["data"]["tls.key"]
    );
}

#[test]
fn an_adopted_secret_is_rotated_where_its_ca_is_at_hand() {
    let plane = ControlPlane::shared();
    let [namespace, pods] = plane.namespaces("adoptrotate");
    let elsewhere = Dir::new();
    elsewhere.run(&["gen-certs", "shop.example.com"]).exits(0);
    let path = |part: &str| elsewhere.path(format!("shop.example.com/{part}")).display().to_string();
    by_hand(
        &plane,
        &pods,
        "shop-tls",
        &[
            ("tls.crt", path("3_application/certs/shop.example.com.cert.pem")),
            ("tls.key", path("3_application/private/shop.example.com.key.pem")),
            ("ca.crt", path("2_intermediate/certs/ca-chain.cert.pem")),
        ],
    );
    let workspace = ClusterWorkspace {
        dir: Dir::new(),
        kubeconfig: plane.kubeconfig(),
        namespace: namespace.clone(),
        pod_namespace: pods.clone(),
    };
    workspace
        .dir
        .run(&["init", "-n", &namespace, "--gateway-namespace", &pods])
        .exits(0);
    let run = |args: &[&str]| run_in(&workspace.dir, &plane, args);
    run(&["adopt", "secret/shop-tls"]).exits(0).prints("mode mutual");
    run(&["apply", "--no-wait"]).exits(0);
    let gateway = Dir::new();
    let _serve = cluster_gateway::start(&plane, &workspace, &gateway);
    run(&["rotate", "shop.example.com"])
        .exits(2)
        .says("the key of its CA is not in the workspace")
        .says("--signer DIR");
    let signer = path("");
    // Its data is kubectl's still, until it is taken over.
    run(&["rotate", "shop.example.com", "--signer", &signer])
        .exits(1)
        .says("is managed by kubectl-create");
    // No client is here, and what is served is seen all the same.
    run(&["rotate", "shop.example.com", "--signer", &signer, "--force-conflicts"])
        .exits(0)
        .prints("Secret adoptrotate-ingress/shop-tls configured")
        .prints("checked without a client certificate");
    assert_eq!(
        secret_text(&plane, &pods, "shop-tls", "tls.crt"),
        workspace
            .dir
            .read("shop.example.com/3_application/certs/shop.example.com.cert.pem")
    );
}
