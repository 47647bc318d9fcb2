//! Lint in the other commands: `serve` says what it finds and goes on,
//! `manifests` looks at what it makes.

use std::fmt::Write as _;

use crate::harness::Dir;
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";

/// A Secret that stands twice.
const TWICE: &str = "\
---
apiVersion: v1
kind: Secret
metadata: {name: twice}
---
apiVersion: v1
kind: Secret
metadata: {name: twice}
";

fn edge(dir: &Dir) -> String {
    dir.run(&["gen-certs", HOST]).exits(0);
    dir.run(&["manifests"]).exits(0).stdout
}

#[test]
fn serve_says_what_lint_finds_at_the_start_and_after_a_change() {
    let source = Dir::new();
    let mut text = edge(&source) + TWICE;
    let dir = Dir::new();
    dir.write("edge.yaml", &text);
    let mut serve = Serve::start(&dir, &["-f", "edge.yaml"]);
    let count = |serve: &Serve<'_>, said: &str| serve.log().matches(said).count();
    assert_eq!(count(&serve, "(ITL0004)"), 1, "{}", serve.log());
    let _ = writeln!(text, "datum: {{}}");
    dir.write("edge.yaml", &text);
    serve.wait_until("the new finding is said", |serve| serve.log().contains("(ITL0003)"));
    // What was said before is not said again, nor the same by two voices.
    assert_eq!(count(&serve, "(ITL0004)"), 1, "{}", serve.log());
    assert_eq!(count(&serve, "unknown field datum"), 1, "{}", serve.log());
    let _ = writeln!(text, "# istio-tls:ignore ITL0003 made up\nmore: {{}}");
    dir.write("edge.yaml", &text);
    serve.wait_until("the change is taken", |serve| {
        count(serve, "configuration reloaded") == 2
    });
    assert_eq!(count(&serve, "unknown field more"), 0, "{}", serve.log());
}

#[test]
fn a_strict_start_still_stops_at_what_would_be_dropped() {
    let source = Dir::new();
    let text = edge(&source);
    let dir = Dir::new();
    dir.write("edge.yaml", text.clone() + TWICE + "datum: {}\n");
    dir.run(&["serve", "-f", "edge.yaml", "--strict"])
        .exits(2)
        .says("unknown field datum");
    // A warning of lint's own is no reason.
    dir.write("edge.yaml", text + TWICE);
    let serve = Serve::start(&dir, &["-f", "edge.yaml", "--strict"]);
    assert!(serve.log().contains("(ITL0004)"), "{}", serve.log());
}

#[test]
fn what_is_made_has_nothing_to_warn_of() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "bookinfo.com"]).exits(0);
    for args in [
        &["manifests"][..],
        &["manifests", "--only", "gateway"],
        &["manifests", "--only", "virtualservice", "bookinfo.com"],
        &["manifests", "--api", "gateway-api"],
        &["manifests", "--issuer", "cert-manager"],
        &["manifests", "--istio", "1.1"],
        &["manifests", "--istio", "1.1", "--secrets", "file-mount"],
        &["manifests", "--secrets", "file-mount", "--only", "ingress-volumes"],
    ] {
        let ran = dir.run(args).exits(0);
        assert!(!ran.stderr.contains("warning"), "{args:?}\n{}", ran.stderr);
        let all = [args, &["--no-lint"]].concat();
        assert_eq!(dir.run(&all).exits(0).stdout, ran.stdout, "{args:?}");
    }
}

#[test]
fn services_that_are_not_made_are_no_reason_to_stop() {
    let dir = Dir::new();
    // The first has a sample, the second leads to a Service of the user's own.
    dir.run(&["gen-certs", "httpbin.example.com", "shop.example.org"])
        .exits(0);
    for args in [
        &["manifests", "--samples"][..],
        &["manifests", "--samples", "--api", "gateway-api"],
        &["manifests", "--samples", "--issuer", "cert-manager"],
        &["manifests", "--samples", "--only", "virtualservice"],
        &["manifests", "--only", "virtualservice"],
        &["manifests", "--only", "samples"],
        &["manifests", "shop.example.org", "--samples"],
    ] {
        let ran = dir.run(args).exits(0);
        for word in ["warning", "ITL"] {
            assert!(!ran.stderr.contains(word), "{args:?}\n{}", ran.stderr);
        }
        let all = [args, &["--no-lint"]].concat();
        assert_eq!(dir.run(&all).exits(0).stdout, ran.stdout, "{args:?}");
    }
}

