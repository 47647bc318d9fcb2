//! A workspace and its gateway in a cluster, to be examined and broken. Played are
//! the node and its kubelet (`played_node`: the pods' status, logs, commands and
//! ports), the admin interface of the gateway's Envoy behind that, and the cloud
//! that gives the LoadBalancer its address. Objects, rights, Services with their
//! endpoints, and Deployments are real.

use std::cell::Cell;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::gateway_envoys::{Envoy, Told};
use crate::harness::{Dir, Ran};
use crate::installed_tools::tool;
use crate::played_node::PlayedNode;
use crate::running_program::{await_condition, free_address};

pub(crate) const HOST: &str = "httpbin.example.com";
pub(crate) const SERVICE: &str = "istio-ingressgateway";
pub(crate) const SECRET: &str = "httpbin-credential";
pub(crate) const PROXY: &str = "istio-proxy";
pub(crate) const LEAF: &str = "httpbin.example.com/3_application/certs/httpbin.example.com.cert.pem";

/// A workspace, its gateway in the cluster, and what is played of it.
pub(crate) struct Patient<'p> {
    plane: &'p ControlPlane,
    pub(crate) node: PlayedNode<'p>,
    pub(crate) workspace: ClusterWorkspace,
    pub(crate) envoy: Envoy,
    selector: String,
    /// What answers on the pod's own port, for a port-forward.
    pub(crate) serving: Cell<SocketAddr>,
}

impl<'p> Patient<'p> {
    /// A workspace with a selector of its own, since other tests have gateways,
    /// too; nothing is applied yet.
    pub(crate) fn new(plane: &'p ControlPlane, name: &str, secrets: &str) -> Self {
        let workspace = ClusterWorkspace::new(plane, name, &[HOST], "mutual");
        let text = workspace.dir.read("istio-tls.yaml");
        let text = text.replace("istio: ingressgateway", &format!("istio: {name}"));
        workspace.dir.write(
            "istio-tls.yaml",
            text.replace("secrets: credential", &format!("secrets: {secrets}")),
        );
        let envoy = Envoy::start(Told {
            name: format!("kubernetes://{SECRET}"),
            chain: Some(workspace.dir.read(LEAF)),
        });
        let node = PlayedNode::start(plane, &format!("played-{name}"));
        let patient = Self {
            plane,
            node,
            workspace,
            envoy,
            selector: name.to_owned(),
            serving: Cell::new(free_address()),
        };
        patient.log("info\tEnvoy proxy is ready\n");
        patient
    }

    pub(crate) fn pod_namespace(&self) -> &str {
        &self.workspace.pod_namespace
    }

    pub(crate) fn labels(&self) -> Value {
        json!({"app": SERVICE, "istio": self.selector})
    }

    /// Plays what answers in the pod: the log, and Envoy's admin interface.
    pub(crate) fn log(&self, text: &str) {
        self.play(text, self.envoy.stub.address);
    }

    pub(crate) fn play(&self, log: &str, admin: SocketAddr) {
        let log = self.node.file("proxy.log", log);
        // Where the Service leads; nothing comes through unless a test says so.
        let ports = json!({"15000": admin.to_string(), "443": self.serving.get().to_string()});
        let containers = json!({PROXY: {"log": log, "exec": []}});
        self.node.play(
            self.pod_namespace(),
            "gateway",
            json!({"containers": containers, "ports": ports}),
        );
    }

