//! Tests against programs we did not write: openssl, curl, nginx, Envoy,
//! pkilint. scripts/test installs them and runs this; plain `cargo test` does not.

#[path = "../cli/harness.rs"]
mod harness;
mod manifests;
mod zoo;
