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
    let flat = dir.run(&["lint", "-f", "k8s/"]).exits(0).says("k8s/gw is not searched");
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
        ran.stderr.contains("k8s has a kustomization, which is not applied"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("kustomize build k8s"), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("k8s/values.yaml contains no Kubernetes object and is skipped"),
        "{}",
        ran.stderr
    );
}

const GATEWAY: &str = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: shop}\nspec:\n  \
    selector: {istio: ingressgateway}\n  servers:\n  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [HOST]}\n";

/// What lies in repositories beside manifests.
#[test]
fn files_without_objects_are_passed_over() {
    let dir = Dir::new();
    dir.write("app/gw.yaml", GATEWAY.replace("HOST", "a.example.com"));
    dir.write("app/values-prod.yaml", "replicas: 2\nimage: {tag: v1}\n");
    dir.write("app/docker-compose.yml", "services: {web: {image: nginx}}\n");
    dir.write(
        "app/patch.json",
        r#"[{"op": "replace", "path": "/spec/replicas", "value": 2}]"#,
    );
    dir.write("app/ci.yaml", "jobs:\n  build: {steps: [{run: make}]}\n---\n- a\n");
    dir.write("app/broken.yaml", "a: [\n");
    let ran = dir.run(&["lint", "-f", "app"]).exits(0);
    assert!(
        ran.stderr.contains(
            "app/broken.yaml, app/ci.yaml, app/docker-compose.yml and 2 more contain no Kubernetes objects and are skipped"
        ),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stderr.matches("note:").count(), 1, "{}", ran.stderr);
    // By its name, such a file is bad input.
    for name in ["app/values-prod.yaml", "app/patch.json", "app/broken.yaml"] {
        dir.run(&["lint", "-f", name]).exits(2);
    }
    // What was meant to be an object is judged.
    for broken in [
        "apiVersion: networking.istio.io/v1\nspec: {}\n",
        "apiVersion: v1\nkind: [\n",
    ] {
        dir.write("app/half.yaml", broken);
        dir.run(&["lint", "-f", "app"]).exits(2).prints("app/half.yaml");
    }
}

#[test]
fn patches_of_a_kustomization_are_no_objects() {
    let dir = Dir::new();
    dir.write("base/gw.yaml", GATEWAY.replace("HOST", "a.example.com"));
    dir.write("base/kustomization.yaml", "resources: [gw.yaml]\n");
    let part = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: shop}\nspec: {servers: 3}\n";
    dir.write("prod/gw-patch.yaml", part);
    dir.write("prod/old.yaml", part);
    dir.write(
        "prod/Kustomization",
        "resources: [../base]\npatches: [{path: gw-patch.yaml}]\npatchesStrategicMerge: [old.yaml]\n",
    );
    let ran = dir.run(&["lint", "-R", "-f", "."]).exits(0);
    assert!(
        ran.stderr
            .contains("prod/gw-patch.yaml and ./prod/old.yaml are parts of kustomizations"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("kustomize build ./base"), "{}", ran.stderr);
    // By its name, it is judged.
    dir.run(&["lint", "-f", "prod/gw-patch.yaml"]).exits(2);
}

#[test]
fn templates_name_what_renders_them() {
    let dir = Dir::new();
    let template =
        "{{- if .Values.host }}\n".to_owned() + &GATEWAY.replace("HOST", "{{ .Values.host }}") + "{{- end }}\n";
    dir.write("edge/Chart.yaml", "apiVersion: v2\nname: edge\nversion: 0.1.0\n");
    dir.write("edge/values.yaml", "host: a.example.com\n");
    dir.write("edge/templates/gw.yaml", &template);
    dir.write("lone.yaml", &template);
    dir.write("gw.yaml", GATEWAY.replace("HOST", "a.example.com"));
    let ran = dir.run(&["lint", "-R", "-f", "."]).exits(0);
    assert!(ran.stderr.contains("./edge is a Helm chart"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("helm template ./edge | istio-tls lint -f -"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("./lone.yaml is a template"), "{}", ran.stderr);
    dir.run(&["lint", "-f", "edge/templates/gw.yaml"])
        .exits(2)
        .prints("helm template edge");
}

/// What kustomize, Flux or a vault plugin fills in is not known, and nothing is said of it.
#[test]
fn placeholders_are_not_judged() {
    let dir = Dir::new();
    let route = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: shop}\n\
        spec: {hosts: [b.example.com], gateways: [edge], http: [{route: [{destination: {host: v}}]}]}\n";
    for host in ["$(HOST)", "'${HOST}'", "'{{ host }}'", "'${HOST:=a.example.com}'"] {
        dir.write("a.yaml", GATEWAY.replace("HOST", host) + route);
        let ran = dir.run(&["lint", "-f", "a.yaml"]).exits(0);
        assert!(
            ran.stderr.contains("Gateway shop/edge is not judged"),
            "{host}: {}",
            ran.stderr
        );
    }
    // Filled in before it is YAML, the whole file is not known.
    dir.write("apps/a.yaml", GATEWAY.replace("HOST", "${HOST}"));
    dir.write("apps/b.yaml", GATEWAY.replace("HOST", "a.example.com"));
    let ran = dir.run(&["lint", "-f", "apps"]).exits(0);
    assert!(ran.stderr.contains("apps/a.yaml is a template"), "{}", ran.stderr);
    // A number, too; and what is encrypted in the repository.
    let port = GATEWAY
        .replace("number: 80", "number: '${PORT}'")
        .replace("HOST", "a.example.com");
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {tls.crt: 'ENC[AES256_GCM,data:x]'}\nsops: {mac: x}\n";
    dir.write("a.yaml", port + secret);
    dir.run(&["lint", "-f", "a.yaml"]).exits(0);
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
