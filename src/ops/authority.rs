//! The CAs that commands sign with: read from a workspace's folders, keys decrypted and
//! checked to match.

use std::path::Path;

use super::failure::Failure;
use super::pem_files::certificates;
use super::surroundings::Surroundings;
use crate::certs::{CertificateAuthority, CertificateDer, key, renew};
use crate::files::{self, PEM_LIMIT};
use crate::problem::Problem;
use crate::workspace::layout::{ChainLayout, Part, RootLayout};

/// An intermediate that signs leaves, and the root above it.
pub struct Intermediate {
    /// The intermediate.
    pub ca: CertificateAuthority,
    /// Its root.
    pub root: CertificateDer<'static>,
}

/// The intermediate of `--ca DIR`: a HOST folder or its 2_intermediate.
///
/// # Errors
/// If a part is missing or does not match, or the key's password is wrong.
pub fn intermediate_of_folder(
    here: &Surroundings,
    given: &Path,
    password: Option<&str>,
) -> Result<Intermediate, Failure> {
    let in_workspace = here.dir.join(given);
    let dir = if is_there(given)? {
        given
    } else {
        in_workspace.as_path()
    };
    let name = "certs/intermediate.cert.pem";
    let below = dir.join("2_intermediate");
    let folder = if is_there(&below.join(name))? {
        below
    } else if is_there(&dir.join(name))? {
        dir.to_owned()
    } else {
        return Err(Failure::usage(
            Problem::new(format!("{} contains no intermediate", given.display()))
                .why(format!("neither 2_intermediate/{name} nor {name} exists there"))
                .fix("give the folder of a host that has a chain, such as --ca httpbin.example.com"),
        ));
    };
    let chain = folder.join("certs/ca-chain.cert.pem");
    let beside = folder.join("../1_root/certs/ca.cert.pem");
    let root = if is_there(&beside)? { beside } else { chain };
    intermediate(
        &folder.join(name),
        &folder.join("private/intermediate.key.pem"),
        &root,
        password,
    )
}

/// The intermediate of a host's own chain.
///
/// # Errors
/// As [`intermediate_of_folder`].
pub fn intermediate_of_host(layout: &ChainLayout, password: Option<&str>) -> Result<Intermediate, Failure> {
    let beside = layout.path(Part::RootCert);
    let root = if is_there(&beside)? {
        beside
    } else {
        layout.path(Part::CaChain)
    };
    intermediate(
        &layout.path(Part::IntermediateCert),
        &layout.path(Part::IntermediateKey),
        &root,
        password,
    )
}

/// The CA of a host's own chain that issues client certificates: its intermediate, or its
/// root if it has none.
///
/// # Errors
/// As [`intermediate_of_folder`].
pub fn client_issuer(layout: &ChainLayout, password: Option<&str>) -> Result<Intermediate, Failure> {
    if is_there(&layout.path(Part::IntermediateCert))? {
        return intermediate_of_host(layout, password);
    }
    let ca = ca(&layout.path(Part::RootCert), &layout.path(Part::RootKey), password)?;
    Ok(Intermediate {
        root: ca.certificate().clone(),
        ca,
    })
}

/// The root of `--root DIR`; none if neither its certificate nor its key exists.
///
/// # Errors
/// If only one of them exists, or they do not match.
pub fn shared_root(layout: &RootLayout, password: Option<&str>) -> Result<Option<CertificateAuthority>, Failure> {
    if !is_there(&layout.cert())? && !is_there(&layout.key())? {
        return Ok(None);
    }
    ca(&layout.cert(), &layout.key(), password).map(Some)
}

/// Reads a CA's certificate and key.
///
/// # Errors
/// If one is missing or broken, or they do not match.
pub fn ca(cert: &Path, key_path: &Path, password: Option<&str>) -> Result<CertificateAuthority, Failure> {
    let certificate = first_certificate(cert)?;
    if !is_there(key_path)? {
        return Err(Failure::usage(
            Problem::new(format!("{} does not exist", key_path.display()))
                .why(format!("{} cannot sign without its key", cert.display()))
                .fix(
                    "use the folder in which the CA was created; a chain under a shared CA \
                    contains only certificates",
                ),
        ));
    }
    let content = zeroize::Zeroizing::new(files::read(key_path, PEM_LIMIT).map_err(Failure::usage)?);
    let name = key_path.display().to_string();
    let key = key::read(&content, &name, password).map_err(Failure::usage)?;
    CertificateAuthority::new(certificate, &key).map_err(|problem| {
        let problem = Problem {
            at: problem.at.clone().or(Some(name)),
            ..problem
        };
        Failure::usage(problem)
    })
}

fn intermediate(cert: &Path, key: &Path, root: &Path, password: Option<&str>) -> Result<Intermediate, Failure> {
    let ca = ca(cert, key, password)?;
    // ca-chain.cert.pem ends with the root; while a CA is being replaced, both files
    // contain the previous root as well.
    let mut above = certificates(root)?;
    let own = above
        .iter()
        .position(|known| renew::is_issued_by(ca.certificate(), known));
    let root = match own {
        Some(own) => Some(above.swap_remove(own)),
        None => above.pop(),
    }
    .ok_or_else(|| Failure::usage(Problem::new(format!("{} holds no certificate", root.display()))))?;
    Ok(Intermediate { ca, root })
}

/// Whether a file exists; one whose existence cannot be checked does not count as
/// missing.
fn is_there(path: &Path) -> Result<bool, Failure> {
    files::is_there(path).map_err(Failure::usage)
}

fn first_certificate(path: &Path) -> Result<CertificateDer<'static>, Failure> {
    certificates(path)?
        .into_iter()
        .next()
        .ok_or_else(|| Failure::usage(Problem::new(format!("{} holds no certificate", path.display()))))
}
