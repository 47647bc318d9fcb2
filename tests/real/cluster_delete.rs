//! What `delete` leaves of a Deployment that others manage, too, and what `apply`
//! awaits of Deployments of its own, on a real API server. Played is the kubelet:
//! nobody else makes pods ready.

use serde_json::Value;

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::Dir;
use crate::running_program::{Program, await_value};

const HOST: &str = "httpbin.example.com";

/// A gateway's Deployment whose chart has a volume of a name that is ours, too.
fn chart(namespace: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: istio-ingressgateway, namespace: {namespace}}}\n\
         spec:\n  selector: {{matchLabels: {{istio: ingressgateway}}}}\n  template:\n    metadata: {{labels: {{istio: ingressgateway}}}}\n\
         \x20   spec:\n      containers:\n      - name: istio-proxy\n        image: auto\n        volumeMounts:\n\
         \x20       - {{name: own, mountPath: /own}}\n        - {{name: ingressgateway-certs, mountPath: /etc/istio/ingressgateway-certs, readOnly: true}}\n\
         \x20     volumes:\n      - {{name: own, emptyDir: {{}}}}\n      - {{name: ingressgateway-certs, secret: {{secretName: someone-elses}}}}\n"
    )
}

#[test]
fn no_half_volume_is_left_to_whom_force_took_it_from() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "halved", &[HOST], "mutual");
    workspace.set("secrets", "file-mount");
    let namespace = workspace.pod_namespace.clone();
    let helm = ["apply", "--server-side", "--field-manager=helm"];
    plane.kubectl_with(&helm, &chart(&namespace));
    workspace
        .run(&["apply", "--no-wait"])
        .exits(1)
        .says("is managed by helm");
    workspace.run(&["apply", "--no-wait", "--force-conflicts"]).exits(0);
    let pod = || plane.get(&namespace, "deployment", "istio-ingressgateway")["spec"]["template"]["spec"].clone();
    let names = |list: &Value, field: &str| -> Vec<String> {
        let items = list.as_array().into_iter().flatten();
        items
            .map(|item| item[field].as_str().expect("text").to_owned())
            .collect()
    };
    assert_eq!(
        pod()["volumes"][1]["secret"]["secretName"],
        "istio-ingressgateway-certs"
    );
    let note = "volume ingressgateway-certs and mount /etc/istio/ingressgateway-certs of helm had a value that \
                --force-conflicts replaced: removed completely, helm must apply it again";
    let before = pod();
    workspace
        .run(&["delete", "--dry-run"])
        .exits(0)
        .says(note)
        .prints("istio-ingressgateway unpatched (dry run)");
    assert_eq!(pod(), before);
    let ran = workspace.run(&["delete", "--yes", "-o", "json"]).exits(0).says(note);
    let report = ran.json();
    assert_eq!(report["objects"][0]["action"], "unpatched");
    assert!(
        report["objects"][0]["notes"][0]
            .as_str()
            .is_some_and(|told| told.ends_with(note))
    );
    let left = pod();
    assert_eq!(names(&left["volumes"], "name"), ["own"], "{left}");
    assert_eq!(names(&left["containers"][0]["volumeMounts"], "mountPath"), ["/own"]);
    let managers = plane.get(&namespace, "deployment", "istio-ingressgateway")["metadata"]["managedFields"].to_string();
    assert!(!managers.contains("istio-tls"), "{managers}");
    // Who had it has it again, without force.
    plane.kubectl_with(&helm, &chart(&namespace));
    let back = pod();
    assert_eq!(names(&back["volumes"], "name"), ["own", "ingressgateway-certs"]);
    assert_eq!(back["volumes"][1]["secret"]["secretName"], "someone-elses");
    assert_eq!(
        names(&back["containers"][0]["volumeMounts"], "name"),
        ["own", "ingressgateway-certs"]
    );
}

#[test]
fn apply_awaits_the_deployments_of_its_samples() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "sampled", &[HOST], "mutual");
    // No node takes the pods.
    let ran = workspace
        .run(&["apply", "--samples", "--wait", "1s", "-o", "json"])
        .exits(1)
        .says("the rollout of Deployment sampled/httpbin is not done after 1 s")
        .says("kubectl -n sampled rollout status deployment/httpbin");
    let objects = ran.json()["objects"].as_array().expect("a list").clone();
    assert!(objects.iter().any(|object| object["kind"] == "VirtualService"));
    workspace.run(&["apply", "--samples", "--no-wait"]).exits(0);
    // Without --samples they are not among what is applied.
    workspace.run(&["apply", "--wait", "1s"]).exits(0);
    // The test plays the kubelet: the pods become ready.
    let log = workspace.dir.path("apply.log");
    let mut command = workspace.command(&["apply", "--samples", "--wait", "300s"]);
    command.stderr(std::fs::File::create(&log).expect("a file"));
    let mut waiting = Program(command.spawn().expect("it starts"));
    let ready = r#"{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}"#;
    let status = await_value(
        || {
            for pod in plane
                .kubectl_ok(&["-n", "sampled", "get", "pods", "-o", "name"])
                .lines()
            {
                // One that has just been deleted cannot be patched.
                let patch = ["patch", pod, "--subresource=status", "--type=merge", "-p", ready];
                plane.kubectl(&[&["-n", "sampled"], &patch[..]].concat());
            }
            waiting.0.try_wait().expect("its state is known")
        },
        || std::fs::read_to_string(&log).expect("a log"),
    );
    assert!(status.success(), "{status}");
    let log = workspace.dir.read("apply.log");
    assert!(
        log.contains("every pod of Deployment sampled/httpbin is ready"),
        "{log}"
    );
}

#[test]
fn another_clusters_kubeconfig_keeps_the_files() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "kept", &[HOST], "simple");
    workspace.run(&["apply"]).exits(0);
    // The same cluster as another user: another context all the same.
    let dir: &Dir = &workspace.dir;
    workspace
        .run(&["delete", "--local", "--yes", "--context", "viewer"])
        .exits(2)
        .says("the last apply used the context admin, but this is viewer")
        .says("istio-tls delete --context admin --local");
    assert!(dir.path("istio-tls.yaml").exists());
    workspace.run(&["delete", "--local", "--yes"]).exits(0);
    assert!(!dir.path("istio-tls.yaml").exists());
    assert!(plane.get("kept-ingress", "secret", "httpbin-credential").is_null());
}
