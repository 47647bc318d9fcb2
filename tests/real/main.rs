//! Tests against programs we did not write: openssl, curl, nginx, Envoy,
//! pkilint. scripts/test installs them and runs this; plain `cargo test` does not.

mod envoy_gateway;
mod gateway_fixture;
mod gateway_load;
mod gateway_tls;
#[path = "../cli/harness.rs"]
mod harness;
mod printed_lines;
#[path = "../cli/running_serve.rs"]
mod running_serve;
mod zoo;

mod certificates;
mod pkcs12;

mod gen_certs;
