//! `lint`: its inputs, output formats, exit codes, ignore comments and flags.
//! What each rule finds is tested beside the rules.

use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::Value;

use crate::harness::{Dir, Ran};

/// Two Secrets of one name: ITL0004, a warning, in line 6.
const TWICE: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: a}
type: Opaque
---
apiVersion: v1
kind: Secret
metadata: {name: a}
type: Opaque
";

/// A field that no Secret has: ITL0003, a warning, in line 4.
const UNKNOWN_FIELD: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\ndatum: {}\n";

fn folder(files: &[(&str, &str)]) -> Dir {
    let dir = Dir::new();
    for (name, content) in files {
        dir.write(name, content);
    }
    dir
}

/// The codes of findings with their files and lines.
#[track_caller]
fn found(ran: &Ran) -> Vec<(String, String, u64)> {
    let json = ran.json();
    assert_eq!(json["schema"], 1);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = json["findings"].as_array().expect("findings");
    findings
        .iter()
        .map(|finding| {
            (
                text(&finding["code"]),
                text(&finding["file"]),
                finding["line"].as_u64().unwrap_or(0),
            )
        })
        .collect()
}

#[track_caller]
fn assert_found(ran: &Ran, expected: &[(&str, &str, u64)]) {
    let found = found(ran);
    let found: Vec<(&str, &str, u64)> = found
        .iter()
        .map(|(code, file, line)| (code.as_str(), file.as_str(), *line))
        .collect();
    assert_eq!(found, expected, "{}", ran.stdout);
}

#[test]
fn text_shows_the_line_and_marks_the_value() {
    let dir = folder(&[("a.yaml", UNKNOWN_FIELD)]);
    let ran = dir.run(&["lint", "-f", "a.yaml"]).exits(1);
    let expected = "\
warning[ITL0003]: unknown field datum: an API server drops or refuses it
  at:  a.yaml:4:1  datum  (Secret default/b)
       |
     4 | datum: {}
       | ^^^^^
  why: kubectl refuses it, or the API server drops it, and then the setting has no effect
  try: correct the field's name or its indentation, or remove it
";
    assert!(ran.stdout.starts_with(expected), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("1 warning in 1 file\n"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    let colored = dir.run(&["lint", "-f", "a.yaml", "--color", "always"]).exits(1);
    assert!(colored.stdout.contains('\u{1b}'));
    dir.run(&["lint", "-f", "a.yaml", "-v"])
        .exits(1)
        .prints("  see: https://");
}

#[test]
fn long_lines_are_cut_to_the_width() {
    let long = UNKNOWN_FIELD.replace("datum: {}", &format!("datum: [{}]", "word ".repeat(100)));
    let dir = folder(&[("a.yaml", &long)]);
    let args = ["lint", "a.yaml"];
    let ran = Ran::of(dir.command(&args).env("COLUMNS", "60"), &args).exits(1);
    let line = ran
        .stdout
        .lines()
        .find(|line| line.contains("| datum: ["))
        .expect("the line");
    assert!(line.chars().count() <= 60 && line.ends_with("..."), "{line}");
}

#[test]
fn every_format_ends_with_the_same_code() {
    let good = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";
    let ignored = format!("# istio-tls:ignore ITL0004\n{good}");
    for (text, args, code) in [
        (good, &[][..], 0),
        (TWICE, &[], 1),
        (TWICE, &["--fail-on", "error"], 0),
        (TWICE, &["--min-severity", "error"], 1),
        (&ignored, &[], 0),
        (&ignored, &["--fail-on", "info"], 1),
        ("a: [", &[], 2),
        ("a: [", &["--fail-on", "error", "--min-severity", "error"], 2),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: 3\n", &[], 2),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: 3\n",
            &["--suppress", "ITL0002"],
            0,
        ),
    ] {
        let dir = folder(&[("a.yaml", text)]);
        for format in ["text", "json", "sarif", "github"] {
            let all = [&["lint", "-f", "a.yaml", "-o", format], args].concat();
            let ran = dir.run(&all).exits(code);
            if matches!(format, "json" | "sarif") {
                ran.json();
            }
        }
    }
    let dir = folder(&[("a.yaml", TWICE)]);
    dir.run(&["lint", "-f", "a.yaml", "-o", "yaml"])
        .exits(2)
        .says("text|json|sarif|github");
}

#[test]
fn json_is_as_documented() {
    let dir = folder(&[("a.yaml", TWICE)]);
    let json = dir.run(&["lint", "a.yaml", "-o", "json"]).exits(1).json();
    let finding = &json["findings"][0];
    let keys: Vec<&String> = finding.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "code", "istio", "severity", "object", "file", "line", "column", "path", "what", "why", "fix", "remedy",
            "doc"
        ]
    );
    assert_eq!(finding["severity"], "warning");
    assert_eq!(finding["object"], "Secret default/a");
    assert_eq!((&finding["line"], &finding["column"]), (&6.into(), &1.into()));
    assert!(finding["istio"].is_null());
    assert!(json["skipped"].is_array());
    let hidden = dir
        .run(&["lint", "a.yaml", "-o", "json", "--min-severity", "error"])
        .exits(1);
    assert_found(&hidden, &[]);
}

