//! The task page's own curl lines against `serve`, unchanged but for host and
//! port, run by a shell in the folder in which the page's reader would be.

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::Dir;
use crate::serve_process::Serve;

/// Runs a line of the page with its two variables set.
fn shell(dir: &Dir, serve: &Serve<'_>, line: &str) -> Output {
    Command::new("sh")
        .arg("-c")
        .arg(line)
        .current_dir(dir.path(""))
        .env("INGRESS_HOST", "127.0.0.1")
        .env("SECURE_INGRESS_PORT", serve.address(443).port().to_string())
        .output()
        .expect("a shell")
}

#[track_caller]
fn prints(output: &Output, texts: &[&str]) {
    let all = format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        !all.contains("curl: not found"),
        "curl is not installed: apt-get install curl"
    );
    for text in texts {
        assert!(all.contains(text), "{text:?} is not in\n{all}");
    }
}

/// The page's request for a teapot, with these options.
fn teapot(host_folder: &str, options: &str) -> String {
    format!(
        "curl -v -HHost:httpbin.example.com --resolve httpbin.example.com:$SECURE_INGRESS_PORT:$INGRESS_HOST --cacert {host_folder}/2_intermediate/certs/ca-chain.cert.pem {options} https://httpbin.example.com:$SECURE_INGRESS_PORT/status/418"
    )
}

const CLIENT: &str = "--cert httpbin.example.com/4_client/certs/httpbin.example.com.cert.pem --key httpbin.example.com/4_client/private/httpbin.example.com.key.pem";

#[test]
fn simple_mode_serves_the_teapot_over_http_2() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com", "--mode", "simple"])
        .exits(0);
    let serve = Serve::start(&dir, &[]);
    let output = shell(&dir, &serve, &teapot("httpbin.example.com", ""));
    prints(
        &output,
        &[
            "HTTP/2 418",
            "-=[ teapot ]=-",
            "SSL certificate verify ok",
            "server: istio-envoy",
        ],
    );
}

#[test]
fn mutual_mode_refuses_without_a_client_certificate_and_serves_with_one() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let serve = Serve::start(&dir, &[]);
    let refused = shell(&dir, &serve, &teapot("httpbin.example.com", ""));
    assert!(!refused.status.success());
    prints(&refused, &["alert"]);
    // The page's own alert, that of TLS 1.2.
    let refused = shell(&dir, &serve, &teapot("httpbin.example.com", "--tls-max 1.2"));
    assert!(!refused.status.success());
    prints(&refused, &["alert"]);
    let served = shell(&dir, &serve, &teapot("httpbin.example.com", CLIENT));
    prints(&served, &["HTTP/2 418", "-=[ teapot ]=-"]);
    let served = shell(
        &dir,
        &serve,
        &teapot("httpbin.example.com", &format!("{CLIENT} --tls-max 1.2")),
    );
    prints(&served, &["HTTP/2 418", "-=[ teapot ]=-"]);
}

#[test]
fn two_hosts_on_one_port_each_get_their_certificate() {
    let dir = Dir::new();
    dir.run(&[
        "gen-certs",
        "httpbin.example.com",
        "helloworld-v1.example.com",
        "bookinfo.com",
        "--mode",
        "simple",
    ])
    .exits(0);
    let serve = Serve::start(&dir, &[]);
    let hello = shell(
        &dir,
        &serve,
        "curl -v -HHost:helloworld-v1.example.com --resolve helloworld-v1.example.com:$SECURE_INGRESS_PORT:$INGRESS_HOST --cacert helloworld-v1.example.com/2_intermediate/certs/ca-chain.cert.pem https://helloworld-v1.example.com:$SECURE_INGRESS_PORT/hello",
    );
    prints(&hello, &["HTTP/2 200", "Hello version: v1"]);
    let page = shell(
        &dir,
        &serve,
        "curl -o /dev/null -s -v -w \"%{http_code}\\n\" -HHost:bookinfo.com --resolve bookinfo.com:$SECURE_INGRESS_PORT:$INGRESS_HOST --cacert bookinfo.com/2_intermediate/certs/ca-chain.cert.pem https://bookinfo.com:$SECURE_INGRESS_PORT/productpage",
    );
    prints(&page, &["HTTP/2 200", "200\n"]);
    let output = shell(&dir, &serve, &teapot("httpbin.example.com", ""));
    prints(&output, &["HTTP/2 418", "-=[ teapot ]=-"]);
    let other = shell(&dir, &serve, &teapot("bookinfo.com", ""));
    assert_eq!(
        other.status.code(),
        Some(60),
        "another host's CA verifies this one's certificate"
    );
    let unknown = shell(
        &dir,
        &serve,
        "curl -v -k --resolve other.example.com:$SECURE_INGRESS_PORT:$INGRESS_HOST https://other.example.com:$SECURE_INGRESS_PORT/",
    );
    assert_eq!(unknown.status.code(), Some(35), "an unknown server name is served");
}

