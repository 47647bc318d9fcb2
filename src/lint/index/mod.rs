//! Indexes that several rules share, each built in time linear in the input:
//!
//! - `pods`: which pods a selector matches;
//! - `workloads`: which Gateways share pods, and which ports Services expose there;
//! - `servers`: every server of every Gateway, with its position;
//! - `credentials`: the key material that servers refer to, parsed once;
//! - `bindings`: which servers a VirtualService's routes apply to;
//! - `registry`: possible destination hosts, and their ports;
//! - `kube_gateways`: objects of the Kubernetes Gateway API;
//! - `makers`: objects that controllers create Secrets from;
//! - `host_set`: whether a host overlaps with any of a set;
//! - `host_index`: which hosts of a set overlap with a given one.

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
