//! `apply` on a real API server, with kubectl as witness: what the task page's
//! kubectl lines make, whose fields are whose, and what users may not do.

use serde_json::Value;

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::Dir;

const HTTPBIN: &str = "httpbin.example.com";
const BOOKINFO: &str = "bookinfo.com";
const HELLOWORLD: &str = "helloworld-v1.example.com";

/// What Istio's installation has made: the gateway's own Deployment. No node
/// runs its pods.
#[track_caller]
pub(crate) fn install_ingress(plane: &ControlPlane, namespace: &str) {
    let manifest = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: istio-ingressgateway, namespace: {namespace}}}\n\
         spec:\n  replicas: 1\n  selector: {{matchLabels: {{istio: ingressgateway}}}}\n  template:\n    metadata: {{labels: {{istio: ingressgateway}}}}\n\
         \x20   spec:\n      containers:\n      - name: istio-proxy\n        image: auto\n        volumeMounts: [{{name: own, mountPath: /own}}]\n\
         \x20     volumes: [{{name: own, emptyDir: {{}}}}]\n"
    );
    plane.kubectl_with(&["apply", "--server-side", "--field-manager=helm"], &manifest);
}

/// A step of the page: what its reader has, and the facts that say what the
/// step's kubectl lines make (tests/data/task-page).
struct PageStep {
    name: &'static str,
    mode: &'static str,
    hosts: &'static [&'static str],
    style: &'static str,
    secrets: Option<&'static str>,
    manifests: &'static [&'static str],
}

