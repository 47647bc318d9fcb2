//! What one dial should show: plain values, decided by [`super::target`] and
//! judged against by [`super::verdict`].

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

/// What should happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The request is answered.
    Served,
    /// The server refuses a client without a certificate.
    RefusedWithoutCertificate,
    /// The server asks for the client's certificate, and answers the request.
    ServedWithCertificate,
}

/// What the workspace has of a host, for what to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The host as it is recorded: a wildcard, where a name below it is asked for.
    pub host: Host,
    /// The file of its own client certificate, where that is there.
    pub client: Option<String>,
    /// Whether the key of its CA is there, so that its certificates can be renewed.
    pub can_issue: bool,
    /// Whether the client certificate that is sent is one of the workspace's for it.
    pub sends_own: bool,
}

/// The server of a hand-written Gateway that answers for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandWritten {
    /// The manifest: `gateway.yaml:3:1`.
    pub place: String,
    /// The server's field: `spec.servers[0]`.
    pub server: String,
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
    /// The workspace's entry of the host.
    pub entry: Option<Entry>,
    /// The workspace's host that it is perhaps a slip of.
    pub meant: Option<Host>,
    /// The hand-written Gateway that is known to answer, where it is one.
    pub hand_written: Option<HandWritten>,
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
    /// The host as lines name it: the workspace's entry, else the one that is asked for.
    pub(super) fn named(&self) -> &Host {
        self.entry.as_ref().map_or(&self.host, |entry| &entry.host)
    }

    /// What brings the host's Secret into its cluster. In a workspace that is all of
    /// it: a Gateway of one host would take its place from those of the others, and
    /// kubectl without --server-side keeps the key in an annotation.
    pub(super) fn apply(&self) -> Remedy {
        let apply = Remedy::from(ours::apply());
        if self.entry.is_some() {
            return apply;
        }
        let name = Word::Placeholder("NAME");
        apply
            .and(" in the workspace that has the host; without one: ")
            .and(kubectl::put_secret("istio-system", name, false))
            .and(", where NAME is the Gateway's credentialName")
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
