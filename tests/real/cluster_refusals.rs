//! What a real API server refuses in the middle of a run, or keeps although it was
//! deleted: `apply` and `delete` say what is done, and what is not. Played is the
//! controller that counts for a quota.

use serde_json::json;

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::running_program::{Program, await_condition};

const HTTPBIN: &str = "httpbin.example.com";
const BOOKINFO: &str = "bookinfo.com";
const GATEWAYS: &str = "gateways.networking.istio.io";

#[test]
fn an_object_with_finalizers_is_deleted_when_they_are_done() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "held", &[HTTPBIN], "simple");
    workspace.run(&["apply"]).exits(0);
    let finalizers = |names: &serde_json::Value| {
        let patch = json!({"metadata": {"finalizers": names}}).to_string();
        let args = [
            "-n",
            "held",
            "patch",
            GATEWAYS,
            "mygateway",
            "--type=merge",
            "-p",
            &patch,
        ];
        plane.kubectl_ok(&args);
    };
    finalizers(&json!(["example.com/hold"]));
    let ran = workspace
        .run(&["delete", "--yes", "--wait", "1s", "-o", "json"])
        .exits(1)
        .says("deleted, but not gone after 1 s: Gateway held/mygateway (terminating: finalizer example.com/hold)")
        .says("run the same command again for the rest");
    let report = ran.json();
    let actions: Vec<[&str; 2]> = (report["objects"].as_array().expect("a list").iter())
        .map(|object| ["kind", "action"].map(|field| object[field].as_str().expect("text")))
        .collect();
    assert_eq!(
        actions,
        [
            ["VirtualService", "deleted"],
            ["Secret", "deleted"],
            ["Gateway", "terminating"]
        ]
    );
    assert_eq!(report["objects"][2]["finalizers"], json!(["example.com/hold"]));
    assert_eq!(report["objects"][0]["finalizers"], json!([]));
    // The files, whose id finds it, stay as long.
    workspace
        .run(&["delete", "--local", "--yes", "--wait", "0"])
        .exits(1)
        .says("not deleted: Gateway held/mygateway (terminating: finalizer example.com/hold), ");
    assert!(workspace.dir.path("istio-tls.yaml").exists());
    // A dry run waits for nothing.
    workspace
        .run(&["delete", "--dry-run"])
        .exits(0)
        .prints("Gateway held/mygateway terminating (dry run)");
    // What is applied to it now would go with it.
    let ran = workspace
        .run(&["apply"])
        .exits(3)
        .says("Gateway held/mygateway is being deleted")
        .says("its finalizers are done (example.com/hold)");
    assert!(plane.get("held-ingress", "secret", "httpbin-credential").is_null());
    // The line that is told returns once it is gone.
    let (_, line) = ran.stderr.split_once("try: kubectl ").expect("a line");
    let (line, _) = line.split_once(" returns when").expect("its end");
    finalizers(&json!(null));
    plane.kubectl_ok(&line.split(' ').collect::<Vec<_>>());
    workspace
        .run(&["apply"])
        .exits(0)
        .prints("Gateway held/mygateway created");

    // It goes while delete waits.
    finalizers(&json!(["example.com/hold"]));
    let file = |name: &str| std::fs::File::create(workspace.dir.path(name)).expect("a file");
    let mut command = workspace.command(&["delete", "--yes", "--wait", "300s"]);
    command.stdout(file("delete.out")).stderr(file("delete.err"));
    let mut waiting = Program(command.spawn().expect("it starts"));
    let said = || workspace.dir.read("delete.err");
    await_condition(
        || said().contains("waiting for the finalizers of Gateway held/mygateway: example.com/hold"),
        said,
    );
    finalizers(&json!(null));
    await_condition(|| waiting.0.try_wait().expect("its state is known").is_some(), said);
    assert_eq!(waiting.0.wait().expect("a status").code(), Some(0), "{}", said());
    let printed = workspace.dir.read("delete.out");
    assert!(printed.ends_with("Gateway held/mygateway deleted\n"), "{printed}");
    workspace.run(&["apply"]).exits(0);

    // A Secret that is to be made anew, and is held.
    let secret = [
        "-n",
        "held-ingress",
        "patch",
        "secret",
        "httpbin-credential",
        "--type=merge",
        "-p",
    ];
    let patch = json!({"immutable": true, "metadata": {"finalizers": ["example.com/hold"]}}).to_string();
    plane.kubectl_ok(&[&secret[..], &[&patch]].concat());
    workspace.dir.run(&["gen-certs", HTTPBIN, "--force"]).exits(0);
    workspace
        .run(&["apply", "--replace"])
        .exits(3)
        .says("Secret held-ingress/httpbin-credential is being deleted")
        .says("applied: nothing");
    plane.kubectl_ok(&[&secret[..], &[r#"{"metadata":{"finalizers":null}}"#]].concat());
    workspace
        .run(&["apply"])
        .exits(0)
        .prints("Secret held-ingress/httpbin-credential created");
}

#[test]
fn a_policy_that_refuses_in_the_middle_is_named() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "policed", &[HTTPBIN, BOOKINFO], "simple");
    // Only what is stored is refused, so that the dry run takes all.
    let policy = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "policed"},
            "spec": {"failurePolicy": "Fail",
                "matchConstraints": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "policed"}},
                    "resourceRules": [{"apiGroups": ["networking.istio.io"], "apiVersions": ["*"],
                        "operations": ["CREATE"], "resources": ["virtualservices", "gateways"]}]},
                "validations": [{"expression": "object.metadata.name != 'bookinfo' || request.dryRun",
                    "message": "no books here"},
                    {"expression": "object.metadata.name != 'witness'", "message": "it is in force"}]}},
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "policed"},
            "spec": {"policyName": "policed", "validationActions": ["Deny"]}},
    ]});
    plane.kubectl_with(&["create"], &policy.to_string());
    let witness = json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
        "metadata": {"name": "witness", "namespace": "policed"}, "spec": {"selector": {"a": "b"}, "servers": []}});
    let path = workspace.dir.write("witness.json", witness.to_string());
    let args = ["create", "--dry-run=server", "-f", path.to_str().expect("text")];
    await_condition(
        || !plane.kubectl(&args).status.success(),
        || "the policy never comes into force".to_owned(),
    );
    let ran = workspace.run(&["apply"]).exits(3);
    let said = &ran.stderr;
    for text in [
        "error: the API server does not admit VirtualService policed/bookinfo",
        "why: 422: ",
        "denied request: no books here",
        "applied: Secret policed-ingress/httpbin-credential, Secret policed-ingress/bookinfo-credential, Gateway policed/mygateway, VirtualService policed/httpbin\n",
        "not applied: VirtualService policed/bookinfo\n",
        "ask the cluster's administrator about the quota or policy",
        "then run the same command again",
    ] {
        assert!(said.contains(text), "{text:?} is not in\n{said}");
    }
    plane.kubectl_ok(&["delete", "validatingadmissionpolicybinding", "policed"]);
    plane.kubectl_ok(&["delete", "validatingadmissionpolicy", "policed"]);
    await_condition(
        || plane.kubectl(&args).status.success(),
        || "the policy never goes".to_owned(),
    );
    workspace
        .run(&["apply"])
        .exits(0)
        .prints("VirtualService policed/httpbin unchanged\nVirtualService policed/bookinfo created");
}