/// Applies the step here, and by kubectl into a namespace beside; compares.
#[track_caller]
fn ours_is_theirs(plane: &ControlPlane, step: &PageStep) {
    let workspace = ClusterWorkspace::new(plane, step.name, step.hosts, step.mode);
    workspace.set("secrets", step.style);
    workspace.set("istio", "\"1.1\"");
    install_ingress(plane, &workspace.pod_namespace);
    workspace.run(&["apply", "--samples", "--no-wait"]).exits(0);
    let theirs = format!("{}-kubectl", step.name);
    plane.kubectl_ok(&["create", "namespace", &theirs]);
    let facts = |file: &str| {
        let path = format!("{}/tests/data/task-page/{file}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    for file in step.manifests {
        plane.kubectl_with(&["apply", "-n", &theirs], &facts(file));
        let object: Value = serde_saphyr::from_str(&facts(file)).expect("YAML");
        let resource = match object["kind"].as_str() {
            Some("Gateway") => "gateways.networking.istio.io",
            _ => "virtualservices.networking.istio.io",
        };
        let called = object["metadata"]["name"].as_str().expect("a name");
        let ours = plane.get(&workspace.namespace, resource, called);
        assert_eq!(ours["spec"], plane.get(&theirs, resource, called)["spec"], "{file}");
        assert_eq!(ours["metadata"]["annotations"], Value::Null);
    }
    let Some(secrets) = step.secrets else { return };
    let list: Vec<Value> = serde_saphyr::from_str(&facts(secrets)).expect("YAML");
    for secret in &list {
        let called = secret["name"].as_str().expect("a name");
        // The page's own line: secret tls for the type kubernetes.io/tls, else generic.
        let keys = secret["keys"].as_object().expect("keys");
        let path = |key: &str| {
            workspace
                .dir
                .path(keys[key].as_str().expect("a path"))
                .display()
                .to_string()
        };
        let mut args: Vec<String> = ["create", "-n", &theirs, "secret"].map(str::to_owned).to_vec();
        if secret["type"] == "kubernetes.io/tls" {
            args.extend([
                "tls".into(),
                called.into(),
                "--key".into(),
                path("tls.key"),
                "--cert".into(),
                path("tls.crt"),
            ]);
        } else {
            args.extend(["generic".into(), called.into()]);
            args.extend(keys.keys().map(|key| format!("--from-file={key}={}", path(key))));
        }
        plane.kubectl_ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let ours = plane.get(&workspace.pod_namespace, "secret", called);
        let made = plane.get(&theirs, "secret", called);
        assert_eq!(ours["data"], made["data"], "{called}");
        assert_eq!(ours["type"], made["type"], "{called}");
        assert_eq!(ours["metadata"]["annotations"], Value::Null, "{called}");
    }
}

#[test]
fn every_kubectl_line_of_the_page_has_its_effect() {
    let plane = ControlPlane::shared();
    let steps = [
        PageStep {
            name: "page-fms",
            mode: "simple",
            hosts: &[HTTPBIN],
            style: "file-mount",
            secrets: None,
            manifests: &["gateway-file-mount-simple.yaml", "virtualservice-httpbin.yaml"],
        },
        PageStep {
            name: "page-fmm",
            mode: "mutual",
            hosts: &[HTTPBIN],
            style: "file-mount",
            secrets: Some("secrets-file-mount.yaml"),
            manifests: &["gateway-file-mount-mutual.yaml"],
        },
        PageStep {
            name: "page-fm2",
            mode: "simple",
            hosts: &[HTTPBIN, BOOKINFO],
            style: "file-mount",
            secrets: Some("secrets-file-mount-two-hosts.yaml"),
            manifests: &["gateway-file-mount-two-hosts.yaml", "virtualservice-bookinfo.yaml"],
        },
        PageStep {
            name: "page-cs",
            mode: "simple",
            hosts: &[HTTPBIN],
            style: "credential",
            secrets: None,
            manifests: &["gateway-credential-simple.yaml"],
        },
        PageStep {
            name: "page-cm",
            mode: "mutual",
            hosts: &[HTTPBIN],
            style: "credential",
            secrets: Some("secrets-credential-mutual.yaml"),
            manifests: &["gateway-credential-mutual.yaml"],
        },
        PageStep {
            name: "page-c2",
            mode: "simple",
            hosts: &[HTTPBIN, HELLOWORLD],
            style: "credential",
            secrets: Some("secrets-credential-two-hosts.yaml"),
            manifests: &["gateway-credential-two-hosts.yaml", "virtualservice-helloworld-v1.yaml"],
        },
    ];
    for step in &steps {
        ours_is_theirs(&plane, step);
    }
    // The page's samples; its Deployments are extensions/v1beta1, which no API server takes any more.
    for (namespace, called) in [("page-cs", "httpbin"), ("page-c2", "helloworld-v1")] {
        let deployment = plane.get(namespace, "deployment", called);
        assert_eq!(
            deployment["spec"]["selector"]["matchLabels"],
            deployment["spec"]["template"]["metadata"]["labels"]
        );
        assert!(!plane.get(namespace, "service", called).is_null());
    }
    // The lines that delete and create anew work on what we made.
    plane.kubectl_ok(&["-n", "page-cm-ingress", "delete", "secret", "httpbin-credential"]);
    plane.kubectl_ok(&["-n", "page-cm", "delete", "gateway.networking.istio.io", "mygateway"]);
    plane.kubectl_ok(&["-n", "page-fms", "delete", "virtualservice", "httpbin"]);
}

#[test]
fn applying_twice_changes_nothing_and_diff_says_what_would() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "twice", &[HTTPBIN], "mutual");
    workspace
        .run(&["apply", "--diff"])
        .exits(1)
        .prints("+++ applied  Secret twice-ingress/httpbin-credential");
    assert!(
        plane
            .get("twice", "gateways.networking.istio.io", "mygateway")
            .is_null()
    );
    workspace
        .run(&["apply", "--dry-run", "server"])
        .exits(0)
        .prints("Gateway twice/mygateway created (dry run, server)");
    assert!(
        plane
            .get("twice", "gateways.networking.istio.io", "mygateway")
            .is_null()
    );
    workspace
        .run(&["apply"])
        .exits(0)
        .prints("Gateway twice/mygateway created");
    let before = plane.get("twice-ingress", "secret", "httpbin-credential");
    workspace
        .run(&["apply"])
        .exits(0)
        .prints("Secret twice-ingress/httpbin-credential unchanged");
    workspace.run(&["apply", "--diff"]).exits(0);
    let after = plane.get("twice-ingress", "secret", "httpbin-credential");
    assert_eq!(
        before["metadata"]["resourceVersion"],
        after["metadata"]["resourceVersion"]
    );
    let entries = after["metadata"]["managedFields"].as_array().expect("managers");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["manager"], "istio-tls");
    assert_eq!(entries[0]["operation"], "Apply");
    // kubectl agrees that its own diff of the same manifests shows only the label.
    workspace.dir.run(&["gen-certs", HTTPBIN, "--force"]).exits(0);
    let ran = workspace.run(&["apply", "--diff"]).exits(1);
    assert!(
        ran.stdout.contains("-  tls.key: sha256:") && ran.stdout.contains("+  tls.key: sha256:"),
        "{}",
        ran.stdout
    );
    workspace
        .run(&["apply"])
        .exits(0)
        .prints("Secret twice-ingress/httpbin-credential configured")
        .prints("Gateway twice/mygateway unchanged");
}