    /// The gateway's pod and one of istiod, a Role for its service account, and
    /// the Service, whose LoadBalancer leads to `port` of this machine.
    pub(crate) fn install(&self, port: u16) {
        let containers = json!([{"name": PROXY, "image": "auto", "ports": [{"name": "https", "containerPort": 8443}]}]);
        self.node
            .make_pod(self.pod_namespace(), "gateway", &self.labels(), &containers);
        let istiod = json!([{"name": "discovery", "image": "auto"}]);
        self.node
            .make_pod(self.pod_namespace(), "istiod", &json!({"app": "istiod"}), &istiod);
        self.grant();
        let service = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": SERVICE, "namespace": self.pod_namespace()},
            "spec": {"type": "LoadBalancer", "selector": self.labels(), "allocateLoadBalancerNodePorts": false,
                "ports": [{"name": "https", "port": port, "targetPort": 443}]}});
        self.plane
            .kubectl_with(&["apply", "--server-side"], &service.to_string());
        self.play_address("127.0.0.1");
        self.await_endpoint(true);
    }

    /// The gateway's Deployment, without replicas: the controller would make pods
    /// that no scheduler takes.
    pub(crate) fn make_deployment(&self) {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": SERVICE, "namespace": self.pod_namespace()},
            "spec": {"replicas": 0, "selector": {"matchLabels": self.labels()}, "template": {
                "metadata": {"labels": self.labels()},
                "spec": {"containers": [{"name": PROXY, "image": "auto"}]}}}});
        self.plane
            .kubectl_with(&["apply", "--server-side"], &deployment.to_string());
    }

    pub(crate) fn grant(&self) {
        let here = ["-n", self.pod_namespace()];
        let role = ["create", "role", "sds", "--resource=secrets", "--verb=get,watch,list"];
        self.plane.kubectl_ok(&[&here[..], &role].concat());
        let account = format!("--serviceaccount={}:default", self.pod_namespace());
        self.plane
            .kubectl_ok(&[&here[..], &["create", "rolebinding", "sds", "--role=sds", &account]].concat());
    }

    pub(crate) fn play_address(&self, address: &str) {
        if address.is_empty() {
            self.play_addresses(&[]);
        } else {
            self.play_addresses(&[address]);
        }
    }

    /// Addresses of the LoadBalancer, by IP or by name.
    pub(crate) fn play_addresses(&self, addresses: &[&str]) {
        let one = |address: &&str| {
            let is_ip = address.parse::<std::net::IpAddr>().is_ok();
            json!({(if is_ip { "ip" } else { "hostname" }): address})
        };
        let ingress: Vec<Value> = addresses.iter().map(one).collect();
        let status = json!({"status": {"loadBalancer": {"ingress": ingress}}}).to_string();
        self.kubectl(&[
            "patch",
            "service",
            SERVICE,
            "--subresource=status",
            "--type=merge",
            "-p",
            &status,
        ]);
    }

    /// Waits for the controller of endpoints, which is a real one.
    pub(crate) fn await_endpoint(&self, ready: bool) {
        let label = format!("-lkubernetes.io/service-name={SERVICE}");
        let path = "jsonpath={.items[*].endpoints[*].conditions.ready}";
        let ask = || self.kubectl(&["get", "endpointslices", &label, "-o", path]);
        await_condition(|| ask().contains("true") == ready, ask);
    }

    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        self.plane.kubectl_ok(&[&["-n", self.pod_namespace()], args].concat())
    }

    /// As [`type_line`].
    #[track_caller]
    pub(crate) fn type_line(&self, line: &str) {
        type_line(self.plane, &self.workspace.dir, line);
    }

    pub(crate) fn doctor(&self, args: &[&str]) -> Ran {
        self.workspace.run(&[&["doctor", "--timeout", "5s"], args].concat())
    }

    /// Nothing is found and nothing is skipped but DNS, which knows no example.
    #[track_caller]
    pub(crate) fn is_well(&self) {
        let report = self.doctor(&["-o", "json"]).exits(0).json();
        assert_eq!(report["findings"], json!([]), "{report:#}");
        let skipped = report["skipped"].as_array().expect("a list");
        assert!(
            skipped
                .iter()
                .all(|one| one["reason"].as_str().expect("words").contains("reserved")),
            "{report:#}"
        );
    }

    /// There is one finding, with this code and these words in what it says.
    #[track_caller]
    pub(crate) fn finds(&self, code: &str, words: &str) -> Value {
        let exit = i32::from(!code.ends_with(" info"));
        let code = code.trim_end_matches(" info");
        let ran = self.doctor(&["-o", "json"]).exits(exit);
        let report = ran.json();
        let findings = report["findings"].as_array().expect("a list");
        assert_eq!(findings.len(), 1, "{report:#}");
        let finding = findings[0].clone();
        assert_eq!(finding["code"], code, "{report:#}");
        let what = finding["what"].as_str().expect("words");
        assert!(what.contains(words), "not {words:?} in {report:#}");
        assert!(!finding["fix"].as_str().expect("words").is_empty());
        finding
    }
}

/// Runs a line that a finding tells to type in a folder, with the cluster's kubeconfig.
#[track_caller]
pub(crate) fn type_line(plane: &ControlPlane, home: &Dir, line: &str) {
    let kubectl = tool("kubectl");
    let folder = kubectl.parent().expect("a folder").display().to_string();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_istio-tls"));
    let own = program.parent().expect("a folder").display();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(home.path("."))
        .env("PATH", format!("{own}:{folder}:{path}"))
        .env("KUBECONFIG", plane.kubeconfig())
        .env("HOME", home.path("."))
        .output()
        .expect("a shell");
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

pub(crate) fn fix_of(finding: &Value) -> String {
    finding["fix"].as_str().expect("words").to_owned()
}

/// Copies chains and istio-tls.yaml to where the gateway reads them.
#[track_caller]
pub(crate) fn copy(from: &Dir, to: &Dir) {
    let mut line = Command::new("cp");
    line.arg("-r").arg(from.path(".")).arg(to.path("."));
    assert!(line.status().expect("cp").success());
}
