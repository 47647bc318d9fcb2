//! Private keys in memory: read from PEM or DER, encrypted or not, wiped when
//! dropped, never printed.

use zeroize::Zeroizing;

use crate::problem::Problem;

/// A private key as unencrypted PKCS#8 DER. It has no `Debug` and no
/// `Display`, so that it cannot reach a log or an error.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(Zeroizing<Vec<u8>>);

impl PrivateKey {
    /// Takes PKCS#8 DER.
    pub fn from_pkcs8(der: Vec<u8>) -> Self {
        Self(Zeroizing::new(der))
    }

    /// The PKCS#8 DER, for a consumer that needs the key itself.
    pub fn pkcs8(&self) -> &[u8] {
        &self.0
    }

    /// The key as rustls takes it.
    pub fn to_rustls(&self) -> rustls::pki_types::PrivateKeyDer<'static> {
        rustls::pki_types::PrivateKeyDer::Pkcs8(self.0.to_vec().into())
    }

    /// The key as unencrypted PKCS#8 PEM.
    pub fn pem(&self) -> Zeroizing<String> {
        Zeroizing::new(super::pem::text(super::pem::PRIVATE_KEY, &self.0))
    }

    /// The key as encrypted PKCS#8 PEM: PBES2, PBKDF2 with HMAC-SHA-256 and
    /// AES-256-CBC, which OpenSSL 1.0 and LibreSSL read too.
    ///
    /// # Errors
    /// When the key is no PKCS#8.
    pub fn encrypted_pem(&self, password: &str) -> Result<Zeroizing<String>, Problem> {
        let _ = password;
        todo!()
    }

    /// The SubjectPublicKeyInfo (DER) of the public half.
    ///
    /// # Errors
    /// When the key is of a type that is not supported.
    pub fn public_key(&self) -> Result<Vec<u8>, Problem> {
        todo!()
    }

    /// Whether `certificate` is for this key.
    pub fn fits(&self, certificate: &rustls::pki_types::CertificateDer<'_>) -> bool {
        let _ = certificate;
        todo!()
    }
}

/// Reads the first private key of a file: PEM or DER; PKCS#8, PKCS#1 or SEC1;
/// encrypted PKCS#8 with `password`. `name` is said in errors.
///
/// # Errors
/// When there is none, it is broken, or the password is absent or wrong.
pub fn read(content: &[u8], name: &str, password: Option<&str>) -> Result<PrivateKey, Problem> {
    let _ = (content, name, password);
    todo!()
}
