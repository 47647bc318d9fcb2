//! What comes from files, names and certificates does not steer the terminal: control
//! characters and those that turn text around are shown escaped.

use crate::harness::Dir;

/// Escape, bell, carriage return, a right-to-left override, a zero-width space.
const HOSTILE: &str = "a\u{1b}[31m\u{7}\r\u{202e}\u{200b}b";

#[track_caller]
fn is_safe(what: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let is_unsafe = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{202e}' | '\u{200b}');
    assert!(!text.contains(is_unsafe), "{what}: {text:?}");
}

#[test]
fn names_of_files_and_folders_are_escaped() {
    let dir = Dir::new();
    let yaml = format!("{HOSTILE}.yaml");
    dir.write(&yaml, "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: 3\n");
    let missing = format!("{HOSTILE}.none");
    for args in [
        &["lint", "-f", &yaml][..],
        &["lint", "-f", &missing],
        &["lint", "-f", &yaml, "-o", "github"],
        &["serve", "-f", &missing],
        &["verify", &missing],
        &["inspect", &yaml],
        &["inspect", &missing],
        &["adopt", &missing],
        &["-C", &missing, "status"],
        &["doctor", "--kubeconfig", &missing],
        &["apply", "-f", &missing],
    ] {
        let output = dir.command(args).output().expect("it runs");
        is_safe(&format!("{args:?}"), &output.stderr);
        is_safe(&format!("{args:?}"), &output.stdout);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(
            said.contains("\\u{1b}[31m") || args.contains(&"github"),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn values_in_manifests_are_escaped() {
    let dir = Dir::new();
    let hostile = "a\\e[31m\\a\\r\\u202e\\u200bb";
    let text = format!(
        "apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: edge, namespace: default}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - port: {{number: 443, name: https, protocol: HTTPS}}
    hosts: [\"{hostile}\", '\u{202e}\u{200b}.example.com']
    tls: {{mode: SIMPLE, credentialName: \"{hostile}\"}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: \"{hostile}\", namespace: default}}
spec: {{hosts: [\"{hostile}\"], gateways: [\"{hostile}\"]}}
"
    );
    dir.write("a.yaml", text);
    for args in [
        &["lint", "-f", "a.yaml"][..],
        &["lint", "-f", "a.yaml", "-v"],
        &["lint", "-f", "a.yaml", "-o", "github"],
        &["serve", "-f", "a.yaml", "--strict"],
    ] {
        let output = dir.command(args).output().expect("it runs");
        is_safe(&format!("{args:?}"), &output.stdout);
        is_safe(&format!("{args:?}"), &output.stderr);
    }
}

#[test]
fn names_in_certificates_are_escaped() {
    let dir = Dir::new();
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, HOSTILE);
    dir.write("cert.pem", params.self_signed(&key).expect("a certificate").pem());
    dir.write("key.pem", key.serialize_pem());
    for args in [
        &["inspect", "cert.pem"][..],
        &["verify", "cert.pem"],
        &["verify", "cert.pem", "--cacert", "cert.pem", "--host", "a.com"],
        &["adopt", "cert.pem", "key.pem"],
    ] {
        let output = dir.command(args).output().expect("it runs");
        is_safe(&format!("{args:?}"), &output.stdout);
        is_safe(&format!("{args:?}"), &output.stderr);
    }
}
