//! Black-box tests: every command, on the real binary.

mod bad_input_workspace;
mod gen_certs;
mod gen_certs_crash;
mod generated;
mod harness;
mod init;
mod layering;
mod manifests;
mod probe;
mod request;
mod running_serve;
mod schema;
