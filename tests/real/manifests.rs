//! What `manifests --export envoy` writes, run by Envoy itself.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::Dir;
use crate::installed_tools::tool;
use crate::running_program::{Program, free_port};

const HTTPBIN: &str = "httpbin.example.com";
const BOOKINFO: &str = "bookinfo.com";

fn workspace() -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", HTTPBIN, BOOKINFO]).exits(0);
    dir
}

#[test]
fn envoy_takes_every_mode() {
    let dir = workspace();
    for mode in ["simple", "mutual", "optional-mutual"] {
        for format in ["yaml", "json"] {
            dir.run(&[
                "manifests",
                "--export",
                "envoy",
                "--mode",
                mode,
                "-o",
                format,
                "--out",
                "gw",
            ])
            .exits(0);
            validate(&dir.path(format!("gw/envoy.{format}")));
        }
        let inline = dir
            .run(&["manifests", "--export", "envoy", "--mode", mode])
            .exits(0)
            .says("private keys");
        dir.write("inline.yaml", &inline.stdout);
        validate(&dir.path("inline.yaml"));
    }
}

fn validate(config: &Path) {
    let output = Command::new(tool("envoy"))
        .args(["--mode", "validate", "-c"])
        .arg(config)
        .output()
        .expect("envoy starts");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn envoy_answers_as_the_task_page_says() {
    let dir = workspace();
    let upstream = upstream();
    let to_upstream = format!("httpbin=http://{upstream}");
    dir.run(&[
        "manifests",
        "--export",
        "envoy",
        "--upstream",
        &to_upstream,
        "-o",
        "json",
        "--out",
        "gw",
    ])
    .exits(0);
    let (_running, port) = run_exported(&dir);
    let client = |host: &str| {
        [
            "--cert".to_owned(),
            format!("{host}/4_client/certs/{host}.cert.pem"),
            "--key".to_owned(),
            format!("{host}/4_client/private/{host}.key.pem"),
        ]
    };
    let with = curl(&dir, HTTPBIN, port, "/status/418", &client(HTTPBIN));
    assert_eq!(with.status, "2 418", "{}", with.stderr);
    let without = curl(&dir, HTTPBIN, port, "/status/418", &[]);
    assert_ne!(without.code, Some(0), "a client without a certificate is refused");
    let outside = curl(&dir, HTTPBIN, port, "/other", &client(HTTPBIN));
    assert_eq!(outside.status, "2 404");
    // The other host's certificate, its own chain, and no upstream behind it.
    let bookinfo = curl(&dir, BOOKINFO, port, "/productpage", &client(BOOKINFO));
    assert_eq!(bookinfo.status, "2 503");
    let foreign = curl(&dir, BOOKINFO, port, "/productpage", &client(HTTPBIN));
    assert_ne!(foreign.code, Some(0), "a client of another CA is refused");
}

struct Answer {
    code: Option<i32>,
    status: String,
    stderr: String,
}

fn curl(dir: &Dir, host: &str, port: u16, path: &str, more: &[String]) -> Answer {
    let output = Command::new("curl")
        .args([
            "-sS",
            "--max-time",
            "20",
            "-o",
            "/dev/null",
            "-w",
            "%{http_version} %{http_code}",
        ])
        .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
        .args(["--cacert", &format!("{host}/2_intermediate/certs/ca-chain.cert.pem")])
        .args(more)
        .arg(format!("https://{host}:{port}{path}"))
        .current_dir(dir.path(""))
        .output()
        .expect("curl starts");
    Answer {
        code: output.status.code(),
        status: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Answers every request with 418.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            std::thread::spawn(move || {
                let mut request = [0; 8192];
                while stream.read(&mut request).is_ok_and(|length| length > 0) {
                    if stream
                        .write_all(b"HTTP/1.1 418 I'm a teapot\r\ncontent-length: 0\r\n\r\n")
                        .is_err()
                    {
                        break;
                    }
                }
            });
        }
    });
    address
}

/// Envoy with the bootstrap that stands in `gw/`, on free ports; and its port.
pub(crate) fn run_exported(dir: &Dir) -> (Program, u16) {
    let port = free_port();
    let mut config: Value = serde_json::from_str(&dir.read("gw/envoy.json")).unwrap();
    let address = |port: u16| json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
    config["static_resources"]["listeners"][0]["address"] = address(port);
    config["admin"]["address"] = address(free_port());
    dir.write("gw/envoy.json", config.to_string());
    let mut running = Program(
        Command::new(tool("envoy"))
            .args(["--concurrency", "1", "--disable-hot-restart", "-c", "gw/envoy.json"])
            .current_dir(dir.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("envoy starts"),
    );
    running.await_listening((Ipv4Addr::LOCALHOST, port).into(), || {
        "of Envoy nothing is kept".to_owned()
    });
    (running, port)
}
