//! Certificates and CRLs in files that flags name.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::certs::{CertificateDer, CertificateRevocationListDer, pem, pkcs7};
use crate::files::{self, PEM_LIMIT};

/// Where systems keep the CA certificates that their clients trust.
const SYSTEM_ROOTS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The file of the CAs that this system trusts: the value of SSL_CERT_FILE if `given`,
/// otherwise a standard location.
pub fn system_roots(given: Option<&str>) -> Option<PathBuf> {
    given
        .map(PathBuf::from)
        .or_else(|| SYSTEM_ROOTS.iter().map(PathBuf::from).find(|path| path.is_file()))
}

/// The certificates in a file, at least one: PEM, a single one in DER, or PKCS#7.
///
/// # Errors
/// If it cannot be read or contains none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let content = files::read_given(path, PEM_LIMIT).map_err(Failure::usage)?;
    certificates_of(&content, &path.display().to_string())
}

/// Like [`certificates`], for content that was already read; `name` is its name in
/// errors.
///
/// # Errors
/// If it contains none.
pub fn certificates_of(content: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    if pkcs7::is_pkcs7(content) {
        return pkcs7::read(content, name).map_err(Failure::usage);
    }
    if pem::is_der_certificate(content) {
        return Ok(vec![CertificateDer::from(content.to_vec())]);
    }
    pem::certificates(content, name).map_err(Failure::usage)
}

/// The CRLs in files.
///
/// # Errors
/// If one cannot be read or contains none.
pub fn crls(paths: &[PathBuf]) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let mut crls = Vec::new();
    for path in paths {
        let content = files::read_given(path, PEM_LIMIT).map_err(Failure::usage)?;
        crls.extend(pem::crls(&content, &path.display().to_string()).map_err(Failure::usage)?);
    }
    Ok(crls)
}
