//! What several rules ask of the world, answered in time that grows with the
//! input alone:
//!
//! - `pods`: which pods a selector means;
//! - `workloads`: which Gateways share pods, and which ports Services lead to there;
//! - `servers`: every server of every Gateway, with its place;
//! - `credentials`: the key material that servers name, read once;
//! - `bindings`: which servers take a VirtualService's routes;
//! - `registry`: the hosts to which routes may lead, and their ports;
//! - `kube_gateways`: objects of the Kubernetes Gateway API;
//! - `makers`: what controllers make Secrets from;
//! - `host_set`: whether a host overlaps with any of many;
//! - `host_index`: which of many hosts overlap with one.

pub(super) mod bindings;
pub(super) mod credentials;
pub(super) mod host_index;
pub(super) mod host_set;
pub(super) mod kube_gateways;
pub(super) mod makers;
pub(super) mod pods;
pub(super) mod registry;
pub(super) mod servers;
pub(super) mod workloads;
