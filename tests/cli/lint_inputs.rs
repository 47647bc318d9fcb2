//! What `lint` reads: folders and what stands in them, pipes.

use std::process::Command;

use crate::harness::Dir;

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME}\n";
const BROKEN: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME}\ndata: 3\n";

#[test]
fn folders_in_a_folder_are_named_or_looked_into() {
    let dir = Dir::new();
    dir.write("k8s/a.yaml", SECRET.replace("NAME", "a"));
    dir.write("k8s/gw/b.yaml", BROKEN.replace("NAME", "b"));
    dir.write("k8s/empty/readme.md", "no manifest");
    dir.write("k8s/..data/c.yaml", BROKEN.replace("NAME", "c"));
    let flat = dir
        .run(&["lint", "-f", "k8s/"])
        .exits(0)
        .says("k8s/gw is not looked into");
    assert!(!flat.stderr.contains("empty"), "{}", flat.stderr);
    dir.run(&["lint", "-R", "-f", "k8s/"])
        .exits(2)
        .prints("k8s/gw/b.yaml:4")
        .prints("Secret default/b");
    // A link that leads back up ends somewhere.
    std::os::unix::fs::symlink("..", dir.path("k8s/gw/up")).expect("a link");
    let ran = dir.run(&["lint", "-R", "-f", "k8s/", "-o", "json"]).exits(2);
    assert_eq!(
        ran.json()["findings"].as_array().map(Vec::len),
        Some(1),
        "{}",
        ran.stdout
    );
}

#[test]
fn one_odd_entry_does_not_keep_a_folder_from_being_read() {
    let dir = Dir::new();
    dir.write("k8s/a.yaml", BROKEN.replace("NAME", "a"));
    dir.write("k8s/kustomization.yaml", "resources: [a.yaml]\n");
    dir.write("k8s/values.yaml", "replicas: 3\n");
    std::os::unix::fs::symlink("nowhere", dir.path("k8s/dangling.yaml")).expect("a link");
    let made = Command::new("mkfifo").arg(dir.path("k8s/pipe.yaml")).status();
    assert!(made.expect("mkfifo is there").success());
    let ran = dir.run(&["lint", "-f", "k8s", "-o", "json"]).exits(2);
    let json = ran.json();
    let findings = json["findings"].as_array().expect("findings");
    let codes: Vec<(&str, &str)> = findings
        .iter()
        .map(|finding| (finding["code"].as_str().unwrap(), finding["file"].as_str().unwrap()))
        .collect();
    assert_eq!(
        codes,
        [
            ("ITL0002", "k8s/a.yaml"),
            ("ITL0001", "k8s/dangling.yaml"),
            ("ITL0001", "k8s/pipe.yaml"),
        ],
        "{json:#}"
    );
    assert!(
        ran.stderr.contains("k8s/kustomization.yaml holds no Kubernetes object"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("helm template k8s"), "{}", ran.stderr);
}

#[test]
fn a_pipe_may_be_named() {
    let dir = Dir::new();
    dir.write("a.yaml", BROKEN.replace("NAME", "a"));
    let program = env!("CARGO_BIN_EXE_istio-tls");
    let ran = Command::new("bash")
        .args(["-c", &format!("{program} lint <(cat a.yaml)")])
        .current_dir(dir.path(""))
        .output()
        .expect("bash is there");
    assert_eq!(ran.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&ran.stdout).contains("Secret default/a"),
        "{ran:?}"
    );
}
