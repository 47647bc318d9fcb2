//! `apply`: applies the workspace's objects, or those in files, to a cluster.
//!
//! [`input`] reads the objects of a [`request`] and contacts no server; [`plan`] has the
//! server dry-run all of them; [`carry_out`] stores, prunes and waits, and [`outcome`] is
//! the result.

pub mod carry_out;
pub mod input;
pub mod outcome;
pub mod plan;
mod references;
pub mod request;
mod serving;
