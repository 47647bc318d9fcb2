//! `serve`: the local gateway. A [`request`] makes a [`plan`], [`start`] opens the
//! ports, [`running`] waits and ends it; [`ready`] is what can be said at the start.

mod cluster;
mod exclusive;
pub mod plan;
mod port_owner;
pub mod ready;
pub mod request;
pub mod running;
pub mod start;
mod upstream_roots;
mod workspace_watch;
