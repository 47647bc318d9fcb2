//! What `manifests` writes for today's Istio, judged as an API server judges it
//! on create: schemas, unknown fields and CEL rules of the CRDs that Istio, the
//! Gateway API and cert-manager ship.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::harness::Dir;
use crate::installed_tools::{tool, tools_folder};

const HOSTS: [&str; 2] = ["httpbin.example.com", "bookinfo.com"];

/// A line of crdcheck.
#[derive(Debug, Deserialize)]
struct Judged {
    object: String,
    errors: Vec<String>,
}

struct Verdict {
    accepted: bool,
    objects: Vec<Judged>,
}

/// Whether the definitions of a folder take each of these objects; fields that
/// they have not are dropped, as by an API server.
pub(crate) fn accepts(objects: &[serde_json::Value], definitions: &Path) -> Vec<bool> {
    let documents: Vec<String> = objects.iter().map(|object| format!("---\n{object}\n")).collect();
    let judged = judge_by(&documents.concat(), definitions).objects;
    let is_fault = |error: &String| !error.starts_with("unknown field");
    judged
        .iter()
        .map(|object| !object.errors.iter().any(is_fault))
        .collect()
}

/// Runs crdcheck over YAML documents.
fn judge(manifests: &str) -> Verdict {
    judge_by(manifests, &tools_folder().join("crds"))
}

fn judge_by(manifests: &str, definitions: &Path) -> Verdict {
    let mut child = Command::new(tool("crdcheck"))
        .arg("-crds")
        .arg(definitions)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("crdcheck starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = manifests.as_bytes().to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("crdcheck ends");
    writer
        .join()
        .expect("the writer ends")
        .expect("crdcheck reads everything");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let accepted = match output.status.code() {
        Some(0) => true,
        Some(1) => false,
        code => panic!("crdcheck ended with {code:?}: {stderr}"),
    };
    let objects = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    Verdict { accepted, objects }
}

/// Every way of asking for objects that an API server of today takes.
fn ways() -> Vec<Vec<&'static str>> {
    let mut ways = Vec::new();
    for mode in ["simple", "mutual", "optional-mutual"] {
        for style in ["credential", "file-mount"] {
            ways.push(vec!["--mode", mode, "--secrets", style]);
            ways.push(vec!["--mode", mode, "--secrets", style, "--samples"]);
        }
    }
    for mode in ["simple", "mutual"] {
        ways.push(vec!["--mode", mode, "--api", "gateway-api"]);
        ways.push(vec![
            "--mode",
            mode,
            "--api",
            "gateway-api",
            "--gateway-namespace",
            "edge",
        ]);
        ways.push(vec!["--mode", mode, "--issuer", "cert-manager"]);
    }
    ways
}

#[test]
fn an_api_server_would_take_every_object() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOSTS[0], HOSTS[1]]).exits(0);
    for way in ways() {
        let made = dir.run(&[&["manifests"][..], &way].concat()).exits(0);
        let verdict = judge(&made.stdout);
        let refused: Vec<&Judged> = verdict.objects.iter().filter(|one| !one.errors.is_empty()).collect();
        assert!(verdict.accepted && refused.is_empty(), "`{}`: {refused:#?}", made.line);
        let gateways = verdict.objects.iter().filter(|one| one.object.starts_with("Gateway "));
        assert_eq!(gateways.count(), 1, "`{}` makes one Gateway", made.line);
    }
}

const GATEWAY: &str = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: mygateway
  namespace: default
spec:
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [httpbin.example.com]
    tls: {mode: SIMPLE, credentialName: httpbin-credential}
";

#[test]
fn the_judge_refuses_what_an_api_server_refuses() {
    assert!(judge(GATEWAY).accepted, "the object that the cases change");
    let cases = [
        (
            "a misspelt field",
            "credentialName",
            "credentialname",
            "unknown field spec.servers[0].tls.credentialname",
        ),
        ("a mode that is none", "SIMPLE", "MUTAL", "Unsupported value: \"MUTAL\""),
        ("a number as text", "443", "\"443\"", "must be of type integer"),
        (
            "a field that must be there",
            "    hosts: [httpbin.example.com]\n",
            "",
            "hosts: Required value",
        ),
        (
            "a CEL rule",
            "credentialName: httpbin-credential",
            "credentialName: a, credentialNames: [b]",
            "only one of credentialName or credentialNames can be set",
        ),
        (
            "a version that is none",
            "istio.io/v1",
            "istio.io/v2",
            "no schema for networking.istio.io/v2",
        ),
        (
            "a key twice",
            "mode: SIMPLE",
            "mode: SIMPLE, mode: MUTUAL",
            "already set in map",
        ),
        ("a bad name", "mygateway", "My_Gateway", "metadata.name"),
    ];
    for (what, from, to, says) in cases {
        let changed = GATEWAY.replacen(from, to, 1);
        assert_ne!(changed, GATEWAY, "{what}");
        let verdict = judge(&changed);
        let errors: Vec<&String> = verdict.objects.iter().flat_map(|one| &one.errors).collect();
        assert!(
            !verdict.accepted && errors.iter().any(|error| error.contains(says)),
            "{what} should say {says:?}: {errors:#?}"
        );
    }
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndatta: {}\n";
    assert!(!judge(secret).accepted, "a misspelt field of Kubernetes' own kinds");
}
