//! The key material that a gateway runs with, kept for servers whose Secret is
//! deleted: Envoy keeps what istiod sent last, and istiod sends nothing for a
//! Secret that is gone.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::table::TlsMaterial;
use crate::manifests::model::gateway::ServerTlsSettings;

/// Material by the settings that name it. It shares what the table holds, so it
/// costs no second copy.
#[derive(Default)]
pub struct RunningMaterial(HashMap<u64, Arc<TlsMaterial>>);

impl RunningMaterial {
    /// What was read for a server with these settings before; `hosts` are given where
    /// the material depends on them.
    pub(super) fn get(&self, tls: &ServerTlsSettings, hosts: &[String]) -> Option<&Arc<TlsMaterial>> {
        self.0.get(&key(tls, hosts))
    }

    /// Remembers what a server with these settings is given.
    pub(super) fn insert(&mut self, tls: &ServerTlsSettings, hosts: &[String], material: Arc<TlsMaterial>) {
        self.0.insert(key(tls, hosts), material);
    }
}

/// A hash in place of the settings, which would take more room for thousands of
/// servers. It has no other use than finding what is missing.
fn key(tls: &ServerTlsSettings, hosts: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{tls:?}").hash(&mut hasher);
    hosts.hash(&mut hasher);
    hasher.finish()
}