#[test]
fn sarif_has_what_its_schema_requires() {
    let dir = folder(&[("k8s/ä b.yaml", TWICE), ("k8s/c.yaml", UNKNOWN_FIELD)]);
    let log = dir.run(&["lint", "k8s", "-o", "sarif"]).exits(1).json();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(result["message"]["text"].is_string());
        assert_eq!(result["level"], "warning");
    }
    let places: Vec<&str> = results
        .iter()
        .map(|result| {
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(places, ["k8s/c.yaml", "k8s/%C3%A4%20b.yaml"]);
    let failed = dir.run(&["lint", "nothing.yaml", "-o", "sarif"]).exits(2).json();
    assert_eq!(failed["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

#[test]
fn github_commands_are_escaped() {
    let dir = folder(&[("a,b.yaml", UNKNOWN_FIELD)]);
    let ran = dir.run(&["lint", "a,b.yaml", "-o", "github"]).exits(1);
    assert!(
        ran.stdout
            .starts_with("::warning file=a%2Cb.yaml,line=4,col=1,title=ITL0003::unknown field datum: an API server"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.stdout.lines().count(), 1);
}

#[test]
fn inputs_of_every_shape() {
    let list =
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n  datum: {}\n";
    let json = r#"{"apiVersion": "v1", "kind": "SecretList", "items": [
        {"metadata": {"name": "a"}, "datum": {}}]}"#;
    let dir = folder(&[
        ("k8s/one.yaml", UNKNOWN_FIELD),
        ("k8s/two.json", json),
        ("k8s/.hidden.yaml", "a: ["),
        ("k8s/README.md", "a: ["),
        ("list.yaml", list),
        (
            "helm.yaml",
            &format!("---\n# Source: chart/templates/a.yaml\n---\n\n---\n{UNKNOWN_FIELD}"),
        ),
        ("bom.yaml", &format!("\u{feff}{}", UNKNOWN_FIELD.replace('\n', "\r\n"))),
    ]);
    for (args, expected) in [
        (
            &["k8s"][..],
            &[("ITL0003", "k8s/one.yaml", 4), ("ITL0003", "k8s/two.json", 2)][..],
        ),
        (&["-f", "list.yaml"], &[("ITL0003", "list.yaml", 7)]),
        (&["helm.yaml"], &[("ITL0003", "helm.yaml", 9)]),
        (&["bom.yaml"], &[("ITL0003", "bom.yaml", 4)]),
        (
            &["-f", "k8s/one.yaml", "./k8s/../k8s/one.yaml", "-f", "k8s"],
            &[("ITL0003", "k8s/one.yaml", 4), ("ITL0003", "k8s/two.json", 2)],
        ),
    ] {
        let ran = dir.run(&[&["lint", "-o", "json"], args].concat()).exits(1);
        assert_found(&ran, expected);
    }
    let ran = dir
        .run_with_input(&["lint", "-f", "-", "-o", "json"], TWICE.as_bytes())
        .exits(1);
    assert_found(&ran, &[("ITL0004", "-", 6)]);
    // The same object in two files.
    let ran = dir
        .run_with_input(&["lint", "-", "k8s/one.yaml", "-o", "json"], UNKNOWN_FIELD.as_bytes())
        .exits(1);
    assert_found(
        &ran,
        &[
            ("ITL0003", "-", 4),
            ("ITL0004", "k8s/one.yaml", 1),
            ("ITL0003", "k8s/one.yaml", 4),
        ],
    );
}

#[test]
fn the_workspace_is_linted_where_nothing_is_given() {
    let dir = Dir::new();
    dir.run(&["lint"])
        .exits(2)
        .says("istio-tls gen-certs httpbin.example.com");
    dir.run(&["lint", "-o", "json"]).exits(2).json();
    dir.run(&["gen-certs", "httpbin.example.com", "bookinfo.com"]).exits(0);
    for target in ["latest", "1.1"] {
        let ran = dir.run(&["lint", "--istio", target]).exits(0);
        assert!(ran.stdout.contains("no findings: "), "{}", ran.stdout);
        assert!(ran.stdout.contains("objects of the workspace"), "{}", ran.stdout);
    }
    let other = Dir::new();
    let path = dir.path("");
    other.run(&["lint", "-C", path.to_str().unwrap()]).exits(0);
}

#[test]
fn what_is_made_lints_clean() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com", "bookinfo.com"]).exits(0);
    for (target, args) in [
        ("latest", &[][..]),
        ("latest", &["--mode", "simple", "--samples"]),
        ("latest", &["--mode", "optional-mutual"]),
        ("latest", &["--secrets", "file-mount"]),
        ("latest", &["--api", "gateway-api"]),
        ("latest", &["--issuer", "cert-manager"]),
        ("1.1", &[]),
        ("1.1", &["--secrets", "file-mount", "--samples"]),
    ] {
        let all = [&["manifests", "--istio", target], args].concat();
        let made = dir.run(&all).exits(0);
        let ran = dir
            .run_with_input(
                &[
                    "lint",
                    "-f",
                    "-",
                    "--istio",
                    target,
                    "-o",
                    "json",
                    "--min-severity",
                    "warning",
                ],
                made.stdout.as_bytes(),
            )
            .exits(0);
        assert_found(&ran, &[]);
    }
}

#[test]
fn comments_silence_findings_where_they_stand() {
    for (comment, line, expected) in [
        ("# istio-tls:ignore ITL0004 known", 6, &[][..]),
        ("# istio-tls:ignore ITL0004", 5, &[]),
        (
            "# istio-tls:ignore ITL0004",
            4,
            &[("ITL0005", "a.yaml", 4), ("ITL0004", "a.yaml", 7)],
        ),
        (
            "# istio-tls:ignore ITL0003",
            6,
            &[("ITL0005", "a.yaml", 6), ("ITL0004", "a.yaml", 7)],
        ),
        ("# istio-tls:ignore ITL0004,ITL0003", 6, &[("ITL0005", "a.yaml", 6)]),
        (
            "# istio-tls:ignore itl7777",
            6,
            &[("ITL0005", "a.yaml", 6), ("ITL0004", "a.yaml", 7)],
        ),
        (
            "# istio-tls:ignore",
            6,
            &[("ITL0005", "a.yaml", 6), ("ITL0004", "a.yaml", 7)],
        ),
    ] {
        let mut lines: Vec<&str> = TWICE.lines().collect();
        lines.insert(line - 1, comment);
        let dir = folder(&[("a.yaml", &format!("{}\n", lines.join("\n")))]);
        let ran = dir.run(&["lint", "a.yaml", "-o", "json"]);
        assert_found(&ran, expected);
    }
    let beside = UNKNOWN_FIELD.replace("datum: {}", "datum: {} # istio-tls:ignore ITL0003 (a CRD of ours)");
    folder(&[("a.yaml", &beside)])
        .run(&["lint", "a.yaml", "--fail-on", "info"])
        .exits(0);
}

#[test]
fn flags_silence_codes_and_objects() {
    let both = format!("{TWICE}---\n{UNKNOWN_FIELD}");
    let dir = folder(&[("a.yaml", &both)]);
    for (suppress, expected) in [
        (&["ITL0003,ITL0004"][..], &[][..]),
        (&["itl0003", "ITL0004=Secret default/?"], &[]),
        (&["ITL0003", "ITL0004=default/*"], &[]),
        (&["ITL0003", "ITL0004=other/*"], &["ITL0004"]),
    ] {
        let mut args = vec!["lint", "a.yaml", "-o", "json"];
        for flag in suppress {
            args.extend(["--suppress", flag]);
        }
        let ran = dir.run(&args).exits(i32::from(!expected.is_empty()));
        let codes: Vec<String> = found(&ran).into_iter().map(|(code, ..)| code).collect();
        assert_eq!(codes, expected, "{suppress:?}");
    }
    dir.run(&["lint", "a.yaml", "--suppress", "ITL004"])
        .exits(2)
        .says("there is no code");
}

#[test]
fn codes_are_explained() {
    let dir = Dir::new();
    dir.run(&["lint", "explain", "itl0004"])
        .exits(0)
        .prints("an object that occurs twice")
        .prints("  try: ");
    dir.run(&["lint", "explain", "IST0106"]).exits(0).prints("ITL0002");
    let table = dir.run(&["lint", "explain"]).exits(0).stdout;
    assert!(
        table.lines().count() >= 5 && table.starts_with("ITL0001  error"),
        "{table}"
    );
    dir.run(&["lint", "explain", "ITL004"])
        .exits(2)
        .says("did you mean ITL0004");
    let json = dir.run(&["lint", "explain", "ITL0004", "-o", "json"]).exits(0).json();
    assert_eq!(json["codes"][0]["code"], "ITL0004");
    dir.run(&["lint", "explain", "NONE", "-o", "json"]).exits(2).json();
}

#[test]
fn broken_files_are_findings_and_the_rest_is_linted() {
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let alias = vec![format!("*a{}", level - 1); 10].join(", ");
            let _ = writeln!(text, "a{level}: &a{level} [{alias}]");
        }
        text
    };
    for (broken, said) in [
        ("a: [", "unclosed bracket"),
        ("apiVersion: v1\nkind: Secret\nkind: Secret\n", "occurs twice"),
        (&*bomb, "anchors and aliases"),
        ("just text", "expected a Kubernetes object"),
        ("{\"a\": }", ""),
        (&"[".repeat(10_000), ""),
        ("a: 1\n\tb: 2\n", ""),
        (
            "apiVersion: networking.istio.io/v9\nkind: Gateway\nmetadata: {name: a}\n",
            "apiVersion",
        ),
    ] {
        let dir = folder(&[("k8s/a.yaml", broken), ("k8s/b.yaml", UNKNOWN_FIELD)]);
        for format in ["text", "json", "sarif", "github"] {
            let ran = dir
                .run(&["lint", "k8s/a.yaml", "k8s/b.yaml", "-o", format])
                .exits(2)
                .prints(said)
                .prints("ITL0003");
            if matches!(format, "json" | "sarif") {
                ran.json();
            }
        }
    }
    let dir = folder(&[("b.yaml", UNKNOWN_FIELD)]);
    dir.write("a.yaml", [b'a', b':', 0xff, 0xfe]);
    dir.run(&["lint", "a.yaml", "b.yaml"])
        .exits(2)
        .prints("not UTF-8")
        .prints("ITL0003");
}

