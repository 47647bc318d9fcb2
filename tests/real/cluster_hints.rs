//! The lines that findings and errors print for Secrets, typed as they stand: with
//! kubectl and this program, on a real API server, whether the Secret is there or
//! not, whoever made it, and of whatever type. FILE is all that is filled in.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::cluster_discover::play_status;
use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::Dir;
use crate::installed_tools::tool;

const HOST: &str = "httpbin.example.com";
const SECRET: &str = "by-hand";

/// A Gateway with the one server whose Secret is at fault, and who types.
struct Typing<'p> {
    plane: &'p ControlPlane,
    /// Where the chain of HOST is, and nothing else.
    dir: Dir,
    namespace: String,
}

impl<'p> Typing<'p> {
    #[track_caller]
    fn new(plane: &'p ControlPlane, name: &str, mode: &str) -> Self {
        let [namespace, pods] = plane.namespaces(name);
        let dir = Dir::new();
        dir.run(&["gen-certs", HOST]).exits(0);
        std::fs::remove_file(dir.path("istio-tls.yaml")).expect("a file");
        let gateway = json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
            "metadata": {"name": "edge", "namespace": namespace},
            "spec": {"selector": {"istio": "ingressgateway"}, "servers": [{
                "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
                "tls": {"mode": mode, "credentialName": SECRET}, "hosts": [HOST]}]}});
        plane.kubectl_with(&["apply", "--server-side"], &gateway.to_string());
        Self {
            plane,
            dir,
            namespace: pods,
        }
    }

    /// Types a line, with the paths of the chain in place of FILE.
    #[track_caller]
    fn types(&self, line: &str) {
        let chain = |part: &str| self.dir.path(format!("{HOST}/{part}")).display().to_string();
        let (cert, key) = (
            chain("3_application/certs/httpbin.example.com.cert.pem"),
            chain("3_application/private/httpbin.example.com.key.pem"),
        );
        let filled = line
            .replace("--cert=FILE", &format!("--cert={cert}"))
            .replace("--key=FILE", &format!("--key={key}"))
            .replace("tls.crt=FILE", &format!("tls.crt={cert}"))
            .replace("tls.key=FILE", &format!("tls.key={key}"))
            .replace(
                "ca.crt=FILE",
                &format!("ca.crt={}", chain("2_intermediate/certs/ca-chain.cert.pem")),
            );
        let folder = |program: &Path| program.parent().expect("a folder").display().to_string();
        let path = [
            folder(Path::new(env!("CARGO_BIN_EXE_istio-tls"))),
            folder(&tool("kubectl")),
            std::env::var("PATH").unwrap_or_default(),
        ];
        let output = Command::new("bash")
            .args(["-o", "pipefail", "-c", &filled])
            .current_dir(self.dir.path(""))
            .env_clear()
            .env("PATH", path.join(":"))
            .env("HOME", self.dir.path(""))
            .env("KUBECONFIG", self.plane.kubeconfig())
            .output()
            .expect("bash");
        assert!(
            output.status.success(),
            "{filled}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// The fix of the finding with this code; none where there is no such finding.
    #[track_caller]
    fn fix(&self, code: &str) -> Option<String> {
        let args = ["lint", "--cluster", "-n", self.namespace.trim_end_matches("-ingress")];
        let more = ["--gateway-namespace", &self.namespace, "-o", "json"];
        let mut command = self.dir.command(&[&args[..], &more].concat());
        let output = command
            .env("KUBECONFIG", self.plane.kubeconfig())
            .output()
            .expect("lint");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings");
        let found = findings.iter().find(|finding| finding["code"] == code)?;
        Some(found["fix"].as_str().expect("a fix").to_owned())
    }

    /// The Secret holds the chain of HOST, and no annotation.
    #[track_caller]
    fn is_whole(&self, keys: &[&str]) {
        let secret = self.plane.get(&self.namespace, "secret", SECRET);
        let data = secret["data"].as_object().expect("data");
        assert_eq!(data.keys().map(String::as_str).collect::<Vec<_>>(), keys);
        let annotations = &secret["metadata"]["annotations"];
        assert!(!annotations.to_string().contains("last-applied"), "{annotations}");
        assert_eq!(self.fix("ITL0310"), None);
    }

    fn remove(&self) {
        let args = ["-n", &self.namespace, "delete", "secret", SECRET, "--ignore-not-found"];
        self.plane.kubectl_ok(&args);
    }

    /// A Secret of these values.
    fn secret(&self, data: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": SECRET, "namespace": self.namespace}, "stringData": data})
    }
}

/// The line of kubectl in a fix.
#[track_caller]
fn line(fix: &str) -> &str {
    let start = fix.find("kubectl create").unwrap_or_else(|| panic!("no line in {fix}"));
    let end = fix[start..].find(" -f -").map_or(fix.len(), |end| start + end + 5);
    &fix[start..end]
}

#[test]
fn the_line_for_a_secret_works_whoever_made_it() {
    let plane = ControlPlane::shared();
    let typing = Typing::new(&plane, "typed", "SIMPLE");
    // Nobody has made it.
    let fix = typing.fix("ITL0301").expect("it is missing");
    typing.types(&fix);
    typing.is_whole(&["tls.crt", "tls.key"]);

    let useless = typing.secret(&json!({"tls.key": "nothing"}));
    let mut immutable = useless.clone();
    immutable["immutable"] = json!(true);
    for (how, secret) in [
        (&["create"][..], &useless),
        (&["apply"], &useless),
        (&["apply", "--server-side", "--field-manager=somebody"], &useless),
        (&["create", "--save-config"], &useless),
        (&["create"], &immutable),
    ] {
        typing.remove();
        plane.kubectl_with(how, &secret.to_string());
        let fix = typing.fix("ITL0310").expect("it has no pair");
        typing.types(line(&fix));
        typing.is_whole(&["tls.crt", "tls.key"]);
        // And once more, over what it has made; and where there is none.
        typing.types(line(&fix));
        typing.remove();
        typing.types(line(&fix));
        typing.is_whole(&["tls.crt", "tls.key"]);
    }

    // The same line where a command names the Secret.
    typing.remove();
    plane.kubectl_with(&["create"], &useless.to_string());
    let target = format!("secret/{}/{SECRET}", typing.namespace);
    let mut verify = typing.dir.command(&["verify", &target, "--host", HOST]);
    let output = verify.env("KUBECONFIG", plane.kubeconfig()).output().expect("verify");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    typing.types(line(&said));
    typing.is_whole(&["tls.crt", "tls.key"]);

    // A copy of the key in an annotation: gone as told, and gone it stays.
    typing.remove();
    let manifest = format!(
        "kubectl create -n {} secret tls {SECRET} --cert=FILE --key=FILE --dry-run=client -o yaml",
        typing.namespace
    );
    typing.types(&format!("{manifest} | kubectl apply -f -"));
    let fix = typing.fix("ITL0314").expect("kubectl has kept a copy");
    let (now, later) = fix.split_once(", then use ").expect("two parts");
    typing.types(now);
    let put = later.split(" instead of ").next().expect("a command");
    typing.types(&format!("{manifest} | {put} -f -"));
    assert_eq!(typing.fix("ITL0314"), None);
    typing.is_whole(&["tls.crt", "tls.key"]);
}

#[test]
fn the_line_for_a_secret_keeps_a_ca_and_names_hosts() {
    let plane = ControlPlane::shared();
    let typing = Typing::new(&plane, "typed-mutual", "MUTUAL");
    let authority = typing
        .dir
        .read(format!("{HOST}/2_intermediate/certs/ca-chain.cert.pem"));
    plane.kubectl_with(&["create"], &typing.secret(&json!({"ca.crt": authority})).to_string());
    let fix = typing.fix("ITL0310").expect("it has no pair");
    typing.types(line(&fix));
    typing.is_whole(&["ca.crt", "tls.crt", "tls.key"]);

    // A certificate of another host, made by kubectl in a type of its own.
    let other = Dir::new();
    other.run(&["gen-certs", "elsewhere.com"]).exits(0);
    typing.remove();
    let pem = |part: &str| other.read(format!("elsewhere.com/3_application/{part}"));
    let secret = typing.secret(&json!({
        "tls.crt": pem("certs/elsewhere.com.cert.pem"),
        "tls.key": pem("private/elsewhere.com.key.pem"),
        "ca.crt": authority,
    }));
    plane.kubectl_with(&["apply"], &secret.to_string());
    let fix = typing.fix("ITL0440").expect("it is of another host");
    let (_, tests) = fix.split_once("for tests: ").expect("a line for tests");
    // The chain is there already.
    let (made, put) = tests.split_once(" && ").expect("two commands");
    assert_eq!(made, format!("istio-tls gen-certs {HOST}"));
    typing.types(put);
    typing.is_whole(&["ca.crt", "tls.crt", "tls.key"]);
    assert_eq!(typing.fix("ITL0440"), None);
}

/// A gateway that closes every connection, as one without the Secret does.
fn without_secret() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || listener.incoming().for_each(drop));
    address
}

