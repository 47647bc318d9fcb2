//! The local gateway: Gateways, VirtualServices and Secrets become an immutable
//! routing table ([`table`]), which the listeners serve as Envoy under Istio would.

pub mod access_log;
pub mod clusters;
pub mod config;
pub mod disk;
pub mod field;
pub mod input;
pub mod limits;
pub mod matching;
pub mod material;
mod merge;
pub mod reload;
mod routes;
pub mod secrets;
pub mod server;
pub mod source;
pub mod summary;
pub mod table;
pub mod tls;
pub mod watch;
mod workspace_objects;
