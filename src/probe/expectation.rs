//! The expected result of one dial, as plain values: determined by [`super::target`], and used by
//! [`super::verdict`].

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::sign::CertifiedKey;

pub use crate::manifests::routes::ExpectedStatus;
use crate::names::Host;
use crate::remedy::{Remedy, Word, kubectl, ours};
use crate::workspace::config::Mode;

use super::dial::{Dial, Endpoint, TlsVersions};
use super::http::{PROBE_BODY, Request};
use super::verdict::Verdict;

/// The expected result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The request gets a response.
    Served,
    /// The server refuses a client without a certificate.
    RefusedWithoutCertificate,
    /// The server requests the client certificate, and responds to the request.
    ServedWithCertificate,
}

/// What the workspace knows about a host, for remedies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The host as recorded: a wildcard if a name below it was requested.
    pub host: Host,
    /// The file of its client certificate, if it exists.
    pub client: Option<String>,
    /// Whether the key of its CA is available, so that its certificates can be renewed.
    pub can_issue: bool,
    /// Whether the client certificate to send is the workspace's own for this host.
    pub sends_own: bool,
}

/// The server of a hand-written Gateway for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandWritten {
    /// The manifest: `gateway.yaml:3:1`.
    pub place: String,
    /// The server's field: `spec.servers[0]`.
    pub server: String,
}

/// The roots that the client trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Where they came from, for display.
    pub source: String,
    /// The roots.
    pub roots: Vec<CertificateDer<'static>>,
    /// CRLs.
    pub crls: Vec<CertificateRevocationListDer<'static>>,
}

/// A client certificate with its key.
#[derive(Clone)]
pub struct ClientPair {
    /// The certificate file, for display.
    pub source: String,
    /// The key file, for display.
    pub key_source: String,
    /// Its chain, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Ready for use.
    pub key: Arc<CertifiedKey>,
}

/// The kind of gateway that is dialled, for matching remedies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A running `serve` of this workspace.
    Local,
    /// INGRESS_HOST and SECURE_INGRESS_PORT.
    Ingress,
    /// Discovered in a cluster.
    Cluster,
    /// Given by a flag.
    Given,
}

/// One dial and what is expected of it.
#[derive(Clone)]
pub struct Expectation {
    /// The host whose certificate must be served.
    pub host: Host,
    /// Distinguishes this check from others of the host; empty for the only one.
    pub label: String,
    /// The expected result.
    pub check: Check,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The kind of gateway.
    pub place: Place,
    /// The server name sent.
    pub sni: Option<String>,
    /// The host of the request.
    pub authority: String,
    /// What is trusted.
    pub trust: Arc<Trust>,
    /// The client's certificate and key, if sent.
    pub client: Option<Arc<ClientPair>>,
    /// The request's path.
    pub path: String,
    /// The expected status.
    pub status: ExpectedStatus,
    /// The mode that the workspace records for the host.
    pub mode: Option<Mode>,
    /// The workspace's entry for the host.
    pub entry: Option<Entry>,
    /// A similar host of the workspace, if the host may be a typo.
    pub meant: Option<Host>,
    /// The hand-written Gateway that serves it, if known.
    pub hand_written: Option<HandWritten>,
    /// Versions offered.
    pub versions: TlsVersions,
    /// Protocols offered with ALPN.
    pub alpn: Vec<String>,
    /// Whether the user requires the first of them.
    pub alpn_demanded: bool,
    /// The host whose connection carries the request, if different (see [`super::coalesce`]).
    pub over: Option<Host>,
    /// A verdict that is known without dialling.
    pub blocked: Option<Verdict>,
}

impl Expectation {
    /// The host for commands: the workspace's entry, otherwise the requested one.
    pub(super) fn named(&self) -> &Host {
        self.entry.as_ref().map_or(&self.host, |entry| &entry.host)
    }

    /// The command that applies the host's Secret to its cluster. In a workspace, everything is
    /// applied: a Gateway with a single host would replace the one with all hosts, and kubectl
    /// without --server-side stores the key in an annotation.
    pub(super) fn apply(&self) -> Remedy {
        let apply = Remedy::from(ours::apply());
        if self.entry.is_some() {
            return apply;
        }
        let name = Word::Placeholder("NAME");
        apply
            .and(" in the workspace of the host; without a workspace: ")
            .and(kubectl::put_secret("istio-system", name, false))
            .and(", where NAME is the Gateway's credentialName")
    }

    /// The dial that tests the expectation.
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
