//! A node of the control plane, and its pods. Played are the kubelet
//! (tests/tools/kubelet, which speaks Kubernetes' own streams), the scheduler,
//! and the status of Node and pods; the API server that asks them is real.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::harness::Dir;
use crate::installed_tools::tool;
use crate::running_program::{Program, await_condition};

/// A Node that is there until dropped, and the kubelet that answers for it.
pub(crate) struct PlayedNode<'p> {
    plane: &'p ControlPlane,
    name: String,
    dir: Dir,
    kubelet: Mutex<Option<Program>>,
    /// What the kubelet plays: see tests/tools/kubelet/main.go.
    played: Mutex<Value>,
}

impl<'p> PlayedNode<'p> {
    /// Starts the kubelet on a free port and registers the Node.
    #[track_caller]
    pub(crate) fn start(plane: &'p ControlPlane, name: &str) -> Self {
        let dir = Dir::new();
        let node = Self {
            plane,
            name: name.to_owned(),
            kubelet: Mutex::new(None),
            played: Mutex::new(json!({"pods": {}})),
            dir,
        };
        node.write();
        let mut child = Command::new(tool("kubelet"))
            .arg("-client-ca")
            .arg(plane.authority())
            .arg("-play")
            .arg(node.dir.path("played.json"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(node.dir.path("kubelet.log")).expect("a log"))
            .spawn()
            .expect("the kubelet starts");
        let output = child.stdout.take().expect("its output");
        node.kubelet.lock().expect("the kubelet").replace(Program(child));
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("its address");
        let address: SocketAddr = (line.trim().parse()).unwrap_or_else(|_| panic!("no address: {}", node.log()));
        let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}});
        plane.kubectl_with(&["apply", "--server-side"], &object.to_string());
        let status = json!({
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": address.port()}},
            "conditions": [{"type": "Ready", "status": "True", "reason": "Played",
                "lastHeartbeatTime": null, "lastTransitionTime": null}],
        });
        node.patch_status("default", &format!("node/{name}"), &status);
        node
    }

    /// Makes a pod of these labels on the node, Running and Ready, with
    /// `spec.containers` as given; nothing answers in it yet.
    #[track_caller]
    pub(crate) fn make_pod(&self, namespace: &str, name: &str, labels: &Value, containers: &Value) {
        await_condition(
            || {
                let args = ["-n", namespace, "get", "serviceaccount", "default"];
                self.plane.kubectl(&args).status.success()
            },
            || "the namespace never gets its service account".to_owned(),
        );
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"nodeName": self.name, "containers": containers}});
        self.plane.kubectl_with(&["apply", "--server-side"], &pod.to_string());
        self.set_ready(namespace, name, true);
    }

    /// Reports the pod as Running, and as Ready or not.
    #[track_caller]
    pub(crate) fn set_ready(&self, namespace: &str, name: &str, ready: bool) {
        let pod = self.plane.get(namespace, "pod", name);
        let containers = pod["spec"]["containers"].as_array().expect("containers").iter();
        let statuses: Vec<Value> = containers
            .map(|container| {
                json!({"name": container["name"], "image": container["image"], "imageID": "", "ready": ready,
                    "restartCount": 0, "state": {"running": {"startedAt": "2020-01-01T00:00:00Z"}}})
            })
            .collect();
        let condition = |kind: &str, ready: bool| json!({"type": kind, "status": if ready { "True" } else { "False" }});
        let status = json!({
            "phase": "Running", "hostIP": "127.0.0.1", "hostIPs": [{"ip": "127.0.0.1"}],
            "podIP": "10.244.0.7", "podIPs": [{"ip": "10.244.0.7"}],
            "conditions": [condition("PodScheduled", true), condition("Initialized", true),
                condition("ContainersReady", ready), condition("Ready", ready)],
            "containerStatuses": statuses,
        });
        self.patch_status(namespace, &format!("pod/{name}"), &status);
    }

    /// What answers in a pod from now on: `{"containers": {NAME: {"log": FILE,
    /// "exec": [{"command": [...], "stdout": FILE, "stderr": TEXT, "exitCode":
    /// NUMBER}]}}, "ports": {PORT: ADDRESS}}`, with the files of [`Self::file`].
    pub(crate) fn play(&self, namespace: &str, pod: &str, what: Value) {
        self.played.lock().expect("what is played")["pods"][format!("{namespace}/{pod}")] = what;
        self.write();
    }

    /// A file for [`Self::play`] to name.
    pub(crate) fn file<'n>(&self, name: &'n str, content: impl AsRef<[u8]>) -> &'n str {
        self.dir.write(name, content);
        name
    }

    /// Ends a pod as when it is deleted: the kubelet forgets it, and the object goes.
    #[track_caller]
    pub(crate) fn end_pod(&self, namespace: &str, pod: &str) {
        if let Some(pods) = self.played.lock().expect("what is played")["pods"].as_object_mut() {
            pods.remove(&format!("{namespace}/{pod}"));
        }
        self.write();
        self.plane
            .kubectl_ok(&["-n", namespace, "delete", "pod", pod, "--grace-period=0", "--force"]);
    }

    /// Ends the kubelet, as when the node loses its network; the objects stay.
    pub(crate) fn stop_kubelet(&self) {
        self.kubelet.lock().expect("the kubelet").take();
    }

    /// What the kubelet was asked, a line for each request.
    pub(crate) fn log(&self) -> String {
        self.dir.read("kubelet.log")
    }

    /// The file is exchanged, because the kubelet may read it now.
    fn write(&self) {
        let text = self.played.lock().expect("what is played").to_string();
        let next = self.dir.write("played.json.next", text);
        std::fs::rename(next, self.dir.path("played.json")).expect("a file renamed");
    }

    #[track_caller]
    fn patch_status(&self, namespace: &str, object: &str, status: &Value) {
        let patch = json!({"status": status}).to_string();
        self.plane.kubectl_ok(&[
            "-n",
            namespace,
            "patch",
            object,
            "--subresource=status",
            "--type=strategic",
            "-p",
            &patch,
        ]);
    }
}

impl Drop for PlayedNode<'_> {
    fn drop(&mut self) {
        self.stop_kubelet();
        // The control plane may be gone already.
        self.plane
            .kubectl(&["delete", "node", &self.name, "--ignore-not-found"]);
    }
}
