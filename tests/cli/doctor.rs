//! What `doctor` says when a cluster, or the way to it, fails, and what it is
//! given. The API server here is the test's own; what a real one tells is
//! examined in tests/real.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::fake_api_server::{FakeApiServer, TOKEN, kubeconfig, status, tells_no_secret, unknown_path, workspace};
use crate::harness::Dir;
use crate::http_stub::{Reply, Request};
use crate::running_program::free_address;

const GATEWAYS: &str = "/apis/networking.istio.io/v1/gateways";
const SECRET: &str = "/api/v1/namespaces/istio-system/secrets/httpbin-credential";
const PODS: &str = "/api/v1/namespaces/istio-system/pods";

fn ok(value: &Value) -> Reply {
    Reply::Answer(200, "", value.to_string())
}

fn items(items: &Value) -> Reply {
    ok(&json!({"items": items}))
}

fn path(request: &Request) -> &str {
    request.target.split('?').next().unwrap_or_default()
}

/// A cluster with Istio's kinds and a gateway pod that is not ready, told in
/// as many words as the rules need; `answer` goes first.
fn cluster(answer: impl Fn(&Request) -> Option<Reply> + Send + 'static) -> FakeApiServer {
    FakeApiServer::failing(move |request, _| {
        answer(request).or_else(|| match path(request) {
            // Which kinds there are, the server itself knows.
            "/api/v1" | "/apis/networking.istio.io/v1" => None,
            GATEWAYS => Some(items(&json!([{
                "metadata": {"name": "mygateway", "namespace": "default"},
                "spec": {"selector": {"istio": "ingressgateway"}, "servers": [{
                    "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
                    "hosts": ["httpbin.example.com"],
                    "tls": {"mode": "MUTUAL", "credentialName": "httpbin-credential"}}]},
            }]))),
            PODS => Some(items(&json!([{
                "metadata": {"name": "gateway", "namespace": "istio-system", "labels": {"istio": "ingressgateway"}},
                "spec": {"containers": [{"name": "istio-proxy"}]},
                "status": {"phase": "Pending", "containerStatuses": [{"name": "istio-proxy",
                    "state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            }]))),
            "/apis/authorization.k8s.io/v1/subjectaccessreviews" => Some(ok(&json!({"status": {"allowed": true}}))),
            other if request.method == "GET" && !other.contains("/secrets/") => Some(items(&json!([]))),
            _ => None,
        })
    })
}

#[test]
fn a_cluster_that_cannot_be_asked_is_exit_3() {
    let dir = workspace();
    kubeconfig(&dir, &format!("http://{}", free_address()));
    let ran = tells_no_secret(&dir, dir.run(&["doctor", "--retry-for", "0s", "-o", "json"]));
    let ran = ran.exits(3).says("cannot be reached");
    assert_eq!(ran.json()["schema"], 1);
    assert!(ran.json()["error"]["what"].is_string());

    let server = FakeApiServer::failing(|_, _| Some(status(401, "Unauthorized", "Unauthorized", &json!({}))));
    server.kubeconfig(&dir);
    let ran = tells_no_secret(&dir, dir.run(&["doctor"]));
    ran.exits(3).says("does not accept the credentials");

    let server = FakeApiServer::failing(|_, _| Some(status(500, "InternalError", "etcd is away", &json!({}))));
    server.kubeconfig(&dir);
    let ran = tells_no_secret(&dir, dir.run(&["doctor", "--retry-for", "0s"]));
    ran.exits(3).says("etcd is away");
}

#[test]
fn a_server_that_is_busy_for_a_while_is_asked_again() {
    let dir = workspace();
    let refused = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refused);
    let server = cluster(move |request| {
        let busy = path(request) == PODS && counted.fetch_add(1, Ordering::Relaxed) < 2;
        busy.then(|| status(429, "TooManyRequests", "busy", &json!({})))
    });
    server.kubeconfig(&dir);
    dir.run(&["doctor", "--no-probe"]).exits(1).prints("ITL1112");
    assert!(refused.load(Ordering::Relaxed) > 2);
}

#[test]
fn wrong_input_is_exit_2() {
    let dir = Dir::new();
    for (args, words) in [
        (&["doctor", "not a host"][..], "not a host"),
        (&["doctor", "--fail-on", "fatal"], "fatal"),
        (&["doctor", "--suppress", "ITL9999"], "ITL9999"),
        (&["doctor", "-o", "sarif"], "no output format"),
        (&["doctor", "--context", "nowhere"], "kubeconfig"),
    ] {
        dir.run(args).exits(2).says(words);
    }
    dir.run(&["-C", "nowhere", "doctor"])
        .exits(2)
        .says("nowhere is not a workspace");
    dir.write("istio-tls.yaml", "version: [");
    dir.run(&["doctor"]).exits(2).says("istio-tls.yaml");
}

#[test]
fn a_cluster_without_istio_is_told_in_one_finding() {
    let dir = workspace();
    let server = cluster(|request| {
        path(request)
            .starts_with("/apis/networking.istio.io")
            .then(unknown_path)
    });
    server.kubeconfig(&dir);
    let ran = tells_no_secret(&dir, dir.run(&["doctor", "-o", "json"])).exits(1);
    let report = ran.json();
    let findings = report["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), 1, "{report:#}");
    assert_eq!(findings[0]["code"], "ITL1101");
    assert!(findings[0]["fix"].as_str().expect("words").contains("istioctl install"));
    assert!(server.asked(TOKEN).is_empty());
}

#[test]
fn findings_are_shown_and_counted_as_lint_does() {
    let dir = workspace();
    // istiod's pods are of a list that may be read, and there are none: it may run elsewhere.
    let server = cluster(|_| None);
    server.kubeconfig(&dir);
    let ran = tells_no_secret(&dir, dir.run(&["doctor"]));
    ran.exits(1)
        .prints("error[ITL1112]: no gateway pod is ready: gateway\n  at:  Pod istio-system/gateway\n")
        .prints("container istio-proxy is waiting: ImagePullBackOff")
        .prints("try: kubectl -n istio-system describe pod gateway")
        .prints("info[ITL1102]: no pod in the cluster has the label app=istiod\n  why:")
        .prints("skipped ITL1150, ITL1151: no gateway pod could be queried: see ITL1112\n");
    let all = ["ITL1102", "ITL1112", "ITL1120", "ITL0301"].join(",");
    dir.run(&["doctor", "--suppress", &all]).exits(0).prints("no findings");
    let suppressed = ["doctor", "--suppress", "ITL1112,ITL1120,ITL0301"];
    dir.run(&suppressed)
        .exits(0)
        .prints("info[ITL1102]")
        .prints("\n1 info\n");
    dir.run(&[&suppressed[..], &["--fail-on", "info"]].concat()).exits(1);
    dir.run(&["doctor", "--fail-on", "error"]).exits(1);
    let hidden = dir.run(&[&suppressed[..], &["--min-severity", "error"]].concat());
    let hidden = hidden.exits(0).prints("1 info; 1 below error not shown");
    assert!(!hidden.stdout.contains("ITL1102]"));
    dir.run(&["lint", "explain", "ITL1112"])
        .exits(0)
        .prints("gateway pods that are not ready");
}

#[test]
fn a_fix_is_shown_before_it_is_done_and_only_ours_is_touched() {
    let dir = workspace();
    let server = cluster(|_| None);
    server.kubeconfig(&dir);
    let ran = tells_no_secret(&dir, dir.run(&["doctor"])).exits(1);
    let ran = ran
        .prints("ITL0301")
        .prints("istio-tls doctor --fix, or istio-tls apply, creates Secret istio-system/httpbin-credential");
    assert!(!ran.stdout.contains("would be"));
    let ran = tells_no_secret(&dir, dir.run(&["doctor", "--fix"])).exits(1);
    ran.says("fix: Secret istio-system/httpbin-credential would be created")
        .says("nothing was changed: --fix applies with --yes, or asks on a terminal");
    assert!(server.stored().is_empty(), "{:?}", server.stored());
    let args = ["doctor", "--fix", "--yes", "--wait", "0s", "-o", "json"];
    let ran = tells_no_secret(&dir, dir.run(&args)).exits(1);
    assert_eq!(
        ran.json()["fixed"],
        json!(["Secret istio-system/httpbin-credential created"])
    );
    assert!(!ran.stdout.contains("ITL0301"), "{}", ran.stdout);
    assert_eq!(server.stored(), [SECRET]);
    let dir = Dir::new();
    server.kubeconfig(&dir);
    dir.run(&["doctor", "--fix", "--yes", "httpbin.example.com"])
        .says("nothing here can be fixed automatically");
}

/// Beside the context `there`, which is the current one, the kubeconfig has
/// `elsewhere`, with the same server and user.
fn second_context(dir: &Dir, to: &str) {
    let text = dir.read(".kube/config");
    let second = "contexts:\n- name: elsewhere\n  context: {cluster: c, user: somebody}\n";
    dir.write(to, text.replace("contexts:\n", second));
}

#[test]
fn lines_to_type_lead_to_the_cluster_that_was_looked_at() {
    let dir = workspace();
    let server = cluster(|_| None);
    server.kubeconfig(&dir);
    second_context(&dir, ".kube/config");
    let described = |flags: &str| format!("try: kubectl {flags}-n istio-system describe pod gateway");
    dir.run(&["doctor"]).exits(1).prints(&described(""));
    dir.run(&["doctor", "--context", "there"])
        .exits(1)
        .prints(&described(""));
    dir.run(&["doctor", "--context", "elsewhere"])
        .exits(1)
        .prints(&described("--context elsewhere "))
        .prints("istio-tls doctor --context elsewhere --fix, or istio-tls apply --context elsewhere, creates");
    second_context(&dir, "other");
    let file = dir.path("other").display().to_string();
    dir.run(&["doctor", "--kubeconfig", &file, "--context", "elsewhere"])
        .exits(1)
        .prints(&described(&format!("--context elsewhere --kubeconfig {file} ")));
    // The context that apply recorded is another than the current one.
    let recorded = dir.read("istio-tls.yaml") + "context: elsewhere\n";
    dir.write("istio-tls.yaml", recorded);
    dir.run(&["doctor"]).exits(1).prints(&described("--context elsewhere "));

    let message = "secrets is forbidden: User \"somebody\" cannot patch resource \"secrets\"";
    let server = FakeApiServer::failing(move |request, _| {
        (request.method == "PATCH").then(|| status(403, "Forbidden", message, &json!({})))
    });
    server.kubeconfig(&dir);
    second_context(&dir, ".kube/config");
    dir.run(&["apply", "--context", "elsewhere"])
        .exits(3)
        .says("kubectl --context elsewhere auth can-i patch");
}

#[test]
fn a_host_without_its_folder_takes_nothing_from_the_others() {
    let dir = workspace();
    dir.run(&["gen-certs", "shop.example.com"]).exits(0);
    let server = cluster(|_| None);
    server.kubeconfig(&dir);
    std::fs::rename(dir.path("shop.example.com"), dir.path("away")).expect("a folder moved");
    let ran = tells_no_secret(&dir, dir.run(&["doctor"])).exits(1);
    ran.prints("warning[ITL1105]: the workspace has no chain for shop.example.com\n  why: the folder shop.example.com does not exist\n")
        .prints("try: restore its folder, or istio-tls gen-certs shop.example.com\n")
        .prints("istio-tls doctor --fix, or istio-tls apply, creates Secret istio-system/httpbin-credential\n")
        .prints("as long as shop.example.com has no usable chain");
    // That is so.
    dir.run(&["apply", "--dry-run", "client"])
        .exits(2)
        .says("shop.example.com");
    // Of a host that was not asked for nothing is found, and the word on apply stays.
    let ran = dir.run(&["doctor", "httpbin.example.com"]).exits(1);
    assert!(!ran.stdout.contains("ITL1105"), "{}", ran.stdout);
    ran.prints("as long as shop.example.com has no usable chain");
    let args = ["doctor", "--fix", "--yes", "--wait", "0s", "-o", "json"];
    let ran = tells_no_secret(&dir, dir.run(&args)).exits(1);
    assert_eq!(
        ran.json()["fixed"],
        json!(["Secret istio-system/httpbin-credential created"])
    );
    assert_eq!(server.stored(), [SECRET]);
    // A key that is missing, and a certificate that is none, are told as what they are.
    std::fs::rename(dir.path("away"), dir.path("shop.example.com")).expect("a folder moved");
    let key = "shop.example.com/3_application/private/shop.example.com.key.pem";
    std::fs::remove_file(dir.path(key)).expect("a key removed");
    dir.run(&["doctor"])
        .exits(1)
        .prints("warning[ITL1105]: shop.example.com has a certificate but no key");
    dir.write("shop.example.com/3_application/certs/shop.example.com.cert.pem", "none");
    let ran = dir.run(&["doctor", "-o", "json"]).exits(1).json();
    let findings = ran["findings"].as_array().expect("a list").iter();
    let chainless: Vec<&Value> = findings.filter(|one| one["code"] == "ITL1105").collect();
    assert_eq!(chainless.len(), 1, "{ran:#}");
    assert_eq!(chainless[0]["severity"], "warning");
}

#[test]
fn what_is_fixed_is_told_when_a_signal_ends_the_wait() {
    use crate::cluster_interrupt::Running;
    let dir = workspace();
    // The pod stays as it is, so that the wait has no end.
    let server = cluster(|_| None);
    server.kubeconfig(&dir);
    let args = ["doctor", "--fix", "--yes", "--wait", "300s", "--no-probe", "-o", "json"];
    let running = Running::start(&dir, &args);
    running.await_said("fixed: Secret istio-system/httpbin-credential created");
    let looked = server.asked(PODS).len();
    crate::running_program::await_condition(|| server.asked(PODS).len() > looked, || dir.read("err"));
    running.signal(rustix::process::Signal::TERM);
    let (code, printed) = running.end();
    assert_eq!(code, Some(130), "{printed}");
    assert_eq!(
        printed["error"]["what"],
        "interrupted (SIGTERM) before the gateway was seen to be well"
    );
    assert_eq!(
        printed["fixed"],
        json!(["Secret istio-system/httpbin-credential created"])
    );
    assert_eq!(server.stored(), [SECRET]);
}