#[test]
fn files_that_cannot_be_read_stop_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = folder(&[("k8s/a.txt", ""), ("empty.yaml", ""), ("secret.yaml", TWICE)]);
    std::fs::File::create(dir.path("large.yaml"))
        .unwrap()
        .set_len(100 << 20)
        .unwrap();
    std::os::unix::fs::symlink("nowhere.yaml", dir.path("dangling.yaml")).unwrap();
    for (args, said) in [
        (&["missing.yaml"][..], "missing.yaml cannot be read"),
        (&["-f", "missing.yaml"], "no such file"),
        (&["large.yaml"], "large.yaml is too large"),
        (&["dangling.yaml"], "symbolic link"),
        (&["k8s"], "there is no manifest in k8s"),
        (&["empty.yaml", "--certs", "nowhere"], "--certs nowhere is not a folder"),
        (&["empty.yaml", "--fail-on", "fatal"], "fatal"),
        (&["empty.yaml", "--istio", "1.2"], "1.2"),
        (&["empty.yaml", "-n", "NO"], "NO"),
        (&["-", "--fix"], "standard input is not a file"),
    ] {
        let ran = dir.run(&[&["lint", "-o", "json"], args].concat()).exits(2).says(said);
        assert!(ran.json()["error"]["what"].is_string(), "{}", ran.stdout);
    }
    dir.run(&["lint", "empty.yaml"])
        .exits(0)
        .prints("no findings: 0 objects in 1 file");
    let secret = dir.path("secret.yaml");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Nothing is unreadable to root.
    if std::fs::read(&secret).is_err() {
        dir.run(&["lint", "secret.yaml"])
            .exits(2)
            .says("secret.yaml cannot be read");
    }
}