#[test]
fn a_quota_that_is_used_up_is_named() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "rationed", &[HTTPBIN, BOOKINFO], "simple");
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": "rationed-ingress"}, "spec": {"hard": {"count/secrets": "1"}}});
    plane.kubectl_with(&["create"], &quota.to_string());
    let status = r#"{"status":{"hard":{"count/secrets":"1"},"used":{"count/secrets":"1"}}}"#;
    let patch = ["-n", "rationed-ingress", "patch", "resourcequota", "few"];
    plane.kubectl_ok(&[&patch[..], &["--subresource=status", "--type=merge", "-p", status]].concat());
    let args = [
        "-n",
        "rationed-ingress",
        "create",
        "secret",
        "generic",
        "witness",
        "--dry-run=server",
    ];
    await_condition(
        || !plane.kubectl(&args).status.success(),
        || "the quota never comes into force".to_owned(),
    );
    workspace
        .run(&["apply"])
        .exits(3)
        .says("the API server does not admit Secret rationed-ingress/")
        .says("exceeded quota: few")
        .says("about the quota or policy");
    assert!(plane.get("rationed", GATEWAYS, "mygateway").is_null());
    plane.kubectl_ok(&["-n", "rationed-ingress", "delete", "resourcequota", "few"]);
    await_condition(
        || plane.kubectl(&args).status.success(),
        || "the quota never goes".to_owned(),
    );
    workspace.run(&["apply"]).exits(0);
}
