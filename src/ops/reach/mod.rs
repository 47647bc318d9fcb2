//! Reaching a gateway as a client does: `probe`, which judges, and `request`, which
//! asks once. Both say with a [`connection::Connection`] where it is and what is
//! trusted and sent.

pub mod client_pair;
pub mod connection;
mod hand_written;
pub mod hosts;
pub mod probe;
pub mod request;
pub mod running;
pub mod variables;
pub mod watch;