#[test]
fn the_line_of_a_probes_verdict_works() {
    let plane = ControlPlane::shared();
    let typing = Typing::new(&plane, "typed-probe", "SIMPLE");
    plane.kubectl_with(&["create"], &typing.secret(&json!({"tls.key": "nothing"})).to_string());
    let target = without_secret().to_string();
    let stranger = Dir::new();
    let report = stranger
        .run(&["probe", HOST, "--target", &target, "-o", "json"])
        .exits(1)
        .json();
    let fix = report["results"][0]["verdict"]["fix"].as_str().expect("a fix");
    // The Secret's name and place are the Gateway's.
    let put = line(fix)
        .replace("istio-system", &typing.namespace)
        .replace("NAME", SECRET);
    typing.types(&put);
    typing.is_whole(&["tls.crt", "tls.key"]);
}

#[test]
fn fixes_of_probe_and_apply_name_the_cluster() {
    let plane = ControlPlane::shared();
    let mut workspace = ClusterWorkspace::new(&plane, "named-cluster", &[HOST], "simple");
    workspace.change_kubeconfig("current-context:", "current-context: expired");
    let namespace = &workspace.pod_namespace;
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "istio-ingressgateway", "namespace": namespace},
        "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
            "selector": {"istio": "ingressgateway"},
            "ports": [{"name": "https", "port": without_secret().port()}]}});
    plane.kubectl_with(&["apply", "--server-side"], &service.to_string());
    // Played is the cloud that gives an address.
    play_status(
        &plane,
        namespace,
        "service/istio-ingressgateway",
        &json!({"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}),
    );
    let fix = "istio-tls apply --context admin; istio-tls doctor --context admin httpbin.example.com";
    workspace
        .run(&["probe", "--target", "cluster", "--context", "admin"])
        .exits(1)
        .prints(fix);
    workspace
        .run(&["apply", "--context", "admin", "--wait", "1s"])
        .exits(1)
        .says("istio-tls probe --target cluster --context admin shows details");
    // The context is recorded by now, and still not kubectl's own.
    workspace.run(&["probe"]).exits(1).prints(fix);
    workspace
        .run(&["rotate", HOST, "--wait", "1s"])
        .exits(1)
        .prints("istio-tls apply --context admin");
}
