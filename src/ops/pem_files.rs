//! Certificates and revocation lists of files that flags name.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::certs::{CertificateDer, CertificateRevocationListDer, pem, pkcs7};
use crate::files::{self, PEM_LIMIT};

/// Where systems keep the certificates that their clients trust.
const SYSTEM_ROOTS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The file of the CAs that this system trusts: SSL_CERT_FILE's value if it is
/// `given`, else where systems keep them.
pub fn system_roots(given: Option<&str>) -> Option<PathBuf> {
    given
        .map(PathBuf::from)
        .or_else(|| SYSTEM_ROOTS.iter().map(PathBuf::from).find(|path| path.is_file()))
}

/// The certificates of a file, at least one: PEM, one in DER, or PKCS#7.
///
/// # Errors
/// When it cannot be read or holds none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let content = files::read_given(path, PEM_LIMIT).map_err(Failure::usage)?;
    certificates_of(&content, &path.display().to_string())
}

/// As [`certificates`], of content that was read; `name` is said in errors.
///
/// # Errors
/// When it holds none.
pub fn certificates_of(content: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    if pkcs7::is_pkcs7(content) {
        return pkcs7::read(content, name).map_err(Failure::usage);
    }
    if pem::is_der_certificate(content) {
        return Ok(vec![CertificateDer::from(content.to_vec())]);
    }
    pem::certificates(content, name).map_err(Failure::usage)
}

/// The revocation lists of files.
///
/// # Errors
/// When one cannot be read or holds none.
pub fn crls(paths: &[PathBuf]) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let mut crls = Vec::new();
    for path in paths {
        let content = files::read_given(path, PEM_LIMIT).map_err(Failure::usage)?;
        crls.extend(pem::crls(&content, &path.display().to_string()).map_err(Failure::usage)?);
    }
    Ok(crls)
}
