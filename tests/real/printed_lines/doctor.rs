//! Lines of doctor and probe about the gateway of a cluster that is not kubectl's
//! current one. What is played of it: `doctor_patient`; and minikube and istioctl, which
//! only note what they are told.

use istio_tls::remedy::Kind;
use serde_json::{Value, json};

use super::abroad::{abroad, there};
use super::stage::{Printed, Stage};
use super::{Scene, act};
use crate::control_plane::ControlPlane;
use crate::doctor_patient::{HOST, LEAF, Patient, SECRET, SERVICE, copy};
use crate::harness::Dir;
use crate::running_program::{await_condition, free_address, free_port};
use crate::serve_process::Serve;

const SCENES: &[Scene] = &[
    (&[Kind::IstioctlInstall, Kind::KubectlGet], nothing_installed),
    (&[Kind::KubectlPatch], service),
    (
        &[Kind::MinikubeTunnel, Kind::KubectlPortForward, Kind::ProbeAt],
        no_address,
    ),
    (&[Kind::KubectlDescribe, Kind::KubectlLogs, Kind::KubectlScale], pods),
    (
        &[
            Kind::KubectlCreateRole,
            Kind::KubectlCreateRoleBinding,
            Kind::KubectlAuthReconcile,
        ],
        rights,
    ),
    (&[Kind::Grep, Kind::LintCluster], proxy),
    (&[Kind::CurlAdmin], admin),
    (&[Kind::DoctorFix], secret),
    (&[Kind::KubectlRolloutStatus, Kind::KubectlRestart], mounts),
];

#[test]
fn lines_about_a_gateway_do_what_they_say() {
    let _plane = ControlPlane::shared();
    act(SCENES);
}

const DOCTOR: [&str; 3] = ["doctor", "--timeout", "5s"];

/// A gateway with the workspace's objects, whose Service leads to a port of this machine.
fn installed<'p>(plane: &'p ControlPlane, name: &str, port: u16) -> (Patient<'p>, Stage) {
    let patient = Patient::new(plane, name, "credential");
    let stage = abroad(plane, &patient.workspace);
    patient.install(port);
    stage.ours(&there(&["apply", "--no-wait"])).exits(0);
    (patient, stage)
}

fn nothing_installed() -> Stage {
    let plane = ControlPlane::shared();
    let patient = Patient::new(&plane, "typed-none", "credential");
    let stage = abroad(&plane, &patient.workspace);
    stage.ours(&there(&["apply", "--no-wait"])).exits(0);
    let doctor = there(&DOCTOR);
    for line in stage.printed_all(Kind::KubectlGet, &doctor) {
        stage.types(&line).exits(0);
    }
    stage.play("istioctl", "echo \"$@\"");
    let ran = stage.follows(Kind::IstioctlInstall, &doctor).exits(0);
    ran.prints("install --context admin --kubeconfig my kubeconfig\n");
    stage
}

/// The Service selects other pods.
fn service() -> Stage {
    let plane = ControlPlane::shared();
    let (patient, stage) = installed(&plane, "typed-way", free_port());
    let patch = r#"{"spec":{"selector":{"istio":"ingress"}}}"#;
    patient.kubectl(&["patch", "service", SERVICE, "-p", patch]);
    patient.await_endpoint(false);
    stage.follows(Kind::KubectlPatch, &there(&DOCTOR)).exits(0);
    patient.await_endpoint(true);
    stage
}

