//! The context of rules apart from the objects.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::workspace::config::IstioTarget;

/// The context apart from the objects.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The Istio version that the objects are for.
    pub target: IstioTarget,
    /// The time of the check.
    pub now: OffsetDateTime,
    /// The namespace of objects without one.
    pub namespace: String,
    /// The labels of the ingress gateway's pods, in addition to Deployments in the input.
    pub pod_labels: BTreeMap<String, String>,
    /// Whether Secrets can be looked up outside the input: in a workspace with hosts, or with
    /// `--certs`.
    pub secrets_elsewhere: bool,
    /// Kinds of cluster objects that are not visible, or only partly. Objects that are not visible
    /// may still exist.
    pub unseen: BTreeMap<String, Unseen>,
}

/// The visible part of a kind that is not fully visible.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unseen {
    /// The namespaces whose objects are visible.
    pub seen_in: BTreeSet<String>,
    /// What is not visible, and why.
    pub why: String,
}
