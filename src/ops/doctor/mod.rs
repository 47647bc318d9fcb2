//! `doctor`: what is asked of a cluster, its pods, the gateway and DNS, for the rules of
//! [`crate::doctor`] to judge; and the workspace's own Secrets brought back.
//!
//! [`scope`] is what is to be examined; [`examine`] looks and judges; [`fix`] plans, and
//! does, what can be mended by machine. `gather` puts the facts together, of `groups`
//! (which gateways there are), `objects`, `material` (Secrets and certificates) and `ask`
//! (pods, gateway and DNS).

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
