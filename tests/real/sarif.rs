//! `lint -o sarif`, judged by the JSON Schema of SARIF 2.1.0.

use std::path::Path;
use std::process::Command;

use crate::harness::Dir;
use crate::installed_tools::{installed, tool};

/// Prints every violation; fails when there is one, or the schema is none.
const VALIDATE: &str = "
import json, sys, jsonschema
schema, log = (json.load(open(path, encoding='utf-8')) for path in sys.argv[1:3])
validator = jsonschema.Draft4Validator
validator.check_schema(schema)
errors = list(validator(schema).iter_errors(log))
for error in errors:
    print(list(error.absolute_path), error.message)
sys.exit(1 if errors else 0)
";

fn violations(dir: &Dir, log: &str) -> Result<(), String> {
    dir.write("log.json", log);
    let output = Command::new(tool("python3"))
        .args(["-c", VALIDATE])
        .arg(installed(Path::new("share/sarif-schema.json")))
        .arg(dir.path("log.json"))
        .output()
        .expect("python3 starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(said) }
}

#[test]
fn what_lint_finds_is_valid_sarif() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let made = dir.run(&["manifests"]).exits(0).stdout;
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndatum: {}\n";
    dir.write(
        "k8s/a b.yaml",
        format!("{made}{secret}{secret}# istio-tls:ignore ITL0001\n"),
    );
    dir.write("k8s/b.yaml", "a: [");
    dir.write(
        "k8s/c.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: c}\ndata: 3\n",
    );
    let absolute = dir.path("k8s");
    for (args, code) in [
        (&["lint", "k8s", "-o", "sarif"][..], 2),
        (&["lint", absolute.to_str().unwrap(), "-o", "sarif"], 2),
        (&["lint", "-o", "sarif"], 0),
        (&["lint", "missing.yaml", "-o", "sarif"], 2),
    ] {
        let ran = dir.run(args).exits(code);
        assert_eq!(violations(&dir, &ran.stdout), Ok(()), "{args:?}\n{}", ran.stdout);
        let broken = ran.stdout.replace("\"executionSuccessful\"", "\"executionFine\"");
        violations(&dir, &broken).expect_err("the schema is really looked at");
    }
    let input = dir
        .run_with_input(&["lint", "-f", "-", "-o", "sarif"], b"a: [")
        .exits(2);
    assert_eq!(violations(&dir, &input.stdout), Ok(()), "{}", input.stdout);
}
