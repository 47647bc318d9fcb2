//! Lines about what a workspace has in a cluster, typed where kubectl's current context
//! is another: apply, status, rotate, delete, lint and adopt.

use istio_tls::remedy::Kind;
use serde_json::json;

use super::abroad::{KUBECONFIG, abroad, kubeconfig, there};
use super::stage::{Printed, Stage};
use super::{Scene, act};
use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::running_program::{await_value, free_address};

const HOST: &str = "httpbin.example.com";
const SECRET: &str = "httpbin-credential";

const SCENES: &[Scene] = &[
    (&[Kind::Apply], apply),
    (&[Kind::ApplyContext], apply_context),
    (&[Kind::ApplyFile], apply_file),
    (&[Kind::ApplyForceConflicts], apply_force_conflicts),
    (&[Kind::ApplyReplace], apply_replace),
    (&[Kind::AdoptForHost], adopt_for_host),
    (&[Kind::DeleteLocal, Kind::DeleteNoCluster], delete_local),
    (&[Kind::ServeCluster], serve_cluster),
    (&[Kind::RotateBringUp], rotate_bring_up),
    (&[Kind::RotateForceConflicts], rotate_force_conflicts),
    (&[Kind::ProbeCluster, Kind::Doctor, Kind::Status], not_served),
    (&[Kind::KubectlApply, Kind::KubectlCreateSecret], missing_secrets),
    (&[Kind::KubectlApplyFiles], kubectl_apply_files),
    (&[Kind::KubectlAuthCanI], kubectl_auth_can_i),
    (&[Kind::KubectlCreateNamespace], kubectl_create_namespace),
    (&[Kind::KubectlDelete], kubectl_delete),
    (&[Kind::KubectlUseContext], kubectl_use_context),
    (&[Kind::KubectlVersion], kubectl_version),
    (&[Kind::KubectlWait], kubectl_wait),
];

#[test]
fn lines_about_a_cluster_do_what_they_say() {
    let _plane = ControlPlane::shared();
    act(SCENES);
}

/// A workspace with one host, applied.
fn applied(plane: &ControlPlane, name: &str) -> (ClusterWorkspace, Stage) {
    let workspace = ClusterWorkspace::new(plane, name, &[HOST], "simple");
    let stage = abroad(plane, &workspace);
    stage.ours(&there(&["apply", "--no-wait"])).exits(0);
    (workspace, stage)
}

/// A Secret that is gone.
fn apply() -> Stage {
    let plane = ControlPlane::shared();
    let (workspace, stage) = applied(&plane, "typed-apply");
    let pods = workspace.pod_namespace.as_str();
    plane.kubectl_ok(&["-n", pods, "delete", "secret", SECRET]);
    stage.follows(Kind::Apply, &there(&["status"])).exits(0);
    assert!(plane.get(pods, "secret", SECRET).is_object());
    stage
}

/// The recorded context is not in the kubeconfig.
fn apply_context() -> Stage {
    let plane = ControlPlane::shared();
    let (workspace, stage) = applied(&plane, "typed-context");
    workspace.set("context", "gone");
    let ran = stage.ours(&["status", "--kubeconfig", KUBECONFIG]).exits(2);
    let line = format!(
        "istio-tls -C {} apply --kubeconfig 'my kubeconfig' --context NAME",
        stage.ws
    );
    let line = Printed::told(Kind::ApplyContext, &ran, &line);
    stage.types(&line.filled("NAME", "admin")).exits(0);
    assert!(workspace.dir.read("istio-tls.yaml").contains("context: admin"));
    stage
}

/// What is to be mended in a cluster is mended in its files.
fn apply_file() -> Stage {
    let plane = ControlPlane::shared();
    let (_workspace, stage) = applied(&plane, "typed-file");
    let objects = stage.ours(&["manifests", "--only", "gateway"]).exits(0).stdout;
    stage.dir.write("my gateway.yaml", objects);
    let line = stage.printed(Kind::ApplyFile, &there(&["lint", "--cluster", "--fix"]));
    stage.types(&line.filled("FILE", "'my gateway.yaml'")).exits(0);
    stage
}

