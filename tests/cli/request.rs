//! `request`: one request over a judged connection, and the printed lines.

use serde_json::json;

use crate::harness::Dir;
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";

#[test]
fn the_body_goes_to_standard_output() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let _serve = Serve::start(&dir, &[]);
    dir.run(&["request", HOST, "/status/418"]).exits(0).prints("teapot");
    dir.run(&["request", HOST, "/status/418", "-i"])
        .exits(0)
        .prints("HTTP/2 418");
    dir.run(&["request", HOST, "/status/503"]).exits(1).says("HTTP 503");
    dir.run(&["request", HOST, "/status/418", "--alpn", "http/1.1", "-i"])
        .exits(0)
        .prints("HTTP/1.1 418");
}

#[test]
fn json_is_printed_whatever_is_answered() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let serve = Serve::start(&dir, &[]);
    let ask = |path: &str, exit: i32| dir.run(&["request", HOST, path, "-o", "json"]).exits(exit).json();
    let teapot = ask("/status/418", 0);
    assert_eq!((&teapot["schema"], &teapot["status"]), (&json!(1), &json!(418)));
    assert_eq!(teapot["protocol"], "HTTP/2");
    assert!(teapot["body"].as_str().is_some_and(|body| body.contains("teapot")));
    let headers = teapot["headers"].as_array().expect("headers");
    assert!(
        headers
            .iter()
            .any(|header| header["name"] == "server" && header["value"] == "istio-envoy")
    );
    let missing = ask("/status/404", 1);
    assert_eq!((&missing["status"], &missing["body"]), (&json!(404), &json!("")));
    let args = ["request", HOST, "/status/418", "--print", "curl", "-o", "json"];
    let line = dir.run(&args).exits(0).json();
    assert!(line["line"].as_str().is_some_and(|line| line.starts_with("curl ")));
    for format in ["yaml", "junit"] {
        dir.run(&["request", HOST, "/status/418", "-o", format])
            .exits(2)
            .says("this command has no output format");
    }
    drop(serve);
    let failed = ask("/status/418", 1);
    assert!(failed["error"]["what"].is_string(), "{failed}");
}

#[test]
fn nothing_is_sent_to_a_server_that_is_not_the_one_meant() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--bad", "expired"]).exits(0);
    let _serve = Serve::start(&dir, &[]);
    dir.run(&["request", HOST, "/status/418"])
        .exits(1)
        .says("expired")
        .says("certificate-expired");
    dir.run(&["request", HOST, "/status/418", "--no-client-cert"]).exits(1);
}

#[test]
fn lines_for_other_programs_name_files_and_never_keys() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let base = ["request", HOST, "/status/418", "--target", "127.0.0.1:9443", "--print"];
    for (program, part) in [
        ("curl", "--resolve httpbin.example.com:9443:127.0.0.1"),
        ("openssl", "-servername httpbin.example.com"),
        ("grpcurl", "-authority httpbin.example.com"),
    ] {
        let args: Vec<&str> = base.iter().copied().chain([program]).collect();
        let ran = dir.run(&args).exits(0).prints(part);
        assert!(ran.stdout.contains(program), "{}", ran.stdout);
        assert!(!ran.stdout.contains("PRIVATE"), "{}", ran.stdout);
        assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    }
    let args = [
        "request",
        HOST,
        "/post",
        "--target",
        "127.0.0.1:9443",
        "-d",
        "it's",
        "-X",
        "PUT",
        "-H",
        "a: b c",
        "--print",
        "curl",
    ];
    dir.run(&args)
        .exits(0)
        .prints("-X PUT")
        .prints("-H 'a: b c'")
        .prints("'it'\\''s'")
        .prints("--cert httpbin.example.com/4_client/certs/httpbin.example.com.cert.pem");
}

#[test]
fn bad_usage_ends_with_two() {
    let dir = Dir::new();
    dir.run(&["request"]).exits(2);
    dir.run(&["request", "a.example.com", "/a b", "--target", "127.0.0.1:1"])
        .exits(2);
    dir.run(&[
        "request",
        "a.example.com",
        "/",
        "-H",
        "not a header",
        "--target",
        "127.0.0.1:1",
    ])
    .exits(2)
    .says("is not a header");
    dir.run(&["request", "a.example.com", "/", "--print", "wget"]).exits(2);
    dir.run(&["request", HOST, "/"])
        .exits(1)
        .says("no local gateway is running here");
}

#[test]
fn a_path_that_cannot_be_sent_is_not_printed_either() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com"]).exits(0);
    for tool in ["curl", "openssl"] {
        dir.run(&[
            "request",
            "a.example.com",
            "/a b",
            "--target",
            "127.0.0.1:1",
            "--print",
            tool,
        ])
        .exits(2)
        .says("%20 is a space");
    }
}
