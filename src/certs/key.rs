//! Private keys in memory: wiped when dropped, never printed.

use zeroize::Zeroizing;

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
}