/// Somebody else has changed the Gateway.
fn apply_force_conflicts() -> Stage {
    let plane = ControlPlane::shared();
    let (workspace, stage) = applied(&plane, "typed-conflict");
    let mut gateway = plane.get(&workspace.namespace, "gateways.networking.istio.io", "mygateway");
    gateway["spec"]["servers"][0]["hosts"] = json!(["elsewhere.com"]);
    gateway["metadata"]["managedFields"] = json!(null);
    let by_hand = ["apply", "--server-side", "--field-manager=by-hand", "--force-conflicts"];
    plane.kubectl_with(&by_hand, &gateway.to_string());
    stage.follows(Kind::ApplyForceConflicts, &there(&["apply"])).exits(0);
    let gateway = plane.get(&workspace.namespace, "gateways.networking.istio.io", "mygateway");
    assert_eq!(gateway["spec"]["servers"][0]["hosts"], json!([HOST]));
    stage
}

/// A Secret that can't be changed.
fn apply_replace() -> Stage {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "typed-replace", &[HOST], "simple");
    let stage = abroad(&plane, &workspace);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "example.com/other", "immutable": true,
        "metadata": {"name": SECRET, "namespace": workspace.pod_namespace}, "stringData": {"a": "b"}});
    plane.kubectl_with(&["create"], &secret.to_string());
    stage.follows(Kind::ApplyReplace, &there(&["apply"])).exits(0);
    let secret = plane.get(&workspace.pod_namespace, "secret", SECRET);
    assert!(secret["data"]["tls.crt"].is_string());
    stage
}

/// A Secret whose certificate is good for two hosts.
fn adopt_for_host() -> Stage {
    let plane = ControlPlane::shared();
    let theirs = ClusterWorkspace::new(&plane, "typed-adopt", &["first.example.com"], "simple");
    theirs
        .dir
        .run(&["gen-certs", HOST, "--san", "other.example.com"])
        .exits(0);
    abroad(&plane, &theirs).ours(&there(&["apply", "--no-wait"])).exits(0);
    let own = ClusterWorkspace::new(&plane, "typed-adopting", &["own.example.com"], "simple");
    let stage = abroad(&plane, &own);
    let secret = format!("secret/{}/{SECRET}", theirs.pod_namespace);
    let ran = stage.ours(&there(&["adopt", &secret])).exits(0);
    let line = format!("istio-tls -C {0} adopt {0}/{HOST} --host HOST", stage.ws);
    let line = Printed::told(Kind::AdoptForHost, &ran, &line).filled("HOST", "other.example.com");
    stage.types(&line).exits(0);
    stage.ours(&["manifests", "other.example.com"]).exits(0);
    stage
}

/// What was applied elsewhere is not left behind.
fn delete_local() -> Stage {
    let plane = ControlPlane::shared();
    let (workspace, stage) = applied(&plane, "typed-delete");
    let elsewhere = ["delete", "--local", "--kubeconfig", KUBECONFIG, "--context", "viewer"];
    let files_alone = stage.printed(Kind::DeleteNoCluster, &elsewhere);
    let line = stage.printed(Kind::DeleteLocal, &elsewhere);
    let ended = stage.types_at_terminal(&line, "y").exits(0);
    assert!(ended.stdout.contains(SECRET), "{}", ended.stdout);
    assert!(plane.get(&workspace.pod_namespace, "secret", SECRET).is_null());
    assert!(!workspace.dir.path(HOST).exists());

    workspace.dir.run(&["gen-certs", HOST]).exits(0);
    stage.ours(&there(&["apply", "--no-wait"])).exits(0);
    let ended = stage.types_at_terminal(&files_alone, "y").exits(0);
    assert!(!workspace.dir.path(HOST).exists());
    // It tells how what stays is found.
    let start = ended.stdout.find("kubectl --context").expect("a line of kubectl");
    let line = ended.stdout[start..].lines().next().expect("a line").trim();
    let line = Printed::told(Kind::KubectlGet, &ended, line);
    stage.set("KUBECONFIG", KUBECONFIG);
    stage.types(&line).exits(0).prints(SECRET);
    stage
}

/// `up` serves no cluster.
fn serve_cluster() -> Stage {
    let plane = ControlPlane::shared();
    let (_workspace, stage) = applied(&plane, "typed-serve");
    let line = stage.printed(Kind::ServeCluster, &there(&["up", "--cluster"]));
    let _gateway = stage.starts(&line, "the gateway is ready");
    // Nothing is behind the route.
    stage.ours(&["probe", "--expect-status", "503"]).exits(0);
    stage
}

