//! `doctor`: queries a cluster, its pods, the gateway and DNS, for the rules of
//! [`crate::doctor`] to judge; and restores the workspace's own Secrets.
//!
//! [`scope`] is what is examined; [`examine`] gathers and judges; [`fix`] plans and
//! carries out automatic repairs. `gather` collects the facts, with `groups` (which
//! gateways there are), `objects`, `material` (Secrets and certificates) and `ask` (pods,
//! gateway and DNS).

mod ask;
pub mod examine;
pub mod fix;
mod gather;
mod groups;
mod material;
mod objects;
mod own;
pub mod request;
pub mod scope;
mod world;
