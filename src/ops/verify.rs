//! `verify`: verifies chains as a client would.

use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use zeroize::Zeroizing;

use super::certificate_source::{Source, read_input, served_chain, tree_of};
use super::cluster_access::ClusterPlace;
use super::cluster_ingress;
use super::failure::Failure;
use super::pem_files::{self, certificates, certificates_of};
use super::secret_source::{FoundSecret, pair_fault};
use super::surroundings::Surroundings;
use crate::certs::order::by_names;
use crate::certs::verify::{Origin, Purpose, Verdict, VerifyInput, verify};
use crate::certs::{pem, pkcs12};
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store;

/// What to verify, and with what.
#[derive(Debug)]
pub struct Request {
    /// Where the chain is.
    pub source: Source,
    /// The name that a server's certificate must contain; otherwise the tree's host, or
    /// the server's.
    pub host: Option<Host>,
    /// The trust anchors; otherwise the tree's root, a Secret's own CA, the system's CAs.
    pub cacert: Vec<PathBuf>,
    /// Intermediates that the verifier has beside those that are sent.
    pub intermediate: Vec<PathBuf>,
    /// CRLs; otherwise the tree's.
    pub crl: Vec<PathBuf>,
    /// The purpose of the leaf; otherwise a server, and for a tree both.
    pub purpose: Option<Purpose>,
    /// The password of a PKCS#12 file.
    pub password: Option<Zeroizing<String>>,
    /// The cluster of a Secret.
    pub cluster: ClusterPlace,
}

/// The result for every chain of the target.
#[derive(Debug)]
pub struct Outcome {
    /// The chains.
    pub results: Vec<Judged>,
}

impl Outcome {
    /// Whether all verify.
    pub fn verified(&self) -> bool {
        self.results.iter().all(|judged| judged.verified)
    }
}

/// A chain and its verification.
#[derive(Debug)]
pub struct Judged {
    /// The file or server.
    pub source: String,
    /// The purpose.
    pub purpose: Purpose,
    /// The expected name.
    pub host: Option<Host>,
    /// The source of the trust anchors.
    pub trusted: Vec<String>,
    /// Whether it verifies and, for a Secret, whether a gateway can use it.
    pub verified: bool,
    /// Why no gateway can use the Secret that it comes from.
    pub no_pair: Option<String>,
    /// The judgement.
    pub verdict: Verdict,
}

/// A chain, with its purpose.
struct Chain {
    source: String,
    certificates: Vec<CertificateDer<'static>>,
    purpose: Purpose,
    host: Option<Host>,
}

/// Finds the chains and verifies them.
///
/// # Errors
/// If the target or a file cannot be read, or there are no trust anchors.
pub fn run(request: &Request, here: &Surroundings) -> Result<Outcome, Failure> {
    let source = &request.source;
    let secret = match source {
        Source::Secret(target) => Some(target.fetch(&request.cluster, here)?),
        _ => None,
    };
    let host_of_secret = secret.as_ref().map(|_| host_of_secret(request, here)).transpose()?;
    let tree = match source {
        Source::File(path) | Source::Folder(path) => tree_of(path),
        Source::Server { host, .. } => {
            let host = request.host.as_ref().unwrap_or(host);
            Some(ChainLayout::new(&here.dir, host)).filter(|layout| store::has_chain(layout).unwrap_or(true))
        }
        Source::Secret(_) => host_of_secret
            .as_ref()
            .and_then(Option::as_ref)
            .map(|host| ChainLayout::new(&here.dir, host))
            .filter(|layout| store::has_chain(layout).unwrap_or(true)),
        Source::Stdin => None,
    };
    let chains = match &secret {
        Some(found) => vec![chain_of_secret(request, found, host_of_secret.flatten())?],
        None => chains(request, tree.as_ref(), here)?,
    };
    let (trusted, roots) = trusted(request, tree.as_ref(), secret.as_ref(), here)?;
    let mut intermediates = Vec::new();
    for path in &request.intermediate {
        intermediates.extend(certificates(path)?);
    }
    let crls = crls(request, tree.as_ref())?;
    let no_pair = secret.as_ref().and_then(|found| pair_fault(&found.secret.data));
    let own = tree.as_ref().filter(|tree| issues_here(tree, here));
    let origin = own.map_or(Origin::Elsewhere, |tree| Origin::Workspace(tree.host()));
    let results: Vec<Judged> = chains
        .into_iter()
        .map(|chain| {
            let verdict = verify(&VerifyInput {
                chain: &chain.certificates,
                intermediates: &intermediates,
                roots: &roots,
                crls: &crls,
                purpose: chain.purpose,
                host: chain.host.as_ref(),
                now: here.now,
            });
            let verdict = verdict.advised(chain.purpose, origin);
            Judged {
                source: chain.source,
                purpose: chain.purpose,
                host: chain.host,
                trusted: trusted.clone(),
                verified: verdict.is_ok() && no_pair.is_none(),
                no_pair: no_pair.as_ref().map(|problem| problem.what.clone()),
                verdict,
            }
        })
        .collect();
    Ok(Outcome { results })
}

