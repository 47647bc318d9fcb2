//! What one dial should show: plain values, decided by [`super::target`] and
//! judged against by [`super::verdict`].

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::sign::CertifiedKey;

pub use crate::manifests::routes::ExpectedStatus;
use crate::names::Host;
use crate::shell::put_secret;
use crate::workspace::config::Mode;

use super::dial::{Dial, Endpoint, TlsVersions};
use super::http::{PROBE_BODY, Request};
use super::verdict::Verdict;

/// What should happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The request is answered.
    Served,
    /// The server refuses a client without a certificate.
    RefusedWithoutCertificate,
}

/// Which certificates the client trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Where they came from, for people.
    pub source: String,
    /// The roots.
    pub roots: Vec<CertificateDer<'static>>,
    /// Revocation lists.
    pub crls: Vec<CertificateRevocationListDer<'static>>,
}

/// A client's certificate with its key.
#[derive(Clone)]
pub struct ClientPair {
    /// The certificate's file, for people.
    pub source: String,
    /// The key's file, for people.
    pub key_source: String,
    /// Its chain, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Ready for use.
    pub key: Arc<CertifiedKey>,
}

/// Which gateway is dialled, so that advice fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A running `serve` of this workspace.
    Local,
    /// INGRESS_HOST and SECURE_INGRESS_PORT.
    Ingress,
    /// Found in a cluster.
    Cluster,
    /// Given by a flag.
    Given,
}

/// One dial and what is expected of it.
#[derive(Clone)]
pub struct Expectation {
    /// The host whose certificate must be served.
    pub host: Host,
    /// What tells this check from the host's others; empty for the only one.
    pub label: String,
    /// What should happen.
    pub check: Check,
    /// Where to.
    pub endpoint: Endpoint,
    /// Which gateway that is.
    pub place: Place,
    /// The server name sent.
    pub sni: Option<String>,
    /// The host that the request names.
    pub authority: String,
    /// What is trusted.
    pub trust: Arc<Trust>,
    /// The client's pair, if one is sent.
    pub client: Option<Arc<ClientPair>>,
    /// The request's path.
    pub path: String,
    /// The status wanted.
    pub status: ExpectedStatus,
    /// The mode that the workspace records for the host.
    pub mode: Option<Mode>,
    /// Versions offered.
    pub versions: TlsVersions,
    /// Protocols offered by ALPN.
    pub alpn: Vec<String>,
    /// Whether the user demanded the first of them.
    pub alpn_demanded: bool,
    /// The host whose connection carries the request, where that is another (see [`super::coalesce`]).
    pub over: Option<Host>,
    /// A verdict that stands before anything is dialled.
    pub blocked: Option<Verdict>,
}

impl Expectation {
    /// The line that brings the host's Secret into its cluster. In a workspace
    /// that is all of it: a Gateway of one host would take its place from those
    /// of the others, and kubectl without --server-side keeps the key in an annotation.
    pub(super) fn apply_line(&self) -> String {
        if self.mode.is_some() {
            return "istio-tls apply".to_owned();
        }
        format!(
            "istio-tls apply in the workspace that has the host; without one: {}, where NAME is the Gateway's credentialName",
            put_secret("istio-system", "NAME", false)
        )
    }

    /// The dial that shows whether it holds.
    pub fn dial(&self, patience: std::time::Duration) -> Dial {
        Dial {
            endpoint: self.endpoint.clone(),
            sni: self.sni.clone(),
            versions: self.versions,
            alpn: self.alpn.clone(),
            credential: self.client.as_ref().map(|pair| Arc::clone(&pair.key)),
            request: Some(Request::get(&self.authority, &self.path)),
            before_request: None,
            body_limit: PROBE_BODY,
            patience,
        }
    }
}
