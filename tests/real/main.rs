//! Tests against programs we did not write: openssl, curl, nginx, Envoy,
//! pkilint, grpcio, websockets, the shells. scripts/test installs them and runs this; plain `cargo test` does not.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test binary has no outside, may panic, says what it skips, and reads clock and environment"
)]

mod bettertls;
mod certificate_verdicts;
mod certificates;
mod chromium;
mod cluster_apply;
mod cluster_apply_force;
mod cluster_delete;
mod cluster_discover;
mod cluster_doctor;
mod cluster_failures;
mod cluster_forward;
mod cluster_gateway;
mod cluster_hints;
mod cluster_keys_hidden;
mod cluster_lint;
mod cluster_live;
mod cluster_live_load;
mod cluster_pods;
mod cluster_refusals;
mod cluster_rotate;
mod cluster_rotate_left;
mod cluster_rotate_resume;
mod cluster_rotate_seen;
mod cluster_secrets;
mod cluster_workspace;
mod control_plane;
mod crd_schemas;
mod doctor_gateway_api;
mod doctor_patient;
mod doctor_several;
mod doctor_status;
mod envoy_gateway;
mod gateway_api_definitions;
mod gateway_envoys;
mod gateway_fixture;
mod gateway_http;
mod gateway_load;
mod gateway_reload_load;
mod gateway_tls;
mod gen_certs;
mod gopki;
mod grpc;
mod installed_tools;
mod istio_samples;
mod judge;
mod manifests;
mod pem_readers;
mod pkcs12;
mod played_node;
mod printed_lines;
mod python;
mod regular_expressions;
mod rotation;
mod sarif;
mod serve_curl;
mod shell_completions;
mod websocket;
mod zoo;

// What the black-box tests use, too.
#[path = "../cli/harness.rs"]
mod harness;
#[path = "../cli/http_stub.rs"]
mod http_stub;
#[path = "../cli/json_schemas.rs"]
mod json_schemas;
#[path = "../cli/running_program.rs"]
mod running_program;
#[path = "../cli/serve_process.rs"]
mod serve_process;
#[path = "../cli/tls_client.rs"]
mod tls_client;
