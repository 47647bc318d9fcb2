//! The admin, as Envoy's but for one machine. It reads what the data plane
//! serves and counts; nothing but the level of the log is changed by it.

mod certs;
mod config_dump;
mod prometheus;
pub(super) mod server;
pub mod summary;