#[test]
fn what_kubectl_made_is_a_conflict_until_it_is_taken_over() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "takeover", &[HTTPBIN], "mutual");
    let path = |part: &str| workspace.dir.path(format!("{HTTPBIN}/{part}")).display().to_string();
    let (key, cert) = (
        path("3_application/private/httpbin.example.com.key.pem"),
        path("3_application/certs/httpbin.example.com.cert.pem"),
    );
    // The page's Opaque Secret of Istio 1.1; Istio reads its keys before tls.crt and tls.key.
    plane.kubectl_ok(&[
        "create",
        "-n",
        "takeover-ingress",
        "secret",
        "generic",
        "httpbin-credential",
        &format!("--from-file=key={key}"),
        &format!("--from-file=cert={cert}"),
        "--from-literal=note=mine",
    ]);
    workspace
        .run(&["apply"])
        .exits(1)
        .says("data.cert of kubectl-create would remain")
        .says("nothing was applied");
    assert!(
        plane
            .get("takeover", "gateways.networking.istio.io", "mygateway")
            .is_null()
    );
    workspace
        .run(&["apply", "--force-conflicts"])
        .exits(0)
        .says("its type stays Opaque");
    let secret = plane.get("takeover-ingress", "secret", "httpbin-credential");
    let keys: Vec<&String> = secret["data"].as_object().expect("data").keys().collect();
    assert_eq!(keys, ["ca.crt", "note", "tls.crt", "tls.key"]);
    assert_eq!(secret["type"], "Opaque");
    // Another manager changes a field of ours: named, and left alone.
    plane.kubectl_ok(&[
        "-n",
        "takeover",
        "patch",
        "gateways.networking.istio.io",
        "mygateway",
        "--type=json",
        "--field-manager=jane",
        "-p",
        r#"[{"op":"replace","path":"/spec/selector/istio","value":"elsewhere"}]"#,
    ]);
    workspace
        .run(&["apply"])
        .exits(1)
        .says("spec.selector")
        .says("is managed by jane")
        .says("--force-conflicts");
    workspace.run(&["apply", "--force-conflicts"]).exits(0);
    let gateway = plane.get("takeover", "gateways.networking.istio.io", "mygateway");
    assert_eq!(gateway["spec"]["selector"]["istio"], "ingressgateway");
    // A type that cannot hold what is wanted.
    workspace.set("istio", "\"1.1\"");
    plane.kubectl_ok(&["-n", "takeover-ingress", "delete", "secret", "httpbin-credential"]);
    plane.kubectl_ok(&[
        "create",
        "-n",
        "takeover-ingress",
        "secret",
        "tls",
        "httpbin-credential",
        "--key",
        &key,
        "--cert",
        &cert,
    ]);
    workspace
        .run(&["apply", "--force-conflicts"])
        .exits(1)
        .says("its type is kubernetes.io/tls")
        .says("--replace");
    workspace
        .run(&["apply", "--force-conflicts", "--replace"])
        .exits(0)
        .prints("Secret takeover-ingress/httpbin-credential replaced");
    let made = plane.get("takeover-ingress", "secret", "httpbin-credential");
    assert_eq!(made["type"], "Opaque");
    // What was made anew is the workspace's, without --force-conflicts, too.
    plane.kubectl_ok(&["-n", "takeover-ingress", "delete", "secret", "httpbin-credential"]);
    let secret = ["secret", "tls", "httpbin-credential", "--key", &key, "--cert", &cert];
    plane.kubectl_ok(&[&["create", "-n", "takeover-ingress"], &secret[..]].concat());
    let ran = workspace
        .run(&["apply", "--replace"])
        .exits(0)
        .prints("Secret takeover-ingress/httpbin-credential replaced");
    assert!(!ran.stderr.contains("stays theirs"), "{}", ran.stderr);
    workspace
        .run(&["apply", "--force-conflicts"])
        .exits(0)
        .prints("Secret takeover-ingress/httpbin-credential unchanged");
    workspace
        .run(&["delete", "--yes"])
        .exits(0)
        .prints("Secret takeover-ingress/httpbin-credential deleted");
}