/// Whether a tree belongs to the workspace and its CA can issue there.
fn issues_here(tree: &ChainLayout, here: &Surroundings) -> bool {
    let own = ChainLayout::new(&here.dir, tree.host());
    canonical(&own.folder()) == canonical(&tree.folder()) && own.path(Part::IntermediateKey).exists()
}

/// The chains in the target, each with its purpose and its name.
fn chains(request: &Request, tree: Option<&ChainLayout>, here: &Surroundings) -> Result<Vec<Chain>, Failure> {
    let purpose = request.purpose.unwrap_or_default();
    let named = |host: Option<&Host>, purpose| match purpose {
        Purpose::Server => request.host.clone().or_else(|| host.cloned()),
        // A client's name is checked only if the user gives one.
        Purpose::Client => request.host.clone(),
    };
    match (&request.source, tree) {
        (Source::Folder(_), Some(tree)) => tree_chains(request, tree),
        (Source::Folder(folder), None) => Err(Failure::usage(
            Problem::new(format!("{} does not contain a host's chain", folder.display()))
                .why("it has no 3_application folder")
                .fix("give a certificate file, or a folder that gen-certs created"),
        )),
        (Source::Server { host, port }, _) => Ok(vec![Chain {
            source: format!("{host}:{port}"),
            certificates: served_chain(host, *port, request.host.as_ref(), here)?,
            purpose,
            host: named(Some(host), purpose),
        }]),
        (Source::File(path), Some(tree)) => {
            let in_clients = path
                .canonicalize()
                .is_ok_and(|path| path.starts_with(canonical(&tree.folder()).join("4_client")));
            let purpose = request
                .purpose
                .unwrap_or(if in_clients { Purpose::Client } else { Purpose::Server });
            Ok(vec![Chain {
                source: path.display().to_string(),
                certificates: certificates(path)?,
                purpose,
                host: named(Some(tree.host()), purpose),
            }])
        }
        // A Secret has one chain, which is read elsewhere.
        (Source::Secret(_), _) => Ok(Vec::new()),
        (Source::File(_) | Source::Stdin, _) => {
            let (name, content) = read_input(&request.source)?;
            let certificates = if pkcs12::is_pkcs12(&content) {
                let password = request.password.as_ref().map(|password| password.as_str());
                let bundle = pkcs12::read(&content, &name, password).map_err(Failure::usage)?;
                by_names(&bundle.certificates)
            } else {
                certificates_of(&content, &name)?
            };
            Ok(vec![Chain {
                source: name,
                certificates,
                purpose,
                host: named(None, purpose),
            }])
        }
    }
}

