//! A chain that was found, as it is taken into the workspace.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::certs::{CertificateDer, pem};
use crate::names::Host;
use crate::remedy::{Cluster, Remedy};
use crate::workspace::layout::Part;

/// One file of the workspace, and the file that it comes from.
pub struct AdoptedFile {
    /// What it is.
    pub part: AdoptedPart,
    /// What it holds.
    pub content: Zeroizing<Vec<u8>>,
    /// The file that it comes from.
    pub from: PathBuf,
}

/// [`Part`] with its client's name.
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
    /// Where the server certificate was found.
    pub source: PathBuf,
    /// When the server certificate ends, RFC 3339.
    pub not_after: String,
    /// What is written.
    pub files: Vec<AdoptedFile>,
    /// The clients, the host's own first.
    pub clients: Vec<String>,
    /// Parts that are not there, in words.
    pub missing: Vec<&'static str>,
    /// The Secret that it comes from.
    pub secret: Option<FromSecret>,
    /// What the user should know.
    pub notes: Vec<Remedy>,
}

/// What is kept of the Secret that a chain comes from.
pub struct FromSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// It holds what the gateway verifies clients with.
    pub verifies_clients: bool,
    /// The context of its cluster.
    pub context: String,
    /// What leads to its cluster.
    pub cluster: Cluster,
    /// The program that keeps it as it wants it, in words.
    pub controller: Option<String>,
    /// Why no gateway can use it as it is.
    pub fault: Option<String>,
    /// The further names of its certificate.
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
