//! A workspace whose objects go to namespaces of its own on the control plane.

use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::control_plane::ControlPlane;
use crate::harness::{Dir, Ran};

pub(crate) struct ClusterWorkspace {
    pub(crate) dir: Dir,
    pub(crate) kubeconfig: PathBuf,
    /// Where the Gateway and the routes are.
    pub(crate) namespace: String,
    /// Where the gateway's pods would run, and the Secrets are.
    pub(crate) pod_namespace: String,
}

impl ClusterWorkspace {
    /// Chains for `hosts` in `mode`, in two new namespaces named after `name`.
    #[track_caller]
    pub(crate) fn new(plane: &ControlPlane, name: &str, hosts: &[&str], mode: &str) -> Self {
        let [namespace, pod_namespace] = plane.namespaces(name);
        Self::within(plane, &namespace, &pod_namespace, hosts, mode)
    }

    /// The same in namespaces that are there.
    #[track_caller]
    pub(crate) fn within(
        plane: &ControlPlane,
        namespace: &str,
        pod_namespace: &str,
        hosts: &[&str],
        mode: &str,
    ) -> Self {
        let dir = Dir::new();
        dir.run(&[
            "init",
            "-n",
            namespace,
            "--gateway-namespace",
            pod_namespace,
            "--mode",
            mode,
        ])
        .exits(0);
        dir.run(&[&["gen-certs"], hosts].concat()).exits(0);
        Self {
            dir,
            kubeconfig: plane.kubeconfig(),
            namespace: namespace.to_owned(),
            pod_namespace: pod_namespace.to_owned(),
        }
    }

    /// Makes the Services that the routes lead to; no pod is behind them.
    #[track_caller]
    pub(crate) fn make_services(&self, plane: &ControlPlane) {
        let list = self.dir.run(&["manifests", "--samples", "-o", "json"]).exits(0).json();
        let all = list["items"].as_array().expect("items").iter();
        let services: Vec<_> = all.filter(|object| object["kind"] == "Service").collect();
        if !services.is_empty() {
            let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": services});
            plane.kubectl_with(&["apply", "--server-side"], &list.to_string());
        }
    }

    /// Changes a line of istio-tls.yaml.
    pub(crate) fn set(&self, field: &str, value: &str) {
        let text = self.dir.read("istio-tls.yaml");
        let lines: Vec<String> = text
            .lines()
            .map(|line| {
                if line.starts_with(&format!("{field}: ")) {
                    format!("{field}: {value}")
                } else {
                    line.to_owned()
                }
            })
            .collect();
        self.dir.write("istio-tls.yaml", lines.join("\n") + "\n");
    }

    /// Goes on with a copy of the kubeconfig in which lines that begin so are
    /// these.
    pub(crate) fn change_kubeconfig(&mut self, field: &str, lines: &str) {
        let text = std::fs::read_to_string(&self.kubeconfig).expect("a kubeconfig");
        let changed: Vec<&str> = text
            .lines()
            .map(|line| if line.trim().starts_with(field) { lines } else { line })
            .collect();
        self.kubeconfig = self.dir.write("kubeconfig", changed.join("\n"));
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.dir.command(args);
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// Runs, and fails when the output holds a private key.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.command(args), args);
        for text in [&ran.stdout, &ran.stderr] {
            self.is_told_no_key(&ran.line, text);
        }
        ran
    }

    /// Fails when a text holds a private key of the workspace or the kubeconfig.
    #[track_caller]
    pub(crate) fn is_told_no_key(&self, by: &str, text: &str) {
        for secret in self.secrets() {
            assert!(!text.contains(&secret), "`{by}` tells a private key:\n{text}");
        }
    }

    /// Pieces of every private key of the workspace and of the kubeconfig: the
    /// lines of the PEM, and the same in base64 once more.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut folders = vec![self.dir.path("")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.to_string_lossy().ends_with(".key.pem") {
                    keys.push(std::fs::read_to_string(path).expect("a key"));
                }
            }
        }
        let kubeconfig = std::fs::read_to_string(&self.kubeconfig).expect("a kubeconfig");
        let data = kubeconfig
            .lines()
            .filter_map(|line| line.trim().strip_prefix("client-key-data: "));
        keys.extend(data.filter_map(|data| String::from_utf8(STANDARD.decode(data).ok()?).ok()));
        assert!(keys.len() > 1, "no key was found to look for");
        keys.iter()
            .flat_map(|key| {
                let encoded = STANDARD.encode(key);
                let lines = key.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned);
                // What comes before and behind is the base64 of the labels.
                let middle = &encoded[60..encoded.len() - 60];
                let pieces = middle.as_bytes().chunks_exact(30).map(String::from_utf8_lossy);
                let pieces = pieces.map(std::borrow::Cow::into_owned);
                lines.chain(pieces).collect::<Vec<_>>()
            })
            .collect()
    }
}
