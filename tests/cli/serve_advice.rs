//! What `serve`, `lint`, `manifests` and `up` print to be typed, typed by a shell: in a
//! workspace that is reached by -C, it does what it says.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use rustix::process::Signal;

use crate::harness::{Dir, Ran};
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";
/// A folder whose name a shell must be told of.
const WS: &str = "my ws";

/// A folder with a workspace in it that has a chain of [`HOST`].
fn workspace() -> Dir {
    let dir = Dir::new();
    std::fs::create_dir(dir.path(WS)).expect("a folder");
    dir.run(&["-C", WS, "gen-certs", HOST]).exits(0);
    dir
}

/// Types a line that was printed.
#[track_caller]
fn typed(dir: &Dir, ran: &Ran, line: &str) -> Ran {
    let printed = format!("{}{}", ran.stdout, ran.stderr);
    assert!(
        printed.contains(line),
        "`{}` did not print {line:?}\n{printed}",
        ran.line
    );
    dir.types(line)
}

fn root(dir: &Dir) -> String {
    dir.read(format!("{WS}/{HOST}/1_root/certs/ca.cert.pem"))
}

#[test]
fn a_folder_that_is_not_there_is_made_first() {
    let dir = Dir::new();
    for args in [
        &["gen-certs", HOST][..],
        &["init", "--no-input"],
        &["manifests"],
        &["lint"],
        &["serve"],
        &["up", HOST, "--once"],
        &["status"],
        &["man"],
    ] {
        let mut all = vec!["-C", WS];
        all.extend_from_slice(args);
        let ran = dir.run(&all).exits(2).says("there is no such folder");
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    }
    assert!(!dir.path(WS).exists(), "nothing is made");
    let ran = dir.run(&["-C", WS, "gen-certs", HOST, "-o", "json"]).exits(2);
    assert_eq!(ran.json()["error"]["remedy"]["commands"][0]["kind"], "make-folder");
    typed(&dir, &ran, "mkdir -p 'my ws'").exits(0);
    dir.run(&["-C", WS, "gen-certs", HOST]).exits(0);
    let mut by_variable = dir.command(&["lint"]);
    by_variable.env("ISTIO_TLS_DIR", "elsewhere");
    Ran::of(&mut by_variable, &["lint"]).exits(2).says("mkdir -p elsewhere");
}

#[test]
fn nothing_to_serve_lint_or_make() {
    for command in ["serve", "lint", "manifests"] {
        let dir = Dir::new();
        std::fs::create_dir(dir.path(WS)).expect("a folder");
        let ran = dir.run(&["-C", WS, command]).exits(2);
        typed(&dir, &ran, "istio-tls -C 'my ws' gen-certs httpbin.example.com").exits(0);
        dir.run(&["-C", WS, "lint"]).exits(0);
    }
}

#[test]
fn a_host_without_a_chain() {
    let dir = workspace();
    let ran = dir.run(&["-C", WS, "manifests", "b.com"]).exits(2);
    typed(&dir, &ran, "istio-tls -C 'my ws' gen-certs b.com").exits(0);
    dir.run(&["-C", WS, "manifests", "b.com"]).exits(0);

    std::fs::remove_dir_all(dir.path(format!("{WS}/b.com"))).expect("removed");
    let serve = Serve::start(&dir, &["-C", WS]);
    let log = Ran {
        line: "serve".to_owned(),
        code: None,
        stdout: String::new(),
        stderr: serve.log(),
    };
    typed(&dir, &log, "istio-tls -C 'my ws' gen-certs b.com").exits(0);
    dir.run(&["-C", WS, "lint"]).exits(0);
}

#[test]
fn a_chain_without_its_key() {
    let dir = workspace();
    let before = root(&dir);
    std::fs::remove_file(dir.path(format!("{WS}/{HOST}/3_application/private/{HOST}.key.pem"))).expect("removed");
    let ran = dir.run(&["-C", WS, "manifests"]).exits(2);
    typed(&dir, &ran, "istio-tls -C 'my ws' rotate httpbin.example.com").exits(0);
    dir.run(&["-C", WS, "manifests"]).exits(0);
    assert_eq!(root(&dir), before, "the CA stays");
}