/// The page's second credential: a new chain for the host, made elsewhere and
/// put in the credential's place.
#[test]
fn after_the_credential_is_replaced_only_the_new_chain_verifies() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com", "--mode", "simple"])
        .exits(0);
    let mut serve = Serve::start(&dir, &[]);
    prints(
        &shell(&dir, &serve, &teapot("httpbin.example.com", "")),
        &["HTTP/2 418"],
    );
    let copied = |from: &Path, to: &Path| {
        assert!(
            Command::new("cp")
                .arg("-r")
                .args([from, to])
                .status()
                .expect("cp")
                .success()
        );
    };
    copied(&dir.path("httpbin.example.com"), &dir.path("httpbin.old.example.com"));
    dir.run(&["gen-certs", "httpbin.example.com", "--force"]).exits(0);
    copied(&dir.path("httpbin.example.com"), &dir.path("httpbin.new.example.com"));
    serve.wait_until("the new chain verifies", |serve| {
        shell(&dir, serve, &teapot("httpbin.new.example.com", ""))
            .status
            .success()
    });
    let output = shell(&dir, &serve, &teapot("httpbin.new.example.com", ""));
    prints(&output, &["HTTP/2 418", "-=[ teapot ]=-"]);
    let old = shell(&dir, &serve, &teapot("httpbin.old.example.com", ""));
    assert_eq!(old.status.code(), Some(60));
    prints(&old, &["SSL certificate problem"]);
}

#[test]
fn the_line_that_serve_prints_works() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let serve = Serve::start(&dir, &[]);
    let log = serve.log();
    let line = log
        .lines()
        .find_map(|line| line.trim().strip_prefix("curl "))
        .expect("a curl line");
    prints(
        &shell(&dir, &serve, &format!("curl {line}")),
        &["HTTP/2 418", "-=[ teapot ]=-"],
    );
}

/// The lines of docs/cluster.md, with the variables as they are printed.
#[test]
fn the_printed_variables_lead_curl_to_addresses_of_both_families() {
    const LINES: [&str; 2] = [
        "--connect-to \"httpbin.example.com:$SECURE_INGRESS_PORT:$INGRESS_HOST:$SECURE_INGRESS_PORT\"",
        "--resolve \"httpbin.example.com:$SECURE_INGRESS_PORT:$INGRESS_HOST\"",
    ];
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com", "--mode", "simple"])
        .exits(0);
    for address in ["127.0.0.1", "::1"] {
        if std::net::TcpListener::bind((address, 0)).is_err() {
            println!("skipped: this machine has no {address}");
            continue;
        }
        let serve = Serve::start(&dir, &["--bind", address]);
        let printed = dir.run(&["probe", "--print-env"]).exits(0);
        for options in LINES {
            let line = format!(
                "set -eu\n{}\ncurl -v {options} --cacert httpbin.example.com/1_root/certs/ca.cert.pem https://httpbin.example.com:$SECURE_INGRESS_PORT/status/418",
                printed.stdout
            );
            prints(&shell(&dir, &serve, &line), &["HTTP/2 418"]);
        }
    }
}
