//! gRPC through the gateway: Python's grpcio as the client over TLS and as the
//! server behind an `--upstream`; unary and streaming calls, metadata, error
//! statuses with details in trailers, deadlines and cancellation.

use crate::harness::Dir;
use crate::python::{PythonServer, python};
use crate::serve_process::Serve;

const HOST: &str = "grpc.example.com";

/// Every call of the client, with the server behind an upstream of this scheme.
#[track_caller]
fn every_call_comes_through(scheme: &str) {
    let server = PythonServer::start("grpc_server.py", &[]);
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--mode", "simple"]).exits(0);
    let upstream = format!("grpc={scheme}://127.0.0.1:{}", server.port);
    let serve = Serve::start(&dir, &["--upstream", &upstream]);
    let output = python("grpc_client.py")
        .args([&serve.address(443).port().to_string(), HOST])
        .arg(dir.path(format!("{HOST}/1_root/certs/ca.cert.pem")))
        .output()
        .expect("python3 starts");
    assert!(
        output.status.success(),
        "{}{}\nthe gateway:\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        serve.log()
    );
}

#[test]
fn grpc_reaches_an_h2c_upstream() {
    every_call_comes_through("h2c");
}

/// The address is plain HTTP; gRPC needs HTTP/2 all the same.
#[test]
fn grpc_reaches_an_http_upstream_over_h2c() {
    every_call_comes_through("http");
}
