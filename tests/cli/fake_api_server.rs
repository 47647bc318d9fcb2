//! Just enough of a Kubernetes API server for the errors of one: it keeps what
//! is applied, knows the kinds of Istio, and fails as a test says. What a real
//! one does with objects is tested against a real one (tests/real).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::{Dir, Ran};
use crate::http_stub::{HttpStub, Reply, Request};

/// The token in every kubeconfig of these tests; no output may hold it.
pub(crate) const TOKEN: &str = "token-that-nobody-may-see";

pub(crate) struct FakeApiServer {
    stub: HttpStub,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    asked: Vec<String>,
}

/// What a cluster whose gateway is at this port of this machine answers to lists
/// of Services and Pods.
pub(crate) fn gateway_at(port: u16, request: &Request) -> Option<Reply> {
    let path = request.target.split('?').next().unwrap_or_default();
    let item = match path.rsplit('/').next() {
        Some("services") => json!({
            "metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
            "spec": {"type": "LoadBalancer", "selector": {"istio": "ingressgateway"},
                "ports": [{"name": "https", "port": port, "targetPort": 8443}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}},
        }),
        Some("pods") => json!({
            "metadata": {"name": "istio-ingressgateway-1", "namespace": "istio-system", "labels": {"istio": "ingressgateway"}},
            "status": {"phase": "Running", "hostIP": "127.0.0.1"},
        }),
        _ => return None,
    };
    Some(Reply::Answer(200, "", json!({"items": [item]}).to_string()))
}

impl FakeApiServer {
    /// A server that does what it can.
    pub(crate) fn start() -> Self {
        Self::failing(|_, _| None)
    }

    /// A server that answers as `fail` says, where it says something; it is
    /// given the request and the number of those like it (method and path) before.
    pub(crate) fn failing(mut fail: impl FnMut(&Request, usize) -> Option<Reply> + Send + 'static) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let stub = HttpStub::start(move |request| {
            let mut state = shared.lock().expect("no panic");
            let line = format!("{} {}", request.method, request.target);
            let before = state.asked.iter().filter(|asked| **asked == line).count();
            state.asked.push(line);
            fail(request, before).unwrap_or_else(|| state.answer(request))
        });
        Self { stub, state }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.stub.address
    }

    /// Writes a kubeconfig for it into the folder, as the one of the home.
    pub(crate) fn kubeconfig(&self, dir: &Dir) {
        kubeconfig(dir, &format!("http://{}", self.stub.address));
    }

    /// The requests so far whose line holds `part`.
    pub(crate) fn asked(&self, part: &str) -> Vec<String> {
        let state = self.state.lock().expect("no panic");
        state
            .asked
            .iter()
            .filter(|asked| asked.contains(part))
            .cloned()
            .collect()
    }

    /// Puts an object there as somebody else has made it.
    pub(crate) fn put(&self, path: &str, manager: &str, mut object: Value) {
        let mut state = self.state.lock().expect("no panic");
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        object["metadata"]["uid"] = json!(path);
        object["metadata"]["managedFields"] = json!([{"manager": manager, "operation": "Update", "fieldsV1": {}}]);
        state.objects.insert(path.to_owned(), object);
    }

    /// Takes away what is stored at a path.
    pub(crate) fn remove(&self, path: &str) {
        self.state.lock().expect("no panic").objects.remove(path);
    }

    /// What is stored at a path.
    pub(crate) fn object(&self, path: &str) -> Value {
        let state = self.state.lock().expect("no panic");
        state.objects.get(path).cloned().unwrap_or_default()
    }

    /// The paths of what is stored.
    pub(crate) fn stored(&self) -> Vec<String> {
        self.state.lock().expect("no panic").objects.keys().cloned().collect()
    }
}

/// A kubeconfig with one context, `there`, in the folder's `.kube`.
pub(crate) fn kubeconfig(dir: &Dir, server: &str) {
    dir.write(
        ".kube/config",
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: there\nclusters:\n- name: c\n  cluster:\n    server: {server}\n\
             contexts:\n- name: there\n  context: {{cluster: c, user: somebody}}\nusers:\n- name: somebody\n  user: {{token: {TOKEN}}}\n"
        ),
    );
}

/// A failure as an API server tells it.
pub(crate) fn status(code: u16, reason: &str, message: &str, details: &Value) -> Reply {
    status_with(code, "", reason, message, details)
}

/// As [`status`], with header lines.
pub(crate) fn status_with(code: u16, headers: &'static str, reason: &str, message: &str, details: &Value) -> Reply {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": reason, "message": message, "details": details});
    Reply::Answer(code, headers, body.to_string())
}

/// The answer to a path that the server does not know.
pub(crate) fn unknown_path() -> Reply {
    Reply::Answer(404, "", "404 page not found\n".to_owned())
}

