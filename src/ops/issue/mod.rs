//! Makes chains for hosts and records them in the workspace: what `gen-certs` does,
//! and `up` for hosts that have none.

pub mod carry_out;
pub mod notes;
pub mod outcome;
pub mod plan;
pub mod refusals;
pub mod request;
pub mod sign;
