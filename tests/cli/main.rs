//! Black-box tests: every command, on the real binary.

mod bad_input_workspace;
mod dataplane_admin;
mod dataplane_http;
mod gen_certs;
mod gen_certs_crash;
mod generated;
mod harness;
mod init;
mod layering;
mod manifests;
mod schema;
mod serve_config;
mod serve_process;
mod serve_reload;
mod tls_client;
