//! The items of a file, and which of them belong together.

use rustls::pki_types::CertificateDer;
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::algorithms::{KeyFacts, public_key};
use super::certificate::{CertificateFacts, NameFact, certificate, sha256};
use crate::certs::key::{self, Encoding, PrivateKey};
use crate::certs::names::general_name;
use crate::certs::signature::{Outcome, check_signed};
use crate::certs::{crl, csr, pem, pkcs7, pkcs12};
use crate::problem::Problem;

/// One item in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its number in the report, from 1.
    pub number: usize,
    /// The file or other source.
    pub source: String,
    /// The line in a PEM file.
    pub line: Option<usize>,
    /// Its content.
    pub found: Found,
    /// The numbers of the items that issued it.
    pub issued_by: Vec<usize>,
    /// The number of the earlier item that holds the same certificate.
    pub same_as: Option<usize>,
    /// The numbers of the certificates for this key.
    pub fits: Vec<usize>,
    /// The certificate's DER, for [`relate`].
    der: Option<CertificateDer<'static>>,
}

/// The content of an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A certificate.
    Certificate(Box<CertificateFacts>),
    /// A private key; nothing of its private half is shown.
    PrivateKey(PrivateKeyFacts),
    /// A certificate request.
    CertificateRequest(RequestFacts),
    /// A CRL.
    Crl(CrlFacts),
    /// Another kind of PEM block.
    Other {
        /// Its label.
        label: String,
    },
    /// Something unreadable.
    Unreadable {
        /// Why.
        problem: Problem,
    },
}

/// The displayed properties of a private key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrivateKeyFacts {
    /// Algorithm and size; none if it is encrypted and no password was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyFacts>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// How it is encoded: `PKCS#8`, `PKCS#1`, `SEC1`, `PKCS#12`.
    pub encoding: &'static str,
    /// SHA-256 of the SubjectPublicKeyInfo, hex with colons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key_sha256: Option<String>,
}

/// The displayed properties of a certificate request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestFacts {
    /// The requested subject.
    pub subject: String,
    /// The requested names.
    pub names: Vec<String>,
    /// The public key.
    pub key: KeyFacts,
    /// SHA-256 of the SubjectPublicKeyInfo, hex with colons.
    pub public_key_sha256: String,
}

/// The displayed properties of a CRL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CrlFacts {
    /// The CA.
    pub issuer: String,
    /// cRLNumber, decimal; the item has its own `number`.
    #[serde(rename = "crlNumber", skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// RFC 3339.
    pub this_update: String,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_update: Option<String>,
    /// The revoked certificates.
    pub revoked: Vec<RevokedFact>,
}

/// One entry of a CRL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RevokedFact {
    /// Hex with colons.
    pub serial: String,
    /// RFC 3339.
    pub date: String,
}

impl Item {
    fn new(source: &str, line: Option<usize>, found: Found) -> Self {
        Self {
            number: 0,
            source: source.to_owned(),
            line,
            found,
            issued_by: Vec::new(),
            same_as: None,
            fits: Vec::new(),
            der: None,
        }
    }

    /// An unreadable file, and why.
    pub fn unreadable(source: &str, problem: Problem) -> Self {
        Self::new(source, None, Found::Unreadable { problem })
    }

    /// The facts of the certificate, if it is one.
    pub fn certificate(&self) -> Option<&CertificateFacts> {
        match &self.found {
            Found::Certificate(facts) => Some(facts),
            _ => None,
        }
    }
}

