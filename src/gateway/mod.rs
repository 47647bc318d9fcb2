//! The local gateway: Gateways, VirtualServices and Secrets become an immutable
//! routing table ([`config::table`]), which the listeners serve as Envoy under Istio would.

pub mod access_log;
mod admin;
mod admin_certs;
mod admin_config;
mod body;
mod clock;
pub mod config;
mod connection;
mod current;
mod forwarded;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod headers;
pub mod limits;
mod listener;
mod local_reply;
pub mod matching;
mod proxy;
mod proxy_forward;
mod proxy_sample;
mod proxy_upgrade;
mod random;
pub mod reload;
pub mod remark;
mod samples;
pub mod server;
mod signals;
pub mod source;
mod stats;
pub mod summary;
pub mod tls;
mod tls_client_auth;
mod tls_failure;
mod upstream;
mod upstream_tls;
pub mod watch;
mod wire;
mod worker;
