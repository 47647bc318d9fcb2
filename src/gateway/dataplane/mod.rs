//! The data plane: connections and requests, served by the table that holds.

pub mod access_log;
mod binding;
pub(super) mod clock;
mod closing;
mod connection;
pub(super) mod current;
mod downstream;
mod exchange;
mod forwarded;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod handshake;
mod headers;
pub mod limits;
pub mod listener;
mod local_reply;
mod proxy;
mod proxy_forward;
mod proxy_sample;
mod proxy_upgrade;
mod random;
mod request_body;
mod response_body;
pub mod settings;
mod signals;
pub(super) mod stats;
mod tasks;
mod tls;
mod tls_client_auth;
mod tls_failure;
mod upstream;
mod upstream_tls;
mod wire;
mod worker;
mod worker_state;
pub(super) mod workers;