#[test]
fn the_task_pages_own_mistake_is_a_note_for_istio_1_1() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "helloworld-v1.example.com", "httpbin.example.com"])
        .exits(0);
    for more in [&["--samples"][..], &["--only", "samples,virtualservice"]] {
        let args = [&["manifests", "--istio", "1.1"], more].concat();
        let ran = dir.run(&args).exits(0).says("leads to 5000");
        assert!(!ran.stderr.contains("ITL"), "{}", ran.stderr);
    }
    // A port of the user's own that a sample does not have is a mistake.
    let config = dir.read("istio-tls.yaml");
    let wrong = "    routes:\n      - {prefix: /, service: httpbin, port: 8001}\n";
    let host = "- host: httpbin.example.com\n";
    assert!(config.contains(host), "{config}");
    dir.write("istio-tls.yaml", config.replace(host, &format!("{host}{wrong}")));
    dir.run(&["manifests", "--istio", "1.1", "--samples"])
        .exits(1)
        .says("ITL0511");
}

#[test]
fn manifests_stop_on_what_lint_calls_an_error() {
    let mut stopped = Vec::new();
    for bad in [
        "expired",
        "not-yet-valid",
        "wrong-host",
        "wrong-ca",
        "no-san",
        "weak-key",
        "wrong-eku",
    ] {
        let dir = Dir::new();
        dir.run(&["gen-certs", HOST, "--bad", bad]).exits(0);
        let made = dir.run(&["manifests", "--no-lint"]).exits(0).stdout;
        let lint = Dir::new().run_with_input(&["lint", "-f", "-", "-o", "json"], made.as_bytes());
        let findings = lint.json()["findings"].clone();
        let count = |severity: &str| {
            let findings = findings.as_array().expect("findings").iter();
            findings.filter(|finding| finding["severity"] == severity).count()
        };
        let ran = dir.run(&["manifests", "-o", "json"]);
        if count("error") == 0 {
            assert_eq!(ran.exits(0).json()["kind"], "List", "{bad}");
            continue;
        }
        stopped.push(bad);
        let ran = ran.exits(1).says("--no-lint");
        assert!(ran.json()["error"]["what"].is_string(), "{bad}");
        assert_eq!(
            ran.stderr.matches("error: ").count(),
            count("error"),
            "{bad}: {}",
            ran.stderr
        );
        assert_eq!(
            ran.stderr.matches("warning: ").count(),
            count("warning"),
            "{bad}: {}",
            ran.stderr
        );
        let ran = dir.run(&["manifests", "-o", "json", "--no-lint"]).exits(0);
        assert_eq!(ran.json()["kind"], "List", "{bad}");
        assert_eq!(ran.stderr.matches("error: ").count(), 0, "{bad}: {}", ran.stderr);
        // What is not printed is not judged.
        dir.run(&["manifests", "--only", "virtualservice"]).exits(0);
    }
    assert!(stopped.contains(&"expired"), "{stopped:?}");
}

#[test]
fn apply_looks_at_the_pair_of_a_secret_that_comes_alone() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let fitting = dir.run(&["manifests", "--only", "secrets"]).exits(0).stdout;
    dir.write("fitting.yaml", &fitting);
    dir.run(&["lint", "-f", "fitting.yaml"]).exits(0);
    dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    let other = dir.run(&["manifests", "--only", "secrets"]).exits(0).stdout;
    // The certificate of one chain, with the key of another.
    let value = |text: &str, key: &str| {
        let mut lines = text.lines().map(str::trim);
        lines.find(|line| line.starts_with(key)).expect("the key").to_owned()
    };
    dir.write(
        "mixed.yaml",
        fitting.replace(&value(&fitting, "tls.key: "), &value(&other, "tls.key: ")),
    );
    dir.run(&["lint", "-f", "mixed.yaml"])
        .exits(1)
        .prints("ITL0404")
        .prints("does not belong to the certificate in tls.crt of secret istio-system/httpbin-credential");
    // Before any cluster is asked.
    dir.run(&["apply", "-f", "mixed.yaml", "--dry-run", "client"])
        .exits(1)
        .says("ITL0404");
}

#[test]
fn a_chain_without_its_key_is_told_where_the_key_belongs() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    std::fs::remove_file(dir.path(format!("{HOST}/3_application/private/{HOST}.key.pem"))).expect("it was there");
    let ran = dir.run(&["lint", "-o", "json"]).exits(1);
    let report = ran.json();
    let mut findings = report["findings"].as_array().expect("a list").iter();
    let found = findings.find(|one| one["code"] == "ITL0310").expect("ITL0310");
    let words = |field: &str| found[field].as_str().expect("words");
    assert!(words("what").ends_with("has a certificate but no key"), "{report:#}");
    assert!(words("fix").contains("3_application/private"), "{report:#}");
}