/// The host that a Secret is verified for: the one given, otherwise the workspace's host
/// with that credential.
fn host_of_secret(request: &Request, here: &Surroundings) -> Result<Option<Host>, Failure> {
    let (None, Source::Secret(target)) = (&request.host, &request.source) else {
        return Ok(request.host.clone());
    };
    let config = cluster_ingress::workspace(here)?;
    let entries = config.iter().flat_map(|config| &config.hosts);
    let mut known = entries.filter(|entry| entry.credential_name == target.name());
    Ok(known.next().map(|entry| entry.host.clone()))
}

/// The chain that the gateway reads from a Secret.
fn chain_of_secret(request: &Request, found: &FoundSecret, host: Option<Host>) -> Result<Chain, Failure> {
    let unusable = |problem| {
        let problem = pair_fault(&found.secret.data).unwrap_or(problem);
        Failure::usage(found.explain(problem))
    };
    let pair = found.secret.data.key_pair().map_err(unusable)?;
    let purpose = request.purpose.unwrap_or_default();
    Ok(Chain {
        source: pair.certificate.name.clone(),
        certificates: pem::certificates(&pair.certificate.content, &pair.certificate.name).map_err(unusable)?,
        purpose,
        host: match purpose {
            Purpose::Server => host,
            Purpose::Client => request.host.clone(),
        },
    })
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The server's chain of a tree, and its clients' chains.
fn tree_chains(request: &Request, tree: &ChainLayout) -> Result<Vec<Chain>, Failure> {
    let mut chains = Vec::new();
    if request.purpose != Some(Purpose::Client) {
        let path = tree.path(Part::ServerCert);
        chains.push(Chain {
            certificates: certificates(&path)?,
            source: path.display().to_string(),
            purpose: Purpose::Server,
            host: request.host.clone().or_else(|| Some(tree.host().clone())),
        });
    }
    if request.purpose != Some(Purpose::Server) {
        for client in store::clients(tree).map_err(Failure::usage)? {
            let path = tree.path(Part::ClientCert(&client));
            chains.push(Chain {
                certificates: certificates(&path)?,
                source: path.display().to_string(),
                purpose: Purpose::Client,
                host: None,
            });
        }
    }
    Ok(chains)
}

/// The trust anchors, and their source.
fn trusted(
    request: &Request,
    tree: Option<&ChainLayout>,
    secret: Option<&FoundSecret>,
    here: &Surroundings,
) -> Result<(Vec<String>, Vec<CertificateDer<'static>>), Failure> {
    let own_root = tree.map(|tree| tree.path(Part::RootCert)).filter(|path| path.is_file());
    let own_ca = secret.and_then(|found| found.all().find_map(|secret| secret.data.authorities().ok()));
    if let Some(own) = own_ca.filter(|_| request.cacert.is_empty() && own_root.is_none()) {
        let name = own.authorities.name.clone();
        let roots = certificates_of(&own.authorities.content, &name)?;
        return Ok((vec![name], roots));
    }
    let paths = if !request.cacert.is_empty() {
        request.cacert.clone()
    } else if let Some(path) = own_root {
        vec![path]
    } else {
        let Some(system) = pem_files::system_roots(here.environment.get("SSL_CERT_FILE")) else {
            return Err(Failure::usage(
                Problem::new("there are no trust anchors")
                    .why("no --cacert was given, the target is not in a host's tree, and this system has no CA file")
                    .fix("--cacert FILE"),
            ));
        };
        vec![system]
    };
    let mut roots = Vec::new();
    for path in &paths {
        roots.extend(certificates(path)?);
    }
    Ok((paths.iter().map(|path| path.display().to_string()).collect(), roots))
}

fn crls(request: &Request, tree: Option<&ChainLayout>) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let mut paths = request.crl.clone();
    if paths.is_empty() {
        let own = tree.map(|tree| [Part::RootCrl, Part::IntermediateCrl].map(|part| tree.path(part)));
        paths.extend(own.into_iter().flatten().filter(|path| path.is_file()));
    }
    pem_files::crls(&paths)
}
