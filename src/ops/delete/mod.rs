//! `delete`: what `apply` made in a cluster, and what `gen-certs` made in the folder.
//!
//! [`plan`] finds it, [`carry_out`] takes it away, and [`outcome`] is what that came to.

pub mod carry_out;
mod local;
pub mod outcome;
pub mod plan;
pub mod request;
