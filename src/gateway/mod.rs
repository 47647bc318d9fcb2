//! The local gateway: Gateways, VirtualServices and Secrets become an immutable
//! routing table ([`table`]), which the listeners serve as Envoy under Istio would.

pub mod access_log;
pub mod limits;
pub mod matching;
pub mod server;
pub mod table;
pub mod tls;