#[test]
fn what_others_copied_is_neither_pruned_nor_deleted() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "copied", &[HTTPBIN], "mutual");
    workspace.run(&["apply"]).exits(0);
    plane.kubectl_ok(&["create", "namespace", "copied-team-b"]);
    // As `kubectl get -o yaml | sed | kubectl create -f -` makes it, labels and all.
    let mut copy = plane.get("copied-ingress", "secret", "httpbin-credential");
    let labels = copy["metadata"]["labels"].take();
    copy["metadata"] =
        serde_json::json!({"name": "httpbin-credential", "namespace": "copied-team-b", "labels": labels});
    plane.kubectl_with(&["create"], &copy.to_string());
    let told = "Secret copied-team-b/httpbin-credential has this workspace's labels but was created by \
        kubectl-create";
    workspace.run(&["apply", "--prune", "--yes"]).exits(0).says(told);
    workspace
        .run(&["delete", "--yes"])
        .exits(0)
        .says(told)
        .prints("Secret copied-ingress/httpbin-credential deleted");
    assert!(!plane.get("copied-team-b", "secret", "httpbin-credential").is_null());
    // What is applied to a copy in a usual place makes it nobody else's.
    copy["metadata"]["namespace"] = "copied-ingress".into();
    plane.kubectl_with(&["create"], &copy.to_string());
    workspace
        .run(&["apply"])
        .exits(0)
        .says("it was created by kubectl-create, and stays theirs");
    workspace.run(&["delete", "--yes"]).exits(0);
    assert!(!plane.get("copied-ingress", "secret", "httpbin-credential").is_null());
}

#[test]
fn references_of_a_file_are_looked_up_in_the_cluster() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "parts", &[HTTPBIN], "mutual");
    let route = workspace.dir.run(&["manifests", "--only", "virtualservice"]).exits(0);
    let path = workspace.dir.write("route.yaml", route.stdout);
    let args = ["apply", "-f", path.to_str().expect("text")];
    workspace
        .run(&args)
        .exits(1)
        .says("there is no Gateway mygateway in namespace parts");
    workspace.run(&["apply"]).exits(0);
    plane.kubectl_ok(&["-n", "parts", "delete", "virtualservice", "httpbin"]);
    workspace
        .run(&args)
        .exits(0)
        .prints("VirtualService parts/httpbin created");
}

#[test]
fn two_workspaces_do_not_touch_each_other() {
    let plane = ControlPlane::shared();
    let one = ClusterWorkspace::new(&plane, "both", &[HTTPBIN], "mutual");
    let two = ClusterWorkspace::within(
        &plane,
        &one.namespace,
        &one.pod_namespace,
        &[HTTPBIN, BOOKINFO],
        "mutual",
    );
    install_ingress(&plane, "both-ingress");
    one.run(&["apply"]).exits(0);
    two.run(&["apply"])
        .exits(1)
        .says("it belongs to another workspace")
        .says("credentialName")
        .says("nothing was applied");
    two.run(&["delete", "--yes"])
        .exits(1)
        .says("there is nothing to delete");
    assert!(!plane.get("both", "gateways.networking.istio.io", "mygateway").is_null());
    two.run(&["apply", "--force-conflicts"]).exits(0);
    one.run(&["apply", "--prune"])
        .exits(1)
        .says("it belongs to another workspace");
    one.run(&["delete", "--yes", "--ignore-not-found"]).exits(0);
    assert!(!plane.get("both", "gateways.networking.istio.io", "mygateway").is_null());
    // Prune takes what is not wanted any more, and leaves what others have made.
    plane.kubectl_ok(&["-n", "both-ingress", "create", "secret", "generic", "of-another"]);
    let text = two.dir.read("istio-tls.yaml");
    let kept = text.split("  - host: bookinfo.com").next().expect("a head");
    let context = text
        .lines()
        .find(|line| line.starts_with("context:"))
        .expect("recorded");
    two.dir.write("istio-tls.yaml", format!("{kept}{context}\n"));
    std::fs::remove_dir_all(two.dir.path(BOOKINFO)).expect("removed");
    two.run(&["apply", "--prune", "--diff"])
        .exits(1)
        .prints("+++ pruned  Secret both-ingress/bookinfo-credential");
    two.run(&["apply", "--prune"])
        .exits(2)
        .says("  Secret both-ingress/bookinfo-credential")
        .says("add --yes");
    assert!(!plane.get("both-ingress", "secret", "bookinfo-credential").is_null());
    two.run(&["apply", "--prune", "--yes"])
        .exits(0)
        .prints("Secret both-ingress/bookinfo-credential pruned")
        .prints("VirtualService both/bookinfo pruned");
    assert!(plane.get("both-ingress", "secret", "bookinfo-credential").is_null());
    assert!(!plane.get("both-ingress", "secret", "of-another").is_null());
}

