//! No private key is told: every command that reaches a cluster is run against a
//! real API server, as text and JSON and with -v, and what it prints, what the
//! processes show of themselves, and what the cluster keeps outside of a Secret's
//! data is searched for pieces of every key that there was.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;

use crate::cluster_gateway;
use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::{Dir, Ran};
use crate::running_program::{Program, await_condition};
use crate::tls_client::plain_get;

const HOST: &str = "httpbin.example.com";

/// Pieces of all keys so far, and where none of them may be.
struct Search {
    pieces: BTreeSet<String>,
}

impl Search {
    /// Learns the keys of the workspace as they are now; those before stay known.
    fn learn(&mut self, workspace: &ClusterWorkspace) {
        self.pieces.extend(workspace.secrets());
    }

    #[track_caller]
    fn finds_nothing(&self, what: &str, text: &str) {
        for piece in &self.pieces {
            assert!(!text.contains(piece.as_str()), "{what} holds a piece of a private key");
        }
        assert!(!text.contains("PRIVATE KEY"), "{what} holds the label of a private key");
    }

    /// Runs a command in every form, and searches what it says. `code` is that of
    /// the first form; a later one may find that nothing is left to do.
    #[track_caller]
    fn runs(&mut self, workspace: &ClusterWorkspace, args: &[&str], code: i32) {
        for (index, form) in [&[][..], &["-v"], &["-vv"], &["-o", "json"], &["-o", "json", "-v"]]
            .iter()
            .enumerate()
        {
            let args = [args, form].concat();
            let ran = Ran::of(&mut workspace.command(&args), &args);
            let ran = if index == 0 { ran.exits(code) } else { ran };
            self.learn(workspace);
            for (name, text) in [("standard output", &ran.stdout), ("standard error", &ran.stderr)] {
                self.finds_nothing(&format!("{name} of `{}`", ran.line), text);
            }
            if form.contains(&"json") {
                ran.json();
            }
        }
    }
}

