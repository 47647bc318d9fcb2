//! `istio-tls init`.

use crate::harness::Dir;

#[test]
fn the_defaults_are_written_with_comments() {
    let dir = Dir::new();
    dir.run(&["init", "--no-input"]).exits(0).prints("wrote istio-tls.yaml");
    let text = dir.read("istio-tls.yaml");
    assert!(text.contains("mode: mutual") && text.contains("# "), "{text}");
    let id = text.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id");
    assert_eq!(id.len(), 16);
    let other = Dir::new();
    other.run(&["init", "--no-input"]).exits(0);
    assert!(!other.read("istio-tls.yaml").contains(id), "ids are random");
}

#[test]
fn flags_are_recorded() {
    let dir = Dir::new();
    let ran = dir
        .run(&[
            "init",
            "--host",
            "httpbin.example.com",
            "--host",
            "10.0.0.1",
            "--mode",
            "optional-mutual",
            "--secrets",
            "file-mount",
            "--istio",
            "1.1",
            "--gateway-name",
            "public",
            "--selector",
            "app=gw",
            "-n",
            "edge",
            "--gateway-namespace",
            "ingress",
            "-o",
            "json",
        ])
        .exits(0);
    assert_eq!(ran.json()["hosts"], 2);
    let text = dir.read("istio-tls.yaml");
    for line in [
        "mode: optional-mutual",
        "secrets: file-mount",
        "name: public",
        "namespace: edge",
        "app: gw",
        "podNamespace: ingress",
        "- host: httpbin.example.com",
        "credentialName: httpbin-credential",
        "credentialName: ip-10-0-0-1-credential",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("istio: 1.1"), "1.1 unquoted is a number\n{text}");
}

#[test]
fn nothing_is_overwritten_and_bad_flags_write_nothing() {
    let dir = Dir::new();
    for args in [
        &["init", "--host", "../evil"][..],
        &["init", "--host", "a.com", "--host", "a.com"],
        &["init", "--mode", "sure"],
        &["init", "--gateway-name", "Not A Name"],
        &["init", "--selector", "nothing"],
        &["init", "-o", "yaml"],
    ] {
        dir.run(args).exits(2);
        assert!(!dir.path("istio-tls.yaml").exists(), "{args:?}");
    }
    dir.write("istio-tls.yaml", "mine\n");
    dir.run(&["init", "--no-input"]).exits(2).says("already exists");
    assert_eq!(dir.read("istio-tls.yaml"), "mine\n");
}
