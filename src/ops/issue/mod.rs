//! Issues chains for hosts, changes existing ones, and records both in the workspace:
//! `gen-certs`, and `up` for hosts that have none.

pub mod carry_out;
pub mod change;
pub mod ended;
pub mod job;
mod notes;
pub mod outcome;
pub mod plan;
mod refusals;
pub mod request;
mod sign;
mod warnings;
mod write;
