//! Certificate requests (PKCS#10, RFC 2986): read, and their signature checked,
//! so that whoever asks holds the key.

use super::plan::San;
use crate::problem::Problem;

/// A request whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The SubjectPublicKeyInfo (DER).
    pub(crate) public_key: Vec<u8>,
    /// The names it asks for.
    pub sans: Vec<San>,
}

/// Reads a request, PEM or DER. `name` is said in errors.
///
/// # Errors
/// When it is broken, its signature does not verify, or its key is too weak.
pub fn read(content: &[u8], name: &str) -> Result<CertificateRequest, Problem> {
    let _ = (content, name);
    todo!()
}
