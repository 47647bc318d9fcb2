//! `doctor` on a real API server with kubectl as witness. Which parts are played
//! is said where they are: `doctor_patient`, `played_node` and `gateway_envoys`;
//! the gateway itself is a running `serve`, or a real Envoy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::doctor_patient::{HOST, LEAF, PROXY, Patient, SECRET, SERVICE, copy, fix_of};
use crate::gateway_envoys::{RealEnvoy, answers, by_sds};
use crate::harness::Dir;
use crate::http_stub::Reply;
use crate::running_program::await_condition;
use crate::serve_process::Serve;

#[test]
fn a_healthy_gateway_has_no_finding_and_each_breakage_has_its_own() {
    let plane = ControlPlane::shared();
    let patient = Patient::new(&plane, "examined", "credential");
    let gateway = Dir::new();
    copy(&patient.workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    let port = serve.address(443).port();
    let namespace = patient.pod_namespace().to_owned();

    // Nothing is installed yet.
    let report = patient.doctor(&["-o", "json"]).exits(1).json();
    let codes: Vec<&Value> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["code"])
        .collect();
    assert!(
        codes.contains(&&json!("ITL1104")) && codes.contains(&&json!("ITL1110")),
        "{report:#}"
    );

    patient.install(port);
    patient.workspace.run(&["apply"]).exits(0);
    patient.is_well();
    patient
        .doctor(&[HOST])
        .exits(0)
        .prints("no findings: 1 Gateway, 1 gateway pod, 1 certificate, 127.0.0.1 port");

    // The Service: what is told to type mends it.
    patient.kubectl(&[
        "patch",
        "service",
        SERVICE,
        "-p",
        r#"{"spec":{"selector":{"istio":"ingress"}}}"#,
    ]);
    patient.await_endpoint(false);
    let finding = patient.finds("ITL1121", "selects app=istio-ingressgateway,istio=ingress");
    patient.type_line(&fix_of(&finding));
    patient.await_endpoint(true);
    patient.is_well();
    let target = |target: &str| format!(r#"[{{"op":"replace","path":"/spec/ports/0/targetPort","value":{target}}}]"#);
    patient.kubectl(&["patch", "service", SERVICE, "--type=json", "-p", &target("8443")]);
    let finding = patient.finds("ITL1123", "does not expose port 443 of Gateway examined/mygateway");
    assert!(fix_of(&finding).contains("\"port\":443"), "{finding:#}");
    patient.kubectl(&["patch", "service", SERVICE, "--type=json", "-p", &target("443")]);
    patient.play_address("");
    let finding = patient.finds("ITL1122", "has no address yet");
    assert!(fix_of(&finding).contains("minikube tunnel"), "{finding:#}");
    // What is served is seen all the same: through a port-forward to the pod.
    let skipped = patient.doctor(&["-o", "json"]).exits(1).json()["skipped"].to_string();
    assert!(
        skipped.contains("ITL1161") && skipped.contains("nothing responds on port 443"),
        "{skipped}"
    );
    patient.serving.set(serve.address(443));
    patient.log("info\tEnvoy proxy is ready\n");
    let skipped = patient.doctor(&["-o", "json"]).exits(1).json()["skipped"].to_string();
    assert!(!skipped.contains("ITL1161"), "{skipped}");
    patient.play_address("127.0.0.1");

    // The pod.
    patient.node.set_ready(&namespace, "gateway", false);
    patient.await_endpoint(false);
    let finding = patient.finds("ITL1112", "no gateway pod is ready: gateway");
    assert!(fix_of(&finding).contains("describe pod gateway"), "{finding:#}");
    patient.node.set_ready(&namespace, "gateway", true);
    patient.await_endpoint(true);

    // Pods in another namespace than the one that was named.
    let ran = patient
        .doctor(&["--gateway-namespace", "examined", "-o", "json"])
        .exits(1);
    let report = ran.json();
    assert_eq!(report["findings"].as_array().expect("a list").len(), 1, "{report:#}");
    assert_eq!(report["findings"][0]["code"], "ITL1111", "{report:#}");
    assert!(
        fix_of(&report["findings"][0]).contains("podNamespace: examined-ingress"),
        "{report:#}"
    );

    // The Gateway's selector.
    let selector = |istio: &str| json!({"spec": {"selector": {"istio": istio}}}).to_string();
    let patch = |istio: &str| {
        let patch = selector(istio);
        let args = [
            "-n",
            "examined",
            "patch",
            "gateways.networking.istio.io",
            "mygateway",
            "--type=merge",
            "-p",
            &patch,
        ];
        plane.kubectl_ok(&args);
    };
    patch("examind");
    let finding = patient.finds("ITL1110", "istio=examind");
    assert!(
        fix_of(&finding).contains("examined-ingress/gateway has istio=examined"),
        "{finding:#}"
    );
    patch("examined");

    // The rights of its service account: what is told to type mends it.
    patient.kubectl(&["delete", "rolebinding", "sds"]);
    let finding = patient.finds("ITL0307", "examined-ingress/default may not list Secrets");
    patient.type_line(&fix_of(&finding));
    patient.is_well();
    // The Role is there by now, and only the binding is gone.
    patient.kubectl(&["delete", "rolebinding", "default-sds"]);
    let finding = patient.finds("ITL0307", "examined-ingress/default may not list Secrets");
    patient.type_line(&fix_of(&finding));
    patient.is_well();

    // What the proxy says of itself.
    patient.envoy.tells(&format!("kubernetes://{SECRET}"), None);
    let finding = patient.finds(
        "ITL1150",
        "is waiting for the certificate of Secret examined-ingress/httpbin-credential",
    );
    assert!(fix_of(&finding).contains("istiod"), "{finding:#}");
    let own = patient.workspace.dir.read(LEAF);
    patient
        .envoy
        .tells(&format!("kubernetes://{SECRET}"), Some(own.clone()));

    // Where no port leads there, a command in the pod asks.
    let [certs, active, _] = answers(&patient.envoy.told.lock().expect("no panic").clone());
    let text = |reply: Reply| match reply {
        Reply::Answer(_, _, body) => body,
        _ => String::new(),
    };
    let ask = |path: &str, file: &str| json!({"command": ["pilot-agent", "request", "GET", path], "stdout": file});
    let commands = json!([
        ask("certs", patient.node.file("certs.json", text(certs))),
        ask(
            "config_dump?resource=dynamic_active_secrets",
            patient.node.file("active.json", text(active))
        ),
    ]);
    let proxy = json!({PROXY: {"log": patient.node.file("proxy.log", ""), "exec": commands}});
    patient
        .node
        .play(&namespace, "gateway", json!({"containers": proxy, "ports": {}}));
    patient.is_well();
    let proxy = json!({PROXY: {"log": "proxy.log", "exec": []}});
    patient
        .node
        .play(&namespace, "gateway", json!({"containers": proxy, "ports": {}}));
    let report = patient.doctor(&["-o", "json"]).exits(0).json();
    let skipped = report["skipped"].to_string();
    assert!(
        skipped.contains("nothing responds on port 15000") && skipped.contains("pilot-agent"),
        "{report:#}"
    );

    // The log.
    patient.log("error\tsds\tsecret examined-ingress/httpbin-credential not found\n");
    patient.finds("ITL1170 info", "reports a Secret httpbin-credential");
    let key = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
    patient.log(&format!("error\tsds\tfailed to generate secret: {key}\n"));
    let finding = patient.finds("ITL1170 info", "reports a Secret that it does not receive (once)");
    assert!(
        !finding.to_string().to_lowercase().contains("mighageamb"),
        "{finding:#}"
    );
    patient.log(
        "warning\tenvoy config\tgRPC config for type.googleapis.com/envoy.config.listener.v3.Listener rejected: bad\n",
    );
    patient.finds("ITL1174", "refused configuration");
    patient.log("info\tEnvoy proxy is ready\n");
    patient.is_well();

    // Another chain in the Secret than the gateway has.
    let other = Dir::new();
    other.run(&["gen-certs", HOST]).exits(0);
    let file = |part: &str| other.path(format!("{HOST}/{part}")).display().to_string();
    let args = [
        format!(
            "--from-file=tls.crt={}",
            file(&format!("3_application/certs/{HOST}.cert.pem"))
        ),
        format!(
            "--from-file=tls.key={}",
            file(&format!("3_application/private/{HOST}.key.pem"))
        ),
        format!("--from-file=ca.crt={}", file("2_intermediate/certs/ca-chain.cert.pem")),
    ];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    patient.kubectl(&["delete", "secret", SECRET]);
    patient.kubectl(&[&["create", "secret", "generic", SECRET][..], &args].concat());
    patient.finds("ITL1151", "the proxy of examined-ingress/gateway has serial");
    patient
        .envoy
        .tells(&format!("kubernetes://{SECRET}"), Some(other.read(LEAF)));
    patient.finds("ITL1160", &format!("{HOST} at 127.0.0.1:{port} is served with serial"));
    patient.doctor(&["--no-probe"]).exits(0).prints("--no-probe");
    patient.envoy.tells(&format!("kubernetes://{SECRET}"), Some(own));

    // The Secret lies where nobody looks, then nowhere; --fix brings it back.
    patient.kubectl(&["delete", "secret", SECRET]);
    plane.kubectl_ok(&[&["-n", "examined", "create", "secret", "generic", SECRET][..], &args].concat());
    let finding = patient.finds("ITL0302", "is in namespace examined, not in examined-ingress");
    assert!(fix_of(&finding).contains("doctor --fix"), "{finding:#}");
    plane.kubectl_ok(&["-n", "examined", "delete", "secret", SECRET]);
    patient.finds(
        "ITL0301",
        "there is no secret \"httpbin-credential\" in namespace examined-ingress",
    );
    let ran = patient.doctor(&["--fix"]).exits(1);
    ran.says("fix: Secret examined-ingress/httpbin-credential would be created")
        .says("nothing was changed: --fix applies with --yes");
    assert_eq!(plane.get(&namespace, "secret", SECRET), Value::Null);
    let report = patient.doctor(&["--fix", "--yes", "-o", "json"]).exits(0).json();
    assert_eq!(
        report["fixed"],
        json!(["Secret examined-ingress/httpbin-credential created"]),
        "{report:#}"
    );
    assert_eq!(report["findings"], json!([]), "{report:#}");
    assert_eq!(
        plane.get(&namespace, "secret", SECRET)["metadata"]["labels"]["app.kubernetes.io/managed-by"],
        "istio-tls"
    );
    patient.is_well();
    patient
        .doctor(&["--fix", "--yes"])
        .exits(0)
        .says("nothing here can be fixed automatically");

    // A key that does not belong to the certificate, in our own Secret: --fix applies ours.
    let key = STANDARD.encode(other.read(format!("{HOST}/3_application/private/{HOST}.key.pem")));
    let data = json!({"data": {"tls.key": key}}).to_string();
    patient.kubectl(&[
        "patch",
        "secret",
        SECRET,
        "--type=merge",
        "--field-manager=istio-tls",
        "-p",
        &data,
    ]);
    let finding = patient.finds("ITL0404", "does not belong to");
    assert!(
        fix_of(&finding).starts_with("istio-tls apply --force-conflicts restores"),
        "{finding:#}"
    );
    let ran = patient.doctor(&["--fix", "--yes", "--wait", "0s"]).exits(1);
    ran.says("istio-tls apply --force-conflicts");
    patient
        .workspace
        .run(&["apply", "--force-conflicts", "--no-wait"])
        .exits(0);
    patient.is_well();
    // A type that cannot hold it.
    patient.kubectl(&["delete", "secret", SECRET]);
    patient.kubectl(&[
        "create",
        "secret",
        "docker-registry",
        SECRET,
        "--docker-username=a",
        "--docker-password=b",
    ]);
    let report = patient.doctor(&["-o", "json"]).exits(1).json();
    let findings = report["findings"].as_array().expect("a list");
    assert!(findings.iter().any(|one| one["code"] == "ITL0310"), "{report:#}");
    let by_replacing = |one: &Value| fix_of(one).starts_with("istio-tls apply --replace deletes");
    assert!(findings.iter().all(by_replacing), "{report:#}");
    let ran = patient.doctor(&["--fix", "--yes", "--wait", "0s"]).exits(1);
    ran.says("istio-tls apply --replace deletes");
    patient.workspace.run(&["apply", "--replace", "--no-wait"]).exits(0);
    patient.is_well();

    // Users who may read less: reasons, and no finding.
    let report = patient.doctor(&["--context", "viewer", "-o", "json"]).exits(0).json();
    assert_eq!(report["findings"], json!([]), "{report:#}");
    let reasons = report["skipped"].to_string();
    for words in [
        "may not get secrets in the namespace examined-ingress",
        "pods/portforward in the namespace examined-ingress",
        "may not create subjectaccessreviews.authorization.k8s.io in the whole cluster",
    ] {
        assert!(reasons.contains(words), "{words}: {report:#}");
    }
    // Who may not ask for a service account's rights, but read Roles: those tell.
    patient.make_deployment();
    let kinds = "--resource=roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io,clusterroles.rbac.authorization.k8s.io,clusterrolebindings.rbac.authorization.k8s.io";
    plane.kubectl_ok(&["create", "clusterrole", "examined-roles", "--verb=list", kinds]);
    plane.kubectl_ok(&[
        "create",
        "clusterrolebinding",
        "examined-roles",
        "--clusterrole=examined-roles",
        "--user=viewer",
    ]);
    let as_viewer = || patient.doctor(&["--context", "viewer", "-o", "json"]);
    let report = as_viewer().exits(0).json();
    assert!(!report["skipped"].to_string().contains("ITL0307"), "{report:#}");
    let rules = json!({"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]}).to_string();
    patient.kubectl(&["patch", "role", "default-sds", "--type=merge", "-p", &rules]);
    let report = as_viewer().exits(1).json();
    assert_eq!(report["findings"][0]["code"], "ITL0307", "{report:#}");
    assert!(
        report["findings"][0]["what"]
            .as_str()
            .expect("words")
            .contains("default-sds"),
        "{report:#}"
    );
    plane.kubectl_ok(&["delete", "clusterrolebinding", "examined-roles"]);
    plane.kubectl_ok(&["delete", "clusterrole", "examined-roles"]);

    let report = patient.doctor(&["--context", "limited", "-o", "json"]).exits(0).json();
    assert_eq!(report["findings"], json!([]), "{report:#}");
    assert!(
        report["skipped"]
            .to_string()
            .contains("may not list pods in the namespace examined-ingress"),
        "{report:#}"
    );
    // What may not be seen is not said to be missing.
    let said = report["skipped"].to_string();
    assert!(!said.contains("no Service"), "{report:#}");
    patient
        .doctor(&["--context", "limited"])
        .exits(0)
        .prints("no findings: Gateways not seen, gateway pods not seen for httpbin.example.com");
}

#[test]
fn a_real_envoy_tells_what_it_has_loaded() {
    let plane = ControlPlane::shared();
    let patient = Patient::new(&plane, "enveloped", "credential");
    let key = format!("{HOST}/3_application/private/{HOST}.key.pem");
    let pair = |dir: &Dir| (dir.read(LEAF), dir.read(&key));
    let (chain, secret_key) = pair(&patient.workspace.dir);
    let envoy = RealEnvoy::start(&by_sds(Some((&chain, &secret_key))));
    patient.install(envoy.listener.port());
    patient.play("", envoy.admin);
    patient.workspace.run(&["apply", "--no-wait"]).exits(0);
    patient.is_well();

    // A new chain in the Secret, which Envoy has not got.
    patient.workspace.dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    patient.workspace.run(&["apply", "--no-wait"]).exits(0);
    patient.finds("ITL1151", "the proxy of enveloped-ingress/gateway has serial");
    let (chain, secret_key) = pair(&patient.workspace.dir);
    envoy.gets(&by_sds(Some((&chain, &secret_key))));
    let doctor = || patient.doctor(&["-o", "json"]);
    await_condition(|| doctor().code == Some(0), || doctor().stdout);
    patient.is_well();

    // A key that does not fit: Envoy says so in its log, and goes on with what it has.
    let other = Dir::new();
    other.run(&["gen-certs", HOST]).exits(0);
    envoy.gets(&by_sds(Some((&chain, &other.read(&key)))));
    let log = || envoy.dir.read("envoy.log");
    await_condition(|| log().contains("KEY_VALUES_MISMATCH"), log);
    patient.play(&log(), envoy.admin);
    let finding = patient.finds("ITL1171 info", "a certificate or key that it cannot use");
    assert!(
        finding["why"].as_str().expect("words").contains("KEY_VALUES_MISMATCH"),
        "{finding:#}"
    );

    // One that waits for its Secret.
    let waiting = RealEnvoy::start(&by_sds(None));
    patient.play("", waiting.admin);
    patient.finds(
        "ITL1150",
        "is waiting for the certificate of Secret enveloped-ingress/httpbin-credential",
    );
}

const FILES: &str = "istio-ingressgateway-certs";

#[test]
fn mounted_files_are_followed_from_the_secret_to_the_pod() {
    let plane = ControlPlane::shared();
    let patient = Patient::new(&plane, "mounted", "file-mount");
    let gateway = Dir::new();
    copy(&patient.workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    patient.install(serve.address(443).port());
    let namespace = patient.pod_namespace().to_owned();
    patient.make_deployment();
    patient.workspace.run(&["apply", "--no-wait"]).exits(0);

    // The pod is older than the volumes of its Deployment.
    patient.envoy.tells("default", None);
    let finding = patient.finds("ITL1140", "older than that: gateway");
    assert!(
        fix_of(&finding).contains("rollout restart deployment/istio-ingressgateway"),
        "{finding:#}"
    );

    // Its successor has them, and so has the proxy.
    let make = |optional: bool| {
        let path = "/etc/istio/ingressgateway-certs";
        patient.node.end_pod(&namespace, "gateway");
        let volume =
            |name: &str| json!({"name": name, "secret": {"secretName": format!("istio-{name}"), "optional": optional}});
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "gateway", "namespace": namespace, "labels": patient.labels()},
            "spec": {"nodeName": "played-mounted",
                "volumes": [volume("ingressgateway-certs"), volume("ingressgateway-ca-certs")],
                "containers": [{"name": PROXY, "image": "auto",
                    "volumeMounts": [{"name": "ingressgateway-certs", "mountPath": path}]}]}});
        plane.kubectl_with(&["apply", "--server-side"], &pod.to_string());
        patient.log("info\tEnvoy proxy is ready\n");
        patient.envoy.tells(
            &format!("file-cert:{path}/tls.crt~{path}/tls.key"),
            Some(patient.workspace.dir.read(LEAF)),
        );
        patient.node.set_ready(&namespace, "gateway", true);
        patient.await_endpoint(true);
    };
    make(true);
    patient.is_well();
    // File mounts are the kubelet's: the pods need no right to Secrets.
    patient.kubectl(&["delete", "rolebinding", "sds"]);
    patient.is_well();

    // The volume is optional, and the Secret is gone: the pod runs without files.
    patient.kubectl(&["delete", "secret", FILES]);
    let finding = patient.finds("ITL0305", "istio-ingressgateway-certs, which does not exist");
    assert!(fix_of(&finding).contains("doctor --fix"), "{finding:#}");

    // A pod that needs it does not even start.
    make(false);
    patient.node.set_ready(&namespace, "gateway", false);
    patient.await_endpoint(false);
    patient.finds("ITL1141", "its volumes need the Secret istio-ingressgateway-certs");
    let ran = patient.doctor(&["--fix", "--yes", "--wait", "0s"]).exits(1);
    ran.says("fixed: Secret mounted-ingress/istio-ingressgateway-certs created")
        .prints("ITL1112");
    // The kubelet mounts it, and the pod starts.
    patient.node.set_ready(&namespace, "gateway", true);
    patient.await_endpoint(true);
    patient.is_well();
}