/// The managers of an object that is applied: who was there before, and who
/// applies it, with the labels that it holds now.
fn managed(request: &Request, object: &Value, before: Option<&Value>) -> Value {
    let query = request.target.split('?').nth(1).unwrap_or_default();
    let manager = query.split('&').find_map(|pair| pair.strip_prefix("fieldManager="));
    let manager = manager.unwrap_or_default();
    let labels = object["metadata"]["labels"].as_object().into_iter().flatten();
    let labels: Value = labels.map(|(name, _)| (format!("f:{name}"), json!({}))).collect();
    let mut entries = before.map_or_else(Vec::new, |before| {
        let entries = before["metadata"]["managedFields"].as_array().cloned();
        entries.unwrap_or_default()
    });
    entries.retain(|entry| entry["manager"] != manager);
    entries.push(json!({"manager": manager, "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": labels}}}));
    json!(entries)
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default().to_owned();
        let ok = |value: &Value| Reply::Answer(200, "", value.to_string());
        let kind = |name: &str, kind: &str| json!({"name": name, "kind": kind, "namespaced": true});
        match (request.method.as_str(), path.as_str()) {
            ("GET", "/api/v1") => ok(&json!({"resources": [kind("secrets", "Secret")]})),
            ("GET", "/apis/networking.istio.io/v1") => {
                ok(&json!({"resources": [kind("gateways", "Gateway"), kind("virtualservices", "VirtualService")]}))
            }
            ("GET", path) if request.target.contains("labelSelector") || request.target.contains("limit=") => {
                let marked = request.target.contains("istio-tls.dev");
                let plural = path.rsplit('/').next().unwrap_or_default();
                let middle = format!("/{plural}/");
                let items: Vec<&Value> = (self.objects.iter())
                    .filter(|(path, _)| path.contains(&middle))
                    .filter(|(_, object)| {
                        !marked || object["metadata"]["labels"]["istio-tls.dev/workspace"].is_string()
                    })
                    .map(|(_, object)| object)
                    .collect();
                ok(&json!({"items": items}))
            }
            ("GET", path) if path.ends_with("/deployments") => ok(&json!({"items": []})),
            ("GET", path) => match self.objects.get(path) {
                Some(object) => ok(object),
                None if path.contains("/namespaces/") => status(404, "NotFound", "not found", &json!({})),
                None => unknown_path(),
            },
            ("PATCH", path) => {
                let mut object: Value = serde_json::from_slice(&request.body).expect("JSON");
                object["metadata"]["managedFields"] = managed(request, &object, self.objects.get(path));
                let same = self.objects.get(path).is_some_and(|there| {
                    let of_metadata = ["labels", "managedFields"];
                    there["spec"] == object["spec"]
                        && there["data"] == object["data"]
                        && of_metadata
                            .iter()
                            .all(|field| there["metadata"][field] == object["metadata"][field])
                });
                if same {
                    return ok(&self.objects[path]);
                }
                if !request.target.contains("dryRun") {
                    self.version += 1;
                    object["metadata"]["resourceVersion"] = json!(self.version.to_string());
                    object["metadata"]["uid"] = json!(path);
                    self.objects.insert(path.to_owned(), object.clone());
                }
                ok(&object)
            }
            ("DELETE", path) if String::from_utf8_lossy(&request.body).contains("dryRun") => {
                match self.objects.get(path) {
                    Some(object) => ok(object),
                    None => status(404, "NotFound", "not found", &json!({})),
                }
            }
            ("DELETE", path) => match self.objects.remove(path) {
                Some(object) => ok(&object),
                None => status(404, "NotFound", "not found", &json!({})),
            },
            _ => unknown_path(),
        }
    }
}

/// A workspace with one host, whose keys no output may hold.
pub(crate) fn workspace() -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    dir
}

/// Fails when an output holds a token, or a line of a private key, as it
/// stands or in base64 once more.
#[track_caller]
pub(crate) fn tells_no_secret(dir: &Dir, ran: Ran) -> Ran {
    use base64::Engine as _;
    let key = dir.read("httpbin.example.com/3_application/private/httpbin.example.com.key.pem");
    let encoded = base64::engine::general_purpose::STANDARD.encode(&key);
    let mut hidden: Vec<&str> = key.lines().filter(|line| !line.starts_with("-----")).collect();
    // The base64 of the label is no secret; what follows is.
    hidden.extend([TOKEN, &encoded[60..120]]);
    for text in [&ran.stdout, &ran.stderr] {
        for secret in &hidden {
            assert!(!text.contains(secret), "`{}` tells a secret:\n{text}", ran.line);
        }
    }
    ran
}
