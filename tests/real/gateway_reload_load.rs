//! h2load at `serve` while its files change 200 times: the workspace's file
//! and the certificates, through the watcher. No request may fail.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::Dir;
use crate::serve_process::Serve;
use crate::tls_client::plain_get;

const HOST: &str = "httpbin.example.com";
/// Changes of the workspace's file, and as many of the certificates.
const CHANGES: usize = 100;
/// How long the clients go on; the changes must be done by then.
const SECONDS: usize = 40;

/// One h2load: so many connections, each with so many requests a second.
pub(crate) struct Load {
    child: Child,
    requests: usize,
}

impl Load {
    pub(crate) fn start(
        address: SocketAddr,
        kind: &[&str],
        connections: usize,
        per_second: usize,
        seconds: usize,
    ) -> Self {
        let requests = connections * per_second * seconds;
        let child = Command::new("h2load")
            .args(kind)
            .args(["-c", &connections.to_string(), "--rps", &per_second.to_string()])
            .args(["-n", &requests.to_string()])
            .args([
                &format!("--connect-to={address}"),
                &format!("https://{HOST}/status/200"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("h2load is installed (Debian package nghttp2-client)");
        Self { child, requests }
    }

    pub(crate) fn goes_on(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_none()
    }

    /// What h2load itself says of its requests: all succeeded.
    #[track_caller]
    pub(crate) fn lost_nothing(self) {
        let output = self.child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout);
        let all = format!(
            "{0} total, {0} started, {0} done, {0} succeeded, 0 failed, 0 errored, 0 timeout",
            self.requests
        );
        assert!(text.contains(&all), "{text}");
    }
}

/// A page of the admin.
pub(crate) fn page(serve: &Serve<'_>, path: &str) -> String {
    plain_get(serve.admin(), "localhost", path).expect("an answer").body
}

/// Replaces the workspace's file by one with another route, as editors do.
fn change_routes(dir: &Dir, original: &str, prefix: &str) {
    let routes = format!(
        "\n    routes:\n      - prefix: {prefix}\n        service: other\n        port: 80\n      - prefix: /\n        service: httpbin\n        port: 8000\n"
    );
    let entry = format!("  - host: {HOST}");
    let changed = original.replace(&entry, &format!("{entry}{}", routes.trim_end()));
    assert_ne!(original, changed);
    let new = dir.write("new.yaml", changed);
    std::fs::rename(new, dir.path("istio-tls.yaml")).expect("renamed");
}

#[test]
fn two_hundred_changed_files_under_load_lose_no_request() {
    let dir = Dir::new();
    let made = ["gen-certs", HOST, "--mode", "simple"];
    dir.run(&made).exits(0);
    let original = dir.read("istio-tls.yaml");
    let mut serve = Serve::start(&dir, &["--access-log", "off"]);
    let mut loads = [
        Load::start(serve.address(443), &["--h1"], 1000, 1, SECONDS),
        Load::start(serve.address(443), &["-m", "10"], 20, 20, SECONDS),
    ];
    serve.wait_until("all clients are connected", |serve| {
        let stats = page(serve, "/stats/prometheus");
        let active = stats
            .lines()
            .find_map(|line| line.strip_prefix("envoy_http_downstream_cx_active "));
        active.and_then(|count| count.parse().ok()).unwrap_or(0) >= 1020
    });
    let start = Instant::now();
    for number in 0..CHANGES {
        let prefix = format!("/changed-{number}/");
        change_routes(&dir, &original, &prefix);
        serve.wait_until("the route is there", |serve| {
            page(serve, "/config_dump").contains(&prefix)
        });
        let before = page(&serve, "/certs");
        dir.run(&["gen-certs", HOST, "--mode", "simple", "--force"]).exits(0);
        serve.wait_until("the new certificate is there", |serve| page(serve, "/certs") != before);
    }
    let took = start.elapsed();
    assert!(
        loads.iter_mut().all(Load::goes_on),
        "the load ended before the changes did, which took {took:?}"
    );
    assert!(took < Duration::from_mins(1), "{took:?}");
    for load in loads {
        load.lost_nothing();
    }
    let stats = page(&serve, "/stats/prometheus");
    let count = |outcome: &str| -> usize {
        let name = format!("istio_tls_reloads_total{{outcome=\"{outcome}\"}} ");
        let value = stats.lines().find_map(|line| line.strip_prefix(&name));
        value.expect("the counter").parse().expect("a number")
    };
    assert!(count("taken") >= 2 * CHANGES, "{stats}");
    assert_eq!(count("refused"), 0, "{}", serve.log());
}
