//! `rotate`: new certificates in place of old ones, without a request lost, and
//! proven.
//!
//! For each host: the running gateway is asked what it serves, everything is
//! issued and checked, a cluster's API server tries the host's Secrets, the files
//! are exchanged in one step, the Secrets follow, and the gateway is asked until
//! it serves the new certificate. All of that is [`exchange`](mod@exchange). Where
//! it was cut off after the files, the next run finds Secrets that lag behind
//! them ([`decide::in_cluster`]).

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
