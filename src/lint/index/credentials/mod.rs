//! The key material of every TLS server, resolved once: Secrets by name, files by mounts, which of
//! them exist, and the parsed certificates.

mod certificate;
mod finder;
mod revocation;
mod secret;
mod server;

use std::collections::HashMap;
use std::rc::Rc;

pub(crate) use certificate::{Certificate, Certificates, Reader, Relation, Unreadable};
pub(crate) use certificate::{NAME, words};
pub(crate) use revocation::RevocationList;
pub(crate) use secret::{UsedSecret, Value};
pub(crate) use server::{Owner, TlsServer};

use crate::manifests::model::gateway::TlsMode;
use crate::names::Host;
use crate::problem::Problem;

/// The material of all servers.
pub(crate) struct Credentials<'a> {
    /// The servers with TLS settings, in input order.
    pub servers: Vec<TlsServer<'a>>,
    /// Certificate and key, each pair once.
    pub pairs: Vec<Pair<'a>>,
    /// The CA bundles for clients, each value once.
    pub authorities: Vec<Authorities<'a>>,
    /// All known CA certificates, by subject.
    authority_names: HashMap<Vec<u8>, Vec<Known<'a>>>,
}

/// A certificate and its location.
pub(crate) struct Known<'a> {
    /// The certificate.
    pub certificate: Rc<Certificate>,
    /// The value that holds it.
    pub value: Value<'a>,
}

/// A certificate and its key.
pub(crate) struct Pair<'a> {
    /// The chain.
    pub certificate: Value<'a>,
    /// The key.
    pub key: Value<'a>,
    /// The certificates of the chain.
    pub certificates: Certificates,
    /// The first host of the first server that presents it, if that is a name.
    pub host: Option<Host>,
    /// Whether Istio's analysis checks it: some server refers to it by `credentialName`.
    pub analysed: bool,
}

impl Pair<'_> {
    /// The chain, leaf first, each with its line; empty if it cannot be read.
    pub(crate) fn chain(&self) -> &[(u32, Rc<Certificate>)] {
        self.certificates.as_ref().as_deref().unwrap_or_default()
    }

    /// The presented certificate.
    pub(crate) fn leaf(&self) -> Option<&Rc<Certificate>> {
        self.chain().first().map(|(_, leaf)| leaf)
    }
}

/// The trust anchors for clients.
pub(crate) struct Authorities<'a> {
    /// The bundle.
    pub value: Value<'a>,
    /// Its certificates.
    pub certificates: Certificates,
    /// The CRLs used with it.
    pub crl: Option<Value<'a>>,
    /// Whether the bundle is in a Secret: then the CRL's key depends on the bundle's key.
    pub of_secret: bool,
}

impl Authorities<'_> {
    /// The certificates; empty if they cannot be read.
    pub(crate) fn list(&self) -> &[(u32, Rc<Certificate>)] {
        self.certificates.as_ref().as_deref().unwrap_or_default()
    }
}

/// The result of resolving a name.
pub(crate) enum Outcome<'a> {
    /// A Secret.
    Found(Rc<UsedSecret<'a>>),
    /// There is none with this name where the gateway's pods look.
    Missing {
        /// Where they look; empty if it is unknown where they run.
        namespaces: Vec<String>,
        /// Namespaces in the input that have one.
        elsewhere: Vec<String>,
    },
    /// These pods get no Secrets from this namespace.
    Denied {
        /// That namespace.
        namespace: String,
        /// Where the pods run.
        pods: Vec<String>,
    },
    /// Its content is unknown: another source such as `sds://`, or a Secret that a controller such
    /// as cert-manager creates.
    OtherSource,
    /// A folder or file that cannot be read.
    Unreadable(Problem),
}

/// A field that refers to a Secret.
pub(crate) struct Credential<'a> {
    /// The field's path.
    pub field: String,
    /// The value, as written.
    pub written: String,
    /// The name without its namespace.
    pub name: String,
    /// Whether it has a namespace prefix.
    pub has_namespace: bool,
    /// What it resolves to.
    pub outcome: Outcome<'a>,
    /// Whether Istio's analysis checks this field.
    pub analysed: bool,
    /// Whether it refers to a ConfigMap instead of a Secret.
    pub is_config_map: bool,
}

impl<'a> Credential<'a> {
    /// The Secret, if there is one.
    pub(crate) fn secret(&self) -> Option<&Rc<UsedSecret<'a>>> {
        match &self.outcome {
            Outcome::Found(secret) => Some(secret),
            _ => None,
        }
    }
}

/// A field that refers to a file in the gateway's pods.
pub(crate) struct FileField<'a> {
    /// The field's path.
    pub field: String,
    /// The value, as written.
    pub path: String,
    /// The Secret and key behind the path, if known and not created by a controller.
    pub leads_to: Option<(String, String)>,
    /// The value, if found.
    pub value: Option<Value<'a>>,
    /// Whether the Secret itself exists.
    pub secret_is_there: bool,
    /// The gateway's Deployment in the input if it mounts nothing there.
    pub unmounted_in: Option<String>,
}

/// Where the CA for clients is looked up.
pub(crate) struct ClientCa<'a> {
    /// The field that determines it.
    pub field: String,
    /// The name of the Secret that is checked first: `a-cacert`, or `caCertCredentialName`.
    pub separate_name: String,
    /// That Secret.
    pub separate: Option<Rc<UsedSecret<'a>>>,
    /// Other namespaces that have a Secret of that name.
    pub elsewhere: Vec<String>,
    /// The Secret of the server's certificate, which is used if there is no separate one.
    pub base: Option<Rc<UsedSecret<'a>>>,
    /// Index in [`Credentials::authorities`] of the bundle that was found.
    pub found: Option<usize>,
}

impl<'a> Credentials<'a> {
    /// The pairs of a server.
    pub(crate) fn pairs_of<'s>(&'s self, server: &'s TlsServer<'a>) -> impl Iterator<Item = &'s Pair<'a>> {
        server.pairs.iter().filter_map(|place| self.pairs.get(*place))
    }

    /// Known CA certificates whose subject is the issuer of `certificate`.
    pub(crate) fn issuers_of(&self, certificate: &Certificate) -> &[Known<'a>] {
        let found = self.authority_names.get(certificate.issuer_name());
        found.map_or(&[], Vec::as_slice)
    }
}

/// Whether a mode verifies clients with the server's CA.
pub(crate) fn verifies_clients(mode: TlsMode) -> bool {
    matches!(mode, TlsMode::Mutual | TlsMode::OptionalMutual)
}

#[cfg(test)]
mod tests;
