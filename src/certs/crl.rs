//! Certificate revocation lists (RFC 5280 section 5): issuing, extending, reading.

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::authority::{CertificateAuthority, failed};
use super::inspect::{CrlFacts, RevokedFact};
use super::names::display;
use super::pem;
use super::times::rfc3339;
use crate::hex::with_colons;
use crate::problem::Problem;

/// How long a CRL is valid; after that, verifiers require a new one.
pub const LIFETIME: Duration = Duration::days(365);

/// One revoked certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The serial number's octets, big-endian, without a leading zero.
    pub serial: Vec<u8>,
    /// When it was revoked.
    pub date: OffsetDateTime,
}

/// A CRL's content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// cRLNumber; 0 if there was none.
    pub number: u64,
    /// The revoked certificates.
    pub revoked: Vec<Revoked>,
}

impl Contents {
    /// Adds a serial number; returns false if it was already listed.
    pub fn revoke(&mut self, serial: &[u8], date: OffsetDateTime) -> bool {
        let serial = without_zeros(serial);
        if self.revoked.iter().any(|known| known.serial == serial) {
            return false;
        }
        self.revoked.push(Revoked {
            serial: serial.to_vec(),
            date,
        });
        true
    }
}

/// Signs a CRL with the contents; its number is incremented.
///
/// # Errors
/// If the CA may not sign CRLs.
pub fn issue(
    contents: &Contents,
    authority: &CertificateAuthority,
    now: OffsetDateTime,
) -> Result<CertificateRevocationListDer<'static>, Problem> {
    let this_update = now.replace_nanosecond(0).unwrap_or(now);
    let params = CertificateRevocationListParams {
        this_update,
        next_update: this_update + LIFETIME,
        crl_number: SerialNumber::from(contents.number.saturating_add(1)),
        issuing_distribution_point: None,
        revoked_certs: contents
            .revoked
            .iter()
            .map(|revoked| RevokedCertParams {
                serial_number: SerialNumber::from_slice(&revoked.serial),
                revocation_time: revoked.date,
                reason_code: Some(RevocationReason::CessationOfOperation),
                invalidity_date: None,
            })
            .collect(),
        key_identifier_method: authority.key_identifier_method(),
    };
    let signed = params.signed_by(&authority.issuer).map_err(failed)?;
    let der = super::reissue::crl_with_issuer(signed.der(), authority.name(), |message| {
        rcgen::SigningKey::sign(authority.issuer.key(), message).map_err(failed)
    })?;
    Ok(der.into())
}

/// Writes a CRL as PEM.
pub fn text(crl: &CertificateRevocationListDer<'_>) -> String {
    pem::text(pem::CRL, crl)
}

/// Reads a CRL's contents, PEM or DER, to extend it.
///
/// # Errors
/// If it is not a CRL.
pub fn contents(content: &[u8], name: &str) -> Result<Contents, Problem> {
    let crls = pem::crls(content, name)?;
    let first = crls
        .first()
        .ok_or_else(|| Problem::new(format!("{name} holds no CRL")))?;
    let parsed = parse(first, name)?;
    let number = parsed
        .crl_number()
        .and_then(|number| u64::try_from(number).ok())
        .unwrap_or(0);
    Ok(Contents {
        number,
        revoked: parsed
            .iter_revoked_certificates()
            .map(|entry| Revoked {
                serial: without_zeros(entry.raw_serial()).to_vec(),
                date: entry.revocation_date.to_datetime(),
            })
            .collect(),
    })
}

/// When a CRL (DER) expires: its nextUpdate, if it has one.
///
/// # Errors
/// If it is not a CRL; the error contains `name`.
pub fn next_update(crl: &CertificateRevocationListDer<'_>, name: &str) -> Result<Option<OffsetDateTime>, Problem> {
    Ok(parse(crl, name)?.next_update().map(|end| end.to_datetime()))
}

/// Whether the issuer of a CRL is the subject of `ca`.
pub fn is_of(crl: &CertificateRevocationListDer<'_>, ca: &CertificateDer<'_>) -> bool {
    let (Ok((_, crl)), Ok((_, ca))) = (CertificateRevocationList::from_der(crl), X509Certificate::from_der(ca)) else {
        return false;
    };
    crl.issuer().as_raw() == ca.subject().as_raw()
}

/// The content of a CRL (DER), for display.
pub(super) fn facts(der: &[u8], name: &str) -> Result<CrlFacts, Problem> {
    let parsed = parse(der, name)?;
    Ok(CrlFacts {
        issuer: display(parsed.issuer()),
        number: parsed.crl_number().map(ToString::to_string),
        this_update: rfc3339(parsed.last_update().to_datetime()),
        next_update: parsed.next_update().map(|next| rfc3339(next.to_datetime())),
        revoked: parsed
            .iter_revoked_certificates()
            .map(|entry| RevokedFact {
                serial: with_colons(without_zeros(entry.raw_serial())),
                date: rfc3339(entry.revocation_date.to_datetime()),
            })
            .collect(),
    })
}

fn parse<'a>(der: &'a [u8], name: &str) -> Result<CertificateRevocationList<'a>, Problem> {
    CertificateRevocationList::from_der(der)
        .map(|(_, parsed)| parsed)
        .map_err(|_| Problem::new(format!("{name} holds no CRL")).why("its content is not an X.509 CRL"))
}

fn without_zeros(serial: &[u8]) -> &[u8] {
    let zeros = serial
        .iter()
        .take(serial.len().saturating_sub(1))
        .take_while(|byte| **byte == 0)
        .count();
    &serial[zeros..]
}

impl CertificateAuthority {
    /// The CA's own key identifier, for authorityKeyIdentifier.
    fn key_identifier_method(&self) -> KeyIdMethod {
        self.key_identifier
            .clone()
            .map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified)
    }
}
