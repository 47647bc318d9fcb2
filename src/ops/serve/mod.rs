//! `serve`: the local gateway. A [`request`] becomes a [`plan`], [`start`] opens the
//! ports, [`running`] waits and stops it; [`ready`] is the summary at the start.

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
