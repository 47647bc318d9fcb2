//! Findings so far, so that a fault is reported only once: a missing Secret also means a
//! certificate that the proxy lacks and a host that is not served, and the first of the three has
//! the remedy.

use std::collections::BTreeMap;

use crate::lint::{Code, Findings};

/// The codes of findings that explain others.
#[derive(Debug, Default)]
pub(super) struct Causes {
    /// No pod of the gateway can accept a connection.
    pub(super) pods: Option<&'static str>,
    /// No external connection reaches the pods.
    pub(super) service: Option<&'static str>,
    /// The control plane distributes nothing.
    pub(super) control_plane: Option<&'static str>,
    /// The pods may not have their Secrets.
    pub(super) rights: Option<&'static str>,
    /// Faults of Secrets, by name.
    pub(super) secrets: BTreeMap<String, &'static str>,
    /// What prevents a host from being served.
    pub(super) hosts: BTreeMap<String, &'static str>,
}

impl Causes {
    /// Why a proxy may lack the certificate of a Secret.
    pub(super) fn of_secret(&self, secret: &str) -> Option<&'static str> {
        let own = self.secrets.get(secret).copied();
        own.or(self.rights).or(self.control_plane).or(self.pods)
    }

    /// Why a host whose certificate is in this Secret may not be served.
    pub(super) fn of_host(&self, host: &str, secret: Option<&str>) -> Option<&'static str> {
        let own = secret.and_then(|secret| self.secrets.get(secret)).copied();
        let own = own.or_else(|| self.hosts.get(host).copied());
        own.or(self.pods)
            .or(self.service)
            .or(self.rights)
            .or(self.control_plane)
    }

    /// Any of them.
    pub(super) fn any(&self) -> Option<&'static str> {
        let general = self.pods.or(self.service).or(self.rights).or(self.control_plane);
        general.or_else(|| self.secrets.values().chain(self.hosts.values()).next().copied())
    }
}

/// Skips several codes, with the reason.
pub(super) fn skip_all(found: &mut Findings, codes: &[&'static Code], reason: &str) {
    for code in codes {
        found.skip(code, reason);
    }
}

/// Skips a code because another finding explains it.
pub(super) fn skip_for(found: &mut Findings, code: &'static Code, what: &str, cause: &str) {
    found.skip(code, format!("{what}: see {cause}"));
}
