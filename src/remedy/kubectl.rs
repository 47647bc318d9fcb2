//! kubectl command lines that are suggested in more than one place.

use super::kind::Kind;
use super::line::{Line, Word};

/// Shows the Service of Istio's ingress gateway: its addresses and ports.
pub fn ingress_service() -> Line {
    let words = ["-n", "istio-system", "get", "service", "istio-ingressgateway"];
    Line::new(Kind::KubectlGet, words)
}

/// Replaces or creates the objects on standard input, whoever created the existing ones,
/// whatever their type, immutable or not. `kubectl apply` would fail on a conflict or on
/// a Secret's type, which cannot change, and keeps a Secret's keys in an annotation; so
/// does `--server-side` if the annotation exists.
pub fn replace() -> Line {
    Line::new(Kind::KubectlReplace, ["replace", "--force", "-f", "-"])
}

/// Applies the objects on standard input server-side.
pub fn apply() -> Line {
    Line::new(Kind::KubectlApply, ["apply", "--server-side", "-f", "-"])
}

/// Applies the objects in a file.
pub fn apply_file() -> Line {
    Line::new(Kind::KubectlApplyFiles, ["apply", "-f"]).arg(Word::Placeholder("FILE"))
}

/// Creates a Secret from a certificate and its key.
pub fn create_pair(namespace: impl Into<Word>, name: impl Into<Word>) -> Line {
    Line::new(Kind::KubectlCreateSecret, ["create"])
        .flag("-n", namespace)
        .arg("secret")
        .arg("tls")
        .arg(name)
        .arg(Word::Placeholder("--cert=FILE"))
        .arg(Word::Placeholder("--key=FILE"))
}

/// Creates a Secret from the CA bundle that clients are verified with.
pub fn create_ca(namespace: impl Into<Word>, name: impl Into<Word>) -> Line {
    Line::new(Kind::KubectlCreateSecret, ["create"])
        .flag("-n", namespace)
        .arg("secret")
        .arg("generic")
        .arg(name)
        .arg(Word::Placeholder("--from-file=ca.crt=FILE"))
}

/// Puts a certificate, its key and, `with_ca`, the CA bundle into a Secret, whether or
/// not the Secret exists.
pub fn put_secret(namespace: impl Into<Word>, name: impl Into<Word>, with_ca: bool) -> Line {
    let kind = if with_ca { "generic" } else { "tls" };
    let files: &[&'static str] = if with_ca {
        &[
            "--from-file=tls.crt=FILE",
            "--from-file=tls.key=FILE",
            "--from-file=ca.crt=FILE",
        ]
    } else {
        &["--cert=FILE", "--key=FILE"]
    };
    let line = Line::new(Kind::KubectlPutSecret, ["create"])
        .flag("-n", namespace)
        .arg("secret")
        .arg(kind)
        .arg(name);
    let line = files.iter().fold(line, |line, file| line.arg(Word::Placeholder(file)));
    line.arg("--dry-run=client").flag("-o", "yaml").pipe(replace())
}

/// Removes the annotation in which `kubectl apply` keeps a copy of a Secret.
pub fn drop_last_applied(namespace: impl Into<Word>, name: impl Into<Word>) -> Line {
    Line::new(Kind::KubectlAnnotate, ["annotate", "secret"])
        .flag("-n", namespace)
        .arg(name)
        .arg("kubectl.kubernetes.io/last-applied-configuration-")
}

/// `kubectl get WORDS`, without a namespace flag.
pub fn get(words: &[&str]) -> Line {
    Line::new(Kind::KubectlGet, ["get"]).args(words)
}

/// `kubectl -n NAMESPACE get WORDS`.
pub fn get_in(namespace: &str, words: &[&str]) -> Line {
    within(namespace, Kind::KubectlGet, &["get"]).args(words)
}

/// `kubectl -n NAMESPACE describe WORDS`.
pub fn describe(namespace: &str, words: &[&str]) -> Line {
    within(namespace, Kind::KubectlDescribe, &["describe"]).args(words)
}

/// `kubectl -n NAMESPACE logs WORDS`.
pub fn logs(namespace: &str, words: &[&str]) -> Line {
    within(namespace, Kind::KubectlLogs, &["logs"]).args(words)
}

/// `kubectl -n NAMESPACE logs -l app=istiod --tail=-1`: the whole log; with a label
/// selector kubectl would show only ten lines.
pub fn logs_of_istiod(namespace: &str) -> Line {
    logs(namespace, &["-l", "app=istiod", "--tail=-1"])
}

/// `kubectl get pods -A -l app=istiod`.
pub fn pods_of_istiod() -> Line {
    get(&["pods", "-A", "-l", "app=istiod"])
}

/// `kubectl -n NAMESPACE get services -o wide`.
pub fn services(namespace: &str) -> Line {
    get_in(namespace, &["services", "-o", "wide"])
}

/// The status of a Gateway of the Gateway API.
pub fn api_gateway(namespace: &str, name: &str) -> Line {
    get_in(namespace, &[API_GATEWAYS, name, "-o", "yaml"])
}

/// How kubectl distinguishes Gateways of the Gateway API from Istio's.
pub const API_GATEWAYS: &str = "gateways.gateway.networking.k8s.io";

/// `kubectl -n NAMESPACE patch KIND NAME --type=HOW -p PATCH`.
pub fn patch(namespace: &str, kind: &str, name: &str, how: &str, patch: &str) -> Line {
    let how = format!("--type={how}");
    within(namespace, Kind::KubectlPatch, &["patch", kind, name, &how, "-p", patch])
}

/// `kubectl -n NAMESPACE port-forward WHAT PORTS`: runs until it is stopped.
pub fn port_forward(namespace: &str, what: impl Into<Word>, ports: &str) -> Line {
    let line = within(namespace, Kind::KubectlPortForward, &["port-forward"]);
    line.arg(what).arg(ports)
}

/// `kubectl -n NAMESPACE rollout status deployment/NAME`.
pub fn rollout_status(namespace: &str, deployment: &str) -> Line {
    let deployment = format!("deployment/{deployment}");
    within(
        namespace,
        Kind::KubectlRolloutStatus,
        &["rollout", "status", &deployment],
    )
}

/// `kubectl -n NAMESPACE rollout restart deployment/NAME`.
pub fn rollout_restart(namespace: &str, deployment: &str) -> Line {
    let deployment = format!("deployment/{deployment}");
    within(namespace, Kind::KubectlRestart, &["rollout", "restart", &deployment])
}

/// `kubectl -n NAMESPACE delete KIND NAME`; no namespace for a cluster-scoped kind.
pub fn delete(namespace: Option<&str>, kind: &str, name: &str) -> Line {
    within_or_not(namespace, Kind::KubectlDelete, &["delete", kind, name])
}

/// `kubectl -n NAMESPACE wait --for=delete KIND NAME`, like [`delete`].
pub fn wait_for_delete(namespace: Option<&str>, kind: &str, name: &str) -> Line {
    within_or_not(namespace, Kind::KubectlWait, &["wait", "--for=delete", kind, name])
}

/// A line with the namespace of its objects.
pub fn within(namespace: &str, kind: Kind, words: &[&str]) -> Line {
    Line::new(kind, ["-n", namespace]).args(words)
}

fn within_or_not(namespace: Option<&str>, kind: Kind, words: &[&str]) -> Line {
    match namespace {
        Some(namespace) => within(namespace, kind, words),
        None => Line::new(kind, words.iter().copied()),
    }
}
