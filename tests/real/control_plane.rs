//! A real kube-apiserver with etcd and controllers on loopback
//! (scripts/control-plane), shared by the tests that run at the same time, and
//! kubectl as witness. There are no nodes and no kubelet.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, Weak};

use serde_json::Value;

use crate::harness::Dir;
use crate::installed_tools::tool;

/// A running control plane, ended when the last test has let go of it.
pub(crate) struct ControlPlane {
    folder: tempfile::TempDir,
}

impl ControlPlane {
    /// The one that tests share; each keeps to namespaces of its own.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<ControlPlane>> = Mutex::new(Weak::new());
        // A test that failed while it started one is no reason for others to fail.
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let started = Arc::new(Self::start());
        *shared = Arc::downgrade(&started);
        started
    }

    /// One for a test alone, as when its API server is to be stopped.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::start_with(&["istio"])
    }

    /// The same with the kinds of the Gateway API, too.
    #[track_caller]
    pub(crate) fn start_all() -> Self {
        Self::start_with(&[])
    }

    #[track_caller]
    fn start_with(kinds: &[&str]) -> Self {
        let plane = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        plane.script(&["start"], kinds);
        plane
    }

    #[track_caller]
    fn script(&self, before: &[&str], after: &[&str]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/control-plane");
        // Its own process would hold a pipe open; a file it may keep.
        let log = self.folder.path().join("script.log");
        let file = std::fs::File::create(&log).expect("a file");
        let status = Command::new(script)
            .args(before)
            .arg(self.plane())
            .args(after)
            .stdout(file.try_clone().expect("the same file"))
            .stderr(file)
            .status()
            .expect("scripts/control-plane runs");
        assert!(
            status.success(),
            "scripts/control-plane {before:?}: {}",
            std::fs::read_to_string(&log).unwrap_or_default()
        );
    }

    fn plane(&self) -> PathBuf {
        self.folder.path().join("plane")
    }

    /// The kubeconfig, with the contexts admin (current), viewer, limited, expired.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.plane().join("kubeconfig")
    }

    /// The CA of every client's certificate, that of the API server towards
    /// kubelets included.
    pub(crate) fn authority(&self) -> PathBuf {
        self.plane().join("pki/ca.pem")
    }

    /// Ends the API server; etcd keeps the data.
    pub(crate) fn stop_apiserver(&self) {
        self.script(&["stop-apiserver"], &[]);
    }

    /// Starts it again on the same port.
    pub(crate) fn start_apiserver(&self) {
        self.script(&["start-apiserver"], &[]);
    }

    /// `kubectl`, as admin unless `args` say otherwise.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        self.kubectl_command(args).output().expect("kubectl runs")
    }

    pub(crate) fn kubectl_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(tool("kubectl"));
        command
            .args(args)
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.folder.path());
        command
    }

    /// Standard output of a kubectl that succeeds.
    #[track_caller]
    pub(crate) fn kubectl_ok(&self, args: &[&str]) -> String {
        let output = self.kubectl(args);
        assert!(
            output.status.success(),
            "kubectl {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// kubectl with a manifest on its standard input.
    #[track_caller]
    pub(crate) fn kubectl_with(&self, args: &[&str], manifest: &str) -> String {
        let dir = Dir::new();
        let path = dir.write("manifest.yaml", manifest);
        self.kubectl_ok(&[args, &["-f", path.to_str().expect("text")]].concat())
    }

    /// An object, or null when it is not there.
    #[track_caller]
    pub(crate) fn get(&self, namespace: &str, resource: &str, name: &str) -> Value {
        let args = [
            "-n",
            namespace,
            "get",
            resource,
            name,
            "-o",
            "json",
            "--show-managed-fields",
        ];
        let output = self.kubectl(&args);
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(words.contains("NotFound"), "kubectl {args:?}: {words}");
            return Value::Null;
        }
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Two namespaces of a test's own: of the Gateway, and of its pods.
    #[track_caller]
    pub(crate) fn namespaces(&self, name: &str) -> [String; 2] {
        let both = [name.to_owned(), format!("{name}-ingress")];
        for namespace in &both {
            self.kubectl_ok(&["create", "namespace", namespace]);
        }
        both
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/control-plane");
        // What it started is ended as far as it got.
        let _ = Command::new(script)
            .arg("stop")
            .arg(self.plane())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status();
    }
}
