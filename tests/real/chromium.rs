//! A browser: Chromium takes our PKCS#12 bundle and our root, and is served
//! over mutual TLS.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::certificates::run;
use crate::harness::Dir;
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";
/// Where Debian's Chromium looks for policies. Without one it asks which
/// certificate to send, and without a screen nobody answers.
const POLICIES: &str = "/etc/chromium/policies/managed";

/// A policy for our host only, removed at the end.
struct Policy(PathBuf);

impl Policy {
    fn install() -> Option<Self> {
        let path = Path::new(POLICIES).join(format!("istio-tls-test-{}.json", std::process::id()));
        let rule = format!(r#"{{"pattern": "https://{HOST}", "filter": {{}}}}"#);
        let policy = serde_json::json!({"AutoSelectCertificateForUrls": [rule]});
        std::fs::create_dir_all(POLICIES).ok()?;
        std::fs::write(&path, policy.to_string()).ok()?;
        Some(Self(path))
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        // A policy for a host that nobody serves harms nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The page as Chromium shows it, with its certificates in `home`.
fn page(serve: &Serve<'_>, home: &Path, url: &str) -> String {
    let map = format!("--host-resolver-rules=MAP {HOST} {}", serve.address(443));
    let data = format!("--user-data-dir={}", home.join("data").display());
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([&map, &data, "--dump-dom", url])
        .env("HOME", home)
        .stdin(Stdio::null())
        .output()
        .expect("chromium is installed (Debian package chromium)");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn chromium_imports_the_bundle_and_is_served() {
    let Some(_policy) = Policy::install() else {
        println!("skipped: {POLICIES} cannot be written, and without a policy Chromium asks for the certificate");
        return;
    };
    let dir = Dir::new();
    dir.write("password", "secret");
    let made = ["gen-certs", HOST, "--pkcs12", "--password-file", "password"];
    dir.run(&made).exits(0);
    let serve = Serve::start(&dir, &[]);
    let home = dir.path("home");
    let store = format!("sql:{}", home.join(".pki/nssdb").display());
    std::fs::create_dir_all(home.join(".pki/nssdb")).expect("a folder");
    run(&dir, "certutil", &["-N", "-d", &store, "--empty-password"]);
    let root = format!("{HOST}/1_root/certs/ca.cert.pem");
    run(
        &dir,
        "certutil",
        &["-A", "-n", "root", "-t", "C,,", "-i", &root, "-d", &store],
    );
    let url = format!("https://{HOST}/status/418");
    let refused = page(&serve, &home, &url);
    assert!(
        !refused.contains("teapot"),
        "served without a client certificate:\n{refused}"
    );
    let bundle = format!("{HOST}/4_client/private/{HOST}.p12");
    run(
        &dir,
        "pk12util",
        &["-i", &bundle, "-d", &store, "-W", "secret", "-K", ""],
    );
    let served = page(&serve, &home, &url);
    assert!(served.contains("-=[ teapot ]=-"), "{served}\n{}", serve.log());
}