/// Items for certificates that are not from a file, for example from a server.
pub fn from_certificates(certificates: &[CertificateDer<'_>], source: &str, now: OffsetDateTime) -> Vec<Item> {
    certificates
        .iter()
        .map(|der| certificate_item(der, source, None, now))
        .collect()
}

/// Finds all items of a file: PEM, DER or PKCS#12.
///
/// # Errors
/// If the file as a whole cannot be read: it is empty, its PEM is invalid, it is neither PEM, DER
/// nor PKCS#12, or the password of a PKCS#12 is wrong.
pub fn scan(content: &[u8], source: &str, password: Option<&str>, now: OffsetDateTime) -> Result<Vec<Item>, Problem> {
    if pem::is_pem(content) {
        return Ok(pem::blocks(content, source)?
            .iter()
            .flat_map(|block| {
                if pkcs7::is_label(&block.label) {
                    return pkcs7_items(&block.der, source, Some(block.line), now);
                }
                vec![block_item(block, source, password, now)]
            })
            .collect());
    }
    if pkcs7::is_pkcs7(content) {
        return Ok(pkcs7_items(content, source, None, now));
    }
    if pkcs12::is_pkcs12(content) {
        return pkcs12_items(content, source, password, now);
    }
    if pem::is_der(content) {
        return der_item(content, source, password, now).map(|item| vec![item]);
    }
    // The same text for anything that is not PEM at all.
    pem::blocks(content, source).map(|_| Vec::new())
}

fn block_item(block: &pem::Block, source: &str, password: Option<&str>, now: OffsetDateTime) -> Item {
    let line = Some(block.line);
    let unreadable = |problem| Item::new(source, line, Found::Unreadable { problem });
    if block.is_certificate() {
        return certificate_item(&block.certificate(), source, line, now);
    }
    if block.is_private_key() {
        let encoding = match block.label.as_str() {
            pem::ENCRYPTED_PRIVATE_KEY => Encoding::EncryptedPkcs8,
            "RSA PRIVATE KEY" => Encoding::Pkcs1,
            "EC PRIVATE KEY" => Encoding::Sec1,
            _ => Encoding::Pkcs8,
        };
        if encoding == Encoding::EncryptedPkcs8 && password.is_none() {
            return Item::new(source, line, Found::PrivateKey(locked(encoding)));
        }
        return match key::read_block(block, source, password) {
            Ok(key) => Item::new(source, line, Found::PrivateKey(key_facts(&key, encoding))),
            Err(problem) => unreadable(problem),
        };
    }
    match block.label.as_str() {
        pem::CERTIFICATE_REQUEST | "NEW CERTIFICATE REQUEST" => match request(&block.der, source) {
            Ok(found) => Item::new(source, line, found),
            Err(problem) => unreadable(problem),
        },
        pem::CRL => match crl::facts(&block.der, source) {
            Ok(facts) => Item::new(source, line, Found::Crl(facts)),
            Err(problem) => unreadable(problem),
        },
        label => Item::new(
            source,
            line,
            Found::Other {
                label: label.to_owned(),
            },
        ),
    }
}

fn pkcs7_items(content: &[u8], source: &str, line: Option<usize>, now: OffsetDateTime) -> Vec<Item> {
    match pkcs7::certificates(content, source) {
        Ok(certificates) => certificates
            .iter()
            .map(|der| certificate_item(der, source, line, now))
            .collect(),
        Err(problem) => vec![Item::new(source, line, Found::Unreadable { problem })],
    }
}

fn der_item(content: &[u8], source: &str, password: Option<&str>, now: OffsetDateTime) -> Result<Item, Problem> {
    if pem::check_certificate(content).is_ok() {
        return Ok(certificate_item(
            &CertificateDer::from(content.to_vec()),
            source,
            None,
            now,
        ));
    }
    if let Some(encoding) = key::recognise(content) {
        if encoding == Encoding::EncryptedPkcs8 && password.is_none() {
            return Ok(Item::new(source, None, Found::PrivateKey(locked(encoding))));
        }
        let key = key::read(content, source, password)?;
        return Ok(Item::new(source, None, Found::PrivateKey(key_facts(&key, encoding))));
    }
    if let Ok(facts) = crl::facts(content, source) {
        return Ok(Item::new(source, None, Found::Crl(facts)));
    }
    if let Ok(found) = request(content, source) {
        return Ok(Item::new(source, None, found));
    }
    Err(Problem::new(format!("{source} cannot be read"))
        .why("it is DER, but not a certificate, key, request, CRL or PKCS#12; it may be truncated"))
}

fn pkcs12_items(
    content: &[u8],
    source: &str,
    password: Option<&str>,
    now: OffsetDateTime,
) -> Result<Vec<Item>, Problem> {
    let bundle = pkcs12::read(content, source, password)?;
    let mut items = Vec::new();
    for key in &bundle.keys {
        let mut facts = key_facts(key, Encoding::Pkcs8);
        facts.encoding = "PKCS#12";
        facts.encrypted = true;
        items.push(Item::new(source, None, Found::PrivateKey(facts)));
    }
    items.extend(from_certificates(&bundle.certificates, source, now));
    Ok(items)
}

fn certificate_item(der: &CertificateDer<'_>, source: &str, line: Option<usize>, now: OffsetDateTime) -> Item {
    match certificate(der, now) {
        Ok(facts) => Item {
            der: Some(der.clone().into_owned()),
            ..Item::new(source, line, Found::Certificate(Box::new(facts)))
        },
        Err(mut problem) => {
            problem.what = format!("{source} holds an unreadable certificate");
            problem.at = line.map(|line| format!("{source}:{line}"));
            Item::new(source, line, Found::Unreadable { problem })
        }
    }
}

fn request(der: &[u8], source: &str) -> Result<Found, Problem> {
    let request = csr::read(der, source)?;
    let unreadable = || Problem::new(format!("{source} holds a certificate request with an unreadable key"));
    let (_, info) = x509_parser::x509::SubjectPublicKeyInfo::from_der(&request.public_key).map_err(|_| unreadable())?;
    Ok(Found::CertificateRequest(RequestFacts {
        subject: request.subject.clone(),
        names: request.sans.iter().map(ToString::to_string).collect(),
        key: public_key(&info),
        public_key_sha256: sha256(&request.public_key),
    }))
}

fn locked(encoding: Encoding) -> PrivateKeyFacts {
    PrivateKeyFacts {
        key: None,
        encrypted: true,
        encoding: encoding_name(encoding),
        public_key_sha256: None,
    }
}

fn key_facts(key: &PrivateKey, encoding: Encoding) -> PrivateKeyFacts {
    let info = key.public_key().ok();
    let facts = info.as_ref().and_then(|info| {
        let (_, parsed) = x509_parser::x509::SubjectPublicKeyInfo::from_der(info).ok()?;
        Some(public_key(&parsed))
    });
    PrivateKeyFacts {
        key: facts,
        encrypted: encoding == Encoding::EncryptedPkcs8,
        encoding: encoding_name(encoding),
        public_key_sha256: info.map(|info| sha256(&info)),
    }
}

fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Pkcs8 | Encoding::EncryptedPkcs8 => "PKCS#8",
        Encoding::Pkcs1 => "PKCS#1",
        Encoding::Sec1 => "SEC1",
    }
}

