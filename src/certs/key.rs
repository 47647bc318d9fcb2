//! Private keys in memory: read from PEM or DER, encrypted or not, zeroed on drop, never printed.

use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rustls::crypto::aws_lc_rs::sign;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::FromDer as _;
use zeroize::Zeroizing;

use super::{der, pem};
use crate::problem::Problem;
use crate::remedy::{Remedy, other};

/// PBKDF2 iterations for writing keys (OWASP 2023, HMAC-SHA-256).
const ROUNDS: u32 = 600_000;

/// The maximum PBKDF2 iterations for reading a key: some seconds.
const MOST_ROUNDS: u32 = 10_000_000;
/// The maximum number of scrypt blocks, of 128 bytes each: 1 GiB.
const MOST_SCRYPT_BLOCKS: u64 = 1 << 23;

/// AlgorithmIdentifier of RSA (RFC 8017 appendix A.1): the OID and NULL.
const RSA_ALGORITHM: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// The OID of RSA (rsaEncryption), as an element.
const RSA_OID: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// The OID of elliptic-curve keys (id-ecPublicKey, RFC 5480), as an element.
const EC_OID: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// A private key as unencrypted PKCS#8 DER. It has no `Debug` and no
/// `Display`, so that it cannot reach a log or an error.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(Zeroizing<Vec<u8>>);

impl PrivateKey {
    /// Creates a key from PKCS#8 DER.
    pub fn from_pkcs8(der: Vec<u8>) -> Self {
        Self(Zeroizing::new(der))
    }

    /// The PKCS#8 DER, for consumers that need the key itself.
    pub fn pkcs8(&self) -> &[u8] {
        &self.0
    }

    /// The key in the type of rustls.
    pub fn to_rustls(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.0.to_vec().into())
    }

    /// The key as unencrypted PKCS#8 PEM.
    pub fn pem(&self) -> Zeroizing<String> {
        Zeroizing::new(pem::text(pem::PRIVATE_KEY, &self.0))
    }

    /// The key as encrypted PKCS#8 PEM: PBES2, PBKDF2 with HMAC-SHA-256 and
    /// AES-256-CBC, which OpenSSL 1.0 and LibreSSL can also read.
    ///
    /// # Errors
    /// If the password is empty, or the key is not PKCS#8.
    pub fn encrypted_pem(&self, password: &str) -> Result<Zeroizing<String>, Problem> {
        let refused = |why: &str| Problem::new("the private key cannot be encrypted").why(why.to_owned());
        if password.is_empty() {
            return Err(refused("the password is empty"));
        }
        let (mut salt, mut iv) = ([0_u8; 16], [0_u8; 16]);
        for bytes in [&mut salt, &mut iv] {
            aws_lc_rs::rand::fill(bytes).map_err(|_| refused("the system provides no random bytes"))?;
        }
        let parameters = pkcs8::pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv)
            .map_err(|_| refused("the encryption parameters were refused"))?;
        let encrypted = PrivateKeyInfoRef::try_from(self.pkcs8())
            .and_then(|info| info.encrypt_with_params(parameters, password))
            .map_err(|_| refused("it is not a PKCS#8 key"))?;
        Ok(Zeroizing::new(pem::text(
            pem::ENCRYPTED_PRIVATE_KEY,
            encrypted.as_bytes(),
        )))
    }

    /// The SubjectPublicKeyInfo (DER) of the public half.
    ///
    /// # Errors
    /// If the type of the key is not supported.
    pub fn public_key(&self) -> Result<Vec<u8>, Problem> {
        let unsupported = || {
            Problem::new("the type of the private key is not supported")
                .why("RSA, ECDSA with P-256, P-384 or P-521, and Ed25519 are supported")
        };
        if let Some(public_key) = rsa_public_key(self.pkcs8()) {
            return Ok(public_key);
        }
        let key = self.to_rustls();
        // The provider tries RSA first, and would check an EC key twice.
        let key = sign::any_ecdsa_type(&key)
            .or_else(|_| sign::any_supported_type(&key))
            .map_err(|_| unsupported())?;
        Ok(key.public_key().ok_or_else(unsupported)?.to_vec())
    }

    /// Whether `certificate` belongs to this key.
    pub fn fits(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok(public_key) = self.public_key() else {
            return false;
        };
        let Ok((_, parsed)) = x509_parser::certificate::X509Certificate::from_der(certificate) else {
            return false;
        };
        // Only the key bits: the encoding of the algorithm's parameters varies.
        key_bits(&public_key).is_some_and(|bits| bits == &*parsed.public_key().subject_public_key.data)
    }
}

