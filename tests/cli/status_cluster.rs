//! `status` and `rotate` beside a cluster whose context is gone, and the help of
//! `--context`. The API server here is the test's own.

use crate::fake_api_server::{FakeApiServer, kubeconfig, workspace};

const HOST: &str = "httpbin.example.com";

#[test]
fn the_files_are_told_of_though_the_context_is_gone() {
    let dir = workspace();
    let server = FakeApiServer::start();
    server.kubeconfig(&dir);
    dir.run(&["apply", "--no-wait"]).exits(0);
    let config = dir
        .read(".kube/config")
        .replace("name: there", "name: other")
        .replace("current-context: there", "current-context: other");
    dir.write(".kube/config", config);
    dir.run(&["status"])
        .exits(2)
        .prints(HOST)
        .says("there is no context \"there\"")
        .says("istio-tls.yaml names the context there, which the last apply used")
        .says("--local works without the cluster");
    let json = dir.run(&["status", "-o", "json"]).exits(2).json();
    assert_eq!(json["certificates"][0]["what"], "server");
    assert_eq!(json["context"], "there");
    let skipped = json["skipped"].as_array().expect("skipped");
    assert!(skipped.iter().any(|skipped| skipped["code"] == "ITL1009"), "{json:#}");
    dir.run(&["rotate", HOST])
        .exits(2)
        .says("istio-tls.yaml names the context there")
        .says("--local");
    std::fs::remove_file(dir.path(".kube/config")).expect("removed");
    dir.run(&["status"])
        .exits(2)
        .prints(HOST)
        .says("istio-tls.yaml names the context there");
    // A context that was typed is no word of the workspace's.
    kubeconfig(&dir, "http://127.0.0.1:1");
    let ran = dir.run(&["status", "--context", "typed"]).exits(2).prints(HOST);
    assert!(!ran.stderr.contains("istio-tls.yaml names"), "{}", ran.stderr);
}

#[test]
fn the_help_tells_which_context_is_the_default() {
    let dir = workspace();
    for (command, default) in [
        ("apply", "[default: its current context]"),
        ("delete", "[default: its current context]"),
        (
            "rotate",
            "[default: the one that apply recorded; without one no cluster is used]",
        ),
        (
            "status",
            "[default: the one that apply recorded; without one no cluster is used]",
        ),
        (
            "doctor",
            "[default: the one that apply recorded, else its current context]",
        ),
        (
            "probe",
            "[default: the one that apply recorded, else its current context]",
        ),
    ] {
        let help = dir.run(&[command, "--help"]).exits(0).stdout;
        let words: Vec<&str> = help.split_whitespace().collect();
        assert!(words.join(" ").contains(default), "{command}\n{help}");
    }
}
