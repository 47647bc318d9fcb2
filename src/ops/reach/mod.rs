//! Reaches a gateway as a client does: `probe`, which judges, and `request`, which sends
//! one request. Both use a [`connection::Connection`] for its address and for what is
//! trusted and presented.

pub mod client_pair;
pub mod connection;
mod hand_written;
pub mod hosts;
pub mod probe;
pub mod request;
pub mod running;
pub mod variables;
pub mod watch;