#[test]
fn secrets_are_never_shown() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let key = dir.read("httpbin.example.com/3_application/private/httpbin.example.com.key.pem");
    let line = key.lines().nth(1).unwrap().to_owned();
    let indented = format!("    {}\n", key.trim_end().replace('\n', "\n    "));
    for text in [
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  tls.key: |\n{indented}  tls.key: x\n"
        ),
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata:\n  tls.key: {line}!\n"),
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata: {{tls.key: {line}, a: [}}\n"),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: \"hunter2\nx: y\n".to_owned(),
    ] {
        dir.write("a.yaml", &text);
        for format in ["text", "json", "sarif", "github"] {
            let ran = dir.run(&["lint", "a.yaml", "--fix", "-v", "-o", format]).exits(2);
            let all = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!all.contains(&line[..30]) && !all.contains("hunter2"), "{all}");
        }
    }
}

#[test]
fn fixes_are_shown_then_written_on_yes() {
    use std::os::unix::fs::PermissionsExt as _;
    let gateway = "\
# The edge.
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [httpbin.example.com]
    tls:
      mode: SIMPLE
      serverCertificate: use sds
      privateKey: use sds
      credentialName: shop  # the shop's
";
    let dir = folder(&[("k8s/edge.yaml", gateway)]);
    let path = dir.path("k8s/edge.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("k8s/edge.yaml", dir.path("link.yaml")).unwrap();
    let shown = dir.run(&["lint", "link.yaml", "--fix"]);
    let shown = shown
        .says("-      serverCertificate: use sds\n")
        .says("nothing was changed");
    assert!(
        !shown.stdout.contains("use sds\n-"),
        "the diff is no finding: {}",
        shown.stdout
    );
    assert_eq!(dir.read("k8s/edge.yaml"), gateway);
    // A target that wants the placeholders keeps them.
    dir.run(&["lint", "link.yaml", "--fix", "--yes", "--istio", "1.1"])
        .says("nothing here can be fixed");
    assert_eq!(dir.read("k8s/edge.yaml"), gateway);
    dir.run(&["lint", "link.yaml", "--fix", "--yes"])
        .says("fixed link.yaml");
    let expected = gateway.replace("      serverCertificate: use sds\n      privateKey: use sds\n", "");
    assert_eq!(dir.read("k8s/edge.yaml"), expected);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(dir.path("link.yaml").is_symlink());
    dir.run(&["lint", "k8s", "--fix", "--yes"])
        .says("nothing here can be fixed");
    let json = dir.run(&["lint", "k8s", "--fix", "--yes", "-o", "json"]);
    assert!(json.json()["findings"].is_array());
}

#[test]
fn a_missing_intermediate_is_taken_from_the_chains_at_hand() {
    let chains = Dir::new();
    chains.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let made = chains.run(&["manifests", "--mode", "simple"]).exits(0).stdout;
    let secret: Value = serde_saphyr::from_multiple(&made).expect("YAML").remove(0);
    let whole = secret["data"]["tls.crt"].as_str().expect("a chain");
    let pem = base64::engine::general_purpose::STANDARD.decode(whole).expect("base64");
    let pem = String::from_utf8(pem).expect("PEM");
    let end = pem.find("-----END CERTIFICATE-----\n").expect("a certificate") + 26;
    let leaf = base64::engine::general_purpose::STANDARD.encode(&pem[..end]);
    let dir = folder(&[("all.yaml", &made.replace(whole, &leaf))]);
    let certs = chains.path("httpbin.example.com");
    for (args, text) in [
        (&[][..], made.replace(whole, &leaf)),
        (&["--certs", certs.to_str().unwrap()], made.clone()),
    ] {
        let ran = dir.run(&[&["lint", "all.yaml", "--fix", "--yes"], args].concat());
        assert_eq!(dir.read("all.yaml"), text, "{}", ran.stderr);
    }
}

#[test]
fn a_folder_of_secrets_is_mended() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let made = dir.run(&["manifests"]).exits(0).stdout;
    // Somebody else's names and namespace.
    let broken = made
        .replace("tls.crt:", "cert-chain.pem:")
        .replace("tls.key:", "key.pem:")
        .replace("ca.crt:", "root-cert.pem:")
        .replace("namespace: istio-system", "namespace: default")
        .replace("type: kubernetes.io/tls", "type: Opaque");
    let expected = made.replace("type: kubernetes.io/tls", "type: Opaque");
    assert_ne!(broken, expected);
    let other = folder(&[("all.yaml", &broken)]);
    // What is under the wrong names is seen once the Secret is in its place.
    for _ in 0..2 {
        let ran = other.run(&["lint", "all.yaml", "--fix", "--yes"]);
        assert!(ran.code == Some(0) || ran.code == Some(1), "{}", ran.stderr);
    }
    assert_eq!(other.read("all.yaml"), expected);
}

