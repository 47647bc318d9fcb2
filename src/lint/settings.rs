//! What rules know beside the objects.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::workspace::config::IstioTarget;

/// What is known beside the objects.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The Istio that is to read the objects.
    pub target: IstioTarget,
    /// The time of the check.
    pub now: OffsetDateTime,
    /// The namespace of objects that name none.
    pub namespace: String,
    /// The labels of the ingress gateway's pods, besides those of Deployments in the input.
    pub pod_labels: BTreeMap<String, String>,
    /// Secrets can be looked up beside the input: a workspace with hosts, or `--certs`.
    pub secrets_elsewhere: bool,
    /// Kinds of a cluster's objects that are not seen, or not all of them. What
    /// is not among the seen ones may be there all the same.
    pub unseen: BTreeMap<String, Unseen>,
}

/// What is seen of a kind of which not everything is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unseen {
    /// The namespaces whose objects are seen.
    pub seen_in: BTreeSet<String>,
    /// What is not seen, and why.
    pub why: String,
}
