//! `lint`: what will not work in manifests, key material, the workspace or a cluster.

pub mod judging;
pub mod made;