/// The bits of a SubjectPublicKeyInfo.
fn key_bits(public_key: &[u8]) -> Option<&[u8]> {
    let info = der::take_tag(public_key, der::SEQUENCE)?;
    let algorithm = der::take_tag(info.content, der::SEQUENCE)?;
    let (_, bits) = der::take_tag(algorithm.rest, der::BIT_STRING)?.content.split_first()?;
    Some(bits)
}

/// The SubjectPublicKeyInfo of an RSA key of any size; the provider would refuse one below 2048
/// bits.
fn rsa_public_key(pkcs8: &[u8]) -> Option<Vec<u8>> {
    let info = der::take_tag(pkcs8, der::SEQUENCE)?;
    let version = der::take_tag(info.content, der::INTEGER)?;
    let algorithm = der::take_tag(version.rest, der::SEQUENCE)?;
    if !algorithm.content.starts_with(RSA_OID) {
        return None;
    }
    let key = der::take_tag(algorithm.rest, der::OCTET_STRING)?;
    let key = der::take_tag(key.content, der::SEQUENCE)?;
    let version = der::take_tag(key.content, der::INTEGER)?;
    let modulus = der::take_tag(version.rest, der::INTEGER)?;
    let exponent = der::take_tag(modulus.rest, der::INTEGER)?;
    let public_key = der::wrap(der::SEQUENCE, &[modulus.whole, exponent.whole].concat());
    Some(der::wrap(
        der::SEQUENCE,
        &[RSA_ALGORITHM, &der::bit_string(&public_key)].concat(),
    ))
}

/// The encoding of a key in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// PKCS#8, not encrypted.
    Pkcs8,
    /// PKCS#8, encrypted.
    EncryptedPkcs8,
    /// PKCS#1: RSA keys as OpenSSL wrote them before 3.0.
    Pkcs1,
    /// SEC1: EC keys as OpenSSL wrote them before 3.0.
    Sec1,
}

/// Reads the first private key of a file: PEM or DER; PKCS#8, PKCS#1 or SEC1;
/// encrypted PKCS#8 with `password`. Errors contain `name`.
///
/// # Errors
/// If there is none, it is invalid, or the password is missing or wrong.
pub fn read(content: &[u8], name: &str, password: Option<&str>) -> Result<PrivateKey, Problem> {
    if !pem::is_pem(content) && pem::is_der(content) {
        let encoding = recognise(content).ok_or_else(|| {
            Problem::new(format!("{name} holds no private key")).why(
                "it is DER, but not a PKCS#8, PKCS#1 or \
                SEC1 key",
            )
        })?;
        return decode(content, encoding, name, 1, password);
    }
    read_block(&pem::envoy::private_key(content, name)?, name, password)
}

/// Reads a gateway's key as Envoy does: the first one in a PEM text, not encrypted.
///
/// # Errors
/// See [`read`].
pub fn of_gateway(content: &[u8], name: &str) -> Result<PrivateKey, Problem> {
    read_block(&pem::envoy::private_key(content, name)?, name, None)
}

/// Reads one PEM block that is a private key.
///
/// # Errors
/// See [`read`].
pub fn read_block(block: &pem::Block, name: &str, password: Option<&str>) -> Result<PrivateKey, Problem> {
    if block.legacy_encrypted {
        return Err(Problem::new(format!("{name} holds a key with legacy encryption"))
            .at(format!("{name}:{}", block.line))
            .why("encryption with PEM headers (Proc-Type: 4,ENCRYPTED) is weak and not supported")
            .fix(other::encrypt(name)));
    }
    let encoding = match block.label.as_str() {
        pem::PRIVATE_KEY => Encoding::Pkcs8,
        pem::ENCRYPTED_PRIVATE_KEY => Encoding::EncryptedPkcs8,
        "RSA PRIVATE KEY" => Encoding::Pkcs1,
        "EC PRIVATE KEY" => Encoding::Sec1,
        other => {
            return Err(Problem::new(format!("{name} holds an unsupported key"))
                .at(format!("{name}:{}", block.line))
                .why(format!("{other} is neither PKCS#8, PKCS#1 nor SEC1"))
                .fix("use an RSA, ECDSA or Ed25519 key in one of these formats"));
        }
    };
    decode(&block.der, encoding, name, block.line, password)
}

/// The encoding of a DER key, recognised by its first elements.
pub fn recognise(content: &[u8]) -> Option<Encoding> {
    let outer = der::take_tag(content, der::SEQUENCE)?;
    let first = der::take(outer.content)?;
    let second = der::take(first.rest)?;
    match (first.tag, second.tag) {
        (der::SEQUENCE, der::OCTET_STRING) if second.rest.is_empty() => Some(Encoding::EncryptedPkcs8),
        (der::INTEGER, der::SEQUENCE) => der::take_tag(second.rest, der::OCTET_STRING)
            .filter(|_| der::take_tag(second.content, der::OID).is_some())
            .map(|_| Encoding::Pkcs8),
        (der::INTEGER, der::INTEGER) => Some(Encoding::Pkcs1),
        (der::INTEGER, der::OCTET_STRING) => Some(Encoding::Sec1),
        _ => None,
    }
}

