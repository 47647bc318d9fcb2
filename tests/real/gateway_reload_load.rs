//! Load on `serve` while its files change hundreds of times, through the watcher:
//! the workspace's file, certificates, and manifests, saved in every way. No request may fail.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::harness::Dir;
use crate::running_program::StopAtEnd;
use crate::serve_process::{Serve, trusting};
use crate::tls_client::{Connection, plain_get};

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

/// How a manifest is saved.
#[derive(Clone, Copy, Debug)]
enum Save {
    InPlace,
    Renamed,
    LinkSwapped,
    TruncatedFirst,
    InPieces,
    MovedAway,
    /// Not YAML at first, then as it shall be.
    Wrong,
}

/// Saves a text; `log` gives what serve has logged.
fn save(dir: &Dir, how: Save, number: usize, text: &str, log: &mut dyn FnMut(&str)) {
    let path = dir.path("manifests/routes.yaml");
    let pause = || std::thread::sleep(Duration::from_millis(25));
    let half = text.len() / 2;
    match how {
        Save::InPlace => std::fs::write(&path, text).expect("written"),
        Save::Renamed => {
            let new = dir.write("new.yaml", text);
            std::fs::rename(new, &path).expect("renamed");
        }
        Save::LinkSwapped => {
            let file = dir.write(&format!("versions/{number}.yaml"), text);
            let link = dir.path("link");
            std::os::unix::fs::symlink(file, &link).expect("linked");
            std::fs::rename(link, &path).expect("renamed");
        }
        Save::TruncatedFirst => {
            std::fs::write(&path, "").expect("truncated");
            pause();
            std::fs::write(&path, text).expect("written");
        }
        Save::InPieces => {
            use std::io::Write as _;
            let mut file = std::fs::File::create(&path).expect("truncated");
            pause();
            file.write_all(&text.as_bytes()[..half]).expect("written");
            pause();
            file.write_all(&text.as_bytes()[half..]).expect("written");
        }
        Save::MovedAway => {
            std::fs::remove_file(&path).expect("removed");
            pause();
            std::fs::write(&path, text).expect("written");
        }
        Save::Wrong => {
            std::fs::write(&path, format!("wrong-{number}: [\n")).expect("written");
            log("the change is not taken");
            std::fs::write(&path, text).expect("written");
        }
    }
}

/// Routes that lead everything to httpbin, and a prefix of their own.
fn routes(number: usize) -> String {
    format!(
        "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: changing}}
spec:
  hosts: ['{HOST}']
  gateways: [mygateway]
  http:
  - match: [{{uri: {{prefix: /changed-{number}/}}}}]
    route: [{{destination: {{host: other}}}}]
  - route: [{{destination: {{host: httpbin}}}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: mygateway}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - port: {{number: 443, name: https, protocol: HTTPS}}
    hosts: ['{HOST}']
    tls: {{mode: SIMPLE, credentialName: httpbin-credential}}
"
    )
}

#[test]
fn five_hundred_saves_of_every_kind_under_load_lose_no_request() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--mode", "simple"]).exits(0);
    dir.write("manifests/routes.yaml", routes(0));
    let mut serve = Serve::start(&dir, &["-f", "manifests", "--access-log", "off"]);
    let (address, client) = (serve.address(443), trusting(&dir, HOST));
    let running = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let stop = StopAtEnd(&running);
        let ask = |is_fresh: bool| {
            let (client, running) = (&client, &running);
            scope.spawn(move || {
                let open = || Connection::open(address, HOST, client).expect("a handshake");
                let mut connection = open();
                let mut count = 0_usize;
                while running.load(Ordering::Relaxed) {
                    if is_fresh {
                        connection = open();
                    }
                    let answer = connection.get("/status/200").expect("an answer");
                    assert_eq!(answer.status, 200, "after {count} requests");
                    count += 1;
                    // The machine is the test's, too.
                    std::thread::sleep(Duration::from_millis(1));
                }
                count
            })
        };
        let clients = [ask(false), ask(false), ask(true)];
        let kinds = [
            Save::InPlace,
            Save::Renamed,
            Save::LinkSwapped,
            Save::TruncatedFirst,
            Save::InPieces,
            Save::MovedAway,
        ];
        let mut refused = 0;
        for number in 1..=500 {
            let how = if number % 20 == 0 {
                Save::Wrong
            } else {
                kinds[number % kinds.len()]
            };
            let text = routes(number);
            let told = format!("wrong-{number}");
            save(&dir, how, number, &text, &mut |said| {
                serve.wait_until(&told, |serve| serve.log().matches(said).count() > refused);
                refused = serve.log().matches(said).count();
            });
            let prefix = format!("/changed-{number}/");
            serve.wait_until(&format!("{how:?}: the route is there"), |serve| {
                page(serve, "/config_dump").contains(&prefix)
            });
        }
        drop(stop);
        for client in clients {
            assert!(client.join().expect("no request failed") > 500);
        }
    });
}
