//! Black-box tests: every command, on the real binary.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test binary has no outside, may panic, says what it skips, and reads clock and environment"
)]

mod adopt;
mod adopt_secrets;
mod bad_input_manifests;
mod bad_input_workspace;
mod closed_output;
mod cluster_apply;
mod cluster_delete;
mod cluster_errors;
mod cluster_interrupt;
mod cluster_interrupt_early;
mod cluster_lost;
mod cluster_secrets;
mod cluster_sight;
mod cluster_watch;
mod corpus;
mod dataplane_admin;
mod dataplane_http;
mod dataplane_limits;
mod did_you_mean;
mod doctor;
mod fake_api_server;
mod gen_certs;
mod gen_certs_change;
mod gen_certs_crash;
mod generated;
mod harness;
mod http_stub;
mod init;
mod inspect;
mod json_schemas;
mod layering;
mod lint;
mod lint_corpus;
mod lint_elsewhere;
mod lint_environments;
mod lint_inputs;
mod manifests;
mod permissions;
mod printed_lines;
mod probe;
mod probe_advice;
mod request;
mod revoke;
mod rotate;
mod rotate_crash;
mod rotate_ends;
mod rotate_keys;
mod rotate_refused;
mod rotate_seen;
mod running_program;
mod schema;
mod serve_advice;
mod serve_certificates;
mod serve_config;
mod serve_gateway_api;
mod serve_played;
mod serve_process;
mod serve_reload;
mod serve_routes;
mod serve_saving;
mod serve_tcp;
mod snapshot_redaction;
mod snapshots;
mod source_tree;
mod status;
mod status_cluster;
mod task_page;
mod terminal_safety;
mod tls_client;
mod up;
mod variables;
mod verify;
mod workspace_hosts;
