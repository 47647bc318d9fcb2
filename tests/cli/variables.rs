//! ISTIO_TLS_* variables: below flags, above the rest.

use crate::harness::{Dir, Ran};

fn run(dir: &Dir, variables: &[(&str, &str)], args: &[&str]) -> Ran {
    Ran::of(dir.command(args).envs(variables.iter().copied()), args)
}

#[test]
fn a_flag_beats_the_variable_of_a_flag_that_it_excludes() {
    let dir = Dir::new();
    run(&dir, &[], &["gen-certs", "a.example"]).exits(0);
    // --root excludes --ca, --days excludes --not-after, --key-type excludes --compat.
    let variables = [
        ("ISTIO_TLS_CA", "a.example"),
        ("ISTIO_TLS_NOT_AFTER", "2020-01-01"),
        ("ISTIO_TLS_COMPAT", "1"),
    ];
    let args = [
        "gen-certs",
        "b.example",
        "--root",
        "ca",
        "--days",
        "3",
        "--key-type",
        "ecdsa-p384",
    ];
    run(&dir, &variables, &args).exits(0).prints("created ca/");
    run(&dir, &[], &["inspect", "b.example"]).exits(0).prints("ECDSA P-384");
    // And without the flags the variables hold.
    run(&dir, &variables[..1], &["gen-certs", "c.example"])
        .exits(0)
        .prints("the shared intermediate");
}

#[test]
fn a_variable_is_what_a_typed_flag_needs() {
    let dir = Dir::new();
    // A context needs --cluster, and a key its certificate.
    for value in ["1", "yes"] {
        let args = ["lint", "--context", "nowhere"];
        run(&dir, &[("ISTIO_TLS_CLUSTER", value)], &args)
            .exits(2)
            .says("kubeconfig");
    }
    for variables in [&[][..], &[("ISTIO_TLS_CLUSTER", "0")], &[("ISTIO_TLS_CLUSTER", "")]] {
        run(&dir, variables, &["lint", "--context", "nowhere"])
            .exits(2)
            .says("required arguments were not provided");
    }
    run(
        &dir,
        &[("ISTIO_TLS_CLUSTER", "maybe")],
        &["lint", "--context", "nowhere"],
    )
    .exits(2)
    .says("ISTIO_TLS_CLUSTER");
    dir.run(&["gen-certs", "a.example"]).exits(0);
    let client =
        ["certs/a.example.cert.pem", "private/a.example.key.pem"].map(|part| format!("a.example/4_client/{part}"));
    let args = ["probe", "a.example", "--key", &client[1], "--target", "127.0.0.1:1"];
    run(&dir, &[("ISTIO_TLS_CERT", &client[0])], &args)
        .exits(1)
        .prints("connection-refused");
    // Variables are for every command: one whose need is not met has no effect.
    run(&dir, &[("ISTIO_TLS_CONTEXT", "nowhere")], &["lint"]).exits(0);
}

#[test]
fn two_variables_that_exclude_each_other_are_told() {
    let dir = Dir::new();
    let variables = [("ISTIO_TLS_DAYS", "3"), ("ISTIO_TLS_NOT_AFTER", "2040-01-01")];
    let args = ["gen-certs", "a.example", "-o", "json"];
    let ran = run(&dir, &variables, &args)
        .exits(2)
        .says("the variables ISTIO_TLS_DAYS and ISTIO_TLS_NOT_AFTER exclude each other");
    assert!(ran.json()["error"]["what"].is_string(), "{}", ran.stdout);
    // A flag says which counts; other commands have no such flags.
    run(&dir, &variables, &["gen-certs", "a.example", "--days", "3"]).exits(0);
    run(&dir, &variables, &["lint"]).exits(0);
}

#[test]
fn booleans_and_empty_values() {
    let dir = Dir::new();
    for (value, made) in [("1", false), ("yes", false), ("0", true), ("", true)] {
        let host = format!("h{value}.example");
        run(&dir, &[("ISTIO_TLS_DRY_RUN", value)], &["gen-certs", &host]).exits(0);
        assert_eq!(dir.path(&host).exists(), made, "{value:?}");
    }
    run(&dir, &[("ISTIO_TLS_FORCE", "1")], &["gen-certs", "h0.example"]).exits(2);
}

#[test]
fn a_bad_variable_is_named() {
    let dir = Dir::new();
    for (name, value) in [
        ("ISTIO_TLS_DRY_RUN", "maybe"),
        ("ISTIO_TLS_KEY_TYPE", "dsa"),
        ("ISTIO_TLS_DAYS", "0"),
    ] {
        run(&dir, &[(name, value)], &["gen-certs", "a.example"])
            .exits(2)
            .says(&format!("comes from the variable {name}"));
    }
    let typed = run(
        &dir,
        &[("ISTIO_TLS_DAYS", "7")],
        &["gen-certs", "a.example", "--days", "0"],
    )
    .exits(2);
    assert!(!typed.stderr.contains("variable"), "{}", typed.stderr);
}

#[test]
fn wrong_usage_is_json_too() {
    let dir = Dir::new();
    for args in [
        &["-o", "json", "gen-certs", "a.example", "--days", "0"][..],
        &["gen-certs", "a.example", "--bogus", "-o", "json"],
        &["inspect", "-ojson"],
        &["manifests", "-n", "NO", "-o", "json"],
    ] {
        let ran = dir.run(args).exits(2);
        assert!(ran.json()["error"]["what"].is_string(), "{}", ran.stdout);
    }
}
