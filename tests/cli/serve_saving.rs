//! `serve` while manifests are saved as editors and shells do it: truncated first,
//! in pieces, moved about, taken apart. No port closes for it.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::harness::Dir;
use crate::running_program::StopAtEnd;
use crate::serve_process::{Serve, client_of};
use crate::tls_client::plain_get;

const HOST: &str = "httpbin.example.com";

const GATEWAY: &str = "apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: mygateway}
spec:
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}
";

/// A route of its own VirtualService: `HOST.example.com/status` leads to httpbin.
fn route(host: &str) -> String {
    format!(
        "---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {host}}}
spec:
  hosts: [{host}.example.com]
  gateways: [mygateway]
  http:
  - route: [{{destination: {{host: httpbin}}}}]
"
    )
}

fn status(serve: &Serve<'_>, host: &str) -> Result<u16, String> {
    let address = serve.find_address(80).ok_or("port 80 is closed")?;
    plain_get(address, &format!("{host}.example.com"), "/status/204").map(|answer| answer.status)
}

/// Does something while a client asks for a host without pause; none of its requests may
/// fail. At least one is asked after the last change.
fn while_asking(serve: &mut Serve<'_>, host: &str, change: impl FnOnce(&mut Serve<'_>)) {
    let address = serve.address(80);
    let running = AtomicBool::new(true);
    let name = format!("{host}.example.com");
    std::thread::scope(|scope| {
        let stop = StopAtEnd(&running);
        let client = scope.spawn(|| {
            let mut count = 0_u32;
            while running.load(Ordering::Relaxed) {
                let answer = plain_get(address, &name, "/status/204").expect("the port is open");
                assert_eq!(answer.status, 204, "after {count} requests");
                count += 1;
            }
            count
        });
        change(serve);
        drop(stop);
        assert!(client.join().expect("no request failed") > 0);
    });
}

fn reloads(serve: &Serve<'_>) -> usize {
    serve.log().matches("configuration reloaded").count()
}

/// The time between two writes of a slow program.
fn pause() {
    std::thread::sleep(Duration::from_millis(60));
}

#[test]
fn a_file_that_is_written_in_pieces_counts_when_it_is_whole() {
    let dir = Dir::new();
    let all = format!("{GATEWAY}{}{}", route("a"), route("b"));
    dir.write("all.yaml", &all);
    let mut serve = Serve::start(&dir, &["-f", "all.yaml"]);
    while_asking(&mut serve, "b", |serve| {
        // The same text again, truncated first and cut at every line.
        let lines: Vec<&str> = all.split_inclusive('\n').collect();
        for cut in (0..lines.len()).step_by(3) {
            let (first, rest) = (lines[..cut].concat(), lines[cut..].concat());
            let mut file = File::create(dir.path("all.yaml")).unwrap();
            pause();
            file.write_all(first.as_bytes()).unwrap();
            pause();
            file.write_all(rest.as_bytes()).unwrap();
        }
        assert!(!serve.log().contains("ERROR"), "{}", serve.log());
        // The same by a shell that closes the file in between.
        fs::write(dir.path("all.yaml"), "").unwrap();
        pause();
        fs::write(dir.path("all.yaml"), &all[..all.len() / 2]).unwrap();
        pause();
        fs::write(dir.path("all.yaml"), &all).unwrap();
        // Another text, by a program that has the file open all the time: it has every
        // object, and what it holds in between would take the route of b.
        let other = format!("{GATEWAY}{}{}{}", route("c"), route("b"), route("a"));
        let cut = other.find("  http:").unwrap();
        let mut file = OpenOptions::new().write(true).open(dir.path("all.yaml")).unwrap();
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(&other.as_bytes()[..cut]).unwrap();
        pause();
        file.write_all(&other.as_bytes()[cut..]).unwrap();
        drop(file);
        serve.wait_until("the new route", |serve| status(serve, "c") == Ok(204));
        assert!(!serve.log().contains("the change is not taken"), "{}", serve.log());
    });
}

