//! `delete`: deletes what `apply` created in a cluster, and what `gen-certs` created in
//! the folder.
//!
//! [`plan`] finds it, [`carry_out`] deletes it, and [`outcome`] is the result.

pub mod carry_out;
mod local;
pub mod outcome;
pub mod plan;
pub mod request;
