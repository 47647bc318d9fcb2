//! Tests against programs we did not write: openssl, curl, nginx, Envoy,
//! pkilint. scripts/test installs them and runs this; plain `cargo test` does not.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test binary has no outside, and may panic"
)]

mod envoy_gateway;
mod gateway_fixture;
mod gateway_http;
mod gateway_load;
mod gateway_tls;
#[path = "../cli/harness.rs"]
mod harness;
mod manifests;
mod printed_lines;
#[path = "../cli/running_serve.rs"]
mod running_serve;
mod zoo;

mod certificates;
mod pkcs12;

mod gen_certs;
#[path = "../cli/serve_process.rs"]
mod serve_process;
#[path = "../cli/tls_client.rs"]
mod tls_client;

mod serve_curl;
