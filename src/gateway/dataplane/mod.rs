//! The data plane: connections and requests, served by the current table.
//!
//! From the top: `workers` open the ports (`listener`) and start each `worker`,
//! which accepts connections. A `connection` shakes hands (`handshake`, `tls`),
//! speaks HTTP over `wire` (`http1` reads what clients of HTTP/1.1 send), and gives each request to `proxy` as an `exchange`
//! with the `binding` to its routes; `proxy_forward` sends it on to an
//! `upstream`, `proxy_sample` to a sample, and `local_reply` holds the gateway's
//! own answers. `tcp` passes on what is no HTTP here. A request knows its connection by the value `downstream`, and its
//! worker by `worker_state`; both lie below it. `variables` fills in header values. No file imports one above it.

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
mod http1;
mod kept_body;
pub mod limits;
pub mod listener;
mod local_reply;
mod outbound;
mod proxy;
mod proxy_forward;
mod proxy_mirror;
mod proxy_sample;
mod proxy_upgrade;
mod random;
mod reason_phrase;
mod request_body;
mod response_body;
pub mod settings;
mod signals;
pub(super) mod stats;
mod tasks;
mod tcp;
mod tls;
mod tls_client_auth;
mod tls_failure;
mod upstream;
mod upstream_tls;
mod variables;
mod wire;
mod worker;
mod worker_state;
pub(super) mod workers;
