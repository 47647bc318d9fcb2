//! A chain that was found, in the form in which the workspace takes it over.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::certs::{CertificateDer, pem};
use crate::names::Host;
use crate::remedy::{Cluster, Remedy};
use crate::workspace::layout::Part;

/// One file of the workspace, and its source file.
pub struct AdoptedFile {
    /// What it is.
    pub part: AdoptedPart,
    /// Its content.
    pub content: Zeroizing<Vec<u8>>,
    /// The source file.
    pub from: PathBuf,
}

/// A [`Part`] with its client's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdoptedPart {
    /// A part without a name.
    Fixed(Part<'static>),
    /// A client's certificate.
    ClientCert(String),
    /// A client's key.
    ClientKey(String),
}

impl AdoptedPart {
    /// The part.
    pub fn part(&self) -> Part<'_> {
        match self {
            Self::Fixed(part) => *part,
            Self::ClientCert(name) => Part::ClientCert(name),
            Self::ClientKey(name) => Part::ClientKey(name),
        }
    }
}

/// A host's chain, ready to be written.
pub struct Adopted {
    /// The host.
    pub host: Host,
    /// The source of the server certificate.
    pub source: PathBuf,
    /// When the server certificate expires, RFC 3339.
    pub not_after: String,
    /// The files to write.
    pub files: Vec<AdoptedFile>,
    /// The clients, with the host's default client first.
    pub clients: Vec<String>,
    /// The missing parts, in words.
    pub missing: Vec<&'static str>,
    /// The Secret that it comes from.
    pub secret: Option<FromSecret>,
    /// Notes for the user.
    pub notes: Vec<Remedy>,
}

/// Facts about the Secret that a chain comes from.
pub struct FromSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// It contains the CA bundle that the gateway verifies clients with.
    pub verifies_clients: bool,
    /// The context of its cluster.
    pub context: String,
    /// The flags that select its cluster.
    pub cluster: Cluster,
    /// The program that manages it, in words.
    pub controller: Option<String>,
    /// Why no gateway can use it in its present form.
    pub fault: Option<String>,
    /// The other names in its certificate.
    pub other_names: Vec<String>,
}

impl Adopted {
    /// The server's certificate.
    pub fn leaf(&self) -> Option<CertificateDer<'static>> {
        let server = AdoptedPart::Fixed(Part::ServerCert);
        let file = self.files.iter().find(|file| file.part == server)?;
        pem::certificates(&file.content, "").ok()?.into_iter().next()
    }
}