/// Numbers the items, and determines which certificate issued which, and which key matches which.
pub fn relate(items: &mut [Item]) {
    for (index, item) in items.iter_mut().enumerate() {
        item.number = index + 1;
    }
    let same_as: Vec<Option<usize>> = items.iter().map(|item| earlier(item, items)).collect();
    for (item, same_as) in items.iter_mut().zip(same_as) {
        item.same_as = same_as;
    }
    let issued_by: Vec<Vec<usize>> = items.iter().map(|item| issuers(item, items)).collect();
    let fits: Vec<Vec<usize>> = items.iter().map(|item| fitting(item, items)).collect();
    for ((item, issued_by), fits) in items.iter_mut().zip(issued_by).zip(fits) {
        item.issued_by = issued_by;
        item.fits = fits;
    }
}

/// The first item with the same certificate, if it is not this one.
fn earlier(item: &Item, items: &[Item]) -> Option<usize> {
    let der = item.der.as_ref()?;
    items
        .iter()
        .find(|other| other.der.as_ref() == Some(der))
        .map(|other| other.number)
        .filter(|number| *number != item.number)
}

fn issuers(item: &Item, items: &[Item]) -> Vec<usize> {
    let (Some(der), Some(facts)) = (&item.der, item.certificate()) else {
        return Vec::new();
    };
    items
        .iter()
        .filter(|other| other.same_as.is_none())
        .filter(|other| other.certificate().is_some_and(|issuer| issuer.subject == facts.issuer))
        .filter(|other| other.der.as_ref() != Some(der))
        .filter(|other| {
            other.der.as_ref().is_some_and(|issuer| {
                X509Certificate::from_der(issuer)
                    .is_ok_and(|(_, issuer)| check_signed(issuer.public_key(), der) == Outcome::Good)
            })
        })
        .map(|other| other.number)
        .collect()
}

fn fitting(item: &Item, items: &[Item]) -> Vec<usize> {
    let Found::PrivateKey(PrivateKeyFacts {
        public_key_sha256: Some(hash),
        ..
    }) = &item.found
    else {
        return Vec::new();
    };
    items
        .iter()
        .filter(|other| match &other.found {
            Found::Certificate(facts) => &facts.public_key_sha256 == hash,
            Found::CertificateRequest(facts) => &facts.public_key_sha256 == hash,
            _ => false,
        })
        .map(|other| other.number)
        .collect()
}

impl NameFact {
    /// `DNS:a`, as in OpenSSL.
    pub fn text(&self) -> String {
        format!("{}:{}", self.kind, self.value)
    }

    /// A name of a parsed certificate.
    pub(crate) fn of(name: &x509_parser::extensions::GeneralName<'_>) -> Self {
        let (kind, value) = general_name(name);
        Self { kind, value }
    }
}