#[test]
fn what_is_suppressed_is_not_mended() {
    let gateway = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [httpbin.example.com]
    tls: {mode: SIMPLE, credentialName: shop, privateKey: sds}
---
apiVersion: v1
kind: Secret
metadata: {name: shop, namespace: default}
";
    let moved = gateway.replace("shop, namespace: default", "shop, namespace: istio-system");
    let dir = Dir::new();
    for (suppressed, expected) in [
        ("ITL0141,ITL0302", gateway.to_owned()),
        ("ITL0141=Gateway default/*,IST0101", gateway.to_owned()),
        ("ITL0141", moved.clone()),
        ("ITL0302=other/*", moved.replace(", privateKey: sds", "")),
    ] {
        dir.write("all.yaml", gateway);
        let ran = dir.run(&["lint", "all.yaml", "--fix", "--yes", "--suppress", suppressed]);
        assert_eq!(dir.read("all.yaml"), expected, "{suppressed}\n{}", ran.stderr);
    }
}

#[test]
fn a_secret_that_another_gateway_uses_is_not_moved() {
    let gateway = |name: &str, selector: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}, namespace: default}}\nspec:\n  selector: {{{selector}}}\n  servers:\n  - port: {{number: 443, name: https, protocol: HTTPS}}\n    hosts: [{name}.example.com]\n    tls: {{mode: SIMPLE, credentialName: shop}}\n---\n"
        )
    };
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: own, namespace: default}\nspec:\n  selector: {matchLabels: {app: own}}\n  template:\n    metadata: {labels: {app: own}}\n    spec: {containers: [{name: istio-proxy, image: auto}]}\n---\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop, namespace: default}\n";
    let edge = gateway("edge", "istio: ingressgateway");
    let used = format!("{edge}{}{deployment}{secret}", gateway("own", "app: own"));
    let dir = folder(&[
        ("used.yaml", &used),
        ("free.yaml", &format!("{edge}{deployment}{secret}")),
    ]);
    dir.run(&["lint", "used.yaml", "--fix", "--yes"])
        .says("nothing here can be fixed");
    assert_eq!(dir.read("used.yaml"), used);
    dir.run(&["lint", "free.yaml", "--fix", "--yes"])
        .says("fixed free.yaml");
}