#[test]
fn a_gateway_whose_workspace_is_served_already() {
    let dir = workspace();
    let serve = Serve::start(&dir, &["-C", WS]);
    let ran = dir
        .run(&["-C", WS, "serve", "--admin", "127.0.0.1:0", "--port-map", "443=0"])
        .exits(3);
    typed(&dir, &ran, &format!("kill {}", serve.pid())).exits(0);
    assert_eq!(serve.ended(), Some(0));
}

#[test]
fn objects_without_a_gateway() {
    let dir = workspace();
    dir.write("service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n");
    let ran = dir.run(&["-C", WS, "serve", "-f", "service.yaml"]).exits(2);
    let made = typed(&dir, &ran, "istio-tls -C 'my ws' manifests --only gateway").exits(0);
    made.prints("kind: Gateway");
}

#[test]
fn a_change_that_is_not_taken_is_told_with_lines_for_the_workspace() {
    let dir = workspace();
    let before = root(&dir);
    let mut serve = Serve::start(&dir, &["-C", WS]);
    dir.run(&["gen-certs", HOST]).exits(0);
    let key = format!("{HOST}/3_application/private/{HOST}.key.pem");
    let other = dir.read(&key);
    dir.write(&format!("{WS}/{key}"), other);
    serve.wait_until("the change is refused", |serve| serve.log().contains("is not taken"));
    let line = "istio-tls -C 'my ws' rotate HOST";
    assert!(serve.log().contains(line), "{}", serve.log());
    dir.types(&line.replace("HOST", HOST)).exits(0);
    assert_eq!(root(&dir), before, "the CA stays");
    assert_eq!(serve.end(Signal::TERM), Some(0));
}

#[test]
fn what_is_ready_can_be_tried_from_where_the_user_stands() {
    let dir = workspace();
    let serve = Serve::start(&dir, &["-C", WS]);
    let log = serve.log();
    assert!(log.contains("\n  istio-tls -C 'my ws' probe\n"), "{log}");
    let curl = log
        .lines()
        .find(|line| line.starts_with("  curl "))
        .expect("a curl line");
    assert!(
        curl.contains(&format!("--cacert 'my ws/{HOST}/2_intermediate")),
        "{curl}"
    );
    dir.types("istio-tls -C 'my ws' probe").exits(0);
}

#[test]
fn folders_of_kustomize_and_helm_are_told_what_makes_objects_of_them() {
    let dir = workspace();
    dir.write("app/kustomization.yaml", "resources: []\n");
    dir.write("app/Chart.yaml", "name: a\n");
    dir.write(
        "app/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
    );
    dir.run(&["-C", WS, "lint", "app"])
        .exits(0)
        .says("kustomize build app | istio-tls -C 'my ws' lint -f -")
        .says("helm template app | istio-tls -C 'my ws' lint -f -");
    dir.run(&["-C", WS, "apply", "-f", "app", "--dry-run", "client", "--no-lint"])
        .exits(0)
        .says("kustomize build app | istio-tls -C 'my ws' lint -f -");
    let serve = dir.run(&["-C", WS, "serve", "-f", "app"]).exits(2);
    serve.says("istio-tls -C 'my ws' manifests --only gateway");
}

#[test]
fn lines_of_files_name_the_folder_as_a_shell_reads_it() {
    let dir = workspace();
    dir.run(&["-C", WS, "manifests", "--out", "my objects"])
        .exits(0)
        .says("next: kubectl apply --server-side -f 'my objects'\n");
    dir.run(&["-C", WS, "manifests", "--export", "envoy", "--out", "my envoy"])
        .exits(0)
        .says("next: envoy -c 'my envoy/envoy.yaml'\n");
}