/// Checks that deriving the key from the password takes acceptable time and memory: the file itself
/// determines the cost.
///
/// # Errors
/// The reason why not.
fn check_cost(scheme: &EncryptionScheme) -> Result<(), String> {
    let EncryptionScheme::Pbes2(parameters) = scheme else {
        return Ok(());
    };
    let is_much = match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count > MOST_ROUNDS,
        // RFC 7914 section 2; decryption would panic with 0.
        Kdf::Scrypt(scrypt) if scrypt.cost_parameter < 2 => {
            return Err("its scrypt encryption has an invalid cost".to_owned());
        }
        Kdf::Scrypt(scrypt) => scrypt
            .cost_parameter
            .checked_mul(u64::from(scrypt.block_size))
            .and_then(|blocks| blocks.checked_mul(u64::from(scrypt.parallelization)))
            .is_none_or(|blocks| blocks > MOST_SCRYPT_BLOCKS),
        _ => false,
    };
    if is_much {
        return Err(format!(
            "the cost of its encryption is too high: more than {MOST_ROUNDS} PBKDF2 iterations, or more than 1 GiB for scrypt"
        ));
    }
    Ok(())
}

fn decode(
    content: &[u8],
    encoding: Encoding,
    name: &str,
    line: usize,
    password: Option<&str>,
) -> Result<PrivateKey, Problem> {
    let at = format!("{name}:{line}");
    let broken = || {
        Problem::new(format!("{name} holds an unreadable private key"))
            .at(at.clone())
            .why("its content is not the ASN.1 of a key; the file may be truncated")
    };
    let pkcs8 = match encoding {
        Encoding::Pkcs8 => content.to_vec(),
        Encoding::Pkcs1 => pkcs8_of_rsa(content).ok_or_else(broken)?,
        Encoding::Sec1 => pkcs8_of_sec1(content).ok_or_else(broken)?,
        Encoding::EncryptedPkcs8 => {
            let Some(password) = password else {
                return Err(
                    Problem::new(format!("{name} holds an encrypted key, but no password was given"))
                        .at(at)
                        .fix("pass the password with --password-file FILE or --password-stdin"),
                );
            };
            let info = EncryptedPrivateKeyInfoRef::try_from(content).map_err(|_| broken())?;
            check_cost(&info.encryption_algorithm).map_err(|why| {
                Problem::new(format!("the private key in {name} cannot be decrypted"))
                    .at(at.clone())
                    .why(why)
                    .fix(Remedy::from("encrypt it with a normal cost: ").and(other::encrypt(name)))
            })?;
            info.decrypt(password)
                .map_err(|_| {
                    Problem::new(format!("the private key in {name} cannot be decrypted"))
                        .at(at.clone())
                        .why("the password is wrong, or the encryption is not supported (supported: PBES2 with PBKDF2 or scrypt, and AES)")
                })?
                .as_bytes()
                .to_vec()
        }
    };
    let key = PrivateKey::from_pkcs8(pkcs8);
    match recognise(key.pkcs8()) {
        Some(Encoding::Pkcs8) => Ok(key),
        _ => Err(broken()),
    }
}

/// PKCS#8 around a PKCS#1 key.
fn pkcs8_of_rsa(content: &[u8]) -> Option<Vec<u8>> {
    let key = der::take_tag(content, der::SEQUENCE).filter(|key| key.rest.is_empty())?;
    let version = der::take_tag(key.content, der::INTEGER)?;
    der::take_tag(version.rest, der::INTEGER)?;
    Some(pkcs8_of(RSA_ALGORITHM, content))
}

/// PKCS#8 around a SEC1 key, which must contain its curve (RFC 5915 section 3).
fn pkcs8_of_sec1(content: &[u8]) -> Option<Vec<u8>> {
    let key = der::take_tag(content, der::SEQUENCE).filter(|key| key.rest.is_empty())?;
    let version = der::take_tag(key.content, der::INTEGER)?;
    let private = der::take_tag(version.rest, der::OCTET_STRING)?;
    let parameters = der::take_tag(private.rest, 0xa0)?;
    let curve = der::take_tag(parameters.content, der::OID)?;
    let algorithm = der::wrap(der::SEQUENCE, &[EC_OID, curve.whole].concat());
    Some(pkcs8_of(&algorithm, content))
}

fn pkcs8_of(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let key = Zeroizing::new(der::wrap(der::OCTET_STRING, key));
    let content = Zeroizing::new([&[der::INTEGER, 1, 0], algorithm, &key[..]].concat());
    der::wrap(der::SEQUENCE, &content)
}
