//! Tests against programs we did not write: openssl, curl, nginx, Envoy,
//! pkilint. scripts/test installs them and runs this; plain `cargo test` does not.

mod gateway_fixture;
mod gateway_http;
mod gateway_load;
mod gateway_tls;
#[path = "../cli/harness.rs"]
mod harness;