#[test]
fn flags_that_lint_and_up_do_not_take_together_name_the_lines_that_do() {
    let dir = workspace();
    dir.run_with_input(&["-C", WS, "lint", "-f", "-", "--fix"], b"")
        .exits(2)
        .says("try: istio-tls -C 'my ws' lint -f FILE --fix\n");
    dir.run(&["-C", WS, "lint", "--cluster", "--fix"])
        .exits(2)
        .says("try: istio-tls -C 'my ws' lint -f FILE --fix; then istio-tls -C 'my ws' apply -f FILE\n");
    dir.run(&["-C", WS, "up", "-f", "gateway.yaml"])
        .exits(2)
        .says("try: istio-tls -C 'my ws' serve -f FILE, and beside it istio-tls -C 'my ws' probe\n");
    dir.run(&["-C", WS, "up", "--cluster"])
        .exits(2)
        .says("try: istio-tls -C 'my ws' serve --cluster, and beside it istio-tls -C 'my ws' probe\n");
}

#[test]
fn cert_manager_waits_for_the_rotation_of_a_ca() {
    let dir = workspace();
    dir.run(&["-C", WS, "rotate", HOST, "--ca"]).exits(0);
    let ran = dir.run(&["-C", WS, "manifests", "--issuer", "cert-manager"]).exits(2);
    let ran = ran.says("istio-tls -C 'my ws' rotate httpbin.example.com --finish");
    typed(&dir, &ran, "istio-tls -C 'my ws' rotate httpbin.example.com --abort").exits(0);
    dir.run(&["-C", WS, "manifests", "--issuer", "cert-manager"]).exits(0);
}

/// A user of the system other than the one who made the files; only root can be both.
fn as_another(dir: &Dir, args: &[&str]) -> Option<Ran> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can run a program as another user");
        return None;
    }
    let mut command = dir.command(args);
    command.uid(65_534).gid(65_534).stdin(Stdio::null());
    Some(Ran::of(&mut command, args))
}

#[test]
fn a_lock_that_another_user_left_behind_is_in_nobodys_way() {
    const UP: [&str; 8] = [
        "-C",
        WS,
        "up",
        "--once",
        "--admin",
        "127.0.0.1:0",
        "--port-map",
        "443=0",
    ];
    let dir = workspace();
    drop(Serve::start(&dir, &["-C", WS]));
    let told = dir.path(format!("{WS}/.istio-tls/serve.json"));
    if told.exists() {
        std::fs::remove_file(told).expect("removed");
    }
    let lock = dir.path(format!("{WS}/.istio-tls/serve.lock"));
    let owner = || std::fs::metadata(&lock).expect("a lock").uid();
    // The workspace becomes the other user's, but not what root's serve left in it.
    let roots = format!("chown 0 '{0}' && chmod 600 '{0}'", lock.display());
    dir.types(&format!("chmod 755 . && chown -R 65534 '{WS}' && {roots}"))
        .exits(0);
    let Some(ran) = as_another(&dir, &UP) else { return };
    ran.exits(0);
    assert_eq!(owner(), 65_534, "nobody serves, so it is replaced");

    // Somebody may serve: the lock stays, and it is said how it is had back.
    dir.write(&format!("{WS}/.istio-tls/serve.json"), "{}");
    dir.types(&roots).exits(0);
    let line = "sudo chown -R 65534 'my ws/.istio-tls'";
    as_another(&dir, &UP)
        .expect("root")
        .says("serve.lock cannot be opened")
        .says("permission denied; it belongs to the user 0")
        .says(line);
    dir.types(line.strip_prefix("sudo ").expect("sudo")).exits(0);
    assert_eq!(owner(), 65_534);

    // A guest in somebody's workspace.
    dir.types(&format!("chown -R 0 '{WS}' && chmod -R a+rX,go-w '{WS}' && {roots}"))
        .exits(0);
    let ran = as_another(&dir, &UP).expect("root");
    ran.says("run serve as the owner of the workspace");
}

#[test]
fn an_encrypted_key_is_told_how_to_decrypt_it() {
    let dir = workspace();
    let key = format!("{WS}/{HOST}/3_application/private/{HOST}.key.pem");
    dir.write(
        &key,
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let ran = dir.run(&["-C", WS, "manifests", "-o", "json"]).exits(2);
    let remedy = ran.json()["error"]["remedy"]["commands"][0].clone();
    assert_eq!(remedy["kind"], "openssl-decrypt");
    assert_eq!(remedy["line"], format!("openssl pkey -in '{key}' -out '{key}.plain'"));
}