/// The files are newer than the Secret.
fn rotate_bring_up() -> Stage {
    let plane = ControlPlane::shared();
    let (workspace, stage) = applied(&plane, "typed-behind");
    let secret = || plane.get(&workspace.pod_namespace, "secret", SECRET)["data"]["tls.crt"].clone();
    let before = secret();
    stage.ours(&["rotate", HOST, "--local"]).exits(0);
    let line = stage.printed(Kind::RotateBringUp, &there(&["status"]));
    let ran = stage.types(&line);
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.stderr);
    assert_ne!(secret(), before);
    stage
}

/// Somebody else manages the Secret's values.
fn rotate_force_conflicts() -> Stage {
    let plane = ControlPlane::shared();
    let (workspace, stage) = applied(&plane, "typed-theirs");
    let mut secret = plane.get(&workspace.pod_namespace, "secret", SECRET);
    secret["metadata"]["managedFields"] = json!(null);
    secret["data"]["tls.crt"] = json!("YQ==");
    let by_hand = ["apply", "--server-side", "--field-manager=by-hand", "--force-conflicts"];
    plane.kubectl_with(&by_hand, &secret.to_string());
    let ran = stage.follows(Kind::RotateForceConflicts, &there(&["rotate", HOST]));
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.stderr);
    let secret = plane.get(&workspace.pod_namespace, "secret", SECRET);
    assert_ne!(secret["data"]["tls.crt"], "YQ==");
    stage
}

/// A gateway that serves nothing: its address closes every connection.
fn not_served() -> Stage {
    let plane = ControlPlane::shared();
    let (workspace, stage) = applied(&plane, "typed-closed");
    let port = super::closing_gateway(&plane, &workspace.pod_namespace);
    let ran = stage.ours(&there(&["apply", "--wait", "1s"])).exits(1);
    let words = "istio-tls -C WS probe --target cluster --context admin --kubeconfig 'my kubeconfig'";
    let line = Printed::told(Kind::ProbeCluster, &ran, &words.replace("WS", &stage.ws));
    stage.types(&line).exits(1).prints(&format!("127.0.0.1:{port}"));
    let ran = stage.follows(Kind::Doctor, &there(&["probe", "--target", "cluster"]));
    ran.exits(1).prints(HOST);
    let ran = stage.ours(&there(&["rotate", HOST, "--wait", "1s"])).exits(1);
    let words = "istio-tls -C WS status --context admin --kubeconfig 'my kubeconfig'";
    let line = Printed::told(Kind::Status, &ran, &words.replace("WS", &stage.ws));
    stage.types(&line).exits(1).prints(HOST);
    stage
}

/// Secrets that a Gateway names and nobody has made.
fn missing_secrets() -> Stage {
    let plane = ControlPlane::shared();
    let (workspace, stage) = applied(&plane, "typed-missing");
    let pods = workspace.pod_namespace.as_str();
    let lint = there(&[
        "lint",
        "--cluster",
        "-n",
        &workspace.namespace,
        "--gateway-namespace",
        pods,
    ]);
    let server = |host: &str, secret: &str| {
        json!({"port": {"number": 443, "name": secret, "protocol": "HTTPS"},
        "tls": {"mode": "SIMPLE", "credentialName": secret}, "hosts": [host]})
    };
    let gateway = |server: &serde_json::Value| {
        json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
        "metadata": {"name": "by-hand", "namespace": workspace.namespace},
        "spec": {"selector": {"istio": "ingressgateway"}, "servers": [server]}})
        .to_string()
    };
    plane.kubectl_with(&["apply"], &gateway(&server("pair.example.com", "by-hand")));
    let chain = format!("{}/{HOST}/3_application", stage.ws);
    let line = stage.printed(Kind::KubectlCreateSecret, &lint);
    let line = line.filled("--cert=FILE", &format!("--cert={chain}/certs/{HOST}.cert.pem"));
    stage
        .types(&line.filled("--key=FILE", &format!("--key={chain}/private/{HOST}.key.pem")))
        .exits(0);
    assert!(plane.get(pods, "secret", "by-hand").is_object());
    // One that this program would name so.
    plane.kubectl_with(&["apply"], &gateway(&server("pair.example.com", "pair-credential")));
    let lines = stage.printed_all(Kind::GenCerts, &lint);
    let line = lines
        .iter()
        .find(|line| line.line.contains("| kubectl"))
        .expect("a line that applies");
    stage.types(line).exits(0);
    stage.was_typed(Kind::KubectlApply);
    assert!(plane.get(pods, "secret", "pair-credential").is_object());
    stage
}

