//! `apply`: the workspace's objects, or those of files, to a cluster.
//!
//! [`input`] reads what a [`request`] means, and asks no server; [`plan`] lets the
//! server try all of it, storing nothing; [`carry_out`] stores, prunes and waits, and
//! [`outcome`] is what that came to.

pub mod carry_out;
pub mod input;
pub mod outcome;
pub mod plan;
mod references;
pub mod request;
mod serving;