#[test]
fn no_command_tells_a_private_key() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::new(&plane, "hushed", &[HOST], "mutual");
    let pods = workspace.pod_namespace.clone();
    let mut search = Search {
        pieces: BTreeSet::new(),
    };
    search.learn(&workspace);
    let target = format!("secret/{pods}/httpbin-credential");
    for (args, code) in [
        (&["apply", "--dry-run", "client"][..], 0),
        (&["apply", "--dry-run", "server"], 0),
        (&["apply", "--diff"], 1),
        (&["apply", "--no-wait", "--samples"], 0),
    ] {
        search.runs(&workspace, args, code);
    }
    let gateway = Dir::new();
    let serve = cluster_gateway::start(&plane, &workspace, &gateway);
    workspace.dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    search.learn(&workspace);
    for (args, code) in [
        (&["apply", "--diff"][..], 1),
        (&["status"], 1),
        (&["rotate", HOST, "--if-expires-in", "0d", "--dry-run"], 0),
        (&["rotate", HOST, "--if-expires-in", "0d"], 0),
        (&["rotate", HOST, "--dry-run"], 0),
        (&["rotate", HOST, "--clients"], 0),
        (&["rotate", HOST, "--ca"], 0),
        (&["status", "--expires-within", "366d"], 1),
        (&["rotate", HOST, "--finish"], 0),
        (&["rotate", HOST, "--context", "viewer"], 3),
        (&["probe", "--mtls", "--target", "cluster"], 0),
        (
            &["request", HOST, "/status/418", "--target", "cluster", "--print", "curl"],
            0,
        ),
        (&["probe", "--print-env", "--target", "cluster"], 0),
        (&["lint", "--cluster", "-n", &workspace.namespace], 0),
        // No node runs the gateway's pods.
        (&["doctor"], 1),
        (&["doctor", "--fix", "--yes"], 1),
        (&["inspect", &target], 0),
        (&["verify", &target], 0),
        (&["adopt", &target, "--host", HOST, "--force"], 0),
        (&["apply", "--prune", "--yes"], 0),
    ] {
        if args.contains(&"--print") {
            let ran = workspace.run(args).exits(code);
            search.finds_nothing("the line for curl", &ran.stdout);
        } else {
            search.runs(&workspace, args, code);
        }
    }
    // What the gateway writes and tells.
    search.finds_nothing("the log of serve --cluster", &serve.log());
    for page in ["/certs", "/config_dump", "/stats"] {
        let answer = plain_get(serve.admin(), "localhost", page).expect("an answer");
        search.finds_nothing(page, &answer.body);
    }
    // A conflict, whose words come from the server.
    let patch = r#"{"stringData": {"tls.key": "of jane"}}"#;
    plane.kubectl_ok(&[
        "-n",
        &pods,
        "patch",
        "secret",
        "httpbin-credential",
        "--field-manager=jane",
        "-p",
        patch,
    ]);
    search.runs(&workspace, &["rotate", HOST], 1);
    search.runs(&workspace, &["apply", "--no-wait"], 1);
    search.runs(&workspace, &["apply", "--no-wait", "--force-conflicts"], 0);

    // A process shows its arguments and environment to everybody on its machine.
    let mut command = workspace.command(&["rotate", HOST, "--wait", "60s", "--force-conflicts"]);
    let log = workspace.dir.path("rotate.log");
    command.stdout(Stdio::null());
    command.stderr(std::fs::File::create(&log).expect("a file"));
    drop(serve);
    let mut rotate = Program(command.spawn().expect("it starts"));
    let said = || std::fs::read_to_string(&log).expect("a log");
    await_condition(|| said().contains("waiting until"), said);
    search.learn(&workspace);
    for file in ["cmdline", "environ"] {
        let content = std::fs::read(format!("/proc/{}/{file}", rotate.0.id())).expect("a file of /proc");
        search.finds_nothing(file, &String::from_utf8_lossy(&content));
    }
    let threads = std::fs::read_dir(format!("/proc/{}/task", rotate.0.id())).expect("its threads");
    for thread in threads.flatten() {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        assert_eq!(children.trim(), "", "it has started another program");
    }
    rotate.0.kill().expect("killed");
    search.finds_nothing("the log of rotate", &said());

    // What the cluster keeps: the data of the Secret, and nothing anywhere else.
    let list = |args: &[&str]| -> Value {
        let all = [args, &["-o", "json", "--show-managed-fields"]].concat();
        serde_json::from_str(&plane.kubectl_ok(&all)).expect("JSON")
    };
    search.finds_nothing("an event", &list(&["get", "events", "-A"]).to_string());
    let mut seen = 0;
    for namespace in [&workspace.namespace, &pods] {
        for kind in [
            "secrets",
            "configmaps",
            "deployments",
            "services",
            "gateways.networking.istio.io",
            "virtualservices",
        ] {
            for mut object in list(&["-n", namespace, "get", kind])["items"]
                .as_array()
                .cloned()
                .unwrap_or_default()
            {
                if kind == "secrets" {
                    seen += 1;
                    let data = object.as_object_mut().expect("an object").shift_remove("data");
                    let key = data.expect("data")["tls.key"].to_string();
                    assert!(
                        search.pieces.iter().any(|piece| key.contains(piece)),
                        "the search finds no key at all"
                    );
                    assert_eq!(object["metadata"]["annotations"], Value::Null);
                }
                search.finds_nothing(&format!("{kind} {}", object["metadata"]["name"]), &object.to_string());
            }
        }
    }
    assert_eq!(seen, 1);
    search.runs(&workspace, &["delete", "--dry-run"], 0);
    search.runs(&workspace, &["delete", "--yes", "--ignore-not-found"], 0);
    search.finds_nothing("istio-tls.yaml", &workspace.dir.read("istio-tls.yaml"));
}