#[test]
fn what_kubectl_applied_stays_kubectls() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "coowned", &[HTTPBIN], "mutual");
    let printed = workspace.dir.run(&["manifests", "--only", "gateway"]).exits(0).stdout;
    let mut gateway: Value = serde_saphyr::from_str(&printed).expect("YAML");
    gateway["metadata"].as_object_mut().expect("metadata").remove("labels");
    plane.kubectl_with(&["create"], &gateway.to_string());
    workspace
        .run(&["apply"])
        .exits(0)
        .says("it was created by kubectl-create, and stays theirs");
    workspace
        .run(&["apply"])
        .exits(0)
        .prints("Gateway coowned/mygateway unchanged");
    workspace.run(&["delete", "--yes"]).exits(0);
    assert!(
        !plane
            .get("coowned", "gateways.networking.istio.io", "mygateway")
            .is_null()
    );
    assert!(plane.get("coowned-ingress", "secret", "httpbin-credential").is_null());
}

#[test]
fn users_who_may_not_are_told_what() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "rights", &[HTTPBIN], "mutual");
    workspace
        .run(&["apply", "--context", "viewer"])
        .exits(3)
        .says("the user \"viewer\" may not get secrets in the namespace rights-ingress");
    workspace
        .run(&["apply", "--context", "limited"])
        .exits(3)
        .says("the user \"limited\" may not");
    workspace
        .run(&["apply", "--context", "expired"])
        .exits(3)
        .says("does not accept the credentials of the user \"expired\"")
        .says("valid until");
    assert!(
        plane
            .get("rights", "gateways.networking.istio.io", "mygateway")
            .is_null()
    );
    // In the one namespace that is theirs, everything works, without a right to look elsewhere.
    let own = ClusterWorkspace::within(&plane, "limited", "limited", &[HTTPBIN], "mutual");
    own.run(&["apply", "--context", "limited"])
        .exits(0)
        .prints("Gateway limited/mygateway created");
    own.run(&["apply", "--context", "limited", "--prune"])
        .exits(0)
        .prints("Gateway limited/mygateway unchanged");
    own.run(&["apply", "--context", "viewer", "--diff"])
        .exits(3)
        .says("may not get secrets");
    own.run(&["delete", "--context", "limited", "--yes"])
        .exits(0)
        .prints("Secret limited/httpbin-credential deleted");
    assert!(
        plane
            .get("limited", "gateways.networking.istio.io", "mygateway")
            .is_null()
    );
}

