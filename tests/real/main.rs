//! Tests against programs we did not write: openssl, curl, nginx, Envoy,
//! pkilint. scripts/test installs them and runs this; plain `cargo test` does not.

mod envoy_gateway;
#[path = "../cli/harness.rs"]
mod harness;
mod printed_lines;
#[path = "../cli/running_serve.rs"]
mod running_serve;
mod zoo;
