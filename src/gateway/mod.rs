//! The local gateway: Gateways, VirtualServices and Secrets become an immutable
//! routing table ([`table`]), which the listeners serve as Envoy under Istio would.

pub mod access_log;
pub mod limits;
pub mod matching;
pub mod server;
pub mod table;
pub mod tls;

mod admin;
mod admin_certs;
mod admin_config;
mod body;
mod clock;
mod connection;
mod current;
mod forwarded;
mod headers;
mod listener;
mod local_reply;
mod path;
mod proxy;
mod proxy_forward;
mod proxy_sample;
mod proxy_upgrade;
mod random;
mod samples;
mod stats;
mod tls_client_auth;
mod tls_failure;
mod upstream;
mod upstream_tls;
mod wire;
mod worker;