#[test]
fn a_file_that_stays_empty_is_told_and_its_objects_stay() {
    let dir = Dir::new();
    dir.write("gateway.yaml", GATEWAY);
    dir.write("routes.yaml", route("a"));
    let mut serve = Serve::start(&dir, &["-f", "gateway.yaml", "-f", "routes.yaml"]);
    while_asking(&mut serve, "a", |serve| {
        dir.write("routes.yaml", "\n");
        dir.write("gateway.yaml", "");
        serve.wait_until("it is told", |serve| {
            let log = serve.log();
            log.contains("routes.yaml is empty; the objects that it held still count")
                && log.contains("gateway.yaml is empty")
        });
        // Other files are followed meanwhile.
        dir.write("gateway.yaml", format!("{GATEWAY}{}", route("b")));
        serve.wait_until("a new route", |serve| status(serve, "b") == Ok(204));
        assert_eq!(serve.log().matches("routes.yaml is empty").count(), 1);
    });
    dir.write("routes.yaml", route("c"));
    serve.wait_until("the file is written again", |serve| status(serve, "c") == Ok(204));
    serve.wait_until("what it held is gone", |serve| status(serve, "a") == Ok(404));
}

#[test]
fn additions_count_at_once_and_removals_a_moment_later() {
    let dir = Dir::new();
    dir.write("manifests/gateway.yaml", GATEWAY);
    dir.write("manifests/routes.yaml", format!("{}{}", route("a"), route("b")));
    let mut serve = Serve::start(&dir, &["-f", "manifests"]);
    // Taken out of its file, together with an addition.
    dir.write("manifests/routes.yaml", format!("{}{}", route("a"), route("c")));
    serve.wait_until("an addition", |serve| status(serve, "c") == Ok(204));
    assert_eq!(status(&serve, "b"), Ok(204), "a removal waits");
    let since = Instant::now();
    serve.wait_until("a removal", |serve| status(serve, "b") == Ok(404));
    assert!(since.elapsed() > Duration::from_secs(1), "{:?}", since.elapsed());
    // Moved to another file, in two steps.
    while_asking(&mut serve, "a", |serve| {
        fs::remove_file(dir.path("manifests/routes.yaml")).unwrap();
        pause();
        let before = reloads(serve);
        dir.write("manifests/other.yaml", format!("{}{}", route("a"), route("d")));
        serve.wait_until("the new file", |serve| status(serve, "d") == Ok(204));
        serve.wait_until("what was left out", |serve| status(serve, "c") == Ok(404));
        assert!(reloads(serve) > before);
        // Renamed.
        fs::rename(dir.path("manifests/other.yaml"), dir.path("manifests/third.yaml")).unwrap();
        dir.write("manifests/fourth.yaml", route("e"));
        serve.wait_until("the rename was seen", |serve| status(serve, "e") == Ok(204));
    });
    fs::remove_file(dir.path("manifests/third.yaml")).unwrap();
    serve.wait_until("a deleted file", |serve| status(serve, "a") == Ok(404));
    fs::remove_file(dir.path("manifests/gateway.yaml")).unwrap();
    serve.wait_until("its port", |serve| serve.find_address(80).is_none());
}

#[test]
fn a_secret_that_vanishes_keeps_what_runs() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let client = client_of(&dir, HOST);
    for (only, file) in [("gateway,virtualservice", "routes.yaml"), ("secrets", "secrets.yaml")] {
        let ran = dir.run(&["manifests", "--only", only]).exits(0);
        dir.write(file, &ran.stdout);
    }
    let away = Dir::new();
    fs::rename(dir.path(HOST), away.path(HOST)).unwrap();
    let told = "the last one stays in use";
    let mut serve = Serve::start(&dir, &["-f", "routes.yaml", "-f", "secrets.yaml"]);
    assert!(serve.open(HOST, &client).is_ok());
    fs::remove_file(dir.path("secrets.yaml")).unwrap();
    serve.wait_until("it is told", |serve| serve.log().contains(told));
    assert!(serve.open(HOST, &client).is_ok(), "{}", serve.log());
    // A later change that is not about it.
    let routes = dir.read("routes.yaml");
    dir.write("routes.yaml", format!("{routes}{}", route("b")));
    let before = reloads(&serve);
    serve.wait_until("the change", |serve| reloads(serve) > before);
    assert!(serve.open(HOST, &client).is_ok(), "{}", serve.log());
    // A name that was never there is none that runs.
    dir.write(
        "routes.yaml",
        routes.replace("credentialName: ", "credentialName: other-"),
    );
    serve.wait_until("another name", |serve| serve.open(HOST, &client).is_err());
    serve.wait_until("it is said", |serve| {
        serve.log().contains("connections to its hosts are reset")
    });
    drop(serve);
    // A gateway that starts without it has nothing to keep.
    dir.write("routes.yaml", routes);
    let serve = Serve::start(&dir, &["-f", "routes.yaml"]);
    assert!(serve.open(HOST, &client).is_err());
}
