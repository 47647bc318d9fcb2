//! Issues chains: root, intermediate, server, clients. rcgen is known only here
//! and in the other files that sign.

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::key::PrivateKey;
use super::pem;
use super::plan::ChainPlan;
use crate::problem::Problem;

/// A certificate and its key.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// The key; none if it is not in our hands (an existing CA's, a request's).
    pub key: Option<PrivateKey>,
}

/// One client's certificate.
#[derive(Clone)]
pub struct Client {
    /// The client's name: CN and file name.
    pub name: String,
    /// The certificate and its key.
    pub issued: Issued,
}

/// What one host needs.
#[derive(Clone)]
pub struct Chain {
    /// The root; its key is there only if it was made with this chain.
    pub root: Issued,
    /// The intermediate; its key is there only if it was made with this chain.
    pub intermediate: Issued,
    /// The server leaf.
    pub server: Issued,
    /// The clients, in the plan's order.
    pub clients: Vec<Client>,
    /// What the user should know, as "the leaf ends with its issuer, 2027-01-01".
    pub notes: Vec<String>,
}

/// A CA that can sign: certificate and key, checked to fit and parsed once.
pub struct CertificateAuthority {
    certificate: CertificateDer<'static>,
}

/// Who signs a chain.
#[derive(Clone, Copy)]
pub enum Authority<'a> {
    /// A root and an intermediate of its own.
    New,
    /// An intermediate of its own under this root.
    Root(&'a CertificateAuthority),
    /// Leaves under this intermediate, whose root is given.
    Intermediate(&'a CertificateAuthority, &'a CertificateDer<'static>),
}

impl CertificateAuthority {
    /// Takes an existing CA.
    ///
    /// # Errors
    /// When the key does not fit, or the certificate is no CA that may sign.
    pub fn new(certificate: CertificateDer<'static>, key: &PrivateKey) -> Result<Self, Problem> {
        let _ = (certificate, key);
        todo!()
    }

    /// The CA's certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }
}

/// Makes a root for many hosts (`--root DIR` where none exists yet); `name` is its CN.
///
/// # Errors
/// When the crypto provider fails.
pub fn issue_root(name: &str, plan: &ChainPlan, now: OffsetDateTime) -> Result<Issued, Problem> {
    let _ = (name, plan, now);
    todo!()
}

/// Issues a host's chain.
///
/// # Errors
/// When the plan cannot be met: a request that does not verify, a leaf's
/// validity that is empty, an authority that has ended.
pub fn issue_chain(plan: &ChainPlan, authority: Authority<'_>, now: OffsetDateTime) -> Result<Chain, Problem> {
    let _ = (plan, authority, now);
    todo!()
}

/// Issues one further client under an existing intermediate; key type, lifetime
/// and subject are the plan's. Notes are added as in [`issue_chain`].
///
/// # Errors
/// As [`issue_chain`].
pub fn issue_client(
    name: &str,
    plan: &ChainPlan,
    authority: &CertificateAuthority,
    now: OffsetDateTime,
) -> Result<Client, Problem> {
    let _ = (name, plan, authority, now);
    todo!()
}

impl Chain {
    /// `ca.cert.pem`: the root.
    pub fn root_pem(&self) -> String {
        pem::certificate_text(&self.root.certificate)
    }

    /// `intermediate.cert.pem`: the intermediate.
    pub fn intermediate_pem(&self) -> String {
        pem::certificate_text(&self.intermediate.certificate)
    }

    /// `ca-chain.cert.pem`: the intermediate, then the root.
    pub fn ca_chain_pem(&self) -> String {
        pem::certificates_text([&self.intermediate.certificate, &self.root.certificate])
    }

    /// The server's certificate file: the leaf, then the intermediate.
    pub fn server_pem(&self) -> String {
        self.leaf_pem(&self.server)
    }

    /// A client's certificate file: the leaf, then the intermediate.
    pub fn client_pem(&self, client: &Client) -> String {
        self.leaf_pem(&client.issued)
    }

    fn leaf_pem(&self, leaf: &Issued) -> String {
        pem::certificates_text([&leaf.certificate, &self.intermediate.certificate])
    }
}
