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
    run(&dir, &variables, &args).exits(0).prints("made ca/");
    run(&dir, &[], &["inspect", "b.example"]).exits(0).prints("ECDSA P-384");
    // And without the flags the variables hold.
    run(&dir, &variables[..1], &["gen-certs", "c.example"])
        .exits(0)
        .prints("the shared intermediate");
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