/// The LoadBalancer has no address.
fn no_address() -> Stage {
    let plane = ControlPlane::shared();
    let gateway = Dir::new();
    let (patient, stage) = installed(&plane, "typed-pending", free_port());
    copy(&patient.workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    patient.serving.set(serve.address(443));
    patient.log("info\tEnvoy proxy is ready\n");
    patient.play_address("");
    let doctor = there(&DOCTOR);
    stage.play("minikube", "echo \"$@\"");
    stage.follows(Kind::MinikubeTunnel, &doctor).exits(0).prints("tunnel\n");

    // On a free port.
    let port = free_port();
    let free = |line: Printed| line.filled("8443", &port.to_string());
    let forward = free(stage.printed(Kind::KubectlPortForward, &doctor));
    let _forward = stage.starts(&forward, "Forwarding from");
    let lines = stage.printed_all(Kind::ProbeAt, &doctor).into_iter();
    for line in lines {
        let line = if line.line.contains("ADDRESS:PORT") {
            line.filled("ADDRESS:PORT", &format!("127.0.0.1:{port}"))
        } else {
            free(line)
        };
        stage.types(&line).exits(0).prints(HOST);
    }
    stage
}

/// The gateway's pod is not ready; then there is none.
fn pods() -> Stage {
    let plane = ControlPlane::shared();
    let (patient, stage) = installed(&plane, "typed-pods", free_port());
    let namespace = patient.pod_namespace().to_owned();
    patient.node.set_ready(&namespace, "gateway", false);
    let doctor = there(&DOCTOR);
    stage.follows(Kind::KubectlDescribe, &doctor).exits(0).prints("gateway");
    let ran = stage.follows(Kind::KubectlLogs, &doctor).exits(0);
    ran.prints("Envoy proxy is ready");
    patient.make_deployment();
    patient.node.end_pod(&namespace, "gateway");
    patient.await_endpoint(false);
    stage.follows(Kind::KubectlScale, &doctor).exits(0);
    let replicas = || plane.get(&namespace, "deployment", SERVICE)["spec"]["replicas"].to_string();
    await_condition(|| replicas() == "1", replicas);
    stage
}

/// The gateway's service account may not read Secrets.
fn rights() -> Stage {
    let plane = ControlPlane::shared();
    let (patient, stage) = installed(&plane, "typed-rights", free_port());
    patient.kubectl(&["delete", "rolebinding", "sds"]);
    let doctor = there(&DOCTOR);
    stage.follows(Kind::KubectlCreateRole, &doctor).exits(0);
    stage.was_typed(Kind::KubectlAuthReconcile);
    // The Role is there by now, and only the binding is gone.
    patient.kubectl(&["delete", "rolebinding", "default-sds"]);
    stage.follows(Kind::KubectlCreateRole, &doctor).exits(0);
    stage.was_typed(Kind::KubectlCreateRoleBinding);
    let account = format!("--as=system:serviceaccount:{}:default", patient.pod_namespace());
    assert_eq!(
        patient.kubectl(&["auth", "can-i", "list", "secrets", &account]),
        "yes\n"
    );
    stage
}

/// The proxy waits for a certificate; then it refuses what it is told.
fn proxy() -> Stage {
    // Of several istiods, the first one in the cluster is looked at.
    let plane = ControlPlane::start();
    let (patient, stage) = installed(&plane, "typed-proxy", free_port());
    patient.envoy.tells(&format!("kubernetes://{SECRET}"), None);
    let log = patient
        .node
        .file("istiod.log", format!("warn\tno access to {SECRET}\n"));
    let containers = json!({"containers": {"discovery": {"log": log, "exec": []}}, "ports": {}});
    patient.node.play(patient.pod_namespace(), "istiod", containers);
    let lines = stage.printed_all(Kind::KubectlLogs, &there(&DOCTOR));
    let line = lines
        .iter()
        .find(|line| line.line.contains("| grep"))
        .expect("a line of grep");
    let ran = stage.types(line).exits(0);
    stage.was_typed(Kind::Grep);
    ran.prints(&format!("no access to {SECRET}"));
    let held = patient.workspace.dir.read(LEAF);
    patient.envoy.tells(&format!("kubernetes://{SECRET}"), Some(held));
    let refused = "gRPC config for type.googleapis.com/envoy.config.listener.v3.Listener rejected: bad";
    patient.log(&format!("warning\tenvoy config\t{refused}\n"));
    let ran = stage.follows(Kind::LintCluster, &there(&DOCTOR));
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.stderr);
    stage
}

/// No address answers, and the proxy cannot be asked.
fn admin() -> Stage {
    let plane = ControlPlane::shared();
    let (patient, stage) = installed(&plane, "typed-admin", free_port());
    patient.play("info\tEnvoy proxy is ready\n", free_address());
    let doctor = there(&DOCTOR);
    let forward = stage.printed(Kind::KubectlPortForward, &doctor);
    let curl = stage.printed(Kind::CurlAdmin, &doctor);
    // Who has the node in reach, on a free port.
    patient.log("info\tEnvoy proxy is ready\n");
    let port = free_port();
    let forward = forward.filled(" 15000", &format!(" {port}:15000"));
    let _forward = stage.starts(&forward, "Forwarding from");
    stage
        .types(&curl.filled("15000", &port.to_string()))
        .exits(0)
        .prints("certificates");
    stage
}

/// The workspace's Secret is gone.
fn secret() -> Stage {
    let plane = ControlPlane::shared();
    let (patient, stage) = installed(&plane, "typed-gone", free_port());
    patient.kubectl(&["delete", "secret", SECRET]);
    let line = stage.printed(Kind::DoctorFix, &there(&DOCTOR));
    // The gateway of this scene serves nothing.
    stage.types_at_terminal(&line, "y").exits(1);
    assert_ne!(plane.get(patient.pod_namespace(), "secret", SECRET), Value::Null);
    stage
}

/// A pod that is older than the volumes of its Deployment.
fn mounts() -> Stage {
    let plane = ControlPlane::shared();
    let patient = Patient::new(&plane, "typed-mounts", "file-mount");
    let stage = abroad(&plane, &patient.workspace);
    patient.install(free_port());
    patient.make_deployment();
    stage.ours(&there(&["apply", "--no-wait"])).exits(0);
    patient.envoy.tells("default", None);
    let doctor = there(&DOCTOR);
    stage
        .follows(Kind::KubectlRolloutStatus, &doctor)
        .exits(0)
        .prints("successfully rolled out");
    stage.follows(Kind::KubectlRestart, &doctor).exits(0);
    let deployment = plane.get(patient.pod_namespace(), "deployment", SERVICE);
    assert!(deployment.to_string().contains("restartedAt"), "{deployment:#}");
    stage
}
