//! A browser: Chromium takes our PKCS#12 bundle and our root, and is served
//! over mutual TLS; and it reuses a connection where certificates overlap, with
//! the 404 that lint predicts.

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

/// Chromium's store of certificates below `home`, with the root of a chain.
fn store_with_root(dir: &Dir, home: &Path, host: &str) -> String {
    let store = format!("sql:{}", home.join(".pki/nssdb").display());
    std::fs::create_dir_all(home.join(".pki/nssdb")).expect("a folder");
    run(dir, "certutil", &["-N", "-d", &store, "--empty-password"]);
    let root = format!("{host}/1_root/certs/ca.cert.pem");
    run(
        dir,
        "certutil",
        &["-A", "-n", host, "-t", "C,,", "-i", &root, "-d", &store],
    );
    store
}

/// The page as Chromium shows it once all of it is loaded; every host of
/// example.com is the gateway.
fn page(serve: &Serve<'_>, home: &Path, url: &str) -> String {
    let map = format!("--host-resolver-rules=MAP *.example.com {}", serve.address(443));
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
        .args([&map, &data, "--virtual-time-budget=4000", "--dump-dom", url])
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
    let store = store_with_root(&dir, &home, HOST);
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

/// What Chromium gets from b.example.com when a page loads it after
/// a.example.com: the access log's line. `lint`, which predicts it, and
/// `probe --coalesce`, which does the same, end with `code`.
fn second_host(dir: &Dir, code: i32) -> String {
    let mut serve = Serve::start(dir, &[]);
    dir.run(&["lint"]).exits(code);
    dir.run(&["probe", "--coalesce"]).exits(code);
    let home = dir.path("home");
    if !home.exists() {
        store_with_root(dir, &home, "a.example.com");
    }
    let page_file = dir.write(
        "page.html",
        r"<body><script>
            const frame = url => { const made = document.createElement('iframe'); made.src = url; document.body.append(made); return made; };
            frame('https://a.example.com/').onload = () => frame('https://b.example.com/');
        </script></body>",
    );
    page(&serve, &home, &format!("file://{}", page_file.display()));
    let line_of = |log: &str| {
        let line = log
            .lines()
            .find(|line| line.contains("host=b.example.com") && line.contains("Chrome"));
        line.map(str::to_owned)
    };
    serve.wait_until("b.example.com was asked", |serve| line_of(&serve.log()).is_some());
    line_of(&serve.log()).expect("it was there")
}

#[test]
fn chromium_reuses_a_connection_where_certificates_overlap() {
    let dir = Dir::new();
    let chain = |host: &str, more: &[&str]| {
        let mut args = vec!["gen-certs", host, "--mode", "simple"];
        args.extend(more);
        dir.run(&args).exits(0);
    };
    chain("a.example.com", &["--san", "b.example.com"]);
    chain("b.example.com", &["--ca", "a.example.com"]);
    let overlapping = second_host(&dir, 1);
    assert!(overlapping.contains(" 404 NR "), "{overlapping}");
    assert!(overlapping.contains("sni=a.example.com"), "{overlapping}");
    chain("a.example.com", &["--force"]);
    chain("b.example.com", &["--ca", "a.example.com", "--force"]);
    std::fs::remove_dir_all(dir.path("home")).expect("the old root is forgotten");
    let apart = second_host(&dir, 0);
    assert!(apart.contains(" 200 "), "{apart}");
    assert!(apart.contains("sni=b.example.com"), "{apart}");
}
