//! To which key material every TLS server leads, made once: Secrets by name,
//! files by mounts, what of them is found, and the certificates read.

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
    /// The servers with TLS settings, in the order of the input.
    pub servers: Vec<TlsServer<'a>>,
    /// Certificate and key, each pair once.
    pub pairs: Vec<Pair<'a>>,
    /// What clients are verified with, each value once.
    pub authorities: Vec<Authorities<'a>>,
    /// Certificates of CAs that are at hand anywhere, by subject.
    authority_names: HashMap<Vec<u8>, Vec<Known<'a>>>,
}

/// A certificate and where it stands.
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
    /// What the chain holds.
    pub certificates: Certificates,
    /// The first host of the first server that presents it, where that is a name.
    pub host: Option<Host>,
    /// Whether Istio's analysis looks at it: some server names it by `credentialName`.
    pub analysed: bool,
}

impl Pair<'_> {
    /// The chain, leaf first, each with its line; empty when it cannot be read.
    pub(crate) fn chain(&self) -> &[(u32, Rc<Certificate>)] {
        self.certificates.as_ref().as_deref().unwrap_or_default()
    }

    /// The certificate that is presented.
    pub(crate) fn leaf(&self) -> Option<&Rc<Certificate>> {
        self.chain().first().map(|(_, leaf)| leaf)
    }
}

/// The trust anchors for clients.
pub(crate) struct Authorities<'a> {
    /// The bundle.
    pub value: Value<'a>,
    /// What it holds.
    pub certificates: Certificates,
    /// Revocation lists that are used with it.
    pub crl: Option<Value<'a>>,
    /// Whether the bundle is a Secret's: then the list's key goes with the bundle's.
    pub of_secret: bool,
}

impl Authorities<'_> {
    /// The certificates; empty when they cannot be read.
    pub(crate) fn list(&self) -> &[(u32, Rc<Certificate>)] {
        self.certificates.as_ref().as_deref().unwrap_or_default()
    }
}

/// What a name leads to.
pub(crate) enum Outcome<'a> {
    /// A Secret.
    Found(Rc<UsedSecret<'a>>),
    /// None of this name, where the gateway's pods look.
    Missing {
        /// Where they look; empty when it is not known where they run.
        namespaces: Vec<String>,
        /// Namespaces of the input that have one.
        elsewhere: Vec<String>,
    },
    /// A namespace from which these pods are given no Secret.
    Denied {
        /// That namespace.
        namespace: String,
        /// Where the pods run.
        pods: Vec<String>,
    },
    /// What it holds is not known: another source than Secrets, as `sds://`, or a
    /// Secret that a controller makes, as cert-manager does.
    OtherSource,
    /// A folder or file that cannot be read.
    Unreadable(Problem),
}

/// A field that names a Secret.
pub(crate) struct Credential<'a> {
    /// The field's path.
    pub field: String,
    /// The value, as written.
    pub written: String,
    /// The name without its namespace.
    pub name: String,
    /// Whether a namespace is written before it.
    pub has_namespace: bool,
    /// What it leads to.
    pub outcome: Outcome<'a>,
    /// Whether Istio's analysis looks at this field.
    pub analysed: bool,
    /// It is a ConfigMap that is named, and no Secret.
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

/// A field that names a file of the gateway's pods.
pub(crate) struct FileField<'a> {
    /// The field's path.
    pub field: String,
    /// The value, as written.
    pub path: String,
    /// Secret and key that the path leads to, where that is known and no controller makes it.
    pub leads_to: Option<(String, String)>,
    /// The value found.
    pub value: Option<Value<'a>>,
    /// Whether the Secret itself is there.
    pub secret_is_there: bool,
    /// The gateway's Deployment in the input that mounts nothing there.
    pub unmounted_in: Option<String>,
}

/// Where clients' CA is looked for.
pub(crate) struct ClientCa<'a> {
    /// The field that leads to it.
    pub field: String,
    /// The Secret that is looked at first: `a-cacert`, or `caCertCredentialName`.
    pub separate_name: String,
    /// That Secret.
    pub separate: Option<Rc<UsedSecret<'a>>>,
    /// Namespaces of other pods that have a Secret of that name.
    pub elsewhere: Vec<String>,
    /// The Secret of the server's certificate, which serves where there is no separate one.
    pub base: Option<Rc<UsedSecret<'a>>>,
    /// Place in [`Credentials::authorities`] of what was found.
    pub found: Option<usize>,
}

impl<'a> Credentials<'a> {
    /// The pairs of a server.
    pub(crate) fn pairs_of<'s>(&'s self, server: &'s TlsServer<'a>) -> impl Iterator<Item = &'s Pair<'a>> {
        server.pairs.iter().filter_map(|place| self.pairs.get(*place))
    }

    /// Certificates of CAs with the name of the one that signed `certificate`,
    /// in any Secret that a server leads to.
    pub(crate) fn issuers_of(&self, certificate: &Certificate) -> &[Known<'a>] {
        let found = self.authority_names.get(certificate.issuer_name());
        found.map_or(&[], Vec::as_slice)
    }
}

/// Whether a mode verifies clients with a CA of the server's.
pub(crate) fn verifies_clients(mode: TlsMode) -> bool {
    matches!(mode, TlsMode::Mutual | TlsMode::OptionalMutual)
}

#[cfg(test)]
mod tests;
