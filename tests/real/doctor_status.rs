//! `doctor` where it is the status of pods and Services that tells, on a control
//! plane of its own, since pods of istiod count wherever they are. The test plays
//! what kubelets write into the status of pods (`played_node`), and what the cloud
//! writes into that of the Service; names are those of a hosts file of the test's.

use std::io::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::doctor_patient::{PROXY, Patient, SERVICE, copy, fix_of};
use crate::harness::{Dir, Ran};
use crate::running_program::{await_condition, free_address};
use crate::serve_process::Serve;

#[test]
fn what_the_status_of_pods_and_services_tells_is_told() {
    let plane = ControlPlane::start();
    let patient = Patient::new(&plane, "status", "credential");
    let gateway = Dir::new();
    copy(&patient.workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    let namespace = patient.pod_namespace().to_owned();
    patient.install(serve.address(443).port());
    patient.workspace.run(&["apply", "--no-wait"]).exits(0);
    patient.is_well();

    // istiod: its pod is not ready; of two, one is enough; none at all.
    patient.node.set_ready(&namespace, "istiod", false);
    let finding = patient.finds("ITL1102", "no istiod pod is ready: istiod");
    assert!(
        fix_of(&finding).contains(&format!("kubectl -n {namespace} describe pods -l app=istiod")),
        "{finding:#}"
    );
    let containers = json!([{"name": "discovery", "image": "auto"}]);
    patient
        .node
        .make_pod(&namespace, "istiod-2", &json!({"app": "istiod"}), &containers);
    patient.is_well();
    patient.node.end_pod(&namespace, "istiod-2");
    patient.node.end_pod(&namespace, "istiod");
    patient.finds("ITL1102 info", "no pod in the cluster has the label app=istiod");
    patient
        .node
        .make_pod(&namespace, "istiod", &json!({"app": "istiod"}), &containers);

    // The container was restarted: a minute ago, often, long ago.
    let ended = |restarts: u32, time: &str| {
        let state = json!({"status": {"containerStatuses": [{"name": PROXY, "image": "auto", "imageID": "", "ready": true,
            "restartCount": restarts, "state": {"running": {"startedAt": time}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": time, "finishedAt": time}}}]}});
        patient.kubectl(&[
            "patch",
            "pod/gateway",
            "--subresource=status",
            "--type=strategic",
            "-p",
            &state.to_string(),
        ]);
    };
    let now = time::OffsetDateTime::now_utc() - time::Duration::minutes(1);
    let now = now
        .format(&time::format_description::well_known::Rfc3339)
        .expect("a time");
    ended(1, &now);
    let finding = patient.finds(
        "ITL1113",
        "container istio-proxy of Pod status-ingress/gateway was restarted once",
    );
    assert!(
        finding["why"]
            .as_str()
            .expect("words")
            .contains("OOMKilled, exit code 137"),
        "{finding:#}"
    );
    assert_eq!(
        fix_of(&finding),
        format!("kubectl -n {namespace} logs gateway -c {PROXY} --previous")
    );
    ended(12, "2020-01-01T00:00:00Z");
    patient.finds("ITL1113", "was restarted 12 times");
    ended(2, "2020-01-01T00:00:00Z");
    patient.is_well();

    // Several addresses: each is asked, and the silent one is named.
    patient.play_addresses(&["127.0.0.1", "127.0.0.2"]);
    let finding = patient.finds(
        "ITL1162",
        "1 of 2 addresses of the gateway does not respond from here: 127.0.0.2:",
    );
    assert!(fix_of(&finding).contains("get services -o wide"), "{finding:#}");
    // The first one, too: the others are looked at all the same.
    patient.play_addresses(&["127.0.0.2", "127.0.0.1"]);
    patient.finds(
        "ITL1162",
        "1 of 2 addresses of the gateway does not respond from here: 127.0.0.2:",
    );
    patient.play_addresses(&["127.0.0.1", "localhost"]);
    patient.is_well();

    // No address answers, and the proxy cannot be asked: nothing speaks for another apply.
    patient.play_addresses(&["127.0.0.2"]);
    patient.play("info\tEnvoy proxy is ready\n", free_address());
    let finding = patient.finds("ITL1161", "is not served at 127.0.0.2:");
    let fix = fix_of(&finding);
    assert!(
        fix.contains("what the gateway's proxy has loaded (skipped: ITL1150)")
            && fix.contains("port-forward pod/gateway 15000")
            && !fix.contains("istio-tls apply"),
        "{finding:#}"
    );
    patient.play_addresses(&["127.0.0.1"]);
    patient.log("info\tEnvoy proxy is ready\n");
    patient.is_well();

    // DNS, by a hosts file.
    dns(&patient);

    // Scaled to none: the line that is told brings a replica back.
    patient.make_deployment();
    patient.node.end_pod(&namespace, "gateway");
    patient.await_endpoint(false);
    let finding = patient.finds("ITL1110", "no pod in the cluster has the labels");
    let fix = fix_of(&finding);
    patient.type_line(fix.strip_prefix("it is scaled to 0: ").expect("the reason first"));
    let scaled = || plane.get(&namespace, "deployment", SERVICE)["spec"]["replicas"].to_string();
    await_condition(|| scaled() == "1", scaled);
}

/// Names that no test of the world's DNS could hold still: a hosts file, which
/// the program alone sees, and a resolver that asks nothing else. Linux gives a
/// process its own view of files in a mount namespace; where the system gives
/// its users none (some containers), this part cannot be had, and is left out.
fn dns(patient: &Patient<'_>) {
    const NAME: &str = "shop.acme.com";
    let dir = Dir::new();
    let nsswitch = dir.write("nsswitch.conf", "hosts: files\n");
    let doctor = |hosts: &str| {
        let hosts = dir.write("hosts", hosts);
        let args = ["doctor", NAME, "--timeout", "5s", "-o", "json"];
        let inner = patient.workspace.command(&args);
        let mut outer = Command::new("unshare");
        outer.args(["--map-root-user", "--mount", "sh", "-c"]);
        outer.arg("mount --bind \"$1\" /etc/hosts && mount --bind \"$2\" /etc/nsswitch.conf && shift 2 && exec \"$@\"");
        outer.arg("sh").args([&hosts, &nsswitch]);
        outer.arg(inner.get_program()).args(inner.get_args()).env_clear();
        outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        outer.current_dir(inner.get_current_dir().expect("a folder"));
        Ran::of(&mut outer, &args)
    };
    let is_had = Command::new("unshare")
        .args([
            "--map-root-user",
            "--mount",
            "mount",
            "--bind",
            "/etc/hosts",
            "/etc/hosts",
        ])
        .status();
    if !is_had.is_ok_and(|status| status.success()) {
        let reason = "left out: DNS, since this system gives its users no mount namespace";
        writeln!(std::io::stderr(), "{reason}").expect("standard error");
        return;
    }
    let of_dns = |hosts: &str| -> Vec<Value> {
        // No Gateway has the host, which is told, too.
        let report = doctor(hosts).exits(1).json();
        let findings = report["findings"].as_array().expect("a list").iter();
        let of_dns = findings.filter(|one| one["code"].as_str().expect("a code").starts_with("ITL118"));
        of_dns.cloned().collect()
    };
    // The gateway's own address, beside another.
    assert_eq!(
        of_dns(&format!("127.0.0.1 {NAME}\n127.0.0.9 {NAME}\n")),
        [] as [Value; 0]
    );
    let found = of_dns(&format!("127.0.0.9 {NAME}\n"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["code"], "ITL1181");
    let words = format!("{NAME} resolves to 127.0.0.9, but the gateway is at 127.0.0.1");
    assert_eq!(found[0]["what"], words.as_str());
    let found = of_dns("127.0.0.1 localhost\n");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["code"], "ITL1180");
    assert!(
        fix_of(&found[0]).contains(&format!("create a DNS record {NAME} with 127.0.0.1")),
        "{found:#?}"
    );
}