#[test]
fn files_in_place_of_the_workspace() {
    let plane = ControlPlane::shared();
    plane.kubectl_ok(&["create", "namespace", "files"]);
    let workspace = ClusterWorkspace::within(&plane, "files", "files", &[HTTPBIN], "simple");
    let other = Dir::new();
    other.write(
        "all.yaml",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: later, namespace: files-made}\n  data: {a: b}\n\
         - apiVersion: v1\n  kind: Namespace\n  metadata: {name: files-made}\n\
         - apiVersion: networking.istio.io/v1\n  kind: DestinationRule\n  metadata: {name: d}\n  spec: {host: httpbin}\n",
    );
    let path = other.path("").display().to_string();
    let ran = workspace.run(&["apply", "-f", &path]).exits(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "Namespace files-made created",
            "ConfigMap files-made/later created",
            "DestinationRule files/d created"
        ]
    );
    // A Namespace is never marked: the second time it is nobody else's.
    let again = workspace.run(&["apply", "-f", &path]).exits(0);
    assert!(!again.stderr.contains("stays theirs"), "{}", again.stderr);
    workspace
        .run(&["delete", "--yes"])
        .exits(0)
        .prints("DestinationRule files/d deleted")
        .prints("ConfigMap files-made/later deleted");
    // Others may have put something into it.
    assert!(!plane.get("files", "namespace", "files-made").is_null());
    // Where there is no workspace, nothing is marked, and delete says why it finds nothing.
    let args = [
        "apply",
        "-f",
        "all.yaml",
        "-n",
        "files",
        "--kubeconfig",
        workspace.kubeconfig.to_str().expect("text"),
    ];
    other.run(&args).exits(0).says("no istio-tls.yaml here");
    assert_eq!(
        plane.get("files", "destinationrules.networking.istio.io", "d")["metadata"]["labels"],
        Value::Null
    );
    // A kind that nobody knows.
    other.write(
        "all.yaml",
        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}\n",
    );
    other
        .run(&args)
        .exits(2)
        .says("the cluster does not have Thing of example.com/v1");
    // A field that the kind has not.
    other.write(
        "all.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}], nosuch: 1}\n",
    );
    other
        .run(&args)
        .exits(2)
        .says("the API server refuses Service files/s")
        .says(".spec.nosuch: field not declared in schema");
    // A namespace of its own, which -n does not replace.
    other.write(
        "all.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: nowhere}\nspec: {ports: [{port: 80}]}\n",
    );
    other
        .run(&args)
        .exits(2)
        .says("the namespace nowhere does not exist")
        .says(" create namespace nowhere\n");
    // The Gateway API's kinds are not installed here.
    let gateway = workspace
        .dir
        .run(&["manifests", "--api", "gateway-api", "--only", "gateway"]);
    other.write("all.yaml", gateway.exits(0).stdout);
    other
        .run(&args)
        .exits(2)
        .says("CRDs of gateway.networking.k8s.io")
        .says("standard-install.yaml");
}

#[test]
fn volumes_are_added_to_the_gateways_deployment_and_awaited() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "mounts", &[HTTPBIN], "mutual");
    workspace.set("secrets", "file-mount");
    workspace
        .run(&["apply"])
        .exits(3)
        .says("Deployment mounts-ingress/istio-ingressgateway does not exist");
    assert!(
        plane
            .get("mounts-ingress", "secret", "istio-ingressgateway-certs")
            .is_null()
    );
    install_ingress(&plane, "mounts-ingress");
    // No node takes the pods: the rollout does not end.
    workspace
        .run(&["apply", "--wait", "1s"])
        .exits(1)
        .says("the rollout of")
        .says("is not done after 1 s");
    let volumes = |plane: &ControlPlane| -> Vec<String> {
        let deployment = plane.get("mounts-ingress", "deployment", "istio-ingressgateway");
        let list = deployment["spec"]["template"]["spec"]["volumes"]
            .as_array()
            .expect("volumes");
        list.iter()
            .map(|volume| volume["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(
        volumes(&plane),
        ["own", "ingressgateway-certs", "ingressgateway-ca-certs"]
    );
    // The test plays the kubelet: the pods of the new ReplicaSet become ready.
    let command = workspace
        .command(&["apply", "--wait", "60s"])
        .spawn()
        .expect("it starts");
    let mut waiting = crate::running_program::Program(command);
    let ready = r#"{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}"#;
    let status = crate::running_program::await_value(
        || {
            for pod in plane
                .kubectl_ok(&["-n", "mounts-ingress", "get", "pods", "-o", "name"])
                .lines()
            {
                // One that has just been deleted cannot be patched.
                plane.kubectl(&[
                    "-n",
                    "mounts-ingress",
                    "patch",
                    pod,
                    "--subresource=status",
                    "--type=merge",
                    "-p",
                    ready,
                ]);
            }
            waiting.0.try_wait().expect("its state is known")
        },
        || "the rollout was never seen to be done".to_owned(),
    );
    assert!(status.success(), "{status}");
    workspace
        .run(&["delete", "--yes"])
        .exits(0)
        .prints("Deployment mounts-ingress/istio-ingressgateway unpatched");
    assert_eq!(volumes(&plane), ["own"]);
}
