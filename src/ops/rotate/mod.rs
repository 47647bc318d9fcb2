//! `rotate`: replaces certificates by new ones, without losing a request, and verifies
//! the result.
//!
//! For each host: the running gateway is probed, everything is issued and checked, a
//! cluster's API server dry-runs the host's Secrets, the files are exchanged in one step,
//! the Secrets follow, and the gateway is probed until it serves the new certificate. All
//! of that is [`exchange`](mod@exchange). If it was interrupted after the files, the next
//! run finds outdated Secrets ([`decide::in_cluster`]).

mod chain;
mod cluster;
mod cut_off;
pub mod decide;
mod exchange;
mod issue;
mod judge;
mod next;
pub mod outcome;
mod plan;
mod pods;
mod progress;
mod prove;
pub mod request;
mod run;
mod secrets;
mod see;

pub use run::{Rotation, begin};
