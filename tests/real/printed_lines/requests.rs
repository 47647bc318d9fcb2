//! The lines that `request --print` prints work when pasted into a shell.

use std::process::Command;

use crate::harness::Dir;
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";

#[test]
fn pasted_lines_of_curl_and_openssl_show_the_teapot() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let _serve = Serve::start(&dir, &[]);
    for extra in [&[][..], &["--tls", "1.2"], &["--tls", "1.3"]] {
        for program in ["curl", "openssl"] {
            let mut args = vec!["request", HOST, "/status/418", "--print", program];
            args.extend(extra);
            let line = dir.run(&args).exits(0).stdout;
            let output = Command::new("sh")
                .args(["-c", &line])
                .current_dir(dir.path(""))
                .output()
                .unwrap_or_else(|error| panic!("{program} is not installed: {error}"));
            let shown = String::from_utf8_lossy(&output.stdout);
            assert!(
                shown.contains("teapot"),
                "{line}{shown}{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

#[test]
fn a_pasted_line_without_a_client_certificate_is_refused() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let _serve = Serve::start(&dir, &[]);
    let args = ["request", HOST, "/status/418", "--no-client-cert", "--print", "curl"];
    let line = dir.run(&args).exits(0).stdout;
    let status = Command::new("sh")
        .args(["-c", &line])
        .current_dir(dir.path(""))
        .status()
        .expect("curl is not installed");
    assert!(!status.success());
}