/// Files of objects.
fn kubectl_apply_files() -> Stage {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "typed-files", &[HOST], "simple");
    let stage = abroad(&plane, &workspace);
    let ran = stage.ours(&["manifests", "--out", "my objects"]).exits(0);
    let line = Printed::told(
        Kind::KubectlApplyFiles,
        &ran,
        "kubectl apply --server-side -f 'my objects'",
    );
    // It names no cluster: files are for any.
    kubeconfig(&plane, &stage, "current-context: admin");
    stage.set("KUBECONFIG", KUBECONFIG);
    stage.types(&line).exits(0);
    assert!(plane.get(&workspace.pod_namespace, "secret", SECRET).is_object());
    stage
}

/// A user who may only look.
fn kubectl_auth_can_i() -> Stage {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "typed-viewer", &[HOST], "simple");
    let stage = abroad(&plane, &workspace);
    let args = ["apply", "--kubeconfig", KUBECONFIG, "--context", "viewer"];
    stage.follows(Kind::KubectlAuthCanI, &args).exits(1).prints("no");
    stage
}

fn kubectl_create_namespace() -> Stage {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::within(&plane, "typed-absent", "typed-absent", &[HOST], "simple");
    let stage = abroad(&plane, &workspace);
    stage.follows(Kind::KubectlCreateNamespace, &there(&["apply"])).exits(0);
    stage.ours(&there(&["apply"])).exits(0);
    stage
}

/// A copy of the workspace's Secret that somebody made.
fn kubectl_delete() -> Stage {
    let plane = ControlPlane::shared();
    let (workspace, stage) = applied(&plane, "typed-copy");
    let mut copy = plane.get(&workspace.pod_namespace, "secret", SECRET);
    copy["metadata"] = json!({"name": "copy", "namespace": workspace.namespace, "labels": copy["metadata"]["labels"]});
    plane.kubectl_with(&["create"], &copy.to_string());
    let ran = stage.ours(&there(&["delete", "--dry-run"])).exits(0);
    let line = format!(
        "kubectl --context admin --kubeconfig 'my kubeconfig' -n {} delete secrets copy",
        workspace.namespace
    );
    stage.types(&Printed::told(Kind::KubectlDelete, &ran, &line)).exits(0);
    assert!(plane.get(&workspace.namespace, "secret", "copy").is_null());
    stage
}

fn kubectl_use_context() -> Stage {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "typed-current", &[HOST], "simple");
    let stage = abroad(&plane, &workspace);
    kubeconfig(&plane, &stage, "");
    let apply = ["apply", "--kubeconfig", KUBECONFIG];
    let line = stage.printed(Kind::KubectlUseContext, &apply);
    stage.types(&line.filled("NAME", "admin")).exits(0);
    stage.ours(&apply).exits(0);
    stage
}

/// An API server that is not there.
fn kubectl_version() -> Stage {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "typed-dead", &[HOST], "simple");
    let stage = abroad(&plane, &workspace);
    let address = free_address();
    let text = stage.dir.read(KUBECONFIG);
    let lines = text.lines().map(|line| match line.split_once("server: ") {
        Some((before, _)) => format!("{before}server: https://{address}"),
        None => line.to_owned(),
    });
    let lines: Vec<String> = lines.collect();
    stage.dir.write(KUBECONFIG, lines.join("\n"));
    let ran = stage
        .follows(Kind::KubectlVersion, &there(&["apply", "--retry-for", "0s"]))
        .exits(1);
    ran.says(&address.to_string());
    stage
}

/// An object that is being deleted.
fn kubectl_wait() -> Stage {
    let plane = ControlPlane::shared();
    let (workspace, stage) = applied(&plane, "typed-going");
    let here = ["-n", workspace.namespace.as_str()];
    let kind = "gateways.networking.istio.io";
    let held = |value: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{value}}}}}"#);
        plane.kubectl_ok(&[&here[..], &["patch", kind, "mygateway", "--type=merge", "-p", &patch]].concat());
    };
    held(r#"["example.com/held"]"#);
    plane.kubectl_ok(&[&here[..], &["delete", kind, "mygateway", "--wait=false"]].concat());
    let line = stage.printed(Kind::KubectlWait, &there(&["apply"]));
    let mut waiting = stage.starts(&line, "");
    held("null");
    let ended = await_value(|| waiting.0.try_wait().expect("a status"), || "it waits on".to_owned());
    assert_eq!(ended.code(), Some(0), "{}", stage.dir.read("started.log"));
    stage.ours(&there(&["apply"])).exits(0);
    stage
}
